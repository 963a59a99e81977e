//! Signing sessions: what our own node does in them, and what it tells its peers.

use std::collections::HashMap;

use libp2p::{PeerId, request_response::OutboundRequestId};
use ltms_core::{
    Decision, PublicKey, Reason, SessionId, Signature, Timestamp,
    session::{Cause, End, Phase, Session, SessionEvent, Sessions, Step},
    wire::{SessionAnnouncement, session_id},
};
use tokio::sync::oneshot;

use super::Driver;
use crate::{
    behaviour::session::{Contribution, Request, Response},
    door::{Gate, core_peer, net_peer},
    handle::{NodeEvent, OpenSession, SessionCommand, SessionState},
    session_history::{EndedSession, History},
};

/// Rows of the table (policy §11).
const ROWS: usize = 64;

type Reply = oneshot::Sender<Result<(), Decision>>;

/// What the table does not keep of an open session: bytes.
pub(super) struct Talk {
    /// The announcement, to be sent again.
    body: Vec<u8>,
    signature: Signature,
    /// Where each signer is, as the announcement went out.
    peers: Vec<Option<PeerId>>,
    /// Nonces, and partial signatures.
    given: [Vec<Option<Contribution>>; 2],
}

impl Talk {
    pub(super) fn new(body: Vec<u8>, signature: Signature, signers: usize) -> Self {
        let none = || vec![None; signers];
        Self { body, signature, peers: vec![None; signers], given: [none(), none()] }
    }

    /// What was contributed to a phase.
    pub(super) fn given(&mut self, phase: Phase) -> Option<&mut Vec<Option<Contribution>>> {
        self.given.get_mut(usize::from(phase.code()).checked_sub(1)?)
    }

    /// The same, if all of it is there.
    fn all_given(&self, phase: Phase) -> Option<Vec<Contribution>> {
        self.given.get(usize::from(phase.code()).checked_sub(1)?)?.iter().cloned().collect()
    }

    pub(super) fn put(&mut self, phase: Phase, signer: u8, contribution: Contribution) {
        let given = self.given(phase).and_then(|given| given.get_mut(usize::from(signer)));
        if let Some(given) = given {
            *given = Some(contribution);
        }
    }
}

/// What an answer is awaited to.
enum Told {
    Announcement(SessionId),
    Beginning(SessionId, Phase),
    Join(SessionId, Reply),
    Contribution(SessionId, Phase, Reply),
    End,
}

/// The sessions of a node.
pub(crate) struct Desk {
    pub(super) table: Sessions<Box<[Session]>>,
    pub(super) talks: HashMap<SessionId, Talk>,
    told: HashMap<OutboundRequestId, Told>,
    pub(super) history: History,
}

impl Desk {
    /// Of a node that remembers these sessions: their aborters have their slots again.
    pub(crate) fn new(now: Timestamp, history: History) -> Self {
        let mut table = Sessions::new(vec![Session::VACANT; ROWS].into_boxed_slice());
        for ended in history.newest().filter(|ended| ended.held_until > now).take(ROWS) {
            table.restore_hold(now, &ended.id, ended.identity, ended.held_until);
        }
        Self { table, talks: HashMap::new(), told: HashMap::new(), history }
    }
}

impl Driver {
    /// The Gate and what sessions there are.
    pub(super) fn desk(&mut self) -> (&mut Gate, &mut Desk) {
        (&mut self.swarm.behaviour_mut().connections.door.gate, &mut self.desk)
    }

    /// Takes a step: of a peer, or our own.
    pub(super) fn step(
        &mut self,
        from: Option<&PeerId>,
        id: &SessionId,
        step: Step<'_>,
    ) -> Decision {
        let (now, from) = (self.now(), from.map(core_peer));
        let (gate, desk) = self.desk();
        desk.table.step(now, gate, from.as_ref(), id, &step)
    }

