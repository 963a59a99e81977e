//! What a proven burn does: an identity is created, proved again, rotated or credited.

use super::room::ROTATION;
use super::{Gate, Parts};
use crate::burn::Purpose;
use crate::floor::Floor;
use crate::identities::{BurnPlace, EvidenceClass, IdentityRow, Told};
use crate::keys::{KeyRow, Owner};
use crate::score::Reputation;
use crate::storage::Storage;
use crate::table::Place;
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
        let tables = self.storage.tables();
        let (place, row) = tables.keys.find(&self.rules.seed, key)?;
        let Owner::Identity(owner) = tables.owner(place) else { return None };
        let identity = tables.identities.get(owner).filter(|_| row.is_current())?;
        Some(identity.registered(*key))
    }

    /// The row of an identity.
    #[must_use]
    pub fn identity(&self, id: &IdentityId) -> Option<Registered> {
        let tables = self.storage.tables();
        let (place, row) = tables.identities.find(&self.rules.seed, id)?;
        Some(row.registered(tables.current_key(place)))
    }
}

impl IdentityRow {
    pub(crate) fn registered(&self, key: PublicKey) -> Registered {
        Registered {
            id: self.id,
            key,
            sequence: self.sequence.into(),
            burned: self.burned(),
            height: self.height(),
            class: self.class(),
            suspended: self.suspended_at().is_some(),
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
        let in_the_way = self.key_in_the_way(now, key, burned.sats())?;
        let mut row = IdentityRow::registered_at(id, burned, place);
        row.prove(class, proved_until);
        row.reputation = Reputation::fresh(&self.rules.policy.reputation, now);
        let inserted = self.enter(now, row)?;
        self.tables.identities.mark(inserted);
        self.make_current(now, inserted, key, in_the_way);
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
        let resumed = row.suspended_at().is_some();
        row.use_now(now);
        row.set_height(place.height());
        row.prove(class, proved_until);
        if resumed {
            row.told = Told::Resumed;
            self.tables.identities.mark(known);
        }
        Ok(())
    }

    /// Makes `key` the current key, as `by` has signed. Of two rotations with one sequence the one
    /// that lies earlier in the chain holds; it may displace the later until that is final.
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
        let known = u64::from(row.sequence);
        let contests = sequence == known && known > 0;
        // Another rotation may have taken the signer's place since its signature was checked.
        let current = Some(self.current_key(found));
        if Some(*by) != if contests { self.previous_key(found) } else { current } {
            return Err(Reason::Superseded.into());
        }
        if contests {
            if !contestable || place >= last {
                return Err(Reason::Superseded.into());
            }
            if place <= row.previous_rotation {
                return Err(Reason::BurnUsed.into());
            }
        } else if sequence != known.saturating_add(1) {
            return Err(Reason::Superseded.into());
        } else if place <= last {
            return Err(Reason::BurnUsed.into());
        } else if contestable {
            return Err(Reason::NotFinal.into());
        }
        self.judge_resumed(row, sequence, key)?;
        let in_the_way = self.key_in_the_way(now, key, ROTATION)?;
        let retired = self.tables.identities.link(found, IdentityRow::KEY);
        if contests {
            self.void(found, sequence);
        } else {
            self.set_previous(found, retired);
        }
        let row = self.tables.identities.get_mut(found).ok_or(Reason::UnknownIdentity)?;
        if !contests {
            row.previous_rotation = last;
        }
        row.use_now(now);
        row.sequence = u8::try_from(sequence).unwrap_or(u8::MAX);
        row.use_burn(Purpose::Rotation, place);
        row.told = Told::Rotated;
        self.tables.identities.mark(found);
        self.retire(found, retired);
        self.make_current(now, found, key, in_the_way);
        self.end_resumption(found);
        Ok(())
    }

    /// The key that an identity's last rotation replaced, until that was found to be final.
    pub(crate) fn previous_key(&self, identity: Place) -> Option<PublicKey> {
        self.tables.view().previous_key(identity)
    }

    /// Makes everything that was advertised or delegated under `sequence` belong to the one before,
    /// because it was by another key.
    fn void(&mut self, identity: Place, sequence: u64) {
        let before = u8::try_from(sequence.saturating_sub(1)).unwrap_or(u8::MAX);
        let mut key = self.tables.identities.link(identity, IdentityRow::FIRST);
        for _ in 0..self.tables.keys.view().len() {
            let Some(row) = self.tables.keys.get_mut(key) else { break };
            row.sequence = row.sequence.min(before);
            key = self.tables.keys.link(key, KeyRow::SIBLING);
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
        let found = self.tables.identities.find(&self.rules.seed, id);
        let found = found.ok_or(Reason::UnknownIdentity)?;
        let current = self.current_key(found);
        let row = self.tables.identities.get_mut(found).ok_or(Reason::UnknownIdentity)?;
        if row.is_suspended(now) {
            return Err(Reason::Suspended.into());
        }
        if sequence != u64::from(row.sequence) || *by != current {
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
            Purpose::TopUp => row.add_burn(burned),
            // Not charged, so never claimed (`Policy::validate`).
            _ => return Err(Reason::NotCharged.into()),
        }
        row.use_burn(purpose, place);
        row.use_now(now);
        Ok(())
    }

    /// The key's row, for which another may have to leave, becomes the identity's current one;
    /// what others advertise by it ends.
    fn make_current(
        &mut self,
        now: Timestamp,
        identity: Place,
        key: &PublicKey,
        in_the_way: Option<Place>,
    ) {
        if let Some(other) = in_the_way {
            self.give_up_key(now, other);
        }
        let Ok(place) = self.key_place(now, key, ROTATION) else { return };
        // What was delegated under earlier rotations serves nothing any more.
        self.node.keys.floor = Floor::UNKNOWN;
        self.give_key(place, Owner::Identity(identity));
        self.set_current(identity, place);
    }

    /// Makes a key that is the identity's its current one.
    pub(crate) fn set_current(&mut self, identity: Place, key: Place) {
        self.tables.identities.set_link(identity, IdentityRow::KEY, key);
        if let Some(row) = self.tables.keys.get_mut(key) {
            row.set_current(true);
        }
    }
}
