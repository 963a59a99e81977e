//! Gossipsub, set up so that its limits fit together (policy §8), and watched: who brings copies,
//! and how much each connection sends.
//!
//! Each number here stands beside another that it must match; changing one alone tears honest
//! streams or graylists honest peers. `docs/network.md` says why each is what it is.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    gossipsub::{
        self, Config, ConfigBuilder, DataTransform, IdentTopic, MaxCountSubscriptionFilter,
        Message, MessageAuthenticity, MessageId, MetricsConfig, RawMessage, TopicHash,
        ValidationMode, WhitelistSubscriptionFilter,
    },
    identity::Keypair,
    metrics::Registry,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};
use ltms_core::{Network, Quota, hash::sha256, size};

use super::{
    SetupError,
    bills::Bills,
    deliveries::Deliveries,
    scores::{self, Scores, THROTTLED},
};

/// Bytes of one gossip message on the wire. It lies above [`size::ENVELOPE`], so that slightly
/// oversize messages reach us and are rejected with a reason; larger ones gossipsub punishes
/// without telling.
pub const MAX_MESSAGE: usize = 16_384;
/// The global limit is checked on the whole read buffer, not on a message: at less than several
/// messages an honest burst kills the stream.
pub const MAX_TRANSMIT: usize = 65_536;
/// Messages queued per connection.
pub const QUEUE: usize = 64;
/// Control ids per message: fewer than [`QUEUE`], so that a whole IWANT can be answered.
pub const CONTROL_IDS: usize = 48;
/// Bytes of the control part of an RPC. Each id in it makes us copy a message, before anything
/// limits it.
pub const MAX_CONTROL: usize = 8_192;
/// Messages per RPC.
pub const PUBLISHES: usize = 16;
/// Topics a peer may subscribe to, and subscriptions in one request.
pub const SUBSCRIPTIONS: usize = 16;
/// How many times as many RPCs a connection may send as messages that are new to us: copies of what
/// others brought first, and control.
pub const RPCS: u32 = 20;
/// The share of links outside of the mesh that hear in a heartbeat what is here. A node with one honest
/// link may have no place in its neighbour's mesh, and is told in three heartbeats only (ADR 57).
pub const TOLD: f64 = 0.5;
/// Bytes of an id: key and number of the publisher, and the hash of the content.
const ID: usize = 36 + 8 + 32;

// Bounds that must go together.
const _: () = {
    assert!(MAX_MESSAGE > size::ENVELOPE, "slightly oversize messages reach us");
    assert!(MAX_TRANSMIT > 3 * MAX_MESSAGE, "an honest burst fits a read buffer");
    assert!(CONTROL_IDS < QUEUE, "a whole IWANT can be answered");
    assert!(PUBLISHES < QUEUE, "a whole RPC fits the queue");
    assert!(2 * CONTROL_IDS * (ID + 2) < MAX_CONTROL, "our own control fits others' limit");
};

/// What travels on a topic of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Advertisements and withdrawals.
    Ads,
    /// Signing requests.
    Requests,
    /// Burn claims: registrations, rotations and credits.
    Claims,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Ads, Self::Requests, Self::Claims];

    /// The topic on a network, `ltms/1/<main|test|reg>/<ads|requests|claims>`.
    #[must_use]
    pub fn on(self, network: Network) -> IdentTopic {
        let name = match self {
            Self::Ads => "ads",
            Self::Requests => "requests",
            Self::Claims => "claims",
        };
        IdentTopic::new(format!("ltms/1/{}/{name}", network.name()))
    }

    /// Which topic a received message was on; `None` for a foreign one.
    #[must_use]
    pub fn of(hash: &TopicHash, network: Network) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.on(network).hash() == *hash)
    }
}

type Filter = MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>;
type Inner = gossipsub::Behaviour<Ours, Filter>;

