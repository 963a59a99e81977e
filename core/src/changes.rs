//! Which rows of a table changed since somebody last asked, for a store that keeps a copy of each.
//!
//! Every way to change a row notes it, so that no caller has to think of the store. That a row was
//! noted does not mean that it differs.

use core::ops::{Deref, DerefMut};

use crate::table::Place;

/// A byte that says whether any row is noted, then a bit for each row. Of no bytes, it notes
/// nothing.
pub(crate) struct Changes<B>(pub(crate) B);

/// Bytes for so many rows.
#[cfg(feature = "alloc")]
pub(crate) const fn changes_len(rows: usize) -> usize {
    rows.div_ceil(8).saturating_add(1)
}

fn bit(place: Place) -> Option<(usize, u8)> {
    let row = usize::try_from(place.checked_sub(1)?).ok()?;
    Some(((row / 8).saturating_add(1), 1 << (row % 8)))
}

impl<B: Deref<Target = [u8]>> Changes<B> {
    /// Whether any row is noted.
    pub(crate) fn any(&self) -> bool {
        self.0.first().is_some_and(|any| *any != 0)
    }
}

impl<B: DerefMut<Target = [u8]>> Changes<B> {
    pub(crate) fn note(&mut self, place: Place) {
        let Some((byte, bit)) = bit(place) else { return };
        if let Some(byte) = self.0.get_mut(byte) {
            *byte |= bit;
            self.0.iter_mut().take(1).for_each(|any| *any = 1);
        }
    }

    /// Hands over the places that are noted, ascending, and forgets them.
    pub(crate) fn take(&mut self, mut each: impl FnMut(Place)) {
        if !self.any() {
            return;
        }
        let mut bytes = self.0.iter_mut();
        bytes.next().into_iter().for_each(|any| *any = 0);
        for (first, byte) in (1..).step_by(8).zip(bytes) {
            let noted = core::mem::take(byte);
            (first..).zip(0..8).filter(|(_, bit)| noted >> bit & 1 == 1).for_each(|(place, _)| {
                each(place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn what_is_noted_is_told_once_and_what_has_no_room_is_not() {
        let mut memory = [0; 1 + 2];
        let mut changes = Changes(&mut memory[..]);
        let told = |changes: &mut Changes<&mut [u8]>| {
            let mut places = Vec::new();
            changes.take(|place| places.push(place));
            places
        };
        for place in [16, 1, 9, 8, 9, 17, 0, u32::MAX] {
            changes.note(place);
        }
        assert!(changes.any());
        assert_eq!(told(&mut changes), [1, 8, 9, 16]);
        assert!(!changes.any() && told(&mut changes).is_empty());
        let mut none = Changes(&mut [][..]);
        none.note(1);
        assert!(!none.any() && told(&mut none).is_empty());
    }
}
