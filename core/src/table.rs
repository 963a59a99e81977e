//! A bounded table over borrowed slices: a slab of rows and chains from keyed hash buckets.
//!
//! All links are 1-based, so that memory of zeros is an empty table and a static one lies in
//! `.bss`. As many buckets as rows and a hash that nobody outside can compute keep chains short
//! whatever keys an attacker chooses.

use crate::hash::Seed;

/// What a table stores.
pub(crate) trait Row: Clone {
    /// What a row is found by.
    type Key;
    /// The row that stands in unused memory.
    const VACANT: Self;
    /// Separates the hashes of the tables.
    const DOMAIN: u8;
    /// The bytes that are hashed.
    fn key_bytes(key: &Self::Key) -> &[u8];
    /// This row's key.
    fn key(&self) -> &Self::Key;

    /// The keyed hash by which other tables refer to this row.
    fn tag(seed: &Seed, key: &Self::Key) -> u64 {
        seed.hash(Self::DOMAIN, Self::key_bytes(key))
    }
}

/// A 1-based position; 0 is none.
type Link = u32;

/// A position in a table, valid until its row is removed.
pub(crate) type Place = u32;

/// A row with its links.
#[derive(Clone)]
pub(crate) struct Slot<R> {
    next: Link,
    next_marked: Link,
    used: bool,
    marked: bool,
    row: R,
}

impl<R: Row> Slot<R> {
    pub(crate) const VACANT: Self =
        Self { next: 0, next_marked: 0, used: false, marked: false, row: R::VACANT };
}

/// Where a table's lists begin.
#[derive(Clone, Copy, Default)]
pub(crate) struct Head {
    free: Link,
    touched: u32,
    used: u32,
    marked: Link,
}

impl Head {
    pub(crate) const EMPTY: Self = Self { free: 0, touched: 0, used: 0, marked: 0 };
}

/// A table to read.
pub(crate) struct TableRef<'a, R> {
    pub(crate) head: &'a Head,
    pub(crate) buckets: &'a [Link],
    pub(crate) slots: &'a [Slot<R>],
}

/// A table to change.
pub(crate) struct Table<'a, R> {
    pub(crate) head: &'a mut Head,
    pub(crate) buckets: &'a mut [Link],
    pub(crate) slots: &'a mut [Slot<R>],
}

/// The bucket of a hash, without a division: the high half of `hash × buckets`.
fn bucket_of(tag: u64, buckets: usize) -> usize {
    let wide = u128::from(tag).wrapping_mul(buckets as u128) >> 64;
    usize::try_from(wide).unwrap_or(0)
}

fn at<T>(slice: &[T], link: Link) -> Option<&T> {
    slice.get(usize::try_from(link.checked_sub(1)?).ok()?)
}

fn at_mut<T>(slice: &mut [T], link: Link) -> Option<&mut T> {
    slice.get_mut(usize::try_from(link.checked_sub(1)?).ok()?)
}

impl<'a, R: Row> TableRef<'a, R> {
    pub(crate) fn len(&self) -> usize {
        self.head.used as usize
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.len().min(self.buckets.len())
    }

    /// The row with this key.
    pub(crate) fn find(&self, seed: &Seed, key: &R::Key) -> Option<(Place, &'a R)> {
        self.chain(R::tag(seed, key)).find(|(_, row)| R::key_bytes(row.key()) == R::key_bytes(key))
    }

    /// The row whose key has this tag.
    pub(crate) fn find_tag(&self, seed: &Seed, tag: u64) -> Option<(Place, &'a R)> {
        self.chain(tag).find(|(_, row)| R::tag(seed, row.key()) == tag)
    }

    pub(crate) fn get(&self, place: Place) -> Option<&'a R> {
        at(self.slots, place).filter(|slot| slot.used).map(|slot| &slot.row)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        let touched = self.head.touched as usize;
        let slots = (1..).zip(self.slots.iter().take(touched));
        slots.filter(|(_, slot)| slot.used).map(|(place, slot)| (place, &slot.row))
    }

    /// The rows of one bucket. Never more steps than slots, even in damaged memory.
    fn chain(&self, tag: u64) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        let slots = self.slots;
        let mut link = self.buckets.get(bucket_of(tag, self.buckets.len())).copied().unwrap_or(0);
        core::iter::from_fn(move || {
            let slot = at(slots, link)?;
            let place = core::mem::replace(&mut link, slot.next);
            Some((place, &slot.row))
        })
        .take(slots.len())
    }
}

