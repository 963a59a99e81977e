//! Lotus Schnorr signatures.

use ltms_core::schnorr::{self, Item, Scratch, SecretKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::guard::{Result, run};
use crate::raw;
#[cfg(feature = "std")]
use crate::status::Status;
use crate::status::ltms_status;
use crate::types::{ltms_public_key, ltms_signature};

/// Whether `signature` is the one of the 32 bytes at `hash` by `key`: `*valid` becomes 1 or 0. A
/// key off the curve has no signatures.
///
/// Errors: none of its own.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_schnorr_verify(
    valid: *mut u8,
    key: *const ltms_public_key,
    hash: *const u8,
    signature: *const ltms_signature,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let valid = raw::out(valid)?;
        let (key, hash, signature) = (raw::get(key)?, raw::array(hash)?, raw::get(signature)?);
        valid.write(schnorr::verify(&key.into(), hash, &signature.into()).into());
        Ok(())
    })
}

/// A signature to check.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_signed {
    /// Whose signature it is said to be.
    pub key: ltms_public_key,
    /// What is signed.
    pub hash: [u8; 32],
    /// The signature.
    pub signature: ltms_signature,
}

/// How many signatures ltms_schnorr_verify_batch sums at once.
const BATCH: usize = if cfg!(feature = "std") { 64 } else { 1 };

/// Checks `count` signatures together, for about 0.7 of what they cost one by one: `valid[i]`
/// becomes 1 or 0 for `items[i]`. The answers are those of ltms_schnorr_verify.
///
/// `seed` is 32 bytes from the system's randomness that no signer knows; it may be used again.
/// The library for devices has no memory for batches and checks one by one.
///
/// Errors: LTMS_OUT_OF_MEMORY.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_schnorr_verify_batch(
    valid: *mut u8,
    items: *const ltms_signed,
    count: usize,
    seed: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (valid, items) = (raw::buffer(valid, count)?, raw::items(items, count)?);
        let seed = raw::array(seed)?;
        with_scratch(|scratch| {
            for (items, valid) in items.chunks(BATCH).zip(valid.chunks_mut(BATCH)) {
                verify_some(items, seed, scratch, valid);
            }
        })
    })
}

#[cfg(feature = "std")]
fn with_scratch(body: impl FnOnce(&mut [Scratch])) -> Result {
    let mut scratch = alloc::vec::Vec::new();
    scratch.try_reserve_exact(BATCH).map_err(|_| Status::OutOfMemory)?;
    scratch.resize(BATCH, Scratch::ZERO);
    body(&mut scratch);
    Ok(())
}

#[cfg(not(feature = "std"))]
fn with_scratch(body: impl FnOnce(&mut [Scratch])) -> Result {
    body(&mut []);
    Ok(())
}

/// At most [`BATCH`] of them. Keys off the curve go into no batch.
fn verify_some(signed: &[ltms_signed], seed: &[u8; 32], scratch: &mut [Scratch], valid: &mut [u8]) {
    let item = |signed: &ltms_signed| {
        let key = VerifyingKey::parse(&(&signed.key).into()).ok()?;
        Some(Item { key, hash: signed.hash, signature: (&signed.signature).into() })
    };
    let mut items = ltms_core::List::<Item, BATCH>::new();
    for (signed, valid) in signed.iter().zip(valid.iter_mut()) {
        // For now: whether it is in the batch.
        *valid = item(signed).is_some_and(|item| items.push(item).is_ok()).into();
    }
    let mut results = [false; BATCH];
    let Some(results) = results.get_mut(..items.len()) else { return };
    schnorr::verify_batch(&items, seed, scratch, results);
    let asked = valid.iter_mut().filter(|valid| **valid == 1);
    asked.zip(results).for_each(|(valid, result)| *valid = (*result).into());
}

/// Signs the 32 bytes at `hash` with the 32 bytes of a secret key. Equal input gives equal
/// signatures. The library keeps no copy of the key.
///
/// Errors: LTMS_KEY_OUT_OF_RANGE for a key that is zero or not below the group order.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_schnorr_sign(
    signature: *mut ltms_signature,
    secret_key: *const u8,
    hash: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let signature = raw::out(signature)?;
        let hash = raw::array(hash)?;
        signature.write(secret(secret_key)?.sign(hash).into());
        Ok(())
    })
}

/// The public key of the 32 bytes of a secret key.
///
/// Errors: LTMS_KEY_OUT_OF_RANGE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_public_key_of(
    key: *mut ltms_public_key,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let key = raw::out(key)?;
        key.write(secret(secret_key)?.public_key().into());
        Ok(())
    })
}

/// A secret key, of which no copy is left.
///
/// # Safety
/// As for [`raw::array`].
pub(crate) unsafe fn secret(bytes: *const u8) -> Result<SecretKey> {
    // SAFETY: the same promise.
    let bytes = Zeroizing::new(*unsafe { raw::array::<32>(bytes) }?);
    Ok(SecretKey::from_bytes(&bytes)?)
}

const _: () = assert!(size_of::<ltms_signed>() == 129);
