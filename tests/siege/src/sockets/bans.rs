//! What becomes of who is banned, and of everything when the node is killed.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, request_response, swarm::SwarmEvent};
use ltms_core::Reason;
use ltms_net::{
    behaviour::{
        Event,
        streams::{MAX_STREAMS, Request},
    },
    clock::Clock,
};
use tokio::time::{Instant, timeout};

use super::{
    attacks::{Done, Field, Scale},
    common::{
        Node,
        pushes::{answer, join},
        roomy_node,
        signers::Owner,
    },
    honest::Honest,
    outcome::Outcome,
    process::Victim,
    victim::{Order, Rule, Seen, Setup},
};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a banned peer comes back.
const RETURNS: usize = 3;
/// Malformed messages of one peer that ban it (policy §4).
const FAULTS: u32 = 50;
/// From a node's start to its first answer to somebody who comes then, at most.
const FIRST: Duration = Duration::from_secs(1);
/// Seconds of a processor that it takes until then, at most.
const START: f64 = 0.2;

/// Pushes what is no envelope until the node hangs up. Returns how often it was answered, and how
/// long after the last answer that was; not for ever.
async fn offend_once(node: &mut Node, to: &PeerId) -> (u32, Duration) {
    for _ in 0..MAX_STREAMS / 2 {
        node.behaviour_mut().ask(to, Request::Push(vec![0xff; 100]));
    }
    let (mut answers, mut last) = (0, Instant::now());
    let ended = async {
        loop {
            match node.select_next_some().await {
                SwarmEvent::ConnectionClosed { .. } => return (answers, last.elapsed()),
                event => {
                    if let Some((_, Some(_))) = answer(event) {
                        (answers, last) = (answers + 1, Instant::now());
                        if answers > 2 * FAULTS {
                            return (answers, Duration::ZERO);
                        }
                        node.behaviour_mut().ask(to, Request::Push(vec![0xff; 100]));
                    }
                }
            }
        }
    };
    timeout(PATIENCE, ended).await.expect("disconnected")
}

/// Dials and asks for something. Whether that was answered.
pub(crate) async fn come_back(node: &mut Node, address: &Multiaddr) -> bool {
    node.dial(address.clone()).expect("dialled");
    let tried = async {
        loop {
            match node.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    node.behaviour_mut().ask(&peer_id, Request::Challenge);
                }
                SwarmEvent::ConnectionClosed { .. }
                | SwarmEvent::OutgoingConnectionError { .. } => {
                    return false;
                }
                SwarmEvent::Behaviour(Event::Direct(event)) => {
                    if let request_response::Event::Message { message, .. } = *event
                        && matches!(message, request_response::Message::Response { .. })
                    {
                        return true;
                    }
                }
                _ => {}
            }
        }
    };
    // Whom nobody answers is refused as well as whom the node hangs up on, and slower.
    timeout(PATIENCE, tried).await.unwrap_or(false)
}

/// What a peer that nobody has seen is answered to an advertisement.
async fn told(address: &Multiaddr, envelope: Vec<u8>) -> Option<u8> {
    let (mut node, to) = join(address).await;
    node.behaviour_mut().ask(&to, Request::Push(envelope));
    let told = async {
        loop {
            if let Some((_, code)) = answer(node.select_next_some().await) {
                return code;
            }
        }
    };
    timeout(PATIENCE, told).await.expect("answered")
}

/// Peers that are banned one after the other, each of which then comes back in vain.
pub(crate) async fn offend(field: Field, scale: Scale) -> Done {
    let mut done = Done::default();
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    let most = if scale.quick { 5 } else { usize::MAX };
    while Instant::now() < field.end && done.banned.len() < most {
        let (mut node, to) = join(&field.address).await;
        let (answers, after) = offend_once(&mut node, &to).await;
        slowest = slowest.max(after);
        if answers > FAULTS {
            done.wrong.push(format!("{answers} were answered before the ban"));
        }
        for _ in 0..RETURNS {
            answered += usize::from(come_back(&mut node, &field.address).await);
        }
        done.banned.push(node.local_peer_id().to_string());
        done.flooded.messages += usize::try_from(answers).unwrap_or(usize::MAX);
        done.flooded.connections += 1 + RETURNS;
    }
    if answered > 0 {
        done.wrong.push(format!("{answered} banned peers were answered"));
    }
    done.figures =
        vec![("ms from the last answer to the disconnection", slowest.as_secs_f64() * 1e3)];
    done
}

