//! What an operator does with a node that runs, and what he installs it with.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{Answer, folder, ltms, ltms_with};

const PEER: &str = "12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb";
const IDENTITY: &str = "6043b43d89826f3e4038e586262ac408bfa5ef9c9563c8d814757484f3d9deca";

/// A node that runs until this is dropped.
struct Running {
    child: Child,
    socket: String,
}

impl Running {
    fn start(folder: &Path) -> Self {
        // A socket's path has at most 107 bytes.
        let socket = std::env::temp_dir().join(format!("ltms-{}.sock", std::process::id()));
        let socket = socket.to_str().unwrap().to_owned();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ltms"))
            .args(["node", "--capacity", "small", "--listen", "/ip4/127.0.0.1/tcp/0"])
            .args(["--admin-socket", &socket, "--log", "off", "--data-dir"])
            .arg(folder.join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
        assert!(greeting.starts_with("peer "), "{greeting}");
        Self { child, socket }
    }

    fn ask(&self, args: &[&str]) -> Answer {
        ltms(&[args, &["--socket", &self.socket]].concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.socket);
    }
}

#[test]
fn bans_of_a_running_node_are_made_shown_handed_on_and_lifted() {
    let folder = folder("operator");
    let node = Running::start(&folder);
    assert_eq!(node.ask(&["peers", "list"]).good(), "no peer is connected\n");
    assert_eq!(node.ask(&["bans", "list"]).good(), "no ban is in force\n");
    assert_eq!(node.ask(&["identities", "list"]).good(), "no identity fits\n");
    assert!(node.ask(&["metrics"]).good().ends_with("# EOF\n"));
    let unknown = node.ask(&["peers", "explain", PEER]).good();
    assert!(unknown.contains("nothing is known about it"), "{unknown}");

    let banned = node.ask(&["peers", "ban", PEER, "--for", "1h"]).good();
    assert!(banned.starts_with(&format!("banned {PEER} until 20")), "{banned}");
    let listed = node.ask(&["bans", "list"]).good();
    let [heading, head, row] = listed.lines().collect::<Vec<_>>()[..] else { panic!("{listed}") };
    assert_eq!(heading, "by the operator:");
    assert!(head.starts_with("LEFT ") && row.starts_with("59m "), "{listed}");
    assert!(row.contains(" blacklisted ") && row.contains(PEER), "{listed}");
    for list in ["peers", "bans", "identities"] {
        let json = node.ask(&[list, "list", "--json"]).json();
        assert!(json.is_array() || json.is_object(), "{list}: {json}");
    }
    let explained = node.ask(&["peers", "explain", PEER]).good();
    for told in ["row `ban`", "banned by the operator", &format!("ltms peers unban {PEER}")] {
        assert!(explained.contains(told), "{explained}");
    }
    let json = node.ask(&["peers", "explain", PEER, "--json"]).json();
    assert_eq!(json["undo"][0], format!("ltms peers unban {PEER}"));

    let file = folder.join("bans.jsonl");
    let file = file.to_str().unwrap();
    let written = node.ask(&["bans", "export", file]).good();
    assert_eq!(written, format!("1 ban written to {file}\n"));
    let there = node.ask(&["bans", "export", file]).refused(1);
    assert!(there.contains("cannot write"), "{there}");
    let bans = fs::read_to_string(file).unwrap();
    assert_eq!(node.ask(&["bans", "export", "-"]).good().lines().count(), 2);

    let undone = ["bans", "undo", "--reason", "blacklisted", "--since", "1d"];
    assert_eq!(node.ask(&undone).good(), "no automatic ban is meant by that\n");
    node.ask(&["bans", "lift", PEER]).good();
    assert_eq!(node.ask(&["bans", "lift", PEER]).refused(1), format!("there is no ban of {PEER}"));
    let import = ["bans", "import", "-", "--socket", &node.socket];
    let dry = ltms_with(&[&import[..], &["--dry-run"]].concat(), &bans).good();
    assert_eq!(dry, "would ban   1\n");
    assert_eq!(ltms_with(&import, &bans).good(), "banned      1\n");
    let again = ltms_with(&import, &bans).good();
    assert_eq!(again, "banned      0\nknown       1, banned for as long already\n");
    let cut = ltms_with(&import, bans.lines().next().unwrap()).refused(1);
    assert_eq!(cut, "-: it has 0 bans, and had 1 when it was written");
}

#[test]
fn refusals_say_what_to_do() {
    let nowhere = ["--socket", "nowhere.sock"];
    let with = |args: &[&str]| ltms(&[args, &nowhere].concat());
    for args in [&["peers", "list"][..], &["bans", "list"], &["identities", "list"], &["metrics"]] {
        let said = with(args).refused(1);
        assert!(said.contains("no node answers") && said.contains("--admin-socket"), "{said}");
    }
    let undo = ["bans", "undo", "--since", "1h", "--reason", "whim"];
    assert!(with(&undo).refused(2).contains("docs/wire.md has the names"));
    let undo = ["bans", "undo", "--since", "yesterday", "--reason", "malformed"];
    assert!(with(&undo).refused(2).contains("or how long ago"));
    let import = with(&["bans", "import", "no-such-file"]).refused(2);
    assert!(import.starts_with("cannot read no-such-file"), "{import}");
    assert!(with(&["identities", "ban", &IDENTITY[..10]]).refused(2).contains("64 hexadecimal"));
    assert!(with(&["peers", "ban", "nobody"]).refused(2).contains("as in `ltms peers list`"));
    assert!(with(&["bans", "lift", "a?b=c"]).refused(2).contains("no subject"));
}

#[test]
fn economics_are_those_of_the_source_or_of_the_difficulty_that_is_named() {
    let day = |args: &[&str]| ltms(&[&["economics", "--json"], args].concat()).json();
    let usual = day(&[]);
    assert_eq!(usual["november_2025"], 1_027_397_000_000_u64);
    assert_eq!(usual["compared"], 319_000_000_000_u64);
    assert_eq!(usual["prices"][1]["november_2025"], 48_667);
    assert_eq!(day(&["--difficulty", "2"])["compared"], 374_400_000_000_u64);
    assert_eq!(day(&["--dev-chain"])["compared"], 187_200_000_000_u64, "regtest pays the same");
    assert_eq!(day(&["--identities", "7"])["prices"][0]["burn"], 350_000_000);
    assert_eq!(day(&["--issuance", "5000"])["prices"][0]["november_2025"], 1_000_000);
    assert!(ltms(&["economics", "--difficulty", "0.5"]).refused(2).contains("from 1 on"));
}

fn unit() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/ltms.service");
    fs::read_to_string(path).unwrap()
}

