//! Recordings, played again. Not in the library for devices.

use core::ffi::c_char;
use core::fmt::Write;

use alloc::boxed::Box;
use alloc::string::String;

use ltms_core::record::{Answer, Replay, ReplayError, Step, Unreadable, record_len};

use crate::guard::{Result, run};
use crate::messages::ltms_span;
use crate::operator::ltms_subject;
use crate::raw::{self, Growing};
use crate::standing::ltms_standing;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_decision, time};

/// A Gate as it was when a recording began, and the calls that followed. Only the functions look
/// inside.
pub struct ltms_replay {
    core: Replay,
    /// What the last call was, in words.
    told: String,
}

/// A call that was replayed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_replayed {
    /// sizeof(ltms_replayed).
    pub struct_size: u32,
    /// The number of the call, as in docs/recording.md.
    pub call: u8,
    /// 1 if the answer is the recorded one.
    pub holds: u8,
    /// 1 if `decision` is the answer, else 0: it is of another kind.
    pub has_decision: u8,
    /// 1 if `recorded` was the answer.
    pub has_recorded: u8,
    /// The time that the Gate was given.
    pub now_ms: u64,
    /// What it answers now.
    pub decision: ltms_decision,
    /// What it answered when it was recorded.
    pub recorded: ltms_decision,
    /// What it was given: CBOR items in the record, one after another.
    pub arguments: ltms_span,
    /// The name of the call, such as "screen_ad": text of the library's, not ended by a zero.
    pub call_name: ltms_span,
}

// SAFETY: integers and a span, the first of which is the size.
unsafe impl Growing for ltms_replayed {
    const FIRST: usize = size_of::<Self>();
    const EMPTY: Self = Self {
        struct_size: 0,
        call: 0,
        holds: 0,
        has_decision: 0,
        has_recorded: 0,
        now_ms: 0,
        decision: ltms_decision::NONE,
        recorded: ltms_decision::NONE,
        arguments: ltms_span::NONE,
        call_name: ltms_span::NONE,
    };
}

impl From<&Step<'_>> for ltms_replayed {
    fn from(step: &Step<'_>) -> Self {
        let decision = |answer| match answer {
            Answer::Decision(decision) => (1, decision.into()),
            _ => (0, ltms_decision::NONE),
        };
        let (has_decision, decided) = decision(step.answer);
        let (has_recorded, recorded) = decision(step.recorded);
        Self {
            call: step.call.code(),
            holds: step.holds().into(),
            has_decision,
            has_recorded,
            now_ms: step.now.as_millis(),
            decision: decided,
            recorded,
            arguments: ltms_span::of(step.arguments),
            call_name: ltms_span::of_text(Some(step.call.name())),
            ..Self::EMPTY
        }
    }
}

impl From<Unreadable> for Status {
    fn from(_: Unreadable) -> Self {
        Self::RecordUnreadable
    }
}

impl From<ReplayError> for Status {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Header => Self::RecordHeader,
            ReplayError::Format(_) => Self::RecordFormat,
            ReplayError::PolicyHash => Self::RecordPolicyHash,
            ReplayError::Policy(_) => Self::PolicyInvalid,
            ReplayError::Capacity => Self::RecordCapacity,
            ReplayError::Record(error) => error.into(),
            ReplayError::Ticket(_) => Self::RecordTicket,
            _ => Self::Unlisted,
        }
    }
}

/// How many of `bytes_len` bytes of a recording the first record takes; 0 if it goes on beyond
/// them. A recording is one record after another, the header first.
///
/// Errors: LTMS_RECORD_UNREADABLE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_record_len(
    len: *mut usize,
    bytes: *const u8,
    bytes_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let len = raw::out(len)?;
        len.write(record_len(raw::items(bytes, bytes_len)?)?.unwrap_or(0));
        Ok(())
    })
}

/// Makes the Gate that the first record of a recording, `header_len` bytes, tells of: with tables
/// of up to 2^20 rows each, on the heap.
///
/// Errors: LTMS_RECORD_…, LTMS_POLICY_INVALID.
/// Ownership: the caller's, until ltms_replay_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_replay_new(
    replay: *mut *mut ltms_replay,
    header: *const u8,
    header_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let replay = raw::out(replay)?;
        let core = Replay::new(raw::items(header, header_len)?)?;
        replay.write(Box::into_raw(Box::new(ltms_replay { core, told: String::new() })));
        Ok(())
    })
}

/// Makes the call of the next record, `record_len` bytes, whatever it answered then.
/// `replayed->struct_size` has to be set; its `arguments` lead into the record.
///
/// Errors: LTMS_RECORD_UNREADABLE, LTMS_RECORD_TICKET, LTMS_STRUCT_SIZE.
/// Threads: one at a time for a replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_replay_step(
    replay: *mut ltms_replay,
    replayed: *mut ltms_replayed,
    record: *const u8,
    record_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(replayed)?;
        let record = raw::items(record, record_len)?;
        let replay = known(replay)?;
        let step = replay.core.step(record)?;
        replay.told.clear();
        // Writing to a text fails never.
        let _ = write!(replay.told, "{step}");
        out.write(&(&step).into());
        Ok(())
    })
}

/// What the last call was and answered, for people, and what it had answered if that is another
/// thing: UTF-8 without a zero at its end to the start of `text`, which has room for `capacity`
/// bytes, and its length to `*text_len`.
///
/// Errors: LTMS_BUFFER_TOO_SMALL.
/// Threads: one at a time for a replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_replay_explain(
    replay: *mut ltms_replay,
    text: *mut c_char,
    capacity: usize,
    text_len: *mut usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(text.cast(), capacity)?, raw::out(text_len)?);
        let told = known(replay)?.told.as_bytes();
        out.get_mut(..told.len()).ok_or(Status::BufferTooSmall)?.copy_from_slice(told);
        len.write(told.len());
        Ok(())
    })
}

/// As ltms_gate_standing, of the Gate as it stands after the last call.
///
/// Errors: LTMS_STRUCT_SIZE, LTMS_VALUE, LTMS_PEER_ID.
/// Threads: one at a time for a replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_replay_standing(
    replay: *mut ltms_replay,
    standing: *mut ltms_standing,
    now_ms: u64,
    subject: *const ltms_subject,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(standing)?;
        let subject = raw::get(subject)?.try_into()?;
        out.write(&known(replay)?.core.gate().standing(time(now_ms), &subject).into());
        Ok(())
    })
}

/// Ends a replay and sets `*replay` to NULL. One that is NULL already is fine.
///
/// Threads: one at a time for a replay, and none afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_replay_free(replay: *mut *mut ltms_replay) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let slot = raw::out(replay)?.assume_init_mut();
        if !slot.is_null() {
            drop(Box::from_raw(core::mem::replace(slot, core::ptr::null_mut())));
        }
        Ok(())
    })
}

/// # Safety
/// If not NULL, it has to be one of [`ltms_replay_new`] that was not freed, in nobody's use.
unsafe fn known<'a>(replay: *mut ltms_replay) -> Result<&'a mut ltms_replay> {
    // SAFETY: the same promise.
    unsafe { replay.as_mut() }.ok_or(Status::Null)
}

const _: () = assert!(size_of::<usize>() != 8 || size_of::<ltms_replayed>() == 80);
