//! Peers that answer with anything.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    StreamProtocol, Swarm,
    request_response::{self, Event, Message, ProtocolSupport, ResponseChannel},
    swarm::SwarmEvent,
};
use ltms_core::PublicKey;
use ltms_net::{
    Handle, NodeEvent,
    behaviour::streams::{PROTOCOL, Request, Response},
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    common::{executor, swarm},
    sixteen::swarm_at,
    world::{PATIENCE, event},
};

/// What stands on the stream, one byte at a time if slow.
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    pub(crate) slow: bool,
}

/// Answers with any bytes at all.
#[derive(Clone, Default)]
pub(crate) struct Wild;

impl request_response::Codec for Wild {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Raw;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut prefix = [0; 4];
        io.read_exact(&mut prefix).await?;
        let mut frame = vec![0; u32::from_be_bytes(prefix) as usize];
        io.read_exact(&mut frame).await.map(|()| frame)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Raw>
    where
        T: AsyncRead + Unpin + Send,
    {
        unreachable!("it asks nothing")
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        unreachable!("it asks nothing")
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        raw: Raw,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        if !raw.slow {
            return io.write_all(&raw.bytes).await;
        }
        for byte in raw.bytes {
            io.write_all(&[byte]).await?;
            io.flush().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

pub(crate) type Peer = Swarm<request_response::Behaviour<Wild>>;

/// What a peer does about a request for its directory.
pub(crate) enum Does {
    Answers(Response),
    Writes(Raw),
    /// Answers when it is told to.
    Waits(oneshot::Receiver<()>, Response),
    Nothing,
}

fn wild() -> request_response::Behaviour<Wild> {
    let config = request_response::Config::default().with_request_timeout(PATIENCE);
    request_response::Behaviour::with_codec(Wild, [(PROTOCOL, ProtocolSupport::Full)], config)
}

/// A peer that is connected to the node.
pub(crate) async fn peer_of(node: &Handle) -> Peer {
    connected(swarm(executor(), |_| wild()), node).await
}

/// The same at 127.0.0.n.
pub(crate) async fn peer_at(n: u8, node: &Handle) -> Peer {
    connected(swarm_at(n, wild()), node).await
}

async fn connected(mut peer: Peer, node: &Handle) -> Peer {
    let mut events = node.subscribe();
    peer.dial(node.addresses()[0].clone()).expect("dialled");
    let id = *peer.local_peer_id();
    let connected = event(
        &mut events,
        "connected",
        |event| matches!(event, NodeEvent::Connected(peer) if *peer == id),
    );
    tokio::pin!(connected);
    loop {
        tokio::select! {
            () = &mut connected => return peer,
            _ = peer.select_next_some() => {}
        }
    }
}

pub(crate) fn framed(response: &Response) -> Raw {
    let message = response.encode();
    let bytes =
        [&u32::try_from(message.len()).expect("short").to_be_bytes()[..], &message].concat();
    Raw { bytes, slow: false }
}

/// Lets the peer run; `does` is asked about each request for its directory. It knows no histories.
pub(crate) fn serve(
    peer: Peer,
    mut does: impl FnMut(Option<PublicKey>) -> Does + Send + 'static,
) -> JoinHandle<()> {
    let history = || Does::Answers(Response::History(Vec::new()));
    answer(peer, move |after| after.map_or_else(history, &mut does))
}

/// The same; `does` is also asked about each request for a history, which is none for an author.
pub(crate) fn answer(
    mut peer: Peer,
    mut does: impl FnMut(Option<Option<PublicKey>>) -> Does + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut kept: Vec<ResponseChannel<Raw>> = Vec::new();
        let mut told = futures::stream::FuturesUnordered::new();
        loop {
            let event = tokio::select! {
                event = peer.select_next_some() => event,
                Some((response, channel)) = told.next() => {
                    let _ = peer.behaviour_mut().send_response(channel, framed(&response));
                    continue;
                }
            };
            let SwarmEvent::Behaviour(Event::Message { message, .. }) = event else { continue };
            let Message::Request { request, channel, .. } = message else { continue };
            let asked = match Request::decode(&request) {
                Ok(Request::Directory { after }) => Some(after),
                Ok(Request::History(_)) => None,
                _ => continue,
            };
            let raw = match does(asked) {
                Does::Answers(response) => framed(&response),
                Does::Writes(raw) => raw,
                Does::Waits(now, response) => {
                    told.push(async move {
                        now.await.expect("told");
                        (response, channel)
                    });
                    continue;
                }
                Does::Nothing => {
                    kept.push(channel);
                    continue;
                }
            };
            // The stream may be gone.
            let _ = peer.behaviour_mut().send_response(channel, raw);
        }
    })
}

pub(crate) fn page(ads: Vec<Vec<u8>>, more: bool) -> Response {
    Response::Directory { claims: Vec::new(), ads, more }
}

/// The one advertisement after a key, in an honest directory of one.
pub(crate) fn only(author: PublicKey, ad: &[u8], after: Option<PublicKey>) -> Response {
    page(if after.is_none_or(|after| after < author) { vec![ad.to_vec()] } else { vec![] }, false)
}
