//! Several sources, of which enough must say the same.

use std::{cmp::Reverse, fmt, sync::Arc};

use futures::{FutureExt, future::BoxFuture, future::join_all};
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::{BlockHash, BlockHeight, EvidenceClass, Tip, Txid};

use super::check::wrong;
use super::{ChainSource, IncludedTransaction, SourceError};

/// Each source may be asked about the tip of each other.
const MAX_SOURCES: usize = 8;

/// Sources that are believed where enough of them agree.
///
/// They are compared by the hash of a block that they all have reached, never by tips: of two
/// honest sources one is usually a block behind. A source on another chain is outvoted, and named
/// by [`Quorum::compare`]; where nobody has enough votes the answer is
/// [`SourceError::Disagreement`]. Its class is the lowest of theirs.
#[derive(Clone)]
pub struct Quorum {
    sources: Vec<(String, Arc<dyn ChainSource>)>,
    need: usize,
}

/// Why sources make no quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuorumError {
    /// None at all, or more than 8.
    #[error("between one and eight sources can be compared")]
    Sources,
    /// Two groups could both have enough votes, or none ever.
    #[error("more than half of the sources must be needed, and not more than all")]
    Need,
}

/// Where a source stands, compared with the tip that enough of them have reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has that tip, or a chain beyond it.
    Agrees,
    /// Its chain ends so many blocks before that tip.
    Lags(u32),
    /// It has another block at that height, or ends in a block that the others do not have.
    Forked,
    /// It gave no answer.
    Failed(SourceError),
}

/// What a comparison of sources came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The highest tip that enough sources have reached.
    pub tip: Tip,
    /// Each source by its name, in the order given.
    pub standings: Vec<(String, Standing)>,
}

impl Quorum {
    /// Believes what `need` of these sources say, each with a name for messages.
    ///
    /// # Errors
    /// [`QuorumError`]: at most 8 sources; more than half of them must be needed.
    pub fn new(
        sources: Vec<(String, Arc<dyn ChainSource>)>,
        need: usize,
    ) -> Result<Self, QuorumError> {
        if sources.is_empty() || sources.len() > MAX_SOURCES {
            return Err(QuorumError::Sources);
        }
        if need * 2 <= sources.len() || need > sources.len() {
            return Err(QuorumError::Need);
        }
        Ok(Self { sources, need })
    }

    /// The highest tip that enough sources have reached, and where each source stands.
    ///
    /// # Errors
    /// [`SourceError::Unavailable`] if too few answer, [`SourceError::Disagreement`] if too few
    /// agree.
    pub async fn compare(&self) -> Result<Comparison, SourceError> {
        let tips = join_all(self.sources.iter().map(|(_, source)| source.tip())).await;
        self.enough_answers(&tips)?;
        let mut candidates: Vec<Tip> = tips.iter().flatten().copied().collect();
        candidates.sort_by_key(|tip| (Reverse(tip.height), tip.hash));
        candidates.dedup();
        let rows = self.sources.iter().zip(&tips).map(|((_, source), tip)| {
            join_all(candidates.iter().map(move |candidate| has(&**source, tip, candidate)))
        });
        // For each source, which of the candidates it has.
        let has: Vec<Vec<Result<bool, SourceError>>> = join_all(rows).await;

        for (column, candidate) in candidates.iter().enumerate() {
            let agrees = |row: &&Vec<_>| row[column] == Ok(true);
            if has.iter().filter(agrees).count() < self.need {
                continue;
            }
            // A chain that ends on the way to the candidate is known to those who have it.
            let on_the_way = |tip: &Tip| {
                let end = candidates.iter().position(|other| other == tip);
                end.is_some_and(|end| has.iter().filter(agrees).any(|row| row[end] == Ok(true)))
            };
            let stands =
                |(tip, row): (&Result<Tip, SourceError>, &Vec<_>)| match (tip, &row[column]) {
                    (Err(error), _) | (_, Err(error)) => Standing::Failed(error.clone()),
                    (_, Ok(true)) => Standing::Agrees,
                    (Ok(tip), Ok(false)) if tip.height < candidate.height && on_the_way(tip) => {
                        Standing::Lags(candidate.height.get().saturating_sub(tip.height.get()))
                    }
                    _ => Standing::Forked,
                };
            let names = self.sources.iter().map(|(name, _)| name.clone());
            let standings = names.zip(tips.iter().zip(&has).map(stands)).collect();
            return Ok(Comparison { tip: *candidate, standings });
        }
        let height = candidates.last().map_or(BlockHeight::new(0), |lowest| lowest.height);
        let end = |tip: &Tip| format!("ends at {} in {}", tip.height.get(), tip.hash);
        Err(SourceError::Disagreement { height, detail: self.describe(&tips, end) })
    }

    /// What enough sources say of a block, if they say the same.
    async fn agreed_header(&self, hash: BlockHash) -> Result<Option<Header>, SourceError> {
        let answers = join_all(self.sources.iter().map(|(_, source)| source.header(hash))).await;
        let votes =
            |yes: bool| answers.iter().flatten().filter(|answer| answer.is_some() == yes).count();
        let found = answers.iter().flatten().flatten().next().copied();
        match found {
            Some(header) if votes(true) >= self.need => {
                // Sources check that a header has the hash asked for, so that all are the same.
                if header.hash() == hash { Ok(found) } else { Err(wrong("another header")) }
            }
            _ if votes(false) >= self.need => Ok(None),
            Some(header) => {
                self.enough_answers(&answers)?;
                Err(self.undecided(&header, &answers).await)
            }
            None => self.enough_answers(&answers).map(|()| None),
        }
    }

