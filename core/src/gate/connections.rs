//! Connections and the bytes that come over them.

use core::net::IpAddr;

use super::sanctions::Fault;
use super::{CapacityError, Gate, Parts, Source};
use crate::peers::{Direction, Groups, PeerRow};
use crate::storage::Storage;
use crate::table::Row;
use crate::{Decision, Mode, Network, PeerId, Reason, Timestamp, size};

/// A connection as the transport sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The authenticated peer at the other end.
    pub peer: PeerId,
    /// The address observed, `None` where a relay or proxy hides it.
    pub address: Option<IpAddr>,
    /// Who opened it.
    pub direction: Direction,
}

/// What kind of frame came, which decides how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A gossip message: an envelope.
    Gossip,
    /// A direct request or response.
    Direct,
    /// A DHT record.
    Record,
}

impl FrameKind {
    /// The largest frame of this kind, in bytes (policy §1).
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::Gossip => size::ENVELOPE,
            Self::Direct => size::FRAME,
            Self::Record => size::RECORD,
        }
    }
}

impl<S: Storage> Gate<S> {
    /// Whether a connection may be opened or kept: bans, then how many there are already.
    pub fn screen_connection(&mut self, now: Timestamp, connection: &Connection) -> Decision {
        let mut parts = self.parts(now);
        let decision = parts.screen_connection(now, connection);
        parts.node.counters.note(decision)
    }

    /// Notes that a connection was established.
    ///
    /// # Errors
    /// [`CapacityError`] if every row belongs to a connected peer: close the connection then.
    pub fn connected(
        &mut self,
        now: Timestamp,
        connection: &Connection,
    ) -> Result<(), CapacityError> {
        self.parts(now).connected(now, connection)
    }

    /// Notes that a connection of this peer ended.
    pub fn disconnected(&mut self, now: Timestamp, peer: &PeerId) {
        let mut parts = self.parts(now);
        let Some(row) = parts.peer(peer) else { return };
        row.connections = row.connections.saturating_sub(1);
        if row.connections == 0 {
            row.since = now;
            row.identity = 0;
        }
    }

    /// Charges a connection for a frame, before it is decoded: its sanction, the frame's size,
    /// the connection's window. The only place that charges the connection for volume.
    ///
    /// A gossip message over the window is still to be processed, because gossipsub would drop
    /// later copies of it ([`Reason::Throttle`]); the connection has to be cut off *before*
    /// deduplication until `retry_at`. A direct frame over it is refused.
    pub fn screen_frame(
        &mut self,
        now: Timestamp,
        source: &Source,
        kind: FrameKind,
        len: usize,
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = parts.screen_frame(now, source, kind, len);
        parts.node.counters.note(decision)
    }

    /// Charges the connection for bytes that could not be read, as `reason` says.
    ///
    /// For [`Reason::Malformed`] and its like from the decoders of [`crate::wire`]; reasons that
    /// are nobody's fault cost nothing.
    pub fn malformed(
        &mut self,
        now: Timestamp,
        source: &Source,
        reason: Reason,
        frame: &[u8],
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = Decision::new(reason);
        if decision.verdict == crate::Verdict::Reject {
            parts.accuse(now, source, Fault::Malformed, frame);
        }
        parts.node.counters.note(decision)
    }
}

