//! The identity table when it is full (policy §11): two halves, and tombstones for those who leave.
//!
//! The half of those whose sessions we never saw completed cannot crowd out the others: a burn
//! alone does not fill the table.

use super::Parts;
use crate::floor::{Floor, Search};
use crate::identities::IdentityRow;
use crate::packed::Packed;
use crate::table::{Place, TableRef};
use crate::time::Seconds;
use crate::tombstones::Tombstone;
use crate::{Amount, Decision, IdentityId, Reason, Timestamp};

/// The two halves of the identity table.
#[derive(Clone, Copy)]
pub(crate) struct Halves {
    /// Rows in the half of those with a completed session; all others are in that of newcomers.
    met: u32,
    newcomers: Floor,
    acquainted: Floor,
}

impl Halves {
    /// Of an empty table. All zeros.
    pub(crate) const EMPTY: Self =
        Self { met: 0, newcomers: Floor::UNKNOWN, acquainted: Floor::UNKNOWN };

    const fn floor(&mut self, met: bool) -> &mut Floor {
        if met { &mut self.acquainted } else { &mut self.newcomers }
    }

    /// Of a table that has rows.
    pub(crate) fn of(identities: &TableRef<'_, IdentityRow>) -> Self {
        let met = identities.iter().filter(|(_, row)| row.flags.has(IdentityRow::MET)).count();
        Self { met: u32::try_from(met).unwrap_or(u32::MAX), ..Self::EMPTY }
    }

    /// Something may leave that was held: the next newcomer looks.
    pub(crate) const fn forget(&mut self) {
        (self.newcomers, self.acquainted) = (Floor::UNKNOWN, Floor::UNKNOWN);
    }
}

