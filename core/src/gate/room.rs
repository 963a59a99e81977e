//! The key table when it is full (policy §5 and the architecture's table of what may leave).

use super::Parts;
use crate::floor::{Floor, Search};
use crate::identities::IdentityRow;
use crate::keys::{KeyRow, Owner};
use crate::table::Place;
use crate::{Decision, PublicKey, Reason, Timestamp};

/// What a stranger's key is worth: more than one that serves nothing, less than any identity's.
pub(crate) const STRANGER: u64 = 1;
/// A rotation always finds room if anybody may leave: it may be the way out of a stolen key.
pub(crate) const ROTATION: u64 = u64::MAX;

/// What is known of the full key table.
#[derive(Clone, Copy)]
pub(crate) struct KeyRoom {
    pub(crate) floor: Floor,
    /// Where the last search found a key that serves nothing: the next one goes on from there.
    hand: Place,
}

impl KeyRoom {
    /// Of an empty table. All zeros.
    pub(crate) const EMPTY: Self = Self { floor: Floor::UNKNOWN, hand: 0 };
}

impl IdentityRow {
    /// What each of its keys is worth when it has so many, in satoshis of burn.
    pub(crate) fn worth_of_key(&self, keys: u16) -> u64 {
        let each = self.burned().sats().checked_div(keys.max(1).into()).unwrap_or(0);
        each.max(STRANGER.saturating_add(1))
    }
}

impl Parts<'_> {
    /// Whether a new key of this worth may find room. Searches nothing.
    pub(crate) fn may_take_row(&self, now: Timestamp, worth: u64) -> Result<(), Decision> {
        if self.tables.keys.is_full() && self.node.keys.floor.refuses(now, worth) {
            return Err(Reason::TableFull.into());
        }
        Ok(())
    }

    /// The key whose row has to be given up for another of this worth; none if there is room.
    pub(crate) fn key_in_the_way(
        &mut self,
        now: Timestamp,
        key: &PublicKey,
        worth: u64,
    ) -> Result<Option<Place>, Decision> {
        let known = self.tables.keys.find(&self.rules.seed, key).is_some();
        if known || !self.tables.keys.is_full() {
            return Ok(None);
        }
        self.may_take_row(now, worth)?;
        self.node.counters.count_search();
        let mut search = Search::new();
        let (hand, end) = (self.node.keys.hand, *self.tables.keys.places().end());
        for place in (hand.saturating_add(1)..=end).chain(1..=hand) {
            match self.worth_of(now, place) {
                Ok((0, _)) => {
                    self.node.keys.hand = place;
                    return Ok(Some(place));
                }
                Ok((worth, until)) => {
                    let made = self.tables.keys.get(place).map(|row| row.watermark().created_at);
                    search.offer(place, worth, made.map_or(0, Timestamp::as_millis));
                    search.expect(until);
                }
                Err(until) => search.expect(until),
            }
        }
        let (found, floor) = search.end(worth);
        self.node.keys.floor = floor;
        found.map(Some).ok_or(Reason::TableFull.into())
    }

    /// What the row at a place is worth, and until when; or the time before which it cannot leave.
    fn worth_of(&self, now: Timestamp, place: Place) -> Result<(u64, Timestamp), Timestamp> {
        let row = self.tables.keys.get(place).ok_or(Timestamp::NEVER)?;
        if row.is_current() || row.contests() > 0 {
            return Err(Timestamp::NEVER);
        }
        if let Some(until) = row.graylisting.active(now) {
            return Err(until);
        }
        let until = row.slot_until(self.rules.policy.keys.slot_hold);
        let worth = match self.owner(place) {
            _ if until <= now => 0,
            Owner::Nobody => 0,
            Owner::Stranger(_) => STRANGER,
            Owner::Identity(identity) => match self.tables.identities.get(identity) {
                Some(owner) if owner.sequence <= row.sequence => owner.worth_of_key(owner.keys),
                _ => 0,
            },
        };
        Ok((worth, until))
    }

    /// Takes a key's row out for another's. What its identity signed before must not be taken for
    /// new because the row is gone.
    pub(crate) fn give_up_key(&mut self, now: Timestamp, place: Place) {
        let serves = self.worth_of(now, place).is_ok_and(|(worth, _)| worth > 0);
        let Some(row) = self.tables.keys.get(place) else { return };
        if row.remember_until() > now && !row.is_stranger() {
            // A former owner that has left has its tombstone.
            let newest = row.watermark().created_at;
            let owner = self.tables.keys.link(place, KeyRow::OWNER);
            let owned = matches!(self.owner(place), Owner::Identity(_));
            let same = owned || row.delegation == self.owner_tag(owner);
            if let Some(owner) = self.tables.identities.get_mut(owner).filter(|_| same) {
                owner.outlast(newest);
            }
        }
        self.leave_slot(place);
        self.give_key(place, Owner::Nobody);
        self.tables.keys.remove(&self.rules.seed, place);
        let displaced = &mut self.node.counters.keys_displaced;
        *displaced = displaced.saturating_add(serves.into());
    }

    /// The place of a key's row, made if there is room or somebody makes room.
    pub(crate) fn key_place(
        &mut self,
        now: Timestamp,
        key: &PublicKey,
        worth: u64,
    ) -> Result<Place, Decision> {
        if let Some(place) = self.tables.keys.find(&self.rules.seed, key) {
            return Ok(place);
        }
        if let Some(place) = self.key_in_the_way(now, key, worth)? {
            self.give_up_key(now, place);
        }
        let inserted = self.tables.keys.insert(&self.rules.seed, KeyRow::new(key));
        inserted.ok_or(Reason::TableFull.into())
    }
}
