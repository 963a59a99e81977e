//! Reputation of an identity: own observation only, integers only (policy §7).

use crate::packed::Packed;
use crate::policy::SPEED_POINTS;
use crate::snapshot::record;
use crate::{Millis, ReputationPoints, Timestamp};

/// How a session failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[repr(u8)]
pub enum Failure {
    /// A phase it had acknowledged ran out of time.
    Timeout = 1,
    /// The connection ended in a phase it had acknowledged.
    Disconnect = 2,
    /// Its own signed contribution did not verify.
    InvalidSignature = 3,
    /// It ended the session.
    Abort = 4,
}

/// What sessions with one identity were like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reputation {
    completed: Packed<3>,
    failed: Packed<3>,
    /// Average response in µs; more than 71 minutes are 71 minutes.
    average: Packed<4>,
    /// Points of past penalties that are not yet lived down.
    debt: Packed<2>,
    /// When the debt was last halved or the last failure was.
    anchor: Timestamp,
    score: u8,
}

record!(Reputation: completed, failed, average, debt, anchor, score);

impl Reputation {
    /// The state of unused memory. [`Reputation::fresh`] begins a real one.
    pub(crate) const VACANT: Self = Self {
        completed: Packed::ZERO,
        failed: Packed::ZERO,
        average: Packed::ZERO,
        debt: Packed::ZERO,
        anchor: Timestamp::EPOCH,
        score: 0,
    };

    /// Of somebody never met.
    #[must_use]
    pub const fn fresh(points: &ReputationPoints, now: Timestamp) -> Self {
        Self { score: points.start, anchor: now, ..Self::VACANT }
    }

    /// The score, 0 to 100. It changes only by a success or a failure.
    #[must_use]
    pub const fn score(&self) -> u8 {
        self.score
    }

    /// Completed sessions (halved together with the failed ones before their sum overflows).
    #[must_use]
    pub const fn completed(&self) -> u32 {
        self.completed.get() as u32
    }

    /// Failed sessions.
    #[must_use]
    pub const fn failed(&self) -> u32 {
        self.failed.get() as u32
    }

    /// Average response in microseconds; 0 before the first success.
    #[must_use]
    pub const fn average_response_us(&self) -> u64 {
        self.average.get()
    }

    /// Points of penalties not yet lived down, as of the last session.
    #[must_use]
    pub const fn debt(&self) -> u32 {
        self.debt.get() as u32
    }

    /// Moves an anchor that a clock that stepped back left in the future to `now`: debt is to be
    /// lived down again.
    pub fn cut(&mut self, now: Timestamp) {
        self.anchor = self.anchor.min(now);
    }

    /// A session completed; the subject answered within `response`.
    pub fn success(&mut self, points: &ReputationPoints, now: Timestamp, response: Millis) {
        self.live_down(points, now);
        self.make_room();
        let sample = response.as_micros();
        self.average = Packed::new(if self.completed == Packed::ZERO {
            sample
        } else {
            // (r + 9·avg + 5) / 10.
            sample.saturating_add(self.average.get().saturating_mul(9)).saturating_add(5) / 10
        });
        self.completed.count();
        self.debt = Packed::new(self.debt.get().saturating_sub(1));
        let earned = u32::from(self.formula(points)).saturating_sub(self.debt());
        self.score = u8::try_from(earned).unwrap_or(u8::MAX);
    }

    /// A session failed by the subject's doing.
    pub fn failure(&mut self, points: &ReputationPoints, now: Timestamp, failure: Failure) {
        self.live_down(points, now);
        self.make_room();
        self.failed.count();
        let penalty = match failure {
            Failure::Timeout => points.timeout,
            Failure::Disconnect => points.disconnect,
            Failure::InvalidSignature => points.invalid_signature,
            Failure::Abort => points.abort,
        };
        self.debt = Packed::new(self.debt.get().saturating_add(penalty.into()));
        self.score = self.score.saturating_sub(penalty);
        self.anchor = now;
    }

    /// Halves the debt for every half-life since the anchor.
    fn live_down(&mut self, points: &ReputationPoints, now: Timestamp) {
        let half_life = points.half_life.get();
        let passed = now.since(self.anchor).get().checked_div(half_life).unwrap_or(0);
        let halved = u32::try_from(passed).ok().and_then(|k| self.debt.get().checked_shr(k));
        self.debt = Packed::new(halved.unwrap_or(0));
        let anchored = Millis::new(passed.saturating_mul(half_life));
        // A clock that stepped back must not freeze the debt until it has caught up.
        self.anchor = self.anchor.saturating_add(anchored).min(now);
    }

    /// Keeps `completed + failed` from overflowing.
    fn make_room(&mut self) {
        let (completed, failed) = (self.completed.get(), self.failed.get());
        if completed.saturating_add(failed) >= Packed::<3>::MAX.get() {
            (self.completed, self.failed) = (Packed::new(completed / 2), Packed::new(failed / 2));
        }
    }

