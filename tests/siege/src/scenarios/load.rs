//! Work for others: checks of signatures, and messages that are valid.

use ltms_core::{Millis, Timestamp};

use super::{Outcome, Scale, Scenario, buy, floods::HOSTILE_GROUP};
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Actor, IN_TIME, Kind, Lab, Message, Number};
use crate::made::START;
use crate::rules::Which;

pub(crate) const CHECKS: Scenario = Scenario {
    name: "invalid signatures",
    about: "from each of 40 address groups an id sends a node signatures that do not hold, as fast as \
            it can, and comes back as another when it is cut off",
    line: "≤ 10 checks a second of a group and 20 at once, honest ≥ 99 %, nothing listed",
    gain: "",
    run: |which, scale, seed| checks(which, scale, seed, [40, 40], scale.of(60, 120, 600)),
    holds: |outcome| {
        // One connection's, which the next of its group goes on from. Two of a group at once would
        // have ten each, and a group that has none meanwhile saves up to twenty.
        outcome.figure("checks a second and group") <= 10.0
            && outcome.honest.value() >= 0.99
            && outcome.hostile.some == 0
    },
};

pub(crate) const FLASH: Scenario = Scenario {
    name: "a flash of invalid signatures",
    about: "the same for a few seconds, each id from an address group of its own",
    line: "≤ 2,000 checks a second and 4,000 at once, honest ≥ 99 %, nothing listed",
    gain: "",
    run: |which, scale, seed| checks(which, scale, seed, [20_000, 120], scale.of(8, 10, 20)),
    holds: |outcome| {
        outcome.figure("checks a second") <= 2_000.0
            && outcome.honest.value() >= 0.99
            && outcome.hostile.some == 0
    },
};

pub(crate) const SPAM: Scenario = Scenario {
    name: "advertisement spam",
    about: "five burned identities advertise something else twice a second, to every node; half of the \
            nodes dialled them, and whoever is cut off comes again",
    line: "honest ≥ 99 %, no more listed than their windows allow, no more than 100 of each are looked at \
           by a node",
    gain: "",
    run: spam,
    holds: |outcome| {
        outcome.honest.value() >= 0.99
            && outcome.hostile.some <= outcome.allowed
            && outcome.figure("looked at of each") <= 100.0
    },
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
    /// Whom they name: nothing is checked in the name of who was heard of lately.
    silent: Vec<Signer>,
    /// Address groups that they come from: one for each of those there are at a time, or each new
    /// id's is the next.
    groups: u32,
    /// Ids at a time.
    at_once: u32,
    /// Ids so far, and those that there are with what each says.
    made: u32,
    ids: Vec<(Number, Number)>,
    end: Timestamp,
}

/// Between two of an id's messages.
const BARRAGE: Millis = Millis::new(10);

impl Barrage {
    /// An id that comes in this place, and its message: what does not hold may be said again.
    fn come(&mut self, lab: &mut Lab, place: u32) -> (Number, Number) {
        let group = if self.groups == self.at_once { place } else { self.made % self.groups };
        let id = lab.add(HOSTILE_GROUP + group, None);
        self.made += 1;
        lab.connect(id, 0);
        let victim = self.silent[lab.random.below(self.silent.len())];
        let publisher = lab.peers[id as usize].id;
        let forged = Message {
            kind: Kind::Hostile,
            genuine: false,
            publisher,
            ..field::advertisement(lab, &victim)
        };
        (id, lab.publish(id, forged))
    }
}

impl Actor for Barrage {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for place in 0..self.at_once {
            let at = place as usize;
            let there = self.ids.get(at).filter(|(id, _)| lab.links(*id).contains(0)).copied();
            let (id, message) = there.unwrap_or_else(|| self.come(lab, place));
            self.ids.splice(at..self.ids.len().min(at + 1), [(id, message)]);
            lab.messages[message].seen.remove(0);
            lab.send(id, 0, message);
        }
        let next = lab.now.saturating_add(BARRAGE);
        (next < self.end).then_some(next)
    }
}

fn checks(
    which: Which,
    scale: Scale,
    seed: u64,
    [groups, at_once]: [u32; 2],
    seconds: u64,
) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field { advertise: 0, ..Field::new(scale.of(40, 100, 200), 4) };
    let signers = field.build(&mut lab, which, seed);
    let (silent, loud) = signers.split_at(signers.len() / 10);
    let begin = START.saturating_add(Millis::from_mins(1));
    lab.run(begin);
    let span = Millis::from_secs(seconds);
    // These say something while it lasts, and nothing before.
    field::begin_advertising(&mut lab, loud.iter(), span, field.times);
    let before = lab.rules(0).1.checks();
    let end = begin.saturating_add(span);
    if !lab.calm {
        let (silent, ids) = (silent.to_vec(), Vec::new());
        lab.enter(begin, Barrage { silent, groups, at_once, made: 0, ids, end });
    }
    lab.run(end);
    let checked = (lab.rules(0).1.checks() - before) as f64;
    lab.run(end.saturating_add(IN_TIME));
    // What holds gives its check back.
    let holds = |message: &&Message| message.genuine && message.sent.is_some_and(|at| at >= begin);
    let failed = checked - lab.messages.iter().filter(holds).count() as f64;
    // What a group, or all of them, may have at once is not counted for the seconds.
    let lasting = |checks: f64, at_once: u64| (checks - at_once as f64).max(0.0) / seconds as f64;
    let each = lasting(failed, 20 * u64::from(groups)) / f64::from(groups);
    let mut outcome = Outcome::of(&lab);
    outcome.honest = lab.delivered(Kind::Honest, begin, &[0]);
    outcome.more.push(("checks a second", lasting(checked, 4_000)));
    outcome.more.push(("checks a second and group", each));
    outcome.more.push(("checks", checked));
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
            for node in lab.nodes().to_vec() {
                // Nobody dials again who was banned.
                lab.connect(signer.node, node);
            }
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
        for node in lab.nodes().to_vec().into_iter().step_by(2) {
            lab.connect(node, signer.node);
        }
    }
    let each = f64::from(5 * field.nodes);
    let begin = START.saturating_add(Millis::from_secs(30));
    lab.enter(begin, Spam { bought, every: Millis::new(500), end });
    lab.run(end);
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("looked at of each", lab.tally.heard as f64 / each));
    outcome
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
