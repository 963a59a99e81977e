//! What blocks are made of: transactions, trees of hashes, targets, and what a signature in a
//! transaction signs.

use ltms_core::chain::{
    HashType, Header, Output, Sighash, SighashError, Target, TargetError, Transaction, merkle,
};
use ltms_core::{Amount, Txhash, Txid};

use crate::guard::{Result, run};
use crate::messages::ltms_span;
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::ltms_txid;

/// A transaction.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_tx {
    /// Bytes that it has.
    pub len: u64,
    /// How many inputs.
    pub inputs: u32,
    /// How many outputs.
    pub outputs: u32,
    /// Its version.
    pub version: i32,
    /// Its lock time.
    pub lock_time: u32,
    /// 1 for a coinbase, else 0.
    pub coinbase: u8,
    /// Zeros.
    pub reserved: [u8; 7],
    /// Its id, which does not cover the unlocking scripts.
    pub txid: ltms_txid,
    /// The hash of all its bytes, in internal byte order.
    pub txhash: [u8; 32],
}

impl From<&Transaction<'_>> for ltms_tx {
    fn from(tx: &Transaction<'_>) -> Self {
        // A transaction of more bytes than 32 bits count is not read.
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        Self {
            len: tx.len() as u64,
            inputs: count(tx.inputs().len()),
            outputs: count(tx.outputs().len()),
            version: tx.version(),
            lock_time: tx.lock_time(),
            coinbase: tx.is_coinbase().into(),
            reserved: [0; 7],
            txid: tx.txid().into(),
            txhash: *tx.txhash().as_bytes(),
        }
    }
}

/// Reads the transaction that `bytes_len` bytes begin with; others may follow it, as in a block.
///
/// Errors: LTMS_TX_… for bytes that do not begin with a transaction.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_tx_read(
    tx: *mut ltms_tx,
    bytes: *const u8,
    bytes_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(tx)?;
        let (read, _) = Transaction::split_first(raw::items(bytes, bytes_len)?)?;
        out.write((&read).into());
        Ok(())
    })
}

/// An output of a transaction.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_output {
    /// What it is worth, in satoshis.
    pub value_sats: u64,
    /// Its script, as it stands in the transaction.
    pub script: ltms_span,
}

impl ltms_output {
    /// # Safety
    /// The contract at the top of the header, for what the span leads to.
    unsafe fn read<'a>(&self) -> Result<Output<'a>> {
        // SAFETY: the same promise.
        let script = unsafe { self.script.bytes() }?;
        Ok(Output { value: Amount::from_sats(self.value_sats), script })
    }
}

/// The output of this index of a raw transaction, `tx_len` bytes. Its script leads into them.
///
/// Errors: LTMS_TX_… for bytes that are not one whole transaction, LTMS_PROOF_NO_OUTPUT.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_tx_output(
    output: *mut ltms_output,
    tx: *const u8,
    tx_len: usize,
    vout: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(output)?;
        let tx = Transaction::parse(raw::items(tx, tx_len)?)?;
        let found = tx.output(vout).ok_or(Status::ProofNoOutput)?;
        let (value_sats, script) = (found.value.sats(), ltms_span::of(found.script));
        out.write(ltms_output { value_sats, script });
        Ok(())
    })
}

impl From<SighashError> for Status {
    fn from(error: SighashError) -> Self {
        match error {
            SighashError::NoInput => Self::SighashNoInput,
            SighashError::SpentOutputs => Self::SighashSpentOutputs,
            SighashError::NoOutput => Self::SighashNoOutput,
            SighashError::ForkValue => Self::Value,
            _ => Self::Unlisted,
        }
    }
}

/// The most inputs of a transaction that ltms_tx_sighash takes.
pub const LTMS_SIGHASH_INPUTS_MAX: usize = 16;

