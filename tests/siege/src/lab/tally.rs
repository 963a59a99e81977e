//! What became of the messages, the peers and the memory.

use std::collections::BTreeSet;

use ltms_core::{Millis, Timestamp};

use super::{IN_TIME, Kind, Message, Number};
use crate::rules::Taken;

/// How long a message takes at most where all nodes of a mesh pass it on at once.
const SOON: Millis = Millis::from_secs(1);

/// Deliveries that there could have been, and that there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) of: u64,
    pub(crate) some: u64,
}

impl Share {
    /// 0 to 1; 1 of nothing.
    pub(crate) fn value(self) -> f64 {
        if self.of == 0 { 1.0 } else { self.some as f64 / self.of as f64 }
    }

    /// The same, 0 of nothing.
    pub(crate) fn share_of_sent(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.value() }
    }
}

/// Figures of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Timestamp,
    /// Of honest deliveries since the last sample.
    pub(crate) honest: Share,
    pub(crate) bytes: u64,
    pub(crate) checks: u64,
}

/// Sums over all nodes.
#[derive(Default)]
pub(crate) struct Tally {
    /// Of messages by their kind.
    by_kind: [Share; 3],
    pub(crate) samples: Vec<Sample>,
    /// Address groups that attackers have.
    pub(crate) groups: BTreeSet<u32>,
    /// Keys that attackers have under identities of their own, and what these cost, XPI.
    pub(crate) bought: u64,
    pub(crate) burned: u64,
    /// Keys of one attacker's id that a node listed, at most.
    pub(crate) most_keys: u64,
    /// Sanctions of honest nodes by honest nodes, and of attackers.
    pub(crate) honest_sanctioned: u64,
    pub(crate) hostile_sanctioned: u64,
    /// Messages that attackers sent, one for each link.
    pub(crate) hostile_copies: u64,
    /// Of these, copies that a node looked at.
    pub(crate) heard: u64,
    at_last_sample: Share,
}

impl Tally {
    /// A message is sent to so many nodes.
    pub(crate) fn published(
        &mut self,
        message: &mut Message,
        from: Number,
        nodes: usize,
        now: Timestamp,
    ) {
        message.sent = Some(now);
        // A node's own is no delivery.
        if message.kind == Kind::Honest {
            message.listed.insert(from);
            message.in_time.insert(from);
            message.soon.insert(from);
        }
        self.by_kind[message.kind as usize].of += nodes as u64;
    }

    pub(crate) fn taken(
        &mut self,
        message: &mut Message,
        node: Number,
        taken: Taken,
        now: Timestamp,
    ) {
        let within = |time| message.sent.is_some_and(|at| at.saturating_add(time) >= now);
        let (in_time, soon) = (within(IN_TIME), within(SOON));
        if taken != Taken::Listed {
            return;
        }
        message.listed.insert(node);
        if soon {
            message.soon.insert(node);
        }
        if in_time && message.in_time.insert(node) {
            self.by_kind[message.kind as usize].some += 1;
        }
    }

    pub(crate) fn sanctioned(&mut self, honest: bool) {
        if honest {
            self.honest_sanctioned += 1;
        } else {
            self.hostile_sanctioned += 1;
        }
    }

    pub(crate) fn share(&self, kind: Kind) -> Share {
        self.by_kind[kind as usize]
    }

    pub(crate) fn sample(&mut self, at: Timestamp, bytes: u64, checks: u64) {
        let all = self.share(Kind::Honest);
        let last = std::mem::replace(&mut self.at_last_sample, all);
        let honest = Share { of: all.of - last.of, some: all.some - last.some };
        self.samples.push(Sample { at, honest, bytes, checks });
    }
}
