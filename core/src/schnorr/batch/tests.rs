use std::{vec, vec::Vec};

use super::*;
use crate::schnorr::SecretKey;

const SEED: [u8; 32] = [3; 32];

fn key(number: usize) -> SecretKey {
    SecretKey::from_bytes(&sha256(&[b"batch test", &number.to_le_bytes()])).unwrap()
}

fn item(number: usize) -> Item {
    signed(&key(number), sha256(&[&number.to_le_bytes()]))
}

fn signed(key: &SecretKey, hash: [u8; 32]) -> Item {
    let signature = key.sign(&hash);
    Item { key: VerifyingKey::parse(&key.public_key()).unwrap(), hash, signature }
}

/// Wrong in one of the ways there are.
fn broken(item: Item, way: usize) -> Item {
    let mut signature = *item.signature.as_bytes();
    let mut item = item;
    match way % 6 {
        0 => item.hash[0] ^= 1,
        1 => signature[63] ^= 1,
        2 => signature[31] ^= 1,
        3 => item.key = super::tests::item(999).key,
        // Not below the prime, and not below the order.
        4 => signature[..32].fill(0xff),
        _ => signature[32..].fill(0xff),
    }
    item.signature = Signature::from_bytes(signature);
    item
}

fn check(items: &[Item], scratch: usize) -> Vec<bool> {
    let mut results = vec![true; items.len()];
    let all = verify_batch(items, &SEED, &mut vec![Scratch::ZERO; scratch], &mut results);
    assert_eq!(all, results.iter().all(|result| *result));
    results
}

fn singly(items: &[Item]) -> Vec<bool> {
    items.iter().map(Item::holds).collect()
}

#[test]
fn valid_signatures_hold_in_batches_of_any_size() {
    let items: Vec<_> = (0..130).map(item).collect();
    for size in (0..40).chain([63, 64, 65, 129, 130]) {
        for scratch in [0, 1, 5, 8, 64, size] {
            assert_eq!(check(&items[..size], scratch), vec![true; size], "{size} in {scratch}");
        }
    }
}

#[test]
fn the_largest_batch_is_summed() {
    let mut items: Vec<_> = (0..MOST + 6).map(item).collect();
    items[MOST - 1] = broken(items[MOST - 1], 1);
    let expected: Vec<_> = (0..items.len()).map(|index| index != MOST - 1).collect();
    assert_eq!(check(&items, 2 * MOST), expected);
}

#[test]
fn one_broken_signature_is_found_wherever_it_is() {
    let items: Vec<_> = (0..64).map(item).collect();
    for at in 0..64 {
        let mut items = items.clone();
        items[at] = broken(items[at], at);
        let expected: Vec<_> = (0..64).map(|index| index != at).collect();
        assert_eq!(check(&items, 64), expected);
    }
}

#[test]
fn a_batch_that_is_all_broken_is_all_refused() {
    for way in 0..6 {
        let items: Vec<_> = (0..64).map(|number| broken(item(number), way)).collect();
        assert_eq!(check(&items, 64), vec![false; 64], "{way}");
    }
}

/// Equal points meet in every bucket, so that they must be doubled, then doubled again.
#[test]
fn the_same_signature_may_come_many_times() {
    assert_eq!(check(&[item(1); 64], 64), vec![true; 64]);
    let mut items = [item(1); 64];
    items[40] = broken(items[40], 0);
    assert_eq!(check(&items, 64), singly(&items));
    let one_key: Vec<_> = (0..64).map(|number| signed(&key(0), [number; 32])).collect();
    assert_eq!(check(&one_key, 64), vec![true; 64]);
}

/// A key and its negative, and a key that is R of another signature: sums become zero on the way.
#[test]
fn points_that_cancel_are_summed() {
    let mut items: Vec<_> = (0..16).map(item).collect();
    for number in 0..8 {
        let mut negative = *items[number].key.to_public_key().as_bytes();
        negative[0] ^= 1;
        let negative = VerifyingKey::parse(&crate::PublicKey::from_bytes(negative)).unwrap();
        items.push(Item { key: negative, ..items[number] });
    }
    assert_eq!(check(&items, 64), singly(&items));
    assert_eq!(singly(&items)[16..], [false; 8]);

    // Two faults that would cancel if all had the same weight.
    let mut items: Vec<_> = (0..8).map(item).collect();
    let shift = |item: &mut Item, by: Scalar| {
        let (r, s) = item.signature.split();
        let s = super::super::scalar(s).unwrap().add(&by);
        let bytes = [r.as_slice(), &s.to_bytes()].concat();
        item.signature = Signature::from_bytes(bytes.try_into().unwrap());
    };
    shift(&mut items[2], Scalar::ONE);
    shift(&mut items[5], Scalar::ONE.negate());
    let expected: Vec<_> = (0..8).map(|at| ![2, 5].contains(&at)).collect();
    assert_eq!(check(&items, 8), expected);
}

#[test]
fn items_and_results_need_not_be_as_many() {
    let items: Vec<_> = (0..10).map(item).collect();
    let mut scratch = vec![Scratch::ZERO; 10];
    let mut few = [false; 9];
    assert!(!verify_batch(&items, &SEED, &mut scratch, &mut few));
    assert_eq!(few, [true; 9]);
    let mut many = [true; 12];
    assert!(verify_batch(&items, &SEED, &mut scratch, &mut many));
    assert_eq!(many[8..], [true, true, false, false]);
}

/// What was summed a second time, in items.
fn summed_again(items: &[Item]) -> usize {
    let mut scratch = vec![Scratch::ZERO; items.len()];
    let mut batch = Batch::new(items, &SEED, &mut scratch);
    let before = batch.budget;
    batch.check(&mut vec![false; items.len()]);
    before - batch.budget
}

#[test]
fn the_search_for_broken_signatures_is_bounded() {
    let items: Vec<_> = (0..64).map(item).collect();
    assert_eq!(summed_again(&items), 0);
    let with = |broken_ones: &[usize]| {
        let mut items = items.clone();
        broken_ones.iter().for_each(|at| items[*at] = broken(items[*at], 0));
        summed_again(&items)
    };
    // The last: each time the first half is right, and the second needs no sum of its own.
    assert_eq!(with(&[63]), 32 + 16 + 8);
    assert!(with(&[0]) <= 2 * (32 + 16 + 8));
    assert!(with(&[0, 17, 34, 51]) <= 128);
    assert!(with(&(0..64).collect::<Vec<_>>()) <= 128);
}

#[cfg(feature = "alloc")]
#[test]
fn memory_may_come_from_the_heap() {
    let mut items: Vec<_> = (0..70).map(item).collect();
    items[66] = broken(items[66], 1);
    assert_eq!(verify_all(&items, &SEED), singly(&items));
    assert!(verify_all(&[], &SEED).is_empty());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn a_batch_says_what_each_check_says(
        ways in proptest::collection::vec(proptest::option::weighted(0.1, 0_usize..6), 0..80),
        scratch in 0_usize..80,
        seed: [u8; 32],
    ) {
        let items: Vec<_> = ways
            .iter()
            .enumerate()
            .map(|(number, way)| way.map_or(item(number), |way| broken(item(number), way)))
            .collect();
        let mut results = vec![true; items.len()];
        verify_batch(&items, &seed, &mut vec![Scratch::ZERO; scratch], &mut results);
        proptest::prop_assert_eq!(&results, &singly(&items));
        let expected: Vec<_> = ways.iter().map(Option::is_none).collect();
        proptest::prop_assert_eq!(results, expected);
    }
}
