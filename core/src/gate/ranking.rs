//! The order in which signers are found (policy §7).

use super::Gate;
use super::directory::{Criteria, Found, found, is_live_under};
use crate::identities::IdentityRow;
use crate::keys::{KeyRow, Owner};
use crate::packed::Packed;
use crate::peers::{Groups, PeerRow, domain};
use crate::storage::Storage;
use crate::table::Place;
use crate::{IdentityId, Millis, Timestamp};

/// Of so many places …
const PAGE: usize = 20;
/// … a wide group has at most two, as long as somebody of another one waits for a place.
const OF_GROUP: usize = 2;
/// The last of so many places is drawn …
const DRAWN: usize = 8;
/// … anew in every hour, so that no identity is lucky for ever.
const DRAW: u64 = Millis::from_hours(1).get();

/// Who gets the next places. An identity's second place comes after everybody's first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Identities,
    Strangers,
    Others,
}

impl<S: Storage> Gate<S> {
    /// Fills `out` with the best live signers that fit, best first, and returns how many there
    /// are. A shorter `out` gets the beginning of the same list.
    ///
    /// The order is that of rank: a score below 30 last, score bands, burn for each live row, a
    /// keyed draw; strangers after identities. No identity has two places before every identity
    /// that fits has one. Of each 20 places, those of one wide group of *observed* addresses have
    /// two, and more only if nobody else is left; where a signer's connection is not known, so is
    /// its group, and that does not count against it. Every eighth place goes to an identity drawn
    /// among all that fit and have no bad score.
    pub fn find(&self, now: Timestamp, criteria: &Criteria, out: &mut [Found]) -> usize {
        let mut places = Places { out, len: 0, page: 0, to: 0, from: 0, capped: true };
        for stage in [Stage::Identities, Stage::Strangers, Stage::Others] {
            while places.begin() {
                if stage == Stage::Identities && places.is_drawn() {
                    self.offer(now, criteria, (stage, true), &mut places);
                }
                for capped in [true, false] {
                    places.pass(capped);
                    self.offer(now, criteria, (stage, false), &mut places);
                }
                if places.len < places.to {
                    break;
                }
            }
        }
        places.len
    }

    fn offer(
        &self,
        now: Timestamp,
        criteria: &Criteria,
        (stage, drawn): (Stage, bool),
        places: &mut Places<'_>,
    ) {
        if places.len >= places.to {
            return;
        }
        let tables = self.storage.tables();
        match stage {
            Stage::Identities => {
                for (place, identity) in tables.identities.iter() {
                    let Some(rank) = self.rank(now, identity, criteria) else { continue };
                    let rank = match rank {
                        (true, ..) if drawn => (true, 0, 0, self.draw(now, &identity.id)),
                        _ => rank,
                    };
                    // Cheap before dear: most are not good enough for these places.
                    if !places.is_wanted(rank) || places.has_identity(&identity.id) {
                        continue;
                    }
                    if let Some(row) = self.best_key(now, criteria, place, identity) {
                        let group = self.group_of_identity(place);
                        places.offer(Found { group, ..found(row, identity, rank) });
                    }
                }
            }
            Stage::Strangers => {
                for (place, row) in tables.keys.iter() {
                    let Owner::Stranger(peer) = tables.owner(place) else { continue };
                    let Some(stranger) = self.stranger(now, row, criteria) else { continue };
                    if places.is_wanted(stranger.rank) && !places.has_key(&stranger) {
                        let group = self.group_of(tables.peers.get(peer));
                        places.offer(Found { group, ..stranger });
                    }
                }
            }
            Stage::Others => {
                for (place, row) in tables.keys.iter() {
                    let Owner::Identity(owner) = tables.owner(place) else { continue };
                    let Some(identity) = tables.identities.get(owner) else { continue };
                    if !is_live_under(now, row, identity, criteria) {
                        continue;
                    }
                    let Some((good, band, per_row, _)) = self.rank(now, identity, criteria) else {
                        continue;
                    };
                    let other = found(row, identity, (good, band, per_row, self.random(row)));
                    if places.is_wanted(other.rank) && !places.has_key(&other) {
                        places.offer(Found { group: self.group_of_identity(owner), ..other });
                    }
                }
            }
        }
    }

    fn random(&self, row: &KeyRow) -> u64 {
        self.rules.seed.hash(domain::RANK, row.key.as_bytes())
    }

    /// What an identity drew in this hour; the highest has the place.
    fn draw(&self, now: Timestamp, id: &IdentityId) -> u64 {
        let hour = now.as_millis().checked_div(DRAW).unwrap_or(0);
        let mut drawn = [0; 40];
        let (of, at) = drawn.split_at_mut(32);
        of.copy_from_slice(id.as_bytes());
        at.copy_from_slice(&hour.to_be_bytes());
        self.rules.seed.hash(domain::RANK, &drawn)
    }

