//! Bringing a snapshot back into an empty Gate, whose tables may be smaller.

use super::decode::Snapshot;
use super::{Dropped, Restored, SnapshotError};
use crate::gate::{Node, POSTPONED, Parts};
use crate::storage::Storage;
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
            parts.tables.clear_rows();
            *parts.node = before;
        }
        restored
    }
}

impl Parts<'_> {
    fn is_unused(&self) -> bool {
        let tables = self.tables.view();
        let rows = [
            tables.peers.len(),
            tables.identities.len(),
            tables.tombstones.len(),
            tables.keys.len(),
            tables.bans.len(),
            tables.groups.len(),
            tables.outcomes.len(),
        ];
        rows.iter().all(|rows| *rows == 0) && self.node.tip.is_none()
    }

    fn fill(&mut self, now: Timestamp, file: &Snapshot<'_>) -> Result<Restored, SnapshotError> {
        if let Some((_, node)) = file.node.iter().next() {
            *self.node = Node { counters: self.node.counters.clone(), ..node };
        }
        let saved_at = self.node.latest;
        let (met, newcomers) = self.fill_identities(now, file)?;
        let peers = self.fill_peers(now, file)?;
        let (keys, strangers) = self.fill_keys(now, file)?;
        self.fill_contests(file)?;
        let tombstones = self.fill_tombstones(now, file)?;
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
            identities: sum(&[met.taken, newcomers.taken]),
            keys: sum(&[keys.taken, strangers.taken]),
            bans: sum(&[groups.taken, operator.taken, automatic.taken]),
            dropped: Dropped {
                identities: sum(&[met.left, newcomers.left]),
                keys: sum(&[keys.left, strangers.left]),
                bans: sum(&[groups.left, operator.left, automatic.left]),
                others: sum(&[peers.left, outcomes.left, cells, tombstones]),
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
        self.node.next_sweep = next_sweep.cut(self.node.latest, POSTPONED);
    }
}
