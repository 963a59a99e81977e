//! Blocks and burns as a regtest chain has them.

use ltms_core::burn::BurnScript;
use ltms_core::chain::{Header, Input, Output, Transaction, TxError, merkle};
use ltms_core::hash::{double_sha256, sha256};
use ltms_core::{Amount, BlockHash, OutPoint, Txid};

use super::raw::{self, compact_size};

/// The easiest difficulty, which every block of a regtest chain has.
const BITS: u32 = 0x207f_ffff;
/// Blocks for which the epoch field stays the same (lotusd, `block.h`).
const EPOCH: u32 = 5_040;
/// Seconds from one block to the next, as short as it can be: many blocks mined at once then lie
/// hardly in the future.
const SPACING: u64 = 1;
/// What a block pays to its miner, without fees (lotusd, `amount.h`).
const REWARD: Amount = Amount::from_xpi(260);

/// The raw block after `parent` with a coinbase and these transactions, sorted. `number` makes the
/// coinbase, and so the block, another one than any with the same transactions.
pub(super) fn next_block(
    parent: &Header,
    transactions: &[Vec<u8>],
    number: u32,
) -> Result<Vec<u8>, TxError> {
    let height = parent.height().get().saturating_add(1);
    let coinbase = coinbase(height, number);
    let mut entries =
        transactions.iter().map(|raw| Entry::new(raw)).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.order);
    entries.insert(0, Entry::new(&coinbase)?);

    let mut body = vec![0];
    body.extend(compact_size(entries.len()));
    entries.iter().for_each(|entry| body.extend_from_slice(entry.raw));
    let root = merkle::root(entries.iter().map(|entry| entry.leaf)).hash;
    let header = header(parent, height, Header::LEN + body.len(), root);
    Ok([header.as_slice(), &body].concat())
}

/// A transaction with what its place in a block depends on.
struct Entry<'a> {
    order: [u8; 32],
    leaf: [u8; 32],
    raw: &'a [u8],
}

impl<'a> Entry<'a> {
    fn new(raw: &'a [u8]) -> Result<Self, TxError> {
        let transaction = Transaction::parse(raw)?;
        let txid = transaction.txid();
        let leaf = merkle::leaf(&transaction.txhash(), &txid);
        Ok(Self { order: txid.to_display_bytes(), leaf, raw })
    }
}

/// The header after `parent`, with work.
fn header(parent: &Header, height: u32, size: usize, merkle_root: [u8; 32]) -> [u8; Header::LEN] {
    let time = (parent.time().as_millis() / 1000).saturating_add(SPACING).to_le_bytes();
    let size = (size as u64).to_le_bytes();
    let epoch: BlockHash =
        if height.is_multiple_of(EPOCH) { parent.hash() } else { parent.epoch() };
    let mut bytes = [0; Header::LEN];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, parent.hash().as_bytes());
    put(32, &BITS.to_le_bytes());
    put(36, &time[..6]);
    put(52, &[1]);
    put(53, &size[..7]);
    put(60, &height.to_le_bytes());
    put(64, epoch.as_bytes());
    put(96, &merkle_root);
    // No metadata: the hash of a list of none.
    put(128, &double_sha256(&[&[0]]));
    // Every other nonce will do. A header that is none gets no work, and is refused when read.
    for nonce in 0_u64.. {
        bytes[44..52].copy_from_slice(&nonce.to_le_bytes());
        if Header::parse(&bytes).map_or(true, |header| header.meets_target()) {
            break;
        }
    }
    bytes
}

fn coinbase(height: u32, number: u32) -> Vec<u8> {
    let script = [[0; 7].as_slice(), &number.to_le_bytes()].concat();
    let height = script_number(height);
    let mark = [&[0x6a, 5], b"logos".as_slice(), &[height.len() as u8], &height].concat();
    let nobody = [&[0x76, 0xa9, 20], [0; 20].as_slice(), &[0x88, 0xac]].concat();
    let nothing = OutPoint { txid: Txid::from_bytes([0; 32]), vout: u32::MAX };
    let mark = Output { value: Amount::ZERO, script: &mark };
    transaction(nothing, &script, &[mark, Output { value: REWARD, script: &nobody }])
}

/// See [`super::DevChain::purpose_transaction`].
pub(super) fn burn_transaction(script: &BurnScript, amount: Amount) -> Vec<u8> {
    let (burn, key) = (script.build(), script.public_key);
    let spent = sha256(&[b"ltms dev chain", &amount.sats().to_le_bytes(), &burn]);
    // The form of a signature and a key, and nothing in it.
    let script = [[65].as_slice(), &[0; 65], &[33], key.as_bytes()].concat();
    let spent = OutPoint { txid: Txid::from_bytes(spent), vout: 0 };
    transaction(spent, &script, &[Output { value: amount, script: &burn }])
}

/// A transaction with one input.
fn transaction(spent: OutPoint, script: &[u8], outputs: &[Output<'_>]) -> Vec<u8> {
    let input = Input { previous: spent, script, sequence: u32::MAX };
    raw::transaction([input].into_iter(), outputs.iter().copied())
}

/// A number as scripts have it: little-endian and short, the highest bit for the sign.
fn script_number(number: u32) -> Vec<u8> {
    let mut bytes = u64::from(number).to_le_bytes().to_vec();
    while let [.., before, 0] = bytes.as_slice()
        && *before < 0x80
    {
        bytes.pop();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::Block;
    use super::*;

    /// Headers of a real chain around the end of its first epoch.
    fn recorded_headers() -> Vec<Header> {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/regtest/epoch_headers.json");
        let list: Vec<serde_json::Value> =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(list.len(), 8);
        let hex = |entry: &serde_json::Value| entry["header_hex"].as_str().unwrap().to_owned();
        list.iter().map(|entry| Header::parse(&hex::decode(hex(entry)).unwrap()).unwrap()).collect()
    }

    #[test]
    fn fields_follow_from_the_parent_as_on_a_real_chain() {
        let mut pairs = 0;
        for pair in recorded_headers().windows(2) {
            let [parent, real] = pair else { panic!("not a pair") };
            let raw = next_block(parent, &[], 0).unwrap();
            let made = *Block::parse(&raw).unwrap().header();
            assert_eq!(made.prev(), parent.hash());
            assert!(made.time() > parent.time());
            if real.prev() == parent.hash() {
                assert_eq!(made.height(), real.height());
                assert_eq!(made.bits(), real.bits());
                assert_eq!(made.epoch(), real.epoch());
                pairs += 1;
            }
        }
        assert_eq!(pairs, 5);
    }

    #[test]
    fn the_coinbase_names_the_height_as_on_a_real_chain() {
        let mark = |raw: &[u8]| {
            let coinbase = Transaction::parse(raw).unwrap();
            assert!(coinbase.is_coinbase());
            hex::encode(coinbase.output(0).unwrap().script)
        };
        assert_eq!(mark(&coinbase(122, 0)), "6a056c6f676f73017a");
        assert_eq!(mark(&coinbase(187, 0)), "6a056c6f676f7302bb00");
        assert_ne!(coinbase(187, 0), coinbase(187, 1));
    }

    #[test]
    fn script_numbers_are_short_and_positive() {
        assert_eq!(script_number(122), [0x7a]);
        assert_eq!(script_number(127), [0x7f]);
        assert_eq!(script_number(128), [0x80, 0]);
        assert_eq!(script_number(187), [0xbb, 0]);
        assert_eq!(script_number(256), [0, 1]);
        assert_eq!(script_number(5_040), [0xb0, 0x13]);
    }
}
