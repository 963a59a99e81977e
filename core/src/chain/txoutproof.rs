//! The proof of inclusion that lotusd's `gettxoutproof` gives (lotusd, `merkleblock.cpp`).
//!
//! The header, the number of leaves, hashes and flag bits of a partial tree in depth-first order.
//! Unlike in Bitcoin each transaction has two leaves, its txhash and its txid, of which only the
//! second is ever flagged, and a missing right node is 32 zero bytes.

use core::fmt;

use super::merkle::ABSENT;
use super::tx::read_size;
use super::{Header, HeaderError, TxError};
use crate::Txid;
use crate::hash::double_sha256;
use crate::reader::Reader;

/// Two leaves for each transaction of 100 bytes that fits into a block of 32,000,000.
const MAX_LEAVES: u32 = 640_000;
/// Levels of a tree of [`MAX_LEAVES`] below its root.
const MAX_HEIGHT: usize = 20;

/// Why bytes are no such proof, or not of that transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxOutProofError {
    /// The bytes end too early.
    Truncated,
    /// The header is none.
    Header(HeaderError),
    /// A count is not in its shortest form, or above 33,554,432.
    Count,
    /// Bytes follow the proof.
    TrailingBytes,
    /// The leaves are none, odd in number, or more than fit into a block.
    Leaves,
    /// The tree needs more hashes than there are.
    TooFewHashes,
    /// Hashes that the tree has no place for.
    UnusedHashes,
    /// The tree needs more flags than there are.
    TooFewFlags,
    /// Flags that the tree has no node for, or padding that is not 0.
    UnusedFlags,
    /// A txhash is flagged; only a txid may be.
    FlaggedTxhash,
    /// Two neighbours are equal, which could hide how many leaves there are.
    EqualSiblings,
    /// The tree is not that of the header.
    Root,
    /// The transaction is flagged twice.
    Repeated,
    /// The transaction is not among those that are flagged.
    OtherTransaction,
}

impl fmt::Display for TxOutProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the proof ends too early",
            Self::Header(error) => return error.fmt(f),
            Self::Count => "a count is too large or not in its shortest form",
            Self::TrailingBytes => "bytes follow the proof",
            Self::Leaves => "no block has this number of leaves",
            Self::TooFewHashes => "the tree lacks hashes",
            Self::UnusedHashes => "the tree has no place for some hashes",
            Self::TooFewFlags => "the tree lacks flags",
            Self::UnusedFlags => "the tree has no node for some flags",
            Self::FlaggedTxhash => "a txhash is flagged instead of a txid",
            Self::EqualSiblings => "two neighbours in the tree are equal",
            Self::Root => "the tree is not that of the header",
            Self::Repeated => "the transaction is flagged twice",
            Self::OtherTransaction => "the proof is not of this transaction",
        })
    }
}

impl core::error::Error for TxOutProofError {}

impl From<HeaderError> for TxOutProofError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

/// A proof as lotusd gives it; nothing of it is copied. Only [`TxOutProof::verify`] says what it
/// proves.
#[derive(Clone, Copy, Debug)]
pub struct TxOutProof<'a> {
    header: Header,
    leaves: u32,
    hashes: &'a [[u8; 32]],
    flags: &'a [u8],
}

