//! What this node publishes itself.

use std::collections::BTreeMap;

use ltms_core::{
    Decision, Millis, PublicKey, Reason, Screening, SignatureCheck, Source, Timestamp,
    wire::AdHeader,
};
use tokio::sync::oneshot;

use super::{Asked, Driver, Message, Origin, admit::HOLD_PULLED};
use crate::{
    behaviour::{gossip::Topic, streams::Request},
    door::{Gate, core_peer},
    handle::{Advertised, NodeError, NodeEvent, Offered},
};

/// Keys that one node may offer.
const OFFERED: usize = 256;
/// When to try again to sign an offer anew, unless the refusal says it.
const RETRY: Millis = Millis::from_mins(1);
/// How long a withdrawal may wait for its window: nobody takes what is five minutes old by gossip.
const PATIENCE: Millis = Millis::from_mins(4);

/// What this node offers.
#[derive(Default)]
pub(super) struct Own {
    /// Advertisements and withdrawals that nobody was there to take, or whose window is closed, and
    /// from when on they may be published: the newest of each key.
    waiting: BTreeMap<PublicKey, (Timestamp, Vec<u8>)>,
    /// Offers that are signed anew, and when.
    offered: BTreeMap<PublicKey, (Timestamp, Offered)>,
}

impl Own {
    /// Offers a key no longer.
    pub(super) fn forget(&mut self, key: &PublicKey) {
        self.waiting.remove(key);
        self.offered.remove(key);
    }
}

/// When an advertisement is signed anew: after a half to three quarters of its life, so that those
/// that were made together do not stay together, and a failure leaves time to try again.
fn renewal(now: Timestamp, lifetime: Millis) -> Timestamp {
    let half = lifetime.get() / 2;
    now.saturating_add(Millis::new(half + rand::random_range(0..=half / 2)))
}

impl Driver {
    /// Publishes an offer, and from then on signs it anew before it ends.
    pub(super) fn advertise(&mut self, offered: Offered) -> Result<Advertised, NodeError> {
        let (now, key) = (self.now(), offered.key.public_key());
        if self.own.offered.len() >= OFFERED && !self.own.offered.contains_key(&key) {
            return Err(NodeError::Refused(Decision::new(Reason::TableFull)));
        }
        let envelope = offered.sign(self.network, &self.local(), now)?;
        let advertised = self.publish(envelope).map_err(NodeError::Refused)?;
        let at = renewal(now, offered.offer.lifetime);
        self.own.offered.insert(key, (at, offered));
        self.timers.renew(at, key);
        Ok(advertised)
    }

    /// Signs an offer anew, if it is due and was not withdrawn.
    pub(super) fn renew(&mut self, key: PublicKey) {
        let now = self.now();
        let local = self.local();
        let Some((at, offered)) = self.own.offered.get(&key) else { return };
        if *at > now {
            return;
        }
        let (lifetime, envelope) =
            (offered.offer.lifetime, offered.sign(self.network, &local, now));
        let published = envelope.and_then(|ad| self.publish(ad).map_err(NodeError::Refused));
        let at = match published {
            Ok(_) => renewal(now, lifetime),
            Err(error) => match error {
                // Another key speaks for the identity, or this one no longer does.
                NodeError::Refused(Decision {
                    reason: reason @ (Reason::NotDelegated | Reason::Superseded | Reason::Expired),
                    ..
                }) => {
                    self.own.forget(&key);
                    tracing::warn!(%key, %reason, "an offer cannot be signed anew");
                    return self.tell(NodeEvent::OfferEnded { key, reason });
                }
                NodeError::Refused(Decision { reason, retry_at, .. }) => {
                    tracing::info!(%key, %reason, "an offer is not signed anew yet");
                    retry_at.unwrap_or_default().max(now.saturating_add(RETRY))
                }
                error => {
                    tracing::error!(%key, %error, "an offer cannot be signed");
                    now.saturating_add(RETRY)
                }
            },
        };
        if let Some(offered) = self.own.offered.get_mut(&key) {
            offered.0 = at;
            self.timers.renew(at, key);
        }
    }

    /// Takes an offer back, as soon as its window is open. It is not signed anew from now on.
    pub(super) fn withdraw(
        &mut self,
        key: PublicKey,
        envelope: Vec<u8>,
    ) -> Result<Advertised, Decision> {
        self.own.forget(&key);
        self.publish_in_time(key, envelope)
    }

    /// Publishes something of this key, or keeps it until its window opens: another key of the same
    /// identity may have been first.
    fn publish_in_time(
        &mut self,
        key: PublicKey,
        envelope: Vec<u8>,
    ) -> Result<Advertised, Decision> {
        let made = AdHeader::read(self.network, &envelope).map(|header| header.created_at);
        let latest = made.unwrap_or_default().saturating_add(PATIENCE);
        match self.publish(envelope.clone()) {
            Err(Decision { retry_at: Some(at), .. })
                if at <= latest && self.own.waiting.len() < OFFERED =>
            {
                self.own.waiting.insert(key, (at, envelope));
                Ok(Advertised::Waiting)
            }
            published => published,
        }
    }

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
                if self.own.waiting.len() >= OFFERED && !self.own.waiting.contains_key(&author) {
                    return Err(Decision::new(Reason::TableFull));
                }
                self.own.waiting.insert(author, (now, envelope));
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

    /// Publishes what waits and may be published, now that somebody has subscribed.
    pub(super) fn publish_waiting(&mut self) {
        let now = self.now();
        let waiting = std::mem::take(&mut self.own.waiting).into_iter();
        let (due, later): (Vec<_>, Vec<_>) = waiting.partition(|(_, (from, _))| *from <= now);
        self.own.waiting = later.into_iter().collect();
        for (key, (_, envelope)) in due {
            if let Err(decision) = self.publish_in_time(key, envelope) {
                tracing::info!(reason = %decision.reason, "what waited is no longer good");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_renewed_at_different_times_in_the_third_quarter_of_their_life() {
        let (now, life) = (Timestamp::from_millis(1_000_000), Millis::from_mins(10));
        let times: Vec<_> = (0..64).map(|_| renewal(now, life)).collect();
        let (first, last) = (times.iter().min(), times.iter().max());
        assert!(first >= Some(&now.saturating_add(Millis::from_mins(5))), "{first:?}");
        assert!(last <= Some(&now.saturating_add(Millis::new(450_000))), "{last:?}");
        assert!(first < last);
    }
}
