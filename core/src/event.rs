//! What a Gate has to tell about somebody else, or later.

use crate::{IdentityId, PeerId, Reason, Timestamp};

/// An effect on somebody other than the caller. It is a mark in the row concerned, so there is
/// no queue to overflow: draining late costs only promptness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Disconnect this peer now and refuse it until then (`None`: until lifted).
    Sanctioned {
        /// The peer.
        peer: PeerId,
        /// The end of the ban.
        until: Option<Timestamp>,
        /// What it was for.
        reason: Reason,
    },
    /// An identity was banned for proven faults.
    IdentityBanned {
        /// The identity.
        identity: IdentityId,
        /// The end of the ban.
        until: Timestamp,
        /// The last of the faults.
        reason: Reason,
    },
    /// So many outbound peers violate windows at once that it must be our own doing: nobody is
    /// sanctioned for that until then.
    BreakerOpened {
        /// When it closes.
        until: Timestamp,
    },
    /// Window violations are sanctioned again.
    BreakerClosed,
    /// The clock stepped forward by more than an hour; nothing is swept for ten minutes.
    ClockStepped,
    /// A burn was accepted.
    Registered(IdentityId),
    /// The burn is no longer in the chain; look for it again.
    Suspended(IdentityId),
    /// The burn is in the chain again.
    Resumed(IdentityId),
    /// Its current key changed.
    Rotated(IdentityId),
}
