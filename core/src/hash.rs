//! SHA-256, the tagged hash of signed messages, and the keyed hash of tables.

use core::hash::Hasher;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;
use zeroize::Zeroizing;

/// SHA-256 over the parts, one after another.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-256 of SHA-256 over the parts, one after another.
#[must_use]
pub fn double_sha256(parts: &[&[u8]]) -> [u8; 32] {
    sha256(&[&sha256(parts)])
}

/// [`sha256`] over what `write` hands on piece by piece.
pub(crate) fn sha256_of(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; 32] {
    let mut hash = Sha256::new();
    write(&mut |part| hash.update(part));
    hash.finalize().into()
}

/// [`double_sha256`] over what `write` hands on piece by piece.
pub(crate) fn double_sha256_of(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; 32] {
    sha256(&[&sha256_of(write)])
}

/// `sha256(sha256(tag) ‖ sha256(tag) ‖ parts…)`: what an LTMS signature signs (policy §6).
///
/// ```
/// let hash = ltms_core::hash::tagged_hash("LTMS/ad/1", &[b"_", b"body"]);
/// assert_ne!(hash, ltms_core::hash::tagged_hash("LTMS/withdraw/1", &[b"_", b"body"]));
/// ```
#[must_use]
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256(&[tag.as_bytes()]);
    let mut hash = Sha256::new();
    hash.update(tag);
    hash.update(tag);
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// HMAC-SHA-256 over the parts, one after another, to be finished or compared.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC pads a key to the block of 64 bytes with zeros; done here it cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    if let Some(start) = block.first_chunk_mut::<32>() {
        *start = *key;
    }
    let mut mac = Hmac::new(&(*block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// A secret that keys every table, so that nobody outside can choose colliding ids.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 16]);

impl Seed {
    /// From 16 bytes of the operating system's randomness (or fixed ones, in tests).
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// SipHash-1-3 of `bytes` for the purpose `domain`.
    #[must_use]
    pub fn hash(&self, domain: u8, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write_u8(domain);
        hasher.write(bytes);
        hasher.finish()
    }
}

impl core::fmt::Debug for Seed {
    /// Never shows the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}
