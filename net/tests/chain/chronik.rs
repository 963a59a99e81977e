//! A Chronik that answers as it should, and one that lies.

use std::{collections::HashMap, sync::Arc, sync::Mutex};

use ltms_core::chain::{Header, Transaction};
use ltms_core::{BlockHeight, EvidenceClass, Network};
use ltms_net::chain::{ChainSource, Chronik, DevChain, SourceError};
use serde_json::Value;

use crate::encoder::{self, Message};
use crate::server::{Reply, Server, hasty, patient};
use crate::vectors::{A, BLOCK_121, TIP, hash, raw_block, raw_blocks, read, txid};

/// The encodings made with the client library that the world uses.
fn recorded() -> Value {
    read("chain.json")["chronik_protobuf"].take()
}

fn recorded_bytes(name: &str) -> Vec<u8> {
    hex::decode(recorded()[name]["protobuf_hex"].as_str().unwrap()).unwrap()
}

/// What is answered to a path: a status and a body.
type Answers = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

/// A Chronik with the recorded blocks.
struct Indexer {
    answers: Answers,
    server: Server,
}

impl Indexer {
    async fn start() -> Self {
        let mut answers = HashMap::new();
        answers.insert("/blockchain-info".to_owned(), recorded_bytes("blockchain_info"));
        for (hash, raw) in raw_blocks() {
            answers.insert(format!("/block/{hash}"), encoder::block(&raw));
            let header = Header::parse(&raw[..Header::LEN]).unwrap();
            let block = ltms_net::chain::Block::parse(&raw).unwrap();
            for (txid, raw) in block.transactions() {
                answers.insert(format!("/tx/{txid}"), encoder::tx(raw, Some(&header)));
                answers.insert(format!("/raw-tx/{txid}"), raw.to_vec());
            }
        }
        answers.insert(format!("/tx/{A}"), recorded_bytes("tx_A"));
        let answers = answers.into_iter().map(|(path, body)| (path, (200, body))).collect();
        let answers: Answers = Arc::new(Mutex::new(answers));
        let shared = Arc::clone(&answers);
        let server = Server::start(move |request| {
            let found = shared.lock().unwrap().get(&request.path).cloned();
            let (status, body) = found.unwrap_or_else(|| (404, recorded_bytes("error_not_found")));
            Reply::Answer(status, body)
        })
        .await;
        Self { answers, server }
    }

    fn put(&self, path: &str, status: u16, body: Vec<u8>) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body));
    }

    /// Replaces a piece of the answer, once.
    fn change(&self, path: &str, from: &str, to: &str) {
        let mut answers = self.answers.lock().unwrap();
        let (_, body) = answers.get_mut(path).unwrap();
        let text = hex::encode(&*body);
        assert!(text.contains(from), "{from} is not in {path}");
        *body = hex::decode(text.replacen(from, to, 1)).unwrap();
    }

    fn client(&self) -> Chronik {
        Chronik::new(&self.server.url, Network::Reg, patient()).unwrap()
    }
}

fn wrong<T: std::fmt::Debug>(answer: Result<T, SourceError>, expected: &str) {
    match answer {
        Err(SourceError::WrongAnswer(reason)) if reason.contains(expected) => {}
        other => panic!("{other:?} instead of {expected:?}"),
    }
}

fn raw_of_a() -> Vec<u8> {
    let block = ltms_net::chain::Block::parse(&raw_block(BLOCK_121)).unwrap();
    block.transaction(&txid(A)).unwrap().raw
}

#[tokio::test]
async fn the_recorded_chain_is_read() {
    let indexer = Indexer::start().await;
    let chronik = indexer.client();
    assert_eq!(chronik.class(), EvidenceClass::Indexer);
    let tip = chronik.tip().await.unwrap();
    assert_eq!((tip.height, tip.hash), (BlockHeight::new(126), hash(TIP)));
    let dev = DevChain::recorded().unwrap();
    let mut transactions = 0;
    for (hash, raw) in raw_blocks() {
        let header = chronik.header(hash).await.unwrap().unwrap();
        assert_eq!(header, Header::parse(&raw[..Header::LEN]).unwrap());
        assert_eq!(chronik.raw_header(hash).await.unwrap().unwrap(), raw[..Header::LEN]);
        for (txid, _) in ltms_net::chain::Block::parse(&raw).unwrap().transactions() {
            let expected = dev.transaction(txid).await.unwrap();
            assert!(expected.is_some());
            assert_eq!(chronik.transaction(txid).await.unwrap(), expected);
            let raw = chronik.raw_transaction(txid).await.unwrap();
            assert_eq!(raw, expected.map(|included| included.raw));
            transactions += 1;
        }
    }
    assert_eq!(transactions, 33);
}

