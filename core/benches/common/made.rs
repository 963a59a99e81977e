//! Peers, identities and advertisements in any number, signed only where that matters.
//!
//! Other tickets are settled as [`SignatureCheck::Valid`], which is what a caller says who has
//! checked the signatures, so a million rows come to stand as they do in a node, only sooner.

use core::net::{IpAddr, Ipv4Addr};

use k256::elliptic_curve::{BatchNormalize, group::GroupEncoding};
use k256::{ProjectivePoint, Scalar};
use ltms_core::burn::BurnScript;
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::*;
use ltms_core::*;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_795_400_000_000);
pub(crate) const SECOND: Millis = Millis::from_secs(1);
pub(crate) const DAY: Millis = Millis::from_days(1);
pub(crate) const POLICY: Policy = Policy::LOTUS_V1.on(Network::Reg);
const BURNED_AT: u32 = 100;
pub(crate) const UNSIGNED: Signature = Signature::from_bytes([0; 64]);

/// Random enough for tests: every output from its number alone (splitmix64).
pub(crate) const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Numbers below `bound`, in an order of their own.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(1);
        ((u128::from(mix(self.0)) * bound as u128) >> 64) as usize
    }
}

/// The id of the peer with this number, as those of Ed25519 keys look.
pub(crate) fn peer(number: u64) -> PeerId {
    let mut bytes = [0; 38];
    bytes[..6].copy_from_slice(&[0, 0x24, 8, 1, 0x12, 0x20]);
    for (word, chunk) in (0..).zip(bytes[6..].chunks_exact_mut(8)) {
        chunk.copy_from_slice(&mix(number.wrapping_mul(4) + word).to_le_bytes());
    }
    PeerId::from_bytes(&bytes).unwrap()
}

/// An inbound connection of this peer from an address of the `group`th /24.
pub(crate) fn connection(number: u64, group: u32) -> Connection {
    let [_, a, b, c] = group.to_be_bytes();
    let host = 1 + (number % 250) as u8;
    let address = Some(IpAddr::V4(Ipv4Addr::new(a ^ 60, b, c, host)));
    Connection { peer: peer(number), address, direction: Direction::Inbound }
}

/// As many keys on the curve, by consecutive secrets.
pub(crate) fn keys(first: u64, count: usize) -> Vec<PublicKey> {
    let mut point = ProjectivePoint::GENERATOR * Scalar::from(first + 1);
    let mut keys = Vec::with_capacity(count + 256);
    while keys.len() < count {
        let points: [ProjectivePoint; 256] = core::array::from_fn(|_| {
            let this = point;
            point += ProjectivePoint::GENERATOR;
            this
        });
        for affine in ProjectivePoint::batch_normalize(&points) {
            keys.push(PublicKey::from_bytes(affine.to_bytes().into()));
        }
    }
    keys.truncate(count);
    keys
}

/// The secret of the key with this number, of those that [`keys`] makes from `0`.
pub(crate) fn secret(number: u64) -> SecretKey {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&(number + 1).to_be_bytes());
    SecretKey::from_bytes(&bytes).unwrap()
}

/// A registration of 50 XPI in a block of its own.
pub(crate) struct Claim {
    pub(crate) transaction: Vec<u8>,
    branch: [[u8; 32]; 1],
    pub(crate) header: Header,
    outpoint: OutPoint,
    pub(crate) id: IdentityId,
    signature: Signature,
}

impl Claim {
    pub(crate) fn new(key: &PublicKey) -> Self {
        let script = BurnScript { public_key: *key, timestamp_ms: None, purpose: None }.build();
        let mut transaction = vec![2, 0, 0, 0, 1];
        transaction.extend(&key.as_bytes()[1..]);
        transaction.extend([0; 4]);
        transaction.push(60);
        transaction.extend([7; 60]);
        transaction.extend([0xff; 4]);
        transaction.push(1);
        transaction.extend(Amount::from_xpi(50).sats().to_le_bytes());
        transaction.push(u8::try_from(script.len()).unwrap());
        transaction.extend(&script);
        transaction.extend([0; 4]);
        let (branch, parsed) = ([[9; 32]], Transaction::parse(&transaction).unwrap());
        let leaf = merkle::leaf(&parsed.txhash(), &parsed.txid());
        let root = merkle::root_from_branch(&leaf, 1, &branch).unwrap();
        let mut header = [0; Header::LEN];
        header[52] = 1;
        header[60..64].copy_from_slice(&BURNED_AT.to_le_bytes());
        header[96..128].copy_from_slice(&root);
        let header = Header::parse(&header).unwrap();
        let outpoint = OutPoint { txid: parsed.txid(), vout: 0 };
        let id = outpoint.identity_id().unwrap();
        Self { transaction, branch, header, outpoint, id, signature: UNSIGNED }
    }

