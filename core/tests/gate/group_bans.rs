//! The ban of a narrow group, which stands for its members' when the table is full (policy §4).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::full_bans::{at, throw_away};
use crate::hello::prove_by_key;
use crate::world::*;

pub(crate) const SWARM: u16 = 500;
const LIMIT: Millis = Millis::from_secs(10);

/// Eight banned ids of one group and sixteen of others: full. Identity 0 is registered.
pub(crate) fn full() -> (World, IdentityId) {
    let mut world = World::with(Capacity { bans: 32, groups: 32, ..Capacity::SMALL }, POLICY);
    let id = world.register(&Claim::real(0));
    (0..8).for_each(|number| throw_away(&mut world, at(number, SWARM), number));
    (8..24).for_each(|number| throw_away(&mut world, at(number, number as u16), number));
    assert_eq!(world.gate.metrics(world.now).automatic_bans, 24);
    world.events();
    (world, id)
}

/// One ban more, so that the group is banned; its tag and end.
pub(crate) fn merged(world: &mut World) -> (u32, Timestamp) {
    throw_away(world, at(24, 24), 24);
    let told = world.events();
    let banned = told.iter().find_map(|event| match event {
        Event::GroupBanned { group, until } => Some((*group, *until)),
        _ => None,
    });
    banned.expect("a group was banned")
}

fn knock(world: &mut World, number: u32) -> Decision {
    world.gate.screen_connection(world.now, &at(number, SWARM))
}

fn join(world: &mut World, number: u32) {
    world.gate.connected(world.now, &at(number, SWARM)).unwrap();
}

#[test]
fn the_densest_group_s_ban_replaces_its_members_for_a_day() {
    let (mut world, _) = full();
    let (group, until) = merged(&mut world);
    assert_eq!(until, START.saturating_add(DAY));
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.automatic_bans, metrics.bans_merged), (17, 8));
    assert_eq!((metrics.banned_groups, metrics.posture), (1, Posture::Normal));
    let standing = world.gate.standing(world.now, &Subject::Group(group));
    assert_eq!(standing.decision, Decision::until(Reason::GroupBanned, until));
    // Bans of other groups are as exact as they were.
    for number in 8..25 {
        assert_eq!(reason(world.of_peer(number).decision), Reason::Blacklisted);
    }
    world.now = until;
    assert_eq!(reason(knock(&mut world, 0)), Reason::Clear, "the ids were free to remake");
    assert_eq!(world.gate.metrics(world.now).banned_groups, 0);
}

#[test]
fn seven_of_a_group_are_not_merged() {
    let (mut world, _) = full();
    assert!(world.gate.unban(world.now, &Subject::Peer(peer(0))));
    throw_away(&mut world, at(24, 24), 24);
    throw_away(&mut world, at(25, 25), 25);
    assert_eq!(world.gate.posture(), Posture::Lockdown);
    assert_eq!(world.gate.metrics(world.now).banned_groups, 0);
    for number in 1..8 {
        assert_eq!(reason(world.of_peer(number).decision), Reason::Blacklisted);
    }
}

/// Eight /24s of one /16 are eight groups.
#[test]
fn wide_groups_are_never_banned() {
    let mut world = World::with(Capacity { bans: 32, ..Capacity::SMALL }, POLICY);
    for number in 0..26 {
        let address = Some([10, 9, number as u8, 1].into());
        throw_away(&mut world, Connection { address, ..at(number, 0) }, number);
    }
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.banned_groups, metrics.posture), (0, Posture::Normal));
    assert_eq!((metrics.automatic_bans, metrics.bans_not_recorded), (8, 18));
}

#[test]
fn who_has_no_address_of_its_own_never_forms_a_group() {
    for (address, network) in [
        (None, Network::Main),
        (None, Network::Reg),
        (Some("127.0.0.1"), Network::Main),
        (Some("127.0.0.1"), Network::Reg),
        (Some("::1"), Network::Main),
        (Some("::ffff:127.0.0.1"), Network::Main),
    ] {
        let policy = POLICY.on(network);
        let mut world = World::with(Capacity { bans: 32, ..Capacity::SMALL }, policy);
        for number in 0..30 {
            let address = address.map(|text| text.parse().unwrap());
            throw_away(&mut world, Connection { address, ..at(number, 0) }, number);
        }
        let metrics = world.gate.metrics(world.now);
        assert_eq!((metrics.banned_groups, metrics.automatic_bans), (0, 8), "{address:?}");
    }
}

