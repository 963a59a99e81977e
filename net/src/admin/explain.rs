//! Every decision about a peer, and why.

use libp2p::PeerId;
use ltms_core::{IdentityId, Reason, Standing, Timestamp};
use serde::Serialize;

/// What a peer is told now, by which rule, what is counted towards the next one, and how the
/// operator undoes it.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    peer: String,
    /// Whether anything is known about it at all.
    known: bool,
    connections: u8,
    /// The identity that it proved on its connection.
    identity: Option<IdentityId>,
    /// The narrow address group that it was last seen in, by the tag that this node keeps.
    group: Option<String>,
    /// What it is told now, by what it brings.
    told: Vec<Told>,
    /// The rules that act, or wait.
    rules: Vec<Rule>,
    /// What is counted, and what follows when it is full.
    counted: Vec<Counted>,
    /// The commands that undo what acts.
    undo: Vec<String>,
}

/// A decision.
#[derive(Debug, Serialize)]
struct Told {
    /// What it would bring.
    on: &'static str,
    reason: &'static str,
    meaning: &'static str,
    /// When that is over; absent where it is not by itself.
    until: Option<Timestamp>,
}

/// A rule that acts, or waits to.
#[derive(Debug, Serialize)]
struct Rule {
    /// Where it is written down.
    row: &'static str,
    text: String,
    /// What it is for.
    reason: Option<&'static str>,
    meaning: Option<&'static str>,
    first: Option<Timestamp>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// The first eight bytes of the SHA-256 of what completed the count.
    evidence: Option<String>,
}

impl Rule {
    fn new(row: &'static str, text: impl Into<String>) -> Self {
        Self {
            row,
            text: text.into(),
            reason: None,
            meaning: None,
            first: None,
            since: None,
            until: None,
            evidence: None,
        }
    }
}

/// A count within a span.
#[derive(Debug, Serialize)]
struct Counted {
    what: &'static str,
    count: u16,
    /// At which `then` follows; absent where none does by itself.
    limit: Option<u16>,
    /// From the first one on, in ms; absent where it counts as long as it lasts.
    span: Option<u64>,
    then: &'static str,
}

fn told(on: &'static str, reason: Reason, until: Option<Timestamp>) -> Told {
    Told { on, reason: reason.as_str(), meaning: reason.meaning(), until }
}

impl Account {
    pub(super) fn of(peer: &PeerId, standing: &Standing) -> Self {
        let group = (standing.group != 0).then(|| format!("{:08x}", standing.group));
        let mut account = Self {
            peer: peer.to_string(),
            known: standing.known,
            connections: standing.connections,
            identity: standing.identity,
            group,
            told: decisions(standing),
            rules: Vec::new(),
            counted: counted(standing),
            undo: Vec::new(),
        };
        account.add_rules(standing);
        account
    }

