//! `--check-config` says what a start would find in the data folder, and changes nothing there.

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, process::Command,
    time::SystemTime,
};

use ltms_core::Network;
use ltms_net::store::{DATABASE, Store};
use rusqlite::Connection;

use crate::world::{builder, chain, folder, peer, stored};

/// A node may start without its store.
const GUARDED: (&str, &str) = ("LTMS_STORE_ON_ERROR", "guarded");

/// Every file below a folder with its bytes and when it was last written.
fn everything(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let written = path.metadata().expect("a file").modified().expect("a time");
        let bytes = if path.is_dir() { Vec::new() } else { fs::read(&path).expect("read") };
        (name, (bytes, written))
    });
    files.collect()
}

/// Exit code, stdout and stderr of a check of the store in `data`, with these variables.
fn check(data: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ltms"));
    command.args(["node", "--check-config", "--capacity", "small", "--data-dir"]).arg(data);
    // Not what the tests themselves are told, as `LTMS_KILLS`.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LTMS_") {
            command.env_remove(name);
        }
    }
    let ran = command.envs(variables.iter().copied()).output().expect("run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

/// The same, of a store that nobody uses and that has to stay as it is.
fn checked(data: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let store = data.join("reg");
    let files = || store.is_dir().then(|| everything(&store));
    let before = files();
    let answer = check(data, variables);
    assert!(before == files(), "it changed: {answer:?}");
    answer
}

/// The one line of a check that finds a fault.
fn refused(data: &Path) -> String {
    let (code, out, said) = checked(data, &[]);
    assert_eq!((code, out.as_str()), (Some(2), "the configuration is good\n"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[tokio::test]
async fn a_check_tells_the_version_and_the_rows_of_a_store_and_changes_no_byte() {
    let data = folder("check");
    let (code, out, said) = checked(&data, &[]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(out.ends_with(": no store yet: a start makes one\n"), "{out}");
    assert!(!data.exists(), "a check makes no folder");

    let (chain, _) = chain(0);
    let node = builder(&chain, &data.join("reg")).start().await.expect("a node");
    for number in 1..=3 {
        assert!(node.handle().ban(peer(number), None).await.expect("stored"));
    }
    // While the node runs, only that is in the way.
    let (code, out, said) = check(&data, &[]);
    assert_eq!((code, out.as_str()), (Some(3), "the configuration is good\n"));
    assert!(said.contains("is used by another process"), "{said}");
    let (code, _, said) = check(&data, &[GUARDED]);
    assert_eq!(code, Some(0));
    assert!(said.contains("is used by") && said.ends_with("guarded\n"), "{said}");
    node.stop().await;

    let (code, out, said) = checked(&data, &[]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(out.contains("reg: version 2; ") && out.contains(", 3 in bans"), "{out}");

    // One of the first version is not brought up to date by being looked at.
    let database = data.join("reg").join(DATABASE);
    let first = Connection::open(&database).expect("opened");
    first.execute_batch("DROP TABLE sessions; PRAGMA user_version = 1").expect("changed");
    drop(first);
    let (code, out, _) = checked(&data, &[]);
    assert_eq!(code, Some(0));
    assert!(out.contains("reg: version 1, which a start brings to 2; "), "{out}");
}

#[tokio::test]
async fn a_check_after_a_kill_reads_what_is_in_the_log() {
    let data = folder("check-log");
    let (chain, _) = chain(0);
    let running = data.join("running");
    let node = builder(&chain, &running).start().await.expect("a node");
    assert!(node.handle().ban(peer(1), None).await.expect("stored"));
    // What a kill leaves: a log that was not taken into the database, and its index.
    let killed = data.join("reg");
    fs::create_dir(&killed).expect("made");
    for entry in fs::read_dir(&running).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        fs::copy(running.join(&name), killed.join(&name)).expect("copied");
    }
    node.stop().await;
    let log = killed.join(format!("{DATABASE}-wal"));
    assert!(log.metadata().expect("a log").len() > 0);
    let (code, out, said) = checked(&data, &[]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(out.contains(", 1 in bans"), "{out}");
    // Without its index it cannot be read and left as it is.
    fs::remove_file(killed.join(format!("{DATABASE}-shm"))).expect("removed");
    let (code, out, _) = checked(&data, &[]);
    assert_eq!(code, Some(0));
    assert!(out.contains("only a start can read it"), "{out}");
    assert!(stored(&killed).expect("a start can").is_some());
}

#[tokio::test]
async fn a_check_names_every_fault_of_a_store_that_would_stop_a_start() {
    let data = folder("check-faults");
    let store = data.join("reg");
    let (chain, _) = chain(0);
    let node = builder(&chain, &store).start().await.expect("a node");
    assert!(node.handle().ban(peer(1), None).await.expect("stored"));
    node.stop().await;
    let database = store.join(DATABASE);
    let good = fs::read(&database).expect("read");
    let change = |sql: &str| {
        let opened = Connection::open(&database).expect("opened");
        opened.execute_batch(sql).expect("changed");
    };
    // A page, then a record that SQLite takes for good.
    fs::write(&database, &good[..good.len() / 2]).expect("written");
    assert!(refused(&data).contains("is damaged ("));
    fs::write(&database, &good).expect("written");
    change("UPDATE bans SET record = zeroblob(length(record))");
    assert!(refused(&data).contains("is damaged ("));
    fs::write(&database, &good).expect("written");
    change("INSERT INTO ads VALUES ('02', x'00', x'00')");
    assert!(refused(&data).contains("is damaged (an envelope"));
    fs::write(&database, [0x55; 8_192]).expect("written");
    assert!(refused(&data).contains("is no store of this program"));
    fs::write(&database, &good).expect("written");
    change("PRAGMA user_version = 99");
    assert!(refused(&data).contains("has version 99; this program knows versions up to 2"));
    // Where a node may start all the same, it is only told.
    let (code, _, said) = checked(&data, &[GUARDED]);
    assert_eq!(code, Some(0));
    assert!(said.contains("has version 99") && said.ends_with("guarded\n"), "{said}");
    fs::write(&database, &good).expect("written");
    change("UPDATE meta SET value = CAST('main' AS BLOB) WHERE name = 'network'");
    assert!(refused(&data).contains("is of network `main`, the node of `reg`"));
    fs::write(&database, b"").expect("written");
    assert!(refused(&data).contains("is missing or empty"));
    fs::remove_file(&database).expect("removed");
    assert!(refused(&data).contains("is missing or empty"));
    fs::create_dir(&database).expect("made");
    assert!(refused(&data).contains(DATABASE));
    fs::remove_dir(&database).expect("removed");
    fs::write(&database, &good).expect("written");
    assert_eq!(checked(&data, &[]).0, Some(0), "good again");
    // Whoever may read everything is not refused by a file's mode.
    fs::set_permissions(&database, fs::Permissions::from_mode(0o000)).expect("set");
    if fs::read(&database).is_err() {
        assert!(refused(&data).contains("ermission denied"));
        fs::set_permissions(&database, fs::Permissions::from_mode(0o400)).expect("set");
        assert!(refused(&data).contains("cannot be written"));
    }
}

#[test]
fn a_folder_whose_name_sqlite_could_read_otherwise_is_looked_into() {
    let data = folder("check ?mode=rwc&x#1%41ü");
    drop(Store::open(&data.join("reg"), Network::Reg).expect("a store"));
    let (code, out, said) = checked(&data, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.contains("version 2"), "{out}");
}
