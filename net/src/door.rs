//! The Gate as the keeper of the swarm's door.

use std::net::IpAddr;

use libp2p::PeerId;
use ltms_core::{
    Connection, Direction, Heap, PublicKey, Reason, Subject, Timestamp, record::Recorded,
    wire::Kind,
};

use crate::{
    behaviour::connections::{Doorkeeper, Favour, Refused, Room},
    clock::Clock,
    recording::Recording,
};

/// A libp2p peer id as the core names it.
///
/// Those of keys always have a form that the core knows. libp2p also reads other multihashes,
/// which nobody can have the key of; they get ids that nobody has, either.
#[must_use]
pub fn core_peer(peer: &PeerId) -> ltms_core::PeerId {
    let bytes = peer.to_bytes();
    ltms_core::PeerId::from_bytes(&bytes).unwrap_or_else(|_| {
        let hash = ltms_core::hash::sha256(&[b"LTMS/no-key", &bytes]);
        let multihash = [&[0x12, 32], &hash[..]].concat();
        ltms_core::PeerId::from_bytes(&multihash).expect("a multihash of SHA-256")
    })
}

/// A peer id of the core as libp2p names it; `None` if it is not one.
#[must_use]
pub fn net_peer(peer: &ltms_core::PeerId) -> Option<PeerId> {
    PeerId::from_bytes(&peer.to_bytes()).ok()
}

/// The Gate of a node, recorded if that is asked for.
pub(crate) type Gate = Recorded<Heap, Option<Recording>>;

/// Whether the newest message of this key may be served: a live advertisement, or a withdrawal of
/// what others may still have.
pub(crate) fn is_served(gate: &Gate, now: Timestamp, key: &PublicKey, kind: Kind) -> bool {
    if kind == Kind::Withdrawal { gate.is_withdrawn(now, key) } else { gate.is_listed(now, key) }
}

/// The Gate with the clock that it is asked with.
pub(crate) struct Door {
    /// The policy and its state.
    pub(crate) gate: Gate,
    clock: Clock,
}

impl Door {
    /// Around `gate`.
    #[must_use]
    pub(crate) const fn new(gate: Gate, clock: Clock) -> Self {
        Self { gate, clock }
    }
}

impl Doorkeeper for Door {
    fn pending(&mut self, _: Option<IpAddr>) -> Result<(), Refused> {
        // Handshakes are limited by the behaviour itself; nothing is known about the peer yet.
        Ok(())
    }

    fn established(
        &mut self,
        peer: &PeerId,
        address: Option<IpAddr>,
        outbound: bool,
    ) -> Result<(), Refused> {
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        let connection = Connection { peer: core_peer(peer), address, direction };
        let now = self.clock.now();
        let decision = self.gate.screen_connection(now, &connection);
        if !decision.is_accept() {
            return Err(Refused(decision.reason));
        }
        self.gate.connected(now, &connection).map_err(|_| Refused(Reason::TableFull))
    }

    fn closed(&mut self, peer: &PeerId, _: bool, _: Option<IpAddr>) {
        self.gate.disconnected(self.clock.now(), &core_peer(peer));
    }

    fn would_enter(&mut self, peer: &PeerId, address: Option<IpAddr>) -> Result<(), Refused> {
        let direction = Direction::Inbound;
        let connection = Connection { peer: core_peer(peer), address, direction };
        let decision = self.gate.screen_connection(self.clock.now(), &connection);
        // That there is no place is why it is asked.
        let enters = decision.is_accept() || decision.reason == Reason::ConnectionLimit;
        if enters { Ok(()) } else { Err(Refused(decision.reason)) }
    }

    fn is_suspect(&self, address: IpAddr) -> bool {
        self.gate.is_group_banned(self.clock.now(), address)
    }

    fn favour(&self, peer: &PeerId) -> Favour {
        let now = self.clock.now();
        let peer = self.gate.standing(now, &Subject::Peer(core_peer(peer)));
        let proven = peer.decision.reason == Reason::Clear
            && peer.identity.is_some_and(|id| {
                let identity = self.gate.standing(now, &Subject::Identity(id));
                identity.decision.reason == Reason::Clear
            });
        Favour { proven, kept: peer.allowed }
    }

    fn room(&self) -> Room {
        Room::of(self.gate.policy())
    }
}
