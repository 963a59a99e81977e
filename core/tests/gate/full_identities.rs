//! The identity table when it fills (policy §11): halves, displacement, tombstones.

use ltms_core::burn::Purpose;
use ltms_core::schnorr::SecretKey;
use ltms_core::*;
use proptest::prelude::*;

use crate::ads::ad;
use crate::claims::{Claim, named};
use crate::world::*;

/// Eight rows: four of newcomers, four of those with a completed session.
fn world() -> World {
    with(8, 8)
}

fn with(identities: u32, tombstones: u32) -> World {
    World::with(Capacity { identities, tombstones, ..Capacity::SMALL }, POLICY)
}

fn owner(number: u32) -> SecretKey {
    named(&format!("identity {number}"))
}

/// The burn of `xpi` by owner `number`, in a block of its own.
fn claim(number: u32, xpi: u64) -> Claim {
    Claim::made(&owner(number), Amount::from_xpi(xpi), 200 + number)
}

fn register(world: &mut World, number: u32, xpi: u64) -> Reason {
    reason(world.claim(&claim(number, xpi)))
}

fn is_known(world: &World, number: u32, xpi: u64) -> bool {
    world.of_identity(&claim(number, xpi).id()).known
}

fn ban(world: &mut World, id: &IdentityId, until: Option<Timestamp>) {
    world.gate.ban(world.now, &Subject::Identity(*id), until, Reason::LocalLimit).unwrap();
}

/// A completed session of `subject`, seen by ourselves.
fn meet(world: &mut World, subject: &IdentityId, other: &IdentityId) {
    let session = SessionId::from_bytes([subject.as_bytes()[0]; 16]);
    let done = Outcome::Completed(SECOND);
    let counted = world.gate.record_session(world.now, &session, subject, other, done);
    assert_eq!(reason(counted), Reason::Clear);
}

#[test]
fn a_strictly_greater_burn_displaces_the_lowest_and_an_equal_one_nobody() {
    let mut world = world();
    for (number, xpi) in [(0, 70), (1, 50), (2, 60), (3, 80)] {
        assert_eq!(register(&mut world, number, xpi), Reason::New);
    }
    let _ = world.events();
    assert_eq!(register(&mut world, 4, 50), Reason::TableFull);
    assert!(is_known(&world, 1, 50));
    assert_eq!(register(&mut world, 5, 51), Reason::New);
    let lowest = claim(1, 50).id();
    let standing = world.of_identity(&lowest);
    assert!(!standing.known && standing.displaced);
    assert_eq!(standing.burned, Amount::from_xpi(50));
    let registered = Event::Registered(claim(5, 51).id());
    assert_eq!(world.events(), [Event::Displaced(lowest), registered]);
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.identities_displaced, metrics.tombstones), (1, 1));
    assert_eq!(metrics.identities_registered, 4);
    // It may come back for as much as anybody else: more than the lowest.
    assert_eq!(register(&mut world, 1, 50), Reason::TableFull);
}

#[test]
fn of_equal_burns_the_youngest_leaves() {
    let mut world = world();
    for number in 0..4 {
        assert_eq!(register(&mut world, number, 50), Reason::New);
    }
    assert_eq!(register(&mut world, 4, 51), Reason::New);
    assert_eq!(
        (0..4).map(|n| is_known(&world, n, 50)).collect::<Vec<_>>(),
        [true, true, true, false]
    );
}

#[test]
fn a_pinned_identity_is_never_displaced() {
    let mut world = world();
    for number in 0..4 {
        assert_eq!(register(&mut world, number, 50), Reason::New);
        assert!(world.gate.pin(world.now, &claim(number, 50).id(), true));
    }
    assert_eq!(register(&mut world, 4, 1_000), Reason::TableFull);
    assert!(world.gate.pin(world.now, &claim(2, 50).id(), false));
    assert_eq!(register(&mut world, 4, 1_000), Reason::New);
    assert!(!is_known(&world, 2, 50));
}

#[test]
fn newcomers_never_take_the_half_of_those_with_a_completed_session() {
    let mut world = world();
    for number in 0..4 {
        assert_eq!(register(&mut world, number, 50), Reason::New);
    }
    let (met, other) = (claim(0, 50).id(), claim(1, 50).id());
    meet(&mut world, &met, &other);
    // Its seat among the newcomers is free, and only that.
    assert_eq!(register(&mut world, 4, 50), Reason::New);
    assert_eq!(register(&mut world, 5, 50), Reason::TableFull);
    for number in 6..20 {
        assert_eq!(
            register(&mut world, number, 900),
            if number < 10 { Reason::New } else { Reason::TableFull }
        );
    }
    assert!(is_known(&world, 0, 50), "however much newcomers burn");
}

