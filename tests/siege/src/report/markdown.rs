//! The table of the documentation.

use std::fmt::Write;

use super::{Report, Row, Run};
use crate::rules::Which;

/// The table alone.
pub(crate) fn table(report: &Report) -> String {
    let mut out = String::from("| attack |");
    for which in Which::ALL {
        let _ = write!(out, " {} |", which.name());
    }
    out.push_str("\n|---|---|---|---|---|\n");
    for row in &report.scenarios {
        let _ = write!(out, "| {} |", row.name);
        for run in &row.results {
            let _ = write!(out, " {} |", cell(run));
        }
        out.push('\n');
    }
    out + &everywhere(report)
}

fn cell(run: &Run) -> String {
    if let Some(lacks) = run.lacks {
        return format!("– no {lacks}");
    }
    let mut cell =
        format!("{} {}", if run.holds { "✓" } else { "✗" }, run.honest()).trim_end().to_string();
    if run.honest_banned > 0 {
        let _ = write!(cell, ", {} honest cut off", run.honest_banned);
    }
    if run.displaced > 0 {
        let _ = write!(cell, ", {} displaced", run.displaced);
    }
    if !run.everywhere[0] {
        let factor = run.hostile_deliveries as f64 / run.hostile_allowed.max(1) as f64;
        let _ = write!(cell, ", windows ×{factor:.1}");
    }
    if !run.everywhere[1] {
        let factor = run.bytes_at_most as f64 / run.bytes_after_start.max(1) as f64;
        let _ = write!(cell, ", memory ×{factor:.1}");
    }
    cell
}

/// In how many of the attacks each rule set held the three lines of all of them.
fn everywhere(report: &Report) -> String {
    let lines = ["within the windows", "memory constant", "nobody honest banned"];
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let _ = write!(out, "| *{line}* |");
        for which in 0..Which::ALL.len() {
            let run = || report.scenarios.iter().map(|row| &row.results[which]);
            let all = run().filter(|run| run.lacks.is_none()).count();
            let held = run().filter(|run| run.lacks.is_none() && run.everywhere[number]).count();
            let _ = write!(out, " {held} of {all} |");
        }
        out.push('\n');
    }
    out
}

/// The page: the table, and each attack with its figures.
pub(super) fn page(report: &Report) -> String {
    let mut out = format!("# Siege\n\nSeed {}.\n\n{}", report.seed, table(report));
    for row in &report.scenarios {
        let Row { name, about, line, gain, results } = row;
        let _ = write!(out, "\n## {name}\n\n{about}.\n\nLine: {line}.\n\n");
        out.push_str(
            "| rules | held | honest | hostile listed, of allowed | displaced | checks a delivery \
             | more |\n|---|---|---|---|---|---|---|\n",
        );
        for run in results {
            if let Some(lacks) = run.lacks {
                let _ = writeln!(out, "| {} | no {lacks} | | | | | |", run.rules);
                continue;
            }
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} of {} | {} | {:.2} | {} |",
                run.rules,
                if run.is_missed() { "no" } else { "yes" },
                run.honest(),
                run.hostile_deliveries,
                run.hostile_allowed,
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
