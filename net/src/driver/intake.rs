//! Answers with many items. Their sender pays for each (policy §3), so that a page of nothing good
//! keeps us no busier than as many messages; what is valid or known gives its token back.

use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use ltms_core::{
    Channel, FrameKind, Reason, size,
    wire::{Envelope, Kind},
};
use tokio::time::Instant;

use super::{Asked, Driver, Message, Origin, admit::HOLD_PULLED, pulls::Pull};
use crate::{behaviour::streams::Request, handle::NodeEvent};

/// Bytes that may wait of one peer: four full answers.
const BYTES: usize = 4 * size::FRAME;

/// What one peer answered and is not judged yet.
#[derive(Default)]
struct Answers {
    items: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Items on their way through the checks.
    open: usize,
    /// Claims among them, and whether the next item waits for those.
    claims: usize,
    blocked: bool,
    /// Whether its window is full, and a timer runs.
    waits: bool,
    /// The reading of its directory that is under way.
    pull: Option<Pull>,
}

/// What an item claims.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claimed {
    Nothing,
    Registration,
    /// Something that depends on what was claimed before.
    More,
}

impl Claimed {
    fn of(envelope: &[u8]) -> Self {
        match Envelope::decode(envelope).map(|envelope| envelope.kind) {
            Ok(Kind::Registration) => Self::Registration,
            Ok(Kind::Rotation | Kind::Credit) => Self::More,
            _ => Self::Nothing,
        }
    }
}

impl Answers {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.open == 0
    }

    /// Keeps what fits.
    fn put(&mut self, items: impl IntoIterator<Item = Vec<u8>>) {
        for item in items {
            if self.bytes + item.len() <= BYTES {
                self.bytes += item.len();
                self.items.push_back(item);
            }
        }
    }
}

/// The answers by peer.
#[derive(Default)]
pub(super) struct Intake(HashMap<PeerId, Answers>);

impl Intake {
    /// Whether answers of this peer wait, or are waited for.
    pub(super) fn has(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    /// Forgets a peer that is gone, or all that it told us.
    fn forget(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    fn pull(&mut self, peer: &PeerId) -> Option<&mut Pull> {
        self.0.get_mut(peer)?.pull.as_mut()
    }
}

impl Driver {
    /// Begins to read a connected peer's directory, unless that is done already. False if it
    /// cannot be asked.
    pub(super) fn pull(&mut self, peer: PeerId, pull: impl FnOnce(Instant) -> Pull) -> bool {
        if self.intake.pull(&peer).is_none() {
            if !self.is_connected(&peer) {
                return false;
            }
            self.intake.0.entry(peer).or_default().pull = Some(pull(Instant::now()));
            self.go_on(peer);
        }
        true
    }

    /// Takes in a page of a directory.
    pub(super) fn on_page(
        &mut self,
        peer: PeerId,
        claims: Vec<Vec<u8>>,
        ads: Vec<Vec<u8>>,
        more: bool,
    ) {
        let network = self.network;
        let Some(pull) = self.intake.pull(&peer) else { return };
        if pull.turn(network, (&claims, &ads, more), Instant::now()) {
            self.pulled(peer, claims.into_iter().chain(ads));
        } else {
            self.end_pull(peer, false);
        }
    }

    /// Takes in what a peer was asked for.
    pub(super) fn pulled(&mut self, peer: PeerId, items: impl IntoIterator<Item = Vec<u8>>) {
        let answers = self.intake.0.entry(peer).or_default();
        answers.put(items);
        if !answers.waits {
            self.take_in(peer);
        }
    }

    /// Takes in as many items as the peer's window has room for.
    pub(super) fn take_in(&mut self, peer: PeerId) {
        let source = Self::source_of(&peer, Channel::Directory);
        while let Some(answers) = self.intake.0.get_mut(&peer) {
            (answers.waits, answers.blocked) = (false, false);
            if answers.pull.as_ref().is_some_and(|pull| pull.is_late(Instant::now())) {
                return self.end_pull(peer, true);
            }
            let Some(envelope) = answers.items.pop_front() else { break };
            let claim = Claimed::of(&envelope);
            if claim == Claimed::More && answers.claims > 0 {
                // It is judged by what they say: `on_judged` goes on.
                answers.blocked = true;
                return answers.items.push_front(envelope);
            }
            answers.bytes -= envelope.len();
            if claim == Claimed::More && self.envelopes.has_credit(&envelope) {
                continue;
            }
            let now = self.now();
            let decision =
                self.gate().screen_frame(now, &source, FrameKind::Record, envelope.len());
            let Some(answers) = self.intake.0.get_mut(&peer) else { break };
            match decision.retry_at {
                Some(at) if decision.reason == Reason::ConnectionWindow => {
                    answers.bytes += envelope.len();
                    answers.items.push_front(envelope);
                    answers.waits = true;
                    return self.timers.take_in(at, peer);
                }
                _ if decision.is_accept() => {
                    let claim = claim != Claimed::Nothing;
                    answers.open += 1;
                    answers.claims += usize::from(claim);
                    let deadline = now.saturating_add(HOLD_PULLED);
                    let origin = Origin::Pulled { claim };
                    let history_sought = false;
                    self.admit(Message { source, envelope, origin, deadline, history_sought });
                }
                _ => self.tell(NodeEvent::Refused { peer, reason: decision.reason }),
            }
        }
        self.go_on(peer);
    }

    /// One of the items that a peer answered with is judged.
    pub(super) fn on_judged(&mut self, peer: PeerId, claim: bool) {
        let Some(answers) = self.intake.0.get_mut(&peer) else { return };
        answers.open = answers.open.saturating_sub(1);
        answers.claims = answers.claims.saturating_sub(claim.into());
        if answers.is_empty() {
            self.go_on(peer);
        } else if answers.blocked && answers.claims == 0 {
            self.take_in(peer);
        }
    }

    /// Asks for the next page once all of the last is taken in, and ends where there is none.
    fn go_on(&mut self, peer: PeerId) {
        let Some(answers) = self.intake.0.get_mut(&peer) else { return };
        let over = answers.is_empty();
        match &mut answers.pull {
            None if over => {
                self.intake.forget(&peer);
                self.on_idle(peer);
            }
            Some(pull) if !pull.asked && answers.items.is_empty() => {
                match pull.next(Instant::now()) {
                    Some(after) => {
                        pull.asked = true;
                        let request = Request::Directory { after };
                        if !self.ask(&peer, request, Asked::Page) {
                            self.end_pull(peer, false);
                        }
                    }
                    None if over => self.end_pull(peer, true),
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// Ends the reading of a peer's directory, and takes in nothing more of it; `whole` unless it
    /// failed.
    pub(super) fn end_pull(&mut self, peer: PeerId, whole: bool) {
        let Some(answers) = self.intake.0.get_mut(&peer) else { return };
        let Some(pull) = answers.pull.take() else { return };
        (answers.items, answers.bytes) = (VecDeque::new(), 0);
        self.go_on(peer);
        self.on_read(peer, whole && pull.answered);
    }

    /// A peer is gone, and what it was asked with it.
    pub(super) fn forget_answers(&mut self, peer: PeerId) {
        self.end_pull(peer, false);
        self.intake.forget(&peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_peer_four_answers_wait_at_most() {
        let mut answers = Answers::default();
        answers.put(std::iter::repeat_n(vec![0; size::RECORD], 50));
        assert_eq!((answers.items.len(), answers.bytes), (40, BYTES));
    }
}
