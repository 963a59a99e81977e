//! The commands of `ltms`, as a user runs them.

mod claim;
mod docs;
mod identity;
mod lotusd;
mod operator;
mod proof;
mod replay;
mod script;
mod tx;
mod watch;

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

const KEY: &str = "0227c66597d4d2885abebd63a2e6a1dd81f944716131a1f4e10b02be056eb887a2";
const IDENTITY: &str = "6043b43d89826f3e4038e586262ac408bfa5ef9c9563c8d814757484f3d9deca";

/// What a command left behind.
#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Answer {
    /// What was written on stdout, with nothing on stderr.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        let out = self.good();
        assert_eq!(out.lines().count(), 1, "{out}");
        serde_json::from_str(&out).unwrap()
    }

    /// The one line on stderr of a command that failed with this code and wrote nothing else.
    #[track_caller]
    fn refused(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        self.complaint()
    }

    #[track_caller]
    fn complaint(&self) -> String {
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.trim_end().strip_prefix("ltms: ").unwrap().to_owned()
    }
}

/// Runs the command with nothing on its standard input.
fn ltms(args: &[&str]) -> Answer {
    ltms_with(args, "")
}

/// Runs the command with `input` on its standard input.
fn ltms_with(args: &[&str], input: &str) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ltms"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that ends before it read all breaks the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// An empty folder of its own for a test.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("commands").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file with the secret key of the recorded regtest chain's miner, whose public key is [`KEY`].
fn miner_key_file(test: &str) -> String {
    let path = folder(test).join("miner");
    fs::write(&path, miner_secret()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn miner_secret() -> String {
    hex::encode(ltms_core::hash::sha256(&[b"lotus regtest miner key"]))
}

fn chain_vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/chain.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn mistakes_in_the_command_line_take_one_line_and_code_2() {
    for (args, complaint) in [
        (&["identitys"][..], "identitys"),
        (&["script", "parse"], "<SCRIPT>"),
        (&["script", "build"], "--key"),
        (&["tx", "decode"], "<TRANSACTION>"),
        (&["tx", "decode", "00", "--network", "lunar"], "lunar"),
        (&["identity", "new"], "--key-file"),
        (&["identity", "burn", "--amount", "50"], "--utxo"),
        (&["identity", "show", "--key-file", "-", "--secret-key", "11"], "--secret-key"),
    ] {
        let said = ltms(args).refused(2);
        assert!(said.contains(complaint) && said.contains("--help"), "{said}");
    }
}

#[test]
fn help_is_given_when_asked_for() {
    for command in [&["--help"][..], &["identity", "burn", "--help"], &["help", "script"]] {
        assert!(ltms(command).good().contains("Usage: ltms"));
    }
    // Without a subcommand it stands in for an error.
    let answer = ltms(&["identity"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("Usage: ltms identity"));
}
