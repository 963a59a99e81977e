//! What a transaction pays to be mined.

use std::str::FromStr;

use ltms_core::Amount;

/// A fee for each 1,000 bytes, within what nodes relay and send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeeRate(u64);

/// A fee rate that nodes would not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeeRateError {
    /// Below [`FeeRate::MIN`].
    #[error("a fee rate below 1000 satoshis per 1000 bytes is not relayed")]
    TooLow,
    /// Above [`FeeRate::MAX`].
    #[error("a fee rate above 10 XPI (10000000 satoshis) per 1000 bytes is surely a mistake")]
    TooHigh,
    /// Not a whole number.
    #[error("a fee rate is a whole number of satoshis per 1000 bytes")]
    NotANumber,
}

impl FeeRate {
    /// What nodes relay at least (lotusd, `validation.h`), and enough while blocks are not full.
    pub const MIN: Self = Self(1_000);
    /// What lotusd's `sendrawtransaction` takes at most by default (lotusd, `node/transaction.h`).
    pub const MAX: Self = Self(10_000_000);

    /// From satoshis for each 1,000 bytes.
    ///
    /// # Errors
    /// [`FeeRateError`] outside of [`Self::MIN`] to [`Self::MAX`].
    pub const fn from_sats_per_kb(sats: u64) -> Result<Self, FeeRateError> {
        match sats {
            0..1_000 => Err(FeeRateError::TooLow),
            1_000..=10_000_000 => Ok(Self(sats)),
            _ => Err(FeeRateError::TooHigh),
        }
    }

    /// The fee of this many bytes, rounded up; stops at `u64::MAX` satoshis.
    #[must_use]
    pub const fn fee(self, bytes: usize) -> Amount {
        Amount::from_sats(self.0.saturating_mul(bytes as u64).div_ceil(1_000))
    }
}

impl Default for FeeRate {
    fn default() -> Self {
        Self::MIN
    }
}

impl FromStr for FeeRate {
    type Err = FeeRateError;

    fn from_str(text: &str) -> Result<Self, FeeRateError> {
        text.parse().map_err(|_| FeeRateError::NotANumber).and_then(Self::from_sats_per_kb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_rounded_up() {
        let rate = FeeRate::from_sats_per_kb(1_001).unwrap();
        assert_eq!(rate.fee(250), Amount::from_sats(251));
        assert_eq!(FeeRate::MIN.fee(250), Amount::from_sats(250));
        assert_eq!(FeeRate::MIN.fee(0), Amount::ZERO);
        assert_eq!(FeeRate::MAX.fee(1_000), Amount::from_xpi(10));
    }

    #[test]
    fn rates_that_nodes_refuse_are_none() {
        assert_eq!("999".parse::<FeeRate>(), Err(FeeRateError::TooLow));
        assert_eq!("1000".parse(), Ok(FeeRate::MIN));
        assert_eq!("10000000".parse(), Ok(FeeRate::MAX));
        assert_eq!("10000001".parse::<FeeRate>(), Err(FeeRateError::TooHigh));
        for text in ["", "1e3", "-1000", "1000.5", "99999999999999999999"] {
            assert_eq!(text.parse::<FeeRate>(), Err(FeeRateError::NotANumber), "{text}");
        }
    }
}
