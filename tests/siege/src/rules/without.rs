//! Ours with one rule switched off. What a rule is for is what goes wrong then.

use ltms_core::Policy;

use crate::made::POLICY;

/// A rule, and how it does nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) off: Off,
}

/// What makes a rule do nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Off {
    /// These numbers in fields of the policy, as [`Policy::set_number`] sets them.
    Fields(&'static [(&'static str, u64)]),
    /// A node that lacks something which is no field of the policy.
    Part(Part),
}

/// What a node does that no field of the policy can switch off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Directories,
    Places,
    Reorganisations,
    Sessions,
}

impl Part {
    /// What it is as if.
    pub(crate) const fn as_if(self) -> &'static str {
        match self {
            Self::Directories => "no neighbour has a directory to read",
            Self::Places => "an identity is worth nothing in a mesh",
            Self::Reorganisations => "no block is ever replaced",
            Self::Sessions => "no session is ever completed",
        }
    }
}

impl Rule {
    /// Fields of the policy that are set so that it does nothing.
    pub(crate) const fn fields(&self) -> &'static [(&'static str, u64)] {
        match self.off {
            Off::Fields(fields) => fields,
            Off::Part(_) => &[],
        }
    }

    /// The policy without it.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = POLICY;
        for (field, number) in self.fields() {
            policy.set_number(field, *number).expect("a field of the policy");
        }
        policy
    }
}

/// A day and a year, in ms.
const DAY: u64 = 86_400_000;
const YEAR: u64 = 365 * DAY;

