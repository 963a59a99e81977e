//! Lotus Schnorr signatures: the scheme that Bitcoin Cash took up in 2019, not BIP 340.
//!
//! A signature is `R.x ‖ s`. With `e = sha256(R.x ‖ compressed P ‖ hash) mod n` it is valid when
//! `s·G − e·P` is a point whose x is `R.x` and whose y is a square (lotusd, `schnorr_impl.h`).

mod batch;
mod split;
mod sum;

use core::{fmt, ops::Add};

use hmac::Mac;
use k256::elliptic_curve::{
    PrimeField,
    hazmat::FieldArithmetic,
    ops::Reduce,
    point::{AffineCoordinates, DecompressPoint},
    subtle::{Choice, ConditionallySelectable},
};
use k256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, Secp256k1};
use zeroize::{Zeroize, Zeroizing};

use crate::{PublicKey, Signature, hash::sha256};

#[cfg(feature = "alloc")]
pub use batch::verify_all;
pub use batch::{Item, Scratch, verify_batch};

/// An element of the field of coordinates.
type Coordinate = <Secp256k1 as FieldArithmetic>::FieldElement;

/// Why bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The first byte of a public key is neither 2 nor 3.
    Prefix,
    /// No point of the curve has this x.
    OffCurve,
    /// A secret key is 0, or not below the order of the group.
    OutOfRange,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => "a compressed public key begins with 02 or 03",
            Self::OffCurve => "the public key is not on the curve",
            Self::OutOfRange => "the secret key is zero or not below the group order",
        })
    }
}

impl core::error::Error for KeyError {}

/// A public key that lies on the curve. Keep it where many signatures of one key are checked: it
/// spares finding the point again each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyingKey(AffinePoint);

impl VerifyingKey {
    /// Finds the point that the bytes name.
    ///
    /// # Errors
    /// [`KeyError::Prefix`] or [`KeyError::OffCurve`].
    pub fn parse(key: &PublicKey) -> Result<Self, KeyError> {
        let [prefix @ (2 | 3), x @ ..] = key.as_bytes() else { return Err(KeyError::Prefix) };
        AffinePoint::decompress(&FieldBytes::from(*x), Choice::from(prefix & 1))
            .into_option()
            .map(Self)
            .ok_or(KeyError::OffCurve)
    }

    /// The compressed form.
    #[must_use]
    pub fn to_public_key(&self) -> PublicKey {
        let mut bytes = [0; 33];
        let [prefix, x @ ..] = &mut bytes;
        *prefix = 2 | self.0.y_is_odd().unwrap_u8();
        *x = self.0.x().into();
        PublicKey::from_bytes(bytes)
    }

    /// Whether `signature` is this key's signature of `hash`.
    #[must_use]
    pub fn verify(&self, hash: &[u8; 32], signature: &Signature) -> bool {
        let (r, s) = signature.split();
        let (Some((x, y)), Some(s)) = (lift(r), scalar(s)) else { return false };
        let e = challenge(r, &self.to_public_key(), hash);
        let expected = combine(&s, &e.negate(), &ProjectivePoint::from(self.0));
        // The same as comparing x and asking whether y is a square, without leaving projective
        // coordinates.
        AffinePoint::from_coordinates(&x.to_bytes(), &y.to_bytes())
            .into_option()
            .is_some_and(|r| expected.eq_affine(&r).into())
    }
}

/// Whether `signature` is the signature of `hash` by `key`; never when the key is off the curve.
#[must_use]
pub fn verify(key: &PublicKey, hash: &[u8; 32], signature: &Signature) -> bool {
    VerifyingKey::parse(key).is_ok_and(|key| key.verify(hash, signature))
}

/// The point with this x whose y is a square; none where x is out of range or no point has it.
fn lift(x: &[u8; 32]) -> Option<(Coordinate, Coordinate)> {
    let x = Coordinate::from_bytes(&FieldBytes::from(*x)).into_option()?;
    let square = x.square().mul(&x).add(Coordinate::from_u64(7));
    // On this field `sqrt` returns the root that is itself a square (p ≡ 3 mod 4).
    Some((x, square.sqrt().into_option()?))
}

