//! The chain of the demonstration, and the burns in it.

use std::sync::Arc;

use ltms_core::{
    Amount, IdentityId, Network, OutPoint,
    chain::Transaction,
    hash::sha256,
    schnorr::SecretKey,
    wire::{Authority, Delegation, Envelope, Kind, delegation_hash, register_hash},
};
use ltms_net::{
    chain::{DevChain, IncludedTransaction},
    claim::{find_registration, registration_envelope},
};

use super::{Failure, forge};

/// The network of the demonstration.
pub(super) const NETWORK: Network = Network::Reg;
/// Blocks on top of the last burn: more than the 72 after which a tier counts.
const DEPTH: u32 = 80;

/// A burn that registers a key, and the key.
pub(super) struct Burn {
    pub(super) key: Arc<SecretKey>,
    pub(super) outpoint: OutPoint,
    pub(super) id: IdentityId,
    included: IncludedTransaction,
    vout: u8,
}

impl Burn {
    fn find(chain: &DevChain, key: SecretKey) -> Result<Self, Failure> {
        let included = chain.registration_of(&key.public_key()).ok_or("a burn is missing")?;
        let (vout, ..) = find_registration(&included.raw).ok_or("a registration is missing")?;
        let txid = Transaction::parse(&included.raw)?.txid();
        let outpoint = OutPoint { txid, vout: vout.into() };
        let id = outpoint.identity_id()?;
        Ok(Self { key: Arc::new(key), outpoint, id, included, vout })
    }

    /// The claim of the identity.
    pub(super) fn claim(&self) -> Result<Vec<u8>, Failure> {
        Ok(registration_envelope(NETWORK, &self.included, self.vout, &self.key)?)
    }

    /// The claim as `thief`, who has not the key in the burn, would sign it.
    pub(super) fn stolen(&self, thief: &SecretKey) -> Result<Vec<u8>, Failure> {
        let claim = self.claim()?;
        let body = Envelope::decode(&claim)?.body;
        let signature = thief.sign(&register_hash(NETWORK, &self.outpoint, &self.key.public_key()));
        Ok(forge::envelope(Kind::Registration, body, signature))
    }

    /// Leave to speak for the identity with its own key.
    pub(super) const fn authority(&self) -> Authority {
        Authority { identity: self.id, sequence: 0, delegation: None }
    }

    /// Leave for `key` to speak for the identity, for two hours.
    pub(super) fn delegate(&self, key: &SecretKey) -> Authority {
        let not_after = forge::now().saturating_add(ltms_core::Millis::from_hours(2));
        let hash = delegation_hash(NETWORK, &self.id, &key.public_key(), 0, not_after);
        let delegation = Some(Delegation { not_after, signature: self.key.sign(&hash) });
        Authority { delegation, ..self.authority() }
    }
}

/// A key that everybody can make from its name.
pub(super) fn key(name: &str) -> SecretKey {
    // A hash is a valid scalar but for one in 2^128.
    SecretKey::from_bytes(&sha256(&[name.as_bytes()])).expect("a scalar")
}

/// The chain, and who burned in it.
pub(super) struct Burns {
    pub(super) chain: Arc<DevChain>,
    /// Twenty keys with 50 XPI each, recorded from a regtest chain.
    pub(super) recorded: Vec<Burn>,
    /// 200 XPI, in a block made here.
    pub(super) verified: Burn,
    /// A satoshi less than the 50 XPI that a registration costs.
    pub(super) poor: Burn,
}

impl Burns {
    /// The recorded chain, continued.
    pub(super) fn new() -> Result<Self, Failure> {
        let chain = DevChain::recorded()?;
        let (verified, poor) = (key("demo: 200 XPI"), key("demo: too little"));
        let burn =
            |key: &SecretKey, amount| DevChain::burn_transaction(key.public_key(), amount, Some(1));
        let less = Amount::from_sats(Amount::from_xpi(50).sats() - 1);
        chain.mine(&[burn(&verified, Amount::from_xpi(200)), burn(&poor, less)])?;
        chain.mine_empty(DEPTH)?;
        let recorded = (0..)
            .map_while(DevChain::recorded_key)
            .map(|key| Burn::find(&chain, key))
            .collect::<Result<_, _>>()?;
        let (verified, poor) = (Burn::find(&chain, verified)?, Burn::find(&chain, poor)?);
        Ok(Self { chain: Arc::new(chain), recorded, verified, poor })
    }
}
