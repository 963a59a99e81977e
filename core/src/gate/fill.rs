//! How full the tables are.

use super::Gate;
use crate::storage::Storage;

/// How full a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Fill {
    /// The table, as its field in [`crate::Capacity`] is called.
    pub table: &'static str,
    /// Rows in use.
    pub rows: u64,
    /// Rows that there are.
    pub capacity: u64,
}

impl<S: Storage> Gate<S> {
    /// How full each table is. Cells of strangers are left out: all of them are always there.
    #[must_use]
    pub fn fill(&self) -> [Fill; 7] {
        let tables = self.storage.tables();
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        let fill =
            |table, rows, capacity| Fill { table, rows: count(rows), capacity: count(capacity) };
        [
            fill("peers", tables.peers.len(), tables.peers.capacity()),
            fill("identities", tables.identities.len(), tables.identities.capacity()),
            fill("tombstones", tables.tombstones.len(), tables.tombstones.capacity()),
            fill("keys", tables.keys.len(), tables.keys.capacity()),
            fill("bans", tables.bans.len(), tables.bans.capacity()),
            fill("groups", tables.groups.len(), tables.groups.capacity()),
            fill("outcomes", tables.outcomes.len(), tables.outcomes.capacity()),
        ]
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use crate::{Capacity, Connection, Direction, Gate, Heap, PeerId, Policy, Seed, Timestamp};

    #[test]
    fn every_table_tells_its_rows_and_its_size() {
        let now = Timestamp::from_millis(1);
        let mut gate = Gate::new(Heap::new(Capacity::SMALL), Policy::LOTUS_V1, Seed::new([1; 16]))
            .expect("a good policy");
        let peer = PeerId::from_bytes(&[&[0x12, 32], &[1; 32][..]].concat()).expect("an id");
        let connection = Connection { peer, address: None, direction: Direction::Inbound };
        gate.connected(now, &connection).expect("a row");
        let fill = gate.fill();
        let of = |table| fill.iter().find(|fill| fill.table == table).copied().expect("a table");
        assert_eq!((of("peers").rows, of("keys").rows), (1, 0));
        assert_eq!(of("identities").capacity, u64::from(Capacity::SMALL.identities));
        assert_eq!(of("outcomes").capacity, u64::from(Capacity::SMALL.outcomes));
    }
}
