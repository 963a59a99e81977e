//! Honest messages, used against those who made them or who pass them on.

use ltms_core::{Millis, Timestamp};

use super::{Outcome, Scale, Scenario, floods::HOSTILE_GROUP};
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Actor, Kind, Lab, Message, Number};
use crate::made::{self, Ad, Claim, START};
use crate::rules::{Arrival, Which};

pub(crate) const OWN: Scenario = Scenario {
    name: "a signer's own messages replayed",
    about: "attackers send a signer's genuine advertisements again and again, to have it sanctioned",
    line: "honest ≥ 99 %, nobody honest banned",
    gain: "",
    run: own,
    holds: |outcome| outcome.honest.value() >= 0.99 && outcome.honest_banned == 0,
};

pub(crate) const OLD: Scenario = Scenario {
    name: "replay after a flood of ids",
    about: "every message of the last minutes is sent again after a flood of others, when a cache \
            of ids would have forgotten it; what was withdrawn also to a node that has just come",
    line: "none is listed a second time as new, none that was withdrawn by who has just come, nobody \
           honest banned",
    gain: "",
    run: old,
    holds: |outcome| {
        outcome.figure("withdrawn listed again") == 0.0
            && outcome.figure("withdrawn listed by a newcomer") == 0.0
            && outcome.honest_banned == 0
    },
};

pub(crate) const PARTITION: Scenario = Scenario {
    name: "a partition that heals",
    about: "signers say once in half an hour what is in force for an hour; two halves of the network \
            hear nothing of each other for twenty minutes; then what was held back in the last five \
            arrives within seconds, and what is older is lost",
    line: "nobody honest banned, honest ≥ 99 % afterwards, and ≥ 99 % of what is in force is listed by \
           all five minutes after",
    gain: "",
    run: partition,
    holds: |outcome| {
        outcome.honest_banned == 0
            && outcome.figure("honest after healing, %") >= 99.0
            && outcome.figure("in force and listed, %") >= 99.0
    },
};

pub(crate) const TIMES: Scenario = Scenario {
    name: "expired and future entries",
    about: "genuine advertisements that have ended, or are dated ahead, by thousands of keys",
    line: "none listed, honest ≥ 99 %",
    gain: "",
    run: times,
    holds: |outcome| outcome.hostile.some == 0 && outcome.honest.value() >= 0.99,
};

/// Sends what there is, again.
struct Again {
    ids: Vec<Number>,
    victims: u32,
    every: Millis,
    end: Timestamp,
}

impl Actor for Again {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        let count = lab.messages.len() as usize;
        if count > 0 {
            for id in self.ids.clone() {
                let number = lab.random.below(count) as Number;
                let links: Vec<_> = lab.links(id).iter().collect();
                for to in links {
                    lab.messages[number].seen.remove(to);
                    lab.send(id, to, number);
                }
                if links_are_cut(lab, id) {
                    let to = lab.random.below(self.victims as usize) as Number;
                    let fresh = lab.add(HOSTILE_GROUP + id % 40, None);
                    lab.connect(fresh, to);
                    self.ids.retain(|old| *old != id);
                    self.ids.push(fresh);
                }
            }
        }
        let next = lab.now.saturating_add(self.every);
        (next < self.end).then_some(next)
    }
}

fn links_are_cut(lab: &Lab, id: Number) -> bool {
    lab.links(id).is_empty()
}

fn own(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(20, 60, 200), 4);
    let _ = field.build(&mut lab, which, seed);
    let end = START.saturating_add(Millis::from_mins(scale.of(4, 8, 20)));
    let ids: Vec<_> = (0..40).map(|group| lab.add(HOSTILE_GROUP + group, None)).collect();
    for (id, node) in ids.iter().zip((0..field.nodes).cycle()) {
        lab.connect(*id, node);
    }
    let again = Again { ids, victims: field.nodes, every: Millis::new(500), end };
    lab.enter(START.saturating_add(Millis::from_mins(1)), again);
    lab.run(end);
    Outcome::of(&lab)
}

