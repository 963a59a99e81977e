//! What was decided, and why. Names and numbers are part of the interface: none is ever reused.

use core::ffi::CStr;

use crate::time::Timestamp;

/// What to do with a message.
///
/// The numbers are chosen so that a zeroed decision neither admits nor accuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Drop it; nobody is at fault as far as others can tell.
    #[default]
    Ignore = 0,
    /// Take it and pass it on.
    Accept = 1,
    /// Drop it; every honest node would.
    Reject = 2,
}

impl Verdict {
    /// The stable name: `ignore`, `accept` or `reject`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }
}

macro_rules! reasons {
    ($(
        $(#[doc = $doc:literal])* $(@$default:ident)?
        $name:ident = $code:literal, $text:literal, $verdict:ident;
    )*) => {
        /// Why a [`Decision`] is what it is.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])* $(#[$default])? $name = $code,)*
        }

        impl Reason {
            /// Every reason, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable number, as in C.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The stable name, as in logs, metrics and vectors.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The same with a zero at its end, for C.
            #[must_use]
            pub const fn as_c_str(self) -> &'static CStr {
                match self {
                    $(Self::$name => match CStr::from_bytes_with_nul(concat!($text, "\0").as_bytes()) {
                        Ok(text) => text,
                        Err(_) => c"",
                    },)*
                }
            }

            /// What it means, in a sentence: that of `docs/wire.md`.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Its position among all reasons.
            pub(crate) const fn index(self) -> usize {
                enum Index { $($name),* }
                match self { $(Self::$name => Index::$name as usize,)* }
            }

            /// The verdict that belongs to the reason.
            #[must_use]
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)* }
            }
        }
    };
}

