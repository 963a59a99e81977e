//! What ids of one address group that come and go get of the signature checks (policy §3, ADR 22).

use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, secret};
use crate::full_bans::at;
use crate::world::*;

/// Ids of one group send signatures that do not hold, and come back as others once they are banned.
struct Barrage {
    world: World,
    identity: IdentityId,
    made: u32,
}

impl Barrage {
    /// With room for every ban: a full table would end it by banning the group.
    fn new() -> Self {
        let mut world =
            World::with(Capacity { peers: 192, bans: 8_192, ..Capacity::SMALL }, POLICY);
        let identity = world.register(&Claim::real(0));
        world.wait(MINUTE);
        Self { world, identity, made: 0 }
    }

    fn join(&mut self, number: u32) {
        let connection = at(number, 7);
        let screened = self.world.gate.screen_connection(self.world.now, &connection);
        assert_eq!(reason(screened), Reason::Clear);
        self.world.gate.connected(self.world.now, &connection).unwrap();
    }

    fn forge(&mut self, number: u32) -> Reason {
        let author = secret(0);
        let forged = ad(&author).under(&self.identity).at(self.world.now).forged();
        reason(self.world.direct(number, &forged))
    }

    fn checks(&self) -> u64 {
        self.world.gate.metrics(self.world.now).signature_checks
    }

    /// How many checks so many ids at a time get, each as fast as a connection is read.
    fn run(&mut self, at_once: usize, seconds: u64) -> u64 {
        let (before, mut ids) = (self.checks(), vec![None; at_once]);
        for _ in 0..20 * seconds {
            // All connect before any of them spends, where the policy lets them have most.
            for id in ids.iter_mut().filter(|id| id.is_none()) {
                self.made += 1;
                self.join(self.made);
                *id = Some(self.made);
            }
            for id in &mut ids {
                let number = id.expect("all are connected");
                self.forge(number);
                let sanctioned = |event| matches!(event, Event::Sanctioned { .. });
                if self.world.events().into_iter().any(sanctioned) {
                    self.world.gate.disconnected(self.world.now, &peer(number));
                    *id = None;
                }
            }
            self.world.wait(Millis::new(50));
        }
        self.checks() - before
    }
}

/// The policy's 10 a second and 20 at once are a connection's. One after the other, ids of a group
/// are like one connection; at once, each has its own: 80 a second of the eight that a group may have.
#[test]
fn ids_that_come_one_after_the_other_have_the_checks_of_one_connection() {
    for (at_once, seconds) in [(1, 180), (2, 60), (8, 60)] {
        let mut barrage = Barrage::new();
        let checks = barrage.run(at_once, seconds);
        let lasting = 10 * seconds * at_once as u64;
        let most = lasting + 20 * at_once as u64;
        assert!((lasting..=most).contains(&checks), "{at_once} at once: {checks}");
        assert!(barrage.made > checks as u32 / 10, "each is banned after ten");
    }
}

/// An id that was there while the group owed nothing once kept its full bucket until it came back.
#[test]
fn ids_that_come_back_have_no_more_checks_than_fresh_ones() {
    let mut barrage = Barrage::new();
    let before = barrage.checks();
    for number in 1..=100 {
        barrage.join(number);
        barrage.world.gate.disconnected(barrage.world.now, &peer(number));
    }
    for number in 1..=100 {
        barrage.join(number);
        // The tenth is a ban.
        let each = (0..9).map(|_| barrage.forge(number));
        each.take_while(|reason| *reason == Reason::InvalidSignature).for_each(drop);
        barrage.world.gate.disconnected(barrage.world.now, &peer(number));
    }
    assert_eq!(barrage.checks() - before, 20);
}
