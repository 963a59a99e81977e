//! What a laboratory comes to: what there was of it, and what became of the honest signers.

use std::collections::HashMap;

use ltms_core::{Millis, Timestamp};

use super::field::Signer;
use super::messages::Peers;
use super::{IN_TIME, Kind, Lab, Message, Number, Share};
use crate::made;

impl Lab {
    /// How many deliveries of the attackers' advertisements policy 3 allows: of strangers two for
    /// each address group and node and then one a minute, of each key under a burn one a minute.
    pub(crate) fn allowed(&self) -> u64 {
        let minutes = self.now.since(made::START).get() / Millis::from_mins(1).get();
        let strangers = self.tally.groups.len() as u64 * (2 + minutes);
        self.nodes.len() as u64 * (strangers + self.tally.bought * (1 + minutes))
    }

    /// How much of it there was: the network, the attackers, and the time.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, f64)> {
        let opened: usize =
            self.nodes.iter().map(|node| self.peers[*node as usize].opened.len()).sum();
        let minutes = self.now.since(made::START).get() as f64 / 60_000.0;
        let (least, more) = self.delay;
        let copies = self.tally.hostile_copies as f64 / (60.0 * minutes).max(1.0);
        let all = [
            ("nodes", self.nodes.len() as f64),
            ("honest signers", self.signers.len() as f64),
            ("of which advertise", self.newest.len() as f64),
            ("links that a node opened", opened as f64 / self.nodes.len().max(1) as f64),
            ("minutes", minutes),
            ("ms over a link at least", least as f64),
            ("ms at most", (least + more as u64 - 1) as f64),
            ("of 1,000 messages lost", self.loss as f64),
            ("attackers' ids", (self.peers.len() - self.nodes.len()) as f64),
            ("their address groups", self.tally.groups.len() as f64),
            ("identities that they burned", self.tally.bought as f64),
            ("copies a second that they send", copies),
        ];
        all.into_iter().filter(|(_, value)| *value > 0.0).collect()
    }

    /// Deliveries in time to some of the nodes but the sender's own, of messages sent from then on
    /// that have had their time. Who came after a message was sent is not counted for it.
    pub(crate) fn delivered(&self, kind: Kind, from: Timestamp, to: &[Number]) -> Share {
        self.had(kind, from, to, |message| &message.in_time)
    }

    /// The same within a second.
    pub(crate) fn delivered_soon(&self, kind: Kind, from: Timestamp, to: &[Number]) -> Share {
        self.had(kind, from, to, |message| &message.soon)
    }

    fn had(&self, kind: Kind, from: Timestamp, to: &[Number], by: fn(&Message) -> &Peers) -> Share {
        let counts = |at: Timestamp| at >= from && at.saturating_add(IN_TIME) <= self.now;
        let sent = self.messages.iter().filter(|message| message.kind == kind);
        let mut share = Share::default();
        for message in sent.filter(|message| message.sent.is_some_and(counts)) {
            let own = |node: Number| self.peers[node as usize].id == message.publisher;
            for node in to.iter().filter(|node| **node < message.peers && !own(**node)) {
                share.of += 1;
                share.some += u64::from(by(message).contains(*node));
            }
        }
        share
    }

    /// Of what honest signers said last and is in force, how much these nodes list. What has not had
    /// its time counts where it is there.
    pub(crate) fn in_force(&self, nodes: &[Number]) -> Share {
        let last = self.newest.values().map(|number| &self.messages[*number]);
        let mut share = Share::default();
        for message in last.filter(|message| message.expires_at > self.now) {
            let was_due = message.sent.is_some_and(|at| at.saturating_add(IN_TIME) <= self.now);
            let own = |node: Number| self.peers[node as usize].id == message.publisher;
            for node in nodes.iter().copied().filter(|node| !own(*node)) {
                let listed = message.listed.contains(node) && self.lists(node, &message.key);
                share.of += u64::from(listed || was_due);
                share.some += u64::from(listed);
            }
        }
        share
    }

    /// How many honest signers advertise and are listed by less than half of the nodes.
    pub(crate) fn displaced(&self) -> u64 {
        let mut last = HashMap::new();
        for message in self.messages.iter().filter(|message| message.kind == Kind::Honest) {
            let there = message.sent.is_some_and(|at| at.saturating_add(IN_TIME) <= self.now);
            if there {
                last.insert(message.key, message.expires_at);
            }
        }
        let advertises = |signer: &&Signer| last.get(&signer.key).is_some_and(|e| *e > self.now);
        let by =
            |signer: &Signer| self.nodes.iter().filter(|n| self.lists(**n, &signer.key)).count();
        let few = |signer: &&Signer| 2 * by(signer) < self.nodes.len();
        self.signers.iter().filter(advertises).filter(few).count() as u64
    }

    /// How many honest signers a node bans that is not their own.
    pub(crate) fn banned(&self) -> u64 {
        let bans = |node: Number, signer: &Signer| {
            let (peer, id) = (&self.peers[node as usize], &self.peers[signer.node as usize].id);
            let rules = peer.rules.as_ref().filter(|_| node != signer.node);
            rules.is_some_and(|rules| rules.bans(peer.clock(self.now), id, signer))
        };
        let banned = |signer: &&Signer| self.nodes.iter().any(|node| bans(*node, signer));
        self.signers.iter().filter(banned).count() as u64
    }
}
