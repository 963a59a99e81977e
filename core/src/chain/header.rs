//! Block headers.

use core::fmt;

use super::links::link;
use super::target::{Target, TargetError};
use crate::hash::sha256;
use crate::reader::Reader;
use crate::{BlockHash, BlockHeight, Timestamp};

/// No block is larger (lotusd, `consensus.h`).
const MAX_BLOCK_SIZE: u64 = 32_000_000;

/// Why bytes are no block header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// Not [`Header::LEN`] bytes.
    Length,
    /// The reserved field is not 0.
    Reserved,
    /// The version is not 1.
    Version,
    /// The block is larger than 32,000,000 bytes.
    BlockSize,
    /// The height is negative.
    Height,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a block header is 160 bytes",
            Self::Reserved => "the reserved field is not zero",
            Self::Version => "the header version is not 1",
            Self::BlockSize => "the block is too large",
            Self::Height => "the height is negative",
        })
    }
}

impl core::error::Error for HeaderError {}

/// A block header and its hash. Its form was checked, not its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub(crate) hash: BlockHash,
    pub(crate) prev: BlockHash,
    pub(crate) epoch: BlockHash,
    pub(crate) merkle_root: [u8; 32],
    pub(crate) time: Timestamp,
    pub(crate) bits: u32,
    pub(crate) height: BlockHeight,
}

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = 160;

    /// Reads a header.
    ///
    /// # Errors
    /// [`HeaderError`] for the first field that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().map_err(|_| HeaderError::Length)?;
        Fields::read(bytes).ok_or(HeaderError::Length)?.check(hash(bytes))
    }

    /// The hash of the header, which names the block.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The block before.
    #[must_use]
    pub const fn prev(&self) -> BlockHash {
        self.prev
    }

    /// The last block before this epoch of 5,040 blocks; zero in the first epoch.
    #[must_use]
    pub const fn epoch(&self) -> BlockHash {
        self.epoch
    }

    /// The difficulty in compact form; see [`Header::target`].
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// When the block was made, by its miner's clock; at most two hours ahead of others'.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The height that the block claims; only a chain of headers proves it.
    #[must_use]
    pub const fn height(&self) -> BlockHeight {
        self.height
    }

    /// The root over the transactions of the block.
    #[must_use]
    pub const fn merkle_root(&self) -> [u8; 32] {
        self.merkle_root
    }

    /// The number that the hash must not exceed.
    ///
    /// # Errors
    /// [`TargetError`] where [`Header::bits`] is none.
    pub fn target(&self) -> Result<Target, TargetError> {
        Target::from_bits(self.bits)
    }

    /// Whether the hash has the work that the header itself claims. Whether the claim is enough
    /// is for [`Target::limit`] and the headers around it to say.
    #[must_use]
    pub fn meets_target(&self) -> bool {
        self.target().is_ok_and(|target| target.is_met_by(&self.hash))
    }
}

/// The fields as they stand, but for the nonce, which only the hash covers, and the extended
/// metadata, of which nothing is defined yet.
struct Fields {
    prev: [u8; 32],
    bits: [u8; 4],
    time: [u8; 6],
    reserved: [u8; 2],
    version: [u8; 1],
    size: [u8; 7],
    height: [u8; 4],
    epoch: [u8; 32],
    merkle_root: [u8; 32],
}

impl Fields {
    fn read(bytes: &[u8; Header::LEN]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (prev, bits, time, reserved) =
            (reader.array()?, reader.array()?, reader.array()?, reader.array()?);
        let _nonce: [u8; 8] = reader.array()?;
        let (version, size, height) = (reader.array()?, reader.array()?, reader.array()?);
        let (epoch, merkle_root) = (reader.array()?, reader.array()?);
        Some(Self { prev, bits, time, reserved, version, size, height, epoch, merkle_root })
    }

