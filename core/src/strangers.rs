//! Strangers' windows: a fixed array of cells, found by the keyed hash of an address group.
//!
//! Nothing makes a cell and nothing evicts one, so no flood of fresh names can grow or flush it.
//! Each group has two cells and is served while either has a token, so that somebody is shut out
//! only where hostile groups fall on both; and which two changes every day (policy §3, ADR 20).

use crate::hash::Seed;
use crate::peers::{Groups, domain};
use crate::snapshot::record;
use crate::{Bucket, Millis, NotUntil, Policy, Quota, Timestamp};

/// How often groups move to other cells.
const TURN: Millis = Millis::from_days(1);
/// No cell has this index.
const NOWHERE: usize = usize::MAX;
/// What is left of the cells in a lockdown.
const LOCKDOWN_SHARE: u64 = 8;

/// The windows of all narrow groups and of all wide groups that fall on this cell.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Cell {
    narrow: Bucket,
    wide: Bucket,
}

record!(Cell: narrow, wide);

impl Cell {
    pub(crate) const FULL: Self = Self { narrow: Bucket::FULL, wide: Bucket::FULL };

    /// Shortens what a clock that stepped back left behind.
    pub(crate) fn cut(&mut self, policy: &Policy, now: Timestamp) {
        self.narrow.cut(Width::Narrow.quota(policy), now);
        self.wide.cut(Width::Wide.quota(policy), now);
    }
}

#[derive(Clone, Copy)]
enum Width {
    Narrow,
    Wide,
}

impl Width {
    const fn quota(self, policy: &Policy) -> Quota {
        match self {
            Self::Narrow => policy.windows.strangers,
            Self::Wide => policy.windows.strangers.widened(policy.windows.wide_factor),
        }
    }
    const fn of(self, cell: &mut Cell) -> &mut Bucket {
        match self {
            Self::Narrow => &mut cell.narrow,
            Self::Wide => &mut cell.wide,
        }
    }
}

/// The cells, with what decides who falls on which.
pub(crate) struct Cells<'a> {
    pub(crate) cells: &'a mut [Cell],
    pub(crate) seed: &'a Seed,
    pub(crate) policy: &'a Policy,
    /// Only an eighth of the cells is left.
    pub(crate) lockdown: bool,
}

impl Cells<'_> {
    /// Whether a stranger of these groups may advertise; takes nothing.
    pub(crate) fn peek(&mut self, groups: Groups, now: Timestamp) -> Result<(), NotUntil> {
        self.peek_one(Width::Narrow, groups.narrow.get(), now)?;
        self.peek_one(Width::Wide, groups.wide.get(), now)
    }

    /// Takes a token of both windows.
    pub(crate) fn charge(&mut self, groups: Groups, now: Timestamp) {
        self.charge_one(Width::Narrow, groups.narrow.get(), now);
        self.charge_one(Width::Wide, groups.wide.get(), now);
    }

    /// Takes tokens of the narrow group for what a peer leaves behind whose row is needed.
    pub(crate) fn charge_faults(&mut self, groups: Groups, faults: u16, now: Timestamp) {
        // More than a whole burst changes nothing.
        let burst = Width::Narrow.quota(self.policy).burst.get();
        for _ in 0..u32::from(faults).min(burst) {
            self.charge_one(Width::Narrow, groups.narrow.get(), now);
        }
    }

    /// Today's cells, and yesterday's as long as there may be debts in them.
    fn pairs(&self, quota: Quota, group: u64, now: Timestamp) -> [Option<[usize; 2]>; 2] {
        let (today, into) = (day(now), now.as_millis().checked_rem(TURN.get()).unwrap_or(0));
        let indebted = into.saturating_mul(1000) < quota.refill_us();
        let yesterday = today.checked_sub(1).filter(|_| indebted);
        [Some(today), yesterday].map(|day| day.map(|day| self.pair(group, day)))
    }

    /// The two cells of a group on a day, from the two halves of one hash.
    fn pair(&self, group: u64, day: u64) -> [usize; 2] {
        let mut key = [0; 16];
        let bytes = group.to_le_bytes().into_iter().chain(day.to_le_bytes());
        key.iter_mut().zip(bytes).for_each(|(byte, value)| *byte = value);
        let hash = self.seed.hash(domain::CELL, &key);
        let cells = u64::try_from(self.cells.len()).unwrap_or(u64::MAX);
        [hash >> 32, hash & u64::from(u32::MAX)].map(|half| {
            let index = half.saturating_mul(cells) >> 32;
            let share = cells / LOCKDOWN_SHARE;
            let index =
                if self.lockdown { index.checked_rem(share.max(1)).unwrap_or(0) } else { index };
            usize::try_from(index).unwrap_or(0)
        })
    }

    fn peek_one(&mut self, width: Width, group: u64, now: Timestamp) -> Result<(), NotUntil> {
        let quota = width.quota(self.policy);
        for pair in self.pairs(quota, group, now).into_iter().flatten() {
            let mut soonest = Err(NotUntil(Timestamp::NEVER));
            for cell in pair {
                let cell = self.cells.get_mut(cell);
                let found = cell.map(|cell| width.of(cell).peek(quota, now));
                soonest = match (soonest, found) {
                    (_, Some(Ok(()))) | (Ok(()), _) => Ok(()),
                    (Err(a), Some(Err(b))) => Err(NotUntil(a.0.min(b.0))),
                    (refused, None) => refused,
                };
            }
            soonest?;
        }
        Ok(())
    }

    fn charge_one(&mut self, width: Width, group: u64, now: Timestamp) {
        let quota = width.quota(self.policy);
        let [today, yesterday] = self.pairs(quota, group, now);
        let [a, b] = today.unwrap_or_default();
        self.charge_pair(width, [a, b], quota, now);
        let Some([c, d]) = yesterday else { return };
        self.charge_pair(
            width,
            [c, d].map(|cell| if cell == a || cell == b { NOWHERE } else { cell }),
            quota,
            now,
        );
        // What is left of yesterday's debt goes along: it ends after yesterday's cells count.
        let [c, d] = [c, d].map(|cell| self.cells.get_mut(cell).map(|cell| *width.of(cell)));
        let (Some(c), Some(d)) = (c, d) else { return };
        for cell in [a, b] {
            if let Some(cell) = self.cells.get_mut(cell) {
                let bucket = width.of(cell);
                *bucket = bucket.poorer(c.richer(d));
            }
        }
    }

    /// Takes a token of each cell, once where both are one.
    fn charge_pair(&mut self, width: Width, [a, b]: [usize; 2], quota: Quota, now: Timestamp) {
        let both = [Some(a), Some(b).filter(|b| *b != a)];
        for cell in both.into_iter().flatten() {
            if let Some(cell) = self.cells.get_mut(cell) {
                width.of(cell).charge(quota, now);
            }
        }
    }
}

