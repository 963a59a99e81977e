//! Connections, and the frames that come over them.

use ltms_core::Source;

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::raw;
use crate::status::{self, ltms_status};
use crate::types::{
    address, frame_kind, ltms_connection, ltms_decision, ltms_peer, ltms_source, time,
};

/// Whether a connection may be opened or kept: bans, then how many there are already. Ask before
/// ltms_gate_connected.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE for an address or direction that is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_screen_connection(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    connection: *const ltms_connection,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let connection = raw::get(connection)?.try_into()?;
        let given = with(gate, |gate| Ok(gate.screen_connection(time(now_ms), &connection)))?;
        decision.write(given.into());
        Ok(())
    })
}

/// Notes that a connection was established.
///
/// Errors: LTMS_CAPACITY_PEERS if every row belongs to a connected peer: close the connection then.
/// LTMS_PEER_ID, LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_connected(
    gate: *mut ltms_gate,
    now_ms: u64,
    connection: *const ltms_connection,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let connection = raw::get(connection)?.try_into()?;
        with(gate, |gate| Ok(gate.connected(time(now_ms), &connection)?))
    })
}

/// Notes that a connection of this peer ended.
///
/// Errors: LTMS_PEER_ID.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_disconnected(
    gate: *mut ltms_gate,
    now_ms: u64,
    peer: *const ltms_peer,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let peer = raw::get(peer)?.try_into()?;
        with(gate, |gate| {
            gate.disconnected(time(now_ms), &peer);
            Ok(())
        })
    })
}

/// Whether the narrow group of an address is banned, so that strangers from it have to prove an
/// identity: `*banned` becomes 1 or 0. The address has 4 or 16 bytes; `address` has room for 16.
///
/// Errors: LTMS_VALUE for another length.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_is_group_banned(
    gate: *mut ltms_gate,
    banned: *mut u8,
    now_ms: u64,
    address_bytes: *const u8,
    address_len: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let banned = raw::out(banned)?;
        let mut bytes = [0; 16];
        let given = raw::items(address_bytes, usize::from(address_len))?;
        bytes.iter_mut().zip(given).for_each(|(to, byte)| *to = *byte);
        let ip = address(&bytes, address_len)?.ok_or(status::Status::Value)?;
        banned.write(with(gate, |gate| Ok(gate.is_group_banned(time(now_ms), ip)))?.into());
        Ok(())
    })
}

/// Charges a connection for a frame of `len` bytes, before it is decoded: its sanction, the frame's
/// size, the connection's window. `kind` is one of the LTMS_FRAME numbers.
///
/// A gossip message over the window is still to be processed (LTMS_REASON_THROTTLE), but nothing
/// more is to be read from that connection until `retry_at_ms`.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_screen_frame(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    source: *const ltms_source,
    kind: u8,
    len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let source = Source::try_from(raw::get(source)?)?;
        let kind = frame_kind(kind)?;
        let given = with(gate, |gate| Ok(gate.screen_frame(time(now_ms), &source, kind, len)))?;
        decision.write(given.into());
        Ok(())
    })
}

/// Charges the connection for bytes that the caller could not read, as the LTMS_REASON number
/// `reason` says: LTMS_REASON_MALFORMED and the like. Reasons that are nobody's fault cost nothing.
/// The functions that are given whole messages do this themselves.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE for a number that is no reason.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_malformed(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    source: *const ltms_source,
    reason: u8,
    frame: *const u8,
    frame_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let source = Source::try_from(raw::get(source)?)?;
        let (reason, frame) = (status::reason(reason)?, raw::items(frame, frame_len)?);
        let given = with(gate, |gate| Ok(gate.malformed(time(now_ms), &source, reason, frame)))?;
        decision.write(given.into());
        Ok(())
    })
}
