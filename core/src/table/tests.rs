//! The table against a map, and with an attacker.

extern crate std;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::{vec, vec::Vec};

use super::*;

#[derive(Clone, Debug, PartialEq)]
struct Number<const HOME: bool = false>([u8; 4], u32);

impl<const HOME: bool> Row for Number<HOME> {
    type Key = [u8; 4];
    const VACANT: Self = Self([0; 4], 0);
    const DOMAIN: u8 = 0;
    const MARKED: bool = true;
    const HOME: bool = HOME;
    const OWN: usize = 2;
    fn key_bytes(key: &[u8; 4]) -> &[u8] {
        key
    }
    fn key(&self) -> &[u8; 4] {
        &self.0
    }
}

struct Memory<const HOME: bool = false> {
    head: Head,
    width: usize,
    buckets: Vec<u8>,
    links: Vec<u8>,
    rows: Vec<Number<HOME>>,
}

impl<const HOME: bool> Memory<HOME> {
    fn new(rows: usize) -> Self {
        let width = crate::links::width(rows);
        let buckets = vec![0; rows * width];
        let links = vec![0; rows * width * Number::<HOME>::LINKS];
        Self { head: Head::EMPTY, width, buckets, links, rows: vec![Number::VACANT; rows] }
    }
    fn table(&mut self) -> Table<'_, Number<HOME>> {
        Table {
            head: &mut self.head,
            buckets: Links::new(&mut self.buckets[..], self.width, 1),
            links: Links::new(&mut self.links[..], self.width, Number::<HOME>::LINKS),
            changes: Changes(&mut []),
            rows: &mut self.rows,
        }
    }
}

const SEED: Seed = Seed::new([7; 16]);

proptest! {
    /// The table is a map that refuses to grow.
    #[test]
    fn is_a_bounded_map(steps in prop::collection::vec((0u8..3, 0u8..24, any::<u32>()), 0..200)) {
        is_a_map::<false>(&steps)?;
        is_a_map::<true>(&steps)?;
    }
}

fn is_a_map<const HOME: bool>(steps: &[(u8, u8, u32)]) -> Result<(), TestCaseError> {
    {
        let mut memory = Memory::<HOME>::new(16);
        let mut table = memory.table();
        let mut model = BTreeMap::new();
        for (step, key, value) in steps.iter().copied() {
            let key = [key, 1, 0, 0];
            match (step, table.find(&SEED, &key)) {
                (0, Some(place)) => {
                    table.remove(&SEED, place);
                    model.remove(&key);
                }
                (1, Some(place)) => {
                    table.get_mut(place).unwrap().1 = value;
                    model.insert(key, value);
                }
                (_, None) => {
                    let placed = table.insert(&SEED, Number(key, value)).is_some();
                    prop_assert_eq!(placed, model.len() < 16);
                    if placed {
                        model.insert(key, value);
                    }
                }
                _ => {}
            }
            prop_assert_eq!(table.view().len(), model.len());
            for (key, value) in &model {
                let (_, row) = table.view().find(&SEED, key).unwrap();
                prop_assert_eq!(row.1, *value);
            }
            prop_assert_eq!(table.view().iter().count(), model.len());
            let all: BTreeSet<_> = table.rows_mut().map(|row| row.0).collect();
            prop_assert!(all.iter().eq(model.keys()));
        }
    }
    Ok(())
}