#[tokio::test]
async fn what_is_unknown_or_unconfirmed_is_none() {
    let indexer = Indexer::start().await;
    let chronik = indexer.client();
    let ones = "1".repeat(64);
    assert_eq!(chronik.transaction(txid(&ones)).await, Ok(None));
    assert_eq!(chronik.raw_transaction(txid(&ones)).await, Ok(None));
    assert_eq!(chronik.header(hash(&ones)).await, Ok(None));
    indexer.put(&format!("/tx/{A}"), 200, recorded_bytes("tx_A_unconfirmed"));
    assert_eq!(chronik.transaction(txid(A)).await, Ok(None));
    assert_eq!(chronik.is_waiting(txid(A)).await, Ok(true));
    assert_eq!(chronik.is_waiting(txid(&ones)).await, Ok(false));
    // The other generation has errors without a code.
    let error = Message::default().bytes(2, b"404: Transaction not found in the index").0;
    indexer.put(&format!("/tx/{A}"), 404, error);
    assert_eq!(chronik.transaction(txid(A)).await, Ok(None));
}

/// What is said of the transaction A after a change to an answer.
async fn transaction_after(path: &str, from: &str, to: &str, expected: &str) {
    let indexer = Indexer::start().await;
    indexer.change(path, from, to);
    wrong(indexer.client().transaction(txid(A)).await, expected);
}

#[tokio::test]
async fn lies_are_noticed() {
    let tx = format!("/tx/{A}");
    let block = format!("/block/{BLOCK_121}");
    let expected = "instead of f14f544f";
    // Another script, a moved value, another input.
    transaction_after(&tx, "044c544d53", "044c544d54", expected).await;
    transaction_after(&tx, "0880e1eb17", "0881e1eb17", expected).await;
    transaction_after(&tx, "a7f81563", "a7f81564", expected).await;
    // An input that spends nothing, and a hash that is too short.
    transaction_after(&tx, "0a240a20a7f81563", "7a240a20a7f81563", "spends nothing").await;
    transaction_after(&tx, "08791220bb64", "08797a20bb64", "not 32 bytes").await;
    // Another block, in which the transaction is not; and one that is not there.
    let (block_121, tip) = (hash(BLOCK_121), hash(TIP));
    let (there, other) = (hex::encode(block_121.as_bytes()), hex::encode(tip.as_bytes()));
    transaction_after(&tx, &there, &other, "is not in block 7781").await;
    // In the block: a moved value and another script, of which the root tells; also of a script
    // that no txid covers. (The order of ids is what is noticed first, if it changes.)
    transaction_after(&block, "0880e1eb17", "0881e1eb17", "").await;
    transaction_after(&block, "044c544d53", "044c544d54", "").await;
    transaction_after(&block, "6441c9c8", "6441c9c9", "not those of the header").await;
    // Another header, a shorter one, and fewer transactions.
    let header = hex::encode(&raw_block(BLOCK_121)[..Header::LEN]);
    let other = hex::encode(&raw_block(TIP)[..Header::LEN]);
    transaction_after(&block, &header, &other, "instead of 6a81ccf9").await;
    let short = format!("22a001{header}");
    transaction_after(&block, &short, &format!("229f01{}", &header[2..]), "another length").await;

    let indexer = Indexer::start().await;
    let fewer = {
        let raw = raw_block(BLOCK_121);
        let block = ltms_net::chain::Block::parse(&raw).unwrap();
        let mut message = Message::default();
        for (_, raw) in block.transactions().take(6) {
            message = message.bytes(2, &encoder::tx(raw, None));
        }
        message.bytes(4, &raw[..Header::LEN]).0
    };
    indexer.put(&block, 200, fewer);
    wrong(indexer.client().transaction(txid(A)).await, "the size that its header names");

    // Other raw bytes.
    let indexer = Indexer::start().await;
    indexer.change(&format!("/raw-tx/{A}"), "044c544d53", "044c544d54");
    wrong(indexer.client().raw_transaction(txid(A)).await, "");
    // A tip at another height, and a negative one.
    let indexer = Indexer::start().await;
    indexer.change("/blockchain-info", "107e", "107d");
    wrong(indexer.client().tip().await, "is not at height 125");
    let negative = Message::default().bytes(1, tip.as_bytes()).number(2, u64::MAX).0;
    indexer.put("/blockchain-info", 200, negative);
    wrong(indexer.client().tip().await, "out of range");
    indexer.put("/blockchain-info", 200, Message::default().bytes(1, &[1; 31]).0);
    wrong(indexer.client().tip().await, "not 32 bytes");
    // Blocks of a private chain where those of the real one are asked for.
    let main = Chronik::new(&indexer.server.url, Network::Main, patient()).unwrap();
    wrong(main.header(tip).await, "easier than the network allows");
}

