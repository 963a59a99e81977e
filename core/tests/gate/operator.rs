//! What the operator may do, and what connections there may be (policy §4, §10).

use core::net::IpAddr;

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::world::*;

fn connection(number: u32, address: &str, direction: Direction) -> Connection {
    let address: Option<IpAddr> = address.parse().ok();
    Connection { peer: peer(number), address, direction }
}

#[test]
fn bans_carry_their_reason_and_are_lifted() {
    let mut world = World::new();
    world.connect(0);
    let subject = Subject::Peer(peer(0));
    assert!(!world.gate.unban(world.now, &subject));
    world.gate.ban(world.now, &subject, None, Reason::Text).unwrap();
    world.wait(HOUR);
    world.gate.ban(world.now, &subject, None, Reason::Address).unwrap();
    let standing = world.of_peer(0);
    assert_eq!(standing.decision, Decision::new(Reason::Blacklisted));
    assert_eq!(standing.sanction_reason, Some(Reason::Address));
    assert_eq!(standing.sanctioned_at, Some((START, world.now)));
    assert!(standing.by_operator);
    let told = Event::Sanctioned { peer: peer(0), until: None, reason: Reason::Address };
    assert_eq!(world.events(), [told]);
    assert_eq!(world.gate.metrics(world.now).blacklisted_peers, 1);
    assert!(world.gate.unban(world.now, &subject));
    assert_eq!(reason(world.of_peer(0).decision), Reason::Clear);
    assert_eq!(world.events(), []);
}

#[test]
fn a_ban_lifted_before_it_was_told_disconnects_nobody() {
    let mut world = World::new();
    world.connect(0);
    let subject = Subject::Peer(peer(0));
    world.gate.ban(world.now, &subject, None, Reason::Text).unwrap();
    assert!(world.gate.unban(world.now, &subject));
    assert_eq!(world.events(), []);
}

#[test]
fn the_operator_has_a_quarter_of_the_bans_and_the_rest_is_not_his() {
    let mut world = World::with(Capacity { bans: 8, ..Capacity::SMALL }, POLICY);
    let ban = |world: &mut World, number| {
        world.gate.ban(START, &Subject::Peer(peer(number)), None, Reason::Malformed)
    };
    assert_eq!(ban(&mut world, 0), Ok(()));
    assert_eq!(ban(&mut world, 1), Ok(()));
    assert_eq!(ban(&mut world, 2), Err(CapacityError::Bans));
    assert_eq!(ban(&mut world, 1), Ok(()), "again is no new row");
    assert!(world.gate.unban(START, &Subject::Peer(peer(0))));
    assert_eq!(ban(&mut world, 2), Ok(()));

    // Six automatic ones; of the seventh and eighth only the event remains.
    for number in 10..18 {
        world.connect(number);
        let source = Source::direct(peer(number));
        for _ in 0..50 {
            let _ = world.gate.malformed(START, &source, Reason::Malformed, b"x");
        }
    }
    let banned = (10..18).filter(|n| reason(world.of_peer(*n).decision) == Reason::Blacklisted);
    assert_eq!(banned.count(), 6);
    assert_eq!(world.gate.metrics(START).bans_not_recorded, 2);
    let told = world.events();
    assert_eq!(told.len(), 9);
    assert!(told.contains(&Event::PostureChanged(Posture::Lockdown)));
    let unrecorded = |event: &&Event| {
        matches!(event, Event::Sanctioned { until: Some(START), reason: Reason::TableFull, .. })
    };
    assert_eq!(told.iter().filter(unrecorded).count(), 2);
    for number in [1, 2] {
        assert_eq!(reason(world.of_peer(number).decision), Reason::Blacklisted, "the operator's");
    }
}

/// A row that the operator's ban has left is an automatic one when the peer is banned again.
#[test]
fn an_automatic_ban_after_an_operators_is_not_the_operators() {
    let mut world = World::new();
    world.connect(0);
    let until = START.saturating_add(HOUR);
    world.gate.ban(START, &Subject::Peer(peer(0)), Some(until), Reason::Text).unwrap();
    world.now = until;
    for _ in 0..50 {
        let _ = world.gate.malformed(until, &Source::direct(peer(0)), Reason::Malformed, b"x");
    }
    let standing = world.of_peer(0);
    assert_eq!(reason(standing.decision), Reason::Blacklisted);
    assert!(!standing.by_operator);
}

#[test]
fn only_who_is_known_can_be_banned_by_identity_or_key() {
    let mut world = World::registered(1);
    let unknown = [
        Subject::Identity(IdentityId::from_bytes([1; 32])),
        Subject::Key(PublicKey::from_bytes([2; 33])),
    ];
    for subject in &unknown {
        let banned = world.gate.ban(START, subject, None, Reason::Text);
        assert_eq!(banned, Err(CapacityError::Unknown));
        assert!(!world.gate.unban(START, subject));
        assert!(!world.gate.standing(START, subject).known);
    }
    let id = Claim::real(0).id();
    let until = START.saturating_add(HOUR);
    world.gate.ban(START, &Subject::Identity(id), Some(until), Reason::Text).unwrap();
    let banned = Decision::until(Reason::IdentityBanned, until);
    assert_eq!(world.of_identity(&id).decision, banned);
    world.now = until;
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
}