    /// With the signature by which the key claims it.
    pub(crate) fn signed(secret: &SecretKey) -> Self {
        let claim = Self::new(&secret.public_key());
        let hash = register_hash(POLICY.network, &claim.outpoint, &secret.public_key());
        Self { signature: secret.sign(&hash), ..claim }
    }

    pub(crate) fn claimed(&self) -> BurnClaim<'_> {
        let burn = IncludedBurn {
            transaction: &self.transaction,
            vout: 0,
            block: self.header.hash(),
            position: 1,
            branch: &self.branch,
        };
        BurnClaim::Registration(Registration { burn })
    }

    /// The claim's first question.
    pub(crate) fn screen<S: Storage>(
        &self,
        gate: &mut Gate<S>,
        now: Timestamp,
        source: &Source,
    ) -> Screening<ClaimTicket> {
        gate.screen_claim(now, source, &self.claimed(), self.signature)
    }

    /// The whole way, as if its signature had been checked.
    pub(crate) fn settle<S: Storage>(
        &self,
        gate: &mut Gate<S>,
        now: Timestamp,
        source: &Source,
    ) -> Decision {
        let ticket = match self.screen(gate, now, source) {
            Screening::Proceed(ticket) => ticket,
            Screening::Done(decision) => return decision,
        };
        match gate.settle_claim(now, ticket, SignatureCheck::Valid) {
            Screening::Proceed(lookup) => {
                let found = BlockEvidence { header: &self.header, class: EvidenceClass::Node };
                gate.settle_burn(now, lookup, Some(&found))
            }
            Screening::Done(decision) => decision,
        }
    }
}

/// An advertisement with two addresses, three types, an amount and a name.
#[derive(Clone, Copy)]
pub(crate) struct Ad {
    pub(crate) author: PublicKey,
    pub(crate) identity: Option<IdentityId>,
    /// The advertised peer.
    pub(crate) peer: PeerId,
    pub(crate) created_at: Timestamp,
    pub(crate) lasting: Millis,
    /// By which the identity's current key lets another author speak.
    pub(crate) delegation: Option<Delegation>,
}

impl Ad {
    /// As it goes over the wire, but for the signature.
    pub(crate) fn seal(&self) -> Vec<u8> {
        self.sealed(|_| UNSIGNED)
    }

    /// As it goes over the wire.
    pub(crate) fn sign(&self, secret: &SecretKey) -> Vec<u8> {
        self.sealed(|body| secret.sign(&ad_hash(POLICY.network, body)))
    }

    fn sealed(&self, sign: impl FnOnce(&[u8]) -> Signature) -> Vec<u8> {
        let tcp = [4, 8, 8, 4, 4, 6, 0x0f, 0xa1];
        let quic = [4, 8, 8, 4, 4, 0x91, 2, 0x0f, 0xa1, 0xcd, 3];
        let delegation = self.delegation;
        let authority =
            self.identity.map(|identity| Authority { identity, sequence: 0, delegation });
        let ad = Advertisement {
            author: self.author,
            created_at: self.created_at,
            expires_at: self.created_at.saturating_add(self.lasting),
            peer: self.peer,
            addresses: [&tcp[..], &quic[..]].into_iter().collect(),
            types: [1, 2, 3].into_iter().collect(),
            amount: Some(AmountRange { min: Amount::from_xpi(1), max: Amount::from_xpi(10_000) }),
            fee: None,
            nickname: Some("signer"),
            description: None,
            authority,
        };
        let (mut body, mut envelope) = ([0; 512], [0; 640]);
        let len = ad.encode(&mut body).unwrap();
        let signature = sign(&body[..len]);
        let sealed = Envelope { kind: Kind::Advertisement, body: &body[..len], signature };
        let len = sealed.encode(&mut envelope).unwrap();
        envelope[..len].to_vec()
    }
}

/// Screens and settles an envelope as if its signatures had been checked.
pub(crate) fn settle<S: Storage>(
    gate: &mut Gate<S>,
    now: Timestamp,
    source: &Source,
    envelope: &[u8],
) -> Decision {
    let ad = AdHeader::read(POLICY.network, envelope).unwrap();
    match gate.screen_ad(now, source, &ad) {
        Screening::Proceed(ticket) => gate.settle_ad(now, ticket, SignatureCheck::Valid),
        Screening::Done(decision) => decision,
    }
}

/// Tells a tip far above every burn.
pub(crate) fn set_tip<S: Storage>(gate: &mut Gate<S>, now: Timestamp) {
    let height = BlockHeight::new(BURNED_AT + 1000);
    let tip = Tip { height, hash: BlockHash::from_bytes([1; 32]) };
    assert_eq!(gate.set_tip(now, tip, height).reason, Reason::Clear);
}
