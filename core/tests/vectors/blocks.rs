use ltms_core::chain::merkle::{leaf, root, root_from_branch};
use ltms_core::chain::{Header, Transaction};
use ltms_core::{BlockHash, Txhash, Txid};
use serde_json::Value;

use crate::{Entry, Vectors, reversed};

fn leaf_of(tx: &Transaction<'_>) -> [u8; 32] {
    leaf(&tx.txhash(), &tx.txid())
}

fn branch(entry: &Value) -> Vec<[u8; 32]> {
    let siblings = entry["branch_internal_hex"].as_array().unwrap();
    siblings
        .iter()
        .map(|sibling| hex::decode(sibling.as_str().unwrap()).unwrap().try_into().unwrap())
        .collect()
}

/// The branch leads from this transaction, at this index, to this root, and from no other.
fn check_branch(tx: &Transaction<'_>, entry: &Value, expected: [u8; 32]) {
    let (index, branch) = (entry.number("index") as u32, branch(entry));
    let leaf = leaf_of(tx);
    assert_eq!(root_from_branch(&leaf, index, &branch), Ok(expected), "{entry}");

    let mut other = leaf;
    other[0] ^= 1;
    assert_ne!(root_from_branch(&other, index, &branch), Ok(expected));
    for level in 0..branch.len() {
        assert_ne!(root_from_branch(&leaf, index ^ (1 << level), &branch), Ok(expected));
        let mut tampered = branch.clone();
        tampered[level][31] ^= 1;
        assert_ne!(root_from_branch(&leaf, index, &tampered), Ok(expected));
    }
    let above = index + (1 << branch.len());
    assert!(root_from_branch(&leaf, above, &branch).is_err());
}

#[test]
fn roots_and_branches_of_blocks() {
    let mut checked = 0;
    Vectors::load("chain.json").each("blocks", |entry| {
        let block = entry.bytes("block_hex");
        let (header, body) = block.split_at(Header::LEN);
        let header = Header::parse(header).unwrap();
        assert_eq!(header.hash(), entry.parsed::<BlockHash>("block_hash_hex"));
        assert_eq!(header.merkle_root(), reversed(entry.array("merkle_root_hex")));

        // No metadata, then fewer than 253 transactions.
        let [0, count, transactions @ ..] = body else { panic!("no body in {entry}") };
        assert_eq!(u64::from(*count), entry.number("n_tx"));
        let mut rest = transactions;
        let mut txs = Vec::new();
        for _ in 0..*count {
            let (tx, after) = Transaction::split_first(rest).unwrap();
            txs.push(tx);
            rest = after;
        }
        assert!(rest.is_empty());
        assert_eq!(root(txs.iter().map(leaf_of)).hash, header.merkle_root());

        let listed = entry["txs"].as_array().unwrap();
        assert_eq!(listed.len(), txs.len());
        for (index, (tx, listed)) in txs.iter().zip(listed).enumerate() {
            assert_eq!(listed.number("index"), index as u64);
            assert_eq!(tx.txid(), listed.parsed::<Txid>("txid_hex"));
            assert_eq!(tx.txhash(), listed.parsed::<Txhash>("txhash_hex"));
            assert_eq!(leaf_of(tx), listed.array("leaf_internal_hex"));
            assert_eq!(tx.is_coinbase(), index == 0);
            check_branch(tx, listed, header.merkle_root());
            checked += 1;
        }
    });
    println!("transactions in blocks: {checked} checked");
}

#[test]
fn branches_from_transactions_to_headers() {
    Vectors::load("chain.json").each("merkle_branches", |entry| {
        let raw = entry.bytes("raw_tx_hex");
        let tx = Transaction::parse(&raw).unwrap();
        assert_eq!(tx.txid(), entry.parsed::<Txid>("txid_hex"));
        assert_eq!(tx.txhash(), entry.parsed::<Txhash>("txhash_hex"));
        let header = Header::parse(&entry.bytes("header_hex")).unwrap();
        assert_eq!(header.hash(), entry.parsed::<BlockHash>("block_hash_hex"));
        assert_eq!(u64::from(header.height().get()), entry.number("height"));
        check_branch(&tx, entry, header.merkle_root());
    });
}
