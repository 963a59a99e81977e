//! What the Gate decided.

use ltms_core::Decision as Core;
use pyo3::prelude::*;

use crate::names;

/// What the Gate decided about a message, connection, burn or session, and why. It is true in a
/// condition only when the verdict is accept.
///
///     >>> import ltms
///     >>> gate, peer = ltms.Gate(capacity="tiny"), bytes.fromhex("002408011220" + "01" * 32)
///     >>> decision = gate.admit_ad(1_795_400_000_000, ltms.Source.direct(peer), b"no message")
///     >>> bool(decision), decision.verdict.value, decision.reason.value, decision.retry_at
///     (False, 'reject', 'malformed', None)
#[pyclass(frozen, eq, hash, module = "ltms")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Decision(pub(crate) Core);

#[pymethods]
impl Decision {
    /// What to do with the message: a Verdict.
    #[getter]
    fn verdict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        names::verdict(py, self.0.verdict)
    }

    /// Why: a Reason, which has a meaning in a sentence.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        names::reason(py, self.0.reason)
    }

    /// The first time, in milliseconds since 1970, at which the same message would pass this
    /// check; None where waiting does not help.
    #[getter]
    fn retry_at(&self) -> Option<u64> {
        self.0.retry_at.map(|time| time.as_millis())
    }

    fn __bool__(&self) -> bool {
        self.0.is_accept()
    }

    fn __repr__(&self) -> String {
        let Core { verdict, reason, .. } = self.0;
        let retry = self.retry_at().map_or(String::new(), |ms| format!(", retry_at={ms}"));
        format!("<Decision {}: {reason}{retry}>", verdict.as_str())
    }
}
