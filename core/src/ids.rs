//! Names of things: hashes, keys, peers, outpoints, identities, networks.

use core::fmt;

use crate::hash::sha256;
use crate::snapshot::{Codec, Record};

/// Writes bytes as lower-case hex.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that does not name what was asked for: not lower- or upper-case hex of the right length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseHexError;

impl fmt::Display for ParseHexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not hexadecimal of the expected length")
    }
}

impl core::error::Error for ParseHexError {}

/// Decodes exactly `N` bytes of hex.
fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseHexError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return Err(ParseHexError);
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = digit(*high).zip(digit(*low)).ok_or(ParseHexError)?;
        *byte = (high << 4) | low;
    }
    Ok(bytes)
}

macro_rules! bytes_newtype {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// From the bytes as they are.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        text_form!($name);
    };
}

/// `serde` through `Display` and `FromStr`.
macro_rules! text_form {
    ($name:ident) => {
        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("the hexadecimal text of a ", stringify!($name)))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                source.deserialize_str(Text)
            }
        }
    };
}

macro_rules! plain_hex {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Hex(&self.0).fmt(f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = ParseHexError;
            fn from_str(text: &str) -> Result<Self, ParseHexError> {
                parse_hex(text).map(Self)
            }
        }
    };
}

/// Hashes of the chain are shown and typed with their bytes reversed.
macro_rules! reversed_hex {
    ($name:ident) => {
        impl $name {
            /// The bytes in the order in which they are displayed: reversed.
            #[must_use]
            pub fn to_display_bytes(self) -> [u8; 32] {
                let mut bytes = self.0;
                bytes.reverse();
                bytes
            }

            /// From bytes in display order.
            #[must_use]
            pub fn from_display_bytes(mut bytes: [u8; 32]) -> Self {
                bytes.reverse();
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Hex(&self.to_display_bytes()).fmt(f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = ParseHexError;
            fn from_str(text: &str) -> Result<Self, ParseHexError> {
                parse_hex(text).map(Self::from_display_bytes)
            }
        }
    };
}

bytes_newtype!(
    /// The id of a transaction, in internal byte order; displayed reversed.
    Txid,
    32
);
bytes_newtype!(
    /// The hash of a whole raw transaction with its input scripts, in internal byte order.
    Txhash,
    32
);
bytes_newtype!(
    /// The hash of a block header, in internal byte order; displayed reversed.
    BlockHash,
    32
);
reversed_hex!(Txid);
reversed_hex!(Txhash);
reversed_hex!(BlockHash);

bytes_newtype!(
    /// A burn-backed identity: `sha256(txid in display order ‖ one byte of output index)`.
    ///
    /// It survives key rotation; reputation, burn, tier and bans hang on it (policy §6).
    IdentityId,
    32
);
bytes_newtype!(
    /// A compressed secp256k1 public key as it was received: 33 bytes, *not* yet known to lie on
    /// the curve. [`crate::schnorr::VerifyingKey`] is one that does.
    PublicKey,
    33
);
bytes_newtype!(
    /// A Lotus Schnorr signature: `R.x ‖ s`, both 32 bytes big-endian.
    Signature,
    64
);
bytes_newtype!(
    /// A signing session, 16 bytes as the older SDK names them.
    SessionId,
    16
);

impl IdentityId {
    /// Our own node as the counterparty of a session, whether it has an identity or not. No burn
    /// makes it.
    pub const OURS: Self = Self([0; 32]);
}

impl Signature {
    /// `R.x` and `s`.
    pub(crate) const fn split(&self) -> (&[u8; 32], &[u8; 32]) {
        let ([r, s], _) = self.0.as_chunks::<32>() else { return (&[0; 32], &[0; 32]) };
        (r, s)
    }
}

plain_hex!(IdentityId);
plain_hex!(PublicKey);
plain_hex!(Signature);
plain_hex!(SessionId);

/// An output of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OutPoint {
    /// The transaction.
    pub txid: Txid,
    /// The index of the output in it.
    pub vout: u32,
}

/// An output index above 255: the identity id has one byte for it, so 256 would collide with 0
/// (attack L5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputIndexError;

impl fmt::Display for OutputIndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identity's output index is at most 255")
    }
}

impl core::error::Error for OutputIndexError {}

