//! Questions to the chain source: each block header once, and the tip.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures::FutureExt;
use ltms_core::{BlockHash, EvidenceClass, IdentityId, Tip, Txid, chain::Header};
use tokio::task::JoinSet;

use super::{Driver, Message};
use crate::behaviour::gossip::Topic;
use crate::chain::{ChainSource, IncludedTransaction, SourceError};
use ltms_core::{BlockEvidence, BlockHeight, Channel, Decision, LookupTicket, Reason};

/// Headers that are remembered; burns of one day are in fewer blocks.
const CACHED: usize = 1_024;
/// Claims that may wait for headers.
const WAITING: usize = 4_096;
/// Tips that are remembered to find out where a chain forked: more than a reorganisation is deep.
const TIPS: usize = 32;

/// What a question brought.
pub(super) enum Answer {
    Header(BlockHash, Result<Option<Header>, SourceError>),
    /// The tip, and the newest of the tips known before that is still in the chain.
    Tip(Result<(Tip, Option<Tip>), SourceError>),
    Burn(IdentityId, Result<Option<(IncludedTransaction, Header)>, SourceError>),
}

/// Questions under way and what waits for them.
pub(super) struct Lookups<T> {
    chain: Arc<dyn ChainSource>,
    running: JoinSet<Answer>,
    waiting: HashMap<BlockHash, Vec<T>>,
    waiters: usize,
    cache: HashMap<BlockHash, Header>,
    order: VecDeque<BlockHash>,
    /// Tips that were believed, the newest first.
    tips: VecDeque<Tip>,
    asking_tip: bool,
}

impl<T> Lookups<T> {
    pub(super) fn new(chain: Arc<dyn ChainSource>) -> Self {
        Self {
            chain,
            running: JoinSet::new(),
            waiting: HashMap::new(),
            waiters: 0,
            cache: HashMap::new(),
            order: VecDeque::new(),
            tips: VecDeque::new(),
            asking_tip: false,
        }
    }

    /// The same, after a restart with this tip.
    pub(super) fn after(chain: Arc<dyn ChainSource>, tip: Option<Tip>) -> Self {
        Self { tips: tip.into_iter().collect(), ..Self::new(chain) }
    }

    pub(super) fn class(&self) -> EvidenceClass {
        self.chain.class()
    }

    pub(super) fn cached(&self, block: &BlockHash) -> Option<Header> {
        self.cache.get(block).copied()
    }

    /// Whether this header is being asked for already.
    pub(super) fn is_asked(&self, block: &BlockHash) -> bool {
        self.waiting.contains_key(block)
    }

    /// Waits for a header, asking for it unless that is done already.
    pub(super) fn ask_header(&mut self, block: BlockHash, waiter: T) -> Result<(), T> {
        if self.waiters >= WAITING {
            return Err(waiter);
        }
        self.waiters += 1;
        let waiters = self.waiting.entry(block).or_default();
        waiters.push(waiter);
        if waiters.len() == 1 {
            let chain = self.chain.clone();
            self.ask(async move { chain.header(block).await }, move |of| Answer::Header(block, of));
        }
        Ok(())
    }

    /// Asks for the tip, and which of those known before is still in the chain.
    pub(super) fn ask_tip(&mut self) {
        if std::mem::replace(&mut self.asking_tip, true) {
            return;
        }
        let (chain, known) = (self.chain.clone(), self.tips.clone());
        self.ask(async move { tip_and_ancestor(&*chain, known).await }, Answer::Tip);
    }

    /// Asks where in the chain the transaction of a burn is.
    pub(super) fn ask_burn(&mut self, id: IdentityId, burn: Txid) {
        let chain = self.chain.clone();
        self.ask(async move { place_of(&*chain, burn).await }, move |of| Answer::Burn(id, of));
    }

    /// Puts a question. A source that panics gives an answer, too: something waits for each.
    fn ask<R: Send + 'static>(
        &mut self,
        question: impl Future<Output = Result<R, SourceError>> + Send + 'static,
        answer: impl FnOnce(Result<R, SourceError>) -> Answer + Send + 'static,
    ) {
        self.running.spawn(async move {
            let told = AssertUnwindSafe(question).catch_unwind().await;
            let panicked = |_| Err(SourceError::Unavailable("it panicked".to_owned()));
            answer(told.unwrap_or_else(panicked))
        });
    }

    pub(super) async fn next(&mut self) -> Answer {
        loop {
            match self.running.join_next().await {
                Some(Ok(answer)) => {
                    self.asking_tip &= !matches!(answer, Answer::Tip(_));
                    return answer;
                }
                Some(Err(error)) => tracing::error!(%error, "a chain question failed to run"),
                None => std::future::pending().await,
            }
        }
    }

    pub(super) async fn shutdown(&mut self) {
        self.running.shutdown().await;
    }

    fn take(&mut self, block: &BlockHash, header: Option<Header>) -> Vec<T> {
        if let Some(header) = header
            && self.cache.insert(*block, header).is_none()
        {
            self.order.push_back(*block);
            if self.order.len() > CACHED
                && let Some(oldest) = self.order.pop_front()
            {
                self.cache.remove(&oldest);
            }
        }
        let waiters = self.waiting.remove(block).unwrap_or_default();
        self.waiters -= waiters.len();
        waiters
    }

    /// Headers of a chain that is no longer the best prove nothing.
    fn forget(&mut self) {
        self.cache.clear();
        self.order.clear();
    }
}

