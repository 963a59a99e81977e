//! Who gets in, and what remains of those who do not.

mod common;

use std::time::Instant;

use common::{Door, Node, connect, drive, executor, listen, node, node_with, settings, swarm};
use libp2p::{
    Multiaddr,
    metrics::Registry,
    multiaddr::Protocol,
    swarm::{ListenError, SwarmEvent},
};
use ltms_core::Reason;
use ltms_net::{
    behaviour::{Behaviour, Event, Settings, connections::Refused},
    limits::Limits,
};
use tokio::net::TcpStream;

/// Lets `dialler` try once and returns the error that `listener` reports.
async fn refused(listener: &mut Node, dialler: &mut Node) -> ListenError {
    let address = listener.listeners().next().expect("listening").clone();
    dialler.dial(address).expect("dial");
    drive(&mut [listener, dialler], |_, event, _| match event {
        SwarmEvent::IncomingConnectionError { error, .. } => Some(error),
        _ => None,
    })
    .await
}

fn reason(error: ListenError) -> Option<Reason> {
    match error {
        ListenError::Denied { cause } => cause.downcast::<Refused>().ok().map(|refused| refused.0),
        _ => None,
    }
}

#[tokio::test]
async fn fifty_denied_peers_leave_nothing_behind() {
    let mut listener = node();
    let address = listen(&mut listener).await;
    listener.behaviour_mut().connections.door.refuse_established = Some(Reason::Blacklisted);
    for _ in 0..50 {
        let mut dialler = node();
        let error = refused(&mut listener, &mut dialler).await;
        assert_eq!(reason(error), Some(Reason::Blacklisted));
    }
    let behaviour = listener.behaviour();
    assert_eq!(behaviour.gossip.sub.all_peers().count(), 0, "gossipsub remembers none");
    assert_eq!((behaviour.connections.pending(), behaviour.connections.established()), (0, 0));
    assert_eq!(behaviour.connections.door.inside, 0);

    listener.behaviour_mut().connections.door.refuse_established = None;
    connect(&mut node(), &mut listener, &address).await;
    let behaviour = listener.behaviour();
    assert_eq!(behaviour.gossip.sub.all_peers().count(), 1, "but one who is let in");
    assert_eq!((behaviour.connections.pending(), behaviour.connections.established()), (0, 1));
}

#[tokio::test]
async fn an_address_can_be_refused_before_the_handshake() {
    let mut listener = node();
    listen(&mut listener).await;
    listener.behaviour_mut().connections.door.refuse_pending = Some(Reason::Graylisted);
    let error = refused(&mut listener, &mut node()).await;
    assert_eq!(reason(error), Some(Reason::Graylisted));
    assert_eq!(listener.behaviour().connections.pending(), 0);
}

#[tokio::test]
async fn a_silent_socket_keeps_its_place_for_three_seconds() {
    let mut listener = node();
    let address = listen(&mut listener).await;
    let Some(Protocol::Tcp(port)) = address.iter().nth(1) else { panic!("{address}") };
    let started = Instant::now();
    let _socket = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    drive(&mut [&mut listener], |_, event, nodes| match event {
        SwarmEvent::IncomingConnection { .. } => {
            assert_eq!(nodes[0].behaviour().connections.pending(), 1);
            None
        }
        SwarmEvent::IncomingConnectionError { .. } => Some(()),
        _ => None,
    })
    .await;
    assert!((3..8).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(listener.behaviour().connections.pending(), 0);
}

#[tokio::test]
async fn a_handshake_that_a_later_behaviour_denies_is_forgotten() {
    let limits = Limits { memory: 1, ..Limits::DEFAULT };
    let tight = Settings { limits, ..settings() };
    let mut listener = node_with(&tight, Door::default());
    listen(&mut listener).await;
    for _ in 0..3 {
        let error = refused(&mut listener, &mut node()).await;
        assert_eq!(reason(error), None, "not by the door but for the memory");
        assert_eq!(listener.behaviour().connections.pending(), 0);
    }
    let address: Multiaddr = "/ip4/127.0.0.1/tcp/9".parse().expect("address");
    assert!(listener.dial(address).is_err());
    assert_eq!(listener.behaviour().connections.pending(), 0, "dials neither");
}

#[tokio::test]
async fn who_is_cut_off_loses_its_place_at_once_and_its_connection_soon() {
    let (mut a, mut b) = (node(), node());
    let address = listen(&mut b).await;
    connect(&mut a, &mut b, &address).await;
    let peer = *a.local_peer_id();
    b.behaviour_mut().cut_off(&peer);
    let connections = &b.behaviour().connections;
    assert_eq!((connections.established(), connections.door.inside), (0, 0));
    let mut ends = 0;
    drive(&mut [&mut a, &mut b], |_, event, _| {
        ends += usize::from(matches!(event, SwarmEvent::ConnectionClosed { .. }));
        (ends == 2).then_some(())
    })
    .await;
    assert_eq!(b.behaviour().connections.door.inside, 0, "counted once");
    assert_eq!(a.behaviour().connections.door.inside, 0);
}

#[tokio::test]
async fn shutdown_ends_every_task_and_the_remote_notices() {
    let tasks = executor();
    let mut a = swarm(tasks.clone(), |keypair| {
        let mut registry = Registry::default();
        Behaviour::new(keypair, &settings(), Door::default(), &mut registry).expect("behaviour")
    });
    let mut b = node();
    let address = listen(&mut b).await;
    connect(&mut a, &mut b, &address).await;
    assert!(tasks.running() > 0);
    drop(a);
    tasks.shutdown().await;
    assert_eq!(tasks.running(), 0);
    drive(&mut [&mut b], |_, event, _| {
        matches!(event, SwarmEvent::ConnectionClosed { .. }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn peers_introduce_themselves() {
    let (mut a, mut b) = (node(), node());
    let address = listen(&mut b).await;
    a.dial(address).expect("dial");
    let info = drive(&mut [&mut a, &mut b], |_, event, _| match event {
        SwarmEvent::Behaviour(Event::Identify(event)) => match *event {
            libp2p::identify::Event::Received { info, .. } => Some(info),
            _ => None,
        },
        _ => None,
    })
    .await;
    assert_eq!(info.protocol_version, "ltms/0.1");
    assert_eq!(info.agent_version, ltms_net::behaviour::AGENT_VERSION);
    let protocols: Vec<_> = info.protocols.iter().map(AsRef::as_ref).collect();
    for needed in ["/ltms/direct/1", "/lotus/kad/reg/1.0.0", "/meshsub/1.1.0"] {
        assert!(protocols.contains(&needed), "{needed} in {protocols:?}");
    }
}
