//! What came of an attack, and what should have.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    attacks::{Attack, Kind},
    common::pushes::{Answers, share_of},
    victim::Rules,
};

/// Of a hundred advertisements of registered signers, those that are taken at least.
const HONEST: f64 = 99.0;
/// Percent of a core that an attack may take.
const SHARE: f64 = 25.0;
/// MiB by which memory may grow and be called constant: pages that SQLite and the allocator keep.
const GROWTH: f64 = 16.0;
/// MiB that open streams may have beside: 8 KiB for each of 128 connections with 32.
const STREAMS: f64 = 32.0;

/// What was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// How long it was attacked.
    pub(crate) seconds: u32,
    /// Advertisements of honest signers during the attack, and those that were taken as new.
    pub(crate) sent: u32,
    pub(crate) taken: u32,
    /// Milliseconds to the answer, for 99 of a hundred.
    pub(crate) p99: f64,
    /// What they were answered, by reason.
    pub(crate) answers: BTreeMap<String, u32>,
    /// Percent of a core that the node takes with the honest signers alone, and with the attack.
    pub(crate) share: [f64; 2],
    /// MiB of memory that are resident before the attack, and at most.
    pub(crate) memory: [f64; 2],
    /// What the attackers sent, and over how many connections one after the other.
    pub(crate) messages: usize,
    pub(crate) connections: usize,
    /// The node's decisions during the attack, by reason.
    pub(crate) decisions: BTreeMap<String, u64>,
    /// Listed keys of the attackers, and how many may be.
    pub(crate) hostile: usize,
    pub(crate) permitted: usize,
    /// Honest peers and identities that are banned.
    pub(crate) honest_banned: usize,
    /// Peers that are banned.
    pub(crate) banned: usize,
    /// Figures of this attack alone.
    pub(crate) figures: BTreeMap<&'static str, f64>,
    /// What is wrong beside the figures.
    pub(crate) wrong: Vec<String>,
}

impl Outcome {
    /// Takes in what honest signers were answered.
    pub(crate) fn answered(&mut self, sent: u32, mut answers: Answers) {
        self.sent += sent;
        self.taken += answers.reasons.get("new").copied().unwrap_or_default();
        self.p99 = share_of(&mut answers.times, 99);
        for (reason, count) in answers.reasons {
            *self.answers.entry(reason).or_default() += count;
        }
        if answers.lost > 0 {
            *self.answers.entry("no answer".to_owned()).or_default() += answers.lost;
        }
    }

    /// Percent of the honest advertisements that were taken.
    pub(crate) fn honest(&self) -> f64 {
        100.0 * f64::from(self.taken) / f64::from(self.sent.max(1))
    }

    /// Percent of a core that the attack takes.
    pub(crate) fn attack(&self) -> f64 {
        (self.share[1] - self.share[0]).max(0.0)
    }

    /// The lines that it missed. `measured`: also those of times and of memory.
    pub(crate) fn missed(&self, attack: &Attack, rules: Rules, measured: bool) -> Vec<String> {
        let mut missed = self.wrong.clone();
        let mut line = |holds: bool, what: String| {
            if !holds {
                missed.push(what);
            }
        };
        let honest = self.honest();
        line(honest >= HONEST, format!("{honest:.1} % of the honest taken: {:?}", self.answers));
        // Whatever was not attacked holds.
        if matches!(attack.kind, Kind::Flood(_)) {
            line(self.messages > 0, "the attackers got nothing across".to_owned());
        }
        line(self.honest_banned == 0, format!("{} honest banned", self.honest_banned));
        let (hostile, permitted) = (self.hostile, self.permitted);
        line(hostile <= permitted, format!("{hostile} hostile keys listed of {permitted}"));
        if rules == Rules::Ours {
            for reason in attack.expected {
                let count = self.decisions.get(reason.as_str()).copied().unwrap_or_default();
                line(count > 0, format!("nothing was refused with {reason}"));
            }
            for (name, least) in attack.told {
                let told = self.figures.get(name).copied().unwrap_or_default();
                let least = least * f64::from(self.seconds);
                line(told > least, format!("{name} rose by {told}, not by more than {least}"));
            }
        }
        if measured {
            let share = self.attack();
            line(share <= SHARE, format!("{share:.0} % of a core"));
            let [before, most] = self.memory;
            let streams = if matches!(attack.kind, Kind::Slow(_)) { STREAMS } else { 0.0 };
            line(
                most <= before + GROWTH + streams,
                format!("memory grew from {before:.0} to {most:.0} MiB"),
            );
        }
        missed
    }
}
