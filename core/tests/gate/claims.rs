//! Burns: those of the recorded regtest chain, and made ones for amounts that it does not have.

use std::sync::OnceLock;

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::hash::sha256;
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{
    BurnClaim, Credit, IncludedBurn, Registration, Rotation, credit_hash, register_hash,
    rotation_hash,
};
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
    pub(crate) what: What,
}

/// What a burn is claimed for, beside the registration of its outpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Registration,
    Rotation { id: IdentityId, sequence: u64, by_new: Signature },
    Credit { id: IdentityId, sequence: u64 },
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
            what: What::Registration,
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
        match outputs.len() {
            len @ 0..0xfd => raw.push(len as u8),
            len => {
                raw.push(0xfd);
                raw.extend(u16::try_from(len).unwrap().to_le_bytes());
            }
        }
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
            what: What::Registration,
        };
        claim.sign(secret);
        claim
    }

    pub(crate) fn burn(&self) -> IncludedBurn<'_> {
        IncludedBurn {
            transaction: &self.transaction,
            vout: self.vout,
            block: self.block,
            position: self.position,
            branch: &self.branch,
        }
    }

    /// As it is on the wire.
    pub(crate) fn claimed(&self) -> BurnClaim<'_> {
        let burn = self.burn();
        match self.what {
            What::Registration => BurnClaim::Registration(Registration { burn }),
            What::Rotation { id, sequence, by_new } => BurnClaim::Rotation(Rotation {
                burn,
                identity: id,
                sequence,
                created_at: MADE_AT,
                new_key_signature: by_new,
            }),
            What::Credit { id, sequence } => {
                BurnClaim::Credit(Credit { burn, identity: id, sequence })
            }
        }
    }

    /// The identity that it is about.
    pub(crate) fn identity(&self) -> IdentityId {
        match self.what {
            What::Registration => self.id(),
            What::Rotation { id, .. } | What::Credit { id, .. } => id,
        }
    }

    /// The burn of `amount` that gives `id` the key of `new` by its rotation `sequence`, signed by
    /// `old` and `new`.
    pub(crate) fn rotation(
        old: &SecretKey,
        new: &SecretKey,
        id: &IdentityId,
        sequence: u64,
        height: u32,
    ) -> Self {
        let purpose = Some((Purpose::Rotation, *id));
        let claim = Self::with_script(new, Amount::from_xpi(5), height, purpose);
        claim.rotating(id, sequence).signed_by(old, new)
    }

    /// Claimed as a rotation; nobody signs.
    pub(crate) fn rotating(mut self, id: &IdentityId, sequence: u64) -> Self {
        self.what = What::Rotation { id: *id, sequence, by_new: UNSIGNED };
        self.signature = UNSIGNED;
        self
    }

    /// A rotation, signed on regtest by the old and the new key.
    pub(crate) fn signed_by(self, old: &SecretKey, new: &SecretKey) -> Self {
        self.signed_on(Network::Reg, old, new)
    }

    pub(crate) fn signed_on(mut self, network: Network, old: &SecretKey, new: &SecretKey) -> Self {
        let What::Rotation { id, sequence, by_new } = &mut self.what else { panic!("a rotation") };
        let (from, to) = (old.public_key(), new.public_key());
        let txid = Transaction::parse(&self.transaction).unwrap().txid();
        let outpoint = OutPoint { txid, vout: self.vout.into() };
        let hash = rotation_hash(network, id, *sequence, &from, &to, &outpoint, MADE_AT);
        self.signature = old.sign(&hash);
        *by_new = new.sign(&hash);
        self
    }

    /// The burn of `amount` for another `purpose` by `key`, claimed under rotation 0.
    pub(crate) fn credit(
        key: &SecretKey,
        purpose: Purpose,
        id: &IdentityId,
        amount: Amount,
        height: u32,
    ) -> Self {
        let claim = Self::with_script(key, amount, height, Some((purpose, *id)));
        claim.crediting(purpose, id, 0, key, &key.public_key())
    }

    /// Claimed as a credit under rotation `sequence`, signed by `current`.
    pub(crate) fn crediting(
        mut self,
        purpose: Purpose,
        id: &IdentityId,
        sequence: u64,
        current: &SecretKey,
        script_key: &PublicKey,
    ) -> Self {
        let outpoint = self.outpoint();
        let hash = credit_hash(Network::Reg, id, purpose, &outpoint, script_key, sequence);
        self.signature = current.sign(&hash);
        self.what = What::Credit { id: *id, sequence };
        self
    }

    /// The same burn in another block: at another place of another height.
    pub(crate) fn moved(mut self, height: u32, position: u32) -> Self {
        let parsed = Transaction::parse(&self.transaction).unwrap();
        let leaf = merkle::leaf(&parsed.txhash(), &parsed.txid());
        self.position = position;
        self.branch = vec![[8; 32]; 3];
        let root = merkle::root_from_branch(&leaf, position, &self.branch).unwrap();
        self.header = header(height, root);
        self.block = self.header.hash();
        self
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

const UNSIGNED: Signature = Signature::from_bytes([0; 64]);

/// When every rotation was made; nobody reads it yet.
const MADE_AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

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
