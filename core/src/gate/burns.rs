//! What a proven burn does: an identity is created, proved again, rotated or credited.

use super::{Gate, Parts};
use crate::burn::Purpose;
use crate::identities::{BurnPlace, EvidenceClass, IdentityRow, Told};
use crate::keys::{KeyRow, Owner};
use crate::score::Reputation;
use crate::storage::Storage;
use crate::table::Row;
use crate::{Amount, BlockHeight, Decision, IdentityId, Millis, PublicKey, Reason, Timestamp};

/// How long an owner's anchor proves a burn (policy §6).
pub(crate) const ANCHORED: Millis = Millis::from_days(30);

/// A registered identity, as other code may show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Registered {
    /// The identity.
    pub id: IdentityId,
    /// Its current key.
    pub key: PublicKey,
    /// How often the key was rotated.
    pub sequence: u64,
    /// Its total burn.
    pub burned: Amount,
    /// The height of its registration.
    pub height: BlockHeight,
    /// How well that is known.
    pub class: EvidenceClass,
    /// Whether the burn is out of the chain; [`Gate::standing`] also looks at an anchored proof's
    /// age.
    pub suspended: bool,
    /// Its reputation score.
    pub score: u8,
}

impl<S: Storage> Gate<S> {
    /// The identity of a current key.
    #[must_use]
    pub fn resolve_identity(&self, key: &PublicKey) -> Option<Registered> {
        let (_, row) = self.storage.tables().keys.find(&self.rules.seed, key)?;
        let Owner::Identity(tag) = row.owner else { return None };
        let (_, identity) = self.storage.tables().identities.find_tag(&self.rules.seed, tag)?;
        row.current.then(|| identity.registered())
    }

    /// The row of an identity.
    #[must_use]
    pub fn identity(&self, id: &IdentityId) -> Option<Registered> {
        self.storage.tables().identities.find(&self.rules.seed, id).map(|(_, row)| row.registered())
    }
}

impl IdentityRow {
    pub(crate) fn registered(&self) -> Registered {
        Registered {
            id: self.id,
            key: self.key,
            sequence: self.sequence,
            burned: self.burned,
            height: self.place.height,
            class: self.class,
            suspended: self.suspended_at.is_some(),
            score: self.reputation.score(),
        }
    }
}

