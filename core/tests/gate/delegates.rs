//! Who may speak for an identity (policy §5).

use ltms_core::wire::AdHeader;
use ltms_core::*;

use crate::ads::{GARBAGE, ad};
use crate::claims::{Claim, named, secret};
use crate::world::*;

fn world() -> (World, IdentityId) {
    let mut world = World::registered(2);
    (0..3).for_each(|number| world.connect(number));
    (world, Claim::real(0).id())
}

#[test]
fn a_key_without_a_delegation_by_the_current_key_is_refused_and_charged() {
    let (mut world, id) = world();
    let (owner, other, author) = (secret(0), secret(1), named("delegate"));
    let end = START.saturating_add(DAY);
    let none = ad(&author).under(&id);
    let by_another = none.delegated(&other, end);
    let by_itself = none.delegated(&author, end);
    let garbage = none.with_delegation(end, GARBAGE);
    let ends_before =
        none.delegated(&owner, Timestamp::from_millis(none.expires_at.as_millis() - 1));
    let mut of_other_identity = none.under(&Claim::real(1).id()).delegated(&owner, end);
    of_other_identity.authority.as_mut().unwrap().identity = id;
    let all = [none, by_another, by_itself, garbage, ends_before, of_other_identity];
    for (count, ad) in (1u8..).zip(&all) {
        assert_eq!(reason(world.direct(1, ad)), Reason::NotDelegated, "case {count}");
        assert_eq!(world.of_peer(1).malformed.0, count);
    }
    assert!(!world.of_key(&author.public_key()).known);
    assert_eq!(reason(world.direct(1, &none.delegated(&owner, none.expires_at))), Reason::New);
    assert_eq!(world.of_key(&author.public_key()).identity, Some(id));
}

#[test]
fn a_delegation_binds_the_identity_the_key_and_the_rotation() {
    let (mut world, id) = world();
    let (owner, author, thief) = (secret(0), named("delegate"), named("thief"));
    let end = START.saturating_add(DAY);
    let honest = ad(&author).under(&id).delegated(&owner, end);
    let stolen = honest.authority;
    let mut by_thief = ad(&thief);
    by_thief.authority = stolen;
    assert_eq!(reason(world.direct(1, &by_thief)), Reason::NotDelegated);
    let mut longer = honest;
    let mut delegation = longer.authority.unwrap().delegation.unwrap();
    delegation.not_after = end.saturating_add(Millis::new(1));
    longer.authority.as_mut().unwrap().delegation = Some(delegation);
    assert_eq!(reason(world.direct(1, &longer)), Reason::NotDelegated);
    assert_eq!(reason(world.direct(1, &honest)), Reason::New);
}

/// Others, who have no row, would refuse it; so the row must not vouch for another signature.
#[test]
fn another_signature_under_the_terms_of_an_accepted_delegation_is_refused() {
    let (mut world, id) = world();
    let (owner, author) = (secret(0), named("delegate"));
    let end = START.saturating_add(DAY);
    let first = ad(&author).under(&id).delegated(&owner, end);
    assert_eq!(reason(world.direct(1, &first)), Reason::New);
    world.wait(MINUTE);
    let next = first.at(world.now);
    assert_eq!(reason(world.direct(1, &next.with_delegation(end, GARBAGE))), Reason::NotDelegated);
    let withdrawal = next.with_delegation(end, GARBAGE).withdrawal();
    assert_eq!(reason(world.direct(1, &withdrawal)), Reason::NotDelegated);
    assert!(world.gate.is_listed(world.now, &author.public_key()));
    // The same one is not checked again; a longer one is.
    let ticket = |world: &mut World, bytes: &[u8]| {
        let header = AdHeader::read(Network::Reg, bytes).unwrap();
        match world.gate.screen_ad(world.now, &Source::direct(peer(1)), &header) {
            Screening::Proceed(ticket) => ticket,
            Screening::Done(decision) => panic!("{decision:?}"),
        }
    };
    assert!(ticket(&mut world, &next.seal()).signatures().count() == 1);
    let longer = next.delegated(&owner, end.saturating_add(HOUR)).seal();
    assert!(ticket(&mut world, &longer).signatures().count() == 2);
    assert_eq!(reason(world.direct(1, &next)), Reason::New);
}

