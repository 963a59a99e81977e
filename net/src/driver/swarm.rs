//! What the network brings.

use std::collections::hash_map::Entry;

use libp2p::{
    Multiaddr, PeerId, gossipsub, identify,
    request_response::{self, OutboundRequestId, ResponseChannel},
    swarm::SwarmEvent,
};
use ltms_core::{
    Decision, FrameKind, Proof, Reason, Source, Subject,
    wire::{Envelope, Hello, Kind, WireError, hello_hash, is_plain_text},
};
use rand::seq::IteratorRandom;

use super::{Asked, Driver, Message, Origin, admit::HOLD, judged, pulls::Pull};
use crate::{
    behaviour::{
        Event,
        connections::ip_of,
        dht,
        gossip::Topic,
        streams::{DecodeError, FrameError, Incoming, Request, Response},
    },
    door::{core_peer, is_served},
    handle::NodeEvent,
    meters,
};

/// Characters of a peer's own words that are kept.
const AGENT: usize = 64;

/// What a peer says, without what a terminal or a page would not show as it is.
fn plain(text: &str) -> String {
    let shown = |c: char| if is_plain_text(c.encode_utf8(&mut [0; 4])) { c } else { '\u{FFFD}' };
    text.chars().take(AGENT).map(shown).collect()
}

impl Driver {
    pub(super) fn on_swarm_event(&mut self, event: SwarmEvent<Event>) {
        self.meters.note(&self.libp2p, &event);
        match event {
            SwarmEvent::Behaviour(Event::Gossip(event)) => self.on_gossip(*event),
            SwarmEvent::Behaviour(Event::Direct(event)) => self.on_direct(*event),
            SwarmEvent::Behaviour(Event::Signing(event)) => self.on_signing(*event),
            SwarmEvent::Behaviour(Event::Dht(event)) => self.on_dht(*event),
            SwarmEvent::Behaviour(Event::Identify(event)) => self.on_identify(*event),
            SwarmEvent::Behaviour(Event::Ping(ping)) => {
                if let Ok(time) = ping.result {
                    self.swarm.behaviour_mut().connections.note_ping(ping.connection, time);
                }
            }
            SwarmEvent::ConnectionEstablished {
                peer_id, connection_id, num_established, ..
            } => {
                self.dial_opened(connection_id);
                if num_established.get() == 1 {
                    self.greet(&peer_id);
                    self.tell(NodeEvent::Connected(peer_id));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                self.dial_ended(connection_id);
                if num_established == 0 {
                    self.forget(&peer_id);
                }
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "inbound connection failed");
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                self.dial_ended(connection_id);
                tracing::debug!(?peer_id, %error, "dial failed");
                self.tell(NodeEvent::DialFailed { peer: peer_id, error: error.to_string() });
            }
            _ => {}
        }
    }