/// The row of a member that is only graylisted ends with it.
#[test]
fn a_group_s_ban_is_no_longer_than_its_longest_member_s() {
    let mut world = World::with(Capacity { bans: 32, groups: 32, ..Capacity::SMALL }, POLICY);
    for number in 0..24 {
        let group = if number < 8 { SWARM } else { number as u16 };
        world.gate.connected(world.now, &at(number, group)).unwrap();
        for _ in 0..50 {
            let passed_on = Source::gossip(peer(number), peer(99));
            let _ = world.gate.malformed(world.now, &passed_on, Reason::Malformed, b"x");
        }
        world.gate.disconnected(world.now, &peer(number));
        world.wait(SECOND);
    }
    let (_, until) = merged(&mut world);
    assert_eq!(until, START.saturating_add(HOUR).saturating_add(SECOND.saturating_mul(7)));
}

/// Members whose bans have ended do not make a group dense.
#[test]
fn ended_bans_are_not_members() {
    let mut world = World::with(Capacity { bans: 32, groups: 32, ..Capacity::SMALL }, POLICY);
    for number in 0..8 {
        world.gate.connected(world.now, &at(number, SWARM)).unwrap();
        for _ in 0..50 {
            let passed_on = Source::gossip(peer(number), peer(99));
            let _ = world.gate.malformed(world.now, &passed_on, Reason::Malformed, b"x");
        }
        world.gate.disconnected(world.now, &peer(number));
    }
    world.wait(HOUR);
    (8..25).for_each(|number| throw_away(&mut world, at(number, number as u16), number));
    assert_eq!(world.gate.metrics(world.now).banned_groups, 0);
    assert_eq!(world.gate.posture(), Posture::Lockdown);
}

#[test]
fn a_stranger_from_the_group_gets_no_more_than_a_chance_to_prove_an_identity() {
    let (mut world, id) = full();
    let suspect = |world: &World, group| {
        let address = at(77, group).address.expect("known");
        world.gate.is_group_banned(world.now, address)
    };
    assert!(!suspect(&world, SWARM));
    let (_, until) = merged(&mut world);
    assert!(suspect(&world, SWARM) && !suspect(&world, SWARM + 1));
    // A member that was banned by id is the same stranger as any other of its group.
    for number in [0, 200] {
        let end = world.now.saturating_add(LIMIT);
        assert_eq!(knock(&mut world, number), Decision::until(Reason::ProveIdentity, end));
        join(&mut world, number);
        let source = Source::direct(peer(number));
        let told = Event::ProveIdentity { peer: peer(number), until: end };
        assert_eq!(world.events(), [told]);
        let refused = Decision::until(Reason::GroupBanned, until);
        let frame = |world: &mut World, source: &Source, kind| {
            world.gate.screen_frame(world.now, source, kind, 100)
        };
        let own = Source::gossip(peer(number), peer(number));
        assert_eq!(frame(&mut world, &own, FrameKind::Gossip), refused);
        let record = Source { channel: Channel::Dht, publisher: None, peer: peer(number) };
        assert_eq!(frame(&mut world, &record, FrameKind::Record), refused);
        assert_eq!(reason(frame(&mut world, &source, FrameKind::Direct)), Reason::Clear);
        let stranger = named("stranger");
        assert_eq!(world.direct(number, &ad(&stranger).of_peer(number)), refused);
        let claimed = world.claim_from(number, &Claim::real(1), EvidenceClass::Node);
        assert_eq!(claimed, refused);
        assert_eq!(world.of_peer(number).decision, refused);
        // What it only passes on is no stranger's, and gossipsub would show no other copy.
        let others = Source::gossip(peer(number), peer(99));
        assert_eq!(reason(frame(&mut world, &others, FrameKind::Gossip)), Reason::Clear);
    }
    // Nor is what an identity made, over whatever connection.
    assert_eq!(reason(world.direct(200, &ad(&secret(0)).under(&id))), Reason::New);
}

#[test]
fn whoever_proves_a_registered_unsanctioned_identity_passes() {
    let (mut world, id) = full();
    merged(&mut world);
    join(&mut world, 200);
    world.events();
    world.gate.ban(world.now, &Subject::Identity(id), None, Reason::Text).unwrap();
    assert_eq!(prove_by_key(&mut world, 200, &secret(0), &id), Reason::IdentityBanned);
    assert_eq!(reason(world.of_peer(200).decision), Reason::GroupBanned);
    let unknown = Claim::real(5).id();
    assert_eq!(prove_by_key(&mut world, 200, &secret(5), &unknown), Reason::UnknownIdentity);
    assert_eq!(reason(world.of_peer(200).decision), Reason::GroupBanned);
    assert!(world.gate.unban(world.now, &Subject::Identity(id)));
    assert_eq!(prove_by_key(&mut world, 200, &secret(0), &id), Reason::Clear);
    assert_eq!(reason(world.of_peer(200).decision), Reason::Clear);
    let own = Source::gossip(peer(200), peer(200));
    let frame = world.gate.screen_frame(world.now, &own, FrameKind::Gossip, 100);
    assert_eq!(reason(frame), Reason::Clear);
    world.wait(LIMIT);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.events(), [], "it proved in time");
    // Its second connection has nothing to prove, but the next one after all have ended has.
    assert_eq!(reason(knock(&mut world, 200)), Reason::Clear);
    world.gate.disconnected(world.now, &peer(200));
    assert_eq!(reason(knock(&mut world, 200)), Reason::ProveIdentity);
}

