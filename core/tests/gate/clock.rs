//! Clocks that jump (policy §2).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::world::*;

/// Graylists peer 1 at `world.now`, by ten pushes of its own that come too soon.
fn graylist(world: &mut World, id: &IdentityId) {
    let author = secret(0);
    let first = ad(&author).under(id).of_peer(1).at(world.now);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    for n in 1..=10 {
        let next = first.at(first.created_at.saturating_add(Millis::new(n)));
        assert_eq!(reason(world.direct(1, &next)), Reason::TooSoon);
    }
    assert_eq!(reason(world.of_peer(1).decision), Reason::Graylisted);
}

fn world_at(now: Timestamp) -> (World, IdentityId) {
    let mut world = World::registered(1);
    world.now = now;
    (0..2).for_each(|number| world.connect(number));
    (world, Claim::real(0).id())
}

#[test]
fn a_graylisting_lasts_at_most_a_day_from_a_clock_that_stepped_back() {
    for days in [2, 30, 10_000] {
        let (mut world, id) = world_at(START);
        graylist(&mut world, &id);
        world.now = START.saturating_sub(DAY.saturating_mul(days));
        world.gate.handle_timeout(world.now);
        let until = world.of_peer(1).decision.retry_at.unwrap();
        assert!(until <= world.now.saturating_add(DAY), "{days} days back, until {until:?}");
        world.wait(DAY);
        assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
    }
}

/// At the end of time an hour later is "never", which must not become "until lifted".
#[test]
fn nothing_made_at_the_end_of_time_lasts_for_ever() {
    for off in [0, 1, 1000, 200_000] {
        let (mut world, _) = world_at(Timestamp::NEVER.saturating_sub(Millis::new(off)));
        for _ in 0..50 {
            let source = Source::gossip(peer(1), peer(7));
            let _ = world.gate.malformed(world.now, &source, Reason::Malformed, b"x");
        }
        assert!(off <= 1 || reason(world.of_peer(1).decision) == Reason::Graylisted);
        world.now = START;
        world.gate.handle_timeout(world.now);
        world.wait(DAY);
        assert_eq!(reason(world.of_peer(1).decision), Reason::Clear, "{off} ms before the end");
    }
}

#[test]
fn what_was_listed_by_a_clock_that_was_ahead_does_not_outlive_its_slot() {
    let (mut world, id) = world_at(START.saturating_add(DAY.saturating_mul(30)));
    let author = secret(0);
    let early = ad(&author).under(&id).at(world.now).lasting(DAY);
    assert_eq!(reason(world.direct(0, &early)), Reason::New);
    world.now = START;
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_identity(&id).keys.0, 1);
    world.wait(DAY.saturating_add(HOUR));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_identity(&id).keys.0, 0, "the slot has ended");
    assert!(!world.gate.is_listed(world.now, &author.public_key()), "and so has the listing");
}

#[test]
fn what_has_ended_is_not_listed_again_when_the_clock_steps_back() {
    let (mut world, id) = world_at(START);
    let author = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id))), Reason::New);
    world.wait(DAY);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_identity(&id).keys.0, 0);
    world.now = START;
    world.gate.handle_timeout(START.saturating_add(MINUTE));
    world.wait(MINUTE);
    assert!(!world.gate.is_listed(world.now, &author.public_key()), "it has no slot");
}

#[test]
fn windows_are_cut_when_the_clock_steps_back() {
    let (mut world, id) = world_at(START.saturating_add(DAY));
    let (author, stranger) = (secret(0), named("stranger"));
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id).at(world.now))), Reason::New);
    for n in 0..2 {
        let author = named(&format!("stranger {n}"));
        assert_eq!(reason(world.direct(0, &ad(&author).at(world.now))), Reason::New);
    }
    world.now = START;
    world.gate.handle_timeout(world.now);
    world.wait(MINUTE.saturating_mul(2));
    assert_eq!(reason(world.direct(0, &ad(&stranger).at(world.now))), Reason::New);
    let identity = Claim::real(0).id();
    let (delegate, end) = (named("delegate"), world.now.saturating_add(DAY));
    let next = ad(&delegate).under(&identity).at(world.now).delegated(&author, end);
    assert_eq!(reason(world.direct(0, &next)), Reason::New);
}

