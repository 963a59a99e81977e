//! `/ltms/direct/1`: one length-prefixed request and one response on each stream.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    StreamProtocol,
    request_response::{self, ProtocolSupport},
};
use ltms_core::size;

pub use super::messages::{
    CREDITS, DecodeError, HISTORY_ITEMS, PAGE_BYTES, PAGE_ITEMS, Request, Response,
};

/// The protocol's name.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/ltms/direct/1");
/// From the opening of a stream to the answer; then it is reset.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Streams of one connection at a time, both directions together.
pub const MAX_STREAMS: usize = 8;
/// Bytes of unfinished frames in all (policy §1).
const IN_FLIGHT: usize = ltms_core::size::UNFINISHED;
/// What each frame may have without being counted, so that a flood of long frames does not keep
/// out short ones; 192 connections with 8 streams each have 6 MiB of it.
const UNCOUNTED: usize = 4096;

/// The request-response behaviour of the direct protocol.
pub type Direct = request_response::Behaviour<Codec>;

/// The direct protocol with its limits. `deadline` is from the opening of a stream to the answer,
/// usually [`TIMEOUT`]; then it is reset.
#[must_use]
pub fn behaviour(codec: Codec, deadline: Duration) -> Direct {
    let config = request_response::Config::default()
        .with_request_timeout(deadline)
        .with_max_concurrent_streams(MAX_STREAMS);
    Direct::with_codec(codec, [(PROTOCOL, ProtocolSupport::Full)], config)
}

/// Why a frame was not taken.
///
/// The request-response behaviour says nothing of a request that could not be read, so a request
/// arrives as `Result<Request, FrameError>`: the driver knows whom to charge. It drops the channel
/// of a refused one, which resets the stream. For a response, see [`cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It announced so many bytes, more than [`size::FRAME`]. Nothing was allocated for it.
    #[error("frame of {0} bytes")]
    Oversize(u32),
    /// It is not a message.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// All connections together hold too many bytes of unfinished frames; nobody is at fault.
    #[error("too many bytes of unfinished frames")]
    Busy,
}

/// A request as it arrives; to send one, see [`super::Behaviour::ask`].
pub type Incoming = Result<Request, FrameError>;

/// Why a response was not taken, from the [`io::Error`] of an outbound failure. `None` if the
/// stream itself failed.
#[must_use]
pub fn cause(error: &io::Error) -> Option<FrameError> {
    error.get_ref()?.downcast_ref().copied()
}

/// Reads and writes the frames. Clones share one budget for unfinished frames.
#[derive(Clone, Debug, Default)]
pub struct Codec {
    in_flight: Arc<AtomicUsize>,
}

impl Codec {
    pub(super) async fn read(
        &self,
        io: &mut (impl AsyncRead + Unpin + Send),
    ) -> io::Result<Vec<u8>> {
        let mut prefix = [0; 4];
        io.read_exact(&mut prefix).await?;
        let announced = u32::from_be_bytes(prefix);
        let len = match usize::try_from(announced) {
            Ok(len) if len <= size::FRAME => len,
            _ => return Err(invalid(FrameError::Oversize(announced))),
        };
        // Memory follows what has arrived, never what was announced.
        let mut frame = Vec::new();
        let mut held = Held { in_flight: &self.in_flight, bytes: 0 };
        let mut chunk = [0; UNCOUNTED];
        while frame.len() < len {
            let most = UNCOUNTED.min(len - frame.len());
            let count = io.read(&mut chunk[..most]).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            frame.extend_from_slice(&chunk[..count]);
            held.raise_to(frame.len().saturating_sub(UNCOUNTED))?;
        }
        Ok(frame)
    }

    pub(super) async fn write(
        io: &mut (impl AsyncWrite + Unpin + Send),
        frame: Vec<u8>,
    ) -> io::Result<()> {
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        if frame.len() > size::FRAME {
            return Err(invalid(FrameError::Oversize(len)));
        }
        // In one piece, so that prefix and message share a packet.
        io.write_all(&[&len.to_be_bytes()[..], &frame].concat()).await?;
        io.flush().await
    }
}

