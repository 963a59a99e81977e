//! The attacks: what they are called, what they do, and what has to hold.

use std::time::Duration;

use futures::future::{join, join_all};
use libp2p::{Multiaddr, identity::Keypair};
use ltms_core::Reason;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    bans,
    common::flood::{self, Flood, Flooded, Returns},
    floods::{self, Ammunition},
    honest::{self, Honest},
    outcome::Outcome,
    process::Victim,
    slow,
    victim::{Order, Rule, Rules, Seen, Setup},
};

/// How long, and whether times are looked at.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
    /// Of the attack, and as long without it before, so that its share is known.
    pub(crate) seconds: u32,
}

/// A flood of some connections.
#[derive(Clone, Copy)]
pub(crate) struct Flooding {
    what: fn(&Ammunition, &Keypair) -> Flood,
    connections: usize,
    returns: Returns,
    /// Attackers' keys that the windows let in, and how many more each minute.
    permitted: (usize, usize),
}

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Flood(Flooding),
    /// All streams of this many connections, at a byte a second.
    Slow(usize),
    Bans,
    Restart,
}

/// One attack.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    /// Seconds of it, if nobody says otherwise.
    pub(crate) seconds: u32,
    /// What ours refuses with.
    pub(crate) expected: &'static [Reason],
    /// What ours tells beside, each more than so much a second.
    pub(crate) told: &'static [(&'static str, f64)],
    /// A rule without which its line is missed, and a part of what is said then.
    pub(crate) needs: (Rule, &'static str),
}

/// Seconds in which connections were not read, of all of them, because of their share.
const REST: &str = "ltms_rest_seconds_total{cause=\"share\"}";
/// The event [`ltms_net::NodeEvent::GossipDropped`].
const DROPPED: &str = "dropped from gossip";
const BANS: &str = "ltms_peers_blocked_total";
const LATE: &str = "ltms_streams_timed_out_total";
const QUESTIONS: &str = "libp2p_kad_inbound_requests_total{request=\"FindNode\"}";

/// A flood of two connections, whose peers are fresh each time.
const FRESH: Flooding =
    Flooding { what: floods::spam, connections: 2, returns: Returns::Fresh, permitted: (0, 0) };

