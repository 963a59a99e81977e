//! The table of the documentation.

use std::fmt::Write;

use super::{Report, Row, Run};
use crate::rules::Which;

/// The table alone.
pub(crate) fn table(report: &Report) -> String {
    let mut out = String::from("| attack | nobody attacks |");
    for which in Which::ALL {
        let _ = write!(out, " {} |", which.name());
    }
    out.push_str("\n|---|---|---|---|---|---|\n");
    for row in &report.scenarios {
        let _ = write!(out, "| {} | {} |", row.name, row.baseline.honest());
        for run in &row.results {
            let _ = write!(out, " {} |", cell(run));
        }
        out.push('\n');
    }
    out + &everywhere(report) + &prices(report)
}

fn cell(run: &Run) -> String {
    if let Some(lacks) = run.lacks {
        return format!("– no {lacks}");
    }
    let mut cell =
        format!("{} {}", if run.holds { "✓" } else { "✗" }, run.honest()).trim_end().to_string();
    if run.honest_banned > 0 {
        let _ = write!(cell, ", {} honest banned", run.honest_banned);
    }
    if run.displaced > 0 {
        let _ = write!(cell, ", {}", run.price());
    }
    if run.everywhere[0] == Some(false) {
        let _ = write!(cell, ", windows {}", times(run.hostile_deliveries, run.hostile_allowed));
    }
    if run.everywhere[1] == Some(false) {
        let _ = write!(cell, ", memory {}", times(run.bytes_at_most, run.bytes_after_start));
    }
    cell
}

/// How many times more it is than it was, or may be.
fn times(now: u64, before: u64) -> String {
    match before {
        0 => format!("{now} for 0"),
        _ => format!("×{:.1}", now as f64 / before as f64),
    }
}

/// In how many of the attacks each rule set held the three lines of all of them, of those in which
/// they mean something.
fn everywhere(report: &Report) -> String {
    let lines = ["within the windows", "memory constant", "nobody honest banned"];
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let _ = write!(out, "| *{line}* | |");
        for which in 0..Which::ALL.len() {
            let run = || report.scenarios.iter().map(|row| &row.results[which]);
            let asked = || run().filter_map(|run| run.everywhere[number]);
            let held = asked().filter(|held| *held).count();
            let _ = write!(out, " {held} of {} |", asked().count());
        }
        out.push('\n');
    }
    out
}

/// What each displaced signer cost, over all attacks that displaced any.
fn prices(report: &Report) -> String {
    let mut out = String::from("| *XPI for each displaced signer* | |");
    for which in 0..Which::ALL.len() {
        let runs = report.scenarios.iter().map(|row| &row.results[which]);
        let (displaced, spent) = runs
            .filter(|run| run.displaced > 0)
            .fold((0, 0), |sum, run| (sum.0 + run.displaced, sum.1 + run.spent_xpi));
        let _ = match displaced {
            0 => write!(out, " nobody displaced |"),
            _ => write!(out, " {} |", (spent as f64 / displaced as f64).round()),
        };
    }
    out + "\n"
}

/// The page: the table, and each attack with its figures.
pub(super) fn page(report: &Report) -> String {
    let mut out = format!("# Siege\n\nSeed {}.\n\n{}", report.seed, table(report));
    for row in &report.scenarios {
        let Row { name, about, line, gain, baseline, results, .. } = row;
        let _ = write!(
            out,
            "\n## {name}\n\n{about}.\n\nLine: {line}.\n\nParameters: {}.\n\n",
            row.parameters()
        );
        out.push_str(
            "| rules | held | honest | hostile listed, of allowed | displaced | checks a delivery \
             | more |\n|---|---|---|---|---|---|---|\n",
        );
        for run in results.iter().chain([baseline]) {
            if let Some(lacks) = run.lacks {
                let _ = writeln!(out, "| {} | no {lacks} | | | | | |", run.rules);
                continue;
            }
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {:.2} | {} |",
                run.rules,
                run.held(),
                run.honest(),
                run.hostile(),
                run.price(),
                run.checks_per_delivery,
                run.more(),
            );
        }
        if !gain.is_empty() {
            let _ = write!(out, "\n| rules | {gain}, for so many XPI in all |\n|---|---|\n");
        }
        for run in results.iter().filter(|run| !run.curve.is_empty()) {
            let points: Vec<_> = run
                .curve
                .iter()
                .map(|(xpi, gained)| format!("{} for {xpi}", (gained * 100.0).round() / 100.0))
                .collect();
            let _ = writeln!(out, "| {} | {} |", run.rules, points.join(", "));
        }
    }
    out
}
