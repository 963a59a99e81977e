//! What the rest of a program holds: a cloneable handle to a running node.

mod command;
mod error;
mod event;
mod health;
mod offer;
mod operator;
mod reload;
mod search;
mod session;

use std::net::IpAddr;

use libp2p::{Multiaddr, PeerId};
use ltms_core::{
    Decision, Fill, IdentityId, Metrics, Network, OutPoint, Outcome, Reason, Registered, SessionId,
    Standing, Subject, Timestamp, schnorr::SecretKey,
};
use tokio::sync::{broadcast, mpsc, oneshot};

use self::command::Reply;
pub(crate) use self::{
    command::{Command, Stored},
    offer::Offered,
    operator::peer_of,
    session::SessionCommand,
};
pub use self::{
    error::NodeError,
    event::NodeEvent,
    health::Health,
    offer::{Advertised, Offer, Signer},
    operator::{Imported, NoRoom, Page, Taken, Undo},
    reload::{Change, ReloadError},
    search::{Findings, Reach, Search},
    session::{OpenSession, SessionState},
};
use crate::{
    behaviour::streams::{Request, Response},
    chain::IncludedTransaction,
    claim::{credit_envelope, registration_envelope, rotation_envelope},
    clock::Clock,
    door::core_peer,
};

/// An open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Whose.
    pub peer: PeerId,
    /// Where it is seen.
    pub address: Option<IpAddr>,
    /// Whether we dialled it.
    pub outbound: bool,
    /// The program that it says it runs, in at most 64 characters that are shown as they are.
    pub agent: Option<String>,
}

/// A handle to a running node; clones share it.
#[derive(Clone)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) events: broadcast::Sender<NodeEvent>,
    pub(crate) chain: std::sync::Arc<dyn crate::chain::ChainSource>,
    pub(crate) network: Network,
    pub(crate) clock: Clock,
    pub(crate) local: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
    pub(crate) meters: std::sync::Arc<crate::meters::Meters>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { network, local, addresses, .. } = self;
        f.debug_struct("Handle")
            .field("network", network)
            .field("peer", local)
            .field("addresses", addresses)
            .finish_non_exhaustive()
    }
}

