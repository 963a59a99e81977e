//! What attackers try, and what the policy grants them.

mod floods;
mod lies;

use std::ops::RangeInclusive;

use libp2p::PeerId;
use ltms_core::{IdentityId, PublicKey, Reason};
use ltms_net::behaviour::gossip::Topic;
use tokio::{
    sync::{Barrier, watch},
    time::{Instant, timeout_at},
};

use super::{
    Failure,
    chain::{Burn, Burns},
    honest::Town,
    host::{Answer, Host},
    ledger::Ledger,
};

/// Rejections that gossipsub forgives at once; with a few more it stops listening by itself
/// (policy §8). Attackers who want to be heard send the rest directly.
const REJECTIONS: u64 = 4;

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

    /// The number of the recorded burn that the attacker uses; honest nodes have the lowest.
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

impl Attack {
    /// One of which nothing is accepted and for which nobody is banned.
    pub(super) const fn new(kind: Kind, peer: PeerId, victims: Vec<usize>) -> Self {
        Self {
            kind,
            peer,
            victims,
            sent: 0,
            keys: Vec::new(),
            ids: Vec::new(),
            allowed: 0..=0,
            per_minute: 0,
            refused: Vec::new(),
            sanction: None,
            cut_off: 0,
            failure: None,
        }
    }
}

/// Where the attacks take place.
pub(super) struct Scene<'a> {
    pub(super) town: &'a Town,
    pub(super) burns: &'a Burns,
    /// Where all attackers, and the honest signers, wait for each other.
    pub(super) start: Barrier,
    /// Attacks that have begun.
    pub(super) underway: watch::Sender<usize>,
    /// Turns true when the honest signers have advertised and are found.
    pub(super) over: watch::Receiver<bool>,
    pub(super) deadline: Instant,
}

/// Carries out an attack until it is over or the deadline has come.
pub(super) async fn carry_out(kind: Kind, host: Host, scene: &Scene<'_>) -> Attack {
    let victims = host.victims.iter().map(|victim| victim.node).collect();
    let attack = Attack::new(kind, host.peer_id(), victims);
    let mut attacker = Attacker { host, attack, scene };
    let carried_out = async {
        let it = &mut attacker;
        it.host.connect().await?;
        match kind {
            Kind::Spam => floods::spam(it).await,
            Kind::Keys => floods::keys(it).await,
            Kind::Signatures => lies::signatures(it).await,
            Kind::Oversize => floods::oversize(it).await,
            Kind::Replay => lies::replay(it).await,
            Kind::Impersonation => lies::impersonation(it).await,
            Kind::Burns => lies::burns(it).await,
            Kind::Strangers => floods::strangers(it).await,
            Kind::Censor => floods::censor(it).await,
        }
    };
    let failure = match timeout_at(scene.deadline, carried_out).await {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(_) => Some("it did not come to an end".to_owned()),
    };
    let Attacker { host, mut attack, .. } = attacker;
    attack.failure = failure;
    attack.cut_off = scene.town.book.read(|ledger| {
        attack.victims.iter().filter(|node| ledger.is_cut_off(**node, attack.peer)).count()
    });
    host.stop().await;
    attack
}

/// An attack while it is carried out.
struct Attacker<'a> {
    host: Host,
    attack: Attack,
    scene: &'a Scene<'a>,
}

impl<'a> Attacker<'a> {
    /// The recorded burn that the attacker uses.
    fn burn(&self) -> &'a Burn {
        &self.scene.burns.recorded[self.attack.kind.burn()]
    }

    fn peer(&self) -> PeerId {
        self.attack.peer
    }

    /// Registers the attacker's burn at every victim.
    async fn enlist(&mut self) -> Result<(), Failure> {
        let answers = self.host.push_each(self.burn().claim()?).await;
        let registered =
            |answer: &Answer| answer.is(Reason::New) || answer.is(Reason::AlreadyKnown);
        if answers.iter().all(registered) { Ok(()) } else { Err("no identity was got".into()) }
    }

    /// Publishes to all victims.
    fn gossip(&mut self, topic: Topic, bytes: Vec<u8>) {
        self.host.gossip(topic, bytes);
        self.attack.sent += 1;
    }

    /// Pushes each victim an envelope.
    async fn push(&mut self, envelope: Vec<u8>) {
        self.host.push_each(envelope).await;
        self.attack.sent += 1;
    }

    /// Waits until every attacker is prepared.
    async fn start(&mut self) {
        self.host.during(self.scene.start.wait()).await;
    }

    /// Says that the attack has begun: what it forges from now on may meet the true thing.
    fn strike(&self) {
        self.scene.underway.send_modify(|count| *count += 1);
    }

    /// Waits until this holds for every victim.
    async fn until(&mut self, mut holds: impl FnMut(&Ledger, usize) -> bool) {
        let victims = &self.attack.victims;
        let all = self
            .scene
            .town
            .book
            .until(|ledger| victims.iter().all(|victim| holds(ledger, *victim)));
        self.host.during(all).await;
    }

    /// Waits until every victim has refused as many messages as it has to.
    async fn until_refused(&mut self) {
        let (peer, expected) = (self.peer(), self.attack.refused.clone());
        self.until(|ledger, victim| {
            let enough = |(reason, range): &(Reason, RangeInclusive<u64>)| {
                ledger.refused_for(victim, peer, *reason) >= *range.start()
            };
            expected.iter().all(enough)
        })
        .await;
    }

    /// Waits until every victim has banned and disconnected the attacker, and lets it in no more.
    async fn until_cut_off(&mut self) -> Result<(), Failure> {
        let peer = self.peer();
        self.until(|ledger, victim| ledger.is_cut_off(victim, peer)).await;
        self.host.return_in_vain().await
    }
}