/// Writes the 32 bytes that a signature of the input `input` signs. `spent` are the outputs that
/// the transaction's inputs spend, in this order, LTMS_SIGHASH_INPUTS_MAX at most; `hash_type` is
/// the byte behind the signature, and `fork_value` 0 as long as no replay protection is in force.
/// For scripts that run as they stand, such as P2PKH.
///
/// Errors: LTMS_TX_…, LTMS_SIGHASH_…, LTMS_LENGTH for too many outputs, LTMS_VALUE for a hash type
/// that lotusd does not know, or a fork value of more than 24 bits.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_tx_sighash(
    hash: *mut u8,
    tx: *const u8,
    tx_len: usize,
    input: u32,
    spent: *const ltms_output,
    spent_count: usize,
    hash_type: u8,
    fork_value: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(hash.cast::<[u8; 32]>())?;
        let tx = Transaction::parse(raw::items(tx, tx_len)?)?;
        let given = raw::items(spent, spent_count)?;
        let mut outputs = [Output { value: Amount::ZERO, script: &[] }; LTMS_SIGHASH_INPUTS_MAX];
        let spent = outputs.get_mut(..given.len()).ok_or(Status::Length)?;
        for (to, output) in spent.iter_mut().zip(given) {
            *to = output.read()?;
        }
        let hash_type = HashType::from_byte(hash_type).ok_or(Status::Value)?;
        out.write(Sighash::new(&tx, input, spent, hash_type, fork_value)?.hash());
        Ok(())
    })
}

/// Writes the 32 bytes that a transaction is in its block's tree: a leaf. Both hashes must come
/// from the raw transaction (ltms_tx_read), because leaves and inner nodes are hashed alike.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_merkle_leaf(
    leaf: *mut u8,
    txhash: *const u8,
    txid: *const ltms_txid,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(leaf.cast::<[u8; 32]>())?;
        let txhash = Txhash::from_bytes(*raw::array(txhash)?);
        out.write(merkle::leaf(&txhash, &Txid::from(raw::get(txid)?)));
        Ok(())
    })
}

/// Writes the 32 bytes of the root over `count` leaves of 32 bytes each; zeros for none.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_merkle_root(
    root: *mut u8,
    leaves: *const u8,
    count: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(root.cast::<[u8; 32]>())?;
        let leaves = raw::items(leaves.cast::<[u8; 32]>(), count)?;
        out.write(merkle::root(leaves.iter().copied()).hash);
        Ok(())
    })
}

/// Writes the 32 bytes of the root to which `count` siblings of 32 bytes each, from the leaves up,
/// lead from the leaf at `index`. That a block has this root is the caller's to compare.
///
/// Errors: LTMS_BRANCH_….
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_merkle_root_from_branch(
    root: *mut u8,
    leaf: *const u8,
    index: u32,
    branch: *const u8,
    count: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(root.cast::<[u8; 32]>())?;
        let (leaf, branch) = (raw::array(leaf)?, raw::items(branch.cast::<[u8; 32]>(), count)?);
        out.write(merkle::root_from_branch(leaf, index, branch)?);
        Ok(())
    })
}

impl From<TargetError> for Status {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Negative => Self::TargetNegative,
            TargetError::Zero => Self::TargetZero,
            TargetError::Overflow => Self::TargetOverflow,
            _ => Self::Unlisted,
        }
    }
}

/// Reads a target in compact form, as headers have it: writes the 32 bytes of the number,
/// big-endian, and to `work` the 16 bytes of how many hashes it takes on average, little-endian.
///
/// Errors: LTMS_TARGET_….
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_target_read(
    target: *mut u8,
    work: *mut u8,
    bits: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, hashes) = (raw::out(target.cast::<[u8; 32]>())?, raw::out(work.cast())?);
        let target = Target::from_bits(bits)?;
        out.write(target.to_be_bytes());
        hashes.write(target.work().to_le_bytes());
        Ok(())
    })
}

/// Whether a block header of 160 bytes has the work that it says itself: `*meets` becomes 1 or 0.
/// How much that has to be is the chain's to say.
///
/// Errors: LTMS_HEADER_….
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_header_meets_target(
    meets: *mut u8,
    header: *const u8,
    header_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let meets = raw::out(meets)?;
        meets.write(Header::parse(raw::items(header, header_len)?)?.meets_target().into());
        Ok(())
    })
}

const _: () = {
    assert!(size_of::<ltms_tx>() == 96);
    assert!(core::mem::offset_of!(ltms_tx, txid) == 32);
    assert!(size_of::<usize>() != 8 || size_of::<ltms_output>() == 24);
};
