//! The peer table, when there is room and when it is full.

use super::Parts;
use crate::peers::{Direction, Groups, PeerRow};
use crate::storage::Tables;
use crate::table::{Place, Row};
use crate::time::Seconds;
use crate::{Bucket, PeerId, Reason, Timestamp};

impl Parts<'_> {
    /// The place of the row of a peer that connects, made if there is room. A quarter of the rows
    /// is kept for peers that we dial.
    pub(crate) fn peer_place(
        &mut self,
        now: Timestamp,
        peer: &PeerId,
        direction: Direction,
    ) -> Option<Place> {
        if let Some(place) = self.tables.peers.find(&self.rules.seed, peer) {
            return Some(place);
        }
        let outbound = direction == Direction::Outbound;
        let rows = self.tables.peers.view().capacity();
        let kept = |row: &PeerRow| row.is_outbound() && row.connections > 0;
        let others = self.tables.peers.view().iter().filter(|(_, row)| !kept(row)).count();
        let crowded = !outbound && others >= rows.saturating_sub(rows / 4);
        if crowded || self.tables.peers.is_full() {
            self.drop_peer(now)?;
        }
        let row = PeerRow { peer: *peer, ..PeerRow::VACANT };
        let place = self.tables.peers.insert(&self.rules.seed, row)?;
        self.note_ban(peer);
        Some(place)
    }

    /// Takes out a row that is as good as fresh, or else the one disconnected for longest, whose
    /// faults are graylisted if they are many and paid by its address group if they are few.
    fn drop_peer(&mut self, now: Timestamp) -> Option<()> {
        let gone = self.tables.peers.view();
        let gone = gone.iter().filter(|(_, row)| row.connections == 0);
        let policy = &self.rules.policy;
        let (place, row) = gone.min_by_key(|(_, row)| (!row.is_fresh(now, policy), row.since))?;
        let limits = policy.sanctions;
        // That a peer we dialled was hasty may be our own doing, which the breaker judges.
        let haste = if row.is_outbound() { row.violations.count(now, limits.span) } else { 0 };
        let (groups, faults) = (row.groups, row.faults(now, policy).saturating_sub(haste.into()));
        if faults > 0 && (faults < limits.leaving_faults || !self.graylist(now, place)) {
            self.cells().charge_faults(groups, faults, now);
        }
        self.orphan_keys(place);
        self.tables.peers.remove(&self.rules.seed, place);
        Some(())
    }

    /// Graylists a disconnected peer for what is counted against it. False if the ban table has
    /// no room.
    fn graylist(&mut self, now: Timestamp, place: Place) -> bool {
        let limits = self.rules.policy.sanctions;
        if !self.may_sanction() {
            return false;
        }
        let Some(row) = self.tables.peers.get(place) else { return false };
        let most = [
            (row.invalid, Reason::InvalidSignature),
            (row.malformed, Reason::Malformed),
            (row.passed_on, Reason::Malformed),
            (row.violations, Reason::TooSoon),
        ];
        let most = most.into_iter().max_by_key(|(tally, _)| tally.count(now, limits.span));
        let (peer, origin) = (row.peer, self.origin_of(row));
        let Some(row) = self.ban_row(now, &peer, origin) else {
            self.ban_without_row(now, &peer, origin.narrow(), limits.graylist);
            return false;
        };
        if !row.operator {
            row.reason = most.map_or(Reason::Malformed, |(_, reason)| reason);
            row.last = Seconds::of(now);
            row.graylisting.begin(now, limits.graylist, limits.graylist_max, limits.span);
        }
        true
    }
}

/// The signature checks and the look-ups that the inbound peers of an address group have left, at
/// the worst.
pub(crate) fn left_of(tables: &Tables<'_>, groups: &Groups) -> (Bucket, Bucket) {
    let peers = tables.peers.view();
    let same = peers
        .iter()
        .map(|(_, row)| row)
        .filter(|row| !row.is_outbound() && !row.exempt && row.groups.narrow == groups.narrow);
    same.fold((Bucket::FULL, Bucket::FULL), |(signatures, headers), row| {
        (signatures.poorer(row.signatures), headers.poorer(row.headers))
    })
}
