//! A seeded laboratory: four policies meet the same attacks, with a virtual clock.
//!
//!     cargo run --release -p ltms-siege -- [--quick | --full] [--seed N] [--only NAME] [--write]
//!
//! Writes `target/siege/report.{json,md,html}`, with `--write` also the table of `docs/siege.md`, and
//! ends with 1 if a line was missed by ours. `--quick --write` keeps the short form's table, with
//! which `--quick --check` compares.

mod lab;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../../../core/benches/common/made.rs"]
mod made;
mod report;
mod rules;
mod scenarios;

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use report::{Report, Row, Run};
use rules::Which;
use scenarios::{ALL, Scale, Scenario};

/// What the quick form came to when it was last looked at.
const KEPT: &str = "tests/siege/quick.md";

fn main() -> ExitCode {
    let (mut scale, mut seed, mut only) = (Scale::Usual, 1, String::new());
    let (mut write, mut check) = (false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
        match arg.as_str() {
            "--quick" => scale = Scale::Quick,
            "--full" => scale = Scale::Full,
            "--seed" => seed = value().parse().unwrap_or_else(|_| usage("--seed needs a number")),
            "--only" => only = value(),
            "--write" => write = true,
            "--check" => check = true,
            other => usage(&format!("{other} is unknown")),
        }
    }
    if (write || check) && !only.is_empty() {
        usage("--only makes a part of the report, which is not kept");
    }
    let chosen: Vec<_> = ALL.iter().filter(|scenario| scenario.name.contains(&only)).collect();
    if chosen.is_empty() {
        usage(&format!("no attack is called {only}"));
    }
    let scenarios = run(&chosen, scale, seed);
    let report = Report { scale, seed, scenarios };
    match keep(&report, write, check) {
        Ok(held) => held,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs each attack under each rule set, as many at a time as there are processors.
fn run(chosen: &[&'static Scenario], scale: Scale, seed: u64) -> Vec<Row> {
    let jobs: Vec<_> =
        chosen.iter().flat_map(|scenario| Which::ALL.map(|which| (*scenario, which))).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((scenario, which)) = jobs.get(next.fetch_add(1, Relaxed)) {
            let started = Instant::now();
            let outcome = (scenario.run)(*which, scale, seed);
            let run = Run::new(*which, scenario, &outcome);
            let seconds = started.elapsed().as_secs_f32();
            let held = if run.holds { "holds" } else { "misses" };
            eprintln!("{} · {} {held}, {seconds:.1} s", scenario.name, which.name());
            done.lock().expect("no thread panics here").push((scenario.name, *which, run));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().expect("all threads have ended");
    let mut take = |name, which| {
        let at = done.iter().position(|(n, w, _)| (*n, *w) == (name, which));
        done.swap_remove(at.expect("every job is done")).2
    };
    chosen
        .iter()
        .map(|scenario| Row::new(scenario, Which::ALL.map(|which| take(scenario.name, which))))
        .collect()
}

/// Writes the report, and what is kept of it, or compares that.
fn keep(report: &Report, write: bool, check: bool) -> std::io::Result<ExitCode> {
    let folder = Path::new("target/siege");
    report.write(folder)?;
    println!("{}", report::table(report));
    println!("charts: {}", folder.join("report.html").display());
    let quick = report.scale == Scale::Quick;
    match (write, quick) {
        (true, true) => std::fs::write(KEPT, report.kept())?,
        (true, false) => report.document(Path::new("docs/siege.md"))?,
        _ => {}
    }
    if check && report.kept() != std::fs::read_to_string(KEPT)? {
        println!("the table is not that of {KEPT}: look at what changed, then --quick --write");
        return Ok(ExitCode::FAILURE);
    }
    let missed = report.missed();
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("ours missed a line: {}", missed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn usage(what: &str) -> ! {
    eprintln!("{what}\nsiege [--quick | --full] [--seed N] [--only NAME] [--write] [--check]");
    std::process::exit(2)
}
