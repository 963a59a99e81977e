//! What this node publishes itself.

use std::collections::BTreeMap;

use ltms_core::{Decision, PublicKey, Reason, Screening, SignatureCheck, Source, wire::AdHeader};
use tokio::sync::oneshot;

use super::{Asked, Driver, Message, Origin, admit::HOLD_PULLED};
use crate::{
    behaviour::{gossip::Topic, streams::Request},
    door::{Gate, core_peer},
    handle::Advertised,
};

/// Advertisements that may wait for a first peer.
const WAITING: usize = 256;

/// Own advertisements that nobody was there to take: the newest of each key.
#[derive(Default)]
pub(super) struct Own {
    waiting: BTreeMap<PublicKey, Vec<u8>>,
}

impl Driver {
    /// Publishes an own advertisement or withdrawal if its windows allow it. They are charged
    /// once somebody has taken it (policy §3).
    pub(super) fn publish(&mut self, envelope: Vec<u8>) -> Result<Advertised, Decision> {
        let now = self.now();
        let header = AdHeader::read(self.network, &envelope)
            .map_err(|error| Decision::new(error.reason()))?;
        let (author, stranger) = (header.author, header.authority.is_none());
        let source = Source::own(core_peer(&self.local()));
        let gate: &mut Gate = &mut self.swarm.behaviour_mut().connections.door.gate;
        let ticket = match gate.screen_ad(now, &source, &header) {
            Screening::Proceed(ticket) => ticket,
            Screening::Done(decision) => return Err(decision),
        };
        let check = ticket.verify();
        if check == SignatureCheck::Valid {
            let taken = if stranger {
                self.push_to_all(&envelope)
            } else {
                self.gossip(Topic::Ads, &envelope)
            };
            if !taken {
                if self.own.waiting.len() >= WAITING && !self.own.waiting.contains_key(&author) {
                    return Err(Decision::new(Reason::TableFull));
                }
                self.own.waiting.insert(author, envelope);
                return Ok(Advertised::Waiting);
            }
        }
        let decision = self.gate().settle_ad(now, ticket, check);
        if decision.reason != Reason::New {
            return Err(decision);
        }
        self.own.waiting.remove(&author);
        let deadline = now.saturating_add(HOLD_PULLED);
        let (reply, _) = oneshot::channel();
        let message = Message {
            source,
            envelope,
            origin: Origin::Own(reply),
            deadline,
            history_sought: true,
        };
        self.keep(&message, decision);
        self.announce(&message.envelope);
        Ok(Advertised::Published)
    }

    /// Publishes what waits, now that somebody has subscribed.
    pub(super) fn publish_waiting(&mut self) {
        for (_, envelope) in std::mem::take(&mut self.own.waiting) {
            if let Err(decision) = self.publish(envelope) {
                tracing::info!(reason = %decision.reason, "a waiting advertisement is no longer good");
            }
        }
    }

    /// Publishes by gossip; false if nobody is there to take it.
    pub(super) fn gossip(&mut self, topic: Topic, envelope: &[u8]) -> bool {
        let topic = topic.on(self.network).hash();
        match self.swarm.behaviour_mut().gossip.sub.publish(topic, envelope) {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, "nobody took a message");
                false
            }
        }
    }

    /// Strangers' advertisements never travel by gossip: they go to the connected peers directly.
    fn push_to_all(&mut self, envelope: &[u8]) -> bool {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in &peers {
            self.ask(peer, Request::Push(envelope.to_vec()), Asked::Judgement);
        }
        !peers.is_empty()
    }
}
