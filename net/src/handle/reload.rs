//! What a running node takes over from a changed configuration.

use libp2p::{Multiaddr, PeerId};
use ltms_core::Policy;

use super::{Command, Handle, NoRoom, NodeError};
use crate::limits::Limits;

/// What is to be in force from now on.
#[derive(Clone, Debug)]
pub struct Change {
    /// Of this the windows, which rules only count, and `local_envelope`; the rest is fixed.
    pub policy: Policy,
    /// Of these how many handshakes there may be, and who is spared; the rest is fixed.
    pub limits: Limits,
    /// Whether the node answers in the DHT without being known to be reachable.
    pub server: bool,
    /// Who comes onto the allow-list; any ban of them is lifted.
    pub allow: Vec<PeerId>,
    /// Who leaves it.
    pub disallow: Vec<PeerId>,
    /// All who are dialled for as long as the node runs.
    pub persistent: Vec<Multiaddr>,
    /// All who are dialled while the node is alone.
    pub bootstrap: Vec<Multiaddr>,
    /// The keys whose new values wait for a restart, for [`Handle::health`].
    pub waiting: Vec<String>,
}

/// Nothing of a change is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// The policy cannot be used.
    #[error("the limits cannot be used")]
    Limits,
    /// The operator's part of the ban table has no room for the allow-list.
    #[error("the allow-list: {0}")]
    Allow(NoRoom),
}

impl Handle {
    /// Has the node take over a change, all of it or nothing.
    ///
    /// # Errors
    /// [`NodeError::Stopped`]; [`ReloadError`] inside.
    pub async fn reload(&self, change: Change) -> Result<Result<(), ReloadError>, NodeError> {
        self.ask(|reply| Command::Reload(Box::new(change), reply)).await
    }
}
