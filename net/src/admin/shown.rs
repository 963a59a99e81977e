//! How the operator is shown what the core numbers.

use ltms_core::{
    Ban, IdentityId, OwnedKey, PublicKey, Reason, Registered, Standing, Subject, Timestamp,
    burn::Tier,
};
use serde::{Deserialize, Serialize};

use crate::door::net_peer;

/// [`Standing`] with names for what the core numbers.
#[derive(Serialize)]
pub(super) struct Explained {
    subject: String,
    known: bool,
    /// `clear`, or the sanction in force.
    decision: &'static str,
    /// When it ends; absent until lifted.
    until: Option<Timestamp>,
    /// What it is for.
    sanction: Option<&'static str>,
    first_sanctioned: Option<Timestamp>,
    last_sanctioned: Option<Timestamp>,
    /// The first eight bytes of the SHA-256 of the evidence.
    evidence: Option<String>,
    by_operator: bool,
    allowed: bool,
    /// When a sanction that the breaker holds back is due.
    held_until: Option<Timestamp>,
    /// An identity whose row left the table.
    displaced: bool,
    connections: u8,
    violations: Of<u8>,
    invalid_signatures: Of<u8>,
    malformed: Of<u8>,
    /// Proven faults of an identity.
    faults: Of<u8>,
    passed_on: u8,
    identity: Option<IdentityId>,
    keys: Of<u16>,
    score: u8,
    completed: u32,
    failed: u32,
    expires_at: Option<Timestamp>,
}

/// How many, and how many there may be.
#[derive(Serialize)]
struct Of<T> {
    count: T,
    limit: T,
}

impl<T> From<(T, T)> for Of<T> {
    fn from((count, limit): (T, T)) -> Self {
        Self { count, limit }
    }
}

impl Explained {
    pub(super) fn new(subject: impl ToString, standing: &Standing) -> Self {
        let sanctioned = standing.sanctioned_at;
        Self {
            subject: subject.to_string(),
            known: standing.known,
            decision: standing.decision.reason.as_str(),
            until: standing.decision.retry_at,
            sanction: standing.sanction_reason.map(Reason::as_str),
            first_sanctioned: sanctioned.map(|(first, _)| first),
            last_sanctioned: sanctioned.map(|(_, last)| last),
            evidence: (standing.evidence != [0; 8]).then(|| hex::encode(standing.evidence)),
            by_operator: standing.by_operator,
            allowed: standing.allowed,
            held_until: standing.held_until,
            displaced: standing.displaced,
            connections: standing.connections,
            violations: standing.violations.into(),
            invalid_signatures: standing.invalid_signatures.into(),
            malformed: standing.malformed.into(),
            faults: standing.faults.into(),
            passed_on: standing.passed_on,
            identity: standing.identity,
            keys: standing.keys.into(),
            score: standing.score,
            completed: standing.sessions.0,
            failed: standing.sessions.1,
            expires_at: standing.expires_at,
        }
    }
}

/// An identity with its standing.
#[derive(Serialize)]
pub(super) struct Identity {
    #[serde(flatten)]
    registered: Registered,
    tier: Option<&'static str>,
    confirmations: u32,
    /// Until when an anchored proof of the burn holds.
    proved_until: Option<Timestamp>,
    standing: Explained,
    /// The keys that take its slots, where one identity is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owned: Option<Vec<Owned>>,
}

impl Identity {
    pub(super) fn new(registered: Registered, standing: &Standing) -> Self {
        Self {
            registered,
            tier: standing.tier.map(tier_name),
            confirmations: standing.confirmations,
            proved_until: standing.proved_until,
            standing: Explained::new(registered.id, standing),
            owned: None,
        }
    }
}

/// A key of an identity.
#[derive(Serialize)]
pub(super) struct Owned {
    key: PublicKey,
    current: bool,
    ends: Timestamp,
}

impl From<OwnedKey> for Owned {
    fn from(key: OwnedKey) -> Self {
        Self { key: key.key, current: key.current, ends: key.ends }
    }
}

pub(super) const fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Basic => "basic",
        Tier::Verified => "verified",
        Tier::Institutional => "institutional",
    }
}

/// Whom a ban is against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Peer,
    Identity,
    Key,
    Group,
}

/// A ban, in lists and in files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShownBan {
    pub(super) kind: Kind,
    pub(super) subject: String,
    /// What it is for.
    pub(super) reason: String,
    /// When it began.
    #[serde(default)]
    since: Option<Timestamp>,
    /// When the first ban of this peer began.
    #[serde(default)]
    first: Option<Timestamp>,
    /// When it ends; absent until lifted.
    pub(super) until: Option<Timestamp>,
    #[serde(default)]
    evidence: Option<String>,
    #[serde(default)]
    pub(super) by_operator: bool,
    /// The breaker holds it back, and `until` is when it comes into force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) held: bool,
}

impl From<Ban> for ShownBan {
    fn from(ban: Ban) -> Self {
        let (kind, subject) = match ban.subject {
            Subject::Peer(peer) => {
                let bytes = || hex::encode(peer.to_bytes());
                (Kind::Peer, net_peer(&peer).map_or_else(bytes, |peer| peer.to_string()))
            }
            Subject::Identity(id) => (Kind::Identity, id.to_string()),
            Subject::Key(key) => (Kind::Key, key.to_string()),
            Subject::Group(tag) => (Kind::Group, format!("{tag:08x}")),
        };
        Self {
            kind,
            subject,
            reason: ban.reason.to_string(),
            since: ban.since,
            first: ban.first,
            until: ban.until,
            evidence: ban.evidence.map(hex::encode),
            by_operator: ban.by_operator,
            held: ban.held,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    /// Milliseconds since 1970; without it until lifted.
    pub(super) until: Option<Timestamp>,
}

/// The reason of this name.
pub(super) fn reason(name: &str) -> Option<Reason> {
    Reason::ALL.iter().copied().find(|reason| reason.as_str() == name)
}
