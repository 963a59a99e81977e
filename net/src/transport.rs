//! TCP with Noise and Yamux, with the deadlines that libp2p lacks, and the tasks it runs in.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, Transport,
    core::{
        muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent},
        transport::{Boxed, DialOpts, ListenerId, TransportError, TransportEvent, global_only},
        upgrade,
    },
    identity::Keypair,
    metrics::{BandwidthTransport, Registry},
    multiaddr::Protocol,
    noise, swarm, tcp, yamux,
};
use ltms_core::Network;
use tokio::{
    runtime::Handle,
    task::JoinSet,
    time::{Sleep, sleep, timeout},
};

use crate::behaviour::SetupError;

/// From an accepted socket to its first byte (policy §10).
const FIRST_BYTE: Duration = Duration::from_secs(3);
/// From a socket to an authenticated, multiplexed connection (policy §10).
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long closing may wait for the remote.
const CLOSE: Duration = Duration::from_secs(5);
/// Streams of a connection. Yamux kills the whole connection at its limit, so it lies far above
/// what the protocols together permit.
const MAX_STREAMS: usize = 128;
/// Inbound streams of a connection whose protocol is not agreed yet.
const MAX_NEGOTIATING: usize = 16;
/// After which a connection that nothing uses is closed.
const IDLE: Duration = Duration::from_secs(60);

/// The transport of a node. Outside regtest only global addresses are dialled, because remote
/// peers name addresses in the DHT. The bytes that it moves are counted in `registry`.
///
/// # Errors
/// [`SetupError`] if the Noise keys cannot be made.
pub fn transport(
    keypair: &Keypair,
    network: Network,
    registry: &mut Registry,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, SetupError> {
    let noise = noise::Config::new(keypair).map_err(|error| SetupError::new("noise", error))?;
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let secured = if network == Network::Reg {
        secure(tcp, noise)
    } else {
        secure(global_only::Transport::new(tcp), noise)
    };
    let counted = BandwidthTransport::new(secured, registry);
    Ok(Plain(counted).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

/// A transport that dials `/ip4|ip6/…/tcp/…[/p2p/…]` and nothing else.
///
/// TCP reads an address from its end and [`global_only`] from its beginning, so that
/// `/ip4/8.8.8.8/udp/1/ip4/127.0.0.1/tcp/22` would be global and dialled at home; and
/// [`BandwidthTransport`] keeps a counter for every form of address that was ever dialled.
struct Plain<T>(T);

impl<T: Transport + Unpin> Transport for Plain<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<T::Error>> {
        self.0.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.0.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<T::Dial, TransportError<T::Error>> {
        if is_plain(&address) {
            self.0.dial(address, options)
        } else {
            Err(TransportError::MultiaddrNotSupported(address))
        }
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<T::ListenerUpgrade, T::Error>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

fn is_plain(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    matches!(parts.next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_)))
        && matches!(parts.next(), Some(Protocol::Tcp(_)))
        && matches!(parts.next(), None | Some(Protocol::P2p(_)))
        && parts.next().is_none()
}

fn secure<T>(tcp: T, noise: noise::Config) -> Boxed<(PeerId, StreamMuxerBox)>
where
    T: Transport<Output = tcp::tokio::TcpStream> + Send + Unpin + 'static,
    T::Error: Send + Sync,
    T::Dial: Send,
    T::ListenerUpgrade: Send,
{
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_STREAMS);
    tcp.and_then(|stream, point| async move {
        // The dialler speaks first.
        if point.is_listener() {
            timeout(FIRST_BYTE, stream.0.peek(&mut [0])).await??;
        }
        io::Result::Ok(stream)
    })
    .upgrade(upgrade::Version::V1)
    .authenticate(noise)
    .multiplex(yamux)
    .timeout(HANDSHAKE)
    .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(Closing::new(muxer))))
    .boxed()
}

/// The swarm's settings, with its tasks in `executor`.
#[must_use]
pub fn swarm_config(executor: Executor) -> swarm::Config {
    swarm::Config::with_executor(executor)
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(MAX_NEGOTIATING)
}

/// A muxer whose closing ends after [`CLOSE`], also if the remote does not read.
struct Closing<M> {
    inner: Pin<Box<M>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<M> Closing<M> {
    fn new(muxer: M) -> Self {
        Self { inner: Box::pin(muxer), deadline: None }
    }
}

impl<M: StreamMuxer> StreamMuxer for Closing<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        self.inner.as_mut().poll_inbound(cx)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        self.inner.as_mut().poll_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if let Poll::Ready(closed) = self.inner.as_mut().poll_close(cx) {
            return Poll::Ready(closed);
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(CLOSE)));
        deadline.as_mut().poll(cx).map(Ok)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        self.inner.as_mut().poll(cx)
    }
}