impl Parts<'_> {
    fn is_exempt(&self, connection: &Connection) -> bool {
        let loopback = connection.address.is_some_and(|ip| ip.to_canonical().is_loopback());
        loopback && self.rules.policy.network == Network::Reg
    }

    fn screen_connection(&mut self, now: Timestamp, connection: &Connection) -> Decision {
        if let Some(sanction) = self.sanction(now, &connection.peer) {
            return sanction;
        }
        let limits = self.rules.policy.connections;
        let groups = Groups::of(&self.rules.seed, connection.address);
        let outbound = connection.direction == Direction::Outbound;
        let (mut same_direction, mut narrow, mut wide) = (0u16, 0u16, 0u16);
        for (_, row) in self.tables.peers.view().iter().filter(|(_, row)| row.connections > 0) {
            let count = u16::from(row.connections);
            let add = |sum: &mut u16, counts: bool| {
                *sum = sum.saturating_add(if counts { count } else { 0 });
            };
            if row.peer == connection.peer && row.connections >= limits.per_peer {
                return Reason::ConnectionLimit.into();
            }
            add(&mut same_direction, row.outbound == outbound);
            add(&mut narrow, !row.exempt && row.groups.narrow == groups.narrow);
            add(&mut wide, !row.exempt && row.groups.wide == groups.wide);
        }
        let limit = if outbound { limits.outbound } else { limits.inbound };
        if same_direction >= limit {
            return Reason::ConnectionLimit.into();
        }
        let crowded = narrow >= limits.per_narrow || wide >= limits.per_wide;
        if crowded && !self.is_exempt(connection) && !self.is_allowed(&connection.peer) {
            if self.rules.policy.enforce.groups == Mode::On {
                return Reason::GroupLimit.into();
            }
            let would = &mut self.node.counters.would_groups;
            *would = would.saturating_add(1);
        }
        Reason::Clear.into()
    }

    fn connected(&mut self, now: Timestamp, connection: &Connection) -> Result<(), CapacityError> {
        let exempt = self.is_exempt(connection);
        let groups = Groups::of(&self.rules.seed, connection.address);
        let place = self.peer_place(now, &connection.peer).ok_or(CapacityError::Peers)?;
        let row = self.tables.peers.get_mut(place).ok_or(CapacityError::Peers)?;
        row.connections = row.connections.saturating_add(1);
        row.outbound = connection.direction == Direction::Outbound;
        row.exempt = exempt;
        row.groups = groups;
        row.since = now;
        Ok(())
    }

    /// The place of a peer's row, made if there is room: a row that is as good as fresh goes
    /// first, then the one that has been disconnected for longest.
    fn peer_place(&mut self, now: Timestamp, peer: &PeerId) -> Option<u32> {
        let seed = &self.rules.seed;
        let peers = &mut self.tables.peers;
        if let Some(place) = peers.find(seed, peer) {
            return Some(place);
        }
        if peers.is_full() {
            let gone = peers.view().iter().filter(|(_, row)| row.connections == 0);
            let (place, _) =
                gone.min_by_key(|(_, row)| (!row.is_fresh(now, &self.rules.policy), row.since))?;
            peers.remove(seed, place);
        }
        peers.insert(seed, PeerRow { peer: *peer, ..PeerRow::VACANT })
    }

    fn screen_frame(
        &mut self,
        now: Timestamp,
        source: &Source,
        kind: FrameKind,
        len: usize,
    ) -> Decision {
        if let Some(sanction) = self.sanction(now, &source.peer).filter(|_| !source.is_relayed()) {
            return sanction;
        }
        if len > kind.limit() {
            self.accuse(now, source, Fault::Malformed, &len.to_le_bytes());
            return Reason::Oversize.into();
        }
        let (quota, modes) = (self.rules.policy.windows.connection, self.rules.policy.enforce);
        let Some(row) = self.peer(&source.peer) else {
            return Reason::ConnectionLimit.into();
        };
        match (row.messages.peek(quota, now), kind) {
            (Err(_), _) if modes.windows == Mode::Observe => {
                row.messages.charge(quota, now);
                let would = &mut self.node.counters.would_windows;
                *would = would.saturating_add(1);
                Reason::Clear.into()
            }
            (Ok(()), _) => {
                row.messages.charge(quota, now);
                Reason::Clear.into()
            }
            (Err(until), FrameKind::Gossip) => {
                row.messages.charge(quota, now);
                Decision::until(Reason::Throttle, until.0)
            }
            (Err(until), _) => Decision::until(Reason::ConnectionWindow, until.0),
        }
    }
}
