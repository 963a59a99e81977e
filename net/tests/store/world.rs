//! A chain that is the same in every process, and nodes on it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use libp2p::PeerId;
use ltms_core::{
    Amount, Capacity, Heap, IdentityId, Network, OutPoint, Policy, Subject,
    burn::{BurnScript, Purpose},
    chain::Transaction,
    hash::sha256,
    record::Recorded,
    schnorr::SecretKey,
};
use ltms_net::{
    Builder, Handle,
    chain::DevChain,
    claim::find_registration,
    clock::Clock,
    core_peer,
    store::{Store, StoreError},
};
use tokio::time::timeout;

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Rotations that are burned for on the chain: as many as an identity may have.
pub(crate) const ROTATIONS: u8 = 64;

/// An empty folder of this test's own.
pub(crate) fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store").join(test);
    let _ = std::fs::remove_dir_all(&path);
    path
}

/// The key after so many rotations of the first identity.
pub(crate) fn key(rotations: u8) -> SecretKey {
    match rotations {
        0 => DevChain::recorded_key(0).expect("a recorded key"),
        n => SecretKey::from_bytes(&sha256(&[b"rotated", &[n]])).expect("a key"),
    }
}

pub(crate) fn identity(chain: &DevChain, number: u8) -> (SecretKey, OutPoint, IdentityId) {
    let key = DevChain::recorded_key(number).expect("a recorded key");
    let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
    let (vout, ..) = find_registration(&included.raw).expect("a registration");
    let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
    let outpoint = OutPoint { txid, vout: vout.into() };
    (key, outpoint, outpoint.identity_id().expect("a small index"))
}

/// The chain with `rotations` burns for rotations of its first identity, and where those are.
pub(crate) fn chain(rotations: u8) -> (Arc<DevChain>, Vec<OutPoint>) {
    let chain = DevChain::recorded().expect("a good recording");
    let (.., id) = identity(&chain, 0);
    let mut burns = Vec::new();
    for n in 1..=rotations {
        let public_key = key(n).public_key();
        let purpose = Some((Purpose::Rotation, id));
        let script = BurnScript { public_key, timestamp_ms: Some(n.into()), purpose };
        let raw = DevChain::purpose_transaction(&script, Amount::from_xpi(5 + u64::from(n)));
        burns.push(OutPoint { txid: Transaction::parse(&raw).expect("read").txid(), vout: 0 });
        chain.mine(&[raw]).expect("a block");
    }
    chain.mine_empty(110).expect("blocks");
    (Arc::new(chain), burns)
}

pub(crate) fn builder(chain: &Arc<DevChain>, folder: &Path) -> Builder {
    Builder::new(Network::Reg, chain.clone())
        .capacity(Capacity::SMALL)
        .listen("/ip4/127.0.0.1/tcp/0".parse().expect("address"))
        .memory(8 << 30)
        .quick(true)
        .data_dir(folder)
}

/// Waits until `holds` says so, looking whenever something happens in the node.
pub(crate) async fn until<F>(handle: &Handle, what: &str, mut holds: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let mut events = handle.subscribe();
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            let _ = timeout(Duration::from_millis(50), events.recv()).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

pub(crate) fn peer(number: u32) -> PeerId {
    let hash = sha256(&[b"peer", &number.to_be_bytes()]);
    PeerId::from_bytes(&[&[0x12, 0x20][..], &hash].concat()).expect("a peer id")
}

pub(crate) fn subject(number: u32) -> Subject {
    Subject::Peer(core_peer(&peer(number)))
}

/// The Gate that a store holds; `None` if nothing was written.
pub(crate) fn stored(folder: &Path) -> Result<Option<Recorded<Heap, ()>>, StoreError> {
    let store = Store::open(folder, Network::Reg)?;
    let policy = Policy::LOTUS_V1.on(Network::Reg);
    let heap = Heap::noting_changes(Capacity::SMALL);
    let mut gate = Recorded::new(heap, policy, store.seed(), ()).expect("a valid policy");
    Ok(store.restore(Clock::system().now(), &mut gate)?.map(|_| gate))
}
