//! What a node does with a message that has come, and what it holds back meanwhile.

use std::collections::{BTreeMap, HashMap};

use ltms_core::{Millis, Timestamp};

use super::{Happening, Lab, Number, Relay};
use crate::rules::{Arrival, Taken};

/// How long a node holds a message that came by itself, and one that it asked for, as net does.
const HOLD: Millis = Millis::from_secs(4);
const HOLD_ASKED: Millis = Millis::from_secs(30);
/// Messages that a node holds at most, and those of one connection.
const HELD: u16 = 1_024;
const HELD_OF_ONE: u16 = 80;

/// A message that waits for room in a budget.
#[derive(Clone, Copy)]
struct Waiting {
    from: Number,
    to: Number,
    message: Number,
    was_asked_for: bool,
    until: Timestamp,
}

/// All that wait, of all nodes.
#[derive(Default)]
pub(super) struct Held {
    waiting: BTreeMap<Number, Waiting>,
    last: Number,
    of_node: HashMap<Number, u16>,
    of_link: HashMap<(Number, Number), u16>,
}

impl Held {
    /// How many a node holds.
    fn of(&self, node: Number) -> u64 {
        self.of_node.get(&node).map_or(0, |count| u64::from(*count))
    }

    /// The number of what waits from now on, if there is room.
    fn add(&mut self, what: Waiting) -> Option<Number> {
        let node = self.of_node.entry(what.to).or_default();
        let link = self.of_link.entry((what.to, what.from)).or_default();
        if *node >= HELD || *link >= HELD_OF_ONE {
            return None;
        }
        (*node, *link, self.last) = (*node + 1, *link + 1, self.last + 1);
        self.waiting.insert(self.last, what);
        Some(self.last)
    }

    fn remove(&mut self, number: Number) -> Option<Waiting> {
        let what = self.waiting.remove(&number)?;
        let link = (what.to, what.from);
        *self.of_node.get_mut(&what.to)? -= 1;
        let of_link = self.of_link.get_mut(&link)?;
        *of_link -= 1;
        if *of_link == 0 {
            self.of_link.remove(&link);
        }
        Some(what)
    }
}

impl Lab {
    pub(super) fn arrive(&mut self, from: Number, to: Number, number: Number) {
        let parted = !self.calm && self.split.is_some_and(|side| side(from) != side(to));
        if parted || !self.links(to).contains(from) {
            return;
        }
        match self.relay(to) {
            Relay::Silent => {}
            Relay::Fast => {
                if self.messages[number].seen.insert(to) {
                    self.pass_on(to, from, number);
                }
            }
            Relay::Rules => {
                let (now, id) = (self.now, self.peer(from).id);
                let hostile = self.peer(from).rules.is_none();
                let peer = self.peer(to);
                let local = peer.clock(now);
                peer.minute.brought.insert(from);
                let Some(rules) = &mut peer.rules else { return };
                let cut_off = rules.is_cut_off(local, &id);
                // Nothing that is cut off counts as seen: another may bring it.
                if self.messages[number].seen.contains(to) || cut_off {
                    return;
                }
                self.messages[number].seen.insert(to);
                self.tally.heard += u64::from(hostile);
                self.judge(from, to, number, false);
            }
        }
    }

    /// A node judges a message for the first time.
    pub(super) fn judge(&mut self, from: Number, to: Number, message: Number, asked: bool) {
        let longest = if asked { HOLD_ASKED } else { HOLD };
        let until = self.now.saturating_add(longest);
        let what = Waiting { from, to, message, was_asked_for: asked, until };
        self.take(what, false);
    }

    /// A node judges a message that it held back.
    pub(super) fn retry(&mut self, number: Number) {
        if let Some(what) = self.held.remove(number) {
            self.take(what, true);
        }
    }

    fn take(&mut self, what: Waiting, was_held: bool) {
        let Waiting { from, to, message: number, was_asked_for, until } = what;
        let (now, id) = (self.now, self.peer(from).id);
        let (peer, message) = (&mut self.peers[to as usize], &mut self.messages[number]);
        let local = peer.clock(now);
        let Some(rules) = &mut peer.rules else { return };
        let taken = rules.take(local, &Arrival { from: id, message, was_asked_for, was_held });
        if let Taken::Later(opens) = taken {
            // By the true time, and in its turn.
            let wait = opens.since(local).get() + self.held.of(to);
            let at = now.saturating_add(Millis::new(wait));
            let number = if at <= until { self.held.add(what) } else { None };
            if let Some(number) = number {
                self.queue.plan(at, Happening::Retry(number));
            }
            return;
        }
        peer.minute.accepted += u32::from(taken == Taken::Listed && !was_asked_for);
        self.tally.taken(message, to, taken, now);
        // What is read is not passed on.
        if was_asked_for {
            return;
        }
        self.end_sanctioned(to);
        if taken != Taken::Dropped {
            self.pass_on(to, from, number);
        }
    }

    /// Whoever was sanctioned is disconnected.
    pub(super) fn end_sanctioned(&mut self, node: Number) {
        let (now, rules) = self.rules(node);
        let sanctioned = rules.sanctioned(now);
        if sanctioned.is_empty() {
            return;
        }
        let links: Vec<_> = self.links(node).iter().collect();
        for other in links {
            let peer = &self.peers[other as usize];
            if sanctioned.contains(&peer.id) {
                self.tally.sanctioned(peer.rules.is_some());
                self.disconnect(node, other);
            }
        }
    }

    fn pass_on(&mut self, by: Number, from: Number, message: Number) {
        if self.degree > 0 && self.relay(by) == Relay::Rules {
            return self.gossip(by, from, message);
        }
        let links: Vec<_> = self.links(by).iter().filter(|to| *to != from).collect();
        for to in links {
            self.send(by, to, message);
        }
    }
}
