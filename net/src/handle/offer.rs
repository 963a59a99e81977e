//! What signers offer, and how it is written down and found.

use libp2p::{Multiaddr, PeerId};
use ltms_core::{
    Amount, IdentityId, Millis, Network, PublicKey, Timestamp,
    schnorr::SecretKey,
    wire::{
        Advertisement, AmountRange, Authority, Envelope, Kind, Withdrawal, ad_hash, withdrawal_hash,
    },
};

use super::{Command, Handle, NodeError};
use crate::door::core_peer;

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
    /// Nobody is there yet; it is published to the first that comes. Its window is not charged. Or
    /// it is a withdrawal whose window is closed, and is published when that opens.
    Waiting,
}

/// An offer with what it takes to sign it, again and again.
pub(crate) struct Offered {
    pub(crate) key: SecretKey,
    pub(crate) authority: Option<Authority>,
    pub(crate) offer: Offer,
    pub(crate) addresses: Vec<Multiaddr>,
}

impl Offered {
    /// The envelope of its advertisement.
    pub(crate) fn sign(
        &self,
        network: Network,
        peer: &PeerId,
        now: Timestamp,
    ) -> Result<Vec<u8>, NodeError> {
        let Self { key, authority, offer, addresses } = self;
        let addresses: Vec<Vec<u8>> = addresses.iter().map(Multiaddr::to_vec).collect();
        let mut types = offer.types.clone();
        types.sort_unstable();
        types.dedup();
        let ad = Advertisement {
            author: key.public_key(),
            created_at: now,
            expires_at: now.saturating_add(offer.lifetime),
            peer: core_peer(peer),
            addresses: bounded(addresses.iter().map(Vec::as_slice))?,
            types: bounded(types)?,
            amount: offer.amount,
            fee: offer.fee,
            nickname: offer.nickname.as_deref(),
            description: offer.description.as_deref(),
            authority: *authority,
        };
        ad.validate(network)?;
        let body = written(|out| ad.encode(out))?;
        let signature = key.sign(&ad_hash(network, &body));
        written(|out| Envelope { kind: Kind::Advertisement, body: &body, signature }.encode(out))
    }
}

impl Handle {
    /// Signs and publishes an advertisement: under an identity by gossip, without one directly to
    /// the connected peers. Before it ends it is signed anew, with the same offer, until it is
    /// withdrawn or the node stops; for that the node keeps the key in memory. An identity whose
    /// key is rotated, or whose delegation ends, is offered no longer
    /// ([`NodeEvent::OfferEnded`](super::NodeEvent::OfferEnded)).
    ///
    /// # Errors
    /// [`NodeError::Refused`] by the same windows that hold for others; [`NodeError::Offer`].
    pub async fn advertise_signer(
        &self,
        key: &SecretKey,
        authority: Option<Authority>,
        offer: &Offer,
    ) -> Result<Advertised, NodeError> {
        let (key, offer, addresses) = (key.clone(), offer.clone(), self.addresses.clone());
        let offered = Box::new(Offered { key, authority, offer, addresses });
        self.ask(|reply| Command::Advertise(offered, reply)).await?
    }

    /// Takes an advertisement back, at once or, if that is too soon after it, when its window opens.
    /// It is not signed anew from now on, even if the withdrawal is refused.
    ///
    /// # Errors
    /// [`NodeError::Refused`], also when nothing of this key is listed.
    pub async fn withdraw_signer(
        &self,
        key: &SecretKey,
        authority: Option<Authority>,
    ) -> Result<Advertised, NodeError> {
        let (author, envelope) = (key.public_key(), self.sign_withdrawal(key, authority)?);
        let withdrawn = self.ask(|reply| Command::Withdraw(author, envelope, reply)).await?;
        withdrawn.map_err(NodeError::Refused)
    }

    /// The envelope of a withdrawal as [`Handle::withdraw_signer`] would publish it.
    fn sign_withdrawal(
        &self,
        key: &SecretKey,
        authority: Option<Authority>,
    ) -> Result<Vec<u8>, NodeError> {
        let withdrawal =
            Withdrawal { author: key.public_key(), created_at: self.clock.now(), authority };
        let body = written(|out| withdrawal.encode(out))?;
        let signature = key.sign(&withdrawal_hash(self.network, &body));
        written(|out| Envelope { kind: Kind::Withdrawal, body: &body, signature }.encode(out))
    }
}

pub(super) fn bounded<T, const N: usize>(
    items: impl IntoIterator<Item = T>,
) -> Result<ltms_core::List<T, N>, NodeError> {
    let mut list = ltms_core::List::new();
    items.into_iter().try_for_each(|item| list.push(item).map_err(|_| NodeError::TooLarge))?;
    Ok(list)
}

pub(super) fn written(
    write: impl FnOnce(&mut [u8]) -> Result<usize, ltms_core::wire::BufferTooSmall>,
) -> Result<Vec<u8>, NodeError> {
    let mut bytes = vec![0; ltms_core::size::ENVELOPE];
    let len = write(&mut bytes).map_err(|_| NodeError::TooLarge)?;
    bytes.truncate(len);
    Ok(bytes)
}
