//! No attack, and yet what punishes honest nodes elsewhere: clocks, held-back traffic, versions.

use ltms_core::wire::Envelope;
use ltms_core::{Millis, PublicKey, Timestamp};

use super::{Outcome, Scale, Scenario};
use crate::lab::field::{self, Field};
use crate::lab::{Actor, Kind, Lab, Message, Number};
use crate::made::{Ad, START};
use crate::rules::Which;

pub(crate) const CLOCKS: Scenario = Scenario {
    name: "clock skew and jumps",
    about: "a quarter of the clocks are up to two and a half minutes off, so up to five from each \
            other (policy 2); for a minute one is three hours ahead, one at the beginning of time \
            and one at its end",
    line: "nobody honest banned, honest ≥ 99 % once the clocks are back",
    gain: "",
    run: clocks,
    holds: |outcome| outcome.honest_banned == 0 && outcome.figure("after the jumps, %") >= 99.0,
};

pub(crate) const HELD_BACK: Scenario = Scenario {
    name: "mass disconnect",
    about: "a node's links break a dozen times within a minute, and at each connection every \
            honest neighbour says its advertisement anew, so that all of them look hasty",
    line: "none that the node dialled is banned, the breaker has opened, honest ≥ 99 % afterwards",
    gain: "",
    run: held_back,
    holds: |outcome| {
        outcome.figure("dialled and banned") == 0.0
            && outcome.figure("afterwards, %") >= 99.0
            // Else nothing was there to be spared.
            && outcome.figure("breaker opened") != 0.0
    },
};

pub(crate) const VERSIONS: Scenario = Scenario {
    name: "version skew",
    about: "a third of the honest nodes speak a newer version: kinds of messages \
            and fields that the others do not know",
    line: "nobody honest banned, honest ≥ 99 %",
    gain: "",
    run: versions,
    holds: |outcome| outcome.honest_banned == 0 && outcome.honest.value() >= 0.99,
};

fn clocks(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(24, 64, 256), 5);
    let _ = field.build(&mut lab, which, seed);
    for node in (0..field.nodes).step_by(4) {
        let by = lab.random.below(299_000) as i64 - 149_500;
        lab.skew(node, by);
    }
    lab.run(START.saturating_add(Millis::from_mins(2)));
    let jumps = [3 * 3_600_000, i64::MIN, i64::MAX];
    for (node, jump) in [1, 2, 3].into_iter().zip(jumps) {
        lab.skew(node, jump);
    }
    lab.run(lab.now.saturating_add(Millis::from_mins(1)));
    for node in 1..4 {
        lab.skew(node, 0);
    }
    // What they said while they were wrong has to be said again.
    lab.run(lab.now.saturating_add(Millis::from_mins(2)));
    let before = lab.now;
    lab.run(lab.now.saturating_add(Millis::from_mins(scale.of(4, 6, 20))));
    let after = 100.0 * lab.delivered(Kind::Honest, before, lab.nodes()).value();
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("after the jumps, %", after));
    outcome
}

/// Times that the node's links break within a minute; a tenth haste sanctions (policy 3).
const BREAKS: usize = 12;

fn held_back(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(24, 48, 128), 4);
    let _ = field.build(&mut lab, which, seed);
    // Some of them by its own choice: at least eight, of whom the breaker wants to know.
    for other in 1..13 {
        lab.connect(0, other);
    }
    lab.run(START.saturating_add(Millis::from_mins(2)));
    let dialled = lab.peers[0].opened.clone();
    // Whoever came to the node and is hasty before the breaker opens is sanctioned (policy 4): the
    // breaker promises nothing to those.
    let came = lab.links(0).iter().filter(|link| !dialled.contains(*link));
    for link in came.collect::<Vec<_>>() {
        lab.disconnect(0, link);
    }
    let breaks = if which == Which::Calm { 0 } else { BREAKS };
    for _ in 0..breaks {
        reconnect(&mut lab, 0);
    }
    lab.run(lab.now.saturating_add(Millis::from_mins(3)));
    let before = lab.now;
    lab.run(lab.now.saturating_add(Millis::from_mins(4)));
    let after = 100.0 * lab.delivered(Kind::Honest, before, lab.nodes()).value();
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("afterwards, %", after));
    let lost = dialled.iter().filter(|link| !lab.peers[0].opened.contains(*link)).count();
    outcome.more.push(("dialled", dialled.len() as f64));
    outcome.more.push(("dialled and banned", lost as f64));
    if let Some([opened, spared]) = lab.rules(0).1.breaker() {
        outcome.more.push(("breaker opened", opened as f64));
        outcome.more.push(("sanctions spared", spared as f64));
    }
    outcome
}

/// All links of a node break and are there again, first those that it opens itself. Whoever is at
/// their other ends says anew what it signs for, as software does that has no window of its own.
fn reconnect(lab: &mut Lab, node: Number) {
    let opened = lab.peers[node as usize].opened.clone();
    let (own, others): (Vec<_>, Vec<_>) =
        lab.links(node).iter().partition(|link| opened.contains(*link));
    for link in own.iter().chain(&others) {
        lab.disconnect(node, *link);
    }
    for link in own.into_iter().chain(others) {
        let there =
            if opened.contains(link) { lab.connect(node, link) } else { lab.connect(link, node) };
        if there {
            let signer = lab.signers[link as usize];
            let anew = field::advertisement(lab, &signer);
            let number = lab.messages.add(anew);
            lab.send(link, node, number);
        }
        lab.run(lab.now.saturating_add(Millis::new(200)));
    }
}

/// Says what only newer versions understand.
struct Newer {
    node: Number,
    count: u64,
    end: Timestamp,
}

impl Actor for Newer {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        self.count += 1;
        let ad = Ad {
            author: PublicKey::from_bytes([2; 33]),
            identity: None,
            peer: lab.peers[self.node as usize].id,
            created_at: lab.now,
            lasting: field::LASTING,
            delegation: None,
        };
        let said = field::message(Kind::Newer, &ad, newer(&ad.seal(), self.count));
        let said = Message { newer: true, ..said };
        lab.publish(self.node, said);
        let next = lab.now.saturating_add(Millis::from_secs(10));
        (next < self.end).then_some(next)
    }
}

/// The envelope with a kind, or with a field of its body, that this version does not know.
fn newer(envelope: &[u8], number: u64) -> Vec<u8> {
    let mut bytes = envelope.to_vec();
    if number.is_multiple_of(2) {
        bytes[1] = 8 + (number % 16) as u8;
        return bytes;
    }
    let Envelope { kind, body, signature } = Envelope::decode(envelope).expect("it was made here");
    let mut body = body.to_vec();
    // One entry more: 23 is 0.
    body[0] += 1;
    body.extend([23, 0]);
    let mut bytes = vec![0; envelope.len() + 8];
    let sealed = Envelope { kind, body: &body, signature };
    let len = sealed.encode(&mut bytes).expect("there is room");
    bytes.truncate(len);
    bytes
}

fn versions(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(18, 48, 200), 4);
    let _ = field.build(&mut lab, which, seed);
    let end = START.saturating_add(Millis::from_mins(scale.of(4, 8, 30)));
    let newer = if lab.calm { 0 } else { field.nodes };
    for node in (0..newer).step_by(3) {
        lab.enter(START.saturating_add(Millis::from_secs(30)), Newer { node, count: 0, end });
    }
    lab.run(end);
    Outcome::of(&lab)
}
