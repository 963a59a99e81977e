//! Bans: explained, handed on, taken over and undone.

use std::{collections::BTreeSet, time::Duration};

use libp2p::{PeerId, identity::Keypair};
use ltms_core::{Capacity, Network};
use ltms_net::{Builder, Handle, Node, NodeEvent, admin::Admin, behaviour::streams::Request};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{asked, chain, http, json, node, told};

const PATIENCE: Duration = Duration::from_secs(60);

/// A peer that could be.
fn someone() -> PeerId {
    Keypair::generate_ed25519().public().to_peer_id()
}

async fn door(node: &Node) -> Admin {
    Admin::open(node.handle(), http()).await.expect("open")
}

async fn listening() -> Node {
    let builder = Builder::new(Network::Reg, chain()).capacity(Capacity::SMALL).quick(true);
    let address = "/ip4/127.0.0.1/tcp/0".parse().expect("address");
    builder.listen(address).start().await.expect("a node")
}

async fn good(admin: &Admin, method: &str, path: &str) -> Value {
    let (status, body) = asked(admin, method, path).await;
    assert_eq!(status, 200, "{method} {path}: {body}");
    json(&body)
}

async fn import(admin: &Admin, file: &str) -> (u16, Value) {
    let (status, body) = told(admin, "POST", "/api/v1/bans/import", file).await;
    (status, json(&body))
}

