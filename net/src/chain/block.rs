//! Whole blocks and the branches in them.

use ltms_core::Txid;
use ltms_core::chain::{Header, HeaderError, Transaction, TxError, merkle};
use ltms_core::hash::double_sha256;

use super::IncludedTransaction;
use super::raw::compact_size;

/// A transaction in a block has at least as many bytes (lotusd, `consensus.h`).
const MIN_TRANSACTION: usize = 100;
/// What stands where a level of the tree has no right neighbour.
const ABSENT: [u8; 32] = [0; 32];

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The header is wrong.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The hash has less work than the header claims.
    #[error("the block has not the work that its header claims")]
    Work,
    /// The header names another size.
    #[error("the block has not the size that its header names")]
    Size,
    /// There is metadata, of which none is defined.
    #[error("the block has metadata")]
    Metadata,
    /// The number of transactions is missing or not in its shortest form.
    #[error("the number of transactions cannot be read")]
    Count,
    /// A transaction cannot be read.
    #[error(transparent)]
    Transaction(#[from] TxError),
    /// A transaction has fewer than 100 bytes.
    #[error("a transaction has fewer than 100 bytes")]
    SmallTransaction,
    /// The first transaction is no coinbase, or another one is.
    #[error("the first transaction and no other is the coinbase")]
    Coinbase,
    /// The transactions after the first do not rise by their displayed ids.
    #[error("the transactions are not in the order of their ids")]
    Order,
    /// Bytes follow the last transaction.
    #[error("bytes follow the last transaction")]
    TrailingBytes,
    /// The header has another root.
    #[error("the transactions are not those of the header")]
    MerkleRoot,
}

#[derive(Clone, Debug)]
struct Entry {
    txid: Txid,
    leaf: [u8; 32],
    raw: Vec<u8>,
}

/// A block in which everything was checked that needs no other block, but for scripts, amounts
/// and whether the claimed work is enough.
#[derive(Clone, Debug)]
pub struct Block {
    raw_header: [u8; Header::LEN],
    header: Header,
    entries: Vec<Entry>,
}

