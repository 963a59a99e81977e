//! Ten million fresh peer ids against a node's Gate.
//!
//!     cargo bench -p ltms-core --features alloc --bench flood -- [--ids N] [--write]
//!
//! Fails if anything is allocated, a ban is forgotten or an honest peer is turned away.

#[path = "../common/counting.rs"]
mod counting;
mod flood;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../common/made.rs"]
mod made;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../common/report.rs"]
mod report;
mod strangers;

use std::fmt::Write;
use std::process::ExitCode;

use flood::Flood;

const IDS: u64 = 10_000_000;
const SEEDS: u8 = 25;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let ids = args.iter().skip_while(|arg| *arg != "--ids").nth(1);
    let ids = ids.map_or(IDS, |ids| ids.parse().expect("--ids takes a number"));
    let figures = Flood::new(ids).run(|done| {
        if done % 100_000 == 0 || done == ids {
            eprint!("\r{done} of {ids} ids ");
        }
    });
    eprintln!();
    let (few, many) = (strangers::served(40, SEEDS), strangers::served(256, SEEDS));

    let mut table = String::from("| figure | |\n|---|---|\n");
    let mut line = |name: &str, value: String| writeln!(table, "| {name} | {value} |").unwrap();
    let of = |[some, of]: [u64; 2]| format!("{some} of {of}");
    let share = |[some, of]: [u64; 2]| format!("{:.3} %", 100.0 * some as f64 / of as f64);
    line("fresh peer ids", figures.ids.to_string());
    line("allocations within the Gate's calls", figures.allocations.to_string());
    let [before, after] = figures.bytes;
    line("bytes allocated, before and after", format!("{before} and {after}"));
    line("ids banned for good that are still refused", {
        of([figures.still.iter().sum(), figures.banned])
    });
    line("of which by a row of their own", figures.still[0].to_string());
    line("of which by their address group's", figures.still[1].to_string());
    line("ids that found no room: disconnected only", figures.without_room.to_string());
    line("operator's bans of peers still in force", of(figures.operators));
    line("advertisements of banned identities refused", of(figures.identities));
    line("advertisements of other identities accepted", of(figures.ads));
    line("honest peers let in again", of(figures.honest));
    line("honest strangers served beside 40 hostile groups", share(few));
    line("honest strangers served beside 256 hostile groups", share(many));
    print!("{table}");
    if args.iter().any(|arg| arg == "--write") {
        report::write("flood", &table);
    }
    if figures.hold() && few[0] * 100 >= few[1] * 99 {
        ExitCode::SUCCESS
    } else {
        eprintln!("not everything held: {figures:?}, strangers {few:?}");
        ExitCode::FAILURE
    }
}
