//! What a call is given, as CBOR. Messages stay the bytes that were received.

use core::convert::Infallible;
use core::net::IpAddr;

use minicbor::Encoder;
use minicbor::encode::{Error, Write};

use crate::gate::{
    AdTicket, BlockEvidence, ClaimTicket, Connection, FrameKind, LookupTicket, Outcome, Proof,
    SignatureCheck, Source, Subject, Tip,
};
use crate::wire::cbor::Encoding;
use crate::wire::{AdHeader, BurnClaim, Hello};
use crate::{Amount, BlockHash, BlockHeight, Clock, IdentityId, Millis, Mode, Network, PeerId};
use crate::{Posture, PublicKey, Quota, Reason, SessionId, Signature, Timestamp};

/// Takes what is encoded.
pub(crate) struct Sink<'a>(&'a mut dyn FnMut(&[u8]));

impl Write for Sink<'_> {
    type Error = Infallible;
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        (self.0)(bytes);
        Ok(())
    }
}

/// What encoding gives: it cannot fail.
pub(crate) type Put = Result<(), Error<Infallible>>;

/// Hands on what `encode` writes.
pub(crate) fn write(
    out: &mut dyn FnMut(&[u8]),
    encode: impl for<'a> FnOnce(&mut Encoder<Sink<'a>>) -> Put,
) {
    // The sink never refuses, and no length here is indefinite.
    let _ = encode(&mut Encoder::new(Sink(out)));
}

/// How many bytes `encode` writes.
pub(crate) fn len(encode: impl for<'a> FnOnce(&mut Encoder<Sink<'a>>) -> Put) -> u64 {
    let mut len = 0u64;
    write(&mut |bytes| len = len.saturating_add(bytes.len() as u64), encode);
    len
}

