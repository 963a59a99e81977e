//! More, or larger, than anybody may send.

use std::time::Duration;

use ltms_core::{Millis, Reason, schnorr::SecretKey};
use ltms_net::behaviour::gossip::Topic;
use tokio::time::{MissedTickBehavior, interval};

use super::{Attacker, REJECTIONS};
use crate::demo::{
    Failure,
    chain::key,
    forge::{self, Ad},
    host::Answer,
};

/// Messages that a connection may send at once (policy §3).
const BURST: u64 = 60;

/// A thousand advertisements of one signer, all signed and all different.
pub(super) async fn spam(it: &mut Attacker<'_>) -> Result<(), Failure> {
    let burn = it.burn();
    it.attack.keys = vec![burn.key.public_key()];
    (it.attack.allowed, it.attack.per_minute) = (1..=1, 1);
    it.attack.refused = vec![(Reason::TooSoon, 10..=999)];
    it.attack.sanction = Some(Reason::Graylisted);
    it.enlist().await?;
    let first = forge::now().saturating_sub(Millis::from_secs(1));
    let mut ads = Vec::new();
    for number in 0..1_000 {
        let mut ad = Ad::new(&burn.key, Some(burn.authority()), it.peer()).noted(number);
        ad.created_at = first.saturating_add(Millis::new(number));
        ads.push(ad.envelope());
        // Signing takes long enough to hold up the others.
        tokio::task::yield_now().await;
    }
    it.start().await;
    for ad in ads {
        it.gossip(Topic::Ads, ad);
    }
    it.strike();
    it.until_cut_off().await
}

/// Fifty delegated keys of one identity, within all windows of the connection.
pub(super) async fn keys(it: &mut Attacker<'_>) -> Result<(), Failure> {
    let burn = it.burn();
    let keys: Vec<_> = (0..50).map(|number| key(&format!("demo: flood {number}"))).collect();
    let ad = |key, peer| Ad::new(key, Some(burn.delegate(key)), peer).envelope();
    it.attack.keys = keys.iter().map(SecretKey::public_key).collect();
    it.attack.allowed = 10..=10;
    it.attack.refused = vec![(Reason::KeyLimit, 40..=40)];
    it.enlist().await?;
    let (within, above) = keys.split_at(10);
    it.start().await;
    for key in within {
        it.gossip(Topic::Ads, ad(key, it.peer()));
    }
    it.until(|ledger, victim| {
        within.iter().all(|key| ledger.accepted(victim, &key.public_key()) > 0)
    })
    .await;
    it.strike();
    for key in above {
        it.gossip(Topic::Ads, ad(key, it.peer()));
    }
    it.until_refused().await;
    Ok(())
}

/// Messages that are larger than anybody may send.
pub(super) async fn oversize(it: &mut Attacker<'_>) -> Result<(), Failure> {
    const LARGE: u32 = 200_000;
    it.attack.sanction = Some(Reason::Blacklisted);
    it.attack.refused = vec![(Reason::Oversize, REJECTIONS..=REJECTIONS)];
    it.start().await;
    for _ in 0..REJECTIONS {
        it.gossip(Topic::Ads, vec![0; 10_001]);
    }
    it.until_refused().await;
    it.strike();
    // Gossipsub ends the stream at this one, and tells nobody.
    let large = vec![0; LARGE as usize];
    it.gossip(Topic::Ads, large.clone());
    it.attack.refused = vec![(Reason::Oversize, 50..=50)];
    let frame = [&LARGE.to_be_bytes()[..], &large].concat();
    for _ in 0..55 {
        let answers = it.host.send_each(&frame).await;
        it.attack.sent += 1;
        if answers.iter().any(|answer| matches!(answer, Answer::Said(_))) {
            return Err("an oversize frame was answered".into());
        }
    }
    it.until_cut_off().await
}

/// Fresh keys without an identity.
pub(super) async fn strangers(it: &mut Attacker<'_>) -> Result<(), Failure> {
    const KEYS: u64 = 30;
    (it.attack.allowed, it.attack.per_minute) = (2..=2, 1);
    it.attack.refused = vec![(Reason::StrangerWindow, KEYS - 3..=KEYS - 2)];
    it.start().await;
    it.strike();
    for number in 0..KEYS {
        let key = key(&format!("demo: stranger {number}"));
        it.attack.keys.push(key.public_key());
        it.push(Ad::new(&key, None, it.peer()).envelope()).await;
    }
    it.until_refused().await;
    Ok(())
}

/// Passes on at once what others publish, while its connection is far over its window: who
/// refuses it for that, and not before deduplication, loses what it delivered first.
pub(super) async fn censor(it: &mut Attacker<'_>) -> Result<(), Failure> {
    let burn = it.burn();
    it.attack.keys = vec![burn.key.public_key()];
    it.attack.refused = vec![(Reason::Expired, BURST + 1..=u64::MAX)];
    it.enlist().await?;
    let mut ad = Ad::new(&burn.key, Some(burn.authority()), it.peer());
    ad.created_at = ad.created_at.saturating_sub(Millis::from_mins(30));
    ad.lifetime = Millis::from_mins(20);
    let expired = ad.envelope();
    it.start().await;
    for _ in 0..2 * BURST {
        it.gossip(Topic::Ads, expired.clone());
    }
    // A hundred a second, five times what is granted.
    let mut beat = interval(Duration::from_millis(10));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (peer, victims) = (it.peer(), it.attack.victims.clone());
    let book = &it.scene.town.book;
    let over_window = book.until(|ledger| {
        let refused = |victim| ledger.refused_for(victim, peer, Reason::Expired);
        victims.iter().all(|victim| refused(*victim) > BURST)
    });
    let mut end = it.scene.over.clone();
    let over = async {
        over_window.await;
        it.scene.underway.send_modify(|count| *count += 1);
        // The sender lives as long as the scene.
        let _ = end.wait_for(|over| *over).await;
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => return Ok(()),
            _ = beat.tick() => {
                it.host.gossip(Topic::Ads, expired.clone());
                it.attack.sent += 1;
            }
            () = it.host.step() => {}
        }
    }
}
