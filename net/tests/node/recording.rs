//! What happened to a node happens again from its recording.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use libp2p::identity::Keypair;
use ltms_core::{
    Reason, Timestamp,
    hash::sha256,
    record::{Answer, Call, Recorder, Replay, record_len},
};
use ltms_net::{Offer, Recording};

use crate::world::{
    builder, burn, chain, connect, decided, finds, key, node, own, register, until,
};

fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

#[tokio::test]
async fn every_decision_of_a_recorded_node_can_be_replayed() {
    let chain = chain();
    let path = path("node.recording");
    let keypair = Keypair::generate_ed25519();
    let secret = keypair.clone().try_into_ed25519().expect("its kind").secret();
    let (identity_key, _, id) = burn(&chain, 0);
    let recorded = builder(&chain)
        .keypair(keypair)
        .identity(id, burn(&chain, 0).0)
        .record(Recording::create(&path, 1 << 30).expect("a file"));
    let recorded = recorded.start().await.expect("a node");
    let other = node(&chain).await;
    let (handle, stranger) = (recorded.handle(), other.handle());
    connect(&stranger, &handle).await;
    register(&handle, &chain, 0).await;
    let offer = Offer::default();
    handle.advertise_signer(&identity_key, own(id), &offer).await.expect("taken");
    let key = key("a stranger");
    stranger.advertise_signer(&key, None, &offer).await.expect("taken");
    until(&handle, "the stranger is heard", async || finds(&handle, &key.public_key()).await).await;
    handle.ban(stranger.peer_id(), None).await.expect("answer");
    let _ = stranger.dial(handle.addresses()[0].clone()).await;
    until(&handle, "refused", async || decided(&handle, Reason::Blacklisted).await > 0).await;
    let metrics = handle.metrics().await.expect("answer");
    recorded.stop().await;
    other.stop().await;

    let bytes = fs::read(&path).expect("a recording");
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o7777, 0o600);
    let identity_secret = sha256(&[b"lotus regtest identity 0"]);
    for secret in [secret.as_ref(), &identity_secret] {
        assert!(!bytes.windows(16).any(|part| part == &secret[..16]), "a secret was recorded");
    }
    let mut rest = &bytes[..];
    let mut record = || {
        let len = record_len(rest).expect("a record")?;
        let (record, after) = rest.split_at(len);
        rest = after;
        Some(record)
    };
    let mut replay = Replay::new(record().expect("a header")).expect("good");
    let (mut calls, mut last) = (Vec::new(), Timestamp::EPOCH);
    while let Some(record) = record() {
        let step = replay.step(record).expect("good");
        assert!(step.holds(), "{step}");
        calls.push((step.call, step.answer));
        last = step.now;
    }
    assert!(rest.is_empty(), "cut");
    let banned = |(call, answer): &(Call, Answer)| match answer {
        Answer::Decision(decision) => {
            *call == Call::ScreenConnection && decision.reason == Reason::Blacklisted
        }
        _ => false,
    };
    assert!(calls.iter().any(banned), "{calls:?}");
    for call in [Call::SetTip, Call::SettleBurn, Call::SettleAd, Call::Ban, Call::PollEvent] {
        assert!(calls.iter().any(|(made, _)| *made == call), "{call:?}");
    }
    let replayed = replay.gate().metrics(last);
    assert_eq!(replayed.identities_registered, metrics.identities_registered);
    assert_eq!(replayed.blacklisted_peers, metrics.blacklisted_peers);
}

#[test]
fn a_recording_ends_with_the_last_record_that_has_room() {
    let path = path("full.recording");
    let mut recording = Recording::create(&path, 10).expect("a file");
    for record in [&b"abcd"[..], b"efgh", b"ijk"] {
        assert!(recording.is_on());
        let (first, second) = record.split_at(2);
        recording.write(first);
        recording.write(second);
        recording.end();
    }
    assert!(!recording.is_on(), "it is full");
    drop(recording);
    assert_eq!(fs::read(&path).expect("a file"), b"abcdefgh");
    let again = Recording::create(&path, 10).expect_err("it exists");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
}

#[test]
fn the_call_in_which_a_process_dies_is_in_its_recording() {
    let path = path("panic.recording");
    let mut recording = Recording::create(&path, 10).expect("a file");
    recording.write(b"abc");
    drop(recording);
    assert_eq!(fs::read(&path).expect("a file"), b"abc");
}
