//! Raw transactions.

use core::fmt;

use super::merkle;
use crate::hash::{double_sha256, double_sha256_of};
use crate::reader::Reader;
use crate::{Amount, OutPoint, Txhash, Txid};

/// Counts and lengths above this are refused before anything is read (lotusd, `serialize.h`).
const MAX_SIZE: u64 = 0x0200_0000;

/// Why bytes are no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxError {
    /// The bytes end too early.
    Truncated,
    /// A count or length is not in its shortest form.
    NonCanonicalSize,
    /// A count or length is above 33,554,432.
    SizeTooLarge,
    /// An output is negative or above [`Amount::MAX_MONEY`].
    ValueOutOfRange,
    /// The outputs together are above [`Amount::MAX_MONEY`].
    SumOutOfRange,
    /// Bytes follow the transaction.
    TrailingBytes,
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the transaction ends too early",
            Self::NonCanonicalSize => "a count or length is not in its shortest form",
            Self::SizeTooLarge => "a count or length is too large",
            Self::ValueOutOfRange => "an output is not an amount of money",
            Self::SumOutOfRange => "the outputs together are more money than exists",
            Self::TrailingBytes => "bytes follow the transaction",
        })
    }
}

impl core::error::Error for TxError {}

/// What an input spends, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// The output that is spent.
    pub previous: OutPoint,
    /// The unlocking script; the txid does not cover it.
    pub script: &'a [u8],
    /// The sequence number.
    pub sequence: u32,
}

/// An amount and who may spend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output<'a> {
    /// The amount.
    pub value: Amount,
    /// The locking script.
    pub script: &'a [u8],
}

impl Input<'_> {
    /// What the txid covers of it.
    pub(super) fn leaf(&self) -> [u8; 32] {
        let OutPoint { txid, vout } = self.previous;
        double_sha256(&[txid.as_bytes(), &vout.to_le_bytes(), &self.sequence.to_le_bytes()])
    }
}

impl Output<'_> {
    /// Hands on its encoding piece by piece.
    pub(super) fn write(&self, write: &mut dyn FnMut(&[u8])) {
        write(&self.value.sats().to_le_bytes());
        let (size, len) = encode_size(self.script.len());
        write(size.get(..len).unwrap_or_default());
        write(self.script);
    }

    /// The hash of its encoding.
    pub(super) fn leaf(&self) -> [u8; 32] {
        double_sha256_of(|sink| self.write(sink))
    }
}

/// A raw transaction whose form was checked; nothing of it is copied.
///
/// The form only: whether lotusd would take it into a block is another question. Consensus asks
/// for 100 to 1,000,000 bytes, which is checked where inclusion in a block is.
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    raw: &'a [u8],
    version: i32,
    inputs: Inputs<'a>,
    outputs: Outputs<'a>,
    lock_time: u32,
}

impl<'a> Transaction<'a> {
    /// Checks every byte of `raw`.
    ///
    /// # Errors
    /// [`TxError`] for the first thing that is wrong.
    pub fn parse(raw: &'a [u8]) -> Result<Self, TxError> {
        match Self::split_first(raw)? {
            (tx, []) => Ok(tx),
            _ => Err(TxError::TrailingBytes),
        }
    }

