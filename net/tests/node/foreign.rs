//! Peers of other programs, which speak gossip about things of their own.

use futures::{AsyncWriteExt, StreamExt};
use libp2p::swarm::SwarmEvent;
use ltms_core::{Criteria, Millis, Reason};
use ltms_net::{Advertised, Offer, clock::Clock};
use tokio::time::timeout;

use crate::{
    common::{
        raw::{Raw, proposal, to_end},
        wire::{Hostile, frame, message, subscribe},
    },
    world::{
        PATIENCE, advertisement, builder, chain, connect, decided, key, node, own, register, until,
    },
};

/// What the TypeScript network gossips on, and a topic that nobody knows.
const TOPICS: [&str; 5] = [
    "lotus/discovery/musig2",
    "lotus/discovery/musig2-request",
    "lotus/discovery/wallet-presence",
    "lotus/musig2/sessions",
    "somebody/elses",
];

/// An advertisement as that network's JSON, more or less.
fn json(peer: &str, number: u64) -> String {
    format!(
        r#"{{"id":"{number:016x}","protocol":"musig2","peerInfo":{{"peerId":"{peer}","multiaddrs":[]}},"capabilities":["spend","swap"],"reputation":100,"createdAt":1766300000000,"expiresAt":1766303600000,"customCriteria":{{"publicKey":{{"x":"{}","compressed":true}}}},"signature":"{}"}}"#,
        "0".repeat(64),
        "ab".repeat(64),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_gossips_json_on_its_own_topics_is_at_no_fault() {
    const EACH: u64 = 40;
    let node = builder(&chain()).start().await.expect("a node");
    let handle = node.handle();
    let mut other = Hostile::new();
    let (us, peer) = (handle.peer_id(), *other.swarm.local_peer_id());
    let mut bytes = frame(&TOPICS.map(subscribe).concat());
    for (topic, from) in TOPICS.into_iter().zip((0_u64..).step_by(1_000)) {
        for number in from..from + EACH {
            let text = json(&peer.to_string(), number);
            bytes.extend(frame(&message(&other.key, topic, number, text.as_bytes())));
        }
    }
    // Last one on a topic of ours, which is told from those before it: it has expired.
    let old = Clock::system().now().saturating_sub(Millis::from_hours(2));
    let expired = advertisement(&key("old"), None, &peer, old);
    bytes.extend(frame(&message(&other.key, "ltms/1/reg/ads", u64::MAX, &expired)));
    let sent = bytes.len();
    other.swarm.dial(handle.addresses()[0].clone()).expect("dial");
    let mut bytes = Some(bytes);
    let talking = tokio::spawn(async move {
        loop {
            if let SwarmEvent::ConnectionEstablished { .. } = other.swarm.select_next_some().await
                && let Some(bytes) = bytes.take()
            {
                other.send(&us, bytes);
            }
        }
    });
    until(&handle, "heard", async || decided(&handle, Reason::Expired).await == 1).await;
    let standing = handle.standing_of(&peer).await.expect("answer");
    println!("{} messages on {} topics of others, {sent} bytes: {:?}", 5 * EACH, TOPICS.len(), {
        let reasons = handle.decisions().await.expect("answer");
        reasons.iter().map(|(reason, count)| (*reason, *count)).collect::<Vec<_>>()
    });
    assert_eq!(standing.decision.reason, Reason::Clear, "{standing:?}");
    let tallies = (standing.malformed, standing.violations, standing.invalid_signatures);
    assert_eq!((tallies.0.0, tallies.1.0, tallies.2.0), (0, 0, 0), "{standing:?}");
    assert_eq!(decided(&handle, Reason::Malformed).await, 0);
    assert!(handle.peers().await.expect("answer").contains(&peer), "it may stay");
    talking.abort();

    // Its other protocols are not ours, which a stream is told and nobody is charged for.
    let protocols = ["/lotus/message/1.0.0", "/lotus/musig2/1.0.0", "/libp2p/dcutr"];
    let mut raw = Raw::with_streams(&handle.addresses()[0], protocols.len()).await;
    for protocol in protocols {
        let mut stream = raw.stream();
        let asked = [proposal(protocol), json("somebody", 1).into_bytes()].concat();
        stream.write_all(&asked).await.expect("open");
        stream.close().await.expect("open");
        let answer = timeout(PATIENCE, to_end(&mut stream)).await.expect("it ends");
        assert!(!answer.ends_with(protocol.as_bytes()), "{protocol}");
    }
    let standing = handle.standing_of(&raw.peer()).await.expect("answer");
    assert_eq!((standing.decision.reason, standing.malformed.0), (Reason::Clear, 0));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advertisement_waits_for_a_subscriber_not_only_for_a_connection() {
    let chain = chain();
    let (first, second) = (node(&chain).await, node(&chain).await);
    let (a, b) = (first.handle(), second.handle());
    let (signer, id) = register(&a, &chain, 1).await;
    // It speaks nothing, so gossip has a peer to whom nothing can be published.
    let mute = Raw::with_streams(&a.addresses()[0], 0).await;
    until(&a, "connected", async || a.peers().await.expect("answer").contains(&mute.peer())).await;
    let advertised = a.advertise_signer(&signer, own(id), &Offer::default()).await.expect("kept");
    assert_eq!(advertised, Advertised::Waiting);
    connect(&b, &a).await;
    until(&b, "found", async || {
        b.directory(Criteria::default(), 10).await.expect("answer").len() == 1
    })
    .await;
    assert!(mute.is_open());
    first.stop().await;
    second.stop().await;
}
