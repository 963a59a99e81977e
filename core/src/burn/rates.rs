//! What burns buy, and what an attack with them costs.

use super::Purpose;
use crate::{Amount, Burns, Keys};

impl Purpose {
    /// The least burn for this purpose.
    #[must_use]
    pub const fn price(self, burns: &Burns) -> Amount {
        match self {
            Self::Rotation => burns.rotation,
            Self::AdditionalKey => burns.additional_key,
            Self::SigningRequest => burns.request,
            Self::WeeklyExtension => burns.extension,
            Self::DirectoryEntry => burns.directory_entry,
            Self::TopUp => burns.top_up,
        }
    }

    /// Whether a burn for this purpose does anything: without [`Burns::fees`] requests, lifetime
    /// and directory entries are free.
    #[must_use]
    pub const fn is_charged(self, burns: &Burns) -> bool {
        match self {
            Self::Rotation | Self::AdditionalKey | Self::TopUp => true,
            Self::SigningRequest | Self::WeeklyExtension | Self::DirectoryEntry => burns.fees,
        }
    }
}

/// What an identity burned in all decides how many keys it may have (policy §5). It says nothing
/// about trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The registration alone.
    Basic,
    /// From [`Burns::verified`].
    Verified,
    /// From [`Burns::institutional`].
    Institutional,
}

impl Tier {
    /// The tier of an identity whose registration and top-ups come to `total`; none where that
    /// would not even register.
    #[must_use]
    pub fn of(total: Amount, burns: &Burns) -> Option<Self> {
        if total < burns.registration {
            None
        } else if total < burns.verified {
            Some(Self::Basic)
        } else if total < burns.institutional {
            Some(Self::Verified)
        } else {
            Some(Self::Institutional)
        }
    }

    /// How many keys may advertise at once, before additional ones are bought.
    #[must_use]
    pub const fn key_limit(self, keys: &Keys) -> u16 {
        match self {
            Self::Basic => keys.basic,
            Self::Verified => keys.verified,
            Self::Institutional => keys.institutional,
        }
    }
}

/// The money there is, to say what an attack means beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Economy {
    /// Coins that exist.
    pub supply: Amount,
    /// Coins burned so far, for whatever reason.
    pub burned: Amount,
    /// Coins that miners make in a day.
    pub daily_issuance: Amount,
}

impl Economy {
    /// November 2025: 1,842,071,183 XPI, of which 24,752,006.72 are burned; 1,027,397 a day.
    pub const NOVEMBER_2025: Self = Self {
        supply: Amount::from_xpi(1_842_071_183),
        burned: Amount::from_sats(24_752_006_720_000),
        daily_issuance: Amount::from_xpi(1_027_397),
    };

    /// The same coins with the issuance at height 1,292,529: 720 blocks a day, each of
    /// 260 × (1 + log2 difficulty) XPI (policy §13).
    pub const HEIGHT_1_292_529: Self =
        Self { daily_issuance: Amount::from_xpi(319_000), ..Self::NOVEMBER_2025 };

    /// The burn that registers `count` identities; stops at `u64::MAX` satoshis.
    #[must_use]
    pub const fn cost(count: u64, burns: &Burns) -> Amount {
        Amount::from_sats(burns.registration.sats().saturating_mul(count))
    }

    /// `amount` as a share of a day's issuance in 1/1,000,000, half up; none where nothing is
    /// issued.
    #[must_use]
    pub const fn share_of_day(&self, amount: Amount) -> Option<u64> {
        millionths(amount, self.daily_issuance)
    }

    /// `amount` as a share of the supply in 1/1,000,000, half up; none where there is no supply.
    #[must_use]
    pub const fn share_of_supply(&self, amount: Amount) -> Option<u64> {
        millionths(amount, self.supply)
    }
}

impl Default for Economy {
    fn default() -> Self {
        Self::NOVEMBER_2025
    }
}

