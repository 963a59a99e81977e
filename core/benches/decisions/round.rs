//! One sample of every kind of decision.

use std::hint::black_box;
use std::time::Instant;

use ltms_core::burn::BurnScript;
use ltms_core::chain::Transaction;
use ltms_core::wire::{AdHeader, Delegation};
use ltms_core::*;

use crate::made::*;
use crate::world::*;

/// Nanoseconds for each input; every answer must be among those `expected`.
fn time<T>(
    inputs: &mut [T],
    expected: &[Reason],
    mut decide: impl FnMut(u64, &mut T) -> Reason,
) -> f64 {
    let mut answers = [0u32; 256];
    let start = Instant::now();
    for (number, input) in (0..).zip(inputs.iter_mut()) {
        let reason = decide(number % CONNECTIONS, black_box(input));
        answers[usize::from(reason.code())] += 1;
    }
    let nanos = start.elapsed().as_secs_f64() * 1e9 / inputs.len() as f64;
    for reason in expected {
        answers[usize::from(reason.code())] = 0;
    }
    assert!(answers.iter().all(|count| *count == 0), "wanted {expected:?}, also got {answers:?}");
    nanos
}

/// `Clear` for what may go on to its signature.
fn reason<T>(screening: Screening<T>) -> Reason {
    match screening {
        Screening::Proceed(ticket) => {
            black_box(&ticket);
            drop(ticket);
            Reason::Clear
        }
        Screening::Done(decision) => decision.reason,
    }
}

/// Everything up to the signature: frame, reading, screening.
fn whole(gate: &mut Gate<Heap>, now: Timestamp, source: &Source, envelope: &[u8]) -> Reason {
    let screened = gate.screen_frame(now, source, FrameKind::Direct, envelope.len());
    if !screened.is_accept() {
        return screened.reason;
    }
    match AdHeader::read(POLICY.network, envelope) {
        Ok(header) => reason(gate.screen_ad(now, source, &header)),
        Err(error) => error.reason(),
    }
}

type Make = fn(&World, u64, usize) -> Ad;

/// What is asked about an advertisement of any row.
const KINDS: [(&str, &[Reason], Make); 7] = {
    use Reason::*;
    [
        (
            "a registered identity's new advertisement, up to its signature",
            &[Clear],
            |world, _, row| world.fresh(row),
        ),
        ("the same once more (`known`)", &[Known, AlreadyKnown], |world, _, row| {
            ad(&world.keys[row], Some(&world.ids[row]), world.newest[row])
        }),
        ("an older one (`replayed`)", &[Replayed], |world, _, row| {
            ad(&world.keys[row], Some(&world.ids[row]), START.saturating_sub(SECOND))
        }),
        ("one that has ended (`expired`)", &[Expired], |world, _, row| {
            ad(&world.keys[row], Some(&world.ids[row]), world.now.saturating_sub(DAY))
        }),
        ("one of nobody's identity (`unknown-identity`)", &[UnknownIdentity], |world, _, row| {
            let mut id = *world.ids[row].as_bytes();
            id[31] ^= 1;
            ad(&world.keys[row], Some(&IdentityId::from_bytes(id)), world.now)
        }),
        ("one by a further key of a full identity (`key-limit`)", &[KeyLimit], |world, _, row| {
            let not_after = world.now.saturating_add(DAY);
            let delegation = Some(Delegation { not_after, signature: UNSIGNED });
            Ad { author: negated(&world.keys[row]), delegation, ..world.fresh(row) }
        }),
        ("a stranger's, up to its signature", &[Clear], |world, number, row| Ad {
            author: negated(&world.keys[row]),
            identity: None,
            peer: peer(number % CONNECTIONS),
            ..world.fresh(row)
        }),
    ]
};

/// Takes an advertisement of each row through all steps.
fn ads(
    world: &mut World,
    sources: &[Source],
    rows: &[usize],
    expected: &[Reason],
    make: &Make,
) -> f64 {
    let mut envelopes: Vec<Vec<u8>> =
        (0..).zip(rows).map(|(number, row)| make(world, number, *row).seal()).collect();
    let (gate, now) = (&mut world.gate, world.now);
    time(&mut envelopes, expected, |number, envelope| {
        whole(gate, now, &sources[number as usize], envelope)
    })
}