impl Block {
    /// Reads a block to its last byte.
    ///
    /// # Errors
    /// [`BlockError`] for the first thing that is wrong.
    pub fn parse(raw: &[u8]) -> Result<Self, BlockError> {
        let (head, body) = raw.split_first_chunk().ok_or(HeaderError::Length)?;
        let header = Header::parse(head)?;
        if !header.meets_target() {
            return Err(BlockError::Work);
        }
        let mut size = [0; 8];
        size[..7].copy_from_slice(&head[53..60]);
        if u64::from_le_bytes(size) != raw.len() as u64 {
            return Err(BlockError::Size);
        }
        let [0, counted @ ..] = body else { return Err(BlockError::Metadata) };
        let (count, mut rest) = split_count(counted).ok_or(BlockError::Count)?;
        // Each transaction takes a hundred bytes of `rest`, so that a false count ends early.
        let mut entries: Vec<Entry> = Vec::new();
        for index in 0..count {
            let (transaction, after) = Transaction::split_first(rest)?;
            if transaction.len() < MIN_TRANSACTION {
                return Err(BlockError::SmallTransaction);
            }
            if transaction.is_coinbase() != (index == 0) {
                return Err(BlockError::Coinbase);
            }
            let txid = transaction.txid();
            let rises = |last: &Entry| last.txid.to_display_bytes() < txid.to_display_bytes();
            if index > 1 && !entries.last().is_some_and(rises) {
                return Err(BlockError::Order);
            }
            let leaf = merkle::leaf(&transaction.txhash(), &txid);
            entries.push(Entry { txid, leaf, raw: rest[..transaction.len()].to_vec() });
            rest = after;
        }
        if !rest.is_empty() {
            return Err(BlockError::TrailingBytes);
        }
        if merkle::root(entries.iter().map(|entry| entry.leaf)).hash != header.merkle_root() {
            return Err(BlockError::MerkleRoot);
        }
        Ok(Self { raw_header: *head, header, entries })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The header as it was read.
    #[must_use]
    pub const fn raw_header(&self) -> &[u8; Header::LEN] {
        &self.raw_header
    }

    /// The block as it was read.
    #[must_use]
    pub fn to_raw(&self) -> Vec<u8> {
        // No metadata.
        let start = [&self.raw_header[..], &[0], &compact_size(self.entries.len())].concat();
        let raws = self.entries.iter().map(|entry| entry.raw.as_slice());
        std::iter::once(start.as_slice()).chain(raws).collect::<Vec<_>>().concat()
    }

    /// The transactions in order, with their ids.
    pub fn transactions(&self) -> impl ExactSizeIterator<Item = (Txid, &[u8])> {
        self.entries.iter().map(|entry| (entry.txid, entry.raw.as_slice()))
    }

    /// The transaction with this id and the way from it to the header.
    #[must_use]
    pub fn transaction(&self, txid: &Txid) -> Option<IncludedTransaction> {
        let position = self.entries.iter().position(|entry| entry.txid == *txid)?;
        let leaves = self.entries.iter().map(|entry| entry.leaf).collect();
        Some(IncludedTransaction {
            raw: self.entries[position].raw.clone(),
            block: self.header.hash(),
            position: u32::try_from(position).ok()?,
            branch: branch(leaves, position),
        })
    }
}

/// A count: one byte, or 253, 254 and then 2 or 4 bytes, in the shortest form; and what follows.
fn split_count(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (count, least, rest) = match first {
        0xff => return None,
        0xfe => {
            let (count, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(*count), 0x1_0000, rest)
        }
        0xfd => {
            let (count, rest) = rest.split_first_chunk()?;
            (u16::from_le_bytes(*count).into(), 0xfd, rest)
        }
        small => (u32::from(*small), 0, rest),
    };
    (count >= least).then_some((count, rest))
}

/// The siblings of the leaf at `position`, from the leaves up.
fn branch(mut level: Vec<[u8; 32]>, mut position: usize) -> Vec<[u8; 32]> {
    let mut branch = Vec::new();
    while level.len() > 1 {
        branch.push(level.get(position ^ 1).copied().unwrap_or(ABSENT));
        level = level
            .chunks(2)
            .map(|pair| double_sha256(&[&pair[0], pair.get(1).unwrap_or(&ABSENT)]))
            .collect();
        position /= 2;
    }
    branch
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ltms_core::chain::Header;
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/chain.json");

    /// The blocks of three chains, recorded from their software.
    fn recorded() -> Vec<(Value, Vec<u8>)> {
        let root: Value = serde_json::from_slice(&fs::read(VECTORS).unwrap()).unwrap();
        let blocks = root["blocks"].as_array().unwrap();
        assert_eq!(blocks.len(), 13);
        let raw = |block: &Value| hex::decode(block["block_hex"].as_str().unwrap()).unwrap();
        blocks.iter().map(|block| (block.clone(), raw(block))).collect()
    }

    #[test]
    fn every_recorded_block_has_the_recorded_branches() {
        for (expected, raw) in recorded() {
            let block = Block::parse(&raw).unwrap();
            assert_eq!(block.header().hash().to_string(), expected["block_hash_hex"]);
            let listed = expected["txs"].as_array().unwrap();
            assert_eq!(block.transactions().len(), listed.len());
            for ((txid, raw), listed) in block.transactions().zip(listed) {
                assert_eq!(txid.to_string(), listed["txid_hex"]);
                let included = block.transaction(&txid).unwrap();
                assert_eq!(included.raw, raw);
                assert_eq!(included.block, block.header().hash());
                assert_eq!(listed["index"], included.position);
                let branch: Vec<_> = included.branch.iter().map(hex::encode).collect();
                assert_eq!(listed["branch_internal_hex"], serde_json::json!(branch));
            }
            assert_eq!(block.transaction(&Txid::from_bytes([7; 32])), None);
        }
    }

    /// The block with 21 transactions.
    fn block_187() -> Vec<u8> {
        recorded().into_iter().find(|(entry, _)| entry["height"] == 187).unwrap().1
    }

    /// Names the size that `raw` has and finds work for it.
    fn mend(mut raw: Vec<u8>) -> Vec<u8> {
        let size = (raw.len() as u64).to_le_bytes();
        raw[53..60].copy_from_slice(&size[..7]);
        while !Header::parse(&raw[..Header::LEN]).unwrap().meets_target() {
            raw[44] += 1;
        }
        raw
    }

    fn error(raw: Vec<u8>) -> Option<BlockError> {
        Block::parse(&raw).err()
    }

    #[test]
    fn what_is_wrong_with_a_block_is_named() {
        let right = block_187();
        assert_eq!(error(mend(right.clone())), None);
        assert_eq!(error(right[..159].to_vec()), Some(HeaderError::Length.into()));
        assert_eq!(error(right[..right.len() - 1].to_vec()), Some(BlockError::Size));
        let with = |at: usize, byte: u8| {
            let mut raw = right.clone();
            raw[at] = byte;
            mend(raw)
        };
        assert_eq!(error(with(52, 1)), None);
        assert_eq!(error(with(96, 0)), Some(BlockError::MerkleRoot));
        assert_eq!(error(with(160, 1)), Some(BlockError::Metadata));
        assert_eq!(error(with(161, 20)), Some(BlockError::TrailingBytes));
        assert_eq!(error(with(161, 22)), Some(TxError::Truncated.into()));
        assert_eq!(error(with(161, 0xff)), Some(BlockError::Count));
        // A script of an input, which no id covers, and a lock time, which changes one.
        assert_eq!(error(with(204, 9)), Some(BlockError::MerkleRoot));
        assert_eq!(error(with(right.len() - 1, 1)), Some(BlockError::Order));

        let mut no_work = right.clone();
        while Header::parse(&no_work[..Header::LEN]).unwrap().meets_target() {
            no_work[44] += 1;
        }
        assert_eq!(error(no_work), Some(BlockError::Work));
    }

    #[test]
    fn the_coinbase_is_first_and_the_others_are_sorted() {
        let right = block_187();
        let transactions: Vec<_> =
            Block::parse(&right).unwrap().transactions().map(|(_, raw)| raw.to_vec()).collect();
        let with = |order: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let mut transactions = transactions.clone();
            order(&mut transactions);
            let count = [0, transactions.len() as u8];
            error(mend([&right[..Header::LEN], &count, &transactions.concat()].concat()))
        };
        assert_eq!(with(&|_| ()), None);
        assert_eq!(with(&|all| all.swap(0, 1)), Some(BlockError::Coinbase));
        assert_eq!(with(&|all| all[1] = all[0].clone()), Some(BlockError::Coinbase));
        assert_eq!(with(&|all| all.swap(1, 2)), Some(BlockError::Order));
        assert_eq!(with(&|all| all[2] = all[1].clone()), Some(BlockError::Order));
        assert_eq!(with(&|all| all[20] = vec![0; 10]), Some(BlockError::SmallTransaction));
        assert_eq!(with(&|all| all.truncate(20)), Some(BlockError::MerkleRoot));
    }

    #[test]
    fn counts_have_their_shortest_form() {
        assert_eq!(split_count(&[0xfc, 9]), Some((0xfc, [9].as_slice())));
        assert_eq!(split_count(&[0xfd, 0xfd, 0]), Some((0xfd, [].as_slice())));
        assert_eq!(split_count(&[0xfd, 0xfc, 0]), None);
        assert_eq!(split_count(&[0xfe, 0, 0, 1, 0]), Some((0x1_0000, [].as_slice())));
        assert_eq!(split_count(&[0xfe, 0xff, 0xff, 0, 0]), None);
        assert_eq!(split_count(&[0xfe, 0, 0, 1]), None);
        assert_eq!(split_count(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn a_changed_byte_is_refused_or_makes_another_block(at in 0_usize..5277, byte in 1_u8..) {
            let mut raw = block_187();
            let hash = Block::parse(&raw).unwrap().header().hash();
            raw[at] ^= byte;
            if let Ok(block) = Block::parse(&raw) {
                // Only the header may change, and then it is another block.
                proptest::prop_assert!(at < Header::LEN);
                proptest::prop_assert_ne!(block.header().hash(), hash);
            }
        }
    }
}
