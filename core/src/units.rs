//! Amounts and block heights.

/// An amount in satoshis; 1 XPI = 1,000,000 satoshis (lotusd `amount.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Amount(u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Satoshis in one XPI.
    pub const SATS_PER_XPI: u64 = 1_000_000;
    /// No output and no sum of outputs is larger (lotusd `amount.h`: 2,100,000,000 XPI).
    pub const MAX_MONEY: Self = Self::from_xpi(2_100_000_000);

    /// From satoshis.
    #[must_use]
    pub const fn from_sats(sats: u64) -> Self {
        Self(sats)
    }

    /// From whole XPI; stops at `u64::MAX` satoshis.
    #[must_use]
    pub const fn from_xpi(xpi: u64) -> Self {
        Self(xpi.saturating_mul(Self::SATS_PER_XPI))
    }

    /// Satoshis.
    #[must_use]
    pub const fn sats(self) -> u64 {
        self.0
    }

    /// The sum; stops at `u64::MAX` satoshis.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl core::fmt::Display for Amount {
    /// Six decimals, as lotusd prints amounts: `50.000000 XPI`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (whole, part) = (self.0 / Self::SATS_PER_XPI, self.0 % Self::SATS_PER_XPI);
        write!(f, "{whole}.{part:06} XPI")
    }
}

/// The height of a block; the genesis block has height 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct BlockHeight(u32);

impl BlockHeight {
    /// From a number.
    #[must_use]
    pub const fn new(height: u32) -> Self {
        Self(height)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Confirmations of something in this block when the chain ends at `tip`:
    /// `tip − height + 1`, and 0 for a block above the tip (policy §6).
    #[must_use]
    pub const fn confirmations(self, tip: Self) -> u32 {
        tip.0.saturating_add(1).saturating_sub(self.0)
    }
}