/// The number, where it is below the order.
fn scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(FieldBytes::from(*bytes)).into_option()
}

/// The challenge `e`.
fn challenge(r: &[u8; 32], key: &PublicKey, hash: &[u8; 32]) -> Scalar {
    let digest = sha256(&[r, key.as_bytes(), hash]);
    <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(digest))
}

/// `a·G + b·P`, not in constant time: everything here is public.
fn combine(a: &Scalar, b: &Scalar, point: &ProjectivePoint) -> ProjectivePoint {
    // Small devices have no 15 KiB of stack for the joint multiplication's tables.
    #[cfg(target_pointer_width = "32")]
    {
        use k256::elliptic_curve::ops::MulVartime;
        ProjectivePoint::GENERATOR.mul_vartime(a).add(point.mul_vartime(b))
    }
    #[cfg(not(target_pointer_width = "32"))]
    <ProjectivePoint as k256::elliptic_curve::ops::MulByGeneratorVartime>::mul_by_generator_and_mul_add_vartime(a, b, point)
}

/// A secret key. It is wiped when dropped and has no text form.
#[derive(Clone)]
pub struct SecretKey {
    scalar: Scalar,
    public: PublicKey,
}

impl SecretKey {
    /// From 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`KeyError::OutOfRange`] for zero and for numbers not below the order of the group.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let scalar = Scalar::from_repr(FieldBytes::from(*bytes))
            .into_option()
            .filter(|scalar| !bool::from(scalar.is_zero()))
            .ok_or(KeyError::OutOfRange)?;
        let point = ProjectivePoint::mul_by_generator(&scalar).to_affine();
        Ok(Self { scalar, public: VerifyingKey(point).to_public_key() })
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs a hash. The nonce depends on key and hash alone, so equal input gives equal bytes.
    #[must_use]
    pub fn sign(&self, hash: &[u8; 32]) -> Signature {
        let nonce = Zeroizing::new(nonce(&Zeroizing::new(self.scalar.to_bytes().into()), hash));
        let point = ProjectivePoint::mul_by_generator(&nonce).to_affine();
        let y = Coordinate::from_bytes(&point.y()).into_option().unwrap_or_default();
        let is_square = y.sqrt().is_some();
        let k = Zeroizing::new(Scalar::conditional_select(&nonce.negate(), &nonce, is_square));
        let r: [u8; 32] = point.x().into();
        let e = challenge(&r, &self.public, hash);
        let s = k.add(&e.mul(&self.scalar));

        let mut bytes = [0; 64];
        if let Some((first, last)) = bytes.split_first_chunk_mut::<32>() {
            *first = r;
            last.copy_from_slice(&s.to_bytes());
        }
        Signature::from_bytes(bytes)
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    /// Shows the public key, never the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public)
    }
}

/// The nonce of lotusd: the generator of RFC 6979 seeded with key, hash and the scheme's name.
///
/// Unlike in the RFC the hash goes in unreduced. Reducing it would give the hashes m and m + n one
/// nonce and two challenges, which reveals the key.
fn nonce(key: &[u8; 32], hash: &[u8; 32]) -> Scalar {
    const SCHEME: &[u8; 16] = b"Schnorr+SHA256  ";
    let mut state = Zeroizing::new([0; 32]);
    let mut value = Zeroizing::new([1; 32]);
    for round in [0, 1] {
        *state = hmac(&state, &[&*value, &[round], key, hash, SCHEME]);
        *value = hmac(&state, &[&*value]);
    }
    loop {
        *value = hmac(&state, &[&*value]);
        let candidate = Scalar::from_repr(FieldBytes::from(*value)).into_option();
        match candidate {
            Some(k) if !bool::from(k.is_zero()) => return k,
            // One in 2^128.
            _ => {
                *state = hmac(&state, &[&*value, &[0]]);
                *value = hmac(&state, &[&*value]);
            }
        }
    }
}

