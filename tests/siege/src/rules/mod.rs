//! Four ways to decide whom a node listens to, behind one trait.

mod burns;
mod known;
mod oldest;
mod ours;
mod scores;
mod sdk;
pub(crate) mod without;

use ltms_core::{Connection, IdentityId, Outcome, PeerId, Policy, PublicKey, Timestamp};

use crate::lab::Message;
use crate::lab::field::Signer;
use crate::made::{Claim, POLICY};

pub(crate) use burns::Burns;
pub(crate) use known::Known;
pub(crate) use ours::{Table, secret};
pub(crate) use without::Rule;
use without::{Off, Part};

/// A message as it reaches a node.
pub(crate) struct Arrival<'a> {
    /// The connected peer that brought it.
    pub(crate) from: PeerId,
    pub(crate) message: &'a Message,
    /// Whether it is of a directory that the node reads.
    pub(crate) was_asked_for: bool,
    /// Whether the node has held it back after [`Taken::Later`].
    pub(crate) was_held: bool,
}

impl<'a> Arrival<'a> {
    /// A message that came unasked.
    pub(crate) const fn new(from: PeerId, message: &'a Message) -> Self {
        Self { from, message, was_asked_for: false, was_held: false }
    }
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
    /// Nothing yet: it is to be judged again then, by the node's clock.
    Later(Timestamp),
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

    /// A session between two identities ended, the first being judged. Rules without reputations
    /// do nothing.
    fn session(&mut self, _: Timestamp, _number: u64, _: (&IdentityId, &IdentityId), _: Outcome) {}

    /// A connected peer says that this signer made one of its sessions fail. Whether that is heard.
    fn accuse(&mut self, _: Timestamp, _number: u64, _by: &PeerId, _: &Signer) -> bool {
        false
    }

    /// A connected peer announces a session with these signers, the first of which is its own key.
    /// Whether it is taken, where sessions are kept at all.
    fn announce(&mut self, _: Timestamp, _: u64, _: &PeerId, _: [PublicKey; 2]) -> Option<bool> {
        None
    }

    /// This node joins the session that the peer announced, which asks for nonces then.
    fn join(&mut self, _: Timestamp, _: u64, _: &PeerId) {}

    /// The peer ends the session that it announced. Once this node has joined, that is an abort.
    fn abort(&mut self, _: Timestamp, _: u64, _: &PeerId) {}

    /// The signer's reputation, where there are any.
    fn points(&self, _: &Signer) -> Option<f64> {
        None
    }

    /// The first so many signers of a search, where these have an order.
    fn first(&self, _: Timestamp, _count: usize) -> Option<Vec<PublicKey>> {
        None
    }

    /// The burn behind each row of an identity, satoshis, where burns count.
    fn burn_by_row(&self, _: &IdentityId) -> u64 {
        0
    }

    /// How often the breaker has opened and how many sanctions it has spared, where there is one.
    fn breaker(&self) -> Option<[u64; 2]> {
        None
    }

    /// What these rules know of burns, if anything.
    fn burns(&mut self) -> Option<&mut dyn Burns> {
        None
    }

    /// Whether what this signer says from this id is refused for what either is held to have done.
    fn bans(&self, _: Timestamp, _peer: &PeerId, _: &Signer) -> bool {
        false
    }

    /// A connected peer proves that it is this signer. Rules without identities ask for no proof.
    fn prove(&mut self, _: Timestamp, _peer: &PeerId, _verifier: &PeerId, _: &Signer) -> bool {
        true
    }

    /// Whether the directory has an advertisement in force by this key.
    fn lists(&self, now: Timestamp, key: &PublicKey) -> bool;

    /// Whether a node serves its directory to a neighbour that asks. The TypeScript system's does
    /// not: its `discover` looks only at what gossip brought (`dht-discoverer.ts`, 232–314), so that
    /// a newcomer knows what was said since it came; the index that an older one kept lay in the
    /// DHT, under one key that anybody overwrites. The other two have no such protocol.
    fn serves_directory(&self) -> bool {
        false
    }

    /// What GossipSub is told of a connected peer: its worth in the mesh.
    fn score(&mut self, now: Timestamp, peer: &PeerId) -> f64;

    /// A minute is over, of which it is said then who was silent.
    fn end_minute(&mut self) {}

    /// A connected peer was in the mesh for a busy minute and brought nothing.
    fn was_silent(&mut self, _: &PeerId) {}

    /// Bytes that the rules' tables take.
    fn bytes(&self) -> u64;

    /// Signatures checked so far.
    fn checks(&self) -> u64;
}

/// GossipSub's first deliveries: a point each, of which half is left after each second.
#[derive(Clone, Copy)]
struct Deliveries {
    points: f64,
    at: Timestamp,
}

impl Deliveries {
    const fn new(at: Timestamp) -> Self {
        Self { points: 0.0, at }
    }

    fn value(&mut self, now: Timestamp) -> f64 {
        let seconds = now.as_millis().saturating_sub(self.at.as_millis()) / 1000;
        if seconds > 0 {
            self.points *= 0.5f64.powi(i32::try_from(seconds).unwrap_or(i32::MAX));
            self.at = now;
        }
        self.points
    }

    fn add(&mut self, now: Timestamp) {
        self.points = (self.value(now) + 1.0).min(100.0);
    }
}

/// The four by their column, the baseline, and ours less a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Ours,
    OlderSdk,
    ScoreOnly,
    OldestBanFirst,
    /// Ours while nobody attacks: with what the others are compared.
    Calm,
    /// Ours with one rule switched off.
    Without(&'static Rule),
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
            Self::Calm => "ltms, nobody attacks",
            Self::Without(rule) => rule.name,
        }
    }

    /// Whether these are the rules of this repository.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::Calm | Self::Without(_))
    }

    /// The policy of ours.
    fn policy(self) -> Policy {
        if let Self::Without(rule) = self { rule.policy() } else { POLICY }
    }

    /// Whether a node of ours does this.
    fn has(self, part: Part) -> bool {
        !matches!(self, Self::Without(rule) if rule.off == Off::Part(part))
    }

    /// A node's rules, with tables for as many identities where there are tables, of which it knows
    /// these.
    pub(crate) fn knowing(self, identities: u32, seed: u64, known: &Known) -> Box<dyn Rules> {
        match self {
            _ if self.is_ours() => Box::new(ours::Ours::knowing(self, identities, seed, known)),
            _ => self.rules(identities, seed),
        }
    }

    /// A node's rules that know nobody.
    pub(crate) fn rules(self, identities: u32, seed: u64) -> Box<dyn Rules> {
        match self {
            Self::Ours | Self::Calm | Self::Without(_) => {
                Box::new(ours::Ours::new(self, identities, seed))
            }
            Self::OlderSdk => Box::new(sdk::OlderSdk::default()),
            Self::ScoreOnly => Box::new(scores::ScoreOnly::default()),
            Self::OldestBanFirst => Box::new(oldest::OldestBanFirst::default()),
        }
    }
}
