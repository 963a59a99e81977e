//! Signing sessions as a program sees them (`docs/session.md`).

use libp2p::PeerId;
use ltms_core::{
    Decision, PublicKey, Reason, SessionId, Signature, Timestamp,
    schnorr::SecretKey,
    session::Phase,
    wire::{SessionAnnouncement, contribution_hash, join_hash, session_hash},
};

use super::{
    Command, Handle, NodeError,
    command::{Reply, Stored},
    offer::{bounded, written},
};
use crate::{behaviour::session::Contribution, door::core_peer, session_history::EndedSession};

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// What it is doing.
    pub phase: Phase,
    /// When that ends.
    pub deadline: Timestamp,
    /// The hash of what is to be signed.
    pub digest: [u8; 32],
    /// The signers, in their order.
    pub signers: Vec<PublicKey>,
    /// Who announced it.
    pub announcer: PublicKey,
    /// Our own key in it, once we joined.
    pub own: Option<PublicKey>,
    /// Who has joined, as far as we know.
    pub joined: Vec<PublicKey>,
    /// Who has told us that it knows of the phase.
    pub acknowledged: Vec<PublicKey>,
    /// Who has contributed to the phase, as far as we know.
    pub contributed: Vec<PublicKey>,
}

/// A session, open or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It is open.
    Open(OpenSession),
    /// It is over.
    Ended(EndedSession),
}

/// What handles ask about sessions.
pub(crate) enum SessionCommand {
    Announce(Vec<u8>, Signature, Vec<(PublicKey, PeerId)>, Reply<Result<SessionId, Decision>>),
    Join(SessionId, PublicKey, Signature, Reply<Result<(), Decision>>),
    Contribute(SessionId, PublicKey, Phase, Contribution, Reply<Result<(), Decision>>),
    Complete(SessionId, Stored<Decision>),
    Refuse(SessionId, PublicKey, Stored<Decision>),
    Abort(SessionId, Stored<Decision>),
    Get(SessionId, Reply<Option<SessionState>>),
    Contributions(SessionId, Phase, Reply<Option<Vec<Vec<u8>>>>),
    History(usize, Reply<Vec<EndedSession>>),
}

impl Handle {
    /// Announces a session as the signer of `key` to the `others`, who are 1 to 14 with the peers
    /// that they are at. Those that are not connected are told once they are, as long as the session
    /// waits for them.
    ///
    /// # Errors
    /// [`NodeError::TooLarge`] for more signers, [`NodeError::Refused`].
    pub async fn announce_session(
        &self,
        key: &SecretKey,
        others: &[(PublicKey, PeerId)],
        digest: [u8; 32],
    ) -> Result<SessionId, NodeError> {
        let own = key.public_key();
        let mut signers: Vec<PublicKey> = others.iter().map(|(key, _)| *key).collect();
        signers.push(own);
        signers.sort_unstable();
        let place = signers.iter().position(|signer| *signer == own).unwrap_or_default();
        let announcement = SessionAnnouncement {
            signers: bounded(signers)?,
            announcer: u8::try_from(place).map_err(|_| NodeError::TooLarge)?,
            peer: core_peer(&self.local),
            created_at: self.clock.now(),
            digest,
        };
        if !announcement.is_sound() {
            return Err(NodeError::Refused(Decision::new(Reason::Malformed)));
        }
        let body = written(|out| announcement.encode(out))?;
        let signature = key.sign(&session_hash(self.network, &body));
        let others = others.to_vec();
        let command = |reply| SessionCommand::Announce(body, signature, others, reply);
        self.ask_session(command).await?.map_err(NodeError::Refused)
    }

