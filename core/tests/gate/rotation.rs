//! Rotation of an identity's key (policy §6).

use ltms_core::burn::Purpose;
use ltms_core::schnorr::SecretKey;
use ltms_core::*;

use crate::ads::{GARBAGE, ad};
use crate::claims::{Claim, What, named, secret};
use crate::world::*;

const XPI_5: Amount = Amount::from_xpi(5);
/// Where the first rotations of these tests lie: below 72 blocks and not yet final.
const AT: u32 = 310;

/// Identity 0 of the chain with its key, peers 0 to 3, and nothing left to tell.
pub(crate) fn world() -> (World, IdentityId, SecretKey) {
    let mut world = World::registered(1);
    (0..4).for_each(|number| world.connect(number));
    let _ = world.events();
    (world, Claim::real(0).id(), secret(0))
}

#[track_caller]
pub(crate) fn assert_key(world: &World, id: &IdentityId, key: &SecretKey, sequence: u64) {
    let row = world.gate.identity(id).unwrap();
    assert_eq!((row.key, row.sequence), (key.public_key(), sequence));
    assert_eq!(world.gate.resolve_identity(&key.public_key()), Some(row));
}

#[test]
fn both_keys_sign_a_rotation() {
    let (mut world, id, old) = world();
    let (new, other) = (named("new"), named("other"));
    let good = || Claim::rotation(&old, &new, &id, 1, AT);
    let by_new = |claim: &Claim| match claim.what {
        What::Rotation { by_new, .. } => by_new,
        _ => unreachable!(),
    };
    type Change<'a> = Box<dyn Fn(&mut Claim) + 'a>;
    let replaced = |signature| {
        Box::new(move |claim: &mut Claim| {
            if let What::Rotation { by_new, .. } = &mut claim.what {
                *by_new = signature;
            }
        })
    };
    let of = |old, new| good().signed_by(old, new);
    let cases: Vec<Change> = vec![
        Box::new(|claim| claim.signature = GARBAGE),
        Box::new(|claim| claim.signature = by_new(claim)),
        Box::new(|claim| claim.signature = of(&other, &new).signature),
        replaced(GARBAGE),
        replaced(good().signature),
        replaced(by_new(&of(&old, &other))),
        Box::new(|claim| *claim = good().signed_on(Network::Main, &old, &new)),
        Box::new(|claim| *claim = good().signed_on(Network::Test, &old, &new)),
        // Signed for the sequence after, and claimed as this one.
        Box::new(|claim| {
            claim.signature = Claim::rotation(&old, &new, &id, 2, AT).signature;
        }),
    ];
    for (number, change) in cases.iter().enumerate() {
        let mut claim = good();
        change(&mut claim);
        let decision = world.claim_from(0, &claim, EvidenceClass::Node);
        assert_eq!(reason(decision), Reason::InvalidSignature, "case {number}");
        assert_key(&world, &id, &old, 0);
        // Ten would end the connection.
        assert_eq!(usize::from(world.of_peer(0).invalid_signatures.0), number + 1);
    }
    assert_eq!(reason(world.claim(&good())), Reason::New);
    assert_key(&world, &id, &new, 1);
    assert!(world.gate.resolve_identity(&old.public_key()).is_none());
    assert_eq!(world.events(), [Event::Rotated(id)]);
    assert_eq!(reason(world.claim(&good())), Reason::AlreadyKnown);
}

#[test]
fn the_sequence_is_exactly_the_next() {
    let (mut world, id, old) = world();
    let new = named("new");
    for (sequence, expected) in
        [(0, Reason::Superseded), (2, Reason::NeedHistory), (65, Reason::NeedHistory)]
    {
        let claim = Claim::rotation(&old, &new, &id, sequence, AT);
        assert_eq!(reason(world.claim(&claim)), expected, "{sequence}");
    }
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &new, &id, 1, 200))), Reason::New);
    let third = named("third");
    for (sequence, expected) in
        [(0, Reason::Superseded), (3, Reason::NeedHistory), (2, Reason::New)]
    {
        let claim = Claim::rotation(&new, &third, &id, sequence, AT);
        assert_eq!(reason(world.claim(&claim)), expected, "{sequence}");
    }
    let stale = Claim::rotation(&old, &named("fourth"), &id, 1, 199);
    assert_eq!(reason(world.claim(&stale)), Reason::Superseded);
    assert_eq!(world.of_peer(COURIER).malformed.0, 0, "nobody's fault");
}

#[test]
fn a_rotation_counts_from_seventy_two_confirmations() {
    let (mut world, id, old) = world();
    let claim = Claim::rotation(&old, &named("new"), &id, 1, TIP - 70);
    assert_eq!(reason(world.claim(&claim)), Reason::Immature);
    world.set_tip(TIP + 1, TIP);
    assert_eq!(reason(world.claim(&claim)), Reason::New);
}