#[test]
fn connections_per_peer_group_and_direction() {
    let mut world =
        World::with(Capacity { peers: 200, ..Capacity::SMALL }, POLICY.on(Network::Main));
    world.gate.disconnected(START, &peer(COURIER));
    let mut open = |number: u32, address: &str, direction| {
        let connection = connection(number, address, direction);
        let decision = world.gate.screen_connection(START, &connection);
        if decision.is_accept() {
            world.gate.connected(START, &connection).unwrap();
        }
        reason(decision)
    };
    use Direction::{Inbound, Outbound};
    assert_eq!(open(0, "1.2.3.4", Inbound), Reason::Clear);
    assert_eq!(open(0, "1.2.3.4", Inbound), Reason::Clear);
    assert_eq!(open(0, "1.2.3.4", Inbound), Reason::ConnectionLimit);
    for number in 1..7 {
        assert_eq!(open(number, "1.2.3.9", Inbound), Reason::Clear, "{number}");
    }
    assert_eq!(open(7, "1.2.3.200", Inbound), Reason::GroupLimit);
    assert_eq!(open(7, "::ffff:1.2.3.200", Inbound), Reason::GroupLimit, "the same address");
    for number in 7..15 {
        assert_eq!(open(number, &format!("1.2.{number}.9"), Inbound), Reason::Clear);
    }
    assert_eq!(open(15, "1.2.77.9", Inbound), Reason::GroupLimit, "sixteen of a wide group");
    for number in 20..28 {
        assert_eq!(open(number, "a relay hides it", Inbound), Reason::Clear);
    }
    assert_eq!(open(28, "hidden too", Inbound), Reason::GroupLimit);
    for number in 100..204 {
        assert_eq!(open(number, &format!("9.{number}.1.1"), Inbound), Reason::Clear);
    }
    assert_eq!(open(300, "77.1.1.1", Inbound), Reason::ConnectionLimit, "128 inbound");
    assert_eq!(open(300, "1.2.3.4", Inbound), Reason::GroupLimit, "who makes room need not");
    assert_eq!(open(300, "77.1.1.1", Outbound), Reason::Clear, "outbound are apart");
}

#[test]
fn loopback_is_exempt_from_groups_on_regtest_only() {
    for (network, expected) in [(Network::Reg, Reason::Clear), (Network::Main, Reason::GroupLimit)]
    {
        let mut world = World::with(Capacity::SMALL, POLICY.on(network));
        for number in 0..8 {
            let connection = connection(number, "127.0.0.1", Direction::Inbound);
            world.gate.connected(START, &connection).unwrap();
        }
        let ninth = connection(8, "::ffff:127.0.0.1", Direction::Inbound);
        assert_eq!(reason(world.gate.screen_connection(START, &ninth)), expected);
    }
}

#[test]
fn connected_peers_are_never_pushed_out_of_their_table() {
    let mut world = World::with(Capacity { peers: 3, ..Capacity::SMALL }, POLICY);
    world.connect(0);
    world.connect(1);
    let full = world.gate.connected(START, &World::<Heap>::connection(2));
    assert_eq!(full, Err(CapacityError::Peers));
    world.gate.disconnected(START, &peer(0));
    world.connect(2);
    assert!(!world.of_peer(0).known && world.of_peer(1).known && world.of_peer(2).known);
    assert_eq!(world.gate.metrics(START).active_peers, 3);
}

#[test]
fn an_allowed_peer_is_exempt_from_group_limits_and_automatic_bans() {
    let mut world = World::with(Capacity::SMALL, POLICY);
    for number in 0..8 {
        let connection = connection(number, "1.2.3.4", Direction::Inbound);
        world.gate.connected(START, &connection).unwrap();
    }
    let ninth = connection(8, "1.2.3.4", Direction::Inbound);
    assert_eq!(reason(world.gate.screen_connection(START, &ninth)), Reason::GroupLimit);
    world.gate.allow(START, &peer(8), true).unwrap();
    assert_eq!(reason(world.gate.screen_connection(START, &ninth)), Reason::Clear);
    world.gate.connected(START, &ninth).unwrap();
    let tenth = connection(9, "1.2.3.4", Direction::Inbound);
    assert_eq!(reason(world.gate.screen_connection(START, &tenth)), Reason::GroupLimit, "only it");

    // The decoder and the windows hold, and nothing bans it.
    let source = Source::direct(peer(8));
    for _ in 0..200 {
        let _ = world.gate.malformed(START, &source, Reason::Malformed, b"x");
    }
    for _ in 0..60 {
        let _ = world.gate.screen_frame(START, &source, FrameKind::Direct, 10);
    }
    let frame = world.gate.screen_frame(START, &source, FrameKind::Direct, 10);
    assert_eq!(reason(frame), Reason::ConnectionWindow);
    let oversize = world.gate.screen_frame(START, &source, FrameKind::Direct, size::FRAME + 1);
    assert_eq!(reason(oversize), Reason::Oversize);
    let standing = world.of_peer(8);
    assert!(standing.allowed && standing.by_operator);
    assert_eq!(reason(standing.decision), Reason::Clear);
    assert_eq!(standing.sanction_reason, None);
    assert_eq!(world.events(), []);
    let metrics = world.gate.metrics(START);
    assert_eq!((metrics.allowed_peers, metrics.peers_blocked), (1, 0));

    // Off the list, it is as any other.
    world.gate.allow(START, &peer(8), false).unwrap();
    assert!(!world.of_peer(8).allowed);
    for _ in 0..50 {
        let _ = world.gate.malformed(START, &source, Reason::Malformed, b"x");
    }
    assert_eq!(reason(world.of_peer(8).decision), Reason::Blacklisted);
}

