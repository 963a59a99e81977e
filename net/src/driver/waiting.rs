//! Messages that wait for the history of the identity that they name.

use std::collections::HashMap;

use ltms_core::{IdentityId, PeerId, Timestamp};

use super::Message;

/// Messages that may wait in all, at most 10 kB each.
const MESSAGES: usize = 1_024;
/// Messages that may wait of one connection: a history has at most 65.
const PER_CONNECTION: usize = 80;
/// Peers that are asked for one history at a time.
const ASKED: usize = 4;

#[derive(Default)]
struct Queue {
    messages: Vec<Message>,
    asked: Vec<PeerId>,
}

/// The messages by identity.
#[derive(Default)]
pub(super) struct Waiting {
    queues: HashMap<IdentityId, Queue>,
    by_connection: HashMap<PeerId, usize>,
    messages: usize,
}

impl Waiting {
    /// Whether one more message of this connection may wait.
    pub(super) fn has_room(&self, message: &Message) -> bool {
        let own = self.by_connection.get(&message.source.peer).copied().unwrap_or_default();
        self.messages < MESSAGES && own < PER_CONNECTION
    }

    /// Lets a message wait. Says whether its forwarder has not been asked yet, and may be.
    pub(super) fn push(&mut self, id: IdentityId, message: Message) -> bool {
        let peer = message.source.peer;
        self.messages += 1;
        *self.by_connection.entry(peer).or_default() += 1;
        let queue = self.queues.entry(id).or_default();
        queue.messages.push(message);
        let ask = !queue.asked.contains(&peer) && queue.asked.len() < ASKED;
        if ask {
            queue.asked.push(peer);
        }
        ask
    }

    /// Takes out the messages that wait for an identity.
    pub(super) fn take(&mut self, id: &IdentityId) -> Vec<Message> {
        let messages = self.queues.remove(id).unwrap_or_default().messages;
        self.forget(&messages);
        messages
    }

    /// Takes out those of them that may wait no longer.
    pub(super) fn take_late(&mut self, id: &IdentityId, now: Timestamp) -> Vec<Message> {
        let Some(queue) = self.queues.get_mut(id) else { return Vec::new() };
        let late = |message: &mut Message| message.deadline <= now;
        let messages: Vec<_> = queue.messages.extract_if(.., late).collect();
        if queue.messages.is_empty() {
            self.queues.remove(id);
        }
        self.forget(&messages);
        messages
    }

    fn forget(&mut self, messages: &[Message]) {
        self.messages -= messages.len();
        for message in messages {
            let peer = message.source.peer;
            if let Some(count) = self.by_connection.get_mut(&peer) {
                *count -= 1;
                if *count == 0 {
                    self.by_connection.remove(&peer);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ltms_core::Source;

    use super::*;
    use crate::driver::Origin;

    const ID: IdentityId = IdentityId::from_bytes([7; 32]);

    fn message(peer: u8, deadline: u64) -> Message {
        Message {
            source: Source::direct(
                PeerId::from_bytes(&[&[0x12, 32], &[peer; 32][..]].concat()).expect("an id"),
            ),
            envelope: Vec::new(),
            origin: Origin::Pulled { claim: false },
            deadline: Timestamp::from_millis(deadline),
            history_sought: false,
        }
    }

    /// The first may have forged its message and know nothing.
    #[test]
    fn each_of_the_first_forwarders_is_asked_once() {
        let mut waiting = Waiting::default();
        let asked: Vec<_> =
            [1, 1, 2, 3, 4, 5].map(|peer| waiting.push(ID, message(peer, 9))).to_vec();
        assert_eq!(asked, [true, false, true, true, true, false]);
    }

    #[test]
    fn a_message_waits_until_its_own_deadline_whatever_came_first() {
        let mut waiting = Waiting::default();
        waiting.push(ID, message(1, 10));
        waiting.push(ID, message(2, 20));
        let at = Timestamp::from_millis;
        assert_eq!(waiting.take_late(&ID, at(9)).len(), 0);
        let late = waiting.take_late(&ID, at(10));
        assert_eq!((late.len(), late[0].deadline), (1, at(10)));
        assert_eq!(
            (waiting.take(&ID).len(), waiting.messages, waiting.by_connection.len()),
            (1, 0, 0)
        );
    }

    #[test]
    fn one_connection_cannot_take_the_room_of_others() {
        let mut waiting = Waiting::default();
        for n in 0..PER_CONNECTION {
            assert!(waiting.has_room(&message(1, 9)), "{n}");
            waiting.push(IdentityId::from_bytes([n as u8; 32]), message(1, 9));
        }
        assert!(!waiting.has_room(&message(1, 9)) && waiting.has_room(&message(2, 9)));
    }
}
