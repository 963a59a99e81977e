use libp2p::swarm::{ListenError, behaviour::ListenFailure};

use super::*;

/// Lets everybody in and counts.
struct Open {
    inside: i32,
    inbound: u16,
    /// Refuses those who would enter.
    refuses: Option<Reason>,
    suspect: Option<IpAddr>,
    favour: Option<(PeerId, Favour)>,
}

impl Default for Open {
    fn default() -> Self {
        Self { inside: 0, inbound: 128, refuses: None, suspect: None, favour: None }
    }
}

impl Doorkeeper for Open {
    fn pending(&mut self, _: Option<IpAddr>) -> Result<(), Refused> {
        Ok(())
    }
    fn established(&mut self, _: &PeerId, _: Option<IpAddr>, _: bool) -> Result<(), Refused> {
        self.inside += 1;
        Ok(())
    }
    fn closed(&mut self, _: &PeerId, _: bool, _: Option<IpAddr>) {
        self.inside -= 1;
    }
    fn would_enter(&mut self, _: &PeerId, _: Option<IpAddr>) -> Result<(), Refused> {
        self.refuses.map_or(Ok(()), |reason| Err(Refused(reason)))
    }
    fn is_suspect(&self, address: IpAddr) -> bool {
        self.suspect == Some(address)
    }
    fn favour(&self, peer: &PeerId) -> Favour {
        self.favour
            .filter(|(favoured, _)| favoured == peer)
            .map(|(_, favour)| favour)
            .unwrap_or_default()
    }
    fn room(&self) -> Room {
        Room { inbound: self.inbound, per_peer: 2 }
    }
}

fn knock(c: &mut Connections<Open>, id: usize, from: &str) -> Result<(), Reason> {
    let local = Multiaddr::empty();
    let id = ConnectionId::new_unchecked(id);
    c.handle_pending_inbound_connection(id, &local, &from.parse().expect("address"))
        .map_err(|denied| denied.downcast::<Refused>().expect("our own refusal").0)
}

#[test]
fn handshakes_are_limited_by_group_and_in_all() {
    let mut c = Connections::new(Open::default(), false, Limits::DEFAULT);
    assert_eq!(knock(&mut c, 0, "/ip4/10.0.0.1/tcp/1"), Ok(()));
    assert_eq!(knock(&mut c, 1, "/ip6/::ffff:10.0.0.2/tcp/1"), Ok(()));
    assert_eq!(knock(&mut c, 2, "/ip4/10.0.0.3/tcp/1"), Err(Reason::GroupLimit));
    assert_eq!(knock(&mut c, 3, "/ip4/10.0.1.3/tcp/1"), Ok(()));
    assert_eq!(knock(&mut c, 4, "/ip6/2001:db8:0:1::1/tcp/1"), Ok(()));
    assert_eq!(knock(&mut c, 5, "/ip6/2001:db8:0:2::1/tcp/1"), Ok(()));
    assert_eq!(knock(&mut c, 6, "/ip6/2001:db8:0:ff::1/tcp/1"), Err(Reason::GroupLimit));
    assert_eq!(knock(&mut c, 7, "/ip6/2001:db8:0:100::1/tcp/1"), Ok(()));
    for n in 0..26 {
        assert_eq!(knock(&mut c, 10 + n, &format!("/ip4/10.1.{n}.1/tcp/1")), Ok(()));
    }
    assert_eq!(c.pending(), 32);
    assert_eq!(knock(&mut c, 98, "/ip4/10.1.99.1/tcp/1"), Err(Reason::ConnectionLimit));
    assert_eq!(c.pending(), 32);
    let line = c.pending[6].1.line.clone();
    assert_eq!(knock(&mut c, 99, "/ip4/10.2.0.1/tcp/1"), Ok(()), "26 of 10.1.0.0/16 are too many");
    assert_eq!((c.pending(), line.is_cut()), (32, true), "the oldest of them gives way");
    let late = ConnectionId::new_unchecked(10);
    let here = Multiaddr::empty();
    let entered = c.handle_established_inbound_connection(late, PeerId::random(), &here, &here);
    assert!(entered.is_err(), "even if it ends at this moment");
    c.forget(late);
    assert!(c.ended.is_empty());
}

#[test]
fn loopback_is_exempt_from_the_group_limit_only_on_regtest() {
    let mut main = Connections::new(Open::default(), false, Limits::DEFAULT);
    let mut reg = Connections::new(Open::default(), true, Limits::DEFAULT);
    for id in 0..2 {
        assert_eq!(knock(&mut main, id, "/ip4/127.0.0.1/tcp/1"), Ok(()));
        assert_eq!(knock(&mut reg, id, "/ip4/127.0.0.1/tcp/1"), Ok(()));
    }
    assert_eq!(knock(&mut main, 9, "/ip4/127.0.0.1/tcp/1"), Err(Reason::GroupLimit));
    assert_eq!(knock(&mut reg, 9, "/ip4/127.0.0.1/tcp/1"), Ok(()));
}

