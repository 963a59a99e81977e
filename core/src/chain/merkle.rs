//! Merkle trees, of the transactions in a block and of the inputs and outputs in a transaction.
//!
//! Unlike in Bitcoin a missing right neighbour is 32 zero bytes, not a copy of the left one
//! (lotusd, `consensus/merkle.cpp`).

use core::fmt;

use crate::hash::double_sha256;
use crate::{Txhash, Txid};

/// The longest branch, and the most levels that are folded.
pub(super) const MAX_DEPTH: usize = 32;
/// What stands where a level has no right neighbour.
pub(super) const ABSENT: [u8; 32] = [0; 32];

/// The root of a tree and how high it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// The hash at the top; 32 zero bytes for no leaves.
    pub hash: [u8; 32],
    /// Levels with the leaves': 0 for no leaves, 1 for one leaf, 2 for two, 3 for three or four.
    pub layers: u8,
}

/// The leaf of a transaction in its block. Both hashes must come from the raw transaction, never
/// from whoever brings the proof: leaves and inner nodes are hashed alike.
#[must_use]
pub fn leaf(txhash: &Txhash, txid: &Txid) -> [u8; 32] {
    double_sha256(&[txhash.as_bytes(), txid.as_bytes()])
}

/// The root over `leaves`, in memory for one node a level.
///
/// No more than 2^32 − 1 leaves are read; a block of 32,000,000 bytes has far fewer.
#[must_use]
pub fn root(leaves: impl IntoIterator<Item = [u8; 32]>) -> Root {
    // A slot holds the root of the last complete subtree of its height, if the bit of `count`
    // says that there is one.
    let mut slots = [ABSENT; MAX_DEPTH];
    let mut count: u32 = 0;
    for leaf in leaves.into_iter().take(u32::MAX as usize) {
        let complete = count.trailing_ones() as usize;
        let lower = slots.iter().take(complete);
        let node = lower.fold(leaf, |right, left| double_sha256(&[left, &right]));
        if let Some(slot) = slots.get_mut(complete) {
            *slot = node;
        }
        count = count.saturating_add(1);
    }
    let Some(last) = count.checked_sub(1) else { return Root { hash: ABSENT, layers: 0 } };
    let height = last.checked_ilog2().map_or(0, |log| log.saturating_add(1)) as usize;
    // From the leaves up: the last node of the level, where its subtree is not complete.
    let mut partial = None;
    for (level, subtree) in slots.iter().enumerate().take(height) {
        let complete = count.checked_shr(level as u32).is_some_and(|nodes| nodes & 1 == 1);
        partial = match (complete, partial) {
            (true, None) => Some(double_sha256(&[subtree, &ABSENT])),
            (true, Some(right)) => Some(double_sha256(&[subtree, &right])),
            (false, Some(left)) => Some(double_sha256(&[&left, &ABSENT])),
            (false, None) => None,
        };
    }
    let hash = partial.or_else(|| slots.get(height).copied()).unwrap_or(ABSENT);
    Root { hash, layers: (height as u8).saturating_add(1) }
}

/// Why a branch proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BranchError {
    /// More than 32 siblings.
    TooDeep,
    /// No leaf of a tree of this depth has this index.
    Index,
    /// A left sibling of 32 zero bytes: only right ones may be missing.
    MissingLeft,
}

impl fmt::Display for BranchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooDeep => "the branch is deeper than 32 levels",
            Self::Index => "the index is outside of a tree of this depth",
            Self::MissingLeft => "a left sibling is missing",
        })
    }
}

impl core::error::Error for BranchError {}

