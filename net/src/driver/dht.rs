//! The DHT: records that others bring, records that we look for, and our own. A record is the newest
//! message of its author: an advertisement, or the withdrawal of one.

use std::time::{Duration, Instant};

use libp2p::{
    PeerId,
    kad::{
        self, GetRecordOk, InboundRequest, PutRecordError, PutRecordResult, QueryResult, Quorum,
        RecordKey,
    },
};
use ltms_core::{
    Channel, Decision, FrameKind, Millis, Policy, PublicKey, Reason, Subject, Timestamp,
    wire::{AdHeader, Kind},
};

use super::{Driver, Message, Origin, admit::HOLD_PULLED};
use crate::{
    behaviour::{dht, records::Worth},
    door::Gate,
    handle::NodeEvent,
};

/// An own advertisement in the DHT.
pub(super) struct Announced {
    author: PublicKey,
    envelope: Vec<u8>,
    expires_at: Timestamp,
    /// When it is put again.
    next: Timestamp,
}

impl Driver {
    pub(super) fn on_dht(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: InboundRequest::PutRecord { source, record: Some(record), .. },
            } => self.on_record(source, record),
            kad::Event::RoutablePeer { peer, address }
            | kad::Event::PendingRoutablePeer { peer, address } => {
                self.swarm.behaviour_mut().dht.route(&peer, &address);
            }
            kad::Event::RoutingUpdated { peer, addresses, .. } => {
                self.swarm.behaviour_mut().dht.rerouted(&peer, &addresses);
            }
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                match result {
                    QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(found))) => {
                        self.on_sought(id, found);
                    }
                    QueryResult::PutRecord(put) => self.on_announced(put),
                    _ => {}
                }
                if step.last {
                    if let Some(sought) = self.sought.get_mut(&id) {
                        sought.finished = true;
                    }
                    self.answer_sought(id);
                }
            }
            _ => {}
        }
    }

    /// A record that a peer wants us to store is admitted like any other advertisement first.
    fn on_record(&mut self, peer: PeerId, mut record: kad::Record) {
        let now = self.now();
        let source = Self::source_of(&peer, Channel::Dht);
        let decision = self.screen_frame(&source, FrameKind::Record, record.value.len());
        if !decision.is_accept() {
            return self.tell(NodeEvent::Refused { peer, reason: decision.reason });
        }
        let header = match self.header_of(&record) {
            Ok(header) => header,
            Err(reason) => {
                let _ = self.gate().malformed(now, &source, reason, &record.value);
                return self.tell(NodeEvent::Refused { peer, reason });
            }
        };
        let author = header.author;
        let life = Duration::from_millis(ends(&header).since(now).get());
        record.expires = Instant::now().checked_add(life);
        let envelope = record.value.clone();
        let deadline = now.saturating_add(HOLD_PULLED);
        let origin = Origin::Record(Box::new((record, author)));
        self.admit(Message { source, envelope, origin, deadline, history_sought: false });
    }

    fn on_sought(&mut self, query: kad::QueryId, found: kad::PeerRecord) {
        let Some(peer) = found.peer else { return };
        let (now, source) = (self.now(), Self::source_of(&peer, Channel::Dht));
        let len = found.record.value.len();
        // Over its window the answer is lost; others are asked as well.
        let charged = self.gate().screen_frame(now, &source, FrameKind::Record, len);
        if !charged.is_accept() || self.header_of(&found.record).is_err() {
            return;
        }
        let Some(sought) = self.sought.get_mut(&query) else { return };
        sought.open += 1;
        let deadline = now.saturating_add(HOLD_PULLED);
        let (envelope, origin) = (found.record.value, Origin::Sought(query));
        self.admit(Message { source, envelope, origin, deadline, history_sought: false });
    }

    /// The advertisement in a record, if it lies under its own author's key.
    fn header_of<'a>(&self, record: &'a kad::Record) -> Result<AdHeader<'a>, Reason> {
        let header = AdHeader::read(self.network, &record.value).map_err(|error| error.reason())?;
        let own = dht::record_key(self.network, &header.author) == record.key;
        own.then_some(header).ok_or(Reason::Malformed)
    }

    /// Stores a record whose advertisement was judged. One that is known already was judged
    /// before; it may have left the store since, or have been pulled from a directory.
    pub(super) fn store_record(
        &mut self,
        record: kad::Record,
        author: PublicKey,
        judged: Decision,
    ) {
        let now = self.now();
        let gate = &self.swarm.behaviour().connections.door.gate;
        let known = judged.reason == Reason::AlreadyKnown && is_good(gate, now, &author);
        if !judged.is_accept() && !known {
            return;
        }
        let worth = self.worth(&record.value);
        let store = self.swarm.behaviour_mut().dht.kad.store_mut();
        if let Err(error) = store.admit(record, author, worth) {
            tracing::debug!(%error, %author, "record not stored");
        }
    }

    /// The burn behind each row of the identity that a record names.
    fn worth(&mut self, envelope: &[u8]) -> Worth {
        let now = self.now();
        let header = AdHeader::read(self.network, envelope);
        let Some(authority) = header.ok().and_then(|header| header.authority) else {
            return Worth::Stranger;
        };
        let standing = self.gate().standing(now, &Subject::Identity(authority.identity));
        Worth::Burn(standing.burned.sats() / u64::from(standing.keys.0.max(1)))
    }

    /// Takes the record of an author away, because it was withdrawn.
    pub(super) fn drop_record(&mut self, author: &PublicKey) {
        let key = dht::record_key(self.network, author);
        self.swarm.behaviour_mut().dht.kad.remove_record(&key);
        self.announced.retain(|announced| announced.author != *author);
    }

    /// Puts an own advertisement or withdrawal into the DHT, and again from time to time until it ends.
    pub(super) fn announce(&mut self, envelope: &[u8]) {
        let Ok(header) = AdHeader::read(self.network, envelope) else { return };
        self.drop_record(&header.author);
        if header.authority.is_none() {
            return;
        }
        let (author, expires_at) = (header.author, ends(&header));
        let next = Timestamp::EPOCH;
        self.announced.push(Announced { author, envelope: envelope.to_vec(), expires_at, next });
        self.announce_due();
    }

    /// Puts those own advertisements whose time has come.
    pub(super) fn announce_due(&mut self) {
        let now = self.now();
        let gate = &self.swarm.behaviour().connections.door.gate;
        self.announced.retain(|ad| ad.expires_at > now && is_good(gate, now, &ad.author));
        for ad in self.announced.iter_mut().filter(|ad| ad.next <= now) {
            ad.next = after(now, dht::ANNOUNCE_AGAIN);
            let life = Duration::from_millis(ad.expires_at.since(now).get());
            let record = kad::Record {
                key: dht::record_key(self.network, &ad.author),
                value: ad.envelope.clone(),
                publisher: None,
                expires: Instant::now().checked_add(life),
            };
            let kad = &mut self.swarm.behaviour_mut().dht.kad;
            let stored = kad.store_mut().admit(record.clone(), ad.author, Worth::Own);
            if let Err(error) = stored.and_then(|()| kad.put_record(record, Quorum::One)) {
                tracing::debug!(%error, "advertisement not put into the DHT");
            }
        }
    }

    /// What nobody took is put again soon.
    fn on_announced(&mut self, put: PutRecordResult) {
        let Err(error) = put else { return };
        let key: &RecordKey = match &error {
            PutRecordError::QuorumFailed { key, .. } | PutRecordError::Timeout { key, .. } => key,
        };
        let (network, soon) = (self.network, after(self.now(), dht::ANNOUNCE_SOON));
        let failed =
            self.announced.iter_mut().find(|ad| dht::record_key(network, &ad.author) == *key);
        if let Some(failed) = failed {
            failed.next = soon;
        }
    }

    /// Removes the records that have expired, or whose advertisement is not listed any more.
    pub(super) fn sweep_records(&mut self) -> usize {
        let now = self.now();
        let behaviour = self.swarm.behaviour_mut();
        let gate = &behaviour.connections.door.gate;
        let store = behaviour.dht.kad.store_mut();
        store.sweep(Instant::now(), |author| is_good(gate, now, author))
    }
}

/// Whether the record of an author is of use as long as it has not expired.
fn is_good(gate: &Gate, now: Timestamp, author: &PublicKey) -> bool {
    gate.is_listed(now, author) || gate.is_withdrawn(now, author)
}

/// When a record is of no more use: an advertisement when it ends, a withdrawal when the last has
/// ended that it can be about.
fn ends(header: &AdHeader<'_>) -> Timestamp {
    match header.kind {
        Kind::Withdrawal => {
            header.created_at.saturating_add(Policy::LOTUS_V1.freshness.max_lifetime)
        }
        _ => header.expires_at,
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(Millis::from_secs(wait.as_secs()))
}