#[test]
fn disconnect_frees_the_slot_at_once_and_only_once() {
    let mut c = Connections::new(Open::default(), true, Limits::DEFAULT);
    let (peer, other) = (PeerId::random(), PeerId::random());
    let here: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
    for (id, who) in [(1, peer), (2, peer), (3, other)] {
        let id = ConnectionId::new_unchecked(id);
        assert!(c.handle_established_inbound_connection(id, who, &here, &here).is_ok());
    }
    c.disconnect(&peer);
    c.disconnect(&peer);
    assert_eq!((c.door.inside, c.established(), c.to_close.len()), (1, 1, 2));
    c.forget(ConnectionId::new_unchecked(1));
    assert_eq!(c.door.inside, 1, "the late close event is not counted again");
    c.forget(ConnectionId::new_unchecked(3));
    assert_eq!((c.door.inside, c.established(), c.pending()), (0, 0, 0));
}

#[test]
fn a_guest_whom_a_later_behaviour_denies_has_left() {
    let mut c = Connections::new(Open::default(), true, Limits::DEFAULT);
    let here: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
    let (id, peer) = (ConnectionId::new_unchecked(1), PeerId::random());
    assert_eq!(knock(&mut c, 1, "/ip4/127.0.0.1/tcp/1"), Ok(()));
    assert!(c.handle_established_inbound_connection(id, peer, &here, &here).is_ok());
    assert_eq!((c.pending(), c.established(), c.door.inside), (0, 1, 1));
    let cause = ConnectionDenied::new(Refused(Reason::ConnectionLimit));
    c.on_swarm_event(FromSwarm::ListenFailure(ListenFailure {
        local_addr: &here,
        send_back_addr: &here,
        error: &ListenError::Denied { cause },
        connection_id: id,
        peer_id: Some(peer),
    }));
    assert_eq!((c.pending(), c.established(), c.door.inside), (0, 0, 0));
}

fn enter(c: &mut Connections<Open>, id: usize, peer: PeerId, from: &str) -> Result<(), Reason> {
    let (id, remote) = (ConnectionId::new_unchecked(id), from.parse().expect("address"));
    let entered = c.handle_established_inbound_connection(id, peer, &Multiaddr::empty(), &remote);
    entered.map(drop).map_err(|denied| denied.downcast::<Refused>().expect("our own refusal").0)
}

/// Four places, taken by four peers of three wide groups.
fn full() -> (Connections<Open>, [PeerId; 4]) {
    let door = Open { inbound: 4, ..Open::default() };
    let mut c = Connections::new(door, false, Limits::DEFAULT);
    let peers = [(); 4].map(|()| PeerId::random());
    let from = [
        "/ip4/10.1.0.1/tcp/1",
        "/ip4/10.2.0.1/tcp/1",
        "/ip4/10.2.1.1/tcp/1",
        "/ip4/10.3.0.1/tcp/1",
    ];
    for (id, (peer, from)) in peers.into_iter().zip(from).enumerate() {
        assert_eq!(enter(&mut c, id, peer, from), Ok(()));
    }
    (c, peers)
}

fn inside(c: &Connections<Open>, peer: &PeerId) -> bool {
    c.guests.values().any(|guest| guest.peer == *peer)
}

const STRANGE: &str = "/ip4/10.9.0.1/tcp/1";

#[test]
fn the_youngest_of_the_largest_group_leaves_for_a_newcomer() {
    let (mut c, peers) = full();
    assert_eq!(enter(&mut c, 10, PeerId::random(), STRANGE), Ok(()));
    assert_eq!(peers.map(|peer| inside(&c, &peer)), [true, true, false, true]);
    assert_eq!((c.door.inside, c.established()), (4, 4));
    let told = [(peers[2], ConnectionId::new_unchecked(2))];
    assert_eq!(Vec::from(c.to_close.clone()), told, "and this one connection is closed");
}

#[test]
fn nobody_leaves_for_who_is_refused_or_has_enough() {
    let (mut c, peers) = full();
    c.door.refuses = Some(Reason::GroupLimit);
    assert_eq!(enter(&mut c, 10, PeerId::random(), STRANGE), Err(Reason::GroupLimit));
    c.door.refuses = None;
    assert_eq!(enter(&mut c, 11, peers[0], "/ip4/10.8.0.1/tcp/2"), Ok(()), "a second one");
    assert_eq!(enter(&mut c, 12, peers[0], "/ip4/10.7.0.1/tcp/3"), Err(Reason::ConnectionLimit));
    assert_eq!((c.door.inside, c.established(), c.to_close.len()), (4, 4, 1));
}

