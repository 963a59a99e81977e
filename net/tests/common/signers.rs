//! Identities and keys, by number: every process makes the same.

use std::sync::Arc;

use libp2p::PeerId;
use ltms_core::{
    Amount, IdentityId, List, Millis, Network, OutPoint, Timestamp,
    chain::Transaction,
    hash::sha256,
    schnorr::SecretKey,
    wire::{Advertisement, Authority, Delegation, Envelope, Kind, ad_hash, delegation_hash},
};
use ltms_net::{Handle, chain::DevChain, claim::find_registration, core_peer};

fn secret(what: &str, number: u32) -> SecretKey {
    SecretKey::from_bytes(&sha256(&[what.as_bytes(), &number.to_le_bytes()])).expect("a key")
}

/// The current key of an identity, its burn and where that is.
fn burn(identity: u32) -> (SecretKey, Vec<u8>, OutPoint) {
    let key = secret("identity", identity);
    let raw = DevChain::burn_transaction(key.public_key(), Amount::from_xpi(50), None);
    let (vout, ..) = find_registration(&raw).expect("a registration");
    let txid = Transaction::parse(&raw).expect("a transaction").txid();
    (key, raw, OutPoint { txid, vout: vout.into() })
}

/// A chain on which so many identities have burned, long ago.
pub(crate) fn chain(identities: u32) -> Arc<DevChain> {
    let chain = DevChain::recorded().expect("a good recording");
    let burns: Vec<_> = (0..identities).map(|identity| burn(identity).1).collect();
    for some in burns.chunks(100) {
        chain.mine(some).expect("a block");
    }
    chain.mine_empty(80).expect("blocks");
    Arc::new(chain)
}

/// Registers them at a node.
pub(crate) async fn register(handle: &Handle, identities: u32) {
    for number in 0..identities {
        let (key, _, outpoint) = burn(number);
        let mut registered = handle.register_identity(&key, outpoint).await;
        while number == 0 && registered.is_err() {
            // The tip is not known yet.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            registered = handle.register_identity(&key, outpoint).await;
        }
        registered.expect("registered");
    }
}

/// What one identity signs with.
pub(crate) struct Owner {
    pub(crate) current: SecretKey,
    pub(crate) id: IdentityId,
}

impl Owner {
    pub(crate) fn new(number: u32) -> Self {
        let (current, _, outpoint) = burn(number);
        Self { current, id: outpoint.identity_id().expect("a small index") }
    }

    /// The advertisement of the current key.
    pub(crate) fn advertise(&self, created_at: Timestamp) -> Vec<u8> {
        self.sealed(&self.current, None, created_at)
    }

    /// The advertisement of the key with this number, which the current one lets speak.
    pub(crate) fn advertise_key(&self, key: u32, created_at: Timestamp) -> Vec<u8> {
        let author = secret("delegated", key);
        let not_after = created_at.saturating_add(Millis::from_hours(48));
        let of = &author.public_key();
        let hash = delegation_hash(Network::Reg, &self.id, of, 0, not_after);
        let delegation = Delegation { not_after, signature: self.current.sign(&hash) };
        self.sealed(&author, Some(delegation), created_at)
    }

    fn sealed(
        &self,
        author: &SecretKey,
        delegation: Option<Delegation>,
        created_at: Timestamp,
    ) -> Vec<u8> {
        let authority = Some(Authority { identity: self.id, sequence: 0, delegation });
        advertisement(author, authority, &PeerId::random(), created_at)
    }
}

/// The advertisement of a key that nobody vouches for.
pub(crate) fn stranger(number: u32, peer: &PeerId, created_at: Timestamp) -> Vec<u8> {
    advertisement(&secret("stranger", number), None, peer, created_at)
}

fn advertisement(
    author: &SecretKey,
    authority: Option<Authority>,
    peer: &PeerId,
    created_at: Timestamp,
) -> Vec<u8> {
    let ad = Advertisement {
        author: author.public_key(),
        created_at,
        expires_at: created_at.saturating_add(Millis::from_hours(24)),
        peer: core_peer(peer),
        addresses: List::new(),
        types: [1, 2, 3].into_iter().collect(),
        amount: None,
        fee: None,
        nickname: Some("signer"),
        description: None,
        authority,
    };
    let (mut body, mut envelope) = ([0; 600], [0; 800]);
    let len = ad.encode(&mut body).expect("room");
    let signature = author.sign(&ad_hash(Network::Reg, &body[..len]));
    let sealed = Envelope { kind: Kind::Advertisement, body: &body[..len], signature };
    let len = sealed.encode(&mut envelope).expect("room");
    envelope[..len].to_vec()
}