#[test]
fn a_correction_of_less_than_a_minute_cuts_nothing() {
    let (mut world, id) = world_at(START);
    graylist(&mut world, &id);
    let until = world.of_peer(1).decision;
    world.now = START.saturating_sub(Millis::from_secs(60));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_peer(1).decision, until);
}

/// An operator said until when; a correction of the clock does not change that.
#[test]
fn the_operators_bans_are_never_cut() {
    let (mut world, id) = world_at(START);
    world.connect(2);
    let author = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id))), Reason::New);
    let subjects =
        [Subject::Peer(peer(2)), Subject::Key(author.public_key()), Subject::Identity(id)];
    for until in [START.saturating_add(DAY.saturating_mul(90)), Timestamp::NEVER] {
        for subject in &subjects {
            world.gate.ban(START, subject, Some(until), Reason::Malformed).unwrap();
        }
        world.gate.handle_timeout(START.saturating_sub(HOUR));
        for subject in &subjects {
            let standing = world.gate.standing(START, subject);
            // A time that never comes is none.
            let expected = Some(until).filter(|until| *until != Timestamp::NEVER);
            assert!(!standing.decision.is_accept());
            assert_eq!(standing.decision.retry_at, expected, "{subject:?}");
        }
        world.gate.handle_timeout(START);
    }
}

#[test]
fn sweeping_goes_on_after_a_step_back() {
    let mut world = World::new();
    world.gate.handle_timeout(START.saturating_add(DAY.saturating_mul(365)));
    assert!(world.gate.poll_timeout() > START.saturating_add(DAY));
    world.connect(0);
    assert!(world.gate.poll_timeout() <= world.now, "it is time again");
    world.gate.handle_timeout(world.now);
    assert_eq!(world.gate.poll_timeout(), START.saturating_add(Millis::from_mins(5)));
    world.gate.handle_timeout(START.saturating_add(SECOND));
    assert_eq!(world.gate.poll_timeout(), START.saturating_add(Millis::from_mins(5)), "too early");
}

/// What ended only by a wrong clock is still there when it is right again.
#[test]
fn a_step_forward_is_told_and_puts_the_sweep_off() {
    let author = secret(0);
    let later = |span: Millis| START.saturating_add(span);
    let years = later(DAY.saturating_mul(3650));
    for wrong in [later(DAY.saturating_mul(2)), years, Timestamp::NEVER] {
        let (mut world, id) = world_at(START);
        assert_eq!(reason(world.direct(0, &ad(&author).under(&id))), Reason::New);
        world.gate.handle_timeout(START);
        let _ = world.events();
        world.now = wrong;
        world.gate.handle_timeout(wrong);
        world.gate.handle_timeout(wrong);
        assert_eq!(world.events(), [Event::ClockStepped]);
        assert_eq!(world.gate.poll_timeout(), wrong.saturating_add(Millis::from_mins(10)));
        assert!(!world.gate.is_listed(wrong, &author.public_key()), "decisions use the time given");
        assert_eq!(world.gate.metrics(wrong).clock_steps_forward, 1);
        world.now = later(SECOND);
        world.gate.handle_timeout(world.now);
        assert!(world.gate.is_listed(world.now, &author.public_key()), "{wrong:?}");
        assert_eq!(world.events(), []);
        assert_eq!(world.gate.metrics(wrong).clock_steps_back, 1);
    }
    // Ten minutes later it is swept by whatever the clock says.
    let (mut world, id) = world_at(START);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&id))), Reason::New);
    world.gate.handle_timeout(years);
    world.gate.handle_timeout(years.saturating_add(Millis::from_mins(10)));
    assert_eq!(world.of_identity(&id).keys.0, 0);
    // An hour without a call is none.
    let (mut world, _) = world_at(START);
    let _ = world.events();
    world.gate.handle_timeout(later(HOUR));
    assert_eq!(world.events(), []);
    world.gate.handle_timeout(later(HOUR.saturating_mul(2).saturating_add(Millis::new(1))));
    assert_eq!(world.events(), [Event::ClockStepped]);
}

/// Its own node published with a clock years ahead, and has the watermark of that.
#[test]
fn a_signer_whose_own_clock_was_ahead_is_heard_again() {
    let (mut world, id) = world_at(START);
    let author = secret(0);
    world.now = START.saturating_add(DAY.saturating_mul(3650));
    let own = Source::own(peer(9));
    let ahead = ad(&author).under(&id).at(world.now).seal();
    assert_eq!(reason(world.send(&own, &ahead)), Reason::New);
    world.now = START;
    world.gate.handle_timeout(START);
    world.wait(Millis::from_mins(5).saturating_add(MINUTE));
    let now = ad(&author).under(&id).at(world.now).seal();
    assert_eq!(reason(world.send(&own, &now)), Reason::New);
}

