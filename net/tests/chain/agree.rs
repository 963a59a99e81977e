//! Sources that agree, lag, fork, fail and lie.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use ltms_core::chain::Header;
use ltms_core::{BlockHash, EvidenceClass, Tip, Txid};
use ltms_net::chain::{
    ChainSource, DevChain, IncludedTransaction, Quorum, QuorumError, SourceError, Standing,
};

use crate::vectors::{A, txid};

fn chain(blocks: u32) -> Arc<DevChain> {
    let chain = DevChain::recorded().unwrap();
    chain.mine_empty(blocks).unwrap();
    Arc::new(chain)
}

/// A chain of as many blocks, which leaves the others' after block 187.
fn fork(blocks: u32) -> Arc<DevChain> {
    let chain = chain(blocks);
    chain.reorganise(blocks as usize, &vec![vec![]; blocks as usize]).unwrap();
    chain
}

/// A source that lies about a transaction, or about everything by silence.
enum Faulty {
    Silent,
    /// Says that every transaction is this one.
    Transaction(IncludedTransaction),
}

impl ChainSource for Faulty {
    fn class(&self) -> EvidenceClass {
        EvidenceClass::Indexer
    }

    fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>> {
        async { Err(SourceError::Unavailable("asleep".to_owned())) }.boxed()
    }

