//! Faults of the system that this one replaces: one test for each, those of burns elsewhere.

use ltms_core::score::Failure;
use ltms_core::wire::{AdHeader, Kind, ad_hash};
use ltms_core::*;

use crate::ads::{ad, envelope};
use crate::claims::{Claim, named, secret};
use crate::world::*;

const XPI_50: Amount = Amount::from_xpi(50);

/// A world with so many identities of the chain, peers 0 to 3, and the ids.
pub(crate) fn world(identities: u32) -> (World, Vec<IdentityId>) {
    let mut world = World::registered(identities);
    (0..4).for_each(|number| world.connect(number));
    (world, (0..identities).map(|n| Claim::real(n).id()).collect())
}

#[test]
fn l01_questions_about_strangers_make_no_rows() {
    let mut world = World::with(Capacity { peers: 2, keys: 2, ..Capacity::SMALL }, POLICY);
    for n in 0..1000 {
        let key = named(&n.to_string()).public_key();
        assert!(!world.of_peer(n).known && !world.of_key(&key).known);
        assert!(!world.of_identity(&IdentityId::from_bytes([n as u8; 32])).known);
        assert!(world.gate.resolve_identity(&key).is_none());
        let refused = world.gate.screen_connection(START, &World::<Heap>::connection(n));
        assert!(refused.is_accept());
    }
    world.connect(0);
    world.register(&Claim::real(0));
    world.register(&Claim::real(1));
    assert_eq!(world.gate.metrics(START).identities_registered, 2);
}

#[test]
fn l07_reports_do_not_kill_an_identity_and_self_dealing_does_not_make_one() {
    let (mut world, ids) = world(3);
    for n in 0..25u8 {
        let session = SessionId::from_bytes([n; 16]);
        let failed = Outcome::Failed(Failure::Timeout);
        let _ = world.gate.record_session(START, &session, &ids[0], &ids[2], failed);
        let done = Outcome::Completed(SECOND);
        let _ = world.gate.record_session(START, &session, &ids[1], &ids[2], done);
    }
    let (failed, dealt) = (world.of_identity(&ids[0]), world.of_identity(&ids[1]));
    assert_eq!(reason(failed.decision), Reason::Clear);
    let owner = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&owner).under(&ids[0]))), Reason::New);
    assert_eq!((dealt.score, dealt.sessions), (80, (3, 0)));
}

#[test]
fn l08_ten_violations_have_one_consequence() {
    let (mut world, ids) = world(1);
    let owner = secret(0);
    assert_eq!(reason(world.direct(1, &ad(&owner).under(&ids[0]).of_peer(1))), Reason::New);
    for n in 1..=10 {
        let next = ad(&owner).under(&ids[0]).at(START.saturating_add(Millis::new(n)));
        assert_eq!(reason(world.direct(1, &next)), Reason::TooSoon);
    }
    let until = START.saturating_add(HOUR);
    assert_eq!(world.of_peer(1).decision, Decision::until(Reason::Graylisted, until));
    let metrics = world.gate.metrics(START);
    assert_eq!((metrics.graylisted_peers, metrics.blacklisted_peers), (1, 0));
    assert_eq!((metrics.rate_limit_violations, metrics.peers_blocked), (10, 1));
    world.gate.handle_timeout(until);
    world.now = until;
    assert_eq!(reason(world.of_peer(1).decision), Reason::Clear);
}

#[test]
fn l09_another_peer_cannot_take_or_hold_a_key() {
    let (mut world, ids) = world(2);
    let (owner, thief) = (secret(0), secret(1));
    let first = ad(&owner).under(&ids[0]);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.wait(MINUTE);
    // Peer 1 advertises the key as its own, under its identity and as a stranger.
    let next = first.at(world.now).of_peer(1);
    assert_eq!(reason(world.direct(1, &next.forged())), Reason::InvalidSignature);
    let end = START.saturating_add(DAY);
    let as_own = ad(&owner).under(&ids[1]).at(world.now).delegated(&thief, end).forged();
    assert_eq!(reason(world.direct(1, &as_own)), Reason::KeyTaken);
    // And brings the honest body again: no slot of anybody changes.
    assert_eq!(reason(world.gossip(1, 1, &first)), Reason::Known);
    assert_eq!(world.of_peer(1).keys.0, 0);
    let gone = first.at(world.now).withdrawal();
    assert_eq!(reason(world.direct(0, &gone)), Reason::New);
    world.wait(Millis::from_mins(10));
    world.gate.handle_timeout(world.now);
    assert_eq!(world.of_identity(&ids[0]).keys.0, 0, "the slot is free again");
}