impl<R: Row> Table<'_, R> {
    pub(crate) fn view(&self) -> TableRef<'_, R> {
        TableRef { head: self.head, buckets: self.buckets, slots: self.slots }
    }

    pub(crate) fn find(&self, seed: &Seed, key: &R::Key) -> Option<Place> {
        self.view().find(seed, key).map(|(place, _)| place)
    }

    pub(crate) fn get(&self, place: Place) -> Option<&R> {
        at(self.slots, place).filter(|slot| slot.used).map(|slot| &slot.row)
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut R> {
        at_mut(self.slots, place).filter(|slot| slot.used).map(|slot| &mut slot.row)
    }

    pub(crate) fn find_mut(&mut self, seed: &Seed, key: &R::Key) -> Option<&mut R> {
        self.find(seed, key).and_then(|place| self.get_mut(place))
    }

    pub(crate) fn find_tag_mut(&mut self, seed: &Seed, tag: u64) -> Option<&mut R> {
        let (place, _) = self.view().find_tag(seed, tag)?;
        self.get_mut(place)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.view().len() >= self.view().capacity()
    }

    /// Every place there has ever been a row at.
    pub(crate) fn places(&self) -> core::ops::RangeInclusive<Place> {
        1..=self.head.touched
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut R> {
        let touched = self.head.touched as usize;
        self.slots.iter_mut().take(touched).filter(|slot| slot.used).map(|slot| &mut slot.row)
    }

    /// Adds a row whose key is not in the table; `None` if there is no room.
    pub(crate) fn insert(&mut self, seed: &Seed, row: R) -> Option<Place> {
        if self.is_full() {
            return None;
        }
        let bucket = bucket_of(R::tag(seed, row.key()), self.buckets.len());
        let first = self.buckets.get_mut(bucket)?;
        let place = if self.head.free == 0 {
            self.head.touched = self.head.touched.saturating_add(1);
            self.head.touched
        } else {
            self.head.free
        };
        let slot = at_mut(self.slots, place)?;
        if self.head.free == place {
            self.head.free = slot.next;
        }
        slot.row = row;
        slot.used = true;
        slot.next = core::mem::replace(first, place);
        self.head.used = self.head.used.saturating_add(1);
        Some(place)
    }

    /// Takes a row out. A mark on it is dropped when its turn comes.
    pub(crate) fn remove(&mut self, seed: &Seed, place: Place) {
        let Some(row) = self.get(place) else { return };
        let bucket = bucket_of(R::tag(seed, row.key()), self.buckets.len());
        let next = at(self.slots, place).map_or(0, |slot| slot.next);
        let Some(first) = self.buckets.get_mut(bucket) else { return };
        if *first == place {
            *first = next;
        } else {
            let mut link = *first;
            while let Some(slot) = at_mut(self.slots, link) {
                if slot.next == place {
                    slot.next = next;
                    break;
                }
                link = slot.next;
            }
        }
        if let Some(slot) = at_mut(self.slots, place) {
            slot.used = false;
            slot.row = R::VACANT;
            slot.next = core::mem::replace(&mut self.head.free, place);
            self.head.used = self.head.used.saturating_sub(1);
        }
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
        if let Some(slot) = at_mut(self.slots, place)
            && !slot.marked
        {
            slot.marked = true;
            slot.next_marked = core::mem::replace(&mut self.head.marked, place);
        }
    }

    /// The next marked row, which is then unmarked. Marks of removed rows are passed over.
    pub(crate) fn next_marked(&mut self) -> Option<&mut R> {
        let place = loop {
            let place = self.head.marked;
            let slot = at_mut(self.slots, place)?;
            slot.marked = false;
            self.head.marked = core::mem::take(&mut slot.next_marked);
            if slot.used {
                break place;
            }
        };
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
        fn key_bytes(key: &[u8; 2]) -> &[u8] {
            key
        }
        fn key(&self) -> &[u8; 2] {
            &self.0
        }
    }

    struct Memory {
        head: Head,
        buckets: Vec<Link>,
        slots: Vec<Slot<Number>>,
    }

    impl Memory {
        fn new(rows: usize) -> Self {
            Self { head: Head::EMPTY, buckets: vec![0; rows], slots: vec![Slot::VACANT; rows] }
        }
        fn table(&mut self) -> Table<'_, Number> {
            Table { head: &mut self.head, buckets: &mut self.buckets, slots: &mut self.slots }
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
                    let tag = Number::tag(&SEED, key);
                    prop_assert_eq!(table.view().find_tag(&SEED, tag).unwrap().1, row);
                }
                prop_assert_eq!(table.view().iter().count(), model.len());
            }
        }
    }

    #[test]
    fn keys_that_collide_under_a_known_seed_are_still_found() {
        let mut memory = Memory::new(64);
        let mut table = memory.table();
        let colliding = (0..=u16::MAX).map(u16::to_be_bytes);
        let colliding =
            colliding.filter(|key| bucket_of(Number::tag(&SEED, key), 64) == 5).take(40);
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
        let mut memory = Memory::new(65_536);
        let mut table = memory.table();
        for key in 0..=u16::MAX {
            table.insert(&SEED, Number(key.to_be_bytes(), 0)).unwrap();
        }
        let longest = (0..=u16::MAX)
            .map(|key| table.view().chain(Number::tag(&SEED, &key.to_be_bytes())).count())
            .max();
        assert!(longest.unwrap() <= 12, "longest chain {longest:?}");
    }

    #[test]
    fn marks_come_out_once_and_not_for_removed_rows() {
        let mut memory = Memory::new(4);
        let mut table = memory.table();
        let places: Vec<_> =
            (0..3).map(|n| table.insert(&SEED, Number([n, 0], 0)).unwrap()).collect();
        for place in &places {
            table.mark(*place);
            table.mark(*place);
        }
        table.remove(&SEED, places[1]);
        let mut told: Vec<u8> =
            core::iter::from_fn(|| table.next_marked().map(|row| row.0[0])).collect();
        told.sort_unstable();
        assert_eq!(told, [0, 2]);
        assert!(table.next_marked().is_none());
    }
}
