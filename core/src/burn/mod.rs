//! Burns: the LTMS output script, what each purpose costs, tiers.

mod rates;
mod script;

pub use rates::{Economy, Tier};
pub use script::{BurnScript, Script, ScriptError, ScriptErrorKind};

/// What a burn after the registration is for (policy §6). The numbers stand in scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Purpose {
    /// The script's key becomes the identity's current key.
    Rotation = 1,
    /// One more key slot; the script's key is the added key.
    AdditionalKey = 2,
    /// One signing request, where requests are charged for.
    SigningRequest = 3,
    /// Seven more days of lifetime, where lifetime is charged for.
    WeeklyExtension = 4,
    /// One more transaction type above four, where types are charged for.
    DirectoryEntry = 5,
    /// Adds to the tier's total.
    TopUp = 6,
}

impl Purpose {
    /// Every purpose, in the order of the codes.
    pub const ALL: [Self; 6] = [
        Self::Rotation,
        Self::AdditionalKey,
        Self::SigningRequest,
        Self::WeeklyExtension,
        Self::DirectoryEntry,
        Self::TopUp,
    ];

    /// The number in scripts.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The purpose with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }
}
