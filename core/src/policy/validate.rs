//! Which policies can be used.

use super::{Policy, SPEED_POINTS, size};
use crate::{Amount, Millis};

impl Policy {
    /// Whether the numbers make sense together.
    ///
    /// # Errors
    /// [`PolicyError`] naming the first field that does not.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let mut first = Ok(());
        self.faults(|fault| {
            if first.is_ok() {
                first = Err(fault);
            }
        });
        first
    }

    /// Tells of every field that does not make sense, in the order in which
    /// [`Policy::validate`] looks.
    pub fn faults(&self, mut tell: impl FnMut(PolicyError)) {
        let mut check = |field, holds: bool, problem| {
            if !holds {
                tell(PolicyError { field, problem });
            }
        };
        let Self { freshness, windows, sanctions, keys, burns, reputation, connections, .. } = self;
        let sessions = &self.sessions;
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
            check(field, quota.interval_us > 0, "must be longer than zero");
            let year = Millis::from_days(366).as_micros();
            check(field, quota.refill_us() <= year, "must refill within a year");
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
            ("connections.per_identity", connections.per_identity.into()),
            ("sessions.nonce", sessions.nonce.get()),
            ("sessions.partial_signature", sessions.partial_signature.get()),
            ("sessions.per_identity", sessions.per_identity.into()),
            ("sessions.history", sessions.history.into()),
            ("local_envelope", self.local_envelope.into()),
        ];
        for (field, value) in positive {
            check(field, value > 0, "must not be zero");
        }
        let day = Millis::from_hours(24);
        let at_least = "must not be less than its smaller neighbour";
        check(
            "windows.strangers",
            windows.strangers.refill_us() <= day.as_micros(),
            "must refill within a day, because the cells' key turns daily",
        );
        let points = u16::from(reputation.rate)
            .saturating_add(reputation.volume.into())
            .saturating_add(SPEED_POINTS.into());
        check("freshness.max_lifetime", freshness.max_lifetime >= freshness.min_lifetime, at_least);
        check(
            "freshness.max_lifetime",
            freshness.max_lifetime <= day,
            "is at most 24 h on the wire",
        );
        check("freshness.future", freshness.future <= day, "is at most 24 h");
        check("freshness.chain_future", freshness.chain_future <= day, "is at most 24 h");
        check("breaker.share", breaker.share <= 1000, "is at most 1000 thousandths");
        check("breaker.hold", breaker.hold <= day, "is at most 24 h");
        check("sanctions.graylist_max", sanctions.graylist_max >= sanctions.graylist, at_least);
        check(
            "sanctions.identity_ban_max",
            sanctions.identity_ban_max >= sanctions.identity_ban,
            at_least,
        );
        check("keys.verified", keys.verified >= keys.basic, at_least);
        check("keys.institutional", keys.institutional >= keys.verified, at_least);
        check("windows.reserve", windows.reserve <= 1000, "is at most 1000 thousandths");
        check("keys.stranger_share", keys.stranger_share <= 1000, "is at most 1000 thousandths");
        check("burns.verified", burns.verified >= burns.registration, at_least);
        check("burns.institutional", burns.institutional >= burns.verified, at_least);
        check(
            "burns.institutional",
            burns.institutional <= Amount::MAX_MONEY,
            "is more than exists",
        );
        check("burns.full", burns.full >= burns.provisional, at_least);
        check("burns.fees", !burns.fees, "is not charged by this version");
        check("reputation.start", reputation.start <= 100, "is at most 100");
        check(
            "reputation.rate",
            points <= 100,
            "makes more than 100 points together with volume and speed",
        );
        check("reputation.daily_successes", reputation.daily_successes <= 3, "is at most 3");
        check("connections.per_wide", connections.per_wide >= connections.per_narrow, at_least);
        check("sessions.whole", sessions.whole <= day, "is at most 24 h");
        check("sessions.abort_hold", sessions.abort_hold <= day, "is at most 24 h");
        let phases = sessions.nonce.get().saturating_add(sessions.partial_signature.get());
        check("sessions.whole", sessions.whole.get() >= phases, "is shorter than its phases");
        let envelope = u32::try_from(size::ENVELOPE).unwrap_or(u32::MAX);
        check("local_envelope", self.local_envelope <= envelope, "is at most the protocol's limit");
    }
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
