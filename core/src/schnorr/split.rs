//! The endomorphism of the curve, which halves scalars.
//!
//! `(x, y) ↦ (βx, y)` multiplies a point by λ. Any scalar is `a + bλ` with `a` and `b` below 2^128
//! in size, found in the lattice of numbers that are 0 modulo the order ("Guide to Elliptic Curve
//! Cryptography", §3.5).

use core::ops::{Add, Mul};

use k256::elliptic_curve::{bigint::U128, ops::Reduce, scalar::IsHigh};
use k256::{FieldBytes, Scalar, U256};

use super::Coordinate;

const BETA: U256 =
    U256::from_be_hex("7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee");
/// −λ modulo the order.
const MINUS_LAMBDA: U256 =
    U256::from_be_hex("ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283cf");
/// The second coordinates of the lattice's short vectors, one of them positive.
const MINUS_B1: u128 = 0xe443_7ed6_010e_8828_6f54_7fa9_0abf_e4c3;
const B2: u128 = 0x3086_d221_a7d4_6bcd_e86c_90e4_9284_eb15;
/// 2^384 · b2 / order and 2^384 · −b1 / order, rounded.
const G1: U256 =
    U256::from_be_hex("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031");
const G2: U256 =
    U256::from_be_hex("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71");

/// A number below 2^128 in size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) negative: bool,
    pub(super) size: u128,
}

impl Half {
    fn of(scalar: &Scalar) -> Self {
        let negative = bool::from(scalar.is_high());
        let size = if negative { scalar.negate() } else { *scalar };
        let (low, _): (U128, U128) = U256::from(size).split();
        Self { negative, size: low.into() }
    }
}

/// The constants in the form in which they are used.
pub(super) struct Endomorphism {
    beta: Coordinate,
    minus_lambda: Scalar,
    minus_b1: Scalar,
    minus_b2: Scalar,
}

impl Endomorphism {
    pub(super) fn new() -> Self {
        let beta = FieldBytes::from(BETA.to_be_bytes());
        Self {
            beta: Coordinate::from_bytes(&beta).into_option().unwrap_or_default(),
            minus_lambda: Scalar::reduce(&MINUS_LAMBDA),
            minus_b1: Scalar::from(MINUS_B1),
            minus_b2: Scalar::from(B2).negate(),
        }
    }

    /// The x of λ times the point with this x; y stays.
    pub(super) fn apply(&self, x: &Coordinate) -> Coordinate {
        x.mul(&self.beta)
    }

    /// `a` and `b` with `a + bλ` equal to the scalar.
    pub(super) fn split(&self, scalar: &Scalar) -> (Half, Half) {
        let number = U256::from(scalar);
        let c1 = Scalar::from(shifted_product(&number, &G1));
        let c2 = Scalar::from(shifted_product(&number, &G2));
        let b = c1.mul(&self.minus_b1).add(&c2.mul(&self.minus_b2));
        let a = b.mul(&self.minus_lambda).add(scalar);
        (Half::of(&a), Half::of(&b))
    }
}

/// `a · b / 2^384`, rounded. It stays below 2^128: the scalar is below the order.
fn shifted_product(a: &U256, b: &U256) -> u128 {
    let (_, high) = a.widening_mul(b);
    let (low, high): (U128, U128) = high.split();
    u128::from(high).wrapping_add(u128::from(low) >> 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(half: Half) -> Scalar {
        let size = Scalar::from(half.size);
        if half.negative { size.negate() } else { size }
    }

    fn check(number: &Scalar) {
        let endomorphism = Endomorphism::new();
        let (a, b) = endomorphism.split(number);
        let lambda = endomorphism.minus_lambda.negate();
        assert_eq!(scalar(a).add(&lambda.mul(&scalar(b))), *number);
    }

    #[test]
    fn the_extremes_are_split() {
        for number in [0_u128, 1, 2, u128::MAX] {
            check(&Scalar::from(number));
            check(&Scalar::from(number).negate());
        }
        check(&Scalar::reduce(&MINUS_LAMBDA));
        check(&Scalar::reduce(&MINUS_LAMBDA).negate());
    }

    #[test]
    fn lambda_multiplies_points() {
        use k256::ProjectivePoint;
        use k256::elliptic_curve::point::AffineCoordinates;
        let endomorphism = Endomorphism::new();
        let generator = ProjectivePoint::GENERATOR.to_affine();
        let x = Coordinate::from_bytes(&generator.x()).unwrap();
        let lambda = endomorphism.minus_lambda.negate();
        let point = (ProjectivePoint::GENERATOR * lambda).to_affine();
        assert_eq!(point.x(), endomorphism.apply(&x).to_bytes());
        assert_eq!(point.y(), generator.y());
    }

    proptest::proptest! {
        #[test]
        fn any_scalar_is_split(bytes: [u8; 32]) {
            check(&<Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(bytes)));
        }
    }
}