/// A value with one encoding.
pub(crate) trait Field {
    fn put(&self, to: &mut Encoder<Sink<'_>>) -> Put;
}

impl<T: Field + ?Sized> Field for &T {
    fn put(&self, to: &mut Encoder<Sink<'_>>) -> Put {
        (**self).put(to)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, to: &mut Encoder<Sink<'_>>) -> Put {
        match self {
            Some(value) => value.put(to),
            None => to.null()?.ok(),
        }
    }
}

/// `field!(Type: |value, to| …)`
macro_rules! field {
    ($($type:ty: |$value:ident, $to:ident| $put:expr;)*) => {
        $(impl Field for $type {
            fn put(&self, $to: &mut Encoder<Sink<'_>>) -> Put {
                let $value = self;
                $put
            }
        })*
    };
}

field! {
    bool: |value, to| to.bool(*value)?.ok();
    u8: |value, to| to.u8(*value)?.ok();
    u16: |value, to| to.u16(*value)?.ok();
    u32: |value, to| to.u32(*value)?.ok();
    u64: |value, to| to.u64(*value)?.ok();
    usize: |value, to| to.u64(u64::try_from(*value).unwrap_or(u64::MAX))?.ok();
    [u8]: |value, to| to.bytes(value)?.ok();
    Timestamp: |value, to| value.as_millis().put(to);
    Millis: |value, to| value.get().put(to);
    Amount: |value, to| value.sats().put(to);
    BlockHeight: |value, to| value.get().put(to);
    Network: |value, to| value.byte().put(to);
    Clock: |value, to| (*value as u8).put(to);
    Mode: |value, to| (*value as u8).put(to);
    Posture: |value, to| (*value as u8).put(to);
    Reason: |value, to| value.code().put(to);
    PeerId: |value, to| value.to_bytes().as_slice().put(to);
    BlockHash: |value, to| value.as_bytes().put(to);
    IdentityId: |value, to| value.as_bytes().put(to);
    PublicKey: |value, to| value.as_bytes().put(to);
    SessionId: |value, to| value.as_bytes().put(to);
    Signature: |value, to| value.as_bytes().put(to);
    Quota: |value, to| {
        to.array(2)?;
        value.interval_us.put(to)?;
        value.burst.get().put(to)
    };
    Tip: |value, to| {
        to.array(2)?;
        value.height.put(to)?;
        value.hash.put(to)
    };
    Source: |value, to| {
        to.array(3)?;
        value.peer.put(to)?;
        value.publisher.put(to)?;
        (value.channel as u8).put(to)
    };
    Connection: |value, to| {
        to.array(3)?;
        value.peer.put(to)?;
        match value.address {
            None => to.null()?.ok(),
            Some(IpAddr::V4(ip)) => to.bytes(&ip.octets())?.ok(),
            Some(IpAddr::V6(ip)) => to.bytes(&ip.octets())?.ok(),
        }?;
        (value.direction as u8).put(to)
    };
    FrameKind: |value, to| (*value as u8).put(to);
    SignatureCheck: |value, to| (*value as u8).put(to);
    AdHeader<'_>: |value, to| value.envelope.put(to);
    BurnClaim<'_>: |value, to| {
        to.array(2)?;
        match value {
            BurnClaim::Registration(claim) => claim.write(to.u8(4)?),
            BurnClaim::Rotation(claim) => claim.write(to.u8(6)?),
            BurnClaim::Credit(claim) => claim.write(to.u8(7)?),
        }
    };
    Hello: |value, to| value.write(to);
    Proof<'_>: |value, to| {
        to.array(4)?;
        value.verifier.put(to)?;
        value.challenge.put(to)?;
        value.hello.put(to)?;
        value.signature.put(to)
    };
    BlockEvidence<'_>: |value, to| {
        let header = value.header;
        to.array(8)?;
        header.hash.put(to)?;
        header.prev.put(to)?;
        header.epoch.put(to)?;
        header.merkle_root.put(to)?;
        header.time.put(to)?;
        header.bits.put(to)?;
        header.height.put(to)?;
        (value.class as u8).put(to)
    };
    Subject: |value, to| {
        to.array(2)?;
        match value {
            Subject::Peer(peer) => peer.put(to.u8(1)?),
            Subject::Key(key) => key.put(to.u8(2)?),
            Subject::Identity(id) => id.put(to.u8(3)?),
            Subject::Group(tag) => tag.put(to.u8(4)?),
        }
    };
    Outcome: |value, to| match value {
        Outcome::Completed(response) => response.put(to.array(2)?.u8(0)?),
        Outcome::Failed(failure) => to.array(1)?.u8(*failure as u8)?.ok(),
    };
    AdTicket: |value, to| value.number.put(to);
    ClaimTicket: |value, to| value.lookup.number.put(to);
    LookupTicket: |value, to| value.number.put(to);
}

/// A struct as a map from the names of its fields, in their order. What is missing when it is read
/// is as in `$base`; an unknown name is refused.
macro_rules! map_fields {
    ($type:ty, $base:expr; $($field:ident),*) => {
        impl $crate::record::Field for $type {
            fn put(
                &self,
                to: &mut minicbor::Encoder<$crate::record::Sink<'_>>,
            ) -> $crate::record::Put {
                let names = [$(stringify!($field)),*];
                to.map(u64::try_from(names.len()).unwrap_or_default())?;
                $(self.$field.put(to.str(stringify!($field))?)?;)*
                Ok(())
            }
        }

        #[cfg(feature = "alloc")]
        impl<'b> $crate::record::Read<'b> for $type {
            fn get(
                from: &mut $crate::record::Reader<'b>,
            ) -> Result<Self, $crate::record::Unreadable> {
                let mut value = $base;
                for _ in 0..from.map()? {
                    match from.text()? {
                        $(stringify!($field) => value.$field = from.get()?,)*
                        _ => return Err($crate::record::Unreadable),
                    }
                }
                Ok(value)
            }
        }
    };
}
pub(crate) use map_fields;
