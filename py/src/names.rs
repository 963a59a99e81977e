//! The enums of `ltms/_enums.py`, by the names and numbers of the core.

use ltms_core::burn::Purpose;
use ltms_core::score::Failure;
use ltms_core::{Reason, Verdict};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::errors::input;

const FAILURES: [(Failure, &str); 4] = [
    (Failure::Timeout, "timeout"),
    (Failure::Disconnect, "disconnect"),
    (Failure::InvalidSignature, "invalid-signature"),
    (Failure::Abort, "abort"),
];
const VERDICTS: [Verdict; 3] = [Verdict::Ignore, Verdict::Accept, Verdict::Reject];

/// The member of an enum that has this value.
fn member<'py>(
    class: &Bound<'py, PyType>,
    value: impl IntoPyObject<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    class.call1((value,))
}

macro_rules! class {
    ($name:ident, $text:literal) => {
        fn $name(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
            static CLASS: pyo3::sync::PyOnceLock<Py<PyType>> = pyo3::sync::PyOnceLock::new();
            CLASS.import(py, "ltms._enums", $text)
        }
    };
}

class!(reason_class, "Reason");
class!(verdict_class, "Verdict");
class!(purpose_class, "Purpose");

pub(crate) fn reason(py: Python<'_>, reason: Reason) -> PyResult<Bound<'_, PyAny>> {
    member(reason_class(py)?, reason.as_str())
}

pub(crate) fn verdict(py: Python<'_>, verdict: Verdict) -> PyResult<Bound<'_, PyAny>> {
    member(verdict_class(py)?, verdict.as_str())
}

pub(crate) fn purpose(py: Python<'_>, purpose: Purpose) -> PyResult<Bound<'_, PyAny>> {
    member(purpose_class(py)?, purpose.code())
}

/// A name, with dashes or underlines between its words.
fn named<T: Copy>(
    value: &Bound<'_, PyAny>,
    what: &str,
    names: impl Iterator<Item = (T, &'static str)>,
) -> PyResult<T> {
    let given: String = value.cast::<PyString>()?.extract()?;
    let plain = given.replace('_', "-");
    names
        .into_iter()
        .find_map(|(item, name)| (name == plain).then_some(item))
        .ok_or_else(|| input(format_args!("no {what} is called {given:?}")))
}

/// A [`Failure`] by its name.
#[derive(Clone, Copy)]
pub(crate) struct FailureName(pub(crate) Failure);

impl FromPyObject<'_, '_> for FailureName {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        named(&value, "failure", FAILURES.into_iter()).map(Self)
    }
}

/// A [`Reason`] by its name.
#[derive(Clone, Copy)]
pub(crate) struct ReasonName(pub(crate) Reason);

impl FromPyObject<'_, '_> for ReasonName {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let names = Reason::ALL.iter().map(|reason| (*reason, reason.as_str()));
        named(&value, "reason", names).map(Self)
    }
}

/// A [`Purpose`] by its number.
#[derive(Clone, Copy)]
pub(crate) struct PurposeNumber(pub(crate) Purpose);

impl FromPyObject<'_, '_> for PurposeNumber {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let purpose = Purpose::ALL.into_iter().find(|purpose| {
            value.is_instance_of::<pyo3::types::PyInt>()
                && value.extract::<u8>().is_ok_and(|code| code == purpose.code())
        });
        purpose.map(Self).ok_or_else(|| input("a purpose is one of ltms.Purpose, 1 to 6"))
    }
}

/// The number of a member of `Reason`, `Verdict` or `Failure`.
#[pyfunction]
#[pyo3(name = "_code")]
pub(crate) fn code(class: &str, name: &str) -> Option<u8> {
    match class {
        "Reason" => Reason::ALL.iter().find(|reason| reason.as_str() == name).map(|it| it.code()),
        "Verdict" => VERDICTS.iter().find(|it| it.as_str() == name).map(|it| *it as u8),
        "Failure" => FAILURES.iter().find(|(_, text)| *text == name).map(|(it, _)| *it as u8),
        _ => None,
    }
}

/// The verdict and the meaning of a reason.
#[pyfunction]
#[pyo3(name = "_reason")]
pub(crate) fn about(reason: ReasonName) -> (&'static str, &'static str) {
    (reason.0.verdict().as_str(), reason.0.meaning())
}

/// The names of all reasons.
#[pyfunction]
#[pyo3(name = "_reasons")]
pub(crate) fn all() -> Vec<&'static str> {
    Reason::ALL.iter().map(|reason| reason.as_str()).collect()
}
