//! What a call answered, as it stands in a recording.

use core::fmt;

use minicbor::Encoder;

use super::field::{Field, Put, Sink};
use crate::event::Event;
use crate::gate::{AdTicket, CapacityError, ClaimTicket, LookupTicket};
use crate::snapshot::{Restored, SnapshotError};
use crate::{Decision, Posture, Screening, Timestamp};

/// What a call answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing, or that it is done.
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// A verdict.
    Decision(Decision),
    /// Go on with the ticket of this number.
    Ticket(u64),
    /// There is no room, or nobody of that name.
    Capacity(CapacityError),
    /// Something to be told.
    Event(Event),
}

impl Field for Answer {
    fn put(&self, to: &mut Encoder<Sink<'_>>) -> Put {
        match self {
            Self::Nothing => to.null()?.ok(),
            Self::Flag(flag) => flag.put(to),
            Self::Ticket(number) => number.put(to),
            Self::Decision(Decision { reason, retry_at, .. }) => {
                reason.put(to.array(2)?)?;
                retry_at.put(to)
            }
            Self::Capacity(error) => error.code().put(to.array(1)?),
            Self::Event(event) => event.put(to.array(4)?),
        }
    }
}

/// Always four items, which tells it from the other answers: its kind and up to three more.
impl Field for Event {
    fn put(&self, to: &mut Encoder<Sink<'_>>) -> Put {
        let fields: (u8, &[&dyn Field]) = match self {
            Self::Sanctioned { peer, until, reason } => (1, &[peer, until, reason]),
            Self::Registered(id) => (2, &[id]),
            Self::Suspended(id) => (3, &[id]),
            Self::Resumed(id) => (4, &[id]),
            Self::Rotated(id) => (5, &[id]),
            Self::IdentityBanned { identity, until, reason } => (6, &[identity, until, reason]),
            Self::BreakerOpened { until } => (7, &[until]),
            Self::BreakerClosed => (8, &[]),
            Self::ClockStepped => (9, &[]),
            Self::ProveIdentity { peer, until } => (10, &[peer, until]),
            Self::GroupBanned { group, until } => (11, &[group, until]),
            Self::PostureChanged(posture) => (12, &[posture]),
            Self::Displaced(id) => (13, &[id]),
        };
        fields.0.put(to)?;
        fields.1.iter().try_for_each(|field| field.put(to))?;
        (fields.1.len()..3).try_for_each(|_| to.null()?.ok())
    }
}

/// For people: `accept new`, `ignore too-soon until 1795400060000`, `ticket 3`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Flag(flag) => fmt::Display::fmt(flag, f),
            Self::Decision(Decision { verdict, reason, retry_at }) => {
                write!(f, "{} {reason}", verdict.as_str())?;
                until(f, *retry_at)
            }
            Self::Ticket(number) => write!(f, "ticket {number}"),
            Self::Capacity(error) => fmt::Display::fmt(error, f),
            Self::Event(event) => tell(f, event),
        }
    }
}

fn until(f: &mut fmt::Formatter<'_>, at: Option<Timestamp>) -> fmt::Result {
    at.map_or(Ok(()), |at| write!(f, " until {}", at.as_millis()))
}

fn tell(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
    let end = match event {
        Event::Sanctioned { peer, until, reason } => {
            write!(f, "sanctioned {peer} {reason}")?;
            *until
        }
        Event::IdentityBanned { identity, until, reason } => {
            write!(f, "banned {identity} {reason}")?;
            Some(*until)
        }
        Event::BreakerOpened { until } => {
            f.write_str("breaker open")?;
            Some(*until)
        }
        Event::ProveIdentity { peer, until } => {
            write!(f, "to prove an identity {peer}")?;
            Some(*until)
        }
        Event::GroupBanned { group, until } => {
            write!(f, "banned group {group}")?;
            Some(*until)
        }
        Event::BreakerClosed => return f.write_str("breaker closed"),
        Event::ClockStepped => return f.write_str("clock stepped"),
        Event::PostureChanged(Posture::Normal) => return f.write_str("posture normal"),
        Event::PostureChanged(Posture::Lockdown) => return f.write_str("posture lockdown"),
        Event::PostureChanged(Posture::Guarded) => return f.write_str("posture guarded"),
        Event::Registered(id) => return write!(f, "registered {id}"),
        Event::Suspended(id) => return write!(f, "suspended {id}"),
        Event::Resumed(id) => return write!(f, "resumed {id}"),
        Event::Displaced(id) => return write!(f, "displaced {id}"),
        Event::Rotated(id) => return write!(f, "rotated {id}"),
    };
    until(f, end)
}

/// What the methods of a Gate return.
pub(super) trait Answers {
    /// The answer to write down. A ticket takes the next number with it.
    fn note(&mut self, tickets: &mut u64) -> Answer;
}

/// A number by which a recorded call names the ticket that an earlier one handed out.
trait Numbered {
    fn number(&mut self) -> &mut u64;
}

impl Numbered for AdTicket {
    fn number(&mut self) -> &mut u64 {
        &mut self.number
    }
}

impl Numbered for ClaimTicket {
    fn number(&mut self) -> &mut u64 {
        &mut self.lookup.number
    }
}

impl Numbered for LookupTicket {
    fn number(&mut self) -> &mut u64 {
        &mut self.number
    }
}

impl<T: Numbered> Answers for Screening<T> {
    fn note(&mut self, tickets: &mut u64) -> Answer {
        match self {
            Self::Done(decision) => Answer::Decision(*decision),
            Self::Proceed(ticket) => {
                *tickets = tickets.saturating_add(1);
                *ticket.number() = *tickets;
                Answer::Ticket(*tickets)
            }
        }
    }
}

impl Answers for Decision {
    fn note(&mut self, _: &mut u64) -> Answer {
        Answer::Decision(*self)
    }
}

impl Answers for () {
    fn note(&mut self, _: &mut u64) -> Answer {
        Answer::Nothing
    }
}

impl Answers for bool {
    fn note(&mut self, _: &mut u64) -> Answer {
        Answer::Flag(*self)
    }
}

impl Answers for Result<Restored, SnapshotError> {
    fn note(&mut self, _: &mut u64) -> Answer {
        Answer::Flag(self.is_ok())
    }
}

impl Answers for Option<Event> {
    fn note(&mut self, _: &mut u64) -> Answer {
        self.map_or(Answer::Nothing, Answer::Event)
    }
}

impl Answers for Result<(), CapacityError> {
    fn note(&mut self, _: &mut u64) -> Answer {
        self.map_or_else(Answer::Capacity, |()| Answer::Nothing)
    }
}

impl Answers for Result<(), Decision> {
    fn note(&mut self, _: &mut u64) -> Answer {
        self.map_or_else(Answer::Decision, |()| Answer::Nothing)
    }
}
