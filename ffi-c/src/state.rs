//! What outlives a restart: snapshots. And reputation, of Gates and by itself.

use ltms_core::score::{Failure, Reputation};
use ltms_core::{IdentityId, Millis, Outcome, Restored, SEAL_LEN, SessionId, SnapshotError};

use crate::gate::{ltms_gate, with};
use crate::guard::{Result, run};
use crate::held::{self, Holder};
use crate::policy::ltms_policy;
use crate::raw::{self, Growing};
use crate::status::{self, Status, ltms_status};
use crate::types::{ltms_decision, ltms_identity, time};

/// How many bytes a seal adds to a snapshot.
pub const LTMS_SEAL_LEN: usize = 48;

/// What a snapshot brought back.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_restored {
    /// sizeof(ltms_restored).
    pub struct_size: u32,
    /// Identities.
    pub identities: u32,
    /// Keys.
    pub keys: u32,
    /// Bans of peers and of address groups, with the allow-list.
    pub bans: u32,
    /// Identities that smaller tables had no room for: those of the lowest burns.
    pub dropped_identities: u32,
    /// Keys, likewise.
    pub dropped_keys: u32,
    /// Automatic bans, likewise: those that end first.
    pub dropped_bans: u32,
    /// Peers with faults, pairs of signers and windows of strangers, likewise.
    pub dropped_others: u32,
    /// The latest time that the Gate had been given. A device without a clock knows that it is
    /// later now.
    pub saved_at_ms: u64,
    /// The counter of a sealed snapshot, else 0.
    pub counter: u64,
}

// SAFETY: integers only, the first of which is the size.
unsafe impl Growing for ltms_restored {
    const FIRST: usize = 48;
    // SAFETY: as above: all zeros is a value.
    const EMPTY: Self = unsafe { core::mem::zeroed() };
}

impl From<Restored> for ltms_restored {
    fn from(restored: Restored) -> Self {
        Self {
            identities: restored.identities,
            keys: restored.keys,
            bans: restored.bans,
            dropped_identities: restored.dropped.identities,
            dropped_keys: restored.dropped.keys,
            dropped_bans: restored.dropped.bans,
            dropped_others: restored.dropped.others,
            saved_at_ms: restored.saved_at.as_millis(),
            counter: restored.counter.unwrap_or(0),
            ..Self::EMPTY
        }
    }
}

impl From<SnapshotError> for Status {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::NotEmpty => Self::SnapshotNotEmpty,
            SnapshotError::NotASnapshot => Self::SnapshotNotASnapshot,
            SnapshotError::TooNew { .. } => Self::SnapshotTooNew,
            SnapshotError::Length => Self::SnapshotLength,
            SnapshotError::Damaged => Self::SnapshotDamaged,
            SnapshotError::OtherNetwork => Self::SnapshotOtherNetwork,
            SnapshotError::OtherSeed => Self::SnapshotOtherSeed,
            SnapshotError::UnknownSection(_) => Self::SnapshotUnknownSection,
            SnapshotError::Section(_) => Self::SnapshotSection,
            SnapshotError::Record { .. } => Self::SnapshotRecord,
            SnapshotError::NoRoom(_) => Self::SnapshotNoRoom,
            SnapshotError::Seal => Self::SnapshotSeal,
            SnapshotError::Replayed { .. } => Self::SnapshotReplayed,
            _ => Self::Unlisted,
        }
    }
}

/// How many bytes ltms_gate_write_snapshot needs at present; a sealed one, LTMS_SEAL_LEN more.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_snapshot_len(
    gate: *mut ltms_gate,
    len: *mut usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let len = raw::out(len)?;
        len.write(with(gate, |gate| Ok(gate.snapshot_len()))?);
        Ok(())
    })
}

/// Writes everything that has to outlive a restart to the start of `snapshot`, which has room for
/// `capacity` bytes, and its length to `*snapshot_len`: identities, keys, bans, what is counted
/// against peers, and the chain's end. Keep it after every ban.
///
/// It can only be read with the Gate's seed, which is not in it. With a `seal_key` of 32 bytes it is
/// sealed: only who has the key can make or change it; `counter` is to grow with every snapshot.
/// NULL: no seal.
///
/// Errors: LTMS_BUFFER_TOO_SMALL.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_write_snapshot(
    gate: *mut ltms_gate,
    snapshot: *mut u8,
    capacity: usize,
    snapshot_len: *mut usize,
    seal_key: *const u8,
    counter: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(snapshot, capacity)?, raw::out(snapshot_len)?);
        let key = if seal_key.is_null() { None } else { Some(raw::array(seal_key)?) };
        len.write(with(gate, |gate| match key {
            None => Ok(gate.write_snapshot(out)?),
            Some(key) => Ok(gate.write_snapshot_sealed(key, counter, out)?),
        })?);
        Ok(())
    })
}

/// Brings back what ltms_gate_write_snapshot wrote, into a Gate that is empty: without a seal if
/// `seal_key` is NULL, otherwise with one that `seal_key` made and a counter of `at_least` or more.
/// `restored->struct_size` has to be set.
///
/// Errors: LTMS_SNAPSHOT_…; nothing has changed then. If a snapshot is lost, call ltms_gate_guard.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_restore(
    gate: *mut ltms_gate,
    restored: *mut ltms_restored,
    now_ms: u64,
    snapshot: *const u8,
    snapshot_len: usize,
    seal_key: *const u8,
    at_least: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, bytes) = (raw::out_sized(restored)?, raw::items(snapshot, snapshot_len)?);
        let key = if seal_key.is_null() { None } else { Some(raw::array(seal_key)?) };
        let restored = with(gate, |gate| match key {
            None => Ok(gate.restore(time(now_ms), bytes)?),
            Some(key) => Ok(gate.restore_sealed(time(now_ms), key, at_least, bytes)?),
        })?;
        out.write(&restored.into());
        Ok(())
    })
}

