//! What many functions take and give.

use core::mem::MaybeUninit;
use core::net::IpAddr;

use ltms_core::{
    BlockHash, Channel, Decision, Direction, FrameKind, IdentityId, Network, PeerId, PublicKey,
    Signature, SignatureCheck, Source, Timestamp, Txid, Verdict,
};

use crate::guard::Result;
use crate::status::Status;

/// "Until lifted", where a time is the end of something.
pub const LTMS_NEVER: u64 = u64::MAX;

/// The chain with money on it.
pub const LTMS_NETWORK_MAIN: u8 = 0;
/// The public test chain.
pub const LTMS_NETWORK_TEST: u8 = 1;
/// A private chain for tests.
pub const LTMS_NETWORK_REG: u8 = 2;

/// Drop the message and say nothing: nobody is at fault as far as others can tell.
pub const LTMS_IGNORE: u8 = 0;
/// Take the message and pass it on.
pub const LTMS_ACCEPT: u8 = 1;
/// Drop the message, and tell gossip so: every honest node would.
pub const LTMS_REJECT: u8 = 2;

/// A message came by gossip, maybe by way of others.
pub const LTMS_CHANNEL_GOSSIP: u8 = 1;
/// A direct frame: pushed by the peer itself.
pub const LTMS_CHANNEL_DIRECT: u8 = 2;
/// An item of somebody's directory that we asked for.
pub const LTMS_CHANNEL_DIRECTORY: u8 = 4;
/// A DHT record.
pub const LTMS_CHANNEL_DHT: u8 = 8;
/// Our own message: nobody pays and nobody is accused.
pub const LTMS_CHANNEL_OWN: u8 = 16;

/// A gossip message: an envelope.
pub const LTMS_FRAME_GOSSIP: u8 = 0;
/// A direct request or response.
pub const LTMS_FRAME_DIRECT: u8 = 1;
/// A DHT record, or an item of a page or history that we asked for.
pub const LTMS_FRAME_RECORD: u8 = 2;

/// All signatures hold.
pub const LTMS_SIGNATURE_VALID: u8 = 0;
/// The author's signature does not.
pub const LTMS_SIGNATURE_INVALID: u8 = 1;
/// The delegation's signature does not.
pub const LTMS_SIGNATURE_NOT_DELEGATED: u8 = 2;

/// The peer dialled us.
pub const LTMS_INBOUND: u8 = 0;
/// We dialled the peer.
pub const LTMS_OUTBOUND: u8 = 1;

/// `bytes!(name, len: Core, doc)`: bytes of a fixed length, which the core has a type for.
macro_rules! bytes {
    ($($core:ident => $name:ident;)*) => {$(
        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                Self { bytes: *value.as_bytes() }
            }
        }

        impl From<&$name> for $core {
            fn from(value: &$name) -> Self {
                Self::from_bytes(value.bytes)
            }
        }
    )*};
}

/// The id of a transaction, in internal byte order; displayed reversed (ltms_txid_to_hex).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_txid {
    /// The bytes.
    pub bytes: [u8; 32],
}

/// The hash of a block header, in internal byte order; displayed reversed
/// (ltms_block_hash_to_hex).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_block_hash {
    /// The bytes.
    pub bytes: [u8; 32],
}

/// A burn-backed identity. It survives key rotation; reputation, burn, tier and bans hang on it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_identity {
    /// The bytes, in the order in which they are displayed.
    pub bytes: [u8; 32],
}

/// A compressed secp256k1 public key; not known to lie on the curve.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_public_key {
    /// 02 or 03, and x, big-endian.
    pub bytes: [u8; 33],
}

/// A Lotus Schnorr signature.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_signature {
    /// R.x and s, both 32 bytes, big-endian.
    pub bytes: [u8; 64],
}

bytes! {
    Txid => ltms_txid;
    BlockHash => ltms_block_hash;
    IdentityId => ltms_identity;
    PublicKey => ltms_public_key;
    Signature => ltms_signature;
}

/// A libp2p peer id, as the bytes of its multihash. Free to make, so nothing lasting hangs on it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_peer {
    /// How many of `bytes` there are: 34, 38 or 39.
    pub len: u8,
    /// The multihash, then zeros.
    pub bytes: [u8; 39],
}

impl From<PeerId> for ltms_peer {
    fn from(peer: PeerId) -> Self {
        let mut bytes = [0; PeerId::MAX_LEN];
        let id = peer.to_bytes();
        bytes.iter_mut().zip(&id).for_each(|(to, byte)| *to = *byte);
        Self { len: id.len() as u8, bytes }
    }
}

impl TryFrom<&ltms_peer> for PeerId {
    type Error = Status;
    fn try_from(peer: &ltms_peer) -> Result<Self> {
        let bytes = peer.bytes.get(..usize::from(peer.len)).ok_or(Status::PeerId)?;
        Ok(Self::from_bytes(bytes)?)
    }
}

/// A verdict and why. All zeros: no decision was made.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_decision {
    /// LTMS_IGNORE, LTMS_ACCEPT or LTMS_REJECT. It follows from the reason.
    pub verdict: u8,
    /// One of the LTMS_REASON numbers; ltms_strreason has its name.
    pub reason: u8,
    /// Zeros.
    pub reserved: [u8; 6],
    /// Unix time in milliseconds from which the same message passes this check; 0 where waiting
    /// does not help.
    pub retry_at_ms: u64,
}

