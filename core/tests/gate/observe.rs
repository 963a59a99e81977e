//! Rules that are only observed, and those that never are (policy §4).

use core::net::IpAddr;

use ltms_core::*;

use crate::ads::{GARBAGE, ad, envelope};
use crate::claims::{Claim, named, secret};
use crate::world::*;

const ON: Enforce = POLICY.enforce;
const ALL: Enforce = Enforce {
    windows: Mode::Observe,
    keys: Mode::Observe,
    groups: Mode::Observe,
    sanctions: Mode::Observe,
};

fn world(enforce: Enforce, change: impl FnOnce(&mut Policy)) -> (World, IdentityId) {
    let mut policy = Policy { enforce, ..POLICY };
    change(&mut policy);
    let mut world = World::with(Capacity::SMALL, policy);
    (0..4).for_each(|number| world.connect(number));
    let id = world.register(&Claim::real(0));
    (world, id)
}

/// What was counted: windows, keys, groups, sanctions.
fn would(world: &World) -> [u64; 4] {
    let metrics = world.gate.metrics(world.now);
    [metrics.would_windows, metrics.would_keys, metrics.would_groups, metrics.would_sanctions]
}

/// That `scene` ends with `refused` when the rules are on, and otherwise as if there were none.
#[track_caller]
fn observed(
    enforce: Enforce,
    change: impl Fn(&mut Policy),
    scene: impl Fn(&mut World, &IdentityId) -> Decision,
    (refused, passed): (Reason, Reason),
    counts: [u64; 4],
) {
    let (mut world, id) = self::world(ON, &change);
    assert_eq!(reason(scene(&mut world, &id)), refused);
    assert_eq!(would(&world), [0; 4]);
    let (mut world, id) = self::world(enforce, &change);
    assert_eq!(reason(scene(&mut world, &id)), passed);
    assert_eq!(would(&world), counts);
}

#[test]
fn an_authors_window() {
    let enforce = Enforce { windows: Mode::Observe, ..ON };
    let author = secret(0);
    let twice = |world: &mut World, id: &IdentityId| {
        let first = ad(&author).under(id);
        assert_eq!(reason(world.direct(0, &first)), Reason::New);
        world.wait(SECOND);
        world.direct(0, &first.at(world.now))
    };
    observed(enforce, |_| {}, twice, (Reason::TooSoon, Reason::New), [1, 0, 0, 0]);
}

#[test]
fn an_identitys_window() {
    let enforce = Enforce { windows: Mode::Observe, ..ON };
    let author = secret(0);
    let twice = |world: &mut World, id: &IdentityId| {
        assert_eq!(reason(world.direct(0, &ad(&author).under(id))), Reason::New);
        world.wait(MINUTE);
        world.direct(0, &ad(&author).under(id).at(world.now))
    };
    let one_key = |policy: &mut Policy| policy.keys.basic = 1;
    observed(enforce, one_key, twice, (Reason::IdentityWindow, Reason::New), [1, 0, 0, 0]);
}

#[test]
fn the_window_of_strangers_of_a_group() {
    let enforce = Enforce { windows: Mode::Observe, ..ON };
    let thrice = |world: &mut World, _: &IdentityId| {
        let authors: Vec<_> = (0..3).map(|n| named(&format!("stranger {n}"))).collect();
        for author in &authors[..2] {
            assert_eq!(reason(world.direct(0, &ad(author))), Reason::New);
        }
        world.direct(0, &ad(&authors[2]))
    };
    observed(enforce, |_| {}, thrice, (Reason::StrangerWindow, Reason::New), [1, 0, 0, 0]);
}

#[test]
fn a_connections_window() {
    let enforce = Enforce { windows: Mode::Observe, ..ON };
    for (kind, refused) in
        [(FrameKind::Direct, Reason::ConnectionWindow), (FrameKind::Gossip, Reason::Throttle)]
    {
        let frames = |world: &mut World, _: &IdentityId| {
            let source = Source::direct(peer(0));
            for _ in 0..60 {
                let screened = world.gate.screen_frame(START, &source, kind, 100);
                assert_eq!(reason(screened), Reason::Clear);
            }
            world.gate.screen_frame(START, &source, kind, 100)
        };
        observed(enforce, |_| {}, frames, (refused, Reason::Clear), [1, 0, 0, 0]);
    }
}

/// Nobody is banned for breaking a window that is not there.
#[test]
fn as_long_as_windows_are_observed_nobody_is_sanctioned_for_them() {
    let author = secret(0);
    for enforce in [ON, Enforce { windows: Mode::Observe, ..ON }] {
        let (mut world, id) = world(enforce, |_| {});
        let mut last = ad(&author).under(&id).of_peer(1);
        for _ in 0..40 {
            let _ = world.direct(1, &last);
            last = last.at(last.created_at.saturating_add(SECOND));
            world.wait(SECOND);
        }
        let clear = enforce != ON;
        assert_eq!(reason(world.of_peer(1).decision) == Reason::Clear, clear);
        assert_eq!(would(&world)[3], if clear { 3 } else { 0 }, "the key, by its own bodies");
        assert_eq!(reason(world.of_key(&author.public_key()).decision), Reason::Clear);
    }
}

