//! Sixteen addresses that take all that one can have without asking.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Pending},
};
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport, TransportError,
    core::{
        transport::{DialOpts, ListenerId, TransportEvent},
        upgrade::Version,
    },
    identity::Keypair,
    multiaddr::Protocol,
    noise, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp::tokio::TcpStream,
    yamux,
};
use ltms_core::{Network, Policy};
use ltms_net::{Handle, NodeEvent, transport::swarm_config};
use tokio::{
    io::AsyncReadExt,
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::timeout,
};

use crate::{
    common::{self, executor},
    crowd::{knock, socket_of, spread},
    world::{PATIENCE, builder, chain, connect, event, register, until},
};

/// TCP from 127.0.0.n, whatever is dialled.
struct From127(u8);

impl Transport for From127 {
    type Output = TcpStream;
    type Error = io::Error;
    type ListenerUpgrade = Pending<io::Result<TcpStream>>;
    type Dial = BoxFuture<'static, io::Result<TcpStream>>;

    fn listen_on(
        &mut self,
        _: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn remove_listener(&mut self, _: ListenerId) -> bool {
        false
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        _: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        let parts: Vec<_> = address.iter().take(2).collect();
        let [Protocol::Ip4(ip), Protocol::Tcp(port)] = parts[..] else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let from = self.0;
        let dial = async move {
            let socket = knock(from, (ip, port).into()).await;
            socket.map(TcpStream).ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
        };
        Ok(dial.boxed())
    }

    fn poll(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Poll::Pending
    }
}

/// A host at 127.0.0.n that answers pings.
fn host(n: u8) -> Swarm<ping::Behaviour> {
    swarm_at(n, ping::Behaviour::default())
}

/// A host at 127.0.0.n with any behaviour.
pub(crate) fn swarm_at<B: NetworkBehaviour>(n: u8, behaviour: B) -> Swarm<B> {
    let key = Keypair::generate_ed25519();
    let transport = From127(n)
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(&key).expect("keys"))
        .multiplex(yamux::Config::default())
        .boxed();
    let peer = key.public().to_peer_id();
    Swarm::new(transport, behaviour, peer, swarm_config(executor()))
}

/// What all attackers count together.
struct Counts {
    /// Times that one was inside and thrown out.
    thrown_out: AtomicUsize,
    /// One dials at a time: handshakes have limits of their own.
    turn: Semaphore,
}

/// Dials, says so when it is inside, and dials again whenever it is thrown out.
async fn insist(n: u8, to: Multiaddr, counts: Arc<Counts>, inside: oneshot::Sender<()>) {
    let (mut host, mut inside) = (host(n), Some(inside));
    loop {
        let turn = counts.turn.acquire().await.expect("open");
        host.dial(to.clone()).expect("dial");
        let connected = loop {
            match host.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => break true,
                SwarmEvent::OutgoingConnectionError { .. } => break false,
                _ => {}
            }
        };
        if connected && let Some(inside) = inside.take() {
            let _ = inside.send(());
        }
        drop(turn);
        if connected {
            while !matches!(host.select_next_some().await, SwarmEvent::ConnectionClosed { .. }) {}
            counts.thrown_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn inbound(handle: &Handle) -> usize {
    let links = handle.links().await.expect("answer");
    links.iter().filter(|link| !link.outbound).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_addresses_in_all_inbound_places_keep_neither_a_newcomer_out_nor_a_signer() {
    const PLACES: usize = 32;
    const RETURNS: usize = 100;
    let chain = chain();
    let mut policy = Policy::LOTUS_V1.on(Network::Reg);
    policy.connections.inbound = 32;
    let started = builder(&chain).policy(policy).observe(spread).start().await;
    let node = started.expect("a node");
    let handle = node.handle();
    let address = handle.addresses()[0].clone();
    // Two signers prove who they are, before and while everything is taken.
    let mut signers = Vec::new();
    for n in 0..2 {
        let (key, id) = register(&handle, &chain, n).await;
        let signer = builder(&chain).identity(id, key).start().await.expect("a node");
        connect(&signer.handle(), &handle).await;
        let peer = signer.handle().peer_id();
        until(&handle, "proved", async || {
            handle.standing_of(&peer).await.expect("answer").identity == Some(id)
        })
        .await;
        signers.push((peer, signer));
    }
    let counts = Arc::new(Counts { thrown_out: AtomicUsize::new(0), turn: Semaphore::new(1) });
    let mut hosts = JoinSet::new();
    for number in 0..u8::try_from(PLACES - signers.len()).expect("few") {
        let (inside, entered) = oneshot::channel();
        hosts.spawn(insist(2 + number % 16, address.clone(), counts.clone(), inside));
        timeout(PATIENCE, entered).await.expect("in time").expect("inside");
    }
    until(&handle, "all places are taken", async || inbound(&handle).await == PLACES).await;
    assert_eq!(counts.thrown_out.load(Ordering::Relaxed), 0);

    // Who should stay is never seen leaving.
    let mut events = handle.subscribe();
    let mut honest = host(200);
    let newcomer = *honest.local_peer_id();
    let stay: Vec<PeerId> =
        signers.iter().map(|(peer, _)| *peer).chain(std::iter::once(newcomer)).collect();
    honest.dial(address).expect("dial");
    let first = loop {
        match honest.select_next_some().await {
            SwarmEvent::ConnectionEstablished { .. } => break true,
            SwarmEvent::OutgoingConnectionError { .. } => break false,
            _ => {}
        }
    };
    assert!(first, "at the first attempt");
    hosts.spawn(async move {
        loop {
            honest.select_next_some().await;
        }
    });
    let returns = || counts.thrown_out.load(Ordering::Relaxed);
    let leaving = async {
        while returns() < RETURNS {
            let left = events.recv().await.expect("told in time");
            if let NodeEvent::Disconnected(peer) = left {
                assert!(!stay.contains(&peer), "{peer} had to leave");
            }
        }
    };
    timeout(4 * PATIENCE, leaving).await.expect("they come back");
    let peers = handle.peers().await.expect("answer");
    assert!(stay.iter().all(|peer| peers.contains(peer)));
    assert!(inbound(&handle).await <= PLACES);
    println!(
        "all {PLACES} inbound places taken by 16 addresses and 2 signers: an honest newcomer was \
         inside at the first attempt; it and the signers stayed while others were thrown out {} \
         times and came back",
        returns()
    );
    hosts.shutdown().await;
    for (_, signer) in signers {
        signer.stop().await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_has_two_handshakes_at_a_time_and_others_are_let_in() {
    let node = builder(&chain()).observe(spread).start().await.expect("a node");
    let handle = node.handle();
    let to = socket_of(&handle);
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(knock(5, to).await.expect("connected"));
    }
    let mut third = knock(5, to).await.expect("connected");
    let ended = timeout(PATIENCE, third.read(&mut [0])).await.expect("it ends");
    assert!(!matches!(ended, Ok(1..)));
    let still = silent.iter().all(|socket| {
        let read = socket.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    });
    assert!(still, "the first two have three seconds");
    let mut events = handle.subscribe();
    let mut honest = common::node();
    let who = *honest.local_peer_id();
    honest.dial(handle.addresses()[0].clone()).expect("dial");
    let driven = tokio::spawn(async move {
        loop {
            honest.select_next_some().await;
        }
    });
    let connected = |event: &NodeEvent| matches!(event, NodeEvent::Connected(peer) if *peer == who);
    event(&mut events, "an honest peer", connected).await;
    driven.abort();
    node.stop().await;
}
