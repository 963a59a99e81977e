//! The attacks. Each is run with every rule set, under the same seed.

mod bans;
mod chain;
mod crowds;
mod dht;
mod eclipse;
mod faults;
mod floods;
mod keys;
mod load;
mod offenders;
mod records;
mod relays;
mod reorgs;
mod replays;
mod reputation;
mod sessions;
mod tables;

use std::net::{IpAddr, Ipv4Addr};

use ltms_core::{Connection, Direction};

use crate::lab::field::Signer;
use crate::lab::{Kind, Lab, Number, Sample, Share};
use crate::made::{self, Claim};
use crate::rules::Which;

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// Seconds, for every run of the tests.
    Quick,
    /// Minutes.
    Usual,
    /// As long as it takes.
    Full,
}

impl Scale {
    /// As the report calls it.
    pub(crate) const fn name(self) -> &'static str {
        self.of("quick", "usual", "full")
    }

    /// One of three numbers.
    pub(crate) const fn of<T: Copy>(self, quick: T, usual: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Usual => usual,
            Self::Full => full,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// What these rules have nothing of, so that the attack means nothing to them.
    pub(crate) lacks: Option<&'static str>,
    /// Of registered signers' advertisements, deliveries to honest nodes in time.
    pub(crate) honest: Share,
    /// Of what the attacker sent, deliveries that were listed.
    pub(crate) hostile: Share,
    /// How many of these the windows of policy 3 allow for the attacker's groups and burns.
    pub(crate) allowed: u64,
    /// Honest nodes that were cut off, or honest signers that somebody bans in the end, whichever
    /// are more.
    pub(crate) honest_banned: u64,
    /// Honest signers with an advertisement in force that most nodes do not list at the end.
    pub(crate) displaced: u64,
    /// What the attacker burned, XPI.
    pub(crate) spent: u64,
    /// Bytes of all nodes' tables after the start, and at most.
    pub(crate) bytes: [u64; 2],
    /// Signature checks for each honest advertisement that was delivered.
    pub(crate) checks: f64,
    /// Figures of this scenario alone.
    pub(crate) more: Vec<(&'static str, f64)>,
    /// What it costs the attacker, XPI, and what it gets for that.
    pub(crate) curve: Vec<(f64, f64)>,
    pub(crate) samples: Vec<Sample>,
    /// How much of it there was: what, and how many.
    pub(crate) parameters: Vec<(&'static str, f64)>,
    /// Which of the lines of every attack mean something here: windows, memory, bans.
    pub(crate) asked: [bool; 3],
}

impl Outcome {
    /// What the lab counted.
    pub(crate) fn of(lab: &Lab) -> Self {
        let samples = lab.tally.samples.clone();
        let first = samples.first().map_or(0, |sample| sample.bytes);
        let most = samples.iter().map(|sample| sample.bytes).max().unwrap_or(0);
        let checks = samples.last().map_or(0, |sample| sample.checks);
        let honest = lab.delivered(Kind::Honest, made::START, lab.nodes());
        Self {
            honest,
            hostile: lab.tally.share(Kind::Hostile),
            allowed: lab.allowed(),
            honest_banned: lab.tally.honest_sanctioned.max(lab.banned()),
            displaced: lab.displaced(),
            spent: lab.tally.burned,
            bytes: [first, most],
            checks: checks as f64 / honest.some.max(1) as f64,
            samples,
            parameters: lab.parameters(),
            // Of attackers that advertise nothing, nothing can be listed.
            asked: [lab.tally.share(Kind::Hostile).of > 0, true, true],
            ..Self::default()
        }
    }

    /// These rules have nothing that the attack could be made on.
    pub(crate) fn lacking(what: &'static str) -> Self {
        Self { lacks: Some(what), ..Self::default() }
    }

    /// A figure of the scenario alone.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.more.iter().find(|(known, _)| *known == name).map_or(f64::NAN, |(_, value)| *value)
    }

    /// The lines of every attack: no more of the attacker's is listed than the windows allow,
    /// memory is constant after the start, nobody honest is banned. Nothing where that is not asked.
    pub(crate) fn everywhere(&self) -> [Option<bool>; 3] {
        let held = [
            self.hostile.some <= self.allowed,
            self.bytes[0] == self.bytes[1],
            self.honest_banned == 0,
        ];
        std::array::from_fn(|line| self.asked[line].then_some(held[line]))
    }

    /// XPI for each honest signer displaced; nothing if none was.
    pub(crate) fn price(&self) -> Option<f64> {
        (self.displaced > 0).then(|| self.spent as f64 / self.displaced as f64)
    }
}

/// An attack: what it is called, what it does, and what has to hold for ours.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) line: &'static str,
    /// What the cost curve's second axis is; empty if there is none.
    pub(crate) gain: &'static str,
    pub(crate) run: fn(Which, Scale, u64) -> Outcome,
    pub(crate) holds: fn(&Outcome) -> bool,
}

/// All of them, in the order of the report.
pub(crate) const ALL: &[Scenario] = &[
    floods::SYBILS,
    floods::FORGED,
    crowds::BLOCK,
    crowds::BOTNET,
    crowds::CONNECTIONS,
    relays::FIRST_COPY,
    bans::FLUSH,
    bans::NEIGHBOURS,
    offenders::FILL,
    offenders::SHORT,
    tables::FLOODING,
    replays::OWN,
    replays::OLD,
    replays::PARTITION,
    replays::TIMES,
    eclipse::EVEN,
    eclipse::FOUR,
    eclipse::TWENTY,
    eclipse::COLD_BOOT,
    eclipse::FLASH,
    load::CHECKS,
    load::FLASH,
    load::SPAM,
    load::OVERLOAD,
    dht::NEAREST,
    records::FILL,
    keys::UNDER_VICTIM,
    keys::FLOOD,
    keys::MANY,
    reputation::SLANDER,
    reputation::FARMING,
    reputation::WHITEWASHING,
    sessions::SLOTS,
    sessions::ABORT,
    chain::REUSE,
    reorgs::REORG,
    chain::LOOK_UPS,
    chain::FILL,
    faults::CLOCKS,
    faults::HELD_BACK,
    faults::VERSIONS,
];

/// A burned identity for an attacker, which every node learns of.
fn buy_for(lab: &mut Lab, node: Number) -> Signer {
    let key = made::keys(node.into(), 1)[0];
    let claim = Claim::new(&key);
    lab.tally.bought += 1;
    lab.tally.burned += 50;
    for node in lab.nodes().to_vec() {
        let (now, rules) = lab.rules(node);
        rules.learn(now, &claim);
    }
    Signer { node, key, identity: claim.id }
}

/// The same for a new id in this address group.
fn buy(lab: &mut Lab, group: u32) -> Signer {
    let node = lab.add(group, None);
    buy_for(lab, node)
}

/// An address of the `wide`th /16, and of the `narrow`th /24 there.
fn address(wide: u32, narrow: u32, host: u32) -> IpAddr {
    let [.., a, b] = wide.to_be_bytes();
    Ipv4Addr::new(20 + a, b, narrow as u8, 1 + (host % 250) as u8).into()
}

/// The id of this number comes from there.
fn inbound(number: u64, address: IpAddr) -> Connection {
    Connection { peer: made::peer(number), address: Some(address), direction: Direction::Inbound }
}
