//! What a remote sends on a connection: how much of it nobody has read, its hold on our memory, and
//! how fast more is taken from the socket, its hold on our processor.

use std::{
    collections::HashMap,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    counts::{Counts, Seconds},
    share::serve,
};

/// Streams that are counted: more than the muxer permits.
const MOST: usize = 2 * super::MAX_STREAMS;
/// A Yamux frame: version, type, flags (2), stream (4) and length (4), big-endian.
const HEADER: usize = 12;
/// Type of a frame with a payload.
const DATA: u8 = 0;
/// Type of a frame that only gives credit.
const WINDOW: u8 = 1;
/// The flag that opens a stream.
const SYN: u16 = 1;
/// Time on a processor that a connection may take at once.
pub(super) const BURST: Duration = Duration::from_millis(500);

/// What is unread, and until when nothing more is taken. The muxer, the [`super::Line`] and the
/// connection's task share it.
#[derive(Debug)]
pub(super) struct Inflow {
    /// Unread bytes by stream.
    unread: Mutex<HashMap<u32, usize>>,
    rest: Mutex<Option<Instant>>,
    /// Percent of one processor.
    share: u16,
    /// Up to when the time that was taken uses up the share.
    used: Mutex<Instant>,
    counts: Counts,
    /// Streams that were reset for being late, and are not counted yet.
    late: AtomicU64,
}

impl Inflow {
    /// Of a connection that may take so much of [`BURST`] at once before it has waited for it.
    pub(super) fn new(share: u16, credit: Duration) -> Self {
        let share = share.max(1);
        let used = Instant::now() + BURST.saturating_sub(credit) * 100 / u32::from(share);
        Self {
            unread: Mutex::default(),
            rest: Mutex::default(),
            share,
            used: Mutex::new(used),
            counts: Counts::default(),
            late: AtomicU64::new(0),
        }
    }

    /// Counts its rests with others'.
    pub(super) fn counting(self, counts: &Counts) -> Self {
        Self { counts: counts.clone(), ..self }
    }

    /// A stream is reset for being late. If the connection is about to end that is not the reason:
    /// then nobody asks any more.
    pub(super) fn note_late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were since this was asked last.
    pub(super) fn take_late(&self) -> u64 {
        self.late.swap(0, Ordering::Relaxed)
    }

    pub(super) fn unread(&self) -> usize {
        self.lock().values().sum()
    }

    /// Charges for time on a processor. A connection that is over its share rests until it is
    /// within it again.
    pub(super) fn charge(&self, time: Duration) {
        let of_share = |time: Duration| time * 100 / u32::from(self.share);
        let now = Instant::now();
        let mut last = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = now.max(*last) + of_share(time);
        *last = used;
        let within = now + of_share(BURST);
        if used > within {
            self.rest_for(now + (used - within), &self.counts.share);
        }
    }

    /// Grows with every charge.
    #[cfg(test)]
    pub(super) fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nothing more from the socket until then.
    pub(super) fn rest(&self, until: Instant) {
        self.rest_for(until, &self.counts.window);
    }

