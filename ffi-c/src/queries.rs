//! Questions to a Gate. None of them changes anything.

use ltms_core::{
    Amount, Criteria, Found, Metrics, Millis, Registered, Standing, Subject, Timestamp,
};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::operator::ltms_subject;
use crate::raw::{self, Growing};
use crate::status::{self, Status, ltms_status};
use crate::types::{LTMS_NEVER, end, flag, ltms_decision, ltms_identity, ltms_public_key, time};

/// What is known about somebody and what follows from it. What does not apply is zero, and so is a
/// time of "now" or "not at all" if not said otherwise.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_standing {
    /// sizeof(ltms_standing).
    pub struct_size: u32,
    /// The tag of the narrow address group of a peer; 0 if it has none.
    pub group: u32,
    /// LTMS_REASON_CLEAR, or the sanction in force.
    pub decision: ltms_decision,
    /// When the first sanction began.
    pub first_sanctioned_at_ms: u64,
    /// When the last sanction began.
    pub last_sanctioned_at_ms: u64,
    /// The end of the group's ban, which is for strangers.
    pub group_until_ms: u64,
    /// Until when a peer that was let in from a banned group may prove an identity.
    pub prove_by_ms: u64,
    /// When a sanction for window violations, which waits, is due.
    pub held_until_ms: u64,
    /// When its connection may bring a message again, or a key or identity advertise.
    pub message_at_ms: u64,
    /// When a signature of the peer's may be checked again.
    pub signature_at_ms: u64,
    /// When a block header may be looked up for the peer again.
    pub header_at_ms: u64,
    /// How long a fault counts, from the first one counted on, in milliseconds.
    pub span_ms: u64,
    /// The total burn, in satoshis.
    pub burned_sats: u64,
    /// End of the newest advertisement; an identity's last to end.
    pub expires_at_ms: u64,
    /// Until when an anchored proof of the burn holds.
    pub proved_until_ms: u64,
    /// Confirmations of the registration.
    pub confirmations: u32,
    /// Completed sessions.
    pub sessions_completed: u32,
    /// Failed sessions.
    pub sessions_failed: u32,
    /// Keys that advertise.
    pub keys: u16,
    /// How many may.
    pub keys_max: u16,
    /// The identity that a key belongs to; zeros if none.
    pub identity: ltms_identity,
    /// The first eight bytes of the SHA-256 of the evidence for the sanction.
    pub evidence: [u8; 8],
    /// 1 if there is a row at all.
    pub known: u8,
    /// What the sanction is for: one of the LTMS_REASON numbers.
    pub sanction_reason: u8,
    /// 1 if the operator made the ban.
    pub by_operator: u8,
    /// 1 if the operator exempts the peer from group limits and automatic sanctions.
    pub allowed: u8,
    /// Proven faults of an identity within the span.
    pub faults: u8,
    /// How many ban.
    pub faults_max: u8,
    /// Open connections.
    pub connections: u8,
    /// Window violations within the span.
    pub violations: u8,
    /// How many sanction.
    pub violations_max: u8,
    /// Invalid signatures within the span.
    pub invalid_signatures: u8,
    /// How many sanction.
    pub invalid_signatures_max: u8,
    /// Malformed items within the span.
    pub malformed: u8,
    /// How many sanction.
    pub malformed_max: u8,
    /// Faults of others passed on within the span.
    pub passed_on: u8,
    /// The tier in force: 1 Basic, 2 Verified, 3 Institutional; 0 for none.
    pub tier: u8,
    /// 1 if the burn is out of the chain at present.
    pub suspended: u8,
    /// Reputation score, 0 to 100.
    pub score: u8,
    /// 1 if the row left a full table, or the burn the chain: it can register again.
    pub displaced: u8,
    /// Zeros.
    pub reserved: [u8; 6],
}

// SAFETY: integers only, the first of which is the size; all zeros is a value of each.
unsafe impl Growing for ltms_standing {
    const FIRST: usize = 200;
    // SAFETY: as above.
    const EMPTY: Self = unsafe { core::mem::zeroed() };
}

