//! Records in the DHT are advertisements, or nothing.

use std::{cell::Cell, collections::HashSet, iter, time::Duration};

use libp2p::{
    futures::StreamExt,
    identity::Keypair,
    kad::{self, GetRecordOk, InboundRequest, KBucketKey, QueryResult, Quorum, Record},
    swarm::SwarmEvent,
};
use ltms_core::{Millis, Network, PublicKey, Reason, schnorr::SecretKey};
use ltms_net::{
    Handle, Offer,
    behaviour::{Event, dht::record_key, records::Worth},
    chain::DevChain,
    clock::Clock,
};
use tokio::time::timeout;

use crate::{
    common::{self, drive, listen},
    world::{
        PATIENCE, Watch, advertisement, builder, chain, connect, decided, delegation, finds, key,
        node, own, register, until,
    },
};

/// Records of a peer under delegated keys of the recorded burn number 0: each author with its
/// record.
struct Made<'a> {
    chain: &'a DevChain,
    peer: libp2p::PeerId,
    name: &'static str,
}

impl Made<'_> {
    fn author(&self, name: &str) -> SecretKey {
        key(&format!("{}/{name}", self.name))
    }

    fn record(
        &self,
        name: &str,
        age: Millis,
        change: impl FnOnce(&mut Record),
    ) -> (PublicKey, Record) {
        let author = self.author(name);
        let authority = Some(delegation(self.chain, 0, &author));
        let created_at = Clock::system().now().saturating_sub(age);
        let value = advertisement(&author, authority, &self.peer, created_at);
        let author = author.public_key();
        let mut record = Record::new(record_key(Network::Reg, &author), value);
        change(&mut record);
        (author, record)
    }

    fn good(&self) -> (PublicKey, Record) {
        self.record("good", Millis::ZERO, |_| ())
    }

    /// Expired, forged, and under the key of somebody else, who is given.
    fn bad(&self) -> [(PublicKey, Record); 3] {
        let expired = self.record("expired", Millis::from_hours(2), |_| ());
        let forged = self.record("forged", Millis::ZERO, |record| {
            let last = record.value.last_mut().expect("a signature");
            *last ^= 1;
        });
        let other = self.author("other").public_key();
        let (_, misplaced) = self.record("misplaced", Millis::ZERO, |record| {
            record.key = record_key(Network::Reg, &other);
        });
        [expired, forged, (other, misplaced)]
    }
}

/// A DHT server that has connected to a node and been identified by it.
pub(crate) async fn server(to: &Handle) -> common::Node {
    serve(common::node(), to).await
}

async fn serve(mut server: common::Node, to: &Handle) -> common::Node {
    listen(&mut server).await;
    server.dial(to.addresses()[0].clone()).expect("dialled");
    server.behaviour_mut().dht.kad.add_address(&to.peer_id(), to.addresses()[0].clone());
    drive(&mut [&mut server], |_, event, _| {
        matches!(event, SwarmEvent::Behaviour(Event::Identify(_))).then_some(())
    })
    .await;
    server
}

/// What others return under a key.
pub(crate) async fn get(server: &mut common::Node, author: &PublicKey) -> Option<Vec<u8>> {
    let query = server.behaviour_mut().dht.kad.get_record(record_key(Network::Reg, author));
    let mut found = None;
    drive(&mut [server], |_, event, _| {
        let SwarmEvent::Behaviour(Event::Dht(event)) = event else { return None };
        let kad::Event::OutboundQueryProgressed { id, result, step, .. } = *event else {
            return None;
        };
        if id != query {
            return None;
        }
        if let QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(record))) = result {
            found = Some(record.record.value);
        }
        step.last.then_some(())
    })
    .await;
    found
}

