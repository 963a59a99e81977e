//! Crowds behind few addresses, and behind very many. One node, asked directly.

use ltms_core::{Connection, Millis, Timestamp};

use super::floods::Keys;
use super::{Outcome, Scale, Scenario, address, inbound};
use crate::lab::field::{self, LASTING};
use crate::lab::{Kind, Message};
use crate::made::{self, Ad, Claim, START};
use crate::rules::{Arrival, Rules, Taken, Which};

pub(crate) const CONNECTIONS: Scenario = Scenario {
    name: "connections from one address block",
    about: "ids of one /24, of one /16 or of everywhere connect to a node and stay, or one id does \
            again and again; honest neighbours from elsewhere come after each but the third",
    line: "≤ 8 of a /24, 16 of a /16, 128 of everywhere, 2 of an id; all neighbours are let in",
    gain: "",
    run: connections,
    holds: |outcome| {
        outcome.figure("of one /24") <= 8.0
            && outcome.figure("of one /16") <= 16.0
            && outcome.figure("of everywhere") <= 128.0
            && outcome.figure("of one id") <= 2.0
            && outcome.honest.value() == 1.0
    },
};

pub(crate) const BLOCK: Scenario = Scenario {
    name: "strangers of one /16",
    about: "a fresh id from each /24 of a /16 in turn connects to a node and advertises as a stranger, \
            four a second, beside a registered signer from there",
    line: "no more listed than the /16's window allows, honest ≥ 99 %",
    gain: "",
    run: |which, scale, seed| strangers(which, scale, seed, 1),
    holds: |outcome| outcome.hostile.some <= outcome.allowed && outcome.honest.value() >= 0.99,
};

pub(crate) const BOTNET: Scenario = Scenario {
    name: "strangers of everywhere",
    about: "the same from a /16 of its own for each id",
    line: "no more listed than an eighth of the directory's rows, honest ≥ 99 %",
    gain: "",
    run: |which, scale, seed| strangers(which, scale, seed, 10_000),
    holds: BLOCK.holds,
};

/// The connections of a crowd, by number.
type Crowd = fn(u32) -> Connection;

/// How many of these connections a node lets in.
fn let_in(rules: &mut dyn Rules, connections: impl Iterator<Item = Connection>) -> u64 {
    connections.filter(|connection| rules.connect(START, connection)).count() as u64
}

fn connections(which: Which, scale: Scale, seed: u64) -> Outcome {
    let ids: u32 = if which == Which::Calm { 0 } else { scale.of(500, 2_000, 10_000) };
    let crowds: [(_, Crowd); 4] = [
        ("of one /24", |n| inbound(n.into(), address(0, 0, n))),
        ("of one /16", |n| inbound(n.into(), address(0, n % 256, n / 256))),
        ("of everywhere", |n| inbound(n.into(), address(n, 0, 1))),
        ("of one id", |_| inbound(0, address(0, 0, 1))),
    ];
    let mut outcome = Outcome { asked: [false, true, true], ..Outcome::default() };
    for (name, crowd) in crowds {
        let mut rules = which.rules(64, seed);
        outcome.bytes[0] += rules.bytes();
        let theirs = let_in(&mut *rules, (0..ids).map(crowd));
        outcome.more.push((name, theirs as f64));
        // Who has all there is keeps neighbours out; making room for those is the driver's.
        if name != "of everywhere" {
            let neighbours =
                (1..=20).map(|n| inbound(1_000_000 + n, address(50_000 + n as u32, 0, 1)));
            outcome.honest.of += 20;
            outcome.honest.some += let_in(&mut *rules, neighbours);
        }
        outcome.bytes[1] += rules.bytes();
    }
    outcome.honest_banned = outcome.honest.of - outcome.honest.some;
    outcome.parameters = vec![("nodes", 4.0), ("attackers' ids", ids.into()), ("neighbours", 20.0)];
    outcome
}

/// Somebody who is connected says something to the node.
fn say(rules: &mut dyn Rules, now: Timestamp, ad: &Ad, direct: bool) -> bool {
    let message = Message { direct, ..field::message(Kind::Hostile, ad, ad.seal()) };
    rules.take(now, &Arrival::new(ad.peer, &message)) == Taken::Listed
}

fn strangers(which: Which, scale: Scale, seed: u64, wide: u32) -> Outcome {
    const EVERY: Millis = Millis::new(250);
    let identities = 256;
    let mut rules = which.rules(identities, seed);
    let minutes: u64 = scale.of(5, 10, 60);
    let key = made::keys(0, 1)[0];
    let claim = Claim::new(&key);
    let mut keys = Keys::default();
    rules.learn(START, &claim);
    let signer = inbound(1 << 40, address(1, 0, 1));
    rules.connect(START, &signer);
    let mut outcome = Outcome { bytes: [rules.bytes(); 2], asked: [true; 3], ..Outcome::default() };
    let (mut now, mut said, mut listed) = (START, Vec::new(), 0);
    for number in 0..minutes * 60_000 / EVERY.get() {
        now = now.saturating_add(EVERY);
        if number.is_multiple_of(240 + 8) {
            let ad = Ad {
                author: key,
                identity: Some(claim.id),
                peer: signer.peer,
                created_at: now,
                lasting: LASTING,
                delegation: None,
            };
            outcome.honest.of += 1;
            outcome.honest.some += u64::from(say(&mut *rules, now, &ad, false));
        }
        if number.is_multiple_of(120) {
            rules.tick(now);
        }
        if which == Which::Calm {
            continue;
        }
        let n = number as u32;
        let id = inbound(number, address(1 + n % wide, n % 256, n / 256));
        let author = keys.next();
        let (peer, lasting) = (id.peer, Millis::from_hours(12));
        let ad = Ad { author, identity: None, peer, created_at: now, lasting, delegation: None };
        outcome.hostile.of += 1;
        if rules.connect(now, &id) {
            listed += u64::from(say(&mut *rules, now, &ad, true));
            rules.disconnect(now, &id.peer);
        }
        said.push(author);
    }
    let still = said.iter().filter(|key| rules.lists(now, key)).count() as u64;
    // Of one /16, two at once and one a minute for each of eight (policy 3); of everywhere, what
    // strangers may have of the keys, two for each identity, at the same time (policy 5).
    (outcome.hostile.some, outcome.allowed) =
        if wide == 1 { (listed, 16 + 8 * minutes) } else { (still, u64::from(2 * identities / 8)) };
    outcome.honest_banned = u64::from(!rules.lists(now, &key));
    outcome.bytes[1] = rules.bytes();
    outcome.parameters = vec![
        ("nodes", 1.0),
        ("minutes", minutes as f64),
        ("attackers' ids", outcome.hostile.of as f64),
    ];
    outcome
}
