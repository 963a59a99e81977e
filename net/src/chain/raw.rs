//! Writing raw transactions.

use ltms_core::chain::{Input, Output};

/// A transaction of version 2 without lock time.
pub(crate) fn transaction<'a>(
    inputs: impl ExactSizeIterator<Item = Input<'a>>,
    outputs: impl ExactSizeIterator<Item = Output<'a>>,
) -> Vec<u8> {
    let mut raw = 2_i32.to_le_bytes().to_vec();
    raw.extend(compact_size(inputs.len()));
    for input in inputs {
        raw.extend(input.previous.txid.as_bytes());
        raw.extend(input.previous.vout.to_le_bytes());
        raw.extend(compact_size(input.script.len()));
        raw.extend(input.script);
        raw.extend(input.sequence.to_le_bytes());
    }
    raw.extend(compact_size(outputs.len()));
    for output in outputs {
        raw.extend(output.value.sats().to_le_bytes());
        raw.extend(compact_size(output.script.len()));
        raw.extend(output.script);
    }
    raw.extend(0_u32.to_le_bytes());
    raw
}

/// A count in its shortest form.
pub(crate) fn compact_size(count: usize) -> Vec<u8> {
    let bytes = (count as u32).to_le_bytes();
    match count {
        0..0xfd => bytes[..1].to_vec(),
        0xfd..0x1_0000 => [&[0xfd], &bytes[..2]].concat(),
        _ => [[0xfe].as_slice(), &bytes].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::compact_size;

    #[test]
    fn counts_are_short() {
        assert_eq!(compact_size(0xfc), [0xfc]);
        assert_eq!(compact_size(0xfd), [0xfd, 0xfd, 0]);
        assert_eq!(compact_size(0x1_0000), [0xfe, 0, 0, 1, 0]);
    }
}
