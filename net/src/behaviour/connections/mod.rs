//! Who may connect: counts handshakes, asks the doorkeeper, and makes room. The only behaviour
//! that denies, so it must be the first field of the derived one: the others remember a connection
//! as soon as they are asked for its handler, and gossipsub never forgets one that a later field
//! denied.

mod door;
pub mod seats;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
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

pub use self::door::{Doorkeeper, Favour, Refused, Room};
use self::seats::{Facts, Groups};
use crate::{
    limits::Limits,
    transport::{Line, Lines},
};

/// Connections that were told to close and have not ended, at a time. On top of them the oldest
/// is cut: a remote that does not let go must not keep sockets.
const MAX_CLOSING: usize = 64;

/// An inbound handshake under way.
#[derive(Debug)]
struct Pending {
    /// `None` if it is exempt from group limits.
    groups: Option<Groups>,
    suspect: bool,
    line: Arc<Line>,
}

/// A connection that the doorkeeper let in.
#[derive(Debug)]
struct Guest {
    peer: PeerId,
    address: Option<IpAddr>,
    /// Where it was dialled.
    dialled: Option<Multiaddr>,
    outbound: bool,
    /// `None` if it is exempt from group limits.
    groups: Option<Groups>,
    arrived: u64,
    ping: Option<Duration>,
    /// The first and the last delivery of something new and good.
    delivered: Option<(Instant, Instant)>,
    line: Option<Arc<Line>>,
}

impl Guest {
    /// From the first to the last useful delivery.
    fn delivered_for(&self) -> Duration {
        self.delivered.map_or(Duration::ZERO, |(first, last)| last - first)
    }
}

/// The connection-counting behaviour around a [`Doorkeeper`].
#[derive(Debug)]
pub struct Connections<D> {
    /// The policy object itself: the swarm and it live in one task.
    pub door: D,
    /// Peers that the operator wants to be connected: no newcomer takes their place.
    pub persistent: HashSet<PeerId>,
    limits: Limits,
    regtest: bool,
    observe: fn(IpAddr) -> IpAddr,
    lines: Lines,
    /// Handshakes, oldest first.
    pending: Vec<(ConnectionId, Pending)>,
    /// Handshakes that had to give way, and are not over yet.
    ended: HashMap<ConnectionId, Arc<Line>>,
    dials: HashSet<ConnectionId>,
    guests: HashMap<ConnectionId, Guest>,
    arrivals: u64,
    /// Told to close and not ended yet, oldest first.
    closing: VecDeque<(ConnectionId, Option<Arc<Line>>)>,
    to_close: VecDeque<(PeerId, ConnectionId)>,
}

impl<D: Doorkeeper> Connections<D> {
    /// Other limits: how many handshakes there may be, and who is spared. The rest is that of
    /// sockets that are open already, and stays.
    pub fn limit(&mut self, limits: Limits) {
        let Limits { pending, pending_per_group, spare_ping, spare_delivery, spare_proven, .. } =
            limits;
        self.limits = Limits {
            pending,
            pending_per_group,
            spare_ping,
            spare_delivery,
            spare_proven,
            ..self.limits
        };
    }

    /// Around `door`; with `regtest`, loopback is exempt from the limits of groups.
    pub fn new(door: D, regtest: bool, limits: Limits) -> Self {
        Self {
            door,
            persistent: HashSet::new(),
            limits,
            regtest,
            observe: std::convert::identity,
            lines: Lines::default(),
            pending: Vec::new(),
            ended: HashMap::new(),
            dials: HashSet::new(),
            guests: HashMap::new(),
            arrivals: 0,
            closing: VecDeque::new(),
            to_close: VecDeque::new(),
        }
    }

    /// See [`super::Settings::observe`].
    #[must_use]
    pub fn observing(self, observe: fn(IpAddr) -> IpAddr) -> Self {
        Self { observe, ..self }
    }