/// After the advertisements of a key have been superseded, whether an older one comes back.
fn old(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(12, 4);
    let signers = field.build(&mut lab, which, seed);
    lab.run(START.saturating_add(Millis::from_mins(3)));
    let (id, victim) = (lab.add(HOSTILE_GROUP, None), 0);
    lab.connect(id, victim);
    // A short advertisement supersedes the long one before it, and ends: that is a withdrawal.
    let leaving = signers[1];
    let ad = field::ad(&lab, &leaving, Millis::from_hours(20));
    let held = field::message(Kind::Honest, &ad, ad.seal());
    let long = lab.publish(leaving.node, held);
    lab.run(lab.now.saturating_add(Millis::from_secs(90)));
    let short = brief(&lab, &leaving);
    lab.publish(leaving.node, short);
    lab.run(lab.now.saturating_add(Millis::from_secs(70)));
    let flood = scale.of(300, 2_000, 20_000);
    for number in 0..flood {
        let fresh = lab.add(HOSTILE_GROUP + 1 + number % 40, None);
        if lab.connect(fresh, victim) {
            let mut ad = field::advertisement(&lab, &signers[0]);
            ad.kind = Kind::Hostile;
            ad.genuine = false;
            lab.publish(fresh, ad);
            lab.run(lab.now.saturating_add(Millis::new(200)));
            lab.disconnect(fresh, victim);
        }
    }
    let fresh = lab.add(HOSTILE_GROUP + 50, None);
    lab.connect(fresh, victim);
    let before = lab.lists(victim, &leaving.key);
    lab.messages[long].seen.remove(victim);
    lab.send(fresh, victim, long);
    lab.run(lab.now.saturating_add(Millis::from_secs(2)));
    let after = lab.lists(victim, &leaving.key);
    // Longer ago than gossip may be (policy 2), and than it may take.
    lab.run(lab.now.saturating_add(Millis::from_mins(6)));
    let by_newcomer = newcomer(&lab, which, seed, long);
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("withdrawn listed by a newcomer", f64::from(u8::from(by_newcomer))));
    outcome.more.push(("withdrawn listed again", f64::from(u8::from(!before && after))));
    outcome
}

/// Whether a node that has just come and knows nothing but the burns lists an old message that an
/// attacker brings it.
fn newcomer(lab: &Lab, which: Which, seed: u64, old: Number) -> bool {
    let mut rules = which.rules(4_096, made::mix(seed + 1));
    for signer in &lab.signers {
        rules.learn(lab.now, &Claim::new(&signer.key));
    }
    let attacker = made::connection(1 << 40, HOSTILE_GROUP);
    rules.connect(lab.now, &attacker);
    rules.take(lab.now, &Arrival::new(attacker.peer, &lab.messages[old]));
    rules.lists(lab.now, &lab.messages[old].key)
}

/// One that ends in a minute.
fn brief(lab: &Lab, signer: &Signer) -> Message {
    let ad = field::ad(lab, signer, Millis::from_secs(60));
    field::message(Kind::Honest, &ad, ad.seal())
}

/// How old is at most what is held back: who has had no answer for so long has given up the link.
const HELD: Millis = Millis::from_mins(5);

fn partition(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::seldom(scale.of(24, 64, 256), 5);
    let _ = field.build(&mut lab, which, seed);
    lab.begin_reading();
    // By then everybody has said something.
    lab.run(START.saturating_add(Millis::from_mins(31)));
    lab.split = Some(|number| number % 2 == 0);
    lab.run(lab.now.saturating_add(Millis::from_mins(20)));
    lab.split = None;
    let healed = lab.now;
    // What was held back arrives, by every link between the halves.
    let is_held =
        |message: &Message| message.sent.is_some_and(|at| at.saturating_add(HELD) > healed);
    for node in lab.nodes().to_vec() {
        let others: Vec<_> = lab.links(node).iter().filter(|to| to % 2 != node % 2).collect();
        for number in 0..lab.messages.len() {
            let message = &lab.messages[number];
            let has = message.seen.contains(node) && is_held(message);
            for to in others.iter().filter(|_| has) {
                lab.send(node, *to, number);
            }
        }
    }
    lab.run(healed.saturating_add(Millis::from_mins(5)));
    let in_force = 100.0 * lab.in_force(lab.nodes()).value();
    lab.run(healed.saturating_add(Millis::from_mins(10)));
    let after = 100.0 * lab.delivered(Kind::Honest, healed, lab.nodes()).value();
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("honest after healing, %", after));
    outcome.more.push(("in force and listed, %", in_force));
    outcome
}

/// Advertisements that are not of now.
struct OtherTimes {
    signers: Vec<Signer>,
    ids: Vec<Number>,
    end: Timestamp,
}

impl Actor for OtherTimes {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for id in self.ids.clone() {
            let signer = self.signers[lab.random.below(self.signers.len())];
            let ahead = lab.random.below(2) == 0;
            let created_at = if ahead {
                lab.now.saturating_add(Millis::from_mins(6 + lab.random.below(600) as u64))
            } else {
                lab.now.saturating_sub(Millis::from_hours(1 + lab.random.below(48) as u64))
            };
            let ad = Ad { created_at, ..field::ad(lab, &signer, field::LASTING) };
            let publisher = lab.peers[id as usize].id;
            let said = field::message(Kind::Hostile, &ad, ad.seal());
            lab.publish(id, Message { publisher, ..said });
        }
        let next = lab.now.saturating_add(Millis::new(250));
        (next < self.end).then_some(next)
    }
}

fn times(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(20, 60, 200), 4);
    let signers = field.build(&mut lab, which, seed);
    let end = START.saturating_add(Millis::from_mins(scale.of(3, 6, 15)));
    let ids: Vec<_> = (0..20).map(|group| lab.add(HOSTILE_GROUP + group, None)).collect();
    for (id, node) in ids.iter().zip((0..field.nodes).cycle()) {
        lab.connect(*id, node);
    }
    lab.enter(START.saturating_add(Millis::from_secs(40)), OtherTimes { signers, ids, end });
    lab.run(end);
    Outcome::of(&lab)
}
