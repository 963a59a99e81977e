//! A node that was stopped goes on where it was.

use std::os::unix::fs::MetadataExt;

use ltms_core::{Criteria, Outcome, SessionId, Subject, score::Failure, wire::Authority};
use ltms_net::{Offer, store::DATABASE};

use crate::world::{builder, chain, folder, identity, key, peer, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_knows_bans_identities_rotations_reputation_and_signers() {
    let (folder, (chain, burns)) = (folder("restart"), chain(1));
    let node = builder(&chain, &folder).start().await.expect("a node");
    // Nobody is there to take an advertisement but another node.
    let other =
        builder(&chain, &crate::world::folder("restart-other")).start().await.expect("a node");
    let (a, b) = (node.handle(), other.handle());
    let ids = [0, 1].map(|number| identity(&chain, number));
    for (secret, outpoint, _) in &ids {
        until(&a, "registered", async || a.register_identity(secret, *outpoint).await.is_ok())
            .await;
    }
    let id = ids[0].2;
    a.rotate_identity(id, &key(0), &key(1), burns[0]).await.expect("rotated");
    a.dial(b.addresses()[0].clone()).await.expect("dialled");
    let authority = Authority { identity: id, sequence: 1, delegation: None };
    a.advertise_signer(&key(1), Some(authority), &Offer::default()).await.expect("advertised");
    until(&a, "advertised", async || {
        !a.directory(Criteria::default(), 9).await.expect("answer").is_empty()
    })
    .await;
    let (session, outcome) = (SessionId::from_bytes([1; 16]), Outcome::Failed(Failure::Timeout));
    let recorded = a.record_session(session, id, ids[1].2, outcome).await.expect("stored");
    assert!(recorded.is_accept());
    assert!(a.ban(peer(1), None).await.expect("stored"));
    assert!(a.ban(peer(2), None).await.expect("stored") && a.unban(peer(2)).await.expect("stored"));

    let of = Subject::Identity(id);
    let before = (
        a.identity(id).await.expect("answer").expect("registered"),
        a.standing(of).await.expect("answer"),
        a.directory(Criteria::default(), 9).await.expect("answer"),
    );
    node.stop().await;
    other.stop().await;
    let mode = |name: &str| std::fs::metadata(folder.join(name)).expect("there").mode() & 0o777;
    assert_eq!((mode(""), mode(DATABASE)), (0o700, 0o600));

    let node = builder(&chain, &folder).start().await.expect("a node");
    let a = node.handle();
    let after = (
        a.identity(id).await.expect("answer").expect("registered"),
        a.standing(of).await.expect("answer"),
        a.directory(Criteria::default(), 9).await.expect("answer"),
    );
    assert_eq!(after, before);
    assert!(a.standing_of(&peer(1)).await.expect("answer").by_operator);
    assert!(!a.standing_of(&peer(2)).await.expect("answer").known);
    node.stop().await;
}
