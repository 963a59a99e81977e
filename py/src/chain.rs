//! Transactions, identities and burn scripts.

use ltms_core::burn::BurnScript as Core;
use ltms_core::chain::Transaction;
use ltms_core::schnorr::VerifyingKey;
use ltms_core::{IdentityId, OutPoint};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::convert::{Identity, Index, Key, TxidText, Wide};
use crate::errors::{self, InvalidKeyError, TransactionError, input};
use crate::names::{self, PurposeNumber};

fn transaction(raw: &[u8]) -> PyResult<Transaction<'_>> {
    Transaction::parse(raw).map_err(|error| TransactionError::new_err(error.to_string()))
}

/// The id of a raw transaction, as 64 hexadecimal digits in the order in which ids are displayed.
///
/// It does not cover the input scripts, so it is not a hash of these bytes.
/// Raises TransactionError if they are no transaction.
///
///     >>> import ltms
///     >>> digits = "0200000001" + "11" * 36 + "00ffffffff01" + "00" * 8 + "015100000000"
///     >>> raw = bytes.fromhex(digits)
///     >>> ltms.txid(raw)
///     '1277adabb9c5cb856fb2078e4628b522b774c9a8ba5ea8c11f8b054f4c9998a8'
#[pyfunction]
pub(crate) fn txid(raw_tx: &[u8]) -> PyResult<String> {
    Ok(transaction(raw_tx)?.txid().to_string())
}

/// The identity that a registration burn in this output creates, as 64 hexadecimal digits.
///
/// txid is in display order; vout is at most 255, or InputError is raised.
///
///     >>> import ltms
///     >>> ltms.identity_id("11" * 32, 0)
///     'fadbf4edc66569296a08ffc54972d422877697fd412a1add92ceddcfa1366432'
#[pyfunction]
pub(crate) fn identity_id(txid: TxidText, vout: Index) -> PyResult<String> {
    let output = OutPoint { txid: txid.0, vout: vout.0 };
    Ok(output.identity_id().map_err(input)?.to_string())
}

/// What a transaction says: a dict of txid, txhash, version, lock_time, size (bytes), coinbase,
/// inputs (txid, vout, script, sequence) and outputs (value in satoshis, script).
///
/// Raises TransactionError if the bytes are none.
///
///     >>> import ltms
///     >>> digits = "0200000001" + "11" * 36 + "00ffffffff01" + "00" * 8 + "015100000000"
///     >>> raw = bytes.fromhex(digits)
///     >>> told = ltms.parse_transaction(raw)
///     >>> told["size"], told["coinbase"], told["outputs"]
///     (61, False, [{'value': 0, 'script': b'Q'}])
#[pyfunction]
pub(crate) fn parse_transaction<'py>(
    py: Python<'py>,
    raw_tx: &[u8],
) -> PyResult<Bound<'py, PyDict>> {
    let tx = transaction(raw_tx)?;
    let (inputs, outputs) = (PyList::empty(py), PyList::empty(py));
    for input in tx.inputs() {
        let item = PyDict::new(py);
        item.set_item("txid", input.previous.txid.to_string())?;
        item.set_item("vout", input.previous.vout)?;
        item.set_item("script", PyBytes::new(py, input.script))?;
        item.set_item("sequence", input.sequence)?;
        inputs.append(item)?;
    }
    for output in tx.outputs() {
        let item = PyDict::new(py);
        item.set_item("value", output.value.sats())?;
        item.set_item("script", PyBytes::new(py, output.script))?;
        outputs.append(item)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("txid", tx.txid().to_string())?;
    dict.set_item("txhash", tx.txhash().to_string())?;
    dict.set_item("version", tx.version())?;
    dict.set_item("lock_time", tx.lock_time())?;
    dict.set_item("size", tx.len())?;
    dict.set_item("coinbase", tx.is_coinbase())?;
    dict.set_item("inputs", inputs)?;
    dict.set_item("outputs", outputs)?;
    Ok(dict)
}

