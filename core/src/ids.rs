//! Names of things: hashes, keys, peers, outpoints, identities, networks.

use core::fmt;

use crate::hash::sha256;

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

/// A libp2p peer id: a multihash of at most 42 bytes. Free to make, so nothing lasting hangs on
/// it alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    len: u8,
    bytes: [u8; Self::MAX_LEN],
}

/// Bytes that cannot be a peer id: none, or more than [`PeerId::MAX_LEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerIdError;

impl fmt::Display for PeerIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a peer id is 1 to 42 bytes")
    }
}

impl core::error::Error for PeerIdError {}

impl PeerId {
    /// An identity multihash holds at most 42 bytes of key (libp2p specification, peer ids).
    pub const MAX_LEN: usize = 42;

    pub(crate) const VACANT: Self = Self { len: 0, bytes: [0; Self::MAX_LEN] };

    /// From the bytes of the multihash.
    ///
    /// # Errors
    /// [`PeerIdError`] if there are none or too many.
    pub fn from_bytes(multihash: &[u8]) -> Result<Self, PeerIdError> {
        let mut bytes = [0; Self::MAX_LEN];
        let target = bytes.get_mut(..multihash.len()).ok_or(PeerIdError)?;
        target.copy_from_slice(multihash);
        match u8::try_from(multihash.len()) {
            Ok(len) if len > 0 => Ok(Self { len, bytes }),
            _ => Err(PeerIdError),
        }
    }

    /// The bytes of the multihash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(self.as_bytes()).fmt(f)
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