impl From<Standing> for ltms_standing {
    fn from(standing: Standing) -> Self {
        let at = |time: Option<Timestamp>| time.map_or(0, |time| end(Some(time)));
        let sanctioned = standing.sanctioned_at;
        Self {
            group: standing.group,
            decision: standing.decision.into(),
            first_sanctioned_at_ms: at(sanctioned.map(|times| times.0)),
            last_sanctioned_at_ms: at(sanctioned.map(|times| times.1)),
            group_until_ms: at(standing.group_until),
            prove_by_ms: at(standing.prove_by),
            held_until_ms: at(standing.held_until),
            message_at_ms: at(standing.message_at),
            signature_at_ms: at(standing.signature_at),
            header_at_ms: at(standing.header_at),
            span_ms: standing.span.get(),
            burned_sats: standing.burned.sats(),
            expires_at_ms: at(standing.expires_at),
            proved_until_ms: at(standing.proved_until),
            confirmations: standing.confirmations,
            sessions_completed: standing.sessions.0,
            sessions_failed: standing.sessions.1,
            keys: standing.keys.0,
            keys_max: standing.keys.1,
            identity: identity_or_zeros(standing.identity),
            evidence: standing.evidence,
            known: standing.known.into(),
            sanction_reason: standing.sanction_reason.map_or(0, ltms_core::Reason::code),
            by_operator: standing.by_operator.into(),
            allowed: standing.allowed.into(),
            faults: standing.faults.0,
            faults_max: standing.faults.1,
            connections: standing.connections,
            violations: standing.violations.0,
            violations_max: standing.violations.1,
            invalid_signatures: standing.invalid_signatures.0,
            invalid_signatures_max: standing.invalid_signatures.1,
            malformed: standing.malformed.0,
            malformed_max: standing.malformed.1,
            passed_on: standing.passed_on,
            tier: standing.tier.map_or(0, |tier| tier as u8 + 1),
            suspended: standing.suspended.into(),
            score: standing.score,
            displaced: standing.displaced.into(),
            ..Self::EMPTY
        }
    }
}

fn identity_or_zeros(id: Option<ltms_core::IdentityId>) -> ltms_identity {
    id.map_or(ltms_identity { bytes: [0; 32] }, ltms_identity::from)
}

/// Everything that is known about somebody. Makes no row. `standing->struct_size` has to be set.
///
/// Errors: LTMS_STRUCT_SIZE, LTMS_VALUE, LTMS_PEER_ID.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_standing(
    gate: *mut ltms_gate,
    standing: *mut ltms_standing,
    now_ms: u64,
    subject: *const ltms_subject,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(standing)?;
        let subject: Subject = raw::get(subject)?.try_into()?;
        let standing = with(gate, |gate| Ok(gate.standing(time(now_ms), &subject)))?;
        out.write(&standing.into());
        Ok(())
    })
}

/// Counters and gauges.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_metrics {
    /// sizeof(ltms_metrics).
    pub struct_size: u32,
    /// Mean score of the identities, rounded down.
    pub average_reputation_score: u8,
    /// One of the LTMS_POSTURE numbers.
    pub posture: u8,
    /// 1 if the breaker is open.
    pub breaker_open: u8,
    /// Zero.
    pub reserved: u8,
    /// Window violations counted against peers and keys.
    pub rate_limit_violations: u64,
    /// Sanctions begun.
    pub peers_blocked: u64,
    /// Identities registered at present.
    pub identities_registered: u64,
    /// Sum of their burns, in satoshis.
    pub total_burned_sats: u64,
    /// The same per identity.
    pub average_burn_per_identity_sats: u64,
    /// Identities with a score below 30.
    pub peers_with_bad_reputation: u64,
    /// Expired messages refused and expired rows dropped.
    pub expired_entries_dropped: u64,
    /// Peers banned until lifted.
    pub blacklisted_peers: u64,
    /// Peers banned until a time.
    pub graylisted_peers: u64,
    /// Peers connected.
    pub active_peers: u64,
    /// Keys with a live advertisement.
    pub advertised_keys: u64,
    /// Signatures that were checked.
    pub signature_checks: u64,
    /// Bans that found no room.
    pub bans_not_recorded: u64,
    /// Bans that the ban of their address group stands for.
    pub bans_merged: u64,
    /// Address groups banned at present.
    pub banned_groups: u64,
    /// Rows of the ban table that the operator's bans have.
    pub operator_bans: u64,
    /// Rows of the ban table that all other bans have.
    pub automatic_bans: u64,
    /// Identities given up because their burn did not come back.
    pub identities_lapsed: u64,
    /// Identities whose row another took in a full table.
    pub identities_displaced: u64,
    /// Keys with a live advertisement whose row another took in a full table.
    pub keys_displaced: u64,
    /// Identities without a row of which something is remembered.
    pub tombstones: u64,
    /// Searches of a full table for a row that may leave.
    pub searches: u64,
    /// Proven faults of identities.
    pub identity_faults: u64,
    /// Bans of identities begun for proven faults.
    pub identities_banned: u64,
    /// Peers on the operator's allow-list.
    pub allowed_peers: u64,
    /// Sanctions for window violations that wait at present.
    pub sanctions_held: u64,
    /// How often the breaker has opened.
    pub breaker_opened: u64,
    /// How often an open breaker kept a peer from a sanction.
    pub sanctions_spared: u64,
    /// How often the clock stepped forward by more than an hour.
    pub clock_steps_forward: u64,
    /// How often the clock stepped back by more than a minute.
    pub clock_steps_back: u64,
    /// Messages taken only because windows are observed.
    pub would_windows: u64,
    /// Messages taken only because key limits are observed.
    pub would_keys: u64,
    /// Connections that only pass because group limits are observed.
    pub would_groups: u64,
    /// Automatic bans that did not begin because sanctions are observed.
    pub would_sanctions: u64,
}

