//! The honest are never punished, whatever the network and others do (policy §2 to §4).

use std::collections::BTreeSet;

use ltms_core::schnorr::SecretKey;
use ltms_core::wire::Kind;
use ltms_core::*;

use crate::ads::{Ad, GARBAGE, ad, envelope};
use crate::claims::{Claim, named, secret};
use crate::full_bans::{at, throw_away};
use crate::hello::prove_by_key;
use crate::world::*;

const PULLED: [Channel; 2] = [Channel::Directory, Channel::Dht];

fn world(identities: u32) -> (World, Vec<IdentityId>) {
    let mut world = World::registered(identities);
    (0..4).for_each(|number| world.connect(number));
    let _ = world.events();
    (world, (0..identities).map(|number| Claim::real(number).id()).collect())
}

#[track_caller]
fn clear(world: &World, subject: Subject) {
    let standing = world.gate.standing(world.now, &subject);
    assert_eq!(standing.decision, Reason::Clear.into(), "{subject:?}");
    assert_eq!((standing.sanction_reason, standing.held_until), (None, None), "{subject:?}");
    let counts = [standing.violations, standing.invalid_signatures, standing.malformed];
    assert!(counts.iter().all(|count| count.0 == 0), "{subject:?}: {standing:?}");
    assert_eq!((standing.passed_on, standing.faults.0), (0, 0), "{subject:?}");
}

/// Nothing is held against any of these, and nobody at all was sanctioned.
#[track_caller]
fn unblemished(world: &mut World, keys: &[PublicKey], ids: &[IdentityId]) {
    (0..4).for_each(|number| clear(world, Subject::Peer(peer(number))));
    keys.iter().for_each(|key| clear(world, Subject::Key(*key)));
    ids.iter().for_each(|id| clear(world, Subject::Identity(*id)));
    let punished =
        |event: &Event| matches!(event, Event::Sanctioned { .. } | Event::IdentityBanned { .. });
    assert!(!world.events().iter().any(punished));
    let metrics = world.gate.metrics(world.now);
    let counts = [metrics.rate_limit_violations, metrics.peers_blocked, metrics.identity_faults];
    assert_eq!(counts, [0; 3]);
    assert_eq!(metrics.blacklisted_peers + metrics.graylisted_peers, 0);
}

#[test]
fn a_signer_whose_own_advertisements_are_replayed_through_directory_and_dht() {
    let (mut world, ids) = world(1);
    let author = secret(0);
    let mut old: Vec<Ad> = Vec::new();
    for _ in 0..10 {
        let next = ad(&author).under(&ids[0]).at(world.now);
        assert_eq!(reason(world.gossip(0, 0, &next)), Reason::New);
        for channel in PULLED {
            for from in 1..4 {
                for ad in &old {
                    assert_eq!(reason(world.pull(from, channel, ad)), Reason::Replayed);
                    assert_eq!(reason(world.gossip(from, 0, ad)), Reason::Replayed);
                }
                let again = reason(world.pull(from, channel, &next));
                let first = if from == 1 { Reason::Known } else { Reason::AlreadyKnown };
                assert_eq!(again, first);
            }
        }
        world.wait(MINUTE);
        old.push(next);
        old = old.split_off(old.len().saturating_sub(2));
    }
    unblemished(&mut world, &[author.public_key()], &ids);
}

#[test]
fn a_signer_whose_messages_are_held_back_and_delivered_late_or_all_at_once() {
    let (mut world, ids) = world(1);
    let author = secret(0);
    let ads: Vec<_> = (0..30)
        .map(|n| ad(&author).under(&ids[0]).at(START.saturating_add(MINUTE.saturating_mul(n))))
        .collect();
    world.run_to(ads[29].created_at);
    // By its own connection; by a relay and once more by itself, newest first; and when asked for.
    for (n, ad) in ads.iter().enumerate() {
        let expected = if n == 0 { Reason::New } else { Reason::TooSoon };
        assert_eq!(reason(world.direct(0, ad)), expected);
    }
    for from in [1, 0] {
        for (n, ad) in ads.iter().enumerate().rev() {
            let expected = if n < 24 { Reason::Stale } else { Reason::TooSoon };
            assert_eq!(reason(world.gossip(from, 0, ad)), expected, "{n}");
        }
    }
    for (n, ad) in ads.iter().enumerate().rev() {
        let expected = if n == 29 { Reason::New } else { Reason::Replayed };
        assert_eq!(reason(world.pull(2, Channel::Directory, ad)), expected, "{n}");
    }
    unblemished(&mut world, &[author.public_key()], &ids);
    world.wait(MINUTE);
    let next = ad(&author).under(&ids[0]).at(world.now);
    assert_eq!(reason(world.gossip(0, 0, &next)), Reason::New);
}

