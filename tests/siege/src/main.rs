//! A seeded laboratory: four policies meet the same attacks, with a virtual clock.
//!
//!     cargo run --release -p ltms-siege -- [--quick | --full] [--seed N] [--only NAME] [--write]
//!
//! Writes `target/siege/report.{json,md,html}`, with `--write` also the table of `docs/siege.md`, and
//! ends with 1 if a line was missed by ours.

mod lab;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../../../core/benches/common/made.rs"]
mod made;
mod report;
mod rules;
mod scenarios;

use std::path::Path;
use std::process::ExitCode;

use report::{Report, Row};
use rules::Which;
use scenarios::{ALL, Scale};

fn main() -> ExitCode {
    let (mut scale, mut seed, mut only, mut write) = (Scale::Usual, 1, String::new(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
        match arg.as_str() {
            "--quick" => scale = Scale::Quick,
            "--full" => scale = Scale::Full,
            "--seed" => seed = value().parse().unwrap_or_else(|_| usage("--seed needs a number")),
            "--only" => only = value(),
            "--write" => write = true,
            other => usage(&format!("{other} is unknown")),
        }
    }
    let mut report = Report { scale, seed, scenarios: Vec::new() };
    let mut missed = Vec::new();
    for scenario in ALL.iter().filter(|scenario| scenario.name.contains(&only)) {
        let mut row = Row::new(scenario);
        eprint!("{}", scenario.name);
        for which in Which::ALL {
            let outcome = (scenario.run)(which, scale, seed);
            let holds = row.add(which, scenario, &outcome);
            eprint!(" · {} {}", which.name(), if holds { "holds" } else { "misses" });
            if which == Which::Ours && !holds {
                missed.push(scenario.name);
            }
        }
        eprintln!();
        report.scenarios.push(row);
    }
    if report.scenarios.is_empty() {
        usage(&format!("no attack is called {only}"));
    }
    let folder = Path::new("target/siege");
    if let Err(error) = report.write(folder) {
        eprintln!("the report could not be written to {}: {error}", folder.display());
        return ExitCode::FAILURE;
    }
    println!("{}", report::table(&report));
    if write && let Err(error) = report.document(Path::new("docs/siege.md")) {
        eprintln!("docs/siege.md could not be written: {error}");
        return ExitCode::FAILURE;
    }
    println!("charts: {}", folder.join("report.html").display());
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("ours missed its line: {}", missed.join(", "));
    ExitCode::FAILURE
}

fn usage(what: &str) -> ! {
    eprintln!("{what}\nsiege [--quick | --full] [--seed N] [--only NAME] [--write]");
    std::process::exit(2)
}
