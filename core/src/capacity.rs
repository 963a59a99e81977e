//! How many rows each table has, and the bytes that takes.

use crate::Gate;
use crate::bans::BanRow;
use crate::groups::GroupRow;
use crate::identities::IdentityRow;
use crate::keys::KeyRow;
use crate::links::width;
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::record::map_fields;
use crate::storage::Tiny;
use crate::strangers::Cell;
use crate::table::Row;
use crate::tombstones::Tombstone;

/// How many rows each table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Capacity {
    /// Peers that are connected or have something counted against them.
    pub peers: u32,
    /// Identities.
    pub identities: u32,
    /// Identities without a row of which a ban or the rotations are remembered.
    pub tombstones: u32,
    /// Author keys, which are also the rows of the directory.
    pub keys: u32,
    /// Banned peers; a quarter of the rows is the operator's.
    pub bans: u32,
    /// Narrow address groups that peers were banned from. A quarter of `bans` is enough.
    pub groups: u32,
    /// Cells of strangers' windows.
    pub cells: u32,
    /// Pairs of signers whose outcomes were counted.
    pub outcomes: u32,
}

impl Capacity {
    /// A node (policy §11): at most 64 MiB.
    pub const NODE: Self = Self {
        peers: 192,
        identities: 65_536,
        tombstones: 16_384,
        keys: 131_072,
        bans: 16_384,
        groups: 4_096,
        cells: 4_096,
        outcomes: 10_000,
    };
    /// A device of 16 KiB (policy §11), [`Tiny`].
    pub const TINY: Self = Self {
        peers: 16,
        identities: 32,
        tombstones: 8,
        keys: 48,
        bans: 32,
        groups: 8,
        cells: 32,
        outcomes: 4,
    };
    /// A small node, or a test.
    pub const SMALL: Self = Self {
        peers: 64,
        identities: 1_024,
        tombstones: 64,
        keys: 2_048,
        bans: 256,
        groups: 64,
        cells: 256,
        outcomes: 256,
    };

    /// Bytes of the tables' memory: what `Heap` allocates; [`crate::Inline`] has a few list heads
    /// more. Stops at `u64::MAX`.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        const fn of(rows: u32, row: usize) -> u64 {
            (rows as u64).saturating_mul(row as u64)
        }
        const fn table<R: Row>(all: &Capacity, rows: u32) -> u64 {
            let links = all.link_width::<R>(rows as usize).saturating_mul(R::LINKS);
            let row = size_of::<R>().saturating_add(width(rows as usize)).saturating_add(links);
            of(rows, row)
        }
        table::<PeerRow>(&self, self.peers)
            .saturating_add(table::<IdentityRow>(&self, self.identities))
            .saturating_add(table::<Tombstone>(&self, self.tombstones))
            .saturating_add(table::<KeyRow>(&self, self.keys))
            .saturating_add(table::<BanRow>(&self, self.bans))
            .saturating_add(table::<GroupRow>(&self, self.groups))
            .saturating_add(table::<OutcomeRow>(&self, self.outcomes))
            .saturating_add(of(self.cells, size_of::<Cell>()))
    }

    /// Bytes of a link in a table of so many rows. A row's own links lead to peers, identities and
    /// keys, so they are wide enough for the largest of these tables.
    pub(crate) const fn link_width<R: Row>(&self, rows: usize) -> usize {
        const fn larger(a: usize, b: usize) -> usize {
            if a > b { a } else { b }
        }
        if R::OWN == 0 {
            return width(rows);
        }
        let others =
            larger(self.peers as usize, larger(self.identities as usize, self.keys as usize));
        width(larger(rows, others))
    }
}

impl Capacity {
    /// No rows at all.
    #[cfg(any(feature = "alloc", test))]
    pub(crate) const NONE: Self = Self {
        peers: 0,
        identities: 0,
        tombstones: 0,
        keys: 0,
        bans: 0,
        groups: 0,
        cells: 0,
        outcomes: 0,
    };

    /// The rows of the largest table.
    #[cfg(feature = "alloc")]
    pub(crate) fn most_rows(&self) -> u32 {
        let Self { peers, identities, tombstones, keys, bans, groups, cells, outcomes } = *self;
        let rows = [peers, identities, tombstones, keys, bans, groups, cells, outcomes];
        rows.into_iter().max().unwrap_or(0)
    }
}

map_fields!(
    Capacity,
    Self::NONE;
    peers, identities, keys, bans, groups, cells, outcomes, tombstones
);

// A field more in one of these is paid for a hundred thousand times, or does not fit a device.
const _: () = {
    assert!(size_of::<PeerRow>() == 116);
    assert!(size_of::<IdentityRow>() == 130);
    assert!(size_of::<Tombstone>() == 57);
    assert!(size_of::<KeyRow>() == 104);
    assert!(size_of::<BanRow>() == 71);
    assert!(size_of::<GroupRow>() == 12);
    assert!(size_of::<OutcomeRow>() == 48);
    assert!(size_of::<Cell>() == 14);
    assert!(Capacity::NODE.bytes() <= 64 << 20);
    assert!(size_of::<Gate<Tiny>>() <= 16 << 10);
};
