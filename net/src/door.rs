//! The Gate as the keeper of the swarm's door.

use std::net::IpAddr;

use libp2p::PeerId;
use ltms_core::{Connection, Direction, Gate, Heap, Reason};

use crate::{
    behaviour::connections::{Doorkeeper, Refused},
    clock::Clock,
};

/// A libp2p peer id as the core names it.
///
/// libp2p's are never longer than the core's (both come from the same specification), so the
/// fallback is never used; it would only make such peers share one row.
#[must_use]
pub fn core_peer(peer: &PeerId) -> ltms_core::PeerId {
    let bytes = peer.to_bytes();
    let len = bytes.len().min(ltms_core::PeerId::MAX_LEN);
    ltms_core::PeerId::from_bytes(&bytes[..len]).expect("a multihash has at least one byte")
}

/// A peer id of the core as libp2p names it; `None` if it is not one.
#[must_use]
pub fn net_peer(peer: &ltms_core::PeerId) -> Option<PeerId> {
    PeerId::from_bytes(peer.as_bytes()).ok()
}

/// The Gate with the clock that it is asked with.
pub(crate) struct Door {
    /// The policy and its state.
    pub(crate) gate: Gate<Heap>,
    clock: Clock,
}

impl Door {
    /// Around `gate`.
    #[must_use]
    pub(crate) const fn new(gate: Gate<Heap>, clock: Clock) -> Self {
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
}
