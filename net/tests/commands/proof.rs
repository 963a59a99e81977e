use std::fs;

use ltms_core::Amount;
use ltms_net::chain::DevChain;
use serde_json::{Value, json};

use super::lotusd::Lotusd;
use super::{IDENTITY, KEY, folder, ltms, ltms_with};

/// The key that the documented burn registers.
const BURNED: &str = "02fdc8c15626be634459915c1812137913cc0b4d91ac1a7eede7579570844c53aa";
const TXID: &str = "f14f544fb8ec001ac14f6219fe56aa4e5a02cd7000e9b334ecd1b545d9f16625";
const BLOCK: &str = "6a81ccf944cd69cad9daa560807d3e5da77882a28589e7680d0530b92a9564bb";
/// The block after it, at height 122.
const ANCHOR: &str = "439bdec89568962aa0d62fd9bde825a268751fd43bb433141ba0e3418c395e5f:122";

fn vector(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/");
    let text = fs::read_to_string(format!("{path}{name}")).unwrap();
    assert!(text.len() > 100, "{name} is empty");
    text.trim().to_owned()
}

/// The proof that `docs/proof.md` shows.
fn documented() -> String {
    let made =
        ltms(&["proof", "make", "--dev-chain", "--txid", TXID, "--anchor", ANCHOR, "--json"]);
    made.json()["proof"].as_str().unwrap().to_owned()
}

#[test]
fn the_proof_in_the_documentation_is_made_and_verified() {
    let proof = documented();
    let page =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/proof.md")).unwrap();
    let example = page.rsplit("```").nth(1).unwrap();
    let digits: String = example
        .lines()
        .skip_while(|line| !line.starts_with("form"))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(proof, digits);
    let outpoint = format!("{TXID}:0");
    let verify = ["proof", "verify", &proof, "--outpoint", &outpoint, "--anchor", ANCHOR];
    let told = ltms(&[&verify[..], &["--json"]].concat()).json();
    assert_eq!(told["output"]["burn"]["identity"], IDENTITY);
    assert_eq!(told["output"]["burn"]["public_key"], BURNED);
    let shape = json!({
        "txid": TXID, "block": BLOCK, "height": 121, "position": 5, "depth": 1,
        "evidence": "anchored", "output": told["output"],
    });
    assert_eq!(told, shape);
    assert!(ltms(&verify).good().contains(&format!("proved     {TXID}\n")));
}

#[test]
fn a_proof_is_made_from_a_node_and_travels_in_a_file() {
    let folder = folder("proof");
    let lotusd = Lotusd::start(&folder);
    let raw = DevChain::burn_transaction(KEY.parse().unwrap(), Amount::from_xpi(50), Some(1));
    let burn = lotusd.mine(&raw, 8);
    let (txid, outpoint) = (burn.txid.to_string(), burn.to_string());
    let path = folder.join("proof");
    let path = path.to_str().unwrap();
    let make = [&["proof", "make", "--txid", &txid], &lotusd.flags()[..]].concat();
    let out = ["--anchor-depth", "1", "-o", path, "--json"];
    let made = ltms(&[&make[..], &out].concat()).json();
    assert_eq!((made["height"].as_u64(), made["depth"].as_u64()), (Some(188), Some(6)));
    assert_eq!(made["size"].as_u64().unwrap() as usize * 2, made["proof"].as_str().unwrap().len());
    assert_eq!(made["out"], path);
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.trim_end(), made["proof"]);
    assert!(ltms(&[&make[..], &out].concat()).refused(1).contains("exists"), "left as it is");

    let anchor = format!("{}:{}", made["anchor_hash"].as_str().unwrap(), made["anchor_height"]);
    let verify = |proof: &str, input: &str| {
        ltms_with(&["proof", "verify", proof, "--outpoint", &outpoint, "--anchor", &anchor], input)
    };
    let told = verify(path, "").good();
    assert!(told.contains("depth      6 blocks below the anchor"), "{told}");
    assert_eq!(verify("-", &text).good(), told);
    assert_eq!(verify(text.trim_end(), "").good(), told);

    for (more, complaint) in [
        (&["--anchor-depth", "8"][..], "below the transaction's 188"),
        (&["--anchor-depth", "1000"], "ends at height 195"),
        (&["--anchor", ANCHOR], "below the transaction's 188"),
        (&["--anchor-depth", "0", "--vout", "3"], "no such output"),
    ] {
        let said = ltms(&[&make[..], more].concat()).refused(1);
        assert!(said.contains(complaint), "{said}");
    }
    // A block that a reorganisation took away is no anchor any more.
    lotusd.chain.reorganise(2, &[vec![], vec![], vec![]]).unwrap();
    let said = ltms(&[&make[..], &["--anchor", &anchor]].concat());
    assert!(said.code == Some(1) || made["anchor_height"] == 194, "{said:?}");
    let unknown = ["proof", "make", "--dev-chain", "--anchor-depth", "0", "--txid", BLOCK];
    assert!(ltms(&unknown).refused(1).contains("not in a block"));
}

