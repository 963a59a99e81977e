//! The rows of a Gate one by one, for a store that keeps each where it finds it again.

use super::codec::{Put, Record};
use super::crc::crc32c;
use super::encode::size;
use super::{Contest, SUM_LEN, Stored};
use crate::bans::BanRow;
use crate::groups::GroupRow;
use crate::identities::IdentityRow;
use crate::keys::KeyRow;
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::storage::{Storage, Tables};
use crate::table::{Place, Row, Table, TableRef};
use crate::tombstones::Tombstone;
use crate::{Gate, Timestamp};

/// Bytes of the longest record, with its check sum.
const LONGEST: usize = 192;

/// What stands at one place of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRow<'a> {
    /// The section of a snapshot (`docs/snapshot.md`) that has such records.
    pub section: u16,
    /// The place. A row keeps its place for as long as it lives; then another may get it.
    pub place: u32,
    /// The record as a snapshot has it, then a check sum; `None` if nothing is there.
    pub record: Option<&'a [u8]>,
}

/// Tells a record that was damaged, or stands elsewhere, from one that was not.
pub(super) fn sum(section: u16, place: u32, record: &[u8]) -> [u8; SUM_LEN] {
    let at = section.to_le_bytes().into_iter().chain(place.to_le_bytes());
    crc32c(at.chain(record.iter().copied())).to_le_bytes()
}

impl<S: Storage> Gate<S> {
    /// Whether a row changed that is worth a write, since [`Gate::take_rows`]: of any table but
    /// that of peers, whose windows every message changes.
    pub fn has_changes(&mut self) -> bool {
        let Tables { identities, tombstones, keys, bans, groups, outcomes, .. } =
            self.storage.tables_mut();
        identities.changes.any()
            || tombstones.changes.any()
            || keys.changes.any()
            || bans.changes.any()
            || groups.changes.any()
            || outcomes.changes.any()
    }

    /// Hands over what stands at every place that changed since the last time, or at every place
    /// there is, and what belongs to the node as a whole. Whoever keeps all of one call together
    /// has what a snapshot at that moment would hold, but the strangers' cells.
    ///
    /// Only of memory that notes changes (`Heap::noting_changes`).
    pub fn take_rows(&mut self, all: bool, mut each: impl FnMut(StoredRow<'_>)) {
        let cells = u32::try_from(self.storage.tables().cells.len()).unwrap_or(u32::MAX);
        let Tables { peers, identities, tombstones, keys, bans, groups, outcomes, .. } =
            self.storage.tables_mut();
        row(0, cells, Some(&self.node), &mut each);
        changed::<PeerRow>(peers, all, |_, place, found| row(place, place, found, &mut each));
        let previous = |identities: &TableRef<'_, IdentityRow>, place| {
            let key = keys.get(identities.link(place, IdentityRow::PREVIOUS));
            key.map(|row| Contest { key: row.key })
        };
        changed::<IdentityRow>(identities, all, |table, place, found| {
            row(place, place, found, &mut each);
            let contest = found.and_then(|_| previous(table, place));
            row(place, place, contest.as_ref(), &mut each);
        });
        changed::<KeyRow>(keys, all, |table, place, found| {
            row(place, table.link(place, KeyRow::OWNER), found, &mut each);
        });
        changed::<BanRow>(bans, all, |_, place, found| row(place, 0, found, &mut each));
        changed::<GroupRow>(groups, all, |_, place, found| {
            let found = found.filter(|row| row.until != Timestamp::EPOCH);
            row(place, 0, found, &mut each);
        });
        changed::<OutcomeRow>(outcomes, all, |_, place, found| row(place, 0, found, &mut each));
        changed::<Tombstone>(tombstones, all, |_, place, found| row(place, 0, found, &mut each));
    }
}

