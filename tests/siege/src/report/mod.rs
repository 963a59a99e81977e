//! What the runs came to: for programs, for the documentation and for a browser.
//!
//! Nothing of the machine is in it, so that the same seed writes the same bytes.

mod html;
mod markdown;

use std::path::Path;

use serde::Serialize;

use crate::rules::Which;
use crate::scenarios::{Outcome, Scale, Scenario};

pub(crate) use markdown::table;

/// One scenario under the four rule sets, in their order.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) line: &'static str,
    pub(crate) results: Vec<Run>,
}

/// One of them.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) rules: &'static str,
    /// Whether the pass line held.
    pub(crate) holds: bool,
    pub(crate) honest: f64,
    pub(crate) hostile: f64,
    pub(crate) honest_banned: u64,
    pub(crate) bytes_after_start: u64,
    pub(crate) bytes_at_most: u64,
    pub(crate) checks_per_delivery: f64,
    pub(crate) figures: Vec<(&'static str, f64)>,
    /// Seconds, the share of honest deliveries since the last point, bytes.
    pub(crate) course: Vec<(u64, f64, u64)>,
}

impl Row {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let Scenario { name, about, line, .. } = *scenario;
        Self { name, about, line, results: Vec::new() }
    }

    /// Adds what came of a rule set, and returns whether the line held.
    pub(crate) fn add(&mut self, which: Which, scenario: &Scenario, outcome: &Outcome) -> bool {
        let holds = (scenario.holds)(outcome);
        let since = |at: ltms_core::Timestamp| at.since(crate::made::START).get() / 1000;
        self.results.push(Run {
            rules: which.name(),
            holds,
            honest: outcome.honest.value(),
            hostile: outcome.hostile.share_of_sent(),
            honest_banned: outcome.honest_banned,
            bytes_after_start: outcome.bytes[0],
            bytes_at_most: outcome.bytes[1],
            checks_per_delivery: outcome.checks,
            figures: outcome.more.clone(),
            course: outcome
                .samples
                .iter()
                .map(|sample| (since(sample.at), sample.honest.value(), sample.bytes))
                .collect(),
        });
        holds
    }
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

impl Report {
    /// Puts the table between the page's marks.
    pub(crate) fn document(&self, page: &Path) -> std::io::Result<()> {
        const MARKS: [&str; 2] = ["<!-- siege: begin -->\n", "<!-- siege: end -->"];
        let text = std::fs::read_to_string(page)?;
        let parts = text
            .split_once(MARKS[0])
            .and_then(|(before, rest)| rest.split_once(MARKS[1]).map(|(_, after)| (before, after)));
        let (before, after) = parts.ok_or_else(|| std::io::Error::other("it has no marks"))?;
        let (scale, table) = (self.scale.name(), table(self));
        let said = format!("Seed {}, {scale} runs.\n\n{table}", self.seed);
        std::fs::write(page, [before, MARKS[0], &said, MARKS[1], after].concat())
    }
}

/// A share as people read it.
fn percent(share: f64) -> String {
    // 99.96 is not 100.
    let rounded = (share * 1000.0).floor() / 10.0;
    format!("{rounded} %")
}
