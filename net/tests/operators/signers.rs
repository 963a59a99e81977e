//! Signers behind three nodes find each other, and a node that was killed remembers.

use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use ltms_core::{
    Capacity, IdentityId, Network, OutPoint, chain::Transaction, schnorr::SecretKey,
    wire::Authority,
};
use ltms_net::{
    Builder, Handle, Node, NodeEvent, Offer,
    chain::{ChainSource, DevChain, HttpOptions, SourceConfig},
    claim::find_registration,
};
use tokio::time::timeout;

use crate::process::{PATIENCE, Process, folder, until};

fn burn(number: u8) -> (SecretKey, OutPoint, IdentityId) {
    let chain = DevChain::recorded().expect("a good recording");
    let key = DevChain::recorded_key(number).expect("a recorded key");
    let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
    let (vout, ..) = find_registration(&included.raw).expect("a registration");
    let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
    let outpoint = OutPoint { txid, vout: vout.into() };
    (key, outpoint, outpoint.identity_id().expect("a small index"))
}

/// A program with the library, on the chain of `ltms node`.
async fn client(keypair: Option<libp2p::identity::Keypair>) -> Node {
    let chain: Arc<dyn ChainSource> = SourceConfig::default()
        .source(Network::Reg, &HttpOptions::default())
        .expect("the recorded chain");
    let mut builder = Builder::new(Network::Reg, chain).capacity(Capacity::SMALL).quick(true);
    if let Some(keypair) = keypair {
        builder = builder.keypair(keypair);
    }
    builder.start().await.expect("a node")
}

async fn connect(from: &Handle, to: &Multiaddr) -> PeerId {
    let mut events = from.subscribe();
    from.dial(to.clone()).await.expect("dialled");
    let connected = async {
        loop {
            if let NodeEvent::Connected(peer) = events.recv().await.expect("an event") {
                return peer;
            }
        }
    };
    timeout(PATIENCE, connected).await.expect("connected")
}

/// Registers a recorded burn and advertises its key.
async fn advertise(handle: &Handle, number: u8) {
    let (key, outpoint, id) = burn(number);
    until("registered", async || handle.register_identity(&key, outpoint).await.is_ok()).await;
    let authority = Authority { identity: id, sequence: 0, delegation: None };
    let offer = Offer::default();
    handle.advertise_signer(&key, Some(authority), &offer).await.expect("advertised");
}

/// The identities in a node's directory.
async fn directory(node: &Process) -> Vec<String> {
    let entries = node.json("/api/v1/directory").await;
    let identities = entries.as_array().expect("a list").iter();
    let mut found: Vec<_> =
        identities.filter_map(|entry| entry["identity"].as_str().map(str::to_owned)).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_find_each_other_s_signers_and_one_that_was_killed_still_refuses_whom_it_banned()
 {
    let folders = ["first", "second", "third"].map(folder);
    let first = Process::start(&folders[0], &[]).await;
    let bootstrap = first.address.to_string();
    let second = Process::start(&folders[1], &["--bootstrap", &bootstrap]).await;
    let bootstrap = second.address.to_string();
    let third = Process::start(&folders[2], &["--bootstrap", &bootstrap]).await;

    // A signer behind each node, who knows no other.
    let clients = [client(None).await, client(None).await, client(None).await];
    for (number, (signer, node)) in (0..).zip(clients.iter().zip([&first, &second, &third])) {
        connect(&signer.handle(), &node.address).await;
        advertise(&signer.handle(), number).await;
    }
    let mut expected: Vec<_> =
        (0..3).map(|number| hex::encode(burn(number).2.as_bytes())).collect();
    expected.sort();
    for node in [&first, &second, &third] {
        until("every signer is found", async || directory(node).await == expected).await;
    }

    // The second bans somebody who is connected, and is killed at once.
    let keypair = libp2p::identity::Keypair::generate_ed25519();
    let bad = client(Some(keypair.clone())).await;
    connect(&bad.handle(), &second.address).await;
    let name = bad.handle().peer_id().to_string();
    let mut events = bad.handle().subscribe();
    second.ban(&name).await.expect("stored");
    let thrown_out =
        async { while !matches!(events.recv().await, Ok(NodeEvent::Disconnected(_))) {} };
    timeout(PATIENCE, thrown_out).await.expect("disconnected");
    let peer = second.peer.clone();
    second.kill().await;

    let second = Process::start(&folders[1], &["--bootstrap", &first.address.to_string()]).await;
    assert_eq!(second.peer, peer, "the same key");
    assert!(second.is_banned(&name).await);
    assert_eq!(directory(&second).await, expected, "what it knew, before anybody tells");
    // It comes again and is refused; somebody else who comes after it is not.
    let mut events = bad.handle().subscribe();
    bad.handle().dial(second.address.clone()).await.expect("dialled");
    let refused = async {
        loop {
            match events.recv().await.expect("an event") {
                NodeEvent::DialFailed { .. } | NodeEvent::Disconnected(_) => return,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, refused).await.expect("refused");
    let good = client(None).await;
    connect(&good.handle(), &second.address).await;
    let good_name = good.handle().peer_id().to_string();
    until("the other is connected, the banned one is not", async || {
        let peers = second.json("/api/v1/peers").await.to_string();
        peers.contains(&good_name) && !peers.contains(&name)
    })
    .await;
    for node in clients.into_iter().chain([bad, good]) {
        node.stop().await;
    }
}
