//! Verified advertisements against a real node on 127.0.0.1, and a connection that floods it.
//!
//!     cargo bench -p ltms-net --bench load -- [--seconds N] [--preload KEYS] [--only LOAD] [--write]
//!
//! The node has this process for itself, so that the process's clock is the node's; whoever sends
//! to it is in another. A time is from a request's sending to its answer: the network, the muxer
//! and both ends' waiting for a processor are in it, so it is no less than from the frame's
//! arrival to the verdict.

#[path = "../../tests/common/mod.rs"]
mod common;
mod generator;
mod keys;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../../../core/benches/common/report.rs"]
mod report;
mod victim;

use std::fmt::Write;

/// What is asked of a node.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    name: &'static str,
    /// Limits that 20 connections can send 2,000 a second under; otherwise the default policy.
    wide: bool,
    /// Keys that have advertised before.
    preload: u32,
    /// Messages a second. With copies, half of them are another connection's once more.
    rate: u32,
    copies: bool,
    /// Whether one more connection sends as fast as it is answered.
    flood: bool,
    seconds: u32,
}

const QUIET: Load = Load {
    name: "default policy, 200 a second",
    wide: false,
    preload: 0,
    rate: 200,
    copies: false,
    flood: false,
    seconds: 120,
};

fn loads(seconds: u32, preload: u32) -> [Load; 4] {
    let quiet = Load { seconds, ..QUIET };
    let flood = Load { name: "the same beside a connection that floods", flood: true, ..quiet };
    let idle = Load { name: "nothing but that connection", rate: 0, ..flood };
    let wide = Load { name: "bench policy, 2,000 a second with copies", wide: true, ..quiet };
    [quiet, flood, idle, Load { preload, rate: 2_000, copies: true, ..wide }]
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut seconds, mut preload, mut write, mut only) = (QUIET.seconds, 130_000, false, None);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse().ok()).expect("a number");
        match arg.as_str() {
            // `cargo bench` passes it.
            "--bench" => {}
            "--write" => write = true,
            "--seconds" => seconds = number(),
            "--preload" => preload = number(),
            "--only" => only = Some(number()),
            "--send" | "--flood" => {
                let load = loads(seconds, preload)[number() as usize];
                let address = args.next().and_then(|text| text.parse().ok()).expect("an address");
                return generator::run(&address, &load, arg == "--flood");
            }
            other => panic!("unknown argument {other}"),
        }
    }
    let mut table = format!("Measured on {} cores, {seconds} s each.\n\n", report::cores());
    table.push_str("| load | sent, lost | p50, p99 in ms | node's share of a core | MiB before, after | flood a second |\n");
    table.push_str("|---|---|---|---|---|---|\n");
    for (number, load) in (0u32..).zip(loads(seconds, preload)) {
        if only.is_none_or(|only| only == number) {
            let line = victim::run(number, &load);
            print!("{line}");
            table.write_str(&line).expect("room");
        }
    }
    if write {
        report::write("load", &table);
    }
}
