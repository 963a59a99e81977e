//! The ban table, when there is room and when it is full (policy §4).
//!
//! Nothing here is looked for while it cannot be found: the counts of [`crate::bans::BanCounts`] say whether a
//! row can be old enough to leave, or a group dense enough to be merged.

use super::Parts;
use super::sanctions::ban_of;
use crate::bans::BanRow;
use crate::groups::{GroupRow, NONE, Origin, narrow};
use crate::peers::PeerRow;
use crate::table::{Place, Row, TableRef};
use crate::time::Seconds;
use crate::{Decision, Millis, PeerId, Posture, Reason, Timestamp};

/// Rows that are looked at for one that may be forgotten, when the group table is full.
const HAND: u32 = 8;
/// Groups that are counted anew before a ban is given up for want of room.
const RECOUNTS: usize = 4;

/// Rows that automatic bans may use; the rest is the operator's.
pub(crate) fn automatic_rows(bans: &TableRef<'_, BanRow>) -> u32 {
    let rows = u32::try_from(bans.capacity()).unwrap_or(u32::MAX);
    rows.saturating_sub(operator_rows(bans))
}

/// Rows that only the operator's bans may use.
pub(crate) fn operator_rows(bans: &TableRef<'_, BanRow>) -> u32 {
    u32::try_from(bans.capacity()).unwrap_or(u32::MAX) / 4
}

