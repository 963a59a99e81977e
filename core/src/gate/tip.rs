//! The chain's end: what a new tip does to burns above its fork (policy §6).

use super::{Gate, Node, Parts};
use crate::identities::{IdentityRow, Told};
use crate::snapshot::{Zero, record};
use crate::storage::Storage;
use crate::table::Place;
use crate::{BlockHash, BlockHeight, Decision, IdentityId, Millis, Reason, Timestamp};

/// The deepest reorganisation that lotusd itself makes (`DEFAULT_MAX_REORG_DEPTH`).
const DEEPEST: u32 = 10;
/// A reorganisation that would suspend more than one identity in ten is doubted …
const DOUBTED_SHARE: usize = 10;
/// … unless they are so few that one burn makes the share.
const DOUBTED_LEAST: usize = 8;
/// How long the same answer has to be given until a doubted one is believed.
const DOUBT: Millis = Millis::from_mins(10);
/// Blocks after which a burn that did not come back is given up.
const LAPSE: u32 = 100;

/// The end of the best chain that our source knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: BlockHeight,
    /// Its hash.
    pub hash: BlockHash,
}

/// A step back of the chain that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    fork: BlockHeight,
    pub(crate) since: Timestamp,
}

record!(Tip: height, hash);
record!(Doubt: fork, since);

impl Zero for Tip {
    const ZERO: Self = Self { height: BlockHeight::new(0), hash: BlockHash::from_bytes([0; 32]) };
}

impl Zero for Doubt {
    const ZERO: Self = Self { fork: BlockHeight::new(0), since: Timestamp::EPOCH };
}

impl<S: Storage> Gate<S> {
    /// Tells the chain's end. `fork` is the last block that the old and the new chain share:
    /// identities burned above it are suspended until their burn is proved again.
    ///
    /// A step back of more than 10 blocks, or one that would suspend more than one identity in
    /// ten (and more than eight), changes nothing: [`Reason::ChainSuspect`], until a second source
    /// says the same ([`Gate::confirm_tip`]) or this one has said so for 10 minutes.
    pub fn set_tip(&mut self, now: Timestamp, tip: Tip, fork: BlockHeight) -> Decision {
        let mut parts = self.parts(now);
        let decision = parts.set_tip(now, tip, fork);
        parts.node.counters.note(decision)
    }

    /// A second source tells the same doubted tip: it is believed now.
    pub fn confirm_tip(&mut self, now: Timestamp, tip: Tip, fork: BlockHeight) {
        let mut parts = self.parts(now);
        parts.node.highest = BlockHeight::default();
        parts.move_tip(now, tip, fork);
    }

    /// Keeps an identity from lapsing and from being displaced, or no longer. False if unknown.
    pub fn pin(&mut self, now: Timestamp, id: &IdentityId, pinned: bool) -> bool {
        let mut parts = self.parts(now);
        parts.node.halves.forget();
        let row = parts.tables.identities.find_mut(&parts.rules.seed, id);
        row.map(|row| row.flags.set(IdentityRow::PINNED, pinned)).is_some()
    }
}

impl Node {
    pub(crate) fn tip_height(&self) -> BlockHeight {
        self.tip.map_or(BlockHeight::default(), |tip| tip.height)
    }
}

impl Parts<'_> {
    fn set_tip(&mut self, now: Timestamp, tip: Tip, fork: BlockHeight) -> Decision {
        // From the highest ever: many small steps back are one large one.
        let back = self.node.highest.get().saturating_sub(fork.get());
        let hit =
            self.tables.identities.view().iter().filter(|(_, row)| is_above(row, fork)).count();
        let share = self.tables.identities.view().len() / DOUBTED_SHARE;
        let doubted = back > DEEPEST || back > 0 && hit > share.max(DOUBTED_LEAST);
        if doubted && self.node.tip.is_some() {
            let known = self.node.doubt.filter(|doubt| doubt.fork == fork);
            let doubt = known.unwrap_or(Doubt { fork, since: now });
            self.node.doubt = Some(doubt);
            let believed = doubt.since.saturating_add(DOUBT);
            if now < believed {
                return Decision::until(Reason::ChainSuspect, believed);
            }
            self.node.highest = BlockHeight::default();
        }
        self.move_tip(now, tip, fork);
        Reason::Clear.into()
    }

    fn move_tip(&mut self, now: Timestamp, tip: Tip, fork: BlockHeight) {
        self.node.doubt = None;
        self.node.tip = Some(tip);
        self.node.highest = self.node.highest.max(tip.height);
        for place in self.tables.identities.places() {
            let Some(row) = self.tables.identities.get_mut(place) else { continue };
            if is_above(row, fork) {
                row.suspend(tip.height);
                row.told = Told::Suspended;
                self.tables.identities.mark(place);
            } else if row.suspended_at().is_some_and(|at| has_lapsed(at, tip.height))
                && !row.flags.has(IdentityRow::PINNED)
            {
                self.lapse(now, place);
            }
        }
    }

    /// Gives up an identity whose burn did not come back, once its ban has found another place.
    /// Its keys are nobody's then.
    fn lapse(&mut self, now: Timestamp, identity: Place) {
        if !self.bury(now, identity) {
            return;
        }
        let lapsed = &mut self.node.counters.identities_lapsed;
        *lapsed = lapsed.saturating_add(1);
    }
}

fn is_above(row: &IdentityRow, fork: BlockHeight) -> bool {
    row.height() > fork && row.suspended_at().is_none()
}

fn has_lapsed(suspended: BlockHeight, tip: BlockHeight) -> bool {
    tip.get().saturating_sub(suspended.get()) >= LAPSE
}
