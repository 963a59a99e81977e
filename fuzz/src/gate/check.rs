//! What has to hold.

use std::collections::BTreeSet;

use ltms_core::wire::AdHeader;
use ltms_core::*;

use super::History;
use super::call::Call;
use super::cast::{PEERS, cast};
use crate::ads::ad;
use crate::world::{COURIER, HOUR, MINUTE, START, World, peer, reason};

/// A peer that no history knows; the newcomers follow it.
const UNKNOWN: u32 = 500;

impl History {
    /// Whether the operator's ban of a peer is in force.
    pub(super) fn is_banned(&self, number: u32) -> bool {
        self.bans.get(&number).is_some_and(|until| *until > self.world.now)
    }

    /// What holds for every decision, and whether waiting helps when it says so. That moves the
    /// clock, so it is one of the call's choices.
    pub(super) fn judge(
        &mut self,
        call: &Call,
        decision: Decision,
        again: impl Fn(&mut World) -> Option<Decision>,
    ) {
        assert_ne!(reason(decision), Reason::Unjudged);
        let Some(at) = decision.retry_at else { return };
        let now = self.world.now;
        // In its last minute nothing ends later than time does.
        let over = now.saturating_add(MINUTE) == Timestamp::NEVER;
        assert!(at > now || over, "{decision:?} at {now:?}");
        // That is until when to prove it.
        let is_deadline = decision.reason == Reason::ProveIdentity;
        if is_deadline || !call.flag(5) || at.since(now) > Millis::from_days(40) {
            return;
        }
        // A throttled connection waits longer when it insists; a slot may be given up early.
        let insisting = matches!(decision.reason, Reason::Throttle | Reason::KeyLimit);
        let before = at.saturating_sub(Millis::new(1));
        if before > now && !insisting {
            let merged = |world: &World| world.gate.metrics(before).bans_merged;
            let known = merged(&self.world);
            self.world.now = before;
            let passes = again(&mut self.world).is_some_and(|early| early.is_accept());
            // A ban that its address group's now stands for ends early.
            assert!(!passes || merged(&self.world) > known, "too early for {decision:?}");
        }
        self.world.now = at;
        let late = again(&mut self.world);
        assert!(
            late.is_none_or(|late| late.reason != decision.reason),
            "{late:?} after {decision:?}"
        );
    }

    /// What holds after every call.
    pub(super) fn check(&mut self) {
        let now = self.world.now;
        // What has ended is over, even if the clock steps back.
        self.bans.retain(|_, until| *until > now);
        self.identity_bans.retain(|_, (until, _)| *until > now);
        // An identity that lost its row begins anew.
        let gate = &self.world.gate;
        self.credited.retain(|claim| gate.identity(&cast().claims[*claim].identity()).is_some());
        let metrics = self.world.gate.metrics(now);
        self.keeps_its_bounds(&metrics);
        for (number, until) in &self.bans {
            let standing = self.world.of_peer(*number);
            assert!(!standing.decision.is_accept(), "the operator's ban until {until:?} is gone");
        }
        for (number, (until, _)) in &self.identity_bans {
            let standing = self.world.of_identity(&cast().ids[*number]);
            assert!(!standing.decision.is_accept(), "an identity's ban until {until:?} is gone");
        }
        self.lists_what_has_a_slot();
        let unknown = self.world.of_peer(UNKNOWN);
        assert!(!unknown.known && unknown.decision.is_accept(), "somebody made a row of it");
        assert_eq!(self.world.gate.metrics(now), metrics, "a question changed something");
    }

    pub(super) fn keeps_its_bounds(&self, metrics: &Metrics) {
        let capacity = &self.capacity;
        assert!(metrics.identities_registered <= capacity.identities.into());
        assert!(metrics.tombstones <= capacity.tombstones.into());
        assert!(metrics.advertised_keys <= capacity.keys.into());
        assert!(metrics.active_peers <= capacity.peers.into());
        assert!(metrics.banned_groups <= capacity.groups.into());
        assert!(metrics.operator_bans <= u64::from(capacity.bans / 4));
        let rows = metrics.operator_bans + metrics.automatic_bans;
        assert!(rows <= capacity.bans.into());
        let in_force = metrics.blacklisted_peers + metrics.graylisted_peers + metrics.allowed_peers;
        assert!(in_force <= rows, "{in_force} bans in {rows} rows");
    }

