//! Claims of burns: writing them.

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::Transaction;
use ltms_core::wire::{
    BufferTooSmall, Credit, IncludedBurn, Kind, Registration, Rotation, credit_hash, register_hash,
    rotation_hash,
};
use ltms_core::{OutPoint, PublicKey, Signature};

use crate::guard::{Result, run};
use crate::messages::{encoded, ltms_span, seal};
use crate::raw;
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_block_hash, ltms_identity, network, time};

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
