//! What a step that fits does to its session.

use super::{Cause, End, Member, Phase, Reputations, Session, Step};
use crate::packed::Packed;
use crate::wire::SessionAnnouncement;
use crate::{
    IdentityId, List, Millis, PeerId, PublicKey, SessionId, SessionLimits, Subject, Timestamp,
};

impl Member {
    pub(super) fn of(key: &PublicKey) -> Self {
        Self { key: *key, peer: None, identity: None, slowest: Packed::ZERO }
    }

    /// Notes how long an answer took.
    fn answered(&mut self, took: Millis) {
        self.slowest = self.slowest.max(Packed::new(took.get()));
    }
}

impl Session {
    /// Takes a step that fits.
    pub(super) fn apply(
        &mut self,
        now: Timestamp,
        gate: &mut impl Reputations,
        (from, identity): (Option<&PeerId>, Option<IdentityId>),
        id: &SessionId,
        step: &Step<'_>,
    ) {
        let limits = gate.gate().policy().sessions;
        match step {
            Step::Announce(announcement) => {
                *self = Self::announced(now, &limits, id, announcement);
                self.enter(self.announcer, from, identity);
            }
            Step::Join(signer) => self.enter(*signer, from, identity),
            Step::Begin(phase) => {
                let (took, measured) = (now.since(self.since), self.phase.takes_contributions());
                if let Some(announcer) = self.member_mut(self.announcer).filter(|_| measured) {
                    announcer.answered(took);
                }
                self.begin(now, &limits, *phase);
                self.acknowledged.add(self.announcer);
            }
            Step::Acknowledge(_) if !self.is_ours() => self.taken = true,
            Step::Acknowledge(_) => {
                if let Some(peer) = from {
                    self.acknowledged.0 |= self.signers_of(peer).0;
                }
            }
            Step::Contribute(signer, _) => {
                // Whoever contributes to a phase knows of it.
                self.acknowledged.add(*signer);
                self.contributed.add(*signer);
                let took = now.since(self.since);
                if let Some(member) = self.member_mut(*signer) {
                    member.answered(took);
                }
            }
            Step::Abort(end) => {
                let end = match from {
                    None => End { signer: self.own, ..*end },
                    Some(_) if !self.is_ours() && self.is_excuse(end) => {
                        End { cause: Cause::Abort, signer: Some(self.announcer) }
                    }
                    Some(_) => *end,
                };
                // By the announcer's word nobody but itself is at fault.
                let aborted = end.cause == Cause::Abort && from.is_some();
                let by = |n| Some(n) == end.signer && self.peer(n) == from;
                let guilty = self.set(|n| aborted && by(n));
                self.finish(now, gate, end, guilty);
            }
            Step::Complete => self.complete(now, gate),
            Step::Refuse(signer) => {
                // Somebody else's contribution carries its own signature, too.
                let key = self.key(*signer).copied();
                let found =
                    key.and_then(|key| gate.gate().standing(now, &Subject::Key(key)).identity);
                if let Some(member) = self.member_mut(*signer) {
                    member.identity = member.identity.or(found);
                }
                let guilty = self.set(|n| n == *signer);
                let end = End { cause: Cause::InvalidSignature, signer: Some(*signer) };
                self.finish(now, gate, end, guilty);
            }
        }
        if self.is_ours() && self.is_complete() {
            self.begin(now, &limits, self.phase.next());
        }
    }

    /// Whether everybody has done what the phase asks for.
    fn is_complete(&self) -> bool {
        match self.phase {
            Phase::Join => self.joined.len() == self.members.len(),
            Phase::Nonce | Phase::PartialSignature => self.contributed.len() == self.members.len(),
            Phase::Finish | Phase::Ended => false,
        }
    }

    fn announced(
        now: Timestamp,
        limits: &SessionLimits,
        id: &SessionId,
        announcement: &SessionAnnouncement,
    ) -> Self {
        let end_by = announcement.created_at.min(now).saturating_add(limits.whole);
        let mut members = List::new();
        // As many as an announcement has always fit; to collect them would say so with a panic.
        for key in &announcement.signers {
            let _ = members.push(Member::of(key));
        }
        Self {
            id: *id,
            members,
            announcer: announcement.announcer,
            phase: Phase::Join,
            digest: announcement.digest,
            opened: now,
            since: now,
            deadline: end_by,
            end_by,
            ..Self::VACANT
        }
    }

    /// A signer is there: a peer's, or our own.
    fn enter(&mut self, signer: u8, from: Option<&PeerId>, identity: Option<IdentityId>) {
        self.joined.add(signer);
        if from.is_none() {
            self.own = Some(signer);
        }
        if let Some(member) = self.member_mut(signer) {
            (member.peer, member.identity) = (from.copied(), identity);
        }
    }
}
