//! In whose name an author speaks.

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::WireError;
use super::cbor::{Written, array_of, bytes, time};
use crate::{IdentityId, Signature, Timestamp};

/// The identity that an author claims, unproved until its key, or its delegation, is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The identity.
    pub identity: IdentityId,
    /// The rotation under which the author speaks; 0 before the first.
    pub sequence: u64,
    /// The delegation by the identity's current key, absent where the author is that key.
    pub delegation: Option<Delegation>,
}

/// Leave to speak for an identity, signed with [`super::delegation_hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// When it ends.
    pub not_after: Timestamp,
    /// By the current key of the identity.
    pub signature: Signature,
}

/// Fields 16 and 17 of a body while they are read.
#[derive(Default)]
pub(super) struct AuthorityFields {
    identity: Option<(IdentityId, u64)>,
    delegation: Option<Delegation>,
}

impl AuthorityFields {
    pub(super) fn read_identity(&mut self, decoder: &mut Decoder<'_>) -> Result<(), WireError> {
        array_of(decoder, 2)?;
        self.identity = Some((IdentityId::from_bytes(bytes(decoder)?), decoder.u64()?));
        Ok(())
    }

    pub(super) fn read_delegation(&mut self, decoder: &mut Decoder<'_>) -> Result<(), WireError> {
        array_of(decoder, 2)?;
        let not_after = time(decoder)?;
        let signature = Signature::from_bytes(bytes(decoder)?);
        self.delegation = Some(Delegation { not_after, signature });
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Option<Authority>, WireError> {
        match (self.identity, self.delegation) {
            (None, Some(_)) => Err(WireError::NoAuthority),
            (None, None) => Ok(None),
            (Some((identity, sequence)), delegation) => {
                Ok(Some(Authority { identity, sequence, delegation }))
            }
        }
    }
}

/// How many map entries [`write`] makes.
pub(super) fn entries(authority: Option<&Authority>) -> u64 {
    match authority {
        None => 0,
        Some(Authority { delegation: None, .. }) => 1,
        Some(Authority { delegation: Some(_), .. }) => 2,
    }
}

pub(super) fn write<W: Write>(authority: Option<&Authority>, to: &mut Encoder<W>) -> Written<W> {
    let Some(Authority { identity, sequence, delegation }) = authority else { return Ok(()) };
    to.u8(16)?.array(2)?.bytes(identity.as_bytes())?.u64(*sequence)?;
    if let Some(Delegation { not_after, signature }) = delegation {
        to.u8(17)?.array(2)?.u64(not_after.as_millis())?;
        to.bytes(signature.as_bytes())?;
    }
    Ok(())
}