/// Keys of ten identities, delegated.
struct Crowd {
    owners: Vec<SecretKey>,
    authors: Vec<Vec<SecretKey>>,
    ids: Vec<IdentityId>,
}

impl Crowd {
    /// `count` identities with `keys` authors each, all that their burn allows.
    fn new(world: &mut World, count: usize, keys: usize, xpi: u64) -> Self {
        let owners: Vec<_> = (0..count).map(|n| named(&format!("owner {n}"))).collect();
        let burn = Amount::from_xpi(xpi);
        let register = |owner| world.register(&Claim::made(owner, burn, TIP - 100));
        let ids = owners.iter().map(register).collect();
        let authors = |n| (0..keys).map(|key| named(&format!("author {n} {key}"))).collect();
        Self { authors: (0..count).map(authors).collect(), owners, ids }
    }

    /// The advertisement that author `n` makes now.
    fn ad(&self, n: usize, now: Timestamp) -> Ad<'_> {
        let (identity, key) = (n % self.ids.len(), n / self.ids.len());
        let ad = ad(&self.authors[identity][key]).under(&self.ids[identity]).at(now).lasting(DAY);
        ad.delegated(&self.owners[identity], START.saturating_add(DAY.saturating_mul(2)))
    }

    fn len(&self) -> usize {
        self.authors.iter().map(Vec::len).sum()
    }

    fn keys(&self) -> Vec<PublicKey> {
        self.authors.iter().flatten().map(SecretKey::public_key).collect()
    }
}

#[test]
fn a_partition_that_heals_with_hundreds_of_delayed_messages_at_once() {
    let (mut world, _) = world(0);
    let crowd = Crowd::new(&mut world, 10, 10, 50);
    let _ = world.events();
    // Each author has advertised five times, a minute apart; the last four minutes are young
    // enough for gossip. All of it arrives at once, newest first, and from two relays.
    let minutes = |n| START.saturating_add(MINUTE.saturating_mul(n));
    world.run_to(minutes(9));
    let made_in = |minute| (0..crowd.len()).map(move |n| (n, minutes(minute)));
    let ads = (0..10).rev().flat_map(made_in);
    let ads: Vec<_> = ads.map(|(n, made)| crowd.ad(n, made).seal()).collect();
    assert_eq!(ads.len(), 1000);
    let mut reasons = BTreeSet::new();
    for (n, sealed) in ads.iter().enumerate() {
        for from in [1, 2] {
            let answer = world.send(&Source::gossip(peer(from), peer(0)), sealed);
            if n < crowd.len() && from == 1 {
                assert_eq!(reason(answer), Reason::New);
            }
            reasons.insert(answer.reason.as_str());
        }
    }
    let expected = ["already-known", "new", "replayed", "stale", "throttle"];
    assert!(reasons.iter().all(|reason| expected.contains(reason)), "{reasons:?}");
    unblemished(&mut world, &crowd.keys(), &crowd.ids);
    // Oldest first, as by a relay that kept a queue: pushed too soon one after the other, but not
    // made so.
    let (mut world, _) = self::world(0);
    let crowd = Crowd::new(&mut world, 10, 10, 50);
    world.run_to(minutes(9));
    for sealed in ads.iter().rev() {
        let _ = world.send(&Source::gossip(peer(1), peer(0)), sealed);
        let _ = world.send(&Source::gossip(peer(0), peer(0)), sealed);
    }
    unblemished(&mut world, &crowd.keys(), &crowd.ids);
}

