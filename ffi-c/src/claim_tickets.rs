//! A claim's way through a Gate: its signatures, its block, the verdict.

use ltms_core::chain::Header;
use ltms_core::wire::BurnClaim;
use ltms_core::{BlockEvidence, ClaimTicket, EvidenceClass, LookupTicket, Screening, Source};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::held::{self, Holder};
use crate::raw;
use crate::schnorr::ltms_signed;
use crate::status::{Status, ltms_status};
use crate::types::{
    flag, ltms_block_hash, ltms_decision, ltms_identity, ltms_source, pick, signature_check, time,
};

/// A claim that lacks the check of its signatures, in memory of the caller's. It belongs to the
/// Gate that gave it, is used up by ltms_gate_settle_claim, and may be dropped.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_claim_ticket {
    /// For the library only.
    pub words: [u64; 112],
}

// SAFETY: nothing but words; `FITS` says that they are enough.
unsafe impl Holder for ltms_claim_ticket {
    type Value = ClaimTicket;
    const TAG: u64 = u64::from_be_bytes(*b"ltmsclt1");
}

/// A claim whose signatures hold and that lacks its block, in memory of the caller's. It belongs to
/// the Gate that gave it, is used up by ltms_gate_settle_burn, and may be dropped.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_lookup_ticket {
    /// For the library only.
    pub words: [u64; 80],
}

// SAFETY: nothing but words; `FITS` says that they are enough.
unsafe impl Holder for ltms_lookup_ticket {
    type Value = LookupTicket;
    const TAG: u64 = u64::from_be_bytes(*b"ltmslkt1");
}

/// Reads the claim of a burn: transaction, output, script, amount, identity. Asks nobody.
///
/// If `decision->reason` is LTMS_REASON_UNJUDGED afterwards, check the signatures of `*ticket` and
/// call ltms_gate_settle_claim; otherwise that is the decision, and there is no ticket.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_screen_claim(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    ticket: *mut ltms_claim_ticket,
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
            Ok(match BurnClaim::read(envelope) {
                Ok((claim, signature)) => gate.screen_claim(now, &source, &claim, signature),
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
pub unsafe extern "C" fn ltms_claim_ticket_verify(
    check: *mut u8,
    ticket: *const ltms_claim_ticket,
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
pub unsafe extern "C" fn ltms_claim_ticket_signatures(
    items: *mut ltms_signed,
    count: *mut usize,
    ticket: *const ltms_claim_ticket,
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

/// What follows for a ticket from the checks of its signatures: `valid[i]` is 1 if the one of that
/// index, as ltms_claim_ticket_signatures gives them, holds, and 0 if not. `*check` becomes one of
/// the LTMS_SIGNATURE numbers.
///
/// Errors: LTMS_LENGTH if `count` is not how many there are, LTMS_VALUE for another number,
/// LTMS_EMPTY for a ticket that was never given, or was used up.
/// Threads: any, one at a time for a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_claim_ticket_check(
    check: *mut u8,
    ticket: *const ltms_claim_ticket,
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

/// Goes on from the claim's signatures to its block. Uses `*ticket` up. If `decision->reason` is
/// LTMS_REASON_UNJUDGED afterwards, `*lookup` says which block header is wanted
/// (ltms_lookup_ticket_block); otherwise that is the decision.
///
/// Errors: LTMS_EMPTY for a ticket that was never given, or was used up; LTMS_OTHER_GATE;
/// LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_settle_claim(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    lookup: *mut ltms_lookup_ticket,
    now_ms: u64,
    ticket: *mut ltms_claim_ticket,
    check: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (decision, lookup) = (raw::out(decision)?, raw::out(lookup)?);
        let check = signature_check(check)?;
        let settled = with(gate, |inner| {
            let ticket = held::take(ticket, gate.addr())?;
            Ok(inner.settle_claim(time(now_ms), ticket, check))
        })?;
        decision.write(held::screened(lookup, gate.addr(), settled));
        Ok(())
    })
}

/// Which block's header is wanted, and whose burn it is.
///
/// Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
/// Threads: any, one at a time for a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_lookup_ticket_block(
    block: *mut ltms_block_hash,
    identity: *mut ltms_identity,
    lookup: *const ltms_lookup_ticket,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (block, identity) = (raw::out(block)?, raw::out(identity)?);
        let ticket = held::get(lookup)?;
        block.write((*ticket.block()).into());
        identity.write((*ticket.identity()).into());
        Ok(())
    })
}

/// Takes the tokens of one look-up of a header that is not known yet, before somebody is asked for
/// it. LTMS_REASON_CLEAR: ask. LTMS_REASON_HEADER_BUDGET: not before `retry_at_ms`.
///
/// Errors: LTMS_EMPTY for a ticket that was never given, or was used up.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_charge_lookup(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    lookup: *const ltms_lookup_ticket,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let ticket = held::get(lookup)?;
        let charged = with(gate, |gate| Ok(gate.charge_lookup(time(now_ms), ticket)))?;
        decision.write(charged.err().unwrap_or(ltms_core::Reason::Clear.into()).into());
        Ok(())
    })
}

/// The verdict on a claim: LTMS_REASON_NEW if it was accepted. `header` is the 160 bytes of the
/// block's header, if a source has it in its active chain, else NULL; `evidence` says how well that
/// is known, by one of the LTMS_EVIDENCE numbers. Uses the ticket up.
///
/// Errors: LTMS_HEADER_… for a header that is none, LTMS_EMPTY for a ticket that was never given,
/// or was used up; LTMS_OTHER_GATE; LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_settle_burn(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    lookup: *mut ltms_lookup_ticket,
    header: *const u8,
    evidence: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let classes = [
            EvidenceClass::Weak,
            EvidenceClass::Anchored,
            EvidenceClass::Indexer,
            EvidenceClass::Node,
        ];
        let class = pick(evidence, &classes)?;
        let header = if header.is_null() {
            None
        } else {
            Some(Header::parse(raw::array::<{ Header::LEN }>(header)?)?)
        };
        let found = header.as_ref().map(|header| BlockEvidence { header, class });
        let given = with(gate, |inner| {
            let ticket = held::take(lookup, gate.addr())?;
            Ok(inner.settle_burn(time(now_ms), ticket, found.as_ref()))
        })?;
        decision.write(given.into());
        Ok(())
    })
}
