//! Bans, and what is known about a peer.

use ltms_core::{Millis, Reason};
use ltms_net::{Node, NodeEvent, Offer};

use crate::world::{
    Watch, builder, burn, chain, connect, decided, event, finds, node, own, register, until,
};

#[tokio::test]
async fn a_ban_disconnects_at_once_and_refuses_until_it_is_lifted() {
    let chain = chain();
    let nodes = [node(&chain).await, node(&chain).await, node(&chain).await];
    let [a, b, c] = nodes.each_ref().map(Node::handle);
    connect(&b, &a).await;
    connect(&c, &a).await;
    let (mut events, banned) = (a.subscribe(), b.peer_id());
    assert!(a.ban(banned, None).await.expect("answer"));
    event(
        &mut events,
        "disconnected",
        |event| matches!(event, NodeEvent::Disconnected(peer) if *peer == banned),
    )
    .await;
    let standing = a.standing_of(&banned).await.expect("answer");
    assert_eq!(standing.decision.reason, Reason::Blacklisted);
    assert!(standing.by_operator && standing.connections == 0);
    for (from, to) in [(&b, &a), (&a, &b)] {
        let refused = decided(&a, Reason::Blacklisted).await;
        from.dial(to.addresses()[0].clone()).await.expect("dialled");
        until(&a, "refused", async || decided(&a, Reason::Blacklisted).await > refused).await;
        assert_eq!(a.peers().await.expect("answer"), [c.peer_id()], "nobody else is cut off");
    }
    assert!(a.unban(banned).await.expect("answer"));
    assert!(!a.unban(banned).await.expect("answer"), "only once");
    b.dial(a.addresses()[0].clone()).await.expect("dialled");
    event(
        &mut events,
        "connected",
        |event| matches!(event, NodeEvent::Connected(peer) if *peer == banned),
    )
    .await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn nothing_of_a_ban_outlives_it_when_the_peer_was_away() {
    let (chain, watch) = (chain(), Watch::default());
    let made = || builder(&chain).clock(watch.clock()).start();
    let (first, second) = (made().await.expect("a node"), made().await.expect("a node"));
    let (a, b) = (first.handle(), second.handle());
    let (key, id) = register(&b, &chain, 0).await;
    register(&a, &chain, 0).await;
    // The other is known, and away, when the ban begins.
    connect(&b, &a).await;
    let mut events = a.subscribe();
    assert!(a.ban(b.peer_id(), None).await.expect("answer"));
    event(&mut events, "gone", |event| matches!(event, NodeEvent::Disconnected(_))).await;
    assert!(a.unban(b.peer_id()).await.expect("answer"));
    until(&b, "gone", async || b.peers().await.expect("answer").is_empty()).await;
    let until_then = watch.clock().now().saturating_add(Millis::from_mins(1));
    assert!(a.ban(b.peer_id(), Some(until_then)).await.expect("answer"));
    watch.forward(Millis::from_mins(2));
    connect(&b, &a).await;
    b.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    until(&a, "found", async || finds(&a, &key.public_key()).await).await;
    watch.forward(Millis::from_mins(2));
    b.withdraw_signer(&key, own(id)).await.expect("withdrawn");
    // Only gossip brings a withdrawal.
    until(&a, "withdrawn", async || !finds(&a, &key.public_key()).await).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn an_identity_that_is_proved_on_a_connection_shows_in_the_peers_standing() {
    let chain = chain();
    let verifier = node(&chain).await;
    let b = verifier.handle();
    let (key, id) = register(&b, &chain, 0).await;
    let (other, ..) = burn(&chain, 1);
    let right = builder(&chain).identity(id, key).start().await.expect("a node");
    let wrong = builder(&chain).identity(id, other).start().await.expect("a node");
    connect(&right.handle(), &b).await;
    connect(&wrong.handle(), &b).await;
    let of =
        async |node: &Node| b.standing_of(&node.handle().peer_id()).await.expect("answer").identity;
    until(&b, "proved", async || of(&right).await == Some(id)).await;
    until(&b, "refused", async || decided(&b, Reason::NotDelegated).await == 1).await;
    assert_eq!(of(&wrong).await, None);
    let mut events = b.subscribe();
    let peer = right.handle().peer_id();
    right.stop().await;
    event(
        &mut events,
        "gone",
        |event| matches!(event, NodeEvent::Disconnected(gone) if *gone == peer),
    )
    .await;
    assert_eq!(b.standing_of(&peer).await.expect("answer").identity, None, "until it ends");
    wrong.stop().await;
    verifier.stop().await;
}

#[tokio::test]
async fn an_identity_that_a_peer_does_not_know_yet_is_proved_once_it_does() {
    let chain = chain();
    let verifier = node(&chain).await;
    let b = verifier.handle();
    register(&b, &chain, 1).await;
    let (key, _, id) = burn(&chain, 0);
    let prover = builder(&chain).identity(id, key).start().await.expect("a node");
    let a = prover.handle();
    register(&a, &chain, 0).await;
    assert_eq!(b.identity(id).await.expect("answer"), None);
    connect(&a, &b).await;
    until(&b, "proved", async || {
        b.standing_of(&a.peer_id()).await.expect("answer").identity == Some(id)
    })
    .await;
    assert_eq!(decided(&b, Reason::UnknownIdentity).await, 1, "it was asked for its claim");
    prover.stop().await;
    verifier.stop().await;
}
