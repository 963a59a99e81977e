//! Identities: what a burn bought.

use crate::burn::{Purpose, Tier};
use crate::packed::{Flags, Packed};
use crate::peers::domain;
use crate::score::{Graylisting, Reputation, Tally};
use crate::snapshot::{Codec, Record, one_of, record};
use crate::table::Row;
use crate::time::Seconds;
use crate::{Amount, BlockHeight, Bucket, IdentityId, Millis, Policy, Quota};
use crate::{Reason, Timestamp};

/// How well a burn is known to be in the chain (policy §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
#[repr(u8)]
pub enum EvidenceClass {
    /// Proof of work only: never enough to register.
    #[default]
    Weak = 0,
    /// Linked to a block that the device's owner trusts.
    Anchored = 1,
    /// Told by an indexer and recomputed by us.
    Indexer = 2,
    /// Told by a node that we trust.
    Node = 3,
}

/// Where in the chain an output lies; greater is later. 28 bits of the block's height, 20 of the
/// transaction's position (32 MB hold 335,544 transactions of 100 bytes), 8 of the output's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BurnPlace(Packed<7>);

impl Record for BurnPlace {
    fn fields(&mut self, codec: &mut dyn Codec) {
        self.0.fields(codec);
    }
}

impl BurnPlace {
    pub(crate) const FIRST: Self = Self(Packed::ZERO);

    /// `None` if no block is so high, or has so many transactions.
    pub(crate) const fn new(height: BlockHeight, position: u32, output: u8) -> Option<Self> {
        if height.get() >> 28 != 0 || position >> 20 != 0 {
            return None;
        }
        let place = (height.get() as u64) << 28 | (position as u64) << 8 | output as u64;
        Some(Self(Packed::new(place)))
    }

    pub(crate) fn height(self) -> BlockHeight {
        height_of(self.0.get() >> 28)
    }
}

fn height_of(number: u64) -> BlockHeight {
    BlockHeight::new(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Blocks after which the last rotation can no longer be contested (policy §6).
const CONTEST: u32 = 100;
/// How long before its end an anchored proof may be renewed.
const RENEWAL: Millis = Millis::from_days(7);
/// Whole days without use after which an identity's row may leave a full table (policy §11).
const UNUSED: u64 = 30;
const DAY: u64 = Millis::from_days(1).get();

#[derive(Clone)]
pub(crate) struct IdentityRow {
    pub(crate) id: IdentityId,
    /// How often the key was rotated.
    pub(crate) sequence: u8,
    /// [`IdentityRow::PINNED`] and the others.
    pub(crate) flags: Flags,
    /// The last day on which it was used, since 1970.
    last_used: Packed<2>,
    /// What a key without a row made earlier may be a replay.
    pub(crate) fresh_from: Seconds,
    /// Waits to be told.
    pub(crate) told: Told,
    pub(crate) ban: Graylisting,
    /// What the ban is for.
    pub(crate) ban_reason: Reason,
    /// Until when the registration is proved, in ms; or, if it is suspended, the tip at which its
    /// burn was found to be out of the chain.
    proof: Packed<6>,
    /// Key slots taken: as many as keys of its list.
    pub(crate) keys: u16,
    /// Key slots bought beyond the tier's.
    pub(crate) extra_keys: u16,
    /// Window of all its keys together.
    pub(crate) window: Bucket,
    burned: Packed<7>,
    /// The height of the registration's block.
    height: Packed<4>,
    /// The last burn used for each purpose: the next has to lie later in the chain, so no burn
    /// can be used twice and nothing but this has to be remembered.
    used: [BurnPlace; USED.len()],
    /// The burn of the rotation before the last, or the registration: a contest has to lie later,
    /// too, or the replaced key could bring that very burn again.
    pub(crate) previous_rotation: BurnPlace,
    pub(crate) reputation: Reputation,
    /// Proven faults.
    pub(crate) faults: Tally,
}

/// The purposes whose burns are used; the others are not charged for ([`Policy::validate`]).
const USED: [Purpose; 3] = [Purpose::Rotation, Purpose::AdditionalKey, Purpose::TopUp];

/// The event about an identity that waits to be drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Told {
    #[default]
    Nothing = 0,
    Registered = 1,
    Suspended = 2,
    Resumed = 3,
    Rotated = 4,
}

impl Record for Told {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let all = [Self::Nothing, Self::Registered, Self::Suspended, Self::Resumed, Self::Rotated];
        one_of(self, &all, |told| told as u8, codec);
    }
}

