//! Who sends: one task for each connection.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId};
use ltms_core::{Millis, Reason, Timestamp};
use ltms_net::behaviour::streams::{MAX_STREAMS, Request};
use ltms_net::clock::Clock;
use tokio::time::{Instant, sleep_until};

use crate::{
    Load,
    common::{
        Node,
        pushes::{Plan, answer, join, send_all, share_of},
        signers::Owner,
    },
    flood::Kind,
};

const CONNECTIONS: u32 = 20;
/// Between an advertisement and its copy.
const LATER: Duration = Duration::from_millis(5);

fn runtime() -> tokio::runtime::Runtime {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime")
}

/// Sends to the node at this address and prints what became of it.
pub(crate) fn run(address: &Multiaddr, load: &Load) {
    runtime().block_on(async {
        let mut nodes = Vec::new();
        for _ in 0..CONNECTIONS {
            nodes.push(join(address).await);
        }
        let now = || Clock::system().now();
        if load.preload > 0 {
            // As fast as it is answered.
            let before = now().saturating_sub(Millis::from_mins(10));
            let plans = plans(load, load.preload, before, Duration::ZERO, false);
            let (preloaded, answers) = send_all(nodes, plans).await;
            assert_eq!((answers.lost, answers.reasons.len()), (0, 1), "{}", answers.by_reason());
            nodes = preloaded;
            // Until the last one's window, a second, is open again.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
        let every = Duration::from_secs(load.seconds.into()) / load.originals().max(1);
        let plans = plans(load, load.originals(), now(), every, load.copies);
        println!("begin");
        let sent: usize = plans.iter().map(Vec::len).sum();
        let (_, mut all) = send_all(nodes, plans).await;
        let [p50, p99] = [50, 99].map(|share| share_of(&mut all.times, share));
        let late = share_of(&mut all.late, 99);
        println!("{sent} {} {p50:.2} {p99:.2} {late:.2} {}", all.lost, all.by_reason());
    });
}

/// Floods the node at this address and prints how many messages that were, how many of them were
/// let in by the window, and for how long.
pub(crate) fn flood(address: &Multiaddr, load: &Load, flood: Kind) {
    runtime().block_on(async {
        let old = Clock::system().now().saturating_sub(Millis::from_hours(48));
        let expired = Owner::new(0).advertise(old);
        let start = Instant::now();
        let (count, let_in) = match flood {
            Kind::Push => {
                let node = join(address).await;
                println!("begin");
                send_on(node, expired, load.seconds).await
            }
            _ => {
                println!("begin");
                (flood.run(address, &expired, load.seconds).await, 0)
            }
        };
        println!("{count} {let_in} {:.1}", start.elapsed().as_secs_f64());
    });
}

/// Deals the advertisements of the first keys to the connections.
fn plans(load: &Load, count: u32, at: Timestamp, every: Duration, copies: bool) -> Vec<Plan> {
    let mut plans: Vec<Plan> = (0..CONNECTIONS).map(|_| Plan::new()).collect();
    let mut owner = Owner::new(0);
    for (number, key) in (0..count).zip(0..load.keys()) {
        let first = key % load.per_identity() == 0;
        if first {
            owner = Owner::new(key / load.per_identity());
        }
        let envelope = if first { owner.advertise(at) } else { owner.advertise_key(key, at) };
        let envelope = Arc::new(envelope);
        let due = every * number;
        let mine = number % CONNECTIONS;
        let other = (mine + 1) % CONNECTIONS;
        if copies {
            plans[other as usize].push((due + LATER, envelope.clone()));
        }
        plans[mine as usize].push((due, envelope));
    }
    for plan in &mut plans {
        plan.sort_by_key(|(due, _)| *due);
    }
    plans
}

/// Sends the same as fast as it is answered: how many were, and how many not for the window's sake.
async fn send_on((mut node, peer): (Node, PeerId), envelope: Vec<u8>, seconds: u32) -> (u32, u32) {
    let end = Instant::now() + Duration::from_secs(seconds.into());
    let (mut count, mut let_in) = (0, 0);
    for _ in 0..MAX_STREAMS {
        node.behaviour_mut().ask(&peer, Request::Push(envelope.clone()));
    }
    loop {
        tokio::select! {
            event = node.select_next_some() => if let Some((_, code)) = answer(event) {
                count += 1;
                let_in += u32::from(code != Some(Reason::ConnectionWindow.code()));
                node.behaviour_mut().ask(&peer, Request::Push(envelope.clone()));
            },
            () = sleep_until(end) => return (count, let_in),
        }
    }
}
