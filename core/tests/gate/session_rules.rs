//! Who may announce, join and speak in a session, and how many are open (policy §7).

use ltms_core::session::*;
use ltms_core::*;
use proptest::prelude::*;

use crate::ads::ad;
use crate::claims::{named, secret};
use crate::sessions::*;
use crate::world::*;

#[test]
fn only_named_signers_join_and_each_once() {
    let mut room = Room::new(64, 2, 3);
    let id = room.announce(&[0, 1]);
    let (first, own) = (room.place(&id, 0), room.place(&id, US));
    assert_eq!(room.step(2, &id, &Step::Join(3)), Reason::NotASigner);
    assert_eq!(room.step(2, &id, &Step::Join(200)), Reason::NotASigner);
    assert_eq!(room.step(2, &id, &Step::Join(own)), Reason::NotASigner, "the announcer's place");
    assert_eq!(room.join(&id, 0), Reason::Clear);
    assert_eq!(room.join(&id, 0), Reason::AlreadyKnown);
    assert_eq!(room.step(1, &id, &Step::Join(first)), Reason::AlreadyKnown, "by another peer");
    assert_eq!(room.join(&id, 1), Reason::Clear);
    assert_eq!(room.join(&id, 1), Reason::AlreadyKnown);
    let unknown = SessionId::from_bytes([0xee; 16]);
    assert_eq!(room.step(0, &unknown, &Step::Join(0)), Reason::UnknownSession);
    let nobody = SessionId::from_bytes([0; 16]);
    assert_eq!(room.step(0, &nobody, &Step::Join(0)), Reason::UnknownSession);
}

#[test]
fn contributions_are_taken_in_their_phase_from_their_signer_once() {
    let mut room = Room::new(64, 2, 3);
    let id = room.announce(&[0, 1]);
    assert_eq!(room.join(&id, 0), Reason::Clear);
    assert_eq!(room.contribute(&id, 0, NONCE), Reason::WrongPhase, "not all have joined");
    assert_eq!(room.join(&id, 1), Reason::Clear);
    let first = room.place(&id, 0);
    assert_eq!(room.step(1, &id, &Step::Contribute(first, NONCE)), Reason::NotASigner);
    assert_eq!(room.step(2, &id, &Step::Contribute(first, NONCE)), Reason::NotASigner);
    assert_eq!(room.contribute(&id, 0, PARTIAL), Reason::WrongPhase);
    assert_eq!(room.contribute(&id, 0, Phase::Finish), Reason::WrongPhase);
    assert_eq!(room.contribute(&id, 0, NONCE), Reason::Clear);
    assert_eq!(room.contribute(&id, 0, NONCE), Reason::AlreadyKnown);
    assert_eq!(room.step(US, &id, &Step::Complete), Reason::WrongPhase);
    assert_eq!(room.step(0, &id, &Step::Complete), Reason::NotASigner);
    assert_eq!(room.step(0, &id, &Step::Begin(PARTIAL)), Reason::NotASigner);
}

#[test]
fn an_id_is_used_once() {
    let mut room = Room::new(64, 2, 2);
    let (id, announcement) = room.announcement(US, &[0, 1]);
    let announce = Step::Announce(&announcement);
    assert_eq!(room.step(US, &id, &announce), Reason::Clear);
    assert_eq!(room.step(US, &id, &announce), Reason::AlreadyKnown);
    assert_eq!(room.step(0, &id, &announce), Reason::AlreadyKnown);
    assert_eq!(room.abort(&id, US), Reason::Clear);
    assert_eq!(room.step(US, &id, &announce), Reason::Replayed);
}

#[test]
fn an_announcement_is_taken_fresh_and_from_its_own_peer() {
    let mut room = Room::new(64, 2, 2);
    let (id, announcement) = room.announcement(0, &[1, US]);
    assert_eq!(room.step(1, &id, &Step::Announce(&announcement)), Reason::NotASigner);
    let shifted = |span: i64| {
        let at = announcement.created_at.as_millis().saturating_add_signed(span);
        wire::SessionAnnouncement { created_at: Timestamp::from_millis(at), ..announcement.clone() }
    };
    for (minutes, past, reason) in [
        (5, 1, Reason::Future),
        (5, 0, Reason::Clear),
        (-10, 0, Reason::Stale),
        (-10, 1, Reason::Clear),
    ] {
        let mut room = Room::new(64, 2, 2);
        let announcement = shifted(minutes * 60_000 + past);
        assert_eq!(room.step(0, &id, &Step::Announce(&announcement)), reason, "{minutes} {past}");
    }
    let mut unsound = announcement.clone();
    unsound.announcer = 3;
    assert_eq!(room.step(0, &id, &Step::Announce(&unsound)), Reason::Malformed);
    unsound = announcement;
    unsound.signers.truncate(1);
    unsound.announcer = 0;
    assert_eq!(room.step(US, &id, &Step::Announce(&unsound)), Reason::Malformed);
}