    fn check(self, hash: BlockHash) -> Result<Header, HeaderError> {
        if self.reserved != [0; 2] {
            return Err(HeaderError::Reserved);
        }
        if self.version != [1] {
            return Err(HeaderError::Version);
        }
        if number(self.size) > MAX_BLOCK_SIZE {
            return Err(HeaderError::BlockSize);
        }
        let height =
            u32::try_from(i32::from_le_bytes(self.height)).map_err(|_| HeaderError::Height)?;
        Ok(Header {
            hash,
            prev: BlockHash::from_bytes(self.prev),
            epoch: BlockHash::from_bytes(self.epoch),
            merkle_root: self.merkle_root,
            time: Timestamp::from_millis(number(self.time).saturating_mul(1000)),
            bits: u32::from_le_bytes(self.bits),
            height: BlockHeight::new(height),
        })
    }
}

/// A little-endian number of fewer than eight bytes.
fn number<const N: usize>(bytes: [u8; N]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Single SHA-256 in three layers: previous block, mining fields, the rest.
fn hash(bytes: &[u8; Header::LEN]) -> BlockHash {
    let (previous, _) = bytes.split_at(32);
    BlockHash::from_bytes(sha256(&[previous, &link(bytes)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The genesis block of mainnet.
    fn genesis() -> [u8; Header::LEN] {
        let mut bytes = [0; Header::LEN];
        let put = |bytes: &mut [u8], at: usize, hex: &str| {
            let field = hex::decode(hex).unwrap();
            bytes[at..at + field.len()].copy_from_slice(&field);
        };
        put(&mut bytes, 32, "0000101cf407d0600000");
        put(&mut bytes, 44, &hex::encode(7_146_261_898_250_975_403_u64.to_le_bytes()));
        put(&mut bytes, 52, "017b010000000000");
        let mut root =
            hex::decode("37f392d88f70cdada6d366a25a7ef90b6711bf2d6b5ffea4f39727dcb90af34c")
                .unwrap();
        root.reverse();
        bytes[96..128].copy_from_slice(&root);
        put(&mut bytes, 128, "1406e05881e299367766d313e26c05564ec91bf721d31726bd6e46e60689539a");
        bytes
    }

    #[test]
    fn the_genesis_block_is_known() {
        let header = Header::parse(&genesis()).unwrap();
        let name = "000000000abc0cde58ee7e919d3d4de183e6844add1fd5d14b4eac89d958f470";
        assert_eq!(header.hash(), name.parse().unwrap());
        assert_eq!(header.time(), Timestamp::from_millis(1_624_246_260_000));
        assert_eq!(header.height(), BlockHeight::new(0));
        assert!(header.meets_target());
        assert_eq!(header.target(), Ok(Target::limit(crate::Network::Main)));
    }

    #[test]
    fn a_changed_nonce_has_no_work() {
        let mut bytes = genesis();
        bytes[44] ^= 1;
        assert!(!Header::parse(&bytes).unwrap().meets_target());
    }

    #[test]
    fn each_wrong_field_is_named() {
        let with = |at: usize, byte: u8| {
            let mut bytes = genesis();
            bytes[at] = byte;
            Header::parse(&bytes).map(|_| ())
        };
        assert_eq!(with(42, 1), Err(HeaderError::Reserved));
        assert_eq!(with(43, 1), Err(HeaderError::Reserved));
        assert_eq!(with(52, 0), Err(HeaderError::Version));
        assert_eq!(with(52, 2), Err(HeaderError::Version));
        assert_eq!(with(59, 1), Err(HeaderError::BlockSize));
        assert_eq!(with(63, 0x80), Err(HeaderError::Height));
        assert_eq!(with(63, 0x7f), Ok(()));
        let bytes = genesis();
        assert_eq!(Header::parse(&bytes[..159]), Err(HeaderError::Length));
        assert_eq!(Header::parse(&[bytes.as_slice(), &[0]].concat()), Err(HeaderError::Length));
    }

    #[test]
    fn the_largest_block_is_32_000_000_bytes() {
        let with_size = |size: u64| {
            let mut bytes = genesis();
            bytes[53..60].copy_from_slice(&size.to_le_bytes()[..7]);
            Header::parse(&bytes).map(|_| ())
        };
        assert_eq!(with_size(MAX_BLOCK_SIZE), Ok(()));
        assert_eq!(with_size(MAX_BLOCK_SIZE + 1), Err(HeaderError::BlockSize));
    }
}
