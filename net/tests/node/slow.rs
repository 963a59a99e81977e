//! Connections that keep what they are permitted to have.

use std::time::{Duration, Instant};

use futures::{AsyncWriteExt, StreamExt, stream::FuturesUnordered};
use libp2p::{Multiaddr, PeerId, request_response::Message, swarm::SwarmEvent};
use ltms_net::behaviour::{
    Event,
    streams::{Request, Response},
};
use tokio::time::{interval, timeout};

use crate::{
    common::{
        self,
        raw::{HEADER, Raw, proposal, to_end, trickle},
    },
    world::{builder, chain},
};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Policy §10.
const STREAMS: usize = 32;
const DEADLINE: Duration = Duration::from_secs(10);

/// An honest peer that asks for something each second: how often it was answered, and after how
/// long at most, once `asked` is over.
async fn served(
    address: Multiaddr,
    to: PeerId,
    asked: impl Future<Output = ()>,
) -> (u32, Duration) {
    let mut peer = common::node();
    peer.dial(address).expect("dialled");
    let (mut answers, mut slowest) = (0, Duration::ZERO);
    let mut pace = interval(Duration::from_secs(1));
    let mut waiting = None;
    tokio::pin!(asked);
    loop {
        let event = tokio::select! {
            () = &mut asked => return (answers, slowest),
            _ = pace.tick(), if waiting.is_none() => {
                let request = peer.behaviour_mut().ask(&to, Request::Challenge);
                waiting = request.map(|id| (id, Instant::now()));
                continue;
            }
            event = peer.select_next_some() => event,
        };
        let SwarmEvent::Behaviour(Event::Direct(event)) = event else { continue };
        let libp2p::request_response::Event::Message { message, .. } = *event else { continue };
        if let Message::Response { request_id, response } = message
            && let Some((_, since)) = waiting.take_if(|(id, _)| *id == request_id)
        {
            assert!(matches!(response, Response::Challenge(_)), "{response:?}");
            (answers, slowest) = (answers + 1, slowest.max(since.elapsed()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_at_a_byte_a_second_are_reset_and_others_are_served() {
    let node = builder(&chain()).start().await.expect("a node");
    let handle = node.handle();
    let address = handle.addresses()[0].clone();
    let mut slow = Raw::with_streams(&address, STREAMS).await;
    // What comes at once, the byte that is repeated, and how many streams of that kind. Two may
    // last: gossip's and ping's do by design.
    let kinds: [(&str, Vec<u8>, u8, usize); 8] = [
        ("gossip", [&proposal("/meshsub/1.1.0")[..], &[0xff, 1]].concat(), 0, 1),
        ("ping", proposal("/ipfs/ping/1.0.0"), 7, 1),
        ("no protocol", Vec::new(), b'/', 6),
        ("direct", [&proposal("/ltms/direct/1")[..], &[0, 0, 1, 0]].concat(), 0, 4),
        ("session", [&proposal("/ltms/session/1")[..], &[0, 0, 1, 0]].concat(), 0, 8),
        ("DHT", [&proposal("/lotus/kad/reg/1.0.0")[..], &[100]].concat(), 8, 4),
        // A whole question, and a second one that never ends.
        (
            "DHT, answered",
            [&proposal("/lotus/kad/reg/1.0.0")[..], &[6, 8, 4, 18, 2, 9, 9, 100]].concat(),
            8,
            4,
        ),
        ("identify", [&proposal("/ipfs/id/push/1.0.0")[..], &[100]].concat(), 8, 4),
    ];
    assert_eq!(kinds.iter().map(|kind| kind.3).sum::<usize>(), STREAMS);
    let mut all = FuturesUnordered::new();
    for (name, first, byte, count) in kinds {
        for _ in 0..count {
            let slowly = trickle(slow.stream(), first.clone(), byte);
            all.push(async move { (name, slowly.await) });
        }
    }
    let mut ended = Vec::new();
    let asked = async {
        while ended.len() < STREAMS - 2 {
            let next = timeout(PATIENCE, all.next()).await.expect("reset");
            ended.extend(next);
        }
    };
    let (answers, slowest) = served(address, slow.remote, asked).await;
    let mut worst: Vec<(&str, Duration)> = Vec::new();
    for (name, after) in ended {
        match worst.iter_mut().find(|(other, _)| *other == name) {
            Some((_, most)) => *most = after.max(*most),
            None => worst.push((name, after)),
        }
    }
    println!(
        "{STREAMS} streams at a byte a second: {} reset, the last of each kind after {worst:.1?}; \
         another peer had {answers} answers meanwhile, the slowest after {slowest:.1?}",
        STREAMS - 2
    );
    // Waiting for its turn, agreeing on a protocol, and the frame have ten seconds each.
    assert!(worst.iter().all(|(_, after)| *after < 5 * DEADLINE), "{worst:?}");
    assert!(answers >= 5 && slowest < DEADLINE, "{answers} {slowest:?}");
    assert!(slow.is_open(), "it is no reason to end the connection");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_thirty_two_streams_and_those_that_are_too_many_cost_it_nothing_else() {
    let node = builder(&chain()).start().await.expect("a node");
    let handle = node.handle();
    let mut raw = Raw::with_streams(&handle.addresses()[0], STREAMS + 9).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS + 8 {
        let mut stream = raw.stream();
        // It says that it will propose a protocol, and does not.
        stream.write_all(HEADER).await.expect("open");
        stream.flush().await.expect("open");
        open.push(stream);
    }
    let mut ends: FuturesUnordered<_> =
        open.iter_mut().map(|stream| async { to_end(stream).await.len() }).collect();
    let began = Instant::now();
    for _ in 0..8 {
        let said = timeout(PATIENCE, ends.next()).await.expect("reset").expect("one");
        assert_eq!(said, 0, "none of them got its turn");
    }
    let reset = began.elapsed();
    drop(ends);
    drop(open);
    // With places again, there is an answer.
    let mut stream = raw.stream();
    let asked = [&proposal("/ltms/direct/1")[..], &[0, 0, 0, 2, 0x81, 0]].concat();
    stream.write_all(&asked).await.expect("open");
    stream.flush().await.expect("open");
    let answer = timeout(PATIENCE, to_end(&mut stream)).await.expect("in time");
    let agreed = proposal("/ltms/direct/1");
    assert!(answer.starts_with(&agreed) && answer.len() > agreed.len() + 32, "{answer:?}");
    println!("{STREAMS} of {} streams were kept, 8 reset after {reset:.1?}", STREAMS + 8);
    assert!(raw.is_open());
    node.stop().await;
}
