//! Two rotations with one sequence: the burn that lies earlier in the chain decides (policy §6).

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::rotation::{assert_key, world};
use crate::world::*;

/// Where the owner's rotation lies: deep enough to count, not yet final.
const AT: u32 = 310;

#[test]
fn a_stolen_key_that_burns_later_changes_nothing() {
    let (mut world, id, old) = world();
    let (new, thief) = (named("new"), named("thief"));
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &new, &id, 1, AT))), Reason::New);
    for at in [AT + 1, TIP - 71] {
        let late = Claim::rotation(&old, &thief, &id, 1, at);
        assert_eq!(reason(world.claim(&late)), Reason::Superseded, "void, and nobody's fault");
    }
    // With the old key the next rotation is not the thief's either.
    let next = Claim::rotation(&old, &thief, &id, 2, AT + 1);
    assert_eq!(reason(world.claim(&next)), Reason::Superseded);
    assert_key(&world, &id, &new, 1);
    assert_eq!(world.of_peer(COURIER).malformed.0, 0);
}

#[test]
fn the_earlier_burn_wins_and_voids_what_was_done_meanwhile() {
    let (mut world, id, old) = world();
    let (new, thief, accomplice) = (named("new"), named("thief"), named("accomplice"));
    let end = START.saturating_add(DAY);
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &thief, &id, 1, AT))), Reason::New);
    let own = ad(&thief).under(&id).sequence(1);
    let delegated = ad(&accomplice).under(&id).sequence(1).delegated(&thief, end);
    assert_eq!(reason(world.direct(0, &own)), Reason::New);
    assert_eq!(reason(world.direct(0, &delegated)), Reason::New);
    let _ = world.events();

    assert_eq!(reason(world.claim(&Claim::rotation(&old, &new, &id, 1, AT - 1))), Reason::New);
    assert_key(&world, &id, &new, 1);
    assert_eq!(world.events(), [Event::Rotated(id)]);
    assert_eq!(world.find(&Criteria::default()), []);
    assert!(world.gate.resolve_identity(&thief.public_key()).is_none());
    for gone in [&own, &delegated] {
        assert_eq!(reason(world.gossip(1, 2, gone)), Reason::Superseded);
    }
    world.wait(MINUTE);
    // The delegation that was checked once is not believed for that.
    let again = delegated.at(world.now);
    assert_eq!(reason(world.direct(0, &again)), Reason::NeedHistory);
    let next = ad(&new).under(&id).sequence(1).at(world.now);
    assert_eq!(reason(world.direct(0, &next)), Reason::New);
    // The thief's burn is void now, and so is any between.
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &thief, &id, 1, AT))), Reason::Superseded);
}

/// A node that has only heard of the thief's rotation must not punish who brings the owner's.
#[test]
fn whoever_speaks_by_the_other_rotation_is_not_at_fault_while_it_may_be_right() {
    let (mut world, id, old) = world();
    let (new, thief, delegate) = (named("new"), named("thief"), named("delegate"));
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &thief, &id, 1, AT))), Reason::New);
    let own = ad(&new).under(&id).sequence(1);
    let end = START.saturating_add(DAY);
    let delegated = ad(&delegate).under(&id).sequence(1).delegated(&new, end);
    assert_eq!(reason(world.direct(0, &own)), Reason::NeedHistory);
    assert_eq!(reason(world.direct(0, &delegated)), Reason::NeedHistory);
    assert_eq!(world.of_peer(0).malformed.0, 0);
    // Once it is final here, it may have ended otherwise elsewhere.
    world.set_tip(AT + 100, TIP);
    assert_eq!(reason(world.direct(0, &own)), Reason::Superseded);
    assert_eq!(reason(world.direct(0, &delegated)), Reason::Superseded);
    assert_eq!(world.of_peer(0).malformed.0, 0);
}

#[test]
fn whichever_comes_first_the_result_is_the_same() {
    let heights = [AT, AT + 3, AT - 2, AT + 1];
    let claims: Vec<(SecretKey, u32)> =
        heights.iter().map(|at| (named(&format!("burned at {at}")), *at)).collect();
    for first in 0..4 {
        for step in [1, 3] {
            let (mut world, id, old) = world();
            for n in 0..4 {
                let (key, at) = &claims[(first + n * step) % 4];
                let _ = world.claim(&Claim::rotation(&old, key, &id, 1, *at));
            }
            assert_key(&world, &id, &claims[2].0, 1);
        }
    }
}

#[test]
fn in_one_transaction_the_earlier_output_wins() {
    let (mut world, id, old) = world();
    let keys = [named("first"), named("second")];
    let scripts = keys.each_ref().map(|key| {
        let purpose = Some((Purpose::Rotation, id));
        BurnScript { public_key: key.public_key(), timestamp_ms: None, purpose }.build()
    });
    let xpi_5 = Amount::from_xpi(5);
    let claim = |output: u8| {
        let mut claim = Claim::raw(&old, &[(xpi_5, &scripts[0]), (xpi_5, &scripts[1])], AT);
        claim.vout = output;
        claim.rotating(&id, 1).signed_by(&old, &keys[usize::from(output)])
    };
    assert_eq!(reason(world.claim(&claim(1))), Reason::New);
    assert_eq!(reason(world.claim(&claim(0))), Reason::New);
    assert_eq!(reason(world.claim(&claim(1))), Reason::Superseded);
    assert_key(&world, &id, &keys[0], 1);
}

