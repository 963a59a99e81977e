//! One socket as the rest of the node sees it: how much it holds, and ways to let it rest and to end
//! it at once.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite, task::AtomicWaker};
use libp2p::Multiaddr;
use tokio::time::Instant;

use super::inflow::Inflow;

/// Entries above which those of closed sockets are swept out.
const SWEEP: usize = 512;

/// Ends a socket or a stream from elsewhere: whoever reads or writes it wakes and fails.
#[derive(Debug, Default)]
pub(super) struct Switch {
    cut: AtomicBool,
    waker: AtomicWaker,
}

impl Switch {
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    pub(super) fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        self.waker.register(cx.waker());
        if self.is_cut() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

/// What belongs to one socket, or to several with one remote address: two that we dialled, or one of
/// each end, which cannot be told apart here and rest, pay and end together.
#[derive(Debug, Default)]
pub struct Line {
    switch: Switch,
    inflows: Mutex<Vec<Weak<Inflow>>>,
}

impl Line {
    /// Ends the socket at once: everything that reads or writes fails.
    pub fn cut(&self) {
        self.switch.cut();
    }

    /// Whether it was ended.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.switch.is_cut()
    }

    /// Bytes that the remote sent and that nobody here has read yet.
    #[must_use]
    pub fn held(&self) -> usize {
        let mut held = 0_usize;
        self.each(|inflow| held = held.saturating_add(inflow.unread()));
        held
    }

    /// Reads nothing more of what the remote sends until then.
    pub fn rest(&self, until: Instant) {
        self.each(|inflow| inflow.rest(until));
    }

    /// Takes time on a processor off the connection's share.
    pub(crate) fn charge(&self, time: Duration) {
        self.each(|inflow| inflow.charge(time));
    }

    /// What a muxer of its counts and heeds, as long as the muxer is there.
    pub(super) fn attach(&self, inflow: &Arc<Inflow>) {
        let mut inflows = self.inflows.lock().unwrap_or_else(PoisonError::into_inner);
        inflows.retain(|inflow| inflow.strong_count() > 0);
        inflows.push(Arc::downgrade(inflow));
    }

    fn each(&self, act: impl FnMut(Arc<Inflow>)) {
        let inflows = self.inflows.lock().unwrap_or_else(PoisonError::into_inner);
        inflows.iter().filter_map(Weak::upgrade).for_each(act);
    }
}

#[cfg(test)]
impl Line {
    /// That of a socket with a muxer, which is never dropped.
    pub(crate) fn metered() -> Arc<Self> {
        let line = Arc::<Self>::default();
        let inflow = Arc::new(Inflow::new(10, super::inflow::BURST));
        line.attach(&inflow);
        std::mem::forget(inflow);
        line
    }

    /// Grows with every charge.
    pub(crate) fn used(&self) -> Option<Instant> {
        let mut used = None;
        self.each(|inflow| used = used.max(Some(inflow.used())));
        used
    }
}

/// The lines of open sockets by remote address. Clones share them: here the behaviour, which
/// knows whom to end, and the transport, which has the sockets, meet.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<HashMap<Multiaddr, Weak<Line>>>>);

impl Lines {
    /// The line of a socket that is about to be accepted.
    pub fn put(&self, remote: &Multiaddr, line: &Arc<Line>) {
        let mut lines = self.lock();
        if lines.len() >= SWEEP {
            lines.retain(|_, line| line.strong_count() > 0);
        }
        lines.insert(remote.clone(), Arc::downgrade(line));
    }

    /// The line of an open socket.
    #[must_use]
    pub fn get(&self, remote: &Multiaddr) -> Option<Arc<Line>> {
        self.lock().get(remote)?.upgrade()
    }

    /// The line of a socket, a fresh one if nobody has put one.
    pub(super) fn open(&self, remote: &Multiaddr) -> Arc<Line> {
        self.get(remote).unwrap_or_else(|| {
            let line = Arc::default();
            self.put(remote, &line);
            line
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Multiaddr, Weak<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that ends when its line is cut.
#[derive(Debug)]
pub(super) struct Wired<T> {
    inner: T,
    line: Arc<Line>,
}

impl<T> Wired<T> {
    pub(super) const fn new(inner: T, line: Arc<Line>) -> Self {
        Self { inner, line }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wired<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.line.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Wired<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.switch.check(cx)?;
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::AsyncReadExt;

    use super::*;

    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_cut_line_wakes_and_ends_whoever_reads() {
        let line = Arc::<Line>::default();
        let mut socket = Wired::new(Silent, line.clone());
        let reading = tokio::spawn(async move { socket.read(&mut [0]).await });
        tokio::task::yield_now().await;
        assert!(!reading.is_finished());
        line.cut();
        let error = reading.await.expect("no panic").expect_err("cut");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[test]
    fn two_muxers_of_one_address_pay_and_rest_and_one_that_is_gone_is_forgotten() {
        let lines = Lines::default();
        let address: Multiaddr = "/ip4/10.0.0.1/tcp/1".parse().expect("an address");
        let inflows = [0, 1].map(|_| Arc::new(Inflow::new(10, super::super::inflow::BURST)));
        let (line, same) = (lines.open(&address), lines.open(&address));
        line.attach(&inflows[0]);
        same.attach(&inflows[1]);
        let now = Instant::now();
        line.charge(Duration::from_secs(1));
        assert!(inflows.iter().all(|inflow| inflow.resting(now).is_some()), "both over the share");
        line.rest(now + Duration::from_secs(3_600));
        let soon = now + Duration::from_secs(3_000);
        assert!(inflows.iter().all(|inflow| inflow.resting(soon).is_some()));
        drop(inflows);
        for _ in 0..100 {
            line.attach(&Arc::new(Inflow::new(10, Duration::ZERO)));
        }
        assert_eq!(line.inflows.lock().expect("no panic").len(), 1);
    }

    #[test]
    fn lines_are_found_while_their_socket_is_open_and_then_swept() {
        let lines = Lines::default();
        let address =
            |n: usize| -> Multiaddr { format!("/ip4/10.0.0.1/tcp/{n}").parse().expect("ok") };
        let line = lines.open(&address(1));
        assert!(Arc::ptr_eq(&line, &lines.get(&address(1)).expect("open")));
        assert!(Arc::ptr_eq(&line, &lines.open(&address(1))));
        drop(line);
        assert!(lines.get(&address(1)).is_none());
        for n in 0..10_000 {
            drop(lines.open(&address(n)));
        }
        assert!(lines.lock().len() <= SWEEP);
    }
}
