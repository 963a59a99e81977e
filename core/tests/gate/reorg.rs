//! Reorganisations: suspended, found again, given up, doubted (policy §6).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::world::*;

const XPI_50: Amount = Amount::from_xpi(50);

/// Identities burned at `heights`, one each, with peer 0 connected and nothing left to tell.
fn world(heights: impl IntoIterator<Item = u32>) -> (World, Vec<IdentityId>) {
    let mut world = World::new();
    let ids = heights.into_iter().map(|height| world.register(&burn(height))).collect();
    world.connect(0);
    let _ = world.events();
    (world, ids)
}

fn burn(height: u32) -> Claim {
    Claim::made(&named(&format!("burned at {height}")), XPI_50, height)
}

#[test]
fn a_reorganisation_suspends_what_was_burned_above_the_fork_and_only_that() {
    let (mut world, ids) = world([TIP - 5, TIP - 6]);
    let authors = [TIP - 5, TIP - 6].map(|height| named(&format!("burned at {height}")));
    let (shallow, deep) = (ids[0], ids[1]);
    for (author, id) in authors.iter().zip(&ids) {
        assert_eq!(reason(world.direct(0, &ad(author).under(id))), Reason::New);
    }
    world.set_tip(TIP + 1, TIP);
    assert_eq!(world.events(), [], "a new block is no reorganisation");
    world.set_tip(TIP + 2, TIP - 6);
    assert_eq!(world.events(), [Event::Suspended(shallow)]);
    world.set_tip(TIP + 3, TIP - 6);
    assert_eq!(world.events(), [], "told once");
    assert!(world.of_identity(&shallow).suspended && !world.of_identity(&deep).suspended);
    assert_eq!(reason(world.of_identity(&shallow).decision), Reason::Suspended);
    assert!(!world.gate.is_listed(world.now, &authors[0].public_key()));
    assert!(world.gate.is_listed(world.now, &authors[1].public_key()));

    world.wait(MINUTE);
    let next = ad(&authors[0]).under(&shallow).at(world.now);
    assert_eq!(reason(world.direct(0, &next)), Reason::Suspended);
    let known = ad(&authors[0]).under(&shallow);
    assert_eq!(reason(world.direct(0, &known)), Reason::Suspended, "known");
    assert_eq!(world.of_peer(0).malformed.0, 0);
    assert_eq!(world.of_identity(&shallow).keys.0, 1, "its keys are kept");
    // A stranger's key it is not, either.
    let as_stranger = ad(&authors[0]).at(world.now);
    assert_eq!(reason(world.direct(0, &as_stranger)), Reason::KeyTaken);
}

#[test]
fn a_burn_that_is_mined_again_resumes_with_its_new_place() {
    let (mut world, ids) = world([TIP - 5]);
    let author = named(&format!("burned at {}", TIP - 5));
    let first = ad(&author).under(&ids[0]).lasting(DAY);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.set_tip(TIP + 1, TIP - 6);
    assert_eq!(world.events(), [Event::Suspended(ids[0])]);
    // The block that it was in is in no chain of the source any more.
    let lookup = world.lookup(COURIER, &burn(TIP - 5)).unwrap();
    assert_eq!(reason(world.gate.settle_burn(world.now, lookup, None)), Reason::UnknownBlock);
    let moved = burn(TIP - 5).moved(TIP - 3, 6);
    let weak = world.claim_from(COURIER, &moved, EvidenceClass::Weak);
    assert_eq!(reason(weak), Reason::WeakEvidence, "work alone is not enough");
    assert_eq!(reason(world.claim(&moved)), Reason::Immature);
    assert!(world.of_identity(&ids[0]).suspended);
    world.set_tip(TIP + 2, TIP + 1);
    assert_eq!(reason(world.claim(&moved)), Reason::New);
    assert_eq!(world.events(), [Event::Resumed(ids[0])]);
    let row = world.gate.identity(&ids[0]).unwrap();
    assert_eq!((row.height, row.suspended), (BlockHeight::new(TIP - 3), false));
    assert!(world.gate.is_listed(world.now, &author.public_key()), "with what it advertised");
    assert_eq!(reason(world.claim(&moved)), Reason::AlreadyKnown);
    assert_eq!(world.events(), []);
    // It stands by its new place at the next fork.
    world.set_tip(TIP + 3, TIP - 3);
    assert!(!world.of_identity(&ids[0]).suspended);
    world.set_tip(TIP + 4, TIP - 4);
    assert!(world.of_identity(&ids[0]).suspended);
}

