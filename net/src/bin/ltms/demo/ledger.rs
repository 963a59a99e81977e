//! What the honest nodes told: one tally of all their events.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use libp2p::PeerId;
use ltms_core::{IdentityId, PublicKey, Reason};
use ltms_net::{Handle, NodeEvent};
use tokio::sync::{broadcast::error::RecvError, watch};

/// A node by its number and another peer.
type Pair = (usize, PeerId);

/// The tally.
#[derive(Default)]
pub(super) struct Ledger {
    /// Refusals by reason name, of what this peer handed to this node.
    refused: HashMap<Pair, BTreeMap<&'static str, u64>>,
    /// How often a node accepted a new advertisement of a key, and when first.
    accepted: HashMap<(usize, PublicKey), (u64, Instant)>,
    registered: HashSet<(usize, IdentityId)>,
    sanctioned: HashSet<Pair>,
    connected: HashSet<Pair>,
    /// Events that were overwritten before they could be counted.
    pub(super) missed: u64,
}

impl Ledger {
    fn note(&mut self, node: usize, event: &NodeEvent) {
        match *event {
            NodeEvent::Connected(peer) => {
                self.connected.insert((node, peer));
            }
            NodeEvent::Disconnected(peer) => {
                self.connected.remove(&(node, peer));
            }
            NodeEvent::Registered(id) => {
                self.registered.insert((node, id));
            }
            NodeEvent::Advertised { key, .. } => {
                let (count, _) =
                    self.accepted.entry((node, key)).or_insert_with(|| (0, Instant::now()));
                *count += 1;
            }
            NodeEvent::Refused { peer, reason } => {
                let reasons = self.refused.entry((node, peer)).or_default();
                *reasons.entry(reason.as_str()).or_default() += 1;
            }
            NodeEvent::Sanctioned { peer, .. } => {
                self.sanctioned.insert((node, peer));
            }
            _ => {}
        }
    }

    /// Refusals by reason of what `peer` handed to `node`.
    pub(super) fn refused(&self, node: usize, peer: PeerId) -> BTreeMap<&'static str, u64> {
        self.refused.get(&(node, peer)).cloned().unwrap_or_default()
    }

    /// The same for one reason.
    pub(super) fn refused_for(&self, node: usize, peer: PeerId, reason: Reason) -> u64 {
        let reasons = self.refused.get(&(node, peer));
        reasons.and_then(|reasons| reasons.get(reason.as_str())).copied().unwrap_or(0)
    }

    /// How many advertisements of `key` were accepted as new by `node`.
    pub(super) fn accepted(&self, node: usize, key: &PublicKey) -> u64 {
        self.accepted.get(&(node, *key)).map_or(0, |(count, _)| *count)
    }

    /// When `node` first accepted an advertisement of `key`.
    pub(super) fn accepted_at(&self, node: usize, key: &PublicKey) -> Option<Instant> {
        self.accepted.get(&(node, *key)).map(|(_, at)| *at)
    }

    pub(super) fn is_registered(&self, node: usize, id: &IdentityId) -> bool {
        self.registered.contains(&(node, *id))
    }

    /// Whether `node` has banned `peer` and holds no connection to it.
    pub(super) fn is_cut_off(&self, node: usize, peer: PeerId) -> bool {
        self.sanctioned.contains(&(node, peer)) && !self.is_connected(node, peer)
    }

    pub(super) fn is_connected(&self, node: usize, peer: PeerId) -> bool {
        self.connected.contains(&(node, peer))
    }

    /// The nodes and peers for which a ban was told.
    pub(super) fn sanctions(&self) -> impl Iterator<Item = Pair> {
        self.sanctioned.iter().copied()
    }
}

/// The ledger, kept by a task for each node.
#[derive(Clone)]
pub(super) struct Book(Arc<watch::Sender<Ledger>>);

impl Book {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::default()))
    }

    /// Follows the events of a node, until it stops.
    pub(super) fn follow(&self, node: usize, handle: &Handle) {
        let mut events = handle.subscribe();
        let ledger = self.0.clone();
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => ledger.send_modify(|ledger| ledger.note(node, &event)),
                    Err(RecvError::Lagged(count)) => {
                        ledger.send_modify(|ledger| ledger.missed += count);
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// Waits until the ledger says so. Cancel it by a deadline.
    pub(super) async fn until(&self, holds: impl FnMut(&Ledger) -> bool) {
        // The sender is ours, so that it is there.
        let _ = self.0.subscribe().wait_for(holds).await;
    }

    /// A look at the ledger.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.0.borrow())
    }
}
