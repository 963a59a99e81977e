//! A proof that an output is in the chain, for devices that follow no chain (`docs/proof.md`).
//!
//! It leads from the raw transaction over its branch and the header of its block to a later block
//! that the device's owner trusts. Without such a block only work is left, which is cheap on this
//! chain and proves little.

use core::fmt;

use super::links::work;
use super::merkle::{MAX_DEPTH, leaf, root_from_branch};
use super::{BranchError, Header, HeaderError, Links, Output, Transaction, TxError};
use crate::reader::Reader;
use crate::wire::BufferTooSmall;
use crate::{BlockHash, BlockHeight, EvidenceClass, OutPoint, Txid};

/// First byte of a proof with plain links.
const PLAIN: u8 = 1;
/// First byte of a proof with links that show work.
const WORK: u8 = 2;
/// Sizes of a transaction in a block (lotusd, `consensus.h`); with less than 65 bytes it could be
/// taken for an inner node of the tree.
const TX_SIZE: core::ops::RangeInclusive<usize> = 100..=1_000_000;

/// Why bytes are no proof, or prove nothing; in the order in which it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The bytes end before the transaction.
    Truncated,
    /// Neither of the two forms.
    Form,
    /// No tree has such a branch.
    Branch(BranchError),
    /// The header is none.
    Header(HeaderError),
    /// The transaction is none.
    Tx(TxError),
    /// What follows the transaction is not a whole number of links.
    Links,
    /// No block has a transaction of this size: 100 to 1,000,000 bytes.
    TxSize,
    /// The transaction is its block's first, or has the form of one.
    Coinbase,
    /// The proof is of another transaction than was asked for.
    OtherTransaction,
    /// The transaction has no such output.
    NoOutput,
    /// Transaction and branch do not lead to the root in the header.
    Root,
    /// The block is not as far below the anchor as there are links.
    Height,
    /// The links do not lead to the anchor.
    Anchor,
    /// A block lacks the work that it claims, or does not show it.
    Work,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the proof ends too early",
            Self::Form => "unknown form of proof",
            Self::Branch(error) => return error.fmt(f),
            Self::Header(error) => return error.fmt(f),
            Self::Tx(error) => return error.fmt(f),
            Self::Links => "the proof does not end with whole links",
            Self::TxSize => "no block has a transaction of this size",
            Self::Coinbase => "the transaction is a coinbase",
            Self::OtherTransaction => "the proof is of another transaction",
            Self::NoOutput => "the transaction has no such output",
            Self::Root => "the transaction is not in the block",
            Self::Height => "the heights of block and anchor do not fit the links",
            Self::Anchor => "the links do not lead to the anchor",
            Self::Work => "a block lacks work",
        })
    }
}

impl core::error::Error for ProofError {}

impl From<BranchError> for ProofError {
    fn from(error: BranchError) -> Self {
        Self::Branch(error)
    }
}

impl From<HeaderError> for ProofError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<TxError> for ProofError {
    fn from(error: TxError) -> Self {
        Self::Tx(error)
    }
}

/// A block that the owner of the device trusts to be in the chain. It must never come from whoever
/// brings the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: BlockHeight,
}

/// What was proved.
#[derive(Clone, Copy, Debug)]
pub struct Proved<'a> {
    /// The transaction.
    pub txid: Txid,
    /// The output that was asked for.
    pub output: Output<'a>,
    /// The position of the transaction in its block, never 0.
    pub position: u32,
    /// The header of the block. With [`EvidenceClass::Weak`] its height is only claimed.
    pub header: Header,
    /// Blocks that follow: up to the anchor, or as many as show their work. Confirmations in a
    /// chain that ends there are one more. How many are enough is the Gate's to decide.
    pub depth: u32,
    /// [`EvidenceClass::Anchored`] or [`EvidenceClass::Weak`].
    pub class: EvidenceClass,
}

/// A proof of inclusion; nothing is copied, and nothing proved before [`InclusionProof::verify`].
#[derive(Clone, Copy, Debug)]
pub struct InclusionProof<'a> {
    position: u32,
    branch: &'a [[u8; 32]],
    raw_header: &'a [u8; Header::LEN],
    header: Header,
    tx: Transaction<'a>,
    links: Links<'a>,
}

impl<'a> InclusionProof<'a> {
    /// A proof from its parts: a raw transaction, its position in the block, its branch from the
    /// leaves up, the header of the block, and the blocks that follow.
    ///
    /// # Errors
    /// [`ProofError`] for a part that is not of its form.
    pub fn new(
        raw_tx: &'a [u8],
        position: u32,
        branch: &'a [[u8; 32]],
        raw_header: &'a [u8; Header::LEN],
        links: Links<'a>,
    ) -> Result<Self, ProofError> {
        if branch.len() > MAX_DEPTH {
            return Err(BranchError::TooDeep.into());
        }
        let header = Header::parse(raw_header)?;
        let tx = Transaction::parse(raw_tx)?;
        // One encoding for a proof without links.
        let links = if links.is_empty() { Links::Plain(&[]) } else { links };
        Ok(Self { position, branch, raw_header, header, tx, links })
    }

