//! A seeded laboratory: four policies meet the same attacks, with a virtual clock.
//!
//!     cargo run --release -p ltms-siege -- --help
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

const HELP: &str = "\
Runs every attack under four policies, and ours once more while nobody attacks.

usage: siege [--quick | --full] [--seed N] [--only NAME] [--write | --check]

  --quick      seconds: what `make test` runs
  --full       many more nodes, for longer
  --seed N     other draws (1)
  --only NAME  the attacks with this in their names
  --write      keeps the table: in docs/siege.md, with --quick in tests/siege/quick.md
  --check      with --quick: compares the table with the one that is kept

Writes target/siege/report.json, report.md and report.html. Ends with 1 if ours misses a line.";

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
            "-h" | "--help" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
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
        chosen.iter().flat_map(|scenario| runs().map(|which| (*scenario, which))).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((scenario, which)) = jobs.get(next.fetch_add(1, Relaxed)) {
            let started = Instant::now();
            let outcome = (scenario.run)(*which, scale, seed);
            let run = Run::new(*which, scenario, &outcome);
            let seconds = started.elapsed().as_secs_f32();
            let held = match (which, run.lacks, run.is_missed()) {
                (Which::Calm, ..) => "for comparison".into(),
                (_, Some(lacks), _) => format!("has no {lacks}"),
                (.., true) => "misses".into(),
                (.., false) => "holds".into(),
            };
            let mut done = done.lock().expect("no thread panics here");
            done.push((scenario.name, *which, run));
            let (number, all) = (done.len(), jobs.len());
            let (attack, rules) = (scenario.name, which.name());
            eprintln!("{number:>3} of {all}  {seconds:>5.1} s  {attack} · {rules}: {held}");
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
        .map(|scenario| {
            let baseline = take(scenario.name, Which::Calm);
            Row::new(scenario, baseline, Which::ALL.map(|which| take(scenario.name, which)))
        })
        .collect()
}

/// Under which rules an attack is run: the four, and the baseline.
fn runs() -> impl Iterator<Item = Which> {
    Which::ALL.into_iter().chain([Which::Calm])
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
    let lines = report.lines();
    println!(
        "ours held {} of {} lines in {} attacks",
        lines.held,
        lines.of,
        report.scenarios.len()
    );
    let missed = report.missed();
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("ours missed a line: {}", missed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn usage(what: &str) -> ! {
    eprintln!("{what}\n\n{HELP}");
    std::process::exit(2)
}