record!(
    IdentityRow: id, sequence, flags, last_used, fresh_from, told, ban, ban_reason, proof,
    extra_keys, window, burned, height, used, previous_rotation, reputation, faults;
    not keys
);

impl Row for IdentityRow {
    type Key = IdentityId;
    const VACANT: Self = Self {
        id: IdentityId::from_bytes([0; 32]),
        sequence: 0,
        flags: Flags::NONE,
        last_used: Packed::ZERO,
        fresh_from: Seconds::ZERO,
        told: Told::Nothing,
        ban: Graylisting::ZERO,
        ban_reason: Reason::Unjudged,
        proof: Packed::ZERO,
        keys: 0,
        extra_keys: 0,
        window: Bucket::FULL,
        burned: Packed::ZERO,
        height: Packed::ZERO,
        used: [BurnPlace::FIRST; USED.len()],
        previous_rotation: BurnPlace::FIRST,
        reputation: Reputation::VACANT,
        faults: Tally::ZERO,
    };
    const DOMAIN: u8 = domain::IDENTITY;
    const MARKED: bool = true;
    const OWN: usize = 3;
    fn key_bytes(key: &IdentityId) -> &[u8] {
        key.as_bytes()
    }
    fn key(&self) -> &IdentityId {
        &self.id
    }
}

const SUSPENDED: u8 = 1 << 4;
/// Told by an indexer, …
const INDEXER: u8 = 1 << 5;
/// … by a node; anchored if by neither.
const NODE: u8 = 1 << 6;

impl IdentityRow {
    /// Flag: it neither lapses nor is displaced.
    pub(crate) const PINNED: u8 = 1;
    /// Flag: its row is in the half of those with a completed session.
    pub(crate) const MET: u8 = 1 << 1;
    /// Flag: it left the table once, and has not shown all its rotations again.
    pub(crate) const RESUMING: u8 = 1 << 2;
    /// Flag: its ban is not yet told.
    pub(crate) const SANCTIONED: u8 = 1 << 3;

    /// Whether what it is fits together.
    pub(crate) const fn has_sound_flags(&self) -> bool {
        self.flags.bits() < NODE << 1
    }

    /// Link to the current key.
    pub(crate) const KEY: usize = 0;
    /// Link to the key before the last rotation, while it may contest that.
    pub(crate) const PREVIOUS: usize = 1;
    /// Link to the first key of its list: those that take one of its slots.
    pub(crate) const FIRST: usize = 2;

    /// A fresh row of the identity whose burn lies at `place`.
    pub(crate) fn registered_at(id: &IdentityId, burned: Amount, place: BurnPlace) -> Self {
        let (used, burned) = ([place; USED.len()], Packed::new(burned.sats()));
        let mut row = Self { id: *id, burned, used, told: Told::Registered, ..Self::VACANT };
        row.set_height(place.height());
        row
    }

    /// Total valid burn: registration and top-ups.
    pub(crate) const fn burned(&self) -> Amount {
        Amount::from_sats(self.burned.get())
    }

    /// Notes that it is used.
    pub(crate) fn use_now(&mut self, now: Timestamp) {
        self.last_used = Packed::new(now.as_millis() / DAY);
    }

    /// From when on it has not been used for so long that its row may leave a full table. An
    /// advertisement lives for a day, so that none is left then.
    pub(crate) fn unused_at(&self) -> Timestamp {
        let days = self.last_used.get().saturating_add(UNUSED).saturating_add(1);
        Timestamp::from_millis(days.saturating_mul(DAY))
    }

    /// A key's row is gone: what that key made up to then may be a replay.
    pub(crate) fn outlast(&mut self, newest: Timestamp) {
        // Whole seconds, rounded up.
        let made = Seconds::of(newest.saturating_add(Millis::new(999)));
        self.fresh_from = self.fresh_from.max(made);
    }

    /// Shortens what a clock that stepped back left behind.
    pub(crate) fn cut_use(&mut self, now: Timestamp) {
        self.last_used = self.last_used.min(Packed::new(now.as_millis() / DAY));
        self.fresh_from = Seconds::of(self.fresh_from.time().min(now));
    }

    /// Adds a top-up.
    pub(crate) const fn add_burn(&mut self, burned: Amount) {
        self.burned = Packed::new(self.burned().saturating_add(burned).sats());
    }

    /// The height of the registration's block.
    pub(crate) fn height(&self) -> BlockHeight {
        height_of(self.height.get())
    }

    pub(crate) fn set_height(&mut self, height: BlockHeight) {
        self.height = Packed::new(height.get().into());
    }

