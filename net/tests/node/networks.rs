//! Two networks have nothing to say to each other.

use std::{collections::HashSet, path::PathBuf};

use ltms_core::{Capacity, Network, Policy, Reason, wire::ad_hash};
use ltms_net::{
    Builder,
    behaviour::{
        dht,
        gossip::Topic,
        streams::{Request, Response},
    },
    clock::Clock,
    config::{Config, Store},
};

use crate::world::{advertisement, builder, chain, connect, decided, found, key, until};

const ALL: [Network; 3] = [Network::Main, Network::Test, Network::Reg];

#[test]
fn topics_dht_signing_byte_and_data_folder_change_together_with_the_network() {
    let author = key("author").public_key();
    let folder = Some(PathBuf::from("data"));
    let config =
        Config { store: Store { data_dir: folder, ..Store::default() }, ..Config::default() };
    let mut names = HashSet::new();
    for network in ALL {
        let config = config.clone().on(network);
        assert_eq!((config.network, config.policy.network), (network, network));
        names.extend(Topic::ALL.map(|topic| topic.on(network).to_string()));
        names.insert(dht::protocol(network).to_string());
        names.insert(format!("{:?}", dht::record_key(network, &author)));
        names.insert(format!("byte {}", network.byte()));
        names.insert(hex::encode(ad_hash(network, b"body")));
        names.insert(config.data_dir().expect("a folder").display().to_string());
        for other in ALL {
            let hash = Topic::Ads.on(other).hash();
            assert_eq!(Topic::of(&hash, network), (other == network).then_some(Topic::Ads));
        }
    }
    assert_eq!(names.len(), ALL.len() * (Topic::ALL.len() + 5), "one is shared: {names:?}");
}

/// What is good on one network is no message of another, whichever way it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_two_networks_never_accept_each_others_messages() {
    let chain = chain();
    let sender = builder(&chain).start().await.expect("a node");
    let same = builder(&chain).start().await.expect("a node");
    let local = "/ip4/127.0.0.1/tcp/0".parse().expect("address");
    let other = Builder::new(Network::Test, chain.clone())
        .policy(Policy::LOTUS_V1.on(Network::Test))
        .capacity(Capacity::SMALL)
        .listen(local)
        .memory(8 << 30)
        .quick(true)
        .server(true);
    let other = other.start().await.expect("a node");
    let [from, same_handle, other_handle] = [&sender, &same, &other].map(|node| node.handle());
    for to in [&same_handle, &other_handle] {
        connect(&from, to).await;
    }
    // A stranger may say where it is on its own connection.
    let stranger = key("stranger");
    let now = Clock::system().now();
    let envelope = advertisement(&stranger, None, &from.peer_id(), now);
    let told = async |peer| match from.ask_peer(peer, Request::Push(envelope.clone())).await {
        Ok(Response::Judged { code, .. }) => code,
        answer => panic!("{answer:?}"),
    };
    let (here, there) = (same_handle.peer_id(), other_handle.peer_id());
    assert_eq!(told(there).await, Reason::InvalidSignature.code());
    assert_eq!(told(here).await, Reason::New.code(), "the very same bytes");
    until(&same_handle, "listed", async || found(&same_handle).await.len() == 1).await;
    // Nor does it come by asking whoever is connected for the whole directory.
    let found_there = other_handle.find_signers(Default::default(), 10).await.expect("answer");
    assert!(
        found_there.signers.is_empty() && found(&other_handle).await.is_empty(),
        "{found_there:?}"
    );
    assert_eq!(decided(&other_handle, Reason::New).await, 0);
    for node in [sender, same, other] {
        node.stop().await;
    }
}