impl Parts<'_> {
    /// The row of a peer's bans, made if there is room among the automatic ones.
    pub(crate) fn ban_row(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        origin: Origin,
    ) -> Option<&mut BanRow> {
        if let Some(place) = self.tables.bans.find(&self.rules.seed, peer) {
            // The row that an operator's ban leaves when it ends is one of the operator's quarter.
            let row = self.tables.bans.get(place)?;
            if !row.operator || row.is_in_force(now) {
                return self.tables.bans.get_mut(place);
            }
            self.remove_ban(now, place);
        }
        if !self.make_room_in_share(now, origin) || !self.make_room_for_ban(now) {
            return None;
        }
        let row = BanRow {
            peer: *peer,
            first: Seconds::of(now),
            last: Seconds::of(now),
            tried: now,
            origin,
            ..BanRow::VACANT
        };
        let place = self.insert_ban(now, row)?;
        self.tables.bans.get_mut(place)
    }

    /// What remains of a ban for `span` that found no room: the peer is disconnected. Where its
    /// group is banned, that ban goes on for it; otherwise a table that is full is a lockdown, and
    /// a wide group that has its share is nothing to others.
    pub(crate) fn ban_without_row(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        group: u32,
        span: Millis,
    ) {
        let longest = self.rules.policy.sanctions.group_ban;
        let found = self.tables.groups.find(&self.rules.seed, &group.to_le_bytes());
        let banned = found.filter(|_| self.group_ban(now, group).is_some());
        if let Some(place) = banned {
            if let Some(row) = self.tables.groups.get_mut(place) {
                row.until = row.until.max(now.saturating_add(span.min(longest)));
            }
            self.tables.groups.mark(place);
            let merged = &mut self.node.counters.bans_merged;
            *merged = merged.saturating_add(1);
            if let Some(row) = self.tables.peers.find_mut(&self.rules.seed, peer) {
                // Its time to prove an identity is over.
                (row.unproven, row.since) = (true, Timestamp::EPOCH);
            }
        } else {
            let lost = &mut self.node.counters.bans_not_recorded;
            *lost = lost.saturating_add(1);
            if self.node.bans.automatic >= automatic_rows(&self.tables.bans.view()) {
                self.set_posture(Posture::Lockdown);
            }
        }
    }

    /// Adds a row and counts it.
    pub(crate) fn insert_ban(&mut self, now: Timestamp, row: BanRow) -> Option<Place> {
        let (operator, group) = (row.operator, row.origin.narrow());
        let place = self.tables.bans.insert(&self.rules.seed, row)?;
        if operator {
            self.node.bans.operator = self.node.bans.operator.saturating_add(1);
        } else {
            self.node.bans.automatic = self.node.bans.automatic.saturating_add(1);
            let limits = &self.rules.policy.sanctions;
            let shortest = limits.idle.min(limits.graylist.saturating_add(limits.span));
            self.node.bans.due = self.node.bans.due.min(now.saturating_add(shortest));
            self.count_banned(now, group);
        }
        Some(place)
    }

    /// Takes a row out, from the counts and from its peer's row, too.
    pub(crate) fn remove_ban(&mut self, now: Timestamp, place: Place) {
        let Some(row) = self.tables.bans.get(place) else { return };
        let (peer, operator, group) = (row.peer, row.operator, row.origin.narrow());
        self.tables.bans.remove(&self.rules.seed, place);
        if operator {
            self.node.bans.operator = self.node.bans.operator.saturating_sub(1);
        } else {
            self.uncount_automatic(now, group);
        }
        self.note_ban(&peer);
    }

    /// One automatic row less.
    pub(crate) fn uncount_automatic(&mut self, now: Timestamp, group: u32) {
        self.node.bans.automatic = self.node.bans.automatic.saturating_sub(1);
        if self.node.bans.automatic < automatic_rows(&self.tables.bans.view()) {
            self.set_posture(Posture::Normal);
        }
        let groups = &mut self.tables.groups;
        let found = groups.find(&self.rules.seed, &group.to_le_bytes());
        let Some(place) = found.filter(|_| group != NONE) else { return };
        if let Some(row) = groups.get_mut(place) {
            row.banned = row.banned.saturating_sub(1);
            if row.banned == 0 && row.ban(now).is_none() {
                groups.remove(&self.rules.seed, place);
            }
        }
    }

    /// Writes the end of a peer's ban into its own row, where [`Parts::sanction`] finds it.
    pub(crate) fn note_ban(&mut self, peer: &PeerId) {
        let bans = self.tables.bans.view();
        let until =
            bans.find(&self.rules.seed, peer).map_or(Timestamp::EPOCH, |(_, row)| row.until());
        if let Some(row) = self.tables.peers.find_mut(&self.rules.seed, peer) {
            row.banned_until = until;
        }
    }

    /// Where a peer is that is to be banned.
    pub(crate) fn origin_of(&self, row: &PeerRow) -> Origin {
        if row.exempt { Origin::UNKNOWN } else { Origin::of(&self.rules.seed, &row.groups) }
    }

    /// The end of a narrow group's ban.
    pub(crate) fn group_ban(&self, now: Timestamp, group: u32) -> Option<Timestamp> {
        let groups = self.tables.groups.view();
        groups.find(&self.rules.seed, &group.to_le_bytes()).and_then(|(_, row)| row.ban(now))
    }

    /// What is refused to a connected peer because its group is banned and it proved no identity.
    pub(crate) fn unproven(&self, now: Timestamp, row: &PeerRow) -> Option<Decision> {
        if !row.unproven {
            return None;
        }
        let until = self.group_ban(now, narrow(&self.rules.seed, &row.groups))?;
        Some(Decision::until(Reason::GroupBanned, until))
    }

    /// Whether one more automatic ban has room. Above three quarters of the automatic part the
    /// row leaves that is needed least; what is full all the same is merged where it is densest.
    pub(crate) fn make_room_for_ban(&mut self, now: Timestamp) -> bool {
        let rows = automatic_rows(&self.tables.bans.view());
        if self.node.bans.automatic >= rows.saturating_sub(rows / 4) {
            self.drop_least_needed(now);
        }
        self.node.bans.automatic < rows || (0..RECOUNTS).any(|_| self.merge_densest(now))
    }

    /// Whether one more ban has room in the share of its wide group, so that none fills the table
    /// alone. A full share is like a full table: one row that is due leaves, or the densest narrow
    /// group is merged.
    fn make_room_in_share(&mut self, now: Timestamp, origin: Origin) -> bool {
        let limits = self.rules.policy.sanctions;
        let share =
            automatic_rows(&self.tables.bans.view()).saturating_mul(limits.wide_share.into());
        let share = (share / 1000).max(limits.group_members.into());
        if self.node.bans.automatic < share {
            return true;
        }
        let bans = self.tables.bans.view();
        let of_share =
            || bans.iter().filter(|(_, row)| !row.operator && row.origin.wide == origin.wide);
        let (mut count, mut first) = (0u32, (Timestamp::NEVER, 0));
        for (place, row) in of_share() {
            count = count.saturating_add(1);
            first = first.min((row.leaves_at(&limits), place));
        }
        if count < share {
            return true;
        }
        if first.0 <= now {
            self.remove_ban(now, first.1);
            return true;
        }
        if self.node.bans.densest < limits.group_members {
            return false;
        }
        let groups = &self.tables.groups;
        let places = of_share().filter_map(|(_, row)| {
            groups.find(&self.rules.seed, &row.origin.narrow().to_le_bytes())
        });
        let densest = places.max_by_key(|place| groups.get(*place).map(|row| row.banned));
        densest.is_some_and(|place| self.merge(now, place))
    }

    /// Takes out the row that is forgotten, or that has been idle for longest and long enough.
    fn drop_least_needed(&mut self, now: Timestamp) {
        if now < self.node.bans.due {
            return;
        }
        let limits = &self.rules.policy.sanctions;
        let (mut first, mut second) = ((Timestamp::NEVER, 0), Timestamp::NEVER);
        for (place, row) in self.tables.bans.view().iter().filter(|(_, row)| !row.operator) {
            let leaves = row.leaves_at(limits);
            if leaves < first.0 {
                second = core::mem::replace(&mut first, (leaves, place)).0;
            } else {
                second = second.min(leaves);
            }
        }
        if first.0 <= now {
            self.node.bans.due = second;
            self.remove_ban(now, first.1);
        } else {
            self.node.bans.due = first.0;
        }
    }

    /// Lets the ban of the densest group stand for those of its members, if it is dense enough.
    fn merge_densest(&mut self, now: Timestamp) -> bool {
        if self.node.bans.densest < self.rules.policy.sanctions.group_members {
            return false;
        }
        let groups = self.tables.groups.view();
        let densest = groups.iter().max_by_key(|(_, row)| row.banned).map(|(place, _)| place);
        densest.is_some_and(|place| self.merge(now, place))
    }

    /// Lets the ban of one group stand for those of its members. False if it turned out not to be
    /// dense enough; its count is right then.
    fn merge(&mut self, now: Timestamp, place: Place) -> bool {
        let limits = self.rules.policy.sanctions;
        let Some(row) = self.tables.groups.get(place) else { return false };
        let (group, bans) = (row.tag(), self.tables.bans.view());
        let of_group = |row: &BanRow| !row.operator && row.origin.narrow() == group;
        let members = bans.iter().filter(|(_, row)| of_group(row) && ban_of(row, now).is_some());
        let (mut count, mut longest) = (0u16, Timestamp::EPOCH);
        for (_, member) in members {
            count = count.saturating_add(1);
            longest = longest.max(member.until());
        }
        let dense = count >= limits.group_members;
        if let Some(row) = self.tables.groups.get_mut(place) {
            row.banned = count;
            if dense {
                row.until = row.until.max(longest.min(now.saturating_add(limits.group_ban)));
            }
        }
        if dense {
            for place in self.tables.bans.places() {
                if self.tables.bans.get(place).is_some_and(of_group) {
                    self.remove_ban(now, place);
                }
            }
            self.tables.groups.mark(place);
            let merged = &mut self.node.counters.bans_merged;
            *merged = merged.saturating_add(count.into());
            self.ask_for_proofs(now, group);
        }
        let counts = self.tables.groups.view();
        self.node.bans.densest = counts.iter().map(|(_, row)| row.banned).max().unwrap_or(0);
        dense
    }

    /// Has who is connected from a group that is banned now, and no identity's, prove one.
    fn ask_for_proofs(&mut self, now: Timestamp, group: u32) {
        for place in self.tables.peers.places() {
            let Some(row) = self.tables.peers.get(place) else { continue };
            if narrow(&self.rules.seed, &row.groups) == group {
                self.ask_stranger(now, place);
            }
        }
    }

    /// Has a peer prove an identity from now on if it has to.
    pub(crate) fn ask_stranger(&mut self, now: Timestamp, place: Place) {
        let Some(row) = self.tables.peers.get(place) else { return };
        let proved = self.tables.peers.link(place, PeerRow::IDENTITY) != 0;
        let group = narrow(&self.rules.seed, &row.groups);
        let spared = row.connections == 0 || proved || row.exempt || self.is_allowed(&row.peer);
        if spared || self.group_ban(now, group).is_none() {
            return;
        }
        if let Some(row) = self.tables.peers.get_mut(place) {
            row.since = now;
        }
        self.ask_for_proof(now, place);
    }

    /// Marks a connected peer as one that has to prove an identity, and has that told.
    pub(crate) fn ask_for_proof(&mut self, now: Timestamp, place: Place) {
        let Some(row) = self.tables.peers.get_mut(place) else { return };
        row.unproven = true;
        row.sanctioned = true;
        self.tables.peers.mark(place);
        let end = now.saturating_add(self.rules.policy.sanctions.proof);
        self.node.prove_by = self.node.prove_by.min(end);
    }

    /// Has those disconnected who proved nothing in time, and notes when to look again.
    pub(crate) fn end_proofs(&mut self, now: Timestamp) {
        if now < self.node.prove_by {
            return;
        }
        self.node.prove_by = Timestamp::NEVER;
        for place in self.tables.peers.places() {
            let Some(row) = self.tables.peers.get_mut(place) else { continue };
            if !row.unproven || row.connections == 0 {
                continue;
            }
            let end = row.since.saturating_add(self.rules.policy.sanctions.proof);
            if end > now {
                self.node.prove_by = self.node.prove_by.min(end);
            } else {
                row.sanctioned = true;
                self.tables.peers.mark(place);
            }
        }
    }

    /// Counts one more banned id of a group. When the table of groups is full, one of few ids is
    /// forgotten: a count that is too low only merges later.
    fn count_banned(&mut self, now: Timestamp, group: u32) {
        if group == NONE {
            return;
        }
        let (seed, groups) = (&self.rules.seed, &mut self.tables.groups);
        let place = match groups.find(seed, &group.to_le_bytes()) {
            Some(place) => place,
            None => {
                if groups.is_full() {
                    let hand = self.node.bans.hand;
                    self.node.bans.hand = hand.wrapping_add(HAND);
                    let near = (0..HAND).filter_map(|step| {
                        let rows = u32::try_from(groups.view().capacity()).ok()?;
                        let place = hand.wrapping_add(step).checked_rem(rows)?.saturating_add(1);
                        groups.get(place).map(|row| (place, row))
                    });
                    let free = near.filter(|(_, row)| row.ban(now).is_none());
                    let Some((place, _)) = free.min_by_key(|(_, row)| row.banned) else { return };
                    groups.remove(seed, place);
                }
                let Some(place) = groups.insert(seed, GroupRow::new(group)) else { return };
                place
            }
        };
        if let Some(row) = groups.get_mut(place) {
            row.banned = row.banned.saturating_add(1);
            self.node.bans.densest = self.node.bans.densest.max(row.banned);
        }
    }

    pub(crate) fn set_posture(&mut self, posture: Posture) {
        if self.node.posture != posture && self.node.posture != Posture::Guarded {
            self.node.posture = posture;
            self.node.posture_told = false;
        }
    }

    /// Takes out what has ended and is forgotten.
    pub(crate) fn sweep_bans(&mut self, now: Timestamp) {
        let span = self.rules.policy.sanctions.span;
        for place in self.tables.bans.places() {
            let Some(row) = self.tables.bans.get(place) else { continue };
            let ended = match row.operator {
                true => !row.is_in_force(now),
                false => !row.is_blacklisted() && row.graylisting.is_forgotten(now, span),
            };
            if ended {
                self.remove_ban(now, place);
            }
        }
        let seed = &self.rules.seed;
        self.tables.groups.remove_if(seed, |row| row.banned == 0 && row.ban(now).is_none());
        if self.node.posture == Posture::Lockdown && self.make_room_for_ban(now) {
            self.set_posture(Posture::Normal);
        }
    }
}
