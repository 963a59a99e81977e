//! Whether a sum of many points, each times a number of 128 bits, is zero.
//!
//! Pippenger's method. Numbers are written in digits of a few bits, with signs; the points that
//! have the same digit at the same place go into one bucket, and all buckets are summed side by
//! side, in pairs, so that one inversion serves all additions of a round. A bucket's sum then goes
//! to the place of each bit of its digit, and doublings join the places.
//!
//! Points stay affine: an addition is six multiplications, against eleven in projective form.

use core::ops::Add;

use k256::elliptic_curve::point::AffineCoordinates;
use k256::{AffinePoint, ProjectivePoint};

use super::split::Half;
use super::{Coordinate, Scratch};

/// Sums in the memory of one item.
pub(super) const SUMS: usize = 16;
/// Digits of the narrowest kind, of four bits.
const MAX_DIGITS: usize = 33;
/// Buckets that are summed at once, at most.
const MAX_BUCKETS: usize = 528;
/// No index.
const NONE: u16 = u16::MAX;

/// Bits of a digit in short sums.
const NARROW: usize = 4;
/// Bits of a digit in long sums.
const WIDE: usize = 5;
/// Terms of the shortest sum that is faster in wide digits.
const WIDE_FROM: usize = 60;

/// A point that is not zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: Coordinate,
    pub(super) y: Coordinate,
}

impl Point {
    pub(super) fn from_affine(point: &AffinePoint) -> Self {
        let coordinate = |bytes| Coordinate::from_bytes(&bytes).into_option().unwrap_or_default();
        Self { x: coordinate(point.x()), y: coordinate(point.y()) }
    }

    /// None off the curve, where no sum of points of the curve is.
    fn to_affine(self) -> Option<AffinePoint> {
        AffinePoint::from_coordinates(&self.x.to_bytes(), &self.y.to_bytes()).into_option()
    }

    fn negated_if(self, negative: bool) -> Self {
        if negative { Self { x: self.x, y: self.y.negate(1).normalize_weak() } } else { self }
    }
}

/// A point times a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    point: Point,
    digits: [i8; MAX_DIGITS],
}

impl Term {
    pub(super) const ZERO: Self =
        Self { point: Point { x: Coordinate::ZERO, y: Coordinate::ZERO }, digits: [0; MAX_DIGITS] };

    /// `number · point`, in digits of `width` bits.
    pub(super) fn new(point: Point, number: Half, width: usize) -> Self {
        let half = 1_u128.checked_shl(width.saturating_sub(1) as u32).unwrap_or(0);
        let mut digits = [0; MAX_DIGITS];
        let mut rest = number.size;
        let mut carry = 0;
        for digit in &mut digits {
            // At most 2^width, which becomes 0 and carries.
            let bits = (rest & half.saturating_mul(2).saturating_sub(1)).saturating_add(carry);
            carry = u128::from(bits > half);
            let borrowed = carry.saturating_mul(half.saturating_mul(2)) as i8;
            *digit = (bits as i8).wrapping_sub(borrowed);
            rest = rest.checked_shr(width as u32).unwrap_or(0);
        }
        Self { point: point.negated_if(number.negative), digits }
    }
}

/// How wide the digits of a sum of `terms` are, in bits.
pub(super) const fn width(terms: usize) -> usize {
    if terms < WIDE_FROM { NARROW } else { WIDE }
}

/// A sum that is being made, in a list of those that belong to the same bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    point: Point,
    /// The product of the denominators of all pairs before this one.
    product: Coordinate,
    /// The second of the pair.
    other: u16,
    /// The pair before.
    before: u16,
    /// The next in the list.
    next: u16,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Two different points, or a single one.
    Plain,
    /// A point and itself.
    Double,
    /// A point and its negative: there is nothing left.
    Zero,
}

impl Sum {
    pub(super) const ZERO: Self = Self {
        point: Term::ZERO.point,
        product: Coordinate::ZERO,
        other: NONE,
        before: NONE,
        next: NONE,
        kind: Kind::Zero,
    };
}

/// What is to be summed: three terms of each item in a part of the scratch, and the generator's.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// The first item.
    pub(super) first: usize,
    /// How many items.
    pub(super) items: usize,
    /// The generator, in its two halves.
    pub(super) generator: &'a [Term; 2],
    /// Bits of a digit.
    pub(super) width: usize,
}

impl Terms<'_> {
    fn count(&self) -> usize {
        self.items.saturating_mul(3).saturating_add(2)
    }

    fn get<'b>(&'b self, pool: &'b [Scratch], index: usize) -> Option<&'b Term> {
        let item = index / 3;
        if item < self.items {
            pool.get(self.first.saturating_add(item))?.terms.get(index % 3)
        } else {
            self.generator.get(index.saturating_sub(self.items.saturating_mul(3)))
        }
    }

    /// The point of a term, its sign in the lowest bit of `code`.
    fn point(&self, pool: &[Scratch], code: u16) -> Option<Point> {
        let term = self.get(pool, usize::from(code >> 1))?;
        Some(term.point.negated_if(code & 1 == 1))
    }
}

