use std::collections::BTreeMap;

use ltms_core::burn::{BurnScript, ScriptErrorKind};
use ltms_core::chain::Transaction;
use ltms_core::hash::sha256;
use ltms_core::schnorr::verify;
use ltms_core::{Amount, IdentityId, OutPoint, PublicKey, Signature, Txid};

use crate::{Entry, Vectors};

#[test]
fn burns_on_a_real_chain() {
    Vectors::load("chain.json").each("ltms_burns", |entry| {
        let raw = entry.bytes("raw_tx_hex");
        let tx = Transaction::parse(&raw).unwrap();
        let vout = entry.number("vout") as u32;
        let output = tx.output(vout).unwrap();
        assert_eq!(output.value, Amount::from_sats(entry.number("value_sats")));
        assert_eq!(output.script, entry.bytes("script_hex"));

        let burn = BurnScript::parse(output.script).unwrap();
        assert_eq!(burn.public_key, entry.parsed::<PublicKey>("pubkey_hex"));
        let time = entry["timestamp_ascii"].as_str().map(|digits| digits.parse().unwrap());
        assert_eq!(burn.timestamp_ms, time);
        assert_eq!(burn.purpose, None);
        assert_eq!(burn.build().as_slice(), output.script);

        let outpoint = OutPoint { txid: tx.txid(), vout };
        assert_eq!(outpoint.txid, entry.parsed::<Txid>("txid_hex"));
        let identity = entry.parsed::<IdentityId>("identity_id_hex");
        assert_eq!(outpoint.identity_id(), Ok(identity), "{entry}");
        // The SDK keeps one byte of the index: 256 more would be the same identity.
        assert!(OutPoint { vout: vout + 256, ..outpoint }.identity_id().is_err());
        assert_ne!(OutPoint { vout: 255, ..outpoint }.identity_id(), Ok(identity));
    });
}

/// What a real lotusd takes, read as burns: encodings that only the chain allows are refused.
#[test]
fn scripts_that_lotusd_was_asked_about() {
    use ScriptErrorKind::*;
    // Our reason, and whether the older SDK reads it.
    let refused = |case: &str| match case {
        "version_op1" => (NotAPush, false),
        "nonminimal_pushdata1_prefix" => (NonShortestPush, true),
        "opreturn_nonpush_tail" => (NotAPush, false),
        "opreturn_223" => (PushLength, true),
        "opreturn_224" => (TooLong, false),
        _ => panic!("{case} is a burn"),
    };
    let mut refusals = 0;
    let mut taken = BTreeMap::<String, usize>::new();
    Vectors::load("chain.json").each("policy", |entry| {
        let raw = entry.bytes("raw_tx_hex");
        let case = entry.text("case");
        for (index, output) in Transaction::parse(&raw).unwrap().outputs().enumerate() {
            match BurnScript::parse(output.script) {
                Ok(burn) => {
                    assert_eq!(burn.build().as_slice(), output.script);
                    *taken.entry(case.to_owned()).or_default() += 1;
                }
                // Whatever names LTMS at its beginning is meant as a burn.
                Err(error) if index == 0 && raw.windows(4).any(|bytes| bytes == b"LTMS") => {
                    assert_eq!((error.kind(), error.older_sdk_reads()), refused(case), "{case}");
                    refusals += 1;
                }
                Err(error) => assert!(!error.older_sdk_reads(), "{case}"),
            }
        }
    });
    assert_eq!(refusals, 5);
    assert_eq!(taken["two_ltms_outputs"], 2);
    assert_eq!(taken["zero_value_ltms"], 1, "the value is not the script's business");
}

#[test]
fn scripts_that_the_older_sdk_was_asked_about() {
    use ScriptErrorKind::*;
    // Why we refuse, and whether the SDK reads the script (though it may then refuse the burn).
    let refusals = BTreeMap::from([
        ("version 2", (Version, false)),
        ("version pushed as OP_1 (0x51)", (NotAPush, false)),
        ("prefix other", (Prefix, false)),
        ("payload has 20 trailing bytes after pubkey (ignored)", (KeyLength, true)),
        ("pubkey split over two pushes (concatenated)", (KeyLength, true)),
        ("OP_PUSHDATA1 for pubkey", (NonShortestPush, true)),
        ("script 223 bytes (max accepted by isDataOut)", (KeyLength, true)),
        ("script 224 bytes", (TooLong, false)),
        ("pubkey prefix 04", (KeyPrefix, false)),
    ]);
    let mut met = 0;
    Vectors::load("lotus-sdk-ltms.json").each("registration_cases", |entry| {
        let name = entry.text("name");
        let result = BurnScript::parse(&entry.bytes("scriptHex"));
        let refusal = result.map_err(|error| (error.kind(), error.older_sdk_reads())).err();
        assert_eq!(refusal, refusals.get(name).copied(), "{name}");
        met += usize::from(refusal.is_some());
        if entry["accepted"] == true {
            assert!(refusal.is_none_or(|(_, older_sdk_reads)| older_sdk_reads), "{name}");
        }
    });
    assert_eq!(met, refusals.len());
}

#[test]
fn identity_and_signatures_of_the_older_sdk() {
    let vectors = Vectors::load("lotus-sdk-ltms.json");
    let identity = &vectors.root["identity_id"];
    let vout = identity.number("outputIndex") as u32;
    let outpoint = OutPoint { txid: identity.parsed("txid_hex_as_displayed"), vout };
    let id = identity.parsed::<IdentityId>("identityId");
    assert_eq!(outpoint.identity_id(), Ok(id));
    assert_eq!(identity["idx256_collides_with_idx0"], true);
    assert!(OutPoint { vout: vout + 256, ..outpoint }.identity_id().is_err());

    let (registration, rotation) = (&vectors.root["registration"], &vectors.root["rotation"]);
    let old_rule = &vectors.root["legacy_even_y_rule_before_e44bdaf"];
    let old = vectors.root["op_return"].parsed::<PublicKey>("pubkey");
    let new = rotation.parsed::<PublicKey>("newPubkey");
    for (key, signed, field, old_field) in [
        (old, registration, "signatureHex", "registration_signatureHex"),
        (old, rotation, "oldKeySignatureHex", "rotation_oldKeySignatureHex"),
        (new, rotation, "newKeySignatureHex", "rotation_newKeySignatureHex"),
    ] {
        let hash = sha256(&[&signed.bytes("preimageHex")]);
        assert_eq!(hash, signed.array("hashHex"));
        assert!(verify(&key, &hash, &signed.parsed::<Signature>(field)), "{field}");
        // Before December 2025 the SDK chose R by parity, which is another scheme.
        assert!(!verify(&key, &hash, &old_rule.parsed::<Signature>(old_field)), "{old_field}");
    }
}
