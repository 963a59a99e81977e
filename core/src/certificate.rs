//! What a policy and its tables bound, and what it costs an attacker to be in their way (policy
//! §13).

use crate::burn::{Economy, Tier};
use crate::{Amount, Capacity, Gate, Millis, Policy, Quota, size};

/// What can be used in a second without end, and at once after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Rate {
    /// In each second without end, rounded up.
    pub per_second: u64,
    /// At once.
    pub burst: u64,
}

impl Rate {
    /// `count` times what `quota` allows, `weight` each.
    const fn of(quota: Quota, count: u64, weight: u64) -> Self {
        let all = count.saturating_mul(weight);
        let second = Millis::from_secs(1).as_micros();
        Self {
            per_second: share(all.saturating_mul(second), quota.interval_us),
            burst: all.saturating_mul(quota.burst.get() as u64),
        }
    }
}

/// Address groups that an attacker has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupCount {
    /// IPv4 /24 or IPv6 /56.
    pub narrow: u64,
    /// IPv4 /16 or IPv6 /32 that these have to lie in, at least.
    pub wide: u64,
}

/// The address groups from which on so many strangers' groups find no cell with a token, as to be
/// expected of the keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Exhaustion {
    /// Honest groups that are refused, in 1/1000.
    pub refused: u16,
    /// The hostile groups that this takes, each of which advertises as often as it may.
    pub groups: GroupCount,
}

/// A burn, and what it means beside the coins that miners make in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Price {
    /// What is burned.
    pub burn: Amount,
    /// Of a day's issuance in November 2025, in 1/1,000,000; see [`Economy::NOVEMBER_2025`].
    pub november_2025: Option<u64>,
    /// The same at height 1,292,529, [`Economy::HEIGHT_1_292_529`].
    pub height_1_292_529: Option<u64>,
}

impl Price {
    const fn of(burn: Amount) -> Self {
        Self {
            burn,
            november_2025: Economy::NOVEMBER_2025.share_of_day(burn),
            height_1_292_529: Economy::HEIGHT_1_292_529.share_of_day(burn),
        }
    }

    /// What displaces a burn: a satoshi more.
    const fn above(burn: Amount) -> Self {
        Self::of(burn.saturating_add(Amount::from_sats(1)))
    }
}

/// The bounds of one policy with one capacity: [`Policy::certificate`].
///
/// Bounds of work and memory are never below what can happen, and prices never above what an
/// attack costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Certificate {
    /// Bytes of the tables: all that `Heap` allocates, and of [`crate::Inline`] all but the tables'
    /// heads.
    pub tables: u64,
    /// Bytes of the Gate beside its tables.
    pub gate: u64,
    /// Connections at a time.
    pub connections: u64,
    /// Checks of signatures that fail or are pending, of the whole node. What holds gives its
    /// token back: its author, its identity and in the end a burn pay for it.
    pub checks: Rate,
    /// Signatures that one check has at most: an advertisement's and its delegation's, or those
    /// of both keys of a rotation.
    pub signatures_per_check: u64,
    /// Bytes that all connections may bring to be decoded.
    pub bytes: Rate,
    /// Bytes of unfinished frames of all connections.
    pub unfinished: u64,
    /// Unknown block headers asked for.
    pub lookups: Rate,
    /// Address groups that can have all inbound connections.
    pub inbound: GroupCount,
    /// Address groups that drain strangers' cells, for one in a hundred, half and 99 in a hundred
    /// of the honest groups.
    pub cells: [Exhaustion; 3],
    /// Rows of the key table that strangers may have.
    pub stranger_rows: u64,
    /// Address groups that can keep all of these rows taken.
    pub stranger_groups: GroupCount,
    /// How long those groups need to take them.
    pub stranger_fill: Millis,
    /// The burn that displaces the lowest of an identity table full of Basic, Verified or
    /// Institutional signers: a satoshi more than it burned.
    pub displace: [Price; 3],
    /// The burn for half of the key table, where the cheapest tier's rows are bought and find room.
    pub half_directory: Price,
    /// The burn for every row that newcomers may have in the identity table: from then on only
    /// who burns more than that for one gets in. No burn buys the half of those with a completed
    /// session.
    pub fill_newcomers: Price,
}

/// Signatures of one check.
const SIGNATURES: u64 = 2;

