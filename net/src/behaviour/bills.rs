//! Charges connections for what a behaviour does with their messages, in the driver's task.

use std::{collections::HashMap, sync::Arc};

use libp2p::{
    Multiaddr,
    swarm::{ConnectionId, FromSwarm},
};

use crate::transport::{Line, Lines, processor};

/// The lines of a behaviour's connections.
#[derive(Default)]
pub(super) struct Bills {
    lines: Lines,
    open: HashMap<ConnectionId, Arc<Line>>,
}

impl Bills {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, open: HashMap::new() }
    }

    /// Whose address this is will be charged as this connection.
    pub(super) fn open(&mut self, id: ConnectionId, remote: &Multiaddr) {
        if let Some(line) = self.lines.get(remote) {
            self.open.insert(id, line);
        }
    }

    /// Forgets connections that are over.
    pub(super) fn on_swarm_event(&mut self, event: &FromSwarm<'_>) {
        let id = match event {
            FromSwarm::ConnectionClosed(closed) => closed.connection_id,
            FromSwarm::ListenFailure(failure) => failure.connection_id,
            FromSwarm::DialFailure(failure) => failure.connection_id,
            _ => return,
        };
        self.open.remove(&id);
    }

    /// Charges a connection for this.
    pub(super) fn charge(&self, id: ConnectionId, work: impl FnOnce()) {
        let before = processor();
        work();
        if let Some(line) = self.open.get(&id) {
            line.charge(processor().saturating_sub(before));
        }
    }
}
