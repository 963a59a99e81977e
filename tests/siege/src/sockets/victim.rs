//! The attacked node, alone in its process, and what it says of itself when it is asked.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Instant;

use ltms_core::{
    Criteria, Millis, Mode, Network, Outcome, Policy, Quota, SessionId, Subject, score::Failure,
};
use ltms_net::{
    Builder, Handle, NodeEvent,
    admin::{Admin, Doors},
    limits::Limits,
};
use serde::{Deserialize, Serialize};

use super::{
    common::{
        process::Process,
        signers::{Owner, chain, register},
    },
    plain,
};

/// Whose rules the node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rules {
    Ours,
    /// rust-libp2p's defaults.
    Plain,
}

/// A rule that a node can do without, to see whether its absence is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rule {
    /// Windows of authors and connections, and how many keys may advertise.
    Windows,
    /// How much gossip a connection may send.
    Gossip,
    /// Automatic bans.
    Sanctions,
    /// A connection's share of a processor.
    Share,
    /// How long a stream may take.
    Deadline,
    /// What is remembered over a restart.
    Store,
}

/// What a node is started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) rules: Rules,
    /// Identities that are registered; the last is the attacker's.
    pub(crate) identities: u32,
    pub(crate) folder: PathBuf,
    /// Whether the folder has a node's store already.
    pub(crate) again: bool,
    /// Short deadlines of streams.
    pub(crate) quick: bool,
    /// What it does without.
    pub(crate) without: Option<Rule>,
}

impl Setup {
    /// Where the node's operator would ask.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("admin")
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits { memory: 8 << 30, ..Limits::DEFAULT };
        if self.quick {
            limits.frame = Millis::new(300);
        }
        match self.without {
            Some(Rule::Share) => limits.share = u16::MAX,
            Some(Rule::Deadline) => limits.frame = Millis::from_hours(1),
            _ => {}
        }
        limits
    }

    fn policy(&self) -> Policy {
        let mut policy = Policy::LOTUS_V1.on(Network::Reg);
        match self.without {
            Some(Rule::Windows) => {
                (policy.enforce.windows, policy.enforce.keys) = (Mode::Observe, Mode::Observe);
            }
            Some(Rule::Gossip) => policy.windows.connection = Quota::per_second(10_000, 60_000),
            Some(Rule::Sanctions) => policy.enforce.sanctions = Mode::Observe,
            _ => {}
        }
        policy
    }
}

/// What it says when it listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) address: libp2p::Multiaddr,
    /// Seconds that the node itself took to start.
    pub(crate) took: f64,
    /// Seconds of a processor that the process had used before: the chain is simulated in it.
    pub(crate) before: f64,
}

/// What is asked of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    Look,
    /// Ban the last identity, and count a failed session of the first one.
    Mark,
}

/// What it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Decisions by the name of their reason.
    pub(crate) decisions: BTreeMap<String, u64>,
    /// Listed keys of all identities but the last, and other listed keys.
    pub(crate) listed: [usize; 2],
    pub(crate) identities: u64,
    /// Banned peers, and what for.
    pub(crate) bans: BTreeMap<String, String>,
    /// Banned identities, by their number.
    pub(crate) identities_banned: Vec<u32>,
    /// The first identity's score.
    pub(crate) score: u8,
    /// How often a peer was disconnected for what it did in gossip.
    pub(crate) dropped: u64,
}

enum Node {
    Ours(
        Box<ltms_net::Node>,
        Arc<AtomicU64>,
        #[expect(dead_code, reason = "it is open as long as it is there")] Admin,
    ),
    Plain(Arc<std::sync::Mutex<plain::List>>),
}

