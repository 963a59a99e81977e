//! Signing sessions from the announcement to their end, and who pays for it (policy §7).

use ltms_core::score::Failure;
use ltms_core::session::*;
use ltms_core::wire::SessionAnnouncement;
use ltms_core::*;

use crate::claims::{Claim, named};
use crate::hello::prove_by_key;
use crate::world::*;

/// Our own peer.
pub(crate) const US: u32 = 500;
pub(crate) const NONCE: Phase = Phase::Nonce;
pub(crate) const PARTIAL: Phase = Phase::PartialSignature;

/// A node with peers `0..count`, each with a session key and connected; those of the first
/// `identities` have proved one.
pub(crate) struct Room {
    pub(crate) world: World,
    pub(crate) sessions: Sessions<Box<[Session]>>,
    pub(crate) ids: Vec<IdentityId>,
    made: u8,
}

/// The session key of a peer.
pub(crate) fn key(number: u32) -> PublicKey {
    named(&format!("session key {number}")).public_key()
}

impl Room {
    pub(crate) fn new(rows: usize, identities: u32, count: u32) -> Self {
        let mut world = World::registered(identities);
        let ids: Vec<IdentityId> = (0..identities).map(|n| Claim::real(n).id()).collect();
        (0..count).for_each(|number| world.connect(number));
        for (number, id) in (0..).zip(&ids) {
            let owner = crate::claims::secret(number);
            assert_eq!(prove_by_key(&mut world, number, &owner, id), Reason::Clear);
        }
        let sessions = Sessions::new(vec![Session::VACANT; rows].into_boxed_slice());
        Self { world, sessions, ids, made: 0 }
    }

    /// An announcement by `announcer` to it and `others`, with the next id.
    pub(crate) fn announcement(
        &mut self,
        announcer: u32,
        others: &[u32],
    ) -> (SessionId, SessionAnnouncement) {
        self.made += 1;
        let mut signers: Vec<PublicKey> = others.iter().copied().map(key).collect();
        signers.push(key(announcer));
        signers.sort();
        let place = signers.iter().position(|signer| *signer == key(announcer)).unwrap();
        let announcement = SessionAnnouncement {
            signers: signers.into_iter().collect(),
            announcer: u8::try_from(place).unwrap(),
            peer: peer(announcer),
            created_at: self.world.now,
            digest: [self.made; 32],
        };
        (SessionId::from_bytes([self.made; 16]), announcement)
    }

    pub(crate) fn step(&mut self, from: u32, id: &SessionId, step: &Step<'_>) -> Reason {
        let from = Some(peer(from)).filter(|_| from != US);
        let (now, gate) = (self.world.now, &mut self.world.gate);
        let screened = self.sessions.screen(now, gate, from.as_ref(), id, step);
        let decision = self.sessions.step(now, gate, from.as_ref(), id, step);
        assert_eq!(screened, decision, "{step:?}");
        decision.reason
    }

    /// We announce to these peers.
    pub(crate) fn announce(&mut self, others: &[u32]) -> SessionId {
        let (id, announcement) = self.announcement(US, others);
        assert_eq!(self.step(US, &id, &Step::Announce(&announcement)), Reason::Clear);
        id
    }

    /// A peer announces to us and these others.
    pub(crate) fn announced_by(&mut self, announcer: u32, others: &[u32]) -> (SessionId, Reason) {
        let others = [others, &[US]].concat();
        let (id, announcement) = self.announcement(announcer, &others);
        let reason = self.step(announcer, &id, &Step::Announce(&announcement));
        (id, reason)
    }

    /// Which signer a peer is.
    pub(crate) fn place(&self, id: &SessionId, number: u32) -> u8 {
        self.sessions.get(id).unwrap().signer(&key(number)).unwrap_or(u8::MAX)
    }

    pub(crate) fn join(&mut self, id: &SessionId, number: u32) -> Reason {
        let signer = self.place(id, number);
        self.step(number, id, &Step::Join(signer))
    }

