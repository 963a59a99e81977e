//! What the signature of an input signs.

use core::fmt;

use super::{Input, Output, Transaction, merkle, tx::encode_size};
use crate::Amount;
use crate::hash::{double_sha256, double_sha256_of};

/// The bits that say which outputs are signed, and the two values that are not "all".
const OUTPUTS: u8 = 0x1f;
const NONE: u8 = 2;
const SINGLE: u8 = 3;
/// The bits that choose the algorithm, and the two that lotusd takes.
const ALGORITHM: u8 = 0x60;
const FORKID: u8 = 0x40;
const LOTUS: u8 = 0x60;
/// Only the input itself is signed, so that others may be added.
const ANYONE_CAN_PAY: u8 = 0x80;

/// The last byte of a signature: what it covers and how that is hashed (lotusd,
/// `script/sighashtype.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashType(u8);

impl HashType {
    /// Everything, hashed as BIP 143 says (`ALL|FORKID`, 0x41). Valid at all times.
    pub const ALL: Self = Self(0x41);
    /// Everything, hashed in Lotus' own way (`ALL|LOTUS`, 0x61). The chain took it until December
    /// 2022 and again from December 2025.
    pub const ALL_LOTUS: Self = Self(0x61);

    /// From the byte in a signature; `None` where lotusd refuses it, such as Bitcoin's 0x01.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match (byte & OUTPUTS, byte & ALGORITHM) {
            (1..=SINGLE, FORKID | LOTUS) => Some(Self(byte)),
            _ => None,
        }
    }

    /// The byte in a signature.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    const fn outputs(self) -> u8 {
        self.0 & OUTPUTS
    }

    const fn is_lotus(self) -> bool {
        self.0 & ALGORITHM == LOTUS
    }

    const fn anyone_can_pay(self) -> bool {
        self.0 & ANYONE_CAN_PAY != 0
    }
}

/// Why nothing can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SighashError {
    /// The transaction has no input with this index.
    NoInput,
    /// There is not one spent output for every input.
    SpentOutputs,
    /// The hash type asks for the output with the input's index, and there is none.
    NoOutput,
    /// The fork value has more than 24 bits.
    ForkValue,
}

impl fmt::Display for SighashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoInput => "the transaction has no such input",
            Self::SpentOutputs => "there is not one spent output for every input",
            Self::NoOutput => "there is no output to sign beside the input",
            Self::ForkValue => "the fork value is above 0xffffff",
        })
    }
}

impl core::error::Error for SighashError {}

/// The message that the signature of one input signs.
///
/// For outputs whose script is executed as it stands, such as P2PKH: not P2SH, not Taproot.
#[derive(Clone, Copy, Debug)]
pub struct Sighash<'a> {
    transaction: &'a Transaction<'a>,
    spent: &'a [Output<'a>],
    index: u32,
    input: Input<'a>,
    spent_here: Output<'a>,
    hash_type: HashType,
    /// The hash type as it is hashed, with the fork value above it.
    full_type: u32,
}

impl<'a> Sighash<'a> {
    /// The fork value while no replay protection is in force.
    pub const NO_FORK: u32 = 0;
    /// The fork value that replay protection makes of [`Self::NO_FORK`]: signatures for nodes
    /// that missed an upgrade and for those that did not exclude each other. From when on is for
    /// each release of lotusd to say; 11.4 says 2026-12-24T01:03:00Z (`chainparams.cpp`).
    pub const REPLAY_PROTECTED: u32 = 0xff_dead;

