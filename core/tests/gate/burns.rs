//! Registration (policy §6).

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::*;

use crate::ads::GARBAGE;
use crate::claims::{Claim, header, named, secret};
use crate::world::*;

const XPI_50: Amount = Amount::from_xpi(50);

#[test]
fn every_recorded_burn_registers_but_one_key_has_one_identity() {
    let claims = Claim::all_real();
    assert_eq!(claims.len(), 26);
    let mut world = World::new();
    let mut registered = Vec::new();
    for claim in &claims {
        let key = BurnScript::parse(
            chain::Transaction::parse(&claim.transaction)
                .unwrap()
                .output(claim.vout.into())
                .unwrap()
                .script,
        );
        let key = key.unwrap().public_key;
        let expected = if registered.contains(&key) { Reason::KeyTaken } else { Reason::New };
        assert_eq!(reason(world.claim(claim)), expected);
        if expected == Reason::New {
            registered.push(key);
            let row = world.gate.identity(&claim.id()).unwrap();
            assert_eq!(world.gate.resolve_identity(&key), Some(row));
            assert_eq!((row.key, row.sequence, row.score), (key, 0, 50));
            assert_eq!((row.height, row.class), (claim.header.height(), EvidenceClass::Node));
            assert!(row.burned >= XPI_50);
        }
        world.wait(SECOND);
    }
    assert_eq!(registered.len(), 21);
    let told = world.events();
    assert_eq!(told.len(), 21);
    assert!(told.iter().all(|event| matches!(event, Event::Registered(_))));
    let metrics = world.gate.metrics(world.now);
    assert_eq!(metrics.identities_registered, 21);
    assert_eq!(metrics.total_burned, Amount::from_sats(21 * 50_000_000 + (0..20).sum::<u64>()));
    assert_eq!(metrics.average_reputation_score, 50);
    // The other five with a key of another identity are charged to nobody.
    assert_eq!(world.of_peer(COURIER).malformed.0, 0);
}

#[test]
fn one_satoshi_less_than_fifty_xpi_is_too_little() {
    let mut world = World::new();
    let secret = named("poor");
    let less = Claim::made(&secret, Amount::from_sats(XPI_50.sats() - 1), 200);
    assert_eq!(reason(world.claim(&less)), Reason::BurnTooSmall);
    assert_eq!(reason(world.claim(&Claim::made(&secret, XPI_50, 200))), Reason::New);
}

#[test]
fn burns_for_another_purpose_register_nothing() {
    let mut world = World::registered(1);
    let (secret, of) = (named("other"), Claim::real(0).id());
    for purpose in Purpose::ALL {
        let claim = Claim::with_script(&secret, Amount::from_xpi(1000), 200, Some((purpose, of)));
        assert_eq!(reason(world.claim(&claim)), Reason::Script, "{purpose:?}");
    }
    let plain = Claim::raw(&secret, &[(XPI_50, &[0x76; 60])], 200);
    assert_eq!(reason(world.claim(&plain)), Reason::Script);
    assert_eq!(world.gate.metrics(world.now).identities_registered, 1);
}

#[test]
fn a_branch_must_lead_from_the_transaction_to_the_block() {
    let mut world = World::new();
    let good = || Claim::real(3);
    type Change = fn(&mut Claim);
    let cases: [(Change, Reason); 8] = [
        (|claim| claim.branch[2][5] ^= 1, Reason::NotInBlock),
        (|claim| claim.branch[0].swap(0, 31), Reason::NotInBlock),
        (|claim| claim.position += 1, Reason::NotInBlock),
        (|claim| claim.position += 32, Reason::NotInBlock),
        (|claim| claim.branch.push([0; 32]), Reason::NotInBlock),
        (|claim| claim.branch.truncate(4), Reason::NotInBlock),
        (|claim| claim.branch.clear(), Reason::NotInBlock),
        (|claim| claim.position = 0, Reason::Coinbase),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut claim = good();
        change(&mut claim);
        assert_eq!(reason(world.claim(&claim)), expected, "case {number}");
    }
    assert_eq!(reason(world.claim(&good())), Reason::New);
}

#[test]
fn outputs_that_are_not_there_and_transactions_that_are_none() {
    let mut world = World::new();
    let mut beyond = Claim::real(0);
    beyond.vout = 2;
    beyond.sign(&secret(0));
    assert_eq!(reason(world.claim(&beyond)), Reason::NoSuchOutput);
    beyond.vout = 255;
    assert_eq!(reason(world.claim(&beyond)), Reason::NoSuchOutput);
    for raw in [&[][..], &[0; 64], &Claim::real(0).transaction[1..]] {
        let mut claim = Claim::real(0);
        claim.transaction = raw.to_vec();
        let registration = claim.claimed();
        let source = Source::direct(peer(COURIER));
        let screened = world.gate.screen_claim(START, &source, &registration, claim.signature);
        let Screening::Done(decision) = screened else { panic!("no transaction") };
        assert_eq!(reason(decision), Reason::Transaction);
    }
    let mut coinbase = Claim::made(&named("miner"), XPI_50, 200);
    coinbase.transaction[5..37].fill(0);
    coinbase.transaction[37..41].fill(0xff);
    let coinbase = Claim::in_block(&named("miner"), coinbase.transaction, 200);
    assert_eq!(reason(world.claim(&coinbase)), Reason::Coinbase);
}

