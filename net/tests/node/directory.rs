//! Searches over peers' directories, some of which are hostile.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use libp2p::PeerId;
use ltms_core::{
    Criteria, List, Millis, PublicKey, Reason, Signature, Timestamp,
    wire::{Advertisement, Envelope, Kind},
};
use ltms_net::{
    Handle, NodeError, NodeEvent, Offer, Reach,
    behaviour::streams::{Request, Response},
    clock::Clock,
    core_peer,
};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::{
    crowd::spread,
    wild::{Does, Raw, only, page, peer_at, peer_of, serve},
    world::{
        PATIENCE, Watch, advertisement, builder, chain, decided, delegation, event, finds, key,
        node, own, pair, register, until,
    },
};

fn now() -> Timestamp {
    Clock::system().now()
}

/// An advertisement with a signature of nobody.
fn unsigned(author: PublicKey, created_at: Timestamp) -> Vec<u8> {
    let mut types = List::new();
    types.push(1).expect("room");
    let ad = Advertisement {
        author,
        created_at,
        expires_at: created_at.saturating_add(Millis::from_hours(1)),
        peer: core_peer(&PeerId::random()),
        addresses: List::new(),
        types,
        amount: None,
        fee: None,
        nickname: None,
        description: None,
        authority: None,
    };
    let (mut body, mut envelope) = ([0; 1_000], vec![0; 1_000]);
    let len = ad.encode(&mut body).expect("room");
    let signature = Signature::from_bytes([1; 64]);
    let len = Envelope { kind: Kind::Advertisement, body: &body[..len], signature }
        .encode(&mut envelope)
        .expect("room");
    envelope.truncate(len);
    envelope
}

/// The key one after another.
fn following(after: Option<PublicKey>) -> PublicKey {
    let mut bytes = after.map_or([2; 33], |key| *key.as_bytes());
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    PublicKey::from_bytes(bytes)
}

