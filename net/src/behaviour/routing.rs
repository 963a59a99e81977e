//! Who is in the DHT's routing table: each peer with the one address at which it was observed, and
//! few peers of a narrow address group (policy §9).
//!
//! Ids are free, so an attacker can have as many as it likes next to any key; address groups are
//! what it has to rent. What a peer says about its address proves nothing and counts for nothing.

use libp2p::{
    Multiaddr, PeerId,
    kad::{Addresses, NodeStatus, RoutingUpdate},
    multiaddr::Protocol,
};

use super::{
    connections::{
        ip_of,
        seats::{Groups, Narrow},
    },
    dht::Dht,
};

/// Peers of one narrow group in a bucket (policy §9).
pub const PER_BUCKET: usize = 2;
/// Peers of one narrow group in the whole table (policy §9).
pub const PER_TABLE: usize = 10;

/// An entry of a group, as its limits see it.
struct Member {
    peer: PeerId,
    connected: bool,
    same_bucket: bool,
}

impl Dht {
    /// Takes a peer into the routing table under the address where it was observed. If the table
    /// has enough peers of the address's group, it takes the place of one that is not connected,
    /// or stays out: false. On regtest, loopback is exempt.
    pub fn route(&mut self, peer: &PeerId, observed: &Multiaddr) -> bool {
        let Some(address) = bare(observed) else { return false };
        let ip = ip_of(&address);
        if !(self.regtest && ip.is_some_and(|ip| ip.is_loopback())) {
            let members = self.members(peer, Groups::of(ip).narrow);
            let of_bucket = || members.iter().filter(|member| member.same_bucket);
            let leaving = if of_bucket().count() >= PER_BUCKET {
                of_bucket().find(|member| !member.connected)
            } else if members.len() >= PER_TABLE {
                members.iter().find(|member| !member.connected)
            } else {
                return self.replace(peer, address);
            };
            let Some(leaving) = leaving else { return false };
            self.kad.remove_peer(&leaving.peer);
        }
        self.replace(peer, address)
    }

    /// To be called when Kademlia changed the entry of a peer itself: it adds each further address
    /// under which one is dialled, and lets one in that waited for a place. The last address takes
    /// the place of the others, and what the limits do not allow leaves.
    pub fn rerouted(&mut self, peer: &PeerId, addresses: &Addresses) {
        let routed = addresses.iter().last().is_some_and(|last| self.route(peer, last));
        if !routed {
            self.kad.remove_peer(peer);
        }
    }

    fn replace(&mut self, peer: &PeerId, address: Multiaddr) -> bool {
        let known = self.entry_of(peer);
        if known.is_some_and(|known| known == address) {
            return true;
        }
        self.kad.remove_peer(peer);
        !matches!(self.kad.add_address(peer, address), RoutingUpdate::Failed)
    }

    /// The only address of a peer of the table.
    fn entry_of(&mut self, peer: &PeerId) -> Option<Multiaddr> {
        let bucket = self.kad.kbucket(*peer)?;
        let entry = bucket.iter().find(|entry| entry.node.key.preimage() == peer)?;
        let addresses = entry.node.value;
        (addresses.len() == 1).then(|| bare(addresses.first())).flatten()
    }

    /// The other peers of a group, and which of them are in the peer's own bucket.
    fn members(&mut self, peer: &PeerId, group: Narrow) -> Vec<Member> {
        let own = self.kad.kbucket(*peer).map(|bucket| bucket.range());
        let mut members = Vec::new();
        for bucket in self.kad.kbuckets() {
            let same_bucket = Some(bucket.range()) == own;
            for entry in bucket.iter() {
                let other = *entry.node.key.preimage();
                let same = Groups::of(ip_of(entry.node.value.first())).narrow == group;
                if same && other != *peer {
                    let connected = entry.status == NodeStatus::Connected;
                    members.push(Member { peer: other, connected, same_bucket });
                }
            }
        }
        members
    }
}

