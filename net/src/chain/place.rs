//! Where a transaction stands.

use ltms_core::{BlockHash, BlockHeight, Tip, Txid};

use super::{ChainSource, SourceError};

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Neither in the active chain nor, as far as the source can tell, on its way there.
    Unknown,
    /// Known, and in no block yet.
    Waiting,
    /// In a block of the active chain.
    Mined {
        /// The block.
        block: BlockHash,
        /// Its height.
        height: BlockHeight,
        /// Blocks from that one to the tip, both counted.
        confirmations: u32,
    },
}

/// Where the transaction stands, with the tip of which that is said.
///
/// # Errors
/// [`SourceError`].
pub async fn place(source: &dyn ChainSource, txid: Txid) -> Result<(Tip, Place), SourceError> {
    // The tip first: a block that comes meanwhile is counted the next time.
    let tip = source.tip().await?;
    if let Some(included) = source.transaction(txid).await?
        && let Some(header) = source.header(included.block).await?
    {
        let (block, height) = (included.block, header.height());
        // A block that is newer than the tip was just mined.
        let above = tip.height.get().saturating_sub(height.get());
        return Ok((tip, Place::Mined { block, height, confirmations: above.saturating_add(1) }));
    }
    let waiting = source.is_waiting(txid).await?;
    Ok((tip, if waiting { Place::Waiting } else { Place::Unknown }))
}
