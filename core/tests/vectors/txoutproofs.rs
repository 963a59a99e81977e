use ltms_core::chain::{Header, TxOutProof, TxOutProofError};
use ltms_core::{BlockHash, Txid};
use serde_json::Value;

use crate::{Entry, Vectors, read};

/// Every byte changed once: refused, or the answer is another one.
fn check_flips(proof: &[u8], txid: &Txid) -> usize {
    let answer = |proof: &[u8]| {
        let proof = TxOutProof::parse(proof).ok()?;
        Some((proof.verify(txid).ok()?, proof.header().hash()))
    };
    let right = answer(proof);
    assert!(right.is_some());
    for at in 0..proof.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = proof.to_vec();
            changed[at] ^= change;
            assert_ne!(answer(&changed), right, "byte {at} changed by {change:02x}");
        }
    }
    proof.len()
}

#[test]
fn proofs_of_real_blocks() {
    let mut flipped = 0;
    Vectors::load("chain.json").each("merkle_proofs", |entry| {
        let bytes = entry.bytes("proof_hex");
        let proof = TxOutProof::parse(&bytes).unwrap();
        assert_eq!(proof.header().hash(), entry.parsed::<BlockHash>("block_hash_hex"));
        let txids = entry["matched_txids_hex"].as_array().unwrap();
        let positions = entry["matched_tx_index"].as_array().unwrap();
        assert_eq!(txids.len(), positions.len());
        assert!(!txids.is_empty());
        for (txid, position) in txids.iter().zip(positions) {
            let txid = txid.as_str().unwrap().parse().unwrap();
            assert_eq!(proof.verify(&txid).map(u64::from), Ok(position.as_u64().unwrap()));
            flipped += check_flips(&bytes, &txid);
        }
        let stranger = Txid::from_bytes([7; 32]);
        assert_eq!(proof.verify(&stranger), Err(TxOutProofError::OtherTransaction));
    });
    println!("bytes changed three times each: {flipped}");
}

/// What lotusd answered, and to what, as it went over HTTP.
fn recorded(name: &'static str) -> (Value, Value) {
    let recorded: Value = serde_json::from_slice(&read(name)).unwrap();
    let response: Value = serde_json::from_str(recorded.text("response_body")).unwrap();
    (recorded["request"]["params"].clone(), response["result"].clone())
}

fn proof_hex(name: &str) -> Vec<u8> {
    hex::decode(String::from_utf8(read(name)).unwrap().trim()).unwrap()
}

#[test]
fn proofs_that_lotusd_gave() {
    for name in ["regtest/gettxoutproof_A.json", "regtest/gettxoutproof_A_blockhash.json"] {
        let (params, proof) = recorded(name);
        let txid: Txid = params[0][0].as_str().unwrap().parse().unwrap();
        let bytes = hex::decode(proof.as_str().unwrap()).unwrap();
        assert_eq!(bytes, proof_hex("regtest/gettxoutproof_A.hex"));
        let proof = TxOutProof::parse(&bytes).unwrap();
        assert_eq!(proof.verify(&txid), Ok(5));
        if let Some(block) = params[1].as_str() {
            assert_eq!(proof.header().hash(), block.parse().unwrap());
        }
    }
    let both = proof_hex("regtest/gettxoutproof_A_and_C.hex");
    let both = TxOutProof::parse(&both).unwrap();
    let each: Value = serde_json::from_slice(&read("regtest/proofs.json")).unwrap();
    let mut proved = 0;
    for (name, proof) in each.as_object().unwrap() {
        let bytes = hex::decode(proof.as_str().unwrap()).unwrap();
        let proof = TxOutProof::parse(&bytes).unwrap();
        let block = Vectors::load("chain.json").root["blocks"].as_array().unwrap().clone();
        let block = block
            .iter()
            .find(|block| block.parsed::<BlockHash>("block_hash_hex") == proof.header().hash());
        let txs = block.expect("a known block")["txs"].as_array().unwrap();
        let positions: Vec<_> = txs
            .iter()
            .filter_map(|tx| proof.verify(&tx.parsed("txid_hex")).ok().zip(Some(tx)))
            .inspect(|(position, tx)| assert_eq!(u64::from(*position), tx.number("index")))
            .collect();
        let [(position, tx)] = positions[..] else { panic!("{name} proves one transaction") };
        if ["A", "C"].contains(&name.as_str()) {
            assert_eq!(both.verify(&tx.parsed("txid_hex")), Ok(position));
        }
        proved += 1;
    }
    assert!(proved >= 6, "{proved}");
}

#[test]
fn a_proof_that_lotusd_did_not_believe() {
    for (name, believed) in [
        ("regtest/verifytxoutproof_A.json", true),
        ("regtest/verifytxoutproof_tampered.json", false),
    ] {
        let (params, result) = recorded(name);
        assert_eq!(!result.as_array().unwrap().is_empty(), believed);
        let bytes = hex::decode(params[0].as_str().unwrap()).unwrap();
        let (right, _) = recorded("regtest/gettxoutproof_A.json");
        let txid = right[0][0].as_str().unwrap().parse().unwrap();
        let result = TxOutProof::parse(&bytes).unwrap().verify(&txid);
        assert_eq!(result, if believed { Ok(5) } else { Err(TxOutProofError::Root) });
        assert!(bytes.len() > Header::LEN);
    }
}
