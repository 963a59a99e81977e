//! A real Gate, asked as a node's driver asks it.

use std::collections::{HashMap, HashSet};

use ltms_core::session::{Cause, End, Phase, Session, Sessions, Step};
use ltms_core::wire::{AdHeader, Hello, SessionAnnouncement, hello_hash};
use ltms_core::{
    Capacity, Channel, Connection, Criteria, Decision, Event, Found, FrameKind, Gate, Heap,
    IdentityId, Outcome, PeerId, Proof, PublicKey, Reason, Screening, Seed, SessionId,
    SignatureCheck, Source, Subject, Timestamp, Verdict,
};

use super::without::Part;
use super::{Arrival, Burns, Deliveries, Known, Rules, Taken, Which};
use crate::lab::field::Signer;
use crate::made::{self, Claim, POLICY};

/// Of neighbours that proved an identity and bring something, how many fill a mesh.
const MESH_LOW: usize = 5;
/// Peers that a node remembers.
const PEERS: u32 = 192;
/// Minutes after which a point of silence is forgiven.
const FORGIVE: u32 = 5;

pub(crate) struct Ours {
    /// Which of ours it is.
    pub(super) which: Which,
    pub(super) gate: Gate<Heap>,
    capacity: Capacity,
    /// Connections that are cut off before deduplication, and until when.
    cut_off: HashMap<PeerId, Timestamp>,
    sanctioned: Vec<PeerId>,
    sessions: Sessions<Vec<Session>>,
    /// First deliveries of connected peers.
    first: HashMap<PeerId, Deliveries>,
    /// Their busy minutes of silence in the mesh.
    silent: HashMap<PeerId, u8>,
    minutes: u32,
    /// Connected peers that proved an identity.
    proven: HashSet<PeerId>,
}

impl Ours {
    /// A node that knows nobody.
    pub(super) fn new(which: Which, identities: u32, seed: u64) -> Self {
        let mut node = Self::empty(which, identities, seed);
        made::set_tip(&mut node.gate, made::START);
        node
    }

    /// A node that has these in its store.
    pub(super) fn knowing(which: Which, identities: u32, seed: u64, known: &Known) -> Self {
        let mut node = Self::empty(which, identities, seed);
        let stored = known.snapshot(&secret(seed));
        let restored = node.gate.restore(made::START, &stored).expect("it was made here");
        assert_eq!(restored.dropped.identities, 0, "there is room for all");
        node
    }

    /// A node without a chain.
    fn empty(which: Which, identities: u32, seed: u64) -> Self {
        let capacity = Capacity {
            peers: PEERS,
            identities,
            tombstones: (identities / 4).max(16),
            keys: (2 * identities).max(128),
            bans: bans(identities),
            ..Capacity::NODE
        };
        let gate = Gate::new(Heap::new(capacity), which.policy(), secret(seed));
        Self {
            which,
            gate: gate.expect("the policy is valid"),
            capacity,
            cut_off: HashMap::new(),
            sanctioned: Vec::new(),
            sessions: Sessions::new(vec![Session::VACANT; 64]),
            first: HashMap::new(),
            silent: HashMap::new(),
            minutes: 0,
            proven: HashSet::new(),
        }
    }

    /// When a message is judged again for which a budget has no room.
    fn later(&mut self, arrival: &Arrival<'_>, decision: Decision) -> Option<Timestamp> {
        let until = decision.retry_at?;
        match decision.reason {
            // A gossip connection that has spent its own is not read until then.
            Reason::SignatureBudget if !arrival.was_asked_for && !arrival.message.direct => {
                self.cut_off.insert(arrival.from, until);
                Some(until)
            }
            Reason::SignatureBudget | Reason::NodeBusy => Some(until),
            _ => None,
        }
    }

    fn end(&mut self, now: Timestamp, number: u64, by: &PeerId, end: End) {
        let (id, step) = (session_id(number), Step::Abort(end));
        let _ = self.sessions.step(now, &mut self.gate, Some(by), &id, &step);
        self.tell_sessions();
    }

    /// Rows with something to tell are not free.
    fn tell_sessions(&mut self) {
        while self.sessions.poll_event().is_some() {}
    }

    fn poll(&mut self, now: Timestamp) {
        while let Some(event) = self.gate.poll_event(now) {
            match event {
                Event::Sanctioned { peer, .. } => self.sanctioned.push(peer),
                Event::ProveIdentity { peer, until } => {
                    self.cut_off.insert(peer, until);
                }
                _ => {}
            }
        }
    }
}

/// Rows for bans, beside so many identities.
fn bans(identities: u32) -> u32 {
    (64 * identities).min(Capacity::NODE.bans)
}

/// What keys the tables of the node with this number.
pub(crate) fn secret(number: u64) -> Seed {
    Seed::new((u128::from(made::mix(number)) << 64 | u128::from(number)).to_le_bytes())
}

/// A table that has a row for a peer.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    Peers,
    Bans,
}