/// Runs until nobody asks any more.
pub(crate) fn run(setup: &Setup) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (node, begun) = start(setup).await;
        say(&serde_json::to_string(&begun).expect("JSON"));
        let (orders, mut asked) = tokio::sync::mpsc::channel(1);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                let order = serde_json::from_str::<Order>(&line).expect("an order");
                if orders.blocking_send(order).is_err() {
                    return;
                }
            }
        });
        while let Some(order) = asked.recv().await {
            if let (Order::Mark, Node::Ours(node, ..)) = (order, &node) {
                mark(&node.handle(), setup.identities).await;
            }
            say(&serde_json::to_string(&look(&node, setup.identities).await).expect("JSON"));
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

async fn start(setup: &Setup) -> (Node, Begun) {
    if setup.rules == Rules::Plain {
        let (address, list) = plain::start().await;
        return (Node::Plain(list), Begun { address, took: 0.0, before: 0.0 });
    }
    let chain = chain(setup.identities);
    let (before, began) = (Process::This.processor(), Instant::now());
    let node = Builder::new(Network::Reg, chain)
        .policy(setup.policy())
        .limits(setup.limits())
        .listen("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
        .data_dir(&setup.folder)
        .server(true)
        .start()
        .await
        .expect("a node");
    let took = began.elapsed().as_secs_f64();
    let handle = node.handle();
    let doors = Doors { socket: Some(setup.socket()), http: None };
    let admin = Admin::open(handle.clone(), doors).await.expect("a door");
    if !setup.again {
        register(&handle, setup.identities).await;
    }
    let (dropped, mut events) = (Arc::new(AtomicU64::new(0)), handle.subscribe());
    let count = dropped.clone();
    tokio::spawn(async move {
        use tokio::sync::broadcast::error::RecvError::Lagged;
        loop {
            match events.recv().await {
                Ok(NodeEvent::GossipDropped(_)) => {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(_) | Err(Lagged(_)) => {}
                Err(_) => return,
            }
        }
    });
    let address = handle.addresses()[0].clone();
    (Node::Ours(Box::new(node), dropped, admin), Begun { address, took, before })
}

async fn mark(handle: &Handle, identities: u32) {
    let [first, second, last] = [0, 1, identities - 1].map(|number| Owner::new(number).id);
    let outcome = Outcome::Failed(Failure::InvalidSignature);
    let session = SessionId::from_bytes([1; 16]);
    let recorded = handle.record_session(session, first, second, outcome).await.expect("stored");
    assert!(recorded.is_accept(), "{recorded:?}");
    assert!(handle.ban_identity(last, None).await.expect("stored"));
}

async fn look(node: &Node, identities: u32) -> Seen {
    let (node, dropped) = match node {
        Node::Ours(node, dropped, _) => (node, dropped),
        Node::Plain(list) => {
            let list = list.lock().expect("nobody panics with it");
            let last = Owner::new(identities - 1).id;
            return Seen {
                decisions: list.decisions.clone(),
                listed: split(list.keys.values().copied(), last),
                ..Seen::default()
            };
        }
    };
    let handle = node.handle();
    let decisions = handle.decisions().await.expect("answer");
    let ids: Vec<_> = (0..identities).map(|number| Owner::new(number).id).collect();
    let mut seen = Seen {
        decisions: decisions.iter().map(|(why, count)| (why.to_string(), *count)).collect(),
        identities: handle.metrics().await.expect("answer").identities_registered,
        dropped: dropped.load(Ordering::Relaxed),
        ..Seen::default()
    };
    let signers = handle.directory(Criteria::default(), 1_000_000).await.expect("answer");
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        seen.listed = split(signers.iter().map(|signer| signer.identity), *last);
        seen.score = handle.standing(Subject::Identity(*first)).await.expect("answer").score;
    }
    for ban in handle.bans().await.expect("answer") {
        match ban.subject {
            Subject::Peer(peer) => {
                let peer = ltms_net::net_peer(&peer).expect("a peer id");
                seen.bans.insert(peer.to_string(), ban.reason.to_string());
            }
            Subject::Identity(id) => {
                let number = ids.iter().position(|known| *known == id).expect("registered here");
                seen.identities_banned.push(u32::try_from(number).expect("few"));
            }
            _ => {}
        }
    }
    seen
}

/// How many belong to other identities than the last one, and how many do not.
fn split(
    owners: impl Iterator<Item = Option<ltms_core::IdentityId>>,
    last: ltms_core::IdentityId,
) -> [usize; 2] {
    owners.fold([0, 0], |[honest, other], owner| match owner {
        Some(id) if id != last => [honest + 1, other],
        _ => [honest, other + 1],
    })
}
