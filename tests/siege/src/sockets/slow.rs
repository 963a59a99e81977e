//! Connections that keep all streams that they may have, at a byte a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use libp2p::Multiaddr;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    attacks::{Done, Field},
    bans::come_back,
    common::{
        flood::Flooded,
        raw::{Raw, proposal, trickle},
        roomy_node,
    },
};

/// Streams of a connection at a time (policy §10), and those it comes back with when they are
/// reset.
const STREAMS: usize = 32;
const SPARE: usize = 64;
/// Until who is disconnected comes back.
const PAUSE: Duration = Duration::from_millis(100);

/// What a stream begins with, in turn, and the byte that follows each second.
fn kinds() -> [(Vec<u8>, u8); 6] {
    let begun = |protocol, first: &[u8]| [&proposal(protocol)[..], first].concat();
    [
        (Vec::new(), b'/'),
        (begun("/ltms/direct/1", &[0, 0, 1, 0]), 0),
        (begun("/ltms/session/1", &[0, 0, 1, 0]), 0),
        (begun("/lotus/kad/reg/1.0.0", &[100]), 8),
        (begun("/ipfs/id/push/1.0.0", &[100]), 8),
        (begun("/meshsub/1.1.0", &[0xff, 1]), 0),
    ]
}

/// Takes so many connections with all their streams until the end, and comes as somebody else in the
/// middle of it. Who is disconnected comes back. The messages that are counted are streams that the
/// node ended.
pub(super) async fn run(field: Field, slots: usize) -> Done {
    let (reset, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let end = field.end;
    let all = join_all((0..slots).map(|_| {
        let address = field.address.clone();
        let (reset, connections) = (reset.clone(), connections.clone());
        tokio::spawn(async move {
            while Instant::now() < end {
                connections.fetch_add(1, Ordering::Relaxed);
                let _ = timeout_at(end, connection(&address, &reset)).await;
                sleep_until(end.min(Instant::now() + PAUSE)).await;
            }
        })
    }));
    let (_, newcomer) = futures::future::join(all, newcomer(&field)).await;
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let mut done = Done {
        flooded: Flooded { messages: count(&reset), connections: count(&connections) },
        ..Done::default()
    };
    match newcomer {
        Some(after) => done.figures.push(("ms until a newcomer is answered", after * 1e3)),
        None => done.wrong.push("a newcomer was not answered".to_owned()),
    }
    done
}

/// Seconds after which somebody else is answered who comes when half of the time is over, and again
/// when it has to make room: on 127.0.0.1 every connection is an address group of its own, so that
/// the youngest makes room for whoever comes.
async fn newcomer(field: &Field) -> Option<f64> {
    sleep_until(Instant::now() + field.end.duration_since(Instant::now()) / 2).await;
    let (since, mut node) = (Instant::now(), roomy_node());
    loop {
        if come_back(&mut node, &field.address).await {
            return Some(since.elapsed().as_secs_f64());
        }
        if Instant::now() >= field.end {
            return None;
        }
    }
}

/// One of them, until the node ends it.
async fn connection(address: &Multiaddr, reset: &AtomicUsize) {
    let Some(mut raw) = Raw::try_with_streams(address, STREAMS + SPARE).await else { return };
    let streams = raw.rest().into_iter().zip(kinds().into_iter().cycle());
    let streams = std::sync::Mutex::new(streams);
    let another = || streams.lock().expect("nobody panics with it").next();
    let slowly = join_all((0..STREAMS).map(|_| async {
        while let Some((stream, (first, byte))) = another() {
            trickle(stream, first, byte).await;
            reset.fetch_add(1, Ordering::Relaxed);
        }
    }));
    slowly.await;
    raw.ended().await;
}
