//! Transactions, blocks, proofs and burn scripts.

use ltms_core::burn::BurnScript;
use ltms_core::chain::{
    Anchor, Header, InclusionProof, Input, Output, Transaction, TxError, TxOutProof, merkle,
};
use ltms_core::hash::sha256;
use ltms_core::schnorr::VerifyingKey;
use ltms_core::{BlockHeight, EvidenceClass, OutPoint};

/// A transaction as lotusd writes it.
fn written(tx: &Transaction<'_>) -> Vec<u8> {
    fn size(out: &mut Vec<u8>, size: usize) {
        let size = u32::try_from(size).expect("sizes are limited");
        match (u8::try_from(size), u16::try_from(size)) {
            (Ok(byte @ 0..0xFD), _) => out.push(byte),
            (_, Ok(short)) => out.extend([&[0xFD][..], &short.to_le_bytes()].concat()),
            _ => out.extend([&[0xFE][..], &size.to_le_bytes()].concat()),
        }
    }
    let mut out = tx.version().to_le_bytes().to_vec();
    size(&mut out, tx.inputs().len());
    for Input { previous, script, sequence } in tx.inputs() {
        out.extend(previous.txid.as_bytes());
        out.extend(previous.vout.to_le_bytes());
        size(&mut out, script.len());
        out.extend(script);
        out.extend(sequence.to_le_bytes());
    }
    size(&mut out, tx.outputs().len());
    for Output { value, script } in tx.outputs() {
        out.extend(value.sats().to_le_bytes());
        size(&mut out, script.len());
        out.extend(script);
    }
    out.extend(tx.lock_time().to_le_bytes());
    out
}

/// What is parsed is the only encoding of what it says; the id does not cover input scripts.
pub(crate) fn transaction(bytes: &[u8]) {
    let split = Transaction::split_first(bytes);
    let parsed = Transaction::parse(bytes);
    let (tx, rest) = match split {
        Ok(split) => split,
        Err(error) => return assert_eq!(parsed.err(), Some(error)),
    };
    assert_eq!(parsed.err(), (!rest.is_empty()).then_some(TxError::TrailingBytes));
    assert_eq!([tx.as_bytes(), rest].concat(), bytes);
    assert_eq!(written(&tx), tx.as_bytes());
    assert_eq!(
        (tx.inputs().count(), tx.outputs().count()),
        (tx.inputs().len(), tx.outputs().len())
    );
    for (vout, output) in (0..).zip(tx.outputs()) {
        assert_eq!(tx.output(vout), Some(output));
    }
    // The last byte of the first input script, if there is one.
    if let Some(first) = tx.inputs().next().filter(|first| !first.script.is_empty()) {
        let prefix = if tx.inputs().len() < 0xFD { 1 } else { 3 };
        let len = first.script.len();
        let size = if len < 0xFD {
            1
        } else if len < 0x1_0000 {
            3
        } else {
            5
        };
        let mut signed = tx.as_bytes().to_vec();
        if let Some(byte) = signed.get_mut(4 + prefix + 36 + size + len - 1) {
            *byte ^= 1;
        }
        if let Ok(other) = Transaction::parse(&signed)
            && tx.inputs().len() < 0x1_0000
        {
            assert_eq!((other.txid(), other.txhash() == tx.txhash()), (tx.txid(), false));
        }
    }
}

/// A header says the same whenever it is read, and its work follows from its bits.
pub(crate) fn header(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else { return };
    assert_eq!(bytes.len(), Header::LEN);
    assert_eq!(bytes.get(60..64), Some(&header.height().get().to_le_bytes()[..]));
    assert_eq!(bytes.get(96..128), Some(&header.merkle_root()[..]));
    if let Ok(target) = header.target() {
        assert_eq!(header.meets_target(), target.is_met_by(&header.hash()));
        assert!(target.work() > 0);
    } else {
        assert!(!header.meets_target(), "no target, and met");
    }
}

/// A proof is one encoding, proves only its own output, and only under the anchor it leads to.
pub(crate) fn inclusion_proof(bytes: &[u8]) {
    let Ok(proof) = InclusionProof::parse(bytes) else { return };
    assert_eq!(proof.encoded_len(), bytes.len());
    let mut out = vec![0; bytes.len()];
    assert_eq!(proof.encode(&mut out), Ok(bytes.len()));
    assert_eq!(out, bytes, "another encoding of the same");
    assert!(proof.encode(&mut out[1..]).is_err());

    let tx = proof.transaction();
    let outpoint = OutPoint { txid: tx.txid(), vout: 0 };
    let beyond = u32::try_from(tx.outputs().len()).expect("outputs are limited");
    let Ok((proved, work)) = proof.weigh(&outpoint) else { return };
    assert!(work > 0 && proved.class == EvidenceClass::Weak);
    assert_eq!(Some(proved.output), tx.output(0));
    assert!(proof.weigh(&OutPoint { vout: beyond, ..outpoint }).is_err());
    let leaf = merkle::leaf(&tx.txhash(), &tx.txid());
    let root = merkle::root_from_branch(&leaf, proved.position, proof.branch());
    assert_eq!(root, Ok(proved.header.merkle_root()));
    assert!(proved.position > 0, "the coinbase is no burn");
    let other = Anchor {
        hash: outpoint.txid.to_string().parse().expect("32 bytes"),
        height: BlockHeight::new(1),
    };
    assert!(proof.verify(&outpoint, &other).is_err(), "an anchor that nothing leads to");
}

/// What a `gettxoutproof` proves, its own root confirms.
pub(crate) fn txoutproof(bytes: &[u8]) {
    let Ok(proof) = TxOutProof::parse(bytes) else { return };
    assert_eq!(bytes.get(..Header::LEN).map(Header::parse), Some(Ok(*proof.header())));
    // Whatever is asked for is one of its hashes; ask for all that stand there, and for one not.
    for candidate in bytes.get(Header::LEN..).unwrap_or_default().windows(32).step_by(32) {
        let txid = ltms_core::Txid::from_bytes(candidate.try_into().expect("32 bytes"));
        let _ = proof.verify(&txid);
    }
    assert!(proof.verify(&ltms_core::Txid::from_bytes(sha256(&[bytes]))).is_err());
}

/// One burn has one script, and the older SDK reads what we do.
pub(crate) fn burn_script(bytes: &[u8]) {
    match BurnScript::parse(bytes) {
        Ok(burn) => {
            assert_eq!(burn.build().as_slice(), bytes, "another script of the same burn");
            assert!(bytes.len() <= BurnScript::MAX_LEN);
            assert!(VerifyingKey::parse(&burn.public_key).is_ok());
        }
        Err(error) => {
            let _ = (error.kind(), error.older_sdk_reads(), error.to_string());
        }
    }
}
