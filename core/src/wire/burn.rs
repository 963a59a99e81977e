//! What every claim of a burn carries: the output, and the way from it to a block.

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::WireError;
use super::cbor::{Written, bytes};
use crate::BlockHash;

/// The most hashes in a branch.
const BRANCH: usize = 32;

/// That an output burned, and the way from it to a block: fields 1 to 5 of every claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncludedBurn<'a> {
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

impl IncludedBurn<'_> {
    /// How many map entries [`IncludedBurn::write`] makes.
    pub(super) const ENTRIES: u64 = 5;

    pub(super) fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.u8(1)?.bytes(self.transaction)?;
        to.u8(2)?.u8(self.vout)?;
        to.u8(3)?.bytes(self.block.as_bytes())?;
        to.u8(4)?.u32(self.position)?;
        to.u8(5)?.bytes(self.branch.as_flattened())?;
        Ok(())
    }
}

/// Fields 1 to 5 of a claim while they are read.
#[derive(Default)]
pub(super) struct BurnFields<'a> {
    transaction: Option<&'a [u8]>,
    vout: Option<u8>,
    block: Option<BlockHash>,
    position: Option<u32>,
    branch: Option<&'a [[u8; 32]]>,
}

impl<'a> BurnFields<'a> {
    /// Reads the field `key`; every other one is [`WireError::UnknownField`].
    pub(super) fn read(&mut self, key: u64, value: &mut Decoder<'a>) -> Result<(), WireError> {
        match key {
            1 => self.transaction = Some(value.bytes()?),
            2 => self.vout = Some(value.u8()?),
            3 => self.block = Some(BlockHash::from_bytes(bytes(value)?)),
            4 => self.position = Some(value.u32()?),
            5 => match value.bytes()?.as_chunks() {
                (hashes, []) if hashes.len() <= BRANCH => self.branch = Some(hashes),
                _ => return Err(WireError::Shape),
            },
            _ => return Err(WireError::UnknownField),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<IncludedBurn<'a>, WireError> {
        Ok(IncludedBurn {
            transaction: self.transaction.ok_or(WireError::MissingField)?,
            vout: self.vout.ok_or(WireError::MissingField)?,
            block: self.block.ok_or(WireError::MissingField)?,
            position: self.position.ok_or(WireError::MissingField)?,
            branch: self.branch.ok_or(WireError::MissingField)?,
        })
    }
}