/// All of them, in the order of the report.
pub(crate) const ALL: &[Attack] = &[
    Attack {
        name: "advertisement spam",
        about: "valid advertisements of one identity with twenty keys and of strangers, as fast as \
                they are answered; who is banned comes back as a fresh peer",
        // Ten keys of the identity; two strangers of an address group, and one more a minute.
        kind: Kind::Flood(Flooding { permitted: (12, 1), ..FRESH }),
        seconds: 6,
        expected: &[Reason::TooSoon, Reason::KeyLimit, Reason::StrangerWindow],
        told: &[(BANS, 0.0)],
        needs: (Rule::Windows, "hostile keys"),
    },
    Attack {
        name: "oversize frames",
        about: "frames that are a byte too long, or announce twice as much as they may and stop",
        kind: Kind::Flood(Flooding { what: floods::oversize, ..FRESH }),
        seconds: 6,
        expected: &[Reason::Oversize],
        told: &[(BANS, 0.0)],
        needs: (Rule::Sanctions, BANS),
    },
    Attack {
        name: "nested and compressed frames",
        about: "frames that nest 100,000 arrays, are compressed or empty, and envelopes that are \
                too long",
        kind: Kind::Flood(Flooding { what: floods::malformed, ..FRESH }),
        seconds: 6,
        expected: &[Reason::Oversize, Reason::Malformed],
        told: &[(BANS, 0.0)],
        needs: (Rule::Sanctions, BANS),
    },
    Attack {
        name: "invalid signatures",
        about: "advertisements in the name of an honest identity whose signature does not hold; \
                its own is taken beside them",
        kind: Kind::Flood(Flooding { what: floods::forged, ..FRESH }),
        seconds: 6,
        expected: &[Reason::InvalidSignature],
        told: &[(BANS, 0.0)],
        needs: (Rule::Sanctions, BANS),
    },
    Attack {
        name: "gossip flood",
        about: "signed messages with an advertisement that has ended, sixteen in each RPC",
        kind: Kind::Flood(Flooding { what: floods::gossip, returns: Returns::Same, ..FRESH }),
        seconds: 6,
        expected: &[Reason::Expired],
        // Each of the two has a tenth of its time.
        told: &[(REST, 0.5)],
        needs: (Rule::Share, REST),
    },
    Attack {
        name: "IHAVE and IWANT flood",
        about: "messages that nobody has are offered and asked for, ninety in each RPC",
        kind: Kind::Flood(Flooding { what: floods::control, returns: Returns::Same, ..FRESH }),
        seconds: 6,
        // With which a disconnection counts.
        expected: &[Reason::Malformed],
        told: &[(DROPPED, 0.0)],
        needs: (Rule::Gossip, DROPPED),
    },
    Attack {
        name: "DHT questions",
        about: "questions for the nearest peers, as fast as they are answered",
        kind: Kind::Flood(Flooding { what: floods::questions, returns: Returns::Same, ..FRESH }),
        // Long enough for the first seconds not to count.
        seconds: 15,
        expected: &[],
        told: &[(REST, 0.5), (QUESTIONS, 0.0)],
        needs: (Rule::Share, REST),
    },
    Attack {
        name: "slow streams",
        about: "all inbound connections that honest signers leave, 124, with 32 streams each, on \
                every one a byte a second; somebody else comes while all places are taken",
        kind: Kind::Slow(124),
        // A frame has ten.
        seconds: 15,
        expected: &[],
        told: &[(LATE, 0.0)],
        needs: (Rule::Deadline, LATE),
    },
    Attack {
        name: "ban and reconnect",
        about: "fifty messages that are none, then the same peer three times more, and all of it \
                again as a fresh peer of the same address",
        kind: Kind::Bans,
        seconds: 6,
        expected: &[Reason::Malformed, Reason::Blacklisted],
        told: &[(BANS, 0.0)],
        needs: (Rule::Sanctions, "not banned"),
    },
    Attack {
        name: "restart",
        about: "the node is killed without a word, and started again on its store",
        kind: Kind::Restart,
        seconds: 6,
        expected: &[Reason::Blacklisted, Reason::IdentityBanned],
        told: &[],
        needs: (Rule::Store, "not banned"),
    },
];

impl Attack {
    /// Whether there is anything of it to be seen with these rules.
    pub(crate) const fn is_for(&self, rules: Rules) -> bool {
        matches!((rules, self.kind), (Rules::Ours, _) | (_, Kind::Flood(_) | Kind::Slow(_)))
    }

    /// One run.
    pub(crate) async fn run(&self, rules: Rules, scale: Scale, without: Option<Rule>) -> Outcome {
        let folder = tempfile::tempdir().expect("a folder");
        let setup = Setup {
            rules,
            // Two phases, one whose name is taken, and the attacker's.
            identities: 2 * honest::identities(scale.seconds) + 2,
            folder: folder.path().to_owned(),
            again: false,
            quick: scale.quick,
            without,
        };
        match self.kind {
            Kind::Restart => bans::restart(setup, scale).await,
            Kind::Bans => {
                self.bench(setup, scale, async |field| bans::offend(field, scale).await).await
            }
            Kind::Slow(slots) => {
                let slots = if scale.quick { slots / 8 } else { slots };
                self.bench(setup, scale, async |field| slow::run(field, slots).await).await
            }
            Kind::Flood(flooding) => {
                self.bench(setup, scale, async |field| flooding.run(field, scale).await).await
            }
        }
    }

