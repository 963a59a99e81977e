//! What a start would find in a data folder, told without changing anything there.

use std::{fmt, path::Path};

use ltms_core::{Capacity, Dropped, Heap, Network, Policy, Timestamp, record::Recorded};

use super::{
    Store, StoreError,
    open::{Look, known},
    schema::TABLES,
};
use crate::node::StartError;

/// What is in a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checked {
    /// No store, and that there never was one.
    Nothing,
    /// A database and beside it a log without its index, as in a copy that is not whole: only a
    /// start reads that.
    Unread,
    /// A store that a node can start with.
    Good {
        /// The version of the database.
        version: u32,
        /// The rows of each table, of those that have any.
        rows: Vec<(&'static str, u32)>,
        /// What finds no room in the node's tables.
        dropped: Dropped,
    },
}

impl Store {
    /// Reads what a start with these tables would read, as whole as it would, and changes nothing
    /// in the folder.
    ///
    /// # Errors
    /// As a start would fail: [`StartError::Store`] and [`StartError::Policy`].
    pub fn check(
        folder: &Path,
        network: Network,
        policy: Policy,
        capacity: Capacity,
        now: Timestamp,
    ) -> Result<Checked, StartError> {
        let (store, version) = match Self::look(folder, network)? {
            Look::Nothing => return Ok(Checked::Nothing),
            Look::Unread => return Ok(Checked::Unread),
            Look::Store(store, version) => (store, version),
        };
        let mut gate = Recorded::new(Heap::new(capacity), policy, store.seed(), ())?;
        let dropped = store.restore(now, &mut gate)?.map(|restored| restored.dropped);
        store.envelopes()?;
        // The first version had no sessions.
        if version > 1 {
            store.sessions()?;
        }
        let rows = store.counts().map_err(|error| StoreError::of(&store.path, error))?;
        Ok(Checked::Good { version, rows, dropped: dropped.unwrap_or_default() })
    }

    /// The tables that have rows, and how many.
    fn counts(&self) -> rusqlite::Result<Vec<(&'static str, u32)>> {
        let names = TABLES.iter().map(|table| table.name).chain(["claims", "ads", "sessions"]);
        let mut rows = Vec::new();
        for name in names {
            let there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
            let there: u32 = self.database.query_row(there, [name], |row| row.get(0))?;
            if there > 0 {
                let count = format!("SELECT count(*) FROM {name}");
                rows.push((name, self.database.query_row(&count, [], |row| row.get(0))?));
            }
        }
        rows.retain(|(_, count)| *count > 0);
        Ok(rows)
    }
}

/// A line that says what there is.
impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no store yet: a start makes one"),
            Self::Unread => f.write_str(
                "a store whose log (-wal) has no index (-shm) beside it: only a start can read it",
            ),
            Self::Good { version, rows, dropped } => {
                write!(f, "version {version}")?;
                if *version < known() {
                    write!(f, ", which a start brings to {}", known())?;
                }
                for (number, (name, count)) in rows.iter().enumerate() {
                    write!(f, "{}{count} in {name}", if number == 0 { "; " } else { ", " })?;
                }
                if *dropped != Dropped::default() {
                    write!(f, "; the tables are too small for all of it: {dropped:?}")?;
                }
                Ok(())
            }
        }
    }
}
