//! Signing sessions: who takes part, until when, how they end, and who is at fault (policy §7).
//!
//! The announcer gathers what every signer contributes to a phase and passes it on with the next.
//! So a node judges only whom it is connected to: the announcer its signers, a signer the
//! announcer. What is signed is not looked into.
//!
//! The table stands beside the Gate (`docs/adr/0033-sessions.md`), whose rows of identities it
//! moves by [`Gate::record_session`] alone.

mod blame;
mod course;
mod rules;
mod sessions;
mod step;

pub use sessions::Sessions;
pub use step::*;

use crate::packed::Packed;
use crate::record::{Recorded, Recorder};
use crate::score::Failure;
use crate::storage::Storage;
use crate::{Decision, Gate, IdentityId, List, Outcome, PeerId, PublicKey, SessionId, Timestamp};
use crate::{SessionLimits, size};

/// The Gate whose identities' reputations sessions move, plain or recorded.
pub trait Reputations {
    /// Its memory.
    type Tables: Storage;
    /// What only asks is asked of it.
    fn gate(&self) -> &Gate<Self::Tables>;
    /// [`Gate::record_session`].
    fn record_session(
        &mut self,
        now: Timestamp,
        session: &SessionId,
        subject: &IdentityId,
        counterparty: &IdentityId,
        outcome: Outcome,
    ) -> Decision;
}

macro_rules! reputations {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> Reputations for $type {
            type Tables = S;
            fn gate(&self) -> &Gate<S> {
                self
            }
            fn record_session(
                &mut self,
                now: Timestamp,
                session: &SessionId,
                subject: &IdentityId,
                counterparty: &IdentityId,
                outcome: Outcome,
            ) -> Decision {
                <$type>::record_session(self, now, session, subject, counterparty, outcome)
            }
        }
    };
}

reputations!([S: Storage] Gate<S>);
reputations!([S: Storage, R: Recorder] Recorded<S, R>);

/// Signers of a session, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u16);

impl Set {
    const NONE: Self = Self(0);

    fn bit(signer: u8) -> u16 {
        1u16.checked_shl(signer.into()).unwrap_or(0)
    }

    fn has(self, signer: u8) -> bool {
        self.0 & Self::bit(signer) != 0
    }

    fn add(&mut self, signer: u8) {
        self.0 |= Self::bit(signer);
    }

    fn remove(&mut self, signer: u8) {
        self.0 &= !Self::bit(signer);
    }

    const fn len(self) -> usize {
        self.0.count_ones() as usize
    }
}

/// One signer.
#[derive(Clone, Debug)]
struct Member {
    key: PublicKey,
    /// Its connection, if it is ours.
    peer: Option<PeerId>,
    identity: Option<IdentityId>,
    /// Its slowest contribution, in ms.
    slowest: Packed<3>,
}

/// One session: open, or a memory of one until its row is needed.
#[derive(Clone, Debug)]
pub struct Session {
    id: SessionId,
    members: List<Member, { size::SIGNERS }>,
    announcer: u8,
    /// Which signer we are: none yet where we have not joined.
    own: Option<u8>,
    phase: Phase,
    joined: Set,
    /// Who said that it knows of the phase.
    acknowledged: Set,
    /// Who contributed to the phase, as far as we know.
    contributed: Set,
    /// Whether the announcer has said that it has what we contributed to the phase.
    taken: bool,
    digest: [u8; 32],
    /// When it was announced here.
    opened: Timestamp,
    /// When the phase began.
    since: Timestamp,
    /// The end of the phase. Of a session that is over: until when it keeps the aborter's slot.
    deadline: Timestamp,
    /// The end of the whole.
    end_by: Timestamp,
    end: Option<End>,
    begin_untold: bool,
    end_untold: bool,
}

