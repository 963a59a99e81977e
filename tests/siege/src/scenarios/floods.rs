//! More of everything than a node can take.

use ltms_core::{Millis, PublicKey, Timestamp};

use super::{Outcome, Scale, Scenario};
use crate::lab::field::{self, Field, LASTING, Signer};
use crate::lab::{Actor, Kind, Lab, Message, Number};
use crate::made::{self, Ad, START};
use crate::rules::Which;

/// Address groups that an attacker has.
const GROUPS: usize = 40;
/// The first of them: honest nodes have lower ones.
pub(crate) const HOSTILE_GROUP: u32 = 30_000;

pub(crate) const SYBILS: Scenario = Scenario {
    name: "Sybil flood",
    about: "fresh ids from 40 address groups connect to every node, advertise as strangers and \
            leave",
    line: "honest ≥ 99 %, memory constant, nobody honest banned",
    gain: "",
    run: |which, scale, seed| flood(which, scale, seed, stranger),
    holds: |outcome| {
        outcome.honest.value() >= 0.99
            && outcome.bytes[0] == outcome.bytes[1]
            && outcome.honest_banned == 0
    },
};

pub(crate) const FORGED: Scenario = Scenario {
    name: "forged advertisements that name victims",
    about: "the same ids send advertisements of registered signers with signatures that do not hold",
    line: "honest ≥ 99 %, none of the forged listed, nobody honest banned",
    gain: "",
    run: |which, scale, seed| flood(which, scale, seed, forged),
    holds: |outcome| {
        outcome.honest.value() >= 0.99 && outcome.hostile.some == 0 && outcome.honest_banned == 0
    },
};

/// Fresh keys, made many at a time.
#[derive(Default)]
pub(crate) struct Keys {
    made: Vec<PublicKey>,
    /// Blocks of keys so far.
    blocks: u64,
}

impl Keys {
    pub(crate) fn next(&mut self) -> PublicKey {
        if self.made.is_empty() {
            self.made = made::keys(1 << 40 | self.blocks << 8, 256);
            self.blocks += 1;
        }
        self.made.pop().expect("a block of them")
    }
}

/// What one fresh id says.
type Said = fn(&mut Lab, Number, &[Signer], PublicKey) -> Message;

fn stranger(lab: &mut Lab, from: Number, _: &[Signer], author: PublicKey) -> Message {
    let ad = Ad {
        author,
        identity: None,
        peer: lab.peers[from as usize].id,
        created_at: lab.now,
        lasting: LASTING,
        delegation: None,
    };
    Message { direct: true, ..field::message(Kind::Hostile, &ad, ad.seal()) }
}

fn forged(lab: &mut Lab, from: Number, signers: &[Signer], _: PublicKey) -> Message {
    let victim = signers[lab.random.below(signers.len())];
    let publisher = lab.peers[from as usize].id;
    let genuine = field::advertisement(lab, &victim);
    Message { kind: Kind::Hostile, genuine: false, publisher, ..genuine }
}

struct Flood {
    signers: Vec<Signer>,
    nodes: u32,
    /// Ids a second, over all nodes.
    rate: u64,
    keys: Keys,
    said: Said,
    end: Timestamp,
    /// Ids that are connected at present.
    there: Vec<(Timestamp, Number, Number)>,
}

impl Actor for Flood {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        let now = lab.now;
        self.there.retain(|(until, id, node)| {
            if *until <= now {
                lab.disconnect(*id, *node);
            }
            *until > now
        });
        let group = HOSTILE_GROUP + lab.random.below(GROUPS) as u32;
        let node = lab.random.below(self.nodes as usize) as Number;
        let id = lab.add(group, None);
        if lab.connect(id, node) {
            for _ in 0..3 {
                let key = self.keys.next();
                let message = (self.said)(lab, id, &self.signers, key);
                lab.publish(id, message);
            }
            self.there.push((now.saturating_add(Millis::from_secs(2)), id, node));
        }
        let next = now.saturating_add(Millis::new(1000 / self.rate));
        (next < self.end).then_some(next)
    }
}

fn flood(which: Which, scale: Scale, seed: u64, said: Said) -> Outcome {
    let field = Field::new(scale.of(30, 100, 200), 6);
    let minutes = scale.of(3, 4, 10);
    let mut lab = Lab::new(seed);
    let signers = field.build(&mut lab, which, seed);
    let end = START.saturating_add(Millis::from_mins(minutes));
    let rate = scale.of(20, 50, 100);
    let flood = Flood {
        signers,
        nodes: field.nodes,
        rate,
        keys: Keys::default(),
        said,
        end,
        there: Vec::new(),
    };
    lab.enter(START.saturating_add(Millis::from_mins(1)), flood);
    lab.run(end);
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("attackers disconnected", lab.tally.hostile_sanctioned as f64));
    outcome
}
