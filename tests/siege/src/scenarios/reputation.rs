//! What is said about signers, and what signers do to be thought well of. One node.

use ltms_core::score::Failure;
use ltms_core::{IdentityId, Millis, Outcome as Session, PublicKey};

use super::{Outcome, Scale, Scenario, buy, floods::HOSTILE_GROUP};
use crate::lab::field::{self, Field, Signer};
use crate::lab::{Kind, Lab, Message, Number, Share};
use crate::made::START;
use crate::rules::Which;

pub(crate) const SLANDER: Scenario = Scenario {
    name: "slander by false failures",
    about: "peers announce sessions with a victim in them and say that it made them fail, thousands \
            of times, to every node",
    line: "the victim's score and place are what they were, honest ≥ 99 %",
    gain: "",
    run: slander,
    holds: |outcome| outcome.figure("points lost") == 0.0 && outcome.honest.value() >= 0.99,
};

pub(crate) const FARMING: Scenario = Scenario {
    name: "reputation farming",
    about: "identities of one owner sign 25 times with each other and three times with the node, and \
            advertise the best reputation there is, beside 50 honest signers that did the latter",
    line: "of the first 20 places no larger share than of the burns, and one place",
    gain: "share of the first 20 places, %",
    run: farming,
    holds: |outcome| outcome.figure("above its share, places at most") <= 1.0,
};

pub(crate) const WHITEWASHING: Scenario = Scenario {
    name: "whitewashing",
    about: "identities make sessions fail, in each of the four ways, until they are listed last, and \
            are given up for new ones or complete one session",
    line: "each spoils no more than 2 with bad signatures, 3 by disconnecting, 5 by silence or 7 by \
           aborting, 50 XPI buy no more than two of the first, and one good session mends none",
    gain: "sessions spoiled by bad signatures without being listed last",
    run: whitewashing,
    holds: |outcome| {
        WAYS.iter().all(|(name, _, most)| outcome.figure(name) <= *most)
            && outcome.figure("XPI for each bad signature") >= 25.0
            && outcome.figure("points after a good session") < 30.0
    },
};

/// How an identity makes a session fail, and how often it may before it is listed last.
const WAYS: [(&str, Failure, f64); 4] = [
    ("disconnects of each", Failure::Disconnect, 3.0),
    ("timeouts of each", Failure::Timeout, 5.0),
    ("aborts of each", Failure::Abort, 7.0),
    ("bad signatures of each", Failure::InvalidSignature, 2.0),
];

fn slander(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let signers = Field::new(8, 4).build(&mut lab, which, seed);
    lab.run(START.saturating_add(Millis::from_mins(2)));
    let victim = signers[1];
    if lab.rules(0).1.points(&victim).is_none() {
        return Outcome::lacking("reputations");
    }
    let before = lab.rules(0).1.points(&victim);
    let liars: Vec<_> = (0..20).map(|group| lab.add(HOSTILE_GROUP + group, None)).collect();
    for liar in &liars {
        for node in lab.nodes().to_vec() {
            lab.connect(*liar, node);
        }
    }
    let mut taken = 0;
    let lies: u64 = scale.of(1_000, 10_000, 100_000);
    for number in 0..lies {
        lab.run(lab.now.saturating_add(Millis::new(300)));
        if lab.calm {
            continue;
        }
        let liar = lab.peers[liars[number as usize % liars.len()] as usize].id;
        for node in lab.nodes().to_vec() {
            let (now, rules) = lab.rules(node);
            taken += u64::from(rules.accuse(now, number, &liar, &victim));
        }
    }
    let after = lab.rules(0).1.points(&victim);
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("false failures", (lies * 8) as f64));
    outcome.more.push(("of these in sessions that were taken", taken as f64));
    outcome.more.push(("points lost", before.unwrap_or(0.0) - after.unwrap_or(0.0)));
    outcome
}

/// An advertisement of a signer that claims this reputation.
fn said(lab: &Lab, signer: &Signer, claims: u8) -> Message {
    let ad = field::ad(lab, signer, Millis::from_hours(20));
    Message { claims, ..field::message(Kind::Hostile, &ad, ad.seal()) }
}

/// One node and so many identities, all of which advertise to it.
fn judge(which: Which, seed: u64, honest: u32, hostile: u32) -> (Lab, Vec<Signer>, Vec<Signer>) {
    let mut lab = Lab::new(seed);
    let field = Field::new(1, 0);
    let _ = field.build(&mut lab, which, seed);
    let from: Number = lab.add(HOSTILE_GROUP, None);
    lab.connect(from, 0);
    let mut all: Vec<_> = (0..honest + hostile).map(|n| buy(&mut lab, HOSTILE_GROUP + n)).collect();
    for (number, signer) in all.iter().enumerate() {
        let claims = if (number as u32) < honest { 75 } else { 100 };
        let message = said(&lab, signer, claims);
        let number = lab.messages.add(message);
        lab.send(from, 0, number);
        lab.run(lab.now.saturating_add(Millis::from_secs(1)));
    }
    let hostile = all.split_off(honest as usize);
    (lab, all, hostile)
}

fn sign(lab: &mut Lab, number: u64, subject: &Signer, with: &IdentityId, went: Session) {
    let (now, rules) = lab.rules(0);
    rules.session(now, number, (&subject.identity, with), went);
}

/// What windows let in is not what these two are about: each advertises once.
const ASKED: [bool; 3] = [false, true, true];

