//! How far advertisements and withdrawals go.

use std::collections::BTreeSet;

use ltms_core::{Millis, Reason};
use ltms_net::{Advertised, Node, NodeError, NodeEvent, Offer};

use crate::world::{
    Watch, builder, chain, connect, delegation, event, finds, found, key, node, own, register,
    until,
};

#[tokio::test]
async fn a_withdrawal_removes_the_signer_two_hops_away() {
    let (chain, watch) = (chain(), Watch::default());
    let made = || builder(&chain).clock(watch.clock()).start();
    let nodes = [made().await, made().await, made().await].map(|node| node.expect("a node"));
    let [a, b, c] = nodes.each_ref().map(Node::handle);
    connect(&a, &b).await;
    connect(&c, &b).await;
    let (key, id) = register(&a, &chain, 0).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    until(&c, "found", async || finds(&c, &key.public_key()).await).await;
    let stranger = a.withdraw_signer(&crate::world::key("nobody"), None).await;
    let Err(NodeError::Refused(decision)) = stranger else { panic!("refused: {stranger:?}") };
    assert_eq!(decision.reason, Reason::NotListed);
    let mut events = c.subscribe();
    watch.forward(Millis::from_secs(61));
    a.withdraw_signer(&key, own(id)).await.expect("withdrawn");
    event(
        &mut events,
        "withdrawn",
        |event| matches!(event, NodeEvent::Withdrawn(author) if *author == key.public_key()),
    )
    .await;
    for handle in [&a, &b, &c] {
        assert!(!finds(handle, &key.public_key()).await);
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_strangers_advertisement_goes_to_the_connected_peers_and_no_further() {
    let chain = chain();
    let nodes = [node(&chain).await, node(&chain).await, node(&chain).await];
    let [a, b, c] = nodes.each_ref().map(Node::handle);
    connect(&a, &b).await;
    connect(&c, &b).await;
    let stranger = key("stranger");
    let mut refusals = c.subscribe();
    a.advertise_signer(&stranger, None, &Offer::default()).await.expect("advertised");
    until(&b, "found", async || finds(&b, &stranger.public_key()).await).await;
    let signer = found(&b).await.remove(0);
    assert_eq!((signer.identity, signer.peer), (None, a.peer_id()));
    // What is published later comes by, and a page of the directory that has it is no way either.
    let (key, id) = register(&a, &chain, 0).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    until(&c, "found", async || finds(&c, &key.public_key()).await).await;
    event(&mut refusals, "refused", |event| {
        matches!(event, NodeEvent::Refused { reason: Reason::StrangerElsewhere, .. })
    })
    .await;
    assert!(!finds(&c, &stranger.public_key()).await);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_directory_of_120_advertisements_is_pulled_whole() {
    let chain = chain();
    let (first, second) = (node(&chain).await, node(&chain).await);
    let (a, b) = (first.handle(), second.handle());
    connect(&a, &b).await;
    let mut advertised = BTreeSet::new();
    for n in 0..12 {
        let (current, id) = register(&a, &chain, n).await;
        // Nothing is listed, and no limit met, before somebody has subscribed.
        until(&a, "somebody listens", async || {
            let advertised = a.advertise_signer(&current, own(id), &Offer::default()).await;
            !matches!(advertised, Ok(Advertised::Waiting))
        })
        .await;
        advertised.insert(current.public_key());
        for slot in 1..10 {
            let delegated = key(&format!("{n}/{slot}"));
            let authority = Some(delegation(&chain, n, &delegated));
            a.advertise_signer(&delegated, authority, &Offer::default()).await.expect("advertised");
            advertised.insert(delegated.public_key());
        }
        let over = key(&format!("{n}/10"));
        let over =
            a.advertise_signer(&over, Some(delegation(&chain, n, &over)), &Offer::default()).await;
        assert!(matches!(over, Err(NodeError::Refused(of)) if of.reason == Reason::KeyLimit));
    }
    assert_eq!((advertised.len(), found(&a).await.len()), (120, 120));
    let late = builder(&chain).bootstrap(a.addresses()[0].clone()).start().await.expect("a node");
    let c = late.handle();
    for handle in [&b, &c] {
        until(handle, "all found", async || found(handle).await.len() == 120).await;
        let keys: BTreeSet<_> = found(handle).await.iter().map(|signer| signer.key).collect();
        assert_eq!(keys, advertised);
    }
    for node in [first, second, late] {
        node.stop().await;
    }
}
