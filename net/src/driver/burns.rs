//! Burns that a reorganisation took out of the chain.

use ltms_core::{
    BlockEvidence, IdentityId, Txid,
    chain::{Header, Transaction},
    wire::{Envelope, Registration},
};

use super::Driver;
use crate::{
    chain::{IncludedTransaction, SourceError},
    claim::moved_claim,
};

/// Whether a burn is being looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Idle,
    Running,
}

impl Driver {
    /// Looks for the burns of suspended identities: at once, and again at each new tip.
    pub(super) fn seek_burns(&mut self) {
        for (id, search) in &mut self.suspended {
            if *search == Search::Idle
                && let Some(burn) = self.envelopes.claim(id).and_then(burn_of)
            {
                *search = Search::Running;
                self.lookups.ask_burn(*id, burn);
            }
        }
    }

    /// Resumes an identity whose burn is in the chain again, with a claim that names its block:
    /// others would not find the old one.
    pub(super) fn on_burn(
        &mut self,
        id: IdentityId,
        place: Result<Option<(IncludedTransaction, Header)>, SourceError>,
    ) {
        if let Some(search) = self.suspended.get_mut(&id) {
            *search = Search::Idle;
        }
        let (included, header) = match place {
            Ok(Some(place)) => place,
            Ok(None) => return tracing::debug!(%id, "the burn is still in no block"),
            Err(error) => return tracing::warn!(%id, %error, "no answer about a burn"),
        };
        let claim = self.envelopes.claim(&id);
        let Some(claim) = claim.and_then(|claim| moved_claim(claim, &included, &header)) else {
            return tracing::warn!(%id, "a wrong answer about a burn");
        };
        self.envelopes.replace_claim(id, claim);
        let (now, class) = (self.now(), self.lookups.class());
        self.gate().burn_seen(now, &id, Some(&BlockEvidence { header: &header, class }));
    }
}

/// The transaction that a claim is about.
fn burn_of(claim: &[u8]) -> Option<Txid> {
    let claim = Registration::decode(Envelope::decode(claim).ok()?.body).ok()?;
    Some(Transaction::parse(claim.transaction).ok()?.txid())
}
