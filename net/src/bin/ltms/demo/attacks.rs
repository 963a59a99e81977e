//! What attackers try, and what the policy grants them.

use std::{ops::RangeInclusive, time::Duration};

use libp2p::PeerId;
use ltms_core::{IdentityId, Millis, PublicKey, Reason, schnorr::SecretKey, wire::AdHeader};
use ltms_net::behaviour::{
    gossip::Topic,
    streams::{Request, Response},
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use super::{
    Failure,
    chain::{Burns, NETWORK, key},
    forge::{self, Ad},
    honest::{Signer, Town},
    host::{Answer, Host},
    ledger::Book,
};

/// At least as many rejections a second and gossipsub stops listening by itself (policy §8), so
/// that attackers who want to be heard stay below and send the rest directly.
const REJECTIONS: u64 = 4;
/// Messages that a connection may send at once (policy §3).
const BURST: u64 = 60;

/// The kinds of attack, each a host of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Spam,
    Keys,
    Signatures,
    Oversize,
    Replay,
    Impersonation,
    Burns,
    Strangers,
    Censor,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Spam,
        Self::Keys,
        Self::Signatures,
        Self::Oversize,
        Self::Replay,
        Self::Impersonation,
        Self::Burns,
        Self::Strangers,
        Self::Censor,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Keys => "key flood",
            Self::Signatures => "invalid signatures",
            Self::Oversize => "oversize",
            Self::Replay => "replay",
            Self::Impersonation => "impersonation",
            Self::Burns => "false burns",
            Self::Strangers => "strangers",
            Self::Censor => "censorship",
        }
    }

    /// The number of the recorded burn that the attacker owns; honest nodes have the lowest.
    const fn burn(self) -> usize {
        match self {
            Self::Spam => 19,
            Self::Keys => 18,
            Self::Signatures => 17,
            Self::Replay => 16,
            Self::Censor => 15,
            // Only the thief's: nobody has registered it.
            _ => 14,
        }
    }
}

/// What was sent, and what has to become of it.
pub(super) struct Attack {
    pub(super) kind: Kind,
    pub(super) peer: PeerId,
    /// The numbers of the attacked nodes.
    pub(super) victims: Vec<usize>,
    /// Messages for each victim.
    pub(super) sent: u64,
    /// Keys and identities that count as accepted.
    pub(super) keys: Vec<PublicKey>,
    pub(super) ids: Vec<IdentityId>,
    /// What each victim accepts, and how much more with each minute.
    pub(super) allowed: RangeInclusive<u64>,
    pub(super) per_minute: u64,
    /// What each victim refuses.
    pub(super) refused: Vec<(Reason, RangeInclusive<u64>)>,
    /// What each victim does about the peer.
    pub(super) sanction: Option<Reason>,
    /// How many victims have banned and disconnected the peer.
    pub(super) cut_off: usize,
    /// What went wrong with the attack itself.
    pub(super) failure: Option<String>,
}

/// Where the attacks take place.
pub(super) struct Scene<'a> {
    pub(super) town: &'a Town,
    pub(super) burns: &'a Burns,
    /// Attacks that are in full swing.
    pub(super) underway: watch::Sender<usize>,
    /// Turns true when honest signers are found.
    pub(super) over: watch::Receiver<bool>,
    pub(super) deadline: Instant,
}

impl Scene<'_> {
    fn book(&self) -> &Book {
        &self.town.book
    }

    fn strike(&self) {
        self.underway.send_modify(|count| *count += 1);
    }
}

/// Carries out an attack until it is over or the deadline has come.
pub(super) async fn carry_out(kind: Kind, mut host: Host, scene: &Scene<'_>) -> Attack {
    let mut attack = Attack {
        kind,
        peer: host.peer_id(),
        victims: host.victims.iter().map(|victim| victim.node).collect(),
        sent: 0,
        keys: Vec::new(),
        ids: Vec::new(),
        allowed: 0..=0,
        per_minute: 0,
        refused: Vec::new(),
        sanction: None,
        cut_off: 0,
        failure: None,
    };
    let carried_out = async {
        host.connect().await?;
        match kind {
            Kind::Spam => spam(&mut host, &mut attack, scene).await,
            Kind::Keys => keys(&mut host, &mut attack, scene).await,
            Kind::Signatures => signatures(&mut host, &mut attack, scene).await,
            Kind::Oversize => oversize(&mut host, &mut attack, scene).await,
            Kind::Replay => replay(&mut host, &mut attack, scene).await,
            Kind::Impersonation => impersonation(&mut host, &mut attack, scene).await,
            Kind::Burns => burns(&mut host, &mut attack, scene).await,
            Kind::Strangers => strangers(&mut host, &mut attack, scene).await,
            Kind::Censor => censor(&mut host, &mut attack, scene).await,
        }
    };
    match timeout_at(scene.deadline, carried_out).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => attack.failure = Some(error.to_string()),
        Err(_) => attack.failure = Some("it did not come to an end".to_owned()),
    }
    attack.cut_off = scene.book().read(|ledger| {
        attack.victims.iter().filter(|node| ledger.is_cut_off(**node, attack.peer)).count()
    });
    host.stop().await;
    attack
}

