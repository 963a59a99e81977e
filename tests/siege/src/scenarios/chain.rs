//! Burns that are not the claimer's, that were used before, or that nobody knows, and cheap ones by
//! the thousand. One node.

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::{Millis, Timestamp};

use super::{Outcome, Scale, Scenario};
use crate::lab::Share;
use crate::lab::burns::Burn;
use crate::made::{self, START};
use crate::rules::Which;

pub(crate) const REUSE: Scenario = Scenario {
    name: "burn front-running and reuse",
    about: "burns are claimed by others, a second time, for another purpose or identity, too early \
            and for too little, beside an honest registration and rotation",
    line: "only the honest pass",
    gain: "",
    run: reuse,
    holds: |outcome| {
        outcome.figure("honest claims that pass") == 2.0
            && outcome.figure("others that pass") == 0.0
    },
};

pub(crate) const LOOK_UPS: Scenario = Scenario {
    name: "claims of unknown blocks",
    about: "from 100 address groups ids bring a node registrations, signed well, of a block that nobody \
            knows, so that it asks its source of the chain, once a second for a minute",
    line: "≤ 3 look-ups at once of a connection and then one in 10 s, ≤ 50 at once and then 10 a second for \
           all who came",
    gain: "",
    run: look_ups,
    holds: |outcome| {
        outcome.figure("look-ups of a connection at most") <= 9.0
            && outcome.figure("look-ups") <= 50.0 + 10.0 * 60.0
    },
};

pub(crate) const FILL: Scenario = Scenario {
    name: "directory fill by minimum burns",
    about: "as many identities as there is room for are burned for 50 XPI each, and after that for \
            51, in a table of which honest signers have a quarter; half of these have completed a \
            session",
    line: "minimum burns displace nobody, then ≥ 50 XPI for each; nobody with a completed session",
    gain: "honest signers displaced",
    run: fill,
    holds: |outcome| {
        outcome.figure("displaced by minimum burns") == 0.0
            && outcome.figure("displaced with a session") == 0.0
            && outcome.price().is_none_or(|price| price >= 50.0)
    },
};

/// The chain's end in all of these.
pub(super) const TIP: u32 = 2_000;
/// Deep enough for everything.
pub(super) const DEEP: u32 = 500;

fn later(now: &mut Timestamp) -> Timestamp {
    *now = now.saturating_add(Millis::from_secs(1));
    *now
}

fn reuse(which: Which, _: Scale, seed: u64) -> Outcome {
    let mut rules = which.rules(64, seed);
    let before = rules.bytes();
    let Some(burns) = rules.burns() else { return Outcome::lacking("burns") };
    let mut clock = START;
    burns.tip(clock, TIP, TIP);
    let attacked = which != Which::Calm;
    let keys = [0, 1, 2, 3, 4].map(made::secret);
    let [victim, thief, next, third, other] = &keys;
    let made = |key, purpose, xpi, number, height| {
        let script = BurnScript { public_key: key, timestamp_ms: None, purpose: Some(purpose) };
        Burn::new(script, xpi, number, height)
    };
    let rotation = |key, id, number| made(key, (Purpose::Rotation, id), 5, number, DEEP + 10);
    let genuine = Burn::registration(victim.public_key(), 50, 1, DEEP);
    let others = Burn::registration(other.public_key(), 50, 2, DEEP);
    let copied = Burn::registration(victim.public_key(), 50, 3, DEEP);
    let poor = Burn::registration(thief.public_key(), 49, 4, DEEP);
    let early = Burn::registration(thief.public_key(), 50, 5, TIP);
    let mut bad = Vec::new();
    // Front-run: the victim's burn under the thief's signature; the victim's key in the thief's.
    for burn in [&genuine, &copied, &poor, &early].into_iter().filter(|_| attacked) {
        bad.push(burns.register(later(&mut clock), burn, thief));
    }
    let mut good = vec![burns.register(later(&mut clock), &genuine, victim)];
    assert!(burns.register(later(&mut clock), &others, other), "another honest one");
    let id = genuine.id();
    let foreign = rotation(next.public_key(), others.id(), 6);
    let paid = rotation(next.public_key(), id, 7);
    if attacked {
        bad.push(burns.register(later(&mut clock), &genuine, thief));
        // Rotations with a registration's burn, and with that of another identity.
        bad.push(burns.rotate(later(&mut clock), &genuine, (&id, 1), (victim, next)));
        bad.push(burns.rotate(later(&mut clock), &foreign, (&id, 1), (victim, next)));
        // For too little, and too early.
        let key = next.public_key();
        let poor = made(key, (Purpose::Rotation, id), 4, 8, DEEP + 10);
        let early = made(key, (Purpose::Rotation, id), 5, 9, TIP - 70);
        for burn in [poor, early] {
            bad.push(burns.rotate(later(&mut clock), &burn, (&id, 1), (victim, next)));
        }
        let key = victim.public_key();
        for (number, purpose) in (10..).zip([Purpose::AdditionalKey, Purpose::TopUp]) {
            let burn = made(key, (purpose, id), 9, number, DEEP + 10);
            bad.push(burns.credit(later(&mut clock), &burn, &id, victim));
        }
        // By who is not the current key.
        bad.push(burns.rotate(later(&mut clock), &paid, (&id, 1), (thief, next)));
    }
    // What passed above has rotated the key away.
    let stolen = bad.iter().skip(5).any(|passed| *passed);
    let old = if stolen { next } else { victim };
    good.push(burns.rotate(later(&mut clock), &paid, (&id, 1), (old, next)));
    if attacked {
        // The same burn for the next rotation.
        bad.push(burns.rotate(later(&mut clock), &paid, (&id, 2), (next, third)));
    }
    let cut_off = [&genuine, &others].into_iter().filter(|burn| !burns.serves(clock, &burn.id()));
    let honest_banned = cut_off.count() as u64;
    let count = |all: &[bool]| all.iter().filter(|passed| **passed).count();
    let honest = Share { of: good.len() as u64, some: count(&good) as u64 };
    let more = vec![
        ("honest claims that pass", count(&good) as f64),
        ("others that pass", count(&bad) as f64),
        ("others tried", bad.len() as f64),
    ];
    Outcome {
        honest,
        // No claim of somebody else's is allowed.
        hostile: Share { of: bad.len() as u64, some: count(&bad) as u64 },
        honest_banned,
        bytes: [before, rules.bytes()],
        more,
        parameters: vec![
            ("nodes", 1.0),
            ("honest claims", good.len() as f64),
            ("hostile claims", bad.len() as f64),
        ],
        asked: [true; 3],
        ..Outcome::default()
    }
}

