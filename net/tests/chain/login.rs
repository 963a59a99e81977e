//! Cookies and passwords.

use std::{fs, path::PathBuf, sync::Arc, sync::Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use ltms_core::Network;
use ltms_net::chain::{CallError, Credentials, LotusdRpc, SourceError};
use serde_json::json;

use crate::server::{Reply, Server, hasty, patient};
use crate::vectors::{PASSWORD, rpc};

/// A lotusd that accepts one name and password.
async fn guarded(accepted: &str) -> (Arc<Mutex<String>>, Server) {
    let accepted = Arc::new(Mutex::new(accepted.to_owned()));
    let shared = Arc::clone(&accepted);
    let server = Server::start(move |request| {
        let expected = format!("Basic {}", STANDARD.encode(shared.lock().unwrap().as_str()));
        if request.header("authorization") == Some(&expected) {
            Reply::Answer(200, br#"{"result":7,"error":null,"id":0}"#.to_vec())
        } else {
            Reply::Answer(401, Vec::new())
        }
    })
    .await;
    (accepted, server)
}

/// A path for a cookie of one test.
fn cookie(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

fn cookie_rpc(server: &Server, path: &PathBuf) -> LotusdRpc {
    let credentials = Credentials::cookie_file(path);
    LotusdRpc::new(&server.url, credentials, Network::Reg, patient()).unwrap()
}

async fn count(rpc: &LotusdRpc) -> Result<String, CallError> {
    rpc.call("getblockcount", json!([])).await.map(|result| result.get().to_owned())
}

fn is_refused(answer: &Result<String, CallError>) -> bool {
    matches!(answer, Err(CallError::Source(SourceError::Refused(_))))
}

#[tokio::test]
async fn a_password_is_sent_and_a_wrong_one_refused() {
    let (accepted, server) = guarded(&format!("user:{PASSWORD}")).await;
    let rpc = rpc(&server.url, patient());
    assert_eq!(count(&rpc).await.unwrap(), "7");
    let [request] = server.requests().try_into().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/"));
    *accepted.lock().unwrap() = "user:other".to_owned();
    assert!(is_refused(&count(&rpc).await));
    // A password does not change, so that it is not tried again.
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_cookie_is_read_again_when_the_node_has_restarted() {
    let path = cookie("restarted");
    let (accepted, server) = guarded("__cookie__:01").await;
    fs::write(&path, "__cookie__:01").unwrap();
    let rpc = cookie_rpc(&server, &path);
    assert_eq!(count(&rpc).await.unwrap(), "7");
    assert_eq!(count(&rpc).await.unwrap(), "7");
    assert_eq!(server.requests().len(), 2);

    *accepted.lock().unwrap() = "__cookie__:02".to_owned();
    // Not written anew yet: asked once more would be the same.
    assert!(is_refused(&count(&rpc).await));
    assert_eq!(server.requests().len(), 3);
    fs::write(&path, "__cookie__:02\n").unwrap();
    assert_eq!(count(&rpc).await.unwrap(), "7");
    assert!(server.requests().len() <= 5);
    fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn a_cookie_that_is_missing_or_none_is_named() {
    let (_, server) = guarded("__cookie__:01").await;
    let path = cookie("missing");
    let credentials = Credentials::cookie_file(&path);
    let rpc = LotusdRpc::new(&server.url, credentials, Network::Reg, hasty()).unwrap();
    // lotusd writes it when it starts.
    let answer = count(&rpc).await;
    assert!(matches!(answer, Err(CallError::Source(SourceError::Unavailable(_)))), "{answer:?}");

    fs::write(&path, "x".repeat(5_000)).unwrap();
    assert!(is_refused(&count(&cookie_rpc(&server, &path)).await));
    fs::write(&path, "__cookie__:\u{7f}").unwrap();
    let answer = count(&cookie_rpc(&server, &path)).await;
    assert!(is_refused(&answer), "{answer:?}");
    fs::remove_file(&path).unwrap();
    assert!(is_refused(&count(&cookie_rpc(&server, &PathBuf::from("/"))).await));
}
