//! Advertisements and withdrawals: screened before the signature, settled after it.

use super::judge::{Cleared, Facts};
use super::sanctions::Fault;
use super::{Gate, Parts, SignatureCheck, Signed, Source};
use crate::keys::{Channel, Owner, Watermark};
use crate::packed::Packed;
use crate::peers::domain;
use crate::range::Range;
use crate::storage::Storage;
use crate::wire::{AdHeader, AmountRange, Kind, delegation_hash};
use crate::{Decision, IdentityId, PublicKey, Reason, Screening, Timestamp};

/// An advertisement that only lacks the check of its signatures. May be dropped.
#[derive(Debug)]
#[must_use]
pub struct AdTicket {
    /// Its number in a recording.
    pub(crate) number: u64,
    facts: Facts,
    author: Signed,
    delegation: Option<Signed>,
}

impl AdTicket {
    /// The registered identity that it names; none for a stranger's.
    #[must_use]
    pub fn identity(&self) -> Option<&IdentityId> {
        self.facts.authority.as_ref().map(|authority| &authority.identity)
    }

    /// Checks the signatures one by one.
    pub fn verify(&self) -> SignatureCheck {
        self.check(Signed::holds)
    }

    /// The signatures to check, for batches: the delegation's, if it is new here, then the
    /// author's.
    pub fn signatures(&self) -> impl Iterator<Item = &Signed> {
        self.delegation.iter().chain(core::iter::once(&self.author))
    }

    /// What follows from the checks; `holds` is asked about each of [`AdTicket::signatures`], in
    /// their order.
    pub fn check(&self, mut holds: impl FnMut(&Signed) -> bool) -> SignatureCheck {
        let delegated = self.delegation.is_none_or(|delegation| holds(&delegation));
        match (delegated, holds(&self.author)) {
            (false, _) => SignatureCheck::NotDelegated,
            (true, false) => SignatureCheck::Invalid,
            (true, true) => SignatureCheck::Valid,
        }
    }
}

impl<S: Storage> Gate<S> {
    /// All checks of an advertisement or withdrawal that are cheaper than its signature.
    ///
    /// [`Reason::SignatureBudget`] means: hold the message and screen it again at `retry_at`,
    /// for up to 4 s; it says nothing about the message.
    pub fn screen_ad(
        &mut self,
        now: Timestamp,
        source: &Source,
        ad: &AdHeader<'_>,
    ) -> Screening<AdTicket> {
        let mut parts = self.parts(now);
        match parts.screen_ad(now, source, ad) {
            Ok(ticket) => Screening::Proceed(ticket),
            Err(decision) => {
                let made = (ad.author, ad.created_at);
                Screening::Done(parts.refused(now, source, made, ad.envelope, decision))
            }
        }
    }

    /// The verdict, once the signatures were checked. Everything is judged again, because another
    /// copy may have won meanwhile.
    pub fn settle_ad(
        &mut self,
        now: Timestamp,
        ticket: AdTicket,
        check: SignatureCheck,
    ) -> Decision {
        let mut parts = self.parts(now);
        let source = ticket.facts.source;
        match parts.settle_ad(now, &ticket, check) {
            Ok(decision) => parts.node.counters.note(decision),
            Err(decision) => {
                let made = (ticket.facts.author, ticket.facts.created_at);
                parts.refused(now, &source, made, &ticket.author.hash, decision)
            }
        }
    }

    /// The one-call way: reads, screens, verifies and settles an envelope.
    pub fn admit_ad(&mut self, now: Timestamp, source: &Source, envelope: &[u8]) -> Decision {
        match AdHeader::read(self.rules.policy.network, envelope) {
            Err(error) => self.malformed(now, source, error.reason(), envelope),
            Ok(header) => match self.screen_ad(now, source, &header) {
                Screening::Done(decision) => decision,
                Screening::Proceed(ticket) => {
                    let check = ticket.verify();
                    self.settle_ad(now, ticket, check)
                }
            },
        }
    }
}

