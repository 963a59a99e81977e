//! A chain in memory, for demonstrations and tests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::{FutureExt, future, future::BoxFuture};
use ltms_core::burn::BurnScript;
use ltms_core::chain::{Header, TxError};
use ltms_core::hash::sha256;
use ltms_core::schnorr::SecretKey;
use ltms_core::{Amount, BlockHash, BlockHeight, EvidenceClass, PublicKey, Tip, Txid};

use super::recording::{self, RecordingError};
use super::{Block, BlockError, ChainSource, IncludedTransaction, SourceError, regtest};
use crate::claim::find_registration;

/// Keys that burned in the recorded blocks, see [`DevChain::recorded_key`].
const RECORDED_KEYS: u8 = 20;

/// Blocks that a lotusd mined on a private regtest chain, continued with made ones.
///
/// Everything but scripts and amounts is as lotusd would have it: hashes, work, roots, order,
/// epochs. No signature is checked and nothing needs to exist to be spent, so that anybody may
/// burn anything: good for demonstrations and tests, and for nothing else.
#[derive(Debug)]
pub struct DevChain {
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
struct State {
    /// Never empty. Blocks may be missing between recorded ones.
    blocks: Vec<Block>,
    /// How many of them were recorded.
    recorded: usize,
    /// Blocks made so far, the abandoned ones with them.
    made: u32,
}

/// Why a block cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MineError {
    /// With these transactions it would be no block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A transaction is in the chain already.
    #[error("transaction {0} is in the chain already")]
    Known(Txid),
}

impl From<TxError> for MineError {
    fn from(error: TxError) -> Self {
        Self::Block(error.into())
    }
}

impl DevChain {
    /// The recorded chain: blocks 121 to 126, in whose first one key registers six times, and as
    /// its end block 187, in which the twenty keys of [`DevChain::recorded_key`] register.
    ///
    /// # Errors
    /// [`RecordingError`] if the recording was changed since.
    pub fn recorded() -> Result<Self, RecordingError> {
        Self::load(include_str!("../../data/regtest.json"))
    }

    /// Reads and checks a recording in JSON: `about`, some text, and `blocks`, rising, each with
    /// `height`, `hash`, `txids` and `raw`.
    ///
    /// # Errors
    /// [`RecordingError`] for the first thing that is wrong.
    pub fn load(recording: &str) -> Result<Self, RecordingError> {
        let blocks = recording::load(recording)?;
        let state = State { recorded: blocks.len(), blocks, made: 0 };
        Ok(Self { state: Mutex::new(state) })
    }

    /// The secret key `number` of those that registered in block 187, known to everybody:
    /// `sha256("lotus regtest identity N")`, N from 0 to 19.
    #[must_use]
    pub fn recorded_key(number: u8) -> Option<SecretKey> {
        let name = format!("lotus regtest identity {number}");
        let bytes = (number < RECORDED_KEYS).then(|| sha256(&[name.as_bytes()]))?;
        SecretKey::from_bytes(&bytes).ok()
    }

    /// A raw transaction that registers `key`, spending nothing that exists with a signature that
    /// is none. Burns that differ in key, amount or time have different ids.
    #[must_use]
    pub fn burn_transaction(key: PublicKey, amount: Amount, timestamp_ms: Option<u64>) -> Vec<u8> {
        Self::purpose_transaction(
            &BurnScript { public_key: key, timestamp_ms, purpose: None },
            amount,
        )
    }

    /// The same for a burn of any purpose.
    #[must_use]
    pub fn purpose_transaction(script: &BurnScript, amount: Amount) -> Vec<u8> {
        regtest::burn_transaction(script, amount)
    }

    /// The first transaction in the chain that registers `key`.
    #[must_use]
    pub fn registration_of(&self, key: &PublicKey) -> Option<IncludedTransaction> {
        self.state().blocks.iter().find_map(|block| {
            let mut transactions = block.transactions();
            let (txid, _) = transactions.find(|(_, raw)| {
                find_registration(raw).is_some_and(|(_, script, _)| script.public_key == *key)
            })?;
            block.transaction(&txid)
        })
    }

    /// A raw block of the chain.
    #[must_use]
    pub fn raw_block(&self, hash: BlockHash) -> Option<Vec<u8>> {
        self.state().find(hash).map(Block::to_raw)
    }

    /// Makes the next block from these raw transactions and returns its hash.
    ///
    /// # Errors
    /// [`MineError`], and nothing changes.
    pub fn mine(&self, transactions: &[Vec<u8>]) -> Result<BlockHash, MineError> {
        self.state().mine(transactions)
    }

    /// Makes `count` blocks without transactions, so that those before lie deeper.
    ///
    /// # Errors
    /// [`MineError`] where a chain has the greatest height that there is.
    pub fn mine_empty(&self, count: u32) -> Result<(), MineError> {
        let mut state = self.state();
        (0..count).try_for_each(|_| state.mine(&[]).map(|_| ()))
    }

