//! A recording made true again, call by call.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::answer::Answer;
use super::read::{Read, Reader, Unreadable};
use super::{Call, Recorded, header};
use crate::chain::Header;
use crate::gate::{AdTicket, BlockEvidence, ClaimTicket, LookupTicket, Proof};
use crate::hash::{Seed, sha256};
use crate::identities::EvidenceClass;
use crate::storage::Heap;
use crate::wire::Hello;
use crate::{Capacity, Network, PeerId, Policy, PolicyError, Screening, Signature, Timestamp};

/// Rows that a table of a recording may have: it is memory that somebody else's file asks for.
const MOST_ROWS: u32 = 1 << 20;

/// Why a recording cannot be replayed, or not further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// It does not begin with a recording's header.
    Header,
    /// A format of this number, which this version does not read.
    Format(u8),
    /// The header's policy is not the one that its hash names.
    PolicyHash,
    /// The policy does not make sense.
    Policy(PolicyError),
    /// A table larger than any Gate needs.
    Capacity,
    /// Not a record of this version.
    Record(Unreadable),
    /// No call before this one handed out the ticket of that number.
    Ticket(u64),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("not the header of a recording"),
            Self::Format(found) => {
                write!(f, "recorded in format {found}; this version reads {}", header::FORMAT)
            }
            Self::PolicyHash => f.write_str("the policy is not the one that its hash names"),
            Self::Policy(error) => error.fmt(f),
            Self::Capacity => write!(f, "a table has more than {MOST_ROWS} rows"),
            Self::Record(error) => error.fmt(f),
            Self::Ticket(number) => write!(f, "nothing before hands out ticket {number}"),
        }
    }
}

impl core::error::Error for ReplayError {}

impl From<Unreadable> for ReplayError {
    fn from(error: Unreadable) -> Self {
        Self::Record(error)
    }
}

/// One call, replayed.
#[derive(Clone, Copy, Debug)]
pub struct Step<'b> {
    /// The time that the Gate was given.
    pub now: Timestamp,
    /// The method that was called.
    pub call: Call,
    /// The arguments as they stand in the record: CBOR items, one after another.
    pub arguments: &'b [u8],
    /// What it answered when it was recorded.
    pub recorded: Answer,
    /// What it answers now.
    pub answer: Answer,
}

impl Step<'_> {
    /// Whether the answer is the recorded one.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.recorded == self.answer
    }
}

/// For people: `1795400000000 connected: nothing`, and what it was if it is no longer that.
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.now.as_millis(), self.call.name(), self.answer)?;
        if self.holds() { Ok(()) } else { write!(f, ", recorded: {}", self.recorded) }
    }
}

/// A Gate as it was when a recording began, and the calls that followed.
pub struct Replay {
    gate: Recorded<Heap, Vec<u8>>,
    version: String,
    ads: BTreeMap<u64, AdTicket>,
    claims: BTreeMap<u64, ClaimTicket>,
    lookups: BTreeMap<u64, LookupTicket>,
}

