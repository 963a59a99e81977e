//! A few nodes over one recorded chain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use libp2p::PeerId;
use ltms_core::{
    Capacity, Criteria, IdentityId, List, Millis, Network, OutPoint, PublicKey, Reason, Timestamp,
    chain::Transaction,
    hash::sha256,
    schnorr::SecretKey,
    wire::{Advertisement, Authority, Delegation, Envelope, Kind, ad_hash, delegation_hash},
};
use ltms_net::{
    Builder, Handle, Node, NodeEvent, Signer, chain::DevChain, claim::find_registration,
    clock::Clock, core_peer,
};
use tokio::{sync::broadcast::Receiver, time::timeout};

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn chain() -> Arc<DevChain> {
    let chain = DevChain::recorded().expect("a good recording");
    chain.mine_empty(80).expect("blocks");
    Arc::new(chain)
}

pub(crate) fn builder(chain: &Arc<DevChain>) -> Builder {
    Builder::new(Network::Reg, chain.clone())
        .capacity(Capacity::SMALL)
        .listen("/ip4/127.0.0.1/tcp/0".parse().expect("address"))
        .memory(8 << 30)
        .quick(true)
        .server(true)
}

pub(crate) async fn node(chain: &Arc<DevChain>) -> Node {
    builder(chain).start().await.expect("a node")
}

/// Two nodes with this clock that are connected.
pub(crate) async fn pair(chain: &Arc<DevChain>, watch: &Watch) -> [Node; 2] {
    let made = || builder(chain).clock(watch.clock()).start();
    let [first, second] = [made().await, made().await].map(|node| node.expect("a node"));
    connect(&first.handle(), &second.handle()).await;
    [first, second]
}

/// The recorded burn number `n`: key, outpoint, identity.
pub(crate) fn burn(chain: &DevChain, n: u8) -> (SecretKey, OutPoint, IdentityId) {
    let key = DevChain::recorded_key(n).expect("a recorded key");
    let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
    let (vout, ..) = find_registration(&included.raw).expect("a registration");
    let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
    let outpoint = OutPoint { txid, vout: vout.into() };
    let id = outpoint.identity_id().expect("a small index");
    (key, outpoint, id)
}

pub(crate) const fn own(identity: IdentityId) -> Option<Authority> {
    Some(Authority { identity, sequence: 0, delegation: None })
}

pub(crate) async fn connect(from: &Handle, to: &Handle) {
    let mut events = from.subscribe();
    from.dial(to.addresses()[0].clone()).await.expect("dialled");
    let wanted = to.peer_id();
    timeout(PATIENCE, async {
        loop {
            if matches!(events.recv().await, Ok(ltms_net::NodeEvent::Connected(peer)) if peer == wanted) {
                return;
            }
        }
    })
    .await
    .expect("connected");
}

/// Waits until `holds` says so, looking whenever something happens in the node.
pub(crate) async fn until<F>(handle: &Handle, what: &str, mut holds: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let mut events = handle.subscribe();
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            let _ = timeout(Duration::from_millis(200), events.recv()).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// Waits for an event.
pub(crate) async fn event(
    events: &mut Receiver<NodeEvent>,
    what: &str,
    mut is: impl FnMut(&NodeEvent) -> bool,
) {
    let waited = timeout(PATIENCE, async {
        loop {
            if let Ok(event) = events.recv().await
                && is(&event)
            {
                return;
            }
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// Registers the recorded burn number `n` at a node, once it knows the tip.
pub(crate) async fn register(handle: &Handle, chain: &DevChain, n: u8) -> (SecretKey, IdentityId) {
    let (key, outpoint, id) = burn(chain, n);
    until(handle, "registered", async || handle.register_identity(&key, outpoint).await.is_ok())
        .await;
    (key, id)
}

pub(crate) async fn found(handle: &Handle) -> Vec<Signer> {
    handle.directory(Criteria::default(), 1_000).await.expect("answer")
}

pub(crate) async fn finds(handle: &Handle, key: &PublicKey) -> bool {
    found(handle).await.iter().any(|signer| signer.key == *key)
}

/// How many decisions had this reason.
pub(crate) async fn decided(handle: &Handle, reason: Reason) -> u64 {
    let decisions = handle.decisions().await.expect("answer");
    decisions.iter().find(|(other, _)| *other == reason).map_or(0, |(_, count)| *count)
}

/// A key of this name.
pub(crate) fn key(name: &str) -> SecretKey {
    SecretKey::from_bytes(&sha256(&[name.as_bytes()])).expect("a key")
}

/// Leave for `delegated` to speak for the recorded burn number `n` in the next two days.
pub(crate) fn delegation(chain: &DevChain, n: u8, delegated: &SecretKey) -> Authority {
    let (current, _, identity) = burn(chain, n);
    let not_after = Clock::system().now().saturating_add(Millis::from_hours(48));
    let hash = delegation_hash(Network::Reg, &identity, &delegated.public_key(), 0, not_after);
    let delegation = Delegation { not_after, signature: current.sign(&hash) };
    Authority { identity, sequence: 0, delegation: Some(delegation) }
}

/// The envelope of an advertisement made at a time, which is good for one hour.
pub(crate) fn advertisement(
    key: &SecretKey,
    authority: Option<Authority>,
    peer: &PeerId,
    created_at: Timestamp,
) -> Vec<u8> {
    let mut types = List::new();
    types.push(1).expect("room");
    let ad = Advertisement {
        author: key.public_key(),
        created_at,
        expires_at: created_at.saturating_add(Millis::from_hours(1)),
        peer: core_peer(peer),
        addresses: List::new(),
        types,
        amount: None,
        fee: None,
        nickname: None,
        description: None,
        authority,
    };
    let (mut body, mut envelope) = ([0; 2_000], vec![0; 2_000]);
    let len = ad.encode(&mut body).expect("room");
    let signature = key.sign(&ad_hash(Network::Reg, &body[..len]));
    let signed = Envelope { kind: Kind::Advertisement, body: &body[..len], signature };
    let len = signed.encode(&mut envelope).expect("room");
    envelope.truncate(len);
    envelope
}

/// A clock that nodes share and that can be put forward.
#[derive(Default)]
pub(crate) struct Watch(Arc<AtomicU64>);

impl Watch {
    pub(crate) fn clock(&self) -> Clock {
        let (ahead, system) = (self.0.clone(), Clock::system());
        Clock::new(move || system.now().saturating_add(Millis::new(ahead.load(Ordering::Relaxed))))
    }

    pub(crate) fn forward(&self, span: Millis) {
        self.0.fetch_add(span.get(), Ordering::Relaxed);
    }
}
