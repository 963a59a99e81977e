//! The peer table when it is full, and what fresh ids begin with (policy §3, §4, §10).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::full_bans::at;
use crate::world::*;

/// Eight rows, of which two are kept for peers that we dial.
fn world() -> World {
    let mut world = World::with(Capacity { peers: 8, ..Capacity::SMALL }, POLICY);
    world.gate.disconnected(world.now, &peer(COURIER));
    world
}

fn dialled(number: u32) -> Connection {
    Connection { direction: Direction::Outbound, ..at(number, number as u16) }
}

fn join(world: &mut World, number: u32) -> Result<(), CapacityError> {
    world.gate.connected(world.now, &at(number, number as u16))
}

/// Fresh ids connect and go, as many as there are rows and more.
fn flood(world: &mut World) {
    for number in 1_000..1_100 {
        join(world, number).unwrap();
        // One frame, so that its row is not as good as fresh.
        let source = Source::direct(peer(number));
        let frame = world.gate.screen_frame(world.now, &source, FrameKind::Direct, 10);
        assert_eq!(reason(frame), Reason::Clear);
        world.wait(Millis::new(1));
        world.gate.disconnected(world.now, &peer(number));
    }
}

/// Identity 0, by a courier that leaves nothing behind.
fn register(world: &mut World) -> IdentityId {
    world.connect(COURIER);
    let id = world.register(&Claim::real(0));
    world.gate.disconnected(world.now, &peer(COURIER));
    id
}

/// `count` invalid signatures of its own.
fn forge(world: &mut World, number: u32, id: &IdentityId, count: u64) {
    for n in 0..count {
        let made = world.now.saturating_sub(Millis::new(n));
        let author = secret(0);
        let forged = ad(&author).under(id).at(made).forged();
        assert_eq!(reason(world.direct(number, &forged)), Reason::InvalidSignature);
    }
}

/// There are more keys than a byte can count, and fewer peers. A row's keys once were those of
/// which only the low byte of the place was right.
#[test]
fn a_stranger_that_leaves_lets_go_of_its_own_keys_however_many_there_are() {
    let mut world = world();
    world.connect(COURIER);
    let secrets: Vec<_> = (0..300).map(secret).collect();
    let made = |secret| Claim::made(secret, Amount::from_xpi(50), 100);
    let ids: Vec<_> = secrets.iter().map(|secret| world.register(&made(secret))).collect();
    world.gate.disconnected(world.now, &peer(COURIER));
    join(&mut world, 1).unwrap();
    let stranger = named("stranger");
    assert_eq!(reason(world.direct(1, &ad(&stranger).of_peer(1))), Reason::New);
    world.gate.disconnected(world.now, &peer(1));
    world.wait(MINUTE);
    flood(&mut world);
    assert!(!world.of_peer(1).known, "its row is another's");
    world.connect(COURIER);
    for (secret, id) in secrets.iter().zip(&ids) {
        world.wait(SECOND);
        let own = ad(secret).under(id).of_peer(COURIER).at(world.now);
        assert_eq!(reason(world.direct(COURIER, &own)), Reason::New);
    }
}

#[test]
fn a_quarter_of_the_rows_is_kept_for_peers_that_we_dial() {
    let mut world = world();
    (0..6).for_each(|number| join(&mut world, number).unwrap());
    assert_eq!(join(&mut world, 6), Err(CapacityError::Peers));
    for number in [6, 7] {
        world.gate.connected(world.now, &dialled(number)).unwrap();
    }
    assert_eq!(world.gate.connected(world.now, &dialled(8)), Err(CapacityError::Peers));
    // One that was dialled and has gone is no longer kept for, and makes room.
    world.gate.disconnected(world.now, &peer(7));
    assert_eq!(join(&mut world, 9), Ok(()));
    assert!(!world.of_peer(7).known);
    assert_eq!(join(&mut world, 10), Err(CapacityError::Peers));
}

/// The other way round there is no part that is kept: inbound peers may be none.
#[test]
fn peers_that_we_dial_may_have_every_row() {
    let mut world = world();
    (0..8).for_each(|number| world.gate.connected(world.now, &dialled(number)).unwrap());
    assert_eq!(join(&mut world, 9), Err(CapacityError::Peers));
}

