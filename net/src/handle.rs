//! What the rest of a program holds: a cloneable handle to a running node.

use libp2p::{Multiaddr, PeerId};
use ltms_core::{
    Amount, Criteria, Decision, IdentityId, Metrics, Millis, Network, OutPoint, Outcome, PublicKey,
    Reason, Registered, SessionId, Standing, Subject, Timestamp,
    schnorr::SecretKey,
    wire::{
        Advertisement, AmountRange, Authority, Envelope, Kind, Withdrawal, ad_hash, withdrawal_hash,
    },
};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    behaviour::streams::{Request, Response},
    chain::{IncludedTransaction, SourceError},
    claim::{ClaimError, credit_envelope, registration_envelope, rotation_envelope},
    clock::Clock,
    door::core_peer,
};

/// What a signer offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Numbers of transaction types, at least one: spend 1, swap 2, coinjoin 3, htlc 4, custody 5.
    pub types: Vec<u16>,
    /// What a transaction may be worth.
    pub amount: Option<AmountRange>,
    /// What the signer asks for.
    pub fee: Option<Amount>,
    /// At most 64 bytes.
    pub nickname: Option<String>,
    /// At most 256 bytes.
    pub description: Option<String>,
    /// How long it holds: 10 min to 24 h.
    pub lifetime: Millis,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            types: vec![1],
            amount: None,
            fee: None,
            nickname: None,
            description: None,
            lifetime: Millis::from_hours(1),
        }
    }
}

/// A signer that was found, from an advertisement whose signature held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The author key.
    pub key: PublicKey,
    /// Its identity; `None` for a stranger.
    pub identity: Option<IdentityId>,
    /// The identity's score as this node saw it; 0 for a stranger.
    pub score: u8,
    /// The identity's total burn.
    pub burned: Amount,
    /// The peer to talk to.
    pub peer: PeerId,
    /// Where it says it can be reached. Nothing was dialled.
    pub addresses: Vec<Multiaddr>,
    /// Numbers of transaction types.
    pub types: Vec<u16>,
    /// End of the advertisement.
    pub expires_at: Timestamp,
}

/// What became of an advertisement of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advertised {
    /// A peer took it.
    Published,
    /// Nobody is there yet; it is published to the first that comes. Its window is not charged.
    Waiting,
}

