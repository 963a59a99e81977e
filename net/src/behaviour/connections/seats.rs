//! Who makes room, without any sockets: rules over plain facts, each of them of policy §10.

use std::{cmp::Reverse, net::IpAddr, time::Duration};

use crate::limits::Limits;

/// A narrow address group: IPv4 /24 or IPv6 /56; all addresses without an IP are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// The first three bytes.
    V4([u8; 3]),
    /// The first seven bytes.
    V6([u8; 7]),
    /// A relay or proxy hides the address.
    Hidden,
}

/// A wide address group: IPv4 /16 or IPv6 /32; all addresses without an IP are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wide {
    /// The first two bytes.
    V4([u8; 2]),
    /// The first four bytes.
    V6([u8; 4]),
    /// A relay or proxy hides the address.
    Hidden,
}

/// The groups of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The narrow one.
    pub narrow: Narrow,
    /// The wide one.
    pub wide: Wide,
}

impl Groups {
    /// Those of an observed address.
    #[must_use]
    pub const fn of(address: Option<IpAddr>) -> Self {
        match address {
            Some(IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                Self { narrow: Narrow::V4([a, b, c]), wide: Wide::V4([a, b]) }
            }
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, e, f, g, ..] = ip.octets();
                Self { narrow: Narrow::V6([a, b, c, d, e, f, g]), wide: Wide::V6([a, b, c, d]) }
            }
            None => Self { narrow: Narrow::Hidden, wide: Wide::Hidden },
        }
    }
}

/// What speaks for and against an inbound connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its number in the order of arrival: the youngest has the highest.
    pub arrived: u64,
    /// Its wide group; `None` if it is exempt from group limits, and so a group of its own.
    pub group: Option<Wide>,
    /// The lowest round trip that was measured.
    pub ping: Option<Duration>,
    /// From the first to the last delivery of something new and good.
    pub delivered: Duration,
    /// Whether it proved an identity, and neither has a sanction.
    pub proven: bool,
    /// Whether the operator wants it to be kept.
    pub kept: bool,
}

/// Which of the inbound connections makes room for a newcomer of this wide group, by its index.
///
/// Those that an attacker cannot be at will are spared: the nearest, the most useful, the proven.
/// Of the others the largest group is thinned, the newcomer's own first among equals, so that
/// nobody gains a place by coming again, and nobody loses one to a larger group.
#[must_use]
pub fn makes_room(limits: &Limits, guests: &[Facts], newcomer: Option<Wide>) -> Option<usize> {
    let mut open: Vec<usize> = (0..guests.len()).filter(|&index| !guests[index].kept).collect();
    spare(&mut open, limits.spare_ping, |index| {
        let guest = &guests[index];
        guest.ping.map(|ping| (ping, guest.arrived))
    });
    spare(&mut open, limits.spare_delivery, |index| {
        let guest = &guests[index];
        (!guest.delivered.is_zero()).then_some((Reverse(guest.delivered), guest.arrived))
    });
    spare(&mut open, limits.spare_proven, |index| {
        let guest = &guests[index];
        guest.proven.then_some(guest.arrived)
    });
    let groups = || guests.iter().map(|guest| guest.group);
    open.into_iter().max_by_key(|&index| {
        let guest = &guests[index];
        let own = guest.group.is_some() && guest.group == newcomer;
        (size(groups(), guest.group) + usize::from(own), own, guest.arrived)
    })
}

/// Takes the `count` first of those that have a rank out of the open ones.
fn spare<K: Ord>(open: &mut Vec<usize>, count: u16, rank: impl Fn(usize) -> Option<K>) {
    let mut ranked: Vec<_> =
        open.iter().filter_map(|&index| rank(index).map(|rank| (rank, index))).collect();
    ranked.sort_unstable();
    ranked.truncate(count.into());
    open.retain(|index| ranked.iter().all(|(_, spared)| spared != index));
}

/// How many are of this group; whoever is in none is alone.
fn size(groups: impl Iterator<Item = Option<Wide>>, group: Option<Wide>) -> usize {
    group.map_or(1, |_| groups.filter(|other| *other == group).count())
}

/// Which of the handshakes under way, given in the order of arrival, is ended for a newcomer of
/// this wide group: the oldest of the largest group, if that is larger than the newcomer's would
/// be. Else sixteen addresses could keep all places with handshakes that they never end.
#[must_use]
pub fn gives_way(pending: &[Option<Wide>], newcomer: Option<Wide>) -> Option<usize> {
    let size = |group| size(pending.iter().copied(), group);
    let own =
        newcomer.map_or(1, |_| pending.iter().filter(|other| **other == newcomer).count() + 1);
    let largest = (0..pending.len()).max_by_key(|&index| (size(pending[index]), Reverse(index)))?;
    (size(pending[largest]) > own).then_some(largest)
}

#[cfg(test)]
mod tests;