// SAFETY: integers only, the first of which is the size; all zeros is a value of each.
unsafe impl Growing for ltms_metrics {
    const FIRST: usize = 280;
    // SAFETY: as above.
    const EMPTY: Self = unsafe { core::mem::zeroed() };
}

impl From<Metrics> for ltms_metrics {
    fn from(metrics: Metrics) -> Self {
        macro_rules! same {
            ($($field:ident)*) => {
                Self {
                    total_burned_sats: metrics.total_burned.sats(),
                    average_burn_per_identity_sats: metrics.average_burn_per_identity.sats(),
                    posture: metrics.posture.into(),
                    breaker_open: metrics.breaker_open.into(),
                    $($field: metrics.$field,)*
                    ..Self::EMPTY
                }
            };
        }
        same! {
            average_reputation_score rate_limit_violations peers_blocked identities_registered
            peers_with_bad_reputation expired_entries_dropped blacklisted_peers graylisted_peers
            active_peers advertised_keys signature_checks bans_not_recorded bans_merged
            banned_groups operator_bans automatic_bans identities_lapsed identities_displaced
            keys_displaced tombstones searches identity_faults identities_banned allowed_peers
            sanctions_held breaker_opened sanctions_spared clock_steps_forward clock_steps_back
            would_windows would_keys would_groups would_sanctions
        }
    }
}

/// Counters and gauges at a time. `metrics->struct_size` has to be set.
///
/// Errors: LTMS_STRUCT_SIZE.
/// Threads: one at a time for a Gate. Passes over all tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_metrics(
    gate: *mut ltms_gate,
    metrics: *mut ltms_metrics,
    now_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(metrics)?;
        out.write(&with(gate, |gate| Ok(gate.metrics(time(now_ms))))?.into());
        Ok(())
    })
}

/// How many decisions had this reason, one of the LTMS_REASON numbers.
///
/// Errors: LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_decisions(
    gate: *mut ltms_gate,
    count: *mut u64,
    reason: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (count, reason) = (raw::out(count)?, status::reason(reason)?);
        count.write(with(gate, |gate| Ok(gate.decisions(reason)))?);
        Ok(())
    })
}

/// A registered identity.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_registered {
    /// How often its key was rotated.
    pub sequence: u64,
    /// Its total burn, in satoshis.
    pub burned_sats: u64,
    /// The height of its registration.
    pub height: u32,
    /// How well that is known: one of the LTMS_EVIDENCE numbers.
    pub evidence: u8,
    /// 1 if the burn is out of the chain at present.
    pub suspended: u8,
    /// Its reputation score, 0 to 100.
    pub score: u8,
    /// The identity.
    pub identity: ltms_identity,
    /// Its current key.
    pub key: ltms_public_key,
}

impl From<Registered> for ltms_registered {
    fn from(registered: Registered) -> Self {
        Self {
            sequence: registered.sequence,
            burned_sats: registered.burned.sats(),
            height: registered.height.get(),
            evidence: registered.class as u8,
            suspended: registered.suspended.into(),
            score: registered.score,
            identity: registered.id.into(),
            key: registered.key.into(),
        }
    }
}

/// The registered identity of this id.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_identity(
    gate: *mut ltms_gate,
    registered: *mut ltms_registered,
    identity: *const ltms_identity,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, id) = (raw::out(registered)?, raw::get(identity)?.into());
        let found = with(gate, |gate| gate.identity(&id).ok_or(Status::CapacityUnknown))?;
        out.write(found.into());
        Ok(())
    })
}