/// Runs the swarm's tasks so that all of them can be ended. Clones share the tasks.
#[derive(Clone, Debug)]
pub struct Executor {
    runtime: Handle,
    /// `None` after the shutdown.
    tasks: Arc<Mutex<Option<JoinSet<()>>>>,
}

impl Executor {
    /// In the given runtime.
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, tasks: Arc::new(Mutex::new(Some(JoinSet::new()))) }
    }

    /// Tasks that have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.with(|tasks| tasks.as_ref().map_or(0, JoinSet::len))
    }

    /// Ends every task and waits until they are gone. What is given to it later is dropped.
    pub async fn shutdown(&self) {
        if let Some(mut tasks) = self.with(Option::take) {
            tasks.shutdown().await;
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<JoinSet<()>>) -> T) -> T {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tasks) = tasks.as_mut() {
            while let Some(ended) = tasks.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
        }
        act(&mut tasks)
    }
}

impl swarm::Executor for Executor {
    fn exec(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.with(|tasks| {
            if let Some(tasks) = tasks {
                tasks.spawn_on(future, &self.runtime);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::pending};

    use libp2p::{core::muxing::StreamMuxerExt, swarm::Executor as _};

    use super::*;

    /// Never closes.
    struct Stuck;

    impl StreamMuxer for Stuck {
        type Substream = futures::io::Cursor<Vec<u8>>;
        type Error = Infallible;
        fn poll_inbound(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<Self::Substream, Infallible>> {
            Poll::Pending
        }
        fn poll_outbound(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<Self::Substream, Infallible>> {
            Poll::Pending
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn poll(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<StreamMuxerEvent, Infallible>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closing_ends_without_the_remote() {
        let started = tokio::time::Instant::now();
        Closing::new(Stuck).close().await.expect("closed");
        assert_eq!(started.elapsed(), CLOSE);
    }

    #[tokio::test]
    async fn shutdown_leaves_no_task_behind() {
        let executor = Executor::new(Handle::current());
        let alive = Arc::new(());
        for _ in 0..10 {
            let alive = alive.clone();
            executor.exec(Box::pin(async move {
                pending::<()>().await;
                drop(alive);
            }));
        }
        assert_eq!((executor.running(), Arc::strong_count(&alive)), (10, 11));
        executor.clone().shutdown().await;
        assert_eq!((executor.running(), Arc::strong_count(&alive)), (0, 1));
        let late = alive.clone();
        executor.exec(Box::pin(async move { drop(late) }));
        assert_eq!((executor.running(), Arc::strong_count(&alive)), (0, 1));
    }

    #[tokio::test]
    async fn only_regtest_dials_private_addresses() {
        let keypair = Keypair::generate_ed25519();
        let dial = |network, address: &str| {
            let options = libp2p::core::transport::DialOpts {
                role: libp2p::core::Endpoint::Dialer,
                port_use: libp2p::core::transport::PortUse::New,
            };
            let address = address.parse().expect("address");
            let transport = transport(&keypair, network, &mut Registry::default());
            transport.expect("transport").dial(address, options).is_ok()
        };
        for address in ["/ip4/127.0.0.1/tcp/9", "/ip4/10.1.2.3/tcp/9", "/ip6/::1/tcp/9"] {
            assert!(dial(Network::Reg, address) && !dial(Network::Main, address), "{address}");
            assert!(!dial(Network::Test, address), "{address}");
        }
        for address in
            ["/ip4/192.168.0.1/tcp/9", "/ip6/fe80::1/tcp/9", "/ip6/::ffff:10.0.0.1/tcp/9"]
        {
            assert!(!dial(Network::Main, address), "{address}");
        }
        assert!(dial(Network::Main, "/ip4/8.8.8.8/tcp/9"));
        let peer = keypair.public().to_peer_id();
        assert!(dial(Network::Main, &format!("/ip4/8.8.8.8/tcp/9/p2p/{peer}")));
        // Global at its beginning, and at home at its end.
        for address in ["/ip4/8.8.8.8/udp/1/ip4/127.0.0.1/tcp/9", "/ip4/8.8.8.8/ip4/10.0.0.1/tcp/9"]
        {
            assert!(!dial(Network::Main, address) && !dial(Network::Reg, address), "{address}");
        }
    }
}
