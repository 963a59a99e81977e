//! Outcomes of sessions (policy §7).

use ltms_core::score::Failure;
use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::world::*;

const QUICK: Outcome = Outcome::Completed(Millis::from_secs(5));

fn ids(count: u32) -> (World, Vec<IdentityId>) {
    (World::registered(count), (0..count).map(|n| Claim::real(n).id()).collect())
}

fn record(
    world: &mut World,
    session: u8,
    pair: (&IdentityId, &IdentityId),
    outcome: Outcome,
) -> Reason {
    let session = SessionId::from_bytes([session; 16]);
    reason(world.gate.record_session(world.now, &session, pair.0, pair.1, outcome))
}

#[test]
fn three_successes_of_a_pair_in_any_day_count() {
    let (mut world, ids) = ids(3);
    let pair = (&ids[0], &ids[1]);
    for session in 1..=3 {
        assert_eq!(record(&mut world, session, pair, QUICK), Reason::Clear);
        world.wait(HOUR);
    }
    assert_eq!(record(&mut world, 4, pair, QUICK), Reason::NotCounted);
    // Other pairs, also the same two the other way around, are apart.
    assert_eq!(record(&mut world, 4, (&ids[1], &ids[0]), QUICK), Reason::Clear);
    assert_eq!(record(&mut world, 4, (&ids[0], &ids[2]), QUICK), Reason::Clear);
    // The first was three hours ago: the day rolls.
    world.now = Timestamp::from_millis(START.saturating_add(DAY).as_millis() - 1);
    assert_eq!(record(&mut world, 5, pair, QUICK), Reason::NotCounted);
    world.now = START.saturating_add(DAY);
    assert_eq!(record(&mut world, 6, pair, QUICK), Reason::Clear);
    assert_eq!(record(&mut world, 7, pair, QUICK), Reason::NotCounted);
    assert_eq!(world.of_identity(&ids[0]).sessions, (5, 0));
}

#[test]
fn a_session_counts_once_and_not_with_oneself_or_with_the_unknown() {
    let (mut world, ids) = ids(2);
    let pair = (&ids[0], &ids[1]);
    assert_eq!(record(&mut world, 1, pair, QUICK), Reason::Clear);
    assert_eq!(record(&mut world, 1, pair, QUICK), Reason::NotCounted);
    let failed = Outcome::Failed(Failure::InvalidSignature);
    assert_eq!(record(&mut world, 1, pair, failed), Reason::NotCounted);
    assert_eq!(record(&mut world, 2, (&ids[0], &ids[0]), QUICK), Reason::NotCounted);
    let unknown = IdentityId::from_bytes([9; 32]);
    assert_eq!(record(&mut world, 3, (&ids[0], &unknown), QUICK), Reason::UnknownIdentity);
    assert_eq!(record(&mut world, 4, (&unknown, &ids[0]), QUICK), Reason::UnknownIdentity);
    assert_eq!((world.of_identity(&ids[0]).score, world.of_identity(&ids[1]).score), (80, 50));
}

#[test]
fn scores_follow_the_policy_s_sequences() {
    for (failure, score) in [
        (Failure::Timeout, 45),
        (Failure::Disconnect, 40),
        (Failure::InvalidSignature, 30),
        (Failure::Abort, 47),
    ] {
        let (mut world, ids) = ids(2);
        let pair = (&ids[0], &ids[1]);
        assert_eq!(record(&mut world, 1, pair, Outcome::Failed(failure)), Reason::Clear);
        assert_eq!(world.of_identity(&ids[0]).score, score);
        assert_eq!(world.of_identity(&ids[1]).score, 50, "the counterparty's does not move");
    }
    let (mut world, ids) = ids(2);
    let pair = (&ids[0], &ids[1]);
    for (session, outcome, score) in
        [(1, QUICK, 80), (2, Outcome::Failed(Failure::Timeout), 75), (3, QUICK, 56)]
    {
        assert_eq!(record(&mut world, session, pair, outcome), Reason::Clear);
        assert_eq!(world.of_identity(&ids[0]).score, score);
    }
}

#[test]
fn failures_never_ban() {
    let (mut world, ids) = ids(2);
    world.connect(0);
    for session in 1..=100 {
        let failed = Outcome::Failed(Failure::InvalidSignature);
        assert_eq!(record(&mut world, session, (&ids[0], &ids[1]), failed), Reason::Clear);
    }
    let standing = world.of_identity(&ids[0]);
    assert_eq!((standing.score, standing.sessions), (0, (0, 100)));
    assert_eq!(reason(standing.decision), Reason::Clear);
    let author = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&ids[0]))), Reason::New);
    assert!(world.gate.is_listed(world.now, &author.public_key()));
    assert_eq!(world.gate.metrics(world.now).peers_with_bad_reputation, 1);
}

#[test]
fn a_full_table_of_outcomes_forgets_the_pair_that_was_quiet_for_longest() {
    let mut world = World::with(Capacity { outcomes: 2, ..Capacity::SMALL }, POLICY);
    let ids: Vec<_> = (0..3).map(|n| world.register(&Claim::real(n))).collect();
    let pairs = [(&ids[0], &ids[1]), (&ids[1], &ids[0]), (&ids[2], &ids[0])];
    for pair in [pairs[0], pairs[1], pairs[0], pairs[2]] {
        let session = if pair == pairs[0] { world.now.as_millis() as u8 } else { 1 };
        assert_eq!(record(&mut world, session, pair, QUICK), Reason::Clear);
        world.wait(SECOND);
    }
    // The first pair was the last but one to be heard of; the second is forgotten.
    assert_eq!(record(&mut world, 1, pairs[2], QUICK), Reason::NotCounted);
    assert_eq!(record(&mut world, 1, pairs[1], QUICK), Reason::Clear, "its session counts again");
}

#[test]
fn without_a_table_of_outcomes_nothing_counts() {
    let mut world = World::with(Capacity { outcomes: 0, ..Capacity::SMALL }, POLICY);
    let ids: Vec<_> = (0..2).map(|n| world.register(&Claim::real(n))).collect();
    assert_eq!(record(&mut world, 1, (&ids[0], &ids[1]), QUICK), Reason::TableFull);
    assert_eq!(world.of_identity(&ids[0]).score, 50);
}
