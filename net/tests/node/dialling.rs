//! Whom a node dials by itself, and through what.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use libp2p::{Multiaddr, PeerId, identity::Keypair, multiaddr::Protocol};
use ltms_net::{Handle, NodeEvent};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::world::{builder, chain, event, until};

fn named(handle: &Handle) -> Multiaddr {
    handle.addresses()[0].clone().with(Protocol::P2p(handle.peer_id()))
}

async fn connected_to(handle: &Handle, peer: PeerId) {
    let what = "connected";
    until(handle, what, async || handle.peers().await.expect("answer").contains(&peer)).await;
}

#[tokio::test]
async fn a_persistent_peer_is_dialled_until_it_is_back() {
    let (chain, keypair) = (chain(), Keypair::generate_ed25519());
    let b = builder(&chain).keypair(keypair.clone()).start().await.expect("a node");
    let (address, peer) = (b.handle().addresses()[0].clone(), b.handle().peer_id());
    let a = builder(&chain).persistent(named(&b.handle())).start().await.expect("a node");
    connected_to(&a.handle(), peer).await;
    let mut events = a.handle().subscribe();
    b.stop().await;
    event(&mut events, "lost", |event| matches!(event, NodeEvent::Disconnected(it) if *it == peer))
        .await;
    event(&mut events, "tried in vain", |event| matches!(event, NodeEvent::DialFailed { .. }))
        .await;
    let again = ltms_net::Builder::new(ltms_core::Network::Reg, chain)
        .capacity(ltms_core::Capacity::SMALL)
        .memory(8 << 30)
        .quick(true)
        .keypair(keypair)
        .listen(address)
        .start()
        .await
        .expect("the same address");
    connected_to(&a.handle(), peer).await;
    again.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn the_last_good_outbound_peers_are_dialled_after_a_restart() {
    let (chain, folder) = (chain(), tempfile::tempdir().expect("a folder"));
    let b = builder(&chain).start().await.expect("a node");
    let bootstrap = named(&b.handle());
    let a = builder(&chain).data_dir(folder.path()).bootstrap(bootstrap.clone());
    let a = a.start().await.expect("a node");
    connected_to(&a.handle(), b.handle().peer_id()).await;
    let file = folder.path().join("anchors");
    until(&a.handle(), "noted", async || file.exists()).await;
    a.stop().await;
    assert_eq!(std::fs::read_to_string(&file).expect("text"), format!("{bootstrap}\n"));
    let a = builder(&chain).data_dir(folder.path()).start().await.expect("a node");
    connected_to(&a.handle(), b.handle().peer_id()).await;
    a.stop().await;
    b.stop().await;
}

/// A SOCKS5 proxy that notes what it is asked for and connects to `to` whatever that is.
async fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<(u8, Vec<u8>)>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a proxy");
    let (address, asked) = (listener.local_addr().expect("address"), Arc::default());
    let notes: Arc<Mutex<Vec<_>>> = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let notes = notes.clone();
            tokio::spawn(async move {
                let mut head = [0; 2];
                client.read_exact(&mut head).await?;
                let mut methods = vec![0; head[1].into()];
                client.read_exact(&mut methods).await?;
                client.write_all(&[5, 0]).await?;
                let mut request = [0; 4];
                client.read_exact(&mut request).await?;
                let len = match request[3] {
                    1 => 4,
                    4 => 16,
                    _ => client.read_u8().await?.into(),
                };
                let mut target = vec![0; len + 2];
                client.read_exact(&mut target).await?;
                notes.lock().expect("notes").push((request[3], target));
                let mut server = TcpStream::connect(to).await?;
                client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 1]).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    (address, asked)
}

fn socket(handle: &Handle) -> SocketAddr {
    let parts: Vec<_> = handle.addresses()[0].iter().collect();
    let [Protocol::Ip4(ip), Protocol::Tcp(port)] = parts[..] else { panic!("{parts:?}") };
    (ip, port).into()
}

#[tokio::test]
async fn with_a_proxy_names_and_addresses_are_dialled_through_it_alone() {
    let chain = chain();
    let b = builder(&chain).start().await.expect("a node");
    let peer = b.handle().peer_id();
    let (proxy, asked) = proxy(socket(&b.handle())).await;
    let seed: Multiaddr = format!("/dns4/seed.invalid/tcp/4600/p2p/{peer}").parse().expect("ok");
    let a = builder(&chain).socks5(proxy).bootstrap(seed).start().await.expect("a node");
    connected_to(&a.handle(), peer).await;
    let first = asked.lock().expect("notes").first().cloned().expect("asked");
    assert_eq!(first, (3, [&b"seed.invalid"[..], &4600_u16.to_be_bytes()].concat()));
    a.stop().await;

    let elsewhere: Multiaddr = "/ip4/127.0.0.77/tcp/9".parse().expect("address");
    let a = builder(&chain).socks5(proxy).bootstrap(elsewhere).start().await.expect("a node");
    connected_to(&a.handle(), peer).await;
    let asked: Vec<_> = asked.lock().expect("notes").clone();
    assert!(asked.contains(&(1, vec![127, 0, 0, 77, 0, 9])), "{asked:?}");
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn without_its_proxy_a_node_dials_nobody() {
    let chain = chain();
    let b = builder(&chain).start().await.expect("a node");
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let nowhere = closed.local_addr().expect("address");
    drop(closed);
    let a = builder(&chain).socks5(nowhere).start().await.expect("a node");
    let mut events = a.handle().subscribe();
    a.handle().dial(named(&b.handle())).await.expect("accepted");
    event(&mut events, "failed", |event| matches!(event, NodeEvent::DialFailed { .. })).await;
    assert!(b.handle().peers().await.expect("answer").is_empty());
    a.stop().await;
    b.stop().await;
}
