//! What the operator may do, and what is counted.

use super::bans::operator_rows;
use super::sanctions::ban_of;
use super::{Gate, Parts, Subject};
use crate::bans::BanRow;
use crate::floor::Floor;
use crate::identities::IdentityRow;
use crate::metrics::Metrics;
use crate::score::Graylisting;
use crate::storage::Storage;
use crate::table::Row;
use crate::time::Seconds;
use crate::{Amount, PeerId, Reason, Timestamp};

/// A table has no room for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapacityError {
    /// Every row of the peer table belongs to a connected peer.
    Peers,
    /// The operator's quarter of the ban table is full; lift a ban first.
    Bans,
    /// There is no row of this identity or key.
    Unknown,
}

impl CapacityError {
    /// Every error, by its number in a recording.
    #[cfg(feature = "alloc")]
    pub(crate) const ALL: &'static [Self] = &[Self::Peers, Self::Bans, Self::Unknown];

    /// Its number in a recording.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Peers => 1,
            Self::Bans => 2,
            Self::Unknown => 3,
        }
    }
}

impl core::fmt::Display for CapacityError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Peers => "every row of the peer table belongs to a connected peer",
            Self::Bans => "the operator's quarter of the ban table is full",
            Self::Unknown => "no such identity or key is known",
        })
    }
}

impl core::error::Error for CapacityError {}

impl<S: Storage> Gate<S> {
    /// Bans somebody until a time, or until lifted. A peer is asked to be disconnected; an
    /// identity or key serves nothing. Unknown identities and keys cannot be banned.
    ///
    /// # Errors
    /// [`CapacityError::Bans`] when the operator's quarter of the ban table is full,
    /// [`CapacityError::Unknown`] for an identity or key without a row, and for address groups:
    /// they are only banned by the rule for full tables.
    pub fn ban(
        &mut self,
        now: Timestamp,
        subject: &Subject,
        until: Option<Timestamp>,
        reason: Reason,
    ) -> Result<(), CapacityError> {
        let mut parts = self.parts(now);
        let seed = &parts.rules.seed;
        let ban = Graylisting::fixed(until.unwrap_or(Timestamp::NEVER));
        match subject {
            Subject::Peer(peer) => return parts.ban_peer(now, peer, until, reason),
            Subject::Identity(id) => {
                if let Some(row) = parts.tables.identities.find_mut(seed, id) {
                    (row.ban, row.ban_reason) = (ban, reason);
                    row.flags.set(IdentityRow::SANCTIONED, false);
                } else {
                    let row = parts.tables.tombstones.find_mut(seed, id);
                    let row = row.ok_or(CapacityError::Unknown)?;
                    (row.ban, row.ban_reason) = (ban, reason);
                }
                parts.node.halves.forget();
            }
            Subject::Key(key) => {
                let row = parts.tables.keys.find_mut(seed, key);
                row.ok_or(CapacityError::Unknown)?.graylisting = ban;
            }
            Subject::Group(_) => return Err(CapacityError::Unknown),
        }
        Ok(())
    }

    /// Puts a peer on the allow-list, or takes it off. An allowed peer is exempt from the limits
    /// of its address group and from automatic sanctions, but not from the decoders, windows and
    /// budgets. Any ban of it is lifted; a later one by the operator takes it off the list.
    ///
    /// # Errors
    /// [`CapacityError::Bans`] when the operator's quarter of the ban table is full.
    pub fn allow(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        allowed: bool,
    ) -> Result<(), CapacityError> {
        let mut parts = self.parts(now);
        if !allowed {
            if parts.is_allowed(peer)
                && let Some(place) = parts.tables.bans.find(&parts.rules.seed, peer)
            {
                parts.remove_ban(now, place);
            }
            return Ok(());
        }
        let row = parts.operator_row(now, peer)?;
        *row = BanRow {
            peer: *peer,
            operator: true,
            allowed,
            first: Seconds::of(now),
            last: Seconds::of(now),
            ..BanRow::VACANT
        };
        parts.note_ban(peer);
        if let Some(row) = parts.peer(peer) {
            row.unproven = false;
            row.sanctioned = false;
            row.held_until = Timestamp::EPOCH;
        }
        Ok(())
    }

