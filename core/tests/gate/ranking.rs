//! Properties of the order in which signers are found (policy §7), against a plain reading of it.

use std::collections::{BTreeMap, BTreeSet};

use ltms_core::score::Failure;
use ltms_core::*;
use proptest::prelude::*;

use crate::ads::ad;
use crate::claims::{Claim, named};
use crate::hello::prove_by_key;
use crate::world::*;

/// What is known of one identity.
#[derive(Clone, Debug)]
struct Drawn {
    xpi: u64,
    keys: u32,
    /// 0: no session, 1: one completed, 2: a bad score.
    past: u8,
    /// The wide group of its connection, if it has one.
    group: Option<u32>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let groups = prop_oneof![Just(None), (1u32..4).prop_map(Some)];
    (50u64..54, 1u32..3, 0u8..3, groups).prop_map(|(xpi, keys, past, group)| Drawn {
        xpi,
        keys,
        past,
        group,
    })
}

/// What counts, best greatest; the keyed draw is not known here.
type Worth = (bool, u8, u64);

struct Signers {
    world: World,
    worth: BTreeMap<IdentityId, Worth>,
    groups: BTreeMap<IdentityId, u32>,
    rows: usize,
}

fn signers(drawn: &[Drawn], strangers: u32) -> Signers {
    let mut signers = Signers {
        world: World::new(),
        worth: BTreeMap::new(),
        groups: BTreeMap::new(),
        rows: strangers as usize,
    };
    let world = &mut signers.world;
    let other = world.register(&Claim::made(&named("other"), Amount::from_xpi(50), 200));
    for (n, identity) in (0u8..).zip(drawn) {
        let owner = named(&format!("signer {n}"));
        let id = world.register(&Claim::made(&owner, Amount::from_xpi(identity.xpi), 200));
        for key in 0..identity.keys {
            let author = named(&format!("signer {n} key {key}"));
            let ad = ad(&author).under(&id).delegated(&owner, START.saturating_add(DAY));
            let ad = ad.lasting(DAY);
            assert_eq!(reason(world.pull(COURIER, Channel::Directory, &ad)), Reason::New);
        }
        let outcomes = match identity.past {
            0 => vec![],
            1 => vec![Outcome::Completed(SECOND)],
            _ => [Failure::InvalidSignature, Failure::Timeout].map(Outcome::Failed).to_vec(),
        };
        for (turn, outcome) in (0u8..).zip(outcomes) {
            let session = SessionId::from_bytes([n * 2 + turn; 16]);
            assert!(
                world.gate.record_session(world.now, &session, &id, &other, outcome).is_accept()
            );
        }
        if let Some(group) = identity.group {
            let number = group << 8 | u32::from(n);
            world.connect(number);
            assert_eq!(prove_by_key(world, number, &owner, &id), Reason::Clear);
            signers.groups.insert(id, group);
        }
        let band = [4, 8, 2][usize::from(identity.past)];
        let per_row = identity.xpi * 1_000_000 / u64::from(identity.keys);
        signers.worth.insert(id, (identity.past < 2, band, per_row));
        signers.rows += identity.keys as usize;
    }
    for n in 0..strangers {
        let number = (100 + n) << 16;
        world.connect(number);
        let stranger = named(&format!("stranger {n}"));
        assert_eq!(reason(world.direct(number, &ad(&stranger).of_peer(number))), Reason::New);
    }
    signers
}

impl Signers {
    fn find(&self, most: usize) -> Vec<Found> {
        let mut out = vec![Found::default(); most];
        let count = self.world.gate.find(self.world.now, &Criteria::default(), &mut out);
        out.truncate(count);
        out
    }

    /// Whether the identity's group has less than two of the places on this page.
    fn is_free(&self, id: &IdentityId, page: &[Found]) -> bool {
        self.groups.get(id).is_none_or(|group| {
            let same = page.iter().filter_map(|held| self.groups.get(&held.identity?));
            same.filter(|other| *other == group).count() < 2
        })
    }

