//! What a source says, recomputed.

use ltms_core::chain::{Header, Target, Transaction};
use ltms_core::{BlockHash, Network, Txid};

use super::http::printable;
use super::{Block, IncludedTransaction, SourceError};

/// An answer that cannot be true, with the reason.
pub(super) fn wrong(reason: impl ToString) -> SourceError {
    SourceError::WrongAnswer(printable(&reason.to_string()))
}

/// The header, if it is that of the block asked for and has work.
pub(super) fn header(
    raw: &[u8],
    hash: &BlockHash,
    network: Network,
) -> Result<Header, SourceError> {
    let header = Header::parse(raw).map_err(wrong)?;
    if header.hash() != *hash {
        return Err(wrong(format!("the header of {} instead of {hash}", header.hash())));
    }
    if !header.meets_target() {
        return Err(wrong(format!("block {hash} has not the work that its header claims")));
    }
    if header.target().is_ok_and(|target| target > Target::limit(network)) {
        return Err(wrong(format!("block {hash} is easier than the network allows")));
    }
    Ok(header)
}

/// The block, if it is the one asked for and complete.
pub(super) fn block(raw: &[u8], hash: &BlockHash, network: Network) -> Result<Block, SourceError> {
    header(raw.get(..Header::LEN).unwrap_or(raw), hash, network)?;
    Block::parse(raw).map_err(wrong)
}

/// Succeeds for the raw bytes of the transaction asked for.
pub(super) fn transaction(raw: &[u8], txid: &Txid) -> Result<(), SourceError> {
    let found = Transaction::parse(raw).map_err(wrong)?.txid();
    if found == *txid {
        Ok(())
    } else {
        Err(wrong(format!("transaction {found} instead of {txid}")))
    }
}

/// Does what may take long, such as reading a large block, aside of the tasks that must not wait.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    tokio::task::spawn_blocking(work).await.map_err(wrong)?
}

/// The transaction in a block that is said to have it.
pub(super) fn included(block: &Block, txid: &Txid) -> Result<IncludedTransaction, SourceError> {
    block.transaction(txid).ok_or_else(|| {
        wrong(format!("transaction {txid} is not in block {}", block.header().hash()))
    })
}
