//! Keys that attackers bring under others, or too many of their own.

use ltms_core::{Millis, PublicKey, Timestamp};

use super::floods::{HOSTILE_GROUP, Keys};
use super::{Outcome, Scale, Scenario};
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Actor, Kind, Lab, Message, Number};
use crate::made::{Ad, START};
use crate::rules::Which;

pub(crate) const UNDER_VICTIM: Scenario = Scenario {
    name: "keys under a victim's identity",
    about: "attackers sign advertisements with fresh keys of their own, which name honest signers' \
            identities and peers",
    line: "none listed, honest ≥ 99 %",
    gain: "",
    run: |which, scale, seed| run(which, scale, seed, true),
    holds: |outcome| outcome.hostile.some == 0 && outcome.honest.value() >= 0.99,
};

pub(crate) const FLOOD: Scenario = Scenario {
    name: "key flood and squatting",
    about: "from eight address groups strangers who stay advertise another key of theirs every \
            few seconds",
    line: "a peer has at most 10 keys listed, honest ≥ 99 %",
    gain: "",
    run: |which, scale, seed| run(which, scale, seed, false),
    holds: |outcome| {
        outcome.figure("keys of one peer at most") <= 10.0 && outcome.honest.value() >= 0.99
    },
};

struct Squat {
    ids: Vec<Number>,
    signers: Vec<Signer>,
    keys: Keys,
    /// Whether they name honest signers.
    naming: bool,
    end: Timestamp,
    used: Vec<(Number, PublicKey)>,
}

impl Actor for Squat {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        for id in self.ids.clone() {
            let (publisher, key) = (lab.peers[id as usize].id, self.keys.next());
            let victim = self.signers[lab.random.below(self.signers.len())];
            let named = lab.peers[victim.node as usize].id;
            let ad = Ad {
                author: key,
                identity: self.naming.then_some(victim.identity),
                peer: if self.naming { named } else { publisher },
                created_at: lab.now,
                lasting: Millis::from_hours(12),
                delegation: None,
            };
            let said = field::message(Kind::Hostile, &ad, ad.seal());
            lab.publish(id, Message { publisher, direct: !self.naming, ..said });
            self.used.push((id, key));
        }
        let next = lab.now.saturating_add(Millis::from_secs(5));
        if next < self.end {
            return Some(next);
        }
        for id in &self.ids {
            let of_peer = self.used.iter().filter(|(by, _)| by == id);
            let listed = of_peer.filter(|(_, key)| lab.lists(0, key)).count() as u64;
            lab.tally.most_keys = lab.tally.most_keys.max(listed);
        }
        None
    }
}

fn run(which: Which, scale: Scale, seed: u64, naming: bool) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(16, 40, 200), 4);
    let signers = field.build(&mut lab, which, seed);
    let minutes = if naming { scale.of(4, 6, 20) } else { scale.of(14, 20, 60) };
    let end = START.saturating_add(Millis::from_mins(minutes));
    let ids: Vec<_> = (0..8).map(|group| lab.add(HOSTILE_GROUP + group, None)).collect();
    for id in &ids {
        for node in 0..field.nodes {
            lab.connect(*id, node);
        }
    }
    let (keys, used) = (Keys::default(), Vec::new());
    let begin = START.saturating_add(Millis::from_secs(40));
    lab.enter(begin, Squat { ids, signers, keys, naming, end, used });
    lab.run(end);
    let mut outcome = Outcome::of(&lab);
    if !naming {
        outcome.more.push(("keys of one peer at most", lab.tally.most_keys as f64));
    }
    outcome
}