/// Bytes of one unfinished frame that count; given back when it is dropped.
struct Held<'a> {
    in_flight: &'a AtomicUsize,
    bytes: usize,
}

impl Held<'_> {
    fn raise_to(&mut self, bytes: usize) -> io::Result<()> {
        let more = bytes.saturating_sub(self.bytes);
        let others = self.in_flight.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        if others + more > IN_FLIGHT { Err(io::Error::other(FrameError::Busy)) } else { Ok(()) }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

pub(super) fn invalid(error: impl Into<FrameError>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.into())
}

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Incoming;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Incoming>
    where
        T: AsyncRead + Unpin + Send,
    {
        match self.read(io).await {
            Ok(frame) => Ok(Request::decode(&frame).map_err(FrameError::from)),
            Err(error) => cause(&error).map(Err).ok_or(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        Response::decode(&self.read(io).await?).map_err(invalid)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Incoming,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Self::write(io, request.map_err(invalid)?.encode()).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        if !response.fits() {
            return Err(invalid(DecodeError::TooManyItems(u64::MAX)));
        }
        Self::write(io, response.encode()).await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use futures::{FutureExt, io::Cursor};

    use super::*;

    /// Gives its bytes and then nothing more, without ending.
    struct Silent(&'static [u8]);

    impl AsyncRead for Silent {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let count = buffer.len().min(self.0.len());
            if count == 0 {
                return Poll::Pending;
            }
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Poll::Ready(Ok(count))
        }
    }

    #[test]
    fn an_oversize_prefix_is_refused_before_the_frame_is_awaited() {
        let codec = Codec::default();
        let error = codec
            .read(&mut Silent(&[0, 1, 0x86, 0xa1]))
            .now_or_never()
            .expect("an answer on the prefix alone")
            .expect_err("100,001 bytes");
        assert_eq!(cause(&error), Some(FrameError::Oversize(100_001)));
        assert!(codec.read(&mut Silent(&[0, 1, 0x86, 0xa0])).now_or_never().is_none(), "100,000");
    }

    #[test]
    fn frames_arrive_whole_or_not_at_all() {
        let codec = Codec::default();
        let read = |bytes: &[u8]| codec.read(&mut Cursor::new(bytes)).now_or_never().expect("done");
        assert_eq!(read(&[0, 0, 0, 2, 7, 8, 9]).expect("a frame"), [7, 8]);
        assert!(read(&[0, 0, 0, 0]).expect("a frame").is_empty());
        for short in [&[][..], &[0, 0], &[0, 0, 0, 2, 7]] {
            let error = read(short).expect_err("cut short");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn unfinished_frames_share_a_budget_that_short_frames_need_not() {
        let codec = Codec::default();
        let frame = |len: usize| [&(len as u32).to_be_bytes()[..], &vec![0; len]].concat();
        let read = |bytes: Vec<u8>| codec.read(&mut Cursor::new(bytes)).now_or_never();
        assert!(read(frame(size::FRAME)).expect("done").is_ok());
        assert_eq!(codec.in_flight.load(Ordering::Relaxed), 0, "given back");
        codec.in_flight.store(IN_FLIGHT, Ordering::Relaxed);
        assert!(read(frame(UNCOUNTED)).expect("done").is_ok());
        let error = read(frame(UNCOUNTED + 1)).expect("done").expect_err("no room");
        assert_eq!(cause(&error), Some(FrameError::Busy));
        assert_eq!(codec.in_flight.load(Ordering::Relaxed), IN_FLIGHT, "given back");
    }

    #[test]
    fn what_a_remote_would_refuse_is_not_sent() {
        let mut io = Cursor::new(Vec::new());
        let frame = vec![0; size::FRAME + 1];
        let error = Codec::write(&mut io, frame).now_or_never().expect("done").expect_err("long");
        assert_eq!(cause(&error), Some(FrameError::Oversize(100_001)));
        assert!(io.into_inner().is_empty());
    }
}