#[test]
fn l10_a_signature_is_checked() {
    let (mut world, ids) = world(1);
    let owner = secret(0);
    let forged = ad(&owner).under(&ids[0]).forged();
    assert_eq!(reason(world.direct(0, &forged)), Reason::InvalidSignature);
    assert!(!world.gate.is_listed(world.now, &owner.public_key()));
    assert_eq!(reason(world.direct(0, &ad(&owner).under(&ids[0]))), Reason::New);
    assert!(world.gate.is_listed(world.now, &owner.public_key()));
}

#[test]
fn l11_what_was_burned_is_what_the_chain_says() {
    let (mut world, ids) = world(1);
    let (owner, nobody) = (secret(0), secret(5));
    let unregistered = ad(&nobody).under(&Claim::real(5).id());
    assert_eq!(reason(world.direct(0, &unregistered)), Reason::UnknownIdentity);
    assert_eq!(reason(world.direct(0, &ad(&owner).under(&ids[0]))), Reason::New);
    let found = world.find(&Criteria::default());
    assert_eq!((found.len(), found[0].burned), (1, XPI_50));
    assert_eq!(world.of_identity(&ids[0]).confirmations, TIP - 187 + 1);
}

#[test]
fn l12_no_byte_of_a_message_can_be_changed_on_its_way() {
    let mut world = World::with(Capacity { peers: 2000, ..Capacity::SMALL }, POLICY);
    let id = world.register(&Claim::real(0));
    let owner = secret(0);
    let mut honest = ad(&owner).under(&id);
    honest.amount = Some(wire::AmountRange { min: XPI_50, max: XPI_50 });
    let sealed = honest.seal();
    let mut checked = 0;
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        let relay = at as u32;
        world.connect(relay);
        let decision = world.send(&Source::gossip(peer(relay), peer(0)), &altered);
        assert!(!decision.is_accept(), "byte {at}: {decision:?}");
        checked += u32::from(decision.reason == Reason::InvalidSignature);
    }
    assert!(checked > 100, "most only the signature can tell");
    assert_eq!(reason(world.gossip(0, 0, &honest)), Reason::New);
    // A reputation that one gives oneself is no field.
    let mut body = honest.body();
    body[0] += 1;
    body.extend([24, 99, 24, 100]);
    let hash = ad_hash(Network::Reg, &body);
    let boasting = envelope(Kind::Advertisement, &body, owner.sign(&hash));
    assert_eq!(reason(world.send(&Source::direct(peer(1)), &boasting)), Reason::Unsupported);
}

#[test]
fn l13_what_is_newer_replaces_what_is_older_and_nobody_elses() {
    let (mut world, ids) = world(2);
    let (owner, squatter) = (secret(0), secret(1));
    // The same peer, times and types: another author is another row.
    assert_eq!(reason(world.direct(1, &ad(&squatter).under(&ids[1]))), Reason::New);
    assert_eq!(reason(world.direct(0, &ad(&owner).under(&ids[0]))), Reason::New);
    assert_eq!(world.find(&Criteria::default()).len(), 2);
    world.wait(MINUTE);
    let mut next = ad(&owner).under(&ids[0]).at(world.now);
    next.types = &[2];
    assert_eq!(reason(world.direct(0, &next)), Reason::New);
    let of = |world: &World, types| -> Vec<_> {
        let criteria = Criteria { types, ..Criteria::default() };
        world.find(&criteria).iter().map(|found| found.key).collect()
    };
    assert_eq!(of(&world, 1 << 2), [owner.public_key()]);
    assert_eq!(of(&world, 1 << 1), [squatter.public_key()]);
}

#[test]
fn l14_forged_messages_from_the_future_do_not_silence_anybody() {
    let (mut world, ids) = world(1);
    let owner = secret(0);
    let first = ad(&owner).under(&ids[0]);
    for (number, minutes) in [(1, 4), (2, 5), (3, 6), (1, 60 * 24 * 365)] {
        let early = first.at(START.saturating_add(Millis::from_mins(minutes))).forged();
        let expected = if minutes > 5 { Reason::Future } else { Reason::InvalidSignature };
        assert_eq!(reason(world.direct(number, &early)), expected);
    }
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    // The same where there is a row already.
    let early = first.at(START.saturating_add(Millis::from_mins(5))).forged();
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(1, &early)), Reason::InvalidSignature);
    assert_eq!(reason(world.direct(0, &first.at(world.now))), Reason::New);
}

