//! Claims of burns: read, signatures, block, row.

use super::claim_tickets::{BlockEvidence, ClaimTicket, Claimed, LookupTicket};
use super::sanctions::Fault;
use super::{Gate, Parts, SignatureCheck, Signed, Source};
use crate::burn::{BurnScript, Purpose, ScriptErrorKind};
use crate::chain::{Transaction, merkle};
use crate::identities::{BurnPlace, EvidenceClass, IdentityRow};
use crate::keys::Channel;
use crate::storage::Storage;
use crate::table::Place;
use crate::wire::{
    BurnClaim, Credit, IncludedBurn, Registration, Rotation, credit_hash, register_hash,
    rotation_hash,
};
use crate::{Amount, Burns, Decision, IdentityId, OutPoint, Policy, PublicKey, Reason};
use crate::{Screening, Signature, Timestamp, Verdict};

/// Bytes that a transaction in a block has at least (lotusd `consensus.h`); with fewer, an inner
/// node of the tree could pass for one.
const MIN_TRANSACTION: usize = 100;
/// Rotations of one identity, for life.
const ROTATIONS: u64 = 64;

impl<S: Storage> Gate<S> {
    /// Reads a claim: transaction, output, script, amount, identity. Asks nobody.
    pub fn screen_claim(
        &mut self,
        now: Timestamp,
        source: &Source,
        claim: &BurnClaim<'_>,
        signature: Signature,
    ) -> Screening<ClaimTicket> {
        let mut parts = self.parts(now);
        match parts.screen_claim(now, source, claim, signature) {
            Ok(ticket) => Screening::Proceed(ticket),
            Err(decision) => {
                let evidence = claim.burn().transaction;
                Screening::Done(parts.judged_claim(now, source, evidence, decision))
            }
        }
    }

    /// Goes on from the claim's signatures to its block.
    pub fn settle_claim(
        &mut self,
        now: Timestamp,
        ticket: ClaimTicket,
        check: SignatureCheck,
    ) -> Screening<LookupTicket> {
        let mut parts = self.parts(now);
        let source = ticket.lookup.source;
        if check != SignatureCheck::Valid {
            let decision = ticket.lookup.claimed.unsigned().into();
            return Screening::Done(parts.judged_claim(
                now,
                &source,
                &ticket.signed.hash,
                decision,
            ));
        }
        parts.give_back(&source, true);
        Screening::Proceed(ticket.lookup)
    }

    /// Takes the tokens of one look-up of a block header that is not known yet.
    ///
    /// # Errors
    /// [`Reason::HeaderBudget`] with the time at which there is one again.
    pub fn charge_lookup(&mut self, now: Timestamp, ticket: &LookupTicket) -> Result<(), Decision> {
        let mut parts = self.parts(now);
        let charged = parts.charge_lookup(now, &ticket.source);
        charged.map_err(|decision| parts.node.counters.note(decision))
    }

    /// The verdict on a claim, given the block's header if our source has it in its chain.
    pub fn settle_burn(
        &mut self,
        now: Timestamp,
        ticket: LookupTicket,
        found: Option<&BlockEvidence<'_>>,
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = match parts.settle_burn(now, &ticket, found) {
            Ok(()) => {
                parts.give_back_lookup(&ticket.source);
                Reason::New.into()
            }
            Err(decision) => decision,
        };
        parts.judged_claim(now, &ticket.source, &ticket.merkle_root, decision)
    }
}

/// What a claim's burn says by itself.
struct Burn {
    outpoint: OutPoint,
    script: BurnScript,
    value: Amount,
    output: u8,
    merkle_root: [u8; 32],
}