/// Sixty-four bytes of a node of the tree read as a transaction would prove anything.
#[test]
fn a_transaction_too_small_for_a_block_is_none() {
    let secret = named("small");
    let script = BurnScript { public_key: secret.public_key(), timestamp_ms: None, purpose: None };
    let full = Claim::raw(&secret, &[(XPI_50, &script.build())], 200);
    let mut small = full.transaction.clone();
    // Without the 60 bytes of input script.
    small.drain(42..102);
    small[41] = 0;
    assert!(small.len() < 110, "{}", small.len());
    small.drain(42..42);
    let len = small.len();
    let claim = Claim::in_block(&secret, small, 200);
    let expected = if len < 100 { Reason::Transaction } else { Reason::New };
    assert_eq!(reason(World::new().claim(&claim)), expected);
}

#[test]
fn five_confirmations_are_too_few_and_six_are_enough() {
    let mut world = World::new();
    let claim = Claim::real(0);
    world.confirm_tip(187 + 4, 187);
    assert_eq!(reason(world.claim(&claim)), Reason::Immature);
    assert_eq!(world.of_peer(COURIER).malformed.0, 0);
    world.set_tip(187 + 5, 187 + 4);
    assert_eq!(reason(world.claim(&claim)), Reason::New);
    assert_eq!(world.of_identity(&claim.id()).confirmations, 6);
}

#[test]
fn without_a_tip_nothing_is_deep_enough() {
    let mut world = World::without_a_tip(Heap::new(Capacity::SMALL), POLICY);
    world.connect(COURIER);
    assert_eq!(reason(world.claim(&Claim::made(&named("genesis"), XPI_50, 0))), Reason::Immature);
}

#[test]
fn weak_evidence_and_blocks_that_nobody_knows_register_nothing() {
    let mut world = World::new();
    let claim = Claim::real(0);
    let weak = world.claim_from(COURIER, &claim, EvidenceClass::Weak);
    assert_eq!(reason(weak), Reason::WeakEvidence);
    let lookup = world.lookup(COURIER, &claim).unwrap();
    assert_eq!(reason(world.gate.settle_burn(START, lookup, None)), Reason::UnknownBlock);
    // A header that has the right root, but is not the block of the claim.
    let lookup = world.lookup(COURIER, &claim).unwrap();
    let other = header(187, claim.header.merkle_root());
    let found = BlockEvidence { header: &other, class: EvidenceClass::Node };
    assert_eq!(reason(world.gate.settle_burn(START, lookup, Some(&found))), Reason::UnknownBlock);
    assert_eq!(world.of_peer(COURIER).malformed.0, 0);
    assert!(world.gate.identity(&claim.id()).is_none());
}

#[test]
fn a_signature_by_another_key_or_on_another_chain_is_charged_to_who_brought_it() {
    let mut world = World::new();
    world.connect(0);
    let mut claim = Claim::real(0);
    claim.sign_on(Network::Main, &secret(0));
    for signature in [claim.signature, Claim::real(1).signature, GARBAGE] {
        claim.signature = signature;
        let decision = world.claim_from(0, &claim, EvidenceClass::Node);
        assert_eq!(reason(decision), Reason::InvalidSignature);
    }
    assert_eq!(world.of_peer(0).invalid_signatures.0, 3);
    assert!(world.gate.identity(&claim.id()).is_none());
}

#[test]
fn headers_are_looked_up_at_a_bounded_rate() {
    let mut world = World::new();
    world.connect(0);
    let lookup = world.lookup(0, &Claim::real(0)).unwrap();
    for _ in 0..3 {
        assert_eq!(world.gate.charge_lookup(START, &lookup), Ok(()));
    }
    let retry_at = START.saturating_add(Millis::from_secs(10));
    let refused = Err(Decision::until(Reason::HeaderBudget, retry_at));
    assert_eq!(world.gate.charge_lookup(START, &lookup), refused);
    assert_eq!(world.gate.charge_lookup(retry_at, &lookup), Ok(()));
}

#[test]
fn a_refused_lookup_passes_at_its_time_whichever_budgets_are_spent() {
    let mut policy = POLICY;
    policy.windows.header = Quota::every(SECOND, 2);
    policy.windows.node_header = Quota::every(MINUTE, 4);
    let mut world = World::with(Capacity::SMALL, policy);
    world.connect(0);
    let lookup = world.lookup(0, &Claim::real(0)).unwrap();
    for _ in 0..2 {
        assert_eq!(world.gate.charge_lookup(START, &lookup), Ok(()));
    }
    // The connection waits for a second; the inbound half of the node's, for two minutes.
    let opens = START.saturating_add(MINUTE.saturating_mul(2));
    let refused = Err(Decision::until(Reason::HeaderBudget, opens));
    assert_eq!(world.gate.charge_lookup(START, &lookup), refused);
    let before = opens.saturating_sub(Millis::new(1));
    assert_eq!(world.gate.charge_lookup(before, &lookup), refused);
    assert_eq!(world.gate.charge_lookup(opens, &lookup), Ok(()));
}

#[test]
fn a_full_table_registers_nobody_and_blames_nobody() {
    let mut world = World::with(Capacity { identities: 4, ..Capacity::SMALL }, POLICY);
    world.register(&Claim::real(2));
    world.register(&Claim::real(1));
    assert_eq!(reason(world.claim(&Claim::real(0))), Reason::TableFull);
    assert_eq!(world.of_peer(COURIER).malformed.0, 0);
}