impl Parts<'_> {
    /// Whether one half has no row free. With an odd number, newcomers have one more.
    fn is_half_full(&self, met: bool) -> bool {
        let identities = self.tables.identities.view();
        let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        let (rows, half) = (count(identities.len()), count(identities.capacity()) / 2);
        if met {
            self.node.halves.met >= half
        } else {
            let newcomers = rows.saturating_sub(self.node.halves.met);
            newcomers >= count(identities.capacity()).saturating_sub(half)
        }
    }

    /// Whether an identity that burned so much may find room. Searches nothing: what is refused
    /// here has no claim to a look at its signature.
    pub(crate) fn may_enter(&self, now: Timestamp, burned: Amount) -> Result<(), Decision> {
        let full = self.is_half_full(false);
        if full && self.node.halves.newcomers.refuses(now, burned.sats()) {
            return Err(Reason::TableFull.into());
        }
        Ok(())
    }

    /// Puts an identity's fresh row into the half of newcomers. Where that is full, the one with
    /// the lowest burn leaves, if that is lower; who has not been used for a month leaves first.
    /// What a tombstone remembers of the identity comes back.
    pub(crate) fn enter(
        &mut self,
        now: Timestamp,
        mut row: IdentityRow,
    ) -> Result<Place, Decision> {
        let (id, worth) = (row.id, row.burned().sats());
        let known = self.tables.tombstones.find(&self.rules.seed, &id);
        let known = known.and_then(|place| self.tables.tombstones.get(place)).cloned();
        if self.is_half_full(false) {
            // A banned one comes back as a fact of the chain, but nobody has to leave for it.
            if let Some(until) = known.as_ref().and_then(|known| known.ban.active(now)) {
                return Err(Decision::until(Reason::IdentityBanned, until));
            }
            let found = self.lowest(now, false, worth).ok_or(Reason::TableFull)?;
            self.set_resuming(&id, true);
            let displaced = self.displace(now, found);
            self.set_resuming(&id, false);
            if !displaced {
                self.node.halves.forget();
                return Err(Reason::TableFull.into());
            }
        }
        if let Some(known) = &known {
            (row.ban, row.ban_reason) = (known.ban, known.ban_reason);
            row.fresh_from = known.left;
            row.flags.set(IdentityRow::RESUMING, known.sequence > 0);
        }
        let resuming = row.flags.has(IdentityRow::RESUMING);
        row.use_now(now);
        let seed = &self.rules.seed;
        let place = self.tables.identities.insert(seed, row).ok_or(Reason::TableFull)?;
        self.node.halves.newcomers.lower(worth);
        if resuming {
            self.set_resuming(&id, true);
        } else {
            self.remove_tombstone(&id);
        }
        Ok(place)
    }

    /// Moves an identity with its first completed session to the half of such ones. Where that is
    /// full, it changes places with the lowest, if that burned less.
    pub(crate) fn acquaint(&mut self, now: Timestamp, identity: Place) {
        let Some(row) = self.tables.identities.get(identity) else { return };
        let (met, worth) = (row.flags.has(IdentityRow::MET), row.burned().sats());
        if met || row.reputation.completed() == 0 {
            return;
        }
        if self.is_half_full(true) {
            let Some(lowest) = self.lowest(now, true, worth) else { return };
            self.set_met(lowest, false);
        }
        self.set_met(identity, true);
    }

    fn set_met(&mut self, identity: Place, met: bool) {
        let Some(row) = self.tables.identities.get_mut(identity) else { return };
        row.flags.set(IdentityRow::MET, met);
        let worth = row.burned().sats();
        let halves = &mut self.node.halves;
        halves.floor(met).lower(worth);
        halves.met = if met { halves.met.saturating_add(1) } else { halves.met.saturating_sub(1) };
    }

    /// The row of a full half that has to make room for one of this worth, if there is any.
    fn lowest(&mut self, now: Timestamp, met: bool, worth: u64) -> Option<Place> {
        if self.node.halves.floor(met).refuses(now, worth) {
            return None;
        }
        self.node.counters.count_search();
        let room = self.tombstone_room(now);
        let mut search = Search::new();
        let rows = self.tables.identities.view();
        let in_half = |row: &IdentityRow| row.flags.has(IdentityRow::MET) == met;
        let may_leave = |row: &IdentityRow| in_half(row) && !row.flags.has(IdentityRow::PINNED);
        for (place, row) in rows.iter().filter(|(_, row)| may_leave(row)) {
            // Its ban must not be lost, even where no tombstone has room for it.
            if let (false, Err(at), Some(until)) = (met, room, row.ban.active(now)) {
                search.expect(at.min(until));
                continue;
            }
            let unused_at = row.unused_at();
            if unused_at > now {
                search.expect(unused_at);
            }
            let worth = if unused_at <= now { 0 } else { row.burned().sats() };
            search.offer(place, worth, row.height().get().into());
        }
        let (found, floor) = search.end(worth);
        *self.node.halves.floor(met) = floor;
        found
    }

    /// Takes an identity out for another; false if it may not leave.
    fn displace(&mut self, now: Timestamp, identity: Place) -> bool {
        let id = self.tables.identities.get(identity).map(|row| row.id);
        let Some(id) = id.filter(|_| self.bury(now, identity)) else { return false };
        if let Some(tombstone) = self.tables.tombstones.find(&self.rules.seed, &id) {
            self.tables.tombstones.mark(tombstone);
        }
        let displaced = &mut self.node.counters.identities_displaced;
        *displaced = displaced.saturating_add(1);
        true
    }

    /// Takes an identity's row out and leaves a tombstone, if there is room for one. False, and
    /// nothing is done, if a ban would be lost.
    pub(crate) fn bury(&mut self, now: Timestamp, identity: Place) -> bool {
        let Some(row) = self.tables.identities.get(identity) else { return false };
        let (id, banned) = (row.id, row.ban.active(now).is_some());
        let met = row.flags.has(IdentityRow::MET);
        let mut tombstone = self.tombstone_of(now, row, &self.current_key(identity));
        if let Some(known) = self.tables.tombstones.find_mut(&self.rules.seed, &id) {
            // It had not shown all its rotations again.
            if known.sequence > tombstone.sequence {
                (tombstone.sequence, tombstone.key) = (known.sequence, known.key);
            }
            *known = tombstone;
        } else if self.make_tombstone_room(now, &tombstone) {
            let _ = self.tables.tombstones.insert(&self.rules.seed, tombstone);
        } else if banned {
            return false;
        }
        self.remove_identity(identity);
        let halves = &mut self.node.halves;
        halves.met = halves.met.saturating_sub(met.into());
        true
    }

    /// What is remembered of an identity that leaves, with its current key.
    pub(crate) fn tombstone_of(
        &self,
        now: Timestamp,
        row: &IdentityRow,
        key: &crate::PublicKey,
    ) -> Tombstone {
        let mut tombstone = Tombstone::new(&row.id, row.burned());
        (tombstone.ban, tombstone.ban_reason) = (row.ban, row.ban_reason);
        tombstone.left = Seconds::of(now);
        (tombstone.sequence, tombstone.key) = (row.sequence, self.key_tag(key));
        tombstone
    }

    /// Whether a ban finds room among the tombstones; otherwise when the next may leave.
    fn tombstone_room(&self, now: Timestamp) -> Result<(), Timestamp> {
        if !self.tables.tombstones.is_full() {
            return Ok(());
        }
        let mut next = Timestamp::NEVER;
        for (_, row) in self.tables.tombstones.view().iter() {
            if !row.stays(now) {
                return Ok(());
            }
            next = next.min(row.ban.active(now).unwrap_or(Timestamp::NEVER));
        }
        Err(next)
    }

    /// Lets the tombstone of the lowest burn leave for another, if that one is higher or holds a
    /// ban. One that stays is never touched.
    fn make_tombstone_room(&mut self, now: Timestamp, newcomer: &Tombstone) -> bool {
        if !self.tables.tombstones.is_full() {
            return true;
        }
        let policy = &self.rules.policy;
        let mut search = Search::new();
        for (place, row) in self.tables.tombstones.view().iter().filter(|(_, row)| !row.stays(now))
        {
            search.offer(place, row.worth(now, policy), 0);
        }
        let worth = if newcomer.stays(now) { u64::MAX } else { newcomer.burned().sats() };
        let (Some(found), _) = search.end(worth) else { return false };
        self.tables.tombstones.remove(&self.rules.seed, found);
        true
    }

    fn set_resuming(&mut self, id: &IdentityId, resuming: bool) {
        if let Some(row) = self.tables.tombstones.find_mut(&self.rules.seed, id) {
            row.set_resuming(resuming);
        }
    }

    fn remove_tombstone(&mut self, id: &IdentityId) {
        if let Some(place) = self.tables.tombstones.find(&self.rules.seed, id) {
            self.tables.tombstones.remove(&self.rules.seed, place);
            self.node.halves.forget();
        }
    }

    /// What to say of an identity without a row.
    pub(crate) fn absent(&self, now: Timestamp, id: &IdentityId) -> Decision {
        let tombstone = self.tables.tombstones.view().find(&self.rules.seed, id);
        let ban = tombstone.and_then(|(_, row)| row.ban.active(now));
        ban.map_or(Reason::UnknownIdentity.into(), |until| {
            Decision::until(Reason::IdentityBanned, until)
        })
    }

    /// What stands against a message made under a rotation: it has to be the last, and one that
    /// this identity had made before it left the table counts, too.
    pub(crate) fn judge_sequence(&self, row: &IdentityRow, sequence: u64) -> Result<(), Decision> {
        let known = u64::from(row.sequence);
        let last = self.resumed(row).map_or(known, |tombstone| tombstone.sequence.into());
        if sequence < last {
            Err(Reason::Superseded.into())
        } else if sequence > known {
            Err(Reason::NeedHistory.into())
        } else {
            Ok(())
        }
    }

    /// The tombstone of an identity that still has to show its rotations again.
    fn resumed(&self, row: &IdentityRow) -> Option<&Tombstone> {
        let tombstones = self.tables.tombstones.view();
        let found = tombstones
            .find(&self.rules.seed, &row.id)
            .filter(|_| row.flags.has(IdentityRow::RESUMING));
        found.map(|(_, tombstone)| tombstone)
    }

    /// Whether a rotation may be the one that this identity had made before it left the table.
    pub(crate) fn judge_resumed(
        &self,
        row: &IdentityRow,
        sequence: u64,
        key: &crate::PublicKey,
    ) -> Result<(), Decision> {
        let same = self.resumed(row).is_none_or(|tombstone| {
            u64::from(tombstone.sequence) != sequence || tombstone.key == self.key_tag(key)
        });
        if same { Ok(()) } else { Err(Reason::Superseded.into()) }
    }

    /// Ends the resumption of an identity that has shown its last rotation again.
    pub(crate) fn end_resumption(&mut self, identity: Place) {
        let Some(row) = self.tables.identities.get(identity) else { return };
        let (id, sequence) = (row.id, row.sequence);
        if self.resumed(row).is_some_and(|tombstone| tombstone.sequence <= sequence) {
            self.remove_tombstone(&id);
            if let Some(row) = self.tables.identities.get_mut(identity) {
                row.flags.set(IdentityRow::RESUMING, false);
            }
        }
    }

    fn key_tag(&self, key: &crate::PublicKey) -> Packed<4> {
        Packed::new(self.rules.seed.hash(crate::peers::domain::ROTATION, key.as_bytes()) >> 32)
    }
}
