//! The exceptions of `ltms/_errors.py`, and what raises them.

use ltms_core::burn::ScriptError as Script;
use pyo3::PyErr;

pyo3::import_exception!(ltms._errors, InputError);
pyo3::import_exception!(ltms._errors, InvalidKeyError);
pyo3::import_exception!(ltms._errors, ProofError);
pyo3::import_exception!(ltms._errors, ScriptError);
pyo3::import_exception!(ltms._errors, TransactionError);

/// An [`InputError`].
pub(crate) fn input(message: impl ToString) -> PyErr {
    InputError::new_err(message.to_string())
}

pub(crate) fn script(error: &Script) -> PyErr {
    ScriptError::new_err((error.to_string(), error.older_sdk_reads()))
}
