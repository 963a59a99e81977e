//! Whom this node dials by itself: anchors and the bootstrap list at the start and while it is
//! alone, persistent peers for as long as it runs.

use std::time::{Duration, Instant};

use libp2p::{
    Multiaddr, PeerId,
    multiaddr::Protocol,
    swarm::{ConnectionId, dial_opts::DialOpts},
};
use ltms_core::{Reason, Subject};

use super::Driver;
use crate::{
    anchors::{self, Anchors},
    door::core_peer,
};

/// From the first failure to the next attempt; twice that after each further one.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait between attempts, without what chance adds.
const LONGEST: Duration = Duration::from_secs(300);

/// Why somebody is dialled, in the order in which they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Persistent,
    Anchor,
    Bootstrap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is under way; the next attempt is not before then.
    Idle(Instant),
    Dialling(ConnectionId),
    Open(ConnectionId),
}

#[derive(Debug)]
struct Target {
    address: Multiaddr,
    kind: Kind,
    state: State,
    failures: u32,
}

/// The addresses, and when each is to be dialled next. It opens nothing itself.
#[derive(Debug, Default)]
pub(crate) struct Dialler(Vec<Target>);

/// The peer that an address names.
pub(crate) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

impl Dialler {
    /// What is in several lists is what it is in the first.
    pub(crate) fn new(
        now: Instant,
        persistent: &[Multiaddr],
        anchors: &[Multiaddr],
        bootstrap: &[Multiaddr],
    ) -> Self {
        let lists =
            [(Kind::Persistent, persistent), (Kind::Anchor, anchors), (Kind::Bootstrap, bootstrap)];
        let mut targets: Vec<Target> = Vec::new();
        for (kind, list) in lists {
            for address in list {
                if targets.iter().all(|target| target.address != *address) {
                    let (address, state) = (address.clone(), State::Idle(now));
                    targets.push(Target { address, kind, state, failures: 0 });
                }
            }
        }
        Self(targets)
    }

    /// Other lists; the anchors stay, and whoever is in a list still goes on where it was.
    pub(super) fn relist(
        &mut self,
        now: Instant,
        persistent: &[Multiaddr],
        bootstrap: &[Multiaddr],
    ) {
        let anchors = self.0.iter().filter(|target| target.kind == Kind::Anchor);
        let anchors: Vec<_> = anchors.map(|target| target.address.clone()).collect();
        let before = std::mem::replace(self, Self::new(now, persistent, &anchors, bootstrap)).0;
        for target in &mut self.0 {
            if let Some(old) = before.iter().find(|old| old.address == target.address) {
                (target.state, target.failures) = (old.state, old.failures);
            }
        }
    }

    /// What is to be dialled now. Whoever was reached once, or failed, is dialled again only if it
    /// is persistent or the node is alone.
    fn due(
        &self,
        now: Instant,
        alone: bool,
        is_connected: impl Fn(&PeerId) -> bool,
    ) -> Vec<Multiaddr> {
        let due = self.0.iter().filter(|target| {
            let State::Idle(at) = target.state else { return false };
            let first = target.failures == 0 && target.kind != Kind::Persistent;
            let wanted = target.kind == Kind::Persistent || alone || first;
            let there = peer_of(&target.address).is_some_and(|peer| is_connected(&peer));
            at <= now && wanted && !there
        });
        due.map(|target| target.address.clone()).collect()
    }

    fn dialled(&mut self, address: &Multiaddr, id: ConnectionId) {
        for target in self.0.iter_mut().filter(|target| target.address == *address) {
            target.state = State::Dialling(id);
        }
    }

    fn opened(&mut self, id: ConnectionId) {
        for target in self.0.iter_mut().filter(|target| target.state == State::Dialling(id)) {
            target.state = State::Open(id);
            target.failures = 0;
        }
    }

    /// A dial failed, or its connection ended. Chance, of 256, keeps those who lost the same peer
    /// from returning all at once.
    fn ended(&mut self, now: Instant, id: ConnectionId, chance: u8) {
        let this = [State::Dialling(id), State::Open(id)];
        for target in self.0.iter_mut().filter(|target| this.contains(&target.state)) {
            let wait = FIRST.saturating_mul(1 << target.failures.min(16)).min(LONGEST);
            let wait = wait + wait * u32::from(chance) / 1024;
            target.state = State::Idle(now + wait);
            target.failures = target.failures.saturating_add(1);
        }
    }
}

impl Driver {
    /// Dials whom it is time to dial.
    pub(super) fn dial_due(&mut self) {
        let alone = self.swarm.connected_peers().next().is_none();
        for address in self.dialler.due(Instant::now(), alone, |peer| self.is_connected(peer)) {
            let options = DialOpts::from(address.clone());
            let id = options.connection_id();
            self.dialler.dialled(&address, id);
            if let Err(error) = self.swarm.dial(options) {
                tracing::warn!(%address, %error, "cannot dial");
                self.dial_ended(id);
            }
        }
    }

    pub(super) fn dial_opened(&mut self, id: ConnectionId) {
        self.dialler.opened(id);
    }

