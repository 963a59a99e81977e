//! A connection that pushes envelopes in their time and keeps what was answered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, future::join_all};
use libp2p::{
    Multiaddr, PeerId,
    request_response::{self, OutboundRequestId},
    swarm::SwarmEvent,
};
use ltms_core::Reason;
use ltms_net::behaviour::{
    Event,
    streams::{MAX_STREAMS, Request, Response},
};
use tokio::time::{Instant, sleep_until};

use super::{Node, roomy_node};

/// An answer that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(15);

/// What one connection sends: when, after the start, and which bytes.
pub(crate) type Plan = Vec<(Duration, Arc<Vec<u8>>)>;

/// What became of it.
#[derive(Default)]
pub(crate) struct Answers {
    /// From sending to the answer, in milliseconds.
    pub(crate) times: Vec<f64>,
    /// From when it was due to its sending: the sender's own waiting.
    pub(crate) late: Vec<f64>,
    /// By the name of the reason.
    pub(crate) reasons: BTreeMap<String, u32>,
    pub(crate) lost: u32,
}

impl Answers {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.late.extend(other.late);
        self.lost += other.lost;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    /// How many were answered with each reason, as `name:count`.
    pub(crate) fn by_reason(&self) -> String {
        let reasons = self.reasons.iter().map(|(reason, count)| format!("{reason}:{count}"));
        reasons.collect::<Vec<_>>().join(",")
    }
}

/// The value that so many of a hundred do not exceed.
pub(crate) fn share_of(values: &mut [f64], share: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN)
}

fn name(code: u8) -> String {
    let known = Reason::ALL.iter().find(|reason| reason.code() == code);
    known.map_or_else(|| code.to_string(), ToString::to_string)
}

/// A connection to the node at this address.
pub(crate) async fn join(address: &Multiaddr) -> (Node, PeerId) {
    let mut node = roomy_node();
    node.dial(address.clone()).expect("dialled");
    loop {
        if let SwarmEvent::ConnectionEstablished { peer_id, .. } = node.select_next_some().await {
            return (node, peer_id);
        }
    }
}

/// Every connection sends as it plans.
pub(crate) async fn send_all(
    nodes: Vec<(Node, PeerId)>,
    plans: Vec<Plan>,
) -> (Vec<(Node, PeerId)>, Answers) {
    let mut all = Answers::default();
    let done = join_all(nodes.into_iter().zip(plans).map(|(node, plan)| send(node, plan))).await;
    let nodes = done.into_iter().map(|(node, answers)| {
        all.add(answers);
        node
    });
    (nodes.collect(), all)
}

/// Sends each in its time, or as soon as a stream is free.
async fn send((mut node, peer): (Node, PeerId), plan: Plan) -> ((Node, PeerId), Answers) {
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
                        *answers.reasons.entry(name(code)).or_default() += 1;
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

/// What a node said to a push; no code where it said nothing.
pub(crate) fn answer(event: SwarmEvent<Event>) -> Option<(OutboundRequestId, Option<u8>)> {
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
