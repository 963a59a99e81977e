//! Keys that attackers bring under others, or too many of their own.

use ltms_core::wire::Delegation;
use ltms_core::{IdentityId, Millis, PeerId, PublicKey, Timestamp};

use super::chain::{DEEP, TIP};
use super::floods::{HOSTILE_GROUP, Keys};
use super::{Outcome, Scale, Scenario};
use crate::lab::burns::Burn;
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Actor, Kind, Lab, Message, Number, Share};
use crate::made::{self, Ad, START};
use crate::rules::{Arrival, Rules, Taken, Which};

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

pub(crate) const MANY: Scenario = Scenario {
    name: "more keys than a burn pays for",
    about: "identities of one owner advertise for most of 40 minutes, at one node: one of 50 XPI under \
            another delegated key every few seconds, one of 1,000 XPI with ten confirmations as well, \
            one of 50 XPI under ten keys as often as each key's own window allows",
    line: "ten keys at once, twenty in all; ten advertisements, then one a minute",
    gain: "",
    run: many,
    holds: |outcome| {
        outcome.figure("keys at once") <= 10.0
            && outcome.figure("keys at once, young") <= 10.0
            && outcome.figure("keys in all") <= 20.0
            && outcome.figure("under ten keys") <= 10.0 + MINUTES as f64
    },
};

/// Shorter than it takes for ten keys' slots to be free twice: each is kept for ten minutes after
/// its advertisement, which lasts ten.
const MINUTES: u64 = 38;

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

/// An identity that lets other keys speak for it.
struct Owner {
    id: IdentityId,
    peer: PeerId,
    keys: std::vec::IntoIter<PublicKey>,
    listed: Vec<PublicKey>,
}

impl Owner {
    fn new(rules: &mut dyn Rules, number: u64, (xpi, height): (u64, u32)) -> Self {
        let secret = made::secret(number);
        let burn = Burn::registration(secret.public_key(), xpi, number, height);
        if let Some(burns) = rules.burns() {
            // The older SDK waits for 144 confirmations, and does not look at this afterwards.
            let young = height > DEEP;
            assert!(burns.register(START, &burn, &secret) || young, "it is paid for");
        }
        let connection = made::connection(number, number as u32);
        rules.connect(START, &connection);
        let keys = made::keys(number << 32, 512).into_iter();
        Self { id: burn.id(), peer: connection.peer, keys, listed: Vec::new() }
    }

    /// Advertises under a key by gossip. Whether it is listed.
    fn say(&self, rules: &mut dyn Rules, now: Timestamp, author: PublicKey) -> bool {
        let not_after = now.saturating_add(Millis::from_hours(1));
        let ad = Ad {
            author,
            identity: Some(self.id),
            peer: self.peer,
            created_at: now,
            lasting: field::LASTING,
            delegation: Some(Delegation { not_after, signature: made::UNSIGNED }),
        };
        let message = field::message(Kind::Hostile, &ad, ad.seal());
        rules.take(now, &Arrival::new(self.peer, &message)) == Taken::Listed
    }

    /// Advertises under a key that it has not used. How many are listed then.
    fn add(&mut self, rules: &mut dyn Rules, now: Timestamp) -> usize {
        let key = self.keys.next().expect("there are enough");
        if self.say(rules, now, key) {
            self.listed.push(key);
        }
        self.listed.iter().filter(|key| rules.lists(now, key)).count()
    }
}

fn many(which: Which, _: Scale, seed: u64) -> Outcome {
    let mut rules = which.rules(1_024, seed);
    let before = rules.bytes();
    if let Some(burns) = rules.burns() {
        burns.tip(START, TIP, TIP);
    }
    let rules = &mut *rules;
    let mut one = Owner::new(rules, 1, (50, DEEP));
    let mut young = Owner::new(rules, 2, (1_000, TIP - 9));
    let mut busy = Owner::new(rules, 3, (50, DEEP));
    let ten: Vec<_> = busy.keys.by_ref().take(10).collect();
    let (mut at_once, mut of_young, mut under_ten, mut sent) = (0, 0, 0, 0);
    let times = if which == Which::Calm { 0 } else { 6 * MINUTES };
    for step in 0..times {
        let now = START.saturating_add(Millis::from_secs(10 * (step + 1)));
        rules.tick(now);
        at_once = at_once.max(one.add(rules, now));
        of_young = of_young.max(young.add(rules, now));
        sent += 2;
        if step.is_multiple_of(7) {
            under_ten += ten.iter().filter(|key| busy.say(rules, now, **key)).count() as u64;
            sent += 10;
        }
    }
    let listed = (one.listed.len() + young.listed.len()) as u64 + under_ten;
    Outcome {
        hostile: Share { of: sent, some: listed },
        // Of each of the three ten at once and then one a minute (policy 3).
        allowed: 3 * (10 + MINUTES),
        bytes: [before, rules.bytes()],
        spent: 1_100,
        more: vec![
            ("keys at once", at_once as f64),
            ("keys at once, young", of_young as f64),
            ("keys in all", one.listed.len() as f64),
            ("under ten keys", under_ten as f64),
        ],
        parameters: vec![("nodes", 1.0), ("identities", 3.0), ("minutes", MINUTES as f64)],
        asked: [true, true, false],
        ..Outcome::default()
    }
}
