//! Bytes that make no sense, on every protocol that a node speaks.

use futures::AsyncWriteExt;
use libp2p::{futures::StreamExt, request_response::Message, swarm::SwarmEvent};
use ltms_net::behaviour::{Event, streams::Request};
use rand::Rng;
use tokio::time::timeout;

use crate::{
    common::{
        self,
        raw::{Raw, proposal, to_end},
    },
    world::{PATIENCE, builder, chain},
};

/// With a length of four bytes before it, as our protocols want it.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("short");
    [&len.to_be_bytes()[..], bytes].concat()
}

/// With a length of one byte before it, as protobuf messages have it.
fn delimited(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).expect("short")][..], bytes].concat()
}

/// Malformed CBOR, protobuf and JSON, and what is nothing at all.
fn nonsense() -> Vec<Vec<u8>> {
    let json = br#"{"type":"signer","payload":{"a":[1,2,}"#;
    let mut random = [0; 2_000];
    rand::rng().fill(&mut random[..]);
    vec![
        Vec::new(),
        random.to_vec(),
        json.to_vec(),
        framed(json),
        delimited(json),
        // CBOR: arrays without an end, of 2^64 items, nested, cut, and of the wrong type.
        framed(&[0x9f; 60]),
        framed(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        framed(&[0x81; 100]),
        framed(&[0x82, 0x02, 0x59, 0xff]),
        framed(&[0x82, 0x63, b'a', b'b', b'c', 0xf6]),
        // Protobuf: a field longer than the message, unknown wire types, a varint without an end.
        delimited(&[0x12, 0x7f, 1]),
        delimited(&[0x07; 60]),
        delimited(&[0xff; 40]),
        vec![0xff; 64],
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_on_every_protocol_ends_its_stream_and_harms_nobody_else() {
    let node = builder(&chain()).start().await.expect("a node");
    let handle = node.handle();
    let address = &handle.addresses()[0];
    let mut told = Vec::new();
    for protocol in [
        "/ltms/direct/1",
        "/ltms/session/1",
        "/lotus/kad/reg/1.0.0",
        "/meshsub/1.1.0",
        "/ipfs/id/1.0.0",
        "/ipfs/id/push/1.0.0",
        "/ipfs/ping/1.0.0",
        "/nobody/knows",
    ] {
        let mut faults = 0;
        for bytes in nonsense() {
            // Each time somebody else, or the first ten would be all.
            let mut raw = Raw::with_streams(address, 1).await;
            let mut stream = raw.stream();
            let all = [proposal(protocol), bytes.clone()].concat();
            // It may have ended in the middle of it.
            let _ = stream.write_all(&all).await;
            let _ = stream.close().await;
            let ended = timeout(PATIENCE, to_end(&mut stream)).await;
            assert!(ended.is_ok(), "{protocol}: the stream stays open after {bytes:02x?}");
            let standing = handle.standing_of(&raw.peer()).await.expect("it is alive");
            faults += u32::from(standing.malformed.0);
        }
        told.push((protocol, faults));
    }
    println!("{} kinds of nonsense; faults that were counted: {told:?}", nonsense().len());
    // What names its sender's fault is counted where it is read by us.
    assert!(told[0].1 >= 5 && told[1].1 >= 5, "{told:?}");
    assert_eq!((told[6].1, told[7].1), (0, 0), "{told:?}");
    assert!(handle.health().await.expect("alive").is_good());

    let mut honest = common::node();
    honest.dial(address.clone()).expect("dialled");
    let answered = async {
        loop {
            match honest.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    honest.behaviour_mut().ask(&peer_id, Request::Challenge).expect("connected");
                }
                SwarmEvent::Behaviour(Event::Direct(event)) => {
                    if let libp2p::request_response::Event::Message {
                        message: Message::Response { .. },
                        ..
                    } = *event
                    {
                        return;
                    }
                }
                _ => {}
            }
        }
    };
    timeout(PATIENCE, answered).await.expect("others are served");
    node.stop().await;
}
