//! What an operator asks a node beside the usual.

use libp2p::PeerId;
use ltms_core::{Ban, IdentityId, OwnedKey, Reason, Registered, Standing, Subject, Timestamp};

use super::{Command, Handle, NodeError};
use crate::door::net_peer;

/// Some of the identities that are registered here.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Page {
    /// Each with its place and its standing.
    pub identities: Vec<(u32, Registered, Standing)>,
    /// Where the next page begins, if there is more.
    pub next: Option<u32>,
}

/// A ban of a peer or an identity, to be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Whose.
    pub subject: Subject,
    /// Its end; `None` until lifted.
    pub until: Option<Timestamp>,
    /// What it is for.
    pub reason: Reason,
}

/// What became of bans that were to be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Taken {
    /// Bans that are in force now and were not before, or ended earlier.
    pub banned: u32,
    /// There is one already that lasts as long.
    pub known: u32,
    /// Their time has passed.
    pub ended: u32,
    /// The operator allows the peer here.
    pub allowed: u32,
    /// No such identity is registered here.
    pub unknown: u32,
}

/// Bans are not taken over: not one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} bans of peers would need rows of the operator's, and {free} are free: nothing is \
     changed"
)]
pub struct NoRoom {
    /// Rows that they need.
    pub needed: u32,
    /// Rows that are free.
    pub free: u32,
}

/// Which automatic bans are to be undone.
#[derive(Clone, Debug)]
pub struct Undo {
    /// What they are for. With [`Reason::GroupBanned`] those of address groups, which have no
    /// beginning, whatever the times.
    pub reasons: Vec<Reason>,
    /// They began at this time or later, …
    pub since: Timestamp,
    /// … and before this one.
    pub until: Timestamp,
}

impl Undo {
    /// Whether this ban is meant. The operator's never are.
    #[must_use]
    pub fn is_meant(&self, ban: &Ban) -> bool {
        let timely = match ban.since {
            Some(since) => (self.since..self.until).contains(&since),
            None => ban.reason == Reason::GroupBanned,
        };
        !ban.by_operator && timely && self.reasons.contains(&ban.reason)
    }
}

impl Handle {
    /// Every ban that is in force, and after those what the breaker holds back ([`Ban::held`]).
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn bans(&self) -> Result<Vec<Ban>, NodeError> {
        self.ask(Command::Bans).await
    }

    /// The identities from a place on: 0 at first, then [`Page::next`].
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn identities(&self, from: u32) -> Result<Page, NodeError> {
        self.ask(|reply| Command::Identities(from, reply)).await
    }

    /// The keys that take a slot of an identity.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn owned_keys(&self, id: IdentityId) -> Result<Vec<OwnedKey>, NodeError> {
        self.ask(|reply| Command::OwnedKeys(id, reply)).await
    }

    /// Bans an identity, until lifted if no time is given. False if it is not known here.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`].
    pub async fn ban_identity(
        &self,
        id: IdentityId,
        until: Option<Timestamp>,
    ) -> Result<bool, NodeError> {
        self.ask_stored(|reply| Command::Ban(Subject::Identity(id), until, reply)).await
    }

    /// Lifts the ban of an identity, author key or address group; false if there was none.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`].
    pub async fn lift(&self, subject: Subject) -> Result<bool, NodeError> {
        self.ask_stored(|reply| Command::Unban(subject, reply)).await
    }

    /// Takes bans over as the operator's, all of those that make anything stricter or none. With
    /// `dry` nothing changes, and the answer is what it would be.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`]; [`NoRoom`] inside.
    pub async fn import_bans(
        &self,
        bans: Vec<Imported>,
        dry: bool,
    ) -> Result<Result<Taken, NoRoom>, NodeError> {
        self.ask_stored(|reply| Command::ImportBans(bans, dry, reply)).await
    }

    /// Lifts the automatic bans that are meant, also those that the breaker holds back, and tells
    /// which. With `dry` nothing changes.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`].
    pub async fn undo_bans(&self, undo: Undo, dry: bool) -> Result<Vec<Ban>, NodeError> {
        self.ask_stored(|reply| Command::UndoBans(undo, dry, reply)).await
    }
}

/// A subject's libp2p peer, if it is one.
pub(crate) fn peer_of(subject: &Subject) -> Option<PeerId> {
    match subject {
        Subject::Peer(peer) => net_peer(peer),
        _ => None,
    }
}
