//! Headers, blocks, and proofs that a transaction is in a block or in the chain.

use ltms_core::chain::merkle::{leaf, root, root_from_branch};
use ltms_core::chain::{Anchor, Header, InclusionProof, Proved, Target, Transaction, TxOutProof};
use ltms_core::{BlockHeight, OutPoint};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt};

use crate::convert::{AnchorTuple, Bits, BlockText, Hash, Index, Position, TxidText};
use crate::errors::{TransactionError, header as refused, input, proof as refuse};
use crate::names;
use crate::plain::dict;

/// A number of 256 bits.
fn number(py: Python<'_>, bytes: [u8; 32]) -> PyResult<Bound<'_, PyAny>> {
    py.get_type::<PyInt>().call_method1("from_bytes", (PyBytes::new(py, &bytes), "big"))
}

fn shown<'py>(py: Python<'py>, header: &Header) -> PyResult<Bound<'py, PyDict>> {
    let target = header.target().ok();
    Ok(dict!(py;
        hash: header.hash().to_string(), prev: header.prev().to_string(),
        epoch: header.epoch().to_string(), height: header.height().get(),
        time: header.time().as_millis(), bits: header.bits(),
        target: target.map(|target| number(py, target.to_be_bytes())).transpose()?,
        merkle_root: PyBytes::new(py, &header.merkle_root()), has_work: header.meets_target()))
}

/// What a block header of 160 bytes says: a dict of hash, prev and epoch (text), height, time
/// (milliseconds since 1970), bits, target (a number that no hash with the claimed work exceeds;
/// None if bits make none), merkle_root (32 bytes, as they stand in the header) and has_work, whether
/// the hash has the work that the header itself claims.
///
/// Raises InputError if the bytes are no header.
#[pyfunction]
pub(crate) fn parse_header<'py>(py: Python<'py>, header: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    shown(py, &Header::parse(header).map_err(refused)?)
}

/// What the compact difficulty of a header stands for: (target, work), the greatest hash that has
/// it, as a number, and how many hashes that takes on average, at most 2^128 - 1.
///
/// bits: a number below 2^32. Raises InputError where no header can have it.
///
///     >>> import ltms
///     >>> target, work = ltms.parse_bits(0x1C100000)
///     >>> hex(target), work
///     ('0x10000000000000000000000000000000000000000000000000000000', 68719476735)
#[pyfunction]
pub(crate) fn parse_bits(py: Python<'_>, bits: Bits) -> PyResult<(Bound<'_, PyAny>, u128)> {
    let target = Target::from_bits(bits.0).map_err(input)?;
    Ok((number(py, target.to_be_bytes())?, target.work()))
}

/// The number before the transactions, in its shortest form, and what follows it.
fn split_count(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (len, least) = match first {
        0xfd => (2, 0xfd),
        0xfe => (4, 0x1_0000),
        0xff => (8, 0x1_0000_0000),
        small => return Some((small.into(), rest)),
    };
    let (digits, rest) = rest.split_at_checked(len)?;
    let count = digits.iter().rev().fold(0, |count, byte| count << 8 | u64::from(*byte));
    (count >= least).then_some((count, rest))
}

/// The transactions of a block whose header has their root, with its header.
fn block(raw: &[u8]) -> Result<(Header, Vec<Transaction<'_>>), String> {
    let (header, body) = raw.split_at_checked(Header::LEN).ok_or("it is shorter than a header")?;
    let header = Header::parse(header).map_err(|error| error.to_string())?;
    let Some((0, body)) = split_count(body) else { return Err("it has metadata".into()) };
    let (count, mut rest) = split_count(body).ok_or("the number of transactions is cut off")?;
    let mut transactions = Vec::new();
    for number in 0..count {
        let (transaction, after) = Transaction::split_first(rest)
            .map_err(|error| format!("transaction {number}: {error}"))?;
        transactions.push(transaction);
        rest = after;
    }
    if !rest.is_empty() {
        return Err("bytes follow the last transaction".into());
    }
    if root(leaves(&transactions)).hash != header.merkle_root() {
        return Err("its transactions are not those of its header".into());
    }
    Ok((header, transactions))
}

fn leaves(transactions: &[Transaction<'_>]) -> impl Iterator<Item = [u8; 32]> {
    transactions.iter().map(|tx| leaf(&tx.txhash(), &tx.txid()))
}

fn no_block(problem: String) -> PyErr {
    input(format_args!("no block: {problem}"))
}

/// What a raw block says, as lotusd's `getblock` gives it: a dict of header (as parse_header) and
/// transactions, the bytes of each in their order, the coinbase first.
///
/// Raises InputError for bytes that are no block, and where the header has another root than the
/// transactions. Its work is not weighed: header has has_work.
#[pyfunction]
pub(crate) fn parse_block<'py>(py: Python<'py>, block: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let (header, transactions) = py.detach(|| self::block(block)).map_err(no_block)?;
    let mut raws = Vec::new();
    let mut rest = block;
    // They end where the block does, one behind the other.
    for transaction in transactions.iter().rev() {
        let (before, raw) = rest.split_at(rest.len() - transaction.len());
        raws.push(PyBytes::new(py, raw));
        rest = before;
    }
    raws.reverse();
    Ok(dict!(py; header: shown(py, &header)?, transactions: raws))
}

