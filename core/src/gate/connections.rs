//! Connections and the bytes that come over them.

use core::net::IpAddr;

use super::peers::left_of;
use super::sanctions::{Fault, ban_of};
use super::{CapacityError, Gate, Parts, Source};
use crate::groups::narrow;
use crate::peers::{Direction, Groups, PeerRow};
use crate::storage::Storage;
use crate::table::Place;
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
    /// A DHT record, or an item of a page or history that we asked for.
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

    /// Whether the narrow group of an address is banned, so that strangers from it have to prove
    /// an identity: whoever takes connections can take fewer at a time from there.
    #[must_use]
    pub fn is_group_banned(&self, now: Timestamp, address: IpAddr) -> bool {
        let groups = Groups::of(&self.rules.seed, Some(address));
        let tag = narrow(&self.rules.seed, &groups).to_le_bytes();
        let found = self.storage.tables().groups.find(&self.rules.seed, &tag);
        found.is_some_and(|(_, row)| row.ban(now).is_some())
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
        let peers = &mut parts.tables.peers;
        let Some(place) = peers.find(&parts.rules.seed, peer) else { return };
        let Some(row) = peers.get_mut(place) else { return };
        row.close();
        if row.connections == 0 {
            row.since = now;
            row.unproven = false;
            peers.set_link(place, PeerRow::IDENTITY, 0);
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
    /// For [`Reason::Malformed`] and its like from the decoders of [`crate::wire`], and for
    /// [`Reason::InvalidSignature`] after [`Gate::charge_signature`]; reasons that are nobody's
    /// fault cost nothing.
    pub fn malformed(
        &mut self,
        now: Timestamp,
        source: &Source,
        reason: Reason,
        frame: &[u8],
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = Decision::new(reason);
        match reason {
            Reason::InvalidSignature => parts.accuse(now, source, Fault::InvalidSignature, frame),
            _ if decision.verdict == crate::Verdict::Reject => {
                parts.accuse(now, source, Fault::Malformed, frame);
            }
            _ => {}
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
        if let Some((place, row)) = self.tables.bans.view().find(&self.rules.seed, &connection.peer)
            && let Some(ban) = ban_of(row, now)
        {
            if row.has_to_note(now)
                && let Some(row) = self.tables.bans.get_mut(place)
            {
                row.note_try(now);
            }
            return ban;
        }
        let limits = self.rules.policy.connections;
        let groups = Groups::of(&self.rules.seed, connection.address);
        let (mut same_direction, mut narrow, mut wide) = (0u16, 0u16, 0u16);
        for (_, row) in self.tables.peers.view().iter().filter(|(_, row)| row.connections > 0) {
            let add = |sum: &mut u16, counts: bool| {
                *sum = sum.saturating_add(if counts { row.connections.into() } else { 0 });
            };
            if row.peer == connection.peer && row.connections >= limits.per_peer {
                return Reason::ConnectionLimit.into();
            }
            let same = row.count(connection.direction);
            same_direction = same_direction.saturating_add(same.into());
            add(&mut narrow, !row.exempt && row.groups.narrow == groups.narrow);
            add(&mut wide, !row.exempt && row.groups.wide == groups.wide);
        }
        let crowded = narrow >= limits.per_narrow || wide >= limits.per_wide;
        if crowded && !self.is_exempt(connection) && !self.is_allowed(&connection.peer) {
            if self.rules.policy.enforce.groups == Mode::On {
                return Reason::GroupLimit.into();
            }
            let would = &mut self.node.counters.would_groups;
            *would = would.saturating_add(1);
        }
        // After the groups: whoever closes another connection for this one must not do so in vain.
        let limit = match connection.direction {
            Direction::Outbound => limits.outbound,
            Direction::Inbound => limits.inbound,
        };
        if same_direction >= limit {
            return Reason::ConnectionLimit.into();
        }
        if !self.is_exempt(connection) && self.wants_proof(now, connection, &groups) {
            let end = now.saturating_add(self.rules.policy.sanctions.proof);
            return Decision::until(Reason::ProveIdentity, end);
        }
        Reason::Clear.into()
    }

    /// Whether the connection's group is banned and its peer has not proved an identity, on
    /// another connection.
    fn wants_proof(&self, now: Timestamp, connection: &Connection, groups: &Groups) -> bool {
        let peer = self.tables.peers.find(&self.rules.seed, &connection.peer);
        let proved =
            peer.is_some_and(|place| self.tables.peers.link(place, PeerRow::IDENTITY) != 0);
        !proved
            && !self.is_allowed(&connection.peer)
            && self.group_ban(now, narrow(&self.rules.seed, groups)).is_some()
    }

    fn connected(&mut self, now: Timestamp, connection: &Connection) -> Result<(), CapacityError> {
        let exempt = self.is_exempt(connection);
        let groups = Groups::of(&self.rules.seed, connection.address);
        let direction = connection.direction;
        // Before a row is removed for this one, which takes its debts along.
        let (signatures, headers) = left_of(&self.tables, &groups);
        let place = self.peer_place(now, &connection.peer, direction);
        let place = place.ok_or(CapacityError::Peers)?;
        let unproven = !exempt && self.wants_proof(now, connection, &groups);
        let row = self.tables.peers.get_mut(place).ok_or(CapacityError::Peers)?;
        // Ids are free, those that were here before as well as fresh ones: whoever comes begins with
        // no more than its group has left.
        if direction == Direction::Inbound && row.connections == 0 {
            row.signatures = row.signatures.poorer(signatures);
            row.headers = row.headers.poorer(headers);
        }
        row.open(direction);
        row.exempt = exempt;
        row.groups = groups;
        // A second connection gives no more time.
        if row.connections == 1 || !row.unproven {
            row.since = now;
        }
        if unproven && !row.unproven {
            self.ask_for_proof(now, place);
        }
        Ok(())
    }

    fn screen_frame(
        &mut self,
        now: Timestamp,
        source: &Source,
        kind: FrameKind,
        len: usize,
    ) -> Decision {
        let place = self.tables.peers.find(&self.rules.seed, &source.peer);
        // What others published is still taken: gossipsub would show no other copy of it.
        if !source.is_relayed()
            && let Some(refused) = self.refused_sender(now, &source.peer, place, kind)
        {
            return refused;
        }
        if len > kind.limit() {
            self.accuse(now, source, Fault::Malformed, &len.to_le_bytes());
            return Reason::Oversize.into();
        }
        let (quota, modes) = (self.rules.policy.windows.connection, self.rules.policy.enforce);
        let Some(row) = place.and_then(|place| self.tables.peers.get_mut(place)) else {
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
            (Err(_), FrameKind::Gossip) => {
                // Charged as well, so that the time to tell is the one after that.
                row.messages.charge(quota, now);
                let opens = row.messages.peek(quota, now);
                opens.map_or_else(
                    |at| Decision::until(Reason::Throttle, at.0),
                    |()| Reason::Clear.into(),
                )
            }
            (Err(until), _) => Decision::until(Reason::ConnectionWindow, until.0),
        }
    }

    /// What is refused because of who sent it. A connected peer's own row says it all.
    fn refused_sender(
        &self,
        now: Timestamp,
        peer: &PeerId,
        place: Option<Place>,
        kind: FrameKind,
    ) -> Option<Decision> {
        let Some(row) = place.and_then(|place| self.tables.peers.get(place)) else {
            return self.sanction(now, peer);
        };
        let unproven = || self.unproven(now, row).filter(|_| kind != FrameKind::Direct);
        row.ban(now).or_else(unproven)
    }
}
