//! Steps of signing sessions from a peer that sends what it likes.

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, Swarm, request_response, swarm::SwarmEvent};
use ltms_core::{
    Network, Reason, SessionId, Signature,
    session::{Cause, End, Phase},
    wire::{SessionAnnouncement, contribution_hash, join_hash, session_hash, session_id},
};
use ltms_net::{
    Handle, SessionState,
    behaviour::{
        session::{self, Contribution, Request, Response, Signing},
        streams::{Codec, TIMEOUT},
    },
    core_peer,
};
use tokio::time::timeout;

use crate::{
    common::{executor, swarm},
    sessions::{Trio, public, signer},
    world::PATIENCE,
};

const NONCE: Phase = Phase::Nonce;
const GARBAGE: Signature = Signature::from_bytes([3; 64]);

/// A peer that is only this protocol.
struct Raw(Swarm<Signing>);

impl Raw {
    async fn connected(to: &Handle) -> Self {
        let mut raw = swarm(executor(), |_| session::behaviour(Codec::default(), TIMEOUT));
        let address: Multiaddr = to.addresses()[0].clone();
        raw.dial(address).expect("dialled");
        let connected = async {
            while !matches!(raw.select_next_some().await, SwarmEvent::ConnectionEstablished { .. })
            {
            }
        };
        timeout(PATIENCE, connected).await.expect("connected");
        Self(raw)
    }

    fn peer(&self) -> PeerId {
        *self.0.local_peer_id()
    }

    /// The reason that a step is answered with.
    async fn step(&mut self, to: &Handle, request: Request) -> Reason {
        self.0.behaviour_mut().send_request(&to.peer_id(), Ok(request));
        let answered = async {
            loop {
                if let SwarmEvent::Behaviour(request_response::Event::Message {
                    message: request_response::Message::Response { response, .. },
                    ..
                }) = self.0.select_next_some().await
                {
                    return response.code;
                }
            }
        };
        let code = timeout(PATIENCE, answered).await.expect("answered");
        Reason::ALL.iter().copied().find(|reason| reason.code() == code).expect("a reason")
    }

    /// What comes of something while every step of others is fine with it.
    async fn agreeing<T>(&mut self, to: impl Future<Output = T>) -> T {
        tokio::pin!(to);
        let agreed = async {
            loop {
                let event = tokio::select! {
                    done = &mut to => return done,
                    event = self.0.select_next_some() => event,
                };
                if let SwarmEvent::Behaviour(request_response::Event::Message {
                    message: request_response::Message::Request { channel, .. },
                    ..
                }) = event
                {
                    let clear = Response { code: Reason::Clear.code(), retry_at: None };
                    self.0.behaviour_mut().send_response(channel, clear).expect("a stream");
                }
            }
        };
        timeout(PATIENCE, agreed).await.expect("in time")
    }

    fn join(&self, session: SessionId, signer: u8, n: usize) -> Request {
        let hash = join_hash(Network::Reg, &session, &public(n), &core_peer(&self.peer()));
        let signature = crate::sessions::signer(n).sign(&hash);
        Request::Join { session, signer, signature }
    }
}

fn contribution(session: &SessionId, phase: Phase, n: usize) -> Contribution {
    let data = vec![n as u8; 4];
    let hash = contribution_hash(Network::Reg, session, phase, &data);
    let signature = signer(n).sign(&hash);
    Contribution { data, signature }
}

/// Which signer of the first `count` the key of `n` is.
fn place(n: usize, count: usize) -> u8 {
    let mut keys: Vec<_> = (0..count).map(public).collect();
    keys.sort();
    u8::try_from(keys.iter().position(|key| *key == public(n)).expect("named")).expect("small")
}

/// The body of an announcement by signer 1.
fn announcement(trio: &Trio, count: usize, peer: PeerId, digest: u8) -> Vec<u8> {
    let mut signers: Vec<_> = (0..count).map(public).collect();
    signers.sort();
    let announcement = SessionAnnouncement {
        signers: signers.into_iter().collect(),
        announcer: place(1, count),
        peer: core_peer(&peer),
        created_at: trio.watch.clock().now(),
        digest: [digest; 32],
    };
    let mut out = vec![0; 2_000];
    let len = announcement.encode(&mut out).expect("room");
    out.truncate(len);
    out
}

