use ltms_core::chain::{
    Anchor, Header, InclusionProof, Links, ProofError, Transaction, link, work_link,
};
use ltms_core::{BlockHash, BlockHeight, EvidenceClass, OutPoint, Txid};
use serde_json::Value;

use crate::{Entry, Vectors, read};

/// The output and the anchor that a proof is to be checked with.
fn question(entry: &Value) -> (OutPoint, Option<Anchor>) {
    let outpoint = OutPoint { txid: entry.parsed("txid"), vout: entry.number("vout") as u32 };
    let anchor = &entry["anchor"];
    let anchor = anchor.is_object().then(|| Anchor {
        hash: anchor.parsed("hash"),
        height: BlockHeight::new(anchor.number("height") as u32),
    });
    (outpoint, anchor)
}

fn error(bytes: &[u8], outpoint: &OutPoint, anchor: Option<&Anchor>) -> Option<ProofError> {
    let proof = match InclusionProof::parse(bytes) {
        Ok(proof) => proof,
        Err(error) => return Some(error),
    };
    match anchor {
        Some(anchor) => proof.verify(outpoint, anchor).err(),
        None => proof.weigh(outpoint).err(),
    }
}

#[test]
fn valid_proofs_prove_what_the_oracle_says() {
    let mut flipped = 0;
    Vectors::load("inclusion.json").each("valid", |entry| {
        let bytes = entry.bytes("proof");
        let (outpoint, anchor) = question(entry);
        let proof = InclusionProof::parse(&bytes).unwrap();
        let proved = match &anchor {
            Some(anchor) => {
                let proved = proof.verify(&outpoint, anchor).unwrap();
                assert_eq!(
                    (entry.text("class"), proved.class),
                    ("anchored", EvidenceClass::Anchored)
                );
                proved
            }
            None => {
                let (proved, work) = proof.weigh(&outpoint).unwrap();
                assert_eq!((entry.text("class"), proved.class), ("weak", EvidenceClass::Weak));
                assert_eq!(work, entry.parsed::<u128>("work"));
                proved
            }
        };
        assert_eq!(proved.txid, outpoint.txid);
        assert_eq!(u64::from(proved.position), entry.number("position"));
        assert_eq!(u64::from(proved.depth), entry.number("depth"));
        assert_eq!(u64::from(proved.header.height().get()), entry.number("height"));
        assert_eq!(proved.header.hash(), entry.parsed::<BlockHash>("block_hash"));
        assert_eq!(proved.output.value.sats(), entry.number("value_sats"));
        assert_eq!(proved.output.script, entry.bytes("script"));

        let mut written = vec![0; bytes.len()];
        assert_eq!(proof.encode(&mut written), Ok(bytes.len()));
        assert_eq!(written, bytes);
        assert!(proof.encode(&mut written[1..]).is_err());

        // Regtest's work is so little that a changed nonce may have it, too.
        let mainnet = proved.header.height().get() > 10_000;
        if anchor.is_some() || mainnet {
            for at in 0..bytes.len() {
                for change in [1, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    assert!(error(&changed, &outpoint, anchor.as_ref()).is_some(), "byte {at}");
                }
                flipped += 1;
            }
        }
    });
    println!("bytes changed three times each: {flipped}");
}

#[test]
fn invalid_proofs_fail_for_the_reason_that_the_oracle_names() {
    Vectors::load("inclusion.json").each("invalid", |entry| {
        let (outpoint, anchor) = question(entry);
        let found = error(&entry.bytes("proof"), &outpoint, anchor.as_ref());
        let found = found.map(|error| format!("{error:?}"));
        assert_eq!(found.as_deref(), Some(entry.text("error")), "{}", entry.text("name"));
    });
}

#[test]
fn each_changed_byte_fails_for_the_reason_that_the_oracle_names() {
    Vectors::load("inclusion.json").each("flipped", |entry| {
        let bytes = entry.bytes("proof");
        let (outpoint, anchor) = question(entry);
        let errors = entry["errors"].as_array().unwrap();
        assert_eq!(errors.len(), bytes.len());
        for (at, expected) in errors.iter().enumerate() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let found = error(&changed, &outpoint, anchor.as_ref()).unwrap();
            assert_eq!(format!("{found:?}"), expected.as_str().unwrap(), "byte {at}");
        }
    });
}

/// The first regtest burn and the headers from its block on, as lotusd gave them.
struct Recorded {
    raw_tx: Vec<u8>,
    txid: Txid,
    position: u32,
    branch: Vec<[u8; 32]>,
    headers: Vec<[u8; Header::LEN]>,
}