    /// Replaces the last `depth` made blocks (recorded ones stay) by blocks of these transactions,
    /// and returns the height of the last block that the old and the new chain share. (Of a real
    /// chain the new end would have more work than the old.)
    ///
    /// # Errors
    /// [`MineError`], and nothing changes.
    pub fn reorganise(
        &self,
        depth: usize,
        blocks: &[Vec<Vec<u8>>],
    ) -> Result<BlockHeight, MineError> {
        let mut state = self.state();
        let mut changed = state.clone();
        let shared = state.blocks.len().saturating_sub(depth).max(state.recorded);
        changed.blocks.truncate(shared);
        let fork = changed.tip().height;
        for transactions in blocks {
            changed.mine(transactions)?;
        }
        *state = changed;
        Ok(fork)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A block is added whole or not at all, so that a panic elsewhere leaves the chain right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn last(&self) -> &Header {
        self.blocks[self.blocks.len() - 1].header()
    }

    fn tip(&self) -> Tip {
        Tip { height: self.last().height(), hash: self.last().hash() }
    }

    fn find(&self, hash: BlockHash) -> Option<&Block> {
        self.blocks.iter().find(|block| block.header().hash() == hash)
    }

    fn transaction(&self, txid: &Txid) -> Option<IncludedTransaction> {
        self.blocks.iter().find_map(|block| block.transaction(txid))
    }

    fn mine(&mut self, transactions: &[Vec<u8>]) -> Result<BlockHash, MineError> {
        let raw = regtest::next_block(self.last(), transactions, self.made)?;
        let block = Block::parse(&raw)?;
        let known = block.transactions().find(|(txid, _)| self.transaction(txid).is_some());
        if let Some((txid, _)) = known {
            return Err(MineError::Known(txid));
        }
        self.made = self.made.wrapping_add(1);
        let hash = block.header().hash();
        self.blocks.push(block);
        Ok(hash)
    }
}

impl ChainSource for DevChain {
    fn class(&self) -> EvidenceClass {
        EvidenceClass::Node
    }

    fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>> {
        future::ready(Ok(self.state().tip())).boxed()
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>> {
        let header = self.state().find(hash).map(|block| *block.header());
        future::ready(Ok(header)).boxed()
    }

    fn raw_header(
        &self,
        hash: BlockHash,
    ) -> BoxFuture<'_, Result<Option<[u8; Header::LEN]>, SourceError>> {
        let raw = self.state().find(hash).map(|block| *block.raw_header());
        future::ready(Ok(raw)).boxed()
    }