impl<'a> TxOutProof<'a> {
    /// Splits a proof into its parts.
    ///
    /// # Errors
    /// [`TxOutProofError`] for the first thing that is wrong with its form.
    pub fn parse(proof: &'a [u8]) -> Result<Self, TxOutProofError> {
        use TxOutProofError::{Count, Leaves, TrailingBytes, Truncated};
        let mut reader = Reader::new(proof);
        let header = Header::parse(reader.take(Header::LEN).ok_or(Truncated)?)?;
        let leaves = u32::from_le_bytes(reader.array().ok_or(Truncated)?);
        if leaves == 0 || leaves % 2 == 1 || leaves > MAX_LEAVES {
            return Err(Leaves);
        }
        let count = |reader: &mut Reader<'a>| {
            read_size(reader).map_err(|error| match error {
                TxError::Truncated => Truncated,
                _ => Count,
            })
        };
        // Below 2^30 by `read_size`, so the product fits.
        let len = (count(&mut reader)? as usize).saturating_mul(32);
        let (hashes, _) = reader.take(len).ok_or(Truncated)?.as_chunks();
        let len = count(&mut reader)? as usize;
        let flags = reader.take(len).ok_or(Truncated)?;
        if !reader.rest().is_empty() {
            return Err(TrailingBytes);
        }
        Ok(Self { header, leaves, hashes, flags })
    }

    /// The header of the block. Its work is not checked, nor whether any chain has it.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The position in the block of the transaction `txid`; 0 is the coinbase.
    ///
    /// The txid must come from a raw transaction: it is then the hash of 74 bytes, which no inner
    /// node of 64 can be mistaken for.
    ///
    /// # Errors
    /// [`TxOutProofError`] if any part of the proof is wrong or left over, or the transaction is
    /// not among those that it is a proof of.
    pub fn verify(&self, txid: &Txid) -> Result<u32, TxOutProofError> {
        let mut walk = Walk { proof: self, hashes: self.hashes, flag: 0, txid, found: None };
        let root = walk.root()?;
        if !walk.hashes.is_empty() {
            return Err(TxOutProofError::UnusedHashes);
        }
        if !self.flags_end_at(walk.flag) {
            return Err(TxOutProofError::UnusedFlags);
        }
        if root != self.header.merkle_root() {
            return Err(TxOutProofError::Root);
        }
        walk.found.ok_or(TxOutProofError::OtherTransaction)
    }

    /// The flag at this place, if there is one.
    fn flag(&self, at: usize) -> Option<bool> {
        let byte = self.flags.get(at / 8)?;
        Some(byte.checked_shr(at as u32 % 8)? & 1 == 1)
    }

    /// Whether `used` flags are all there are, but for zeros up to the end of the last byte.
    fn flags_end_at(&self, used: usize) -> bool {
        let mut padding = (used..used.saturating_add(8)).filter_map(|at| self.flag(at));
        self.flags.len() == used.div_ceil(8) && padding.all(|flag| !flag)
    }

    /// Nodes on the level `height` above the leaves.
    fn width(&self, height: usize) -> u32 {
        let last = self.leaves.saturating_sub(1);
        last.checked_shr(height as u32).unwrap_or(0).saturating_add(1)
    }
}

/// A walk over the tree, depth first, in memory for one node a level.
struct Walk<'a> {
    proof: &'a TxOutProof<'a>,
    /// The hashes not used yet.
    hashes: &'a [[u8; 32]],
    /// The flags used.
    flag: usize,
    txid: &'a Txid,
    /// Where the transaction was flagged.
    found: Option<u32>,
}

impl Walk<'_> {
    fn root(&mut self) -> Result<[u8; 32], TxOutProofError> {
        let top = (0..MAX_HEIGHT).find(|level| self.proof.width(*level) == 1).unwrap_or(MAX_HEIGHT);
        // The left nodes whose right neighbours are being walked over.
        let mut lefts = [ABSENT; MAX_HEIGHT];
        let (mut level, mut index) = (top, 0_u32);
        loop {
            let flagged = self.next_flag()?;
            if flagged && level > 0 {
                level = level.saturating_sub(1);
                index = index.saturating_mul(2);
                continue;
            }
            let mut node = self.next_hash()?;
            if flagged {
                self.leaf(index, &node)?;
            }
            loop {
                if level == top {
                    return Ok(node);
                }
                let Some(left) = lefts.get_mut(level) else { return Err(TxOutProofError::Leaves) };
                if index % 2 == 1 {
                    if *left == node {
                        return Err(TxOutProofError::EqualSiblings);
                    }
                    node = double_sha256(&[left, &node]);
                } else if index.saturating_add(1) < self.proof.width(level) {
                    *left = node;
                    index = index.saturating_add(1);
                    break;
                } else {
                    node = double_sha256(&[&node, &ABSENT]);
                }
                level = level.saturating_add(1);
                index /= 2;
            }
        }
    }

    fn leaf(&mut self, index: u32, hash: &[u8; 32]) -> Result<(), TxOutProofError> {
        if index.is_multiple_of(2) {
            return Err(TxOutProofError::FlaggedTxhash);
        }
        if hash == self.txid.as_bytes() && self.found.replace(index / 2).is_some() {
            return Err(TxOutProofError::Repeated);
        }
        Ok(())
    }

    fn next_flag(&mut self) -> Result<bool, TxOutProofError> {
        let flag = self.proof.flag(self.flag).ok_or(TxOutProofError::TooFewFlags)?;
        self.flag = self.flag.saturating_add(1);
        Ok(flag)
    }

    fn next_hash(&mut self) -> Result<[u8; 32], TxOutProofError> {
        let (first, rest) = self.hashes.split_first().ok_or(TxOutProofError::TooFewHashes)?;
        self.hashes = rest;
        Ok(*first)
    }
}

#[cfg(test)]
mod tests;
