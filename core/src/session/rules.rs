//! What may be done in a session, by whom and when.

use super::{Cause, Phase, Session, Step};
use crate::storage::Storage;
use crate::{Decision, Gate, IdentityId, PeerId, PublicKey, Reason, Subject, Timestamp};

impl Session {
    /// Whether the step fits an open session; `from` is the peer that takes it, or our own node.
    pub(super) fn allows(&self, from: Option<&PeerId>, step: &Step<'_>) -> Result<(), Reason> {
        match (step, from) {
            (Step::Announce(_), _) => Err(Reason::AlreadyKnown),
            (Step::Join(signer), _) => self.allows_join(from, *signer),
            (Step::Begin(phase), Some(peer)) => {
                self.is_from_announcer(peer)?;
                let own = self.own.ok_or(Reason::WrongPhase)?;
                let ready = !self.phase.takes_contributions() || self.contributed.has(own);
                match *phase == self.phase.next() && ready && *phase != Phase::Ended {
                    true => Ok(()),
                    false if *phase == self.phase => Err(Reason::AlreadyKnown),
                    false => Err(Reason::WrongPhase),
                }
            }
            (Step::Acknowledge(phase), Some(peer)) => {
                let known = self.members.iter().any(|member| member.peer.as_ref() == Some(peer));
                let announcer = self.peer(self.announcer) == Some(peer);
                check(known && (self.is_ours() || announcer), Reason::NotASigner)?;
                let ready = self.is_ours() || self.own.is_some_and(|own| self.contributed.has(own));
                check(*phase == self.phase && ready, Reason::WrongPhase)
            }
            (Step::Contribute(signer, phase), _) => {
                let theirs = match from {
                    None => self.own == Some(*signer),
                    Some(peer) => self.is_ours() && self.peer(*signer) == Some(peer),
                };
                check(theirs, Reason::NotASigner)?;
                let fits = *phase == self.phase && self.phase.takes_contributions();
                check(fits, Reason::WrongPhase)?;
                check(!self.contributed.has(*signer), Reason::AlreadyKnown)
            }
            (Step::Abort(_), None) => Ok(()),
            (Step::Abort(end), Some(peer)) => {
                if self.is_ours() {
                    let own = end.signer.is_some_and(|signer| self.peer(signer) == Some(peer));
                    check(own && end.cause == Cause::Abort, Reason::NotASigner)?;
                } else {
                    self.is_from_announcer(peer)?;
                    check(end.cause != Cause::Completed, Reason::Malformed)?;
                    let known = end.signer.is_none_or(|signer| self.member(signer).is_some());
                    check(known, Reason::Malformed)?;
                }
                // Everybody has done their part: nobody can spoil it any more.
                check(self.phase != Phase::Finish, Reason::WrongPhase)
            }
            (Step::Complete, None) => check(self.phase == Phase::Finish, Reason::WrongPhase),
            (Step::Refuse(signer), None) => {
                let other = self.own != Some(*signer) && self.member(*signer).is_some();
                check(other, Reason::NotASigner)?;
                let had = match self.phase {
                    Phase::PartialSignature | Phase::Finish => self.own.is_some(),
                    _ => self.is_ours() && self.contributed.has(*signer),
                };
                check(had, Reason::WrongPhase)
            }
            (Step::Begin(_) | Step::Acknowledge(_), None)
            | (Step::Complete | Step::Refuse(_), Some(_)) => Err(Reason::NotASigner),
        }
    }

    fn allows_join(&self, from: Option<&PeerId>, signer: u8) -> Result<(), Reason> {
        let named = self.member(signer).is_some() && signer != self.announcer;
        check(named && self.is_ours() == from.is_some(), Reason::NotASigner)?;
        let joined = self.joined.has(signer) || from.is_none() && self.own.is_some();
        check(!joined, Reason::AlreadyKnown)?;
        check(self.phase == Phase::Join, Reason::WrongPhase)
    }

    fn is_from_announcer(&self, peer: &PeerId) -> Result<(), Reason> {
        let announcer = !self.is_ours() && self.peer(self.announcer) == Some(peer);
        check(announcer, Reason::NotASigner)
    }
}

fn check(holds: bool, otherwise: Reason) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Whose slot a signer takes: the identity of its key, or the one that its connection proved.
/// `None` is a stranger, and our own node.
pub(super) fn holder<S: Storage>(
    now: Timestamp,
    gate: &Gate<S>,
    key: &PublicKey,
    from: Option<&PeerId>,
) -> Result<Option<IdentityId>, Decision> {
    let shared = gate.resolve_identity(key).is_some();
    if shared && !gate.policy().sessions.allow_shared_key {
        return Err(Reason::SharedKey.into());
    }
    let Some(peer) = from else { return Ok(None) };
    let mut found = None;
    for subject in [Subject::Key(*key), Subject::Peer(*peer)] {
        let standing = gate.standing(now, &subject);
        if standing.decision.reason != Reason::Clear {
            return Err(standing.decision);
        }
        found = found.or(standing.identity);
    }
    if let Some(id) = found {
        let decision = gate.standing(now, &Subject::Identity(id)).decision;
        if decision.reason != Reason::Clear {
            return Err(decision);
        }
    }
    Ok(found)
}
