//! Peers: one row for each that is connected or still has something counted against it.

use core::net::IpAddr;

use crate::bans::ban_until;
use crate::hash::Seed;
use crate::packed::Packed;
use crate::score::Tally;
use crate::snapshot::{Codec, Record, record};
use crate::table::Row;
use crate::{Bucket, Decision, PeerId, Policy, Timestamp};

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The peer dialled us.
    Inbound,
    /// We dialled the peer.
    Outbound,
}

/// Keyed tags of the address groups of a connection's *observed* address; never of a claimed one.
///
/// An address that is not known (a relayed connection), or that is a proxy's (loopback: a Tor
/// service, for one), has the groups of nothing, which all such connections share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Groups {
    /// IPv4 /24 or IPv6 /56.
    pub(crate) narrow: Packed<4>,
    /// IPv4 /16 or IPv6 /32.
    pub(crate) wide: Packed<4>,
}

impl Groups {
    /// The groups of an address; an IPv4 address mapped into IPv6 has those of the IPv4 address.
    #[must_use]
    pub fn of(seed: &Seed, address: Option<IpAddr>) -> Self {
        let tag = |family: u8, prefix: &[u8]| {
            Packed::new(seed.hash(domain::GROUP ^ family, prefix) >> 32)
        };
        match address.map(|ip| ip.to_canonical()).filter(|ip| !ip.is_loopback()) {
            None => Self { narrow: tag(0, b"n"), wide: tag(0, b"w") },
            Some(IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                Self { narrow: tag(1, &[a, b, c]), wide: tag(1, &[a, b]) }
            }
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, e, f, g, ..] = ip.octets();
                Self { narrow: tag(2, &[a, b, c, d, e, f, g]), wide: tag(2, &[a, b, c, d]) }
            }
        }
    }
}

/// The first byte of every keyed hash: which kind of thing is hashed.
pub(crate) mod domain {
    pub(crate) const PEER: u8 = 1;
    pub(crate) const IDENTITY: u8 = 2;
    pub(crate) const KEY: u8 = 3;
    pub(crate) const BAN: u8 = 4;
    pub(crate) const OUTCOME: u8 = 5;
    pub(crate) const ENVELOPE: u8 = 6;
    pub(crate) const RANK: u8 = 7;
    pub(crate) const CELL: u8 = 8;
    pub(crate) const GROUP_ROW: u8 = 9;
    pub(crate) const TOMBSTONE: u8 = 10;
    pub(crate) const ROTATION: u8 = 11;
    pub(crate) const OWNER: u8 = 12;
    pub(crate) const SNAPSHOT: u8 = 13;
    pub(crate) const GROUP: u8 = 0x10;
}

#[derive(Clone)]
pub(crate) struct PeerRow {
    pub(crate) peer: PeerId,
    pub(crate) connections: u8,
    /// How many of them we dialled, or did when it was last connected.
    pub(crate) dialled: Dialled,
    /// Loopback on regtest: no group limits.
    pub(crate) exempt: bool,
    pub(crate) groups: Groups,
    /// Let in from a banned group: no more than a way to prove an identity.
    pub(crate) unproven: bool,
    /// When it last connected or disconnected, or had to prove an identity from then on.
    pub(crate) since: Timestamp,
    pub(crate) messages: Bucket,
    pub(crate) signatures: Bucket,
    pub(crate) headers: Bucket,
    /// Window violations of its own messages.
    pub(crate) violations: Tally,
    /// Its own invalid signatures.
    pub(crate) invalid: Tally,
    /// Its own malformed or oversize items.
    pub(crate) malformed: Tally,
    /// Faulty messages of others that it passed on.
    pub(crate) passed_on: Tally,
    /// How many peers proved the identity of its link after it did.
    pub(crate) proved: u8,
    /// Keys that it advertises as a stranger: as many as keys of its list.
    pub(crate) keys: u16,
    /// Its sanction, or that it has to prove an identity, is not yet told.
    pub(crate) sanctioned: bool,
    /// When its sanction for window violations is due; `EPOCH` if none waits.
    pub(crate) held_until: Timestamp,
    /// What that sanction is for.
    pub(crate) held_evidence: [u8; 8],
    /// The end of its ban, as its row in the ban table has it; [`Timestamp::NEVER`] until lifted.
    pub(crate) banned_until: Timestamp,
}

