//! Identities: what a burn bought.

use crate::burn::{Purpose, Tier};
use crate::peers::domain;
use crate::score::{Graylisting, Reputation, Tally};
use crate::table::Row;
use crate::{Amount, BlockHeight, Bucket, IdentityId, Millis, Policy, PublicKey, Quota};
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

/// Where in the chain an output lies; greater is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BurnPlace {
    pub(crate) height: BlockHeight,
    pub(crate) position: u32,
    pub(crate) output: u8,
}

impl BurnPlace {
    pub(crate) const FIRST: Self = Self { height: BlockHeight::new(0), position: 0, output: 0 };
}

/// Blocks after which the last rotation can no longer be contested (policy §6).
const CONTEST: u32 = 100;
/// How long before its end an anchored proof may be renewed.
const RENEWAL: Millis = Millis::from_days(7);

#[derive(Clone)]
pub(crate) struct IdentityRow {
    pub(crate) id: IdentityId,
    /// The current key.
    pub(crate) key: PublicKey,
    /// How often the key was rotated.
    pub(crate) sequence: u64,
    /// Total valid burn: registration and top-ups.
    pub(crate) burned: Amount,
    /// Where the registration lies.
    pub(crate) place: BurnPlace,
    pub(crate) class: EvidenceClass,
    /// Until when the registration is proved; `NEVER` unless anchored.
    pub(crate) proved_until: Timestamp,
    /// The tip at which its burn was found to be out of the chain.
    pub(crate) suspended_at: Option<BlockHeight>,
    /// Neither lapses nor is displaced.
    pub(crate) pinned: bool,
    /// The key before the last rotation, which may contest it.
    pub(crate) previous_key: PublicKey,
    /// The burn of the rotation before the last, or the registration: a contest has to lie later,
    /// too, or the replaced key could bring that very burn again.
    pub(crate) previous_rotation: BurnPlace,
    /// The last burn used for each purpose: the next has to lie later in the chain, so no burn
    /// can be used twice and nothing but this has to be remembered.
    pub(crate) used: [BurnPlace; Purpose::ALL.len()],
    /// Window of all its keys together.
    pub(crate) window: Bucket,
    /// Key slots taken.
    pub(crate) keys: u16,
    /// Key slots bought beyond the tier's.
    pub(crate) extra_keys: u16,
    /// No slot becomes free before this.
    pub(crate) next_free: Timestamp,
    pub(crate) ban: Graylisting,
    /// What the ban is for.
    pub(crate) ban_reason: Reason,
    /// Proven faults.
    pub(crate) faults: Tally,
    /// Its ban is not yet told.
    pub(crate) sanctioned: bool,
    pub(crate) reputation: Reputation,
    /// Waits to be told.
    pub(crate) told: Told,
}

/// The event about an identity that waits to be drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Told {
    #[default]
    Nothing,
    Registered,
    Suspended,
    Resumed,
    Rotated,
}

impl Row for IdentityRow {
    type Key = IdentityId;
    const VACANT: Self = Self {
        id: IdentityId::from_bytes([0; 32]),
        key: PublicKey::from_bytes([0; 33]),
        sequence: 0,
        burned: Amount::ZERO,
        place: BurnPlace::FIRST,
        class: EvidenceClass::Weak,
        proved_until: Timestamp::EPOCH,
        suspended_at: None,
        pinned: false,
        previous_key: PublicKey::from_bytes([0; 33]),
        previous_rotation: BurnPlace::FIRST,
        used: [BurnPlace::FIRST; Purpose::ALL.len()],
        window: Bucket::FULL,
        keys: 0,
        extra_keys: 0,
        next_free: Timestamp::EPOCH,
        ban: Graylisting::ZERO,
        ban_reason: Reason::Unjudged,
        faults: Tally::ZERO,
        sanctioned: false,
        reputation: Reputation::VACANT,
        told: Told::Nothing,
    };
    const DOMAIN: u8 = domain::IDENTITY;
    fn key_bytes(key: &IdentityId) -> &[u8] {
        key.as_bytes()
    }
    fn key(&self) -> &IdentityId {
        &self.id
    }
}

impl IdentityRow {
    /// The tier in force: Basic until the burn is deep enough to be final.
    pub(crate) fn tier(&self, policy: &Policy, tip: BlockHeight) -> Tier {
        let deep = self.place.height.confirmations(tip) >= policy.burns.full;
        if !deep || self.class <= EvidenceClass::Anchored {
            return Tier::Basic;
        }
        Tier::of(self.burned, &policy.burns).unwrap_or(Tier::Basic)
    }

    /// Whether it serves nothing until its burn is proved again.
    pub(crate) fn is_suspended(&self, now: Timestamp) -> bool {
        self.suspended_at.is_some() || self.proved_until <= now
    }

    /// Whether a proof of its registration is welcome.
    pub(crate) fn wants_proof(&self, now: Timestamp) -> bool {
        self.suspended_at.is_some() || self.proved_until <= now.saturating_add(RENEWAL)
    }

    /// Whether an earlier burn may still displace the last rotation.
    pub(crate) fn is_contestable(&self, tip: BlockHeight) -> bool {
        let last = self.last_used(Purpose::Rotation).height;
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
        let index = usize::from(purpose.code()).checked_sub(1);
        index.and_then(|index| self.used.get(index)).copied().unwrap_or(BurnPlace::FIRST)
    }

    /// Notes that a burn is used.
    pub(crate) fn use_burn(&mut self, purpose: Purpose, place: BurnPlace) {
        let index = usize::from(purpose.code()).checked_sub(1);
        if let Some(used) = index.and_then(|index| self.used.get_mut(index)) {
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