impl Handle {
    /// Our own peer id.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.local
    }

    /// The addresses on which the node listens, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }

    /// The events from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<NodeEvent> {
        self.events.subscribe()
    }

    /// Proves a burn to the network and registers its identity, for the key in its script.
    ///
    /// # Errors
    /// What the chain source or the claim is short of, or the policy's refusal.
    pub async fn register_identity(
        &self,
        key: &SecretKey,
        burn: OutPoint,
    ) -> Result<IdentityId, NodeError> {
        let id = burn.identity_id().map_err(|_| Decision::new(Reason::NoSuchOutput));
        let id = id.map_err(NodeError::Refused)?;
        let (included, vout) = self.included(burn).await?;
        let envelope = registration_envelope(self.network, &included, vout, key)?;
        self.settle(envelope).await?;
        Ok(id)
    }

    /// Proves a rotation to the network: `new`, the key in the burn's script, takes the place of
    /// `old`, the identity's current key. Its delegations and advertisements end.
    ///
    /// # Errors
    /// What the chain source or the claim is short of, or the policy's refusal.
    pub async fn rotate_identity(
        &self,
        id: IdentityId,
        old: &SecretKey,
        new: &SecretKey,
        burn: OutPoint,
    ) -> Result<Registered, NodeError> {
        let known = self.identity(id).await?;
        let known = known.ok_or(NodeError::Refused(Decision::new(Reason::UnknownIdentity)))?;
        let (included, vout) = self.included(burn).await?;
        let sequence = known.sequence.saturating_add(1);
        let now = self.clock.now();
        let envelope = rotation_envelope(self.network, &included, vout, (old, new), sequence, now)?;
        self.settle(envelope).await?;
        let rotated = self.identity(id).await?;
        rotated.ok_or(NodeError::Refused(Decision::new(Reason::UnknownIdentity)))
    }

    /// Proves what else an identity burned for: more key slots, or a higher tier.
    ///
    /// # Errors
    /// What the chain source or the claim is short of, or the policy's refusal.
    pub async fn credit_identity(
        &self,
        id: IdentityId,
        key: &SecretKey,
        burn: OutPoint,
    ) -> Result<(), NodeError> {
        let known = self.identity(id).await?;
        let known = known.ok_or(NodeError::Refused(Decision::new(Reason::UnknownIdentity)))?;
        let (included, vout) = self.included(burn).await?;
        let envelope = credit_envelope(self.network, &included, vout, key, known.sequence)?;
        self.settle(envelope).await
    }

    /// A burn's transaction with its way to its block, and the output as claims name it.
    async fn included(&self, burn: OutPoint) -> Result<(IncludedTransaction, u8), NodeError> {
        let included = self.chain.transaction(burn.txid).await?;
        let included = included.ok_or(NodeError::NoTransaction(burn.txid))?;
        let vout = u8::try_from(burn.vout).map_err(|_| NodeError::TooLarge)?;
        Ok((included, vout))
    }

    /// Takes an own claim through our Gate, which publishes it.
    async fn settle(&self, envelope: Vec<u8>) -> Result<(), NodeError> {
        let decision = self.ask_stored(|reply| Command::Claim(envelope, reply)).await?;
        match decision.reason {
            Reason::New | Reason::AlreadyKnown => Ok(()),
            _ => Err(NodeError::Refused(decision)),
        }
    }

    /// The identity as it is registered here.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn identity(&self, id: IdentityId) -> Result<Option<Registered>, NodeError> {
        self.ask(|reply| Command::Identity(id, reply)).await
    }

    /// Counts the outcome of a session for `subject`, who signed with `counterparty`.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`].
    pub async fn record_session(
        &self,
        session: SessionId,
        subject: IdentityId,
        counterparty: IdentityId,
        outcome: Outcome,
    ) -> Result<Decision, NodeError> {
        let command =
            |reply| Command::RecordSession(session, subject, counterparty, outcome, reply);
        self.ask_stored(command).await
    }

    /// Bans a peer, until lifted if no time is given. False if the operator's rows are all taken.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`].
    pub async fn ban(&self, peer: PeerId, until: Option<Timestamp>) -> Result<bool, NodeError> {
        let subject = Subject::Peer(core_peer(&peer));
        self.ask_stored(|reply| Command::Ban(subject, until, reply)).await
    }

    /// Lifts a ban; false if there was none.
    ///
    /// # Errors
    /// [`NodeError::Stopped`], [`NodeError::NotStored`].
    pub async fn unban(&self, peer: PeerId) -> Result<bool, NodeError> {
        self.lift(Subject::Peer(core_peer(&peer))).await
    }

    /// Counters and gauges.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn metrics(&self) -> Result<Metrics, NodeError> {
        self.ask(Command::Metrics).await
    }

    /// How the node is.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn health(&self) -> Result<Health, NodeError> {
        self.ask(Command::Health).await
    }

    /// How many decisions had each reason, those with none left out.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn decisions(&self) -> Result<Vec<(Reason, u64)>, NodeError> {
        self.ask(Command::Decisions).await
    }

    /// How full the tables are.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn fill(&self) -> Result<[Fill; 7], NodeError> {
        self.ask(Command::Fill).await
    }

    /// What is known about a peer, key or identity, and why it is treated as it is.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn standing(&self, subject: Subject) -> Result<Standing, NodeError> {
        let standing = self.ask(|reply| Command::Standing(Box::new(subject), reply)).await?;
        Ok(*standing)
    }

    /// The same for a libp2p peer.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn standing_of(&self, peer: &PeerId) -> Result<Standing, NodeError> {
        self.standing(Subject::Peer(core_peer(peer))).await
    }

    /// Dials an address. Returns before the connection is there.
    ///
    /// # Errors
    /// [`NodeError::Dial`] if it cannot be dialled at all.
    pub async fn dial(&self, address: Multiaddr) -> Result<(), NodeError> {
        self.ask(|reply| Command::Dial(address, reply)).await?.map_err(NodeError::Dial)
    }

    /// The connected peers.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn peers(&self) -> Result<Vec<PeerId>, NodeError> {
        self.ask(Command::Peers).await
    }

    /// The open connections.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn links(&self) -> Result<Vec<Link>, NodeError> {
        self.ask(Command::Links).await
    }

    /// Asks a connected peer something by the direct protocol. What it answers proves nothing.
    ///
    /// # Errors
    /// [`NodeError::NoAnswer`], within the protocol's 10 s.
    pub async fn ask_peer(&self, peer: PeerId, request: Request) -> Result<Response, NodeError> {
        let answered = self.ask(|reply| Command::Ask(peer, request, reply)).await;
        answered.map_err(|_| NodeError::NoAnswer)
    }

    /// The same for what is answered once it is stored.
    async fn ask_stored<T>(
        &self,
        command: impl FnOnce(Stored<T>) -> Command,
    ) -> Result<T, NodeError> {
        self.ask(command).await?.map_err(NodeError::NotStored)
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| NodeError::Stopped)?;
        answer.await.map_err(|_| NodeError::Stopped)
    }
}
