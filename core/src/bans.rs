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
    pub(crate) reason: Reason,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// The first eight bytes of the SHA-256 of what completed the count.
    pub(crate) evidence: [u8; 8],
}

impl Row for BanRow {
    type Key = PeerId;
    const VACANT: Self = Self {
        peer: PeerId::VACANT,
        graylisting: Graylisting::ZERO,
        blacklisted: false,
        operator: false,
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
