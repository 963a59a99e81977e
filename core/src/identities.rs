//! Identities: what a burn bought.

use crate::burn::Tier;
use crate::peers::domain;
use crate::score::{Graylisting, Reputation};
use crate::table::Row;
use crate::{Amount, BlockHeight, Bucket, IdentityId, Policy, PublicKey, Quota, Timestamp};

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

#[derive(Clone)]
pub(crate) struct IdentityRow {
    pub(crate) id: IdentityId,
    /// The current key.
    pub(crate) key: PublicKey,
    /// How often the key was rotated.
    pub(crate) sequence: u64,
    /// Total valid burn: registration and top-ups.
    pub(crate) burned: Amount,
    pub(crate) height: BlockHeight,
    pub(crate) class: EvidenceClass,
    /// The burn is not in the chain at present.
    pub(crate) suspended: bool,
    /// Window of all its keys together.
    pub(crate) window: Bucket,
    /// Key slots taken.
    pub(crate) keys: u16,
    /// Key slots bought beyond the tier's.
    pub(crate) extra_keys: u16,
    /// No slot becomes free before this.
    pub(crate) next_free: Timestamp,
    pub(crate) ban: Graylisting,
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
}

impl Row for IdentityRow {
    type Key = IdentityId;
    const VACANT: Self = Self {
        id: IdentityId::from_bytes([0; 32]),
        key: PublicKey::from_bytes([0; 33]),
        sequence: 0,
        burned: Amount::ZERO,
        height: BlockHeight::new(0),
        class: EvidenceClass::Weak,
        suspended: false,
        window: Bucket::FULL,
        keys: 0,
        extra_keys: 0,
        next_free: Timestamp::EPOCH,
        ban: Graylisting::ZERO,
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
        let deep = self.height.confirmations(tip) >= policy.burns.full;
        if !deep || self.class <= EvidenceClass::Anchored {
            return Tier::Basic;
        }
        Tier::of(self.burned, &policy.burns).unwrap_or(Tier::Basic)
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
