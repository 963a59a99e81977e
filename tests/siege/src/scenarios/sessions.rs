//! Slots for signing sessions. One node.

use ltms_core::{Millis, PublicKey};

use super::{Outcome, Scale, Scenario, buy, floods::HOSTILE_GROUP};
use crate::lab::field::{Field, Signer};
use crate::lab::{Lab, Number, Share};
use crate::made::{self, START};
use crate::rules::Which;

pub(crate) const SLOTS: Scenario = Scenario {
    name: "session-slot exhaustion",
    about: "forty strangers announce session after session to a node; then burned identities do, more \
            and more of them; after each, ten honest identities announce one, and again when the \
            others have long been silent",
    line: "strangers keep nobody out; of an identity no more than two are taken, and none under its own \
           key; who is silent keeps nobody out after two minutes of a phase, or eleven in all",
    gain: "honest sessions refused, %",
    run: slots,
    holds: |outcome| {
        outcome.figure("refused because of strangers") == 0.0
            && outcome.figure("taken of one identity at most") <= 2.0
            && outcome.figure("taken under an identity's own key") == 0.0
            && outcome.figure("refused after eleven minutes") == 0.0
            && outcome.figure("refused two minutes into a phase") == 0.0
    },
};

pub(crate) const ABORT: Scenario = Scenario {
    name: "selective abort",
    about: "one burned identity announces sessions and aborts each when others have joined, a thousand \
            times in ten minutes, beside ten honest ones",
    line: "its own two slots are all that it takes, nobody honest is refused",
    gain: "",
    run: abort,
    holds: |outcome| outcome.figure("taken of the aborter") <= 2.0 && outcome.honest.value() == 1.0,
};

/// A key for sessions: an identity's own is not taken for one.
fn session_key(of: Number) -> PublicKey {
    made::secret((1 << 40) + u64::from(of)).public_key()
}

struct Node {
    lab: Lab,
    number: u64,
}

impl Node {
    fn new(which: Which, seed: u64) -> Self {
        let mut lab = Lab::new(seed);
        let _ = Field::new(1, 0).build(&mut lab, which, seed);
        // Those who prove themselves here are honest, though nodes of theirs are not there.
        lab.calm = false;
        Self { lab, number: 0 }
    }

    /// A connected identity that has proved itself.
    fn identity(&mut self, group: u32) -> Signer {
        let signer = buy(&mut self.lab, HOSTILE_GROUP + group);
        self.lab.connect(signer.node, 0);
        self.lab.prove(signer.node, 0, &signer);
        signer
    }

    /// How many of them the node has cut off.
    fn cut_off(&mut self, signers: &[Signer]) -> u64 {
        let (now, rules) = self.lab.rules(0);
        let sanctioned = rules.sanctioned(now);
        let is_out = |signer: &&Signer| {
            let id = self.lab.peers[signer.node as usize].id;
            sanctioned.contains(&id) || self.lab.rules(0).1.is_cut_off(now, &id)
        };
        signers.iter().filter(is_out).count() as u64
    }

    fn announce(&mut self, by: Number) -> Option<bool> {
        self.announce_under(by, session_key(by))
    }

    fn announce_under(&mut self, by: Number, key: PublicKey) -> Option<bool> {
        self.number += 1;
        let (number, peer) = (self.number, self.lab.peers[by as usize].id);
        let keys = [key, session_key(Number::MAX)];
        let (now, rules) = self.lab.rules(0);
        rules.announce(now, number, &peer, keys)
    }

    fn honest(&mut self, signers: &[Signer]) -> Share {
        let (mut share, first) = (Share::default(), self.number);
        for signer in signers {
            share.of += 1;
            share.some += u64::from(self.announce(signer.node) == Some(true));
        }
        // They are done at once, so that their slots are free for the next count.
        for (number, signer) in (first + 1..).zip(signers) {
            let peer = self.lab.peers[signer.node as usize].id;
            let (now, rules) = self.lab.rules(0);
            rules.abort(now, number, &peer);
        }
        share
    }
}