impl Parts<'_> {
    fn judged_claim(
        &mut self,
        now: Timestamp,
        source: &Source,
        evidence: &[u8],
        decision: Decision,
    ) -> Decision {
        match decision.reason {
            Reason::InvalidSignature => self.accuse(now, source, Fault::InvalidSignature, evidence),
            _ if decision.verdict == Verdict::Reject => {
                self.accuse(now, source, Fault::Malformed, evidence);
            }
            Reason::AlreadyKnown => self.give_back_known(source),
            _ => {}
        }
        self.node.counters.note(decision)
    }

    fn screen_claim(
        &mut self,
        now: Timestamp,
        source: &Source,
        claim: &BurnClaim<'_>,
        signature: Signature,
    ) -> Result<ClaimTicket, Decision> {
        self.judge_sender(now, source)?;
        let peer = self.tables.peers.view().find(&self.rules.seed, &source.peer);
        let unproven = peer.and_then(|(_, row)| self.unproven(now, row));
        if let Some(refused) = unproven.filter(|_| !source.is_relayed()) {
            return Err(refused);
        }
        let burn = read_burn(claim.burn())?;
        let (claimed, signed, also) = match claim {
            BurnClaim::Registration(claim) => {
                self.screen_registration(now, claim, &burn, signature)?
            }
            BurnClaim::Rotation(claim) => self.screen_rotation(now, claim, &burn, signature)?,
            BurnClaim::Credit(claim) => self.screen_credit(now, claim, &burn, signature)?,
        };
        self.take_signature(now, source)?;
        let IncludedBurn { block, position, .. } = *claim.burn();
        let Burn { output, merkle_root, .. } = burn;
        let lookup = LookupTicket {
            number: 0,
            source: *source,
            claimed,
            block,
            position,
            output,
            merkle_root,
        };
        Ok(ClaimTicket { signed, also, lookup })
    }

    fn screen_registration(
        &self,
        now: Timestamp,
        _: &Registration<'_>,
        burn: &Burn,
        signature: Signature,
    ) -> Result<(Claimed, Signed, Option<Signed>), Decision> {
        let policy = &self.rules.policy;
        let id = burn.outpoint.identity_id().map_err(|_| Reason::NoSuchOutput)?;
        let known = self.tables.identities.view().find(&self.rules.seed, &id);
        // A suspended one may have been mined again, an anchored one is proved again in time.
        if known.is_some_and(|(_, row)| !row.wants_proof(now)) {
            return Err(Reason::AlreadyKnown.into());
        }
        if burn.script.purpose.is_some() {
            return Err(Reason::Script.into());
        }
        judge_value(burn.value, |burns| burns.registration, &policy.burns)?;
        let key = burn.script.public_key;
        if known.is_none() {
            self.judge_new_key(&key)?;
            self.may_enter(now, burn.value)?;
            if self.tables.keys.view().find(&self.rules.seed, &key).is_none() {
                self.may_take_row(now, burn.value.sats())?;
            }
        }
        let hash = register_hash(policy.network, &burn.outpoint, &key);
        let claimed = Claimed::Registration { id, key, burned: burn.value };
        Ok((claimed, Signed { key, hash, signature }, None))
    }

    fn screen_rotation(
        &self,
        now: Timestamp,
        claim: &Rotation<'_>,
        burn: &Burn,
        signature: Signature,
    ) -> Result<(Claimed, Signed, Option<Signed>), Decision> {
        let policy = &self.rules.policy;
        if burn.script.purpose != Some((Purpose::Rotation, claim.identity)) {
            return Err(Reason::Script.into());
        }
        judge_value(burn.value, |burns| burns.rotation, &policy.burns)?;
        let (named, identity) = self.claimant(now, &claim.identity)?;
        let (known, current) = (u64::from(identity.sequence), self.current_key(named));
        let new = burn.script.public_key;
        // The next rotation is the current key's to make; the last one may still be contested by
        // the key before, whose burn may lie earlier in the chain.
        let old = if claim.sequence == known.saturating_add(1) {
            current
        } else if claim.sequence == known && known > 0 {
            if new == current {
                return Err(Reason::AlreadyKnown.into());
            }
            let contestable = identity.is_contestable(self.node.tip_height());
            let previous = self.previous_key(named).filter(|_| contestable);
            previous.ok_or(Reason::Superseded)?
        } else if claim.sequence < known || claim.sequence == 0 {
            return Err(Reason::Superseded.into());
        } else {
            return Err(Reason::NeedHistory.into());
        };
        if claim.sequence > ROTATIONS {
            return Err(Reason::Superseded.into());
        }
        self.judge_new_key(&new)?;
        let hash = rotation_hash(
            policy.network,
            &claim.identity,
            claim.sequence,
            &old,
            &new,
            &burn.outpoint,
            claim.created_at,
        );
        let claimed =
            Claimed::Rotation { id: claim.identity, sequence: claim.sequence, key: new, by: old };
        let also = Signed { key: new, hash, signature: claim.new_key_signature };
        Ok((claimed, Signed { key: old, hash, signature }, Some(also)))
    }

    fn screen_credit(
        &self,
        now: Timestamp,
        claim: &Credit<'_>,
        burn: &Burn,
        signature: Signature,
    ) -> Result<(Claimed, Signed, Option<Signed>), Decision> {
        let policy = &self.rules.policy;
        let purpose = match burn.script.purpose {
            Some((purpose, id)) if id == claim.identity && purpose != Purpose::Rotation => purpose,
            _ => return Err(Reason::Script.into()),
        };
        if !purpose.is_charged(&policy.burns) {
            return Err(Reason::NotCharged.into());
        }
        judge_value(burn.value, |burns| purpose.price(burns), &policy.burns)?;
        let (named, identity) = self.claimant(now, &claim.identity)?;
        let (known, current) = (u64::from(identity.sequence), self.current_key(named));
        if claim.sequence > known {
            return Err(Reason::NeedHistory.into());
        }
        let script_key = burn.script.public_key;
        let by_current = purpose == Purpose::AdditionalKey || script_key == current;
        if claim.sequence < known || !by_current {
            return Err(Reason::Superseded.into());
        }
        let hash = credit_hash(
            policy.network,
            &claim.identity,
            purpose,
            &burn.outpoint,
            &script_key,
            claim.sequence,
        );
        let (id, sequence, burned) = (claim.identity, claim.sequence, burn.value);
        let claimed = Claimed::Credit { id, sequence, purpose, burned, by: current };
        Ok((claimed, Signed { key: current, hash, signature }, None))
    }

    /// The identity that a rotation or credit names. A ban is only our opinion and does not keep
    /// facts of the chain out; a suspension does.
    fn claimant(&self, now: Timestamp, id: &IdentityId) -> Result<(Place, &IdentityRow), Decision> {
        let found = self.tables.identities.view().find(&self.rules.seed, id);
        let (named, identity) = found.ok_or(Reason::UnknownIdentity)?;
        if identity.is_suspended(now) {
            Err(Reason::Suspended.into())
        } else {
            Ok((named, identity))
        }
    }

    /// A key that is somebody's current key cannot become another's, nor the same one's again.
    pub(crate) fn judge_new_key(&self, key: &PublicKey) -> Result<(), Decision> {
        let found = self.tables.keys.view().find(&self.rules.seed, key);
        if found.is_some_and(|(_, row)| row.is_current()) {
            Err(Reason::KeyTaken.into())
        } else {
            Ok(())
        }
    }

    fn charge_lookup(&mut self, now: Timestamp, source: &Source) -> Result<(), Decision> {
        if source.channel == Channel::Own {
            return Ok(());
        }
        let windows = &self.rules.policy.windows;
        let Some(row) = self.tables.peers.find_mut(&self.rules.seed, &source.peer) else {
            return Err(Reason::ConnectionLimit.into());
        };
        let half = windows.node_header.halved();
        let inbound =
            if row.is_outbound() { Ok(()) } else { self.node.inbound_headers.peek(half, now) };
        let node = self.node.headers.peek(windows.node_header, now);
        let closed = [row.headers.peek(windows.header, now), inbound, node];
        // Until the last of them opens, one of them refuses.
        if let Some(at) = closed.into_iter().filter_map(Result::err).map(|until| until.0).max() {
            return Err(Decision::until(Reason::HeaderBudget, at));
        }
        self.node.headers.charge(windows.node_header, now);
        if !row.is_outbound() {
            self.node.inbound_headers.charge(half, now);
        }
        row.headers.charge(windows.header, now);
        Ok(())
    }

    /// A look-up for a claim that turned out valid and new costs its relay nothing.
    fn give_back_lookup(&mut self, source: &Source) {
        let quota = self.rules.policy.windows.header;
        if let Some(row) = self.peer(&source.peer) {
            row.headers.give_back(quota);
        }
    }

    fn settle_burn(
        &mut self,
        now: Timestamp,
        ticket: &LookupTicket,
        found: Option<&BlockEvidence<'_>>,
    ) -> Result<(), Decision> {
        let evidence = found.filter(|evidence| evidence.header.hash() == ticket.block);
        let evidence = evidence.ok_or(Reason::UnknownBlock)?;
        if evidence.header.merkle_root() != ticket.merkle_root {
            return Err(Reason::NotInBlock.into());
        }
        if evidence.class == EvidenceClass::Weak {
            return Err(Reason::WeakEvidence.into());
        }
        let (position, output) = (ticket.position, ticket.output);
        let place = BurnPlace::new(evidence.header.height(), position, output);
        let place = place.ok_or(Reason::NotInBlock)?;
        let burns = &self.rules.policy.burns;
        let wanted = match ticket.claimed {
            // What an owner's anchor proves has no second look, so it has to be final at once.
            Claimed::Registration { .. } if evidence.class == EvidenceClass::Anchored => burns.full,
            Claimed::Registration { .. } => burns.provisional,
            // Past every reorganisation, so that nothing of an identity is ever taken back
            // but its registration.
            Claimed::Rotation { .. } => burns.rotation_depth,
            Claimed::Credit { .. } => burns.full,
        };
        let confirmations = place.height().confirmations(self.node.tip_height());
        if self.node.tip.is_none() || confirmations < wanted {
            return Err(Reason::Immature.into());
        }
        match ticket.claimed {
            Claimed::Registration { id, key, burned } => {
                self.register(now, &id, &key, burned, place, evidence.class)
            }
            Claimed::Rotation { id, sequence, key, by } => {
                self.rotate(now, &id, sequence, (&by, &key), place)
            }
            Claimed::Credit { id, sequence, purpose, burned, by } => {
                self.credit(now, &id, (sequence, &by), purpose, burned, place)
            }
        }
    }
}

