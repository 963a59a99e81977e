//! Lists of bans, and of who is exempt from them.

use ltms_core::{Ban, Timestamp};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::operator::ltms_subject;
use crate::raw;
use crate::status::ltms_status;
use crate::types::{end, ltms_peer, page, time};

/// A ban that is in force, or a sanction that waits to be one.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_ban {
    /// Its end, or LTMS_NEVER; of one that is held, when it comes into force.
    pub until_ms: u64,
    /// When it began; 0 where nobody noted that.
    pub since_ms: u64,
    /// When the first ban of this peer began; 0 where nobody noted that.
    pub first_ms: u64,
    /// Whose.
    pub subject: ltms_subject,
    /// The first eight bytes of the SHA-256 of what it is for; zeros where that is not known.
    pub evidence: [u8; 8],
    /// What it is for: one of the LTMS_REASON numbers.
    pub reason: u8,
    /// 1 if the operator made it.
    pub by_operator: u8,
    /// 1 if it waits, and may never come into force.
    pub held: u8,
    /// Zeros.
    pub reserved: [u8; 5],
}

impl From<Ban> for ltms_ban {
    fn from(ban: Ban) -> Self {
        let at = |time: Option<Timestamp>| time.map_or(0, |time| end(Some(time)));
        Self {
            until_ms: end(ban.until),
            since_ms: at(ban.since),
            first_ms: at(ban.first),
            subject: ban.subject.into(),
            evidence: ban.evidence.unwrap_or_default(),
            reason: ban.reason.code(),
            by_operator: ban.by_operator.into(),
            held: ban.held.into(),
            reserved: [0; 5],
        }
    }
}

/// The bans of peers, identities, keys and address groups that are in force, all but the first
/// `skip` of them: as many as fit into `capacity`, and how many those are to `*count`. A page that
/// is not full is the last. Bans that begin or end between two pages may be met twice, or not.
///
/// Threads: one at a time for a Gate. Passes over the tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_bans(
    gate: *mut ltms_gate,
    bans: *mut ltms_ban,
    capacity: usize,
    count: *mut usize,
    now_ms: u64,
    skip: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (room, count) = (raw::room(bans, capacity)?, raw::out(count)?);
        let listed = with(gate, |gate| Ok(page(room, gate.bans(time(now_ms)).skip(skip))))?;
        count.write(listed);
        Ok(())
    })
}

/// The sanctions for window violations that the breaker holds back, in pages as ltms_gate_bans.
/// ltms_gate_unban lifts them, too.
///
/// Threads: one at a time for a Gate. Passes over the peer table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_held_bans(
    gate: *mut ltms_gate,
    bans: *mut ltms_ban,
    capacity: usize,
    count: *mut usize,
    skip: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (room, count) = (raw::room(bans, capacity)?, raw::out(count)?);
        count.write(with(gate, |gate| Ok(page(room, gate.held_bans().skip(skip))))?);
        Ok(())
    })
}

/// The peers on the allow-list, in pages as ltms_gate_bans.
///
/// Threads: one at a time for a Gate. Passes over the ban table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_allowed(
    gate: *mut ltms_gate,
    peers: *mut ltms_peer,
    capacity: usize,
    count: *mut usize,
    skip: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (room, count) = (raw::room(peers, capacity)?, raw::out(count)?);
        count.write(with(gate, |gate| Ok(page(room, gate.allowed().skip(skip))))?);
        Ok(())
    })
}

const _: () = {
    assert!(size_of::<ltms_ban>() == 152);
    assert!(core::mem::offset_of!(ltms_ban, subject) == 24);
    assert!(core::mem::offset_of!(ltms_ban, evidence) == 136);
};
