//! Signing sessions of three nodes, and what becomes of their reputations.

use ltms_core::{
    IdentityId, Millis, PublicKey, Reason, SessionId, Subject,
    schnorr::SecretKey,
    session::{Cause, Phase},
};
use ltms_net::{EndedSession, Handle, Node, NodeError, NodeEvent, SessionState};

use crate::world::{Watch, builder, burn, chain, connect, event, key, register, until};

const NONCE: Phase = Phase::Nonce;
const PARTIAL: Phase = Phase::PartialSignature;

/// Three nodes with an identity each, two of them connected to the first, and a clock for all.
pub(crate) struct Trio {
    pub(crate) nodes: Vec<Node>,
    pub(crate) at: [Handle; 3],
    pub(crate) ids: [IdentityId; 3],
    pub(crate) watch: Watch,
}

/// The session key of a node.
pub(crate) fn signer(number: usize) -> SecretKey {
    key(&format!("signer {number}"))
}

pub(crate) fn public(number: usize) -> PublicKey {
    signer(number).public_key()
}

impl Trio {
    pub(crate) async fn new() -> Self {
        let (chain, watch) = (chain(), Watch::default());
        let mut nodes = Vec::new();
        for n in 0..3 {
            let (secret, _, id) = burn(&chain, n);
            let made = builder(&chain).clock(watch.clock()).identity(id, secret);
            nodes.push(made.start().await.expect("a node"));
        }
        let at = [0, 1, 2].map(|n: usize| nodes[n].handle());
        let ids = [0, 1, 2].map(|n| burn(&chain, n).2);
        for handle in &at {
            for n in 0..3 {
                register(handle, &chain, n).await;
            }
        }
        let trio = Self { nodes, at, ids, watch };
        for n in [1, 2] {
            trio.meet(n).await;
        }
        trio
    }

    /// Connects a node to the first; both know each other's identity then.
    pub(crate) async fn meet(&self, n: usize) {
        connect(&self.at[n], &self.at[0]).await;
        for (one, other) in [(0, n), (n, 0)] {
            let (handle, peer) = (&self.at[one], self.at[other].peer_id());
            until(handle, "proved", async || {
                handle.standing_of(&peer).await.expect("answer").identity.is_some()
            })
            .await;
        }
    }

    /// What `at` has of the score of `of`.
    pub(crate) async fn score(&self, at: usize, of: usize) -> u8 {
        let standing = self.at[at].standing(Subject::Identity(self.ids[of])).await;
        standing.expect("answer").score
    }

    /// The first announces to these.
    pub(crate) async fn announce(&self, to: &[usize]) -> SessionId {
        let others: Vec<_> = to.iter().map(|n| (public(*n), self.at[*n].peer_id())).collect();
        let id = self.at[0].announce_session(&signer(0), &others, [7; 32]).await;
        let id = id.expect("announced");
        for n in to {
            self.reach(*n, &id, Phase::Join).await;
        }
        id
    }

    /// Waits until the session is in this phase at `n`.
    pub(crate) async fn reach(&self, n: usize, id: &SessionId, phase: Phase) {
        let handle = &self.at[n];
        until(handle, &format!("{phase:?} at {n}"), async || {
            matches!(
                handle.session(*id).await.expect("answer"),
                Some(SessionState::Open(open)) if open.phase == phase
            )
        })
        .await;
    }

    /// Waits until it is over there.
    pub(crate) async fn ended(&self, n: usize, id: &SessionId) -> EndedSession {
        let (handle, found) = (&self.at[n], std::cell::Cell::new(None));
        until(handle, &format!("the end at {n}"), async || {
            match handle.session(*id).await.expect("answer") {
                Some(SessionState::Ended(ended)) => {
                    found.set(Some(ended));
                    true
                }
                _ => false,
            }
        })
        .await;
        found.get().expect("found")
    }

    /// All have joined, and acknowledged the phase of nonces.
    pub(crate) async fn begun(&self, with: &[usize]) -> SessionId {
        let id = self.announce(with).await;
        for n in with {
            self.at[*n].join_session(id, &signer(*n)).await.expect("joined");
        }
        self.acknowledged(&id, with.len()).await;
        id
    }

    pub(crate) async fn acknowledged(&self, id: &SessionId, count: usize) {
        until(&self.at[0], "acknowledged", async || {
            matches!(
                self.at[0].session(*id).await.expect("answer"),
                Some(SessionState::Open(open)) if open.acknowledged.len() >= count
            )
        })
        .await;
    }

