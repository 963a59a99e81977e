//! Stopping while others are busy with us.

use std::time::{Duration, Instant};

use libp2p::{Multiaddr, PeerId, futures::StreamExt, swarm::SwarmEvent};
use ltms_core::{IdentityId, Network, Policy, Quota};
use ltms_net::{
    NodeError,
    behaviour::{Event, gossip::Topic, streams::Request},
    clock::Clock,
};
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    common,
    world::{advertisement, builder, chain, key, own, until},
};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Asks and publishes without end: pages of the directory, and advertisements under identities
/// that nobody knows.
pub(crate) async fn spam(number: u8, address: Multiaddr, to: PeerId) {
    let mut peer = common::node();
    peer.dial(address).expect("dialled");
    let mut sent = 0_u64;
    loop {
        let event = peer.select_next_some().await;
        let asks = match event {
            SwarmEvent::ConnectionEstablished { .. } => 4,
            SwarmEvent::Behaviour(Event::Direct(_)) => 1,
            _ => 0,
        };
        for _ in 0..asks {
            peer.behaviour_mut().ask(&to, Request::Directory { after: None });
            sent += 1;
            let author = key(&format!("{number}/{sent}"));
            let nobody = own(IdentityId::from_bytes(
                *author.public_key().as_bytes().last_chunk().expect("32"),
            ));
            let ad = advertisement(&author, nobody, &to, Clock::system().now());
            let topic = Topic::Ads.on(Network::Reg).hash();
            // Fails while nobody has subscribed, or when its queue is full.
            let _ = peer.behaviour_mut().gossip.sub.publish(topic, ad);
        }
    }
}

#[test]
fn a_node_under_load_stops_within_5_s_and_leaves_no_task_behind() {
    let (own, others) = (runtime(), runtime());
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.windows.connection = Quota::per_second(1_000_000, 1_000_000);
    let start = builder(&chain()).policy(policy).start();
    let node = own.block_on(start).expect("a node");
    let handle = node.handle();
    for number in 0..4 {
        others.spawn(spam(number, handle.addresses()[0].clone(), handle.peer_id()));
    }
    let judged = async || {
        let decisions = handle.decisions().await.expect("answer");
        decisions.iter().map(|(_, count)| count).sum::<u64>()
    };
    own.block_on(until(&handle, "busy", async || judged().await > 5_000));
    assert!(own.metrics().num_alive_tasks() >= 5, "the driver and a task for each connection");
    let stopping = Instant::now();
    own.block_on(async { timeout(Duration::from_secs(5), node.stop()).await.expect("within 5 s") });
    // A task is counted out a moment after whoever waits for it is told.
    while own.metrics().num_alive_tasks() > 0 {
        assert!(stopping.elapsed() < Duration::from_secs(5), "tasks are left");
        std::thread::yield_now();
    }
    println!("a node under load stopped after {:.1?}, with no task left", stopping.elapsed());
    assert!(matches!(own.block_on(handle.peers()), Err(NodeError::Stopped)));
    others.shutdown_background();
}
