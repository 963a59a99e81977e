//! The LTMS admission policy on a real libp2p network.

pub mod behaviour;
pub mod transport;
