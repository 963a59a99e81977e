use proptest::{collection::vec, option, prelude::*};

use super::*;

const LIMITS: Limits = Limits::DEFAULT;
/// Inbound connections in all, of a narrow and of a wide group, as in the policy.
const INBOUND: usize = 128;
const PER_NARROW: usize = 8;
const PER_WIDE: usize = 16;

fn wide(number: u8) -> Option<Wide> {
    Some(Wide::V4([10, number]))
}

fn guest(arrived: u64, group: u8) -> Facts {
    Facts {
        arrived,
        group: wide(group),
        ping: None,
        delivered: Duration::ZERO,
        proven: false,
        kept: false,
    }
}

prop_compose! {
    /// Anybody, with few values of each kind, so that many are equal.
    fn facts()(
        group in option::weighted(0.9, 0_u8..12),
        ping in option::of(0_u64..20),
        delivered in 0_u64..10,
        proven in any::<bool>(),
        kept in prop::bool::weighted(0.1),
    ) -> Facts {
        Facts {
            arrived: 0,
            group: group.and_then(wide),
            ping: ping.map(Duration::from_millis),
            delivered: Duration::from_secs(delivered),
            proven,
            kept,
        }
    }
}

fn numbered(mut guests: Vec<Facts>) -> Vec<Facts> {
    for (number, guest) in guests.iter_mut().enumerate() {
        guest.arrived = number as u64;
    }
    guests
}

proptest! {
    #[test]
    fn a_protected_connection_is_never_evicted(
        guests in vec(facts(), 0..140),
        newcomer in option::of(0_u8..14),
    ) {
        let guests = numbered(guests);
        let Some(index) = makes_room(&LIMITS, &guests, newcomer.and_then(wide)) else {
            prop_assert!(guests.iter().filter(|guest| !guest.kept).count() <= 32);
            return Ok(());
        };
        let victim = &guests[index];
        prop_assert!(!victim.kept);
        let others = || guests.iter().filter(|guest| !guest.kept);
        if let Some(ping) = victim.ping {
            let nearer = others().filter(|other| {
                other.ping.is_some_and(|its| (its, other.arrived) < (ping, victim.arrived))
            });
            prop_assert!(nearer.count() >= 8, "one of the eight nearest");
        }
        if !victim.delivered.is_zero() {
            let better = others().filter(|other| {
                (other.delivered, victim.arrived) > (victim.delivered, other.arrived)
            });
            prop_assert!(better.count() >= 8, "one of the eight most useful");
        }
        if victim.proven {
            let older = others().filter(|other| other.proven && other.arrived < victim.arrived);
            prop_assert!(older.count() >= 16, "one of sixteen proven");
        }
    }

    #[test]
    fn nobody_without_merit_stays_while_its_group_is_larger_than_the_victims(
        guests in vec(facts(), 33..140),
        newcomer in option::of(0_u8..14),
    ) {
        let plain = |guest: &Facts| guest.ping.is_none() && guest.delivered.is_zero() && !guest.proven;
        let guests = numbered(guests);
        let newcomer = newcomer.and_then(wide);
        let size = |guest: &Facts| guest.group.map_or(1, |group| {
            guests.iter().map(|guest| guest.group).chain([newcomer])
                .filter(|other| *other == Some(group)).count()
        });
        let Some(index) = makes_room(&LIMITS, &guests, newcomer) else { return Ok(()) };
        for guest in guests.iter().filter(|guest| !guest.kept && plain(guest)) {
            prop_assert!(size(guest) <= size(&guests[index]));
        }
    }

    /// Whoever holds all places with sixteen addresses, however near, useful and proven, cannot
    /// keep an honest newcomer out, nor drive it out again by coming back.
    #[test]
    fn sixteen_addresses_that_hold_all_places_cannot_keep_an_honest_newcomer_out(
        mut guests in vec(facts(), INBOUND),
        groups in 8_u8..=16,
        returns in vec(0_usize..16, 300),
    ) {
        // Address n is in a narrow group of its own and in wide group n % groups.
        let narrow: Vec<usize> = (0..INBOUND).map(|place| place % 16).collect();
        for (guest, address) in guests.iter_mut().zip(&narrow) {
            guest.group = wide(*address as u8 % groups);
            guest.kept = false;
        }
        let mut guests: Vec<_> = numbered(guests).into_iter().zip(narrow).collect();
        let facts = |guests: &[(Facts, usize)]| guests.iter().map(|guest| guest.0).collect::<Vec<_>>();

        const HONEST: usize = 99;
        let newcomer = Facts { arrived: 1_000, ..guest(0, 200) };
        let room = makes_room(&LIMITS, &facts(&guests), newcomer.group).expect("room");
        guests[room] = (newcomer, HONEST);
        for (number, address) in returns.into_iter().enumerate() {
            let group = wide(address as u8 % groups);
            let of_narrow = guests.iter().filter(|guest| guest.1 == address).count();
            let of_wide = guests.iter().filter(|guest| guest.0.group == group).count();
            if of_narrow >= PER_NARROW || of_wide >= PER_WIDE {
                continue;
            }
            let room = makes_room(&LIMITS, &facts(&guests), group).expect("room");
            let back = Facts { arrived: 2_000 + number as u64, group, ..guest(0, 0) };
            guests[room] = (back, address);
        }
        prop_assert!(guests.iter().any(|guest| guest.1 == HONEST));
    }

    #[test]
    fn sixteen_addresses_that_hold_all_handshakes_cannot_keep_an_honest_newcomer_out(
        groups in 1_u8..=16,
    ) {
        let pending: Vec<_> = (0..32).map(|place| wide(place % 16 % groups)).collect();
        let way = gives_way(&pending, wide(200)).expect("somebody gives way");
        let largest = size(pending.iter().copied(), pending[way]);
        prop_assert!(pending.iter().all(|group| size(pending.iter().copied(), *group) <= largest));
        // Nor do they gain anything by knocking once more.
        prop_assert_eq!(gives_way(&pending, pending[way]), None);
    }
}

