use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use super::folder;

/// The pages' `console` blocks: a command and what it prints.
#[test]
fn the_documented_examples_print_what_is_documented() {
    let folder = folder("docs");
    let key = folder.join("identity.key");
    let secret = ltms_core::hash::sha256(&[b"lotus regtest identity 0"]);
    fs::write(&key, hex::encode(secret)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let vector = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/recordings/flood.txt");
    let recording = fs::read_to_string(vector).unwrap();
    fs::write(folder.join("flood.txt"), &recording).unwrap();
    // The last answer is another one.
    let (before, after) = recording.rsplit_once("8201f6 #").unwrap();
    fs::write(folder.join("changed.txt"), [before, "8204f6 #", after].concat()).unwrap();
    fs::write(folder.join("node.toml"), "[policy.keys]\nverified = 5\n").unwrap();
    fs::write(folder.join("misspelt.toml"), "[policy.keys]\nbasc = 5\nverified = -1\n").unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
    let page = fs::read_to_string(path).unwrap();
    let blocks = page.split("```console\n$ ltms ").skip(1);
    let mut count = 0;
    for block in blocks {
        let block = block.split("```").next().unwrap();
        let (command, expected) = block.split_once('\n').unwrap();
        let mut ltms = Command::new(env!("CARGO_BIN_EXE_ltms"));
        let output = ltms.args(command.split(' ')).current_dir(&folder).output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(printed, expected, "{command}");
        count += 1;
    }
    assert_eq!(count, 20);
}
