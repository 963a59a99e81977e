//! Which records there are.

use super::codec::Record;
use super::record;
use crate::PublicKey;
use crate::bans::BanRow;
use crate::gate::Node;
use crate::groups::GroupRow;
use crate::identities::IdentityRow;
use crate::keys::KeyRow;
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::strangers::Cell;
use crate::table::Row;
use crate::tombstones::Tombstone;

/// What one section holds.
pub(super) trait Stored: Record + Clone {
    /// Its number. Sections ascend; odd ones may be skipped.
    const SECTION: u16;
    /// Bytes of a record of the first version; a later one appends fields.
    const LEAST: u16;
    /// Whether a record begins with a number: that of the row, which others name, or of the row it
    /// belongs to.
    const NUMBERED: bool;
    /// What is read over.
    const BLANK: Self;
    /// Whether there can be such a row.
    fn is_sound(&self) -> bool;
}

/// The key before an identity's last rotation, while it may contest that.
#[derive(Clone)]
pub(super) struct Contest {
    pub(super) key: PublicKey,
}

record!(Contest: key);

macro_rules! sections {
    ($($section:literal $row:ty: $least:literal, $numbered:literal, $blank:expr, $sound:expr;)+) => {
        $(impl Stored for $row {
            const SECTION: u16 = $section;
            const LEAST: u16 = $least;
            const NUMBERED: bool = $numbered;
            const BLANK: Self = $blank;
            fn is_sound(&self) -> bool {
                let sound: fn(&Self) -> bool = $sound;
                sound(self)
            }
        })+

        #[cfg(test)]
        mod tests {
            use super::*;
            use crate::snapshot::encode::size;

            /// Of a longer one, earlier files would be refused; of a shorter one, later readers.
            #[test]
            fn records_are_as_long_as_in_the_first_version() {
                $(assert_eq!(size::<$row>(), $least, "section {}", $section);)+
            }
        }
    };
}

sections! {
    1 PeerRow: 131, true, Self::VACANT, |row| !row.is_vacant();
    2 Node: 116, true, Self::NEW, |_| true;
    3 OutcomeRow: 56, false, Self::VACANT, |row| !row.is_vacant();
    4 IdentityRow: 157, true, Self::VACANT, |row| !row.is_vacant() && row.has_sound_flags();
    5 Cell: 20, true, Self::FULL, |_| true;
    6 KeyRow: 134, true, Self::VACANT, |row| !row.is_vacant() && row.has_sound_flags();
    8 BanRow: 85, false, Self::VACANT, |row| !row.is_vacant() && row.is_either();
    10 GroupRow: 12, false, Self::VACANT, |row| !row.is_vacant();
    12 Contest: 37, true, Self { key: PublicKey::from_bytes([0; 33]) }, |_| true;
    14 Tombstone: 64, false, Self::VACANT, |row| !row.is_vacant() && row.has_sound_flags();
}
