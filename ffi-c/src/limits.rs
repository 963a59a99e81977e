//! Limits that change while a Gate lives, and work that is charged without a ticket.

use ltms_core::{Reason, Source};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::held;
use crate::policy::ltms_policy;
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_decision, ltms_source, time};

/// The policy in force: as it was when the Gate was made, with the limits of the last
/// ltms_gate_set_limits.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_policy(
    gate: *mut ltms_gate,
    policy: *mut ltms_policy,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let to = raw::out(policy)?;
        held::put(to, 0, with(gate, |gate| Ok(*gate.policy()))?);
        Ok(())
    })
}

/// Puts the "windows.…", the "enforce.…" and the "local_envelope" of a policy in force; its other
/// fields are not looked at, because rows were made by those of the Gate. What was charged stays
/// charged, as far as the new windows reach.
///
/// Errors: LTMS_POLICY_INVALID if the Gate's policy would make no sense with them, and nothing
/// changes; LTMS_EMPTY for a policy that was never made.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_set_limits(
    gate: *mut ltms_gate,
    now_ms: u64,
    policy: *const ltms_policy,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let new = held::get(policy)?;
        let set = with(gate, |gate| {
            Ok(gate.set_limits(time(now_ms), &new.windows, &new.enforce, new.local_envelope))
        })?;
        if set { Ok(()) } else { Err(Status::PolicyInvalid) }
    })
}

/// Takes the tokens of one signature check that no ticket asks for, before that check.
/// LTMS_REASON_CLEAR: check. LTMS_REASON_SIGNATURE_BUDGET and LTMS_REASON_NODE_BUSY: not before
/// `retry_at_ms`.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_charge_signature(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    source: *const ltms_source,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let source = Source::try_from(raw::get(source)?)?;
        let charged = with(gate, |gate| Ok(gate.charge_signature(time(now_ms), &source)))?;
        decision.write(charged.err().unwrap_or(Reason::Clear.into()).into());
        Ok(())
    })
}