#[test]
fn a_relay_at_the_full_honest_rate_of_twelve_hundred_authors_behind_one_link() {
    let (mut world, _) = world(0);
    let crowd = Crowd::new(&mut world, 12, 100, 1000);
    let _ = world.events();
    assert_eq!(crowd.len(), 1200);
    let relay = |world: &mut World, n: usize| {
        let next = crowd.ad(n, world.now).seal();
        let mut from = |number| reason(world.send(&Source::gossip(peer(number), peer(3)), &next));
        assert_eq!(from(1), Reason::New, "author {n}");
        // The same from another neighbour, and once more.
        assert_eq!((from(2), from(1)), (Reason::AlreadyKnown, Reason::AlreadyKnown));
    };
    // Twenty a second.
    for n in 0..crowd.len() {
        relay(&mut world, n);
        world.wait(Millis::new(50));
    }
    // Ten minutes later each identity may have them all at once: bursts of sixty.
    world.wait(Millis::from_mins(10));
    for n in 0..crowd.len() {
        let next = crowd.ad(n, world.now);
        assert_eq!(reason(world.gossip(1, 3, &next)), Reason::New, "author {n}");
        if n % 60 == 59 {
            world.wait(Millis::new(1));
        }
    }
    assert_eq!(world.gate.decisions(Reason::Throttle), 0, "it was never slowed");
    assert_eq!(world.gate.decisions(Reason::SignatureBudget), 0);
    unblemished(&mut world, &crowd.keys(), &crowd.ids);
}

/// Ten thousand forged messages, by a thousand peers.
#[test]
fn a_victim_named_in_forged_messages() {
    let (mut world, ids) = world(2);
    let (author, mallory) = (secret(0), named("mallory"));
    let honest = ad(&author).under(&ids[0]).of_peer(0).at(START.saturating_sub(MINUTE));
    assert_eq!(reason(world.gossip(0, 0, &honest)), Reason::New);
    // Its window is open again, so that they come as far as the signature.
    world.wait(MINUTE);
    let begun = world.now;
    let before = (world.of_peer(0), world.of_key(&honest.key()), world.of_identity(&ids[0]));
    let mut refused = 0;
    for sender in 1000..2000 {
        world.connect(sender);
        for n in 0..10u64 {
            let made = begun.saturating_sub(Millis::new(u64::from(sender) + n));
            let named = match n % 4 {
                // Its key and identity, its key as a stranger, its identity, its peer.
                0 => ad(&author).under(&ids[0]).forged(),
                1 => ad(&author).forged(),
                2 => {
                    ad(&mallory).under(&ids[0]).with_delegation(START.saturating_add(DAY), GARBAGE)
                }
                _ => ad(&mallory).of_peer(0).forged(),
            };
            let source = match n % 3 {
                0 => Source::direct(peer(sender)),
                1 => Source::gossip(peer(sender), peer(0)),
                _ => Source { channel: Channel::Dht, ..Source::direct(peer(sender)) },
            };
            let sealed = named.of_peer(0).at(made).seal();
            refused += u32::from(!world.send(&source, &sealed).is_accept());
        }
        world.gate.disconnected(world.now, &peer(sender));
        world.wait(Millis::new(10));
    }
    assert_eq!(refused, 10_000);
    let checked =
        world.gate.decisions(Reason::InvalidSignature) + world.gate.decisions(Reason::NotDelegated);
    assert_eq!(checked, 5_000, "half of them come as far as the signature");
    let after = (world.of_peer(0), world.of_key(&honest.key()), world.of_identity(&ids[0]));
    assert_eq!(after, before);
    clear(&world, Subject::Peer(peer(0)));
    clear(&world, Subject::Key(honest.key()));
    clear(&world, Subject::Identity(ids[0]));
    let about_victim =
        |event: &Event| matches!(event, Event::Sanctioned { peer: who, .. } if *who == peer(0));
    assert!(!world.events().iter().any(about_victim));
    // Its window is what it was: the next one is taken, at once and from anybody.
    assert_eq!(reason(world.gossip(3, 0, &honest.at(world.now))), Reason::New);
    assert_eq!(world.of_identity(&ids[0]).keys.0, 1);
}

/// Eight peers of its address group were banned, and the table is full: so is the group.
#[test]
fn an_honest_identity_behind_a_banned_groups_address() {
    const SWARM: u16 = 500;
    let mut world = World::with(Capacity { bans: 32, groups: 32, ..Capacity::SMALL }, POLICY);
    let id = world.register(&Claim::real(0));
    (100..108).for_each(|number| throw_away(&mut world, at(number, SWARM), number));
    (108..125).for_each(|number| throw_away(&mut world, at(number, number as u16), number));
    assert_eq!(world.gate.metrics(START).banned_groups, 1);
    let _ = world.events();
    world.connect(1);
    let author = secret(0);
    let first = ad(&author).under(&id).of_peer(0);
    // By way of others it is heard as ever, and by its own connection once it has said who it is.
    assert_eq!(reason(world.gossip(1, 0, &first)), Reason::New);
    let knock = world.gate.screen_connection(START, &at(0, SWARM));
    assert_eq!((reason(knock), knock.is_accept()), (Reason::ProveIdentity, true));
    world.gate.connected(START, &at(0, SWARM)).unwrap();
    assert_eq!(prove_by_key(&mut world, 0, &author, &id), Reason::Clear);
    world.wait(MINUTE);
    world.gate.handle_timeout(world.now);
    assert_eq!(reason(world.direct(0, &first.at(world.now))), Reason::New);
    for subject in [Subject::Peer(peer(0)), Subject::Key(first.key()), Subject::Identity(id)] {
        clear(&world, subject);
    }
    let about_it =
        |event: &Event| matches!(event, Event::Sanctioned { peer: who, .. } if *who == peer(0));
    assert!(!world.events().iter().any(about_it));
}

