//! Advertisements and their withdrawal.

use heapless::Vec;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::authority::{self, AuthorityFields};
use super::cbor::{Encoding, Written, array, array_of, bytes, fields, peer_id, time};
use super::{Address, Authority, BufferTooSmall, WireError, is_plain_text};
use crate::{Amount, Network, PeerId, PublicKey, Timestamp, size};

/// What a transaction may be worth to a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AmountRange {
    /// The least.
    pub min: Amount,
    /// The most, not below `min`.
    pub max: Amount,
}

impl AmountRange {
    /// Every amount.
    pub const ANY: Self = Self { min: Amount::ZERO, max: Amount::from_sats(u64::MAX) };

    /// Whether `amount` lies in the range, ends included.
    #[must_use]
    pub fn contains(&self, amount: Amount) -> bool {
        self.min <= amount && amount <= self.max
    }
}

/// That a peer signs, what it signs, and where it is found: the body of kind 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement<'a> {
    /// The key that signs the advertisement.
    pub author: PublicKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; how long it may live is not checked here.
    pub expires_at: Timestamp,
    /// The advertised peer.
    pub peer: PeerId,
    /// Binary multiaddrs; [`Address::decode`] reads them.
    pub addresses: Vec<&'a [u8], { size::ADDRESSES }>,
    /// Numbers of transaction types, strictly ascending, known or not; at least one.
    pub types: Vec<u16, { size::TYPES }>,
    /// What a transaction may be worth.
    pub amount: Option<AmountRange>,
    /// What the signer asks for.
    pub fee: Option<Amount>,
    /// At most [`size::NICKNAME`] bytes of plain text.
    pub nickname: Option<&'a str>,
    /// At most [`size::DESCRIPTION`] bytes of plain text.
    pub description: Option<&'a str>,
    /// The identity in whose name it is made; absent for a stranger.
    pub authority: Option<Authority>,
}

impl<'a> Advertisement<'a> {
    /// Reads the body of an advertisement on `network`, on which depends what an address may be.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &'a [u8], network: Network) -> Result<Self, WireError> {
        let (mut author, mut created_at, mut expires_at, mut peer) = (None, None, None, None);
        let (mut addresses, mut types) = (None, None);
        let (mut amount, mut fee, mut nickname, mut description) = (None, None, None, None);
        let mut authority = AuthorityFields::default();
        fields(body, |key, value| {
            match key {
                1 => author = Some(PublicKey::from_bytes(bytes(value)?)),
                2 => created_at = Some(time(value)?),
                3 => expires_at = Some(time(value)?),
                4 => peer = Some(peer_id(value)?),
                5 => addresses = Some(list(value, |item| Ok(item.bytes()?))?),
                6 => types = Some(list(value, |item| Ok(item.u16()?))?),
                7 => amount = Some(range(value)?),
                8 => fee = Some(Amount::from_sats(value.u64()?)),
                9 => nickname = Some(value.str()?),
                10 => description = Some(value.str()?),
                16 => authority.read_identity(value)?,
                17 => authority.read_delegation(value)?,
                _ => return Err(WireError::UnknownField),
            }
            Ok(())
        })?;
        let decoded = Self {
            author: author.ok_or(WireError::MissingField)?,
            created_at: created_at.ok_or(WireError::MissingField)?,
            expires_at: expires_at.ok_or(WireError::MissingField)?,
            peer: peer.ok_or(WireError::MissingField)?,
            addresses: addresses.ok_or(WireError::MissingField)?,
            types: types.ok_or(WireError::MissingField)?,
            amount,
            fee,
            nickname,
            description,
            authority: authority.finish()?,
        };
        decoded.check(body)?;
        decoded.validate(network)?;
        Ok(decoded)
    }

    /// Writes the body to the start of `out` and returns its length. Whether the content obeys the
    /// rules is asked of [`Advertisement::validate`].
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.encode_to(out)
    }

    /// Whether others on `network` would take what this encodes to, as far as its content goes.
    ///
    /// # Errors
    /// [`WireError`] for types, amounts, addresses or texts that break the rules.
    pub fn validate(&self, network: Network) -> Result<(), WireError> {
        if self.types.is_empty() {
            return Err(WireError::Shape);
        }
        if !self.types.is_sorted_by(|a, b| a < b) {
            return Err(WireError::TypeOrder);
        }
        if self.amount.is_some_and(|range| range.min > range.max) {
            return Err(WireError::AmountRange);
        }
        for address in &self.addresses {
            Address::decode(address, network, &self.peer)?;
        }
        let fits = |text: Option<&str>, max| {
            text.is_none_or(|text| text.len() <= max && is_plain_text(text))
        };
        if fits(self.nickname, size::NICKNAME) && fits(self.description, size::DESCRIPTION) {
            Ok(())
        } else {
            Err(WireError::Text)
        }
    }
}

