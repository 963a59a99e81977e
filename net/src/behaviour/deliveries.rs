//! Which peers of the mesh bring messages, and which never do.
//!
//! Gossipsub shows the first copy of a message. Whoever brings a later one serves just as well, and
//! which of many honest peers is first is a matter of distance; so every copy is noted here. Only a
//! peer that brought none in a busy minute loses a point (policy §8, ADR 28).

use std::collections::{HashMap, HashSet};

use libp2p::{
    PeerId,
    gossipsub::{MessageId, TopicHash},
};

use super::scores::SILENCE;

/// Accepted messages that make a topic's minute a busy one (policy §8).
pub const BUSY: usize = 5;
/// Copies that are noted in a minute. Over it nobody is judged by that minute: a flood must not
/// make others look silent.
pub const COPIES: usize = 16_384;
/// Minutes after which a point is forgiven.
pub const FORGIVE: u32 = 5;

/// The copies of one message.
#[derive(Debug)]
struct Copies {
    topic: TopicHash,
    accepted: bool,
    peers: Vec<PeerId>,
}

/// The peers of each topic's mesh.
pub(super) type Mesh = HashMap<TopicHash, HashSet<PeerId>>;

/// The copies of the present minute, and the points of earlier ones.
#[derive(Debug, Default)]
pub struct Deliveries {
    messages: HashMap<MessageId, Copies>,
    noted: usize,
    /// Who was in the mesh when the minute began.
    mesh: Mesh,
    silent: HashMap<PeerId, u8>,
    minutes: u32,
}

impl Deliveries {
    /// Notes that a peer brought a copy.
    pub(super) fn note(&mut self, id: &MessageId, topic: &TopicHash, from: PeerId) {
        if self.noted >= COPIES {
            return;
        }
        self.noted += 1;
        let fresh = || Copies { topic: topic.clone(), accepted: false, peers: Vec::new() };
        let copies = self.messages.entry(id.clone()).or_insert_with(fresh);
        if !copies.peers.contains(&from) {
            copies.peers.push(from);
        }
    }

    /// Notes that a message was accepted: what was not counts for nobody.
    pub(super) fn accept(&mut self, id: &MessageId) {
        if let Some(copies) = self.messages.get_mut(id) {
            copies.accepted = true;
        }
    }

    /// The busy minutes in which this peer brought nothing, fewer with time.
    #[must_use]
    pub fn silence(&self, peer: &PeerId) -> u8 {
        self.silent.get(peer).copied().unwrap_or_default()
    }

