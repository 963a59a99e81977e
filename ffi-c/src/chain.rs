//! Transactions, block headers and proofs that a transaction is in a block.

use core::ffi::c_char;

use ltms_core::chain::{Anchor, Header, InclusionProof, Proved, Transaction, TxOutProof};
use ltms_core::{BlockHash, BlockHeight, EvidenceClass, OutPoint, Txid};

use crate::guard::run;
use crate::raw;
use crate::status::ltms_status;
use crate::types::{ltms_block_hash, ltms_identity, ltms_txid};

/// Proof of work only: never enough to register.
pub const LTMS_EVIDENCE_WEAK: u8 = 0;
/// Linked to a block that the device's owner trusts.
pub const LTMS_EVIDENCE_ANCHORED: u8 = 1;
/// Told by an indexer and recomputed by us.
pub const LTMS_EVIDENCE_INDEXER: u8 = 2;
/// Told by a node that we trust.
pub const LTMS_EVIDENCE_NODE: u8 = 3;

/// The id of a raw transaction, `tx_len` bytes. Lotus ids do not cover the unlocking scripts.
///
/// Errors: LTMS_TX_… for bytes that are not one whole transaction.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_tx_txid(
    txid: *mut ltms_txid,
    tx: *const u8,
    tx_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let txid = raw::out(txid)?;
        txid.write(Transaction::parse(raw::items(tx, tx_len)?)?.txid().into());
        Ok(())
    })
}

/// Writes a transaction id as it is displayed: 64 hexadecimal digits and a zero, 65 bytes.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_txid_to_hex(hex: *mut c_char, txid: *const ltms_txid) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let hex = raw::out(hex.cast::<[u8; 65]>())?;
        hex.write(to_hex(Txid::from(raw::get(txid)?).to_display_bytes()));
        Ok(())
    })
}

/// Reads a transaction id as it is displayed: `hex_len` has to be 64.
///
/// Errors: LTMS_HEX for anything but 64 hexadecimal digits, LTMS_TEXT for what is no text at all.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_txid_from_hex(
    txid: *mut ltms_txid,
    hex: *const c_char,
    hex_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let txid = raw::out(txid)?;
        txid.write(raw::text(hex, hex_len)?.parse::<Txid>()?.into());
        Ok(())
    })
}

/// Writes a block hash as it is displayed: 64 hexadecimal digits and a zero, 65 bytes.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_block_hash_to_hex(
    hex: *mut c_char,
    hash: *const ltms_block_hash,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let hex = raw::out(hex.cast::<[u8; 65]>())?;
        hex.write(to_hex(BlockHash::from(raw::get(hash)?).to_display_bytes()));
        Ok(())
    })
}

/// Reads a block hash as it is displayed: `hex_len` has to be 64.
///
/// Errors: LTMS_HEX for anything but 64 hexadecimal digits, LTMS_TEXT for what is no text at all.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_block_hash_from_hex(
    hash: *mut ltms_block_hash,
    hex: *const c_char,
    hex_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let hash = raw::out(hash)?;
        hash.write(raw::text(hex, hex_len)?.parse::<BlockHash>()?.into());
        Ok(())
    })
}

fn to_hex(bytes: [u8; 32]) -> [u8; 65] {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    let mut hex = [0; 65];
    for (to, byte) in hex.chunks_exact_mut(2).zip(bytes) {
        to.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}

/// The identity that a registration burn in output `vout` of a transaction creates.
///
/// Errors: LTMS_OUTPUT_INDEX for an index above 255, which no identity has.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_identity_id(
    identity: *mut ltms_identity,
    txid: *const ltms_txid,
    vout: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let identity = raw::out(identity)?;
        let outpoint = OutPoint { txid: raw::get(txid)?.into(), vout };
        identity.write(outpoint.identity_id()?.into());
        Ok(())
    })
}

/// A block header. What it says is not known to be true.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_header {
    /// Its hash.
    pub hash: ltms_block_hash,
    /// The block before it.
    pub prev: ltms_block_hash,
    /// The root over its transactions.
    pub merkle_root: [u8; 32],
    /// Its time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Its height.
    pub height: u32,
    /// Its target, in compact form.
    pub bits: u32,
}

impl From<&Header> for ltms_header {
    fn from(header: &Header) -> Self {
        Self {
            hash: header.hash().into(),
            prev: header.prev().into(),
            merkle_root: header.merkle_root(),
            time_ms: header.time().as_millis(),
            height: header.height().get(),
            bits: header.bits(),
        }
    }
}

