//! Many signatures at once, for less than half of what each alone costs.
//!
//! A signature holds when `s·G − e·P − R` is zero, R being the point of its x whose y is a square.
//! The sum of that over many signatures, each times a number that nobody could foresee, is zero
//! for all valid signatures, and otherwise once in 2^128. The numbers come from a hash of all the
//! signatures, so that none can be made to fit them, and of a seed of the caller's.

use core::ops::Add;

use k256::Scalar;
use sha2::{Digest, Sha256};

use super::split::{Endomorphism, Half};
use super::sum::{Point, SUMS, Sum, Term, Terms, is_zero, width};
use super::{VerifyingKey, challenge, lift};
use crate::{Signature, hash::sha256};

/// Fewer signatures than this are checked one by one, which is faster.
const LEAST: usize = 5;
/// No more are summed at once: their points are numbered with 15 bits.
const MOST: usize = 1024;

/// A signature to be checked together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Whose signature it is said to be.
    pub key: VerifyingKey,
    /// What is signed.
    pub hash: [u8; 32],
    /// The signature.
    pub signature: Signature,
}

impl Item {
    fn holds(&self) -> bool {
        self.key.verify(&self.hash, &self.signature)
    }
}

/// Memory to check one signature of a batch in.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// R, and the key in its two halves.
    pub(super) terms: [Term; 3],
    pub(super) sums: [Sum; SUMS],
    /// The factor of the generator.
    factor: Scalar,
    /// Which item.
    item: usize,
}

impl Scratch {
    /// Memory to begin with; what is in it never matters.
    pub const ZERO: Self =
        Self { terms: [Term::ZERO; 3], sums: [Sum::ZERO; SUMS], factor: Scalar::ZERO, item: 0 };
}

/// Checks many signatures at once, and says whether all hold.
///
/// Each result is what [`VerifyingKey::verify`] says. Results without an item become false, and
/// items without a result are not checked and make the answer false. As many items go into one
/// batch as there is scratch, at most 1,024. More than 64 gain little, fewer than five nothing; few
/// items are faster in more scratch than they need.
///
/// A batch that fails is halved again and again. What is checked a second time so is at most twice
/// the batch; then what is left is checked one by one.
///
/// The seed must be unknown to those who sign, but may be used again.
pub fn verify_batch(
    items: &[Item],
    seed: &[u8; 32],
    scratch: &mut [Scratch],
    results: &mut [bool],
) -> bool {
    results.fill(false);
    let size = scratch.len().clamp(1, MOST);
    for (items, results) in items.chunks(size).zip(results.chunks_mut(size)) {
        let mut batch = Batch::new(items, seed, scratch);
        batch.check(results);
    }
    results.len() >= items.len() && results.iter().take(items.len()).all(|result| *result)
}

/// [`verify_batch`] with memory from the heap.
#[cfg(feature = "alloc")]
#[must_use]
pub fn verify_all(items: &[Item], seed: &[u8; 32]) -> alloc::vec::Vec<bool> {
    let mut scratch = alloc::vec![Scratch::ZERO; items.len().min(64)];
    let mut results = alloc::vec![false; items.len()];
    verify_batch(items, seed, &mut scratch, &mut results);
    results
}

struct Batch<'a> {
    items: &'a [Item],
    scratch: &'a mut [Scratch],
    /// Items whose form is right; the others do not hold.
    count: usize,
    width: usize,
    endomorphism: Endomorphism,
    /// Items that may still be summed again.
    budget: usize,
}

impl<'a> Batch<'a> {
    fn new(items: &'a [Item], seed: &[u8; 32], scratch: &'a mut [Scratch]) -> Self {
        let width = width(items.len().saturating_mul(3));
        let budget = items.len().saturating_mul(2);
        let endomorphism = Endomorphism::new();
        let mut batch = Self { items, scratch, count: 0, width, endomorphism, budget };
        if items.len() >= LEAST {
            batch.prepare(seed);
        }
        batch
    }

