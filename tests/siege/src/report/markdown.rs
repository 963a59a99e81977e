//! The table of the documentation.

use std::fmt::Write;

use super::{Report, Row, Run, percent};
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
    out
}

fn cell(run: &Run) -> String {
    let mut cell = format!("{} {}", if run.holds { "✓" } else { "✗" }, percent(run.honest));
    if run.honest_banned > 0 {
        let _ = write!(cell, ", {} honest cut off", run.honest_banned);
    }
    if run.bytes_at_most > run.bytes_after_start {
        let factor = run.bytes_at_most as f64 / run.bytes_after_start.max(1) as f64;
        let _ = write!(cell, ", memory ×{factor:.1}");
    }
    cell
}

/// The page: the table, and each attack with its figures.
pub(super) fn page(report: &Report) -> String {
    let mut out = format!("# Siege\n\nSeed {}.\n\n{}", report.seed, table(report));
    for row in &report.scenarios {
        let Row { name, about, line, results } = row;
        let _ = write!(out, "\n## {name}\n\n{about}.\n\nLine: {line}.\n\n");
        out.push_str("| rules | held | honest | hostile listed | checks a delivery | more |\n");
        out.push_str("|---|---|---|---|---|---|\n");
        for run in results {
            let more: Vec<_> =
                run.figures.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {:.2} | {} |",
                run.rules,
                if run.holds { "yes" } else { "no" },
                percent(run.honest),
                percent(run.hostile),
                run.checks_per_delivery,
                more.join(", "),
            );
        }
    }
    out
}