    /// `round_half_up(rate·c/t + min(volume, t/10) + speed)`, as one exact fraction.
    fn formula(&self, points: &ReputationPoints) -> u8 {
        let completed = self.completed.get();
        let total = completed.saturating_add(self.failed.get()).max(1);
        // Over the common denominator 10·t: rate·10·c + min(volume·10, t)·t + speed·10·t.
        let rate = u64::from(points.rate).saturating_mul(10).saturating_mul(completed);
        let volume = u64::from(points.volume).saturating_mul(10).min(total).saturating_mul(total);
        let speed = u64::from(self.speed()).saturating_mul(10).saturating_mul(total);
        let sum = rate.saturating_add(volume).saturating_add(speed);
        let denominator = total.saturating_mul(10);
        let half = denominator / 2;
        let rounded = sum.saturating_add(half).checked_div(denominator).unwrap_or(0);
        u8::try_from(rounded).unwrap_or(u8::MAX)
    }

    fn speed(&self) -> u8 {
        const SECOND: u64 = 1_000_000;
        match self.average.get() {
            us if us <= 5 * SECOND => SPEED_POINTS,
            us if us <= 10 * SECOND => SPEED_POINTS / 2,
            us if us <= 30 * SECOND => SPEED_POINTS / 4,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::Policy;
    use proptest::prelude::*;

    const POINTS: ReputationPoints = Policy::LOTUS_V1.reputation;
    const NOW: Timestamp = Timestamp::from_millis(1_763_800_000_000);
    const QUICK: Millis = Millis::from_secs(5);

    fn fresh() -> Reputation {
        Reputation::fresh(&POINTS, NOW)
    }

    #[test]
    fn the_policy_s_own_sequence() {
        let mut subject = fresh();
        assert_eq!(subject.score(), 50);
        subject.success(&POINTS, NOW, QUICK);
        assert_eq!(subject.score(), 80);
        subject.failure(&POINTS, NOW, Failure::Timeout);
        assert_eq!(subject.score(), 75);
        subject.success(&POINTS, NOW, QUICK);
        assert_eq!(subject.score(), 56);
    }

    #[test]
    fn each_failure_from_fresh() {
        let cases = [
            (Failure::Timeout, 45),
            (Failure::Disconnect, 40),
            (Failure::InvalidSignature, 30),
            (Failure::Abort, 47),
        ];
        for (failure, score) in cases {
            let mut subject = fresh();
            subject.failure(&POINTS, NOW, failure);
            assert_eq!(subject.score(), score, "{failure:?}");
        }
    }

    /// In the analysis a single success wipes every penalty (40 here).
    #[test]
    fn one_success_does_not_wipe_two_invalid_signatures() {
        let mut subject = fresh();
        subject.failure(&POINTS, NOW, Failure::InvalidSignature);
        subject.failure(&POINTS, NOW, Failure::InvalidSignature);
        subject.success(&POINTS, NOW, QUICK);
        assert_eq!(subject.score(), 1);
    }

    #[test]
    fn debt_halves_each_week() {
        let mut subject = fresh();
        subject.failure(&POINTS, NOW, Failure::InvalidSignature);
        let weeks = Millis::from_days(14);
        subject.success(&POINTS, NOW.saturating_add(weeks), QUICK);
        assert_eq!(subject.debt(), 20 / 4 - 1);
    }

    #[test]
    fn speed_steps_at_five_ten_and_thirty_seconds() {
        for (ms, score) in
            [(5_000, 80), (5_001, 70), (10_000, 70), (10_001, 65), (30_000, 65), (30_001, 60)]
        {
            let mut subject = fresh();
            subject.success(&POINTS, NOW, Millis::new(ms));
            assert_eq!(subject.score(), score, "{ms} ms");
        }
    }

    proptest! {
        #[test]
        fn holds_for_every_history(
            steps in prop::collection::vec((any::<bool>(), 0u8..4, any::<u64>(), any::<u64>()), 0..60),
        ) {
            let mut subject = fresh();
            for (success, kind, ms, now) in steps {
                let before = subject;
                let now = Timestamp::from_millis(now);
                if success {
                    subject.success(&POINTS, now, Millis::new(ms));
                    if subject.speed() >= before.speed() && before.completed() > 0 {
                        let earned = |r: &Reputation| i64::from(r.formula(&POINTS)) - i64::from(r.debt());
                        prop_assert!(earned(&subject) >= earned(&before), "a success lowered what is earned");
                    }
                } else {
                    let failure = [Failure::Timeout, Failure::Disconnect, Failure::InvalidSignature, Failure::Abort];
                    subject.failure(&POINTS, now, failure[usize::from(kind)]);
                    prop_assert!(subject.score() <= before.score());
                }
                prop_assert!(subject.score() <= 100);
            }
        }

        #[test]
        fn counts_never_overflow(completed in any::<u32>(), failed in any::<u32>(), average in any::<u64>()) {
            let (completed, failed) = (Packed::new(completed.into()), Packed::new(failed.into()));
            let average = Packed::new(average);
            let mut subject = Reputation { completed, failed, average, ..fresh() };
            subject.success(&POINTS, Timestamp::NEVER, Millis::new(u64::MAX));
            subject.failure(&POINTS, Timestamp::EPOCH, Failure::Abort);
            prop_assert!(subject.score() <= 100);
        }
    }
}
