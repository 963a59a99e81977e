//! How many keys an identity may have, and when a slot is free again (policy §5).

use ltms_core::burn::Tier;
use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named};
use crate::world::*;

struct Owner {
    secret: SecretKey,
    id: IdentityId,
    authors: Vec<SecretKey>,
}

/// An identity that burned so much at `height`, and 101 keys.
fn owner(world: &mut World, xpi: u64, height: u32) -> Owner {
    world.connect(0);
    let secret = named("owner");
    let id = world.register(&Claim::made(&secret, Amount::from_xpi(xpi), height));
    let authors = (0..101).map(|n| named(&format!("author {n}"))).collect();
    Owner { secret, id, authors }
}

impl Owner {
    /// Author `n` is found in somebody's directory.
    fn pull(&self, world: &mut World, n: usize, span: Millis) -> Decision {
        let end = world.now.saturating_add(DAY);
        let ad = ad(&self.authors[n]).under(&self.id).at(world.now).lasting(span);
        world.pull(0, Channel::Directory, &ad.delegated(&self.secret, end))
    }

    /// How many keys get in.
    fn fill(&self, world: &mut World) -> usize {
        (0..101).take_while(|n| self.pull(world, *n, HOUR).reason == Reason::New).count()
    }
}

#[test]
fn ten_fifty_and_a_hundred_keys() {
    for (xpi, tier, limit) in [
        (50, Tier::Basic, 10),
        (199, Tier::Basic, 10),
        (200, Tier::Verified, 50),
        (1000, Tier::Institutional, 100),
    ] {
        let mut world = World::new();
        let owner = owner(&mut world, xpi, TIP - 71);
        assert_eq!(owner.fill(&mut world), limit);
        let standing = world.of_identity(&owner.id);
        assert_eq!((standing.tier, usize::from(standing.keys.0)), (Some(tier), limit));
        assert_eq!(standing.keys.0, standing.keys.1);
    }
}

#[test]
fn a_provisional_identity_has_the_limits_of_basic() {
    let mut world = World::new();
    let owner = owner(&mut world, 1000, TIP - 70);
    assert_eq!(world.of_identity(&owner.id).confirmations, 71);
    assert_eq!(owner.fill(&mut world), 10);
    world.set_tip(TIP + 1, TIP);
    assert_eq!(world.of_identity(&owner.id).tier, Some(Tier::Institutional));
    assert_eq!(reason(owner.pull(&mut world, 10, HOUR)), Reason::New);
}

#[test]
fn anchored_evidence_is_never_more_than_basic() {
    let mut world = World::new();
    world.connect(0);
    let secret = named("device");
    let claim = Claim::made(&secret, Amount::from_xpi(1000), 200);
    assert_eq!(reason(world.claim_from(0, &claim, EvidenceClass::Anchored)), Reason::New);
    assert_eq!(world.of_identity(&claim.id()).tier, Some(Tier::Basic));
}

#[test]
fn the_eleventh_key_waits_for_the_first_slot_to_end() {
    let mut world = World::new();
    let owner = owner(&mut world, 50, 200);
    let half = MINUTE.saturating_mul(30);
    assert_eq!(reason(owner.pull(&mut world, 0, half)), Reason::New);
    for n in 1..10 {
        assert_eq!(reason(owner.pull(&mut world, n, HOUR)), Reason::New);
    }
    let free = START.saturating_add(half).saturating_add(Millis::from_mins(10));
    assert_eq!(owner.pull(&mut world, 10, HOUR), Decision::until(Reason::KeyLimit, free));
    world.now = Timestamp::from_millis(free.as_millis() - 1);
    assert_eq!(reason(owner.pull(&mut world, 10, HOUR)), Reason::KeyLimit);
    world.now = free;
    assert_eq!(reason(owner.pull(&mut world, 10, HOUR)), Reason::New);
    assert_eq!(world.of_identity(&owner.id).keys.0, 10);
    assert_eq!(reason(owner.pull(&mut world, 0, HOUR)), Reason::KeyLimit, "its slot is gone");
    assert_eq!(reason(owner.pull(&mut world, 5, HOUR)), Reason::New, "a key with a slot goes on");
}

