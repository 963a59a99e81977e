//! Gossip in bursts, and around a peer that was cut off.

use std::collections::HashSet;

use crate::common::{Node, connect, drive, listen, node};
use libp2p::{
    PeerId,
    gossipsub::{self, MessageAcceptance, PublishError},
    swarm::SwarmEvent,
};
use ltms_core::{Network, size};
use ltms_net::behaviour::{
    Event,
    gossip::{self, MAX_MESSAGE, Topic},
};

/// Waits until each node knows of `count` subscriptions to the advertisements' topic.
pub(crate) async fn subscribed(nodes: &mut [&mut Node], count: usize) {
    let topic = Topic::Ads.on(Network::Reg).hash();
    let known = |node: &Node| {
        node.behaviour()
            .gossip
            .sub
            .all_peers()
            .filter(|(_, topics)| topics.contains(&&topic))
            .count()
    };
    if nodes.iter().all(|node| known(node) >= count) {
        return;
    }
    drive(nodes, |_, _, nodes| nodes.iter().all(|node| known(node) >= count).then_some(())).await;
}

pub(crate) fn publish(node: &mut Node, data: Vec<u8>) -> Result<(), PublishError> {
    node.behaviour_mut().gossip.sub.publish(Topic::Ads.on(Network::Reg), data).map(|_| ())
}

/// Accepts a received message and returns who handed it over, and its first byte.
pub(crate) fn accept(event: SwarmEvent<Event>, node: &mut Node) -> Option<(PeerId, u8)> {
    let SwarmEvent::Behaviour(Event::Gossip(event)) = event else { return None };
    let gossipsub::Event::Message { propagation_source, message_id, message } = *event else {
        return None;
    };
    assert_eq!(gossip::message_id(&message), message_id);
    assert_eq!(Topic::of(&message.topic, Network::Reg), Some(Topic::Ads));
    node.behaviour_mut().gossip.sub.report_message_validation_result(
        &message_id,
        &propagation_source,
        MessageAcceptance::Accept,
    );
    Some((propagation_source, message.data[0]))
}

#[tokio::test]
async fn a_burst_of_forty_large_messages_arrives_whole() {
    let (mut a, mut b) = (node(), node());
    let address = listen(&mut b).await;
    connect(&mut a, &mut b, &address).await;
    subscribed(&mut [&mut a, &mut b], 1).await;
    for number in 0..40 {
        publish(&mut a, vec![number; size::ENVELOPE]).expect("published");
    }
    let mut seen = HashSet::new();
    drive(&mut [&mut a, &mut b], |index, event, nodes| {
        if index == 1 {
            seen.extend(accept(event, nodes[1]).map(|(_, number)| number));
        }
        (seen.len() == 40).then_some(())
    })
    .await;
    let peer = *a.local_peer_id();
    let score = b.behaviour().gossip.sub.peer_score(&peer).expect("scores are on");
    assert!(score >= 0.0, "{score}");
}

#[tokio::test]
async fn slightly_oversize_messages_reach_us_and_larger_ones_cost_their_sender() {
    let (mut a, mut b) = (node(), node());
    let address = listen(&mut b).await;
    connect(&mut a, &mut b, &address).await;
    subscribed(&mut [&mut a, &mut b], 1).await;
    publish(&mut a, vec![5; 16_000]).expect("published");
    let number = drive(&mut [&mut a, &mut b], |index, event, nodes| {
        accept(event, nodes[index]).map(|(_, number)| number)
    })
    .await;
    assert_eq!(number, 5);

    let error = publish(&mut a, vec![9; MAX_MESSAGE + 1]).expect_err("larger than a message");
    assert!(matches!(error, PublishError::MessageTooLarge), "{error:?}");
    // Publishing counts the body alone, receiving the whole message: this one is sent and punished.
    let peer = *a.local_peer_id();
    publish(&mut a, vec![9; MAX_MESSAGE]).expect("published");
    publish(&mut a, vec![6; 10]).expect("published");
    drive(&mut [&mut a, &mut b], |index, event, nodes| {
        let taken = accept(event, nodes[index]).map(|(_, number)| number);
        assert_ne!(taken, Some(9), "no event tells of it");
        (taken == Some(6)).then_some(())
    })
    .await;
    let score = b.behaviour().gossip.sub.peer_score(&peer).expect("scores are on");
    assert!(score < 0.0, "{score}");
}

/// `c` knows the author `a` and the relay `b`, which it has cut off. All of `a`'s messages come by
/// `b` first; the copies that `a` itself offers later must not count as duplicates.
#[tokio::test]
async fn first_copies_from_one_who_is_cut_off_do_not_hide_later_ones() {
    let (mut a, mut b, mut c) = (node(), node(), node());
    let (at_b, at_c) = (listen(&mut b).await, listen(&mut c).await);
    connect(&mut a, &mut b, &at_b).await;
    connect(&mut b, &mut c, &at_c).await;
    let [author, relay, us] = [&a, &b, &c].map(|node| *node.local_peer_id());
    c.behaviour_mut().gossip.cut_off(&relay);
    subscribed(&mut [&mut a, &mut b, &mut c], 1).await;

    for number in 0..10 {
        publish(&mut a, vec![number; 100]).expect("published");
    }
    let mut relayed = HashSet::new();
    drive(&mut [&mut a, &mut b, &mut c], |index, event, nodes| {
        let (_, number) = accept(event, nodes[index])?;
        assert_eq!(index, 1, "c takes nothing from b");
        relayed.insert(number);
        (relayed.len() == 10).then_some(())
    })
    .await;

    a.dial(at_c).expect("dial");
    // Kept out of the mesh, c is told what a has instead of what is new.
    let mut seen = HashSet::new();
    drive(&mut [&mut a, &mut b, &mut c], |index, event, nodes| {
        if let SwarmEvent::ConnectionEstablished { peer_id, .. } = &event
            && (index, *peer_id) == (0, us)
        {
            assert!(nodes[0].behaviour_mut().gossip.stand(&us, -50));
        }
        if let (2, Some((source, number))) = (index, accept(event, nodes[index])) {
            assert_eq!(source, author);
            seen.insert(number);
        }
        (seen.len() == 10).then_some(())
    })
    .await;
}
