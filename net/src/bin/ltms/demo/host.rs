//! A host that obeys no limit: it sends what it is told to, to whom it is told to.

use std::{
    collections::{HashMap, HashSet},
    io,
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm,
    gossipsub::{self, ConfigBuilder, MessageAuthenticity, ValidationMode},
    identity::Keypair,
    metrics::Registry,
    request_response::{self, OutboundRequestId, ProtocolSupport},
    swarm::{ConnectionId, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts},
};
use ltms_core::Reason;
use ltms_net::{
    behaviour::{
        gossip::{Topic, message_id},
        streams::{self, Request, Response},
    },
    transport::{Executor, swarm_config, transport},
};

use super::{Failure, chain::NETWORK};

/// Far above what honest nodes take.
const MAX_MESSAGE: usize = 1 << 20;
/// A whole flood fits.
const QUEUE: usize = 5_000;

#[derive(NetworkBehaviour)]
struct Raw {
    gossip: gossipsub::Behaviour,
    direct: request_response::Behaviour<RawCodec>,
}

/// An honest node that is attacked.
#[derive(Clone)]
pub(super) struct Victim {
    /// Its number.
    pub(super) node: usize,
    pub(super) peer: PeerId,
    pub(super) address: Multiaddr,
}

/// What came back for a direct frame.
#[derive(Debug)]
pub(super) enum Answer {
    Said(Response),
    /// The stream was reset, or there is no connection any more.
    Nothing,
}

impl Answer {
    /// The code of the verdict.
    pub(super) fn is(&self, reason: Reason) -> bool {
        matches!(self, Self::Said(Response::Judged { code, .. }) if *code == reason.code())
    }
}

/// The host, driven by whoever calls its methods.
pub(super) struct Host {
    pub(super) victims: Vec<Victim>,
    swarm: Swarm<Raw>,
    executor: Executor,
    ready: HashSet<PeerId>,
    answers: HashMap<OutboundRequestId, Answer>,
    /// Connections that failed or were closed.
    ended: HashSet<ConnectionId>,
}

impl Host {
    /// A host with a fresh peer id; with `relay` it passes on every message it hears at once.
    pub(super) fn new(victims: Vec<Victim>, relay: bool) -> Result<Self, Failure> {
        let keypair = Keypair::generate_ed25519();
        let mut config = ConfigBuilder::default();
        config
            .validation_mode(ValidationMode::Permissive)
            .message_id_fn(message_id)
            .max_transmit_size(MAX_MESSAGE)
            .connection_handler_queue_len(QUEUE)
            .heartbeat_initial_delay(std::time::Duration::from_millis(100));
        if !relay {
            // Nobody validates, so that nothing is passed on.
            config.validate_messages();
        }
        let mut gossip = gossipsub::Behaviour::new(
            MessageAuthenticity::Signed(keypair.clone()),
            config.build()?,
        )?;
        for topic in [Topic::Ads, Topic::Claims] {
            gossip.subscribe(&topic.on(NETWORK))?;
        }
        let direct = request_response::Behaviour::with_codec(
            RawCodec,
            [(streams::PROTOCOL, ProtocolSupport::Full)],
            request_response::Config::default().with_request_timeout(streams::TIMEOUT),
        );
        let executor = Executor::new(tokio::runtime::Handle::current());
        let swarm = Swarm::new(
            transport(&keypair, NETWORK, &mut Registry::default())?,
            Raw { gossip, direct },
            keypair.public().to_peer_id(),
            swarm_config(executor.clone()),
        );
        let (ready, answers, ended) = (HashSet::new(), HashMap::new(), HashSet::new());
        Ok(Self { victims, swarm, executor, ready, answers, ended })
    }

