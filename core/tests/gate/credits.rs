//! What burns after the registration buy: key slots and tiers (policy §5, §6).

use ltms_core::burn::{BurnScript, Purpose, Tier};
use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::GARBAGE;
use crate::claims::{Claim, named};
use crate::rotation::world;
use crate::world::*;

const AT: u32 = 310;

fn slot(key: &SecretKey, id: &IdentityId, xpi: u64, height: u32) -> Claim {
    Claim::credit(key, Purpose::AdditionalKey, id, Amount::from_xpi(xpi), height)
}

fn top_up(key: &SecretKey, id: &IdentityId, xpi: u64, height: u32) -> Claim {
    Claim::credit(key, Purpose::TopUp, id, Amount::from_xpi(xpi), height)
}

/// One transaction with these burns by `key` for `id`.
fn outputs(key: &SecretKey, id: &IdentityId, burns: &[(Purpose, u64)], height: u32) -> Claim {
    let scripts: Vec<_> = burns
        .iter()
        .map(|(purpose, xpi)| {
            let purpose = Some((*purpose, *id));
            let script = BurnScript { public_key: key.public_key(), timestamp_ms: None, purpose };
            (Amount::from_xpi(*xpi), script.build())
        })
        .collect();
    let scripts: Vec<(Amount, &[u8])> =
        scripts.iter().map(|(xpi, bytes)| (*xpi, &bytes[..])).collect();
    Claim::raw(key, &scripts, height)
}

/// Output `vout` of a transaction, claimed for `purpose`.
fn output(mut claim: Claim, vout: u8, purpose: Purpose, id: &IdentityId, key: &SecretKey) -> Claim {
    claim.vout = vout;
    claim.crediting(purpose, id, 0, key, &key.public_key())
}

fn limit(world: &World, id: &IdentityId) -> u16 {
    world.of_identity(id).keys.1
}

#[test]
fn every_ten_xpi_are_a_slot() {
    let (mut world, id, key) = world();
    assert_eq!(limit(&world, &id), 10);
    for (xpi, height, expected) in [(10, 300, 11), (10, 301, 12), (20, 302, 14), (29, 303, 16)] {
        assert_eq!(reason(world.claim(&slot(&key, &id, xpi, height))), Reason::New);
        assert_eq!(limit(&world, &id), expected, "{xpi} XPI");
    }
    let less = Claim::credit(&key, Purpose::AdditionalKey, &id, Amount::from_sats(9_999_999), 304);
    assert_eq!(reason(world.claim(&less)), Reason::BurnTooSmall);
    let standing = world.of_identity(&id);
    assert_eq!((standing.burned, standing.tier), (Amount::from_xpi(50), Some(Tier::Basic)));
    assert_eq!(world.events(), []);
}

/// The script of an additional key names the key that is added, which nobody's signature binds.
#[test]
fn a_slot_may_name_any_key_but_only_the_current_one_claims_it() {
    let (mut world, id, key) = world();
    let added = named("added");
    let burn = || slot(&added, &id, 10, AT);
    assert_eq!(reason(world.claim_from(0, &burn(), EvidenceClass::Node)), Reason::InvalidSignature);
    let claim = burn().crediting(Purpose::AdditionalKey, &id, 0, &key, &added.public_key());
    assert_eq!(reason(world.claim(&claim)), Reason::New);
    assert_eq!(limit(&world, &id), 11);
}

#[test]
fn top_ups_make_an_identity_verified_and_institutional() {
    let (mut world, id, key) = world();
    for (xpi, height, tier, keys) in [
        (149, 300, Tier::Basic, 10),
        (10, 301, Tier::Verified, 50),
        (790, 302, Tier::Verified, 50),
        (10, 303, Tier::Institutional, 100),
    ] {
        assert_eq!(reason(world.claim(&top_up(&key, &id, xpi, height))), Reason::New);
        let standing = world.of_identity(&id);
        assert_eq!((standing.tier, standing.keys.1), (Some(tier), keys), "{height}");
    }
    assert_eq!(world.of_identity(&id).burned, Amount::from_xpi(1009));
    assert_eq!(world.gate.metrics(world.now).total_burned, Amount::from_xpi(1009));
    let less = Claim::credit(&key, Purpose::TopUp, &id, Amount::from_sats(9_999_999), 304);
    assert_eq!(reason(world.claim(&less)), Reason::BurnTooSmall);
}

