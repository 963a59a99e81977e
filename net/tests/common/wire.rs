//! A peer that speaks gossipsub's wire format and keeps to none of its rules.

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    StreamProtocol, Swarm,
    identity::Keypair,
    request_response::{self, ProtocolSupport},
    swarm::SwarmEvent,
};

use super::{self as common, Node, Side, drive_both, executor, listen};

/// Writes any bytes, and counts those that come back on the other side's own stream.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<AtomicUsize>);

impl request_response::Codec for Wire {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = ();

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut chunk = vec![0; 65_536];
        loop {
            match io.read(&mut chunk).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.0.fetch_add(count, Ordering::Relaxed),
            };
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<()>
    where
        T: AsyncRead + Unpin + Send,
    {
        // Gossipsub writes nothing here: this ends with the stream.
        match io.read(&mut [0; 1]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => pending().await,
        }
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.flush().await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, (): ()) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The hostile peer.
pub(crate) struct Hostile {
    pub(crate) swarm: Swarm<request_response::Behaviour<Wire>>,
    pub(crate) key: Keypair,
    received: Arc<AtomicUsize>,
}

impl Hostile {
    pub(crate) fn new() -> Self {
        let (wire, mut key) = (Wire::default(), None);
        let received = wire.0.clone();
        let config =
            request_response::Config::default().with_request_timeout(Duration::from_secs(120));
        let swarm = common::swarm(executor(), |keypair| {
            key = Some(keypair.clone());
            let protocols = [(StreamProtocol::new("/meshsub/1.1.0"), ProtocolSupport::Full)];
            request_response::Behaviour::with_codec(wire, protocols, config)
        });
        Self { swarm, key: key.expect("made"), received }
    }

    /// Connected to a node, whose stream it has accepted.
    pub(crate) async fn of(node: &mut Node) -> Self {
        let address = listen(node).await;
        let mut hostile = Self::new();
        hostile.swarm.dial(address).expect("dial");
        drive_both(&mut hostile.swarm, node, |event, _, _| match event {
            Side::A(SwarmEvent::ConnectionEstablished { .. }) => Some(()),
            _ => None,
        })
        .await;
        hostile
    }

    /// Opens a stream to the node and writes this on it.
    pub(crate) fn send(&mut self, to: &libp2p::PeerId, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().send_request(to, bytes);
    }

    /// Bytes that the node sent.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}

/// A protobuf field with a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(bytes.len()), bytes].concat()
}

/// An RPC as it stands on the stream.
pub(crate) fn frame(rpc: &[u8]) -> Vec<u8> {
    [&varint(rpc.len()), rpc].concat()
}

pub(crate) fn subscribe(topic: &str) -> Vec<u8> {
    field(1, &[&[0x08, 1][..], &field(2, topic.as_bytes())].concat())
}

pub(crate) fn graft(topic: &str) -> Vec<u8> {
    field(3, &field(3, &field(1, topic.as_bytes())))
}

pub(crate) fn ihave(topic: &str, ids: &[Vec<u8>]) -> Vec<u8> {
    let ids: Vec<_> = ids.iter().flat_map(|id| field(2, id)).collect();
    field(3, &field(1, &[field(1, topic.as_bytes()), ids].concat()))
}

pub(crate) fn iwant(ids: &[Vec<u8>]) -> Vec<u8> {
    let ids: Vec<_> = ids.iter().flat_map(|id| field(1, id)).collect();
    field(3, &field(2, &ids))
}

/// A message signed as StrictSign wants it.
pub(crate) fn message(key: &Keypair, topic: &str, number: u64, data: &[u8]) -> Vec<u8> {
    let source = key.public().to_peer_id().to_bytes();
    let body = [
        field(1, &source),
        field(2, data),
        field(3, &number.to_be_bytes()),
        field(4, topic.as_bytes()),
    ]
    .concat();
    let signature = key.sign(&[b"libp2p-pubsub:", &body[..]].concat()).expect("signed");
    field(2, &[body, field(5, &signature)].concat())
}

/// A question to the DHT for the peers nearest to a key of 32 bytes, as it stands on the stream.
pub(crate) fn find_node() -> Vec<u8> {
    frame(&[&[0x08, 4, 0x12, 32][..], &[7; 32]].concat())
}