#[test]
fn in_the_half_of_the_met_a_greater_burn_changes_places_with_the_lowest() {
    let mut world = with(4, 8);
    let ids = [(0, 60), (1, 50)].map(|(n, xpi)| world.register(&claim(n, xpi)));
    meet(&mut world, &ids[0], &ids[1]);
    meet(&mut world, &ids[1], &ids[0]);
    let [c, d] = [(2, 55), (3, 52)].map(|(n, xpi)| world.register(&claim(n, xpi)));
    // 52 is no more than the lowest of them once 55 has the place of 50.
    meet(&mut world, &c, &d);
    meet(&mut world, &d, &c);
    assert_eq!(world.gate.metrics(world.now).identities_displaced, 0, "nobody left for it");
    assert_eq!(register(&mut world, 4, 51), Reason::New);
    assert!(world.of_identity(&ids[1]).displaced, "50 is a newcomer again");
    assert_eq!(register(&mut world, 5, 53), Reason::New);
    assert_eq!(register(&mut world, 6, 54), Reason::New);
    assert!(world.of_identity(&d).displaced, "52 has remained one");
    for number in 7..10 {
        assert_eq!(register(&mut world, number, 900 + u64::from(number)), Reason::New);
    }
    assert!(world.of_identity(&ids[0]).known && world.of_identity(&c).known);
}

#[test]
fn an_identity_unused_for_a_month_leaves_before_any_is_displaced() {
    let mut world = world();
    world.connect(0);
    for number in 0..4 {
        assert_eq!(register(&mut world, number, 100 + u64::from(number)), Reason::New);
    }
    // All but number 2 advertise once more on the second day.
    world.wait(DAY.saturating_mul(2));
    for number in [0, 1, 3] {
        let (author, id) = (owner(number), claim(number, 100 + u64::from(number)).id());
        let ad = ad(&author).under(&id).at(world.now);
        assert_eq!(reason(world.pull(0, Channel::Directory, &ad)), Reason::New);
    }
    world.wait(DAY.saturating_mul(27));
    assert_eq!(register(&mut world, 4, 50), Reason::TableFull, "a day too early");
    world.wait(DAY.saturating_mul(2));
    assert_eq!(register(&mut world, 4, 50), Reason::New, "however little it burned");
    assert!(!is_known(&world, 2, 102));
    assert_eq!(register(&mut world, 5, 50), Reason::TableFull);
}

#[test]
fn without_need_nobody_leaves_however_long_unused() {
    let mut world = world();
    assert_eq!(register(&mut world, 0, 50), Reason::New);
    world.wait(DAY.saturating_mul(400));
    world.gate.handle_timeout(world.now);
    assert_eq!(register(&mut world, 1, 50), Reason::New);
    assert!(is_known(&world, 0, 50));
}

#[test]
fn a_displaced_identity_comes_back_with_its_ban() {
    let mut world = with(2, 8);
    let id = world.register(&claim(0, 50));
    let until = START.saturating_add(DAY);
    ban(&mut world, &id, Some(until));
    assert_eq!(register(&mut world, 1, 60), Reason::New);
    let banned = Decision::until(Reason::IdentityBanned, until);
    let standing = world.of_identity(&id);
    assert_eq!((standing.displaced, standing.decision), (true, banned));
    assert_eq!(standing.sanction_reason, Some(Reason::LocalLimit));
    // It is refused by its name, and displaces nobody.
    let author = owner(0);
    world.connect(0);
    let ad = ad(&author).under(&id);
    assert_eq!(world.direct(0, &ad), banned);
    let top = claim(9, 70);
    let other = world.register(&top);
    assert_eq!(world.claim(&claim(0, 50)).reason, Reason::TableFull);
    assert!(world.of_identity(&other).known);
    // With room again (its own seat, when the other has met somebody) it is still banned.
    let mut world = with(4, 8);
    let ids = [world.register(&claim(0, 50)), world.register(&claim(1, 60))];
    ban(&mut world, &ids[0], None);
    let third = world.register(&claim(2, 70));
    assert!(world.of_identity(&ids[0]).displaced);
    meet(&mut world, &ids[1], &third);
    assert_eq!(world.register(&claim(0, 50)), ids[0]);
    let standing = world.of_identity(&ids[0]);
    assert!(standing.known && !standing.displaced);
    assert_eq!(reason(standing.decision), Reason::IdentityBanned);
    assert!(world.gate.unban(world.now, &Subject::Identity(ids[0])));
    assert_eq!(reason(world.of_identity(&ids[0]).decision), Reason::Clear);
}