fn recorded() -> Recorded {
    let chain = Vectors::load("chain.json").root;
    let burn = &chain["ltms_burns"][0];
    let branches = chain["merkle_branches"].as_array().unwrap();
    let found = branches.iter().find(|entry| entry["txid_hex"] == burn["txid_hex"]).unwrap();
    let siblings = found["branch_internal_hex"].as_array().unwrap();
    let sibling = |text: &Value| hex::decode(text.as_str().unwrap()).unwrap().try_into().unwrap();
    let headers: Vec<Value> =
        serde_json::from_slice(&read("regtest/headers_110_133.json")).unwrap();
    let above = headers.iter().filter(|header| header.number("height") >= found.number("height"));
    Recorded {
        raw_tx: burn.bytes("raw_tx_hex"),
        txid: burn.parsed("txid_hex"),
        position: found.number("index") as u32,
        branch: siblings.iter().map(sibling).collect(),
        headers: above.map(|header| header.array("header_hex")).collect(),
    }
}

impl Recorded {
    /// Proved up to a block `above` the burn's, with plain links and with links that show work.
    fn lengths(&self, above: usize) -> (usize, usize) {
        let (own, after) = self.headers[..=above].split_first().unwrap();
        let hash = Header::parse(&self.headers[above]).unwrap();
        let anchor = Anchor { hash: hash.hash(), height: hash.height() };
        let outpoint = OutPoint { txid: self.txid, vout: 0 };
        let plain: Vec<_> = after.iter().map(link).collect();
        let work: Vec<_> = after.iter().map(work_link).collect();
        let lengths = [Links::Plain(&plain), Links::Work(&work)].map(|links| {
            let proof =
                InclusionProof::new(&self.raw_tx, self.position, &self.branch, own, links).unwrap();
            let mut bytes = vec![0; proof.encoded_len()];
            assert_eq!(proof.encode(&mut bytes), Ok(bytes.len()));
            let proof = InclusionProof::parse(&bytes).unwrap();
            assert_eq!(proof.verify(&outpoint, &anchor).unwrap().depth as usize, above);
            bytes.len()
        });
        lengths.into()
    }
}

/// A registration of one input and a change output, in a block of as many transactions as a branch
/// of three levels has room for. Each further level would be 32 bytes more.
#[test]
fn a_proof_is_small() {
    let recorded = recorded();
    assert_eq!(recorded.raw_tx.len(), 250);
    let (mut plain_before, mut work_before) = (0, 0);
    for above in 0..recorded.headers.len() {
        let (plain, work) = recorded.lengths(above);
        if above <= 6 {
            assert!(plain <= 1500 && work <= 1500, "{plain} and {work} bytes");
        }
        if above > 0 {
            assert!(plain - plain_before <= 64 && work - work_before <= 64);
        }
        println!("{above} above: {plain} bytes, {work} with work");
        (plain_before, work_before) = (plain, work);
    }
    assert_eq!(recorded.headers.len(), 13);
}

#[test]
fn a_proof_is_made_of_parts_that_are_right() {
    let recorded = recorded();
    let header = &recorded.headers[0];
    let new = |raw_tx: &[u8], branch: &[[u8; 32]], header: &[u8; Header::LEN]| {
        InclusionProof::new(raw_tx, 5, branch, header, Links::Plain(&[])).err()
    };
    assert_eq!(new(&recorded.raw_tx, &recorded.branch, header), None);
    let trailing = [recorded.raw_tx.as_slice(), &[0]].concat();
    let tx = Transaction::parse(&trailing).err().map(ProofError::Tx);
    assert_eq!(new(&trailing, &recorded.branch, header), tx);
    assert!(matches!(new(&recorded.raw_tx, &[[1; 32]; 33], header), Some(ProofError::Branch(_))));
    let mut wrong = *header;
    wrong[52] = 0;
    assert!(matches!(new(&recorded.raw_tx, &[], &wrong), Some(ProofError::Header(_))));
}

#[test]
fn a_transaction_in_a_block_is_at_most_1_000_000_bytes() {
    let recorded = recorded();
    let verify = |size: usize| {
        // One input without a script, one output whose script fills the rest.
        let mut raw = [&recorded.raw_tx[..41], &[0], &[0xff; 4], &[1], &[0; 8], &[0xfe]].concat();
        let script = size - raw.len() - 8;
        raw.extend((script as u32).to_le_bytes());
        raw.resize(size, 0);
        let outpoint = OutPoint { txid: Transaction::parse(&raw).unwrap().txid(), vout: 0 };
        let anchor = Anchor { hash: BlockHash::from_bytes([0; 32]), height: BlockHeight::new(121) };
        let links = Links::Plain(&[]);
        let header = &recorded.headers[0];
        let proof = InclusionProof::new(&raw, 5, &recorded.branch, header, links).unwrap();
        proof.verify(&outpoint, &anchor).err()
    };
    assert_eq!(verify(1_000_000), Some(ProofError::Root));
    assert_eq!(verify(1_000_001), Some(ProofError::TxSize));
}

proptest::proptest! {
    #[test]
    fn any_bytes_can_be_read_as_a_proof(
        form in 0_u8..4,
        depth in 0_u8..4,
        mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
    ) {
        if let [first, _, _, _, _, count, ..] = bytes.as_mut_slice() {
            (*first, *count) = (form, depth);
        }
        let txid = Txid::from_bytes([1; 32]);
        let outpoint = OutPoint { txid, vout: 0 };
        proptest::prop_assert!(error(&bytes, &outpoint, None).is_some());
    }
}
