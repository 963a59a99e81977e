//! Identities: listed in pages, filtered, shown and banned.

use std::time::Duration;

use ltms_core::{Capacity, IdentityId, Network, OutPoint, chain::Transaction};
use ltms_net::{Builder, Handle, admin::Admin, chain::DevChain, claim::find_registration};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::{asked, http, json};

/// Registers the recorded burn number `n`, once the node knows the tip.
async fn register(handle: &Handle, chain: &DevChain, n: u8) -> IdentityId {
    let key = DevChain::recorded_key(n).expect("a recorded key");
    let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
    let (vout, ..) = find_registration(&included.raw).expect("a registration");
    let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
    let burn = OutPoint { txid, vout: vout.into() };
    let registered = async {
        while handle.register_identity(&key, burn).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), registered).await.expect("registered");
    burn.identity_id().expect("a small index")
}

async fn good(admin: &Admin, method: &str, path: &str) -> Value {
    let (status, body) = asked(admin, method, path).await;
    assert_eq!(status, 200, "{method} {path}: {body}");
    json(&body)
}

async fn listed(admin: &Admin, query: &str) -> (Vec<String>, Value) {
    let page = good(admin, "GET", &format!("/api/v1/identities?{query}")).await;
    let ids = page["identities"].as_array().expect("a list").iter();
    (ids.map(|row| row["id"].as_str().expect("an id").to_owned()).collect(), page["next"].clone())
}

#[tokio::test]
async fn identities_are_paged_filtered_shown_and_banned() {
    let chain = DevChain::recorded().expect("a good recording");
    chain.mine_empty(80).expect("blocks");
    let chain = std::sync::Arc::new(chain);
    let builder = Builder::new(Network::Reg, chain.clone()).capacity(Capacity::SMALL).quick(true);
    let node = builder.start().await.expect("a node");
    let admin = Admin::open(node.handle(), http()).await.expect("open");
    assert_eq!(listed(&admin, "").await, (vec![], Value::Null));
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(register(&node.handle(), &chain, n).await);
    }
    let name = |n: usize| ids[n].to_string();

    let (first, next) = listed(&admin, "limit=2").await;
    assert_eq!(first, [name(0), name(1)]);
    let (rest, end) = listed(&admin, &format!("limit=2&from={next}")).await;
    assert_eq!((rest, end), (vec![name(2)], Value::Null));
    assert_eq!(listed(&admin, &format!("prefix={}", &name(1)[..8])).await.0, [name(1)]);
    assert_eq!(listed(&admin, "tier=basic").await.0.len(), 3);
    assert_eq!(listed(&admin, "tier=verified").await.0, [""; 0]);
    let more = [name(1), name(2)];
    assert_eq!(listed(&admin, "min_burn=50000001").await.0, more, "the first burned 50 XPI");
    assert_eq!(listed(&admin, "min_score=50&max_score=50").await.0.len(), 3);
    assert_eq!(listed(&admin, "max_score=49").await.0, [""; 0]);
    assert_eq!(asked(&admin, "GET", "/api/v1/identities?tier=noble").await.0, 400);
    assert_eq!(asked(&admin, "GET", "/api/v1/identities?teir=basic").await.0, 400);

    let shown = good(&admin, "GET", &format!("/api/v1/identities/{}", name(0))).await;
    assert_eq!((&shown["tier"], &shown["class"]), (&"basic".into(), &"node".into()));
    assert_eq!((&shown["burned"], &shown["score"]), (&50_000_000.into(), &50.into()));
    assert_eq!(shown["owned"], Value::Array(Vec::new()), "no key of it advertises");

    let banned = good(&admin, "POST", &format!("/api/v1/identities/{}/ban", name(0))).await;
    assert_eq!(banned["standing"]["decision"], "identity-banned");
    assert_eq!(banned["standing"]["until"], Value::Null);
    assert_eq!(listed(&admin, "banned=true").await.0, [name(0)]);
    let (status, file) = asked(&admin, "GET", "/api/v1/bans/export").await;
    assert!(status == 200 && file.contains(&name(0)), "{file}");
    good(&admin, "POST", &format!("/api/v1/identities/{}/unban", name(0))).await;
    assert_eq!(listed(&admin, "banned=true").await.0, [""; 0]);
    let unban = format!("/api/v1/identities/{}/unban", name(0));
    assert_eq!(asked(&admin, "POST", &unban).await.0, 404);
    admin.close().await;
    node.stop().await;
}