/// HMAC-SHA-256 over the parts, one after another.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    crate::hash::hmac(key, parts).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of the group.
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

    fn bytes(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_secret_key_is_in_range() {
        let mut below = bytes(ORDER);
        below[31] -= 1;
        assert!(SecretKey::from_bytes(&below).is_ok());
        assert_eq!(SecretKey::from_bytes(&bytes(ORDER)).err(), Some(KeyError::OutOfRange));
        assert_eq!(SecretKey::from_bytes(&[0; 32]).err(), Some(KeyError::OutOfRange));
        assert_eq!(SecretKey::from_bytes(&[255; 32]).err(), Some(KeyError::OutOfRange));
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let key = SecretKey::from_bytes(&[0x11; 32]).unwrap();
        assert!(!std::format!("{key:?}").contains("11111111"));
    }

    #[test]
    fn a_public_key_is_checked() {
        let key = SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
        let parsed = VerifyingKey::parse(&key).unwrap();
        assert_eq!(parsed.to_public_key(), key);

        let mut hybrid = *key.as_bytes();
        hybrid[0] = 4;
        let hybrid = PublicKey::from_bytes(hybrid);
        assert_eq!(VerifyingKey::parse(&hybrid), Err(KeyError::Prefix));
        // All zeros is how the point at infinity is written elsewhere.
        let zero = PublicKey::from_bytes([0; 33]);
        assert_eq!(VerifyingKey::parse(&zero), Err(KeyError::Prefix));

        let mut off = [0; 33];
        (off[0], off[32]) = (2, 5);
        let off = PublicKey::from_bytes(off);
        assert_eq!(VerifyingKey::parse(&off), Err(KeyError::OffCurve));
        assert!(!verify(&off, &[0; 32], &Signature::from_bytes([0; 64])));
    }

    /// The hashes m and m + n are equal modulo the order; one nonce for both would give the key
    /// away.
    #[test]
    fn hashes_that_are_equal_modulo_the_order_have_different_nonces() {
        let key = SecretKey::from_bytes(&[9; 32]).unwrap();
        let small = [0; 32];
        let large = bytes(ORDER);
        let (one, other) = (key.sign(&small), key.sign(&large));
        assert_ne!(one.as_bytes()[..32], other.as_bytes()[..32]);
        assert!(verify(&key.public_key(), &small, &one));
        assert!(verify(&key.public_key(), &large, &other));
        assert!(!verify(&key.public_key(), &small, &other));
    }

    proptest::proptest! {
        #[test]
        fn a_signature_holds_for_its_key_and_hash_only(
            secret in proptest::array::uniform32(1_u8..),
            hash: [u8; 32],
            bit in 0_usize..512,
        ) {
            let Ok(key) = SecretKey::from_bytes(&secret) else { return Ok(()) };
            let public = key.public_key();
            let signature = key.sign(&hash);
            proptest::prop_assert!(verify(&public, &hash, &signature));

            let mut flipped = *signature.as_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            proptest::prop_assert!(!verify(&public, &hash, &Signature::from_bytes(flipped)));
            let mut other = hash;
            other[bit / 16] ^= 1 << (bit % 8);
            proptest::prop_assert!(!verify(&public, &other, &signature));
        }

        #[test]
        fn verification_takes_any_bytes(key: [u8; 32], odd: bool, hash: [u8; 32], a: [u8; 32], b: [u8; 32]) {
            let mut bytes = [2 | u8::from(odd); 33];
            bytes[1..].copy_from_slice(&key);
            let signature = [a, b].concat().try_into().unwrap();
            let valid = verify(&PublicKey::from_bytes(bytes), &hash, &Signature::from_bytes(signature));
            proptest::prop_assert!(!valid);
        }
    }
}
