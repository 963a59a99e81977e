//! What a connection floods with.

use std::time::Duration;

use libp2p::{Multiaddr, identity::Keypair};
use tokio::time::Instant;

use crate::common::{
    flood::{Flood, Returns, run},
    wire,
};

/// A kind of flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pushes of an expired advertisement, eight at a time.
    Push,
    /// Signed messages in gossip, sixteen in each RPC, over and over.
    Gossip,
    /// Questions for the nearest peers.
    Dht,
    /// Pings.
    Ping,
}

/// Bytes that are written at a time.
const BLOCK: usize = 8 << 10;
/// Until who is disconnected comes back, so that the figure is that of a flood, not of handshakes.
const PAUSE: Duration = Duration::from_millis(500);

impl Kind {
    /// Whole messages, to be sent without an end. `expired` is an advertisement that is refused
    /// without being anybody's fault.
    fn flood(self, key: &Keypair, expired: &[u8]) -> Flood {
        let (protocol, messages, count) = match self {
            Self::Push => ("/ltms/direct/1", Vec::new(), 0),
            Self::Gossip => {
                let one = |number: u64| wire::message(key, "ltms/1/reg/ads", number, expired);
                let rpc = wire::frame(&(0..16).flat_map(one).collect::<Vec<_>>());
                ("/meshsub/1.1.0", rpc, 16)
            }
            Self::Dht => ("/lotus/kad/reg/1.0.0", wire::find_node(), 1),
            Self::Ping => ("/ipfs/ping/1.0.0", vec![7; 32], 1),
        };
        let times = BLOCK / messages.len().max(1);
        Flood {
            protocol,
            blocks: vec![messages.repeat(times)],
            messages: times * count,
            answered: self != Self::Gossip,
        }
    }

    /// Floods for so long, and returns how many messages it got rid of. Who is disconnected comes
    /// back.
    pub(crate) async fn run(self, address: &Multiaddr, expired: &[u8], seconds: u32) -> u32 {
        let end = Instant::now() + Duration::from_secs(seconds.into());
        let flood = |key: &Keypair| self.flood(key, expired);
        let flooded = run(flood, address, end, PAUSE, Returns::Same).await;
        u32::try_from(flooded.messages).unwrap_or(u32::MAX)
    }
}
