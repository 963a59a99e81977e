//! What is not true, not new, or not one's own.

use ltms_core::{Millis, Reason, wire::AdHeader};
use ltms_net::behaviour::{
    gossip::Topic,
    streams::{Request, Response},
};

use super::{Attacker, REJECTIONS};
use crate::demo::{
    Failure,
    chain::{NETWORK, key},
    forge::Ad,
    honest::{Signer, When},
    host::Answer,
};

/// Twenty advertisements whose signatures do not hold.
pub(super) async fn signatures(it: &mut Attacker<'_>) -> Result<(), Failure> {
    let (burn, wrong) = (it.burn(), key("demo: another key"));
    it.attack.keys = vec![burn.key.public_key()];
    it.attack.refused = vec![(Reason::InvalidSignature, REJECTIONS..=REJECTIONS)];
    it.attack.sanction = Some(Reason::Blacklisted);
    it.enlist().await?;
    let forged = |number: u64, peer| {
        let ad = Ad::new(&wrong, Some(burn.authority()), peer).noted(number);
        Ad { author: burn.key.public_key(), ..ad }.envelope()
    };
    it.start().await;
    for number in 0..REJECTIONS {
        it.gossip(Topic::Ads, forged(number, it.peer()));
    }
    it.until_refused().await;
    it.strike();
    it.attack.refused = vec![(Reason::InvalidSignature, 10..=10)];
    for number in REJECTIONS..20 {
        it.push(forged(number, it.peer())).await;
    }
    it.until_cut_off().await
}

/// Advertisements of others once more, and own ones of the past and the future.
pub(super) async fn replay(it: &mut Attacker<'_>) -> Result<(), Failure> {
    const EACH: usize = 15;
    let burn = it.burn();
    it.attack.keys = vec![burn.key.public_key()];
    it.enlist().await?;
    let captured = capture(it).await;
    if captured.is_empty() {
        return Err("nothing was captured".into());
    }
    it.start().await;
    for ad in captured.iter().cycle().take(EACH) {
        it.gossip(Topic::Ads, ad.clone());
    }
    for number in 0..EACH {
        let ad = Ad::new(&burn.key, Some(burn.authority()), it.peer()).noted(number);
        let (now, age) = (ad.created_at, Millis::from_mins(30));
        let past = Ad { created_at: now.saturating_sub(age), ..ad.clone() };
        let expired = Ad { lifetime: Millis::from_mins(20), ..past };
        it.gossip(Topic::Ads, expired.envelope());
        let future = Ad { created_at: now.saturating_add(age), ..ad };
        it.gossip(Topic::Ads, future.envelope());
    }
    it.strike();
    // What a node got otherwise than by gossip it takes once more, for others' sake.
    let (each, taken) = (EACH as u64, captured.len().min(EACH) as u64);
    it.attack.refused = vec![
        (Reason::AlreadyKnown, each - taken..=each),
        (Reason::Expired, each..=each),
        (Reason::Future, each..=each),
    ];
    it.until_refused().await;
    Ok(())
}

/// The advertisements of early honest signers that the victims know.
async fn capture(it: &mut Attacker<'_>) -> Vec<Vec<u8>> {
    let signers = &it.scene.town.signers;
    let honest = |ad: &Vec<u8>| {
        AdHeader::read(NETWORK, ad).is_ok_and(|header| {
            let before = |signer: &&Signer| signer.when == When::Before;
            signers.iter().filter(before).any(|signer| signer.public() == header.author)
        })
    };
    let mut captured = Vec::new();
    for answer in it.host.ask_each(&Request::Directory { after: None }).await {
        if let Answer::Said(Response::Directory { ads, .. }) = answer {
            captured.extend(ads.into_iter().filter(honest));
        }
    }
    captured.sort();
    captured.dedup();
    captured
}

/// Advertisements in the name of others, who have not advertised yet.
pub(super) async fn impersonation(it: &mut Attacker<'_>) -> Result<(), Failure> {
    const EACH: usize = 5;
    let (scene, own, peer) = (it.scene, key("demo: impersonator"), it.peer());
    it.attack.keys = vec![own.public_key()];
    let others = || scene.town.signers.iter().filter(|signer| signer.when == When::Amid);
    // Everybody may pass a claim on, and forging is of use only where the other is known.
    for other in others() {
        it.host.push_each(scene.burns.recorded[other.node].claim()?).await;
    }
    let (mut forged, mut claimed) = (Vec::new(), Vec::new());
    for (number, other) in others().cycle().take(EACH).enumerate() {
        let ad = Ad::new(&own, Some(other.authority), peer).noted(number);
        // By the other's own key, as it says; without leave; with leave that another gave.
        forged.push(Ad { author: other.public(), ..ad.clone() }.envelope());
        claimed.push(ad.envelope());
        let mut leave = scene.burns.poor.delegate(&own);
        leave.identity = other.authority.identity;
        claimed.push(Ad { authority: Some(leave), ..ad }.envelope());
    }
    it.start().await;
    let direct = forged.split_off(REJECTIONS as usize);
    for ad in forged {
        it.gossip(Topic::Ads, ad);
    }
    for ad in direct {
        it.push(ad).await;
    }
    let (once, twice) = (EACH as u64, 2 * EACH as u64);
    it.attack.refused = vec![(Reason::InvalidSignature, once..=once)];
    it.until_refused().await;
    it.strike();
    for ad in claimed {
        it.push(ad).await;
    }
    it.attack.refused.push((Reason::NotDelegated, twice..=twice));
    it.until_refused().await;
    Ok(())
}

/// Claims of a burn that is too small and of one of somebody else's.
pub(super) async fn burns(it: &mut Attacker<'_>) -> Result<(), Failure> {
    let (poor, other) = (&it.scene.burns.poor, it.burn());
    it.attack.ids = vec![poor.id, other.id];
    it.attack.refused = vec![(Reason::BurnTooSmall, 2..=2), (Reason::InvalidSignature, 2..=2)];
    it.start().await;
    it.strike();
    for claim in [poor.claim()?, other.stolen(&poor.key)?] {
        it.push(claim.clone()).await;
        it.gossip(Topic::Claims, claim);
    }
    it.until_refused().await;
    Ok(())
}
