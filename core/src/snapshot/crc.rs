//! CRC-32C (Castagnoli): tells a file that was damaged from one that was not; it proves nothing.

/// The polynomial 0x1EDC6F41, bits reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// The check sum of `bytes`.
pub(super) fn crc32c(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
    !bytes
        .into_iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    /// RFC 3720, appendix B.4, and the usual check value.
    #[test]
    fn agrees_with_the_published_vectors() {
        let ascending: [u8; 32] = core::array::from_fn(|n| n as u8);
        let descending: [u8; 32] = core::array::from_fn(|n| 31 - n as u8);
        for (bytes, sum) in [
            (&b"123456789"[..], 0xE306_9283),
            (&[0; 32], 0x8A91_36AA),
            (&[0xFF; 32], 0x62A8_AB43),
            (&ascending, 0x46DD_794E),
            (&descending, 0x113F_DB5C),
            (&[], 0),
        ] {
            assert_eq!(crc32c(bytes.iter().copied()), sum, "{bytes:?}");
        }
    }
}
