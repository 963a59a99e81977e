//! Sanctions that wait, because the fault may be our own (policy §4).

use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::{Ad, ad};
use crate::claims::{Claim, secret};
use crate::world::*;

/// Peer `index` of wide group `group`.
const fn number(group: u32, index: u32) -> u32 {
    (group << 8) + index + 1
}

/// It cannot become one that came to us by what it opens, nor by what it ends.
#[test]
fn a_peer_that_we_dialled_stays_one_as_long_as_it_is_connected() {
    let mut policy = POLICY;
    policy.connections.inbound = 2;
    policy.connections.outbound = 1;
    let mut world = World::with(Capacity::SMALL, policy);
    let end = |number, direction| Connection { direction, ..World::<Heap>::connection(number) };
    let full = |world: &mut World, direction| {
        let screened = world.gate.screen_connection(world.now, &end(9, direction));
        reason(screened) == Reason::ConnectionLimit
    };
    // The courier and one of peer 1 are inbound, one of peer 1 is outbound.
    world.gate.connected(world.now, &end(1, Direction::Outbound)).unwrap();
    assert!(!full(&mut world, Direction::Inbound) && full(&mut world, Direction::Outbound));
    world.gate.connected(world.now, &end(1, Direction::Inbound)).unwrap();
    assert!(full(&mut world, Direction::Inbound) && full(&mut world, Direction::Outbound));
    world.gate.disconnected(world.now, &peer(1));
    assert!(!full(&mut world, Direction::Inbound) && full(&mut world, Direction::Outbound));
    world.gate.disconnected(world.now, &peer(1));
    assert!(!full(&mut world, Direction::Outbound));
    world.gate.connected(world.now, &end(1, Direction::Inbound)).unwrap();
    assert!(full(&mut world, Direction::Inbound) && !full(&mut world, Direction::Outbound));
    // Two that we dialled, of which one ended, are one.
    let mut world = World::with(Capacity::SMALL, policy);
    for direction in [Direction::Outbound, Direction::Outbound, Direction::Inbound] {
        if direction == Direction::Inbound {
            world.gate.disconnected(world.now, &peer(1));
        }
        world.gate.connected(world.now, &end(1, direction)).unwrap();
    }
    assert!(full(&mut world, Direction::Inbound));
}

struct Scene {
    world: World,
    author: SecretKey,
    id: IdentityId,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::registered(1);
        world.connect(0);
        world.gate.handle_timeout(START);
        Self { world, author: secret(0), id: Claim::real(0).id() }
    }

    fn connect(&mut self, direction: Direction, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            let connection = Connection { direction, ..World::<Heap>::connection(number) };
            self.world.gate.connected(self.world.now, &connection).unwrap();
        }
    }

    fn ad(&self) -> Ad<'_> {
        ad(&self.author).under(&self.id).at(self.world.now)
    }

    /// The author advertises, so that all that follows within a minute is too soon.
    fn advertise(&mut self) {
        let sealed = self.ad().seal();
        assert_eq!(reason(self.world.send(&Source::direct(peer(0)), &sealed)), Reason::New);
    }

    /// A peer pushes `count` bodies of its own too soon.
    fn haste(&mut self, number: u32, count: u64) {
        for n in 1..=count {
            let next = self.ad().at(self.world.now.saturating_add(Millis::new(n))).seal();
            let decision = self.world.send(&Source::direct(peer(number)), &next);
            assert_eq!(reason(decision), Reason::TooSoon);
        }
    }

    /// All of them do, and the author has advertised.
    fn burst(&mut self, numbers: &[u32]) {
        self.advertise();
        numbers.iter().for_each(|number| self.haste(*number, 10));
    }

    fn banned(&self, numbers: &[u32]) -> usize {
        let banned = |number: &&u32| reason(self.world.of_peer(**number).decision) != Reason::Clear;
        numbers.iter().filter(banned).count()
    }

    fn minute(&mut self) {
        self.world.wait(MINUTE);
        self.world.gate.handle_timeout(self.world.now);
    }

    fn is_open(&self) -> bool {
        self.world.gate.metrics(self.world.now).breaker_open
    }
}

fn spread(groups: u32, each: u32) -> Vec<u32> {
    (0..groups).flat_map(|group| (0..each).map(move |index| number(group, index))).collect()
}

fn sanctioned(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Sanctioned { .. })).count()
}

