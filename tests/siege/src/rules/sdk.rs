//! The rules of the TypeScript system, as they were before it removed them: everything is counted
//! for the peer that a message *names*, in maps that only grow, and no ban closes a connection.
//!
//! Gossip is passed on whatever becomes of it, because there is no validation report.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use ltms_core::score::Failure;
use ltms_core::{Connection, IdentityId, Millis, Outcome, PeerId, PublicKey, Timestamp};

use super::burns::OlderIdentities;
use super::{Arrival, Burns, Rules, Taken};
use crate::lab::field::Signer;
use crate::made::Claim;

const LARGEST: usize = 10_000;
const SKEW: Millis = Millis::from_mins(5);
const INTERVAL: Millis = Millis::from_mins(1);
const VIOLATIONS: u32 = 10;
const INVALID_SIGNATURES: u32 = 10;
const SPAM: u32 = 50;
const KEYS: usize = 10;

#[derive(Default)]
struct Named {
    last: Option<Timestamp>,
    violations: u32,
    invalid: u32,
    spam: u32,
    keys: HashSet<PublicKey>,
    blacklisted: bool,
}

#[derive(Default)]
pub(crate) struct OlderSdk {
    peers: HashMap<PeerId, Named>,
    /// When it ends, and the reputation that it claims for itself.
    directory: HashMap<PublicKey, (Timestamp, u8)>,
    points: HashMap<IdentityId, i32>,
    banned: HashSet<PublicKey>,
    open: HashMap<u64, Timestamp>,
    identities: OlderIdentities,
    keys: u64,
    checks: u64,
}

impl OlderSdk {
    fn judge(&mut self, now: Timestamp, message: &crate::lab::Message) -> bool {
        let forward = message.created_at > now.saturating_add(SKEW);
        let behind = message.created_at.saturating_add(SKEW) < now;
        if message.newer
            || message.bytes.len() > LARGEST
            || forward
            || behind
            || message.expires_at <= now
        {
            return false;
        }
        self.checks += 1;
        let named = self.peers.entry(message.peer).or_default();
        if !message.genuine {
            named.invalid += 1;
            named.blacklisted |= named.invalid >= INVALID_SIGNATURES;
            return false;
        }
        if named.blacklisted || self.banned.contains(&message.key) {
            return false;
        }
        if named.last.is_some_and(|last| last.saturating_add(INTERVAL) > now) {
            named.violations += 1;
            named.blacklisted |= named.violations >= VIOLATIONS;
            return false;
        }
        named.last = Some(now);
        if !named.keys.contains(&message.key) {
            if named.keys.len() >= KEYS {
                named.spam += 1;
                named.blacklisted |= named.spam >= SPAM;
                return false;
            }
            named.keys.insert(message.key);
            self.keys += 1;
        }
        self.directory.insert(message.key, (message.expires_at, message.claims));
        true
    }
}

impl Rules for OlderSdk {
    fn connect(&mut self, _: Timestamp, _: &Connection) -> bool {
        true
    }

    fn disconnect(&mut self, _: Timestamp, _: &PeerId) {}

    fn is_cut_off(&mut self, _: Timestamp, _: &PeerId) -> bool {
        false
    }

    fn take(&mut self, now: Timestamp, arrival: &Arrival<'_>) -> Taken {
        if self.judge(now, arrival.message) { Taken::Listed } else { Taken::PassedOn }
    }

    fn sanctioned(&mut self, _: Timestamp) -> Vec<PeerId> {
        Vec::new()
    }

    fn tick(&mut self, now: Timestamp) {
        self.directory.retain(|_, (expires, _)| *expires > now);
    }

    fn learn(&mut self, _: Timestamp, _: &Claim) {}

    fn session(
        &mut self,
        _: Timestamp,
        _: u64,
        (subject, _): (&IdentityId, &IdentityId),
        outcome: Outcome,
    ) {
        let points = self.points.entry(*subject).or_insert(50);
        let by = if matches!(outcome, Outcome::Completed(_)) { 2 } else { -5 };
        *points = (*points + by).clamp(0, 100);
    }

    fn accuse(&mut self, now: Timestamp, number: u64, _: &PeerId, of: &Signer) -> bool {
        let failed = Outcome::Failed(Failure::Timeout);
        self.session(now, number, (&of.identity, &IdentityId::OURS), failed);
        if self.points[&of.identity] == 0 {
            self.banned.insert(of.key);
            self.directory.remove(&of.key);
        }
        true
    }

    /// Ten at a time, whosever they are (10 minutes each).
    fn announce(
        &mut self,
        now: Timestamp,
        number: u64,
        _: &PeerId,
        _: [PublicKey; 2],
    ) -> Option<bool> {
        self.open.retain(|_, end| *end > now);
        let taken = self.open.len() < 10;
        if taken {
            self.open.insert(number, now.saturating_add(Millis::from_mins(10)));
        }
        Some(taken)
    }

    fn abort(&mut self, _: Timestamp, number: u64, _: &PeerId) {
        self.open.remove(&number);
    }

    fn bans(&self, _: Timestamp, peer: &PeerId, signer: &Signer) -> bool {
        let named = self.peers.get(peer);
        named.is_some_and(|named| named.blacklisted) || self.banned.contains(&signer.key)
    }

    fn points(&self, of: &Signer) -> Option<f64> {
        Some(f64::from(self.points.get(&of.identity).copied().unwrap_or(50)))
    }

    /// By what they claim for themselves.
    fn first(&self, now: Timestamp, count: usize) -> Option<Vec<PublicKey>> {
        let live = self.directory.iter().filter(|(_, (expires, _))| *expires > now);
        let mut all: Vec<_> = live.map(|(key, (_, claims))| (Reverse(*claims), *key)).collect();
        all.sort_by_key(|(claims, key)| (*claims, *key.as_bytes()));
        Some(all.into_iter().take(count).map(|(_, key)| key).collect())
    }

    fn burns(&mut self) -> Option<&mut dyn Burns> {
        Some(&mut self.identities)
    }

    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.directory.get(key).is_some_and(|(expires, _)| *expires > now)
    }

    fn score(&mut self, _: Timestamp, _: &PeerId) -> f64 {
        0.0
    }

    fn bytes(&self) -> u64 {
        let peers = self.peers.len() * size_of::<(PeerId, Named)>();
        let rows = self.directory.len() * size_of::<(PublicKey, Timestamp, u8)>();
        let identities = self.identities.len() * size_of::<(IdentityId, PublicKey)>();
        let points = self.points.len() * size_of::<(IdentityId, i32)>();
        let banned = self.banned.len() * size_of::<PublicKey>();
        let open = self.open.len() * size_of::<(u64, Timestamp)>();
        (peers + rows + identities + points + banned + open) as u64
            + self.keys * size_of::<PublicKey>() as u64
    }

    fn checks(&self) -> u64 {
        self.checks
    }
}