/// Registers the attacker's burn at every victim.
async fn enlist(host: &mut Host, kind: Kind, scene: &Scene<'_>) -> Result<(), Failure> {
    let claim = scene.burns.recorded[kind.burn()].claim()?;
    let answers = host.push_each(claim).await;
    let registered = |answer: &Answer| answer.is(Reason::New) || answer.is(Reason::AlreadyKnown);
    if answers.iter().all(registered) { Ok(()) } else { Err("no identity was got".into()) }
}

/// Waits until every victim has refused as many of the attacker's messages for this reason.
async fn refused(host: &mut Host, scene: &Scene<'_>, reason: Reason, count: u64) {
    let (peer, victims) = (host.peer_id(), host.victims.clone());
    let refused = scene.book().until(|ledger| {
        victims.iter().all(|victim| ledger.refused_for(victim.node, peer, reason) >= count)
    });
    host.during(refused).await;
}

/// Waits until every victim has banned and disconnected the attacker.
async fn cut_off(host: &mut Host, scene: &Scene<'_>) {
    let (peer, victims) = (host.peer_id(), host.victims.clone());
    let cut_off = scene
        .book()
        .until(|ledger| victims.iter().all(|victim| ledger.is_cut_off(victim.node, peer)));
    host.during(cut_off).await;
}

/// A thousand advertisements of one signer, all signed and all different.
async fn spam(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    let burn = &scene.burns.recorded[attack.kind.burn()];
    attack.keys = vec![burn.key.public_key()];
    (attack.allowed, attack.per_minute) = (1..=1, 1);
    attack.sanction = Some(Reason::Graylisted);
    attack.refused = vec![(Reason::TooSoon, 10..=999)];
    enlist(host, attack.kind, scene).await?;
    let first = forge::now().saturating_sub(Millis::from_secs(1));
    for number in 0..1_000 {
        let mut ad = Ad::new(&burn.key, Some(burn.authority()), host.peer_id()).noted(number);
        ad.created_at = first.saturating_add(Millis::new(number));
        host.gossip(Topic::Ads, ad.envelope());
        attack.sent += 1;
    }
    scene.strike();
    cut_off(host, scene).await;
    Ok(())
}

/// Fifty delegated keys of one identity, within all windows of the connection.
async fn keys(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    const ALLOWED: usize = 10;
    let burn = &scene.burns.recorded[attack.kind.burn()];
    let keys: Vec<_> = (0..50).map(|number| key(&format!("demo: flood {number}"))).collect();
    attack.keys = keys.iter().map(SecretKey::public_key).collect();
    attack.allowed = 10..=10;
    attack.refused = vec![(Reason::KeyLimit, 40..=40)];
    enlist(host, attack.kind, scene).await?;
    let (within, above) = keys.split_at(ALLOWED);
    for key in within {
        host.gossip(Topic::Ads, Ad::new(key, Some(burn.delegate(key)), host.peer_id()).envelope());
        attack.sent += 1;
    }
    let victims = host.victims.clone();
    let accepted = scene.book().until(|ledger| {
        let has = |node, key: &SecretKey| ledger.accepted(node, &key.public_key()) > 0;
        victims.iter().all(|victim| within.iter().all(|key| has(victim.node, key)))
    });
    host.during(accepted).await;
    for key in above {
        host.gossip(Topic::Ads, Ad::new(key, Some(burn.delegate(key)), host.peer_id()).envelope());
        attack.sent += 1;
    }
    scene.strike();
    refused(host, scene, Reason::KeyLimit, 40).await;
    Ok(())
}

