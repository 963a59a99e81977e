//! Every limit and number, with its default and its reason. Presets never change once released.

use crate::{Amount, Millis, Network, Quota};

/// Limits that are part of the protocol: every honest node has the same (policy §1).
pub mod size {
    /// Bytes of a signed advertisement, withdrawal or claim with its envelope.
    pub const ENVELOPE: usize = 10_000;
    /// Bytes of a direct frame or response.
    pub const FRAME: usize = 100_000;
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
}

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

macro_rules! group {
    ($(#[$doc:meta])* $name:ident = $default:expr; {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

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
        /// A stricter limit of this node for envelopes, in bytes. Over it is
        /// [`crate::Reason::LocalLimit`], never Reject. Default [`size::ENVELOPE`].
        local_envelope: u32,
    }
}

impl Policy {
    /// The preset of policy version 1, for mainnet.
    pub const LOTUS_V1: Self = Self {
        network: Network::Main,
        clock: Clock::System,
        freshness: Freshness {
            min_lifetime: Millis::from_mins(10),
            max_lifetime: Millis::from_hours(24),
            future: Millis::from_mins(5),
            gossip_age: Millis::from_mins(5),
            chain_future: Millis::from_mins(125),
        },
        windows: Windows {
            advertisement: Quota::every(Millis::from_secs(60), 1),
            identity_span: Millis::from_mins(10),
            connection: Quota::per_second(20, 60),
            signatures: Quota::per_second(10, 20),
            node_signatures: Quota::per_second(2_000, 4_000),
            strangers: Quota::every(Millis::from_secs(60), 2),
            wide_factor: 8,
            announcement: Quota::every(Millis::from_secs(30), 1),
            request: Quota::every(Millis::from_secs(30), 2),
            header: Quota::every(Millis::from_secs(10), 3),
            node_header: Quota::per_second(20, 100),
        },
        sanctions: Sanctions {
            span: Millis::from_hours(24),
            violations: 10,
            invalid_signatures: 10,
            malformed: 50,
            graylist: Millis::from_hours(1),
            graylist_max: Millis::from_hours(24),
            identity_faults: 3,
            identity_ban: Millis::from_hours(24),
            identity_ban_max: Millis::from_days(30),
            idle: Millis::from_days(7),
            group_members: 8,
            wide_share: 125,
            group_ban: Millis::from_hours(24),
            proof: Millis::from_secs(10),
            leaving_faults: 5,
        },
        breaker: Breaker {
            share: 300,
            peers: 8,
            groups: 4,
            hold: Millis::from_secs(60),
            daily: 10,
        },
        enforce: Enforce {
            windows: Mode::On,
            keys: Mode::On,
            groups: Mode::On,
            sanctions: Mode::On,
        },
        keys: Keys {
            basic: 10,
            verified: 50,
            institutional: 100,
            stranger: 10,
            stranger_share: 125,
            slot_hold: Millis::from_mins(10),
        },
        burns: Burns {
            registration: Amount::from_xpi(50),
            rotation: Amount::from_xpi(5),
            additional_key: Amount::from_xpi(10),
            request: Amount::from_xpi(5),
            extension: Amount::from_xpi(1),
            directory_entry: Amount::from_xpi(2),
            top_up: Amount::from_xpi(10),
            verified: Amount::from_xpi(200),
            institutional: Amount::from_xpi(1_000),
            fees: false,
            provisional: 6,
            full: 72,
            rotation_depth: 72,
        },
        reputation: ReputationPoints {
            start: 50,
            rate: 60,
            volume: 20,
            timeout: 5,
            disconnect: 10,
            invalid_signature: 20,
            abort: 3,
            half_life: Millis::from_days(7),
            daily_successes: 3,
        },
        connections: Connections {
            inbound: 128,
            outbound: 64,
            per_peer: 2,
            per_narrow: 8,
            per_wide: 16,
        },
        local_envelope: 10_000,
    };

    /// As [`Policy::LOTUS_V1`], but a registration waits for 144 confirmations, as the older SDK's did.
    pub const CAUTIOUS: Self = Self {
        burns: Burns { provisional: 144, full: 144, ..Self::LOTUS_V1.burns },
        ..Self::LOTUS_V1
    };

    /// The same policy on another chain.
    #[must_use]
    pub const fn on(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// How far ahead of now `created_at` may lie.
    pub(crate) const fn future(&self) -> Millis {
        match self.clock {
            Clock::System => self.freshness.future,
            Clock::Chain => self.freshness.chain_future,
        }
    }

    /// Whether the numbers make sense together.
    ///
    /// # Errors
    /// [`PolicyError`] naming the first field that does not.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let Self { freshness, windows, sanctions, keys, burns, reputation, connections, .. } = self;
        let breaker = &self.breaker;
        let quotas = [
            ("windows.advertisement", windows.advertisement),
            ("windows.connection", windows.connection),
            ("windows.signatures", windows.signatures),
            ("windows.node_signatures", windows.node_signatures),
            ("windows.strangers", windows.strangers),
            ("windows.announcement", windows.announcement),
            ("windows.request", windows.request),
            ("windows.header", windows.header),
            ("windows.node_header", windows.node_header),
        ];
        for (field, quota) in quotas {
            check(field, quota.interval_us > 0, "must be longer than zero")?;
            let year = Millis::from_days(366).as_micros();
            check(field, quota.refill_us() <= year, "must refill within a year")?;
        }
        let positive = [
            ("freshness.min_lifetime", freshness.min_lifetime.get()),
            ("freshness.gossip_age", freshness.gossip_age.get()),
            ("windows.identity_span", windows.identity_span.get()),
            ("windows.wide_factor", windows.wide_factor.into()),
            ("sanctions.span", sanctions.span.get()),
            ("sanctions.violations", sanctions.violations.into()),
            ("sanctions.invalid_signatures", sanctions.invalid_signatures.into()),
            ("sanctions.malformed", sanctions.malformed.into()),
            ("sanctions.graylist", sanctions.graylist.get()),
            ("sanctions.identity_faults", sanctions.identity_faults.into()),
            ("sanctions.identity_ban", sanctions.identity_ban.get()),
            ("breaker.peers", breaker.peers.into()),
            ("breaker.groups", breaker.groups.into()),
            ("breaker.hold", breaker.hold.get()),
            ("sanctions.idle", sanctions.idle.get()),
            ("sanctions.group_members", sanctions.group_members.into()),
            ("sanctions.wide_share", sanctions.wide_share.into()),
            ("sanctions.group_ban", sanctions.group_ban.get()),
            ("sanctions.proof", sanctions.proof.get()),
            ("sanctions.leaving_faults", sanctions.leaving_faults.into()),
            ("keys.basic", keys.basic.into()),
            ("keys.stranger", keys.stranger.into()),
            ("burns.registration", burns.registration.sats()),
            ("burns.rotation", burns.rotation.sats()),
            ("burns.additional_key", burns.additional_key.sats()),
            ("burns.request", burns.request.sats()),
            ("burns.extension", burns.extension.sats()),
            ("burns.directory_entry", burns.directory_entry.sats()),
            ("burns.top_up", burns.top_up.sats()),
            ("burns.provisional", burns.provisional.into()),
            ("burns.rotation_depth", burns.rotation_depth.into()),
            ("reputation.half_life", reputation.half_life.get()),
            ("reputation.daily_successes", reputation.daily_successes.into()),
            ("connections.inbound", connections.inbound.into()),
            ("connections.outbound", connections.outbound.into()),
            ("connections.per_peer", connections.per_peer.into()),
            ("connections.per_narrow", connections.per_narrow.into()),
            ("local_envelope", self.local_envelope.into()),
        ];
        for (field, value) in positive {
            check(field, value > 0, "must not be zero")?;
        }
        let day = Millis::from_hours(24);
        let at_least = "must not be less than its smaller neighbour";
        check(
            "windows.strangers",
            windows.strangers.refill_us() <= day.as_micros(),
            "must refill within a day, because the cells' key turns daily",
        )?;
        let points = u16::from(reputation.rate)
            .saturating_add(reputation.volume.into())
            .saturating_add(SPEED_POINTS.into());
        check(
            "freshness.max_lifetime",
            freshness.max_lifetime >= freshness.min_lifetime,
            at_least,
        )?;
        check(
            "freshness.max_lifetime",
            freshness.max_lifetime <= day,
            "is at most 24 h on the wire",
        )?;
        check("freshness.future", freshness.future <= day, "is at most 24 h")?;
        check("freshness.chain_future", freshness.chain_future <= day, "is at most 24 h")?;
        check("breaker.share", breaker.share <= 1000, "is at most 1000 thousandths")?;
        check("breaker.hold", breaker.hold <= day, "is at most 24 h")?;
        check("sanctions.graylist_max", sanctions.graylist_max >= sanctions.graylist, at_least)?;
        check(
            "sanctions.identity_ban_max",
            sanctions.identity_ban_max >= sanctions.identity_ban,
            at_least,
        )?;
        check("keys.verified", keys.verified >= keys.basic, at_least)?;
        check("keys.institutional", keys.institutional >= keys.verified, at_least)?;
        check("sanctions.wide_share", sanctions.wide_share <= 1000, "is at most 1000 thousandths")?;
        check("keys.stranger_share", keys.stranger_share <= 1000, "is at most 1000 thousandths")?;
        check("burns.verified", burns.verified >= burns.registration, at_least)?;
        check("burns.institutional", burns.institutional >= burns.verified, at_least)?;
        check(
            "burns.institutional",
            burns.institutional <= Amount::MAX_MONEY,
            "is more than exists",
        )?;
        check("burns.full", burns.full >= burns.provisional, at_least)?;
        check("burns.fees", !burns.fees, "is not charged by this version")?;
        check("reputation.start", reputation.start <= 100, "is at most 100")?;
        check(
            "reputation.rate",
            points <= 100,
            "makes more than 100 points together with volume and speed",
        )?;
        check("reputation.daily_successes", reputation.daily_successes <= 3, "is at most 3")?;
        check("connections.per_wide", connections.per_wide >= connections.per_narrow, at_least)?;
        let envelope = u32::try_from(size::ENVELOPE).unwrap_or(u32::MAX);
        check("local_envelope", self.local_envelope <= envelope, "is at most the protocol's limit")
    }
}

/// Most points for speed (policy §7); the steps are part of the formula.
pub(crate) const SPEED_POINTS: u8 = 20;

fn check(field: &'static str, holds: bool, problem: &'static str) -> Result<(), PolicyError> {
    if holds { Ok(()) } else { Err(PolicyError { field, problem }) }
}

/// A policy that cannot be used, and the field at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    field: &'static str,
    problem: &'static str,
}

impl PolicyError {
    /// The field, with the group it is in: `windows.advertisement`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl core::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "policy field `{}` {}", self.field, self.problem)
    }
}

impl core::error::Error for PolicyError {}