#[test]
fn a_burst_on_our_own_uplink_that_makes_all_outbound_peers_look_hasty_isolates_nobody() {
    let mut scene = Scene::new();
    let (outbound, inbound) = (spread(5, 4), spread(10, 1)[5..].to_vec());
    scene.connect(Direction::Outbound, outbound.clone());
    scene.connect(Direction::Inbound, inbound.clone());
    let _ = scene.world.events();
    // It lasts for nine minutes.
    for round in 1..=9 {
        scene.burst(&outbound);
        scene.burst_of(&inbound);
        assert!(scene.is_open(), "round {round}");
        let until = scene.world.now.saturating_add(MINUTE);
        assert_eq!(scene.world.events(), [Event::BreakerOpened { until }]);
        assert_eq!(scene.world.events(), [], "told once");
        scene.minute();
        assert_eq!(scene.world.events(), [Event::BreakerClosed]);
    }
    scene.world.wait(HOUR);
    scene.world.gate.handle_timeout(scene.world.now);
    assert_eq!((scene.banned(&outbound), scene.banned(&inbound)), (0, 0));
    assert_eq!(scene.world.events(), []);
    assert_eq!(scene.world.of_peer(outbound[0]).violations, (9, 10), "nothing is forgotten");
    let metrics = scene.world.gate.metrics(scene.world.now);
    assert_eq!((metrics.breaker_opened, metrics.breaker_open), (9, false));
    assert_eq!((metrics.sanctions_held, metrics.peers_blocked), (0, 0));
    assert!(metrics.sanctions_spared >= 9 * 25);
}

/// Where our own uplink breaks, the peers that look hasty are mostly just gone.
#[test]
fn who_is_held_back_and_leaves_counts_for_the_breaker() {
    let mut scene = Scene::new();
    let outbound = spread(4, 2);
    scene.connect(Direction::Outbound, outbound.clone());
    scene.advertise();
    for number in &outbound {
        assert!(!scene.is_open());
        scene.haste(*number, 10);
        scene.world.gate.disconnected(scene.world.now, &peer(*number));
    }
    assert!(scene.is_open());
    scene.minute();
    assert_eq!(scene.banned(&outbound), 0);
}

impl Scene {
    /// As [`Scene::burst`], in the same minute.
    fn burst_of(&mut self, numbers: &[u32]) {
        numbers.iter().for_each(|number| self.haste(*number, 10));
    }
}

/// A row that is needed for another peer leaves with its faults: not with these.
#[test]
fn nor_does_it_if_the_outbound_peers_are_lost_and_their_rows_are_needed() {
    let mut scene = Scene::new();
    let outbound = spread(4, 3);
    scene.connect(Direction::Outbound, outbound.clone());
    scene.burst(&outbound);
    outbound.iter().for_each(|number| scene.world.gate.disconnected(START, &peer(*number)));
    scene.connect(Direction::Outbound, 10_000..10_062);
    assert!(outbound.iter().all(|number| !scene.world.of_peer(*number).known), "all are gone");
    assert_eq!(scene.banned(&outbound), 0);
    assert_eq!(scene.world.gate.metrics(START).automatic_bans, 0);
}

#[test]
fn whoever_goes_on_after_it_closed_is_sanctioned() {
    let mut scene = Scene::new();
    let outbound = spread(4, 3);
    scene.connect(Direction::Outbound, outbound.clone());
    scene.connect(Direction::Inbound, [number(9, 0)]);
    scene.burst(&outbound);
    scene.burst_of(&[number(9, 0)]);
    scene.minute();
    assert_eq!(scene.banned(&outbound) + scene.banned(&[number(9, 0)]), 0);
    scene.advertise();
    scene.haste(number(9, 0), 1);
    scene.haste(outbound[0], 1);
    assert_eq!(scene.banned(&[number(9, 0)]), 1, "inbound at once");
    assert_eq!(scene.banned(&outbound), 0);
    scene.minute();
    assert_eq!(scene.banned(&outbound), 1, "outbound a minute later");
}

#[test]
fn after_ten_minutes_a_day_it_no_longer_holds() {
    let mut scene = Scene::new();
    let outbound = spread(4, 3);
    scene.connect(Direction::Outbound, outbound.clone());
    for _ in 0..10 {
        scene.burst(&outbound);
        assert!(scene.is_open());
        scene.minute();
    }
    assert_eq!(scene.banned(&outbound), 0);
    scene.burst(&outbound);
    assert!(!scene.is_open());
    scene.minute();
    assert_eq!(scene.banned(&outbound), outbound.len());
    // A day after it opened first, it may again.
    scene.world.run_to(START.saturating_add(DAY));
    scene.burst(&outbound);
    assert!(scene.is_open());
}