    pub(crate) fn contribute(&mut self, id: &SessionId, number: u32, phase: Phase) -> Reason {
        let signer = self.place(id, number);
        self.step(number, id, &Step::Contribute(signer, phase))
    }

    pub(crate) fn acknowledge(&mut self, id: &SessionId, number: u32, phase: Phase) -> Reason {
        self.step(number, id, &Step::Acknowledge(phase))
    }

    pub(crate) fn abort(&mut self, id: &SessionId, number: u32) -> Reason {
        let end = End { cause: Cause::Abort, signer: Some(self.place(id, number)) };
        self.step(number, id, &Step::Abort(end))
    }

    pub(crate) fn lose(&mut self, number: u32) {
        let (now, gate) = (self.world.now, &mut self.world.gate);
        gate.disconnected(now, &peer(number));
        self.sessions.disconnected(now, gate, &peer(number));
    }

    /// Lets the clock run and looks at what is due.
    pub(crate) fn wait(&mut self, span: Millis) {
        self.world.wait(span);
        self.sessions.handle_timeout(self.world.now, &mut self.world.gate);
    }

    pub(crate) fn phase(&self, id: &SessionId) -> Phase {
        self.sessions.get(id).unwrap().phase()
    }

    pub(crate) fn end(&self, id: &SessionId) -> Option<End> {
        self.sessions.get(id).unwrap().end()
    }

    pub(crate) fn score(&self, number: u32) -> u8 {
        self.world.of_identity(&self.ids[number as usize]).score
    }

    pub(crate) fn events(&mut self) -> Vec<SessionEvent> {
        std::iter::from_fn(|| self.sessions.poll_event()).collect()
    }

    /// A session of ours with these, all joined and the phase of nonces acknowledged.
    pub(crate) fn begun(&mut self, others: &[u32]) -> SessionId {
        let id = self.announce(others);
        for number in others {
            assert_eq!(self.join(&id, *number), Reason::Clear);
        }
        assert_eq!(self.phase(&id), NONCE);
        for number in others {
            assert_eq!(self.acknowledge(&id, *number, NONCE), Reason::Clear);
        }
        id
    }

    /// A session of peer 0's with us, in the phase of nonces.
    fn begun_by_0(&mut self, others: &[u32]) -> SessionId {
        let (id, reason) = self.announced_by(0, others);
        assert_eq!(reason, Reason::Clear);
        assert_eq!(self.join(&id, US), Reason::Clear);
        assert_eq!(self.step(0, &id, &Step::Begin(NONCE)), Reason::Clear);
        id
    }
}

fn ended(cause: Cause, signer: Option<u8>) -> Option<End> {
    Some(End { cause, signer })
}

#[test]
fn a_session_that_completes_raises_every_signer_s_score() {
    let mut room = Room::new(64, 2, 2);
    let id = room.begun(&[0, 1]);
    assert_eq!(room.events(), [SessionEvent::Begun(id, NONCE)]);
    for phase in [NONCE, PARTIAL] {
        assert_eq!(room.phase(&id), phase);
        assert_eq!(room.contribute(&id, 0, phase), Reason::Clear);
        room.wait(Millis::from_secs(7));
        assert_eq!(room.contribute(&id, 1, phase), Reason::Clear);
        assert_eq!(room.contribute(&id, US, phase), Reason::Clear);
    }
    assert_eq!(room.phase(&id), Phase::Finish);
    assert_eq!((room.score(0), room.score(1)), (50, 50));
    assert_eq!(room.step(US, &id, &Step::Complete), Reason::Clear);
    // Each by its own slowest answer.
    assert_eq!((room.score(0), room.score(1)), (80, 70));
    let completed = End { cause: Cause::Completed, signer: None };
    assert_eq!(room.events(), [SessionEvent::Ended(id, completed)]);
    assert_eq!(room.sessions.open(), 0);
}

