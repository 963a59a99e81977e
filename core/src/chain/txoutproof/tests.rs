use std::{vec, vec::Vec};

use super::*;

/// A header over `root`; nothing else in it matters here.
fn header(root: &[u8; 32]) -> Vec<u8> {
    let mut bytes = [0; Header::LEN];
    bytes[52] = 1;
    bytes[96..128].copy_from_slice(root);
    bytes.to_vec()
}

fn leaf(index: usize) -> [u8; 32] {
    double_sha256(&[&index.to_le_bytes()])
}

/// A proof in parts, so that each can be made wrong.
#[derive(Clone)]
struct Parts {
    leaves: u32,
    hashes: Vec<[u8; 32]>,
    flags: Vec<bool>,
    root: [u8; 32],
}

impl Parts {
    /// The proof of the leaves in `flagged` in a tree of `leaves`, written recursively.
    fn of(leaves: usize, flagged: &[usize]) -> Self {
        let level: Vec<_> = (0..leaves).map(leaf).collect();
        let mut levels = vec![level];
        while levels.last().unwrap().len() > 1 {
            let below = levels.last().unwrap();
            let pair =
                |pair: &[[u8; 32]]| double_sha256(&[&pair[0], pair.get(1).unwrap_or(&ABSENT)]);
            levels.push(below.chunks(2).map(pair).collect());
        }
        let root = levels.last().unwrap()[0];
        let mut parts = Self { leaves: leaves as u32, hashes: vec![], flags: vec![], root };
        parts.descend(&levels, flagged, levels.len() - 1, 0);
        parts
    }

