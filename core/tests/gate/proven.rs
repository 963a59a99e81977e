//! Proven faults of identities (policy §4).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::world::*;

const WRONG: Reason = Reason::InvalidSignature;

fn world() -> (World, IdentityId) {
    let mut world = World::registered(2);
    world.connect(0);
    let _ = world.events();
    (world, Claim::real(0).id())
}

fn fault(world: &mut World, id: &IdentityId) -> Decision {
    world.gate.record_fault(world.now, id, WRONG)
}

#[test]
fn three_proven_faults_within_a_day_ban_an_identity_for_a_day() {
    let (mut world, id) = world();
    let author = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id))), Reason::New);
    for count in 1..=2 {
        assert_eq!(reason(fault(&mut world, &id)), Reason::Clear);
        assert_eq!(world.of_identity(&id).faults, (count, 3));
        world.run_to(START.saturating_add(DAY).saturating_sub(TALLY));
    }
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
    let until = world.now.saturating_add(DAY);
    let banned = Decision::until(Reason::IdentityBanned, until);
    assert_eq!(fault(&mut world, &id), banned);
    let standing = world.of_identity(&id);
    assert_eq!((standing.decision, standing.sanction_reason), (banned, Some(WRONG)));
    assert_eq!(world.events(), [Event::IdentityBanned { identity: id, until, reason: WRONG }]);
    assert_eq!(world.events(), [], "told once");
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.identity_faults, metrics.identities_banned), (3, 1));
    // All its keys are refused, and nobody else's.
    assert_eq!(world.direct(0, &ad(&author).under(&id).at(world.now)), banned);
    assert!(!world.gate.is_listed(world.now, &author.public_key()));
    let other = secret(1);
    let ad_of_other = ad(&other).under(&Claim::real(1).id()).at(world.now);
    assert_eq!(reason(world.direct(0, &ad_of_other)), Reason::New);
    world.run_to(until);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear, "over at its end");
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id).at(world.now))), Reason::New);
}

#[test]
fn proven_faults_a_day_apart_do_not_add_up() {
    let (mut world, id) = world();
    for _ in 0..5 {
        for _ in 0..2 {
            assert_eq!(reason(fault(&mut world, &id)), Reason::Clear);
        }
        world.wait(DAY);
        assert_eq!(world.of_identity(&id).faults, (0, 3));
    }
}

#[test]
fn bans_of_identities_double_to_thirty_days_and_a_quiet_day_forgets() {
    let (mut world, id) = world();
    let ban = |world: &mut World| -> u64 {
        (0..2).for_each(|_| assert_eq!(reason(fault(world, &id)), Reason::Clear));
        let until = fault(world, &id).retry_at.unwrap();
        // What is proved meanwhile makes it no longer.
        assert_eq!(fault(world, &id).retry_at, Some(until));
        let days = until.since(world.now).get() / DAY.get();
        world.run_to(until);
        days
    };
    let days: Vec<u64> = (0..7).map(|_| ban(&mut world)).collect();
    assert_eq!(days, [1, 2, 4, 8, 16, 30, 30]);
    world.wait(DAY.saturating_add(Millis::new(1)));
    assert_eq!(ban(&mut world), 1);
}

#[test]
fn the_operator_lifts_it_and_an_operators_ban_is_not_shortened() {
    let (mut world, id) = world();
    let subject = Subject::Identity(id);
    (0..3).for_each(|_| assert_ne!(fault(&mut world, &id).reason, Reason::Unjudged));
    assert!(world.gate.unban(START, &subject));
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
    assert_eq!(world.events(), [], "it was lifted before it was told");
    world.gate.ban(START, &subject, None, Reason::Text).unwrap();
    for _ in 0..3 {
        let banned = fault(&mut world, &id);
        assert_eq!(banned, Decision::until(Reason::IdentityBanned, Timestamp::NEVER));
    }
    assert_eq!(world.of_identity(&id).sanction_reason, Some(Reason::Text));
}

#[test]
fn a_ban_does_not_hide_what_else_waits_to_be_told() {
    let mut world = World::registered(1);
    let id = Claim::real(0).id();
    (0..3).for_each(|_| assert_ne!(fault(&mut world, &id).reason, Reason::Unjudged));
    let until = START.saturating_add(DAY);
    let banned = Event::IdentityBanned { identity: id, until, reason: WRONG };
    assert_eq!(world.events(), [banned, Event::Registered(id)]);
}

#[test]
fn nobody_unknown_is_charged() {
    let (mut world, _) = world();
    let unknown = IdentityId::from_bytes([1; 32]);
    assert_eq!(reason(fault(&mut world, &unknown)), Reason::UnknownIdentity);
    assert!(!world.of_identity(&unknown).known);
}

/// Honest clocks repeat a time; only one of the two is heard, and nobody pays.
#[test]
fn two_bodies_of_one_time_are_no_proof() {
    let (mut world, id) = world();
    let author = secret(0);
    let first = ad(&author).under(&id);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    for n in 1..=20 {
        let other = first.lasting(HOUR.saturating_add(Millis::new(n)));
        assert_eq!(reason(world.direct(0, &other)), Reason::Replayed);
    }
    assert_eq!(world.of_identity(&id).faults.0, 0);
    assert_eq!(world.of_key(&author.public_key()).violations.0, 0);
    assert_eq!(world.of_peer(0).violations.0, 0);
}
