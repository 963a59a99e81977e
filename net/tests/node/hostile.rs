//! What a node does with a peer that sends too much.

use std::time::{Duration, Instant};

use libp2p::{PeerId, futures::StreamExt, request_response, swarm::SwarmEvent};
use ltms_core::{Network, Policy, Quota, Reason, Standing};
use ltms_net::{
    Change, Handle, NodeEvent,
    behaviour::{
        Event,
        streams::{MAX_STREAMS, Request, Response},
    },
    limits::Limits,
};

use crate::{
    common::{
        self, drive,
        wire::{Hostile, frame, message, subscribe},
    },
    world::{builder, chain, event, until},
};

/// Sends this to a node once, and returns what it knows of the sender that it has dropped.
async fn dropped(handle: &Handle, mut hostile: Hostile, bytes: Vec<u8>) -> Standing {
    let mut events = handle.subscribe();
    let (us, peer): (_, PeerId) = (handle.peer_id(), *hostile.swarm.local_peer_id());
    hostile.swarm.dial(handle.addresses()[0].clone()).expect("dial");
    let mut bytes = Some(bytes);
    let sending = tokio::spawn(async move {
        loop {
            if let SwarmEvent::ConnectionEstablished { .. } = hostile.swarm.select_next_some().await
                && let Some(bytes) = bytes.take()
            {
                hostile.send(&us, bytes);
            }
        }
    });
    let is = |event: &NodeEvent| matches!(event, NodeEvent::GossipDropped(who) if *who == peer);
    event(&mut events, "dropped", is).await;
    until(handle, "gone", async || !handle.peers().await.expect("answer").contains(&peer)).await;
    sending.abort();
    handle.standing_of(&peer).await.expect("answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_floods_with_rpcs_is_disconnected_and_it_is_remembered() {
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.windows.connection = Quota::per_second(1, 60);
    let node = builder(&chain()).policy(policy).start().await.expect("a node");
    let flood = (0..3_000).flat_map(|_| frame(&subscribe("other"))).collect();
    let standing = dropped(&node.handle(), Hostile::new(), flood).await;
    assert_eq!(standing.malformed.0, 1, "{standing:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrower_window_narrows_what_gossip_may_send_while_the_node_runs() {
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.windows.connection = Quota::per_second(1_000_000, 1_000_000);
    let node = builder(&chain()).policy(policy).start().await.expect("a node");
    let handle = node.handle();
    policy.windows.connection = Quota::per_second(1, 60);
    let change = Change {
        policy,
        limits: Limits::DEFAULT,
        server: true,
        allow: Vec::new(),
        disallow: Vec::new(),
        persistent: Vec::new(),
        bootstrap: Vec::new(),
        waiting: Vec::new(),
    };
    assert_eq!(handle.reload(change).await.expect("answer"), Ok(()));
    let flood = (0..3_000).flat_map(|_| frame(&subscribe("other"))).collect();
    assert_eq!(dropped(&handle, Hostile::new(), flood).await.malformed.0, 1);
    node.stop().await;
}

/// Gossipsub counts them without telling, and forgets them within seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_unsigned_messages_is_remembered_though_gossipsub_forgets() {
    let node = builder(&chain()).start().await.expect("a node");
    let hostile = Hostile::new();
    let forged = |number: u64| {
        let mut rpc = message(&hostile.key, "ltms/1/reg/ads", number, b"forged");
        *rpc.last_mut().expect("a signature") ^= 1;
        frame(&rpc)
    };
    let burst = (0..12).flat_map(forged).collect();
    let standing = dropped(&node.handle(), hostile, burst).await;
    assert_eq!(standing.malformed.0, 1, "{standing:?}");
    node.stop().await;
}

/// Refusing each of them would cost more than all else that a node does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_connection_sends_over_its_window_stays_in_the_socket_until_that_opens() {
    const REQUESTS: u32 = 400;
    let node = builder(&chain()).start().await.expect("a node");
    let us = node.handle().peer_id();
    let mut peer = common::node();
    peer.dial(node.handle().addresses()[0].clone()).expect("dialled");
    drive(&mut [&mut peer], |_, event, _| match event {
        SwarmEvent::ConnectionEstablished { .. } => Some(()),
        _ => None,
    })
    .await;
    for _ in 0..MAX_STREAMS {
        peer.behaviour_mut().ask(&us, Request::Challenge);
    }
    let (start, mut answered, mut refused) = (Instant::now(), 0, 0);
    drive(&mut [&mut peer], |_, event, peers| {
        if let SwarmEvent::Behaviour(Event::Direct(event)) = event
            && let request_response::Event::Message { message, .. } = *event
            && let request_response::Message::Response { response, .. } = message
        {
            answered += 1;
            match response {
                Response::Judged { code, .. } => {
                    assert_eq!(code, Reason::ConnectionWindow.code());
                    refused += 1;
                }
                other => assert!(matches!(other, Response::Challenge(_)), "{other:?}"),
            }
            peers[0].behaviour_mut().ask(&us, Request::Challenge);
        }
        (answered == REQUESTS).then_some(())
    })
    .await;
    // Sixty pass at once. After them those on the streams are read every 50 ms; if all were, this
    // would take a tenth of the time.
    let took = start.elapsed();
    assert!(refused > 0 && took >= Duration::from_secs(1), "{refused} refused in {took:?}");
    node.stop().await;
}
