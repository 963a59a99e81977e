//! Rate windows and who is charged (policy §3).

use ltms_core::*;

use crate::ads::{Ad, ad};
use crate::claims::{Claim, named, secret};
use crate::world::*;

fn world(identities: u32) -> World {
    let mut world = World::registered(identities);
    (0..4).for_each(|number| world.connect(number));
    world
}

fn id_of(world: &World, number: u32) -> IdentityId {
    world.gate.resolve_identity(&secret(number).public_key()).unwrap().id
}

#[test]
fn a_minute_between_advertisements_to_the_millisecond() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id))), Reason::New);
    let next = ad(&author).under(&id).at(START.saturating_add(MINUTE));
    world.now = Timestamp::from_millis(START.saturating_add(MINUTE).as_millis() - 1);
    let refused = world.direct(0, &next);
    assert_eq!(reason(refused), Reason::TooSoon);
    assert_eq!(refused.retry_at, Some(START.saturating_add(MINUTE)));
    world.now = refused.retry_at.unwrap();
    assert_eq!(reason(world.direct(0, &next)), Reason::New);
}

#[test]
fn all_keys_of_an_identity_share_one_window() {
    let mut world = world(1);
    let (owner, id) = (secret(0), id_of(&world, 0));
    let end = START.saturating_add(DAY);
    let authors: Vec<_> = (0..10).map(|n| named(&format!("delegate {n}"))).collect();
    for author in &authors {
        let ad = ad(author).under(&id).delegated(&owner, end);
        assert_eq!(reason(world.pull(0, Channel::Directory, &ad)), Reason::New, "no window");
    }
    // Ten pushes at once, whichever keys make them; then one a minute.
    for author in &authors {
        let ad = ad(author).under(&id).at(START.saturating_add(MINUTE)).delegated(&owner, end);
        assert_eq!(reason(world.direct(0, &ad)), Reason::New);
    }
    world.wait(Millis::from_secs(59));
    let again = |n: usize, now| ad(&authors[n]).under(&id).at(now).delegated(&owner, end);
    let later = START.saturating_add(MINUTE).saturating_add(MINUTE);
    let refused = world.direct(0, &again(0, later));
    assert_eq!(reason(refused), Reason::IdentityWindow);
    assert_eq!(refused.retry_at, Some(START.saturating_add(MINUTE)));
    world.now = refused.retry_at.unwrap();
    assert_eq!(reason(world.direct(0, &again(0, later))), Reason::New);
    assert_eq!(reason(world.direct(0, &again(1, later))), Reason::IdentityWindow);
    assert_eq!(world.of_peer(0).violations.0, 0, "nobody's violation");
}

/// Peer 1 pushes `count` bodies too soon after the first of `author`.
fn hasty(world: &mut World, ad: &Ad, publisher: u32, count: u64) -> Vec<Reason> {
    (1..=count)
        .map(|n| {
            let next = ad.at(ad.created_at.saturating_add(Millis::new(n)));
            reason(world.gossip(1, publisher, &next))
        })
        .collect()
}

#[test]
fn too_soon_counts_against_the_connection_that_published_and_nobody_else() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    let first = ad(&author).under(&id).of_peer(1);
    assert_eq!(reason(world.gossip(1, 1, &first)), Reason::New);
    // Another publisher's, passed on by peer 1: no count, however often.
    assert_eq!(hasty(&mut world, &first, 2, 30), vec![Reason::TooSoon; 30]);
    assert_eq!(world.of_peer(1).violations.0, 0);
    assert_eq!(world.of_peer(2).violations.0, 0, "the publisher did not hand it to us");
    // Its own.
    assert_eq!(hasty(&mut world, &first, 1, 9), vec![Reason::TooSoon; 9]);
    assert_eq!(world.of_peer(1).violations, (9, 10));
    assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
    assert_eq!(hasty(&mut world, &first, 1, 1), [Reason::TooSoon]);
    let standing = world.of_peer(1);
    assert_eq!(standing.decision, Decision::until(Reason::Graylisted, START.saturating_add(HOUR)));
    assert_eq!(standing.sanction_reason, Some(Reason::TooSoon));
    assert!(!standing.by_operator);
    // Neither the key nor the identity that were named pay.
    assert_eq!(world.of_key(&first.key()).violations.0, 0);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
    assert!(world.gate.is_listed(world.now, &first.key()));
    let until = Some(START.saturating_add(HOUR));
    let told = Event::Sanctioned { peer: peer(1), until, reason: Reason::TooSoon };
    assert_eq!(world.events().into_iter().filter(|event| *event == told).count(), 1);
    assert_eq!(world.events(), [], "told once");
}

