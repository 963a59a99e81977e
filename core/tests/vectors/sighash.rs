use ltms_core::chain::{HashType, Output, Sighash, SighashError, Transaction};
use ltms_core::schnorr::verify;
use ltms_core::{Amount, PublicKey, Signature, Txid};
use serde_json::Value;

use crate::{Entry, Vectors};

/// The transaction of an entry, and what its inputs spend: the same kind of coin each.
fn raw_transaction(vectors: &Vectors, txid: &str) -> Vec<u8> {
    let entries = vectors.root["transactions"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["txid_hex"] == txid).unwrap();
    entry.bytes("raw_tx_hex")
}

fn preimage(sighash: &Sighash<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    sighash.write(&mut |part| bytes.extend_from_slice(part));
    bytes
}

fn hash_type(entry: &Value) -> HashType {
    HashType::from_byte(entry.array::<1>("hash_type")[0]).unwrap()
}

#[test]
fn hashes_that_a_real_node_took_signatures_of() {
    let vectors = Vectors::load("chain.json");
    let mut schnorr = 0;
    vectors.each("sighash", |entry| {
        let raw = raw_transaction(&vectors, entry.text("txid_hex"));
        let tx = Transaction::parse(&raw).unwrap();
        let script = entry.bytes("spent_script_hex");
        let value = Amount::from_sats(entry.number("spent_value"));
        let spent = vec![Output { value, script: &script }; tx.inputs().len()];
        let index = entry.number("input") as u32;
        let sighash =
            |spent, fork| Sighash::new(&tx, index, spent, hash_type(entry), fork).unwrap();
        let here = sighash(&spent, Sighash::NO_FORK);
        assert_eq!(hex::encode(preimage(&here)), entry.text("preimage_hex"));
        assert_eq!(here.hash(), entry.array("sighash_hex"));

        if entry.text("alg") == "schnorr" {
            let key = entry.parsed::<PublicKey>("pubkey_hex");
            let signature = entry.parsed::<Signature>("sig_hex");
            assert!(verify(&key, &here.hash(), &signature));
            let protected = sighash(&spent, Sighash::REPLAY_PROTECTED);
            assert!(!verify(&key, &protected.hash(), &signature));
            let poorer = Output { value: Amount::from_sats(value.sats() - 1), ..spent[0] };
            let mut other = spent.clone();
            other[index as usize] = poorer;
            assert!(!verify(&key, &sighash(&other, 0).hash(), &signature));
            schnorr += 1;
        }
    });
    assert_eq!(schnorr, 7);
}

/// Signature, hash type byte and key of an input that spends P2PKH with Schnorr.
fn unlock(script: &[u8]) -> (Signature, u8, PublicKey) {
    let script: &[u8; 100] = script.try_into().unwrap();
    assert_eq!((script[0], script[66]), (65, 33));
    let signature = script[1..65].try_into().unwrap();
    let key = script[67..].try_into().unwrap();
    (Signature::from_bytes(signature), script[65], PublicKey::from_bytes(key))
}

/// All of these spend 260 XPI that a regtest miner was paid.
#[test]
fn signatures_that_a_real_node_was_asked_about() {
    let vectors = Vectors::load("chain.json");
    let script = vectors.root["sighash"][0].bytes("spent_script_hex");
    let spent = [Output { value: Amount::from_xpi(260), script: &script }];
    let mut seen = [Vec::new(), Vec::new(), Vec::new()];
    vectors.each("policy", |entry| {
        let raw = entry.bytes("raw_tx_hex");
        let tx = Transaction::parse(&raw).unwrap();
        let (signature, byte, key) = unlock(tx.inputs().next().unwrap().script);
        let case = entry.text("case").to_owned();
        let Some(hash_type) = HashType::from_byte(byte) else { return seen[0].push(case) };
        let hash = Sighash::new(&tx, 0, &spent, hash_type, Sighash::NO_FORK).unwrap().hash();
        seen[if verify(&key, &hash, &signature) { 1 } else { 2 }].push(case);
    });
    let [no_hash_type, valid, invalid] = seen;
    let unknown = ["hashtype_01", "hashtype_21", "hashtype_40", "hashtype_60", "hashtype_65"];
    assert_eq!(no_hash_type, unknown);
    assert_eq!(invalid, ["wrong_amount_signed", "spend_burned_output"]);
    assert_eq!(valid.len(), 28, "{valid:?}");
}

#[test]
fn hash_types_are_those_of_lotusd() {
    let known = (0..=u8::MAX).filter(|byte| HashType::from_byte(*byte).is_some());
    let expected = [0x41, 0x42, 0x43, 0x61, 0x62, 0x63, 0xc1, 0xc2, 0xc3, 0xe1, 0xe2, 0xe3];
    assert!(known.eq(expected));
    assert_eq!(HashType::from_byte(0x41), Some(HashType::ALL));
    assert_eq!(HashType::from_byte(0x61), Some(HashType::ALL_LOTUS));
}

