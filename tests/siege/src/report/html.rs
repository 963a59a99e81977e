//! A page with charts that needs no network.

use std::fmt::Write;

use super::{Report, Row, Run, percent};

const COLOURS: [&str; 4] = ["#0b6e4f", "#c1292e", "#3a5ba0", "#b8860b"];
/// Where each rule set's name begins, with room for it.
const LEGEND: [u16; 4] = [0, 50, 130, 290];
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 140.0;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #8884 }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #161616 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--faint) }
svg { max-width: 100%; height: auto } svg text { fill: var(--ink); font-size: 11px }
figure { display: inline-block; margin: .5rem 1rem .5rem 0 } .no { color: #c1292e }";

/// What may stand in HTML as it is.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn page(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n<title>Siege</title>\n<style>{STYLE}</style>\n\
         <h1>Siege</h1>\n<p>Seed {}. Four rule sets, the same attacks, a virtual clock.</p>\n",
        report.seed
    );
    for row in &report.scenarios {
        section(&mut out, row);
    }
    out + "</html>\n"
}

fn section(out: &mut String, row: &Row) {
    let _ = write!(
        out,
        "<h2>{}</h2>\n<p>{}.</p>\n<p><b>Line:</b> {}.</p>\n<table><tr><th>rules<th>held\
         <th>honest<th>hostile listed<th>honest cut off<th>memory, MiB<th>checks a delivery\
         <th>more</tr>\n",
        escaped(row.name),
        escaped(row.about),
        escaped(row.line),
    );
    for run in &row.results {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let more: Vec<_> =
            run.figures.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let _ = writeln!(
            out,
            "<tr><td>{}<td{}<td>{}<td>{}<td>{}<td>{:.2} → {:.2}<td>{:.2}<td>{}</tr>",
            escaped(run.rules),
            if run.holds { ">yes" } else { " class=\"no\">no" },
            percent(run.honest),
            percent(run.hostile),
            run.honest_banned,
            mib(run.bytes_after_start),
            mib(run.bytes_at_most),
            run.checks_per_delivery,
            escaped(&more.join(", ")),
        );
    }
    out.push_str("</table>\n");
    chart(out, "honest deliveries, %", &row.results, |(_, honest, _)| 100.0 * honest);
    chart(out, "memory of all nodes, MiB", &row.results, |(.., bytes)| {
        bytes as f64 / f64::from(1 << 20)
    });
}

/// A line for each rule set over time.
fn chart(out: &mut String, title: &str, runs: &[Run], value: fn((u64, f64, u64)) -> f64) {
    let points = || runs.iter().flat_map(|run| &run.course);
    let last = points().map(|point| point.0).max().unwrap_or(1).max(1) as f64;
    let most = points().map(|point| value(*point)).fold(1e-9, f64::max);
    let _ = write!(
        out,
        "<figure><svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" aria-label=\"{title}\">\
         <text x=\"0\" y=\"12\">{title}, at most {most:.2}; {last} s</text>",
        WIDTH,
        HEIGHT + 36.0,
        WIDTH,
    );
    for ((number, run), colour) in runs.iter().enumerate().zip(COLOURS) {
        let place = |point: &(u64, f64, u64)| {
            let x = point.0 as f64 / last * WIDTH;
            let y = 18.0 + HEIGHT - value(*point) / most * HEIGHT;
            format!("{x:.1},{y:.1}")
        };
        let line: Vec<_> = run.course.iter().map(place).collect();
        let dash = ["none", "6 3", "2 3", "8 3 2 3"][number % 4];
        let _ = write!(
            out,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" \
             stroke-dasharray=\"{dash}\" points=\"{}\"/><text x=\"{}\" y=\"{}\" \
             style=\"fill:{colour}\">{}</text>",
            line.join(" "),
            LEGEND[number % 4],
            HEIGHT + 34.0,
            escaped(run.rules),
        );
    }
    out.push_str("</svg></figure>\n");
}
