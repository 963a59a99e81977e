//! A bounded table over borrowed slices: a slab of rows and chains from keyed hash buckets.
//!
//! As many buckets as rows and a hash that nobody outside can compute keep chains short whatever
//! keys an attacker chooses. Links lie beside the rows, in as few bytes as the largest table that
//! they lead to needs, and are 1-based, so that memory of zeros is an empty table and a static one
//! lies in `.bss`.

use crate::changes::Changes;
use crate::hash::Seed;
use crate::links::Links;
use crate::packed::Packed;

/// What a table stores. A row with the key of [`Row::VACANT`] is none.
pub(crate) trait Row: Clone {
    /// What a row is found by.
    type Key;
    /// The row that stands in unused memory: all zeros.
    const VACANT: Self;
    /// Separates the hashes of the tables.
    const DOMAIN: u8;
    /// Whether rows can be marked.
    const MARKED: bool = false;
    /// Whether a row lies near the place that its bucket has the number of, if not all there were
    /// used for others: the search looks there while it waits for the bucket, and mostly need not
    /// go on. Whoever passes over such a table passes over all of its memory.
    const HOME: bool = false;
    /// Links of a row to other rows, besides those of the table.
    const OWN: usize = 0;
    /// The bytes that are hashed.
    fn key_bytes(key: &Self::Key) -> &[u8];
    /// This row's key.
    fn key(&self) -> &Self::Key;

    /// Links of a row in all: to the next of its chain, to the next marked one, its own.
    const LINKS: usize = 1 + Self::MARKED as usize + Self::OWN;

    /// Whether nothing is here: the key is all zeros.
    #[inline]
    fn is_vacant(&self) -> bool {
        difference(Self::key_bytes(self.key()), Self::key_bytes(Self::VACANT.key())) == 0
    }

    /// Whether this is the row of `key`.
    #[inline]
    fn is_of(&self, key: &Self::Key) -> bool {
        difference(Self::key_bytes(self.key()), Self::key_bytes(key)) == 0
    }
}

/// 0 if both, equally long, are the same. No byte is waited for before the next is asked for, and
/// eight are taken at once: a comparison of slices becomes a call if they have 33.
#[inline]
fn difference(a: &[u8], b: &[u8]) -> u64 {
    let ((a, last_a), (b, last_b)) = (a.as_chunks(), b.as_chunks());
    let words = a.iter().zip(b).map(|(a, b)| u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b));
    let bytes = last_a.iter().zip(last_b).map(|(a, b)| u64::from(a ^ b));
    words.chain(bytes).fold(0, |odd, each| odd | each)
}

/// A 1-based position in a table, valid until its row is removed; 0 is none.
pub(crate) type Place = u32;

/// The most rows of one bucket, and so the most steps of a search. Of a million rows with a secret
/// seed not even 16 meet in one but once in 10^9 tables.
const CHAIN: usize = 32;

/// Places at which a row is at home ([`Row::HOME`]): that with its bucket's number and those after it.
/// They lie side by side in memory, so that looking at all takes hardly longer than at one.
const NEAR: usize = 4;

/// To the next row of the same bucket, or of the free rows.
const NEXT: usize = 0;
/// To the next marked row; the last one's is its own. 0 is not marked.
const MARK: usize = 1;

/// Where a table's lists begin.
#[derive(Clone, Copy, Default)]
pub(crate) struct Head {
    /// The first that was given back, of those up to `touched`.
    free: Packed<3>,
    /// Up to here a place without a row is in the list of free ones, beyond it none is.
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

