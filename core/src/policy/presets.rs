//! The presets. They never change once released.

use super::{Breaker, Burns, Clock, Connections, Enforce, Freshness, Keys, Mode, Policy};
use super::{ReputationPoints, Sanctions, SessionLimits, Windows};
use crate::{Amount, Millis, Network, Quota};

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
            reserve: 250,
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
            per_identity: 2,
        },
        sessions: SessionLimits {
            nonce: Millis::from_secs(60),
            partial_signature: Millis::from_secs(60),
            whole: Millis::from_mins(10),
            abort_hold: Millis::from_mins(10),
            per_identity: 2,
            strangers: 1,
            allow_shared_key: false,
            history: 10_000,
        },
        local_envelope: 10_000,
    };

    /// As [`Policy::LOTUS_V1`], but a registration waits for 144 confirmations, as the older SDK's did.
    pub const CAUTIOUS: Self = Self {
        burns: Burns { provisional: 144, full: 144, ..Self::LOTUS_V1.burns },
        ..Self::LOTUS_V1
    };
}
