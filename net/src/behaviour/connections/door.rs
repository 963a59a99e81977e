//! What the connections behaviour asks the policy.

use std::net::IpAddr;

use libp2p::PeerId;
use ltms_core::{Policy, Reason};

/// A connection was refused, and why. Found again with
/// [`ConnectionDenied::downcast`](libp2p::swarm::ConnectionDenied::downcast).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection refused: {0}")]
pub struct Refused(
    /// The reason, as the policy names it.
    pub Reason,
);

/// How many connections there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Inbound connections; those by IPv6 at most half of it.
    pub inbound: u16,
    /// Connections of one peer.
    pub per_peer: u8,
}

impl Room {
    /// What a policy says.
    #[must_use]
    pub const fn of(policy: &Policy) -> Self {
        Self { inbound: policy.connections.inbound, per_peer: policy.connections.per_peer }
    }
}

/// What speaks for a peer when somebody has to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Favour {
    /// Whether it proved an identity, and neither has a sanction.
    pub proven: bool,
    /// Whether it is on the operator's allow-list.
    pub kept: bool,
}

/// Decides about connections. It is asked synchronously, from the task that polls the swarm.
pub trait Doorkeeper: Send + 'static {
    /// Asked before the handshake of an inbound connection, when only its address is known.
    ///
    /// # Errors
    /// [`Refused`] closes the socket before anything is read from it.
    fn pending(&mut self, address: Option<IpAddr>) -> Result<(), Refused>;

    /// Asked after the handshake, when the peer is known, for both directions.
    ///
    /// # Errors
    /// [`Refused`] closes the connection. After `Ok`, exactly one [`Doorkeeper::closed`] follows.
    fn established(
        &mut self,
        peer: &PeerId,
        address: Option<IpAddr>,
        outbound: bool,
    ) -> Result<(), Refused>;

    /// A connection that was let in is gone, or is being closed by this node.
    fn closed(&mut self, peer: &PeerId, outbound: bool, address: Option<IpAddr>);

    /// Whether an inbound connection would be let in if there was a place for it. Asked before
    /// another one is closed for it.
    ///
    /// # Errors
    /// [`Refused`] closes the connection.
    fn would_enter(&mut self, _: &PeerId, _: Option<IpAddr>) -> Result<(), Refused> {
        Ok(())
    }

    /// Whether strangers from this address have to prove an identity. Fewer of their handshakes
    /// run at a time.
    fn is_suspect(&self, _: IpAddr) -> bool {
        false
    }

    /// What speaks for a peer when somebody has to make room.
    fn favour(&self, _: &PeerId) -> Favour {
        Favour::default()
    }

    /// How many connections there is room for.
    fn room(&self) -> Room {
        Room::of(&Policy::LOTUS_V1)
    }
}
