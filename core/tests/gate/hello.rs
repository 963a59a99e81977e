//! Proof that a connection belongs to an identity (policy §5).

use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{Delegation, Hello, HelloDelegation, delegation_hash, hello_hash};
use ltms_core::*;

use crate::ads::GARBAGE;
use crate::claims::{Claim, named, secret};
use crate::world::*;

const US: u32 = 500;
const CHALLENGE: [u8; 32] = [7; 32];

struct Answer {
    hello: Hello,
    signature: Signature,
}

/// The answer of `prover` at peer `from` to the challenge of peer `to`.
fn answer(prover: &SecretKey, id: &IdentityId, from: u32, to: u32, challenge: [u8; 32]) -> Answer {
    let hello = Hello { identity: *id, key: prover.public_key(), delegation: None, challenge };
    let hash = hello_hash(Network::Reg, &peer(from), &peer(to), id, &challenge);
    Answer { hello, signature: prover.sign(&hash) }
}

fn delegated(answer: Answer, owner: &SecretKey, sequence: u64, not_after: Timestamp) -> Answer {
    let Hello { identity, key, .. } = &answer.hello;
    let hash = delegation_hash(Network::Reg, identity, key, sequence, not_after);
    let delegation = Delegation { not_after, signature: owner.sign(&hash) };
    let delegation = Some(HelloDelegation { delegation, sequence });
    Answer { hello: Hello { delegation, ..answer.hello }, ..answer }
}

/// The identity's own key answers our challenge on the connection of `from`.
pub(crate) fn prove_by_key(
    world: &mut World,
    from: u32,
    key: &SecretKey,
    id: &IdentityId,
) -> Reason {
    prove(world, from, &answer(key, id, from, US, CHALLENGE))
}

fn prove(world: &mut World, from: u32, answer: &Answer) -> Reason {
    let proof = Proof {
        verifier: &peer(US),
        challenge: &CHALLENGE,
        hello: &answer.hello,
        signature: answer.signature,
    };
    reason(world.gate.prove_identity(world.now, &Source::direct(peer(from)), &proof))
}

fn world() -> (World, IdentityId) {
    let mut world = World::registered(2);
    (0..2).for_each(|number| world.connect(number));
    (world, Claim::real(0).id())
}

/// There are more identities than a byte can count, and fewer peers.
#[test]
fn a_peer_belongs_to_the_identity_that_it_proved_however_many_there_are() {
    let mut world = World::new();
    let made = |number| Claim::made(&secret(number), Amount::from_xpi(50), 100);
    let ids: Vec<_> = (0..300).map(|number| world.register(&made(number))).collect();
    for (number, id) in (0..).zip(&ids).skip(250).step_by(7) {
        world.connect(1);
        assert_eq!(prove_by_key(&mut world, 1, &secret(number), id), Reason::Clear);
        assert_eq!(world.of_peer(1).identity, Some(*id));
        world.gate.disconnected(world.now, &peer(1));
    }
}

#[test]
fn the_current_key_or_a_delegate_proves_the_connection_until_it_ends() {
    let (mut world, id) = world();
    let (owner, delegate) = (secret(0), named("delegate"));
    assert_eq!(prove(&mut world, 0, &answer(&owner, &id, 0, US, CHALLENGE)), Reason::Clear);
    assert_eq!(world.of_peer(0).identity, Some(id));
    let by_delegate = answer(&delegate, &id, 1, US, CHALLENGE);
    let by_delegate = delegated(by_delegate, &owner, 0, START.saturating_add(HOUR));
    assert_eq!(prove(&mut world, 1, &by_delegate), Reason::Clear);
    assert_eq!(world.of_peer(1).identity, Some(id));
    world.gate.disconnected(world.now, &peer(0));
    world.connect(0);
    assert_eq!(world.of_peer(0).identity, None);
}

