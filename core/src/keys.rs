//! Author keys. A key's row is also its row in the directory.

use crate::packed::{Flags, Packed};
use crate::peers::domain;
use crate::range::Range;
use crate::score::{Graylisting, Tally};
use crate::snapshot::record;
use crate::table::{Place, Row};
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

/// Whose a key is, by the place of the owner's row. An identity has its current key and the keys
/// that take its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Nobody,
    Identity(Place),
    /// A stranger; 0 if its peer has no row, or if it is ourselves.
    Stranger(Place),
}

/// The newest message of a key: older ones are replays (policy §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) created_at: Timestamp,
    /// Keyed hash of the envelope. Who does not know the seed cannot look for a collision.
    pub(crate) digest: Packed<6>,
    /// A bit for every channel it was met on.
    pub(crate) channels: u8,
}

#[derive(Clone)]
pub(crate) struct KeyRow {
    pub(crate) key: PublicKey,
    flags: Flags,
    /// The rotation under which its newest message was made.
    pub(crate) sequence: u8,
    watermark: Watermark,
    /// How much later than one interval before the watermark the newest body was made that was
    /// counted in `violations`, in ms; 0 if none was that can matter. (Bodies are hasty within one
    /// interval of the watermark; 32 bits are enough for intervals of 24 days.)
    hasty: Packed<4>,
    pub(crate) window: Bucket,
    pub(crate) graylisting: Graylisting,
    /// End of its delegation; `EPOCH` if it has none.
    pub(crate) not_after: Timestamp,
    /// Keyed hash of the delegation's signature, which was checked; 0 without one. Of a key that is
    /// nobody's, that of the identity that it was last.
    pub(crate) delegation: Packed<4>,
    /// When the newest advertisement ends or was withdrawn.
    ends: Timestamp,
    /// How much longer a message of its could be replayed, in units of [`KeyRow::MEMORY`].
    memory: Packed<3>,
    /// Transaction types below 64.
    pub(crate) types: Packed<8>,
    pub(crate) amount: Range,
    pub(crate) violations: Tally,
}

record!(Watermark: created_at, digest, channels);
record!(
    KeyRow: key, flags, sequence, watermark, hasty, window, graylisting, not_after,
    delegation, ends, memory, types, amount, violations
);

impl Row for KeyRow {
    type Key = PublicKey;
    const VACANT: Self = Self {
        key: PublicKey::from_bytes([0; 33]),
        flags: Flags::NONE,
        sequence: 0,
        watermark: Watermark { created_at: Timestamp::EPOCH, digest: Packed::ZERO, channels: 0 },
        hasty: Packed::ZERO,
        window: Bucket::FULL,
        graylisting: Graylisting::ZERO,
        not_after: Timestamp::EPOCH,
        delegation: Packed::ZERO,
        ends: Timestamp::EPOCH,
        memory: Packed::ZERO,
        types: Packed::ZERO,
        amount: Range::ZERO,
        violations: Tally::ZERO,
    };
    const DOMAIN: u8 = domain::KEY;
    const OWN: usize = 2;
    fn key_bytes(key: &PublicKey) -> &[u8] {
        key.as_bytes()
    }
    fn key(&self) -> &PublicKey {
        &self.key
    }
}

const IDENTITY: u8 = 1;
const STRANGER: u8 = 1 << 1;
const CURRENT: u8 = 1 << 2;
const LISTED: u8 = 1 << 3;
const SLOT: u8 = 1 << 4;
/// The other bits: see [`KeyRow::contests`].
const CONTEST: u8 = 1 << 5;

impl KeyRow {
    /// Link to the owner's row.
    pub(crate) const OWNER: usize = 0;
    /// Link to the next key with a slot of the same owner.
    pub(crate) const SIBLING: usize = 1;
    /// A message can be replayed for at most two days after the newest ended (24 h each for its
    /// life and for the clocks), which has to fit 24 bits.
    const MEMORY: u64 = 16;
    const MOST_CONTESTS: u8 = u8::MAX / CONTEST;

    /// A row that knows no more than the key.
    pub(crate) const fn new(key: &PublicKey) -> Self {
        Self { key: *key, ..Self::VACANT }
    }

