//! What a Gate knows about somebody.

use ltms_core::{Millis, Standing, Subject, Timestamp};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::operator::ltms_subject;
use crate::raw::{self, Growing};
use crate::status::ltms_status;
use crate::types::{LTMS_NEVER, end, identity_or_zeros, ltms_decision, ltms_identity, time};

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

const _: () = {
    assert!(LTMS_NEVER > Millis::MAX.get() - 1);
    assert!(size_of::<ltms_standing>() == 200);
    assert!(core::mem::offset_of!(ltms_standing, identity) == 136);
};
