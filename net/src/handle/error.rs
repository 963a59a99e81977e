//! Why a request to a node fails.

use ltms_core::{Decision, Timestamp};

use crate::{chain::SourceError, claim::ClaimError};

/// A request to the node failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
    /// The policy refuses it, as it would refuse others'.
    #[error("refused: {}{}", .0.reason, wait(.0.retry_at))]
    Refused(Decision),
    /// The offer cannot be written down.
    #[error("the offer is not valid: {0}")]
    Offer(#[from] ltms_core::wire::WireError),
    /// The offer has too many types or addresses, or is too long.
    #[error("the offer is too large")]
    TooLarge,
    /// The chain source did not answer.
    #[error("chain source: {0}")]
    Source(#[from] SourceError),
    /// The transaction is not in the chain.
    #[error("transaction {0} is not in a block")]
    NoTransaction(ltms_core::Txid),
    /// No claim can be made from the transaction.
    #[error("claim: {0}")]
    Claim(#[from] ClaimError),
    /// The address cannot be dialled.
    #[error("dial: {0}")]
    Dial(String),
    /// It is done, and cannot be written to the store: it would not outlive the node.
    #[error("done, but not stored: {0}")]
    NotStored(String),
    /// Its own task ended, which is a defect.
    #[error("the node failed: {0}")]
    Failed(String),
    /// As many searches are under way as there may be.
    #[error("too many searches at a time")]
    Busy,
    /// The peer is not connected, or gave no answer in time.
    #[error("the peer gave no answer")]
    NoAnswer,
}

fn wait(until: Option<Timestamp>) -> String {
    until.map(|at| format!(", try again at {}", at.as_millis())).unwrap_or_default()
}