    /// Forgets a peer whose last connection is gone.
    fn forget(&mut self, peer: &PeerId) {
        self.swarm.behaviour_mut().forget(peer);
        self.leave_sessions(peer);
        self.timers.forget(peer);
        self.forget_answers(*peer);
        self.identified.remove(peer);
        self.challenges.remove(peer);
        self.unconvinced.remove(peer);
        self.tell(NodeEvent::Disconnected(*peer));
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source: from, message_id: id, message } => {
                let publisher = message.source.unwrap_or(from);
                let source = Source::gossip(core_peer(&from), core_peer(&publisher));
                let origin = Origin::Gossip { id, from };
                self.on_gossip_message(source, origin, from, message);
            }
            gossipsub::Event::Subscribed { topic, .. }
                if Topic::of(&topic, self.network) == Some(Topic::Ads) =>
            {
                self.publish_waiting();
            }
            _ => {}
        }
    }

    fn on_gossip_message(
        &mut self,
        source: Source,
        origin: Origin,
        from: PeerId,
        message: gossipsub::Message,
    ) {
        let now = self.now();
        let decision = self.screen_frame(&source, FrameKind::Gossip, message.data.len());
        if !decision.is_accept() {
            return self.finish(origin, &source, decision);
        }
        if let (Reason::Throttle, Some(until)) = (decision.reason, decision.retry_at) {
            self.throttle(from, until);
        }
        let kind = Envelope::decode(&message.data).map(|envelope| envelope.kind);
        let fits = match (Topic::of(&message.topic, self.network), kind) {
            (Some(Topic::Ads), Ok(kind)) => matches!(kind, Kind::Advertisement | Kind::Withdrawal),
            (Some(Topic::Claims), Ok(kind)) => {
                matches!(kind, Kind::Registration | Kind::Rotation | Kind::Credit)
            }
            // What cannot be read is judged, and charged, by whoever reads it.
            (Some(Topic::Ads | Topic::Claims), Err(_)) => true,
            _ => false,
        };
        if !fits {
            return self.finish(origin, &source, Decision::new(Reason::Unsupported));
        }
        let deadline = now.saturating_add(HOLD);
        let envelope = message.data;
        self.admit(Message { source, envelope, origin, deadline, history_sought: false });
    }

    fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id, .. } = &event else {
            return meters::note_identified(&self.libp2p, &event);
        };
        if !self.is_connected(peer_id) {
            return;
        }
        meters::note_identified(&self.libp2p, &event);
        let identify::Event::Received { peer_id, info, .. } = event else { return };
        // Once a connection: a peer may push as many of these as it likes.
        let Entry::Vacant(place) = self.identified.entry(peer_id) else { return };
        place.insert(plain(&info.agent_version));
        let behaviour = self.swarm.behaviour_mut();
        let ip = behaviour.connections.ip_of_peer(&peer_id);
        if info.protocols.contains(&dht::protocol(self.network)) {
            // Only where we can see it: what it says about other addresses is a claim.
            let observed =
                |address: &&Multiaddr| ip_of(address) == ip && address.iter().count() == 2;
            if let Some(address) = info.listen_addrs.iter().find(observed) {
                behaviour.dht.route(&peer_id, address);
            }
        }
        self.pull(peer_id, |now| Pull::new(None, now));
        if self.identity.is_some() {
            self.ask(&peer_id, Request::Challenge, Asked::Challenge);
        }
    }

    /// Asks a connected peer something, and remembers what it may answer. False if it is not
    /// connected.
    pub(super) fn ask(&mut self, peer: &PeerId, request: Request, asked: Asked) -> bool {
        let id = self.swarm.behaviour_mut().ask(peer, request);
        id.map(|id| self.asked.insert(id, asked)).is_some()
    }

    /// Asks one of the connected peers for its directory: what gossip lost comes this way.
    pub(super) fn pull_from_somebody(&mut self) {
        let peers = self.swarm.connected_peers().copied();
        let peer = peers.filter(|peer| !self.intake.has(peer)).choose(&mut rand::rng());
        if let Some(peer) = peer {
            self.pull(peer, Pull::anywhere);
        }
    }

    fn on_direct(&mut self, event: request_response::Event<Incoming, Response>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request { request, channel, .. } => {
                    self.on_request(peer, request, channel);
                }
                request_response::Message::Response { request_id, response } => {
                    self.on_response(peer, request_id, response);
                }
            },
            request_response::Event::OutboundFailure { peer, request_id, .. } => {
                match self.asked.remove(&request_id) {
                    Some(Asked::Page) => self.end_pull(peer, false),
                    Some(Asked::Sought(id)) => self.on_history(peer, id, Vec::new()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn on_request(&mut self, peer: PeerId, request: Incoming, channel: ResponseChannel<Response>) {
        let now = self.now();
        let source = Source::direct(core_peer(&peer));
        let len = match &request {
            Ok(Request::Push(envelope) | Request::Hello(envelope)) => envelope.len(),
            Ok(_) | Err(FrameError::Busy | FrameError::Decode(_)) => 0,
            Err(FrameError::Oversize(len)) => usize::try_from(*len).unwrap_or(usize::MAX),
        };
        let decision = self.screen_frame(&source, FrameKind::Direct, len);
        if !decision.is_accept() {
            self.tell(NodeEvent::Refused { peer, reason: decision.reason });
            // An unread frame's stream is reset by dropping its channel.
            if request.is_ok() {
                self.respond(channel, judged(decision));
            }
            return;
        }
        match request {
            Ok(Request::Challenge) => {
                let challenge = rand::random();
                self.challenges.insert(peer, challenge);
                self.respond(channel, Response::Challenge(challenge));
            }
            Ok(Request::Hello(envelope)) => {
                let decision = self.on_hello(peer, &source, &envelope);
                self.respond(channel, judged(decision));
            }
            Ok(Request::Push(envelope)) => {
                let deadline = now.saturating_add(HOLD);
                let origin = Origin::Direct(channel);
                self.admit(Message { source, envelope, origin, deadline, history_sought: false });
            }
            Ok(Request::History(id)) => {
                let history = self.envelopes.history(&id);
                self.respond(channel, history);
            }
            Ok(Request::Directory { after }) => {
                let gate = &self.swarm.behaviour().connections.door.gate;
                let page = self.envelopes.page(after, |key, kind| is_served(gate, now, key, kind));
                self.respond(channel, page);
            }
            Err(FrameError::Decode(DecodeError::Unknown(_))) => {
                self.respond(channel, Response::Refused(Reason::Unsupported.code()));
            }
            Err(FrameError::Decode(_)) => {
                let _ = self.gate().malformed(now, &source, Reason::Malformed, &[]);
                self.tell(NodeEvent::Refused { peer, reason: Reason::Malformed });
            }
            Err(_) => {}
        }
    }

    fn on_response(&mut self, peer: PeerId, request: OutboundRequestId, response: Response) {
        // Nothing is taken but what was asked for.
        let Some(asked) = self.asked.remove(&request) else { return };
        match (response, asked) {
            (response, Asked::ByHandle(reply)) => {
                // Whoever asked may have gone.
                let _ = reply.send(response);
            }
            (Response::Challenge(challenge), Asked::Challenge) => {
                self.prove_identity(&peer, &challenge);
            }
            (Response::History(envelopes), Asked::History) => {
                self.pulled(peer, envelopes);
            }
            (Response::History(envelopes), Asked::Sought(id)) => {
                self.on_history(peer, id, envelopes);
            }
            (_, Asked::Sought(id)) => self.on_history(peer, id, Vec::new()),
            (Response::Directory { claims, ads, more }, Asked::Page) => {
                self.on_page(peer, claims, ads, more);
            }
            // It has had enough of us, or nothing to tell.
            (_, Asked::Page) => self.end_pull(peer, true),
            (Response::Judged { code, .. }, Asked::Judgement) => {
                tracing::debug!(%peer, code, "peer judged us");
                let later = [Reason::UnknownIdentity, Reason::SignatureBudget, Reason::NodeBusy];
                if self.identity.is_some() && later.map(Reason::code).contains(&code) {
                    self.unconvinced.insert(peer);
                }
            }
            _ => {}
        }
    }

    /// Answers a challenge, so that the connection is known to be our identity's.
    fn prove_identity(&mut self, peer: &PeerId, challenge: &[u8; 32]) {
        let Some((identity, key)) = &self.identity else { return };
        let (identity, challenge) = (*identity, *challenge);
        let hello = Hello { identity, key: key.public_key(), delegation: None, challenge };
        let (prover, verifier) = (core_peer(&self.local()), core_peer(peer));
        let hash = hello_hash(self.network, &prover, &verifier, &identity, &challenge);
        let signature = key.sign(&hash);
        let mut body = [0; 512];
        let mut envelope = [0; 1024];
        let written = hello.encode(&mut body).and_then(|len| {
            Envelope { kind: Kind::Hello, body: &body[..len], signature }.encode(&mut envelope)
        });
        if let Ok(len) = written {
            self.ask(peer, Request::Hello(envelope[..len].to_vec()), Asked::Judgement);
        }
    }

    /// Asks for another challenge where our identity was not known, or our proof not looked at.
    pub(super) fn prove_again(&mut self) {
        for peer in std::mem::take(&mut self.unconvinced) {
            self.ask(&peer, Request::Challenge, Asked::Challenge);
        }
    }

    fn on_hello(&mut self, peer: PeerId, source: &Source, bytes: &[u8]) -> Decision {
        let now = self.now();
        let verifier = core_peer(&self.local());
        let Some(challenge) = self.challenges.remove(&peer) else {
            return Decision::new(Reason::Replayed);
        };
        let read = Envelope::decode(bytes).and_then(|envelope| match envelope.kind {
            Kind::Hello => Hello::decode(envelope.body).map(|hello| (hello, envelope.signature)),
            _ => Err(WireError::WrongKind),
        });
        match read {
            Ok((hello, signature)) => {
                let proof =
                    Proof { verifier: &verifier, challenge: &challenge, hello: &hello, signature };
                let subject = Subject::Peer(source.peer);
                let before = self.gate().standing(now, &subject).decision.reason;
                let decision = self.gate().prove_identity(now, source, &proof);
                if before == Reason::GroupBanned && decision.is_accept() {
                    self.readmit(&peer);
                }
                if decision.reason == Reason::UnknownIdentity {
                    self.ask(&peer, Request::History(hello.identity), Asked::History);
                }
                decision
            }
            Err(error) => self.gate().malformed(now, source, error.reason(), bytes),
        }
    }
}
