//! What a call was given, read back.

use core::net::IpAddr;
use core::num::NonZeroU32;

use minicbor::Decoder;
use minicbor::decode::Error;

use super::answer::Answer;
use crate::chain::Header;
use crate::event::Event;
use crate::gate::{CapacityError, Connection, FrameKind, Outcome, SignatureCheck};
use crate::gate::{Source, Subject, Tip};
use crate::hash::Seed;
use crate::identities::EvidenceClass;
use crate::keys::Channel;
use crate::peers::Direction;
use crate::score::Failure;
use crate::wire::{AdHeader, BurnClaim, Credit, Hello, Registration, Rotation};
use crate::{Amount, BlockHash, BlockHeight, Clock, Decision, IdentityId, Millis, Mode, Network};
use crate::{PeerId, Posture, PublicKey, Quota, Reason, SessionId, Signature, Timestamp};

/// Bytes that are not what a recorder of this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable;

impl core::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("not a record of this version")
    }
}

impl core::error::Error for Unreadable {}

impl From<Error> for Unreadable {
    fn from(_: Error) -> Self {
        Self
    }
}

/// The length of the first record in `bytes`; `None` if it goes on beyond them.
///
/// # Errors
/// [`Unreadable`] if they do not begin with a CBOR array of definite length.
pub fn record_len(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    let whole = |mut cbor: Decoder<'_>| {
        cbor.clone().array()?.ok_or_else(|| Error::message("indefinite"))?;
        cbor.skip()?;
        Ok::<_, Error>(cbor.position())
    };
    match whole(Decoder::new(bytes)) {
        Ok(len) => Ok(Some(len)),
        Err(error) if error.is_end_of_input() => Ok(None),
        Err(_) => Err(Unreadable),
    }
}

/// Reads the items of a record.
pub(crate) struct Reader<'b> {
    cbor: Decoder<'b>,
    pub(super) network: Network,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8], network: Network) -> Self {
        Self { cbor: Decoder::new(bytes), network }
    }

    pub(crate) fn get<T: Read<'b>>(&mut self) -> Result<T, Unreadable> {
        T::get(self)
    }

    /// The head of an array of so many items.
    pub(super) fn array(&mut self, items: u64) -> Result<(), Unreadable> {
        if self.items()? == items { Ok(()) } else { Err(Unreadable) }
    }

    /// The head of an array.
    pub(super) fn items(&mut self) -> Result<u64, Unreadable> {
        self.cbor.array()?.ok_or(Unreadable)
    }

    /// The head of a map.
    pub(crate) fn map(&mut self) -> Result<u64, Unreadable> {
        self.cbor.map()?.ok_or(Unreadable)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Unreadable> {
        Ok(self.cbor.str()?)
    }

    /// The next item as it stands.
    pub(super) fn raw(&mut self) -> Result<&'b [u8], Unreadable> {
        let start = self.cbor.position();
        self.cbor.skip()?;
        self.cbor.input().get(start..self.cbor.position()).ok_or(Unreadable)
    }

    pub(super) fn position(&self) -> usize {
        self.cbor.position()
    }
}

/// A value read from its one encoding. (That it was that one is seen when it is written again.)
pub(crate) trait Read<'b>: Sized {
    fn get(from: &mut Reader<'b>) -> Result<Self, Unreadable>;
}

impl<'b, T: Read<'b>> Read<'b> for Option<T> {
    fn get(from: &mut Reader<'b>) -> Result<Self, Unreadable> {
        if from.cbor.datatype()? == minicbor::data::Type::Null {
            from.cbor.null()?;
            return Ok(None);
        }
        from.get().map(Some)
    }
}

impl<'b, const N: usize> Read<'b> for [u8; N] {
    fn get(from: &mut Reader<'b>) -> Result<Self, Unreadable> {
        from.cbor.bytes()?.try_into().map_err(|_| Unreadable)
    }
}

/// The value among `all` that has this code.
fn by_code<T: Copy>(from: &mut Reader<'_>, all: &[T], code: fn(T) -> u8) -> Result<T, Unreadable> {
    let wanted = from.cbor.u8()?;
    all.iter().copied().find(|value| code(*value) == wanted).ok_or(Unreadable)
}

/// `read!(Type: |from| …)`
macro_rules! read {
    ($($type:ty: |$from:ident| $get:expr;)*) => {
        $(impl<'b> Read<'b> for $type {
            fn get($from: &mut Reader<'b>) -> Result<Self, Unreadable> {
                Ok($get)
            }
        })*
    };
}

