//! Who pays for a fault, and what happens when enough are counted (policy §4).

use super::{Parts, Source};
use crate::bans::BanRow;
use crate::hash::sha256;
use crate::{Decision, Millis, PeerId, Reason, Timestamp};

/// What a connection is charged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It pushed messages of its own faster than allowed.
    TooFast,
    /// A signature did not hold.
    InvalidSignature,
    /// Bytes that nobody may send.
    Malformed,
}

impl Fault {
    const fn reason(self) -> Reason {
        match self {
            Self::TooFast => Reason::TooSoon,
            Self::InvalidSignature => Reason::InvalidSignature,
            Self::Malformed => Reason::Malformed,
        }
    }
}

/// The ban of a peer in force at `now`.
pub(crate) fn ban_of(row: &BanRow, now: Timestamp) -> Option<Decision> {
    if row.blacklisted {
        return Some(Reason::Blacklisted.into());
    }
    let until = row.graylisting.active(now)?;
    Some(Decision::until(Reason::Graylisted, until))
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
    /// A peer that only passed it on is never banned for good, and window violations are counted
    /// only against who published them. A peer that is not connected has no row and is not charged.
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
            (true, Fault::TooFast) => (&mut row.violations, limits.violations),
            (true, Fault::InvalidSignature) => (&mut row.invalid, limits.invalid_signatures),
            (true, Fault::Malformed) => (&mut row.malformed, limits.malformed),
            (false, Fault::TooFast) => return,
            (false, Fault::InvalidSignature) => (&mut row.passed_on, limits.invalid_signatures),
            (false, Fault::Malformed) => (&mut row.passed_on, limits.malformed),
        };
        let reached = tally.add(now, limits.span) >= limit;
        if reached {
            tally.clear();
        }
        if fault == Fault::TooFast {
            let count = &mut self.node.counters.rate_limit_violations;
            *count = count.saturating_add(1);
        }
        if reached {
            let for_good = own && fault != Fault::TooFast;
            self.sanction_peer(now, &source.peer, fault.reason(), for_good, evidence);
        }
    }

    /// Bans a peer and asks for it to be disconnected.
    fn sanction_peer(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        reason: Reason,
        for_good: bool,
        evidence: &[u8],
    ) {
        let limits = self.rules.policy.sanctions;
        let blocked = &mut self.node.counters.peers_blocked;
        *blocked = blocked.saturating_add(1);
        if let Some(place) = self.tables.peers.find(&self.rules.seed, peer) {
            self.tables.peers.mark(place);
            if let Some(row) = self.tables.peers.get_mut(place) {
                row.sanctioned = true;
            }
        }
        let group = self.group_of(peer);
        let Some(row) = self.ban_row(now, peer, group) else {
            let span = if for_good { Millis::MAX } else { limits.graylist };
            self.ban_without_row(now, peer, group, span);
            return;
        };
        if row.operator {
            return;
        }
        row.reason = reason;
        row.last = now;
        let [a, b, c, d, e, f, g, h, ..] = sha256(&[evidence]);
        row.evidence = [a, b, c, d, e, f, g, h];
        if for_good {
            row.blacklisted = true;
        } else {
            row.graylisting.begin(now, limits.graylist, limits.graylist_max, limits.span);
        }
        row.tried = now;
        self.note_ban(peer);
    }
}
