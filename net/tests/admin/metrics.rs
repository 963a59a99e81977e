//! What `/metrics` and `/api/v1/status` tell, against the policy and by the rules of OpenMetrics.

use std::{collections::BTreeMap, time::Duration};

use libp2p::Multiaddr;
use ltms_core::Reason;
use ltms_net::{Node, NodeEvent, admin::Admin};
use tokio::time::timeout;

use super::{
    asked, builder, http, json, node,
    open_metrics::{Family, parse},
};

/// The fields of policy §12, and what has to be there besides.
const POLICY: [&str; 20] = [
    "rate_limit_violations",
    "peers_blocked",
    "identities_registered",
    "total_burned",
    "average_burn_per_identity",
    "average_reputation_score",
    "peers_with_bad_reputation",
    "expired_entries_dropped",
    "dht_queries_per_minute",
    "average_query_latency_seconds",
    "blacklisted_peers",
    "graylisted_peers",
    "active_peers",
    "decisions",
    "signature_checks",
    "signature_check_seconds",
    "table_rows",
    "posture",
    "breaker_open",
    "clock_steps_forward",
];

/// Labels that a family of ours may have; `le` parts the buckets of a histogram.
const LABELS: [&str; 7] = ["verdict", "reason", "table", "version", "network", "cause", "le"];

pub(crate) async fn scraped(node: &Node) -> BTreeMap<String, Family> {
    let admin = Admin::open(node.handle(), http()).await.expect("open");
    let (status, text) = asked(&admin, "GET", "/metrics").await;
    assert_eq!(status, 200);
    admin.close().await;
    parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Two nodes that are connected and know each other's agent.
async fn two() -> (Node, Node) {
    let local: Multiaddr = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
    let one = builder().server(true).listen(local).start().await.expect("a node");
    let address = one.handle().addresses()[0].clone();
    let mut events = one.handle().subscribe();
    let other = builder().bootstrap(address).start().await.expect("a node");
    let connected = async {
        while !matches!(events.recv().await, Ok(NodeEvent::Connected(_))) {}
        // What is told next is told after identify, on the same connection.
        let peers = one.handle().peers().await.expect("peers");
        one.handle().ask_peer(peers[0], ltms_net::behaviour::streams::Request::Challenge).await
    };
    let answer = timeout(Duration::from_secs(30), connected).await.expect("in time");
    answer.expect("an answer");
    (one, other)
}

#[tokio::test]
async fn every_field_of_the_policy_is_told_by_the_rules_of_open_metrics() {
    let (one, other) = two().await;
    let families = scraped(&one).await;
    for name in POLICY {
        assert!(families.contains_key(&format!("ltms_{name}")), "no ltms_{name}");
    }
    assert_eq!(families["ltms_active_peers"].samples[0].value, 1.0);
    for (name, family) in families.iter().filter(|(name, _)| name.starts_with("ltms_")) {
        assert!(!family.samples.is_empty(), "{name} has no sample");
        for (label, _) in family.samples.iter().flat_map(|sample| &sample.labels) {
            assert!(LABELS.contains(&label.as_str()), "{name} has a label {label}");
        }
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn libp2p_counts_too_and_knows_no_topic_but_ours() {
    let (one, other) = two().await;
    let families = scraped(&one).await;
    for name in [
        "swarm_connections_established",
        "identify_received",
        "kad_query_result_get_record_ok",
        "gossipsub_heartbeat_duration",
        "ping_rtt_seconds",
        "bandwidth_bytes",
    ] {
        assert!(families.contains_key(&format!("libp2p_{name}")), "no libp2p_{name}");
    }
    let established = &families["libp2p_swarm_connections_established"].samples[0];
    assert_eq!(established.value, 1.0);
    let topics = &families["libp2p_gossipsub_topic_subscription_status"].samples;
    let topics: Vec<_> = topics.iter().flat_map(|sample| &sample.labels).collect();
    assert_eq!(topics.len(), 3);
    assert!(topics.iter().all(|(_, topic)| topic.starts_with("ltms/1/reg/")), "{topics:?}");
    let moved = families["libp2p_bandwidth_bytes"].samples.iter();
    assert!(moved.clone().all(|sample| sample.value > 0.0), "{moved:?}");
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn every_reason_is_told_from_the_start() {
    let node = node().await;
    let families = scraped(&node).await;
    let decisions = &families["ltms_decisions"].samples;
    assert_eq!(decisions.len(), Reason::ALL.len());
    assert!(decisions.iter().all(|sample| sample.name == "ltms_decisions_total"));
    node.stop().await;
}

#[tokio::test]
async fn the_status_says_who_the_node_is() {
    let node = node().await;
    let admin = Admin::open(node.handle(), http()).await.expect("open");
    let (_, body) = asked(&admin, "GET", "/api/v1/status").await;
    assert_eq!(json(&body)["network"], "reg");
    assert_eq!(json(&body)["peer"], node.handle().peer_id().to_string());
    admin.close().await;
    node.stop().await;
}