impl Session {
    /// A row that no session has.
    pub const VACANT: Self = Self {
        id: SessionId::from_bytes([0; 16]),
        members: List::new(),
        announcer: 0,
        own: None,
        phase: Phase::Ended,
        joined: Set::NONE,
        acknowledged: Set::NONE,
        contributed: Set::NONE,
        taken: false,
        digest: [0; 32],
        opened: Timestamp::EPOCH,
        since: Timestamp::EPOCH,
        deadline: Timestamp::EPOCH,
        end_by: Timestamp::EPOCH,
        end: None,
        begin_untold: false,
        end_untold: false,
    };

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// What it is doing.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The signers' keys, in their order.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.members.iter().map(|member| &member.key)
    }

    /// The key of this signer.
    #[must_use]
    pub fn key(&self, signer: u8) -> Option<&PublicKey> {
        self.member(signer).map(|member| &member.key)
    }

    /// The signer of this key.
    #[must_use]
    pub fn signer(&self, key: &PublicKey) -> Option<u8> {
        let found = self.members.iter().position(|member| member.key == *key)?;
        u8::try_from(found).ok()
    }

    /// The peer of this signer, if we are connected to it for this session.
    #[must_use]
    pub fn peer(&self, signer: u8) -> Option<&PeerId> {
        self.member(signer)?.peer.as_ref()
    }

    /// The identity that this signer had when it joined.
    #[must_use]
    pub fn identity(&self, signer: u8) -> Option<&IdentityId> {
        self.member(signer)?.identity.as_ref()
    }

    /// Which signer announced it.
    #[must_use]
    pub const fn announcer(&self) -> u8 {
        self.announcer
    }

    /// Which signer we are; none as long as we have not joined.
    #[must_use]
    pub const fn own(&self) -> Option<u8> {
        self.own
    }

    /// Whether we announced it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.own == Some(self.announcer)
    }

    /// Whether this signer has joined, as far as we know.
    #[must_use]
    pub fn has_joined(&self, signer: u8) -> bool {
        self.joined.has(signer)
    }

    /// Whether this signer has told us that it knows of the phase.
    #[must_use]
    pub fn has_acknowledged(&self, signer: u8) -> bool {
        self.acknowledged.has(signer)
    }

    /// Whether this signer has contributed to the phase, as far as we know.
    #[must_use]
    pub fn has_contributed(&self, signer: u8) -> bool {
        self.contributed.has(signer)
    }

    /// The hash of what is to be signed.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// When it was announced here.
    #[must_use]
    pub const fn opened(&self) -> Timestamp {
        self.opened
    }

    /// The end of its phase. Of a session that is over: until when it keeps the aborter's slot.
    #[must_use]
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// How it ended, if it is over.
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    fn member(&self, signer: u8) -> Option<&Member> {
        self.members.get(usize::from(signer))
    }

    fn member_mut(&mut self, signer: u8) -> Option<&mut Member> {
        self.members.get_mut(usize::from(signer))
    }

    /// Every signer's number.
    fn numbers(&self) -> impl Iterator<Item = u8> + use<> {
        (0..).take(self.members.len())
    }

    /// The signers for which `of` holds.
    fn set(&self, of: impl Fn(u8) -> bool) -> Set {
        let mut set = Set::NONE;
        self.numbers().filter(|signer| of(*signer)).for_each(|signer| set.add(signer));
        set
    }

    /// The signers that a peer is.
    fn signers_of(&self, peer: &PeerId) -> Set {
        self.set(|n| self.peer(n) == Some(peer))
    }

    fn is_open(&self) -> bool {
        self.phase != Phase::Ended
    }

    /// Whether its row is not to be had.
    fn is_taken(&self, now: Timestamp) -> bool {
        self.is_open() || self.deadline > now || self.begin_untold || self.end_untold
    }

    /// Whether somebody takes up a slot with it: strangers are one.
    fn is_slot_of(&self, now: Timestamp, identity: Option<&IdentityId>) -> bool {
        let theirs = |member: &Member| member.identity.as_ref() == identity;
        if self.is_open() {
            // Only whom we are connected to has announced or joined here.
            return self.members.iter().any(|member| member.peer.is_some() && theirs(member));
        }
        let aborter = self.end.and_then(|end| self.member(end.signer?));
        self.deadline > now && aborter.is_some_and(theirs)
    }

    /// When its row and slots are free at the latest.
    fn free_at(&self) -> Timestamp {
        if self.is_open() { self.end_by } else { self.deadline }
    }

    /// The failure that a signer is at fault for.
    const fn failure(cause: Cause) -> Option<Failure> {
        match cause {
            Cause::Completed => None,
            Cause::Timeout => Some(Failure::Timeout),
            Cause::Disconnect => Some(Failure::Disconnect),
            Cause::InvalidSignature => Some(Failure::InvalidSignature),
            Cause::Abort => Some(Failure::Abort),
        }
    }

    /// How long a phase lasts.
    fn length(&self, limits: &SessionLimits, phase: Phase) -> crate::Millis {
        let own = match phase {
            Phase::Nonce => limits.nonce,
            Phase::PartialSignature => limits.partial_signature,
            Phase::Join | Phase::Finish | Phase::Ended => return limits.whole,
        };
        if self.is_ours() { own } else { own.saturating_add(blame::RELAY) }
    }
}

// Beside the 16 KiB of a device's Gate (policy §11).
const _: () = assert!(size_of::<Sessions<[Session; 4]>>() <= 6_600);
