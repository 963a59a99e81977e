//! What a Gate has to tell about somebody else, or later.

use crate::snapshot::{Codec, Record, one_of};
use crate::{IdentityId, PeerId, Reason, Timestamp};

/// How strangers are treated. Identities go on in every posture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(into = "u8"))]
#[repr(u8)]
pub enum Posture {
    /// As the windows say.
    #[default]
    Normal = 0,
    /// A ban found no room: strangers keep one eighth of their cells until there is room again.
    Lockdown = 1,
    /// The bans of the past are not known ([`crate::Gate::guard`]): as a lockdown, until the
    /// process ends.
    Guarded = 2,
}

impl Record for Posture {
    /// Whoever reads it has what was known: that nobody knew the rest is over with the process.
    fn fields(&mut self, codec: &mut dyn Codec) {
        let code = |posture: Self| u8::from(posture != Self::Normal);
        one_of(self, &[Self::Normal, Self::Lockdown], code, codec);
    }
}

impl From<Posture> for u8 {
    /// The number, as in metrics.
    fn from(posture: Posture) -> Self {
        posture as Self
    }
}

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
    /// This connected peer comes from a banned address group: cut it off from gossip before
    /// deduplication, until [`crate::Gate::prove_identity`] clears it or it is sanctioned.
    ProveIdentity {
        /// The peer.
        peer: PeerId,
        /// When it will be sanctioned.
        until: Timestamp,
    },
    /// The ban table was full, so that the ban of a narrow address group stands for its members'.
    GroupBanned {
        /// The group's tag, as [`crate::Subject::Group`] has it.
        group: u32,
        /// The end of the ban.
        until: Timestamp,
    },
    /// Strangers are treated otherwise from now on.
    PostureChanged(Posture),
    /// A burn was accepted.
    Registered(IdentityId),
    /// The identity's row made room in a full table; with its burn it can register again.
    Displaced(IdentityId),
    /// The burn is no longer in the chain; look for it again.
    Suspended(IdentityId),
    /// The burn is in the chain again.
    Resumed(IdentityId),
    /// Its current key changed.
    Rotated(IdentityId),
}
