//! Signers without an identity (policy §3, §5).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::world::*;

fn world() -> World {
    let mut world = World::new();
    (0..3).for_each(|number| world.connect(number));
    world
}

#[test]
fn only_from_the_very_connection_of_the_peer_they_advertise() {
    let mut world = world();
    let author = named("stranger");
    let ad = ad(&author).of_peer(0);
    assert_eq!(reason(world.direct(1, &ad)), Reason::StrangerElsewhere);
    assert_eq!(reason(world.gossip(0, 0, &ad)), Reason::StrangerElsewhere);
    for channel in [Channel::Directory, Channel::Dht] {
        assert_eq!(reason(world.pull(0, channel, &ad)), Reason::StrangerElsewhere);
    }
    assert_eq!(world.of_peer(1).violations.0, 0);
    assert_eq!(reason(world.direct(0, &ad)), Reason::New);
    assert_eq!(world.of_peer(0).keys, (1, 10));
}

/// Even where it is known, it is not passed on.
#[test]
fn a_known_stranger_does_not_travel_by_gossip() {
    let mut world = world();
    let author = named("stranger");
    let ad = ad(&author).of_peer(0);
    assert_eq!(reason(world.direct(0, &ad)), Reason::New);
    for _ in 0..2 {
        assert_eq!(reason(world.gossip(0, 0, &ad)), Reason::StrangerElsewhere);
    }
    assert_eq!(reason(world.direct(1, &ad)), Reason::AlreadyKnown);
}

#[test]
fn two_at_once_from_an_address_group_then_one_a_minute() {
    let mut world = world();
    let authors = [0, 1, 2].map(|n| named(&format!("stranger {n}")));
    assert_eq!(reason(world.direct(0, &ad(&authors[0]))), Reason::New);
    assert_eq!(reason(world.direct(0, &ad(&authors[1]))), Reason::New);
    let refused = world.direct(0, &ad(&authors[2]));
    let retry_at = START.saturating_add(MINUTE);
    assert_eq!(refused, Decision::until(Reason::StrangerWindow, retry_at));
    assert!(!world.of_key(&authors[2].public_key()).known);
    // Another group is not concerned.
    assert_eq!(reason(world.direct(1, &ad(&authors[2]).of_peer(1))), Reason::New);
    world.now = Timestamp::from_millis(retry_at.as_millis() - 1);
    let third = named("stranger 3");
    assert_eq!(reason(world.direct(0, &ad(&third))), Reason::StrangerWindow);
    world.now = retry_at;
    assert_eq!(reason(world.direct(0, &ad(&third))), Reason::New);
}

/// A new peer id at the same address is the same stranger.
#[test]
fn fresh_peer_ids_share_the_window_of_their_address() {
    let mut world = World::new();
    let address = World::<Heap>::connection(0).address;
    let mut accepted = 0;
    for number in 0..20 {
        let connection = Connection { address, ..World::<Heap>::connection(number) };
        world.gate.connected(world.now, &connection).unwrap();
        let author = named(&format!("stranger {number}"));
        let decision = world.direct(number, &ad(&author).of_peer(number));
        accepted += u32::from(reason(decision) == Reason::New);
        world.gate.disconnected(world.now, &peer(number));
    }
    assert_eq!(accepted, 2);
}

/// With windows as wide as a test needs.
fn unhurried(capacity: Capacity) -> World {
    let mut policy = POLICY;
    policy.windows.strangers = Quota::every(SECOND, 1000);
    let mut world = World::with(capacity, policy);
    (0..20).for_each(|number| world.connect(number));
    world
}

/// No sweep is needed for it, which could come five minutes later.
#[test]
fn a_stranger_s_slot_is_free_at_the_very_time_that_its_refusal_names() {
    let mut world = unhurried(Capacity::SMALL);
    let authors: Vec<_> = (0..12).map(|n| named(&format!("stranger {n}"))).collect();
    for (n, author) in authors[..10].iter().enumerate() {
        let lasting = Millis::from_mins(if n == 3 { 20 } else { 30 });
        assert_eq!(reason(world.direct(0, &ad(author).lasting(lasting))), Reason::New);
    }
    let free = START.saturating_add(Millis::from_mins(20 + 10));
    let another = |world: &mut World, n: usize| world.direct(0, &ad(&authors[n]).at(world.now));
    assert_eq!(another(&mut world, 10), Decision::until(Reason::KeyLimit, free));
    world.now = free.saturating_sub(Millis::new(1));
    assert_eq!(another(&mut world, 10), Decision::until(Reason::KeyLimit, free));
    world.now = free;
    assert_eq!(reason(another(&mut world, 10)), Reason::New);
    assert_eq!(world.of_peer(0).keys, (10, 10));
    let free = START.saturating_add(Millis::from_mins(30 + 10));
    assert_eq!(another(&mut world, 11), Decision::until(Reason::KeyLimit, free));
}

