//! Bringing a snapshot back into an empty Gate, whose tables may be smaller.

use super::decode::{Records, Snapshot};
use super::{Contest, Dropped, Restored, SnapshotError, Stored};
use crate::bans::BanRow;
use crate::gate::{Node, POSTPONED, Parts, automatic_rows, operator_rows};
use crate::groups::GroupRow;
use crate::identities::{IdentityRow, Told};
use crate::keys::{KeyRow, Owner};
use crate::peers::PeerRow;
use crate::storage::Storage;
use crate::table::{Place, Row, Table};
use crate::{Gate, Posture, Timestamp};

impl<S: Storage> Gate<S> {
    /// Brings back what [`Gate::write_snapshot`] wrote, into a Gate without rows or tip. `now` may
    /// be earlier than when it was written: deadlines are cut as after any step of the clock.
    ///
    /// The tables may be smaller: the highest burns, the longest bans and the keys that could be
    /// replayed for longest are kept, and what was dropped is told.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing has changed then.
    pub fn restore(&mut self, now: Timestamp, bytes: &[u8]) -> Result<Restored, SnapshotError> {
        let file = Snapshot::read(bytes, self.rules.policy.network, &self.rules.seed)?;
        let mut parts =
            Parts { tables: self.storage.tables_mut(), rules: &self.rules, node: &mut self.node };
        if !parts.is_unused() {
            return Err(SnapshotError::NotEmpty);
        }
        let before = parts.node.clone();
        let restored = parts.fill(now, &file);
        if restored.is_err() {
            // That a record comes twice is only seen in the tables.
            parts.empty();
            *parts.node = before;
        }
        restored
    }
}

/// What became of the records of a section.
#[derive(Default)]
struct Filled {
    taken: u32,
    left: u32,
    /// None that was left ranks above this.
    floor: u64,
}

/// The records that are taken where not all have room: those of the highest rank, and of equal
/// ones the first.
struct Choice {
    floor: u64,
    /// How many of rank `floor` have room.
    ties: u32,
}

impl Choice {
    fn takes(&mut self, rank: u64) -> bool {
        if rank != self.floor {
            return rank > self.floor;
        }
        let room = self.ties > 0;
        self.ties = self.ties.saturating_sub(1);
        room
    }
}

/// Of this rank and above, nothing may be left out.
const KEPT: u64 = 1 << 62;

