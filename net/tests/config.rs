//! Configuration files, good and bad, and the command that reads them.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use ltms_core::{Capacity, Millis, Network, Policy};
use ltms_net::{
    Builder, NodeEvent,
    chain::DevChain,
    config::{Config, ConfigError, Preset},
    key_file::{self, KeyFileError},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An empty folder of this test's own.
fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("config").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    path
}

/// What is said about a file with this text.
fn refusal(text: &str) -> String {
    let error = Config::parse(text).and_then(|config| config.validate()).expect_err(text);
    error.to_string()
}

fn ltms(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ltms"));
    command.arg("node").args(args).env_remove("RUST_LOG").kill_on_drop(true);
    command
}

async fn output(args: &[&str]) -> (Option<i32>, String, String) {
    let output = timeout(PATIENCE, ltms(args).output()).await.expect("in time").expect("run");
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn an_empty_file_says_what_no_file_says() {
    let config = Config::parse("").expect("good");
    assert_eq!(config, Config::default());
    assert_eq!(config.policy, Policy::LOTUS_V1.on(Network::Reg));
    assert_eq!(Capacity::from(config.capacity), Capacity::NODE);
    config.validate().expect("good");
}

#[test]
fn a_file_that_says_everything_is_read_back() {
    let shown = Config::default().to_toml().expect("shown");
    assert_eq!(Config::parse(&shown).expect("good"), Config::default());
    let text = r#"
        network = "test"
        listen = ["/ip4/0.0.0.0/tcp/4600", "/ip6/::/tcp/4600"]
        bootstrap = ["/ip4/192.0.2.1/tcp/1"]
        key_file = "peer.key"
        capacity = "small"
        log = "warn,ltms_net=debug"
        [identity]
        id = "0707070707070707070707070707070707070707070707070707070707070707"
        key_file = "identity.key"
        [policy]
        local_envelope = 5000
        [policy.freshness]
        future = 1000
        [policy.windows]
        advertisement = { interval_us = 7, burst = 2 }
    "#;
    let config = Config::parse(text).expect("good");
    assert_eq!((config.listen.len(), config.bootstrap.len()), (2, 1));
    assert_eq!(config.capacity, Preset::Small);
    assert_eq!(Config::parse(&config.to_toml().expect("shown")).expect("good"), config);
    let mut policy = Policy::LOTUS_V1.on(Network::Test);
    policy.local_envelope = 5_000;
    policy.freshness.future = Millis::from_secs(1);
    policy.windows.advertisement.interval_us = 7;
    policy.windows.advertisement.burst = 2.try_into().expect("not zero");
    assert_eq!(config.policy, policy, "what is left out is as in the preset");
}

#[test]
fn unknown_keys_are_named_with_their_line() {
    for (text, key, line) in [
        ("\nnetwrk = 'reg'", "netwrk", 2),
        ("[policy]\nfoo = 1", "foo", 2),
        ("[policy.windows]\n\nadvertisment = {}", "advertisment", 3),
        ("[policy.windows]\nheader = {interval_us = 1, burst = 1, brust = 2}", "brust", 2),
        ("[identity]\nid = '00'\nname = 1", "id", 2),
        ("[polcy]\n", "polcy", 1),
    ] {
        let said = refusal(text);
        assert!(said.contains(key) && said.contains(&format!("line {line}")), "{said}");
    }
}

#[test]
fn wrong_values_are_named_with_their_line() {
    for (text, line) in [
        ("network = 'lotus'", 1),
        ("network = 1", 1),
        ("listen = '/ip4/127.0.0.1/tcp/0'", 1),
        ("\nlisten = ['127.0.0.1:1']", 2),
        ("capacity = 'large'", 1),
        ("log = 3", 1),
        ("key_file = 3", 1),
        ("[policy.keys]\nbasic = -1", 2),
        ("[policy.keys]\nbasic = 65536", 2),
        ("[policy.keys]\nbasic = 1.5", 2),
        ("[policy.burns]\nfees = 'no'", 2),
        ("[policy.sanctions]\nspan = '24 h'", 2),
        ("[policy.windows]\nconnection = {interval_us = 1, burst = 0}", 2),
        ("[policy.windows]\nconnection = {interval_us = 1}", 2),
        ("policy = 1", 1),
        ("network =", 1),
        ("log = 'a'\nlog = 'b'", 2),
    ] {
        let said = refusal(text);
        assert!(said.contains(&format!("line {line}")), "{text}: {said}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_named() {
    for (text, field) in [
        ("[policy.windows]\nadvertisement = {interval_us = 0, burst = 1}", "windows.advertisement"),
        ("[policy.windows]\nnode_header = {interval_us = 0, burst = 1}", "windows.node_header"),
        ("[policy.windows]\nidentity_span = 0", "windows.identity_span"),
        ("[policy.sanctions]\nspan = 0", "sanctions.span"),
        ("[policy.freshness]\nmax_lifetime = 1", "freshness.max_lifetime"),
        ("[policy.connections]\ninbound = 0", "connections.inbound"),
        ("[policy]\nlocal_envelope = 10001", "local_envelope"),
    ] {
        let said = refusal(text);
        assert!(said.contains(&format!("`{field}`")), "{said}");
    }
    assert!(refusal("log = 'a=b=c'").contains("`log`"));
}

#[test]
fn the_policy_is_for_the_node_s_network() {
    let said = refusal("network = 'test'\n[policy]\nnetwork = 'main'");
    assert_eq!(said, "`policy.network` is `main`, but `network` is `test`");
    assert!(refusal("[policy]\nnetwork = 'main'").contains("`network` is `reg`"));
    let same = Config::parse("network = 'test'\n[policy]\nnetwork = 'test'").expect("good");
    same.validate().expect("good");
    let moved = Config::parse("network = 'test'").expect("good").on(Network::Main);
    assert_eq!(moved.policy.network, Network::Main);
    let apart = Config::parse("[policy]\nnetwork = 'test'").expect("good").on(Network::Main);
    assert!(matches!(apart.validate(), Err(ConfigError::Network(Network::Test, Network::Main))));
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_not_parsed() {
    let folder = folder("size");
    let comment = |len: usize| vec![b'#'; len];
    let whole = file(&folder, "whole.toml", comment(1 << 20), 0o644);
    assert_eq!(Config::read(&whole).expect("good"), Config::default());
    for len in [(1 << 20) + 1, 10_000_000] {
        let large = file(&folder, "large.toml", comment(len), 0o644);
        assert!(matches!(Config::read(&large), Err(ConfigError::TooLarge(_))));
    }
    let noise = file(&folder, "noise.toml", [0xff; 10], 0o644);
    assert!(matches!(Config::read(&noise), Err(ConfigError::Io(..))));
    assert!(matches!(Config::read(&folder.join("none.toml")), Err(ConfigError::Io(..))));
    assert!(matches!(Config::read(&folder), Err(ConfigError::Io(..))), "a folder");
}

#[test]
fn a_peer_key_is_made_once_and_only_for_its_owner() {
    let folder = folder("peer-key");
    let path = folder.join("peer.key");
    assert!(key_file::existing_peer_key(&path).expect("no file").is_none());
    let made = key_file::peer_key(&path).expect("made");
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
    let read = key_file::peer_key(&path).expect("read");
    assert_eq!(made.public(), read.public());
    for mode in [0o640, 0o604, 0o620, 0o602, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
        let error = key_file::peer_key(&path).expect_err("open to others");
        let said = error.to_string();
        assert!(matches!(error, KeyFileError::OpenToOthers(_, found) if found == mode));
        assert!(
            said.contains("chmod 600") && said.contains(path.to_str().expect("text")),
            "{said}"
        );
    }
    for (name, content) in [("empty", vec![]), ("noise", vec![7; 68]), ("long", vec![8; 1 << 16])] {
        let bad = file(&folder, name, &content, 0o600);
        assert!(matches!(key_file::peer_key(&bad), Err(KeyFileError::NotAKey(..))), "{name}");
        assert_eq!(fs::read(&bad).expect("still there"), content, "nothing is overwritten");
    }
    let nowhere = folder.join("none").join("peer.key");
    assert!(matches!(key_file::peer_key(&nowhere), Err(KeyFileError::Io(..))));
}

#[test]
fn an_identity_key_is_hexadecimal_and_only_for_its_owner() {
    let folder = folder("identity-key");
    let digits = "01".repeat(32);
    let key = key_file::identity_key(&file(&folder, "key", &digits, 0o600)).expect("a key");
    let line = file(&folder, "line", format!("{digits}\n"), 0o400);
    assert_eq!(key_file::identity_key(&line).expect("a key").public_key(), key.public_key());
    let open = file(&folder, "open", &digits, 0o644);
    assert!(matches!(key_file::identity_key(&open), Err(KeyFileError::OpenToOthers(..))));
    for text in ["", "01", &digits[1..], &"zz".repeat(32), &"00".repeat(32), &"ff".repeat(32)] {
        let bad = file(&folder, "bad", text, 0o600);
        assert!(matches!(key_file::identity_key(&bad), Err(KeyFileError::NotAKey(..))), "{text}");
    }
    let missing = key_file::identity_key(&folder.join("none"));
    assert!(matches!(missing, Err(KeyFileError::Missing(..))));
}

#[tokio::test]
async fn flags_win_over_the_file_and_the_file_can_be_shown() {
    let folder = folder("flags");
    let text = "log = 'warn'\ncapacity = 'small'\nlisten = ['/ip4/127.0.0.1/tcp/1']";
    let path = file(&folder, "ltms.toml", text, 0o644);
    let path = path.to_str().expect("text");
    let listen = ["--listen", "/ip4/127.0.0.1/tcp/2", "--network", "test", "--print-config"];
    let (code, shown, _) = output(&[&["--config", path], &listen[..]].concat()).await;
    assert_eq!(code, Some(0));
    let config = Config::parse(&shown).expect("a file again");
    assert_eq!((config.capacity, config.log.as_str()), (Preset::Small, "warn"));
    assert_eq!((config.network, config.policy.network), (Network::Test, Network::Test));
    assert_eq!(config.listen, ["/ip4/127.0.0.1/tcp/2".parse().expect("address")]);
}

#[tokio::test]
async fn what_cannot_be_started_is_one_line_and_exit_code_2() {
    let folder = folder("refused");
    for network in ["main", "test"] {
        for more in [&[][..], &["--check-config"]] {
            let (code, out, said) = output(&[&["--network", network], more].concat()).await;
            assert_eq!((code, out.as_str()), (Some(2), ""));
            assert!(said.contains("chain source") && said.lines().count() == 1, "{said}");
        }
    }
    let open = file(&folder, "open.key", [0; 68], 0o644);
    let open = open.to_str().expect("text");
    for args in
        [&["--key-file", open][..], &["--config", "/nowhere/ltms.toml"], &["--log", "a=b=c"]]
    {
        let (code, _, said) = output(args).await;
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
    }
    let (code, out, _) = output(&["--check-config"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "the configuration is good\n"));
    let absent = folder.join("absent.key");
    let (code, ..) =
        output(&["--check-config", "--key-file", absent.to_str().expect("text")]).await;
    assert!(code == Some(0) && !absent.exists(), "checking makes no files");
}

/// Starts a node and waits for its first line: the process, its peer id, an address to dial.
async fn start(args: &[&str]) -> (Child, String, String) {
    let mut child = ltms(args).stdout(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("readable");
    let line = line.expect("a line");
    let words: Vec<_> = line.split(' ').collect();
    let ["peer", peer, "listens", "on", address] = words[..] else { panic!("{line}") };
    (child, peer.to_owned(), address.to_owned())
}

async fn terminate(child: &mut Child) {
    let id = child.id().expect("running").to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status().await.expect("run");
    assert!(killed.success());
    let status = timeout(Duration::from_secs(5), child.wait()).await.expect("within 5 s");
    assert_eq!(status.expect("ended").code(), Some(0));
}

#[tokio::test]
async fn the_command_runs_a_node_that_others_reach_and_stops_when_told() {
    let folder = folder("run");
    let key = folder.join("peer.key");
    let args = ["--capacity", "small", "--key-file", key.to_str().expect("text")];
    let recording = folder.join("recording");
    let recorded = [&args[..], &["--record", recording.to_str().expect("text")]].concat();
    let (mut child, peer, address) = start(&recorded).await;
    let chain = Arc::new(DevChain::recorded().expect("a recording"));
    let node = Builder::new(Network::Reg, chain).capacity(Capacity::SMALL).start().await;
    let node = node.expect("a node");
    let handle = node.handle();
    let mut events = handle.subscribe();
    handle.dial(address.parse().expect("address")).await.expect("dialled");
    let connected = async {
        loop {
            if let Ok(NodeEvent::Connected(other)) = events.recv().await {
                return other.to_string();
            }
        }
    };
    assert_eq!(timeout(PATIENCE, connected).await.expect("connected"), peer);
    terminate(&mut child).await;
    node.stop().await;

    let mut replay = Command::new(env!("CARGO_BIN_EXE_ltms"));
    let replayed = replay.arg("replay").arg(&recording).output().await.expect("run");
    let out = String::from_utf8_lossy(&replayed.stdout);
    assert!(replayed.status.success() && out.contains(" calls, answered as "), "{replayed:?}");
    let (code, _, said) = output(&recorded).await;
    assert_eq!((code, said.lines().count()), (Some(2), 1), "it exists: {said}");

    let (mut child, again, _) = start(&args).await;
    assert_eq!(again, peer, "the key file gives the same peer id");
    terminate(&mut child).await;
}

#[test]
fn chain_sources_are_named_in_a_table_of_their_own() {
    let folder = folder("sources");
    let secret = file(&folder, "password", "hunter2\n", 0o600);
    let text = format!(
        "network = 'main'\n[chain]\nneed = 2\nchronik = ['https://a.example']\n\
         [[chain.lotusd]]\nurl = 'http://127.0.0.1:10604'\ncookie_file = '/none/.cookie'\n\
         [[chain.lotusd]]\nurl = 'http://127.0.0.1:10605'\nuser = 'u'\npassword_file = '{}'",
        secret.display()
    );
    let config = Config::parse(&text).expect("a configuration");
    assert!(config.source().is_ok());
    let shown = config.to_toml().expect("shown");
    assert_eq!(Config::parse(&shown).expect("a file again"), config);
    assert!(!shown.contains("hunter2"));
    let refused = |text: &str| {
        Config::parse(text)
            .and_then(|config| config.source().map(|_| ()))
            .expect_err(text)
            .to_string()
    };
    let open = file(&folder, "open", "hunter2\n", 0o644);
    for (from, to, complaint) in [
        ("need = 2", "need = 1", "do not fit"),
        ("need = 2", "need = 4", "do not fit"),
        ("need = 2", "dev = true", "no other chain source"),
        ("need = 2", "needed = 2", "needed"),
        ("cookie_file = '/none/.cookie'", "", "cookie file"),
        ("cookie_file", "user = 'u'\ncookie_file", "cookie file"),
        ("user = 'u'", "user = 'u:v'", "characters"),
        ("https://a.example", "https://u:p@a.example", "user name or password"),
        (secret.to_str().expect("text"), open.to_str().expect("text"), "chmod 600"),
        (secret.to_str().expect("text"), "/nowhere", "/nowhere"),
    ] {
        let said = refused(&text.replace(from, to));
        assert!(said.contains(complaint), "{complaint}: {said}");
    }
    assert!(refused("network = 'test'\n[chain]\ndev = true").contains("`reg` only"));
    assert!(refused("network = 'test'").contains("needs a chain source"));
    assert!(Config::parse("[chain]\ndev = true").is_ok_and(|config| config.source().is_ok()));
}

#[test]
fn a_door_on_an_address_needs_a_token_and_a_loopback_address() {
    let folder = folder("doors");
    let open = file(&folder, "open", "a token\n", 0o644);
    let door = |http: &str, more: &str| format!("[admin]\nhttp = '{http}'\n{more}");
    assert!(refusal(&door("127.0.0.1:0", "")).contains("token_file"));
    let fresh = folder.join("token");
    let token = |path: &Path| format!("token_file = '{}'", path.display());
    assert!(refusal(&door("0.0.0.0:1", &token(&fresh))).contains("no loopback address"));
    assert!(refusal(&door("127.0.0.1:0", &token(&open))).contains("chmod 600"));

    let config = Config::parse(&door("[::1]:0", &token(&fresh))).expect("good");
    config.validate().expect("good");
    assert!(!fresh.exists(), "checking makes no files");
    let made = config.doors().expect("doors").http.expect("a door").1;
    assert_eq!(made.len(), 64);
    assert_eq!(fs::metadata(&fresh).expect("a file").mode() & 0o777, 0o600);
    assert_eq!(config.doors().expect("doors").http.expect("a door").1, made, "it is kept");
    assert_eq!(Config::parse(&config.to_toml().expect("shown")).expect("a file again"), config);
}

/// What the command says when asked about the node with this socket.
async fn asked(socket: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ltms"));
    command.args(args).env("LTMS_ADMIN_SOCKET", socket).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.expect("in time").expect("run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn an_operator_bans_and_forgives_a_peer_of_a_running_node() {
    let folder = folder("operator");
    let socket = folder.join("admin.sock");
    let peer = libp2p::PeerId::random().to_string();
    let (code, _, said) = asked(&socket, &["peers", "list"]).await;
    assert!(code == Some(1) && said.contains("no node answers"), "{said}");

    let args = ["--capacity", "small", "--admin-socket", socket.to_str().expect("text")];
    let (mut child, ..) = start(&args).await;
    // The first line is printed when all doors are open.
    let (code, out, _) = asked(&socket, &["peers", "list"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "no peer is connected\n"));
    let (code, out, said) = asked(&socket, &["peers", "ban", &peer, "--for", "12h"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(out.contains("decision           graylisted"), "{out}");
    let (_, out, _) = asked(&socket, &["peers", "show", &peer]).await;
    assert!(out.contains("by operator        true"), "{out}");
    let (code, ..) = asked(&socket, &["peers", "unban", &peer]).await;
    assert_eq!(code, Some(0));
    let (code, _, said) = asked(&socket, &["peers", "unban", &peer]).await;
    assert_eq!((code, said.as_str()), (Some(1), "ltms: there is no ban of this peer\n"));
    let (_, out, _) = asked(&socket, &["metrics"]).await;
    assert!(out.ends_with("# EOF\n"), "{out}");
    terminate(&mut child).await;
    assert!(!socket.exists());
}

#[test]
fn peers_and_limits_that_cannot_be_are_named() {
    for (text, says) in [
        ("[peers]\npersistent = ['/ip4/192.0.2.1/tcp/1']", "peers.persistent"),
        ("[peers]\nallow = ['somebody']", "peers.allow"),
        ("bootstrap = ['/dns4/seed.example/tcp/1']", "peers.socks5"),
        ("[limits]\nfirst_byte = 0", "limits.first_byte"),
        ("[limits]\nstreams = 65", "limits.streams"),
    ] {
        let config = Config::parse(text).expect("readable");
        let said = config.validate().expect_err("refused").to_string();
        assert!(said.contains(says), "{said}");
    }
    let peer = "12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb";
    let good = format!(
        "bootstrap = ['/dns4/seed.example/tcp/1']\n[peers]\nallow = ['{peer}']\n\
         persistent = ['/ip4/192.0.2.1/tcp/1/p2p/{peer}']\nsocks5 = '127.0.0.1:9050'\n\
         [limits]\nfirst_byte = 500"
    );
    let config = Config::parse(&good).expect("readable");
    config.validate().expect("good");
    assert_eq!(Config::parse(&config.to_toml().expect("shown")).expect("good"), config);
}
