//! What the runs came to: for programs, for the documentation and for a browser.
//!
//! Nothing of the machine is in it, so that the same seed writes the same bytes.

mod html;
mod markdown;
mod without;

use std::path::Path;

use serde::Serialize;

use crate::rules::Which;
use crate::scenarios::{Outcome, Scale, Scenario};

pub(crate) use markdown::table;
pub(crate) use without::Ablation;

/// One scenario under the four rule sets, in their order.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) line: &'static str,
    /// What the curve's second axis is, if there is one.
    pub(crate) gain: &'static str,
    /// As ltms had it.
    pub(crate) parameters: Vec<(&'static str, f64)>,
    /// Ours while nobody attacks.
    pub(crate) baseline: Run,
    pub(crate) results: [Run; 4],
}

/// One of them.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) rules: &'static str,
    /// What these rules have nothing of, so that nothing was run.
    pub(crate) lacks: Option<&'static str>,
    /// Whether the attack's own line held.
    pub(crate) holds: bool,
    /// The share of honest deliveries; none where nothing was delivered.
    pub(crate) honest: Option<f64>,
    pub(crate) honest_deliveries: u64,
    pub(crate) hostile: f64,
    pub(crate) hostile_deliveries: u64,
    pub(crate) hostile_allowed: u64,
    pub(crate) honest_banned: u64,
    pub(crate) displaced: u64,
    pub(crate) spent_xpi: u64,
    pub(crate) xpi_per_displaced: Option<f64>,
    pub(crate) bytes_after_start: u64,
    pub(crate) bytes_at_most: u64,
    pub(crate) checks_per_delivery: f64,
    /// The lines of every attack: within the windows, memory constant, nobody honest banned.
    /// Nothing where that is not asked.
    pub(crate) everywhere: [Option<bool>; 3],
    pub(crate) figures: Vec<(&'static str, f64)>,
    /// XPI, and what they buy.
    pub(crate) curve: Vec<(f64, f64)>,
    /// Seconds, the share of honest deliveries since the last point, bytes.
    pub(crate) course: Vec<(u64, f64, u64)>,
    #[serde(skip)]
    parameters: Vec<(&'static str, f64)>,
}

impl Row {
    pub(crate) fn new(scenario: &Scenario, baseline: Run, results: [Run; 4]) -> Self {
        let Scenario { name, about, line, gain, .. } = *scenario;
        let parameters = results[0].parameters.clone();
        Self { name, about, line, gain, parameters, baseline, results }
    }

    /// The parameters as people read them.
    fn parameters(&self) -> String {
        listed(&self.parameters)
    }
}

impl Run {
    pub(crate) fn new(which: Which, scenario: &Scenario, outcome: &Outcome) -> Self {
        let since = |at: ltms_core::Timestamp| at.since(crate::made::START).get() / 1000;
        Self {
            rules: which.name(),
            lacks: outcome.lacks,
            holds: outcome.lacks.is_none() && (scenario.holds)(outcome),
            honest: (outcome.honest.of > 0).then(|| outcome.honest.value()),
            honest_deliveries: outcome.honest.some,
            hostile: outcome.hostile.share_of_sent(),
            hostile_deliveries: outcome.hostile.some,
            hostile_allowed: outcome.allowed,
            honest_banned: outcome.honest_banned,
            displaced: outcome.displaced,
            spent_xpi: outcome.spent,
            xpi_per_displaced: outcome.price(),
            bytes_after_start: outcome.bytes[0],
            bytes_at_most: outcome.bytes[1],
            checks_per_delivery: outcome.checks,
            everywhere: outcome.everywhere(),
            figures: outcome.more.clone(),
            curve: outcome.curve.clone(),
            course: outcome
                .samples
                .iter()
                .map(|sample| (since(sample.at), sample.honest.value(), sample.bytes))
                .collect(),
            parameters: outcome.parameters.clone(),
        }
    }

    /// The lines that this run was asked for, and how many of them held.
    pub(crate) fn lines(&self) -> Lines {
        let everywhere = self.everywhere.into_iter().flatten();
        let all = || everywhere.clone().chain([self.holds]);
        if self.lacks.is_some() {
            return Lines::default();
        }
        Lines { of: all().count(), held: all().filter(|held| *held).count() }
    }

    /// Whether a line was missed, its own or one of every attack's.
    pub(crate) fn is_missed(&self) -> bool {
        !self.holds || self.everywhere.contains(&Some(false))
    }

    /// Whether all of its lines held; the baseline has none.
    fn held(&self) -> &'static str {
        match (self.is_baseline(), self.is_missed()) {
            (true, _) => "–",
            (false, true) => "no",
            (false, false) => "yes",
        }
    }

    /// Whether nobody attacked.
    fn is_baseline(&self) -> bool {
        self.rules == Which::Calm.name()
    }

    /// What was listed of the attacker's, beside what the windows allow.
    fn hostile(&self) -> String {
        match self.everywhere[0] {
            Some(_) => format!("{} of {}", self.hostile_deliveries, self.hostile_allowed),
            None => "not asked".into(),
        }
    }

    /// Honest nodes and signers that were banned.
    fn banned(&self) -> String {
        self.everywhere[2].map_or_else(|| "not asked".into(), |_| self.honest_banned.to_string())
    }

    /// Honest deliveries as people read them.
    fn honest(&self) -> String {
        self.honest.map_or_else(String::new, percent)
    }

    /// What it costs to displace an honest signer, as people read it.
    fn price(&self) -> String {
        match self.xpi_per_displaced {
            Some(0.0) => format!("{} displaced for nothing", self.displaced),
            Some(price) => format!("{} displaced, {} XPI each", self.displaced, price.round()),
            None if self.spent_xpi == 0 => "none".into(),
            None => format!("none for {} XPI", self.spent_xpi),
        }
    }

    /// Figures of the attack alone, as people read them.
    fn more(&self) -> String {
        listed(&self.figures)
    }
}