    /// Some know the block and some do not: because they are behind, or on another chain.
    async fn undecided(
        &self,
        header: &Header,
        answers: &[Result<Option<Header>, SourceError>],
    ) -> SourceError {
        let height = header.height();
        let without = self.sources.iter().zip(answers).filter(|(_, answer)| **answer == Ok(None));
        let ends = join_all(without.map(async |((name, source), _)| (name, source.tip().await)));
        let mut behind = Vec::new();
        for (name, tip) in ends.await {
            match tip {
                Ok(tip) if tip.height < height => {
                    behind.push(format!("{name} is only at {}", tip.height.get()));
                }
                Ok(_) => {
                    let say = |answer: &Option<_>| match answer {
                        Some(_) => format!("has {}", header.hash()),
                        None => "has another block".to_owned(),
                    };
                    let detail = self.describe(answers, say);
                    return SourceError::Disagreement { height, detail };
                }
                Err(error) => behind.push(format!("{name}: {error}")),
            }
        }
        SourceError::Unavailable(behind.join("; "))
    }

    /// The first transaction whose block enough sources have, with its branch checked.
    async fn agreed_transaction(
        &self,
        txid: Txid,
    ) -> Result<Option<IncludedTransaction>, SourceError> {
        let mut answers = Vec::new();
        let mut unknown = 0;
        for (_, source) in &self.sources {
            let mut answer = source.transaction(txid).await;
            if let Ok(Some(included)) = &answer
                && let Some(header) = self.agreed_header(included.block).await?
            {
                match prove(included, &txid, &header) {
                    Ok(()) => return answer,
                    Err(error) => answer = Err(error),
                }
            }
            // In a block that is not in the agreed chain it is as unconfirmed as in none.
            unknown += usize::from(answer.is_ok());
            if unknown >= self.need {
                return Ok(None);
            }
            answers.push(answer);
        }
        self.enough_answers(&answers).map(|()| None)
    }

    fn enough_answers<T>(&self, answers: &[Result<T, SourceError>]) -> Result<(), SourceError> {
        if answers.iter().flatten().count() >= self.need {
            return Ok(());
        }
        Err(SourceError::Unavailable(self.describe(answers, |_| "answers".to_owned())))
    }

    fn describe<T>(
        &self,
        answers: &[Result<T, SourceError>],
        say: impl Fn(&T) -> String,
    ) -> String {
        let lines = self.sources.iter().zip(answers).map(|((name, _), answer)| match answer {
            Ok(answer) => format!("{name} {}", say(answer)),
            Err(error) => format!("{name}: {error}"),
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}

/// Whether the source, whose chain ends in `tip`, has another one's end in its active chain.
async fn has(
    source: &dyn ChainSource,
    tip: &Result<Tip, SourceError>,
    candidate: &Tip,
) -> Result<bool, SourceError> {
    let tip = tip.as_ref().map_err(Clone::clone)?;
    if tip.height <= candidate.height {
        return Ok(tip == candidate);
    }
    let header = source.header(candidate.hash).await?;
    Ok(header.is_some_and(|header| header.height() == candidate.height))
}

/// Checks the way from a transaction to a header.
fn prove(included: &IncludedTransaction, txid: &Txid, header: &Header) -> Result<(), SourceError> {
    let transaction = Transaction::parse(&included.raw).map_err(wrong)?;
    let leaf = merkle::leaf(&transaction.txhash(), &transaction.txid());
    let root = merkle::root_from_branch(&leaf, included.position, &included.branch);
    if transaction.txid() == *txid && root == Ok(header.merkle_root()) {
        Ok(())
    } else {
        Err(wrong(format!("transaction {txid} is not in block {}", header.hash())))
    }
}

impl ChainSource for Quorum {
    fn class(&self) -> EvidenceClass {
        let classes = self.sources.iter().map(|(_, source)| source.class());
        classes.min_by_key(|class| *class as u8).unwrap_or_default()
    }

    fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>> {
        async { Ok(self.compare().await?.tip) }.boxed()
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>> {
        self.agreed_header(hash).boxed()
    }

    /// From the first source that has the bytes of an agreed header, which its hash covers whole.
    fn raw_header(
        &self,
        hash: BlockHash,
    ) -> BoxFuture<'_, Result<Option<[u8; Header::LEN]>, SourceError>> {
        async move {
            if self.agreed_header(hash).await?.is_none() {
                return Ok(None);
            }
            let mut failed = wrong("no source has the header any more");
            for (_, source) in &self.sources {
                match source.raw_header(hash).await {
                    Ok(Some(raw)) if Header::parse(&raw).is_ok_and(|read| read.hash() == hash) => {
                        return Ok(Some(raw));
                    }
                    Ok(_) => {}
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
        .boxed()
    }

    /// Yes if any says so: a mempool is no matter of agreement.
    fn is_waiting(&self, txid: Txid) -> BoxFuture<'_, Result<bool, SourceError>> {
        async move {
            let answers = self.sources.iter().map(|(_, source)| source.is_waiting(txid));
            let answers = join_all(answers).await;
            let yes = answers.contains(&Ok(true));
            if yes { Ok(true) } else { self.enough_answers(&answers).map(|()| false) }
        }
        .boxed()
    }

    fn transaction(
        &self,
        txid: Txid,
    ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>> {
        self.agreed_transaction(txid).boxed()
    }
}

impl fmt::Debug for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.sources.iter().map(|(name, _)| name).collect();
        f.debug_struct("Quorum").field("sources", &names).field("need", &self.need).finish()
    }
}
