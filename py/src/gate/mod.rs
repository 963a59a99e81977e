//! The Gate, behind a lock.

mod ask;
mod events;
mod judge;
mod operate;
mod tickets;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ltms_core::record::Recorded;
use ltms_core::{Capacity, Heap, Policy, Seed};
use pyo3::prelude::*;

pub(crate) use tickets::{AdTicket, ClaimTicket, LookupTicket};

use crate::convert::fixed;
use crate::errors::{ClosedError, policy};
use crate::policy::{CapacityDict, PolicyDict};
use crate::schnorr::random;

type Core = Recorded<Heap, Option<Vec<u8>>>;

/// Tells the Gates apart, so that no ticket goes to another one.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The policy with its state: one Decision for every connection, message, burn and session.
///
/// policy: a dict as default_policy() gives it; what it leaves out is as there. Raises PolicyError,
/// whose field names what is wrong.
/// capacity: rows of each table, of which nothing grows later: "node" (28 MB, also for None),
/// "small", "tiny", or a dict of peers, identities, tombstones, keys, bans, groups, cells, outcomes.
/// seed: 16 bytes, from the system's randomness for None. Keep it secret; a snapshot can be
/// restored under no other.
/// record: whether every call is recorded, for recording().
///
/// Every call is given the time first, in milliseconds since 1970. It may stand still and jump.
/// Many threads may use one Gate; they wait for each other, and other Python threads go on
/// meanwhile. A Gate is closed by close(), or at the end of `with`; then it raises ClosedError.
///
///     >>> import ltms
///     >>> with ltms.Gate({"windows": {"strangers": {"burst": 5, "interval_us": 1}}}, "tiny") as gate:
///     ...     gate.policy()["windows"]["strangers"], [table["table"] for table in gate.fill()][:2]
///     ({'burst': 5, 'interval_us': 1}, ['peers', 'identities'])
///     >>> ltms.Gate({"windows": {"strangers": {"burst": 0, "interval_us": 1}}})
///     Traceback (most recent call last):
///     ltms.PolicyError: policy field `windows.strangers.burst`: ...
#[pyclass(frozen, module = "ltms")]
pub(crate) struct Gate {
    number: u64,
    /// None when closed.
    core: Mutex<Option<Core>>,
}

impl Gate {
    /// Works on the Gate, detached from the interpreter: whoever waits for the lock holds nothing
    /// that its owner could need.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut Core) -> T + Send,
    ) -> PyResult<T> {
        py.detach(|| {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            core.as_mut().map(act)
        })
        .ok_or_else(|| ClosedError::new_err("the Gate is closed"))
    }
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (policy = None, capacity = None, seed = None, *, record = false))]
    fn new(
        py: Python<'_>,
        policy: Option<PolicyDict>,
        capacity: Option<CapacityDict>,
        seed: Option<&[u8]>,
        record: bool,
    ) -> PyResult<Self> {
        let policy = policy.map_or(Policy::LOTUS_V1, |given| given.0);
        let capacity = capacity.map_or(Capacity::NODE, |given| given.0);
        let seed = Seed::new(seed.map_or_else(random, |seed| fixed(seed, "a seed"))?);
        let core =
            py.detach(|| Core::new(Heap::new(capacity), policy, seed, record.then(Vec::new)));
        let core = core.map_err(|error| self::policy(error.field().into(), error.to_string()))?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Self { number, core: Mutex::new(Some(core)) })
    }

    /// Gives the tables back. Every later call but this one raises ClosedError.
    fn close(&self, py: Python<'_>) {
        drop(py.detach(|| self.core.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, pyo3::types::PyTuple>) {
        self.close(py);
    }

    /// What was recorded since the last time that this was asked, as bytes: first what the Gate was
    /// made of, then a record for each call. Put together, they are a recording for Replay.
    /// Empty for a Gate without record.
    fn recording<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyBytes>> {
        let bytes = self.with(py, |gate| gate.recorder().as_mut().map(std::mem::take))?;
        Ok(pyo3::types::PyBytes::new(py, &bytes.unwrap_or_default()))
    }
}
