use std::{fs, os::unix::fs::PermissionsExt};

use ltms_core::chain::{HashType, Output, Sighash, Transaction};
use ltms_core::schnorr::verify;
use ltms_core::{Amount, PublicKey, Signature};
use serde_json::json;

use super::{Answer, IDENTITY, KEY, folder, ltms, ltms_with, miner_key_file, miner_secret};

const TXID: &str = "f14f544fb8ec001ac14f6219fe56aa4e5a02cd7000e9b334ecd1b545d9f16625";
const MINER: &str = "lotus_16PSJNpCuazk8qFkoAXuKL64pzzenUZ23oK2CV3YJ";

#[test]
fn a_new_key_is_kept_for_its_owner_alone() {
    let path = folder("new").join("key");
    let name = path.to_str().unwrap();
    let told = ltms(&["identity", "new", "--key-file", name]).good();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&path).unwrap();
    assert_eq!((secret.len(), secret.trim_end().len()), (65, 64));
    assert!(!told.contains(secret.trim_end()));
    assert_eq!(ltms(&["identity", "show", "--key-file", name]).good(), told);

    // Whoever has a key would lose it with the file.
    let complaint = ltms(&["identity", "new", "--key-file", name]).refused(1);
    assert!(complaint.contains("left as it is"), "{complaint}");
    assert_eq!(fs::read_to_string(&path).unwrap(), secret);

    let other = folder("new-other").join("key");
    let other = ltms(&["identity", "new", "--key-file", other.to_str().unwrap()]).good();
    assert_ne!(other, told);
}

#[test]
fn a_new_key_goes_into_a_file() {
    assert!(ltms(&["identity", "new", "--key-file", "-"]).refused(2).contains("--key-file"));
    let nowhere = folder("nowhere").join("missing/key");
    let complaint = ltms(&["identity", "new", "--key-file", nowhere.to_str().unwrap()]).refused(1);
    assert!(complaint.contains("missing/key"), "{complaint}");
}

