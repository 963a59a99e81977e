//! Author keys. A key's row is also its row in the directory.

use crate::peers::domain;
use crate::score::{Graylisting, Tally};
use crate::table::Row;
use crate::wire::AmountRange;
use crate::{Bucket, Millis, PublicKey, Timestamp};

/// How a message reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Channel {
    /// GossipSub: pushed, maybe by way of others.
    Gossip = 1,
    /// A direct frame: pushed by the peer itself.
    Direct = 2,
    /// A page of somebody's directory that we asked for.
    Directory = 4,
    /// A DHT record.
    Dht = 8,
    /// Our own: nobody pays and nobody is accused, but the windows hold.
    Own = 16,
}

impl Channel {
    /// Whether it came unasked, so that windows apply.
    #[must_use]
    pub const fn is_push(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct | Self::Own)
    }
}

/// Whose a key is: a tag of an identity or of a stranger's peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    #[default]
    Nobody,
    Identity(u64),
    Stranger(u64),
}

/// The newest message of a key: older ones are replays (policy §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) created_at: Timestamp,
    /// Keyed hash of the envelope.
    pub(crate) digest: u64,
    /// A bit for every channel it was met on.
    pub(crate) channels: u8,
}

#[derive(Clone)]
pub(crate) struct KeyRow {
    pub(crate) key: PublicKey,
    pub(crate) owner: Owner,
    /// The current key of its owner, an identity.
    pub(crate) current: bool,
    /// The rotation under which its newest message was made.
    pub(crate) sequence: u64,
    /// End of its delegation; `EPOCH` if it has none.
    pub(crate) not_after: Timestamp,
    /// Keyed hash of the delegation's signature, which was checked; 0 without one.
    pub(crate) delegation: u64,
    pub(crate) watermark: Watermark,
    pub(crate) window: Bucket,
    pub(crate) violations: Tally,
    /// When the last body that was counted among them was made.
    pub(crate) hasty_at: Timestamp,
    pub(crate) graylisting: Graylisting,
    /// End of the newest advertisement; `EPOCH` once it is withdrawn.
    pub(crate) expires_at: Timestamp,
    /// Until when it takes one of its owner's slots.
    pub(crate) slot_until: Timestamp,
    /// Until when a message of its could be replayed.
    pub(crate) remember_until: Timestamp,
    /// Transaction types below 64.
    pub(crate) types: u64,
    pub(crate) amount: AmountRange,
}

impl Row for KeyRow {
    type Key = PublicKey;
    const VACANT: Self = Self {
        key: PublicKey::from_bytes([0; 33]),
        owner: Owner::Nobody,
        current: false,
        sequence: 0,
        not_after: Timestamp::EPOCH,
        delegation: 0,
        watermark: Watermark { created_at: Timestamp::EPOCH, digest: 0, channels: 0 },
        window: Bucket::FULL,
        violations: Tally::ZERO,
        hasty_at: Timestamp::EPOCH,
        graylisting: Graylisting::ZERO,
        expires_at: Timestamp::EPOCH,
        slot_until: Timestamp::EPOCH,
        remember_until: Timestamp::EPOCH,
        types: 0,
        amount: AmountRange::ANY,
    };
    const DOMAIN: u8 = domain::KEY;
    fn key_bytes(key: &PublicKey) -> &[u8] {
        key.as_bytes()
    }
    fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl KeyRow {
    /// Whether it takes a slot of its owner. (A slot that has ended is taken until reclaimed.)
    pub(crate) fn has_slot(&self) -> bool {
        self.slot_until != Timestamp::EPOCH
    }

    /// Leaves its slot, which has ended, and with it the directory: a clock that steps back must
    /// not list it again.
    pub(crate) fn leave_slot(&mut self) {
        self.slot_until = Timestamp::EPOCH;
        self.expires_at = Timestamp::EPOCH;
    }

    /// Whether it may be forgotten; violations and sanctions are remembered for `memory`, or a key
    /// would begin anew with every short advertisement.
    pub(crate) fn is_spent(&self, now: Timestamp, memory: Millis) -> bool {
        !self.current
            && self.slot_until <= now
            && self.remember_until <= now
            && self.violations.count(now, memory) == 0
            && self.graylisting.is_forgotten(now, memory)
    }
}
