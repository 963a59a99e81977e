//! Strangers' windows: a fixed array of cells, found by the keyed hash of an address group.
//!
//! Nothing makes a cell and nothing evicts one, so no flood of fresh names can grow or flush it.

use crate::hash::Seed;
use crate::peers::{Groups, domain};
use crate::{Bucket, NotUntil, Policy, Timestamp};

/// The windows of all narrow groups and of all wide groups that fall on this cell.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cell {
    narrow: Bucket,
    wide: Bucket,
}

impl Cell {
    pub(crate) const FULL: Self = Self { narrow: Bucket::FULL, wide: Bucket::FULL };

    /// Shortens what a clock that stepped back left behind.
    pub(crate) fn cut(&mut self, policy: &Policy, now: Timestamp) {
        let narrow = policy.windows.strangers;
        self.narrow.cut(narrow, now);
        self.wide.cut(narrow.widened(policy.windows.wide_factor), now);
    }
}

fn cell<'a>(cells: &'a mut [Cell], seed: &Seed, group: u64) -> Option<&'a mut Cell> {
    let hash = seed.hash(domain::CELL, &group.to_le_bytes());
    let count = u64::try_from(cells.len()).ok()?;
    let index = hash.checked_rem(count)?;
    cells.get_mut(usize::try_from(index).ok()?)
}

/// Whether a stranger of these groups may advertise; takes nothing. The narrow window first.
pub(crate) fn peek(
    cells: &mut [Cell],
    seed: &Seed,
    policy: &Policy,
    groups: Groups,
    now: Timestamp,
) -> Result<(), NotUntil> {
    let narrow = policy.windows.strangers;
    let wide = narrow.widened(policy.windows.wide_factor);
    let refused = Err(NotUntil(Timestamp::NEVER));
    cell(cells, seed, groups.narrow).map_or(refused, |cell| cell.narrow.peek(narrow, now))?;
    cell(cells, seed, groups.wide).map_or(refused, |cell| cell.wide.peek(wide, now))
}

/// Takes a token of both windows.
pub(crate) fn charge(
    cells: &mut [Cell],
    seed: &Seed,
    policy: &Policy,
    groups: Groups,
    now: Timestamp,
) {
    let narrow = policy.windows.strangers;
    let wide = narrow.widened(policy.windows.wide_factor);
    if let Some(cell) = cell(cells, seed, groups.narrow) {
        cell.narrow.charge(narrow, now);
    }
    if let Some(cell) = cell(cells, seed, groups.wide) {
        cell.wide.charge(wide, now);
    }
}
