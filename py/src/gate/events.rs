//! Time, and what a Gate tells by itself.

use ltms_core::{Event, Timestamp};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::Gate;
use crate::convert::Time;
use crate::names;
use crate::plain::dict;

/// "Until lifted" is None.
pub(super) fn end(time: Timestamp) -> Option<u64> {
    Some(time).filter(|time| *time != Timestamp::NEVER).map(Timestamp::as_millis)
}

fn show<'py>(py: Python<'py>, event: Event) -> PyResult<Bound<'py, PyDict>> {
    let of = |event: &str, identity: ltms_core::IdentityId| {
        PyResult::Ok(dict!(py; event: event, identity: identity.to_string()))
    };
    Ok(match event {
        Event::Sanctioned { peer, until, reason } => dict!(py;
            event: "sanctioned", peer: PyBytes::new(py, &peer.to_bytes()),
            until: until.and_then(end), reason: names::reason(py, reason)?),
        Event::IdentityBanned { identity, until, reason } => dict!(py;
            event: "identity-banned", identity: identity.to_string(), until: end(until),
            reason: names::reason(py, reason)?),
        Event::BreakerOpened { until } => dict!(py; event: "breaker-opened", until: end(until)),
        Event::BreakerClosed => dict!(py; event: "breaker-closed"),
        Event::ClockStepped => dict!(py; event: "clock-stepped"),
        Event::ProveIdentity { peer, until } => dict!(py;
            event: "prove-identity", peer: PyBytes::new(py, &peer.to_bytes()), until: end(until)),
        Event::GroupBanned { group, until } => dict!(py;
            event: "group-banned", group: group, until: end(until)),
        Event::PostureChanged(posture) => dict!(py;
            event: "posture-changed", posture: names::posture(posture)),
        Event::Registered(id) => of("registered", id)?,
        Event::Displaced(id) => of("displaced", id)?,
        Event::Suspended(id) => of("suspended", id)?,
        Event::Resumed(id) => of("resumed", id)?,
        Event::Rotated(id) => of("rotated", id)?,
        // A test of the names in docs/recording.md fails before anybody meets this.
        _ => dict!(py; event: "unknown"),
    })
}

#[pymethods]
impl Gate {
    /// When sweep() is due next, in milliseconds since 1970.
    fn poll_timeout(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |gate| gate.poll_timeout().as_millis())
    }

    /// Does a bounded piece of what is due; True means there is more.
    fn handle_timeout(&self, py: Python<'_>, now_ms: Time) -> PyResult<bool> {
        self.with(py, |gate| gate.handle_timeout(now_ms.0))
    }

    /// Does all that is due, piece by piece, so that other threads have their turns.
    fn sweep(&self, py: Python<'_>, now_ms: Time) -> PyResult<()> {
        while self.with(py, |gate| gate.handle_timeout(now_ms.0))? {}
        Ok(())
    }

    /// The next thing that the Gate has to tell, or None: a dict whose "event" says what it is, with
    /// "peer" (bytes), "identity" (text), "group" (its tag), "until" (milliseconds since 1970, None:
    /// until lifted), "reason" and "posture" where they apply.
    ///
    /// "sanctioned": disconnect the peer now. "prove-identity": cut it off from gossip until it
    /// proved one. Others: "identity-banned", "breaker-opened", "breaker-closed", "clock-stepped",
    /// "group-banned", "posture-changed", "registered", "displaced", "suspended", "resumed",
    /// "rotated".
    fn poll_event<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let event = self.with(py, |gate| gate.poll_event(now_ms.0))?;
        event.map(|event| show(py, event)).transpose()
    }

    /// All that the Gate has to tell, as poll_event gives it.
    fn events<'py>(&self, py: Python<'py>, now_ms: Time) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let mut events = Vec::new();
        while let Some(event) = self.poll_event(py, now_ms)? {
            events.push(event);
        }
        Ok(events)
    }
}