#[test]
fn a_signer_judges_the_announcer_alone() {
    let mut room = Room::new(64, 2, 2);
    let id = room.begun_by_0(&[1]);
    for (phase, next) in [(NONCE, PARTIAL), (PARTIAL, Phase::Finish)] {
        // It cannot have all contributions without ours.
        assert_eq!(room.step(0, &id, &Step::Begin(next)), Reason::WrongPhase);
        assert_eq!(room.contribute(&id, US, phase), Reason::Clear);
        assert_eq!(room.step(0, &id, &Step::Begin(next)), Reason::Clear);
        assert_eq!(room.step(0, &id, &Step::Begin(next)), Reason::AlreadyKnown);
    }
    assert_eq!(room.step(US, &id, &Step::Complete), Reason::Clear);
    assert_eq!((room.score(0), room.score(1)), (80, 50));
}

#[test]
fn whoever_acknowledged_a_phase_and_owes_it_pays_for_the_timeout() {
    let mut room = Room::new(64, 3, 3);
    let id = room.announce(&[0, 1, 2]);
    (0..3).for_each(|number| assert_eq!(room.join(&id, number), Reason::Clear));
    // 0 contributes; 1 acknowledges; 2 says nothing at all.
    assert_eq!(room.contribute(&id, 0, NONCE), Reason::Clear);
    assert_eq!(room.acknowledge(&id, 1, NONCE), Reason::Clear);
    assert_eq!(room.sessions.poll_timeout(), room.world.now.saturating_add(MINUTE));
    room.wait(Millis::new(MINUTE.get() - 1));
    assert_eq!(room.phase(&id), NONCE);
    room.wait(Millis::new(1));
    assert_eq!(room.end(&id), ended(Cause::Timeout, Some(room.place(&id, 1))));
    assert_eq!([0, 1, 2].map(|number| room.score(number)), [50, 45, 50]);
    assert_eq!(room.contribute(&id, 1, NONCE), Reason::UnknownSession);
}

#[test]
fn a_partial_signature_has_its_own_minute() {
    let mut room = Room::new(64, 1, 1);
    let id = room.begun(&[0]);
    room.wait(Millis::from_secs(50));
    assert_eq!(room.contribute(&id, 0, NONCE), Reason::Clear);
    assert_eq!(room.contribute(&id, US, NONCE), Reason::Clear);
    assert_eq!(room.acknowledge(&id, 0, NONCE), Reason::WrongPhase);
    assert_eq!(room.acknowledge(&id, 0, PARTIAL), Reason::Clear);
    room.wait(Millis::from_secs(59));
    assert_eq!(room.phase(&id), PARTIAL);
    room.wait(SECOND);
    assert_eq!(room.end(&id), ended(Cause::Timeout, Some(room.place(&id, 0))));
    assert_eq!(room.score(0), 45);
}

#[test]
fn an_announcer_pays_for_a_timeout_only_to_who_did_its_part() {
    let relay = Millis::from_secs(10);
    for (contributes, score) in [(true, 45), (false, 50)] {
        let mut room = Room::new(64, 2, 2);
        let id = room.begun_by_0(&[1]);
        if contributes {
            assert_eq!(room.contribute(&id, US, NONCE), Reason::Clear);
        }
        room.wait(MINUTE);
        assert_eq!(room.phase(&id), NONCE, "the announcer has time to tell");
        room.wait(relay);
        let missing = room.place(&id, if contributes { 0 } else { US });
        assert_eq!(room.end(&id), ended(Cause::Timeout, Some(missing)));
        assert_eq!(room.score(0), score);
    }
}

#[test]
fn who_looks_too_late_blames_nobody() {
    for (late, score) in [(10, 45), (11, 50)] {
        let mut room = Room::new(64, 1, 1);
        let id = room.begun(&[0]);
        room.wait(Millis::from_secs(60 + late));
        assert_eq!(room.end(&id).unwrap().cause, Cause::Timeout);
        assert_eq!(room.score(0), score, "{late} s");
    }
}