impl Parts<'_> {
    fn is_unused(&self) -> bool {
        let tables = self.tables.view();
        let rows = [
            tables.peers.len(),
            tables.identities.len(),
            tables.keys.len(),
            tables.bans.len(),
            tables.groups.len(),
            tables.outcomes.len(),
        ];
        rows.iter().all(|rows| *rows == 0) && self.node.tip.is_none()
    }

    fn empty(&mut self) {
        self.tables.peers.clear();
        self.tables.identities.clear();
        self.tables.keys.clear();
        self.tables.bans.clear();
        self.tables.groups.clear();
        self.tables.outcomes.clear();
    }

    fn fill(&mut self, now: Timestamp, file: &Snapshot<'_>) -> Result<Restored, SnapshotError> {
        if let Some((_, node)) = file.node.iter().next() {
            *self.node = Node { counters: self.node.counters.clone(), ..node };
        }
        let saved_at = self.node.latest;
        let identities = self.fill_identities(now, file)?;
        let peers = self.fill_peers(now, file)?;
        let (keys, strangers) = self.fill_keys(now, file)?;
        self.fill_contests(file)?;
        let groups = self.fill_groups(file)?;
        let (operator, automatic) = self.fill_bans(now, file)?;
        let outcomes = self.fill_outcomes(file)?;
        // Nothing fails from here on.
        let cells = self.fill_cells(file);
        if [&groups, &automatic].iter().any(|bans| bans.left > 0 && bans.floor > now.as_millis()) {
            self.node.posture = Posture::Lockdown;
        }
        self.node.posture_told = self.node.posture == Posture::Normal;
        self.resume_clock(now);
        let sum = |parts: &[u32]| parts.iter().fold(0, |sum: u32, part| sum.saturating_add(*part));
        Ok(Restored {
            identities: identities.taken,
            keys: sum(&[keys.taken, strangers.taken]),
            bans: sum(&[groups.taken, operator.taken, automatic.taken]),
            dropped: Dropped {
                identities: identities.left,
                keys: sum(&[keys.left, strangers.left]),
                bans: sum(&[groups.left, operator.left, automatic.left]),
                others: sum(&[peers.left, outcomes.left, cells]),
            },
            saved_at,
            counter: None,
        })
    }

    /// A file is no clock: whatever it says, no deadline lies later than its rule can give.
    fn resume_clock(&mut self, now: Timestamp) {
        self.look_at_clock(now);
        let next_sweep = self.node.next_sweep;
        self.cut_deadlines(self.node.latest);
        self.node.prove_by = Timestamp::NEVER;
        self.node.next_sweep = next_sweep.cut(self.node.latest, POSTPONED);
    }

    fn fill_identities(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<Filled, SnapshotError> {
        // Each needs a row for its current key, too.
        let room = self.tables.identities.rows.len().min(self.tables.keys.rows.len());
        let rank = |_: &Self, _, row: &IdentityRow| {
            let kept = row.pinned || row.ban.active(now).is_some();
            Some(row.burned().sats() | if kept { KEPT } else { 0 })
        };
        self.fill_with(file.identities, room, rank, |parts, _, mut row| {
            if row.suspended_at().is_some() {
                // Who looked for its burn may have forgotten that.
                row.told = Told::Suspended;
            }
            let told = row.sanctioned || row.told != Told::Nothing;
            let place = insert(&mut parts.tables.identities, &parts.rules.seed, row)?;
            if told {
                parts.tables.identities.mark(place);
            }
            Some(())
        })
    }

    fn fill_peers(&mut self, now: Timestamp, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let rank = |parts: &Self, _, row: &PeerRow| {
            let faults = u64::from(row.faults(now, &parts.rules.policy));
            Some(faults << 48 | row.since.as_millis())
        };
        let room = self.tables.peers.rows.len();
        self.fill_with(file.peers, room, rank, |parts, _, row| {
            insert(&mut parts.tables.peers, &parts.rules.seed, row).map(|_| ())
        })
    }

    /// Those of identities and nobody's, then those of strangers.
    fn fill_keys(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<(Filled, Filled), SnapshotError> {
        let rank = |parts: &Self, number, row: &KeyRow| {
            let owner = parts.restored_owner(file, row.owner(number));
            let class = match owner {
                Owner::Identity(_) if row.is_current() => 2 * KEPT,
                _ if row.graylisting.active(now).is_some() => KEPT,
                Owner::Identity(_) => KEPT / 2,
                _ if row.contests > 0 => KEPT / 2,
                Owner::Nobody | Owner::Stranger(_) => 0,
            };
            class | row.remember_until().as_millis()
        };
        let fill = |parts: &mut Self, room, strangers| {
            let rank = |parts: &Self, number, row: &KeyRow| {
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
        Ok((owned, strangers))
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
        let place = insert(&mut self.tables.keys, &self.rules.seed, row.disowned())?;
        if owner == Owner::Nobody {
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
    fn fill_contests(&mut self, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let rank = |_: &Self, _, _: &Contest| Some(0);
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

    fn fill_groups(&mut self, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let room = self.tables.groups.rows.len();
        let rank = |_: &Self, _, row: &GroupRow| Some(row.until.as_millis());
        self.fill_with(file.groups, room, rank, |parts, _, row| {
            let place = insert(&mut parts.tables.groups, &parts.rules.seed, row)?;
            parts.tables.groups.mark(place);
            Some(())
        })
    }

    /// The operator's, then all others.
    fn fill_bans(
        &mut self,
        now: Timestamp,
        file: &Snapshot<'_>,
    ) -> Result<(Filled, Filled), SnapshotError> {
        let put = |parts: &mut Self, _, row: BanRow| {
            let known = parts.tables.bans.find(&parts.rules.seed, &row.peer);
            if known.is_some() { None } else { parts.insert_ban(now, row).map(|_| ()) }
        };
        let rows = self.tables.bans.view();
        let [operator, automatic] = [operator_rows(&rows), automatic_rows(&rows)]
            .map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let operators = |_: &Self, _, row: &BanRow| {
            row.operator.then(|| if row.is_in_force(now) { KEPT } else { 0 })
        };
        let operator = self.fill_with(file.bans, operator, operators, put)?;
        let others = |_: &Self, _, row: &BanRow| (!row.operator).then(|| row.until().as_millis());
        let automatic = self.fill_with(file.bans, automatic, others, put)?;
        Ok((operator, automatic))
    }

    fn fill_outcomes(&mut self, file: &Snapshot<'_>) -> Result<Filled, SnapshotError> {
        let room = self.tables.outcomes.rows.len();
        let rank = |_: &Self, _, row: &crate::outcomes::OutcomeRow| Some(row.last.as_millis());
        self.fill_with(file.outcomes, room, rank, |parts, _, row| {
            insert(&mut parts.tables.outcomes, &parts.rules.seed, row).map(|_| ())
        })
    }

    /// Groups fall on other cells where there are more or fewer: then all begin full, as they
    /// would two minutes later. Returns how many were left out.
    fn fill_cells(&mut self, file: &Snapshot<'_>) -> u32 {
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

    /// Puts the records that rank highest where there is room; those without rank are passed over.
    fn fill_with<R: Stored>(
        &mut self,
        records: Records<'_, R>,
        room: usize,
        rank: impl Fn(&Self, u32, &R) -> Option<u64>,
        put: impl Fn(&mut Self, u32, R) -> Option<()>,
    ) -> Result<Filled, SnapshotError> {
        let mut choice = self.choose(records, room, &rank)?;
        let mut filled = Filled { floor: choice.floor, ..Filled::default() };
        for (index, (number, row)) in (0..).zip(records.iter()) {
            let Some(rank) = rank(self, number, &row) else { continue };
            if !choice.takes(rank) {
                filled.left = filled.left.saturating_add(1);
                continue;
            }
            let refused = SnapshotError::Record { section: R::SECTION, index };
            put(self, number, row).ok_or(refused)?;
            filled.taken = filled.taken.saturating_add(1);
        }
        Ok(filled)
    }

    /// Which records have room, in as many looks at the file as a rank has bytes, without a heap.
    fn choose<R: Stored>(
        &self,
        records: Records<'_, R>,
        room: usize,
        rank: impl Fn(&Self, u32, &R) -> Option<u64>,
    ) -> Result<Choice, SnapshotError> {
        let ranks = || records.iter().filter_map(|(number, row)| rank(self, number, &row));
        let from = |least: u64| ranks().filter(|rank| *rank >= least).count();
        if from(0) <= room {
            return Ok(Choice { floor: 0, ties: u32::MAX });
        }
        if from(KEPT) > room {
            return Err(SnapshotError::NoRoom(R::SECTION));
        }
        // The highest rank from which on not all have room, byte by byte.
        let (mut floor, mut room) = ([0; 8], u32::try_from(room).unwrap_or(u32::MAX));
        for place in 0..floor.len() {
            let mut counts = [0u32; 256];
            for rank in ranks().map(u64::to_be_bytes) {
                let same = rank.iter().take(place).eq(floor.iter().take(place));
                let byte = rank.get(place).filter(|_| same).map(|byte| usize::from(*byte));
                if let Some(count) = byte.and_then(|byte| counts.get_mut(byte)) {
                    *count = count.saturating_add(1);
                }
            }
            for (byte, count) in (0..=u8::MAX).zip(counts).rev() {
                if count > room {
                    floor.iter_mut().skip(place).take(1).for_each(|to| *to = byte);
                    break;
                }
                room = room.saturating_sub(count);
            }
        }
        Ok(Choice { floor: u64::from_be_bytes(floor), ties: room })
    }
}

/// Adds a row unless there is one of its key.
fn insert<R: Row>(table: &mut Table<'_, R>, seed: &crate::Seed, row: R) -> Option<Place> {
    if table.find(seed, row.key()).is_some() { None } else { table.insert(seed, row) }
}