#[test]
fn a_rotation_is_final_after_a_hundred_blocks() {
    for (tip, expected) in [(AT + 99, Reason::New), (AT + 100, Reason::Superseded)] {
        let (mut world, id, old) = world();
        assert_eq!(
            reason(world.claim(&Claim::rotation(&old, &named("new"), &id, 1, AT))),
            Reason::New
        );
        world.set_tip(tip, TIP);
        let hidden = Claim::rotation(&old, &named("hidden"), &id, 1, AT - 1);
        assert_eq!(reason(world.claim(&hidden)), expected, "tip {tip}");
    }
}

#[test]
fn the_next_rotation_waits_until_the_last_is_final() {
    let (mut world, id, old) = world();
    let (new, third) = (named("new"), named("third"));
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &new, &id, 1, AT))), Reason::New);
    let next = Claim::rotation(&new, &third, &id, 2, AT + 1);
    world.set_tip(AT + 99, TIP);
    assert_eq!(reason(world.claim(&next)), Reason::NotFinal);
    assert_key(&world, &id, &new, 1);
    world.set_tip(AT + 100, AT + 99);
    assert_eq!(reason(world.claim(&next)), Reason::New);
    assert_key(&world, &id, &third, 2);
}

/// A contest must not use what the rotation before used: the key that was replaced by the last
/// rotation has that burn, with its own key in the script.
#[test]
fn the_burn_of_one_rotation_does_not_win_the_next() {
    let (mut world, id, old) = world();
    let (stolen, new) = (named("stolen"), named("new"));
    let first = || Claim::rotation(&old, &stolen, &id, 1, 200);
    assert_eq!(reason(world.claim(&first())), Reason::New);
    assert_eq!(reason(world.claim(&Claim::rotation(&stolen, &new, &id, 2, AT))), Reason::New);
    let again = first().rotating(&id, 2).signed_by(&stolen, &stolen);
    assert_eq!(reason(world.claim(&again)), Reason::BurnUsed);
    // Nor one from before it.
    let earlier = Claim::rotation(&stolen, &named("thief"), &id, 2, 199);
    assert_eq!(reason(world.claim(&earlier)), Reason::BurnUsed);
    assert_key(&world, &id, &new, 2);
    let between = Claim::rotation(&stolen, &named("owner's own"), &id, 2, 201);
    assert_eq!(reason(world.claim(&between)), Reason::New);
}

#[test]
fn a_burn_from_before_the_registration_rotates_nothing_in_any_order() {
    for contested in [false, true] {
        let (mut world, id, old) = world();
        if contested {
            let claim = Claim::rotation(&old, &named("new"), &id, 1, AT);
            assert_eq!(reason(world.claim(&claim)), Reason::New);
        }
        let before = Claim::rotation(&old, &named("before"), &id, 1, 186);
        assert_eq!(reason(world.claim(&before)), Reason::BurnUsed, "contested: {contested}");
    }
}

/// Whoever has the replaced key loses the contest; the identity goes on from the winner.
#[test]
fn the_winner_rotates_on_and_the_loser_does_not() {
    let (mut world, id, old) = world();
    let (loser, winner, third) = (named("loser"), named("winner"), named("third"));
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &loser, &id, 1, AT))), Reason::New);
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &winner, &id, 1, AT - 5))), Reason::New);
    world.set_tip(AT + 200, TIP);
    let by_loser = Claim::rotation(&loser, &third, &id, 2, AT + 10);
    assert_eq!(reason(world.claim(&by_loser)), Reason::Superseded);
    let by_winner = Claim::rotation(&winner, &third, &id, 2, AT + 10);
    assert_eq!(reason(world.claim(&by_winner)), Reason::New);
    assert_key(&world, &id, &third, 2);
    // The void key is free for an identity of its own.
    assert_eq!(reason(world.claim(&Claim::made(&loser, Amount::from_xpi(50), 300))), Reason::New);
    assert!(world.gate.resolve_identity(&secret(0).public_key()).is_none());
}

/// A rotation by the loser's key was screened and its signatures checked; then the winner's
/// rotation arrives. The loser's must not settle on top of it.
#[test]
fn a_rotation_that_was_checked_under_the_losers_key_does_not_settle_after_the_contest() {
    let (mut world, id, old) = world();
    let (loser, winner, third) = (named("loser"), named("winner"), named("third"));
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &loser, &id, 1, AT))), Reason::New);
    world.set_tip(AT + 98, TIP);
    let next = Claim::rotation(&loser, &third, &id, 2, AT + 10);
    let ticket = world.lookup(0, &next).expect("nothing stands against it yet");
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &winner, &id, 1, AT - 5))), Reason::New);
    world.set_tip(AT + 200, AT + 98);
    let header = next.header;
    let found = BlockEvidence { header: &header, class: EvidenceClass::Node };
    let settled = world.gate.settle_burn(world.now, ticket, Some(&found));
    assert_eq!(reason(settled), Reason::Superseded);
    assert_key(&world, &id, &winner, 1);
}