#[test]
fn the_end_of_the_whole_blames_nobody() {
    let mut room = Room::new(64, 1, 1);
    let id = room.announce(&[0]);
    room.wait(Millis::from_secs(570));
    assert_eq!(room.join(&id, 0), Reason::Clear);
    assert_eq!(room.acknowledge(&id, 0, NONCE), Reason::Clear);
    room.wait(Millis::from_secs(30));
    assert_eq!(room.end(&id).unwrap().cause, Cause::Timeout);
    assert_eq!(room.score(0), 50, "it had half a minute");
    // Nobody came at all.
    let id = room.announce(&[0]);
    room.wait(Millis::from_mins(10));
    assert_eq!(room.end(&id), ended(Cause::Timeout, None));
}

#[test]
fn a_disconnect_costs_whoever_acknowledged_the_phase_and_owes_it() {
    #[derive(Debug, PartialEq)]
    enum Did {
        Nothing,
        Acknowledged,
        Contributed,
    }
    for (did, score) in [(Did::Nothing, 50), (Did::Acknowledged, 40), (Did::Contributed, 50)] {
        let mut room = Room::new(64, 2, 2);
        let id = room.announce(&[0, 1]);
        (0..2).for_each(|number| assert_eq!(room.join(&id, number), Reason::Clear));
        match did {
            Did::Nothing => {}
            Did::Acknowledged => assert_eq!(room.acknowledge(&id, 0, NONCE), Reason::Clear),
            Did::Contributed => assert_eq!(room.contribute(&id, 0, NONCE), Reason::Clear),
        }
        room.lose(0);
        assert_eq!(room.score(0), score, "{did:?}");
        // Only a fault ends it: the others may still come back in time.
        let ended = ended(Cause::Disconnect, Some(room.place(&id, 0)));
        assert_eq!(room.end(&id), ended.filter(|_| did == Did::Acknowledged));
        assert_eq!(room.score(1), 50);
    }
}

#[test]
fn before_it_begins_a_signer_may_leave_and_join_again() {
    let mut room = Room::new(64, 2, 2);
    let id = room.announce(&[0, 1]);
    assert_eq!(room.join(&id, 0), Reason::Clear);
    room.lose(0);
    assert_eq!(room.join(&id, 1), Reason::Clear);
    assert_eq!(room.phase(&id), Phase::Join);
    room.world.connect(0);
    assert_eq!(room.join(&id, 0), Reason::Clear);
    assert_eq!(room.phase(&id), NONCE);
    assert_eq!(room.score(0), 50);
}

#[test]
fn a_lost_announcer_ends_the_session_and_pays_once_it_began_a_phase() {
    for (began, score) in [(false, 50), (true, 40)] {
        let mut room = Room::new(64, 1, 1);
        let (id, _) = room.announced_by(0, &[]);
        assert_eq!(room.join(&id, US), Reason::Clear);
        if began {
            assert_eq!(room.step(0, &id, &Step::Begin(NONCE)), Reason::Clear);
        }
        room.lose(0);
        assert_eq!(room.end(&id), ended(Cause::Disconnect, Some(room.place(&id, 0))));
        assert_eq!(room.score(0), score);
    }
}

#[test]
fn the_aborter_alone_pays_for_an_abort() {
    let mut room = Room::new(64, 2, 2);
    let id = room.begun(&[0, 1]);
    // In somebody else's name, or for another reason, nobody can.
    for (cause, number) in [(Cause::Abort, 1), (Cause::Timeout, 0), (Cause::Completed, 0)] {
        let end = End { cause, signer: Some(room.place(&id, number)) };
        assert_eq!(room.step(0, &id, &Step::Abort(end)), Reason::NotASigner);
    }
    assert_eq!(room.abort(&id, 0), Reason::Clear);
    assert_eq!(room.end(&id), ended(Cause::Abort, Some(room.place(&id, 0))));
    assert_eq!((room.score(0), room.score(1)), (47, 50));
    // Nobody pays for our own.
    let id = room.begun(&[1]);
    assert_eq!(room.abort(&id, US), Reason::Clear);
    assert_eq!((room.score(0), room.score(1)), (47, 50));
}