#[test]
fn a_signer_that_restarts_with_a_new_peer_id() {
    let (mut world, ids) = world(1);
    let (author, stranger) = (secret(0), named("stranger"));
    for restart in 0..12 {
        let home = restart % 4;
        let next = ad(&author).under(&ids[0]).of_peer(home).at(world.now);
        assert_eq!(reason(world.gossip(home, home, &next)), Reason::New);
        let next = ad(&stranger).of_peer(home).at(world.now);
        assert_eq!(reason(world.direct(home, &next)), Reason::New);
        assert_eq!(world.of_peer(home).keys.0, 1, "the stranger's key moved");
        assert_eq!(world.of_peer((home + 3) % 4).keys.0, 0);
        assert_eq!(world.of_identity(&ids[0]).keys.0, 1, "it has one slot all the time");
        world.wait(MINUTE);
    }
    unblemished(&mut world, &[author.public_key(), stranger.public_key()], &ids);
}

#[test]
fn two_nodes_with_clocks_four_minutes_apart() {
    let (mut world, ids) = world(2);
    let (ahead, behind) = (secret(0), secret(1));
    let four = Millis::from_mins(4);
    for _ in 0..60 {
        let early = ad(&ahead).under(&ids[0]).of_peer(0).at(world.now.saturating_add(four));
        let late = ad(&behind).under(&ids[1]).of_peer(1).at(world.now.saturating_sub(four));
        assert_eq!(reason(world.gossip(2, 0, &early)), Reason::New);
        assert_eq!(reason(world.gossip(2, 1, &late)), Reason::New);
        assert_eq!(reason(world.direct(0, &early)), Reason::Known);
        assert_eq!(reason(world.pull(3, Channel::Directory, &late)), Reason::Known);
        world.wait(MINUTE);
    }
    // Eight minutes apart, they do not hear each other; nobody is at fault for that.
    for _ in 0..60 {
        let early = ad(&ahead).under(&ids[0]).at(world.now.saturating_add(four.saturating_mul(2)));
        let late = ad(&behind).under(&ids[1]).at(world.now.saturating_sub(four.saturating_mul(2)));
        assert_eq!(reason(world.gossip(0, 0, &early)), Reason::Future);
        assert_eq!(reason(world.gossip(1, 1, &late)), Reason::Stale);
        world.wait(MINUTE);
    }
    unblemished(&mut world, &[ahead.public_key(), behind.public_key()], &ids);
}

#[test]
fn nodes_of_another_version() {
    let (mut world, ids) = world(1);
    let author = secret(0);
    let good = ad(&author).under(&ids[0]);
    let mut kind = good.seal();
    kind[1] = 3;
    let mut body = good.body();
    // One more field, 23, after the seven there are.
    assert_eq!(body[0], 0xa7);
    body[0] = 0xa8;
    body.extend([23, 0]);
    let field = envelope(Kind::Advertisement, &body, GARBAGE);
    let sources = [
        Source::direct(peer(0)),
        Source::gossip(peer(0), peer(0)),
        Source::gossip(peer(1), peer(0)),
        Source { channel: Channel::Directory, ..Source::direct(peer(2)) },
        Source { channel: Channel::Dht, ..Source::direct(peer(3)) },
    ];
    for _ in 0..100 {
        for source in &sources {
            for bytes in [&kind, &field] {
                assert_eq!(reason(world.send(source, bytes)), Reason::Unsupported);
            }
        }
        world.wait(SECOND);
    }
    // Numbers of transaction types that this version has no name for are kept.
    let mut newer = ad(&author).under(&ids[0]).at(world.now);
    newer.types = &[1, 9999];
    assert_eq!(reason(world.gossip(1, 0, &newer)), Reason::New);
    unblemished(&mut world, &[author.public_key()], &ids);
}
