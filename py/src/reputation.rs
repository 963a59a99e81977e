//! Reputation of a signer.

use std::sync::{Mutex, PoisonError};

use ltms_core::score::Reputation as Core;
use ltms_core::{Policy, Timestamp};
use pyo3::prelude::*;

use crate::convert::{Span, Time};
use crate::names::FailureName;

/// What sessions with one signer were like, under the points of the default policy. The score is
/// 0 to 100, and 50 at first.
///
/// Times are milliseconds since 1970 and given by the caller; nothing reads a clock.
///
///     >>> import ltms
///     >>> signer, now = ltms.Reputation(), 1_795_400_000_000
///     >>> signer.success(response_ms=5_000, now_ms=now)
///     >>> signer.score(now)
///     80
///     >>> signer.failure(ltms.Failure.TIMEOUT, now)
///     >>> signer.score(now)
///     75
#[pyclass(frozen, module = "ltms")]
pub(crate) struct Reputation(Mutex<Core>);

impl Reputation {
    fn with<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        // Nothing in here waits for the interpreter, so holding it meanwhile is no deadlock.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl Reputation {
    #[new]
    fn new() -> Self {
        let points = &Policy::LOTUS_V1.reputation;
        Self(Mutex::new(Core::fresh(points, Timestamp::EPOCH)))
    }

    /// A session was completed; the signer answered within response_ms.
    fn success(&self, response_ms: Span, now_ms: Time) {
        let points = &Policy::LOTUS_V1.reputation;
        self.with(|it| it.success(points, now_ms.0, response_ms.0));
    }

    /// A session failed by the signer's doing; reason is a Failure or its name.
    fn failure(&self, reason: FailureName, now_ms: Time) {
        let points = &Policy::LOTUS_V1.reputation;
        self.with(|it| it.failure(points, now_ms.0, reason.0));
    }

    /// The score, 0 to 100. It changes only by a success or a failure, so that now_ms says nothing
    /// but that a time is due here as everywhere.
    fn score(&self, now_ms: Time) -> u8 {
        let _ = now_ms;
        self.with(|it| it.score())
    }

    /// How many sessions were completed.
    #[getter]
    fn completed(&self) -> u32 {
        self.with(|it| it.completed())
    }

    /// How many sessions failed by its doing.
    #[getter]
    fn failed(&self) -> u32 {
        self.with(|it| it.failed())
    }

    /// Average response in microseconds; 0 before the first success.
    #[getter]
    fn average_response_us(&self) -> u64 {
        self.with(|it| it.average_response_us())
    }

    /// Points of penalties not yet lived down, as of the last session.
    #[getter]
    fn debt(&self) -> u32 {
        self.with(|it| it.debt())
    }

    fn __repr__(&self) -> String {
        self.with(|it| {
            format!("<Reputation {}: {} of {}>", it.score(), it.completed(), {
                u64::from(it.completed()) + u64::from(it.failed())
            })
        })
    }
}
