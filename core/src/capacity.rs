//! How many rows each table has, and the bytes that takes.

use crate::Gate;
use crate::bans::BanRow;
use crate::groups::GroupRow;
use crate::identities::IdentityRow;
use crate::keys::KeyRow;
use crate::links::width;
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::storage::Tiny;
use crate::strangers::Cell;
use crate::table::Row;

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
        keys: 131_072,
        bans: 16_384,
        groups: 4_096,
        cells: 4_096,
        outcomes: 10_000,
    };
    /// A device of 16 KiB (policy §11), [`crate::Tiny`].
    pub const TINY: Self =
        Self { peers: 16, identities: 32, keys: 48, bans: 32, groups: 8, cells: 32, outcomes: 4 };
    /// A small node, or a test.
    pub const SMALL: Self = Self {
        peers: 64,
        identities: 1_024,
        keys: 2_048,
        bans: 256,
        groups: 64,
        cells: 256,
        outcomes: 256,
    };

    /// The bytes of tables of these sizes: exactly what `Heap` allocates, and [`crate::Inline`] is
    /// a few list heads more.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        let cells = (self.cells as usize).saturating_mul(size_of::<Cell>());
        bytes_of::<PeerRow>(self.peers)
            .saturating_add(bytes_of::<IdentityRow>(self.identities))
            .saturating_add(bytes_of::<KeyRow>(self.keys))
            .saturating_add(bytes_of::<BanRow>(self.bans))
            .saturating_add(bytes_of::<GroupRow>(self.groups))
            .saturating_add(bytes_of::<OutcomeRow>(self.outcomes))
            .saturating_add(cells)
    }
}

/// The bytes of a table: each row with its links, and a bucket for each.
const fn bytes_of<R: Row>(rows: u32) -> usize {
    let rows = rows as usize;
    let links = width(rows).saturating_mul(R::LINKS.saturating_add(1));
    rows.saturating_mul(size_of::<R>().saturating_add(links))
}

// A field more in one of these is paid for a hundred thousand times, or does not fit a device.
const _: () = {
    assert!(size_of::<PeerRow>() == 124);
    assert!(size_of::<IdentityRow>() == 128);
    assert!(size_of::<KeyRow>() == 107);
    assert!(size_of::<BanRow>() == 70);
    assert!(size_of::<GroupRow>() == 12);
    assert!(size_of::<OutcomeRow>() == 48);
    assert!(size_of::<Cell>() == 14);
    assert!(Capacity::NODE.bytes() <= 64 << 20);
    assert!(Capacity::TINY.bytes() <= size_of::<Tiny>());
    assert!(size_of::<Gate<Tiny>>() <= 16 << 10);
};
