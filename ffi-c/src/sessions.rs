//! Signing sessions: who takes part, until when, how they end, and who is at fault.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::slice;
use core::sync::atomic::AtomicU32;

use ltms_core::session::{Cause, End, Phase, Session, SessionEvent, Sessions, Step};
use ltms_core::wire::SessionAnnouncement;
use ltms_core::{Gate, Lent, PeerId, SessionId};

use crate::announcements::ltms_announcement;
use crate::gate::{READY, ltms_gate, occupy, with};
use crate::guard::{Result, run};
use crate::raw::{self, Growing};
use crate::status::{Status, ltms_status};
use crate::types::{end, identity_or_zeros, ltms_decision, ltms_identity, ltms_peer, time, until};

/// It waits for its signers.
pub const LTMS_PHASE_JOIN: u8 = 0;
/// Every signer contributes its nonces.
pub const LTMS_PHASE_NONCE: u8 = 1;
/// Every signer contributes its partial signature.
pub const LTMS_PHASE_PARTIAL_SIGNATURE: u8 = 2;
/// Everything is there; whoever can check it says whether it is good.
pub const LTMS_PHASE_FINISH: u8 = 3;
/// It is over.
pub const LTMS_PHASE_ENDED: u8 = 4;

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

/// There is nothing to tell of the sessions.
pub const LTMS_SESSION_NONE: u8 = 0;
/// `phase` began: an announcer tells its signers, with what they contributed to the last one.
pub const LTMS_SESSION_BEGUN: u8 = 1;
/// It is over: an announcer tells its signers, and a signer that aborts its announcer.
pub const LTMS_SESSION_ENDED: u8 = 2;

/// What has to be told about a session.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_session_event {
    /// One of the LTMS_SESSION numbers. More may come: ignore unknown ones.
    pub kind: u8,
    /// The phase that began.
    pub phase: u8,
    /// Why it ended: one of the LTMS_OUTCOME numbers.
    pub cause: u8,
    /// The signer whose doing it was, if `has_signer` is 1.
    pub signer: u8,
    /// 1 or 0.
    pub has_signer: u8,
    /// Zeros.
    pub reserved: [u8; 3],
    /// The session.
    pub session: [u8; 16],
}

/// A session that is open, or not yet forgotten.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_session {
    /// sizeof(ltms_session).
    pub struct_size: u32,
    /// Signers that have joined, as far as is known: bit n for number n.
    pub joined: u16,
    /// Signers that said that they know of the phase.
    pub acknowledged: u16,
    /// Signers that have contributed to the phase.
    pub contributed: u16,
    /// How many signers there are.
    pub signers: u8,
    /// Which of them announced it.
    pub announcer: u8,
    /// Which of them we are, if `has_own` is 1.
    pub own: u8,
    /// 1 if we have joined, else 0.
    pub has_own: u8,
    /// One of the LTMS_PHASE numbers.
    pub phase: u8,
    /// Why it ended: one of the LTMS_OUTCOME numbers.
    pub cause: u8,
    /// When it was announced here.
    pub opened_at_ms: u64,
    /// The end of its phase. Of a session that is over: until when it keeps the aborter's slot.
    pub deadline_ms: u64,
    /// The hash of what is to be signed.
    pub digest: [u8; 32],
    /// Its id.
    pub session: [u8; 16],
}

// SAFETY: integers only, the first of which is the size; all zeros is a value of each.
unsafe impl Growing for ltms_session {
    const FIRST: usize = 80;
    // SAFETY: as above.
    const EMPTY: Self = unsafe { core::mem::zeroed() };
}

impl From<&Session> for ltms_session {
    fn from(session: &Session) -> Self {
        let signers = session.signers().count() as u8;
        let set = |of: &dyn Fn(u8) -> bool| {
            (0..signers).filter(|signer| of(*signer)).fold(0, |set, signer| set | 1 << signer)
        };
        Self {
            joined: set(&|signer| session.has_joined(signer)),
            acknowledged: set(&|signer| session.has_acknowledged(signer)),
            contributed: set(&|signer| session.has_contributed(signer)),
            signers,
            announcer: session.announcer(),
            own: session.own().unwrap_or(0),
            has_own: session.own().is_some().into(),
            phase: session.phase().code(),
            cause: session.end().map_or(0, |end| end.cause.code()),
            opened_at_ms: session.opened().as_millis(),
            deadline_ms: session.deadline().as_millis(),
            digest: *session.digest(),
            session: *session.id().as_bytes(),
            ..Self::EMPTY
        }
    }
}

