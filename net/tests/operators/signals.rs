//! What a running node is told by signals, and what it tells.

use std::{fs, os::unix::net::UnixDatagram, time::Duration};

use rustix::process::Signal;
use tokio::task::JoinSet;

use crate::process::{PATIENCE, Process, command, folder, until};

fn peer(number: u32) -> String {
    let hash = ltms_core::hash::sha256(&[b"peer", &number.to_be_bytes()]);
    let id = libp2p::PeerId::from_bytes(&[&[0x12, 0x20][..], &hash].concat());
    id.expect("a peer id").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_under_load_stops_within_5_s_with_everything_that_it_acknowledged() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = folder(&format!("stop-{}", signal.as_raw()));
        let mut node = Process::start(&folder, &[]).await;
        let node_ref = std::sync::Arc::new(node.socket.clone());
        // Bans from eight sides until nobody answers any more.
        let mut operators = JoinSet::new();
        let (began, mut begun) = tokio::sync::mpsc::channel(8);
        for operator in 0..8u32 {
            let (socket, began) = (node_ref.clone(), began.clone());
            operators.spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0..12 {
                    let peer = peer(operator * 100 + number);
                    let path = format!("/api/v1/peers/{peer}/ban");
                    let post = hyper::Method::POST;
                    if ltms_net::admin::ask(&socket, post, &path, "").await.is_err() {
                        break;
                    }
                    acknowledged.push(peer);
                    if number == 1 {
                        let _ = began.send(()).await;
                    }
                }
                acknowledged
            });
        }
        // So do connections that say nothing.
        let port = node.address.iter().find_map(|part| match part {
            libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
            _ => None,
        });
        let mut silent = Vec::new();
        for _ in 0..40 {
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", port.expect("a port"))).await;
            silent.extend(stream);
        }
        begun.recv().await.expect("somebody was banned");
        node.signal(signal);
        assert_eq!(node.ended(Duration::from_secs(10)).await, Some(0), "{:?}", node.log.lines());
        let acknowledged = operators.join_all().await.concat();
        assert!(acknowledged.len() >= 2);
        let node = Process::start(&folder, &[]).await;
        for peer in &acknowledged {
            assert!(node.is_banned(peer).await);
        }
    }
}

#[tokio::test]
async fn a_node_that_knows_nobody_warns_of_nothing_but_its_new_store() {
    let folder = folder("alone");
    let node = Process::start(&folder, &["--log", "info,libp2p_gossipsub=debug"]).await;
    // Gossip's first heartbeat is ten times later than what is to be missing here.
    node.log.says("HEARTBEAT: Mesh low").await;
    let lines = node.log.lines();
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains(" WARN ")).collect();
    assert!(matches!(&warnings[..], [one] if one.contains("a new store")), "{warnings:#?}");
}

#[tokio::test]
async fn a_second_signal_ends_a_node_at_once() {
    let folder = folder("twice");
    let mut node = Process::start(&folder, &[]).await;
    node.ban(&peer(1)).await.expect("stored");
    // As long as somebody holds the database, what is left cannot be written.
    let database = folder.join("data").join("reg").join("ltms.sqlite");
    let other = rusqlite::Connection::open(database).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    node.signal(Signal::TERM);
    node.log.says("told to terminate, stopping").await;
    node.signal(Signal::TERM);
    assert_eq!(node.ended(PATIENCE).await, Some(1));
    node.log.says("again, ending at once").await;
}

#[tokio::test]
async fn a_hang_up_puts_new_limits_in_force_and_names_what_has_to_wait() {
    let folder = folder("reload");
    let file = folder.join("ltms.toml");
    fs::write(&file, "log = 'info'\n").expect("written");
    let path = file.to_str().expect("text");
    let node = Process::start(&folder, &["--config", path]).await;
    let health = node.health().await;
    assert!(health.ends_with("configuration: reloaded 0 times\n"), "{health}");
    let text = "log = 'debug'\nlisten = ['/ip4/127.0.0.1/tcp/1']\n[policy.windows]\n\
                advertisement = {interval_us = 1000000, burst = 2}\n[policy.keys]\nbasic = 9\n";
    fs::write(&file, text).expect("written");
    node.signal(Signal::HUP);
    let wanted = "configuration: reloaded 1 time; for a restart: listen, policy.keys.basic\n";
    until("it is reloaded", async || node.health().await.ends_with(wanted)).await;
    node.log.says("the old holds").await;
    node.log.says("policy.windows.advertisement.burst").await;
    let lines = node.log.lines();
    assert!(lines.iter().any(|line| line.contains("listen, policy.keys.basic")), "{lines:#?}");

    // With anything wrong, nothing of it holds.
    fs::write(&file, "log = 'info'\n[policy.windows]\nwide_factor = 0\n").expect("written");
    node.signal(Signal::HUP);
    node.log.says("`windows.wide_factor` must not be zero").await;
    assert!(node.health().await.ends_with(wanted));
    fs::write(&file, "lgo = 'info'\n").expect("written");
    node.signal(Signal::HUP);
    node.log.says("did you mean `log`?").await;
    assert!(node.health().await.ends_with(wanted));
}

