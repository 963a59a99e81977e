//! Attacks by who passes messages on.

use ltms_core::{Millis, Timestamp};

use super::{Outcome, Scale, Scenario, floods::HOSTILE_GROUP};
use crate::lab::field::Field;
use crate::lab::{Actor, Lab, Number, Relay};
use crate::made::START;
use crate::rules::Which;

pub(crate) const FIRST_COPY: Scenario = Scenario {
    name: "first-copy censorship",
    about: "relays with the shortest links bring every honest message first, and more copies than \
            their window allows, so that their copy is refused and later ones are duplicates",
    line: "honest ≥ 99 %, nobody honest banned, of a link no more than twice its \
           window are looked at, 40 a second",
    gain: "",
    run: first_copy,
    holds: |outcome| {
        outcome.honest.value() >= 0.99
            && outcome.honest_banned == 0
            && outcome.figure("looked at a second and link") <= 40.0
    },
};

/// Sends old messages again, over its window.
struct Rush {
    relays: Vec<Number>,
    end: Timestamp,
}

impl Actor for Rush {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for relay in &self.relays {
            // Half of the links are enough, at twice the pace.
            let links: Vec<_> = lab.links(*relay).iter().step_by(2).collect();
            let there = lab.messages.len();
            if there == 0 {
                continue;
            }
            for to in links {
                let number = lab.random.below(there as usize) as Number;
                lab.messages[number].seen.remove(to);
                lab.send(*relay, to, number);
            }
        }
        let next = lab.now.saturating_add(Millis::new(12));
        (next < self.end).then_some(next)
    }
}

fn first_copy(which: Which, scale: Scale, seed: u64) -> Outcome {
    let field = Field::new(scale.of(20, 40, 100), 4);
    let mut lab = Lab::new(seed);
    let _ = field.build(&mut lab, which, seed);
    let end = START.saturating_add(Millis::from_mins(scale.of(3, 5, 10)));
    let relays: Vec<_> = (0..4).map(|number| lab.add(HOSTILE_GROUP + number, None)).collect();
    for relay in &relays {
        lab.set_relay(*relay, Relay::Fast);
        for node in 0..field.nodes {
            lab.connect(*relay, node);
        }
    }
    let begin = START.saturating_add(Millis::from_secs(30));
    let link_seconds = f64::from(2 * field.nodes) * end.since(begin).get() as f64 / 1000.0;
    lab.enter(begin, Rush { relays, end });
    lab.run(begin);
    let before = lab.tally.heard;
    lab.run(end);
    let heard = (lab.tally.heard - before) as f64;
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("looked at a second and link", heard / link_seconds));
    outcome
}