const fn rule(name: &'static str, off: &'static [(&'static str, u64)]) -> Rule {
    Rule { name, off: Off::Fields(off) }
}

const fn part(name: &'static str, part: Part) -> Rule {
    Rule { name, off: Off::Part(part) }
}

/// In the order of the policy, and what is no field of it.
pub(crate) const RULES: &[Rule] = &[
    rule("how far ahead a message is dated", &[("freshness.future", DAY)]),
    rule("how old a gossip message is", &[("freshness.gossip_age", YEAR)]),
    rule("all windows", &[("enforce.windows", 1)]),
    rule("an author's window", &[("windows.advertisement.interval_us", 1)]),
    rule("the window of an identity's keys", &[("windows.identity_span", 1)]),
    rule("a connection's window", &[("windows.connection.interval_us", 1)]),
    rule("a connection's signature checks", &[("windows.signatures.interval_us", 1)]),
    rule("the node's signature checks", &[("windows.node_signatures.interval_us", 1)]),
    rule("the checks that are kept for neighbours", &[("windows.reserve", 0)]),
    rule("strangers' windows", &[("windows.strangers.interval_us", 1)]),
    rule("strangers' windows of a wide group", &[("windows.wide_factor", 1 << 16)]),
    rule("a connection's look-ups of headers", &[("windows.header.interval_us", 1)]),
    rule("the node's look-ups of headers", &[("windows.node_header.interval_us", 1)]),
    rule("all sanctions", &[("enforce.sanctions", 1)]),
    rule("how long faults count", &[("sanctions.span", 1)]),
    rule("bans for haste", &[("sanctions.violations", 255)]),
    rule("bans for invalid signatures", &[("sanctions.invalid_signatures", 255)]),
    rule("bans for malformed items", &[("sanctions.malformed", 255)]),
    rule("graylisting", &[("sanctions.graylist", 1), ("sanctions.graylist_max", 1)]),
    rule("how long a ban is kept that nobody tries", &[("sanctions.idle", 1)]),
    rule("a group's ban for those of its members", &[("sanctions.group_members", 65_535)]),
    rule("how long a group is banned", &[("sanctions.group_ban", 1)]),
    rule("a wide group's share of the bans", &[("sanctions.wide_share", 1_000)]),
    rule("how soon a proof is due", &[("sanctions.proof", DAY)]),
    rule("faults of those who leave", &[("sanctions.leaving_faults", 65_535)]),
    rule("the breaker", &[("breaker.share", 1_000)]),
    rule(
        "how many have to be hasty for the breaker",
        &[
            ("breaker.share", 0),
            ("breaker.peers", 1),
            ("breaker.groups", 1),
            ("breaker.daily", 255),
            ("breaker.hold", DAY),
        ],
    ),
    rule("all limits of keys", &[("enforce.keys", 1)]),
    rule(
        "keys of an identity",
        &[("keys.basic", 65_535), ("keys.verified", 65_535), ("keys.institutional", 65_535)],
    ),
    rule("keys of a stranger", &[("keys.stranger", 65_535)]),
    rule("strangers' share of the keys", &[("keys.stranger_share", 1_000)]),
    rule("how long a key's slot is kept", &[("keys.slot_hold", 0)]),
    rule(
        "the prices of tiers",
        &[("burns.verified", 50_000_000), ("burns.institutional", 50_000_000)],
    ),
    rule("confirmations of a registration", &[("burns.provisional", 1)]),
    rule("confirmations of a full identity", &[("burns.full", 6)]),
    rule("confirmations of a rotation", &[("burns.rotation_depth", 1)]),
    rule("a fresh score", &[("reputation.start", 100)]),
    rule("the penalty for a timeout", &[("reputation.timeout", 0)]),
    rule("the penalty for a disconnect", &[("reputation.disconnect", 0)]),
    rule("the penalty for an invalid signature", &[("reputation.invalid_signature", 0)]),
    rule("the penalty for an abort", &[("reputation.abort", 0)]),
    rule("how long failures count", &[("reputation.half_life", 1)]),
    rule("all limits of address groups", &[("enforce.groups", 1)]),
    rule("connections of a narrow group", &[("connections.per_narrow", 16)]),
    rule("connections of a wide group", &[("connections.per_wide", 65_535)]),
    rule("connections that came", &[("connections.inbound", 65_535)]),
    rule("connections of a peer", &[("connections.per_peer", 255)]),
    rule("connections of an identity", &[("connections.per_identity", 255)]),
    rule(
        "how long a phase of a session lasts",
        &[("sessions.nonce", 300_000), ("sessions.partial_signature", 300_000)],
    ),
    rule("how long a session lasts", &[("sessions.whole", DAY)]),
    rule("how long an abort keeps its slot", &[("sessions.abort_hold", 0)]),
    rule("sessions of an identity", &[("sessions.per_identity", 255)]),
    rule("sessions of strangers", &[("sessions.strangers", 255)]),
    rule("an identity's key in sessions", &[("sessions.allow_shared_key", 1)]),
    part("directories of neighbours", Part::Directories),
    part("places in the mesh for identities", Part::Places),
    part("a second look at burns above a fork", Part::Reorganisations),
    part("rows for who has completed a session", Part::Sessions),
];

const TASTE: &str = "a policy may only be stricter: more is rejected by every node";
const FLOOR: &str = "a policy may only ask for more: less is rejected by every node";
const FEES: &str = "not charged in this version";
const REQUESTS: &str = "not enforced by itself: two sessions of an identity at a time, and ten \
                        minutes for an aborted one, are stricter";
const FAULTS: &str = "of faults that no message proves: who runs a node records them";

/// Fields that are no rule against anybody, or that no attack here can reach, and why.
pub(crate) const SPARED: &[(&str, &str)] = &[
    ("network", "says which chain"),
    ("clock", "says where times come from"),
    ("local_envelope", TASTE),
    ("freshness.min_lifetime", TASTE),
    ("freshness.max_lifetime", TASTE),
    ("freshness.chain_future", "for devices without a clock"),
    ("windows.announcement", "not enforced by itself: a connection's windows hold for records"),
    ("windows.request", REQUESTS),
    ("sanctions.identity_faults", FAULTS),
    ("sanctions.identity_ban", FAULTS),
    ("sanctions.identity_ban_max", FAULTS),
    ("burns.registration", FLOOR),
    ("burns.rotation", FLOOR),
    ("burns.additional_key", FLOOR),
    ("burns.top_up", FLOOR),
    ("burns.request", FEES),
    ("burns.extension", FEES),
    ("burns.directory_entry", FEES),
    ("burns.fees", FEES),
    ("reputation.rate", "what a score is made of"),
    ("reputation.volume", "what a score is made of"),
    ("reputation.daily_successes", TASTE),
    ("connections.outbound", "nobody else makes a node dial"),
    ("sessions.history", "of the driver, not of the Gate"),
];

/// Fields of the policy that are neither switched off nor spared.
pub(crate) fn forgotten() -> Vec<String> {
    let off = || RULES.iter().flat_map(Rule::fields).map(|(field, _)| *field);
    let groups = Policy::GROUPS.iter();
    let fields = groups.flat_map(|(group, fields)| fields.iter().map(move |f| (*group, f.name)));
    let is_group = |name: &str| Policy::GROUPS.iter().any(|(group, _)| *group == name);
    fields
        .filter(|(group, name)| !group.is_empty() || !is_group(name))
        .map(
            |(group, name)| {
                if group.is_empty() { name.to_string() } else { format!("{group}.{name}") }
            },
        )
        .filter(|field| {
            let spared = SPARED.iter().any(|(known, _)| known == field);
            !spared
                && !off().any(|known| known.strip_suffix(".interval_us").unwrap_or(known) == field)
        })
        .collect()
}