    pub(super) fn on_session_command(&mut self, command: SessionCommand) {
        // Whoever asked may have gone; their answer is then dropped.
        match command {
            SessionCommand::Announce(body, signature, others, reply) => {
                let _ = reply.send(self.announce_session(body, signature, &others));
            }
            SessionCommand::Join(id, key, signature, reply) => {
                self.join_session(id, &key, signature, reply);
            }
            SessionCommand::Contribute(id, key, phase, contribution, reply) => {
                self.contribute(id, &key, phase, contribution, reply);
            }
            SessionCommand::Complete(id, reply) => {
                let decision = self.step(None, &id, Step::Complete);
                self.tell_stored(reply, decision);
            }
            SessionCommand::Refuse(id, key, reply) => {
                let signer = self.desk.table.get(&id).and_then(|session| session.signer(&key));
                let refuse = |signer| self.step(None, &id, Step::Refuse(signer));
                let decision = signer.map_or(Decision::new(Reason::NotASigner), refuse);
                self.tell_stored(reply, decision);
            }
            SessionCommand::Abort(id, reply) => {
                let end = End { cause: Cause::Abort, signer: None };
                let decision = self.step(None, &id, Step::Abort(end));
                self.tell_stored(reply, decision);
            }
            SessionCommand::Get(id, reply) => {
                let open = self.desk.table.get(&id).and_then(open);
                let ended = || self.desk.history.get(&id).copied().map(SessionState::Ended);
                let _ = reply.send(open.map(SessionState::Open).or_else(ended));
            }
            SessionCommand::Contributions(id, phase, reply) => {
                let talk = self.desk.talks.get(&id);
                let all = talk.and_then(|talk| talk.all_given(phase));
                let _ = reply.send(all.map(|all| all.into_iter().map(|one| one.data).collect()));
            }
            SessionCommand::History(most, reply) => {
                let _ = reply.send(self.desk.history.newest().take(most).copied().collect());
            }
        }
    }

    fn announce_session(
        &mut self,
        body: Vec<u8>,
        signature: Signature,
        others: &[(PublicKey, PeerId)],
    ) -> Result<SessionId, Decision> {
        let announcement = SessionAnnouncement::decode(&body);
        let announcement = announcement.map_err(|error| Decision::new(error.reason()))?;
        let id = session_id(self.network, &body);
        let mut talk = Talk::new(body, signature, announcement.signers.len());
        for (key, peer) in others {
            let place = announcement.signers.iter().position(|signer| signer == key);
            if let Some(known) = place.and_then(|place| talk.peers.get_mut(place)) {
                *known = Some(*peer);
            }
        }
        let decision = self.step(None, &id, Step::Announce(&announcement));
        if !decision.is_accept() {
            return Err(decision);
        }
        let peers: Vec<_> = talk.peers.iter().flatten().copied().collect();
        self.desk.talks.insert(id, talk);
        peers.iter().for_each(|peer| self.send_announcement(peer, &id));
        Ok(id)
    }

    fn join_session(
        &mut self,
        session: SessionId,
        key: &PublicKey,
        signature: Signature,
        reply: Reply,
    ) {
        let found = self.desk.table.get(&session).map(|found| {
            let announcer = found.peer(found.announcer()).and_then(net_peer);
            (found.signer(key), announcer)
        });
        let joined = match found {
            None => Err(Reason::UnknownSession),
            Some((Some(signer), Some(announcer))) => Ok((signer, announcer)),
            Some(_) => Err(Reason::NotASigner),
        };
        let (signer, announcer) = match joined {
            Ok(joined) => joined,
            Err(reason) => return answer(reply, Err(Decision::new(reason))),
        };
        // First here: the announcer may begin before its answer arrives.
        let decision = self.step(None, &session, Step::Join(signer));
        if !decision.is_accept() {
            return answer(reply, Err(decision));
        }
        let request = Request::Join { session, signer, signature };
        self.send_step(&announcer, request, Told::Join(session, reply));
    }