#[test]
fn a_ban_of_a_displaced_identity_can_be_made_and_lifted() {
    let mut world = with(2, 8);
    let id = world.register(&claim(0, 50));
    assert_eq!(register(&mut world, 1, 60), Reason::New);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
    ban(&mut world, &id, None);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::IdentityBanned);
    assert!(world.gate.unban(world.now, &Subject::Identity(id)));
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
    let unknown = Subject::Identity(claim(7, 50).id());
    let refused = world.gate.ban(world.now, &unknown, None, Reason::LocalLimit);
    assert_eq!(refused, Err(CapacityError::Unknown));
}

#[test]
fn no_flood_of_burns_frees_a_banned_identity() {
    let mut world = with(4, 2);
    let ids: Vec<_> = (0..2).map(|n| world.register(&claim(n, 50))).collect();
    ids.iter().for_each(|id| ban(&mut world, id, None));
    for number in 10..100 {
        let _ = world.claim(&claim(number, 50 + u64::from(number)));
    }
    for id in &ids {
        let standing = world.of_identity(id);
        assert!(standing.displaced, "their tombstones have room");
        assert_eq!(reason(standing.decision), Reason::IdentityBanned);
    }
    // Where the tombstones are full of bans, the banned keep their rows.
    let richest: Vec<_> = [98, 99].map(|n| claim(n, 50 + u64::from(n)).id()).to_vec();
    richest.iter().for_each(|id| ban(&mut world, id, Some(START.saturating_add(DAY))));
    assert_eq!(register(&mut world, 100, 1_000), Reason::TableFull);
    assert!(richest.iter().all(|id| world.of_identity(id).known));
    world.wait(DAY);
    assert_eq!(register(&mut world, 100, 1_000), Reason::New, "until a ban has ended");
    assert!(ids.iter().all(|id| reason(world.of_identity(id).decision) == Reason::IdentityBanned));
}

#[test]
fn a_lapsed_identity_comes_back_with_its_ban() {
    let mut world = world();
    let id = world.register(&claim(0, 50));
    ban(&mut world, &id, None);
    world.confirm_tip(TIP, 199);
    world.confirm_tip(TIP + 100, TIP + 99);
    let standing = world.of_identity(&id);
    assert_eq!((standing.known, standing.displaced), (false, true));
    assert_eq!(reason(standing.decision), Reason::IdentityBanned);
    assert_eq!(world.register(&claim(0, 50)), id);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::IdentityBanned);
}

#[test]
fn tombstones_of_the_lowest_burns_leave_first_and_none_with_a_ban() {
    let mut world = with(2, 2);
    let first = world.register(&claim(0, 50));
    ban(&mut world, &first, None);
    let ids: Vec<_> = (1..5).map(|n| world.register(&claim(n, 50 + u64::from(n)))).collect();
    let left: Vec<_> = ids.iter().map(|id| world.of_identity(id).displaced).collect();
    assert_eq!(left, [false, false, true, false], "the banned one's, and the highest of the rest");
    assert!(world.of_identity(&first).displaced);
    assert_eq!(world.gate.metrics(world.now).tombstones, 2);
}

