//! Scores and bans with the constants of a leading Ethereum client: a thousand bans are kept, and
//! the oldest leaves for the next one.
//!
//! Faults cost 1, 5 or 10 points or all; below −20 a peer is disconnected, below −50 banned for half
//! a day; points halve in ten minutes; an address with more than five banned peers is banned, too.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use ltms_core::{Connection, Millis, PeerId, PublicKey, Timestamp};

use super::{Arrival, Rules, Taken};
use crate::lab::field::Signer;
use crate::made::Claim;

const BANNED: usize = 1_000;
const GONE: usize = 500;
/// What is left of a score after a second: the 600th root of a half. Multiplied and not raised to a
/// power, which is not the same to the last bit everywhere.
const SECOND: f64 = 0.9988454217380301;
/// Seconds after which nothing worth a thought is left.
const FORGOTTEN: u64 = 36_000;
const DISCONNECT: f64 = -20.0;
const BAN: f64 = -50.0;
const BAN_HELD: Millis = Millis::from_hours(12);
const BANNED_PEERS_AN_ADDRESS: usize = 5;
/// One advertisement a minute of a peer, as ours has for an identity.
const INTERVAL: Millis = Millis::from_mins(1);

struct Known {
    score: f64,
    at: Timestamp,
    address: Option<IpAddr>,
    connected: bool,
    last: Option<Timestamp>,
}

#[derive(Default)]
pub(crate) struct OldestBanFirst {
    peers: HashMap<PeerId, Known>,
    gone: VecDeque<PeerId>,
    bans: VecDeque<(PeerId, Option<IpAddr>, Timestamp)>,
    sanctioned: Vec<PeerId>,
    directory: HashMap<PublicKey, Timestamp>,
    checks: u64,
}

impl OldestBanFirst {
    fn is_banned(&self, now: Timestamp, peer: &PeerId, address: Option<IpAddr>) -> bool {
        let in_force = || self.bans.iter().filter(|(.., until)| *until > now);
        let at_address = in_force().filter(|(_, at, _)| at.is_some() && *at == address);
        in_force().any(|(banned, ..)| banned == peer)
            || at_address.count() > BANNED_PEERS_AN_ADDRESS
    }

    fn charge(&mut self, now: Timestamp, peer: &PeerId, points: f64) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        let seconds = now.as_millis().saturating_sub(known.at.as_millis()) / 1000;
        let left = (0..seconds.min(FORGOTTEN)).fold(known.score, |score, _| score * SECOND);
        known.score = (left - points).max(-100.0);
        known.at = known.at.saturating_add(Millis::from_secs(seconds));
        if known.score < BAN {
            self.bans.push_back((*peer, known.address, now.saturating_add(BAN_HELD)));
            if self.bans.len() > BANNED {
                self.bans.pop_front();
            }
        }
        if known.score < DISCONNECT {
            self.sanctioned.push(*peer);
        }
    }
}

impl Rules for OldestBanFirst {
    fn connect(&mut self, now: Timestamp, connection: &Connection) -> bool {
        if self.is_banned(now, &connection.peer, connection.address) {
            return false;
        }
        let fresh =
            Known { score: 0.0, at: now, address: connection.address, connected: true, last: None };
        self.peers.entry(connection.peer).or_insert(fresh).connected = true;
        true
    }

    fn disconnect(&mut self, _: Timestamp, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.connected = false;
            self.gone.push_back(*peer);
        }
        while self.gone.len() > GONE {
            let Some(oldest) = self.gone.pop_front() else { break };
            if self.peers.get(&oldest).is_some_and(|known| !known.connected) {
                self.peers.remove(&oldest);
            }
        }
    }

    fn is_cut_off(&mut self, _: Timestamp, _: &PeerId) -> bool {
        false
    }

    fn take(&mut self, now: Timestamp, arrival: &Arrival<'_>) -> Taken {
        let message = arrival.message;
        self.checks += 1;
        // What cannot be read costs as much as a wrong signature.
        if message.newer || !message.genuine {
            self.charge(now, &arrival.from, 10.0);
            return Taken::Dropped;
        }
        if message.expires_at <= now {
            self.charge(now, &arrival.from, 1.0);
            return Taken::Dropped;
        }
        if message.publisher == arrival.from {
            let Some(known) = self.peers.get_mut(&arrival.from) else { return Taken::Dropped };
            if known.last.is_some_and(|last| last.saturating_add(INTERVAL) > now) {
                self.charge(now, &arrival.from, 1.0);
                return Taken::Dropped;
            }
            known.last = Some(now);
        }
        self.directory.insert(message.key, message.expires_at);
        Taken::Listed
    }

    fn sanctioned(&mut self, _: Timestamp) -> Vec<PeerId> {
        std::mem::take(&mut self.sanctioned)
    }

    fn tick(&mut self, now: Timestamp) {
        self.directory.retain(|_, expires| *expires > now);
        self.bans.retain(|(.., until)| *until > now);
    }

    fn learn(&mut self, _: Timestamp, _: &Claim) {}

    fn bans(&self, now: Timestamp, peer: &PeerId, _: &Signer) -> bool {
        let known = self.peers.get(peer);
        self.is_banned(now, peer, known.and_then(|known| known.address))
    }

    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.directory.get(key).is_some_and(|expires| *expires > now)
    }

    fn score(&mut self, _: Timestamp, peer: &PeerId) -> f64 {
        self.peers.get(peer).map_or(0.0, |known| known.score)
    }

    fn bytes(&self) -> u64 {
        let peers = self.peers.len() * size_of::<(PeerId, Known)>();
        let bans = self.bans.len() * size_of::<(PeerId, Option<IpAddr>, Timestamp)>();
        (peers + bans + self.directory.len() * size_of::<(PublicKey, Timestamp)>()) as u64
    }

    fn checks(&self) -> u64 {
        self.checks
    }
}