/// Lets only messages of our topics in. Gossipsub itself keeps others for ten heartbeats, of
/// whatever size, though it shows them to nobody.
#[derive(Clone, Debug)]
pub struct Ours {
    topics: [TopicHash; 3],
    foreign: Arc<AtomicU64>,
}

impl DataTransform for Ours {
    fn inbound_transform(&self, raw: RawMessage) -> io::Result<Message> {
        if !self.topics.contains(&raw.topic) {
            self.foreign.fetch_add(1, Ordering::Relaxed);
            return Err(io::ErrorKind::Unsupported.into());
        }
        let RawMessage { source, data, sequence_number, topic, .. } = raw;
        Ok(Message { source, data, sequence_number, topic })
    }

    fn outbound_transform(&self, _: &TopicHash, data: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(data)
    }
}

/// What is seen of each message in passing.
#[derive(Debug, Default)]
struct Seen {
    /// Whose RPC is being handled.
    from: Option<PeerId>,
    deliveries: Deliveries,
}

type Shared = Arc<Mutex<Seen>>;

fn lock(seen: &Shared) -> MutexGuard<'_, Seen> {
    // It is never left half changed.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gossipsub's configuration; with `quick` the first heartbeat comes after 0.5 s instead of 5 s.
///
/// # Errors
/// [`SetupError`] if gossipsub finds the numbers inconsistent.
pub fn config(network: Network, quick: bool) -> Result<Config, SetupError> {
    configured(network, quick, message_id)
}

fn configured(
    network: Network,
    quick: bool,
    id: impl Fn(&Message) -> MessageId + Send + Sync + 'static,
) -> Result<Config, SetupError> {
    let mut builder = ConfigBuilder::default();
    builder
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(id)
        .max_transmit_size(MAX_TRANSMIT)
        .connection_handler_queue_len(QUEUE)
        .max_control_messages_sent(CONTROL_IDS)
        .max_control_message_size(MAX_CONTROL)
        .max_publish_messages(PUBLISHES)
        .max_ihave_messages_heartbeat(10)
        .gossip_retransimission(3)
        .iwant_followup_time(Duration::from_secs(3))
        .idontwant_message_size_threshold(usize::MAX)
        .idontwant_on_publish(false)
        .heartbeat_interval(Duration::from_secs(1))
        .mesh_n(6)
        .mesh_n_low(scores::MESH_LOW)
        .mesh_n_high(12)
        .mesh_outbound_min(2)
        .gossip_factor(TOLD)
        .prune_peers(0)
        .prune_backoff(Duration::from_secs(60))
        .duplicate_cache_time(Duration::from_secs(60))
        // A verdict may take 4 s; five heartbeats of memory would be too close to that.
        .history_length(10)
        .history_gossip(3);
    for topic in Topic::ALL {
        builder.max_transmit_size_for_topic(MAX_MESSAGE, topic.on(network).hash());
    }
    if quick {
        builder.heartbeat_initial_delay(Duration::from_millis(500));
    }
    builder.build().map_err(|error| SetupError::new("gossipsub configuration", error))
}

/// Gossipsub limited to our topics, and what is counted around it.
pub struct Gossip {
    /// Gossipsub itself.
    pub sub: Inner,
    topics: [TopicHash; 3],
    seen: Shared,
    foreign: Arc<AtomicU64>,
    rpcs: Rpcs,
    throttled: HashSet<PeerId>,
    graylisted: HashSet<PeerId>,
    pub(super) bills: Bills,
}