    fn transaction(
        &self,
        txid: Txid,
    ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>> {
        future::ready(Ok(self.state().transaction(&txid))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use ltms_core::chain::{Target, Transaction, merkle};
    use ltms_core::{Network, OutPoint};

    use super::*;

    const XPI_50: Amount = Amount::from_xpi(50);

    fn answer<T>(future: BoxFuture<'_, Result<T, SourceError>>) -> T {
        future.now_or_never().unwrap().unwrap()
    }

    fn key(name: &str) -> PublicKey {
        SecretKey::from_bytes(&sha256(&[name.as_bytes()])).unwrap().public_key()
    }

    fn txid(raw: &[u8]) -> Txid {
        Transaction::parse(raw).unwrap().txid()
    }

    /// Checks the way from a transaction to its header, as a source is asked for it.
    fn check(chain: &dyn ChainSource, txid: Txid) -> IncludedTransaction {
        let included = answer(chain.transaction(txid)).unwrap();
        let header = answer(chain.header(included.block)).unwrap();
        let transaction = Transaction::parse(&included.raw).unwrap();
        assert_eq!(transaction.txid(), txid);
        let leaf = merkle::leaf(&transaction.txhash(), &txid);
        let root = merkle::root_from_branch(&leaf, included.position, &included.branch);
        assert_eq!(root, Ok(header.merkle_root()));
        included
    }

    #[test]
    fn every_recorded_key_registered_in_the_last_recorded_block() {
        let chain = DevChain::recorded().unwrap();
        let tip = answer(chain.tip());
        assert_eq!(tip.height, BlockHeight::new(187));
        let mut positions: Vec<_> = (0..RECORDED_KEYS)
            .map(|number| {
                let key = DevChain::recorded_key(number).unwrap().public_key();
                let included = chain.registration_of(&key).unwrap();
                assert_eq!(included.block, tip.hash);
                let (_, _, amount) = find_registration(&included.raw).unwrap();
                assert_eq!(amount.sats(), XPI_50.sats() + u64::from(number));
                assert_eq!(check(&chain, txid(&included.raw)), included);
                included.position
            })
            .collect();
        positions.sort_unstable();
        assert_eq!(positions, (1..=20).collect::<Vec<_>>());
        assert!(DevChain::recorded_key(RECORDED_KEYS).is_none());
        assert_eq!(chain.registration_of(&key("nobody")), None);
    }

    #[test]
    fn made_blocks_are_linked_and_have_work() {
        let chain = DevChain::recorded().unwrap();
        let burns: Vec<_> = ["one", "two", "three", "four"]
            .iter()
            .map(|name| DevChain::burn_transaction(key(name), XPI_50, Some(1)))
            .collect();
        let before = answer(chain.tip());
        let hash = chain.mine(&burns).unwrap();
        let header = answer(chain.header(hash)).unwrap();
        assert_eq!(header.prev(), before.hash);
        assert_eq!(header.height(), BlockHeight::new(188));
        assert!(header.meets_target());
        assert!(header.target().unwrap() <= Target::limit(Network::Reg));
        for burn in &burns {
            assert!(burn.len() >= 100);
            let included = check(&chain, txid(burn));
            assert_eq!((&included.raw, included.block), (burn, hash));
        }

        chain.mine_empty(300).unwrap();
        let mut header = header;
        assert_eq!(answer(chain.tip()).height, BlockHeight::new(488));
        let state = chain.state();
        for next in state.blocks.iter().map(Block::header).filter(|h| h.height().get() > 188) {
            assert_eq!(
                (next.prev(), next.height().get()),
                (header.hash(), header.height().get() + 1)
            );
            header = *next;
        }
        assert_eq!(header.height(), BlockHeight::new(488));
    }

    #[test]
    fn what_is_unknown_is_none() {
        let chain = DevChain::recorded().unwrap();
        assert_eq!(answer(chain.header(BlockHash::from_bytes([1; 32]))), None);
        assert_eq!(answer(chain.transaction(Txid::from_bytes([1; 32]))), None);
        let burn = DevChain::burn_transaction(key("one"), XPI_50, None);
        assert_eq!(answer(chain.transaction(txid(&burn))), None);
        chain.mine(slice::from_ref(&burn)).unwrap();
        check(&chain, txid(&burn));
    }

    #[test]
    fn what_cannot_be_in_a_block_is_not_mined() {
        let chain = DevChain::recorded().unwrap();
        let tip = answer(chain.tip());
        let burn = DevChain::burn_transaction(key("one"), XPI_50, None);
        let twice = [burn.clone(), burn.clone()];
        assert_eq!(chain.mine(&twice), Err(BlockError::Order.into()));
        assert_eq!(chain.mine(&[vec![]]), Err(TxError::Truncated.into()));
        assert_eq!(chain.mine(&[vec![0; 10]]), Err(BlockError::SmallTransaction.into()));
        let coinbase = regtest::next_block(&answer(chain.header(tip.hash)).unwrap(), &[], 0)
            .map(|raw| raw[Header::LEN + 2..].to_vec())
            .unwrap();
        assert_eq!(chain.mine(&[coinbase]), Err(BlockError::Coinbase.into()));
        let much = DevChain::burn_transaction(key("one"), Amount::from_sats(u64::MAX), None);
        assert_eq!(chain.mine(&[much]), Err(TxError::ValueOutOfRange.into()));
        assert_eq!(answer(chain.tip()), tip);

        chain.mine(slice::from_ref(&burn)).unwrap();
        assert_eq!(chain.mine(slice::from_ref(&burn)), Err(MineError::Known(txid(&burn))));
    }

    #[test]
    fn burns_are_told_apart() {
        let burn = |name, xpi, time| {
            txid(&DevChain::burn_transaction(key(name), Amount::from_xpi(xpi), time))
        };
        let one = burn("one", 50, Some(5));
        assert_eq!(burn("one", 50, Some(5)), one);
        assert_ne!(burn("two", 50, Some(5)), one);
        assert_ne!(burn("one", 51, Some(5)), one);
        assert_ne!(burn("one", 50, Some(6)), one);
        assert_ne!(burn("one", 50, None), one);
        let ids = [one, burn("two", 50, None)].map(|txid| OutPoint { txid, vout: 0 }.identity_id());
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn a_reorganisation_replaces_made_blocks_only() {
        let chain = DevChain::recorded().unwrap();
        let recorded = answer(chain.tip());
        let burn = DevChain::burn_transaction(key("one"), XPI_50, None);
        chain.mine_empty(2).unwrap();
        let fork = answer(chain.tip());
        let old = chain.mine(slice::from_ref(&burn)).unwrap();

        assert_eq!(chain.reorganise(1, &[vec![], vec![]]), Ok(fork.height));
        assert_eq!(answer(chain.header(old)), None);
        assert_eq!(answer(chain.transaction(txid(&burn))), None);
        assert_eq!(answer(chain.tip()).height.get(), fork.height.get() + 2);

        // The same transactions make another block.
        assert_eq!(chain.reorganise(2, &[vec![burn.clone()]]), Ok(fork.height));
        assert_ne!(check(&chain, txid(&burn)).block, old);

        let before = answer(chain.tip());
        let wrong = chain.reorganise(1, &[vec![], vec![vec![0; 10]]]);
        assert_eq!(wrong, Err(BlockError::SmallTransaction.into()));
        assert_eq!(answer(chain.tip()), before);

        assert_eq!(chain.reorganise(usize::MAX, &[]), Ok(recorded.height));
        assert_eq!(answer(chain.tip()), recorded);
    }
}
