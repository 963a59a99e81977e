//! Every limit and number, with its default and its reason.

mod named;
mod presets;
mod validate;

use self::named::Named;
use crate::hash::sha256_of;
use crate::record::{Field, map_fields};
use crate::{Amount, Millis, Network, Quota};
pub use named::FieldError;
pub use validate::PolicyError;

/// Limits that are part of the protocol: every honest node has the same (policy §1).
pub mod size {
    /// Bytes of a signed advertisement, withdrawal or claim with its envelope.
    pub const ENVELOPE: usize = 10_000;
    /// Bytes of a direct frame or response.
    pub const FRAME: usize = 100_000;
    /// Bytes of unfinished frames of all connections together.
    pub const UNFINISHED: usize = 32 << 20;
    /// Bytes of a signing request.
    pub const REQUEST: usize = 50_000;
    /// Bytes of a DHT record's value.
    pub const RECORD: usize = 10_000;
    /// Rotations of an identity in its life.
    pub const ROTATIONS: u64 = 64;
    /// Addresses in an advertisement.
    pub const ADDRESSES: usize = 8;
    /// Bytes of one address.
    pub const ADDRESS: usize = 128;
    /// Transaction types in an advertisement.
    pub const TYPES: usize = 16;
    /// UTF-8 bytes of a nickname.
    pub const NICKNAME: usize = 64;
    /// UTF-8 bytes of a description.
    pub const DESCRIPTION: usize = 256;
    /// Signers of a session (policy §7).
    pub const SIGNERS: usize = 15;
    /// Bytes of what a signer contributes to a phase: those of fifteen fit one frame.
    pub const CONTRIBUTION: usize = 4_096;
}

/// Most points for speed (policy §7); the steps are part of the formula.
pub(crate) const SPEED_POINTS: u8 = 20;

/// Where the times that a [`crate::Gate`] is given come from (policy §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Clock {
    /// A clock that is right within minutes.
    #[default]
    System,
    /// The chain, by a [`crate::ChainClock`]: for devices without a clock. Messages may lie
    /// [`Freshness::chain_future`] ahead, and gossip may be of any age.
    Chain,
}

/// Whether a group of rules refuses, or only counts what it would have refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Mode {
    /// It refuses.
    #[default]
    On,
    /// What it would refuse passes as if there were no such rule, and is counted.
    Observe,
}

/// A field of [`Policy`], for whoever shows or explains one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyField {
    /// Its name in its group.
    pub name: &'static str,
    /// Its type, from which its unit follows: `Millis`, `Quota`, `Amount`, `u8`, …
    pub kind: &'static str,
    /// Meaning, unit, default and reason, by lines.
    pub doc: &'static [&'static str],
}