#[test]
fn a_burn_that_is_small_or_for_something_else_rotates_nothing() {
    let (mut world, id, old) = world();
    let (new, elsewhere) = (named("new"), Claim::real(1).id());
    let burned = |amount, purpose| {
        Claim::with_script(&new, amount, AT, purpose).rotating(&id, 1).signed_by(&old, &new)
    };
    let less = Amount::from_sats(XPI_5.sats() - 1);
    let wanted = Some((Purpose::Rotation, id));
    assert_eq!(reason(world.claim(&burned(less, wanted))), Reason::BurnTooSmall);
    for purpose in [None, Some((Purpose::Rotation, elsewhere)), Some((Purpose::TopUp, id))] {
        let claim = burned(Amount::from_xpi(1000), purpose);
        assert_eq!(reason(world.claim(&claim)), Reason::Script, "{purpose:?}");
    }
    assert_key(&world, &id, &old, 0);
    assert_eq!(reason(world.claim(&burned(XPI_5, wanted))), Reason::New);
}

#[test]
fn an_identity_that_is_not_known_or_suspended_does_not_rotate() {
    let (mut world, id, old) = world();
    let nobody = Claim::rotation(&secret(1), &named("new"), &Claim::real(1).id(), 1, AT);
    assert_eq!(reason(world.claim(&nobody)), Reason::UnknownIdentity);
    let claim = Claim::rotation(&old, &named("new"), &id, 1, AT);
    let lookup = world.lookup(0, &claim).unwrap();
    world.confirm_tip(TIP, 186);
    assert_eq!(reason(world.claim(&claim)), Reason::Suspended);
    // Suspended while the block was looked up.
    let found = BlockEvidence { header: &claim.header, class: EvidenceClass::Node };
    assert_eq!(reason(world.gate.settle_burn(world.now, lookup, Some(&found))), Reason::Suspended);
    assert_eq!(reason(world.claim(&Claim::real(0))), Reason::New);
    assert_eq!(reason(world.claim(&claim)), Reason::New);
}

/// A ban is this node's opinion; which key an identity has is not.
#[test]
fn a_banned_identity_rotates_and_stays_banned() {
    let (mut world, id, old) = world();
    world.gate.ban(START, &Subject::Identity(id), None, Reason::Malformed).unwrap();
    let claim = Claim::rotation(&old, &named("new"), &id, 1, AT);
    assert_eq!(reason(world.claim(&claim)), Reason::New);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::IdentityBanned);
}

#[test]
fn a_strangers_burn_that_names_an_identity_changes_nothing() {
    let (mut world, id, old) = world();
    let thief = named("thief");
    // Signed by whom the stranger has: itself, twice.
    let claim = Claim::rotation(&thief, &thief, &id, 1, 200);
    assert_eq!(reason(world.claim(&claim)), Reason::InvalidSignature);
    assert_key(&world, &id, &old, 0);
    // The owner's later burn is not in its shadow.
    let claim = Claim::rotation(&old, &named("new"), &id, 1, AT);
    assert_eq!(reason(world.claim(&claim)), Reason::New);
}

#[test]
fn a_key_that_is_somebodys_current_key_is_taken() {
    let (mut world, id, old) = world();
    world.register(&Claim::real(1));
    let (other, own) = (secret(1), secret(0));
    for key in [&other, &own] {
        let claim = Claim::rotation(&old, key, &id, 1, AT);
        assert_eq!(reason(world.claim(&claim)), Reason::KeyTaken);
    }
    // Two identities go for one key: the first has it.
    let shared = named("shared");
    let other_id = Claim::real(1).id();
    let lookup = world.lookup(0, &Claim::rotation(&old, &shared, &id, 1, AT)).unwrap();
    let rival = Claim::rotation(&other, &shared, &other_id, 1, AT + 1);
    assert_eq!(reason(world.claim(&rival)), Reason::New);
    let header = Claim::rotation(&old, &shared, &id, 1, AT).header;
    let found = BlockEvidence { header: &header, class: EvidenceClass::Node };
    assert_eq!(reason(world.gate.settle_burn(START, lookup, Some(&found))), Reason::KeyTaken);
    assert_key(&world, &id, &old, 0);
    assert_key(&world, &other_id, &shared, 1);
}

#[test]
fn a_retired_key_may_be_anybodys() {
    let (mut world, id, old) = world();
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &named("b"), &id, 1, 200))), Reason::New);
    let again = Claim::made(&old, Amount::from_xpi(50), 200);
    assert_eq!(reason(world.claim(&again)), Reason::New);
    assert_key(&world, &again.id(), &old, 0);
    assert_key(&world, &id, &named("b"), 1);
}

