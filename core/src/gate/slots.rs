//! Whose a key is, and the slots that keys take.
//!
//! The keys with a slot of one owner form a list, so that what concerns them costs no look at the
//! keys of others. Besides them an identity has its current key, and it knows the one before while
//! that may contest the last rotation, whosesoever that is by then.

use super::Parts;
use super::room::STRANGER;
use crate::floor::Floor;
use crate::identities::IdentityRow;
use crate::keys::{KeyRow, Owner};
use crate::packed::Packed;
use crate::peers::{PeerRow, domain};
use crate::table::Place;
use crate::{PublicKey, Timestamp};

/// Keys of one owner that are looked at for a slot that has ended; the sweep finds the others.
const RECLAIMED: usize = 1024;

impl Parts<'_> {
    /// Whose a key is.
    pub(crate) fn owner(&self, key: Place) -> Owner {
        self.tables.view().owner(key)
    }

    /// The current key of an identity.
    pub(crate) fn current_key(&self, identity: Place) -> PublicKey {
        self.tables.view().current_key(identity)
    }

    /// Makes a key's row `owner`'s, without a slot. What it had of another is released.
    pub(crate) fn give_key(&mut self, key: Place, owner: Owner) {
        if self.owner(key) == owner {
            return;
        }
        self.leave_slot(key);
        let Some(row) = self.tables.keys.get_mut(key) else { return };
        let strangers = &mut self.node.stranger_keys;
        *strangers = strangers.saturating_sub(row.is_stranger().into());
        row.set_owner(owner);
        if matches!(owner, Owner::Stranger(_)) {
            self.node.keys.floor.lower(STRANGER);
        }
        *strangers = strangers.saturating_add(row.is_stranger().into());
        let (Owner::Identity(link) | Owner::Stranger(link)) = owner else { return };
        self.tables.keys.set_link(key, KeyRow::OWNER, link);
    }

    /// Notes under whom a key that is nobody's has spoken.
    pub(crate) fn remember_owner(&mut self, key: Place, owner: Owner) {
        if let (Owner::Identity(identity), Owner::Nobody) = (owner, self.owner(key)) {
            self.tables.keys.set_link(key, KeyRow::OWNER, identity);
            self.disown(identity, key);
        }
    }

    /// Takes a slot of the key's owner, until some time after `ends`.
    pub(crate) fn take_slot(&mut self, key: Place, ends: Timestamp, listed: bool) {
        let owner = self.owner(key);
        let Some(row) = self.tables.keys.get_mut(key) else { return };
        let had_slot = row.has_slot();
        row.advertise(ends, listed);
        if had_slot {
            return;
        }
        let first = self.first_of(owner);
        self.tables.keys.set_link(key, KeyRow::SIBLING, first);
        self.set_first(owner, key);
        self.count_slots(owner, u16::checked_add);
        if let Owner::Identity(identity) = owner
            && let Some(row) = self.tables.identities.get(identity)
        {
            self.node.keys.floor.lower(row.worth_of_key(row.keys));
        }
    }

    /// Takes a key's slot away, if it has one. Unless it is an identity's current one it is
    /// nobody's then; a stranger's still counts among those of strangers.
    ///
    /// Looks at the keys of the same owner before it in the list, and at no others.
    pub(crate) fn leave_slot(&mut self, key: Place) {
        let owner = self.owner(key);
        if self.tables.keys.get(key).is_none_or(|row| !row.has_slot()) {
            return;
        }
        let is_first = self.first_of(owner) == key;
        let before = self.keys_of(owner).find(|before| is_first || self.sibling(*before) == key);
        self.unlink(owner, before.filter(|_| !is_first).unwrap_or(0), key);
    }

    /// Takes a key's slot away; `before` is the one before it in its owner's list, 0 if it is the
    /// first or in none.
    fn unlink(&mut self, owner: Owner, before: Place, key: Place) {
        let next = self.sibling(key);
        if before != 0 {
            self.tables.keys.set_link(before, KeyRow::SIBLING, next);
        } else if self.first_of(owner) == key {
            self.set_first(owner, next);
        }
        self.tables.keys.set_link(key, KeyRow::SIBLING, 0);
        self.count_slots(owner, u16::checked_sub);
        let Some(row) = self.tables.keys.get_mut(key) else { return };
        row.leave_slot();
        match owner {
            Owner::Identity(identity) if !row.is_current() => self.disown(identity, key),
            Owner::Stranger(_) => self.tables.keys.set_link(key, KeyRow::OWNER, 0),
            _ => {}
        }
        self.node.keys.floor = Floor::UNKNOWN;
    }

    /// Makes a key of an identity nobody's. The link to its former owner stays.
    fn disown(&mut self, identity: Place, key: Place) {
        let former = self.owner_tag(identity);
        if let Some(row) = self.tables.keys.get_mut(key) {
            row.disown(former);
        }
        self.node.keys.floor = Floor::UNKNOWN;
    }

    /// What a key that is nobody's remembers its former owner by.
    pub(crate) fn owner_tag(&self, identity: Place) -> Packed<4> {
        let row = self.tables.identities.get(identity);
        let tag = |row: &IdentityRow| self.rules.seed.hash(domain::OWNER, row.id.as_bytes()) >> 32;
        row.map_or(Packed::ZERO, |row| Packed::new(tag(row)))
    }

    fn sibling(&self, key: Place) -> Place {
        self.tables.keys.link(key, KeyRow::SIBLING)
    }

    /// The keys that take slots of this owner. Never more steps than rows, even in damaged memory.
    pub(crate) fn keys_of(&self, owner: Owner) -> impl Iterator<Item = Place> + '_ {
        let mut next = self.first_of(owner);
        let steps = self.tables.keys.view().len();
        core::iter::from_fn(move || {
            let key = next;
            next = self.sibling(key);
            (key != 0).then_some(key)
        })
        .take(steps)
    }

    fn first_of(&self, owner: Owner) -> Place {
        match owner {
            Owner::Identity(place) => self.tables.identities.link(place, IdentityRow::FIRST),
            Owner::Stranger(place) => self.tables.peers.link(place, PeerRow::FIRST),
            Owner::Nobody => 0,
        }
    }

    fn set_first(&mut self, owner: Owner, key: Place) {
        match owner {
            Owner::Identity(place) => {
                self.tables.identities.set_link(place, IdentityRow::FIRST, key);
            }
            Owner::Stranger(place) => self.tables.peers.set_link(place, PeerRow::FIRST, key),
            Owner::Nobody => {}
        }
    }

    fn count_slots(&mut self, owner: Owner, step: impl Fn(u16, u16) -> Option<u16>) {
        let count = match owner {
            Owner::Identity(place) => {
                self.tables.identities.get_mut(place).map(|row| &mut row.keys)
            }
            Owner::Stranger(place) => self.tables.peers.get_mut(place).map(|row| &mut row.keys),
            Owner::Nobody => None,
        };
        if let Some(count) = count {
            *count = step(*count, 1).unwrap_or(*count);
        }
    }

    /// Takes away the slots of an owner that have ended. Returns when the next one ends.
    pub(crate) fn reclaim_slots(&mut self, now: Timestamp, owner: Owner) -> Timestamp {
        self.reclaim(now, owner, RECLAIMED)
    }

    /// The same among so many of its keys, each looked at once.
    fn reclaim(&mut self, now: Timestamp, owner: Owner, keys: usize) -> Timestamp {
        let (mut next, mut before, mut key) = (Timestamp::NEVER, 0, self.first_of(owner));
        for _ in 0..keys {
            let Some(row) = self.tables.keys.get(key) else { break };
            let until = row.slot_until(self.rules.policy.keys.slot_hold);
            let sibling = self.sibling(key);
            if until <= now {
                self.unlink(owner, before, key);
            } else {
                next = next.min(until);
                before = key;
            }
            key = sibling;
        }
        next
    }

    /// Lets the keys of a peer whose row is removed go on without it.
    pub(crate) fn orphan_keys(&mut self, peer: Place) {
        let mut key = self.first_of(Owner::Stranger(peer));
        while key != 0 {
            let next = self.sibling(key);
            self.tables.keys.set_link(key, KeyRow::SIBLING, 0);
            self.tables.keys.set_link(key, KeyRow::OWNER, 0);
            key = next;
        }
    }

    /// Takes an identity out. Its keys are nobody's then.
    pub(crate) fn remove_identity(&mut self, identity: Place) {
        let owner = Owner::Identity(identity);
        self.set_previous(identity, 0);
        self.retire(identity, self.tables.identities.link(identity, IdentityRow::KEY));
        for _ in 0..self.tables.keys.view().len() {
            match self.first_of(owner) {
                0 => break,
                key => self.leave_slot(key),
            }
        }
        for peer in self.tables.peers.places() {
            if self.tables.peers.link(peer, PeerRow::IDENTITY) == identity {
                self.tables.peers.set_link(peer, PeerRow::IDENTITY, 0);
            }
        }
        self.tables.identities.remove(&self.rules.seed, identity);
    }

    /// Makes another key, or none, the one that may contest the identity's last rotation.
    pub(crate) fn set_previous(&mut self, identity: Place, key: Place) {
        let old = self.tables.identities.link(identity, IdentityRow::PREVIOUS);
        self.tables.identities.set_link(identity, IdentityRow::PREVIOUS, key);
        if let Some(row) = self.tables.keys.get_mut(key) {
            row.begin_contest();
        }
        if let Some(row) = self.tables.keys.get_mut(old) {
            row.end_contest();
            self.node.keys.floor = Floor::UNKNOWN;
        }
    }

    /// Ends that a key is the current one. The row stays the identity's while it has a slot.
    pub(crate) fn retire(&mut self, identity: Place, key: Place) {
        let Some(row) = self.tables.keys.get_mut(key) else { return };
        row.set_current(false);
        if !row.has_slot() {
            self.disown(identity, key);
        }
    }

    /// Lets go of the keys that can contest no rotation any more.
    pub(crate) fn settle_rotations(&mut self) {
        let tip = self.node.tip_height();
        for identity in self.tables.identities.places() {
            let row = self.tables.identities.get(identity);
            if row.is_some_and(|row| !row.is_contestable(tip)) {
                self.set_previous(identity, 0);
            }
        }
    }

    /// Frees the slots that have ended, and takes out the rows that nothing has to be remembered of.
    pub(crate) fn sweep_keys(&mut self, now: Timestamp) {
        let (hold, memory) = (self.rules.policy.keys.slot_hold, self.rules.policy.sanctions.span);
        for key in self.tables.keys.places() {
            let Some(row) = self.tables.keys.get(key) else { continue };
            let spent = row.is_spent(now, hold, memory);
            if row.has_slot() && row.slot_until(hold) <= now {
                // All that have ended of this owner at once: each of its keys is looked at once,
                // not once for every other.
                self.reclaim(now, self.owner(key), self.tables.keys.view().len());
                self.leave_slot(key);
            }
            if spent {
                self.give_key(key, Owner::Nobody);
                self.tables.keys.remove(&self.rules.seed, key);
                let dropped = &mut self.node.counters.expired_entries_dropped;
                *dropped = dropped.saturating_add(1);
            }
        }
    }

    /// Rows of the key table that strangers may have.
    pub(crate) fn stranger_rows(&self) -> u64 {
        let rows = u64::try_from(self.tables.keys.view().capacity()).unwrap_or(u64::MAX);
        rows.saturating_mul(self.rules.policy.keys.stranger_share.into()) / 1000
    }
}
