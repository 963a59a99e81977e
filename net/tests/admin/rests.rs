//! What a node tells of connections that it slows down and streams that it resets.

use std::time::Duration;

use futures::{AsyncWriteExt, StreamExt, future::join_all};
use libp2p::Multiaddr;
use ltms_core::{Millis, Reason};
use ltms_net::{Node, behaviour::streams::Request, limits::Limits};
use tokio::time::timeout;

use super::{
    builder,
    common::{
        pushes::{answer, join},
        raw::{Raw, proposal, to_end},
    },
    metrics::scraped,
};

const PATIENCE: Duration = Duration::from_secs(60);

async fn node(limits: Limits) -> (Node, Multiaddr) {
    let local = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
    let node = builder().limits(limits).listen(local).start().await.expect("a node");
    let address = node.handle().addresses()[0].clone();
    (node, address)
}

/// What a family of one sample tells.
async fn told(node: &Node, family: &str) -> f64 {
    scraped(node).await[family].samples[0].value
}

/// Seconds of rest for the connections' share of a processor, and for windows.
async fn rests(node: &Node) -> [f64; 2] {
    let families = scraped(node).await;
    ["share", "window"].map(|cause| {
        let samples = &families["ltms_rest_seconds"].samples;
        let sample = samples.iter().find(|sample| sample.label("cause") == Some(cause));
        sample.expect("told from the start").value
    })
}

#[tokio::test]
async fn streams_that_are_too_many_and_those_that_are_too_slow_are_told_apart() {
    let limits = Limits { frame: Millis::new(300), streams: 4, ..Limits::DEFAULT };
    let (node, address) = node(limits).await;
    let mut raw = Raw::with_streams(&address, 7).await;
    let slow = [&proposal("/ltms/direct/1")[..], &[0, 0, 1, 0]].concat();
    let mut open = Vec::new();
    for _ in 0..6 {
        let mut stream = raw.stream();
        // Those over the limit may be gone by then.
        let _ = stream.write_all(&slow).await;
        let _ = stream.flush().await;
        open.push(stream);
    }
    let ends = join_all(open.iter_mut().map(to_end));
    timeout(PATIENCE, ends).await.expect("reset");
    // Whoever is quick is none of them.
    let mut stream = raw.stream();
    let asked = [&proposal("/ltms/direct/1")[..], &[0, 0, 0, 2, 0x81, 0]].concat();
    stream.write_all(&asked).await.expect("open");
    stream.close().await.expect("open");
    timeout(PATIENCE, to_end(&mut stream)).await.expect("answered");
    assert_eq!(told(&node, "ltms_streams_refused").await, 2.0);
    assert_eq!(told(&node, "ltms_streams_timed_out").await, 4.0);
    assert!(raw.is_open());
    node.stop().await;
}

/// Asks until the answer has this code; `None` is any answer.
async fn ask_until(address: &Multiaddr, code: Option<u8>) {
    let (mut peer, to) = join(address).await;
    peer.behaviour_mut().ask(&to, Request::Challenge);
    let asked = async {
        loop {
            let Some((_, told)) = answer(peer.select_next_some().await) else { continue };
            if code.is_none() || told == code {
                return;
            }
            peer.behaviour_mut().ask(&to, Request::Challenge);
        }
    };
    timeout(PATIENCE, asked).await.expect("answered");
}

#[tokio::test]
async fn rest_for_the_share_and_rest_for_a_window_are_told_apart() {
    // A connection from outside begins without a burst: its first bytes are more than it has.
    let (hungry, address) = node(Limits { share: 1, ..Limits::DEFAULT }).await;
    assert_eq!(rests(&hungry).await, [0.0, 0.0]);
    ask_until(&address, None).await;
    let [share, window] = rests(&hungry).await;
    assert!(share > 0.0 && window == 0.0, "{share} {window}");
    hungry.stop().await;
    let (roomy, address) = node(Limits { share: u16::MAX, ..Limits::DEFAULT }).await;
    ask_until(&address, Some(Reason::ConnectionWindow.code())).await;
    let [share, window] = rests(&roomy).await;
    assert!(share < window / 10.0 && window > 0.0, "{share} {window}");
    roomy.stop().await;
}
