//! What a real lotusd on a private regtest chain said, besides what other tests replay.

use ltms_core::chain::{Header, Transaction};
use ltms_core::{BlockHash, Txid};
use serde_json::Value;

use crate::{Entry, Vectors, hex_file};

/// The members of a file that is one object, as many as the test expects.
fn members(name: &'static str, count: usize, mut check: impl FnMut(&str, &Value)) {
    let vectors = Vectors::load(name);
    let members = vectors.root.as_object().unwrap();
    assert_eq!(members.len(), count, "{name}");
    members.iter().for_each(|(key, value)| check(key, value));
    println!("{name}: {count} checked");
}

#[test]
fn the_transactions_of_the_recorded_burns_have_their_ids() {
    members("regtest/txs.json", 6, |_, burn| {
        let raw = burn.bytes("raw_tx_hex");
        let transaction = Transaction::parse(&raw).unwrap();
        assert_eq!(transaction.txid().to_string(), burn.text("txid"));
        assert_eq!(transaction.txhash().to_string(), burn.text("txhash"));
    });
}

#[test]
fn every_transaction_shown_to_the_mempool_is_read() {
    let known = Vectors::load("chain.json");
    let known = known.root["policy"].as_array().unwrap();
    members("regtest/policy_results.json", 35, |case, result| {
        let raw = result.bytes("raw_tx_hex");
        assert_eq!(Transaction::parse(&raw).unwrap().len() as u64, result.number("size"), "{case}");
        let same = known.iter().find(|entry| entry["case"] == case).unwrap();
        assert_eq!(
            (&same["raw_tx_hex"], &same["allowed"]),
            (&result["raw_tx_hex"], &result["allowed"])
        );
    });
}

#[test]
fn what_the_rest_interface_says_fits_together() {
    let block = hex_file("regtest/block_121.hex");
    assert_eq!(block[..Header::LEN], hex_file("regtest/block_121_header.hex"));
    let header = Header::parse(&block[..Header::LEN]).unwrap();
    members("regtest/rest_examples.json", 8, |path, answer| {
        let body = answer.text("body").trim();
        let (what, name) = path.rsplit_once('/').unwrap();
        let (name, form) = name.rsplit_once('.').unwrap();
        match (what, form) {
            ("/rest/tx", "hex") if answer.number("status") == 200 => {
                let raw = hex::decode(body).unwrap();
                assert_eq!(Transaction::parse(&raw).unwrap().txid(), name.parse::<Txid>().unwrap());
            }
            ("/rest/tx", "hex") => assert_eq!(answer.number("status"), 404),
            ("/rest/block", "hex") => {
                assert_eq!(hex::decode(body).unwrap(), block);
                assert_eq!(header.hash(), name.parse::<BlockHash>().unwrap());
            }
            ("/rest/headers/2", "hex") => {
                let raw = hex::decode(body).unwrap();
                assert_eq!(raw[..Header::LEN], block[..Header::LEN]);
                assert_eq!(Header::parse(&raw[Header::LEN..]).unwrap().prev(), header.hash());
            }
            ("/rest/blockhashbyheight", "json") => {
                let body: Value = serde_json::from_str(body).unwrap();
                assert_eq!(name, header.height().get().to_string());
                assert_eq!(body.text("blockhash"), header.hash().to_string());
            }
            (_, "json") => assert!(serde_json::from_str::<Value>(body).is_ok(), "{path}"),
            _ => panic!("{path} is not known"),
        }
    });
}

/// They are what the chain sources' tests are served from `chain.json`.
#[test]
fn the_chronik_examples_are_those_of_the_chain_file() {
    let known = Vectors::load("chain.json");
    members("regtest/chronik_protobuf_examples.json", 11, |name, example| {
        assert_eq!(known.root["chronik_protobuf"][name], *example, "{name}");
    });
}
