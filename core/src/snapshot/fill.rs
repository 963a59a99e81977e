//! How each table takes its records.

use super::choice::{Filled, KEPT};
use super::decode::Snapshot;
use super::{Contest, SnapshotError, Stored};
use crate::Timestamp;
use crate::bans::BanRow;
use crate::gate::{Halves, Parts, automatic_rows, operator_rows};
use crate::groups::GroupRow;
use crate::identities::{IdentityRow, Told};
use crate::keys::{KeyRow, Owner};
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::table::{Place, Row, Table};
use crate::tombstones::Tombstone;

impl Parts<'_> {
    /// Those with a completed session, then the others: each half of the table has its own room.
    pub(super) fn fill_identities(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<(Filled, Filled), SnapshotError> {
        let fill = |parts: &mut Self, room, met| {
            let rank = |_: &Parts<'_>, _, row: &IdentityRow| {
                let kept = row.flags.has(IdentityRow::PINNED) || row.ban.active(now).is_some();
                (row.flags.has(IdentityRow::MET) == met)
                    .then(|| row.burned().sats() | if kept { KEPT } else { 0 })
            };
            parts.fill_with(file.identities, room, rank, |parts, _, mut row| {
                if row.suspended_at().is_some() {
                    // Who looked for its burn may have forgotten that.
                    row.told = Told::Suspended;
                }
                let told = row.flags.has(IdentityRow::SANCTIONED) || row.told != Told::Nothing;
                let place = insert(&mut parts.tables.identities, &parts.rules.seed, row)?;
                if told {
                    parts.tables.identities.mark(place);
                }
                Some(())
            })
        };
        let (rows, keys) = (self.tables.identities.rows.len(), self.tables.keys.rows.len());
        let half = rows / 2;
        let met = fill(self, half.min(keys), true)?;
        // Each needs a row for its current key, too.
        let rest = keys.saturating_sub(self.tables.identities.view().len());
        let newcomers = fill(self, rows.saturating_sub(half).min(rest), false)?;
        self.node.halves = Halves::of(&self.tables.identities.view());
        Ok((met, newcomers))
    }

    /// Those of the file, then what is to be remembered of identities that found no room. Returns
    /// how many found none either.
    pub(super) fn fill_tombstones(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<u32, SnapshotError> {
        let room = self.tables.tombstones.rows.len();
        let rank = |_: &Parts<'_>, _, row: &Tombstone| {
            Some(row.burned().sats() | if row.stays(now) { KEPT } else { 0 })
        };
        let known = self.fill_with(file.tombstones, room, rank, |parts, _, row| {
            insert(&mut parts.tables.tombstones, &parts.rules.seed, row).map(|_| ())
        })?;
        let dropped = |parts: &Parts<'_>, number, row: &KeyRow| {
            let owner = row.owner(number);
            let gone = row.is_current() && parts.restored_owner(file, owner) == Owner::Nobody;
            if gone { file.identities.find(number) } else { None }
        };
        let room = room.saturating_sub(self.tables.tombstones.view().len());
        let rank = |parts: &Parts<'_>, number, row: &KeyRow| {
            dropped(parts, number, row).map(|identity| identity.burned().sats())
        };
        let buried = self.fill_with(file.keys, room, rank, |parts, number, row| {
            let tombstone = parts.tombstone_of(now, &dropped(parts, number, &row)?, &row.key);
            let place = insert(&mut parts.tables.tombstones, &parts.rules.seed, tombstone);
            if let Some(place) = place {
                parts.tables.tombstones.mark(place);
            }
            Some(())
        })?;
        Ok(known.left.saturating_add(buried.left))
    }

    pub(super) fn fill_peers(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<Filled, SnapshotError> {
        let rank = |parts: &Parts<'_>, _, row: &PeerRow| {
            let faults = u64::from(row.faults(now, &parts.rules.policy));
            Some(faults << 48 | row.since.as_millis())
        };
        let room = self.tables.peers.rows.len();
        self.fill_with(file.peers, room, rank, |parts, _, row| {
            insert(&mut parts.tables.peers, &parts.rules.seed, row).map(|_| ())
        })
    }

    /// Those of identities and nobody's, then those of strangers.
    pub(super) fn fill_keys(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<(Filled, Filled), SnapshotError> {
        let rank = |parts: &Parts<'_>, number, row: &KeyRow| {
            let owner = parts.restored_owner(file, row.owner(number));
            let class = match owner {
                Owner::Identity(_) if row.is_current() => 2 * KEPT,
                _ if row.graylisting.active(now).is_some() => KEPT,
                Owner::Identity(_) => KEPT / 2,
                _ if row.contests() > 0 => KEPT / 2,
                Owner::Nobody | Owner::Stranger(_) => 0,
            };
            class | row.remember_until().as_millis()
        };
        let fill = |parts: &mut Self, room, strangers| {
            let rank = |parts: &Parts<'_>, number, row: &KeyRow| {
                (row.is_stranger() == strangers).then(|| rank(parts, number, row))
            };
            parts.fill_with(file.keys, room, rank, |parts, number, row| {
                parts.restore_key(file, number, row)
            })
        };
        let room = self.tables.keys.rows.len();
        let owned = fill(self, room, false)?;
        let rest = room.saturating_sub(self.tables.keys.view().len());
        let share = usize::try_from(self.stranger_rows()).unwrap_or(usize::MAX);
        let strangers = fill(self, rest.min(share), true)?;
        let identities = self.tables.identities.view();
        if identities.iter().any(|(place, _)| identities.link(place, IdentityRow::KEY) == 0) {
            return Err(SnapshotError::Section(KeyRow::SECTION));
        }
        if owned.left > 0 {
            self.outlast_keys(now, file);
        }
        Ok((owned, strangers))
    }

    /// What the keys signed that found no room must not be taken for new.
    fn outlast_keys(&mut self, now: Timestamp, file: &Snapshot<'_>) {
        let replayable = |row: &KeyRow| !row.is_stranger() && row.remember_until() > now;
        for (number, row) in file.keys.iter().filter(|(_, row)| replayable(row)) {
            let gone = self.tables.keys.find(&self.rules.seed, &row.key).is_none();
            let owner = self.former_owner(file, number, &row).filter(|_| gone);
            if let Some(owner) = owner.and_then(|owner| self.tables.identities.get_mut(owner)) {
                owner.outlast(row.watermark().created_at);
            }
        }
    }

    /// The identity that a key of the file is or last was of.
    fn former_owner(&self, file: &Snapshot<'_>, number: u32, row: &KeyRow) -> Option<Place> {
        let owner = self.restored_owner(file, Owner::Identity(number));
        let Owner::Identity(place) = owner else { return None };
        let is_its = row.owner(number) != Owner::Nobody || row.delegation == self.owner_tag(place);
        is_its.then_some(place)
    }

    /// Whose a key of the file is, by its place here.
    fn restored_owner(&self, file: &Snapshot<'_>, owner: Owner) -> Owner {
        let (seed, tables) = (&self.rules.seed, &self.tables);
        let found = match owner {
            Owner::Nobody => None,
            Owner::Identity(number) => {
                let row = file.identities.find(number);
                let place = row.and_then(|row| tables.identities.find(seed, &row.id));
                place.map(Owner::Identity)
            }
            Owner::Stranger(number) => {
                let row = file.peers.find(number);
                let place = row.and_then(|row| tables.peers.find(seed, &row.peer));
                Some(Owner::Stranger(place.unwrap_or(0)))
            }
        };
        found.unwrap_or(Owner::Nobody)
    }

    /// Adds a key and everything that it is to its owner.
    fn restore_key(&mut self, file: &Snapshot<'_>, number: u32, row: KeyRow) -> Option<()> {
        let owner = self.restored_owner(file, row.owner(number));
        let current = row.is_current();
        let slot = row.has_slot().then(|| (row.ends(), row.is_listed()));
        let former = self.former_owner(file, number, &row);
        let place = insert(&mut self.tables.keys, &self.rules.seed, row.disowned())?;
        if owner == Owner::Nobody {
            self.tables.keys.set_link(place, KeyRow::OWNER, former.unwrap_or(0));
            return Some(());
        }
        self.give_key(place, owner);
        if let Owner::Identity(identity) = owner {
            if current && self.tables.identities.link(identity, IdentityRow::KEY) != 0 {
                return None;
            }
            if current {
                self.set_current(identity, place);
            }
        }
        if let Some((ends, listed)) = slot {
            self.take_slot(place, ends, listed);
        }
        Some(())
    }

    /// Which keys may contest an identity's last rotation.
    pub(super) fn fill_contests(&mut self, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let rank = |_: &Parts<'_>, _, _: &Contest| Some(0);
        self.fill_with(file.contests, usize::MAX, rank, |parts, number, Contest { key }| {
            let key = parts.tables.keys.find(&parts.rules.seed, &key);
            let owner = parts.restored_owner(file, Owner::Identity(number));
            let (Owner::Identity(identity), Some(key)) = (owner, key) else { return Some(()) };
            if parts.tables.identities.link(identity, IdentityRow::PREVIOUS) != 0 {
                return None;
            }
            parts.set_previous(identity, key);
            Some(())
        })
    }

    pub(super) fn fill_groups(&mut self, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let room = self.tables.groups.rows.len();
        let rank = |_: &Parts<'_>, _, row: &GroupRow| Some(row.until.as_millis());
        self.fill_with(file.groups, room, rank, |parts, _, row| {
            let place = insert(&mut parts.tables.groups, &parts.rules.seed, row)?;
            parts.tables.groups.mark(place);
            Some(())
        })
    }

    /// The operator's, then all others.
    pub(super) fn fill_bans(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<(Filled, Filled), SnapshotError> {
        let put = |parts: &mut Parts<'_>, _, row: BanRow| {
            let known = parts.tables.bans.find(&parts.rules.seed, &row.peer);
            if known.is_some() { None } else { parts.insert_ban(now, row).map(|_| ()) }
        };
        let rows = self.tables.bans.view();
        let [operator, automatic] = [operator_rows(&rows), automatic_rows(&rows)]
            .map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let operators = |_: &Parts<'_>, _, row: &BanRow| {
            row.operator.then(|| if row.is_in_force(now) { KEPT } else { 0 })
        };
        let operator = self.fill_with(file.bans, operator, operators, put)?;
        let others =
            |_: &Parts<'_>, _, row: &BanRow| (!row.operator).then(|| row.until().as_millis());
        let automatic = self.fill_with(file.bans, automatic, others, put)?;
        Ok((operator, automatic))
    }

    pub(super) fn fill_outcomes(&mut self, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let room = self.tables.outcomes.rows.len();
        let rank = |_: &Parts<'_>, _, row: &OutcomeRow| Some(row.last.as_millis());
        self.fill_with(file.outcomes, room, rank, |parts, _, row| {
            insert(&mut parts.tables.outcomes, &parts.rules.seed, row).map(|_| ())
        })
    }

    /// Groups fall on other cells where there are more or fewer: then all begin full, as they
    /// would two minutes later. Returns how many were left out.
    pub(super) fn fill_cells(&mut self, file: &Snapshot<'_>) -> u32 {
        if usize::try_from(file.cell_count()) != Ok(self.tables.cells.len()) {
            return file.cells.len();
        }
        for (index, cell) in file.cells.iter() {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            if let Some(to) = self.tables.cells.get_mut(index) {
                *to = cell;
            }
        }
        0
    }
}

/// Adds a row unless there is one of its key.
fn insert<R: Row>(table: &mut Table<'_, R>, seed: &crate::Seed, row: R) -> Option<Place> {
    if table.find(seed, row.key()).is_some() { None } else { table.insert(seed, row) }
}