    /// Whose it is; `link` is its link to the owner.
    pub(crate) const fn owner(&self, link: Place) -> Owner {
        if self.flags.has(IDENTITY) {
            Owner::Identity(link)
        } else if self.flags.has(STRANGER) {
            Owner::Stranger(link)
        } else {
            Owner::Nobody
        }
    }

    pub(crate) const fn set_owner(&mut self, owner: Owner) {
        self.flags.set(IDENTITY, matches!(owner, Owner::Identity(_)));
        self.flags.set(STRANGER, matches!(owner, Owner::Stranger(_)));
    }

    /// It is nobody's from now on, and was that identity's.
    pub(crate) const fn disown(&mut self, former: Packed<4>) {
        self.set_owner(Owner::Nobody);
        self.delegation = former;
    }

    pub(crate) const fn is_stranger(&self) -> bool {
        self.flags.has(STRANGER)
    }

    /// Whether it is the current key of its owner, an identity.
    pub(crate) const fn is_current(&self) -> bool {
        self.flags.has(CURRENT)
    }

    pub(crate) const fn set_current(&mut self, current: bool) {
        self.flags.set(CURRENT, current);
    }

    /// Of how many identities it may contest the last rotation, which replaced it. A count that is
    /// full stays so, that no link to this row outlives it.
    pub(crate) const fn contests(&self) -> u8 {
        self.flags.bits() / CONTEST
    }

    pub(crate) const fn begin_contest(&mut self) {
        if self.contests() < Self::MOST_CONTESTS {
            self.flags = Flags::of(self.flags.bits().saturating_add(CONTEST));
        }
    }

    pub(crate) const fn end_contest(&mut self) {
        if 0 < self.contests() && self.contests() < Self::MOST_CONTESTS {
            self.flags = Flags::of(self.flags.bits().saturating_sub(CONTEST));
        }
    }

    /// Whether it takes a slot of its owner. (A slot that has ended is taken until reclaimed.)
    pub(crate) const fn has_slot(&self) -> bool {
        self.flags.has(SLOT)
    }

    /// The newest message.
    pub(crate) const fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    /// Makes another message the newest; `interval` is that of the key's window.
    pub(crate) fn set_watermark(&mut self, watermark: Watermark, interval: Millis) {
        let hasty_at = self.hasty_at(interval);
        self.watermark = watermark;
        self.set_hasty_at(hasty_at, interval);
    }

    /// Notes on which channels the newest message was met.
    pub(crate) const fn meet(&mut self, channels: u8) {
        self.watermark.channels |= channels;
    }

    /// When the newest body was made that was counted in `violations`; one that can no longer be
    /// told from those that are not hasty is one interval older than the newest message.
    pub(crate) fn hasty_at(&self, interval: Millis) -> Timestamp {
        let since = self.watermark.created_at.saturating_sub(interval);
        since.saturating_add(Millis::new(self.hasty.get()))
    }

    pub(crate) fn set_hasty_at(&mut self, at: Timestamp, interval: Millis) {
        let since = self.watermark.created_at.saturating_sub(interval);
        self.hasty = Packed::new(at.since(since).get());
    }

    /// Takes a slot until some time after `ends`; `listed` unless it is a withdrawal.
    pub(crate) fn advertise(&mut self, ends: Timestamp, listed: bool) {
        let remember = self.remember_until().max(ends);
        self.set_times(ends, remember);
        self.flags.set(LISTED, listed);
        self.flags.set(SLOT, true);
    }

    /// Notes a withdrawal: what it outdates may last until `until`.
    pub(crate) fn withdraw(&mut self, now: Timestamp, until: Timestamp) {
        let remember = self.remember_until().max(until);
        self.set_times(now, remember);
        self.flags.set(LISTED, false);
    }

    /// Whether what it withdrew could still be brought again.
    pub(crate) fn is_withdrawn(&self, now: Timestamp) -> bool {
        !self.is_listed() && self.remember_until() > now
    }

    /// Leaves its slot, which has ended, and with it the directory: a clock that steps back must
    /// not list it again.
    pub(crate) const fn leave_slot(&mut self) {
        self.flags.set(LISTED, false);
        self.flags.set(SLOT, false);
    }

    /// Whether it is in the directory.
    pub(crate) const fn is_listed(&self) -> bool {
        self.flags.has(LISTED)
    }

    /// When the newest advertisement ends or was withdrawn.
    pub(crate) const fn ends(&self) -> Timestamp {
        self.ends
    }