/// Its rotated-out key must not speak for it because the node has forgotten the rotation.
#[test]
fn a_displaced_identity_has_to_show_its_rotations_again() {
    let mut world = with(4, 8);
    world.connect(0);
    let (old, new) = (owner(0), named("new"));
    let id = world.register(&claim(0, 50));
    let rotation = Claim::rotation(&old, &new, &id, 1, 250);
    assert_eq!(reason(world.claim(&rotation)), Reason::New);
    let other = world.register(&claim(1, 60));
    let third = world.register(&claim(2, 70));
    assert!(world.of_identity(&id).displaced);
    meet(&mut world, &other, &third);
    assert_eq!(world.register(&claim(0, 50)), id);
    let by_old = ad(&old).under(&id);
    assert_eq!(reason(world.direct(0, &by_old)), Reason::Superseded);
    assert_eq!(reason(world.direct(0, &ad(&new).under(&id).sequence(1))), Reason::NeedHistory);
    // Nor is it enough to show another rotation.
    let thief = named("thief");
    let forged = Claim::rotation(&old, &thief, &id, 1, 251);
    assert_eq!(reason(world.claim(&forged)), Reason::Superseded);
    assert_eq!(world.gate.metrics(world.now).tombstones, 1);
    assert_eq!(reason(world.claim(&rotation)), Reason::New);
    assert_eq!(world.gate.metrics(world.now).tombstones, 0);
    world.wait(SECOND);
    let by_new = ad(&new).under(&id).sequence(1).at(world.now);
    assert_eq!(reason(world.direct(0, &by_new)), Reason::New);
    assert_eq!(reason(world.direct(0, &ad(&old).under(&id).at(world.now))), Reason::Superseded);
}

#[test]
fn what_was_advertised_before_the_displacement_is_a_replay() {
    let mut world = with(4, 8);
    world.connect(0);
    let author = owner(0);
    let id = world.register(&claim(0, 50));
    let other = world.register(&claim(1, 60));
    world.wait(MINUTE);
    let unseen = named("delegate");
    let end = START.saturating_add(DAY);
    let before = ad(&unseen).under(&id).at(world.now).lasting(HOUR).delegated(&author, end);
    world.wait(MINUTE);
    let third = world.register(&claim(2, 70));
    meet(&mut world, &other, &third);
    assert_eq!(world.register(&claim(0, 50)), id);
    assert_eq!(reason(world.pull(0, Channel::Directory, &before)), Reason::Replayed);
    world.wait(SECOND);
    let after = ad(&unseen).under(&id).at(world.now).lasting(HOUR).delegated(&author, end);
    assert_eq!(reason(world.pull(0, Channel::Directory, &after)), Reason::New);
}

#[test]
fn top_ups_count_against_displacement() {
    let mut world = world();
    let ids: Vec<_> = (0..4).map(|n| world.register(&claim(n, 50))).collect();
    let topped = owner(3);
    let credit = Claim::credit(&topped, Purpose::TopUp, &ids[3], Amount::from_xpi(10), 260);
    assert_eq!(reason(world.claim(&credit)), Reason::New);
    assert_eq!(register(&mut world, 4, 55), Reason::New);
    assert!(world.of_identity(&ids[3]).known && !world.of_identity(&ids[2]).known);
}

/// What a search found is remembered: those who cannot get in cost no other.
#[test]
fn a_refused_newcomer_costs_no_search() {
    let mut world = world();
    for number in 0..4 {
        assert_eq!(register(&mut world, number, 60), Reason::New);
    }
    let searches = |world: &World| world.gate.metrics(world.now).searches;
    assert_eq!(register(&mut world, 4, 60), Reason::TableFull);
    let before = searches(&world);
    let checks = world.gate.metrics(world.now).signature_checks;
    for number in 5..40 {
        assert_eq!(register(&mut world, number, 50 + u64::from(number % 11)), Reason::TableFull);
    }
    assert_eq!(searches(&world), before);
    assert_eq!(world.gate.metrics(world.now).signature_checks, checks, "nor a signature");
    assert_eq!(register(&mut world, 40, 61), Reason::New);
    assert_eq!(searches(&world), before + 1);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Of equals, the elder.
    #[test]
    fn a_full_half_holds_the_highest_burns(burns in prop::collection::vec(50u64..70, 1..40)) {
        let mut world = world();
        let claims: Vec<_> = (0..).zip(&burns).map(|(n, xpi)| claim(n, *xpi)).collect();
        for claim in &claims {
            let refused = reason(world.claim(claim));
            prop_assert!(matches!(refused, Reason::New | Reason::TableFull));
        }
        let mut highest: Vec<usize> = (0..burns.len()).collect();
        highest.sort_by_key(|n| (core::cmp::Reverse(burns[*n]), *n));
        for (rank, n) in highest.into_iter().enumerate() {
            prop_assert_eq!(world.of_identity(&claims[n].id()).known, rank < 4, "{} of {:?}", n, &burns);
        }
    }
}