    fn descend(&mut self, levels: &[Vec<[u8; 32]>], flagged: &[usize], level: usize, at: usize) {
        let Some(node) = levels[level].get(at) else { return };
        let leads = flagged.iter().any(|leaf| leaf >> level == at);
        self.flags.push(leads);
        if level == 0 || !leads {
            self.hashes.push(*node);
        } else {
            self.descend(levels, flagged, level - 1, 2 * at);
            self.descend(levels, flagged, level - 1, 2 * at + 1);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut flags = vec![0; self.flags.len().div_ceil(8)];
        for (at, flag) in self.flags.iter().enumerate() {
            flags[at / 8] |= u8::from(*flag) << (at % 8);
        }
        let count = |len: usize| [0xfd, len as u8, (len >> 8) as u8][(len < 253).into()..].to_vec();
        let count = |len: usize| if len < 253 { vec![len as u8] } else { count(len) };
        [
            header(&self.root),
            self.leaves.to_le_bytes().to_vec(),
            count(self.hashes.len()),
            self.hashes.concat(),
            count(flags.len()),
            flags,
        ]
        .concat()
    }

    fn verify(&self, leaf: [u8; 32]) -> Result<u32, TxOutProofError> {
        TxOutProof::parse(&self.bytes())?.verify(&Txid::from_bytes(leaf))
    }
}

#[test]
fn each_transaction_of_small_blocks_is_found() {
    for transactions in 1..40 {
        for position in 0..transactions {
            let parts = Parts::of(2 * transactions, &[2 * position + 1]);
            assert_eq!(parts.verify(leaf(2 * position + 1)), Ok(position as u32));
            assert_eq!(parts.verify(leaf(2 * position)), Err(TxOutProofError::OtherTransaction));
        }
    }
}

#[test]
fn a_proof_of_several_transactions_proves_each() {
    let parts = Parts::of(22, &[3, 5, 21]);
    for (leaf_index, position) in [(3, 1), (5, 2), (21, 10)] {
        assert_eq!(parts.verify(leaf(leaf_index)), Ok(position));
    }
    assert_eq!(parts.verify(leaf(7)), Err(TxOutProofError::OtherTransaction));
    let all: Vec<_> = (0..300).map(|position| 2 * position + 1).collect();
    assert_eq!(Parts::of(600, &all).verify(leaf(599)), Ok(299));
}

#[test]
fn a_flagged_txhash_is_refused() {
    let parts = Parts::of(14, &[4]);
    assert_eq!(parts.verify(leaf(4)), Err(TxOutProofError::FlaggedTxhash));
}

#[test]
fn everything_must_be_used() {
    let parts = Parts::of(14, &[5]);
    let expect = |change: fn(&mut Parts), error| {
        let mut changed = parts.clone();
        change(&mut changed);
        assert_eq!(changed.verify(leaf(5)), Err(error));
    };
    expect(|parts| parts.hashes.push([1; 32]), TxOutProofError::UnusedHashes);
    expect(|parts| parts.hashes.truncate(3), TxOutProofError::TooFewHashes);
    expect(|parts| parts.flags.push(true), TxOutProofError::UnusedFlags);
    expect(|parts| parts.flags.extend([false; 8]), TxOutProofError::UnusedFlags);
    expect(|parts| parts.flags.clear(), TxOutProofError::TooFewFlags);
    expect(|parts| parts.root[0] ^= 1, TxOutProofError::Root);
    expect(|parts| parts.hashes[0][0] ^= 1, TxOutProofError::Root);
    expect(|parts| parts.leaves = 0, TxOutProofError::Leaves);
    expect(|parts| parts.leaves = 13, TxOutProofError::Leaves);
    expect(|parts| parts.leaves = MAX_LEAVES + 2, TxOutProofError::Leaves);
    expect(|parts| parts.leaves = MAX_LEAVES, TxOutProofError::TooFewHashes);
}

#[test]
fn equal_neighbours_are_refused() {
    let mut parts = Parts::of(4, &[3]);
    // The node beside the flagged pair, and that pair's own hash in its place.
    let node = double_sha256(&[&leaf(2), &leaf(3)]);
    parts.hashes[0] = node;
    parts.root = double_sha256(&[&node, &node]);
    assert_eq!(parts.verify(leaf(3)), Err(TxOutProofError::EqualSiblings));
}

#[test]
fn one_transaction_at_two_positions_is_refused() {
    let pair = |at: usize| double_sha256(&[&leaf(at), &leaf(9)]);
    let parts = Parts {
        leaves: 4,
        hashes: vec![leaf(0), leaf(9), leaf(1), leaf(9)],
        flags: vec![true, true, false, true, true, false, true],
        root: double_sha256(&[&pair(0), &pair(1)]),
    };
    assert_eq!(parts.verify(leaf(9)), Err(TxOutProofError::Repeated));
}

#[test]
fn the_form_is_checked() {
    let bytes = Parts::of(14, &[5]).bytes();
    let error = |bytes: &[u8]| TxOutProof::parse(bytes).err();
    assert_eq!(error(&bytes), None);
    for len in 0..bytes.len() {
        assert_eq!(error(&bytes[..len]), Some(TxOutProofError::Truncated), "{len}");
    }
    assert_eq!(error(&[&bytes, &[0][..]].concat()), Some(TxOutProofError::TrailingBytes));
    let with = |at: usize, count: &[u8]| error(&[&bytes[..at], count].concat());
    assert_eq!(with(164, &[0xfd, 5, 0]), Some(TxOutProofError::Count));
    assert_eq!(with(164, &[0xff; 9]), Some(TxOutProofError::Count));
    assert_eq!(with(164, &[0xfe, 0, 0, 0, 2]), Some(TxOutProofError::Truncated));
    let mut wrong = bytes;
    wrong[52] = 2;
    assert_eq!(error(&wrong), Some(TxOutProofError::Header(HeaderError::Version)));
}

proptest::proptest! {
    #[test]
    fn any_tail_can_be_read(leaves in 1_u32..50, hashes: Vec<[u8; 32]>, flags: Vec<bool>) {
        let parts = Parts { leaves: 2 * leaves, hashes, flags, root: [0; 32] };
        proptest::prop_assert!(parts.verify([0; 32]).is_err());
    }
}