    /// Forgets a peer whose last connection is closed.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.silent.remove(peer);
        for peers in self.mesh.values_mut() {
            peers.remove(peer);
        }
    }

    /// Ends a minute, and begins the next with this mesh. Only who was in a topic's mesh all the
    /// time is judged by it.
    pub(super) fn end_minute(&mut self, mesh: Mesh) {
        let judged = self.noted < COPIES;
        let messages = std::mem::take(&mut self.messages);
        let before = std::mem::replace(&mut self.mesh, mesh);
        self.noted = 0;
        self.minutes = self.minutes.wrapping_add(1);
        if self.minutes.is_multiple_of(FORGIVE) {
            self.silent.retain(|_, points| {
                *points = points.saturating_sub(1);
                *points > 0
            });
        }
        let mut silent: HashSet<&PeerId> = HashSet::new();
        for (topic, peers) in before.iter().filter(|_| judged) {
            let accepted =
                messages.values().filter(|copies| copies.accepted && copies.topic == *topic);
            if accepted.clone().count() < BUSY {
                continue;
            }
            let brought: HashSet<_> = accepted.flat_map(|copies| &copies.peers).collect();
            let stayed =
                |peer: &&PeerId| self.mesh.get(topic).is_some_and(|peers| peers.contains(*peer));
            silent.extend(peers.iter().filter(stayed).filter(|peer| !brought.contains(peer)));
        }
        for peer in silent {
            let points = self.silent.entry(*peer).or_default();
            *points = points.saturating_add(1).min(SILENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> MessageId {
        MessageId::from(number.to_be_bytes().to_vec())
    }

    fn topic(name: &str) -> TopicHash {
        TopicHash::from_raw(name)
    }

    struct World {
        deliveries: Deliveries,
        peers: [PeerId; 3],
    }

    impl World {
        /// All three peers are in the mesh of both topics.
        fn new() -> Self {
            let peers = [PeerId::random(), PeerId::random(), PeerId::random()];
            let mut world = Self { deliveries: Deliveries::default(), peers };
            world.end_minute();
            world
        }

        fn mesh(&self) -> Mesh {
            let all = HashSet::from(self.peers);
            Mesh::from([(topic("ads"), all.clone()), (topic("claims"), all)])
        }

        fn end_minute(&mut self) {
            let mesh = self.mesh();
            self.deliveries.end_minute(mesh);
        }

        /// So many messages of which these peers bring copies, and which are accepted.
        fn busy(&mut self, on: &str, count: usize, bringing: &[usize]) {
            for number in 0..count {
                for peer in bringing {
                    self.deliveries.note(&id(number), &topic(on), self.peers[*peer]);
                }
                self.deliveries.accept(&id(number));
            }
        }

        fn silence(&self) -> [u8; 3] {
            self.peers.map(|peer| self.deliveries.silence(&peer))
        }
    }

    #[test]
    fn who_brings_nothing_in_a_busy_minute_loses_a_point() {
        let mut world = World::new();
        world.busy("ads", BUSY, &[0, 1]);
        world.end_minute();
        assert_eq!(world.silence(), [0, 0, 1], "the second copy counts as the first");
        world.busy("ads", BUSY - 1, &[0]);
        world.end_minute();
        assert_eq!(world.silence(), [0, 0, 1], "a quiet minute");
    }

    #[test]
    fn only_accepted_messages_of_the_same_topic_count() {
        let mut world = World::new();
        world.busy("ads", BUSY, &[0]);
        for number in 100..100 + BUSY {
            world.deliveries.note(&id(number), &topic("ads"), world.peers[1]);
        }
        world.deliveries.note(&id(200), &topic("claims"), world.peers[2]);
        world.deliveries.accept(&id(200));
        world.end_minute();
        assert_eq!(world.silence(), [0, 1, 1]);
    }

    #[test]
    fn two_silent_topics_are_one_point_and_twenty_are_the_most() {
        let mut world = World::new();
        for minute in 0..40 {
            world.busy("ads", BUSY, &[0, 1]);
            for number in 1_000..1_000 + BUSY {
                world.deliveries.note(&id(number), &topic("claims"), world.peers[0]);
                world.deliveries.accept(&id(number));
            }
            world.end_minute();
            if minute == 0 {
                assert_eq!(world.silence(), [0, 1, 1]);
            }
        }
        assert_eq!(world.silence()[0], 0);
        assert!((SILENCE - 1..=SILENCE).contains(&world.silence()[2]), "{:?}", world.silence());
    }

    #[test]
    fn only_who_was_in_the_mesh_all_the_time_is_judged_and_a_point_is_forgiven_with_time() {
        let mut world = World::new();
        world.deliveries.end_minute(Mesh::new());
        world.busy("ads", BUSY, &[0]);
        world.end_minute();
        assert_eq!(world.silence(), [0, 0, 0], "grafted within the minute");
        world.busy("ads", BUSY, &[0]);
        world.deliveries.end_minute(Mesh::new());
        assert_eq!(world.silence(), [0, 0, 0], "pruned within the minute");
        world.end_minute();
        world.busy("ads", BUSY, &[0]);
        world.end_minute();
        assert_eq!(world.silence(), [0, 1, 1]);
        for _ in 0..FORGIVE {
            world.end_minute();
        }
        assert_eq!(world.silence(), [0, 0, 0]);
        assert!(world.deliveries.silent.is_empty());
    }

    #[test]
    fn a_flood_is_bounded_and_makes_nobody_look_silent() {
        let mut world = World::new();
        for number in 0..2 * COPIES {
            world.deliveries.note(&id(number), &topic("ads"), world.peers[0]);
            world.deliveries.accept(&id(number));
        }
        assert_eq!(world.deliveries.messages.len(), COPIES);
        world.end_minute();
        assert_eq!(world.silence(), [0, 0, 0]);
        assert!(world.deliveries.messages.is_empty());
    }

    #[test]
    fn who_leaves_is_forgotten() {
        let mut world = World::new();
        world.busy("ads", BUSY, &[0, 1]);
        world.end_minute();
        let gone = world.peers[2];
        world.deliveries.forget(&gone);
        assert_eq!(world.silence(), [0, 0, 0]);
        world.busy("ads", BUSY, &[0, 1]);
        world.end_minute();
        assert_eq!(world.silence(), [0, 0, 0], "back within the minute");
    }
}
