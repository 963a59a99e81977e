use ltms_core::{Capacity, PeerId, Policy, Reason, Subject};
use tokio::sync::oneshot;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_400_000_000);

fn gate(store: &Store) -> Recorded<Heap, ()> {
    let heap = Heap::noting_changes(Capacity::SMALL);
    Recorded::new(heap, Policy::LOTUS_V1.on(Network::Reg), store.seed(), ())
        .expect("a valid policy")
}

fn peer(number: u8) -> Subject {
    let bytes = [&[0x12, 0x20][..], &[number; 32]].concat();
    Subject::Peer(PeerId::from_bytes(&bytes).expect("a peer id"))
}

/// Writes what changed, and says whether it is stored.
async fn kept(keeper: &mut Keeper, gate: &mut Recorded<Heap, ()>) -> Result<(), String> {
    let (tell, told) = oneshot::channel();
    keeper.tell(Box::new(move |stored| tell.send(stored).expect("somebody asks")));
    keeper.not_before = None;
    keeper.keep(gate, false, |_| Vec::new());
    keeper.written().await;
    told.await.expect("told")
}

fn banned(folder: &Path, number: u8) -> Reason {
    let store = Store::open(folder, Network::Reg).expect("a store");
    let mut gate = gate(&store);
    store.restore(NOW, &mut gate).expect("whole").expect("written");
    gate.standing(NOW, &peer(number)).decision.reason
}

#[tokio::test]
async fn who_waits_is_told_that_the_disk_is_full_and_all_is_stored_once_it_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Network::Reg).expect("a store");
    let mut gate = gate(&store);
    let pages: u32 =
        store.database.pragma_query_value(None, "page_count", |row| row.get(0)).expect("pages");
    store.database.pragma_update(None, "max_page_count", pages).expect("a limit");
    let bans = |gate: &mut Recorded<Heap, ()>| {
        (0..60).try_for_each(|number| gate.ban(NOW, &peer(number), None, Reason::Blacklisted))
    };
    bans(&mut gate).expect("room");
    let mut keeper = Keeper::start(store).expect("a thread");
    let told = kept(&mut keeper, &mut gate).await.expect_err("full");
    assert!(told.starts_with("there is no space left for "), "{told}");
    assert_eq!(gate.standing(NOW, &peer(7)).decision.reason, Reason::Blacklisted, "it holds");
    let last = keeper.stop(&mut gate, |_| Vec::new()).await.expect_err("still full");
    assert_eq!(last, told);

    let store = Store::open(folder.path(), Network::Reg).expect("a store");
    assert_eq!(
        store.restore(NOW, &mut self::gate(&store)).expect("whole"),
        None,
        "nothing by halves"
    );
    let mut keeper = Keeper::start(store).expect("a thread");
    kept(&mut keeper, &mut gate).await.expect("stored");
    assert!(gate.unban(NOW, &peer(8)));
    keeper.stop(&mut gate, |_| Vec::new()).await.expect("stored");
    assert_eq!(
        [7, 8].map(|number| banned(folder.path(), number)),
        [Reason::Blacklisted, Reason::Clear]
    );
}

#[tokio::test]
async fn a_failed_group_is_followed_by_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Network::Reg).expect("a store");
    let mut gate = gate(&store);
    let mut keeper = Keeper::start(store).expect("a thread");
    kept(&mut keeper, &mut gate).await.expect("stored");
    let other = Connection::open(folder.path().join(DATABASE)).expect("opened");
    other.execute_batch("ALTER TABLE bans RENAME TO elsewhere").expect("renamed");
    gate.ban(NOW, &peer(1), None, Reason::Blacklisted).expect("room");
    assert!(kept(&mut keeper, &mut gate).await.is_err());
    other.execute_batch("ALTER TABLE elsewhere RENAME TO bans").expect("renamed");
    assert!(!gate.has_changes(), "only the keeper knows that something is missing");
    kept(&mut keeper, &mut gate).await.expect("stored");
    keeper.stop(&mut gate, |_| Vec::new()).await.expect("stored");
    assert_eq!(banned(folder.path(), 1), Reason::Blacklisted);
}

#[tokio::test]
async fn the_columns_say_what_the_gate_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Network::Reg).expect("a store");
    let mut gate = gate(&store);
    let until = NOW.saturating_add(ltms_core::Millis::from_days(1));
    gate.ban(NOW, &peer(1), Some(until), Reason::Malformed).expect("room");
    gate.ban(NOW, &peer(2), None, Reason::Blacklisted).expect("room");
    let keeper = Keeper::start(store).expect("a thread");
    keeper.stop(&mut gate, |_| Vec::new()).await.expect("stored");
    let database = Connection::open(folder.path().join(DATABASE)).expect("opened");
    let query = "SELECT peer, until, reason, operator, first FROM bans ORDER BY until DESC";
    let mut query = database.prepare(query).expect("a query");
    let rows = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)));
    let rows: Vec<(String, Option<i64>, String, bool, i64)> =
        rows.expect("rows").collect::<Result<_, _>>().expect("rows");
    let name = |number: u8| {
        let bytes = [&[0x12, 0x20][..], &[number; 32]].concat();
        libp2p::PeerId::from_bytes(&bytes).expect("a peer id").to_string()
    };
    let row = |number, until, reason: Reason| {
        (name(number), until, reason.as_str().to_owned(), true, NOW.as_millis().cast_signed())
    };
    let one = row(1, Some(until.as_millis().cast_signed()), Reason::Malformed);
    assert_eq!(rows, [one, row(2, None, Reason::Blacklisted)]);
}
