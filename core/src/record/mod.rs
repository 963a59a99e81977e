//! Every call of a Gate, written down so that any verdict can be replayed (`docs/recording.md`).
//!
//! A recording is a CBOR sequence (RFC 8742): a header with the policy, the seed and the sizes of
//! the tables, then one array for each call with its time, its arguments as they came and its
//! answer. The Gate has no clock, no randomness and no memory but its tables, so the same calls
//! give the same answers.

mod answer;
mod field;
mod header;
#[cfg(feature = "alloc")]
mod read;
#[cfg(feature = "alloc")]
mod replay;

use core::ops::Deref;

pub use self::answer::Answer;
#[cfg(feature = "alloc")]
pub use self::read::{Unreadable, record_len};
#[cfg(feature = "alloc")]
pub use self::replay::{Replay, ReplayError, Step};

pub(crate) use self::field::{Field, Put, Sink, map_fields, write};
#[cfg(feature = "alloc")]
pub(crate) use self::read::{Read, Reader};

use self::answer::Answers;
use crate::event::Event;
use crate::gate::{
    AdTicket, BlockEvidence, CapacityError, ClaimTicket, Connection, FrameKind, Gate, LookupTicket,
    Outcome, Proof, SignatureCheck, Source, Subject, Tip,
};
use crate::hash::Seed;
use crate::snapshot::{Restored, SnapshotError, StoredRow, unseal};
use crate::storage::Storage;
use crate::wire::{AdHeader, BurnClaim};
use crate::{BlockHeight, Decision, Enforce, IdentityId, PeerId, Policy, PolicyError, Reason};
use crate::{Screening, SessionId, Signature, Timestamp, Windows};

/// Where a recording goes. Nothing is returned: a recorder that fails keeps that to itself, stops,
/// and tells whoever made it.
pub trait Recorder {
    /// Takes the next bytes of a record. What a call is given comes before the call is made.
    fn write(&mut self, bytes: &[u8]);

    /// The record is complete.
    fn end(&mut self);

    /// Whether anything is wanted. While it is not, nothing is encoded.
    fn is_on(&self) -> bool {
        true
    }
}

/// Records nothing.
impl Recorder for () {
    fn write(&mut self, _: &[u8]) {}
    fn end(&mut self) {}
    fn is_on(&self) -> bool {
        false
    }
}

/// Records if there is a recorder.
impl<R: Recorder> Recorder for Option<R> {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(recorder) = self {
            recorder.write(bytes);
        }
    }
    fn end(&mut self) {
        if let Some(recorder) = self {
            recorder.end();
        }
    }
    fn is_on(&self) -> bool {
        self.as_ref().is_some_and(Recorder::is_on)
    }
}

/// The plain sequence, in memory.
#[cfg(feature = "alloc")]
impl Recorder for alloc::vec::Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn end(&mut self) {}
}

/// A [`Gate`] of which every call is recorded. What only asks is asked of the Gate itself; what
/// changes it has the same name here.
pub struct Recorded<S, R> {
    gate: Gate<S>,
    recorder: R,
    /// The number of the last ticket that was handed out.
    tickets: u64,
}

impl<S: Storage, R: Recorder> Recorded<S, R> {
    /// A gate with empty tables, and a recorder that is given the header at once. The tables have
    /// to be empty: what was in them before is not in the recording.
    ///
    /// The header has the seed: who reads the recording can choose ids that collide in *this*
    /// gate's tables, so it is not for others as long as the gate lives.
    ///
    /// # Errors
    /// As [`Gate::new`].
    pub fn new(
        mut storage: S,
        policy: Policy,
        seed: Seed,
        mut recorder: R,
    ) -> Result<Self, PolicyError> {
        let capacity = storage.tables_mut().capacity();
        let gate = Gate::new(storage, policy, seed)?;
        if recorder.is_on() {
            header::write(&policy, &seed, &capacity, &mut |bytes| recorder.write(bytes));
            recorder.end();
        }
        Ok(Self { gate, recorder, tickets: 0 })
    }

    /// The recorder.
    pub const fn recorder(&mut self) -> &mut R {
        &mut self.recorder
    }

    /// [`Gate::restore_sealed`], of which what was under the seal is recorded, and not the key.
    ///
    /// # Errors
    /// As that.
    pub fn restore_sealed(
        &mut self,
        now: Timestamp,
        key: &[u8; 32],
        at_least: u64,
        bytes: &[u8],
    ) -> Result<Restored, SnapshotError> {
        let (counter, snapshot) = unseal(key, at_least, bytes)?;
        let restored = self.restore(now, snapshot)?;
        Ok(Restored { counter: Some(counter), ..restored })
    }

    /// [`Gate::has_changes`], which is not recorded.
    pub fn has_changes(&mut self) -> bool {
        self.gate.has_changes()
    }

