//! The claim of a burn.

use minicbor::Encoder;
use minicbor::encode::Write;

use super::cbor::{Encoding, Written, bytes, fields};
use super::{BufferTooSmall, WireError};
use crate::BlockHash;

/// The most hashes in a branch.
const BRANCH: usize = 32;

/// That an output burned for an identity, and the way from it to a block: the body of kind 4.
///
/// The envelope's signature is over [`super::register_hash`], by the key in the output's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The whole transaction as the chain has it; not parsed here.
    pub transaction: &'a [u8],
    /// The index of the output that burns; an identity id has one byte for it.
    pub vout: u8,
    /// The block that the transaction is said to be in.
    pub block: BlockHash,
    /// The index of the transaction in that block.
    pub position: u32,
    /// The hashes from the transaction to the block's root, the leaf's sibling first.
    pub branch: &'a [[u8; 32]],
}

impl<'a> Registration<'a> {
    /// Reads the body of a registration claim.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let (mut transaction, mut vout, mut block) = (None, None, None);
        let (mut position, mut branch) = (None, None);
        fields(body, |key, value| {
            match key {
                1 => transaction = Some(value.bytes()?),
                2 => vout = Some(value.u8()?),
                3 => block = Some(BlockHash::from_bytes(bytes(value)?)),
                4 => position = Some(value.u32()?),
                5 => match value.bytes()?.as_chunks() {
                    (hashes, []) if hashes.len() <= BRANCH => branch = Some(hashes),
                    _ => return Err(WireError::Shape),
                },
                _ => return Err(WireError::UnknownField),
            }
            Ok(())
        })?;
        let decoded = Self {
            transaction: transaction.ok_or(WireError::MissingField)?,
            vout: vout.ok_or(WireError::MissingField)?,
            block: block.ok_or(WireError::MissingField)?,
            position: position.ok_or(WireError::MissingField)?,
            branch: branch.ok_or(WireError::MissingField)?,
        };
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
        to.map(5)?;
        to.u8(1)?.bytes(self.transaction)?;
        to.u8(2)?.u8(self.vout)?;
        to.u8(3)?.bytes(self.block.as_bytes())?;
        to.u8(4)?.u32(self.position)?;
        to.u8(5)?.bytes(self.branch.as_flattened())?;
        Ok(())
    }
}
