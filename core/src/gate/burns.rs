//! Registration of identities: claim, signature, block, row.

use super::sanctions::Fault;
use super::{Gate, Parts, SignatureCheck, Signed, Source, Tip};
use crate::burn::{BurnScript, ScriptErrorKind};
use crate::chain::{Header, Transaction, merkle};
use crate::identities::{EvidenceClass, IdentityRow, Told};
use crate::keys::{Channel, KeyRow, Owner};
use crate::score::Reputation;
use crate::storage::Storage;
use crate::table::Row;
use crate::wire::{Registration, register_hash};
use crate::{Amount, BlockHash, BlockHeight, Decision, IdentityId, OutPoint, PublicKey, Reason};
use crate::{Bucket, Screening, Signature, Timestamp};

/// Bytes that a transaction in a block has at least (lotusd `consensus.h`); with fewer, an inner
/// node of the tree could pass for one.
const MIN_TRANSACTION: usize = 100;

/// A claim that reads well: its signature is next.
#[derive(Debug)]
#[must_use]
pub struct ClaimTicket {
    signed: Signed,
    lookup: LookupTicket,
}

/// A signed claim: the header of its block is next.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct LookupTicket {
    source: Source,
    id: IdentityId,
    key: PublicKey,
    burned: Amount,
    block: BlockHash,
    merkle_root: [u8; 32],
}

impl ClaimTicket {
    /// Checks the signature.
    pub fn verify(&self) -> SignatureCheck {
        if self.signed.holds() { SignatureCheck::Valid } else { SignatureCheck::Invalid }
    }
}

impl LookupTicket {
    /// The block whose header has to be asked for.
    #[must_use]
    pub const fn block(&self) -> &BlockHash {
        &self.block
    }

    /// The identity that is claimed.
    #[must_use]
    pub const fn identity(&self) -> &IdentityId {
        &self.id
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

/// A registered identity, as other code may show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Registered {
    /// The identity.
    pub id: IdentityId,
    /// Its current key.
    pub key: PublicKey,
    /// How often the key was rotated.
    pub sequence: u64,
    /// Its total burn.
    pub burned: Amount,
    /// The height of its registration.
    pub height: BlockHeight,
    /// How well that is known.
    pub class: EvidenceClass,
    /// Its reputation score.
    pub score: u8,
}

impl<S: Storage> Gate<S> {
    /// Tells the chain's end. `fork` is the last block that the old and the new chain share:
    /// identities burned above it are suspended until [`Gate::burn_seen`] finds them again.
    pub fn set_tip(&mut self, now: Timestamp, tip: Tip, fork: BlockHeight) {
        let parts = self.parts(now);
        let reorganised = parts.node.tip.is_some_and(|old| fork < old.height);
        parts.node.tip = Some(tip);
        if !reorganised {
            return;
        }
        let mut identities = parts.tables.identities;
        for place in identities.places() {
            let Some(row) = identities.get_mut(place) else { continue };
            if row.height > fork && !row.suspended {
                row.suspended = true;
                row.told = Told::Suspended;
                identities.mark(place);
            }
        }
        parts.node.next_sweep = parts.node.next_sweep.min(now);
    }

    /// Tells what became of the burn of a suspended identity: the block that it is in now, or
    /// `None` while it is in none.
    pub fn burn_seen(
        &mut self,
        now: Timestamp,
        id: &IdentityId,
        found: Option<&BlockEvidence<'_>>,
    ) {
        let mut parts = self.parts(now);
        let Some(evidence) = found.filter(|found| found.class > EvidenceClass::Weak) else {
            return;
        };
        let Some(place) = parts.tables.identities.find(&parts.rules.seed, id) else { return };
        let Some(row) = parts.tables.identities.get_mut(place) else { return };
        if row.suspended {
            row.suspended = false;
            row.height = evidence.header.height();
            row.class = evidence.class;
            row.told = Told::Resumed;
            parts.tables.identities.mark(place);
        }
    }

    /// The identity of a current key.
    #[must_use]
    pub fn resolve_identity(&self, key: &PublicKey) -> Option<Registered> {
        let (_, row) = self.storage.tables().keys.find(&self.rules.seed, key)?;
        let Owner::Identity(tag) = row.owner else { return None };
        let (_, identity) = self.storage.tables().identities.find_tag(&self.rules.seed, tag)?;
        row.current.then(|| identity.registered())
    }

