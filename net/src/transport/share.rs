//! What a connection's task takes of a processor. Whatever a remote sends, and in whichever
//! protocol, is decrypted, taken apart and answered there, signatures of gossip among it.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::inflow::Inflow;

/// What is charged at most for what the thread did beside: it woke up, asked the system for sockets
/// that are ready, went round in the driver. Thrice what that takes in a flood of small messages.
const BESIDE: Duration = Duration::from_micros(50);

thread_local! {
    /// The connection that the running task serves.
    static SERVED: RefCell<Option<Arc<Inflow>>> = const { RefCell::new(None) };
    /// The thread's time up to which somebody was charged.
    static CHARGED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Says that the running task serves this connection.
pub(super) fn serve(inflow: &Arc<Inflow>) {
    SERVED.with_borrow_mut(|served| {
        served.get_or_insert_with(|| inflow.clone());
    });
}

/// The time that this thread has had on a processor. Time in which it waited for one does not
/// count: a busy machine makes nobody slower.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Does this for a connection, and says what it is charged for it: the time that it took, and
/// what the thread did since it last did something for one, up to [`BESIDE`].
pub(crate) fn priced<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = processor();
    let beside = start.saturating_sub(CHARGED.get()).min(BESIDE);
    let done = work();
    let end = processor();
    CHARGED.set(end);
    (done, beside + end.saturating_sub(start))
}

/// A task whose time is charged to the connection that it serves.
pub(super) struct Charged {
    task: Pin<Box<dyn Future<Output = ()> + Send>>,
    served: Option<Arc<Inflow>>,
}

impl Charged {
    pub(super) fn new(task: Pin<Box<dyn Future<Output = ()> + Send>>) -> Self {
        Self { task, served: None }
    }
}

impl Future for Charged {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (polled, time) = priced(|| self.task.as_mut().poll(cx));
        if let Some(inflow) = SERVED.take() {
            self.served = Some(inflow);
        }
        if let Some(inflow) = &self.served {
            inflow.charge(time);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{poll_fn, ready},
        time::Instant,
    };

