//! A deadline for the first request on each inbound DHT stream.
//!
//! Kademlia's own handler waits for it without end: 32 silent streams block that connection's DHT
//! and keep the connection alive. Here a stream is handed to it only with a whole frame.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use asynchronous_codec::{Decoder, Encoder, Framed};
use futures::{AsyncReadExt, future};
use futures_bounded::{Delay, FuturesSet};
use libp2p::{
    kad,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, Stream, SubstreamProtocol, THandler,
        handler::{ConnectionEvent, FullyNegotiatedInbound, InboundUpgradeSend},
    },
};

use super::{dht::MAX_PACKET, records::Records};

/// Streams of one connection that may wait for their request at a time; further ones are reset.
const MAX_WAITING: usize = 16;

type Inner = THandler<kad::Behaviour<Records>>;
type Protocol = <Inner as ConnectionHandler>::InboundProtocol;
type Negotiated = <Protocol as InboundUpgradeSend>::Output;

/// Kademlia's handler, with a deadline for inbound streams.
pub struct Handler {
    inner: Inner,
    waiting: FuturesSet<Option<Negotiated>>,
}

impl Handler {
    pub(super) fn new(inner: Inner, deadline: Duration) -> Self {
        let waiting = FuturesSet::new(move || Delay::futures_timer(deadline), MAX_WAITING);
        Self { inner, waiting }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = <Inner as ConnectionHandler>::FromBehaviour;
    type ToBehaviour = <Inner as ConnectionHandler>::ToBehaviour;
    type InboundProtocol = Protocol;
    type OutboundProtocol = <Inner as ConnectionHandler>::OutboundProtocol;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        self.inner.listen_protocol()
    }

    fn connection_keep_alive(&self) -> bool {
        self.inner.connection_keep_alive()
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        self.inner.on_behaviour_event(event);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: future::Either::Left(framed),
                ..
            }) => {
                let whole = async { first_frame(framed).await.map(future::Either::Left) };
                // Over the cap the stream is dropped, which resets it.
                let _ = self.waiting.try_push(whole);
            }
            other => self.inner.on_connection_event(other),
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        while let Poll::Ready(done) = self.waiting.poll_unpin(cx) {
            if let Ok(Some(protocol)) = done {
                let event = FullyNegotiatedInbound { protocol, info: () };
                self.inner.on_connection_event(ConnectionEvent::FullyNegotiatedInbound(event));
            }
        }
        self.inner.poll(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::ToBehaviour>> {
        self.inner.poll_close(cx)
    }
}

/// The stream with a whole frame in its read buffer; `None` if it ends before, or announces more
/// than [`MAX_PACKET`].
async fn first_frame<C: Decoder + Encoder>(framed: Framed<Stream, C>) -> Option<Framed<Stream, C>> {
    let mut parts = framed.into_parts();
    parts.io.ignore_for_keep_alive();
    let mut chunk = [0; 1024];
    while !has_whole_frame(&parts.read_buffer)? {
        match parts.io.read(&mut chunk).await {
            Ok(count) if count > 0 => parts.read_buffer.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
    Some(Framed::from_parts(parts))
}

/// Whether the buffer starts with a whole frame: a length in base 128, least significant group
/// first, and that many bytes. `None` if the length is over the limit.
fn has_whole_frame(buffer: &[u8]) -> Option<bool> {
    /// Three groups of seven bits hold every permitted length.
    const MAX_PREFIX: usize = 3;
    let mut len = 0;
    for (index, byte) in buffer.iter().take(MAX_PREFIX).enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (len <= MAX_PACKET).then_some(buffer.len() > index + len);
        }
    }
    (buffer.len() < MAX_PREFIX).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_recognised_by_their_length() {
        assert_eq!(has_whole_frame(&[]), Some(false));
        assert_eq!(has_whole_frame(&[0]), Some(true));
        assert_eq!(has_whole_frame(&[2, 9]), Some(false));
        assert_eq!(has_whole_frame(&[2, 9, 9]), Some(true));
        assert_eq!(has_whole_frame(&[2, 9, 9, 9]), Some(true));
        assert_eq!(has_whole_frame(&[0x80]), Some(false));
        assert_eq!(has_whole_frame(&[0x80, 0x80, 2]), Some(false), "32,768 bytes are permitted");
        assert_eq!(has_whole_frame(&[0x81, 0x80, 2]), None, "32,769 are not");
        assert_eq!(has_whole_frame(&[0x80, 0x80, 0x80]), None, "nor is a longer prefix");
        let mut exact = vec![0x80, 1];
        exact.resize(2 + 127, 0);
        assert_eq!(has_whole_frame(&exact), Some(false));
        exact.push(0);
        assert_eq!(has_whole_frame(&exact), Some(true));
    }
}
