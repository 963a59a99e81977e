//! A snapshot in another Gate: it goes on as the first would have, in smaller tables with what
//! matters most, and never longer than a rule can give.

use ltms_core::schnorr::SecretKey;
use ltms_core::score::Failure;
use ltms_core::*;
use proptest::prelude::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::full_bans::{at, misbehave, throw_away};
use crate::group_bans::{SWARM, full, merged};
use crate::random::{Actors, PEERS, Sent, TINY, play, steps};
use crate::world::*;

pub(crate) fn save<S: Storage>(world: &World<S>) -> Vec<u8> {
    let mut file = vec![0; world.gate.snapshot_len()];
    assert_eq!(world.gate.write_snapshot(&mut file), Ok(file.len()));
    file
}

/// A world where nothing has happened yet.
pub(crate) fn empty(capacity: Capacity) -> World {
    World::without_a_tip(Heap::new(capacity), POLICY)
}

/// The world after a restart.
#[track_caller]
pub(crate) fn restart<S: Storage>(world: &World<S>, capacity: Capacity) -> (World, Restored) {
    let mut second = empty(capacity);
    second.now = world.now;
    let restored = second.gate.restore(world.now, &save(world)).unwrap();
    (second, restored)
}

fn hang_up<S: Storage>(world: &mut World<S>) {
    for number in (0..PEERS).chain([COURIER]) {
        while world.of_peer(number).connections > 0 {
            world.gate.disconnected(world.now, &peer(number));
        }
    }
}

/// Everything that can be asked about those who act in a random history.
fn told(world: &World, actors: &Actors) -> Vec<String> {
    let mut told: Vec<String> =
        world.find(&Criteria::default()).iter().map(|found| format!("{found:?}")).collect();
    for number in (0..PEERS).chain([COURIER]) {
        // A row that equals a fresh one is none.
        let row = world.of_peer(number);
        let ban = (row.decision, row.sanction_reason, row.evidence, row.by_operator, row.allowed);
        let faults =
            [row.violations, row.invalid_signatures, row.malformed].map(|(count, _)| count);
        told.push(format!(
            "{number}: {ban:?} {:?} {faults:?} {} {}",
            row.held_until, row.passed_on, row.keys.0
        ));
    }
    for claim in &actors.claims {
        told.push(format!(
            "{:?} {:?}",
            world.gate.identity(&claim.id()),
            world.of_identity(&claim.id())
        ));
    }
    for secret in actors.authors.iter().chain(&actors.owners) {
        told.push(format!("{:?}", world.of_key(&secret.public_key())));
    }
    told.push(format!("{:?} {:?}", world.gate.tip(), world.gate.posture()));
    told
}

