//! Counters and gauges of a Gate, with fixed labels.

use crate::packed::Packed;
use crate::{Amount, Decision, Posture, Reason};

/// Decisions by their reason, and other counts.
#[derive(Clone)]
pub(crate) struct Counters {
    verdicts: [Packed<5>; Reason::ALL.len()],
    pub(crate) signature_checks: u64,
    pub(crate) rate_limit_violations: u64,
    pub(crate) peers_blocked: u64,
    pub(crate) expired_entries_dropped: u64,
    pub(crate) bans_not_recorded: u64,
    pub(crate) bans_merged: u64,
    pub(crate) identities_lapsed: u64,
    pub(crate) identities_displaced: u64,
    pub(crate) keys_displaced: u64,
    pub(crate) searches: u64,
    pub(crate) identity_faults: u64,
    pub(crate) identities_banned: u64,
    pub(crate) breaker_opened: u64,
    pub(crate) sanctions_spared: u64,
    pub(crate) clock_steps_forward: u64,
    pub(crate) clock_steps_back: u64,
    pub(crate) would_windows: u64,
    pub(crate) would_keys: u64,
    pub(crate) would_groups: u64,
    pub(crate) would_sanctions: u64,
}

impl Counters {
    pub(crate) const ZERO: Self = Self {
        verdicts: [Packed::ZERO; Reason::ALL.len()],
        signature_checks: 0,
        rate_limit_violations: 0,
        peers_blocked: 0,
        expired_entries_dropped: 0,
        bans_not_recorded: 0,
        bans_merged: 0,
        identities_lapsed: 0,
        identities_displaced: 0,
        keys_displaced: 0,
        searches: 0,
        identity_faults: 0,
        identities_banned: 0,
        breaker_opened: 0,
        sanctions_spared: 0,
        clock_steps_forward: 0,
        clock_steps_back: 0,
        would_windows: 0,
        would_keys: 0,
        would_groups: 0,
        would_sanctions: 0,
    };

    /// Counts a look at every row of a full table.
    pub(crate) const fn count_search(&mut self) {
        self.searches = self.searches.saturating_add(1);
    }

    /// Counts a decision and passes it on.
    pub(crate) fn note(&mut self, decision: Decision) -> Decision {
        if let Some(count) = self.verdicts.get_mut(decision.reason.index()) {
            count.count();
        }
        decision
    }

    pub(crate) fn of(&self, reason: Reason) -> u64 {
        self.verdicts.get(reason.index()).map_or(0, |count| count.get())
    }
}

/// How a Gate is doing (the analysis's `SecurityMetrics`, as far as the core knows them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Metrics {
    /// Window violations counted against peers and keys.
    pub rate_limit_violations: u64,
    /// Sanctions begun.
    pub peers_blocked: u64,
    /// Identities registered at present.
    pub identities_registered: u64,
    /// Sum of their burns.
    pub total_burned: Amount,
    /// The same per identity; zero without identities.
    pub average_burn_per_identity: Amount,
    /// Mean score, rounded down; zero without identities.
    pub average_reputation_score: u8,
    /// Identities with a score below 30.
    pub peers_with_bad_reputation: u64,
    /// Expired messages refused and expired rows dropped.
    pub expired_entries_dropped: u64,
    /// Peers banned until lifted.
    pub blacklisted_peers: u64,
    /// Peers banned until a time.
    pub graylisted_peers: u64,
    /// Peers connected.
    pub active_peers: u64,
    /// Keys with a live advertisement.
    pub advertised_keys: u64,
    /// Signatures that were checked.
    pub signature_checks: u64,
    /// Bans that found no room; their peers were only disconnected.
    pub bans_not_recorded: u64,
    /// Bans that the ban of their address group stands for.
    pub bans_merged: u64,
    /// Address groups banned at present.
    pub banned_groups: u64,
    /// Rows of the ban table that the operator's bans have.
    pub operator_bans: u64,
    /// Rows of the ban table that all other bans have.
    pub automatic_bans: u64,
    /// How strangers are treated.
    pub posture: Posture,
    /// Identities given up because their burn did not come back.
    pub identities_lapsed: u64,
    /// Identities whose row another took in a full table.
    pub identities_displaced: u64,
    /// Keys with a live advertisement whose row another took in a full table.
    pub keys_displaced: u64,
    /// Identities without a row of which something is remembered.
    pub tombstones: u64,
    /// Searches of a full table for a row that may leave.
    pub searches: u64,
    /// Proven faults of identities.
    pub identity_faults: u64,
    /// Bans of identities begun for proven faults.
    pub identities_banned: u64,
    /// Peers on the operator's allow-list.
    pub allowed_peers: u64,
    /// Sanctions for window violations that wait at present.
    pub sanctions_held: u64,
    /// Whether the breaker is open.
    pub breaker_open: bool,
    /// How often it has opened.
    pub breaker_opened: u64,
    /// How often an open breaker kept a peer from a sanction.
    pub sanctions_spared: u64,
    /// How often the clock stepped forward by more than an hour.
    pub clock_steps_forward: u64,
    /// How often the clock stepped back by more than a minute.
    pub clock_steps_back: u64,
    /// Messages taken only because windows are observed ([`crate::Mode::Observe`]).
    pub would_windows: u64,
    /// Messages taken only because key limits are observed.
    pub would_keys: u64,
    /// Connections that only pass because group limits are observed.
    pub would_groups: u64,
    /// Automatic bans that did not begin because sanctions are observed.
    pub would_sanctions: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_counter() {
        let mut counters = Counters::ZERO;
        for reason in Reason::ALL {
            let _ = counters.note((*reason).into());
            assert_eq!(counters.of(*reason), 1, "{reason}");
        }
    }
}