/// Whether the terms' sum is zero; none if the pool is too small to tell.
pub(super) fn is_zero(pool: &mut [Scratch], terms: Terms<'_>) -> Option<bool> {
    let width = terms.width;
    let digits = (128_usize.checked_div(width)?).saturating_add(1);
    let buckets = 1_usize.checked_shl(width.saturating_sub(1) as u32)?;
    // Half of the terms, a rest in each bucket, and as much again for the bits of the digits.
    let sums = (terms.count().saturating_add(buckets) / 2)
        .saturating_add(width.saturating_mul(buckets) / 4)
        .saturating_add(width);
    let most = (pool.len().saturating_mul(SUMS)).checked_div(sums)?;
    let groups = digits.div_ceil(most.min(MAX_BUCKETS.checked_div(buckets)?).max(1));
    if most == 0 {
        return None;
    }
    let group = digits.div_ceil(groups);
    let mut total = ProjectivePoint::IDENTITY;
    let mut end = digits;
    while end > 0 {
        let start = end.saturating_sub(group);
        let mut sums = Sums { pool, used: 0, last: NONE, product: Coordinate::ONE };
        let mut lists = [NONE; MAX_BUCKETS];
        let used = end.saturating_sub(start).saturating_mul(buckets);
        let lists = lists.get_mut(..used)?;
        sums.fill(&terms, start, end, buckets, lists)?;
        let mut places = [NONE; MAX_DIGITS * WIDE];
        let used = end.saturating_sub(start).saturating_mul(width);
        let places = places.get_mut(..used)?;
        sums.spread(lists, places, buckets, width)?;
        for place in places.iter().rev() {
            total = total.double();
            if let Some(sum) = sums.live(*place) {
                total = total.add(&sum.point.to_affine()?);
            }
        }
        end = start;
    }
    Some(total == ProjectivePoint::IDENTITY)
}

/// Lists of sums, and the pairs that are to be added next.
struct Sums<'a> {
    pool: &'a mut [Scratch],
    used: u16,
    /// The latest pair.
    last: u16,
    /// The product of all their denominators.
    product: Coordinate,
}

