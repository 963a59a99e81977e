//! Gossipsub, set up so that its limits fit together (policy §8).
//!
//! Each number here stands beside another that it must match; changing one alone tears honest
//! streams or graylists honest peers.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use libp2p::{
    PeerId,
    gossipsub::{
        self, Config, ConfigBuilder, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter,
        Message, MessageAuthenticity, MessageId, MetricsConfig, PeerScoreParams,
        PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode,
        WhitelistSubscriptionFilter,
    },
    identity::Keypair,
    metrics::Registry,
};
use ltms_core::{Network, hash::sha256};

use super::SetupError;

/// Bytes of one gossip message on the wire. It lies above [`ltms_core::size::ENVELOPE`], so that
/// slightly oversize messages reach us and are rejected with a reason; larger ones gossipsub
/// punishes without telling.
pub const MAX_MESSAGE: usize = 16_384;
/// The global limit is checked on the whole read buffer, not on a message: at less than several
/// messages an honest burst kills the stream.
const MAX_TRANSMIT: usize = 65_536;
/// Messages queued per connection.
const QUEUE: usize = 64;
/// Control ids per message: fewer than [`QUEUE`], so that a whole IWANT can be answered.
const CONTROL_IDS: usize = 48;
/// Messages per RPC.
const PUBLISHES: usize = 16;
/// Topics a peer may subscribe to, and subscriptions in one request.
const SUBSCRIPTIONS: usize = 16;

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
/// Gossipsub limited to our topics.
pub type Gossip = gossipsub::Behaviour<IdentityTransform, Filter>;

/// Gossipsub's configuration; with `quick` the first heartbeat comes after 0.5 s instead of 5 s.
///
/// # Errors
/// [`SetupError`] if gossipsub finds the numbers inconsistent.
pub fn config(network: Network, quick: bool) -> Result<Config, SetupError> {
    let mut builder = ConfigBuilder::default();
    builder
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(MAX_TRANSMIT)
        .connection_handler_queue_len(QUEUE)
        .max_control_messages_sent(CONTROL_IDS)
        .max_publish_messages(PUBLISHES)
        .idontwant_message_size_threshold(usize::MAX)
        .idontwant_on_publish(false)
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

/// Gossipsub with our topics subscribed, strict signatures, manual validation and [`QUIET`] scores.
/// What it counts is in `registry`, for our topics alone.
///
/// # Errors
/// [`SetupError`] if gossipsub finds the numbers inconsistent.
pub fn behaviour(
    keypair: &Keypair,
    network: Network,
    quick: bool,
    registry: &mut Registry,
) -> Result<Gossip, SetupError> {
    let setup = |error: &'static str| SetupError::new("gossipsub", error);
    let topics = Topic::ALL.map(|topic| topic.on(network));
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(topics.iter().map(IdentTopic::hash).collect()),
        max_subscribed_topics: SUBSCRIPTIONS,
        max_subscriptions_per_request: SUBSCRIPTIONS,
    };
    let mut gossip = Gossip::new_with_subscription_filter(
        MessageAuthenticity::Signed(keypair.clone()),
        config(network, quick)?,
        filter,
    )
    .map_err(setup)?;
    // Otherwise every topic that peers name is kept, up to fifty of them.
    let counted = MetricsConfig {
        max_topics: Topic::ALL.len(),
        max_never_subscribed_topics: 0,
        ..MetricsConfig::default()
    };
    gossip = gossip.with_metrics(registry.sub_registry_with_prefix("libp2p_gossipsub"), counted);
    gossip
        .with_peer_score(score_params(network, &QUIET), thresholds())
        .map_err(|error| SetupError::new("gossipsub scores", error))?;
    for topic in &topics {
        gossip.subscribe(topic).map_err(|error| SetupError::new("gossipsub topic", error))?;
    }
    Ok(gossip)
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

/// Topic scores for topics that may be silent for hours, the default (policy §8).
///
/// Mesh deliveries and time in mesh are off: on a quiet topic the first empties the mesh, and the
/// second keeps a peer that never forwards positive for ever.
pub const QUIET: TopicScoreParams = TopicScoreParams {
    topic_weight: 1.0,
    time_in_mesh_weight: 0.0,
    time_in_mesh_quantum: Duration::from_secs(1),
    time_in_mesh_cap: 3600.0,
    first_message_deliveries_weight: 1.0,
    first_message_deliveries_decay: 0.5,
    first_message_deliveries_cap: 100.0,
    mesh_message_deliveries_weight: 0.0,
    mesh_message_deliveries_decay: 0.5,
    mesh_message_deliveries_cap: 100.0,
    mesh_message_deliveries_threshold: 5.0,
    mesh_message_deliveries_window: Duration::from_millis(10),
    mesh_message_deliveries_activation: Duration::from_secs(5),
    mesh_failure_penalty_weight: 0.0,
    mesh_failure_penalty_decay: 0.5,
    invalid_message_deliveries_weight: -100.0,
    invalid_message_deliveries_decay: 0.3,
};

/// The security analysis's topic scores, for busy topics only.
pub const ANALYSIS: TopicScoreParams = TopicScoreParams {
    time_in_mesh_weight: 0.01,
    mesh_message_deliveries_weight: -1.0,
    mesh_failure_penalty_weight: -1.0,
    ..QUIET
};

/// Scores of peers, with `topic` for each of our topics (policy §8).
#[must_use]
pub fn score_params(network: Network, topic: &TopicScoreParams) -> PeerScoreParams {
    let topics = Topic::ALL.map(|name| (name.on(network).hash(), topic.clone()));
    PeerScoreParams {
        topics: HashMap::from(topics),
        topic_score_cap: 3600.0,
        app_specific_weight: 1.0,
        // Our own address groups limit this; here fifteen nodes on one host would lose the mesh.
        ip_colocation_factor_weight: 0.0,
        ip_colocation_factor_threshold: 10.0,
        ip_colocation_factor_whitelist: HashSet::new(),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: 0.2,
        decay_interval: Duration::from_secs(1),
        decay_to_zero: 0.1,
        // Otherwise every fresh id that was ever connected is remembered for an hour.
        retain_score: Duration::ZERO,
        slow_peer_weight: -0.2,
        slow_peer_threshold: 0.0,
        slow_peer_decay: 0.2,
    }
}

/// Below which score a peer is no longer gossiped to, published to, listened to (policy §8).
#[must_use]
pub const fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -500.0,
        publish_threshold: -1000.0,
        graylist_threshold: -2500.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 1.0,
    }
}