#[test]
fn what_proves_nothing_is_refused_by_name() {
    let proof = documented();
    let outpoint = format!("{TXID}:0");
    let verify = |proof: &str, outpoint: &str, anchor: &str| {
        ltms(&["proof", "verify", proof, "--outpoint", outpoint, "--anchor", anchor])
    };
    let other = format!("{BLOCK}:122");
    let high = ANCHOR.replace(":122", ":123");
    let flipped = proof.replace("9af139", "9af138").replacen("031066", "031067", 1);
    for (proof, outpoint, anchor, complaint) in [
        (proof.as_str(), &*format!("{TXID}:7"), ANCHOR, "no such output"),
        (&proof, &format!("{BLOCK}:0"), ANCHOR, "another transaction"),
        (&proof, &outpoint, &other, "do not lead to the anchor"),
        (&proof, &outpoint, &high, "heights"),
        (&proof[2..], &outpoint, ANCHOR, ""),
        (&proof[..100], &outpoint, ANCHOR, "ends too early"),
        (&flipped, &outpoint, ANCHOR, "not in the block"),
    ] {
        let said = verify(proof, outpoint, anchor).refused(1);
        assert!(said.starts_with("nothing is proved: ") && said.contains(complaint), "{said}");
    }
    assert!(verify("no such file", &outpoint, ANCHOR).refused(1).contains("readable file"));
    for args in [
        &["proof", "verify", "00"][..],
        &["proof", "verify"],
        &["proof", "verify", "00", "--outpoint", &outpoint],
        &["proof", "verify", "0", "--outpoint", &outpoint, "--anchor", ANCHOR],
        &["proof", "verify", "00", "--outpoint", &outpoint, "--anchor", BLOCK],
        &["proof", "verify", "--txoutproof", "00", "--txid", TXID],
        &["proof", "make", "--dev-chain", "--txid", TXID],
        &["proof", "make", "--txid", TXID, "--anchor-depth", "1"],
    ] {
        ltms(args).refused(2);
    }
}

#[test]
fn a_proof_of_lotusd_is_verified() {
    let recorded: Value =
        serde_json::from_str(&vector("regtest/gettxoutproof_A_blockhash.json")).unwrap();
    let body: Value = serde_json::from_str(recorded["response_body"].as_str().unwrap()).unwrap();
    let proof = body["result"].as_str().unwrap();
    let verify = |proof: &str, txid: &str, block: &str| {
        let args = ["proof", "verify", "--txoutproof", proof, "--txid", txid, "--block", block];
        ltms(&[&args[..], &["--json"]].concat())
    };
    let expected = json!({ "txid": TXID, "block": BLOCK, "height": 121, "position": 5 });
    assert_eq!(verify(proof, TXID, BLOCK).json(), expected);
    assert!(verify(proof, TXID, TXID).refused(1).contains("is of block"));
    assert!(verify(proof, BLOCK, BLOCK).refused(1).contains("not of this transaction"));
    assert!(
        verify(&proof[..proof.len() - 2], TXID, BLOCK).refused(1).contains("nothing is proved")
    );
}
