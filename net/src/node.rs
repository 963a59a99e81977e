//! Starting and stopping a node.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr, PeerId, Swarm,
    futures::StreamExt,
    identity::Keypair,
    metrics::{self, Registry},
    swarm::SwarmEvent,
};
use ltms_core::{
    Capacity, Dropped, Heap, IdentityId, Network, Policy, PolicyError, Restored, Seed, Timestamp,
    record::Recorded, schnorr::SecretKey,
};
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    anchors::Anchors,
    behaviour::{Behaviour, Settings, SetupError, scores::Scores},
    chain::ChainSource,
    clock::Clock,
    door::{Door, Gate, core_peer, is_served},
    driver::{Desk, Dialler, Driver, peer_of},
    envelopes::Envelopes,
    handle::{Command, Handle, NodeError},
    limits::Limits,
    meters::Meters,
    recording::Recording,
    session_history::History,
    store::{Keeper, Store, StoreError},
    transport::{Executor, Options, Trusted, swarm_config, transport_with},
};

/// Requests that may wait for the driver.
const COMMANDS: usize = 256;
/// Events that a slow listener may be behind.
const EVENTS: usize = 1_024;
/// Time to open a listening socket.
const LISTEN: Duration = Duration::from_secs(5);

/// A node could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The policy does not make sense.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy is for another network than the node.
    #[error("the policy is for network `{}`, the node for `{}`", .0.name(), .1.name())]
    Network(Network, Network),
    /// The network stack refused its settings.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator's quarter of the ban table has no room for the allow-list.
    #[error("the allow-list has no room for {0}: the table of bans is too small")]
    Allow(PeerId),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(Multiaddr, String),
}

/// What a node is made from; [`Builder::start`] makes it.
pub struct Builder {
    keypair: Keypair,
    network: Network,
    policy: Policy,
    capacity: Capacity,
    chain: Arc<dyn ChainSource>,
    clock: Clock,
    listen: Vec<Multiaddr>,
    bootstrap: Vec<Multiaddr>,
    identity: Option<(IdentityId, SecretKey)>,
    quick: bool,
    server: bool,
    limits: Limits,
    observe: fn(IpAddr) -> IpAddr,
    socks5: Option<SocketAddr>,
    persistent: Vec<Multiaddr>,
    allowed: Vec<PeerId>,
    scores: Scores,
    data_dir: Option<PathBuf>,
    guarded: bool,
    recording: Option<Recording>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let peer = self.keypair.public().to_peer_id();
        f.debug_struct("Builder")
            .field("peer", &peer)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// A node on `network` that asks `chain` about burns, with a fresh libp2p key.
    #[must_use]
    pub fn new(network: Network, chain: Arc<dyn ChainSource>) -> Self {
        Self {
            keypair: Keypair::generate_ed25519(),
            network,
            policy: Policy::LOTUS_V1.on(network),
            capacity: Capacity::NODE,
            chain,
            clock: Clock::system(),
            listen: Vec::new(),
            bootstrap: Vec::new(),
            identity: None,
            quick: false,
            server: false,
            limits: Limits::DEFAULT,
            observe: std::convert::identity,
            socks5: None,
            persistent: Vec::new(),
            allowed: Vec::new(),
            scores: Scores::Quiet,
            data_dir: None,
            guarded: false,
            recording: None,
        }
    }

    /// The libp2p key, and so the peer id.
    #[must_use]
    pub fn keypair(self, keypair: Keypair) -> Self {
        Self { keypair, ..self }
    }

    /// The policy; default [`Policy::LOTUS_V1`].
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The sizes of the tables; default [`Capacity::NODE`].
    #[must_use]
    pub fn capacity(self, capacity: Capacity) -> Self {
        Self { capacity, ..self }
    }

    /// The clock; default the system's.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// An address to listen on; may be given more than once.
    #[must_use]
    pub fn listen(mut self, address: Multiaddr) -> Self {
        self.listen.push(address);
        self
    }

    /// A peer to dial at the start, and again while there are no peers at all; may be given more
    /// than once.
    #[must_use]
    pub fn bootstrap(mut self, address: Multiaddr) -> Self {
        self.bootstrap.push(address);
        self
    }

    /// A peer to dial for as long as the node runs, with its `/p2p/` part; may be given more than
    /// once. No newcomer takes its place, but it can be banned.
    #[must_use]
    pub fn persistent(mut self, address: Multiaddr) -> Self {
        self.persistent.push(address);
        self
    }

    /// A peer for the operator's allow-list: exempt from limits of address groups, automatic bans
    /// and making room; may be given more than once.
    #[must_use]
    pub fn allow(mut self, peer: PeerId) -> Self {
        self.allowed.push(peer);
        self
    }

    /// The identity that this node proves to its peers, with its current key.
    #[must_use]
    pub fn identity(self, id: IdentityId, key: SecretKey) -> Self {
        Self { identity: Some((id, key)), ..self }
    }