impl Gossip {
    /// With our topics subscribed, strict signatures, manual validation and these scores.
    /// `messages` is how many messages a connection may bring that are new to us. What gossipsub
    /// counts is in `registry`, for our topics alone.
    ///
    /// # Errors
    /// [`SetupError`] if the numbers do not go together.
    pub fn new(
        keypair: &Keypair,
        network: Network,
        quick: bool,
        scores: Scores,
        messages: Quota,
        registry: &mut Registry,
    ) -> Result<Self, SetupError> {
        scores::validate(scores.topic())?;
        let setup = |error: &'static str| SetupError::new("gossipsub", error);
        let topics = Topic::ALL.map(|topic| topic.on(network));
        let hashes = topics.each_ref().map(IdentTopic::hash);
        let filter = MaxCountSubscriptionFilter {
            filter: WhitelistSubscriptionFilter(hashes.iter().cloned().collect()),
            max_subscribed_topics: SUBSCRIPTIONS,
            max_subscriptions_per_request: SUBSCRIPTIONS,
        };
        let (seen, foreign) = (Shared::default(), Arc::<AtomicU64>::default());
        let noting = {
            let seen = seen.clone();
            move |message: &Message| {
                let id = message_id(message);
                let mut seen = lock(&seen);
                if let Some(from) = seen.from {
                    seen.deliveries.note(&id, &message.topic, from);
                }
                id
            }
        };
        let mut sub = Inner::new_with_subscription_filter_and_transform(
            MessageAuthenticity::Signed(keypair.clone()),
            configured(network, quick, noting)?,
            filter,
            Ours { topics: hashes.clone(), foreign: foreign.clone() },
        )
        .map_err(setup)?;
        // Otherwise every topic that peers name is kept, up to fifty of them.
        let counted = MetricsConfig {
            max_topics: Topic::ALL.len(),
            max_never_subscribed_topics: 0,
            ..MetricsConfig::default()
        };
        sub = sub.with_metrics(registry.sub_registry_with_prefix("libp2p_gossipsub"), counted);
        sub.with_peer_score(scores::params(network, scores.topic()), scores::thresholds())
            .map_err(|error| SetupError::new("gossipsub scores", error))?;
        for topic in &topics {
            sub.subscribe(topic).map_err(|error| SetupError::new("gossipsub topic", error))?;
        }
        Ok(Self {
            sub,
            topics: hashes,
            seen,
            foreign,
            rpcs: Rpcs::new(messages),
            throttled: HashSet::new(),
            graylisted: HashSet::new(),
            bills: Bills::default(),
        })
    }

    /// Messages on topics that are not ours, dropped as they came.
    #[must_use]
    pub fn foreign(&self) -> u64 {
        self.foreign.load(Ordering::Relaxed)
    }

    /// The busy minutes in which a peer of the mesh brought nothing.
    #[must_use]
    pub fn silence(&self, peer: &PeerId) -> u8 {
        lock(&self.seen).deliveries.silence(peer)
    }

    /// From now on a connection may bring so many messages that are new to us.
    pub fn set_messages(&mut self, messages: Quota) {
        self.rpcs.set(messages);
    }

    /// To be called when a message was accepted.
    pub fn accepted(&mut self, id: &MessageId) {
        lock(&self.seen).deliveries.accept(id);
    }

    /// To be called once a minute.
    pub fn end_minute(&mut self) {
        let mesh = |topic: &TopicHash| self.sub.mesh_peers(topic).copied().collect();
        let mesh = self.topics.iter().map(|topic| (topic.clone(), mesh(topic))).collect();
        lock(&self.seen).deliveries.end_minute(mesh);
    }

    /// To be called once a second: the peers to disconnect. They sent more RPCs than they may, the
    /// further ones of which were not looked at, or their score fell under the graylist threshold,
    /// also if it has risen since: gossipsub forgets within seconds.
    pub fn drops(&mut self) -> HashSet<PeerId> {
        let known: Vec<_> = self.sub.all_peers().map(|(peer, _)| *peer).collect();
        let low = known.into_iter().filter(|peer| self.is_graylisted(peer)).collect::<Vec<_>>();
        let mut drops = std::mem::take(&mut self.graylisted);
        drops.extend(low);
        drops.extend(self.rpcs.second());
        drops
    }