read! {
    bool: |from| from.cbor.bool()?;
    u8: |from| from.cbor.u8()?;
    u16: |from| from.cbor.u16()?;
    u32: |from| from.cbor.u32()?;
    u64: |from| from.cbor.u64()?;
    usize: |from| usize::try_from(from.cbor.u64()?).map_err(|_| Unreadable)?;
    &'b [u8]: |from| from.cbor.bytes()?;
    Timestamp: |from| Self::from_millis(from.get()?);
    Millis: |from| Self::new(from.get()?);
    Amount: |from| Self::from_sats(from.get()?);
    BlockHeight: |from| Self::new(from.get()?);
    Network: |from| by_code(from, &[Self::Main, Self::Test, Self::Reg], Self::byte)?;
    Clock: |from| by_code(from, &[Self::System, Self::Chain], |clock| clock as u8)?;
    Mode: |from| by_code(from, &[Self::On, Self::Observe], |mode| mode as u8)?;
    Posture: |from| by_code(from, &[Self::Normal, Self::Lockdown, Self::Guarded], |posture| posture as u8)?;
    Reason: |from| by_code(from, Self::ALL, Self::code)?;
    PeerId: |from| Self::from_bytes(from.cbor.bytes()?).map_err(|_| Unreadable)?;
    BlockHash: |from| Self::from_bytes(from.get()?);
    IdentityId: |from| Self::from_bytes(from.get()?);
    PublicKey: |from| Self::from_bytes(from.get()?);
    SessionId: |from| Self::from_bytes(from.get()?);
    Signature: |from| Self::from_bytes(from.get()?);
    Seed: |from| Self::new(from.get()?);
    Quota: |from| {
        from.array(2)?;
        let interval_us = from.get()?;
        Self { interval_us, burst: NonZeroU32::new(from.get()?).ok_or(Unreadable)? }
    };
    Tip: |from| {
        from.array(2)?;
        Self { height: from.get()?, hash: from.get()? }
    };
    Channel: |from| {
        use Channel::{Dht, Direct, Directory, Gossip, Own};
        by_code(from, &[Gossip, Direct, Directory, Dht, Own], |channel| channel as u8)?
    };
    Direction: |from| {
        by_code(from, &[Self::Inbound, Self::Outbound], |direction| direction as u8)?
    };
    FrameKind: |from| {
        by_code(from, &[Self::Gossip, Self::Direct, Self::Record], |kind| kind as u8)?
    };
    SignatureCheck: |from| {
        by_code(from, &[Self::Valid, Self::Invalid, Self::NotDelegated], |check| check as u8)?
    };
    EvidenceClass: |from| {
        let all = [Self::Weak, Self::Anchored, Self::Indexer, Self::Node];
        by_code(from, &all, |class| class as u8)?
    };
    Failure: |from| {
        let all = [Self::Timeout, Self::Disconnect, Self::InvalidSignature, Self::Abort];
        by_code(from, &all, |failure| failure as u8)?
    };
    Source: |from| {
        from.array(3)?;
        Self { peer: from.get()?, publisher: from.get()?, channel: from.get()? }
    };
    IpAddr: |from| {
        let octets: &[u8] = from.get()?;
        let v4 = <[u8; 4]>::try_from(octets).map(Self::from);
        v4.or_else(|_| <[u8; 16]>::try_from(octets).map(Self::from)).map_err(|_| Unreadable)?
    };
    Connection: |from| {
        from.array(3)?;
        Self { peer: from.get()?, address: from.get()?, direction: from.get()? }
    };
    AdHeader<'b>: |from| {
        Self::read(from.network, from.get()?).map_err(|_| Unreadable)?
    };
    BurnClaim<'b>: |from| {
        from.array(2)?;
        let kind: u8 = from.get()?;
        let body = from.raw()?;
        match kind {
            4 => Registration::decode(body).map(Self::Registration),
            6 => Rotation::read(body, 0..=u64::MAX).map(Self::Rotation),
            7 => Credit::read(body, 0..=u64::MAX).map(Self::Credit),
            _ => return Err(Unreadable),
        }
        .map_err(|_| Unreadable)?
    };
    Hello: |from| Self::decode(from.raw()?).map_err(|_| Unreadable)?;
    (Header, EvidenceClass): |from| {
        from.array(8)?;
        let header = Header {
            hash: from.get()?,
            prev: from.get()?,
            epoch: from.get()?,
            merkle_root: from.get()?,
            time: from.get()?,
            bits: from.get()?,
            height: from.get()?,
        };
        (header, from.get()?)
    };
    Subject: |from| {
        from.array(2)?;
        match from.get::<u8>()? {
            1 => Self::Peer(from.get()?),
            2 => Self::Key(from.get()?),
            3 => Self::Identity(from.get()?),
            4 => Self::Group(from.get()?),
            _ => return Err(Unreadable),
        }
    };
    Outcome: |from| match from.items()? {
        1 => Self::Failed(from.get()?),
        2 if from.get::<u8>()? == 0 => Self::Completed(from.get()?),
        _ => return Err(Unreadable),
    };
    Answer: |from| {
        use minicbor::data::Type;
        match from.cbor.datatype()? {
            Type::Null => {
                from.cbor.null()?;
                Self::Nothing
            }
            Type::Bool => Self::Flag(from.get()?),
            Type::Array => match from.items()? {
                1 => Self::Capacity(by_code(from, CapacityError::ALL, CapacityError::code)?),
                2 => {
                    let decision = Decision::new(from.get()?);
                    Self::Decision(Decision { retry_at: from.get()?, ..decision })
                }
                4 => Self::Event(from.get()?),
                _ => return Err(Unreadable),
            },
            _ => Self::Ticket(from.get()?),
        }
    };
    Event: |from| {
        let kind: u8 = from.get()?;
        let (event, nulls) = match kind {
            1 => {
                let (peer, until, reason) = (from.get()?, from.get()?, from.get()?);
                (Self::Sanctioned { peer, until, reason }, 0)
            }
            2 => (Self::Registered(from.get()?), 2),
            3 => (Self::Suspended(from.get()?), 2),
            4 => (Self::Resumed(from.get()?), 2),
            5 => (Self::Rotated(from.get()?), 2),
            6 => {
                let (identity, until, reason) = (from.get()?, from.get()?, from.get()?);
                (Self::IdentityBanned { identity, until, reason }, 0)
            }
            7 => (Self::BreakerOpened { until: from.get()? }, 2),
            8 => (Self::BreakerClosed, 3),
            9 => (Self::ClockStepped, 3),
            10 => (Self::ProveIdentity { peer: from.get()?, until: from.get()? }, 1),
            11 => (Self::GroupBanned { group: from.get()?, until: from.get()? }, 1),
            12 => (Self::PostureChanged(from.get()?), 2),
            13 => (Self::Displaced(from.get()?), 2),
            _ => return Err(Unreadable),
        };
        for _ in 0..nulls {
            from.cbor.null()?;
        }
        event
    };
}