#[test]
fn what_equals_a_fresh_row_leaves_first() {
    let mut world = world();
    let id = register(&mut world);
    join(&mut world, 1).unwrap();
    forge(&mut world, 1, &id, 1);
    world.gate.disconnected(world.now, &peer(1));
    world.wait(MINUTE);
    (2..7).for_each(|number| join(&mut world, number).unwrap());
    world.gate.disconnected(world.now, &peer(4));
    world.wait(MINUTE);
    join(&mut world, 7).unwrap();
    // Peer 1 has been gone for longer, but something is counted against it.
    assert_eq!(world.of_peer(1).invalid_signatures.0, 1);
    assert!(!world.of_peer(4).known);
}

/// The history of four faults cannot be washed off: the next ads of its group wait.
#[test]
fn four_faults_and_a_flood_are_paid_by_the_address_group() {
    for faults in [0, 1, 4] {
        let mut world = world();
        let id = register(&mut world);
        join(&mut world, 1).unwrap();
        forge(&mut world, 1, &id, faults);
        world.gate.disconnected(world.now, &peer(1));
        world.wait(MINUTE);
        flood(&mut world);
        assert!(!world.of_peer(1).known, "its row has left");
        assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
        // Under a new id, of the same group.
        let address = at(1, 1).address;
        world.gate.connected(world.now, &Connection { address, ..at(50, 1) }).unwrap();
        let served = (0..3).filter(|n| {
            let author = named(&format!("stranger {n}"));
            world.direct(50, &ad(&author).at(world.now).of_peer(50)).is_accept()
        });
        let expected = 2usize.saturating_sub(faults as usize);
        assert_eq!(served.count(), expected, "{faults} faults");
        // Another group does not pay.
        join(&mut world, 60).unwrap();
        let author = named("another");
        let other = world.direct(60, &ad(&author).at(world.now).of_peer(60));
        assert_eq!(reason(other), Reason::New);
    }
}

/// The tenth would blacklist; a flood that takes the row must not begin the count anew.
#[test]
fn nine_invalid_signatures_and_a_flood_are_a_graylisting() {
    for (faults, banned) in [(4, false), (5, true), (9, true)] {
        let mut world = world();
        let id = register(&mut world);
        join(&mut world, 1).unwrap();
        forge(&mut world, 1, &id, faults);
        world.gate.disconnected(world.now, &peer(1));
        flood(&mut world);
        let screened = world.gate.screen_connection(world.now, &at(1, 1));
        let expected = if banned { Reason::Graylisted } else { Reason::Clear };
        assert_eq!(reason(screened), expected, "{faults} faults");
        if banned {
            assert_eq!(world.of_peer(1).sanction_reason, Some(Reason::InvalidSignature));
            let left = screened.retry_at.unwrap().since(START);
            assert!(left >= HOUR && left < HOUR.saturating_add(SECOND));
        }
    }
}

/// Where the ban table has no room either, the group pays for as much as it can.
#[test]
fn without_room_for_a_graylisting_the_group_pays() {
    let capacity = Capacity { peers: 8, bans: 0, ..Capacity::SMALL };
    let mut world = World::with(capacity, POLICY);
    let id = world.register(&Claim::real(0));
    join(&mut world, 1).unwrap();
    forge(&mut world, 1, &id, 9);
    world.gate.disconnected(world.now, &peer(1));
    world.gate.disconnected(world.now, &peer(COURIER));
    flood(&mut world);
    join(&mut world, 1).unwrap();
    let author = named("stranger");
    let refused = world.direct(1, &ad(&author).at(world.now).of_peer(1));
    assert_eq!(reason(refused), Reason::StrangerWindow);
}

#[test]
fn faults_a_day_old_are_nobodys_debt() {
    let mut world = world();
    let id = register(&mut world);
    join(&mut world, 1).unwrap();
    forge(&mut world, 1, &id, 9);
    world.gate.disconnected(world.now, &peer(1));
    world.wait(DAY);
    flood(&mut world);
    assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
    join(&mut world, 1).unwrap();
    let author = named("stranger");
    let served = world.direct(1, &ad(&author).at(world.now).of_peer(1));
    assert_eq!(reason(served), Reason::New);
}

#[test]
fn a_flood_of_fresh_ids_leaves_connected_peers_their_rows() {
    let mut world = world();
    (0..5).for_each(|number| join(&mut world, number).unwrap());
    flood(&mut world);
    assert!((0..5).all(|number| world.of_peer(number).connections == 1));
}

