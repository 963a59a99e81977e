//! The LTMS admission policy on a real libp2p network.

pub mod behaviour;
pub mod chain;
pub mod claim;

pub mod transport;