#[test]
fn a_delegation_ends_with_what_it_lets_one_say() {
    let (mut world, id) = world();
    let (owner, author) = (secret(0), named("delegate"));
    let end = START.saturating_add(HOUR);
    let first = ad(&author).under(&id).delegated(&owner, end);
    assert_eq!(reason(world.direct(1, &first)), Reason::New);
    world.now = end;
    let next = first.at(world.now);
    assert_eq!(reason(world.direct(1, &next)), Reason::NotDelegated, "it would outlive it");
    // That it has ended is an opinion of clocks, so a relay is not charged for a withdrawal.
    let before = world.of_peer(1).malformed.0;
    assert_eq!(reason(world.direct(1, &next.withdrawal())), Reason::Expired);
    assert_eq!(world.of_peer(1).malformed.0, before);
    assert_eq!(reason(world.direct(1, &next.delegated(&owner, next.expires_at))), Reason::New);
}

#[test]
fn rotations_other_than_the_one_in_force() {
    let (mut world, id) = world();
    let author = secret(0);
    let later = ad(&author).under(&id).sequence(1);
    assert_eq!(reason(world.direct(1, &later)), Reason::NeedHistory);
    let last = ad(&author).under(&id).sequence(u64::MAX);
    assert_eq!(reason(world.direct(1, &last)), Reason::NeedHistory);
    assert_eq!(world.of_peer(1).malformed.0, 0);
    let unknown = IdentityId::from_bytes([5; 32]);
    assert_eq!(reason(world.direct(1, &ad(&author).under(&unknown))), Reason::UnknownIdentity);
    assert_eq!(reason(world.direct(1, &ad(&author).under(&id))), Reason::New);
}

#[test]
fn a_current_key_speaks_for_its_own_identity_only() {
    let (mut world, id) = world();
    let (other, key) = (secret(1), secret(0));
    let second = Claim::real(1).id();
    let end = START.saturating_add(DAY);
    let elsewhere = ad(&key).under(&second).delegated(&other, end);
    assert_eq!(reason(world.direct(1, &elsewhere)), Reason::KeyTaken);
    assert_eq!(reason(world.direct(1, &ad(&key))), Reason::KeyTaken, "nor as a stranger");
    assert_eq!(reason(world.direct(1, &ad(&key).under(&id))), Reason::New);
}

#[test]
fn between_identities_the_newer_delegation_wins() {
    let (mut world, first) = world();
    let (owners, author) = ([secret(0), secret(1)], named("delegate"));
    let second = Claim::real(1).id();
    let end = START.saturating_add(DAY);
    let of_first = ad(&author).under(&first).delegated(&owners[0], end);
    assert_eq!(reason(world.direct(1, &of_first)), Reason::New);
    world.wait(MINUTE);
    let next = of_first.at(world.now).under(&second);
    assert_eq!(reason(world.direct(1, &next.delegated(&owners[1], end))), Reason::KeyTaken);
    let newer = next.delegated(&owners[1], end.saturating_add(Millis::new(1)));
    assert_eq!(reason(world.direct(1, &newer)), Reason::New);
    assert_eq!(world.of_identity(&first).keys.0, 0);
    assert_eq!(world.of_identity(&second).keys.0, 1);
    assert_eq!(world.of_key(&author.public_key()).identity, Some(second));
}

#[test]
fn registering_takes_a_key_from_whoever_had_it() {
    let (mut world, id) = world();
    let (owner, key) = (secret(0), secret(7));
    let end = START.saturating_add(DAY);
    let delegated = ad(&key).under(&id).delegated(&owner, end);
    assert_eq!(reason(world.direct(1, &delegated)), Reason::New);
    let own = world.register(&Claim::real(7));
    assert_eq!(world.of_identity(&id).keys.0, 0);
    assert!(!world.gate.is_listed(world.now, &key.public_key()));
    assert_eq!(world.of_key(&key.public_key()).identity, Some(own));
    world.wait(MINUTE);
    let back = delegated.at(world.now).delegated(&owner, end.saturating_add(HOUR));
    assert_eq!(reason(world.direct(1, &back)), Reason::KeyTaken);
    assert_eq!(reason(world.direct(1, &ad(&key).under(&own).at(world.now))), Reason::New);
}
