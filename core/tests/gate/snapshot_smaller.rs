//! A snapshot in smaller tables: what stays, and what is told of the rest.

use ltms_core::*;

use crate::ads::{Ad, ad};
use crate::claims::{Claim, named, secret};
use crate::full_bans::misbehave;
use crate::snapshot::{burned, empty, restart, save};
use crate::world::*;

#[test]
fn in_smaller_tables_the_highest_burns_stay_with_their_keys() {
    let mut first = World::new();
    let all: Vec<_> = [50, 300, 60, 200, 60]
        .into_iter()
        .zip(0..)
        .map(|(xpi, number)| burned(&mut first, number, xpi).0)
        .collect();
    let (second, restored) = restart(&first, Capacity { identities: 5, ..Capacity::SMALL });
    let kept: Vec<bool> = all.iter().map(|id| second.gate.identity(id).is_some()).collect();
    assert_eq!(kept, [false, true, true, true, false]);
    assert_eq!((restored.identities, restored.dropped.identities), (3, 2));
    for id in &all {
        if let Some(row) = second.gate.identity(id) {
            assert_eq!(second.gate.resolve_identity(&row.key), Some(row));
        }
    }
    // A pinned one stays whatever it burned, and as many keys as identities have room.
    assert!(first.gate.pin(first.now, &all[0], true));
    let (second, restored) = restart(&first, Capacity { keys: 2, ..Capacity::SMALL });
    let kept: Vec<bool> = all.iter().map(|id| second.gate.identity(id).is_some()).collect();
    assert_eq!(kept, [true, true, false, false, false]);
    assert_eq!((restored.keys, restored.dropped.keys), (2, 3));
}

/// Whoever has the key that a rotation replaced must not get the identity back when it finds no
/// room.
#[test]
fn a_dropped_identity_leaves_a_tombstone() {
    let mut first = World::new();
    let (id, key) = burned(&mut first, 0, 50);
    burned(&mut first, 1, 60);
    let rotation = Claim::rotation(&key, &named("next"), &id, 1, TIP - 79);
    assert_eq!(reason(first.claim(&rotation)), Reason::New);
    let (mut second, restored) = restart(&first, Capacity { identities: 1, ..Capacity::SMALL });
    assert_eq!((restored.identities, restored.dropped.identities), (1, 1));
    assert!(second.events().contains(&Event::Displaced(id)));
    assert!(second.of_identity(&id).displaced);
    // Nor in a table where it has room, later.
    let (mut second, _) = restart(&second, Capacity::SMALL);
    second.connect(COURIER);
    assert_eq!(
        reason(second.claim(&Claim::made(&key, Amount::from_xpi(50), TIP - 80))),
        Reason::New
    );
    second.connect(0);
    assert_eq!(reason(second.direct(0, &ad(&key).under(&id))), Reason::Superseded);
    let other = Claim::rotation(&key, &named("other"), &id, 1, TIP - 79);
    assert_eq!(reason(second.claim(&other)), Reason::Superseded);
    assert_eq!(reason(second.claim(&rotation)), Reason::New);
}

#[test]
fn a_key_that_finds_no_room_is_not_replayed() {
    let mut first = World::registered(1);
    let (owner, id) = (secret(0), Claim::real(0).id());
    first.connect(0);
    let authors = [0, 1, 2].map(|number| named(&format!("author {number}")));
    let end = START.saturating_add(DAY);
    let ads = [0, 1, 2].map(|number: usize| {
        let hours = HOUR.saturating_mul(2 + number as u64);
        ad(&authors[number]).under(&id).delegated(&owner, end).lasting(hours)
    });
    for ad in &ads {
        assert_eq!(reason(first.direct(0, ad)), Reason::New);
    }
    let (second, restored) = restart(&first, Capacity { keys: 2, ..Capacity::SMALL });
    assert_eq!((restored.keys, restored.dropped.keys), (2, 2));
    assert!(second.gate.is_listed(START, &authors[2].public_key()), "replayable for longest");
    let (mut second, _) = restart(&second, Capacity::SMALL);
    second.connect(0);
    second.now = START.saturating_add(SECOND);
    let pull = |world: &mut World, ad: &Ad<'_>| reason(world.pull(0, Channel::Directory, ad));
    assert_eq!(pull(&mut second, &ads[0]), Reason::Replayed);
    assert_eq!(pull(&mut second, &ads[1].at(START.saturating_add(SECOND))), Reason::New);
}