    /// Joins an announced session as the signer of `key`, and tells the announcer.
    ///
    /// # Errors
    /// [`NodeError::Refused`] by our own node or by the announcer, [`NodeError::NoAnswer`]. The
    /// session is over for us then.
    pub async fn join_session(&self, id: SessionId, key: &SecretKey) -> Result<(), NodeError> {
        let own = key.public_key();
        let signature = key.sign(&join_hash(self.network, &id, &own, &core_peer(&self.local)));
        let joined =
            self.ask_session(|reply| SessionCommand::Join(id, own, signature, reply)).await;
        joined.map_err(lost)?.map_err(NodeError::Refused)
    }

    /// Contributes to a phase: 1 to 4,096 bytes. The same phase again sends the same bytes again.
    ///
    /// # Errors
    /// [`NodeError::TooLarge`], [`NodeError::Refused`], [`NodeError::NoAnswer`].
    pub async fn contribute(
        &self,
        id: SessionId,
        key: &SecretKey,
        phase: Phase,
        data: Vec<u8>,
    ) -> Result<(), NodeError> {
        if data.is_empty() || data.len() > ltms_core::size::CONTRIBUTION {
            return Err(NodeError::TooLarge);
        }
        let signature = key.sign(&contribution_hash(self.network, &id, phase, &data));
        let (own, contribution) = (key.public_key(), Contribution { data, signature });
        let command = |reply| SessionCommand::Contribute(id, own, phase, contribution, reply);
        self.ask_session(command).await.map_err(lost)?.map_err(NodeError::Refused)
    }

    /// Says that all contributions of a session in its last phase are good. Whoever we are
    /// connected to for it has one more success.
    ///
    /// # Errors
    /// [`NodeError::Refused`], [`NodeError::NotStored`].
    pub async fn complete_session(&self, id: SessionId) -> Result<(), NodeError> {
        accepted(self.ask_session_stored(|reply| SessionCommand::Complete(id, reply)).await?)
    }

    /// Says that what this signer contributed, and signed, is not good: it pays, and the session
    /// ends.
    ///
    /// # Errors
    /// [`NodeError::Refused`], [`NodeError::NotStored`].
    pub async fn refuse_contribution(
        &self,
        id: SessionId,
        signer: PublicKey,
    ) -> Result<(), NodeError> {
        accepted(self.ask_session_stored(|reply| SessionCommand::Refuse(id, signer, reply)).await?)
    }

    /// Ends a session; whoever we are connected to for it counts that against us.
    ///
    /// # Errors
    /// [`NodeError::Refused`], [`NodeError::NotStored`].
    pub async fn abort_session(&self, id: SessionId) -> Result<(), NodeError> {
        accepted(self.ask_session_stored(|reply| SessionCommand::Abort(id, reply)).await?)
    }

    /// A session that is open, or among those remembered.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionState>, NodeError> {
        self.ask_session(|reply| SessionCommand::Get(id, reply)).await
    }

    /// What all signers of an open session contributed to a phase that is over, in their order.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn contributions(
        &self,
        id: SessionId,
        phase: Phase,
    ) -> Result<Option<Vec<Vec<u8>>>, NodeError> {
        self.ask_session(|reply| SessionCommand::Contributions(id, phase, reply)).await
    }

    /// The sessions that ended last, newest first.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn session_history(&self, most: usize) -> Result<Vec<EndedSession>, NodeError> {
        self.ask_session(|reply| SessionCommand::History(most, reply)).await
    }

    async fn ask_session<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> SessionCommand,
    ) -> Result<T, NodeError> {
        self.ask(|reply| Command::Session(command(reply))).await
    }

    async fn ask_session_stored<T>(
        &self,
        command: impl FnOnce(Stored<T>) -> SessionCommand,
    ) -> Result<T, NodeError> {
        self.ask_stored(|reply| Command::Session(command(reply))).await
    }
}

fn accepted(decision: Decision) -> Result<(), NodeError> {
    if decision.is_accept() { Ok(()) } else { Err(NodeError::Refused(decision)) }
}

/// A reply is dropped when the other peer gave none.
fn lost(_: NodeError) -> NodeError {
    NodeError::NoAnswer
}
