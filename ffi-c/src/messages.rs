//! Signed messages: writing and reading them.

use ltms_core::wire::{
    AdHeader, Advertisement, AmountRange, Authority, BufferTooSmall, Delegation, Envelope, Hello,
    HelloDelegation, Kind, Withdrawal, ad_hash, delegation_hash, hello_hash, withdrawal_hash,
};
use ltms_core::{Amount, PeerId, Signature, size};

use crate::guard::{Result, run};
use crate::raw::{self, Growing};
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{
    flag, ltms_identity, ltms_peer, ltms_public_key, ltms_signature, network, time,
};

/// The most bytes of an envelope.
pub const LTMS_ENVELOPE_MAX: usize = 10_000;
/// The most addresses of an advertisement.
pub const LTMS_ADDRESSES_MAX: usize = 8;
/// The most transaction types of an advertisement.
pub const LTMS_TYPES_MAX: usize = 16;

/// Enough for the body of any advertisement, withdrawal or hello: 8 addresses of 130 bytes, 320 of
/// text, a delegation of 75 and some 200 for the rest.
const BODY: usize = 2_048;

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
    const NONE: Self = Self { data: core::ptr::null(), len: 0 };

    fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// As for [`raw::items`].
    pub(crate) unsafe fn bytes<'a>(self) -> Result<&'a [u8]> {
        // SAFETY: the same promise.
        unsafe { raw::items(self.data, self.len) }
    }

    /// NULL and 0 for no text, which is not the same as an empty one.
    unsafe fn text<'a>(self) -> Result<Option<&'a str>> {
        if self.data.is_null() && self.len == 0 {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        unsafe { raw::text(self.data.cast(), self.len) }.map(Some)
    }

    fn of_text(text: Option<&str>) -> Self {
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
    const NONE: Self = Self {
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

/// An advertisement: that a peer signs, what it signs, and where it is found.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_ad {
    /// sizeof(ltms_ad).
    pub struct_size: u32,
    /// How many `addresses` there are.
    pub address_count: u8,
    /// How many `types` there are; at least one.
    pub type_count: u8,
    /// 1 if `amount_min_sats` and `amount_max_sats` are given, else 0.
    pub has_amount: u8,
    /// 1 if `fee_sats` is given, else 0.
    pub has_fee: u8,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it ends.
    pub expires_at_ms: u64,
    /// The least that a transaction may be worth.
    pub amount_min_sats: u64,
    /// The most.
    pub amount_max_sats: u64,
    /// What the signer asks for.
    pub fee_sats: u64,
    /// In whose name it is made.
    pub authority: ltms_authority,
    /// Binary multiaddrs.
    pub addresses: [ltms_span; LTMS_ADDRESSES_MAX],
    /// At most 64 bytes of UTF-8; none if `data` is NULL.
    pub nickname: ltms_span,
    /// At most 256 bytes of UTF-8; none if `data` is NULL.
    pub description: ltms_span,
    /// Numbers of transaction types, ascending.
    pub types: [u16; LTMS_TYPES_MAX],
    /// The key that signs it.
    pub author: ltms_public_key,
    /// The advertised peer.
    pub peer: ltms_peer,
}

// SAFETY: integers, arrays of them and pointers, the first of which is the size.
unsafe impl Growing for ltms_ad {
    const FIRST: usize = size_of::<Self>();
    const EMPTY: Self = Self {
        struct_size: size_of::<Self>() as u32,
        address_count: 0,
        type_count: 0,
        has_amount: 0,
        has_fee: 0,
        created_at_ms: 0,
        expires_at_ms: 0,
        amount_min_sats: 0,
        amount_max_sats: 0,
        fee_sats: 0,
        authority: ltms_authority::NONE,
        addresses: [ltms_span::NONE; LTMS_ADDRESSES_MAX],
        nickname: ltms_span::NONE,
        description: ltms_span::NONE,
        types: [0; LTMS_TYPES_MAX],
        author: ltms_public_key { bytes: [0; 33] },
        peer: ltms_peer { len: 0, bytes: [0; 39] },
    };
}

impl ltms_ad {
    /// # Safety
    /// The contract at the top of the header, for what the spans lead to.
    unsafe fn to_core<'a>(self) -> Result<Advertisement<'a>> {
        let spans = self.addresses.get(..usize::from(self.address_count)).ok_or(Status::Length)?;
        let types = self.types.get(..usize::from(self.type_count)).ok_or(Status::Length)?;
        let range = AmountRange {
            min: Amount::from_sats(self.amount_min_sats),
            max: Amount::from_sats(self.amount_max_sats),
        };
        // SAFETY: the same promise.
        let addresses = spans.iter().map(|span| unsafe { span.bytes() });
        // SAFETY: the same promise.
        let (nickname, description) = unsafe { (self.nickname.text()?, self.description.text()?) };
        Ok(Advertisement {
            author: (&self.author).into(),
            created_at: time(self.created_at_ms),
            expires_at: time(self.expires_at_ms),
            peer: (&self.peer).try_into()?,
            addresses: addresses.collect::<Result<_>>()?,
            types: types.iter().copied().collect(),
            amount: flag(self.has_amount)?.then_some(range),
            fee: flag(self.has_fee)?.then_some(Amount::from_sats(self.fee_sats)),
            nickname,
            description,
            authority: (&self.authority).try_into()?,
        })
    }
}

impl From<Advertisement<'_>> for ltms_ad {
    fn from(ad: Advertisement<'_>) -> Self {
        let range = ad.amount.unwrap_or(AmountRange { min: Amount::ZERO, max: Amount::ZERO });
        let mut given = Self {
            address_count: ad.addresses.len() as u8,
            type_count: ad.types.len() as u8,
            has_amount: ad.amount.is_some().into(),
            has_fee: ad.fee.is_some().into(),
            created_at_ms: ad.created_at.as_millis(),
            expires_at_ms: ad.expires_at.as_millis(),
            amount_min_sats: range.min.sats(),
            amount_max_sats: range.max.sats(),
            fee_sats: ad.fee.map_or(0, Amount::sats),
            authority: ad.authority.into(),
            nickname: ltms_span::of_text(ad.nickname),
            description: ltms_span::of_text(ad.description),
            author: ad.author.into(),
            peer: ad.peer.into(),
            ..Self::EMPTY
        };
        let spans = given.addresses.iter_mut().zip(&ad.addresses);
        spans.for_each(|(span, address)| *span = ltms_span::of(address));
        given.types.iter_mut().zip(&ad.types).for_each(|(to, number)| *to = *number);
        given
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

/// Writes and signs an advertisement, as an envelope at the start of `envelope`, which has room for
/// `capacity` bytes (LTMS_ENVELOPE_MAX always do), and its length to `*envelope_len`. `secret_key`
/// is 32 bytes, of `ad->author`; the library keeps no copy.
///
/// Errors: LTMS_WIRE_… and LTMS_ADDRESS_… for content that nobody would take, LTMS_KEY_OTHER,
/// LTMS_KEY_OUT_OF_RANGE, LTMS_PEER_ID, LTMS_LENGTH for too many addresses or types, LTMS_VALUE,
/// LTMS_TEXT, LTMS_STRUCT_SIZE, LTMS_BUFFER_TOO_SMALL. How long it may live is the Gate's to say.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_ad_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    ad: *const ltms_ad,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let (ad, network) = (raw::get_sized(ad)?.to_core()?, network(network_number)?);
        let secret = secret(secret_key)?;
        if secret.public_key() != ad.author {
            return Err(Status::KeyOther);
        }
        ad.validate(network)?;
        let mut room = [0; BODY];
        let body = encoded(&mut room, |to| ad.encode(to))?;
        // What is too long for others is too long to send.
        Advertisement::decode(body, network)?;
        let signature = secret.sign(&ad_hash(network, body));
        len.write(seal(out, Kind::Advertisement, body, signature)?);
        Ok(())
    })
}

