//! Four ways to decide whom a node listens to, behind one trait.

mod oldest;
mod ours;
mod scores;
mod sdk;

use ltms_core::{Connection, PeerId, PublicKey, Timestamp};

use crate::lab::Message;
use crate::lab::field::Signer;
use crate::made::Claim;

/// A message as it reaches a node.
pub(crate) struct Arrival<'a> {
    /// The connected peer that brought it.
    pub(crate) from: PeerId,
    pub(crate) message: &'a Message,
}

/// What a node did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Kept in the directory and passed on.
    Listed,
    /// Passed on only.
    PassedOn,
    /// Neither.
    Dropped,
}

/// A node's rules.
pub(crate) trait Rules {
    /// Whether a connection is let in; it is open then.
    fn connect(&mut self, now: Timestamp, connection: &Connection) -> bool;

    /// A connection of the peer ended.
    fn disconnect(&mut self, now: Timestamp, peer: &PeerId);

    /// Whether what this connected peer brings is not even looked at, so that another may bring it.
    fn is_cut_off(&mut self, now: Timestamp, peer: &PeerId) -> bool;

    /// Judges a message.
    fn take(&mut self, now: Timestamp, arrival: &Arrival<'_>) -> Taken;

    /// Peers to disconnect now.
    fn sanctioned(&mut self, now: Timestamp) -> Vec<PeerId>;

    /// Looks after its timers.
    fn tick(&mut self, now: Timestamp);

    /// An identity was burned. Rules without identities do nothing.
    fn learn(&mut self, now: Timestamp, claim: &Claim);

    /// A connected peer proves that it is this signer. Rules without identities ask for no proof.
    fn prove(&mut self, _: Timestamp, _peer: &PeerId, _verifier: &PeerId, _: &Signer) -> bool {
        true
    }

    /// Whether the directory has an advertisement in force by this key.
    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool;

    /// Bytes that the rules' tables take.
    fn bytes(&self) -> u64;

    /// Signatures checked so far.
    fn checks(&self) -> u64;
}

/// The four, by their column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Ours,
    OlderSdk,
    ScoreOnly,
    OldestBanFirst,
}

impl Which {
    pub(crate) const ALL: [Self; 4] =
        [Self::Ours, Self::OlderSdk, Self::ScoreOnly, Self::OldestBanFirst];

    /// The column's heading.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ltms",
            Self::OlderSdk => "older SDK",
            Self::ScoreOnly => "GossipSub scores only",
            Self::OldestBanFirst => "oldest ban first",
        }
    }

    /// A node's rules, with tables for as many identities where there are tables.
    pub(crate) fn rules(self, identities: u32, seed: u64) -> Box<dyn Rules> {
        match self {
            Self::Ours => Box::new(ours::Ours::new(identities, seed)),
            Self::OlderSdk => Box::new(sdk::OlderSdk::default()),
            Self::ScoreOnly => Box::new(scores::ScoreOnly::default()),
            Self::OldestBanFirst => Box::new(oldest::OldestBanFirst::default()),
        }
    }
}