macro_rules! group {
    ($(#[$doc:meta])* $name:ident = $default:expr; {
        $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
        pub struct $name { $($(#[doc = $field_doc])* pub $field: $type,)* }

        impl $name {
            /// Its fields, in order.
            pub const FIELDS: &'static [PolicyField] = &[$(PolicyField {
                name: stringify!($field),
                kind: stringify!($type),
                doc: &[$($field_doc),*],
            },)*];
        }

        map_fields!($name, Self::default(); $($field),*);

        impl named::Named for $name {
            fn number(&self, name: &str) -> Option<u64> {
                let (field, rest) = named::split(name);
                match field {
                    $(stringify!($field) => self.$field.number(rest),)*
                    _ => None,
                }
            }

            fn set_number(&mut self, name: &str, value: u64) -> Result<(), FieldError> {
                let (field, rest) = named::split(name);
                match field {
                    $(stringify!($field) => self.$field.set_number(rest, value),)*
                    _ => Err(FieldError::Unknown),
                }
            }
        }

        impl Default for $name {
            /// As [`Policy::LOTUS_V1`] has it; also what a field is that a file leaves out.
            fn default() -> Self {
                $default
            }
        }
    };
}

group! {
    /// How old and how young a message may be (policy §2). Milliseconds.
    Freshness = Policy::LOTUS_V1.freshness; {
        /// Shortest life of an advertisement. Default 10 min: shorter ones only cost others work.
        min_lifetime: Millis,
        /// Longest life of an advertisement. Default 24 h: a lost signer is gone after a day.
        max_lifetime: Millis,
        /// How far ahead `created_at` may lie. Default 5 min: clocks differ.
        future: Millis,
        /// How old a message may be when gossip brings it. Default 5 min: older ones are replays.
        gossip_age: Millis,
        /// Takes the place of `future` under [`Clock::Chain`]. Default 2 h 5 min: a block's time
        /// may be 2 h off, and clocks differ.
        chain_future: Millis,
    }
}

group! {
    /// Rate windows (policy §3).
    Windows = Policy::LOTUS_V1.windows; {
        /// Advertisements of one author key. Default 1 per 60 s: what the SDK always promised.
        advertisement: Quota,
        /// Span in which all keys of an identity together may advertise as often as it has keys.
        /// Default 10 min.
        identity_span: Millis,
        /// Messages of any kind of one connection. Default 20 per s, 60 at once.
        connection: Quota,
        /// Signature checks of one connection that failed or are pending. Default 10 per s, 20.
        signatures: Quota,
        /// The same for the whole node. Default 2,000 per s, 4,000: a tenth of a core.
        node_signatures: Quota,
        /// Of what the node can save up of these, what is kept for connections that we dialled or
        /// that proved an identity, in 1/1000. Default 250 (ADR 59).
        reserve: u16,
        /// Strangers' advertisements of one narrow address group. Default 1 per 60 s, 2.
        strangers: Quota,
        /// How many times as wide a wide group's window is. Default 8.
        wide_factor: u32,
        /// DHT announcements of one author. Default 1 per 30 s.
        announcement: Quota,
        /// Signing requests of one author. Default 1 per 30 s, 2.
        request: Quota,
        /// Unknown block headers that one connection may make us look up. Default 1 per 10 s, 3.
        header: Quota,
        /// The same for the whole node. Default 20 per s, 100.
        node_header: Quota,
    }
}

group! {
    /// When what is held against a peer, key or identity becomes a sanction (policy §3, §4).
    Sanctions = Policy::LOTUS_V1.sanctions; {
        /// Span over which violations and faults are counted, from the first. Default 24 h.
        span: Millis,
        /// Window violations that graylist. Default 10.
        violations: u8,
        /// Invalid signatures published by the peer itself that blacklist it. Default 10.
        invalid_signatures: u8,
        /// Malformed or oversize items published by the peer itself that blacklist it. Default 50.
        malformed: u8,
        /// First graylisting. Default 1 h; each next one that begins within `span` doubles.
        graylist: Millis,
        /// Longest graylisting. Default 24 h.
        graylist_max: Millis,
        /// Proven faults within `span` that ban an identity. Default 3.
        identity_faults: u8,
        /// First ban of an identity. Default 24 h, doubling.
        identity_ban: Millis,
        /// Longest ban of an identity. Default 30 d.
        identity_ban_max: Millis,
        /// A banned peer that has not tried to connect for this long makes room in a ban table
        /// that is filling. Default 7 d: its id was free to remake all the time.
        idle: Millis,
        /// Banned ids from which a narrow address group can stand for them when the ban table is
        /// full. Default 8: as many as one group may have connections.
        group_members: u16,
        /// Thousandths of the automatic rows that bans of one wide group, or of all sources without
        /// an address together, may take; never fewer rows than `group_members`. Default 125: to
        /// fill the table takes eight.
        wide_share: u16,
        /// Longest ban of a narrow address group. Default 24 h: others live there, too.
        group_ban: Millis,
        /// How long a connection from a banned group has to prove an identity. Default 10 s: as
        /// long as a frame may take.
        proof: Millis,
        /// Faults counted against a disconnected peer from which it is graylisted when its row is
        /// needed; fewer are charged to its address group. Default 5: half of what sanctions.
        leaving_faults: u16,
    }
}

group! {
    /// When window violations look like a fault of our own (policy §4): then nobody is sanctioned
    /// for them.
    Breaker = Policy::LOTUS_V1.breaker; {
        /// Outbound peers, in 1/1000, more than which must be about to be sanctioned. Default 300.
        share: u16,
        /// How many there must be at least. Default 8.
        peers: u8,
        /// Wide address groups that they must be from. Default 4: nobody chooses whom we dial.
        groups: u8,
        /// How long an outbound peer's sanction waits for others, and how long the breaker stays
        /// open then. Default 60 s.
        hold: Millis,
        /// Times that it may open in 24 h. Default 10: ten minutes a day.
        daily: u8,
    }
}

group! {
    /// Which rules refuse and which only count ([`Mode`]). What every honest node rejects, bans
    /// of the operator, sizes, budgets for dear checks and full tables are always on.
    Enforce = Policy::LOTUS_V1.enforce; {
        /// Windows of authors, identities, strangers' groups and connections. Default on; as long
        /// as they are only observed, nobody is sanctioned for violating them.
        windows: Mode,
        /// Keys of an identity or a stranger. Default on.
        keys: Mode,
        /// Connections of an address group. Default on.
        groups: Mode,
        /// Automatic bans of peers, keys and identities. Default on.
        sanctions: Mode,
    }
}

group! {
    /// How many keys may advertise (policy §5).
    Keys = Policy::LOTUS_V1.keys; {
        /// Keys of a Basic identity. Default 10.
        basic: u16,
        /// Keys of a Verified identity. Default 50.
        verified: u16,
        /// Keys of an Institutional identity. Default 100.
        institutional: u16,
        /// Keys of one stranger peer. Default 10.
        stranger: u16,
        /// Rows of the key table that strangers may have, in 1/1000. Default 125.
        stranger_share: u16,
        /// How long a slot stays taken after the key's last advertisement ended. Default 10 min:
        /// rotating keys through a slot gains nothing.
        slot_hold: Millis,
    }
}

group! {
    /// What burns cost, when they count (policy §6). Satoshis and confirmations.
    Burns = Policy::LOTUS_V1.burns; {
        /// Least burn of a registration; also the Basic tier. Default 50 XPI.
        registration: Amount,
        /// Least burn of a rotation. Default 5 XPI.
        rotation: Amount,
        /// One additional key. Default 10 XPI.
        additional_key: Amount,
        /// One signing request, where charged. Default 5 XPI.
        request: Amount,
        /// One week of lifetime, where charged. Default 1 XPI.
        extension: Amount,
        /// One transaction type above four, where charged. Default 2 XPI.
        directory_entry: Amount,
        /// Least top-up of the tier's total. Default 10 XPI.
        top_up: Amount,
        /// Total from which an identity is Verified. Default 200 XPI.
        verified: Amount,
        /// Total from which an identity is Institutional. Default 1,000 XPI.
        institutional: Amount,
        /// Whether purposes 3 to 5 are charged for. Default no.
        fees: bool,
        /// Confirmations from which a registration counts, provisionally. Default 6.
        provisional: u32,
        /// Confirmations from which it counts in full. Default 72: past every possible
        /// reorganisation (10 blocks and 2 hours).
        full: u32,
        /// Confirmations from which a rotation counts. Default 72.
        rotation_depth: u32,
    }
}

group! {
    /// Reputation points (policy §7).
    ReputationPoints = Policy::LOTUS_V1.reputation; {
        /// Score of a fresh subject. Default 50.
        start: u8,
        /// Points for a perfect success rate. Default 60.
        rate: u8,
        /// Most points for volume; one for each ten sessions. Default 20.
        volume: u8,
        /// Penalty for a timeout. Default 5.
        timeout: u8,
        /// Penalty for a disconnect. Default 10.
        disconnect: u8,
        /// Penalty for an invalid signature. Default 20.
        invalid_signature: u8,
        /// Penalty for an abort, paid by the aborter. Default 3.
        abort: u8,
        /// Time in which debt halves. Default 7 d.
        half_life: Millis,
        /// Successes that count per subject and counterparty in a rolling 24 h. Default 3; at most 3.
        daily_successes: u8,
    }
}

group! {
    /// Connections (policy §10).
    Connections = Policy::LOTUS_V1.connections; {
        /// Inbound connections. Default 128.
        inbound: u16,
        /// Outbound connections. Default 64.
        outbound: u16,
        /// Connections of one peer. Default 2.
        per_peer: u8,
        /// Connections of one narrow address group. Default 8.
        per_narrow: u16,
        /// Connections of one wide address group. Default 16.
        per_wide: u16,
        /// Connected peers that belong to one identity: those that proved it last. Default 2.
        per_identity: u8,
    }
}

group! {
    /// Signing sessions (policy §7).
    SessionLimits = Policy::LOTUS_V1.sessions; {
        /// How long the phase of nonces lasts. Default 60 s: whoever joined is there.
        nonce: Millis,
        /// How long the phase of partial signatures lasts. Default 60 s.
        partial_signature: Millis,
        /// Longest life of a session, from its announcement. Default 10 min.
        whole: Millis,
        /// How long an abort keeps the aborter's slot. Default 10 min: as long as a session that it
        /// could have kept open.
        abort_hold: Millis,
        /// Open sessions that one identity may take part in with this node. Default 2.
        per_identity: u8,
        /// Open sessions that strangers may take part in, all together. Default 1: identities have
        /// the others.
        strangers: u8,
        /// Whether an identity's current key may sign in sessions. Default false: who has it could
        /// take the identity away.
        allow_shared_key: bool,
        /// Sessions that a node remembers after their end. Default 10,000.
        history: u32,
    }
}

group! {
    /// All that is decided by number. See each field; [`Policy::LOTUS_V1`] has the defaults.
    Policy = Self::LOTUS_V1; {
        /// The chain, which is part of every signed message.
        network: Network,
        /// Where times come from. Default the system's clock.
        clock: Clock,
        /// Age of messages.
        freshness: Freshness,
        /// Rate windows.
        windows: Windows,
        /// Sanctions.
        sanctions: Sanctions,
        /// When sanctions for window violations are held back.
        breaker: Breaker,
        /// Which rules only count.
        enforce: Enforce,
        /// Key limits.
        keys: Keys,
        /// Burns.
        burns: Burns,
        /// Reputation.
        reputation: ReputationPoints,
        /// Connections.
        connections: Connections,
        /// Signing sessions.
        sessions: SessionLimits,
        /// A stricter limit of this node for envelopes, in bytes. Over it is
        /// [`crate::Reason::LocalLimit`], never Reject. Default [`size::ENVELOPE`].
        local_envelope: u32,
    }
}

impl Policy {
    /// The groups of fields by name, with those that are in no group under the empty name.
    pub const GROUPS: &'static [(&'static str, &'static [PolicyField])] = &[
        ("", Self::FIELDS),
        ("freshness", Freshness::FIELDS),
        ("windows", Windows::FIELDS),
        ("sanctions", Sanctions::FIELDS),
        ("breaker", Breaker::FIELDS),
        ("enforce", Enforce::FIELDS),
        ("keys", Keys::FIELDS),
        ("burns", Burns::FIELDS),
        ("reputation", ReputationPoints::FIELDS),
        ("connections", Connections::FIELDS),
        ("sessions", SessionLimits::FIELDS),
    ];

    /// The same policy on another chain.
    #[must_use]
    pub const fn on(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// A field by its name, such as `keys.stranger`, `freshness.future` (milliseconds),
    /// `burns.top_up` (satoshis), `windows.connection.interval_us` or `windows.connection.burst`;
    /// `None` if there is none of that name. Modes and the like are their position: 0 for the first.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        Named::number(self, name)
    }

    /// Sets a field by its name, as [`Policy::number`] reads it. [`Policy::validate`] says
    /// afterwards whether the whole makes sense.
    ///
    /// # Errors
    /// [`FieldError`]; nothing has changed then.
    pub fn set_number(&mut self, name: &str, value: u64) -> Result<(), FieldError> {
        Named::set_number(self, name, value)
    }

    /// SHA-256 of the policy's one encoding, a CBOR map from the names of the fields: the same on
    /// every platform, another for every other policy.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256_of(|out| crate::record::write(out, |to| self.put(to)))
    }

    /// How far ahead of now `created_at` may lie.
    pub(crate) const fn future(&self) -> Millis {
        match self.clock {
            Clock::System => self.freshness.future,
            Clock::Chain => self.freshness.chain_future,
        }
    }
}
