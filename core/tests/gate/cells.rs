//! Strangers' cells from outside (policy §3, §4); `strangers.rs` in the core measures them.

use ltms_core::*;

use crate::ads::ad;
use crate::claims::named;
use crate::full_bans::{at, throw_away};
use crate::world::*;

/// How many of these peers, each at a group of its own, are served as strangers.
fn served(world: &mut World, numbers: core::ops::Range<u32>) -> usize {
    let mut count = 0;
    for number in numbers {
        world.gate.connected(world.now, &at(number, number as u16)).unwrap();
        let author = named(&format!("stranger {number}"));
        let decision = world.direct(number, &ad(&author).at(world.now).of_peer(number));
        count += usize::from(decision.is_accept());
        assert!(matches!(reason(decision), Reason::New | Reason::StrangerWindow));
        world.gate.disconnected(world.now, &peer(number));
    }
    count
}

#[test]
fn a_lockdown_leaves_strangers_an_eighth_and_ends_for_them_at_once() {
    let capacity = Capacity { bans: 32, cells: 64, peers: 512, keys: 4_096, ..Capacity::SMALL };
    // Wide windows are not what is looked at here.
    let mut policy = POLICY;
    policy.windows.wide_factor = 1_000;
    let fill = |lockdown: bool| {
        let mut world = World::with(capacity, policy);
        (0..25).for_each(|number| throw_away(&mut world, at(number, number as u16), number));
        if !lockdown {
            assert!(world.gate.unban(world.now, &Subject::Peer(peer(0))));
        }
        let posture = if lockdown { Posture::Lockdown } else { Posture::Normal };
        assert_eq!(world.gate.posture(), posture);
        (served(&mut world, 100..400), world)
    };
    let ((normal, _), (locked, mut world)) = (fill(false), fill(true));
    // 64 cells with two tokens each, and 8; each stranger takes one of two cells.
    assert!((64..=128).contains(&normal), "{normal}");
    assert!((8..=16).contains(&locked), "{locked}");
    assert!(world.gate.unban(world.now, &Subject::Peer(peer(0))));
    assert!(served(&mut world, 400..410) > 5);
}

#[test]
fn the_turn_of_the_day_is_no_second_burst() {
    let midnight = Timestamp::from_millis(START.as_millis() / DAY.get() * DAY.get() + DAY.get());
    let mut world = World::new();
    world.now = midnight.saturating_sub(Millis::new(1));
    world.connect(0);
    let mut push = |now: Timestamp, n: u32| {
        world.now = now;
        let author = named(&format!("stranger {n}"));
        world.direct(0, &ad(&author).at(now))
    };
    let before = midnight.saturating_sub(Millis::new(1));
    assert_eq!(reason(push(before, 0)), Reason::New);
    assert_eq!(reason(push(before, 1)), Reason::New);
    let opens = before.saturating_add(MINUTE);
    assert_eq!(push(midnight, 2), Decision::until(Reason::StrangerWindow, opens));
    assert_eq!(reason(push(opens, 2)), Reason::New, "at exactly its `retry_at`");
    assert_eq!(reason(push(opens, 3)), Reason::StrangerWindow);
}
