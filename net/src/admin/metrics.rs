//! What a node counts, as OpenMetrics text. Labels are few and fixed: none names a peer.

use std::fmt::Write;

use ltms_core::{Fill, Metrics, Reason};
use serde_json::{Map, Value};

use crate::handle::Handle;

/// The media type of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How a number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Only upwards.
    Counter,
    /// Up and down.
    Gauge,
}

use Kind::{Counter, Gauge};

/// Every field of [`Metrics`]: name, kind, meaning.
const FIELDS: &[(&str, Kind, &str)] = &[
    ("rate_limit_violations", Counter, "Window violations counted against peers and keys"),
    ("peers_blocked", Counter, "Sanctions begun"),
    ("identities_registered", Gauge, "Identities registered"),
    ("total_burned", Gauge, "Sum of the burns of registered identities, in satoshis"),
    ("average_burn_per_identity", Gauge, "Mean burn of an identity, in satoshis"),
    ("average_reputation_score", Gauge, "Mean score of the identities, 0 to 100"),
    ("peers_with_bad_reputation", Gauge, "Identities with a score below 30"),
    ("expired_entries_dropped", Counter, "Expired messages refused and expired rows dropped"),
    ("blacklisted_peers", Gauge, "Peers banned until lifted"),
    ("graylisted_peers", Gauge, "Peers banned until a time"),
    ("active_peers", Gauge, "Peers connected"),
    ("advertised_keys", Gauge, "Keys with a live advertisement"),
    ("signature_checks", Counter, "Signatures checked"),
    ("bans_not_recorded", Counter, "Bans that found no room"),
    ("bans_merged", Counter, "Bans for which the ban of their address group stands"),
    ("banned_groups", Gauge, "Narrow address groups whose strangers are banned"),
    ("operator_bans", Gauge, "Rows of the ban table in the operator's part"),
    ("automatic_bans", Gauge, "Rows of the ban table in the automatic part"),
    ("posture", Gauge, "How strangers are treated: 0 as the windows say, 1 lockdown, 2 guarded"),
    ("identities_lapsed", Counter, "Identities given up because their burn did not come back"),
    ("identities_displaced", Counter, "Identities whose row another took in a full table"),
    ("keys_displaced", Counter, "Keys in use whose row another took in a full table"),
    ("tombstones", Gauge, "Identities without a row of which something is remembered"),
    ("searches", Counter, "Searches of a full table for a row that may leave"),
    ("identity_faults", Counter, "Proven faults of identities"),
    ("identities_banned", Counter, "Bans of identities begun"),
    ("allowed_peers", Gauge, "Peers on the allow-list"),
    ("sanctions_held", Gauge, "Sanctions for window violations that wait"),
    ("breaker_open", Gauge, "Whether window violations are not sanctioned at present"),
    ("breaker_opened", Counter, "Times that the breaker opened"),
    ("sanctions_spared", Counter, "Sanctions for window violations that the breaker dropped"),
    ("clock_steps_forward", Counter, "Steps of the clock forward by more than an hour"),
    ("clock_steps_back", Counter, "Steps of the clock back"),
    ("would_windows", Counter, "Refusals by windows that were only observed"),
    ("would_keys", Counter, "Refusals by key limits that were only observed"),
    ("would_groups", Counter, "Refusals by group limits that were only observed"),
    ("would_sanctions", Counter, "Sanctions that were only observed"),
];

/// The text for a scraper: what the Gate counts, what the node counts beside it, and what libp2p
/// counts.
pub(super) fn text(
    handle: &Handle,
    metrics: &Metrics,
    decisions: &[(Reason, u64)],
    fill: &[Fill],
) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("# HELP ltms_build What runs on which network."));
    line(&mut text, format_args!("# TYPE ltms_build info"));
    let (version, network) = (env!("CARGO_PKG_VERSION"), handle.network.name());
    let labels = format_args!("version=\"{version}\",network=\"{network}\"");
    line(&mut text, format_args!("ltms_build_info{{{labels}}} 1"));
    gate(&mut text, metrics, decisions, fill);
    // Writing to a string cannot fail.
    let _ = handle.meters.write(&mut text);
    text.push_str("# EOF\n");
    text
}

fn gate(text: &mut String, metrics: &Metrics, decisions: &[(Reason, u64)], fill: &[Fill]) {
    let values = match serde_json::to_value(metrics) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    };
    for (name, kind, help) in FIELDS {
        let suffix = if *kind == Counter { "_total" } else { "" };
        let value = match values.get(*name) {
            Some(Value::Bool(holds)) => u64::from(*holds),
            value => value.and_then(Value::as_u64).unwrap_or(0),
        };
        family(text, name, *kind, help);
        line(text, format_args!("ltms_{name}{suffix} {value}"));
    }
    family(text, "decisions", Counter, "Decisions by verdict and reason");
    // Those that never were, too, so that the first of them is seen as a rise.
    for reason in Reason::ALL {
        let known = decisions.iter().find(|(known, _)| known == reason);
        let count = known.map_or(0, |(_, count)| *count);
        let verdict = format!("{:?}", reason.verdict()).to_lowercase();
        let labels = format_args!("verdict=\"{verdict}\",reason=\"{reason}\"");
        line(text, format_args!("ltms_decisions_total{{{labels}}} {count}"));
    }
    family(text, "table_rows", Gauge, "Rows of a table that are in use");
    for Fill { table, rows, .. } in fill {
        line(text, format_args!("ltms_table_rows{{table=\"{table}\"}} {rows}"));
    }
    family(text, "table_capacity", Gauge, "Rows that a table has");
    for Fill { table, capacity, .. } in fill {
        line(text, format_args!("ltms_table_capacity{{table=\"{table}\"}} {capacity}"));
    }
}

fn family(text: &mut String, name: &str, kind: Kind, help: &str) {
    let kind = if kind == Counter { "counter" } else { "gauge" };
    line(text, format_args!("# HELP ltms_{name} {help}."));
    line(text, format_args!("# TYPE ltms_{name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_gate_is_told() {
        let Ok(Value::Object(values)) = serde_json::to_value(Metrics::default()) else {
            panic!("no object")
        };
        for name in values.keys() {
            assert!(FIELDS.iter().any(|(field, ..)| field == name), "{name} has no line here");
        }
        assert_eq!(FIELDS.len(), values.len());
    }
}