#[test]
fn an_attacker_with_inbound_peers_cannot_open_it() {
    let mut scene = Scene::new();
    let (outbound, hostile) = (spread(4, 1), spread(20, 1)[4..].to_vec());
    scene.connect(Direction::Outbound, outbound);
    scene.connect(Direction::Inbound, hostile.clone());
    scene.advertise();
    for (count, number) in hostile.iter().enumerate() {
        scene.haste(*number, 10);
        assert_eq!(scene.banned(&hostile), count + 1, "not held at all");
    }
    assert!(!scene.is_open());
    assert_eq!(sanctioned(&scene.world.events()), hostile.len());
}

#[test]
fn peers_of_three_wide_groups_are_not_enough_nor_seven_nor_three_in_ten() {
    for (groups, each, others, opens) in [
        (3, 4, 0, false),
        (4, 3, 0, true),
        (7, 1, 0, false),
        (8, 1, 0, true),
        (9, 1, 21, false),
        (9, 1, 20, true),
    ] {
        let mut scene = Scene::new();
        let hasty = spread(groups, each);
        scene.connect(Direction::Outbound, hasty.clone());
        scene.connect(Direction::Outbound, (0..others).map(|n| number(100 + n, 0)));
        scene.burst(&hasty);
        assert_eq!(scene.is_open(), opens, "{groups} groups of {each}, {others} others");
        let held = scene.world.gate.metrics(scene.world.now).sanctions_held;
        assert_eq!(held, if opens { 0 } else { u64::from(groups * each) });
        scene.minute();
        assert_eq!(scene.banned(&hasty), if opens { 0 } else { hasty.len() });
    }
}

/// Of those who were never held back, only who is there counts.
#[test]
fn who_left_in_peace_makes_no_share_smaller() {
    let mut scene = Scene::new();
    let (hasty, others) = (spread(8, 1), spread(8, 5)[8..].to_vec());
    scene.connect(Direction::Outbound, hasty.iter().chain(&others).copied());
    for number in &others {
        scene.world.gate.disconnected(START, &peer(*number));
    }
    scene.burst(&hasty);
    assert!(scene.is_open());
}

#[test]
fn a_minute_apart_is_not_at_once() {
    let mut scene = Scene::new();
    let outbound = spread(10, 1);
    scene.connect(Direction::Outbound, outbound.clone());
    scene.burst(&outbound[..7]);
    scene.minute();
    scene.burst(&outbound[7..]);
    assert!(!scene.is_open());
    scene.minute();
    assert_eq!(scene.banned(&outbound), 10);
}

#[test]
fn invalid_signatures_are_never_held() {
    let mut scene = Scene::new();
    let outbound = spread(4, 3);
    scene.connect(Direction::Outbound, outbound.clone());
    scene.burst(&outbound[1..]);
    assert!(scene.is_open());
    scene.world.wait(Millis::from_secs(30));
    let author = secret(1);
    for (index, sender) in outbound.iter().enumerate() {
        for n in 0..10 {
            let made = START.saturating_sub(Millis::new(n));
            let forged = ad(&author).of_peer(*sender).at(made).forged();
            let decision = scene.world.direct(*sender, &forged);
            assert_eq!(reason(decision), Reason::InvalidSignature);
            scene.world.wait(Millis::new(100));
        }
        assert_eq!(scene.banned(&outbound), index + 1);
    }
    assert!(scene.is_open());
    let standing = scene.world.of_peer(outbound[0]);
    assert_eq!(reason(standing.decision), Reason::Blacklisted);
}

#[test]
fn an_outbound_peers_sanction_waits_for_a_minute_and_no_longer() {
    let due = START.saturating_add(MINUTE);
    let until = due.saturating_add(HOUR);
    let hasty = number(1, 0);
    let scene = || {
        let mut scene = Scene::new();
        scene.connect(Direction::Outbound, [hasty]);
        scene.burst(&[hasty]);
        let _ = scene.world.events();
        assert_eq!(scene.world.of_peer(hasty).held_until, Some(due));
        assert_eq!(scene.world.of_peer(hasty).violations, (10, 10));
        assert_eq!(scene.world.gate.poll_timeout(), due);
        scene.world.gate.handle_timeout(Timestamp::from_millis(due.as_millis() - 1));
        assert_eq!(scene.banned(&[hasty]), 0);
        scene
    };
    // Told in time, late, or only asked about: it is the same ban.
    let mut told = scene();
    told.world.gate.handle_timeout(due);
    assert_eq!(told.world.gate.poll_timeout(), START.saturating_add(MINUTE.saturating_mul(5)));
    let mut late = scene();
    late.world.gate.handle_timeout(due.saturating_add(MINUTE.saturating_mul(20)));
    let mut asked = scene();
    asked.world.now = due;
    let sealed = asked.ad().seal();
    let answer = asked.world.send(&Source::direct(peer(hasty)), &sealed);
    assert_eq!(reason(answer), Reason::Graylisted);
    for scene in [&mut told, &mut late, &mut asked] {
        scene.world.now = due;
        let standing = scene.world.of_peer(hasty);
        assert_eq!(standing.decision, Decision::until(Reason::Graylisted, until));
        assert_eq!(standing.sanction_reason, Some(Reason::TooSoon));
        assert_eq!(standing.sanctioned_at, Some((due, due)));
        assert_ne!(standing.evidence, [0; 8]);
        assert_eq!((standing.held_until, standing.violations), (None, (0, 10)));
        let reason = Reason::TooSoon;
        let event = Event::Sanctioned { peer: peer(hasty), until: Some(until), reason };
        assert_eq!(scene.world.events(), [event]);
    }
}

