//! An envelope's way: screened, checked by a worker, settled, kept, told.

use ltms_core::{
    Decision, IdentityId, LookupTicket, Millis, Reason, Screening,
    wire::{AdHeader, BurnClaim, Envelope, Kind},
};

use tokio::sync::oneshot;

use super::{Asked, Driver, Message, Origin, timers::Held};
use crate::{
    behaviour::streams::Request,
    door::{Gate, net_peer},
    handle::NodeEvent,
    verify::{Checked, Ticket},
};

/// How long a message that came unasked may be held back: gossipsub forgets it after ten
/// heartbeats (policy §8).
pub(super) const HOLD: Millis = Millis::from_secs(4);
/// How long one that we asked for may be held back.
pub(super) const HOLD_PULLED: Millis = Millis::from_secs(30);

impl Driver {
    /// Takes an envelope through the Gate.
    pub(super) fn admit(&mut self, message: Message) {
        match Envelope::decode(&message.envelope) {
            Ok(Envelope { kind: Kind::Advertisement | Kind::Withdrawal, .. }) => {
                self.admit_ad(message)
            }
            Ok(Envelope { kind: Kind::Registration | Kind::Rotation | Kind::Credit, .. }) => {
                self.admit_claim(message);
            }
            Ok(_) => {
                self.finish(message.origin, &message.source, Decision::new(Reason::Unsupported))
            }
            Err(error) => self.unreadable(message, error.reason()),
        }
    }

    fn unreadable(&mut self, message: Message, reason: Reason) {
        let now = self.now();
        let decision = self.gate().malformed(now, &message.source, reason, &message.envelope);
        self.finish(message.origin, &message.source, decision);
    }

    fn admit_ad(&mut self, message: Message) {
        let now = self.now();
        let header = match AdHeader::read(self.network, &message.envelope) {
            Ok(header) => header,
            Err(error) => return self.unreadable(message, error.reason()),
        };
        let gate: &mut Gate = &mut self.swarm.behaviour_mut().connections.door.gate;
        let wanted = header.authority.map(|authority| authority.identity);
        match gate.screen_ad(now, &message.source, &header) {
            Screening::Proceed(ticket) => self.submit(Ticket::Ad(Box::new(ticket)), message),
            Screening::Done(decision) => match (decision.reason, wanted) {
                (Reason::SignatureBudget | Reason::NodeBusy, _) => self.hold(message, decision),
                (Reason::UnknownIdentity | Reason::NeedHistory, Some(id)) => {
                    self.wait_for_history(id, message, decision);
                }
                _ => self.finish(message.origin, &message.source, decision),
            },
        }
    }

    fn admit_claim(&mut self, message: Message) {
        let now = self.now();
        let (claim, signature) = match BurnClaim::read(&message.envelope) {
            Ok(read) => read,
            Err(error) => return self.unreadable(message, error.reason()),
        };
        let gate: &mut Gate = &mut self.swarm.behaviour_mut().connections.door.gate;
        let wanted = match &claim {
            BurnClaim::Rotation(claim) => Some(claim.identity),
            BurnClaim::Credit(claim) => Some(claim.identity),
            _ => None,
        };
        let pulled = matches!(message.origin, Origin::Pulled { .. });
        match gate.screen_claim(now, &message.source, &claim, signature) {
            Screening::Proceed(ticket) => self.submit(Ticket::Claim(Box::new(ticket)), message),
            Screening::Done(decision) => match (decision.reason, wanted) {
                (Reason::SignatureBudget | Reason::NodeBusy, _) => self.hold(message, decision),
                // What we asked for comes in its order: what would help came before it, or never.
                (Reason::UnknownIdentity | Reason::NeedHistory, Some(id)) if !pulled => {
                    self.wait_for_history(id, message, decision);
                }
                _ => self.finish(message.origin, &message.source, decision),
            },
        }
    }

    fn submit(&mut self, ticket: Ticket, message: Message) {
        let connection = message.source.peer;
        if let Err(message) = self.workers.submit(ticket, connection, message) {
            let soon = self.now().saturating_add(Millis::from_secs(1));
            self.hold(message, Decision::until(Reason::NodeBusy, soon));
        }
    }

    /// Holds a message back until a budget has room again, if that is soon enough. The budget says
    /// something about the node and the connection, nothing about the message; and gossipsub
    /// would show us no other copy.
    pub(super) fn hold(&mut self, message: Message, decision: Decision) {
        // Only for what the connection itself has spent; the node's budget is not its fault.
        if let (Origin::Gossip { from, .. }, Some(until), Reason::SignatureBudget) =
            (&message.origin, decision.retry_at, decision.reason)
        {
            self.throttle(*from, until);
        }
        let decision = self.queued(&message.source.peer, decision);
        self.hold_until(Held::Message(Box::new(message)), decision);
    }

