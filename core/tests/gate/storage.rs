//! Where the tables may lie (a static or boxed block is lent, never moved over the stack).

use std::sync::Mutex;

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::world::*;

pub(crate) type Few = Inline<4, 6, 2, 16, 4, 1, 4, 3>;

static BLOCK: Mutex<Few> = Mutex::new(Few::new());

/// The same history gives the same answers wherever the tables lie.
fn history<S: Storage>(storage: S) -> Vec<Reason> {
    let mut world = World::on(storage, POLICY);
    let author = secret(3);
    let id = world.register(&Claim::real(3));
    world.connect(0);
    let first = ad(&author).under(&id);
    let mut reasons = vec![reason(world.direct(0, &first)), reason(world.gossip(0, 0, &first))];
    reasons.push(reason(world.direct(0, &first.at(START.saturating_add(SECOND)))));
    reasons.push(reason(world.claim(&Claim::real(1))));
    reasons.push(reason(world.claim(&Claim::real(2))));
    reasons.push(reason(world.claim(&Claim::real(0))));
    assert_eq!(world.find(&Criteria::default()).len(), 1);
    reasons
}

#[test]
fn static_boxed_and_lent_blocks_answer_alike() {
    use Reason::{Known, New, TableFull, TooSoon};
    let expected = [New, Known, TooSoon, New, New, TableFull];
    let mut block = BLOCK.lock().unwrap();
    assert_eq!(history(&mut *block), expected);
    assert_eq!(history(Box::new(Few::new())), expected);
    let mut local = Box::new(Few::default());
    assert_eq!(history(&mut *local), expected);
    let capacity = Capacity {
        peers: 4,
        identities: 6,
        tombstones: 2,
        keys: 16,
        bans: 4,
        groups: 1,
        cells: 4,
        outcomes: 3,
    };
    assert_eq!(history(Heap::new(capacity)), expected);
}

/// What was lent is still there when the Gate is gone.
#[test]
fn a_lent_block_keeps_its_content() {
    let mut block = Heap::new(Capacity::SMALL);
    let id = World::on(&mut block, POLICY).register(&Claim::real(0));
    let again = Gate::new(&mut block, POLICY, SEED).unwrap();
    assert_eq!(again.identity(&id).map(|row| row.id), Some(id));
}

#[test]
fn tables_without_rows_refuse_and_do_not_panic() {
    let mut gate = Gate::new(Inline::<0, 0, 0, 0, 0, 0, 0, 0>::new(), POLICY, SEED).unwrap();
    let connection = World::<Heap>::connection(0);
    assert_eq!(gate.connected(START, &connection), Err(CapacityError::Peers));
    let source = Source::direct(peer(0));
    let author = secret(0);
    assert!(!gate.admit_ad(START, &source, &ad(&author).seal()).is_accept());
    let banned = gate.ban(START, &Subject::Peer(peer(0)), None, Reason::Malformed);
    assert_eq!(banned, Err(CapacityError::Bans));
    gate.handle_timeout(START);
    assert_eq!(gate.poll_event(START), None);
}

#[test]
fn a_policy_that_makes_no_sense_is_named() {
    let mut policy = POLICY;
    policy.sanctions.violations = 0;
    let refused = Gate::new(Heap::new(Capacity::SMALL), policy, SEED).err().unwrap();
    assert_eq!(refused.field(), "sanctions.violations");
}

#[test]
fn cleared_tables_are_as_good_as_new() {
    let rows = |block: &mut Few| Gate::new(block, POLICY, SEED).unwrap().snapshot_len();
    let mut block = Box::new(Few::new());
    let empty = rows(&mut block);
    let new = history(&mut *block);
    assert!(rows(&mut block) > empty);
    block.tables_mut().clear();
    assert_eq!(rows(&mut block), empty);
    assert_eq!(history(&mut *block), new);
}