    /// [`Gate::take_rows`], which decides nothing and is not recorded.
    pub fn take_rows(&mut self, all: bool, each: impl FnMut(StoredRow<'_>)) {
        self.gate.take_rows(all, each);
    }

    /// Writes what a call is given.
    fn begin(&mut self, call: Call, now: Timestamp, arguments: &[&dyn Field]) {
        if !self.recorder.is_on() {
            return;
        }
        field::write(&mut |bytes| self.recorder.write(bytes), |to| {
            let items = u64::try_from(arguments.len()).unwrap_or(u64::MAX).saturating_add(3);
            to.array(items)?.u8(call.code())?;
            now.put(to)?;
            arguments.iter().try_for_each(|argument| argument.put(to))
        });
    }

    /// Writes what it answered.
    fn finish(&mut self, answer: &mut dyn Answers) {
        let answer = answer.note(&mut self.tickets);
        if self.recorder.is_on() {
            field::write(&mut |bytes| self.recorder.write(bytes), |to| answer.put(to));
            self.recorder.end();
        }
    }
}

impl<S, R> Deref for Recorded<S, R> {
    type Target = Gate<S>;
    fn deref(&self) -> &Gate<S> {
        &self.gate
    }
}

/// One line for each method of [`Gate`] that changes it (a test looks for others): its number in a
/// recording, which is never used again, and its signature without the time, which is always first.
macro_rules! calls {
    ($($code:literal $call:ident $method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// A method of [`Gate`] that changes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Call {
            $(#[doc = concat!("[`Gate::", stringify!($method), "`].")] $call = $code,)*
        }

        impl Call {
            /// Every call.
            pub const ALL: &'static [Self] = &[$(Self::$call),*];

            /// Its number in a recording.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The method's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$call => stringify!($method),)* }
            }
        }

        impl<S: Storage, R: Recorder> Recorded<S, R> {
            $(
                #[doc = concat!("[`Gate::", stringify!($method), "`], recorded.")]
                #[allow(clippy::missing_errors_doc, clippy::let_unit_value)]
                pub fn $method(&mut self, now: Timestamp, $($name: $type),*) -> $answer {
                    self.begin(Call::$call, now, &[$(&$name),*]);
                    let mut answer = self.gate.$method(now, $($name),*);
                    self.finish(&mut answer);
                    answer
                }
            )*
        }
    };
}

calls! {
    1 SetTip set_tip(tip: Tip, fork: BlockHeight) -> Decision;
    2 ConfirmTip confirm_tip(tip: Tip, fork: BlockHeight) -> ();
    3 ScreenConnection screen_connection(connection: &Connection) -> Decision;
    4 Connected connected(connection: &Connection) -> Result<(), CapacityError>;
    5 Disconnected disconnected(peer: &PeerId) -> ();
    6 ScreenFrame screen_frame(source: &Source, kind: FrameKind, len: usize) -> Decision;
    7 Malformed malformed(source: &Source, reason: Reason, frame: &[u8]) -> Decision;
    8 ProveIdentity prove_identity(source: &Source, proof: &Proof<'_>) -> Decision;
    9 ScreenAd screen_ad(source: &Source, ad: &AdHeader<'_>) -> Screening<AdTicket>;
    10 SettleAd settle_ad(ticket: AdTicket, check: SignatureCheck) -> Decision;
    11 AdmitAd admit_ad(source: &Source, envelope: &[u8]) -> Decision;
    12 ScreenClaim screen_claim(source: &Source, claim: &BurnClaim<'_>, signature: Signature)
        -> Screening<ClaimTicket>;
    13 SettleClaim settle_claim(ticket: ClaimTicket, check: SignatureCheck)
        -> Screening<LookupTicket>;
    14 ChargeLookup charge_lookup(ticket: &LookupTicket) -> Result<(), Decision>;
    15 SettleBurn settle_burn(ticket: LookupTicket, found: Option<&BlockEvidence<'_>>) -> Decision;
    16 RecordSession record_session(
        session: &SessionId, subject: &IdentityId, counterparty: &IdentityId, outcome: Outcome
    ) -> Decision;
    17 Ban ban(subject: &Subject, until: Option<Timestamp>, reason: Reason)
        -> Result<(), CapacityError>;
    18 Unban unban(subject: &Subject) -> bool;
    19 Pin pin(id: &IdentityId, pinned: bool) -> bool;
    20 HandleTimeout handle_timeout() -> bool;
    21 PollEvent poll_event() -> Option<Event>;
    22 Allow allow(peer: &PeerId, allowed: bool) -> Result<(), CapacityError>;
    23 RecordFault record_fault(identity: &IdentityId, fault: Reason) -> Decision;
    24 ChargeSignature charge_signature(source: &Source) -> Result<(), Decision>;
    25 Restore restore(snapshot: &[u8]) -> Result<Restored, SnapshotError>;
    26 Guard guard() -> ();
    40 SetLimits set_limits(windows: &Windows, enforce: &Enforce, local_envelope: u32) -> bool;
}
