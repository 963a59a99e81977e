//! A lotusd that answers as recorded, and one that lies.

use ltms_core::{BlockHeight, EvidenceClass, Network};
use ltms_net::chain::{
    CallError, ChainSource, Credentials, DevChain, HttpOptions, LotusdRpc, RpcCode, SourceError,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::server::{Reply, Server, patient};
use crate::vectors::{A, BLOCK_121, Node, TIP, hash, raw_block, read, recorded, rpc, txid};

const UNKNOWN: &str = "1111111111111111111111111111111111111111111111111111111111111111";
/// A burn that was in a block until that left the chain.
const REORGANISED: &str = "3fb1de86a012fd2a0e5aec9b028292b823158aadbcf2690788de32a44cf37dcc";

fn wrong<T: std::fmt::Debug>(answer: Result<T, SourceError>, expected: &str) {
    match answer {
        Err(SourceError::WrongAnswer(reason)) if reason.contains(expected) => {}
        other => panic!("{other:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn every_recorded_answer_comes_back_as_recorded() {
    let node = Node::start().await;
    let rpc = node.rpc();
    let mut results = 0;
    let mut codes = Vec::new();
    for recorded in recorded() {
        // The credentials are right here, and `x` stands for bytes that are no request.
        if recorded.body.is_empty() || recorded.method == "x" {
            continue;
        }
        let body: Value = serde_json::from_str(&recorded.body).unwrap();
        node.replay(&recorded);
        match rpc.call(&recorded.method, recorded.params.clone()).await {
            Ok(result) => {
                assert!(recorded.body.contains(result.get()), "{recorded:?}");
                assert!(!body["result"].is_null());
                results += 1;
            }
            Err(CallError::Rpc(error)) => {
                assert_eq!(RpcCode::from(body["error"]["code"].as_i64().unwrap()), error.code);
                codes.push(error.code);
            }
            Err(error) => panic!("{error}"),
        }
    }
    codes.sort_by_key(|code| format!("{code:?}"));
    codes.dedup();
    use RpcCode::{AlreadyInChain, InvalidParameter, MethodNotFound, Misc, NotFound, Undecodable};
    let expected = [AlreadyInChain, InvalidParameter, MethodNotFound, Misc, NotFound, Undecodable];
    assert_eq!((results, codes.as_slice()), (18, expected.as_slice()));
}

#[tokio::test]
async fn the_recorded_chain_is_read() {
    let node = Node::start().await;
    let rpc = node.rpc();
    assert_eq!(rpc.class(), EvidenceClass::Node);
    let tip = rpc.tip().await.unwrap();
    assert_eq!((tip.height, tip.hash), (BlockHeight::new(126), hash(TIP)));
    let header = rpc.header(hash(BLOCK_121)).await.unwrap().unwrap();
    assert_eq!((header.hash(), header.height().get()), (hash(BLOCK_121), 121));

    let raw = rpc.raw_header(hash(BLOCK_121)).await.unwrap().unwrap();
    assert_eq!(raw, raw_block(BLOCK_121)[..160]);
    assert_eq!(rpc.is_waiting(txid(A)).await, Ok(false));

    let dev = DevChain::recorded().unwrap();
    let expected = dev.transaction(txid(A)).await.unwrap();
    assert!(expected.is_some());
    assert_eq!(rpc.transaction(txid(A)).await.unwrap(), expected);
    let proof = rpc.proof(txid(A), hash(BLOCK_121)).await.unwrap().unwrap();
    assert_eq!(proof, hex::decode(proof_of_a()).unwrap());
}

fn proof_of_a() -> String {
    let body = read("regtest/gettxoutproof_A_blockhash.json")["response_body"].take();
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    body["result"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_in_the_active_chain_is_none() {
    let node = Node::start().await;
    let rpc = node.rpc();
    // Unknown.
    let zeros = "0".repeat(64);
    assert_eq!(rpc.transaction(txid(&zeros)).await, Ok(None));
    for verbose in [true, false] {
        let params = json!([UNKNOWN, verbose]);
        node.fail("getblockheader", &params, -5, "Block not found");
    }
    assert_eq!(rpc.header(hash(UNKNOWN)).await, Ok(None));
    // Back in the mempool after its block left the chain.
    let answers: Vec<_> =
        recorded().into_iter().filter(|answer| answer.body.contains(REORGANISED)).collect();
    assert_eq!(answers.len(), 3);
    let after = read("regtest/reorg_2_after_invalidate_getrawtransaction.json");
    let body: Value = serde_json::from_str(after["response_body"].as_str().unwrap()).unwrap();
    node.succeed("getrawtransaction", &json!([REORGANISED, true]), &body["result"]);
    assert_eq!(rpc.transaction(txid(REORGANISED)).await, Ok(None));
    // Never in a block.
    let unconfirmed = read("regtest/getrawtransaction_A_mempool.json");
    node.succeed("getrawtransaction", &json!([A, true]), &unconfirmed["result"]);
    assert_eq!(rpc.transaction(txid(A)).await, Ok(None));
    assert_eq!(rpc.is_waiting(txid(A)).await, Ok(true));
    assert_eq!(rpc.is_waiting(txid(&zeros)).await, Ok(false));
    // In a block beside the chain.
    let node = Node::start().await;
    let rpc = node.rpc();
    let params = json!([BLOCK_121, true]);
    node.change("getblockheader", &params, |result| result["confirmations"] = (-1).into());
    assert_eq!(rpc.header(hash(BLOCK_121)).await, Ok(None));
    assert_eq!(rpc.transaction(txid(A)).await, Ok(None));
}

/// What is said of the transaction A after a change to the answer.
async fn transaction_after(
    method: &str,
    params: Value,
    change: impl FnOnce(&mut Value),
    expected: &str,
) {
    let node = Node::start().await;
    node.change(method, &params, change);
    wrong(node.rpc().transaction(txid(A)).await, expected);
}

#[tokio::test]
async fn lies_about_a_transaction_are_noticed() {
    let verbose = || json!([A, true]);
    let block = || json!([BLOCK_121, 0]);
    let replace = |from: &'static str, to: &'static str| {
        move |result: &mut Value| {
            let text = result.as_str().unwrap().replacen(from, to, 1);
            *result = text.into();
        }
    };
    let hex = |from, to| move |result: &mut Value| replace(from, to)(&mut result["hex"]);
    // Another output script, a moved value, another key.
    let expected = "instead of f14f544f";
    transaction_after("getrawtransaction", verbose(), hex("044c544d53", "044c544d54"), expected)
        .await;
    transaction_after("getrawtransaction", verbose(), hex("80f0fa02", "81f0fa02"), expected).await;
    transaction_after("getrawtransaction", verbose(), hex("02fdc8", "02fdc9"), expected).await;
    // Another transaction altogether, and none.
    let other = read("regtest/reorg_1_before_getrawtransaction.json");
    let other: Value = serde_json::from_str(other["response_body"].as_str().unwrap()).unwrap();
    let other = other["result"]["hex"].clone();
    let change = |result: &mut Value| result["hex"] = other;
    transaction_after("getrawtransaction", verbose(), change, expected).await;
    let change = |result: &mut Value| result["hex"] = "00".into();
    transaction_after("getrawtransaction", verbose(), change, "").await;
    let change = |result: &mut Value| result["hex"] = "0".into();
    transaction_after("getrawtransaction", verbose(), change, "Odd number").await;
    // A block in which it is not.
    let node = Node::start().await;
    let change = |result: &mut Value| result["blockhash"] = TIP.into();
    node.change("getrawtransaction", &verbose(), change);
    node.succeed("getblockheader", &json!([TIP, true]), &json!({ "confirmations": 1 }));
    wrong(node.rpc().transaction(txid(A)).await, "is not in block 7781");
    // Another block than was asked for, and one with a moved value or another script in it.
    let expected = "instead of 6a81ccf9";
    let other = hex::encode(raw_block(TIP));
    transaction_after("getblock", block(), |result| *result = other.into(), expected).await;
    let change = replace("80f0fa02", "81f0fa02");
    transaction_after("getblock", block(), change, "").await;
    let change = replace("6441c9c8", "6441c9c9");
    transaction_after("getblock", block(), change, "not those of the header").await;
    transaction_after("getblock", block(), |result| *result = "".into(), "160 bytes").await;
    // Of another form.
    transaction_after("getblock", block(), |result| *result = json!({}), "invalid type").await;
    let change = |result: &mut Value| result["confirmations"] = json!(1e300);
    transaction_after("getblockheader", json!([BLOCK_121, true]), change, "invalid type").await;
}

#[tokio::test]
async fn lies_about_headers_and_the_tip_are_noticed() {
    let header = json!([BLOCK_121, false]);
    let node = Node::start().await;
    let other = hex::encode(&raw_block(TIP)[..160]);
    node.change("getblockheader", &header, |result| *result = other.into());
    wrong(node.rpc().header(hash(BLOCK_121)).await, "instead of 6a81ccf9");

    let node = Node::start().await;
    node.change("getblockheader", &header, |result| {
        *result = result.as_str().unwrap()[2..].into();
    });
    wrong(node.rpc().header(hash(BLOCK_121)).await, "160 bytes");

    let change_info = async |field: &str, value: Value, expected: &str| {
        let node = Node::start().await;
        node.change("getblockchaininfo", &json!([]), |result| result[field] = value);
        wrong(node.rpc().tip().await, expected);
    };
    change_info("chain", "main".into(), "the chain is").await;
    change_info("blocks", 127.into(), "is not at height 127").await;
    change_info("blocks", (-1).into(), "invalid value").await;
    change_info("blocks", json!(u64::MAX), "invalid value").await;
    change_info("bestblockhash", "77".into(), "").await;

    // Blocks of a private chain where those of the real one are asked for.
    let node = Node::start().await;
    node.change("getblockchaininfo", &json!([]), |result| result["chain"] = "main".into());
    let credentials = Credentials::password("user", &Zeroizing::default()).unwrap();
    let main = LotusdRpc::new(&node.server.url, credentials, Network::Main, patient()).unwrap();
    wrong(main.tip().await, "easier than the network allows");
}

#[tokio::test]
async fn a_node_that_lacks_what_is_needed_says_so() {
    let node = Node::start().await;
    let params = json!([A, true]);
    let message = "No such mempool transaction. Use -txindex or provide a block hash to enable \
                   blockchain transaction queries. Use gettransaction for wallet transactions.";
    node.fail("getrawtransaction", &params, -5, message);
    let answer = node.rpc().transaction(txid(A)).await;
    assert!(matches!(answer, Err(SourceError::Unsupported(_))), "{answer:?}");

    let message = "No such mempool transaction. Blockchain transactions are still in the process \
                   of being indexed. Use gettransaction for wallet transactions.";
    node.fail("getrawtransaction", &params, -5, message);
    let answer = rpc(&node.server.url, crate::server::hasty()).transaction(txid(A)).await;
    assert!(matches!(answer, Err(SourceError::Unavailable(_))), "{answer:?}");

    let node = Node::start().await;
    node.fail("getblock", &json!([BLOCK_121, 0]), -1, "Block not available (pruned data)");
    let answer = node.rpc().transaction(txid(A)).await;
    assert!(matches!(answer, Err(SourceError::Unsupported(_))), "{answer:?}");
}

#[tokio::test]
async fn a_transaction_is_handed_over_once_or_named_as_rejected() {
    let node = Node::start().await;
    let rpc = node.rpc();
    let raw = read("regtest/getrawtransaction_A_hex.json");
    let body: Value = serde_json::from_str(raw["response_body"].as_str().unwrap()).unwrap();
    let params = json!([body["result"]]);
    let raw = hex::decode(body["result"].as_str().unwrap()).unwrap();
    // As recorded: it is in the chain already.
    assert_eq!(rpc.broadcast(&raw).await, Ok(txid(A)));
    node.succeed("sendrawtransaction", &params, &json!(A));
    assert_eq!(rpc.broadcast(&raw).await, Ok(txid(A)));
    node.succeed("sendrawtransaction", &params, &json!(REORGANISED));
    wrong(rpc.broadcast(&raw).await, "another transaction was sent");
    for (code, message) in [(-26, "dust"), (-25, "Missing inputs"), (-22, "TX decode failed")] {
        node.fail("sendrawtransaction", &params, code, message);
        match rpc.broadcast(&raw).await {
            Err(SourceError::Rejected(reason)) => assert!(reason.contains(message)),
            other => panic!("{other:?}"),
        }
    }
    let before = node.server.requests().len();
    assert!(matches!(rpc.broadcast(b"nothing").await, Err(SourceError::Rejected(_))));
    assert_eq!(node.server.requests().len(), before);
}

/// Answers each call of a batch and each single one with these bodies, in turn.
async fn answering(bodies: &'static [(u16, &'static str)]) -> Server {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_| {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (status, body) = bodies[turn.min(bodies.len() - 1)];
        Reply::Answer(status, body.as_bytes().to_vec())
    })
    .await
}

#[tokio::test]
async fn a_node_that_starts_is_asked_again() {
    const WARMING: &str =
        r#"{"result":null,"error":{"code":-28,"message":"Loading block index..."},"id":0}"#;
    let server = answering(&[
        (500, WARMING),
        (503, "Work queue depth exceeded"),
        (500, "<html>"),
        (200, r#"{"result":7,"error":null,"id":0}"#),
    ])
    .await;
    let rpc = rpc(&server.url, patient());
    assert_eq!(rpc.call("getblockcount", json!([])).await.unwrap().get(), "7");
    assert_eq!(server.requests().len(), 4);

    let server = answering(&[(500, WARMING)]).await;
    let rpc = crate::vectors::rpc(&server.url, crate::server::hasty());
    match rpc.tip().await {
        Err(SourceError::Unavailable(reason)) => assert!(reason.contains("Loading block index")),
        other => panic!("{other:?}"),
    }
    assert!(server.requests().len() > 1);
    match rpc.call("getblockcount", json!([])).await {
        Err(CallError::Source(SourceError::Unavailable(_))) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn batches_may_be_answered_in_any_order_but_wholly() {
    let raw = hex::encode(&raw_block(BLOCK_121)[..160]);
    let standing = r#"{"result":{"confirmations":6,"difficulty":1e400},"error":null,"id":0}"#;
    let header = format!(r#"{{"result":"{raw}","error":null,"id":1}}"#);
    let header_in = async |body: String| {
        let reply = Reply::Answer(200, body.into_bytes());
        let server = Server::start(move |_| reply.clone()).await;
        rpc(&server.url, patient()).header(hash(BLOCK_121)).await
    };
    for body in [format!("[{standing},{header}]"), format!(" [{header},\n{standing}] ")] {
        assert!(header_in(body).await.unwrap().is_some());
    }
    let missing = header_in(format!("[{header}]")).await;
    wrong(missing, "without an answer");
    wrong(header_in("[]".to_owned()).await, "without an answer");
    wrong(header_in(format!("[{header},{header}]")).await, "another request");
    let other = header.replace(r#""id":1"#, r#""id":2"#);
    wrong(header_in(format!("[{standing},{other}]")).await, "another request");
    let more = [standing; 3].join(",");
    wrong(header_in(format!("[{header},{more}]")).await, "more replies than requests");
    wrong(header_in(standing.to_owned()).await, "one answer to a batch");
    wrong(header_in(format!("[{standing},{}]", r#"{"id":1}"#)).await, "neither a result");
    wrong(header_in(format!("[{standing},7]")).await, "no JSON-RPC answer");
    wrong(header_in(format!("[{standing},{header}")).await, "no JSON-RPC answer");
    for number in ["1e400", "99999999999999999999", "-1.5"] {
        let error = format!(r#"[{standing},{{"error":{{"code":{number},"message":""}},"id":1}}]"#);
        wrong(header_in(error).await, "no JSON-RPC answer");
        let id = standing.replace(r#""id":0"#, &format!(r#""id":{number}"#));
        wrong(header_in(format!("[{id},{header}]")).await, "no JSON-RPC answer");
    }
    let parse_error = r#"{"result":null,"error":{"code":-32700,"message":"x"},"id":null}"#;
    let answer = header_in(parse_error.to_owned()).await;
    assert!(matches!(answer, Err(SourceError::Unsupported(_))), "{answer:?}");
}

#[tokio::test]
async fn a_node_that_still_fetches_blocks_has_no_tip() {
    let node = Node::start().await;
    let params = json!([]);
    node.change("getblockchaininfo", &params, |result| {
        result["chain"] = "main".into();
        result["initialblockdownload"] = true.into();
    });
    let credentials = Credentials::password("user", &Zeroizing::default()).unwrap();
    let options = HttpOptions { deadline: std::time::Duration::from_millis(50), ..patient() };
    let rpc = LotusdRpc::new(&node.server.url, credentials, Network::Main, options).unwrap();
    match rpc.tip().await {
        Err(SourceError::Unavailable(reason)) => assert!(reason.contains("still fetching")),
        other => panic!("{other:?}"),
    }
}
