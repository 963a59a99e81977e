//! Counting faults within a span, and banning for longer each time.

use crate::packed::Packed;
use crate::snapshot::{Codec, Record, record};
use crate::{Millis, Timestamp};

/// The latest end of what ends by itself: [`Timestamp::NEVER`] means until lifted.
const LAST: Timestamp = Timestamp::NEVER.saturating_sub(Millis::new(1));

/// Faults counted within a span that begins with the first of them (policy §4), or up to 65 s
/// earlier: there are many tallies, and this is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In units of 2^16 ms.
    first: Packed<4>,
    count: u8,
}

impl Record for Tally {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut first = self.first();
        first.fields(codec);
        self.count.fields(codec);
        self.first = Self::unit(first);
    }
}

impl Tally {
    /// Nothing counted.
    pub const ZERO: Self = Self { first: Packed::ZERO, count: 0 };

    /// Counts one more and returns how many there are within `span`; stops at 255.
    pub fn add(&mut self, now: Timestamp, span: Millis) -> u8 {
        let count = self.count(now, span);
        if count == 0 {
            self.first = Self::unit(now);
        }
        self.count = count.saturating_add(1);
        self.count
    }

    /// How many there are within `span`.
    #[must_use]
    pub fn count(&self, now: Timestamp, span: Millis) -> u8 {
        if now.since(self.first()) < span { self.count } else { 0 }
    }

    /// Leaves at most this many.
    pub fn cap(&mut self, count: u8) {
        self.count = self.count.min(count);
    }

    /// Moves a first fault that a clock that stepped back left in the future to `now`.
    pub fn cut(&mut self, now: Timestamp) {
        self.first = self.first.min(Self::unit(now));
    }

    const fn unit(time: Timestamp) -> Packed<4> {
        Packed::new(time.as_millis() >> 16)
    }

    fn first(&self) -> Timestamp {
        Timestamp::from_millis(self.first.get() << 16)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::ZERO;
    }
}

/// A ban that ends by itself and doubles when it has to be repeated soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Graylisting {
    until: Timestamp,
    /// How often it doubled, or [`FIXED`].
    level: u8,
}

/// Somebody chose the end: no rule says how long it may last.
const FIXED: u8 = u8::MAX;

record!(Graylisting: until, level);

impl Graylisting {
    /// Never graylisted.
    pub const ZERO: Self = Self { until: Timestamp::EPOCH, level: 0 };

    /// A ban until a time that somebody chose; [`Timestamp::NEVER`] until lifted.
    #[must_use]
    pub const fn fixed(until: Timestamp) -> Self {
        Self { until, level: FIXED }
    }

    /// The end of the ban, if there is one at `now`.
    #[must_use]
    pub fn active(&self, now: Timestamp) -> Option<Timestamp> {
        (self.until > now).then_some(self.until)
    }

    /// Whether somebody chose its end.
    pub(crate) const fn is_fixed(&self) -> bool {
        self.level == FIXED
    }

    /// When the last ban began, of the spans that it was begun with; `None` if its end was chosen.
    pub(crate) fn began(&self, base: Millis, longest: Millis) -> Option<Timestamp> {
        let ever = !self.is_fixed() && self.until > Timestamp::EPOCH;
        ever.then(|| self.until.saturating_sub(self.span(base, longest)))
    }

    fn span(&self, base: Millis, longest: Millis) -> Millis {
        let factor = 1u64.checked_shl(self.level.into()).unwrap_or(u64::MAX);
        base.saturating_mul(factor).min(longest)
    }

    /// Shortens what a clock that stepped back to `now` left behind, but no end that was chosen.
    pub fn cut(&mut self, now: Timestamp, longest: Millis) {
        if self.level != FIXED {
            self.until = self.until.cut(now, longest);
        }
    }

    /// Begins a ban: `base` the first time, double for each that begins within `memory` after the
    /// last ended, never longer than `longest`. One that is active is not made longer.
    ///
    /// Returns its end.
    pub fn begin(
        &mut self,
        now: Timestamp,
        base: Millis,
        longest: Millis,
        memory: Millis,
    ) -> Timestamp {
        if let Some(until) = self.active(now) {
            return until;
        }
        let repeated =
            self.level != FIXED && self.until > Timestamp::EPOCH && now.since(self.until) <= memory;
        self.level = if repeated { self.level.saturating_add(1).min(FIXED - 1) } else { 0 };
        let until = now.saturating_add(self.span(base, longest));
        self.until = until.min(LAST);
        self.until
    }

    /// Whether a new ban would be as short as the first: nothing is lost by forgetting this.
    #[must_use]
    pub fn is_forgotten(&self, now: Timestamp, memory: Millis) -> bool {
        self.forgotten_at(memory) <= now
    }

