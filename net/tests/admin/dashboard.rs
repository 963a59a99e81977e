//! The Grafana dashboard and the Prometheus alerts, against what a node tells.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{metrics::scraped, node};

const DASHBOARD: &str = include_str!("../../../dist/grafana/ltms.json");
const RULES: &str = include_str!("../../../dist/prometheus/ltms.rules.yml");

/// The names of metrics in a query.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
    words.filter(|word| word.starts_with("ltms_") || word.starts_with("libp2p_"))
}

/// Every query of the panels.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
}

/// The families of a node, each with the names that its samples may have.
async fn told() -> (BTreeSet<String>, Vec<String>) {
    let node = node().await;
    let families = scraped(&node).await;
    node.stop().await;
    let mut samples = BTreeSet::new();
    for (name, family) in &families {
        let suffixes: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        samples.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    let own = families.into_keys().filter(|name| name.starts_with("ltms_")).collect();
    (samples, own)
}

/// libp2p tells a family once there is something in it, so that these are not told by a node that
/// nobody has spoken to yet.
const LATER: [&str; 3] = [
    "libp2p_bandwidth_bytes_total",
    "libp2p_swarm_connections_established_total",
    "libp2p_gossipsub_topic_msg_recv_counts_total",
];

#[tokio::test]
async fn every_panel_and_alert_asks_for_what_a_node_tells() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let (samples, _) = told().await;
    let asked = queries(&dashboard);
    assert!(asked.len() > 30, "{}", asked.len());
    let alerts: Vec<_> =
        RULES.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert_eq!(alerts.len(), RULES.matches("- alert: ").count());
    for query in asked.iter().map(String::as_str).chain(alerts) {
        assert!(names(query).next().is_some(), "{query} asks for nothing");
        for name in names(query) {
            assert!(samples.contains(name) || LATER.contains(&name), "no {name}, in {query}");
        }
    }
}

#[tokio::test]
async fn every_family_of_ours_is_on_a_panel() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let queries = queries(&dashboard);
    let asked: BTreeSet<_> = queries.iter().flat_map(|query| names(query)).collect();
    let (_, own) = told().await;
    for family in own {
        let shown = ["", "_total", "_info", "_bucket"];
        let shown = shown.iter().any(|suffix| asked.contains(format!("{family}{suffix}").as_str()));
        assert!(shown, "{family} is on no panel");
    }
}
