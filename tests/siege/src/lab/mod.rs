//! Virtual time, peers, links between them, and what became of each message.
//!
//! Nothing here decides: a node's [`Rules`] do, and an attacker's [`Actor`]. The same seed makes
//! the same run, because every draw is of one generator and the queue breaks ties by number.

mod arrive;
pub(crate) mod burns;
pub(crate) mod field;
mod figures;
mod links;
mod mesh;
mod messages;
mod pages;
mod peer;
mod queue;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use ltms_core::{Connection, Direction, Millis, PublicKey, Timestamp};

use arrive::Held;
use field::Signer;
use queue::Queue;

pub(crate) use links::Links;
pub(crate) use messages::{Kind, Message, Messages};
pub(crate) use peer::{Peer, Relay};
pub(crate) use tally::{Sample, Share, Tally};

use crate::made::{self, Random};
use crate::rules::Rules;

/// Number of a peer, and of a message: they are never used twice.
pub(crate) type Number = u32;

/// How long a message may take to a node and still count as delivered.
pub(crate) const IN_TIME: Millis = Millis::from_secs(30);
/// How often nodes look after their timers, and figures are taken.
pub(crate) const TICK: Millis = Millis::from_secs(30);

/// Somebody who does something from time to time.
pub(crate) trait Actor {
    /// Acts, and says when again.
    fn act(&mut self, lab: &mut Lab) -> Option<Timestamp>;
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrive { from: Number, to: Number, message: Number },
    Retry(Number),
    Act(usize),
    Read(Number),
    Page { from: Number, to: Number },
    Item { from: Number, to: Number, message: Number },
    Heartbeat,
    Tick,
}

/// Everything that there is.
pub(crate) struct Lab {
    pub(crate) now: Timestamp,
    pub(crate) random: Random,
    pub(crate) peers: Vec<Peer>,
    /// What each of them does with messages of others: asked for more often than all else.
    relays: Vec<Relay>,
    pub(crate) messages: Messages,
    /// The last honest advertisement of each key.
    newest: BTreeMap<PublicKey, Number>,
    pub(crate) tally: Tally,
    /// The honest signers.
    pub(crate) signers: Vec<Signer>,
    /// Nodes with rules.
    nodes: Vec<Number>,
    /// To how many links a node passes messages on at once; to all of them if 0.
    degree: usize,
    heartbeats: u64,
    /// Of a thousand messages over a link, how many are lost.
    pub(crate) loss: usize,
    /// A link's delay in milliseconds: at least, and how much more at most.
    pub(crate) delay: (u64, usize),
    /// Whether nobody attacks: attackers get no connection, nothing is split and no clock is off.
    pub(crate) calm: bool,
    /// Pairs of sides between which nothing passes.
    pub(crate) split: Option<fn(Number) -> bool>,
    queue: Queue<Happening>,
    held: Held,
    actors: Vec<Option<Box<dyn Actor>>>,
}

impl Lab {
    pub(crate) fn new(seed: u64) -> Self {
        let mut lab = Self {
            now: made::START,
            random: Random::new(seed),
            peers: Vec::new(),
            relays: Vec::new(),
            messages: Messages::default(),
            newest: BTreeMap::new(),
            tally: Tally::default(),
            signers: Vec::new(),
            nodes: Vec::new(),
            degree: 0,
            heartbeats: 0,
            loss: 0,
            delay: (20, 130),
            calm: false,
            split: None,
            queue: Queue::new(made::START),
            held: Held::default(),
            actors: Vec::new(),
        };
        lab.queue.plan(made::START.saturating_add(TICK), Happening::Tick);
        lab
    }

    /// Adds an actor that acts first at `at`.
    pub(crate) fn enter(&mut self, at: Timestamp, actor: impl Actor + 'static) {
        self.actors.push(Some(Box::new(actor)));
        self.queue.plan(at, Happening::Act(self.actors.len() - 1));
    }

