//! Look-ups of blocks are few; fifty connections that use them up do not shut others out.

use std::collections::HashMap;

use libp2p::{request_response::Message, swarm::SwarmEvent};
use ltms_core::{Amount, Capacity, Network, OutPoint, Reason, chain::Transaction};
use ltms_net::{
    behaviour::{
        Event,
        streams::{Request, Response},
    },
    chain::DevChain,
    claim::{find_registration, registration_envelope},
};

use crate::{
    common::{self, drive},
    world::{builder, burn, chain, decided, key, register},
};

const CONNECTIONS: usize = 50;
/// As many as a connection may have looked up at once.
const EACH: usize = 3;

/// Claims whose blocks the node's chain does not have, each in a block of its own.
fn strays(count: usize) -> Vec<Vec<u8>> {
    let elsewhere = DevChain::recorded().expect("a good recording");
    let keys: Vec<_> = (0..count).map(|number| key(&format!("stray {number}"))).collect();
    for key in &keys {
        let raw = DevChain::burn_transaction(key.public_key(), Amount::from_xpi(50), None);
        elsewhere.mine(&[raw]).expect("a block");
    }
    keys.iter()
        .map(|key| {
            let included = elsewhere.registration_of(&key.public_key()).expect("the burn");
            let (vout, ..) = find_registration(&included.raw).expect("a registration");
            registration_envelope(Network::Reg, &included, vout, key).expect("a claim")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_connections_that_use_up_look_ups_do_not_keep_an_honest_claim_from_being_settled() {
    let chain = chain();
    let started = builder(&chain).capacity(Capacity::NODE).start().await;
    let node = started.expect("a node");
    let handle = node.handle();
    register(&handle, &chain, 19).await;
    let (key, OutPoint { txid, vout }, id) = burn(&chain, 0);
    let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
    assert_eq!(Transaction::parse(&included.raw).expect("a transaction").txid(), txid);
    let vout = vout.try_into().expect("a small index");
    let honest = registration_envelope(Network::Reg, &included, vout, &key).expect("a claim");

    let strays = strays(CONNECTIONS * EACH);
    let mut peers: Vec<_> = (0..=CONNECTIONS).map(|_| common::node()).collect();
    for peer in &mut peers {
        peer.dial(handle.addresses()[0].clone()).expect("dialled");
    }
    let mut swarms: Vec<_> = peers.iter_mut().collect();
    let mut connected = 0;
    drive(&mut swarms, |_, event, _| {
        connected += usize::from(matches!(event, SwarmEvent::ConnectionEstablished { .. }));
        (connected == CONNECTIONS + 1).then_some(())
    })
    .await;
    let to = handle.peer_id();
    for (peer, claims) in swarms.iter_mut().zip(strays.chunks(EACH)) {
        for claim in claims {
            peer.behaviour_mut().ask(&to, Request::Push(claim.clone())).expect("connected");
        }
    }
    // The honest one comes when each of the fifty has been heard.
    let mut judged: HashMap<usize, usize> = HashMap::new();
    let mut asked = None;
    let code = drive(&mut swarms, |index, event, swarms| {
        let SwarmEvent::Behaviour(Event::Direct(event)) = event else { return None };
        let libp2p::request_response::Event::Message { message, .. } = *event else { return None };
        let Message::Response { request_id, response: Response::Judged { code, .. } } = message
        else {
            return None;
        };
        if asked == Some((index, request_id)) {
            return Some(code);
        }
        *judged.entry(index).or_default() += 1;
        if judged.len() == CONNECTIONS && asked.is_none() {
            let last = swarms[CONNECTIONS].behaviour_mut();
            let id = last.ask(&to, Request::Push(honest.clone())).expect("connected");
            asked = Some((CONNECTIONS, id));
        }
        None
    })
    .await;
    assert_eq!(code, Reason::New.code());
    assert!(handle.identity(id).await.expect("answer").is_some());
    let spent = decided(&handle, Reason::UnknownBlock).await;
    assert!(spent >= CONNECTIONS as u64, "the fifty had {spent} blocks looked up");
    node.stop().await;
}
