//! Which addresses are dialled, and how: directly, or all of them through a SOCKS5 proxy.

use std::{
    collections::HashSet,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent, global_only},
    multiaddr::Protocol,
    tcp,
};
use tokio_socks::{TargetAddr, tcp::Socks5Stream};

type Tcp = tcp::tokio::Transport;
type Dial = Pin<Box<dyn Future<Output = io::Result<tcp::tokio::TcpStream>> + Send>>;

/// TCP that listens as ever, and dials only what it should.
///
/// Remote peers name addresses in the DHT: of those only global IP addresses are dialled outside
/// regtest. What the operator names is dialled as it is. With a proxy nothing else is ever asked
/// to connect, or to look up a name.
pub(super) struct Outbound {
    listener: Tcp,
    /// Refuses what is not global.
    global: global_only::Transport<Tcp>,
    any: bool,
    own: Trusted,
    proxy: Option<SocketAddr>,
}

/// The addresses that the operator names. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Trusted(Arc<RwLock<HashSet<Multiaddr>>>);

impl Trusted {
    /// These and no others.
    pub fn set<'a>(&self, addresses: impl Iterator<Item = &'a Multiaddr>) {
        let addresses = addresses.map(without_peer).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    fn contains(&self, address: &Multiaddr) -> bool {
        let addresses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        addresses.contains(&without_peer(address))
    }
}

impl Outbound {
    /// With `any`, addresses that are not global are dialled, too, as those of `own` always are.
    pub(super) fn new(any: bool, own: Trusted, proxy: Option<SocketAddr>) -> Self {
        let tcp = || Tcp::new(tcp::Config::default().nodelay(true));
        Self { listener: tcp(), global: global_only::Transport::new(tcp()), any, own, proxy }
    }
}

/// The address alone: whoever it is said to belong to.
fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

/// What is dialled; `None` if it is not just an IP address or a name, and a TCP port.
///
/// TCP reads an address from its end and [`global_only`] from its beginning, so that
/// `/ip4/8.8.8.8/udp/1/ip4/127.0.0.1/tcp/22` would be global and dialled at home; and
/// the counters of bytes are kept for every form of address that was ever dialled.
fn target(address: &Multiaddr) -> Option<TargetAddr<'static>> {
    let address = without_peer(address);
    let mut parts = address.iter();
    let (host, Some(Protocol::Tcp(port)), None) = (parts.next()?, parts.next(), parts.next())
    else {
        return None;
    };
    match host {
        Protocol::Ip4(ip) => Some(TargetAddr::Ip(SocketAddr::new(ip.into(), port))),
        Protocol::Ip6(ip) => Some(TargetAddr::Ip(SocketAddr::new(ip.into(), port))),
        // A SOCKS5 name has at most 255 bytes.
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)
            if (1..=255).contains(&name.len()) =>
        {
            Some(TargetAddr::Domain(name.into_owned().into(), port))
        }
        _ => None,
    }
}

/// Connects through the proxy. The handshake's deadline is the whole connection's.
async fn through(
    proxy: SocketAddr,
    target: TargetAddr<'static>,
) -> io::Result<tcp::tokio::TcpStream> {
    let socket = Socks5Stream::connect(proxy, target).await.map_err(io::Error::other)?;
    let socket = socket.into_inner();
    socket.set_nodelay(true)?;
    Ok(tcp::tokio::TcpStream(socket))
}

impl Transport for Outbound {
    type Output = tcp::tokio::TcpStream;
    type Error = io::Error;
    type ListenerUpgrade = <Tcp as Transport>::ListenerUpgrade;
    type Dial = Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        self.listener.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.listener.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Dial, TransportError<io::Error>> {
        let Some(target) = target(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let trusted = self.any || self.own.contains(&address);
        let Some(proxy) = self.proxy else {
            return match trusted {
                true => self.listener.dial(address, options),
                false => self.global.dial(address, options),
            };
        };
        if !trusted {
            // Only asked for its opinion: a dial does nothing before it is polled.
            drop(self.global.dial(address, options)?);
        }
        Ok(Box::pin(through(proxy, target)))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Pin::new(&mut self.listener).poll(cx)
    }
}
