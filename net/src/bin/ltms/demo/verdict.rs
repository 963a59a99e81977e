//! What became of an attack, beside what the policy promises.

use std::{collections::BTreeMap, ops::RangeInclusive};

use ltms_core::Reason;

use super::{Failure, attacks::Attack, honest::Town};

/// What a node had to do with an attacker.
pub(super) struct Seen {
    pub(super) node: usize,
    /// Advertisements and identities of the attacker.
    pub(super) accepted: u64,
    /// Messages that the attacker's peer handed over, by reason name.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// How the peer stands.
    pub(super) standing: Reason,
}

impl Seen {
    /// Asks every node.
    pub(super) async fn by_all(town: &Town, attack: &Attack) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for (node, handle) in town.handles.iter().enumerate() {
            let standing = handle.standing_of(&attack.peer).await?.decision.reason;
            all.push(town.book.read(|ledger| {
                let keys = attack.keys.iter().map(|key| ledger.accepted(node, key));
                let ids = attack.ids.iter().filter(|id| ledger.is_registered(node, id)).count();
                let accepted = keys.sum::<u64>() + ids as u64;
                Self { node, accepted, refused: ledger.refused(node, attack.peer), standing }
            }));
        }
        Ok(all)
    }

    /// Whether the attacker connected to the node.
    pub(super) fn is_victim(&self, attack: &Attack) -> bool {
        attack.victims.contains(&self.node)
    }
}

/// The promises that were broken, in words, after so many whole minutes.
pub(super) fn judge(attack: &Attack, seen: &[Seen], minutes: u64) -> Vec<String> {
    let name = attack.kind.name();
    let mut broken: Vec<_> =
        attack.failure.iter().map(|failure| format!("{name}: {failure}")).collect();
    let most = attack.allowed.end() + attack.per_minute * minutes;
    for Seen { node, accepted, refused, standing } in seen {
        let mut wrong = |what: String| broken.push(format!("{name}: node {node} {what}"));
        if !attack.victims.contains(node) {
            if *accepted > most {
                wrong(format!("accepted {accepted}, not at most {most}"));
            }
            continue;
        }
        let allowed = *attack.allowed.start()..=most;
        if !allowed.contains(accepted) {
            wrong(format!("accepted {accepted}, not {}", text(&allowed)));
        }
        for (reason, range) in &attack.refused {
            let count = refused.get(reason.as_str()).copied().unwrap_or(0);
            if !range.contains(&count) {
                wrong(format!("refused {count} as {reason}, not {}", text(range)));
            }
        }
        let wanted = attack.sanction.unwrap_or(Reason::Clear);
        if *standing != wanted {
            wrong(format!("has the peer as {standing}, not {wanted}"));
        }
    }
    let (cut_off, victims) = (attack.cut_off, attack.victims.len());
    if attack.sanction.is_some() && cut_off < victims {
        broken.push(format!("{name}: {cut_off} of {victims} nodes have disconnected the peer"));
    }
    broken
}

fn text(range: &RangeInclusive<u64>) -> String {
    match (range.start(), range.end()) {
        (least, &u64::MAX) => format!("{least} or more"),
        (least, most) if least == most => format!("{most}"),
        (least, most) => format!("{least} to {most}"),
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;
    use crate::demo::attacks::Kind;

    /// Nodes 1 and 2 were attacked, node 0 was not.
    fn attack() -> Attack {
        Attack {
            allowed: 1..=2,
            per_minute: 1,
            refused: vec![(Reason::TooSoon, 10..=u64::MAX), (Reason::Future, 3..=3)],
            sanction: Some(Reason::Graylisted),
            cut_off: 2,
            ..Attack::new(Kind::Spam, PeerId::random(), vec![1, 2])
        }
    }

    fn seen(node: usize, accepted: u64, counts: [u64; 2], standing: Reason) -> Seen {
        let refused = [("too-soon", counts[0]), ("future", counts[1])].into();
        Seen { node, accepted, refused, standing }
    }

    /// What is said about these beside a node that did everything right.
    fn said(changed: Seen) -> Vec<String> {
        let right = seen(2, 2, [10, 3], Reason::Graylisted);
        judge(&attack(), &[seen(0, 0, [0, 0], Reason::Clear), changed, right], 0)
    }

    #[test]
    fn what_is_promised_is_not_held_against_anybody() {
        assert!(said(seen(1, 1, [500, 3], Reason::Graylisted)).is_empty());
        assert!(said(seen(0, 2, [0, 0], Reason::Clear)).is_empty(), "heard of it from others");
    }

    #[test]
    fn every_broken_promise_is_named() {
        let is = |changed, expected: &str| assert_eq!(said(changed), [expected]);
        let (ban, clear) = (Reason::Graylisted, Reason::Clear);
        is(seen(1, 0, [10, 3], ban), "spam: node 1 accepted 0, not 1 to 2");
        is(seen(1, 3, [10, 3], ban), "spam: node 1 accepted 3, not 1 to 2");
        is(seen(0, 3, [0, 0], clear), "spam: node 0 accepted 3, not at most 2");
        is(seen(1, 1, [9, 3], ban), "spam: node 1 refused 9 as too-soon, not 10 or more");
        is(seen(1, 1, [10, 4], ban), "spam: node 1 refused 4 as future, not 3");
        is(seen(1, 1, [10, 3], clear), "spam: node 1 has the peer as clear, not graylisted");
        let mut silent = seen(1, 1, [10, 3], ban);
        silent.refused.clear();
        assert_eq!(said(silent).len(), 2);
    }

    #[test]
    fn minutes_allow_more_and_a_failed_attack_proves_nothing() {
        let three = || [seen(1, 3, [10, 3], Reason::Graylisted)];
        assert_eq!(judge(&attack(), &three(), 1), [""; 0]);
        assert_eq!(judge(&attack(), &three(), 0).len(), 1);
        let failed = Attack { cut_off: 1, failure: Some("no".to_owned()), ..attack() };
        let expected = ["spam: no", "spam: 1 of 2 nodes have disconnected the peer"];
        assert_eq!(judge(&failed, &three(), 1), expected);
    }

    #[test]
    fn who_is_not_to_be_banned_must_stand_clear() {
        let lawful = Attack { sanction: None, cut_off: 0, ..attack() };
        let banned = [seen(1, 1, [10, 3], Reason::Graylisted)];
        let expected = ["spam: node 1 has the peer as graylisted, not clear"];
        assert_eq!(judge(&lawful, &banned, 0), expected);
    }
}
