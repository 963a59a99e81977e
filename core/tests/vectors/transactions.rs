use ltms_core::chain::{Transaction, TxError};
use ltms_core::{Txhash, Txid};

use crate::{Entry, Vectors};

#[test]
fn ids_of_transactions() {
    Vectors::load("chain.json").each("transactions", |entry| {
        let raw = entry.bytes("raw_tx_hex");
        let tx = Transaction::parse(&raw).unwrap();
        assert_eq!(tx.txid(), entry.parsed::<Txid>("txid_hex"), "{entry}");
        assert_eq!(tx.txhash(), entry.parsed::<Txhash>("txhash_hex"), "{entry}");
        assert_eq!(tx.inputs().count() as u64, entry.number("n_in"));
        assert_eq!(tx.outputs().count() as u64, entry.number("n_out"));
        assert_eq!(tx.len() as u64, entry.number("size"));
    });
}

#[test]
fn every_cut_of_a_real_transaction_is_noticed() {
    let mut cuts = 0;
    Vectors::load("chain.json").each("ltms_burns", |entry| {
        let raw = entry.bytes("raw_tx_hex");
        for len in 0..raw.len() {
            assert_eq!(Transaction::parse(&raw[..len]).err(), Some(TxError::Truncated), "{len}");
            cuts += 1;
        }
        let longer = [raw.as_slice(), &[0]].concat();
        assert_eq!(Transaction::parse(&longer).err(), Some(TxError::TrailingBytes));
    });
    println!("cuts: {cuts} checked");
}
