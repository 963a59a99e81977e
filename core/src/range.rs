//! Amounts in few bytes, as the directory keeps them.

use crate::Amount;
use crate::packed::Packed;
use crate::snapshot::{Codec, Record, record};
use crate::wire::AmountRange;

/// An amount with six significant digits: a decimal exponent in 4 bits and 20 bits.
#[derive(Clone, Copy)]
struct Digits(Packed<3>);

impl Digits {
    const ZERO: Self = Self(Packed::ZERO);
    const BITS: u32 = 20;

    /// The next amount that can be written, not below `amount` if `up`, otherwise not above.
    fn of(amount: Amount, up: bool) -> Self {
        let (mut digits, mut exponent) = (amount.sats(), 0u64);
        while digits >> Self::BITS != 0 {
            digits = if up { digits.div_ceil(10) } else { digits / 10 };
            exponent = exponent.saturating_add(1);
        }
        Self(Packed::new(exponent << Self::BITS | digits))
    }

    fn amount(self) -> Amount {
        let packed = self.0.get();
        let (exponent, digits) = (packed >> Self::BITS, packed & ((1 << Self::BITS) - 1));
        let unit = 10u64.saturating_pow(u32::try_from(exponent).unwrap_or(u32::MAX));
        Amount::from_sats(digits.saturating_mul(unit))
    }
}

impl Record for Digits {
    /// The amount as it is: six digits survive that.
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut sats = self.amount().sats();
        sats.fields(codec);
        *self = Self::of(Amount::from_sats(sats), false);
    }
}

record!(Range: min, max);

/// An amount range, rounded outward where an end has more than six significant digits.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    min: Digits,
    max: Digits,
}

impl Range {
    pub(crate) const ZERO: Self = Self { min: Digits::ZERO, max: Digits::ZERO };

    pub(crate) fn of(range: &AmountRange) -> Self {
        Self { min: Digits::of(range.min, false), max: Digits::of(range.max, true) }
    }

    pub(crate) fn contains(&self, amount: Amount) -> bool {
        AmountRange { min: self.min.amount(), max: self.max.amount() }.contains(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_amount_is_rounded_outward_by_less_than_one_in_a_hundred_thousand(
            sats in any::<u64>(), shift in 0u32..64,
        ) {
            let sats = sats >> shift;
            let of = |up| Digits::of(Amount::from_sats(sats), up).amount().sats();
            prop_assert!(of(false) <= sats && sats <= of(true));
            prop_assert!(of(true) - of(false) <= sats / 100_000);
        }

        #[test]
        fn six_digits_are_exact(digits in 0u64..1_048_576, exponent in 0u32..13) {
            let sats = digits * 10u64.pow(exponent);
            for up in [false, true] {
                prop_assert_eq!(Digits::of(Amount::from_sats(sats), up).amount().sats(), sats);
            }
        }

        #[test]
        fn every_amount_lies_in_its_own_range_and_no_bound_is_lost(sats in any::<u64>()) {
            let amount = Amount::from_sats(sats);
            let only = AmountRange { min: amount, max: amount };
            for range in [only, AmountRange::ANY] {
                let holds = Range::of(&range).contains(amount);
                prop_assert!(holds);
            }
        }
    }
}
