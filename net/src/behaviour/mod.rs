//! The network behaviours and how they are set up.

mod bills;
pub mod connections;
mod deadline;
pub mod deliveries;
pub mod dht;
pub mod gossip;
mod messages;
pub mod records;
pub mod routing;
pub mod scores;
pub mod session;
pub mod streams;

use std::{convert::Infallible, net::IpAddr, time::Duration};

use libp2p::{
    PeerId, gossipsub, identify,
    identity::Keypair,
    kad, memory_connection_limits,
    metrics::Registry,
    ping,
    request_response::{self, OutboundRequestId},
    swarm::NetworkBehaviour,
};
use ltms_core::{Network, Policy, Quota};

use self::{
    bills::Bills,
    connections::{Connections, Doorkeeper},
    dht::Dht,
    gossip::Gossip,
    scores::Scores,
    session::Signing,
    streams::{Direct, Incoming, Request, Response},
};
use crate::limits::Limits;

/// What we say we are, in identify's protocol version.
pub const PROTOCOL_VERSION: &str = "ltms/0.1";
/// What we say we are, in identify's agent version.
pub const AGENT_VERSION: &str = concat!("ltms/", env!("CARGO_PKG_VERSION"));
/// A part of the stack refused its settings.
#[derive(Debug, thiserror::Error)]
#[error("{part} could not be set up: {problem}")]
pub struct SetupError {
    part: &'static str,
    problem: String,
}

impl SetupError {
    pub(crate) fn new(part: &'static str, problem: impl ToString) -> Self {
        Self { part, problem: problem.to_string() }
    }
}

/// What the behaviours are made from.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The chain; part of topics and protocol names. Regtest lifts the limits on loopback.
    pub network: Network,
    /// Short delays, for demonstrations and tests.
    pub quick: bool,
    /// Whether the DHT answers from the start, before an external address is confirmed.
    pub server: bool,
    /// What sockets and streams may take.
    pub limits: Limits,
    /// The address that a peer counts as having for bans and groups: its own, except in
    /// simulations, where many addresses of one machine stand for those of a network.
    pub observe: fn(IpAddr) -> IpAddr,
    /// How gossip's topics are scored.
    pub scores: Scores,
    /// Messages of one connection; what it may send in gossip follows from that.
    pub messages: Quota,
}

impl Settings {
    /// The defaults on a network.
    #[must_use]
    pub const fn new(network: Network) -> Self {
        Self {
            network,
            quick: false,
            server: false,
            limits: Limits::DEFAULT,
            observe: std::convert::identity,
            scores: Scores::Quiet,
            messages: Policy::LOTUS_V1.windows.connection,
        }
    }
}

/// Everything a node does on its connections. The order of the fields is the order in which they
/// are asked about a connection: those that may deny come first.
#[derive(NetworkBehaviour)]
#[behaviour(to_swarm = "Event")]
pub struct Behaviour<D: Doorkeeper> {
    /// Who may connect.
    pub connections: Connections<D>,
    /// A brake on memory, not a ceiling: it looks at the whole process, before a connection.
    pub memory: memory_connection_limits::Behaviour,
    /// Advertisements, requests and claims by gossip.
    pub gossip: Gossip,
    /// Advertisements by author key.
    pub dht: Dht,
    /// Exchange of versions, protocols and addresses.
    pub identify: identify::Behaviour,
    /// Liveness.
    pub ping: ping::Behaviour,
    /// The direct protocol.
    pub direct: Direct,
    /// The protocol of signing sessions.
    pub signing: Signing,
}

