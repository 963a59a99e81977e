//! Withdrawals of what is listed elsewhere (policy §2).

use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::{Ad, ad};
use crate::claims::{Claim, named, secret};
use crate::world::*;

/// A world with identity 0 and peers 0 to 2.
fn world() -> (World, IdentityId) {
    let mut world = World::registered(1);
    (0..3).for_each(|number| world.connect(number));
    let id = world.gate.resolve_identity(&secret(0).public_key()).unwrap().id;
    (world, id)
}

fn end() -> Timestamp {
    START.saturating_add(DAY.saturating_mul(2))
}

fn pull(world: &mut World, ad: &Ad) -> Reason {
    reason(world.pull(1, Channel::Directory, ad))
}

/// Others may still serve what it withdraws, whoever is met first.
#[test]
fn a_withdrawal_of_what_is_not_listed_here_is_remembered_without_a_slot() {
    let (mut world, id) = world();
    let (owner, author) = (secret(0), named("delegate"));
    let first = ad(&author).under(&id).lasting(DAY).delegated(&owner, end());
    let between = ad(&author).under(&id).at(START.saturating_add(HOUR)).lasting(DAY);
    let between = between.delegated(&owner, end());
    world.wait(HOUR.saturating_mul(2));
    let gone = ad(&author).under(&id).at(world.now).delegated(&owner, end()).withdrawal();
    assert_eq!(pull(&mut world, &gone), Reason::New);
    assert_eq!(world.of_identity(&id).keys.0, 0, "no slot");
    assert!(world.gate.is_withdrawn(world.now, &gone.key()));
    for old in [&first, &between] {
        assert_eq!(reason(world.pull(2, Channel::Dht, old)), Reason::Replayed);
    }
    assert_eq!(reason(world.pull(2, Channel::Dht, &gone)), Reason::AlreadyKnown);
    // The watermark stays as long as anything older could be brought.
    world.wait(Millis::new(DAY.get() - 1));
    world.gate.handle_timeout(world.now);
    assert!(world.gate.is_withdrawn(world.now, &gone.key()));
    world.wait(Millis::new(16));
    assert!(!world.gate.is_withdrawn(world.now, &gone.key()));
    assert_eq!(reason(world.pull(2, Channel::Dht, &gone)), Reason::Expired);
    world.wait(HOUR);
    world.gate.handle_timeout(world.now);
    assert!(!world.of_key(&gone.key()).known);
}

/// An advertisement made between the one that was listed and the withdrawal may come later.
#[test]
fn a_withdrawal_of_what_is_listed_outlasts_what_was_not_seen_here() {
    let (mut world, id) = world();
    let author = secret(0);
    let first = ad(&author).under(&id).lasting(HOUR);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.wait(MINUTE);
    let unseen = ad(&author).under(&id).at(world.now).lasting(DAY);
    world.wait(MINUTE);
    let gone = ad(&author).under(&id).at(world.now).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::New);
    world.wait(HOUR.saturating_mul(23));
    world.gate.handle_timeout(world.now);
    assert_eq!(pull(&mut world, &unseen), Reason::Replayed);
}

#[test]
fn a_listed_key_is_not_withdrawn_and_one_that_was_advertises_again() {
    let (mut world, id) = world();
    let author = secret(0);
    let key = author.public_key();
    assert!(!world.gate.is_withdrawn(world.now, &key), "nobody knows it");
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id).lasting(DAY))), Reason::New);
    assert!(!world.gate.is_withdrawn(world.now, &key));
    world.wait(MINUTE);
    let gone = ad(&author).under(&id).at(world.now).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::New);
    assert!(world.gate.is_withdrawn(world.now, &key));
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id).at(world.now))), Reason::New);
    assert!(!world.gate.is_withdrawn(world.now, &key) && world.gate.is_listed(world.now, &key));
}

/// No slot limits them, so the identity's window does, however they come.
#[test]
fn as_many_withdrawals_of_what_is_not_listed_are_remembered_as_an_identity_has_keys() {
    let (mut world, id) = world();
    let owner = secret(0);
    let delegate = |n: u32| named(&format!("delegate {n}"));
    for n in 0..10 {
        let author = delegate(n);
        let gone = ad(&author).under(&id).delegated(&owner, end()).withdrawal();
        assert_eq!(pull(&mut world, &gone), Reason::New);
    }
    let author = delegate(10);
    let gone = ad(&author).under(&id).delegated(&owner, end()).withdrawal();
    let refused = world.pull(1, Channel::Directory, &gone);
    assert_eq!(reason(refused), Reason::IdentityWindow);
    assert!(!world.of_key(&gone.key()).known);
    // None of them stands in the way of what is advertised.
    let listed = named("listed");
    let listed = ad(&listed).under(&id).delegated(&owner, end());
    assert_eq!(pull(&mut world, &listed), Reason::New);
    world.now = refused.retry_at.unwrap();
    assert_eq!(world.now, START.saturating_add(MINUTE));
    assert_eq!(pull(&mut world, &gone), Reason::New);
}

#[test]
fn a_withdrawal_does_not_free_a_key_for_another_identity_nor_touch_its_row() {
    let mut world = World::registered(2);
    (0..3).for_each(|number| world.connect(number));
    let owners = [secret(0), secret(1)];
    let [mine, other] = owners.each_ref().map(SecretKey::public_key);
    let [mine, other] = [mine, other].map(|key| world.gate.resolve_identity(&key).unwrap().id);
    let author = named("delegate");
    let listed = ad(&author).under(&mine).delegated(&owners[0], START.saturating_add(DAY));
    assert_eq!(pull(&mut world, &listed), Reason::New);
    world.wait(MINUTE);
    // Its delegation is newer, so only that nothing is listed under it stands against it.
    let gone = ad(&author).under(&other).at(world.now).delegated(&owners[1], end()).withdrawal();
    assert_eq!(pull(&mut world, &gone), Reason::NotListed);
    assert!(world.gate.is_listed(world.now, &listed.key()));
}

#[test]
fn a_full_table_has_no_row_for_a_withdrawal_of_what_is_not_listed() {
    let mut world = World::with(Capacity { keys: 2, ..Capacity::SMALL }, POLICY);
    world.connect(1);
    let owner = named("owner");
    let [id, _] = ["owner", "other"]
        .map(|name| world.register(&Claim::made(&named(name), Amount::from_xpi(60), 200)));
    let author = named("delegate");
    let gone = ad(&author).under(&id).delegated(&owner, end()).withdrawal();
    assert_eq!(pull(&mut world, &gone), Reason::NotListed);
}

#[test]
fn a_strangers_withdrawal_of_what_is_not_listed_leaves_nothing() {
    let (mut world, _) = world();
    let stranger = named("stranger");
    assert_eq!(reason(world.direct(0, &ad(&stranger).withdrawal())), Reason::NotListed);
    assert!(!world.of_key(&stranger.public_key()).known);
}
