//! Signing sessions: what peers do in them.

use libp2p::{
    PeerId,
    request_response::{self, ResponseChannel},
};
use ltms_core::{
    Decision, FrameKind, Reason, SessionId, Signed, Source,
    session::{Phase, Step},
    wire::{SessionAnnouncement, contribution_hash, join_hash, session_hash, session_id},
};

use super::{Driver, sessions::Talk};
use crate::{
    behaviour::{
        session::{Contribution, Incoming, Request, Response},
        streams::{DecodeError, FrameError},
    },
    door::core_peer,
    handle::NodeEvent,
};

impl Driver {
    pub(super) fn on_signing(&mut self, event: request_response::Event<Incoming, Response>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request { request, channel, .. } => {
                    self.on_step(peer, request, channel);
                }
                request_response::Message::Response { request_id, response } => {
                    self.on_step_answer(peer, request_id, Some(response));
                }
            },
            request_response::Event::OutboundFailure { peer, request_id, .. } => {
                self.on_step_answer(peer, request_id, None);
            }
            _ => {}
        }
    }

    fn on_step(&mut self, peer: PeerId, request: Incoming, channel: ResponseChannel<Response>) {
        let now = self.now();
        let source = Source::direct(core_peer(&peer));
        let len = match &request {
            Err(FrameError::Oversize(len)) => usize::try_from(*len).unwrap_or(usize::MAX),
            _ => 0,
        };
        let screened = self.screen_frame(&source, FrameKind::Direct, len);
        let decision = match request {
            // An unread frame's stream is reset by dropping its channel.
            Err(_) if !screened.is_accept() => {
                return self.tell(NodeEvent::Refused { peer, reason: screened.reason });
            }
            Err(FrameError::Decode(DecodeError::Unknown(_))) => Decision::new(Reason::Unsupported),
            Err(FrameError::Decode(_)) => {
                let _ = self.gate().malformed(now, &source, Reason::Malformed, &[]);
                return self.tell(NodeEvent::Refused { peer, reason: Reason::Malformed });
            }
            Err(_) => return,
            Ok(_) if !screened.is_accept() => screened,
            Ok(request) => {
                self.judge_step(peer, &source, request).unwrap_or_else(|refused| refused)
            }
        };
        if !decision.is_accept() {
            self.tell(NodeEvent::Refused { peer, reason: decision.reason });
        }
        let response = Response { code: decision.reason.code(), retry_at: decision.retry_at };
        // The stream may be gone; the asker sees a timeout then.
        let _ = self.swarm.behaviour_mut().signing.send_response(channel, response);
    }

    /// Cheap before dear: whether the step fits is looked at before its signature.
    fn judge_step(
        &mut self,
        peer: PeerId,
        source: &Source,
        request: Request,
    ) -> Result<Decision, Decision> {
        match request {
            Request::Announce { body, signature } => {
                let announcement = SessionAnnouncement::decode(&body);
                let announcement =
                    announcement.map_err(|error| self.accuse(source, error.reason(), &body))?;
                let id = session_id(self.network, &body);
                if self.desk.history.get(&id).is_some() {
                    return Err(Reason::Replayed.into());
                }
                self.fits(&peer, &id, &Step::Announce(&announcement))?;
                let hash = session_hash(self.network, &body);
                let key = *announcement.author().ok_or(Reason::Malformed)?;
                self.charge(source, &body, &[Signed { key, hash, signature }])?;
                let decision = self.step(Some(&peer), &id, Step::Announce(&announcement));
                if decision.is_accept() {
                    let talk = Talk::new(body, signature, announcement.signers.len());
                    self.desk.talks.insert(id, talk);
                    self.tell(NodeEvent::SessionAnnounced { session: id, peer });
                }
                Ok(decision)
            }
            Request::Join { session, signer, signature } => {
                self.fits(&peer, &session, &Step::Join(signer))?;
                let key = self.key_of(&session, signer)?;
                let hash = join_hash(self.network, &session, &key, &source.peer);
                self.charge(source, &hash, &[Signed { key, hash, signature }])?;
                Ok(self.step(Some(&peer), &session, Step::Join(signer)))
            }
            Request::Begin { session, phase, contributions } => {
                self.fits(&peer, &session, &Step::Begin(phase))?;
                self.take_contributions(source, &session, phase, contributions)?;
                Ok(self.step(Some(&peer), &session, Step::Begin(phase)))
            }
            Request::Contribute { session, signer, phase, contribution } => {
                self.fits(&peer, &session, &Step::Contribute(signer, phase))?;
                let signed = self.signed(&session, signer, phase, &contribution)?;
                self.charge(source, &contribution.data, &[signed])?;
                // It has to be there when the step begins the next phase.
                if let Some(talk) = self.desk.talks.get_mut(&session) {
                    talk.put(phase, signer, contribution);
                }
                Ok(self.step(Some(&peer), &session, Step::Contribute(signer, phase)))
            }
            Request::Abort { session, end } => {
                Ok(self.step(Some(&peer), &session, Step::Abort(end)))
            }
        }
    }

    /// Checks and keeps what all signers contributed to the phase before this one.
    fn take_contributions(
        &mut self,
        source: &Source,
        session: &SessionId,
        phase: Phase,
        contributions: Vec<Contribution>,
    ) -> Result<(), Decision> {
        let before = match phase {
            Phase::PartialSignature => Phase::Nonce,
            Phase::Finish => Phase::PartialSignature,
            _ if contributions.is_empty() => return Ok(()),
            _ => return Err(self.accuse(source, Reason::Malformed, &[])),
        };
        let signers = self.desk.table.get(session).map_or(0, |found| found.signers().count());
        if contributions.len() != signers {
            return Err(self.accuse(source, Reason::Malformed, &[]));
        }
        let signed: Result<Vec<_>, Decision> = (0..)
            .zip(&contributions)
            .map(|(signer, given)| self.signed(session, signer, before, given))
            .collect();
        // One charge for all: there is no beginning that does not follow a contribution of ours.
        self.charge(source, session.as_bytes(), &signed?)?;
        if let Some(talk) = self.desk.talks.get_mut(session) {
            let given = talk.given(before);
            if let Some(given) = given {
                *given = contributions.into_iter().map(Some).collect();
            }
        }
        Ok(())
    }

    fn fits(&mut self, peer: &PeerId, id: &SessionId, step: &Step<'_>) -> Result<(), Decision> {
        let (now, peer) = (self.now(), core_peer(peer));
        let (gate, desk) = self.desk();
        let decision = desk.table.screen(now, gate, Some(&peer), id, step);
        if decision.is_accept() { Ok(()) } else { Err(decision) }
    }

    fn key_of(&self, id: &SessionId, signer: u8) -> Result<ltms_core::PublicKey, Decision> {
        let key = self.desk.table.get(id).and_then(|session| session.key(signer));
        key.copied().ok_or_else(|| Reason::NotASigner.into())
    }

    fn signed(
        &self,
        id: &SessionId,
        signer: u8,
        phase: Phase,
        given: &Contribution,
    ) -> Result<Signed, Decision> {
        let hash = contribution_hash(self.network, id, phase, &given.data);
        Ok(Signed { key: self.key_of(id, signer)?, hash, signature: given.signature })
    }

    /// Checks signatures at the cost of the connection, which pays for one that does not hold.
    fn charge(
        &mut self,
        source: &Source,
        evidence: &[u8],
        signed: &[Signed],
    ) -> Result<(), Decision> {
        let now = self.now();
        self.gate().charge_signature(now, source)?;
        if signed.iter().all(Signed::holds) {
            return Ok(());
        }
        Err(self.accuse(source, Reason::InvalidSignature, evidence))
    }

    fn accuse(&mut self, source: &Source, reason: Reason, evidence: &[u8]) -> Decision {
        let now = self.now();
        self.gate().malformed(now, source, reason, evidence)
    }
}