    /// From when on [`Graylisting::is_forgotten`].
    pub(crate) fn forgotten_at(&self, memory: Millis) -> Timestamp {
        if self.until == Timestamp::EPOCH {
            return self.until;
        }
        self.until.saturating_add(memory).saturating_add(Millis::new(1))
    }

    /// The end of the last ban, which may have passed.
    pub(crate) const fn end(&self) -> Timestamp {
        self.until
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const HOUR: Millis = Millis::from_hours(1);
    const DAY: Millis = Millis::from_hours(24);

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_tally_begins_anew_a_span_after_its_first_fault() {
        let (mut tally, unit) = (Tally::ZERO, 1 << 16);
        assert_eq!((tally.add(at(unit), DAY), tally.add(at(unit + 6), DAY)), (1, 2));
        assert_eq!(tally.count(at(unit + DAY.get() - 1), DAY), 2);
        assert_eq!(tally.count(at(unit + DAY.get()), DAY), 0);
        tally.clear();
        // It ends up to a unit early, never late.
        assert_eq!(tally.add(at(5 * unit - 1), DAY), 1);
        assert_eq!(tally.count(at(4 * unit + DAY.get() - 1), DAY), 1);
        assert_eq!(tally.count(at(4 * unit + DAY.get()), DAY), 0);
    }

    #[test]
    fn a_tally_survives_a_clock_that_steps_back_and_stops_at_its_limit() {
        let mut tally = Tally::ZERO;
        tally.add(at(1_000_000), DAY);
        assert_eq!(tally.add(at(0), DAY), 2);
        for _ in 0..1000 {
            tally.add(at(1), DAY);
        }
        assert_eq!(tally.count(at(1), DAY), 255);
    }

    #[test]
    fn graylistings_double_to_a_day() {
        let mut ban = Graylisting::ZERO;
        let mut now = at(1);
        let hours: Vec<u64> = (0..7)
            .map(|_| {
                let until = ban.begin(now, HOUR, DAY, DAY);
                assert_eq!(
                    ban.begin(now, HOUR, DAY, DAY),
                    until,
                    "an active ban is not made longer"
                );
                let length = until.since(now).get() / HOUR.get();
                now = until.saturating_add(DAY);
                length
            })
            .collect();
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
        let later = now.saturating_add(Millis::new(1)).saturating_add(DAY);
        assert_eq!(ban.begin(later, HOUR, DAY, DAY).since(later), HOUR, "a quiet day forgets");
    }

    #[test]
    fn a_ban_is_cut_when_the_clock_steps_back() {
        let mut ban = Graylisting::ZERO;
        let until = ban.begin(at(10 * DAY.get()), HOUR, DAY, DAY);
        assert_eq!(ban.active(until), None, "at its end it is over");
        ban.cut(at(0), DAY);
        assert_eq!(ban.active(at(0)), Some(at(DAY.get())));
        let mut lifted_only = Graylisting::fixed(Timestamp::NEVER);
        lifted_only.cut(at(0), DAY);
        assert_eq!(lifted_only.active(at(0)), Some(Timestamp::NEVER));
    }

    proptest! {
        #[test]
        fn a_tally_counts_no_fault_twice_and_none_of_a_past_span(
            gaps in prop::collection::vec(0..DAY.get() / 4, 1..120),
        ) {
            let (mut tally, mut now, mut all) = (Tally::ZERO, at(1), Vec::new());
            for gap in gaps {
                now = now.saturating_add(Millis::new(gap));
                all.push(now);
                let recent = all.iter().filter(|fault| now.since(**fault) < DAY).count();
                let counted = usize::from(tally.add(now, DAY));
                prop_assert!((1..=recent).contains(&counted), "{} of {}", counted, recent);
                prop_assert_eq!(usize::from(tally.count(now, DAY)), counted);
            }
        }

        #[test]
        fn graylistings_are_bounded_and_what_may_be_forgotten_changes_nothing(
            steps in prop::collection::vec((0..3 * DAY.get(), any::<bool>()), 1..40),
        ) {
            let (mut ban, mut now) = (Graylisting::ZERO, at(1));
            for (gap, begins) in steps {
                now = now.saturating_add(Millis::new(gap));
                let fresh = Graylisting::default().begin(now, HOUR, DAY, DAY);
                if ban.is_forgotten(now, DAY) {
                    prop_assert_eq!({ ban }.begin(now, HOUR, DAY, DAY), fresh);
                }
                let active = ban.active(now);
                if begins {
                    let until = ban.begin(now, HOUR, DAY, DAY);
                    prop_assert!(until > now && until.since(now) <= DAY);
                    prop_assert!(active.is_none_or(|active| active == until));
                    prop_assert!(active.is_some() || until >= fresh, "shorter than a first one");
                }
            }
        }
    }
}
