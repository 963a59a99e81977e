//! The proof that a connection belongs to an identity.

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::cbor::{Encoding, Written, array_of, bytes, fields, time};
use super::{BufferTooSmall, Delegation, WireError};
use crate::{IdentityId, PublicKey, Signature};

/// The answer to a challenge: the body of kind 5.
///
/// The envelope's signature is over [`super::hello_hash`], by `key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The identity that the prover says it is.
    pub identity: IdentityId,
    /// The key that signs.
    pub key: PublicKey,
    /// Present when `key` is not the identity's current key.
    pub delegation: Option<HelloDelegation>,
    /// What the verifier asked.
    pub challenge: [u8; 32],
}

/// A delegation and the rotation under which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloDelegation {
    /// The delegation of the prover's key.
    pub delegation: Delegation,
    /// The rotation; 0 before the first.
    pub sequence: u64,
}

impl Hello {
    /// Reads the body of a hello.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (mut identity, mut prover, mut delegation, mut challenge) = (None, None, None, None);
        fields(body, |key, value| {
            match key {
                1 => identity = Some(IdentityId::from_bytes(bytes(value)?)),
                2 => prover = Some(PublicKey::from_bytes(bytes(value)?)),
                3 => delegation = Some(read_delegation(value)?),
                4 => challenge = Some(bytes(value)?),
                _ => return Err(WireError::UnknownField),
            }
            Ok(())
        })?;
        let decoded = Self {
            identity: identity.ok_or(WireError::MissingField)?,
            key: prover.ok_or(WireError::MissingField)?,
            delegation,
            challenge: challenge.ok_or(WireError::MissingField)?,
        };
        decoded.check(body)?;
        Ok(decoded)
    }

    /// Writes the body to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.encode_to(out)
    }
}

fn read_delegation(decoder: &mut Decoder<'_>) -> Result<HelloDelegation, WireError> {
    array_of(decoder, 3)?;
    let not_after = time(decoder)?;
    let signature = Signature::from_bytes(bytes(decoder)?);
    let delegation = Delegation { not_after, signature };
    Ok(HelloDelegation { delegation, sequence: decoder.u64()? })
}

impl Encoding for Hello {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.map(if self.delegation.is_some() { 4 } else { 3 })?;
        to.u8(1)?.bytes(self.identity.as_bytes())?;
        to.u8(2)?.bytes(self.key.as_bytes())?;
        if let Some(HelloDelegation { delegation, sequence }) = self.delegation {
            to.u8(3)?.array(3)?.u64(delegation.not_after.as_millis())?;
            to.bytes(delegation.signature.as_bytes())?.u64(sequence)?;
        }
        to.u8(4)?.bytes(&self.challenge)?;
        Ok(())
    }
}
