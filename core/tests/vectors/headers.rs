use ltms_core::chain::{Header, Target};
use ltms_core::{BlockHash, BlockHeight, Network, Timestamp};
use serde_json::Value;

use crate::{Entry, Vectors, reversed};

fn bits(entry: &Value) -> u32 {
    u32::from_str_radix(entry.text("bits"), 16).unwrap()
}

fn header(entry: &Value) -> Header {
    let header = Header::parse(&entry.bytes("header_hex")).unwrap();
    assert_eq!(header.hash(), entry.parsed::<BlockHash>("block_hash_hex"), "{entry}");
    assert_eq!(u64::from(header.height().get()), entry.number("height"));
    header
}

fn check_fields(header: &Header, fields: &Value) {
    assert_eq!(header.prev(), fields.parsed::<BlockHash>("prev"));
    assert_eq!(header.epoch(), fields.parsed::<BlockHash>("epoch"));
    assert_eq!(header.bits(), bits(fields));
    assert_eq!(header.time(), Timestamp::from_millis(1000 * fields.number("time")));
    assert_eq!(header.height().get(), fields.number("height") as u32);
    assert_eq!(header.merkle_root(), reversed(fields.array("merkle")));
}

#[test]
fn fields_hashes_and_work_of_headers() {
    Vectors::load("chain.json").each("headers", |entry| {
        let header = header(entry);
        check_fields(&header, &entry["header"]);
        assert_eq!(header.target().unwrap().to_be_bytes(), entry.array("target_hex"));
        assert_eq!(header.meets_target(), entry["pow_ok"] == true);
    });
}

#[test]
fn targets_and_work_of_compact_bits() {
    Vectors::load("chain.json").each("compact_bits", |entry| {
        let target = Target::from_bits(bits(entry)).unwrap();
        assert_eq!(target.to_be_bytes(), entry.array("target_hex"), "{entry}");
        assert_eq!(target.work(), entry.parsed::<u128>("work"), "{entry}");
    });
}

#[test]
fn a_run_of_headers_is_linked() {
    let mut before: Option<Header> = None;
    Vectors::load("regtest/headers_110_133.json").each(".", |entry| {
        let header = header(entry);
        assert!(header.meets_target());
        if let Some(before) = before {
            assert_eq!(header.prev(), before.hash());
            assert_eq!(header.height().get(), before.height().get() + 1);
        }
        before = Some(header);
    });
}

#[test]
fn an_epoch_names_the_block_before_it() {
    let mut boundaries = 0;
    let mut before: Option<Header> = None;
    Vectors::load("regtest/epoch_headers.json").each(".", |entry| {
        let header = header(entry);
        check_fields(&header, &entry["parsed"]);
        match header.height().get() {
            0..5040 => assert_eq!(header.epoch(), BlockHash::from_bytes([0; 32])),
            height if height % 5040 == 0 => {
                assert_eq!(header.epoch(), header.prev());
                boundaries += 1;
            }
            height => {
                let before =
                    before.filter(|header| header.height() == BlockHeight::new(height - 1));
                if let Some(before) = before {
                    assert_eq!(header.epoch(), before.epoch());
                }
            }
        }
        before = Some(header);
    });
    assert!(boundaries > 0);
}

#[test]
fn checkpoints_have_the_least_work() {
    let vectors = Vectors::load("chain.json");
    let checkpoints = vectors.root["checkpoints_mainnet"].as_object().unwrap();
    assert_eq!(checkpoints.len(), 3);
    for (height, hash) in checkpoints {
        let hash: BlockHash = hash.as_str().unwrap().parse().unwrap();
        assert!(Target::limit(Network::Main).is_met_by(&hash), "{height}");
    }
    println!("chain.json checkpoints_mainnet: 3 checked");
}
