use ltms_core::Txid;
use ltms_core::burn::BurnScript;
use ltms_core::chain::Transaction;
use serde_json::{Value, json};

use crate::{Entry, Vectors};

/// What we say of a script, as the oracle writes it.
fn verdict(script: &[u8]) -> Value {
    let mut verdict = match BurnScript::parse(script) {
        Ok(BurnScript { public_key, timestamp_ms, purpose }) => json!({
            "key": public_key.to_string(),
            "timestamp_ms": timestamp_ms.map(|ms| ms.to_string()),
            "purpose": purpose.map(|(purpose, _)| format!("{purpose:?}")),
            "identity": purpose.map(|(_, identity)| identity.to_string()),
            "older_sdk_reads": true,
        }),
        Err(error) => json!({
            "error": format!("{:?}", error.kind()),
            "older_sdk_reads": error.older_sdk_reads(),
        }),
    };
    verdict["script"] = hex::encode(script).into();
    verdict
}

fn check(list: &str) {
    Vectors::load("scripts.json").each(list, |entry| {
        let mut ours = verdict(&entry.bytes("script"));
        ours["name"] = entry["name"].clone();
        assert_eq!(&ours, entry);
    });
}

#[test]
fn burns_are_read_as_the_oracle_reads_them() {
    check("valid");
}

#[test]
fn other_scripts_are_refused_as_the_oracle_refuses_them() {
    check("invalid");
}

/// The form of a transaction is right even where lotusd refuses what it does.
#[test]
fn transactions_that_lotusd_was_asked_about() {
    let chain = Vectors::load("chain.json");
    let mut cases = chain.root["policy"].as_array().unwrap().iter();
    Vectors::load("scripts.json").each("policy", |entry| {
        let case = cases.next().unwrap();
        assert_eq!(entry["case"], case["case"]);
        let raw = case.bytes("raw_tx_hex");
        let tx = Transaction::parse(&raw).unwrap();
        assert_eq!(tx.txid(), entry.parsed::<Txid>("txid"));
        assert_eq!(tx.len() as u64, case.number("size"));
        assert!(!tx.is_coinbase());
        let verdicts: Vec<_> = tx.outputs().map(|output| verdict(output.script)).collect();
        assert_eq!(entry["outputs"], Value::from(verdicts), "{case}");
    });
    assert!(cases.next().is_none());
}