#[test]
fn an_identity_takes_part_in_two_sessions_and_all_strangers_in_one() {
    let mut room = Room::new(64, 2, 5);
    // Identity 0 announces one and joins one: that is two.
    let (first, reason) = room.announced_by(0, &[1]);
    assert_eq!(reason, Reason::Clear);
    let second = room.announce(&[0, 1]);
    assert_eq!(room.join(&second, 0), Reason::Clear);
    assert_eq!(room.announced_by(0, &[1]).1, Reason::SessionLimit);
    let third = room.announce(&[0, 1]);
    assert_eq!(room.join(&third, 0), Reason::SessionLimit);
    // To be named in sessions takes no slot: 1 is in three and has not joined any.
    assert_eq!(room.join(&third, 1), Reason::Clear);
    assert_eq!(room.abort(&first, US), Reason::Clear);
    assert_eq!(room.join(&third, 0), Reason::Clear);
    // Strangers 2, 3 and 4.
    let (stranger, reason) = room.announced_by(2, &[3]);
    assert_eq!(reason, Reason::Clear);
    assert_eq!(room.announced_by(3, &[2]).1, Reason::SessionLimit);
    let fourth = room.announce(&[1, 4]);
    assert_eq!(room.join(&fourth, 4), Reason::SessionLimit);
    room.lose(2);
    assert_eq!(room.end(&stranger).unwrap().cause, Cause::Disconnect);
    assert_eq!(room.join(&fourth, 4), Reason::Clear);
}

#[test]
fn an_abort_keeps_the_aborter_s_slot_for_ten_minutes() {
    let mut room = Room::new(64, 2, 2);
    let begun = room.world.now;
    for _ in 0..2 {
        let id = room.begun(&[0, 1]);
        assert_eq!(room.abort(&id, 0), Reason::Clear);
    }
    let refused = |room: &mut Room| {
        let (id, announcement) = room.announcement(0, &[1, US]);
        let (gate, now) = (&room.world.gate, room.world.now);
        room.sessions.screen(now, gate, Some(&peer(0)), &id, &Step::Announce(&announcement))
    };
    let decision = refused(&mut room);
    let free = begun.saturating_add(Millis::from_mins(10));
    assert_eq!((decision.reason, decision.retry_at), (Reason::SessionLimit, Some(free)));
    // The other signer's slots are its own.
    assert_eq!(room.announced_by(1, &[0]).1, Reason::Clear);
    room.wait(Millis::new(Millis::from_mins(10).get() - 1));
    assert_eq!(refused(&mut room).reason, Reason::SessionLimit);
    room.wait(Millis::new(1));
    assert_eq!(refused(&mut room).reason, Reason::Clear);
}

#[test]
fn what_an_abort_held_is_brought_back_after_a_restart() {
    let mut room = Room::new(4, 1, 2);
    let until = room.world.now.saturating_add(MINUTE);
    for (number, identity) in [(101, Some(room.ids[0])), (102, Some(room.ids[0])), (103, None)] {
        let id = SessionId::from_bytes([number; 16]);
        room.sessions.restore_hold(room.world.now, &id, identity, until);
    }
    let past = SessionId::from_bytes([104; 16]);
    room.sessions.restore_hold(room.world.now, &past, None, room.world.now);
    assert!(room.sessions.get(&past).is_none());
    assert_eq!(room.announced_by(0, &[]).1, Reason::SessionLimit);
    assert_eq!(room.announced_by(1, &[]).1, Reason::SessionLimit);
    assert!(room.events().is_empty());
    room.wait(MINUTE);
    assert_eq!(room.announced_by(0, &[]).1, Reason::Clear);
    assert_eq!(room.announced_by(1, &[]).1, Reason::Clear);
}

