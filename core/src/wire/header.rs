//! What admission needs to know of an advertisement or a withdrawal.

use super::{
    Advertisement, AmountRange, Authority, Envelope, Kind, WireError, Withdrawal, ad_hash,
    withdrawal_hash,
};
use crate::{Network, PeerId, PublicKey, Signature, Timestamp};

/// The part of an advertisement or a withdrawal that decides whether it is taken.
///
/// Made only from a whole message that was read to its end, so that all of its fields are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdHeader<'a> {
    /// [`Kind::Advertisement`] or [`Kind::Withdrawal`].
    pub kind: Kind,
    /// The key that must have signed.
    pub author: PublicKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; [`Timestamp::EPOCH`] for a withdrawal.
    pub expires_at: Timestamp,
    /// The advertised peer; none for a withdrawal.
    pub peer: Option<PeerId>,
    /// A bit for each transaction type with a number below 64, which is the bit's.
    pub types: u64,
    /// What a transaction may be worth.
    pub amount: Option<AmountRange>,
    /// The identity in whose name it is made; absent for a stranger.
    pub authority: Option<Authority>,
    /// The signature, which nobody has checked yet.
    pub signature: Signature,
    /// The very bytes that the signature covers.
    pub body: &'a [u8],
    /// The whole message, as it is passed on.
    pub envelope: &'a [u8],
}

impl<'a> AdHeader<'a> {
    /// Reads an envelope of kind 1 or 2 with its whole body.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for; [`WireError::WrongKind`] for a known
    /// kind that is neither.
    pub fn read(network: Network, envelope: &'a [u8]) -> Result<Self, WireError> {
        let Envelope { kind, body, signature } = Envelope::decode(envelope)?;
        match kind {
            Kind::Advertisement => {
                let ad = Advertisement::decode(body, network)?;
                Ok(Self {
                    kind,
                    author: ad.author,
                    created_at: ad.created_at,
                    expires_at: ad.expires_at,
                    peer: Some(ad.peer),
                    types: ad.types.iter().fold(0, |mask, number| mask | bit(*number)),
                    amount: ad.amount,
                    authority: ad.authority,
                    signature,
                    body,
                    envelope,
                })
            }
            Kind::Withdrawal => {
                let withdrawal = Withdrawal::decode(body)?;
                Ok(Self {
                    kind,
                    author: withdrawal.author,
                    created_at: withdrawal.created_at,
                    expires_at: Timestamp::EPOCH,
                    peer: None,
                    types: 0,
                    amount: None,
                    authority: withdrawal.authority,
                    signature,
                    body,
                    envelope,
                })
            }
            Kind::Registration | Kind::Rotation | Kind::Credit | Kind::Hello => {
                Err(WireError::WrongKind)
            }
        }
    }

    /// What the author must have signed on `network`.
    #[must_use]
    pub fn signed_hash(&self, network: Network) -> [u8; 32] {
        match self.kind {
            Kind::Withdrawal => withdrawal_hash(network, self.body),
            _ => ad_hash(network, self.body),
        }
    }
}

fn bit(number: u16) -> u64 {
    1_u64.checked_shl(number.into()).unwrap_or_default()
}