/// A burn below the protocol's price is wrong for everybody; below our own, only for us.
fn judge_value(
    value: Amount,
    price: impl Fn(&Burns) -> Amount,
    ours: &Burns,
) -> Result<(), Decision> {
    if value < price(&Policy::LOTUS_V1.burns) {
        Err(Reason::BurnTooSmall.into())
    } else if value < price(ours) {
        Err(Reason::LocalLimit.into())
    } else {
        Ok(())
    }
}

fn read_burn(burn: &IncludedBurn<'_>) -> Result<Burn, Decision> {
    let raw = burn.transaction;
    let transaction = Transaction::parse(raw).map_err(|_| Reason::Transaction)?;
    if raw.len() < MIN_TRANSACTION {
        return Err(Reason::Transaction.into());
    }
    if transaction.is_coinbase() || burn.position == 0 {
        return Err(Reason::Coinbase.into());
    }
    let outpoint = OutPoint { txid: transaction.txid(), vout: burn.vout.into() };
    let output = transaction.output(outpoint.vout).ok_or(Reason::NoSuchOutput)?;
    let script = BurnScript::parse(output.script).map_err(|error| match error.kind() {
        ScriptErrorKind::Version | ScriptErrorKind::UnknownPurpose => Reason::Unsupported,
        _ => Reason::Script,
    })?;
    let leaf = merkle::leaf(&transaction.txhash(), &outpoint.txid);
    let merkle_root = merkle::root_from_branch(&leaf, burn.position, burn.branch)
        .map_err(|_| Reason::NotInBlock)?;
    Ok(Burn { outpoint, script, value: output.value, output: burn.vout, merkle_root })
}