    /// How many places, of so many, there may have been rows at.
    fn touched<R: Row>(&self, rows: usize) -> usize {
        if R::HOME { rows } else { place_of(self.touched) as usize }
    }
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
    pub(crate) changes: Changes<&'a mut [u8]>,
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
        let bucket = bucket_of::<R>(seed, key, self.rows.len());
        let first = self.buckets.get(bucket, 0);
        if R::HOME
            && let Some(found) = self.find_at_home(bucket, key)
        {
            return Some(found);
        }
        self.find_from(first, key)
    }

    /// The row with this key, if it lies at home. No branch leads from one of these places to the
    /// next, so that the processor asks for all of them at once.
    fn find_at_home(&self, home: Place, key: &R::Key) -> Option<(Place, &'a R)> {
        let rows = self.rows.get(usize::try_from(home.checked_sub(1)?).ok()?..)?;
        let near = (1..).zip(rows.first_chunk::<NEAR>()?);
        let at = near.fold(0, |at, (n, row)| at.max(Place::from(row.is_of(key)).wrapping_mul(n)));
        let place = home.checked_add(at.checked_sub(1)?)?;
        self.get(place).map(|row| (place, row))
    }

    /// Where the search for a key begins. Who seeks in several tables before searching any waits
    /// for their memory at once: tables of a million rows lie in no cache.
    pub(crate) fn seek(&self, seed: &Seed, key: &R::Key) -> Place {
        self.buckets.get(bucket_of::<R>(seed, key, self.rows.len()), 0)
    }

    /// The row with this key, which was sought.
    pub(crate) fn find_from(&self, first: Place, key: &R::Key) -> Option<(Place, &'a R)> {
        self.chain_from(first).find(|(_, row)| row.is_of(key))
    }

    pub(crate) fn get(&self, place: Place) -> Option<&'a R> {
        at(self.rows, place).filter(|row| !row.is_vacant())
    }

    /// Where a row's own link leads; 0 is nowhere.
    pub(crate) fn link(&self, place: Place, own: usize) -> Place {
        self.links.get(place, column::<R>(own))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        (1..)
            .zip(self.rows.iter().take(self.head.touched::<R>(self.rows.len())))
            .filter(|(_, row)| !row.is_vacant())
    }

    /// The rows of one bucket.
    fn chain(&self, bucket: Place) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        self.chain_from(self.buckets.get(bucket, 0))
    }

    /// The rows of one bucket, of which this is the first. Never more than [`CHAIN`], even in
    /// damaged memory.
    ///
    /// A row's link is read before its key is looked at, so that the processor waits for both at
    /// once: what a decision costs at a million rows is a third more without.
    fn chain_from(&self, first: Place) -> impl Iterator<Item = (Place, &'a R)> + use<'a, R> {
        let (rows, links) = (self.rows, self.links);
        let mut place = first;
        core::iter::from_fn(move || {
            let row = at(rows, place)?;
            let found = place;
            place = links.get(found, NEXT);
            Some((found, row))
        })
        .take(CHAIN)
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
        self.changes.note(place);
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
        self.changes.note(place);
        self.links.set(place, column::<R>(own), to);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.view().len() >= self.rows.len()
    }

    /// Every place there has ever been a row at.
    pub(crate) fn places(&self) -> core::ops::RangeInclusive<Place> {
        let touched = self.head.touched::<R>(self.rows.len());
        1..=Place::try_from(touched).unwrap_or(Place::MAX)
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut R> {
        let touched = self.head.touched::<R>(self.rows.len());
        self.places().for_each(|place| self.changes.note(place));
        self.rows.iter_mut().take(touched).filter(|row| !row.is_vacant())
    }

    /// Adds a row whose key is not in the table, its own links leading nowhere; `None` if there is
    /// no room, or none in its bucket.
    pub(crate) fn insert(&mut self, seed: &Seed, row: R) -> Option<Place> {
        if self.is_full() || row.is_vacant() {
            return None;
        }
        let bucket = bucket_of::<R>(seed, row.key(), self.rows.len());
        if self.view().chain(bucket).count() >= CHAIN {
            return None;
        }
        let place = self.take_place(bucket)?;
        *at_mut(self.rows, place)? = row;
        self.changes.note(place);
        self.links.set(place, NEXT, self.buckets.view().get(bucket, 0));
        self.buckets.set(bucket, 0, place);
        for own in 0..R::OWN {
            self.set_link(place, own, 0);
        }
        self.head.used.count();
        Some(place)
    }

    /// A place without a row, which is not free any longer: at home, one that was given back, or the
    /// next that has not been used.
    fn take_place(&mut self, home: Place) -> Option<Place> {
        let touched = place_of(self.head.touched);
        let mut near = (home..).take(if R::HOME { NEAR } else { 0 });
        let vacant =
            |place: &Place| *place > touched && at(self.rows, *place).is_some_and(Row::is_vacant);
        if let Some(place) = near.find(vacant) {
            return Some(place);
        }
        let free = place_of(self.head.free);
        if free != 0 {
            self.head.free = packed(self.links.view().get(free, NEXT));
            return Some(free);
        }
        // Rows at home lie in between. Each is passed over once.
        let next = (touched.saturating_add(1)..)
            .find(|place| at(self.rows, *place).is_none_or(Row::is_vacant))?;
        self.head.touched = packed(next);
        Some(next)
    }

    /// Takes a row out. A mark on it is dropped when its turn comes.
    pub(crate) fn remove(&mut self, seed: &Seed, place: Place) {
        let Some(row) = self.get(place) else { return };
        let bucket = bucket_of::<R>(seed, row.key(), self.rows.len());
        self.changes.note(place);
        let before = self.view().chain(bucket).map(|(before, _)| before);
        let before = before.take_while(|before| *before != place).last();
        let next = self.links.view().get(place, NEXT);
        match before {
            None => self.buckets.set(bucket, 0, next),
            Some(before) => self.links.set(before, NEXT, next),
        }
        if let Some(row) = at_mut(self.rows, place) {
            *row = R::VACANT;
        }
        if place <= place_of(self.head.touched) {
            self.links.set(place, NEXT, place_of(self.head.free));
            self.head.free = packed(place);
        }
        self.head.used = Packed::new(self.head.used.get().saturating_sub(1));
    }

    /// Takes out everything.
    pub(crate) fn clear(&mut self) {
        self.places().for_each(|place| self.changes.note(place));
        *self.head = Head::EMPTY;
        self.buckets.clear();
        self.links.clear();
        self.rows.fill(R::VACANT);
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
mod tests;
