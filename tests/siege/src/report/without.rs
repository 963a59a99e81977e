//! What each rule is for: which attacks notice that it is not there, and by what.

use std::fmt::Write;

use super::{Run, document, documented};
use crate::rules::without::{Off, SPARED, forgotten};
use crate::rules::{Rule, Which};
use crate::scenarios::{Outcome, Scenario};

/// The marks in the documentation.
const MARKS: &str = "without";

/// Ours less one rule at a time.
pub(crate) struct Ablation {
    seed: u64,
    /// Each rule, and what was missed without it.
    rules: Vec<(&'static Rule, Vec<Miss>)>,
}

/// An attack that notices.
struct Miss {
    attack: &'static str,
    /// Figures that made it miss a line, with the rule and without it.
    figures: Vec<String>,
}

/// An attack, under which rules, and what came of it.
type Done = ((&'static Scenario, Which), Outcome);

impl Ablation {
    /// From what came of attacks without each of the rules, and with all of them.
    pub(crate) fn new(seed: u64, rules: &[&'static Rule], runs: &[Done]) -> Self {
        let intact = |attack: &Scenario| {
            let of = |(job, _): &&Done| job.1 == Which::Ours && job.0.name == attack.name;
            &runs.iter().find(of).expect("ours is run with all rules, too").1
        };
        let misses = |rule: &&'static Rule| {
            let which = Which::Without(rule);
            let runs = runs.iter().filter(|((_, under), _)| *under == which);
            let noticed = runs.filter_map(|((attack, _), outcome)| {
                let figures = missed(attack, intact(attack), outcome, which);
                (!figures.is_empty()).then_some(Miss { attack: attack.name, figures })
            });
            (*rule, noticed.collect())
        };
        Self { seed, rules: rules.iter().map(misses).collect() }
    }

    /// The table that is kept.
    pub(crate) fn kept() -> std::io::Result<String> {
        documented(MARKS)
    }

    /// Whether a table says that an attack notices when a rule is not there.
    pub(crate) fn names(kept: &str, rule: &Rule, attack: &Scenario) -> bool {
        let row = kept.lines().find(|line| line.starts_with(&format!("| {} | ", rule.name)));
        row.is_some_and(|row| row.contains(&format!(" {} (", attack.name)))
    }

    /// Prints the table and keeps or compares it. Whether each rule is noticed and the table is
    /// the one that is kept.
    pub(crate) fn keep(&self, write: bool, check: bool) -> std::io::Result<bool> {
        let table = self.table();
        println!("{table}");
        if write {
            document(MARKS, &table)?;
        }
        let mut held = true;
        if check && Self::kept()? != table {
            println!("the table is not that of {}: look at what changed", super::PAGE);
            held = false;
        }
        for (rule, _) in self.rules.iter().filter(|(_, misses)| misses.is_empty()) {
            println!("no attack notices that this is not there: {}", rule.name);
            held = false;
        }
        for field in forgotten() {
            println!("{field} is switched off by no rule, and is not said to be spared");
            held = false;
        }
        Ok(held)
    }

    fn table(&self) -> String {
        let mut out = format!(
            "Seed {}, quick runs.\n\n| rule | as if | attacks that miss a line then |\n|---|---|---|\n",
            self.seed
        );
        for (rule, misses) in &self.rules {
            let off = match rule.off {
                Off::Part(part) => part.as_if().into(),
                Off::Fields(fields) => {
                    let set = fields.iter().map(|(field, number)| format!("`{field}` = {number}"));
                    set.collect::<Vec<_>>().join(", ")
                }
            };
            let misses: Vec<_> = misses
                .iter()
                .map(|miss| format!("{} ({})", miss.attack, miss.figures.join(", ")))
                .collect();
            let _ = writeln!(out, "| {} | {off} | {} |", rule.name, misses.join("; "));
        }
        out.push_str("\n| field | why no attack is made on it |\n|---|---|\n");
        for (field, reason) in SPARED {
            let _ = writeln!(out, "| `{field}` | {reason} |");
        }
        out
    }
}

/// A figure of an outcome that a line may look at.
struct Figure {
    name: &'static str,
    /// Takes it over from another outcome.
    take: fn(&mut Outcome, &Outcome, &'static str),
    show: fn(&Outcome, &'static str) -> String,
}

/// The figures that made an attack miss a line: with the values that they have when all rules are
/// there, and no others changed, it would hold. Empty if it holds, or never does.
fn missed(attack: &Scenario, intact: &Outcome, outcome: &Outcome, which: Which) -> Vec<String> {
    let is_missed = |outcome: &Outcome| Run::new(which, attack, outcome).is_missed();
    // What is missed with all rules as well says nothing about one of them.
    if outcome.lacks.is_some() || !is_missed(outcome) || is_missed(intact) {
        return Vec::new();
    }
    let own = outcome.more.iter().map(|(name, _)| Figure {
        name,
        take: |to, from, name| {
            let known = from.more.iter().find(|(known, _)| *known == name).copied();
            to.more.retain(|(known, _)| *known != name);
            to.more.extend(known);
        },
        show: |outcome, name| rounded(outcome.figure(name)),
    });
    let of_all = [
        Figure {
            name: "honest",
            take: |to, from, _| to.honest = from.honest,
            show: |outcome, _| super::percent(outcome.honest.value()),
        },
        Figure {
            name: "hostile listed",
            take: |to, from, _| (to.hostile, to.allowed) = (from.hostile, from.allowed),
            show: |outcome, _| format!("{} of {}", outcome.hostile.some, outcome.allowed),
        },
        Figure {
            name: "honest banned",
            take: |to, from, _| to.honest_banned = from.honest_banned,
            show: |outcome, _| outcome.honest_banned.to_string(),
        },
        Figure {
            name: "XPI for each displaced",
            take: |to, from, _| (to.displaced, to.spent) = (from.displaced, from.spent),
            show: |outcome, _| outcome.price().map_or("none".into(), rounded),
        },
        Figure {
            name: "bytes",
            take: |to, from, _| to.bytes = from.bytes,
            show: |outcome, _| outcome.bytes[1].to_string(),
        },
    ];
    let figures: Vec<_> = own.chain(of_all).collect();
    let mut mended = outcome.clone();
    figures.iter().for_each(|figure| (figure.take)(&mut mended, intact, figure.name));
    // Whatever can be as it was is not to blame.
    let to_blame = figures.iter().filter(|figure| {
        let mut tried = mended.clone();
        (figure.take)(&mut tried, outcome, figure.name);
        let blamed = is_missed(&tried);
        if !blamed {
            mended = tried;
        }
        blamed
    });
    let said = |figure: &Figure| {
        let [with, without] = [intact, outcome].map(|outcome| (figure.show)(outcome, figure.name));
        format!("{}: {with} → {without}", figure.name)
    };
    to_blame.map(said).collect()
}

fn rounded(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
}
