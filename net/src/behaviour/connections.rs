//! Who may connect: counts handshakes and asks the doorkeeper. The only behaviour that denies, so
//! it must be the first field of the derived one: the others remember a connection as soon as
//! they are asked for its handler, and gossipsub never forgets one that a later field denied.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
    },
};
use ltms_core::Reason;

/// Inbound handshakes at a time, and dials at a time (policy §10).
pub const MAX_PENDING: usize = 32;
/// Inbound handshakes of one narrow address group at a time (policy §10).
pub const MAX_PENDING_PER_GROUP: usize = 2;

/// A connection was refused, and why. Found again with [`ConnectionDenied::downcast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection refused: {0}")]
pub struct Refused(
    /// The reason, as the policy names it.
    pub Reason,
);

/// Decides about connections. It is asked synchronously, from the task that polls the swarm.
pub trait Doorkeeper: Send + 'static {
    /// Asked before the handshake of an inbound connection, when only its address is known.
    ///
    /// # Errors
    /// [`Refused`] closes the socket before anything is read from it.
    fn pending(&mut self, address: Option<IpAddr>) -> Result<(), Refused>;

    /// Asked after the handshake, when the peer is known, for both directions.
    ///
    /// # Errors
    /// [`Refused`] closes the connection. After `Ok`, exactly one [`Doorkeeper::closed`] follows.
    fn established(
        &mut self,
        peer: &PeerId,
        address: Option<IpAddr>,
        outbound: bool,
    ) -> Result<(), Refused>;

    /// A connection that was let in is gone, or is being closed by [`Connections::disconnect`].
    fn closed(&mut self, peer: &PeerId, outbound: bool, address: Option<IpAddr>);
}

/// A connection that the doorkeeper let in.
#[derive(Clone, Copy, Debug)]
struct Guest {
    peer: PeerId,
    address: Option<IpAddr>,
    outbound: bool,
}

/// The connection-counting behaviour around a [`Doorkeeper`].
#[derive(Debug)]
pub struct Connections<D> {
    /// The policy object itself: the swarm and it live in one task.
    pub door: D,
    regtest: bool,
    inbound: HashMap<ConnectionId, Option<Group>>,
    dials: HashSet<ConnectionId>,
    guests: HashMap<ConnectionId, Guest>,
    to_close: VecDeque<PeerId>,
}

impl<D: Doorkeeper> Connections<D> {
    /// Around `door`; with `regtest`, loopback is exempt from the limit on handshakes per group.
    pub fn new(door: D, regtest: bool) -> Self {
        Self {
            door,
            regtest,
            inbound: HashMap::new(),
            dials: HashSet::new(),
            guests: HashMap::new(),
            to_close: VecDeque::new(),
        }
    }

    /// Every connection that was let in: its peer, its address, and whether we dialled it.
    pub fn guests(&self) -> impl Iterator<Item = (PeerId, Option<IpAddr>, bool)> + '_ {
        self.guests.values().map(|guest| (guest.peer, guest.address, guest.outbound))
    }

    /// Closes every connection of `peer` and counts them as gone at once: closing waits for the
    /// remote, which must not be able to keep a slot.
    pub fn disconnect(&mut self, peer: &PeerId) {
        let known = self.guests.len();
        let door = &mut self.door;
        self.guests.retain(|_, guest| {
            let stays = guest.peer != *peer;
            if !stays {
                door.closed(&guest.peer, guest.outbound, guest.address);
            }
            stays
        });
        if self.guests.len() < known {
            self.to_close.push_back(*peer);
        }
    }

    /// Inbound handshakes and dials under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.inbound.len() + self.dials.len()
    }

    /// Connections that were let in and are not closed.
    #[must_use]
    pub fn established(&self) -> usize {
        self.guests.len()
    }

    /// The observed address of a connected peer.
    #[must_use]
    pub fn ip_of_peer(&self, peer: &PeerId) -> Option<IpAddr> {
        self.guests.values().find(|guest| guest.peer == *peer).and_then(|guest| guest.address)
    }

    /// Whether one of the connections to this peer is one that we dialled.
    #[must_use]
    pub fn is_outbound(&self, peer: &PeerId) -> bool {
        self.guests.values().any(|guest| guest.peer == *peer && guest.outbound)
    }

    fn let_in(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        outbound: bool,
    ) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        self.inbound.remove(&id);
        self.dials.remove(&id);
        let address = ip_of(remote);
        self.door.established(&peer, address, outbound).map_err(ConnectionDenied::new)?;
        self.guests.insert(id, Guest { peer, address, outbound });
        Ok(dummy::ConnectionHandler)
    }

    /// Forgets a connection, wherever it stands. A later behaviour may have denied it after the
    /// door let it in.
    fn forget(&mut self, id: ConnectionId) {
        self.inbound.remove(&id);
        self.dials.remove(&id);
        if let Some(guest) = self.guests.remove(&id) {
            self.door.closed(&guest.peer, guest.outbound, guest.address);
        }
    }
}