fn signed(body: &[u8]) -> Request {
    let signature = signer(1).sign(&session_hash(Network::Reg, body));
    Request::Announce { body: body.to_vec(), signature }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outsider_is_refused_whatever_it_says() {
    let trio = Trio::new().await;
    let a = &trio.at[0];
    let id = trio.announce(&[1]).await;
    let mut raw = Raw::connected(a).await;
    let (own, other) = (place(0, 2), place(1, 2));
    let join = |signer, signature| Request::Join { session: id, signer, signature };
    assert_eq!(raw.step(a, join(2, GARBAGE)).await, Reason::NotASigner);
    assert_eq!(raw.step(a, join(own, GARBAGE)).await, Reason::NotASigner);
    assert_eq!(raw.step(a, join(other, GARBAGE)).await, Reason::InvalidSignature);
    // Its own key is none of those named, whatever place it takes.
    let by_own_key = raw.join(id, other, 2);
    assert_eq!(raw.step(a, by_own_key).await, Reason::InvalidSignature);
    let unknown = raw.join(SessionId::from_bytes([9; 16]), other, 1);
    assert_eq!(raw.step(a, unknown).await, Reason::UnknownSession);
    trio.at[1].join_session(id, &signer(1)).await.expect("nobody has taken its place");
    // A join that is good is not good twice, and not from another connection.
    let again = raw.join(id, other, 1);
    assert_eq!(raw.step(a, again).await, Reason::AlreadyKnown);
    trio.acknowledged(&id, 1).await;
    let speaks = Request::Contribute {
        session: id,
        signer: other,
        phase: NONCE,
        contribution: contribution(&id, NONCE, 1),
    };
    assert_eq!(raw.step(a, speaks).await, Reason::NotASigner);
    let end = End { cause: Cause::Abort, signer: Some(other) };
    assert_eq!(raw.step(a, Request::Abort { session: id, end }).await, Reason::NotASigner);
    let begin = Request::Begin { session: id, phase: NONCE, contributions: vec![] };
    assert_eq!(raw.step(a, begin).await, Reason::NotASigner);
    let paid = a.standing_of(&raw.peer()).await.expect("answer").invalid_signatures;
    assert_eq!(paid.0, 2, "its connection pays for forged signatures");
    assert_eq!([trio.score(0, 1).await, trio.score(0, 2).await], [50, 50]);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_out_of_turn_and_twice_are_refused() {
    let trio = Trio::new().await;
    let a = &trio.at[0];
    let mut raw = Raw::connected(a).await;
    let others = [(public(1), raw.peer())];
    let id = a.announce_session(&signer(0), &others, [7; 32]).await.expect("announced");
    let mine = place(1, 2);
    let contribute = |phase, contribution| Request::Contribute {
        session: id,
        signer: mine,
        phase,
        contribution,
    };
    let early = contribute(NONCE, contribution(&id, NONCE, 1));
    assert_eq!(raw.step(a, early.clone()).await, Reason::NotASigner, "it has not joined");
    let join = raw.join(id, mine, 1);
    assert_eq!(raw.step(a, join.clone()).await, Reason::Clear);
    assert_eq!(raw.step(a, join).await, Reason::AlreadyKnown);
    let partial =
        contribute(Phase::PartialSignature, contribution(&id, Phase::PartialSignature, 1));
    assert_eq!(raw.step(a, partial).await, Reason::WrongPhase);
    // The signature is over the phase, too.
    let other = contribute(NONCE, contribution(&id, Phase::PartialSignature, 1));
    assert_eq!(raw.step(a, other).await, Reason::InvalidSignature);
    assert_eq!(raw.step(a, early.clone()).await, Reason::Clear);
    assert_eq!(raw.step(a, early).await, Reason::AlreadyKnown);
    let blames = |cause, signer| Request::Abort { session: id, end: End { cause, signer } };
    assert_eq!(raw.step(a, blames(Cause::Timeout, Some(mine))).await, Reason::NotASigner);
    assert_eq!(raw.step(a, blames(Cause::Abort, None)).await, Reason::NotASigner);
    assert_eq!(raw.step(a, blames(Cause::Abort, Some(mine))).await, Reason::Clear);
    assert_eq!(raw.step(a, blames(Cause::Abort, Some(mine))).await, Reason::UnknownSession);
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcements_are_judged_by_their_signers_peer_signature_and_id() {
    let trio = Trio::new().await;
    let a = &trio.at[0];
    let mut raw = Raw::connected(a).await;
    let body = |count, peer, digest| announcement(&trio, count, peer, digest);
    // The head of an array of 15, made one of 16 with the first key twice.
    let full = body(15, raw.peer(), 1);
    let sixteen = [&full[..2], &[0x90], &full[3..38], &full[3..]].concat();
    assert_eq!(raw.step(a, signed(&sixteen)).await, Reason::Malformed);
    let elsewhere = body(2, trio.at[1].peer_id(), 1);
    assert_eq!(raw.step(a, signed(&elsewhere)).await, Reason::NotASigner);
    let good = body(2, raw.peer(), 1);
    let forged = Request::Announce { body: good.clone(), signature: GARBAGE };
    assert_eq!(raw.step(a, forged).await, Reason::InvalidSignature);
    assert_eq!(raw.step(a, signed(&good)).await, Reason::Clear);
    assert_eq!(raw.step(a, signed(&good)).await, Reason::AlreadyKnown);
    let second = body(2, raw.peer(), 2);
    assert_eq!(raw.step(a, signed(&second)).await, Reason::SessionLimit, "a stranger's second");
    // It ends, and its id is spent.
    a.abort_session(session_id(Network::Reg, &good)).await.expect("ended");
    assert_eq!(raw.step(a, signed(&good)).await, Reason::Replayed);
    assert_eq!(raw.step(a, signed(&second)).await, Reason::Clear, "our own abort holds nothing");
    trio.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcer_that_took_a_contribution_and_calls_it_late_has_aborted() {
    for takes in [true, false] {
        let trio = Trio::new().await;
        let a = &trio.at[0];
        let mut raw = Raw::connected(a).await;
        let body = announcement(&trio, 2, raw.peer(), 1);
        let id = session_id(Network::Reg, &body);
        assert_eq!(raw.step(a, signed(&body)).await, Reason::Clear);
        raw.agreeing(a.join_session(id, &signer(0))).await.expect("joined");
        let begin = Request::Begin { session: id, phase: NONCE, contributions: vec![] };
        assert_eq!(raw.step(a, begin).await, Reason::Clear);
        if takes {
            let ours = signer(0);
            let given = a.contribute(id, &ours, NONCE, vec![7]);
            raw.agreeing(given).await.expect("taken");
        }
        let told = End { cause: Cause::Timeout, signer: Some(place(0, 2)) };
        let step = raw.step(a, Request::Abort { session: id, end: told }).await;
        assert_eq!(step, Reason::Clear);
        let Some(SessionState::Ended(ended)) = a.session(id).await.expect("answer") else {
            panic!("it has ended");
        };
        let own = (Cause::Abort, Some(public(1)));
        let expected = if takes { own } else { (Cause::Timeout, Some(public(0))) };
        assert_eq!((ended.cause, ended.signer), expected);
        trio.stop().await;
    }
}
