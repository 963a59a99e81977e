//! Direct and DHT streams of a peer that does not keep to the protocol.

mod common;

use std::{io, time::Duration};

use common::{Node, Side, connect, drive, drive_both, executor, listen, node, node_with, settings};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    StreamProtocol, Swarm,
    request_response::{self, InboundFailure, Message, OutboundFailure, ProtocolSupport},
    swarm::SwarmEvent,
};
use ltms_core::{Millis, Network, Reason};
use ltms_net::{
    behaviour::{
        Event, Settings, dht,
        streams::{self, DecodeError, FrameError, Request, Response},
    },
    limits::Limits,
};

/// Writes any bytes, at once or one by one, and reads to the end.
#[derive(Clone)]
struct Raw;

#[derive(Clone, Debug)]
struct Bytes {
    bytes: Vec<u8>,
    slowly: bool,
}

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Bytes;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Bytes>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut first = vec![0; 1000];
        let count = io.read(&mut first).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        first.truncate(count);
        Ok(first)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Bytes,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        if !request.slowly {
            return io.write_all(&request.bytes).await;
        }
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        for byte in request.bytes {
            pace.tick().await;
            io.write_all(&[byte]).await?;
            io.flush().await?;
        }
        Ok(())
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

type Client = Swarm<request_response::Behaviour<Raw>>;

async fn client_of(server: &mut Node, protocol: StreamProtocol) -> Client {
    let address = listen(server).await;
    let config = request_response::Config::default().with_request_timeout(Duration::from_secs(8));
    let mut client = common::swarm(executor(), |_| {
        let protocols = [(protocol, ProtocolSupport::Outbound)];
        request_response::Behaviour::with_codec(Raw, protocols, config)
    });
    client.dial(address).expect("dial");
    drive_both(&mut client, server, |event, _, _| match event {
        Side::A(SwarmEvent::ConnectionEstablished { .. }) => Some(()),
        _ => None,
    })
    .await;
    client
}

fn send(client: &mut Client, server: &Node, bytes: &[u8], slowly: bool) {
    let bytes = Bytes { bytes: bytes.to_vec(), slowly };
    client.behaviour_mut().send_request(server.local_peer_id(), bytes);
}

/// Sends a frame, sees its stream end without an answer, and returns why the server refused it.
async fn refused(client: &mut Client, server: &mut Node, frame: &[u8]) -> FrameError {
    send(client, server, frame, false);
    let sender = *client.local_peer_id();
    let (mut error, mut ended) = (None, false);
    drive_both(client, server, |event, _, _| {
        match event {
            Side::A(SwarmEvent::Behaviour(request_response::Event::OutboundFailure { .. })) => {
                ended = true;
            }
            Side::B(SwarmEvent::Behaviour(Event::Direct(event))) => match *event {
                request_response::Event::Message {
                    peer,
                    message: Message::Request { request, .. },
                    ..
                } => {
                    assert_eq!(peer, sender);
                    error = request.err();
                }
                request_response::Event::InboundFailure {
                    error: InboundFailure::ResponseOmission,
                    ..
                } => {}
                other => panic!("{other:?}"),
            },
            _ => {}
        }
        (ended && error.is_some()).then_some(())
    })
    .await;
    error.expect("an error")
}

