//! Where knowledge of the chain comes from.

mod block;
mod dev;
pub(crate) mod raw;
mod recording;
mod regtest;

use futures::future::BoxFuture;
use ltms_core::chain::Header;
use ltms_core::{BlockHash, EvidenceClass, Tip, Txid};

pub use block::{Block, BlockError};
pub use dev::{DevChain, MineError};
pub use recording::RecordingError;

/// Somebody who knows the chain. Answers are about its active part, and may differ from one call
/// to the next when the chain is reorganised.
pub trait ChainSource: Send + Sync + 'static {
    /// Who says so.
    fn class(&self) -> EvidenceClass;

    /// The end of the active chain.
    fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>>;

    /// The header of a block in the active chain; `None` if it is not in it.
    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>>;

    /// A transaction in a block of the active chain; `None` if it is unknown or unconfirmed.
    fn transaction(
        &self,
        txid: Txid,
    ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>>;
}

/// A transaction and the way from it to its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludedTransaction {
    /// The whole transaction as it was mined.
    pub raw: Vec<u8>,
    /// The block.
    pub block: BlockHash,
    /// The index of the transaction in the block; 0 is the coinbase.
    pub position: u32,
    /// The hashes from the transaction to the block's root, the leaf's sibling first.
    pub branch: Vec<[u8; 32]>,
}

/// Why a source gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It cannot be reached, took too long or is not ready; it may be asked again.
    #[error("the chain source is unavailable: {0}")]
    Unavailable(String),
    /// It does not serve us: credentials or permissions are wrong.
    #[error("the chain source refused: {0}")]
    Refused(String),
    /// It lacks what it is asked for, such as an index of transactions.
    #[error("the chain source cannot answer this: {0}")]
    Unsupported(String),
    /// What it said cannot be true, or cannot be read.
    #[error("the chain source gave a wrong answer: {0}")]
    WrongAnswer(String),
}
