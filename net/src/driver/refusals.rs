//! Who was refused and why, in the log: a line for the first time of each peer and reason, then
//! only numbers. A flood of a million peers makes no more lines, and takes no more memory.

use std::{collections::HashMap, time::Duration};

use libp2p::PeerId;
use ltms_core::{Reason, Verdict};

/// How often the numbers are told.
pub(super) const SUMMARY: Duration = Duration::from_secs(60);
/// Peers with their reasons that have a line of their own; others are only counted.
const PAIRS: usize = 1_024;

/// What was refused since the last summary.
#[derive(Default)]
pub(super) struct Refusals {
    /// How often again, of each that had its line.
    told: HashMap<(PeerId, Reason), u64>,
    /// How often, of each reason, without a line.
    untold: HashMap<Reason, u64>,
}

/// What was refused for one reason and has no line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    times: u64,
    /// Those among them that had a line before.
    peers: usize,
}

impl Refusals {
    /// Counts, and logs what has no line yet. What every honest node would refuse is worth one by
    /// default; what only comes too late or again is not.
    pub(super) fn note(&mut self, peer: PeerId, reason: Reason) {
        if !self.count(peer, reason) {
            return;
        }
        match reason.verdict() {
            Verdict::Reject => tracing::info!(%peer, %reason, "refused"),
            _ => tracing::debug!(%peer, %reason, "refused"),
        }
    }

    /// Logs what was only counted. Who was silent meanwhile has a line again next time.
    pub(super) fn summarise(&mut self) {
        for (reason, Sum { times, peers }) in self.sums() {
            match reason.verdict() {
                Verdict::Reject => tracing::info!(%reason, times, peers, "refused again"),
                _ => tracing::debug!(%reason, times, peers, "refused again"),
            }
        }
    }

    /// Whether it is the first time.
    fn count(&mut self, peer: PeerId, reason: Reason) -> bool {
        if let Some(times) = self.told.get_mut(&(peer, reason)) {
            *times += 1;
            return false;
        }
        if self.told.len() < PAIRS {
            self.told.insert((peer, reason), 0);
            return true;
        }
        *self.untold.entry(reason).or_default() += 1;
        false
    }

    fn sums(&mut self) -> Vec<(Reason, Sum)> {
        let mut sums: HashMap<Reason, Sum> = HashMap::new();
        for (reason, times) in self.untold.drain() {
            sums.entry(reason).or_default().times += times;
        }
        self.told.retain(|(_, reason), times| {
            if *times > 0 {
                let sum = sums.entry(*reason).or_default();
                sum.times += *times;
                sum.peers += 1;
            }
            std::mem::take(times) > 0
        });
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_unstable_by_key(|(reason, _)| reason.code());
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32) -> PeerId {
        let hash = ltms_core::hash::sha256(&[&number.to_be_bytes()]);
        PeerId::from_bytes(&[&[0x12, 0x20][..], &hash].concat()).expect("a peer id")
    }

    #[test]
    fn each_peer_and_reason_has_one_line_and_then_a_number_a_minute() {
        let mut refusals = Refusals::default();
        assert!(refusals.count(peer(1), Reason::Malformed));
        assert!(refusals.count(peer(1), Reason::Expired), "another reason");
        assert!(refusals.count(peer(2), Reason::Malformed), "another peer");
        assert!((0..500).all(|_| !refusals.count(peer(1), Reason::Malformed)));
        assert_eq!(refusals.sums(), [(Reason::Malformed, Sum { times: 500, peers: 1 })]);
        assert!(!refusals.count(peer(1), Reason::Malformed), "it went on");
        assert!(refusals.count(peer(2), Reason::Malformed), "it had stopped");
        assert_eq!(refusals.sums(), [(Reason::Malformed, Sum { times: 1, peers: 1 })]);
        assert_eq!(refusals.sums(), []);
    }

    #[test]
    fn a_million_peers_take_no_more_memory_and_lines_than_a_thousand() {
        let mut refusals = Refusals::default();
        let lines = (0..1_000_000u32).filter(|n| refusals.count(peer(*n), Reason::Malformed));
        assert_eq!(lines.count(), PAIRS);
        assert!(refusals.told.capacity() <= 4 * PAIRS && refusals.untold.len() == 1);
        let times = 1_000_000 - PAIRS as u64;
        assert_eq!(refusals.sums(), [(Reason::Malformed, Sum { times, peers: 0 })]);
        assert!(refusals.told.is_empty(), "none of them came again");
    }
}
