//! Ids that are ground until they meet in one bucket of a node's table.
//!
//! What a search costs among them is measured by the core's benchmark of decisions; here is who
//! suffers from it.

use ltms_core::{Millis, PeerId, Seed};

use super::bans::{be_banned, refused};
use super::{Outcome, Scale, Scenario, floods::HOSTILE_GROUP};
use crate::lab::field::Field;
use crate::lab::{Lab, Number};
use crate::made::{self, START};
use crate::rules::{Table, Which};

pub(crate) const FLOODING: Scenario = Scenario {
    name: "hash flooding",
    about: "ids are ground until they share a bucket with an honest node's and, of the ban table, \
            with an offender's, under the secret that the attacker takes the node's for; they \
            connect or are banned before these two come",
    line: "with a secret that is none: the honest node is let in, the offender's ban holds, \
           honest ≥ 99 %",
    gain: "",
    run: flooding,
    holds: |outcome| {
        outcome.figure("honest node let in") == 1.0
            && outcome.figure("offender refused") == 1.0
            && outcome.honest.value() >= 0.99
    },
};

/// The node that is attacked, and the honest one that is to be kept from it.
const NODE: Number = 0;
const KEPT_OUT: Number = 1;
/// Ids of one bucket, which takes 32.
const COLLIDING: usize = 40;

fn flooding(which: Which, scale: Scale, seed: u64) -> Outcome {
    let guessed = Seed::new([1; 16]);
    let (mut outcome, [let_in, refused]) = flood(which, scale, seed, &guessed);
    outcome.more.push(("honest node let in", let_in));
    outcome.more.push(("offender refused", refused));
    // Others' tables are not built here from a secret of the node's own.
    if which == Which::Ours {
        let leaked = Field::secret(NODE, seed);
        let (_, [let_in, refused]) = flood(which, scale, seed, &leaked);
        outcome.more.push(("let in, where the secret leaked", let_in));
        outcome.more.push(("refused, where the secret leaked", refused));
    }
    outcome
}

/// What came of it, whether the honest node was let in, and whether the offender is refused.
fn flood(which: Which, scale: Scale, seed: u64, secret: &Seed) -> (Outcome, [f64; 2]) {
    let mut lab = Lab::new(seed);
    let signers = Field::new(12, 4).build(&mut lab, which, seed);
    lab.run(START.saturating_add(Millis::from_secs(60)));
    lab.disconnect(KEPT_OUT, NODE);
    let mut group = HOSTILE_GROUP;
    let mut ground = 0;
    let mut add = |lab: &mut Lab, id: PeerId| {
        let number = lab.add(group, None);
        lab.peers[number as usize].id = id;
        group += 1;
        number
    };
    let mut there = Vec::new();
    if which != Which::Calm {
        let like = lab.peers[KEPT_OUT as usize].id;
        for id in grind(secret, Table::Peers, &like, 1 << 40, &mut ground) {
            let number = add(&mut lab, id);
            lab.connect(number, NODE);
            there.push(number);
        }
    }
    let signer = signers[KEPT_OUT as usize];
    let let_in = lab.connect(KEPT_OUT, NODE) && lab.prove(KEPT_OUT, NODE, &signer);
    for number in there {
        lab.disconnect(number, NODE);
    }
    let offender = add(&mut lab, made::peer(1 << 42));
    let mut number = 0;
    if which != Which::Calm {
        let like = lab.peers[offender as usize].id;
        for id in grind(secret, Table::Bans, &like, 1 << 41, &mut ground) {
            let before = add(&mut lab, id);
            be_banned(&mut lab, before, NODE, &mut number);
        }
    }
    be_banned(&mut lab, offender, NODE, &mut number);
    let refused = refused(&mut lab, offender, NODE);
    lab.run(lab.now.saturating_add(Millis::from_mins(scale.of(2, 5, 20))));
    let mut outcome = Outcome::of(&lab);
    outcome.parameters.push(("ids ground", ground as f64));
    (outcome, [let_in, refused].map(|held| f64::from(u8::from(held))))
}

/// Ids that lie in the same bucket of a table of ours as this one.
fn grind(secret: &Seed, table: Table, like: &PeerId, first: u64, ground: &mut u64) -> Vec<PeerId> {
    let wanted = table.bucket(secret, like);
    (first..)
        .map(made::peer)
        .inspect(|_| *ground += 1)
        .filter(|id| table.bucket(secret, id) == wanted)
        .take(COLLIDING)
        .collect()
}
