use serde_json::json;

use super::{IDENTITY, KEY, ltms, ltms_with};

const REGISTRATION: &str =
    "6a044c544d530101210227c66597d4d2885abebd63a2e6a1dd81f944716131a1f4e10b02be056eb887a2";

#[test]
fn a_script_is_built_and_read_again() {
    let script = ltms(&["script", "build", "--key", KEY]).good();
    assert_eq!(script.trim_end(), REGISTRATION);
    let script = ltms(&["script", "build", "--key", KEY, "--json"]).json();
    assert_eq!(script, json!({ "script": REGISTRATION, "size": 42 }));

    let told = ltms(&["script", "parse", REGISTRATION]).good();
    assert_eq!(told, format!("purpose    registration\npublic key {KEY}\n"));
    let piped = ltms_with(&["script", "parse", "-"], &format!("{REGISTRATION}\n")).good();
    assert_eq!(piped, told);
}

#[test]
fn every_purpose_is_built_and_read_again() {
    for purpose in [
        "rotation",
        "additional-key",
        "signing-request",
        "weekly-extension",
        "directory-entry",
        "top-up",
    ] {
        let build = ["script", "build", "--key", KEY, "--purpose", purpose];
        let complaint = ltms(&build).refused(2);
        assert!(complaint.contains("--identity"), "{complaint}");
        let rest = ["--identity", IDENTITY, "--timestamp", "18446744073709551615"];
        let script = ltms(&[&build[..], &rest].concat()).good();
        let read = ltms(&["script", "parse", script.trim_end(), "--json"]).json();
        let expected = json!({
            "purpose": purpose,
            "public_key": KEY,
            "timestamp_ms": u64::MAX,
            "identity": IDENTITY,
        });
        assert_eq!(read, expected);
        let told = ltms(&["script", "parse", script.trim_end()]).good();
        for part in [purpose, KEY, IDENTITY, "18446744073709551615"] {
            assert!(told.contains(part), "{told}");
        }
    }
}

#[test]
fn a_registration_has_no_identity_yet() {
    let build = ["script", "build", "--key", KEY, "--identity", IDENTITY];
    assert!(ltms(&build).refused(2).contains("leave out --identity"));
}

#[test]
fn a_script_that_is_no_burn_says_why() {
    let version_op1 = REGISTRATION.replace("0101", "51");
    let complaint = ltms(&["script", "parse", &version_op1]).refused(1);
    assert_eq!(complaint, "no burn: an operation pushes no bytes");

    let long_push = REGISTRATION.replace("6a04", "6a4c04");
    let complaint = "no burn: a push is not in its shortest form (older software reads it)";
    assert_eq!(ltms(&["script", "parse", &long_push]).refused(1), complaint);
    let answer = ltms(&["script", "parse", &long_push, "--json"]);
    assert_eq!((answer.code, answer.complaint().as_str()), (Some(1), complaint));
    let expected =
        json!({ "error": "a push is not in its shortest form", "older_sdk_reads": true });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&answer.out).unwrap(), expected);
}

#[test]
fn what_is_no_script_is_refused() {
    for text in ["6a0", "0x6a", "6g", "é"] {
        assert!(ltms(&["script", "parse", text]).refused(2).contains("hexadecimal"), "{text}");
    }
    let large = "00".repeat(10_001);
    assert!(ltms(&["script", "parse", &large]).refused(2).contains("10000 bytes"));
    assert!(ltms_with(&["script", "parse", "-"], &large).refused(2).contains("10000 bytes"));
    let endless = ltms_with(&["script", "parse", "-"], &"0".repeat(1_000_000));
    assert!(endless.refused(2).contains("10000 bytes"));
    assert_eq!(
        ltms(&["script", "parse", ""]).refused(1),
        "no burn: the script does not begin with OP_RETURN"
    );
}

#[test]
fn what_is_no_key_is_not_built_into_a_script() {
    let off_curve = format!("02{:064x}", 5);
    for (key, complaint) in [
        ("02", "66 hexadecimal digits"),
        (&KEY[2..], "66 hexadecimal digits"),
        (&KEY.replace("0227", "0427"), "02 or 03"),
        (&off_curve, "not on the curve"),
    ] {
        let said = ltms(&["script", "build", "--key", key]).refused(2);
        assert!(said.contains(complaint), "{said}");
    }
    let numbers = ["-1", "1.5", "18446744073709551616", ""];
    for number in numbers {
        let timestamp = format!("--timestamp={number}");
        assert!(
            ltms(&["script", "build", "--key", KEY, &timestamp]).refused(2).contains("timestamp")
        );
    }
}
