//! A coordinator's device, as run.py tests and measures it: without a clock, with a block that its
//! owner trusts, and a host that brings everything else.
//!
//! What it prints: `is NAME VALUE` for each answer, which run.py compares with what it expects,
//! `cost NAME STACK INSTRUCTIONS` for each kind of call, and `size NAME BYTES`.
#![no_std]
#![no_main]
#![cfg_attr(feature = "checks-only", allow(dead_code))]

mod board;
mod crowd;
mod device;
mod report;
mod story;

/// What the host brings, by inputs.py.
mod inputs {
    include!(env!("LTMS_INPUTS"));
}

use board::Static;
use ltms_core::Tiny;
use report::Report;

/// The tables of a device, and another's, for what comes after a restart: this program has no
/// other way to begin anew.
static TABLES: [Static<Tiny>; 2] = [const { Static::new(Tiny::new()) }; 2];

/// Where a snapshot is put together before it goes to flash or to the host.
static SNAPSHOT: Static<[u8; 15 * 1024 + 512]> = Static::new([0; 15 * 1024 + 512]);

fn main() {
    let mut report = Report::begin();
    story::checks(&mut report);
    #[cfg(not(feature = "checks-only"))]
    gates(&mut report);
    report.end();
}

#[cfg(not(feature = "checks-only"))]
fn gates(report: &mut Report) {
    let [first, second] = &TABLES;
    let (first, second, snapshot) = (first.lend(), second.lend(), SNAPSHOT.lend());
    story::run(report, first, second, snapshot);
    let came_through = crowd::run(report, first, second, snapshot);
    report.is("came through the crowd", came_through.is_some().into());
    report.size("tables", size_of::<Tiny>());
    report.size("Gate with its tables", size_of::<ltms_core::Gate<Tiny>>());
}