/// Deep enough that no other score lifts it over the graylist threshold.
const THROTTLED: f64 = -10_000.0;

/// Drops everything from `peer` before deduplication, so that its copies cannot hide the same
/// messages from others. In force until [`readmit`], which must follow once its connections are
/// closed: the door refuses it from then on, and gossipsub's list has no bound.
///
/// Messages that it *published* are dropped too, from whomever they come; nobody is charged.
pub fn cut_off(gossip: &mut Gossip, peer: &PeerId) {
    gossip.blacklist_peer(peer);
}

/// Ends [`cut_off`].
pub fn readmit(gossip: &mut Gossip, peer: &PeerId) {
    gossip.remove_blacklisted_peer(peer);
}

/// While `on`, drops everything from `peer` before deduplication, by an application score under
/// the graylist threshold: what it sends in the meantime reaches us through others. `off` leaves
/// it with an application score of `standing`, −100 to 5. False if the peer is not connected.
pub fn throttle(gossip: &mut Gossip, peer: &PeerId, on: bool, standing: i8) -> bool {
    let score = if on { THROTTLED } else { f64::from(standing.clamp(-100, 5)) };
    gossip.set_application_score(peer, score)
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
    fn scores_and_thresholds_validate() {
        for topic in [&QUIET, &ANALYSIS] {
            score_params(Network::Main, topic).validate().expect("consistent");
        }
        thresholds().validate().expect("consistent");
        let wrong = TopicScoreParams { first_message_deliveries_decay: 1.0, ..QUIET };
        assert!(score_params(Network::Main, &wrong).validate().is_err());
    }

    #[test]
    fn a_throttled_peer_stays_graylisted_whatever_else_it_earned() {
        for topic in [&QUIET, &ANALYSIS] {
            let most = topic.first_message_deliveries_cap * topic.first_message_deliveries_weight
                + topic.time_in_mesh_cap * topic.time_in_mesh_weight;
            assert!(THROTTLED + most * 3.0 < thresholds().graylist_threshold);
        }
    }

    #[test]
    fn limits_fit_together() {
        let config = config(Network::Test, false).expect("consistent");
        assert!(CONTROL_IDS < config.connection_handler_queue_len());
        assert!(config.max_transmit_size() > 3 * MAX_MESSAGE);
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