#[test]
fn a_stranger_peer_has_ten_keys_and_slots_end_for_it_too() {
    let mut world = unhurried(Capacity::SMALL);
    let authors: Vec<_> = (0..12).map(|n| named(&format!("stranger {n}"))).collect();
    for author in &authors[..10] {
        assert_eq!(reason(world.direct(0, &ad(author).lasting(DAY))), Reason::New);
    }
    assert_eq!(reason(world.direct(0, &ad(&authors[10]))), Reason::KeyLimit);
    assert_eq!(world.of_peer(0).keys, (10, 10));
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &ad(&authors[0]).at(world.now).withdrawal())), Reason::New);
    assert_eq!(reason(world.direct(0, &ad(&authors[10]))), Reason::KeyLimit);
    world.wait(Millis::from_mins(10));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_peer(0).keys, (9, 10));
    assert_eq!(reason(world.direct(0, &ad(&authors[10]).at(world.now))), Reason::New);
    assert_eq!(reason(world.direct(0, &ad(&authors[11]).at(world.now))), Reason::KeyLimit);
}

#[test]
fn strangers_have_an_eighth_of_the_key_table_and_moving_keys_gains_nothing() {
    let mut world = unhurried(Capacity { keys: 64, ..Capacity::SMALL });
    let authors: Vec<_> = (0..20).map(|n| named(&format!("stranger {n}"))).collect();
    for author in &authors[..8] {
        assert_eq!(reason(world.direct(0, &ad(author))), Reason::New);
    }
    assert_eq!(reason(world.direct(1, &ad(&authors[8]).of_peer(1))), Reason::StrangerShare);
    // The keys move to a peer with another id, and back.
    for number in [1, 0, 1] {
        world.wait(MINUTE);
        for author in &authors[..8] {
            let moved = ad(author).at(world.now).of_peer(number);
            assert_eq!(reason(world.direct(number, &moved)), Reason::New);
        }
    }
    assert_eq!((world.of_peer(0).keys.0, world.of_peer(1).keys.0), (0, 8));
    let ninth = ad(&authors[8]).at(world.now).of_peer(2);
    assert_eq!(reason(world.direct(2, &ninth)), Reason::StrangerShare);
    assert_eq!(world.gate.metrics(world.now).advertised_keys, 8);
    // What ended makes room.
    world.wait(HOUR.saturating_mul(2));
    world.gate.handle_timeout(world.now);
    for author in &authors[8..16] {
        let ad = ad(author).at(world.now).of_peer(2);
        assert_eq!(reason(world.direct(2, &ad)), Reason::New);
    }
    let seventeenth = ad(&authors[16]).at(world.now).of_peer(3);
    assert_eq!(reason(world.direct(3, &seventeenth)), Reason::StrangerShare);
}

#[test]
fn a_stranger_may_return_under_another_peer_id() {
    let mut world = world();
    let author = named("stranger");
    assert_eq!(reason(world.direct(0, &ad(&author))), Reason::New);
    world.wait(MINUTE);
    let moved = ad(&author).at(world.now).of_peer(1);
    assert_eq!(reason(world.direct(1, &moved)), Reason::New);
    assert_eq!((world.of_peer(0).keys.0, world.of_peer(1).keys.0), (0, 1));
    // Without the author's signature nobody moves it.
    world.wait(MINUTE);
    let forged = ad(&author).at(world.now).of_peer(2).forged();
    assert_eq!(reason(world.direct(2, &forged)), Reason::InvalidSignature);
    assert_eq!(world.of_peer(1).keys.0, 1);
    // Nor does the peer it left withdraw it.
    world.wait(MINUTE);
    let gone = ad(&author).at(world.now).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::NotListed);
    assert_eq!(reason(world.direct(1, &gone)), Reason::New);
}

#[test]
fn registering_takes_a_strangers_key_over() {
    let mut world = world();
    let author = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&author))), Reason::New);
    let id = world.register(&Claim::real(0));
    assert_eq!(world.of_peer(0).keys.0, 0);
    assert_eq!(world.of_key(&author.public_key()).identity, Some(id));
    assert!(!world.gate.is_listed(world.now, &author.public_key()));
    // What it said as a stranger does not travel on.
    let before = ad(&author).seal();
    let by_page = Source { channel: Channel::Directory, ..Source::direct(peer(0)) };
    assert_eq!(reason(world.send(&by_page, &before)), Reason::KeyTaken);
    world.wait(MINUTE);
    let as_stranger = ad(&author).at(world.now);
    assert_eq!(reason(world.direct(0, &as_stranger)), Reason::KeyTaken);
    assert_eq!(reason(world.direct(0, &as_stranger.under(&id))), Reason::New);
    assert_eq!(world.of_identity(&id).keys.0, 1);
}

#[test]
fn a_suspended_identity_does_not_fall_back_to_a_stranger() {
    let mut world = world();
    let (author, delegate) = (secret(0), named("delegate"));
    let id = world.register(&Claim::real(0));
    let delegated = ad(&delegate).under(&id).delegated(&author, START.saturating_add(DAY));
    assert_eq!(reason(world.direct(0, &delegated)), Reason::New);
    world.confirm_tip(TIP, 186);
    world.wait(MINUTE);
    for author in [&author, &delegate] {
        assert_eq!(reason(world.direct(0, &ad(author).at(world.now))), Reason::KeyTaken);
    }
    assert_eq!(reason(world.direct(0, &ad(&author).at(world.now).under(&id))), Reason::Suspended);
    let new = named("new");
    let again = ad(&new).at(world.now).under(&id);
    let again = again.delegated(&author, again.expires_at);
    assert_eq!(reason(world.direct(0, &again)), Reason::Suspended);
}