    /// Whether what it is fits together.
    pub(crate) const fn has_sound_flags(&self) -> bool {
        let (identity, stranger) = (self.flags.has(IDENTITY), self.flags.has(STRANGER));
        !(identity && stranger)
            && (identity || !self.is_current())
            && (identity || stranger || !self.has_slot())
            && (self.has_slot() || !self.is_listed())
    }

    /// The same, as nobody's that contests nothing.
    pub(crate) fn disowned(self) -> Self {
        Self { flags: Flags::NONE, ..self }
    }

    /// End of the newest advertisement; `EPOCH` once it is withdrawn.
    pub(crate) fn expires_at(&self) -> Timestamp {
        if self.flags.has(LISTED) { self.ends } else { Timestamp::EPOCH }
    }

    /// Until when it takes one of its owner's slots.
    pub(crate) fn slot_until(&self, hold: Millis) -> Timestamp {
        if self.has_slot() { self.ends.saturating_add(hold) } else { Timestamp::EPOCH }
    }

    /// Until when a message of its could be replayed.
    pub(crate) fn remember_until(&self) -> Timestamp {
        self.ends.saturating_add(Millis::new(self.memory.get().saturating_mul(Self::MEMORY)))
    }

    /// Shortens what a clock that stepped back left behind.
    pub(crate) fn cut(&mut self, now: Timestamp, longest: Millis) {
        let remember = self.remember_until().cut(now, longest);
        self.set_times(self.ends.cut(now, longest), remember);
    }

    /// Shortens what a clock that was ahead wrote down as the newest message. A time that nobody
    /// gave accuses nobody, so bodies made up to one interval from it are no longer hasty.
    pub(crate) fn cut_watermark(&mut self, now: Timestamp, ahead: Millis, interval: Millis) {
        let cut = self.watermark.created_at.cut(now, ahead);
        let hasty_at = if cut < self.watermark.created_at {
            cut.saturating_add(interval)
        } else {
            self.hasty_at(interval).cut(now, ahead)
        };
        self.watermark.created_at = cut;
        self.set_hasty_at(hasty_at, interval);
    }

    fn set_times(&mut self, ends: Timestamp, remember: Timestamp) {
        self.ends = ends;
        self.memory = Packed::new(remember.since(ends).get().div_ceil(Self::MEMORY));
    }

    /// Whether it may be forgotten; violations and sanctions are remembered for `memory`, or a key
    /// would begin anew with every short advertisement.
    pub(crate) fn is_spent(&self, now: Timestamp, hold: Millis, memory: Millis) -> bool {
        !self.is_current()
            && self.contests() == 0
            && self.slot_until(hold) <= now
            && self.remember_until() <= now
            && self.violations.count(now, memory) == 0
            && self.graylisting.is_forgotten(now, memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contests_are_counted_beside_the_other_facts_and_a_full_count_stays() {
        let mut row = KeyRow::VACANT;
        row.set_current(true);
        for n in 1..=9u8 {
            row.begin_contest();
            assert_eq!((row.contests(), row.is_current()), (n.min(7), true));
        }
        row.end_contest();
        assert_eq!(row.contests(), 7);
        let mut row = KeyRow::VACANT;
        row.begin_contest();
        row.end_contest();
        row.end_contest();
        assert_eq!((row.contests(), row.has_slot()), (0, false));
    }

    #[test]
    fn a_row_remembers_the_longest_of_its_messages() {
        let at = Timestamp::from_millis;
        let mut row = KeyRow::VACANT;
        row.advertise(at(100_000_000), true);
        assert_eq!(row.remember_until(), at(100_000_000));
        row.advertise(at(20_000_001), true);
        let remembered = row.remember_until().as_millis();
        assert!((100_000_000..100_000_016).contains(&remembered), "{remembered}");
        assert_eq!(
            (row.expires_at(), row.slot_until(Millis::new(5))),
            (at(20_000_001), at(20_000_006))
        );
        row.advertise(at(20_000_002), false);
        assert_eq!((row.expires_at(), row.slot_until(Millis::new(5))), (at(0), at(20_000_007)));
        row.cut(at(10_000_000), Millis::new(1_000));
        assert_eq!(row.remember_until(), at(10_001_000));
        row.leave_slot();
        assert_eq!(row.slot_until(Millis::new(5)), at(0));
    }
}
