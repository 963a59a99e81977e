//! Reading a snapshot: nothing is believed before the check sum held, and no record before it was
//! looked at by itself.

use core::marker::PhantomData;

use super::codec::{Count, Record, Take};
use super::crc::crc32c;
use super::encode::seed_check;
use super::{Contest, Header, MAGIC, SUM_LEN, SectionHead, SnapshotError, Stored, VERSION, header};
use crate::Network;
use crate::bans::BanRow;
use crate::gate::Node;
use crate::groups::GroupRow;
use crate::hash::Seed;
use crate::identities::IdentityRow;
use crate::keys::{KeyRow, Owner};
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::reader::Reader;
use crate::strangers::Cell;
use crate::tombstones::Tombstone;

/// The records of one section, still as bytes.
pub(super) struct Records<'a, R> {
    bytes: &'a [u8],
    size: usize,
    found: bool,
    row: PhantomData<R>,
}

impl<R> Clone for Records<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Records<'_, R> {}

impl<R> Default for Records<'_, R> {
    fn default() -> Self {
        Self { bytes: &[], size: 1, found: false, row: PhantomData }
    }
}

impl<'a, R: Stored> Records<'a, R> {
    fn read(head: &SectionHead, bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        if head.size < R::LEAST {
            return Err(SnapshotError::Section(R::SECTION));
        }
        Ok(Self { bytes, size: head.size.into(), found: true, row: PhantomData })
    }

    pub(super) fn len(&self) -> u32 {
        let len = self.bytes.len().checked_div(self.size).unwrap_or(0);
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    /// The row of this index, and its number.
    pub(super) fn get(&self, index: u32) -> Option<(u32, R)> {
        let from = usize::try_from(index).ok()?.checked_mul(self.size)?;
        let record = self.bytes.get(from..)?.get(..self.size)?;
        let (number, row, _) = read_record(record);
        Some((number, row))
    }

    /// All rows with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, R)> + use<'a, R> {
        self.records().map(|(number, row, _)| (number, row))
    }

    /// The row of this number; numbers ascend.
    pub(super) fn find(&self, number: u32) -> Option<R> {
        let (mut from, mut to) = (0, self.bytes.len().checked_div(self.size)?);
        while from < to {
            let middle = from.midpoint(to);
            let record = self.bytes.get(middle.checked_mul(self.size)?..)?;
            let here = u32::from_le_bytes(*record.first_chunk()?);
            match here.cmp(&number) {
                core::cmp::Ordering::Less => from = middle.saturating_add(1),
                core::cmp::Ordering::Greater => to = middle,
                core::cmp::Ordering::Equal => return Some(read_record(record.get(..self.size)?).1),
            }
        }
        None
    }

    /// Looks at every record: whether a Gate can have written it, and whether `holds`.
    fn check(&self, mut holds: impl FnMut(u32, &R) -> bool) -> Result<(), SnapshotError> {
        for (index, (number, row, refused)) in (0..).zip(self.records()) {
            if refused || !row.is_sound() || !holds(number, &row) {
                return Err(SnapshotError::Record { section: R::SECTION, index });
            }
        }
        Ok(())
    }

    /// The same, with numbers that ascend from 1, or 0, to at most `last`.
    fn check_ascending(&self, last: u32) -> Result<(), SnapshotError> {
        let mut least = Some(0);
        self.check(|number, _| {
            let ascends = least.is_some_and(|least| number >= least) && number <= last;
            least = number.checked_add(1);
            ascends
        })
    }

    fn records(&self) -> impl Iterator<Item = (u32, R, bool)> + use<'a, R> {
        self.bytes.chunks_exact(self.size.max(1)).map(read_record)
    }
}

/// The number and the row of a record, and whether that is refused.
fn read_record<R: Stored>(record: &[u8]) -> (u32, R, bool) {
    let mut take = Take::new(record);
    let (mut number, mut row) = (0u32, R::BLANK);
    if R::NUMBERED {
        number.fields(&mut take);
    }
    row.fields(&mut take);
    (number, row, take.refused)
}

/// A snapshot whose check sum held.
#[derive(Default)]
pub(super) struct Snapshot<'a> {
    pub(super) peers: Records<'a, PeerRow>,
    pub(super) node: Records<'a, Node>,
    pub(super) outcomes: Records<'a, OutcomeRow>,
    pub(super) identities: Records<'a, IdentityRow>,
    pub(super) cells: Records<'a, Cell>,
    pub(super) keys: Records<'a, KeyRow>,
    pub(super) bans: Records<'a, BanRow>,
    pub(super) groups: Records<'a, GroupRow>,
    pub(super) contests: Records<'a, Contest>,
    pub(super) tombstones: Records<'a, Tombstone>,
}