    /// Short delays, for demonstrations and tests.
    #[must_use]
    pub fn quick(self, quick: bool) -> Self {
        Self { quick, ..self }
    }

    /// Answer DHT queries from the start, without waiting for a confirmed external address.
    #[must_use]
    pub fn server(self, server: bool) -> Self {
        Self { server, ..self }
    }

    /// What sockets and streams may take; default [`Limits::DEFAULT`].
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Process memory in bytes above which no new connection is made, and the one that holds most
    /// is closed; default 512 MiB. Several nodes in one process share it.
    #[must_use]
    pub fn memory(self, bytes: u64) -> Self {
        let limits = Limits { memory: bytes, ..self.limits };
        Self { limits, ..self }
    }

    /// The address that a peer counts as having, from its real one; default that one. For
    /// simulations, see [`Settings::observe`].
    #[must_use]
    pub fn observe(self, observe: fn(IpAddr) -> IpAddr) -> Self {
        Self { observe, ..self }
    }

    /// A SOCKS5 proxy through which everything is dialled, and which looks up every name.
    #[must_use]
    pub fn socks5(self, proxy: SocketAddr) -> Self {
        Self { socks5: Some(proxy), ..self }
    }

    /// How gossip's topics are scored; default [`Scores::Quiet`].
    #[must_use]
    pub fn scores(self, scores: Scores) -> Self {
        Self { scores, ..self }
    }

    /// The folder of the node's store; default none, and everything ends with the process.
    #[must_use]
    pub fn data_dir(self, folder: impl Into<PathBuf>) -> Self {
        Self { data_dir: Some(folder.into()), ..self }
    }

    /// Start without the store, and [guarded](ltms_core::Posture::Guarded), if that cannot be
    /// used; otherwise the node does not start then.
    #[must_use]
    pub fn guarded(self, guarded: bool) -> Self {
        Self { guarded, ..self }
    }

    /// The Gate as it was, and what keeps it so.
    fn gate(&mut self) -> Result<(Gate, Option<Keeper>, Envelopes, Desk), StartError> {
        let now = self.clock.now();
        let restored = self.data_dir.take().map(|folder| self.restored(&folder, now));
        let lost = match restored {
            Some(Err(StartError::Store(error))) if self.guarded => Some(error),
            Some(restored) => return restored,
            None => None,
        };
        let seed = Seed::new(rand::random());
        let recording = self.recording.take();
        let mut gate = Recorded::new(Heap::new(self.capacity), self.policy, seed, recording)?;
        if let Some(error) = lost {
            tracing::error!(%error, "no store: strangers are held back until a start with it");
            gate.guard(now);
        }
        let history = History::of(self.remembered(), Vec::new());
        Ok((gate, None, Envelopes::default(), Desk::new(now, history)))
    }

    fn restored(
        &mut self,
        folder: &Path,
        now: Timestamp,
    ) -> Result<(Gate, Option<Keeper>, Envelopes, Desk), StartError> {
        let store = Store::open(folder, self.network)?;
        let heap = Heap::noting_changes(self.capacity);
        let (policy, seed) = (self.policy, store.seed());
        let mut gate = Recorded::new(heap, policy, seed, self.recording.take())?;
        match store.restore(now, &mut gate)? {
            None => tracing::warn!(?folder, "a new store: nobody is known or banned"),
            Some(Restored { identities, keys, bans, dropped, .. }) => {
                tracing::info!(identities, keys, bans, "restored");
                if dropped != Dropped::default() {
                    tracing::warn!(?dropped, "the tables are too small for what was stored");
                }
            }
        }
        let mut envelopes = Envelopes::restored(self.network, store.envelopes()?);
        envelopes
            .retain(|key, kind| is_served(&gate, now, key, kind), |id| gate.identity(id).is_some());
        envelopes.note_changes();
        let history = History::of(self.remembered(), store.sessions()?);
        let desk = Desk::new(now, history);
        Ok((gate, Some(Keeper::start(store)?), envelopes, desk))
    }

    /// Ended sessions to remember.
    fn remembered(&self) -> usize {
        usize::try_from(self.policy.sessions.history).unwrap_or(usize::MAX)
    }

    /// Where to record every call of the Gate, from its first on.
    #[must_use]
    pub fn record(self, recording: Recording) -> Self {
        Self { recording: Some(recording), ..self }
    }

