//! A few nodes over one recorded chain.

use std::{sync::Arc, time::Duration};

use ltms_core::{
    Capacity, IdentityId, Network, OutPoint, chain::Transaction, schnorr::SecretKey,
    wire::Authority,
};
use ltms_net::{Builder, Handle, Node, chain::DevChain, claim::find_registration};
use tokio::time::timeout;

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
