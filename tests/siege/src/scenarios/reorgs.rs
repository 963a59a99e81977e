//! Burns that the chain takes back. One node.

use ltms_core::Millis;
use ltms_core::schnorr::SecretKey;

use super::chain::{DEEP, TIP};
use super::{Outcome, Scale, Scenario};
use crate::lab::Share;
use crate::lab::burns::Burn;
use crate::made::{self, START};
use crate::rules::{Burns, Which};

pub(crate) const REORG: Scenario = Scenario {
    name: "reorganisations of 1 to 11 blocks",
    about: "the chain is replaced from each depth; burns above the fork are mined again in its first \
            block, but for one that was spent twice; somebody burns in each of the last eleven blocks, \
            and asks to be let in at once",
    line: "unaffected identities 100 %, others are back within 2 blocks, the vanished one serves \
           nothing; 11 blocks change nothing; nobody is taken back by 5 blocks or fewer, and nobody \
           who counts in full by any",
    gain: "",
    run: reorg,
    holds: |outcome| {
        outcome.honest.value() == 1.0
            && outcome.figure("depths at which all unaffected are served") == 10.0
            && outcome.figure("depths at which all are back within 2 blocks") == 10.0
            && outcome.figure("vanished and still served") == 0.0
            && outcome.figure("served after 11 blocks, %") == 100.0
            && outcome.figure("taken back by 5 blocks or fewer") == 0.0
            && outcome.figure("taken back that counted in full") == 0.0
    },
};

/// The chain's end. The older SDK waits for 144 blocks: the deep burns are older than that.
const END: u32 = TIP + 200;

/// Who is let in: a hundred with deep burns, and whoever of the last eleven blocks is not too young
/// for these rules. All burned enough for more than the least tier.
fn populated(burns: &mut dyn Burns) -> Vec<(Burn, SecretKey)> {
    burns.tip(START, END, END);
    let heights = [DEEP; 100].into_iter().chain(END - 10..=END);
    let claimed = (0..).zip(heights).map(|(number, height)| {
        let key = made::secret(number);
        (Burn::registration(key.public_key(), 200, number, height), key)
    });
    let let_in: Vec<_> = claimed.filter(|(burn, key)| burns.register(START, burn, key)).collect();
    assert!(let_in.len() >= 100, "honest registrations");
    let_in
}

fn reorg(which: Which, _: Scale, seed: u64) -> Outcome {
    if which.rules(64, seed).burns().is_none() {
        return Outcome::lacking("burns");
    }
    let (mut unaffected, mut back) = (Share::default(), Share::default());
    let (mut spent_twice_in_all, mut vanished, mut suspect) = (0, 0, Share::default());
    let (mut all_stayed, mut all_back, mut missing, mut bytes) = (0u32, 0u32, 0, [0; 2]);
    let (mut by_few, mut in_full) = (0, 0);
    let attacked = which != Which::Calm;
    for depth in 1..=11 {
        let mut rules = which.rules(256, seed);
        let Some(burns) = rules.burns() else { break };
        let all = populated(burns);
        let full: Vec<_> =
            all.iter().filter(|(burn, _)| burns.is_full(START, &burn.id())).collect();
        let before = rules.bytes();
        let Some(burns) = rules.burns() else { break };
        let mut now = START.saturating_add(Millis::from_mins(2));
        let fork = if attacked { END - depth } else { END };
        burns.tip(now, END + 1, fork);
        let served = |burns: &dyn Burns, burn: &Burn| burns.serves(now, &burn.id());
        if depth == 11 {
            suspect.of = all.len() as u64;
            suspect.some = all.iter().filter(|(burn, _)| served(burns, burn)).count() as u64;
            continue;
        }
        let above = |burn: &Burn| burn.header.height().get() > fork;
        in_full += full.iter().filter(|(burn, _)| above(burn)).count();
        let (gone, stayed): (Vec<_>, Vec<_>) = all.iter().partition(|(burn, _)| above(burn));
        by_few += if depth <= 5 { gone.len() } else { 0 };
        let still = stayed.iter().filter(|(burn, _)| served(burns, burn)).count();
        unaffected.of += stayed.len() as u64;
        unaffected.some += still as u64;
        all_stayed += u32::from(stayed.len() == still);
        let (spent_twice, gone) = gone.split_at(gone.len().min(1));
        for block in 1..=2 {
            now = now.saturating_add(Millis::from_mins(2));
            burns.tip(now, END + 1 + block, END + block);
            for (burn, key) in gone {
                if !burns.serves(now, &burn.id()) {
                    burns.register(now, &burn.mined_at(fork + 1), key);
                }
            }
        }
        let count = |some: &[&(Burn, SecretKey)]| {
            some.iter().filter(|(burn, _)| burns.serves(now, &burn.id())).count() as u64
        };
        let returned = count(gone);
        back.of += gone.len() as u64;
        back.some += returned;
        all_back += u32::from(returned == gone.len() as u64);
        vanished += count(spent_twice);
        spent_twice_in_all += spent_twice.len() as u64;
        missing += (gone.len() + stayed.len()) as u64 - returned - count(&stayed);
        bytes = [bytes[0] + before, bytes[1] + rules.bytes()];
    }
    let more = vec![
        ("depths at which all unaffected are served", f64::from(all_stayed)),
        ("depths at which all are back within 2 blocks", f64::from(all_back)),
        ("identities that went and came back", back.some as f64),
        ("vanished and still served", vanished as f64),
        ("served after 11 blocks, %", 100.0 * suspect.value()),
        ("taken back by 5 blocks or fewer", by_few as f64),
        ("taken back that counted in full", in_full as f64),
    ];
    Outcome {
        honest: unaffected,
        // A burn that was spent twice is none.
        hostile: Share { of: spent_twice_in_all, some: vanished },
        honest_banned: missing,
        bytes,
        more,
        parameters: vec![
            ("nodes", 1.0),
            ("deep burns", 100.0),
            ("young burns", 11.0),
            ("depths", 11.0),
        ],
        asked: [spent_twice_in_all > 0, true, true],
        ..Outcome::default()
    }
}