    /// Checks one place by what the policy says of it.
    fn check(&self, found: &[Found], place: usize) -> Result<(), TestCaseError> {
        let (before, page) = (&found[..place], &found[place / 20 * 20..place]);
        let placed: BTreeSet<_> = before.iter().filter_map(|found| found.identity).collect();
        let waiting: Vec<_> = self.worth.keys().filter(|id| !placed.contains(id)).collect();
        let Some(id) = found[place].identity else {
            prop_assert!(waiting.is_empty(), "a stranger before an identity");
            return Ok(());
        };
        if waiting.is_empty() {
            // A second place: after the strangers, and subject to the same limit of groups.
            let strangers = found[place..].iter().filter(|found| found.identity.is_none());
            prop_assert_eq!(strangers.count(), 0);
            let later = found[place..].iter().filter_map(|found| found.identity);
            let others_free = later.clone().any(|id| self.is_free(&id, page));
            prop_assert!(self.is_free(&id, page) || !others_free);
            return Ok(());
        }
        prop_assert!(!placed.contains(&id), "two places before everybody had one");
        let free: Vec<_> = waiting.iter().filter(|id| self.is_free(id, page)).copied().collect();
        let eligible = if free.is_empty() { waiting } else { free.clone() };
        prop_assert!(eligible.contains(&&id), "a third of one group while others wait");
        let good = free.iter().any(|id| self.worth[*id].0);
        if place % 8 == 7 && good {
            prop_assert!(self.worth[&id].0, "a bad one was drawn");
        } else {
            let best = eligible.iter().map(|id| self.worth[*id]).max();
            prop_assert_eq!(Some(self.worth[&id]), best, "place {}", place);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_place_goes_to_whom_the_policy_says(
        drawn in proptest::collection::vec(drawn(), 0..32),
        strangers in 0u32..4,
        short in 0usize..70,
    ) {
        let signers = signers(&drawn, strangers);
        let all = signers.find(100);
        prop_assert_eq!(all.len(), signers.rows);
        let keys: BTreeSet<_> = all.iter().map(|found| found.key).collect();
        prop_assert_eq!(keys.len(), all.len(), "a key twice");
        for place in 0..all.len() {
            signers.check(&all, place)?;
        }
        prop_assert_eq!(&signers.find(short)[..], &all[..short.min(all.len())]);
    }
}

fn like(xpi: u64, group: Option<u32>) -> Drawn {
    Drawn { xpi, keys: 1, past: 0, group }
}

#[test]
fn rich_signers_of_one_wide_group_leave_a_page_to_others() {
    let rich = (0..6).map(|_| like(1_000, Some(1)));
    let poor = (0..30).map(|n| like(50, Some(2 + n)));
    let signers = signers(&rich.chain(poor).collect::<Vec<_>>(), 0);
    let of_rich = |found: &[Found]| {
        found.iter().filter(|found| signers.groups[&found.identity.unwrap()] == 1).count()
    };
    let found = signers.find(20);
    assert_eq!((of_rich(&found[..2]), of_rich(&found)), (2, 2));
    let all = signers.find(100);
    assert_eq!((all.len(), of_rich(&all[..20]), of_rich(&all[20..])), (36, 2, 4));
}

#[test]
fn one_place_in_eight_is_drawn_again_every_hour() {
    let mut signers = signers(&(0..24).map(|n| like(50 + n, None)).collect::<Vec<_>>(), 0);
    let mut lucky = BTreeSet::new();
    for _ in 0..23 {
        let found = signers.find(20);
        let by_rank: Vec<_> = (0..8).filter(|place| *place != 7).collect();
        for (place, xpi) in by_rank.iter().zip((0..24).rev()) {
            assert_eq!(found[*place].burned, Amount::from_xpi(50 + xpi));
        }
        assert_eq!(signers.find(20), found, "within the hour");
        lucky.insert(found[7].burned);
        signers.world.wait(HOUR);
    }
    assert!(lucky.len() > 8, "{lucky:?}");
    assert!(lucky.first() < Some(&Amount::from_xpi(60)), "not only those of high rank");
}