    /// Reads an encoded proof. The work is in proportion to its length, which the caller limits.
    ///
    /// # Errors
    /// [`ProofError`] for the first thing that is wrong with its form.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ProofError> {
        use ProofError::Truncated;
        let mut reader = Reader::new(bytes);
        let [form] = reader.array().ok_or(Truncated)?;
        if !matches!(form, PLAIN | WORK) {
            return Err(ProofError::Form);
        }
        let position = u32::from_le_bytes(reader.array().ok_or(Truncated)?);
        let depth = reader.array().map(|[depth]| usize::from(depth)).ok_or(Truncated)?;
        if depth > MAX_DEPTH {
            return Err(BranchError::TooDeep.into());
        }
        let branch = reader.take(depth.saturating_mul(32)).ok_or(Truncated)?;
        let (branch, _) = branch.as_chunks();
        let raw_header = reader.take(Header::LEN).and_then(<[u8]>::first_chunk).ok_or(Truncated)?;
        let header = Header::parse(raw_header)?;
        let (tx, rest) = Transaction::split_first(reader.rest())?;
        let links = match (form, rest.as_chunks(), rest.as_chunks()) {
            (PLAIN, (links, []), _) => Links::Plain(links),
            (WORK, _, (links @ [_, ..], [])) => Links::Work(links),
            _ => return Err(ProofError::Links),
        };
        Ok(Self { position, branch, raw_header, header, tx, links })
    }

    /// The transaction; not yet known to be in any block.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction<'a> {
        &self.tx
    }

    /// The hashes from the transaction to the block's root; not yet known to lead there.
    #[must_use]
    pub const fn branch(&self) -> &'a [[u8; 32]] {
        self.branch
    }

    /// Bytes of the encoded proof.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.parts().map(<[u8]>::len).fold(6, usize::saturating_add)
    }

    /// Writes the proof and returns its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with less than [`InclusionProof::encoded_len`] bytes.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let form = if matches!(self.links, Links::Plain(_)) { PLAIN } else { WORK };
        let [a, b, c, d] = self.position.to_le_bytes();
        let start = [form, a, b, c, d, self.branch.len() as u8];
        let mut rest = out;
        for part in core::iter::once(start.as_slice()).chain(self.parts()) {
            let (target, after) = rest.split_at_mut_checked(part.len()).ok_or(BufferTooSmall)?;
            target.copy_from_slice(part);
            rest = after;
        }
        Ok(self.encoded_len())
    }

    fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        let links = match self.links {
            Links::Plain(links) => links.as_flattened(),
            Links::Work(links) => links.as_flattened(),
        };
        [self.branch.as_flattened(), self.raw_header, self.tx.as_bytes(), links].into_iter()
    }

    /// Checks that the output is in a block below the anchor.
    ///
    /// # Errors
    /// [`ProofError`] for the first thing that is wrong.
    pub fn verify(&self, outpoint: &OutPoint, anchor: &Anchor) -> Result<Proved<'a>, ProofError> {
        let proved = self.inclusion(outpoint, EvidenceClass::Anchored)?;
        let below = anchor.height.get().checked_sub(self.header.height().get());
        if below != Some(proved.depth) {
            return Err(ProofError::Height);
        }
        if self.links.follow(self.header.hash()) != anchor.hash {
            return Err(ProofError::Anchor);
        }
        Ok(proved)
    }

    /// Checks that the output is in a block, and counts the hashes that it and the blocks after it
    /// took on average. The result is [`EvidenceClass::Weak`], which never registers: a few
    /// graphics cards make such blocks.
    ///
    /// # Errors
    /// [`ProofError`] for the first thing that is wrong.
    pub fn weigh(&self, outpoint: &OutPoint) -> Result<(Proved<'a>, u128), ProofError> {
        let proved = self.inclusion(outpoint, EvidenceClass::Weak)?;
        let hash = self.header.hash();
        let own = work(self.header.bits(), &hash).ok_or(ProofError::Work)?;
        let after = self.links.work(hash).ok_or(ProofError::Work)?;
        Ok((proved, own.saturating_add(after)))
    }

    /// Checks that the output is in the block.
    fn inclusion(
        &self,
        outpoint: &OutPoint,
        class: EvidenceClass,
    ) -> Result<Proved<'a>, ProofError> {
        if !TX_SIZE.contains(&self.tx.len()) {
            return Err(ProofError::TxSize);
        }
        if self.position == 0 || self.tx.is_coinbase() {
            return Err(ProofError::Coinbase);
        }
        let txid = self.tx.txid();
        if txid != outpoint.txid {
            return Err(ProofError::OtherTransaction);
        }
        let output = self.tx.output(outpoint.vout).ok_or(ProofError::NoOutput)?;
        let leaf = leaf(&self.tx.txhash(), &txid);
        if root_from_branch(&leaf, self.position, self.branch)? != self.header.merkle_root() {
            return Err(ProofError::Root);
        }
        let depth = u32::try_from(self.links.len()).map_err(|_| ProofError::Height)?;
        Ok(Proved { txid, output, position: self.position, header: self.header, depth, class })
    }
}