    /// Which of an identity's keys that fit stands for it.
    fn best_key(
        &self,
        now: Timestamp,
        criteria: &Criteria,
        place: Place,
        identity: &IdentityRow,
    ) -> Option<&KeyRow> {
        let tables = self.storage.tables();
        let first = tables.identities.link(place, IdentityRow::FIRST);
        let keys = core::iter::successors(Some(first), |key| {
            Some(tables.keys.link(*key, KeyRow::SIBLING))
        });
        keys.take_while(|key| *key > 0)
            .take(identity.keys.into())
            .filter_map(|key| tables.keys.get(key))
            .filter(|row| is_live_under(now, row, identity, criteria))
            .max_by_key(|row| self.random(row))
    }

    /// The group of the connected peer that proved the identity last.
    fn group_of_identity(&self, identity: Place) -> Option<Packed<4>> {
        let peers = self.storage.tables().peers;
        let proved = |place| peers.link(place, PeerRow::IDENTITY) == identity;
        let proved = peers.iter().filter(|(place, row)| row.connections > 0 && proved(*place));
        self.group_of(proved.map(|(_, row)| row).min_by_key(|row| row.proved))
    }

    fn group_of(&self, peer: Option<&PeerRow>) -> Option<Packed<4>> {
        let nowhere = Groups::of(&self.rules.seed, None).wide;
        peer.map(|row| row.groups.wide).filter(|wide| *wide != nowhere)
    }
}

/// The places so far. A run of them is filled at a time, from everybody who has none, in order.
struct Places<'a> {
    out: &'a mut [Found],
    /// How many are filled.
    len: usize,
    /// Where the page of the run begins, and where the run ends.
    page: usize,
    to: usize,
    /// Where this pass began, and whether groups are limited in it.
    from: usize,
    capped: bool,
}

impl Places<'_> {
    /// Begins the next run; false if all places are filled. It ends with a page, and before and
    /// after a drawn place.
    fn begin(&mut self) -> bool {
        let next = |step: usize| self.len.checked_div(step).map_or(0, |n| n.saturating_mul(step));
        self.page = next(PAGE);
        let page_end = self.page.saturating_add(PAGE);
        let drawn_end = next(DRAWN).saturating_add(DRAWN);
        let drawn = drawn_end.saturating_sub(1);
        let run_end = if self.len < drawn { drawn } else { drawn_end };
        self.to = page_end.min(run_end).min(self.out.len());
        self.pass(true);
        self.len < self.to
    }

    /// Begins the next pass over everybody.
    const fn pass(&mut self, capped: bool) {
        (self.from, self.capped) = (self.len, capped);
    }

    /// Whether the run is a drawn place.
    const fn is_drawn(&self) -> bool {
        matches!(self.len.checked_rem(DRAWN), Some(place) if place == DRAWN - 1)
    }

    fn held(&self, from: usize) -> &[Found] {
        self.out.get(from..self.len).unwrap_or_default()
    }

    /// Whether somebody of this rank may still get a place in this pass.
    fn is_wanted(&self, rank: super::directory::Rank) -> bool {
        self.len < self.to || self.held(self.from).last().is_some_and(|last| last.rank < rank)
    }

    fn has_identity(&self, id: &IdentityId) -> bool {
        self.held(0).iter().any(|held| held.identity == Some(*id))
    }

    fn has_key(&self, found: &Found) -> bool {
        self.held(0).iter().any(|held| held.key == found.key)
    }

    /// Takes in what has no place yet, if it is among the best for this pass. Whatever leaves has
    /// been outranked for good: by a full run, or by a full group.
    fn offer(&mut self, found: Found) {
        let of_group =
            |held: &[Found]| held.iter().filter(|held| held.group == found.group).count();
        if self.capped && found.group.is_some() && of_group(self.held(self.page)) >= OF_GROUP {
            let run = self.held(self.from);
            let Some(worst) = run.iter().rposition(|held| held.group == found.group) else {
                return;
            };
            if run.get(worst).is_none_or(|worst| worst.rank >= found.rank) {
                return;
            }
            let from_worst = self.out.get_mut(self.from.saturating_add(worst)..self.len);
            let mut behind = from_worst.unwrap_or_default();
            // It goes to the end, one place at a time.
            while let [worst, rest @ ..] = behind {
                if let Some(better) = rest.first_mut() {
                    core::mem::swap(worst, better);
                }
                behind = rest;
            }
            self.len = self.len.saturating_sub(1);
        }
        let behind = self.held(self.from).iter().position(|held| held.rank < found.rank);
        let at = behind.map_or(self.len, |offset| self.from.saturating_add(offset));
        self.len = self.len.saturating_add(1).min(self.to);
        if let Some(tail) = self.out.get_mut(at..self.len)
            && let Some(last) = tail.last_mut()
        {
            *last = found;
            tail.rotate_right(1);
        }
    }
}