/// Kills a node and starts it again: bans, identities, signers and reputation are there, and
/// honest signers are served at once and for the same price.
pub(crate) async fn restart(setup: Setup, scale: Scale) -> Outcome {
    let mut outcome = Outcome { seconds: scale.seconds, ..Outcome::default() };
    let mut victim = Victim::start(&setup).await;
    let mut honest = Honest::join(&victim.address).await;
    outcome.share[0] = outcome.serve(&victim, &mut honest, scale).await;
    let (mut offender, to) = join(&victim.address).await;
    offend_once(&mut offender, &to).await;
    let before = victim.asked(Order::Mark).await;
    outcome.memory[0] = victim.mib();
    victim.kill().await;

    let empty = tempfile::tempdir().expect("a folder");
    let mut again = Setup { again: true, ..setup.clone() };
    if setup.without == Some(Rule::Store) {
        again.folder = empty.path().to_owned();
    }
    let mut victim = Victim::start(&again).await;
    let listening = victim.since.elapsed();
    if !come_back(&mut roomy_node(), &victim.address).await {
        outcome.wrong.push("nobody was answered after the restart".to_owned());
    }
    let (answered, cost) = (victim.since.elapsed(), victim.used());
    let after = victim.asked(Order::Look).await;
    let mut honest = honest.back(&victim.address).await;
    outcome.share[1] = outcome.serve(&victim, &mut honest, scale).await;
    outcome.memory[1] = victim.mib();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    outcome.figures.insert("ms until it listens again", ms(listening));
    outcome.figures.insert("ms until it answers", ms(answered));
    outcome.figures.insert("ms of a processor until then", cost * 1e3);
    if !scale.quick && (answered > FIRST || cost > START) {
        outcome.wrong.push(format!("{answered:.1?} until it answers, {cost:.2} s of a processor"));
    }

    let kept = |seen: &Seen| Seen { decisions: Default::default(), ..seen.clone() };
    if kept(&before) != kept(&after) {
        outcome.wrong.push(format!("before {:?}, after {:?}", kept(&before), kept(&after)));
    }
    let banned = offender.local_peer_id().to_string();
    if !after.bans.contains_key(&banned) || after.identities_banned != [setup.identities - 1] {
        outcome.wrong.push(format!("not banned: {:?}", kept(&after)));
    }
    if after.score >= 50 || after.identities != u64::from(setup.identities) {
        outcome.wrong.push(format!("score {}, {} identities", after.score, after.identities));
    }
    if come_back(&mut offender, &victim.address).await {
        outcome.wrong.push("who was banned is answered after the restart".to_owned());
    }
    let own = Owner::new(setup.identities - 1).advertise(Clock::system().now());
    let reason = told(&victim.address, own).await;
    if reason != Some(Reason::IdentityBanned.code()) {
        outcome.wrong.push(format!("the banned identity was answered with {reason:?}"));
    }
    outcome.banned = after.bans.len();
    outcome.decisions = victim.asked(Order::Look).await.decisions;
    victim.kill().await;
    outcome
}

impl Outcome {
    /// Has honest signers advertise for a while. Returns the percentage of a core that it took.
    async fn serve(&mut self, victim: &Victim, honest: &mut Honest, scale: Scale) -> f64 {
        let (used, since) = (victim.used(), Instant::now());
        let (sent, answers) = honest.advertise(scale.seconds, None).await;
        let share = 100.0 * (victim.used() - used) / since.elapsed().as_secs_f64();
        self.answered(sent, answers);
        share
    }
}