#[tokio::test]
async fn an_oversize_prefix_ends_the_stream_and_names_its_sender() {
    let mut server = node();
    let mut client = client_of(&mut server, streams::PROTOCOL).await;
    for (frame, expected) in [
        (&[0, 1, 0x86, 0xa1][..], FrameError::Oversize(100_001)),
        (&[255; 4], FrameError::Oversize(u32::MAX)),
        (&[0, 0, 0, 1, 0xff], FrameError::Decode(DecodeError::Malformed)),
        (&[0, 0, 0, 2, 0x81, 9], FrameError::Decode(DecodeError::Unknown(9))),
    ] {
        assert_eq!(refused(&mut client, &mut server, frame).await, expected);
    }

    // The connection lives on, and a good request is answered.
    send(&mut client, &server, &[0, 0, 0, 2, 0x81, 0x00], false);
    let answer = drive_both(&mut client, &mut server, |event, _, server| match event {
        Side::A(SwarmEvent::Behaviour(request_response::Event::Message {
            message: Message::Response { response, .. },
            ..
        })) => Some(response),
        Side::B(SwarmEvent::Behaviour(Event::Direct(event))) => {
            if let request_response::Event::Message {
                message: Message::Request { request, channel, .. },
                ..
            } = *event
            {
                assert_eq!(request, Ok(Request::Challenge));
                let refusal = Response::Refused(Reason::ConnectionLimit.code());
                server.behaviour_mut().direct.send_response(channel, refusal).expect("open");
            }
            None
        }
        _ => None,
    })
    .await;
    assert_eq!(answer, [0, 0, 0, 4, 0x82, 0x04, 0x18, 0x20]);
}

#[tokio::test]
async fn a_full_page_is_asked_for_and_answered() {
    let (mut a, mut b) = (node(), node());
    let address = listen(&mut b).await;
    connect(&mut a, &mut b, &address).await;
    let peer = *b.local_peer_id();
    let item = vec![7; streams::PAGE_BYTES / streams::PAGE_ITEMS];
    let page = Response::Directory {
        claims: vec![item.clone(); 4],
        ads: vec![item; streams::PAGE_ITEMS - 4],
        more: true,
    };
    let request = Request::Directory { after: None };
    a.behaviour_mut().ask(&peer, request.clone()).expect("connected");
    let answer = drive(&mut [&mut a, &mut b], |_, event, nodes| {
        let SwarmEvent::Behaviour(Event::Direct(event)) = event else { return None };
        match *event {
            request_response::Event::Message {
                message: Message::Request { request: got, channel, .. },
                ..
            } => {
                assert_eq!(got.as_ref(), Ok(&request));
                let direct = &mut nodes[1].behaviour_mut().direct;
                direct.send_response(channel, page.clone()).expect("open");
                None
            }
            request_response::Event::Message {
                message: Message::Response { response, .. },
                ..
            } => Some(response),
            request_response::Event::ResponseSent { .. } => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(answer, page);
}

#[tokio::test]
async fn slow_dht_streams_are_reset_and_block_nobody() {
    let limits = Limits { frame: Millis::new(300), ..Limits::DEFAULT };
    let hasty = Settings { limits, ..settings() };
    let mut server = node_with(&hasty, common::Door::default());
    let mut client = client_of(&mut server, dht::protocol(Network::Reg)).await;

    // A frame of 120 bytes, of which one arrives every 20 ms.
    const STREAMS: usize = 20;
    let slow = [&[120][..], &[8; 120]].concat();
    for _ in 0..STREAMS {
        send(&mut client, &server, &slow, true);
    }
    let started = tokio::time::Instant::now();
    let mut reset = 0;
    drive_both(&mut client, &mut server, |event, _, _| {
        match event {
            Side::A(SwarmEvent::Behaviour(request_response::Event::OutboundFailure {
                error,
                ..
            })) => {
                assert!(matches!(error, OutboundFailure::Io(_)), "{error:?}");
                reset += 1;
            }
            Side::A(SwarmEvent::ConnectionClosed { cause, .. }) => panic!("{cause:?}"),
            _ => {}
        }
        (reset == STREAMS).then_some(())
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(2), "before the frames were whole");

    // FIND_NODE for the key "a": type 4, key in field 2.
    send(&mut client, &server, &[5, 0x08, 4, 0x12, 1, b'a'], false);
    let answer = drive_both(&mut client, &mut server, |event, _, _| match event {
        Side::A(SwarmEvent::Behaviour(request_response::Event::Message {
            message: Message::Response { response, .. },
            ..
        })) => Some(response),
        Side::A(SwarmEvent::Behaviour(other)) => panic!("{other:?}"),
        _ => None,
    })
    .await;
    assert_eq!(answer[1..3], [0x08, 4], "an answer to FIND_NODE");
}
