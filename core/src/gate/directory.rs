//! Finding signers among the rows of the key table.

use super::Gate;
use super::operator::BAD_REPUTATION;
use crate::keys::{KeyRow, Owner};
use crate::peers::domain;
use crate::storage::Storage;
use crate::table::Place;
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
    rank: Rank,
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
        }
    }
}

/// Greater is better: not bad, score band of ten, burn per live row, keyed-random (policy §7).
type Rank = (bool, u8, u64, u64);

impl<S: Storage> Gate<S> {
    /// Fills `out` with the best live signers that fit, best first, and returns how many there
    /// are. No identity has two places before every identity that fits has one.
    pub fn find(&self, now: Timestamp, criteria: &Criteria, out: &mut [Found]) -> usize {
        let keys = self.storage.tables().keys;
        let fitting = |place| keys.get(place).and_then(|row| self.found(now, criteria, place, row));
        let mut best = Best { out, len: 0 };
        for (place, _) in keys.iter() {
            if let Some(found) = fitting(place) {
                best.offer_once(found);
            }
        }
        if best.len < best.out.len() {
            let first_places = best.len;
            for (place, _) in keys.iter() {
                if let Some(found) = fitting(place) {
                    best.offer_again(found, first_places);
                }
            }
        }
        best.len
    }

    /// Whether this key has a live advertisement.
    #[must_use]
    pub fn is_listed(&self, now: Timestamp, key: &PublicKey) -> bool {
        self.find_key(now, key).is_some()
    }

    /// The live advertisement of a key.
    #[must_use]
    pub fn find_key(&self, now: Timestamp, key: &PublicKey) -> Option<Found> {
        let (place, row) = self.storage.tables().keys.find(&self.rules.seed, key)?;
        self.found(now, &Criteria::default(), place, row)
    }

    fn found(
        &self,
        now: Timestamp,
        criteria: &Criteria,
        place: Place,
        row: &KeyRow,
    ) -> Option<Found> {
        let live = row.expires_at() > now
            && row.types.get() & criteria.types == criteria.types
            && criteria.amount.is_none_or(|amount| row.amount.contains(amount))
            && row.graylisting.active(now).is_none();
        if !live {
            return None;
        }
        let random = self.rules.seed.hash(domain::RANK, row.key.as_bytes());
        let (key, expires_at) = (row.key, row.expires_at());
        let tables = self.storage.tables();
        let Owner::Identity(owner) = tables.owner(place) else {
            let rank = (false, 0, 0, random);
            let stranger =
                Found { key, identity: None, score: 0, burned: Amount::ZERO, expires_at, rank };
            return (criteria.min_score == 0).then_some(stranger);
        };
        let identity = tables.identities.get(owner)?;
        let serves = !identity.is_suspended(now)
            && identity.sequence == row.sequence
            && identity.ban.active(now).is_none();
        let score = identity.reputation.score();
        if !serves || score < criteria.min_score {
            return None;
        }
        // An identity without a completed session ranks as one with 40 points.
        let ranked = if identity.reputation.completed() == 0 { score.min(40) } else { score };
        let per_row = identity.burned().sats().checked_div(identity.keys.into()).unwrap_or(0);
        let rank = (score >= BAD_REPUTATION, ranked / 10, per_row, random);
        let (id, burned) = (Some(identity.id), identity.burned());
        Some(Found { key, identity: id, score, burned, expires_at, rank })
    }
}

/// The best so far, in order.
struct Best<'a> {
    out: &'a mut [Found],
    len: usize,
}

impl Best<'_> {
    /// Keeps at most one of each identity.
    fn offer_once(&mut self, found: Found) {
        let held = self.out.get(..self.len).unwrap_or_default();
        let twin = held
            .iter()
            .position(|other| found.identity.is_some() && other.identity == found.identity);
        if let Some(twin) = twin {
            if held.get(twin).is_some_and(|other| other.rank >= found.rank) {
                return;
            }
            if let Some(from_twin) = self.out.get_mut(twin..self.len) {
                from_twin.rotate_left(1);
            }
            self.len = self.len.saturating_sub(1);
        }
        self.insert(found, 0);
    }

    /// Keeps what is not there yet, behind the first places.
    fn offer_again(&mut self, found: Found, first_places: usize) {
        let held = self.out.get(..self.len).unwrap_or_default();
        if !held.iter().any(|other| other.key == found.key) {
            self.insert(found, first_places);
        }
    }

    fn insert(&mut self, found: Found, from: usize) {
        let held = self.out.get(..self.len).unwrap_or_default();
        let behind = held.iter().skip(from).position(|other| other.rank < found.rank);
        let at = behind.map_or(self.len, |offset| from.saturating_add(offset));
        self.len = self.len.saturating_add(1).min(self.out.len());
        if let Some(tail) = self.out.get_mut(at..self.len)
            && let Some(last) = tail.last_mut()
        {
            *last = found;
            tail.rotate_right(1);
        }
    }
}