    /// The row of an identity.
    #[must_use]
    pub fn identity(&self, id: &IdentityId) -> Option<Registered> {
        self.storage.tables().identities.find(&self.rules.seed, id).map(|(_, row)| row.registered())
    }

    /// Reads a registration claim: transaction, output, script, amount. Asks nobody.
    pub fn screen_claim(
        &mut self,
        now: Timestamp,
        source: &Source,
        claim: &Registration<'_>,
        signature: Signature,
    ) -> Screening<ClaimTicket> {
        let mut parts = self.parts(now);
        match parts.screen_claim(now, source, claim, signature) {
            Ok(ticket) => Screening::Proceed(ticket),
            Err(decision) => {
                Screening::Done(parts.refused_claim(now, source, claim.transaction, decision))
            }
        }
    }

    /// Goes on from the claim's signature to its block.
    pub fn settle_claim(
        &mut self,
        now: Timestamp,
        ticket: ClaimTicket,
        check: SignatureCheck,
    ) -> Screening<LookupTicket> {
        let mut parts = self.parts(now);
        let source = ticket.lookup.source;
        if check != SignatureCheck::Valid {
            let decision = Reason::InvalidSignature.into();
            return Screening::Done(parts.refused_claim(
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
        parts
            .charge_lookup(now, &ticket.source)
            .map_err(|decision| parts.node.counters.note(decision))
    }

    /// The verdict on a claim, given the block's header if our source has it in its chain.
    pub fn settle_burn(
        &mut self,
        now: Timestamp,
        ticket: LookupTicket,
        found: Option<&BlockEvidence<'_>>,
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = parts.settle_burn(now, &ticket, found);
        parts.refused_claim(now, &ticket.source, &ticket.merkle_root, decision)
    }
}

impl IdentityRow {
    pub(crate) fn registered(&self) -> Registered {
        Registered {
            id: self.id,
            key: self.key,
            sequence: self.sequence,
            burned: self.burned,
            height: self.height,
            class: self.class,
            score: self.reputation.score(),
        }
    }
}

impl Parts<'_> {
    fn refused_claim(
        &mut self,
        now: Timestamp,
        source: &Source,
        evidence: &[u8],
        decision: Decision,
    ) -> Decision {
        match decision.reason {
            Reason::InvalidSignature => self.accuse(now, source, Fault::InvalidSignature, evidence),
            _ if decision.verdict == crate::Verdict::Reject => {
                self.accuse(now, source, Fault::Malformed, evidence);
            }
            _ => {}
        }
        self.node.counters.note(decision)
    }

    fn screen_claim(
        &mut self,
        now: Timestamp,
        source: &Source,
        claim: &Registration<'_>,
        signature: Signature,
    ) -> Result<ClaimTicket, Decision> {
        let policy = &self.rules.policy;
        if let Some(sanction) = self.sanction(now, &source.peer) {
            return Err(sanction);
        }
        let raw = claim.transaction;
        let transaction = Transaction::parse(raw).map_err(|_| Reason::Transaction)?;
        if raw.len() < MIN_TRANSACTION {
            return Err(Reason::Transaction.into());
        }
        if transaction.is_coinbase() || claim.position == 0 {
            return Err(Reason::Coinbase.into());
        }
        let outpoint = OutPoint { txid: transaction.txid(), vout: claim.vout.into() };
        let id = outpoint.identity_id().map_err(|_| Reason::NoSuchOutput)?;
        if self.tables.identities.find(&self.rules.seed, &id).is_some() {
            return Err(Reason::AlreadyKnown.into());
        }
        let output = transaction.output(claim.vout.into()).ok_or(Reason::NoSuchOutput)?;
        let script = BurnScript::parse(output.script).map_err(|error| match error.kind() {
            ScriptErrorKind::Version | ScriptErrorKind::UnknownPurpose => Reason::Unsupported,
            _ => Reason::Script,
        })?;
        if script.purpose.is_some() {
            return Err(Reason::Script.into());
        }
        if output.value < policy.burns.registration {
            return Err(Reason::BurnTooSmall.into());
        }
        let leaf = merkle::leaf(&transaction.txhash(), &outpoint.txid);
        let merkle_root = merkle::root_from_branch(&leaf, claim.position, claim.branch)
            .map_err(|_| Reason::NotInBlock)?;
        let key = script.public_key;
        self.judge_current_key(&key, &id)?;
        self.take_signature(now, source)?;
        let hash = register_hash(policy.network, &outpoint, &key);
        let (block, burned, source) = (claim.block, output.value, *source);
        let lookup = LookupTicket { source, id, key, burned, block, merkle_root };
        Ok(ClaimTicket { signed: Signed { key, hash, signature }, lookup })
    }

    /// A current key belongs to one identity only.
    fn judge_current_key(&self, key: &PublicKey, id: &IdentityId) -> Result<(), Decision> {
        let Some((_, row)) = self.tables.keys.view().find(&self.rules.seed, key) else {
            return Ok(());
        };
        let own = Owner::Identity(IdentityRow::tag(&self.rules.seed, id));
        if row.current && row.owner != own { Err(Reason::KeyTaken.into()) } else { Ok(()) }
    }

    fn charge_lookup(&mut self, now: Timestamp, source: &Source) -> Result<(), Decision> {
        if source.channel == Channel::Own {
            return Ok(());
        }
        let windows = &self.rules.policy.windows;
        let refuse = |until: crate::NotUntil| Decision::until(Reason::HeaderBudget, until.0);
        let Some(row) = self.tables.peers.find_mut(&self.rules.seed, &source.peer) else {
            return Err(Reason::ConnectionLimit.into());
        };
        row.headers.peek(windows.header, now).map_err(refuse)?;
        self.node.headers.take(windows.node_header, now).map_err(refuse)?;
        row.headers.charge(windows.header, now);
        Ok(())
    }

    fn settle_burn(
        &mut self,
        now: Timestamp,
        ticket: &LookupTicket,
        found: Option<&BlockEvidence<'_>>,
    ) -> Decision {
        let Some(evidence) = found.filter(|evidence| evidence.header.hash() == ticket.block) else {
            return Reason::UnknownBlock.into();
        };
        if evidence.header.merkle_root() != ticket.merkle_root {
            return Reason::NotInBlock.into();
        }
        if evidence.class == EvidenceClass::Weak {
            return Reason::WeakEvidence.into();
        }
        let height = evidence.header.height();
        let confirmations = height.confirmations(self.node.tip_height());
        if self.node.tip.is_none() || confirmations < self.rules.policy.burns.provisional {
            return Reason::Immature.into();
        }
        if let Err(decision) = self.judge_current_key(&ticket.key, &ticket.id) {
            return decision;
        }
        self.register(now, ticket, height, evidence.class)
    }

    fn register(
        &mut self,
        now: Timestamp,
        ticket: &LookupTicket,
        height: BlockHeight,
        class: EvidenceClass,
    ) -> Decision {
        let seed = &self.rules.seed;
        if self.tables.identities.find(seed, &ticket.id).is_some() {
            return Reason::AlreadyKnown.into();
        }
        let key_place = self.tables.keys.find(seed, &ticket.key);
        if self.tables.identities.is_full() || key_place.is_none() && self.tables.keys.is_full() {
            return Reason::TableFull.into();
        }
        let row = IdentityRow {
            id: ticket.id,
            key: ticket.key,
            sequence: 0,
            burned: ticket.burned,
            height,
            class,
            suspended: false,
            window: Bucket::FULL,
            reputation: Reputation::fresh(&self.rules.policy.reputation, now),
            told: Told::Registered,
            ..IdentityRow::VACANT
        };
        let Some(place) = self.tables.identities.insert(seed, row) else {
            return Reason::TableFull.into();
        };
        self.tables.identities.mark(place);
        self.take_key(key_place, ticket);
        Reason::New.into()
    }

    /// The key's row becomes the new identity's; a stranger's advertisement by it ends.
    fn take_key(&mut self, place: Option<u32>, ticket: &LookupTicket) {
        let seed = &self.rules.seed;
        let owner = Owner::Identity(IdentityRow::tag(seed, &ticket.id));
        let place = place.or_else(|| {
            let row = KeyRow { key: ticket.key, ..KeyRow::VACANT };
            self.tables.keys.insert(seed, row)
        });
        let Some(row) = place.and_then(|place| self.tables.keys.get(place)) else { return };
        let (old_owner, had_slot) = (row.owner, row.has_slot());
        self.release(old_owner, had_slot);
        if let Some(row) = place.and_then(|place| self.tables.keys.get_mut(place)) {
            row.owner = owner;
            row.current = true;
            row.leave_slot();
        }
    }
}