#[test]
fn reorganisations_of_depth_one_to_ten_suspend_exactly_those_above() {
    for depth in 1..=10 {
        let heights: Vec<u32> = (TIP - 10..=TIP - 5).collect();
        let (mut world, ids) = world(heights.clone());
        world.set_tip(TIP + 1, TIP - depth);
        let gone: Vec<Event> = ids
            .iter()
            .zip(&heights)
            .filter(|(_, height)| **height > TIP - depth)
            .map(|(id, _)| Event::Suspended(*id))
            .collect();
        let mut told = world.events();
        told.sort_by_key(|event| gone.iter().position(|other| other == event));
        assert_eq!(told, gone, "depth {depth}");
        for (id, height) in ids.iter().zip(heights) {
            assert_eq!(world.of_identity(id).suspended, height > TIP - depth, "depth {depth}");
        }
    }
}

#[test]
fn a_burn_that_does_not_come_back_lapses_after_a_hundred_blocks() {
    let (mut world, ids) = world([TIP - 5]);
    let author = named(&format!("burned at {}", TIP - 5));
    let delegate = named("delegate");
    let end = START.saturating_add(DAY);
    let under = ad(&delegate).under(&ids[0]).delegated(&author, end);
    assert_eq!(reason(world.direct(0, &under)), Reason::New);
    world.set_tip(TIP + 1, TIP - 6);
    for height in 2..=100 {
        world.set_tip(TIP + height, TIP + height - 1);
        assert!(world.of_identity(&ids[0]).known, "{height}");
    }
    assert_eq!(world.gate.metrics(world.now).identities_lapsed, 0);
    world.set_tip(TIP + 101, TIP + 100);
    assert!(world.gate.identity(&ids[0]).is_none());
    assert_eq!(world.gate.metrics(world.now).identities_lapsed, 1);
    // Both keys are nobody's: one registers again, the other is a stranger's.
    assert!(world.gate.resolve_identity(&author.public_key()).is_none());
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &ad(&delegate).at(world.now))), Reason::New);
    assert_eq!(reason(world.claim(&Claim::made(&author, XPI_50, TIP + 50))), Reason::New);
    // And the burn itself, should it ever be mined, has only lost its key meanwhile.
    assert_eq!(reason(world.claim(&burn(TIP - 5).moved(TIP + 60, 2))), Reason::KeyTaken);
}

#[test]
fn a_pinned_identity_stays_until_it_is_unpinned() {
    let (mut world, ids) = world([TIP - 5]);
    assert!(world.gate.pin(world.now, &ids[0], true));
    assert!(!world.gate.pin(world.now, &IdentityId::from_bytes([9; 32]), true));
    world.set_tip(TIP + 1, TIP - 6);
    world.set_tip(TIP + 500, TIP + 1);
    assert!(world.of_identity(&ids[0]).suspended);
    assert_eq!(world.gate.metrics(world.now).identities_lapsed, 0);
    assert!(world.gate.pin(world.now, &ids[0], false));
    world.set_tip(TIP + 501, TIP + 500);
    assert!(!world.of_identity(&ids[0]).known);
}

#[test]
fn reputation_and_bans_outlive_a_reorganisation() {
    let (mut world, ids) = world([TIP - 5, TIP - 50]);
    let session = SessionId::from_bytes([1; 16]);
    let done = Outcome::Completed(SECOND);
    assert!(world.gate.record_session(START, &session, &ids[0], &ids[1], done).is_accept());
    world.gate.ban(START, &Subject::Identity(ids[0]), None, Reason::Malformed).unwrap();
    world.set_tip(TIP + 1, TIP - 6);
    world.set_tip(TIP + 10, TIP + 1);
    assert_eq!(reason(world.claim(&burn(TIP - 5).moved(TIP - 4, 3))), Reason::New);
    let standing = world.of_identity(&ids[0]);
    assert_eq!((standing.score, standing.sessions), (80, (1, 0)));
    assert_eq!(reason(standing.decision), Reason::IdentityBanned);
}

/// Nothing of the world but its count of decisions changes.
#[track_caller]
fn assert_unchanged(world: &mut World, id: &IdentityId) {
    assert_eq!(world.gate.tip().map(|tip| tip.height), Some(BlockHeight::new(TIP)));
    assert!(!world.of_identity(id).suspended);
    assert_eq!(world.events(), []);
}

#[test]
fn eleven_blocks_back_change_nothing_for_ten_minutes() {
    let (mut world, ids) = world([TIP - 5]);
    let believed = START.saturating_add(Millis::from_mins(10));
    let doubted = Decision::until(Reason::ChainSuspect, believed);
    assert_eq!(world.try_tip(TIP + 1, TIP - 11), doubted);
    assert_unchanged(&mut world, &ids[0]);
    world.now = believed.saturating_sub(Millis::new(1));
    assert_eq!(world.try_tip(TIP + 2, TIP - 11), doubted, "later blocks of the same fork");
    assert_unchanged(&mut world, &ids[0]);
    world.now = believed;
    assert_eq!(reason(world.try_tip(TIP + 2, TIP - 11)), Reason::Clear);
    assert_eq!(world.events(), [Event::Suspended(ids[0])]);
    assert_eq!(world.gate.decisions(Reason::ChainSuspect), 2);
}