impl<D: Doorkeeper> Behaviour<D> {
    /// The behaviours of the node with this key pair; `door` decides who may connect. What they
    /// count is in `registry`.
    ///
    /// # Errors
    /// [`SetupError`] if a part refuses its settings.
    pub fn new(
        keypair: &Keypair,
        settings: &Settings,
        door: D,
        registry: &mut Registry,
    ) -> Result<Self, SetupError> {
        let Settings { network, quick, server, limits, observe, scores, messages } = *settings;
        let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
        let deadline = Duration::from_millis(limits.frame.get());
        let public = keypair.public();
        let local = public.to_peer_id();
        let identify = identify::Config::new(PROTOCOL_VERSION.to_owned(), public)
            .with_agent_version(AGENT_VERSION.to_owned())
            // What a peer says about its addresses is not dialled.
            .with_cache_size(0);
        let frames = streams::Codec::default();
        let connections =
            Connections::new(door, network == Network::Reg, limits).observing(observe);
        let mut gossip = Gossip::new(keypair, network, quick, scores, messages, registry)?;
        let mut dht = Dht::new(local, network, server).with_deadline(deadline);
        gossip.bills = Bills::new(connections.lines());
        dht.bills = Bills::new(connections.lines());
        Ok(Self {
            connections,
            memory: memory_connection_limits::Behaviour::with_max_bytes(memory),
            gossip,
            dht,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            direct: streams::behaviour(frames.clone(), deadline),
            signing: session::behaviour(frames, deadline),
        })
    }

    /// Bans a peer from the network layer in one step: its connections are closed, nothing more is
    /// taken from it in the meantime, and it leaves the routing table. The door must refuse it
    /// from now on. When its last connection is closed, [`Behaviour::forget`] it.
    pub fn cut_off(&mut self, peer: &PeerId) {
        self.gossip.cut_off(peer);
        self.dht.kad.remove_peer(peer);
        self.connections.disconnect(peer);
    }

    /// Sends a request to a connected peer; `None` if it is not connected, because nothing is
    /// dialled or queued for it.
    pub fn ask(&mut self, peer: &PeerId, request: Request) -> Option<OutboundRequestId> {
        let connected = self.direct.is_connected(peer);
        connected.then(|| self.direct.send_request(peer, Ok(request)))
    }

    /// The same for a step in a signing session.
    pub fn step(&mut self, peer: &PeerId, step: session::Request) -> Option<OutboundRequestId> {
        let connected = self.signing.is_connected(peer);
        connected.then(|| self.signing.send_request(peer, Ok(step)))
    }

    /// To be called when the last connection of `peer` is closed: what was kept about it is
    /// dropped, so that a flood of fresh ids leaves nothing behind.
    pub fn forget(&mut self, peer: &PeerId) {
        self.gossip.readmit(peer);
    }
}

/// What the behaviours report.
#[derive(Debug)]
pub enum Event {
    /// From gossipsub.
    Gossip(Box<gossipsub::Event>),
    /// From Kademlia.
    Dht(Box<kad::Event>),
    /// From identify.
    Identify(Box<identify::Event>),
    /// From ping.
    Ping(ping::Event),
    /// From the direct protocol. A request that could not be read arrives as an error.
    Direct(Box<request_response::Event<Incoming, Response>>),
    /// From the protocol of signing sessions, the same.
    Signing(Box<request_response::Event<session::Incoming, session::Response>>),
}

impl From<Infallible> for Event {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<gossipsub::Event> for Event {
    fn from(event: gossipsub::Event) -> Self {
        Self::Gossip(Box::new(event))
    }
}

impl From<kad::Event> for Event {
    fn from(event: kad::Event) -> Self {
        Self::Dht(Box::new(event))
    }
}

impl From<identify::Event> for Event {
    fn from(event: identify::Event) -> Self {
        Self::Identify(Box::new(event))
    }
}

impl From<ping::Event> for Event {
    fn from(event: ping::Event) -> Self {
        Self::Ping(event)
    }
}

impl From<request_response::Event<Incoming, Response>> for Event {
    fn from(event: request_response::Event<Incoming, Response>) -> Self {
        Self::Direct(Box::new(event))
    }
}

impl From<request_response::Event<session::Incoming, session::Response>> for Event {
    fn from(event: request_response::Event<session::Incoming, session::Response>) -> Self {
        Self::Signing(Box::new(event))
    }
}
