//! Too many connections, and those that make no sense.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use libp2p::{multiaddr::Protocol, swarm::SwarmEvent};
use ltms_core::Reason;
use ltms_net::{Handle, NodeEvent};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    common,
    world::{PATIENCE, builder, chain, decided, event, until},
};

/// 127.0.0.n counts as 11.n.0.1: each address of this machine is in a wide group of its own.
pub(crate) fn spread(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(ip) => Ipv4Addr::new(11, ip.octets()[3], 0, 1).into(),
        other => other,
    }
}

pub(crate) fn socket_of(handle: &Handle) -> SocketAddr {
    let parts: Vec<_> = handle.addresses()[0].iter().collect();
    let [Protocol::Ip4(ip), Protocol::Tcp(port)] = parts[..] else { panic!("{parts:?}") };
    SocketAddr::new(ip.into(), port)
}

pub(crate) async fn knock(from: u8, to: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    // Ended by a reset: thousands of sockets in TIME_WAIT would be in the way of the next test.
    socket.set_zero_linger().ok()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into()).ok()?;
    socket.connect(to).await.ok()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn memory() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).map_or(0, |pages: usize| pages * 4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_attempts_leave_nothing_behind_and_an_honest_peer_connects_meanwhile() {
    const ATTEMPTS: u32 = 10_000;
    /// Sockets of the attacker at a time, which this process has, too.
    const AT_ONCE: usize = 100;
    let node = builder(&chain()).observe(spread).start().await.expect("a node");
    let handle = node.handle();
    let to = socket_of(&handle);
    let (files, rss) = (open_files(), memory());
    let (worst, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let attempts = stream::iter(0..ATTEMPTS).for_each_concurrent(AT_ONCE, |number| {
        let (worst, done) = (&worst, &done);
        async move {
            if let Some(mut socket) = knock(2 + (number % 16) as u8, to).await {
                // Half of them send something, some of them a good beginning.
                let words: [&[u8]; 4] = [b"", b"", b"\x13/multistream/1.0.0\n", &[0xff; 64]];
                let _ = socket.write_all(words[number as usize % 4]).await;
            }
            let count = done.fetch_add(1, Ordering::Relaxed);
            if count % 100 == 0 {
                worst.fetch_max(open_files(), Ordering::Relaxed);
            }
        }
    });
    let mut events = handle.subscribe();
    let mut honest = common::node();
    let who = *honest.local_peer_id();
    let meanwhile = async {
        // Once the flood runs. It may be in the way of one attempt, not of all.
        while done.load(Ordering::Relaxed) < 1_000 {
            tokio::task::yield_now().await;
        }
        let mut tries = 1;
        honest.dial(handle.addresses()[0].clone()).expect("dial");
        loop {
            match honest.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => return tries,
                SwarmEvent::OutgoingConnectionError { .. } => {
                    tries += 1;
                    honest.dial(handle.addresses()[0].clone()).expect("dial");
                }
                _ => {}
            }
        }
    };
    let both = async { tokio::join!(attempts, meanwhile) };
    let ((), tries) = timeout(4 * PATIENCE, both).await.expect("in time");
    event(
        &mut events,
        "the honest peer",
        |event| matches!(event, NodeEvent::Connected(peer) if *peer == who),
    )
    .await;
    until(&handle, "sockets closed", async || open_files() <= files + 16).await;
    let (worst, grown) = (worst.into_inner(), memory().saturating_sub(rss));
    println!(
        "{ATTEMPTS} attempts: {files} open files before, at most {worst} with up to {AT_ONCE} of the \
         attacker's own, {} after; {grown} KiB more memory; honest peer in at attempt {tries}",
        open_files()
    );
    assert!(worst <= files + 2 * AT_ONCE + 64, "{worst} open files");
    assert!(grown <= 64 << 10, "{grown} KiB");
    node.stop().await;
}

#[tokio::test]
async fn malformed_handshakes_end_the_socket_and_nothing_else() {
    let node = builder(&chain()).start().await.expect("a node");
    let handle = node.handle();
    let to = socket_of(&handle);
    let hello = b"\x13/multistream/1.0.0\n".as_slice();
    let noise = [hello, b"\x07/noise\n"].concat();
    let cases: [Vec<u8>; 9] = [
        vec![0],
        vec![0xff; 4_096],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        [hello, &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat(),
        [hello, b"\x04/xx\n", &[0; 3_000]].concat(),
        [&noise[..], &[0, 0]].concat(),
        [&noise[..], &[0xff, 0xff], &[7; 10_000]].concat(),
        [&noise[..], &[0, 32], &[9; 32], &[0, 100], &[1; 100]].concat(),
    ];
    for (number, bytes) in cases.iter().enumerate() {
        let mut socket = knock(1, to).await.expect("connected");
        // It may hang up in the middle of it.
        let _ = socket.write_all(bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let ended = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "case {number}: the socket stays open");
        assert!(answer.len() < 1_000, "case {number}: {} bytes of answer", answer.len());
    }
    assert!(handle.peers().await.expect("alive").is_empty());
    let mut honest = common::node();
    honest.dial(handle.addresses()[0].clone()).expect("dial");
    let who = *honest.local_peer_id();
    let driven = tokio::spawn(async move {
        loop {
            honest.select_next_some().await;
        }
    });
    let inside = async || handle.peers().await.expect("answer").contains(&who);
    until(&handle, "an honest peer", inside).await;
    driven.abort();
    node.stop().await;
}

#[tokio::test]
async fn a_banned_peer_is_disconnected_at_once_and_refused_by_its_id_when_it_returns() {
    let node = builder(&chain()).start().await.expect("a node");
    let handle = node.handle();
    let mut peer = common::node();
    let who = *peer.local_peer_id();
    let mut events = handle.subscribe();
    peer.dial(handle.addresses()[0].clone()).expect("dial");
    let driven = tokio::spawn({
        let address = handle.addresses()[0].clone();
        async move {
            loop {
                if let SwarmEvent::ConnectionClosed { .. } = peer.select_next_some().await {
                    peer.dial(address.clone()).expect("dial");
                }
            }
        }
    });
    event(
        &mut events,
        "connected",
        |event| matches!(event, NodeEvent::Connected(peer) if *peer == who),
    )
    .await;
    assert_eq!(decided(&handle, Reason::Blacklisted).await, 0);
    handle.ban(who, None).await.expect("banned");
    event(
        &mut events,
        "disconnected",
        |event| matches!(event, NodeEvent::Disconnected(peer) if *peer == who),
    )
    .await;
    // It sees its connection end after the handshake, and comes back each time.
    until(&handle, "refused", async || decided(&handle, Reason::Blacklisted).await >= 10).await;
    assert!(!handle.peers().await.expect("answer").contains(&who));
    driven.abort();
    node.stop().await;
}