#[test]
fn a_quarter_of_the_table_is_for_our_own_and_it_is_never_overfull() {
    let mut room = Room::new(4, 3, 3);
    let others: Vec<_> = [0, 0, 1].map(|number| room.announced_by(number, &[])).into();
    assert!(others.iter().all(|(_, reason)| *reason == Reason::Clear));
    assert_eq!(room.announced_by(2, &[]).1, Reason::TableFull);
    let own = room.announce(&[2]);
    let (id, announcement) = room.announcement(US, &[2]);
    assert_eq!(room.step(US, &id, &Step::Announce(&announcement)), Reason::TableFull);
    assert_eq!(room.sessions.open(), 4);
    // What an abort holds gives way to our own, and to nobody else's.
    assert_eq!(room.join(&own, 2), Reason::Clear);
    room.events();
    assert_eq!(room.abort(&own, 2), Reason::Clear);
    room.events();
    assert_eq!(room.announced_by(2, &[]).1, Reason::TableFull);
    assert_eq!(room.step(US, &id, &Step::Announce(&announcement)), Reason::Clear);
    assert!(room.sessions.get(&own).is_none());
}

#[test]
fn an_identity_s_current_key_is_no_session_key_unless_allowed() {
    for allowed in [false, true] {
        let mut policy = POLICY;
        policy.sessions.allow_shared_key = allowed;
        let mut world = World::with(Capacity::SMALL, policy);
        let id = world.register(&crate::claims::Claim::real(0));
        world.connect(0);
        let mut sessions = Sessions::new(vec![Session::VACANT; 4].into_boxed_slice());
        let mut signers = [key(US), secret(0).public_key()];
        signers.sort();
        let place = |key: &PublicKey| {
            u8::try_from(signers.iter().position(|signer| signer == key).unwrap()).unwrap()
        };
        let announcement = wire::SessionAnnouncement {
            signers: signers.iter().copied().collect(),
            announcer: place(&key(US)),
            peer: peer(US),
            created_at: world.now,
            digest: [1; 32],
        };
        let (session, now) = (SessionId::from_bytes([1; 16]), world.now);
        let announce = Step::Announce(&announcement);
        let decision = sessions.step(now, &mut world.gate, None, &session, &announce);
        assert_eq!(decision.reason, Reason::Clear);
        let join = Step::Join(place(&secret(0).public_key()));
        let decision = sessions.step(now, &mut world.gate, Some(&peer(0)), &session, &join);
        let expected = if allowed { Reason::Clear } else { Reason::SharedKey };
        assert_eq!(decision.reason, expected);
        if allowed {
            let place = place(&secret(0).public_key());
            assert_eq!(sessions.get(&session).unwrap().identity(place), Some(&id));
        }
    }
}

#[test]
fn a_session_key_has_the_identity_that_it_advertises_under_and_its_bans() {
    let mut room = Room::new(4, 1, 3);
    let (delegate, owner, id) = (named("session key 2"), secret(0), room.ids[0]);
    let listed = ad(&delegate).of_peer(2).under(&id).delegated(&owner, START.saturating_add(DAY));
    assert_eq!(reason(room.world.direct(2, &listed)), Reason::New);
    let session = room.announce(&[1, 2]);
    assert_eq!(room.join(&session, 2), Reason::Clear);
    let place = room.place(&session, 2);
    assert_eq!(room.sessions.get(&session).unwrap().identity(place), Some(&id));
    let until = Some(room.world.now.saturating_add(HOUR));
    let (now, subject) = (room.world.now, Subject::Identity(id));
    room.world.gate.ban(now, &subject, until, Reason::Blacklisted).unwrap();
    assert_eq!(room.announced_by(2, &[1]).1, Reason::IdentityBanned);
    assert_eq!(room.announced_by(0, &[1]).1, Reason::IdentityBanned);
}

/// What somebody does in a random history.
#[derive(Clone, Copy, Debug)]
enum Act {
    Announce(u32, u32),
    Join(u32),
    Acknowledge(u32),
    Contribute(u32),
    Begin(u32),
    Abort(u32),
    Refuse(u32),
    Complete,
    Lose(u32),
    Wait(u64),
}