    /// Drops everything from `peer` before deduplication, so that its copies cannot hide the same
    /// messages from others. In force until [`Gossip::readmit`], which must follow once its
    /// connections are closed: the door refuses it from then on, and gossipsub's list has no bound.
    ///
    /// Messages that it *published* are dropped too, from whomever they come; nobody is charged.
    pub fn cut_off(&mut self, peer: &PeerId) {
        self.sub.blacklist_peer(peer);
    }

    /// Ends [`Gossip::cut_off`].
    pub fn readmit(&mut self, peer: &PeerId) {
        self.sub.remove_blacklisted_peer(peer);
    }

    /// Drops everything from `peer` before deduplication, by an application score under the
    /// graylist threshold: what it sends in the meantime reaches us through others. In force until
    /// [`Gossip::stand`]. False if the peer is not connected.
    pub fn throttle(&mut self, peer: &PeerId) -> bool {
        let connected = self.sub.set_application_score(peer, THROTTLED);
        if connected {
            self.throttled.insert(*peer);
        }
        connected
    }

    /// Gives a peer the application score of its [standing](scores::application). False if it is
    /// not connected.
    pub fn stand(&mut self, peer: &PeerId, score: i8) -> bool {
        self.throttled.remove(peer);
        self.sub.set_application_score(peer, score.into())
    }

    /// Whether a peer's score is under the graylist threshold, being throttled aside.
    fn is_graylisted(&self, peer: &PeerId) -> bool {
        let score = self.sub.peer_score(peer).unwrap_or_default();
        let aside = if self.throttled.contains(peer) { THROTTLED } else { 0.0 };
        score - aside < scores::thresholds().graylist_threshold
    }
}

/// How many RPCs each connected peer sent lately.
#[derive(Debug)]
struct Rpcs {
    by_second: u32,
    burst: u32,
    sent: HashMap<PeerId, u32>,
}

impl Rpcs {
    fn new(messages: Quota) -> Self {
        let mut rpcs = Self { by_second: 0, burst: 0, sent: HashMap::new() };
        rpcs.set(messages);
        rpcs
    }

    fn set(&mut self, messages: Quota) {
        let wide = messages.widened(RPCS);
        let by_second = 1_000_000 / wide.interval_us.max(1);
        self.by_second = u32::try_from(by_second).unwrap_or(u32::MAX);
        self.burst = wide.burst.get();
    }

    /// Whether one more is looked at.
    fn take(&mut self, peer: PeerId) -> bool {
        let sent = self.sent.entry(peer).or_default();
        *sent = sent.saturating_add(1);
        *sent <= self.burst
    }

    fn second(&mut self) -> Vec<PeerId> {
        let over = self.sent.iter().filter(|(_, sent)| **sent > self.burst);
        let over = over.map(|(peer, _)| *peer).collect();
        self.sent.retain(|_, sent| {
            *sent = sent.saturating_sub(self.by_second);
            *sent > 0
        });
        over
    }
}

impl NetworkBehaviour for Gossip {
    type ConnectionHandler = THandler<Inner>;
    type ToSwarm = gossipsub::Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.bills.open(id, remote);
        self.sub.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.bills.open(id, address);
        self.sub.handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.bills.on_swarm_event(&event);
        if let FromSwarm::ConnectionClosed(closed) = &event
            && closed.remaining_established == 0
        {
            self.rpcs.sent.remove(&closed.peer_id);
            self.throttled.remove(&closed.peer_id);
            self.graylisted.remove(&closed.peer_id);
            lock(&self.seen).deliveries.forget(&closed.peer_id);
        }
        self.sub.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        if !self.rpcs.take(peer) {
            return;
        }
        // Gossipsub asks for the id of each message of an RPC, also of copies that it drops.
        lock(&self.seen).from = Some(peer);
        self.bills.charge(id, || self.sub.on_connection_handler_event(peer, id, event));
        lock(&self.seen).from = None;
        if self.is_graylisted(&peer) {
            self.graylisted.insert(peer);
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.sub.poll(cx)
    }
}

