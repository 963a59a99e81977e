//! How many honest strangers are served beside hostile address groups that take all they can.

use ltms_core::*;

use crate::made::*;

/// Honest strangers that come, one a second, each from a wide group of its own.
const HONEST: u32 = 2_000;

/// Served at the first try, and how many came, with a node's 4,096 cells under `seeds` seeds.
pub(crate) fn served(hostile: u32, seeds: u8) -> [u64; 2] {
    let keys = keys(1 << 32, 65_536);
    let capacity = Capacity { identities: 1, ..Capacity::NODE };
    assert_eq!(capacity.cells, 4_096);
    let (mut count, mut numbers) = ([0; 2], 0..);
    for seed in 0..seeds {
        let mut gate = Gate::new(Heap::new(capacity), POLICY, Seed::new([seed; 16])).unwrap();
        let mut ask = |now, group: u32| {
            // Each time another id and another key: both are free.
            let number: u64 = numbers.next().unwrap();
            let connection = connection(number, group << 8);
            let ad = Ad {
                author: keys[number as usize % keys.len()],
                identity: None,
                peer: connection.peer,
                created_at: now,
                lasting: Millis::from_mins(10),
                delegation: None,
            };
            gate.connected(now, &connection).unwrap();
            let decision = settle(&mut gate, now, &Source::direct(connection.peer), &ad.seal());
            gate.disconnected(now, &connection.peer);
            decision
        };
        let mut opens = vec![START; hostile as usize];
        for second in 0..HONEST {
            let now = START.saturating_add(SECOND.saturating_mul(second.into()));
            for (group, opens) in (0..).zip(&mut opens) {
                while *opens <= now {
                    let decision = ask(now, group);
                    assert!(matches!(decision.reason, Reason::New | Reason::StrangerWindow));
                    *opens = decision.retry_at.unwrap_or(now);
                }
            }
            let decision = ask(now, 10_000 + second);
            count[0] += u64::from(decision.reason == Reason::New);
            count[1] += 1;
        }
    }
    count
}
