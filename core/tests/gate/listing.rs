//! What is listed: bans with their times, identities in pages, and what a window still refuses.

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::group_bans::{full, merged};
use crate::world::*;

fn bans(world: &World) -> Vec<Ban> {
    world.gate.bans(world.now).collect()
}

#[test]
fn every_kind_of_ban_is_listed_with_its_time_until_it_ends() {
    let mut world = World::registered(2);
    let id = Claim::real(0).id();
    world.connect(1);
    for _ in 0..50 {
        let _ = world.gate.malformed(world.now, &Source::direct(peer(1)), Reason::Malformed, b"x");
    }
    for _ in 0..3 {
        let _ = world.gate.record_fault(world.now, &id, Reason::InvalidSignature);
    }
    world.wait(HOUR);
    let until = world.now.saturating_add(DAY);
    world.gate.ban(world.now, &Subject::Peer(peer(2)), Some(until), Reason::Blacklisted).unwrap();
    let second = Subject::Identity(Claim::real(1).id());
    world.gate.ban(world.now, &second, None, Reason::Text).unwrap();
    world.gate.allow(world.now, &peer(3), true).unwrap();

    let told: Vec<_> = bans(&world)
        .iter()
        .map(|ban| (ban.subject, ban.reason, ban.since, ban.until, ban.by_operator))
        .collect();
    let day = START.saturating_add(DAY);
    assert_eq!(
        told,
        [
            (Subject::Peer(peer(1)), Reason::Malformed, Some(START), None, false),
            (Subject::Peer(peer(2)), Reason::Blacklisted, Some(world.now), Some(until), true),
            (Subject::Identity(id), Reason::InvalidSignature, Some(START), Some(day), false),
            (second, Reason::Text, None, None, true),
        ]
    );
    assert!(bans(&world)[0].evidence.is_some() && bans(&world)[1].evidence.is_none());
    world.run_to(until);
    let left: Vec<_> = bans(&world).iter().map(|ban| ban.subject).collect();
    assert_eq!(left, [Subject::Peer(peer(1)), second], "what ended is no ban");
}

#[test]
fn a_ban_that_doubled_began_when_it_did() {
    let mut world = World::registered(1);
    let id = Claim::real(0).id();
    for (after, lasts) in [(Millis::ZERO, DAY), (DAY, DAY.saturating_mul(2))] {
        world.wait(after);
        for _ in 0..3 {
            let _ = world.gate.record_fault(world.now, &id, Reason::InvalidSignature);
        }
        let [ban] = bans(&world)[..] else { panic!("one ban") };
        assert_eq!(ban.since, Some(world.now));
        assert_eq!(ban.until, Some(world.now.saturating_add(lasts)));
    }
}

#[test]
fn an_address_group_s_ban_is_listed_and_lifted_by_its_tag() {
    let (mut world, _) = full();
    let (group, until) = merged(&mut world);
    let of_group = |world: &World| {
        bans(world).into_iter().find(|ban| matches!(ban.subject, Subject::Group(_)))
    };
    let ban = of_group(&world).unwrap();
    assert_eq!((ban.subject, ban.reason), (Subject::Group(group), Reason::GroupBanned));
    assert_eq!((ban.since, ban.until), (None, Some(until)));
    assert!(world.gate.unban(world.now, &ban.subject));
    assert_eq!(of_group(&world), None);
}

#[test]
fn identities_are_read_in_pages_once_each() {
    let world = World::registered(5);
    let (mut from, mut read) = (0, Vec::new());
    loop {
        let page: Vec<_> = world.gate.identities(from).take(2).collect();
        let Some((last, _)) = page.last() else { break };
        from = last + 1;
        read.extend(page.iter().map(|(_, registered)| registered.id));
    }
    let all: Vec<_> = (0..5).map(|number| Claim::real(number).id()).collect();
    assert_eq!(read, all);
    assert_eq!(world.gate.identity(&all[3]), world.gate.identities(4).next().map(|row| row.1));
}

#[test]
fn an_identity_s_keys_are_told_with_their_ends() {
    let mut world = World::registered(2);
    world.connect(1);
    let (id, other) = (Claim::real(0).id(), Claim::real(1).id());
    assert_eq!(world.gate.owned_keys(&id).count(), 0, "no slot is taken yet");
    let author = secret(0);
    let offer = ad(&author).under(&id);
    assert_eq!(reason(world.direct(1, &offer)), Reason::New);
    let keys: Vec<_> = world.gate.owned_keys(&id).collect();
    let standing = world.of_identity(&id);
    assert_eq!(keys.len(), usize::from(standing.keys.0));
    assert!(keys[0].current);
    assert_eq!(Some(keys[0].ends), standing.expires_at);
    assert_eq!(world.gate.owned_keys(&other).count(), 0);
    assert_eq!(world.of_identity(&other).expires_at, None);
}

#[test]
fn a_peer_s_standing_says_when_each_of_its_windows_opens() {
    let mut world = World::new();
    world.connect(1);
    let source = Source::direct(peer(1));
    let idle = world.of_peer(1);
    assert_eq!((idle.message_at, idle.signature_at, idle.header_at), (None, None, None));
    assert_ne!(idle.group, 0);
    assert_eq!(world.of_peer(2).group, 0, "nobody knows where it is");

    let mut refused = None;
    for _ in 0..100 {
        let decision = world.gate.screen_frame(world.now, &source, FrameKind::Direct, 100);
        if decision.reason == Reason::ConnectionWindow {
            refused = decision.retry_at;
        }
    }
    assert_eq!(world.of_peer(1).message_at, refused);
    assert!(refused.is_some());
    while world.gate.charge_signature(world.now, &source).is_ok() {}
    let at = world.gate.charge_signature(world.now, &source).unwrap_err().retry_at;
    assert_eq!(world.of_peer(1).signature_at, at);
    world.wait(MINUTE);
    assert_eq!(world.of_peer(1).message_at, None, "it has opened");
    let _ = world.gate.admit_ad(world.now, &source, b"garbage");
    assert_eq!(world.of_peer(1).malformed, (1, 50));
}

#[test]
fn the_operator_s_room_is_what_bans_in_force_leave_of_the_quarter() {
    let mut world = World::with(Capacity { bans: 16, ..Capacity::SMALL }, POLICY);
    assert_eq!(world.gate.operator_room(world.now), 4);
    let ends = world.now.saturating_add(HOUR);
    for (number, until) in [(0, None), (1, Some(ends))] {
        world.gate.ban(world.now, &Subject::Peer(peer(number)), until, Reason::Text).unwrap();
    }
    assert_eq!(world.gate.operator_room(world.now), 2);
    world.wait(HOUR);
    assert_eq!(world.gate.operator_room(world.now), 3);
}
