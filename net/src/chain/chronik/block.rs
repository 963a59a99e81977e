//! Blocks and transactions made again from what Chronik tells of them.

use ltms_core::chain::Header;
use prost::{Message, decode_length_delimiter};

use super::super::SourceError;
use super::super::check::wrong;
use super::proto::Tx;

/// No block is larger (lotusd, `consensus.h`).
const MAX_BLOCK: usize = 32_000_000;
/// A transaction has at most 1 MB (lotusd, `consensus.h`), and its message, which repeats the
/// spent scripts and who spent the outputs, not four times that.
pub(super) const MAX_TX_MESSAGE: usize = 4 << 20;

const TXS: usize = 2;
const RAW_HEADER: usize = 4;

/// The answer to `GET /block/:hash`, not decoded as a whole: a message of many empty
/// transactions would take a hundred times its size.
pub(super) struct Block<'a> {
    header: &'a [u8],
    txs: Vec<&'a [u8]>,
}

impl<'a> Block<'a> {
    pub(super) fn decode(mut message: &'a [u8]) -> Result<Self, SourceError> {
        let mut header = None;
        let mut txs = Vec::new();
        while !message.is_empty() {
            let (number, bytes) =
                field(&mut message).ok_or_else(|| wrong("the block cannot be read"))?;
            match number {
                // A transaction has a hundred bytes in a block, and more in a message.
                TXS if bytes.len() < 100 => return Err(wrong("a transaction is too small")),
                TXS => txs.push(bytes),
                RAW_HEADER => header = Some(bytes),
                _ => {}
            }
        }
        // Without it nothing can be recomputed.
        let header = header.ok_or_else(|| {
            SourceError::Unsupported("this Chronik gives no raw headers".to_owned())
        })?;
        Ok(Self { header, txs })
    }

    pub(super) fn header(&self) -> &'a [u8] {
        self.header
    }

    /// The block as nodes have it, unchecked.
    pub(super) fn to_raw(&self) -> Result<Vec<u8>, SourceError> {
        let mut raw = self.header.to_vec();
        if raw.len() != Header::LEN {
            return Err(wrong("the header has another length"));
        }
        // No metadata.
        raw.push(0);
        put_count(&mut raw, self.txs.len());
        for tx in &self.txs {
            put_transaction(&mut raw, &decode_tx(tx)?)?;
            if raw.len() > MAX_BLOCK {
                return Err(wrong("the block is too large"));
            }
        }
        Ok(raw)
    }
}

pub(super) fn decode_tx(message: &[u8]) -> Result<Tx, SourceError> {
    if message.len() > MAX_TX_MESSAGE {
        return Err(wrong("a transaction is too large"));
    }
    Tx::decode(message).map_err(wrong)
}

/// Appends the transaction as nodes have it.
pub(super) fn put_transaction(raw: &mut Vec<u8>, tx: &Tx) -> Result<(), SourceError> {
    raw.extend(tx.version.to_le_bytes());
    put_count(raw, tx.inputs.len());
    for input in &tx.inputs {
        let spent = input.prev_out.as_ref().ok_or_else(|| wrong("an input spends nothing"))?;
        let txid: &[u8; 32] =
            spent.txid.as_slice().try_into().map_err(|_| wrong("a txid is not 32 bytes"))?;
        raw.extend(txid);
        raw.extend(spent.out_idx.to_le_bytes());
        put_bytes(raw, &input.input_script);
        raw.extend(input.sequence_no.to_le_bytes());
    }
    put_count(raw, tx.outputs.len());
    for output in &tx.outputs {
        raw.extend(output.value.to_le_bytes());
        put_bytes(raw, &output.output_script);
    }
    raw.extend(tx.lock_time.to_le_bytes());
    Ok(())
}

fn put_bytes(raw: &mut Vec<u8>, bytes: &[u8]) {
    put_count(raw, bytes.len());
    raw.extend(bytes);
}

/// A count in its shortest form. Nothing here has 2³² of anything.
fn put_count(raw: &mut Vec<u8>, count: usize) {
    let bytes = (count as u64).to_le_bytes();
    match count {
        0..0xfd => raw.push(bytes[0]),
        0xfd..0x1_0000 => {
            raw.push(0xfd);
            raw.extend(&bytes[..2]);
        }
        _ => {
            raw.push(0xfe);
            raw.extend(&bytes[..4]);
        }
    }
}

/// Splits the next field off a message: its number, and its bytes if it has a length.
fn field<'a>(message: &mut &'a [u8]) -> Option<(usize, &'a [u8])> {
    let key = decode_length_delimiter(&mut *message).ok()?;
    let len = match key & 7 {
        0 => decode_length_delimiter(&mut *message).map(|_| 0).ok()?,
        1 => 8,
        2 => decode_length_delimiter(&mut *message).ok()?,
        5 => 4,
        _ => return None,
    };
    let (bytes, rest) = message.split_at_checked(len)?;
    *message = rest;
    Some((key >> 3, if key & 7 == 2 { bytes } else { &[] }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::DevChain;
    use super::*;

    #[test]
    fn counts_are_short() {
        let put = |count| {
            let mut raw = Vec::new();
            put_count(&mut raw, count);
            raw
        };
        assert_eq!(put(0xfc), [0xfc]);
        assert_eq!(put(0xfd), [0xfd, 0xfd, 0]);
        assert_eq!(put(0xffff), [0xfd, 0xff, 0xff]);
        assert_eq!(put(0x1_0000), [0xfe, 0, 0, 1, 0]);
    }

    #[test]
    fn a_transaction_has_no_more_than_its_share() {
        let tx = vec![0; MAX_TX_MESSAGE + 1];
        assert!(decode_tx(&tx).is_err());
    }

    #[test]
    fn negative_and_huge_numbers_stay_what_they_are() {
        let tx = Tx {
            version: -1,
            outputs: vec![super::super::proto::TxOutput { value: -1, output_script: vec![] }],
            lock_time: u32::MAX,
            ..Tx::default()
        };
        let mut raw = Vec::new();
        put_transaction(&mut raw, &tx).unwrap();
        let expected = [&[0xff; 4][..], &[0, 1], &[0xff; 8], &[0], &[0xff; 4]].concat();
        assert_eq!(raw, expected);
        // Which nobody takes for a transaction.
        assert!(ltms_core::chain::Transaction::parse(&raw).is_err());
        assert!(DevChain::recorded().unwrap().mine(&[raw]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(block) = Block::decode(&bytes) {
                let _ = block.to_raw();
            }
            let _ = decode_tx(&bytes).map(|tx| put_transaction(&mut Vec::new(), &tx));
        }
    }
}