    pub(super) fn dial_ended(&mut self, id: ConnectionId) {
        self.dialler.ended(Instant::now(), id, rand::random());
    }

    /// Notes the best outbound peers, to dial them first after a restart. If there are none, those
    /// of before stay.
    pub(super) fn keep_anchors(&mut self) {
        let now = self.now();
        let behaviour = self.swarm.behaviour();
        let gate = &behaviour.connections.door.gate;
        let good = behaviour.connections.outbound().into_iter().filter(|(peer, _)| {
            let standing = gate.standing(now, &Subject::Peer(core_peer(peer)));
            self.identified.contains_key(peer) && standing.decision.reason == Reason::Clear
        });
        let best: Vec<_> = good.map(|(_, address)| address).take(anchors::MOST).collect();
        if let Some(anchors) = &mut self.anchors
            && let Err(error) = anchors.keep(best)
        {
            tracing::warn!(%error, "anchors not written");
        }
    }
}

/// Where the anchors are, if anything outlives the node.
pub(crate) type Kept = Option<Anchors>;

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn address(n: u8) -> Multiaddr {
        format!("/ip4/10.0.0.{n}/tcp/1").parse().expect("address")
    }

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    fn due(dialler: &Dialler, now: Instant, alone: bool) -> Vec<Multiaddr> {
        dialler.due(now, alone, |_| false)
    }

    #[test]
    fn anchors_are_dialled_before_the_bootstrap_list_and_each_address_once() {
        let (now, [a, b, c]) = (Instant::now(), [1, 2, 3].map(address));
        let dialler = Dialler::new(
            now,
            slice::from_ref(&c),
            &[b.clone(), c.clone()],
            &[a.clone(), b.clone()],
        );
        assert_eq!(due(&dialler, now, false), [c, b, a]);
    }

    #[test]
    fn a_persistent_peer_is_dialled_again_for_ever_and_less_and_less_often() {
        let (mut now, peer) = (Instant::now(), address(1));
        let mut dialler = Dialler::new(now, slice::from_ref(&peer), &[], &[]);
        let mut waits = Vec::new();
        for n in 0..1_000 {
            assert_eq!(due(&dialler, now, false), slice::from_ref(&peer));
            dialler.dialled(&peer, id(n));
            assert!(due(&dialler, now, true).is_empty(), "one dial at a time");
            dialler.ended(now, id(n), 0);
            let State::Idle(at) = dialler.0[0].state else { panic!("idle") };
            assert!(due(&dialler, at - Duration::from_millis(1), true).is_empty());
            waits.push((at - now).as_secs());
            now = at;
        }
        assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(waits[999], 300);
        dialler.dialled(&peer, id(1_000));
        dialler.opened(id(1_000));
        assert!(due(&dialler, now + LONGEST, true).is_empty(), "connected");
        dialler.ended(now, id(1_000), 255);
        let soon = now + FIRST + FIRST / 4;
        assert_eq!(due(&dialler, soon, false), [peer], "and soon after it was lost");
    }

    #[test]
    fn others_are_dialled_again_only_while_the_node_is_alone() {
        let (now, peer) = (Instant::now(), address(1));
        let mut dialler = Dialler::new(now, &[], &[], slice::from_ref(&peer));
        dialler.dialled(&peer, id(1));
        dialler.ended(now, id(1), 0);
        assert!(due(&dialler, now + LONGEST, false).is_empty());
        assert_eq!(due(&dialler, now + LONGEST, true), [peer]);
    }

    #[test]
    fn other_lists_change_who_is_dialled_and_nothing_that_is_under_way() {
        let (now, [a, b, c, d]) = (Instant::now(), [1, 2, 3, 4].map(address));
        let persistent = [a.clone(), b.clone()];
        let mut dialler = Dialler::new(now, &persistent, slice::from_ref(&c), &[]);
        dialler.dialled(&a, id(1));
        dialler.opened(id(1));
        dialler.dialled(&b, id(2));
        dialler.relist(now, &[d.clone(), a.clone()], slice::from_ref(&b));
        assert_eq!(due(&dialler, now, true), [d, c], "a is connected, b is being dialled");
        dialler.ended(now, id(2), 0);
        assert!(due(&dialler, now + LONGEST, false).iter().all(|address| *address != b));
        dialler.ended(now, id(1), 0);
        assert!(due(&dialler, now + LONGEST, false).contains(&a), "persistent still");
    }

    #[test]
    fn who_is_connected_already_is_not_dialled() {
        let (now, who) = (Instant::now(), PeerId::random());
        let named = address(1).with(Protocol::P2p(who));
        let dialler = Dialler::new(now, &[named], &[], &[]);
        assert!(dialler.due(now, true, |peer| *peer == who).is_empty());
        assert_eq!(dialler.due(now, true, |_| false).len(), 1);
    }

    #[test]
    fn what_others_dialled_is_none_of_its_business() {
        let (now, peer) = (Instant::now(), address(1));
        let mut dialler = Dialler::new(now, slice::from_ref(&peer), &[], &[]);
        dialler.opened(id(7));
        dialler.ended(now, id(7), 0);
        assert_eq!(due(&dialler, now, false), [peer]);
    }
}
