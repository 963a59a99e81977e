//! Every kind of decision at a thousand, a hundred thousand and a million rows, against
//! `governor`'s keyed check in the same run.
//!
//!     cargo bench -p ltms-core --features alloc --bench decisions -- [ROUNDS] [--write] [--rows N]
//!     cargo bench -p ltms-core --features alloc --bench decisions -- --refusals [--write]
//!
//! One round takes a sample of every kind, governor's first. Each sample goes to rows drawn at
//! random from all, so that they are as cold as a stranger's message finds them; the messages
//! themselves are warm, as if they had just been received. A ratio is taken within its round.

mod full;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../common/made.rs"]
mod made;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../common/report.rs"]
mod report;
mod round;
mod world;

use std::fmt::Write;

use report::Spread;
use world::World;

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const ROUNDS: usize = 301;
const PASSES: usize = 5;

/// Rows of a node's table of keys (policy §11).
const NODE: usize = 131_072;
/// Microseconds that refusing an advertisement may take.
const GOAL: f64 = 2.0;

/// What refusing an advertisement takes in microseconds, without governor. Ends the program with
/// an error if that is more than it may be.
fn refusals(rounds: usize, write: bool) {
    let mut world = World::new(NODE);
    let rounds: Vec<_> = (0..rounds).map(|_| round::round(&mut world)).collect();
    let mut table =
        format!("At {NODE} rows; the goal is {GOAL} µs.\n\n| advertisement | µs |\n|---|---|\n");
    let mut slowest = 0.0f64;
    for (kind, (name, _)) in
        rounds[0].iter().enumerate().filter(|(_, (name, _))| name.contains('`'))
    {
        let Spread { low, median, high } =
            Spread::of(rounds.iter().map(|round| round[kind].1 / 1e3).collect());
        println!("{name:<70}{median:>8.2} µs ({low:.2} to {high:.2})");
        writeln!(table, "| {name} | {median:.2} ({low:.2}–{high:.2}) |").unwrap();
        slowest = slowest.max(median);
    }
    if write {
        report::write("refusals", &table);
    }
    if slowest > GOAL {
        eprintln!("a refusal takes {slowest:.2} µs, more than {GOAL}");
        std::process::exit(1);
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut write, mut only_refusals, mut rounds) = (false, false, ROUNDS);
    let mut sizes = SIZES.to_vec();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // `cargo bench` passes it.
            "--bench" => {}
            "--write" => write = true,
            "--refusals" => (only_refusals, rounds) = (true, 31),
            "--rows" => sizes = vec![args.next().unwrap().parse().unwrap()],
            number => rounds = number.parse().unwrap(),
        }
    }
    if only_refusals {
        return refusals(rounds, write);
    }
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut base_of = Vec::new();
    let mut add = |name: &str, Spread { low, median, high }: Spread| {
        println!("{name:<70}{median:>8.2} ({low:.2} to {high:.2})");
        let cell = format!(" {median:.2} ({low:.2}–{high:.2}) |");
        match lines.iter_mut().find(|line| line.0 == name) {
            Some((_, line)) => line.push_str(&cell),
            None => lines.push((name.to_owned(), cell)),
        }
    };
    for size in sizes {
        let mut world = World::new(size);
        let rounds: Vec<_> = (0..rounds).map(|_| round::round(&mut world)).collect();
        let base = Spread::of(rounds.iter().map(|round| round[0].1).collect());
        base_of.push((size, base.median));
        println!("{size} rows: governor {:.0} ns ({:.0}–{:.0})", base.median, base.low, base.high);
        for (kind, (name, _)) in rounds[0].iter().enumerate().skip(1) {
            let ratios = rounds.iter().map(|round| round[kind].1 / round[0].1).collect();
            add(name, Spread::of(ratios));
        }
        let passes: Vec<_> = (0..PASSES).map(|_| round::passes(&mut world)).collect();
        for (kind, (name, _)) in passes[0].iter().enumerate() {
            let ratios = passes.iter().map(|pass| pass[kind].1 / base.median).collect();
            add(&format!("{name}, for each row"), Spread::of(ratios));
        }
    }
    let mut table = format!("Measured on {} cores, {rounds} rounds.\n\n", report::cores());
    table.push_str("| decision | 10³ rows | 10⁵ rows | 10⁶ rows |\n|---|---|---|---|\n");
    for (name, cells) in &lines {
        writeln!(table, "| {name} |{cells}").unwrap();
    }
    // A node's tables have about as many rows as the middle size.
    let (_, base) = base_of.iter().find(|(size, _)| *size == SIZES[1]).unwrap_or(&base_of[0]);
    let mut full = String::from("| call | median | 99 of 100 | worst |\n|---|---|---|---|\n");
    for (name, mut nanos) in full::cases() {
        nanos.sort_by(f64::total_cmp);
        let at = |share: usize| nanos[(nanos.len() - 1) * share / 100] / base;
        let [median, most, worst] = [at(50), at(99), at(100)];
        println!("{name:<70}{median:>8.1} {most:>8.1} {worst:>8.1}");
        writeln!(full, "| {name} | {median:.1} | {most:.1} | {worst:.1} |").unwrap();
    }
    if write {
        report::write("decisions", &table);
        report::write("full", &full);
    }
}