#[test]
fn debt_made_by_a_clock_that_was_ahead_is_lived_down() {
    let score = |wrong: Millis| {
        let mut world = World::registered(2);
        let ids = [Claim::real(0).id(), Claim::real(1).id()];
        let record = |world: &mut World, session: u8, outcome| {
            let session = SessionId::from_bytes([session; 16]);
            let recorded =
                world.gate.record_session(world.now, &session, &ids[0], &ids[1], outcome);
            assert_eq!(reason(recorded), Reason::Clear);
        };
        world.now = START.saturating_add(wrong);
        for session in 1..=2 {
            let failed = Outcome::Failed(score::Failure::InvalidSignature);
            record(&mut world, session, failed);
        }
        world.now = START;
        world.gate.handle_timeout(START);
        world.wait(DAY.saturating_mul(21));
        record(&mut world, 3, Outcome::Completed(SECOND));
        world.of_identity(&ids[0]).score
    };
    // 40 points halved three times, less one, from 60 / 3 + 20.
    assert_eq!(score(Millis::ZERO), 36);
    assert_eq!(score(DAY.saturating_mul(3650)), 36);
}

#[test]
fn by_the_chains_clock_messages_may_be_two_hours_ahead_and_gossip_of_any_age() {
    let policy = Policy { clock: Clock::Chain, ..POLICY };
    let tolerance = Millis::from_mins(125);
    let author = secret(0);
    let world = || {
        let mut world = World::with(Capacity::SMALL, policy);
        world.connect(0);
        let id = world.register(&Claim::real(0));
        (world, id)
    };
    let (mut ahead, id) = world();
    let just = ad(&author).under(&id).at(START.saturating_add(tolerance));
    let over = just.at(just.created_at.saturating_add(Millis::new(1)));
    let refused = Decision::until(Reason::Future, START.saturating_add(Millis::new(1)));
    assert_eq!(ahead.gossip(0, 0, &over), refused);
    assert_eq!(reason(ahead.gossip(0, 0, &just)), Reason::New);

    let (mut behind, _) = world();
    let old = ad(&author).under(&id).at(START.saturating_sub(HOUR.saturating_mul(23)));
    assert_eq!(reason(behind.gossip(0, 0, &old)), Reason::Expired, "that holds");
    assert_eq!(reason(behind.gossip(0, 0, &old.lasting(DAY))), Reason::New);
    let (mut system, _) = world_at(START);
    assert_eq!(reason(system.gossip(0, 0, &old.lasting(DAY))), Reason::Stale);
}

/// The last time that fits a message is two days away.
#[test]
fn nobody_is_accused_of_what_the_own_node_made_with_a_clock_far_ahead() {
    let (mut world, id) = world_at(Timestamp::NEVER.saturating_sub(DAY.saturating_mul(2)));
    let author = secret(0);
    for _ in 0..12 {
        let own = ad(&author).under(&id).at(world.now).seal();
        assert_eq!(reason(world.send(&Source::own(peer(9)), &own)), Reason::New);
        world.wait(SECOND);
    }
    assert_eq!(world.of_key(&author.public_key()).violations.0, 0);
}

/// Its newest message seems to have been made five minutes after the time we stepped back to, which
/// nobody ever said; a body made 30 s later is not made too soon.
#[test]
fn nobody_is_accused_by_a_time_that_a_step_back_made_up() {
    let author = secret(0);
    let violations = |wrong: Millis| {
        let (mut world, id) = world_at(START.saturating_add(wrong));
        let ahead =
            ad(&author).under(&id).at(START.saturating_add(Millis::from_mins(5)).max(world.now));
        assert_eq!(reason(world.gossip(0, 0, &ahead)), Reason::New);
        world.now = START;
        world.gate.handle_timeout(START);
        world.wait(Millis::from_mins(5).saturating_add(SECOND.saturating_mul(30)));
        let _ = world.gossip(0, 0, &ad(&author).under(&id).at(world.now));
        world.of_key(&author.public_key()).violations.0
    };
    assert_eq!(violations(DAY), 0);
    assert_eq!(violations(Millis::ZERO), 1, "that time was its own");
}