impl Replay {
    /// Makes the Gate that the first record tells of.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn new(header: &[u8]) -> Result<Self, ReplayError> {
        let made = Made::read(header)?;
        if sha256(&[made.policy]) != made.hash {
            return Err(ReplayError::PolicyHash);
        }
        let policy = Policy::get(&mut Reader::new(made.policy, Network::default()));
        let policy = policy.map_err(|_| ReplayError::Header)?;
        policy.validate().map_err(ReplayError::Policy)?;
        if made.capacity.most_rows() > MOST_ROWS {
            return Err(ReplayError::Capacity);
        }
        let gate = Recorded::new(Heap::new(made.capacity), policy, made.seed, Vec::new());
        Ok(Self {
            gate: gate.map_err(ReplayError::Policy)?,
            version: made.version.to_string(),
            ads: BTreeMap::new(),
            claims: BTreeMap::new(),
            lookups: BTreeMap::new(),
        })
    }

    /// The version of this crate that recorded.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The Gate as it stands.
    pub fn gate(&self) -> &crate::Gate<Heap> {
        &self.gate
    }

    /// The last record as this version writes it, the header at first.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        &self.gate.recorder
    }

    /// Makes the call of the next record, whatever it answered then.
    ///
    /// # Errors
    /// [`ReplayError::Record`] if these bytes are not what a recorder writes, and
    /// [`ReplayError::Ticket`].
    pub fn step<'b>(&mut self, record: &'b [u8]) -> Result<Step<'b>, ReplayError> {
        let network = self.gate.policy().network;
        let Parts { call, now, arguments, recorded } = Parts::read(record)?;
        // Where lines were left out, the tickets keep the numbers of the whole recording.
        if let Answer::Ticket(number) = recorded {
            self.gate.tickets = number.saturating_sub(1);
        }
        self.gate.recorder.clear();
        let mut from = Reader::new(arguments, network);
        self.call(call, now, &mut from)?;
        let Parts { recorded: answer, .. } = Parts::read(&self.gate.recorder)?;
        let same = *self.gate.recorder == *record;
        if from.position() != arguments.len() || (answer == recorded) != same {
            return Err(Unreadable.into());
        }
        Ok(Step { now, call, arguments, recorded, answer })
    }

    fn call(
        &mut self,
        call: Call,
        now: Timestamp,
        from: &mut Reader<'_>,
    ) -> Result<(), ReplayError> {
        let gate = &mut self.gate;
        // What it answers is in the record; only tickets are kept.
        fn done<T>(_: T) {}
        match call {
            Call::SetTip => done(gate.set_tip(now, from.get()?, from.get()?)),
            Call::ConfirmTip => gate.confirm_tip(now, from.get()?, from.get()?),
            Call::ScreenConnection => done(gate.screen_connection(now, &from.get()?)),
            Call::Connected => done(gate.connected(now, &from.get()?)),
            Call::Disconnected => gate.disconnected(now, &from.get()?),
            Call::ScreenFrame => {
                done(gate.screen_frame(now, &from.get()?, from.get()?, from.get()?));
            }
            Call::Malformed => done(gate.malformed(now, &from.get()?, from.get()?, from.get()?)),
            Call::ProveIdentity => {
                let source = from.get()?;
                from.array(4)?;
                let verifier: PeerId = from.get()?;
                let challenge: [u8; 32] = from.get()?;
                let hello: Hello = from.get()?;
                let signature: Signature = from.get()?;
                let (verifier, challenge, hello) = (&verifier, &challenge, &hello);
                done(gate.prove_identity(
                    now,
                    &source,
                    &Proof { verifier, challenge, hello, signature },
                ));
            }
            Call::ScreenAd => {
                if let Screening::Proceed(ticket) = gate.screen_ad(now, &from.get()?, &from.get()?)
                {
                    self.ads.insert(ticket.number, ticket);
                }
            }
            Call::SettleAd => {
                let ticket = take(&mut self.ads, from)?;
                done(gate.settle_ad(now, ticket, from.get()?));
            }
            Call::AdmitAd => done(gate.admit_ad(now, &from.get()?, from.get()?)),
            Call::ScreenClaim => {
                let (source, claim) = (from.get()?, from.get()?);
                if let Screening::Proceed(ticket) =
                    gate.screen_claim(now, &source, &claim, from.get()?)
                {
                    self.claims.insert(ticket.lookup.number, ticket);
                }
            }
            Call::SettleClaim => {
                let ticket = take(&mut self.claims, from)?;
                if let Screening::Proceed(ticket) = gate.settle_claim(now, ticket, from.get()?) {
                    self.lookups.insert(ticket.number, ticket);
                }
            }
            Call::ChargeLookup => {
                let number = from.get()?;
                let ticket = self.lookups.get(&number).ok_or(ReplayError::Ticket(number))?;
                done(gate.charge_lookup(now, ticket));
            }
            Call::SettleBurn => {
                let number = from.get()?;
                let ticket = *self.lookups.get(&number).ok_or(ReplayError::Ticket(number))?;
                let found: Option<(Header, EvidenceClass)> = from.get()?;
                let found =
                    found.as_ref().map(|(header, class)| BlockEvidence { header, class: *class });
                done(gate.settle_burn(now, ticket, found.as_ref()));
            }
            Call::RecordSession => done(gate.record_session(
                now,
                &from.get()?,
                &from.get()?,
                &from.get()?,
                from.get()?,
            )),
            Call::Ban => done(gate.ban(now, &from.get()?, from.get()?, from.get()?)),
            Call::Unban => done(gate.unban(now, &from.get()?)),
            Call::Pin => done(gate.pin(now, &from.get()?, from.get()?)),
            Call::HandleTimeout => done(gate.handle_timeout(now)),
            Call::Allow => done(gate.allow(now, &from.get()?, from.get()?)),
            Call::RecordFault => done(gate.record_fault(now, &from.get()?, from.get()?)),
            Call::ChargeSignature => done(gate.charge_signature(now, &from.get()?)),
            Call::Restore => done(gate.restore(now, from.get()?)),
            Call::Guard => gate.guard(now),
            Call::SetLimits => {
                done(gate.set_limits(now, &from.get()?, &from.get()?, from.get()?));
            }
            Call::PollEvent => done(gate.poll_event(now)),
        }
        Ok(())
    }
}

