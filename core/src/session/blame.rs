//! How sessions end, and who pays for it (policy §7).

use super::{Cause, End, Phase, Reputations, Session, Set};
use crate::{IdentityId, Millis, Outcome, PeerId, SessionLimits, Timestamp};

/// How much longer than a phase a signer waits for what the announcer passes on: as long as a frame
/// may take (policy §10).
pub(super) const RELAY: Millis = Millis::from_secs(10);

/// Who looks so much too late was asleep itself, or its clock stepped: nobody else is to blame.
const LATE: Millis = Millis::from_secs(10);

impl Session {
    /// Begins a phase.
    pub(super) fn begin(&mut self, now: Timestamp, limits: &SessionLimits, phase: Phase) {
        self.phase = phase;
        self.since = now;
        self.deadline = now.saturating_add(self.length(limits, phase)).min(self.end_by);
        (self.acknowledged, self.contributed, self.taken) = (Set::NONE, Set::NONE, false);
        self.begin_untold = true;
    }

    /// Ends it. Who is at fault pays; an aborter's slot stays taken.
    pub(super) fn finish(
        &mut self,
        now: Timestamp,
        gate: &mut impl Reputations,
        end: End,
        guilty: Set,
    ) {
        let hold = gate.gate().policy().sessions.abort_hold;
        for signer in self.numbers().filter(|signer| guilty.has(*signer)) {
            if let Some(failure) = Self::failure(end.cause) {
                self.record(now, gate, signer, Outcome::Failed(failure));
            }
        }
        let held = end.cause == Cause::Abort && guilty.len() > 0;
        self.deadline = if held { now.saturating_add(hold) } else { now };
        (self.phase, self.end) = (Phase::Ended, Some(end));
        (self.begin_untold, self.end_untold) = (false, true);
    }

    /// Ends it well: whoever we are connected to has done its part.
    pub(super) fn complete(&mut self, now: Timestamp, gate: &mut impl Reputations) {
        for signer in self.numbers() {
            if let Some(member) = self.member(signer).filter(|member| member.peer.is_some()) {
                let response = Millis::new(member.slowest.get());
                self.record(now, gate, signer, Outcome::Completed(response));
            }
        }
        self.finish(now, gate, End { cause: Cause::Completed, signer: None }, Set::NONE);
    }

    fn record(&self, now: Timestamp, gate: &mut impl Reputations, signer: u8, outcome: Outcome) {
        if self.own != Some(signer)
            && let Some(identity) = self.identity(signer)
        {
            // What does not count today is not counted.
            let _ = gate.record_session(now, &self.id, identity, &IdentityId::OURS, outcome);
        }
    }

    /// Ends it if its phase ran out of time.
    pub(super) fn expire(&mut self, now: Timestamp, gate: &mut impl Reputations) {
        if !self.is_open() || now < self.deadline {
            return;
        }
        let missing = self.missing();
        let length = self.length(&gate.gate().policy().sessions, self.phase);
        // Whom the end of the whole cut short had less time than it was promised.
        let fair = self.since.saturating_add(length) <= now && now.since(self.deadline) <= LATE;
        let guilty = if fair { self.owing(missing) } else { Set::NONE };
        let first = self.first(guilty).or_else(|| self.first(missing));
        self.finish(now, gate, End { cause: Cause::Timeout, signer: first }, guilty);
    }

    /// Whether the announcer ends it by its own doing, whatever it says: it names itself, or nobody
    /// where somebody owes something, or us for what our own node knows to be otherwise. Naming
    /// another is beyond what we can see, and costs it that one's opinion.
    pub(super) fn is_excuse(&self, end: &End) -> bool {
        match end.signer {
            None => self.phase.takes_contributions(),
            Some(named) if named == self.announcer => true,
            Some(named) if Some(named) == self.own => match end.cause {
                Cause::Timeout | Cause::Disconnect => self.taken,
                // We did not abort, and vouch for what we signed.
                Cause::InvalidSignature | Cause::Abort => true,
                Cause::Completed => false,
            },
            Some(_) => false,
        }
    }

    /// A peer is gone.
    pub(super) fn lose(&mut self, now: Timestamp, gate: &mut impl Reputations, peer: &PeerId) {
        let lost = self.signers_of(peer);
        if lost == Set::NONE || !self.is_open() {
            return;
        }
        if self.phase == Phase::Join && self.is_ours() {
            for signer in self.numbers().filter(|signer| lost.has(*signer)) {
                self.joined.remove(signer);
                if let Some(member) = self.member_mut(signer) {
                    (member.peer, member.identity) = (None, None);
                }
            }
            return;
        }
        let guilty = self.owing(lost);
        if guilty != Set::NONE || self.phase == Phase::Join {
            let first = self.first(guilty).or_else(|| self.first(lost));
            let end = End { cause: Cause::Disconnect, signer: first };
            self.finish(now, gate, end, guilty);
        }
    }

    /// Whom the phase waits for. A signer that contributed waits for the announcer.
    fn missing(&self) -> Set {
        let waits = self.phase.takes_contributions();
        match self.own {
            Some(own) if !self.is_ours() => {
                let contributed = self.contributed.has(own);
                self.set(|n| waits && n == if contributed { self.announcer } else { own })
            }
            _ => self.set(|n| waits && !self.contributed.has(n)),
        }
    }

    /// Those among them that acknowledged the phase on their connection and still owe it something.
    fn owing(&self, among: Set) -> Set {
        let waits = self.phase.takes_contributions();
        let owes = |n| self.acknowledged.has(n) && !self.contributed.has(n) && self.own != Some(n);
        self.set(|n| waits && among.has(n) && owes(n))
    }

    fn first(&self, set: Set) -> Option<u8> {
        self.numbers().find(|signer| set.has(*signer))
    }

    /// After a step back of the clock: nothing lasts longer than its rule says (policy §2).
    pub(super) fn cut(&mut self, now: Timestamp, limits: &SessionLimits) {
        let longest = match self.phase {
            Phase::Ended => limits.abort_hold,
            phase => self.length(limits, phase),
        };
        self.since = self.since.min(now);
        self.opened = self.opened.min(now);
        self.deadline = self.deadline.cut(now, longest);
        self.end_by = self.end_by.cut(now, limits.whole);
    }
}