    /// Honest signers alone, then beside the attack; the node is looked at from outside and asked what
    /// it sees.
    async fn bench(
        &self,
        setup: Setup,
        scale: Scale,
        attack: impl AsyncFn(Field) -> Done,
    ) -> Outcome {
        let mut outcome = Outcome { seconds: scale.seconds, ..Outcome::default() };
        let mut victim = Victim::start(&setup).await;
        let process = victim.process();
        let mut honest = Honest::join(&victim.address).await;
        let share = |used: f64, since: Instant| {
            100.0 * (process.processor() - used) / since.elapsed().as_secs_f64()
        };
        if !scale.quick {
            let (used, since) = (process.processor(), Instant::now());
            let (sent, answers) = honest.advertise(scale.seconds, None).await;
            outcome.share[0] = share(used, since);
            if answers.reasons.get("new") != Some(&sent) {
                outcome.wrong.push(format!("beside no attack: {}", answers.by_reason()));
            }
        }
        let before = victim.asked(Order::Look).await;
        let told = victim.told().await;
        let mib = || process.resident() as f64 / 1024.0;
        outcome.memory = [mib(); 2];
        let (used, since) = (process.processor(), Instant::now());
        let field = Field {
            address: victim.address.clone(),
            end: since + Duration::from_secs(scale.seconds.into()),
            own: setup.identities - 1,
            named: setup.identities - 2,
        };
        let watched = async {
            let mut pace = interval(Duration::from_millis(250));
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pace.tick().await;
                outcome.memory[1] = outcome.memory[1].max(mib());
            }
        };
        let both = join(honest.advertise(scale.seconds, Some(field.named)), attack(field));
        let ((sent, answers), done) = tokio::select! {
            () = watched => unreachable!(),
            both = both => both,
        };
        outcome.share[1] = share(used, since);
        outcome.answered(sent, answers);
        let after = victim.asked(Order::Look).await;
        outcome.saw(&before, &after, &honest, setup.identities - 1);
        outcome.did(&after, done);
        let now = victim.told().await;
        for (name, _) in self.told {
            if let Some(value) = now.get(*name) {
                outcome.figures.insert(name, value - told.get(*name).copied().unwrap_or_default());
            }
        }
        victim.kill().await;
        outcome
    }
}

/// Where an attack takes place.
pub(crate) struct Field {
    pub(crate) address: Multiaddr,
    pub(crate) end: Instant,
    /// The attacker's identity, and the one whose name it takes.
    pub(crate) own: u32,
    pub(crate) named: u32,
}

/// What it did.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) flooded: Flooded,
    pub(crate) permitted: usize,
    pub(crate) figures: Vec<(&'static str, f64)>,
    pub(crate) wrong: Vec<String>,
    /// Peers that have to be banned.
    pub(crate) banned: Vec<String>,
}

impl Flooding {
    async fn run(self, field: Field, scale: Scale) -> Done {
        let ammunition = Ammunition::new(field.own, field.named);
        let floods = (0..self.connections).map(|_| {
            let make = |key: &Keypair| (self.what)(&ammunition, key);
            // Handshakes are not what is measured here.
            let pause = Duration::from_millis(250);
            flood::run(make, &field.address, field.end, pause, self.returns)
        });
        let mut done = Done::default();
        for flooded in join_all(floods).await {
            done.flooded.messages += flooded.messages;
            done.flooded.connections += flooded.connections;
        }
        let minutes = usize::try_from(scale.seconds.div_ceil(60)).unwrap_or(usize::MAX);
        done.permitted = self.permitted.0 + self.permitted.1 * minutes;
        done
    }
}

impl Outcome {
    /// Takes in what the node said of itself; the attacker's identity has this number.
    fn saw(&mut self, before: &Seen, after: &Seen, honest: &Honest, own: u32) {
        for (reason, count) in &after.decisions {
            let more = count - before.decisions.get(reason).copied().unwrap_or_default();
            if more > 0 {
                self.decisions.insert(reason.clone(), more);
            }
        }
        self.hostile = after.listed[1];
        self.banned = after.bans.len();
        let peers = honest.peers().filter(|peer| after.bans.contains_key(peer)).count();
        let identities = after.identities_banned.iter().filter(|number| **number != own).count();
        self.honest_banned = peers + identities;
        if after.dropped > 0 {
            self.figures.insert(DROPPED, after.dropped as f64);
        }
    }

    fn did(&mut self, after: &Seen, done: Done) {
        (self.messages, self.connections) = (done.flooded.messages, done.flooded.connections);
        self.permitted = done.permitted;
        self.figures.extend(done.figures);
        self.wrong.extend(done.wrong);
        let free = done.banned.iter().filter(|peer| !after.bans.contains_key(*peer)).count();
        if free > 0 {
            self.wrong.push(format!("{free} of {} are not banned", done.banned.len()));
        }
    }
}
