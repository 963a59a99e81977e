//! The frame around every signed body.

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::cbor::{Encoding, Written, array_of, bytes};
use super::{BufferTooSmall, WireError};
use crate::{Signature, size};

/// What an envelope's body is. Kind 3, the signing request, is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// [`super::Advertisement`].
    Advertisement = 1,
    /// [`super::Withdrawal`].
    Withdrawal = 2,
    /// [`super::Registration`].
    Registration = 4,
    /// [`super::Hello`].
    Hello = 5,
    /// [`super::Rotation`].
    Rotation = 6,
    /// [`super::Credit`].
    Credit = 7,
}

impl Kind {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind with this number on the wire, if this version reads it.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Advertisement),
            2 => Some(Self::Withdrawal),
            4 => Some(Self::Registration),
            5 => Some(Self::Hello),
            6 => Some(Self::Rotation),
            7 => Some(Self::Credit),
            _ => None,
        }
    }
}

/// A body as it was received, its kind, and its signature, which nobody has checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// How to read the body.
    pub kind: Kind,
    /// The very bytes that the signature covers.
    pub body: &'a [u8],
    /// The signature; over what and by whom depends on the kind.
    pub signature: Signature,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope, but not its body.
    ///
    /// # Errors
    /// [`WireError::Oversize`], [`WireError::UnknownKind`] whatever follows the kind, or that it is
    /// not the encoding of an envelope.
    pub fn decode(envelope: &'a [u8]) -> Result<Self, WireError> {
        if envelope.len() > size::ENVELOPE {
            return Err(WireError::Oversize);
        }
        let mut decoder = Decoder::new(envelope);
        array_of(&mut decoder, 3)?;
        let kind = Kind::from_number(decoder.u64()?).ok_or(WireError::UnknownKind)?;
        let body = decoder.bytes()?;
        let signature = Signature::from_bytes(bytes(&mut decoder)?);
        let decoded = Self { kind, body, signature };
        decoded.check(envelope)?;
        Ok(decoded)
    }

    /// Writes the envelope to the start of `out` and returns its length, which is never more than
    /// [`size::ENVELOPE`].
    ///
    /// # Errors
    /// [`BufferTooSmall`], also when the protocol's limit is what is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let len = out.len().min(size::ENVELOPE);
        self.encode_to(out.get_mut(..len).unwrap_or_default())
    }
}

impl Encoding for Envelope<'_> {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.array(3)?.u8(self.kind.number())?.bytes(self.body)?.bytes(self.signature.as_bytes())?;
        Ok(())
    }
}
