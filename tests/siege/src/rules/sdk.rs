//! The rules of the TypeScript system, as they were before it removed them: everything is counted
//! for the peer that a message *names*, in maps that only grow, and no ban closes a connection.
//!
//! Gossip is passed on whatever becomes of it, because there is no validation report.

use std::collections::{HashMap, HashSet};

use ltms_core::{Connection, Millis, PeerId, PublicKey, Timestamp};

use super::{Arrival, Rules, Taken};
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
    directory: HashMap<PublicKey, Timestamp>,
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
        if named.blacklisted {
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
        self.directory.insert(message.key, message.expires_at);
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
        self.directory.retain(|_, expires| *expires > now);
    }

    fn learn(&mut self, _: Timestamp, _: &Claim) {}

    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.directory.get(key).is_some_and(|expires| *expires > now)
    }

    fn score(&mut self, _: Timestamp, _: &PeerId) -> f64 {
        0.0
    }

    fn bytes(&self) -> u64 {
        let peers = self.peers.len() * size_of::<(PeerId, Named)>();
        let rows = self.directory.len() * size_of::<(PublicKey, Timestamp)>();
        (peers + rows) as u64 + self.keys * size_of::<PublicKey>() as u64
    }

    fn checks(&self) -> u64 {
        self.checks
    }
}