fn act() -> impl Strategy<Value = (usize, Act)> {
    // Four peers, of whom two have an identity, and ourselves.
    let who = || prop_oneof![0u32..4, Just(US)];
    let act = prop_oneof![
        2 => (who(), who()).prop_map(|(a, b)| Act::Announce(a, b)),
        6 => who().prop_map(Act::Join),
        4 => who().prop_map(Act::Acknowledge),
        8 => who().prop_map(Act::Contribute),
        3 => who().prop_map(Act::Begin),
        1 => who().prop_map(Act::Abort),
        1 => who().prop_map(Act::Refuse),
        1 => Just(Act::Complete),
        1 => (0u32..4).prop_map(Act::Lose),
        2 => (0u64..90_000).prop_map(Act::Wait),
    ];
    (0usize..4, act)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens: the limits hold, nobody pays for what another did, nobody pays for a phase
    /// that it had not acknowledged or had done its part of, and everything ends.
    #[test]
    fn limits_and_blame_hold_in_every_history(history in prop::collection::vec(act(), 1..120)) {
        let mut room = Room::new(4, 2, 4);
        let mut ids: Vec<SessionId> = Vec::new();
        for (which, act) in history {
            let before = [0, 1].map(|number| room.world.of_identity(&room.ids[number]).sessions);
            let owed = owed(&room);
            let id = ids.len().checked_sub(1 + which % ids.len().max(1)).map(|at| ids[at]);
            take(&mut room, &mut ids, id, act);
            for (number, identity) in [0u32, 1].into_iter().zip(before) {
                let after = room.world.of_identity(&room.ids[number as usize]).sessions;
                let own = matches!(act, Act::Abort(n) if n == number);
                let refused = matches!(act, Act::Refuse(n) if n == number);
                let may = own || refused || owed.contains(&number);
                prop_assert!(after.1 == identity.1 || may, "{act:?} cost {number}");
                prop_assert!(after.0 == identity.0 || matches!(act, Act::Complete));
            }
            check(&room)?;
            room.events();
        }
        room.wait(Millis::from_mins(10));
        prop_assert_eq!(room.sessions.open(), 0);
    }
}

/// The identities that have acknowledged a phase and owe it something.
fn owed(room: &Room) -> Vec<u32> {
    let mut owed = Vec::new();
    for session in room.sessions.iter() {
        for number in 0..2 {
            let Some(place) = session.signer(&key(number)) else { continue };
            let phase = session.phase().takes_contributions();
            // What was acknowledged is not to be seen; that it is owed is.
            if phase && session.peer(place).is_some() && !session.has_contributed(place) {
                owed.push(number);
            }
        }
    }
    owed
}

fn take(room: &mut Room, ids: &mut Vec<SessionId>, id: Option<SessionId>, act: Act) {
    let known = id.filter(|id| room.sessions.get(id).is_some());
    match (act, known) {
        (Act::Announce(from, other), _) if from != other => {
            let others = if from == US || other == US { vec![other] } else { vec![other, US] };
            let (id, announcement) = room.announcement(from, &others);
            if room.step(from, &id, &Step::Announce(&announcement)) == Reason::Clear {
                ids.push(id);
            }
        }
        (Act::Lose(number), _) => {
            room.lose(number);
            room.world.connect(number);
        }
        (Act::Wait(ms), _) => room.wait(Millis::new(ms)),
        (Act::Join(number), Some(id)) => drop(room.join(&id, number)),
        (Act::Acknowledge(number), Some(id)) => {
            let phase = room.phase(&id);
            room.acknowledge(&id, number, phase);
        }
        (Act::Contribute(number), Some(id)) => {
            let phase = room.phase(&id);
            room.contribute(&id, number, phase);
        }
        (Act::Begin(number), Some(id)) => {
            let phase = room.phase(&id).next();
            room.step(number, &id, &Step::Begin(phase));
        }
        (Act::Abort(number), Some(id)) => drop(room.abort(&id, number)),
        (Act::Refuse(number), Some(id)) => {
            let place = room.place(&id, number);
            room.step(US, &id, &Step::Refuse(place));
        }
        (Act::Complete, Some(id)) => drop(room.step(US, &id, &Step::Complete)),
        _ => {}
    }
}

fn check(room: &Room) -> Result<(), TestCaseError> {
    let open = || room.sessions.iter().filter(|session| session.phase() != Phase::Ended);
    prop_assert!(open().count() <= 4);
    for identity in [None, Some(&room.ids[0]), Some(&room.ids[1])] {
        let theirs = open().filter(|session| {
            let signers = 0..u8::try_from(session.signers().count()).unwrap();
            signers.clone().any(|n| session.peer(n).is_some() && session.identity(n) == identity)
        });
        let most = if identity.is_some() { 2 } else { 1 };
        prop_assert!(theirs.count() <= most);
    }
    prop_assert!(open().all(|session| session.deadline() > room.world.now));
    Ok(())
}
