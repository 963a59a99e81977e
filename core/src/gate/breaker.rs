//! The breaker: when many peers that we chose look hasty at once, we are what is slow (policy §4).
//!
//! A window sanction against an outbound peer waits, to see whether others follow. If enough do,
//! the breaker opens: the sanctions that wait are dropped, and as long as it is open nobody's count
//! reaches the limit. It stays one short of it, so whoever goes on afterwards is sanctioned then.

use super::Parts;
use super::sanctions::Digest;
use crate::event::Event;
use crate::packed::Packed;
use crate::peers::PeerRow;
use crate::score::Tally;
use crate::snapshot::record;
use crate::{Breaker, Millis, PeerId, Reason, Timestamp};

const DAY: Millis = Millis::from_hours(24);

/// What the breaker remembers.
#[derive(Clone)]
pub(crate) struct Fuse {
    open_until: Timestamp,
    /// How often it opened in this day, which began with the first time.
    openings: Tally,
    /// When a sanction that waits is due, or the breaker closes.
    due: Timestamp,
    /// Told last: it is open.
    told: bool,
}

record!(Fuse: open_until, openings; not due, told);

impl Fuse {
    pub(crate) const CLOSED: Self = Self {
        open_until: Timestamp::EPOCH,
        openings: Tally::ZERO,
        due: Timestamp::NEVER,
        told: false,
    };

    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        now < self.open_until
    }

    pub(crate) const fn due(&self) -> Timestamp {
        self.due
    }

    /// What has to be told, if that has changed.
    pub(crate) fn event(&mut self, now: Timestamp) -> Option<Event> {
        let open = self.is_open(now);
        if core::mem::replace(&mut self.told, open) == open {
            return None;
        }
        Some(if open {
            Event::BreakerOpened { until: self.open_until }
        } else {
            Event::BreakerClosed
        })
    }

    /// Shortens what a clock that stepped back left behind.
    pub(crate) fn cut(&mut self, policy: &Breaker, now: Timestamp) {
        self.open_until = self.open_until.cut(now, policy.hold);
        self.due = if self.is_open(now) { self.open_until } else { Timestamp::NEVER };
        self.openings.cut(now);
    }

    /// Notes that a sanction is due then.
    pub(crate) fn wait_for(&mut self, due: Timestamp) {
        self.due = self.due.min(due);
    }
}

impl PeerRow {
    /// Whether a window sanction waits.
    pub(crate) fn is_held(&self) -> bool {
        self.held_until != Timestamp::EPOCH
    }
}

impl Parts<'_> {
    /// A peer has violated windows as often as sanctions: bans it, or holds that back.
    pub(crate) fn sanction_haste(&mut self, now: Timestamp, peer: &PeerId, evidence: Digest) {
        let (limit, hold) =
            (self.rules.policy.sanctions.violations, self.rules.policy.breaker.hold);
        let open = self.node.breaker.is_open(now);
        let allowed = self.is_allowed(peer);
        let Some(row) = self.peer(peer) else { return };
        if allowed || open {
            row.violations.cap(limit.saturating_sub(1));
            let spared = &mut self.node.counters.sanctions_spared;
            *spared = spared.saturating_add(open.into());
            return;
        }
        if !row.is_outbound() {
            row.violations.clear();
            self.sanction_peer(now, peer, Reason::TooSoon, false, evidence);
            return;
        }
        if row.is_held() {
            return;
        }
        let until = now.saturating_add(hold);
        row.held_until = until;
        row.held_evidence = evidence;
        self.node.breaker.wait_for(until);
        self.try_breaker(now);
    }

    /// Opens the breaker if enough outbound peers wait for a sanction. All of them were held
    /// within the last `hold`.
    fn try_breaker(&mut self, now: Timestamp) {
        let policy = self.rules.policy.breaker;
        let peers = self.tables.peers.view();
        // Who was held back and is just gone may be so for the same reason.
        let outbound = || {
            let rows = peers.iter().map(|(_, row)| row);
            rows.filter(|row| row.is_outbound() && (row.connections > 0 || row.is_held()))
        };
        let held = || outbound().filter(|row| row.is_held()).map(|row| row.groups.wide);
        let is_first = |at: usize, group: Packed<4>| !held().take(at).any(|other| other == group);
        let groups = held().enumerate().filter(|(at, group)| is_first(*at, *group)).count();
        let (all, held) = (outbound().count(), held().count());
        let many = held.saturating_mul(1000) > all.saturating_mul(policy.share.into())
            && held >= policy.peers.into()
            && groups >= policy.groups.into();
        let fuse = &mut self.node.breaker;
        if !many || fuse.openings.count(now, DAY) >= policy.daily {
            return;
        }
        fuse.openings.add(now, DAY);
        fuse.open_until = now.saturating_add(policy.hold);
        fuse.due = fuse.open_until;
        let counters = &mut self.node.counters;
        counters.breaker_opened = counters.breaker_opened.saturating_add(1);
        let limit = self.rules.policy.sanctions.violations;
        for row in self.tables.peers.rows_mut().filter(|row| row.is_held()) {
            row.held_until = Timestamp::EPOCH;
            row.violations.cap(limit.saturating_sub(1));
            counters.sanctions_spared = counters.sanctions_spared.saturating_add(1);
        }
    }

    /// Applies the sanctions that have waited for long enough, as of when they were due: it does
    /// not matter how late somebody looks.
    pub(crate) fn apply_held(&mut self, now: Timestamp) {
        if now < self.node.breaker.due {
            return;
        }
        let open_until = self.node.breaker.open_until;
        let mut next = if now < open_until { open_until } else { Timestamp::NEVER };
        for place in self.tables.peers.places() {
            let Some(row) = self.tables.peers.get_mut(place) else { continue };
            if !row.is_held() {
                continue;
            }
            let due = row.held_until;
            if now < due {
                next = next.min(due);
                continue;
            }
            row.held_until = Timestamp::EPOCH;
            row.violations.clear();
            let (peer, evidence) = (row.peer, row.held_evidence);
            // By now the operator may want windows to be observed only.
            if self.may_sanction_haste() {
                self.sanction_peer(due, &peer, Reason::TooSoon, false, evidence);
            }
        }
        self.node.breaker.due = next;
    }
}