#[test]
fn l15_a_new_name_is_never_better_than_a_bad_one() {
    let (mut world, ids) = world(2);
    for n in 0..10 {
        let session = SessionId::from_bytes([n; 16]);
        let failed = Outcome::Failed(Failure::InvalidSignature);
        assert!(world.gate.record_session(START, &session, &ids[0], &ids[1], failed).is_accept());
    }
    assert_eq!(world.of_identity(&ids[0]).score, 0);
    // The burn gives its identity once, with the score it has.
    assert_eq!(reason(world.claim(&Claim::real(0))), Reason::AlreadyKnown);
    assert_eq!(world.of_identity(&ids[0]).score, 0);
    // As a fresh stranger one is found behind even that.
    let (owner, stranger) = (secret(0), named("fresh"));
    assert_eq!(reason(world.direct(0, &ad(&owner).under(&ids[0]))), Reason::New);
    assert_eq!(reason(world.direct(0, &ad(&stranger))), Reason::New);
    let found = world.find(&Criteria::default());
    assert_eq!((found[0].identity, found[1].identity), (Some(ids[0]), None));
}

#[test]
fn l16_what_is_over_its_rate_costs_no_signature_check() {
    let (mut world, ids) = world(1);
    let owner = secret(0);
    let first = ad(&owner).under(&ids[0]);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    let checks = world.gate.metrics(world.now).signature_checks;
    for n in 1..200 {
        let next = first.at(START.saturating_add(Millis::new(n))).forged();
        assert_eq!(reason(world.gossip(1, 2, &next)), Reason::TooSoon);
        assert!(!world.gossip(1, 2, &first.at(START.saturating_sub(Millis::new(n)))).is_accept());
        let _ = world.find(&Criteria::default());
    }
    assert_eq!(world.gate.metrics(world.now).signature_checks, checks);
}

#[test]
fn l17_a_flood_of_messages_makes_nothing_replayable() {
    let mut world = World::with(Capacity { keys: 16, ..Capacity::SMALL }, POLICY);
    (0..4).for_each(|number| world.connect(number));
    let id = world.register(&Claim::real(0));
    let victim = secret(0);
    let old = ad(&victim).under(&id).lasting(DAY);
    assert_eq!(reason(world.direct(0, &old)), Reason::New);
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &old.at(world.now).withdrawal())), Reason::New);
    let flooder = named("flooder");
    let flood = world.register(&Claim::made(&flooder, Amount::from_xpi(1000), 200));
    let mut full = 0;
    for n in 0..30 {
        let author = named(&format!("flood {n}"));
        let ad = ad(&author).under(&flood).at(world.now).lasting(Millis::from_mins(10));
        let ad = ad.delegated(&flooder, world.now.saturating_add(DAY));
        let decision = world.pull(1, Channel::Directory, &ad);
        full += u32::from(reason(decision) == Reason::TableFull);
    }
    assert!(full > 0, "the table is full");
    for _ in 0..12 {
        world.gate.handle_timeout(world.now);
        assert_eq!(reason(world.pull(1, Channel::Dht, &old)), Reason::Replayed);
        world.wait(HOUR);
    }
}

#[test]
fn l18_the_verdict_on_the_signature_decides() {
    let (mut world, ids) = world(1);
    let owner = secret(0);
    let sealed = ad(&owner).under(&ids[0]).seal();
    let header = AdHeader::read(Network::Reg, &sealed).unwrap();
    for (number, check, expected) in [
        (1, SignatureCheck::Invalid, Reason::InvalidSignature),
        (2, SignatureCheck::NotDelegated, Reason::NotDelegated),
        (3, SignatureCheck::Valid, Reason::New),
    ] {
        let source = Source::direct(peer(number));
        let Screening::Proceed(ticket) = world.gate.screen_ad(world.now, &source, &header) else {
            panic!("nothing stands against it yet")
        };
        assert_eq!(reason(world.gate.settle_ad(world.now, ticket, check)), expected);
        let listed = world.gate.is_listed(world.now, &owner.public_key());
        assert_eq!(listed, expected == Reason::New);
    }
    assert_eq!(world.of_peer(1).invalid_signatures.0, 1);
    assert_eq!(world.of_peer(2).malformed.0, 1);
}
