//! The ban table when it fills (policy §4).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::world::*;

/// 32 rows: 8 of the operator's, 24 automatic, of which 18 are three quarters.
pub(crate) fn world() -> World {
    World::with(Capacity { bans: 32, groups: 8, ..Capacity::SMALL }, POLICY.on(Network::Main))
}

/// Peer `number` in narrow group `group` of a wide group of its own, inbound.
pub(crate) fn at(number: u32, group: u16) -> Connection {
    let [a, b] = [11 + (group % 100) as u8, (group / 100) as u8];
    observed(number, Some(Ipv4Addr::new(a, b, 0, number as u8).into()))
}

fn observed(number: u32, address: Option<IpAddr>) -> Connection {
    Connection { peer: peer(number), address, direction: Direction::Inbound }
}

/// Fifty malformed items: banned until lifted, if there is room.
pub(crate) fn misbehave(world: &mut World, number: u32) {
    for _ in 0..50 {
        let source = Source::direct(peer(number));
        let _ = world.gate.malformed(world.now, &source, Reason::Malformed, b"x");
    }
}

/// A throwaway id connects, is banned and goes.
pub(crate) fn throw_away(world: &mut World, connection: Connection, number: u32) {
    world.gate.connected(world.now, &connection).unwrap();
    misbehave(world, number);
    world.gate.disconnected(world.now, &peer(number));
}

fn throw_away_apart(world: &mut World, numbers: core::ops::Range<u32>) {
    for number in numbers {
        throw_away(world, at(number, number as u16), number);
    }
}

fn is_banned(world: &World, number: u32) -> bool {
    reason(world.of_peer(number).decision) == Reason::Blacklisted
}

fn knock(world: &mut World, connection: &Connection) -> Decision {
    world.gate.screen_connection(world.now, connection)
}

/// Lighthouse drops the oldest ban, so that 1,001 throwaway bans free ban no. 1
/// (attacks.md 1.1).
#[test]
fn a_thousand_throwaway_bans_do_not_free_the_first() {
    let mut world = World::with(Capacity { bans: 1_024, ..Capacity::SMALL }, POLICY);
    throw_away_apart(&mut world, 0..1_001);
    assert!(is_banned(&world, 0));
    assert_eq!(reason(knock(&mut world, &at(0, 0))), Reason::Blacklisted);
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.automatic_bans, metrics.bans_not_recorded), (768, 1_001 - 768));
    // Nor do ten times as many that share groups.
    for number in 2_000..12_000u32 {
        throw_away(&mut world, at(number, 5_000 + (number % 40) as u16), number);
    }
    assert!(is_banned(&world, 0));
    assert_eq!(world.gate.metrics(world.now).automatic_bans, 768);
}

#[test]
fn under_three_quarters_bans_last_until_lifted() {
    let mut world = world();
    throw_away_apart(&mut world, 0..18);
    world.wait(DAY.saturating_mul(1_000));
    world.gate.handle_timeout(world.now);
    assert!((0..18).all(|number| is_banned(&world, number)));
}

#[test]
fn above_three_quarters_the_longest_idle_leaves_and_none_idle_for_less_than_a_week() {
    let mut world = world();
    for number in 0..18 {
        throw_away(&mut world, at(number, number as u16), number);
        world.wait(SECOND);
    }
    // Ids 0 to 2 go on trying; 3 has been idle for longest.
    world.wait(DAY.saturating_mul(6));
    for number in 0..3 {
        assert_eq!(reason(knock(&mut world, &at(number, number as u16))), Reason::Blacklisted);
    }
    let week = START.saturating_add(DAY.saturating_mul(7)).saturating_add(SECOND.saturating_mul(3));
    world.now = week.saturating_sub(Millis::new(1));
    throw_away(&mut world, at(100, 100), 100);
    assert!((0..18).all(|number| is_banned(&world, number)), "a millisecond too early");
    world.now = week;
    throw_away(&mut world, at(101, 101), 101);
    let free: Vec<_> = (0..18).filter(|number| !is_banned(&world, *number)).collect();
    assert_eq!(free, [3]);
    assert_eq!(reason(knock(&mut world, &at(3, 3))), Reason::Clear);
    assert!(is_banned(&world, 101));
    assert_eq!(world.gate.metrics(world.now).automatic_bans, 19);
    // A look every time that there may be something to find: one row a ban.
    world.wait(MINUTE);
    throw_away_apart(&mut world, 102..105);
    let free: Vec<_> = (0..18).filter(|number| !is_banned(&world, *number)).collect();
    assert_eq!(free, [3, 4, 5, 6]);
}