/// Most rows lie near where their keys' hashes lead, and a table of such rows is filled to the last
/// place all the same, in whatever order rows were taken out.
#[test]
fn a_row_lies_at_home_unless_that_is_taken() {
    const ROWS: u32 = 1_000;
    let mut memory = Memory::<true>::new(ROWS as usize);
    let mut table = memory.table();
    let home = |key: &[u8; 4]| bucket_of::<Number<true>>(&SEED, key, ROWS as usize);
    let at_home = |table: &Table<'_, Number<true>>| {
        let is_at_home = |place, home| (home..home + 4).contains(&place);
        table.view().iter().filter(|(place, row)| is_at_home(*place, home(&row.0))).count()
    };
    let key = |n: u32| n.to_be_bytes();
    for n in 1..=ROWS {
        assert!(table.insert(&SEED, Number(key(n), n)).is_some(), "{n}");
        if n == ROWS * 3 / 4 {
            assert!(at_home(&table) > 650, "{}", at_home(&table));
        }
    }
    assert!(table.insert(&SEED, Number(key(0x100_0000), 0)).is_none());
    assert!(at_home(&table) > 700, "{}", at_home(&table));
    for n in (1..=ROWS).filter(|n| n % 3 == 0) {
        let place = table.find(&SEED, &key(n)).unwrap();
        table.remove(&SEED, place);
        assert_eq!(table.find(&SEED, &key(n)), None);
    }
    // Where nobody is, nobody is found: not even by the key of a place that was never used.
    assert_eq!(table.find(&SEED, &[0; 4]), None);
    for n in (1..=ROWS).filter(|n| n % 3 == 0) {
        assert!(table.insert(&SEED, Number(key(n), n)).is_some(), "{n}");
    }
    let found = |n: u32| table.view().find(&SEED, &key(n)).map(|(_, row)| row.1);
    assert!((1..=ROWS).all(|n| found(n) == Some(n)));
    table.clear();
    assert_eq!(table.insert(&SEED, Number(key(7), 7)), Some(home(&key(7))));
}

proptest! {
    /// However rows and marks come and go, a marked row is told, and no place twice.
    #[test]
    fn every_marked_row_is_told_once(
        steps in prop::collection::vec((0u8..4, 1u8..12), 0..200),
    ) {
        let mut memory = Memory::<false>::new(8);
        let mut table = memory.table();
        let (mut marked, mut rows) = (BTreeSet::new(), 0);
        for (step, key) in steps {
            let key = [key, 0, 0, 1];
            match (step, table.find(&SEED, &key)) {
                (0, Some(place)) => {
                    table.remove(&SEED, place);
                    marked.remove(&key);
                }
                (1 | 2, Some(place)) => {
                    table.mark(place);
                    marked.insert(key);
                }
                (3, _) => if let Some(row) = table.next_marked() {
                    marked.remove(&row.0);
                },
                (_, None) => {
                    table.insert(&SEED, Number(key, 0));
                }
                _ => {}
            }
            rows = table.view().len();
        }
        let told: Vec<_> =
            core::iter::from_fn(|| table.next_marked().map(|row| row.0)).take(9).collect();
        prop_assert!(told.len() <= rows, "a place twice");
        prop_assert!(marked.iter().all(|key| told.contains(key)), "{marked:?} of {told:?}");
    }
}

/// Who knows the seed fills a bucket, and no more than that.
#[test]
fn keys_that_collide_under_a_known_seed_take_one_bucket_only() {
    let (mut memory, bucket) =
        (Memory::<false>::new(64), |key: &[u8; 4]| bucket_of::<Number<false>>(&SEED, key, 64));
    let mut table = memory.table();
    let keys = || (1..u32::MAX).map(u32::to_be_bytes);
    let colliding: Vec<_> = keys().filter(|key| bucket(key) == 5).take(40).collect();
    let other = keys().find(|key| bucket(key) == 6).unwrap();
    for (n, key) in colliding.iter().enumerate() {
        assert_eq!(table.insert(&SEED, Number(*key, 1)).is_some(), n < CHAIN, "{n}");
    }
    assert_eq!(table.view().chain(5).count(), CHAIN);
    table.insert(&SEED, Number(other, 1)).unwrap();
    assert!(table.find(&SEED, &other).is_some());
    let (inside, outside) = colliding.split_at(CHAIN);
    assert!(outside.iter().all(|key| table.find(&SEED, key).is_none()));
    for key in inside {
        let place = table.find(&SEED, key).unwrap();
        table.remove(&SEED, place);
        assert!(table.find(&SEED, key).is_none());
    }
    table.insert(&SEED, Number(outside[0], 1)).unwrap();
    assert_eq!(table.view().len(), 2);
}

