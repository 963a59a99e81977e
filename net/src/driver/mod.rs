//! The one task that owns the swarm, and with it the Gate.

mod admit;
mod burns;
mod commands;
mod dht;
mod dialling;
mod heartbeat;
mod histories;
mod intake;
mod lookups;
mod operator;
mod own;
mod pulls;
mod refusals;
mod searches;
mod session_steps;
mod sessions;
mod swarm;
mod timers;
mod waiting;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use libp2p::{
    PeerId, Swarm,
    futures::StreamExt,
    gossipsub::{MessageAcceptance, MessageId},
    kad,
    metrics::Metrics,
    request_response::{OutboundRequestId, ResponseChannel},
};
use ltms_core::{
    Decision, FrameKind, IdentityId, LookupTicket, Network, PublicKey, Reason, Source, Timestamp,
    Verdict, schnorr::SecretKey,
};
use tokio::sync::{broadcast, mpsc, oneshot};

pub(crate) use self::sessions::Desk;
use self::{
    burns::Search, dht::Announced, dialling::Kept, histories::Histories, intake::Intake,
    lookups::Lookups, own::Own, refusals::Refusals, searches::Searches, timers::Timers,
    waiting::Waiting,
};
use crate::{
    behaviour::{self, Behaviour, streams::Response},
    chain::ChainSource,
    clock::Clock,
    door::{Door, Gate, core_peer, net_peer},
    envelopes::Envelopes,
    handle::{Command, NodeEvent, Signer, Stored},
    meters::Meters,
    store::Keeper,
    transport::Trusted,
    verify::Workers,
};

/// How often the chain's tip is asked for, a peer's directory, who is to be dialled, and who is
/// noted to be dialled after a restart; how long a search waits for its first answer, and for all.
#[derive(Clone, Copy)]
struct Pace {
    tip: Duration,
    directory: Duration,
    dial: Duration,
    anchors: Duration,
    first: Duration,
    search: Duration,
}

impl Pace {
    const USUAL: Self = Self {
        tip: Duration::from_secs(10),
        directory: Duration::from_secs(60),
        dial: Duration::from_secs(1),
        anchors: Duration::from_secs(60),
        first: Duration::from_secs(5),
        search: Duration::from_secs(30),
    };
    const QUICK: Self = Self {
        tip: Duration::from_millis(500),
        directory: Duration::from_secs(2),
        dial: Duration::from_millis(100),
        anchors: Duration::from_millis(500),
        first: Duration::from_secs(2),
        search: Duration::from_secs(8),
    };
}

/// How long a connection is not read at most, whatever the clock does: its pings are answered late,
/// but in time.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// How often the process's memory is looked at.
const MEMORY: Duration = Duration::from_secs(1);

/// Where a message came from and who waits for the verdict.
enum Origin {
    Gossip {
        id: MessageId,
        from: PeerId,
    },
    Direct(ResponseChannel<Response>),
    /// A DHT record that a peer wants us to store, and its author.
    Record(Box<(kad::Record, PublicKey)>),
    /// A DHT record that we asked for.
    Sought(kad::QueryId),
    /// An item of an answer that we asked for.
    Pulled {
        claim: bool,
    },
    /// Nobody waits for it any longer.
    Nobody,
    Own(Stored<Decision>),
}

/// A message on its way through the checks.
struct Message {
    source: Source,
    envelope: Vec<u8>,
    origin: Origin,
    /// Until when it may be held back.
    deadline: Timestamp,
    /// Whether its identity's history was asked for already.
    history_sought: bool,
}

/// What a request of ours may be answered with.
enum Asked {
    /// A page of a directory.
    Page,
    /// The history of an identity that a message named.
    History,
    /// The history of an identity that somebody asks for.
    Sought(IdentityId),
    Challenge,
    Judgement,
    /// Whatever a handle asked for.
    ByHandle(oneshot::Sender<Response>),
}

/// A key that somebody asks the DHT for.
struct Sought {
    key: PublicKey,
    reply: oneshot::Sender<Option<Signer>>,
    /// Records that were found and are not judged yet.
    open: usize,
    finished: bool,
}

pub(crate) use self::dialling::{Dialler, peer_of};