    fn contribute(
        &mut self,
        session: SessionId,
        key: &PublicKey,
        phase: Phase,
        contribution: Contribution,
        reply: Reply,
    ) {
        let signer = self.desk.table.get(&session).and_then(|found| found.signer(key));
        let Some(signer) = signer else {
            let known = self.desk.table.get(&session).is_some();
            let reason = if known { Reason::NotASigner } else { Reason::UnknownSession };
            return answer(reply, Err(Decision::new(reason)));
        };
        let decision = self.step(None, &session, Step::Contribute(signer, phase));
        let again = decision.reason == Reason::AlreadyKnown;
        if !decision.is_accept() && !again {
            return answer(reply, Err(decision));
        }
        let Some(talk) = self.desk.talks.get_mut(&session) else { return };
        if !again {
            talk.put(phase, signer, contribution);
        }
        // Nobody is to see two nonces or signatures of ours for one session.
        let given = talk.given(phase).and_then(|given| given.get(usize::from(signer))?.clone());
        let announcer = self.desk.table.get(&session).filter(|found| !found.is_ours());
        let announcer =
            announcer.and_then(|found| found.peer(found.announcer()).and_then(net_peer));
        match (announcer, given) {
            (Some(announcer), Some(contribution)) => {
                let request = Request::Contribute { session, signer, phase, contribution };
                self.send_step(&announcer, request, Told::Contribution(session, phase, reply));
            }
            _ if again => answer(reply, Err(decision)),
            _ => answer(reply, Ok(())),
        }
    }

    /// Tells a peer; who waits for an answer gets none if it is not connected.
    fn send_step(&mut self, peer: &PeerId, request: Request, told: Told) {
        match self.swarm.behaviour_mut().step(peer, request) {
            Some(id) => drop(self.desk.told.insert(id, told)),
            None => self.unanswered(told),
        }
    }

    fn send_announcement(&mut self, peer: &PeerId, id: &SessionId) {
        let Some(talk) = self.desk.talks.get(id) else { return };
        let request = Request::Announce { body: talk.body.clone(), signature: talk.signature };
        self.send_step(peer, request, Told::Announcement(*id));
    }

    fn send_beginning(&mut self, peer: &PeerId, session: &SessionId, phase: Phase) {
        let Some(talk) = self.desk.talks.get(session) else { return };
        let contributions = match phase {
            Phase::Nonce => Some(Vec::new()),
            Phase::PartialSignature => talk.all_given(Phase::Nonce),
            _ => talk.all_given(Phase::PartialSignature),
        };
        let Some(contributions) = contributions else { return };
        let request = Request::Begin { session: *session, phase, contributions };
        self.send_step(peer, request, Told::Beginning(*session, phase));
    }

    /// Tells a peer that came, or came back, what it missed.
    pub(super) fn greet(&mut self, peer: &PeerId) {
        let mut missed = Vec::new();
        for (id, talk) in &self.desk.talks {
            let Some(session) = self.desk.table.get(id).filter(|session| session.is_ours()) else {
                continue;
            };
            if talk.peers.contains(&Some(*peer)) {
                missed.push((*id, session.phase()));
            }
        }
        for (id, phase) in missed {
            match phase {
                Phase::Join => self.send_announcement(peer, &id),
                phase => self.send_beginning(peer, &id, phase),
            }
        }
    }

    /// What a peer answered to a step of ours.
    pub(super) fn on_step_answer(
        &mut self,
        peer: PeerId,
        request: OutboundRequestId,
        response: Option<Response>,
    ) {
        let Some(told) = self.desk.told.remove(&request) else { return };
        let Some(Response { code, retry_at }) = response else { return self.unanswered(told) };
        // Told twice is told.
        let done = code == Reason::Clear.code() || code == Reason::AlreadyKnown.code();
        let reason = Reason::ALL.iter().copied().find(|reason| reason.code() == code);
        let refusal = Decision { retry_at, ..Decision::new(reason.unwrap_or(Reason::Unsupported)) };
        let outcome = if done { Ok(()) } else { Err(refusal) };
        let session = match told {
            Told::Beginning(id, phase) if done => {
                let _ = self.step(Some(&peer), &id, Step::Acknowledge(phase));
                return;
            }
            Told::Announcement(id) | Told::Beginning(id, _) => id,
            Told::Join(id, reply) => {
                if !done {
                    self.give_up(&id);
                }
                return answer(reply, outcome);
            }
            Told::Contribution(id, phase, reply) => {
                if done {
                    let _ = self.step(Some(&peer), &id, Step::Acknowledge(phase));
                }
                return answer(reply, outcome);
            }
            Told::End => return,
        };
        if !done {
            self.tell(NodeEvent::SessionRefused { session, peer, code });
        }
    }