/// The session completed.
pub const LTMS_OUTCOME_COMPLETED: u8 = 0;
/// A phase it had acknowledged ran out of time.
pub const LTMS_OUTCOME_TIMEOUT: u8 = 1;
/// The connection ended in a phase it had acknowledged.
pub const LTMS_OUTCOME_DISCONNECT: u8 = 2;
/// Its own signed contribution did not verify.
pub const LTMS_OUTCOME_INVALID_SIGNATURE: u8 = 3;
/// It ended the session.
pub const LTMS_OUTCOME_ABORT: u8 = 4;

fn outcome(number: u8, response_ms: u64) -> Result<Outcome> {
    Ok(match number {
        LTMS_OUTCOME_COMPLETED => Outcome::Completed(Millis::new(response_ms)),
        LTMS_OUTCOME_TIMEOUT => Outcome::Failed(Failure::Timeout),
        LTMS_OUTCOME_DISCONNECT => Outcome::Failed(Failure::Disconnect),
        LTMS_OUTCOME_INVALID_SIGNATURE => Outcome::Failed(Failure::InvalidSignature),
        LTMS_OUTCOME_ABORT => Outcome::Failed(Failure::Abort),
        _ => return Err(Status::Value),
    })
}

/// Counts the outcome of a signing session of 16 bytes of id for `subject`. `counterparty` is the
/// identity that signed with it, or NULL for ourselves; `result` is one of the LTMS_OUTCOME
/// numbers, and `response_ms` how long a signer of a completed one took to answer.
///
/// LTMS_REASON_CLEAR if it was counted; LTMS_REASON_NOT_COUNTED, LTMS_REASON_UNKNOWN_IDENTITY.
///
/// Errors: LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_record_session(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    session: *const u8,
    subject: *const ltms_identity,
    counterparty: *const ltms_identity,
    result: u8,
    response_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let session = SessionId::from_bytes(*raw::array(session)?);
        let subject = raw::get(subject)?.into();
        let other =
            if counterparty.is_null() { IdentityId::OURS } else { raw::get(counterparty)?.into() };
        let result = outcome(result, response_ms)?;
        let given = with(gate, |gate| {
            Ok(gate.record_session(time(now_ms), &session, &subject, &other, result))
        })?;
        decision.write(given.into());
        Ok(())
    })
}

/// Counts a proven fault of an identity; `fault`, one of the LTMS_REASON numbers, says in which
/// way. The caller has checked the proof, counts each fault once and keeps the evidence.
///
/// LTMS_REASON_IDENTITY_BANNED if it is banned now, LTMS_REASON_CLEAR if not yet.
///
/// Errors: LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_record_fault(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    identity: *const ltms_identity,
    fault: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let (id, fault) = (raw::get(identity)?.into(), status::reason(fault)?);
        let given = with(gate, |gate| Ok(gate.record_fault(time(now_ms), &id, fault)))?;
        decision.write(given.into());
        Ok(())
    })
}

/// What sessions with one identity were like, by itself and without a Gate, in memory of the
/// caller's.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_reputation {
    /// For the library only.
    pub words: [u64; 8],
}

// SAFETY: nothing but words; `FITS` says that they are enough.
unsafe impl Holder for ltms_reputation {
    type Value = Reputation;
    const TAG: u64 = u64::from_be_bytes(*b"ltmsrep1");
}

/// The reputation of somebody never met.
///
/// Errors: LTMS_EMPTY for a policy that was never made.
/// Threads: one at a time for a reputation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_reputation_init(
    reputation: *mut ltms_reputation,
    policy: *const ltms_policy,
    now_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let to = raw::out(reputation)?;
        held::put(to, 0, Reputation::fresh(&held::get(policy)?.reputation, time(now_ms)));
        Ok(())
    })
}

/// Counts an outcome, as for ltms_gate_record_session.
///
/// Errors: LTMS_VALUE, LTMS_EMPTY for a reputation or policy that was never made.
/// Threads: one at a time for a reputation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_reputation_record(
    reputation: *mut ltms_reputation,
    policy: *const ltms_policy,
    now_ms: u64,
    result: u8,
    response_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let points = &held::get(policy)?.reputation;
        let reputation = held::get_mut(reputation)?;
        match outcome(result, response_ms)? {
            Outcome::Completed(response) => reputation.success(points, time(now_ms), response),
            Outcome::Failed(failure) => reputation.failure(points, time(now_ms), failure),
        }
        Ok(())
    })
}

/// The score, 0 to 100.
///
/// Errors: LTMS_EMPTY for a reputation that was never made.
/// Threads: any, while nobody records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_reputation_score(
    score: *mut u8,
    reputation: *const ltms_reputation,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let score = raw::out(score)?;
        score.write(held::get(reputation)?.score());
        Ok(())
    })
}

const _: () = {
    assert!(LTMS_SEAL_LEN == SEAL_LEN);
    assert!(size_of::<ltms_restored>() == 48);
    assert!(Failure::Timeout as u8 == LTMS_OUTCOME_TIMEOUT);
    assert!(Failure::Disconnect as u8 == LTMS_OUTCOME_DISCONNECT);
    assert!(Failure::InvalidSignature as u8 == LTMS_OUTCOME_INVALID_SIGNATURE);
    assert!(Failure::Abort as u8 == LTMS_OUTCOME_ABORT);
};
