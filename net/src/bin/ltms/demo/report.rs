//! What came out, and whether it is what the policy promises.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    ops::RangeInclusive,
    time::Duration,
};

use ltms_core::{Reason, burn::Tier};
use serde::Serialize;

use super::{
    Failure,
    attacks::Attack,
    honest::{Town, VERIFIED_KEYS},
};

/// Milliseconds until every node had the last of the signers.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Spread {
    /// Of those advertised before the attacks.
    pub(super) before: u64,
    /// Of those advertised during them.
    pub(super) during: u64,
}

/// The least and the most of something at the attacked nodes.
#[derive(Clone, Copy, Serialize)]
struct Range {
    least: u64,
    most: u64,
}

impl Range {
    fn of(counts: impl Iterator<Item = u64> + Clone) -> Self {
        Self { least: counts.clone().min().unwrap_or(0), most: counts.max().unwrap_or(0) }
    }
}

impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { least, most } = self;
        if least == most { write!(f, "{most}") } else { write!(f, "{least}-{most}") }
    }
}

/// An attack as the report has it; counts are at each attacked node.
#[derive(Serialize)]
struct Row {
    attack: &'static str,
    peer: String,
    nodes: usize,
    sent: u64,
    accepted: Range,
    refused: BTreeMap<&'static str, Range>,
    /// How many of the attacked nodes have which ban.
    sanctions: BTreeMap<&'static str, usize>,
    /// How many of them have disconnected it for that.
    disconnected: usize,
}

/// All of it.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) passed: bool,
    seed: u64,
    seconds: f64,
    nodes: usize,
    /// Honest author keys, those of the identity with 200 XPI among them.
    signers: usize,
    /// How many of them each node finds.
    found: Vec<usize>,
    /// Keys of the identity with 200 XPI that each node accepted.
    verified_keys: Vec<u16>,
    spread_ms: Spread,
    attacks: Vec<Row>,
    violations: Vec<String>,
}

impl Report {
    /// Asks every node, and compares with what the policy promises.
    pub(super) async fn new(
        seed: u64,
        town: &Town,
        attacks: &[Attack],
        spread_ms: Spread,
        elapsed: Duration,
    ) -> Result<Self, Failure> {
        let mut violations = town.unjust().await?;
        let (found, signers) = (town.found().await?, town.signers.len());
        for (node, found) in found.iter().enumerate().filter(|(_, found)| **found != signers) {
            violations.push(format!("node {node} finds {found} of {signers} honest signers"));
        }
        for signer in &town.signers {
            for node in 0..town.handles.len() {
                let accepted = town.book.read(|ledger| ledger.accepted(node, &signer.public()));
                if accepted > 1 {
                    let key = signer.public();
                    violations.push(format!("node {node} accepted {key} {accepted} times"));
                }
            }
        }
        let verified = town.verified().await?;
        for (node, (tier, keys)) in verified.iter().enumerate() {
            if *tier != Some(Tier::Verified) || usize::from(*keys) != VERIFIED_KEYS {
                violations.push(format!("node {node} has 200 XPI as {tier:?} with {keys} keys"));
            }
        }
        let missed = town.book.read(|ledger| ledger.missed);
        if missed > 0 {
            violations.push(format!("{missed} events were missed"));
        }
        let mut rows = Vec::new();
        for attack in attacks {
            rows.push(row(town, attack).await?);
            violations.extend(judge(town, attack, elapsed).await?);
        }
        Ok(Self {
            passed: violations.is_empty(),
            seed,
            seconds: elapsed.as_secs_f64(),
            nodes: town.handles.len(),
            signers,
            found,
            verified_keys: verified.into_iter().map(|(_, keys)| keys).collect(),
            spread_ms,
            attacks: rows,
            violations,
        })
    }
}

/// What a node accepted of an attack.
fn accepted(town: &Town, attack: &Attack, node: usize) -> u64 {
    town.book.read(|ledger| {
        let keys = attack.keys.iter().map(|key| ledger.accepted(node, key));
        let ids = attack.ids.iter().filter(|id| ledger.is_registered(node, id)).count();
        keys.sum::<u64>() + ids as u64
    })
}

