//! Attackers that take the links of honest nodes, GossipSub's own runs (arXiv:2007.02754): eclipse,
//! cold boot and covert flash. All honest links are few, and messages go by meshes.

use ltms_core::{Millis, Outcome as Session, Timestamp};

use super::{Outcome, Scale, Scenario, buy_for, floods::HOSTILE_GROUP};
use crate::lab::field::{Field, Signer};
use crate::lab::{Actor, IN_TIME, Kind, Lab, Number, Relay};
use crate::made::{self, Claim, START};
use crate::rules::{Known, Which};

/// Links at which a message goes on at once.
const MESH: usize = 6;
/// Honest links that a node opens.
const DEGREE: usize = 4;
/// For each honest node, attackers (GossipSub's runs had 4,000 against 1,000).
const SYBILS: u32 = 4;
/// Address groups that these have.
const GROUPS: u32 = 400;
/// One node in so many is a victim: but for one link that it opened, all of its links are hostile.
const VICTIMS: u32 = 8;

const fn eclipse(name: &'static str, run: fn(Which, Scale, u64) -> Outcome) -> Scenario {
    Scenario {
        name,
        about: "silent attackers, four for each honest node, open so many connections to every node \
                for each honest one, and ask to be in every mesh; one node in eight has a single \
                honest link, which it opened itself",
        line: "honest ≥ 95 %, and ≥ 95 % delivered to the victims in time",
        gain: "",
        run,
        holds: |outcome| {
            outcome.honest.value() >= 0.95 && outcome.figure("to the victims in time, %") >= 95.0
        },
    }
}

pub(crate) const EVEN: Scenario =
    eclipse("eclipse, 1:1", |which, scale, seed| eclipsed(which, scale, seed, 1));
pub(crate) const FOUR: Scenario =
    eclipse("eclipse, 4:1", |which, scale, seed| eclipsed(which, scale, seed, 4));
pub(crate) const TWENTY: Scenario =
    eclipse("eclipse, 20:1", |which, scale, seed| eclipsed(which, scale, seed, 20));

pub(crate) const COLD_BOOT: Scenario = Scenario {
    name: "cold boot",
    about: "the attackers are there first: every node that starts has its links from them before it \
            finds two honest ones; some that know nobody start when all others have long been there",
    line: "honest ≥ 95 % once all have started; half a minute after their start the last list ≥ 95 % of \
           what is in force",
    gain: "",
    run: cold_boot,
    holds: |outcome| {
        outcome.figure("after the start, %") >= 95.0
            && outcome.figure("listed by the last, %") >= 95.0
    },
};

pub(crate) const FLASH: Scenario = Scenario {
    name: "covert flash",
    about: "five burned identities with 25 self-dealt sessions each relay faster than anybody for \
            minutes from 4:1 of the links; then all fall silent at once",
    line: "honest ≥ 95 % after they fell silent, and in the first minute ≥ 99 % within a second",
    gain: "",
    run: flash,
    holds: |outcome| {
        outcome.figure("after the flash, %") >= 95.0 && outcome.figure("within a second, %") >= 99.0
    },
};

/// Many honest nodes without links. All have identities, and in a crowd a quarter has something to
/// say.
const fn crowd(scale: Scale) -> Field {
    let (nodes, advertise) = scale.of((24, 1), (1_000, 4), (2_000, 4));
    Field { advertise, ..Field::new(nodes, 0) }
}

/// From now on there are meshes, and directories are read.
fn begin(lab: &mut Lab) {
    lab.begin_mesh(MESH);
    lab.begin_reading();
}

/// Attackers, and to each node so many of their connections.
fn surround(lab: &mut Lab, nodes: u32, links: u32) -> Vec<Number> {
    let sybils: Vec<_> =
        (0..SYBILS * nodes).map(|n| lab.add(HOSTILE_GROUP + n % GROUPS, None)).collect();
    for node in 0..nodes {
        for _ in 0..links {
            let sybil = sybils[lab.random.below(sybils.len())];
            lab.connect(sybil, node);
        }
    }
    sybils
}

/// Links two nodes, whose signers prove to each other who they are, and which read each other's
/// directories.
fn befriend(lab: &mut Lab, signers: &[Signer], from: Number, to: Number) -> bool {
    let linked = lab.connect(from, to);
    if linked {
        lab.prove(from, to, &signers[from as usize]);
        lab.prove(to, from, &signers[to as usize]);
        lab.read(from, to);
        lab.read(to, from);
    }
    linked
}

