//! Integers of as few bytes as they need, so that rows are small.

use core::fmt;

/// An unsigned integer of `N` bytes, at most 8, which stops at the largest it can hold. It lies
/// at any address, and its bytes order as numbers do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Packed<const N: usize>([u8; N]);

impl<const N: usize> Packed<N> {
    pub(crate) const ZERO: Self = Self([0; N]);
    pub(crate) const MAX: Self = Self([u8::MAX; N]);

    pub(crate) const fn new(value: u64) -> Self {
        let bytes = value.to_be_bytes();
        match bytes.last_chunk::<N>() {
            Some(low) if value <= Self::MAX.get() => Self(*low),
            _ => Self::MAX,
        }
    }

    pub(crate) const fn get(self) -> u64 {
        let mut bytes = [0; 8];
        if let Some(low) = bytes.last_chunk_mut::<N>() {
            *low = self.0;
        }
        u64::from_be_bytes(bytes)
    }

    /// One more.
    pub(crate) const fn count(&mut self) {
        *self = Self::new(self.get().saturating_add(1));
    }
}

impl<const N: usize> Default for Packed<N> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const N: usize> fmt::Debug for Packed<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Yes-or-no facts of a row, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn of(bits: u8) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Unsets it; whether it was set.
    pub(crate) const fn take(&mut self, flag: u8) -> bool {
        let had = self.has(flag);
        self.set(flag, false);
        had
    }

    pub(crate) const fn set(&mut self, flag: u8, on: bool) {
        self.0 = if on { self.0 | flag } else { self.0 & !flag };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn holds_what_fits_and_stops_at_the_largest(a in any::<u64>(), b in any::<u64>(), shift in 0u32..64) {
            let (a, b) = (a >> shift, b >> shift);
            let most = (1 << 48) - 1;
            prop_assert_eq!(Packed::<6>::new(a).get(), a.min(most));
            prop_assert_eq!(Packed::<8>::new(a).get(), a);
            prop_assert_eq!(Packed::<6>::new(a).cmp(&Packed::new(b)), a.min(most).cmp(&b.min(most)));
        }
    }

    #[test]
    fn a_flag_is_one_bit() {
        let mut flags = Flags::NONE;
        flags.set(2, true);
        flags.set(8, true);
        flags.set(2, false);
        assert!(flags.has(8) && !flags.has(2) && !flags.has(1));
    }
}
