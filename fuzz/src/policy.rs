//! Policies as text: what a file may say.

use ltms_core::hash::Seed;
use ltms_core::{Capacity, Gate, Heap, Network, Policy};

/// The presets, as files.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [Policy::LOTUS_V1, Policy::CAUTIOUS.on(Network::Reg)]
        .iter()
        .map(|policy| serde_json::to_vec(policy).expect("a policy can be written"))
        .collect()
}

/// A policy is read back as it was written, and a Gate takes it exactly when it validates.
pub(crate) fn policy(bytes: &[u8]) {
    let Ok(policy) = serde_json::from_slice::<Policy>(bytes) else { return };
    let written = serde_json::to_vec(&policy).expect("a policy can be written");
    assert_eq!(serde_json::from_slice::<Policy>(&written).expect("its own text"), policy);
    let tiny = Capacity { peers: 1, identities: 1, keys: 1, bans: 1, ..Capacity::SMALL };
    let gate = Gate::new(Heap::new(tiny), policy, Seed::new([0; 16])).map(drop);
    assert_eq!(gate, policy.validate());
}
