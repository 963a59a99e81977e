use proptest::{option, prelude::*};

use super::{ScriptErrorKind as Kind, *};
use crate::schnorr::SecretKey;
use std::{vec, vec::Vec};

fn key() -> PublicKey {
    SecretKey::from_bytes(&[3; 32]).unwrap().public_key()
}

fn push(data: &[u8]) -> Vec<u8> {
    [&[data.len() as u8], data].concat()
}

/// A registration without time, and `rest`.
fn with(rest: &[u8]) -> Vec<u8> {
    let head = b"\x6a\x04LTMS\x01\x01".as_slice();
    [head, &push(key().as_bytes()), rest].concat()
}

fn purpose(code: u8) -> Vec<u8> {
    push(&[&[code][..], &[0x1d; 32]].concat())
}

/// What is wrong, and whether the older SDK reads it.
fn refusal(script: &[u8]) -> (Kind, bool) {
    let error = BurnScript::parse(script).unwrap_err();
    (error.kind(), error.older_sdk_reads())
}

#[test]
fn a_registration_is_42_bytes() {
    let burn = BurnScript { public_key: key(), timestamp_ms: None, purpose: None };
    assert_eq!(burn.build().as_slice(), with(&[]));
    assert_eq!(burn.build().len(), 42);
    assert_eq!(BurnScript::parse(&burn.build()), Ok(burn));
}

#[test]
fn times_are_canonical_decimals() {
    let time = |digits: &[u8]| BurnScript::parse(&with(&push(digits))).map(|b| b.timestamp_ms);
    let kind = |digits: &[u8]| time(digits).map_err(|error| error.kind());
    assert_eq!(time(b"0"), Ok(Some(0)));
    assert_eq!(time(b"7"), Ok(Some(7)));
    assert_eq!(time(b"1795361000123"), Ok(Some(1_795_361_000_123)));
    assert_eq!(time(b"18446744073709551615"), Ok(Some(u64::MAX)));
    assert_eq!(kind(b"18446744073709551616"), Err(Kind::TimeOverflow));
    assert_eq!(kind(b"99999999999999999999"), Err(Kind::TimeOverflow));
    assert_eq!(kind(b"100000000000000000000"), Err(Kind::PushLength));
    for digits in
        [&b"00"[..], b"01", b"01795361000123", b"-1", b"+1", b" 1", b"1 ", b"1e3", b"\xb2"]
    {
        assert_eq!(kind(digits), Err(Kind::Time), "{digits:?}");
    }
    for ms in [0, u64::MAX] {
        let burn = BurnScript { public_key: key(), timestamp_ms: Some(ms), purpose: None };
        assert_eq!(BurnScript::parse(&burn.build()), Ok(burn));
    }
}

#[test]
fn purposes_name_an_identity() {
    let id = IdentityId::from_bytes([0x1d; 32]);
    for code in 1..=6 {
        let burn = BurnScript::parse(&with(&purpose(code))).unwrap();
        assert_eq!(burn.purpose, Some((Purpose::from_code(code).unwrap(), id)));
    }
    for code in [0, 7, 255] {
        assert_eq!(refusal(&with(&purpose(code))), (Kind::UnknownPurpose, true));
    }
    let both = [push(b"12"), purpose(1)].concat();
    assert_eq!(BurnScript::parse(&with(&both)).unwrap().timestamp_ms, Some(12));
}

#[test]
fn pushes_after_the_key_have_one_order_and_length() {
    let after = |rest: &[Vec<u8>]| refusal(&with(&rest.concat()));
    assert_eq!(after(&[purpose(1), push(b"12")]), (Kind::TrailingBytes, true));
    assert_eq!(after(&[push(b"12"), push(b"12")]), (Kind::TrailingBytes, true));
    assert_eq!(after(&[purpose(1), purpose(1)]), (Kind::TrailingBytes, true));
    assert_eq!(after(&[push(b"12"), purpose(1), vec![0x51]]), (Kind::TrailingBytes, true));
    for len in [21, 32, 34, 75] {
        assert_eq!(after(&[push(&vec![b'1'; len])]), (Kind::PushLength, true), "{len}");
    }
    let long = [vec![OP_PUSHDATA1, 76], vec![b'1'; 76]].concat();
    assert_eq!(after(&[long]), (Kind::PushLength, true));
}

