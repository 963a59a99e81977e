//! `docs/network.md` and the code have the same numbers.

use std::{collections::BTreeMap, time::Duration};

use ltms_core::Network;
use ltms_net::behaviour::{deliveries, dht, gossip, records, routing, scores};

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[allow(clippy::cast_precision_loss, reason = "they are small")]
fn count(number: usize) -> f64 {
    number as f64
}

fn bounds() -> Vec<(&'static str, f64)> {
    let config = gossip::config(Network::Main, false).expect("consistent");
    let topic = gossip::Topic::Ads.on(Network::Main).hash();
    let mesh = config.mesh_n_for_topic(&topic);
    vec![
        ("max_transmit_size", count(config.max_transmit_size())),
        ("max_transmit_size_for_topic", count(config.max_transmit_size_for_topic(&topic))),
        ("connection_handler_queue_len", count(config.connection_handler_queue_len())),
        ("max_control_messages_sent", count(config.max_control_messages_sent())),
        ("max_control_message_size", count(config.max_control_message_size())),
        ("max_publish_messages", count(config.max_publish_messages())),
        ("subscriptions", count(gossip::SUBSCRIPTIONS)),
        ("rpcs", f64::from(gossip::RPCS)),
        ("max_ihave_messages_heartbeat", count(config.max_ihave_messages_heartbeat())),
        ("gossip_retransimission", f64::from(config.gossip_retransimission())),
        ("iwant_followup_time_s", seconds(config.iwant_followup_time())),
        ("heartbeat_interval_s", seconds(config.heartbeat_interval())),
        ("history_length", count(config.history_length())),
        ("history_gossip", count(config.history_gossip())),
        ("gossip_factor", config.gossip_factor()),
        ("duplicate_cache_time_s", seconds(config.duplicate_cache_time())),
        ("mesh_n_low", count(config.mesh_n_low_for_topic(&topic))),
        ("mesh_n", count(mesh)),
        ("mesh_n_high", count(config.mesh_n_high_for_topic(&topic))),
        ("mesh_outbound_min", count(config.mesh_outbound_min_for_topic(&topic))),
        ("prune_backoff_s", seconds(config.prune_backoff())),
        ("prune_peers", count(config.prune_peers())),
    ]
}

fn score_numbers() -> Vec<(&'static str, f64)> {
    let topic = scores::Scores::default().topic();
    let all = scores::params(Network::Main, topic);
    let thresholds = scores::thresholds();
    vec![
        ("topic_weight", topic.topic_weight),
        ("time_in_mesh_weight", topic.time_in_mesh_weight),
        ("first_message_deliveries_weight", topic.first_message_deliveries_weight),
        ("first_message_deliveries_decay", topic.first_message_deliveries_decay),
        ("first_message_deliveries_cap", topic.first_message_deliveries_cap),
        ("mesh_message_deliveries_weight", topic.mesh_message_deliveries_weight),
        ("mesh_failure_penalty_weight", topic.mesh_failure_penalty_weight),
        ("invalid_message_deliveries_weight", topic.invalid_message_deliveries_weight),
        ("invalid_message_deliveries_decay", topic.invalid_message_deliveries_decay),
        ("ip_colocation_factor_weight", all.ip_colocation_factor_weight),
        ("behaviour_penalty_weight", all.behaviour_penalty_weight),
        ("behaviour_penalty_threshold", all.behaviour_penalty_threshold),
        ("behaviour_penalty_decay", all.behaviour_penalty_decay),
        ("slow_peer_weight", all.slow_peer_weight),
        ("retain_score_s", seconds(all.retain_score)),
        ("app_specific_weight", all.app_specific_weight),
        ("application_lowest", scores::APPLICATION.0.into()),
        ("application_highest", scores::APPLICATION.1.into()),
        ("silence", scores::SILENCE.into()),
        ("busy", count(deliveries::BUSY)),
        ("forgive", deliveries::FORGIVE.into()),
        ("gossip_threshold", thresholds.gossip_threshold),
        ("publish_threshold", thresholds.publish_threshold),
        ("graylist_threshold", thresholds.graylist_threshold),
        ("throttled", scores::THROTTLED),
        ("accept_px_threshold", thresholds.accept_px_threshold),
        ("opportunistic_graft_threshold", thresholds.opportunistic_graft_threshold),
    ]
}

fn of_the_dht() -> Vec<(&'static str, f64)> {
    vec![
        ("replication", count(dht::REPLICATION.get())),
        ("parallelism", count(dht::PARALLELISM.get())),
        ("query_timeout_s", seconds(dht::QUERY_TIMEOUT)),
        ("refresh_s", seconds(dht::REFRESH)),
        ("max_packet", count(dht::MAX_PACKET)),
        ("request_deadline_s", seconds(dht::REQUEST_DEADLINE)),
        ("max_records", count(records::MAX_RECORDS)),
        ("max_record_bytes", count(records::MAX_BYTES)),
        ("strangers", count(records::STRANGERS)),
        ("max_key", count(records::MAX_KEY)),
        ("per_bucket", count(routing::PER_BUCKET)),
        ("per_table", count(routing::PER_TABLE)),
        ("announce_again_s", seconds(dht::ANNOUNCE_AGAIN)),
        ("announce_soon_s", seconds(dht::ANNOUNCE_SOON)),
    ]
}

#[test]
fn the_page_has_the_codes_numbers_and_no_others() {
    let page = include_str!("../../../docs/network.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: BTreeMap<_, _> = rows
        .map(|row| {
            let (name, rest) = row.split_once("` | ").expect("a value");
            let value = rest.split(" |").next().expect("a cell");
            (name, value.parse::<f64>().unwrap_or_else(|_| panic!("{name}: {value}")))
        })
        .collect();
    let code: BTreeMap<_, _> =
        bounds().into_iter().chain(score_numbers()).chain(of_the_dht()).collect();
    assert_eq!(rows, code);
}
