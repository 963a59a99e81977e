//! Ids that are to be banned, in such numbers that the table is full, or that stop one fault short of
//! it. One node, asked directly.

use std::net::{IpAddr, Ipv6Addr};

use ltms_core::{Connection, Millis, PublicKey, Timestamp};

use super::bans::RETURNS;
use super::{Outcome, Scale, Scenario, address, inbound};
use crate::lab::field::{self, Signer};
use crate::lab::{Kind, Message};
use crate::made::{self, Ad, Claim, START};
use crate::rules::{Arrival, Rules, Which};

pub(crate) const FILL: Scenario = Scenario {
    name: "ban-table fill",
    about: "more ids of one IPv6 /32, then of one IPv4 /16, than there are rows are banned, and hundreds \
            from everywhere; offenders from elsewhere are banned before and between; later all come back, \
            and eight from a /24 of that /16 prove one and the same identity, eight none",
    line: "all offenders are refused, and who was banned in the /24; of the eight two are heard, and of \
           the others nobody, who are gone after half a minute",
    gain: "",
    run: fill,
    holds: |outcome| {
        outcome.figure("offenders refused, %") == 100.0
            && outcome.figure("of the /24 refused, %") == 100.0
            && outcome.figure("heard with one identity") <= 2.0
            && outcome.figure("heard without") == 0.0
            && outcome.figure("there without after half a minute") == 0.0
    },
};

pub(crate) const SHORT: Scenario = Scenario {
    name: "one fault short of a ban",
    about: "hundreds of ids come in turn, again and again; each sends nine signatures that do not hold, \
            of which ten ban, and leaves",
    line: "of no id more than ten are checked",
    gain: "",
    run: short,
    holds: |outcome| outcome.figure("checked of an id at most") <= 10.0,
};

/// A node, the time there, and how many ids it has met.
struct Node {
    rules: Box<dyn Rules>,
    now: Timestamp,
    ids: u64,
    /// From one id to the next.
    pace: Millis,
    author: PublicKey,
}

impl Node {
    fn new(which: Which, seed: u64, pace: Millis) -> Self {
        let author = made::secret(1 << 42).public_key();
        // The fewer identities, the fewer rows are there for bans.
        Self { rules: which.rules(16, seed), now: START, ids: 1, pace, author }
    }

    fn pass(&mut self, time: Millis) {
        self.now = self.now.saturating_add(time);
        self.rules.tick(self.now);
    }

    /// A fresh id from there.
    fn id(&mut self, from: IpAddr) -> Connection {
        self.ids += 1;
        inbound((1 << 43) + self.ids, from)
    }

    /// Lets it connect, say so many times what it did not sign, and leave; who is cut off comes back
    /// until it is not let in. How often that was looked at.
    fn offend(&mut self, id: &Connection, times: u32) -> u64 {
        self.pass(self.pace);
        let (now, before) = (self.now, self.rules.checks());
        for _ in 0..RETURNS {
            if !self.rules.connect(now, id) {
                break;
            }
            let (author, peer) = (self.author, id.peer);
            let lasting = field::LASTING;
            let ad =
                Ad { author, identity: None, peer, created_at: now, lasting, delegation: None };
            let said = field::message(Kind::Hostile, &ad, ad.seal());
            let message = Message { genuine: false, direct: true, ..said };
            let is_cut_off = (0..times).any(|_| {
                self.rules.take(now, &Arrival::new(peer, &message));
                self.rules.sanctioned(now).contains(&peer)
            });
            self.rules.disconnect(now, &peer);
            if !is_cut_off {
                break;
            }
        }
        self.rules.checks() - before
    }

    /// Whether it is not let in, or not heard.
    fn refuses(&mut self, id: &Connection) -> bool {
        let there = self.rules.connect(self.now, id);
        let heard = there && !self.rules.is_cut_off(self.now, &id.peer);
        self.rules.disconnect(self.now, &id.peer);
        !heard
    }
}

/// An address of the `narrow`th /56 of one /32.
fn v6(narrow: u32) -> IpAddr {
    let [a, b] = [(narrow >> 8) as u16, (narrow << 8) as u16];
    Ipv6Addr::new(0x2a00, 0x1234, a, b, 0, 0, 0, 1).into()
}