async fn reach(handle: &Handle) -> (Vec<PublicKey>, Reach) {
    let search = handle.find_signers(Criteria::default(), 100);
    let found = timeout(PATIENCE, search).await.expect("in time").expect("answer");
    (found.signers.iter().map(|signer| signer.key).collect(), found.reach)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_brings_what_three_peers_list_and_says_how_far_it_reached() {
    let chain = chain();
    let node = node(&chain).await;
    let b = node.handle();
    register(&b, &chain, 0).await;
    assert_eq!(reach(&b).await, (vec![], Reach::default()), "nobody is there");
    let mut authors = Vec::new();
    let mut peers = Vec::new();
    for n in 0..4u32 {
        let author = key(&format!("listed {n}"));
        let authority = Some(delegation(&chain, 0, &author));
        let peer = peer_of(&b).await;
        let ad = advertisement(&author, authority, peer.local_peer_id(), now());
        let author = author.public_key();
        peers.push(serve(peer, move |after| Does::Answers(only(author, &ad, after))));
        authors.push(author);
    }
    let (found, reached) = reach(&b).await;
    assert!(found.len() >= 3, "{found:?}");
    assert!(found.iter().all(|key| authors.contains(key)));
    // All of 127.0.0.1 is one group.
    assert_eq!(reached, Reach { asked: 3, answered: 3, groups: 1 });
    assert!(!reached.is_wide());
    peers.iter().for_each(JoinHandle::abort);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_asks_peers_of_three_wide_groups_however_many_are_of_one() {
    let chain = chain();
    let node = builder(&chain).observe(spread).start().await.expect("a node");
    let b = node.handle();
    register(&b, &chain, 0).await;
    let (mut peers, mut authors) = (Vec::new(), Vec::new());
    for (n, from) in [2, 2, 2, 2, 2, 2, 3, 4].into_iter().enumerate() {
        let author = key(&format!("of group {n}"));
        let authority = Some(delegation(&chain, 0, &author));
        let peer = peer_at(from, &b).await;
        let ad = advertisement(&author, authority, peer.local_peer_id(), now());
        let author = author.public_key();
        peers.push(serve(peer, move |after| Does::Answers(only(author, &ad, after))));
        authors.push(author);
    }
    for _ in 0..3 {
        let (found, reached) = reach(&b).await;
        assert_eq!(reached, Reach { asked: 3, answered: 3, groups: 3 });
        assert!(reached.is_wide());
        // Who is alone in its group is asked each time.
        assert!(authors[6..].iter().all(|author| found.contains(author)), "{found:?}");
    }
    peers.iter().for_each(JoinHandle::abort);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_answers_with_what_is_there_and_streams_what_comes_later() {
    let chain = chain();
    let node = node(&chain).await;
    let b = node.handle();
    register(&b, &chain, 0).await;
    let (quick, late) = (key("quick"), key("late"));
    let ads = [&quick, &late].map(|author| {
        let authority = Some(delegation(&chain, 0, author));
        advertisement(author, authority, &PeerId::random(), now())
    });
    let [quick, late] = [quick, late].map(|author| author.public_key());
    let [ad, late_ad] = ads;
    let good = serve(peer_of(&b).await, move |after| Does::Answers(only(quick, &ad, after)));
    let (tell, waits) = oneshot::channel();
    let mut waits = Some(waits);
    let slow = serve(peer_of(&b).await, move |after| {
        let response = only(late, &late_ad, after);
        match waits.take() {
            Some(waits) => Does::Waits(waits, response),
            None => Does::Answers(response),
        }
    });
    let search = b.search_signers(Criteria::default(), 100);
    let mut search = timeout(PATIENCE, search).await.expect("in time").expect("answer");
    let found: Vec<_> = search.found.signers.iter().map(|signer| signer.key).collect();
    assert_eq!((found, search.found.reach.asked), (vec![quick], 2));
    assert_eq!(search.found.reach.answered, 1);
    tell.send(()).expect("waiting");
    let next = timeout(PATIENCE, search.next()).await.expect("in time");
    assert_eq!(next.map(|signer| signer.key), Some(late));
    assert!(timeout(PATIENCE, search.next()).await.expect("in time").is_none(), "all answered");
    good.abort();
    slow.abort();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_slow_bytes_and_huge_frames_cost_a_search_its_time_at_most() {
    let chain = chain();
    let node = node(&chain).await;
    let b = node.handle();
    register(&b, &chain, 0).await;
    let author = key("honest");
    let ad = advertisement(&author, Some(delegation(&chain, 0, &author)), &PeerId::random(), now());
    let author = author.public_key();
    let huge = Raw { bytes: vec![0, 1, 0x86, 0xa1], slow: false };
    let huge = serve(peer_of(&b).await, move |_| {
        Does::Writes(Raw { bytes: huge.bytes.clone(), slow: false })
    });
    until(&b, "refused", async || reach(&b).await.1 == Reach { asked: 1, ..Reach::default() })
        .await;
    let silent = serve(peer_of(&b).await, |_| Does::Nothing);
    let slow = serve(peer_of(&b).await, |_| {
        let bytes = [&[0, 0, 100, 0][..], &vec![0x84; 25_600]].concat();
        Does::Writes(Raw { bytes, slow: true })
    });
    let good = serve(peer_of(&b).await, move |after| Does::Answers(only(author, &ad, after)));
    let search = b.search_signers(Criteria::default(), 100);
    let mut search = timeout(PATIENCE, search).await.expect("in time").expect("answer");
    let reached = search.found.reach;
    assert!(reached.answered <= 1 && reached.asked >= 3, "{reached:?}");
    while let Some(signer) = timeout(PATIENCE, search.next()).await.expect("an end") {
        assert_eq!(signer.key, author);
    }
    until(&b, "the honest one is found", async || reach(&b).await.0 == [author]).await;
    [huge, silent, slow, good].iter().for_each(JoinHandle::abort);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_end_are_left_after_64_and_a_cursor_that_loops_after_the_second() {
    let chain = chain();
    for (most, looping) in [(64, false), (2, true)] {
        let node = node(&chain).await;
        let b = node.handle();
        let (chains, longest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = (chains.clone(), longest.clone());
        let (mut last, mut length) = (None, 0);
        let old = now().saturating_sub(Millis::from_hours(2));
        let peer = serve(peer_of(&b).await, move |after| {
            let goes_on = last.is_some() && last == after;
            length = if goes_on { length + 1 } else { 1 };
            counted.0.fetch_add(usize::from(!goes_on), Ordering::Relaxed);
            counted.1.fetch_max(length, Ordering::Relaxed);
            let next = if looping { following(None) } else { following(after) };
            last = Some(next);
            Does::Answers(page(vec![unsigned(next, old)], true))
        });
        let (found, reached) = reach(&b).await;
        assert_eq!((found, reached.asked), (vec![], 1));
        until(&b, "read anew", async || chains.load(Ordering::Relaxed) >= 3).await;
        let longest = longest.load(Ordering::Relaxed);
        assert!(longest <= most && (looping || longest > 1), "{longest} pages");
        peer.abort();
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unsigned_expired_or_of_others_never_comes_in_however_often_it_is_served() {
    let chain = chain();
    let node = node(&chain).await;
    let b = node.handle();
    register(&b, &chain, 0).await;
    let peer = peer_of(&b).await;
    let local = *peer.local_peer_id();
    let author = |name: &str| key(&format!("served {name}"));
    let made = |name: &str, at| {
        let author = author(name);
        let authority = Some(delegation(&chain, 0, &author));
        (author.public_key(), advertisement(&author, authority, &local, at))
    };
    let good = made("good", now());
    let expired = made("expired", now().saturating_sub(Millis::from_hours(2)));
    let mut forged = made("forged", now());
    *forged.1.last_mut().expect("a signature") ^= 1;
    let elsewhere = author("elsewhere");
    let elsewhere =
        (elsewhere.public_key(), advertisement(&elsewhere, None, &PeerId::random(), now()));
    let mut all = [good.clone(), expired, forged, elsewhere];
    all.sort_by_key(|(author, _)| *author);
    let peer = serve(peer, move |after| {
        let rest = all.iter().filter(|(author, _)| after.is_none_or(|after| after < *author));
        Does::Answers(page(rest.map(|(_, ad)| ad.clone()).collect(), false))
    });
    for _ in 0..3 {
        assert_eq!(reach(&b).await.0, [good.0]);
    }
    for reason in [Reason::Expired, Reason::InvalidSignature, Reason::StrangerElsewhere] {
        assert!(decided(&b, reason).await >= 3, "{reason}");
    }
    peer.abort();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_signer_does_not_come_back_and_its_key_is_free() {
    let (chain, watch) = (chain(), Watch::default());
    let [first, second] = pair(&chain, &watch).await;
    let (a, b) = (first.handle(), second.handle());
    let (author, id) = register(&a, &chain, 0).await;
    a.advertise_signer(&author, own(id), &Offer::default()).await.expect("advertised");
    let author_key = author.public_key();
    until(&b, "found", async || finds(&b, &author_key).await).await;
    let kept = a.ask_peer(b.peer_id(), Request::Directory { after: None }).await.expect("a page");
    let Response::Directory { ads, .. } = kept else { panic!("a page: {kept:?}") };
    let [ad] = &ads[..] else { panic!("one advertisement: {ads:?}") };
    let ad = ad.clone();
    watch.forward(Millis::from_secs(61));
    let mut events = b.subscribe();
    a.withdraw_signer(&author, own(id)).await.expect("withdrawn");
    event(&mut events, "withdrawn", |event| matches!(event, NodeEvent::Withdrawn(_))).await;
    // Another peer has not heard of it, or will not have.
    let peer = serve(peer_of(&b).await, move |after| Does::Answers(only(author_key, &ad, after)));
    for _ in 0..3 {
        assert_eq!(reach(&b).await.0, []);
    }
    until(&b, "it was served", async || decided(&b, Reason::Replayed).await > 0).await;
    // A slot is free ten minutes after the withdrawal, for ten other keys.
    watch.forward(Millis::from_mins(11));
    for n in 0..10 {
        let other = key(&format!("instead {n}"));
        let hash = Some(delegation(&chain, 0, &other));
        a.advertise_signer(&other, hash, &Offer::default()).await.expect("room");
        until(&b, "listed", async || finds(&b, &other.public_key()).await).await;
    }
    peer.abort();
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_under_way_are_bounded() {
    let chain = chain();
    let node = node(&chain).await;
    let b = node.handle();
    let silent = serve(peer_of(&b).await, |_| Does::Nothing);
    let search = || b.find_signers(Criteria::default(), 1);
    let answers = futures::future::join_all((0..20).map(|_| search())).await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(NodeError::Busy))).count();
    assert_eq!(busy, 4);
    assert!(search().await.is_ok(), "those are over");
    silent.abort();
    node.stop().await;
}
