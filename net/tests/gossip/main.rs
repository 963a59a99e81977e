//! Gossip between honest nodes, with hostile peers, and as `docs/network.md` tells it.

#[path = "../common/mod.rs"]
mod common;

mod honest;
mod hostile;
mod page;
