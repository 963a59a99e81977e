//! Nodes on 127.0.0.1, driven by the test's own task.
#![allow(dead_code, reason = "not every test needs every helper")]

pub(crate) mod flood;
pub(crate) mod process;
pub(crate) mod pushes;
pub(crate) mod raw;
pub(crate) mod signers;
pub(crate) mod wire;

use std::{net::IpAddr, time::Duration};

use futures::{StreamExt, future::select_all};
use libp2p::{
    Multiaddr, PeerId, Swarm,
    identity::Keypair,
    metrics::Registry,
    swarm::{NetworkBehaviour, SwarmEvent},
};
use ltms_core::{Network, Reason};
use ltms_net::{
    behaviour::{
        Behaviour, Settings,
        connections::{Doorkeeper, Refused},
    },
    limits::Limits,
    transport::{Executor, Options, swarm_config, transport, transport_with},
};
use tokio::{runtime::Handle, time::timeout};

/// Longer than any event here may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Refuses with a reason, and counts who is inside.
#[derive(Debug, Default)]
pub(crate) struct Door {
    pub(crate) refuse_pending: Option<Reason>,
    pub(crate) refuse_established: Option<Reason>,
    pub(crate) inside: i32,
}

impl Doorkeeper for Door {
    fn pending(&mut self, address: Option<IpAddr>) -> Result<(), Refused> {
        assert!(address.is_some_and(|ip| ip.is_loopback()));
        self.refuse_pending.map_or(Ok(()), |reason| Err(Refused(reason)))
    }

    fn established(&mut self, _: &PeerId, _: Option<IpAddr>, _: bool) -> Result<(), Refused> {
        if let Some(reason) = self.refuse_established {
            return Err(Refused(reason));
        }
        self.inside += 1;
        Ok(())
    }

    fn closed(&mut self, _: &PeerId, _: bool, _: Option<IpAddr>) {
        self.inside -= 1;
    }
}

pub(crate) type Node = Swarm<Behaviour<Door>>;

pub(crate) fn settings() -> Settings {
    Settings { quick: true, server: true, ..Settings::new(Network::Reg) }
}

pub(crate) fn executor() -> Executor {
    Executor::new(Handle::current())
}

/// A swarm on our transport with any behaviour.
pub(crate) fn swarm<B: NetworkBehaviour>(
    executor: Executor,
    behaviour: impl FnOnce(&Keypair) -> B,
) -> Swarm<B> {
    swarm_of(&Keypair::generate_ed25519(), executor, behaviour)
}

/// The same of a peer with this key.
pub(crate) fn swarm_of<B: NetworkBehaviour>(
    keypair: &Keypair,
    executor: Executor,
    behaviour: impl FnOnce(&Keypair) -> B,
) -> Swarm<B> {
    let peer = keypair.public().to_peer_id();
    let transport = transport(keypair, Network::Reg, &mut Registry::default()).expect("transport");
    Swarm::new(transport, behaviour(keypair), peer, swarm_config(executor))
}

/// A swarm on our transport that gives its connections all the time they want: what is measured
/// is the other side.
pub(crate) fn roomy<B: NetworkBehaviour>(keypair: &Keypair, behaviour: B) -> Swarm<B> {
    let limits = Limits { share: 1_000, ..Limits::DEFAULT };
    let options = Options { limits, ..Options::default() };
    let transport = transport_with(keypair, Network::Reg, &options, &mut Registry::default());
    let peer = keypair.public().to_peer_id();
    Swarm::new(transport.expect("a transport"), behaviour, peer, swarm_config(executor()))
}

/// A peer with the node's behaviours, none of its rules, and all the time it wants.
pub(crate) fn roomy_node() -> Node {
    let (keypair, settings) = (Keypair::generate_ed25519(), settings());
    let behaviour = Behaviour::new(&keypair, &settings, Door::default(), &mut Registry::default());
    roomy(&keypair, behaviour.expect("behaviour"))
}

pub(crate) fn node_with(settings: &Settings, door: Door) -> Node {
    swarm(executor(), |keypair| {
        Behaviour::new(keypair, settings, door, &mut Registry::default()).expect("behaviour")
    })
}

pub(crate) fn node() -> Node {
    node_with(&settings(), Door::default())
}

/// A node with this key.
pub(crate) fn node_of(keypair: &Keypair) -> Node {
    swarm_of(keypair, executor(), |keypair| {
        Behaviour::new(keypair, &settings(), Door::default(), &mut Registry::default())
            .expect("behaviour")
    })
}

pub(crate) async fn listen(node: &mut Node) -> Multiaddr {
    node.listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("address")).expect("listening");
    drive(&mut [node], |_, event, _| match event {
        SwarmEvent::NewListenAddr { address, .. } => Some(address),
        _ => None,
    })
    .await
}

type EventOf<B> = SwarmEvent<<B as NetworkBehaviour>::ToSwarm>;

/// Runs the swarms until `look` has seen what it looks for.
pub(crate) async fn drive<B: NetworkBehaviour, T>(
    swarms: &mut [&mut Swarm<B>],
    mut look: impl FnMut(usize, EventOf<B>, &mut [&mut Swarm<B>]) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let next = swarms.iter_mut().map(|swarm| swarm.select_next_some());
            let (event, index, _) = select_all(next).await;
            if let Some(found) = look(index, event, swarms) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("the event did not come")
}

/// Runs two swarms of different kinds until `look` has seen what it looks for.
pub(crate) async fn drive_both<A: NetworkBehaviour, B: NetworkBehaviour, T>(
    a: &mut Swarm<A>,
    b: &mut Swarm<B>,
    mut look: impl FnMut(Side<EventOf<A>, EventOf<B>>, &mut Swarm<A>, &mut Swarm<B>) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let event = tokio::select! {
                event = a.select_next_some() => Side::A(event),
                event = b.select_next_some() => Side::B(event),
            };
            if let Some(found) = look(event, a, b) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("the event did not come")
}

pub(crate) enum Side<A, B> {
    A(A),
    B(B),
}

/// Connects `a` to `b`, both of which are driven.
pub(crate) async fn connect(a: &mut Node, b: &mut Node, address: &Multiaddr) {
    a.dial(address.clone()).expect("dial");
    let mut ends = 0;
    drive(&mut [a, b], |_, event, _| {
        ends += usize::from(matches!(event, SwarmEvent::ConnectionEstablished { .. }));
        (ends == 2).then_some(())
    })
    .await;
}
