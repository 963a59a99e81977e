//! A bounded table over borrowed slices: a slab of rows and chains from keyed hash buckets.
//!
//! As many buckets as rows and a hash that nobody outside can compute keep chains short whatever
//! keys an attacker chooses. Links lie beside the rows, in as few bytes as the table's size needs,
//! and are 1-based, so that memory of zeros is an empty table and a static one lies in `.bss`.

use crate::hash::Seed;
use crate::links::Links;
use crate::packed::Packed;

/// What a table stores. A row with the key of [`Row::VACANT`] is none.
pub(crate) trait Row: Clone {
    /// What a row is found by.
    type Key: PartialEq;
    /// The row that stands in unused memory: all zeros.
    const VACANT: Self;
    /// Separates the hashes of the tables.
    const DOMAIN: u8;
    /// Whether rows can be marked.
    const MARKED: bool = false;
    /// Links of a row to other rows, besides those of the table.
    const OWN: usize = 0;
    /// The bytes that are hashed.
    fn key_bytes(key: &Self::Key) -> &[u8];
    /// This row's key.
    fn key(&self) -> &Self::Key;

    /// Links of a row in all: to the next of its chain, to the next marked one, its own.
    const LINKS: usize = 1 + Self::MARKED as usize + Self::OWN;

    /// Whether nothing is here.
    fn is_vacant(&self) -> bool {
        Self::key_bytes(self.key()) == Self::key_bytes(Self::VACANT.key())
    }
}

/// A 1-based position in a table, valid until its row is removed; 0 is none.
pub(crate) type Place = u32;

/// To the next row of the same bucket, or of the free rows.
const NEXT: usize = 0;
/// To the next marked row; the last one's is its own. 0 is not marked.
const MARK: usize = 1;

/// Where a table's lists begin.
#[derive(Clone, Copy, Default)]
pub(crate) struct Head {
    free: Packed<3>,
    touched: Packed<3>,
    used: Packed<3>,
    marked: Packed<3>,
}

impl Head {
    pub(crate) const EMPTY: Self = Self {
        free: Packed::ZERO,
        touched: Packed::ZERO,
        used: Packed::ZERO,
        marked: Packed::ZERO,
    };
}

fn place_of(packed: Packed<3>) -> Place {
    u32::try_from(packed.get()).unwrap_or(0)
}

fn packed(place: Place) -> Packed<3> {
    Packed::new(place.into())
}

/// A table to read.
pub(crate) struct TableRef<'a, R> {
    pub(crate) head: &'a Head,
    pub(crate) buckets: Links<&'a [u8]>,
    pub(crate) links: Links<&'a [u8]>,
    pub(crate) rows: &'a [R],
}

/// A table to change.
pub(crate) struct Table<'a, R> {
    pub(crate) head: &'a mut Head,
    pub(crate) buckets: Links<&'a mut [u8]>,
    pub(crate) links: Links<&'a mut [u8]>,
    pub(crate) rows: &'a mut [R],
}

/// The bucket of a key, 1-based, without a division: the high half of `hash × buckets`.
fn bucket_of<R: Row>(seed: &Seed, key: &R::Key, rows: usize) -> Place {
    let hash = seed.hash(R::DOMAIN, R::key_bytes(key));
    let wide = u128::from(hash).wrapping_mul(rows as u128) >> 64;
    u32::try_from(wide).unwrap_or(0).saturating_add(1)
}

fn at<T>(slice: &[T], place: Place) -> Option<&T> {
    slice.get(usize::try_from(place.checked_sub(1)?).ok()?)
}

fn at_mut<T>(slice: &mut [T], place: Place) -> Option<&mut T> {
    slice.get_mut(usize::try_from(place.checked_sub(1)?).ok()?)
}

impl<'a, R: Row> TableRef<'a, R> {
    pub(crate) fn len(&self) -> usize {
        place_of(self.head.used) as usize
    }

    pub(crate) fn capacity(&self) -> usize {
        self.rows.len()
    }

    /// The row with this key.
    pub(crate) fn find(&self, seed: &Seed, key: &R::Key) -> Option<(Place, &'a R)> {
        self.find_from(self.seek(seed, key), key)
    }

    /// Where the search for a key begins. Who seeks in several tables before searching any waits
    /// for their memory at once: tables of a million rows lie in no cache.
    pub(crate) fn seek(&self, seed: &Seed, key: &R::Key) -> Place {
        self.buckets.get(bucket_of::<R>(seed, key, self.rows.len()), 0)
    }

    /// The row with this key, which was sought.
    pub(crate) fn find_from(&self, first: Place, key: &R::Key) -> Option<(Place, &'a R)> {
        self.chain(first).find(|(_, row)| row.key() == key)
    }

