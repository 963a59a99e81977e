//! The key table when it fills (policy §5): who leaves for whom, and that nothing becomes replayable.

use ltms_core::schnorr::SecretKey;
use ltms_core::*;
use proptest::prelude::*;

use crate::ads::{Ad, ad};
use crate::claims::{Claim, named};
use crate::world::*;

/// So many key rows; every other table has room.
fn world(keys: u32) -> World {
    let mut world = World::with(Capacity { keys, ..Capacity::SMALL }, POLICY);
    (0..4).for_each(|number| world.connect(number));
    world
}

/// An identity whose current key takes a row of its own.
struct Owner {
    name: &'static str,
    secret: SecretKey,
    id: IdentityId,
}

impl Owner {
    fn claim(name: &str, xpi: u64) -> Claim {
        Claim::made(&named(name), Amount::from_xpi(xpi), 200)
    }

    fn new(world: &mut World, name: &'static str, xpi: u64) -> Self {
        let id = world.register(&Self::claim(name, xpi));
        Self { name, secret: named(name), id }
    }

    fn delegate(&self, n: u32) -> SecretKey {
        named(&format!("{} {n}", self.name))
    }

    fn signed<'a>(&self, world: &World, author: &'a SecretKey) -> Ad<'a> {
        let end = world.now.saturating_add(DAY.saturating_mul(2));
        ad(author).under(&self.id).at(world.now).delegated(&self.secret, end)
    }

    /// Its delegate `n` is found in a directory, with an advertisement of one hour.
    fn pull(&self, world: &mut World, n: u32) -> Reason {
        let author = self.delegate(n);
        let ad = self.signed(world, &author);
        reason(world.pull(3, Channel::Directory, &ad))
    }

    fn is_listed(&self, world: &World, n: u32) -> bool {
        world.gate.is_listed(world.now, &self.delegate(n).public_key())
    }
}

fn stranger(world: &mut World, n: u32) -> Reason {
    let author = named(&format!("stranger {n}"));
    let ad = ad(&author).at(world.now);
    reason(world.direct(0, &ad))
}

fn knows_stranger(world: &World, n: u32) -> bool {
    world.of_key(&named(&format!("stranger {n}")).public_key()).known
}

fn searches(world: &World) -> u64 {
    world.gate.metrics(world.now).searches
}

#[test]
fn strangers_leave_first_and_never_displace_an_identity_s_key() {
    let mut world = world(8);
    let owner = Owner::new(&mut world, "owner", 50);
    assert_eq!(stranger(&mut world, 0), Reason::New);
    for n in 0..6 {
        assert_eq!(owner.pull(&mut world, n), Reason::New);
    }
    assert!(knows_stranger(&world, 0));
    assert_eq!(owner.pull(&mut world, 6), Reason::New, "the stranger makes room");
    assert!(!knows_stranger(&world, 0));
    world.wait(MINUTE);
    assert_eq!(stranger(&mut world, 1), Reason::TableFull);
    assert!((0..7).all(|n| owner.is_listed(&world, n)));
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.keys_displaced, metrics.advertised_keys), (1, 7));
}

#[test]
fn the_lowest_burn_per_key_leaves_for_a_greater_one_and_the_youngest_of_equals() {
    let mut world = world(8);
    // 200 XPI on four keys are 50 each; 60 XPI on one key are more.
    let [many, few] = [("many", 200), ("few", 60)].map(|(n, xpi)| Owner::new(&mut world, n, xpi));
    for n in 0..4 {
        assert_eq!(many.pull(&mut world, n), Reason::New);
        world.wait(SECOND);
    }
    assert_eq!(few.pull(&mut world, 0), Reason::New);
    assert_eq!(few.pull(&mut world, 1), Reason::New);
    assert_eq!(world.gate.metrics(world.now).keys_displaced, 0);
    // The table is full: 50, 50, 50, 50, 30, 30 and two current keys.
    let basic = Claim::made(&named("basic"), Amount::from_xpi(50), 200);
    let id = world.register(&basic);
    let left: Vec<u32> = (0..2).filter(|n| !few.is_listed(&world, *n)).collect();
    assert_eq!(left.len(), 1, "30 made room for the current key of 50");
    assert!((0..4).all(|n| many.is_listed(&world, n)));
    // Two of 60 would be 30 each, no more than the lowest.
    world.wait(SECOND);
    assert_eq!(few.pull(&mut world, left[0]), Reason::TableFull);
    let rich = Owner::new(&mut world, "rich", 1_000);
    assert!(!many.is_listed(&world, 3), "of equals the youngest");
    assert!((0..3).all(|n| many.is_listed(&world, n)));
    for n in 0..16 {
        let _ = rich.pull(&mut world, n);
    }
    // Nobody has less than 1,000 / 5 then but the current keys, which never leave.
    assert_eq!(world.of_identity(&rich.id).keys.0, 4);
    assert!([&many.id, &few.id, &id].iter().all(|id| world.of_identity(id).known));
    assert_eq!(world.gate.identity(&id).unwrap().key, named("basic").public_key());
}