/// An id that is banned itself does not come in through its group.
#[test]
fn a_banned_id_does_not_prove_anything() {
    let (mut world, id) = full();
    merged(&mut world);
    throw_away(&mut world, at(200, SWARM), 200);
    assert_eq!(reason(knock(&mut world, 200)), Reason::Blacklisted);
    assert_eq!(prove_by_key(&mut world, 200, &secret(0), &id), Reason::Blacklisted);
}

#[test]
fn who_proves_nothing_in_time_is_to_be_disconnected() {
    let (mut world, _) = full();
    let (_, until) = merged(&mut world);
    world.gate.handle_timeout(world.now);
    join(&mut world, 200);
    world.wait(SECOND);
    join(&mut world, 201);
    // A second connection gives no more time.
    world.wait(SECOND);
    join(&mut world, 200);
    world.events();
    let end = START.saturating_add(LIMIT);
    assert_eq!(world.gate.poll_timeout(), end);
    world.now = end.saturating_sub(Millis::new(1));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.events(), []);
    world.now = end;
    world.gate.handle_timeout(world.now);
    let told = |number, until| Event::Sanctioned {
        peer: peer(number),
        until: Some(until),
        reason: Reason::GroupBanned,
    };
    assert_eq!(world.events(), [told(200, until)]);
    assert_eq!(world.gate.poll_timeout(), end.saturating_add(SECOND));
    for number in [200, 200, 201] {
        world.gate.disconnected(world.now, &peer(number));
    }
    world.wait(SECOND);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.events(), [], "it has gone by itself");
}

#[test]
fn strangers_connected_when_their_group_is_banned_are_asked_and_identities_are_not() {
    let (mut world, id) = full();
    join(&mut world, 200);
    join(&mut world, 201);
    assert_eq!(prove_by_key(&mut world, 201, &secret(0), &id), Reason::Clear);
    world.wait(MINUTE);
    throw_away(&mut world, at(24, 24), 24);
    let asked = Event::ProveIdentity { peer: peer(200), until: world.now.saturating_add(LIMIT) };
    let told = world.events();
    let proofs = |event: &&Event| matches!(event, Event::ProveIdentity { .. });
    assert_eq!(told.iter().filter(proofs).collect::<Vec<_>>(), [&asked]);
    assert_eq!(reason(world.of_peer(201).decision), Reason::Clear);
    assert_eq!(reason(world.of_peer(200).decision), Reason::GroupBanned);
}

#[test]
fn the_operator_can_lift_a_group_s_ban_and_make_none() {
    let (mut world, _) = full();
    let (group, _) = merged(&mut world);
    join(&mut world, 200);
    world.events();
    let subject = Subject::Group(group);
    let made = world.gate.ban(world.now, &subject, None, Reason::Text);
    assert_eq!(made, Err(CapacityError::Unknown));
    assert!(world.gate.unban(world.now, &subject));
    assert!(!world.gate.unban(world.now, &subject));
    assert_eq!(reason(knock(&mut world, 0)), Reason::Clear);
    assert_eq!(reason(world.of_peer(200).decision), Reason::Clear);
    world.wait(LIMIT);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.events(), []);
}

/// The group goes on; its ids fill rows again and are merged again.
#[test]
fn a_group_that_goes_on_is_merged_again_and_takes_no_room_for_long() {
    let (mut world, _) = full();
    merged(&mut world);
    world.wait(HOUR);
    for number in 1_000..1_200 {
        throw_away(&mut world, at(number, SWARM), number);
        assert_ne!(reason(knock(&mut world, number)), Reason::Clear);
    }
    let metrics = world.gate.metrics(world.now);
    assert!(metrics.automatic_bans <= 24 && metrics.bans_not_recorded == 0, "{metrics:?}");
    assert_eq!(metrics.posture, Posture::Normal);
    let told = world.events();
    let end = told.iter().find_map(|event| match event {
        Event::GroupBanned { until, .. } => Some(*until),
        _ => None,
    });
    assert_eq!(end, Some(world.now.saturating_add(DAY)));
    for number in 8..25 {
        assert_eq!(reason(world.of_peer(number).decision), Reason::Blacklisted);
    }
}