/// Twenty advertisements whose signatures do not hold.
async fn signatures(
    host: &mut Host,
    attack: &mut Attack,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    let burn = &scene.burns.recorded[attack.kind.burn()];
    attack.keys = vec![burn.key.public_key()];
    attack.sanction = Some(Reason::Blacklisted);
    attack.refused = vec![(Reason::InvalidSignature, 10..=10)];
    enlist(host, attack.kind, scene).await?;
    let wrong = key("demo: another key");
    let forged = |number: u64, peer| {
        let mut ad = Ad::new(&wrong, Some(burn.authority()), peer).noted(number);
        ad.author = burn.key.public_key();
        ad.envelope()
    };
    let peer = host.peer_id();
    for number in 0..REJECTIONS {
        host.gossip(Topic::Ads, forged(number, peer));
    }
    refused(host, scene, Reason::InvalidSignature, REJECTIONS).await;
    scene.strike();
    for number in REJECTIONS..20 {
        host.push_each(forged(number, peer)).await;
    }
    attack.sent = 20;
    cut_off(host, scene).await;
    Ok(())
}

/// Messages that are larger than anybody may send.
async fn oversize(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    const LARGE: usize = 200_000;
    attack.sanction = Some(Reason::Blacklisted);
    attack.refused = vec![(Reason::Oversize, 50..=50)];
    for number in 0..REJECTIONS {
        host.gossip(Topic::Ads, vec![number as u8; 10_001]);
    }
    refused(host, scene, Reason::Oversize, REJECTIONS).await;
    scene.strike();
    // Gossipsub ends the stream at this one, and tells nobody.
    host.gossip(Topic::Ads, vec![0; LARGE]);
    let frame = |_: &_| [&(LARGE as u32).to_be_bytes()[..], &vec![0; LARGE]].concat();
    for _ in 0..55 {
        let answers = host.send_each(frame).await;
        if answers.iter().any(|answer| matches!(answer, Answer::Said(_))) {
            return Err("an oversize frame was answered".into());
        }
    }
    attack.sent = REJECTIONS + 1 + 55;
    cut_off(host, scene).await;
    Ok(())
}

/// Advertisements of others once more, and own ones of the past and the future.
async fn replay(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    const EACH: u64 = 15;
    let burn = &scene.burns.recorded[attack.kind.burn()];
    attack.keys = vec![burn.key.public_key()];
    enlist(host, attack.kind, scene).await?;
    let mut captured = Vec::new();
    let honest = |ad: &Vec<u8>| {
        AdHeader::read(NETWORK, ad).is_ok_and(|header| {
            scene.town.signers.iter().any(|signer| signer.early && signer.public() == header.author)
        })
    };
    for answer in host.ask_each(&Request::Directory { after: None }).await {
        if let Answer::Said(Response::Directory { ads, .. }) = answer {
            captured.extend(ads.into_iter().filter(honest));
        }
    }
    captured.sort();
    captured.dedup();
    if captured.is_empty() {
        return Err("nothing was captured".into());
    }
    let distinct = captured.len().min(EACH as usize) as u64;
    for ad in captured.iter().cycle().take(EACH as usize) {
        host.gossip(Topic::Ads, ad.clone());
    }
    for number in 0..EACH {
        let ad = Ad::new(&burn.key, Some(burn.authority()), host.peer_id()).noted(number);
        let (now, age) = (ad.created_at, Millis::from_mins(30));
        let (past, future) = (now.saturating_sub(age), now.saturating_add(age));
        let old = Ad { created_at: past, lifetime: Millis::from_mins(20), ..ad.clone() };
        host.gossip(Topic::Ads, old.envelope());
        host.gossip(Topic::Ads, Ad { created_at: future, ..ad }.envelope());
    }
    attack.sent = 3 * EACH;
    scene.strike();
    // A message that a node got otherwise, not by gossip, it takes once more for others' sake.
    attack.refused = vec![
        (Reason::AlreadyKnown, EACH - distinct..=EACH),
        (Reason::Expired, EACH..=EACH),
        (Reason::Future, EACH..=EACH),
    ];
    for (reason, range) in attack.refused.clone() {
        refused(host, scene, reason, *range.start()).await;
    }
    Ok(())
}