#[test]
fn current_keys_never_leave() {
    let mut world = world(4);
    let owners: Vec<_> =
        ["a", "b", "c", "d"].iter().map(|name| Owner::new(&mut world, name, 50)).collect();
    assert_eq!(reason(world.claim(&Owner::claim("rich", 5_000))), Reason::TableFull);
    assert_eq!(owners[0].pull(&mut world, 0), Reason::TableFull);
    for owner in &owners {
        assert_eq!(world.gate.identity(&owner.id).unwrap().key, owner.secret.public_key());
        let ad = ad(&owner.secret).under(&owner.id).at(world.now);
        assert_eq!(reason(world.pull(3, Channel::Directory, &ad)), Reason::New);
    }
}

#[test]
fn what_has_ended_makes_room_without_a_sweep() {
    let mut world = world(4);
    let (old, poor) = (Owner::new(&mut world, "old", 1_000), Owner::new(&mut world, "poor", 50));
    for n in 0..2 {
        assert_eq!(old.pull(&mut world, n), Reason::New);
    }
    assert_eq!(poor.pull(&mut world, 0), Reason::TableFull);
    // An hour, and the ten minutes for which a slot is held.
    world.now = START.saturating_add(HOUR).saturating_add(Millis::from_mins(10));
    world.now = world.now.saturating_sub(Millis::new(1));
    assert_eq!(poor.pull(&mut world, 0), Reason::TableFull);
    world.now = world.now.saturating_add(Millis::new(1));
    assert_eq!(poor.pull(&mut world, 0), Reason::New);
}

#[test]
fn a_banned_key_keeps_its_row() {
    let mut world = world(4);
    let (poor, rich) = (Owner::new(&mut world, "poor", 60), Owner::new(&mut world, "rich", 5_000));
    assert_eq!(poor.pull(&mut world, 0), Reason::New);
    assert_eq!(poor.pull(&mut world, 1), Reason::New);
    let banned = Subject::Key(poor.delegate(0).public_key());
    let until = START.saturating_add(DAY);
    world.gate.ban(world.now, &banned, Some(until), Reason::LocalLimit).unwrap();
    assert_eq!(rich.pull(&mut world, 0), Reason::New);
    assert_eq!(rich.pull(&mut world, 1), Reason::TableFull);
    assert_eq!(reason(world.gate.standing(world.now, &banned).decision), Reason::Graylisted);
    assert!(world.gate.unban(world.now, &banned));
    assert_eq!(rich.pull(&mut world, 1), Reason::New);
    assert!(!world.gate.standing(world.now, &banned).known);
}

/// Its watermark left with its row: what it signed before must not be taken again.
#[test]
fn what_a_displaced_key_has_withdrawn_is_not_listed_again() {
    for gone_first in [false, true] {
        let mut world = world(4);
        let owners = [("poor", 60), ("rich", 5_000)].map(|(n, x)| Owner::new(&mut world, n, x));
        let [poor, rich] = &owners;
        let author = poor.delegate(0);
        let old = poor.signed(&world, &author).lasting(DAY);
        let old = old.delegated(&poor.secret, world.now.saturating_add(DAY.saturating_mul(2)));
        assert_eq!(reason(world.pull(3, Channel::Directory, &old)), Reason::New);
        world.wait(MINUTE);
        let withdrawn = poor.signed(&world, &author).withdrawal();
        assert_eq!(reason(world.pull(3, Channel::Directory, &withdrawn)), Reason::New);
        // Its slot has ended, or not.
        let wait = if gone_first { Millis::from_mins(11) } else { MINUTE };
        world.wait(wait);
        world.gate.handle_timeout(world.now);
        assert_eq!(rich.pull(&mut world, 0), Reason::New);
        assert_eq!(rich.pull(&mut world, 1), Reason::New);
        assert!(!world.of_key(&author.public_key()).known, "displaced");
        assert_eq!(reason(world.pull(3, Channel::Dht, &old)), Reason::Replayed);
        // Another key of the same is heard if it speaks later, and room is found for it.
        world.wait(HOUR.saturating_mul(2));
        assert_eq!(reason(world.pull(3, Channel::Dht, &old)), Reason::Replayed);
        assert_eq!(poor.pull(&mut world, 1), Reason::New);
        assert_eq!(reason(world.pull(3, Channel::Dht, &old)), Reason::Replayed);
    }
}

