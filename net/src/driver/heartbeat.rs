//! Once a second: what each connected peer's gossip is worth, and who is disconnected for it.

use std::time::Duration;

use libp2p::PeerId;
use ltms_core::{Reason, Source, Subject, Timestamp};

use super::Driver;
use crate::{
    behaviour::scores::{self, Worth},
    door::core_peer,
    handle::NodeEvent,
};

/// As often as gossipsub's own heartbeat.
pub(super) const PACE: Duration = Duration::from_secs(1);
/// Heartbeats of a minute in which a peer of the mesh has to bring something.
const MINUTE: u8 = 60;

impl Driver {
    pub(super) fn on_heartbeat(&mut self) {
        self.seconds += 1;
        if self.seconds >= MINUTE {
            self.seconds = 0;
            self.swarm.behaviour_mut().gossip.end_minute();
        }
        for peer in self.swarm.behaviour_mut().gossip.drops() {
            self.drop_for_gossip(peer);
        }
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        // It was full, or nobody had subscribed when it was to be published.
        if !peers.is_empty() {
            self.publish_waiting();
        }
        let mut worths: Vec<_> =
            peers.iter().map(|peer| (*peer, self.gossip_worth(peer))).collect();
        scores::fill_mesh(&mut worths);
        for (peer, worth) in worths {
            if !self.timers.is_throttled(&peer) {
                self.swarm.behaviour_mut().gossip.stand(&peer, worth.score);
            }
        }
        self.announce_due();
    }

    /// What the Gate thinks of a peer.
    fn gossip_worth(&mut self, peer: &PeerId) -> Worth {
        let now = self.now();
        let gate = self.gate();
        let standing = gate.standing(now, &Subject::Peer(core_peer(peer)));
        let identity = standing.identity.map(|id| gate.standing(now, &Subject::Identity(id)));
        let silence = self.swarm.behaviour().gossip.silence(peer);
        scores::application(&standing, identity.as_ref(), silence)
    }

    /// Disconnects a peer for what it did in gossip. Nothing is kept of its score; that it came to
    /// this counts as something malformed, so that coming back each time ends in a ban.
    fn drop_for_gossip(&mut self, peer: PeerId) {
        if !self.is_connected(&peer) {
            return;
        }
        tracing::info!(%peer, "disconnected for what it did in gossip");
        let now = self.now();
        let source = Source::direct(core_peer(&peer));
        let _ = self.gate().malformed(now, &source, Reason::Malformed, b"gossip score");
        self.swarm.behaviour_mut().connections.disconnect(&peer);
        self.tell(NodeEvent::GossipDropped(peer));
    }

    /// Reads nothing more of this connection's gossip until `until`, before deduplication.
    pub(super) fn throttle(&mut self, peer: PeerId, until: Timestamp) {
        if self.swarm.behaviour_mut().gossip.throttle(&peer) {
            self.timers.readmit(until, peer);
        }
    }

    /// Reads this connection's gossip again.
    pub(super) fn readmit(&mut self, peer: &PeerId) {
        self.timers.forget(peer);
        let worth = self.gossip_worth(peer);
        self.swarm.behaviour_mut().gossip.stand(peer, worth.score);
    }
}
