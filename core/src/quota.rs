//! Rate windows: GCRA with one number a key.

use core::num::NonZeroU32;

use crate::packed::Packed;
use crate::snapshot::{Codec, Record};
use crate::time::{Millis, Timestamp};

/// A rate: one token every interval, and at most `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Quota {
    /// Microseconds in which one token comes back; 0 is refused by [`crate::Policy::validate`].
    pub interval_us: u64,
    /// Tokens that can be saved up.
    pub burst: NonZeroU32,
}

impl Quota {
    /// One token every `interval`, at most `burst` (at least 1) at once.
    #[must_use]
    pub const fn every(interval: Millis, burst: u32) -> Self {
        Self { interval_us: interval.as_micros(), burst: at_least_one(burst) }
    }

    /// `rate` tokens (at least 1) a second, at most `burst` (at least 1) at once.
    #[must_use]
    pub const fn per_second(rate: u32, burst: u32) -> Self {
        let interval_us = divide(Millis::from_secs(1).as_micros(), rate);
        Self { interval_us, burst: at_least_one(burst) }
    }

    /// `count` tokens (at least 1) in `span`, all of which may be saved up.
    #[must_use]
    pub const fn spread(span: Millis, count: u32) -> Self {
        let interval_us = match divide(span.as_micros(), count) {
            0 => 1,
            interval => interval,
        };
        Self { interval_us, burst: at_least_one(count) }
    }

    /// The same rate `factor` times as wide.
    #[must_use]
    pub const fn widened(self, factor: u32) -> Self {
        let burst = at_least_one(self.burst.get().saturating_mul(factor));
        Self { interval_us: divide(self.interval_us, factor), burst }
    }

    /// Half of it: half the rate and half of what can be saved up, at least one.
    #[must_use]
    pub const fn halved(self) -> Self {
        Self {
            interval_us: self.interval_us.saturating_mul(2),
            burst: at_least_one(self.burst.get() / 2),
        }
    }

    /// The same rate with so many thousandths less to save up, at least one token.
    #[must_use]
    pub const fn without(self, share: u16) -> Self {
        let left = 1_000u64.saturating_sub(share as u64);
        let burst = (self.burst.get() as u64).saturating_mul(left) / 1_000;
        // No more than the burst was.
        Self { interval_us: self.interval_us, burst: at_least_one(burst as u32) }
    }

    /// The time in which one token comes back, in whole milliseconds or a little more.
    #[must_use]
    pub const fn interval(self) -> Millis {
        Millis::new(self.interval_us.div_ceil(1000))
    }

    /// The longest that a bucket of this quota can need to be full again.
    #[must_use]
    pub const fn refill_us(self) -> u64 {
        self.interval_us.saturating_mul(self.burst.get() as u64)
    }

    /// How far ahead of now the bucket may stand and still have a token.
    const fn tolerance_us(self) -> u64 {
        self.refill_us().saturating_sub(self.interval_us)
    }
}

/// `span` divided by `n` (at least 1).
const fn divide(span: u64, n: u32) -> u64 {
    match span.checked_div(at_least_one(n).get() as u64) {
        Some(quotient) => quotient,
        None => span,
    }
}

