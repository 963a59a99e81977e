//! Recorded blocks, as a file has them.

use ltms_core::chain::Header;
use ltms_core::{BlockHash, Txid};
use serde::Deserialize;

use super::{Block, BlockError};

/// Why a recording is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It is not the JSON of a recording.
    #[error("the recording cannot be read")]
    Json(#[from] serde_json::Error),
    /// There is no block in it.
    #[error("the recording has no block")]
    Empty,
    /// A block is not in hexadecimal.
    #[error("the recorded block {height} is not hexadecimal")]
    Hex {
        /// The recorded height.
        height: u32,
    },
    /// A block is wrong in itself.
    #[error("the recorded block {height} is wrong")]
    Block {
        /// The recorded height.
        height: u32,
        /// What is wrong.
        source: BlockError,
    },
    /// A block has another height, hash or list of ids than what was recorded with it.
    #[error("the recorded block {height} is another block")]
    OtherBlock {
        /// The recorded height.
        height: u32,
    },
    /// A block does not come after the one before it.
    #[error("the recorded block {height} does not follow the one before")]
    Link {
        /// The recorded height.
        height: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    /// Where the blocks come from, for readers.
    #[serde(rename = "about")]
    _about: String,
    blocks: Vec<RecordedBlock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedBlock {
    height: u32,
    hash: BlockHash,
    txids: Vec<Txid>,
    raw: String,
}

impl RecordedBlock {
    fn check(&self) -> Result<Block, RecordingError> {
        let height = self.height;
        let raw = hex::decode(&self.raw).map_err(|_| RecordingError::Hex { height })?;
        let block =
            Block::parse(&raw).map_err(|source| RecordingError::Block { height, source })?;
        let same = block.header().height().get() == height
            && block.header().hash() == self.hash
            && block.transactions().map(|(txid, _)| txid).eq(self.txids.iter().copied());
        if same { Ok(block) } else { Err(RecordingError::OtherBlock { height }) }
    }
}

/// Whether `next` may come after `block` in a recording, in which blocks may be missing.
fn follows(block: &Header, next: &Header) -> bool {
    let gap = next.height().get().checked_sub(block.height().get());
    gap.is_some_and(|gap| gap > 1 || gap == 1 && next.prev() == block.hash())
}

/// The blocks of a recording, at least one, each checked.
pub(super) fn load(json: &str) -> Result<Vec<Block>, RecordingError> {
    let recording: Recording = serde_json::from_str(json)?;
    let mut blocks: Vec<Block> = Vec::new();
    for recorded in &recording.blocks {
        let block = recorded.check()?;
        if blocks.last().is_some_and(|last| !follows(last.header(), block.header())) {
            return Err(RecordingError::Link { height: recorded.height });
        }
        blocks.push(block);
    }
    if blocks.is_empty() { Err(RecordingError::Empty) } else { Ok(blocks) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::DevChain;
    use super::*;

    const RECORDED: &str = include_str!("../../data/regtest.json");

    /// What is said about the recording after a change.
    fn error(change: impl FnOnce(&mut Vec<Value>)) -> Option<String> {
        let mut root: Value = serde_json::from_str(RECORDED).unwrap();
        change(root["blocks"].as_array_mut().unwrap());
        DevChain::load(&root.to_string()).err().map(|error| format!("{error:?}"))
    }

    /// Changes one hex digit of the raw block.
    fn tamper(block: &mut Value, digit: usize) {
        let mut raw = block["raw"].as_str().unwrap().to_owned();
        let other = if &raw[digit..=digit] == "0" { "1" } else { "0" };
        raw.replace_range(digit..=digit, other);
        block["raw"] = raw.into();
    }

    #[test]
    fn the_recording_is_right() {
        let blocks = load(RECORDED).unwrap();
        let heights: Vec<_> = blocks.iter().map(|block| block.header().height().get()).collect();
        assert_eq!(heights, [121, 122, 123, 124, 125, 126, 187]);
        assert_eq!(error(|_| ()), None);
    }

    #[test]
    fn a_tampered_recording_is_refused_by_name() {
        let is = |expected: &str| Some(expected.to_owned());
        // The lock time of the last transaction: another id, which is out of order here.
        let lock_time = 2 * 5_277 - 1;
        let changed = error(|blocks| tamper(&mut blocks[6], lock_time));
        assert_eq!(changed, is("Block { height: 187, source: Order }"));
        // In the script of an input, which no txid covers.
        let script = 2 * (Header::LEN + 2 + 115 + 60);
        let changed = error(|blocks| tamper(&mut blocks[6], script));
        assert_eq!(changed, is("Block { height: 187, source: MerkleRoot }"));
        let changed = error(|blocks| blocks[6]["raw"] = "xy".into());
        assert_eq!(changed, is("Hex { height: 187 }"));
        let changed = error(|blocks| blocks[6]["raw"] = "".into());
        assert_eq!(changed, is("Block { height: 187, source: Header(Length) }"));
        let changed = error(|blocks| blocks[3]["raw"] = blocks[4]["raw"].clone());
        assert_eq!(changed, is("OtherBlock { height: 124 }"));
        let changed = error(|blocks| blocks[6]["height"] = json!(188));
        assert_eq!(changed, is("OtherBlock { height: 188 }"));
        let changed = error(|blocks| blocks[6]["hash"] = blocks[5]["hash"].clone());
        assert_eq!(changed, is("OtherBlock { height: 187 }"));
        let changed = error(|blocks| blocks[6]["txids"].as_array_mut().unwrap().swap(1, 2));
        assert_eq!(changed, is("OtherBlock { height: 187 }"));
        assert_eq!(error(|blocks| blocks.swap(0, 1)), is("Link { height: 121 }"));
        assert_eq!(error(|blocks| blocks[1] = blocks[0].clone()), is("Link { height: 121 }"));
        assert_eq!(error(Vec::clear), is("Empty"));
        assert!(matches!(load("{}"), Err(RecordingError::Json(_))));
    }
}