/// A try is noted for an hour in advance, so that a row may leave up to an hour late, never early.
#[test]
fn refusing_a_banned_peer_once_more_changes_no_row() {
    let mut world = World::on(Heap::noting_changes(Capacity::SMALL), POLICY);
    throw_away(&mut world, at(1, 1), 1);
    let changed = |world: &mut World| {
        let mut bans = 0;
        world.gate.take_rows(false, |row| bans += usize::from(row.section == 8));
        bans
    };
    assert_eq!(changed(&mut world), 1);
    for (wait, expected) in [(SECOND, 1), (SECOND, 0), (MINUTE.saturating_mul(59), 0), (MINUTE, 1)]
    {
        world.wait(wait);
        assert_eq!(reason(knock(&mut world, &at(1, 1))), Reason::Blacklisted);
        assert_eq!(changed(&mut world), expected, "after {wait:?} more");
    }
}

/// What is forgotten anyway leaves before anybody's ban does.
#[test]
fn ended_graylistings_make_room_first() {
    let mut world = world();
    throw_away_apart(&mut world, 0..17);
    world.gate.connected(world.now, &at(17, 17)).unwrap();
    for _ in 0..50 {
        let passed_on = Source::gossip(peer(17), peer(99));
        let _ = world.gate.malformed(world.now, &passed_on, Reason::Malformed, b"x");
    }
    assert_eq!(reason(world.of_peer(17).decision), Reason::Graylisted);
    // An hour of ban and a day of memory.
    world.wait(HOUR.saturating_mul(25));
    throw_away(&mut world, at(100, 100), 100);
    assert_eq!(world.gate.metrics(world.now).automatic_bans, 19, "remembered to the millisecond");
    world.wait(Millis::new(1));
    throw_away(&mut world, at(101, 101), 101);
    assert_eq!(world.gate.metrics(world.now).automatic_bans, 19);
    assert_eq!(world.of_peer(17).sanctioned_at, None);
    assert!((0..17).all(|number| is_banned(&world, number)));
}

#[test]
fn full_all_the_same_is_a_lockdown_that_ends_when_there_is_room() {
    let mut world = world();
    throw_away_apart(&mut world, 0..24);
    assert_eq!(world.gate.posture(), Posture::Normal, "full, but nobody was turned away");
    throw_away_apart(&mut world, 24..26);
    assert_eq!(world.gate.posture(), Posture::Lockdown);
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.posture, metrics.bans_not_recorded), (Posture::Lockdown, 2));
    assert!((0..24).all(|number| is_banned(&world, number)));
    let posture = |event: &Event| match event {
        Event::PostureChanged(posture) => Some(*posture),
        _ => None,
    };
    let told: Vec<_> = world.events().iter().filter_map(posture).collect();
    assert_eq!(told, [Posture::Lockdown]);
    assert!(world.gate.unban(world.now, &Subject::Peer(peer(5))));
    assert_eq!(world.gate.posture(), Posture::Normal);
    let told: Vec<_> = world.events().iter().filter_map(posture).collect();
    assert_eq!(told, [Posture::Normal]);
    // Or when a week has passed and the next sweep comes.
    throw_away_apart(&mut world, 30..32);
    assert_eq!(world.gate.posture(), Posture::Lockdown);
    world.wait(DAY.saturating_mul(7));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.gate.posture(), Posture::Normal);
    assert_eq!(world.gate.metrics(world.now).automatic_bans, 23);
}

/// 96 of the 768 automatic rows are one wide group's share, and that of all without an address:
/// relayed, over Tor, or by a proxy.
const SHARE: u32 = 96;

/// Where a thousand free ids can come from that no narrow group's ban can stand for.
const SWARMS: [fn(u32) -> Option<IpAddr>; 4] = [
    |_| None,
    |number| Some(Ipv4Addr::new(127, 0, 0, number as u8).into()),
    // One narrow group each, in one IPv6 /32.
    |number| Some(Ipv6Addr::new(0x2001, 0xdb8, number as u16, 0, 0, 0, 0, 1).into()),
    // Five in each, fewer than a merge takes.
    |number| Some(Ipv4Addr::new(10, 9, (number / 5) as u8, number as u8).into()),
];

