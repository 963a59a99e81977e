//! Deadlines and events.

use super::Gate;
use crate::event::Event;
use crate::identities::Told;
use crate::storage::Storage;
use crate::{Millis, Reason, Timestamp};

/// How often rows that have ended are swept out. A sweep is for space; decisions use the time
/// they are given (policy §2).
const SWEEP: Millis = Millis::from_mins(5);

impl<S: Storage> Gate<S> {
    /// When [`Gate::handle_timeout`] wants to be called next: for a sweep, or for a sanction that
    /// waits. Calling it early does nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Timestamp {
        self.node.next_sweep.min(self.node.breaker.due())
    }

    /// Applies the sanctions that are due, and sweeps out what has ended, if it is time.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let mut parts = self.parts(now);
        if now < parts.node.next_sweep || parts.node.next_sweep == Timestamp::NEVER {
            return;
        }
        parts.node.next_sweep = now.saturating_add(SWEEP);
        let (seed, policy) = (parts.rules.seed, parts.rules.policy);
        for place in parts.tables.keys.places() {
            let Some(row) = parts.tables.keys.get_mut(place) else { continue };
            if row.has_slot() && row.slot_until <= now {
                row.leave_slot();
                let owner = row.owner;
                parts.free_slot(owner);
            }
            let Some(row) = parts.tables.keys.get_mut(place) else { continue };
            if row.is_spent(now, policy.sanctions.span) {
                let (owner, had_slot) = (row.owner, row.has_slot());
                parts.release(owner, had_slot);
                parts.tables.keys.remove(&seed, place);
                let dropped = &mut parts.node.counters.expired_entries_dropped;
                *dropped = dropped.saturating_add(1);
            }
        }
        parts.tables.peers.remove_if(&seed, |row| row.is_fresh(now, &policy));
        parts.tables.bans.remove_if(&seed, |row| {
            !row.blacklisted
                && !row.allowed
                && row.graylisting.is_forgotten(now, policy.sanctions.span)
        });
    }

    /// The next thing that has to be told, if there is any.
    pub fn poll_event(&mut self, now: Timestamp) -> Option<Event> {
        let mut parts = self.parts(now);
        if core::mem::take(&mut parts.node.stepped) {
            return Some(Event::ClockStepped);
        }
        if let Some(event) = parts.node.breaker.event(now) {
            return Some(event);
        }
        while let Some(row) = parts.tables.peers.next_marked() {
            if !core::mem::take(&mut row.sanctioned) {
                continue;
            }
            let peer = row.peer;
            let (until, reason) = match parts.sanction(now, &peer) {
                Some(ban) => {
                    let found = parts.tables.bans.view().find(&parts.rules.seed, &peer);
                    (ban.retry_at, found.map_or(ban.reason, |(_, row)| row.reason))
                }
                // No room for a ban: it is only disconnected.
                None => (Some(now), Reason::TableFull),
            };
            return Some(Event::Sanctioned { peer, until, reason });
        }
        while let Some(row) = parts.tables.identities.next_marked() {
            let id = row.id;
            if core::mem::take(&mut row.sanctioned)
                && let Some(until) = row.ban.active(now)
            {
                let (reason, more) = (row.ban_reason, row.told != Told::Nothing);
                if more && let Some(place) = parts.tables.identities.find(&parts.rules.seed, &id) {
                    parts.tables.identities.mark(place);
                }
                return Some(Event::IdentityBanned { identity: id, until, reason });
            }
            match core::mem::take(&mut row.told) {
                Told::Nothing => {}
                Told::Registered => return Some(Event::Registered(id)),
                Told::Suspended => return Some(Event::Suspended(id)),
                Told::Resumed => return Some(Event::Resumed(id)),
                Told::Rotated => return Some(Event::Rotated(id)),
            }
        }
        None
    }
}