    /// The transaction at the beginning of `bytes`, such as those of a block, and what follows it.
    ///
    /// # Errors
    /// [`TxError`] for the first thing that is wrong.
    pub fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), TxError> {
        let mut reader = Reader::new(bytes);
        let version = i32::from_le_bytes(read_array(&mut reader)?);

        let inputs = Inputs { remaining: read_size(&mut reader)?, reader };
        for _ in 0..inputs.remaining {
            read_input(&mut reader)?;
        }
        let outputs = Outputs { remaining: read_size(&mut reader)?, reader };
        let mut sum = Amount::ZERO;
        for _ in 0..outputs.remaining {
            sum = sum.saturating_add(read_output(&mut reader)?.value);
            if sum > Amount::MAX_MONEY {
                return Err(TxError::SumOutOfRange);
            }
        }
        let lock_time = u32::from_le_bytes(read_array(&mut reader)?);
        let rest = reader.rest();
        let len = bytes.len().saturating_sub(rest.len());
        let raw = bytes.get(..len).unwrap_or(bytes);
        Ok((Self { raw, version, inputs, outputs, lock_time }, rest))
    }

    /// The id: a hash over version, inputs without their scripts, outputs and lock time, so that
    /// nobody can change it by signing again.
    #[must_use]
    pub fn txid(&self) -> Txid {
        let inputs = merkle::root(self.inputs().map(|input| input.leaf()));
        let outputs = merkle::root(self.outputs().map(|output| output.leaf()));
        Txid::from_bytes(double_sha256(&[
            &self.version.to_le_bytes(),
            &inputs.hash,
            &[inputs.layers],
            &outputs.hash,
            &[outputs.layers],
            &self.lock_time.to_le_bytes(),
        ]))
    }

    /// The hash of the whole transaction with its input scripts.
    #[must_use]
    pub fn txhash(&self) -> Txhash {
        Txhash::from_bytes(double_sha256(&[self.raw]))
    }

    /// The version; lotusd relays 1 and 2.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// The lock time.
    #[must_use]
    pub const fn lock_time(&self) -> u32 {
        self.lock_time
    }

    /// The inputs in order.
    #[must_use]
    pub const fn inputs(&self) -> Inputs<'a> {
        self.inputs
    }

    /// The outputs in order.
    #[must_use]
    pub const fn outputs(&self) -> Outputs<'a> {
        self.outputs
    }

    /// The output with this index.
    #[must_use]
    pub fn output(&self, vout: u32) -> Option<Output<'a>> {
        self.outputs().nth(usize::try_from(vout).ok()?)
    }

    /// Whether this is the first transaction of a block, which spends nothing.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        let null = OutPoint { txid: Txid::from_bytes([0; 32]), vout: u32::MAX };
        let mut inputs = self.inputs();
        inputs.next().is_some_and(|input| input.previous == null) && inputs.next().is_none()
    }

    /// The bytes that were parsed.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// The number of bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no transaction is empty")]
    pub const fn len(&self) -> usize {
        self.raw.len()
    }
}

macro_rules! entries {
    ($(#[$doc:meta])* $name:ident of $entry:ident by $read:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a> {
            reader: Reader<'a>,
            remaining: u32,
        }

        impl<'a> Iterator for $name<'a> {
            type Item = $entry<'a>;

            fn next(&mut self) -> Option<$entry<'a>> {
                self.remaining = self.remaining.checked_sub(1)?;
                $read(&mut self.reader).ok()
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                let remaining = self.remaining as usize;
                (remaining, Some(remaining))
            }
        }

        impl ExactSizeIterator for $name<'_> {}
    };
}

entries!(
    /// The inputs of a [`Transaction`], in order.
    Inputs of Input by read_input
);
entries!(
    /// The outputs of a [`Transaction`], in order.
    Outputs of Output by read_output
);

fn read_array<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], TxError> {
    reader.array().ok_or(TxError::Truncated)
}

/// A count or length: one byte, or 253, 254 or 255 and then 2, 4 or 8 bytes.
pub(super) fn read_size(reader: &mut Reader<'_>) -> Result<u32, TxError> {
    let [first] = read_array(reader)?;
    let (size, least): (u64, u64) = match first {
        0xfd => (u16::from_le_bytes(read_array(reader)?).into(), 0xfd),
        0xfe => (u32::from_le_bytes(read_array(reader)?).into(), 0x1_0000),
        0xff => (u64::from_le_bytes(read_array(reader)?), 0x1_0000_0000),
        small => (small.into(), 0),
    };
    if size < least {
        return Err(TxError::NonCanonicalSize);
    }
    u32::try_from(size).ok().filter(|_| size <= MAX_SIZE).ok_or(TxError::SizeTooLarge)
}

