//! What came out, and whether it is what the policy promises.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    time::Duration,
};

use ltms_core::{Reason, burn::Tier};
use serde::Serialize;

use super::{
    Failure,
    attacks::Attack,
    honest::{Town, VERIFIED_KEYS},
    verdict::{Seen, judge},
};

/// Milliseconds until every node had the last of the signers.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Spread {
    /// Of those advertised before the attacks.
    pub(super) before: u64,
    /// Of those advertised when all attacks started.
    pub(super) start: u64,
    /// Of those advertised when each had begun.
    pub(super) amid: u64,
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
        let minutes = elapsed.as_secs() / 60;
        let mut rows = Vec::new();
        for attack in attacks {
            let seen = Seen::by_all(town, attack).await?;
            rows.push(Row::new(attack, &seen));
            violations.extend(judge(attack, &seen, minutes));
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

impl Row {
    fn new(attack: &Attack, seen: &[Seen]) -> Self {
        let victims: Vec<_> = seen.iter().filter(|seen| seen.is_victim(attack)).collect();
        let range = |of: &dyn Fn(&Seen) -> u64| Range::of(victims.iter().map(|seen| of(seen)));
        let reasons = victims.iter().flat_map(|seen| seen.refused.keys());
        let count = |reason, seen: &Seen| seen.refused.get(reason).copied().unwrap_or(0);
        let refused = reasons.map(|reason| (*reason, range(&|seen| count(reason, seen))));
        let mut sanctions = BTreeMap::new();
        for seen in victims.iter().filter(|seen| seen.standing != Reason::Clear) {
            *sanctions.entry(seen.standing.as_str()).or_default() += 1;
        }
        Self {
            attack: attack.kind.name(),
            peer: attack.peer.to_string(),
            nodes: victims.len(),
            sent: attack.sent,
            accepted: range(&|seen| seen.accepted),
            refused: refused.collect(),
            sanctions,
            disconnected: attack.cut_off,
        }
    }

    fn refusals(&self) -> String {
        let reasons = self.refused.iter().map(|(reason, count)| format!("{reason} {count}"));
        reasons.collect::<Vec<_>>().join(", ")
    }

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
        let Self { nodes, signers, seed, seconds, attacks, .. } = self;
        let attackers = attacks.len();
        writeln!(
            f,
            "{nodes} honest nodes against {attackers} attackers: {seconds:.1} s, seed {seed}"
        )?;
        writeln!(f, "\nWhat attackers sent to each node that they attacked, and what it did:")?;
        let width = attacks.iter().map(|row| row.refusals().len()).max().unwrap_or(0);
        let mut line = |cells: [&str; 5]| {
            let [attack, sent, accepted, refused, sanction] = cells;
            writeln!(f, "{attack:18} {sent:>5}  {accepted:>8}  {refused:width$}  {sanction}")
        };
        line(["attack", "sent", "accepted", "refused", "sanction"])?;
        for row in attacks {
            let (sent, accepted) = (row.sent.to_string(), row.accepted.to_string());
            line([row.attack, &sent, &accepted, &row.refusals(), &row.sanction()])?;
        }
        writeln!(f, "\nWhat honest nodes found:")?;
        let all = self.found.iter().filter(|found| *found == signers).count();
        writeln!(f, "{all} of {nodes} nodes found all {signers} signers;")?;
        let keys = Range::of(self.verified_keys.iter().copied().map(u64::from));
        writeln!(f, "{keys} of these are keys of one identity, which has burned 200 XPI.")?;
        let Spread { before, start, amid } = self.spread_ms;
        writeln!(
            f,
            "Those advertised before the attacks were known everywhere after {before} ms,"
        )?;
        writeln!(f, "at their start after {start} ms, and in their midst after {amid} ms.\n")?;
        for violation in &self.violations {
            writeln!(f, "violated: {violation}")?;
        }
        writeln!(f, "{}", if self.passed { "passed" } else { "failed" })
    }
}