/// What the unit starts would start, with its folders moved to where a test may write.
#[test]
fn the_command_takes_what_the_unit_starts_it_with() {
    let folder = folder("unit");
    for below in ["etc/ltms", "var/lib/ltms", "run/ltms"] {
        fs::create_dir_all(folder.join(below)).unwrap();
    }
    fs::write(folder.join("etc/ltms/node.toml"), "[chain]\ndev = true\n").unwrap();
    let unit = unit();
    let starts = unit.lines().filter_map(|line| line.strip_prefix("ExecStart="));
    let mut count = 0;
    for start in starts {
        let arguments = start.strip_prefix("@PREFIX@/bin/ltms ").unwrap();
        let moved = arguments.split(' ').map(|argument| match argument.strip_prefix('/') {
            Some(path) => folder.join(path).to_str().unwrap().to_owned(),
            None => argument.to_owned(),
        });
        let mut arguments: Vec<_> = moved.collect();
        if !arguments.iter().any(|argument| argument == "--check-config") {
            arguments.push("--check-config".to_owned());
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let said = ltms(&arguments).good();
        let [good, store] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert_eq!(good, "the configuration is good");
        assert!(store.ends_with("var/lib/ltms/reg: no store yet: a start makes one"), "{store}");
        count += 1;
    }
    assert_eq!(count, 1);
    for made in ["StateDirectory=ltms", "RuntimeDirectory=ltms", "ConfigurationDirectory=ltms"] {
        assert!(unit.contains(made), "{made}");
    }
}

/// Under the unit nothing else can be written, homes cannot be read, and the user is a new one.
#[test]
fn the_guides_configuration_is_one_that_the_unit_can_use() {
    let guide = include_str!("../../../docs/operator.md");
    let (_, text) = guide.split_once("```toml\n").unwrap();
    let (text, _) = text.split_once("```").unwrap();
    let config = ltms_net::config::Config::parse(text).unwrap();
    let unit = unit();
    for (setting, prefix, folder) in [
        ("StateDirectory=", "/var/lib/", config.store.data_dir.as_deref()),
        ("StateDirectory=", "/var/lib/", config.key_file.as_deref().and_then(Path::parent)),
        ("StateDirectory=", "/var/lib/", config.admin.token_file.as_deref().and_then(Path::parent)),
        ("RuntimeDirectory=", "/run/", config.admin.socket.as_deref().and_then(Path::parent)),
    ] {
        let name = unit.lines().find_map(|line| line.strip_prefix(setting)).unwrap();
        assert_eq!(folder.unwrap(), Path::new(prefix).join(name), "{setting}");
    }
    // The password comes by a credential, whose name the guide's drop-in gives.
    let [lotusd] = &config.chain.lotusd[..] else { panic!("{:?}", config.chain) };
    let password = lotusd.password_file.as_deref().unwrap();
    let name = password.strip_prefix("/run/credentials/ltms.service").unwrap();
    assert!(guide.contains(&format!("LoadCredential={}:", name.display())), "{name:?}");
    assert!(lotusd.cookie_file.is_none() && unit.contains("ProtectHome=yes"));
}

#[test]
fn what_is_installed_is_where_systemd_man_and_the_shells_look() {
    let folder = folder("install");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/install.sh");
    let installed = Command::new("sh")
        .arg(script)
        .env("LTMS", env!("CARGO_BIN_EXE_ltms"))
        .env("PREFIX", "/usr")
        .env("DESTDIR", &folder)
        .output()
        .unwrap();
    assert!(installed.status.success(), "{installed:?}");
    let of = |path: &str| -> PathBuf { folder.join("usr").join(path) };
    let unit = fs::read_to_string(of("lib/systemd/system/ltms.service")).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/ltms node ") && !unit.contains("@PREFIX@"));
    for path in [
        "bin/ltms",
        "share/man/man1/ltms.1",
        "share/man/man1/ltms-bans-undo.1",
        "share/bash-completion/completions/ltms",
        "share/zsh/site-functions/_ltms",
        "share/fish/vendor_completions.d/ltms.fish",
    ] {
        assert!(fs::metadata(of(path)).unwrap().len() > 100, "{path}");
    }
}
