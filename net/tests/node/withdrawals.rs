//! Newcomers learn of withdrawals, and not of what was withdrawn.

use libp2p::kad::Record;
use ltms_core::{Criteria, Millis, Network, PublicKey, Reason};
use ltms_net::{
    Advertised, Handle, Offer,
    behaviour::{
        dht::record_key,
        streams::{Request, Response},
    },
};
use tokio::time::timeout;

use crate::{
    dht::{get, put, server},
    wild::{Does, only, peer_of, serve},
    world::{
        PATIENCE, Watch, builder, chain, connect, decided, delegation, finds, found, key, own,
        pair, register, until,
    },
};

/// The first page of a directory. Who asks without a pause gets none for a while, so this asks again.
async fn served(by: &Handle, to: &Handle) -> Vec<Vec<u8>> {
    let asked = async {
        loop {
            let page = to.ask_peer(by.peer_id(), Request::Directory { after: None }).await;
            if let Ok(Response::Directory { ads, .. }) = page {
                return ads;
            }
        }
    };
    timeout(PATIENCE, asked).await.expect("a page")
}

async fn search(handle: &Handle) -> Vec<PublicKey> {
    let search = handle.find_signers(Criteria::default(), 100);
    let found = timeout(PATIENCE, search).await.expect("in time").expect("answer");
    found.signers.iter().map(|signer| signer.key).collect()
}

/// An advertisement that is withdrawn, and both envelopes.
async fn withdrawn(
    a: &Handle,
    b: &Handle,
    watch: &Watch,
    chain: &ltms_net::chain::DevChain,
) -> (PublicKey, [Vec<u8>; 2]) {
    let (author, id) = register(a, chain, 0).await;
    let offer = Offer { lifetime: Millis::from_hours(24), ..Offer::default() };
    a.advertise_signer(&author, own(id), &offer).await.expect("advertised");
    let key = author.public_key();
    until(b, "found", async || finds(b, &key).await).await;
    let old = served(a, b).await.remove(0);
    watch.forward(Millis::from_secs(61));
    a.withdraw_signer(&author, own(id)).await.expect("withdrawn");
    until(b, "gone", async || !finds(b, &key).await).await;
    let gone = served(b, a).await.remove(0);
    assert_ne!(old, gone);
    (key, [old, gone])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_hears_of_a_withdrawal_before_or_after_what_it_is_about() {
    let (chain, watch) = (chain(), Watch::default());
    let [first, second] = pair(&chain, &watch).await;
    let (a, b) = (first.handle(), second.handle());
    let (key, [old, gone]) = withdrawn(&a, &b, &watch, &chain).await;
    let here = std::slice::from_ref(&gone);
    // Ten minutes later its slot is free; what it withdrew lasts for a day.
    watch.forward(Millis::from_hours(20));
    for honest_first in [true, false] {
        let third = builder(&chain).clock(watch.clock()).start().await.expect("a node");
        let c = third.handle();
        register(&c, &chain, 0).await;
        let (its_id, item) = (peer_of(&c).await, old.clone());
        let lie = || serve(its_id, move |after| Does::Answers(only(key, &item, after)));
        let liar = if honest_first {
            connect(&c, &b).await;
            until(&c, "it serves the withdrawal", async || served(&c, &b).await == here).await;
            let liar = lie();
            until(&c, "the old one came", async || {
                assert_eq!(search(&c).await, []);
                decided(&c, Reason::Replayed).await > 0
            })
            .await;
            liar
        } else {
            let liar = lie();
            until(&c, "listed", async || search(&c).await == [key]).await;
            connect(&c, &b).await;
            until(&c, "no longer", async || search(&c).await.is_empty()).await;
            liar
        };
        for _ in 0..3 {
            assert_eq!(search(&c).await, []);
        }
        assert_eq!(served(&c, &b).await, here, "whoever comes next hears of it");
        liar.abort();
        third.stop().await;
    }
    // It is served no longer than what it is about could last.
    watch.forward(Millis::from_hours(4));
    assert_eq!(served(&b, &a).await, Vec::<Vec<u8>>::new());
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_that_comes_too_soon_is_sent_when_its_window_opens() {
    let (chain, watch) = (chain(), Watch::default());
    let [first, second] = pair(&chain, &watch).await;
    let (a, b) = (first.handle(), second.handle());
    let (author, id) = register(&a, &chain, 0).await;
    let offer = Offer { lifetime: Millis::from_hours(24), ..Offer::default() };
    a.advertise_signer(&author, own(id), &offer).await.expect("advertised");
    let key = author.public_key();
    until(&b, "found", async || finds(&b, &key).await).await;
    let taken = a.withdraw_signer(&author, own(id)).await.expect("taken");
    assert_eq!(taken, Advertised::Waiting, "its window is a minute");
    assert!(finds(&b, &key).await);
    watch.forward(Millis::from_secs(61));
    until(&b, "gone", async || !finds(&b, &key).await).await;
    first.stop().await;
    second.stop().await;
}

/// Ten keys of an identity may advertise at once, and then one a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn withdrawals_of_an_identity_are_sent_one_after_the_other_as_its_window_opens() {
    let (chain, watch) = (chain(), Watch::default());
    let [first, second] = pair(&chain, &watch).await;
    let (a, b) = (first.handle(), second.handle());
    register(&a, &chain, 0).await;
    let keys: Vec<_> = (0..10).map(|n| key(&format!("of ten {n}"))).collect();
    let offer = Offer { lifetime: Millis::from_hours(24), ..Offer::default() };
    for key in &keys {
        let authority = Some(delegation(&chain, 0, key));
        a.advertise_signer(key, authority, &offer).await.expect("advertised");
        until(&b, "found", async || finds(&b, &key.public_key()).await).await;
    }
    let leaving = &keys[..2];
    for key in leaving {
        let taken = a.withdraw_signer(key, Some(delegation(&chain, 0, key))).await;
        assert_eq!(taken.expect("taken"), Advertised::Waiting);
    }
    let left = async || {
        let listed = found(&b).await;
        let is_listed = |key: &PublicKey| listed.iter().any(|signer| signer.key == *key);
        leaving.iter().filter(|key| is_listed(&key.public_key())).count()
    };
    for count in [1, 0] {
        watch.forward(Millis::from_secs(61));
        until(&b, "gone", async || left().await == count).await;
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_takes_the_place_of_the_record_that_it_is_about() {
    let (chain, watch) = (chain(), Watch::default());
    let [first, second] = pair(&chain, &watch).await;
    let (a, b) = (first.handle(), second.handle());
    let mut server = server(&b).await;
    let (key, [old, gone]) = withdrawn(&a, &b, &watch, &chain).await;
    let stored = async {
        // Its owner puts it again until somebody takes it.
        while get(&mut server, &key).await != Some(gone.clone()) {
            watch.forward(Millis::from_secs(31));
        }
    };
    timeout(PATIENCE, stored).await.expect("stored in time");
    put(&mut server, &b, Record::new(record_key(Network::Reg, &key), old)).await;
    until(&b, "judged", async || decided(&b, Reason::Replayed).await > 0).await;
    assert_eq!(get(&mut server, &key).await, Some(gone));
    first.stop().await;
    second.stop().await;
}