pub(crate) struct Driver {
    swarm: Swarm<Behaviour<Door>>,
    network: Network,
    clock: Clock,
    pace: Pace,
    commands: mpsc::Receiver<Command>,
    events: broadcast::Sender<NodeEvent>,
    workers: Workers<Message>,
    lookups: Lookups<(LookupTicket, Message)>,
    envelopes: Envelopes,
    own: Own,
    /// Own advertisements in the DHT.
    announced: Vec<Announced>,
    /// Seconds since the last minute of gossip ended.
    seconds: u8,
    timers: Timers,
    /// Identities whose burn is not in the chain.
    suspended: HashMap<IdentityId, Search>,
    /// Messages that wait for their identity's claim.
    waiting: Waiting,
    /// Items that peers answered with.
    intake: Intake,
    sought: HashMap<kad::QueryId, Sought>,
    searches: Searches,
    histories: Histories,
    /// What we asked of peers.
    asked: HashMap<OutboundRequestId, Asked>,
    /// Connected peers that have told who they are, with the program that they say they run.
    identified: HashMap<PeerId, String>,
    /// The challenge that each peer has to answer next.
    challenges: HashMap<PeerId, [u8; 32]>,
    /// The identity that we prove to our peers.
    identity: Option<(IdentityId, SecretKey)>,
    /// Peers that did not know our identity when we proved it. They ask us for its claim; then we
    /// prove it again.
    unconvinced: HashSet<PeerId>,
    /// What outlives the node.
    keeper: Option<Keeper>,
    dialler: Dialler,
    anchors: Kept,
    refusals: Refusals,
    /// How often the limits were set, and what else waits for a restart.
    reloads: u32,
    waiting_keys: Vec<String>,
    own_addresses: Trusted,
    desk: Desk,
    meters: Arc<Meters>,
    libp2p: Metrics,
}

/// Ends when the group on its way is stored, and tells how long the disk took.
async fn written(keeper: &mut Option<Keeper>) -> Option<Duration> {
    match keeper {
        Some(keeper) => keeper.written().await,
        None => std::future::pending().await,
    }
}

impl Driver {
    #[allow(clippy::too_many_arguments, reason = "called once, by the builder")]
    pub(crate) fn new(
        swarm: Swarm<Behaviour<Door>>,
        commands: mpsc::Receiver<Command>,
        events: broadcast::Sender<NodeEvent>,
        chain: Arc<dyn ChainSource>,
        clock: Clock,
        identity: Option<(IdentityId, SecretKey)>,
        quick: bool,
        (keeper, envelopes, desk): (Option<Keeper>, Envelopes, Desk),
        (dialler, anchors, own_addresses): (Dialler, Kept, Trusted),
        (meters, libp2p): (Arc<Meters>, Metrics),
    ) -> Self {
        let gate = &swarm.behaviour().connections.door.gate;
        let (network, tip) = (gate.policy().network, gate.tip());
        let pace = if quick { Pace::QUICK } else { Pace::USUAL };
        Self {
            swarm,
            network,
            clock,
            pace,
            commands,
            events,
            lookups: Lookups::after(chain, tip),
            workers: Workers::new(meters.clone()),
            envelopes,
            own: Own::default(),
            announced: Vec::new(),
            seconds: 0,
            timers: Timers::default(),
            suspended: HashMap::new(),
            waiting: Waiting::default(),
            intake: Intake::default(),
            sought: HashMap::new(),
            searches: Searches::default(),
            histories: Histories::default(),
            asked: HashMap::new(),
            identified: HashMap::new(),
            challenges: HashMap::new(),
            identity,
            unconvinced: HashSet::new(),
            keeper,
            dialler,
            anchors,
            refusals: Refusals::default(),
            reloads: 0,
            waiting_keys: Vec::new(),
            own_addresses,
            desk,
            meters,
            libp2p,
        }
    }