    fn prepare(&mut self, seed: &[u8; 32]) {
        let mut transcript = Sha256::new();
        transcript.update(b"LTMS/batch/1");
        transcript.update(seed);
        for item in self.items {
            let (r, s) = item.signature.split();
            let key = item.key.to_public_key();
            transcript.update(sha256(&[r, key.as_bytes(), &item.hash]));
            transcript.update(s);
        }
        let transcript: [u8; 32] = transcript.finalize().into();
        for (index, item) in self.items.iter().enumerate() {
            let (r, s) = item.signature.split();
            let (Some((x, y)), Some(s)) = (lift(r), super::scalar(s)) else { continue };
            let Some(scratch) = self.scratch.get_mut(self.count) else { return };
            let digest = sha256(&[&transcript, &(index as u64).to_le_bytes()]);
            let weight = digest.first_chunk().map_or(1, |bytes| u128::from_le_bytes(*bytes));
            let e = challenge(r, &item.key.to_public_key(), &item.hash);
            let weighted = Scalar::from(weight);
            let (a, b) = self.endomorphism.split(&weighted.mul(&e).negate());
            let key = Point::from_affine(&item.key.0);
            let lambda = Point { x: self.endomorphism.apply(&key.x), y: key.y };
            let weight = Half { negative: true, size: weight };
            scratch.terms = [
                Term::new(Point { x, y }, weight, self.width),
                Term::new(key, a, self.width),
                Term::new(lambda, b, self.width),
            ];
            scratch.factor = weighted.mul(&s);
            scratch.item = index;
            self.count = self.count.saturating_add(1);
        }
    }

    fn check(&mut self, results: &mut [bool]) {
        if self.count < LEAST {
            for (item, result) in self.items.iter().zip(results) {
                *result = item.holds();
            }
        } else if self.sum_is_zero(0, self.count) {
            self.accept(0, self.count, results);
        } else {
            self.halve(0, self.count, results);
        }
    }

    /// Finds out which items of a part that has failed hold.
    fn halve(&mut self, first: usize, count: usize, results: &mut [bool]) {
        // What waits to be searched; each time at least one half of the part is done with.
        let (mut first, mut count) = (first, count);
        loop {
            let half = count / 2;
            let (right, rest) = (first.saturating_add(half), count.saturating_sub(half));
            if half < LEAST || self.budget < half {
                return self.check_each(first, count, results);
            }
            self.budget = self.budget.saturating_sub(half);
            if self.sum_is_zero(first, half) {
                // The fault is in the other half.
                self.accept(first, half, results);
                (first, count) = (right, rest);
                continue;
            }
            self.halve(first, half, results);
            if self.budget < rest {
                return self.check_each(right, rest, results);
            }
            self.budget = self.budget.saturating_sub(rest);
            if self.sum_is_zero(right, rest) {
                return self.accept(right, rest, results);
            }
            (first, count) = (right, rest);
        }
    }

    fn accept(&self, first: usize, count: usize, results: &mut [bool]) {
        for scratch in self.scratch.iter().skip(first).take(count) {
            if let Some(result) = results.get_mut(scratch.item) {
                *result = true;
            }
        }
    }

    fn check_each(&self, first: usize, count: usize, results: &mut [bool]) {
        for scratch in self.scratch.iter().skip(first).take(count) {
            let item = self.items.get(scratch.item);
            if let (Some(item), Some(result)) = (item, results.get_mut(scratch.item)) {
                *result = item.holds();
            }
        }
    }

    fn sum_is_zero(&mut self, first: usize, items: usize) -> bool {
        let part = self.scratch.iter().skip(first).take(items);
        let factor = part.fold(Scalar::ZERO, |sum, scratch| sum.add(&scratch.factor));
        let (a, b) = self.endomorphism.split(&factor);
        let point = Point::from_affine(&k256::AffinePoint::GENERATOR);
        let lambda = Point { x: self.endomorphism.apply(&point.x), y: point.y };
        let generator = [Term::new(point, a, self.width), Term::new(lambda, b, self.width)];
        let terms = Terms { first, items, generator: &generator, width: self.width };
        is_zero(self.scratch, terms).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests;