impl Encoding for Advertisement<'_> {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        let entries = [
            6,
            self.amount.is_some().into(),
            self.fee.is_some().into(),
            self.nickname.is_some().into(),
            self.description.is_some().into(),
            authority::entries(self.authority.as_ref()),
        ];
        to.map(entries.iter().sum())?;
        to.u8(1)?.bytes(self.author.as_bytes())?;
        to.u8(2)?.u64(self.created_at.as_millis())?;
        to.u8(3)?.u64(self.expires_at.as_millis())?;
        to.u8(4)?.bytes(&self.peer.to_bytes())?;
        to.u8(5)?.array(length(&self.addresses))?;
        for address in &self.addresses {
            to.bytes(address)?;
        }
        to.u8(6)?.array(length(&self.types))?;
        for number in &self.types {
            to.u16(*number)?;
        }
        if let Some(AmountRange { min, max }) = self.amount {
            to.u8(7)?.array(2)?.u64(min.sats())?.u64(max.sats())?;
        }
        if let Some(fee) = self.fee {
            to.u8(8)?.u64(fee.sats())?;
        }
        if let Some(nickname) = self.nickname {
            to.u8(9)?.str(nickname)?;
        }
        if let Some(description) = self.description {
            to.u8(10)?.str(description)?;
        }
        authority::write(self.authority.as_ref(), to)
    }
}

/// That an author's advertisement no longer holds: the body of kind 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The key that signs the withdrawal.
    pub author: PublicKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// The identity in whose name it is made; absent for a stranger.
    pub authority: Option<Authority>,
}

impl Withdrawal {
    /// Reads the body of a withdrawal.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (mut author, mut created_at) = (None, None);
        let mut authority = AuthorityFields::default();
        fields(body, |key, value| {
            match key {
                1 => author = Some(PublicKey::from_bytes(bytes(value)?)),
                2 => created_at = Some(time(value)?),
                16 => authority.read_identity(value)?,
                17 => authority.read_delegation(value)?,
                _ => return Err(WireError::UnknownField),
            }
            Ok(())
        })?;
        let decoded = Self {
            author: author.ok_or(WireError::MissingField)?,
            created_at: created_at.ok_or(WireError::MissingField)?,
            authority: authority.finish()?,
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

impl Encoding for Withdrawal {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.map(authority::entries(self.authority.as_ref()).saturating_add(2))?;
        to.u8(1)?.bytes(self.author.as_bytes())?;
        to.u8(2)?.u64(self.created_at.as_millis())?;
        authority::write(self.authority.as_ref(), to)
    }
}

fn length<T, const N: usize>(list: &Vec<T, N>) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// An array of at most `N` items.
fn list<'b, T, const N: usize>(
    decoder: &mut Decoder<'b>,
    item: impl Fn(&mut Decoder<'b>) -> Result<T, WireError>,
) -> Result<Vec<T, N>, WireError> {
    let mut items = Vec::new();
    for _ in 0..array(decoder)? {
        items.push(item(decoder)?).map_err(|_| WireError::Shape)?;
    }
    Ok(items)
}

fn range(decoder: &mut Decoder<'_>) -> Result<AmountRange, WireError> {
    array_of(decoder, 2)?;
    let min = Amount::from_sats(decoder.u64()?);
    Ok(AmountRange { min, max: Amount::from_sats(decoder.u64()?) })
}
