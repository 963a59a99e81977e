//! Burns: those of the recorded regtest chain, and made ones for amounts that it does not have.

use std::sync::OnceLock;

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::hash::sha256;
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{Registration, register_hash};
use ltms_core::*;
use serde_json::Value;

/// The secret of the key in burn `number` of block 187.
pub(crate) fn secret(number: u32) -> SecretKey {
    named(&format!("lotus regtest identity {number}"))
}

pub(crate) fn named(name: &str) -> SecretKey {
    SecretKey::from_bytes(&sha256(&[name.as_bytes()])).unwrap()
}

/// A claim with the block that it names.
pub(crate) struct Claim {
    pub(crate) transaction: Vec<u8>,
    pub(crate) vout: u8,
    pub(crate) block: BlockHash,
    pub(crate) position: u32,
    pub(crate) branch: Vec<[u8; 32]>,
    pub(crate) signature: Signature,
    pub(crate) header: Header,
}

fn vectors() -> &'static Value {
    static VECTORS: OnceLock<Value> = OnceLock::new();
    VECTORS.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/chain.json");
        serde_json::from_slice(&std::fs::read(path).expect(path)).unwrap()
    })
}

fn bytes(entry: &Value, field: &str) -> Vec<u8> {
    hex::decode(entry[field].as_str().unwrap()).unwrap()
}

fn list(name: &str) -> &'static [Value] {
    let entries = vectors()[name].as_array().unwrap();
    assert!(!entries.is_empty());
    entries
}

impl Claim {
    /// Burn `number`, 0 to 19, of block 187: one block of twenty identities.
    pub(crate) fn real(number: u32) -> Self {
        let key = secret(number).public_key().to_string();
        let burn = list("ltms_burns").iter().find(|burn| burn["pubkey_hex"] == key);
        Self::recorded(burn.unwrap(), &secret(number))
    }

    /// All recorded burns: twenty of block 187, and six by one key in block 121.
    pub(crate) fn all_real() -> Vec<Self> {
        let shared = named("lotus regtest identity key");
        let mut secrets: Vec<SecretKey> = (0..20).map(secret).collect();
        secrets.push(shared);
        let secret_of = |burn: &Value| {
            let key = burn["pubkey_hex"].as_str().unwrap();
            secrets.iter().find(|secret| secret.public_key().to_string() == key).unwrap()
        };
        list("ltms_burns").iter().map(|burn| Self::recorded(burn, secret_of(burn))).collect()
    }

    fn recorded(burn: &Value, secret: &SecretKey) -> Self {
        let txid = &burn["txid_hex"];
        let place = list("merkle_branches").iter().find(|place| &place["txid_hex"] == txid);
        let place = place.unwrap();
        let branch = place["branch_internal_hex"].as_array().unwrap().iter();
        let branch = branch.map(|hash| hex::decode(hash.as_str().unwrap()).unwrap());
        let header = Header::parse(&bytes(place, "header_hex")).unwrap();
        let vout = u8::try_from(burn["vout"].as_u64().unwrap()).unwrap();
        let mut claim = Self {
            transaction: bytes(burn, "raw_tx_hex"),
            vout,
            block: header.hash(),
            position: u32::try_from(place["index"].as_u64().unwrap()).unwrap(),
            branch: branch.map(|hash| hash.try_into().unwrap()).collect(),
            signature: Signature::from_bytes([0; 64]),
            header,
        };
        claim.sign(secret);
        assert_eq!(claim.id().to_string(), burn["identity_id_hex"].as_str().unwrap());
        claim
    }

    /// A registration of `amount` in a made block at `height`.
    pub(crate) fn made(secret: &SecretKey, amount: Amount, height: u32) -> Self {
        Self::with_script(secret, amount, height, None)
    }

    pub(crate) fn with_script(
        secret: &SecretKey,
        amount: Amount,
        height: u32,
        purpose: Option<(Purpose, IdentityId)>,
    ) -> Self {
        let script = BurnScript { public_key: secret.public_key(), timestamp_ms: None, purpose };
        Self::raw(secret, &[(amount, &script.build())], height)
    }

    /// The second transaction of a made block, with these outputs.
    pub(crate) fn raw(secret: &SecretKey, outputs: &[(Amount, &[u8])], height: u32) -> Self {
        let mut raw = vec![2, 0, 0, 0, 1];
        raw.extend(sha256(&[&height.to_le_bytes()]));
        raw.extend([0; 4]);
        raw.push(60);
        raw.extend([7; 60]);
        raw.extend([0xff; 4]);
        raw.push(u8::try_from(outputs.len()).unwrap());
        for (amount, script) in outputs {
            raw.extend(amount.sats().to_le_bytes());
            raw.push(u8::try_from(script.len()).unwrap());
            raw.extend(*script);
        }
        raw.extend([0; 4]);
        Self::in_block(secret, raw, height)
    }

    pub(crate) fn in_block(secret: &SecretKey, transaction: Vec<u8>, height: u32) -> Self {
        let (position, branch) = (1, vec![[9; 32]]);
        let parsed = Transaction::parse(&transaction).unwrap();
        let leaf = merkle::leaf(&parsed.txhash(), &parsed.txid());
        let root = merkle::root_from_branch(&leaf, position, &branch).unwrap();
        let header = header(height, root);
        let mut claim = Self {
            transaction,
            vout: 0,
            block: header.hash(),
            position,
            branch,
            signature: Signature::from_bytes([0; 64]),
            header,
        };
        claim.sign(secret);
        claim
    }

    pub(crate) fn registration(&self) -> Registration<'_> {
        Registration {
            transaction: &self.transaction,
            vout: self.vout,
            block: self.block,
            position: self.position,
            branch: &self.branch,
        }
    }

    pub(crate) fn outpoint(&self) -> OutPoint {
        let txid = Transaction::parse(&self.transaction).unwrap().txid();
        OutPoint { txid, vout: self.vout.into() }
    }

    pub(crate) fn id(&self) -> IdentityId {
        self.outpoint().identity_id().unwrap()
    }

    pub(crate) fn sign(&mut self, secret: &SecretKey) {
        self.sign_on(Network::Reg, secret);
    }

    pub(crate) fn sign_on(&mut self, network: Network, secret: &SecretKey) {
        let hash = register_hash(network, &self.outpoint(), &secret.public_key());
        self.signature = secret.sign(&hash);
    }
}

/// A header of a block at `height` over `root`; nobody worked for it.
pub(crate) fn header(height: u32, root: [u8; 32]) -> Header {
    let mut bytes = [0; Header::LEN];
    bytes[52] = 1;
    bytes[60..64].copy_from_slice(&height.to_le_bytes());
    bytes[96..128].copy_from_slice(&root);
    let header = Header::parse(&bytes).unwrap();
    assert_eq!((header.height(), header.merkle_root()), (BlockHeight::new(height), root));
    header
}