    /// Starts the node in the current tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(mut self) -> Result<Node, StartError> {
        if self.policy.network != self.network {
            return Err(StartError::Network(self.policy.network, self.network));
        }
        let anchors = self.data_dir.as_deref().map(Anchors::read);
        let (mut gate, keeper, envelopes, desk) = self.gate()?;
        // Who is no longer on the list is remembered by the store.
        let listed: Vec<_> = self.allowed.iter().map(core_peer).collect();
        let gone: Vec<_> = gate.allowed().filter(|peer| !listed.contains(peer)).collect();
        for peer in gone {
            // Leaving takes no room.
            let _ = gate.allow(self.clock.now(), &peer, false);
        }
        for peer in &self.allowed {
            let allowed = gate.allow(self.clock.now(), &core_peer(peer), true);
            allowed.map_err(|_| StartError::Allow(*peer))?;
        }
        let known = anchors.as_ref().map(Anchors::addresses).unwrap_or_default();
        let own = Trusted::default();
        own.set(self.persistent.iter().chain(&self.bootstrap));
        let dialler = Dialler::new(Instant::now(), &self.persistent, known, &self.bootstrap);
        let settings = Settings {
            quick: self.quick,
            server: self.server,
            limits: self.limits,
            observe: self.observe,
            scores: self.scores,
            messages: self.policy.windows.connection,
            ..Settings::new(self.network)
        };
        let door = Door::new(gate, self.clock.clone());
        let mut registry = Registry::default();
        let mut behaviour = Behaviour::new(&self.keypair, &settings, door, &mut registry)?;
        behaviour.connections.persistent = self.persistent.iter().filter_map(peer_of).collect();
        let executor = Executor::new(tokio::runtime::Handle::current());
        let local = self.keypair.public().to_peer_id();
        let options = Options {
            limits: self.limits,
            lines: behaviour.connections.lines(),
            socks5: self.socks5,
            own: own.clone(),
        };
        let transport = transport_with(&self.keypair, self.network, &options, &mut registry)?;
        let mut swarm = Swarm::new(transport, behaviour, local, swarm_config(executor.clone()));
        let addresses = listen(&mut swarm, &self.listen).await?;
        let libp2p = metrics::Metrics::new(&mut registry);
        let meters = Arc::new(Meters::new(registry));
        let (commands, requests) = mpsc::channel(COMMANDS);
        let (events, _) = broadcast::channel(EVENTS);
        let handle = Handle {
            commands,
            events: events.clone(),
            chain: self.chain.clone(),
            network: self.network,
            clock: self.clock.clone(),
            local,
            addresses,
            meters: meters.clone(),
        };
        let driver = Driver::new(
            swarm,
            requests,
            events,
            self.chain,
            self.clock,
            self.identity,
            self.quick,
            (keeper, envelopes, desk),
            (dialler, anchors, own),
            (meters, libp2p),
        );
        let task = tokio::spawn(async move {
            let stored = driver.run().await;
            executor.shutdown().await;
            stored
        });
        Ok(Node { handle, task })
    }
}

/// Opens the listening sockets and returns their addresses with the ports that they got.
async fn listen(
    swarm: &mut Swarm<Behaviour<Door>>,
    addresses: &[Multiaddr],
) -> Result<Vec<Multiaddr>, StartError> {
    let mut open = Vec::new();
    for address in addresses {
        let failed = |error: String| StartError::Listen(address.clone(), error);
        let listener =
            swarm.listen_on(address.clone()).map_err(|error| failed(error.to_string()))?;
        let opened = async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::NewListenAddr { listener_id, address }
                        if listener_id == listener =>
                    {
                        return Ok(address);
                    }
                    SwarmEvent::ListenerClosed { listener_id, reason, .. }
                        if listener_id == listener =>
                    {
                        return Err(format!("{reason:?}"));
                    }
                    _ => {}
                }
            }
        };
        let opened = timeout(LISTEN, opened).await.map_err(|_| failed("timed out".into()))?;
        open.push(opened.map_err(failed)?);
    }
    Ok(open)
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    handle: Handle,
    task: JoinHandle<Result<(), String>>,
}

impl Node {
    /// A handle to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until its task has ended by itself, which is a defect: [`Node::stop`] says what went
    /// wrong. May be dropped and called again.
    pub async fn ended(&self) {
        self.handle.commands.closed().await;
    }

    /// Stops it: connections are closed, and when this returns none of its tasks is left. What
    /// went wrong meanwhile is logged and returned: [`NodeError::NotStored`] if what was decided
    /// last does not outlive the node, [`NodeError::Failed`] if its task had ended by itself.
    pub async fn stop(self) -> Option<NodeError> {
        let asked = self.handle.commands.send(Command::Stop).await.is_ok();
        match self.task.await {
            Ok(Ok(())) if asked => None,
            Ok(Ok(())) => Some(failed("its task ended unasked")),
            Ok(Err(error)) => {
                tracing::error!(%error, "stopped, and what was decided last is not stored");
                Some(NodeError::NotStored(error))
            }
            Err(error) => Some(failed(error)),
        }
    }
}

fn failed(error: impl ToString) -> NodeError {
    let error = error.to_string();
    tracing::error!(%error, "the node's task failed");
    NodeError::Failed(error)
}