async fn exported(admin: &Admin) -> String {
    let (status, body) = asked(admin, "GET", "/api/v1/bans/export").await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Who is banned, until when and what for.
async fn banned(admin: &Admin) -> BTreeSet<(String, String, String)> {
    let listed = good(admin, "GET", "/api/v1/bans").await;
    let row = |ban: &Value| {
        ["subject", "until", "reason"].map(|field| ban[field].to_string().replace('"', ""))
    };
    let rows = listed["bans"].as_array().expect("a list").iter().map(row);
    rows.map(|[subject, until, reason]| (subject, until, reason)).collect()
}

/// Has `hostile` send what nobody may send until the other bans it.
async fn earn_a_ban(hostile: &Handle, victim: &Handle) {
    let (mut seen, mut sees) = (victim.subscribe(), hostile.subscribe());
    let (peer, other) = (hostile.peer_id(), victim.peer_id());
    hostile.dial(victim.addresses()[0].clone()).await.expect("dialled");
    let connected = async {
        while !matches!(sees.recv().await, Ok(NodeEvent::Connected(found)) if found == other) {}
        // More than 50, because it takes a while until both have the protocol open.
        for number in 0..100_u8 {
            let _ = hostile.ask_peer(other, Request::Push(vec![number; 9])).await;
        }
        while !matches!(seen.recv().await, Ok(NodeEvent::Disconnected(found)) if found == peer) {}
    };
    timeout(PATIENCE, connected).await.expect("banned and disconnected");
}

#[tokio::test]
async fn an_automatic_ban_is_explained_and_undone_by_reason_and_time_and_no_other() {
    let (node, hostile) = (listening().await, node().await);
    let admin = door(&node).await;
    let before = good(&admin, "GET", "/api/v1/bans").await;
    assert_eq!(before, json!({"bans": [], "total": 0}));
    earn_a_ban(&hostile.handle(), &node.handle()).await;
    let peer = hostile.handle().peer_id();
    let by_hand = someone();
    good(&admin, "POST", &format!("/api/v1/peers/{by_hand}/ban")).await;

    let account = good(&admin, "GET", &format!("/api/v1/peers/{peer}/explain")).await;
    for told in account["told"].as_array().expect("decisions") {
        assert_eq!(told["reason"], "blacklisted", "{told}");
        assert_eq!(told["meaning"], "The peer is banned until lifted.");
    }
    let rule = &account["rules"][0];
    assert_eq!((&rule["row"], &rule["reason"]), (&json!("ban"), &json!("malformed")));
    assert_eq!(rule["evidence"].as_str().map(str::len), Some(16));
    assert_eq!(account["undo"], json!([format!("ltms peers unban {peer}")]));
    let since = rule["since"].as_u64().expect("a time");

    let undo = async |query: String| {
        let undone = good(&admin, "POST", &format!("/api/v1/bans/undo?{query}")).await;
        let lifted = undone["lifted"].as_array().expect("a list");
        lifted.iter().map(|ban| ban["subject"].clone()).collect::<Vec<_>>()
    };
    let none: [Value; 0] = [];
    assert_eq!(undo(format!("reason=too-soon&since={since}")).await, none, "another reason");
    assert_eq!(undo(format!("reason=malformed&since={}", since + 1)).await, none, "began earlier");
    assert_eq!(undo(format!("reason=malformed&since=0&until={since}")).await, none, "and later");
    let meant = format!("reason=blacklisted,malformed&since={since}");
    assert_eq!(undo(format!("{meant}&dry_run=true")).await, [peer.to_string()]);
    assert_eq!(banned(&admin).await.len(), 2, "only said");
    assert_eq!(undo(meant.clone()).await, [peer.to_string()]);
    assert_eq!(undo(meant).await, none, "once");
    let left = banned(&admin).await;
    let operators = (by_hand.to_string(), "null".to_owned(), "blacklisted".to_owned());
    assert_eq!(left, BTreeSet::from([operators]), "the operator's stays");

    admin.close().await;
    node.stop().await;
    hostile.stop().await;
}

#[tokio::test]
async fn exported_bans_are_taken_over_once_and_never_weaken_what_is_there() {
    let (from, to) = (node().await, node().await);
    let (theirs, ours) = (door(&from).await, door(&to).await);
    let peers: Vec<_> = (0..3).map(|_| someone()).collect();
    let far = 4_000_000_000_000_u64;
    let ban = async |admin: &Admin, peer: &PeerId, until: Option<u64>| {
        let until = until.map(|ms| format!("?until={ms}")).unwrap_or_default();
        good(admin, "POST", &format!("/api/v1/peers/{peer}/ban{until}")).await;
    };
    ban(&theirs, &peers[0], None).await;
    ban(&theirs, &peers[1], Some(far)).await;
    ban(&theirs, &peers[2], Some(far)).await;
    ban(&ours, &peers[1], None).await;
    ban(&ours, &peers[2], Some(far - 1)).await;
    let file = exported(&theirs).await;
    assert_eq!(file.lines().count(), 4);

    let (status, body) = told(&ours, "POST", "/api/v1/bans/import?dry_run=true", &file).await;
    assert_eq!((status, &json(&body)["banned"]), (200, &json!(2)));
    let before = banned(&ours).await;
    assert_eq!(before.len(), 2, "only said");
    let (status, answer) = import(&ours, &file).await;
    assert_eq!(status, 200);
    assert_eq!((&answer["banned"], &answer["known"]), (&json!(2), &json!(1)));
    let after = banned(&ours).await;
    let row =
        |peer: &PeerId, until: &str| (peer.to_string(), until.to_owned(), "blacklisted".to_owned());
    let far = far.to_string();
    let expected = [row(&peers[0], "null"), row(&peers[1], "null"), row(&peers[2], &far)];
    assert_eq!(after, BTreeSet::from(expected));

    let (_, again) = import(&ours, &file).await;
    assert_eq!((&again["banned"], &again["known"]), (&json!(0), &json!(3)), "idempotent");
    assert_eq!(banned(&ours).await, after);
    for admin in [theirs, ours] {
        admin.close().await;
    }
    from.stop().await;
    to.stop().await;
}

#[tokio::test]
async fn a_file_that_is_wrong_anywhere_changes_nothing() {
    let node = node().await;
    let admin = door(&node).await;
    let head = |bans: usize| {
        json!({"ltms_bans": 1, "network": "reg", "exported": 1, "bans": bans}).to_string()
    };
    let ban = |peer: PeerId| json!({"kind": "peer", "subject": peer.to_string(), "reason": "malformed", "until": null});
    let good = ban(someone());
    let with = |field: &str, value: Value| {
        let mut ban = ban(someone());
        ban[field] = value;
        ban.to_string()
    };
    let file = |head: String, second: &str| format!("{head}\n{good}\n{second}\n");
    let main = head(2).replace("reg", "main");
    let wrong = [
        (String::new(), "it is empty"),
        ("no JSON\n".to_owned(), "no file that `ltms bans export` wrote"),
        (file(head(2).replace(":1,", ":2,"), &with("x", json!(1))), "version 2; this one reads 1"),
        (file(main, &with("until", json!(null))), "of the network main, and this node's is reg"),
        (file(head(2), "{}"), "line 3: missing field"),
        (file(head(2), &with("subject", json!("nobody"))), "line 3: the subject is not of its"),
        (file(head(2), &with("reason", json!("whim"))), "line 3: no such reason"),
        (file(head(2), &with("reason", json!("unjudged"))), "line 3: no such reason"),
        (file(head(2), &with("kind", json!("group"))), "line 3: bans of this kind"),
        (file(head(2), &with("extra", json!(1))), "line 3: unknown field `extra`"),
        (file(head(2), &with("until", json!(-1))), "line 3: "),
        (file(head(2), &good.to_string()), "line 3: a second ban of the same subject"),
        (file(head(2), ""), "line 3: "),
        (format!("{}\n{good}\n", head(2)), "it has 1 bans, and had 2"),
        (file(head(1), &ban(someone()).to_string()), "it has 2 bans, and had 1"),
        (file(head(2), &" ".repeat(1_025)), "line 3: longer than 1024 bytes"),
    ];
    for (file, problem) in wrong {
        let (status, answer) = import(&admin, &file).await;
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && said.contains(problem), "{status} {said}\n{file}");
    }
    assert_eq!(banned(&admin).await, BTreeSet::new());
    let (status, _) = import(&admin, &format!("{}\n{good}\n", head(1))).await;
    assert_eq!(status, 200, "the rest of those files was right");
    admin.close().await;
    node.stop().await;
}

