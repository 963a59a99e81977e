//! Whoever keeps a node busy on one side does not shut out the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use libp2p::{request_response::Message, swarm::SwarmEvent};
use ltms_core::{Capacity, Network, Policy, Quota};
use ltms_net::behaviour::{Event, streams::Request};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    common,
    shutdown::spam,
    world::{builder, chain, until},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// Answers that are waited for on the side that must not starve.
const ROUNDS: usize = 20;

fn wide() -> Policy {
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.windows.connection = Quota::per_second(1_000_000, 1_000_000);
    policy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_without_a_pause_do_not_keep_the_network_waiting() {
    /// More than the queue of commands takes, so that it is never empty.
    const CALLERS: u64 = 400;
    // In a large table of bans each question takes a while.
    let large = builder(&chain()).policy(wide()).capacity(Capacity::NODE);
    let node = large.start().await.expect("a node");
    let handle = node.handle();
    let answered = Arc::<AtomicU64>::default();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (handle, answered) = (handle.clone(), answered.clone());
        callers.spawn(async move {
            while handle.bans().await.is_ok() {
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until(&handle, "busy", async || answered.load(Ordering::Relaxed) > CALLERS).await;
    let mut peer = common::node();
    peer.dial(handle.addresses()[0].clone()).expect("dialled");
    let us = handle.peer_id();
    // For each request the commands that were answered before it.
    let mut rounds = Vec::new();
    let (mut slowest, mut since, mut before) = (Duration::ZERO, Instant::now(), 0);
    let search = async {
        while rounds.len() < ROUNDS {
            match peer.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => {}
                SwarmEvent::Behaviour(Event::Direct(event)) => {
                    let libp2p::request_response::Event::Message { message, .. } = *event else {
                        continue;
                    };
                    let Message::Response { .. } = message else { continue };
                    rounds.push(answered.load(Ordering::Relaxed) - before);
                    slowest = slowest.max(since.elapsed());
                }
                _ => continue,
            }
            (since, before) = (Instant::now(), answered.load(Ordering::Relaxed));
            peer.behaviour_mut().ask(&us, Request::Challenge).expect("connected");
        }
    };
    timeout(PATIENCE, search).await.expect("the network waits for ever");
    rounds.sort_unstable();
    let usual = rounds[ROUNDS / 2];
    println!(
        "{CALLERS} callers without a pause: {ROUNDS} requests over the network were answered, the \
         slowest after {slowest:.1?}; commands before each: usually {usual}, {rounds:?}"
    );
    callers.shutdown().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_without_a_pause_does_not_keep_commands_waiting() {
    const MESSAGES: u64 = 5_000;
    let node = builder(&chain()).policy(wide()).start().await.expect("a node");
    let handle = node.handle();
    let mut peers = JoinSet::new();
    for number in 0..4 {
        peers.spawn(spam(number, handle.addresses()[0].clone(), handle.peer_id()));
    }
    let judged = async || {
        let decisions = handle.decisions().await.expect("answer");
        decisions.iter().map(|(_, count)| count).sum::<u64>()
    };
    until(&handle, "busy", async || judged().await > 1_000).await;
    let before = judged().await;
    let (mut commands, mut slowest, mut messages) = (0, Duration::ZERO, 0);
    while messages < MESSAGES {
        let since = Instant::now();
        let now = timeout(PATIENCE, judged()).await.expect("commands wait for ever");
        slowest = slowest.max(since.elapsed());
        (commands, messages) = (commands + 1, now - before);
    }
    println!(
        "four peers without a pause: {messages} messages were judged, and {commands} commands \
         answered meanwhile, the slowest after {slowest:.1?}"
    );
    assert!(commands >= MESSAGES / 100, "{commands} commands beside {messages} messages");
    peers.shutdown().await;
    node.stop().await;
}
