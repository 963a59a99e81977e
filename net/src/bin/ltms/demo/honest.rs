//! The honest nodes and their signers.

use std::{collections::HashSet, sync::Arc, time::Instant};

use futures::future::{join_all, try_join_all};
use ltms_core::{
    Capacity, Criteria, IdentityId, PublicKey, Reason, Subject, burn::Tier, schnorr::SecretKey,
    wire::Authority,
};
use ltms_net::{Builder, Handle, Node, NodeError, Offer};
use rand::{Rng, rngs::SmallRng, seq::SliceRandom};

use super::{
    Failure,
    chain::{Burn, Burns, NETWORK, key},
    host::Victim,
    ledger::{Book, Ledger},
};

/// Process memory at which no new connection is made: all nodes are in one process.
const MEMORY: u64 = 8 << 30;
/// Keys of the identity with 200 XPI: more than the ten of one with 50.
pub(super) const VERIFIED_KEYS: usize = 12;
/// The most signers that a node is asked for.
const MOST: usize = 1_024;

/// A signer and the node that advertises it.
pub(super) struct Signer {
    pub(super) node: usize,
    pub(super) key: Arc<SecretKey>,
    pub(super) authority: Authority,
    pub(super) when: When,
}

/// When a signer is advertised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before the attacks.
    Before,
    /// When all of them start.
    Start,
    /// When each has begun.
    Amid,
}

impl Signer {
    pub(super) fn public(&self) -> PublicKey {
        self.key.public_key()
    }
}

/// All of them.
pub(super) struct Town {
    nodes: Vec<Node>,
    pub(super) handles: Vec<Handle>,
    pub(super) signers: Vec<Signer>,
    pub(super) verified: IdentityId,
    pub(super) book: Book,
}

impl Town {
    /// Starts `count` nodes in random order, each with one signer; the first node has those of
    /// the identity with 200 XPI as well.
    pub(super) async fn start(
        count: usize,
        burns: &Burns,
        book: &Book,
        rng: &mut SmallRng,
    ) -> Result<Self, Failure> {
        let mut order: Vec<_> = (0..count).collect();
        order.shuffle(rng);
        let mut nodes: Vec<_> = (0..count).map(|_| None).collect();
        for index in order {
            let builder = Builder::new(NETWORK, burns.chain.clone())
                .capacity(Capacity::SMALL)
                .listen("/ip4/127.0.0.1/tcp/0".parse()?)
                .memory(MEMORY)
                .quick(true)
                .server(true);
            nodes[index] = Some(builder.start().await?);
        }
        let nodes: Vec<_> = nodes.into_iter().flatten().collect();
        let handles: Vec<_> = nodes.iter().map(Node::handle).collect();
        for (index, handle) in handles.iter().enumerate() {
            book.follow(index, handle);
        }
        let (own, verified) = (&burns.recorded[..count], &burns.verified);
        let one_each = own.iter().enumerate().map(|(node, burn)| Signer {
            node,
            key: burn.key.clone(),
            authority: burn.authority(),
            when: if node % 2 == 0 { When::Before } else { When::Amid },
        });
        let delegated = (0..VERIFIED_KEYS).map(|number| {
            let key = Arc::new(key(&format!("demo: delegated {number}")));
            Signer { node: 0, authority: verified.delegate(&key), key, when: When::Start }
        });
        let signers = one_each.chain(delegated).collect();
        Ok(Self { nodes, handles, signers, verified: verified.id, book: book.clone() })
    }

    /// Connects the nodes: a random tree, and as many random edges again.
    pub(super) async fn connect(&self, rng: &mut SmallRng) -> Result<(), Failure> {
        let count = self.handles.len();
        let mut edges: HashSet<(usize, usize)> =
            (1..count).map(|node| (node, rng.random_range(0..node))).collect();
        while edges.len() < 2 * (count - 1) {
            let (one, other) = (rng.random_range(0..count), rng.random_range(0..count));
            if one != other {
                edges.insert((one.max(other), one.min(other)));
            }
        }
        for (one, other) in &edges {
            self.handles[*one].dial(self.handles[*other].addresses()[0].clone()).await?;
        }
        let peers: Vec<_> = self.handles.iter().map(Handle::peer_id).collect();
        self.book
            .until(|ledger| {
                edges.iter().all(|(one, other)| {
                    ledger.is_connected(*one, peers[*other])
                        && ledger.is_connected(*other, peers[*one])
                })
            })
            .await;
        Ok(())
    }

    /// Registers an identity through each node, and the one with 200 XPI through the first. Nodes
    /// that do not hear of it by gossip ask for it when an advertisement names it.
    pub(super) async fn register(&self, burns: &Burns) -> Result<(), Failure> {
        let own = burns.recorded.iter().zip(&self.handles);
        let all = own.chain([(&burns.verified, &self.handles[0])]);
        try_join_all(all.map(|(burn, handle)| register(handle, burn))).await?;
        Ok(())
    }