/// How many honest signers the node no longer lists.
fn unlisted(lab: &Lab, honest: &[Signer]) -> u64 {
    honest.iter().filter(|signer| !lab.lists(0, &signer.key)).count() as u64
}

const GOOD: Session = Session::Completed(Millis::from_secs(1));

fn farming(which: Which, scale: Scale, seed: u64) -> Outcome {
    const HONEST: u32 = 50;
    // For longer nobody is listed who advertised once.
    const HOURS: u64 = 19;
    let mut outcome = Outcome { asked: ASKED, ..Outcome::default() };
    let mut most = 0.0f64;
    // Seven places of eight are drawn once for each node.
    let draws = scale.of(32, 64, 200);
    outcome.parameters = vec![
        ("nodes", 1.0),
        ("honest identities", HONEST.into()),
        ("identities of the attacker at most", 200.0),
        ("draws of each", (draws * HOURS) as f64),
    ];
    let (some, all): (&[u32], &[u32]) = (&[0, 5, 50, 200], &[0, 1, 5, 20, 50, 100, 200]);
    let counts = scale.of(some, all, all);
    let counts = if which == Which::Calm { &[0] } else { counts };
    for hostile in counts.iter().copied() {
        let mut share = Share::default();
        for draw in 0..draws {
            let (mut lab, honest, theirs) = judge(which, seed + draw, HONEST, hostile);
            let free = lab.rules(0).1.first(START, 1).is_none();
            if free {
                return Outcome::lacking("ranking");
            }
            let before = lab.rules(0).1.bytes();
            for signer in honest.iter().chain(&theirs) {
                for number in 0..3 {
                    sign(&mut lab, number, signer, &IdentityId::OURS, GOOD);
                }
            }
            let next = theirs.iter().cycle().skip(1);
            for (subject, with) in theirs.iter().zip(next) {
                for number in 0..25 {
                    sign(&mut lab, 100 + number, subject, &with.identity, GOOD);
                }
            }
            let is_theirs = |key: &PublicKey| theirs.iter().any(|signer| signer.key == *key);
            // The eighth is drawn anew each hour.
            for hour in 0..HOURS {
                let at = lab.now.saturating_add(Millis::from_hours(hour));
                let places = lab.rules(0).1.first(at, 20).unwrap_or_default();
                share.of += places.len() as u64;
                share.some += places.iter().filter(|key| is_theirs(key)).count() as u64;
            }
            outcome.bytes[0] += before;
            outcome.bytes[1] += lab.rules(0).1.bytes();
            outcome.honest_banned += unlisted(&lab, &honest);
        }
        let fair = f64::from(hostile) / f64::from(hostile + HONEST);
        most = most.max(20.0 * (share.value() - fair));
        outcome.curve.push((50.0 * f64::from(hostile), 100.0 * share.value()));
        outcome.spent = 50 * u64::from(hostile);
    }
    outcome.more.push(("above its share, places at most", most));
    outcome
}

fn whitewashing(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut outcome = Outcome { asked: ASKED, ..Outcome::default() };
    let most: u32 = if which == Which::Calm { 0 } else { scale.of(16, 40, 80) };
    outcome.parameters = vec![
        ("nodes", 1.0),
        ("honest identities", 10.0),
        ("identities of the attacker", most.into()),
    ];
    let (mut lab, honest, theirs) = judge(which, seed, 10, most);
    if lab.rules(0).1.points(&honest[0]).is_none() {
        return Outcome::lacking("reputations");
    }
    let before = lab.rules(0).1.bytes();
    for signer in &honest {
        sign(&mut lab, 0, signer, &IdentityId::OURS, GOOD);
    }
    let mut number = 1_000;
    let mut fail = |lab: &mut Lab, signer: &Signer, how: Failure| {
        let mut spoiled = 0;
        // As long as it would still be chosen before the last.
        while lab.rules(0).1.points(signer).is_some_and(|points| points >= 30.0) && spoiled < 100 {
            number += 1;
            spoiled += 1;
            sign(lab, number, signer, &IdentityId::OURS, Session::Failed(how));
        }
        spoiled
    };
    let mut worst = [0; WAYS.len()];
    let mut bad = 0;
    for (used, signers) in (1..).zip(theirs.chunks(WAYS.len())) {
        for ((signer, (_, how, _)), worst) in signers.iter().zip(WAYS).zip(&mut worst) {
            let spoiled = fail(&mut lab, signer, how);
            *worst = spoiled.max(*worst);
            bad += if how == Failure::InvalidSignature { spoiled } else { 0 };
        }
        outcome.curve.push((f64::from(50 * used), f64::from(bad)));
    }
    outcome.more.extend(WAYS.iter().zip(worst).map(|((name, ..), worst)| (*name, worst.into())));
    if let Some(last) = theirs.last() {
        lab.run(lab.now.saturating_add(Millis::from_mins(1)));
        sign(&mut lab, 1, last, &IdentityId::OURS, GOOD);
    }
    let mended = theirs.last().and_then(|last| lab.rules(0).1.points(last));
    outcome.more.push(("points after a good session", mended.unwrap_or(0.0)));
    outcome.spent = 50 * u64::from(most);
    outcome.bytes = [before, lab.rules(0).1.bytes()];
    outcome.honest_banned = unlisted(&lab, &honest);
    let spent = f64::from(50 * most / WAYS.len() as u32);
    outcome.more.push(("XPI for each bad signature", spent / f64::from(bad)));
    outcome
}
