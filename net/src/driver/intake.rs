//! Answers with many items. Their sender pays for each (policy §3), so that a page of nothing good
//! keeps us no busier than as many messages; what is valid or known gives its token back.

use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use ltms_core::{Channel, FrameKind, PublicKey, Reason, size};

use super::{Driver, Message, Origin, admit::HOLD_PULLED};
use crate::handle::NodeEvent;

/// Bytes that may wait of one peer: four full answers.
const BYTES: usize = 4 * size::FRAME;

/// What one peer answered and is not charged for yet.
#[derive(Default)]
struct Answers {
    items: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Where its directory goes on, and how many pages may follow.
    next: Option<(PublicKey, u8)>,
    /// Whether its window is full, and a timer runs.
    waits: bool,
}

/// The answers by peer.
#[derive(Default)]
pub(super) struct Intake(HashMap<PeerId, Answers>);

impl Intake {
    /// Whether answers of this peer wait.
    pub(super) fn has(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    /// Forgets a peer that is gone.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// Keeps what fits. Says whether it can be taken in now.
    fn put(
        &mut self,
        peer: PeerId,
        items: impl IntoIterator<Item = Vec<u8>>,
        next: Option<(PublicKey, u8)>,
    ) -> bool {
        let answers = self.0.entry(peer).or_default();
        for item in items {
            if answers.bytes + item.len() <= BYTES {
                answers.bytes += item.len();
                answers.items.push_back(item);
            }
        }
        answers.next = next.or(answers.next);
        !answers.waits
    }
}

impl Driver {
    /// Takes in what a peer was asked for, and then goes on with the `next` page.
    pub(super) fn pulled(
        &mut self,
        peer: PeerId,
        items: impl IntoIterator<Item = Vec<u8>>,
        next: Option<(PublicKey, u8)>,
    ) {
        if self.intake.put(peer, items, next) {
            self.take_in(peer);
        }
    }

    /// Takes in as many items as the peer's window has room for.
    pub(super) fn take_in(&mut self, peer: PeerId) {
        let source = Self::source_of(&peer, Channel::Directory);
        while let Some(answers) = self.intake.0.get_mut(&peer) {
            answers.waits = false;
            let Some(envelope) = answers.items.pop_front() else { break };
            answers.bytes -= envelope.len();
            let now = self.now();
            let decision =
                self.gate().screen_frame(now, &source, FrameKind::Record, envelope.len());
            match decision.retry_at {
                Some(at) if decision.reason == Reason::ConnectionWindow => {
                    if let Some(answers) = self.intake.0.get_mut(&peer) {
                        answers.bytes += envelope.len();
                        answers.items.push_front(envelope);
                        answers.waits = true;
                    }
                    return self.timers.take_in(at, peer);
                }
                _ if decision.is_accept() => {
                    let deadline = now.saturating_add(HOLD_PULLED);
                    let origin = Origin::Pulled;
                    self.admit(Message {
                        source,
                        envelope,
                        origin,
                        deadline,
                        history_sought: false,
                    });
                }
                _ => self.tell(NodeEvent::Refused { peer, reason: decision.reason }),
            }
        }
        let next = self.intake.0.remove(&peer).and_then(|answers| answers.next);
        if let Some((after, pages)) = next {
            self.pull(peer, Some(after), pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_has_four_answers_waiting_at_most_and_takes_nobody_s_room() {
        let (mut intake, peers) = (Intake::default(), [PeerId::random(), PeerId::random()]);
        let items = || std::iter::repeat_n(vec![0; size::RECORD], 50);
        for peer in peers {
            assert!(intake.put(peer, items(), None));
            assert_eq!((intake.0[&peer].items.len(), intake.0[&peer].bytes), (40, BYTES));
        }
        intake.forget(&peers[0]);
        assert!(!intake.has(&peers[0]) && intake.has(&peers[1]));
    }
}
