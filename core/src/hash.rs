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
    hashed_tag_hash(&sha256(&[tag.as_bytes()]), parts)
}

/// [`tagged_hash`], where the tag is hashed already.
pub(crate) fn hashed_tag_hash(tag: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, cases 1, 2 and 4: those whose keys have at most 32 bytes.
    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let counting: [u8; 25] = core::array::from_fn(|n| n as u8 + 1);
        for (key, message, tag) in [
            (
                &[0x0b; 20][..],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &counting,
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
        ] {
            // A key is padded with zeros.
            let mut padded = [0; 32];
            padded[..key.len()].copy_from_slice(key);
            let (first, second) = message.split_at(message.len() / 2);
            let found = hmac(&padded, &[first, second]).finalize().into_bytes();
            assert_eq!(hex::encode(found), tag);
        }
    }
}