#[test]
fn the_ban_of_a_key_does_not_spare_the_connection_that_pushes_its_bodies() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    let mut last = ad(&author).under(&id).of_peer(1);
    assert_eq!(reason(world.gossip(1, 1, &last)), Reason::New);
    // Ten verified bodies that came otherwise: the key's own violations.
    for _ in 0..10 {
        last = last.at(last.created_at.saturating_add(Millis::new(1)));
        let _ = world.pull(0, Channel::Directory, &last);
    }
    assert_eq!(reason(world.of_key(&last.key()).decision), Reason::Graylisted);
    assert_eq!(reason(world.gossip(1, 1, &ad(&author).under(&id).of_peer(1))), Reason::Graylisted);
    assert_eq!(world.of_peer(1).violations.0, 0, "an old body is nobody's violation");

    let refused = world.gossip(1, 1, &last.at(last.created_at.saturating_add(Millis::new(1))));
    let end = START.saturating_add(HOUR);
    assert_eq!(refused, Decision::until(Reason::TooSoon, end), "the later of both");
    assert_eq!(hasty(&mut world, &last, 2, 20), vec![Reason::TooSoon; 20], "passed on");
    assert_eq!(world.of_peer(1).violations.0, 1);
    world.wait(MINUTE);
    assert_eq!(hasty(&mut world, &last, 1, 20), vec![Reason::Graylisted; 20], "a minute later");
    assert_eq!(world.of_peer(1).violations.0, 1);
}

#[test]
fn graylistings_double_up_to_a_day_and_a_quiet_day_forgets() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    let sanction = |world: &mut World| -> u64 {
        let first = ad(&author).under(&id).of_peer(1).at(world.now);
        assert_eq!(reason(world.direct(2, &first)), Reason::New);
        assert_eq!(hasty(world, &first, 1, 10), vec![Reason::TooSoon; 10]);
        let until = world.of_peer(1).decision.retry_at.unwrap();
        let span = until.since(world.now);
        world.now = Timestamp::from_millis(until.as_millis() - 1);
        assert_eq!(reason(world.of_peer(1).decision), Reason::Graylisted);
        world.now = until;
        assert_eq!(reason(world.of_peer(1).decision), Reason::Clear, "over at its end");
        span.get() / HOUR.get()
    };
    let hours: Vec<u64> = (0..7).map(|_| sanction(&mut world)).collect();
    assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
    // The sweep must not forget what still makes the next one longer.
    world.wait(DAY);
    world.gate.handle_timeout(world.now);
    assert_eq!(sanction(&mut world), 24);
    world.wait(DAY.saturating_add(Millis::new(1)));
    world.gate.handle_timeout(world.now);
    assert_eq!(sanction(&mut world), 1);
}