/// `part` of `whole` in 1/1,000,000, half up; stops at `u64::MAX`.
const fn millionths(part: Amount, whole: Amount) -> Option<u64> {
    let (part, whole) = (part.sats() as u128, whole.sats() as u128);
    // (2,000,000·part + whole) / 2·whole is 1,000,000·part / whole, half up; nothing here reaches
    // 2^86.
    let doubled = part.saturating_mul(2_000_000).saturating_add(whole);
    match doubled.checked_div(whole.saturating_mul(2)) {
        Some(share) if share > u64::MAX as u128 => Some(u64::MAX),
        Some(share) => Some(share as u64),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    const BURNS: Burns = Policy::LOTUS_V1.burns;

    #[test]
    fn tiers_begin_at_their_totals() {
        let one_less = |xpi| Amount::from_sats(Amount::from_xpi(xpi).sats() - 1);
        assert_eq!(Tier::of(Amount::ZERO, &BURNS), None);
        assert_eq!(Tier::of(one_less(50), &BURNS), None);
        assert_eq!(Tier::of(Amount::from_xpi(50), &BURNS), Some(Tier::Basic));
        assert_eq!(Tier::of(one_less(200), &BURNS), Some(Tier::Basic));
        assert_eq!(Tier::of(Amount::from_xpi(200), &BURNS), Some(Tier::Verified));
        assert_eq!(Tier::of(one_less(1_000), &BURNS), Some(Tier::Verified));
        assert_eq!(Tier::of(Amount::from_xpi(1_000), &BURNS), Some(Tier::Institutional));
        assert_eq!(Tier::of(Amount::MAX_MONEY, &BURNS), Some(Tier::Institutional));
    }

    #[test]
    fn keys_of_each_tier() {
        let keys = Policy::LOTUS_V1.keys;
        let limits = [Tier::Basic, Tier::Verified, Tier::Institutional].map(|t| t.key_limit(&keys));
        assert_eq!(limits, [10, 50, 100]);
    }

    #[test]
    fn prices_of_each_purpose() {
        let prices = Purpose::ALL.map(|purpose| purpose.price(&BURNS));
        assert_eq!(prices, [5, 10, 5, 1, 2, 10].map(Amount::from_xpi));
        let charged = Purpose::ALL.map(|purpose| purpose.is_charged(&BURNS));
        assert_eq!(charged, [true, true, false, false, false, true]);
        let fees = Burns { fees: true, ..BURNS };
        assert!(Purpose::ALL.iter().all(|purpose| purpose.is_charged(&fees)));
    }

    #[test]
    fn codes_are_read_back() {
        for code in 0..=u8::MAX {
            let purpose = Purpose::from_code(code);
            assert_eq!(purpose.map(Purpose::code), (1..=6).contains(&code).then_some(code));
        }
    }

    #[test]
    fn a_hundred_identities_cost_half_a_percent_of_a_day() {
        let economy = Economy::NOVEMBER_2025;
        let difficult = Economy::HEIGHT_1_292_529;
        for (count, xpi, share, later) in [
            (100, 5_000, 4_867, 15_674),
            (1_000, 50_000, 48_667, 156_740),
            (10_000, 500_000, 486_667, 1_567_398),
        ] {
            let cost = Economy::cost(count, &BURNS);
            assert_eq!(cost, Amount::from_xpi(xpi));
            assert_eq!(economy.share_of_day(cost), Some(share));
            assert_eq!(difficult.share_of_day(cost), Some(later));
        }
        assert_eq!(economy.share_of_supply(economy.supply), Some(1_000_000));
    }

    #[test]
    fn extremes_stop_instead_of_wrapping() {
        let economy = Economy { daily_issuance: Amount::ZERO, ..Economy::NOVEMBER_2025 };
        assert_eq!(economy.share_of_day(Amount::from_xpi(1)), None);
        assert_eq!(Economy::cost(u64::MAX, &BURNS).sats(), u64::MAX);
        let tiny = Economy { daily_issuance: Amount::from_sats(1), ..economy };
        assert_eq!(tiny.share_of_day(Amount::from_sats(u64::MAX)), Some(u64::MAX));
    }
}
