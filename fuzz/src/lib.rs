//! What is fuzzed: functions of bytes that panic when something does not hold.
//!
//! Each is run by libFuzzer (`make fuzz TARGET=…`) and, without it, by `cargo test` on seeds and
//! on random changes of them. They check what has to hold, not only that nothing panics.

// What the tests of the Gate begin with. Not everything of it is used here.
#[expect(dead_code, reason = "shared with the tests of core")]
#[path = "../../core/tests/gate/ads.rs"]
mod ads;
#[expect(dead_code, reason = "shared with the tests of core")]
#[path = "../../core/tests/gate/claims.rs"]
mod claims;
#[expect(dead_code, reason = "shared with the tests of core")]
#[path = "../../core/tests/gate/world.rs"]
mod world;
/// Where `world` looks for it.
mod replay {
    pub(crate) use crate::recording::replay;
}

mod chain;
mod gate;
pub mod mutate;
mod policy;
mod recording;
pub mod seeds;
mod snapshot;
mod wire;

pub use gate::met;

/// A function of bytes from outside.
pub struct Target {
    /// Its name, which is that of its program.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
    /// How many random inputs a test tries: about as many as take it two seconds.
    pub rounds: u32,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "envelope", run: wire::envelope, rounds: 60_000 },
    Target { name: "burn_claim", run: wire::burn_claim, rounds: 60_000 },
    Target { name: "hello", run: wire::hello, rounds: 60_000 },
    Target { name: "address", run: wire::address, rounds: 60_000 },
    Target { name: "transaction", run: chain::transaction, rounds: 20_000 },
    Target { name: "header", run: chain::header, rounds: 60_000 },
    Target { name: "inclusion_proof", run: chain::inclusion_proof, rounds: 6_000 },
    Target { name: "txoutproof", run: chain::txoutproof, rounds: 20_000 },
    Target { name: "burn_script", run: chain::burn_script, rounds: 20_000 },
    Target { name: "policy", run: policy::policy, rounds: 10_000 },
    Target { name: "recording", run: recording::recording, rounds: 1_000 },
    Target { name: "snapshot", run: snapshot::snapshot, rounds: 1_000 },
    Target { name: "gate", run: gate::gate, rounds: 1_000 },
];

/// Runs the target with this name.
///
/// # Panics
/// When something does not hold, or when there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    (target.run)(bytes);
}
