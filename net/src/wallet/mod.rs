//! Addresses, and transactions that burn.
//!
//! Nothing here asks the network: coins are given as they are, and what comes out is a raw
//! transaction for whoever may send it.

mod address;
mod build;
mod fee;

pub use address::{Address, AddressError, KeyHash};
pub use build::{BuildError, Burning, Coin, SignedTransaction};
pub use fee::{FeeRate, FeeRateError};
