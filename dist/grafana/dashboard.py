#!/usr/bin/env python3
"""Writes ltms.json, the Grafana dashboard of a node, from the list of panels below.

    python3 dist/grafana/dashboard.py           writes it
    python3 dist/grafana/dashboard.py --check   says whether it is what would be written

`net/tests/admin/dashboard.rs` holds it to what /metrics tells: no panel asks for what is not there,
and every family of the node's own is on a panel.
"""

import json
import sys
from pathlib import Path

FILE = Path(__file__).with_name("ltms.json")
SOURCE = {"type": "prometheus", "uid": "${source}"}
SELECT = '{instance=~"$instance"}'


def level(name: str) -> str:
    return f"{name}{SELECT}"


def rate(name: str, by: str = "instance") -> str:
    return f"sum by ({by}) (rate({name}_total{SELECT}[$__rate_interval]))"


def rise(name: str) -> str:
    return f"sum by (instance) (increase({name}_total{SELECT}[$__range]))"


# A row: its title and its panels. A panel: title, what it means, kind, unit, and pairs of legend
# and query. XPI are satoshis / 1,000,000.
ROWS = [
    ("Now", [
        ("Posture", "How strangers are treated. Guarded: the store could not be read at the start.",
         "state", "posture", [("{{instance}}", level("ltms_posture"))]),
        ("Breaker", "Open: too many outbound peers broke windows at once, and are spared.",
         "state", "breaker", [("{{instance}}", level("ltms_breaker_open"))]),
        ("Peers", "", "stat", "short", [("connected", level("ltms_active_peers"))]),
        ("Identities", "", "stat", "short", [("registered", level("ltms_identities_registered"))]),
        ("Burned", "XPI, of all identities and of one on average", "stat", "short",
         [("all", f"{level('ltms_total_burned')} / 1e6"),
          ("each", f"{level('ltms_average_burn_per_identity')} / 1e6")]),
        ("Version", "", "stat", "string", [("{{version}} on {{network}}", level("ltms_build_info"))]),
    ]),
    ("Verdicts", [
        ("Decisions by verdict", "", "graph", "reqps",
         [("{{verdict}}", rate("ltms_decisions", "verdict"))]),
        ("Refusals by reason", "Accepted messages are left out.", "graph", "reqps",
         [("{{reason}}", 'sum by (reason) (rate(ltms_decisions_total{instance=~"$instance",'
                         'verdict!="accept"}[$__rate_interval])) > 0')]),
        ("Only observed", "What rules under `enforce = observe` would have done.", "graph", "reqps",
         [(name, rate(f"ltms_would_{name}")) for name in ("windows", "keys", "groups", "sanctions")]),
        ("Expired entries dropped", "", "graph", "cps",
         [("dropped", rate("ltms_expired_entries_dropped"))]),
    ]),
    ("Sanctions", [
        ("Banned peers", "", "graph", "short",
         [("for a time", level("ltms_graylisted_peers")),
          ("until lifted", level("ltms_blacklisted_peers")),
          ("address groups", level("ltms_banned_groups"))]),
        ("Rows of the ban table", "", "graph", "short",
         [("operator's", level("ltms_operator_bans")), ("automatic", level("ltms_automatic_bans")),
          ("on the allow-list", level("ltms_allowed_peers"))]),
        ("Sanctions begun", "Of peers and of identities, and window violations counted", "graph", "cps",
         [("peers", rate("ltms_peers_blocked")), ("identities", rate("ltms_identities_banned")),
          ("faults of identities", rate("ltms_identity_faults")),
          ("window violations", rate("ltms_rate_limit_violations"))]),
        ("Held back and spared", "The breaker's work, and bans that found no room of their own", "graph",
         "short",
         [("held now", level("ltms_sanctions_held")), ("breaker opened", rise("ltms_breaker_opened")),
          ("spared", rise("ltms_sanctions_spared")), ("no room", rise("ltms_bans_not_recorded")),
          ("merged into a group", rise("ltms_bans_merged"))]),
    ]),
    ("Identities and directory", [
        ("Reputation", "", "graph", "short",
         [("average score", level("ltms_average_reputation_score")),
          ("below 30", level("ltms_peers_with_bad_reputation"))]),
        ("Keys advertised", "", "graph", "short", [("keys", level("ltms_advertised_keys"))]),
        ("Rows that others took", "In full tables; and burns that left the chain for good", "graph", "cps",
         [("identities", rate("ltms_identities_displaced")), ("keys", rate("ltms_keys_displaced")),
          ("lapsed", rate("ltms_identities_lapsed"))]),
        ("Remembered without a row", "", "graph", "short", [("tombstones", level("ltms_tombstones"))]),
    ]),
    ("Work", [
        ("Signatures", "Charged by the policy, and checked by the workers", "graph", "cps",
         [("charged", rate("ltms_signature_checks")), ("checked", rate("ltms_signatures_worked"))]),
        ("Time of a signature", "", "graph", "s",
         [("mean", f"{rate('ltms_signature_check_seconds')} / {rate('ltms_signatures_worked')}")]),
        ("Workers busy", "Of one core", "graph", "percentunit",
         [("signatures", rate("ltms_signature_check_seconds"))]),
        ("Tables", "Rows in use of those that there are", "graph", "percentunit",
         [("{{table}}", f"{level('ltms_table_rows')} / {level('ltms_table_capacity')}")]),
        ("Connections not read", "Over their share of a processor, or over a window: how many at a time",
         "graph", "short", [("{{cause}}", rate("ltms_rest_seconds", "cause"))]),
        ("Streams reset", "More than a connection may have, or not done in time", "graph", "cps",
         [("too many", rate("ltms_streams_refused")), ("too slow", rate("ltms_streams_timed_out"))]),
        ("Searches of full tables", "", "graph", "cps", [("searches", rate("ltms_searches"))]),
        ("Commit of the store, half and 99 of 100", "A ban is to be on the disk within 20 ms, of which "
         "up to 10 are the store's pace", "graph", "s",
         [(f"{quantile}", f"histogram_quantile({quantile}, sum by (le) (rate("
                          f"ltms_store_commit_seconds_bucket{SELECT}[$__rate_interval])))")
          for quantile in (0.5, 0.99)]),
        ("DHT queries", "In the last minute", "graph", "short",
         [("queries", level("ltms_dht_queries_per_minute"))]),
        ("DHT latency", "", "graph", "s", [("mean", level("ltms_average_query_latency_seconds"))]),
        ("Clock", "Steps within the time shown", "graph", "short",
         [("forward", rise("ltms_clock_steps_forward")), ("back", rise("ltms_clock_steps_back"))]),
    ]),
    ("libp2p", [
        ("Bytes", "", "graph", "Bps",
         [("{{direction}}", rate("libp2p_bandwidth_bytes", "direction"))]),
        ("Connections made", "", "graph", "cps",
         [("{{role}}", rate("libp2p_swarm_connections_established", "role"))]),
        ("Gossip", "", "graph", "reqps",
         [("{{hash}}", rate("libp2p_gossipsub_topic_msg_recv_counts", "hash"))]),
        ("Ping, half and nine in ten", "", "graph", "s",
         [(f"{quantile}", f"histogram_quantile({quantile}, sum by (le) (rate("
                          f"libp2p_ping_rtt_seconds_bucket{SELECT}[$__rate_interval])))")
          for quantile in (0.5, 0.9)]),
    ]),
]

