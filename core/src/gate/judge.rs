//! What stands against an advertisement, before and again after its signature was checked.

use super::room::STRANGER;
use super::{Parts, Source};
use crate::Timestamp;
use crate::identities::IdentityRow;
use crate::keys::{Channel, KeyRow, Owner};
use crate::packed::Packed;
use crate::peers::{Groups, domain};
use crate::table::Place;
use crate::wire::{AmountRange, Authority, Kind};
use crate::{Clock, Decision, Freshness, Mode, NotUntil, PeerId, Policy, PublicKey, Reason};

/// What an advertisement or withdrawal says, without borrowing it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) source: Source,
    pub(crate) kind: Kind,
    pub(crate) author: PublicKey,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) digest: Packed<6>,
    pub(crate) authority: Option<Authority>,
    /// The peer that is advertised.
    pub(crate) peer: Option<PeerId>,
    pub(crate) types: u64,
    pub(crate) amount: AmountRange,
}

/// Nothing stands against it; what the commit needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Cleared {
    /// The author's row, if there is one.
    pub(crate) row: Option<Place>,
    pub(crate) owner: Owner,
    /// What the row is worth that it needs in a full table.
    pub(crate) worth: u64,
    /// The identity's current key, if a delegation by it has to be checked.
    pub(crate) delegated_by: Option<PublicKey>,
    /// Keyed hash of the delegation's signature; 0 without one.
    pub(crate) delegation: Packed<4>,
    /// A withdrawal of what has no slot here: it is remembered, and takes none.
    pub(crate) unlisted: bool,
    pub(crate) observed: Observed,
}

/// Which rules would have refused, but only watch.
#[derive(Clone, Copy, Default)]
pub(crate) struct Observed {
    pub(crate) windows: bool,
    pub(crate) keys: bool,
}

/// Lets a refusal pass if its rules only watch, and notes that.
fn enforce(mode: Mode, observed: &mut bool, check: Result<(), Decision>) -> Result<(), Decision> {
    if mode == Mode::Observe && check.is_err() {
        *observed = true;
        return Ok(());
    }
    check
}

fn wait(reason: Reason) -> impl Fn(NotUntil) -> Decision {
    move |until| Decision::until(reason, until.0)
}