/// A link that leads in a circle ends a search, not the program.
#[test]
fn a_search_of_a_damaged_chain_ends() {
    let mut memory = Memory::<false>::new(4);
    let mut table = memory.table();
    let place = table.insert(&SEED, Number([1; 4], 0)).unwrap();
    let bucket = bucket_of::<Number<false>>(&SEED, &[1; 4], 4);
    table.links.set(place, NEXT, place);
    assert_eq!(table.view().chain(bucket).count(), CHAIN);
    let absent = (2u32..).map(u32::to_be_bytes);
    let mut absent = absent.filter(|key| bucket_of::<Number<false>>(&SEED, key, 4) == bucket);
    assert!(table.find(&SEED, &absent.next().unwrap()).is_none());
    table.remove(&SEED, place);
}

/// With a seed that nobody knows, the longest chain of a full table stays short, whatever the
/// keys: these are as regular as can be.
#[test]
fn chains_stay_short_in_a_full_table_of_a_million_rows() {
    use std::hash::{BuildHasher, RandomState};
    let random = |n: u8| RandomState::new().hash_one(n).to_be_bytes();
    let seed: [u8; 16] = [random(0), random(1)].concat().try_into().unwrap();
    let rows = 1_000_000u32;
    let mut memory = Memory::<false>::new(rows as usize);
    let (mut table, secret) = (memory.table(), Seed::new(seed));
    for key in 1..=rows {
        let placed = table.insert(&secret, Number(key.to_be_bytes(), 0));
        assert!(placed.is_some(), "key {key} under {seed:?}");
    }
    let longest = (1..=rows).map(|bucket| table.view().chain(bucket).count()).max();
    std::println!("longest chain of {rows} rows: {longest:?}");
    assert!(longest.unwrap() <= CHAIN / 2, "longest chain {longest:?} under {seed:?}");
}

#[test]
fn marks_come_out_once_and_not_for_removed_rows() {
    let mut memory = Memory::<false>::new(4);
    let mut table = memory.table();
    let places: Vec<_> =
        (1..4).map(|n| table.insert(&SEED, Number([n, 0, 0, 0], 0)).unwrap()).collect();
    for place in &places {
        table.mark(*place);
        table.mark(*place);
    }
    table.remove(&SEED, places[1]);
    let mut told: Vec<u8> =
        core::iter::from_fn(|| table.next_marked().map(|row| row.0[0])).collect();
    told.sort_unstable();
    assert_eq!(told, [1, 3]);
    assert!(table.next_marked().is_none());
}

#[test]
fn a_row_in_the_place_of_another_begins_without_links() {
    let mut memory = Memory::<false>::new(300);
    let mut table = memory.table();
    let first = table.insert(&SEED, Number([1, 0, 0, 0], 0)).unwrap();
    let second = table.insert(&SEED, Number([2, 0, 0, 0], 0)).unwrap();
    table.set_link(first, 0, second);
    table.set_link(first, 1, first);
    assert_eq!((table.link(first, 0), table.link(first, 1)), (second, first));
    assert_eq!((table.link(second, 0), table.link(second, 1)), (0, 0));
    table.remove(&SEED, first);
    assert_eq!(table.insert(&SEED, Number([3, 0, 0, 0], 0)), Some(first));
    assert_eq!((table.link(first, 0), table.link(first, 1)), (0, 0));
}

#[test]
fn what_looks_like_no_row_is_not_taken() {
    let mut memory = Memory::<false>::new(4);
    let mut table = memory.table();
    assert_eq!(table.insert(&SEED, Number::<false>::VACANT), None);
    assert_eq!(table.view().len(), 0);
}