/// An address of the form ip/tcp, without the peer's name after it.
fn bare(address: &Multiaddr) -> Option<Multiaddr> {
    let mut parts = address.iter();
    let (ip, tcp) = (parts.next()?, parts.next()?);
    let named = parts.next().is_none_or(|part| matches!(part, Protocol::P2p(_)));
    let known =
        matches!(ip, Protocol::Ip4(_) | Protocol::Ip6(_)) && matches!(tcp, Protocol::Tcp(_));
    (known && named && parts.next().is_none()).then(|| Multiaddr::empty().with(ip).with(tcp))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use libp2p::{
        core::ConnectedPoint,
        swarm::{ConnectionId, FromSwarm, NetworkBehaviour, behaviour::ConnectionEstablished},
    };
    use ltms_core::Network;

    use super::*;

    fn dht(network: Network) -> Dht {
        Dht::new(PeerId::random(), network, true)
    }

    fn at(address: &str) -> Multiaddr {
        address.parse().expect("address")
    }

    fn addresses(dht: &mut Dht, peer: &PeerId) -> Vec<String> {
        let bucket = dht.kad.kbucket(*peer).expect("not our own");
        let entry = bucket.iter().find(|entry| entry.node.key.preimage() == peer);
        let addresses = entry.map(|entry| entry.node.value.clone());
        addresses.iter().flat_map(Addresses::iter).map(ToString::to_string).collect()
    }

    fn len(dht: &mut Dht) -> usize {
        dht.kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
    }

    /// Kademlia learns that a peer of the table is connected.
    fn connect(dht: &mut Dht, peer: &PeerId) {
        let here = at("/ip4/8.8.8.8/tcp/1");
        let endpoint = ConnectedPoint::Listener { local_addr: here.clone(), send_back_addr: here };
        dht.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
            peer_id: *peer,
            connection_id: ConnectionId::new_unchecked(1),
            endpoint: &endpoint,
            failed_addresses: &[],
            other_established: 0,
        }));
        let known = dht.kad.remove_peer(peer).expect("in the table").node.value;
        dht.kad.add_address(peer, known.first().clone());
    }

    /// Random peers of so many different buckets, nearer and nearer.
    fn of_buckets(dht: &mut Dht, count: usize) -> Vec<PeerId> {
        let mut ranges = BTreeSet::new();
        let fresh = std::iter::repeat_with(PeerId::random);
        fresh
            .filter(|peer| ranges.insert(dht.kad.kbucket(*peer).expect("other").range().0))
            .take(count)
            .collect()
    }

    /// Random peers of the bucket that half of all ids belong to.
    fn of_one_bucket(dht: &mut Dht, count: usize) -> Vec<PeerId> {
        let half = |peer: &PeerId| {
            let bucket = dht.kad.kbucket(*peer).expect("other");
            bucket.range().1.0.bits() == 256
        };
        std::iter::repeat_with(PeerId::random).filter(half).take(count).collect()
    }

    #[test]
    fn a_bucket_has_two_peers_of_a_narrow_group() {
        let mut dht = dht(Network::Main);
        let peers = of_one_bucket(&mut dht, 5);
        assert!(dht.route(&peers[0], &at("/ip4/8.8.8.1/tcp/1")));
        assert!(dht.route(&peers[1], &at("/ip4/8.8.8.2/tcp/1")));
        assert!(dht.route(&peers[2], &at("/ip4/8.8.9.2/tcp/1")), "another group");
        connect(&mut dht, &peers[1]);
        // A third takes the place of one that is not connected.
        assert!(dht.route(&peers[3], &at("/ip6/::ffff:8.8.8.3/tcp/1")));
        assert_eq!(len(&mut dht), 3);
        assert_eq!(addresses(&mut dht, &peers[0]), [""; 0]);
        connect(&mut dht, &peers[3]);
        assert!(!dht.route(&peers[4], &at("/ip4/8.8.8.4/tcp/1")), "not of one that is");
        assert!(!dht.route(&peers[2], &at("/ip4/8.8.8.4/tcp/1")), "nor by moving there");
        assert!(dht.route(&peers[1], &at("/ip4/8.8.8.9/tcp/7")), "itself does not count");
        let here = format!("/ip4/8.8.8.9/tcp/7/p2p/{}", peers[1]);
        assert_eq!(addresses(&mut dht, &peers[1]), [here], "where it was seen last");
        assert_eq!(len(&mut dht), 3);
    }

    #[test]
    fn the_table_has_ten_peers_of_a_narrow_group() {
        let mut dht = dht(Network::Main);
        for (number, peer) in of_buckets(&mut dht, 12).iter().enumerate() {
            let address = format!("/ip6/2001:db8:1:{number:x}::1/tcp/1");
            assert!(dht.route(peer, &at(&address)));
        }
        assert_eq!(len(&mut dht), PER_TABLE);
        assert!(dht.route(&PeerId::random(), &at("/ip6/2001:db8:1:100::1/tcp/1")), "another");
        assert_eq!(len(&mut dht), PER_TABLE + 1);
    }

    #[test]
    fn only_regtest_exempts_loopback() {
        for (network, expected) in [(Network::Reg, 15), (Network::Test, PER_BUCKET)] {
            let mut dht = dht(network);
            for peer in of_one_bucket(&mut dht, 15) {
                dht.route(&peer, &at("/ip4/127.0.0.1/tcp/1"));
            }
            assert_eq!(len(&mut dht), expected);
        }
    }

    #[test]
    fn a_peer_has_one_address_and_one_of_a_form_that_is_known() {
        let mut dht = dht(Network::Main);
        let peer = PeerId::random();
        for strange in ["/dns4/a.example/tcp/1", "/ip4/8.8.8.8/udp/1/quic-v1", "/ip4/8.8.8.8"] {
            assert!(!dht.route(&peer, &at(strange)), "{strange}");
        }
        assert!(!dht.route(&peer, &at("/ip4/8.8.8.8/tcp/1/p2p-circuit")));
        assert!(dht.route(&peer, &at("/ip4/8.8.8.8/tcp/1")));
        // As Kademlia does when it is dialled elsewhere.
        dht.kad.add_address(&peer, at("/ip4/9.9.9.9/tcp/2"));
        let two = dht.kad.remove_peer(&peer).expect("there").node.value;
        assert_eq!(two.len(), 2);
        for address in two.iter() {
            dht.kad.add_address(&peer, address.clone());
        }
        dht.rerouted(&peer, &two);
        assert_eq!(addresses(&mut dht, &peer), [format!("/ip4/9.9.9.9/tcp/2/p2p/{peer}")]);
    }
}
