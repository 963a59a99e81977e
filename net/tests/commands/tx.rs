use serde_json::{Value, json};

use super::{chain_vectors, ltms, ltms_with};

/// The raw transaction of one of the node's cases.
fn case(name: &str) -> String {
    let vectors = chain_vectors();
    let cases = vectors["policy"].as_array().unwrap();
    let case = cases.iter().find(|entry| entry["case"] == name).unwrap();
    case["raw_tx_hex"].as_str().unwrap().to_owned()
}

#[test]
fn recorded_burns_are_shown() {
    let vectors = chain_vectors();
    let burns = vectors["ltms_burns"].as_array().unwrap();
    assert_eq!(burns.len(), 26);
    for entry in burns {
        let raw = entry["raw_tx_hex"].as_str().unwrap();
        let decoded = ltms(&["tx", "decode", raw, "--json", "--network", "reg"]).json();
        assert_eq!(decoded["txid"], entry["txid_hex"]);
        assert_eq!(decoded["size"], raw.len() / 2);
        let output = &decoded["outputs"][entry["vout"].as_u64().unwrap() as usize];
        assert_eq!(output["vout"], entry["vout"]);
        assert_eq!(output["value_sats"], entry["value_sats"]);
        assert_eq!(output["script"], entry["script_hex"]);
        let time = entry["timestamp_ascii"].as_str().map(|digits| digits.parse::<u64>().unwrap());
        let burn = json!({
            "purpose": "registration",
            "public_key": entry["pubkey_hex"],
            "timestamp_ms": time,
            "identity": entry["identity_id_hex"],
        });
        assert_eq!(output["burn"], burn);
        // The miner of that chain signed them all, with Schnorr and with ECDSA.
        let miner = "lotusR16PSJNpCuazk8qFkoAXuKL64pzzenUZ23oJy1TbX9";
        assert_eq!(decoded["inputs"][0]["address"], miner);
    }
    let told = ltms(&["tx", "decode", burns[0]["raw_tx_hex"].as_str().unwrap()]).good();
    for field in ["txid_hex", "identity_id_hex", "pubkey_hex", "script_hex"] {
        assert!(told.contains(burns[0][field].as_str().unwrap()), "{told}");
    }
    for text in ["50.000000 XPI", "209.999000 XPI", "registration", "lotus_16PSJNpC", "250 bytes"] {
        assert!(told.contains(text), "{told}");
    }
}

#[test]
fn every_field_has_its_place_in_json() {
    let decoded = ltms_with(&["tx", "decode", "-", "--json"], &(case("version_op1") + "\n")).json();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut fields = names(&decoded);
    fields.sort();
    let expected =
        ["coinbase", "inputs", "lock_time", "outputs", "size", "txhash", "txid", "version"];
    assert_eq!(fields, expected);
    assert_eq!((&decoded["version"], &decoded["lock_time"]), (&json!(2), &json!(0)));
    assert_eq!(decoded["coinbase"], false);
    let (input, [burn, change]) = (&decoded["inputs"][0], [0, 1].map(|i| &decoded["outputs"][i]));
    assert_eq!(input["sequence"], u32::MAX);
    assert_eq!(input["vout"], 1);
    assert_eq!(burn["burn"], Value::Null);
    assert_eq!(burn["burn_error"], "an operation pushes no bytes");
    assert_eq!(burn["address"], Value::Null);
    assert_eq!(change["address"], "lotus_16PSJNpCuazk8qFkoAXuKL64pzzenUZ23oK2CV3YJ");
    assert_eq!((&change["burn"], &change["burn_error"]), (&Value::Null, &Value::Null));
}

#[test]
fn two_burns_are_two_identities() {
    let decoded = ltms(&["tx", "decode", &case("two_ltms_outputs"), "--json"]).json();
    let identity = |vout: usize| decoded["outputs"][vout]["burn"]["identity"].clone();
    assert!(identity(0).is_string() && identity(1).is_string());
    assert_ne!(identity(0), identity(1));
}

#[test]
fn burns_that_only_older_software_reads_are_explained() {
    let told = ltms(&["tx", "decode", &case("nonminimal_pushdata1_prefix")]).good();
    assert!(told.contains("a push is not in its shortest form (older software reads it)"));
    // Other OP_RETURN outputs are nobody's mistake.
    let told = ltms(&["tx", "decode", &case("three_opreturn")]).good();
    assert_eq!(told.matches("no burn").count(), 0, "{told}");
}

#[test]
fn what_is_no_transaction_is_refused() {
    let good = case("version_op1");
    let decode = |text: &str| ltms(&["tx", "decode", text]);
    assert_eq!(decode("00").refused(1), "no transaction: the transaction ends too early");
    let longer = format!("{good}00");
    assert_eq!(decode(&longer).refused(1), "no transaction: bytes follow the transaction");
    assert!(decode(&good[1..]).refused(2).contains("hexadecimal"));
    assert!(decode("hello!").refused(2).contains("hexadecimal"));
    let large = ltms_with(&["tx", "decode", "-"], &"00".repeat(1_000_001));
    assert!(large.refused(2).contains("1000000 bytes"));
    assert_eq!(
        ltms(&["tx", "decode", "-"]).refused(1),
        "no transaction: the transaction ends too early"
    );
}
