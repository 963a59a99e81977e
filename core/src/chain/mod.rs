//! Transactions and blocks of the Lotus chain, as lotusd hashes and encodes them.
//!
//! All integers are little-endian. Hashes are in internal byte order; every display reverses them.

mod header;
mod links;
pub mod merkle;
mod proof;
mod sighash;
mod target;
mod tx;
mod txoutproof;

pub use header::{Header, HeaderError};
pub use links::{Links, link, work_link};
pub use merkle::BranchError;
pub use proof::{Anchor, InclusionProof, ProofError, Proved};
pub use sighash::{HashType, Sighash, SighashError};
pub use target::{Target, TargetError};
pub use tx::{Input, Inputs, Output, Outputs, Transaction, TxError};
pub use txoutproof::{TxOutProof, TxOutProofError};
