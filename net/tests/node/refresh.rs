//! Offers outlive their advertisements, until they are withdrawn.

use ltms_core::{Millis, Reason, Timestamp, burn::Purpose, schnorr::SecretKey};
use ltms_net::{Handle, Node, NodeEvent, Offer};

use crate::{
    rotation::{burned, new_key},
    world::{Watch, builder, chain, connect, event, finds, found, own, register, until},
};

/// When the advertisement of a key ends, as a node knows it.
async fn end(handle: &Handle, key: &SecretKey) -> Timestamp {
    let found = found(handle).await;
    let own = found.iter().find(|signer| signer.key == key.public_key());
    own.map_or(Timestamp::EPOCH, |signer| signer.expires_at)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_signed_anew_before_it_ends_and_no_more_once_it_is_withdrawn() {
    let (chain, watch) = (chain(), Watch::default());
    let made = || builder(&chain).clock(watch.clock()).start();
    let nodes = [made().await, made().await].map(|node| node.expect("a node"));
    let [a, b] = nodes.each_ref().map(Node::handle);
    connect(&a, &b).await;
    let offer = Offer { lifetime: Millis::from_mins(40), ..Offer::default() };
    let (key, id) = register(&a, &chain, 0).await;
    let (other, other_id) = register(&a, &chain, 1).await;
    for (key, id) in [(&key, id), (&other, other_id)] {
        a.advertise_signer(key, own(id), &offer).await.expect("advertised");
        until(&b, "found", async || finds(&b, &key.public_key()).await).await;
    }
    // Three quarters of their life: they are renewed by then, and have not ended.
    let quarters = Millis::from_mins(30);
    for _ in 0..3 {
        for key in [&key, &other] {
            assert!(end(&b, key).await > watch.clock().now().saturating_add(quarters));
        }
        let ends = [end(&b, &key).await, end(&b, &other).await];
        watch.forward(quarters);
        for (key, ends) in [&key, &other].into_iter().zip(ends) {
            until(&b, "renewed", async || end(&b, key).await > ends).await;
        }
    }
    watch.forward(Millis::from_secs(61));
    a.withdraw_signer(&key, own(id)).await.expect("withdrawn");
    until(&b, "withdrawn", async || !finds(&b, &key.public_key()).await).await;
    for _ in 0..2 {
        let ends = end(&b, &other).await;
        watch.forward(quarters);
        until(&b, "the other is renewed", async || end(&b, &other).await > ends).await;
        for handle in [&a, &b] {
            assert!(!finds(handle, &key.public_key()).await, "it would have been, too");
        }
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_under_a_rotated_key_ends_and_says_so() {
    let (chain, watch) = (chain(), Watch::default());
    let node = builder(&chain).clock(watch.clock()).start().await.expect("a node");
    let peer = builder(&chain).clock(watch.clock()).start().await.expect("a node");
    let (a, b) = (node.handle(), peer.handle());
    connect(&a, &b).await;
    let (key, id) = register(&a, &chain, 1).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    let next = new_key(21);
    let rotation = burned(&chain, next.public_key(), Purpose::Rotation, id, 5);
    until(&a, "rotated", async || a.rotate_identity(id, &key, &next, rotation).await.is_ok()).await;
    let mut events = a.subscribe();
    watch.forward(Millis::from_mins(46));
    event(&mut events, "ended", |event| {
        matches!(event, NodeEvent::OfferEnded { key: of, reason: Reason::Superseded }
            if *of == key.public_key())
    })
    .await;
    node.stop().await;
    peer.stop().await;
}
