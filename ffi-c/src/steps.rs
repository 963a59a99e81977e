//! What somebody does in a signing session.

use ltms_core::session::{Cause, End, Phase, Step};
use ltms_core::wire::SessionAnnouncement;
use ltms_core::{Decision, PeerId, SessionId};

use crate::announcements::ltms_announcement;
use crate::gate::ltms_gate;
use crate::guard::{Result, run};
use crate::raw;
use crate::sessions::{LTMS_PHASE_JOIN, ltms_sessions, with_both};
use crate::status::{Status, ltms_status};
use crate::types::{flag, ltms_decision, ltms_peer, time};

/// Announces the session: `announcement`.
pub const LTMS_STEP_ANNOUNCE: u8 = 1;
/// Joins as `signer`, whose signature held.
pub const LTMS_STEP_JOIN: u8 = 2;
/// The announcer begins `phase`.
pub const LTMS_STEP_BEGIN: u8 = 3;
/// A peer says that it knows of `phase`; the announcer, that it has what our own node contributed.
pub const LTMS_STEP_ACKNOWLEDGE: u8 = 4;
/// `signer` contributes to `phase`; its signature held.
pub const LTMS_STEP_CONTRIBUTE: u8 = 5;
/// Ends it for `cause`, by the doing of `signer` if `has_signer` is 1. Signers end it only for
/// LTMS_OUTCOME_ABORT, and name themselves.
pub const LTMS_STEP_ABORT: u8 = 6;
/// Our own node found all contributions good.
pub const LTMS_STEP_COMPLETE: u8 = 7;
/// Our own node found what `signer` contributed, and signed, not good.
pub const LTMS_STEP_REFUSE: u8 = 8;

/// What somebody does in a session. Only the fields that the kind names are looked at.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_step {
    /// One of the LTMS_STEP numbers.
    pub kind: u8,
    /// One of the LTMS_PHASE numbers.
    pub phase: u8,
    /// The number of a signer: the place of its key in the announcement.
    pub signer: u8,
    /// 1 if `signer` is meant by LTMS_STEP_ABORT, else 0.
    pub has_signer: u8,
    /// One of the LTMS_OUTCOME numbers.
    pub cause: u8,
    /// Zeros.
    pub reserved: [u8; 3],
    /// What is announced.
    pub announcement: *const ltms_announcement,
}

/// The step that C means, with the announcement if it has one.
unsafe fn announced(step: &ltms_step) -> Result<Option<SessionAnnouncement>> {
    if step.kind != LTMS_STEP_ANNOUNCE {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { raw::get(step.announcement)? }.try_into().map(Some)
}

fn read<'a>(step: &ltms_step, announced: Option<&'a SessionAnnouncement>) -> Result<Step<'a>> {
    let phase = || match step.phase {
        LTMS_PHASE_JOIN => Ok(Phase::Join),
        code => Phase::from_code(code).ok_or(Status::Value),
    };
    Ok(match step.kind {
        LTMS_STEP_ANNOUNCE => Step::Announce(announced.ok_or(Status::Null)?),
        LTMS_STEP_JOIN => Step::Join(step.signer),
        LTMS_STEP_BEGIN => Step::Begin(phase()?),
        LTMS_STEP_ACKNOWLEDGE => Step::Acknowledge(phase()?),
        LTMS_STEP_CONTRIBUTE => Step::Contribute(step.signer, phase()?),
        LTMS_STEP_ABORT => {
            let cause = Cause::from_code(step.cause).ok_or(Status::Value)?;
            let signer = flag(step.has_signer)?.then_some(step.signer);
            Step::Abort(End { cause, signer })
        }
        LTMS_STEP_COMPLETE => Step::Complete,
        LTMS_STEP_REFUSE => Step::Refuse(step.signer),
        _ => return Err(Status::Value),
    })
}

/// NULL for our own node.
unsafe fn sender(from: *const ltms_peer) -> Result<Option<PeerId>> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { raw::get(from)? }.try_into().map(Some)
}

/// Reads a step, and whose it is in which session, for `judge` to decide.
unsafe fn judged(
    from: *const ltms_peer,
    session: *const u8,
    step: *const ltms_step,
    judge: impl FnOnce(Option<&PeerId>, &SessionId, &Step<'_>) -> Result<Decision>,
) -> Result<Decision> {
    // SAFETY: the caller's promise.
    unsafe {
        let (from, id) = (sender(from)?, SessionId::from_bytes(*raw::array(session)?));
        let given = raw::get(step)?;
        let announced = announced(given)?;
        judge(from.as_ref(), &id, &read(given, announced.as_ref())?)
    }
}

/// Takes a step in a session of 16 bytes of id: of the connected peer `from`, or of our own node if
/// that is NULL. The caller has checked the signatures of announcements, joins and contributions.
///
/// LTMS_REASON_CLEAR if it was taken; LTMS_REASON_UNKNOWN_SESSION, _NOT_A_SIGNER, _WRONG_PHASE,
/// _SESSION_LIMIT, _SHARED_KEY, _REPLAYED and what an announcement can be refused for.
///
/// Errors: LTMS_VALUE, LTMS_PEER_ID, LTMS_NULL for an announcement that is none.
/// Threads: one at a time for the table and for the Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_step(
    sessions: *mut ltms_sessions,
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    from: *const ltms_peer,
    session: *const u8,
    step: *const ltms_step,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let taken = judged(from, session, step, |from, id, step| {
            with_both(sessions, gate, |table, gate| {
                Ok(table.step(time(now_ms), gate, from, id, step))
            })
        })?;
        decision.write(taken.into());
        Ok(())
    })
}

/// What ltms_sessions_step would say, for before a signature is checked. Changes nothing.
///
/// Errors: as for ltms_sessions_step.
/// Threads: one at a time for the table and for the Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_screen(
    sessions: *mut ltms_sessions,
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    from: *const ltms_peer,
    session: *const u8,
    step: *const ltms_step,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let said = judged(from, session, step, |from, id, step| {
            with_both(sessions, gate, |table, gate| {
                Ok(table.screen(time(now_ms), gate, from, id, step))
            })
        })?;
        decision.write(said.into());
        Ok(())
    })
}

const _: () = assert!(size_of::<usize>() != 8 || size_of::<ltms_step>() == 16);