    /// Adds a peer of the `group`th /24, each /24 in a /16 of its own.
    pub(crate) fn add(&mut self, group: u32, rules: Option<Box<dyn Rules>>) -> Number {
        let number = u32::try_from(self.peers.len()).expect("fewer than 2^32 peers");
        let relay = if rules.is_some() { Relay::Rules } else { Relay::Silent };
        let id = made::peer(number.into());
        let [_, _, a, b] = group.to_be_bytes();
        let host = 1 + (number % 250) as u8;
        let address = IpAddr::V4(Ipv4Addr::new(20 + a, b, 1, host));
        if rules.is_some() {
            self.nodes.push(number);
        } else {
            self.tally.groups.insert(group);
        }
        self.relays.push(relay);
        self.peers.push(Peer {
            id,
            address,
            rules,
            skew: 0,
            links: Links::default(),
            opened: Links::default(),
            mesh: Vec::new(),
            backoff: HashMap::new(),
            minute: mesh::Minute::default(),
        });
        number
    }

    /// A node's clock is off by so many milliseconds.
    pub(crate) fn skew(&mut self, node: Number, by: i64) {
        if !self.calm {
            self.peer(node).skew = by;
        }
    }

    fn peer(&mut self, number: Number) -> &mut Peer {
        &mut self.peers[number as usize]
    }

    pub(crate) fn connection(&self, to: Number, direction: Direction) -> Connection {
        let peer = &self.peers[to as usize];
        Connection { peer: peer.id, address: Some(peer.address), direction }
    }

    /// Whether `by` let `from` in, or `from` wanted nobody.
    pub(crate) fn connect(&mut self, from: Number, to: Number) -> bool {
        if from == to || self.peer(from).links.contains(to) {
            return false;
        }
        // Who has no rules is an attacker.
        if self.calm && [from, to].iter().any(|end| self.peer(*end).rules.is_none()) {
            return false;
        }
        let now = self.now;
        let (outbound, inbound) =
            (self.connection(to, Direction::Outbound), self.connection(from, Direction::Inbound));
        let lets = |peer: &mut Peer, connection: &Connection| {
            let now = peer.clock(now);
            peer.rules.as_mut().is_none_or(|rules| rules.connect(now, connection))
        };
        if !lets(self.peer(to), &inbound) {
            return false;
        }
        if !lets(self.peer(from), &outbound) {
            self.peer(to).forget(now, &inbound.peer);
            return false;
        }
        self.peer(from).links.insert(to);
        self.peer(from).opened.insert(to);
        self.peer(to).links.insert(from);
        true
    }

    pub(crate) fn disconnect(&mut self, a: Number, b: Number) {
        let now = self.now;
        for (this, other) in [(a, b), (b, a)] {
            let id = self.peer(other).id;
            let peer = self.peer(this);
            if peer.links.remove(other) {
                peer.opened.remove(other);
                peer.mesh.retain(|meshed| *meshed != other);
                peer.forget(now, &id);
            }
        }
    }

    pub(crate) fn relay(&self, of: Number) -> Relay {
        self.relays[of as usize]
    }

    /// From now on a peer does this with messages of others.
    pub(crate) fn set_relay(&mut self, of: Number, relay: Relay) {
        self.relays[of as usize] = relay;
    }

    pub(crate) fn links(&self, of: Number) -> &Links {
        &self.peers[of as usize].links
    }

    /// A node's rules, and what its clock says.
    ///
    /// # Panics
    /// If the peer has none.
    pub(crate) fn rules(&mut self, node: Number) -> (Timestamp, &mut dyn Rules) {
        let now = self.now;
        let peer = self.peer(node);
        let now = peer.clock(now);
        (now, &mut **peer.rules.as_mut().expect("a node"))
    }

    /// Whether a node has it in its directory.
    pub(crate) fn lists(&self, node: Number, key: &PublicKey) -> bool {
        let peer = &self.peers[node as usize];
        peer.rules.as_ref().is_some_and(|rules| rules.lists(peer.clock(self.now), key))
    }

