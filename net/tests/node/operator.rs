//! Bans, and what is known about a peer.

use ltms_core::{Ban, Millis, Network, Policy, Quota, Reason, Subject, Timestamp};
use ltms_net::{
    Handle, Node, NodeEvent, Offer, Undo,
    behaviour::streams::{Request, Response},
    core_peer,
};

use crate::world::{
    Watch, advertisement, builder, burn, chain, connect, decided, event, finds, key, node, own,
    register, until,
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

#[tokio::test]
async fn a_proof_that_a_busy_node_did_not_look_at_is_made_again() {
    let (chain, watch) = (chain(), Watch::default());
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.windows.node_signatures = Quota::every(Millis::from_hours(1), 1);
    let made = || builder(&chain).clock(watch.clock());
    let verifier = made().policy(policy).start().await.expect("a node");
    let b = verifier.handle();
    register(&b, &chain, 0).await;
    let liar = made().start().await.expect("a node");
    connect(&liar.handle(), &b).await;
    let peer = liar.handle().peer_id();
    let mut forged = advertisement(&key("forged"), None, &peer, watch.clock().now());
    *forged.last_mut().expect("a signature") ^= 1;
    let _ = liar.handle().ask_peer(b.peer_id(), Request::Push(forged)).await.expect("an answer");
    assert_eq!(decided(&b, Reason::InvalidSignature).await, 1, "the only check is used up");

    let (key, _, id) = burn(&chain, 0);
    let prover = made().identity(id, key).start().await.expect("a node");
    let a = prover.handle();
    connect(&a, &b).await;
    until(&b, "busy", async || decided(&b, Reason::NodeBusy).await > 0).await;
    let proved = async || b.standing_of(&a.peer_id()).await.expect("answer").identity == Some(id);
    assert!(!proved().await);
    watch.forward(Millis::from_hours(1));
    until(&b, "proved", async || proved().await).await;
    prover.stop().await;
    liar.stop().await;
    verifier.stop().await;
}

/// Has `hasty` push one advertisement of its own after another to a node that dialled it, until
/// the breaker holds its sanction back.
async fn hurry(hasty: &Handle, node: &Handle, watch: &Watch) -> Ban {
    let (author, peer, now) = (key("hasty"), hasty.peer_id(), watch.clock().now());
    for number in 0..=10 {
        // The first is taken; each of the others is another body.
        let ad = advertisement(&author, None, &peer, now.saturating_sub(Millis::new(10 - number)));
        let answer = hasty.ask_peer(node.peer_id(), Request::Push(ad)).await.expect("an answer");
        let expected = if number == 0 { Reason::New } else { Reason::TooSoon };
        assert!(matches!(answer, Response::Judged { code, .. } if code == expected.code()));
    }
    let bans = node.bans().await.expect("answer");
    let [held] = bans[..] else { panic!("{bans:?}") };
    assert!(held.held && held.reason == Reason::TooSoon && !held.by_operator);
    assert_eq!(held.subject, Subject::Peer(core_peer(&peer)));
    held
}

#[tokio::test]
async fn what_the_breaker_holds_back_is_undone_by_reason_and_time_and_else_comes_into_force() {
    let (chain, watch) = (chain(), Watch::default());
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.breaker.hold = Millis::from_mins(30);
    let made = || builder(&chain).clock(watch.clock()).policy(policy).start();
    let node = made().await.expect("a node");
    let a = node.handle();
    for undone in [true, false] {
        let other = made().await.expect("a node");
        let b = other.handle();
        connect(&a, &b).await;
        let held = hurry(&b, &a, &watch).await;
        let since = held.since.expect("a time");
        let undo = async |reason, since: Timestamp, until: Timestamp, dry| {
            let undo = Undo { reasons: vec![reason], since, until };
            a.undo_bans(undo, dry).await.expect("answer")
        };
        let after = since.saturating_add(Millis::new(1));
        if undone {
            assert_eq!(undo(Reason::Malformed, since, after, false).await, [], "another reason");
            assert_eq!(undo(Reason::TooSoon, after, Timestamp::NEVER, false).await, [], "earlier");
            assert_eq!(undo(Reason::TooSoon, Timestamp::EPOCH, since, false).await, [], "later");
            assert_eq!(undo(Reason::TooSoon, since, after, true).await, [held]);
            assert_eq!(a.bans().await.expect("answer"), [held], "only said");
            assert_eq!(undo(Reason::TooSoon, since, after, false).await, [held]);
            assert_eq!(undo(Reason::TooSoon, since, after, false).await, [], "once");
        }
        let mut events = a.subscribe();
        watch.forward(Millis::from_mins(30));
        if undone {
            // A second later the node has looked, and let the peer be.
            let judged = decided(&a, Reason::TooSoon).await;
            let again = b.ask_peer(a.peer_id(), Request::Challenge).await.expect("an answer");
            assert!(matches!(again, Response::Challenge(_)));
            assert_eq!(a.bans().await.expect("answer"), []);
            assert_eq!(decided(&a, Reason::TooSoon).await, judged);
        } else {
            let peer = b.peer_id();
            event(
                &mut events,
                "banned",
                |event| matches!(event, NodeEvent::Sanctioned { peer: of, .. } if *of == peer),
            )
            .await;
            let bans = a.bans().await.expect("answer");
            let until = held.until.map(|due| due.saturating_add(Millis::from_hours(1)));
            assert!(matches!(bans[..], [ban] if !ban.held && ban.until == until), "{bans:?}");
        }
        other.stop().await;
    }
    node.stop().await;
}
