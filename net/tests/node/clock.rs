//! A node whose clock jumps.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ltms_core::{Millis, Reason, Timestamp};
use ltms_net::{Offer, clock::Clock};

use crate::world::{builder, burn, chain, connect, decided, finds, node, own, register, until};

const DAY: Millis = Millis::from_hours(24);

/// What a clock says, whatever time it is.
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Clock::system().now().as_millis())))
    }

    fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Clock::new(move || Timestamp::from_millis(hands.load(Ordering::Relaxed)))
    }

    fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_survives_steps_of_a_day_and_a_jump_to_the_end_of_time() {
    let (chain, hands) = (chain(), Hands::new());
    let start = hands.clock().now();
    let node_a = builder(&chain).clock(hands.clock()).start().await.expect("a node");
    let (node_b, node_c) = (node(&chain).await, node(&chain).await);
    let [a, b, c] = [&node_a, &node_b, &node_c].map(|node| node.handle());
    let (key, id) = register(&a, &chain, 0).await;
    register(&b, &chain, 0).await;
    connect(&b, &a).await;
    // One ban for good, and one of an hour.
    let hour = start.saturating_add(Millis::from_hours(1));
    assert!(a.ban(c.peer_id(), None).await.expect("answer"));
    let other = libp2p::PeerId::random();
    assert!(a.ban(other, Some(hour)).await.expect("answer"));

    let steps = [
        ("a day ahead", start.saturating_add(DAY), (1, 0)),
        ("back", start, (1, 1)),
        ("a day behind", start.saturating_sub(DAY), (1, 2)),
        ("right again", start, (2, 2)),
        ("the end of time", Timestamp::from_millis(u64::MAX), (3, 2)),
        ("and back", start, (3, 3)),
    ];
    for (number, (what, now, (forward, back))) in (1..).zip(steps) {
        hands.set(now);
        // The next call of the Gate notices.
        let refused = decided(&a, Reason::Blacklisted).await;
        c.dial(a.addresses()[0].clone()).await.expect("dialled");
        until(&a, what, async || decided(&a, Reason::Blacklisted).await > refused).await;
        let metrics = a.metrics().await.expect("it answers");
        assert_eq!(
            (metrics.clock_steps_forward, metrics.clock_steps_back),
            (forward, back),
            "{number}: {what}"
        );
        assert!(a.health().await.expect("it answers").is_good());
    }
    // An hour from now at most, by the right clock: no step made it longer.
    let standing = a.standing_of(&other).await.expect("answer");
    assert!(standing.decision.retry_at.is_none_or(|until| until <= hour), "{standing:?}");
    assert!(a.identity(id).await.expect("answer").is_some());

    // And it goes on: an advertisement by the right clock is taken and found, here and there.
    let advertised = a.advertise_signer(&key, own(id), &Offer::default()).await;
    advertised.expect("taken");
    let public_key = burn(&chain, 0).0.public_key();
    until(&a, "found", async || finds(&a, &public_key).await).await;
    until(&b, "found by the other", async || finds(&b, &public_key).await).await;
    println!(
        "{} steps of the clock: the banned peer was refused after each, the signer is found again",
        steps.len()
    );
    for node in [node_a, node_b, node_c] {
        node.stop().await;
    }
}