/// Advertisements in the name of others.
async fn impersonation(
    host: &mut Host,
    attack: &mut Attack,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    const EACH: usize = 5;
    let late: Vec<&Signer> = scene
        .town
        .signers
        .iter()
        .filter(|signer| !signer.early && signer.authority.delegation.is_none())
        .collect();
    // Everybody may pass a claim on; forging helps only where the victim is known.
    for signer in &late {
        host.push_each(scene.burns.recorded[signer.node].claim()?).await;
    }
    let own = key("demo: impersonator");
    let peer = host.peer_id();
    attack.keys = vec![own.public_key()];
    let names = || late.iter().cycle().take(EACH).enumerate();
    let mut envelopes = Vec::new();
    for (number, victim) in names() {
        // Under the victim's identity, without leave and with leave that it did not give.
        let ad = Ad::new(&own, Some(victim.authority), peer).noted(number);
        envelopes.push(ad.envelope());
        let mut forged = scene.burns.poor.delegate(&own);
        forged.identity = victim.authority.identity;
        envelopes.push(Ad { authority: Some(forged), ..ad }.envelope());
    }
    for (number, victim) in names() {
        // By the victim's own key, as it says.
        let mut ad = Ad::new(&own, Some(victim.authority), peer).noted(number);
        ad.author = victim.public();
        envelopes.push(ad.envelope());
    }
    attack.sent = envelopes.len() as u64;
    let direct = envelopes.split_off(REJECTIONS as usize);
    for envelope in envelopes {
        host.gossip(Topic::Ads, envelope);
    }
    for envelope in direct {
        host.push_each(envelope).await;
    }
    let (each, twice) = (EACH as u64, 2 * EACH as u64);
    attack.refused =
        vec![(Reason::NotDelegated, twice..=twice), (Reason::InvalidSignature, each..=each)];
    refused(host, scene, Reason::NotDelegated, twice).await;
    scene.strike();
    Ok(())
}

/// Claims of a burn that is too small and of one of somebody else's.
async fn burns(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    let (poor, other) = (&scene.burns.poor, &scene.burns.recorded[attack.kind.burn()]);
    attack.ids = vec![poor.id, other.id];
    let claims = [poor.claim()?, other.stolen(&poor.key)?];
    for claim in claims {
        host.push_each(claim.clone()).await;
        host.gossip(Topic::Claims, claim);
        attack.sent += 2;
    }
    attack.refused = vec![(Reason::BurnTooSmall, 2..=2), (Reason::InvalidSignature, 2..=2)];
    scene.strike();
    for (reason, _) in attack.refused.clone() {
        refused(host, scene, reason, 2).await;
    }
    Ok(())
}

/// Fresh keys without an identity.
async fn strangers(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    const KEYS: u64 = 30;
    (attack.allowed, attack.per_minute) = (2..=2, 1);
    for number in 0..KEYS {
        let key = key(&format!("demo: stranger {number}"));
        attack.keys.push(key.public_key());
        host.push_each(Ad::new(&key, None, host.peer_id()).envelope()).await;
        attack.sent += 1;
    }
    attack.refused = vec![(Reason::StrangerWindow, KEYS - 3..=KEYS - 2)];
    scene.strike();
    refused(host, scene, Reason::StrangerWindow, KEYS - 3).await;
    Ok(())
}

/// Is the first to deliver what others publish, while its connection is far over its window: who
/// refuses it for that, and not before deduplication, loses what it delivered.
async fn censor(host: &mut Host, attack: &mut Attack, scene: &Scene<'_>) -> Result<(), Failure> {
    let burn = &scene.burns.recorded[attack.kind.burn()];
    attack.keys = vec![burn.key.public_key()];
    attack.refused = vec![(Reason::Expired, BURST + 1..=u64::MAX)];
    enlist(host, attack.kind, scene).await?;
    let mut ad = Ad::new(&burn.key, Some(burn.authority()), host.peer_id());
    ad.created_at = ad.created_at.saturating_sub(Millis::from_mins(30));
    ad.lifetime = Millis::from_mins(20);
    let old = ad.envelope();
    for _ in 0..2 * BURST {
        host.gossip(Topic::Ads, old.clone());
        attack.sent += 1;
    }
    refused(host, scene, Reason::Expired, BURST + 1).await;
    scene.strike();
    // A hundred a second, five times what is granted.
    let mut beat = interval(Duration::from_millis(10));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut over = scene.over.clone();
    let over = over.wait_for(|over| *over);
    tokio::pin!(over);
    loop {
        tokio::select! {
            _ = &mut over => return Ok(()),
            _ = beat.tick() => {
                host.gossip(Topic::Ads, old.clone());
                attack.sent += 1;
            }
            () = host.step() => {}
        }
    }
}
