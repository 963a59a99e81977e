//! Tombstones: what is remembered of an identity whose row left the table (policy §11).

use crate::packed::{Flags, Packed};
use crate::peers::domain;
use crate::score::Graylisting;
use crate::snapshot::record;
use crate::table::Row;
use crate::time::Seconds;
use crate::{Amount, IdentityId, Millis, Policy, Reason, Timestamp};

#[derive(Clone)]
pub(crate) struct Tombstone {
    pub(crate) id: IdentityId,
    /// How often its key was rotated, …
    pub(crate) sequence: u8,
    /// … and the keyed hash of the last one.
    pub(crate) key: Packed<4>,
    pub(crate) ban: Graylisting,
    /// What the ban is for.
    pub(crate) ban_reason: Reason,
    /// When its row left.
    pub(crate) left: Seconds,
    burned: Packed<7>,
    flags: Flags,
}

record!(Tombstone: id, sequence, key, ban, ban_reason, left, burned, flags);

impl Row for Tombstone {
    type Key = IdentityId;
    const VACANT: Self = Self {
        id: IdentityId::from_bytes([0; 32]),
        sequence: 0,
        key: Packed::ZERO,
        ban: Graylisting::ZERO,
        ban_reason: Reason::Unjudged,
        left: Seconds::ZERO,
        burned: Packed::ZERO,
        flags: Flags::NONE,
    };
    const DOMAIN: u8 = domain::TOMBSTONE;
    const MARKED: bool = true;
    fn key_bytes(key: &IdentityId) -> &[u8] {
        key.as_bytes()
    }
    fn key(&self) -> &IdentityId {
        &self.id
    }
}

const RESUMING: u8 = 1;

impl Tombstone {
    pub(crate) fn new(id: &IdentityId, burned: Amount) -> Self {
        Self { id: *id, burned: Packed::new(burned.sats()), ..Self::VACANT }
    }

    /// The total burn of its identity.
    pub(crate) const fn burned(&self) -> Amount {
        Amount::from_sats(self.burned.get())
    }

    /// Whether its identity has a row again, whose rotations are not all known.
    pub(crate) const fn is_resuming(&self) -> bool {
        self.flags.has(RESUMING)
    }

    pub(crate) const fn set_resuming(&mut self, resuming: bool) {
        self.flags.set(RESUMING, resuming);
    }

    /// Whether what it is fits together.
    pub(crate) const fn has_sound_flags(&self) -> bool {
        self.flags.bits() <= RESUMING
    }

    /// Whether it holds what must not be lost: a ban that is in force, or the rotations that an
    /// identity still has to show.
    pub(crate) fn stays(&self, now: Timestamp) -> bool {
        self.is_resuming() || self.ban.active(now).is_some()
    }

    /// What a newcomer to the full table has to exceed: its burn, or nothing once it says no more
    /// than that the identity was here.
    pub(crate) fn worth(&self, now: Timestamp, policy: &Policy) -> u64 {
        let replayed = policy.freshness.max_lifetime.saturating_add(policy.future());
        let spent = self.sequence == 0
            && self.ban.is_forgotten(now, policy.sanctions.span)
            && self.left.time().saturating_add(replayed) <= now;
        if spent { 0 } else { self.burned.get() }
    }

    /// Shortens what a clock that stepped back left behind.
    pub(crate) fn cut(&mut self, now: Timestamp, longest: Millis) {
        self.ban.cut(now, longest);
        self.left = Seconds::of(self.left.time().min(now));
    }
}