impl Parts<'_> {
    /// Creates the identity of a burn, or takes the same burn's new place for a suspended one.
    pub(crate) fn register(
        &mut self,
        now: Timestamp,
        id: &IdentityId,
        key: &PublicKey,
        burned: Amount,
        place: BurnPlace,
        class: EvidenceClass,
    ) -> Result<(), Decision> {
        let seed = &self.rules.seed;
        let anchored = class == EvidenceClass::Anchored;
        let proved_until = if anchored { now.saturating_add(ANCHORED) } else { Timestamp::NEVER };
        if let Some(known) = self.tables.identities.find(seed, id) {
            return self.prove_again(now, known, place, class, proved_until);
        }
        self.judge_new_key(key)?;
        let key_place = self.tables.keys.find(seed, key);
        if self.tables.identities.is_full() || key_place.is_none() && self.tables.keys.is_full() {
            return Err(Reason::TableFull.into());
        }
        let row = IdentityRow {
            id: *id,
            key: *key,
            burned,
            place,
            class,
            proved_until,
            used: [place; Purpose::ALL.len()],
            reputation: Reputation::fresh(&self.rules.policy.reputation, now),
            told: Told::Registered,
            ..IdentityRow::VACANT
        };
        let inserted = self.tables.identities.insert(seed, row).ok_or(Reason::TableFull)?;
        self.tables.identities.mark(inserted);
        self.take_key(id, key);
        Ok(())
    }

    fn prove_again(
        &mut self,
        now: Timestamp,
        known: u32,
        place: BurnPlace,
        class: EvidenceClass,
        proved_until: Timestamp,
    ) -> Result<(), Decision> {
        let row = self.tables.identities.get_mut(known).ok_or(Reason::UnknownIdentity)?;
        if !row.wants_proof(now) {
            return Err(Reason::AlreadyKnown.into());
        }
        row.place = place;
        row.class = class;
        row.proved_until = proved_until;
        if row.suspended_at.take().is_some() {
            row.told = Told::Resumed;
            self.tables.identities.mark(known);
        }
        Ok(())
    }

    /// Makes `key` the current key, as `by` has signed. Of two rotations with one sequence the one that lies earlier
    /// in the chain holds; it may displace the later until that is final.
    pub(crate) fn rotate(
        &mut self,
        now: Timestamp,
        id: &IdentityId,
        sequence: u64,
        (by, key): (&PublicKey, &PublicKey),
        place: BurnPlace,
    ) -> Result<(), Decision> {
        self.judge_new_key(key)?;
        let seed = &self.rules.seed;
        let found = self.tables.identities.find(seed, id).ok_or(Reason::UnknownIdentity)?;
        let row = self.tables.identities.get(found).ok_or(Reason::UnknownIdentity)?;
        if row.is_suspended(now) {
            return Err(Reason::Suspended.into());
        }
        let last = row.last_used(Purpose::Rotation);
        let contestable = row.is_contestable(self.node.tip_height());
        let contests = sequence == row.sequence && row.sequence > 0;
        // Another rotation may have taken the signer's place since its signature was checked.
        if *by != if contests { row.previous_key } else { row.key } {
            return Err(Reason::Superseded.into());
        }
        if contests {
            if !contestable || place >= last {
                return Err(Reason::Superseded.into());
            }
            if place <= row.previous_rotation {
                return Err(Reason::BurnUsed.into());
            }
        } else if sequence != row.sequence.saturating_add(1) {
            return Err(Reason::Superseded.into());
        } else if place <= last {
            return Err(Reason::BurnUsed.into());
        } else if contestable {
            return Err(Reason::NotFinal.into());
        }
        if self.tables.keys.find(seed, key).is_none() && self.tables.keys.is_full() {
            return Err(Reason::TableFull.into());
        }
        let retired = row.key;
        if contests {
            self.void(id, sequence);
        }
        let row = self.tables.identities.get_mut(found).ok_or(Reason::UnknownIdentity)?;
        if !contests {
            row.previous_key = retired;
            row.previous_rotation = last;
        }
        row.key = *key;
        row.sequence = sequence;
        row.use_burn(Purpose::Rotation, place);
        row.told = Told::Rotated;
        self.tables.identities.mark(found);
        if let Some(row) = self.tables.keys.find_mut(seed, &retired) {
            row.current = false;
        }
        self.take_key(id, key);
        Ok(())
    }

    /// Makes everything that was advertised or delegated under `sequence` belong to the one before,
    /// because it was by another key.
    fn void(&mut self, id: &IdentityId, sequence: u64) {
        let owner = Owner::Identity(IdentityRow::tag(&self.rules.seed, id));
        for row in self.tables.keys.rows_mut().filter(|row| row.owner == owner) {
            row.sequence = row.sequence.min(sequence.saturating_sub(1));
        }
    }

    /// Adds what a burn of another purpose bought.
    pub(crate) fn credit(
        &mut self,
        now: Timestamp,
        id: &IdentityId,
        (sequence, by): (u64, &PublicKey),
        purpose: Purpose,
        burned: Amount,
        place: BurnPlace,
    ) -> Result<(), Decision> {
        let price = purpose.price(&self.rules.policy.burns);
        let row =
            self.tables.identities.find_mut(&self.rules.seed, id).ok_or(Reason::UnknownIdentity)?;
        if row.is_suspended(now) {
            return Err(Reason::Suspended.into());
        }
        if sequence != row.sequence || *by != row.key {
            return Err(Reason::Superseded.into());
        }
        if place <= row.last_used(purpose) {
            return Err(Reason::BurnUsed.into());
        }
        match purpose {
            Purpose::AdditionalKey => {
                let slots = burned.sats().checked_div(price.sats()).unwrap_or(0);
                let slots = u16::try_from(slots).unwrap_or(u16::MAX);
                row.extra_keys = row.extra_keys.saturating_add(slots);
            }
            Purpose::TopUp => row.burned = row.burned.saturating_add(burned),
            // Not charged, so never claimed (`Policy::validate`).
            _ => return Err(Reason::NotCharged.into()),
        }
        row.use_burn(purpose, place);
        Ok(())
    }

    /// The key's row becomes the identity's; a stranger's advertisement by it ends.
    fn take_key(&mut self, id: &IdentityId, key: &PublicKey) {
        let seed = &self.rules.seed;
        let owner = Owner::Identity(IdentityRow::tag(seed, id));
        let place = self.tables.keys.find(seed, key).or_else(|| {
            let row = KeyRow { key: *key, ..KeyRow::VACANT };
            self.tables.keys.insert(seed, row)
        });
        let Some(row) = place.and_then(|place| self.tables.keys.get(place)) else { return };
        let (old_owner, had_slot) = (row.owner, row.has_slot());
        if old_owner != owner {
            self.release(old_owner, had_slot);
        }
        if let Some(row) = place.and_then(|place| self.tables.keys.get_mut(place)) {
            row.current = true;
            if old_owner != owner {
                row.owner = owner;
                row.leave_slot();
            }
        }
    }
}
