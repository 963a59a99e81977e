//! Handing a claim to peers from a node that lives only for that.

use std::{fmt, time::Duration};

use futures::future::join_all;
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use ltms_core::{Capacity, IdentityId, Reason};
use ltms_net::{
    Builder, Handle, Node, NodeEvent,
    behaviour::streams::{Request, Response},
};
use serde::Serialize;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::source::Opened;

/// How long connecting to a peer may take.
const CONNECT: Duration = Duration::from_secs(15);

/// A peer and where it can be reached.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    peer: PeerId,
    address: Multiaddr,
}

/// Reads an address that names its peer.
pub(crate) fn target(text: &str) -> Result<Target, String> {
    let address: Multiaddr = text.parse().map_err(|error| format!("{error}"))?;
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Ok(Target { peer, address }),
        _ => Err("the address must end with /p2p/PEER".to_owned()),
    }
}

/// What a peer said to a claim.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    peer: String,
    /// Whether it has the claim now.
    pub(crate) taken: bool,
    /// The name of a reason, or what kept it from answering.
    verdict: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "peer       {}: {}", self.peer, self.verdict)
    }
}

/// A node and the peers that it reached.
pub(crate) struct Messenger {
    node: Node,
    /// Each peer, and why it is not connected if it is not.
    peers: Vec<(PeerId, Option<String>)>,
}

impl Messenger {
    /// Starts a node that listens nowhere, and dials the peers.
    pub(crate) async fn start(opened: &Opened, targets: &[Target]) -> Result<Self, Failure> {
        let builder = Builder::new(opened.network, opened.chain.clone())
            .policy(opened.policy)
            .capacity(Capacity::SMALL);
        let node = builder.start().await.map_err(Failure::failed)?;
        let handle = node.handle();
        let reached = join_all(targets.iter().map(async |target| {
            let failure = match timeout(CONNECT, connect(&handle, target)).await {
                Ok(connected) => connected.err(),
                Err(_) => Some(format!("no connection within {} s", CONNECT.as_secs())),
            };
            (target.peer, failure)
        }));
        let peers = reached.await;
        Ok(Self { node, peers })
    }

    /// The history of an identity, from the first peer that has one.
    pub(crate) async fn history(&self, id: IdentityId) -> Option<Vec<Vec<u8>>> {
        let handle = self.node.handle();
        for (peer, failure) in &self.peers {
            if failure.is_none()
                && let Ok(Response::History(history)) =
                    handle.ask_peer(*peer, Request::History(id)).await
                && !history.is_empty()
            {
                return Some(history);
            }
        }
        None
    }

    /// Hands a claim to every peer, and says what became of it.
    pub(crate) async fn hand(&self, claim: &[u8]) -> Vec<Verdict> {
        let handle = self.node.handle();
        let verdicts = self.peers.iter().map(async |(peer, failure)| {
            let (taken, verdict) = match failure {
                Some(failure) => (false, format!("cannot be reached: {failure}")),
                None => {
                    let push = Request::Push(claim.to_vec());
                    judged(handle.ask_peer(*peer, push).await.ok())
                }
            };
            Verdict { peer: peer.to_string(), taken, verdict }
        });
        join_all(verdicts).await
    }

    pub(crate) async fn stop(self) {
        self.node.stop().await;
    }
}

async fn connect(handle: &Handle, target: &Target) -> Result<(), String> {
    let mut events = handle.subscribe();
    let Target { peer: wanted, address } = target;
    handle.dial(address.clone()).await.map_err(|error| error.to_string())?;
    loop {
        // It may have been connected before; and a listener that is behind misses events.
        if handle.peers().await.is_ok_and(|peers| peers.iter().any(|peer| peer == wanted)) {
            return Ok(());
        }
        match events.recv().await {
            Ok(NodeEvent::DialFailed { peer, error }) if peer == Some(*wanted) => {
                // A line for each address that was tried.
                return Err(error.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            Err(tokio::sync::broadcast::error::RecvError::Closed) => {
                return Err("the node has stopped".to_owned());
            }
            _ => {}
        }
    }
}

fn judged(response: Option<Response>) -> (bool, String) {
    let name = |code: u8| {
        let reason = Reason::ALL.iter().find(|reason| reason.code() == code);
        reason.map_or_else(|| format!("unknown reason {code}"), ToString::to_string)
    };
    match response {
        Some(Response::Judged { code, .. }) => {
            let taken = [Reason::New, Reason::Known, Reason::AlreadyKnown];
            (taken.iter().any(|reason| reason.code() == code), name(code))
        }
        Some(Response::Refused(code)) => (false, name(code)),
        Some(_) => (false, "answered something else".to_owned()),
        None => (false, "gave no answer".to_owned()),
    }
}
