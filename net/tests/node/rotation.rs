//! An identity changes its key, and others follow.

use std::sync::Arc;

use ltms_core::{
    Amount, Criteria, IdentityId, OutPoint, PublicKey, Reason,
    burn::{BurnScript, Purpose},
    chain::Transaction,
    schnorr::SecretKey,
    wire::Authority,
};
use ltms_net::{NodeError, Offer, chain::DevChain};

use crate::world::{builder, burn, chain, connect, node, own, until};

/// Mines a burn of the identity, deep enough to count.
pub(crate) fn burned(
    chain: &Arc<DevChain>,
    key: PublicKey,
    purpose: Purpose,
    id: IdentityId,
    xpi: u64,
) -> OutPoint {
    let script =
        BurnScript { public_key: key, timestamp_ms: Some(xpi), purpose: Some((purpose, id)) };
    let raw = DevChain::purpose_transaction(&script, Amount::from_xpi(xpi));
    let txid = Transaction::parse(&raw).expect("a transaction").txid();
    chain.mine(&[raw]).expect("a block");
    chain.mine_empty(110).expect("blocks");
    OutPoint { txid, vout: 0 }
}

pub(crate) fn new_key(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[n; 32]).expect("a key")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_reaches_others_and_a_newcomer_fetches_the_whole_history() {
    let chain = chain();
    let (first, second) = (node(&chain).await, node(&chain).await);
    let (a, b) = (first.handle(), second.handle());
    connect(&a, &b).await;
    let (key, outpoint, id) = burn(&chain, 3);
    until(&a, "registered", async || a.register_identity(&key, outpoint).await.is_ok()).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    until(&b, "known", async || b.identity(id).await.expect("answer").is_some()).await;

    let keys = [key, new_key(11), new_key(12)];
    for (n, pair) in keys.windows(2).enumerate() {
        let [old, new] = pair else { unreachable!("windows of two") };
        let rotation = burned(&chain, new.public_key(), Purpose::Rotation, id, 5 + n as u64);
        until(&a, "rotated", async || a.rotate_identity(id, old, new, rotation).await.is_ok())
            .await;
        let known = async || b.identity(id).await.expect("answer").expect("registered");
        until(&b, "told", async || known().await.sequence == n as u64 + 1).await;
        assert_eq!(known().await.key, new.public_key());
    }
    assert_eq!(b.directory(Criteria::default(), 9).await.expect("answer"), [], "void at once");

    let twice = Authority { identity: id, sequence: 2, delegation: None };
    a.advertise_signer(&keys[2], Some(twice), &Offer::default()).await.expect("advertised");
    let late = builder(&chain).bootstrap(b.addresses()[0].clone()).start().await.expect("a node");
    let c = late.handle();
    until(&c, "found by the newcomer", async || {
        let found = c.directory(Criteria::default(), 9).await.expect("answer");
        found.iter().any(|signer| signer.key == keys[2].public_key())
    })
    .await;
    assert_eq!(c.identity(id).await.expect("answer").expect("registered").sequence, 2);
    for node in [first, second, late] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_up_counts_once() {
    let chain = chain();
    let alone = node(&chain).await;
    let a = alone.handle();
    let (key, outpoint, id) = burn(&chain, 4);
    until(&a, "registered", async || a.register_identity(&key, outpoint).await.is_ok()).await;
    let top_up = burned(&chain, key.public_key(), Purpose::TopUp, id, 150);
    until(&a, "credited", async || a.credit_identity(id, &key, top_up).await.is_ok()).await;
    let burned = async || a.identity(id).await.expect("answer").expect("registered").burned;
    assert!(burned().await >= Amount::from_xpi(200));
    let once = burned().await;
    let again = a.credit_identity(id, &key, top_up).await;
    let Err(NodeError::Refused(decision)) = again else { panic!("refused: {again:?}") };
    assert_eq!((decision.reason, burned().await), (Reason::BurnUsed, once));
    alone.stop().await;
}