/// The siblings that lead from a transaction of a raw block to the root in its header, the leaf's
/// own first: a list of 32 bytes each, as a claim has it. position: 0 is the coinbase.
///
/// Raises InputError as parse_block, and where the block has no such transaction.
#[pyfunction]
pub(crate) fn merkle_branch<'py>(
    py: Python<'py>,
    block: &[u8],
    position: Position,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let (_, transactions) = py.detach(|| self::block(block)).map_err(no_block)?;
    let count = transactions.len();
    let at = usize::try_from(position.0).ok().filter(|at| *at < count);
    let mut at = at.ok_or_else(|| input(format_args!("the block has {count} transactions")))?;
    let mut level: Vec<_> = leaves(&transactions).collect();
    let mut branch = Vec::new();
    while level.len() > 1 {
        branch.push(level.get(at ^ 1).copied().unwrap_or_default());
        level = level.chunks(2).map(parent).collect();
        at >>= 1;
    }
    Ok(branch.iter().map(|hash| PyBytes::new(py, hash)).collect())
}

/// What a tree of two has on top; a missing one is 32 zero bytes.
fn parent(pair: &[[u8; 32]]) -> [u8; 32] {
    let (left, right) = (pair.first(), pair.get(1));
    root([left.copied().unwrap_or_default(), right.copied().unwrap_or_default()]).hash
}

/// The root to which a branch leads from a transaction, 32 bytes as merkle_root of a header: if
/// they are equal, the transaction is in the block.
///
/// branch: hashes of 32 bytes, the leaf's sibling first; position: that of the transaction in its
/// block. Raises TransactionError for bytes that are none, and ProofError for a branch that no
/// block has.
///
/// Together with merkle_branch it is what a claim of a burn needs:
///
///     told = ltms.parse_block(block)
///     for position, raw in enumerate(told["transactions"]):
///         branch = ltms.merkle_branch(block, position)
///         assert ltms.merkle_root(raw, position, branch) == told["header"]["merkle_root"]
#[pyfunction]
pub(crate) fn merkle_root<'py>(
    py: Python<'py>,
    raw_tx: &[u8],
    position: Position,
    branch: Vec<Hash>,
) -> PyResult<Bound<'py, PyBytes>> {
    let tx =
        Transaction::parse(raw_tx).map_err(|error| TransactionError::new_err(error.to_string()))?;
    let branch: Vec<_> = branch.iter().map(|hash| hash.0).collect();
    let root = root_from_branch(&leaf(&tx.txhash(), &tx.txid()), position.0, &branch);
    Ok(PyBytes::new(py, &root.map_err(|error| refuse(&error, &error))?))
}

fn checked(proof: &[u8], txid: TxidText, block_hash: BlockText) -> PyResult<u32> {
    let proof = TxOutProof::parse(proof).map_err(|error| refuse(&error, &error))?;
    let block = proof.header().hash();
    if block != block_hash.0 {
        return Err(refuse(&format_args!("the proof is of block {block}"), &"OtherBlock"));
    }
    proof.verify(&txid.0).map_err(|error| refuse(&error, &error))
}

/// Whether a proof, as lotusd's gettxoutproof gives it, shows that the transaction is in the block.
///
/// Nothing is said about the block: neither its work nor whether the chain has it. Bytes that are
/// no proof prove nothing: False. check_txoutproof says what is wrong.
///
///     >>> import ltms
///     >>> ltms.verify_txoutproof(b"no proof", "11" * 32, "22" * 32)
///     False
#[pyfunction]
pub(crate) fn verify_txoutproof(proof: &[u8], txid: TxidText, block_hash: BlockText) -> bool {
    checked(proof, txid, block_hash).is_ok()
}

/// The position of the transaction in the block, 0 being the coinbase, as the proof shows it.
///
/// Raises ProofError with what is wrong where verify_txoutproof is False; its kind is a word for it
/// that never changes.
#[pyfunction]
pub(crate) fn check_txoutproof(
    proof: &[u8],
    txid: TxidText,
    block_hash: BlockText,
) -> PyResult<u32> {
    checked(proof, txid, block_hash)
}

/// What the header in a proof of gettxoutproof says, as parse_header does.
///
/// Raises ProofError if the bytes are no proof.
#[pyfunction]
pub(crate) fn parse_txoutproof<'py>(py: Python<'py>, proof: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let proof = TxOutProof::parse(proof).map_err(|error| refuse(&error, &error))?;
    shown(py, proof.header())
}

/// What a proof for devices that follow no chain shows of an output: a dict of position in the
/// block, header (as parse_header), depth (blocks that follow), value (satoshis), script, evidence
/// (an Evidence) and work.
///
/// anchor: (hash, height) of a later block that you trust, never told by whoever brings the proof.
/// None weighs the work alone, which proves little: evidence is then Evidence.WEAK, and work the
/// hashes that the blocks took; it is None with an anchor.
/// Raises ProofError with what is wrong.
#[pyfunction]
#[pyo3(signature = (proof, txid, vout, anchor = None))]
pub(crate) fn verify_inclusion<'py>(
    py: Python<'py>,
    proof: &[u8],
    txid: TxidText,
    vout: Index,
    anchor: Option<AnchorTuple>,
) -> PyResult<Bound<'py, PyDict>> {
    let wrong = |error| refuse(&error, &error);
    let outpoint = OutPoint { txid: txid.0, vout: vout.0 };
    let proof = InclusionProof::parse(proof).map_err(wrong)?;
    let (proved, work) = match anchor {
        Some(AnchorTuple { hash, height }) => {
            let anchor = Anchor { hash: hash.0, height: BlockHeight::new(height.0) };
            (proof.verify(&outpoint, &anchor).map_err(wrong)?, None)
        }
        None => proof.weigh(&outpoint).map(|(proved, work)| (proved, Some(work))).map_err(wrong)?,
    };
    let Proved { output, position, header, depth, class, .. } = proved;
    Ok(dict!(py;
        position: position, header: shown(py, &header)?, depth: depth,
        value: output.value.sats(), script: PyBytes::new(py, output.script),
        evidence: names::evidence(py, class)?, work: work))
}
