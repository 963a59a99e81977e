//! The operator's doors, asked as `curl` and a browser would ask.

mod bans;
#[path = "../common/mod.rs"]
mod common;
mod dashboard;
mod identities;
mod metrics;
mod open_metrics;
mod rests;

use std::{
    os::unix::fs::{FileTypeExt, PermissionsExt},
    sync::Arc,
};

use ltms_core::{Capacity, Network};
use ltms_net::{
    Builder, Node,
    admin::{Admin, AdminError, Doors},
    chain::DevChain,
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

const TOKEN: &str = "a token for tests";

fn chain() -> Arc<DevChain> {
    Arc::new(DevChain::recorded().expect("a good recording"))
}

fn builder() -> Builder {
    Builder::new(Network::Reg, chain()).capacity(Capacity::SMALL).quick(true)
}

async fn node() -> Node {
    builder().start().await.expect("a node")
}

fn http() -> Doors {
    let address = "127.0.0.1:0".parse().expect("an address");
    Doors { http: Some((address, TOKEN.to_owned().into())), socket: None }
}

/// Status, head and body of one request.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> (u16, String) {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    (status, body.to_owned())
}

/// A request with the token, over TCP.
async fn asked(admin: &Admin, method: &str, path: &str) -> (u16, String) {
    told(admin, method, path, "").await
}

/// The same with a body.
async fn told(admin: &Admin, method: &str, path: &str, body: &str) -> (u16, String) {
    let address = admin.http().expect("an address");
    let stream = TcpStream::connect(address).await.expect("connected");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(stream, &request).await
}

fn json(body: &str) -> Value {
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test]
async fn a_peer_is_banned_shown_and_forgiven() {
    let node = node().await;
    let admin = Admin::open(node.handle(), http()).await.expect("open");
    let peer = libp2p::PeerId::random();
    let shown = format!("/api/v1/peers/{peer}");
    let (status, body) = asked(&admin, "GET", &shown).await;
    assert_eq!((status, &json(&body)["decision"]), (200, &"clear".into()));

    let (status, body) = asked(&admin, "POST", &format!("{shown}/ban")).await;
    assert_eq!((status, &json(&body)["decision"]), (200, &"blacklisted".into()));
    let (_, body) = asked(&admin, "GET", &shown).await;
    assert_eq!(json(&body)["by_operator"], true);

    let (status, body) = asked(&admin, "POST", &format!("{shown}/unban")).await;
    assert_eq!((status, &json(&body)["decision"]), (200, &"clear".into()));
    let (status, _) = asked(&admin, "POST", &format!("{shown}/unban")).await;
    assert_eq!(status, 404, "there is nothing to lift any more");
    admin.close().await;
    node.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let node = node().await;
    let admin = Admin::open(node.handle(), http()).await.expect("open");
    for (method, path, expected) in [
        ("GET", "/api/v1/peers/nobody", 400),
        ("GET", "/api/v1/identities/00", 400),
        ("GET", &format!("/api/v1/identities/{}", "0".repeat(64)), 404),
        ("GET", "/api/v1/keys/00", 400),
        ("POST", "/api/v1/peers", 405),
        ("GET", "/api/v2/peers", 404),
        ("POST", &format!("/api/v1/peers/{}/ban?untill=1", libp2p::PeerId::random()), 400),
    ] {
        let (status, body) = asked(&admin, method, path).await;
        assert_eq!(status, expected, "{method} {path}: {body}");
    }
    let (_, body) = asked(&admin, "GET", "/api/v1/peers/nobody").await;
    assert_eq!(json(&body)["error"], "`nobody` is not a peer id");
    admin.close().await;
    node.stop().await;
}

#[tokio::test]
async fn only_the_health_is_told_without_the_token() {
    let node = node().await;
    let admin = Admin::open(node.handle(), http()).await.expect("open");
    let address = admin.http().expect("an address");
    let without = async |path: &str, host: &str| {
        let stream = TcpStream::connect(address).await.expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        ask(stream, &request).await.0
    };
    assert_eq!(without("/healthz", "127.0.0.1").await, 200);
    assert_eq!(without("/healthz", "attacker.example").await, 421);
    assert_eq!(without("/metrics", "127.0.0.1").await, 401);
    assert_eq!(asked(&admin, "GET", "/metrics").await.0, 200);
    admin.close().await;
    node.stop().await;
}

#[tokio::test]
async fn the_socket_is_the_operators_alone_and_asks_for_no_token() {
    let node = node().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("admin.sock");
    let doors = || Doors { socket: Some(path.clone()), http: None };
    let admin = Admin::open(node.handle(), doors()).await.expect("open");
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stream = UnixStream::connect(&path).await.expect("connected");
    let request = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(stream, request).await.0, 200);

    let second = Admin::open(node.handle(), doors()).await;
    assert!(matches!(second, Err(AdminError::InUse(_))), "{second:?}");
    admin.close().await;
    assert!(!path.exists(), "a node that stops takes its socket away");
    node.stop().await;
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced_but_no_other_file() {
    let node = node().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let admin = Admin::open(node.handle(), Doors { socket: Some(path.clone()), http: None }).await;
    admin.expect("open").close().await;

    std::fs::write(&path, "mine").expect("a file");
    let refused =
        Admin::open(node.handle(), Doors { socket: Some(path.clone()), http: None }).await;
    assert!(matches!(refused, Err(AdminError::NotASocket(_))), "{refused:?}");
    assert!(!std::fs::metadata(&path).expect("the file").file_type().is_socket());
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mine");
    node.stop().await;
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let node = node().await;
    let address = "0.0.0.0:0".parse().expect("an address");
    let doors = Doors { http: Some((address, TOKEN.to_owned().into())), socket: None };
    let refused = Admin::open(node.handle(), doors).await;
    assert!(matches!(refused, Err(AdminError::NotLoopback(_))), "{refused:?}");
    node.stop().await;
}
