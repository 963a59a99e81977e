//! Claims of burns of every kind, and what leads from one to the next.

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::Transaction;
use ltms_core::schnorr::verify;
use ltms_core::wire::{
    BurnClaim, Credit, IncludedBurn, Rotation, WireError, credit_hash, register_hash, rotation_hash,
};
use ltms_core::{BlockHash, IdentityId, Network, OutPoint, Signature, Timestamp, size};

use super::{Body, cases, hex, text};

/// The outpoint of a burn and what its script says.
fn burned(burn: &IncludedBurn<'_>) -> (OutPoint, BurnScript) {
    let transaction = Transaction::parse(burn.transaction).expect("a transaction");
    let vout = burn.vout.into();
    let script = transaction.output(vout).expect("an output").script;
    (OutPoint { txid: transaction.txid(), vout }, BurnScript::parse(script).expect("a burn"))
}

#[test]
fn a_claim_is_read_by_its_kind() {
    for case in cases("valid") {
        let name = text(&case["name"]);
        let bytes = hex(&case["envelope"]);
        let (envelope, body) = super::read(&bytes, super::network(&case)).expect(name);
        let expected = match body {
            Body::Registration(claim) => Ok((BurnClaim::Registration(claim), claim.burn)),
            Body::Rotation(claim) => Ok((BurnClaim::Rotation(claim), claim.burn)),
            Body::Credit(claim) => Ok((BurnClaim::Credit(claim), claim.burn)),
            Body::Advertisement(_) | Body::Withdrawal(_) | Body::Hello(_) => {
                Err(WireError::WrongKind)
            }
        };
        let read = BurnClaim::read(&bytes);
        assert_eq!(read, expected.map(|(claim, _)| (claim, envelope.signature)), "{name}");
        assert_eq!(read.map(|(claim, _)| *claim.burn()), expected.map(|(_, burn)| burn), "{name}");
    }
}

#[test]
fn a_history_leads_from_key_to_key() {
    let history: Vec<_> = cases("history").iter().map(hex).collect();
    let mut envelopes = history.iter().map(|envelope| BurnClaim::read(envelope));
    let Some(Ok((BurnClaim::Registration(first), signature))) = envelopes.next() else {
        panic!("a history begins with a registration")
    };
    let (outpoint, script) = burned(&first.burn);
    assert_eq!(script.purpose, None);
    let identity = outpoint.identity_id().expect("a small index");
    let mut key = script.public_key;
    assert!(verify(&key, &register_hash(Network::Reg, &outpoint, &key), &signature));
    for (sequence, read) in (1..).zip(envelopes) {
        let Ok((BurnClaim::Rotation(claim), signature)) = read else {
            panic!("a history goes on with rotations")
        };
        let (outpoint, script) = burned(&claim.burn);
        assert_eq!(script.purpose, Some((Purpose::Rotation, identity)));
        assert_eq!((claim.identity, claim.sequence), (identity, sequence));
        let old_key = std::mem::replace(&mut key, script.public_key);
        let at = claim.created_at;
        let hash = rotation_hash(Network::Reg, &identity, sequence, &old_key, &key, &outpoint, at);
        assert!(verify(&old_key, &hash, &signature));
        assert!(verify(&key, &hash, &claim.new_key_signature));
        assert!(!verify(&key, &hash, &signature), "each key signs for itself");
    }
    assert_ne!(key, script.public_key);
}

#[test]
fn a_credit_is_for_what_its_script_says() {
    let mut purposes = Vec::new();
    for case in cases("valid").iter().filter(|case| case["kind"] == 7) {
        let bytes = hex(&case["envelope"]);
        let Ok((BurnClaim::Credit(claim), signature)) = BurnClaim::read(&bytes) else {
            panic!("{case}")
        };
        // The limits' vector names an output that its transaction does not have.
        if claim.burn.vout != 0 {
            continue;
        }
        let (outpoint, script) = burned(&claim.burn);
        let (purpose, identity) = script.purpose.expect("a purpose");
        assert_eq!(identity, claim.identity);
        let (network, key) = (super::network(case), super::key(&case["public_key"]));
        let sequence = claim.sequence;
        let hash =
            credit_hash(network, &identity, purpose, &outpoint, &script.public_key, sequence);
        assert!(verify(&key, &hash, &signature), "{case}");
        purposes.push(purpose);
    }
    purposes.sort();
    assert_eq!(purposes, Purpose::ALL[1..]);
}

