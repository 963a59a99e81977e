//! Who pays for what is wrong, and what a ban refuses (policy §4).

use ltms_core::wire::{Envelope, Kind};
use ltms_core::*;

use crate::ads::{GARBAGE, ad, envelope};
use crate::claims::{Claim, named, secret};
use crate::world::*;

fn world() -> (World, IdentityId) {
    let mut world = World::registered(1);
    (0..4).for_each(|number| world.connect(number));
    (world, Claim::real(0).id())
}

/// Messages that name identity 0 and its key, all different, none signed by it.
fn forge(world: &World, id: &IdentityId, n: u64) -> Vec<u8> {
    let made = world.now.saturating_sub(Millis::new(n));
    ad(&secret(0)).under(id).at(made).forged().seal()
}

#[test]
fn ten_invalid_signatures_of_its_own_blacklist_a_peer() {
    let own = [Source::direct(peer(1)), Source::gossip(peer(1), peer(1))];
    for source in own {
        let (mut world, id) = world();
        for n in 1..=9 {
            let forged = forge(&world, &id, n);
            assert_eq!(reason(world.send(&source, &forged)), Reason::InvalidSignature);
            world.wait(HOUR);
            assert_eq!(world.of_peer(1).invalid_signatures, (n as u8, 10));
        }
        assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
        let forged = forge(&world, &id, 10);
        assert_eq!(reason(world.send(&source, &forged)), Reason::InvalidSignature);
        let standing = world.of_peer(1);
        assert_eq!(standing.decision, Decision::new(Reason::Blacklisted));
        assert_eq!(standing.sanction_reason, Some(Reason::InvalidSignature));
        assert_ne!(standing.evidence, [0; 8]);
        world.wait(DAY.saturating_mul(1000));
        world.gate.handle_timeout(world.now);
        assert_eq!(reason(world.of_peer(1).decision), Reason::Blacklisted, "until lifted");
    }
}

#[test]
fn invalid_signatures_a_day_apart_do_not_add_up() {
    let (mut world, id) = world();
    for _ in 0..3 {
        for n in 1..=9 {
            let forged = forge(&world, &id, n);
            let _ = world.send(&Source::direct(peer(1)), &forged);
        }
        world.wait(DAY);
    }
    assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
}

#[test]
fn whoever_only_forwards_is_graylisted_and_never_blacklisted() {
    let (mut world, id) = world();
    let source = Source::gossip(peer(1), peer(2));
    for hours in [1, 2, 4, 8, 16, 24, 24] {
        for n in 1..=10 {
            assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
            let forged = forge(&world, &id, n);
            assert_eq!(reason(world.send(&source, &forged)), Reason::InvalidSignature);
        }
        let until = world.now.saturating_add(HOUR.saturating_mul(hours));
        assert_eq!(world.of_peer(1).decision, Decision::until(Reason::Graylisted, until));
        world.now = until;
    }
    let mut published = world.of_peer(2);
    published.group = world.of_peer(3).group;
    assert_eq!(published, world.of_peer(3), "who published pays nothing");
    assert_eq!(world.of_peer(1).invalid_signatures.0, 0);
}

#[test]
fn fifty_malformed_or_oversize_items_of_its_own_blacklist_a_peer() {
    let (mut world, _) = world();
    let source = Source::direct(peer(1));
    for n in 1..=49u8 {
        let decision = match n % 3 {
            0 => world.gate.screen_frame(world.now, &source, FrameKind::Direct, size::FRAME + 1),
            1 => world.send(&source, b"\x83garbage"),
            _ => world.send(&source, &envelope(Kind::Advertisement, b"\xa0", GARBAGE)),
        };
        let expected = if n % 3 == 0 { Reason::Oversize } else { Reason::Malformed };
        assert_eq!(reason(decision), expected);
        world.wait(SECOND);
    }
    assert_eq!(world.of_peer(1).malformed, (49, 50));
    assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
    assert_eq!(reason(world.send(&source, b"")), Reason::Malformed);
    assert_eq!(reason(world.of_peer(1).decision), Reason::Blacklisted);

    // The same, passed on for another publisher: graylisted.
    let source = Source::gossip(peer(2), peer(3));
    for _ in 0..50 {
        assert_eq!(reason(world.send(&source, b"\x83garbage")), Reason::Malformed);
        world.wait(SECOND);
    }
    assert_eq!(reason(world.of_peer(2).decision), Reason::Graylisted);
}

