//! Bans of peers. (Bans of identities and keys are fields of their own rows.)

use crate::peers::domain;
use crate::score::Graylisting;
use crate::table::Row;
use crate::{PeerId, Reason, Timestamp};

#[derive(Clone)]
pub(crate) struct BanRow {
    pub(crate) peer: PeerId,
    pub(crate) graylisting: Graylisting,
    /// Banned until lifted.
    pub(crate) blacklisted: bool,
    /// Made by the operator: never merged, displaced or lifted by itself.
    pub(crate) operator: bool,
    /// No ban at all: the operator exempts the peer from group limits and automatic sanctions.
    pub(crate) allowed: bool,
    pub(crate) reason: Reason,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// The first eight bytes of the SHA-256 of what completed the count.
    pub(crate) evidence: [u8; 8],
}

impl BanRow {
    /// Whether it says anything about the peer at `now`.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.allowed || self.blacklisted || self.graylisting.active(now).is_some()
    }
}

impl Row for BanRow {
    type Key = PeerId;
    const VACANT: Self = Self {
        peer: PeerId::VACANT,
        graylisting: Graylisting::ZERO,
        blacklisted: false,
        operator: false,
        allowed: false,
        reason: Reason::Unjudged,
        first: Timestamp::EPOCH,
        last: Timestamp::EPOCH,
        evidence: [0; 8],
    };
    const DOMAIN: u8 = domain::BAN;
    fn key_bytes(key: &PeerId) -> &[u8] {
        key.as_bytes()
    }
    fn key(&self) -> &PeerId {
        &self.peer
    }
}
