//! `ltms demo` as a user runs it: the exit code, the one JSON object, and the figures in it.

use std::process::{Command, Output};

use serde_json::{Value, json};

fn demo(arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_ltms")).arg("demo").args(arguments).output();
    command.expect("the command runs")
}

/// The same count at every attacked node.
fn all(count: u64) -> Value {
    json!({ "least": count, "most": count })
}

#[test]
fn every_honest_signer_is_found_under_attack_and_no_attack_gets_more_than_it_may() {
    let output = demo(&["--json", "--seed", "7"]);
    let text = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["violations"], json!([]), "{text}");
    assert_eq!(report["passed"], true);
    assert!(output.status.success());
    assert_eq!((&report["seed"], &report["nodes"]), (&json!(7), &json!(8)));
    assert_eq!(report["signers"], 20);
    assert_eq!(report["found"], json!(vec![20; 8]));
    assert_eq!(report["verified_keys"], json!(vec![12; 8]));

    let attacks = report["attacks"].as_array().expect("a list");
    let row = |name: &str| {
        let row = attacks.iter().find(|row| row["attack"] == name);
        row.unwrap_or_else(|| panic!("no attack {name}"))
    };
    assert_eq!(attacks.len(), 9);
    let peers: std::collections::HashSet<_> =
        attacks.iter().map(|row| row["peer"].as_str().expect("a peer id")).collect();
    assert_eq!(peers.len(), 9, "hosts of their own");

    let banned = |name: &str, ban: &str| {
        assert_eq!(row(name)["sanctions"], json!({ ban: 4 }), "{name}");
        assert_eq!(row(name)["disconnected"], 4, "{name}");
    };
    banned("spam", "graylisted");
    banned("invalid signatures", "blacklisted");
    banned("oversize", "blacklisted");
    let free = ["key flood", "replay", "impersonation", "false burns", "strangers", "censorship"];
    for name in free {
        assert_eq!(row(name)["sanctions"], json!({}), "{name}");
    }

    assert_eq!((&row("spam")["sent"], &row("spam")["accepted"]), (&json!(1_000), &all(1)));
    assert_eq!(row("key flood")["accepted"], all(10));
    assert_eq!(row("key flood")["refused"], json!({ "key-limit": all(40) }));
    assert_eq!(row("strangers")["accepted"], all(2));
    assert_eq!(row("strangers")["refused"], json!({ "stranger-window": all(28) }));
    let none =
        ["invalid signatures", "oversize", "replay", "impersonation", "false burns", "censorship"];
    for name in none {
        assert_eq!(row(name)["accepted"], all(0), "{name}");
    }
}

#[test]
fn what_cannot_be_run_is_not_run() {
    for wrong in [&["--nodes", "7"], &["--nodes", "14"], &["--seed", "x"]] {
        let output = demo(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}