#[test]
fn pushes_are_direct() {
    let key = key();
    let script = |parts: &[&[u8]]| refusal(&[&[OP_RETURN], parts.concat().as_slice()].concat());
    let (prefix, version) = (b"\x04LTMS".as_slice(), [1, 1].as_slice());
    let (one, two, four) = ([OP_PUSHDATA1, 33], [OP_PUSHDATA2, 33, 0], [OP_PUSHDATA4, 33, 0, 0, 0]);
    for header in [one.as_slice(), &two, &four] {
        let refused = script(&[prefix, version, header, key.as_bytes()]);
        assert_eq!(refused, (Kind::NonShortestPush, true));
    }
    let long_prefix = b"\x4c\x04LTMS".as_slice();
    let pushed_key = push(key.as_bytes());
    assert_eq!(script(&[long_prefix, version, &pushed_key]), (Kind::NonShortestPush, true));
    // OP_1 is the shortest form of the byte 1 in general, and not the form of this script.
    assert_eq!(script(&[prefix, &[0x51], &pushed_key]), (Kind::NotAPush, false));
    assert_eq!(script(&[prefix, version, &pushed_key, &[0x51]]), (Kind::NotAPush, true));
    assert_eq!(script(&[prefix, version, &pushed_key, &[0]]), (Kind::NotAPush, true));
    // OP_DUP: lotusd would not relay it, and the SDK would not read it.
    assert_eq!(script(&[prefix, version, &pushed_key, &[0x76]]), (Kind::NotAPush, false));
    assert_eq!(script(&[&prefix[..4], version, &pushed_key]).0, Kind::Prefix);
    assert_eq!(script(&[b"\x04LTMT", version, &pushed_key]), (Kind::Prefix, false));
    assert_eq!(script(&[prefix, &[1, 2], &pushed_key]), (Kind::Version, false));
    assert_eq!(script(&[prefix, &[2, 1, 0], &pushed_key]), (Kind::Version, false));
}

#[test]
fn the_key_is_one_push_of_a_point() {
    let head = b"\x6a\x04LTMS\x01\x01".as_slice();
    let refused = |key: &[u8]| refusal(&[head, key].concat());
    let key = key();
    let (first, last) = key.as_bytes().split_at(16);
    assert_eq!(refused(&[push(first), push(last)].concat()), (Kind::KeyLength, true));
    assert_eq!(refused(&push(&[key.as_bytes().as_slice(), &[9; 20]].concat())).0, Kind::KeyLength);
    assert_eq!(refused(&push(&key.as_bytes()[..32])), (Kind::KeyLength, false));
    let mut bytes = *key.as_bytes();
    bytes[0] = 4;
    assert_eq!(refused(&push(&bytes)), (Kind::KeyPrefix, false));
    let mut off = [0; 33];
    (off[0], off[32]) = (2, 5);
    assert_eq!(refused(&push(&off)), (Kind::KeyOffCurve, true));
}

#[test]
fn every_cut_is_refused() {
    let burn = BurnScript {
        public_key: key(),
        timestamp_ms: Some(1_795_361_000_123),
        purpose: Some((Purpose::TopUp, IdentityId::from_bytes([5; 32]))),
    };
    let script = burn.build();
    assert_eq!(BurnScript::parse(&script), Ok(burn));
    assert_eq!(refusal(&[]), (Kind::NotOpReturn, false));
    for len in 1..script.len() {
        // Without purpose, or without time and purpose, it is another burn.
        let whole = [42, 56].contains(&len);
        let error = BurnScript::parse(&script[..len]).err().map(|error| error.kind());
        assert_eq!(error, (!whole).then_some(Kind::Truncated), "{len}");
    }
    for byte in 0..=u8::MAX {
        let longer = [script.as_slice(), &[byte]].concat();
        assert_eq!(refusal(&longer).0, Kind::TrailingBytes);
    }
}

#[test]
fn the_chain_takes_223_bytes() {
    let fill =
        |len: usize| with(&[vec![OP_PUSHDATA1, (len - 44) as u8], vec![7; len - 44]].concat());
    assert_eq!(refusal(&fill(223)), (Kind::PushLength, true));
    assert_eq!(refusal(&fill(224)), (Kind::TooLong, false));
}

proptest! {
    #[test]
    fn what_is_built_is_read(
        secret in 1_u8..255,
        timestamp_ms in option::of(any::<u64>()),
        purpose in option::of((1_u8..=6, any::<[u8; 32]>())),
    ) {
        let burn = BurnScript {
            public_key: SecretKey::from_bytes(&[secret; 32]).unwrap().public_key(),
            timestamp_ms,
            purpose: purpose.map(|(code, id)| (Purpose::from_code(code).unwrap(), IdentityId::from_bytes(id))),
        };
        prop_assert_eq!(BurnScript::parse(&burn.build()), Ok(burn));
    }

    #[test]
    fn what_is_read_is_built_again(rest in prop::collection::vec(any::<u8>(), 0..60), cut in 0_usize..60) {
        for script in [with(&rest), with(&push(&rest)), rest.clone(), with(&rest)[..cut.min(42 + rest.len())].to_vec()] {
            match BurnScript::parse(&script) {
                Ok(burn) => prop_assert!(burn.build().as_slice() == script),
                Err(error) => prop_assert!(error.kind() != Kind::TooLong),
            }
        }
    }

    #[test]
    fn what_we_read_the_older_sdk_reads(time in option::of(any::<u64>()), code in option::of(1_u8..=6)) {
        let burn = BurnScript {
            public_key: key(),
            timestamp_ms: time,
            purpose: code.map(|code| (Purpose::from_code(code).unwrap(), IdentityId::from_bytes([5; 32]))),
        };
        prop_assert!(older_sdk_reads(&burn.build()));
    }
}
