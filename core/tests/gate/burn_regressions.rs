//! Faults of the system that this one replaces, in burns, rotations and what is signed for them.

use std::collections::BTreeSet;

use ltms_core::burn::Purpose;
use ltms_core::wire::{Kind, ad_hash, withdrawal_hash};
use ltms_core::*;

use crate::ads::{ad, envelope};
use crate::claims::{Claim, What, named, secret};
use crate::regressions::world;
use crate::world::*;

const XPI_50: Amount = Amount::from_xpi(50);

#[test]
fn l02_a_burn_counts_once_and_only_for_what_it_says() {
    let (mut world, ids) = world(2);
    let (owner, new, third) = (secret(0), named("new"), named("third"));
    for _ in 0..3 {
        assert_eq!(reason(world.claim(&Claim::real(0))), Reason::AlreadyKnown);
    }
    // Any OP_RETURN of anybody, claimed as the rotation by the true owner of the identity.
    let dear = Amount::from_xpi(1000);
    let plain = |script: &[u8]| {
        let claim = Claim::raw(&named("anybody"), &[(dear, script)], 200);
        claim.rotating(&ids[0], 1).signed_by(&owner, &new)
    };
    for script in [&b"\x6a\x05hello"[..], b"\x6a\x04LTMS", b"\x6a", &[0x76; 30]] {
        assert_eq!(reason(world.claim(&plain(script))), Reason::Script);
    }
    let other_purposes = [None, Some((Purpose::TopUp, ids[0])), Some((Purpose::Rotation, ids[1]))];
    for purpose in other_purposes {
        let burn = Claim::with_script(&new, dear, 200, purpose);
        let claim = burn.rotating(&ids[0], 1).signed_by(&owner, &new);
        assert_eq!(reason(world.claim(&claim)), Reason::Script, "{purpose:?}");
    }
    // One rotation burn is one rotation: neither again, nor the next, nor of another identity,
    // nor an identity, nor a credit.
    let burn = || Claim::rotation(&owner, &new, &ids[0], 1, 200);
    assert_eq!(reason(world.claim(&burn())), Reason::New);
    assert_eq!(reason(world.claim(&burn())), Reason::AlreadyKnown);
    let to_itself = burn().rotating(&ids[0], 2).signed_by(&new, &new);
    assert_eq!(reason(world.claim(&to_itself)), Reason::KeyTaken);
    let of_another = burn().rotating(&ids[1], 1).signed_by(&secret(1), &new);
    assert_eq!(reason(world.claim(&of_another)), Reason::Script);
    let key = new.public_key();
    let as_credit = burn().crediting(Purpose::Rotation, &ids[0], 1, &new, &key);
    assert_eq!(reason(world.claim(&as_credit)), Reason::Script);
    let mut as_registration = burn();
    as_registration.what = What::Registration;
    as_registration.sign(&new);
    assert_eq!(reason(world.claim(&as_registration)), Reason::Script);
    // When another key is the current one, the burn's own key is free, and the burn is not.
    assert_eq!(reason(world.claim(&Claim::rotation(&new, &third, &ids[0], 2, 300))), Reason::New);
    world.set_tip(TIP + 100, TIP);
    let once_more = burn().rotating(&ids[0], 3).signed_by(&third, &new);
    assert_eq!(reason(world.claim(&once_more)), Reason::BurnUsed);
    let row = world.gate.identity(&ids[0]).unwrap();
    assert_eq!((row.burned, row.key, row.sequence), (XPI_50, third.public_key(), 2));
}

#[test]
fn l03_a_rotation_replayed_from_a_to_b_to_a_does_nothing() {
    let (mut world, ids) = world(1);
    let (a, b, id) = (secret(0), named("b"), ids[0]);
    let first = || Claim::rotation(&a, &b, &id, 1, 200);
    assert_eq!(reason(world.claim(&first())), Reason::New);
    let delegate = named("delegate");
    let by_a = ad(&delegate).under(&id).delegated(&a, START.saturating_add(DAY));
    assert_eq!(reason(world.direct(0, &by_a)), Reason::Superseded);
    assert_eq!(reason(world.claim(&Claim::rotation(&b, &a, &id, 2, 300))), Reason::New);
    world.set_tip(TIP + 100, TIP);
    // A is the current key as it was before the first rotation, whose signatures are known.
    assert_eq!(reason(world.claim(&first())), Reason::Superseded);
    let mut relabelled = first();
    relabelled.what = match relabelled.what {
        What::Rotation { id, by_new, .. } => What::Rotation { id, sequence: 3, by_new },
        other => other,
    };
    let replayed = world.claim_from(0, &relabelled, EvidenceClass::Node);
    assert_eq!(reason(replayed), Reason::Superseded);
    // With a burn of its own it has other hashes to sign, too.
    let mut later = Claim::rotation(&a, &b, &id, 3, 310);
    (later.signature, later.what) = (relabelled.signature, relabelled.what);
    let replayed = world.claim_from(0, &later, EvidenceClass::Node);
    assert_eq!(reason(replayed), Reason::Superseded);
    // What A delegated the first time is as void as before.
    assert_eq!(reason(world.direct(0, &by_a)), Reason::Superseded);
    let relabelled = by_a.sequence(2);
    assert_eq!(reason(world.direct(0, &relabelled)), Reason::Superseded);
    let row = world.gate.identity(&id).unwrap();
    assert_eq!((row.key, row.sequence), (a.public_key(), 2));
}

