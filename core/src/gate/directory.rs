//! Finding signers among the rows of the key table.

use super::Gate;
use super::operator::BAD_REPUTATION;
use crate::identities::IdentityRow;
use crate::keys::{KeyRow, Owner};
use crate::packed::Packed;
use crate::peers::domain;
use crate::storage::Storage;
use crate::{Amount, IdentityId, PublicKey, Timestamp};

/// What a signer must offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Transaction types, all of which are wanted: bit `n` for number `n`.
    pub types: u64,
    /// An amount that must lie in the signer's range, the ends of which are rounded outward to six
    /// digits.
    pub amount: Option<Amount>,
    /// The least reputation score. Strangers have none and are found only with 0.
    pub min_score: u8,
}

/// A signer that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The author key.
    pub key: PublicKey,
    /// Its identity; `None` for a stranger.
    pub identity: Option<IdentityId>,
    /// The identity's score, 0 for a stranger.
    pub score: u8,
    /// The identity's total burn.
    pub burned: Amount,
    /// End of the advertisement.
    pub expires_at: Timestamp,
    pub(super) rank: Rank,
    /// The wide group of the connection of its peer, where that is known.
    pub(super) group: Option<Packed<4>>,
}

impl Default for Found {
    /// An empty place for [`Gate::find`] to fill.
    fn default() -> Self {
        Self {
            key: PublicKey::from_bytes([0; 33]),
            identity: None,
            score: 0,
            burned: Amount::ZERO,
            expires_at: Timestamp::EPOCH,
            rank: Rank::default(),
            group: None,
        }
    }
}

/// Greater is better: not bad, score band of ten, burn per live row, keyed-random (policy §7).
pub(super) type Rank = (bool, u8, u64, u64);

impl<S: Storage> Gate<S> {
    /// Whether this key has a live advertisement.
    #[must_use]
    pub fn is_listed(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.find_key(now, key).is_some()
    }

    /// Whether this key has no live advertisement, and an older one of its could still be brought by
    /// others: a withdrawal that was accepted is worth serving as long as that.
    #[must_use]
    pub fn is_withdrawn(&self, now: Timestamp, key: &PublicKey) -> bool {
        let row = self.storage.tables().keys.find(&self.rules.seed, key);
        row.is_some_and(|(_, row)| row.is_withdrawn(now))
    }

    /// The live advertisement of a key.
    #[must_use]
    pub fn find_key(&self, now: Timestamp, key: &PublicKey) -> Option<Found> {
        self.find_fitting(now, key, &Criteria::default())
    }

    /// The live advertisement of a key, if it fits.
    #[must_use]
    pub fn find_fitting(
        &self,
        now: Timestamp,
        key: &PublicKey,
        criteria: &Criteria,
    ) -> Option<Found> {
        let tables = self.storage.tables();
        let (place, row) = tables.keys.find(&self.rules.seed, key)?;
        match tables.owner(place) {
            Owner::Identity(owner) => {
                let identity = tables.identities.get(owner)?;
                let rank = self.rank(now, identity, criteria)?;
                is_live_under(now, row, identity, criteria).then(|| found(row, identity, rank))
            }
            _ => self.stranger(now, row, criteria),
        }
    }

    /// Where an identity ranks, if it may be found at all.
    pub(super) fn rank(
        &self,
        now: Timestamp,
        identity: &IdentityRow,
        criteria: &Criteria,
    ) -> Option<Rank> {
        let score = identity.reputation.score();
        let serves = !identity.is_suspended(now) && identity.ban.active(now).is_none();
        if !serves || score < criteria.min_score {
            return None;
        }
        // An identity without a completed session ranks as one with 40 points.
        let ranked = if identity.reputation.completed() == 0 { score.min(40) } else { score };
        let per_row = identity.burned().sats().checked_div(identity.keys.into()).unwrap_or(0);
        let random = self.rules.seed.hash(domain::RANK, identity.id.as_bytes());
        Some((score >= BAD_REPUTATION, ranked / 10, per_row, random))
    }

    /// A stranger's live advertisement, if it fits.
    pub(super) fn stranger(
        &self,
        now: Timestamp,
        row: &KeyRow,
        criteria: &Criteria,
    ) -> Option<Found> {
        (criteria.min_score == 0 && is_live(now, row, criteria)).then(|| Found {
            key: row.key,
            expires_at: row.expires_at(),
            rank: (false, 0, 0, self.rules.seed.hash(domain::RANK, row.key.as_bytes())),
            ..Found::default()
        })
    }
}

fn is_live(now: Timestamp, row: &KeyRow, criteria: &Criteria) -> bool {
    row.expires_at() > now
        && row.types.get() & criteria.types == criteria.types
        && criteria.amount.is_none_or(|amount| row.amount.contains(amount))
        && row.graylisting.active(now).is_none()
}

/// The same for an identity's key: a rotation ends what was advertised before.
pub(super) fn is_live_under(
    now: Timestamp,
    row: &KeyRow,
    identity: &IdentityRow,
    criteria: &Criteria,
) -> bool {
    identity.sequence == row.sequence && is_live(now, row, criteria)
}

/// An identity's signer that fits, with its rank.
pub(super) fn found(row: &KeyRow, identity: &IdentityRow, rank: Rank) -> Found {
    Found {
        key: row.key,
        identity: Some(identity.id),
        score: identity.reputation.score(),
        burned: identity.burned(),
        expires_at: row.expires_at(),
        rank,
        group: None,
    }
}
