//! Transactions and blocks of the Lotus chain, as lotusd hashes and encodes them.
//!
//! All integers are little-endian. Hashes are in internal byte order; every display reverses them.

mod header;
pub mod merkle;
mod sighash;
mod target;
mod tx;

pub use header::{Header, HeaderError};
pub use merkle::BranchError;
pub use sighash::{HashType, Sighash, SighashError};
pub use target::{Target, TargetError};
pub use tx::{Input, Inputs, Output, Outputs, Transaction, TxError};
