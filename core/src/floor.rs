//! What a newcomer to a full table has to be worth.

use core::cmp::Reverse;

use crate::Timestamp;
use crate::table::Place;

/// What the last search of a full table found, so that a newcomer that can displace nobody costs
/// no search of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Floor {
    /// Before `due`, no row that may leave is worth less.
    least: u64,
    due: Timestamp,
}

impl Floor {
    /// Nothing is known: the next newcomer searches. All zeros.
    pub(crate) const UNKNOWN: Self = Self { least: 0, due: Timestamp::EPOCH };

    /// Whether a newcomer can displace nobody, as nobody is displaced by its equal.
    pub(crate) fn refuses(&self, now: Timestamp, worth: u64) -> bool {
        now < self.due && worth <= self.least
    }

    /// Notes a row that may leave.
    pub(crate) fn lower(&mut self, worth: u64) {
        self.least = self.least.min(worth);
    }
}

/// A search of a full table for the row of least worth; of equals, for the youngest.
pub(crate) struct Search {
    least: Option<(u64, Reverse<u64>, Place)>,
    second: u64,
    due: Timestamp,
}

impl Search {
    pub(crate) const fn new() -> Self {
        Self { least: None, second: u64::MAX, due: Timestamp::NEVER }
    }

    /// A row that may leave; a greater `age` is younger.
    pub(crate) fn offer(&mut self, place: Place, worth: u64, age: u64) {
        let found = (worth, Reverse(age), place);
        match self.least {
            Some(least) if least <= found => self.second = self.second.min(worth),
            least => {
                self.second = self.second.min(least.map_or(u64::MAX, |(worth, ..)| worth));
                self.least = Some(found);
            }
        }
    }

    /// A row that may leave, or is worth less, only from a time on.
    pub(crate) fn expect(&mut self, at: Timestamp) {
        self.due = self.due.min(at);
    }

    /// The row that a newcomer displaces, and what is known of those that stay.
    pub(crate) fn end(self, worth: u64) -> (Option<Place>, Floor) {
        let Self { least, second, due } = self;
        match least {
            Some((least, _, place)) if least < worth => (Some(place), Floor { least: second, due }),
            Some((least, ..)) => (None, Floor { least, due }),
            None => (None, Floor { least: u64::MAX, due }),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(5);

    proptest! {
        /// However rows come and go, a floor refuses nobody whom a search would let in.
        #[test]
        fn a_floor_never_refuses_what_a_search_would_let_in(
            newcomers in prop::collection::vec((0u64..20, any::<bool>()), 0..60),
        ) {
            let (mut rows, mut floor) = (std::vec::Vec::new(), Floor::UNKNOWN);
            for (age, (worth, goes)) in (1u32..).zip(newcomers) {
                if rows.len() < 8 {
                    floor.lower(worth);
                    rows.push((worth, age));
                    continue;
                }
                let lowest = rows.iter().map(|(worth, _)| *worth).min().unwrap();
                if floor.refuses(NOW, worth) {
                    prop_assert!(worth <= lowest);
                    continue;
                }
                let mut search = Search::new();
                rows.iter().for_each(|(worth, age)| search.offer(*age, *worth, u64::from(*age)));
                let (found, left) = search.end(worth);
                prop_assert_eq!(found.is_some(), worth > lowest);
                floor = left;
                if let Some(found) = found {
                    let youngest = rows.iter().filter(|row| row.0 == lowest).map(|row| row.1).max();
                    prop_assert_eq!(Some(found), youngest);
                    rows.retain(|(_, age)| *age != found);
                    floor.lower(worth);
                    rows.push((worth, age));
                }
                if goes {
                    rows.pop();
                }
            }
        }
    }

    #[test]
    fn a_refused_newcomer_needs_no_second_search_until_something_is_due() {
        let mut search = Search::new();
        search.offer(1, 7, 0);
        search.expect(Timestamp::from_millis(9));
        let (found, floor) = search.end(7);
        assert_eq!(found, None, "an equal displaces nobody");
        assert!(floor.refuses(NOW, 7) && !floor.refuses(NOW, 8));
        assert!(!floor.refuses(Timestamp::from_millis(9), 7));
        assert!(!Floor::UNKNOWN.refuses(Timestamp::EPOCH, 0));
    }

    #[test]
    fn where_nothing_may_leave_everybody_is_refused() {
        let (found, floor) = Search::new().end(u64::MAX);
        assert_eq!(found, None);
        assert!(floor.refuses(NOW, u64::MAX));
    }
}