impl OutPoint {
    /// The identity that a registration burn in this output creates.
    ///
    /// # Errors
    /// [`OutputIndexError`] if the output index is above 255.
    pub fn identity_id(&self) -> Result<IdentityId, OutputIndexError> {
        let index = u8::try_from(self.vout).map_err(|_| OutputIndexError)?;
        Ok(IdentityId(sha256(&[&self.txid.to_display_bytes(), &[index]])))
    }
}

impl fmt::Display for OutPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.txid, self.vout)
    }
}

/// A libp2p peer id: the multihash of a public key. Free to make, so nothing lasting hangs on it
/// alone.
///
/// libp2p makes ids of three forms, which are kept without the bytes that are the same in all: the
/// key itself where it is an Ed25519 or a compressed secp256k1 one, the SHA-256 of any other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId([u8; 33]);

/// Bytes that are a peer id of none of the three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerIdError;

impl fmt::Display for PeerIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a peer id: neither an Ed25519 or secp256k1 key nor the SHA-256 of a key")
    }
}

impl core::error::Error for PeerIdError {}

impl PeerId {
    /// No peer id has more bytes.
    pub const MAX_LEN: usize = 39;

    pub(crate) const VACANT: Self = Self([0; 33]);

    /// What stands before the 32 bytes of an id of each form. Its index and one, which never is
    /// zero, stands for it here.
    const FORMS: [&[u8]; 4] = [
        &[0x00, 0x24, 0x08, 0x01, 0x12, 0x20],
        &[0x12, 0x20],
        &[0x00, 0x25, 0x08, 0x02, 0x12, 0x21, 0x02],
        &[0x00, 0x25, 0x08, 0x02, 0x12, 0x21, 0x03],
    ];

    /// From the bytes of the multihash.
    ///
    /// # Errors
    /// [`PeerIdError`] if they are of none of the three forms.
    pub fn from_bytes(multihash: &[u8]) -> Result<Self, PeerIdError> {
        for (form, prefix) in (1..).zip(Self::FORMS) {
            let rest = multihash.strip_prefix(prefix).map(<[u8; 32]>::try_from);
            if let Some(Ok(rest)) = rest {
                let mut id = [form; 33];
                if let Some(last) = id.last_chunk_mut() {
                    *last = rest;
                }
                return Ok(Self(id));
            }
        }
        Err(PeerIdError)
    }

    /// The bytes of the multihash.
    #[must_use]
    pub fn to_bytes(&self) -> crate::List<u8, { Self::MAX_LEN }> {
        let (form, rest) = self.0.split_first().unwrap_or((&0, &[]));
        let prefix = usize::from(*form).checked_sub(1).and_then(|form| Self::FORMS.get(form));
        let mut bytes = crate::List::new();
        for part in prefix.into_iter().flat_map(|prefix| [*prefix, rest]) {
            // There is room for the longest of both.
            let _ = bytes.extend_from_slice(part);
        }
        bytes
    }

    /// What the tables hash.
    pub(crate) const fn key_bytes(&self) -> &[u8; 33] {
        &self.0
    }
}

impl Record for PeerId {
    /// The number of the form and what follows its prefix.
    fn fields(&mut self, codec: &mut dyn Codec) {
        self.0.fields(codec);
        if self.to_bytes().is_empty() {
            codec.refuse();
        }
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.to_bytes()).fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

/// Which Lotus chain; part of every signed message, so that none can be replayed on another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Network {
    /// The chain with money on it.
    #[default]
    Main,
    /// The public test chain.
    Test,
    /// A private chain for tests.
    Reg,
}

impl Network {
    /// The network's character in an XAddress, which also stands in signed messages.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Main => b'_',
            Self::Test => b'T',
            Self::Reg => b'R',
        }
    }

    /// `main`, `test` or `reg`, as in topics and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Test => "test",
            Self::Reg => "reg",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_each_form_has_the_bytes_that_it_was_made_of_and_one_of_none_has_no_bytes() {
        for form in PeerId::FORMS {
            let mut bytes = crate::List::<u8, { PeerId::MAX_LEN }>::new();
            bytes.extend_from_slice(form).unwrap();
            bytes.extend_from_slice(&[7; 32]).unwrap();
            assert_eq!(PeerId::from_bytes(&bytes).unwrap().to_bytes(), bytes);
            assert_eq!(PeerId::from_bytes(&bytes[1..]), Err(PeerIdError));
        }
        for form in [0, 5, 255] {
            assert!(PeerId([form; 33]).to_bytes().is_empty(), "{form}");
        }
    }
}