/// The id of a message: as the TypeScript network makes it, the publisher's public key in protobuf
/// form and its sequence number in 8 bytes, most significant first; and then the SHA-256 of topic
/// and content.
///
/// Without the hash, a publisher could sign two messages with one number and show them to
/// different nodes: each would take the other for a copy of its own, drop it, and, if its own was
/// wrong, hold it against the honest peer that brings the other (ADR 14).
#[must_use]
pub fn message_id(message: &Message) -> MessageId {
    let mut id = message.source.map(author_key).unwrap_or_default();
    // Strict validation lets a signed but empty number through.
    id.extend(message.sequence_number.into_iter().flat_map(u64::to_be_bytes));
    id.extend(sha256(&[message.topic.as_str().as_bytes(), &[0], &message.data]));
    MessageId::from(id)
}

/// The key that is inlined in a peer id, or the id itself where it is only a hash (RSA).
fn author_key(author: PeerId) -> Vec<u8> {
    const IDENTITY: u64 = 0;
    let multihash: &libp2p::multihash::Multihash<64> = author.as_ref();
    if multihash.code() == IDENTITY { multihash.digest().to_vec() } else { author.to_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: PeerId, sequence_number: Option<u64>, data: &[u8]) -> Message {
        let topic = Topic::Ads.on(Network::Main).hash();
        Message { source: Some(source), data: data.to_vec(), sequence_number, topic }
    }

    #[test]
    fn the_id_begins_as_that_of_the_typescript_network() {
        let text = include_str!("../../../tests/vectors/gossip-message-id.json");
        let wire: serde_json::Value = serde_json::from_str(text).expect("vectors");
        let example = &wire["gossip_message_id"]["example"];
        let bytes =
            |name: &str| hex::decode(example[name].as_str().expect("hex text")).expect("hex");
        let key = libp2p::identity::PublicKey::try_decode_protobuf(&bytes("keyHex")).expect("key");
        let seqno = u64::from_be_bytes(bytes("seqnoHex").try_into().expect("8 bytes"));
        let id = message_id(&message(key.to_peer_id(), Some(seqno), b"any"));
        let theirs = bytes("msgIdHex");
        assert_eq!((&id.0[..theirs.len()], id.0.len()), (&theirs[..], theirs.len() + 32));
    }

    #[test]
    fn an_empty_sequence_number_gives_each_message_its_own_id() {
        let peer = Keypair::generate_ed25519().public().to_peer_id();
        let id = |number, data| message_id(&message(peer, number, data)).0;
        assert_ne!(id(None, b"a"), id(None, b"b"));
        assert_eq!(id(None, b"a"), id(None, b"a"));
        assert_ne!(id(None, b"a").len(), id(Some(0), b"a").len());
        assert_eq!(id(Some(7), b"a"), id(Some(7), b"a"));
        assert_ne!(id(Some(7), b"a"), id(Some(7), b"b"), "two contents under one number");
    }

    #[test]
    fn hashed_peer_ids_are_used_whole() {
        let hashed = PeerId::from_bytes(&[&[0x12, 32], [7; 32].as_slice()].concat()).expect("id");
        assert_eq!(message_id(&message(hashed, Some(1), b"")).0.len(), 34 + 8 + 32);
    }

    #[test]
    fn each_topic_has_its_limit_and_nothing_is_passed_on_unasked() {
        let config = config(Network::Test, false).expect("consistent");
        assert_eq!(config.max_transmit_size(), MAX_TRANSMIT);
        for topic in Topic::ALL {
            let hash = topic.on(Network::Test).hash();
            assert_eq!(config.max_transmit_size_for_topic(&hash), MAX_MESSAGE);
            assert_eq!(Topic::of(&hash, Network::Test), Some(topic));
            assert_eq!(Topic::of(&hash, Network::Main), None);
        }
        assert!(config.validate_messages() && !config.do_px());
        assert_eq!(Topic::Ads.on(Network::Reg).hash().as_str(), "ltms/1/reg/ads");
    }
}
