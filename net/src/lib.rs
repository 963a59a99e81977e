//! The LTMS admission policy on a real libp2p network.
//!
//! One task owns the swarm and the Gate; everything else holds a [`Handle`].

pub mod admin;
mod anchors;
pub mod behaviour;
pub mod chain;
pub mod claim;
pub mod clock;
pub mod config;
mod door;
mod driver;
mod envelopes;
mod handle;
mod history;
pub mod judge;
pub mod key_file;
pub mod limits;
mod meters;
mod node;
mod recording;
mod session_history;
pub mod store;
pub mod transport;
mod verify;
pub mod wallet;

pub use door::{core_peer, net_peer};
pub use handle::{
    Advertised, Change, Findings, Handle, Health, Imported, Link, NoRoom, NodeError, NodeEvent,
    Offer, OpenSession, Page, Reach, ReloadError, Search, SessionState, Signer, Taken, Undo,
};
pub use node::{Builder, Node, StartError};
pub use recording::Recording;
pub use session_history::EndedSession;

#[cfg(doctest)]
#[doc = include_str!("../../docs/api-net.md")]
struct Guide;
