//! A node of rust-libp2p with its default settings, and none of our rules: it checks the signature
//! of every advertisement that it gets and lists it if that holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use libp2p::{
    Multiaddr, StreamProtocol, Swarm, SwarmBuilder, gossipsub, identify,
    identity::Keypair,
    kad::{self, store::MemoryStore},
    noise, ping,
    request_response::{self, ProtocolSupport},
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use ltms_core::{IdentityId, Network, PublicKey, Reason, schnorr::verify, wire::AdHeader};
use ltms_net::behaviour::{
    dht,
    gossip::Topic,
    streams::{Codec, PROTOCOL, Request, Response},
};

#[derive(NetworkBehaviour)]
struct Defaults {
    gossip: gossipsub::Behaviour,
    dht: kad::Behaviour<MemoryStore>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    direct: request_response::Behaviour<Codec>,
}

impl Defaults {
    fn new(key: &Keypair) -> Self {
        let signed = gossipsub::MessageAuthenticity::Signed(key.clone());
        let mut gossip = gossipsub::Behaviour::new(signed, gossipsub::Config::default())
            .expect("default settings");
        for topic in Topic::ALL {
            gossip.subscribe(&topic.on(Network::Reg)).expect("a topic");
        }
        let local = key.public().to_peer_id();
        let protocol: StreamProtocol = dht::protocol(Network::Reg);
        let mut dht =
            kad::Behaviour::with_config(local, MemoryStore::new(local), kad::Config::new(protocol));
        dht.set_mode(Some(kad::Mode::Server));
        let identify = identify::Config::new("plain/1".to_owned(), key.public());
        Self {
            gossip,
            dht,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            direct: request_response::Behaviour::with_codec(
                Codec::default(),
                [(PROTOCOL, ProtocolSupport::Full)],
                request_response::Config::default(),
            ),
        }
    }
}

/// What it has listed, and how often it said what.
#[derive(Default)]
pub(super) struct List {
    pub(super) keys: BTreeMap<PublicKey, Option<IdentityId>>,
    pub(super) decisions: BTreeMap<String, u64>,
}

impl List {
    fn judge(&mut self, envelope: &[u8]) -> Reason {
        let reason = match AdHeader::read(Network::Reg, envelope) {
            Err(error) => error.reason(),
            Ok(ad) if !verify(&ad.author, &ad.signed_hash(Network::Reg), &ad.signature) => {
                Reason::InvalidSignature
            }
            Ok(ad) => {
                self.keys.insert(ad.author, ad.authority.map(|authority| authority.identity));
                Reason::New
            }
        };
        self.note(reason);
        reason
    }

    fn note(&mut self, reason: Reason) {
        *self.decisions.entry(reason.to_string()).or_default() += 1;
    }
}

/// Starts it, and returns where it listens and what it lists.
pub(super) async fn start() -> (Multiaddr, Arc<Mutex<List>>) {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(Defaults::new)
        .expect("behaviours")
        .build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("an address")).expect("listening");
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address;
        }
    };
    let list = Arc::new(Mutex::new(List::default()));
    let shared = list.clone();
    tokio::spawn(async move {
        loop {
            let event = swarm.select_next_some().await;
            on_event(event, &mut swarm, &shared);
        }
    });
    (address, list)
}

fn on_event(event: SwarmEvent<DefaultsEvent>, swarm: &mut Swarm<Defaults>, list: &Mutex<List>) {
    let mut list = list.lock().expect("nobody panics with it");
    match event {
        SwarmEvent::Behaviour(DefaultsEvent::Gossip(gossipsub::Event::Message {
            message, ..
        })) => {
            list.judge(&message.data);
        }
        SwarmEvent::Behaviour(DefaultsEvent::Direct(request_response::Event::Message {
            message: request_response::Message::Request { request, channel, .. },
            ..
        })) => {
            let answer = match request {
                Ok(Request::Push(envelope)) => {
                    Response::Judged { code: list.judge(&envelope).code(), retry_at: None }
                }
                Ok(Request::Challenge) => Response::Challenge([0; 32]),
                Ok(_) => Response::Refused(Reason::Unsupported.code()),
                Err(_) => return list.note(Reason::Malformed),
            };
            // The stream may be gone.
            let _ = swarm.behaviour_mut().direct.send_response(channel, answer);
        }
        _ => {}
    }
}