    /// Lifts a ban, whoever made it, or the sanction of a peer that the breaker holds back, as if
    /// it had begun and were lifted. Returns whether there was one.
    pub fn unban(&mut self, now: Timestamp, subject: &Subject) -> bool {
        let mut parts = self.parts(now);
        let seed = &parts.rules.seed;
        match subject {
            Subject::Peer(peer) => {
                let banned = parts.sanction(now, peer).is_some();
                if parts.is_allowed(peer) {
                    return banned;
                }
                if let Some(place) = parts.tables.bans.find(seed, peer) {
                    parts.remove_ban(now, place);
                }
                let Some(row) = parts.tables.peers.find_mut(seed, peer) else { return banned };
                row.sanctioned = false;
                let held = row.is_held();
                if held {
                    row.held_until = Timestamp::EPOCH;
                    row.violations.clear();
                }
                banned || held
            }
            Subject::Identity(id) => {
                parts.node.halves.forget();
                let row = parts.tables.identities.find_mut(seed, id).map(|row| &mut row.ban);
                let buried = parts.tables.tombstones.find_mut(seed, id).map(|row| &mut row.ban);
                let bans = [row, buried].into_iter().flatten();
                bans.map(|ban| lift(ban, now)).max().unwrap_or(false)
            }
            Subject::Key(key) => {
                parts.node.keys.floor = Floor::UNKNOWN;
                let row = parts.tables.keys.find_mut(seed, key);
                row.is_some_and(|row| lift(&mut row.graylisting, now))
            }
            Subject::Group(group) => {
                let found = parts.tables.groups.find_mut(seed, &group.to_le_bytes());
                found.is_some_and(|row| {
                    let banned = row.ban(now).is_some();
                    row.until = Timestamp::EPOCH;
                    banned
                })
            }
        }
    }

    /// Counters and gauges at `now`.
    #[must_use]
    pub fn metrics(&self, now: Timestamp) -> Metrics {
        let tables = self.storage.tables();
        let counters = &self.node.counters;
        let mut metrics = Metrics {
            rate_limit_violations: counters.rate_limit_violations,
            peers_blocked: counters.peers_blocked,
            expired_entries_dropped: counters.expired_entries_dropped,
            signature_checks: counters.signature_checks,
            bans_not_recorded: counters.bans_not_recorded,
            bans_merged: counters.bans_merged,
            operator_bans: self.node.bans.operator.into(),
            automatic_bans: self.node.bans.automatic.into(),
            posture: self.node.posture,
            identities_lapsed: counters.identities_lapsed,
            identities_displaced: counters.identities_displaced,
            keys_displaced: counters.keys_displaced,
            tombstones: u64::try_from(tables.tombstones.len()).unwrap_or(u64::MAX),
            searches: counters.searches,
            identity_faults: counters.identity_faults,
            identities_banned: counters.identities_banned,
            breaker_open: self.node.breaker.is_open(now),
            breaker_opened: counters.breaker_opened,
            sanctions_spared: counters.sanctions_spared,
            clock_steps_forward: counters.clock_steps_forward,
            clock_steps_back: counters.clock_steps_back,
            would_windows: counters.would_windows,
            would_keys: counters.would_keys,
            would_groups: counters.would_groups,
            would_sanctions: counters.would_sanctions,
            identities_registered: u64::try_from(tables.identities.len()).unwrap_or(u64::MAX),
            ..Metrics::default()
        };
        let mut scores = 0u64;
        for (_, row) in tables.identities.iter() {
            metrics.total_burned = metrics.total_burned.saturating_add(row.burned());
            scores = scores.saturating_add(row.reputation.score().into());
            let bad = row.reputation.score() < BAD_REPUTATION;
            metrics.peers_with_bad_reputation =
                metrics.peers_with_bad_reputation.saturating_add(bad.into());
        }
        let mean = |sum: u64| sum.checked_div(metrics.identities_registered).unwrap_or(0);
        metrics.average_burn_per_identity = Amount::from_sats(mean(metrics.total_burned.sats()));
        metrics.average_reputation_score = u8::try_from(mean(scores)).unwrap_or(u8::MAX);
        for (_, row) in tables.bans.iter() {
            metrics.allowed_peers = metrics.allowed_peers.saturating_add(row.allowed.into());
            match ban_of(row, now).map(|ban| ban.reason) {
                Some(Reason::Blacklisted) => {
                    metrics.blacklisted_peers = metrics.blacklisted_peers.saturating_add(1);
                }
                Some(_) => metrics.graylisted_peers = metrics.graylisted_peers.saturating_add(1),
                None => {}
            }
        }
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        metrics.sanctions_held =
            count(tables.peers.iter().filter(|(_, row)| row.is_held()).count());
        metrics.banned_groups =
            count(tables.groups.iter().filter(|(_, row)| row.ban(now).is_some()).count());
        metrics.active_peers =
            count(tables.peers.iter().filter(|(_, row)| row.connections > 0).count());
        metrics.advertised_keys =
            count(tables.keys.iter().filter(|(_, row)| row.expires_at() > now).count());
        metrics
    }