impl ltms_decision {
    /// No decision was made.
    pub(crate) const NONE: Self =
        Self { verdict: Verdict::Ignore as u8, reason: 0, reserved: [0; 6], retry_at_ms: 0 };
}

impl From<Decision> for ltms_decision {
    fn from(decision: Decision) -> Self {
        Self {
            verdict: decision.verdict as u8,
            reason: decision.reason.code(),
            reserved: [0; 6],
            retry_at_ms: decision.retry_at.map_or(0, Timestamp::as_millis),
        }
    }
}

/// Where a message came from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_source {
    /// The connected peer that handed it to us, and that pays for it until its signature holds;
    /// our own id for LTMS_CHANNEL_OWN.
    pub peer: ltms_peer,
    /// The peer that signed the gossip message; `len` 0 where a channel has no such thing.
    pub publisher: ltms_peer,
    /// One of the LTMS_CHANNEL numbers.
    pub channel: u8,
}

impl TryFrom<&ltms_source> for Source {
    type Error = Status;
    fn try_from(source: &ltms_source) -> Result<Self> {
        let publisher = match source.publisher.len {
            0 => None,
            _ => Some((&source.publisher).try_into()?),
        };
        let channels =
            [Channel::Gossip, Channel::Direct, Channel::Directory, Channel::Dht, Channel::Own];
        let channel = channels.into_iter().find(|channel| *channel as u8 == source.channel);
        Ok(Self {
            peer: (&source.peer).try_into()?,
            publisher,
            channel: channel.ok_or(Status::Value)?,
        })
    }
}

/// A connection as the transport sees it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_connection {
    /// The authenticated peer at the other end.
    pub peer: ltms_peer,
    /// How many bytes the observed address has: 4 for IPv4, 16 for IPv6, 0 where a relay or a
    /// proxy hides it.
    pub address_len: u8,
    /// The observed address, in network byte order.
    pub address: [u8; 16],
    /// LTMS_INBOUND or LTMS_OUTBOUND.
    pub direction: u8,
}

impl TryFrom<&ltms_connection> for ltms_core::Connection {
    type Error = Status;
    fn try_from(connection: &ltms_connection) -> Result<Self> {
        Ok(Self {
            peer: (&connection.peer).try_into()?,
            address: address(&connection.address, connection.address_len)?,
            direction: pick(connection.direction, &[Direction::Inbound, Direction::Outbound])?,
        })
    }
}

/// An IP address of so many bytes.
pub(crate) fn address(bytes: &[u8; 16], len: u8) -> Result<Option<IpAddr>> {
    match (len, bytes) {
        (0, _) => Ok(None),
        (4, [a, b, c, d, ..]) => Ok(Some([*a, *b, *c, *d].into())),
        (16, bytes) => Ok(Some((*bytes).into())),
        _ => Err(Status::Value),
    }
}

/// The value with this number.
pub(crate) fn pick<T: Copy>(number: u8, values: &[T]) -> Result<T> {
    values.get(usize::from(number)).copied().ok_or(Status::Value)
}

pub(crate) fn network(number: u8) -> Result<Network> {
    pick(number, &[Network::Main, Network::Test, Network::Reg])
}

pub(crate) fn frame_kind(number: u8) -> Result<FrameKind> {
    pick(number, &[FrameKind::Gossip, FrameKind::Direct, FrameKind::Record])
}

pub(crate) fn signature_check(number: u8) -> Result<SignatureCheck> {
    let checks = [SignatureCheck::Valid, SignatureCheck::Invalid, SignatureCheck::NotDelegated];
    pick(number, &checks)
}

/// The time that C gives. No end is the last of all times.
pub(crate) const fn time(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Writes as many items as there is room for; how many that were.
pub(crate) fn page<T, C: From<T>>(
    room: &mut [MaybeUninit<C>],
    items: impl Iterator<Item = T>,
) -> usize {
    // Room first, so that no item is looked for without it.
    room.iter_mut().zip(items).map(|(to, item)| to.write(item.into())).count()
}

/// Zeros for no identity.
pub(crate) fn identity_or_zeros(id: Option<IdentityId>) -> ltms_identity {
    id.map_or(ltms_identity { bytes: [0; 32] }, ltms_identity::from)
}

/// An end as C has it.
pub(crate) fn end(time: Option<Timestamp>) -> u64 {
    match time {
        Some(time) if time != Timestamp::NEVER => time.as_millis(),
        _ => LTMS_NEVER,
    }
}

/// An end that C gives.
pub(crate) const fn until(ms: u64) -> Option<Timestamp> {
    if ms == LTMS_NEVER { None } else { Some(time(ms)) }
}

/// A flag: 0 or 1.
pub(crate) const fn flag(number: u8) -> Result<bool> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Status::Value),
    }
}

// What programs were compiled with; the header asserts the same.
const _: () = {
    assert!(size_of::<ltms_peer>() == 40 && align_of::<ltms_peer>() == 1);
    assert!(size_of::<ltms_decision>() == 16);
    assert!(core::mem::offset_of!(ltms_decision, retry_at_ms) == 8);
    assert!(size_of::<ltms_source>() == 81 && align_of::<ltms_source>() == 1);
    assert!(size_of::<ltms_connection>() == 58 && align_of::<ltms_connection>() == 1);
};
