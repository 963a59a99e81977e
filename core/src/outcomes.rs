//! Outcomes of sessions: at most three successes a day count between the same two.

use crate::Timestamp;
use crate::peers::domain;
use crate::snapshot::record;
use crate::table::Row;

/// Subject and counterparty, by their tags.
pub(crate) type Pair = [u8; 16];

#[derive(Clone)]
pub(crate) struct OutcomeRow {
    pub(crate) pair: Pair,
    /// The last three successes that counted, oldest first.
    pub(crate) successes: [Timestamp; 3],
    /// Keyed hash of the last session counted.
    pub(crate) session: u64,
    pub(crate) last: Timestamp,
}

record!(OutcomeRow: pair, successes, session, last);

impl Row for OutcomeRow {
    type Key = Pair;
    const VACANT: Self = Self {
        pair: [0; 16],
        successes: [Timestamp::EPOCH; 3],
        session: 0,
        last: Timestamp::EPOCH,
    };
    const DOMAIN: u8 = domain::OUTCOME;
    fn key_bytes(key: &Pair) -> &[u8] {
        key
    }
    fn key(&self) -> &Pair {
        &self.pair
    }
}