#[test]
fn sequences_end_at_64_and_rotations_begin_at_1() {
    let burn = IncludedBurn {
        transaction: &[],
        vout: 0,
        block: BlockHash::from_bytes([1; 32]),
        position: 0,
        branch: &[],
    };
    let identity = IdentityId::from_bytes([2; 32]);
    let rotation = |sequence| {
        let (created_at, new_key_signature) = (Timestamp::EPOCH, Signature::from_bytes([3; 64]));
        let claim = Rotation { burn, identity, sequence, created_at, new_key_signature };
        Rotation::decode(&Body::Rotation(claim).encode()).map(|read| read.sequence)
    };
    let credit = |sequence| {
        let claim = Credit { burn, identity, sequence };
        Credit::decode(&Body::Credit(claim).encode()).map(|read| read.sequence)
    };
    assert_eq!(size::ROTATIONS, 64);
    assert_eq!((rotation(0), credit(0)), (Err(WireError::Shape), Ok(0)));
    assert_eq!((rotation(1), credit(1)), (Ok(1), Ok(1)));
    assert_eq!((rotation(64), credit(64)), (Ok(64), Ok(64)));
    assert_eq!((rotation(65), credit(65)), (Err(WireError::Shape), Err(WireError::Shape)));
    assert_eq!(rotation(u64::MAX), Err(WireError::Shape));
}

#[test]
fn every_part_of_a_claim_is_signed() {
    let (one, other) = ([1; 32], [2; 32]);
    let key = |byte| ltms_core::PublicKey::from_bytes([byte; 33]);
    let id = IdentityId::from_bytes;
    let point = |txid, vout| OutPoint { txid: ltms_core::Txid::from_bytes(txid), vout };
    let at = Timestamp::from_millis;
    let rotate = |identity, sequence, old, new, spent: &OutPoint, time| {
        let (old, new) = (key(old), key(new));
        rotation_hash(Network::Main, &id(identity), sequence, &old, &new, spent, at(time))
    };
    let burn = point(one, 0);
    let rotation = rotate(one, 1, 1, 2, &burn, 1);
    let others = [
        rotate(other, 1, 1, 2, &burn, 1),
        rotate(one, 2, 1, 2, &burn, 1),
        rotate(one, 1, 3, 2, &burn, 1),
        rotate(one, 1, 1, 3, &burn, 1),
        rotate(one, 1, 2, 1, &burn, 1),
        rotate(one, 1, 1, 2, &point(other, 0), 1),
        rotate(one, 1, 1, 2, &point(one, 1), 1),
        rotate(one, 1, 1, 2, &burn, 2),
    ];
    assert!(!others.contains(&rotation));

    let credit = |network, identity, purpose, spent: &OutPoint, script_key, sequence| {
        credit_hash(network, &id(identity), purpose, spent, &key(script_key), sequence)
    };
    let (main, top_up) = (Network::Main, Purpose::TopUp);
    let claimed = credit(main, one, top_up, &burn, 1, 1);
    let others = [
        credit(Network::Test, one, top_up, &burn, 1, 1),
        credit(main, other, top_up, &burn, 1, 1),
        credit(main, one, Purpose::AdditionalKey, &burn, 1, 1),
        credit(main, one, top_up, &point(other, 0), 1, 1),
        credit(main, one, top_up, &point(one, 1), 1, 1),
        credit(main, one, top_up, &burn, 2, 1),
        credit(main, one, top_up, &burn, 1, 2),
    ];
    assert!(!others.contains(&claimed));
}
