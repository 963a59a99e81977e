//! A page with charts that needs no network.

use std::fmt::Write;

use super::{Report, Row, Run};

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
         <th>honest<th>hostile listed<th>allowed<th>honest cut off<th>displaced<th>memory, MiB\
         <th>checks a delivery<th>more</tr>\n",
        escaped(row.name),
        escaped(row.about),
        escaped(row.line),
    );
    for run in &row.results {
        let rules = escaped(run.rules);
        if let Some(lacks) = run.lacks {
            let _ = writeln!(out, "<tr><td>{rules}<td colspan=\"9\">no {}</tr>", escaped(lacks));
            continue;
        }
        let _ = writeln!(
            out,
            "<tr><td>{rules}<td{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{:.2} → {:.2}<td>{:.2}<td>{}</tr>",
            if run.is_missed() { " class=\"no\">no" } else { ">yes" },
            run.honest(),
            run.hostile_deliveries,
            run.hostile_allowed,
            run.honest_banned,
            escaped(&run.price()),
            mib(run.bytes_after_start),
            mib(run.bytes_at_most),
            run.checks_per_delivery,
            escaped(&run.more()),
        );
    }
    out.push_str("</table>\n");
    let course = |value: fn(&(u64, f64, u64)) -> f64| {
        move |run: &Run| -> Vec<(f64, f64)> {
            run.course.iter().map(|point| (point.0 as f64, value(point))).collect()
        }
    };
    let honest = course(|(_, honest, _)| 100.0 * honest);
    chart(out, "honest deliveries, %", "s", &row.results, honest);
    chart(out, "memory of all nodes, MiB", "s", &row.results, course(|(.., bytes)| mib(*bytes)));
    chart(out, row.gain, "XPI", &row.results, |run| run.curve.clone());
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A line for each rule set that has points; nothing if none has.
fn chart(
    out: &mut String,
    title: &str,
    unit: &str,
    runs: &[Run],
    points: impl Fn(&Run) -> Vec<(f64, f64)>,
) {
    let lines: Vec<_> = runs.iter().map(points).collect();
    let all = || lines.iter().flatten();
    if all().next().is_none() {
        return;
    }
    let last = all().map(|point| point.0).fold(1e-9, f64::max);
    let most = all().map(|point| point.1).fold(1e-9, f64::max);
    let _ = write!(
        out,
        "<figure><svg viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" aria-label=\"{title}\">\
         <text x=\"0\" y=\"12\">{title}, at most {most:.2}; to {last} {unit}</text>",
        WIDTH,
        HEIGHT + 36.0,
        WIDTH,
    );
    for (number, (run, points)) in runs.iter().zip(&lines).enumerate() {
        if points.is_empty() {
            continue;
        }
        let place = |(x, y): &(f64, f64)| {
            let (x, y) = (x / last * WIDTH, 18.0 + HEIGHT - y / most * HEIGHT);
            format!("{x:.1},{y:.1}")
        };
        let line: Vec<_> = points.iter().map(place).collect();
        let (colour, dash) = (COLOURS[number % 4], ["none", "6 3", "2 3", "8 3 2 3"][number % 4]);
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