    fn add_rules(&mut self, standing: &Standing) {
        if standing.allowed {
            let text = "on the allow-list: exempt from limits of its address group and from \
                        automatic sanctions";
            self.rules.push(Rule::new("ban", text));
        }
        let reason = standing.decision.reason;
        if let Some((first, since)) = standing.sanctioned_at {
            let acts = matches!(reason, Reason::Blacklisted | Reason::Graylisted);
            let by = if standing.by_operator {
                "banned by the operator"
            } else {
                "banned automatically"
            };
            let text = if acts { by.to_owned() } else { format!("{by}; that is over") };
            let evidence = standing.evidence;
            self.rules.push(Rule {
                reason: standing.sanction_reason.map(Reason::as_str),
                meaning: standing.sanction_reason.map(Reason::meaning),
                first: Some(first),
                since: Some(since),
                until: standing.decision.retry_at.filter(|_| acts),
                evidence: (evidence != [0; 8]).then(|| hex::encode(evidence)),
                ..Rule::new("ban", text)
            });
            if acts {
                self.undo.push(format!("ltms peers unban {}", self.peer));
            }
        }
        if let (Some(until), Some(group)) = (standing.group_until, &self.group) {
            let text = format!("address group {group} is banned for strangers");
            self.undo.push(format!("ltms bans lift {group}"));
            let meaning = Some(Reason::GroupBanned.meaning());
            let (reason, until) = (Some(Reason::GroupBanned.as_str()), Some(until));
            self.rules.push(Rule { reason, meaning, until, ..Rule::new("group", text) });
        }
        if let Some(until) = standing.prove_by {
            let reason = Reason::ProveIdentity;
            self.rules.push(Rule {
                reason: Some(reason.as_str()),
                meaning: Some(reason.meaning()),
                until: Some(until),
                ..Rule::new("peer", "has to prove an identity, or is disconnected")
            });
        }
        if let Some(until) = standing.held_until {
            self.undo.push(format!("ltms peers unban {}", self.peer));
            let text = "graylisted then, unless so many of the peers that we dialled are due for \
                        it that the fault must be ours";
            let (reason, meaning) =
                (Some(Reason::TooSoon.as_str()), Some(Reason::TooSoon.meaning()));
            self.rules.push(Rule {
                reason,
                meaning,
                until: Some(until),
                ..Rule::new("peer", text)
            });
        }
    }
}

/// What the peer is told, by what it brings; the first that refuses it answers.
fn decisions(standing: &Standing) -> Vec<Told> {
    let whole = standing.decision;
    let banned = matches!(whole.reason, Reason::Blacklisted | Reason::Graylisted);
    let by_window = |reason, until: Option<Timestamp>| match until {
        _ if banned => (whole.reason, whole.retry_at),
        Some(until) => (reason, Some(until)),
        None => (Reason::Clear, None),
    };
    // Direct frames are read from a peer that has to prove an identity: that is how it does.
    let unproven = |otherwise| match whole.reason {
        Reason::GroupBanned => (whole.reason, whole.retry_at),
        _ => otherwise,
    };
    let connection = match standing.group_until {
        _ if banned => (whole.reason, whole.retry_at),
        Some(until) if standing.identity.is_none() && !standing.allowed => {
            (Reason::ProveIdentity, Some(until))
        }
        _ => (Reason::Clear, None),
    };
    let keys = match standing.keys {
        _ if banned => (whole.reason, whole.retry_at),
        (count, limit) if limit > 0 && count >= limit => (Reason::KeyLimit, None),
        _ => (Reason::Clear, None),
    };
    let list = [
        ("connection", connection),
        ("gossip", unproven(by_window(Reason::Throttle, standing.message_at))),
        ("request", by_window(Reason::ConnectionWindow, standing.message_at)),
        ("signature", by_window(Reason::SignatureBudget, standing.signature_at)),
        ("claim", by_window(Reason::HeaderBudget, standing.header_at)),
        ("stranger's key", unproven(keys)),
    ];
    list.into_iter().map(|(on, (reason, until))| told(on, reason, until)).collect()
}

fn counted(standing: &Standing) -> Vec<Counted> {
    let span = (standing.span.get() > 0).then_some(standing.span.get());
    let within = |what, (count, limit): (u8, u8), then| Counted {
        what,
        count: count.into(),
        limit: Some(limit.into()),
        span,
        then,
    };
    vec![
        within("window violations", standing.violations, "graylisted"),
        within("invalid signatures", standing.invalid_signatures, "blacklisted"),
        within("malformed items", standing.malformed, "blacklisted"),
        Counted {
            what: "faults passed on",
            count: standing.passed_on.into(),
            limit: Some(standing.invalid_signatures.1.into()),
            span,
            then: "graylisted",
        },
        Counted {
            what: "stranger's keys",
            count: standing.keys.0,
            limit: Some(standing.keys.1),
            span: None,
            then: "key-limit",
        },
    ]
}