#[test]
fn no_wide_group_and_no_throwaway_relayed_ids_fill_the_ban_table_or_cause_a_lockdown() {
    for swarm in SWARMS {
        let capacity = Capacity { bans: 1_024, groups: 256, ..Capacity::SMALL };
        let mut world = World::with(capacity, POLICY.on(Network::Main));
        for number in 0..1_000 {
            throw_away(&mut world, observed(number, swarm(number)), number);
        }
        let metrics = world.gate.metrics(world.now);
        assert_eq!(metrics.automatic_bans, u64::from(SHARE));
        assert_eq!(metrics.bans_not_recorded, u64::from(1_000 - SHARE));
        assert_eq!(world.gate.posture(), Posture::Normal);
        // What was banned is not flushed, and whoever comes from elsewhere is banned as ever.
        for number in 0..SHARE {
            let knocked = knock(&mut world, &observed(number, swarm(number)));
            assert_eq!(reason(knocked), Reason::Blacklisted, "{number}");
        }
        throw_away(&mut world, at(5_000, 40), 5_000);
        assert!(is_banned(&world, 5_000));
        // Those that are due leave within the share, too: 96 have knocked just now, one is older.
        world.now = START.saturating_add(DAY.saturating_mul(7)).saturating_sub(Millis::new(1));
        (1..SHARE).for_each(|number| {
            let _ = knock(&mut world, &observed(number, swarm(number)));
        });
        throw_away(&mut world, observed(2_000, swarm(2_000)), 2_000);
        assert!(is_banned(&world, 0) && !is_banned(&world, 2_000), "a millisecond too early");
        world.wait(Millis::new(1));
        throw_away(&mut world, observed(2_001, swarm(2_001)), 2_001);
        assert!(!is_banned(&world, 0) && is_banned(&world, 2_001));
        throw_away(&mut world, observed(2_002, swarm(2_002)), 2_002);
        assert!(!is_banned(&world, 2_002) && (1..SHARE).all(|number| is_banned(&world, number)));
    }
}

/// Whoever looks late must not disconnect it for what is over, nor read that a table was full.
#[test]
fn a_ban_that_ended_before_anybody_looked_is_not_told() {
    for hours in [0, 1] {
        let mut world = world();
        world.connect(1);
        for _ in 0..50 {
            let passed_on = Source::gossip(peer(1), peer(99));
            let _ = world.gate.malformed(world.now, &passed_on, Reason::Malformed, b"x");
        }
        let until = Some(world.now.saturating_add(HOUR));
        world.wait(HOUR.saturating_mul(hours));
        let told = Event::Sanctioned { peer: peer(1), until, reason: Reason::Malformed };
        let expected = if hours == 0 { vec![told] } else { vec![] };
        assert_eq!(world.events(), expected);
    }
}

/// Nobody without a row is banned for having been too many, only disconnected.
#[test]
fn whoever_finds_its_wide_group_s_share_full_is_disconnected() {
    let mut world = World::with(Capacity { bans: 1_024, ..Capacity::SMALL }, POLICY);
    (0..SHARE).for_each(|number| throw_away(&mut world, observed(number, None), number));
    world.events();
    world.gate.connected(world.now, &observed(SHARE, None)).unwrap();
    misbehave(&mut world, SHARE);
    let (until, reason) = (Some(world.now), Reason::TableFull);
    assert_eq!(world.events(), [Event::Sanctioned { peer: peer(SHARE), until, reason }]);
}

#[test]
fn a_lockdown_does_not_touch_identities() {
    let mut world = World::with(Capacity { bans: 32, groups: 8, ..Capacity::SMALL }, POLICY);
    let id = world.register(&Claim::real(0));
    throw_away_apart(&mut world, 0..25);
    assert_eq!(world.gate.posture(), Posture::Lockdown);
    world.connect(90);
    assert_eq!(reason(world.direct(90, &ad(&secret(0)).under(&id))), Reason::New);
    assert_eq!(reason(world.claim(&Claim::real(1))), Reason::New);
}

