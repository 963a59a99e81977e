//! The operator's word, and what the chain says.

use ltms_core::{BlockHeight, PeerId, Subject, Tip};

use crate::gate::{ltms_gate, with};
use crate::guard::{Result, run};
use crate::raw;
use crate::status::{self, Status, ltms_status};
use crate::types::{
    flag, ltms_block_hash, ltms_decision, ltms_identity, ltms_peer, ltms_public_key, time, until,
};

/// `peer` is meant.
pub const LTMS_SUBJECT_PEER: u8 = 1;
/// `key` is meant.
pub const LTMS_SUBJECT_KEY: u8 = 2;
/// `identity` is meant.
pub const LTMS_SUBJECT_IDENTITY: u8 = 3;
/// `group`, the tag of an address group, is meant.
pub const LTMS_SUBJECT_GROUP: u8 = 4;

/// Somebody. Only the field that `kind` names is looked at.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_subject {
    /// The tag of a narrow address group, as events have it.
    pub group: u32,
    /// One of the LTMS_SUBJECT numbers.
    pub kind: u8,
    /// A libp2p peer.
    pub peer: ltms_peer,
    /// An author key.
    pub key: ltms_public_key,
    /// An identity.
    pub identity: ltms_identity,
}

impl TryFrom<&ltms_subject> for Subject {
    type Error = Status;
    fn try_from(subject: &ltms_subject) -> Result<Self> {
        Ok(match subject.kind {
            LTMS_SUBJECT_PEER => Self::Peer((&subject.peer).try_into()?),
            LTMS_SUBJECT_KEY => Self::Key((&subject.key).into()),
            LTMS_SUBJECT_IDENTITY => Self::Identity((&subject.identity).into()),
            LTMS_SUBJECT_GROUP => Self::Group(subject.group),
            _ => return Err(Status::Value),
        })
    }
}

impl From<Subject> for ltms_subject {
    fn from(subject: Subject) -> Self {
        let none = Self {
            group: 0,
            kind: 0,
            peer: ltms_peer { len: 0, bytes: [0; 39] },
            key: ltms_public_key { bytes: [0; 33] },
            identity: ltms_identity { bytes: [0; 32] },
        };
        match subject {
            Subject::Peer(id) => Self { kind: LTMS_SUBJECT_PEER, peer: id.into(), ..none },
            Subject::Key(key) => Self { kind: LTMS_SUBJECT_KEY, key: key.into(), ..none },
            Subject::Identity(id) => {
                Self { kind: LTMS_SUBJECT_IDENTITY, identity: id.into(), ..none }
            }
            Subject::Group(group) => Self { kind: LTMS_SUBJECT_GROUP, group, ..none },
        }
    }
}

/// Bans somebody until a time, or until lifted (LTMS_NEVER); `reason` is one of the LTMS_REASON
/// numbers. A peer is to be disconnected then (LTMS_EVENT_SANCTIONED); an identity or key serves
/// nothing.
///
/// Errors: LTMS_CAPACITY_BANS when the operator's quarter of the ban table is full,
/// LTMS_CAPACITY_UNKNOWN for an identity or key without a row and for address groups, LTMS_VALUE,
/// LTMS_PEER_ID.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_ban(
    gate: *mut ltms_gate,
    now_ms: u64,
    subject: *const ltms_subject,
    until_ms: u64,
    reason: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (subject, reason) = (raw::get(subject)?.try_into()?, status::reason(reason)?);
        with(gate, |gate| Ok(gate.ban(time(now_ms), &subject, until(until_ms), reason)?))
    })
}

/// Lifts a ban, whoever made it. `*lifted` becomes 1 if there was one in force, else 0.
///
/// Errors: LTMS_VALUE, LTMS_PEER_ID.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_unban(
    gate: *mut ltms_gate,
    lifted: *mut u8,
    now_ms: u64,
    subject: *const ltms_subject,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let lifted = raw::out(lifted)?;
        let subject = raw::get(subject)?.try_into()?;
        lifted.write(with(gate, |gate| Ok(gate.unban(time(now_ms), &subject)))?.into());
        Ok(())
    })
}

/// Puts a peer on the allow-list (`allowed` 1), or takes it off (0). An allowed peer is exempt from
/// the limits of its address group and from automatic sanctions; any ban of it is lifted.
///
/// Errors: LTMS_CAPACITY_BANS when the operator's quarter of the ban table is full, LTMS_VALUE,
/// LTMS_PEER_ID.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_allow(
    gate: *mut ltms_gate,
    now_ms: u64,
    peer: *const ltms_peer,
    allowed: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (peer, allowed) = (PeerId::try_from(raw::get(peer)?)?, flag(allowed)?);
        with(gate, |gate| Ok(gate.allow(time(now_ms), &peer, allowed)?))
    })
}

/// Pins an identity (`pinned` 1), so that its row never leaves a full table, or takes that back
/// (0). `*known` becomes 1 if there is such an identity, else 0.
///
/// Errors: LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_pin(
    gate: *mut ltms_gate,
    known: *mut u8,
    now_ms: u64,
    identity: *const ltms_identity,
    pinned: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let known = raw::out(known)?;
        let (id, pinned) = (raw::get(identity)?.into(), flag(pinned)?);
        known.write(with(gate, |gate| Ok(gate.pin(time(now_ms), &id, pinned)))?.into());
        Ok(())
    })
}

/// The bans of the past cannot be known, as when a snapshot is lost: strangers keep one eighth of
/// their cells for as long as this Gate lives (LTMS_POSTURE_GUARDED).
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_guard(gate: *mut ltms_gate, now_ms: u64) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        with(gate, |gate| {
            gate.guard(time(now_ms));
            Ok(())
        })
    })
}

/// Tells the chain's end. `fork_height` is the last block that the old and the new chain share:
/// identities burned above it are suspended until their burn is proved again.
///
/// LTMS_REASON_CHAIN_SUSPECT: the chain stepped back further than it should, and nothing changed.
/// Ask another source, and call ltms_gate_confirm_tip if it says the same.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_set_tip(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    height: u32,
    hash: *const ltms_block_hash,
    fork_height: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let tip = Tip { height: BlockHeight::new(height), hash: raw::get(hash)?.into() };
        let fork = BlockHeight::new(fork_height);
        decision.write(with(gate, |gate| Ok(gate.set_tip(time(now_ms), tip, fork)))?.into());
        Ok(())
    })
}

/// Like ltms_gate_set_tip, without doubt: a second source or the operator says the same.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_confirm_tip(
    gate: *mut ltms_gate,
    now_ms: u64,
    height: u32,
    hash: *const ltms_block_hash,
    fork_height: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let tip = Tip { height: BlockHeight::new(height), hash: raw::get(hash)?.into() };
        with(gate, |gate| {
            gate.confirm_tip(time(now_ms), tip, BlockHeight::new(fork_height));
            Ok(())
        })
    })
}

const _: () = {
    assert!(size_of::<ltms_subject>() == 112);
    assert!(core::mem::offset_of!(ltms_subject, peer) == 5);
    assert!(core::mem::offset_of!(ltms_subject, key) == 45);
    assert!(core::mem::offset_of!(ltms_subject, identity) == 78);
};
