//! The rows that a store keeps: together they are a snapshot, however often they were taken.

use std::collections::BTreeMap;

use ltms_core::*;
use proptest::prelude::*;

use crate::full_bans::{at, throw_away};
use crate::random::{Actors, Sent, play, steps};
use crate::snapshot::{empty, save};
use crate::world::*;

type Rows = BTreeMap<(u16, u32), Vec<u8>>;

/// Takes what changed into a copy, as a store does.
fn keep(gate: &mut recorded::Of, all: bool, rows: &mut Rows) {
    gate.take_rows(all, |StoredRow { section, place, record }| match record {
        Some(record) => drop(rows.insert((section, place), record.to_vec())),
        None => drop(rows.remove(&(section, place))),
    });
}

mod recorded {
    pub(super) type Of = ltms_core::record::Recorded<ltms_core::Heap, crate::world::Tape>;
}

fn stored(rows: &Rows) -> Vec<StoredRow<'_>> {
    let row = |((section, place), record): ((u16, u32), _)| StoredRow { section, place, record };
    rows.iter().map(|(at, record)| row((*at, Some(&record[..])))).collect()
}

fn file(rows: &Rows) -> Result<Vec<u8>, SnapshotError> {
    snapshot_of(Network::Reg, &SEED, &mut stored(rows))
}

/// The sections of a snapshot with all their bytes, but those of strangers' cells and empty ones
/// that need not be there.
fn sections(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[32..file.len() - 4];
    let mut sections = Vec::new();
    while let [a, b, c, d, e, f, g, h, ..] = *rest {
        let (number, size) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let count = u32::from_le_bytes([e, f, g, h]);
        let (section, after) = rest.split_at(8 + usize::from(size) * count as usize);
        if number != 5 && (number % 2 == 0 || count > 0) {
            sections.push(section);
        }
        rest = after;
    }
    sections
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever changes a row notes it: who takes only the changes has what all rows say.
    #[test]
    fn the_changes_of_every_step_add_up_to_a_snapshot(history in steps(true), every in 1..9usize) {
        let (actors, capacity) = (Actors::new(), Capacity { keys: 64, ..Capacity::SMALL });
        let mut world = World::on(Heap::noting_changes(capacity), POLICY);
        let (mut sent, mut rows) = (Sent::default(), Rows::new());
        for (number, step) in history.iter().enumerate() {
            let _ = play(&mut world, &actors, &mut sent, step);
            if number % every == 0 {
                keep(&mut world.gate, false, &mut rows);
            }
        }
        keep(&mut world.gate, false, &mut rows);
        let (kept, saved) = (file(&rows).unwrap(), save(&world));
        prop_assert_eq!(sections(&kept), sections(&saved));
        let mut all = Rows::new();
        keep(&mut world.gate, true, &mut all);
        prop_assert_eq!(&all, &rows);
        prop_assert!(empty(capacity).gate.restore(world.now, &kept).is_ok());
    }
}

/// A world with a ban, and its rows.
fn banned() -> (World, Rows) {
    let mut world = World::on(Heap::noting_changes(Capacity::SMALL), POLICY);
    throw_away(&mut world, at(1, 1), 1);
    let mut rows = Rows::new();
    keep(&mut world.gate, false, &mut rows);
    (world, rows)
}

#[test]
fn a_ban_is_restored_from_rows_and_a_lifted_one_is_gone_from_them() {
    let (mut world, mut rows) = banned();
    let of = |rows: &Rows| {
        let mut second = empty(Capacity::SMALL);
        second.gate.restore(world.now, &file(rows).unwrap()).unwrap();
        reason(second.of_peer(1).decision)
    };
    assert_eq!(of(&rows), Reason::Blacklisted);
    assert!(world.gate.unban(world.now, &Subject::Peer(peer(1))));
    keep(&mut world.gate, false, &mut rows);
    assert_eq!(of(&rows), Reason::Clear);
}

#[test]
fn a_row_that_lost_a_bit_or_its_place_is_named() {
    let (_, rows) = banned();
    let at = *rows.keys().find(|(section, _)| *section == 8).unwrap();
    let damaged = Err(SnapshotError::Record { section: 8, index: at.1 });
    for byte in 0..rows[&at].len() {
        let mut bad = rows.clone();
        bad.get_mut(&at).unwrap()[byte] ^= 1;
        assert_eq!(file(&bad), damaged, "{byte}");
    }
    let mut bad = rows.clone();
    let record = bad.remove(&at).unwrap();
    bad.insert((8, 77), record);
    assert_eq!(file(&bad), Err(SnapshotError::Record { section: 8, index: 77 }));
    let mut bad = rows.clone();
    bad.insert((8, 77), vec![1, 2]);
    assert_eq!(file(&bad), Err(SnapshotError::Section(8)));
    let mut bad = rows;
    bad.retain(|(section, _), _| *section != 2);
    let second = empty(Capacity::SMALL).gate.restore(START, &file(&bad).unwrap());
    assert_eq!(second, Err(SnapshotError::Section(2)));
}

#[test]
fn memory_that_notes_no_changes_has_none_to_hand_over() {
    let mut world = World::new();
    throw_away(&mut world, at(1, 1), 1);
    let mut rows = Rows::new();
    keep(&mut world.gate, true, &mut rows);
    assert_eq!(rows.into_keys().collect::<Vec<_>>(), [(2, 0)]);
}

#[test]
fn a_guarded_gate_holds_strangers_back_until_it_ends() {
    let mut world = World::new();
    world.gate.guard(world.now);
    let told = |event: &Event| matches!(event, Event::PostureChanged(Posture::Guarded));
    assert!(world.events().iter().any(told));
    throw_away(&mut world, at(1, 1), 1);
    assert!(world.gate.unban(world.now, &Subject::Peer(peer(1))), "room for a ban again");
    world.wait(DAY);
    world.gate.handle_timeout(world.now);
    assert_eq!(world.gate.posture(), Posture::Guarded);
    let mut second = empty(Capacity::SMALL);
    second.gate.restore(world.now, &save(&world)).unwrap();
    assert_eq!(second.gate.posture(), Posture::Lockdown, "until the next sweep finds room");
}