/// Puts a record to one node.
pub(crate) async fn put(server: &mut common::Node, to: &Handle, record: Record) {
    let kad = &mut server.behaviour_mut().dht.kad;
    let query = kad.put_record_to(record, iter::once(to.peer_id()), Quorum::One);
    drive(&mut [server], |_, event, _| match event {
        SwarmEvent::Behaviour(Event::Dht(event)) => match *event {
            kad::Event::OutboundQueryProgressed { id, .. } => (id == query).then_some(()),
            _ => None,
        },
        _ => None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_stored_only_as_a_good_advertisement_under_its_authors_key() {
    let chain = chain();
    let node = node(&chain).await;
    let b = node.handle();
    register(&b, &chain, 0).await;
    let mut server = server(&b).await;
    let made = Made { chain: &chain, peer: *server.local_peer_id(), name: "put" };
    let (bad, good) = (made.bad(), made.good());
    let records = bad.iter().chain([&good]).map(|(_, record)| record.clone());
    for record in records {
        put(&mut server, &b, record).await;
    }
    for reason in [Reason::Expired, Reason::InvalidSignature, Reason::Malformed] {
        until(&b, &reason.to_string(), async || decided(&b, reason).await == 1).await;
    }
    until(&b, "listed", async || finds(&b, &good.0).await).await;
    assert_eq!(get(&mut server, &good.0).await, Some(good.1.value));
    for (author, _) in &bad {
        assert_eq!(get(&mut server, author).await, None);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_lying_server_is_not_returned() {
    let chain = chain();
    let node = builder(&chain).start().await.expect("a node");
    let b = node.handle();
    register(&b, &chain, 0).await;
    let mut server = server(&b).await;
    let made = Made { chain: &chain, peer: *server.local_peer_id(), name: "held" };
    let (bad, good) = (made.bad(), made.good());
    for (author, record) in bad.iter().chain([&good]) {
        let store = server.behaviour_mut().dht.kad.store_mut();
        store.admit(record.clone(), *author, Worth::Own).expect("room");
    }
    let serving = tokio::spawn(async move {
        loop {
            server.select_next_some().await;
        }
    });
    until(&b, "asked", async || b.look_up(good.0).await.expect("answer").is_some()).await;
    for (author, _) in &bad {
        assert_eq!(b.look_up(*author).await.expect("answer"), None);
    }
    assert_eq!(decided(&b, Reason::InvalidSignature).await, 1, "it was asked, and not believed");
    serving.abort();
    node.stop().await;
}

/// So many keys whose peers are nearest to a DHT key, of all that an attacker has made.
fn nearest_to(key: &kad::RecordKey, count: usize, made: usize) -> Vec<Keypair> {
    let key = KBucketKey::new(key.clone());
    let mut keys: Vec<_> = (0..made)
        .map(|_| {
            let keypair = Keypair::generate_ed25519();
            let peer = keypair.public().to_peer_id();
            (KBucketKey::from(peer).distance(&key), keypair)
        })
        .collect();
    keys.sort_by_key(|(distance, _)| *distance);
    keys.into_iter().take(count).map(|(_, keypair)| keypair).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_sybils_nearest_to_a_key_hide_its_signer_from_nobody() {
    const SYBILS: usize = 20;
    let chain = chain();
    let node = builder(&chain).start().await.expect("a node");
    let b = node.handle();
    register(&b, &chain, 0).await;
    let mut holder = server(&b).await;
    let made = Made { chain: &chain, peer: *holder.local_peer_id(), name: "sybils" };
    let (author, record) = made.good();
    let store = holder.behaviour_mut().dht.kad.store_mut();
    store.admit(record.clone(), author, Worth::Own).expect("room");

    let mut sybils = Vec::new();
    for keypair in nearest_to(&record.key, SYBILS, 2_000) {
        sybils.push(serve(common::node_of(&keypair), &b).await);
    }
    let addresses: Vec<_> = sybils
        .iter()
        .map(|sybil| (*sybil.local_peer_id(), sybil.listeners().next().expect("one").clone()))
        .collect();
    let mut serving = tokio::task::JoinSet::new();
    for (number, mut sybil) in sybils.into_iter().enumerate() {
        let kad = &mut sybil.behaviour_mut().dht.kad;
        // They know each other only, and every second one has something forged to offer.
        kad.remove_peer(&b.peer_id());
        for (peer, address) in &addresses {
            kad.add_address(peer, address.clone());
        }
        if number % 2 == 0 {
            let mut forged = record.clone();
            *forged.value.last_mut().expect("a signature") ^= 1;
            kad.store_mut().admit(forged, author, Worth::Own).expect("room");
        }
        serving.spawn(async move {
            loop {
                sybil.select_next_some().await;
            }
        });
    }
    serving.spawn(async move {
        loop {
            holder.select_next_some().await;
        }
    });
    let asked = Cell::new(0);
    until(&b, "looked up", async || {
        asked.set(asked.get() + 1);
        b.look_up(author).await.expect("answer").is_some()
    })
    .await;
    let (asked, forged) = (asked.get(), decided(&b, Reason::InvalidSignature).await);
    println!(
        "{SYBILS} Sybils nearest to a key: found at look-up {asked}, {forged} forgeries refused"
    );

    // Who asks directories needs no key of the DHT at all.
    let other = builder(&chain).start().await.expect("a node");
    let c = other.handle();
    for (_, address) in &addresses {
        c.dial(address.clone()).await.expect("dialled");
    }
    connect(&c, &b).await;
    until(&c, "found", async || finds(&c, &author).await).await;
    serving.shutdown().await;
    node.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_advertisement_is_put_again_before_it_ends() {
    let (chain, watch) = (chain(), Watch::default());
    let node = builder(&chain).clock(watch.clock()).start().await.expect("a node");
    let b = node.handle();
    let (key, id) = register(&b, &chain, 0).await;
    let mut server = server(&b).await;
    // Long enough that it is not signed anew meanwhile.
    let offer = Offer { lifetime: Millis::from_hours(24), ..Offer::default() };
    b.advertise_signer(&key, own(id), &offer).await.expect("advertised");
    let (mut puts, mut values) = (0, HashSet::new());
    let mut look = tokio::time::interval(Duration::from_secs(1));
    let counting = async {
        while puts < 2 {
            tokio::select! {
                event = server.select_next_some() => {
                    let SwarmEvent::Behaviour(Event::Dht(event)) = event else { continue };
                    if let kad::Event::InboundRequest {
                        request: InboundRequest::PutRecord { record: Some(record), .. },
                    } = *event
                    {
                        puts += 1;
                        values.insert(record.value);
                        watch.forward(Millis::from_mins(31));
                    }
                }
                // It may not have known the server yet, and tries again after half a minute.
                _ = look.tick() => if puts == 0 { watch.forward(Millis::from_secs(31)) },
            }
        }
    };
    timeout(PATIENCE, counting).await.expect("in time");
    assert_eq!(values.len(), 1, "the same advertisement");
    node.stop().await;
}