#[test]
fn operators_bans_are_never_merged_or_dropped_and_their_ends_free_rows() {
    let mut world = world();
    let ban = |world: &mut World, number, until| {
        world.gate.ban(world.now, &Subject::Peer(peer(number)), until, Reason::Text)
    };
    let until = START.saturating_add(HOUR);
    // Eight of one group, first banned automatically, become the operator's.
    for number in 0..8 {
        throw_away(&mut world, at(number, 7), number);
        assert_eq!(ban(&mut world, number, (number < 2).then_some(until)), Ok(()));
    }
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.operator_bans, metrics.automatic_bans), (8, 0));
    assert_eq!(ban(&mut world, 8, None), Err(CapacityError::Bans));
    throw_away_apart(&mut world, 20..50);
    assert_eq!(world.gate.posture(), Posture::Lockdown, "the operator's are not merged");
    assert!((2..8).all(|number| is_banned(&world, number)));
    // Idle for ever, they stay.
    world.wait(DAY.saturating_mul(1_000));
    throw_away_apart(&mut world, 50..120);
    world.gate.handle_timeout(world.now);
    assert!((2..8).all(|number| is_banned(&world, number)));
    // The two that ended have left, and room for two more.
    assert_eq!(world.gate.metrics(world.now).operator_bans, 6);
    assert_eq!((ban(&mut world, 8, None), ban(&mut world, 9, None)), (Ok(()), Ok(())));
    assert_eq!(ban(&mut world, 10, None), Err(CapacityError::Bans));
}

#[test]
fn an_ended_operators_ban_makes_room_without_a_sweep() {
    let mut world = World::with(Capacity { bans: 4, ..Capacity::SMALL }, POLICY);
    let ban = |world: &mut World, number| {
        let until = Some(world.now.saturating_add(HOUR));
        world.gate.ban(world.now, &Subject::Peer(peer(number)), until, Reason::Text)
    };
    assert_eq!(ban(&mut world, 0), Ok(()));
    assert_eq!(ban(&mut world, 1), Err(CapacityError::Bans));
    world.wait(HOUR);
    assert_eq!(ban(&mut world, 1), Ok(()));
    assert_eq!(world.gate.metrics(world.now).operator_bans, 1);
}

/// A connected peer's own row knows its ban, whichever way it began or ended.
#[test]
fn a_ban_reaches_the_connected_peer_at_once_and_ends_at_once() {
    let mut world = World::new();
    let subject = Subject::Peer(peer(1));
    let frame = |world: &mut World| {
        let source = Source::direct(peer(1));
        world.gate.screen_frame(world.now, &source, FrameKind::Direct, 10)
    };
    let until = START.saturating_add(HOUR);
    // Banned before it connects, or after.
    for before in [true, false] {
        for end in [None, Some(until)] {
            if before {
                world.gate.ban(world.now, &subject, end, Reason::Text).unwrap();
            }
            world.connect(1);
            if !before {
                assert_eq!(reason(frame(&mut world)), Reason::Clear);
                world.gate.ban(world.now, &subject, end, Reason::Text).unwrap();
            }
            let refused = frame(&mut world);
            assert!(!refused.is_accept());
            assert_eq!(refused.retry_at, end);
            assert!(world.gate.unban(world.now, &subject));
            assert_eq!(reason(frame(&mut world)), Reason::Clear);
            world.gate.disconnected(world.now, &peer(1));
        }
    }
    world.connect(1);
    world.gate.ban(world.now, &subject, Some(until), Reason::Text).unwrap();
    world.now = until.saturating_sub(Millis::new(1));
    assert_eq!(frame(&mut world), Decision::until(Reason::Graylisted, until));
    world.now = until;
    assert_eq!(reason(frame(&mut world)), Reason::Clear);
    misbehave(&mut world, 1);
    assert_eq!(frame(&mut world), Decision::new(Reason::Blacklisted));
}

/// One component graylisted for what another blacklisted for (attack L8).
#[test]
fn l8_ten_violations_are_one_graylisting_and_nothing_else() {
    let mut world = World::registered(1);
    let (author, id) = (secret(0), Claim::real(0).id());
    world.connect(1);
    for n in 0..11 {
        let made = world.now.saturating_add(Millis::new(n));
        let _ = world.gossip(1, 1, &ad(&author).under(&id).of_peer(1).at(made));
    }
    let until = START.saturating_add(HOUR);
    assert_eq!(world.of_peer(1).decision, Decision::until(Reason::Graylisted, until));
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.automatic_bans, metrics.blacklisted_peers), (1, 0));
    assert_eq!((metrics.graylisted_peers, metrics.peers_blocked), (1, 1));
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
}
