//! Where knowledge of the chain comes from.

mod agree;
mod block;
mod check;
mod chronik;
mod dev;
mod handed_in;
mod http;
mod place;
mod prove;
pub(crate) mod raw;
mod recording;
mod regtest;
mod rpc;
mod setup;

use futures::{FutureExt, future, future::BoxFuture};
use ltms_core::chain::Header;
use ltms_core::{BlockHash, BlockHeight, EvidenceClass, Tip, Txid};

pub use agree::{Comparison, Quorum, QuorumError, Standing};
pub use block::{Block, BlockError};
pub use chronik::Chronik;
pub use dev::{DevChain, MineError};
pub use handed_in::{HandedIn, HandedInError};
pub use http::{EndpointError, HttpOptions};
pub use place::{Place, place};
pub use prove::{AnchorAt, Evidence, ProveError, prove};
pub use recording::RecordingError;
pub use rpc::{CallError, Credentials, LotusdRpc, RpcCode, RpcError};
pub use setup::{LotusdConfig, SetupError, SourceConfig};

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

    /// The bytes of a header in the active chain, for proofs; `None` if it is not in it. A source
    /// that does not say otherwise has none.
    fn raw_header(
        &self,
        _: BlockHash,
    ) -> BoxFuture<'_, Result<Option<[u8; Header::LEN]>, SourceError>> {
        let none = SourceError::Unsupported("it gives no raw headers".to_owned());
        future::ready(Err(none)).boxed()
    }

    /// Whether the transaction is known without being in the active chain, so that it may still be
    /// mined. A source that cannot tell says no.
    fn is_waiting(&self, _: Txid) -> BoxFuture<'_, Result<bool, SourceError>> {
        future::ready(Ok(false)).boxed()
    }
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
    /// It does not take the transaction that was handed to it.
    #[error("the transaction was rejected: {0}")]
    Rejected(String),
    /// Sources are on different chains, so that none of them is believed.
    #[error("chain sources disagree about block {}: {detail}", height.get())]
    Disagreement {
        /// The highest height that the sources have in common, or that of the block asked for.
        height: BlockHeight,
        /// Who says what.
        detail: String,
    },
}
