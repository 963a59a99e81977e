//! What a node's sockets and streams may take (policy §10). The Gate, which has no sockets, counts
//! connections by peer, group and direction itself; see [`ltms_core::Policy`].

use ltms_core::Millis;
use serde::{Deserialize, Serialize};

/// The limits of handshakes, streams and memory, and who is spared when inbound is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Inbound handshakes at a time, and dials at a time. Default 32.
    pub pending: u16,
    /// Inbound handshakes of one narrow address group at a time. Default 2.
    pub pending_per_group: u16,
    /// From an accepted socket to its first byte. Default 3 s.
    pub first_byte: Millis,
    /// From a socket to an authenticated, multiplexed connection. Default 10 s.
    pub handshake: Millis,
    /// From the opening of an inbound stream to its whole frame; then it is reset. So is what is
    /// open for three times as long, but for two streams of a connection. Default 10 s.
    pub frame: Millis,
    /// Inbound streams of one connection at a time, in all protocols; further ones are reset.
    /// Default 32.
    pub streams: u16,
    /// Percent of one processor that a connection's task may take, half a second at once, of which
    /// a connection that came from outside begins with nothing; over that the connection is not
    /// read for a while. Default 10.
    pub share: u16,
    /// Memory of the process in bytes above which no connection is made, and the one that holds
    /// most is closed. Default 512 MiB.
    pub memory: u64,
    /// Inbound connections spared for the lowest ping. Default 8.
    pub spare_ping: u16,
    /// Inbound connections spared for having delivered for longest. Default 8.
    pub spare_delivery: u16,
    /// Inbound connections spared for a proven identity without sanction. Default 16.
    pub spare_proven: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    /// Those of policy §10.
    pub const DEFAULT: Self = Self {
        pending: 32,
        pending_per_group: 2,
        first_byte: Millis::from_secs(3),
        handshake: Millis::from_secs(10),
        frame: Millis::from_secs(10),
        streams: 32,
        share: 10,
        memory: 512 << 20,
        spare_ping: 8,
        spare_delivery: 8,
        spare_proven: 16,
    };

    /// The first field that cannot be, and why.
    ///
    /// # Errors
    /// Its name in the file and what is wrong with it.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        let positive = [
            ("limits.pending", u64::from(self.pending)),
            ("limits.pending_per_group", self.pending_per_group.into()),
            ("limits.first_byte", self.first_byte.get()),
            ("limits.handshake", self.handshake.get()),
            ("limits.frame", self.frame.get()),
            ("limits.streams", self.streams.into()),
            ("limits.share", self.share.into()),
            ("limits.memory", self.memory),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err((field, "must be greater than zero")),
            // Yamux ends the whole connection at its own limit, both directions together.
            None if usize::from(self.streams) > crate::transport::MAX_STREAMS / 2 => {
                Err(("limits.streams", "must be at most 64"))
            }
            None => Ok(()),
        }
    }
}
