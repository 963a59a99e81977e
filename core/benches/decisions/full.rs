//! What calls cost that find a node's tables full.

use std::time::Instant;

use ltms_core::*;

use crate::made::*;
use crate::world::policy;

/// Ids that come when the table of bans is full.
const FURTHER: u64 = 2_000;

/// A gate whose ban table is full, and how long each call took that further ids were the cause
/// of: their connection, their ban, and the connection of another id from the same group.
fn flooded(group_of: fn(u64) -> u32) -> (Gate<Heap>, [Vec<f64>; 3]) {
    let mut gate = Gate::new(Heap::new(Capacity::NODE), policy(), Seed::new([8; 16])).unwrap();
    let automatic = u64::from(Capacity::NODE.bans) / 4 * 3;
    let mut nanos = [const { Vec::new() }; 3];
    for number in 0..automatic + FURTHER {
        let connection = connection(number, group_of(number));
        let source = Source::direct(connection.peer);
        let mut times = [0.0; 3];
        let start = Instant::now();
        gate.connected(START, &connection).unwrap();
        times[0] = start.elapsed().as_nanos() as f64;
        let start = Instant::now();
        let _ = gate.malformed(START, &source, Reason::Malformed, b"x");
        times[1] = start.elapsed().as_nanos() as f64;
        gate.disconnected(START, &connection.peer);
        let neighbour = Connection { peer: peer((1 << 40) + number), ..connection };
        let start = Instant::now();
        let _ = gate.screen_connection(START, &neighbour);
        times[2] = start.elapsed().as_nanos() as f64;
        while gate.poll_event(START).is_some() {}
        if number >= automatic {
            nanos.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        }
    }
    (gate, nanos)
}

/// Nanoseconds of many calls of each kind.
pub(crate) fn cases() -> Vec<(&'static str, Vec<f64>)> {
    let (apart, [connections, lost, _]) = flooded(|number| (number as u32) << 8);
    assert!(apart.metrics(START).bans_not_recorded >= FURTHER - 1);
    let (dense, [_, merged, asked]) = flooded(|number| number as u32 % 100 * 256);
    assert!(dense.metrics(START).bans_merged > FURTHER);
    vec![
        ("a fresh peer connects and takes the row of another", connections),
        ("a ban that finds no room", lost),
        ("a ban beside groups that are merged when there is no room", merged),
        ("a fresh peer's connection from a group that may be banned", asked),
    ]
}