impl Parts<'_> {
    /// Counts a refusal and charges whoever has to pay for it.
    fn refused(
        &mut self,
        now: Timestamp,
        source: &Source,
        (author, created_at): (PublicKey, Timestamp),
        evidence: &[u8],
        decision: Decision,
    ) -> Decision {
        match decision.reason {
            // Its own peer pushed a second body too soon; a relay of it is not at fault, nor is
            // anybody when the bodies were made far enough apart and only travelled unevenly.
            Reason::TooSoon if self.is_hasty(&author, created_at) => {
                self.accuse_of_haste(now, source, evidence);
            }
            Reason::InvalidSignature => self.accuse(now, source, Fault::InvalidSignature, evidence),
            Reason::NotDelegated | Reason::Lifetime => {
                self.accuse(now, source, Fault::Malformed, evidence);
            }
            Reason::Known => self.give_back(source, false),
            Reason::AlreadyKnown => self.give_back_known(source),
            Reason::Expired => {
                let dropped = &mut self.node.counters.expired_entries_dropped;
                *dropped = dropped.saturating_add(1);
            }
            _ => {}
        }
        self.node.counters.note(decision)
    }

    fn screen_ad(
        &mut self,
        now: Timestamp,
        source: &Source,
        ad: &AdHeader<'_>,
    ) -> Result<AdTicket, Decision> {
        let policy = &self.rules.policy;
        if ad.envelope.len() > usize::try_from(policy.local_envelope).unwrap_or(usize::MAX) {
            return Err(Reason::LocalLimit.into());
        }
        let facts = Facts {
            source: *source,
            kind: ad.kind,
            author: ad.author,
            created_at: ad.created_at,
            expires_at: ad.expires_at,
            digest: Packed::new(self.rules.seed.hash(domain::ENVELOPE, ad.envelope) >> 16),
            authority: ad.authority,
            peer: ad.peer,
            types: ad.types,
            amount: ad.amount.unwrap_or(AmountRange::ANY),
        };
        let cleared = self.judge(now, &facts)?;
        let network = self.rules.policy.network;
        let delegation = match (cleared.delegated_by, ad.authority) {
            (Some(key), Some(authority)) => {
                let delegation = authority.delegation.ok_or(Reason::NotDelegated)?;
                let (id, sequence) = (&authority.identity, authority.sequence);
                let hash = delegation_hash(network, id, &ad.author, sequence, delegation.not_after);
                Some(Signed { key, hash, signature: delegation.signature })
            }
            _ => None,
        };
        self.take_signature(now, source)?;
        let hash = ad.signed_hash(network);
        let author = Signed { key: ad.author, hash, signature: ad.signature };
        Ok(AdTicket { number: 0, facts, author, delegation })
    }

    fn settle_ad(
        &mut self,
        now: Timestamp,
        ticket: &AdTicket,
        check: SignatureCheck,
    ) -> Result<Decision, Decision> {
        let facts = &ticket.facts;
        match check {
            SignatureCheck::Valid => {}
            SignatureCheck::Invalid => return Err(Reason::InvalidSignature.into()),
            SignatureCheck::NotDelegated => return Err(self.undelegated(facts).into()),
        }
        self.give_back(&facts.source, true);
        self.note_haste(now, facts);
        let cleared = self.judge(now, facts)?;
        // A delegation that has to be checked now may not be the one that was checked.
        let checked_by = ticket.delegation.map(|delegation| delegation.key);
        if cleared.delegated_by.is_some() && cleared.delegated_by != checked_by {
            return Err(Reason::Superseded.into());
        }
        self.commit(now, facts, &cleared)?;
        let counters = &mut self.node.counters;
        let observed = cleared.observed;
        counters.would_windows = counters.would_windows.saturating_add(observed.windows.into());
        counters.would_keys = counters.would_keys.saturating_add(observed.keys.into());
        Ok(Reason::New.into())
    }

    /// What to say of a delegation that does not hold.
    fn undelegated(&self, facts: &Facts) -> Reason {
        let identities = self.tables.identities.view();
        let named = facts.authority.and_then(|named| {
            identities.find(&self.rules.seed, &named.identity).map(|(_, identity)| identity)
        });
        named.map_or(Reason::NotDelegated, |identity| identity.undelegated(self.node.tip_height()))
    }

    /// Two verified, different bodies of one key, made less than one interval apart, are the
    /// key's own violation, however they came here (policy §3). Our own node accuses nobody: its
    /// clock may have been wrong.
    fn note_haste(&mut self, now: Timestamp, facts: &Facts) {
        let policy = &self.rules.policy;
        let limits = policy.sanctions;
        let hasty = self.is_hasty(&facts.author, facts.created_at);
        let Some(row) = self.tables.keys.find_mut(&self.rules.seed, &facts.author) else { return };
        let own = facts.source.channel == Channel::Own;
        // Each body counts once, however often somebody brings it again.
        let again = row.watermark().digest == facts.digest;
        let interval = policy.windows.advertisement.interval();
        if own || !hasty || again || facts.created_at <= row.hasty_at(interval) {
            return;
        }
        row.set_hasty_at(facts.created_at, interval);
        let enough = row.violations.add(now, limits.span) >= limits.violations;
        if enough {
            row.violations.clear();
        }
        if enough && self.may_sanction_haste() {
            let Some(row) = self.tables.keys.find_mut(&self.rules.seed, &facts.author) else {
                return;
            };
            row.graylisting.begin(now, limits.graylist, limits.graylist_max, limits.span);
        }
        let count = &mut self.node.counters.rate_limit_violations;
        *count = count.saturating_add(1);
    }

    /// Whether a body was made less than one interval from the newest of its author.
    fn is_hasty(&self, author: &PublicKey, created_at: Timestamp) -> bool {
        let interval = self.rules.policy.windows.advertisement.interval_us;
        let Some((_, row)) = self.tables.keys.view().find(&self.rules.seed, author) else {
            return false;
        };
        let newest = row.watermark().created_at;
        let (early, late) = (newest.min(created_at), newest.max(created_at));
        *row.watermark() != Watermark::default() && late.since(early).as_micros() < interval
    }

    /// Writes what was decided.
    fn commit(&mut self, now: Timestamp, facts: &Facts, cleared: &Cleared) -> Result<(), Decision> {
        let place = match cleared.row {
            Some(place) => place,
            None => self.key_place(now, &facts.author, cleared.worth)?,
        };
        let listed = facts.kind == Kind::Advertisement;
        if cleared.unlisted {
            self.remember_owner(place, cleared.owner);
        } else {
            self.give_key(place, cleared.owner);
            self.take_slot(place, if listed { facts.expires_at } else { now }, listed);
        }
        let owned = self.owner(place) != Owner::Nobody;
        let withdrawn_until = self.withdrawn_until(facts.created_at);
        let policy = &self.rules.policy;
        let push = facts.source.channel.is_push();
        if let Some(row) = self.tables.keys.get_mut(place) {
            if !listed {
                row.withdraw(now, withdrawn_until);
            }
            if let Some(authority) = facts.authority.filter(|_| owned) {
                row.sequence = u8::try_from(authority.sequence).unwrap_or(u8::MAX);
                row.not_after = authority.delegation.map_or(Timestamp::EPOCH, |d| d.not_after);
                row.delegation = cleared.delegation;
            }
            let (digest, channels) = (facts.digest, facts.source.channel as u8);
            let newest = Watermark { created_at: facts.created_at, digest, channels };
            row.set_watermark(newest, policy.windows.advertisement.interval());
            row.types = Packed::new(facts.types);
            row.amount = Range::of(&facts.amount);
            if push {
                row.window.charge(policy.windows.advertisement, now);
            }
        }
        match cleared.owner {
            Owner::Identity(identity) => {
                let tip = self.node.tip_height();
                if let Some(row) = self.tables.identities.get_mut(identity) {
                    row.use_now(now);
                    if push || cleared.unlisted {
                        row.window.charge(row.quota(policy, tip), now);
                    }
                }
            }
            Owner::Stranger(peer) => {
                let groups = self.tables.peers.get(peer).map(|row| row.groups);
                if let Some(groups) = groups {
                    self.cells().charge(groups, now);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
