//! What the operator may do, and what is known about somebody.

use super::bans::operator_rows;
use super::sanctions::ban_of;
use super::{Gate, Parts};
use crate::bans::BanRow;
use crate::burn::Tier;
use crate::floor::Floor;
use crate::groups::{GroupRow, narrow};
use crate::identities::IdentityRow;
use crate::keys::Owner;
use crate::metrics::Metrics;
use crate::peers::PeerRow;
use crate::score::Graylisting;
use crate::storage::Storage;
use crate::table::Row;
use crate::time::Seconds;
use crate::{Amount, Decision, IdentityId, PeerId, PublicKey, Reason, Timestamp};

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

/// Whom [`Gate::standing`] is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A libp2p peer.
    Peer(PeerId),
    /// An author key.
    Key(PublicKey),
    /// An identity.
    Identity(IdentityId),
    /// A narrow address group, by the tag of [`crate::Event::GroupBanned`].
    Group(u32),
}

/// What is known about somebody and what follows from it. Fields that do not apply are zero or
/// `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// [`Reason::Clear`], or the sanction in force.
    pub decision: Decision,
    /// Whether there is a row at all.
    pub known: bool,
    /// What the sanction is for.
    pub sanction_reason: Option<Reason>,
    /// When the first and the last sanction began.
    pub sanctioned_at: Option<(Timestamp, Timestamp)>,
    /// The first eight bytes of the SHA-256 of the evidence.
    pub evidence: [u8; 8],
    /// Whether the operator made the ban.
    pub by_operator: bool,
    /// Whether the operator exempts the peer from group limits and automatic sanctions.
    pub allowed: bool,
    /// When a sanction for window violations, which waits, is due.
    pub held_until: Option<Timestamp>,
    /// Proven faults of an identity within the span, and how many ban.
    pub faults: (u8, u8),
    /// Open connections.
    pub connections: u8,
    /// Window violations within the span, and how many sanction.
    pub violations: (u8, u8),
    /// Invalid signatures within the span, and how many sanction.
    pub invalid_signatures: (u8, u8),
    /// Malformed items within the span, and how many sanction.
    pub malformed: (u8, u8),
    /// Faults of others passed on within the span.
    pub passed_on: u8,
    /// The identity that a key belongs to.
    pub identity: Option<IdentityId>,
    /// Keys that advertise, and how many may.
    pub keys: (u16, u16),
    /// The tier in force.
    pub tier: Option<Tier>,
    /// The total burn.
    pub burned: Amount,
    /// Confirmations of the registration.
    pub confirmations: u32,
    /// Whether the burn is out of the chain at present.
    pub suspended: bool,
    /// Reputation score.
    pub score: u8,
    /// Whether the identity's row left a full table, or its burn the chain: it can register again.
    pub displaced: bool,
    /// Completed and failed sessions.
    pub sessions: (u32, u32),
    /// End of the newest advertisement.
    pub expires_at: Option<Timestamp>,
}

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

    /// Lifts a ban, whoever made it. Returns whether there was one in force.
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
                if let Some(row) = parts.tables.peers.find_mut(seed, peer) {
                    row.sanctioned = false;
                    row.held_until = Timestamp::EPOCH;
                }
                banned
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

    /// What is known about somebody, and why they are treated as they are. Never makes a row.
    #[must_use]
    pub fn standing(&self, now: Timestamp, subject: &Subject) -> Standing {
        match subject {
            Subject::Peer(peer) => self.standing_of_peer(now, peer),
            Subject::Key(key) => self.standing_of_key(now, key),
            Subject::Identity(id) => self.standing_of_identity(now, id),
            Subject::Group(group) => {
                let mut standing =
                    Standing { decision: Reason::Clear.into(), ..Standing::default() };
                let groups = self.storage.tables().groups;
                if let Some((_, row)) = groups.find(&self.rules.seed, &group.to_le_bytes()) {
                    standing.known = true;
                    standing.decision = group_decision(row, now).unwrap_or(standing.decision);
                }
                standing
            }
        }
    }

    fn standing_of_peer(&self, now: Timestamp, peer: &PeerId) -> Standing {
        let (tables, policy) = (self.storage.tables(), &self.rules.policy);
        let limits = &policy.sanctions;
        let mut standing = Standing { decision: Reason::Clear.into(), ..Standing::default() };
        if let Some((place, row)) = tables.peers.find(&self.rules.seed, peer) {
            standing.known = true;
            standing.connections = row.connections;
            standing.violations = (row.violations.count(now, limits.span), limits.violations);
            standing.invalid_signatures =
                (row.invalid.count(now, limits.span), limits.invalid_signatures);
            standing.malformed = (row.malformed.count(now, limits.span), limits.malformed);
            standing.held_until = row.is_held().then_some(row.held_until);
            standing.passed_on = row.passed_on.count(now, limits.span);
            standing.keys = (row.keys, policy.keys.stranger);
            let group = narrow(&self.rules.seed, &row.groups).to_le_bytes();
            if row.unproven
                && let Some((_, row)) = tables.groups.find(&self.rules.seed, &group)
            {
                standing.decision = group_decision(row, now).unwrap_or(standing.decision);
            }
            let identity = tables.peers.link(place, PeerRow::IDENTITY);
            standing.identity = tables.identities.get(identity).map(|identity| identity.id);
        }
        if let Some((_, row)) = tables.bans.find(&self.rules.seed, peer) {
            standing.known = true;
            standing.allowed = row.allowed;
            standing.by_operator = row.operator;
            if row.allowed {
                return standing;
            }
            standing.sanction_reason = Some(row.reason);
            standing.sanctioned_at = Some((row.first.time(), row.last.time()));
            standing.evidence = row.evidence;
            standing.decision = ban_of(row, now).unwrap_or(standing.decision);
        }
        standing
    }

    fn standing_of_key(&self, now: Timestamp, key: &PublicKey) -> Standing {
        let (tables, limits) = (self.storage.tables(), &self.rules.policy.sanctions);
        let mut standing = Standing { decision: Reason::Clear.into(), ..Standing::default() };
        let Some((place, row)) = tables.keys.find(&self.rules.seed, key) else { return standing };
        if let Owner::Identity(owner) = tables.owner(place)
            && let Some(identity) = tables.identities.get(owner)
        {
            standing = self.standing_of_identity(now, &identity.id);
        }
        standing.known = true;
        standing.violations = (row.violations.count(now, limits.span), limits.violations);
        standing.expires_at = Some(row.expires_at()).filter(|end| *end > now);
        if let Some(until) = row.graylisting.active(now) {
            standing.decision = Decision::until(Reason::Graylisted, until);
            standing.sanction_reason = Some(Reason::TooSoon);
        }
        standing
    }

    fn standing_of_identity(&self, now: Timestamp, id: &IdentityId) -> Standing {
        let (tables, policy) = (self.storage.tables(), &self.rules.policy);
        let mut standing = Standing { decision: Reason::Clear.into(), ..Standing::default() };
        let Some((_, row)) = tables.identities.find(&self.rules.seed, id) else {
            return self.standing_of_displaced(now, id, standing);
        };
        let tip = self.node.tip_height();
        if let Some(until) = row.ban.active(now) {
            standing.decision = Decision::until(Reason::IdentityBanned, until);
            standing.sanction_reason = Some(row.ban_reason);
        } else if row.is_suspended(now) {
            standing.decision = Reason::Suspended.into();
        }
        standing.known = true;
        standing.identity = Some(row.id);
        standing.faults =
            (row.faults.count(now, policy.sanctions.span), policy.sanctions.identity_faults);
        standing.keys = (row.keys, row.key_limit(policy, tip));
        standing.tier = Some(row.tier(policy, tip));
        standing.burned = row.burned();
        standing.confirmations = row.height().confirmations(tip);
        standing.suspended = row.is_suspended(now);
        standing.score = row.reputation.score();
        standing.sessions = (row.reputation.completed(), row.reputation.failed());
        standing
    }

    fn standing_of_displaced(
        &self,
        now: Timestamp,
        id: &IdentityId,
        mut standing: Standing,
    ) -> Standing {
        let tombstones = self.storage.tables().tombstones;
        let Some((_, row)) = tombstones.find(&self.rules.seed, id) else { return standing };
        standing.displaced = true;
        standing.identity = Some(row.id);
        standing.burned = row.burned();
        if let Some(until) = row.ban.active(now) {
            standing.decision = Decision::until(Reason::IdentityBanned, until);
            standing.sanction_reason = Some(row.ban_reason);
        }
        standing
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

fn group_decision(row: &GroupRow, now: Timestamp) -> Option<Decision> {
    row.ban(now).map(|until| Decision::until(Reason::GroupBanned, until))
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
