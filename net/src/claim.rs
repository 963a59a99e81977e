//! Claims of burns, to send.

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::{Header, Transaction, TxError, merkle};
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{
    BufferTooSmall, BurnClaim, Credit, Envelope, IncludedBurn, Kind, Registration, Rotation,
    WireError, credit_hash, register_hash, rotation_hash,
};
use ltms_core::{Amount, Network, OutPoint, Signature, Timestamp, size};

use crate::chain::IncludedTransaction;

/// Why no claim can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// The transaction cannot be read.
    #[error(transparent)]
    Transaction(#[from] TxError),
    /// It is a coinbase, whose burns do not count.
    #[error("a coinbase registers nobody")]
    Coinbase,
    /// The output is missing or registers nobody.
    #[error("the output is no registration")]
    NotARegistration,
    /// The output is missing or burns for another purpose.
    #[error("the output burns for another purpose")]
    OtherPurpose,
    /// The output registers another key.
    #[error("the output registers another key")]
    OtherKey,
    /// The claim would be larger than the protocol allows; a smaller transaction would not be.
    #[error("the claim is too large")]
    TooLarge(#[from] BufferTooSmall),
    /// Others would not read the claim.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// The first output that registers a key: its index, what it says and what it burns.
#[must_use]
pub fn find_registration(raw: &[u8]) -> Option<(u8, BurnScript, Amount)> {
    let transaction = Transaction::parse(raw).ok()?;
    (0..=u8::MAX).zip(transaction.outputs()).find_map(|(vout, output)| {
        let script = BurnScript::parse(output.script).ok()?;
        script.purpose.is_none().then_some((vout, script, output.value))
    })
}

/// The envelope with which the holder of `key` claims the registration in output `vout`.
///
/// Whether the burn is large and deep enough is for those to judge who get it.
///
/// # Errors
/// [`ClaimError`] for what everybody would refuse.
pub fn registration_envelope(
    network: Network,
    included: &IncludedTransaction,
    vout: u8,
    key: &SecretKey,
) -> Result<Vec<u8>, ClaimError> {
    let transaction = Transaction::parse(&included.raw)?;
    if transaction.is_coinbase() || included.position == 0 {
        return Err(ClaimError::Coinbase);
    }
    let output = transaction.output(vout.into()).ok_or(ClaimError::NotARegistration)?;
    let script = BurnScript::parse(output.script).map_err(|_| ClaimError::NotARegistration)?;
    if script.purpose.is_some() {
        return Err(ClaimError::NotARegistration);
    }
    if script.public_key != key.public_key() {
        return Err(ClaimError::OtherKey);
    }
    let outpoint = OutPoint { txid: transaction.txid(), vout: vout.into() };
    let signature = key.sign(&register_hash(network, &outpoint, &script.public_key));
    signed(included, vout, signature)
}

/// Claims a rotation: `old` is the current key, `new` the one in the burn's script, `sequence`
/// the number of this rotation, from 1.
///
/// # Errors
/// [`ClaimError`] if the output is no rotation burn for `new`, or a part does not fit.
pub fn rotation_envelope(
    network: Network,
    included: &IncludedTransaction,
    vout: u8,
    (old, new): (&SecretKey, &SecretKey),
    sequence: u64,
    created_at: Timestamp,
) -> Result<Vec<u8>, ClaimError> {
    let (outpoint, script) = burn_of(included, vout)?;
    let Some((Purpose::Rotation, identity)) = script.purpose else {
        return Err(ClaimError::OtherPurpose);
    };
    if script.public_key != new.public_key() {
        return Err(ClaimError::OtherKey);
    }
    let (was, is) = (old.public_key(), new.public_key());
    let hash = rotation_hash(network, &identity, sequence, &was, &is, &outpoint, created_at);
    let burn = included_burn(included, vout);
    let new_key_signature = new.sign(&hash);
    let rotation = Rotation { burn, identity, sequence, created_at, new_key_signature };
    sealed(Kind::Rotation, old.sign(&hash), |out| rotation.encode(out))
}

/// Claims what else an identity burned for; `key` is its current key after `sequence` rotations.
///
/// # Errors
/// [`ClaimError`] if the output is no such burn, or a part does not fit.
pub fn credit_envelope(
    network: Network,
    included: &IncludedTransaction,
    vout: u8,
    key: &SecretKey,
    sequence: u64,
) -> Result<Vec<u8>, ClaimError> {
    let (outpoint, script) = burn_of(included, vout)?;
    let (purpose, identity) = match script.purpose {
        Some((purpose, identity)) if purpose != Purpose::Rotation => (purpose, identity),
        _ => return Err(ClaimError::OtherPurpose),
    };
    let hash = credit_hash(network, &identity, purpose, &outpoint, &script.public_key, sequence);
    let credit = Credit { burn: included_burn(included, vout), identity, sequence };
    sealed(Kind::Credit, key.sign(&hash), |out| credit.encode(out))
}

/// The outpoint and script of a burn in a transaction.
fn burn_of(included: &IncludedTransaction, vout: u8) -> Result<(OutPoint, BurnScript), ClaimError> {
    let transaction = Transaction::parse(&included.raw)?;
    if transaction.is_coinbase() || included.position == 0 {
        return Err(ClaimError::Coinbase);
    }
    let output = transaction.output(vout.into()).ok_or(ClaimError::OtherPurpose)?;
    let script = BurnScript::parse(output.script).map_err(|_| ClaimError::OtherPurpose)?;
    Ok((OutPoint { txid: transaction.txid(), vout: vout.into() }, script))
}

const fn included_burn(included: &IncludedTransaction, vout: u8) -> IncludedBurn<'_> {
    IncludedBurn {
        transaction: included.raw.as_slice(),
        vout,
        block: included.block,
        position: included.position,
        branch: included.branch.as_slice(),
    }
}

fn signed(
    included: &IncludedTransaction,
    vout: u8,
    signature: Signature,
) -> Result<Vec<u8>, ClaimError> {
    let registration = Registration { burn: included_burn(included, vout) };
    sealed(Kind::Registration, signature, |out| registration.encode(out))
}

/// An envelope, read once more as its receivers will.
fn sealed(
    kind: Kind,
    signature: Signature,
    body: impl FnOnce(&mut [u8]) -> Result<usize, BufferTooSmall>,
) -> Result<Vec<u8>, ClaimError> {
    let mut buffer = vec![0; size::ENVELOPE];
    let len = body(&mut buffer)?;
    let mut envelope = vec![0; size::ENVELOPE];
    let len = Envelope { kind, body: &buffer[..len], signature }.encode(&mut envelope)?;
    envelope.truncate(len);
    BurnClaim::read(&envelope)?;
    Ok(envelope)
}

/// The same claim for the block that its burn is in now. The signature is not about the block, so
/// anybody may make it.
///
/// `None` if the transaction is another one, or is not in the block of `header`.
pub(crate) fn moved_claim(
    claim: &[u8],
    included: &IncludedTransaction,
    header: &Header,
) -> Option<Vec<u8>> {
    let Envelope { body, signature, .. } = Envelope::decode(claim).ok()?;
    let old = Registration::decode(body).ok()?.burn;
    let transaction = Transaction::parse(&included.raw).ok()?;
    let txid = transaction.txid();
    let leaf = merkle::leaf(&transaction.txhash(), &txid);
    let root = merkle::root_from_branch(&leaf, included.position, &included.branch).ok()?;
    let same = Transaction::parse(old.transaction).ok()?.txid() == txid;
    let there = header.hash() == included.block && header.merkle_root() == root;
    if !same || !there {
        return None;
    }
    signed(included, old.vout, signature).ok()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use ltms_core::burn::{Purpose, Tier};
    use ltms_core::hash::{Seed, sha256};
    use ltms_core::{
        BlockEvidence, BlockHeight, Capacity, Connection, Decision, Direction, Gate, Heap,
        IdentityId, PeerId, Policy, Reason, Screening, Source, Subject, Timestamp,
    };

    use super::*;
    use crate::chain::{ChainSource, DevChain};

    const NOW: Timestamp = Timestamp::from_millis(1_795_362_000_000);

    /// A node of its own on the chain.
    struct Node<'a> {
        chain: &'a DevChain,
        gate: Gate<Heap>,
        peer: PeerId,
    }

    impl<'a> Node<'a> {
        fn new(chain: &'a DevChain) -> Self {
            let policy = Policy::LOTUS_V1.on(Network::Reg);
            let mut gate =
                Gate::new(Heap::new(Capacity::SMALL), policy, Seed::new([7; 16])).unwrap();
            let peer = PeerId::from_bytes(&[&[0x12, 32], &[1; 32][..]].concat()).unwrap();
            let connection = Connection { peer, address: None, direction: Direction::Inbound };
            gate.connected(NOW, &connection).unwrap();
            Self { chain, gate, peer }
        }

        /// Takes a claim through every step.
        fn judge(&mut self, envelope: &[u8]) -> Decision {
            let tip = self.chain.tip().now_or_never().unwrap().unwrap();
            assert!(self.gate.set_tip(NOW, tip, tip.height).is_accept());
            let (claim, signature) = BurnClaim::read(envelope).unwrap();
            let source = Source::direct(self.peer);
            let ticket = match self.gate.screen_claim(NOW, &source, &claim, signature) {
                Screening::Proceed(ticket) => ticket,
                Screening::Done(decision) => return decision,
            };
            let check = ticket.verify();
            let ticket = match self.gate.settle_claim(NOW, ticket, check) {
                Screening::Proceed(ticket) => ticket,
                Screening::Done(decision) => return decision,
            };
            let header = self.chain.header(*ticket.block()).now_or_never().unwrap().unwrap();
            let evidence =
                header.as_ref().map(|header| BlockEvidence { header, class: self.chain.class() });
            self.gate.settle_burn(NOW, ticket, evidence.as_ref())
        }
    }

    fn key(name: &str) -> SecretKey {
        SecretKey::from_bytes(&sha256(&[name.as_bytes()])).unwrap()
    }

    fn identity(included: &IncludedTransaction, vout: u8) -> IdentityId {
        let txid = Transaction::parse(&included.raw).unwrap().txid();
        OutPoint { txid, vout: vout.into() }.identity_id().unwrap()
    }

    fn claim(included: &IncludedTransaction, key: &SecretKey) -> Vec<u8> {
        let (vout, ..) = find_registration(&included.raw).unwrap();
        registration_envelope(Network::Reg, included, vout, key).unwrap()
    }

    /// A burn by `key` in the newest block.
    fn burn(chain: &DevChain, key: &SecretKey, amount: Amount) -> IncludedTransaction {
        let raw = DevChain::burn_transaction(key.public_key(), amount, Some(1));
        chain.mine(&[raw]).unwrap();
        chain.registration_of(&key.public_key()).unwrap()
    }

    #[test]
    fn twenty_recorded_keys_register() {
        let chain = DevChain::recorded().unwrap();
        let mut node = Node::new(&chain);
        let claims: Vec<_> = (0..20)
            .map(|number| {
                let key = DevChain::recorded_key(number).unwrap();
                let included = chain.registration_of(&key.public_key()).unwrap();
                (claim(&included, &key), included, key)
            })
            .collect();
        // Five confirmations, then six.
        chain.mine_empty(4).unwrap();
        assert_eq!(node.judge(&claims[0].0).reason, Reason::Immature);
        chain.mine_empty(1).unwrap();
        for (claim, included, key) in &claims {
            assert_eq!(node.judge(claim).reason, Reason::New);
            let (vout, _, amount) = find_registration(&included.raw).unwrap();
            let registered = node.gate.resolve_identity(&key.public_key()).unwrap();
            assert_eq!(registered.id, identity(included, vout));
            assert_eq!(registered.burned, amount);
            assert_eq!(registered.height, BlockHeight::new(187));
            assert_eq!(node.judge(claim).reason, Reason::AlreadyKnown);
        }
    }

    /// The six burns of block 121, as `(txid, vout, identity)` in the vectors.
    fn recorded_burns() -> Vec<(ltms_core::Txid, u8, String)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/chain.json");
        let root: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let burns = root["ltms_burns"].as_array().unwrap().iter();
        burns
            .filter(|burn| burn["source"].as_str().unwrap().starts_with("regtest/txs.json"))
            .map(|burn| {
                let text = |field: &str| burn[field].as_str().unwrap();
                let vout = burn["vout"].as_u64().unwrap() as u8;
                (text("txid_hex").parse().unwrap(), vout, text("identity_id_hex").to_owned())
            })
            .collect()
    }

    #[test]
    fn six_recorded_burns_of_one_key_register_one_identity_a_node() {
        let chain = DevChain::recorded().unwrap();
        let key = key("lotus regtest identity key");
        let burns = recorded_burns();
        assert_eq!(burns.len(), 6);
        let mut first = Node::new(&chain);
        for (index, (txid, vout, id)) in burns.iter().enumerate() {
            let included = chain.transaction(*txid).now_or_never().unwrap().unwrap().unwrap();
            assert_eq!(find_registration(&included.raw).unwrap().0, *vout);
            let claim = claim(&included, &key);
            let mut node = Node::new(&chain);
            assert_eq!(node.judge(&claim).reason, Reason::New);
            let registered = node.gate.resolve_identity(&key.public_key()).unwrap();
            assert_eq!(registered.id.to_string(), *id);

            let expected = if index == 0 { Reason::New } else { Reason::KeyTaken };
            assert_eq!(first.judge(&claim).reason, expected);
        }
    }

    #[test]
    fn fifty_xpi_are_enough_and_a_satoshi_less_is_not() {
        let chain = DevChain::recorded().unwrap();
        let mut node = Node::new(&chain);
        let (rich, poor) = (key("rich"), key("poor"));
        let fifty = Amount::from_xpi(50);
        let enough = claim(&burn(&chain, &rich, fifty), &rich);
        let less = Amount::from_sats(fifty.sats() - 1);
        let too_small = claim(&burn(&chain, &poor, less), &poor);
        chain.mine_empty(5).unwrap();
        assert_eq!(node.judge(&too_small).reason, Reason::BurnTooSmall);
        assert_eq!(node.judge(&enough).reason, Reason::New);
    }

    #[test]
    fn two_hundred_xpi_are_verified_at_depth_72() {
        let chain = DevChain::recorded().unwrap();
        let mut node = Node::new(&chain);
        let key = key("verified");
        let included = burn(&chain, &key, Amount::from_xpi(200));
        let claim = claim(&included, &key);
        chain.mine_empty(70).unwrap();
        assert_eq!(node.judge(&claim).reason, Reason::New);
        let subject = Subject::Identity(identity(&included, 0));
        let standing = node.gate.standing(NOW, &subject);
        assert_eq!((standing.confirmations, standing.tier), (71, Some(Tier::Basic)));

        chain.mine_empty(1).unwrap();
        let tip = chain.tip().now_or_never().unwrap().unwrap();
        assert!(node.gate.set_tip(NOW, tip, tip.height).is_accept());
        let standing = node.gate.standing(NOW, &subject);
        assert_eq!((standing.confirmations, standing.tier), (72, Some(Tier::Verified)));
        assert_eq!(standing.burned, Amount::from_xpi(200));
    }

    #[test]
    fn claims_of_abandoned_or_other_blocks_are_refused() {
        let chain = DevChain::recorded().unwrap();
        let mut node = Node::new(&chain);
        let key = key("one");
        let mut included = burn(&chain, &key, Amount::from_xpi(50));
        chain.mine_empty(5).unwrap();
        let right = claim(&included, &key);
        included.position += 1;
        assert_eq!(node.judge(&claim(&included, &key)).reason, Reason::NotInBlock);
        chain.reorganise(6, &vec![vec![]; 7]).unwrap();
        assert_eq!(node.judge(&right).reason, Reason::UnknownBlock);
    }

    #[test]
    fn a_claim_is_good_on_one_network_only() {
        let chain = DevChain::recorded().unwrap();
        let key = DevChain::recorded_key(0).unwrap();
        let included = chain.registration_of(&key.public_key()).unwrap();
        let other = registration_envelope(Network::Main, &included, 0, &key).unwrap();
        assert_eq!(Node::new(&chain).judge(&other).reason, Reason::InvalidSignature);
    }

    #[test]
    fn what_everybody_would_refuse_is_not_claimed() {
        let chain = DevChain::recorded().unwrap();
        let key = DevChain::recorded_key(0).unwrap();
        let right = chain.registration_of(&key.public_key()).unwrap();
        let error = |included: &IncludedTransaction, vout, key: &SecretKey| {
            registration_envelope(Network::Reg, included, vout, key).err()
        };
        assert_eq!(error(&right, 0, &key), None);
        assert_eq!(error(&right, 1, &key), Some(ClaimError::NotARegistration));
        assert_eq!(error(&right, 2, &key), Some(ClaimError::NotARegistration));
        let other = DevChain::recorded_key(1).unwrap();
        assert_eq!(error(&right, 0, &other), Some(ClaimError::OtherKey));
        let with = |change: &dyn Fn(&mut IncludedTransaction)| {
            let mut included = right.clone();
            change(&mut included);
            error(&included, 0, &key)
        };
        assert_eq!(with(&|of| of.raw.push(0)), Some(TxError::TrailingBytes.into()));
        assert_eq!(with(&|of| of.position = 0), Some(ClaimError::Coinbase));
        assert_eq!(with(&|of| of.branch = vec![[1; 32]; 32]), None);
        assert_eq!(with(&|of| of.branch = vec![[1; 32]; 33]), Some(WireError::Shape.into()));
    }

    #[test]
    fn a_claim_moves_with_its_burn_and_only_to_a_block_that_has_it() {
        let chain = DevChain::recorded().unwrap();
        let one = key("one");
        let raw = DevChain::burn_transaction(one.public_key(), Amount::from_xpi(50), None);
        chain.mine(std::slice::from_ref(&raw)).unwrap();
        let old = claim(&chain.registration_of(&one.public_key()).unwrap(), &one);
        let other = burn(&chain, &key("two"), Amount::from_xpi(50));
        chain.reorganise(2, &[vec![], vec![raw]]).unwrap();
        let included = chain.registration_of(&one.public_key()).unwrap();
        let header = |included: &IncludedTransaction| {
            chain.header(included.block).now_or_never().unwrap().unwrap().unwrap()
        };
        let here = header(&included);
        let moved = moved_claim(&old, &included, &here).unwrap();
        assert_ne!(moved, old);
        assert_eq!(moved, claim(&included, &one));

        let elsewhere = IncludedTransaction { position: 2, ..included.clone() };
        assert_eq!(moved_claim(&old, &elsewhere, &here), None);
        let before = chain.header(here.prev()).now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(moved_claim(&old, &included, &before), None);
        assert_eq!(moved_claim(&old, &other, &here), None);
        assert_eq!(moved_claim(b"", &included, &here), None);
    }

    /// A transaction with these output scripts.
    fn transaction(scripts: &[&[u8]]) -> Vec<u8> {
        let mut raw = [&[2, 0, 0, 0, 1], [3; 36].as_slice(), &[0], &[0xff; 4]].concat();
        raw.push(u8::try_from(scripts.len()).unwrap());
        for script in scripts {
            raw.extend(Amount::from_xpi(60).sats().to_le_bytes());
            raw.push(u8::try_from(script.len()).unwrap());
            raw.extend(*script);
        }
        [raw, vec![0; 4]].concat()
    }

    #[test]
    fn the_first_registration_is_found() {
        let script = |purpose| {
            let public_key = key("one").public_key();
            BurnScript { public_key, timestamp_ms: None, purpose }.build()
        };
        let registration = script(None);
        let top_up = script(Some((Purpose::TopUp, IdentityId::from_bytes([1; 32]))));
        let raw = transaction(&[b"other", &top_up, &registration, &registration]);
        let (vout, found, amount) = find_registration(&raw).unwrap();
        assert_eq!((vout, amount), (2, Amount::from_xpi(60)));
        assert_eq!(found.build(), registration);

        assert_eq!(find_registration(&transaction(&[b"other", &top_up])), None);
        assert_eq!(find_registration(&raw[1..]), None);
        let included = IncludedTransaction {
            raw,
            block: ltms_core::BlockHash::from_bytes([1; 32]),
            position: 1,
            branch: vec![[1; 32]],
        };
        let refused = registration_envelope(Network::Reg, &included, 1, &key("one"));
        assert_eq!(refused, Err(ClaimError::NotARegistration));
    }

    #[test]
    fn a_transaction_that_fills_an_envelope_is_too_large() {
        let registration =
            BurnScript { public_key: key("one").public_key(), timestamp_ms: None, purpose: None }
                .build();
        let claim = |others: usize| {
            let mut scripts = vec![[0; 200].as_slice(); others];
            scripts.insert(0, &registration);
            let included = IncludedTransaction {
                raw: transaction(&scripts),
                block: ltms_core::BlockHash::from_bytes([1; 32]),
                position: 1,
                branch: vec![[1; 32]],
            };
            registration_envelope(Network::Reg, &included, 0, &key("one")).map(|_| ())
        };
        assert_eq!(claim(46), Ok(()));
        assert!(matches!(claim(47), Err(ClaimError::TooLarge(_))));
    }
}