/// What the script of a burn says; parse_burn_script makes one.
#[pyclass(frozen, eq, hash, module = "ltms")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BurnScript {
    public_key: ltms_core::PublicKey,
    timestamp_ms: Option<u64>,
    purpose: Option<(ltms_core::burn::Purpose, IdentityId)>,
}

#[pymethods]
impl BurnScript {
    /// The compressed key, 33 bytes; which one depends on the purpose.
    #[getter]
    fn public_key(&self) -> &[u8] {
        self.public_key.as_bytes()
    }

    /// When the burner says it was made, in milliseconds since 1970, or None.
    #[getter]
    fn timestamp_ms(&self) -> Option<u64> {
        self.timestamp_ms
    }

    /// What the burn is for, a Purpose; None for a registration.
    #[getter]
    fn purpose<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.purpose.map(|(purpose, _)| names::purpose(py, purpose)).transpose()
    }

    /// Whose burn it is, as 64 hexadecimal digits; None for a registration, whose identity
    /// follows from the output that it is in.
    #[getter]
    fn identity_id(&self) -> Option<String> {
        self.purpose.map(|(_, identity)| identity.to_string())
    }

    fn __repr__(&self) -> String {
        let purpose = match self.purpose {
            None => "registration".to_owned(),
            Some((purpose, identity)) => format!("{purpose:?} for {identity}"),
        };
        format!("<BurnScript of {}: {purpose}>", self.public_key)
    }
}

/// Reads the script of a burn.
///
/// Raises ScriptError for anything but the one form that build_burn_script writes; its kind names
/// what is wrong, and older_sdk_reads whether older software reads a key all the same.
///
///     >>> import ltms
///     >>> ltms.parse_burn_script(bytes.fromhex("6a044c544d530102"))
///     Traceback (most recent call last):
///     ltms.ScriptError: the version is not 1
#[pyfunction]
pub(crate) fn parse_burn_script(script: &[u8]) -> PyResult<BurnScript> {
    let Core { public_key, timestamp_ms, purpose } =
        Core::parse(script).map_err(|error| errors::script(&error))?;
    Ok(BurnScript { public_key, timestamp_ms, purpose })
}

/// Writes the script of a burn.
///
/// public_key: 33 bytes, compressed. timestamp_ms: milliseconds since 1970.
/// purpose and identity_id: what the burn is for and whose it is; neither for a registration.
/// Raises InvalidKeyError for a key that is not on the curve, InputError for one of the two alone.
///
///     >>> import ltms
///     >>> key = ltms.public_key(bytes([1] * 32))
///     >>> script = ltms.build_burn_script(key, purpose=ltms.Purpose.TOP_UP, identity_id="11" * 32)
///     >>> burn = ltms.parse_burn_script(script)
///     >>> burn.public_key == key, burn.purpose.name, burn.identity_id == "11" * 32, burn.timestamp_ms
///     (True, 'TOP_UP', True, None)
#[pyfunction]
#[pyo3(signature = (public_key, timestamp_ms = None, purpose = None, identity_id = None))]
pub(crate) fn build_burn_script(
    py: Python<'_>,
    public_key: Key,
    timestamp_ms: Option<Wide>,
    purpose: Option<PurposeNumber>,
    identity_id: Option<Identity>,
) -> PyResult<Bound<'_, PyBytes>> {
    let public_key = public_key.0;
    VerifyingKey::parse(&public_key)
        .map_err(|error| InvalidKeyError::new_err(error.to_string()))?;
    let purpose = match (purpose, identity_id) {
        (None, None) => None,
        (Some(purpose), Some(identity)) => Some((purpose.0, identity.0)),
        _ => return Err(input("purpose and identity_id are given together, or neither")),
    };
    let script = Core { public_key, timestamp_ms: timestamp_ms.map(|ms| ms.0), purpose };
    Ok(PyBytes::new(py, &script.build()))
}
