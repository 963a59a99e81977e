//! Honest nodes, the signers behind them, and how often these advertise.

use ltms_core::{IdentityId, Millis, PublicKey, Seed, Timestamp};

use super::messages::Peers;
use super::{Actor, Kind, Lab, Message, Number};
use crate::made::{self, Ad, Claim};
use crate::rules::{self, Known, Which};

/// From one advertisement of a signer to its next: it may have one a minute.
const EVERY: Millis = Millis::from_secs(100);
/// How long an advertisement is in force.
pub(crate) const LASTING: Millis = Millis::from_mins(10);

/// A registered signer, of the made key that has its node's number.
#[derive(Clone, Copy)]
pub(crate) struct Signer {
    pub(crate) node: Number,
    pub(crate) key: PublicKey,
    pub(crate) identity: IdentityId,
}

/// Honest nodes that are connected with each other, a signer behind each of them.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) nodes: u32,
    /// Links that each node opens.
    pub(crate) degree: usize,
    /// One signer in so many advertises; none if 0.
    pub(crate) advertise: u64,
    /// From one advertisement of a signer to its next, and how long each is in force.
    pub(crate) times: [Millis; 2],
}

impl Field {
    /// All of these advertise.
    pub(crate) const fn new(nodes: u32, degree: usize) -> Self {
        Self { nodes, degree, advertise: 1, times: [EVERY, LASTING] }
    }

    /// All of these say once in half an hour what is in force for an hour, as a node does that was
    /// asked to offer it for so long.
    pub(crate) const fn seldom(nodes: u32, degree: usize) -> Self {
        let times = [Millis::from_mins(30), Millis::from_hours(1)];
        Self { times, ..Self::new(nodes, degree) }
    }

    /// Whether the signer behind this node advertises.
    pub(crate) fn advertises(self, node: Number) -> bool {
        self.advertise > 0 && made::mix(node.into()).is_multiple_of(self.advertise)
    }

    /// What a node's draws come from.
    fn number(node: Number, seed: u64) -> u64 {
        made::mix(seed) ^ u64::from(node)
    }

    /// What keys a node's tables, where these are ours.
    pub(crate) fn secret(node: Number, seed: u64) -> Seed {
        rules::secret(Self::number(node, seed))
    }

    /// Nodes of the rules, each in an address group of its own, and their signers, of whom some
    /// advertise from now on.
    pub(crate) fn build(self, lab: &mut Lab, which: Which, seed: u64) -> Vec<Signer> {
        lab.calm = which == Which::Calm;
        let keys = made::keys(0, self.nodes as usize);
        let claims: Vec<_> = keys.iter().map(Claim::new).collect();
        let known = Known::new(&claims);
        // Tables of a thousand nodes have to fit in memory, twice. Half of the rows are for who has
        // completed no session (policy 11), a few of them for attackers.
        let identities = if self.nodes > 512 { 2 * (self.nodes + 32) } else { 4_096 };
        for node in 0..self.nodes {
            let rules = which.knowing(identities, Self::number(node, seed), &known);
            lab.add(node, Some(rules));
        }
        for node in 0..self.nodes {
            let mut opened = 0;
            for _ in 0..20 * self.degree {
                let other = lab.random.below(self.nodes as usize) as Number;
                opened += usize::from(lab.connect(node, other));
                if opened == self.degree {
                    break;
                }
            }
        }
        let signers: Vec<_> = (0..)
            .zip(keys.iter().zip(&claims))
            .map(|(node, (key, claim))| Signer { node, key: *key, identity: claim.id })
            .collect();
        for from in 0..self.nodes {
            let links: Vec<_> = lab.links(from).iter().collect();
            for to in links {
                lab.prove(from, to, &signers[from as usize]);
            }
        }
        let some = signers.iter().filter(|signer| self.advertises(signer.node));
        begin_advertising(lab, some, self.times[0], self.times);
        lab.signers.clone_from(&signers);
        signers
    }
}

/// From now on these advertise, each of them for the first time at a time of its own within that.
pub(crate) fn begin_advertising<'a>(
    lab: &mut Lab,
    signers: impl Iterator<Item = &'a Signer>,
    within: Millis,
    times: [Millis; 2],
) {
    for signer in signers {
        let phase = lab.random.below(within.get() as usize) as u64;
        let advertising = Advertising { signer: *signer, times };
        lab.enter(lab.now.saturating_add(Millis::new(phase)), advertising);
    }
}

/// What a signer says of itself, made now and in force for so long.
pub(crate) fn ad(lab: &Lab, signer: &Signer, lasting: Millis) -> Ad {
    Ad {
        author: signer.key,
        identity: Some(signer.identity),
        peer: lab.peers[signer.node as usize].id,
        created_at: lab.now,
        lasting,
        delegation: None,
    }
}

/// An advertisement of a signer, made now by its node's clock.
pub(crate) fn advertisement(lab: &Lab, signer: &Signer) -> Message {
    lasting(lab, signer, LASTING)
}

/// The same, in force for so long.
fn lasting(lab: &Lab, signer: &Signer, lasting: Millis) -> Message {
    let created_at = lab.peers[signer.node as usize].clock(lab.now);
    let ad = Ad { created_at, ..ad(lab, signer, lasting) };
    message(Kind::Honest, &ad, ad.seal())
}

/// What goes over the wire for an advertisement, by gossip of the peer that it names.
pub(crate) fn message(kind: Kind, ad: &Ad, bytes: Vec<u8>) -> Message {
    Message {
        kind,
        publisher: ad.peer,
        key: ad.author,
        peer: ad.peer,
        created_at: ad.created_at,
        expires_at: ad.created_at.saturating_add(ad.lasting),
        genuine: true,
        claims: 75,
        newer: false,
        direct: false,
        bytes,
        seen: Peers::default(),
        listed: Peers::default(),
        in_time: Peers::default(),
        soon: Peers::default(),
        sent: None,
        peers: 0,
    }
}

struct Advertising {
    signer: Signer,
    /// From one to the next, and how long each is in force.
    times: [Millis; 2],
}

impl Actor for Advertising {
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp> {
        let [every, lasts] = self.times;
        let ad = lasting(lab, &self.signer, lasts);
        lab.publish(self.signer.node, ad);
        Some(lab.now.saturating_add(every))
    }
}