/// How often an offender does what bans at the tenth time.
const TIMES: u32 = 20;

fn fill(which: Which, _: Scale, seed: u64) -> Outcome {
    // So that an address group has its ten checks again.
    let mut node = Node::new(which, seed, Millis::from_secs(1));
    let key = made::secret(0).public_key();
    let claim = Claim::new(&key);
    node.rules.learn(START, &claim);
    let proved = Signer { node: 0, key, identity: claim.id };
    let before = node.rules.bytes();
    let rows = if which == Which::Calm { 0 } else { 800 };
    let offend = |node: &mut Node, count: u32, from: &dyn Fn(u32) -> IpAddr| {
        let ids: Vec<_> = (0..count).map(|n| node.id(from(n))).collect();
        for id in &ids {
            node.offend(id, TIMES);
        }
        ids
    };
    let mut offenders = offend(&mut node, 20, &|n| address(1_000 + n, 0, n));
    offend(&mut node, rows, &v6);
    offenders.extend(offend(&mut node, 20, &|n| address(2_000 + n, 0, n)));
    let block = offend(&mut node, rows, &|n| address(0, n / 50, n));
    offend(&mut node, rows / 2, &|n| address(3_000 + n, 0, n));
    node.pass(Millis::from_secs(60));
    let refused = |node: &mut Node, ids: &[Connection]| {
        let count = ids.iter().filter(|id| node.refuses(id)).count();
        100.0 * count as f64 / ids.len().max(1) as f64
    };
    let of_offenders = refused(&mut node, &offenders);
    let of_block = refused(&mut node, &block[..block.len().min(50)]);
    let [mut heard, mut unproven, mut there] = [0; 3];
    if rows > 0 {
        let proof = |node: &mut Node, prove: bool| {
            let ids: Vec<_> = (0..8).map(|n| node.id(address(0, 0, 200 + n))).collect();
            for id in &ids {
                if node.rules.connect(node.now, id) && prove {
                    node.rules.prove(node.now, &id.peer, &made::peer(0), &proved);
                }
            }
            let heard = ids.iter().filter(|id| !node.rules.is_cut_off(node.now, &id.peer)).count();
            node.rules.sanctioned(node.now);
            node.pass(Millis::from_secs(30));
            let gone = node.rules.sanctioned(node.now);
            let there = ids.iter().filter(|id| !gone.contains(&id.peer)).count();
            ids.iter().for_each(|id| node.rules.disconnect(node.now, &id.peer));
            (heard, there)
        };
        heard = proof(&mut node, true).0;
        (unproven, there) = proof(&mut node, false);
    }
    Outcome {
        bytes: [before, node.rules.bytes()],
        spent: 50,
        more: vec![
            ("offenders refused, %", of_offenders),
            ("of the /24 refused, %", of_block),
            ("heard with one identity", heard as f64),
            ("heard without", unproven as f64),
            ("there without after half a minute", there as f64),
        ],
        parameters: vec![
            ("nodes", 1.0),
            ("rows for bans of ours", 768.0),
            ("offenders", 40.0),
            ("ids of the /32", rows.into()),
            ("ids of the /16", rows.into()),
            ("ids from everywhere", f64::from(rows / 2)),
        ],
        asked: [false, true, false],
        ..Outcome::default()
    }
}

fn short(which: Which, scale: Scale, seed: u64) -> Outcome {
    // All come back within the hour that a graylisting lasts.
    let mut node = Node::new(which, seed, Millis::new(100));
    let before = node.rules.bytes();
    // Fewer than there are rows for bans.
    let count = if which == Which::Calm { 0 } else { scale.of(400, 600, 700) };
    let ids: Vec<_> = (0..count).map(|n| node.id(address(n, 0, n))).collect();
    let mut checked = vec![0; ids.len()];
    for _ in 0..3 {
        for (id, checked) in ids.iter().zip(&mut checked) {
            *checked += node.offend(id, 9);
        }
    }
    let most = checked.iter().max().copied().unwrap_or(0);
    Outcome {
        bytes: [before, node.rules.bytes()],
        more: vec![("checked of an id at most", most as f64)],
        parameters: vec![("nodes", 1.0), ("attackers' ids", count.into()), ("rounds", 3.0)],
        asked: [false, true, false],
        ..Outcome::default()
    }
}
