//! Burns that a reorganisation took out of the chain.

use ltms_core::{
    IdentityId, Txid,
    chain::{Header, Transaction},
    wire::{Envelope, Registration},
};

use tokio::sync::oneshot;

use super::Driver;
use crate::{
    chain::{IncludedTransaction, SourceError},
    claim::moved_claim,
};

/// Burns that are looked for at a time: a reorganisation may suspend many.
const SEARCHES: usize = 32;

/// How far the search for a burn is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Idle,
    Running,
    /// Done for the present tip.
    Tried,
}

impl Driver {
    /// Looks for all burns of suspended identities again, now that there is a new tip. Those that
    /// have lapsed are forgotten.
    pub(super) fn seek_burns_again(&mut self) {
        let gate = &self.swarm.behaviour().connections.door.gate;
        self.suspended.retain(|id, search| {
            if *search == Search::Tried {
                *search = Search::Idle;
            }
            gate.identity(id).is_some()
        });
        self.seek_burns();
    }

    /// Looks for burns that were not looked for since the last tip, some at a time.
    pub(super) fn seek_burns(&mut self) {
        let running = self.suspended.values().filter(|search| **search == Search::Running).count();
        let idle = self.suspended.iter_mut().filter(|(_, search)| **search == Search::Idle);
        for (id, search) in idle.take(SEARCHES.saturating_sub(running)) {
            if let Some(burn) = self.envelopes.claim(id).and_then(burn_of) {
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
            *search = Search::Tried;
        }
        self.seek_burns();
        let (included, header) = match place {
            Ok(Some(place)) => place,
            Ok(None) => return tracing::debug!(%id, "the burn is still in no block"),
            Err(error) => return tracing::warn!(%id, %error, "no answer about a burn"),
        };
        let claim = self.envelopes.claim(&id);
        let Some(claim) = claim.and_then(|claim| moved_claim(claim, &included, &header)) else {
            return tracing::warn!(%id, "a wrong answer about a burn");
        };
        let (reply, _) = oneshot::channel();
        self.claim(claim, reply);
    }
}

/// The transaction that a claim is about.
fn burn_of(claim: &[u8]) -> Option<Txid> {
    let claim = Registration::decode(Envelope::decode(claim).ok()?.body).ok()?;
    Some(Transaction::parse(claim.burn.transaction).ok()?.txid())
}
