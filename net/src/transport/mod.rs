//! TCP with Noise and Yamux, with the deadlines and limits that libp2p lacks, and the tasks it runs
//! in.

mod counts;
mod executor;
mod inflow;
mod line;
mod muxer;
mod outbound;
mod share;

use std::{io, net::SocketAddr, time::Duration};

use libp2p::{
    PeerId, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade},
    identity::Keypair,
    metrics::{BandwidthTransport, Registry},
    noise, swarm,
};
use ltms_core::Network;
use tokio::time::timeout;

pub use self::outbound::Trusted;
pub(crate) use self::share::priced;
use self::{counts::Counts, line::Wired, muxer::Yamux, outbound::Outbound};
pub use self::{
    executor::Executor,
    line::{Line, Lines},
};
use crate::{behaviour::SetupError, limits::Limits};

/// Streams of a connection, in both directions. Yamux kills the whole connection at its limit, so
/// it lies far above what the protocols together permit.
pub(crate) const MAX_STREAMS: usize = 128;
/// Inbound streams of a connection whose protocol is not agreed yet.
const MAX_NEGOTIATING: usize = 16;
/// After which a connection that nothing uses is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How sockets are opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Their deadlines and streams.
    pub limits: Limits,
    /// Where their lines are, see [`crate::behaviour::connections::Connections::lines`].
    pub lines: Lines,
    /// The SOCKS5 proxy for everything that is dialled. Names are looked up by it, and by nobody
    /// here.
    pub socks5: Option<SocketAddr>,
    /// What the operator wants to be dialled, global or not.
    pub own: Trusted,
}

/// The transport of a node. Outside regtest only global addresses are dialled, because remote
/// peers name addresses in the DHT. The bytes that it moves, the streams that it resets and the
/// connections that it lets rest are counted in `registry`.
///
/// # Errors
/// [`SetupError`] if the Noise keys cannot be made.
pub fn transport(
    keypair: &Keypair,
    network: Network,
    registry: &mut Registry,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, SetupError> {
    transport_with(keypair, network, &Options::default(), registry)
}

/// As [`transport`], with options.
///
/// # Errors
/// [`SetupError`] if the Noise keys cannot be made.
pub fn transport_with(
    keypair: &Keypair,
    network: Network,
    options: &Options,
    registry: &mut Registry,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, SetupError> {
    let noise = noise::Config::new(keypair).map_err(|error| SetupError::new("noise", error))?;
    let Options { limits, lines, socks5, own } = options;
    let first_byte = Duration::from_millis(limits.first_byte.get());
    let yamux = Yamux {
        inbound: limits.streams.into(),
        share: limits.share,
        frame: Duration::from_millis(limits.frame.get()),
        counts: Counts::new(registry),
    };
    let (sockets, muxers) = (lines.clone(), lines.clone());
    let secured = Outbound::new(network == Network::Reg, own.clone(), *socks5)
        .and_then(move |stream, point| async move {
            let line = sockets.open(point.get_remote_address());
            // The dialler speaks first.
            if point.is_listener() {
                timeout(first_byte, stream.0.peek(&mut [0])).await??;
            }
            io::Result::Ok(Wired::new(stream, line))
        })
        .upgrade(upgrade::Version::V1)
        .authenticate(noise)
        .multiplex(yamux)
        .timeout(Duration::from_millis(limits.handshake.get()))
        .map(move |(peer, muxer), point| {
            let line = muxers.open(point.get_remote_address());
            (peer, StreamMuxerBox::new(muxer.on(&line)))
        })
        .boxed();
    let counted = BandwidthTransport::new(secured, registry);
    Ok(counted.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

/// The swarm's settings, with its tasks in `executor`.
#[must_use]
pub fn swarm_config(executor: Executor) -> swarm::Config {
    swarm::Config::with_executor(executor)
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(MAX_NEGOTIATING)
}

#[cfg(test)]
mod tests {
    use super::*;

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
