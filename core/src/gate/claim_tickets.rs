//! What a claim is on its way from its signatures to its block.

use super::{SignatureCheck, Signed, Source};
use crate::burn::Purpose;
use crate::chain::Header;
use crate::identities::EvidenceClass;
use crate::{Amount, BlockHash, IdentityId, PublicKey, Reason};

/// A claim that reads well: its signatures are next.
#[derive(Debug)]
#[must_use]
pub struct ClaimTicket {
    pub(super) signed: Signed,
    /// A rotation is signed by the new key, too.
    pub(super) also: Option<Signed>,
    pub(crate) lookup: LookupTicket,
}

/// A signed claim: the header of its block is next.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct LookupTicket {
    /// Its number in a recording.
    pub(crate) number: u64,
    pub(crate) source: Source,
    pub(crate) claimed: Claimed,
    pub(super) block: BlockHash,
    pub(super) position: u32,
    pub(super) output: u8,
    pub(super) merkle_root: [u8; 32],
}

/// What a burn is claimed for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claimed {
    Registration {
        id: IdentityId,
        key: PublicKey,
        burned: Amount,
    },
    /// `by` is the key that signed as the old one.
    Rotation {
        id: IdentityId,
        sequence: u64,
        key: PublicKey,
        by: PublicKey,
    },
    /// `by` is the key that signed as the current one.
    Credit {
        id: IdentityId,
        sequence: u64,
        purpose: Purpose,
        burned: Amount,
        by: PublicKey,
    },
}

impl Claimed {
    /// What to say of it when its signature does not hold. Whose signature that should be follows
    /// from the burn alone before the first rotation; later it is only what is known here, and
    /// another honest node may know another rotation.
    pub(super) const fn unsigned(&self) -> Reason {
        match self {
            Self::Registration { .. }
            | Self::Rotation { sequence: 1, .. }
            | Self::Credit { sequence: 0, .. } => Reason::InvalidSignature,
            Self::Rotation { .. } | Self::Credit { .. } => Reason::Superseded,
        }
    }
}

impl ClaimTicket {
    /// The registered identity that it names; none for a registration, whose name is free to make.
    #[must_use]
    pub const fn identity(&self) -> Option<&IdentityId> {
        match self.lookup.claimed {
            Claimed::Registration { .. } => None,
            _ => Some(self.lookup.identity()),
        }
    }

    /// Checks the signatures one by one.
    pub fn verify(&self) -> SignatureCheck {
        self.check(Signed::holds)
    }

    /// The signatures to check, for batches.
    pub fn signatures(&self) -> impl Iterator<Item = &Signed> {
        core::iter::once(&self.signed).chain(&self.also)
    }

    /// What follows from the checks; `holds` is asked about each of [`ClaimTicket::signatures`],
    /// in their order.
    pub fn check(&self, mut holds: impl FnMut(&Signed) -> bool) -> SignatureCheck {
        let old = holds(&self.signed);
        let new = self.also.is_none_or(|also| holds(&also));
        if old && new { SignatureCheck::Valid } else { SignatureCheck::Invalid }
    }
}

impl LookupTicket {
    /// The block whose header has to be asked for.
    #[must_use]
    pub const fn block(&self) -> &BlockHash {
        &self.block
    }

    /// The identity that the burn is claimed for.
    #[must_use]
    pub const fn identity(&self) -> &IdentityId {
        match &self.claimed {
            Claimed::Registration { id, .. }
            | Claimed::Rotation { id, .. }
            | Claimed::Credit { id, .. } => id,
        }
    }
}

/// The header of a block in the active chain, and how well that is known.
#[derive(Clone, Copy, Debug)]
pub struct BlockEvidence<'a> {
    /// The header.
    pub header: &'a Header,
    /// Who says that it is in the chain.
    pub class: EvidenceClass,
}