#[tokio::test]
async fn a_message_of_many_nothings_takes_no_memory() {
    let indexer = Indexer::start().await;
    let block = format!("/block/{BLOCK_121}");
    indexer.put(&block, 200, [0x12, 0x00].repeat(1 << 20));
    wrong(indexer.client().header(hash(BLOCK_121)).await, "too small");
    // Cut off in a field, groups, and lengths beyond the end.
    for bytes in [&[0x12][..], &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f], &[0x13], &[0x80; 11]] {
        indexer.put(&block, 200, bytes.to_vec());
        wrong(indexer.client().header(hash(BLOCK_121)).await, "cannot be read");
    }
}

#[tokio::test]
async fn a_tip_that_is_gone_is_asked_for_again() {
    let indexer = Indexer::start().await;
    let gone = Message::default().bytes(1, &[1; 32]).number(2, 126).0;
    indexer.put("/blockchain-info", 200, gone);
    let chronik = Chronik::new(&indexer.server.url, Network::Reg, hasty()).unwrap();
    let answer = chronik.tip().await;
    assert!(matches!(answer, Err(SourceError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn the_generation_inside_nodes_gives_no_headers() {
    let indexer = Indexer::start().await;
    let info = Message::default().bytes(1, &Message::default().number(3, 121).0).0;
    indexer.put(&format!("/block/{BLOCK_121}"), 200, info);
    let chronik = indexer.client();
    let answer = chronik.transaction(txid(A)).await;
    assert!(matches!(answer, Err(SourceError::Unsupported(_))), "{answer:?}");
    // But raw transactions, in a message of their own.
    let raw = raw_of_a();
    indexer.put(&format!("/raw-tx/{A}"), 200, Message::default().bytes(1, &raw).0);
    assert_eq!(chronik.raw_transaction(txid(A)).await, Ok(Some(raw)));
}

#[tokio::test]
async fn a_transaction_is_handed_over_once_or_named_as_rejected() {
    let indexer = Indexer::start().await;
    let chronik = indexer.client();
    let raw = raw_of_a();
    assert_eq!(Transaction::parse(&raw).unwrap().txid(), txid(A));
    indexer.put("/broadcast-tx", 200, recorded_bytes("broadcast_response"));
    assert_eq!(chronik.broadcast(&raw).await, Ok(txid(A)));
    let request = indexer.server.requests().pop().unwrap();
    assert_eq!(request.method, "POST");
    assert_eq!(request.body, recorded_bytes("broadcast_request"));
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));

    indexer.put("/broadcast-tx", 400, recorded_bytes("error_broadcast"));
    match chronik.broadcast(&raw).await {
        Err(SourceError::Rejected(reason)) => assert!(reason.contains("min relay fee not met")),
        other => panic!("{other:?}"),
    }
    let known = Message::default().bytes(2, b"400: Broadcast failed: txn-already-in-mempool").0;
    indexer.put("/broadcast-tx", 400, known);
    assert_eq!(chronik.broadcast(&raw).await, Ok(txid(A)));
    indexer.put("/broadcast-tx", 200, Message::default().bytes(1, &[1; 32]).0);
    wrong(chronik.broadcast(&raw).await, "another transaction was sent");
    indexer.put("/broadcast-tx", 404, recorded_bytes("error_not_found"));
    wrong(chronik.broadcast(&raw).await, "no way to send");
}
