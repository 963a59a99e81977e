//! Charges connections for what a behaviour does with their messages, in the driver's task.

use std::{collections::HashMap, sync::Arc};

use libp2p::{
    Multiaddr,
    swarm::{ConnectionId, FromSwarm},
};

use crate::transport::{Line, Lines, priced};

/// The lines of a behaviour's connections.
#[derive(Default)]
pub(super) struct Bills {
    lines: Lines,
    open: HashMap<ConnectionId, Arc<Line>>,
}

impl Bills {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, open: HashMap::new() }
    }

    /// Whose address this is will be charged as this connection.
    pub(super) fn open(&mut self, id: ConnectionId, remote: &Multiaddr) {
        if let Some(line) = self.lines.get(remote) {
            self.open.insert(id, line);
        }
    }

    /// Forgets connections that are over.
    pub(super) fn on_swarm_event(&mut self, event: &FromSwarm<'_>) {
        let id = match event {
            FromSwarm::ConnectionClosed(closed) => closed.connection_id,
            FromSwarm::ListenFailure(failure) => failure.connection_id,
            FromSwarm::DialFailure(failure) => failure.connection_id,
            _ => return,
        };
        self.open.remove(&id);
    }

    /// Charges a connection for this.
    pub(super) fn charge(&self, id: ConnectionId, work: impl FnOnce()) {
        let ((), time) = priced(work);
        if let Some(line) = self.open.get(&id) {
            line.charge(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt;
    use libp2p::{
        PeerId, Swarm,
        core::{ConnectedPoint, Endpoint, transport::PortUse},
        identity::Keypair,
        metrics::Registry,
        swarm::{
            self, ConnectionClosed, DialError, DialFailure, ListenError, ListenFailure,
            NetworkBehaviour, SwarmEvent,
        },
    };
    use ltms_core::{Network, Quota};
    use tokio::time::{interval, timeout};

    use super::*;
    use crate::{
        behaviour::{dht::Dht, gossip::Gossip, scores::Scores},
        transport::{Options, transport_with},
    };

    fn address(port: usize) -> Multiaddr {
        format!("/ip4/10.0.0.1/tcp/{port}").parse().expect("an address")
    }

    fn closed(id: ConnectionId, endpoint: &ConnectedPoint) -> FromSwarm<'_> {
        FromSwarm::ConnectionClosed(ConnectionClosed {
            peer_id: PeerId::random(),
            connection_id: id,
            endpoint,
            cause: None,
            remaining_established: 0,
        })
    }

    #[test]
    fn work_is_charged_to_its_connection_and_to_no_other() {
        let lines = Lines::default();
        let (its, others) = (Line::metered(), Line::metered());
        lines.put(&address(1), &its);
        lines.put(&address(2), &others);
        let mut bills = Bills::new(lines);
        let ids = [1, 2, 3].map(ConnectionId::new_unchecked);
        for (id, port) in ids.iter().zip(1..) {
            // Nobody knows a socket at the third.
            bills.open(*id, &address(port));
        }
        let before = (its.used(), others.used());
        let mut done = 0;
        bills.charge(ids[2], || done += 1);
        bills.charge(ConnectionId::new_unchecked(9), || done += 1);
        assert_eq!((its.used(), others.used()), before);
        bills.charge(ids[0], || done += 1);
        assert!(its.used() > before.0 && others.used() == before.1);
        assert_eq!(done, 3, "the work is done whoever pays");
    }

    #[test]
    fn a_connection_that_is_over_pays_for_nothing_and_is_forgotten() {
        let endpoint = ConnectedPoint::Dialer {
            address: address(1),
            role_override: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let (listened, dialled) = (ListenError::Aborted, DialError::Aborted);
        let (local, id) = (address(7), ConnectionId::new_unchecked(1));
        let ends = [
            closed(id, &endpoint),
            FromSwarm::ListenFailure(ListenFailure {
                local_addr: &local,
                send_back_addr: &local,
                error: &listened,
                connection_id: id,
                peer_id: None,
            }),
            FromSwarm::DialFailure(DialFailure {
                peer_id: None,
                error: &dialled,
                connection_id: id,
            }),
        ];
        for end in ends {
            let (lines, line) = (Lines::default(), Line::metered());
            let before = line.used();
            lines.put(&address(1), &line);
            let mut bills = Bills::new(lines);
            bills.open(id, &address(1));
            bills.on_swarm_event(&closed(ConnectionId::new_unchecked(2), &endpoint));
            assert_eq!(bills.open.len(), 1, "another one's end");
            bills.on_swarm_event(&end);
            bills.charge(id, || {});
            assert!(bills.open.is_empty() && line.used() == before);
        }
    }

    /// Has two swarms with this behaviour talk to each other until both connections were charged,
    /// in tasks of their own that charge nobody.
    async fn both_ends_pay<B: NetworkBehaviour>(
        behaviour: impl Fn(&Keypair, Lines) -> B,
        talk: impl Fn(&mut B, PeerId, Multiaddr),
    ) {
        let mut swarms = [0, 1].map(|_| {
            let (keypair, lines) = (Keypair::generate_ed25519(), Lines::default());
            let options = Options { lines: lines.clone(), ..Options::default() };
            let mut registry = Registry::default();
            let transport = transport_with(&keypair, Network::Reg, &options, &mut registry);
            let (peer, config) =
                (keypair.public().to_peer_id(), swarm::Config::with_tokio_executor());
            let behaviour = behaviour(&keypair, lines.clone());
            (Swarm::new(transport.expect("a transport"), behaviour, peer, config), lines)
        });
        let [(listener, here), (dialler, there)] = &mut swarms;
        let any = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
        listener.listen_on(any).expect("listening");
        let mut paying = [None, None];
        let mut tick = interval(Duration::from_millis(20));
        let paid = async {
            let paid = |(line, before): &(Arc<Line>, _)| line.used() > *before;
            while !paying.iter().all(|of| of.as_ref().is_some_and(paid)) {
                let (event, end) = tokio::select! {
                    event = listener.select_next_some() => (event, 0),
                    event = dialler.select_next_some() => (event, 1),
                    _ = tick.tick() => continue,
                };
                match event {
                    SwarmEvent::NewListenAddr { address, .. } => {
                        dialler.dial(address).expect("dialled");
                    }
                    SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                        let address = endpoint.get_remote_address();
                        let line = [&*here, &*there][end].get(address).expect("open");
                        paying[end] = Some((line.clone(), line.used()));
                        let swarm = if end == 0 { &mut *listener } else { &mut *dialler };
                        talk(swarm.behaviour_mut(), peer_id, address.clone());
                    }
                    _ => {}
                }
            }
        };
        timeout(Duration::from_secs(60), paid).await.expect("both are charged");
    }

    #[tokio::test]
    async fn what_the_dht_does_with_a_message_is_charged_to_whoever_sent_it() {
        let behaviour = |keypair: &Keypair, lines| {
            let mut dht = Dht::new(keypair.public().to_peer_id(), Network::Reg, true);
            dht.bills = Bills::new(lines);
            dht
        };
        both_ends_pay(behaviour, |dht, peer, address| {
            dht.kad.add_address(&peer, address);
            dht.kad.get_closest_peers(PeerId::random());
        })
        .await;
    }

    #[tokio::test]
    async fn what_gossip_does_with_a_message_is_charged_to_whoever_sent_it() {
        let behaviour = |keypair: &Keypair, lines| {
            let (quota, mut registry) = (Quota::per_second(20, 20), Registry::default());
            let gossip =
                Gossip::new(keypair, Network::Reg, true, Scores::Quiet, quota, &mut registry);
            let mut gossip = gossip.expect("good numbers");
            gossip.bills = Bills::new(lines);
            gossip
        };
        // Each tells the other its topics.
        both_ends_pay(behaviour, |_, _, _| {}).await;
    }
}