    use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, future::select};
    use libp2p::{
        Multiaddr, Transport,
        core::{
            Endpoint,
            muxing::{StreamMuxerBox, StreamMuxerExt},
            transport::{DialOpts, ListenerId, PortUse, TransportEvent},
        },
        identity::Keypair,
        metrics::Registry,
        swarm::Executor as _,
    };
    use ltms_core::Network;
    use tokio::{
        runtime::Handle,
        sync::mpsc,
        time::{Instant as Time, timeout},
    };

    use super::{super::inflow::BURST, *};
    use crate::{
        limits::Limits,
        transport::{Executor, Lines, Options, transport, transport_with},
    };

    fn spin(time: Duration) {
        let start = processor();
        while processor() - start < time {}
    }

    #[test]
    fn what_a_thread_does_beside_is_charged_once_and_up_to_a_limit() {
        let millisecond = Duration::from_millis(1);
        priced(|| spin(millisecond));
        spin(BESIDE / 2);
        let ((), little) = priced(|| {});
        spin(millisecond);
        let start = processor();
        let ((), much) = priced(|| {});
        let most = BESIDE + (processor() - start);
        assert!(little >= BESIDE / 2 && (BESIDE..=most).contains(&much), "{little:?} {much:?}");
        spin(millisecond);
        let ((), own) = priced(|| spin(millisecond));
        assert!(own >= millisecond + BESIDE, "its own time, and what was beside");
    }

    #[tokio::test]
    async fn a_task_is_charged_to_the_connection_that_it_serves_and_to_no_other() {
        let (busy, idle) = (Arc::new(Inflow::new(10, BURST)), Arc::new(Inflow::new(10, BURST)));
        let (its, others) = (busy.clone(), idle.clone());
        let task = poll_fn(move |_| {
            serve(&its);
            spin(Duration::from_millis(600));
            Poll::Ready(())
        });
        Charged::new(Box::pin(task)).await;
        Charged::new(Box::pin(poll_fn(move |_| {
            serve(&others);
            Poll::Ready(())
        })))
        .await;
        let now = Instant::now().into();
        assert!(busy.resting(now).is_some(), "600 ms are more than half a second");
        assert!(idle.resting(now).is_none());
    }

    /// Answers each byte on the first stream with itself, after so many tenths of a second on a
    /// processor.
    async fn echo(mut muxer: StreamMuxerBox) {
        let mut stream = poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = muxer.poll_unpin(cx) {
                return Poll::Ready(Err(error));
            }
            muxer.poll_inbound_unpin(cx)
        })
        .await
        .expect("a stream");
        let answers = async {
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                spin(u32::from(byte[0]) * Duration::from_millis(100));
                stream.write_all(&byte).await.expect("sent");
                stream.flush().await.expect("sent");
            }
        };
        select(Box::pin(answers), poll_fn(|cx| muxer.poll_unpin(cx))).await;
    }

    /// The other end: sends what it is given, and tells what comes back.
    async fn ask(
        mut muxer: StreamMuxerBox,
        mut bytes: mpsc::UnboundedReceiver<u8>,
        back: mpsc::UnboundedSender<u8>,
    ) {
        let stream = poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = muxer.poll_unpin(cx) {
                return Poll::Ready(Err(error));
            }
            muxer.poll_outbound_unpin(cx)
        });
        let mut stream = stream.await.expect("a stream");
        let questions = async {
            while let Some(byte) = bytes.recv().await {
                stream.write_all(&[byte]).await.expect("sent");
                stream.flush().await.expect("sent");
                let mut answer = [0];
                stream.read_exact(&mut answer).await.expect("an answer");
                let _ = back.send(answer[0]);
            }
        };
        select(Box::pin(questions), poll_fn(|cx| muxer.poll_unpin(cx))).await;
    }

    /// One who asks a server.
    struct Client {
        bytes: mpsc::UnboundedSender<u8>,
        back: mpsc::UnboundedReceiver<u8>,
    }

    impl Client {
        /// Connects to it, and says where it is seen from there.
        async fn new(server: &mut Server) -> (Self, Multiaddr) {
            let (bytes, questions) = mpsc::unbounded_channel();
            let (answers, back) = mpsc::unbounded_channel();
            let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
            let key = Keypair::generate_ed25519();
            let mut transport = transport(&key, Network::Reg, &mut Registry::default());
            let transport = transport.as_mut().expect("a transport");
            let dial = transport.dial(server.address.clone(), options).expect("dialled");
            tokio::spawn(async move {
                let (_, muxer) = dial.await.expect("connected");
                ask(muxer, questions, answers).await;
            });
            let seen = server.seen.recv().await.expect("accepted");
            (Self { bytes, back }, seen)
        }

        fn send(&self, byte: u8) {
            self.bytes.send(byte).expect("connected");
        }

        async fn told(&mut self, byte: u8) {
            self.send(byte);
            let answer = timeout(Duration::from_secs(60), self.back.recv()).await;
            assert_eq!(answer.expect("in time"), Some(byte));
        }
    }

    /// One who answers all that connect, each in a task that is charged.
    struct Server {
        address: Multiaddr,
        lines: Lines,
        seen: mpsc::UnboundedReceiver<Multiaddr>,
    }

    impl Server {
        async fn new(share: u16) -> Self {
            let (lines, executor) = (Lines::default(), Executor::new(Handle::current()));
            let limits = Limits { share, ..Limits::DEFAULT };
            let options = Options { limits, lines: lines.clone(), ..Options::default() };
            let key = Keypair::generate_ed25519();
            let transport = transport_with(&key, Network::Reg, &options, &mut Registry::default());
            let mut transport = transport.expect("a transport");
            let any = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
            transport.listen_on(ListenerId::next(), any).expect("listening");
            let opened = transport.by_ref().filter_map(|event| ready(event.into_new_address()));
            let address = std::pin::pin!(opened).next().await.expect("an address");
            let (tell, seen) = mpsc::unbounded_channel();
            tokio::spawn(async move {
                loop {
                    let event = transport.select_next_some().await;
                    let TransportEvent::Incoming { upgrade, send_back_addr, .. } = event else {
                        continue;
                    };
                    let tell = tell.clone();
                    executor.exec(Box::pin(async move {
                        let (_, muxer) = upgrade.await.expect("connected");
                        let _ = tell.send(send_back_addr);
                        echo(muxer).await;
                    }));
                }
            });
            Self { address, lines, seen }
        }
    }

    /// Round trips of one connection in which another, if it were read, would be answered, too.
    const ROUNDS: u8 = 50;

    #[tokio::test]
    async fn a_connection_that_took_more_than_its_share_is_not_read_and_another_is() {
        let mut server = Server::new(2).await;
        let (mut hungry, _) = Client::new(&mut server).await;
        let (mut modest, _) = Client::new(&mut server).await;
        // A second and a half, of which a fiftieth is its share.
        hungry.told(15).await;
        hungry.send(0);
        for _ in 0..ROUNDS {
            modest.told(0).await;
        }
        assert!(hungry.back.is_empty(), "for more than a minute");
        // With a share that is larger it would be read again at once.
        let mut server = Server::new(u16::MAX).await;
        let (mut hungry, _) = Client::new(&mut server).await;
        hungry.told(15).await;
        hungry.told(0).await;
    }

    #[tokio::test]
    async fn a_connection_whose_line_rests_is_not_read_and_another_is() {
        let mut server = Server::new(10).await;
        let (mut resting, seen) = Client::new(&mut server).await;
        let (mut other, _) = Client::new(&mut server).await;
        resting.told(0).await;
        let line = server.lines.get(&seen).expect("open");
        line.rest(Time::now() + Duration::from_secs(3_600));
        resting.send(0);
        for _ in 0..ROUNDS {
            other.told(0).await;
        }
        assert!(resting.back.is_empty());
    }
}