const fn at_least_one(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// A refusal by a rate window: at exactly this time the same request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUntil(pub Timestamp);

/// The state of one key's window: the theoretical arrival time of its next token, in µs since the
/// epoch, in 56 bits (up to the year 4253).
///
/// A zeroed bucket is full. A bucket whose time has passed equals a fresh one and may be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket(Packed<7>);

impl Record for Bucket {
    fn fields(&mut self, codec: &mut dyn Codec) {
        self.0.fields(codec);
    }
}

impl Bucket {
    /// As good as never used.
    pub const FULL: Self = Self(Packed::ZERO);

    /// Whether a token is there; takes none.
    ///
    /// # Errors
    /// [`NotUntil`] with the first time at which one is.
    pub fn peek(&self, quota: Quota, now: Timestamp) -> Result<(), NotUntil> {
        let opens = self.arrival(now).saturating_sub(quota.tolerance_us());
        if opens <= now.as_micros() {
            Ok(())
        } else {
            Err(NotUntil(Timestamp::at_or_after_micros(opens)))
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// [`NotUntil`] with the first time at which one is there; nothing is taken then.
    pub fn take(&mut self, quota: Quota, now: Timestamp) -> Result<(), NotUntil> {
        self.peek(quota, now)?;
        self.charge(quota, now);
        Ok(())
    }

    /// Takes a token even if none is there: the debt is paid by waiting longer, at most one
    /// whole refill.
    pub fn charge(&mut self, quota: Quota, now: Timestamp) {
        let arrival = self.arrival(now).saturating_add(quota.interval_us);
        self.set(arrival.min(now.as_micros().saturating_add(quota.refill_us())));
    }

    /// Gives a token back.
    pub fn give_back(&mut self, quota: Quota) {
        self.set(self.0.get().saturating_sub(quota.interval_us));
    }

    /// Whether this bucket is as good as a fresh one.
    #[must_use]
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.0.get() <= now.as_micros()
    }

    /// Shortens what a clock that stepped back to `now` left behind (policy §2).
    pub fn cut(&mut self, quota: Quota, now: Timestamp) {
        self.set(self.0.get().min(now.as_micros().saturating_add(quota.refill_us())));
    }

    /// The one of two buckets that has less in it.
    pub(crate) fn poorer(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The one of two buckets that has more in it.
    pub(crate) fn richer(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    fn set(&mut self, arrival: u64) {
        self.0 = Packed::new(arrival);
    }

    fn arrival(&self, now: Timestamp) -> u64 {
        self.0.get().max(now.as_micros())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn quotas() -> impl Strategy<Value = Quota> {
        let interval = prop_oneof![1..5_000u64, 1_000..100_000_000u64];
        (interval, 1..40u32).prop_map(|(interval_us, burst)| Quota {
            interval_us,
            burst: NonZeroU32::new(burst).unwrap(),
        })
    }

    /// Gaps in ms, most of them shorter than an interval.
    fn gaps() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![Just(0), 0..50u64, 0..200_000u64], 1..200)
    }

    fn after(now: Timestamp, ms: u64) -> Timestamp {
        now.saturating_add(Millis::new(ms))
    }

    proptest! {
        #[test]
        fn a_refused_request_passes_at_its_time_and_not_before(
            quota in quotas(),
            gaps in gaps(),
            start in any::<u32>(),
        ) {
            let (mut bucket, mut now) = (Bucket::FULL, Timestamp::from_millis(start.into()));
            for gap in gaps {
                now = after(now, gap);
                if let Err(NotUntil(at)) = bucket.take(quota, now) {
                    prop_assert!(at > now);
                    let before = at.saturating_sub(Millis::new(1));
                    prop_assert_eq!(bucket.peek(quota, before), Err(NotUntil(at)));
                    prop_assert_eq!(bucket.peek(quota, at), Ok(()));
                }
            }
        }

        #[test]
        fn no_span_has_more_than_its_burst_and_its_rate(quota in quotas(), gaps in gaps()) {
            let (mut bucket, mut now) = (Bucket::FULL, Timestamp::from_millis(1));
            let mut passed = Vec::new();
            for gap in gaps {
                now = after(now, gap);
                if bucket.take(quota, now).is_ok() {
                    passed.push(now);
                }
            }
            for (index, first) in passed.iter().enumerate() {
                for (count, last) in (1..).zip(&passed[index..]) {
                    let rate = last.since(*first).as_micros() / quota.interval_us;
                    prop_assert!(count <= u64::from(quota.burst.get()) + rate);
                }
            }
        }

        #[test]
        fn no_debt_is_longer_than_a_refill_and_none_comes_back_twice(
            quota in quotas(),
            steps in prop::collection::vec((any::<bool>(), 0..50_000u64), 1..100),
        ) {
            let (mut bucket, mut now) = (Bucket::FULL, Timestamp::from_millis(1));
            for (charges, gap) in steps {
                now = after(now, gap);
                if charges {
                    bucket.charge(quota, now);
                } else {
                    bucket.give_back(quota);
                }
                let refill = quota.refill_us();
                let full = Timestamp::at_or_after_micros(now.as_micros() + refill);
                prop_assert!(bucket.is_full(full));
            }
            let mut left = 0;
            while bucket.take(quota, now).is_ok() {
                left += 1;
            }
            prop_assert!(left <= quota.burst.get());
        }

        #[test]
        fn a_clock_that_stepped_back_leaves_no_wait_beyond_a_refill(
            quota in quotas(),
            ahead in any::<u64>(),
            now in 0..u64::from(u32::MAX),
        ) {
            let now = Timestamp::from_millis(now);
            let mut bucket = Bucket::FULL;
            bucket.charge(quota, after(now, ahead));
            bucket.cut(quota, now);
            let refill = quota.refill_us();
            prop_assert!(bucket.is_full(Timestamp::at_or_after_micros(now.as_micros() + refill)));
        }

        #[test]
        fn arithmetic_stops_at_its_limits(
            interval_us in prop_oneof![1..9u64, any::<u64>(), u64::MAX - 9..=u64::MAX],
            burst in prop_oneof![1..9u32, u32::MAX - 9..=u32::MAX],
            factor in any::<u32>(),
            steps in prop::collection::vec((0..4u8, any::<u64>()), 1..50),
        ) {
            let quota = Quota { interval_us, burst: NonZeroU32::new(burst).unwrap() };
            let less = quota.without((factor % 2_000) as u16);
            prop_assert!(less.burst <= quota.burst && less.interval_us == quota.interval_us);
            for quota in [quota, quota.halved(), quota.widened(factor), less] {
                let mut bucket = Bucket::FULL;
                for (step, ms) in &steps {
                    let now = Timestamp::from_millis(*ms);
                    prop_assert_eq!(Bucket::FULL.peek(quota, now), Ok(()));
                    match step {
                        0 => bucket.charge(quota, now),
                        1 => bucket.give_back(quota),
                        2 => bucket.cut(quota, now),
                        _ => {
                            if let Err(NotUntil(at)) = bucket.take(quota, now) {
                                prop_assert!(at > now);
                            }
                        }
                    }
                }
            }
        }
    }
}