#[test]
fn an_announcer_s_word_moves_nobody_s_score_but_its_own() {
    for (cause, number, score) in [
        (Cause::Abort, 1, 50),
        (Cause::Timeout, 1, 50),
        (Cause::InvalidSignature, 1, 50),
        (Cause::Abort, 0, 47),
    ] {
        let mut room = Room::new(64, 2, 2);
        let id = room.begun_by_0(&[1]);
        let end = End { cause, signer: Some(room.place(&id, number)) };
        assert_eq!(room.step(1, &id, &Step::Abort(end)), Reason::NotASigner);
        assert_eq!(room.step(0, &id, &Step::Abort(end)), Reason::Clear);
        assert_eq!((room.score(0), room.score(1)), (score, 50), "{cause:?} {number}");
        assert_eq!(room.end(&id), Some(end));
    }
}

/// It names itself, or nobody, or us for what our own node knows to be otherwise.
#[test]
fn an_announcer_s_excuse_is_its_own_abort() {
    let all = [Cause::Timeout, Cause::Disconnect, Cause::InvalidSignature, Cause::Abort];
    for cause in all {
        let blames_us = |contributed: bool, taken: bool| (Some(US), contributed, taken);
        let done = matches!(cause, Cause::InvalidSignature | Cause::Abort);
        for ((named, contributed, taken), excuse) in [
            ((Some(0), false, false), true),
            ((None, false, false), true),
            ((Some(1), true, true), false),
            (blames_us(true, true), true),
            // Ours may not have arrived, or not be there.
            (blames_us(true, false), done),
            (blames_us(false, false), done),
        ] {
            let mut room = Room::new(64, 2, 2);
            let id = room.begun_by_0(&[1]);
            if contributed {
                assert_eq!(room.contribute(&id, US, NONCE), Reason::Clear);
            }
            if taken {
                assert_eq!(room.acknowledge(&id, 0, NONCE), Reason::Clear);
            }
            let told = End { cause, signer: named.map(|number| room.place(&id, number)) };
            let abort = End { cause: Cause::Abort, signer: Some(room.place(&id, 0)) };
            assert_eq!(room.step(0, &id, &Step::Abort(told)), Reason::Clear);
            let case = format!("{cause:?} {named:?} {contributed} {taken}");
            assert_eq!(room.end(&id), Some(if excuse { abort } else { told }), "{case}");
            assert_eq!(room.score(0), if excuse { 47 } else { 50 }, "{case}");
            // And its slot stays taken.
            let (_, first) = room.announced_by(0, &[]);
            let (_, second) = room.announced_by(0, &[]);
            let full = if excuse { Reason::SessionLimit } else { Reason::Clear };
            assert_eq!((first, second), (Reason::Clear, full), "{case}");
        }
    }
}

#[test]
fn what_an_announcer_took_counts_for_its_phase_alone() {
    let mut room = Room::new(64, 2, 2);
    let id = room.begun_by_0(&[1]);
    assert_eq!(room.acknowledge(&id, 0, NONCE), Reason::WrongPhase, "there is nothing to take");
    assert_eq!(room.contribute(&id, US, NONCE), Reason::Clear);
    assert_eq!(room.acknowledge(&id, 1, NONCE), Reason::NotASigner);
    assert_eq!(room.acknowledge(&id, 0, PARTIAL), Reason::WrongPhase);
    assert_eq!(room.acknowledge(&id, 0, NONCE), Reason::Clear);
    assert_eq!(room.step(0, &id, &Step::Begin(PARTIAL)), Reason::Clear);
    let told = End { cause: Cause::Timeout, signer: Some(room.place(&id, US)) };
    assert_eq!(room.step(0, &id, &Step::Abort(told)), Reason::Clear);
    assert_eq!((room.end(&id), room.score(0)), (Some(told), 50), "we owe our partial signature");
}

/// Whose it is to wait is never ours to excuse: before a phase nobody owes anything.
#[test]
fn a_session_that_never_began_is_nobody_s_fault() {
    let mut room = Room::new(64, 1, 1);
    let (id, reason) = room.announced_by(0, &[]);
    assert_eq!(reason, Reason::Clear);
    assert_eq!(room.join(&id, US), Reason::Clear);
    let told = End { cause: Cause::Timeout, signer: None };
    assert_eq!(room.step(0, &id, &Step::Abort(told)), Reason::Clear);
    assert_eq!((room.end(&id), room.score(0)), (Some(told), 50));
}

