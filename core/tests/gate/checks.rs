//! Who may make us check how many signatures (policy §3).

use ltms_core::wire::AdHeader;
use ltms_core::*;

use crate::ads::ad;
use crate::claims::{Claim, named, secret};
use crate::hello::prove_by_key;
use crate::world::*;

/// What a connection sends under a key of its own, before the signature is checked.
fn screen(world: &mut World, from: u32, author: u32) -> Screening<AdTicket> {
    let author = named(&format!("author {author}"));
    let bytes = ad(&author).of_peer(from).seal();
    let header = AdHeader::read(Network::Reg, &bytes).unwrap();
    world.gate.screen_ad(world.now, &Source::direct(peer(from)), &header)
}

#[test]
fn pending_and_failed_checks_have_a_budget_per_connection_and_per_node() {
    let mut policy = POLICY;
    policy.windows.node_signatures = Quota::per_second(30, 40);
    let mut world = World::with(Capacity::SMALL, policy);
    (0..4).for_each(|number| world.connect(number));
    for n in 0..20 {
        assert!(matches!(screen(&mut world, 0, n), Screening::Proceed(_)));
    }
    let Screening::Done(refused) = screen(&mut world, 0, 20) else { panic!("over the budget") };
    assert_eq!(reason(refused), Reason::SignatureBudget);
    assert_eq!(refused.retry_at, Some(START.saturating_add(Millis::new(100))));
    // Another connection goes on, until the node has had enough.
    for n in 0..10 {
        assert!(matches!(screen(&mut world, 1, 30 + n), Screening::Proceed(_)));
    }
    let Screening::Done(refused) = screen(&mut world, 1, 40) else { panic!("over the budget") };
    assert_eq!(reason(refused), Reason::NodeBusy);
    assert_eq!(refused.retry_at, Some(START.saturating_add(Millis::new(34))));
    world.now = refused.retry_at.unwrap();
    let Screening::Proceed(ticket) = screen(&mut world, 1, 40) else { panic!("there is one") };
    assert!(matches!(screen(&mut world, 2, 41), Screening::Done(_)));
    // A check that holds gives its tokens back.
    assert_eq!(ticket.verify(), SignatureCheck::Valid);
    assert_eq!(reason(world.gate.settle_ad(world.now, ticket, SignatureCheck::Valid)), Reason::New);
    assert!(matches!(screen(&mut world, 2, 41), Screening::Proceed(_)));
}

/// Whoever comes with ever new ids from ever new places takes no check from those that were here
/// (ADR 59).
#[test]
fn the_last_quarter_of_the_checks_is_for_who_was_dialled_or_proved_an_identity() {
    let mut policy = POLICY;
    policy.windows.node_signatures = Quota::per_second(10, 40);
    let mut world = World::with(Capacity::SMALL, policy);
    let claim = Claim::real(0);
    let id = world.register(&claim);
    (0..3).for_each(|number| world.connect(number));
    let dialled = Connection { direction: Direction::Outbound, ..<World>::connection(3) };
    world.gate.connected(world.now, &dialled).unwrap();
    assert_eq!(prove_by_key(&mut world, 2, &secret(0), &id), Reason::Clear);
    let mut author = 0;
    let mut checks = |world: &mut World, from| {
        let mut passed = 0;
        loop {
            author += 1;
            match screen(world, from, author) {
                Screening::Proceed(_) => passed += 1,
                Screening::Done(refused) => return (passed, reason(refused)),
            }
        }
    };
    assert_eq!(checks(&mut world, 0), (20, Reason::SignatureBudget));
    assert_eq!(checks(&mut world, 1), (10, Reason::NodeBusy));
    assert_eq!(checks(&mut world, 2), (10, Reason::NodeBusy));
    world.wait(Millis::new(500));
    // What comes back is theirs first.
    assert_eq!(checks(&mut world, 1), (0, Reason::NodeBusy));
    assert_eq!(checks(&mut world, 3), (5, Reason::NodeBusy));
}