    /// Advertises the signers that are due then. Returns when it began.
    pub(super) async fn advertise(&self, when: When) -> Result<Instant, Failure> {
        let began = Instant::now();
        for signer in self.signers.iter().filter(|signer| signer.when == when) {
            let handle = &self.handles[signer.node];
            let offer = Offer::default();
            handle.advertise_signer(&signer.key, Some(signer.authority), &offer).await?;
        }
        Ok(began)
    }

    /// How many pairs of node and signer are such that the node has accepted the signer.
    pub(super) fn accepted(&self, ledger: &Ledger, when: When) -> (usize, usize) {
        let mut pairs = (0, 0);
        for signer in self.signers.iter().filter(|signer| signer.when == when) {
            let key = signer.public();
            let has = |node: &usize| ledger.accepted(*node, &key) > 0;
            pairs.0 += (0..self.handles.len()).filter(has).count();
            pairs.1 += self.handles.len();
        }
        pairs
    }

    /// Waits until every node has accepted every signer that is due then.
    pub(super) async fn until_accepted(&self, when: When) {
        self.book
            .until(|ledger| {
                let (accepted, pairs) = self.accepted(ledger, when);
                accepted == pairs
            })
            .await;
    }

    /// How many of the signers each node finds when it is asked.
    pub(super) async fn found(&self) -> Result<Vec<usize>, Failure> {
        let keys: Vec<_> = self.signers.iter().map(Signer::public).collect();
        let ask = |handle: &Handle| {
            let handle = handle.clone();
            async move { handle.directory(Criteria::default(), MOST).await }
        };
        let answers = try_join_all(self.handles.iter().map(ask)).await?;
        let count = |found: Vec<ltms_net::Signer>| {
            let found: HashSet<_> = found.iter().map(|signer| signer.key).collect();
            keys.iter().filter(|key| found.contains(key)).count()
        };
        Ok(answers.into_iter().map(count).collect())
    }

    /// The tier of the identity with 200 XPI at each node, and how many keys it has there.
    pub(super) async fn verified(&self) -> Result<Vec<(Option<Tier>, u16)>, Failure> {
        let mut tiers = Vec::new();
        for handle in &self.handles {
            let standing = handle.standing(Subject::Identity(self.verified)).await?;
            tiers.push((standing.tier, standing.keys.0));
        }
        Ok(tiers)
    }

    /// What stands against honest peers and keys, in words.
    pub(super) async fn unjust(&self) -> Result<Vec<String>, Failure> {
        let mut wrongs = Vec::new();
        for (node, handle) in self.handles.iter().enumerate() {
            for (other, peer) in self.handles.iter().map(Handle::peer_id).enumerate() {
                let reason = handle.standing_of(&peer).await?.decision.reason;
                if reason != Reason::Clear {
                    wrongs.push(format!("node {node} holds node {other} for {reason}"));
                }
                if self.book.read(|ledger| ledger.sanctions().any(|pair| pair == (node, peer))) {
                    wrongs.push(format!("node {node} has sanctioned node {other}"));
                }
            }
            for signer in &self.signers {
                let standing = handle.standing(Subject::Key(signer.public())).await?;
                if standing.decision.reason != Reason::Clear {
                    let (key, reason) = (signer.public(), standing.decision.reason);
                    wrongs.push(format!("node {node} holds honest key {key} for {reason}"));
                }
            }
        }
        Ok(wrongs)
    }

    /// A few nodes to attack.
    pub(super) fn victims(&self, count: usize, rng: &mut SmallRng) -> Vec<Victim> {
        let mut nodes: Vec<_> = (0..self.handles.len()).collect();
        nodes.shuffle(rng);
        nodes.truncate(count);
        let victim = |node: usize| {
            let handle = &self.handles[node];
            Victim { node, peer: handle.peer_id(), address: handle.addresses()[0].clone() }
        };
        nodes.into_iter().map(victim).collect()
    }

    /// Stops every node.
    pub(super) async fn stop(self) {
        join_all(self.nodes.into_iter().map(Node::stop)).await;
    }
}

/// Registers once the node knows the end of the chain, which it asks for as soon as it runs.
async fn register(handle: &Handle, burn: &Burn) -> Result<(), NodeError> {
    loop {
        match handle.register_identity(&burn.key, burn.outpoint).await {
            Err(NodeError::Refused(decision)) if decision.reason == Reason::Immature => {
                tokio::task::yield_now().await;
            }
            answer => return answer.map(|_| ()),
        }
    }
}

/// Milliseconds from `began` until the last node had the last of these signers.
pub(super) fn spread(town: &Town, when: When, began: Instant) -> u64 {
    town.book.read(|ledger| {
        let signers = town.signers.iter().filter(|signer| signer.when == when);
        let times = signers.flat_map(|signer| {
            let key = signer.public();
            (0..town.handles.len()).filter_map(move |node| ledger.accepted_at(node, &key))
        });
        let last = times.max().map_or(0, |at| at.saturating_duration_since(began).as_millis());
        u64::try_from(last).unwrap_or(u64::MAX)
    })
}