#[test]
fn graylistings_of_a_key_double_and_never_touch_its_identity() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    let key = author.public_key();
    let other = named("other");
    let pull = |world: &mut World, ad: &Ad| reason(world.pull(0, Channel::Directory, ad));
    let sanction = |world: &mut World| -> u64 {
        let mut last = ad(&author).under(&id).at(world.now);
        assert_eq!(pull(world, &last), Reason::New);
        for count in 1..=9 {
            last = last.at(last.created_at.saturating_add(Millis::new(1)));
            assert_eq!(pull(world, &last), Reason::New);
            assert_eq!(world.of_key(&key).violations, (count, 10));
        }
        assert_eq!(reason(world.of_key(&key).decision), Reason::Clear, "nine are none");
        last = last.at(last.created_at.saturating_add(Millis::new(1)));
        assert_eq!(pull(world, &last), Reason::Graylisted);
        let standing = world.of_key(&key);
        assert_eq!(standing.sanction_reason, Some(Reason::TooSoon));
        // The identity and its other keys go on.
        assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
        assert_eq!(world.of_identity(&id).faults.0, 0);
        let others = ad(&other).under(&id).at(world.now);
        let others = others.delegated(&author, others.expires_at);
        assert_eq!(pull(world, &others), Reason::New);
        let until = standing.decision.retry_at.unwrap();
        let span = until.since(world.now);
        world.run_to(until);
        assert_eq!(reason(world.of_key(&key).decision), Reason::Clear, "over at its end");
        // The next begins at the last moment that makes it longer.
        world.wait(DAY);
        world.gate.handle_timeout(world.now);
        span.get() / HOUR.get()
    };
    let hours: Vec<u64> = (0..7).map(|_| sanction(&mut world)).collect();
    assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
    world.wait(Millis::new(1));
    assert_eq!(sanction(&mut world), 1, "a quiet day forgets");
    assert_eq!(reason(world.of_peer(0).decision), Reason::Clear, "who answered is not at fault");
}

/// The counter is of 24 h from the first violation, or up to a minute less.
#[test]
fn the_tenth_violation_counts_only_within_a_day_of_the_first() {
    for (off, expected) in [(TALLY, Reason::Graylisted), (Millis::ZERO, Reason::Clear)] {
        let mut world = world(1);
        let (author, id) = (secret(0), id_of(&world, 0));
        let first = ad(&author).under(&id).of_peer(1);
        assert_eq!(reason(world.direct(2, &first)), Reason::New);
        hasty(&mut world, &first, 1, 9);
        world.run_to(START.saturating_add(DAY).saturating_sub(off));
        let next = ad(&author).under(&id).of_peer(1).at(world.now);
        assert_eq!(reason(world.direct(2, &next)), Reason::New);
        hasty(&mut world, &next, 1, 1);
        assert_eq!(reason(world.of_peer(1).decision), expected, "{off:?} before");
    }
}

#[test]
fn violations_a_day_apart_do_not_add_up() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    for _ in 0..3 {
        let first = ad(&author).under(&id).of_peer(1).at(world.now);
        assert_eq!(reason(world.direct(2, &first)), Reason::New);
        hasty(&mut world, &first, 1, 9);
        assert_eq!(world.of_peer(1).violations.0, 9);
        world.wait(DAY);
        assert_eq!(world.of_peer(1).violations.0, 0);
    }
    assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
}

#[test]
fn a_key_violates_only_by_two_verified_bodies_made_less_than_a_minute_apart() {
    let mut world = world(2);
    let (author, id) = (secret(0), id_of(&world, 0));
    let mut made = START;
    let mut body = |gap: Millis| {
        made = made.saturating_add(gap);
        ad(&author).under(&id).at(made)
    };
    let key = author.public_key();
    let pull = |world: &mut World, ad: &Ad| reason(world.pull(0, Channel::Directory, ad));
    assert_eq!(pull(&mut world, &body(Millis::ZERO)), Reason::New);
    assert_eq!(pull(&mut world, &body(MINUTE)), Reason::New, "pulled answers have no window");
    assert_eq!(world.of_key(&key).violations.0, 0, "exactly a minute apart");
    let forged = body(Millis::new(1)).forged();
    assert_eq!(pull(&mut world, &forged), Reason::InvalidSignature);
    assert_eq!(world.of_key(&key).violations.0, 0, "nobody made the forged one");
    for count in 1..=9 {
        assert_eq!(pull(&mut world, &body(Millis::new(20_000))), Reason::New);
        assert_eq!(world.of_key(&key).violations, (count, 10));
    }
    assert_eq!(pull(&mut world, &body(Millis::new(20_000))), Reason::Graylisted);
    let until = START.saturating_add(HOUR);
    assert_eq!(world.of_key(&key).decision, Decision::until(Reason::Graylisted, until));
    assert!(!world.gate.is_listed(world.now, &key));
    // The identity and its other keys go on.
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
    let (other, end) = (named("other"), START.saturating_add(DAY));
    let other = ad(&other).under(&id).delegated(&author, end);
    assert_eq!(pull(&mut world, &other), Reason::New);
    assert_eq!(reason(world.of_peer(0).decision), Reason::Clear, "nor does who answered pay");
}