/// The inverse of [`read_size`]: the bytes and how many of them count.
pub(super) fn encode_size(size: usize) -> ([u8; 5], usize) {
    let [a, b, c, d] = (size as u32).to_le_bytes();
    match size {
        0..0xfd => ([a, 0, 0, 0, 0], 1),
        0xfd..0x1_0000 => ([0xfd, a, b, 0, 0], 3),
        _ => ([0xfe, a, b, c, d], 5),
    }
}

fn read_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], TxError> {
    let len = read_size(reader)?;
    reader.take(len as usize).ok_or(TxError::Truncated)
}

fn read_input<'a>(reader: &mut Reader<'a>) -> Result<Input<'a>, TxError> {
    Ok(Input {
        previous: OutPoint {
            txid: Txid::from_bytes(read_array(reader)?),
            vout: u32::from_le_bytes(read_array(reader)?),
        },
        script: read_bytes(reader)?,
        sequence: u32::from_le_bytes(read_array(reader)?),
    })
}

fn read_output<'a>(reader: &mut Reader<'a>) -> Result<Output<'a>, TxError> {
    // A negative value has its highest bit set and is far above the limit as an unsigned one.
    let value = Amount::from_sats(u64::from_le_bytes(read_array(reader)?));
    if value > Amount::MAX_MONEY {
        return Err(TxError::ValueOutOfRange);
    }
    Ok(Output { value, script: read_bytes(reader)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn output(value: u64, script: &[u8]) -> Vec<u8> {
        let (size, len) = encode_size(script.len());
        [&value.to_le_bytes(), &size[..len], script].concat()
    }

    /// A transaction of one input, spending `previous`, and these outputs.
    fn transaction(previous: OutPoint, outputs: &[Vec<u8>]) -> Vec<u8> {
        let vout = previous.vout.to_le_bytes();
        let (size, len) = encode_size(outputs.len());
        let head: &[&[u8]] =
            &[&[2, 0, 0, 0, 1], previous.txid.as_bytes(), &vout, &[1, 0x51], &[0xff; 4]];
        [&head.concat(), &size[..len], &outputs.concat(), &[0; 4]].concat()
    }

    const SPENT: OutPoint = OutPoint { txid: Txid::from_bytes([7; 32]), vout: 3 };

    #[test]
    fn what_was_written_is_read() {
        let raw = transaction(SPENT, &[output(5, b"one"), output(6, &[9; 300])]);
        let tx = Transaction::parse(&raw).unwrap();
        assert_eq!((tx.version(), tx.lock_time(), tx.len()), (2, 0, raw.len()));
        let input = Input { previous: SPENT, script: &[0x51], sequence: u32::MAX };
        assert!(tx.inputs().eq([input]));
        assert_eq!(tx.outputs().len(), 2);
        assert_eq!(tx.output(0), Some(Output { value: Amount::from_sats(5), script: b"one" }));
        assert_eq!(tx.output(1).unwrap().script, [9; 300]);
        assert_eq!(tx.output(2), None);
        assert_eq!(tx.output(u32::MAX), None);
        assert!(!tx.is_coinbase());
    }

    #[test]
    fn the_id_does_not_cover_input_scripts() {
        let raw = transaction(SPENT, &[output(5, b"one")]);
        let mut signed = raw.clone();
        signed[42] = 0x52;
        let (one, other) =
            (Transaction::parse(&raw).unwrap(), Transaction::parse(&signed).unwrap());
        assert_eq!(one.txid(), other.txid());
        assert_ne!(one.txhash(), other.txhash());
    }

    #[test]
    fn a_coinbase_spends_nothing() {
        let null = OutPoint { txid: Txid::from_bytes([0; 32]), vout: u32::MAX };
        let is_coinbase =
            |previous| Transaction::parse(&transaction(previous, &[])).unwrap().is_coinbase();
        assert!(is_coinbase(null));
        assert!(!is_coinbase(OutPoint { vout: 0, ..null }));
        assert!(!is_coinbase(OutPoint { vout: u32::MAX, ..SPENT }));
    }

    fn error(raw: &[u8]) -> Option<TxError> {
        Transaction::parse(raw).err()
    }

    #[test]
    fn every_cut_is_noticed() {
        let raw = transaction(SPENT, &[output(5, b"one"), output(6, &[9; 300])]);
        for len in 0..raw.len() {
            assert_eq!(error(&raw[..len]), Some(TxError::Truncated), "{len}");
        }
        assert_eq!(error(&[&raw, &[0][..]].concat()), Some(TxError::TrailingBytes));
    }

    #[test]
    fn money_is_limited() {
        let max = Amount::MAX_MONEY.sats();
        let with = |values: &[u64]| {
            let outputs: Vec<_> = values.iter().map(|value| output(*value, b"")).collect();
            error(&transaction(SPENT, &outputs))
        };
        assert_eq!(with(&[max]), None);
        assert_eq!(with(&[max - 1, 1]), None);
        assert_eq!(with(&[max + 1]), Some(TxError::ValueOutOfRange));
        assert_eq!(with(&[u64::MAX]), Some(TxError::ValueOutOfRange));
        assert_eq!(with(&[max, 1]), Some(TxError::SumOutOfRange));
        assert_eq!(with(&[1, max, max]), Some(TxError::SumOutOfRange));
    }

    #[test]
    fn sizes_are_shortest_and_limited() {
        let inputs = |size: &[u8]| error(&[&[2, 0, 0, 0], size].concat());
        assert_eq!(inputs(&[0xfd, 0xfc, 0]), Some(TxError::NonCanonicalSize));
        assert_eq!(inputs(&[0xfd, 0xfd, 0]), Some(TxError::Truncated));
        assert_eq!(inputs(&[0xfe, 0xff, 0xff, 0, 0]), Some(TxError::NonCanonicalSize));
        assert_eq!(inputs(&[0xfe, 0, 0, 0, 2]), Some(TxError::Truncated));
        assert_eq!(inputs(&[0xfe, 1, 0, 0, 2]), Some(TxError::SizeTooLarge));
        assert_eq!(inputs(&[0xff, 0, 0, 0, 2, 0, 0, 0, 0]), Some(TxError::NonCanonicalSize));
        assert_eq!(inputs(&[0xff; 9]), Some(TxError::SizeTooLarge));
        for size in [0, 0xfc, 0xfd, 0xffff, 0x1_0000, MAX_SIZE as usize] {
            let (bytes, len) = encode_size(size);
            assert_eq!(read_size(&mut Reader::new(&bytes[..len])), Ok(size as u32));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_parsed(mut raw: Vec<u8>, inputs in 0_u8..3) {
            // A plausible count reaches deeper than a random one.
            if let Some(count) = raw.get_mut(4) {
                *count = inputs;
            }
            if let Ok(tx) = Transaction::parse(&raw) {
                let _ = (tx.txid(), tx.txhash(), tx.is_coinbase(), tx.outputs().count());
            }
        }

        #[test]
        fn a_changed_byte_never_panics_nor_keeps_the_hash(at in 0_usize..200, byte in 1_u8..) {
            let raw = transaction(SPENT, &[output(5, b"one"), output(6, &[9; 90])]);
            let mut changed = raw.clone();
            let at = at % raw.len();
            changed[at] ^= byte;
            if let Ok(tx) = Transaction::parse(&changed) {
                let before = Transaction::parse(&raw).unwrap();
                proptest::prop_assert_ne!(tx.txhash(), before.txhash());
                let in_script = at == 42;
                proptest::prop_assert_eq!(tx.txid() == before.txid(), in_script);
            }
        }
    }
}