#[test]
fn frames_of_exactly_the_limit_pass() {
    let (mut world, _) = world();
    let source = Source::direct(peer(0));
    for (kind, limit) in
        [(FrameKind::Gossip, 10_000), (FrameKind::Direct, 100_000), (FrameKind::Record, 10_000)]
    {
        let mut frame = |len| world.gate.screen_frame(START, &source, kind, len);
        assert_eq!(reason(frame(limit)), Reason::Clear);
        assert_eq!(reason(frame(limit + 1)), Reason::Oversize);
    }
}

/// A tighter limit of this node is nobody's fault: others take the message.
#[test]
fn a_local_limit_is_ignored_and_not_charged() {
    let mut world = World::with(Capacity::SMALL, Policy { local_envelope: 100, ..POLICY });
    world.connect(0);
    assert_eq!(reason(world.direct(0, &ad(&named("stranger")))), Reason::LocalLimit);
    assert_eq!(world.of_peer(0).malformed.0, 0);
}

#[test]
fn a_victim_named_in_forged_messages_has_nothing_counted() {
    let (mut world, id) = world();
    let author = secret(0);
    let honest = ad(&author).under(&id).of_peer(0).at(world.now.saturating_sub(MINUTE));
    assert_eq!(reason(world.gossip(0, 0, &honest)), Reason::New);
    world.now = world.now.saturating_add(MINUTE);
    let before = (world.of_peer(0), world.of_key(&honest.key()), world.of_identity(&id));
    let mut refused = 0;
    for n in 0..9 {
        let made = world.now.saturating_sub(Millis::new(n));
        let forged = ad(&author).under(&id).at(made).forged().seal();
        // Peer 1 hands it over directly, peers 2 and 3 say that peer 0 published it.
        let sources = [
            Source::direct(peer(1)),
            Source::gossip(peer(2), peer(0)),
            Source { peer: peer(3), publisher: None, channel: Channel::Directory },
        ];
        for source in &sources {
            refused += u32::from(reason(world.send(source, &forged)) == Reason::InvalidSignature);
        }
    }
    assert_eq!(refused, 27);
    let after = (world.of_peer(0), world.of_key(&honest.key()), world.of_identity(&id));
    assert_eq!(after, before);
    assert_eq!(world.of_peer(1).invalid_signatures.0, 9);
    assert_eq!((world.of_peer(2).passed_on, world.of_peer(3).passed_on), (9, 9));
    // The victim's next advertisement is as welcome as ever.
    assert_eq!(reason(world.gossip(2, 0, &honest.at(world.now))), Reason::New);
}

#[test]
fn what_this_version_does_not_know_is_nobody_s_fault() {
    let (mut world, id) = world();
    let author = secret(0);
    let body = ad(&author).under(&id).body();
    let sealed = ad(&author).under(&id).seal();
    assert!(Envelope::decode(&sealed).is_ok());
    let mut kind_3 = sealed.clone();
    assert_eq!(kind_3[1], 1);
    kind_3[1] = 3;
    // One more field, 23, after the seven there are.
    let mut more = body.clone();
    assert_eq!(more[0], 0xa7);
    more[0] = 0xa8;
    more.extend([23, 0]);
    let field = envelope(Kind::Advertisement, &more, GARBAGE);
    for _ in 0..60 {
        for bytes in [&kind_3, &field] {
            assert_eq!(reason(world.send(&Source::direct(peer(1)), bytes)), Reason::Unsupported);
        }
        world.wait(SECOND);
    }
    let standing = world.of_peer(1);
    assert_eq!((standing.malformed.0, standing.passed_on), (0, 0));
    assert_eq!(reason(standing.decision), Reason::Clear);
}

/// A registration in a form that a newer version may know.
#[test]
fn unknown_burn_versions_and_purposes_are_nobody_s_fault() {
    let (mut world, id) = world();
    let author = named("newer");
    let known = burn::BurnScript {
        public_key: author.public_key(),
        timestamp_ms: None,
        purpose: Some((burn::Purpose::TopUp, id)),
    };
    let script = known.build();
    let purpose_at = script.len() - 33;
    for (at, value) in [(purpose_at, 7), (7, 2)] {
        let mut newer = script.clone();
        newer[at] = value;
        let claim = Claim::raw(&author, &[(Amount::from_xpi(50), &newer)], 200);
        assert_eq!(reason(world.claim_from(1, &claim, EvidenceClass::Node)), Reason::Unsupported);
    }
    assert_eq!(world.of_peer(1).malformed.0, 0);
}

