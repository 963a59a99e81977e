//! What is listed: the bans in force, the identities and their keys.

use super::bans::operator_rows;
use super::sanctions::ban_of;
use super::standing::reason_of;
use super::{Gate, Registered, Subject};
use crate::identities::IdentityRow;
use crate::keys::KeyRow;
use crate::score::Graylisting;
use crate::storage::{Storage, TablesRef};
use crate::{IdentityId, Millis, PeerId, PublicKey, Reason, Timestamp};

/// A ban that is in force, or a sanction that waits to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ban {
    /// Whose.
    pub subject: Subject,
    /// Its end, `None` until lifted; of one that is `held`, when it comes into force.
    pub until: Option<Timestamp>,
    /// What it is for. An address group's, [`Reason::GroupBanned`], stands for those of its
    /// members.
    pub reason: Reason,
    /// When it began; `None` where nobody noted that: of address groups, and of identities and keys
    /// that the operator banned.
    pub since: Option<Timestamp>,
    /// When the first ban of this peer began.
    pub first: Option<Timestamp>,
    /// The first eight bytes of the SHA-256 of what completed the count, where that is known.
    pub evidence: Option<[u8; 8]>,
    /// Whether the operator made it.
    pub by_operator: bool,
    /// Whether the breaker holds it back: it is not in force yet, and may never be.
    pub held: bool,
}

/// A key that takes a slot of its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedKey {
    /// The key.
    pub key: PublicKey,
    /// Whether it is the identity's current key.
    pub current: bool,
    /// When its newest advertisement ends or was withdrawn.
    pub ends: Timestamp,
}

impl<S: Storage> Gate<S> {
    /// Every ban that is in force: of peers, identities, author keys and address groups.
    pub fn bans(&self, now: Timestamp) -> impl Iterator<Item = Ban> + '_ {
        let (tables, limits) = (self.storage.tables(), &self.rules.policy.sanctions);
        let of_peers = tables.bans.iter().filter_map(move |(_, row)| {
            ban_of(row, now).map(|ban| Ban {
                until: ban.retry_at,
                reason: row.reason,
                since: Some(row.last.time()),
                first: Some(row.first.time()),
                evidence: Some(row.evidence).filter(|digest| *digest != [0; 8]),
                by_operator: row.operator,
                ..Ban::of(Subject::Peer(row.peer))
            })
        });
        let of_identity = move |id, ban: &Graylisting, reason| {
            let ended = Ban { reason, ..Ban::of(Subject::Identity(id)) };
            ended.begun(ban, now, limits.identity_ban, limits.identity_ban_max)
        };
        let of_identities = tables
            .identities
            .iter()
            .filter_map(move |(_, row)| of_identity(row.id, &row.ban, row.ban_reason));
        let of_displaced = tables
            .tombstones
            .iter()
            .filter(|(_, row)| !row.is_resuming())
            .filter_map(move |(_, row)| of_identity(row.id, &row.ban, row.ban_reason));
        let of_keys = tables.keys.iter().filter_map(move |(_, row)| {
            let ended = Ban { reason: reason_of(row), ..Ban::of(Subject::Key(row.key)) };
            ended.begun(&row.graylisting, now, limits.graylist, limits.graylist_max)
        });
        let of_groups = tables.groups.iter().filter_map(move |(_, row)| {
            let until = Some(row.ban(now)?);
            let reason = Reason::GroupBanned;
            Some(Ban { until, reason, ..Ban::of(Subject::Group(row.tag())) })
        });
        of_peers.chain(of_identities).chain(of_displaced).chain(of_keys).chain(of_groups)
    }

    /// The sanctions for window violations that the breaker holds back (policy §4), each since its
    /// count was complete. [`Gate::unban`] lifts them, too.
    pub fn held_bans(&self) -> impl Iterator<Item = Ban> + '_ {
        let hold = self.rules.policy.breaker.hold;
        let held = self.storage.tables().peers.iter().filter(|(_, row)| row.is_held());
        held.map(move |(_, row)| Ban {
            until: Some(row.held_until),
            reason: Reason::TooSoon,
            since: Some(row.held_until.saturating_sub(hold)),
            evidence: Some(row.held_evidence).filter(|digest| *digest != [0; 8]),
            held: true,
            ..Ban::of(Subject::Peer(row.peer))
        })
    }

    /// The peers on the allow-list.
    pub fn allowed(&self) -> impl Iterator<Item = PeerId> + '_ {
        let rows = self.storage.tables().bans.iter();
        rows.filter(|(_, row)| row.allowed).map(|(_, row)| row.peer)
    }

    /// How many more bans of peers the operator's quarter of the table has room for.
    #[must_use]
    pub fn operator_room(&self, now: Timestamp) -> u32 {
        let bans = self.storage.tables().bans;
        let taken = bans.iter().filter(|(_, row)| row.operator && row.is_in_force(now)).count();
        operator_rows(&bans).saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// The identities that are registered, from a place in the table on: each with its place. Who
    /// reads them in pages begins with 0 and goes on behind the last place that he had; an identity
    /// that stays meanwhile is met once.
    pub fn identities(&self, from: u32) -> impl Iterator<Item = (u32, Registered)> + '_ {
        let tables = self.storage.tables();
        let rows = tables.identities.iter().skip_while(move |(place, _)| *place < from);
        rows.map(move |(place, row)| (place, row.registered(tables.current_key(place))))
    }

    /// The keys that take a slot of an identity.
    pub fn owned_keys(&self, id: &IdentityId) -> impl Iterator<Item = OwnedKey> + '_ {
        let found = self.storage.tables().identities.find(&self.rules.seed, id);
        found.into_iter().flat_map(|(place, row)| self.keys_at(place, row))
    }

    /// Of the identity at a place. The list has as many keys as the row says.
    pub(crate) fn keys_at(
        &self,
        place: u32,
        row: &IdentityRow,
    ) -> impl Iterator<Item = OwnedKey> + '_ {
        let TablesRef { identities, keys, .. } = self.storage.tables();
        let first = identities.link(place, IdentityRow::FIRST);
        let links = self.storage.tables().keys;
        let next = move |key: &u32| Some(links.link(*key, KeyRow::SIBLING));
        let places = core::iter::successors(Some(first), next).take(row.keys.into());
        places.filter_map(move |place| {
            let row = keys.get(place)?;
            Some(OwnedKey { key: row.key, current: row.is_current(), ends: row.expires_at() })
        })
    }
}

impl Ban {
    const fn of(subject: Subject) -> Self {
        Self {
            subject,
            until: None,
            reason: Reason::Unjudged,
            since: None,
            first: None,
            evidence: None,
            by_operator: false,
            held: false,
        }
    }

    /// With the times of a ban whose row holds no more than its end; none if it has ended.
    fn begun(
        self,
        ban: &Graylisting,
        now: Timestamp,
        base: Millis,
        longest: Millis,
    ) -> Option<Self> {
        let until = ban.active(now)?;
        let until = Some(until).filter(|until| *until != Timestamp::NEVER);
        let since = ban.began(base, longest);
        Some(Self { until, since, by_operator: ban.is_fixed(), ..self })
    }
}