impl<D: Doorkeeper> NetworkBehaviour for Connections<D> {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let deny = |reason| Err(ConnectionDenied::new(Refused(reason)));
        let address = ip_of(remote);
        let group = match address {
            Some(ip) if self.regtest && ip.is_loopback() => None,
            _ => Some(Group::of(address)),
        };
        if self.inbound.len() >= MAX_PENDING {
            return deny(Reason::ConnectionLimit);
        }
        let same = self.inbound.values().filter(|other| group.is_some() && **other == group);
        if same.count() >= MAX_PENDING_PER_GROUP {
            return deny(Reason::GroupLimit);
        }
        self.door.pending(address).map_err(ConnectionDenied::new)?;
        self.inbound.insert(id, group);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.let_in(id, peer, remote, false)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        _: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if self.dials.len() >= MAX_PENDING {
            return Err(ConnectionDenied::new(Refused(Reason::ConnectionLimit)));
        }
        self.dials.insert(id);
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.let_in(id, peer, remote, true)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ListenFailure(failure) => self.forget(failure.connection_id),
            FromSwarm::DialFailure(failure) => self.forget(failure.connection_id),
            FromSwarm::ConnectionClosed(closed) => self.forget(closed.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.to_close.pop_front() {
            Some(peer_id) => {
                Poll::Ready(ToSwarm::CloseConnection { peer_id, connection: CloseConnection::All })
            }
            None => Poll::Pending,
        }
    }
}

/// A narrow address group: IPv4 /24 or IPv6 /56; all addresses without an IP are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    V4([u8; 3]),
    V6([u8; 7]),
    Other,
}

impl Group {
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        match address {
            Some(IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, e, f, g, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f, g])
            }
            None => Self::Other,
        }
    }
}

/// The IP at the start of an observed address; an IPv4 one in IPv6 clothes is an IPv4 one.
#[must_use]
pub fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip).to_canonical()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use libp2p::swarm::{ListenError, behaviour::ListenFailure};

    use super::*;

    /// Lets everybody in and counts.
    #[derive(Default)]
    struct Open(i32);

    impl Doorkeeper for Open {
        fn pending(&mut self, _: Option<IpAddr>) -> Result<(), Refused> {
            Ok(())
        }
        fn established(&mut self, _: &PeerId, _: Option<IpAddr>, _: bool) -> Result<(), Refused> {
            self.0 += 1;
            Ok(())
        }
        fn closed(&mut self, _: &PeerId, _: bool, _: Option<IpAddr>) {
            self.0 -= 1;
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
        let mut c = Connections::new(Open::default(), false);
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
        assert_eq!(c.pending(), MAX_PENDING);
        assert_eq!(knock(&mut c, 99, "/ip4/10.2.0.1/tcp/1"), Err(Reason::ConnectionLimit));
        assert_eq!(c.pending(), MAX_PENDING);
    }

    #[test]
    fn loopback_is_exempt_from_the_group_limit_only_on_regtest() {
        let mut main = Connections::new(Open::default(), false);
        let mut reg = Connections::new(Open::default(), true);
        for id in 0..2 {
            assert_eq!(knock(&mut main, id, "/ip4/127.0.0.1/tcp/1"), Ok(()));
            assert_eq!(knock(&mut reg, id, "/ip4/127.0.0.1/tcp/1"), Ok(()));
        }
        assert_eq!(knock(&mut main, 9, "/ip4/127.0.0.1/tcp/1"), Err(Reason::GroupLimit));
        assert_eq!(knock(&mut reg, 9, "/ip4/127.0.0.1/tcp/1"), Ok(()));
    }

    #[test]
    fn disconnect_frees_the_slot_at_once_and_only_once() {
        let mut c = Connections::new(Open::default(), true);
        let (peer, other) = (PeerId::random(), PeerId::random());
        let here: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
        for (id, who) in [(1, peer), (2, peer), (3, other)] {
            let id = ConnectionId::new_unchecked(id);
            assert!(c.handle_established_inbound_connection(id, who, &here, &here).is_ok());
        }
        c.disconnect(&peer);
        c.disconnect(&peer);
        assert_eq!((c.door.0, c.established(), c.to_close.len()), (1, 1, 1));
        c.forget(ConnectionId::new_unchecked(1));
        assert_eq!(c.door.0, 1, "the late close event is not counted again");
        c.forget(ConnectionId::new_unchecked(3));
        assert_eq!((c.door.0, c.established(), c.pending()), (0, 0, 0));
    }

    #[test]
    fn a_guest_whom_a_later_behaviour_denies_has_left() {
        let mut c = Connections::new(Open::default(), true);
        let here: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
        let (id, peer) = (ConnectionId::new_unchecked(1), PeerId::random());
        assert_eq!(knock(&mut c, 1, "/ip4/127.0.0.1/tcp/1"), Ok(()));
        assert!(c.handle_established_inbound_connection(id, peer, &here, &here).is_ok());
        assert_eq!((c.pending(), c.established(), c.door.0), (0, 1, 1));
        let cause = ConnectionDenied::new(Refused(Reason::ConnectionLimit));
        c.on_swarm_event(FromSwarm::ListenFailure(ListenFailure {
            local_addr: &here,
            send_back_addr: &here,
            error: &ListenError::Denied { cause },
            connection_id: id,
            peer_id: Some(peer),
        }));
        assert_eq!((c.pending(), c.established(), c.door.0), (0, 0, 0));
    }
}