/// A table of sessions beside a Gate. Only the functions look inside. Its calls take one thread at
/// a time, as a Gate's do.
#[repr(C, align(8))]
pub struct ltms_sessions {
    state: AtomicU32,
    sessions: MaybeUninit<Sessions<&'static mut [Session]>>,
}

const HEAD: usize = size_of::<ltms_sessions>().next_multiple_of(align_of::<Session>());

fn size(rows: usize) -> Result<usize> {
    let all = rows.checked_mul(size_of::<Session>()).and_then(|len| len.checked_add(HEAD));
    let all = all.ok_or(Status::Length)?;
    isize::try_from(all).map_err(|_| Status::Length)?;
    Ok(all)
}

/// Calls `body` with the sessions, if nobody else is in a call with them.
///
/// # Safety
/// If not NULL, there has to be memory as large as a table at `sessions`.
unsafe fn with_sessions<T>(
    sessions: *mut ltms_sessions,
    body: impl FnOnce(&mut Sessions<&'static mut [Session]>) -> Result<T>,
) -> Result<T> {
    // SAFETY: the same promise. Whoever occupies it is alone, and then there is a table.
    unsafe {
        raw::get(sessions.cast::<MaybeUninit<ltms_sessions>>())?;
        let guard = occupy(&(*sessions).state)?;
        let done = body((*sessions).sessions.assume_init_mut());
        guard.done();
        done
    }
}

/// The same, with their Gate.
unsafe fn with_both<T>(
    sessions: *mut ltms_sessions,
    gate: *mut ltms_gate,
    body: impl FnOnce(&mut Sessions<&'static mut [Session]>, &mut Gate<Lent<'static>>) -> Result<T>,
) -> Result<T> {
    // SAFETY: the same promise.
    unsafe { with_sessions(sessions, |table| with(gate, |gate| body(table, gate))) }
}

/// Bytes that a table of so many sessions needs: 4 are for a device, 64 for a node, and three
/// quarters of them for sessions that others announce. Its memory has to be aligned to 8 bytes.
///
/// Errors: LTMS_LENGTH if that is more than there can be.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_size(bytes: *mut usize, rows: usize) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let bytes = raw::out(bytes)?;
        bytes.write(size(rows)?);
        Ok(())
    })
}

/// Makes a table of `rows` sessions in memory of the caller's: `memory_len` bytes at `memory`,
/// aligned to 8 and as many as ltms_sessions_size says. It ends with its memory: there is nothing
/// to free. Use it with one Gate only.
///
/// Errors: LTMS_ALIGNMENT, LTMS_BUFFER_TOO_SMALL, LTMS_LENGTH.
/// Threads: one at a time for a memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_init(
    sessions: *mut *mut ltms_sessions,
    memory: *mut c_void,
    memory_len: usize,
    rows: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let to = raw::out(sessions)?;
        raw::out(memory.cast::<ltms_sessions>())?;
        if memory_len < size(rows)? {
            return Err(Status::BufferTooSmall);
        }
        let made = memory.cast::<ltms_sessions>();
        let first = memory.cast::<u8>().add(HEAD).cast::<Session>();
        for row in 0..rows {
            first.add(row).write(Session::VACANT);
        }
        let table = Sessions::new(slice::from_raw_parts_mut(first, rows));
        made.write(ltms_sessions {
            state: AtomicU32::new(READY),
            sessions: MaybeUninit::new(table),
        });
        to.write(made);
        Ok(())
    })
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
            let signer = crate::types::flag(step.has_signer)?.then_some(step.signer);
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
        let (from, id) = (sender(from)?, SessionId::from_bytes(*raw::array(session)?));
        let given = raw::get(step)?;
        let announced = announced(given)?;
        let step = read(given, announced.as_ref())?;
        let taken = with_both(sessions, gate, |table, gate| {
            Ok(table.step(time(now_ms), gate, from.as_ref(), &id, &step))
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
        let (from, id) = (sender(from)?, SessionId::from_bytes(*raw::array(session)?));
        let given = raw::get(step)?;
        let announced = announced(given)?;
        let step = read(given, announced.as_ref())?;
        let said = with_both(sessions, gate, |table, gate| {
            Ok(table.screen(time(now_ms), gate, from.as_ref(), &id, &step))
        })?;
        decision.write(said.into());
        Ok(())
    })
}

/// A peer's last connection is gone. What it had acknowledged and owes, it pays for.
///
/// Errors: LTMS_PEER_ID.
/// Threads: one at a time for the table and for the Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_disconnected(
    sessions: *mut ltms_sessions,
    gate: *mut ltms_gate,
    now_ms: u64,
    peer: *const ltms_peer,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let peer = PeerId::try_from(raw::get(peer)?)?;
        with_both(sessions, gate, |table, gate| {
            table.disconnected(time(now_ms), gate, &peer);
            Ok(())
        })
    })
}

