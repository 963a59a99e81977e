//! Registered signers that advertise while a node is attacked.

use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use ltms_net::clock::Clock;

use super::common::{
    Node,
    pushes::{Answers, Plan, join, send_all},
    signers::Owner,
};

/// Connections over which they advertise.
const CONNECTIONS: usize = 4;
/// Advertisements a second, of all connections: half of what the windows grant them.
const RATE: u32 = 20;
/// Keys of one identity, the current one among them: as many as it may have.
const KEYS: u32 = 10;

/// Their connections, and the first key that has not advertised.
pub(crate) struct Honest {
    nodes: Vec<(Node, libp2p::PeerId)>,
    next: u32,
}

/// Identities that so many seconds of advertisements take.
pub(crate) const fn identities(seconds: u32) -> u32 {
    (RATE * seconds).div_ceil(KEYS)
}

impl Honest {
    pub(crate) async fn join(address: &Multiaddr) -> Self {
        Self { nodes: Vec::new(), next: 0 }.back(address).await
    }

    /// The same signers with fresh connections.
    pub(crate) async fn back(mut self, address: &Multiaddr) -> Self {
        self.nodes.clear();
        for _ in 0..CONNECTIONS {
            self.nodes.push(join(address).await);
        }
        self
    }

    /// Who they are.
    pub(crate) fn peers(&self) -> impl Iterator<Item = String> {
        self.nodes.iter().map(|(node, _)| node.local_peer_id().to_string())
    }

    /// Advertises keys that have not, for so long, and the current key of one more identity if one
    /// is named. Returns how many were sent, and the answers.
    pub(crate) async fn advertise(&mut self, seconds: u32, named: Option<u32>) -> (u32, Answers) {
        let now = Clock::system().now();
        let keys = self.next..self.next + RATE * seconds;
        self.next = keys.end;
        let mut envelopes: Vec<_> = keys
            .map(|key| {
                let owner = Owner::new(key / KEYS);
                if key % KEYS == 0 { owner.advertise(now) } else { owner.advertise_key(key, now) }
            })
            .collect();
        envelopes.extend(named.map(|identity| Owner::new(identity).advertise(now)));
        let mut plans = vec![Plan::new(); CONNECTIONS];
        for (number, envelope) in (0..).zip(envelopes) {
            let due = Duration::from_secs(1) / RATE * number;
            plans[number as usize % CONNECTIONS].push((due, Arc::new(envelope)));
        }
        let sent = plans.iter().map(Vec::len).sum::<usize>();
        let (nodes, answers) = send_all(std::mem::take(&mut self.nodes), plans).await;
        self.nodes = nodes;
        (u32::try_from(sent).expect("few"), answers)
    }
}
