//! A connection that sends without an end, and keeps to no rule.

use std::io;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, StreamProtocol, Swarm,
    identity::Keypair,
    request_response::{self, ProtocolSupport},
    swarm::SwarmEvent,
};
use tokio::time::{Instant, timeout_at};

use super::roomy;

/// Streams at a time on which answers come.
const STREAMS: usize = 4;

/// What a connection floods with.
pub(crate) struct Flood {
    pub(crate) protocol: &'static str,
    /// Written in turn, over and over.
    pub(crate) blocks: Vec<Vec<u8>>,
    /// Messages in each of them.
    pub(crate) messages: usize,
    /// Each on a stream of its own, after whose end the next one is opened.
    pub(crate) answered: bool,
}

/// Who comes back once it is disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    /// The same peer.
    Same,
    /// A peer that nobody has seen.
    Fresh,
}

/// What a flood came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flooded {
    /// Messages that were got rid of.
    pub(crate) messages: usize,
    /// Connections that were made, also those that were closed at once.
    pub(crate) connections: usize,
}

/// Writes blocks and reads whatever comes.
#[derive(Clone)]
struct Blocks {
    blocks: Arc<Vec<Vec<u8>>>,
    answered: bool,
    progress: Arc<Progress>,
}

/// How many blocks were begun, and how many the other side has taken.
#[derive(Default)]
struct Progress {
    begun: AtomicUsize,
    written: AtomicUsize,
}

impl request_response::Codec for Blocks {
    type Protocol = StreamProtocol;
    type Request = ();
    type Response = ();

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<()>
    where
        T: AsyncRead + Unpin + Send,
    {
        // The other side's own stream of gossip.
        while io.read(&mut [0; 4096]).await? > 0 {}
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<()>
    where
        T: AsyncRead + Unpin + Send,
    {
        while io.read(&mut [0; 4096]).await? > 0 {}
        Ok(())
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, (): ()) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        loop {
            let turn = self.progress.begun.fetch_add(1, Ordering::Relaxed);
            io.write_all(&self.blocks[turn % self.blocks.len()]).await?;
            io.flush().await?;
            self.progress.written.fetch_add(1, Ordering::Relaxed);
            if self.answered {
                return Ok(());
            }
        }
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, (): ()) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

type Flooder = Swarm<request_response::Behaviour<Blocks>>;

impl Flood {
    fn swarm(self, key: &Keypair, progress: &Arc<Progress>) -> Flooder {
        let blocks = self.blocks.into();
        let blocks = Blocks { blocks, answered: self.answered, progress: progress.clone() };
        let config =
            request_response::Config::default().with_request_timeout(Duration::from_secs(600));
        let protocols = [(StreamProtocol::new(self.protocol), ProtocolSupport::Full)];
        roomy(key, request_response::Behaviour::with_codec(blocks, protocols, config))
    }
}

/// Floods until `end` with what `flood` makes for a key. Who is disconnected comes back after
/// `pause`.
pub(crate) async fn run(
    flood: impl Fn(&Keypair) -> Flood,
    address: &Multiaddr,
    end: Instant,
    pause: Duration,
    returns: Returns,
) -> Flooded {
    let key = Keypair::generate_ed25519();
    let first = flood(&key);
    let (messages, answered) = (first.messages, first.answered);
    let progress = Arc::new(Progress::default());
    let mut swarm = first.swarm(&key, &progress);
    let mut connections = 0;
    swarm.dial(address.clone()).expect("dialled");
    while let Ok(event) = timeout_at(end, swarm.select_next_some()).await {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                connections += 1;
                for _ in 0..if answered { STREAMS } else { 1 } {
                    swarm.behaviour_mut().send_request(&peer_id, ());
                }
            }
            SwarmEvent::Behaviour(
                request_response::Event::Message { peer, .. }
                | request_response::Event::OutboundFailure { peer, .. },
            ) if swarm.is_connected(&peer) => {
                swarm.behaviour_mut().send_request(&peer, ());
            }
            SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => {
                if returns == Returns::Fresh {
                    let key = Keypair::generate_ed25519();
                    swarm = flood(&key).swarm(&key, &progress);
                }
                tokio::time::sleep_until(end.min(Instant::now() + pause)).await;
                swarm.dial(address.clone()).expect("dialled");
            }
            _ => {}
        }
    }
    Flooded { messages: progress.written.load(Ordering::Relaxed) * messages, connections }
}
