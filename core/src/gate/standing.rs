//! What is known about somebody.

use super::Gate;
use super::sanctions::ban_of;
use crate::burn::Tier;
use crate::groups::{GroupRow, NONE, narrow};
use crate::keys::{KeyRow, Owner};
use crate::peers::PeerRow;
use crate::quota::{Bucket, NotUntil, Quota};
use crate::storage::Storage;
use crate::{Amount, Decision, IdentityId, Millis, Mode, PeerId, PublicKey, Reason, Timestamp};

/// Whom [`Gate::standing`] is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A libp2p peer.
    Peer(PeerId),
    /// An author key.
    Key(PublicKey),
    /// An identity.
    Identity(IdentityId),
    /// A narrow address group, by the tag of [`crate::Event::GroupBanned`].
    Group(u32),
}

/// What is known about somebody and what follows from it. Fields that do not apply are zero or
/// `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// [`Reason::Clear`], or the sanction in force.
    pub decision: Decision,
    /// Whether there is a row at all.
    pub known: bool,
    /// What the sanction is for.
    pub sanction_reason: Option<Reason>,
    /// When the first and the last sanction began.
    pub sanctioned_at: Option<(Timestamp, Timestamp)>,
    /// The first eight bytes of the SHA-256 of the evidence.
    pub evidence: [u8; 8],
    /// Whether the operator made the ban.
    pub by_operator: bool,
    /// Whether the operator exempts the peer from group limits and automatic sanctions.
    pub allowed: bool,
    /// When a sanction for window violations, which waits, is due.
    pub held_until: Option<Timestamp>,
    /// Proven faults of an identity within the span, and how many ban.
    pub faults: (u8, u8),
    /// Open connections.
    pub connections: u8,
    /// The narrow address group of a peer that is connected or was, by its tag; 0 if it has none.
    pub group: u32,
    /// The end of that group's ban, which is for strangers.
    pub group_until: Option<Timestamp>,
    /// Until when a peer that was let in from a banned group may prove an identity.
    pub prove_by: Option<Timestamp>,
    /// When a peer's connection may bring a message again, if not now; for a key or identity,
    /// when it may advertise.
    pub message_at: Option<Timestamp>,
    /// When a signature of the peer's may be checked again, if not now.
    pub signature_at: Option<Timestamp>,
    /// When an unknown block header may be looked up for the peer again, if not now.
    pub header_at: Option<Timestamp>,
    /// From the first fault that is counted on, how long it and those after it count.
    pub span: Millis,
    /// Window violations within the span, and how many sanction.
    pub violations: (u8, u8),
    /// Invalid signatures within the span, and how many sanction.
    pub invalid_signatures: (u8, u8),
    /// Malformed items within the span, and how many sanction.
    pub malformed: (u8, u8),
    /// Faults of others passed on within the span.
    pub passed_on: u8,
    /// The identity that a key belongs to.
    pub identity: Option<IdentityId>,
    /// Keys that advertise, and how many may.
    pub keys: (u16, u16),
    /// The tier in force.
    pub tier: Option<Tier>,
    /// The total burn.
    pub burned: Amount,
    /// Confirmations of the registration.
    pub confirmations: u32,
    /// Whether the burn is out of the chain at present.
    pub suspended: bool,
    /// Reputation score.
    pub score: u8,
    /// Whether the identity's row left a full table, or its burn the chain: it can register again.
    pub displaced: bool,
    /// Completed and failed sessions.
    pub sessions: (u32, u32),
    /// End of the newest advertisement, an identity's last to end.
    pub expires_at: Option<Timestamp>,
    /// Until when an anchored proof of the burn holds.
    pub proved_until: Option<Timestamp>,
}

impl<S: Storage> Gate<S> {
    /// What is known about somebody, and why they are treated as they are. Never makes a row.
    #[must_use]
    pub fn standing(&self, now: Timestamp, subject: &Subject) -> Standing {
        match subject {
            Subject::Peer(peer) => self.standing_of_peer(now, peer),
            Subject::Key(key) => self.standing_of_key(now, key),
            Subject::Identity(id) => self.standing_of_identity(now, id),
            Subject::Group(group) => {
                let mut standing =
                    Standing { decision: Reason::Clear.into(), ..Standing::default() };
                let groups = self.storage.tables().groups;
                if let Some((_, row)) = groups.find(&self.rules.seed, &group.to_le_bytes()) {
                    standing.known = true;
                    standing.decision = group_decision(row, now).unwrap_or(standing.decision);
                }
                standing
            }
        }
    }

