//! The store fails while the node runs.

use std::{fs, time::Duration};

use rustix::process::{Resource, Rlimit, Signal, prlimit};

use crate::process::{PATIENCE, Process, command, folder, until};

fn peer(number: u32) -> String {
    let hash = ltms_core::hash::sha256(&[b"peer", &number.to_be_bytes()]);
    let id = libp2p::PeerId::from_bytes(&[&[0x12, 0x20][..], &hash].concat());
    id.expect("a peer id").to_string()
}

#[tokio::test]
async fn a_node_whose_disk_is_full_refuses_whom_it_banned_says_so_and_recovers() {
    let folder = folder("full");
    let node = Process::start(&folder, &[]).await;
    node.ban(&peer(1)).await.expect("stored");
    assert!(node.health().await.starts_with("ok\nposture: normal\nstore: written\n"));
    let limit = |bytes| {
        let new = Rlimit { current: bytes, maximum: None };
        prlimit(Some(node.id()), Resource::Fsize, new).expect("a limit");
    };
    // No file may grow any more, as on a full disk.
    limit(Some(1));
    let error = node.ban(&peer(2)).await.expect_err("not stored").to_string();
    assert!(error.contains("done, but not stored"), "{error}");
    let health = node.health().await;
    assert!(
        health.starts_with("degraded\n") && health.contains("store: not written: "),
        "{health}"
    );
    for number in [1, 2] {
        assert!(node.is_banned(&peer(number)).await, "{number}");
    }
    limit(None);
    until("it is written again", async || node.health().await.starts_with("ok\n")).await;
    node.log.says("everything is stored again").await;
    node.kill().await;
    let node = Process::start(&folder, &[]).await;
    for number in [1, 2] {
        assert!(node.is_banned(&peer(number)).await, "{number} after the restart");
    }
}

#[tokio::test]
async fn a_node_that_cannot_write_its_last_group_says_so_and_ends_with_a_failure() {
    let folder = folder("full-at-the-end");
    let mut node = Process::start(&folder, &[]).await;
    node.ban(&peer(1)).await.expect("stored");
    let new = Rlimit { current: Some(1), maximum: None };
    prlimit(Some(node.id()), Resource::Fsize, new).expect("a limit");
    let error = node.ban(&peer(2)).await.expect_err("not stored").to_string();
    assert!(error.contains("done, but not stored"), "{error}");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(PATIENCE).await, Some(1), "{:?}", node.log.lines());
    node.log.says("stopped, and what was decided last is not stored").await;
    node.log.says("ltms: stopped, and what was decided last is not stored: ").await;
    // What was acknowledged is there, and only that.
    let mut node = Process::start(&folder, &[]).await;
    assert_eq!((node.is_banned(&peer(1)).await, node.is_banned(&peer(2)).await), (true, false));
    node.signal(Signal::TERM);
    assert_eq!(node.ended(PATIENCE).await, Some(0), "with nothing in its way");
}

#[tokio::test]
async fn a_store_that_is_moved_away_from_a_running_node_is_noticed_and_written_once_it_is_back() {
    let folder = folder("moved");
    let node = Process::start(&folder, &[]).await;
    node.ban(&peer(1)).await.expect("stored");
    let (data, away) = (folder.join("data"), folder.join("away"));
    fs::rename(&data, &away).expect("moved");
    let error = node.ban(&peer(2)).await.expect_err("not stored").to_string();
    assert!(error.contains("moved, removed or replaced"), "{error}");
    // Another store in its place is not taken for it.
    let second = crate::process::folder("moved-second");
    let mut other = Process::start(&second, &[]).await;
    other.signal(Signal::TERM);
    assert_eq!(other.ended(PATIENCE).await, Some(0));
    fs::rename(second.join("data"), &data).expect("replaced");
    let error = node.ban(&peer(3)).await.expect_err("not stored").to_string();
    assert!(error.contains("moved, removed or replaced"), "{error}");
    assert!(node.health().await.starts_with("degraded\n"));
    fs::remove_dir_all(&data).expect("removed");
    fs::rename(&away, &data).expect("moved back");
    until("it is written again", async || node.health().await.starts_with("ok\n")).await;
    node.kill().await;
    let node = Process::start(&folder, &[]).await;
    for number in [1, 2, 3] {
        assert!(node.is_banned(&peer(number)).await, "{number}");
    }
}

#[tokio::test]
async fn a_data_folder_of_another_network_is_refused_and_each_network_has_its_own() {
    let folder = folder("networks");
    let mut node = Process::start(&folder, &[]).await;
    node.signal(Signal::TERM);
    assert_eq!(node.ended(PATIENCE).await, Some(0));
    let data = folder.join("data");
    assert!(data.join("reg").join("ltms.sqlite").exists());
    // Nobody asks this source anything before the node has started.
    let source = ["--chronik", "http://127.0.0.1:1"];
    for network in ["main", "test"] {
        let args = ["--network", network, source[0], source[1]];
        let mut node = Process::start(&folder, &args).await;
        assert_eq!(node.json("/api/v1/status").await["network"], network);
        node.signal(Signal::TERM);
        assert_eq!(node.ended(PATIENCE).await, Some(0));
        assert!(data.join(network).join("ltms.sqlite").exists());
        fs::remove_dir_all(data.join(network)).expect("removed");
        let copy = |name: &str| {
            fs::copy(data.join("reg").join(name), data.join(network).join(name)).expect("copied");
        };
        fs::create_dir(data.join(network)).expect("a folder");
        copy("ltms.sqlite");
        copy("lock");
        let refused = command(&folder, &args).output().await.expect("run");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        let reason = format!("is of network `reg`, the node of `{network}`");
        assert!(said.contains(&reason), "{said}");
    }
}

#[tokio::test]
async fn a_node_without_its_store_is_degraded_where_it_may_start_at_all() {
    let folder = folder("guarded");
    let mut node = Process::start(&folder, &[]).await;
    node.signal(Signal::TERM);
    assert_eq!(node.ended(Duration::from_secs(60)).await, Some(0));
    let database = folder.join("data").join("reg").join("ltms.sqlite");
    fs::write(&database, [0x55; 8_192]).expect("damaged");
    let refused = command(&folder, &[]).output().await.expect("run");
    assert_eq!(refused.status.code(), Some(2));
    let mut guarded = command(&folder, &[]);
    guarded.env("LTMS_STORE_ON_ERROR", "guarded");
    let node = Process::run(&folder, guarded).await;
    let health = node.health().await;
    assert!(health.starts_with("degraded\nposture: guarded\nstore: none\n"), "{health}");
    assert_eq!(fs::read(&database).expect("read"), [0x55; 8_192], "left as it is");
}
