//! What happens next: in the order of time, and at the same time in the order of planning.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use ltms_core::Timestamp;

/// What is planned for so many milliseconds from now has a place for its millisecond. Nearly all
/// is: messages take less.
const NEAR: u64 = 4_096;

/// A calendar queue (Brown 1988), with a heap for what is far.
pub(super) struct Queue<T> {
    /// The millisecond that it has come to.
    now: u64,
    near: Box<[VecDeque<T>]>,
    /// How many there are near.
    waiting: usize,
    far: BinaryHeap<Reverse<(u64, u64, T)>>,
    planned: u64,
}

impl<T: Ord> Queue<T> {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now: now.as_millis(),
            near: (0..NEAR).map(|_| VecDeque::new()).collect(),
            waiting: 0,
            far: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// Plans something for then, or for now if that is over.
    pub(super) fn plan(&mut self, at: Timestamp, what: T) {
        let at = at.as_millis().max(self.now);
        if at - self.now < NEAR {
            self.near[(at % NEAR) as usize].push_back(what);
            self.waiting += 1;
        } else {
            self.planned += 1;
            self.far.push(Reverse((at, self.planned, what)));
        }
    }

    /// The next of what happens until then.
    pub(super) fn next(&mut self, until: Timestamp) -> Option<(Timestamp, T)> {
        let until = until.as_millis();
        loop {
            // What was far was planned before all that is near.
            let far = self.far.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
            if far <= self.now
                && let Some(Reverse((_, _, what))) = self.far.pop()
            {
                return Some((Timestamp::from_millis(self.now), what));
            }
            if let Some(what) = self.near[(self.now % NEAR) as usize].pop_front() {
                self.waiting -= 1;
                return Some((Timestamp::from_millis(self.now), what));
            }
            if self.now >= until {
                return None;
            }
            self.now = if self.waiting > 0 { self.now + 1 } else { far.min(until) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::{Random, START};
    use ltms_core::Millis;

    /// What the queue hands over is what a heap of times and numbers would, whatever is planned
    /// while it does: for this millisecond, for a near one, for the first that is far, for later.
    #[test]
    fn things_happen_in_the_order_of_time_and_then_of_planning() {
        let mut random = Random::new(7);
        let (mut queue, mut heap) = (Queue::new(START), BinaryHeap::new());
        let (mut now, mut planned, mut happened) = (START, 0_u32, 0);
        while planned < 20_000 {
            for _ in 0..random.below(4) {
                let kinds =
                    [0, random.below(40), NEAR as usize - 1, NEAR as usize, 3 * NEAR as usize];
                let after = Millis::new(kinds[random.below(kinds.len())] as u64);
                let at = now.saturating_add(after);
                queue.plan(at, planned);
                heap.push(Reverse((at, planned)));
                planned += 1;
            }
            let until = now.saturating_add(Millis::new(random.below(200) as u64));
            while let Some((at, what)) = queue.next(until) {
                assert_eq!(heap.pop(), Some(Reverse((at, what))));
                happened += 1;
            }
            assert!(heap.peek().is_none_or(|Reverse((at, _))| *at > until), "nothing is left out");
            now = until;
        }
        assert!(happened > 10_000, "{happened}");
    }

    /// A thing for a time that is over happens now, after all that was planned for now.
    #[test]
    fn what_is_late_happens_now() {
        let later = START.saturating_add(Millis::from_mins(1));
        let mut queue = Queue::new(START);
        assert_eq!(queue.next(later), None);
        queue.plan(later, "planned");
        queue.plan(START, "late");
        assert_eq!(queue.next(later), Some((later, "planned")));
        assert_eq!(queue.next(later), Some((later, "late")));
        assert_eq!(queue.next(later), None);
    }
}
