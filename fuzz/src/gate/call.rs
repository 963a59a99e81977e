//! A call, read from eight bytes.

use ltms_core::{Channel, SignatureCheck, Source};

use super::cast::{AUTHORS, PEERS};
use crate::world::peer;

/// What calls there are; [`Call::what`] is below it.
pub(super) const CALLS: u8 = 22;

/// One call, as numbers.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) what: u8,
    pub(super) peer: u32,
    pub(super) author: usize,
    pub(super) identity: usize,
    /// Choices of the call.
    pub(super) flags: u8,
    pub(super) clock: u8,
    pub(super) amount: u64,
}

impl Call {
    pub(super) fn read(bytes: [u8; 8]) -> Self {
        let [what, peer, author, identity, flags, clock, low, high] = bytes;
        Self {
            what: what % CALLS,
            peer: u32::from(peer) % PEERS,
            author: usize::from(author) % AUTHORS as usize,
            identity: usize::from(identity),
            flags,
            clock,
            // Of all sizes, small ones as often as large ones.
            amount: u64::from(u16::from_le_bytes([low, high])) >> (peer >> 4),
        }
    }

    /// The identity that it is about: often one of the two that a history may begin with.
    pub(super) fn who(&self) -> usize {
        [0, 0, 0, 1, 1, 2, 3, 4][self.identity % 8]
    }

    pub(super) fn flag(&self, bit: u8) -> bool {
        self.flags & (1 << bit) != 0
    }

    pub(super) fn source(&self) -> Source {
        let of = |channel| Source { peer: peer(self.peer), publisher: None, channel };
        match self.flags & 7 {
            0 | 3 | 4 | 7 => of(Channel::Direct),
            1 => Source::gossip(peer(self.peer), peer(self.peer)),
            5 => Source::gossip(peer(self.peer), peer((self.peer + 1) % PEERS)),
            2 if self.flag(7) => of(Channel::Own),
            2 => of(Channel::Dht),
            _ => of(Channel::Directory),
        }
    }

    pub(super) fn check(&self) -> SignatureCheck {
        match self.clock >> 5 {
            0..6 => SignatureCheck::Valid,
            6 => SignatureCheck::Invalid,
            _ => SignatureCheck::NotDelegated,
        }
    }
}