impl Table {
    /// Where an id's row is looked for, as whoever reads the core's source works it out.
    pub(crate) fn bucket(self, secret: &Seed, peer: &PeerId) -> u128 {
        let (domain, rows) = match self {
            Self::Peers => (1, PEERS),
            Self::Bans => (4, Capacity::NODE.bans),
        };
        // An Ed25519 key's id is hashed as 1 and the key.
        let mut key = [1; 33];
        key[1..].copy_from_slice(&peer.to_bytes()[6..]);
        (u128::from(secret.hash(domain, &key)) * u128::from(rows)) >> 64
    }
}

fn session_id(number: u64) -> SessionId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    SessionId::from_bytes(id)
}

impl Rules for Ours {
    fn connect(&mut self, now: Timestamp, connection: &Connection) -> bool {
        let decision = self.gate.screen_connection(now, connection);
        let may = decision.verdict == Verdict::Accept || decision.reason == Reason::ProveIdentity;
        let there = may && self.gate.connected(now, connection).is_ok();
        // It may have to prove an identity before it is heard.
        self.poll(now);
        there
    }

    fn disconnect(&mut self, now: Timestamp, peer: &PeerId) {
        self.gate.disconnected(now, peer);
        self.cut_off.remove(peer);
        self.first.remove(peer);
        self.silent.remove(peer);
        self.proven.remove(peer);
    }

    fn is_cut_off(&mut self, now: Timestamp, peer: &PeerId) -> bool {
        self.cut_off.get(peer).is_some_and(|until| *until > now)
    }

    fn take(&mut self, now: Timestamp, arrival: &Arrival<'_>) -> Taken {
        let message = arrival.message;
        let (source, kind) = if arrival.was_asked_for {
            let (peer, channel) = (arrival.from, Channel::Directory);
            (Source { peer, publisher: None, channel }, FrameKind::Record)
        } else if message.direct {
            (Source::direct(arrival.from), FrameKind::Direct)
        } else {
            (Source::gossip(arrival.from, message.publisher), FrameKind::Gossip)
        };
        let framed = if arrival.was_held {
            Decision::new(Reason::Clear)
        } else {
            self.gate.screen_frame(now, &source, kind, message.bytes.len())
        };
        if framed.reason == Reason::Throttle
            && let Some(until) = framed.retry_at
        {
            self.cut_off.insert(arrival.from, until);
        }
        let decision = if framed.verdict != Verdict::Accept {
            framed
        } else {
            match AdHeader::read(POLICY.network, &message.bytes) {
                Err(error) => self.gate.malformed(now, &source, error.reason(), &message.bytes),
                Ok(header) => match self.gate.screen_ad(now, &source, &header) {
                    Screening::Done(decision) => decision,
                    Screening::Proceed(ticket) => {
                        let check = if message.genuine {
                            SignatureCheck::Valid
                        } else {
                            SignatureCheck::Invalid
                        };
                        self.gate.settle_ad(now, ticket, check)
                    }
                },
            }
        };
        self.poll(now);
        // A stranger's advertisement is listed and never travels by gossip (policy 8).
        match decision.verdict {
            Verdict::Accept if arrival.was_asked_for => Taken::Listed,
            Verdict::Accept => {
                let fresh = Deliveries::new(now);
                self.first.entry(arrival.from).or_insert(fresh).add(now);
                Taken::Listed
            }
            _ => self.later(arrival, decision).map_or(Taken::Dropped, Taken::Later),
        }
    }

    fn sanctioned(&mut self, _: Timestamp) -> Vec<PeerId> {
        std::mem::take(&mut self.sanctioned)
    }

    fn tick(&mut self, now: Timestamp) {
        while self.gate.poll_timeout() <= now && self.gate.handle_timeout(now) {}
        self.sessions.handle_timeout(now, &mut self.gate);
        self.tell_sessions();
        self.cut_off.retain(|_, until| *until > now);
        self.poll(now);
    }

    fn learn(&mut self, now: Timestamp, claim: &Claim) {
        let local = Source::own(made::peer(u64::MAX));
        let decision = claim.settle(&mut self.gate, now, &local);
        assert_eq!(decision.reason, Reason::New, "a made claim holds");
    }

    fn session(
        &mut self,
        now: Timestamp,
        number: u64,
        (subject, counterparty): (&IdentityId, &IdentityId),
        outcome: Outcome,
    ) {
        let completed = matches!(outcome, Outcome::Completed(_));
        if !completed || self.which.has(Part::Sessions) {
            let id = session_id(number);
            let _ = self.gate.record_session(now, &id, subject, counterparty, outcome);
        }
    }

    fn prove(&mut self, now: Timestamp, peer: &PeerId, verifier: &PeerId, signer: &Signer) -> bool {
        let (secret, challenge) = (made::secret(signer.node.into()), [9; 32]);
        let (identity, key) = (signer.identity, secret.public_key());
        let hello = Hello { identity, key, challenge, delegation: None };
        let hash = hello_hash(POLICY.network, peer, verifier, &identity, &challenge);
        let signature = secret.sign(&hash);
        let proof = Proof { verifier, challenge: &challenge, hello: &hello, signature };
        let decision = self.gate.prove_identity(now, &Source::direct(*peer), &proof);
        self.poll(now);
        if decision.verdict == Verdict::Accept {
            self.cut_off.remove(peer);
            self.proven.insert(*peer);
        }
        decision.verdict == Verdict::Accept
    }

