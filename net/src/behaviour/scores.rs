//! What gossipsub holds for or against a peer (policy §8). Each number has its reason in
//! `docs/network.md`.
//!
//! Gossipsub's own checks take NaN for a number and let combinations pass that empty an honest mesh
//! or keep a silent peer positive for ever; [`validate`] does not.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use libp2p::gossipsub::{PeerScoreParams, PeerScoreThresholds, TopicScoreParams};
use ltms_core::{Network, Reason, Standing, burn::Tier};
use serde::{Deserialize, Serialize};

use super::{SetupError, gossip::Topic};

/// The topic scores that a node can be told to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scores {
    /// [`QUIET`].
    #[default]
    Quiet,
    /// [`ANALYSIS`].
    Analysis,
}

impl Scores {
    /// The numbers for each topic.
    #[must_use]
    pub const fn topic(self) -> &'static TopicScoreParams {
        match self {
            Self::Quiet => &QUIET,
            Self::Analysis => &ANALYSIS,
        }
    }
}

/// Topic scores for topics that may be silent for hours, the default (policy §8).
///
/// Mesh deliveries and time in mesh are off: on a quiet topic the first empties the mesh, and the
/// second keeps a peer that never forwards positive for ever.
pub const QUIET: TopicScoreParams = TopicScoreParams {
    topic_weight: 1.0,
    time_in_mesh_weight: 0.0,
    time_in_mesh_quantum: Duration::from_secs(1),
    time_in_mesh_cap: 3600.0,
    first_message_deliveries_weight: 1.0,
    first_message_deliveries_decay: 0.5,
    first_message_deliveries_cap: 100.0,
    mesh_message_deliveries_weight: 0.0,
    mesh_message_deliveries_decay: 0.5,
    mesh_message_deliveries_cap: 100.0,
    mesh_message_deliveries_threshold: 5.0,
    mesh_message_deliveries_window: Duration::from_millis(10),
    mesh_message_deliveries_activation: Duration::from_secs(5),
    mesh_failure_penalty_weight: 0.0,
    mesh_failure_penalty_decay: 0.5,
    invalid_message_deliveries_weight: -100.0,
    invalid_message_deliveries_decay: 0.3,
};

/// The security analysis's topic scores, for busy topics only.
pub const ANALYSIS: TopicScoreParams = TopicScoreParams {
    time_in_mesh_weight: 0.01,
    mesh_message_deliveries_weight: -1.0,
    mesh_failure_penalty_weight: -1.0,
    ..QUIET
};

/// Lowest and highest application score (policy §8).
pub const APPLICATION: (i8, i8) = (-100, 5);
/// Most that minutes without a delivery take away (policy §8).
pub const SILENCE: u8 = 20;
/// With fewer peers in its mesh gossipsub looks for more.
pub const MESH_LOW: usize = 5;
/// The application score of a connection that is not read for a while: deep enough that nothing it
/// earned lifts it over the graylist threshold.
pub const THROTTLED: f64 = -10_000.0;

/// Scores of peers, with `topic` for each of our topics (policy §8).
#[must_use]
pub fn params(network: Network, topic: &TopicScoreParams) -> PeerScoreParams {
    let topics = Topic::ALL.map(|name| (name.on(network).hash(), topic.clone()));
    PeerScoreParams {
        topics: HashMap::from(topics),
        topic_score_cap: 3600.0,
        app_specific_weight: 1.0,
        // Our own address groups limit this; here fifteen nodes on one host would lose the mesh.
        ip_colocation_factor_weight: 0.0,
        ip_colocation_factor_threshold: 10.0,
        ip_colocation_factor_whitelist: HashSet::new(),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: 0.2,
        decay_interval: Duration::from_secs(1),
        decay_to_zero: 0.1,
        // Otherwise every fresh id that was ever connected is remembered for an hour.
        retain_score: Duration::ZERO,
        slow_peer_weight: -0.2,
        slow_peer_threshold: 0.0,
        slow_peer_decay: 0.2,
    }
}

/// Below which score a peer is no longer gossiped to, published to, listened to (policy §8).
#[must_use]
pub const fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -500.0,
        publish_threshold: -1000.0,
        graylist_threshold: -2500.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 1.0,
    }
}