    fn lists_what_has_a_slot(&self) {
        let (world, capacity) = (&self.world, &self.capacity);
        let mut found = [Found::default(); 24];
        let count = world.gate.find(world.now, &Criteria::default(), &mut found);
        let found = &found[..count];
        assert!(found.iter().all(|found| found.expires_at > world.now));
        let keys: BTreeSet<_> = found.iter().map(|found| found.key.to_string()).collect();
        assert_eq!(keys.len(), count, "a key twice");
        let strangers = found.iter().filter(|found| found.identity.is_none()).count();
        assert!(strangers <= capacity.keys as usize / 8, "{strangers} strangers");
        let slots: u32 = (0..PEERS).map(|number| u32::from(world.of_peer(number).keys.0)).sum();
        assert!(slots <= capacity.keys / 8, "{slots} strangers' slots");
        for id in &cast().ids {
            let Some(row) = world.gate.identity(id) else { continue };
            assert_eq!(world.gate.resolve_identity(&row.key), Some(row), "not its current key");
            let (keys, limit) = world.of_identity(id).keys;
            let counted = world.gate.policy().enforce.keys == Mode::On;
            assert!(keys <= limit || !counted, "{keys} keys of {limit}");
            let listed = found.iter().filter(|found| found.identity == Some(*id)).count();
            assert!(listed <= keys.into(), "{listed} listed in {keys} slots");
        }
    }

    /// Whatever happened, it is over in the end: every count is back where it began, and strangers
    /// get exactly their share.
    pub(super) fn ends(mut self) {
        let world = &mut self.world;
        // The operator takes back what was to last, and everybody leaves.
        let peers = (0..PEERS).chain([COURIER]).map(|number| Subject::Peer(peer(number)));
        let keys = cast().keys.iter().copied().map(Subject::Key);
        for subject in peers.chain(keys) {
            world.gate.unban(world.now, &subject);
            let Subject::Peer(peer) = subject else { continue };
            let _ = world.gate.allow(world.now, &peer, false);
            while world.gate.standing(world.now, &subject).connections > 0 {
                world.gate.disconnected(world.now, &peer);
            }
        }
        // A clock that was wrong is right again; then every span of the policy passes. After a step
        // forward nothing is swept for a while.
        for passed in [Millis::ZERO, Millis::from_days(200)] {
            world.now = START.saturating_add(passed);
            world.gate.handle_timeout(world.now);
            world.wait(HOUR);
            world.gate.handle_timeout(world.now);
        }
        let events = (0..500).take_while(|_| world.gate.poll_event(world.now).is_some()).count();
        assert!(events < 500, "events without end");
        let metrics = world.gate.metrics(world.now);
        let counts = [
            metrics.operator_bans,
            metrics.automatic_bans,
            metrics.banned_groups,
            metrics.advertised_keys,
        ];
        assert_eq!(counts, [0; 4], "bans of the operator, other bans, groups, keys");
        assert_eq!((metrics.posture, metrics.active_peers), (Posture::Normal, 0));
        for id in &cast().ids {
            assert_eq!(world.of_identity(id).keys.0, 0, "a slot that nobody has");
        }
        let share = self.capacity.keys as usize / 8;
        for (number, author) in (UNKNOWN + 1..).zip(&cast().newcomers).take(share + 1) {
            world.connect(number);
            let envelope = ad(author).at(world.now).of_peer(number).forged().seal();
            let header = AdHeader::read(Network::Reg, &envelope).expect("as it was made");
            let source = Source::direct(peer(number));
            let decision = match world.gate.screen_ad(world.now, &source, &header) {
                Screening::Done(decision) => decision,
                Screening::Proceed(ticket) => {
                    world.gate.settle_ad(world.now, ticket, SignatureCheck::Valid)
                }
            };
            let room = number as usize <= UNKNOWN as usize + share;
            let expected = if room { Reason::New } else { Reason::StrangerShare };
            assert_eq!(reason(decision), expected, "newcomer {}", number - UNKNOWN);
            world.wait(MINUTE.saturating_mul(2));
        }
    }
}
