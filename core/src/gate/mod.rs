//! The Gate: one decision for every message, connection, burn and session.

mod ads;
mod bans;
mod breaker;
mod burns;
mod claim_tickets;
mod claims;
mod clock;
mod connections;
mod directory;
mod faults;
mod fill;
mod hello;
mod judge;
mod limits;
mod listing;
mod operator;
mod peers;
mod ranking;
mod room;
mod sanctions;
mod seats;
mod sessions;
mod slots;
mod standing;
mod timers;
mod tip;

pub use ads::AdTicket;
pub use burns::Registered;
pub use claim_tickets::{BlockEvidence, ClaimTicket, LookupTicket};
pub use connections::{Connection, FrameKind};
pub use directory::{Criteria, Found};
pub use fill::Fill;
pub use hello::Proof;
pub use listing::{Ban, OwnedKey};
pub use operator::CapacityError;
pub use sessions::Outcome;
pub use standing::{Standing, Subject};
pub use tip::Tip;

pub(crate) use self::bans::{automatic_rows, operator_rows};
pub(crate) use self::clock::POSTPONED;
pub(crate) use self::seats::Halves;

use self::breaker::Fuse;
use self::room::KeyRoom;
use self::tip::Doubt;
use crate::bans::BanCounts;
use crate::hash::Seed;
use crate::keys::Channel;
use crate::metrics::Counters;
use crate::peers::PeerRow;
use crate::schnorr;
use crate::snapshot::record;
use crate::storage::{Storage, Tables};
use crate::strangers::Cells;
use crate::{BlockHeight, Bucket, Decision, PeerId, Policy, PolicyError, Posture, PublicKey};
use crate::{Reason, Signature, Timestamp};

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The connected peer that handed it to us, and that pays for it until its signature holds.
    pub peer: PeerId,
    /// The peer that signed the gossip message; `None` where a channel has no such thing.
    pub publisher: Option<PeerId>,
    /// The way it came.
    pub channel: Channel,
}

impl Source {
    /// A direct frame of `peer`.
    #[must_use]
    pub const fn direct(peer: PeerId) -> Self {
        Self { peer, publisher: None, channel: Channel::Direct }
    }

    /// A gossip message that `publisher` signed and `peer` handed to us.
    #[must_use]
    pub const fn gossip(peer: PeerId, publisher: PeerId) -> Self {
        Self { peer, publisher: Some(publisher), channel: Channel::Gossip }
    }

    /// A message of our own, `local` being our peer id. Others are not to be told before
    /// [`Gate::screen_ad`] let it pass, nor its window charged before somebody took it.
    #[must_use]
    pub const fn own(local: PeerId) -> Self {
        Self { peer: local, publisher: None, channel: Channel::Own }
    }

    /// Whether it came by gossip and another peer published it.
    pub(crate) fn is_relayed(&self) -> bool {
        self.channel == Channel::Gossip && !self.is_own()
    }

    /// Whether the connected peer made the message itself, as far as the transport can tell.
    pub(crate) fn is_own(&self) -> bool {
        self.publisher.map_or(self.channel == Channel::Direct, |publisher| publisher == self.peer)
    }
}

/// The result of a signature check that a ticket asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SignatureCheck {
    /// All signatures hold.
    Valid,
    /// The author's signature does not.
    Invalid,
    /// The delegation's signature does not.
    NotDelegated,
}

/// A signature to check: a key, the hash that was signed, and the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key.
    pub key: PublicKey,
    /// The tagged hash.
    pub hash: [u8; 32],
    /// The signature.
    pub signature: Signature,
}

impl Signed {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        schnorr::verify(&self.key, &self.hash, &self.signature)
    }
}

/// What never changes during a Gate's life.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) seed: Seed,
}

/// What belongs to the node as a whole.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) tip: Option<Tip>,
    pub(crate) doubt: Option<Doubt>,
    /// The highest tip that was believed since the last one that had to be confirmed.
    pub(crate) highest: BlockHeight,
    pub(crate) signatures: Bucket,
    pub(crate) headers: Bucket,
    /// The part of `headers` that inbound connections may use.
    pub(crate) inbound_headers: Bucket,
    pub(crate) bans: BanCounts,
    pub(crate) posture: Posture,
    pub(crate) posture_told: bool,
    /// No connection from a banned group has to have proved an identity before this.
    pub(crate) prove_by: Timestamp,
    pub(crate) halves: Halves,
    pub(crate) keys: KeyRoom,
    /// Rows of the key table that strangers have.
    pub(crate) stranger_keys: u32,
    pub(crate) next_sweep: Timestamp,
    /// The latest time given since the clock last stepped back.
    pub(crate) latest: Timestamp,
    /// That the clock stepped forward is not yet told.
    pub(crate) stepped: bool,
    pub(crate) breaker: Fuse,
    pub(crate) counters: Counters,
}

impl Node {
    pub(crate) const NEW: Self = Self {
        tip: None,
        doubt: None,
        highest: BlockHeight::new(0),
        signatures: Bucket::FULL,
        headers: Bucket::FULL,
        inbound_headers: Bucket::FULL,
        bans: BanCounts::ZERO,
        posture: Posture::Normal,
        posture_told: true,
        prove_by: Timestamp::NEVER,
        halves: Halves::EMPTY,
        keys: KeyRoom::EMPTY,
        stranger_keys: 0,
        next_sweep: Timestamp::EPOCH,
        latest: Timestamp::EPOCH,
        stepped: false,
        breaker: Fuse::CLOSED,
        counters: Counters::ZERO,
    };
}

