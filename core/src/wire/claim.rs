//! The claims of burns.

use core::ops::RangeInclusive;

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::burn::BurnFields;
use super::cbor::{Encoding, Written, bytes, fields, time};
use super::{BufferTooSmall, Envelope, IncludedBurn, Kind, WireError};
use crate::{IdentityId, Signature, Timestamp, size};

/// That an output burned to make an identity: the body of kind 4.
///
/// The envelope's signature is over [`super::register_hash`], by the key in the output's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The burn, whose outpoint is the identity.
    pub burn: IncludedBurn<'a>,
}

impl<'a> Registration<'a> {
    /// Reads the body of a registration.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let mut burn = BurnFields::default();
        fields(body, |key, value| burn.read(key, value))?;
        let decoded = Self { burn: burn.finish()? };
        decoded.check(body)?;
        Ok(decoded)
    }

    /// Writes the body to the start of `out` and returns its length. A branch of more than 32
    /// hashes is written as it is, and refused by whoever reads it.
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.encode_to(out)
    }
}

impl Encoding for Registration<'_> {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.map(IncludedBurn::ENTRIES)?;
        self.burn.write(to)
    }
}

/// That an output burned to give an identity a new current key: the body of kind 6.
///
/// The new key is the one in the output's script, the old key the identity's current one. Both
/// sign [`super::rotation_hash`]: the envelope's signature is by the old key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation<'a> {
    /// The burn.
    pub burn: IncludedBurn<'a>,
    /// The identity whose key is replaced.
    pub identity: IdentityId,
    /// Which of the identity's rotations it is: 1 to [`size::ROTATIONS`].
    pub sequence: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By the new key, which nobody has checked yet.
    pub new_key_signature: Signature,
}

impl<'a> Rotation<'a> {
    /// Reads the body of a rotation.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        Self::read(body, 1..=size::ROTATIONS)
    }

    /// Reads it with any of these sequences: a recording has what the Gate was given, not only what
    /// may be sent.
    pub(crate) fn read(body: &'a [u8], sequences: RangeInclusive<u64>) -> Result<Self, WireError> {
        let (mut identity, mut sequence, mut created_at, mut by_new) = (None, None, None, None);
        let mut burn = BurnFields::default();
        fields(body, |key, value| {
            match key {
                6 => identity = Some(IdentityId::from_bytes(bytes(value)?)),
                7 => sequence = Some(read_sequence(value, &sequences)?),
                8 => created_at = Some(time(value)?),
                9 => by_new = Some(Signature::from_bytes(bytes(value)?)),
                _ => burn.read(key, value)?,
            }
            Ok(())
        })?;
        let decoded = Self {
            burn: burn.finish()?,
            identity: identity.ok_or(WireError::MissingField)?,
            sequence: sequence.ok_or(WireError::MissingField)?,
            created_at: created_at.ok_or(WireError::MissingField)?,
            new_key_signature: by_new.ok_or(WireError::MissingField)?,
        };
        decoded.check(body)?;
        Ok(decoded)
    }

    /// Writes the body to the start of `out` and returns its length. A branch of more than 32
    /// hashes or a sequence out of range is written as it is, and refused by whoever reads it.
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.encode_to(out)
    }
}

impl Encoding for Rotation<'_> {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.map(IncludedBurn::ENTRIES.saturating_add(4))?;
        self.burn.write(to)?;
        to.u8(6)?.bytes(self.identity.as_bytes())?;
        to.u8(7)?.u64(self.sequence)?;
        to.u8(8)?.u64(self.created_at.as_millis())?;
        to.u8(9)?.bytes(self.new_key_signature.as_bytes())?;
        Ok(())
    }
}

/// That an output burned for something an identity shall have, a key or a higher tier for example:
/// the body of kind 7.
///
/// What for, and with which key, stands in the output's script. The envelope's signature is over
/// [`super::credit_hash`], by the identity's current key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit<'a> {
    /// The burn.
    pub burn: IncludedBurn<'a>,
    /// The identity that is credited.
    pub identity: IdentityId,
    /// The rotation under which it is claimed: 0 to [`size::ROTATIONS`], 0 before the first.
    pub sequence: u64,
}

impl<'a> Credit<'a> {
    /// Reads the body of a credit.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        Self::read(body, 0..=size::ROTATIONS)
    }

    /// Reads it with any of these sequences: a recording has what the Gate was given, not only what
    /// may be sent.
    pub(crate) fn read(body: &'a [u8], sequences: RangeInclusive<u64>) -> Result<Self, WireError> {
        let (mut identity, mut sequence) = (None, None);
        let mut burn = BurnFields::default();
        fields(body, |key, value| {
            match key {
                6 => identity = Some(IdentityId::from_bytes(bytes(value)?)),
                7 => sequence = Some(read_sequence(value, &sequences)?),
                _ => burn.read(key, value)?,
            }
            Ok(())
        })?;
        let decoded = Self {
            burn: burn.finish()?,
            identity: identity.ok_or(WireError::MissingField)?,
            sequence: sequence.ok_or(WireError::MissingField)?,
        };
        decoded.check(body)?;
        Ok(decoded)
    }

    /// Writes the body to the start of `out` and returns its length. A branch of more than 32
    /// hashes or a sequence out of range is written as it is, and refused by whoever reads it.
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.encode_to(out)
    }
}

impl Encoding for Credit<'_> {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.map(IncludedBurn::ENTRIES.saturating_add(2))?;
        self.burn.write(to)?;
        to.u8(6)?.bytes(self.identity.as_bytes())?;
        to.u8(7)?.u64(self.sequence)?;
        Ok(())
    }
}

fn read_sequence(value: &mut Decoder<'_>, range: &RangeInclusive<u64>) -> Result<u64, WireError> {
    let sequence = value.u64()?;
    if range.contains(&sequence) { Ok(sequence) } else { Err(WireError::Shape) }
}

/// The claim of any burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BurnClaim<'a> {
    /// Of a new identity.
    Registration(Registration<'a>),
    /// Of a new current key.
    Rotation(Rotation<'a>),
    /// Of what else an identity may burn for.
    Credit(Credit<'a>),
}

impl<'a> BurnClaim<'a> {
    /// Reads an envelope of kind 4, 6 or 7 with its whole body, and the envelope's signature,
    /// which nobody has checked yet.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for; [`WireError::WrongKind`] for a known
    /// kind that is none of these.
    pub fn read(envelope: &'a [u8]) -> Result<(Self, Signature), WireError> {
        let Envelope { kind, body, signature } = Envelope::decode(envelope)?;
        let claim = match kind {
            Kind::Registration => Self::Registration(Registration::decode(body)?),
            Kind::Rotation => Self::Rotation(Rotation::decode(body)?),
            Kind::Credit => Self::Credit(Credit::decode(body)?),
            Kind::Advertisement | Kind::Withdrawal | Kind::Hello => {
                return Err(WireError::WrongKind);
            }
        };
        Ok((claim, signature))
    }

    /// The burn that is claimed.
    #[must_use]
    pub const fn burn(&self) -> &IncludedBurn<'a> {
        match self {
            Self::Registration(claim) => &claim.burn,
            Self::Rotation(claim) => &claim.burn,
            Self::Credit(claim) => &claim.burn,
        }
    }
}