/// Whether these topic scores can be used.
///
/// # Errors
/// [`SetupError`] says what does not fit together.
pub fn validate(topic: &TopicScoreParams) -> Result<(), SetupError> {
    let wrong = |problem: &str| Err(SetupError::new("gossipsub scores", problem));
    if !numbers(topic).into_iter().all(f64::is_finite) {
        return wrong("a number is not finite");
    }
    let all = params(Network::Main, topic);
    if let Err(problem) = all.validate().and_then(|()| thresholds().validate().map_err(Into::into))
    {
        return wrong(&problem);
    }
    let silent_pays = topic.mesh_message_deliveries_weight < 0.0;
    if topic.time_in_mesh_weight > 0.0 && !silent_pays {
        return wrong("time in mesh without mesh deliveries keeps a silent peer positive for ever");
    }
    if topic.mesh_failure_penalty_weight < 0.0 && !silent_pays {
        return wrong("a mesh failure penalty without mesh deliveries punishes quiet topics");
    }
    if THROTTLED + most(topic) >= thresholds().graylist_threshold {
        return wrong("a connection that is cut off can earn its way back");
    }
    Ok(())
}

/// The most that a peer can earn on all topics together.
fn most(topic: &TopicScoreParams) -> f64 {
    let first = topic.first_message_deliveries_cap * topic.first_message_deliveries_weight;
    let time = topic.time_in_mesh_cap * topic.time_in_mesh_weight;
    Topic::ALL.iter().map(|_| topic.topic_weight * (first + time)).sum()
}

const fn numbers(topic: &TopicScoreParams) -> [f64; 14] {
    [
        topic.topic_weight,
        topic.time_in_mesh_weight,
        topic.time_in_mesh_cap,
        topic.first_message_deliveries_weight,
        topic.first_message_deliveries_decay,
        topic.first_message_deliveries_cap,
        topic.mesh_message_deliveries_weight,
        topic.mesh_message_deliveries_decay,
        topic.mesh_message_deliveries_cap,
        topic.mesh_message_deliveries_threshold,
        topic.mesh_failure_penalty_weight,
        topic.mesh_failure_penalty_decay,
        topic.invalid_message_deliveries_weight,
        topic.invalid_message_deliveries_decay,
    ]
}

/// The application score of a connected peer: the worst of its tallies in hundredths of what
/// sanctions it, a point for each fault of others that it passed on, and its [silent
/// minutes](super::deliveries::Deliveries::silence); a proven identity that serves gives points by
/// its tier, and silence takes these at most (ADR 57).
#[must_use]
pub fn application(peer: &Standing, identity: Option<&Standing>, silence: u8) -> Worth {
    let share = |(count, most): (u8, u8)| 100 * i32::from(count) / i32::from(most.max(1));
    let tallies = [peer.violations, peer.invalid_signatures, peer.malformed];
    let worst = tallies.into_iter().map(share).max().unwrap_or_default();
    let serves = |standing: &&Standing| standing.decision.reason == Reason::Clear;
    let proven = match identity.filter(serves).and_then(|standing| standing.tier) {
        None => 0,
        Some(Tier::Basic) => 1,
        Some(Tier::Verified) => 3,
        Some(Tier::Institutional) => 5,
    };
    let mut silent = i32::from(silence.min(SILENCE));
    if proven > 0 {
        // It may have nothing to bring because this node brings it everything.
        silent = silent.min(proven);
    }
    let score = proven - worst - i32::from(peer.passed_on) - silent;
    let (lowest, highest) = APPLICATION;
    let score = i8::try_from(score.clamp(lowest.into(), highest.into())).unwrap_or(lowest);
    Worth { score, proven: proven > 0 }
}

/// What the Gate thinks of a connected peer, for gossipsub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// Its [application] score.
    pub score: i8,
    /// Whether it proved an identity that serves.
    pub proven: bool,
}

