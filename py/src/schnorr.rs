//! Lotus Schnorr signatures.

use ltms_core::schnorr::{self, Item, SecretKey, VerifyingKey};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::convert::{Hash, Key, Sig, fixed};
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

/// The compressed public key, 33 bytes, of a private key of 32 bytes.
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
#[pyfunction]
pub(crate) fn schnorr_verify(
    py: Python<'_>,
    public_key: Key,
    message_hash: Hash,
    signature: Sig,
) -> bool {
    py.detach(|| schnorr::verify(&public_key.0, &message_hash.0, &signature.0))
}

/// Checks many signatures, faster together than alone, while other Python threads go on.
///
/// items: (public_key, message_hash, signature) each, as schnorr_verify takes them. Returns a bool
/// for each, what schnorr_verify says. One of a wrong length raises InputError.
#[pyfunction]
pub(crate) fn schnorr_verify_batch(
    py: Python<'_>,
    items: Vec<(Key, Hash, Sig)>,
) -> PyResult<Vec<bool>> {
    let seed = random()?;
    Ok(py.detach(|| {
        // A key that is not on the curve has no item, and no signature.
        let parsed = |(key, hash, signature): &(Key, Hash, Sig)| {
            let key = VerifyingKey::parse(&key.0).ok()?;
            Some(Item { key, hash: hash.0, signature: signature.0 })
        };
        let parsed: Vec<_> = items.iter().map(parsed).collect();
        let items: Vec<_> = parsed.iter().copied().flatten().collect();
        let mut holds = schnorr::verify_all(&items, &seed).into_iter();
        parsed.iter().map(|item| item.is_some() && holds.next() == Some(true)).collect()
    }))
}