#[test]
fn the_youngest_of_the_largest_group_makes_room() {
    let guests = [guest(1, 1), guest(4, 2), guest(2, 2), guest(3, 3), guest(5, 3), guest(6, 4)];
    assert_eq!(makes_room(&LIMITS, &guests, wide(9)), Some(4), "the youngest of two largest");
    assert_eq!(makes_room(&LIMITS, &guests, wide(2)), Some(1), "its own would be larger");
    assert_eq!(makes_room(&LIMITS, &guests, wide(4)), Some(5), "its own before others as large");
    let alone = guests.map(|guest| Facts { group: None, ..guest });
    assert_eq!(makes_room(&LIMITS, &alone, None), Some(5), "exempt ones are in no group");
    assert_eq!(makes_room(&LIMITS, &[], wide(1)), None);
    let kept = guests.map(|guest| Facts { kept: true, ..guest });
    assert_eq!(makes_room(&LIMITS, &kept, wide(1)), None);
}

#[test]
fn the_nearest_the_most_useful_and_the_proven_are_spared() {
    let limits = Limits { spare_ping: 1, spare_delivery: 1, spare_proven: 1, ..LIMITS };
    let (near, far) = (Some(Duration::from_millis(1)), Some(Duration::from_millis(2)));
    let (long, short) = (Duration::from_secs(9), Duration::from_secs(8));
    let by_ping = [Facts { ping: far, ..guest(1, 1) }, Facts { ping: near, ..guest(2, 1) }];
    assert_eq!(makes_room(&limits, &by_ping, None), Some(0));
    let by_delivery =
        [Facts { delivered: short, ..guest(1, 1) }, Facts { delivered: long, ..guest(2, 1) }];
    assert_eq!(makes_room(&limits, &by_delivery, None), Some(0));
    let by_proof = [guest(1, 1), Facts { proven: true, ..guest(2, 1) }];
    assert_eq!(makes_room(&limits, &by_proof, None), Some(0));
    let unmeasured = [guest(1, 1), guest(2, 1)];
    assert_eq!(makes_room(&limits, &unmeasured, None), Some(1), "no merit, no protection");
}

#[test]
fn the_oldest_handshake_of_a_strictly_larger_group_gives_way() {
    let pending = [wide(1), wide(2), wide(2), wide(3)];
    assert_eq!(gives_way(&pending, wide(9)), Some(1));
    assert_eq!(gives_way(&pending, wide(1)), None, "as large with the newcomer");
    assert_eq!(gives_way(&pending, wide(2)), None, "larger with the newcomer");
    assert_eq!(gives_way(&pending[2..], wide(9)), None, "nobody has more than one");
    assert_eq!(gives_way(&[None, None, None], wide(9)), None, "exempt ones are in no group");
    assert_eq!(gives_way(&[], None), None);
}
