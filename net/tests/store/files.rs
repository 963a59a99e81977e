//! Stores that cannot be used say why, by name, and change nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use ltms_core::{Network, Posture};
use ltms_net::{
    StartError,
    store::{DATABASE, Store, StoreError},
};
use rusqlite::Connection;

use crate::world::{builder, chain, folder, peer, stored, subject};

/// A store with a ban in it, whose node has stopped.
async fn banned(test: &str) -> (PathBuf, PathBuf) {
    let folder = folder(test);
    let (chain, _) = chain(0);
    let node = builder(&chain, &folder).start().await.expect("a node");
    assert!(node.handle().ban(peer(1), None).await.expect("stored"));
    node.stop().await;
    let database = folder.join(DATABASE);
    (folder, database)
}

fn problem(folder: &Path) -> StoreError {
    match stored(folder) {
        Err(error) => error,
        Ok(_) => panic!("a store that cannot be used was"),
    }
}

/// The same once nobody has the store: a child that another test starts shares its lock until it
/// runs its program.
fn problem_unlocked(folder: &Path) -> StoreError {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match problem(folder) {
            StoreError::Locked(_) if Instant::now() < until => thread::yield_now(),
            error => return error,
        }
    }
}

#[tokio::test]
async fn a_damaged_store_is_refused_wherever_the_damage_is() {
    let (folder, database) = banned("damaged").await;
    let good = fs::read(&database).expect("read");
    for len in [good.len() / 2, 4_096, 100, 50] {
        fs::write(&database, &good[..len]).expect("written");
        let error = problem(&folder);
        let named = matches!(error, StoreError::Damaged(..) | StoreError::NotAStore(_));
        assert!(named, "{len}: {error:?}");
    }
    for start in ["record", "peer"] {
        // Within the row of the ban, and in that of the seed.
        let name = peer(1).to_string();
        let at = good.windows(name.len()).position(|bytes| bytes == name.as_bytes());
        let at = at.expect("the ban's row") + if start == "record" { name.len() + 40 } else { 0 };
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&database, &bad).expect("written");
        match (start, stored(&folder)) {
            ("record", Err(StoreError::Damaged(..))) => {}
            // What only explains is not read back.
            ("peer", Ok(Some(gate))) => {
                let standing = gate.standing(ltms_core::Timestamp::EPOCH, &subject(1));
                assert!(standing.by_operator);
            }
            (what, found) => panic!("{what}: {:?}", found.err()),
        }
    }
    fs::write(&database, [0x55; 8_192]).expect("written");
    assert!(matches!(problem(&folder), StoreError::NotAStore(_)));
    fs::write(&database, &good).expect("written");
    assert!(stored(&folder).expect("good again").is_some());
}

#[tokio::test]
async fn a_seed_that_changed_is_damage() {
    let (folder, database) = banned("seed").await;
    let open = || Connection::open(&database).expect("opened");
    let change = "UPDATE meta SET value = zeroblob(24) WHERE name = 'seed'";
    open().execute_batch(change).expect("changed");
    assert!(matches!(problem(&folder), StoreError::Damaged(..)));
}

#[tokio::test]
async fn a_store_that_is_gone_is_not_an_empty_one() {
    let (folder, database) = banned("gone").await;
    fs::write(&database, b"").expect("written");
    assert!(matches!(problem(&folder), StoreError::Missing(_)));
    fs::remove_file(&database).expect("removed");
    assert!(matches!(problem(&folder), StoreError::Missing(_)));
    assert!(matches!(problem(&folder), StoreError::Missing(_)), "nor the second time");
}

#[tokio::test]
async fn a_store_of_another_version_or_network_is_left_as_it_is() {
    let (folder, database) = banned("version").await;
    let open = || Connection::open(&database).expect("opened");
    open().pragma_update(None, "user_version", 99).expect("changed");
    let before = fs::read(&database).expect("read");
    assert!(matches!(problem(&folder), StoreError::TooNew { found: 99, known: 2, .. }));
    assert_eq!(fs::read(&database).expect("read"), before);
    // Version 1 knew no sessions.
    open().execute_batch("DROP TABLE sessions; PRAGMA user_version = 1").expect("changed");
    drop(Store::open(&folder, Network::Reg).expect("brought up to date"));
    open().execute("INSERT INTO sessions VALUES ('', 0, '', x'', x'')", ()).expect("there");
    open().execute("DELETE FROM sessions", ()).expect("there");
    let error = Store::open(&folder, Network::Main).expect_err("another network");
    assert!(matches!(error, StoreError::OtherNetwork { wanted: Network::Main, .. }), "{error:?}");
    open().pragma_update(None, "application_id", 7).expect("changed");
    assert!(matches!(problem(&folder), StoreError::NotAStore(_)));
}

#[tokio::test]
async fn a_store_that_somebody_has_or_that_cannot_be_written_is_refused() {
    let (folder, database) = banned("locked").await;
    let first = Store::open(&folder, Network::Reg).expect("a store");
    assert!(matches!(problem(&folder), StoreError::Locked(_)));
    drop(first);
    let other = Connection::open(&database).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    assert!(matches!(problem(&folder), StoreError::Locked(_)));
    drop(other);
    // To SQLite a file whose header names a later format for writing is read-only, whoever asks.
    let mut bytes = fs::read(&database).expect("read");
    bytes[18] = 3;
    fs::write(&database, bytes).expect("written");
    let error = problem_unlocked(&folder);
    assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
    let file = folder.join("lock");
    assert!(matches!(problem(&file), StoreError::Io(..)), "no folder");
}

#[tokio::test]
async fn a_node_without_its_store_refuses_to_start_or_is_guarded() {
    let (folder, database) = banned("guarded").await;
    fs::remove_file(&database).expect("removed");
    let (chain, _) = chain(0);
    let refused = builder(&chain, &folder).start().await.expect_err("no bans are known");
    assert!(matches!(refused, StartError::Store(StoreError::Missing(_))), "{refused:?}");
    let node = builder(&chain, &folder).guarded(true).start().await.expect("a node");
    let metrics = node.handle().metrics().await.expect("answer");
    assert_eq!(metrics.posture, Posture::Guarded);
    assert!(node.handle().ban(peer(2), None).await.expect("answer"), "in memory");
    node.stop().await;
    assert!(matches!(problem(&folder), StoreError::Missing(_)), "still");
}
