//! What waits for a time: messages held back and connections cut off.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use libp2p::PeerId;
use ltms_core::{Decision, IdentityId, LookupTicket, PublicKey, Reason, Timestamp};
use tokio::time::Instant;

use super::{Driver, Message};
use crate::{clock::Clock, door::is_served};

/// Messages that may be held back; on top of them the newcomer is refused.
const HELD: usize = 1_024;

/// Of one connection: as many as wait for histories.
const HELD_OF_ONE: usize = 80;

/// A message that is held back.
pub(super) enum Held {
    /// Before its signatures are checked.
    Message(Box<Message>),
    /// A claim before its block's header is asked for.
    LookUp(Box<(LookupTicket, Message)>),
}

impl Held {
    pub(super) const fn message(&self) -> &Message {
        match self {
            Self::Message(message) => message,
            Self::LookUp(held) => &held.1,
        }
    }

    pub(super) fn into_message(self) -> Message {
        match self {
            Self::Message(message) => *message,
            Self::LookUp(held) => held.1,
        }
    }
}

/// What to do when its time has come.
enum Due {
    Readmit(PeerId),
    Retry(Held),
    TakeIn(PeerId),
    GiveUp(IdentityId),
    Renew(PublicKey),
}

struct Entry {
    at: Reverse<Timestamp>,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

/// Deadlines, earliest first.
#[derive(Default)]
pub(super) struct Timers {
    entries: BinaryHeap<Entry>,
    held: usize,
    held_of: HashMap<ltms_core::PeerId, usize>,
    /// Until when each connection is cut off.
    throttled: HashMap<PeerId, Timestamp>,
    sweep: Timestamp,
}

impl Timers {
    /// Notes that a connection is cut off until then. False if it is already, for as long.
    pub(super) fn readmit(&mut self, at: Timestamp, peer: PeerId) -> bool {
        let until = self.throttled.entry(peer).or_default();
        let longer = at > *until;
        if longer {
            *until = at;
            self.push(at, Due::Readmit(peer));
        }
        longer
    }

    /// The Gate wants to be asked then, or earlier.
    pub(super) fn wake(&mut self, at: Timestamp) {
        self.sweep = self.sweep.min(at);
    }

    /// Whether a connection is cut off.
    pub(super) fn is_throttled(&self, peer: &PeerId) -> bool {
        self.throttled.contains_key(peer)
    }

    /// Forgets a peer that is read again, or whose last connection is gone.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.throttled.remove(peer);
    }

    pub(super) fn give_up(&mut self, at: Timestamp, id: IdentityId) {
        self.push(at, Due::GiveUp(id));
    }

    /// There is room for more of this peer's answers then.
    pub(super) fn take_in(&mut self, at: Timestamp, peer: PeerId) {
        self.push(at, Due::TakeIn(peer));
    }

    /// An offer of ours has to be signed anew then.
    pub(super) fn renew(&mut self, at: Timestamp, key: PublicKey) {
        self.push(at, Due::Renew(key));
    }

    /// How many messages are held back.
    pub(super) const fn held(&self) -> u64 {
        self.held as u64
    }

    /// How many of this connection.
    pub(super) fn held_of(&self, peer: &ltms_core::PeerId) -> u64 {
        self.held_of.get(peer).map_or(0, |count| *count as u64)
    }

    /// Holds a message back until a time; gives it back if too many are held, or of its connection.
    pub(super) fn hold(&mut self, at: Timestamp, held: Held) -> Result<(), Held> {
        let peer = held.message().source.peer;
        let of_one = self.held_of.get(&peer).copied().unwrap_or_default();
        if self.held >= HELD || of_one >= HELD_OF_ONE {
            return Err(held);
        }
        self.held_of.insert(peer, of_one + 1);
        self.held += 1;
        self.push(at, Due::Retry(held));
        Ok(())
    }

    fn push(&mut self, at: Timestamp, due: Due) {
        self.entries.push(Entry { at: Reverse(at), due });
    }

    /// Ends when something is due, looking at the clock at least every second, because a clock
    /// may be stepped.
    pub(super) async fn due(&self, clock: &Clock) {
        let next = self.entries.peek().map_or(self.sweep, |entry| entry.at.0.min(self.sweep));
        let wait = Duration::from_millis(next.since(clock.now()).get());
        tokio::time::sleep_until(Instant::now() + wait.min(Duration::from_secs(1))).await;
    }

    fn pop(&mut self, now: Timestamp) -> Option<Due> {
        if self.entries.peek()?.at.0 > now {
            return None;
        }
        let due = self.entries.pop()?.due;
        if let Due::Retry(held) = &due {
            self.held -= 1;
            let peer = held.message().source.peer;
            if let Some(count) = self.held_of.get_mut(&peer) {
                *count -= 1;
                if *count == 0 {
                    self.held_of.remove(&peer);
                }
            }
        }
        Some(due)
    }
}

impl Driver {
    pub(super) fn on_timers(&mut self) {
        let now = self.now();
        while let Some(due) = self.timers.pop(now) {
            match due {
                Due::Readmit(peer) if self.timers.throttled.get(&peer) > Some(&now) => {
                    // It was cut off for longer since.
                }
                Due::Readmit(peer) => self.readmit(&peer),
                Due::Retry(held) => match held {
                    Held::Message(message) => self.admit(*message),
                    Held::LookUp(held) => self.look_up(held.0, held.1),
                },
                Due::TakeIn(peer) => self.take_in(peer),
                Due::Renew(key) => self.renew(key),
                Due::GiveUp(id) => {
                    for message in self.waiting.take_late(&id, now) {
                        let known = self.gate().identity(&id).is_some();
                        let decision = Decision::new(match known {
                            true => Reason::NeedHistory,
                            false => Reason::UnknownIdentity,
                        });
                        self.finish(message.origin, &message.source, decision);
                    }
                }
            }
        }
        if self.gate().poll_timeout() <= now && self.gate().handle_timeout(now) {
            let gate = &self.swarm.behaviour().connections.door.gate;
            self.envelopes.retain(
                |key, kind| is_served(gate, now, key, kind),
                |id| gate.identity(id).is_some(),
            );
            let swept = self.sweep_records();
            tracing::debug!(swept, "swept");
        }
        let sessions = self.sweep_sessions();
        self.timers.sweep = self.gate().poll_timeout().min(sessions);
    }
}
