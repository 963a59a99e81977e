//! Look-ups of blocks are few. Fifty connections that use up all that they may have do not shut
//! others out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, request_response::Message, swarm::SwarmEvent};
use ltms_core::{Amount, Capacity, IdentityId, Network, OutPoint, Reason, chain::Transaction};
use ltms_net::{
    behaviour::{
        Event,
        streams::{Request, Response},
    },
    chain::DevChain,
    claim::{find_registration, registration_envelope},
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    common::{self, listen},
    world::{PATIENCE, builder, chain, decided, key, register, until},
};

const CONNECTIONS: usize = 50;
/// Claims of each of them, three of which it may have looked up at once and one more every 10 s.
const EACH: usize = 8;
/// For how long a message that came unasked may be held back, see `driver/admit.rs`.
const HOLD: Duration = Duration::from_secs(4);

/// Burns 50 XPI for the key of this name in a block of its own: the identity and its claim.
fn burn(chain: &DevChain, name: &str) -> (IdentityId, Vec<u8>) {
    let key = key(name);
    let raw = DevChain::burn_transaction(key.public_key(), Amount::from_xpi(50), None);
    chain.mine(&[raw]).expect("a block");
    let included = chain.registration_of(&key.public_key()).expect("the burn");
    let (vout, ..) = find_registration(&included.raw).expect("a registration");
    let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
    let id = OutPoint { txid, vout: vout.into() }.identity_id().expect("a small index");
    (id, registration_envelope(Network::Reg, &included, vout, &key).expect("a claim"))
}

/// How a peer pushes its claims, one after the other: told each time how it was judged.
struct Pusher {
    peer: common::Node,
    to: PeerId,
    claims: Vec<Vec<u8>>,
}

impl Pusher {
    fn push(&mut self) {
        if let Some(claim) = self.claims.pop() {
            let asked = self.peer.behaviour_mut().ask(&self.to, Request::Push(claim));
            asked.expect("connected");
        }
    }

    /// The code of the next judgement.
    async fn judged(&mut self) -> u8 {
        loop {
            let SwarmEvent::Behaviour(Event::Direct(event)) = self.peer.select_next_some().await
            else {
                continue;
            };
            let libp2p::request_response::Event::Message { message, .. } = *event else { continue };
            if let Message::Response { response: Response::Judged { code, .. }, .. } = message {
                return code;
            }
        }
    }
}

async fn established(peer: &mut common::Node) {
    while !matches!(peer.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}
}

/// Connects, and pushes claims in threes once all are there.
async fn starve(
    claims: Vec<Vec<u8>>,
    (address, to): (Multiaddr, PeerId),
    connected: oneshot::Sender<()>,
    mut go: watch::Receiver<bool>,
    judged: Arc<AtomicUsize>,
) {
    let mut pusher = Pusher { peer: common::node(), to, claims };
    pusher.peer.dial(address).expect("dialled");
    while !matches!(pusher.peer.select_next_some().await, SwarmEvent::ConnectionEstablished { .. })
    {
    }
    connected.send(()).expect("somebody waits");
    loop {
        tokio::select! {
            _ = pusher.peer.select_next_some() => {}
            _ = go.wait_for(|go| *go) => break,
        }
    }
    (0..3).for_each(|_| pusher.push());
    loop {
        pusher.judged().await;
        judged.fetch_add(1, Ordering::Relaxed);
        pusher.push();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_connections_that_use_up_look_ups_do_not_keep_an_honest_claim_from_being_settled() {
    let chain = chain();
    let (dialled_id, of_dialled) = burn(&chain, "dialled");
    let (inbound_id, of_inbound) = burn(&chain, "inbound");
    chain.mine_empty(80).expect("blocks");
    let elsewhere = DevChain::recorded().expect("a good recording");
    let strays: Vec<_> =
        (0..CONNECTIONS * EACH).map(|n| burn(&elsewhere, &format!("stray {n}")).1).collect();
    let node = builder(&chain).capacity(Capacity::NODE).start().await.expect("a node");
    let handle = node.handle();
    register(&handle, &chain, 19).await;
    let (address, us) = (handle.addresses()[0].clone(), handle.peer_id());

    let (go, gone) = watch::channel(false);
    let judged = Arc::<AtomicUsize>::default();
    let mut starving = JoinSet::new();
    for claims in strays.chunks(EACH) {
        // One at a time: handshakes have limits of their own.
        let (connected, inside) = oneshot::channel();
        let whom = (address.clone(), us);
        starving.spawn(starve(claims.to_vec(), whom, connected, gone.clone(), judged.clone()));
        timeout(PATIENCE, inside).await.expect("in time").expect("connected");
    }
    // One that the node dials, and one more like the fifty.
    let mut dialled = common::node();
    let its = listen(&mut dialled).await;
    let mut dialled = Pusher { peer: dialled, to: us, claims: vec![of_dialled] };
    handle.dial(its).await.expect("dialled");
    established(&mut dialled.peer).await;
    let mut inbound = Pusher { peer: common::node(), to: us, claims: Vec::new() };
    inbound.peer.dial(address).expect("dialled");
    while !matches!(inbound.peer.select_next_some().await, SwarmEvent::ConnectionEstablished { .. })
    {
    }

    go.send(true).expect("they wait");
    until(&handle, "the fifty have used them up", async || {
        decided(&handle, Reason::HeaderBudget).await > 0
    })
    .await;
    let began = Instant::now();
    dialled.push();
    let code = timeout(PATIENCE, dialled.judged()).await.expect("judged");
    let after = began.elapsed();
    assert_eq!(code, Reason::New.code(), "at the first attempt");
    assert!(handle.identity(dialled_id).await.expect("answer").is_some());

    // One of the many shares their half, and may have to come again.
    let (began, mut attempts) = (Instant::now(), 0);
    let own = async {
        loop {
            inbound.claims.push(of_inbound.clone());
            inbound.push();
            attempts += 1;
            match inbound.judged().await {
                code if code == Reason::HeaderBudget.code() => {}
                code => return code,
            }
        }
    };
    let code = timeout(PATIENCE, own).await.expect("judged");
    assert_eq!(code, Reason::New.code());
    assert!(handle.identity(inbound_id).await.expect("answer").is_some());
    println!(
        "{CONNECTIONS} connections pushed {} claims of unknown blocks, {} of which were looked up; \
         the claim of a peer that we dialled was settled after {after:.1?}, that of one like them \
         after {:.1?} and {attempts} attempts",
        judged.load(Ordering::Relaxed),
        decided(&handle, Reason::UnknownBlock).await,
        began.elapsed(),
    );
    // Either at once, or when a look-up was free again.
    assert!(after < 2 * HOLD, "{after:?}");
    starving.shutdown().await;
    node.stop().await;
}
