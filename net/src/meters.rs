//! What a node counts beside its Gate: the DHT's queries, the time signatures take, and what
//! libp2p counts itself.
//!
//! libp2p makes a series of every form of address that it meets, and keeps it. What peers *say*
//! about addresses therefore never gets here, and what is dialled has few forms
//! ([`crate::transport`]).

use std::{
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use libp2p::{
    Multiaddr, identify, kad,
    metrics::{Metrics, Recorder, Registry},
    swarm::SwarmEvent,
};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};
use tokio::time::Instant;

use crate::behaviour::Event;

/// What is counted beside the Gate.
#[derive(Debug)]
pub(crate) struct Meters {
    /// Everything below, and libp2p's own.
    registry: Registry,
    queries: Mutex<Minute>,
    per_minute: Gauge,
    latency: Gauge<f64, AtomicU64>,
    /// Signatures that the workers checked.
    signatures: Counter,
    /// The time that took them.
    checking: Counter<f64, AtomicU64>,
    /// The time that the disk took for each group of rows.
    commits: Histogram,
}

/// Seconds. A ban is to be on the disk within 20 ms, of which up to 10 are the store's pace.
const COMMITS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0];

impl Meters {
    /// With what is in `registry` already.
    pub(crate) fn new(mut registry: Registry) -> Self {
        let queries = Mutex::new(Minute::new(Instant::now()));
        let (per_minute, latency) = (Gauge::default(), Gauge::default());
        let (signatures, checking) = (Counter::default(), Counter::default());
        let own = registry.sub_registry_with_prefix("ltms");
        let help = "Own DHT queries that ended in the last minute";
        own.register("dht_queries_per_minute", help, per_minute.clone());
        let help = "Mean duration of the DHT queries of the last minute, 0 without any";
        own.register_with_unit("average_query_latency", help, Unit::Seconds, latency.clone());
        let help = "Signatures that the worker threads checked";
        own.register("signatures_worked", help, signatures.clone());
        let help = "Time that the worker threads spent with them";
        own.register_with_unit("signature_check", help, Unit::Seconds, checking.clone());
        let commits = Histogram::new(COMMITS);
        let help = "Time that the disk took for each group of rows of the store";
        own.register_with_unit("store_commit", help, Unit::Seconds, commits.clone());
        Self { registry, queries, per_minute, latency, signatures, checking, commits }
    }

    /// The text of everything here, without its end mark.
    ///
    /// # Errors
    /// That of the encoder.
    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        let (count, mean) = self.queries();
        self.per_minute.set(i64::from(count));
        self.latency.set(mean.as_secs_f64());
        prometheus_client::encoding::text::encode_registry(text, &self.registry)
    }

    /// How many DHT queries ended within a minute, and how long they took on average.
    pub(crate) fn queries(&self) -> (u32, Duration) {
        let minute = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        minute.count_and_mean(Instant::now())
    }

    /// Some signatures were checked in this time.
    pub(crate) fn checked(&self, signatures: usize, took: Duration) {
        self.signatures.inc_by(u64::try_from(signatures).unwrap_or(u64::MAX));
        self.checking.inc_by(took.as_secs_f64());
    }

    /// A group of rows was written in this time, if it was.
    pub(crate) fn stored(&self, took: Option<Duration>) {
        if let Some(took) = took {
            self.commits.observe(took.as_secs_f64());
        }
    }

    /// Counts an event for the node and for libp2p.
    pub(crate) fn note(&self, libp2p: &Metrics, event: &SwarmEvent<Event>) {
        match event {
            SwarmEvent::Behaviour(Event::Gossip(event)) => libp2p.record(&**event),
            SwarmEvent::Behaviour(Event::Ping(event)) => libp2p.record(event),
            SwarmEvent::Behaviour(Event::Dht(event)) => {
                libp2p.record(&**event);
                if let kad::Event::OutboundQueryProgressed { stats, step, .. } = &**event
                    && step.last
                {
                    let mut minute = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
                    minute.note(Instant::now(), stats.duration().unwrap_or_default());
                }
            }
            // Noted by whoever knows that the peer is still there: libp2p never forgets the others.
            SwarmEvent::Behaviour(Event::Identify(_) | Event::Direct(_))
            // A peer says where it sees us.
            | SwarmEvent::NewExternalAddrCandidate { .. } => {}
            event => libp2p.record(event),
        }
    }
}