    /// Runs until told to stop. When it returns, its own tasks have ended; the swarm's are the
    /// executor's to end.
    ///
    /// # Errors
    /// Why what was decided last is not stored.
    pub(crate) async fn run(mut self) -> Result<(), String> {
        let mut tip = tokio::time::interval(self.pace.tip);
        let mut directory = tokio::time::interval(self.pace.directory);
        let mut memory = tokio::time::interval(MEMORY);
        let mut dial = tokio::time::interval(self.pace.dial);
        let mut anchors = tokio::time::interval(self.pace.anchors);
        for timer in [&mut dial, &mut anchors] {
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        }
        memory.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut refresh = tokio::time::interval(behaviour::dht::REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut heartbeat = tokio::time::interval(heartbeat::PACE);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        directory.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut summary = tokio::time::interval(refusals::SUMMARY);
        summary.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tip.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // In no order: whoever asks without a pause must not keep the network waiting.
            tokio::select! {
                command = self.commands.recv() => match command {
                    None | Some(Command::Stop) => break,
                    Some(command) => self.on_command(command),
                },
                batch = self.workers.next() => {
                    for checked in batch {
                        self.on_checked(checked);
                    }
                }
                took = written(&mut self.keeper) => self.meters.stored(took),
                found = self.lookups.next() => self.on_found(found),
                () = self.timers.due(&self.clock) => self.on_timers(),
                _ = summary.tick() => self.refusals.summarise(),
                _ = heartbeat.tick() => self.on_heartbeat(),
                () = self.searches.due() => self.on_searches_due(),
                () = self.histories.due() => self.on_histories_due(),
                _ = tip.tick() => self.lookups.ask_tip(),
                _ = directory.tick() => {
                    self.pull_from_somebody();
                    self.prove_again();
                }
                _ = refresh.tick() => self.swarm.behaviour_mut().dht.refresh(),
                _ = memory.tick() => self.relieve(),
                _ = dial.tick() => self.dial_due(),
                _ = anchors.tick() => self.keep_anchors(),
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
            }
            self.tell_sessions();
            self.tell_events();
            self.store();
        }
        self.keep_anchors();
        let mut stored = Ok(());
        if let Some(keeper) = self.keeper.take() {
            let gate = &mut self.swarm.behaviour_mut().connections.door.gate;
            let (envelopes, history) = (&mut self.envelopes, &mut self.desk.history);
            let changes = |all| [envelopes.take_changes(all), history.take_changes(all)].concat();
            stored = keeper.stop(gate, changes).await;
        }
        self.workers.shutdown().await;
        self.lookups.shutdown().await;
        stored
    }

    /// Closes the connection that holds most when the process has too much memory.
    fn relieve(&mut self) {
        // Where the system does not tell, there is nothing to go by.
        let Some(used) = memory_stats::memory_stats().map(|stats| stats.physical_mem as u64) else {
            return;
        };
        if let Some((peer, held)) = self.swarm.behaviour_mut().connections.relieve(used) {
            tracing::warn!(%peer, held, used, "too much memory: closed the connection that holds most");
        }
    }

