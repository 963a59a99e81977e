//! Identities and keys, by number: both processes make the same.

use libp2p::PeerId;
use ltms_core::{
    Amount, IdentityId, List, Millis, Network, OutPoint, Timestamp,
    chain::Transaction,
    hash::sha256,
    schnorr::SecretKey,
    wire::{Advertisement, Authority, Delegation, Envelope, Kind, ad_hash, delegation_hash},
};
use ltms_net::{chain::DevChain, claim::find_registration, core_peer};

use crate::{Load, Victim};

impl Load {
    /// Keys of one identity, the current one among them.
    pub(crate) const fn per_identity(&self) -> u32 {
        if matches!(self.victim, Victim::Wide) { 1_000 } else { 10 }
    }

    /// Messages that are not copies.
    pub(crate) const fn originals(&self) -> u32 {
        let messages = self.rate.saturating_mul(self.seconds);
        if self.copies { messages / 2 } else { messages }
    }

    /// Keys that advertise.
    pub(crate) fn keys(&self) -> u32 {
        if self.preload == 0 { self.originals() } else { self.preload }
    }

    pub(crate) fn identities(&self) -> u32 {
        self.keys().div_ceil(self.per_identity())
    }
}

fn secret(what: &str, number: u32) -> SecretKey {
    SecretKey::from_bytes(&sha256(&[what.as_bytes(), &number.to_le_bytes()])).expect("a key")
}

/// The current key of an identity, its burn and where that is.
pub(crate) fn burn(identity: u32) -> (SecretKey, Vec<u8>, OutPoint) {
    let key = secret("identity", identity);
    let raw = DevChain::burn_transaction(key.public_key(), Amount::from_xpi(50), None);
    let (vout, ..) = find_registration(&raw).expect("a registration");
    let txid = Transaction::parse(&raw).expect("a transaction").txid();
    (key, raw, OutPoint { txid, vout: vout.into() })
}

/// What one identity signs with.
pub(crate) struct Owner {
    number: u32,
    current: SecretKey,
    id: IdentityId,
}

impl Owner {
    pub(crate) fn new(number: u32) -> Self {
        let (current, _, outpoint) = burn(number);
        Self { number, current, id: outpoint.identity_id().expect("a small index") }
    }

    /// The advertisement of the key with this number: the current one, or one that it lets speak.
    pub(crate) fn advertise(&self, load: &Load, key: u32, created_at: Timestamp) -> Vec<u8> {
        let delegated = secret("delegated", key);
        let not_after = created_at.saturating_add(Millis::from_hours(48));
        let (author, delegation) = if key == self.number * load.per_identity() {
            (&self.current, None)
        } else {
            let of = &delegated.public_key();
            let hash = delegation_hash(Network::Reg, &self.id, of, 0, not_after);
            (&delegated, Some(Delegation { not_after, signature: self.current.sign(&hash) }))
        };
        let ad = Advertisement {
            author: author.public_key(),
            created_at,
            expires_at: created_at.saturating_add(Millis::from_hours(24)),
            peer: core_peer(&PeerId::random()),
            addresses: List::new(),
            types: [1, 2, 3].into_iter().collect(),
            amount: None,
            fee: None,
            nickname: Some("signer"),
            description: None,
            authority: Some(Authority { identity: self.id, sequence: 0, delegation }),
        };
        let (mut body, mut envelope) = ([0; 600], [0; 800]);
        let len = ad.encode(&mut body).expect("room");
        let signature = author.sign(&ad_hash(Network::Reg, &body[..len]));
        let sealed = Envelope { kind: Kind::Advertisement, body: &body[..len], signature };
        let len = sealed.encode(&mut envelope).expect("room");
        envelope[..len].to_vec()
    }
}