    /// How well its registration is known to be in the chain.
    pub(crate) const fn class(&self) -> EvidenceClass {
        if self.flags.has(NODE) {
            EvidenceClass::Node
        } else if self.flags.has(INDEXER) {
            EvidenceClass::Indexer
        } else {
            EvidenceClass::Anchored
        }
    }

    /// The tip at which its burn was found to be out of the chain.
    pub(crate) fn suspended_at(&self) -> Option<BlockHeight> {
        self.flags.has(SUSPENDED).then(|| height_of(self.proof.get()))
    }

    pub(crate) fn suspend(&mut self, tip: BlockHeight) {
        self.flags.set(SUSPENDED, true);
        self.proof = Packed::new(tip.get().into());
    }

    /// Until when the registration is proved: `NEVER` unless anchored, `EPOCH` if suspended.
    pub(crate) const fn proved_until(&self) -> Timestamp {
        let ms = if self.flags.has(SUSPENDED) { 0 } else { self.proof.get() };
        Timestamp::from_millis(ms)
    }

    /// Notes how the registration is proved, and until when. Ends a suspension.
    pub(crate) fn prove(&mut self, class: EvidenceClass, until: Timestamp) {
        self.flags.set(SUSPENDED, false);
        self.flags.set(NODE, class == EvidenceClass::Node);
        self.flags.set(INDEXER, class == EvidenceClass::Indexer);
        self.proof = Packed::new(until.as_millis());
    }

    /// Shortens an anchored proof that a clock that stepped back left behind.
    pub(crate) fn cut_proof(&mut self, now: Timestamp, longest: Millis) {
        let until = self.proved_until().cut(now, longest);
        if self.class() == EvidenceClass::Anchored && self.suspended_at().is_none() {
            self.proof = Packed::new(until.as_millis());
        }
    }

    /// The tier in force: Basic until the burn is deep enough to be final.
    pub(crate) fn tier(&self, policy: &Policy, tip: BlockHeight) -> Tier {
        let deep = self.height().confirmations(tip) >= policy.burns.full;
        if !deep || self.class() == EvidenceClass::Anchored {
            return Tier::Basic;
        }
        Tier::of(self.burned(), &policy.burns).unwrap_or(Tier::Basic)
    }

    /// Whether it serves nothing until its burn is proved again.
    pub(crate) fn is_suspended(&self, now: Timestamp) -> bool {
        self.proved_until() <= now
    }

    /// Whether a proof of its registration is welcome.
    pub(crate) fn wants_proof(&self, now: Timestamp) -> bool {
        self.proved_until() <= now.saturating_add(RENEWAL)
    }

    /// Whether an earlier burn may still displace the last rotation.
    pub(crate) fn is_contestable(&self, tip: BlockHeight) -> bool {
        let last = self.last_used(Purpose::Rotation).height();
        self.sequence > 0 && tip.get().saturating_sub(last.get()) < CONTEST
    }

    /// What to say to somebody who speaks for it by a key that it does not have. Before the first
    /// rotation its key follows from the burn alone. While the last rotation may be contested,
    /// theirs may be the key of one that is not known here yet; and other honest nodes may have
    /// come to another end of it.
    pub(crate) fn undelegated(&self, tip: BlockHeight) -> Reason {
        match self.sequence {
            0 => Reason::NotDelegated,
            _ if self.is_contestable(tip) => Reason::NeedHistory,
            _ => Reason::Superseded,
        }
    }

    /// The last burn used for a purpose.
    pub(crate) fn last_used(&self, purpose: Purpose) -> BurnPlace {
        let used = USED.iter().zip(self.used).find(|(used, _)| **used == purpose);
        used.map_or(BurnPlace::FIRST, |(_, place)| place)
    }

    /// Notes that a burn is used.
    pub(crate) fn use_burn(&mut self, purpose: Purpose, place: BurnPlace) {
        let used = USED.iter().zip(&mut self.used).find(|(used, _)| **used == purpose);
        if let Some((_, used)) = used {
            *used = place;
        }
    }

    /// How many keys may advertise under it.
    pub(crate) fn key_limit(&self, policy: &Policy, tip: BlockHeight) -> u16 {
        self.tier(policy, tip).key_limit(&policy.keys).saturating_add(self.extra_keys)
    }

    /// The window of all its keys together: as many as it may have keys, per span.
    pub(crate) fn quota(&self, policy: &Policy, tip: BlockHeight) -> Quota {
        let keys = self.key_limit(policy, tip).max(1);
        Quota::spread(policy.windows.identity_span, keys.into())
    }
}