    /// Nobody will answer any more. A reply that is dropped says so.
    fn unanswered(&mut self, told: Told) {
        if let Told::Join(id, _) = told {
            self.give_up(&id);
        }
    }

    fn give_up(&mut self, id: &SessionId) {
        let _ = self.step(None, id, Step::Abort(End { cause: Cause::Abort, signer: None }));
    }

    /// Passes on what became of sessions, to our program and to their signers.
    pub(super) fn tell_sessions(&mut self) {
        while let Some(event) = self.desk.table.poll_event() {
            match event {
                SessionEvent::Begun(session, phase) => {
                    for peer in self.told_of(&session) {
                        self.send_beginning(&peer, &session, phase);
                    }
                    self.tell(NodeEvent::SessionBegun { session, phase });
                }
                SessionEvent::Ended(id, end) => self.on_ended(id, end),
                _ => {}
            }
        }
        self.timers.wake(self.desk.table.poll_timeout());
    }

    /// The peers of a session of ours.
    fn told_of(&self, id: &SessionId) -> Vec<PeerId> {
        let ours = self.desk.table.get(id).is_some_and(Session::is_ours);
        let talk = self.desk.talks.get(id).filter(|_| ours);
        let mut peers: Vec<_> =
            talk.map_or_else(Vec::new, |talk| talk.peers.iter().flatten().copied().collect());
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    fn on_ended(&mut self, id: SessionId, end: End) {
        let now = self.now();
        let Some(session) = self.desk.table.get(&id) else { return };
        let ended = EndedSession::of(now, session);
        let (own, peer) = (session.own(), |signer| session.peer(signer).and_then(net_peer));
        let announcer = peer(session.announcer()).filter(|_| !session.is_ours());
        let aborter = end.signer.filter(|_| end.cause == Cause::Abort).and_then(peer);
        // What we do not go on with is our abort, whatever made us.
        let ours = own.is_some() && end.signer == own && end.cause == Cause::Abort;
        let gave_up = ours || end.cause == Cause::InvalidSignature;
        if end.cause != Cause::Completed {
            for peer in self.told_of(&id) {
                if Some(peer) != aborter {
                    self.send_step(&peer, Request::Abort { session: id, end }, Told::End);
                }
            }
        }
        if let Some(announcer) = announcer.filter(|_| gave_up && own.is_some()) {
            let end = End { cause: Cause::Abort, signer: own };
            self.send_step(&announcer, Request::Abort { session: id, end }, Told::End);
        }
        self.desk.talks.remove(&id);
        if let Some(ended) = ended {
            self.desk.history.put(ended);
            self.tell(NodeEvent::SessionEnded(ended));
        }
    }

    /// Ends what ran out of time.
    pub(super) fn sweep_sessions(&mut self) -> Timestamp {
        let now = self.now();
        let (gate, desk) = self.desk();
        desk.table.handle_timeout(now, gate);
        desk.table.poll_timeout()
    }

    /// A peer's last connection is gone.
    pub(super) fn leave_sessions(&mut self, peer: &PeerId) {
        let (now, peer) = (self.now(), core_peer(peer));
        let (gate, desk) = self.desk();
        desk.table.disconnected(now, gate, &peer);
    }
}

/// Whoever asked may have gone.
fn answer(reply: Reply, outcome: Result<(), Decision>) {
    let _ = reply.send(outcome);
}

fn open(session: &Session) -> Option<OpenSession> {
    if session.end().is_some() {
        return None;
    }
    let of = |is: &dyn Fn(u8) -> bool| -> Vec<PublicKey> {
        (0..).zip(session.signers()).filter(|(n, _)| is(*n)).map(|(_, key)| *key).collect()
    };
    Some(OpenSession {
        id: *session.id(),
        phase: session.phase(),
        deadline: session.deadline(),
        digest: *session.digest(),
        signers: of(&|_| true),
        announcer: *session.key(session.announcer())?,
        own: session.own().and_then(|own| session.key(own)).copied(),
        joined: of(&|n| session.has_joined(n)),
        acknowledged: of(&|n| session.has_acknowledged(n)),
        contributed: of(&|n| session.has_contributed(n)),
    })
}