impl Sums<'_> {
    fn get(&self, index: u16) -> Option<&Sum> {
        let index = usize::from(index);
        self.pool.get(index / SUMS)?.sums.get(index % SUMS)
    }

    fn get_mut(&mut self, index: u16) -> Option<&mut Sum> {
        let index = usize::from(index);
        self.pool.get_mut(index / SUMS)?.sums.get_mut(index % SUMS)
    }

    /// The sum, if there is one and it is not zero.
    fn live(&self, index: u16) -> Option<&Sum> {
        self.get(index).filter(|sum| sum.kind != Kind::Zero)
    }

    /// Begins a sum with one point, at the front of a list.
    fn push(&mut self, point: Point, list: &mut u16) -> Option<u16> {
        let index = self.used;
        let next = core::mem::replace(list, index);
        let sum = self.get_mut(index)?;
        (sum.point, sum.next, sum.kind) = (point, next, Kind::Plain);
        self.used = index.saturating_add(1);
        Some(index)
    }

    /// Plans to add `other`, whose point is given, to a sum.
    fn pair(&mut self, index: u16, other: u16, point: &Point) -> Option<()> {
        let (before, product) = (self.last, self.product);
        let sum = self.get_mut(index)?;
        let mut denominator = point.x.add(&sum.point.x.negate(1));
        if bool::from(denominator.normalizes_to_zero()) {
            let same = point.y.add(&sum.point.y.negate(1)).normalizes_to_zero();
            sum.kind = if bool::from(same) { Kind::Double } else { Kind::Zero };
            denominator = point.y.double();
        }
        (sum.other, sum.before, sum.product) = (other, before, product);
        if sum.kind != Kind::Zero {
            self.product = product.mul(&denominator);
        }
        self.last = index;
        Some(())
    }

    /// Adds all pairs that were planned. `other` finds the second points.
    fn add_pairs(&mut self, other: impl Fn(&[Scratch], u16) -> Option<Point>) -> Option<()> {
        let mut inverse = self.product.invert_vartime().into_option()?;
        self.product = Coordinate::ONE;
        let mut index = core::mem::replace(&mut self.last, NONE);
        while index != NONE {
            let &Sum { point: a, product, other: second, before, kind, .. } = self.get(index)?;
            if kind != Kind::Zero {
                let b = other(self.pool, second)?;
                let (numerator, denominator) = if kind == Kind::Plain {
                    (b.y.add(&a.y.negate(1)), b.x.add(&a.x.negate(1)))
                } else {
                    (a.x.square().mul_single(3), a.y.double())
                };
                let slope = numerator.mul(&inverse.mul(&product));
                inverse = inverse.mul(&denominator);
                let x = slope.square().add(&a.x.add(&b.x).negate(2)).normalize_weak();
                let y = slope.mul(&a.x.add(&x.negate(1))).add(&a.y.negate(1)).normalize_weak();
                let sum = self.get_mut(index)?;
                (sum.point, sum.kind) = (Point { x, y }, Kind::Plain);
            }
            index = before;
        }
        Some(())
    }

    /// Adds up each list until it has one sum or none.
    fn add_up(&mut self, lists: &mut [u16]) -> Option<()> {
        loop {
            for list in &mut *lists {
                let mut rest = core::mem::replace(list, NONE);
                let mut waiting = NONE;
                while rest != NONE {
                    let &Sum { point, next, kind, .. } = self.get(rest)?;
                    let index = core::mem::replace(&mut rest, next);
                    if kind == Kind::Zero {
                        continue;
                    }
                    if waiting == NONE {
                        waiting = index;
                        continue;
                    }
                    self.pair(waiting, index, &point)?;
                    let first = core::mem::replace(&mut waiting, NONE);
                    self.get_mut(first)?.next = core::mem::replace(list, first);
                }
                if waiting != NONE {
                    self.get_mut(waiting)?.next = core::mem::replace(list, waiting);
                }
            }
            if self.last == NONE {
                return Some(());
            }
            self.add_pairs(Self::second)?;
        }
    }

    fn second(pool: &[Scratch], index: u16) -> Option<Point> {
        let index = usize::from(index);
        Some(pool.get(index / SUMS)?.sums.get(index % SUMS)?.point)
    }

    /// Sums the terms into the buckets of their digits from `start` to `end`.
    fn fill(
        &mut self,
        terms: &Terms<'_>,
        start: usize,
        end: usize,
        buckets: usize,
        lists: &mut [u16],
    ) -> Option<()> {
        let mut waiting = [NONE; MAX_BUCKETS];
        for index in 0..terms.count() {
            let &Term { point, digits } = terms.get(self.pool, index)?;
            let code = u16::try_from(index.saturating_mul(2)).ok()?;
            for (place, digit) in digits.get(start..end)?.iter().enumerate() {
                let size = usize::from(digit.unsigned_abs());
                let Some(bucket) = size.checked_sub(1) else { continue };
                let bucket = place.saturating_mul(buckets).saturating_add(bucket);
                let code = code | u16::from(*digit < 0);
                let first = waiting.get_mut(bucket)?;
                if *first == NONE {
                    *first = code;
                    continue;
                }
                let first = core::mem::replace(first, NONE);
                let first = terms.point(self.pool, first)?;
                let sum = self.push(first, lists.get_mut(bucket)?)?;
                self.pair(sum, code, &point.negated_if(*digit < 0))?;
            }
        }
        for (waiting, list) in waiting.iter().zip(&mut *lists) {
            if *waiting != NONE {
                let point = terms.point(self.pool, *waiting)?;
                self.push(point, list)?;
            }
        }
        self.add_pairs(|pool, code| terms.point(pool, code))?;
        self.add_up(lists)
    }

    /// Adds each bucket's sum to the places of the bits of its digit.
    fn spread(
        &mut self,
        lists: &[u16],
        places: &mut [u16],
        buckets: usize,
        width: usize,
    ) -> Option<()> {
        let mut waiting = [NONE; MAX_DIGITS * WIDE];
        for (at, list) in lists.iter().enumerate() {
            let Some(&Sum { point, .. }) = self.live(*list) else { continue };
            let digit = at.checked_rem(buckets)?.saturating_add(1);
            let first_place = at.checked_div(buckets)?.saturating_mul(width);
            for bit in 0..width {
                if digit.checked_shr(bit as u32)? & 1 == 0 {
                    continue;
                }
                let place = first_place.saturating_add(bit);
                let first = waiting.get_mut(place)?;
                if *first == NONE {
                    *first = *list;
                    continue;
                }
                let first = core::mem::replace(first, NONE);
                let first = Self::second(self.pool, first)?;
                let sum = self.push(first, places.get_mut(place)?)?;
                self.pair(sum, *list, &point)?;
            }
        }
        for (waiting, place) in waiting.iter().zip(&mut *places) {
            if *waiting != NONE {
                let point = Self::second(self.pool, *waiting)?;
                self.push(point, place)?;
            }
        }
        self.add_pairs(Self::second)?;
        self.add_up(places)
    }
}
