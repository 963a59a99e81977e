//! What happens in a node.

use libp2p::PeerId;
use ltms_core::{IdentityId, PublicKey, Reason, Timestamp};

/// What happens in a node, for whoever listens. A slow listener misses the oldest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeEvent {
    /// A first connection to this peer.
    Connected(PeerId),
    /// A dialled peer cannot be reached.
    DialFailed {
        /// The peer, where the address named it.
        peer: Option<PeerId>,
        /// Why.
        error: String,
    },
    /// The last connection to this peer is gone.
    Disconnected(PeerId),
    /// A burn was accepted.
    Registered(IdentityId),
    /// An advertisement was accepted.
    Advertised {
        /// The author key.
        key: PublicKey,
        /// Its identity.
        identity: Option<IdentityId>,
    },
    /// An advertisement was withdrawn.
    Withdrawn(PublicKey),
    /// An advertisement of our own cannot be signed anew, and is offered no longer.
    OfferEnded {
        /// The author key.
        key: PublicKey,
        /// Why.
        reason: Reason,
    },
    /// A message was refused.
    Refused {
        /// The peer that handed it over.
        peer: PeerId,
        /// Why.
        reason: Reason,
    },
    /// A peer was disconnected for what it did in gossip: it flooded us, or its score fell under
    /// the graylist threshold.
    GossipDropped(PeerId),
    /// A peer was banned and disconnected.
    Sanctioned {
        /// The peer.
        peer: PeerId,
        /// The end of the ban; `None` until lifted.
        until: Option<Timestamp>,
        /// What for.
        reason: Reason,
    },
}