#[test]
fn a_top_up_is_by_the_current_key_and_claimed_by_it() {
    let (mut world, id, key) = world();
    let stranger = named("stranger");
    let burn = || top_up(&stranger, &id, 100, AT);
    let by_key = burn().crediting(Purpose::TopUp, &id, 0, &key, &stranger.public_key());
    assert_eq!(reason(world.claim(&by_key)), Reason::Superseded);
    assert_eq!(reason(world.claim(&burn())), Reason::Superseded);
    let own = || top_up(&key, &id, 100, AT);
    let by_stranger = own().crediting(Purpose::TopUp, &id, 0, &stranger, &key.public_key());
    assert_eq!(
        reason(world.claim_from(0, &by_stranger, EvidenceClass::Node)),
        Reason::InvalidSignature
    );
    let mut forged = own();
    forged.signature = GARBAGE;
    assert_eq!(reason(world.claim_from(0, &forged, EvidenceClass::Node)), Reason::InvalidSignature);
    // Signed for another purpose.
    let other = own().crediting(Purpose::AdditionalKey, &id, 0, &key, &key.public_key());
    assert_eq!(reason(world.claim_from(0, &other, EvidenceClass::Node)), Reason::InvalidSignature);
    assert_eq!(world.of_identity(&id).burned, Amount::from_xpi(50));
    assert_eq!(reason(world.claim(&own())), Reason::New);
}

#[test]
fn a_credit_names_its_identity_in_the_script() {
    let (mut world, id, key) = world();
    let other = world.register(&Claim::real(1));
    for (purpose, of) in [(Purpose::TopUp, other), (Purpose::Rotation, id)] {
        let claim = Claim::with_script(&key, Amount::from_xpi(1000), AT, Some((purpose, of)));
        let claim = claim.crediting(purpose, &id, 0, &key, &key.public_key());
        assert_eq!(reason(world.claim(&claim)), Reason::Script, "{purpose:?}");
    }
    let plain = Claim::made(&key, Amount::from_xpi(1000), AT);
    let plain = plain.crediting(Purpose::TopUp, &id, 0, &key, &key.public_key());
    assert_eq!(reason(world.claim(&plain)), Reason::Script);
    let unknown = IdentityId::from_bytes([9; 32]);
    assert_eq!(reason(world.claim(&top_up(&key, &unknown, 10, AT))), Reason::UnknownIdentity);
}

#[test]
fn what_is_not_charged_is_not_consumed() {
    let (mut world, id, key) = world();
    for purpose in [Purpose::SigningRequest, Purpose::WeeklyExtension, Purpose::DirectoryEntry] {
        let claim = Claim::credit(&key, purpose, &id, Amount::from_xpi(1000), AT);
        assert_eq!(reason(world.claim(&claim)), Reason::NotCharged, "{purpose:?}");
    }
    assert_eq!(world.of_peer(COURIER).malformed.0, 0);
    assert_eq!(world.of_identity(&id).burned, Amount::from_xpi(50));
}

#[test]
fn a_credit_counts_from_seventy_two_confirmations() {
    let (mut world, id, key) = world();
    let claim = slot(&key, &id, 10, TIP - 70);
    assert_eq!(reason(world.claim(&claim)), Reason::Immature);
    world.set_tip(TIP + 1, TIP);
    assert_eq!(reason(world.claim(&claim)), Reason::New);
}

#[test]
fn one_burn_is_used_once_and_only_in_the_order_of_the_chain() {
    let (mut world, id, key) = world();
    assert_eq!(reason(world.claim(&slot(&key, &id, 10, AT))), Reason::New);
    for _ in 0..3 {
        assert_eq!(reason(world.claim(&slot(&key, &id, 10, AT))), Reason::BurnUsed);
    }
    assert_eq!(reason(world.claim(&slot(&key, &id, 10, AT - 1))), Reason::BurnUsed);
    assert_eq!(limit(&world, &id), 11);
    // Each purpose has an order of its own.
    assert_eq!(reason(world.claim(&top_up(&key, &id, 10, AT - 1))), Reason::New);
    assert_eq!(reason(world.claim(&top_up(&key, &id, 10, AT - 1))), Reason::BurnUsed);
    // What lies before the registration was for nobody.
    let (mut world, id, key) = self::world();
    assert_eq!(reason(world.claim(&slot(&key, &id, 10, 186))), Reason::BurnUsed);
    // Two look-ups of one burn at once: the second finds it used.
    let claim = slot(&key, &id, 10, AT);
    let lookups = [(); 2].map(|()| world.lookup(COURIER, &claim).unwrap());
    let found = BlockEvidence { header: &claim.header, class: EvidenceClass::Node };
    let settled = lookups.map(|lookup| reason(world.gate.settle_burn(START, lookup, Some(&found))));
    assert_eq!(settled, [Reason::New, Reason::BurnUsed]);
    assert_eq!(limit(&world, &id), 11);
}

#[test]
fn a_burn_in_the_block_again_at_another_place_is_the_same_burn() {
    let (mut world, id, key) = world();
    assert_eq!(reason(world.claim(&slot(&key, &id, 10, AT))), Reason::New);
    // The branch proves one place only: any other index leads to another root.
    let mut moved = slot(&key, &id, 10, AT);
    moved.position = 3;
    assert_eq!(reason(world.claim(&moved)), Reason::NotInBlock);
    assert_eq!(limit(&world, &id), 11);
}

