//! What a hostile peer gains by frames that gossipsub alone would answer, keep or ignore.

use std::{collections::HashSet, time::Duration};

use futures::StreamExt;
use libp2p::{gossipsub::MessageId, swarm::SwarmEvent};
use ltms_core::{Network, Policy, Quota, size};
use ltms_net::behaviour::{
    Event, Settings,
    gossip::{CONTROL_IDS, Topic},
};
use tokio::time::timeout;

use crate::{
    common::{
        Door, Node, connect, drive, listen, node, node_with,
        process::Process,
        settings,
        wire::{Hostile, frame, graft, ihave, iwant, message, subscribe},
    },
    honest::{accept, publish, subscribed},
};

const ADS: &str = "ltms/1/reg/ads";
/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory that this process has, in kibibytes.
fn resident() -> usize {
    usize::try_from(Process::This.resident()).expect("small")
}

/// A node that permits a burst as the policy does, but few RPCs after it: a slow machine must not
/// make a flood look like less.
fn strict() -> Node {
    let messages = Quota::per_second(1, Policy::LOTUS_V1.windows.connection.burst.get());
    node_with(&Settings { messages, ..settings() }, Door::default())
}

/// Both go on until `holds` of the node.
async fn until(hostile: &mut Hostile, node: &mut Node, mut holds: impl FnMut(&mut Node) -> bool) {
    let search = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        loop {
            tokio::select! {
                _ = hostile.swarm.select_next_some() => {}
                _ = node.select_next_some() => {}
                _ = look.tick() => if holds(node) { return },
            }
        }
    };
    timeout(PATIENCE, search).await.expect("in time");
}

fn is_subscribed(node: &Node, peer: &libp2p::PeerId) -> bool {
    let topic = Topic::Ads.on(Network::Reg).hash();
    let mut peers = node.behaviour().gossip.sub.all_peers();
    peers.any(|(other, topics)| other == peer && topics.contains(&&topic))
}

fn ids(first: usize, count: usize) -> Vec<Vec<u8>> {
    (first..first + count).map(|id| [&[9; 68][..], &id.to_be_bytes()].concat()).collect()
}

#[tokio::test]
async fn a_flood_of_ihave_gets_few_questions_and_costs_the_flooder_its_connection() {
    let mut server = strict();
    let mut hostile = Hostile::of(&mut server).await;
    let (us, peer) = (*server.local_peer_id(), *hostile.swarm.local_peer_id());
    let before = resident();
    let mut bytes = frame(&subscribe(ADS));
    const RPCS: usize = 5_000;
    for number in 0..RPCS {
        bytes.extend(frame(&ihave(ADS, &ids(number * 90, 90))));
    }
    let sent = bytes.len();
    hostile.send(&us, bytes);
    let mut floods = HashSet::new();
    let mut seconds = 0;
    until(&mut hostile, &mut server, |node| {
        seconds += 1;
        if seconds % 20 == 0 {
            floods = node.behaviour_mut().gossip.drops();
        }
        !floods.is_empty()
    })
    .await;
    let grown = resident().saturating_sub(before);
    let answered = hostile.received();
    println!(
        "IHAVE flood: {RPCS} RPCs, {sent} bytes, {} ids; answered with {answered} bytes, memory \
         +{grown} KiB (both ends)",
        RPCS * 90
    );
    assert_eq!(floods, HashSet::from([peer]));
    // Each heartbeat asks for as many ids as fit one message.
    assert!(answered < 20 * CONTROL_IDS * 80, "{answered}");
    assert!(grown < 64 << 10, "{grown}");
}