#[test]
fn l03_a_signature_holds_for_one_chain_and_one_rotation_only() {
    let (mut world, ids) = world(1);
    let (owner, delegate) = (secret(0), named("delegate"));
    let honest = ad(&owner).under(&ids[0]);
    let mut elsewhere = honest;
    for network in [Network::Main, Network::Test] {
        elsewhere.network = network;
        assert_eq!(reason(world.direct(0, &elsewhere)), Reason::InvalidSignature);
    }
    // A delegation of an earlier or later rotation, brought under this one.
    let end = START.saturating_add(DAY);
    for sequence in [1, u64::MAX] {
        let old = ad(&delegate).under(&ids[0]).sequence(sequence).delegated(&owner, end);
        assert_eq!(reason(world.direct(0, &old)), Reason::NeedHistory);
        assert_eq!(reason(world.direct(0, &old.sequence(0))), Reason::NotDelegated);
    }
    assert_eq!(reason(world.direct(0, &honest)), Reason::New);
}

#[test]
fn l04_a_signature_for_one_purpose_is_good_for_no_other() {
    let (mut world, ids) = world(1);
    let claimant = secret(1);
    let mut claim = Claim::real(1);
    // What the older software took: the bare identity id.
    for hash in [*claim.id().as_bytes(), ad_hash(Network::Reg, claim.id().as_bytes())] {
        claim.signature = claimant.sign(&hash);
        assert_eq!(reason(world.claim(&claim)), Reason::InvalidSignature);
    }
    let owner = secret(0);
    let first = ad(&owner).under(&ids[0]);
    let body = first.body();
    let as_withdrawal = owner.sign(&withdrawal_hash(Network::Reg, &body));
    let sealed = envelope(Kind::Advertisement, &body, as_withdrawal);
    let source = Source::direct(peer(0));
    assert_eq!(reason(world.send(&source, &sealed)), Reason::InvalidSignature);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    world.wait(MINUTE);
    let body = first.at(world.now).withdrawal().body();
    let sealed = envelope(Kind::Withdrawal, &body, owner.sign(&ad_hash(Network::Reg, &body)));
    assert_eq!(reason(world.send(&source, &sealed)), Reason::InvalidSignature);
    assert!(world.gate.is_listed(world.now, &owner.public_key()));
}

#[test]
fn l05_output_256_is_not_output_0() {
    let first = Claim::real(0).outpoint();
    assert!(OutPoint { vout: 256, ..first }.identity_id().is_err());
    let ids: BTreeSet<_> = (0..=255)
        .map(|vout| *OutPoint { vout, ..first }.identity_id().unwrap().as_bytes())
        .collect();
    assert_eq!(ids.len(), 256);
    // A transaction of 257 burns: the first, the last that has an identity, and one beyond, whose
    // index no claim can carry.
    let mut world = World::new();
    let keys: Vec<_> = (0..257).map(|n| named(&format!("output {}", n % 256))).collect();
    let scripts: Vec<_> = keys
        .iter()
        .map(|key| {
            let public_key = key.public_key();
            burn::BurnScript { public_key, timestamp_ms: None, purpose: None }.build()
        })
        .collect();
    let outputs: Vec<(Amount, &[u8])> =
        scripts.iter().map(|script| (XPI_50, &script[..])).collect();
    let mut registered = Vec::new();
    for vout in [0, 255] {
        let key = &keys[usize::from(vout)];
        let mut claim = Claim::raw(key, &outputs, 200);
        claim.vout = vout;
        claim.sign(key);
        registered.push(world.register(&claim));
        assert_eq!(world.gate.identity(&claim.id()).unwrap().key, key.public_key());
    }
    assert_ne!(registered[0], registered[1]);
    assert_eq!(world.gate.metrics(START).identities_registered, 2);
}

#[test]
fn l06_a_burn_is_proved_and_proved_again_after_a_reorganisation() {
    let (mut world, ids) = world(1);
    let mut unproved = Claim::real(1);
    unproved.branch[0][0] ^= 1;
    let trusted = world.claim_from(0, &unproved, EvidenceClass::Node);
    assert_eq!(reason(trusted), Reason::NotInBlock, "whoever says that it is in the block");
    // One source that tells of a chain far away is not believed outright.
    assert_eq!(reason(world.try_tip(TIP + 1, 150)), Reason::ChainSuspect);
    assert!(!world.of_identity(&ids[0]).suspended);
    world.confirm_tip(TIP + 1, 150);
    let owner = secret(0);
    assert_eq!(reason(world.direct(1, &ad(&owner).under(&ids[0]))), Reason::Suspended);
    assert!(world.events().contains(&Event::Suspended(ids[0])));
    // In the block of before it is no more; in another it is the same identity.
    let lookup = world.lookup(0, &Claim::real(0)).unwrap();
    assert_eq!(reason(world.gate.settle_burn(START, lookup, None)), Reason::UnknownBlock);
    let moved = Claim::real(0).moved(160, 4);
    assert_eq!(reason(world.claim(&moved)), Reason::New);
    assert_eq!(world.events(), [Event::Resumed(ids[0])]);
    assert_eq!(world.gate.identity(&ids[0]).unwrap().height, BlockHeight::new(160));
    assert_eq!(reason(world.direct(1, &ad(&owner).under(&ids[0]))), Reason::New);
    // Spent otherwise meanwhile, it lapses.
    world.set_tip(TIP + 2, TIP + 1);
    world.confirm_tip(TIP + 3, 150);
    world.set_tip(TIP + 103, TIP + 3);
    assert!(world.gate.identity(&ids[0]).is_none());
    assert!(!world.gate.is_listed(world.now, &owner.public_key()));
}
