//! Who sends: one task for each connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, future::join_all};
use libp2p::{Multiaddr, PeerId, request_response, swarm::SwarmEvent};
use ltms_core::{Millis, Reason, Timestamp};
use ltms_net::behaviour::{
    Event,
    streams::{MAX_STREAMS, Request, Response},
};
use ltms_net::clock::Clock;
use tokio::time::{Instant, sleep_until};

use crate::{
    Load, common,
    flood::{self, Flood},
    keys::Owner,
    peer,
};

const CONNECTIONS: u32 = 20;
/// Between an advertisement and its copy.
const LATER: Duration = Duration::from_millis(5);
/// An answer that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(15);

/// What one connection sends: when, after the start, and which bytes.
type Plan = Vec<(Duration, Arc<Vec<u8>>)>;

/// What became of it.
#[derive(Default)]
struct Answers {
    /// From sending to the answer, in milliseconds.
    times: Vec<f64>,
    /// From when it was due to its sending: the sender's own waiting.
    late: Vec<f64>,
    reasons: HashMap<u8, u32>,
    lost: u32,
}

impl Answers {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.late.extend(other.late);
        self.lost += other.lost;
        for (code, count) in other.reasons {
            *self.reasons.entry(code).or_default() += count;
        }
    }

    /// How many were answered with each reason.
    fn by_reason(&self) -> String {
        let mut reasons: Vec<_> =
            self.reasons.iter().map(|(code, count)| format!("{}:{count}", name(*code))).collect();
        reasons.sort();
        reasons.join(",")
    }
}

/// The value that so many of a hundred do not exceed.
fn share_of(values: &mut [f64], share: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN)
}

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
pub(crate) fn flood(address: &Multiaddr, load: &Load, flood: Flood) {
    runtime().block_on(async {
        let old = Clock::system().now().saturating_sub(Millis::from_hours(48));
        let expired = Owner::new(0).advertise(load, 0, old);
        let start = Instant::now();
        let (count, let_in) = match flood {
            Flood::Push => {
                let node = join(address).await;
                println!("begin");
                send_on(node, expired, load.seconds).await
            }
            _ => {
                println!("begin");
                (flood::run(flood, address, &expired, load.seconds).await, 0)
            }
        };
        println!("{count} {let_in} {:.1}", start.elapsed().as_secs_f64());
    });
}

async fn send_all(
    nodes: Vec<(common::Node, PeerId)>,
    plans: Vec<Plan>,
) -> (Vec<(common::Node, PeerId)>, Answers) {
    let mut all = Answers::default();
    let done = join_all(nodes.into_iter().zip(plans).map(|(node, plan)| send(node, plan))).await;
    let nodes = done.into_iter().map(|(node, answers)| {
        all.add(answers);
        node
    });
    (nodes.collect(), all)
}

fn name(code: u8) -> String {
    let known = Reason::ALL.iter().find(|reason| reason.code() == code);
    known.map_or_else(|| code.to_string(), ToString::to_string)
}

/// Deals the advertisements of the first keys to the connections.
fn plans(load: &Load, count: u32, at: Timestamp, every: Duration, copies: bool) -> Vec<Plan> {
    let mut plans: Vec<Plan> = (0..CONNECTIONS).map(|_| Plan::new()).collect();
    let mut owner = Owner::new(0);
    for (number, key) in (0..count).zip(0..load.keys()) {
        if key % load.per_identity() == 0 {
            owner = Owner::new(key / load.per_identity());
        }
        let envelope = Arc::new(owner.advertise(load, key, at));
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

async fn join(address: &Multiaddr) -> (common::Node, PeerId) {
    let mut node = peer();
    node.dial(address.clone()).expect("dialled");
    loop {
        if let SwarmEvent::ConnectionEstablished { peer_id, .. } = node.select_next_some().await {
            return (node, peer_id);
        }
    }
}

/// Sends each in its time, or as soon as a stream is free.
async fn send(
    (mut node, peer): (common::Node, PeerId),
    plan: Plan,
) -> ((common::Node, PeerId), Answers) {
    let (start, mut answers) = (Instant::now(), Answers::default());
    let mut plan = plan.into_iter().peekable();
    let mut open = HashMap::new();
    let mut last = Instant::now();
    while plan.peek().is_some() || !open.is_empty() {
        let free = open.len() < MAX_STREAMS / 2;
        let due = plan.peek().filter(|_| free).map_or(last + PATIENCE, |(due, _)| start + *due);
        tokio::select! {
            event = node.select_next_some() => if let Some((id, code)) = answer(event) {
                last = Instant::now();
                let Some(sent): Option<Instant> = open.remove(&id) else { continue };
                match code {
                    Some(code) => {
                        answers.times.push(sent.elapsed().as_secs_f64() * 1e3);
                        *answers.reasons.entry(code).or_default() += 1;
                    }
                    None => answers.lost += 1,
                }
            },
            () = sleep_until(due) => {
                let Some((_, envelope)) = plan.next_if(|_| free) else {
                    answers.lost += open.len() as u32 + plan.count() as u32;
                    break;
                };
                last = Instant::now();
                answers.late.push((last - due).as_secs_f64() * 1e3);
                match node.behaviour_mut().ask(&peer, Request::Push(envelope.to_vec())) {
                    Some(id) => drop(open.insert(id, Instant::now())),
                    None => answers.lost += 1,
                }
            }
        }
    }
    ((node, peer), answers)
}

/// Sends the same as fast as it is answered: how many were, and how many not for the window's sake.
async fn send_on(
    (mut node, peer): (common::Node, PeerId),
    envelope: Vec<u8>,
    seconds: u32,
) -> (u32, u32) {
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

/// What the node said to a push; no code where it said nothing.
fn answer(event: SwarmEvent<Event>) -> Option<(request_response::OutboundRequestId, Option<u8>)> {
    let SwarmEvent::Behaviour(Event::Direct(event)) = event else { return None };
    match *event {
        request_response::Event::Message {
            message: request_response::Message::Response { request_id, response },
            ..
        } => {
            let code = match response {
                Response::Judged { code, .. } | Response::Refused(code) => Some(code),
                _ => None,
            };
            Some((request_id, code))
        }
        request_response::Event::OutboundFailure { request_id, .. } => Some((request_id, None)),
        _ => None,
    }
}