    pub(crate) async fn contribute(
        &self,
        n: usize,
        id: SessionId,
        phase: Phase,
    ) -> Result<(), NodeError> {
        self.at[n].contribute(id, &signer(n), phase, vec![phase.code(), n as u8]).await
    }

    pub(crate) async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

pub(crate) fn refused(result: Result<(), NodeError>) -> Reason {
    match result {
        Err(NodeError::Refused(decision)) => decision.reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_completes_raises_the_scores_of_whom_each_node_met() {
    let trio = Trio::new().await;
    let id = trio.begun(&[1, 2]).await;
    for phase in [NONCE, PARTIAL] {
        for n in 0..3 {
            trio.reach(n, &id, phase).await;
            trio.contribute(n, id, phase).await.expect("taken");
        }
    }
    for n in 0..3 {
        trio.reach(n, &id, Phase::Finish).await;
        let mut order: Vec<_> =
            (0..3).map(|n| (public(n), vec![PARTIAL.code(), n as u8])).collect();
        order.sort();
        let all = trio.at[n].contributions(id, PARTIAL).await.expect("answer");
        assert_eq!(all, Some(order.into_iter().map(|(_, data)| data).collect()));
        trio.at[n].complete_session(id).await.expect("completed");
        assert_eq!(trio.ended(n, &id).await.cause, Cause::Completed);
    }
    let mut scores = Vec::new();
    for at in 0..3 {
        for of in 0..3 {
            scores.push(trio.score(at, of).await);
        }
    }
    // By row, what each node has of the others: only the announcer met both.
    assert_eq!(scores, [50, 80, 80, 80, 50, 50, 80, 50, 50]);
    assert_eq!(trio.at[0].session_history(9).await.expect("answer").len(), 1);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lets_a_phase_run_out_pays_where_it_acknowledged_it() {
    let trio = Trio::new().await;
    let id = trio.begun(&[1, 2]).await;
    trio.contribute(1, id, NONCE).await.expect("taken");
    trio.watch.forward(Millis::from_secs(60));
    let ended = trio.ended(0, &id).await;
    assert_eq!((ended.cause, ended.signer), (Cause::Timeout, Some(public(2))));
    assert_eq!([trio.score(0, 1).await, trio.score(0, 2).await], [50, 45]);
    // The others are told, and move nobody's score by a word.
    assert_eq!(trio.ended(1, &id).await.signer, Some(public(2)));
    assert_eq!([trio.score(1, 0).await, trio.score(1, 2).await], [50, 50]);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_disconnects_in_a_phase_that_it_acknowledged_pays() {
    let mut trio = Trio::new().await;
    let id = trio.begun(&[1, 2]).await;
    trio.nodes.pop().expect("the third").stop().await;
    let ended = trio.ended(0, &id).await;
    assert_eq!((ended.cause, ended.signer), (Cause::Disconnect, Some(public(2))));
    assert_eq!([trio.score(0, 1).await, trio.score(0, 2).await], [50, 40]);
    assert_eq!(trio.ended(1, &id).await.cause, Cause::Disconnect);
    assert_eq!(trio.score(1, 0).await, 50);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aborter_alone_pays_and_its_slots_stay_taken() {
    let trio = Trio::new().await;
    for _ in 0..2 {
        let id = trio.begun(&[1, 2]).await;
        trio.at[2].abort_session(id).await.expect("aborted");
        let ended = trio.ended(0, &id).await;
        assert_eq!((ended.cause, ended.identity), (Cause::Abort, Some(trio.ids[2])));
        trio.ended(1, &id).await;
        trio.watch.forward(Millis::from_secs(1));
    }
    assert_eq!([trio.score(0, 1).await, trio.score(0, 2).await], [50, 44]);
    let id = trio.announce(&[1, 2]).await;
    assert_eq!(refused(trio.at[2].join_session(id, &signer(2)).await), Reason::SessionLimit);
    assert_eq!(trio.ended(2, &id).await.cause, Cause::Abort, "for us it is over");
    trio.at[1].join_session(id, &signer(1)).await.expect("its slots are its own");
    // The announcer's own abort is counted by its signers.
    trio.at[0].abort_session(id).await.expect("aborted");
    trio.ended(1, &id).await;
    assert_eq!(trio.score(1, 0).await, 47);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_contribution_costs_the_signer_whose_it_is() {
    let trio = Trio::new().await;
    let id = trio.begun(&[1, 2]).await;
    assert_eq!(
        refused(trio.at[0].refuse_contribution(id, public(1)).await),
        Reason::WrongPhase,
        "nothing is there"
    );
    trio.contribute(1, id, NONCE).await.expect("taken");
    trio.at[0].refuse_contribution(id, public(1)).await.expect("refused");
    assert_eq!([trio.score(0, 1).await, trio.score(0, 2).await], [30, 50]);
    assert_eq!(trio.ended(2, &id).await.cause, Cause::InvalidSignature);
    assert_eq!(trio.score(2, 1).await, 50);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_session_of_an_identity_is_refused() {
    let trio = Trio::new().await;
    let (mut events, to) = (trio.at[1].subscribe(), [(public(0), trio.at[0].peer_id())]);
    for n in 0..3 {
        trio.at[1].announce_session(&signer(1), &to, [n; 32]).await.expect("announced");
    }
    event(&mut events, "refused", |event| {
        matches!(event, NodeEvent::SessionRefused { code, .. } if *code == Reason::SessionLimit.code())
    })
    .await;
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_told_what_its_own_node_refuses() {
    let trio = Trio::new().await;
    let id = trio.announce(&[1]).await;
    let at = &trio.at;
    assert_eq!(refused(at[2].join_session(id, &signer(2)).await), Reason::UnknownSession);
    assert_eq!(refused(at[1].join_session(id, &signer(2)).await), Reason::NotASigner);
    assert_eq!(refused(trio.contribute(1, id, NONCE).await), Reason::NotASigner, "not joined");
    at[1].join_session(id, &signer(1)).await.expect("joined");
    assert_eq!(refused(at[1].join_session(id, &signer(1)).await), Reason::AlreadyKnown);
    trio.reach(1, &id, NONCE).await;
    assert_eq!(refused(trio.contribute(1, id, PARTIAL).await), Reason::WrongPhase);
    assert_eq!(refused(at[1].complete_session(id).await), Reason::WrongPhase);
    for data in [vec![], vec![0; 4_097]] {
        let given = at[1].contribute(id, &signer(1), NONCE, data).await;
        assert!(matches!(given, Err(NodeError::TooLarge)));
    }
    trio.contribute(1, id, NONCE).await.expect("taken");
    trio.contribute(1, id, NONCE).await.expect("the same again is told again");
    let others =
        |count: usize| -> Vec<_> { (1..=count).map(|n| (public(n), at[1].peer_id())).collect() };
    assert!(matches!(
        at[0].announce_session(&signer(0), &others(15), [1; 32]).await,
        Err(NodeError::TooLarge)
    ));
    at[0].announce_session(&signer(0), &others(14), [1; 32]).await.expect("fifteen signers");
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_and_what_aborts_hold_outlive_the_node() {
    let (chain, folder) = (chain(), tempfile::tempdir().expect("a folder"));
    let start = || builder(&chain).data_dir(folder.path()).start();
    let other = builder(&chain).start().await.expect("a node");
    let (mut node, b) = (start().await.expect("a node"), other.handle());
    let mut last = None;
    for _ in 0..2 {
        let a = node.handle();
        // A stranger; all of them have one slot.
        connect(&b, &a).await;
        let to = [(public(1), b.peer_id())];
        let id = a.announce_session(&signer(0), &to, [1; 32]).await.expect("announced");
        until(&b, "announced", async || b.session(id).await.expect("answer").is_some()).await;
        let joined = b.join_session(id, &signer(1)).await;
        match last {
            None => {
                joined.expect("joined");
                b.abort_session(id).await.expect("aborted");
                until(&a, "ended", async || {
                    matches!(a.session(id).await.expect("answer"), Some(SessionState::Ended(_)))
                })
                .await;
                last = Some(id);
            }
            Some(last) => {
                assert_eq!(refused(joined), Reason::SessionLimit);
                let history = a.session_history(9).await.expect("answer");
                assert_eq!((history[0].id, history[0].cause), (last, Cause::Abort));
            }
        }
        node.stop().await;
        node = start().await.expect("a node");
        until(&b, "gone", async || b.peers().await.expect("answer").is_empty()).await;
    }
    node.stop().await;
    other.stop().await;
}
