//! Finding signers (policy §7).

use ltms_core::score::Failure;
use ltms_core::wire::AmountRange;
use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::world::*;

fn world(identities: u32) -> (World, Vec<IdentityId>) {
    let mut world = World::registered(identities);
    (0..3).for_each(|number| world.connect(number));
    (world, (0..identities).map(|n| Claim::real(n).id()).collect())
}

fn keys(found: &[Found]) -> Vec<PublicKey> {
    found.iter().map(|found| found.key).collect()
}

#[test]
fn what_has_expired_is_never_found() {
    let (mut world, ids) = world(1);
    let author = secret(0);
    assert_eq!(reason(world.direct(0, &ad(&author).under(&ids[0]))), Reason::New);
    let found = world.find(&Criteria::default());
    assert_eq!(keys(&found), [author.public_key()]);
    let end = START.saturating_add(HOUR);
    assert_eq!((found[0].identity, found[0].expires_at), (Some(ids[0]), end));
    assert_eq!(found[0].score, 50);
    world.now = Timestamp::from_millis(end.as_millis() - 1);
    assert_eq!(world.find(&Criteria::default()).len(), 1);
    world.now = end;
    assert_eq!(world.find(&Criteria::default()), []);
    assert!(!world.gate.is_listed(end, &author.public_key()));
}

#[test]
fn all_types_and_the_amount_must_fit() {
    let (mut world, ids) = world(1);
    let author = secret(0);
    let range = AmountRange { min: Amount::from_sats(10), max: Amount::from_sats(20) };
    let mut ad = ad(&author).under(&ids[0]);
    ad.types = &[1, 5, 64, 1000];
    ad.amount = Some(range);
    assert_eq!(reason(world.direct(0, &ad)), Reason::New);
    for (types, amount, min_score, count) in [
        (0, None, 0, 1),
        (1 << 1 | 1 << 5, None, 0, 1),
        (1 << 1 | 1 << 2, None, 0, 0),
        (1, None, 0, 0),
        (0, Some(9), 0, 0),
        (0, Some(10), 0, 1),
        (0, Some(20), 50, 1),
        (0, Some(21), 0, 0),
        (0, None, 51, 0),
    ] {
        let amount = amount.map(Amount::from_sats);
        let criteria = Criteria { types, amount, min_score };
        assert_eq!(world.find(&criteria).len(), count, "{criteria:?}");
    }
}

/// Better: score of 30 and more, band of ten, burn per key. A new identity ranks as one with 40.
#[test]
fn the_better_come_first() {
    let mut world = World::new();
    world.connect(0);
    let names = ["tried", "rich", "split", "poor", "bad"];
    let amounts = [50, 1000, 1000, 100, 1000];
    let secrets = names.map(named);
    let ids: Vec<_> = secrets
        .iter()
        .zip(amounts)
        .map(|(secret, xpi)| world.register(&Claim::made(secret, Amount::from_xpi(xpi), 200)))
        .collect();
    for (secret, id) in secrets.iter().zip(&ids) {
        assert_eq!(reason(world.direct(0, &ad(secret).under(id))), Reason::New);
    }
    // Eleven keys bring 1,000 XPI below 100 for each.
    for n in 0..10 {
        let author = named(&format!("split {n}"));
        let ad = ad(&author).under(&ids[2]).delegated(&secrets[2], START.saturating_add(DAY));
        assert_eq!(reason(world.pull(0, Channel::Dht, &ad)), Reason::New);
    }
    let outcome = |world: &mut World, n: u8, subject, outcome| {
        let session = SessionId::from_bytes([n; 16]);
        assert!(world.gate.record_session(START, &session, subject, &ids[1], outcome).is_accept());
    };
    outcome(&mut world, 1, &ids[0], Outcome::Completed(SECOND));
    outcome(&mut world, 2, &ids[4], Outcome::Failed(Failure::InvalidSignature));
    outcome(&mut world, 3, &ids[4], Outcome::Failed(Failure::Abort));
    let found = world.find(&Criteria::default());
    let places: Vec<_> = found.iter().take(5).map(|found| found.identity.unwrap()).collect();
    assert_eq!(places, [ids[0], ids[1], ids[3], ids[2], ids[4]]);
    assert_eq!(found.len(), 15, "then the other ten of one identity");
    assert!(found[5..].iter().all(|found| found.identity == Some(ids[2])));
    // Short answers are the beginning of long ones.
    for len in 0..15 {
        let mut out = vec![Found::default(); len];
        assert_eq!(world.gate.find(world.now, &Criteria::default(), &mut out), len);
        assert_eq!(keys(&out[..len.min(5)]), keys(&found[..len.min(5)]), "{len} places");
    }
}

#[test]
fn no_identity_has_two_places_before_all_have_one_and_strangers_come_after_them() {
    let (mut world, ids) = world(4);
    let owner = secret(0);
    for n in 0..9 {
        let author = named(&format!("delegate {n}"));
        let ad = ad(&author).under(&ids[0]).delegated(&owner, START.saturating_add(DAY));
        assert_eq!(reason(world.pull(0, Channel::Directory, &ad)), Reason::New);
    }
    for n in 1..4 {
        let ad = ad(&secret(n)).under(&ids[n as usize]).seal();
        assert_eq!(reason(world.send(&Source::direct(peer(0)), &ad)), Reason::New);
    }
    let stranger = named("stranger");
    assert_eq!(reason(world.direct(0, &ad(&stranger))), Reason::New);

    let mut first = [Found::default(); 4];
    assert_eq!(world.gate.find(world.now, &Criteria::default(), &mut first), 4);
    let mut owners: Vec<_> = first.iter().map(|found| found.identity.unwrap()).collect();
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners.len(), 4, "four identities in four places");
    let all = world.find(&Criteria::default());
    assert_eq!(all.len(), 13);
    let mut unique = keys(&all);
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 13);
    let place = all.iter().position(|found| found.identity.is_none());
    assert!(place >= Some(4), "{place:?}");
    // A stranger has no score to ask for.
    let scored = world.find(&Criteria { min_score: 1, ..Criteria::default() });
    assert_eq!(scored.len(), 12);
    assert!(scored.iter().all(|found| found.identity.is_some()));
}

#[test]
fn suspended_and_banned_identities_and_banned_keys_are_not_found() {
    let (mut world, ids) = world(3);
    for n in 0..3 {
        let ad = ad(&secret(n)).under(&ids[n as usize]).seal();
        assert_eq!(reason(world.send(&Source::direct(peer(0)), &ad)), Reason::New);
    }
    assert_eq!(world.find(&Criteria::default()).len(), 3);
    let key = Subject::Key(secret(0).public_key());
    world.gate.ban(world.now, &key, None, Reason::Malformed).unwrap();
    let identity = Subject::Identity(ids[1]);
    world.gate.ban(world.now, &identity, None, Reason::Malformed).unwrap();
    assert_eq!(keys(&world.find(&Criteria::default())), [secret(2).public_key()]);
    assert!(world.gate.unban(world.now, &key) && world.gate.unban(world.now, &identity));
    assert_eq!(world.find(&Criteria::default()).len(), 3);
    world.confirm_tip(TIP, 186);
    assert_eq!(world.find(&Criteria::default()), []);
}