/// How many connections we dialled. A file says only whether it was any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialled(u8);

impl Record for Dialled {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut any = self.0 > 0;
        any.fields(codec);
        if any != (self.0 > 0) {
            self.0 = any.into();
        }
    }
}

record!(Groups: narrow, wide);
record!(
    PeerRow: peer, dialled, exempt, groups, since, messages, signatures, headers, violations,
    invalid, malformed, passed_on, held_until, held_evidence;
    not connections, unproven, proved, keys, sanctioned, banned_until
);

impl Row for PeerRow {
    type Key = PeerId;
    const VACANT: Self = Self {
        peer: PeerId::VACANT,
        connections: 0,
        dialled: Dialled(0),
        exempt: false,
        unproven: false,
        groups: Groups { narrow: Packed::ZERO, wide: Packed::ZERO },
        since: Timestamp::EPOCH,
        messages: Bucket::FULL,
        signatures: Bucket::FULL,
        headers: Bucket::FULL,
        violations: Tally::ZERO,
        invalid: Tally::ZERO,
        malformed: Tally::ZERO,
        passed_on: Tally::ZERO,
        proved: 0,
        keys: 0,
        sanctioned: false,
        held_until: Timestamp::EPOCH,
        held_evidence: [0; 8],
        banned_until: Timestamp::EPOCH,
    };
    const DOMAIN: u8 = domain::PEER;
    const MARKED: bool = true;
    const OWN: usize = 2;
    fn key_bytes(key: &PeerId) -> &[u8] {
        key.key_bytes()
    }
    fn key(&self) -> &PeerId {
        &self.peer
    }
}

impl PeerRow {
    /// Link to the identity that it proved on this connection.
    pub(crate) const IDENTITY: usize = 0;
    /// Link to the first key of its list.
    pub(crate) const FIRST: usize = 1;

    /// Whether we chose it: we dialled one of its connections, or did when it was last connected.
    pub(crate) const fn is_outbound(&self) -> bool {
        self.dialled.0 > 0
    }

    /// Notes a connection that was opened.
    pub(crate) fn open(&mut self, direction: Direction) {
        let dialled = if self.connections == 0 { 0 } else { self.dialled.0 };
        self.dialled.0 = dialled.saturating_add((direction == Direction::Outbound).into());
        self.connections = self.connections.saturating_add(1);
    }

    /// Notes that a connection ended. It is taken for one that the peer had opened: that it lets go
    /// of one that we dialled instead gains it nothing.
    pub(crate) fn close(&mut self) {
        self.connections = self.connections.saturating_sub(1);
        if self.connections > 0 {
            self.dialled.0 = self.dialled.0.min(self.connections);
        }
    }

    /// Open connections in one direction.
    pub(crate) fn count(&self, direction: Direction) -> u8 {
        match direction {
            Direction::Outbound => self.dialled.0.min(self.connections),
            Direction::Inbound => self.connections.saturating_sub(self.dialled.0),
        }
    }

    /// Whether a fresh row would be the same: it may be forgotten.
    pub(crate) fn is_fresh(&self, now: Timestamp, policy: &Policy) -> bool {
        self.connections == 0
            && self.keys == 0
            && !self.sanctioned
            && !self.is_held()
            && self.faults(now, policy) == 0
            && self.messages.is_full(now)
            && self.signatures.is_full(now)
            && self.headers.is_full(now)
    }

    /// Everything that is counted against it.
    pub(crate) fn faults(&self, now: Timestamp, policy: &Policy) -> u16 {
        let tallies = [self.violations, self.invalid, self.malformed, self.passed_on];
        tallies.iter().map(|tally| u16::from(tally.count(now, policy.sanctions.span))).sum()
    }

    /// The sanction in force.
    pub(crate) fn ban(&self, now: Timestamp) -> Option<Decision> {
        ban_until(self.banned_until, now)
    }
}
