//! A burn that leaves the chain and comes back.

use ltms_core::{Amount, OutPoint, Subject, chain::Transaction};
use ltms_net::{Handle, Node, NodeError, Offer, chain::DevChain};

use crate::world::{builder, chain, connect, finds, key, node, own, until};

#[tokio::test]
async fn a_suspended_identity_is_not_found_and_resumes_when_its_burn_is_back() {
    let chain = chain();
    let nodes = [node(&chain).await, node(&chain).await];
    let [a, b] = nodes.each_ref().map(Node::handle);
    connect(&a, &b).await;
    let key = key("burned late");
    let raw = DevChain::burn_transaction(key.public_key(), Amount::from_xpi(60), None);
    let txid = Transaction::parse(&raw).expect("a transaction").txid();
    let outpoint = OutPoint { txid, vout: 0 };
    let id = outpoint.identity_id().expect("a small index");
    chain.mine(std::slice::from_ref(&raw)).expect("a block");
    chain.mine_empty(5).expect("blocks");
    until(&a, "registered", async || a.register_identity(&key, outpoint).await.is_ok()).await;
    a.advertise_signer(&key, own(id), &Offer::default()).await.expect("advertised");
    until(&b, "found", async || finds(&b, &key.public_key()).await).await;
    let suspended = async |handle: &Handle| {
        handle.standing(Subject::Identity(id)).await.expect("answer").suspended
    };

    chain.reorganise(6, &vec![vec![]; 7]).expect("blocks");
    for handle in [&a, &b] {
        until(handle, "suspended", async || suspended(handle).await).await;
        assert!(!finds(handle, &key.public_key()).await);
    }
    let again = a.advertise_signer(&key, own(id), &Offer::default()).await;
    assert!(matches!(again, Err(NodeError::Refused(_))), "{again:?}");

    // In another block than before, which a newcomer has to be told.
    chain.mine(&[raw]).expect("a block");
    chain.mine_empty(6).expect("blocks");
    for handle in [&a, &b] {
        until(handle, "resumed", async || !suspended(handle).await).await;
        assert!(finds(handle, &key.public_key()).await);
    }
    let late = builder(&chain).bootstrap(b.addresses()[0].clone()).start().await.expect("a node");
    let c = late.handle();
    until(&c, "found", async || finds(&c, &key.public_key()).await).await;
    late.stop().await;
    for node in nodes {
        node.stop().await;
    }
}