#[test]
fn violations_of_a_key_outlive_its_advertisement() {
    let mut world = world(1);
    let (owner, id, author) = (secret(0), id_of(&world, 0), named("hasty"));
    let key = author.public_key();
    let violate = |world: &mut World, bodies: u64| {
        for n in 0..=bodies {
            let made = world.now.saturating_add(Millis::new(n));
            let ad = ad(&author).under(&id).at(made).lasting(Millis::from_mins(10));
            let ad = ad.delegated(&owner, made.saturating_add(HOUR));
            let _ = world.pull(0, Channel::Directory, &ad);
        }
    };
    violate(&mut world, 9);
    assert_eq!(world.of_key(&key).violations, (9, 10));
    world.wait(HOUR);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_key(&key).violations, (9, 10), "swept with its row");
    violate(&mut world, 1);
    assert_eq!(reason(world.of_key(&key).decision), Reason::Graylisted);
    // A day after the first they count no longer, and the row may go.
    world.wait(DAY);
    world.wait(DAY);
    world.wait(DAY);
    world.gate.handle_timeout(world.now);
    assert!(!world.of_key(&key).known);
}

#[test]
fn a_throttled_connection_that_waits_is_read_at_exactly_its_time() {
    let mut world = world(0);
    let mut frame = |kind, now| reason_at(&mut world, kind, now);
    for _ in 0..60 {
        assert_eq!(frame(FrameKind::Gossip, START).reason, Reason::Clear);
    }
    // What it insisted on is paid for, too.
    let later = START.saturating_add(Millis::new(30));
    let throttled = frame(FrameKind::Gossip, later);
    assert_eq!(reason(throttled), Reason::Throttle);
    let opens = throttled.retry_at.unwrap();
    let before = opens.saturating_sub(Millis::new(1));
    assert_eq!(reason(frame(FrameKind::Direct, before)), Reason::ConnectionWindow);
    assert_eq!(frame(FrameKind::Gossip, opens).reason, Reason::Clear);
}

#[test]
fn a_connection_has_twenty_messages_a_second_and_sixty_at_once() {
    let mut world = world(0);
    let mut frame = |kind, now| reason_at(&mut world, kind, now);
    for _ in 0..60 {
        assert_eq!(frame(FrameKind::Direct, START).reason, Reason::Clear);
    }
    let refused = frame(FrameKind::Direct, START);
    assert_eq!(reason(refused), Reason::ConnectionWindow);
    assert_eq!(refused.retry_at, Some(START.saturating_add(Millis::new(50))));
    // A gossip message is still to be processed: gossipsub would drop later copies of it.
    let throttled = frame(FrameKind::Gossip, START);
    assert_eq!(reason(throttled), Reason::Throttle);
    assert!(throttled.is_accept() && throttled.retry_at.is_some());
    let later = START.saturating_add(Millis::new(49));
    assert_eq!(reason(frame(FrameKind::Direct, later)), Reason::ConnectionWindow);
    let later = START.saturating_add(Millis::new(50));
    assert_eq!(frame(FrameKind::Direct, later).reason, Reason::Clear);
    assert_eq!(reason(frame(FrameKind::Direct, later)), Reason::ConnectionWindow);
}

fn reason_at(world: &mut World, kind: FrameKind, now: Timestamp) -> Decision {
    world.gate.screen_frame(now, &Source::direct(peer(0)), kind, 100)
}