STATES = {
    "posture": [("Normal", "green"), ("Lockdown", "orange"), ("Guarded", "red")],
    "breaker": [("Closed", "green"), ("Open", "orange")],
}


def panel(title, about, kind, unit, queries, place):
    defaults = {"unit": unit if unit not in STATES else "none", "min": 0}
    options = {}
    if kind == "graph":
        defaults["custom"] = {"fillOpacity": 8, "lineWidth": 2, "showPoints": "never"}
        options = {"legend": {"displayMode": "list", "placement": "bottom"},
                   "tooltip": {"mode": "multi", "sort": "desc"}}
    else:
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value",
                   "graphMode": "none"}
        if unit == "string":
            options["textMode"] = "name"
            defaults["unit"] = "none"
    if unit in STATES:
        defaults["mappings"] = [{"type": "value", "options": {
            str(value): {"text": text, "color": color, "index": value}
            for value, (text, color) in enumerate(STATES[unit])}}]
    return {
        "type": "timeseries" if kind == "graph" else "stat", "title": title, "description": about,
        "datasource": SOURCE, "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
        "targets": [{"refId": chr(65 + index), "datasource": SOURCE, "expr": query,
                     "legendFormat": legend}
                    for index, (legend, query) in enumerate(queries)],
    }


def dashboard() -> dict:
    panels, y = [], 0
    for title, row in ROWS:
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        y += 1
        stat = row[0][2] != "graph"
        width, height = (4, 4) if stat else (12, 8)
        for index, (name, about, kind, unit, queries) in enumerate(row):
            place = {"x": index * width % 24, "y": y + index * width // 24 * height, "w": width,
                     "h": height}
            panels.append(panel(name, about, kind, unit, queries, place))
        y += -(-len(row) * width // 24) * height
    for number, made in enumerate(panels, 1):
        made["id"] = number
    return {
        "uid": "ltms-node", "title": "ltms node", "tags": ["ltms", "lotus"], "schemaVersion": 39,
        "version": 1, "editable": True, "refresh": "30s", "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"}, "panels": panels,
        "templating": {"list": [
            {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            {"name": "instance", "label": "Node", "type": "query", "datasource": SOURCE,
             "query": {"query": "label_values(ltms_build_info, instance)", "refId": "A"},
             "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*",
             "current": {"text": "All", "value": "$__all"}},
        ]},
    }


def main() -> int:
    text = json.dumps(dashboard(), indent=1) + "\n"
    if "--check" in sys.argv[1:]:
        if FILE.read_text() != text:
            print(f"{FILE} is not what {sys.argv[0]} writes", file=sys.stderr)
            return 1
        return 0
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