    /// Who waits before has the tokens before: tried all at once, each would be judged in vain for
    /// each token that comes back.
    fn queued(&mut self, peer: &ltms_core::PeerId, decision: Decision) -> Decision {
        let windows = self.gate().policy().windows;
        let (quota, before) = match decision.reason {
            Reason::NodeBusy => (windows.node_signatures, self.timers.held()),
            _ => (windows.signatures, self.timers.held_of(peer)),
        };
        let wait = Millis::new(quota.interval_us.saturating_mul(before) / 1000);
        let retry_at = decision.retry_at.map(|at| at.saturating_add(wait));
        Decision { retry_at, ..decision }
    }

    /// Holds a claim back until its relay has a look-up of a header again: its signature held, and
    /// gossipsub would show us no other copy. If that is later than gossipsub can wait, the claim
    /// is not passed on, but still judged.
    pub(super) fn hold_lookup(
        &mut self,
        ticket: LookupTicket,
        mut message: Message,
        decision: Decision,
    ) {
        let late = decision.retry_at.is_some_and(|at| at > message.deadline);
        if late && matches!(message.origin, Origin::Gossip { .. }) {
            let origin = std::mem::replace(&mut message.origin, Origin::Nobody);
            self.finish(origin, &message.source, decision);
            message.deadline = self.now().saturating_add(HOLD_PULLED);
        }
        self.hold_until(Held::LookUp(Box::new((ticket, message))), decision);
    }

    fn hold_until(&mut self, held: Held, decision: Decision) {
        let deadline = held.message().deadline;
        let held = match decision.retry_at.filter(|at| *at <= deadline) {
            Some(at) => self.timers.hold(at, held),
            None => Err(held),
        };
        if let Err(held) = held {
            let message = held.into_message();
            self.finish(message.origin, &message.source, decision);
        }
    }

    /// Asks whoever handed the message over for the history of its identity, and judges the
    /// message again whenever the identity is registered or rotated meanwhile.
    ///
    /// Each forwarder is asked, not only the first: a forged message may come before the honest
    /// ones, and its sender knows nothing.
    fn wait_for_history(&mut self, id: IdentityId, mut message: Message, decision: Decision) {
        let forwarder = net_peer(&message.source.peer).filter(|peer| self.is_connected(peer));
        let sought = matches!(message.origin, Origin::Sought(_));
        let in_time = message.deadline > self.now();
        let room = self.waiting.has_room(&message) && (sought || forwarder.is_some());
        if !(room && in_time) {
            return self.finish(message.origin, &message.source, decision);
        }
        let first_time = !std::mem::replace(&mut message.history_sought, true);
        self.timers.give_up(message.deadline, id);
        if !self.waiting.push(id, message) || !first_time {
            return;
        }
        if sought {
            // We asked for it, and who stores a DHT record is mostly not connected.
            let (reply, _) = oneshot::channel();
            self.ask_histories(id, forwarder, reply);
        } else if let Some(peer) = forwarder {
            self.ask(&peer, Request::History(id), Asked::History);
        }
    }

    /// Goes on with a ticket that a worker has checked.
    pub(super) fn on_checked(&mut self, checked: Checked<Message>) {
        let Checked { ticket, check, note: message } = checked;
        let now = self.now();
        match ticket {
            Ticket::Ad(ticket) => {
                let decision = self.gate().settle_ad(now, *ticket, check);
                self.keep(&message, decision);
                self.finish(message.origin, &message.source, decision);
            }
            Ticket::Claim(ticket) => match self.gate().settle_claim(now, *ticket, check) {
                Screening::Proceed(ticket) => self.look_up(ticket, message),
                Screening::Done(decision) => self.finish(message.origin, &message.source, decision),
            },
        }
    }

    /// Keeps the bytes of an advertisement that was accepted as new, to serve them.
    pub(super) fn keep(&mut self, message: &Message, decision: Decision) {
        if decision.reason != Reason::New {
            return;
        }
        if let Some(peer) = net_peer(&message.source.peer) {
            self.swarm.behaviour_mut().connections.note_delivery(&peer);
        }
        let Ok(header) = AdHeader::read(self.network, &message.envelope) else { return };
        let identity = header.authority.map(|authority| authority.identity);
        let key = header.author;
        if header.kind == Kind::Withdrawal {
            self.envelopes.put_withdrawal(key, identity, message.envelope.clone());
            self.drop_record(&key);
            self.tell(NodeEvent::Withdrawn(key));
        } else {
            self.envelopes.put_ad(key, identity, message.envelope.clone());
            self.tell_searches(&key);
            self.tell(NodeEvent::Advertised { key, identity });
        }
    }
}