#[test]
fn relaying_honest_traffic_at_any_rate_costs_a_relay_nothing() {
    let mut world = world(20);
    let ids: Vec<_> = (0..20).map(|n| id_of(&world, n)).collect();
    let secrets: Vec<_> = (0..20).map(secret).collect();
    for round in 0..30 {
        for (author, id) in secrets.iter().zip(&ids) {
            let ad = ad(author).under(id).of_peer(3).at(world.now);
            assert_eq!(reason(world.gossip(0, 3, &ad)), Reason::New, "round {round}");
        }
        world.wait(MINUTE);
    }
    // All at once, and far more than the window holds: 20 identities of ten keys.
    for (owner, id) in secrets.iter().zip(&ids) {
        for n in 0..9 {
            let author = named(&format!("{id} {n}"));
            let ad = ad(&author).under(id).at(world.now);
            let ad = ad.delegated(owner, world.now.saturating_add(DAY));
            assert_eq!(reason(world.gossip(0, 3, &ad)), Reason::New);
        }
    }
    let standing = world.of_peer(0);
    assert_eq!((standing.violations.0, standing.passed_on), (0, 0));
    assert_eq!(world.gate.decisions(Reason::Throttle), 0);
}

/// An answer that we asked for is charged by item, as it may be all of things that we refuse; what
/// is known already comes back from every honest neighbour.
#[test]
fn items_of_a_page_cost_its_sender_only_where_they_are_good_for_nothing() {
    let mut world = world(1);
    let (author, id) = (secret(0), id_of(&world, 0));
    let good = ad(&author).under(&id);
    assert_eq!(reason(world.direct(2, &good)), Reason::New);
    let source = Source { peer: peer(1), publisher: None, channel: Channel::Directory };
    let item = |world: &mut World, ad: &Ad| {
        let envelope = ad.seal();
        let charged =
            world.gate.screen_frame(world.now, &source, FrameKind::Record, envelope.len());
        if charged.is_accept() {
            return reason(world.gate.admit_ad(world.now, &source, &envelope));
        }
        assert_eq!(charged.retry_at, Some(world.now.saturating_add(Millis::new(50))));
        reason(charged)
    };
    assert_eq!(item(&mut world, &good), Reason::Known);
    for _ in 0..200 {
        assert_eq!(item(&mut world, &good), Reason::AlreadyKnown);
    }
    let claim = Claim::real(0);
    for _ in 0..200 {
        let charged = world.gate.screen_frame(world.now, &source, FrameKind::Record, 500);
        assert_eq!(reason(charged), Reason::Clear);
        let known = world.gate.screen_claim(world.now, &source, &claim.claimed(), claim.signature);
        assert!(matches!(known, Screening::Done(known) if known.reason == Reason::AlreadyKnown));
    }
    let old = good.at(good.created_at.saturating_sub(MINUTE));
    for _ in 0..60 {
        assert_eq!(item(&mut world, &old), Reason::Replayed);
    }
    assert_eq!(item(&mut world, &old), Reason::ConnectionWindow);
    // Of a message that was pushed nothing comes back.
    for _ in 0..60 {
        assert_eq!(reason(world.direct(3, &good)), Reason::AlreadyKnown);
    }
    assert_eq!(reason(world.direct(3, &good)), Reason::ConnectionWindow);
}

#[test]
fn a_signature_that_no_ticket_asked_for_is_paid_by_the_connection() {
    let mut world = world(0);
    let source = Source::direct(peer(1));
    for _ in 0..20 {
        assert_eq!(world.gate.charge_signature(world.now, &source), Ok(()));
    }
    let refused = world.gate.charge_signature(world.now, &source).unwrap_err();
    assert_eq!(reason(refused), Reason::SignatureBudget);
    assert_eq!(refused.retry_at, Some(START.saturating_add(Millis::new(100))));
    assert_eq!(world.gate.charge_signature(world.now, &Source::direct(peer(2))), Ok(()));
    for count in 0..10 {
        assert_eq!(world.of_peer(1).invalid_signatures.0, count);
        let decision =
            world.gate.malformed(world.now, &source, Reason::InvalidSignature, b"forged");
        assert_eq!(reason(decision), Reason::InvalidSignature);
    }
    assert_eq!(world.of_peer(1).decision.reason, Reason::Blacklisted);
    assert_eq!(world.of_peer(1).malformed.0, 0);
}
