//! Deadlines and events.

use super::Gate;
use crate::event::Event;
use crate::identities::{IdentityRow, Told};
use crate::storage::Storage;
use crate::{Decision, Millis, Reason, Timestamp};

/// How often rows that have ended are swept out. A sweep is for space; decisions use the time
/// they are given (policy §2).
const SWEEP: Millis = Millis::from_mins(5);

impl<S: Storage> Gate<S> {
    /// When [`Gate::handle_timeout`] wants to be called next: for a sweep, or for a sanction that
    /// waits. Calling it early does nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Timestamp {
        self.node.next_sweep.min(self.node.prove_by).min(self.node.breaker.due())
    }

    /// Applies the sanctions that are due, disconnects who proved no identity, and sweeps out
    /// what has ended, if it is time. Returns whether rows were swept, so that what hangs on them
    /// can be dropped, too.
    pub fn handle_timeout(&mut self, now: Timestamp) -> bool {
        let mut parts = self.parts(now);
        parts.end_proofs(now);
        if now < parts.node.next_sweep || parts.node.next_sweep == Timestamp::NEVER {
            return false;
        }
        parts.node.next_sweep = now.saturating_add(SWEEP);
        parts.settle_rotations();
        parts.sweep_keys(now);
        let policy = &parts.rules.policy;
        parts.tables.peers.remove_if(&parts.rules.seed, |row| row.is_fresh(now, policy));
        parts.sweep_bans(now);
        true
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
            let row = row.clone();
            let peer = row.peer;
            let found = parts.tables.bans.view().find(&parts.rules.seed, &peer);
            if let Some(ban) = parts.sanction(now, &peer) {
                let reason = found.map_or(ban.reason, |(_, row)| row.reason);
                return Some(Event::Sanctioned { peer, until: ban.retry_at, reason });
            }
            if !row.unproven {
                if found.is_some() {
                    // Its ban has ended.
                    continue;
                }
                // No room for a ban: it is only disconnected.
                let (until, reason) = (Some(now), Reason::TableFull);
                return Some(Event::Sanctioned { peer, until, reason });
            }
            let until = row.since.saturating_add(parts.rules.policy.sanctions.proof);
            match parts.unproven(now, &row) {
                // The group's ban has ended.
                None => {}
                Some(_) if now < until => return Some(Event::ProveIdentity { peer, until }),
                Some(Decision { reason, retry_at, .. }) => {
                    return Some(Event::Sanctioned { peer, until: retry_at, reason });
                }
            }
        }
        while let Some(row) = parts.tables.groups.next_marked() {
            if let Some(until) = row.ban(now) {
                return Some(Event::GroupBanned { group: row.tag(), until });
            }
        }
        if !core::mem::replace(&mut parts.node.posture_told, true) {
            return Some(Event::PostureChanged(parts.node.posture));
        }
        if let Some(row) = parts.tables.tombstones.next_marked() {
            return Some(Event::Displaced(row.id));
        }
        while let Some(row) = parts.tables.identities.next_marked() {
            let id = row.id;
            let sanctioned = row.flags.take(IdentityRow::SANCTIONED);
            if sanctioned && let Some(until) = row.ban.active(now) {
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
