//! A signer advertises on one node and is found on another.

use ltms_core::{Criteria, Reason};
use ltms_net::{Advertised, NodeError, Offer};

use crate::world::{PATIENCE, builder, burn, chain, connect, node, own, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signer_is_found_two_hops_away() {
    let chain = chain();
    let nodes = [node(&chain).await, node(&chain).await, node(&chain).await];
    let [a, b, c] = nodes.each_ref().map(ltms_net::Node::handle);
    connect(&a, &b).await;
    connect(&c, &b).await;
    let (key, outpoint, id) = burn(&chain, 0);
    until(&a, "the tip is known", async || a.register_identity(&key, outpoint).await.is_ok()).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    until(&c, "found", async || {
        let found = c.directory(Criteria::default(), 10).await.expect("answer");
        found.iter().any(|signer| signer.identity == Some(id) && signer.peer == a.peer_id())
    })
    .await;
    let twice = a.advertise_signer(&key, own(id), &Offer::default()).await;
    let Err(NodeError::Refused(decision)) = twice else { panic!("refused: {twice:?}") };
    assert_eq!(decision.reason, Reason::TooSoon);
    assert!(decision.retry_at.is_some());
    for node in nodes {
        tokio::time::timeout(PATIENCE, node.stop()).await.expect("stopped");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advertisement_made_alone_reaches_the_first_peer() {
    let chain = chain();
    let (first, second) = (node(&chain).await, node(&chain).await);
    let (a, b) = (first.handle(), second.handle());
    let (key, outpoint, id) = burn(&chain, 1);
    until(&a, "the tip is known", async || a.register_identity(&key, outpoint).await.is_ok()).await;
    let advertised = a.advertise_signer(&key, own(id), &Offer::default()).await.expect("kept");
    assert_eq!(advertised, Advertised::Waiting);
    connect(&b, &a).await;
    until(&b, "found", async || {
        b.directory(Criteria::default(), 10).await.expect("answer").len() == 1
    })
    .await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joins_late_finds_all_and_the_dht_finds_one() {
    let chain = chain();
    let (first, second) = (node(&chain).await, node(&chain).await);
    let (a, b) = (first.handle(), second.handle());
    connect(&a, &b).await;
    let (key, outpoint, id) = burn(&chain, 2);
    until(&a, "the tip is known", async || a.register_identity(&key, outpoint).await.is_ok()).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    let late = builder(&chain).bootstrap(b.addresses()[0].clone()).start().await.expect("a node");
    let c = late.handle();
    until(&c, "found", async || {
        c.directory(Criteria::default(), 10).await.expect("answer").len() == 1
    })
    .await;
    let signer = c.look_up(key.public_key()).await.expect("answer").expect("known");
    assert_eq!((signer.peer, signer.types), (a.peer_id(), vec![1]));
    assert_eq!(signer.addresses, a.addresses());
    for node in [first, second, late] {
        node.stop().await;
    }
}
