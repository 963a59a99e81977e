//! Binary multiaddrs, of which an advertisement may have only the few forms that can be dialled.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Network, PeerId, size};

/// The multicodec numbers of the parts, as varints.
const IP4: &[u8] = &[0x04];
const IP6: &[u8] = &[0x29];
const TCP: &[u8] = &[0x06];
const UDP: &[u8] = &[0x91, 0x02];
const QUIC_V1: &[u8] = &[0xCD, 0x03];
const P2P: &[u8] = &[0xA5, 0x03];
const P2P_CIRCUIT: &[u8] = &[0xA2, 0x02];

/// How a host is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// QUIC version 1 over UDP.
    QuicV1,
}

/// An address that an advertisement may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The host: of the advertised peer, or of the relay.
    pub ip: IpAddr,
    /// How to reach it.
    pub transport: Transport,
    /// Its port, never 0.
    pub port: u16,
    /// The relay at which the advertised peer can be met, if it has no address of its own.
    pub relay: Option<PeerId>,
}

impl Address {
    /// Reads a binary multiaddr of `peer`: `/ip4` or `/ip6` with `/tcp` or `/udp/…/quic-v1`, then
    /// nothing, or `/p2p/<relay>/p2p-circuit`, and last, if at all, `/p2p/<peer>`.
    ///
    /// # Errors
    /// [`AddressError`]: too long, of another form, naming another peer, or, unless `network` is
    /// regtest, with an IP that is not globally reachable.
    pub fn decode(multiaddr: &[u8], network: Network, peer: &PeerId) -> Result<Self, AddressError> {
        if multiaddr.len() > size::ADDRESS {
            return Err(AddressError::TooLong);
        }
        let (mut address, rest) = host(multiaddr).ok_or(AddressError::Form)?;
        let named = if rest.is_empty() {
            None
        } else {
            let (first, rest) = p2p(rest).ok_or(AddressError::Form)?;
            match rest.strip_prefix(P2P_CIRCUIT) {
                Some(rest) => {
                    address.relay = Some(first);
                    last_p2p(rest)?
                }
                None if rest.is_empty() => Some(first),
                None => return Err(AddressError::Form),
            }
        };
        if named.is_some_and(|named| named != *peer) {
            return Err(AddressError::OtherPeer);
        }
        if network != Network::Reg && !is_reachable(address.ip) {
            return Err(AddressError::Unreachable);
        }
        Ok(address)
    }
}

/// Nothing, or one `/p2p` part.
fn last_p2p(rest: &[u8]) -> Result<Option<PeerId>, AddressError> {
    if rest.is_empty() {
        return Ok(None);
    }
    match p2p(rest) {
        Some((named, [])) => Ok(Some(named)),
        _ => Err(AddressError::Form),
    }
}

/// The IP, transport and port at the start of `bytes`, and what follows them.
fn host(bytes: &[u8]) -> Option<(Address, &[u8])> {
    let (ip, rest) = if let Some(rest) = bytes.strip_prefix(IP4) {
        let (ip, rest) = rest.split_first_chunk::<4>()?;
        (IpAddr::from(*ip), rest)
    } else {
        let (ip, rest) = bytes.strip_prefix(IP6)?.split_first_chunk::<16>()?;
        (IpAddr::from(*ip), rest)
    };
    let (transport, port, rest) = if let Some(rest) = rest.strip_prefix(TCP) {
        let (port, rest) = rest.split_first_chunk()?;
        (Transport::Tcp, port, rest)
    } else {
        let (port, rest) = rest.strip_prefix(UDP)?.split_first_chunk()?;
        (Transport::QuicV1, port, rest.strip_prefix(QUIC_V1)?)
    };
    let port = u16::from_be_bytes(*port);
    (port != 0).then_some((Address { ip, transport, port, relay: None }, rest))
}

/// The peer in the `/p2p` part at the start of `bytes`, and what follows it.
fn p2p(bytes: &[u8]) -> Option<(PeerId, &[u8])> {
    // A peer id is at most 39 bytes, so its length is a varint of one byte.
    let (len, rest) = bytes.strip_prefix(P2P)?.split_first()?;
    let (peer, rest) = rest.split_at_checked(usize::from(*len))?;
    Some((PeerId::from_bytes(peer).ok()?, rest))
}

/// Whether a signer anywhere can have this IP (`docs/wire.md`, from the IANA special-purpose
/// registries).
fn is_reachable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_reachable_v4(ip),
        IpAddr::V6(ip) => is_reachable_v6(ip),
    }
}

fn is_reachable_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127 | 224.., ..] // this network, private, loopback, multicast and reserved
            | [100, 64..=127, ..] // carrier NAT
            | [169, 254, ..] // link-local
            | [172, 16..=31, ..] // private
            | [192, 0, 0 | 2, _] // protocol assignments, documentation
            | [192, 168, ..] // private
            | [198, 18 | 19, ..] // benchmarks
            | [198, 51, 100, _] // documentation
            | [203, 0, 113, _] // documentation
    )
}

/// Only what is allotted, 2000::/3, which leaves out loopback, local and multicast addresses and
/// the forms with an IPv4 address inside, except those below.
fn is_reachable_v6(ip: Ipv6Addr) -> bool {
    matches!(ip.segments(), [0x2000..=0x3FFF, ..])
        && !matches!(
            ip.segments(),
            [0x2001, 0x0000..=0x01FF, ..] // protocol assignments, among them Teredo
                | [0x2001, 0x0DB8, ..] // documentation
                | [0x2002, ..] // 6to4
                | [0x3FFF, 0x0000..=0x0FFF, ..] // documentation
        )
}

/// Why bytes are not an address that an advertisement may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Longer than [`size::ADDRESS`].
    TooLong,
    /// Not a multiaddr of one of the known forms.
    Form,
    /// It names another peer than the advertised one.
    OtherPeer,
    /// Its IP is private, local, multicast or otherwise not reachable from everywhere.
    Unreachable,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "address is too long",
            Self::Form => "address is not of a known form",
            Self::OtherPeer => "address names another peer",
            Self::Unreachable => "address is not globally reachable",
        })
    }
}

impl core::error::Error for AddressError {}