#[test]
fn a_withdrawn_key_makes_room_ten_minutes_later_without_any_sweep() {
    let mut world = World::new();
    let owner = owner(&mut world, 50, 200);
    for n in 0..10 {
        assert_eq!(reason(owner.pull(&mut world, n, DAY)), Reason::New);
    }
    world.wait(MINUTE);
    let end = START.saturating_add(DAY);
    let gone = ad(&owner.authors[3]).under(&owner.id).at(world.now);
    let gone = gone.delegated(&owner.secret, end).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::New);
    let free = world.now.saturating_add(Millis::from_mins(10));
    assert_eq!(owner.pull(&mut world, 10, HOUR), Decision::until(Reason::KeyLimit, free));
    world.now = free;
    assert_eq!(reason(owner.pull(&mut world, 10, HOUR)), Reason::New);
    assert_eq!(world.of_identity(&owner.id).keys.0, 10);
}

#[test]
fn rotating_keys_through_a_slot_gains_nothing() {
    let mut world = World::new();
    let owner = owner(&mut world, 50, 200);
    let mut admitted = 0;
    for step in 0..101 {
        admitted +=
            u32::from(reason(owner.pull(&mut world, step, Millis::from_mins(10))) == Reason::New);
        let gone = ad(&owner.authors[step]).under(&owner.id).at(world.now.saturating_add(SECOND));
        let gone = gone.delegated(&owner.secret, world.now.saturating_add(DAY)).withdrawal();
        world.wait(SECOND);
        let _ = world.pull(0, Channel::Dht, &gone);
    }
    assert_eq!(admitted, 10, "101 seconds are less than a slot is held");
}

#[test]
fn a_key_whose_graylisting_is_long_past_leaves_the_table() {
    let mut world = World::new();
    let owner = owner(&mut world, 50, 200);
    let key = owner.authors[0].public_key();
    for n in 0..11 {
        let _ = owner.pull(&mut world, 0, HOUR);
        world.wait(Millis::new(n));
        world.wait(SECOND);
    }
    assert_eq!(reason(world.of_key(&key).decision), Reason::Graylisted);
    world.wait(DAY);
    world.gate.handle_timeout(world.now);
    assert!(world.of_key(&key).known, "the next one would be longer");
    world.wait(HOUR.saturating_mul(2));
    world.gate.handle_timeout(world.now);
    assert!(!world.of_key(&key).known);
}

/// Wherever in its owner's list a key is whose slot has ended, and however many end at once.
#[test]
fn a_sweep_frees_the_slots_that_have_ended_and_no_others() {
    let ends: [fn(usize) -> bool; 5] =
        [|n| n % 3 == 0, |n| n < 40, |n| n >= 60, |_| true, |n| n == 99 || n == 0];
    for end in ends {
        let mut world = World::new();
        let owner = owner(&mut world, 1000, TIP - 71);
        let span = |n| HOUR.saturating_mul(if end(n) { 1 } else { 4 });
        for n in 0..100 {
            assert_eq!(reason(owner.pull(&mut world, n, span(n))), Reason::New);
        }
        world.wait(HOUR.saturating_mul(2));
        world.gate.handle_timeout(world.now);
        let ended = (0..100).filter(|n| end(*n)).count();
        assert_eq!(usize::from(world.of_identity(&owner.id).keys.0), 100 - ended);
        for (n, author) in owner.authors.iter().enumerate().take(100) {
            assert_eq!(world.gate.is_listed(world.now, &author.public_key()), !end(n), "{n}");
        }
        // The list is whole: without a sweep, each of the others is found when it ends.
        for n in (0..100).filter(|n| end(*n)) {
            assert_eq!(reason(owner.pull(&mut world, n, DAY)), Reason::New, "{n}");
        }
        let free =
            START.saturating_add(HOUR.saturating_mul(4)).saturating_add(MINUTE.saturating_mul(10));
        let day = world.now.saturating_add(DAY).saturating_add(MINUTE.saturating_mul(10));
        let first = if ended == 100 { day } else { free };
        let refused = Decision::until(Reason::KeyLimit, first);
        assert_eq!(owner.pull(&mut world, 100, DAY), refused);
        world.now = first;
        assert_eq!(reason(owner.pull(&mut world, 100, HOUR)), Reason::New);
        let kept = if ended == 100 { 0 } else { ended };
        assert_eq!(usize::from(world.of_identity(&owner.id).keys.0), kept + 1);
    }
}
