//! Claims of burns, and proof that a connection belongs to an identity.

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::Header;
use ltms_core::chain::Transaction;
use ltms_core::wire::{
    BufferTooSmall, BurnClaim, Credit, Envelope, Hello, IncludedBurn, Kind, Registration, Rotation,
    WireError, credit_hash, register_hash, rotation_hash,
};
use ltms_core::{
    BlockEvidence, ClaimTicket, EvidenceClass, LookupTicket, Network, OutPoint, Proof, PublicKey,
    Screening, Signature, Source,
};

use crate::gate::{ltms_gate, with};
use crate::guard::{Result, run};
use crate::held::{self, Holder};
use crate::messages::{encoded, ltms_span, seal};
use crate::raw;
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{
    ltms_block_hash, ltms_decision, ltms_identity, ltms_peer, ltms_source, network, pick,
    signature_check, time,
};

/// An output that burned, and the way from it to a block.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_burn {
    /// The whole raw transaction.
    pub transaction: ltms_span,
    /// The hashes from the transaction to the block's root, 32 bytes each, the leaf's sibling
    /// first; `len` is in bytes.
    pub branch: ltms_span,
    /// The position of the transaction in the block.
    pub position: u32,
    /// The block.
    pub block: ltms_block_hash,
    /// The index of the output.
    pub vout: u8,
}

/// A burn with what its transaction says of it.
struct Burned<'a> {
    burn: IncludedBurn<'a>,
    outpoint: OutPoint,
    key: PublicKey,
    purpose: Option<Purpose>,
}

impl ltms_burn {
    /// # Safety
    /// The contract at the top of the header, for what the spans lead to.
    unsafe fn read<'a>(self) -> Result<Burned<'a>> {
        // SAFETY: the same promise.
        let (transaction, branch) = unsafe { (self.transaction.bytes()?, self.branch.bytes()?) };
        let (branch, []) = branch.as_chunks() else { return Err(Status::Length) };
        let tx = Transaction::parse(transaction)?;
        let output = tx.output(self.vout.into()).ok_or(Status::ProofNoOutput)?;
        let script =
            BurnScript::parse(output.script).map_err(|error| Status::from(error.kind()))?;
        let (block, position) = ((&self.block).into(), self.position);
        Ok(Burned {
            burn: IncludedBurn { transaction, vout: self.vout, block, position, branch },
            outpoint: OutPoint { txid: tx.txid(), vout: self.vout.into() },
            key: script.public_key,
            purpose: script.purpose.map(|(purpose, _)| purpose),
        })
    }
}

/// Writes a claim as an envelope.
fn write_claim(
    out: &mut [u8],
    kind: Kind,
    encode: impl FnOnce(&mut [u8]) -> core::result::Result<usize, BufferTooSmall>,
    sign: impl FnOnce() -> Result<Signature>,
) -> Result<usize> {
    #[cfg(feature = "std")]
    let mut room = alloc::vec![0; ltms_core::size::ENVELOPE];
    #[cfg(not(feature = "std"))]
    let mut room = [0; DEVICE_CLAIM];
    seal(out, kind, encoded(&mut room, encode)?, sign()?)
}

/// Bytes of the longest claim's body that the library for devices writes: on its stack.
#[cfg(not(feature = "std"))]
const DEVICE_CLAIM: usize = 2_048;

/// Claims a new identity: writes the envelope of a registration, signed with the secret of the key
/// in the burn's script. As for ltms_ad_sign. The library for devices writes claims of at most
/// 2,048 bytes.
///
/// Errors: LTMS_TX_…, LTMS_SCRIPT_…, LTMS_PROOF_NO_OUTPUT, LTMS_KEY_OTHER, LTMS_KEY_OUT_OF_RANGE,
/// LTMS_LENGTH for a branch that is not of whole hashes, LTMS_VALUE, LTMS_BUFFER_TOO_SMALL.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_registration_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    burn: *const ltms_burn,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let (given, network) = (raw::get(burn)?.read()?, network(network_number)?);
        let claim = Registration { burn: given.burn };
        let sign = || {
            let hash = register_hash(network, &given.outpoint, &given.key);
            sign_as(&given.key, secret_key, &hash)
        };
        len.write(write_claim(out, Kind::Registration, |body| claim.encode(body), sign)?);
        Ok(())
    })
}

