//! Attacks over real sockets on 127.0.0.1. The attacked node has a process of its own, whose
//! processor time and memory are read from outside; honest signers and attackers are in this one.
//!
//!     cargo run --release -p ltms-siege --bin sockets -- [--quick | --without] [--seconds N] [--only NAME] [--write]
//!
//! Writes `target/siege/sockets.json`, with `--write` also the table of `docs/siege.md`, and ends
//! with 1 if a line was missed by ours. Times and memory are measured: no two reports are alike.
//! With `--quick` nobody looks at them.

mod attacks;
mod bans;
#[path = "../../../../net/tests/common/mod.rs"]
mod common;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../../../../core/benches/common/report.rs"]
mod document;
mod floods;
mod honest;
mod outcome;
mod plain;
mod process;
mod report;
mod slow;
mod victim;

use std::path::Path;
use std::process::ExitCode;

use attacks::{ALL, Attack, Scale};
use report::{Report, Row, Run};
use victim::Rules;

const HELP: &str = "\
Attacks a node over libp2p on 127.0.0.1, beside one of rust-libp2p's defaults.

usage: sockets [--quick | --without] [--seconds N] [--only NAME] [--write]

  --quick      a second of each, without a look at times and memory: what `make test` runs
  --without    the same on nodes that each lack the rule against it: a line that holds then proves
               nothing, and ends this with 1
  --seconds N  so long for each attack (6; slow streams and DHT questions 15)
  --only NAME  the attacks with this in their names
  --write      keeps the table in docs/siege.md

Writes target/siege/sockets.json. Ends with 1 if ours misses a line.";

fn main() -> ExitCode {
    let (mut quick, mut seconds, mut without) = (false, None, false);
    let (mut only, mut write) = (String::new(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
        match arg.as_str() {
            "--quick" => quick = true,
            "--without" => without = true,
            "--seconds" => {
                seconds = value().parse().ok().filter(|seconds| *seconds > 0);
                seconds.or_else(|| usage("--seconds needs a number"));
            }
            "--only" => only = value(),
            "--write" => write = true,
            "--victim" => {
                victim::run(&serde_json::from_str(&value()).expect("a setup"));
                return ExitCode::SUCCESS;
            }
            "-h" | "--help" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => usage(&format!("{other} is unknown")),
        }
    }
    let attacks: Vec<_> = ALL.iter().filter(|attack| attack.name.contains(&only)).collect();
    if attacks.is_empty() {
        usage(&format!("no attack is called {only}"));
    }
    let scale = |attack: &Attack| {
        let quick = quick || without;
        let usual = if quick { 1 } else { attack.seconds };
        Scale { quick, seconds: seconds.unwrap_or(usual) }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if without {
        return runtime.block_on(lacking(&attacks, scale));
    }
    let report =
        Report { quick, cores: document::cores(), attacks: runtime.block_on(run(&attacks, scale)) };
    let file = Path::new("target/siege/sockets.json");
    if let Err(error) = report.write(file) {
        eprintln!("{} could not be written: {error}", file.display());
        return ExitCode::FAILURE;
    }
    println!("{}", report.table(""));
    if write {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/siege.md");
        let table = report.table(&document::read_from(&page, "sockets"));
        document::write_to(&page, "sockets", &table);
    }
    let ours = |run: &&Run| run.rules == Rules::Ours && !run.missed.is_empty();
    let missed: Vec<_> =
        report.attacks.iter().filter(|row| row.runs.iter().any(|run| ours(&run))).collect();
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    let names: Vec<_> = missed.iter().map(|row| row.name).collect();
    println!("ours missed its line: {}", names.join(", "));
    ExitCode::FAILURE
}

async fn run(attacks: &[&Attack], scale: impl Fn(&Attack) -> Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for attack in attacks {
        let mut row = Row { name: attack.name, about: attack.about, runs: Vec::new() };
        for rules in [Rules::Ours, Rules::Plain] {
            if !attack.is_for(rules) {
                continue;
            }
            let outcome = attack.run(rules, scale(attack), None).await;
            let missed = outcome.missed(attack, rules, !scale(attack).quick);
            for missed in &missed {
                eprintln!("{} · {rules:?} missed: {missed}", attack.name);
            }
            row.runs.push(Run { rules, missed, outcome });
        }
        eprintln!("{}", row.shown());
        rows.push(row);
    }
    rows
}

/// Every attack on a node that lacks a rule against it, which has to be noticed.
async fn lacking(attacks: &[&Attack], scale: impl Fn(&Attack) -> Scale) -> ExitCode {
    let mut held = Vec::new();
    for attack in attacks {
        let (rule, said) = attack.needs;
        let outcome = attack.run(Rules::Ours, scale(attack), Some(rule)).await;
        let missed = outcome.missed(attack, Rules::Ours, false);
        match missed.iter().find(|missed| missed.contains(said)) {
            Some(missed) => println!("{}, without {rule:?}: {missed}", attack.name),
            None => {
                println!("{}, without {rule:?}: {said} held, {missed:?}", attack.name);
                held.push(attack.name);
            }
        }
    }
    if held.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("their lines prove nothing: {}", held.join(", "));
    ExitCode::FAILURE
}

fn usage(what: &str) -> ! {
    eprintln!("{what}\n\n{HELP}");
    std::process::exit(2)
}