    fn header(&self, _: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>> {
        async { Err(SourceError::Unavailable("asleep".to_owned())) }.boxed()
    }

    fn transaction(
        &self,
        _: Txid,
    ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>> {
        async move {
            match self {
                Self::Silent => Err(SourceError::Unavailable("asleep".to_owned())),
                Self::Transaction(included) => Ok(Some(included.clone())),
            }
        }
        .boxed()
    }
}

fn quorum(need: usize, sources: &[Arc<dyn ChainSource>]) -> Quorum {
    let named = ["one", "two", "three", "four"]
        .iter()
        .zip(sources)
        .map(|(name, source)| ((*name).to_owned(), Arc::clone(source)))
        .collect();
    Quorum::new(named, need).unwrap()
}

async fn standings(quorum: &Quorum) -> Vec<Standing> {
    quorum.compare().await.unwrap().standings.into_iter().map(|(_, standing)| standing).collect()
}

#[test]
fn two_groups_cannot_both_have_enough_votes() {
    let new = |sources: usize, need| {
        let source = || ("a".to_owned(), chain(0) as Arc<dyn ChainSource>);
        Quorum::new((0..sources).map(|_| source()).collect(), need).err()
    };
    assert_eq!(new(0, 0), Some(QuorumError::Sources));
    assert_eq!(new(9, 5), Some(QuorumError::Sources));
    assert_eq!((new(1, 1), new(3, 2), new(8, 5)), (None, None, None));
    for (sources, need) in [(1, 0), (1, 2), (2, 1), (4, 2), (3, 4)] {
        assert_eq!(new(sources, need), Some(QuorumError::Need), "{need} of {sources}");
    }
}

#[tokio::test]
async fn the_class_is_the_lowest() {
    assert_eq!(quorum(1, &[chain(0)]).class(), EvidenceClass::Node);
    assert_eq!(quorum(2, &[chain(0), Arc::new(Faulty::Silent)]).class(), EvidenceClass::Indexer);
}

#[tokio::test]
async fn a_source_that_lags_is_no_fork() {
    let (short, long) = (chain(3), chain(5));
    // All are needed: what all have reached.
    let both = quorum(2, &[long.clone(), short.clone()]);
    assert_eq!(both.tip().await, short.tip().await);
    assert_eq!(standings(&both).await, [Standing::Agrees, Standing::Agrees]);
    // Two of three: the third lags.
    let most = quorum(2, &[long.clone(), short.clone(), chain(5)]);
    assert_eq!(most.tip().await, long.tip().await);
    assert_eq!(standings(&most).await, [Standing::Agrees, Standing::Lags(2), Standing::Agrees]);
    let ahead = quorum(2, &[chain(9), short, long.clone()]);
    assert_eq!(ahead.tip().await, long.tip().await);
}

#[tokio::test]
async fn a_source_on_another_chain_is_outvoted_and_named() {
    let honest = chain(5);
    // Of the same length, shorter, longer.
    for blocks in [5, 3, 9] {
        let most = quorum(2, &[honest.clone(), fork(blocks), chain(5)]);
        assert_eq!(most.tip().await, honest.tip().await);
        assert_eq!(standings(&most).await, [Standing::Agrees, Standing::Forked, Standing::Agrees]);
    }
}

#[tokio::test]
async fn nobody_is_believed_where_two_disagree() {
    for blocks in [5, 3, 9] {
        let both = quorum(2, &[chain(5), fork(blocks)]);
        match both.tip().await {
            Err(SourceError::Disagreement { height, detail }) => {
                assert_eq!(height.get(), 187 + blocks.min(5));
                assert!(detail.contains("one ends at 192") && detail.contains("two ends at"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn silence_is_not_consent() {
    let silent = || Arc::new(Faulty::Silent);
    let honest = chain(1);
    let most = quorum(2, &[honest.clone(), silent(), chain(1)]);
    assert_eq!(most.tip().await, honest.tip().await);
    assert!(matches!(standings(&most).await[1], Standing::Failed(_)));
    let tip = honest.tip().await.unwrap().hash;
    assert!(most.header(tip).await.unwrap().is_some());
    assert!(most.transaction(txid(A)).await.unwrap().is_some());

    let few = quorum(2, &[honest, silent(), silent()]);
    let unavailable =
        |error| matches!(error, SourceError::Unavailable(reason) if reason.contains("two: "));
    assert!(unavailable(few.tip().await.unwrap_err()));
    assert!(unavailable(few.header(tip).await.unwrap_err()));
    let unknown = Txid::from_bytes([1; 32]);
    assert!(unavailable(few.transaction(unknown).await.unwrap_err()));
    assert_eq!(most.transaction(unknown).await, Ok(None));
}

#[tokio::test]
async fn a_header_needs_as_many_votes() {
    let (short, long) = (chain(3), chain(5));
    let tip = long.tip().await.unwrap();
    let most = quorum(2, &[short.clone(), long.clone(), chain(5)]);
    assert_eq!(most.header(tip.hash).await, long.header(tip.hash).await);
    // One is behind, so that there is nothing to say yet.
    let both = quorum(2, &[short, long.clone()]);
    match both.header(tip.hash).await {
        Err(SourceError::Unavailable(reason)) => assert_eq!(reason, "one is only at 190"),
        other => panic!("{other:?}"),
    }
    // One is on another chain.
    let both = quorum(2, &[fork(5), long.clone()]);
    match both.header(tip.hash).await {
        Err(SourceError::Disagreement { height, detail }) => {
            assert_eq!(height, tip.height);
            assert!(detail.contains("one has another block; two has "), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    let most = quorum(2, &[fork(5), long, fork(6)]);
    assert_eq!(most.header(tip.hash).await, Ok(None));
}

#[tokio::test]
async fn one_honest_source_shows_a_transaction_and_no_liar_does() {
    let honest = chain(1);
    let included = honest.transaction(txid(A)).await.unwrap().unwrap();
    let liar = |change: fn(&mut IncludedTransaction)| {
        let mut lie = included.clone();
        change(&mut lie);
        Arc::new(Faulty::Transaction(lie))
    };
    let changes: [fn(&mut IncludedTransaction); 4] = [
        |lie| lie.branch[0][0] ^= 1,
        |lie| lie.position ^= 1,
        |lie| *lie.raw.last_mut().unwrap() ^= 1,
        |lie| lie.branch.truncate(1),
    ];
    for change in changes {
        let all = quorum(2, &[liar(change), honest.clone(), chain(1)]);
        let answer = all.transaction(txid(A)).await;
        assert_eq!(answer, Ok(Some(included.clone())));
    }
    // In a block that nobody else has.
    let elsewhere: fn(&mut IncludedTransaction) = |lie| lie.block = BlockHash::from_bytes([1; 32]);
    let all = quorum(2, &[liar(elsewhere), honest.clone(), chain(1)]);
    assert_eq!(all.transaction(txid(A)).await, Ok(Some(included.clone())));
    // In one that only a fork has.
    let forked = fork(1);
    let burn = DevChain::burn_transaction(
        DevChain::recorded_key(0).unwrap().public_key(),
        ltms_core::Amount::from_xpi(50),
        None,
    );
    forked.mine(std::slice::from_ref(&burn)).unwrap();
    let burned = ltms_core::chain::Transaction::parse(&burn).unwrap().txid();
    assert!(forked.transaction(burned).await.unwrap().is_some());
    let all = quorum(2, &[forked, honest, chain(1)]);
    assert_eq!(all.transaction(burned).await, Ok(None));
}

#[tokio::test]
async fn the_bytes_of_a_header_come_from_any_source_once_it_is_agreed() {
    let (long, other) = (chain(3), fork(3));
    let tip = long.tip().await.unwrap();
    let quorum = quorum(2, &[Arc::new(Faulty::Silent), long.clone(), long.clone()]);
    let expected = long.raw_header(tip.hash).await.unwrap();
    assert!(expected.is_some());
    assert_eq!(quorum.raw_header(tip.hash).await.unwrap(), expected);
    let elsewhere = other.tip().await.unwrap().hash;
    assert_eq!(quorum.raw_header(elsewhere).await, Ok(None));
    assert_eq!(quorum.is_waiting(txid(A)).await, Ok(false));
}
