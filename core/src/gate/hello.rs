//! Proof that a connection belongs to an identity.

use super::sanctions::Fault;
use super::{Gate, Parts, Signed, Source};
use crate::peers::PeerRow;
use crate::storage::Storage;
use crate::table::Place;
use crate::wire::{Hello, delegation_hash, hello_hash};
use crate::{Decision, PeerId, Reason, Signature, Timestamp};

/// A hello as it came, and what it answers.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// Our own peer id.
    pub verifier: &'a PeerId,
    /// What we asked on this connection; a challenge is good for one answer.
    pub challenge: &'a [u8; 32],
    /// The body of the answer.
    pub hello: &'a Hello,
    /// The signature of the answer's envelope.
    pub signature: Signature,
}

impl<S: Storage> Gate<S> {
    /// Whether the connection of `source` belongs to the identity that it names. If so, the
    /// connection has that identity's benefits until it ends.
    pub fn prove_identity(
        &mut self,
        now: Timestamp,
        source: &Source,
        proof: &Proof<'_>,
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = match parts.prove_identity(now, source, proof) {
            Ok(()) => Reason::Clear.into(),
            Err(decision) => decision,
        };
        match decision.reason {
            Reason::InvalidSignature => {
                parts.accuse(now, source, Fault::InvalidSignature, proof.signature.as_bytes());
            }
            Reason::NotDelegated => {
                parts.accuse(now, source, Fault::Malformed, proof.signature.as_bytes());
            }
            _ => {}
        }
        parts.node.counters.note(decision)
    }
}

impl Parts<'_> {
    fn prove_identity(
        &mut self,
        now: Timestamp,
        source: &Source,
        proof: &Proof<'_>,
    ) -> Result<(), Decision> {
        let (hello, network) = (proof.hello, self.rules.policy.network);
        if let Some(sanction) = self.sanction(now, &source.peer) {
            return Err(sanction);
        }
        if hello.challenge != *proof.challenge {
            return Err(Reason::Replayed.into());
        }
        let found = self.tables.identities.view().find(&self.rules.seed, &hello.identity);
        let (named, identity) = found.ok_or_else(|| self.absent(now, &hello.identity))?;
        self.judge_identity(now, identity)?;
        let (current, sequence) = (self.current_key(named), u64::from(identity.sequence));
        let undelegated = identity.undelegated(self.node.tip_height());
        let delegated = hello.delegation.filter(|_| hello.key != current);
        let made_under = delegated.map_or(sequence, |given| given.sequence);
        // What depends on the clock or on what is known here is nobody's fault.
        let in_force = self.judge_sequence(identity, made_under);
        self.take_signature(now, source)?;
        in_force?;
        if hello.key != current {
            let given = delegated.ok_or(undelegated)?;
            if given.delegation.not_after <= now {
                return Err(Reason::Expired.into());
            }
            let not_after = given.delegation.not_after;
            let hash = delegation_hash(network, &hello.identity, &hello.key, sequence, not_after);
            let signed = Signed { key: current, hash, signature: given.delegation.signature };
            if !signed.holds() {
                return Err(undelegated.into());
            }
        }
        let hash =
            hello_hash(network, &source.peer, proof.verifier, &hello.identity, proof.challenge);
        if !(Signed { key: hello.key, hash, signature: proof.signature }).holds() {
            return Err(Reason::InvalidSignature.into());
        }
        self.give_back(source, true);
        if let Some(row) = self.tables.identities.get_mut(named) {
            row.use_now(now);
        }
        if let Some(place) = self.tables.peers.find(&self.rules.seed, &source.peer) {
            self.clear(now, place, named);
        }
        Ok(())
    }

    /// Lets a connected peer belong to an identity. When they are too many, the one that proved it
    /// longest ago does no longer, or one burn would clear a whole address group.
    fn clear(&mut self, now: Timestamp, place: Place, identity: Place) {
        let peers = &mut self.tables.peers;
        let Some(row) = peers.get(place).filter(|row| row.connections > 0) else { return };
        let again = peers.link(place, PeerRow::IDENTITY) == identity;
        let before = if again { row.proved } else { u8::MAX };
        let (mut count, mut first) = (1u8, (0, place));
        for other in peers.places() {
            if other == place || peers.link(other, PeerRow::IDENTITY) != identity {
                continue;
            }
            let Some(row) = peers.get_mut(other) else { continue };
            row.proved = row.proved.saturating_add((row.proved < before).into());
            count = count.saturating_add(1);
            first = first.max((row.proved, other));
        }
        peers.set_link(place, PeerRow::IDENTITY, identity);
        if let Some(row) = peers.get_mut(place) {
            row.proved = 0;
            row.sanctioned &= !core::mem::take(&mut row.unproven);
        }
        if count > self.rules.policy.connections.per_identity {
            peers.set_link(first.1, PeerRow::IDENTITY, 0);
            self.ask_stranger(now, first.1);
        }
    }
}