#[test]
fn a_rotation_finds_room_where_an_advertisement_does_not() {
    let mut world = world(4);
    let (poor, rich) = (Owner::new(&mut world, "poor", 50), Owner::new(&mut world, "rich", 5_000));
    assert_eq!(rich.pull(&mut world, 0), Reason::New);
    assert_eq!(rich.pull(&mut world, 1), Reason::New);
    assert_eq!(poor.pull(&mut world, 0), Reason::TableFull);
    let new = named("new");
    let rotation = Claim::rotation(&poor.secret, &new, &poor.id, 1, 250);
    assert_eq!(reason(world.claim(&rotation)), Reason::New);
    assert_eq!(world.gate.identity(&poor.id).unwrap().key, new.public_key());
    assert_ne!(rich.is_listed(&world, 0), rich.is_listed(&world, 1), "one of them left");
}

/// Forged messages in the name of a rich identity are no way to keep a node searching.
#[test]
fn nobody_searches_before_a_signature_holds() {
    let mut world = world(4);
    let (poor, rich) = (Owner::new(&mut world, "poor", 50), Owner::new(&mut world, "rich", 5_000));
    assert_eq!(poor.pull(&mut world, 0), Reason::New);
    assert_eq!(poor.pull(&mut world, 1), Reason::New);
    let before = searches(&world);
    for n in 0..5 {
        let author = rich.delegate(n);
        let forged = rich.signed(&world, &author).forged();
        assert_eq!(reason(world.pull(3, Channel::Directory, &forged)), Reason::InvalidSignature);
    }
    assert_eq!(searches(&world), before);
    assert!(poor.is_listed(&world, 0) && poor.is_listed(&world, 1));
}

#[test]
fn a_refused_key_costs_no_search() {
    let mut world = world(4);
    let (poor, rich) = (Owner::new(&mut world, "poor", 50), Owner::new(&mut world, "rich", 1_000));
    assert_eq!(rich.pull(&mut world, 0), Reason::New);
    assert_eq!(rich.pull(&mut world, 1), Reason::New);
    assert_eq!(poor.pull(&mut world, 0), Reason::TableFull);
    let (before, checks) = (searches(&world), world.gate.metrics(world.now).signature_checks);
    for n in 1..50 {
        assert_eq!(poor.pull(&mut world, n), Reason::TableFull);
    }
    let metrics = world.gate.metrics(world.now);
    assert_eq!((metrics.searches, metrics.signature_checks), (before, checks));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whoever is refused would have been worth no more than anybody who stays.
    #[test]
    fn a_refused_key_is_worth_no_more_than_any_that_stays(
        steps in prop::collection::vec((0usize..5, 0u32..8), 1..60),
    ) {
        const NAMES: [(&str, u64); 5] = [("a", 50), ("b", 60), ("c", 200), ("d", 250), ("e", 1_000)];
        let mut world = world(12);
        let owners = NAMES.map(|(name, xpi)| Owner::new(&mut world, name, xpi));
        for (who, n) in steps {
            world.wait(SECOND);
            let keys = |world: &World| owners.each_ref().map(|o| u64::from(world.of_identity(&o.id).keys.0));
            let before = keys(&world);
            let known = owners[who].is_listed(&world, n);
            let decided = owners[who].pull(&mut world, n);
            let now = keys(&world);
            let live: u64 = now.iter().sum();
            prop_assert!(live <= 7);
            let worth = |xpi: u64, keys: u64| Amount::from_xpi(xpi).sats().checked_div(keys).unwrap_or(u64::MAX);
            match decided {
                _ if known => prop_assert_eq!(before, now),
                Reason::New => prop_assert_eq!(now[who], before[who] + 1),
                Reason::TableFull => {
                    let mine = worth(NAMES[who].1, before[who] + 1);
                    let least = (0..5).map(|n| worth(NAMES[n].1, now[n])).min().unwrap();
                    prop_assert!(live == 7 && mine <= least, "{mine} {least}");
                }
                Reason::KeyLimit => {}
                other => prop_assert!(false, "{other}"),
            }
        }
    }
}