/// Counts what a connected peer told about itself, without the addresses in it.
pub(crate) fn note_identified(libp2p: &Metrics, event: &identify::Event) {
    let identify::Event::Received { connection_id, peer_id, info } = event else {
        return libp2p.record(event);
    };
    let (listen_addrs, observed_addr) = (Vec::new(), Multiaddr::empty());
    let info = identify::Info { listen_addrs, observed_addr, ..info.clone() };
    let (connection_id, peer_id) = (*connection_id, *peer_id);
    libp2p.record(&identify::Event::Received { connection_id, peer_id, info });
}

/// Seconds in a slot of a minute.
const SLOT: u64 = 10;

/// How much ended within the last minute, in slots of ten seconds.
#[derive(Debug)]
struct Minute {
    since: Instant,
    /// The number of the slot, how many ended in it and how long they took.
    slots: [(u64, u32, Duration); 6],
}

impl Minute {
    const fn new(since: Instant) -> Self {
        Self { since, slots: [(0, 0, Duration::ZERO); 6] }
    }

    fn slot(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_secs() / SLOT
    }

    fn note(&mut self, now: Instant, took: Duration) {
        let slot = self.slot(now);
        let place = &mut self.slots[usize::try_from(slot % 6).unwrap_or(0)];
        if place.0 != slot {
            *place = (slot, 0, Duration::ZERO);
        }
        place.1 = place.1.saturating_add(1);
        place.2 = place.2.saturating_add(took);
    }

    fn count_and_mean(&self, now: Instant) -> (u32, Duration) {
        let slot = self.slot(now);
        let recent = self.slots.iter().filter(|(of, ..)| of + 6 > slot);
        let (count, took) = recent.fold((0_u32, Duration::ZERO), |(count, sum), (_, n, took)| {
            (count.saturating_add(*n), sum.saturating_add(*took))
        });
        (count, took.checked_div(count).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_forgotten_after_a_minute() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut minute = Minute::new(start);
        assert_eq!(minute.count_and_mean(at(0)), (0, Duration::ZERO));
        minute.note(at(5), Duration::from_millis(100));
        minute.note(at(55), Duration::from_millis(300));
        assert_eq!(minute.count_and_mean(at(59)), (2, Duration::from_millis(200)));
        assert_eq!(minute.count_and_mean(at(60)), (1, Duration::from_millis(300)));
        // The slot of the first is used again.
        minute.note(at(65), Duration::from_millis(500));
        assert_eq!(minute.count_and_mean(at(65)), (2, Duration::from_millis(400)));
        assert_eq!(minute.count_and_mean(at(200)), (0, Duration::ZERO));
    }

    /// What peers claim would make a new series of each form of address, for ever.
    #[test]
    fn no_series_is_made_of_what_peers_say_about_addresses() {
        let mut registry = Registry::default();
        let libp2p = Metrics::new(&mut registry);
        let meters = Meters::new(registry);
        let claimed: Multiaddr = "/dns4/a.example/udp/1/udp/2".parse().expect("an address");
        let keypair = libp2p::identity::Keypair::generate_ed25519();
        let info = identify::Info {
            public_key: keypair.public(),
            protocol_version: String::new(),
            agent_version: String::new(),
            listen_addrs: vec![claimed.clone()],
            protocols: vec![libp2p::StreamProtocol::new("/an/invented/protocol")],
            observed_addr: claimed.clone(),
            signed_peer_record: None,
        };
        let connection_id = libp2p::swarm::ConnectionId::new_unchecked(1);
        let peer_id = keypair.public().to_peer_id();
        note_identified(&libp2p, &identify::Event::Received { connection_id, peer_id, info });
        meters.note(&libp2p, &SwarmEvent::NewExternalAddrCandidate { address: claimed });
        let mut text = String::new();
        meters.write(&mut text).expect("a text");
        assert!(text.contains("libp2p_identify_received_total 1\n"), "{text}");
        assert!(text.contains("protocol=\"unrecognized\""), "{text}");
        assert!(!text.contains("udp") && !text.contains("invented"), "{text}");
    }
}