/// The places of a table that changed, and what is there.
fn changed<R: Row>(
    table: Table<'_, R>,
    all: bool,
    mut each: impl FnMut(&TableRef<'_, R>, Place, Option<&R>),
) {
    let places = table.places();
    let Table { head, buckets, links, mut changes, rows } = table;
    if all {
        places.for_each(|place| changes.note(place));
    }
    let view = TableRef { head, buckets: buckets.view(), links: links.view(), rows };
    changes.take(|place| each(&view, place, view.get(place)));
}

/// Hands over one record, or that there is none.
fn row<R: Stored>(
    place: Place,
    mut number: u32,
    row: Option<&R>,
    each: &mut impl FnMut(StoredRow<'_>),
) {
    let section = R::SECTION;
    let Some(row) = row else { return each(StoredRow { section, place, record: None }) };
    let (mut bytes, len) = ([0; LONGEST], size::<R>());
    let mut put = Put(&mut bytes);
    if R::NUMBERED {
        number.fields(&mut put);
    }
    row.clone().fields(&mut put);
    if let Some((record, rest)) = bytes.split_at_mut_checked(len)
        && let Some(end) = rest.first_chunk_mut()
    {
        *end = sum(section, place, record);
    }
    let record = bytes.get(..len.saturating_add(SUM_LEN));
    each(StoredRow { section, place, record });
}

#[cfg(feature = "alloc")]
mod assemble {
    use alloc::vec::Vec;

    use super::super::codec::{Put, Record};
    use super::super::crc::crc32c;
    use super::super::encode::{seed_check, size};
    use super::super::{Contest, SectionHead, SnapshotError, Stored, header};
    use super::{StoredRow, sum};
    use crate::bans::BanRow;
    use crate::gate::Node;
    use crate::groups::GroupRow;
    use crate::identities::IdentityRow;
    use crate::keys::KeyRow;
    use crate::tombstones::Tombstone;
    use crate::{Network, Seed};

    /// Puts rows that [`crate::Gate::take_rows`] handed over together to a snapshot, for
    /// [`crate::Gate::restore`]. Their order does not matter; those without a record say nothing.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] with the section and the place of a record that was damaged;
    /// [`SnapshotError::Length`] if there are more than a snapshot can hold.
    pub fn snapshot_of(
        network: Network,
        seed: &Seed,
        rows: &mut [StoredRow<'_>],
    ) -> Result<Vec<u8>, SnapshotError> {
        rows.sort_unstable_by_key(|row| (row.section, row.place));
        let mut file = head(network, seed, 0);
        let mut rest = &*rows;
        // Every section of this version has to be there.
        let sections = [
            (Node::SECTION, size::<Node>()),
            (IdentityRow::SECTION, size::<IdentityRow>()),
            (KeyRow::SECTION, size::<KeyRow>()),
            (BanRow::SECTION, size::<BanRow>()),
            (GroupRow::SECTION, size::<GroupRow>()),
            (Contest::SECTION, size::<Contest>()),
            (Tombstone::SECTION, size::<Tombstone>()),
        ];
        for (section, size) in sections {
            let (before, others) = split(rest, |row| row.section < section);
            let (these, after) = split(others, |row| row.section == section);
            others_of(before, &mut file)?;
            put_section(section, size, these, &mut file)?;
            rest = after;
        }
        others_of(rest, &mut file)?;
        let len = file.len().checked_add(super::SUM_LEN).and_then(|len| u32::try_from(len).ok());
        let header = head(network, seed, len.ok_or(SnapshotError::Length)?);
        file.iter_mut().zip(header).for_each(|(to, byte)| *to = byte);
        let sum = crc32c(file.iter().copied());
        file.extend(sum.to_le_bytes());
        Ok(file)
    }

    fn head(network: Network, seed: &Seed, len: u32) -> Vec<u8> {
        encoded(&mut header(network, seed_check(seed), len))
    }

    fn encoded(record: &mut impl Record) -> Vec<u8> {
        let mut count = super::super::codec::Count::default();
        record.fields(&mut count);
        let mut bytes = alloc::vec![0; count.0];
        record.fields(&mut Put(&mut bytes));
        bytes
    }

    fn split<'a, 'b>(
        rows: &'a [StoredRow<'b>],
        first: impl Fn(&StoredRow<'_>) -> bool,
    ) -> (&'a [StoredRow<'b>], &'a [StoredRow<'b>]) {
        rows.split_at_checked(rows.partition_point(first)).unwrap_or((rows, &[]))
    }

    /// Sections that need not be there.
    fn others_of(mut rows: &[StoredRow<'_>], file: &mut Vec<u8>) -> Result<(), SnapshotError> {
        while let Some(StoredRow { section, .. }) = rows.first().copied() {
            let (these, after) = split(rows, |row| row.section == section);
            put_section(section, 0, these, file)?;
            rows = after;
        }
        Ok(())
    }

    /// Records of an older version are shorter: what they lack is zero.
    fn put_section(
        section: u16,
        least: usize,
        rows: &[StoredRow<'_>],
        file: &mut Vec<u8>,
    ) -> Result<(), SnapshotError> {
        let records =
            || rows.iter().filter_map(|row| Some((row.place, row.record?.split_last_chunk()?)));
        if rows.iter().any(|row| row.record.is_some_and(|record| record.len() < super::SUM_LEN)) {
            return Err(SnapshotError::Section(section));
        }
        let longest = records().map(|(_, (record, _))| record.len()).max().unwrap_or(0);
        let size = u16::try_from(longest.max(least)).map_err(|_| SnapshotError::Length)?;
        let count = u32::try_from(records().count()).map_err(|_| SnapshotError::Length)?;
        file.extend(encoded(&mut SectionHead { section, size, count }));
        for (place, (record, end)) in records() {
            if sum(section, place, record) != *end {
                return Err(SnapshotError::Record { section, index: place });
            }
            file.extend_from_slice(record);
            file.resize(
                file.len().saturating_add(usize::from(size).saturating_sub(record.len())),
                0,
            );
        }
        Ok(())
    }
}
#[cfg(feature = "alloc")]
pub use assemble::snapshot_of;
