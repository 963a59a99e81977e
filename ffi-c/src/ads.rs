//! Advertisements and withdrawals.

use ltms_core::wire::AdHeader;
use ltms_core::{AdTicket, Screening, SignatureCheck, Signed, Source};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::held::{self, Holder};
use crate::raw;
use crate::schnorr::ltms_signed;
use crate::status::{Status, ltms_status};
use crate::types::{flag, ltms_decision, ltms_source, signature_check, time};

/// An advertisement that only lacks the check of its signatures, in memory of the caller's. It
/// belongs to the Gate that gave it, is used up by ltms_gate_settle_ad, and may be dropped.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_ad_ticket {
    /// For the library only.
    pub words: [u64; 80],
}

// SAFETY: nothing but words; `FITS` says that they are enough.
unsafe impl Holder for ltms_ad_ticket {
    type Value = AdTicket;
    const TAG: u64 = u64::from_be_bytes(*b"ltmsadt1");
}

/// The one-call way: reads an envelope of `envelope_len` bytes, screens it, checks its signatures
/// and settles it.
///
/// A direct frame is to pass ltms_gate_screen_frame before.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
/// Threads: one at a time for a Gate. Takes a millisecond for a signature at most; to check
/// signatures on other threads, use a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_admit_ad(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    source: *const ltms_source,
    envelope: *const u8,
    envelope_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let source = Source::try_from(raw::get(source)?)?;
        let envelope = raw::items(envelope, envelope_len)?;
        let given = with(gate, |gate| Ok(gate.admit_ad(time(now_ms), &source, envelope)))?;
        decision.write(given.into());
        Ok(())
    })
}

/// All checks of an envelope that are cheaper than its signatures.
///
/// If `decision->reason` is LTMS_REASON_UNJUDGED afterwards, check the signatures of `*ticket`
/// (ltms_ad_ticket_verify, or in batches) and call ltms_gate_settle_ad; otherwise that is the
/// decision, and there is no ticket. LTMS_REASON_SIGNATURE_BUDGET and LTMS_REASON_NODE_BUSY mean:
/// hold the message and screen it again at `retry_at_ms`, for up to 4 seconds.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_screen_ad(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    ticket: *mut ltms_ad_ticket,
    now_ms: u64,
    source: *const ltms_source,
    envelope: *const u8,
    envelope_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (decision, ticket) = (raw::out(decision)?, raw::out(ticket)?);
        let source = Source::try_from(raw::get(source)?)?;
        let envelope = raw::items(envelope, envelope_len)?;
        let screened = with(gate, |gate| {
            let now = time(now_ms);
            Ok(match AdHeader::read(gate.policy().network, envelope) {
                Ok(header) => gate.screen_ad(now, &source, &header),
                Err(error) => {
                    Screening::Done(gate.malformed(now, &source, error.reason(), envelope))
                }
            })
        })?;
        decision.write(held::screened(ticket, gate.addr(), screened));
        Ok(())
    })
}

/// Checks the signatures of a ticket one by one: `*check` becomes one of the LTMS_SIGNATURE
/// numbers.
///
/// Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
/// Threads: any, one at a time for a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_ad_ticket_verify(
    check: *mut u8,
    ticket: *const ltms_ad_ticket,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let check = raw::out(check)?;
        check.write(held::get(ticket)?.verify() as u8);
        Ok(())
    })
}

/// The signatures of a ticket, for batches: writes at most two to `items` and how many they are to
/// `*count`.
///
/// Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
/// Threads: any, one at a time for a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_ad_ticket_signatures(
    items: *mut ltms_signed,
    count: *mut usize,
    ticket: *const ltms_ad_ticket,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (items, count) = (raw::room(items, 2)?, raw::out(count)?);
        let signatures = held::get(ticket)?.signatures();
        let written = items.iter_mut().zip(signatures).map(|(to, signed)| to.write(signed.into()));
        count.write(written.count());
        Ok(())
    })
}

impl From<&Signed> for ltms_signed {
    fn from(signed: &Signed) -> Self {
        Self { key: signed.key.into(), hash: signed.hash, signature: signed.signature.into() }
    }
}

/// What follows for a ticket from the checks of its signatures: `valid[i]` is 1 if the one of that
/// index, as ltms_ad_ticket_signatures gives them, holds, and 0 if not. `*check` becomes one of the
/// LTMS_SIGNATURE numbers.
///
/// Errors: LTMS_LENGTH if `count` is not how many there are, LTMS_VALUE for another number,
/// LTMS_EMPTY for a ticket that was never given, or was used up.
/// Threads: any, one at a time for a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_ad_ticket_check(
    check: *mut u8,
    ticket: *const ltms_ad_ticket,
    valid: *const u8,
    count: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let check = raw::out(check)?;
        let (ticket, valid) = (held::get(ticket)?, raw::items(valid, count)?);
        if ticket.signatures().count() != count {
            return Err(Status::Length);
        }
        valid.iter().try_for_each(|number| flag(*number).map(drop))?;
        let mut valid = valid.iter();
        check.write(ticket.check(|_| valid.next() == Some(&1)) as u8);
        Ok(())
    })
}

/// The verdict, once the signatures were checked; `check` is one of the LTMS_SIGNATURE numbers.
/// Everything is judged again, because another copy may have won meanwhile. Uses the ticket up.
///
/// Errors: LTMS_EMPTY for a ticket that was never given, or was used up; LTMS_OTHER_GATE for one of
/// another Gate; LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_settle_ad(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    ticket: *mut ltms_ad_ticket,
    check: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let check = signature_check(check)?;
        let given = with(gate, |inner| {
            let ticket = held::take(ticket, gate.addr())?;
            Ok(inner.settle_ad(time(now_ms), ticket, check))
        })?;
        decision.write(given.into());
        Ok(())
    })
}

const _: () = {
    assert!(SignatureCheck::Valid as u8 == crate::types::LTMS_SIGNATURE_VALID);
    assert!(SignatureCheck::Invalid as u8 == crate::types::LTMS_SIGNATURE_INVALID);
    assert!(SignatureCheck::NotDelegated as u8 == crate::types::LTMS_SIGNATURE_NOT_DELEGATED);
};