#[tokio::test]
async fn more_bans_than_the_operator_s_rows_hold_are_all_refused() {
    let node = node().await;
    let admin = door(&node).await;
    let rows = usize::try_from(Capacity::SMALL.bans / 4).expect("small");
    let file = |count: usize| {
        let head = json!({"ltms_bans": 1, "network": "reg", "exported": 1, "bans": count});
        let mut file = format!("{head}\n");
        for _ in 0..count {
            let peer = someone().to_string();
            let ban = json!({"kind": "peer", "subject": peer, "reason": "text", "until": null});
            file += &format!("{ban}\n");
        }
        file
    };
    let (status, answer) = import(&admin, &file(rows + 1)).await;
    assert_eq!(status, 507, "{answer}");
    assert_eq!(banned(&admin).await.len(), 0);
    let (status, answer) = import(&admin, &file(rows)).await;
    assert_eq!((status, &answer["banned"]), (200, &json!(rows)));
    admin.close().await;
    node.stop().await;
}

#[tokio::test]
async fn a_ban_is_lifted_by_the_form_of_its_subject() {
    let node = node().await;
    let admin = door(&node).await;
    let peer = someone();
    good(&admin, "POST", &format!("/api/v1/peers/{peer}/ban")).await;
    good(&admin, "POST", &format!("/api/v1/bans/lift?subject={peer}")).await;
    assert_eq!(banned(&admin).await.len(), 0);
    let (hex, group) = ("0".repeat(64), "0000000a".to_owned());
    for (subject, expected) in [(peer.to_string(), 404), (hex, 404), (group, 404)] {
        let path = format!("/api/v1/bans/lift?subject={subject}");
        assert_eq!(asked(&admin, "POST", &path).await.0, expected, "{subject}");
    }
    assert_eq!(asked(&admin, "POST", "/api/v1/bans/lift?subject=whom").await.0, 400);
    admin.close().await;
    node.stop().await;
}