/// Claims a new current key: writes the envelope of a rotation. The new key is the one in the
/// burn's script; both keys sign. `sequence` is which of the identity's rotations it is, from 1 on.
///
/// Errors: as for ltms_registration_sign.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_rotation_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    burn: *const ltms_burn,
    identity: *const ltms_identity,
    sequence: u64,
    created_at_ms: u64,
    network_number: u8,
    old_secret_key: *const u8,
    new_secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let (given, network) = (raw::get(burn)?.read()?, network(network_number)?);
        let (identity, created_at) = (raw::get(identity)?.into(), time(created_at_ms));
        let old = secret(old_secret_key)?;
        let (from, to) = (old.public_key(), &given.key);
        let hash =
            rotation_hash(network, &identity, sequence, &from, to, &given.outpoint, created_at);
        let new_key_signature = sign_as(to, new_secret_key, &hash)?;
        let claim =
            Rotation { burn: given.burn, identity, sequence, created_at, new_key_signature };
        let sign = || Ok(old.sign(&hash));
        len.write(write_claim(out, Kind::Rotation, |body| claim.encode(body), sign)?);
        Ok(())
    })
}

/// Claims what else a burn is for: writes the envelope of a credit, signed with the secret of the
/// identity's current key under rotation `sequence`.
///
/// Errors: as for ltms_registration_sign; LTMS_SCRIPT_UNKNOWN_PURPOSE for a burn without a purpose.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_credit_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    burn: *const ltms_burn,
    identity: *const ltms_identity,
    sequence: u64,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let (given, network) = (raw::get(burn)?.read()?, network(network_number)?);
        let identity = raw::get(identity)?.into();
        let purpose = given.purpose.ok_or(Status::ScriptUnknownPurpose)?;
        let (outpoint, key) = (&given.outpoint, &given.key);
        let hash = credit_hash(network, &identity, purpose, outpoint, key, sequence);
        let claim = Credit { burn: given.burn, identity, sequence };
        let sign = || Ok(secret(secret_key)?.sign(&hash));
        len.write(write_claim(out, Kind::Credit, |body| claim.encode(body), sign)?);
        Ok(())
    })
}

/// Signs with the secret of a key that is known.
unsafe fn sign_as(key: &PublicKey, secret_key: *const u8, hash: &[u8; 32]) -> Result<Signature> {
    // SAFETY: the caller's promise.
    let secret = unsafe { secret(secret_key) }?;
    if secret.public_key() == *key { Ok(secret.sign(hash)) } else { Err(Status::KeyOther) }
}

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

/// Whether the connection of `source` belongs to the identity that its answer names: an envelope
/// of ltms_hello_sign. `verifier` is our own peer id, `challenge` the 32 bytes that we asked on this
/// connection; each is good for one answer. LTMS_REASON_CLEAR: the connection has the identity's
/// benefits until it ends.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_prove_identity(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    source: *const ltms_source,
    verifier: *const ltms_peer,
    challenge: *const u8,
    envelope: *const u8,
    envelope_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let source = Source::try_from(raw::get(source)?)?;
        let verifier = raw::get(verifier)?.try_into()?;
        let challenge = raw::array(challenge)?;
        let envelope = raw::items(envelope, envelope_len)?;
        let given = with(gate, |gate| {
            Ok(match read_hello(envelope) {
                Ok((hello, signature)) => {
                    let proof = Proof { verifier: &verifier, challenge, hello: &hello, signature };
                    gate.prove_identity(time(now_ms), &source, &proof)
                }
                Err(error) => gate.malformed(time(now_ms), &source, error.reason(), envelope),
            })
        })?;
        decision.write(given.into());
        Ok(())
    })
}

fn read_hello(envelope: &[u8]) -> core::result::Result<(Hello, Signature), WireError> {
    let Envelope { kind, body, signature } = Envelope::decode(envelope)?;
    if kind == Kind::Hello {
        Ok((Hello::decode(body)?, signature))
    } else {
        Err(WireError::WrongKind)
    }
}

const _: () = assert!(Network::Main as u8 == crate::types::LTMS_NETWORK_MAIN);
