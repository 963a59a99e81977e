//! What signed messages share: in whose name they are, and their envelope. Withdrawals.

use ltms_core::wire::{
    Authority, BufferTooSmall, Delegation, Envelope, Kind, Withdrawal, delegation_hash,
    withdrawal_hash,
};
use ltms_core::{Signature, size};

use crate::guard::{Result, run};
use crate::raw;
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_identity, ltms_public_key, ltms_signature, network, time};

/// The most bytes of an envelope.
pub const LTMS_ENVELOPE_MAX: usize = 10_000;
/// Enough for the body of any advertisement, withdrawal or hello: 8 addresses of 130 bytes, 320 of
/// text, a delegation of 75 and some 200 for the rest.
pub(crate) const BODY: usize = 2_048;

/// Bytes of somebody else's.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_span {
    /// The first; may be NULL if there are none.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

impl ltms_span {
    pub(crate) const NONE: Self = Self { data: core::ptr::null(), len: 0 };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// As for [`raw::items`].
    pub(crate) unsafe fn bytes<'a>(self) -> Result<&'a [u8]> {
        // SAFETY: the same promise.
        unsafe { raw::items(self.data, self.len) }
    }

    /// NULL and 0 for no text, which is not the same as an empty one.
    pub(crate) unsafe fn text<'a>(self) -> Result<Option<&'a str>> {
        if self.data.is_null() && self.len == 0 {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        unsafe { raw::text(self.data.cast(), self.len) }.map(Some)
    }

    pub(crate) fn of_text(text: Option<&str>) -> Self {
        text.map_or(Self::NONE, |text| Self::of(text.as_bytes()))
    }
}

/// In whose name an author speaks.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_authority {
    /// The rotation under which the author speaks; 0 before the first.
    pub sequence: u64,
    /// When the delegation ends.
    pub not_after_ms: u64,
    /// The identity.
    pub identity: ltms_identity,
    /// The delegation's signature, by the identity's current key.
    pub delegation: ltms_signature,
    /// 0 for nobody (a stranger), 1 for an identity whose current key the author is, 2 for one that
    /// delegated to the author.
    pub kind: u8,
    /// Zeros.
    pub reserved: [u8; 7],
}

impl ltms_authority {
    pub(crate) const NONE: Self = Self {
        sequence: 0,
        not_after_ms: 0,
        identity: ltms_identity { bytes: [0; 32] },
        delegation: ltms_signature { bytes: [0; 64] },
        kind: 0,
        reserved: [0; 7],
    };
}

impl TryFrom<&ltms_authority> for Option<Authority> {
    type Error = Status;
    fn try_from(given: &ltms_authority) -> Result<Self> {
        let delegation = match given.kind {
            0 => return Ok(None),
            1 => None,
            2 => Some(Delegation {
                not_after: time(given.not_after_ms),
                signature: (&given.delegation).into(),
            }),
            _ => return Err(Status::Value),
        };
        let (identity, sequence) = ((&given.identity).into(), given.sequence);
        Ok(Some(Authority { identity, sequence, delegation }))
    }
}

impl From<Option<Authority>> for ltms_authority {
    fn from(authority: Option<Authority>) -> Self {
        let Some(authority) = authority else { return Self::NONE };
        let named = Self {
            identity: authority.identity.into(),
            sequence: authority.sequence,
            kind: 1,
            ..Self::NONE
        };
        match authority.delegation {
            None => named,
            Some(delegation) => Self {
                not_after_ms: delegation.not_after.as_millis(),
                delegation: delegation.signature.into(),
                kind: 2,
                ..named
            },
        }
    }
}

/// The body that `encode` writes to `room`.
pub(crate) fn encoded(
    room: &mut [u8],
    encode: impl FnOnce(&mut [u8]) -> core::result::Result<usize, BufferTooSmall>,
) -> Result<&[u8]> {
    let len = encode(room)?;
    room.get(..len).ok_or(Status::BufferTooSmall)
}

/// Writes an envelope to the start of a buffer.
pub(crate) fn seal(out: &mut [u8], kind: Kind, body: &[u8], signature: Signature) -> Result<usize> {
    Ok(Envelope { kind, body, signature }.encode(out)?)
}

/// Writes and signs the withdrawal of an author's advertisement, as ltms_ad_sign does. `authority`
/// is that of the advertisement, or NULL for a stranger's.
///
/// Errors: LTMS_KEY_OUT_OF_RANGE, LTMS_VALUE, LTMS_BUFFER_TOO_SMALL.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_withdrawal_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    created_at_ms: u64,
    authority: *const ltms_authority,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let network = network(network_number)?;
        let authority = if authority.is_null() { None } else { raw::get(authority)?.try_into()? };
        let secret = secret(secret_key)?;
        let created_at = time(created_at_ms);
        let withdrawal = Withdrawal { author: secret.public_key(), created_at, authority };
        let mut room = [0; BODY];
        let body = encoded(&mut room, |to| withdrawal.encode(to))?;
        let signature = secret.sign(&withdrawal_hash(network, body));
        len.write(seal(out, Kind::Withdrawal, body, signature)?);
        Ok(())
    })
}

/// Lets `delegated` speak for an identity until a time: the signature for `authority.delegation`.
/// `secret_key` is that of the identity's current key, `sequence` how often it was rotated.
///
/// Errors: LTMS_KEY_OUT_OF_RANGE, LTMS_VALUE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_delegation_sign(
    signature: *mut ltms_signature,
    network_number: u8,
    identity: *const ltms_identity,
    delegated: *const ltms_public_key,
    sequence: u64,
    not_after_ms: u64,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let signature = raw::out(signature)?;
        let (identity, delegated) = (raw::get(identity)?.into(), raw::get(delegated)?.into());
        let network = network(network_number)?;
        let hash = delegation_hash(network, &identity, &delegated, sequence, time(not_after_ms));
        signature.write(secret(secret_key)?.sign(&hash).into());
        Ok(())
    })
}

const _: () = {
    assert!(LTMS_ENVELOPE_MAX == size::ENVELOPE);
    assert!(size_of::<ltms_authority>() == 120);
};
