//! Which records are taken where not all have room.

use super::decode::Records;
use super::{SnapshotError, Stored};
use crate::gate::Parts;

/// What became of the records of a section.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) taken: u32,
    pub(super) left: u32,
    /// None that was left ranks above this.
    pub(super) floor: u64,
}

/// The records that are taken where not all have room: those of the highest rank, and of equal
/// ones the first.
struct Choice {
    floor: u64,
    /// How many of rank `floor` have room.
    ties: u32,
}

impl Choice {
    fn takes(&mut self, rank: u64) -> bool {
        if rank != self.floor {
            return rank > self.floor;
        }
        let room = self.ties > 0;
        self.ties = self.ties.saturating_sub(1);
        room
    }
}

/// Of this rank and above, nothing may be left out.
pub(super) const KEPT: u64 = 1 << 62;

impl Parts<'_> {
    /// Puts the records that rank highest where there is room; those without rank are passed over.
    pub(super) fn fill_with<R: Stored>(
        &mut self,
        records: Records<'_, R>,
        room: usize,
        rank: impl Fn(&Self, u32, &R) -> Option<u64>,
        put: impl Fn(&mut Self, u32, R) -> Option<()>,
    ) -> Result<Filled, SnapshotError> {
        let mut choice = self.choose(records, room, &rank)?;
        let mut filled = Filled { floor: choice.floor, ..Filled::default() };
        for (index, (number, row)) in (0..).zip(records.iter()) {
            let Some(rank) = rank(self, number, &row) else { continue };
            if !choice.takes(rank) {
                filled.left = filled.left.saturating_add(1);
                continue;
            }
            let refused = SnapshotError::Record { section: R::SECTION, index };
            put(self, number, row).ok_or(refused)?;
            filled.taken = filled.taken.saturating_add(1);
        }
        Ok(filled)
    }

    /// Which records have room, in as many looks at the file as a rank has bytes, without a heap.
    fn choose<R: Stored>(
        &self,
        records: Records<'_, R>,
        room: usize,
        rank: impl Fn(&Self, u32, &R) -> Option<u64>,
    ) -> Result<Choice, SnapshotError> {
        let all = Choice { floor: 0, ties: u32::MAX };
        if usize::try_from(records.len()).is_ok_and(|len| len <= room) {
            return Ok(all);
        }
        let ranks = || records.iter().filter_map(|(number, row)| rank(self, number, &row));
        let from = |least: u64| ranks().filter(|rank| *rank >= least).count();
        if from(0) <= room {
            return Ok(all);
        }
        if from(KEPT) > room {
            return Err(SnapshotError::NoRoom(R::SECTION));
        }
        // The highest rank from which on not all have room, byte by byte.
        let (mut floor, mut room) = ([0; 8], u32::try_from(room).unwrap_or(u32::MAX));
        for place in 0..floor.len() {
            let mut counts = [0u32; 256];
            for rank in ranks().map(u64::to_be_bytes) {
                let same = rank.iter().take(place).eq(floor.iter().take(place));
                let byte = rank.get(place).filter(|_| same).map(|byte| usize::from(*byte));
                if let Some(count) = byte.and_then(|byte| counts.get_mut(byte)) {
                    *count = count.saturating_add(1);
                }
            }
            for byte in (0..=u8::MAX).rev() {
                let count = counts.get(usize::from(byte)).copied().unwrap_or(0);
                if count > room {
                    floor.iter_mut().skip(place).take(1).for_each(|to| *to = byte);
                    break;
                }
                room = room.saturating_sub(count);
            }
        }
        Ok(Choice { floor: u64::from_be_bytes(floor), ties: room })
    }
}
