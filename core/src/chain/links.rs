//! Headers reduced to what leads from one block to a later one.
//!
//! A block hash is `sha256(previous ‖ inner)` with `inner = sha256(h[32..52] ‖ sha256(h[52..160]))`.
//! Who knows the block before needs 32 bytes to go on to the next hash, or 52 where the difficulty
//! and the time must be seen, too.

use super::{Header, Target};
use crate::BlockHash;
use crate::hash::sha256;

/// The 32 bytes of a header that lead to its hash from that of the block before.
#[must_use]
pub fn link(header: &[u8; Header::LEN]) -> [u8; 32] {
    inner(&work_link(header))
}

/// The 52 bytes of a header that lead to its hash and show its work: difficulty, time, nonce and
/// the hash of the rest.
#[must_use]
pub fn work_link(header: &[u8; Header::LEN]) -> [u8; 52] {
    let (_previous, bytes) = header.split_at(32);
    let (mining, rest) = bytes.split_at(20);
    let mut link = [0; 52];
    let (start, end) = link.split_at_mut(20);
    start.copy_from_slice(mining);
    end.copy_from_slice(&sha256(&[rest]));
    link
}

fn inner(work_link: &[u8; 52]) -> [u8; 32] {
    sha256(&[work_link])
}

fn next(previous: &BlockHash, link: &[u8; 32]) -> BlockHash {
    BlockHash::from_bytes(sha256(&[previous.as_bytes(), link]))
}

/// The blocks after another one, each reduced, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links<'a> {
    /// As [`link`] makes them.
    Plain(&'a [[u8; 32]]),
    /// As [`work_link`] makes them.
    Work(&'a [[u8; 52]]),
}

impl Links<'_> {
    /// How many blocks.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Plain(links) => links.len(),
            Self::Work(links) => links.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash of the last block when the first follows `block`.
    #[must_use]
    pub fn follow(&self, block: BlockHash) -> BlockHash {
        match self {
            Self::Plain(links) => links.iter().fold(block, |block, link| next(&block, link)),
            Self::Work(links) => links.iter().fold(block, |block, link| next(&block, &inner(link))),
        }
    }

    /// How many hashes the blocks took, on average, when the first follows `block`; none where a
    /// block lacks the work that it claims, or does not show any. Stops at `u128::MAX`.
    pub(super) fn work(&self, block: BlockHash) -> Option<u128> {
        let links = match self {
            Self::Work(links) => *links,
            Self::Plain([]) => &[],
            Self::Plain(_) => return None,
        };
        let mut block = block;
        let mut sum = 0_u128;
        for link in links {
            let bits = link.first_chunk().map(|bits| u32::from_le_bytes(*bits))?;
            block = next(&block, &inner(link));
            sum = sum.saturating_add(work(bits, &block)?);
        }
        Some(sum)
    }
}

/// The work of a block with this difficulty and hash, if it has it.
pub(super) fn work(bits: u32, hash: &BlockHash) -> Option<u128> {
    let target = Target::from_bits(bits).ok()?;
    target.is_met_by(hash).then(|| target.work())
}