#[test]
fn keys_of_identities_and_of_strangers() {
    let enforce = Enforce { keys: Mode::Observe, ..ON };
    let owner = secret(0);
    let authors: Vec<_> = (0..11).map(|n| named(&format!("author {n}"))).collect();
    let end = START.saturating_add(DAY);
    let delegates = |world: &mut World, id: &IdentityId| {
        let mut pull = |n: usize| {
            let ad = ad(&authors[n]).under(id).delegated(&owner, end);
            world.pull(0, Channel::Directory, &ad)
        };
        (0..10).for_each(|n| assert_eq!(reason(pull(n)), Reason::New));
        pull(10)
    };
    observed(enforce, |_| {}, delegates, (Reason::KeyLimit, Reason::New), [0, 1, 0, 0]);

    let unhurried = |policy: &mut Policy| policy.windows.strangers = Quota::every(SECOND, 1000);
    let strangers = |world: &mut World, _: &IdentityId| {
        let mut direct = |n: usize| world.direct(0, &ad(&authors[n]));
        (0..10).for_each(|n| assert_eq!(reason(direct(n)), Reason::New));
        direct(10)
    };
    observed(enforce, unhurried, strangers, (Reason::KeyLimit, Reason::New), [0, 1, 0, 0]);
}

#[test]
fn connections_of_an_address_group() {
    let enforce = Enforce { groups: Mode::Observe, ..ON };
    let crowd = |world: &mut World, _: &IdentityId| {
        let address: IpAddr = "9.8.7.6".parse().unwrap();
        let connection = |number| Connection {
            peer: peer(number),
            address: Some(address),
            direction: Direction::Inbound,
        };
        for number in 10..18 {
            world.gate.connected(START, &connection(number)).unwrap();
        }
        world.gate.screen_connection(START, &connection(18))
    };
    observed(enforce, |_| {}, crowd, (Reason::GroupLimit, Reason::Clear), [0, 0, 1, 0]);
}

#[test]
fn automatic_bans_of_peers_keys_and_identities() {
    let enforce = Enforce { sanctions: Mode::Observe, ..ON };
    let source = Source::direct(peer(1));
    let garbage = |world: &mut World, _: &IdentityId| {
        for _ in 0..50 {
            let _ = world.gate.malformed(START, &source, Reason::Malformed, b"x");
        }
        world.of_peer(1).decision
    };
    observed(enforce, |_| {}, garbage, (Reason::Blacklisted, Reason::Clear), [0, 0, 0, 1]);

    let author = secret(0);
    let hasty_peer = |world: &mut World, id: &IdentityId| {
        let first = ad(&author).under(id).of_peer(1);
        for n in 0..=10 {
            let _ = world.direct(1, &first.at(START.saturating_add(Millis::new(n))));
        }
        world.of_peer(1).decision
    };
    observed(enforce, |_| {}, hasty_peer, (Reason::Graylisted, Reason::Clear), [0, 0, 0, 1]);

    let hasty_key = |world: &mut World, id: &IdentityId| {
        let first = ad(&author).under(id);
        for n in 0..=10 {
            let next = first.at(START.saturating_add(Millis::new(n)));
            let _ = world.pull(1, Channel::Directory, &next);
        }
        world.of_key(&author.public_key()).decision
    };
    observed(enforce, |_| {}, hasty_key, (Reason::Graylisted, Reason::Clear), [0, 0, 0, 1]);

    let faulty = |world: &mut World, id: &IdentityId| {
        for _ in 0..3 {
            let _ = world.gate.record_fault(START, id, Reason::InvalidSignature);
        }
        world.of_identity(id).decision
    };
    observed(enforce, |_| {}, faulty, (Reason::IdentityBanned, Reason::Clear), [0, 0, 0, 1]);
}

#[test]
fn what_every_honest_node_rejects_is_rejected_whatever_is_observed() {
    let (mut world, id) = world(ALL, |_| {});
    let (author, other) = (secret(0), named("other"));
    let good = ad(&author).under(&id);
    let source = Source::direct(peer(0));
    let end = START.saturating_add(DAY);
    let cases = [
        (good.forged().seal(), Reason::InvalidSignature),
        (ad(&other).under(&id).seal(), Reason::NotDelegated),
        (ad(&other).under(&id).with_delegation(end, GARBAGE).seal(), Reason::NotDelegated),
        (good.lasting(MINUTE).seal(), Reason::Lifetime),
        (envelope(wire::Kind::Advertisement, b"\xa0", GARBAGE), Reason::Malformed),
        (b"garbage".to_vec(), Reason::Malformed),
        (good.at(START.saturating_add(HOUR)).seal(), Reason::Future),
        (good.at(START.saturating_sub(HOUR)).seal(), Reason::Expired),
    ];
    for (bytes, expected) in cases {
        assert_eq!(reason(world.send(&source, &bytes)), expected);
    }
    let oversize = world.gate.screen_frame(START, &source, FrameKind::Gossip, size::ENVELOPE + 1);
    assert_eq!(reason(oversize), Reason::Oversize);
    let mut forged = Claim::real(1);
    forged.signature = GARBAGE;
    assert_eq!(reason(world.claim(&forged)), Reason::InvalidSignature);
    assert!(!world.gate.is_listed(START, &author.public_key()));
    // So are the bans of the operator, and the budget for signature checks.
    world.gate.ban(START, &Subject::Peer(peer(1)), None, Reason::Text).unwrap();
    assert_eq!(reason(world.direct(1, &good)), Reason::Blacklisted);
    let forged = |n: u64| ad(&author).under(&id).at(START.saturating_sub(Millis::new(n))).forged();
    let busy = |world: &mut World| {
        (0..30).any(|n| reason(world.direct(2, &forged(n))) == Reason::SignatureBudget)
    };
    assert!(busy(&mut world));
    assert_eq!(reason(world.direct(3, &good)), Reason::New, "and it is not all refused");
}