/// Reads a block header of 160 bytes. Its work is not looked at.
///
/// Errors: LTMS_HEADER_….
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_header_read(
    header: *mut ltms_header,
    bytes: *const u8,
    bytes_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let header = raw::out(header)?;
        header.write((&Header::parse(raw::items(bytes, bytes_len)?)?).into());
        Ok(())
    })
}

/// Whether a proof of lotusd's `gettxoutproof` is one of transaction `txid`: LTMS_OK if so. Then
/// `*header` is that of the proof's block and `*position` the index of the transaction in it.
///
/// Whether that block is in the chain has to be asked somebody else: compare the hash. Ask, too,
/// that the transaction is no smaller than 100 bytes, as all are in blocks.
///
/// Errors: LTMS_TX_OUT_PROOF_… or LTMS_HEADER_… for what is wrong.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_txoutproof_verify(
    header: *mut ltms_header,
    position: *mut u32,
    proof: *const u8,
    proof_len: usize,
    txid: *const ltms_txid,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (header, position) = (raw::out(header)?, raw::out(position)?);
        let proof = TxOutProof::parse(raw::items(proof, proof_len)?)?;
        position.write(proof.verify(&raw::get(txid)?.into())?);
        header.write(proof.header().into());
        Ok(())
    })
}

/// What a proof of inclusion proved.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_proved {
    /// The header of the block. With LTMS_EVIDENCE_WEAK its height is only claimed.
    pub header: ltms_header,
    /// The output's amount, in satoshis.
    pub value_sats: u64,
    /// The output's script, inside the proof's own bytes: good for as long as those are.
    pub script: *const u8,
    /// Its length.
    pub script_len: usize,
    /// The position of the transaction in its block, never 0.
    pub position: u32,
    /// Blocks that follow: up to the anchor, or as many as show their work.
    pub depth: u32,
    /// LTMS_EVIDENCE_ANCHORED or LTMS_EVIDENCE_WEAK.
    pub evidence: u8,
}

impl From<Proved<'_>> for ltms_proved {
    fn from(proved: Proved<'_>) -> Self {
        Self {
            header: (&proved.header).into(),
            value_sats: proved.output.value.sats(),
            script: proved.output.script.as_ptr(),
            script_len: proved.output.script.len(),
            position: proved.position,
            depth: proved.depth,
            evidence: proved.class as u8,
        }
    }
}

/// Whether an encoded proof of inclusion leads from output `vout` of transaction `txid` to the
/// block `anchor` of height `anchor_height`, which the owner of the device trusts. It must never
/// come from whoever brings the proof.
///
/// The work is in proportion to `proof_len`, which the caller limits.
///
/// Errors: LTMS_PROOF_…, LTMS_BRANCH_…, LTMS_HEADER_… or LTMS_TX_… for what is wrong.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_inclusion_verify(
    proved: *mut ltms_proved,
    proof: *const u8,
    proof_len: usize,
    txid: *const ltms_txid,
    vout: u32,
    anchor: *const ltms_block_hash,
    anchor_height: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let proved = raw::out(proved)?;
        let proof = InclusionProof::parse(raw::items(proof, proof_len)?)?;
        let anchor =
            Anchor { hash: raw::get(anchor)?.into(), height: BlockHeight::new(anchor_height) };
        let outpoint = OutPoint { txid: raw::get(txid)?.into(), vout };
        proved.write(proof.verify(&outpoint, &anchor)?.into());
        Ok(())
    })
}

/// The same without an anchor: whether the output is in a block, and how many hashes that block and
/// those after it took on average, as 16 bytes, little-endian, at `work`. LTMS_EVIDENCE_WEAK never
/// registers: a few graphics cards make such blocks.
///
/// Errors: as for ltms_inclusion_verify.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_inclusion_weigh(
    proved: *mut ltms_proved,
    work: *mut u8,
    proof: *const u8,
    proof_len: usize,
    txid: *const ltms_txid,
    vout: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (proved, work) = (raw::out(proved)?, raw::out(work.cast::<[u8; 16]>())?);
        let proof = InclusionProof::parse(raw::items(proof, proof_len)?)?;
        let (what, hashes) = proof.weigh(&OutPoint { txid: raw::get(txid)?.into(), vout })?;
        work.write(hashes.to_le_bytes());
        proved.write(what.into());
        Ok(())
    })
}

const _: () = {
    assert!(size_of::<ltms_header>() == 112);
    assert!(EvidenceClass::Weak as u8 == LTMS_EVIDENCE_WEAK);
    assert!(EvidenceClass::Anchored as u8 == LTMS_EVIDENCE_ANCHORED);
    assert!(EvidenceClass::Indexer as u8 == LTMS_EVIDENCE_INDEXER);
    assert!(EvidenceClass::Node as u8 == LTMS_EVIDENCE_NODE);
};