impl Parts<'_> {
    /// Goes through everything but the signature, cheapest first. Changes nothing but the bit
    /// that remembers on which channels the newest message was met, and slots that have ended.
    pub(crate) fn judge(&mut self, now: Timestamp, facts: &Facts) -> Result<Cleared, Decision> {
        self.judge_sender(now, &facts.source)?;
        self.judge_times(now, facts)?;
        let (seed, identities) = (&self.rules.seed, self.tables.identities.view());
        let named = facts.authority.map(|named| identities.seek(seed, &named.identity));
        let keys = self.tables.keys.view();
        let author = keys.seek(seed, &facts.author);
        let place = keys.find_from(author, &facts.author).map(|(place, _)| place);
        if let Some(place) = place {
            self.judge_watermark(now, facts, place)?;
        }
        match facts.authority.zip(named) {
            Some((authority, named)) => self.judge_delegate(now, facts, place, authority, named),
            None => self.judge_stranger(now, facts, place),
        }
    }

    /// Only the connection counts. A banned peer that is somewhere else may publish what honest
    /// signers made; were it ignored for that, the honest copy would follow as known already, and
    /// no longer travel.
    /// A ban that comes while a message is checked says nothing about the messages of others that
    /// the peer had delivered first: gossipsub would show no other copy of them.
    pub(crate) fn judge_sender(&self, now: Timestamp, source: &Source) -> Result<(), Decision> {
        if source.is_relayed() {
            return Ok(());
        }
        self.sanction(now, &source.peer).map_or(Ok(()), Err)
    }

    fn judge_times(&self, now: Timestamp, facts: &Facts) -> Result<(), Decision> {
        let freshness = &self.rules.policy.freshness;
        if facts.kind == Kind::Advertisement {
            let lifetime = facts.expires_at.since(facts.created_at);
            let within = |limits: &Freshness| {
                lifetime >= limits.min_lifetime && lifetime <= limits.max_lifetime
            };
            if !within(&Policy::LOTUS_V1.freshness) {
                return Err(Reason::Lifetime.into());
            }
            // Our own taste is nobody's fault.
            if !within(freshness) {
                return Err(Reason::LocalLimit.into());
            }
            if facts.expires_at <= now {
                return Err(Reason::Expired.into());
            }
        } else if self.withdrawn_until(facts.created_at) <= now {
            // Whatever it withdraws has ended.
            return Err(Reason::Expired.into());
        }
        let future = self.rules.policy.future();
        if facts.created_at > now.saturating_add(future) {
            let retry_at = facts.created_at.saturating_sub(future);
            return Err(Decision::until(Reason::Future, retry_at));
        }
        // A clock that follows the chain is not good enough to tell.
        if self.rules.policy.clock == Clock::Chain {
            return Ok(());
        }
        let stale = facts.created_at.saturating_add(freshness.gossip_age) < now;
        if stale && facts.source.channel == Channel::Gossip {
            return Err(Reason::Stale.into());
        }
        Ok(())
    }

    fn judge_watermark(
        &mut self,
        now: Timestamp,
        facts: &Facts,
        place: Place,
    ) -> Result<(), Decision> {
        let Some(row) = self.tables.keys.get(place) else { return Ok(()) };
        let mark = *row.watermark();
        if let Some(until) = row.graylisting.active(now) {
            let window = row.window.peek(self.rules.policy.windows.advertisement, now);
            let further = facts.source.channel.is_push() && facts.created_at > mark.created_at;
            // The key's ban must not spare the connection that goes on pushing its bodies.
            return Err(match window {
                Err(NotUntil(opens)) if further => {
                    Decision::until(Reason::TooSoon, until.max(opens))
                }
                _ => Decision::until(Reason::Graylisted, until),
            });
        }
        if facts.created_at > mark.created_at {
            return Ok(());
        }
        if facts.created_at < mark.created_at || facts.digest != mark.digest {
            return Err(Reason::Replayed.into());
        }
        match self.owner(place) {
            // What is nobody's is not listed, nor passed on.
            Owner::Nobody => return Err(Reason::AlreadyKnown.into()),
            // It is taken from its own connection only and does not travel by gossip.
            Owner::Stranger(_) if facts.source.channel == Channel::Gossip => {
                return Err(Reason::StrangerElsewhere.into());
            }
            // A stranger's, before the key became an identity's.
            Owner::Identity(_) if facts.authority.is_none() => {
                return Err(Reason::KeyTaken.into());
            }
            Owner::Identity(identity) => {
                if let Some(identity) = self.tables.identities.get(identity) {
                    self.judge_identity(now, identity)?;
                    if row.sequence < identity.sequence {
                        return Err(Reason::Superseded.into());
                    }
                }
            }
            Owner::Stranger(_) => {}
        }
        let bit = facts.source.channel as u8;
        if mark.channels & bit != 0 {
            return Err(Reason::AlreadyKnown.into());
        }
        if let Some(row) = self.tables.keys.get_mut(place) {
            row.meet(bit);
        }
        Err(Reason::Known.into())
    }

    pub(crate) fn judge_identity(
        &self,
        now: Timestamp,
        identity: &IdentityRow,
    ) -> Result<(), Decision> {
        if let Some(until) = identity.ban.active(now) {
            return Err(Decision::until(Reason::IdentityBanned, until));
        }
        if identity.is_suspended(now) { Err(Reason::Suspended.into()) } else { Ok(()) }
    }

    fn judge_delegate(
        &mut self,
        now: Timestamp,
        facts: &Facts,
        place: Option<Place>,
        authority: Authority,
        sought: Place,
    ) -> Result<Cleared, Decision> {
        let (modes, mut observed) = (self.rules.policy.enforce, Observed::default());
        let found = self.tables.identities.view().find_from(sought, &authority.identity);
        let (named, identity) = found.ok_or_else(|| self.absent(now, &authority.identity))?;
        self.judge_identity(now, identity)?;
        self.judge_sequence(identity, authority.sequence)?;
        if place.is_none() && facts.created_at <= identity.fresh_from.time() {
            return Err(Reason::Replayed.into());
        }
        let (owner, current) = (Owner::Identity(named), self.current_key(named));
        let delegated = facts.author != current;
        let not_after =
            authority.delegation.map_or(Timestamp::EPOCH, |delegation| delegation.not_after);
        if delegated {
            if authority.delegation.is_none() {
                return Err(identity.undelegated(self.node.tip_height()).into());
            }
            if not_after < facts.expires_at {
                return Err(Reason::NotDelegated.into());
            }
            // Only a withdrawal comes here; that it is too late depends on the clock.
            if not_after <= now {
                return Err(Reason::Expired.into());
            }
        }
        let row = place.and_then(|place| self.tables.keys.get(place));
        let row_owner = place.map_or(Owner::Nobody, |place| self.owner(place));
        let new_slot = row.is_none_or(|row| row_owner != owner || !row.has_slot());
        if let Some(row) = row {
            // Between identities the newer delegation wins; a current key is nobody else's.
            let kept = matches!(row_owner, Owner::Identity(_)) && row.not_after >= not_after;
            let live = row.slot_until(self.rules.policy.keys.slot_hold) > now;
            if row_owner != owner && (row.is_current() || kept && live) {
                return Err(Reason::KeyTaken.into());
            }
        }
        let unlisted = facts.kind == Kind::Withdrawal && new_slot;
        if unlisted {
            // It is worth a free row, and nobody else's.
            let free = place.map_or(!self.tables.keys.is_full(), |_| {
                row_owner == owner || row_owner == Owner::Nobody
            });
            if !free {
                return Err(Reason::NotListed.into());
            }
        } else if facts.kind == Kind::Advertisement && new_slot {
            enforce(modes.keys, &mut observed.keys, self.judge_slots(now, owner))?;
        }
        let identity = self.tables.identities.get(named).ok_or(Reason::UnknownIdentity)?;
        let worth = identity.worth_of_key(identity.keys.saturating_add(1));
        if place.is_none() {
            self.may_take_row(now, worth)?;
        }
        let row = place.and_then(|place| self.tables.keys.get(place));
        // No slot limits how many withdrawals without a slot are remembered, so the window does.
        if facts.source.channel.is_push() || unlisted {
            let quota = identity.quota(&self.rules.policy, self.node.tip_height());
            let window = identity.window.peek(quota, now).map_err(wait(Reason::IdentityWindow));
            enforce(modes.windows, &mut observed.windows, window)?;
        }
        if facts.source.channel.is_push() {
            enforce(modes.windows, &mut observed.windows, self.judge_window(now, row))?;
        }
        // The very delegation that was checked for this row under this rotation holds still. (With
        // another signature it has to be checked: other nodes, which have no row, will.)
        let delegation = authority
            .delegation
            .map_or(0, |given| self.rules.seed.hash(domain::ENVELOPE, given.signature.as_bytes()));
        let delegation = Packed::new(delegation >> 32);
        let checked = row.is_some_and(|row| {
            row_owner == owner
                && u64::from(row.sequence) == authority.sequence
                && row.not_after == not_after
                && row.delegation == delegation
        });
        let delegated_by = (delegated && !checked).then_some(current);
        Ok(Cleared { row: place, owner, worth, delegated_by, delegation, unlisted, observed })
    }

    /// Until when the oldest message that a withdrawal made at `created_at` outdates may last.
    pub(crate) fn withdrawn_until(&self, created_at: Timestamp) -> Timestamp {
        created_at.saturating_add(self.rules.policy.freshness.max_lifetime)
    }

    fn judge_stranger(
        &mut self,
        now: Timestamp,
        facts: &Facts,
        place: Option<Place>,
    ) -> Result<Cleared, Decision> {
        let (seed, policy) = (&self.rules.seed, &self.rules.policy);
        let (modes, mut observed) = (policy.enforce, Observed::default());
        let row = place.and_then(|place| self.tables.keys.get(place));
        let row_owner = place.map_or(Owner::Nobody, |place| self.owner(place));
        if let Some(row) = row
            && matches!(row_owner, Owner::Identity(_))
            && (row.is_current() || row.slot_until(policy.keys.slot_hold) > now)
        {
            // No fall-back: a suspended identity's key is not a stranger's.
            return Err(Reason::KeyTaken.into());
        }
        let from_its_peer = facts.peer.is_none_or(|peer| peer == facts.source.peer);
        let direct = matches!(facts.source.channel, Channel::Direct | Channel::Own);
        if !direct || !from_its_peer {
            return Err(Reason::StrangerElsewhere.into());
        }
        let peer = self.tables.peers.view().find(seed, &facts.source.peer);
        let owner = Owner::Stranger(peer.map_or(0, |(place, _)| place));
        let groups = match peer {
            Some((_, peer)) => {
                if let Some(refused) = self.unproven(now, peer) {
                    return Err(refused);
                }
                peer.groups
            }
            None if facts.source.channel == Channel::Own => Groups::of(seed, None),
            None => return Err(Reason::ConnectionLimit.into()),
        };
        let new_slot = row.is_none_or(|row| row_owner != owner || !row.has_slot());
        if facts.kind == Kind::Withdrawal {
            if new_slot {
                return Err(Reason::NotListed.into());
            }
        } else if new_slot {
            enforce(modes.keys, &mut observed.keys, self.judge_slots(now, owner))?;
        }
        let row = place.and_then(|place| self.tables.keys.get(place));
        let is_stranger = row.is_some_and(KeyRow::is_stranger);
        if !is_stranger && u64::from(self.node.stranger_keys) >= self.stranger_rows() {
            return Err(Reason::StrangerShare.into());
        }
        if row.is_none() {
            self.may_take_row(now, STRANGER)?;
        }
        enforce(modes.windows, &mut observed.windows, self.judge_window(now, row))?;
        let window = self.cells().peek(groups, now).map_err(wait(Reason::StrangerWindow));
        enforce(modes.windows, &mut observed.windows, window)?;
        let delegation = Packed::ZERO;
        Ok(Cleared {
            row: place,
            owner,
            worth: STRANGER,
            delegated_by: None,
            delegation,
            unlisted: false,
            observed,
        })
    }

    /// The author's own window, for what came unasked.
    fn judge_window(&self, now: Timestamp, row: Option<&KeyRow>) -> Result<(), Decision> {
        let quota = self.rules.policy.windows.advertisement;
        row.map_or(Ok(()), |row| row.window.peek(quota, now)).map_err(wait(Reason::TooSoon))
    }

    /// Whether an owner may have one more key, once the slots that have ended are free.
    fn judge_slots(&mut self, now: Timestamp, owner: Owner) -> Result<(), Decision> {
        if !self.has_all_slots(owner) {
            return Ok(());
        }
        let next = self.reclaim_slots(now, owner);
        if self.has_all_slots(owner) {
            return Err(Decision::until(Reason::KeyLimit, next));
        }
        Ok(())
    }

    fn has_all_slots(&self, owner: Owner) -> bool {
        let (policy, tip) = (&self.rules.policy, self.node.tip_height());
        let (identities, peers) = (&self.tables.identities, &self.tables.peers);
        match owner {
            Owner::Nobody => false,
            Owner::Identity(place) => {
                identities.get(place).is_some_and(|row| row.keys >= row.key_limit(policy, tip))
            }
            Owner::Stranger(place) => {
                peers.get(place).is_some_and(|row| row.keys >= policy.keys.stranger)
            }
        }
    }
}