async fn row(town: &Town, attack: &Attack) -> Result<Row, Failure> {
    let (peer, victims) = (attack.peer, &attack.victims);
    let refused: Vec<_> =
        victims.iter().map(|node| town.book.read(|ledger| ledger.refused(*node, peer))).collect();
    let reasons = refused.iter().flat_map(BTreeMap::keys).map(|reason| {
        let counts = refused.iter().map(|counts| counts.get(reason).copied().unwrap_or(0));
        (*reason, Range::of(counts))
    });
    let mut row = Row {
        attack: attack.kind.name(),
        peer: peer.to_string(),
        nodes: victims.len(),
        sent: attack.sent,
        accepted: Range::of(victims.iter().map(|node| accepted(town, attack, *node))),
        refused: reasons.collect(),
        sanctions: BTreeMap::new(),
        disconnected: attack.cut_off,
    };
    for node in victims {
        let reason = town.handles[*node].standing_of(&peer).await?.decision.reason;
        if reason != Reason::Clear {
            *row.sanctions.entry(reason.as_str()).or_default() += 1;
        }
    }
    Ok(row)
}

/// The expectations that an attack has violated.
async fn judge(town: &Town, attack: &Attack, elapsed: Duration) -> Result<Vec<String>, Failure> {
    let name = attack.kind.name();
    let mut violations: Vec<_> =
        attack.failure.iter().map(|failure| format!("{name}: {failure}")).collect();
    let minutes = elapsed.as_secs() / 60;
    let most = attack.allowed.end() + attack.per_minute * minutes;
    for node in 0..town.handles.len() {
        let accepted = accepted(town, attack, node);
        let least = if attack.victims.contains(&node) { *attack.allowed.start() } else { 0 };
        if !(least..=most).contains(&accepted) {
            violations.push(format!("{name}: node {node} accepted {accepted}"));
        }
    }
    for node in &attack.victims {
        for (reason, range) in &attack.refused {
            let count = town.book.read(|ledger| ledger.refused_for(*node, attack.peer, *reason));
            if !range.contains(&count) {
                let range = expected(range);
                violations
                    .push(format!("{name}: node {node} refused {count} for {reason}, not {range}"));
            }
        }
        let reason = town.handles[*node].standing_of(&attack.peer).await?.decision.reason;
        let wanted = attack.sanction.unwrap_or(Reason::Clear);
        if reason != wanted {
            violations.push(format!("{name}: node {node} has the peer as {reason}, not {wanted}"));
        }
    }
    if attack.sanction.is_some() && attack.cut_off < attack.victims.len() {
        violations
            .push(format!("{name}: only {} nodes have disconnected the peer", attack.cut_off));
    }
    Ok(violations)
}

fn expected(range: &RangeInclusive<u64>) -> String {
    match (*range.start(), *range.end()) {
        (least, u64::MAX) => format!("{least} or more"),
        (least, most) => Range { least, most }.to_string(),
    }
}

impl Row {
    fn sanction(&self) -> String {
        if self.sanctions.is_empty() {
            return "none".to_owned();
        }
        let bans = self.sanctions.iter().map(|(name, count)| format!("{name} by {count}"));
        let bans = bans.collect::<Vec<_>>().join(", ");
        format!("{bans}, disconnected by {} of {}", self.disconnected, self.nodes)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { nodes, signers, seed, seconds, .. } = self;
        writeln!(
            f,
            "{nodes} honest nodes with {signers} signers against {} attackers: {seconds:.1} s, seed {seed}\n",
            self.attacks.len()
        )?;
        writeln!(f, "At each attacked node:")?;
        let refusals = |row: &Row| {
            let reasons = row.refused.iter().map(|(reason, count)| format!("{reason} {count}"));
            reasons.collect::<Vec<_>>().join(", ")
        };
        let width = self.attacks.iter().map(|row| refusals(row).len()).max().unwrap_or(0).max(7);
        writeln!(
            f,
            "{:18} {:>6} {:>8}  {:width$}  sanction",
            "attack", "sent", "accepted", "refused"
        )?;
        for row in &self.attacks {
            let (accepted, refused) = (row.accepted.to_string(), refusals(row));
            writeln!(
                f,
                "{:18} {:>6} {accepted:>8}  {refused:width$}  {}",
                row.attack,
                row.sent,
                row.sanction()
            )?;
        }
        writeln!(f)?;
        let all = self.found.iter().filter(|found| *found == signers).count();
        writeln!(f, "All {signers} honest signers were found by {all} of {nodes} nodes,")?;
        let Spread { before, during } = self.spread_ms;
        writeln!(
            f,
            "the last one {before} ms after it advertised before the attacks, {during} ms during them."
        )?;
        for violation in &self.violations {
            writeln!(f, "violated: {violation}")?;
        }
        writeln!(f, "{}", if self.passed { "passed" } else { "failed" })
    }
}
