//! Who pays for a fault, and what happens when enough are counted (policy §4).

use super::{Parts, Source};
use crate::bans::{BanRow, ban_until};
use crate::groups::Origin;
use crate::hash::sha256;
use crate::score::Graylisting;
use crate::time::Seconds;
use crate::{Decision, Millis, Mode, PeerId, Reason, Timestamp};

/// The first eight bytes of the SHA-256 of the evidence.
pub(crate) type Digest = [u8; 8];

fn digest(evidence: &[u8]) -> Digest {
    let [a, b, c, d, e, f, g, h, ..] = sha256(&[evidence]);
    [a, b, c, d, e, f, g, h]
}

/// What a connection is charged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A signature did not hold.
    InvalidSignature,
    /// Bytes that nobody may send.
    Malformed,
}

impl Fault {
    const fn reason(self) -> Reason {
        match self {
            Self::InvalidSignature => Reason::InvalidSignature,
            Self::Malformed => Reason::Malformed,
        }
    }
}

/// The ban of a peer in force at `now`.
pub(crate) fn ban_of(row: &BanRow, now: Timestamp) -> Option<Decision> {
    ban_until(row.until(), now)
}

impl Parts<'_> {
    /// The sanction against this peer at `now`. A peer's own row knows it, if there is one.
    pub(crate) fn sanction(&self, now: Timestamp, peer: &PeerId) -> Option<Decision> {
        if let Some((_, row)) = self.tables.peers.view().find(&self.rules.seed, peer) {
            return row.ban(now);
        }
        let (_, row) = self.tables.bans.view().find(&self.rules.seed, peer)?;
        ban_of(row, now)
    }

    /// Charges the connection that handed us something wrong, and only it.
    ///
    /// A peer that only passed it on is never banned for good. A peer that is not connected has no
    /// row and is not charged.
    pub(crate) fn accuse(
        &mut self,
        now: Timestamp,
        source: &Source,
        fault: Fault,
        evidence: &[u8],
    ) {
        let limits = self.rules.policy.sanctions;
        let own = source.is_own();
        let Some(row) = self.peer(&source.peer) else { return };
        let (tally, limit) = match (own, fault) {
            (true, Fault::InvalidSignature) => (&mut row.invalid, limits.invalid_signatures),
            (true, Fault::Malformed) => (&mut row.malformed, limits.malformed),
            (false, Fault::InvalidSignature) => (&mut row.passed_on, limits.invalid_signatures),
            (false, Fault::Malformed) => (&mut row.passed_on, limits.malformed),
        };
        if tally.add(now, limits.span) >= limit {
            tally.clear();
            self.sanction_peer(now, &source.peer, fault.reason(), own, digest(evidence));
        }
    }

    /// Counts a window violation of a connection that pushed something of its own too soon.
    pub(crate) fn accuse_of_haste(&mut self, now: Timestamp, source: &Source, evidence: &[u8]) {
        let limits = self.rules.policy.sanctions;
        if !source.is_own() || self.rules.policy.enforce.windows == Mode::Observe {
            return;
        }
        let Some(row) = self.peer(&source.peer) else { return };
        let reached = row.violations.add(now, limits.span) >= limits.violations;
        let count = &mut self.node.counters.rate_limit_violations;
        *count = count.saturating_add(1);
        if reached {
            self.sanction_haste(now, &source.peer, digest(evidence));
        }
    }

    /// Whether the operator exempts a peer from group limits and automatic sanctions.
    pub(crate) fn is_allowed(&self, peer: &PeerId) -> bool {
        let found = self.tables.bans.view().find(&self.rules.seed, peer);
        found.is_some_and(|(_, row)| row.allowed)
    }

    /// Whether automatic bans are made; counts one that is not.
    pub(crate) fn may_sanction(&mut self) -> bool {
        self.note_sanction(self.rules.policy.enforce.sanctions == Mode::On)
    }

    /// The same for window violations: as long as windows are only observed, so are these.
    pub(crate) fn may_sanction_haste(&mut self) -> bool {
        let modes = self.rules.policy.enforce;
        self.note_sanction(modes.sanctions == Mode::On && modes.windows == Mode::On)
    }

    fn note_sanction(&mut self, on: bool) -> bool {
        let would = &mut self.node.counters.would_sanctions;
        *would = would.saturating_add((!on).into());
        on
    }

    /// Bans a peer, unless it is allowed, and asks for it to be disconnected.
    pub(crate) fn sanction_peer(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        reason: Reason,
        for_good: bool,
        evidence: Digest,
    ) {
        let limits = self.rules.policy.sanctions;
        if self.is_allowed(peer) || !self.may_sanction() {
            return;
        }
        let blocked = &mut self.node.counters.peers_blocked;
        *blocked = blocked.saturating_add(1);
        if let Some(place) = self.tables.peers.find(&self.rules.seed, peer) {
            self.tables.peers.mark(place);
            if let Some(row) = self.tables.peers.get_mut(place) {
                row.sanctioned = true;
            }
        }
        let connected = self.tables.peers.view().find(&self.rules.seed, peer);
        let origin = connected.map_or(Origin::UNKNOWN, |(_, row)| self.origin_of(row));
        let Some(row) = self.ban_row(now, peer, origin) else {
            let span = if for_good { Millis::MAX } else { limits.graylist };
            self.ban_without_row(now, peer, origin.narrow(), span);
            return;
        };
        if row.operator {
            return;
        }
        row.reason = reason;
        row.last = Seconds::of(now);
        row.evidence = evidence;
        if for_good {
            row.graylisting = Graylisting::fixed(Timestamp::NEVER);
        } else if !row.is_blacklisted() {
            row.graylisting.begin(now, limits.graylist, limits.graylist_max, limits.span);
        }
        row.tried = now;
        self.note_ban(peer);
    }
}