#[test]
fn an_invalid_signature_costs_the_signer_whose_own_it_is_once() {
    let mut room = Room::new(64, 2, 2);
    let id = room.begun(&[0, 1]);
    let (first, own) = (room.place(&id, 0), room.place(&id, US));
    assert_eq!(room.step(US, &id, &Step::Refuse(first)), Reason::WrongPhase, "nothing is there");
    assert_eq!(room.contribute(&id, 0, NONCE), Reason::Clear);
    assert_eq!(room.step(1, &id, &Step::Refuse(first)), Reason::NotASigner);
    assert_eq!(room.step(US, &id, &Step::Refuse(own)), Reason::NotASigner);
    assert_eq!(room.step(US, &id, &Step::Refuse(9)), Reason::NotASigner);
    assert_eq!(room.step(US, &id, &Step::Refuse(first)), Reason::Clear);
    assert_eq!(room.end(&id), ended(Cause::InvalidSignature, Some(first)));
    assert_eq!((room.score(0), room.score(1)), (30, 50));
    assert_eq!(room.step(US, &id, &Step::Refuse(first)), Reason::UnknownSession);
    assert_eq!(room.score(0), 30);
}

#[test]
fn three_successes_a_day_count_with_our_own_node() {
    let mut room = Room::new(64, 1, 1);
    for _ in 0..4 {
        let id = room.begun(&[0]);
        for phase in [NONCE, PARTIAL] {
            assert_eq!(room.contribute(&id, 0, phase), Reason::Clear);
            assert_eq!(room.contribute(&id, US, phase), Reason::Clear);
        }
        assert_eq!(room.step(US, &id, &Step::Complete), Reason::Clear);
    }
    assert_eq!(room.world.of_identity(&room.ids[0]).sessions, (3, 0));
    // Failures all count.
    for _ in 0..2 {
        let id = room.begun(&[0]);
        assert_eq!(room.abort(&id, 0), Reason::Clear);
        room.wait(Millis::from_mins(10));
    }
    assert_eq!(room.world.of_identity(&room.ids[0]).sessions, (3, 2));
}

#[test]
fn a_step_back_of_the_clock_lets_no_phase_last_longer() {
    let mut room = Room::new(64, 1, 1);
    let id = room.begun(&[0]);
    let back = Timestamp::from_millis(START.as_millis() - DAY.get());
    room.world.now = back;
    room.sessions.handle_timeout(back, &mut room.world.gate);
    assert_eq!(room.sessions.get(&id).unwrap().deadline(), back.saturating_add(MINUTE));
    // And a step to the end of time ends it without blame.
    room.world.now = Timestamp::from_millis(u64::MAX);
    room.sessions.handle_timeout(room.world.now, &mut room.world.gate);
    assert_eq!((room.end(&id).unwrap().cause, room.score(0)), (Cause::Timeout, 50));
}

/// A stranger has no score to lose, and its sessions work the same.
#[test]
fn strangers_sign_without_a_score() {
    let mut room = Room::new(64, 0, 1);
    let id = room.begun(&[0]);
    for phase in [NONCE, PARTIAL] {
        assert_eq!(room.contribute(&id, 0, phase), Reason::Clear);
        assert_eq!(room.contribute(&id, US, phase), Reason::Clear);
    }
    assert_eq!(room.step(US, &id, &Step::Complete), Reason::Clear);
}

#[test]
fn a_failure_has_the_number_of_its_cause() {
    for (failure, cause) in [
        (Failure::Timeout, Cause::Timeout),
        (Failure::Disconnect, Cause::Disconnect),
        (Failure::InvalidSignature, Cause::InvalidSignature),
        (Failure::Abort, Cause::Abort),
    ] {
        assert_eq!(failure as u8, cause.code());
        assert_eq!(Cause::from_code(cause.code()), Some(cause));
    }
    assert_eq!(Cause::from_code(Cause::Completed.code()), None);
}