impl<'a> Snapshot<'a> {
    /// Finds the sections and looks at every record.
    pub(super) fn read(
        bytes: &'a [u8],
        network: Network,
        seed: &Seed,
    ) -> Result<Self, SnapshotError> {
        let mut rest = Reader::new(sections(bytes, network, seed)?);
        let (mut found, mut last) = (Self::default(), 0);
        while !rest.rest().is_empty() {
            let mut take = Take { rest, refused: false };
            let mut head = SectionHead::default();
            head.fields(&mut take);
            rest = take.rest;
            let len = usize::try_from(head.count).ok();
            let len = len.and_then(|count| count.checked_mul(head.size.into()));
            let section = len.and_then(|len| rest.take(len));
            let section = section.filter(|_| head.section > last);
            let section = section.ok_or(SnapshotError::Section(head.section))?;
            last = head.section;
            found.section(&head, section)?;
        }
        found.check()?;
        Ok(found)
    }

    fn section(&mut self, head: &SectionHead, bytes: &'a [u8]) -> Result<(), SnapshotError> {
        match head.section {
            PeerRow::SECTION => self.peers = Records::read(head, bytes)?,
            Node::SECTION => self.node = Records::read(head, bytes)?,
            OutcomeRow::SECTION => self.outcomes = Records::read(head, bytes)?,
            IdentityRow::SECTION => self.identities = Records::read(head, bytes)?,
            Cell::SECTION => self.cells = Records::read(head, bytes)?,
            KeyRow::SECTION => self.keys = Records::read(head, bytes)?,
            BanRow::SECTION => self.bans = Records::read(head, bytes)?,
            GroupRow::SECTION => self.groups = Records::read(head, bytes)?,
            Contest::SECTION => self.contests = Records::read(head, bytes)?,
            Tombstone::SECTION => self.tombstones = Records::read(head, bytes)?,
            unknown if unknown.is_multiple_of(2) => {
                return Err(SnapshotError::UnknownSection(unknown));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), SnapshotError> {
        for (found, section) in [
            (self.node.found && self.node.len() == 1, Node::SECTION),
            (self.identities.found, IdentityRow::SECTION),
            (self.keys.found, KeyRow::SECTION),
            (self.bans.found, BanRow::SECTION),
            (self.groups.found, GroupRow::SECTION),
            (self.contests.found, Contest::SECTION),
            (self.tombstones.found, Tombstone::SECTION),
        ] {
            if !found {
                return Err(SnapshotError::Section(section));
            }
        }
        self.node.check(|_, _| true)?;
        self.peers.check_ascending(u32::MAX)?;
        self.identities.check_ascending(u32::MAX)?;
        self.cells.check_ascending(self.cell_count().saturating_sub(1))?;
        self.outcomes.check(|_, _| true)?;
        self.bans.check(|_, _| true)?;
        self.groups.check(|_, _| true)?;
        self.tombstones.check(|_, _| true)?;
        let identities = self.identities;
        self.contests.check(|number, _| identities.find(number).is_some())?;
        self.keys.check(|number, row| match row.owner(number) {
            Owner::Identity(number) => identities.find(number).is_some(),
            // The peers are in a section that may be skipped.
            Owner::Nobody | Owner::Stranger(_) => true,
        })
    }

    /// How many stranger cells there were.
    pub(super) fn cell_count(&self) -> u32 {
        self.node.iter().next().map_or(0, |(cells, _)| cells)
    }
}

/// What lies between a header that fits and the check sum.
fn sections<'a>(bytes: &'a [u8], network: Network, seed: &Seed) -> Result<&'a [u8], SnapshotError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(SnapshotError::NotASnapshot);
    }
    let mut expected = header(network, seed_check(seed), 0);
    let mut len = Count::default();
    expected.fields(&mut len);
    let (summed, sum) = bytes.split_last_chunk::<SUM_LEN>().ok_or(SnapshotError::Length)?;
    let (head, sections) = summed.split_at_checked(len.0).ok_or(SnapshotError::Length)?;
    let mut found = Header { ..expected };
    found.fields(&mut Take::new(head));
    if found.oldest_reader > VERSION {
        return Err(SnapshotError::TooNew { oldest_reader: found.oldest_reader });
    }
    if usize::try_from(found.length) != Ok(bytes.len()) {
        return Err(SnapshotError::Length);
    }
    if crc32c(summed.iter().copied()) != u32::from_le_bytes(*sum) {
        return Err(SnapshotError::Damaged);
    }
    if found.network != network.byte() {
        return Err(SnapshotError::OtherNetwork);
    }
    if found.seed != seed_check(seed) {
        return Err(SnapshotError::OtherSeed);
    }
    Ok(sections)
}