#[tokio::test]
async fn a_hang_up_takes_over_the_allow_list_and_whom_to_dial() {
    let folder = folder("reload-peers");
    let file = folder.join("ltms.toml");
    let list = |name: &str, of: &[&str]| format!("{name} = {of:?}\n");
    let (first, second) = (peer(1), peer(2));
    let other = Process::start(&crate::process::folder("reload-dialled"), &[]).await;
    fs::write(&file, format!("[peers]\n{}", list("allow", &[&first]))).expect("written");
    let node = Process::start(&folder, &["--config", file.to_str().expect("text")]).await;
    let allowed = async |peer: &str| {
        let standing = node.json(&format!("/api/v1/peers/{peer}")).await;
        standing["allowed"] == true
    };
    assert!(allowed(&first).await && !allowed(&second).await);
    node.ban(&second).await.expect("stored");

    let address = other.address.to_string();
    let text = format!("[peers]\n{}{}", list("allow", &[&second]), list("persistent", &[&address]));
    fs::write(&file, text).expect("written");
    node.signal(Signal::HUP);
    let reloaded = "configuration: reloaded 1 time\n";
    until("it is reloaded", async || node.health().await.ends_with(reloaded)).await;
    node.log.says("peers.allow, peers.persistent").await;
    assert!(!allowed(&first).await && allowed(&second).await && !node.is_banned(&second).await);
    until("the other is dialled", async || {
        let links = node.json("/api/v1/connections").await;
        let mut links = links.as_array().expect("a list").iter();
        links.any(|link| link["peer"] == other.peer.as_str() && link["outbound"] == true)
    })
    .await;

    // More than there is room for changes nothing at all.
    let crowd: Vec<_> = (10..10_000).map(peer).collect();
    let crowd: Vec<_> = crowd.iter().map(String::as_str).collect();
    fs::write(&file, format!("log = 'debug'\n[peers]\n{}", list("allow", &crowd)))
        .expect("written");
    node.signal(Signal::HUP);
    node.log.says("not reloaded").await;
    assert!(node.health().await.ends_with(reloaded));
    assert!(allowed(&second).await && !allowed(&peer(10)).await);

    // Who left the list while the node was away is a peer like others.
    node.kill().await;
    fs::write(&file, "").expect("written");
    let node = Process::start(&folder, &["--config", file.to_str().expect("text")]).await;
    let standing = node.json(&format!("/api/v1/peers/{second}")).await;
    assert_eq!(standing["allowed"], false);
}

#[tokio::test]
async fn systemd_is_told_when_a_node_has_started_lives_and_stops() {
    let folder = folder("systemd");
    let path = folder.join("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut command = command(&folder, &[]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    let mut node = Process::run(&folder, command).await;
    let told = tokio::task::spawn_blocking(move || {
        let hear = || {
            let mut text = [0; 256];
            let len = socket.recv(&mut text).expect("told");
            String::from_utf8_lossy(&text[..len]).trim().to_owned()
        };
        let started = [hear(), hear(), hear()];
        (started, socket)
    });
    let (started, socket) = told.await.expect("heard");
    assert_eq!(started, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    node.signal(Signal::TERM);
    assert_eq!(node.ended(PATIENCE).await, Some(0));
    let mut text = [0; 256];
    let last = loop {
        let len = socket.recv(&mut text).expect("told");
        match String::from_utf8_lossy(&text[..len]).trim() {
            "WATCHDOG=1" => {}
            other => break other.to_owned(),
        }
    };
    assert_eq!(last, "STOPPING=1");
}

#[tokio::test]
async fn a_log_in_json_is_an_object_a_line_without_secrets() {
    let folder = folder("json");
    let token = folder.join("token");
    let args = ["--log-format", "json", "--log", "debug", "--admin-http", "127.0.0.1:0"];
    let args = [&args[..], &["--admin-token-file", token.to_str().expect("text")]].concat();
    let mut node = Process::start(&folder, &args).await;
    node.ban(&peer(1)).await.expect("stored");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(PATIENCE).await, Some(0));
    let lines = node.log.lines();
    assert!(lines.len() > 2, "{lines:#?}");
    let secret = fs::read_to_string(&token).expect("a token");
    let key = hex::encode(fs::read(folder.join("peer.key")).expect("a key"));
    for line in &lines {
        let line: serde_json::Value = serde_json::from_str(line).expect("an object");
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let all = lines.concat();
    assert!(!all.contains(secret.trim()) && !all.contains(&key[..64]));
}
