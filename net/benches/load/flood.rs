//! What a connection floods with.

use std::io;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, StreamProtocol,
    identity::Keypair,
    request_response::{self, ProtocolSupport},
    swarm::SwarmEvent,
};
use tokio::time::{Duration, Instant, timeout_at};

use crate::{common::wire, swarm};

/// A kind of flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Pushes of an expired advertisement, eight at a time.
    Push,
    /// Signed messages in gossip, sixteen in each RPC, over and over.
    Gossip,
    /// Questions for the nearest peers.
    Dht,
    /// Pings.
    Ping,
}

/// Bytes that are written at a time.
const BLOCK: usize = 8 << 10;
/// Streams at a time on which answers come.
const STREAMS: usize = 4;

impl Flood {
    fn protocol(self) -> StreamProtocol {
        StreamProtocol::new(match self {
            Self::Push => "/ltms/direct/1",
            Self::Gossip => "/meshsub/1.1.0",
            Self::Dht => "/lotus/kad/reg/1.0.0",
            Self::Ping => "/ipfs/ping/1.0.0",
        })
    }

    /// Whole messages, to be sent without an end, and how many. `expired` is an advertisement that
    /// is refused without being anybody's fault.
    fn block(self, key: &Keypair, expired: &[u8]) -> (Vec<u8>, usize) {
        let (messages, count) = match self {
            Self::Push => (Vec::new(), 0),
            Self::Gossip => {
                let one = |number: u64| wire::message(key, "ltms/1/reg/ads", number, expired);
                (wire::frame(&(0..16).flat_map(one).collect::<Vec<_>>()), 16)
            }
            // FIND_NODE for a key of 32 bytes.
            Self::Dht => (wire::frame(&[&[0x08, 4, 0x12, 32][..], &[7; 32]].concat()), 1),
            Self::Ping => (vec![7; 32], 1),
        };
        let times = BLOCK / messages.len().max(1);
        (messages.repeat(times), times * count)
    }
}

/// Writes one block, for ever if it is not answered, and reads whatever comes.
#[derive(Clone)]
struct Blocks {
    block: Arc<Vec<u8>>,
    answered: bool,
    /// How often that was.
    blocks: Arc<AtomicUsize>,
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
            io.write_all(&self.block).await?;
            io.flush().await?;
            self.blocks.fetch_add(1, Ordering::Relaxed);
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

/// Floods for so long, and returns how many messages it got rid of. Who is disconnected comes back.
pub(crate) async fn run(kind: Flood, address: &Multiaddr, expired: &[u8], seconds: u32) -> u32 {
    let end = Instant::now() + Duration::from_secs(seconds.into());
    let key = Keypair::generate_ed25519();
    let (block, count) = kind.block(&key, expired);
    let blocks =
        Blocks { block: block.into(), answered: kind != Flood::Gossip, blocks: Arc::default() };
    let config = request_response::Config::default().with_request_timeout(Duration::from_secs(600));
    let protocols = [(kind.protocol(), ProtocolSupport::Full)];
    let behaviour = request_response::Behaviour::with_codec(blocks.clone(), protocols, config);
    let mut swarm = swarm(&key, behaviour);
    swarm.dial(address.clone()).expect("dialled");
    while let Ok(event) = timeout_at(end, swarm.select_next_some()).await {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                for _ in 0..if kind == Flood::Gossip { 1 } else { STREAMS } {
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
                // Half a second, so that the figure is that of a flood, not of handshakes.
                let later = Instant::now() + Duration::from_millis(500);
                tokio::time::sleep_until(later.min(end)).await;
                swarm.dial(address.clone()).expect("dialled");
            }
            _ => {}
        }
    }
    let written = blocks.blocks.load(Ordering::Relaxed);
    u32::try_from(written * count).unwrap_or(u32::MAX)
}
