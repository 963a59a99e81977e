//! A bounded run of every target without libFuzzer: its seeds, and random changes of them.
//!
//! `LTMS_FUZZ_TIMES=20` makes it that many times as long, `LTMS_FUZZ_SEED` another one.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ltms_core::Reason;
use ltms_fuzz::mutate::{Random, mutated};
use ltms_fuzz::{TARGETS, run, seeds};

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().expect("a number"))
}

fn bounded(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let attempt = |bytes: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(name, bytes)));
        outcome.unwrap_or_else(|_| panic!("{name} fails for {}", hex::encode(bytes)));
    };
    let seeds = seeds::of(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| attempt(seed));
    let rounds = u64::from(target.rounds) * number("LTMS_FUZZ_TIMES", 1);
    let mut random = Random::new(number("LTMS_FUZZ_SEED", 1));
    for _ in 0..rounds {
        attempt(&mutated(&mut random, &seeds));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { bounded(stringify!($name)); })*

        #[test]
        fn every_target_has_a_program_and_a_test() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            for name in names {
                let path = format!("{}/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                let program = std::fs::read_to_string(path).expect("a program");
                assert!(program.contains(&format!("run(\"{name}\"")), "{name}");
            }
        }
    };
}

/// Otherwise what the target checks would say little.
#[test]
fn histories_of_the_gate_meet_all_reasons_but_the_decoders_and_every_rule_for_full_tables() {
    let (seeds, mut random) = (seeds::of("gate"), Random::new(1));
    let mut met = vec![0; Reason::ALL.len()];
    let mut besides = BTreeMap::<_, u64>::new();
    let changed: Vec<_> = (0..600).map(|_| mutated(&mut random, &seeds)).collect();
    for (counts, metrics) in seeds.iter().chain(&changed).flat_map(|input| ltms_fuzz::met(input)) {
        let more = [
            ("a group's ban stood for others", metrics.bans_merged),
            ("a ban found no room", metrics.bans_not_recorded),
            ("an identity was displaced", metrics.identities_displaced),
            ("an identity lapsed", metrics.identities_lapsed),
            ("an identity was remembered", metrics.tombstones),
            ("an identity was banned", metrics.identities_banned),
            ("the breaker opened", metrics.breaker_opened),
            ("a sanction was spared", metrics.sanctions_spared),
            ("a sanction waited", metrics.sanctions_held),
            ("the clock stepped forward", metrics.clock_steps_forward),
            ("the clock stepped back", metrics.clock_steps_back),
            ("a window was only observed", metrics.would_windows),
            ("a key limit was only observed", metrics.would_keys),
            ("a group limit was only observed", metrics.would_groups),
            ("a sanction was only observed", metrics.would_sanctions),
        ];
        for (name, count) in more {
            *besides.entry(name).or_default() += count;
        }
        met.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let met = Reason::ALL.iter().zip(met);
    let decoders = [
        Reason::Unjudged,
        Reason::Lifetime,
        Reason::Address,
        Reason::Text,
        Reason::Script,
        Reason::NoSuchOutput,
        Reason::NotInBlock,
        Reason::Coinbase,
        Reason::Transaction,
    ];
    // Of the table of sessions, which stands beside the Gate (ADR 33).
    let sessions = [
        Reason::UnknownSession,
        Reason::NotASigner,
        Reason::WrongPhase,
        Reason::SessionLimit,
        Reason::SharedKey,
    ];
    let elsewhere = |reason| decoders.contains(reason) || sessions.contains(reason);
    let missed = met.filter(|(reason, count)| *count == 0 && !elsewhere(reason));
    let missed: Vec<_> = missed.map(|(reason, _)| reason).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let never: Vec<_> = besides.iter().filter(|(_, count)| **count == 0).collect();
    assert!(never.is_empty(), "{never:?}");
}

targets! {
    envelope burn_claim hello address transaction header inclusion_proof txoutproof burn_script
    policy recording snapshot gate
}