fn day(now: Timestamp) -> u64 {
    now.as_millis().checked_div(TURN.get()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Packed;
    use std::vec::Vec;

    const MIDNIGHT: Timestamp = Timestamp::from_millis(20_000 * TURN.get());
    const POLICY: Policy = Policy::LOTUS_V1;

    struct Memory(Vec<Cell>, Seed);

    impl Memory {
        fn new(cells: usize, seed: u32) -> Self {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&seed.to_le_bytes());
            Self(std::vec![Cell::FULL; cells], Seed::new(bytes))
        }
        fn cells(&mut self) -> Cells<'_> {
            Cells { cells: &mut self.0, seed: &self.1, policy: &POLICY, lockdown: false }
        }
        /// Everything that groups `n` get at `now`, until they are refused.
        fn drain(&mut self, n: u32, now: Timestamp) -> u32 {
            let (groups, mut cells) = (groups(n), self.cells());
            (0..100)
                .take_while(|_| {
                    let served = cells.peek(groups, now).is_ok();
                    if served {
                        cells.charge(groups, now);
                    }
                    served
                })
                .count() as u32
        }
    }

    /// Group `n`, the 16th of which shares its wide group with the others of its 16.
    fn groups(n: u32) -> Groups {
        let of = |tag: u32| Packed::new(tag.into());
        Groups { narrow: of(n << 1), wide: of((n / 16) << 1 | 1) }
    }

    fn later(ms: u64) -> Timestamp {
        MIDNIGHT.saturating_add(Millis::new(ms))
    }

    fn earlier(ms: u64) -> Timestamp {
        MIDNIGHT.saturating_sub(Millis::new(ms))
    }

    /// Of honest groups, how many in 100,000 are served beside hostile ones that take all they
    /// can, in a node's cells, over many seeds.
    fn served(hostile: u32) -> u32 {
        const SEEDS: u32 = 50;
        const HONEST: u32 = 2_000;
        let now = later(HOUR);
        let mut served = 0;
        for seed in 0..SEEDS {
            let mut memory = Memory::new(4_096, seed);
            for n in 0..hostile {
                // Each in a wide group of its own, so that only its narrow one limits it.
                let groups = Groups { wide: Packed::new(1 << 31 | u64::from(n)), ..groups(n) };
                let mut cells = memory.cells();
                while cells.peek(groups, now).is_ok() {
                    cells.charge(groups, now);
                }
            }
            let mut cells = memory.cells();
            let honest = (0..HONEST).map(|n| groups(1_000_000 + n * 16));
            served += honest.filter(|groups| cells.peek(*groups, now).is_ok()).count() as u32;
        }
        served / (SEEDS * HONEST / 100_000)
    }

    const HOUR: u64 = 3_600_000;

    #[test]
    fn forty_hostile_groups_shut_out_fewer_than_one_honest_group_in_a_thousand() {
        let (forty, many) = (served(40), served(256));
        std::println!("served of 100,000 honest groups: {forty} beside 40, {many} beside 256");
        assert!(forty >= 99_900, "{forty}");
        assert!(many >= 98_000, "{many}");
    }

    /// Two cells are two chances to be served, not twice the rate.
    #[test]
    fn two_cells_give_no_more_than_one_window() {
        for seed in 0..200 {
            let mut memory = Memory::new(64, seed);
            assert_eq!(memory.drain(0, later(HOUR)), 2);
            assert_eq!(memory.drain(0, later(HOUR + 59_999)), 0);
            assert_eq!(memory.drain(0, later(HOUR + 60_000)), 1);
        }
    }

    #[test]
    fn the_turn_of_the_key_gives_no_fresh_tokens() {
        for seed in 0..200 {
            let mut memory = Memory::new(4_096, seed);
            assert_eq!(memory.drain(0, earlier(1)), 2);
            assert_eq!(memory.drain(0, MIDNIGHT), 0);
            assert_eq!(memory.drain(0, later(59_998)), 0);
            assert_eq!(memory.drain(0, later(59_999)), 1);
            // What was charged then is charged to today's cells, too.
            assert_eq!(memory.drain(0, later(119_998)), 0);
            assert_eq!(memory.drain(0, later(119_999)), 1);
            assert_eq!(memory.drain(0, later(120_001)), 0, "only today's from here on");
        }
    }

    #[test]
    fn after_the_turn_groups_fall_on_other_cells() {
        let mut memory = Memory::new(4_096, 1);
        let cells = memory.cells();
        let moved = (0..1000).filter(|n| cells.pair(*n, 1) != cells.pair(*n, 2)).count();
        assert!(moved > 995, "{moved}");
        let pairs = cells.pairs(POLICY.windows.strangers, 5, later(120_000));
        assert_eq!(pairs[1], None, "yesterday's debts are empty");
        assert!(cells.pairs(POLICY.windows.strangers, 5, later(119_999))[1].is_some());
    }

    /// A clock that steps back over midnight finds what was charged while both days counted, and
    /// at most one burst more.
    #[test]
    fn a_step_back_over_midnight_gives_at_most_one_burst() {
        for seed in 0..200 {
            let mut memory = Memory::new(4_096, seed);
            assert_eq!(memory.drain(0, later(30_000)), 2);
            assert_eq!(memory.drain(0, earlier(1)), 0, "charged to yesterday, too");
            assert_eq!(memory.drain(0, earlier(HOUR)), 0);
            let mut memory = Memory::new(4_096, seed);
            assert_eq!(memory.drain(0, later(HOUR)), 2);
            assert!(memory.drain(0, earlier(1)) <= 2);
            assert_eq!(memory.drain(0, earlier(1)), 0);
            assert_eq!(memory.drain(0, later(1)), 0, "there and back again gives nothing");
        }
    }

    #[test]
    fn wide_groups_have_eight_times_the_window() {
        let mut memory = Memory::new(1 << 16, 3);
        let served: u32 = (0..16).map(|n| memory.drain(n, later(HOUR))).sum();
        assert_eq!(served, 16, "eight narrow groups' worth");
        assert_eq!(memory.drain(16, later(HOUR)), 2, "another wide group");
    }

    #[test]
    fn a_lockdown_leaves_one_eighth_of_the_cells() {
        let mut memory = Memory::new(4_096, 1);
        let cells = Cells { lockdown: true, ..memory.cells() };
        let highest = (0..10_000).flat_map(|n| cells.pair(n, 1)).max();
        assert!(highest.is_some_and(|cell| cell < 512 && cell > 500), "{highest:?}");
        let mut memory = Memory::new(3, 1);
        let cells = Cells { lockdown: true, ..memory.cells() };
        assert!((0..100).all(|n| cells.pair(n, 1) == [0, 0]));
    }

    #[test]
    fn faults_take_a_token_each_of_the_narrow_window_only() {
        let mut memory = Memory::new(4_096, 1);
        memory.cells().charge_faults(groups(0), 1, later(HOUR));
        assert_eq!(memory.drain(0, later(HOUR)), 1);
        assert_eq!(memory.drain(1, later(HOUR)), 2);
        memory.cells().charge_faults(groups(2), 200, later(HOUR));
        assert_eq!(memory.drain(2, later(HOUR + 59_999)), 0);
        assert_eq!(memory.drain(2, later(HOUR + 60_000)), 1, "never more than one refill");
    }

    #[test]
    fn without_cells_nobody_is_served() {
        let mut memory = Memory::new(0, 1);
        assert_eq!(memory.cells().peek(groups(0), later(0)), Err(NotUntil(Timestamp::NEVER)));
        memory.cells().charge(groups(0), later(0));
    }
}