    /// How many decisions had this reason.
    #[must_use]
    pub fn decisions(&self, reason: Reason) -> u64 {
        self.node.counters.of(reason)
    }
}

fn lift(ban: &mut Graylisting, now: Timestamp) -> bool {
    core::mem::take(ban).active(now).is_some()
}

impl Parts<'_> {
    /// The row of the operator's word on a peer, made if there is room in the operator's quarter.
    fn operator_row(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
    ) -> Result<&mut BanRow, CapacityError> {
        let found = self.tables.bans.find(&self.rules.seed, peer);
        let known = found.and_then(|place| self.tables.bans.get(place));
        if !known.is_some_and(|row| row.operator) && !self.room_for_operator(now) {
            return Err(CapacityError::Bans);
        }
        let place = match found {
            Some(place) => place,
            None => {
                let row = BanRow {
                    peer: *peer,
                    operator: true,
                    first: Seconds::of(now),
                    ..BanRow::VACANT
                };
                self.insert_ban(now, row).ok_or(CapacityError::Bans)?
            }
        };
        let row = self.tables.bans.get_mut(place).ok_or(CapacityError::Bans)?;
        if !core::mem::replace(&mut row.operator, true) {
            let group = row.origin.narrow();
            self.node.bans.operator = self.node.bans.operator.saturating_add(1);
            self.uncount_automatic(now, group);
        }
        self.tables.bans.get_mut(place).ok_or(CapacityError::Bans)
    }

    fn ban_peer(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        until: Option<Timestamp>,
        reason: Reason,
    ) -> Result<(), CapacityError> {
        let row = self.operator_row(now, peer)?;
        row.allowed = false;
        row.reason = reason;
        row.last = Seconds::of(now);
        row.graylisting = Graylisting::fixed(until.unwrap_or(Timestamp::NEVER));
        self.note_ban(peer);
        let seed = &self.rules.seed;
        if let Some(place) = self.tables.peers.find(seed, peer) {
            self.tables.peers.mark(place);
            if let Some(row) = self.tables.peers.get_mut(place) {
                row.held_until = Timestamp::EPOCH;
                row.sanctioned = true;
            }
        }
        Ok(())
    }

    /// Whether the operator's quarter has a row free, once those of ended bans have left.
    fn room_for_operator(&mut self, now: Timestamp) -> bool {
        let quarter = operator_rows(&self.tables.bans.view());
        if self.node.bans.operator >= quarter {
            for place in self.tables.bans.places() {
                let row = self.tables.bans.get(place);
                if row.is_some_and(|row| row.operator && !row.is_in_force(now)) {
                    self.remove_ban(now, place);
                }
            }
        }
        self.node.bans.operator < quarter
    }
}

/// Below this score an identity's reputation is called bad, and it is ranked last (policy §7).
pub(crate) const BAD_REPUTATION: u8 = 30;