    fn gate(&mut self) -> &mut Gate {
        &mut self.swarm.behaviour_mut().connections.door.gate
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn local(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    /// Passes on what the Gate has to tell.
    fn tell_events(&mut self) {
        let now = self.now();
        while let Some(event) = self.gate().poll_event(now) {
            match event {
                ltms_core::Event::Sanctioned { peer, until, reason } => {
                    let Some(peer) = net_peer(&peer) else { continue };
                    tracing::info!(%peer, %reason, ?until, "peer sanctioned");
                    // What is cut off is forgotten when its last connection closes. One that has
                    // gone already would be remembered for ever.
                    if self.is_connected(&peer) {
                        self.swarm.behaviour_mut().cut_off(&peer);
                    }
                    self.tell(NodeEvent::Sanctioned { peer, until, reason });
                }
                ltms_core::Event::ProveIdentity { peer, until } => {
                    // At that time it is sanctioned, or has proved an identity and is readmitted.
                    if let Some(peer) = net_peer(&peer) {
                        self.throttle(peer, until);
                        self.timers.wake(until);
                    }
                }
                ltms_core::Event::GroupBanned { group, until } => {
                    let until = until.as_millis();
                    tracing::warn!(group, until, "the ban table was full; address group banned");
                }
                ltms_core::Event::PostureChanged(posture) => {
                    tracing::warn!(?posture, "strangers are treated otherwise from now on");
                }
                ltms_core::Event::Registered(id) | ltms_core::Event::Rotated(id) => {
                    self.tell(NodeEvent::Registered(id));
                    for message in self.waiting.take(&id) {
                        self.admit(message);
                    }
                }
                ltms_core::Event::Suspended(id) => {
                    tracing::warn!(%id, "the burn is no longer in the chain");
                    self.suspended.insert(id, Search::Idle);
                    self.seek_burns();
                }
                ltms_core::Event::Displaced(id) => {
                    tracing::info!(%id, "the identity made room in the full table");
                    self.suspended.remove(&id);
                }
                ltms_core::Event::Resumed(id) => {
                    tracing::info!(%id, "the burn is in the chain again");
                    self.suspended.remove(&id);
                }
                _ => {}
            }
        }
    }

    fn tell(&self, event: NodeEvent) {
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// Tells the verdict to whoever waits for it.
    fn finish(&mut self, origin: Origin, source: &Source, decision: Decision) {
        if !decision.is_accept()
            && let Some(peer) = net_peer(&source.peer)
            && peer != self.local()
        {
            self.refusals.note(peer, decision.reason);
            self.tell(NodeEvent::Refused { peer, reason: decision.reason });
        }
        match origin {
            Origin::Gossip { id, from } => {
                let acceptance = match decision.verdict {
                    Verdict::Accept => MessageAcceptance::Accept,
                    Verdict::Ignore => MessageAcceptance::Ignore,
                    Verdict::Reject => MessageAcceptance::Reject,
                };
                let gossip = &mut self.swarm.behaviour_mut().gossip;
                if decision.is_accept() {
                    gossip.accepted(&id);
                }
                gossip.sub.report_message_validation_result(&id, &from, acceptance);
            }
            Origin::Direct(channel) => self.respond(channel, judged(decision)),
            Origin::Record(record) => self.store_record(record.0, record.1, decision),
            Origin::Sought(query) => {
                if let Some(sought) = self.sought.get_mut(&query) {
                    sought.open = sought.open.saturating_sub(1);
                }
                self.answer_sought(query);
            }
            Origin::Pulled { claim } => {
                if let Some(peer) = net_peer(&source.peer) {
                    self.on_judged(peer, claim);
                }
            }
            Origin::Nobody => {}
            Origin::Own(reply) => {
                self.tell_stored(reply, decision);
            }
        }
    }

    /// Tells whoever asked for something once that is stored; at once if there is no store.
    fn tell_stored<T: Send + 'static>(&mut self, reply: Stored<T>, answer: T) {
        let told = move |stored: Result<(), String>| {
            // The asker may have gone.
            let _ = reply.send(stored.map(|()| answer));
        };
        match &mut self.keeper {
            Some(keeper) => keeper.tell(Box::new(told)),
            None => told(Ok(())),
        }
    }

    /// Has what changed written, if there is a store that is not busy.
    fn store(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        let gate = &mut self.swarm.behaviour_mut().connections.door.gate;
        let (envelopes, history) = (&mut self.envelopes, &mut self.desk.history);
        let changed = envelopes.has_changes() || history.has_changes();
        let changes = |all| [envelopes.take_changes(all), history.take_changes(all)].concat();
        keeper.keep(gate, changed, changes);
    }

    fn respond(&mut self, channel: ResponseChannel<Response>, response: Response) {
        // The stream may be gone; the asker sees a timeout then.
        let _ = self.swarm.behaviour_mut().direct.send_response(channel, response);
    }

    fn is_connected(&self, peer: &PeerId) -> bool {
        self.swarm.is_connected(peer)
    }

    /// Asks the Gate about a frame that came unasked. A connection over its window is not read
    /// until that opens: to refuse a flood one by one would cost more than to let it wait.
    fn screen_frame(&mut self, source: &Source, kind: FrameKind, len: usize) -> Decision {
        let now = self.now();
        let decision = self.gate().screen_frame(now, source, kind, len);
        if let (Reason::ConnectionWindow | Reason::Throttle, Some(until)) =
            (decision.reason, decision.retry_at)
            && let Some(peer) = net_peer(&source.peer)
        {
            let time = Duration::from_millis(until.since(now).get()).min(LONGEST_REST);
            self.swarm.behaviour().connections.rest(&peer, time);
        }
        decision
    }

    fn source_of(peer: &PeerId, channel: ltms_core::Channel) -> Source {
        Source { peer: core_peer(peer), publisher: None, channel }
    }
}

fn judged(decision: Decision) -> Response {
    Response::Judged { code: decision.reason.code(), retry_at: decision.retry_at }
}
