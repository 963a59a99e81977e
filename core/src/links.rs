//! Links between rows: places, in as few bytes as the largest needs.

use core::ops::{Deref, DerefMut};

use crate::table::Place;

/// Bytes of a link in a table of `rows` rows.
pub(crate) const fn width(rows: usize) -> usize {
    match rows {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        _ => 3,
    }
}

/// Bytes of a link, where so many rows with `columns` links each take `bytes` in all.
pub(crate) const fn width_of(bytes: usize, rows: usize, columns: usize) -> usize {
    let one = rows.saturating_mul(columns);
    if bytes <= one {
        1
    } else if bytes <= one.saturating_mul(2) {
        2
    } else {
        3
    }
}

/// A table of links: so many columns for every place, each of `width` bytes.
#[derive(Clone, Copy)]
pub(crate) struct Links<B> {
    bytes: B,
    width: usize,
    columns: usize,
}

impl<B> Links<B> {
    pub(crate) const fn new(bytes: B, width: usize, columns: usize) -> Self {
        Self { bytes, width, columns }
    }

    fn start(&self, place: Place, column: usize) -> Option<usize> {
        let row = usize::try_from(place.checked_sub(1)?).ok()?;
        row.checked_mul(self.columns)?.checked_add(column)?.checked_mul(self.width)
    }
}

impl<B: Deref<Target = [u8]>> Links<B> {
    /// The link in this column of this place; 0 is none.
    pub(crate) fn get(&self, place: Place, column: usize) -> Place {
        let start = self.start(place, column);
        match start.and_then(|start| self.bytes.get(start..)?.get(..self.width)) {
            Some([a]) => Place::from(*a),
            Some([a, b]) => Place::from(u16::from_be_bytes([*a, *b])),
            Some([a, b, c]) => Place::from_be_bytes([0, *a, *b, *c]),
            _ => 0,
        }
    }

    pub(crate) fn view(&self) -> Links<&[u8]> {
        Links { bytes: &self.bytes, width: self.width, columns: self.columns }
    }
}

impl<B: DerefMut<Target = [u8]>> Links<B> {
    /// Lets none lead anywhere.
    pub(crate) fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// Lets this column of this place lead to `to`.
    pub(crate) fn set(&mut self, place: Place, column: usize, to: Place) {
        let (start, width) = (self.start(place, column), self.width);
        let bytes = to.to_be_bytes();
        let low = bytes.len().checked_sub(width).and_then(|high| bytes.get(high..));
        let target = start.and_then(|start| self.bytes.get_mut(start..)?.get_mut(..width));
        if let Some((target, low)) = target.zip(low) {
            target.copy_from_slice(low);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;

    #[test]
    fn links_of_each_width_hold_every_place() {
        for rows in [0, 1, 255, 256, 65_535, 65_536, 131_072] {
            let (width, columns) = (width(rows), 2);
            let mut bytes = vec![0; rows * columns * width];
            let mut links = Links::new(&mut bytes[..], width, columns);
            let last = Place::try_from(rows).unwrap();
            for (place, column, to) in [(1, 0, last), (1, 1, 1), (last, 1, last)] {
                links.set(place, column, to);
            }
            let expected = [last, if rows == 1 { last } else { 1 }.min(last), last];
            let found = [links.get(1, 0), links.get(1, 1), links.get(last, 1)];
            assert_eq!(found, expected, "{rows}");
            for (place, column) in [(0, 0), (last + 1, 0)] {
                links.set(place, column, last);
                assert_eq!(links.get(place, column), 0, "{rows}");
            }
        }
    }
}
