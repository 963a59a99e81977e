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

use report::{Ablation, Report, Row, Run};
use rules::without::RULES;
use rules::{Rule, Which};
use scenarios::{ALL, Outcome, Scale, Scenario};

/// What the quick form came to when it was last looked at.
const KEPT: &str = "tests/siege/quick.md";

const HELP: &str = "\
Runs every attack under four policies, and ours once more while nobody attacks.

usage: siege [--quick | --full | --without] [--seed N] [--only NAME] [--write | --check]

  --quick      seconds: what `make test` runs
  --full       many more nodes, for longer
  --without    the short form under ours less one rule at a time: which attacks notice
  --seed N     other draws (1)
  --only NAME  the attacks, or with --without the rules, with this in their names
  --write      keeps the table: in docs/siege.md, with --quick in tests/siege/quick.md
  --check      with --quick or --without: compares the table with the one that is kept; of the
               latter only what misses a line in it is run

Writes target/siege/report.json, report.md and report.html. Ends with 1 if ours misses a line,
or if no attack notices that a rule is not there.";

fn main() -> ExitCode {
    let (mut scale, mut seed, mut only) = (Scale::Usual, 1, String::new());
    let (mut write, mut check, mut ablate) = (false, false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
        match arg.as_str() {
            "--quick" => scale = Scale::Quick,
            "--full" => scale = Scale::Full,
            "--without" => ablate = true,
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
    if write && check {
        usage("--write would make the table that --check compares with");
    }
    if check && !ablate && scale != Scale::Quick {
        usage("--check needs --quick or --without: nothing else is compared");
    }
    if (write || check) && !only.is_empty() {
        usage("--only makes a part of the report, which is not kept");
    }
    if ablate {
        return ended(without(&only, seed, check).and_then(|ablation| ablation.keep(write, check)));
    }
    let chosen: Vec<_> = ALL.iter().filter(|scenario| scenario.name.contains(&only)).collect();
    if chosen.is_empty() {
        usage(&format!("no attack is called {only}"));
    }
    let scenarios = run(&chosen, scale, seed);
    let report = Report { scale, seed, scenarios };
    ended(keep(&report, write, check))
}

/// How the program ends: well if all held.
fn ended(held: std::io::Result<bool>) -> ExitCode {
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs each attack under each rule set, and ours once more while nobody attacks.
fn run(chosen: &[&'static Scenario], scale: Scale, seed: u64) -> Vec<Row> {
    let under = Which::ALL.into_iter().chain([Which::Calm]);
    let jobs: Vec<_> =
        chosen.iter().flat_map(|scenario| under.clone().map(|which| (*scenario, which))).collect();
    let outcomes = perform(&jobs, scale, seed);
    let runs = jobs.iter().zip(&outcomes);
    let mut runs = runs.map(|((scenario, which), outcome)| Run::new(*which, scenario, outcome));
    let mut row = |scenario: &Scenario| {
        let mut next = || runs.next().expect("every job is done");
        let results = Which::ALL.map(|_| next());
        Row::new(scenario, next(), results)
    };
    chosen.iter().map(|scenario| row(scenario)).collect()
}

/// Runs ours less one rule at a time, and says which attacks notice. To check the table, only those
/// are run that it names: the others add nothing to it.
fn without(only: &str, seed: u64, check: bool) -> std::io::Result<Ablation> {
    let kept = if check { Some(Ablation::kept()?) } else { None };
    let rules: Vec<_> = RULES.iter().filter(|rule| rule.name.contains(only)).collect();
    let is_asked = |rule: &Rule, attack: &Scenario| {
        kept.as_ref().is_none_or(|kept| Ablation::names(kept, rule, attack))
    };
    let under = |scenario: &'static Scenario| {
        let less = rules.iter().filter(move |rule| is_asked(rule, scenario));
        let less: Vec<_> = less.map(|rule| (scenario, Which::Without(rule))).collect();
        let intact = (!less.is_empty()).then_some((scenario, Which::Ours));
        intact.into_iter().chain(less)
    };
    let jobs: Vec<_> = ALL.iter().flat_map(under).collect();
    let outcomes = perform(&jobs, Scale::Quick, seed);
    let runs: Vec<_> = jobs.into_iter().zip(outcomes).collect();
    Ok(Ablation::new(seed, &rules, &runs))
}

/// Runs attacks, as many at a time as there are processors. What came of them is in their order.
fn perform(jobs: &[(&'static Scenario, Which)], scale: Scale, seed: u64) -> Vec<Outcome> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let job = next.fetch_add(1, Relaxed);
            let Some((scenario, which)) = jobs.get(job) else { break };
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
            done.push((job, outcome));
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
    done.sort_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Writes the report, and what is kept of it, or compares that. Whether all held.
fn keep(report: &Report, write: bool, check: bool) -> std::io::Result<bool> {
    let folder = Path::new("target/siege");
    report.write(folder)?;
    println!("{}", report::table(report));
    println!("charts: {}", folder.join("report.html").display());
    let quick = report.scale == Scale::Quick;
    match (write, quick) {
        (true, true) => std::fs::write(KEPT, report.kept())?,
        (true, false) => report::document("siege", &report.kept())?,
        _ => {}
    }
    if check && report.kept() != std::fs::read_to_string(KEPT)? {
        println!("the table is not that of {KEPT}: look at what changed, then --quick --write");
        return Ok(false);
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
        return Ok(true);
    }
    println!("ours missed a line: {}", missed.join(", "));
    Ok(false)
}

fn usage(what: &str) -> ! {
    eprintln!("{what}\n\n{HELP}");
    std::process::exit(2)
}