impl Policy {
    /// What this policy bounds with tables of this capacity.
    #[must_use]
    pub const fn certificate(&self, capacity: Capacity) -> Certificate {
        let (windows, limits) = (&self.windows, &self.connections);
        let peers = capacity.peers as u64;
        let newcomers = capacity.identities.div_ceil(2);
        // A quarter of the rows is kept for peers that we dial.
        let inbound = least(limits.inbound as u64, peers.saturating_sub(peers / 4));
        let connections =
            least((limits.inbound as u64).saturating_add(limits.outbound as u64), peers);
        let rows = (capacity.keys as u64).saturating_mul(self.keys.stranger_share as u64) / 1_000;
        // One advertisement keeps its row this long, with a slot or as a watermark.
        let kept = self.freshness.max_lifetime.saturating_add(self.keys.slot_hold);
        let wide = windows.strangers.widened(windows.wide_factor);
        let stranger_groups = GroupCount {
            narrow: share(rows, held(windows.strangers, kept)),
            wide: share(rows, held(wide, kept)),
        };
        Certificate {
            tables: capacity.bytes(),
            gate: size_of::<Gate<()>>() as u64,
            connections,
            checks: Rate::of(windows.node_signatures, 1, 1),
            signatures_per_check: SIGNATURES,
            bytes: Rate::of(windows.connection, connections, size::FRAME as u64),
            unfinished: size::UNFINISHED as u64,
            lookups: Rate::of(windows.node_header, 1, 1),
            inbound: GroupCount {
                narrow: share(inbound, limits.per_narrow as u64),
                wide: share(inbound, limits.per_wide as u64),
            },
            cells: [
                self.exhaustion(capacity, 10),
                self.exhaustion(capacity, 500),
                self.exhaustion(capacity, 990),
            ],
            stranger_rows: rows,
            stranger_groups,
            stranger_fill: filled(windows.strangers, rows, stranger_groups.narrow),
            displace: [
                Price::above(self.burns.registration),
                Price::above(self.burns.verified),
                Price::above(self.burns.institutional),
            ],
            half_directory: Price::of(self.rows(capacity.keys.div_ceil(2) as u64)),
            fill_newcomers: Price::of(Economy::cost(newcomers as u64, &self.burns)),
        }
    }

    /// The least burn for so many rows of the key table: at the cheapest tier's price of a row,
    /// without rounding up to whole identities.
    const fn rows(&self, rows: u64) -> Amount {
        let (burns, keys) = (&self.burns, &self.keys);
        let mut cheapest = priced(burns.additional_key, 1, rows);
        cheapest = least(cheapest, priced(burns.registration, Tier::Basic.key_limit(keys), rows));
        cheapest = least(cheapest, priced(burns.verified, Tier::Verified.key_limit(keys), rows));
        let institutional = Tier::Institutional.key_limit(keys);
        Amount::from_sats(least(cheapest, priced(burns.institutional, institutional, rows)))
    }

    /// The hostile groups from which on `refused` thousandths of the honest ones are refused.
    const fn exhaustion(&self, capacity: Capacity, refused: u16) -> Exhaustion {
        let factor = self.windows.wide_factor as u64;
        let cells = capacity.cells as u64;
        // Seven balls for each bin miss one in a thousand bins; 64 leave nothing to find.
        let (mut enough, mut too_few) = (cells.saturating_mul(64).saturating_add(1), 0);
        let served_enough = ONE.saturating_sub((ONE / 1_000).saturating_mul(refused as u64));
        while enough.saturating_sub(too_few) > 1 {
            let groups = u64::midpoint(too_few, enough);
            let wide = match groups.checked_div(factor) {
                Some(wide) => wide,
                None => groups,
            };
            if times(served(cells, groups), served(cells, wide)) <= served_enough {
                enough = groups;
            } else {
                too_few = groups;
            }
        }
        let groups = GroupCount { narrow: enough, wide: share(enough, factor) };
        Exhaustion { refused, groups }
    }
}

/// Binary digits behind the point of a probability.
const SHIFT: u32 = 60;
const ONE: u64 = 1 << SHIFT;

/// The probability that not both of a group's two cells are drained, when each of `groups` hostile
/// groups drains two of `cells`.
const fn served(cells: u64, groups: u64) -> u64 {
    let Some(one_cell) = ONE.checked_div(cells) else { return 0 };
    let spared = power(ONE.saturating_sub(one_cell), groups.saturating_mul(2));
    let drained = ONE.saturating_sub(spared);
    ONE.saturating_sub(times(drained, drained))
}

const fn times(a: u64, b: u64) -> u64 {
    ((a as u128).saturating_mul(b as u128) >> SHIFT) as u64
}

const fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut power = ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = times(power, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    power
}

const fn least(a: u64, b: u64) -> u64 {
    if a < b { a } else { b }
}

/// How many are needed if each takes `each` of `all`; `u64::MAX` where nobody can take any.
const fn share(all: u64, each: u64) -> u64 {
    match each {
        0 => u64::MAX,
        each => all.div_ceil(each),
    }
}

/// How many that last `kept` each there can be at a time under `quota`.
const fn held(quota: Quota, kept: Millis) -> u64 {
    let renewed = match kept.as_micros().checked_div(quota.interval_us) {
        Some(renewed) => renewed,
        None => return u64::MAX,
    };
    renewed.saturating_add(quota.burst.get() as u64)
}

/// How long `groups` need for `rows` under a quota for each.
const fn filled(quota: Quota, rows: u64, groups: u64) -> Millis {
    let first = groups.saturating_mul(quota.burst.get() as u64);
    let turns = share(rows.saturating_sub(first), groups);
    Millis::new(turns.saturating_mul(quota.interval_us).div_ceil(1_000))
}

/// `rows` at the price of `burn` for `keys`, rounded down.
const fn priced(burn: Amount, keys: u16, rows: u64) -> u64 {
    let all = (burn.sats() as u128).saturating_mul(rows as u128);
    let price = match all.checked_div(keys as u128) {
        Some(price) => price,
        None => return u64::MAX,
    };
    if price > u64::MAX as u128 { u64::MAX } else { price as u64 }
}

#[cfg(test)]
mod tests;
