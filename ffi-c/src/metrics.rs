//! Counters and gauges.

use ltms_core::Metrics;

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::raw::{self, Growing};
use crate::status::{self, ltms_status};
use crate::types::time;

/// Counters and gauges.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_metrics {
    /// sizeof(ltms_metrics).
    pub struct_size: u32,
    /// Mean score of the identities, rounded down.
    pub average_reputation_score: u8,
    /// One of the LTMS_POSTURE numbers.
    pub posture: u8,
    /// 1 if the breaker is open.
    pub breaker_open: u8,
    /// Zero.
    pub reserved: u8,
    /// Window violations counted against peers and keys.
    pub rate_limit_violations: u64,
    /// Sanctions begun.
    pub peers_blocked: u64,
    /// Identities registered at present.
    pub identities_registered: u64,
    /// Sum of their burns, in satoshis.
    pub total_burned_sats: u64,
    /// The same per identity.
    pub average_burn_per_identity_sats: u64,
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
    /// Bans that found no room.
    pub bans_not_recorded: u64,
    /// Bans that the ban of their address group stands for.
    pub bans_merged: u64,
    /// Address groups banned at present.
    pub banned_groups: u64,
    /// Rows of the ban table that the operator's bans have.
    pub operator_bans: u64,
    /// Rows of the ban table that all other bans have.
    pub automatic_bans: u64,
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
    /// How often the breaker has opened.
    pub breaker_opened: u64,
    /// How often an open breaker kept a peer from a sanction.
    pub sanctions_spared: u64,
    /// How often the clock stepped forward by more than an hour.
    pub clock_steps_forward: u64,
    /// How often the clock stepped back by more than a minute.
    pub clock_steps_back: u64,
    /// Messages taken only because windows are observed.
    pub would_windows: u64,
    /// Messages taken only because key limits are observed.
    pub would_keys: u64,
    /// Connections that only pass because group limits are observed.
    pub would_groups: u64,
    /// Automatic bans that did not begin because sanctions are observed.
    pub would_sanctions: u64,
}

// SAFETY: integers only, the first of which is the size; all zeros is a value of each.
unsafe impl Growing for ltms_metrics {
    const FIRST: usize = 280;
    // SAFETY: as above.
    const EMPTY: Self = unsafe { core::mem::zeroed() };
}

impl From<Metrics> for ltms_metrics {
    fn from(metrics: Metrics) -> Self {
        macro_rules! same {
            ($($field:ident)*) => {
                Self {
                    total_burned_sats: metrics.total_burned.sats(),
                    average_burn_per_identity_sats: metrics.average_burn_per_identity.sats(),
                    posture: metrics.posture.into(),
                    breaker_open: metrics.breaker_open.into(),
                    $($field: metrics.$field,)*
                    ..Self::EMPTY
                }
            };
        }
        same! {
            average_reputation_score rate_limit_violations peers_blocked identities_registered
            peers_with_bad_reputation expired_entries_dropped blacklisted_peers graylisted_peers
            active_peers advertised_keys signature_checks bans_not_recorded bans_merged
            banned_groups operator_bans automatic_bans identities_lapsed identities_displaced
            keys_displaced tombstones searches identity_faults identities_banned allowed_peers
            sanctions_held breaker_opened sanctions_spared clock_steps_forward clock_steps_back
            would_windows would_keys would_groups would_sanctions
        }
    }
}

/// Counters and gauges at a time. `metrics->struct_size` has to be set.
///
/// Errors: LTMS_STRUCT_SIZE.
/// Threads: one at a time for a Gate. Passes over all tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_metrics(
    gate: *mut ltms_gate,
    metrics: *mut ltms_metrics,
    now_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(metrics)?;
        out.write(&with(gate, |gate| Ok(gate.metrics(time(now_ms))))?.into());
        Ok(())
    })
}

/// How many decisions had this reason, one of the LTMS_REASON numbers.
///
/// Errors: LTMS_VALUE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_decisions(
    gate: *mut ltms_gate,
    count: *mut u64,
    reason: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (count, reason) = (raw::out(count)?, status::reason(reason)?);
        count.write(with(gate, |gate| Ok(gate.decisions(reason)))?);
        Ok(())
    })
}

const _: () = assert!(size_of::<ltms_metrics>() == 280);