#[test]
fn no_ban_of_the_operator_s_or_of_an_identity_is_dropped() {
    let mut first = World::new();
    let banned = [burned(&mut first, 0, 50).0, burned(&mut first, 1, 50).0];
    burned(&mut first, 2, 5_000);
    let end = Some(START.saturating_add(DAY));
    for id in &banned {
        first.gate.ban(START, &Subject::Identity(*id), end, Reason::Malformed).unwrap();
    }
    for number in 0..3 {
        first.gate.ban(START, &Subject::Peer(peer(number)), end, Reason::Malformed).unwrap();
    }
    let file = save(&first);
    let smaller = |capacity| empty(capacity).gate.restore(START, &file);
    let one = Capacity { identities: 2, ..Capacity::SMALL };
    assert_eq!(smaller(one), Err(SnapshotError::NoRoom(4)));
    let two = Capacity { identities: 3, ..Capacity::SMALL };
    assert_eq!(smaller(two).map(|restored| restored.dropped.identities), Ok(1));
    assert_eq!(smaller(Capacity { bans: 11, ..Capacity::SMALL }), Err(SnapshotError::NoRoom(8)));
    assert_eq!(smaller(Capacity { bans: 12, ..Capacity::SMALL }).map(|r| r.bans), Ok(3));
    // Once they have ended they may go.
    let later = START.saturating_add(DAY);
    let none = Capacity { bans: 0, identities: 0, ..Capacity::SMALL };
    let dropped = empty(none).gate.restore(later, &file).unwrap().dropped;
    assert_eq!((dropped.identities, dropped.bans), (3, 3));
}

#[test]
fn the_longest_automatic_bans_stay_and_a_lost_one_is_a_lockdown() {
    let mut first = World::new();
    for number in 0..6 {
        first.connect(number);
        if number % 2 == 0 {
            misbehave(&mut first, number);
            continue;
        }
        let relayed = Source::gossip(peer(number), peer(NOBODY));
        for _ in 0..50 {
            let _ = first.gate.malformed(START, &relayed, Reason::Malformed, b"x");
        }
    }
    let banned = |world: &World| (0..6).filter(|n| !world.of_peer(*n).decision.is_accept()).count();
    assert_eq!(banned(&first), 6);
    let (second, restored) = restart(&first, Capacity { bans: 4, ..Capacity::SMALL });
    assert_eq!((restored.bans, restored.dropped.bans), (3, 3));
    assert!((0..6).step_by(2).all(|n| reason(second.of_peer(n).decision) == Reason::Blacklisted));
    assert_eq!(second.gate.posture(), Posture::Lockdown);
    let (second, _) = restart(&first, Capacity { bans: 8, ..Capacity::SMALL });
    assert_eq!((banned(&second), second.gate.posture()), (6, Posture::Normal));
}

#[test]
fn windows_of_strangers_go_on_where_there_are_as_many_cells() {
    let mut first = World::new();
    first.connect(0);
    let stranger = |n: u32| named(&format!("stranger {n}"));
    let say = |world: &mut World, n| reason(world.direct(0, &ad(&stranger(n)).of_peer(0)));
    assert_eq!(
        [0, 1, 2].map(|n| say(&mut first, n)),
        [Reason::New, Reason::New, Reason::StrangerWindow]
    );
    let (mut second, _) = restart(&first, Capacity::SMALL);
    second.connect(0);
    assert_eq!(say(&mut second, 2), Reason::StrangerWindow);
    let (mut second, restored) = restart(&first, Capacity { cells: 255, ..Capacity::SMALL });
    second.connect(0);
    assert_eq!(say(&mut second, 2), Reason::New);
    assert!(restored.dropped.others > 0);
}