fn slots(which: Which, _: Scale, seed: u64) -> Outcome {
    let mut curve = Vec::new();
    let (mut of_one, mut by_strangers, mut honest) = (0, 0, Share::default());
    let mut outcome = Outcome { asked: [true; 3], ..Outcome::default() };
    let buyers: &[u32] = if which == Which::Calm { &[0] } else { &[0, 4, 8, 16, 20, 24, 32] };
    for identities in buyers.iter().copied() {
        let mut node = Node::new(which, seed);
        let signers: Vec<_> = (0..10).map(|group| node.identity(group)).collect();
        let strangers: Vec<_> =
            (0..40).map(|group| node.lab.add(HOSTILE_GROUP + 100 + group, None)).collect();
        let before = node.lab.rules(0).1.bytes();
        let mut listed = 0;
        for stranger in strangers.into_iter().filter(|_| which != Which::Calm) {
            node.lab.connect(stranger, 0);
            for _ in 0..10 {
                let Some(taken) = node.announce(stranger) else {
                    return Outcome::lacking("sessions");
                };
                listed += u64::from(taken);
            }
        }
        for group in 0..identities {
            let buyer = node.identity(200 + group);
            let taken = (0..10).filter(|_| node.announce(buyer.node) == Some(true)).count();
            of_one = of_one.max(taken);
            listed += taken as u64;
        }
        let share = node.honest(&signers);
        if identities == 0 {
            (by_strangers, honest) = (share.of - share.some, share);
        }
        // One slot for all strangers, two for each identity (policy 8).
        outcome.allowed += 1 + 2 * u64::from(identities);
        outcome.hostile.some += listed;
        outcome.hostile.of += 10 * (40 + u64::from(identities));
        outcome.honest_banned += node.cut_off(&signers);
        outcome.bytes[0] += before;
        outcome.bytes[1] += node.lab.rules(0).1.bytes();
        curve.push((50.0 * f64::from(identities), 100.0 * (1.0 - share.value())));
    }
    let most = buyers[buyers.len() - 1];
    let [late, phase] = [(11, false), (2, true)]
        .map(|(minutes, joined)| silent(which, seed, most, (Millis::from_mins(minutes), joined)));
    let more = vec![
        ("taken under an identity's own key", f64::from(u8::from(own_key(which, seed)))),
        ("refused after eleven minutes", late as f64),
        ("refused two minutes into a phase", phase as f64),
        ("refused because of strangers", by_strangers as f64),
        ("taken of one identity at most", of_one as f64),
    ];
    let parameters = vec![
        ("nodes", 1.0),
        ("honest identities", 10.0),
        ("strangers", 40.0),
        ("burned identities of the attacker at most", 32.0),
        ("announcements of each", 10.0),
    ];
    Outcome { honest, curve, more, parameters, ..outcome }
}

/// How many honest identities are refused so long after so many others have announced what they
/// may and have fallen silent.
fn silent(which: Which, seed: u64, most: u32, (after, joined): (Millis, bool)) -> u64 {
    let mut node = Node::new(which, seed);
    let signers: Vec<_> = (0..10).map(|group| node.identity(group)).collect();
    for group in 0..most {
        let buyer = node.identity(200 + group);
        let peer = node.lab.peers[buyer.node as usize].id;
        for _ in 0..2 {
            let taken = node.announce(buyer.node) == Some(true);
            let number = node.number;
            let (now, rules) = node.lab.rules(0);
            if taken && joined {
                rules.join(now, number, &peer);
            }
        }
    }
    node.lab.run(START.saturating_add(after));
    let share = node.honest(&signers);
    share.of - share.some
}

/// Whether an identity's own key may sign in a session, and so be spent on it.
fn own_key(which: Which, seed: u64) -> bool {
    let mut node = Node::new(which, seed);
    let signer = node.identity(0);
    which != Which::Calm && node.announce_under(signer.node, signer.key) == Some(true)
}

fn abort(which: Which, _: Scale, seed: u64) -> Outcome {
    let mut node = Node::new(which, seed);
    let signers: Vec<_> = (0..10).map(|group| node.identity(group)).collect();
    let aborter = node.identity(100);
    let peer = node.lab.peers[aborter.node as usize].id;
    let before = node.lab.rules(0).1.bytes();
    let mut taken = 0;
    let times = if which == Which::Calm { 0 } else { 1_000u64 };
    for second in 0..times {
        node.lab.run(START.saturating_add(Millis::new(500 * second)));
        let Some(this) = node.announce(aborter.node) else { return Outcome::lacking("sessions") };
        taken += u64::from(this);
        let number = node.number;
        let (now, rules) = node.lab.rules(0);
        if this {
            rules.join(now, number, &peer);
            rules.abort(now, number, &peer);
        }
    }
    let honest = node.honest(&signers);
    let more = vec![("taken of the aborter", taken as f64)];
    Outcome {
        honest,
        hostile: Share { of: times, some: taken },
        // Each of an identity's two slots is kept for ten minutes after an abort (policy 8).
        allowed: 2,
        honest_banned: node.cut_off(&signers),
        bytes: [before, node.lab.rules(0).1.bytes()],
        spent: 50,
        more,
        parameters: vec![
            ("nodes", 1.0),
            ("honest identities", 10.0),
            ("burned identities of the attacker", 1.0),
            ("sessions announced", times as f64),
            ("minutes", times as f64 / 120.0),
        ],
        asked: [true; 3],
        ..Outcome::default()
    }
}