/// Leaves the mesh to peers that proved an identity and bring something, if these fill it: a
/// stranger's score is then less than zero, and it hears of messages and asks for them (ADR 57).
pub fn fill_mesh<P>(peers: &mut [(P, Worth)]) {
    let filling = peers.iter().filter(|(_, worth)| worth.proven && worth.score > 0).count();
    if filling < MESH_LOW {
        return;
    }
    for (_, worth) in peers.iter_mut().filter(|(_, worth)| !worth.proven) {
        worth.score = worth.score.min(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_presets_validate() {
        for scores in [Scores::Quiet, Scores::Analysis] {
            validate(scores.topic()).expect("consistent");
        }
        assert_eq!(Scores::default().topic().time_in_mesh_weight, 0.0);
    }

    #[test]
    fn what_does_not_fit_together_is_refused_and_named() {
        let refused = |topic: TopicScoreParams| validate(&topic).expect_err("refused").to_string();
        let wrong = refused(TopicScoreParams { first_message_deliveries_decay: 1.0, ..QUIET });
        assert!(wrong.contains("first_message_deliveries_decay"), "{wrong}");
        for number in [f64::NAN, f64::INFINITY] {
            let wrong = refused(TopicScoreParams { topic_weight: number, ..QUIET });
            assert!(wrong.contains("not finite"), "{wrong}");
        }
        let wrong = refused(TopicScoreParams { time_in_mesh_weight: 0.01, ..QUIET });
        assert!(wrong.contains("silent peer"), "{wrong}");
        let wrong = refused(TopicScoreParams { mesh_failure_penalty_weight: -1.0, ..QUIET });
        assert!(wrong.contains("quiet topics"), "{wrong}");
        let wrong = refused(TopicScoreParams { first_message_deliveries_cap: 2_500.0, ..QUIET });
        assert!(wrong.contains("earn its way back"), "{wrong}");
    }

    /// A peer's standing with this changed.
    fn standing(change: impl FnOnce(&mut Standing)) -> Standing {
        let mut standing = Standing::default();
        standing.decision = Reason::Clear.into();
        standing.violations = (0, 10);
        standing.invalid_signatures = (0, 10);
        standing.malformed = (0, 50);
        change(&mut standing);
        standing
    }

    #[test]
    fn the_application_score_follows_standing_identity_and_silence() {
        let alone = |silence, change: fn(&mut Standing)| {
            application(&standing(change), None, silence).score
        };
        assert_eq!(alone(0, |_| ()), 0);
        assert_eq!(alone(0, |peer| peer.malformed.0 = 1), -2);
        let worst = |peer: &mut Standing| {
            peer.violations.0 = 3;
            peer.invalid_signatures.0 = 1;
        };
        assert_eq!(
            application(&standing(worst), None, 0).score,
            -30,
            "the worst counts, not the sum"
        );
        assert_eq!(alone(0, |peer| peer.passed_on = 4), -4);
        assert_eq!(alone(9, |peer| peer.violations = (255, 1)), -100);
        assert_eq!(alone(7, |_| ()), -7);
        assert_eq!(alone(255, |_| ()), -20, "silence has an end");
        assert_eq!(application(&Standing::default(), None, 0).score, 0, "no row to divide by");

        let with = |tier, silence, reason: Reason| {
            let identity = standing(|identity| {
                identity.tier = Some(tier);
                identity.decision = reason.into();
            });
            application(&standing(|_| ()), Some(&identity), silence).score
        };
        assert_eq!(with(Tier::Basic, 0, Reason::Clear), 1);
        assert_eq!(with(Tier::Verified, 0, Reason::Clear), 3);
        assert_eq!(with(Tier::Institutional, 0, Reason::Clear), 5);
        assert_eq!(with(Tier::Institutional, 4, Reason::Clear), 1);
        assert_eq!(with(Tier::Basic, 9, Reason::Clear), 0, "a leaf has nothing to bring");
        assert_eq!(with(Tier::Basic, 9, Reason::Suspended), -9);
        assert_eq!(with(Tier::Verified, 0, Reason::IdentityBanned), 0);
        assert_eq!(with(Tier::Verified, 0, Reason::Suspended), 0);
    }

    #[test]
    fn strangers_leave_the_mesh_to_proven_peers_that_fill_it() {
        let worth = |score, proven| ((), Worth { score, proven });
        let stranger = |bringing: usize| {
            let leaf = worth(0, true);
            let mut peers = vec![worth(1, true); bringing];
            peers.extend([leaf, worth(0, false), worth(-7, false)]);
            fill_mesh(&mut peers);
            let rest: Vec<_> = peers[bringing..].iter().map(|(_, worth)| worth.score).collect();
            assert_eq!((rest[0], rest[2]), (0, -7), "a leaf stays, and nobody is raised");
            rest[1]
        };
        assert_eq!(stranger(MESH_LOW), -1);
        assert_eq!(stranger(MESH_LOW - 1), 0, "who is silent does not count");
    }
}
