//! Keys, signatures, messages and burns, made from the numbers of a scenario.
//!
//! Signatures are those of a toy scheme that whoever knows a public key can make: whether one
//! holds is the scenario's to say. Only a hello is really signed, because the Gate checks it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::hash::sha256;
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{
    Advertisement, AmountRange, Authority, BurnClaim, Credit, Delegation, Envelope, IncludedBurn,
    Kind, Registration, Rotation, Withdrawal, ad_hash, credit_hash, delegation_hash, register_hash,
    rotation_hash, withdrawal_hash,
};
use ltms_core::*;
use serde_json::Value;

pub(crate) const NETWORK: Network = Network::Reg;
/// A signature that never holds.
pub(crate) const GARBAGE: Signature = Signature::from_bytes([3; 64]);
/// Texts that make an envelope longer than a small local limit.
const NICKNAME: &str = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
const PADDING: usize = 200;

pub(crate) fn number(op: &Value, field: &str) -> u64 {
    op[field].as_u64().unwrap_or_else(|| panic!("no number {field} in {op}"))
}

pub(crate) fn small(op: &Value, field: &str) -> u32 {
    u32::try_from(number(op, field)).unwrap()
}

pub(crate) fn text<'a>(op: &'a Value, field: &str) -> &'a str {
    op[field].as_str().unwrap_or_else(|| panic!("no text {field} in {op}"))
}

/// Whether a field that may be absent is true.
pub(crate) fn is(op: &Value, field: &str) -> bool {
    op[field].as_bool().unwrap_or(false)
}

pub(crate) fn time(op: &Value, field: &str) -> Timestamp {
    Timestamp::from_millis(number(op, field))
}