    pub(super) fn peer_id(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    /// Connects to every victim and waits until each takes gossip from here.
    pub(super) async fn connect(&mut self) -> Result<(), Failure> {
        for victim in &self.victims {
            self.swarm.dial(victim.address.clone())?;
        }
        while self.ready.len() < self.victims.len() {
            self.step().await;
        }
        Ok(())
    }

    /// Tries to connect to every victim once more, and waits until each has hung up.
    pub(super) async fn return_in_vain(&mut self) -> Result<(), Failure> {
        let mut dials = Vec::new();
        for victim in &self.victims {
            let dial = DialOpts::unknown_peer_id().address(victim.address.clone()).build();
            dials.push(dial.connection_id());
            self.swarm.dial(dial)?;
        }
        while !dials.iter().all(|dial| self.ended.contains(dial)) {
            self.step().await;
        }
        Ok(())
    }

    /// Publishes to all victims, as far as there are any left.
    pub(super) fn gossip(&mut self, topic: Topic, bytes: Vec<u8>) {
        // Where nobody is left, nobody is to get it.
        let _ = self.swarm.behaviour_mut().gossip.publish(topic.on(NETWORK).hash(), bytes);
    }

    /// Sends each victim a frame, prefix and all, and waits for what comes back.
    pub(super) async fn send_each(&mut self, frame: &[u8]) -> Vec<Answer> {
        let mut asked = Vec::new();
        for victim in &self.victims {
            // A request to somebody who is not connected would dial.
            let connected = self.swarm.is_connected(&victim.peer);
            let direct = &mut self.swarm.behaviour_mut().direct;
            asked.push(connected.then(|| direct.send_request(&victim.peer, frame.to_vec())));
        }
        while asked.iter().flatten().any(|id| !self.answers.contains_key(id)) {
            self.step().await;
        }
        let mut answer = |id: Option<_>| id.and_then(|id| self.answers.remove(&id));
        asked.into_iter().map(|id| answer(id).unwrap_or(Answer::Nothing)).collect()
    }

    /// Sends each victim a request.
    pub(super) async fn ask_each(&mut self, request: &Request) -> Vec<Answer> {
        let message = request.encode();
        let len = u32::try_from(message.len()).unwrap_or(u32::MAX);
        self.send_each(&[&len.to_be_bytes()[..], &message].concat()).await
    }

    /// Pushes each victim an envelope.
    pub(super) async fn push_each(&mut self, envelope: Vec<u8>) -> Vec<Answer> {
        self.ask_each(&Request::Push(envelope)).await
    }

    /// Runs the host until `done` is.
    pub(super) async fn during<T>(&mut self, done: impl Future<Output = T>) -> T {
        tokio::pin!(done);
        loop {
            tokio::select! {
                biased;
                result = &mut done => return result,
                () = self.step() => {}
            }
        }
    }

    /// Takes one event from the network.
    pub(super) async fn step(&mut self) {
        match self.swarm.select_next_some().await {
            SwarmEvent::Behaviour(RawEvent::Gossip(gossipsub::Event::Subscribed {
                peer_id,
                topic,
            })) if Topic::of(&topic, NETWORK) == Some(Topic::Ads) => {
                self.ready.insert(peer_id);
            }
            SwarmEvent::Behaviour(RawEvent::Direct(event)) => match event {
                request_response::Event::Message {
                    message: request_response::Message::Response { request_id, response },
                    ..
                } => {
                    self.answers.insert(request_id, Answer::Said(response));
                }
                request_response::Event::OutboundFailure { request_id, .. } => {
                    self.answers.insert(request_id, Answer::Nothing);
                }
                _ => {}
            },
            SwarmEvent::ConnectionClosed { connection_id, .. }
            | SwarmEvent::OutgoingConnectionError { connection_id, .. } => {
                self.ended.insert(connection_id);
            }
            _ => {}
        }
    }

    /// Leaves the network.
    pub(super) async fn stop(self) {
        drop(self.swarm);
        self.executor.shutdown().await;
    }
}

/// Sends any bytes as a request, reads answers, and answers nobody.
#[derive(Clone)]
struct RawCodec;

impl request_response::Codec for RawCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut prefix = [0; 4];
        io.read_exact(&mut prefix).await?;
        let mut frame = Vec::new();
        io.take(u32::from_be_bytes(prefix).into()).read_to_end(&mut frame).await?;
        Response::decode(&frame).map_err(io::Error::other)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        frame: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&frame).await?;
        io.flush().await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}
