//! The figures as a table of the documentation, and as a file.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use super::{outcome::Outcome, victim::Rules};

/// One attack with both rule sets.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) runs: Vec<Run>,
}

/// One of them.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) rules: Rules,
    /// The lines that were missed.
    pub(crate) missed: Vec<String>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// Everything. It is measured, so that no two are alike.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) quick: bool,
    pub(crate) cores: usize,
    pub(crate) attacks: Vec<Row>,
}

impl Report {
    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(file.parent().unwrap_or_else(|| Path::new(".")))?;
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        std::fs::write(file, json + "\n")
    }

    /// The table, with what it had before for attacks that were not run.
    pub(crate) fn table(&self, old: &str) -> String {
        let Self { cores, attacks, .. } = self;
        let mut table = format!("Measured on {cores} cores.\n\n");
        table.push_str(
            "| attack | ltms | rust-libp2p's defaults | what came, and what ltms said |\n",
        );
        table.push_str("|---|---|---|---|\n");
        for attack in super::attacks::ALL {
            let begin = format!("| {} |", attack.name);
            let row = attacks.iter().find(|row| row.name == attack.name);
            let before = || old.lines().find(|line| line.starts_with(&begin)).map(str::to_owned);
            if let Some(line) = row.map(Row::shown).or_else(before) {
                writeln!(table, "{line}").expect("room");
            }
        }
        table
    }
}

impl Row {
    pub(crate) fn shown(&self) -> String {
        let of = |rules| self.runs.iter().find(|run| run.rules == rules);
        let cell = |rules| of(rules).map_or_else(|| "–".to_owned(), Run::cell);
        let came = of(Rules::Ours).map_or_else(String::new, |run| run.outcome.came());
        format!("| {} | {} | {} | {came} |", self.name, cell(Rules::Ours), cell(Rules::Plain))
    }
}

impl Run {
    fn cell(&self) -> String {
        let Outcome { p99, memory: [before, most], hostile, .. } = &self.outcome;
        let mark = if self.missed.is_empty() { "✓" } else { "✗" };
        // 99.96 is not 100.
        let honest = (self.outcome.honest() * 10.0).floor() / 10.0;
        let mut cell = format!("{mark} {honest} % in {p99:.0} ms");
        if self.outcome.share[1] > 0.0 {
            let share = self.outcome.attack();
            write!(cell, ", {share:.0} % of a core, {before:.0} → {most:.0} MiB").expect("room");
        }
        if *hostile > 0 {
            write!(cell, ", {hostile} hostile keys").expect("room");
        }
        cell
    }
}

impl Outcome {
    fn came(&self) -> String {
        let mut came = Vec::new();
        if self.messages > 0 {
            let Self { messages, connections, seconds, .. } = self;
            came.push(format!("{messages} in {connections} connections, {seconds} s"));
        }
        // An honest signer's, and what connections are told, are no answer to the attack.
        let named = |reason: &str| !["new", "clear", "throttle", "known"].contains(&reason);
        let refused = self.decisions.iter().filter(|(reason, _)| named(reason));
        came.extend(refused.map(|(reason, count)| format!("`{reason}` {count}")));
        if self.banned > 0 {
            came.push(format!("{} banned", self.banned));
        }
        came.extend(self.figures.iter().map(|(name, value)| match name.contains("_total") {
            true => format!("`{name}` {value:.0}"),
            false => format!("{name}: {value:.1}"),
        }));
        came.join(", ")
    }
}
