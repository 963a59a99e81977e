//! Lotus Schnorr signatures.

use ltms_core::schnorr::{self, Item, SecretKey, VerifyingKey};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySequence};
use zeroize::Zeroizing;

use crate::convert::{Hash, Key, Sig, SignedTuple, fixed};
use crate::errors::{InvalidKeyError, input};

/// Bytes of the system's randomness.
pub(crate) fn random<const N: usize>() -> PyResult<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(input)?;
    Ok(bytes)
}

pub(crate) fn secret_key(bytes: &[u8]) -> PyResult<SecretKey> {
    let bytes = Zeroizing::new(fixed(bytes, "a private key")?);
    SecretKey::from_bytes(&bytes).map_err(|error| InvalidKeyError::new_err(error.to_string()))
}

/// The compressed public key, 33 bytes, of a private key of 32 bytes, the number with its leading
/// byte first.
///
/// Raises InvalidKeyError for zero and for numbers not below the order of the group.
#[pyfunction]
pub(crate) fn public_key<'py>(
    py: Python<'py>,
    private_key: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, secret_key(private_key)?.public_key().as_bytes()))
}

/// Signs a hash: 64 bytes. Equal input gives equal bytes.
///
/// private_key: 32 bytes. The copies made here are wiped; Python's own bytes stay in memory as long
/// as Python likes. message_hash: 32 bytes.
/// Raises InvalidKeyError for zero and for numbers not below the order of the group.
///
///     >>> import ltms
///     >>> ltms.schnorr_sign(bytes([1] * 32), bytes(32)).hex()[:16]
///     '087b5a5c2a4bf823'
#[pyfunction]
pub(crate) fn schnorr_sign<'py>(
    py: Python<'py>,
    private_key: &[u8],
    message_hash: Hash,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, secret_key(private_key)?.sign(&message_hash.0).as_bytes()))
}

/// Whether a signature of 64 bytes is that of the hash, 32 bytes, by the compressed key, 33 bytes;
/// never when the key is not on the curve. Other lengths raise InputError.
///
///     >>> import ltms
///     >>> secret, message = bytes([1] * 32), bytes(32)
///     >>> key, signature = ltms.public_key(secret), ltms.schnorr_sign(secret, message)
///     >>> ltms.schnorr_verify(key, message, signature)
///     True
///     >>> try:
///     ...     ltms.schnorr_verify(key, b"too short", signature)
///     ... except ltms.InputError as error:
///     ...     print(error)
///     a hash is 32 bytes, not 9
#[pyfunction]
pub(crate) fn schnorr_verify(
    py: Python<'_>,
    public_key: Key,
    message_hash: Hash,
    signature: Sig,
) -> bool {
    py.detach(|| schnorr::verify(&public_key.0, &message_hash.0, &signature.0))
}

/// Signatures that are read and checked together; the core itself takes 64 at a time.
const BATCH: usize = 1_024;

fn verify_batch(items: &[SignedTuple], seed: &[u8; 32]) -> Vec<bool> {
    // A key that is not on the curve has no item, and no signature.
    let parsed = |SignedTuple { key, hash, signature }: &SignedTuple| {
        let key = VerifyingKey::parse(&key.0).ok()?;
        Some(Item { key, hash: hash.0, signature: signature.0 })
    };
    let parsed: Vec<_> = items.iter().map(parsed).collect();
    let items: Vec<_> = parsed.iter().copied().flatten().collect();
    let mut holds = schnorr::verify_all(&items, seed).into_iter();
    parsed.iter().map(|item| item.is_some() && holds.next() == Some(true)).collect()
}

/// Checks many signatures, faster together than alone, while other Python threads go on.
///
/// items: a list or other sequence of (public_key, message_hash, signature), as schnorr_verify takes
/// them. Returns a bool for each, what schnorr_verify says. One of a wrong length or shape raises
/// InputError. A thousand are read and checked at a time, so that no list takes more memory here
/// than its answer.
///
///     >>> import ltms
///     >>> secret, message = bytes([1] * 32), bytes(32)
///     >>> key, signature = ltms.public_key(secret), ltms.schnorr_sign(secret, message)
///     >>> ltms.schnorr_verify_batch([(key, message, signature), (key, secret, signature)])
///     [True, False]
#[pyfunction]
pub(crate) fn schnorr_verify_batch<'py>(
    py: Python<'py>,
    items: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let items = items.cast::<PySequence>()?;
    let seed = random()?;
    let told = PyList::empty(py);
    loop {
        // The length is asked again: another thread may have changed the list.
        let (from, len) = (told.len(), items.len()?);
        if from >= len {
            return Ok(told);
        }
        let batch = (from..len.min(from + BATCH)).map(|at| items.get_item(at)?.extract());
        let batch = batch.collect::<PyResult<Vec<SignedTuple>>>()?;
        for holds in py.detach(|| verify_batch(&batch, &seed)) {
            told.append(holds)?;
        }
    }
}