#[test]
fn another_fork_is_doubted_anew() {
    let (mut world, ids) = world([TIP - 5]);
    assert_eq!(reason(world.try_tip(TIP, TIP - 11)), Reason::ChainSuspect);
    world.wait(Millis::from_mins(9));
    let later =
        Decision::until(Reason::ChainSuspect, world.now.saturating_add(Millis::from_mins(10)));
    assert_eq!(world.try_tip(TIP, TIP - 12), later);
    world.wait(Millis::from_mins(9));
    assert_eq!(reason(world.try_tip(TIP, TIP - 11)), Reason::ChainSuspect);
    assert_unchanged(&mut world, &ids[0]);
}

#[test]
fn a_chain_that_goes_on_clears_the_doubt() {
    let (mut world, ids) = world([TIP - 5]);
    assert_eq!(reason(world.try_tip(TIP + 1, TIP - 11)), Reason::ChainSuspect);
    world.wait(Millis::from_mins(9));
    world.set_tip(TIP, TIP);
    world.wait(Millis::from_mins(9));
    // The same fork starts again from nothing.
    let believed = world.now.saturating_add(Millis::from_mins(10));
    let doubted = Decision::until(Reason::ChainSuspect, believed);
    assert_eq!(world.try_tip(TIP + 1, TIP - 11), doubted);
    assert_unchanged(&mut world, &ids[0]);
}

#[test]
fn a_second_source_confirms_at_once() {
    let (mut world, ids) = world([TIP - 5]);
    assert_eq!(reason(world.try_tip(TIP + 1, TIP - 11)), Reason::ChainSuspect);
    world.confirm_tip(TIP + 1, TIP - 11);
    assert_eq!(world.events(), [Event::Suspended(ids[0])]);
    assert_eq!(world.gate.tip().unwrap().height, BlockHeight::new(TIP + 1));
}

/// The clock was days ahead when the doubt began; it is believed in time all the same.
#[test]
fn a_doubt_does_not_last_longer_for_a_clock_that_steps_back() {
    let (mut world, ids) = world([TIP - 5]);
    world.wait(DAY);
    assert_eq!(reason(world.try_tip(TIP, TIP - 11)), Reason::ChainSuspect);
    world.now = START;
    assert_eq!(reason(world.try_tip(TIP, TIP - 11)), Reason::ChainSuspect);
    world.wait(Millis::from_mins(10));
    assert_eq!(reason(world.try_tip(TIP, TIP - 11)), Reason::Clear);
    assert_eq!(world.events(), [Event::Suspended(ids[0])]);
}

/// `count` identities, the first `above` of which were burned six blocks ago.
fn crowd(count: u32, above: u32) -> World {
    let mut world = World::new();
    for number in 0..count {
        let height = if number < above { TIP - 5 } else { TIP - 50 };
        let key = named(&format!("crowd {number}"));
        world.register(&Claim::made(
            &key,
            Amount::from_sats(XPI_50.sats() + u64::from(number)),
            height,
        ));
    }
    let _ = world.events();
    world
}

#[test]
fn a_step_back_that_hits_one_in_ten_is_doubted_if_it_hits_more_than_eight() {
    for (count, above, doubted) in [
        (8, 8, false),
        (9, 9, true),
        (80, 9, true),
        (90, 9, false),
        (100, 10, false),
        (100, 11, true),
    ] {
        let mut world = crowd(count, above);
        let expected = if doubted { Reason::ChainSuspect } else { Reason::Clear };
        assert_eq!(reason(world.try_tip(TIP + 1, TIP - 6)), expected, "{above} of {count}");
        let suspended = if doubted { 0 } else { above as usize };
        assert_eq!(world.events().len(), suspended, "{above} of {count}");
        world.confirm_tip(TIP + 1, TIP - 6);
        assert_eq!(world.events().len(), above as usize - suspended);
    }
}

#[test]
fn a_suspended_identity_takes_its_key_back_from_nobody() {
    let mut world = World::registered(2);
    world.confirm_tip(TIP, 186);
    // Its key is still its own, so no other burn gets it.
    let other = Claim::made(&secret(0), XPI_50, 200);
    assert_eq!(reason(world.claim(&other)), Reason::KeyTaken);
    assert_eq!(reason(world.claim(&Claim::real(0))), Reason::New);
    assert!(!world.of_identity(&Claim::real(0).id()).suspended);
    assert!(world.of_identity(&Claim::real(1).id()).suspended);
}