#[tokio::test]
async fn promises_that_are_not_kept_cost_the_place_in_the_mesh() {
    let mut server = node();
    let mut hostile = Hostile::of(&mut server).await;
    let (us, peer) = (*server.local_peer_id(), *hostile.swarm.local_peer_id());
    let mut bytes = frame(&subscribe(ADS));
    for number in 0..10 {
        bytes.extend(frame(&ihave(ADS, &ids(number, 1))));
    }
    hostile.send(&us, bytes);
    let mut lowest = 0.0_f64;
    until(&mut hostile, &mut server, |node| {
        lowest = lowest.min(node.behaviour().gossip.sub.peer_score(&peer).unwrap_or_default());
        lowest < 0.0
    })
    .await;
    println!("ten broken promises: score {lowest}");
    let topic = Topic::Ads.on(Network::Reg).hash();
    until(&mut hostile, &mut server, |node| {
        !node.behaviour().gossip.sub.mesh_peers(&topic).any(|other| *other == peer)
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_iwant_gets_each_message_a_few_times_only() {
    let mut server = strict();
    let mut hostile = Hostile::of(&mut server).await;
    let (us, peer) = (*server.local_peer_id(), *hostile.swarm.local_peer_id());
    hostile.send(&us, frame(&subscribe(ADS)));
    until(&mut hostile, &mut server, |node| is_subscribed(node, &peer)).await;
    const MESSAGES: usize = 20;
    let topic = Topic::Ads.on(Network::Reg);
    let wanted: Vec<Vec<u8>> = (0..MESSAGES)
        .map(|number| {
            let data = vec![u8::try_from(number).expect("small"); size::ENVELOPE];
            let gossip = &mut server.behaviour_mut().gossip.sub;
            let MessageId(id) = gossip.publish(topic.clone(), data).expect("published");
            id
        })
        .collect();
    let before = resident();
    const RPCS: usize = 3_000;
    let all: Vec<_> = wanted.iter().cycle().take(90).cloned().collect();
    let mut bytes = frame(&subscribe(ADS));
    for _ in 0..RPCS {
        bytes.extend(frame(&iwant(&all)));
    }
    hostile.send(&us, bytes);
    let mut floods = HashSet::new();
    let mut seconds = 0;
    until(&mut hostile, &mut server, |node| {
        seconds += 1;
        if seconds % 20 == 0 {
            floods = node.behaviour_mut().gossip.drops();
        }
        !floods.is_empty()
    })
    .await;
    let (answered, grown) = (hostile.received(), resident().saturating_sub(before));
    println!(
        "IWANT flood: {RPCS} RPCs ask for {} MB; answered with {answered} bytes, memory +{grown} KiB",
        RPCS * 90 * size::ENVELOPE / 1_000_000
    );
    assert_eq!(floods, HashSet::from([peer]));
    // The first time unasked, three times for asking.
    assert!(answered < 4 * MESSAGES * (size::ENVELOPE + 300) + 10_000, "{answered}");
    assert!(grown < 64 << 10, "{grown}");
}

#[tokio::test]
async fn messages_of_other_topics_are_neither_kept_nor_held_against_anybody() {
    let mut server = node();
    let mut hostile = Hostile::of(&mut server).await;
    let (us, peer) = (*server.local_peer_id(), *hostile.swarm.local_peer_id());
    const MESSAGES: u64 = 800;
    // As an application of its own does, with topics of its own.
    let topic = "lotus-musig2/signers";
    let mut bytes = frame(&[subscribe(topic), subscribe("lotus-musig2/sessions")].concat());
    let json = format!("{{\"type\":\"signer\",\"data\":\"{}\"}}", "x".repeat(30_000));
    for number in 0..MESSAGES {
        bytes.extend(frame(&message(&hostile.key, topic, number, json.as_bytes())));
    }
    bytes.extend(frame(&subscribe(ADS)));
    let sent = bytes.len();
    hostile.send(&us, bytes);
    until(&mut hostile, &mut server, |node| node.behaviour().gossip.foreign() > 0).await;
    let before = resident();
    until(&mut hostile, &mut server, |node| {
        node.behaviour().gossip.foreign() == MESSAGES && is_subscribed(node, &peer)
    })
    .await;
    let grown = resident().saturating_sub(before);
    let score = server.behaviour().gossip.sub.peer_score(&peer);
    println!(
        "other topics: {MESSAGES} messages, {sent} bytes; memory +{grown} KiB, score {score:?}"
    );
    assert_eq!(score, Some(0.0));
    assert!(server.is_connected(&peer));
    assert!(grown < sent / 2 / 1_024, "{grown}");
}

#[tokio::test]
async fn malformed_rpcs_end_their_stream_and_harm_nobody_else() {
    let (mut server, mut honest) = (node(), node());
    let mut hostile = Hostile::of(&mut server).await;
    let us = *server.local_peer_id();
    let endless = [0xff; 20].to_vec();
    let oversize = [&[0xff, 0xff, 0xff, 0x7f][..], &[0; 100]].concat();
    let cut = frame(&[0x12, 0x7f, 1]);
    let wrong = frame(&[0x07; 50]);
    let unsigned = frame(&[0x12, 0x06, 0x22, 0x04, b'l', b't', b'm', b's']);
    let mut random = vec![0; 4_000];
    rand::Rng::fill(&mut rand::rng(), &mut random[..]);
    for bytes in [endless, oversize, cut, wrong, unsigned, random] {
        hostile.send(&us, bytes);
    }
    let address = listen(&mut server).await;
    connect(&mut honest, &mut server, &address).await;
    subscribed(&mut [&mut honest, &mut server], 1).await;
    publish(&mut honest, vec![7; 100]).expect("published");
    let search = async {
        loop {
            tokio::select! {
                _ = hostile.swarm.select_next_some() => {}
                _ = honest.select_next_some() => {}
                event = server.select_next_some() => {
                    if let Some((_, number)) = accept(event, &mut server) {
                        return number;
                    }
                }
            }
        }
    };
    assert_eq!(timeout(PATIENCE, search).await.expect("in time"), 7);
}

/// Nobody publishes anything for some heartbeats.
#[tokio::test]
async fn a_quiet_honest_mesh_stays_whole_and_nobody_goes_below_zero() {
    const NODES: usize = 5;
    let mut nodes: Vec<_> = (0..NODES).map(|_| node()).collect();
    let mut addresses = Vec::new();
    for node in &mut nodes {
        addresses.push(listen(node).await);
    }
    for (index, node) in nodes.iter_mut().enumerate() {
        for address in &addresses[..index] {
            node.dial(address.clone()).expect("dial");
        }
    }
    let mut all: Vec<_> = nodes.iter_mut().collect();
    subscribed(&mut all, NODES - 1).await;
    let topic = Topic::Ads.on(Network::Reg).hash();
    let mesh = |node: &Node| node.behaviour().gossip.sub.mesh_peers(&topic).count();
    let quiet = async {
        drive(&mut all, |_, _, nodes| {
            nodes.iter().all(|node| mesh(node) == NODES - 1).then_some(())
        })
        .await;
        let rest = drive(&mut all, |_, _, _| None::<()>);
        let _ = timeout(Duration::from_secs(6), rest).await;
    };
    timeout(PATIENCE, quiet).await.expect("in time");
    for node in &mut nodes {
        // Minutes pass, in which nothing was to be brought.
        for _ in 0..3 {
            node.behaviour_mut().gossip.end_minute();
        }
    }
    let ids: Vec<_> = nodes.iter().map(|node| *node.local_peer_id()).collect();
    for node in &nodes {
        let gossip = &node.behaviour().gossip;
        assert_eq!(mesh(node), NODES - 1);
        for id in ids.iter().filter(|id| *id != node.local_peer_id()) {
            let score = gossip.sub.peer_score(id).expect("scores are on");
            assert!(score >= 0.0 && gossip.silence(id) == 0, "{score}");
        }
    }
    println!("quiet: {NODES} nodes, each with the {} others in its mesh", NODES - 1);
}

#[tokio::test]
async fn a_peer_that_never_forwards_goes_below_zero_and_out_of_the_mesh() {
    let (mut server, mut honest) = (node(), node());
    let mut hostile = Hostile::of(&mut server).await;
    let (us, silent) = (*server.local_peer_id(), *hostile.swarm.local_peer_id());
    let address = listen(&mut server).await;
    connect(&mut honest, &mut server, &address).await;
    subscribed(&mut [&mut honest, &mut server], 1).await;
    hostile.send(&us, [frame(&subscribe(ADS)), frame(&graft(ADS))].concat());
    let topic = Topic::Ads.on(Network::Reg).hash();
    let good = *honest.local_peer_id();
    let meshed = |node: &Node, peer| {
        node.behaviour().gossip.sub.mesh_peers(&topic).any(|other| *other == peer)
    };
    let run = async {
        let mut taken = 0;
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let mut began = false;
        let mut below = false;
        loop {
            tokio::select! {
                _ = hostile.swarm.select_next_some() => {}
                _ = honest.select_next_some() => {}
                event = server.select_next_some() => {
                    if let SwarmEvent::Behaviour(Event::Gossip(event)) = &event
                        && let libp2p::gossipsub::Event::Message { message_id, .. } = &**event
                    {
                        server.behaviour_mut().gossip.accepted(message_id);
                    }
                    taken += usize::from(accept(event, &mut server).is_some());
                }
                _ = look.tick() => {
                    if !began && meshed(&server, silent) && meshed(&server, good) {
                        began = true;
                        server.behaviour_mut().gossip.end_minute();
                        for number in 0..5 {
                            publish(&mut honest, vec![number; 100]).expect("published");
                        }
                    }
                    let gossip = &mut server.behaviour_mut().gossip;
                    if taken == 5 && !below {
                        gossip.end_minute();
                        assert_eq!((gossip.silence(&silent), gossip.silence(&good)), (1, 0));
                        assert!(gossip.stand(&silent, -1) && gossip.stand(&good, 0));
                        below = true;
                    }
                    if below && !meshed(&server, silent) {
                        return;
                    }
                }
            }
        }
    };
    timeout(PATIENCE, run).await.expect("in time");
    let score = |peer| server.behaviour().gossip.sub.peer_score(peer).expect("scores are on");
    println!("never forwards: {}, forwards: {}", score(&silent), score(&good));
    assert!(score(&silent) < 0.0 && score(&good) >= 0.0 && meshed(&server, good));
}

#[tokio::test]
async fn a_connection_may_send_as_many_rpcs_as_its_policy_says() {
    // Twenty times one message a second, and twenty times two at once.
    let messages = Quota::per_second(1, 2);
    let mut server = node_with(&Settings { messages, ..settings() }, Door::default());
    let mut hostile = Hostile::of(&mut server).await;
    let (us, peer) = (*server.local_peer_id(), *hostile.swarm.local_peer_id());
    // The first event says which protocol it speaks.
    let few: Vec<_> = (0..38).flat_map(|_| frame(&subscribe("other"))).collect();
    let last = frame(&subscribe(ADS));
    hostile.send(&us, [few, last].concat());
    until(&mut hostile, &mut server, |node| is_subscribed(node, &peer)).await;
    assert!(server.behaviour_mut().gossip.drops().is_empty());
    let many: Vec<_> = (0..60).flat_map(|_| frame(&subscribe("other"))).collect();
    hostile.send(&us, many);
    until(&mut hostile, &mut server, |node| !node.behaviour_mut().gossip.drops().is_empty()).await;
}