/// A request to the node failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
    /// The policy refuses it, as it would refuse others'.
    #[error("refused: {}{}", .0.reason, wait(.0.retry_at))]
    Refused(Decision),
    /// The offer cannot be written down.
    #[error("the offer is not valid: {0}")]
    Offer(#[from] ltms_core::wire::WireError),
    /// The offer has too many types or addresses, or is too long.
    #[error("the offer is too large")]
    TooLarge,
    /// The chain source did not answer.
    #[error("chain source: {0}")]
    Source(#[from] SourceError),
    /// The transaction is not in the chain.
    #[error("transaction {0} is not in a block")]
    NoTransaction(ltms_core::Txid),
    /// No claim can be made from the transaction.
    #[error("claim: {0}")]
    Claim(#[from] ClaimError),
    /// The address cannot be dialled.
    #[error("dial: {0}")]
    Dial(String),
    /// The peer is not connected, or gave no answer in time.
    #[error("the peer gave no answer")]
    NoAnswer,
}

fn wait(until: Option<Timestamp>) -> String {
    until.map(|at| format!(", try again at {}", at.as_millis())).unwrap_or_default()
}

/// What happens in a node, for whoever listens. A slow listener misses the oldest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeEvent {
    /// A first connection to this peer.
    Connected(PeerId),
    /// A dialled peer cannot be reached.
    DialFailed {
        /// The peer, where the address named it.
        peer: Option<PeerId>,
        /// Why.
        error: String,
    },
    /// The last connection to this peer is gone.
    Disconnected(PeerId),
    /// A burn was accepted.
    Registered(IdentityId),
    /// An advertisement was accepted.
    Advertised {
        /// The author key.
        key: PublicKey,
        /// Its identity.
        identity: Option<IdentityId>,
    },
    /// An advertisement was withdrawn.
    Withdrawn(PublicKey),
    /// A message was refused.
    Refused {
        /// The peer that handed it over.
        peer: PeerId,
        /// Why.
        reason: Reason,
    },
    /// A peer was banned and disconnected.
    Sanctioned {
        /// The peer.
        peer: PeerId,
        /// The end of the ban; `None` until lifted.
        until: Option<Timestamp>,
        /// What for.
        reason: Reason,
    },
}

type Reply<T> = oneshot::Sender<T>;

/// What a handle asks the driver.
pub(crate) enum Command {
    Publish(Vec<u8>, Reply<Result<Advertised, Decision>>),
    Claim(Vec<u8>, Reply<Decision>),
    Find(Criteria, usize, Reply<Vec<Signer>>),
    LookUp(PublicKey, Reply<Option<Signer>>),
    Identity(IdentityId, Reply<Option<Registered>>),
    RecordSession(SessionId, IdentityId, IdentityId, Outcome, Reply<Decision>),
    Ban(PeerId, Option<Timestamp>, Reply<bool>),
    Unban(PeerId, Reply<bool>),
    Metrics(Reply<Metrics>),
    Decisions(Reply<Vec<(Reason, u64)>>),
    Standing(Box<Subject>, Reply<Box<Standing>>),
    Dial(Multiaddr, Reply<Result<(), String>>),
    Peers(Reply<Vec<PeerId>>),
    Ask(PeerId, Request, Reply<Response>),
    Stop,
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

    /// Signs and publishes an advertisement: under an identity by gossip, without one directly to
    /// the connected peers.
    ///
    /// # Errors
    /// [`NodeError::Refused`] by the same windows that hold for others; [`NodeError::Offer`].
    pub async fn advertise_signer(
        &self,
        key: &SecretKey,
        authority: Option<Authority>,
        offer: &Offer,
    ) -> Result<Advertised, NodeError> {
        let envelope = self.sign_advertisement(key, authority, offer)?;
        self.ask(|reply| Command::Publish(envelope, reply)).await?.map_err(NodeError::Refused)
    }

    /// Takes an advertisement back.
    ///
    /// # Errors
    /// [`NodeError::Refused`], also when nothing of this key is listed.
    pub async fn withdraw_signer(
        &self,
        key: &SecretKey,
        authority: Option<Authority>,
    ) -> Result<Advertised, NodeError> {
        let withdrawal =
            Withdrawal { author: key.public_key(), created_at: self.clock.now(), authority };
        let body = written(|out| withdrawal.encode(out))?;
        let signature = key.sign(&withdrawal_hash(self.network, &body));
        let envelope =
            written(|out| Envelope { kind: Kind::Withdrawal, body: &body, signature }.encode(out))?;
        self.ask(|reply| Command::Publish(envelope, reply)).await?.map_err(NodeError::Refused)
    }

    /// The signers that fit, best first, at most `most`: what this node has verified itself.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn find_signers(
        &self,
        criteria: Criteria,
        most: usize,
    ) -> Result<Vec<Signer>, NodeError> {
        self.ask(|reply| Command::Find(criteria, most, reply)).await
    }

    /// The signer with this author key, asked for in the DHT if it is not known here.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn look_up(&self, key: PublicKey) -> Result<Option<Signer>, NodeError> {
        self.ask(|reply| Command::LookUp(key, reply)).await
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
        let decision = self.ask(|reply| Command::Claim(envelope, reply)).await?;
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
    /// [`NodeError::Stopped`].
    pub async fn record_session(
        &self,
        session: SessionId,
        subject: IdentityId,
        counterparty: IdentityId,
        outcome: Outcome,
    ) -> Result<Decision, NodeError> {
        let command =
            |reply| Command::RecordSession(session, subject, counterparty, outcome, reply);
        self.ask(command).await
    }

    /// Bans a peer, until lifted if no time is given. False if the operator's rows are all taken.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn ban(&self, peer: PeerId, until: Option<Timestamp>) -> Result<bool, NodeError> {
        self.ask(|reply| Command::Ban(peer, until, reply)).await
    }

    /// Lifts a ban; false if there was none.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn unban(&self, peer: PeerId) -> Result<bool, NodeError> {
        self.ask(|reply| Command::Unban(peer, reply)).await
    }

    /// Counters and gauges.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn metrics(&self) -> Result<Metrics, NodeError> {
        self.ask(Command::Metrics).await
    }

    /// How many decisions had each reason, those with none left out.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn decisions(&self) -> Result<Vec<(Reason, u64)>, NodeError> {
        self.ask(Command::Decisions).await
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

    /// Asks a connected peer something by the direct protocol. What it answers proves nothing.
    ///
    /// # Errors
    /// [`NodeError::NoAnswer`], within the protocol's 10 s.
    pub async fn ask_peer(&self, peer: PeerId, request: Request) -> Result<Response, NodeError> {
        let answered = self.ask(|reply| Command::Ask(peer, request, reply)).await;
        answered.map_err(|_| NodeError::NoAnswer)
    }

    /// The envelope of an advertisement as [`Handle::advertise_signer`] would publish it.
    fn sign_advertisement(
        &self,
        key: &SecretKey,
        authority: Option<Authority>,
        offer: &Offer,
    ) -> Result<Vec<u8>, NodeError> {
        let addresses: Vec<Vec<u8>> = self.addresses.iter().map(Multiaddr::to_vec).collect();
        let mut types = offer.types.clone();
        types.sort_unstable();
        types.dedup();
        let now = self.clock.now();
        let ad = Advertisement {
            author: key.public_key(),
            created_at: now,
            expires_at: now.saturating_add(offer.lifetime),
            peer: core_peer(&self.local),
            addresses: bounded(addresses.iter().map(Vec::as_slice))?,
            types: bounded(types)?,
            amount: offer.amount,
            fee: offer.fee,
            nickname: offer.nickname.as_deref(),
            description: offer.description.as_deref(),
            authority,
        };
        ad.validate(self.network)?;
        let body = written(|out| ad.encode(out))?;
        let signature = key.sign(&ad_hash(self.network, &body));
        written(|out| Envelope { kind: Kind::Advertisement, body: &body, signature }.encode(out))
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| NodeError::Stopped)?;
        answer.await.map_err(|_| NodeError::Stopped)
    }
}

fn bounded<T, const N: usize>(
    items: impl IntoIterator<Item = T>,
) -> Result<ltms_core::List<T, N>, NodeError> {
    let mut list = ltms_core::List::new();
    items.into_iter().try_for_each(|item| list.push(item).map_err(|_| NodeError::TooLarge))?;
    Ok(list)
}

fn written(
    write: impl FnOnce(&mut [u8]) -> Result<usize, ltms_core::wire::BufferTooSmall>,
) -> Result<Vec<u8>, NodeError> {
    let mut bytes = vec![0; ltms_core::size::ENVELOPE];
    let len = write(&mut bytes).map_err(|_| NodeError::TooLarge)?;
    bytes.truncate(len);
    Ok(bytes)
}
