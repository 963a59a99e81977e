//! What attackers send without an end.

use libp2p::identity::Keypair;
use ltms_core::{Millis, Timestamp, size};
use ltms_net::{behaviour::streams::Request, clock::Clock};

use super::common::{
    flood::Flood,
    signers::{Owner, stranger},
    wire::{find_node, frame, ihave, iwant, message, subscribe},
};

const DIRECT: &str = "/ltms/direct/1";
const GOSSIP: &str = "/meshsub/1.1.0";
const DHT: &str = "/lotus/kad/reg/1.0.0";
const ADS: &str = "ltms/1/reg/ads";
/// What gzip begins with: somebody may think that frames can be compressed.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
/// Bytes of small messages that are written at a time.
const BLOCK: usize = 8 << 10;

/// What is signed beforehand, so that the attacker's processor is no limit.
pub(crate) struct Ammunition {
    /// Of the attacker's own identity.
    spam: Vec<Vec<u8>>,
    /// In the name of an honest identity, which has not advertised.
    forged: Vec<Vec<u8>>,
    /// Advertisements that have ended.
    expired: Vec<Vec<u8>>,
    now: Timestamp,
}

impl Ammunition {
    /// With an identity of the attacker's and one whose name it takes.
    pub(crate) fn new(own: u32, named: u32) -> Self {
        let now = Clock::system().now();
        let at = |number| now.saturating_add(Millis::new(number));
        let (own, named) = (Owner::new(own), Owner::new(named));
        // Every one newer than those before: a dozen of one key, then of ten keys and ten too many.
        let spam = (0..212).map(|number: u32| match number.saturating_sub(11) % 20 {
            0 => own.advertise(at(number.into())),
            key => own.advertise_key(1_000_000 + key, at(number.into())),
        });
        let forged = (0..16).map(|number| {
            let mut envelope = named.advertise(at(number));
            if let Some(last) = envelope.last_mut() {
                *last ^= 1;
            }
            envelope
        });
        let old = now.saturating_sub(Millis::from_hours(48));
        Self {
            spam: spam.collect(),
            forged: forged.collect(),
            expired: vec![named.advertise(old)],
            now,
        }
    }
}

/// A frame of the direct protocol.
fn direct(message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).expect("a frame");
    [&len.to_be_bytes()[..], message].concat()
}

fn push(envelope: &[u8]) -> Vec<u8> {
    direct(&Request::Push(envelope.to_vec()).encode())
}

const fn one_by_one(blocks: Vec<Vec<u8>>) -> Flood {
    Flood { protocol: DIRECT, blocks, messages: 1, answered: true }
}

/// Valid advertisements of one identity, and of strangers that vouch for themselves.
pub(crate) fn spam(it: &Ammunition, key: &Keypair) -> Flood {
    let peer = key.public().to_peer_id();
    let strangers = (0..6).map(|number| push(&stranger(number, &peer, it.now)));
    one_by_one(strangers.chain(it.spam.iter().map(|envelope| push(envelope))).collect())
}

/// Frames that are too long. The lengths are the policy's, not the program's: what it permits is
/// what is looked at.
pub(crate) fn oversize(_: &Ammunition, _: &Keypair) -> Flood {
    let endless = [&200_000_u32.to_be_bytes()[..], &[0; 4_096]].concat();
    one_by_one(vec![endless, direct(&[0; 100_001])])
}

/// Frames that are no message.
pub(crate) fn malformed(_: &Ammunition, _: &Keypair) -> Flood {
    let zipped = [&GZIP[..], &[0x55; 3_000]].concat();
    one_by_one(vec![
        // An array in an array in an array …
        direct(&vec![0x81; size::FRAME]),
        direct(&zipped),
        push(&zipped),
        push(&vec![0; size::ENVELOPE + 1]),
        direct(&[]),
    ])
}

/// Advertisements in another's name whose signature does not hold.
pub(crate) fn forged(it: &Ammunition, _: &Keypair) -> Flood {
    one_by_one(it.forged.iter().map(|envelope| push(envelope)).collect())
}

/// Signed messages in gossip, sixteen in each RPC, with an advertisement that has ended.
pub(crate) fn gossip(it: &Ammunition, key: &Keypair) -> Flood {
    let one = |number: u64| message(key, ADS, number, &it.expired[0]);
    let rpc = frame(&(0..16).flat_map(one).collect::<Vec<_>>());
    Flood { protocol: GOSSIP, blocks: vec![rpc], messages: 16, answered: false }
}

/// Messages that nobody has, offered and asked for, ninety in each RPC.
pub(crate) fn control(_: &Ammunition, _: &Keypair) -> Flood {
    let ids = |block: u8, rpc: u8| -> Vec<Vec<u8>> {
        (0..90).map(|id| [&[9; 73][..], &[block, rpc, id]].concat()).collect()
    };
    let rpcs = |block: u8, rpc: u8| {
        let ids = ids(block, rpc);
        [frame(&ihave(ADS, &ids)), frame(&iwant(&ids))].concat()
    };
    let block =
        |block: u8| [frame(&subscribe(ADS)), (0..8).flat_map(|rpc| rpcs(block, rpc)).collect()];
    let blocks = (0..32).map(|number| block(number).concat()).collect();
    Flood { protocol: GOSSIP, blocks, messages: 17, answered: false }
}

/// Questions for the nearest peers.
pub(crate) fn questions(_: &Ammunition, _: &Keypair) -> Flood {
    let question = find_node();
    let messages = BLOCK / question.len();
    Flood { protocol: DHT, blocks: vec![question.repeat(messages)], messages, answered: true }
}