pub(crate) fn round(world: &mut World) -> Vec<(&'static str, f64)> {
    use Reason::{Blacklisted, Clear, New, NotListed, Script, TooSoon};
    let mut samples: Vec<(&'static str, f64)> = Vec::new();
    world.wait(Millis::from_secs(61));

    let rows = world.draw();
    let mut keys: Vec<PublicKey> = rows.iter().map(|row| world.keys[*row]).collect();
    let limiter = &world.limiter;
    samples.push((
        "governor",
        time(&mut keys, &[Clear], |_, key| match limiter.check_key(key) {
            Ok(()) => Clear,
            Err(_) => TooSoon,
        }),
    ));
    let sources: Vec<Source> =
        (0..CONNECTIONS).map(|number| Source::direct(peer(number))).collect();
    let source = |number: u64| &sources[number as usize];

    let mut kinds = KINDS.iter();
    let (name, expected, make) = kinds.next().unwrap();
    samples.push((name, ads(world, &sources, &rows, expected, make)));
    for (name, expected, make) in kinds {
        let rows = world.draw();
        samples.push((name, ads(world, &sources, &rows, expected, make)));
    }

    let rows = world.draw();
    let mut envelopes: Vec<Vec<u8>> = rows.iter().map(|row| world.fresh(*row).seal()).collect();
    samples.push((
        "of which: reading the bytes",
        time(&mut envelopes, &[Clear], |_, envelope| {
            match AdHeader::read(POLICY.network, envelope) {
                Ok(header) => black_box((header, Clear)).1,
                Err(error) => error.reason(),
            }
        }),
    ));
    let (gate, now) = (&mut world.gate, world.now);
    samples.push((
        "of which: the frame",
        time(&mut envelopes, &[Clear], |number, envelope| {
            gate.screen_frame(now, source(number), FrameKind::Direct, envelope.len()).reason
        }),
    ));
    let mut headers: Vec<AdHeader> =
        envelopes.iter().map(|bytes| AdHeader::read(POLICY.network, bytes).unwrap()).collect();
    samples.push((
        "of which: screening what was read",
        time(&mut headers, &[Clear], |number, header| {
            reason(gate.screen_ad(now, source(number), header))
        }),
    ));

    let (gate, now) = (&mut world.gate, world.now);
    let mut frames: Vec<Source> =
        (0..SAMPLE as u64).map(|number| Source::direct(sanctioned(number % SANCTIONED))).collect();
    samples.push((
        "a frame of a banned peer that is connected, refused",
        time(&mut frames, &[Blacklisted], |_, source| {
            gate.screen_frame(now, source, FrameKind::Direct, 300).reason
        }),
    ));
    let connect = |peer: PeerId| Connection { peer, ..connection(0, 0) };
    let rows = world.draw();
    let mut connections: Vec<Connection> =
        rows.iter().map(|row| connect(banned(*row as u64))).collect();
    let (gate, now) = (&mut world.gate, world.now);
    samples.push((
        "a banned peer's connection, refused",
        time(&mut connections, &[Blacklisted], |_, connection| {
            gate.screen_connection(now, connection).reason
        }),
    ));
    let mut connections: Vec<Connection> =
        world.colliding.iter().map(|peer| connect(*peer)).collect();
    samples.push((
        "the same of 24 ids that collide, because their maker knows the seed",
        time(&mut connections, &[Blacklisted], |_, connection| {
            gate.screen_connection(now, connection).reason
        }),
    ));

    let mut keys: Vec<PublicKey> = world.draw().iter().map(|row| world.keys[*row]).collect();
    let (gate, now) = (&mut world.gate, world.now);
    samples.push((
        "looking up the advertisement of a key",
        time(&mut keys, &[Clear], |_, key| match gate.find_key(now, key) {
            Some(found) => black_box((found, Clear)).1,
            None => NotListed,
        }),
    ));

    world.draw();
    let mut claims: Vec<Claim> = keys.iter().map(|key| Claim::new(&negated(key))).collect();
    let (gate, now) = (&mut world.gate, world.now);
    samples.push((
        "the claim of a new identity, up to its signature",
        time(&mut claims, &[Clear], |number, claim| {
            reason(claim.screen(gate, now, source(number)))
        }),
    ));
    samples.push((
        "of which: the burn's script",
        time(&mut claims, &[Clear], |_, claim| {
            let script = Transaction::parse(&claim.transaction).unwrap().output(0).unwrap().script;
            BurnScript::parse(script).map_or(Script, |_| Clear)
        }),
    ));
    samples.push((
        "of which: the transaction's id",
        time(&mut claims, &[Clear], |_, claim| {
            let txid = Transaction::parse(&claim.transaction).unwrap().txid();
            black_box((txid, Clear)).1
        }),
    ));

    // Last, because it shuts the windows of its rows.
    let rows = world.draw();
    let envelopes: Vec<Vec<u8>> = rows.iter().map(|row| world.fresh(*row).seal()).collect();
    let (gate, now) = (&mut world.gate, world.now);
    let mut tickets: Vec<Option<AdTicket>> = (0..)
        .zip(&envelopes)
        .map(|(number, envelope)| {
            let header = AdHeader::read(POLICY.network, envelope).unwrap();
            match gate.screen_ad(now, source(number % CONNECTIONS), &header) {
                Screening::Proceed(ticket) => Some(ticket),
                Screening::Done(decision) => panic!("{decision:?}"),
            }
        })
        .collect();
    world.cool();
    let (gate, now) = (&mut world.gate, world.now);
    samples.push((
        "settling an advertisement, its signature checked",
        time(&mut tickets, &[New], |_, ticket| {
            gate.settle_ad(now, ticket.take().unwrap(), SignatureCheck::Valid).reason
        }),
    ));
    for row in &rows {
        world.newest[*row] = world.now;
    }
    samples
}

/// What one call does with every row of a table: nanoseconds for each row.
pub(crate) fn passes(world: &mut World) -> Vec<(&'static str, f64)> {
    let rows = world.keys.len() as f64;
    let each = |start: Instant| start.elapsed().as_secs_f64() * 1e9 / rows;
    world.wait(Millis::from_mins(6));
    let mut samples = Vec::new();
    let mut found = [Found::default(); 20];
    let start = Instant::now();
    let count = world.gate.find(world.now, &Criteria::default(), &mut found);
    samples.push(("finding the best 20 signers", each(start)));
    assert_eq!(count, 20);
    let start = Instant::now();
    world.gate.handle_timeout(world.now);
    samples.push(("sweeping out what has ended", each(start)));
    let back = world.now.saturating_sub(Millis::from_mins(2));
    let start = Instant::now();
    world.gate.handle_timeout(back);
    samples.push(("cutting deadlines when the clock has stepped back", each(start)));
    samples
}

/// The key of the opposite secret, which nobody has registered.
fn negated(key: &PublicKey) -> PublicKey {
    let mut bytes = *key.as_bytes();
    bytes[0] ^= 1;
    PublicKey::from_bytes(bytes)
}
