//! What peers tell of an identity: how it came to its key, and what it burned.

use libp2p::{futures::StreamExt, kad::Record};
use ltms_core::{Amount, IdentityId, Reason, burn::Purpose, wire::Authority};
use ltms_net::{
    Offer,
    behaviour::{
        dht::record_key,
        records::Worth,
        streams::{Request, Response},
    },
    clock::Clock,
};

use crate::{
    dht::server,
    rotation::{burned, new_key},
    wild::{Does, answer, page, peer_of, serve},
    world::{
        advertisement, builder, burn, chain, connect, decided, delegation, key, node, own,
        register, until,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_is_found_by_the_history_that_a_peer_tells() {
    let chain = chain();
    let first = node(&chain).await;
    let a = first.handle();
    let (current, outpoint, id) = burn(&chain, 3);
    until(&a, "registered", async || a.register_identity(&current, outpoint).await.is_ok()).await;
    let next = new_key(31);
    let rotation = burned(&chain, next.public_key(), ltms_core::burn::Purpose::Rotation, id, 5);
    until(&a, "rotated", async || a.rotate_identity(id, &current, &next, rotation).await.is_ok())
        .await;
    // Nobody advertises under it, so no page of a directory tells of it.
    let second = node(&chain).await;
    let c = second.handle();
    let liar = serve(peer_of(&c).await, |_| Does::Answers(page(vec![], false)));
    connect(&c, &a).await;
    assert!(c.identity(id).await.expect("answer").is_none());
    until(&c, "the tip is known, and the history told", async || {
        assert_eq!(c.look_up_identity(id).await.expect("answer"), []);
        c.identity(id).await.expect("answer").is_some_and(|known| known.sequence == 1)
    })
    .await;
    let known = c.identity(id).await.expect("answer").expect("registered");
    assert_eq!(known.key, next.public_key());
    let nobody = ltms_core::IdentityId::from_bytes([9; 32]);
    assert_eq!(c.look_up_identity(nobody).await.expect("answer"), []);
    liar.abort();
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_honest_peer_is_enough_where_others_lie_or_say_nothing() {
    let chain = chain();
    let (first, second, third) = (node(&chain).await, node(&chain).await, node(&chain).await);
    let (a, c, d) = (first.handle(), second.handle(), third.handle());
    let (current, id) = register(&a, &chain, 3).await;
    connect(&d, &a).await;
    let told = d.ask_peer(a.peer_id(), Request::History(id)).await.expect("an answer");
    third.stop().await;
    let Response::History(mut forged) = told else { panic!("a history: {told:?}") };
    *forged[0].last_mut().expect("a signature") ^= 1;
    let liar = answer(peer_of(&c).await, move |asked| match asked {
        Some(_) => Does::Answers(page(vec![], false)),
        None => Does::Answers(Response::History(forged.clone())),
    });
    let silent = answer(peer_of(&c).await, |_| Does::Nothing);
    // The honest one comes last: a lie about what is known already is not looked at.
    until(&c, "the liar is believed nothing", async || {
        assert_eq!(c.look_up_identity(id).await.expect("answer"), []);
        decided(&c, Reason::InvalidSignature).await > 0
    })
    .await;
    assert!(c.identity(id).await.expect("answer").is_none());
    connect(&c, &a).await;
    until(&c, "the history is told", async || {
        assert_eq!(c.look_up_identity(id).await.expect("answer"), []);
        c.identity(id).await.expect("answer").is_some()
    })
    .await;
    let known = c.identity(id).await.expect("answer").expect("registered");
    assert_eq!(known.key, current.public_key());
    liar.abort();
    silent.abort();
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_believed_by_the_history_of_another_peer_than_its_holder() {
    let chain = chain();
    let (first, second) = (node(&chain).await, node(&chain).await);
    let (a, c) = (first.handle(), second.handle());
    register(&a, &chain, 0).await;
    // Until it knows the tip, nothing is old enough.
    register(&c, &chain, 1).await;
    connect(&c, &a).await;
    // It tells its records, and nothing else.
    let mut holder = server(&c).await;
    let author = key("of a record");
    let peer = *holder.local_peer_id();
    let authority = Some(delegation(&chain, 0, &author));
    let ad = advertisement(&author, authority, &peer, Clock::system().now());
    let author = author.public_key();
    let record = Record::new(record_key(ltms_core::Network::Reg, &author), ad);
    holder.behaviour_mut().dht.kad.store_mut().admit(record, author, Worth::Own).expect("room");
    let serving = tokio::spawn(async move {
        loop {
            holder.select_next_some().await;
        }
    });
    assert!(c.identity(burn(&chain, 0).2).await.expect("answer").is_none());
    until(&c, "found", async || c.look_up(author).await.expect("answer").is_some()).await;
    serving.abort();
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_learns_of_the_whole_burn_and_of_the_key_slots() {
    let chain = chain();
    let first = node(&chain).await;
    let a = first.handle();
    let credit = async |key: &_, purpose, id: IdentityId, xpi| {
        let burn = burned(&chain, ltms_core::schnorr::SecretKey::public_key(key), purpose, id, xpi);
        until(&a, "credited", async || a.credit_identity(id, key, burn).await.is_ok()).await;
    };
    // One that keeps its key, and one that changes it between two burns.
    let (keeps, kept) = register(&a, &chain, 3).await;
    let (changes, changed) = register(&a, &chain, 4).await;
    credit(&keeps, Purpose::TopUp, kept, 150).await;
    credit(&keeps, Purpose::TopUp, kept, 30).await;
    credit(&keeps, Purpose::AdditionalKey, kept, 20).await;
    credit(&changes, Purpose::TopUp, changed, 11).await;
    let next = new_key(41);
    let rotation = burned(&chain, next.public_key(), Purpose::Rotation, changed, 5);
    until(&a, "rotated", async || {
        a.rotate_identity(changed, &changes, &next, rotation).await.is_ok()
    })
    .await;
    credit(&next, Purpose::TopUp, changed, 12).await;
    a.advertise_signer(&keeps, own(kept), &Offer::default()).await.expect("advertised");
    let once = Authority { identity: changed, sequence: 1, delegation: None };
    a.advertise_signer(&next, Some(once), &Offer::default()).await.expect("advertised");
    let [all_kept, all_changed] =
        [kept, changed].map(async |id| a.identity(id).await.expect("answer").expect("registered"));
    let (all_kept, all_changed) = (all_kept.await, all_changed.await);
    assert!(all_kept.burned >= Amount::from_xpi(230) && all_changed.burned >= Amount::from_xpi(73));

    let late = builder(&chain).start().await.expect("a node");
    let c = late.handle();
    connect(&c, &a).await;
    for known in [all_kept, all_changed] {
        until(&c, "told of all", async || {
            c.identity(known.id).await.expect("answer") == Some(known)
        })
        .await;
    }
    let slots = async |of: &ltms_net::Handle| {
        let subject = ltms_core::Subject::Identity(kept);
        of.standing(subject).await.expect("answer").keys.1
    };
    until(&c, "and of the slots", async || slots(&c).await == slots(&a).await).await;
    // What is known is not judged again, however often it is served.
    let judged = decided(&c, Reason::New).await;
    for _ in 0..3 {
        c.find_signers(ltms_core::Criteria::default(), 9).await.expect("answer");
    }
    assert_eq!(decided(&c, Reason::New).await, judged);
    assert_eq!(decided(&c, Reason::BurnUsed).await, 0);
    first.stop().await;
    late.stop().await;
}
