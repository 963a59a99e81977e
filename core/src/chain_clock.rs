//! Time for devices without a clock.

use crate::{BlockHeight, Millis, Timestamp};

/// How far ahead of true time a block's may lie: consensus refuses what is further.
const AHEAD: Millis = Millis::from_hours(2);

/// The time of a device without a clock (policy §2): the newest trusted header's time plus what a
/// counter has run since. For a policy with [`crate::Clock::Chain`].
///
/// The caller says which headers to trust: such as are linked to a block that the device's owner
/// set, never just what a peer brought. A header that comes late sets the time back, by at most
/// the 2 h that an earlier one may have been ahead: who withholds headers gains no more than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainClock {
    height: BlockHeight,
    /// The time at which the counter would have stood at zero, by the newest header.
    zero: Timestamp,
    /// The latest that any header has given.
    latest_zero: Timestamp,
}

impl ChainClock {
    /// A clock that has seen no header: it tells how long the counter has run since 1970, when
    /// every message lies in the future.
    #[must_use]
    pub const fn new() -> Self {
        Self { height: BlockHeight::new(0), zero: Timestamp::EPOCH, latest_zero: Timestamp::EPOCH }
    }

    /// A trusted header's height and time, met when the counter stood at `ticks`. Returns whether
    /// it is the newest so far; others change nothing.
    ///
    /// The counter begins at any value and only runs: after a restart, make a new clock.
    pub fn trust(&mut self, height: BlockHeight, time: Timestamp, ticks: Millis) -> bool {
        let newest = height > self.height || self.zero == Timestamp::EPOCH;
        if newest {
            self.height = height;
            self.zero = time.saturating_sub(ticks);
            self.latest_zero = self.latest_zero.max(self.zero);
        }
        newest
    }

    /// After a restart: it is no earlier than when the snapshot was written
    /// ([`crate::Restored::saved_at`]), whatever the newest trusted header says. The counter stands
    /// at `ticks`.
    pub fn resume(&mut self, saved_at: Timestamp, ticks: Millis) {
        self.zero = self.zero.max(saved_at.saturating_sub(ticks));
        self.latest_zero = self.latest_zero.max(self.zero);
    }

    /// The time when the counter stands at `ticks`.
    #[must_use]
    pub fn now(&self, ticks: Millis) -> Timestamp {
        self.zero.max(self.latest_zero.saturating_sub(AHEAD)).saturating_add(ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = Millis::from_hours(1);

    fn hours(n: u64) -> Timestamp {
        Timestamp::EPOCH.saturating_add(HOUR.saturating_mul(n))
    }

    fn ticks(n: u64) -> Millis {
        HOUR.saturating_mul(n)
    }

    #[test]
    fn it_runs_from_the_newest_header() {
        let mut clock = ChainClock::new();
        assert_eq!(clock.now(ticks(3)), hours(3));
        assert!(clock.trust(BlockHeight::new(7), hours(1000), ticks(3)));
        assert_eq!(clock.now(ticks(5)), hours(1002));
        assert!(!clock.trust(BlockHeight::new(7), hours(2000), ticks(5)), "no newer");
        assert!(!clock.trust(BlockHeight::new(6), hours(2000), ticks(5)), "older");
        assert!(clock.trust(BlockHeight::new(8), hours(1004), ticks(5)));
        assert_eq!(clock.now(ticks(5)), hours(1004));
    }

    #[test]
    fn headers_that_come_late_set_it_back_by_two_hours_at_most() {
        let mut clock = ChainClock::new();
        clock.trust(BlockHeight::new(1), hours(1000), ticks(0));
        clock.trust(BlockHeight::new(2), hours(1009), ticks(10));
        assert_eq!(clock.now(ticks(10)), hours(1009), "the first was ahead");
        for height in 3..9 {
            clock.trust(BlockHeight::new(height), hours(1002), ticks(10));
            assert_eq!(clock.now(ticks(10)), hours(1008), "withheld");
        }
    }

    #[test]
    fn after_a_restart_it_goes_on_from_the_snapshot() {
        let mut clock = ChainClock::new();
        clock.trust(BlockHeight::new(7), hours(1000), ticks(1));
        clock.resume(hours(1030), ticks(2));
        assert_eq!(clock.now(ticks(3)), hours(1031));
        clock.resume(hours(900), ticks(3));
        assert_eq!(clock.now(ticks(3)), hours(1031), "an older one changes nothing");
        assert!(clock.trust(BlockHeight::new(8), hours(1031), ticks(4)));
        assert_eq!(clock.now(ticks(4)), hours(1031), "as without the restart");
        assert!(clock.trust(BlockHeight::new(9), hours(1001), ticks(4)));
        assert_eq!(clock.now(ticks(4)), hours(1030), "two hours back at most");
    }

    #[test]
    fn no_value_overflows() {
        let mut clock = ChainClock::new();
        clock.trust(BlockHeight::new(u32::MAX), Timestamp::NEVER, Millis::ZERO);
        assert_eq!(clock.now(Millis::new(u64::MAX)), Timestamp::NEVER);
        let mut clock = ChainClock::new();
        clock.trust(BlockHeight::new(1), Timestamp::EPOCH, Millis::new(u64::MAX));
        assert_eq!(clock.now(Millis::ZERO), Timestamp::EPOCH);
    }
}
