//! Yamux with the bounds that the policy wants: few inbound streams, an end to those that last and
//! to closing, a pace of reading, and a count of what nobody has read.

use std::{
    collections::VecDeque,
    future::{self, Future},
    io, iter,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::{
    muxing::{StreamMuxer, StreamMuxerEvent},
    upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo},
};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use yamux::{Connection, Mode};

use super::{
    MAX_STREAMS,
    counts::Counts,
    inflow::{BURST, Inflow, Metered, Pause},
    line::{Line, Switch},
};

/// How long closing may wait for the remote.
const CLOSE: Duration = Duration::from_secs(5);
/// What a stream may have unread before anything of it is read.
const WINDOW: usize = 256 << 10;

/// Inbound streams of a connection that may last: gossip's and ping's, which do by design.
const LASTING: usize = 2;
/// Waits of a stream, each with the deadline of a frame: its turn, the agreement on a protocol, the
/// frame itself.
const WAITS: u32 = 3;

/// The upgrade to a [`Muxer`].
#[derive(Clone, Debug)]
pub(super) struct Yamux {
    /// Inbound streams at a time; further ones are reset.
    pub(super) inbound: usize,
    /// Percent of a processor that the connection may take.
    pub(super) share: u16,
    /// How long a frame may take. An inbound stream that is not among the [`LASTING`] oldest may
    /// last for [`WAITS`] times as long.
    pub(super) frame: Duration,
    pub(super) counts: Counts,
}

impl Yamux {
    fn over<C: AsyncRead + AsyncWrite + Unpin>(self, io: C, mode: Mode) -> Muxer<C> {
        // Who comes again and again would have the whole of it each time.
        let credit = if mode == Mode::Server { Duration::ZERO } else { BURST };
        let inflow = Arc::new(Inflow::new(self.share, credit).counting(&self.counts));
        let mut config = yamux::Config::default();
        // Windows are not widened for fast readers: what one connection can fill stays known.
        config
            .set_max_num_streams(MAX_STREAMS)
            .set_max_connection_receive_window(Some(MAX_STREAMS * WINDOW));
        let connection = Connection::new(Metered::new(io, inflow.clone()), config, mode);
        Muxer {
            connection,
            inflow,
            waiting: VecDeque::new(),
            waker: None,
            inbound: VecDeque::new(),
            bounds: self,
            next_end: None,
            deadline: None,
        }
    }
}

impl UpgradeInfo for Yamux {
    type Info = &'static str;
    type InfoIter = iter::Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> InboundConnectionUpgrade<C> for Yamux {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = future::Ready<io::Result<Muxer<C>>>;

    fn upgrade_inbound(self, io: C, _: Self::Info) -> Self::Future {
        future::ready(Ok(self.over(io, Mode::Server)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> OutboundConnectionUpgrade<C> for Yamux {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = future::Ready<io::Result<Muxer<C>>>;

    fn upgrade_outbound(self, io: C, _: Self::Info) -> Self::Future {
        future::ready(Ok(self.over(io, Mode::Client)))
    }
}

/// A multiplexed connection.
pub(super) struct Muxer<C> {
    connection: Connection<Metered<C>>,
    inflow: Arc<Inflow>,
    /// Inbound streams that nobody has asked for yet.
    waiting: VecDeque<Stream>,
    waker: Option<Waker>,
    /// Inbound streams since when they are open, oldest first.
    inbound: VecDeque<(Instant, Weak<Switch>)>,
    bounds: Yamux,
    /// When the next of them has lasted for too long.
    next_end: Option<Pin<Box<Sleep>>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    /// Has the line tell what is unread here, and let it rest.
    pub(super) fn on(self, line: &Line) -> Self {
        line.attach(&self.inflow);
        self
    }

    /// Takes the next inbound stream, unless there are too many; dropping it resets it.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Stream>>> {
        let next = std::task::ready!(self.connection.poll_next_inbound(cx));
        let stream =
            next.unwrap_or(Err(yamux::ConnectionError::Closed)).map_err(io::Error::other)?;
        self.inbound.retain(|(_, switch)| switch.strong_count() > 0);
        let switch = Arc::<Switch>::default();
        let crowded = self.inbound.len() >= self.bounds.inbound;
        if crowded {
            self.bounds.counts.refused.inc();
        } else {
            self.inbound.push_back((Instant::now(), Arc::downgrade(&switch)));
        }
        let late = Instant::now() + self.bounds.frame;
        let stream = Stream::new(stream, &self.inflow, switch, (!crowded).then_some(late));
        Poll::Ready(Ok((!crowded).then_some(stream)))
    }

    /// Resets the inbound streams that have lasted for too long. Every protocol has its deadlines,
    /// but not for whatever follows a first request or comes in single bytes.
    fn end_lasting(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some(timer) = &mut self.next_end
                && timer.as_mut().poll(cx).is_pending()
            {
                return;
            }
            self.next_end = None;
            self.inbound.retain(|(_, switch)| switch.strong_count() > 0);
            let now = Instant::now();
            for (opened, switch) in self.inbound.iter().skip(LASTING) {
                let end = *opened + WAITS * self.bounds.frame;
                if end > now {
                    self.next_end = Some(Box::pin(sleep_until(end)));
                    break;
                }
                if let Some(switch) = switch.upgrade() {
                    switch.cut();
                }
            }
            if self.next_end.is_none() {
                return;
            }
        }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = Stream;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        if let Some(stream) = self.waiting.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        // `poll` makes the progress, and wakes whoever waits here.
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let stream = std::task::ready!(self.connection.poll_new_outbound(cx));
        let stream = stream.map_err(io::Error::other)?;
        Poll::Ready(Ok(Stream::new(stream, &self.inflow, Arc::default(), None)))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if let Poll::Ready(closed) = self.connection.poll_close(cx) {
            return Poll::Ready(closed.map_err(io::Error::other));
        }
        // A remote that does not read must not keep the socket.
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(CLOSE)));
        deadline.as_mut().poll(cx).map(Ok)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        self.end_lasting(cx);
        self.bounds.counts.timed_out.inc_by(self.inflow.take_late());
        if let Some(stream) = std::task::ready!(self.next(cx))? {
            self.waiting.push_back(stream);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
        // One at a time, so that other tasks get their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A stream that counts what is read from it, and can be ended. While the connection rests nothing
/// is read: hundreds of small messages may have come in one frame.
pub(super) struct Stream {
    inner: yamux::Stream,
    id: u32,
    inflow: Arc<Inflow>,
    switch: Arc<Switch>,
    pause: Pause,
    /// From when on it is for being late that it is reset.
    late: Option<Instant>,
}

impl Stream {
    fn new(
        inner: yamux::Stream,
        inflow: &Arc<Inflow>,
        switch: Arc<Switch>,
        late: Option<Instant>,
    ) -> Self {
        let id = inner.id().val();
        inflow.open(id);
        Self { inner, id, inflow: inflow.clone(), switch, pause: Pause::default(), late }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.inflow.close(self.id);
        // Dropped before both sides have closed it, it is reset.
        if !self.inner.is_closed() && self.late.is_some_and(|late| late <= Instant::now()) {
            self.inflow.note_late();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.switch.check(cx)?;
        let this = &mut *self;
        std::task::ready!(this.pause.poll(&this.inflow, cx));
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if let Poll::Ready(Ok(count)) = read {
            this.inflow.took(this.id, count);
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
