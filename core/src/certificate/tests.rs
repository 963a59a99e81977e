use super::*;
use crate::storage::Tiny;
use crate::table::Head;

const NODE: Certificate = Policy::LOTUS_V1.certificate(Capacity::NODE);
const TINY: Certificate = Policy::LOTUS_V1.certificate(Capacity::TINY);

/// XPI and satoshis above them.
const fn xpi(xpi: u64, sats: u64) -> Amount {
    Amount::from_xpi(xpi).saturating_add(Amount::from_sats(sats))
}

#[test]
fn the_work_of_a_node_is_what_its_windows_add_up_to() {
    assert_eq!(NODE.connections, 128 + 64);
    assert_eq!(NODE.checks, Rate { per_second: 2_000, burst: 4_000 });
    // 192 connections, 20 frames a second and 60 at once, 100,000 bytes each.
    assert_eq!(NODE.bytes, Rate { per_second: 384_000_000, burst: 1_152_000_000 });
    assert_eq!(NODE.unfinished, 33_554_432);
    assert_eq!(NODE.lookups, Rate { per_second: 20, burst: 100 });
}

#[test]
fn strangers_of_a_node_are_shut_out_by_a_few_groups() {
    // 128 inbound connections, 8 of a narrow group and 16 of a wide one.
    assert_eq!(NODE.inbound, GroupCount { narrow: 16, wide: 8 });
    // An eighth of 131,072 rows. A group has 2 rows at once and one more a minute, each kept for
    // 24 h 10 min: 2 + 1,450. A wide group has 16 and one more each 7.5 s: 16 + 11,600.
    assert_eq!(NODE.stranger_rows, 16_384);
    assert_eq!(NODE.stranger_groups, GroupCount { narrow: 12, wide: 2 });
    // 24 rows at once; the other 16,360 take 12 groups 1,364 min.
    assert_eq!(NODE.stranger_fill, Millis::from_mins(1_364));
}

/// With `h` hostile groups among `c` cells, `1 − (1 − 1/c)^2h` of the cells are drained, and a
/// group is shut out by two of those: of narrow groups, or of the wide ones around them.
#[test]
fn hostile_groups_that_drain_the_cells() {
    let groups = |narrow, wide| GroupCount { narrow, wide };
    let of = |cells| {
        let capacity = Capacity { cells, ..Capacity::NODE };
        Policy::LOTUS_V1.certificate(capacity).cells.map(|cells| (cells.refused, cells.groups))
    };
    assert_eq!(
        of(4_096),
        [(10, groups(214, 27)), (500, groups(2_466, 309)), (990, groups(10_338, 1_293))]
    );
    assert_eq!(of(256), [(10, groups(14, 2)), (500, groups(154, 20)), (990, groups(646, 81))]);
    assert_eq!(of(32), [(10, groups(2, 1)), (500, groups(20, 3)), (990, groups(80, 10))]);
    // 40 hostile groups leave more than 99 in a hundred, as the policy demands.
    assert!(served(4_096, 40) > ONE / 100 * 99);
    assert_eq!(of(1).map(|(_, groups)| groups.narrow), [1; 3]);
}

const fn price(burn: Amount, november_2025: u64, height_1_292_529: u64) -> Price {
    Price { burn, november_2025: Some(november_2025), height_1_292_529: Some(height_1_292_529) }
}

/// Of 1,027,397 and of 319,000 XPI, in 1/1,000,000.
#[test]
fn prices_of_a_node_and_their_shares_of_a_day_s_issuance() {
    let displace = [
        price(xpi(50, 1), 49, 157),
        price(xpi(200, 1), 195, 627),
        price(xpi(1_000, 1), 973, 3_135),
    ];
    assert_eq!(NODE.displace, displace);
    // A Verified identity's row costs 200 / 50 = 4 XPI, less than a Basic one's 5, an
    // Institutional one's 10 and a bought one's 10.
    assert_eq!(NODE.half_directory, price(xpi(65_536 * 4, 0), 255_154, 821_768));
    assert_eq!(NODE.fill_newcomers, price(xpi(32_768 * 50, 0), 1_594_710, 5_136_050));
}

/// The analysis prices 1,000 and 10,000 identities at 0.97 % and 9.7 % of a day; it is five times
/// as much.
#[test]
fn the_analysis_s_shares_of_a_day_are_not_repeated() {
    let share = |identities: u32| {
        let capacity = Capacity { identities: 2 * identities, ..Capacity::NODE };
        Policy::LOTUS_V1.certificate(capacity).fill_newcomers.november_2025
    };
    assert_eq!([100, 1_000, 10_000].map(share), [4_867, 48_667, 486_667].map(Some));
}