#[test]
fn a_key_is_shown_without_its_secret() {
    let file = miner_key_file("show");
    let key = json!({ "public_key": KEY, "address": MINER });
    assert_eq!(ltms(&["identity", "show", "--key-file", &file, "--json"]).json(), key);
    let told = ltms(&["identity", "show", "--key-file", &file, "--network", "reg"]).good();
    let address = "lotusR16PSJNpCuazk8qFkoAXuKL64pzzenUZ23oJy1TbX9";
    assert_eq!(told, format!("public key {KEY}\naddress    {address}\n"));
    for input in [miner_secret(), miner_secret() + "\n", miner_secret().to_uppercase() + "\r\n"] {
        let shown = ltms_with(&["identity", "show", "--key-file", "-", "--json"], &input);
        assert_eq!(shown.json(), key);
    }
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let file = miner_key_file("open");
    for mode in [0o644, 0o640, 0o604, 0o660, 0o622] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let complaint = ltms(&["identity", "show", "--key-file", &file]).refused(1);
        assert!(complaint.contains(&format!("chmod 600 {file}")), "{complaint}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    ltms(&["identity", "show", "--key-file", &file]).good();
}

#[test]
fn what_is_no_key_is_refused() {
    let show = |input: &str| ltms_with(&["identity", "show", "--key-file", "-"], input).refused(1);
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let secret = miner_secret();
    for input in
        ["", "\n", "hello", &secret[1..], &format!("{secret}0"), &"0".repeat(64), order, KEY]
    {
        let complaint = show(input);
        assert!(complaint.contains("does not hold a secret key"), "{complaint}");
        assert!(!complaint.contains(&secret[1..]));
    }
    assert!(show(&"0".repeat(1_000_000)).contains("does not hold a secret key"));
    let missing = folder("missing").join("key");
    let complaint = ltms(&["identity", "show", "--key-file", missing.to_str().unwrap()]).refused(1);
    assert!(complaint.contains("identity new"), "{complaint}");
    let directory = folder("directory");
    let complaint =
        ltms(&["identity", "show", "--key-file", directory.to_str().unwrap()]).refused(1);
    assert!(complaint.contains("directory"), "{complaint}");
}

/// Burns with the miner's key and one coin of 209.999 XPI.
fn burn(args: &[&str]) -> Answer {
    let coin = format!("{TXID}:1:209.999");
    let all = ["identity", "burn", "--key-file", "-", "--utxo", &coin];
    ltms_with(&[&all[..], args].concat(), &miner_secret())
}

#[test]
fn a_registration_is_built_and_signed() {
    let burned = burn(&["--amount", "50", "--timestamp", "1795361000123", "--json"]).json();
    let raw = hex::decode(burned["raw"].as_str().unwrap()).unwrap();
    let tx = Transaction::parse(&raw).unwrap();
    assert_eq!(burned["txid"], tx.txid().to_string());
    let decoded = ltms(&["tx", "decode", burned["raw"].as_str().unwrap(), "--json"]).json();
    let output = &decoded["outputs"][0]["burn"];
    assert_eq!(output["identity"], burned["identity"]);
    assert_eq!(output["public_key"], KEY);
    assert_eq!(output["timestamp_ms"], 1_795_361_000_123_u64);
    assert_eq!(decoded["inputs"][0]["address"], MINER);
    assert_eq!(decoded["outputs"][1]["address"], MINER);
    let expected = json!({
        "raw": burned["raw"],
        "txid": burned["txid"],
        "size": 250,
        "purpose": "registration",
        "public_key": KEY,
        "identity": burned["identity"],
        "burned_sats": 50_000_000,
        "fee_sats": 250,
        "change_sats": 209_999_000 - 50_000_000 - 250,
    });
    assert_eq!(burned, expected);

    let told = burn(&["--amount", "50", "--timestamp", "1795361000123"]).good();
    for field in ["raw", "txid", "identity", "public_key"] {
        assert!(told.contains(burned[field].as_str().unwrap()), "{told}");
    }
}

#[test]
fn the_signature_holds_for_the_fork_value() {
    for (fork, text) in [(0, "0"), (0xff_dead, "0xffdead"), (0xff_dead, "16768685")] {
        let burned = burn(&["--amount", "50", "--fork-value", text, "--json"]).json();
        let raw = hex::decode(burned["raw"].as_str().unwrap()).unwrap();
        let tx = Transaction::parse(&raw).unwrap();
        let spent_script =
            hex::decode("76a914ba39d5b37f4e20e5afe8dd4c5b22b4df16bf311888ac").unwrap();
        let spent = [Output { value: Amount::from_sats(209_999_000), script: &spent_script }];
        let hash = Sighash::new(&tx, 0, &spent, HashType::ALL, fork).unwrap().hash();
        let script = tx.inputs().next().unwrap().script;
        let signature = Signature::from_bytes(script[1..65].try_into().unwrap());
        assert!(verify(&KEY.parse::<PublicKey>().unwrap(), &hash, &signature), "{text}");
    }
}

#[test]
fn change_goes_where_it_should() {
    let address = "lotus_16PSJNf1EDEfGvaYzaXJCJZrXH4pgiTo7kyW61iGi";
    let burned = burn(&["--amount", "50", "--change", address, "--json"]).json();
    let decoded = ltms(&["tx", "decode", burned["raw"].as_str().unwrap(), "--json"]).json();
    assert_eq!(decoded["outputs"][1]["address"], address);

    let script_address = "lotus_1PrQReKdmXH6hyCk4NFR398HeWxvJWW4E3jjM3";
    for (address, complaint) in [
        ("lotusR16PSJNf1EDEfGvaYzaXJCJZrXH4pgiTo7kyVqAied", "--network"),
        (script_address, "that of a key"),
        (&address.replace("iGi", "iGj"), "checksum"),
    ] {
        let said = burn(&["--amount", "50", "--change", address]).refused(2);
        assert!(said.contains(complaint), "{said}");
    }
    let all = burn(&["--amount", "209.9987", "--json"]).json();
    assert_eq!((&all["change_sats"], &all["fee_sats"]), (&json!(null), &json!(300)));
    let told = burn(&["--amount", "209.9987"]).good();
    assert!(told.contains("part of the fee"), "{told}");
}

#[test]
fn every_purpose_names_whose_burn_it_is() {
    for (purpose, amount, charged) in [
        ("rotation", "5", true),
        ("additional-key", "10", true),
        ("signing-request", "5", false),
        ("weekly-extension", "1", false),
        ("directory-entry", "2", false),
        ("top-up", "10", true),
    ] {
        let new_key = matches!(purpose, "rotation" | "additional-key");
        let mut args = vec!["--amount", amount, "--purpose", purpose, "--json"];
        assert!(burn(&args).refused(2).contains("--identity"));
        args.extend(["--identity", IDENTITY]);
        if new_key {
            assert!(burn(&args).refused(2).contains("--new-key"));
            args.extend(["--new-key", KEY]);
        }
        let answer = burn(&args);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        assert_eq!(answer.err.contains("do not charge"), !charged, "{}", answer.err);
        let burned: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!(burned["identity"], IDENTITY);
        assert_eq!(burned["purpose"], purpose);
        let decoded = ltms(&["tx", "decode", burned["raw"].as_str().unwrap(), "--json"]).json();
        assert_eq!(decoded["outputs"][0]["burn"]["identity"], IDENTITY);
        assert_eq!(decoded["outputs"][0]["burn"]["purpose"], purpose);

        let position = args.iter().position(|arg| *arg == amount).unwrap();
        args[position] = "0.999999";
        assert!(burn(&args).refused(2).contains("would be lost"));
    }
    let key_without_need = burn(&["--amount", "50", "--new-key", KEY]).refused(2);
    assert!(key_without_need.contains("leave it out"), "{key_without_need}");
    let registered = burn(&["--amount", "50", "--identity", IDENTITY]).refused(2);
    assert!(registered.contains("leave out --identity"), "{registered}");
}

#[test]
fn money_is_not_lost_by_a_mistake() {
    for (args, code, complaint) in [
        (&["--amount", "49.999999"][..], 2, "costs 50.000000 XPI"),
        (&["--amount", "209.999"], 1, "take 0.000202 XPI more"),
        (&["--amount", "1000"], 1, "add another coin"),
        (&["--amount", "50.0000001"], 2, "six decimals"),
        (&["--amount", "50,5"], 2, "six decimals"),
        (&["--amount=-50"], 2, "six decimals"),
        (&["--amount", "2100000001"], 2, "no more than"),
        (&["--amount", "50", "--fee-rate", "999"], 2, "not relayed"),
        (&["--amount", "50", "--fee-rate", "10000001"], 2, "surely a mistake"),
        (&["--amount", "50", "--fork-value", "0x1000000"], 2, "0xffffff"),
        (&["--amount", "50", "--utxo", "f14f:1:5"], 2, "64 hexadecimal digits"),
    ] {
        let said = burn(args).refused(code);
        assert!(said.contains(complaint), "{said}");
    }
    let twice = format!("{TXID}:1:209.999");
    assert!(burn(&["--amount", "50", "--utxo", &twice]).refused(1).contains("named twice"));
    let two = format!("{TXID}:2:1");
    let burned = burn(&["--amount", "210", "--utxo", &two, "--json"]).json();
    assert_eq!(burned["size"], 236 + 141);
}