    /// Whether the node hears nothing of this connected peer until it has proved an identity.
    pub(crate) fn asks_for_proof(&mut self, of: Number, node: Number) -> bool {
        let id = self.peer(of).id;
        let (now, rules) = self.rules(node);
        rules.is_cut_off(now, &id)
    }

    /// Whether a connected peer can prove to the node that it is this signer.
    pub(crate) fn prove(&mut self, of: Number, node: Number, signer: &Signer) -> bool {
        let (id, verifier) = (self.peer(of).id, self.peer(node).id);
        let (now, rules) = self.rules(node);
        rules.prove(now, &id, &verifier, signer)
    }

    /// Nodes with rules.
    pub(crate) fn nodes(&self) -> &[Number] {
        &self.nodes
    }

    /// A peer says something of its own to all that it is connected with.
    pub(crate) fn publish(&mut self, from: Number, message: Message) -> Number {
        let (honest, key) = (message.kind == Kind::Honest, message.key);
        let number = self.messages.add(message);
        if honest {
            self.newest.insert(key, number);
        }
        let is_node = self.peer(from).rules.is_some();
        let nodes = self.nodes.len() - usize::from(is_node);
        self.messages[number].peers = self.peers.len() as Number;
        self.tally.published(&mut self.messages[number], from, nodes, self.now);
        if self.relay(from) != Relay::Silent {
            self.messages[number].seen.insert(from);
        }
        let links: Vec<_> = self.links(from).iter().collect();
        for to in links {
            self.send(from, to, number);
        }
        number
    }

    /// A message that is there once more, or over one link only.
    pub(crate) fn send(&mut self, from: Number, to: Number, message: Number) {
        let fast = self.relay(from) == Relay::Fast;
        let (least, more) = if fast { (1, 1) } else { self.delay };
        let delay = least + self.random.below(more) as u64;
        self.send_after(Millis::new(delay), from, to, message);
    }

    fn send_after(&mut self, delay: Millis, from: Number, to: Number, message: Number) {
        self.tally.hostile_copies += u64::from(self.peer(from).rules.is_none());
        let lost = self.loss > 0 && self.random.below(1000) < self.loss;
        if !lost && self.relay(to) != Relay::Silent {
            let at = self.now.saturating_add(delay);
            self.queue.plan(at, Happening::Arrive { from, to, message });
        }
    }

    /// Lets happen what does until then.
    pub(crate) fn run(&mut self, until: Timestamp) {
        while let Some((at, what)) = self.queue.next(until) {
            self.now = at;
            match what {
                Happening::Arrive { from, to, message } => self.arrive(from, to, message),
                Happening::Retry(held) => self.retry(held),
                Happening::Read(node) => self.read_any(node),
                Happening::Page { from, to } => self.page(from, to),
                Happening::Item { from, to, message } => self.item(from, to, message),
                Happening::Heartbeat => {
                    self.heartbeat();
                    self.queue.plan(at.saturating_add(mesh::HEARTBEAT), Happening::Heartbeat);
                }
                Happening::Tick => {
                    self.tick();
                    self.queue.plan(at.saturating_add(TICK), Happening::Tick);
                }
                Happening::Act(number) => {
                    let Some(mut actor) = self.actors[number].take() else { continue };
                    if let Some(next) = actor.act(self) {
                        self.queue.plan(next, Happening::Act(number));
                    }
                    self.actors[number] = Some(actor);
                }
            }
        }
        self.now = until;
    }

    fn tick(&mut self) {
        for node in self.nodes.clone() {
            let (now, rules) = self.rules(node);
            rules.tick(now);
            self.end_sanctioned(node);
        }
        let rules = || self.peers.iter().filter_map(|peer| peer.rules.as_deref());
        let bytes = rules().map(|rules| rules.bytes()).sum();
        let checks = rules().map(|rules| rules.checks()).sum();
        self.tally.sample(self.now, bytes, checks);
    }
}