#[test]
fn the_operators_last_word_on_a_peer_holds() {
    let mut world = World::new();
    world.connect(0);
    let subject = Subject::Peer(peer(0));
    for _ in 0..50 {
        let source = Source::direct(peer(0));
        let _ = world.gate.malformed(START, &source, Reason::Malformed, b"x");
    }
    assert_eq!(reason(world.of_peer(0).decision), Reason::Blacklisted);
    world.gate.allow(START, &peer(0), true).unwrap();
    assert_eq!(reason(world.of_peer(0).decision), Reason::Clear);
    assert_eq!(world.events(), [], "it is not disconnected any more");
    world.gate.ban(START, &subject, None, Reason::Text).unwrap();
    let standing = world.of_peer(0);
    assert_eq!((reason(standing.decision), standing.allowed), (Reason::Blacklisted, false));
    world.gate.allow(START, &peer(0), false).unwrap();
    assert_eq!(reason(world.of_peer(0).decision), Reason::Blacklisted, "it was not allowed");
    world.gate.allow(START, &peer(0), true).unwrap();
    assert!(!world.gate.unban(START, &subject), "there is no ban to lift");
    assert!(world.of_peer(0).allowed);
}

#[test]
fn the_allow_list_is_in_the_operators_quarter_and_outlives_sweeps() {
    let mut world = World::with(Capacity { bans: 8, ..Capacity::SMALL }, POLICY);
    assert_eq!(world.gate.allow(START, &peer(0), true), Ok(()));
    assert_eq!(world.gate.allow(START, &peer(0), true), Ok(()), "again is no new row");
    world.gate.ban(START, &Subject::Peer(peer(1)), None, Reason::Text).unwrap();
    assert_eq!(world.gate.allow(START, &peer(2), true), Err(CapacityError::Bans));
    assert_eq!(world.gate.allow(START, &peer(2), false), Ok(()));
    assert!(!world.of_peer(2).known);
    world.wait(DAY.saturating_mul(60));
    world.gate.handle_timeout(world.now);
    // Six automatic bans and more push nobody out of that quarter.
    for number in 10..20 {
        world.connect(number);
        for _ in 0..50 {
            let source = Source::direct(peer(number));
            let _ = world.gate.malformed(world.now, &source, Reason::Malformed, b"x");
        }
    }
    assert!(world.of_peer(0).allowed);
    assert_eq!(reason(world.of_peer(1).decision), Reason::Blacklisted);
    world.gate.allow(world.now, &peer(0), false).unwrap();
    assert_eq!(world.gate.allow(world.now, &peer(2), true), Ok(()));
}

#[test]
fn limits_change_while_the_gate_lives_and_bans_stay() {
    let mut world = World::registered(1);
    world.connect(0);
    world.gate.ban(world.now, &Subject::Peer(peer(3)), None, Reason::Blacklisted).unwrap();
    let author = secret(0);
    let first = ad(&author).under(&Claim::real(0).id()).of_peer(0).at(world.now);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    let next = |millis| first.at(first.created_at.saturating_add(Millis::new(millis)));
    world.wait(Millis::from_secs(10));
    assert_eq!(reason(world.direct(0, &next(10_000))), Reason::TooSoon);

    let policy = *world.gate.policy();
    let mut windows = policy.windows;
    windows.advertisement = Quota::every(Millis::from_secs(1), 1);
    let set = |world: &mut World, windows: &Windows, envelope| {
        world.gate.set_limits(world.now, windows, &policy.enforce, envelope)
    };
    let wrong = Windows { wide_factor: 0, ..windows };
    assert!(!set(&mut world, &wrong, 10_000) && !set(&mut world, &windows, 0));
    assert_eq!(*world.gate.policy(), policy, "nothing of what cannot be used");
    assert!(set(&mut world, &windows, 9_000));
    assert_eq!(world.gate.policy().windows.advertisement, windows.advertisement);
    assert_eq!(world.gate.policy().local_envelope, 9_000);
    // The window that was full for another 50 s is as long as the new one at most.
    world.wait(Millis::from_secs(2));
    assert_eq!(reason(world.direct(0, &next(12_000))), Reason::New);
    assert_eq!(reason(world.of_peer(3).decision), Reason::Blacklisted);
}
