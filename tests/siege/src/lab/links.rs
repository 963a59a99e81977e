//! Whom a peer is connected with.

use super::Number;

/// Peers in the order of their numbers: few and often asked for, so they lie side by side.
#[derive(Clone, Default)]
pub(crate) struct Links(Vec<Number>);

impl Links {
    pub(super) fn insert(&mut self, peer: Number) {
        if let Err(place) = self.0.binary_search(&peer) {
            self.0.insert(place, peer);
        }
    }

    /// Whether it was in.
    pub(super) fn remove(&mut self, peer: Number) -> bool {
        let place = self.0.binary_search(&peer);
        place.map(|place| self.0.remove(place)).is_ok()
    }

    pub(crate) fn contains(&self, peer: Number) -> bool {
        self.0.binary_search(&peer).is_ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Number> {
        self.0.iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
