//! A page with charts that needs no network.

use std::fmt::Write;

use super::{Report, Row, Run};

/// The room for lines in a chart of 420 by 210.
const LEFT: f64 = 52.0;
const TOP: f64 = 8.0;
const WIDTH: f64 = 352.0;
const HEIGHT: f64 = 160.0;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #8884; --no: #b3202a;
  --c0: #0b6e4f; --c1: #b3202a; --c2: #3a5ba0; --c3: #9a6b00; --c4: #777 }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #161616; --no: #ff7b7b;
  --c0: #4fd1a1; --c1: #ff7b7b; --c2: #8fb0ff; --c3: #e0b040; --c4: #999 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin: 3rem 0 .5rem } p { margin: .3rem 0; max-width: 46rem } a { color: inherit }
nav { columns: 16rem; margin: 1rem 0 } nav a { display: block }
.scroll { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .875rem }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--faint) }
td:not(:last-child) { white-space: nowrap } th { vertical-align: bottom } td:last-child { min-width: 14rem }
.no { color: var(--no); font-weight: 600 }
.charts { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)) }
figure { margin: 0; max-width: 30rem } figcaption { font-weight: 600 }
figure > svg { width: 100%; height: auto } text { fill: var(--ink); font-size: 11px }
figure ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; padding: 0;
  font-size: .8rem }
.grid { stroke: var(--faint) } polyline, li path { fill: none; stroke-width: 2 }
.c0 { stroke: var(--c0) } .c1 { stroke: var(--c1); stroke-dasharray: 6 3 }
.c2 { stroke: var(--c2); stroke-dasharray: 2 3 } .c3 { stroke: var(--c3); stroke-dasharray: 8 3 2 3 }
.c4 { stroke: var(--c4); stroke-dasharray: 1 5 }";

/// What may stand in HTML as it is.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn page(report: &Report) -> String {
    let lines = report.lines();
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n<title>Siege</title>\n<style>{STYLE}</style>\n\
         <h1>Siege</h1>\n<p>Seed {}, {} runs. Four rule sets, the same attacks, a virtual \
         clock. Ours held {} of {} lines.</p>\n<nav>",
        report.seed,
        report.scale.name(),
        lines.held,
        lines.of,
    );
    for (number, row) in report.scenarios.iter().enumerate() {
        let mark = if row.results[0].is_missed() { "✗" } else { "✓" };
        let _ = write!(out, "<a href=\"#a{number}\">{mark} {}</a>", escaped(row.name));
    }
    out.push_str("</nav>\n");
    for (number, row) in report.scenarios.iter().enumerate() {
        section(&mut out, number, row);
    }
    out + "</html>\n"
}

fn section(out: &mut String, number: usize, row: &Row) {
    let _ = write!(
        out,
        "<h2 id=\"a{number}\">{}</h2>\n<p>{}.</p>\n<p><b>Line:</b> {}.</p>\n<p><b>Parameters:</b> \
         {}.</p>\n<div class=\"scroll\"><table><tr><th>rules<th>held<th>honest\
         <th>hostile, of allowed<th>honest banned<th>displaced<th>memory, MiB\
         <th>checks a delivery<th>more</tr>\n",
        escaped(row.name),
        escaped(row.about),
        escaped(row.line),
        escaped(&row.parameters()),
    );
    let runs: Vec<_> = row.results.iter().chain([&row.baseline]).collect();
    for run in &runs {
        let rules = escaped(run.rules);
        if let Some(lacks) = run.lacks {
            let _ = writeln!(out, "<tr><td>{rules}<td colspan=\"8\">no {}</tr>", escaped(lacks));
            continue;
        }
        let _ = writeln!(
            out,
            "<tr><td>{rules}<td{}>{}<td>{}<td>{}<td>{}<td>{}<td>{:.2} → {:.2}<td>{:.2}<td>{}</tr>",
            if run.held() == "no" { " class=\"no\"" } else { "" },
            run.held(),
            run.honest(),
            run.hostile(),
            run.honest_banned,
            escaped(&run.price()),
            mib(run.bytes_after_start),
            mib(run.bytes_at_most),
            run.checks_per_delivery,
            escaped(&run.more()),
        );
    }
    out.push_str("</table></div>\n<div class=\"charts\">\n");
    let course = |value: fn(&(u64, f64, u64)) -> f64| {
        move |run: &Run| -> Vec<(f64, f64)> {
            run.course.iter().map(|point| (point.0 as f64, value(point))).collect()
        }
    };
    // What was sent before a sample and arrives after it makes more than all of one.
    let honest = course(|(_, honest, _)| 100.0 * honest.min(1.0));
    chart(out, ("honest deliveries in time, %", "seconds since the start"), &runs, honest);
    let memory = course(|(.., bytes)| mib(*bytes));
    chart(out, ("memory of all nodes, MiB", "seconds since the start"), &runs, memory);
    chart(out, (row.gain, "XPI that the attacker burns"), &runs, |run| run.curve.clone());
    out.push_str("</div>\n");
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A line for each run that has points; nothing if none has.
fn chart(
    out: &mut String,
    (title, unit): (&str, &str),
    runs: &[&Run],
    points: impl Fn(&Run) -> Vec<(f64, f64)>,
) {
    let lines: Vec<_> = runs.iter().map(|run| points(run)).collect();
    let all = || lines.iter().flatten();
    if all().next().is_none() {
        return;
    }
    let last = end_of(all().map(|point| point.0).fold(0.0, f64::max));
    let most = end_of(all().map(|point| point.1).fold(0.0, f64::max));
    let _ = write!(
        out,
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 420 210\" role=\"img\" \
         aria-label=\"{}\">",
        escaped(title),
        escaped(title),
    );
    let place = |x: f64, y: f64| (LEFT + x / last * WIDTH, TOP + HEIGHT - y / most * HEIGHT);
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let (x, y) = place(share * last, share * most);
        let (bottom, right) = (TOP + HEIGHT, LEFT + WIDTH);
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            rounded(share * most),
            bottom + 16.0,
            rounded(share * last),
        );
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"206\" text-anchor=\"middle\">{unit}</text>",
        LEFT + WIDTH / 2.0,
    );
    // Ours is drawn last, over what it covers.
    for (number, points) in lines.iter().enumerate().rev().filter(|(_, points)| !points.is_empty())
    {
        let line: Vec<_> = points
            .iter()
            .map(|(x, y)| place(*x, *y))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = write!(out, "<polyline class=\"c{number}\" points=\"{}\"/>", line.join(" "));
    }
    out.push_str("</svg><ul>");
    for (number, (run, points)) in runs.iter().zip(&lines).enumerate() {
        if !points.is_empty() {
            let _ = write!(
                out,
                "<li><svg viewBox=\"0 0 26 8\" width=\"26\"><path class=\"c{number}\" \
                 d=\"M0 4H26\"/></svg> {}",
                escaped(run.rules),
            );
        }
    }
    out.push_str("</ul></figure>\n");
}

/// The end of an axis that has room for this, of which quarters are short numbers.
fn end_of(most: f64) -> f64 {
    let mut power = 1e-3;
    loop {
        let ends = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0].map(|step| step * power);
        if let Some(end) = ends.into_iter().find(|end| *end >= most) {
            return end;
        }
        power *= 10.0;
    }
}

/// As much of a figure as an axis has room for.
fn rounded(value: f64) -> String {
    let thousandths = (value * 1000.0).round() / 1000.0;
    format!("{thousandths}")
}