/// Figures and what they are of, as people read them.
fn listed(figures: &[(&str, f64)]) -> String {
    let figures: Vec<_> = figures
        .iter()
        .map(|(name, value)| format!("{name}: {}", (value * 100.0).round() / 100.0))
        .collect();
    figures.join(", ")
}

/// How many lines there are, and how many of them held.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lines {
    pub(crate) of: usize,
    pub(crate) held: usize,
}

/// Everything.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    pub(crate) scenarios: Vec<Row>,
}

impl Report {
    /// Writes `report.json`, `report.md` and `report.html` into the folder.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        std::fs::write(folder.join("report.json"), json + "\n")?;
        std::fs::write(folder.join("report.md"), markdown::page(self))?;
        std::fs::write(folder.join("report.html"), html::page(self))
    }
}

/// The page with the tables.
const PAGE: &str = "docs/siege.md";

/// The page before, between and after these marks.
fn parts(page: &str, marks: &str) -> std::io::Result<[String; 3]> {
    let [begin, end] = ["begin", "end"].map(|side| format!("<!-- {marks}: {side} -->"));
    let parts = page.split_once(&format!("{begin}\n")).and_then(|(before, rest)| {
        let (between, after) = rest.split_once(&end)?;
        Some([format!("{before}{begin}\n"), between.into(), format!("{end}{after}")])
    });
    parts.ok_or_else(|| std::io::Error::other(format!("{PAGE} has no marks for {marks}")))
}

/// Puts a table between its marks.
pub(crate) fn document(marks: &str, said: &str) -> std::io::Result<()> {
    let [before, _, after] = parts(&std::fs::read_to_string(PAGE)?, marks)?;
    std::fs::write(PAGE, [&before, said, &after].concat())
}

/// The table between its marks.
fn documented(marks: &str) -> std::io::Result<String> {
    parts(&std::fs::read_to_string(PAGE)?, marks).map(|[_, between, _]| between)
}

impl Report {
    /// What is kept of the short form.
    pub(crate) fn kept(&self) -> String {
        format!("Seed {}, {} runs.\n\n{}", self.seed, self.scale.name(), table(self))
    }

    /// Ours' lines over all attacks: each attack's own and those of all of them.
    pub(crate) fn lines(&self) -> Lines {
        self.scenarios.iter().map(|row| row.results[0].lines()).fold(
            Lines::default(),
            |sum, lines| Lines { of: sum.of + lines.of, held: sum.held + lines.held },
        )
    }

    /// The attacks of which ours missed a line.
    pub(crate) fn missed(&self) -> Vec<&'static str> {
        self.scenarios.iter().filter(|row| row.results[0].is_missed()).map(|row| row.name).collect()
    }
}

/// A share as people read it.
fn percent(share: f64) -> String {
    // 99.96 is not 100.
    let rounded = (share * 1000.0).floor() / 10.0;
    format!("{rounded} %")
}
