//! An advertisement whose identity is not known yet.

use libp2p::{request_response::Message, swarm::SwarmEvent};
use ltms_core::{IdentityId, Millis, Network, Reason};
use ltms_net::{
    Handle,
    behaviour::{
        Event,
        streams::{Request, Response},
    },
    chain::DevChain,
    claim::registration_envelope,
    clock::Clock,
};

use crate::{
    common::{self, drive},
    world::{Watch, advertisement, builder, burn, chain, found, own, register},
};

fn claim(chain: &DevChain, n: u8) -> Vec<u8> {
    let (key, outpoint, _) = burn(chain, n);
    let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
    let vout = outpoint.vout.try_into().expect("a small index");
    registration_envelope(Network::Reg, &included, vout, &key).expect("a claim")
}

/// A peer that pushes an advertisement, is asked for a claim and answers with `claim`: which
/// identity it was asked for, and the verdict.
async fn push(
    peer: &mut common::Node,
    to: &Handle,
    ad: &[u8],
    claim: Option<Vec<u8>>,
    mut asked: impl FnMut(),
) -> (IdentityId, u8) {
    let (to, mut wanted) = (to.peer_id(), None);
    let request = peer.behaviour_mut().ask(&to, Request::Push(ad.to_vec())).expect("connected");
    drive(&mut [peer], |_, event, peers| {
        let SwarmEvent::Behaviour(Event::Direct(event)) = event else { return None };
        let libp2p::request_response::Event::Message { message, .. } = *event else { return None };
        match message {
            Message::Request { request: Ok(Request::Claim(id)), channel, .. } => {
                wanted = Some(id);
                let answer = Response::Claim(claim.clone());
                peers[0].behaviour_mut().direct.send_response(channel, answer).expect("open");
                asked();
                None
            }
            Message::Response { request_id, response: Response::Judged { code, .. } }
                if request_id == request =>
            {
                Some((wanted.take().expect("asked for the claim"), code))
            }
            _ => None,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_claim_is_asked_for_and_then_the_advertisement_is_taken() {
    let (chain, watch) = (chain(), Watch::default());
    let node = builder(&chain).clock(watch.clock()).start().await.expect("a node");
    let b = node.handle();
    register(&b, &chain, 19).await;
    let mut peer = common::node();
    peer.dial(b.addresses()[0].clone()).expect("dialled");
    drive(&mut [&mut peer], |_, event, _| {
        matches!(event, SwarmEvent::ConnectionEstablished { .. }).then_some(())
    })
    .await;
    let ad = |n| {
        let (key, _, id) = burn(&chain, n);
        (advertisement(&key, own(id), peer.local_peer_id(), Clock::system().now()), id)
    };
    let ads = [ad(0), ad(1), ad(2)];

    let (ad, id) = &ads[0];
    let verdict = push(&mut peer, &b, ad, Some(claim(&chain, 0)), || ()).await;
    assert_eq!(verdict, (*id, Reason::New.code()));
    assert_eq!(found(&b).await[0].identity, Some(*id));
    assert!(b.identity(*id).await.expect("answer").is_some());

    // Without the claim, or with another one, it is given up in time.
    for ((ad, id), answer) in ads[1..].iter().zip([None, Some(claim(&chain, 3))]) {
        let verdict = push(&mut peer, &b, ad, answer, || watch.forward(Millis::from_secs(5))).await;
        assert_eq!(verdict, (*id, Reason::UnknownIdentity.code()));
        assert!(b.identity(*id).await.expect("answer").is_none());
    }
    assert_eq!(found(&b).await.len(), 1);
    node.stop().await;
}
