//! What peers say, and who has heard it.

use std::ops::{Index, IndexMut};

use ltms_core::{PeerId, PublicKey, Timestamp};

use super::Number;

/// Whose message it is, for the figures: no rules may look at that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A registered signer's own.
    Honest,
    /// An attacker's.
    Hostile,
    /// An honest node's, in a newer version.
    Newer,
}

/// An advertisement, or bytes that are none.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// The gossip message's publisher.
    pub(crate) publisher: PeerId,
    /// The author's key, and the peer that it names.
    pub(crate) key: PublicKey,
    pub(crate) peer: PeerId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Whether the signature holds. It is checked once, when the message is made; the rules are
    /// told when they pay for a check.
    pub(crate) genuine: bool,
    /// The reputation that it claims for itself. Ours has nowhere to say such a thing.
    pub(crate) claims: u8,
    /// Whether it says what this version does not know.
    pub(crate) newer: bool,
    /// Whether the connected peer sent it, not gossip.
    pub(crate) direct: bool,
    pub(crate) bytes: Vec<u8>,
    /// Peers that have it, of those that pass messages on.
    pub(crate) seen: Peers,
    /// Nodes that listed it, and of these those that did in time, and within a second.
    pub(crate) listed: Peers,
    pub(crate) in_time: Peers,
    pub(crate) soon: Peers,
    /// When it was first sent, if it was.
    pub(crate) sent: Option<Timestamp>,
    /// How many peers there were then: who came later was not sent it.
    pub(crate) peers: Number,
}

/// A set of peers, a bit each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers(Vec<u64>);

impl Peers {
    /// Whether it was not in.
    pub(crate) fn insert(&mut self, peer: Number) -> bool {
        let (word, bit) = (peer as usize / 64, 1 << (peer % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let before = self.0[word];
        self.0[word] |= bit;
        before & bit == 0
    }

    pub(crate) fn remove(&mut self, peer: Number) {
        if let Some(word) = self.0.get_mut(peer as usize / 64) {
            *word &= !(1 << (peer % 64));
        }
    }

    pub(crate) fn contains(&self, peer: Number) -> bool {
        self.0.get(peer as usize / 64).is_some_and(|word| word & (1 << (peer % 64)) != 0)
    }
}

/// All that were ever made.
#[derive(Default)]
pub(crate) struct Messages(Vec<Message>);

impl Messages {
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).expect("fewer than 2^32 messages")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.0.iter()
    }

    pub(crate) fn add(&mut self, message: Message) -> Number {
        let number = self.len();
        self.0.push(message);
        number
    }
}

impl Index<Number> for Messages {
    type Output = Message;

    fn index(&self, number: Number) -> &Message {
        &self.0[number as usize]
    }
}

impl IndexMut<Number> for Messages {
    fn index_mut(&mut self, number: Number) -> &mut Message {
        &mut self.0[number as usize]
    }
}