#[test]
fn every_output_of_a_transaction_counts_for_itself() {
    let burns = [(Purpose::AdditionalKey, 10), (Purpose::AdditionalKey, 20), (Purpose::TopUp, 150)];
    let (mut world, id, key) = world();
    let claims: Vec<Claim> = (0..3)
        .map(|n| output(outputs(&key, &id, &burns, AT), n as u8, burns[n].0, &id, &key))
        .collect();
    for claim in &claims {
        assert_eq!(reason(world.claim(claim)), Reason::New);
    }
    for claim in &claims {
        assert_eq!(reason(world.claim(claim)), Reason::BurnUsed);
    }
    let standing = world.of_identity(&id);
    assert_eq!((standing.tier, standing.keys.1), (Some(Tier::Verified), 53));
    // The later output first: the earlier one is lost.
    let (mut world, _, _) = self::world();
    assert_eq!(reason(world.claim(&claims[1])), Reason::New);
    assert_eq!(reason(world.claim(&claims[0])), Reason::BurnUsed);
    assert_eq!(limit(&world, &id), 12);
}

#[test]
fn a_registration_and_a_credit_stand_in_one_transaction() {
    let (mut world, id, key) = world();
    let scripts = [None, Some((Purpose::TopUp, id))].map(|purpose| {
        let public_key =
            if purpose.is_some() { key.public_key() } else { named("new").public_key() };
        BurnScript { public_key, timestamp_ms: None, purpose }.build()
    });
    let xpi_50 = Amount::from_xpi(50);
    let both = || Claim::raw(&named("new"), &[(xpi_50, &scripts[0]), (xpi_50, &scripts[1])], AT);
    assert_eq!(reason(world.claim(&both())), Reason::New);
    let credit = output(both(), 1, Purpose::TopUp, &id, &key);
    assert_eq!(reason(world.claim(&credit)), Reason::New);
    // Neither is the other: an output is what its script says.
    let wrong = output(both(), 0, Purpose::TopUp, &id, &key);
    assert_eq!(reason(world.claim(&wrong)), Reason::Script);
    let mut wrong = both();
    wrong.vout = 1;
    wrong.sign(&key);
    assert_eq!(reason(world.claim(&wrong)), Reason::Script);
    assert_eq!(world.of_identity(&id).burned, Amount::from_xpi(100));
}

#[test]
fn the_first_output_and_the_last_that_has_an_identity() {
    let (mut world, id, key) = world();
    let burns = vec![(Purpose::AdditionalKey, 10); 257];
    for vout in [0, 255] {
        let claim = output(outputs(&key, &id, &burns, AT), vout, Purpose::AdditionalKey, &id, &key);
        assert_eq!(reason(world.claim(&claim)), Reason::New, "output {vout}");
    }
    // Output 256 is not output 0: no claim can name it.
    let first = output(outputs(&key, &id, &burns, AT), 0, Purpose::AdditionalKey, &id, &key);
    assert_eq!(reason(world.claim(&first)), Reason::BurnUsed);
    assert_eq!(limit(&world, &id), 12);
}

#[test]
fn a_credit_is_claimed_under_the_present_rotation() {
    let (mut world, id, old) = world();
    let new = named("new");
    let early = slot(&old, &id, 10, 250);
    let top = top_up(&old, &id, 10, 250);
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &new, &id, 1, AT))), Reason::New);
    assert_eq!(reason(world.claim(&early)), Reason::Superseded);
    let purpose = Purpose::AdditionalKey;
    let ahead = slot(&old, &id, 10, 250).crediting(purpose, &id, 2, &new, &old.public_key());
    assert_eq!(reason(world.claim(&ahead)), Reason::NeedHistory);
    let stolen = slot(&old, &id, 10, 250).crediting(purpose, &id, 1, &old, &old.public_key());
    assert_eq!(reason(world.claim_from(0, &stolen, EvidenceClass::Node)), Reason::Superseded);
    // The burn itself is as good as it was; a top-up by the old key is not.
    let again = slot(&old, &id, 10, 250).crediting(purpose, &id, 1, &new, &old.public_key());
    assert_eq!(reason(world.claim(&again)), Reason::New);
    let top = top.crediting(Purpose::TopUp, &id, 1, &new, &old.public_key());
    assert_eq!(reason(world.claim(&top)), Reason::Superseded);
}

#[test]
fn rotated_or_suspended_while_its_block_is_looked_up() {
    let (mut world, id, old) = world();
    let claim = slot(&old, &id, 10, 250);
    let found = BlockEvidence { header: &claim.header, class: EvidenceClass::Node };
    let lookup = world.lookup(COURIER, &claim).unwrap();
    world.confirm_tip(TIP, 186);
    assert_eq!(reason(world.gate.settle_burn(START, lookup, Some(&found))), Reason::Suspended);
    assert_eq!(reason(world.claim(&claim)), Reason::Suspended);
    assert_eq!(reason(world.claim(&Claim::real(0))), Reason::New);
    let lookup = world.lookup(COURIER, &claim).unwrap();
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &named("new"), &id, 1, AT))), Reason::New);
    assert_eq!(reason(world.gate.settle_burn(START, lookup, Some(&found))), Reason::Superseded);
    assert_eq!(limit(&world, &id), 10);
}