/// The root to which `branch`, the siblings from the leaves up, leads from the leaf at `index`.
///
/// # Errors
/// [`BranchError`] where no tree has such a branch.
pub fn root_from_branch(
    leaf: &[u8; 32],
    index: u32,
    branch: &[[u8; 32]],
) -> Result<[u8; 32], BranchError> {
    if branch.len() > MAX_DEPTH {
        return Err(BranchError::TooDeep);
    }
    // At a depth of 32 every index fits, and the shift says so.
    if index.checked_shr(branch.len() as u32).is_some_and(|outside| outside != 0) {
        return Err(BranchError::Index);
    }
    let mut node = *leaf;
    for (level, sibling) in branch.iter().enumerate() {
        let is_right = index.checked_shr(level as u32).is_some_and(|rest| rest & 1 == 1);
        node = match (is_right, *sibling == ABSENT) {
            (true, true) => return Err(BranchError::MissingLeft),
            (true, false) => double_sha256(&[sibling, &node]),
            (false, _) => double_sha256(&[&node, sibling]),
        };
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, sample::Index};
    use std::{vec, vec::Vec};

    /// Level by level, as lotusd does it.
    fn plain_root(mut level: Vec<[u8; 32]>) -> Root {
        let mut layers = u8::from(!level.is_empty());
        while level.len() > 1 {
            layers += 1;
            if level.len() % 2 == 1 {
                level.push(ABSENT);
            }
            level = level.chunks(2).map(|pair| double_sha256(&[&pair[0], &pair[1]])).collect();
        }
        Root { hash: level.first().copied().unwrap_or(ABSENT), layers }
    }

    fn leaves(count: u32) -> Vec<[u8; 32]> {
        (0..count).map(|i| double_sha256(&[&i.to_le_bytes()])).collect()
    }

    #[test]
    fn streaming_gives_the_same_root_as_level_by_level() {
        for count in 0..140 {
            assert_eq!(root(leaves(count)), plain_root(leaves(count)), "{count} leaves");
        }
    }

    #[test]
    fn one_leaf_is_its_own_root() {
        assert_eq!(root([[5; 32]]), Root { hash: [5; 32], layers: 1 });
        assert_eq!(root_from_branch(&[5; 32], 0, &[]), Ok([5; 32]));
    }

    #[test]
    fn a_branch_has_a_possible_index_and_depth() {
        let sibling = [1; 32];
        assert!(root_from_branch(&[5; 32], 1, &[sibling]).is_ok());
        assert_eq!(root_from_branch(&[5; 32], 2, &[sibling]), Err(BranchError::Index));
        assert_eq!(root_from_branch(&[5; 32], 1, &[]), Err(BranchError::Index));
        assert!(root_from_branch(&[5; 32], u32::MAX, &vec![sibling; 32]).is_ok());
        assert_eq!(root_from_branch(&[5; 32], 0, &vec![sibling; 33]), Err(BranchError::TooDeep));
    }

    #[test]
    fn only_right_siblings_may_be_missing() {
        assert!(root_from_branch(&[5; 32], 0, &[ABSENT]).is_ok());
        assert_eq!(root_from_branch(&[5; 32], 1, &[ABSENT]), Err(BranchError::MissingLeft));
    }

    /// The siblings of the leaf at `index`, from the leaves up.
    fn branch(mut level: Vec<[u8; 32]>, mut index: usize) -> Vec<[u8; 32]> {
        let mut branch = Vec::new();
        while level.len() > 1 {
            if level.len() % 2 == 1 {
                level.push(ABSENT);
            }
            branch.push(level[index ^ 1]);
            index /= 2;
            level = level.chunks(2).map(|pair| double_sha256(&[&pair[0], &pair[1]])).collect();
        }
        branch
    }

    proptest::proptest! {
        #[test]
        fn a_branch_leads_to_the_root_and_a_changed_one_does_not(
            (count, index) in (1..200_u32).prop_flat_map(|count| (Just(count), 0..count)),
            (at, byte, flip) in (any::<Index>(), 0..32_usize, 1..=u8::MAX),
            other in any::<u32>(),
        ) {
            let all = leaves(count);
            let leaf = all[index as usize];
            let root = Ok(plain_root(all.clone()).hash);
            let branch = branch(all, index as usize);
            prop_assert_eq!(root_from_branch(&leaf, index, &branch), root);
            let mut changed = leaf;
            changed[byte] ^= flip;
            prop_assert_ne!(root_from_branch(&changed, index, &branch), root);
            if !branch.is_empty() {
                let mut changed = branch.clone();
                changed[at.index(branch.len())][byte] ^= flip;
                prop_assert_ne!(root_from_branch(&leaf, index, &changed), root);
                prop_assert_ne!(root_from_branch(&leaf, index, &branch[1..]), root);
            }
            if other != index {
                prop_assert_ne!(root_from_branch(&leaf, other, &branch), root);
            }
        }
    }
}
