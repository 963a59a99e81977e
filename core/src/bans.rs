//! Bans of peers. (Bans of identities and keys are fields of their own rows.)

use crate::groups::Origin;
use crate::peers::domain;
use crate::policy::Sanctions;
use crate::score::Graylisting;
use crate::snapshot::record;
use crate::table::Row;
use crate::time::Seconds;
use crate::{Decision, Millis, PeerId, Reason, Timestamp};

/// The ban that ends at `until`, if it is in force.
pub(crate) fn ban_until(until: Timestamp, now: Timestamp) -> Option<Decision> {
    if until == Timestamp::NEVER {
        return Some(Reason::Blacklisted.into());
    }
    (until > now).then(|| Decision::until(Reason::Graylisted, until))
}

/// How many rows there are, and what is known about them without looking.
#[derive(Clone, Copy)]
pub(crate) struct BanCounts {
    /// Rows of the operator's.
    pub(crate) operator: u32,
    /// All other rows.
    pub(crate) automatic: u32,
    /// No automatic row can have to leave before this.
    pub(crate) due: Timestamp,
    /// No address group has more banned ids than this.
    pub(crate) densest: u16,
    /// Where the next address group to forget is looked for.
    pub(crate) hand: u32,
}

impl BanCounts {
    pub(crate) const ZERO: Self =
        Self { operator: 0, automatic: 0, due: Timestamp::NEVER, densest: 0, hand: 0 };
}

/// A try to connect is noted for so long in advance that a refusal mostly changes nothing: neither
/// this memory nor the store's.
const NOTED: Millis = Millis::from_hours(1);

#[derive(Clone)]
pub(crate) struct BanRow {
    pub(crate) peer: PeerId,
    pub(crate) graylisting: Graylisting,
    /// Made by the operator: never merged, displaced or lifted by itself.
    pub(crate) operator: bool,
    /// No ban at all: the operator exempts the peer from group limits and automatic sanctions.
    pub(crate) allowed: bool,
    pub(crate) reason: Reason,
    pub(crate) first: Seconds,
    pub(crate) last: Seconds,
    /// It has tried to connect up to [`NOTED`] before this, and not after it; at first, when it was
    /// banned.
    pub(crate) tried: Timestamp,
    /// The address groups it was banned from.
    pub(crate) origin: Origin,
    /// The first eight bytes of the SHA-256 of what completed the count.
    pub(crate) evidence: [u8; 8],
}

impl BanRow {
    /// Whether it says anything about the peer at `now`.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.allowed || ban_until(self.until(), now).is_some()
    }

    /// Whether a try to connect has to be noted.
    pub(crate) fn has_to_note(&self, now: Timestamp) -> bool {
        self.tried < now
    }

    /// Notes a try to connect.
    pub(crate) fn note_try(&mut self, now: Timestamp) {
        self.tried = now.saturating_add(NOTED);
    }

    /// When it may leave to make room: once it has been idle, or is forgotten anyway.
    pub(crate) fn leaves_at(&self, limits: &Sanctions) -> Timestamp {
        let idle = self.tried.saturating_add(limits.idle);
        let forgotten = self.graylisting.forgotten_at(limits.span);
        idle.min(forgotten)
    }

    /// Whether it is a ban or an allowance, which is the operator's, and not both.
    pub(crate) fn is_either(&self) -> bool {
        !self.allowed || self.operator && self.until() == Timestamp::EPOCH
    }

    /// The end of the ban, which may have passed; [`Timestamp::NEVER`] if only lifting ends it.
    pub(crate) const fn until(&self) -> Timestamp {
        self.graylisting.end()
    }

    /// Whether only lifting ends it.
    pub(crate) fn is_blacklisted(&self) -> bool {
        self.until() == Timestamp::NEVER
    }
}

record!(
    BanRow: peer, graylisting, operator, allowed, reason, first, last, tried, origin,
    evidence
);

impl Row for BanRow {
    type Key = PeerId;
    const VACANT: Self = Self {
        peer: PeerId::VACANT,
        graylisting: Graylisting::ZERO,
        operator: false,
        allowed: false,
        reason: Reason::Unjudged,
        first: Seconds::ZERO,
        last: Seconds::ZERO,
        tried: Timestamp::EPOCH,
        origin: Origin::UNKNOWN,
        evidence: [0; 8],
    };
    const DOMAIN: u8 = domain::BAN;
    const HOME: bool = true;
    fn key_bytes(key: &PeerId) -> &[u8] {
        key.key_bytes()
    }
    fn key(&self) -> &PeerId {
        &self.peer
    }
}
