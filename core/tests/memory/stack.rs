//! How much stack a Gate needs.
//!
//! A stack that is too small ends the process, so each try is this program again.

use std::process::Command;
use std::sync::Mutex;
use std::thread;

use ltms_core::*;

use crate::calls::{self, Inputs};
use crate::made::POLICY;
use crate::{SEED, Tiny};

/// Enough for all, also without optimisation.
const ENOUGH: usize = 64 << 10;
/// No thread has less.
const LEAST: usize = 16 << 10;
const VARIABLE: &str = "LTMS_STACK";

/// Runs `body` in a thread with a stack of this many bytes.
fn with_stack(bytes: usize, body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        thread::Builder::new().stack_size(bytes).spawn_scoped(scope, body).unwrap();
    });
}

/// Every call, each made as deep as it goes.
fn make_all_calls(bytes: usize) {
    static BLOCK: Mutex<Tiny> = Mutex::new(Tiny::new());
    let inputs = Inputs::new();
    with_stack(bytes, || {
        let mut block = BLOCK.lock().unwrap();
        let mut gate = Gate::new(&mut *block, POLICY, SEED).unwrap();
        calls::all(&mut gate, &inputs, &mut |_, call| call());
    });
}

/// The tables of a node, and a Gate on them.
fn make_a_node(bytes: usize) {
    with_stack(bytes, || {
        let mut tables = Heap::new(Capacity::NODE);
        let gate = Gate::new(&mut tables, POLICY, SEED).unwrap();
        assert_eq!(gate.posture(), Posture::Normal);
    });
}

/// A block larger than the stack.
type Large = Inline<255, 255, 255, 255, 255, 255, 255, 255>;

/// A Gate on blocks that are lent, and one that owns the box of its own.
fn make_on_large_blocks(bytes: usize) {
    const { assert!(size_of::<Large>() > ENOUGH) };
    static BLOCK: Mutex<Large> = Mutex::new(Large::new());
    let block = Box::new(Large::new());
    with_stack(bytes, move || {
        let mut lent = BLOCK.lock().unwrap();
        assert_eq!(Gate::new(&mut *lent, POLICY, SEED).unwrap().posture(), Posture::Normal);
        assert_eq!(Gate::new(block, POLICY, SEED).unwrap().posture(), Posture::Normal);
    });
}

/// The smallest stack, to a KiB, with which the test `name` passes.
fn smallest(name: &str) -> usize {
    let passes = |kib: &usize| {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", name]).env(VARIABLE, (kib << 10).to_string());
        again.output().unwrap().status.success()
    };
    (LEAST >> 10..=ENOUGH >> 10).find(passes).unwrap()
}

/// With `name` told how much it has, only that; otherwise `ENOUGH`, and what it takes is printed.
fn test(name: &str, body: fn(usize)) {
    match std::env::var(VARIABLE) {
        Ok(bytes) => body(bytes.parse().unwrap()),
        Err(_) => {
            body(ENOUGH);
            println!("{name}: {} KiB of stack", smallest(name));
        }
    }
}

#[test]
fn every_call_fits_a_small_stack() {
    test("stack::every_call_fits_a_small_stack", make_all_calls);
}

#[test]
fn the_tables_of_a_node_are_never_moved_over_the_stack() {
    test("stack::the_tables_of_a_node_are_never_moved_over_the_stack", make_a_node);
}

#[test]
fn a_block_is_lent_and_never_moved_over_the_stack() {
    test("stack::a_block_is_lent_and_never_moved_over_the_stack", make_on_large_blocks);
}
