//! Recordings, played again.

use std::sync::{Mutex, PoisonError};

use ltms_core::record::{Answer, Call, Replay as Core, ReplayError as CoreError, record_len};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::decision::Decision;
use crate::errors::ReplayError;
use crate::plain::{self, dict};

/// Plays a recording again, call by call: an iterator of dicts. The recording is bytes as
/// Gate.recording() and `ltms node --record` give them.
///
/// Each dict has now_ms, call (the name of the Gate's method), arguments (CBOR, one after another),
/// answer and recorded (what it answers now and did then, as text), decision (a Decision, where the
/// answer is one) and holds, whether both answers are the same.
///
/// Raises ReplayError for bytes that are no recording of this version.
#[pyclass(frozen, module = "ltms")]
pub(crate) struct Replay {
    state: Mutex<State>,
    version: String,
}

struct State {
    core: Core,
    bytes: Vec<u8>,
    at: usize,
    calls: u64,
}

fn refuse(error: impl ToString) -> PyErr {
    ReplayError::new_err(error.to_string())
}

/// The end of the record that begins at `at`.
fn end(bytes: &[u8], at: usize) -> Result<usize, String> {
    let rest = bytes.get(at..).unwrap_or_default();
    let len = record_len(rest).map_err(|error| error.to_string())?;
    Ok(at + len.ok_or("the recording ends within it")?)
}

/// What a call was and answered, without what it borrows.
struct Played {
    now: u64,
    call: Call,
    arguments: Vec<u8>,
    recorded: Answer,
    answer: Answer,
}

impl State {
    fn step(&mut self) -> Result<Option<Played>, String> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        self.calls += 1;
        let number = self.calls;
        let of = |error: String| format!("call {number}: {error}");
        let end = end(&self.bytes, self.at).map_err(of)?;
        let record = &self.bytes[self.at..end];
        self.at = end;
        let step = self.core.step(record).map_err(|error: CoreError| of(error.to_string()))?;
        Ok(Some(Played {
            now: step.now.as_millis(),
            call: step.call,
            arguments: step.arguments.to_vec(),
            recorded: step.recorded,
            answer: step.answer,
        }))
    }
}

#[pymethods]
impl Replay {
    #[new]
    fn new(recording: &[u8]) -> PyResult<Self> {
        let at = end(recording, 0).map_err(|_| refuse(CoreError::Header))?;
        let core = Core::new(&recording[..at]).map_err(refuse)?;
        let version = core.version().to_owned();
        let state = Mutex::new(State { core, bytes: recording.to_vec(), at, calls: 0 });
        Ok(Self { state, version })
    }

    /// The version of the core that recorded.
    #[getter]
    fn version(&self) -> &str {
        &self.version
    }

    /// The policy of the recorded Gate, a dict as default_policy() gives it.
    fn policy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let policy = py.detach(|| {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            *state.core.gate().policy()
        });
        plain::show(py, &policy)
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let played = py.detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).step());
        let Some(played) = played.map_err(refuse)? else { return Ok(None) };
        let decision = match played.answer {
            Answer::Decision(decision) => Some(Decision(decision)),
            _ => None,
        };
        Ok(Some(dict!(py;
            now_ms: played.now, call: played.call.name(),
            arguments: PyBytes::new(py, &played.arguments),
            answer: played.answer.to_string(), recorded: played.recorded.to_string(),
            decision: decision, holds: played.answer == played.recorded)))
    }
}