    /// Where the transport finds the sockets' [`Line`]s.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// Every connection that was let in: its peer, its address, and whether we dialled it.
    pub fn guests(&self) -> impl Iterator<Item = (PeerId, Option<IpAddr>, bool)> + '_ {
        self.guests.values().map(|guest| (guest.peer, guest.address, guest.outbound))
    }

    /// Whether one of the connections to this peer is one that we dialled.
    #[must_use]
    pub fn is_outbound(&self, peer: &PeerId) -> bool {
        self.guests.values().any(|guest| guest.peer == *peer && guest.outbound)
    }

    /// Closes every connection of `peer` and counts them as gone at once: closing waits for the
    /// remote, which must not be able to keep a slot.
    pub fn disconnect(&mut self, peer: &PeerId) {
        let its: Vec<_> = self.guests.iter().filter(|(_, guest)| guest.peer == *peer).collect();
        let its: Vec<_> = its.into_iter().map(|(id, _)| *id).collect();
        its.into_iter().for_each(|id| self.close(id));
    }

    /// Closes the connection that holds most if the process has more than `used` bytes permit.
    /// Returns whose it was and how much it held.
    pub fn relieve(&mut self, used: u64) -> Option<(PeerId, usize)> {
        if used <= self.limits.memory {
            return None;
        }
        let held = |guest: &Guest| guest.line.as_ref().map_or(0, |line| line.held());
        let guests = self.guests.iter().map(|(id, guest)| (held(guest), guest.arrived, *id));
        let (held, _, id) =
            guests.filter(|(held, ..)| *held > 0).max_by_key(|guest| (guest.0, guest.1))?;
        let guest = self.guests.get(&id)?;
        let peer = guest.peer;
        // What it holds goes with its socket, not when the remote agrees.
        if let Some(line) = &guest.line {
            line.cut();
        }
        self.close(id);
        Some((peer, held))
    }

    /// Reads nothing more from `peer` for so long. What came already may still be taken.
    pub fn rest(&self, peer: &PeerId, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        let its = self.guests.values().filter(|guest| guest.peer == *peer);
        its.filter_map(|guest| guest.line.as_ref()).for_each(|line| line.rest(until));
    }

    /// Notes a round trip over a connection.
    pub fn note_ping(&mut self, id: ConnectionId, ping: Duration) {
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.ping = Some(guest.ping.map_or(ping, |lowest| lowest.min(ping)));
        }
    }

    /// Notes that a peer delivered something new and good.
    pub fn note_delivery(&mut self, peer: &PeerId) {
        let now = Instant::now();
        for guest in self.guests.values_mut().filter(|guest| guest.peer == *peer) {
            guest.delivered.get_or_insert((now, now)).1 = now;
        }
    }

    /// Inbound handshakes and dials under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len() + self.dials.len()
    }

    /// Connections that were let in and are not closed.
    #[must_use]
    pub fn established(&self) -> usize {
        self.guests.len()
    }

    /// The peers that were dialled, and where: the most useful first, then the longest there.
    #[must_use]
    pub fn outbound(&self) -> Vec<(PeerId, Multiaddr)> {
        let mut guests: Vec<_> = self.guests.values().filter(|guest| guest.outbound).collect();
        guests.sort_by_key(|guest| (std::cmp::Reverse(guest.delivered_for()), guest.arrived));
        let addresses = guests.iter().filter_map(|guest| {
            let address = guest.dialled.clone()?.with_p2p(guest.peer).ok()?;
            Some((guest.peer, address))
        });
        addresses.collect()
    }

    /// The observed address of a connected peer.
    #[must_use]
    pub fn ip_of_peer(&self, peer: &PeerId) -> Option<IpAddr> {
        self.guests.values().find(|guest| guest.peer == *peer).and_then(|guest| guest.address)
    }

    /// The address that a connected peer counts as having, see [`super::Settings::observe`].
    #[must_use]
    pub fn seen_of_peer(&self, peer: &PeerId) -> Option<IpAddr> {
        self.seen(self.ip_of_peer(peer))
    }

    /// The address that the policy is asked about.
    fn seen(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        address.map(self.observe)
    }

    fn groups(&self, address: Option<IpAddr>) -> Option<Groups> {
        let exempt = self.regtest && address.is_some_and(|ip| ip.is_loopback());
        (!exempt).then(|| Groups::of(address))
    }

    /// Whether one more handshake may begin. One of a larger group may be ended for it.
    fn admit_handshake(&mut self, address: Option<IpAddr>) -> Result<Pending, Refused> {
        let (groups, limits) = (self.groups(address), self.limits);
        let suspect = address.is_some_and(|ip| groups.is_some() && self.door.is_suspect(ip));
        let waiting = || self.pending.iter().map(|(_, pending)| pending);
        let of_group = waiting().filter(|other| {
            groups.is_some_and(|own| other.groups.is_some_and(|its| its.narrow == own.narrow))
        });
        // Strangers from a banned group: one handshake at a time, and a quarter of all places.
        let (most_of_group, most_suspect) = match suspect {
            true => (1, limits.pending / 4),
            false => (limits.pending_per_group, limits.pending),
        };
        if of_group.count() >= most_of_group.into()
            || suspect && waiting().filter(|other| other.suspect).count() >= most_suspect.into()
        {
            return Err(Refused(Reason::GroupLimit));
        }
        self.door.pending(address)?;
        if self.pending.len() >= limits.pending.into() {
            let wide = |groups: &Option<Groups>| groups.map(|groups| groups.wide);
            let all: Vec<_> = waiting().map(|pending| wide(&pending.groups)).collect();
            let index = seats::gives_way(&all, wide(&groups));
            let (id, ended) = self.pending.remove(index.ok_or(Refused(Reason::ConnectionLimit))?);
            ended.line.cut();
            self.ended.insert(id, ended.line);
        }
        Ok(Pending { groups, suspect, line: Arc::default() })
    }

    fn let_in(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        outbound: bool,
    ) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        if self.ended.contains_key(&id) {
            return Err(ConnectionDenied::new(Refused(Reason::ConnectionLimit)));
        }
        self.forget_pending(id);
        let address = ip_of(remote);
        let seen = self.seen(address);
        if !outbound {
            self.make_room(&peer, seen).map_err(ConnectionDenied::new)?;
        }
        self.door.established(&peer, seen, outbound).map_err(ConnectionDenied::new)?;
        self.arrivals += 1;
        let guest = Guest {
            peer,
            address,
            dialled: outbound.then(|| remote.clone()),
            outbound,
            groups: self.groups(seen),
            arrived: self.arrivals,
            ping: None,
            delivered: None,
            line: self.lines.get(remote),
        };
        self.guests.insert(id, guest);
        Ok(dummy::ConnectionHandler)
    }

    /// Closes an inbound connection for a newcomer if there is no place, and the newcomer would be
    /// let in otherwise.
    fn make_room(&mut self, peer: &PeerId, seen: Option<IpAddr>) -> Result<(), Refused> {
        let Room { inbound, per_peer } = self.door.room();
        let is_v6 = |address: Option<IpAddr>| address.is_some_and(|ip| ip.is_ipv6());
        let inside = || self.guests.iter().filter(|(_, guest)| !guest.outbound);
        let of_v6 = inside().filter(|(_, guest)| is_v6(self.seen(guest.address))).count();
        let full = inside().count() >= inbound.into();
        let full_v6 = is_v6(seen) && of_v6 >= usize::from(inbound / 2);
        if !full && !full_v6 {
            return Ok(());
        }
        // Nobody is closed for a peer that has as many as it may.
        let has = self.guests.values().filter(|guest| guest.peer == *peer).count();
        if has >= per_peer.into() {
            return Err(Refused(Reason::ConnectionLimit));
        }
        self.door.would_enter(peer, seen)?;
        let candidates: Vec<_> =
            inside().filter(|(_, guest)| !full_v6 || is_v6(self.seen(guest.address))).collect();
        let facts: Vec<_> = candidates.iter().map(|(_, guest)| self.facts(guest)).collect();
        let newcomer = self.groups(seen).map(|groups| groups.wide);
        let index = seats::makes_room(&self.limits, &facts, newcomer);
        let id = index.map(|index| *candidates[index].0);
        let id = id.ok_or(Refused(Reason::ConnectionLimit))?;
        self.close(id);
        Ok(())
    }

    fn facts(&self, guest: &Guest) -> Facts {
        let Favour { proven, kept } = self.door.favour(&guest.peer);
        Facts {
            arrived: guest.arrived,
            group: guest.groups.map(|groups| groups.wide),
            ping: guest.ping,
            delivered: guest.delivered_for(),
            proven,
            kept: kept || self.persistent.contains(&guest.peer),
        }
    }

    /// Tells a connection to close and counts it as gone.
    fn close(&mut self, id: ConnectionId) {
        let Some(guest) = self.guests.remove(&id) else { return };
        self.door.closed(&guest.peer, guest.outbound, self.seen(guest.address));
        self.to_close.push_back((guest.peer, id));
        self.closing.push_back((id, guest.line));
        if self.closing.len() > MAX_CLOSING
            && let Some((_, Some(line))) = self.closing.pop_front()
        {
            line.cut();
        }
    }

    fn forget_pending(&mut self, id: ConnectionId) {
        self.pending.retain(|(pending, _)| *pending != id);
        self.ended.remove(&id);
        self.dials.remove(&id);
    }

    /// Forgets a connection, wherever it stands. A later behaviour may have denied it after the
    /// door let it in.
    fn forget(&mut self, id: ConnectionId) {
        self.forget_pending(id);
        self.closing.retain(|(closing, _)| *closing != id);
        if let Some(guest) = self.guests.remove(&id) {
            self.door.closed(&guest.peer, guest.outbound, self.seen(guest.address));
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
        let address = self.seen(ip_of(remote));
        let pending = self.admit_handshake(address).map_err(ConnectionDenied::new)?;
        self.lines.put(remote, &pending.line);
        self.pending.push((id, pending));
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
        if self.dials.len() >= self.limits.pending.into() {
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
        self.to_close.pop_front().map_or(Poll::Pending, |(peer_id, id)| {
            Poll::Ready(ToSwarm::CloseConnection { peer_id, connection: CloseConnection::One(id) })
        })
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
mod tests;
