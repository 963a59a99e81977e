//! Look-ups by identity: who it is, from the histories that peers know (policy §6).

use std::collections::{HashMap, HashSet};

use libp2p::PeerId;
use ltms_core::{IdentityId, Registered};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{Asked, Driver};
use crate::{behaviour::streams::Request, handle::Signer};

/// Identities that are asked for at a time.
const OPEN: usize = 64;
/// Peers that are asked for one.
const PEERS: usize = 3;

struct Open {
    replies: Vec<oneshot::Sender<Option<Registered>>>,
    /// Who has not answered, and who has, but with claims that are not judged yet.
    pending: HashSet<PeerId>,
    told: HashSet<PeerId>,
    until: Instant,
}

/// The identities that somebody asks for.
#[derive(Default)]
pub(super) struct Histories(HashMap<IdentityId, Open>);

impl Histories {
    /// Ends when one is due.
    pub(super) async fn due(&self) {
        match self.0.values().map(|open| open.until).min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

impl Driver {
    /// Answers with an identity, which peers are asked for if it is not known here.
    pub(super) fn seek_identity(
        &mut self,
        id: IdentityId,
        reply: oneshot::Sender<Option<Registered>>,
    ) {
        let known = self.gate().identity(&id);
        if known.is_none() {
            return self.ask_histories(id, None, reply);
        }
        // Whoever asked may have gone.
        let _ = reply.send(known);
    }

    /// Asks several peers for a history, `first` among them, so that one that fails or lies costs
    /// nothing. Answers with what is known of the identity when they have.
    pub(super) fn ask_histories(
        &mut self,
        id: IdentityId,
        first: Option<PeerId>,
        reply: oneshot::Sender<Option<Registered>>,
    ) {
        if let Some(open) = self.histories.0.get_mut(&id)
            && open.replies.len() < OPEN
        {
            return open.replies.push(reply);
        }
        if self.histories.0.contains_key(&id) || self.histories.0.len() >= OPEN {
            let _ = reply.send(self.gate().identity(&id));
            return;
        }
        let mut asked: Vec<_> = first.into_iter().collect();
        while asked.len() < PEERS
            && let Some(peer) = self.another(&asked)
        {
            asked.push(peer);
        }
        asked.retain(|peer| self.ask(peer, Request::History(id), Asked::Sought(id)));
        let until = Instant::now() + self.pace.first;
        let (pending, told) = (asked.into_iter().collect(), HashSet::new());
        self.histories.0.insert(id, Open { replies: vec![reply], pending, told, until });
        self.answer_identities(|_| false);
    }

    /// A peer has told what it knows of an identity, or will not.
    pub(super) fn on_history(&mut self, peer: PeerId, id: IdentityId, claims: Vec<Vec<u8>>) {
        let Some(open) = self.histories.0.get_mut(&id) else { return };
        if open.pending.remove(&peer) && !claims.is_empty() {
            open.told.insert(peer);
            self.pulled(peer, claims);
        }
        self.answer_identities(|_| false);
    }

    /// All that a peer told is judged.
    pub(super) fn on_idle(&mut self, peer: PeerId) {
        for open in self.histories.0.values_mut() {
            open.told.remove(&peer);
        }
        self.answer_identities(|_| false);
    }

    pub(super) fn on_histories_due(&mut self) {
        let now = Instant::now();
        self.answer_identities(|open| open.until <= now);
    }

    /// Answers what is due, and what nobody has more to tell about.
    fn answer_identities(&mut self, due: impl Fn(&Open) -> bool) {
        let over = |open: &Open| due(open) || open.pending.is_empty() && open.told.is_empty();
        for (id, open) in self.histories.0.extract_if(|_, open| over(open)).collect::<Vec<_>>() {
            let known = self.gate().identity(&id);
            for reply in open.replies {
                let _ = reply.send(known);
            }
        }
    }

    /// The signers that advertise under an identity, as far as they are listed here.
    pub(super) fn signers_of(&mut self, id: &IdentityId) -> Vec<Signer> {
        let now = self.now();
        let gate = &self.swarm.behaviour().connections.door.gate;
        let keys = self.envelopes.keys_of(id);
        keys.filter_map(|key| self.signer(&gate.find_key(now, key)?))
            .filter(|signer| signer.identity == Some(*id))
            .collect()
    }
}
