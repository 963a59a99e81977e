//! Expiry, age, replay and watermarks (policy §2).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{named, secret};
use crate::world::*;

const CHANNELS: [Channel; 4] = [Channel::Gossip, Channel::Direct, Channel::Directory, Channel::Dht];

/// A world with identity 0, peers 0 to 2, and that identity's advertisement.
fn world() -> (World, IdentityId) {
    let mut world = World::registered(1);
    (0..3).for_each(|number| world.connect(number));
    let id = world.gate.resolve_identity(&secret(0).public_key()).unwrap().id;
    (world, id)
}

#[test]
fn lifetimes_from_ten_minutes_to_a_day_and_nothing_else() {
    let just = |span: Millis, off: i64| Millis::new(span.get().checked_add_signed(off).unwrap());
    let ten = Millis::from_mins(10);
    for (span, expected) in [
        (ten, Reason::New),
        (just(ten, -1), Reason::Lifetime),
        (DAY, Reason::New),
        (just(DAY, 1), Reason::Lifetime),
        (Millis::ZERO, Reason::Lifetime),
    ] {
        let (mut world, id) = world();
        let author = secret(0);
        let ad = ad(&author).under(&id).lasting(span);
        assert_eq!(reason(world.direct(0, &ad)), expected, "{span:?}");
    }
    let (mut world, id) = world();
    let author = secret(0);
    let mut backwards = ad(&author).under(&id);
    backwards.expires_at = backwards.created_at.saturating_sub(HOUR);
    assert_eq!(reason(world.direct(0, &backwards)), Reason::Lifetime);
}

#[test]
fn expired_is_refused_from_every_source_at_its_very_end() {
    for channel in CHANNELS {
        let (mut world, id) = world();
        let author = secret(0);
        let source = Source { peer: peer(0), publisher: None, channel };
        let made = START.saturating_sub(MINUTE);
        let ended = ad(&author).under(&id).at(made).lasting(Millis::from_mins(10));
        world.now = ended.expires_at;
        let before = world.gate.metrics(world.now).expired_entries_dropped;
        assert_eq!(reason(world.send(&source, &ended.seal())), Reason::Expired, "{channel:?}");
        assert_eq!(world.gate.metrics(world.now).expired_entries_dropped, before + 1);
        assert_eq!(world.of_key(&ended.key()).expires_at, None);
    }
}

#[test]
fn future_holds_for_every_source_and_stale_only_for_gossip() {
    let five = Millis::from_mins(5);
    for channel in CHANNELS {
        let source = Source { peer: peer(0), publisher: None, channel };
        let (mut world, id) = world();
        let author = secret(0);
        let tick = Millis::new(1);
        let early = ad(&author).under(&id).at(world.now.saturating_add(five).saturating_add(tick));
        let refused = world.send(&source, &early.seal());
        assert_eq!(reason(refused), Reason::Future, "{channel:?}");
        assert_eq!(refused.retry_at, Some(START.saturating_add(tick)));
        world.now = refused.retry_at.unwrap();
        assert_eq!(reason(world.send(&source, &early.seal())), Reason::New, "{channel:?}");

        let (mut world, _) = self::world();
        let old = ad(&author).under(&id).at(world.now.saturating_sub(five));
        let older = ad(&author).under(&id).at(old.created_at.saturating_sub(tick));
        let stale = if channel == Channel::Gossip { Reason::Stale } else { Reason::New };
        assert_eq!(reason(world.send(&source, &older.seal())), stale, "{channel:?}");
        if channel == Channel::Gossip {
            assert_eq!(reason(world.send(&source, &old.seal())), Reason::New);
        }
    }
}

#[test]
fn what_is_refused_for_its_times_moves_no_watermark() {
    let (mut world, id) = world();
    let author = secret(0);
    let ad = ad(&author).under(&id);
    let future = ad.at(START.saturating_add(HOUR));
    assert_eq!(reason(world.direct(0, &future)), Reason::Future);
    let stale = ad.at(START.saturating_sub(MINUTE.saturating_mul(6)));
    assert_eq!(reason(world.gossip(0, 0, &stale)), Reason::Stale);
    let expired = ad.at(START.saturating_sub(HOUR)).lasting(MINUTE.saturating_mul(30));
    assert_eq!(reason(world.direct(0, &expired)), Reason::Expired);
    // Older than all of these but the last, and still new.
    let now = ad.at(START.saturating_sub(MINUTE.saturating_mul(20)));
    assert_eq!(reason(world.pull(0, Channel::Directory, &now)), Reason::New);
    let standing = world.of_peer(0);
    assert_eq!((standing.malformed.0, standing.violations.0, standing.passed_on), (0, 0, 0));
}