fn same(second: &World, first: &World, actors: &Actors) -> Result<(), TestCaseError> {
    for (second, first) in told(second, actors).iter().zip(told(first, actors)) {
        prop_assert_eq!(second, &first);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_restored_gate_decides_as_the_first_goes_on_to(
        history in steps(true),
        continuation in steps(true),
    ) {
        let (actors, capacity) = (Actors::new(), Capacity { keys: 64, ..Capacity::SMALL });
        let mut first = World::with(capacity, POLICY);
        let mut sent = Sent::default();
        for step in &history {
            let _ = play(&mut first, &actors, &mut sent, step);
        }
        hang_up(&mut first);
        let (mut second, restored) = restart(&first, capacity);
        prop_assert_eq!(restored.dropped, Dropped::default());
        same(&second, &first, &actors)?;
        let mut again = sent.clone();
        if first.gate.metrics(first.now).identities_lapsed > 0 {
            // Metrics begin anew.
            sent.credited.clear();
            again.credited.clear();
        }
        // Only who is connected says anything.
        for world in [&mut first, &mut second] {
            (0..PEERS).chain([COURIER]).for_each(|number| world.connect(number));
        }
        for step in &continuation {
            for world in [&mut first, &mut second] {
                // A row without a connection may stay until its sanction is told.
                if world.of_peer(step.peer).connections == 0 {
                    world.connect(step.peer);
                }
            }
            let expected = play(&mut first, &actors, &mut sent, step);
            let decided = play(&mut second, &actors, &mut again, step);
            prop_assert_eq!(decided, expected, "{:?}", step);
        }
        same(&second, &first, &actors)?;
    }

    /// Whatever displaced what: as many rows fit as there were.
    #[test]
    fn full_tables_are_restored_whole(history in steps(true)) {
        let actors = Actors::new();
        let mut first = World::with(TINY, POLICY);
        let mut sent = Sent::default();
        for step in &history {
            let _ = play(&mut first, &actors, &mut sent, step);
        }
        hang_up(&mut first);
        let (second, restored) = restart(&first, TINY);
        prop_assert_eq!(restored.dropped, Dropped::default());
        same(&second, &first, &actors)?;
        let (third, _) = restart(&second, TINY);
        prop_assert_eq!(save(&third), save(&second), "a file is what was restored of it");
    }

    /// In tables of any size a snapshot is restored or refused for want of room, and the bounds
    /// hold.
    #[test]
    fn a_smaller_gate_keeps_its_bounds(
        history in steps(true),
        identities in 0..4u32,
        keys in 0..40u32,
        bans in 0..8u32,
    ) {
        let actors = Actors::new();
        let mut first = World::with(Capacity { keys: 64, ..Capacity::SMALL }, POLICY);
        let mut sent = Sent::default();
        for step in &history {
            let _ = play(&mut first, &actors, &mut sent, step);
        }
        let capacity = Capacity { identities, keys, bans, peers: 3, cells: 4, ..Capacity::SMALL };
        let mut second = empty(capacity);
        second.now = first.now;
        match second.gate.restore(first.now, &save(&first)) {
            Ok(restored) => {
                crate::random::check(&second, &actors, &capacity);
                prop_assert!(restored.identities <= identities && restored.keys <= keys);
                for claim in &actors.claims {
                    let known = second.of_identity(&claim.id());
                    prop_assert!(!known.known || second.gate.identity(&claim.id()).is_some());
                }
            }
            Err(error) => {
                prop_assert!(matches!(error, SnapshotError::NoRoom(4 | 6 | 8 | 14)), "{error:?}");
                prop_assert_eq!(save(&second), save(&empty(capacity)));
            }
        }
    }
}

/// The tip of [`eventful`], and where its later burns lie.
const LATER: u32 = TIP + 100;
const BURN: u32 = LATER - 80;

/// One of everything that outlives a restart: three identities, one that is suspended, one that
/// lapsed.
pub(crate) fn eventful() -> World {
    let mut world = World::registered(3);
    burned(&mut world, 4, 50);
    world.confirm_tip(TIP, TIP - 85);
    world.set_tip(LATER, TIP);
    world.register(&Claim::made(&named("away"), Amount::from_xpi(70), BURN));
    world.confirm_tip(LATER, BURN - 1);
    let (owner, author) = (secret(0), named("author"));
    let ids = [0, 1, 2].map(|number| Claim::real(number).id());
    (0..6).for_each(|number| world.connect(number));
    let delegated = ad(&author).under(&ids[0]).delegated(&owner, START.saturating_add(DAY));
    assert_eq!(reason(world.direct(0, &delegated)), Reason::New);
    assert_eq!(reason(world.direct(1, &ad(&named("stranger")).of_peer(1))), Reason::New);
    let rotation = Claim::rotation(&secret(1), &named("next"), &ids[1], 1, BURN);
    assert_eq!(reason(world.claim(&rotation)), Reason::New);
    for number in [2, 3] {
        misbehave(&mut world, number);
    }
    let session = SessionId::from_bytes([1; 16]);
    let outcome = Outcome::Failed(Failure::Timeout);
    let _ = world.gate.record_session(world.now, &session, &ids[0], &ids[1], outcome);
    for fault in 0..3u64 {
        let at = world.now.saturating_add(Millis::new(fault));
        let _ = world.gate.record_fault(at, &ids[2], Reason::InvalidSignature);
    }
    let end = Some(world.now.saturating_add(DAY));
    world.gate.ban(world.now, &Subject::Peer(peer(4)), end, Reason::Malformed).unwrap();
    world.gate.allow(world.now, &peer(5), true).unwrap();
    assert!(world.gate.pin(world.now, &ids[0], true));
    world
}

#[test]
fn nobody_gains_by_a_restart() {
    let first = eventful();
    let (mut world, restored) = restart(&first, Capacity::SMALL);
    assert_eq!((restored.identities, restored.bans), (4, 4));
    assert_eq!(world.gate.metrics(world.now).tombstones, 1);
    assert_eq!(
        (restored.saved_at.as_millis(), restored.counter),
        (first.now.as_millis() + 2, None)
    );
    let of = |world: &World, number| reason(world.of_peer(number).decision);
    assert_eq!(
        [2, 3, 4].map(|number| of(&world, number)),
        [Reason::Blacklisted, Reason::Blacklisted, Reason::Graylisted]
    );
    assert!(world.of_peer(5).allowed);
    assert_eq!(world.of_peer(2).evidence, first.of_peer(2).evidence);
    let ids = [0, 1, 2].map(|number| Claim::real(number).id());
    for id in &ids {
        assert_eq!(world.gate.identity(id), first.gate.identity(id));
        assert_eq!(world.of_identity(id), first.of_identity(id));
    }
    assert_eq!(reason(world.of_identity(&ids[2]).decision), Reason::IdentityBanned);
    // The delegated key is still the identity's, its window still spent, its watermark still there.
    let (owner, author) = (secret(0), named("author"));
    let ad = ad(&author).under(&ids[0]).delegated(&owner, START.saturating_add(DAY));
    (0..2).for_each(|number| world.connect(number));
    assert_eq!(reason(world.direct(0, &ad)), Reason::AlreadyKnown);
    assert_eq!(reason(world.direct(0, &ad.at(START.saturating_add(SECOND)))), Reason::TooSoon);
    let earlier = ad.at(START.saturating_sub(SECOND));
    assert_eq!(reason(world.pull(0, Channel::Directory, &earlier)), Reason::Replayed);
    // The key before the rotation may contest it.
    let contest = Claim::rotation(&secret(1), &named("other"), &ids[1], 1, BURN - 1);
    world.connect(COURIER);
    assert_eq!(reason(world.claim(&contest)), Reason::New);
}

#[test]
fn what_is_looked_for_is_told_again() {
    let mut first = World::registered(2);
    first.confirm_tip(TIP, 186);
    let told = first.events();
    assert!(told.contains(&Event::Suspended(Claim::real(1).id())), "{told:?}");
    let (mut second, _) = restart(&first, Capacity::SMALL);
    let again = second.events();
    assert!(
        told.iter().all(|event| !matches!(event, Event::Suspended(_)) || again.contains(event))
    );
}

#[test]
fn a_clock_that_is_behind_cuts_what_it_finds_and_one_that_is_ahead_is_told() {
    let first = eventful();
    let restored_at = |now| {
        let mut world = empty(Capacity::SMALL);
        world.now = now;
        world.gate.restore(now, &save(&first)).unwrap();
        world
    };
    let id = Claim::real(2).id();
    let until = |world: &World| world.of_identity(&id).decision.retry_at.unwrap();
    let earlier = START.saturating_sub(DAY.saturating_mul(100));
    let world = restored_at(earlier);
    let longest = POLICY.sanctions.identity_ban_max;
    assert!(until(&world) <= earlier.saturating_add(longest), "cut");
    assert!(reason(world.of_peer(2).decision) == Reason::Blacklisted, "lifted by nobody");
    let mut world = restored_at(START.saturating_add(HOUR.saturating_mul(2)));
    assert_eq!(until(&world), until(&first));
    assert!(world.events().contains(&Event::ClockStepped));
}

/// Identities of 50 XPI and more, by their numbers.
pub(crate) fn burned(world: &mut World, number: u32, xpi: u64) -> (IdentityId, SecretKey) {
    let key = named(&format!("burned {number}"));
    let claim = Claim::made(&key, Amount::from_xpi(xpi), TIP - 80 - number);
    (world.register(&claim), key)
}

#[test]
fn a_banned_group_stays_banned() {
    let (mut first, _) = full();
    let (group, until) = merged(&mut first);
    for number in 8..16 {
        first.gate.unban(first.now, &Subject::Peer(peer(number)));
    }
    (30..37).for_each(|number| throw_away(&mut first, at(number, 600), number));
    let capacity = Capacity { bans: 32, groups: 32, ..Capacity::SMALL };
    let (mut second, restored) = restart(&first, capacity);
    assert_eq!((restored.bans, restored.dropped), (17, Dropped::default()));
    assert!(second.events().contains(&Event::GroupBanned { group, until }));
    let [before, after] = [&mut first, &mut second]
        .map(|world| world.gate.screen_connection(world.now, &at(0, SWARM)));
    assert_eq!((before.reason, after), (Reason::ProveIdentity, before));
    assert_eq!(second.gate.metrics(second.now).automatic_bans, 16);
    // How many ids are banned from each group is counted anew.
    for world in [&mut first, &mut second] {
        throw_away(world, at(37, 600), 37);
        assert_eq!(reason(world.of_peer(30).decision), Reason::Blacklisted);
        (40..48).for_each(|number| throw_away(world, at(number, number as u16), number));
        assert_eq!(reason(world.of_peer(30).decision), Reason::Clear, "merged");
    }
}
