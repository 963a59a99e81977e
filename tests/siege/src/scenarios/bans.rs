//! Bans that are to be forgotten, or to hit somebody else.

use ltms_core::{Millis, PublicKey};

use super::{Outcome, Scale, Scenario, floods::HOSTILE_GROUP};
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Kind, Lab, Message, Number};
use crate::made::{self, Ad, START};
use crate::rules::Which;

pub(crate) const FLUSH: Scenario = Scenario {
    name: "ban-table flush",
    about: "a hundred ids are banned, half of them for signatures that do not hold; thousands of \
            throwaway ids are banned after them; more than an hour later the hundred come back",
    line: "all of the hundred are refused, memory constant, nobody honest banned",
    gain: "",
    run: flush,
    holds: |outcome| {
        outcome.figure("of the first hundred refused") == 100.0
            && outcome.bytes[0] == outcome.bytes[1]
            && outcome.honest_banned == 0
    },
};

pub(crate) const NEIGHBOURS: Scenario = Scenario {
    name: "banned neighbours",
    about: "an attacker behind an honest signer's own address has as many ids banned as it can; \
            then the signer's node connects again",
    line: "the signer is let in and its advertisements are taken",
    gain: "",
    run: neighbours,
    holds: |outcome| outcome.figure("signer let in") == 1.0 && outcome.honest.value() >= 0.99,
};

/// Bytes that are no message.
fn malformed(lab: &Lab, from: Number, number: u64) -> Message {
    let ad = Ad {
        author: PublicKey::from_bytes([2; 33]),
        identity: None,
        peer: lab.peers[from as usize].id,
        created_at: lab.now,
        lasting: field::LASTING,
        delegation: None,
    };
    let mut bytes = vec![0xff; 64];
    bytes[1..9].copy_from_slice(&made::mix(number).to_le_bytes());
    Message { genuine: false, direct: true, ..field::message(Kind::Hostile, &ad, bytes) }
}

/// A stranger's advertisement with a signature that does not hold.
fn unsigned(lab: &Lab, from: Number, _: u64) -> Message {
    let ad = Ad {
        author: made::secret(1 << 42).public_key(),
        identity: None,
        peer: lab.peers[from as usize].id,
        created_at: lab.now,
        lasting: field::LASTING,
        delegation: None,
    };
    Message { genuine: false, direct: true, ..field::message(Kind::Hostile, &ad, ad.seal()) }
}

/// What is said that is wrong, and how often.
type Offence = (u32, fn(&Lab, Number, u64) -> Message);

/// Lets an id connect to the node and do what a ban for good is for.
pub(super) fn be_banned(lab: &mut Lab, id: Number, node: Number, number: &mut u64) {
    offend(lab, [id, node], number, (60, malformed));
}

/// How often an id that was cut off comes back to be banned: some cut off long before they ban.
pub(super) const RETURNS: u32 = 6;

/// Lets an id connect to a node and offend, and again until it is not let in.
fn offend(lab: &mut Lab, [id, node]: [Number; 2], number: &mut u64, (times, said): Offence) {
    for _ in 0..RETURNS {
        if !lab.connect(id, node) {
            break;
        }
        for _ in 0..times {
            *number += 1;
            let message = said(lab, id, *number);
            lab.publish(id, message);
        }
        lab.run(lab.now.saturating_add(Millis::new(200)));
        if lab.links(id).contains(node) {
            lab.disconnect(id, node);
            break;
        }
    }
}

/// Whether the node refuses the id, asked as an id that comes again.
pub(super) fn refused(lab: &mut Lab, id: Number, node: Number) -> bool {
    let let_in = lab.connect(id, node);
    let asked_for_proof = lab.asks_for_proof(id, node);
    if let_in {
        lab.disconnect(id, node);
    }
    !let_in || asked_for_proof
}

fn flush(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(12, 4);
    let _ = field.build(&mut lab, which, seed);
    lab.run(START.saturating_add(Millis::from_secs(60)));
    let mut number = 0;
    let first: Vec<_> = (0..100).map(|group| lab.add(HOSTILE_GROUP + group, None)).collect();
    let how: [Offence; 2] = [(60, malformed), (12, unsigned)];
    for (id, how) in first.iter().zip(how.into_iter().cycle()) {
        offend(&mut lab, [*id, 0], &mut number, how);
    }
    let throwaway = scale.of(1_200, 5_000, 20_000);
    for group in 0..throwaway {
        let id = lab.add(HOSTILE_GROUP + 100 + group % 20_000, None);
        be_banned(&mut lab, id, 0, &mut number);
    }
    lab.run(lab.now.saturating_add(Millis::from_mins(70)));
    let refused = first.into_iter().filter(|id| refused(&mut lab, *id, 0)).count();
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("of the first hundred refused", refused as f64));
    outcome.more.push(("throwaway ids", f64::from(throwaway)));
    outcome
}

fn neighbours(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(12, 4);
    let signers = field.build(&mut lab, which, seed);
    lab.run(START.saturating_add(Millis::from_secs(60)));
    let victim: Signer = signers[1];
    assert_eq!(victim.node, 1);
    let (mut number, ids) = (0, scale.of(200, 2_000, 20_000));
    lab.disconnect(1, 0);
    for _ in 0..ids {
        let id = lab.add(1, None);
        lab.peers[id as usize].address = lab.peers[1].address;
        be_banned(&mut lab, id, 0, &mut number);
    }
    let let_in = lab.connect(1, 0) && lab.prove(1, 0, &victim);
    lab.run(lab.now.saturating_add(Millis::from_mins(5)));
    let stays = lab.links(0).contains(1);
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("signer let in", f64::from(u8::from(let_in && stays))));
    outcome.more.push(("ids banned beside it", f64::from(ids)));
    outcome
}