#[test]
fn known_once_per_channel_and_never_charged() {
    let (mut world, id) = world();
    let author = secret(0);
    let ad = ad(&author).under(&id);
    assert_eq!(reason(world.gossip(0, 0, &ad)), Reason::New);
    let checks = world.gate.metrics(world.now).signature_checks;
    assert_eq!(reason(world.gossip(1, 0, &ad)), Reason::AlreadyKnown);
    for channel in [Channel::Direct, Channel::Directory, Channel::Dht] {
        let source = Source { peer: peer(1), publisher: None, channel };
        assert_eq!(reason(world.send(&source, &ad.seal())), Reason::Known, "{channel:?}");
        for number in 0..3 {
            let source = Source { peer: peer(number), publisher: None, channel };
            assert_eq!(reason(world.send(&source, &ad.seal())), Reason::AlreadyKnown);
        }
    }
    assert_eq!(world.gate.metrics(world.now).signature_checks, checks, "no signature was checked");
    for number in 0..3 {
        let standing = world.of_peer(number);
        assert_eq!((standing.violations.0, standing.invalid_signatures.0), (0, 0));
    }
    assert_eq!(world.of_key(&ad.key()).violations.0, 0);
}

#[test]
fn older_and_equally_old_bodies_are_replays() {
    let (mut world, id) = world();
    let author = secret(0);
    let first = ad(&author).under(&id);
    let second = first.at(START.saturating_add(MINUTE));
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &second)), Reason::New);
    let twin = second.lasting(HOUR.saturating_mul(2));
    for channel in CHANNELS {
        let source = Source { peer: peer(2), publisher: None, channel };
        for old in [&first, &twin] {
            assert_eq!(reason(world.send(&source, &old.seal())), Reason::Replayed, "{channel:?}");
        }
    }
    assert_eq!(world.of_key(&first.key()).violations.0, 0);
    assert_eq!(world.of_peer(2).violations.0, 0);
}

#[test]
fn withdrawal_frees_the_slot_after_ten_minutes_and_its_watermark_outlives_it() {
    let (mut world, id) = world();
    let author = secret(0);
    let first = ad(&author).under(&id).lasting(DAY);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.wait(MINUTE);
    assert!(world.gate.is_listed(world.now, &first.key()));
    let gone = first.at(world.now).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::New);
    assert!(!world.gate.is_listed(world.now, &first.key()));
    assert_eq!(world.of_identity(&id).keys.0, 1, "the slot is held");
    world.wait(Millis::from_mins(10));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_identity(&id).keys.0, 0, "and free ten minutes later");
    world.wait(HOUR.saturating_mul(20));
    world.gate.handle_timeout(world.now);
    for channel in [Channel::Direct, Channel::Directory, Channel::Dht] {
        let source = Source { peer: peer(2), publisher: None, channel };
        assert_eq!(reason(world.send(&source, &first.seal())), Reason::Replayed);
    }
}

#[test]
fn a_delegated_key_leaves_with_its_watermark_at_its_last_expiry() {
    let (mut world, id) = world();
    let (owner, author) = (secret(0), named("delegate"));
    let end = START.saturating_add(DAY).saturating_add(HOUR);
    let first = ad(&author).under(&id).lasting(DAY).delegated(&owner, end);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.wait(MINUTE);
    let gone = first.at(world.now).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::New);
    world.now = Timestamp::from_millis(first.expires_at.as_millis() - 1);
    world.gate.handle_timeout(world.now);
    assert!(world.of_key(&first.key()).known);
    assert_eq!(reason(world.pull(1, Channel::Dht, &first)), Reason::Replayed);
    world.wait(HOUR);
    world.gate.handle_timeout(world.now);
    assert!(!world.of_key(&first.key()).known);
    assert_eq!(reason(world.pull(1, Channel::Dht, &first)), Reason::Expired);
}