#[test]
fn who_is_proven_or_wanted_by_the_operator_stays() {
    let (mut c, peers) = full();
    c.limits.spare_proven = 1;
    c.door.favour = Some((peers[2], Favour { proven: true, kept: false }));
    c.persistent.insert(peers[1]);
    assert_eq!(enter(&mut c, 10, PeerId::random(), STRANGE), Ok(()));
    assert_eq!(peers.map(|peer| inside(&c, &peer)), [true, true, true, false], "the youngest");
    c.persistent.extend(peers);
    c.door.favour = Some((peers[0], Favour { proven: false, kept: true }));
    assert_eq!(enter(&mut c, 11, PeerId::random(), STRANGE), Ok(()));
    assert!(inside(&c, &peers[0]) && inside(&c, &peers[1]) && inside(&c, &peers[2]));
    c.persistent = c.guests.values().map(|guest| guest.peer).collect();
    assert_eq!(enter(&mut c, 12, PeerId::random(), STRANGE), Err(Reason::ConnectionLimit));
}

#[test]
fn ipv6_has_half_of_the_inbound_places() {
    let door = Open { inbound: 4, ..Open::default() };
    let mut c = Connections::new(door, false, Limits::DEFAULT);
    let peers = [(); 3].map(|()| PeerId::random());
    for (id, peer) in peers.into_iter().enumerate() {
        let from = format!("/ip6/2001:db{id}::1/tcp/1");
        assert_eq!(enter(&mut c, id, peer, &from), Ok(()));
    }
    assert_eq!(
        peers.map(|peer| inside(&c, &peer)),
        [true, false, true],
        "the third for the second"
    );
    for id in 3..5 {
        let from = format!("/ip4/10.{id}.0.1/tcp/1");
        assert_eq!(enter(&mut c, id, PeerId::random(), &from), Ok(()));
    }
    assert_eq!(c.established(), 4, "the other half is for IPv4");
    assert_eq!(c.to_close.len(), 1);
}

#[test]
fn outbound_connections_neither_fill_inbound_places_nor_make_room() {
    let door = Open { inbound: 1, ..Open::default() };
    let mut c = Connections::new(door, false, Limits::DEFAULT);
    let (ours, remote) = (PeerId::random(), STRANGE.parse().expect("address"));
    let (id, end, port) = (ConnectionId::new_unchecked(1), Endpoint::Dialer, PortUse::New);
    assert!(c.handle_established_outbound_connection(id, ours, &remote, end, port).is_ok());
    for id in 2..4 {
        assert_eq!(enter(&mut c, id, PeerId::random(), STRANGE), Ok(()));
    }
    assert!(inside(&c, &ours));
    assert_eq!(c.established(), 2);
}

#[test]
fn a_banned_group_has_one_handshake_at_a_time_and_all_of_them_a_quarter() {
    let mut c = Connections::new(Open::default(), false, Limits::DEFAULT);
    for n in 0..10 {
        let from = format!("/ip4/10.{n}.0.1/tcp/1");
        c.door.suspect = Some(IpAddr::from([10, n, 0, 1]));
        let expected = if n < 8 { Ok(()) } else { Err(Reason::GroupLimit) };
        assert_eq!(knock(&mut c, n.into(), &from), expected, "{n}");
        c.door.suspect = Some(IpAddr::from([10, 0, 0, 1]));
        assert_eq!(knock(&mut c, 99, "/ip4/10.0.0.1/tcp/9"), Err(Reason::GroupLimit));
    }
    assert_eq!(knock(&mut c, 100, "/ip4/10.100.0.1/tcp/1"), Ok(()), "others are not affected");
}

#[test]
fn a_remote_that_does_not_let_go_loses_its_socket_when_many_do_so() {
    let mut c = Connections::new(Open::default(), true, Limits::DEFAULT);
    let lines: Vec<_> = (0..=MAX_CLOSING)
        .map(|id| {
            let from: Multiaddr =
                format!("/ip4/127.0.0.1/tcp/{}", id + 1).parse().expect("address");
            let (line, peer) = (Arc::default(), PeerId::random());
            c.lines.put(&from, &line);
            let id = ConnectionId::new_unchecked(id);
            assert!(c.handle_established_inbound_connection(id, peer, &from, &from).is_ok());
            c.disconnect(&peer);
            line
        })
        .collect();
    let cut = lines.iter().position(|line: &Arc<Line>| !line.is_cut());
    assert_eq!((cut, c.closing.len()), (Some(1), MAX_CLOSING), "the oldest one alone");
    c.forget(ConnectionId::new_unchecked(5));
    assert_eq!(c.closing.len(), MAX_CLOSING - 1);
}