    fn rest_for(&self, until: Instant, rests: &Seconds) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let before = rest.map_or(now, |end| end.max(now));
        if until > before {
            *rest = Some(until);
            rests.inc_by((until - before).as_secs_f64());
        }
    }

    /// Until when nothing is to be taken, if that is not over.
    pub(super) fn resting(&self, now: Instant) -> Option<Instant> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        *rest = rest.filter(|until| *until > now);
        *rest
    }

    /// Counts this stream from now on.
    pub(super) fn open(&self, stream: u32) {
        let mut streams = self.lock();
        if streams.len() < MOST {
            streams.entry(stream).or_default();
        }
    }

    pub(super) fn close(&self, stream: u32) {
        self.lock().remove(&stream);
    }

    pub(super) fn took(&self, stream: u32, bytes: usize) {
        if let Some(unread) = self.lock().get_mut(&stream) {
            *unread = unread.saturating_sub(bytes);
        }
    }

    /// What comes for a stream that is not open is thrown away.
    fn came(&self, stream: u32, bytes: usize) {
        if let Some(unread) = self.lock().get_mut(&stream) {
            *unread = unread.saturating_add(bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits while a connection rests.
#[derive(Default)]
pub(super) struct Pause(Option<Pin<Box<Sleep>>>);

impl Pause {
    pub(super) fn poll(&mut self, inflow: &Inflow, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = inflow.resting(Instant::now()) else { return Poll::Ready(()) };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}

/// Counts the payload of Yamux frames as they arrive, and leaves them in the socket while the
/// connection rests: then the remote can soon send no more.
pub(super) struct Metered<C> {
    inner: C,
    inflow: Arc<Inflow>,
    frames: Frames,
    pause: Pause,
}

impl<C> Metered<C> {
    pub(super) fn new(inner: C, inflow: Arc<Inflow>) -> Self {
        Self { inner, inflow, frames: Frames::default(), pause: Pause::default() }
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Metered<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        serve(&this.inflow);
        std::task::ready!(this.pause.poll(&this.inflow, cx));
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if let Poll::Ready(Ok(count)) = read {
            this.frames.see(&buffer[..count], &this.inflow);
        }
        read
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Metered<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// Where in the sequence of frames the bytes are.
#[derive(Default)]
struct Frames {
    header: [u8; HEADER],
    /// Bytes of the header that are there.
    filled: usize,
    /// The stream and what is to come of its payload.
    payload: (u32, usize),
}

impl Frames {
    fn see(&mut self, mut bytes: &[u8], inflow: &Inflow) {
        while !bytes.is_empty() {
            let (stream, left) = self.payload;
            if left > 0 {
                let count = left.min(bytes.len());
                inflow.came(stream, count);
                self.payload.1 -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEADER - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
            self.filled += count;
            bytes = &bytes[count..];
            if self.filled == HEADER {
                self.filled = 0;
                self.begin(inflow);
            }
        }
    }

    fn begin(&mut self, inflow: &Inflow) {
        let [_, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = self.header;
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        let opens = u16::from_be_bytes([f0, f1]) & SYN != 0;
        if opens && (kind == DATA || kind == WINDOW) {
            inflow.open(stream);
        }
        if kind == DATA {
            let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3]));
            self.payload = (stream, len.unwrap_or(usize::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::AsyncReadExt;
    use tokio::time::timeout;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, len: u8) -> Vec<u8> {
        let mut bytes = vec![0, kind, 0, flags, 0, 0, 0, stream, 0, 0, 0, len];
        if kind == DATA {
            bytes.extend(vec![7; len.into()]);
        }
        bytes
    }

    #[test]
    fn payloads_count_until_they_are_read_however_the_bytes_are_cut() {
        let bytes = [
            frame(DATA, 1, 1, 200),
            frame(WINDOW, 1, 3, 255),
            frame(2, 1, 0, 9),
            frame(DATA, 0, 3, 50),
            frame(DATA, 0, 5, 99),
            frame(DATA, 0, 1, 30),
        ];
        for size in [1, 2, 11, 12, 13, 100, 1000] {
            let (inflow, mut frames) = (Inflow::new(10, BURST), Frames::default());
            bytes.concat().chunks(size).for_each(|chunk| frames.see(chunk, &inflow));
            assert_eq!(inflow.unread(), 280, "nothing for stream 5, which nobody opened");
            inflow.took(1, 100);
            assert_eq!(inflow.unread(), 180);
            inflow.close(1);
            assert_eq!(inflow.unread(), 50);
            frames.see(&frame(DATA, 0, 1, 30), &inflow);
            assert_eq!(inflow.unread(), 50, "thrown away");
        }
    }

    #[test]
    fn no_more_streams_are_counted_than_there_can_be() {
        let (inflow, mut frames) = (Inflow::new(10, BURST), Frames::default());
        for stream in 0..=u16::MAX {
            let [high, low] = stream.to_be_bytes();
            frames.see(&[0, WINDOW, 0, 1, 0, 0, high, low, 0, 0, 0, 0], &inflow);
        }
        assert_eq!(inflow.lock().len(), MOST);
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn nothing_is_taken_from_a_socket_that_rests() {
        let inflow = Arc::new(Inflow::new(10, BURST));
        let bytes = frame(WINDOW, 0, 1, 0);
        let mut socket = Metered::new(&bytes[..], inflow.clone());
        let start = Instant::now();
        inflow.rest(start + 3 * SECOND);
        inflow.rest(start + SECOND);
        assert!(timeout(2 * SECOND, socket.read(&mut [0])).await.is_err());
        socket.read_exact(&mut [0; HEADER]).await.expect("in the end");
        assert_eq!(start.elapsed().as_secs(), 3, "the longer of the two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_over_its_share_rests_until_it_is_within_it() {
        let (inflow, millis) = (Inflow::new(10, BURST), Duration::from_millis);
        let rests = |inflow: &Inflow| {
            let now = Instant::now();
            inflow.resting(now).map(|until| (until - now).as_millis())
        };
        inflow.charge(BURST);
        assert_eq!(rests(&inflow), None, "so much at once");
        inflow.charge(millis(20));
        assert_eq!(rests(&inflow), Some(200), "a tenth of a processor");
        tokio::time::advance(millis(200)).await;
        assert_eq!(rests(&inflow), None);
        inflow.charge(millis(1));
        assert_eq!(rests(&inflow), Some(10), "nothing is saved up");
        tokio::time::advance(Duration::from_secs(60)).await;
        inflow.charge(BURST);
        assert_eq!(rests(&inflow), None, "all of it is again after a while");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_connection_that_came_by_itself_has_saved_up_nothing() {
        let millis = Duration::from_millis;
        let rests = |inflow: &Inflow| inflow.resting(Instant::now()).is_some();
        let inflow = Inflow::new(10, Duration::ZERO);
        inflow.charge(millis(1));
        assert!(rests(&inflow));
        tokio::time::advance(Duration::from_secs(1)).await;
        // A tenth of the second, but for the first millisecond.
        inflow.charge(millis(99));
        assert!(!rests(&inflow));
        inflow.charge(millis(1));
        assert!(rests(&inflow));
        tokio::time::advance(Duration::from_secs(60)).await;
        inflow.charge(BURST);
        assert!(!rests(&inflow), "no more than others have at once");
        inflow.charge(millis(1));
        assert!(rests(&inflow));
    }
}