/// One burn is not a pass for a whole address group.
#[test]
fn an_identity_has_the_two_connected_peers_that_proved_it_last() {
    let (mut world, id) = world();
    (2..4).for_each(|number| world.connect(number));
    let owned = |world: &World| -> Vec<u32> {
        (0..4).filter(|number| world.of_peer(*number).identity == Some(id)).collect()
    };
    let steps: [(u32, &[u32]); 6] =
        [(0, &[0]), (1, &[0, 1]), (0, &[0, 1]), (2, &[0, 2]), (3, &[2, 3]), (1, &[1, 3])];
    for (prover, owners) in steps {
        assert_eq!(prove_by_key(&mut world, prover, &secret(0), &id), Reason::Clear);
        assert_eq!(owned(&world), owners);
    }
    // A further connection is no proof, and who is gone takes no place.
    world.connect(3);
    assert_eq!(prove_by_key(&mut world, 2, &secret(0), &id), Reason::Clear);
    assert_eq!(owned(&world), [1, 2]);
    world.gate.disconnected(world.now, &peer(1));
    assert_eq!(prove_by_key(&mut world, 1, &secret(0), &id), Reason::Clear);
    assert_eq!(owned(&world), [2], "nobody is connected there");
    assert_eq!(prove_by_key(&mut world, 0, &secret(0), &id), Reason::Clear);
    assert_eq!(owned(&world), [0, 2]);
    // Another identity has two of its own.
    let other = Claim::real(1).id();
    assert_eq!(prove_by_key(&mut world, 3, &secret(1), &other), Reason::Clear);
    assert_eq!(owned(&world), [0, 2]);
}

#[test]
fn an_answer_is_good_for_one_connection_and_one_challenge() {
    let (mut world, id) = world();
    let owner = secret(0);
    let other = Claim::real(1).id();
    for (number, wrong) in [
        answer(&owner, &id, 1, US, CHALLENGE),
        answer(&owner, &id, 0, US + 1, CHALLENGE),
        answer(&secret(1), &id, 0, US, CHALLENGE),
        Answer { signature: GARBAGE, ..answer(&owner, &id, 0, US, CHALLENGE) },
    ]
    .iter()
    .enumerate()
    {
        let expected = if number == 2 { Reason::NotDelegated } else { Reason::InvalidSignature };
        assert_eq!(prove(&mut world, 0, wrong), expected, "case {number}");
    }
    let old = answer(&owner, &id, 0, US, [8; 32]);
    assert_eq!(prove(&mut world, 0, &old), Reason::Replayed);
    let unknown = answer(&owner, &IdentityId::from_bytes([1; 32]), 0, US, CHALLENGE);
    assert_eq!(prove(&mut world, 0, &unknown), Reason::UnknownIdentity);
    assert_eq!(
        prove(&mut world, 0, &answer(&owner, &other, 0, US, CHALLENGE)),
        Reason::NotDelegated
    );
    assert_eq!(world.of_peer(0).identity, None);
    assert_eq!(world.of_peer(0).invalid_signatures.0, 3);
    assert_eq!(reason(world.of_identity(&id).decision), Reason::Clear);
}

/// Clocks differ, and one of two may not have heard of a rotation: that is nobody's fault.
#[test]
fn ended_delegations_and_other_rotations_are_not_charged() {
    let (mut world, id) = world();
    let (owner, delegate) = (secret(0), named("delegate"));
    let mut with = |sequence, not_after| {
        let answer = answer(&delegate, &id, 0, US, CHALLENGE);
        prove(&mut world, 0, &delegated(answer, &owner, sequence, not_after))
    };
    assert_eq!(with(0, START), Reason::Expired);
    assert_eq!(with(1, START.saturating_add(HOUR)), Reason::NeedHistory);
    assert_eq!(world.of_peer(0).malformed.0, 0);
}

#[test]
fn suspended_and_banned_prove_nothing() {
    let (mut world, id) = world();
    let owner = secret(0);
    let good = answer(&owner, &id, 0, US, CHALLENGE);
    world.gate.ban(world.now, &Subject::Identity(id), None, Reason::Malformed).unwrap();
    assert_eq!(prove(&mut world, 0, &good), Reason::IdentityBanned);
    assert!(world.gate.unban(world.now, &Subject::Identity(id)));
    world.gate.ban(world.now, &Subject::Peer(peer(0)), None, Reason::Malformed).unwrap();
    assert_eq!(prove(&mut world, 0, &good), Reason::Blacklisted);
    assert!(world.gate.unban(world.now, &Subject::Peer(peer(0))));
    world.confirm_tip(TIP, 186);
    assert_eq!(prove(&mut world, 0, &good), Reason::Suspended);
}
