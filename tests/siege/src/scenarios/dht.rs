//! Sybils in the DHT, whose lookups by distance are modelled here, and what is found without it.

use ltms_core::Millis;
use ltms_core::hash::sha256;

use super::{Outcome, Scale, Scenario, floods::HOSTILE_GROUP};
use crate::lab::field::Field;
use crate::lab::{Lab, Number, Share};
use crate::made::{self, START};
use crate::rules::Which;

pub(crate) const NEAREST: Scenario = Scenario {
    name: "Sybils nearest a key",
    about: "twenty ids nearest to each signer's key take its DHT record and lose it; then nodes that \
            have just come look for every signer",
    line: "found through the directories of three neighbours ≥ 99 %",
    gain: "",
    run: nearest,
    holds: |outcome| outcome.figure("found, %") >= 99.0,
};

/// How many nodes keep a record, and how many attackers stand before them.
const REPLICAS: usize = 20;
/// Neighbours that a newcomer asks for their directory (policy 9).
const ASKED: usize = 3;

fn distance(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

fn nearest(which: Which, scale: Scale, seed: u64) -> Outcome {
    let mut lab = Lab::new(seed);
    let field = Field::new(scale.of(24, 64, 500), 4);
    let signers = field.build(&mut lab, which, seed);
    lab.run(START.saturating_add(Millis::from_mins(4)));
    let mut places: Vec<_> =
        (0..field.nodes).map(|node| (sha256(&[&node.to_be_bytes()]), true)).collect();
    for signer in &signers {
        let key = sha256(&[signer.key.as_bytes()]);
        // The key itself with its last bytes changed is nearer than anybody honest.
        places.extend((1..=REPLICAS as u8).map(|sybil| {
            let mut near = key;
            near[31] ^= sybil;
            (near, false)
        }));
    }
    let (mut by_dht, mut by_directory) = (Share::default(), Share::default());
    let before = lab.nodes().len() as Number;
    for newcomer in 0..scale.of(4, 8, 20) {
        let rules = which.rules((4 * field.nodes).max(4_096), made::mix(seed + 1_000 + newcomer));
        let node = lab.add(HOSTILE_GROUP + newcomer as u32, Some(rules));
        let mut asked = Vec::new();
        while asked.len() < ASKED {
            let other = lab.random.below(before as usize) as Number;
            if lab.connect(node, other) {
                asked.push(other);
            }
        }
        let serves = lab.serves_directory(node);
        for signer in &signers {
            let key = sha256(&[signer.key.as_bytes()]);
            let mut near: Vec<_> = places.iter().collect();
            near.select_nth_unstable_by_key(REPLICAS, |(id, _)| distance(id, &key));
            let kept = near[..REPLICAS].iter().any(|(_, honest)| *honest);
            let has = |other: &Number| lab.lists(*other, &signer.key);
            // Only ours serves its directory to whoever asks; the others have what they heard.
            let found = kept || lab.lists(node, &signer.key) || serves && asked.iter().any(has);
            by_dht.of += 1;
            by_dht.some += u64::from(kept);
            by_directory.of += 1;
            by_directory.some += u64::from(found);
        }
    }
    let mut outcome = Outcome::of(&lab);
    outcome.more.push(("found in the DHT, %", 100.0 * by_dht.value()));
    outcome.more.push(("found, %", 100.0 * by_directory.value()));
    outcome
}
