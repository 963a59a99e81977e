//! Advertisements and withdrawals, signed as their authors would.

use ltms_core::schnorr::SecretKey;
use ltms_core::wire::*;
use ltms_core::*;

use crate::world::{HOUR, START, peer};

pub(crate) const GARBAGE: Signature = Signature::from_bytes([3; 64]);

/// An advertisement, or a withdrawal, before it is sealed.
#[derive(Clone, Copy)]
pub(crate) struct Ad<'a> {
    author: &'a SecretKey,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) peer: u32,
    pub(crate) types: &'a [u16],
    pub(crate) amount: Option<AmountRange>,
    pub(crate) authority: Option<Authority>,
    pub(crate) kind: Kind,
    /// Signs on this chain.
    pub(crate) network: Network,
    pub(crate) forged: bool,
}

/// A stranger's advertisement of peer 0, made at `START` for an hour.
pub(crate) fn ad(author: &SecretKey) -> Ad<'_> {
    Ad {
        author,
        created_at: START,
        expires_at: START.saturating_add(HOUR),
        peer: 0,
        types: &[1],
        amount: None,
        authority: None,
        kind: Kind::Advertisement,
        network: Network::Reg,
        forged: false,
    }
}

impl<'a> Ad<'a> {
    /// Made at `now`; it lives for an hour.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        Self { created_at: now, expires_at: now.saturating_add(HOUR), ..self }
    }

    pub(crate) fn lasting(self, span: Millis) -> Self {
        Self { expires_at: self.created_at.saturating_add(span), ..self }
    }

    pub(crate) fn of_peer(self, peer: u32) -> Self {
        Self { peer, ..self }
    }

    /// Under an identity, by its own key.
    pub(crate) fn under(self, identity: &IdentityId) -> Self {
        let authority = Authority { identity: *identity, sequence: 0, delegation: None };
        Self { authority: Some(authority), ..self }
    }

    pub(crate) fn sequence(mut self, sequence: u64) -> Self {
        self.authority.as_mut().unwrap().sequence = sequence;
        self
    }

    /// With a delegation of the author by `owner`, until `not_after`.
    pub(crate) fn delegated(self, owner: &SecretKey, not_after: Timestamp) -> Self {
        let authority = self.authority.unwrap();
        let (id, sequence) = (&authority.identity, authority.sequence);
        let hash =
            delegation_hash(Network::Reg, id, &self.author.public_key(), sequence, not_after);
        self.with_delegation(not_after, owner.sign(&hash))
    }

    pub(crate) fn with_delegation(mut self, not_after: Timestamp, signature: Signature) -> Self {
        let delegation = Some(Delegation { not_after, signature });
        self.authority.as_mut().unwrap().delegation = delegation;
        self
    }

    pub(crate) fn withdrawal(self) -> Self {
        Self { kind: Kind::Withdrawal, ..self }
    }

    /// Signed by nobody.
    pub(crate) fn forged(self) -> Self {
        Self { forged: true, ..self }
    }

    pub(crate) fn key(&self) -> PublicKey {
        self.author.public_key()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut out = [0; 2000];
        let author = self.key();
        let len = if self.kind == Kind::Withdrawal {
            let (created_at, authority) = (self.created_at, self.authority);
            Withdrawal { author, created_at, authority }.encode(&mut out)
        } else {
            Advertisement {
                author,
                created_at: self.created_at,
                expires_at: self.expires_at,
                peer: peer(self.peer),
                addresses: Default::default(),
                types: self.types.iter().copied().collect(),
                amount: self.amount,
                fee: None,
                nickname: None,
                description: None,
                authority: self.authority,
            }
            .encode(&mut out)
        };
        out[..len.unwrap()].to_vec()
    }

    /// The envelope as it goes over the wire.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let body = self.body();
        let hash = match self.kind {
            Kind::Withdrawal => withdrawal_hash(self.network, &body),
            _ => ad_hash(self.network, &body),
        };
        let signature = if self.forged { GARBAGE } else { self.author.sign(&hash) };
        envelope(self.kind, &body, signature)
    }
}

pub(crate) fn envelope(kind: Kind, body: &[u8], signature: Signature) -> Vec<u8> {
    let mut out = [0; size::ENVELOPE];
    let len = Envelope { kind, body, signature }.encode(&mut out).unwrap();
    out[..len].to_vec()
}