fn look_up(world: &mut World, number: u32) -> Decision {
    let lookup = world.lookup(number, &Claim::real(1)).unwrap();
    match world.gate.charge_lookup(world.now, &lookup) {
        Ok(()) => Reason::Clear.into(),
        Err(decision) => decision,
    }
}

/// As many look-ups as there are, at once.
fn look_ups(world: &mut World, number: u32) -> usize {
    (0..20).take_while(|_| look_up(world, number).is_accept()).count()
}

#[test]
fn fifty_connections_that_churn_ids_do_not_starve_an_outbound_peer_s_look_up() {
    let mut world = World::with(Capacity { peers: 192, ..Capacity::SMALL }, POLICY);
    world.gate.connected(world.now, &dialled(1)).unwrap();
    let (mut inbound, mut number) = (0, 100);
    // For ten seconds, fifty connections a second, each under a fresh id at a group of its own.
    for _ in 0..10 {
        for _ in 0..50 {
            number += 1;
            join(&mut world, number).unwrap();
            inbound += look_ups(&mut world, number);
            world.gate.disconnected(world.now, &peer(number));
        }
        world.wait(SECOND);
    }
    assert!((100..=150).contains(&inbound), "half: 50 at once and 10 a second, not {inbound}");
    assert_eq!(look_ups(&mut world, 1), 3, "the dialled peer has all of its own");
}

/// Twenty at once are what one connection may have checked.
#[test]
fn fresh_ids_of_a_group_bring_no_fresh_signature_checks() {
    let mut world = world();
    let id = register(&mut world);
    world.wait(MINUTE);
    let mut checked = 0;
    let forged = |world: &mut World, number: u32| {
        let author = secret(0);
        reason(world.direct(number, &ad(&author).under(&id).at(world.now).forged()))
    };
    for number in 1..60 {
        world.gate.connected(world.now, &at(number, 7)).unwrap();
        // Nine each: the tenth is a ban.
        let each = (0..9).map(|_| forged(&mut world, number));
        checked += each.take_while(|reason| *reason == Reason::InvalidSignature).count();
        world.gate.disconnected(world.now, &peer(number));
    }
    assert_eq!(checked, 20);
    let refused = world.gate.screen_connection(world.now, &at(100, 7));
    assert_eq!(reason(refused), Reason::Clear);
    world.gate.connected(world.now, &at(100, 7)).unwrap();
    assert_eq!(forged(&mut world, 100), Reason::SignatureBudget);
    world.wait(Millis::new(100));
    assert_eq!(forged(&mut world, 100), Reason::InvalidSignature);
    assert_eq!(forged(&mut world, 100), Reason::SignatureBudget);
    // Another group is not concerned, nor a peer of this one that we dial.
    join(&mut world, 80).unwrap();
    assert_eq!(forged(&mut world, 80), Reason::InvalidSignature);
    let outbound = Connection { direction: Direction::Outbound, ..at(81, 7) };
    world.gate.connected(world.now, &outbound).unwrap();
    assert_eq!(forged(&mut world, 81), Reason::InvalidSignature);
}

#[test]
fn fresh_ids_of_a_group_begin_with_what_the_group_has_left() {
    let mut world = world();
    let fresh = |world: &mut World, number: u32| {
        world.gate.connected(world.now, &at(number, 7)).unwrap();
        let count = look_ups(world, number);
        world.gate.disconnected(world.now, &peer(number));
        count
    };
    assert_eq!(fresh(&mut world, 1), 3);
    // However many ids come, and whichever rows leave for them.
    for number in 2..60 {
        assert_eq!(fresh(&mut world, number), 0);
    }
    world.wait(SECOND.saturating_mul(10));
    assert_eq!(fresh(&mut world, 60), 1);
    assert_eq!(fresh(&mut world, 61), 0);
    world.wait(SECOND.saturating_mul(30));
    assert_eq!(fresh(&mut world, 62), 3);
    // Another group is not concerned, nor a peer of this one that we dial.
    join(&mut world, 80).unwrap();
    assert_eq!(look_ups(&mut world, 80), 3);
    let outbound = Connection { direction: Direction::Outbound, ..at(81, 7) };
    world.gate.connected(world.now, &outbound).unwrap();
    assert_eq!(look_ups(&mut world, 81), 3);
}
