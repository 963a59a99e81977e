//! Kademlia with what this network needs of it (policy §9).

use std::{
    num::NonZeroUsize,
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{Endpoint, transport::PortUse},
    kad::{self, BucketInserts, Caching, Config, Mode, RecordKey, StoreInserts},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};
use ltms_core::{Network, PublicKey, hash::sha256};

use super::{bills::Bills, deadline::Handler, records::Records};

/// Bytes of a DHT message.
pub const MAX_PACKET: usize = 32 * 1024;
/// From the opening of an inbound stream to its whole first request.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
/// Longest life of a record: that of an advertisement.
const RECORD_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// From one announcement of an own advertisement to the next: the nodes nearest to its key come and
/// go, and Kademlia's own jobs are off because they remember every key that they ever met. Half of an
/// offer's usual lifetime.
pub const ANNOUNCE_AGAIN: Duration = Duration::from_secs(30 * 60);
/// The same after one that nobody took: the policy's window for an author's announcements (§3).
pub const ANNOUNCE_SOON: Duration = Duration::from_secs(30);
/// How long a query may take (policy §9).
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(60);
/// From one refresh of the routing table to the next: Kademlia's own default.
pub const REFRESH: Duration = Duration::from_secs(5 * 60);
/// Nodes that hold a record (policy §9).
pub const REPLICATION: NonZeroUsize = NonZeroUsize::new(20).unwrap();
/// Questions of a query at a time (policy §9).
pub const PARALLELISM: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// The protocol's name on a network.
#[must_use]
pub const fn protocol(network: Network) -> StreamProtocol {
    StreamProtocol::new(match network {
        Network::Main => "/lotus/kad/1.0.0",
        Network::Test => "/lotus/kad/test/1.0.0",
        Network::Reg => "/lotus/kad/reg/1.0.0",
    })
}

/// Where an author's advertisement is stored: the lower-case hexadecimal text of
/// `sha256("LTMS/dht/1" ‖ network ‖ author key)`.
#[must_use]
pub fn record_key(network: Network, author: &PublicKey) -> RecordKey {
    let hash = sha256(&[b"LTMS/dht/1", &[network.byte()], author.as_bytes()]);
    RecordKey::from(hex::encode(hash).into_bytes())
}

/// Kademlia's configuration.
#[must_use]
pub fn config(network: Network) -> Config {
    let mut config = Config::new(protocol(network));
    config
        .set_query_timeout(QUERY_TIMEOUT)
        .set_replication_factor(REPLICATION)
        .set_parallelism(PARALLELISM)
        .disjoint_query_paths(true)
        .set_max_packet_size(MAX_PACKET)
        .set_caching(Caching::Disabled)
        // Nothing is stored before it was judged.
        .set_record_filtering(StoreInserts::FilterBoth)
        .set_record_ttl(Some(RECORD_TTL))
        .set_provider_record_ttl(Some(RECORD_TTL))
        // The jobs remember the key of every record that is ever offered.
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        // Kademlia's own warns the operator each time that nobody is known, see `Dht::refresh`.
        .set_periodic_bootstrap_interval(None)
        // Who enters the routing table is decided by address group.
        .set_kbucket_inserts(BucketInserts::Manual);
    config
}

/// Kademlia whose inbound streams have a deadline for their first request, and whose routing table
/// has [limits by address group](super::routing).
pub struct Dht {
    /// Kademlia itself, for queries, records and the routing table.
    pub kad: kad::Behaviour<Records>,
    deadline: Duration,
    pub(super) regtest: bool,
    pub(super) bills: Bills,
}

impl Dht {
    /// With an empty store. A `server` answers queries; otherwise it does so only once an external
    /// address is confirmed.
    #[must_use]
    pub fn new(local: PeerId, network: Network, server: bool) -> Self {
        let mut kad = kad::Behaviour::with_config(local, Records::new(local), config(network));
        kad.set_mode(server.then_some(Mode::Server));
        Self {
            kad,
            deadline: REQUEST_DEADLINE,
            regtest: network == Network::Reg,
            bills: Bills::default(),
        }
    }

    /// Looks for peers that belong into the routing table, if it has any to ask. To be called every
    /// [`REFRESH`].
    pub fn refresh(&mut self) {
        // The only error is that nobody is known, which is no fault of a lone node.
        let _ = self.kad.bootstrap();
    }

    /// With another deadline than [`REQUEST_DEADLINE`], for connections made from now on.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl NetworkBehaviour for Dht {
    type ConnectionHandler = Handler;
    type ToSwarm = kad::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.kad.handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.bills.open(id, remote);
        let inner = self.kad.handle_established_inbound_connection(id, peer, local, remote)?;
        Ok(Handler::new(inner, self.deadline))
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.kad.handle_pending_outbound_connection(id, peer, addresses, role)
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
        let inner =
            self.kad.handle_established_outbound_connection(id, peer, address, role, port)?;
        Ok(Handler::new(inner, self.deadline))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.bills.on_swarm_event(&event);
        self.kad.on_swarm_event(event);
        // Kademlia has just planned the same, with a warning if nobody is known. This takes its place.
        if let FromSwarm::NewListenAddr(_) = event {
            self.refresh();
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.bills.charge(id, || self.kad.on_connection_handler_event(peer, id, event));
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.kad.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hexadecimal_and_differ_by_network() {
        let author = PublicKey::from_bytes([2; 33]);
        let key = record_key(Network::Main, &author);
        assert_eq!(
            hex::decode(&key).expect("hex"),
            sha256(&[b"LTMS/dht/1_", author.as_bytes()]),
            "the network's character follows the tag"
        );
        assert_eq!(key.as_ref().len(), super::super::records::MAX_KEY);
        assert_ne!(key, record_key(Network::Test, &author));
        assert_ne!(key, record_key(Network::Main, &PublicKey::from_bytes([3; 33])));
    }
}