pub(crate) fn peer(number: u32) -> PeerId {
    let mut bytes = [7; 38];
    bytes[..6].copy_from_slice(&[0, 0x24, 8, 1, 0x12, 0x20]);
    bytes[34..].copy_from_slice(&number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

pub(crate) fn secret(number: u32) -> SecretKey {
    SecretKey::from_bytes(&sha256(&[format!("scenario key {number}").as_bytes()])).unwrap()
}

/// The public key of this number; making one is dear.
pub(crate) fn key(number: u32) -> PublicKey {
    static KEYS: LazyLock<Mutex<HashMap<u32, PublicKey>>> = LazyLock::new(Mutex::default);
    *KEYS.lock().unwrap().entry(number).or_insert_with(|| secret(number).public_key())
}

/// A signature of the toy scheme.
pub(crate) fn sign(key: &PublicKey, hash: &[u8; 32]) -> Signature {
    let half = sha256(&[b"toy", key.as_bytes(), hash]);
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&half);
    bytes[32..].copy_from_slice(&half);
    Signature::from_bytes(bytes)
}

pub(crate) fn holds(signed: &Signed) -> bool {
    signed.signature == sign(&signed.key, &signed.hash)
}

pub(crate) fn sequence(op: &Value) -> u64 {
    op["sequence"].as_u64().unwrap_or(0)
}

/// The delegation of an operation to `author`, signed by whom it says, if by anybody.
pub(crate) fn delegation(
    op: &Value,
    identity: &IdentityId,
    author: &PublicKey,
    sign: impl Fn(u32, &[u8; 32]) -> Signature,
) -> Option<Delegation> {
    let given = op.get("delegation")?;
    let not_after = time(given, "until");
    let hash = delegation_hash(NETWORK, identity, author, sequence(op), not_after);
    let by = given.get("by").map(|_| small(given, "by"));
    Some(Delegation { not_after, signature: by.map_or(GARBAGE, |by| sign(by, &hash)) })
}

/// The envelope of an advertisement or withdrawal.
pub(crate) fn envelope(op: &Value, identity: impl Fn(u32) -> IdentityId) -> Vec<u8> {
    let author = key(small(op, "author"));
    let created_at = time(op, "created");
    let authority = op.get("identity").map(|_| {
        let identity = identity(small(op, "identity"));
        let delegation = delegation(op, &identity, &author, |by, hash| sign(&key(by), hash));
        Authority { identity, sequence: sequence(op), delegation }
    });
    let mut body = [0; 2000];
    let kind = if is(op, "withdrawal") { Kind::Withdrawal } else { Kind::Advertisement };
    let padding = "d".repeat(PADDING);
    let len = if kind == Kind::Withdrawal {
        Withdrawal { author, created_at, authority }.encode(&mut body)
    } else {
        let list = |field: &str| op[field].as_array().cloned();
        let types = list("types").unwrap_or_else(|| vec![1.into()]);
        let amount = list("amount").map(|range| {
            let [min, max] = [0, 1].map(|at| Amount::from_sats(range[at].as_u64().unwrap()));
            AmountRange { min, max }
        });
        Advertisement {
            author,
            created_at,
            expires_at: time(op, "expires"),
            peer: peer(small(op, "peer")),
            addresses: Default::default(),
            types: types.iter().map(|n| u16::try_from(n.as_u64().unwrap()).unwrap()).collect(),
            amount,
            fee: None,
            nickname: is(op, "padded").then_some(NICKNAME),
            description: is(op, "padded").then_some(&*padding),
            authority,
        }
        .encode(&mut body)
    };
    let body = &body[..len.unwrap()];
    let hash = match kind {
        Kind::Withdrawal => withdrawal_hash(NETWORK, body),
        _ => ad_hash(NETWORK, body),
    };
    let signature = if is(op, "forged") { GARBAGE } else { sign(&author, &hash) };
    let mut out = [0; size::ENVELOPE];
    let len = Envelope { kind, body, signature }.encode(&mut out).unwrap();
    out[..len].to_vec()
}

/// A burn in a block.
pub(crate) struct Burn {
    transaction: Vec<u8>,
    vout: u8,
    block: BlockHash,
    position: u32,
    branch: Vec<[u8; 32]>,
    header: Header,
    key: PublicKey,
}

fn output(amount: Amount, script: &[u8]) -> Vec<u8> {
    let mut out = amount.sats().to_le_bytes().to_vec();
    out.push(u8::try_from(script.len()).unwrap());
    out.extend(script);
    out
}

fn transaction(salt: u32, outputs: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = vec![2, 0, 0, 0, 1];
    raw.extend(sha256(&[&salt.to_le_bytes()]));
    raw.extend([0; 4]);
    raw.push(60);
    raw.extend([7; 60]);
    raw.extend([0xff; 4]);
    raw.push(u8::try_from(outputs.len()).unwrap());
    outputs.iter().for_each(|output| raw.extend(output));
    raw.extend([0; 4]);
    raw
}

fn header(height: u32, root: [u8; 32]) -> Header {
    let mut bytes = [0; Header::LEN];
    bytes[52] = 1;
    bytes[60..64].copy_from_slice(&height.to_le_bytes());
    bytes[96..128].copy_from_slice(&root);
    Header::parse(&bytes).unwrap()
}

fn purpose(op: &Value, id: impl Fn(u32) -> IdentityId) -> Option<(Purpose, IdentityId)> {
    let purpose = match op.get("purpose")?.as_str().unwrap() {
        "rotation" => Purpose::Rotation,
        "additional_key" => Purpose::AdditionalKey,
        "request" => Purpose::SigningRequest,
        "extension" => Purpose::WeeklyExtension,
        "directory_entry" => Purpose::DirectoryEntry,
        "top_up" => Purpose::TopUp,
        other => panic!("no purpose {other}"),
    };
    let named = if op.get("names").is_some() { "names" } else { "identity" };
    Some((purpose, id(small(op, named))))
}

/// The outpoint whose burn makes the `number`-th identity, and its transaction.
pub(crate) fn registration(number: u32, burn: &(u32, Amount)) -> (OutPoint, Vec<u8>) {
    let script = BurnScript { public_key: key(burn.0), timestamp_ms: None, purpose: None };
    let raw = transaction(number, &[output(burn.1, &script.build())]);
    let txid = Transaction::parse(&raw).unwrap().txid();
    (OutPoint { txid, vout: 0 }, raw)
}

impl Burn {
    /// The burn of a claim; `registered` is that of the identity which it names.
    pub(crate) fn of(
        op: &Value,
        registered: &(u32, Amount),
        id: impl Fn(u32) -> IdentityId,
    ) -> Self {
        let registers = text(op, "what") == "registration";
        let defect = op["defect"].as_str().unwrap_or_default();
        let (number, amount) = if registers {
            *registered
        } else {
            (small(op, "key"), Amount::from_sats(self::number(op, "amount")))
        };
        let vout = op["output"].as_u64().unwrap_or(0) as u8;
        let purpose = purpose(op, id);
        let script = BurnScript { public_key: key(number), timestamp_ms: None, purpose };
        let mut script = script.build().to_vec();
        match defect {
            "script" => script[2] = b'X',
            "version" => script[7] = 2,
            _ => {}
        }
        let mut outputs = vec![output(Amount::ZERO, &[0x51]); vout.into()];
        outputs.push(output(amount, &script));
        let salt = if registers { small(op, "identity") } else { 1000 };
        let mut raw = transaction(salt, &outputs);
        let parsed = Transaction::parse(&raw).unwrap();
        let leaf = merkle::leaf(&parsed.txhash(), &parsed.txid());
        let (mut position, branch) = (small(op, "position"), vec![[8; 32]; 3]);
        let root = merkle::root_from_branch(&leaf, position, &branch).unwrap();
        let in_block = if op["block"] == "root" { [1; 32] } else { root };
        let header = header(small(op, "height"), in_block);
        match defect {
            "garbage" => raw.truncate(20),
            "coinbase" => position = 0,
            "branch" => position = 9,
            _ => {}
        }
        let vout = if defect == "output" { vout + 1 } else { vout };
        Self {
            transaction: raw,
            vout,
            block: header.hash(),
            position,
            branch,
            header,
            key: key(number),
        }
    }

    /// The header that our source has for the claim's block, if it has one.
    pub(crate) fn found(&self, op: &Value) -> Option<Header> {
        match op["block"].as_str().unwrap_or("found") {
            "unknown" => None,
            "other" => Some(header(1, [1; 32])),
            _ => Some(self.header),
        }
    }

    fn included(&self) -> IncludedBurn<'_> {
        IncludedBurn {
            transaction: &self.transaction,
            vout: self.vout,
            block: self.block,
            position: self.position,
            branch: &self.branch,
        }
    }

    fn outpoint(&self) -> OutPoint {
        let parsed = Transaction::parse(&self.transaction);
        let txid = parsed.map_or_else(|_| Txid::from_bytes([0; 32]), |parsed| parsed.txid());
        OutPoint { txid, vout: self.vout.into() }
    }

    /// The claim and its signature by whom the operation says, as over what it claims.
    pub(crate) fn claim(
        &self,
        op: &Value,
        id: impl Fn(u32) -> IdentityId,
    ) -> (BurnClaim<'_>, Signature) {
        let (burn, sequence, outpoint) = (self.included(), sequence(op), self.outpoint());
        let identity = id(small(op, "identity"));
        let by = op.get("by").map(|_| key(small(op, "by")));
        let signed = |hash| by.map_or(GARBAGE, |by| sign(&by, &hash));
        match text(op, "what") {
            "registration" => {
                let hash = register_hash(NETWORK, &outpoint, &self.key);
                (BurnClaim::Registration(Registration { burn }), signed(hash))
            }
            "rotation" => {
                // The latest time that a message can name.
                let created_at =
                    time(op, "now").min(Timestamp::NEVER.saturating_sub(Millis::new(1)));
                let old = by.unwrap_or(self.key);
                let hash = rotation_hash(
                    NETWORK, &identity, sequence, &old, &self.key, &outpoint, created_at,
                );
                let unsigned = is(op, "unsigned_by_new");
                let new_key_signature = if unsigned { GARBAGE } else { sign(&self.key, &hash) };
                let claim = Rotation { burn, identity, sequence, created_at, new_key_signature };
                (BurnClaim::Rotation(claim), signed(hash))
            }
            "credit" => {
                let (purpose, _) = purpose(op, id).unwrap();
                let hash = credit_hash(NETWORK, &identity, purpose, &outpoint, &self.key, sequence);
                (BurnClaim::Credit(Credit { burn, identity, sequence }), signed(hash))
            }
            other => panic!("no claim of a {other}"),
        }
    }
}