/// With more groups than rows for them, what is dense is still found and nothing is overcounted.
#[test]
fn a_full_table_of_groups_still_finds_a_dense_one() {
    let mut world = World::with(Capacity { bans: 128, groups: 8, ..Capacity::SMALL }, POLICY);
    for number in 0..80 {
        throw_away(&mut world, at(number, number as u16), number);
    }
    for number in 80..100 {
        throw_away(&mut world, at(number, SWARM), number);
    }
    // Twelve are the share of the swarm's wide group, which is full before the table is.
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.automatic_bans, metrics.bans_merged), (88, 12));
}

/// An operator's word is about one peer, wherever it was seen.
#[test]
fn an_operator_s_ban_of_a_member_stays_when_its_group_is_merged() {
    let mut world = World::with(Capacity { bans: 32, groups: 32, ..Capacity::SMALL }, POLICY);
    throw_away(&mut world, at(90, SWARM), 90);
    world.gate.ban(world.now, &Subject::Peer(peer(90)), None, Reason::Text).unwrap();
    (0..8).for_each(|number| throw_away(&mut world, at(number, SWARM), number));
    (8..24).for_each(|number| throw_away(&mut world, at(number, number as u16), number));
    let (group, until) = merged(&mut world);
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.operator_bans, metrics.bans_merged), (1, 8), "it is none of the eight");
    let standing = world.of_peer(90);
    assert_eq!(standing.decision, Decision::new(Reason::Blacklisted));
    assert!(standing.by_operator);
    // And when the group's ban is lifted or has ended.
    assert!(world.gate.unban(world.now, &Subject::Group(group)));
    assert_eq!(reason(knock(&mut world, 0)), Reason::Clear);
    assert_eq!(reason(knock(&mut world, 90)), Reason::Blacklisted);
    world.now = until;
    world.gate.handle_timeout(world.now);
    assert_eq!(reason(knock(&mut world, 90)), Reason::Blacklisted);
}

#[test]
fn one_identity_clears_two_peers_of_a_banned_group_and_no_third() {
    let (mut world, id) = full();
    let (_, until) = merged(&mut world);
    for number in 200..203 {
        join(&mut world, number);
        assert_eq!(prove_by_key(&mut world, number, &secret(0), &id), Reason::Clear);
    }
    let end = START.saturating_add(LIMIT);
    let asked = [Event::ProveIdentity { peer: peer(200), until: end }];
    assert_eq!(world.events(), asked, "the others are cleared");
    let record = |world: &mut World, number| {
        let source = Source { channel: Channel::Dht, ..Source::direct(peer(number)) };
        reason(world.gate.screen_frame(world.now, &source, FrameKind::Record, 10))
    };
    assert_eq!(record(&mut world, 200), Reason::GroupBanned);
    assert_eq!(record(&mut world, 201), Reason::Clear);
    assert_eq!(record(&mut world, 202), Reason::Clear);
    world.now = end;
    world.gate.handle_timeout(world.now);
    let (peer, reason) = (peer(200), Reason::GroupBanned);
    assert_eq!(world.events(), [Event::Sanctioned { peer, until: Some(until), reason }]);
}

/// Only who has to prove an identity is waited for, also after a clock that stepped back.
#[test]
fn a_clock_that_steps_back_waits_for_nobody_s_proof_but_those_that_are_due() {
    let (mut world, _) = full();
    merged(&mut world);
    world.now = START.saturating_sub(DAY);
    let _ = knock(&mut world, 0);
    let quiet = world.now.saturating_sub(SECOND);
    world.now = quiet;
    world.gate.handle_timeout(quiet);
    let sweep = quiet.saturating_add(Millis::from_mins(5));
    assert_eq!(world.gate.poll_timeout(), sweep);
    join(&mut world, 200);
    assert_eq!(world.gate.poll_timeout(), quiet.saturating_add(LIMIT));
    world.now = quiet.saturating_sub(DAY);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.gate.poll_timeout(), world.now.saturating_add(LIMIT));
}

/// A clock that steps back does not make a group's ban longer than a day.
#[test]
fn a_group_s_ban_is_cut_when_the_clock_steps_back() {
    let (mut world, _) = full();
    let (group, _) = merged(&mut world);
    world.now = START.saturating_sub(DAY);
    let _ = knock(&mut world, 0);
    let standing = world.gate.standing(world.now, &Subject::Group(group));
    assert_eq!(standing.decision.retry_at, Some(START));
}
