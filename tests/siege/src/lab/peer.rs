//! Nodes and attackers' ids.

use std::collections::HashMap;
use std::net::IpAddr;

use ltms_core::{PeerId, Timestamp};

use super::Number;
use super::links::Links;
use super::mesh::Minute;
use crate::rules::Rules;

/// What a peer does with messages of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relay {
    /// What its rules say.
    Rules,
    /// Nothing.
    Silent,
    /// Everything, without delay.
    Fast,
}

/// A node, or an attacker's id.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) address: IpAddr,
    pub(crate) rules: Option<Box<dyn Rules>>,
    /// What its clock is ahead of the true time, in ms, or behind.
    pub(crate) skew: i64,
    pub(super) links: Links,
    /// Those of the links that it opened.
    pub(crate) opened: Links,
    /// Links by which it passes messages on at once, where there is a [`mesh`].
    pub(super) mesh: Vec<Number>,
    /// Pruned links, and until when.
    pub(super) backoff: HashMap<Number, Timestamp>,
    pub(super) minute: Minute,
}

impl Peer {
    /// What its clock says.
    pub(crate) const fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis().saturating_add_signed(self.skew))
    }

    pub(super) fn forget(&mut self, now: Timestamp, other: &PeerId) {
        let now = self.clock(now);
        if let Some(rules) = &mut self.rules {
            rules.disconnect(now, other);
        }
    }
}