/// The registered identity whose current key this is.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_resolve_identity(
    gate: *mut ltms_gate,
    registered: *mut ltms_registered,
    key: *const ltms_public_key,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, key) = (raw::out(registered)?, raw::get(key)?.into());
        let found = with(gate, |gate| gate.resolve_identity(&key).ok_or(Status::CapacityUnknown))?;
        out.write(found.into());
        Ok(())
    })
}

/// What a signer must offer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_criteria {
    /// Transaction types, all of which are wanted: bit n for number n.
    pub types: u64,
    /// An amount in satoshis that must lie in the signer's range, if `has_amount` is 1.
    pub amount_sats: u64,
    /// 1 or 0.
    pub has_amount: u8,
    /// The least reputation score. Strangers have none and are found only with 0.
    pub min_score: u8,
}

impl TryFrom<&ltms_criteria> for Criteria {
    type Error = Status;
    fn try_from(criteria: &ltms_criteria) -> Result<Self, Status> {
        Ok(Self {
            types: criteria.types,
            amount: flag(criteria.has_amount)?.then_some(Amount::from_sats(criteria.amount_sats)),
            min_score: criteria.min_score,
        })
    }
}

/// A signer that was found.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_found {
    /// The identity's total burn, in satoshis.
    pub burned_sats: u64,
    /// End of the advertisement.
    pub expires_at_ms: u64,
    /// Its identity; zeros for a stranger.
    pub identity: ltms_identity,
    /// The author key.
    pub key: ltms_public_key,
    /// 0 for a stranger, else 1.
    pub has_identity: u8,
    /// The identity's score, 0 for a stranger.
    pub score: u8,
}

impl From<&Found> for ltms_found {
    fn from(found: &Found) -> Self {
        Self {
            burned_sats: found.burned.sats(),
            expires_at_ms: found.expires_at.as_millis(),
            identity: identity_or_zeros(found.identity),
            key: found.key.into(),
            has_identity: found.identity.is_some().into(),
            score: found.score,
        }
    }
}

/// The best live signers that fit, best first: at most `capacity` of them, and at most 8 in the
/// library for devices. `*count` becomes how many there are.
///
/// Errors: LTMS_VALUE, LTMS_OUT_OF_MEMORY.
/// Threads: one at a time for a Gate. Passes over the directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_find(
    gate: *mut ltms_gate,
    found: *mut ltms_found,
    capacity: usize,
    count: *mut usize,
    now_ms: u64,
    criteria: *const ltms_criteria,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, count) = (raw::room(found, capacity)?, raw::out(count)?);
        let criteria = raw::get(criteria)?.try_into()?;
        #[cfg(feature = "std")]
        let mut places = {
            let mut places = alloc::vec::Vec::new();
            places.try_reserve_exact(capacity).map_err(|_| Status::OutOfMemory)?;
            places.resize(capacity, Found::default());
            places
        };
        #[cfg(feature = "std")]
        let places = places.as_mut_slice();
        #[cfg(not(feature = "std"))]
        let mut places = [Found::default(); 8];
        #[cfg(not(feature = "std"))]
        let places = places.get_mut(..capacity.min(8)).unwrap_or_default();
        let given = with(gate, |gate| Ok(gate.find(time(now_ms), &criteria, places)))?;
        out.iter_mut().zip(places.iter().take(given)).for_each(|(to, found)| {
            to.write(found.into());
        });
        count.write(given);
        Ok(())
    })
}

/// The live advertisement of a key.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_find_key(
    gate: *mut ltms_gate,
    found: *mut ltms_found,
    now_ms: u64,
    key: *const ltms_public_key,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, key) = (raw::out(found)?, raw::get(key)?.into());
        let given =
            with(gate, |gate| gate.find_key(time(now_ms), &key).ok_or(Status::CapacityUnknown))?;
        out.write((&given).into());
        Ok(())
    })
}

const _: () = {
    assert!(LTMS_NEVER > Millis::MAX.get() - 1);
    assert!(size_of::<ltms_standing>() == 200);
    assert!(core::mem::offset_of!(ltms_standing, identity) == 136);
    assert!(size_of::<ltms_metrics>() == 280);
    assert!(size_of::<ltms_registered>() == 88);
    assert!(size_of::<ltms_criteria>() == 24);
    assert!(size_of::<ltms_found>() == 88);
};
