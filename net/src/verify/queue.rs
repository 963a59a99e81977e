//! Whose check is next: identities in turn, then strangers' connections in turn (policy §3).

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use ltms_core::{IdentityId, PeerId};

/// What may wait in all.
const WAITING: usize = 4_096;
/// What may wait of one connection: as many checks as it may have pending by the policy, and all
/// connections together fit.
const PER_CONNECTION: usize = 20;

/// Somebody's part of a queue.
trait Lane: Default {
    type Item;
    fn pop(&mut self) -> Option<Self::Item>;
    fn is_empty(&self) -> bool;
}

impl<V> Lane for VecDeque<V> {
    type Item = V;

    fn pop(&mut self) -> Option<V> {
        self.pop_front()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// Lanes that take turns.
struct Ring<K, L> {
    lanes: HashMap<K, L>,
    turns: VecDeque<K>,
}

impl<K, L> Default for Ring<K, L> {
    fn default() -> Self {
        Self { lanes: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, L: Lane> Ring<K, L> {
    /// The lane to put something in; a new one has its turn last.
    fn lane(&mut self, key: K) -> &mut L {
        self.lanes.entry(key).or_insert_with(|| {
            self.turns.push_back(key);
            L::default()
        })
    }
}

impl<K: Copy + Eq + Hash, L: Lane> Lane for Ring<K, L> {
    type Item = L::Item;

    fn pop(&mut self) -> Option<L::Item> {
        let key = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let item = lane.pop();
        if lane.is_empty() {
            self.lanes.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        item
    }

    fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

type Connections<V> = Ring<PeerId, VecDeque<(PeerId, V)>>;

/// What waits, by the identity that it names and the connection that brought it. Anybody can name
/// an identity, so its connections take turns, too.
pub(super) struct Queue<V> {
    identities: Ring<IdentityId, Connections<V>>,
    strangers: Connections<V>,
    by_connection: HashMap<PeerId, usize>,
    len: usize,
}

impl<V> Default for Queue<V> {
    fn default() -> Self {
        Self {
            identities: Ring::default(),
            strangers: Ring::default(),
            by_connection: HashMap::new(),
            len: 0,
        }
    }
}

impl<V> Queue<V> {
    /// Puts something behind what waits of the same identity and connection.
    ///
    /// # Errors
    /// The value, if the queue or the connection's part of it is full.
    pub(super) fn push(
        &mut self,
        identity: Option<IdentityId>,
        connection: PeerId,
        value: V,
    ) -> Result<(), V> {
        let count = self.by_connection.get(&connection).copied().unwrap_or_default();
        if self.len >= WAITING || count >= PER_CONNECTION {
            return Err(value);
        }
        self.by_connection.insert(connection, count + 1);
        self.len += 1;
        let connections = match identity {
            Some(identity) => self.identities.lane(identity),
            None => &mut self.strangers,
        };
        connections.lane(connection).push_back((connection, value));
        Ok(())
    }

    /// Takes out what is next.
    pub(super) fn pop(&mut self) -> Option<V> {
        let (connection, value) = self.identities.pop().or_else(|| self.strangers.pop())?;
        self.len -= 1;
        if let Some(count) = self.by_connection.get_mut(&connection) {
            *count -= 1;
            if *count == 0 {
                self.by_connection.remove(&connection);
            }
        }
        Some(value)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOODING: IdentityId = IdentityId::from_bytes([6; 32]);
    const HONEST: IdentityId = IdentityId::from_bytes([7; 32]);

    fn connection(number: u8) -> PeerId {
        PeerId::from_bytes(&[&[0x12, 32], [number; 32].as_slice()].concat()).expect("an id")
    }

    fn all<V>(queue: &mut Queue<V>) -> Vec<V> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    /// Connections 1 to 100 flood under one identity with all they may.
    fn flooded() -> Queue<&'static str> {
        let mut queue = Queue::default();
        for number in 1..=100 {
            for _ in 0..PER_CONNECTION {
                queue.push(Some(FLOODING), connection(number), "flood").expect("room");
            }
        }
        queue
    }

    #[test]
    fn an_identity_that_floods_from_many_connections_delays_another_by_one_check() {
        let mut queue = flooded();
        queue.push(Some(HONEST), connection(200), "honest").expect("room");
        queue.push(Some(HONEST), connection(201), "honest").expect("room");
        assert_eq!(all(&mut queue)[..4], ["flood", "honest", "flood", "honest"]);
    }

    /// Whoever forges names somebody else.
    #[test]
    fn forgeries_of_one_connection_delay_the_identity_that_they_name_by_one_check() {
        let mut queue = Queue::default();
        for _ in 0..PER_CONNECTION {
            queue.push(Some(HONEST), connection(1), "forged").expect("room");
        }
        queue.push(Some(HONEST), connection(2), "honest").expect("room");
        assert_eq!(all(&mut queue)[..2], ["forged", "honest"]);
    }

    #[test]
    fn strangers_come_after_identities_and_take_turns_by_connection() {
        let mut queue = Queue::default();
        for value in ["a", "b", "c"] {
            queue.push(None, connection(1), value).expect("room");
        }
        queue.push(None, connection(2), "other").expect("room");
        queue.push(Some(HONEST), connection(3), "honest").expect("room");
        assert_eq!(all(&mut queue), ["honest", "a", "other", "b", "c"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn one_connection_cannot_take_the_room_of_others_whatever_it_names() {
        let mut queue = Queue::default();
        for number in 0..PER_CONNECTION {
            let named = IdentityId::from_bytes([number as u8; 32]);
            queue.push((number % 2 == 0).then_some(named), connection(1), 0).expect("room");
        }
        assert_eq!(queue.push(Some(HONEST), connection(1), 1), Err(1));
        assert_eq!(queue.push(None, connection(1), 2), Err(2));
        assert_eq!(queue.push(None, connection(2), 3), Ok(()));
        assert!(queue.pop().is_some());
        assert_eq!(queue.push(None, connection(1), 4), Ok(()));
        assert_eq!(all(&mut queue).len(), PER_CONNECTION + 1);
        assert!(queue.by_connection.is_empty() && queue.identities.lanes.is_empty());
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = Queue::default();
        let taken = (0..=u8::MAX).flat_map(|number| [connection(number); PER_CONNECTION]);
        let taken = taken.filter(|peer| queue.push(None, *peer, ()).is_ok()).count();
        assert_eq!(taken, WAITING);
        assert_eq!(queue.push(Some(HONEST), connection(255), ()), Err(()));
    }
}