#[test]
fn inline_tables_are_what_is_certified_with_their_heads_and_what_aligns_them() {
    let Certificate { tables, gate, .. } = TINY;
    let certified = tables + 7 * size_of::<Head>() as u64;
    // Less than one alignment for each table and its parts.
    let beside = size_of::<Tiny>() as u64 - certified;
    assert!(beside < 7 * align_of::<Tiny>() as u64, "{beside}");
    assert!(certified + beside + gate <= 16 << 10);
}

/// A capacity with one number doubled.
fn doubled() -> impl Iterator<Item = (Capacity, Capacity)> {
    [Capacity::NODE, Capacity::SMALL].into_iter().flat_map(|of| {
        [
            Capacity { peers: of.peers * 2, ..of },
            Capacity { identities: of.identities * 2, ..of },
            Capacity { keys: of.keys * 2, ..of },
            Capacity { bans: of.bans * 2, ..of },
            Capacity { groups: of.groups * 2, ..of },
            Capacity { cells: of.cells * 2, ..of },
            Capacity { outcomes: of.outcomes * 2, ..of },
        ]
        .map(|larger| (of, larger))
    })
}

#[test]
fn a_larger_table_takes_more_memory_and_is_never_cheaper_to_fill() {
    for (small, large) in doubled() {
        let [few, many] = [small, large].map(|capacity| Policy::LOTUS_V1.certificate(capacity));
        assert!(many.tables > few.tables);
        assert!(many.fill_newcomers.burn >= few.fill_newcomers.burn);
        assert!(many.half_directory.burn >= few.half_directory.burn);
        assert!(many.stranger_groups.narrow >= few.stranger_groups.narrow);
        assert!(many.inbound.narrow >= few.inbound.narrow);
        for (few, many) in few.cells.iter().zip(many.cells) {
            assert!(many.groups.narrow >= few.groups.narrow);
        }
        assert!(many.displace == few.displace && many.checks == few.checks);
    }
}

#[test]
fn a_dearer_policy_is_never_cheaper_to_attack() {
    let mut policy = Policy::LOTUS_V1;
    policy.burns.registration = Amount::from_xpi(60);
    policy.burns.verified = Amount::from_xpi(300);
    let dear = policy.certificate(Capacity::NODE);
    assert_eq!(dear.fill_newcomers.burn, xpi(32_768 * 60, 0));
    // Now a row costs the same of both, 6 XPI.
    assert_eq!(dear.half_directory.burn, xpi(65_536 * 6, 0));
    assert_eq!(dear.displace.map(|price| price.burn), [xpi(60, 1), xpi(300, 1), xpi(1_000, 1)]);
    policy.burns.additional_key = Amount::from_xpi(5);
    assert_eq!(policy.certificate(Capacity::NODE).half_directory.burn, xpi(65_536 * 5, 0));
}

/// `validate` refuses some of these; nothing overflows or divides by nothing all the same.
#[test]
fn extremes_stop_instead_of_wrapping() {
    let none = Capacity::NONE;
    let all = Capacity {
        peers: u32::MAX,
        identities: u32::MAX,
        tombstones: u32::MAX,
        keys: u32::MAX,
        bans: u32::MAX,
        groups: u32::MAX,
        cells: u32::MAX,
        outcomes: u32::MAX,
    };
    let mut policy = Policy::LOTUS_V1;
    let empty = policy.certificate(none);
    assert_eq!(
        (empty.fill_newcomers.burn, empty.half_directory.burn),
        (Amount::ZERO, Amount::ZERO)
    );
    assert_eq!((empty.bytes.burst, empty.stranger_rows), (0, 0));
    assert_eq!(empty.cells.map(|cells| cells.groups.narrow), [1; 3]);
    let full = policy.certificate(all);
    assert!(full.fill_newcomers.burn > NODE.fill_newcomers.burn);
    assert!(full.cells[0].groups.narrow > NODE.cells[0].groups.narrow);
    policy.burns.registration = Amount::from_sats(u64::MAX);
    policy.windows.wide_factor = 0;
    policy.windows.strangers.interval_us = 0;
    policy.keys.basic = 0;
    assert_eq!(policy.certificate(all).fill_newcomers.burn.sats(), u64::MAX);
}
