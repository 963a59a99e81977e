//! Advertisements: writing and reading them.

use ltms_core::wire::{AdHeader, Advertisement, AmountRange, Kind, ad_hash};
use ltms_core::{Amount, List, size};

use crate::guard::{Result, run};
use crate::messages::{BODY, encoded, ltms_authority, ltms_span, seal};
use crate::raw::{self, Growing};
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{flag, ltms_peer, ltms_public_key, network, time};

/// The most addresses of an advertisement.
pub const LTMS_ADDRESSES_MAX: usize = 8;
/// The most transaction types of an advertisement.
pub const LTMS_TYPES_MAX: usize = 16;

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
        let mut addresses = List::new();
        for span in spans {
            // SAFETY: the same promise.
            addresses.push(unsafe { span.bytes() }?).map_err(|_| Status::Length)?;
        }
        // SAFETY: the same promise.
        let (nickname, description) = unsafe { (self.nickname.text()?, self.description.text()?) };
        Ok(Advertisement {
            author: (&self.author).into(),
            created_at: time(self.created_at_ms),
            expires_at: time(self.expires_at_ms),
            peer: (&self.peer).try_into()?,
            addresses,
            types: List::from_slice(types).map_err(|_| Status::Length)?,
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

const _: () = {
    assert!(LTMS_ADDRESSES_MAX == size::ADDRESSES && LTMS_TYPES_MAX == size::TYPES);
    assert!(size_of::<usize>() != 8 || size_of::<ltms_ad>() == 440);
};