fn take<T>(tickets: &mut BTreeMap<u64, T>, from: &mut Reader<'_>) -> Result<T, ReplayError> {
    let number = from.get()?;
    tickets.remove(&number).ok_or(ReplayError::Ticket(number))
}

/// What every record is made of.
struct Parts<'b> {
    call: Call,
    now: Timestamp,
    arguments: &'b [u8],
    recorded: Answer,
}

impl<'b> Parts<'b> {
    fn read(record: &'b [u8]) -> Result<Self, Unreadable> {
        let mut from = Reader::new(record, Network::default());
        let items = from.items()?.checked_sub(3).ok_or(Unreadable)?;
        let code: u8 = from.get()?;
        let call = Call::ALL.iter().copied().find(|call| call.code() == code);
        let (call, now) = (call.ok_or(Unreadable)?, from.get()?);
        let start = from.position();
        for _ in 0..items {
            from.raw()?;
        }
        let arguments = record.get(start..from.position()).ok_or(Unreadable)?;
        let recorded = from.get()?;
        let whole = from.position() == record.len();
        whole.then_some(Self { call, now, arguments, recorded }).ok_or(Unreadable)
    }
}

/// What the Gate was made of.
struct Made<'b> {
    version: &'b str,
    policy: &'b [u8],
    hash: [u8; 32],
    seed: Seed,
    capacity: Capacity,
}

impl<'b> Made<'b> {
    fn read(header: &'b [u8]) -> Result<Self, ReplayError> {
        let mut from = Reader::new(header, Network::default());
        let format = Self::format(&mut from).map_err(|_| ReplayError::Header)?;
        if format != header::FORMAT {
            return Err(ReplayError::Format(format));
        }
        let made = Self::rest(&mut from).map_err(|_| ReplayError::Header)?;
        if from.position() == header.len() { Ok(made) } else { Err(ReplayError::Header) }
    }

    /// What every version begins with.
    fn format(from: &mut Reader<'b>) -> Result<u8, Unreadable> {
        let items = from.items()?;
        let (name, format) = (from.text()?, from.get()?);
        let good = name == header::NAME && (format != header::FORMAT || items == header::ITEMS);
        if good { Ok(format) } else { Err(Unreadable) }
    }

    fn rest(from: &mut Reader<'b>) -> Result<Self, Unreadable> {
        Ok(Self {
            version: from.text()?,
            policy: from.get()?,
            hash: from.get()?,
            seed: from.get()?,
            capacity: from.get()?,
        })
    }
}
