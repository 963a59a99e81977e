//! Clocks that step (policy §2).

use super::Parts;
use super::burns::ANCHORED;
use crate::floor::Floor;
use crate::time::Seconds;
use crate::{Millis, Timestamp};

/// A clock may be corrected by this much without anything being cut.
const JITTER: Millis = Millis::from_mins(1);
/// A step forward by more than this is told, and nothing is swept for a while: what has ended only
/// by a wrong clock should still be there when it is right again.
const LEAP: Millis = Millis::from_hours(1);
/// How long.
pub(crate) const POSTPONED: Millis = Millis::from_mins(10);

impl Parts<'_> {
    /// Notices when the clock has stepped. Back: cuts every stored deadline to the latest
    /// that its rule can give: a ban of an hour must not last for the days that the clock was
    /// ahead. Freshness always uses the time as it is given.
    pub(crate) fn look_at_clock(&mut self, now: Timestamp) {
        if now.saturating_add(JITTER) >= self.node.latest {
            let known = self.node.latest != Timestamp::EPOCH;
            if known && now.since(self.node.latest) > LEAP {
                self.node.stepped = true;
                self.node.next_sweep = now.saturating_add(POSTPONED);
                let steps = &mut self.node.counters.clock_steps_forward;
                *steps = steps.saturating_add(1);
            }
            self.node.latest = self.node.latest.max(now);
            return;
        }
        let steps = &mut self.node.counters.clock_steps_back;
        *steps = steps.saturating_add(1);
        self.node.latest = now;
        self.cut_deadlines(now);
    }

    pub(crate) fn cut_deadlines(&mut self, now: Timestamp) {
        let policy = &self.rules.policy;
        let (windows, sanctions) = (&policy.windows, &policy.sanctions);
        let tip = self.node.tip_height();
        self.node.signatures.cut(windows.node_signatures, now);
        self.node.headers.cut(windows.node_header, now);
        self.node.inbound_headers.cut(windows.node_header.halved(), now);
        self.node.bans.due = Timestamp::EPOCH;
        self.node.prove_by = Timestamp::NEVER;
        self.node.next_sweep = self.node.next_sweep.min(now);
        self.node.breaker.cut(&policy.breaker, now);
        if let Some(doubt) = &mut self.node.doubt {
            doubt.since = doubt.since.min(now);
        }
        for row in self.tables.peers.rows_mut() {
            row.since = row.since.min(now);
            if row.unproven && row.connections > 0 {
                let end = row.since.saturating_add(sanctions.proof);
                self.node.prove_by = self.node.prove_by.min(end);
            }
            row.held_until = row.held_until.cut(now, policy.breaker.hold);
            if row.is_held() {
                self.node.breaker.wait_for(row.held_until);
            }
            row.messages.cut(windows.connection, now);
            row.signatures.cut(windows.signatures, now);
            row.headers.cut(windows.header, now);
            for tally in
                [&mut row.violations, &mut row.invalid, &mut row.malformed, &mut row.passed_on]
            {
                tally.cut(now);
            }
        }
        for row in self.tables.bans.rows_mut() {
            row.graylisting.cut(now, sanctions.graylist_max);
            row.first = Seconds::of(row.first.time().min(now));
            row.last = Seconds::of(row.last.time().min(now));
            row.tried = row.tried.min(now);
        }
        for row in self.tables.groups.rows_mut() {
            row.until = row.until.cut(now, sanctions.group_ban);
        }
        for row in self.tables.peers.rows_mut() {
            let bans = self.tables.bans.view();
            let ban = bans.find(&self.rules.seed, &row.peer);
            row.banned_until = ban.map_or(Timestamp::EPOCH, |(_, ban)| ban.until());
        }
        for row in self.tables.identities.rows_mut() {
            let quota = row.quota(policy, tip);
            row.window.cut(quota, now);
            row.ban.cut(now, sanctions.identity_ban_max);
            row.faults.cut(now);
            row.reputation.cut(now);
            row.cut_use(now);
            row.cut_proof(now, ANCHORED);
        }
        for row in self.tables.tombstones.rows_mut() {
            row.cut(now, sanctions.identity_ban_max);
        }
        self.node.halves.forget();
        self.node.keys.floor = Floor::UNKNOWN;
        let longest = policy.freshness.max_lifetime.saturating_add(policy.future());
        let interval = windows.advertisement.interval();
        for row in self.tables.keys.rows_mut() {
            row.window.cut(windows.advertisement, now);
            row.graylisting.cut(now, sanctions.graylist_max);
            row.violations.cut(now);
            row.cut(now, longest);
            row.cut_watermark(now, policy.future(), interval);
        }
        for row in self.tables.outcomes.rows_mut() {
            row.last = row.last.min(now);
            row.successes.iter_mut().for_each(|at| *at = (*at).min(now));
        }
        for cell in self.tables.cells.iter_mut() {
            cell.cut(policy, now);
        }
    }
}