record!(
    Node: tip, doubt, highest, signatures, headers, inbound_headers, posture, next_sweep, latest,
    breaker;
    not bans, posture_told, prove_by, halves, keys, stranger_keys, stepped, counters
);

/// The policy with its state: see the crate's documentation for what it never does.
pub struct Gate<S> {
    pub(crate) storage: S,
    pub(crate) rules: Rules,
    pub(crate) node: Node,
}

/// Everything that a decision works on, borrowed apart.
pub(crate) struct Parts<'a> {
    pub(crate) tables: Tables<'a>,
    pub(crate) rules: &'a Rules,
    pub(crate) node: &'a mut Node,
}

impl<S: Storage> Gate<S> {
    /// A gate with empty tables.
    ///
    /// `seed` should come from the operating system's randomness and stay secret: whoever knows
    /// it can choose ids that collide in the tables.
    ///
    /// # Errors
    /// [`PolicyError`] naming the field, if the policy does not [validate](Policy::validate).
    pub fn new(storage: S, policy: Policy, seed: Seed) -> Result<Self, PolicyError> {
        policy.validate()?;
        let halves = Halves::of(&storage.tables().identities);
        Ok(Self { storage, rules: Rules { policy, seed }, node: Node { halves, ..Node::NEW } })
    }

    /// The policy in force.
    pub const fn policy(&self) -> &Policy {
        &self.rules.policy
    }

    /// The chain's end as last told by [`Gate::set_tip`].
    pub const fn tip(&self) -> Option<Tip> {
        self.node.tip
    }

    /// Takes the tokens of one signature check that no ticket asks for: before a history is
    /// fetched for a message, the signature of whoever made it has to hold.
    ///
    /// # Errors
    /// [`Reason::SignatureBudget`] or [`Reason::NodeBusy`] with the time to try again.
    pub fn charge_signature(&mut self, now: Timestamp, source: &Source) -> Result<(), Decision> {
        let mut parts = self.parts(now);
        parts.take_signature(now, source).map_err(|decision| parts.node.counters.note(decision))
    }

    /// How strangers are treated at present.
    pub const fn posture(&self) -> Posture {
        self.node.posture
    }

    /// The bans of the past cannot be known, as when a store cannot be read: strangers keep one
    /// eighth of their cells for as long as this Gate lives ([`Posture::Guarded`]).
    pub fn guard(&mut self, now: Timestamp) {
        self.parts(now).set_posture(Posture::Guarded);
    }

    /// Everything to work on, after a look at the clock and at what was due.
    pub(crate) fn parts(&mut self, now: Timestamp) -> Parts<'_> {
        let mut parts =
            Parts { tables: self.storage.tables_mut(), rules: &self.rules, node: &mut self.node };
        parts.look_at_clock(now);
        parts.apply_held(now);
        parts
    }
}

impl Parts<'_> {
    pub(crate) fn peer(&mut self, peer: &PeerId) -> Option<&mut PeerRow> {
        self.tables.peers.find_mut(&self.rules.seed, peer)
    }

    /// The strangers' cells in the posture that is in force.
    pub(crate) fn cells(&mut self) -> Cells<'_> {
        Cells {
            cells: self.tables.cells,
            seed: &self.rules.seed,
            policy: &self.rules.policy,
            lockdown: self.node.posture != Posture::Normal,
        }
    }

    /// Takes the tokens of one signature check from the connection and the node.
    pub(crate) fn take_signature(
        &mut self,
        now: Timestamp,
        source: &Source,
    ) -> Result<(), Decision> {
        if source.channel == Channel::Own {
            return Ok(());
        }
        let windows = &self.rules.policy.windows;
        let refuse = |until: crate::NotUntil| Decision::until(Reason::SignatureBudget, until.0);
        let peers = &mut self.tables.peers;
        let Some(place) = peers.find(&self.rules.seed, &source.peer) else {
            return Err(Reason::ConnectionLimit.into());
        };
        let proved = peers.link(place, PeerRow::IDENTITY) != 0;
        let Some(row) = peers.get_mut(place) else {
            return Err(Reason::ConnectionLimit.into());
        };
        let chosen = proved || row.is_outbound();
        row.signatures.peek(windows.signatures, now).map_err(refuse)?;
        let busy = |until: crate::NotUntil| Decision::until(Reason::NodeBusy, until.0);
        let all = windows.node_signatures;
        // Ids that come from ever new places find the last tokens kept for others (ADR 59).
        let most = if chosen { all } else { all.without(windows.reserve) };
        self.node.signatures.peek(most, now).map_err(busy)?;
        self.node.signatures.charge(all, now);
        row.signatures.charge(windows.signatures, now);
        self.node.counters.signature_checks = self.node.counters.signature_checks.saturating_add(1);
        Ok(())
    }

    /// Gives back what an item cost that we asked for and turned out to know.
    pub(crate) fn give_back_known(&mut self, source: &Source) {
        if source.channel == Channel::Directory {
            self.give_back(source, false);
        }
    }

    /// Gives back what a message cost that turned out valid: relaying honest traffic is free.
    pub(crate) fn give_back(&mut self, source: &Source, signature: bool) {
        if source.channel == Channel::Own {
            return;
        }
        let windows = &self.rules.policy.windows;
        if let Some(row) = self.tables.peers.find_mut(&self.rules.seed, &source.peer) {
            row.messages.give_back(windows.connection);
            if signature {
                row.signatures.give_back(windows.signatures);
            }
        }
        if signature {
            self.node.signatures.give_back(windows.node_signatures);
        }
    }
}
