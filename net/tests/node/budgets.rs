//! What one connection may make a node do.

use futures::StreamExt;
use libp2p::{request_response::Message, swarm::SwarmEvent};
use ltms_core::{
    Amount, IdentityId, Millis, Network, OutPoint, Policy, Quota, Reason, Windows,
    chain::Transaction, schnorr::SecretKey,
};
use ltms_net::{
    Handle,
    behaviour::{
        Event,
        gossip::Topic,
        streams::{Request, Response},
    },
    chain::DevChain,
    claim::{find_registration, registration_envelope},
    clock::Clock,
};

use crate::{
    common::{self, drive},
    world::{Watch, advertisement, builder, chain, decided, delegation, key, register, until},
};

/// A peer that has dialled the node, and knows that it listens to claims.
async fn peer_of(node: &Handle) -> common::Node {
    let mut peer = common::node();
    peer.dial(node.addresses()[0].clone()).expect("dialled");
    let topic = Topic::Claims.on(Network::Reg).hash();
    drive(&mut [&mut peer], |_, _, peers| {
        let gossip = &peers[0].behaviour().gossip;
        gossip.sub.all_peers().any(|(_, topics)| topics.contains(&&topic)).then_some(())
    })
    .await;
    peer
}

/// Runs a peer that answers requests for its directory; an empty page is the last.
async fn serve(mut peer: common::Node, mut page: impl FnMut() -> Vec<Vec<u8>>) {
    loop {
        let SwarmEvent::Behaviour(Event::Direct(event)) = peer.select_next_some().await else {
            continue;
        };
        let libp2p::request_response::Event::Message { message, .. } = *event else { continue };
        if let Message::Request { request: Ok(Request::Directory { .. }), channel, .. } = message {
            let ads = page();
            let more = !ads.is_empty();
            let answer = Response::Directory { claims: Vec::new(), ads, more };
            // The stream may be gone.
            let _ = peer.behaviour_mut().direct.send_response(channel, answer);
        }
    }
}

/// Burns 50 XPI for a key in the newest block: the identity and its claim.
fn burn(chain: &DevChain, key: &SecretKey) -> (IdentityId, Vec<u8>) {
    let raw = DevChain::burn_transaction(key.public_key(), Amount::from_xpi(50), None);
    chain.mine(&[raw]).expect("a block");
    let included = chain.registration_of(&key.public_key()).expect("the burn");
    let (vout, ..) = find_registration(&included.raw).expect("a registration");
    let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
    let id = OutPoint { txid, vout: vout.into() }.identity_id().expect("a small index");
    (id, registration_envelope(Network::Reg, &included, vout, key).expect("a claim"))
}

/// Gossipsub shows the first copy only, and waits for a verdict for less than the budget takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_relay_has_spent_its_look_ups_is_judged_when_it_has_one_again() {
    let (chain, watch) = (chain(), Watch::default());
    let (id, claim) = burn(&chain, &key("relayed"));
    chain.mine_empty(80).expect("blocks");
    let elsewhere = DevChain::recorded().expect("a good recording");
    let (stray, claim_elsewhere) = burn(&elsewhere, &key("stray"));
    let often = Policy::LOTUS_V1.on(Network::Reg);
    let header = Quota::every(Millis::from_secs(25), 1);
    let policy = Policy { windows: Windows { header, ..often.windows }, ..often };
    let started = builder(&chain).policy(policy).clock(watch.clock()).start();
    let node = started.await.expect("a node");
    let handle = node.handle();
    register(&handle, &chain, 19).await;
    let mut peer = peer_of(&handle).await;
    let topic = || Topic::Claims.on(Network::Reg);
    let gossip = &mut peer.behaviour_mut().gossip;
    gossip.sub.publish(topic(), claim_elsewhere).expect("published");
    gossip.sub.publish(topic(), claim).expect("published");
    let peer = tokio::spawn(serve(peer, Vec::new));

    until(&handle, "both are judged", async || {
        decided(&handle, Reason::UnknownBlock).await + decided(&handle, Reason::HeaderBudget).await
            == 2
    })
    .await;
    assert!(handle.identity(id).await.expect("answer").is_none());
    watch.forward(Millis::from_secs(25));
    until(&handle, "registered", async || handle.identity(id).await.expect("answer").is_some())
        .await;
    assert!(handle.identity(stray).await.expect("answer").is_none());
    peer.abort();
    node.stop().await;
}

/// Tried all at once, each would be refused once more for each check that the budget has again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_wait_for_checks_are_judged_one_for_each_check() {
    let (chain, watch) = (chain(), Watch::default());
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.windows.signatures = Quota::per_second(10, 20);
    policy.sanctions.invalid_signatures = 255;
    let started = builder(&chain).policy(policy).clock(watch.clock()).start();
    let node = started.await.expect("a node");
    let handle = node.handle();
    register(&handle, &chain, 0).await;
    let peer = peer_of(&handle).await;
    let now = watch.clock().now();
    let forged = |n| {
        let author = key(&format!("{n}"));
        let authority = Some(delegation(&chain, 0, &author));
        let mut ad = advertisement(&author, authority, peer.local_peer_id(), now);
        *ad.last_mut().expect("a signature") ^= 1;
        ad
    };
    let mut numbers: Vec<_> = (0..40).collect();
    numbers.sort_by_key(|n| key(&format!("{n}")).public_key());
    let mut pages = vec![numbers.into_iter().map(forged).collect::<Vec<_>>()];
    let peer = tokio::spawn(serve(peer, move || pages.pop().unwrap_or_default()));

    for checked in 20..=40 {
        until(&handle, "so many are checked", async || {
            decided(&handle, Reason::InvalidSignature).await == checked
                && decided(&handle, Reason::SignatureBudget).await == 20
        })
        .await;
        watch.forward(Millis::new(100));
    }
    peer.abort();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_nothing_good_are_taken_in_no_faster_than_as_many_messages() {
    let chain = chain();
    let node = builder(&chain).start().await.expect("a node");
    let handle = node.handle();
    let peer = peer_of(&handle).await;
    let old = Clock::system().now().saturating_sub(Millis::from_hours(2));
    let expired = |n| advertisement(&key(&format!("{n}")), None, peer.local_peer_id(), old);
    let mut numbers: Vec<_> = (0..100).collect();
    numbers.sort_by_key(|n| key(&format!("{n}")).public_key());
    let mut pages: Vec<Vec<_>> =
        numbers.rchunks(50).map(|page| page.iter().copied().map(expired).collect()).collect();
    let page = move || pages.pop().unwrap_or_default();
    let peer = tokio::spawn(serve(peer, page));

    until(&handle, "all are judged", async || decided(&handle, Reason::Expired).await == 100).await;
    assert!(decided(&handle, Reason::ConnectionWindow).await > 0);
    peer.abort();
    node.stop().await;
}
