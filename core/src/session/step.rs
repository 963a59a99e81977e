//! What happens in a session: its phases, steps and ends.

use crate::SessionId;
use crate::wire::SessionAnnouncement;

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Phase {
    /// It waits for its signers.
    Join = 0,
    /// Every signer contributes its nonces.
    Nonce = 1,
    /// Every signer contributes its partial signature.
    PartialSignature = 2,
    /// Everything is there; whoever can check it says whether it is good.
    Finish = 3,
    /// It is over.
    Ended = 4,
}

impl Phase {
    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The phase that an announcer begins with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Nonce),
            2 => Some(Self::PartialSignature),
            3 => Some(Self::Finish),
            _ => None,
        }
    }

    /// The one that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Join => Self::Nonce,
            Self::Nonce => Self::PartialSignature,
            Self::PartialSignature => Self::Finish,
            Self::Finish | Self::Ended => Self::Ended,
        }
    }

    /// Whether every signer owes something to it.
    #[must_use]
    pub const fn takes_contributions(self) -> bool {
        matches!(self, Self::Nonce | Self::PartialSignature)
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Cause {
    /// All contributions are good.
    Completed = 0,
    /// A phase, or the whole, ran out of time.
    Timeout = 1,
    /// A signer was gone.
    Disconnect = 2,
    /// A contribution is not good.
    InvalidSignature = 3,
    /// A signer, or our own node, ended it.
    Abort = 4,
}

impl Cause {
    /// Its number on the wire; the failures have those of [`crate::score::Failure`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The cause of this number, of sessions that failed.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Timeout),
            2 => Some(Self::Disconnect),
            3 => Some(Self::InvalidSignature),
            4 => Some(Self::Abort),
            _ => None,
        }
    }

    /// The stable name, as in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Timeout => "timeout",
            Self::Disconnect => "disconnect",
            Self::InvalidSignature => "invalid-signature",
            Self::Abort => "abort",
        }
    }
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct End {
    /// Why.
    pub cause: Cause,
    /// The first signer whose doing it was, as far as is known; by somebody else's word it is at
    /// fault for nothing.
    pub signer: Option<u8>,
}

/// What has to be told about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A phase began: an announcer tells its signers, with what they contributed to the last one.
    Begun(SessionId, Phase),
    /// It is over: an announcer tells its signers, and a signer that aborts its announcer.
    Ended(SessionId, End),
}

/// What somebody does in a session.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Announces it.
    Announce(&'a SessionAnnouncement),
    /// Joins as this signer, whose signature held.
    Join(u8),
    /// The announcer begins a phase.
    Begin(Phase),
    /// A peer says that it knows of the phase; the announcer, that it has what our own node
    /// contributed to it.
    Acknowledge(Phase),
    /// This signer contributes to the phase; its signature held.
    Contribute(u8, Phase),
    /// Ends it. Signers end it for their own reasons only: [`Cause::Abort`], and themselves.
    Abort(End),
    /// Our own node found all contributions good.
    Complete,
    /// Our own node found what this signer contributed, and signed, not good.
    Refuse(u8),
}
