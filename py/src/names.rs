//! The enums of `ltms/_enums.py`, by the names and numbers of the core.

use ltms_core::burn::{Purpose, Tier};
use ltms_core::score::Failure;
use ltms_core::{EvidenceClass, FrameKind, Network, Posture, Reason, SignatureCheck, Verdict};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyType};

use crate::errors::input;

const FAILURES: [(Failure, &str); 4] = [
    (Failure::Timeout, "timeout"),
    (Failure::Disconnect, "disconnect"),
    (Failure::InvalidSignature, "invalid-signature"),
    (Failure::Abort, "abort"),
];
const CHECKS: [(SignatureCheck, &str); 3] = [
    (SignatureCheck::Valid, "valid"),
    (SignatureCheck::Invalid, "invalid"),
    (SignatureCheck::NotDelegated, "not-delegated"),
];
const FRAMES: [(FrameKind, &str); 3] =
    [(FrameKind::Gossip, "gossip"), (FrameKind::Direct, "direct"), (FrameKind::Record, "record")];
const NETWORKS: [Network; 3] = [Network::Main, Network::Test, Network::Reg];
const CLASSES: [EvidenceClass; 4] =
    [EvidenceClass::Weak, EvidenceClass::Anchored, EvidenceClass::Indexer, EvidenceClass::Node];
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

class!(name_class, "_Name");
class!(number_class, "_Number");
class!(reason_class, "Reason");
class!(verdict_class, "Verdict");
class!(purpose_class, "Purpose");
class!(check_class, "SignatureCheck");
class!(evidence_class, "Evidence");

pub(crate) fn reason(py: Python<'_>, reason: Reason) -> PyResult<Bound<'_, PyAny>> {
    member(reason_class(py)?, reason.as_str())
}

pub(crate) fn verdict(py: Python<'_>, verdict: Verdict) -> PyResult<Bound<'_, PyAny>> {
    member(verdict_class(py)?, verdict.as_str())
}

pub(crate) fn purpose(py: Python<'_>, purpose: Purpose) -> PyResult<Bound<'_, PyAny>> {
    member(purpose_class(py)?, purpose.code())
}

pub(crate) fn check(py: Python<'_>, check: SignatureCheck) -> PyResult<Bound<'_, PyAny>> {
    let name = CHECKS.iter().find_map(|(it, name)| (*it == check).then_some(*name));
    member(check_class(py)?, name)
}

pub(crate) fn evidence(py: Python<'_>, class: EvidenceClass) -> PyResult<Bound<'_, PyAny>> {
    member(evidence_class(py)?, class as u8)
}

pub(crate) const fn posture(posture: Posture) -> &'static str {
    match posture {
        Posture::Normal => "normal",
        Posture::Lockdown => "lockdown",
        Posture::Guarded => "guarded",
    }
}

pub(crate) const fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Basic => "basic",
        Tier::Verified => "verified",
        Tier::Institutional => "institutional",
    }
}

/// The value of a member of our enums; anything else is its own.
fn plain<'py>(
    value: &Bound<'py, PyAny>,
    class: &Bound<'py, PyType>,
) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance(class)? { value.getattr("value") } else { Ok(value.clone()) }
}

/// A name, with dashes or underlines between its words.
fn named<T: Copy>(
    value: &Bound<'_, PyAny>,
    what: &str,
    names: impl Iterator<Item = (T, &'static str)>,
) -> PyResult<T> {
    let given: String = plain(value, name_class(value.py())?)?.cast::<PyString>()?.extract()?;
    let plain = given.replace('_', "-");
    names
        .into_iter()
        .find_map(|(item, name)| (name == plain).then_some(item))
        .ok_or_else(|| input(format_args!("no {what} is called {given:?}")))
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($type:ty), $what:literal, $names:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(pub(crate) $type);

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;
            fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                named(&value, $what, $names.into_iter()).map(Self)
            }
        }
    )*};
}

names! {
    /// A [`Failure`] by its name.
    FailureName(Failure), "failure", FAILURES;
    /// A [`Reason`] by its name.
    ReasonName(Reason), "reason", Reason::ALL.iter().map(|reason| (*reason, reason.as_str()));
    /// A [`SignatureCheck`] by its name.
    CheckName(SignatureCheck), "check of signatures", CHECKS;
    /// A [`FrameKind`] by its name.
    FrameName(FrameKind), "kind of frame", FRAMES;
    /// A [`Network`] by its name.
    NetworkName(Network), "network", NETWORKS.map(|network| (network, network.name()));
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident($type:ty), $what:literal, $all:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(pub(crate) $type);

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;
            fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                let value = plain(&value, number_class(value.py())?)?;
                let code = value.is_instance_of::<PyInt>().then(|| value.extract::<u8>().ok());
                let found = $all.into_iter().find(|it| code.flatten() == Some(*it as u8));
                found.map(Self).ok_or_else(|| input($what))
            }
        }
    )*};
}

codes! {
    /// A [`Purpose`] by its number.
    PurposeNumber(Purpose), "a purpose is one of ltms.Purpose, 1 to 6", Purpose::ALL;
    /// An [`EvidenceClass`] by its number.
    ClassNumber(EvidenceClass), "evidence is one of ltms.Evidence, 0 to 3", CLASSES;
}

/// The number of a member of `Reason`, `Verdict` or `Failure`.
#[pyfunction]
#[pyo3(name = "_code")]
pub(crate) fn code(class: &str, name: &str) -> Option<u8> {
    match class {
        "Reason" => Reason::ALL.iter().find(|reason| reason.as_str() == name).map(|it| it.code()),
        "Verdict" => VERDICTS.iter().find(|it| it.as_str() == name).map(|it| *it as u8),
        "Failure" => FAILURES.iter().find(|(_, text)| *text == name).map(|(it, _)| *it as u8),
        "SignatureCheck" => CHECKS.iter().find(|(_, text)| *text == name).map(|(it, _)| *it as u8),
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
