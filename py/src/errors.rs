//! The exceptions of `ltms/_errors.py`, and what raises them.

use std::fmt::{Debug, Display};

use ltms_core::burn::ScriptError as Script;
use ltms_core::chain::HeaderError;
use pyo3::{PyErr, Python};

use crate::names;

pyo3::import_exception!(ltms._errors, CapacityError);
pyo3::import_exception!(ltms._errors, ClosedError);
pyo3::import_exception!(ltms._errors, InputError);
pyo3::import_exception!(ltms._errors, InvalidKeyError);
pyo3::import_exception!(ltms._errors, PolicyError);
pyo3::import_exception!(ltms._errors, ProofError);
pyo3::import_exception!(ltms._errors, ReplayError);
pyo3::import_exception!(ltms._errors, ScriptError);
pyo3::import_exception!(ltms._errors, SnapshotError);
pyo3::import_exception!(ltms._errors, TicketError);
pyo3::import_exception!(ltms._errors, TransactionError);
pyo3::import_exception!(ltms._errors, WireError);

/// An [`InputError`].
pub(crate) fn input(message: impl ToString) -> PyErr {
    InputError::new_err(message.to_string())
}

pub(crate) fn script(error: &Script) -> PyErr {
    let kind = format!("{:?}", error.kind());
    ScriptError::new_err((error.to_string(), kind, error.older_sdk_reads()))
}

/// What is wrong with a proof, and the name that the vectors have for it.
pub(crate) fn proof(error: &impl Display, kind: &impl Debug) -> PyErr {
    ProofError::new_err((error.to_string(), format!("{kind:?}").replace('"', "")))
}

/// The field at fault, empty for the whole, and what is wrong with it.
pub(crate) fn policy(field: String, problem: String) -> PyErr {
    let of = if field.is_empty() { "policy".into() } else { format!("policy field `{field}`") };
    PolicyError::new_err((format!("{of}: {problem}"), field))
}

pub(crate) fn capacity(error: ltms_core::CapacityError) -> PyErr {
    CapacityError::new_err(error.to_string())
}

pub(crate) fn header(error: HeaderError) -> PyErr {
    input(error)
}

pub(crate) fn wire(py: Python<'_>, error: ltms_core::wire::WireError) -> PyErr {
    match names::reason(py, error.reason()) {
        Ok(reason) => WireError::new_err((error.to_string(), reason.unbind())),
        Err(error) => error,
    }
}
