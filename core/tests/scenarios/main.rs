//! Scenarios that an independent model wrote (`tests/oracle/gate.py`), played on a Gate: every
//! decision, with its reason and time, every answer and every event has to be the same.
//!
//! `LTMS_SCENARIOS` names a file of others to play instead of those that are checked in.

mod actors;
mod asked;
mod play;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use play::Player;

/// Scenarios of which is shown how they differ.
const DIFFERENT: usize = 3;
/// Operations that are shown before the one that differs.
const SHOWN: usize = 6;

fn checked_in() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/scenarios.json").into()
}

fn path() -> PathBuf {
    std::env::var_os("LTMS_SCENARIOS").map_or_else(checked_in, PathBuf::from)
}

/// Plays one scenario; what differs first, if anything does.
fn play(policies: &Value, scenario: &Value) -> Result<usize, String> {
    let ops = scenario["ops"].as_array().expect("a list of operations");
    assert!(!ops.is_empty(), "{}: no operation", scenario["name"]);
    let mut player = Player::new(policies, scenario);
    for (index, op) in ops.iter().enumerate() {
        let got = player.play(op);
        if got != op["want"] {
            let before = &ops[index.saturating_sub(SHOWN)..=index];
            let lines: Vec<String> = before.iter().map(Value::to_string).collect();
            let name = &scenario["name"];
            return Err(format!("{name}, operation {index}: {got}\n  {}", lines.join("\n  ")));
        }
    }
    Ok(ops.len())
}

/// The policies and the scenarios of a file; one without any is not to pass for a good one.
fn load(path: &Path) -> (Value, Vec<Value>) {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut file: Value = serde_json::from_slice(&text).expect("scenarios in JSON");
    let lists = ["curated", "random"].map(|name| file[name].take());
    let lists = lists.iter().filter(|list| !list.is_null());
    let all: Vec<Value> =
        lists.flat_map(|list| list.as_array().expect("a list of scenarios").clone()).collect();
    assert!(!all.is_empty(), "{}: no scenario", path.display());
    (file["policies"].take(), all)
}

#[test]
fn every_scenario_goes_as_the_model_says() {
    let path = path();
    let (policies, scenarios) = load(&path);
    let played: Vec<Result<usize, String>> =
        scenarios.iter().map(|scenario| play(&policies, scenario)).collect();
    let ops: usize = played.iter().filter_map(|result| result.as_ref().ok()).sum();
    println!("{}: {} scenarios, {ops} operations", path.display(), played.len());
    let wrong: Vec<&String> = played.iter().filter_map(|result| result.as_ref().err()).collect();
    wrong.iter().take(DIFFERENT).for_each(|wrong| println!("{wrong}"));
    assert!(wrong.is_empty(), "{} of {} scenarios differ", wrong.len(), played.len());
}

#[test]
#[should_panic(expected = "no-such-file.json")]
fn a_file_that_is_missing_fails() {
    load(Path::new("no-such-file.json"));
}

#[test]
#[should_panic(expected = "no scenario")]
fn a_file_without_scenarios_fails() {
    // A file of JSON with neither list.
    load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/manifest.json")));
}

#[test]
#[should_panic(expected = "no operation")]
fn a_scenario_without_operations_fails() {
    let _ = play(&json!({}), &json!({ "name": "empty", "ops": [] }));
}

#[test]
fn another_answer_than_the_wanted_one_is_a_difference() {
    let (policies, mut scenarios) = load(&checked_in());
    let mut scenario = scenarios.swap_remove(0);
    let op = &mut scenario["ops"][0];
    assert_eq!(op["want"], "clear");
    op["want"] = json!(["clear", 1]);
    let difference = play(&policies, &scenario).unwrap_err();
    assert!(difference.contains("operation 0: \"clear\""), "{difference}");
}
