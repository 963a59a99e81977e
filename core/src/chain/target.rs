//! Proof of work: the number that a block hash must not exceed.

use core::fmt;

use k256::U256;

use crate::{BlockHash, Network};

/// Why four bytes of difficulty are no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The sign bit is set.
    Negative,
    /// No hash is below it.
    Zero,
    /// More than 256 bits.
    Overflow,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "the target is negative",
            Self::Zero => "the target is zero",
            Self::Overflow => "the target has more than 256 bits",
        })
    }
}

impl core::error::Error for TargetError {}

/// The greatest hash, read as a number, that has enough work in it. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(U256);

impl Target {
    /// From the compact form in a header: a byte of length, then the three leading bytes (lotusd,
    /// `arith_uint256.cpp`).
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn from_bits(bits: u32) -> Result<Self, TargetError> {
        let [len, ..] = bits.to_be_bytes();
        // A number of fewer than three bytes keeps only its leading ones.
        let surplus = 8_u32.saturating_mul(3_u32.saturating_sub(len.into()));
        let mantissa = (bits & 0x007f_ffff).checked_shr(surplus).unwrap_or(0);
        if mantissa == 0 {
            return Err(TargetError::Zero);
        }
        if bits & 0x0080_0000 != 0 {
            return Err(TargetError::Negative);
        }
        let fits = match len {
            0..=32 => true,
            33 => mantissa <= 0xffff,
            34 => mantissa <= 0xff,
            _ => false,
        };
        if !fits {
            return Err(TargetError::Overflow);
        }
        let shift = 8_u32.saturating_mul(u32::from(len).saturating_sub(3));
        Ok(Self(U256::from_u32(mantissa).wrapping_shl_vartime(shift)))
    }

    /// The easiest target that the chain allows (lotusd, `chainparams.cpp`).
    #[must_use]
    pub const fn limit(network: Network) -> Self {
        Self(match network {
            Network::Main => U256::from_u32(0x10).wrapping_shl_vartime(216),
            Network::Test => U256::MAX.wrapping_shr_vartime(32),
            Network::Reg => U256::MAX.wrapping_shr_vartime(1),
        })
    }

    /// Whether the hash has the work that this target asks for.
    #[must_use]
    pub fn is_met_by(&self, hash: &BlockHash) -> bool {
        U256::from_le_slice(hash.as_bytes()) <= self.0
    }

    /// The number, big-endian: the order in which hashes are displayed.
    #[must_use]
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0.to_be_bytes().into()
    }
    /// How many hashes it takes to find one that meets the target, on average; stops at
    /// `u128::MAX`.
    #[must_use]
    pub fn work(self) -> u128 {
        // 2^256 / (target + 1) = (2^256 - 1 - target) / (target + 1) + 1, which is 1 for the upper
        // half of all targets. Bit by bit: the division of U256 may panic, as far as a compiler sees.
        let (dividend, divisor) = (self.0.not(), self.0.wrapping_add(&U256::ONE));
        if dividend < self.0 {
            return 1;
        }
        let (mut rest, mut quotient) = (U256::ZERO, 0_u128);
        for bit in (0..U256::BITS).rev() {
            rest = rest.wrapping_shl_vartime(1);
            if dividend.bit_vartime(bit) {
                rest = rest.wrapping_add(&U256::ONE);
            }
            let fits = rest >= divisor;
            if fits {
                rest = rest.wrapping_sub(&divisor);
            }
            if quotient.leading_zeros() == 0 {
                return u128::MAX;
            }
            quotient = quotient << 1 | u128::from(fits);
        }
        quotient.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_positive_and_fits() {
        use TargetError::*;
        for (bits, error) in [
            (0, Zero),
            (0x1c00_0000, Zero),
            (0x0000_ffff, Zero),
            (0x0100_ffff, Zero),
            (0x0180_0000, Zero),
            (0x0080_0000, Zero),
            (0x1c80_0001, Negative),
            (0x0481_0000, Negative),
            (0x2101_0000, Overflow),
            (0x2200_0100, Overflow),
            (0x2300_0001, Overflow),
            (0xff00_0001, Overflow),
        ] {
            assert_eq!(Target::from_bits(bits), Err(error), "{bits:08x}");
        }
        let top = |bits| Target::from_bits(bits).unwrap().to_be_bytes()[..2].to_vec();
        assert_eq!(top(0x2100_ffff), [0xff, 0xff]);
        assert_eq!(top(0x2200_00ff), [0xff, 0]);
        assert_eq!(Target::from_bits(0x0101_0000).unwrap().to_be_bytes()[31], 1);
        assert_eq!(Target::from_bits(0x0312_3456).unwrap().to_be_bytes()[29..], [0x12, 0x34, 0x56]);
    }

    #[test]
    fn a_hash_equal_to_the_target_meets_it() {
        let target = Target::from_bits(0x1c10_0000).unwrap();
        let equal = BlockHash::from_display_bytes(target.to_be_bytes());
        assert!(target.is_met_by(&equal));
        let mut above = target.to_be_bytes();
        above[31] = 1;
        assert!(!target.is_met_by(&BlockHash::from_display_bytes(above)));
    }

    #[test]
    fn work_is_what_the_division_of_256_bits_gives() {
        use k256::elliptic_curve::bigint::{NonZero, U128};
        let mut checked = 0;
        for bits in
            (0..=0x22).flat_map(|len: u32| [1, 3, 0xff, 0x1234, 0x7f_ffff].map(|n| len << 24 | n))
        {
            let Ok(target) = Target::from_bits(bits) else { continue };
            let Some(divisor) = NonZero::new(target.0.wrapping_add(&U256::ONE)).into_option()
            else {
                continue;
            };
            let whole = target.0.not().wrapping_div(&divisor).wrapping_add(&U256::ONE);
            let (low, high) = whole.split();
            let expected = if high == U128::ZERO { low.into() } else { u128::MAX };
            assert_eq!(target.work(), expected, "{bits:08x}");
            checked += 1;
        }
        assert!(checked > 100, "{checked}");
    }

    #[test]
    fn work_of_the_extremes() {
        assert_eq!(Target::limit(Network::Reg).work(), 2);
        assert_eq!(Target::from_bits(0x0101_0000).unwrap().work(), u128::MAX);
    }
}
