//! Envelopes as attackers make them: nothing is checked.

use libp2p::PeerId;
use ltms_core::{
    List, Millis, PublicKey, Signature, Timestamp,
    schnorr::SecretKey,
    size,
    wire::{Advertisement, Authority, Envelope, Kind, ad_hash},
};
use ltms_net::{clock::Clock, core_peer};

use super::chain::NETWORK;

/// The time of the nodes.
pub(super) fn now() -> Timestamp {
    Clock::system().now()
}

/// An envelope around a body.
pub(super) fn envelope(kind: Kind, body: &[u8], signature: Signature) -> Vec<u8> {
    let mut bytes = vec![0; size::ENVELOPE];
    let len = Envelope { kind, body, signature }.encode(&mut bytes).expect("a short body");
    bytes.truncate(len);
    bytes
}

/// An advertisement.
#[derive(Clone)]
pub(super) struct Ad<'a> {
    /// Whom it names.
    pub(super) author: PublicKey,
    /// Who signs it.
    pub(super) signer: &'a SecretKey,
    pub(super) peer: PeerId,
    pub(super) created_at: Timestamp,
    pub(super) lifetime: Millis,
    pub(super) authority: Option<Authority>,
    /// Makes bodies differ.
    pub(super) note: String,
}

impl<'a> Ad<'a> {
    /// One that is right: made now, for an hour, by its author.
    pub(super) fn new(signer: &'a SecretKey, authority: Option<Authority>, peer: PeerId) -> Self {
        let author = signer.public_key();
        let (created_at, lifetime) = (now(), Millis::from_hours(1));
        Self { author, signer, peer, created_at, lifetime, authority, note: String::new() }
    }

    /// The same with a note that makes it another one.
    pub(super) fn noted(mut self, note: impl ToString) -> Self {
        self.note = note.to_string();
        self
    }

    /// Its envelope.
    pub(super) fn envelope(&self) -> Vec<u8> {
        let mut types = List::new();
        types.push(1).expect("room for one");
        let ad = Advertisement {
            author: self.author,
            created_at: self.created_at,
            expires_at: self.created_at.saturating_add(self.lifetime),
            peer: core_peer(&self.peer),
            addresses: List::new(),
            types,
            amount: None,
            fee: None,
            nickname: None,
            description: (!self.note.is_empty()).then_some(self.note.as_str()),
            authority: self.authority,
        };
        let mut body = vec![0; size::ENVELOPE];
        let len = ad.encode(&mut body).expect("a short body");
        let signature = self.signer.sign(&ad_hash(NETWORK, &body[..len]));
        envelope(Kind::Advertisement, &body[..len], signature)
    }
}
