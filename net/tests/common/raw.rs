//! A peer that has a connection and streams, and no behaviour.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{
    Multiaddr, PeerId, Transport,
    core::{
        Endpoint,
        muxing::{StreamMuxer, StreamMuxerBox, SubstreamBox},
        transport::{DialOpts, PortUse},
    },
    identity::Keypair,
    metrics::Registry,
};
use ltms_core::Network;
use ltms_net::transport::transport;
use tokio::{
    task::JoinHandle,
    time::{Instant, interval},
};

/// What both sides of a stream say first.
pub(crate) const HEADER: &[u8] = b"\x13/multistream/1.0.0\n";

/// A proposal of this protocol, with the header before it.
pub(crate) fn proposal(protocol: &str) -> Vec<u8> {
    let len = u8::try_from(protocol.len() + 1).expect("a short name");
    [HEADER, &[len], protocol.as_bytes(), b"\n"].concat()
}

/// A connection whose streams one writes oneself. It is driven by a task of its own.
pub(crate) struct Raw {
    pub(crate) key: Keypair,
    pub(crate) remote: PeerId,
    streams: Vec<SubstreamBox>,
    driven: JoinHandle<()>,
}

impl Raw {
    /// Connects, and prepares this many streams: the remote learns of each when it is written to.
    pub(crate) async fn with_streams(to: &Multiaddr, count: usize) -> Self {
        Self::try_with_streams(to, count).await.expect("connected")
    }

    /// The same; `None` if the remote does not want it.
    pub(crate) async fn try_with_streams(to: &Multiaddr, count: usize) -> Option<Self> {
        let key = Keypair::generate_ed25519();
        let made = transport(&key, Network::Reg, &mut Registry::default());
        let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
        let dial = made.expect("a transport").dial(to.clone(), options).expect("an address");
        let (remote, mut muxer) = dial.await.ok()?;
        let (mut streams, mut taken) = (Vec::new(), Vec::new());
        while streams.len() < count {
            let opened = poll_fn(|cx| {
                drive(&mut muxer, &mut taken, cx)?;
                Pin::new(&mut muxer).poll_outbound(cx)
            });
            streams.push(opened.await.ok()?);
        }
        let driven = tokio::spawn(async move {
            // Until the remote closes it.
            let _ = poll_fn(|cx| match drive(&mut muxer, &mut taken, cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(error),
            })
            .await;
        });
        Some(Self { key, remote, streams, driven })
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.key.public().to_peer_id()
    }

    pub(crate) fn stream(&mut self) -> SubstreamBox {
        self.streams.pop().expect("prepared")
    }

    /// All that are left.
    pub(crate) fn rest(&mut self) -> Vec<SubstreamBox> {
        std::mem::take(&mut self.streams)
    }

    /// Waits until the connection ends.
    pub(crate) async fn ended(&mut self) {
        (&mut self.driven).await.expect("no panic");
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.driven.is_finished()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.driven.abort();
    }
}

/// Streams that the remote opens are taken, and never answered.
fn drive(
    muxer: &mut StreamMuxerBox,
    taken: &mut Vec<SubstreamBox>,
    cx: &mut Context<'_>,
) -> Result<(), <StreamMuxerBox as StreamMuxer>::Error> {
    loop {
        let _ = Pin::new(&mut *muxer).poll(cx)?;
        match Pin::new(&mut *muxer).poll_inbound(cx)? {
            Poll::Ready(stream) => taken.push(stream),
            Poll::Pending => return Ok(()),
        }
    }
}

/// Writes `first` at once and one byte a second from then on. Returns after how long the remote
/// ended the stream; what it says before is not looked at.
pub(crate) async fn trickle(mut stream: SubstreamBox, first: Vec<u8>, byte: u8) -> Duration {
    let began = Instant::now();
    let mut pace = interval(Duration::from_secs(1));
    let mut heard = [0; 1_024];
    if stream.write_all(&first).await.is_err() || stream.flush().await.is_err() {
        return began.elapsed();
    }
    loop {
        let gone = tokio::select! {
            _ = pace.tick() => {
                stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err()
            }
            read = stream.read(&mut heard) => !matches!(read, Ok(1..)),
        };
        if gone {
            return began.elapsed();
        }
    }
}

/// Waits until the remote ends a stream. Returns what it said.
pub(crate) async fn to_end(stream: &mut SubstreamBox) -> Vec<u8> {
    let mut heard = Vec::new();
    // Reset or closed: both end it.
    let _ = stream.read_to_end(&mut heard).await;
    heard
}