reasons! {
    /// No decision was made.
    @default Unjudged = 0, "unjudged", Ignore;

    /// Valid and new.
    New = 1, "new", Accept;
    /// The newest message of its author, met for the first time on this channel.
    Known = 2, "known", Accept;
    /// To be processed, but its connection is over its window: read it no further until `retry_at`.
    Throttle = 3, "throttle", Accept;
    /// Nothing stands against it.
    Clear = 4, "clear", Accept;

    /// Let in from a banned address group: it has until `retry_at` to prove an identity, and is
    /// cut off from gossip until it did.
    ProveIdentity = 5, "prove-identity", Accept;

    /// `expires_at` has passed.
    Expired = 10, "expired", Ignore;
    /// `created_at` lies further ahead than clocks may differ.
    Future = 11, "future", Ignore;
    /// Pushed later than gossip may take.
    Stale = 12, "stale", Ignore;
    /// Older than the author's newest message, or a second one with the same time.
    Replayed = 13, "replayed", Ignore;
    /// The author's newest message, already met on this channel.
    AlreadyKnown = 14, "already-known", Ignore;
    /// A withdrawal of what is not listed here: a stranger's, of another owner's key, or without a
    /// free row to remember it in.
    NotListed = 15, "not-listed", Ignore;

    /// The author's own window is spent.
    TooSoon = 20, "too-soon", Ignore;
    /// The window of all keys of the identity together is spent.
    IdentityWindow = 21, "identity-window", Ignore;
    /// The connection's window is spent.
    ConnectionWindow = 22, "connection-window", Ignore;
    /// No signature may be checked just now: hold the message until `retry_at`.
    SignatureBudget = 23, "signature-budget", Ignore;
    /// The strangers' window of the address group is spent.
    StrangerWindow = 24, "stranger-window", Ignore;
    /// The identity, or the stranger's peer, has all the keys it may have.
    KeyLimit = 25, "key-limit", Ignore;
    /// The node checks as many signatures as it may: hold the message until `retry_at`.
    NodeBusy = 27, "node-busy", Ignore;
    /// No unknown block header may be asked for just now.
    HeaderBudget = 26, "header-budget", Ignore;

    /// The table is full and nothing in it may leave for this.
    TableFull = 30, "table-full", Ignore;
    /// Strangers have all of the key table that they may have.
    StrangerShare = 31, "stranger-share", Ignore;
    /// No connection of this kind is free.
    ConnectionLimit = 32, "connection-limit", Ignore;
    /// The address group has all the connections that it may have.
    GroupLimit = 33, "group-limit", Ignore;

    /// The identity is not registered here.
    UnknownIdentity = 40, "unknown-identity", Ignore;
    /// Made under a later rotation than is known here, or under another of the last sequence.
    NeedHistory = 41, "need-history", Ignore;
    /// Made under an earlier rotation.
    Superseded = 42, "superseded", Ignore;
    /// The identity's burn is not in the chain at present.
    Suspended = 43, "suspended", Ignore;
    /// A burn at or before the last that was used for its purpose.
    BurnUsed = 44, "burn-used", Ignore;
    /// A stranger's advertisement that did not come from the very peer it advertises.
    StrangerElsewhere = 45, "stranger-elsewhere", Ignore;
    /// A burn whose purpose has no price under this policy.
    NotCharged = 46, "not-charged", Ignore;
    /// The burn has too few confirmations yet.
    Immature = 47, "immature", Ignore;
    /// The key is the current key of another identity, or delegated by a newer delegation.
    KeyTaken = 48, "key-taken", Ignore;
    /// The block is not in the active chain of our source.
    UnknownBlock = 49, "unknown-block", Ignore;

    /// The peer or key is banned until a time.
    Graylisted = 50, "graylisted", Ignore;
    /// The peer is banned until lifted.
    Blacklisted = 51, "blacklisted", Ignore;
    /// The identity is banned.
    IdentityBanned = 52, "identity-banned", Ignore;
    /// Over a limit that only this node has.
    LocalLimit = 53, "local-limit", Ignore;
    /// A kind, version, field or purpose that this version does not know.
    Unsupported = 54, "unsupported", Ignore;
    /// Evidence that is not enough to register.
    WeakEvidence = 55, "weak-evidence", Ignore;
    /// The session's outcome is counted already, or its counterparty often enough today.
    NotCounted = 56, "not-counted", Ignore;
    /// The last rotation may still be contested, so none can follow it yet.
    NotFinal = 57, "not-final", Ignore;
    /// The chain stepped back further than it should; nothing changes until that is confirmed.
    ChainSuspect = 58, "chain-suspect", Ignore;
    /// The address group is banned for strangers; whoever proves a registered identity passes.
    GroupBanned = 59, "group-banned", Ignore;

    /// Larger than the protocol allows.
    Oversize = 60, "oversize", Reject;
    /// Not the deterministic encoding of a message.
    Malformed = 61, "malformed", Reject;
    /// A signature does not verify.
    InvalidSignature = 62, "invalid-signature", Reject;
    /// The author is neither the identity's current key nor delegated by it.
    NotDelegated = 63, "not-delegated", Reject;
    /// Lives shorter or longer than the protocol allows.
    Lifetime = 64, "lifetime", Reject;
    /// An address that cannot be dialled on this network, or that names another peer.
    Address = 65, "address", Reject;
    /// Text too long, or with control, direction or invisible characters.
    Text = 66, "text", Reject;
    /// The output is no LTMS burn of the expected purpose.
    Script = 67, "script", Reject;
    /// The burn is smaller than its purpose costs.
    BurnTooSmall = 68, "burn-too-small", Reject;
    /// The transaction has no such output, or one whose index has no identity.
    NoSuchOutput = 69, "no-such-output", Reject;
    /// The branch does not lead from the transaction to the block.
    NotInBlock = 70, "not-in-block", Reject;
    /// The coinbase cannot be a burn.
    Coinbase = 71, "coinbase", Reject;
    /// The bytes are no transaction.
    Transaction = 72, "transaction", Reject;

    /// No session of this id is open here.
    UnknownSession = 80, "unknown-session", Ignore;
    /// Not one of the session's signers, or not the one that may do this.
    NotASigner = 81, "not-a-signer", Ignore;
    /// Not in the session's phase.
    WrongPhase = 82, "wrong-phase", Ignore;
    /// The identity, or all strangers together, take part in all the sessions that they may.
    SessionLimit = 83, "session-limit", Ignore;
    /// The current key of an identity, which is no session key.
    SharedKey = 84, "shared-key", Ignore;
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict, its reason, and when a refused caller may try again, where waiting helps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The first time at which the same message would pass this check.
    pub retry_at: Option<Timestamp>,
}

impl Decision {
    /// The decision for `reason`, with no time to wait for.
    pub const fn new(reason: Reason) -> Self {
        Self { verdict: reason.verdict(), reason, retry_at: None }
    }

    /// The decision for `reason`, which no longer holds at `retry_at`.
    pub const fn until(reason: Reason, retry_at: Timestamp) -> Self {
        Self { verdict: reason.verdict(), reason, retry_at: Some(retry_at) }
    }

    /// Whether the message is taken.
    #[must_use]
    pub const fn is_accept(&self) -> bool {
        matches!(self.verdict, Verdict::Accept)
    }
}

impl From<Reason> for Decision {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

/// The outcome of a check that has a dearer one behind it.
#[derive(Debug)]
#[must_use]
pub enum Screening<T> {
    /// Go on to the dearer check with this ticket.
    Proceed(T),
    /// Decided.
    Done(Decision),
}
