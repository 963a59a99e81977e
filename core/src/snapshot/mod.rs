//! The state of a Gate as bytes, to outlive a restart (`docs/snapshot.md` has the format).

mod choice;
mod codec;
mod crc;
mod decode;
mod encode;
mod fill;
mod restore;
mod rows;
mod seal;
mod sections;

pub(crate) use codec::{Codec, Record, Zero, one_of, record};
pub use rows::StoredRow;
#[cfg(feature = "alloc")]
pub use rows::snapshot_of;
pub use seal::SEAL_LEN;
pub(crate) use seal::unseal;
use sections::{Contest, Stored};

use crate::{Network, Timestamp};

const MAGIC: [u8; 8] = *b"LTMSSNAP";
/// The version that is written.
const VERSION: u16 = 1;
/// The oldest version whose readers read what is written.
const OLDEST_READER: u16 = 1;

/// What stands before the sections.
struct Header {
    magic: [u8; 8],
    version: u16,
    oldest_reader: u16,
    /// Bytes in all, with the check sum.
    length: u32,
    /// What the seed makes of the magic: tells it from another.
    seed: u64,
    network: u8,
    reserved: [u8; 7],
}

record!(Header: magic, version, oldest_reader, length, seed, network, reserved);

/// What stands before the records of a section. Readers skip an odd section that they do not know
/// and refuse an even one.
#[derive(Default)]
struct SectionHead {
    section: u16,
    /// Bytes of a record.
    size: u16,
    count: u32,
}

record!(SectionHead: section, size, count);

/// Bytes of the check sum at the end.
const SUM_LEN: usize = 4;

/// What [`crate::Gate::restore`] brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Identities.
    pub identities: u32,
    /// Keys.
    pub keys: u32,
    /// Bans of peers and of address groups, with the allow-list.
    pub bans: u32,
    /// What found no room.
    pub dropped: Dropped,
    /// The latest time that the Gate had been given. A device without a clock knows that it is
    /// later now.
    pub saved_at: Timestamp,
    /// The counter of a sealed snapshot.
    pub counter: Option<u64>,
}

/// Rows of a snapshot that smaller tables had no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Identities, those of the lowest burns: they have to register again.
    pub identities: u32,
    /// Keys, those whose messages can be replayed for the shortest time.
    pub keys: u32,
    /// Automatic bans, those that end first. If one was in force, [`crate::Posture::Lockdown`]
    /// holds until there is room again.
    pub bans: u32,
    /// Peers with faults, pairs of signers and windows of strangers.
    pub others: u32,
}

/// Why a snapshot was not restored. The Gate is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The Gate has rows or a tip already.
    NotEmpty,
    /// The bytes do not begin as a snapshot does; a sealed and an open one begin differently.
    NotASnapshot,
    /// It says that readers of this version cannot read it.
    TooNew {
        /// The oldest version that can.
        oldest_reader: u16,
    },
    /// It is longer or shorter than it says.
    Length,
    /// The check sum is not that of the bytes.
    Damaged,
    /// It was written on another network.
    OtherNetwork,
    /// It was written under another seed, without which its keyed hashes say nothing.
    OtherSeed,
    /// It has a section that is not known here and may not be skipped.
    UnknownSection(u16),
    /// A section is missing, comes twice or out of order, or is not as long as it says.
    Section(u16),
    /// A record holds what no Gate writes, comes twice, or belongs to one that is not there.
    Record {
        /// The section.
        section: u16,
        /// Its position in that, from 0.
        index: u32,
    },
    /// The tables have no room for what may not be dropped: bans by the operator, banned or pinned
    /// identities and banned keys.
    NoRoom(u16),
    /// The seal is not that of the key over these bytes.
    Seal,
    /// The seal holds, but the counter is lower than it has to be: an older snapshot was given.
    Replayed {
        /// The counter in the snapshot.
        counter: u64,
    },
}

impl core::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotEmpty => f.write_str("the Gate is not empty"),
            Self::NotASnapshot => f.write_str("not a snapshot of this kind"),
            Self::TooNew { oldest_reader } => {
                write!(f, "only readers of version {oldest_reader} and later read this snapshot")
            }
            Self::Length => f.write_str("not as long as the snapshot says"),
            Self::Damaged => f.write_str("the snapshot is damaged"),
            Self::OtherNetwork => f.write_str("a snapshot of another network"),
            Self::OtherSeed => f.write_str("a snapshot made under another seed"),
            Self::UnknownSection(section) => {
                write!(f, "section {section} is not known and may not be skipped")
            }
            Self::Section(section) => write!(f, "section {section} is missing or misshapen"),
            Self::Record { section, index } => {
                write!(f, "record {index} of section {section} is none that a Gate writes")
            }
            Self::NoRoom(section) => {
                write!(f, "no room for what may not be dropped of section {section}")
            }
            Self::Seal => f.write_str("the seal does not hold"),
            Self::Replayed { counter } => {
                write!(f, "an older snapshot was given, of counter {counter}")
            }
        }
    }
}

impl core::error::Error for SnapshotError {}

/// A header as this version writes it.
fn header(network: Network, seed: u64, length: u32) -> Header {
    let (magic, version, oldest_reader) = (MAGIC, VERSION, OLDEST_READER);
    Header {
        magic,
        version,
        oldest_reader,
        length,
        seed,
        network: network.byte(),
        reserved: [0; 7],
    }
}
