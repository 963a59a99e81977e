//! What an owner's anchor proves, and for how long (policy §6).

use ltms_core::burn::Tier;
use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named};
use crate::world::*;

const XPI_1000: Amount = Amount::from_xpi(1000);

fn device() -> (SecretKey, Claim) {
    let key = named("device");
    let claim = Claim::made(&key, XPI_1000, TIP - 71);
    (key, claim)
}

/// A world in which the device's identity is anchored, and its id.
fn world() -> (World, IdentityId) {
    let mut world = World::new();
    world.connect(0);
    let (_, claim) = device();
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::New);
    (world, claim.id())
}

fn anchored(world: &mut World, claim: &Claim) -> Decision {
    world.claim_from(COURIER, claim, EvidenceClass::Anchored)
}

/// Waits a millisecond less than so many days.
fn wait_almost(world: &mut World, days: u64) {
    world.now = world.now.saturating_add(Millis::from_days(days)).saturating_sub(Millis::new(1));
}

#[test]
fn an_anchored_burn_must_be_final_at_once() {
    let mut world = World::new();
    let shallow = Claim::made(&named("shallow"), XPI_1000, TIP - 70);
    assert_eq!(reason(anchored(&mut world, &shallow)), Reason::Immature);
    assert!(world.gate.identity(&shallow.id()).is_none());
    world.set_tip(TIP + 1, TIP);
    assert_eq!(reason(anchored(&mut world, &shallow)), Reason::New);
    assert_eq!(world.gate.identity(&shallow.id()).unwrap().class, EvidenceClass::Anchored);
}

#[test]
fn it_is_never_more_than_basic() {
    let (world, id) = world();
    assert_eq!(world.of_identity(&id).tier, Some(Tier::Basic));
    let mut world = World::new();
    world.register(&device().1);
    assert_eq!(world.of_identity(&id).tier, Some(Tier::Institutional), "told by a node");
}

#[test]
fn after_thirty_days_it_serves_nothing_until_it_is_proved_again() {
    let (mut world, id) = world();
    let (key, claim) = device();
    wait_almost(&mut world, 30);
    let last = ad(&key).under(&id).at(world.now);
    assert_eq!(reason(world.direct(0, &last)), Reason::New);
    assert!(world.gate.is_listed(world.now, &key.public_key()));
    world.wait(Millis::new(1));
    assert!(!world.gate.is_listed(world.now, &key.public_key()));
    assert!(world.of_identity(&id).suspended);
    let next = last.at(world.now.saturating_add(MINUTE));
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &next)), Reason::Suspended);
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::New);
    assert!(!world.of_identity(&id).suspended);
    assert_eq!(reason(world.direct(0, &next)), Reason::New);
    // For another thirty days.
    wait_almost(&mut world, 30);
    assert!(!world.of_identity(&id).suspended);
    world.wait(Millis::new(1));
    assert!(world.of_identity(&id).suspended);
}

#[test]
fn it_is_renewed_from_seven_days_before_its_end() {
    let (mut world, id) = world();
    let (_, claim) = device();
    wait_almost(&mut world, 23);
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::AlreadyKnown);
    world.wait(Millis::new(1));
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::New);
    world.wait(Millis::from_days(29));
    assert!(!world.of_identity(&id).suspended);
}

#[test]
fn a_node_may_prove_it_for_good() {
    let (mut world, id) = world();
    let (_, claim) = device();
    world.wait(Millis::from_days(25));
    assert_eq!(reason(world.claim(&claim)), Reason::New);
    assert_eq!(world.gate.identity(&id).unwrap().class, EvidenceClass::Node);
    assert_eq!(world.of_identity(&id).tier, Some(Tier::Institutional));
    world.wait(Millis::from_days(400));
    assert!(!world.of_identity(&id).suspended);
}

#[test]
fn its_reputation_and_sequence_outlive_the_proof() {
    let (mut world, id) = world();
    let (key, claim) = device();
    let next = named("next key");
    let rotation = Claim::rotation(&key, &next, &id, 1, TIP - 71 + 1);
    world.set_tip(TIP + 1, TIP);
    assert_eq!(reason(anchored(&mut world, &rotation)), Reason::New);
    world.wait(Millis::from_days(31));
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::New);
    let row = world.gate.identity(&id).unwrap();
    assert_eq!((row.key, row.sequence, row.burned), (next.public_key(), 1, XPI_1000));
}

#[test]
fn suspended_for_its_age_it_may_not_rotate() {
    let (mut world, id) = world();
    let (key, claim) = device();
    world.set_tip(TIP + 1, TIP);
    world.wait(Millis::from_days(30));
    let rotation = Claim::rotation(&key, &named("next key"), &id, 1, TIP - 70);
    assert_eq!(reason(anchored(&mut world, &rotation)), Reason::Suspended);
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::New);
    assert_eq!(reason(anchored(&mut world, &rotation)), Reason::New);
}

/// Only what an anchor proved has an end that a clock could be wrong about.
#[test]
fn a_clock_that_steps_back_ends_no_other_proof() {
    let mut world = World::registered(1);
    let id = Claim::real(0).id();
    let (_, claim) = device();
    assert_eq!(reason(anchored(&mut world, &claim)), Reason::New);
    world.wait(DAY);
    let _ = world.events();
    world.now = START;
    let _ = world.events();
    world.wait(Millis::from_days(30));
    assert!(!world.of_identity(&id).suspended);
    assert!(world.of_identity(&claim.id()).suspended);
}
