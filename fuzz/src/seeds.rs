//! Where fuzzing begins: the messages of the vectors, and calls of the Gate.

use std::fs;

use serde_json::Value;

const FUZZ: &str = env!("CARGO_MANIFEST_DIR");

/// The inputs that a target begins with.
///
/// # Panics
/// When a file is missing.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "envelope" | "burn_claim" | "hello" => {
            [field("wire.json", "valid", "envelope"), field("wire.json", "invalid", "envelope")]
                .concat()
        }
        "transaction" => field("chain.json", "transactions", "raw_tx_hex"),
        "header" => field("chain.json", "headers", "header_hex"),
        "txoutproof" => field("chain.json", "merkle_proofs", "proof_hex"),
        "inclusion_proof" => {
            [field("inclusion.json", "valid", "proof"), field("inclusion.json", "invalid", "proof")]
                .concat()
        }
        "burn_script" => {
            [field("scripts.json", "valid", "script"), field("scripts.json", "invalid", "script")]
                .concat()
        }
        "policy" => crate::policy::seeds(),
        "address" => field("wire.json", "valid", "envelope")
            .iter()
            .flat_map(|envelope| crate::wire::addresses(envelope))
            .collect(),
        "recording" => crate::recording::seeds(),
        "snapshot" => [crate::snapshot::seeds(), vec![hex_file("snapshots/1.hex")]].concat(),
        "gate" => crate::gate::seeds(),
        other => panic!("no seeds for {other}"),
    }
}

/// A file of hexadecimal digits.
fn hex_file(name: &str) -> Vec<u8> {
    let path = format!("{FUZZ}/../tests/vectors/{name}");
    let text: String = fs::read_to_string(&path).expect(&path).split_whitespace().collect();
    hex::decode(text).expect("hex")
}

/// One field of every case in a list of the vectors.
fn field(file: &str, list: &str, field: &str) -> Vec<Vec<u8>> {
    let path = format!("{FUZZ}/../tests/vectors/{file}");
    let vectors: Value =
        serde_json::from_slice(&fs::read(&path).expect(&path)).expect("the vectors are JSON");
    let cases = vectors[list].as_array().expect("a list");
    assert!(!cases.is_empty(), "{list} is empty");
    let bytes = |case: &Value| hex::decode(case[field].as_str().expect("a string")).expect("hex");
    cases.iter().map(bytes).collect()
}