async fn tip_and_ancestor(
    chain: &dyn ChainSource,
    known: VecDeque<Tip>,
) -> Result<(Tip, Option<Tip>), SourceError> {
    let tip = chain.tip().await?;
    for old in known {
        if old.hash == tip.hash || chain.header(old.hash).await?.is_some() {
            return Ok((tip, Some(old)));
        }
    }
    Ok((tip, None))
}

async fn place_of(
    chain: &dyn ChainSource,
    burn: Txid,
) -> Result<Option<(IncludedTransaction, Header)>, SourceError> {
    let Some(included) = chain.transaction(burn).await? else { return Ok(None) };
    let header = chain.header(included.block).await?;
    Ok(header.map(|header| (included, header)))
}

impl Driver {
    pub(super) fn on_found(&mut self, answer: Answer) {
        match answer {
            Answer::Header(block, found) => {
                let found = found.unwrap_or_else(|error| {
                    tracing::warn!(%block, %error, "no answer about a block");
                    None
                });
                for (ticket, message) in self.lookups.take(&block, found) {
                    self.settle_burn(ticket, message, found);
                }
            }
            Answer::Tip(Ok((tip, ancestor))) => self.on_tip(tip, ancestor),
            Answer::Tip(Err(error)) => tracing::warn!(%error, "no answer about the tip"),
            Answer::Burn(id, place) => self.on_burn(id, place),
        }
    }

    fn on_tip(&mut self, tip: Tip, ancestor: Option<Tip>) {
        let newest = self.lookups.tips.front().copied();
        let fork = match (newest, ancestor) {
            (None, _) => tip.height,
            (Some(_), Some(ancestor)) => ancestor.height,
            // Deeper than all that is remembered.
            (Some(_), None) => {
                let oldest = self.lookups.tips.back().map_or(0, |oldest| oldest.height.get());
                BlockHeight::new(oldest.saturating_sub(1))
            }
        };
        let now = self.now();
        let decision = self.gate().set_tip(now, tip, fork);
        if !decision.is_accept() {
            let until = decision.retry_at.map(|at| at.as_millis());
            return tracing::error!(
                ?until,
                fork = fork.get(),
                "the chain stepped back too far; is the source right?"
            );
        }
        if newest == Some(tip) {
            return;
        }
        if ancestor != newest {
            self.lookups.forget();
            self.lookups.tips.retain(|old| old.height <= fork);
        }
        self.lookups.tips.push_front(tip);
        self.lookups.tips.truncate(TIPS);
        self.seek_burns_again();
    }

    /// Goes on to the header of a claim's block.
    pub(super) fn look_up(&mut self, ticket: LookupTicket, message: Message) {
        let block = *ticket.block();
        if let Some(header) = self.lookups.cached(&block) {
            return self.settle_burn(ticket, message, Some(header));
        }
        let now = self.now();
        if !self.lookups.is_asked(&block)
            && let Err(decision) = self.gate().charge_lookup(now, &ticket)
        {
            return self.hold_lookup(ticket, message, decision);
        }
        if let Err((_, message)) = self.lookups.ask_header(block, (ticket, message)) {
            self.finish(message.origin, &message.source, Decision::new(Reason::HeaderBudget));
        }
    }

    fn settle_burn(&mut self, ticket: LookupTicket, message: Message, header: Option<Header>) {
        let (now, class) = (self.now(), self.lookups.class());
        let evidence = header.as_ref().map(|header| BlockEvidence { header, class });
        let decision = self.gate().settle_burn(now, ticket, evidence.as_ref());
        if decision.reason == Reason::New {
            // Who is not there now asks for it when an advertisement names the identity.
            if message.source.channel == Channel::Own {
                self.gossip(Topic::Claims, &message.envelope);
            }
            self.envelopes.put_claim(*ticket.identity(), message.envelope);
        }
        self.finish(message.origin, &message.source, decision);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::future::BoxFuture;

    use super::*;
    use crate::chain::DevChain;

    /// Panics at the first question, and knows the recorded chain from then on.
    struct Panicking(DevChain, AtomicBool);

    impl Panicking {
        fn chain() -> Arc<Self> {
            Arc::new(Self(DevChain::recorded().expect("a good recording"), AtomicBool::new(true)))
        }

        fn known(&self) -> &DevChain {
            assert!(!self.1.swap(false, Ordering::Relaxed), "as the test wants");
            &self.0
        }
    }

    impl ChainSource for Panicking {
        fn class(&self) -> EvidenceClass {
            self.0.class()
        }

        fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>> {
            async { self.known().tip().await }.boxed()
        }

        fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>> {
            async move { self.known().header(hash).await }.boxed()
        }

        fn transaction(
            &self,
            txid: Txid,
        ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>> {
            async move { self.known().transaction(txid).await }.boxed()
        }
    }

    #[tokio::test]
    async fn the_tip_is_asked_for_again_after_the_source_panicked() {
        let mut lookups = Lookups::<()>::new(Panicking::chain());
        lookups.ask_tip();
        assert!(matches!(lookups.next().await, Answer::Tip(Err(SourceError::Unavailable(_)))));
        lookups.ask_tip();
        assert!(matches!(lookups.next().await, Answer::Tip(Ok(_))));
    }

    #[tokio::test]
    async fn what_waits_for_a_header_is_told_that_the_source_panicked() {
        let mut lookups = Lookups::new(Panicking::chain());
        let block = BlockHash::from_bytes([1; 32]);
        lookups.ask_header(block, "claim").expect("room");
        let Answer::Header(of, Err(_)) = lookups.next().await else { panic!("told") };
        assert_eq!((of, lookups.take(&block, None)), (block, vec!["claim"]));
        assert!(!lookups.is_asked(&block));
    }
}
