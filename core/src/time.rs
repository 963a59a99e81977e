//! Points in time and spans, both in milliseconds; never read from a clock here.

use core::fmt;

use crate::packed::Packed;

/// Milliseconds since the Unix epoch, as the caller's clock gives them, in 48 bits: up to the
/// year 10889. What is later is [`Timestamp::NEVER`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(Packed<6>);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(Packed::ZERO);
    /// Later than everything: "until lifted".
    pub const NEVER: Self = Self(Packed::MAX);

    /// From milliseconds since the Unix epoch; stops at [`Timestamp::NEVER`].
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(Packed::new(ms))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0.get()
    }

    /// Microseconds since the epoch, the unit of rate windows.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.as_millis().saturating_mul(1000)
    }

    /// The first whole millisecond at or after `us` microseconds since the epoch.
    #[must_use]
    pub const fn at_or_after_micros(us: u64) -> Self {
        Self::from_millis(us.div_ceil(1000))
    }

    /// `span` later; stops at [`Timestamp::NEVER`].
    #[must_use]
    pub const fn saturating_add(self, span: Millis) -> Self {
        Self::from_millis(self.as_millis().saturating_add(span.0))
    }

    /// `span` earlier; stops at the epoch.
    #[must_use]
    pub const fn saturating_sub(self, span: Millis) -> Self {
        Self::from_millis(self.as_millis().saturating_sub(span.0))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.as_millis().saturating_sub(earlier.as_millis()))
    }

    /// A stored deadline, cut to the latest that its rule could give at `now`.
    ///
    /// When a clock steps back, deadlines made before the step would otherwise last as long as
    /// the step was (policy §2).
    #[must_use]
    pub fn cut(self, now: Self, longest: Millis) -> Self {
        self.min(now.saturating_add(longest))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&self.as_millis()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_millis())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        u64::deserialize(source).map(Self::from_millis)
    }
}

/// A time in whole seconds since the epoch: up to the year 2106.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seconds(Packed<4>);

impl Seconds {
    pub(crate) const ZERO: Self = Self(Packed::ZERO);

    pub(crate) const fn of(time: Timestamp) -> Self {
        Self(Packed::new(time.as_millis() / 1000))
    }

    pub(crate) const fn time(self) -> Timestamp {
        Timestamp::from_millis(self.0.get().saturating_mul(1000))
    }
}

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Millis(u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Longer than everything.
    pub const MAX: Self = Self(u64::MAX);

    /// From milliseconds.
    #[must_use]
    pub const fn new(ms: u64) -> Self {
        Self(ms)
    }

    /// From seconds; stops at `u64::MAX` milliseconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1000))
    }

    /// From minutes.
    #[must_use]
    pub const fn from_mins(m: u64) -> Self {
        Self::from_secs(m.saturating_mul(60))
    }

    /// From hours.
    #[must_use]
    pub const fn from_hours(h: u64) -> Self {
        Self::from_mins(h.saturating_mul(60))
    }

    /// From days of 24 hours.
    #[must_use]
    pub const fn from_days(d: u64) -> Self {
        Self::from_hours(d.saturating_mul(24))
    }

    /// Milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Microseconds; stops at `u64::MAX`.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0.saturating_mul(1000)
    }

    /// Both together; stops at `u64::MAX`.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `factor` times as long; stops at `u64::MAX`.
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}