    pub(crate) fn get(&self, place: Place) -> Option<&'a R> {
        at(self.rows, place).filter(|row| !row.is_vacant())
    }

    /// Where a row's own link leads; 0 is nowhere.
    pub(crate) fn link(&self, place: Place, own: usize) -> Place {
        self.links.get(place, column::<R>(own))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        let touched = place_of(self.head.touched) as usize;
        (1..).zip(self.rows.iter().take(touched)).filter(|(_, row)| !row.is_vacant())
    }

    /// The rows of one bucket from this one on. Never more steps than rows, even in damaged memory.
    ///
    /// A row's link is read before its key is looked at, so that the processor waits for both at
    /// once: that is a third of what a decision costs at a million rows.
    fn chain(&self, first: Place) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        let (rows, links) = (self.rows, self.links);
        let mut place = first;
        core::iter::from_fn(move || {
            let row = at(rows, place)?;
            let found = place;
            place = links.get(found, NEXT);
            Some((found, row))
        })
        .take(rows.len())
    }
}

/// The column of a row's own link.
const fn column<R: Row>(own: usize) -> usize {
    own.saturating_add(1).saturating_add(R::MARKED as usize)
}

impl<R: Row> Table<'_, R> {
    pub(crate) fn view(&self) -> TableRef<'_, R> {
        TableRef {
            head: self.head,
            buckets: self.buckets.view(),
            links: self.links.view(),
            rows: self.rows,
        }
    }

    pub(crate) fn find(&self, seed: &Seed, key: &R::Key) -> Option<Place> {
        self.view().find(seed, key).map(|(place, _)| place)
    }

    pub(crate) fn get(&self, place: Place) -> Option<&R> {
        at(self.rows, place).filter(|row| !row.is_vacant())
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut R> {
        at_mut(self.rows, place).filter(|row| !row.is_vacant())
    }

    pub(crate) fn find_mut(&mut self, seed: &Seed, key: &R::Key) -> Option<&mut R> {
        self.find(seed, key).and_then(|place| self.get_mut(place))
    }

    /// Where a row's own link leads; 0 is nowhere.
    pub(crate) fn link(&self, place: Place, own: usize) -> Place {
        self.links.view().get(place, column::<R>(own))
    }

    pub(crate) fn set_link(&mut self, place: Place, own: usize, to: Place) {
        self.links.set(place, column::<R>(own), to);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.view().len() >= self.rows.len()
    }

    /// Every place there has ever been a row at.
    pub(crate) fn places(&self) -> core::ops::RangeInclusive<Place> {
        1..=place_of(self.head.touched)
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut R> {
        let touched = place_of(self.head.touched) as usize;
        self.rows.iter_mut().take(touched).filter(|row| !row.is_vacant())
    }

    /// Adds a row whose key is not in the table, its own links leading nowhere; `None` if there is
    /// no room.
    pub(crate) fn insert(&mut self, seed: &Seed, row: R) -> Option<Place> {
        if self.is_full() || row.is_vacant() {
            return None;
        }
        let bucket = bucket_of::<R>(seed, row.key(), self.rows.len());
        let free = place_of(self.head.free);
        let place = if free == 0 { place_of(self.head.touched).saturating_add(1) } else { free };
        *at_mut(self.rows, place)? = row;
        if free == 0 {
            self.head.touched = packed(place);
        } else {
            self.head.free = packed(self.links.view().get(free, NEXT));
        }
        self.links.set(place, NEXT, self.buckets.view().get(bucket, 0));
        self.buckets.set(bucket, 0, place);
        for own in 0..R::OWN {
            self.set_link(place, own, 0);
        }
        self.head.used.count();
        Some(place)
    }

    /// Takes a row out. A mark on it is dropped when its turn comes.
    pub(crate) fn remove(&mut self, seed: &Seed, place: Place) {
        let Some(row) = self.get(place) else { return };
        let bucket = bucket_of::<R>(seed, row.key(), self.rows.len());
        let first = self.buckets.view().get(bucket, 0);
        let before = self.view().chain(first).map(|(before, _)| before);
        let before = before.take_while(|before| *before != place).last();
        let next = self.links.view().get(place, NEXT);
        match before {
            None => self.buckets.set(bucket, 0, next),
            Some(before) => self.links.set(before, NEXT, next),
        }
        if let Some(row) = at_mut(self.rows, place) {
            *row = R::VACANT;
        }
        self.links.set(place, NEXT, place_of(self.head.free));
        self.head.free = packed(place);
        self.head.used = Packed::new(self.head.used.get().saturating_sub(1));
    }

    /// Takes out every row for which `gone` holds.
    pub(crate) fn remove_if(&mut self, seed: &Seed, mut gone: impl FnMut(&R) -> bool) {
        for place in self.places() {
            if self.get(place).is_some_and(&mut gone) {
                self.remove(seed, place);
            }
        }
    }

    /// Notes that something about this row waits to be told.
    pub(crate) fn mark(&mut self, place: Place) {
        if R::MARKED && self.links.view().get(place, MARK) == 0 {
            let first = place_of(self.head.marked);
            self.links.set(place, MARK, if first == 0 { place } else { first });
            self.head.marked = packed(place);
        }
    }

    /// The place of the next marked row, which is then unmarked. Marks of removed rows are passed
    /// over.
    fn unmark(&mut self) -> Option<Place> {
        loop {
            let place = place_of(self.head.marked);
            at(self.rows, place)?;
            let next = self.links.view().get(place, MARK);
            self.links.set(place, MARK, 0);
            self.head.marked = packed(if next == place { 0 } else { next });
            if self.get(place).is_some() {
                return Some(place);
            }
        }
    }

    /// The next marked row, which is then unmarked.
    pub(crate) fn next_marked(&mut self) -> Option<&mut R> {
        let place = self.unmark()?;
        self.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use proptest::prelude::*;
    use std::{collections::BTreeMap, vec, vec::Vec};

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Number([u8; 2], u32);

    impl Row for Number {
        type Key = [u8; 2];
        const VACANT: Self = Self([0; 2], 0);
        const DOMAIN: u8 = 0;
        const MARKED: bool = true;
        const OWN: usize = 2;
        fn key_bytes(key: &[u8; 2]) -> &[u8] {
            key
        }
        fn key(&self) -> &[u8; 2] {
            &self.0
        }
    }

    struct Memory {
        head: Head,
        width: usize,
        buckets: Vec<u8>,
        links: Vec<u8>,
        rows: Vec<Number>,
    }

    impl Memory {
        fn new(rows: usize) -> Self {
            let width = crate::links::width(rows);
            let buckets = vec![0; rows * width];
            let links = vec![0; rows * width * Number::LINKS];
            Self { head: Head::EMPTY, width, buckets, links, rows: vec![Number::VACANT; rows] }
        }
        fn table(&mut self) -> Table<'_, Number> {
            Table {
                head: &mut self.head,
                buckets: Links::new(&mut self.buckets[..], self.width, 1),
                links: Links::new(&mut self.links[..], self.width, Number::LINKS),
                rows: &mut self.rows,
            }
        }
    }

    const SEED: Seed = Seed::new([7; 16]);

    proptest! {
        /// The table is a map that refuses to grow.
        #[test]
        fn is_a_bounded_map(steps in prop::collection::vec((0u8..3, 0u8..24, any::<u32>()), 0..200)) {
            let mut memory = Memory::new(16);
            let mut table = memory.table();
            let mut model = BTreeMap::new();
            for (step, key, value) in steps {
                let key = [key, 1];
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
            }
        }
    }

    #[test]
    fn keys_that_collide_under_a_known_seed_are_still_found() {
        let mut memory = Memory::new(64);
        let mut table = memory.table();
        let colliding = (1..=u16::MAX).map(u16::to_be_bytes);
        let colliding = colliding.filter(|key| bucket_of::<Number>(&SEED, key, 64) == 5).take(40);
        let keys: Vec<_> = colliding.collect();
        assert_eq!(keys.len(), 40);
        for key in &keys {
            table.insert(&SEED, Number(*key, 1)).unwrap();
        }
        for key in &keys {
            let place = table.find(&SEED, key).unwrap();
            table.remove(&SEED, place);
            assert!(table.find(&SEED, key).is_none());
        }
        assert_eq!(table.view().len(), 0);
    }

    /// With a seed that the attacker does not know, the longest chain of a full table stays short.
    #[test]
    fn chains_stay_short_in_a_full_table() {
        let mut memory = Memory::new(65_535);
        let mut table = memory.table();
        for key in 1..=u16::MAX {
            table.insert(&SEED, Number(key.to_be_bytes(), 0)).unwrap();
        }
        let longest = (1..=65_535)
            .map(|bucket| table.view().chain(table.buckets.view().get(bucket, 0)).count())
            .max();
        assert!(longest.unwrap() <= 12, "longest chain {longest:?}");
    }

    #[test]
    fn marks_come_out_once_and_not_for_removed_rows() {
        let mut memory = Memory::new(4);
        let mut table = memory.table();
        let places: Vec<_> =
            (1..4).map(|n| table.insert(&SEED, Number([n, 0], 0)).unwrap()).collect();
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
        let mut memory = Memory::new(300);
        let mut table = memory.table();
        let first = table.insert(&SEED, Number([1, 0], 0)).unwrap();
        let second = table.insert(&SEED, Number([2, 0], 0)).unwrap();
        table.set_link(first, 0, second);
        table.set_link(first, 1, first);
        assert_eq!((table.link(first, 0), table.link(first, 1)), (second, first));
        assert_eq!((table.link(second, 0), table.link(second, 1)), (0, 0));
        table.remove(&SEED, first);
        assert_eq!(table.insert(&SEED, Number([3, 0], 0)), Some(first));
        assert_eq!((table.link(first, 0), table.link(first, 1)), (0, 0));
    }

    #[test]
    fn what_looks_like_no_row_is_not_taken() {
        let mut memory = Memory::new(4);
        let mut table = memory.table();
        assert_eq!(table.insert(&SEED, Number::VACANT), None);
        assert_eq!(table.view().len(), 0);
    }
}