#[test]
fn nothing_is_signed_by_accident() {
    let vectors = Vectors::load("chain.json");
    let txid = "86a8214090e9bddb8cefc2ac59dd68d6c273aff8a7eba2260ff60d310dbe332a";
    let raw = raw_transaction(&vectors, txid);
    let tx = Transaction::parse(&raw).unwrap();
    assert_eq!(tx.txid(), txid.parse::<Txid>().unwrap());
    let spent = [Output { value: Amount::from_xpi(260), script: &[0x51] }; 3];
    let error =
        |index, spent, hash_type, fork| Sighash::new(&tx, index, spent, hash_type, fork).err();
    assert_eq!(error(1, &spent[..2], HashType::ALL, 0xff_ffff), None);
    assert_eq!(error(1, &spent[..2], HashType::ALL, 0x100_0000), Some(SighashError::ForkValue));
    assert_eq!(error(2, &spent[..2], HashType::ALL, 0), Some(SighashError::NoInput));
    assert_eq!(error(u32::MAX, &spent[..2], HashType::ALL, 0), Some(SighashError::NoInput));
    assert_eq!(error(1, &spent[..1], HashType::ALL, 0), Some(SighashError::SpentOutputs));
    assert_eq!(error(1, &spent, HashType::ALL, 0), Some(SighashError::SpentOutputs));
}

/// The fork value stands above the byte: 0x41 with 0xffdead is hashed as 0xffdead41.
#[test]
fn replay_protection_changes_the_hashed_type() {
    let vectors = Vectors::load("chain.json");
    vectors.each("sighash", |entry| {
        let raw = raw_transaction(&vectors, entry.text("txid_hex"));
        let tx = Transaction::parse(&raw).unwrap();
        let spent = vec![Output { value: Amount::ZERO, script: &[] }; tx.inputs().len()];
        let bytes = preimage(
            &Sighash::new(&tx, 0, &spent, hash_type(entry), Sighash::REPLAY_PROTECTED).unwrap(),
        );
        let byte = entry.array::<1>("hash_type")[0];
        let expected = [byte, 0xad, 0xde, 0xff];
        let lotus = byte & 0x60 == 0x60;
        let at = if lotus { 0 } else { bytes.len() - 4 };
        assert_eq!(bytes[at..at + 4], expected);
    });
}

/// Which changes of a transaction a signature of its first input notices, by hash type: what
/// `ALL`, `NONE`, `SINGLE` and `ANYONECANPAY` mean.
#[test]
fn a_signature_covers_what_its_hash_type_says() {
    let vectors = Vectors::load("chain.json");
    let txid = "86a8214090e9bddb8cefc2ac59dd68d6c273aff8a7eba2260ff60d310dbe332a";
    let raw = raw_transaction(&vectors, txid);
    let coin = Output { value: Amount::from_xpi(260), script: &[0x51] };
    let (same, other_coin) = ([coin; 2], [coin, Output { value: Amount::ZERO, ..coin }]);
    // An input has 141 bytes: previous output 36, script 1 + 100, sequence 4.
    let (first, second, outputs) = (5, 146, 288);
    let places = [
        ("version", 0),
        ("own coin", first),
        ("own script", first + 40),
        ("own sequence", first + 137),
        ("other coin", second),
        ("other sequence", second + 137),
        ("output beside", outputs),
        ("other output", outputs + 8 + 1 + 25),
        ("lock time", raw.len() - 4),
    ];
    for byte in 0..=u8::MAX {
        let Some(hash_type) = HashType::from_byte(byte) else { continue };
        let hash = |raw: &[u8], spent| {
            let tx = Transaction::parse(raw).unwrap();
            Sighash::new(&tx, 0, spent, hash_type, 0).unwrap().hash()
        };
        let (lotus, everyone) = (byte & 0x20 != 0, byte & 0x80 == 0);
        let (all, single) = (byte & 3 == 1, byte & 3 == 3);
        for (name, at) in places {
            let mut changed = raw.clone();
            changed[at] ^= 1;
            let covered = match name {
                "own script" => false,
                "other coin" => everyone,
                "other sequence" => everyone && (all || lotus),
                "output beside" => all || single,
                "other output" => all,
                _ => true,
            };
            let noticed = hash(&raw, &same) != hash(&changed, &same);
            assert_eq!(noticed, covered, "{name} under {byte:02x}");
        }
        let noticed = hash(&raw, &same) != hash(&raw, &other_coin);
        assert_eq!(noticed, lotus && everyone, "amount of the other coin under {byte:02x}");
    }
}