#[test]
fn everything_of_a_banned_peer_is_refused() {
    for until in [None, Some(START.saturating_add(HOUR))] {
        let (mut world, id) = world();
        let author = secret(0);
        let ad = ad(&author).under(&id);
        world.gate.ban(world.now, &Subject::Peer(peer(1)), until, Reason::Malformed).unwrap();
        let banned = if until.is_some() { Reason::Graylisted } else { Reason::Blacklisted };
        let source = Source::direct(peer(1));
        let frame = world.gate.screen_frame(world.now, &source, FrameKind::Direct, 100);
        let decisions = [
            world.gate.screen_connection(world.now, &World::<Heap>::connection(1)),
            frame,
            world.gate.admit_ad(world.now, &source, &ad.seal()),
            world.claim_from(1, &Claim::real(5), EvidenceClass::Node),
        ];
        for decision in decisions {
            assert_eq!((reason(decision), decision.retry_at), (banned, until));
        }
        let Some(until) = until else { continue };
        world.now = until;
        assert!(world.gate.screen_connection(world.now, &World::<Heap>::connection(1)).is_accept());
        assert_eq!(reason(world.direct(1, &ad.at(until))), Reason::New);
    }
}

/// The ban comes while the signature is being checked.
#[test]
fn a_ban_also_stops_what_was_screened_before_it() {
    let (mut world, id) = world();
    let bytes = ad(&secret(0)).under(&id).seal();
    let header = wire::AdHeader::read(Network::Reg, &bytes).unwrap();
    let source = Source::direct(peer(1));
    let Screening::Proceed(ticket) = world.gate.screen_ad(world.now, &source, &header) else {
        panic!("nothing stands against it")
    };
    world.gate.ban(world.now, &Subject::Peer(peer(1)), None, Reason::Malformed).unwrap();
    let settled = world.gate.settle_ad(world.now, ticket, SignatureCheck::Valid);
    assert_eq!(reason(settled), Reason::Blacklisted);
    assert!(!world.gate.is_listed(world.now, &secret(0).public_key()));
}

#[test]
fn without_a_row_nobody_is_charged_and_none_is_made() {
    let (mut world, id) = world();
    let forged = forge(&world, &id, 1);
    let source = Source::direct(peer(77));
    assert_eq!(reason(world.gate.admit_ad(world.now, &source, &forged)), Reason::ConnectionLimit);
    assert_eq!(
        reason(world.gate.malformed(world.now, &source, Reason::Malformed, b"x")),
        Reason::Malformed
    );
    assert!(!world.of_peer(77).known);
}

#[test]
fn a_reconnecting_peer_keeps_what_was_counted_and_its_spent_window() {
    let (mut world, id) = world();
    for n in 1..=9 {
        let forged = forge(&world, &id, n);
        let _ = world.send(&Source::direct(peer(1)), &forged);
        world.gate.disconnected(world.now, &peer(1));
        world.wait(HOUR);
        world.gate.handle_timeout(world.now);
        world.connect(1);
    }
    assert_eq!(world.of_peer(1).invalid_signatures.0, 9);

    // The next sweep is due.
    world.wait(Millis::from_mins(5));
    let source = Source::direct(peer(2));
    let frame = |world: &mut World| {
        world.gate.screen_frame(world.now, &source, FrameKind::Direct, 10).reason
    };
    (0..60).for_each(|_| assert_eq!(frame(&mut world), Reason::Clear));
    world.gate.disconnected(world.now, &peer(2));
    world.gate.handle_timeout(world.now);
    world.connect(2);
    assert_eq!(frame(&mut world), Reason::ConnectionWindow);
}

/// Otherwise it could silence signers for whoever banned it: it republishes their messages first,
/// everybody else passes its copies on, and the honest ones are known already.
#[test]
fn a_message_that_a_banned_peer_published_elsewhere_is_judged_by_itself() {
    let (mut world, id) = world();
    world.gate.ban(world.now, &Subject::Peer(peer(2)), None, Reason::Blacklisted).unwrap();
    let key = secret(0);
    let honest = ad(&key).under(&id).at(world.now);
    assert_eq!(reason(world.gossip(1, 2, &honest)), Reason::New);
}

/// Gossipsub shows no other copy of what it had delivered first.
#[test]
fn a_claim_that_a_banned_peer_only_passed_on_is_judged_by_itself() {
    let (mut world, _) = world();
    world.gate.ban(world.now, &Subject::Peer(peer(1)), None, Reason::Blacklisted).unwrap();
    let claim = Claim::real(1);
    let mut screen = |source: &Source| {
        world.gate.screen_claim(world.now, source, &claim.claimed(), claim.signature)
    };
    let Screening::Done(own) = screen(&Source::gossip(peer(1), peer(1))) else {
        panic!("it published that itself")
    };
    assert_eq!(reason(own), Reason::Blacklisted);
    assert!(matches!(screen(&Source::gossip(peer(1), peer(2))), Screening::Proceed(_)));
}