/// Ends every session whose phase ran out of time. Who acknowledged it and owed something pays.
///
/// Threads: one at a time for the table and for the Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_handle_timeout(
    sessions: *mut ltms_sessions,
    gate: *mut ltms_gate,
    now_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        with_both(sessions, gate, |table, gate| {
            table.handle_timeout(time(now_ms), gate);
            Ok(())
        })
    })
}

/// When ltms_sessions_handle_timeout wants to be called next, or LTMS_NEVER.
///
/// Threads: one at a time for the table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_next_deadline(
    sessions: *mut ltms_sessions,
    deadline_ms: *mut u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let deadline = raw::out(deadline_ms)?;
        deadline.write(end(Some(with_sessions(sessions, |table| Ok(table.poll_timeout()))?)));
        Ok(())
    })
}

/// The next thing that has to be told; LTMS_SESSION_NONE if there is nothing. Ask after every other
/// call until then.
///
/// Threads: one at a time for the table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_poll_event(
    sessions: *mut ltms_sessions,
    event: *mut ltms_session_event,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let to = raw::out(event)?;
        let none = ltms_session_event {
            kind: LTMS_SESSION_NONE,
            phase: 0,
            cause: 0,
            signer: 0,
            has_signer: 0,
            reserved: [0; 3],
            session: [0; 16],
        };
        to.write(match with_sessions(sessions, |table| Ok(table.poll_event()))? {
            Some(SessionEvent::Begun(id, phase)) => ltms_session_event {
                kind: LTMS_SESSION_BEGUN,
                phase: phase.code(),
                session: *id.as_bytes(),
                ..none
            },
            Some(SessionEvent::Ended(id, end)) => ltms_session_event {
                kind: LTMS_SESSION_ENDED,
                phase: LTMS_PHASE_ENDED,
                cause: end.cause.code(),
                signer: end.signer.unwrap_or(0),
                has_signer: end.signer.is_some().into(),
                session: *id.as_bytes(),
                ..none
            },
            _ => none,
        });
        Ok(())
    })
}

/// The session of this id, 16 bytes. `info->struct_size` has to be set.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none, LTMS_STRUCT_SIZE.
/// Threads: one at a time for the table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_get(
    sessions: *mut ltms_sessions,
    info: *mut ltms_session,
    session: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(info)?;
        let id = SessionId::from_bytes(*raw::array(session)?);
        let found = with_sessions(sessions, |table| {
            table.get(&id).map(ltms_session::from).ok_or(Status::CapacityUnknown)
        })?;
        out.write(&found);
        Ok(())
    })
}

/// The identity that a signer of a session had when it joined, and its peer: zeros for none, and
/// for what is not known.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is no such session or signer.
/// Threads: one at a time for the table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_signer(
    sessions: *mut ltms_sessions,
    identity: *mut ltms_identity,
    peer: *mut ltms_peer,
    session: *const u8,
    signer: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (identity, peer) = (raw::out(identity)?, raw::out(peer)?);
        let id = SessionId::from_bytes(*raw::array(session)?);
        let (of, at) = with_sessions(sessions, |table| {
            let found = table.get(&id).ok_or(Status::CapacityUnknown)?;
            found.key(signer).ok_or(Status::CapacityUnknown)?;
            Ok((found.identity(signer).copied(), found.peer(signer).copied()))
        })?;
        identity.write(identity_or_zeros(of));
        peer.write(at.map_or(ltms_peer { len: 0, bytes: [0; 39] }, ltms_peer::from));
        Ok(())
    })
}

/// Brings back what an abort of an earlier process held until a time: a slot of `identity`, or of
/// all strangers if that is NULL. Does nothing when no row is free.
///
/// Threads: one at a time for the table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_sessions_restore_hold(
    sessions: *mut ltms_sessions,
    now_ms: u64,
    session: *const u8,
    identity: *const ltms_identity,
    until_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let id = SessionId::from_bytes(*raw::array(session)?);
        let of = if identity.is_null() { None } else { Some(raw::get(identity)?.into()) };
        let end = until(until_ms).unwrap_or(ltms_core::Timestamp::NEVER);
        with_sessions(sessions, |table| {
            table.restore_hold(time(now_ms), &id, of, end);
            Ok(())
        })
    })
}

const _: () = {
    assert!(align_of::<Session>() <= 8 && align_of::<ltms_sessions>() == 8);
    assert!(size_of::<ltms_session>() == 80);
    assert!(size_of::<ltms_session_event>() == 24);
    assert!(size_of::<usize>() != 8 || size_of::<ltms_step>() == 16);
};