/// Reads the envelope of an advertisement, of `envelope_len` bytes. Addresses and texts lead into
/// the envelope: they are good for as long as it is. The signature was not checked.
/// `ad->struct_size` has to be set.
///
/// Errors: LTMS_WIRE_…, LTMS_ADDRESS_…, LTMS_STRUCT_SIZE, LTMS_VALUE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_ad_read(
    ad: *mut ltms_ad,
    network_number: u8,
    envelope: *const u8,
    envelope_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(ad)?;
        let network = network(network_number)?;
        let header = AdHeader::read(network, raw::items(envelope, envelope_len)?)?;
        if header.kind != Kind::Advertisement {
            return Err(Status::WireWrongKind);
        }
        out.write(&Advertisement::decode(header.body, network)?.into());
        Ok(())
    })
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

/// Answers a challenge of 32 bytes, to show on a connection that it belongs to an identity, as an
/// envelope that only `verifier` can take, and only from `prover`: the peer ids of the connection.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE (also for an authority of kind 0), LTMS_KEY_OUT_OF_RANGE,
/// LTMS_BUFFER_TOO_SMALL.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_hello_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    prover: *const ltms_peer,
    verifier: *const ltms_peer,
    challenge: *const u8,
    authority: *const ltms_authority,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let prover: PeerId = raw::get(prover)?.try_into()?;
        let verifier: PeerId = raw::get(verifier)?.try_into()?;
        let challenge = *raw::array(challenge)?;
        let authority: Option<Authority> = raw::get(authority)?.try_into()?;
        let authority = authority.ok_or(Status::Value)?;
        let (network, secret) = (network(network_number)?, secret(secret_key)?);
        let under = |delegation| HelloDelegation { delegation, sequence: authority.sequence };
        let hello = Hello {
            identity: authority.identity,
            key: secret.public_key(),
            delegation: authority.delegation.map(under),
            challenge,
        };
        let mut room = [0; BODY];
        let body = encoded(&mut room, |to| hello.encode(to))?;
        let hash = hello_hash(network, &prover, &verifier, &hello.identity, &challenge);
        len.write(seal(out, Kind::Hello, body, secret.sign(&hash))?);
        Ok(())
    })
}

const _: () = {
    assert!(LTMS_ENVELOPE_MAX == size::ENVELOPE);
    assert!(LTMS_ADDRESSES_MAX == size::ADDRESSES && LTMS_TYPES_MAX == size::TYPES);
    assert!(size_of::<ltms_authority>() == 120);
    assert!(size_of::<usize>() != 8 || size_of::<ltms_ad>() == 440);
};