#[test]
fn what_waits_does_not_wait_longer_for_a_clock_that_steps_back() {
    let ahead = START.saturating_add(DAY.saturating_mul(30));
    let mut scene = Scene::new();
    scene.world.now = ahead;
    let (outbound, slow) = (spread(4, 3), number(50, 0));
    scene.connect(Direction::Outbound, outbound.clone());
    scene.burst(&outbound);
    assert!(scene.is_open());
    scene.world.now = START;
    scene.world.gate.handle_timeout(START);
    scene.minute();
    assert!(!scene.is_open());

    let mut scene = Scene::new();
    scene.world.now = ahead;
    scene.connect(Direction::Outbound, [slow]);
    scene.burst(&[slow]);
    scene.world.now = START;
    scene.world.gate.handle_timeout(START);
    assert_eq!(scene.world.of_peer(slow).held_until, Some(START.saturating_add(MINUTE)));
    scene.minute();
    let until = START.saturating_add(MINUTE).saturating_add(HOUR);
    assert_eq!(scene.world.of_peer(slow).decision, Decision::until(Reason::Graylisted, until));
}

#[test]
fn the_operators_word_ends_the_waiting() {
    let hasty = number(1, 0);
    let subject = Subject::Peer(peer(hasty));
    for word in 0..3 {
        let mut scene = Scene::new();
        scene.connect(Direction::Outbound, [hasty]);
        scene.burst(&[hasty]);
        let gate = &mut scene.world.gate;
        match word {
            0 => {
                let held: Vec<_> = gate.held_bans().collect();
                let [ban] = held[..] else { panic!("{held:?}") };
                let due = Some(START.saturating_add(MINUTE));
                assert!(
                    ban.held && (ban.subject, ban.since, ban.until) == (subject, Some(START), due)
                );
                assert_eq!(gate.bans(START).count(), 0, "it is not in force");
                assert!(gate.unban(START, &subject), "it is lifted before it begins");
                assert!(!gate.unban(START, &subject) && gate.held_bans().next().is_none());
                // One more is the first again, not the one that completes the count.
                assert_eq!(gate.standing(START, &subject).violations.0, 0);
            }
            1 => gate.allow(START, &peer(hasty), true).unwrap(),
            _ => gate.ban(START, &subject, None, Reason::Text).unwrap(),
        }
        let _ = scene.world.events();
        scene.minute();
        let banned = if word == 2 { Reason::Blacklisted } else { Reason::Clear };
        assert_eq!(reason(scene.world.of_peer(hasty).decision), banned);
        assert_eq!(scene.world.events(), []);
    }
}

#[test]
fn what_waits_does_not_come_into_force_once_windows_are_only_observed() {
    for (windows, sanctions) in
        [(Mode::On, Mode::On), (Mode::Observe, Mode::On), (Mode::On, Mode::Observe)]
    {
        let hasty = number(1, 0);
        let mut scene = Scene::new();
        scene.connect(Direction::Outbound, [hasty]);
        scene.burst(&[hasty]);
        assert_eq!(scene.world.gate.held_bans().count(), 1);
        let now = scene.world.now;
        let enforce = Enforce { windows, sanctions, ..POLICY.enforce };
        assert!(scene.world.gate.set_limits(now, &POLICY.windows, &enforce, POLICY.local_envelope));
        let _ = scene.world.events();
        scene.minute();
        let on = windows == Mode::On && sanctions == Mode::On;
        assert_eq!(scene.banned(&[hasty]), usize::from(on), "{enforce:?}");
        assert_eq!(sanctioned(&scene.world.events()), usize::from(on));
        let metrics = scene.world.gate.metrics(scene.world.now);
        assert_eq!((metrics.sanctions_held, metrics.would_sanctions), (0, u64::from(!on)));
    }
}