    fn standing_of_peer(&self, now: Timestamp, peer: &PeerId) -> Standing {
        let (tables, policy) = (self.storage.tables(), &self.rules.policy);
        let limits = &policy.sanctions;
        let mut standing = Standing { decision: Reason::Clear.into(), ..Standing::default() };
        if let Some((place, row)) = tables.peers.find(&self.rules.seed, peer) {
            standing.known = true;
            standing.connections = row.connections;
            standing.span = limits.span;
            let (windows, opens) = (&policy.windows, |of: Bucket, quota| opens(of, quota, now));
            let observed = policy.enforce.windows == Mode::Observe;
            standing.message_at = opens(row.messages, windows.connection).filter(|_| !observed);
            standing.signature_at = opens(row.signatures, windows.signatures);
            standing.header_at = opens(row.headers, windows.header);
            standing.violations = (row.violations.count(now, limits.span), limits.violations);
            standing.invalid_signatures =
                (row.invalid.count(now, limits.span), limits.invalid_signatures);
            standing.malformed = (row.malformed.count(now, limits.span), limits.malformed);
            standing.held_until = row.is_held().then_some(row.held_until);
            standing.passed_on = row.passed_on.count(now, limits.span);
            standing.keys = (row.keys, policy.keys.stranger);
            if !row.exempt {
                standing.group = narrow(&self.rules.seed, &row.groups);
            }
            let group = tables.groups.find(&self.rules.seed, &standing.group.to_le_bytes());
            let group = group.filter(|_| standing.group != NONE);
            standing.group_until = group.and_then(|(_, row)| row.ban(now));
            if let Some(until) = standing.group_until.filter(|_| row.unproven) {
                standing.decision = Decision::until(Reason::GroupBanned, until);
                standing.prove_by = Some(row.since.saturating_add(limits.proof));
            }
            let identity = tables.peers.link(place, PeerRow::IDENTITY);
            standing.identity = tables.identities.get(identity).map(|identity| identity.id);
        }
        if let Some((_, row)) = tables.bans.find(&self.rules.seed, peer) {
            standing.known = true;
            standing.allowed = row.allowed;
            standing.by_operator = row.operator;
            if row.allowed {
                return standing;
            }
            standing.sanction_reason = Some(row.reason);
            standing.sanctioned_at = Some((row.first.time(), row.last.time()));
            standing.evidence = row.evidence;
            standing.decision = ban_of(row, now).unwrap_or(standing.decision);
        }
        standing
    }

    fn standing_of_key(&self, now: Timestamp, key: &PublicKey) -> Standing {
        let (tables, limits) = (self.storage.tables(), &self.rules.policy.sanctions);
        let mut standing = Standing { decision: Reason::Clear.into(), ..Standing::default() };
        let Some((place, row)) = tables.keys.find(&self.rules.seed, key) else { return standing };
        if let Owner::Identity(owner) = tables.owner(place)
            && let Some(identity) = tables.identities.get(owner)
        {
            standing = self.standing_of_identity(now, &identity.id);
        }
        standing.known = true;
        standing.span = limits.span;
        standing.violations = (row.violations.count(now, limits.span), limits.violations);
        standing.expires_at = Some(row.expires_at()).filter(|end| *end > now);
        let quota = self.rules.policy.windows.advertisement;
        standing.message_at = standing.message_at.max(opens(row.window, quota, now));
        if let Some(until) = row.graylisting.active(now) {
            standing.decision = banned(Reason::Graylisted, until);
            standing.by_operator = row.graylisting.is_fixed();
            standing.sanction_reason = Some(reason_of(row));
        }
        standing
    }

    fn standing_of_identity(&self, now: Timestamp, id: &IdentityId) -> Standing {
        let (tables, policy) = (self.storage.tables(), &self.rules.policy);
        let mut standing = Standing { decision: Reason::Clear.into(), ..Standing::default() };
        let Some((place, row)) = tables.identities.find(&self.rules.seed, id) else {
            return self.standing_of_displaced(now, id, standing);
        };
        let tip = self.node.tip_height();
        if let Some(until) = row.ban.active(now) {
            standing.decision = banned(Reason::IdentityBanned, until);
            standing.by_operator = row.ban.is_fixed();
            standing.sanction_reason = Some(row.ban_reason);
        } else if row.is_suspended(now) {
            standing.decision = Reason::Suspended.into();
        }
        standing.known = true;
        standing.identity = Some(row.id);
        standing.span = policy.sanctions.span;
        standing.message_at = opens(row.window, row.quota(policy, tip), now);
        standing.faults =
            (row.faults.count(now, policy.sanctions.span), policy.sanctions.identity_faults);
        standing.keys = (row.keys, row.key_limit(policy, tip));
        standing.tier = Some(row.tier(policy, tip));
        standing.burned = row.burned();
        standing.confirmations = row.height().confirmations(tip);
        standing.suspended = row.is_suspended(now);
        standing.score = row.reputation.score();
        standing.sessions = (row.reputation.completed(), row.reputation.failed());
        standing.expires_at =
            self.keys_at(place, row).map(|key| key.ends).max().filter(|ends| *ends > now);
        standing.proved_until = Some(row.proved_until())
            .filter(|until| row.suspended_at().is_none() && *until != Timestamp::NEVER);
        standing
    }

    fn standing_of_displaced(
        &self,
        now: Timestamp,
        id: &IdentityId,
        mut standing: Standing,
    ) -> Standing {
        let tombstones = self.storage.tables().tombstones;
        let Some((_, row)) = tombstones.find(&self.rules.seed, id) else { return standing };
        standing.displaced = true;
        standing.identity = Some(row.id);
        standing.burned = row.burned();
        if let Some(until) = row.ban.active(now) {
            standing.decision = banned(Reason::IdentityBanned, until);
            standing.by_operator = row.ban.is_fixed();
            standing.sanction_reason = Some(row.ban_reason);
        }
        standing
    }
}

/// What the ban of a key is for: the windows are all that graylists one by itself.
pub(crate) fn reason_of(row: &KeyRow) -> Reason {
    if row.graylisting.is_fixed() { Reason::Blacklisted } else { Reason::TooSoon }
}

/// The decision of a ban, which may have no end.
fn banned(reason: Reason, until: Timestamp) -> Decision {
    let retry_at = Some(until).filter(|until| *until != Timestamp::NEVER);
    Decision { retry_at, ..reason.into() }
}

/// When a window has a token again, if it has none.
fn opens(window: Bucket, quota: Quota, now: Timestamp) -> Option<Timestamp> {
    window.peek(quota, now).err().map(|NotUntil(at)| at)
}

fn group_decision(row: &GroupRow, now: Timestamp) -> Option<Decision> {
    row.ban(now).map(|until| Decision::until(Reason::GroupBanned, until))
}