fn look_ups(which: Which, _: Scale, seed: u64) -> Outcome {
    let mut rules = which.rules(64, seed);
    let before = rules.bytes();
    if rules.burns().is_none() {
        return Outcome::lacking("burns");
    }
    let ids: u64 = if which == Which::Calm { 0 } else { 100 };
    let mut brought: Vec<_> = (0..ids)
        .map(|number| {
            let connection = made::connection(number, number as u32 * 256);
            assert!(rules.connect(START, &connection), "there is room");
            let key = made::secret(number).public_key();
            (connection.peer, Burn::registration(key, 50, number, DEEP), 0)
        })
        .collect();
    for second in 0..60 {
        let now = START.saturating_add(Millis::from_secs(second));
        let Some(burns) = rules.burns() else { break };
        for (peer, burn, asked) in &mut brought {
            *asked += u32::from(burns.is_looked_up(now, peer, burn));
        }
    }
    let of_each = || brought.iter().map(|(.., asked)| *asked);
    Outcome {
        bytes: [before, rules.bytes()],
        more: vec![
            ("look-ups of a connection at most", of_each().max().unwrap_or(0).into()),
            ("look-ups", of_each().sum::<u32>().into()),
        ],
        parameters: vec![("nodes", 1.0), ("attackers' ids", ids as f64), ("seconds", 60.0)],
        asked: [false, true, false],
        ..Outcome::default()
    }
}

fn fill(which: Which, scale: Scale, seed: u64) -> Outcome {
    let rows: u32 = scale.of(256, 1_024, 8_192);
    let mut rules = which.rules(rows, seed);
    let honest = u64::from(rows / 4);
    let Some(burns) = rules.burns() else { return Outcome::lacking("burns") };
    burns.tip(START, TIP, TIP);
    let all: Vec<_> = (0..honest)
        .map(|number| {
            let key = made::secret(number);
            let burn = Burn::registration(key.public_key(), 50, number, DEEP);
            assert!(burns.register(START, &burn, &key), "an honest registration");
            burn
        })
        .collect();
    let (met, others) = all.split_at(all.len() / 2);
    for (number, burn) in (0..).zip(met) {
        let went = ltms_core::Outcome::Completed(Millis::from_secs(1));
        rules.session(START, number, (&burn.id(), &ltms_core::IdentityId::OURS), went);
    }
    let mut outcome = Outcome {
        bytes: [rules.bytes(); 2],
        parameters: vec![
            ("nodes", 1.0),
            ("rows that are asked for", rows.into()),
            ("honest identities", honest as f64),
            ("of these with a session", met.len() as f64),
            ("hostile burns of 50 XPI", rows.into()),
            ("then of 51 XPI", rows.into()),
        ],
        // Nothing here bans; who is displaced is counted as that.
        asked: [true, true, false],
        ..Outcome::default()
    };
    let mut now = START;
    let (mut spent, mut number, mut by_minimum) = (0, honest, 0);
    let attackers = if which == Which::Calm { 0 } else { rows };
    let mut bought = Vec::new();
    for xpi in [50, 51] {
        for _ in 0..attackers {
            let key = made::secret(number);
            let burn = Burn::registration(key.public_key(), xpi, number, DEEP);
            number += 1;
            let Some(burns) = rules.burns() else { break };
            spent += if burns.register(later(&mut now), &burn, &key) { xpi } else { 0 };
            bought.push(burn.id());
            if number.is_multiple_of(u64::from(rows / 16)) {
                let gone = all.iter().filter(|burn| !burns.serves(now, &burn.id())).count();
                outcome.curve.push((spent as f64, gone as f64));
            }
        }
        let Some(burns) = rules.burns() else { break };
        let gone =
            |some: &[Burn]| some.iter().filter(|burn| !burns.serves(now, &burn.id())).count();
        if xpi == 50 {
            by_minimum = gone(&all);
        }
        outcome.displaced = gone(&all) as u64;
        outcome.more = vec![
            ("displaced by minimum burns", by_minimum as f64),
            ("displaced with a session", gone(met) as f64),
            ("displaced without one", gone(others) as f64),
        ];
    }
    outcome.curve.dedup();
    outcome.spent = spent;
    let Some(burns) = rules.burns() else { return outcome };
    let listed = bought.iter().filter(|id| burns.serves(now, id)).count() as u64;
    outcome.hostile = Share { of: bought.len() as u64, some: listed };
    // One identity for 50 XPI.
    outcome.allowed = spent / 50;
    outcome.honest = Share { of: honest, some: honest - outcome.displaced };
    outcome.bytes[1] = rules.bytes();
    outcome
}
