//! Narrow address groups: how many ids are banned from each, and which are banned themselves
//! because the ban table was full.

use crate::packed::Packed;
use crate::peers::{Groups, domain};
use crate::snapshot::record;
use crate::table::Row;
use crate::{Seed, Timestamp};

/// Not a group: the address was not observed, or is exempt.
pub(crate) const NONE: u32 = 0;

/// The tag of the narrow group, if these are groups of an observed address.
pub(crate) fn narrow(seed: &Seed, groups: &Groups) -> u32 {
    if groups.narrow == Groups::of(seed, None).narrow {
        return NONE;
    }
    u32::try_from(groups.narrow.get()).unwrap_or(NONE).max(1)
}

/// Where a banned peer was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    narrow: Packed<4>,
    /// Tag of the wide group; all that have no narrow one share 0.
    pub(crate) wide: Packed<2>,
}

record!(Origin: narrow, wide);

impl Origin {
    pub(crate) const UNKNOWN: Self = Self { narrow: Packed::ZERO, wide: Packed::ZERO };

    pub(crate) fn of(seed: &Seed, groups: &Groups) -> Self {
        match narrow(seed, groups) {
            NONE => Self::UNKNOWN,
            narrow => Self {
                narrow: Packed::new(narrow.into()),
                wide: Packed::new((groups.wide.get() >> 16).max(1)),
            },
        }
    }

    /// Tag of the narrow group, or [`NONE`].
    pub(crate) fn narrow(self) -> u32 {
        u32::try_from(self.narrow.get()).unwrap_or(NONE)
    }
}

#[derive(Clone)]
pub(crate) struct GroupRow {
    tag: [u8; 4],
    /// Ids with an automatic ban, of those that were counted: never more than there are.
    pub(crate) banned: u16,
    /// The end of its own ban.
    pub(crate) until: Timestamp,
}

impl GroupRow {
    pub(crate) const fn new(tag: u32) -> Self {
        Self { tag: tag.to_le_bytes(), ..Self::VACANT }
    }

    pub(crate) const fn tag(&self) -> u32 {
        u32::from_le_bytes(self.tag)
    }

    pub(crate) fn ban(&self, now: Timestamp) -> Option<Timestamp> {
        (self.until > now).then_some(self.until)
    }
}

record!(GroupRow: tag, until; not banned);

impl Row for GroupRow {
    type Key = [u8; 4];
    const VACANT: Self = Self { tag: [0; 4], banned: 0, until: Timestamp::EPOCH };
    const DOMAIN: u8 = domain::GROUP_ROW;
    const MARKED: bool = true;
    fn key_bytes(key: &[u8; 4]) -> &[u8] {
        key
    }
    fn key(&self) -> &[u8; 4] {
        &self.tag
    }
}
