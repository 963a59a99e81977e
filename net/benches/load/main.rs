//! Verified advertisements against a real node on 127.0.0.1, and connections that flood it.
//!
//!     cargo bench -p ltms-net --bench load -- [--seconds N] [--preload KEYS] [--only N,N…] [--write]
//!     cargo test -p ltms-net --bench load -- --smoke
//!
//! The node has this process for itself, so that the process's clock is the node's; whoever sends
//! to it is in another. A time is from a request's sending to its answer: the network, the muxer
//! and both ends' waiting for a processor are in it, so it is no less than from the frame's
//! arrival to the verdict. What of it is none of the node's doing is told by an echo: the same
//! behaviours and the same messages, and an answer without a look at them.
//!
//! Exits with 1 if a figure misses its goal.

#[path = "../../tests/common/mod.rs"]
mod common;
mod flood;
mod generator;
mod goals;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../../../core/benches/common/report.rs"]
mod report;
mod victim;

use self::flood::Kind;

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    /// A node under the default policy.
    Node,
    /// A node with limits under which 20 connections can send 2,000 a second.
    Wide,
    /// A node that leaves nobody waiting: every message is refused one by one.
    Open,
    /// The same behaviours, and an answer without a look at the message.
    Echo,
}

/// What is asked of it.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    name: &'static str,
    victim: Victim,
    /// Keys that have advertised before.
    preload: u32,
    /// Messages a second. With copies, half of them are another connection's once more.
    rate: u32,
    copies: bool,
    /// What one more connection sends, as fast as it is read.
    flood: Option<Kind>,
    seconds: u32,
}

impl Load {
    const fn named(name: &'static str, victim: Victim) -> Self {
        Self { name, victim, preload: 0, rate: 0, copies: false, flood: None, seconds: 20 }
    }

    /// Keys of one identity, the current one among them.
    const fn per_identity(&self) -> u32 {
        if matches!(self.victim, Victim::Wide) { 1_000 } else { 10 }
    }

    /// Messages that are not copies.
    const fn originals(&self) -> u32 {
        let messages = self.rate.saturating_mul(self.seconds);
        if self.copies { messages / 2 } else { messages }
    }

    /// Keys that advertise.
    fn keys(&self) -> u32 {
        if self.preload == 0 { self.originals() } else { self.preload }
    }

    fn identities(&self) -> u32 {
        self.keys().div_ceil(self.per_identity())
    }
}

const QUIET: usize = 1;
const BESIDE: usize = 2;
const OPEN: usize = 7;
const OPEN_ECHO: usize = 8;

/// All loads; those that matter take `seconds`, those to compare with 20 s at most.
fn loads(seconds: u32, preload: u32) -> Vec<Load> {
    let short = seconds.min(20);
    let quiet =
        Load { rate: 200, seconds, ..Load::named("default policy, 200 a second", Victim::Node) };
    let echo = Load::named("an echo in the node's stead, 200 a second", Victim::Echo);
    let beside = "the same beside a connection that floods with pushes";
    let alone = |name, flood, victim| Load {
        flood: Some(flood),
        seconds: short,
        ..Load::named(name, victim)
    };
    let wide = Load {
        preload,
        // No key advertises twice.
        rate: (2 * preload / seconds.max(1)).min(2_000),
        copies: true,
        seconds,
        ..Load::named("bench policy, 2,000 a second with copies", Victim::Wide)
    };
    let fast = "an echo in the node's stead, 2,000 a second";
    vec![
        Load { rate: 200, seconds: short, ..echo },
        quiet,
        Load { name: beside, flood: Some(Kind::Push), ..quiet },
        alone("only that connection", Kind::Push, Victim::Node),
        alone("only one that floods in gossip", Kind::Gossip, Victim::Node),
        alone("only one that floods the DHT with questions", Kind::Dht, Victim::Node),
        alone("only one that floods with pings", Kind::Ping, Victim::Node),
        alone("every push refused, none waits", Kind::Push, Victim::Open),
        alone("every push answered by an echo", Kind::Push, Victim::Echo),
        Load { name: fast, victim: Victim::Echo, preload: 0, rate: 2_000, seconds: short, ..wide },
        wide,
    ]
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut seconds, mut preload) = (120, 130_000);
    let (mut write, mut only) = (false, None::<Vec<usize>>);
    while let Some(arg) = args.next() {
        let mut next = || args.next().expect("a value");
        match arg.as_str() {
            // `cargo bench` passes it.
            "--bench" => {}
            "--write" => write = true,
            "--smoke" => return goals::smoke(&loads(3, 500)),
            "--seconds" => seconds = next().parse().expect("a number"),
            "--preload" => preload = next().parse().expect("a number"),
            "--only" => {
                let numbers = next();
                let numbers = numbers.split(',').map(|text| text.parse().expect("a number"));
                only = Some(numbers.collect());
            }
            "--send" | "--flood" => {
                let load = loads(seconds, preload)[next().parse::<usize>().expect("a number")];
                let address = next().parse().expect("an address");
                return match load.flood.filter(|_| arg == "--flood") {
                    Some(flood) => generator::flood(&address, &load, flood),
                    None => generator::run(&address, &load),
                };
            }
            // What cargo passes to tests, when it runs all of them.
            _ => {}
        }
    }
    let loads = loads(seconds, preload);
    let wanted = |number: &usize| only.as_ref().is_none_or(|only| only.contains(number));
    let rows: Vec<_> = (0..loads.len())
        .map(|number| wanted(&number).then(|| victim::run(number, &loads, seconds, preload)))
        .inspect(|row| row.iter().for_each(|row| println!("{}", row.shown())))
        .collect();
    if write {
        report::write("load", &goals::table(&loads, &rows, &report::read("load")));
    }
    let missed = goals::missed(&loads, &rows);
    if !missed.is_empty() {
        missed.iter().for_each(|missed| eprintln!("missed: {missed}"));
        std::process::exit(1);
    }
}
