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
