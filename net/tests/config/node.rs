//! The command `ltms node`.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use ltms_core::{Capacity, Network};
use ltms_net::{
    Builder, NodeEvent,
    chain::DevChain,
    config::{Config, Preset},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{PATIENCE, file, folder, ltms, output, output_with};

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
    let said = "the configuration is good\nstore: none; what the node learns ends with it\n";
    assert_eq!((code, out.as_str()), (Some(0), said));
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
    assert!(out.starts_with(&format!("banned {peer} until 20")), "{out}");
    let (_, out, _) = asked(&socket, &["peers", "show", &peer]).await;
    let head = format!("subject            {peer}\ndecision           graylisted\nuntil ");
    assert!(out.starts_with(&head) && out.contains("by operator        yes"), "{out}");
    let (_, out, _) = asked(&socket, &["peers", "unban", &peer]).await;
    assert_eq!(out, format!("lifted the ban of {peer}\n"));
    let (code, _, said) = asked(&socket, &["peers", "unban", &peer]).await;
    assert_eq!((code, said.as_str()), (Some(1), "ltms: there is no ban of this peer\n"));
    let (_, out, _) = asked(&socket, &["metrics"]).await;
    assert!(out.ends_with("# EOF\n"), "{out}");
    terminate(&mut child).await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn check_config_tells_of_every_fault_at_once() {
    let folder = folder("faults");
    let open = file(&folder, "open.key", [0; 68], 0o644);
    let taken = file(&folder, "taken", "", 0o600);
    let text = format!(
        "netwrk = 'main'\nnetwork = 'test'\nlisten = ['127.0.0.1:1', '/ip4/127.0.0.1/udp/1', 7]\n\
         log = 'a=b=c'\nkey_file = '{}'\n[store]\ndata_dir = '{}'\n[admin]\nhttp = '0.0.0.0:1'\n\
         [policy.keys]\nbasic = 0\nverified = -1\n[policy.breaker]\nshare = 2000\n",
        open.display(),
        taken.display(),
    );
    let path = file(&folder, "ltms.toml", text, 0o644);
    let name = path.to_str().expect("text");
    let variables = [("LTMS_LISTN", "x"), ("LTMS_POLICY_BURNS_FULL", "x")];
    let args = ["--config", name, "--check-config"];
    let (code, out, said) = output_with(&args, &variables).await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let expected = [
        &format!("{name}, line 1, column 1: unknown field `netwrk`")[..],
        "line 3, column 11",
        "line 3, column 50",
        "line 12, column 12",
        "LTMS_LISTN sets nothing; did you mean LTMS_LISTEN?",
        "LTMS_POLICY_BURNS_FULL: `x` is not a whole number",
        "`keys.basic` must not be zero",
        "`breaker.share` is at most 1000",
        "/ip4/127.0.0.1/udp/1 is not of the form",
        "`log` is not a filter",
        "0.0.0.0:1, which is no loopback address",
        "`admin.http` needs `admin.token_file`",
        "chmod 600",
        "`store.data_dir`",
        "chain source",
    ];
    for wanted in expected {
        assert!(said.lines().any(|line| line.contains(wanted)), "{wanted}\n{said}");
    }
    assert_eq!(said.lines().count(), expected.len(), "{said}");
    assert!(said.contains("did you mean `network`?"), "{said}");
    assert!(said.lines().all(|line| line.starts_with("ltms: ")), "{said}");
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