    /// For the input `index` of `transaction`, whose inputs spend `spent` in this order.
    ///
    /// # Errors
    /// [`SighashError`] where there is nothing to sign.
    pub fn new(
        transaction: &'a Transaction<'a>,
        index: u32,
        spent: &'a [Output<'a>],
        hash_type: HashType,
        fork_value: u32,
    ) -> Result<Self, SighashError> {
        if fork_value > 0xff_ffff {
            return Err(SighashError::ForkValue);
        }
        if spent.len() != transaction.inputs().len() {
            return Err(SighashError::SpentOutputs);
        }
        let at = usize::try_from(index).map_err(|_| SighashError::NoInput)?;
        let input = transaction.inputs().nth(at).ok_or(SighashError::NoInput)?;
        let spent_here = *spent.get(at).ok_or(SighashError::NoInput)?;
        if hash_type.outputs() == SINGLE && transaction.output(index).is_none() {
            return Err(SighashError::NoOutput);
        }
        let full_type = u32::from(hash_type.byte()) | fork_value << 8;
        Ok(Self { transaction, spent, index, input, spent_here, hash_type, full_type })
    }

    /// The hash to sign.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        double_sha256_of(|sink| self.write(sink))
    }

    /// Hands on, piece by piece, what is hashed.
    pub fn write(&self, sink: &mut dyn FnMut(&[u8])) {
        if self.hash_type.is_lotus() {
            self.write_lotus(sink);
        } else {
            self.write_bip143(sink);
        }
    }

    /// The form of BIP 143, without segregated witnesses (lotusd, `script/interpreter.cpp`).
    fn write_bip143(&self, sink: &mut dyn FnMut(&[u8])) {
        const NOTHING: [u8; 32] = [0; 32];
        let tx = self.transaction;
        let everyone = !self.hash_type.anyone_can_pay();
        let all = self.signs_all_outputs();
        let prevouts =
            || double_sha256_of(|sink| tx.inputs().for_each(|input| write_previous(&input, sink)));
        let sequences = || {
            let write = |sink: &mut dyn FnMut(&[u8])| {
                tx.inputs().for_each(|input| sink(&input.sequence.to_le_bytes()));
            };
            double_sha256_of(write)
        };
        sink(&tx.version().to_le_bytes());
        sink(&if everyone { prevouts() } else { NOTHING });
        sink(&if everyone && all { sequences() } else { NOTHING });
        write_previous(&self.input, sink);
        let (size, len) = encode_size(self.spent_here.script.len());
        sink(size.get(..len).unwrap_or_default());
        sink(self.spent_here.script);
        sink(&self.spent_here.value.sats().to_le_bytes());
        sink(&self.input.sequence.to_le_bytes());
        sink(&if all {
            double_sha256_of(|sink| tx.outputs().for_each(|output| output.write(sink)))
        } else {
            self.single_output().unwrap_or(NOTHING)
        });
        sink(&tx.lock_time().to_le_bytes());
        sink(&self.full_type.to_le_bytes());
    }

    /// The form of Lotus (the same file, and `script/script_exec_data.h`).
    fn write_lotus(&self, sink: &mut dyn FnMut(&[u8])) {
        /// How the output is spent: by running its script.
        const SCRIPT_SPEND: u8 = 2;
        /// The position of the last OP_CODESEPARATOR: there is none.
        const NO_SEPARATOR: u32 = u32::MAX;
        let tx = self.transaction;
        let everyone = !self.hash_type.anyone_can_pay();
        sink(&self.full_type.to_le_bytes());
        sink(&double_sha256_of(|sink| {
            sink(&[SCRIPT_SPEND]);
            write_previous(&self.input, sink);
            sink(&self.input.sequence.to_le_bytes());
            self.spent_here.write(sink);
        }));
        sink(&NO_SEPARATOR.to_le_bytes());
        sink(&double_sha256(&[self.spent_here.script]));
        if everyone {
            sink(&self.index.to_le_bytes());
            sink(&merkle::root(self.spent.iter().map(Output::leaf)).hash);
            sink(&sum(self.spent.iter().copied()).sats().to_le_bytes());
        }
        if self.signs_all_outputs() {
            sink(&sum(tx.outputs()).sats().to_le_bytes());
        }
        sink(&tx.version().to_le_bytes());
        if everyone {
            let inputs = merkle::root(tx.inputs().map(|input| input.leaf()));
            sink(&inputs.hash);
            sink(&[inputs.layers]);
        }
        if self.signs_all_outputs() {
            let outputs = merkle::root(tx.outputs().map(|output| output.leaf()));
            sink(&outputs.hash);
            sink(&[outputs.layers]);
        } else if let Some(hash) = self.single_output() {
            sink(&hash);
        }
        sink(&tx.lock_time().to_le_bytes());
    }

    const fn signs_all_outputs(&self) -> bool {
        !matches!(self.hash_type.outputs(), NONE | SINGLE)
    }

    /// The hash of the output beside the input, where the hash type asks for it.
    fn single_output(&self) -> Option<[u8; 32]> {
        let asked = self.hash_type.outputs() == SINGLE;
        self.transaction.output(self.index).filter(|_| asked).map(|output| output.leaf())
    }
}

fn write_previous(input: &Input<'_>, sink: &mut dyn FnMut(&[u8])) {
    sink(input.previous.txid.as_bytes());
    sink(&input.previous.vout.to_le_bytes());
}

fn sum<'a>(outputs: impl Iterator<Item = Output<'a>>) -> Amount {
    outputs.fold(Amount::ZERO, |sum, output| sum.saturating_add(output.value))
}
