//! What the operator does, and what survives a restart.

use ltms_core::{Policy, Reason, Restored, SEAL_LEN};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::{Core, Gate};
use crate::convert::{Counter, Hash, Identity, Peer, Time};
use crate::errors::{SnapshotError, capacity};
use crate::names::ReasonName;
use crate::plain::dict;
use crate::policy::PolicyDict;
use crate::who::Subject;

fn written(
    gate: &mut Core,
    sealed: usize,
    write: impl FnOnce(&Core, &mut [u8]) -> bool,
) -> Vec<u8> {
    let mut bytes = vec![0; gate.snapshot_len() + sealed];
    let fits = write(gate, &mut bytes);
    debug_assert!(fits, "as long as it says");
    bytes
}

fn restored<'py>(py: Python<'py>, restored: &Restored) -> PyResult<Bound<'py, PyDict>> {
    let Restored { identities, keys, bans, dropped, saved_at, counter, .. } = *restored;
    let dropped = dict!(py;
        identities: dropped.identities, keys: dropped.keys, bans: dropped.bans,
        others: dropped.others);
    Ok(dict!(py;
        identities: identities, keys: keys, bans: bans, dropped: dropped,
        saved_at: saved_at.as_millis(), counter: counter))
}

#[pymethods]
impl Gate {
    /// Bans a Subject until a time, or for None until lifted. Address groups cannot be banned.
    ///
    /// Raises CapacityError when the operator's quarter of the ban table is full, and for an
    /// identity or key that is not known.
    #[pyo3(signature = (now_ms, subject, until = None, reason = ReasonName(Reason::Blacklisted)),
    text_signature = "($self, now_ms, subject, until=None, reason=\"blacklisted\")")]
    fn ban(
        &self,
        py: Python<'_>,
        now_ms: Time,
        subject: &Subject,
        until: Option<Time>,
        reason: ReasonName,
    ) -> PyResult<()> {
        let until = until.map(|time| time.0);
        self.with(py, |gate| gate.ban(now_ms.0, &subject.0, until, reason.0))?.map_err(capacity)
    }

    /// Lifts a ban, whoever made it; whether there was one.
    fn unban(&self, py: Python<'_>, now_ms: Time, subject: &Subject) -> PyResult<bool> {
        self.with(py, |gate| gate.unban(now_ms.0, &subject.0))
    }

    /// Puts a peer on the allow-list or takes it off: it is exempt from group limits and automatic
    /// sanctions.
    ///
    /// Raises CapacityError when the operator's quarter of the ban table is full.
    #[pyo3(signature = (now_ms, peer, allowed = true))]
    fn allow(&self, py: Python<'_>, now_ms: Time, peer: Peer, allowed: bool) -> PyResult<()> {
        self.with(py, |gate| gate.allow(now_ms.0, &peer.0, allowed))?.map_err(capacity)
    }

    /// Keeps an identity from lapsing and from being displaced, or no longer; False if it is unknown.
    #[pyo3(signature = (now_ms, identity, pinned = true))]
    fn pin(
        &self,
        py: Python<'_>,
        now_ms: Time,
        identity: Identity,
        pinned: bool,
    ) -> PyResult<bool> {
        self.with(py, |gate| gate.pin(now_ms.0, &identity.0, pinned))
    }

    /// The bans of the past cannot be known: strangers keep one eighth of their windows.
    fn guard(&self, py: Python<'_>, now_ms: Time) -> PyResult<()> {
        self.with(py, |gate| gate.guard(now_ms.0))
    }

    /// Puts the windows, enforce and local_envelope of a policy in force; nothing else of it can
    /// change while a Gate lives. False if they make no sense with the rest.
    fn set_limits(&self, py: Python<'_>, now_ms: Time, policy: PolicyDict) -> PyResult<bool> {
        let Policy { windows, enforce, local_envelope, .. } = policy.0;
        self.with(py, |gate| gate.set_limits(now_ms.0, &windows, &enforce, local_envelope))
    }

    /// All that matters after a restart, as bytes for restore().
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes =
            self.with(py, |gate| written(gate, 0, |it, to| it.write_snapshot(to).is_ok()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The same under a MAC with a key of 32 bytes, and a counter that is to grow each time: for
    /// memory that others can write.
    fn snapshot_sealed<'py>(
        &self,
        py: Python<'py>,
        key: Hash,
        counter: Counter,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |gate| {
            let write =
                |it: &Core, to: &mut [u8]| it.write_snapshot_sealed(&key.0, counter.0, to).is_ok();
            written(gate, SEAL_LEN, write)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Brings back what snapshot() gave, into a Gate that was not used yet: a dict of how many
    /// identities, keys and bans, what was dropped for lack of room, and saved_at.
    ///
    /// Raises SnapshotError, and changes nothing, for other bytes, another seed or network, and a
    /// Gate that is in use.
    fn restore<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        snapshot: &[u8],
    ) -> PyResult<Bound<'py, PyDict>> {
        let done = self.with(py, |gate| gate.restore(now_ms.0, snapshot))?;
        restored(py, &done.map_err(|error| SnapshotError::new_err(error.to_string()))?)
    }

    /// restore() of what snapshot_sealed() gave with this key and a counter of at_least or more.
    fn restore_sealed<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        key: Hash,
        at_least: Counter,
        snapshot: &[u8],
    ) -> PyResult<Bound<'py, PyDict>> {
        let done =
            self.with(py, |gate| gate.restore_sealed(now_ms.0, &key.0, at_least.0, snapshot))?;
        restored(py, &done.map_err(|error| SnapshotError::new_err(error.to_string()))?)
    }
}