    fn accuse(&mut self, now: Timestamp, number: u64, by: &PeerId, of: &Signer) -> bool {
        // A key that is no identity's announces: one of those is refused at once.
        let own = made::secret((1 << 50) + number % 64).public_key();
        let taken = self.announce(now, number, by, [own, of.key]) == Some(true);
        let victim = u8::from(own < of.key);
        self.end(now, number, by, End { cause: Cause::Abort, signer: Some(victim) });
        taken
    }

    fn announce(
        &mut self,
        now: Timestamp,
        number: u64,
        by: &PeerId,
        keys: [PublicKey; 2],
    ) -> Option<bool> {
        let announcer = u8::from(keys[1] < keys[0]);
        let mut signers = keys;
        signers.sort();
        let announcement = SessionAnnouncement {
            signers: signers.into_iter().collect(),
            announcer,
            peer: *by,
            created_at: now,
            digest: [7; 32],
        };
        let (id, step) = (session_id(number), Step::Announce(&announcement));
        let decision = self.sessions.step(now, &mut self.gate, Some(by), &id, &step);
        Some(decision.reason == Reason::Clear)
    }

    fn join(&mut self, now: Timestamp, number: u64, by: &PeerId) {
        let id = session_id(number);
        let Some(session) = self.sessions.get(&id) else { return };
        let us = 1 - session.announcer();
        for (from, step) in [(None, Step::Join(us)), (Some(by), Step::Begin(Phase::Nonce))] {
            let decision = self.sessions.step(now, &mut self.gate, from, &id, &step);
            assert_eq!(decision.reason, Reason::Clear, "the session goes on");
        }
    }

    fn abort(&mut self, now: Timestamp, number: u64, by: &PeerId) {
        self.end(now, number, by, End { cause: Cause::Abort, signer: None });
    }

    fn bans(&self, now: Timestamp, peer: &PeerId, signer: &Signer) -> bool {
        let subjects = [Subject::Identity(signer.identity), Subject::Peer(*peer)];
        let banned = [Reason::Graylisted, Reason::Blacklisted];
        subjects.iter().any(|of| banned.contains(&self.gate.standing(now, of).decision.reason))
    }

    fn points(&self, of: &Signer) -> Option<f64> {
        let standing = self.gate.standing(made::START, &Subject::Identity(of.identity));
        Some(f64::from(standing.score))
    }

    fn first(&self, now: Timestamp, count: usize) -> Option<Vec<PublicKey>> {
        let mut found = vec![Found::default(); count];
        let len = self.gate.find(now, &Criteria::default(), &mut found);
        Some(found[..len].iter().map(|found| found.key).collect())
    }

    fn burn_by_row(&self, of: &IdentityId) -> u64 {
        let standing = self.gate.standing(made::START, &Subject::Identity(*of));
        standing.burned.sats() / u64::from(standing.keys.0.max(1))
    }

    fn breaker(&self) -> Option<[u64; 2]> {
        let metrics = self.gate.metrics(made::START);
        Some([metrics.breaker_opened, metrics.sanctions_spared])
    }

    fn burns(&mut self) -> Option<&mut dyn Burns> {
        Some(self)
    }

    fn serves_directory(&self) -> bool {
        self.which.has(Part::Directories)
    }

    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.gate.is_listed(now, key)
    }

    /// First deliveries, a point for a proven identity, one less for each busy minute of silence,
    /// as far as an identity's own point goes, and one less for strangers where identities fill the
    /// mesh (policy 8, ADR 57).
    fn score(&mut self, now: Timestamp, peer: &PeerId) -> f64 {
        let first = self.first.get_mut(peer).map_or(0.0, |first| first.value(now));
        let silent = |peer| self.silent.get(peer).copied().unwrap_or(0);
        let standing = self.gate.standing(now, &Subject::Peer(*peer));
        let places = self.which.has(Part::Places);
        let fill =
            || places && self.proven.iter().filter(|peer| silent(peer) == 0).count() >= MESH_LOW;
        match standing.decision.reason {
            Reason::Clear if places && standing.identity.is_some() => {
                first + f64::from(1_u8.saturating_sub(silent(peer)))
            }
            Reason::Clear => first - f64::from(silent(peer)) - f64::from(u8::from(fill())),
            _ => first - 100.0,
        }
    }

    fn end_minute(&mut self) {
        self.minutes += 1;
        if self.minutes.is_multiple_of(FORGIVE) {
            self.silent.values_mut().for_each(|points| *points = points.saturating_sub(1));
        }
    }

    fn was_silent(&mut self, peer: &PeerId) {
        let points = self.silent.entry(*peer).or_insert(0);
        *points = (*points + 1).min(20);
    }

    fn bytes(&self) -> u64 {
        self.capacity.bytes()
    }

    fn checks(&self) -> u64 {
        self.gate.metrics(made::START).signature_checks
    }
}