#[test]
fn reputation_and_total_burn_survive_and_nothing_is_added() {
    let (mut world, id, old) = world();
    let other = world.register(&Claim::real(1));
    let session = SessionId::from_bytes([1; 16]);
    let done = Outcome::Completed(SECOND);
    assert!(world.gate.record_session(START, &session, &id, &other, done).is_accept());
    let before = world.of_identity(&id);
    let new = named("new");
    let purpose = Some((Purpose::Rotation, id));
    let dear = Claim::with_script(&new, Amount::from_xpi(100_000), AT, purpose);
    let dear = dear.rotating(&id, 1).signed_by(&old, &new);
    assert_eq!(reason(world.claim(&dear)), Reason::New);
    let after = world.of_identity(&id);
    assert_eq!((after.score, after.sessions), (80, (1, 0)));
    assert_eq!((after.burned, after.tier, after.keys), (before.burned, before.tier, before.keys));
    assert_eq!(
        world.gate.metrics(START).total_burned,
        before.burned.saturating_add(before.burned.saturating_add(Amount::from_sats(1)))
    );
}

#[test]
fn sixty_four_rotations_are_all_there_are() {
    let (mut world, id, mut key) = world();
    world.set_tip(8000, TIP);
    for sequence in 1..=64 {
        let next = named(&format!("key {sequence}"));
        let at = 200 + 100 * u32::try_from(sequence).unwrap();
        assert_eq!(
            reason(world.claim(&Claim::rotation(&key, &next, &id, sequence, at))),
            Reason::New
        );
        key = next;
        world.wait(SECOND);
    }
    let last = Claim::rotation(&key, &named("one more"), &id, 65, 7000);
    assert_eq!(reason(world.claim(&last)), Reason::Superseded);
    assert_key(&world, &id, &key, 64);
}

#[test]
fn what_was_advertised_and_delegated_before_is_void_at_once() {
    let (mut world, id, old) = world();
    let (new, delegate) = (named("new"), named("delegate"));
    let end = START.saturating_add(DAY);
    let own = ad(&old).under(&id);
    let delegated = ad(&delegate).under(&id).delegated(&old, end);
    assert_eq!(reason(world.direct(0, &own)), Reason::New);
    assert_eq!(reason(world.direct(0, &delegated)), Reason::New);
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &new, &id, 1, AT))), Reason::New);
    assert_eq!(world.find(&Criteria::default()), []);
    // Brought again by another way they do not travel on.
    for gone in [&own, &delegated] {
        assert_eq!(reason(world.gossip(1, 2, gone)), Reason::Superseded);
        assert_eq!(reason(world.pull(1, Channel::Directory, gone)), Reason::Superseded);
    }
    world.wait(MINUTE);
    for (fresh, expected) in [
        (own.at(world.now), Reason::Superseded),
        (delegated.at(world.now), Reason::Superseded),
        (own.at(world.now).sequence(1), Reason::NeedHistory),
        (delegated.at(world.now).sequence(1), Reason::NeedHistory),
        (own.at(world.now).sequence(2), Reason::NeedHistory),
        (ad(&new).under(&id).at(world.now), Reason::Superseded),
        (ad(&new).under(&id).at(world.now).sequence(1), Reason::New),
        (delegated.at(world.now).sequence(1).delegated(&new, end), Reason::New),
    ] {
        assert_eq!(reason(world.direct(0, &fresh)), expected);
    }
    let mut listed: Vec<_> = world.find(&Criteria::default()).iter().map(|f| f.key).collect();
    listed.sort();
    let mut expected = [new.public_key(), delegate.public_key()];
    expected.sort();
    assert_eq!(listed, expected);
}

/// The delegate's advertisement was made under the rotation before, whoever it has become.
#[test]
fn a_delegate_that_becomes_the_current_key_advertises_anew() {
    let (mut world, id, old) = world();
    let delegate = named("delegate");
    let end = START.saturating_add(DAY);
    let first = ad(&delegate).under(&id).delegated(&old, end);
    assert_eq!(reason(world.direct(0, &first)), Reason::New);
    assert_eq!(reason(world.claim(&Claim::rotation(&old, &delegate, &id, 1, AT))), Reason::New);
    assert!(!world.gate.is_listed(world.now, &delegate.public_key()));
    assert_eq!(reason(world.gossip(1, 2, &first)), Reason::Superseded);
    world.wait(MINUTE);
    let next = ad(&delegate).under(&id).sequence(1).at(world.now);
    assert_eq!(reason(world.direct(0, &next)), Reason::New);
    assert_eq!(world.of_identity(&id).keys.0, 1, "in the slot that it had");
}
