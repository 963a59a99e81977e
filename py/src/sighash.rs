//! What the signature of an input signs.

use ltms_core::Amount;
use ltms_core::chain::{HashType, Output, Sighash, Transaction};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{Byte, Fork, Input, SpentTuple};
use crate::errors::{TransactionError, input as wrong};

/// The hash that the signature of one input signs: 32 bytes, for schnorr_sign and schnorr_verify.
///
/// index: which input. spent: (satoshis, script) of the output that each input spends, in their
/// order; scripts that are executed as they stand, such as P2PKH. hash_type: the last byte of the
/// signature, 0x41 (as BIP 143) or 0x61 (Lotus' own) for everything. fork: below 2^24, 0 while no
/// replay protection is in force.
/// Raises TransactionError for bytes that are no transaction, and InputError where there is nothing
/// to sign.
#[pyfunction]
#[pyo3(signature = (raw_tx, index, spent, hash_type = Byte(0x41), fork = Fork(0)),
    text_signature = "(raw_tx, index, spent, hash_type=65, fork=0)")]
pub(crate) fn sighash<'py>(
    py: Python<'py>,
    raw_tx: &[u8],
    index: Input,
    spent: Vec<SpentTuple>,
    hash_type: Byte,
    fork: Fork,
) -> PyResult<Bound<'py, PyBytes>> {
    let transaction =
        Transaction::parse(raw_tx).map_err(|error| TransactionError::new_err(error.to_string()))?;
    let spent: Vec<_> = spent
        .iter()
        .map(|SpentTuple { value, script }| Output {
            value: Amount::from_sats(value.0),
            script: script.as_bytes(py),
        })
        .collect();
    let unknown = || wrong(format_args!("no signature has the hash type {:#04x}", hash_type.0));
    let hash_type = HashType::from_byte(hash_type.0).ok_or_else(unknown)?;
    let sighash = Sighash::new(&transaction, index.0, &spent, hash_type, fork.0).map_err(wrong)?;
    Ok(PyBytes::new(py, &sighash.hash()))
}