fn eclipsed(which: Which, scale: Scale, seed: u64, ratio: u32) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = crowd(scale);
    let signers = field.build(&mut lab, which, seed);
    let victims: Vec<_> = (0..field.nodes).filter(|node| node % VICTIMS == 0).collect();
    let others: Vec<_> = (0..field.nodes).filter(|node| node % VICTIMS != 0).collect();
    for node in &others {
        for _ in 0..DEGREE {
            let to = others[lab.random.below(others.len())];
            befriend(&mut lab, &signers, *node, to);
        }
    }
    for node in &victims {
        let to = others[lab.random.below(others.len())];
        assert!(befriend(&mut lab, &signers, *node, to), "an honest node has room");
    }
    // A node has about as many links from others as it opens.
    surround(&mut lab, field.nodes, ratio * 2 * DEGREE as u32);
    for node in &victims {
        // What it opens beside the one goes to attackers as well.
        for _ in 1..DEGREE {
            let sybil = field.nodes + lab.random.below((SYBILS * field.nodes) as usize) as Number;
            lab.connect(*node, sybil);
        }
    }
    begin(&mut lab);
    lab.run(START.saturating_add(Millis::from_mins(scale.of(4, 5, 8))));
    let to_victims = lab.delivered(Kind::Honest, START, &victims);
    let known: Vec<_> = signers.iter().filter(|signer| field.advertises(signer.node)).collect();
    let pairs = || {
        let all = victims.iter().flat_map(|node| known.iter().map(move |signer| (*node, *signer)));
        all.filter(|(node, signer)| signer.node != *node)
    };
    let listed = pairs().filter(|(node, signer)| lab.lists(*node, &signer.key)).count();
    let listed = 100.0 * listed as f64 / pairs().count() as f64;
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("listed by the victims, %", listed));
    outcome.more.push(("to the victims in time, %", 100.0 * to_victims.value()));
    outcome
}

fn cold_boot(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = crowd(scale);
    let signers = field.build(&mut lab, which, seed);
    let first = lab.nodes().to_vec();
    let last = newcomers(&mut lab, which, seed, field.nodes / 8);
    surround(&mut lab, field.nodes + field.nodes / 8, 4 * 2 * DEGREE as u32);
    begin(&mut lab);
    for node in 1..field.nodes {
        for _ in 0..2 {
            let to = lab.random.below(node as usize) as Number;
            befriend(&mut lab, &signers, node, to);
        }
        lab.run(lab.now.saturating_add(Millis::new(60_000 / u64::from(field.nodes))));
    }
    lab.run(START.saturating_add(Millis::from_secs(100)));
    let before = lab.now;
    lab.run(lab.now.saturating_add(Millis::from_mins(scale.of(3, 5, 8))));
    let booted = 100.0 * lab.delivered(Kind::Honest, before, &first).value();
    let honest = lab.delivered(Kind::Honest, START, &first);
    for node in &last {
        for _ in 0..2 {
            let to = lab.random.below(field.nodes as usize) as Number;
            if lab.connect(*node, to) {
                lab.read(*node, to);
            }
        }
    }
    lab.run(lab.now.saturating_add(IN_TIME));
    let listed = 100.0 * lab.in_force(&last).value();
    let mut outcome = Outcome { honest, ..Outcome::of(&lab) };
    outcome.more.push(("after the start, %", booted));
    outcome.more.push(("listed by the last, %", listed));
    outcome
}

/// Nodes without a signer, that know the burns and nobody else.
fn newcomers(lab: &mut Lab, which: Which, seed: u64, count: u32) -> Vec<Number> {
    let claims: Vec<_> = lab.signers.iter().map(|signer| Claim::new(&signer.key)).collect();
    let (known, room) = (Known::new(&claims), 2 * (claims.len() as u32 + 32));
    let mut add = |number: u32| {
        let rules = which.knowing(room, made::mix(seed) ^ u64::from(number), &known);
        lab.add(number, Some(rules))
    };
    (0..count).map(|number| add(claims.len() as u32 + number)).collect()
}

/// Turns relays silent.
struct Fall(Vec<Number>);

impl Actor for Fall {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for relay in &self.0 {
            lab.set_relay(*relay, Relay::Silent);
        }
        None
    }
}

fn flash(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = crowd(scale);
    let signers = field.build(&mut lab, which, seed);
    for node in 0..field.nodes {
        for _ in 0..DEGREE {
            let to = lab.random.below(field.nodes as usize) as Number;
            befriend(&mut lab, &signers, node, to);
        }
    }
    let sybils = surround(&mut lab, field.nodes, 4 * 2 * DEGREE as u32);
    let known = sybils.iter().take(5).map(|sybil| buy_for(&mut lab, *sybil)).collect::<Vec<_>>();
    for node in lab.nodes().to_vec() {
        for sybil in &known {
            lab.connect(sybil.node, node);
            lab.prove(sybil.node, node, sybil);
        }
        self_deal(&mut lab, node, &known);
    }
    for sybil in &sybils {
        lab.set_relay(*sybil, Relay::Fast);
    }
    begin(&mut lab);
    let flash = START.saturating_add(Millis::from_mins(3));
    lab.enter(flash, Fall(sybils));
    // What is said in the first minute has its time.
    lab.run(flash.saturating_add(Millis::from_mins(1)).saturating_add(IN_TIME));
    let soon = 100.0 * lab.delivered_soon(Kind::Honest, flash, lab.nodes()).value();
    lab.run(flash.saturating_add(Millis::from_mins(scale.of(3, 6, 8))));
    let after = 100.0 * lab.delivered(Kind::Honest, flash, lab.nodes()).value();
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("after the flash, %", after));
    outcome.more.push(("within a second, %", soon));
    outcome
}

/// Each attacker signs 25 times with the next, as far as a node would count it.
fn self_deal(lab: &mut Lab, node: Number, known: &[Signer]) {
    let (now, rules) = lab.rules(node);
    let others = known.iter().cycle().skip(1).map(|other| other.identity);
    for (subject, counterparty) in known.iter().zip(others) {
        for number in 0..25 {
            let went = Session::Completed(Millis::from_secs(1));
            rules.session(now, number, (&subject.identity, &counterparty), went);
        }
    }
}
