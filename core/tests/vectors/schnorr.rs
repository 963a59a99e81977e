use std::collections::BTreeMap;

use ltms_core::schnorr::{Item, Scratch, SecretKey, VerifyingKey, verify, verify_batch};
use ltms_core::{PublicKey, Signature};
use serde_json::Value;

use crate::{Entry, Vectors};

fn is_valid(entry: &Value) -> bool {
    verify(&entry.parsed("pubkey"), &entry.array("msg"), &entry.parsed::<Signature>("sig"))
}

#[test]
fn valid_signatures_hold_and_are_made_again() {
    let mut nonces = 0;
    Vectors::load("schnorr.json").each("valid", |entry| {
        let key = SecretKey::from_bytes(&entry.array("privkey")).unwrap();
        let (hash, signature) = (entry.array("msg"), entry.parsed::<Signature>("sig"));
        assert_eq!(key.public_key(), entry.parsed::<PublicKey>("pubkey"));
        assert_eq!(key.sign(&hash), signature, "{entry}");
        assert!(is_valid(entry), "{entry}");
        let parsed = VerifyingKey::parse(&key.public_key()).unwrap();
        assert!(parsed.verify(&hash, &signature));
        if entry.get("rfc6979_k").is_some() {
            // R.x is the x of the nonce's point, whether or not the nonce was negated.
            let nonce = SecretKey::from_bytes(&entry.array("rfc6979_k")).unwrap();
            assert_eq!(nonce.public_key().as_bytes()[1..], signature.as_bytes()[..32]);
            nonces += 1;
        }
    });
    assert!(nonces > 0);
    println!("nonces: {nonces} checked");
}

#[test]
fn invalid_signatures_do_not_hold() {
    Vectors::load("schnorr.json").each("invalid", |entry| {
        assert_eq!(entry["valid"], false);
        assert!(!is_valid(entry), "{entry}");
    });
}

/// All vectors in one batch, but for those whose key is none.
#[test]
fn a_batch_of_all_vectors() {
    let vectors = Vectors::load("schnorr.json");
    let mut items = Vec::new();
    let mut expected = Vec::new();
    for (list, valid) in [("invalid", false), ("valid", true)] {
        vectors.each(list, |entry| {
            let Ok(key) = VerifyingKey::parse(&entry.parsed("pubkey")) else {
                assert!(!valid);
                return;
            };
            let (hash, signature) = (entry.array("msg"), entry.parsed("sig"));
            items.push(Item { key, hash, signature });
            expected.push(valid);
        });
    }
    println!("in one batch: {} checked", items.len());
    assert!(items.len() > 40);
    for scratch in [items.len(), 16, 7, 0] {
        let mut results = vec![false; items.len()];
        let mut scratch = vec![Scratch::ZERO; scratch];
        assert!(!verify_batch(&items, &[9; 32], &mut scratch, &mut results));
        assert_eq!(results, expected);
    }
}

/// Keys and signatures as text: what the SDK takes we take, but for what is listed here.
#[test]
fn encodings_of_keys_and_signatures() {
    let trap = "valid signature, R.x first byte 0x30: fromBuffer throws (treated as DER) although \
                Schnorr.verify on the parsed (r,s) is true";
    let mut differences = BTreeMap::from([
        (
            "65 bytes: trailing byte is ignored by fromBuffer (malleable encoding)",
            (false, 1, "a byte that is not checked lets anybody make a second signature"),
        ),
        (trap, (true, 2, "64 bytes are R.x and s, whatever the first one is")),
        ("pubkey uncompressed 04", (false, 1, "a key has one encoding, the compressed one")),
    ]);
    let vectors = Vectors::load("schnorr.json");
    let signed = vectors.root["valid"][0].clone();
    vectors.each("parsing", |entry| {
        let (message, signature) = match entry.get("sigBuffer") {
            Some(signature) => (entry, signature.as_str().unwrap()),
            // Cases of keys come without message and signature: those of the first valid one.
            None => (&signed, signed.text("sig")),
        };
        let key = entry.text("pubkey").parse::<PublicKey>();
        let signature = signature.parse::<Signature>();
        let ours = key.is_ok_and(|key| {
            signature.is_ok_and(|signature| verify(&key, &message.array("msg"), &signature))
        });
        let result = &entry["upstreamResult"];
        let theirs = *result == true || result["verifies"] == true;
        match differences.get_mut(entry.text("why")) {
            Some((expected, times, why)) => {
                assert_eq!((ours, theirs), (*expected, !*expected), "{why}: {entry}");
                *times -= 1;
            }
            None => assert_eq!(ours, theirs, "{entry}"),
        }
    });
    assert!(differences.values().all(|(_, times, _)| *times == 0), "not met: {differences:?}");
}
