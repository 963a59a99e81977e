//! Admission policy for Lotus MuSig2 signer discovery.
//!
//! This crate says yes or no to what peers send, and why. It never reads a clock, opens a socket
//! or a file, allocates on the heap, or panics: time, randomness, bytes and memory are arguments.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::float_arithmetic
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod bans;
pub mod burn;
mod capacity;
mod certificate;
pub mod chain;
mod chain_clock;
mod changes;
mod event;
mod floor;
mod gate;
mod groups;
pub mod hash;
mod identities;
mod ids;
mod keys;
mod links;
mod metrics;
mod outcomes;
mod packed;
mod peers;
mod policy;
mod quota;
mod range;
mod reader;
mod reason;
pub mod record;
pub mod schnorr;
pub mod score;
pub mod session;
mod snapshot;
mod storage;
mod strangers;
mod table;
mod time;
mod tombstones;
mod units;
pub mod wire;

pub use capacity::Capacity;
pub use certificate::*;
pub use chain_clock::ChainClock;
pub use event::*;
pub use gate::*;
pub use hash::Seed;
pub use identities::EvidenceClass;
pub use ids::*;
pub use keys::Channel;
pub use metrics::Metrics;
pub use peers::{Direction, Groups};
pub use policy::*;
pub use quota::*;
pub use reason::*;
#[cfg(feature = "alloc")]
pub use snapshot::snapshot_of;
pub use snapshot::{Dropped, Restored, SEAL_LEN, SnapshotError, StoredRow};
#[cfg(feature = "alloc")]
pub use storage::Heap;
pub use storage::{Inline, Lent, Memory, Storage, Tables, TablesRef, Tiny};
pub use time::*;
pub use units::*;

/// A list of at most `N` items that needs no heap.
pub type List<T, const N: usize> = heapless::Vec<T, N>;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/api-core.md")]
struct Guides;
