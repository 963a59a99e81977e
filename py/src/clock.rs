//! Time for devices without a clock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ltms_core::{BlockHeight, ChainClock as Core, Timestamp};
use pyo3::prelude::*;

use crate::convert::{Height, Span, Time};

/// The time of a device without a clock: that of the newest trusted header, plus what a counter of
/// milliseconds, ticks, has run since. For a policy whose clock is "chain".
///
/// Trust headers that are linked to a block which the owner set, never just what a peer brought. A
/// header that comes late sets the time back, by at most the 2 h that an earlier one may have been
/// ahead.
///
///     >>> import ltms
///     >>> clock = ltms.ChainClock()
///     >>> clock.trust(height=100, time=1_795_400_000_000, ticks=5_000)
///     True
///     >>> clock.now(ticks=6_000)
///     1795400001000
#[pyclass(frozen, module = "ltms")]
pub(crate) struct ChainClock(Mutex<Core>);

impl ChainClock {
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl ChainClock {
    /// A clock that has seen no header: every message lies in the future.
    #[new]
    fn new() -> Self {
        Self(Mutex::new(Core::new()))
    }

    /// Takes the height and time (milliseconds since 1970) of a trusted header, met when the
    /// counter stood at ticks; whether it is the newest so far. Others change nothing.
    fn trust(&self, height: Height, time: Time, ticks: Span) -> bool {
        self.lock().trust(BlockHeight::new(height.0), time.0, ticks.0)
    }

    /// After a restart: it is no earlier than saved_at, as Gate.restore() told it.
    fn resume(&self, saved_at: Time, ticks: Span) {
        self.lock().resume(saved_at.0, ticks.0);
    }

    /// Milliseconds since 1970 when the counter stands at ticks.
    fn now(&self, ticks: Span) -> u64 {
        // "Never" is no time that a Gate can be given.
        self.lock().now(ticks.0).as_millis().min(Timestamp::NEVER.as_millis() - 1)
    }
}
