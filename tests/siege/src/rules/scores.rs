//! A node that has GossipSub's peer scores and nothing else: what holds its signature is listed.
//!
//! Numbers are those of policy 8: first deliveries 1 (decay 0.5, cap 100), invalid deliveries −100
//! by their square (decay 0.3), graylist at −2,500. A score is kept for an hour after its peer has gone,
//! which is what the library does by default.

use std::collections::HashMap;

use ltms_core::{Connection, Millis, PeerId, PublicKey, Timestamp};

use super::{Arrival, Deliveries, Rules, Taken};
use crate::made::Claim;

const RETAINED: Millis = Millis::from_hours(1);
const GRAYLIST: f64 = -2_500.0;
const HEARTBEAT: Millis = Millis::from_secs(1);

struct Score {
    first: Deliveries,
    invalid: f64,
    at: Timestamp,
    connected: bool,
}

impl Score {
    /// Decays once a heartbeat.
    fn value(&mut self, now: Timestamp) -> f64 {
        let beats = now.as_millis().saturating_sub(self.at.as_millis()) / HEARTBEAT.get();
        if beats > 0 {
            self.invalid *= 0.3f64.powi(i32::try_from(beats).unwrap_or(i32::MAX));
            self.at = now;
        }
        self.first.value(now) - 100.0 * self.invalid * self.invalid
    }
}

#[derive(Default)]
pub(crate) struct ScoreOnly {
    scores: HashMap<PeerId, Score>,
    directory: HashMap<PublicKey, Timestamp>,
    checks: u64,
}

impl Rules for ScoreOnly {
    fn connect(&mut self, now: Timestamp, connection: &Connection) -> bool {
        let first = Deliveries::new(now);
        let fresh = Score { first, invalid: 0.0, at: now, connected: true };
        self.scores.entry(connection.peer).or_insert(fresh).connected = true;
        true
    }

    fn disconnect(&mut self, now: Timestamp, peer: &PeerId) {
        if let Some(score) = self.scores.get_mut(peer) {
            score.value(now);
            score.connected = false;
            score.at = now;
        }
    }

    fn is_cut_off(&mut self, now: Timestamp, peer: &PeerId) -> bool {
        self.score(now, peer) < GRAYLIST
    }

    fn take(&mut self, now: Timestamp, arrival: &Arrival<'_>) -> Taken {
        self.checks += 1;
        let message = arrival.message;
        let valid = !message.newer && message.genuine && message.expires_at > now;
        if let Some(score) = self.scores.get_mut(&arrival.from) {
            score.value(now);
            if valid {
                score.first.add(now);
            } else {
                score.invalid += 1.0;
            }
        }
        if !valid {
            return Taken::Dropped;
        }
        self.directory.insert(message.key, message.expires_at);
        Taken::Listed
    }

    fn sanctioned(&mut self, _: Timestamp) -> Vec<PeerId> {
        Vec::new()
    }

    fn tick(&mut self, now: Timestamp) {
        self.directory.retain(|_, expires| *expires > now);
        self.scores.retain(|_, score| score.connected || score.at.saturating_add(RETAINED) > now);
    }

    fn learn(&mut self, _: Timestamp, _: &Claim) {}

    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.directory.get(key).is_some_and(|expires| *expires > now)
    }

    fn score(&mut self, now: Timestamp, peer: &PeerId) -> f64 {
        self.scores.get_mut(peer).map_or(0.0, |score| score.value(now))
    }

    fn bytes(&self) -> u64 {
        let scores = self.scores.len() * size_of::<(PeerId, Score)>();
        (scores + self.directory.len() * size_of::<(PublicKey, Timestamp)>()) as u64
    }

    fn checks(&self) -> u64 {
        self.checks
    }
}
