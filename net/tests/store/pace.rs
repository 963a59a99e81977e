//! How long until a decision is on the disk.

use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::world::{builder, chain, folder, peer};

/// Bans, one after the other; with what is asked for at once, so many more.
const BANS: u32 = 200;
const AT_ONCE: u32 = 16;

/// Half and 99 of 100 are at most these, and all at most the last.
fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    format!("half {:.1} ms, 99 of 100 {:.1} ms, all {:.1} ms", at(50), at(99), at(100))
}

/// The goal is 20 ms; what a machine does is printed, because a busy one may take longer.
/// `cargo test -p ltms-net --test store on_the_disk -- --nocapture` shows it.
#[tokio::test]
async fn a_ban_is_on_the_disk_after_the_time_that_is_printed() {
    let folder = folder("pace");
    let (chain, _) = chain(0);
    let node = builder(&chain, &folder).start().await.expect("a node");
    let handle = node.handle();
    let ban = async |number| {
        let began = Instant::now();
        // As many as there is room for, again and again.
        assert!(handle.ban(peer(number % AT_ONCE), None).await.expect("stored"));
        began.elapsed()
    };
    let mut alone = Vec::new();
    for number in 0..BANS {
        alone.push(ban(number).await);
    }
    let mut together = Vec::new();
    for round in 0..BANS / AT_ONCE {
        let first = BANS + round * AT_ONCE;
        together.extend(join_all((first..first + AT_ONCE).map(ban)).await);
    }
    node.stop().await;
    println!("a ban, asked for until it is on the disk: {}", quantiles(alone.clone()));
    println!("{AT_ONCE} at once: {}", quantiles(together));
    alone.sort_unstable();
    assert!(alone[alone.len() / 2] < Duration::from_secs(1), "slower than any disk");
}
