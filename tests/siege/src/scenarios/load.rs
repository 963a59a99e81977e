//! Work for others: checks of signatures, and messages that are valid.

use ltms_core::{Millis, Timestamp};

use super::{Outcome, Scale, Scenario, buy, floods::HOSTILE_GROUP};
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Actor, Kind, Lab, Message, Number};
use crate::made::START;
use crate::rules::Which;

pub(crate) const CHECKS: Scenario = Scenario {
    name: "invalid signatures",
    about: "from 40 address groups ids send a node signatures that do not hold, as fast as they can, \
            and come back as others when they are cut off",
    line: "≤ 2,000 checks a second, honest ≥ 99 %, nothing listed",
    gain: "",
    run: checks,
    holds: |outcome| {
        outcome.figure("checks a second") <= 2_000.0
            && outcome.figure("checks a second") < outcome.figure("sent a second")
            && outcome.honest.value() >= 0.99
            && outcome.hostile.some == 0
    },
};

pub(crate) const SPAM: Scenario = Scenario {
    name: "advertisement spam",
    about: "five burned identities advertise something else twice a second, to every node",
    line: "honest ≥ 99 %, no more listed than their windows allow",
    gain: "",
    run: spam,
    holds: |outcome| outcome.honest.value() >= 0.99 && outcome.hostile.some <= outcome.allowed,
};

pub(crate) const OVERLOAD: Scenario = Scenario {
    name: "relays overloaded with valid traffic",
    about: "hundreds of burned identities advertise in the same second through one honest node, over \
            which everybody hears of everybody",
    line: "the relay is not cut off, honest ≥ 99 %",
    gain: "",
    run: overload,
    holds: |outcome| {
        outcome.honest.value() >= 0.99
            && outcome.honest_banned == 0
            && outcome.figure("of the valid delivered, %") >= 99.0
    },
};

/// Ids that come back whenever they are cut off.
struct Barrage {
    signers: Vec<Signer>,
    ids: Vec<Number>,
    end: Timestamp,
}

/// Between two of an id's messages.
const BARRAGE: Millis = Millis::new(50);

impl Actor for Barrage {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for (id, group) in self.ids.iter_mut().zip(HOSTILE_GROUP..) {
            if !lab.links(*id).contains(0) {
                *id = lab.add(group, None);
                lab.connect(*id, 0);
            }
            let victim = self.signers[lab.random.below(self.signers.len())];
            let publisher = lab.peers[*id as usize].id;
            let forged = Message {
                kind: Kind::Hostile,
                genuine: false,
                publisher,
                ..field::advertisement(lab, &victim)
            };
            lab.publish(*id, forged);
        }
        let next = lab.now.saturating_add(BARRAGE);
        (next < self.end).then_some(next)
    }
}

fn checks(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let signers = Field::new(10, 4).build(&mut lab, which, seed);
    let begin = START.saturating_add(Millis::from_mins(1));
    lab.run(begin);
    let before = lab.rules(0).1.checks();
    let seconds = scale.of(60, 120, 600);
    let end = begin.saturating_add(Millis::from_secs(seconds));
    let ids: Vec<_> = (HOSTILE_GROUP..).take(40).map(|group| lab.add(group, None)).collect();
    let sent = ids.len() as f64 * 1000.0 / BARRAGE.get() as f64;
    lab.enter(begin, Barrage { signers, ids, end });
    lab.run(end.saturating_add(Millis::from_mins(1)));
    let checked = lab.rules(0).1.checks() - before;
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("checks a second", checked as f64 / seconds as f64));
    outcome.more.push(("sent a second", sent));
    outcome
}

/// An advertisement of an identity that an attacker bought.
fn said_of(lab: &Lab, signer: &Signer, by: Number) -> Message {
    let ad = field::ad(lab, signer, field::LASTING);
    let publisher = lab.peers[by as usize].id;
    Message { publisher, ..field::message(Kind::Hostile, &ad, ad.seal()) }
}

/// Says something of each identity, again and again.
struct Spam {
    bought: Vec<Signer>,
    every: Millis,
    end: Timestamp,
}

impl Actor for Spam {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for signer in &self.bought {
            let said = said_of(lab, signer, signer.node);
            lab.publish(signer.node, said);
        }
        let next = lab.now.saturating_add(self.every);
        (next < self.end).then_some(next)
    }
}

fn spam(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(16, 40, 200), 4);
    let _ = field.build(&mut lab, which, seed);
    let end = START.saturating_add(Millis::from_mins(scale.of(3, 6, 20)));
    let bought: Vec<_> = (0..5).map(|group| buy(&mut lab, HOSTILE_GROUP + group)).collect();
    for signer in &bought {
        for node in lab.nodes().to_vec() {
            lab.connect(signer.node, node);
        }
    }
    let begin = START.saturating_add(Millis::from_secs(30));
    lab.enter(begin, Spam { bought, every: Millis::new(500), end });
    lab.run(end);
    Outcome::of(&lab)
}

fn overload(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(12, 0);
    let _ = field.build(&mut lab, which, seed);
    for node in 1..field.nodes {
        lab.connect(node, 0);
    }
    let many = scale.of(150, 400, 1_500);
    let bought: Vec<_> = (0..many).map(|group| buy(&mut lab, HOSTILE_GROUP + group)).collect();
    // One connection brings it all, so that it is the relay that looks busy to the others.
    let first = bought[0].node;
    lab.connect(first, 0);
    let end = START.saturating_add(Millis::from_mins(scale.of(4, 6, 20)));
    let at = START.saturating_add(Millis::from_secs(35));
    for round in 0..scale.of(2, 4, 15) {
        // Later than a minute, by more than messages may take longer.
        lab.run(at.saturating_add(Millis::from_secs(70 * round)));
        for signer in &bought {
            let said = said_of(&lab, signer, first);
            lab.publish(first, said);
        }
    }
    lab.run(end);
    let others: Vec<_> = (0..field.nodes).collect();
    let delivered = lab.delivered(Kind::Hostile, START, &others).value();
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("of the valid delivered, %", 100.0 * delivered));
    outcome
}
