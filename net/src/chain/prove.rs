//! Making a proof of inclusion from what a source knows.

use ltms_core::chain::{Anchor, Header, InclusionProof, Links, ProofError, link};
use ltms_core::{BlockHash, BlockHeight, OutPoint};

use super::{ChainSource, SourceError};

/// Blocks from the burn to the anchor, each a question to the source: two weeks of blocks.
const MAX_LINKS: u32 = 10_080;

/// Which block a proof leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorAt {
    /// This one.
    Block(Anchor),
    /// The one so many blocks below the tip; 0 is the tip.
    Depth(u32),
}

/// A proof that holds, and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The encoded proof.
    pub proof: Vec<u8>,
    /// The block that whoever verifies it has to trust.
    pub anchor: Anchor,
    /// The block with the transaction.
    pub block: BlockHash,
    /// Its height.
    pub height: BlockHeight,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The source gave no answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It knows no block with the transaction.
    #[error("transaction {0} is not in a block")]
    NoTransaction(ltms_core::Txid),
    /// The active chain has no such block as the anchor, or has it at another height.
    #[error("block {hash} is not in the chain at height {height}", hash = .0.hash, height = .0.height.get())]
    NoAnchor(Anchor),
    /// The chain is not as long as the anchor is to be deep.
    #[error("the chain ends at height {0}: there is no such anchor")]
    TooDeep(u32),
    /// The anchor comes before the transaction.
    #[error("the anchor has height {anchor}, below the transaction's {height}")]
    Below {
        /// The height of the anchor.
        anchor: u32,
        /// The height of the transaction.
        height: u32,
    },
    /// There are more blocks between than a proof is made of.
    #[error("the anchor lies {0} blocks above the transaction, more than {MAX_LINKS}")]
    TooFar(u32),
    /// The chain changed meanwhile; it may be tried again.
    #[error("the chain was reorganised meanwhile: try again")]
    Reorganised,
    /// What the source said does not hold together.
    #[error("the proof does not hold: {0}")]
    Proof(#[from] ProofError),
}

/// Makes a proof that the output is in the chain, and checks it.
///
/// The headers between are asked for from the anchor down, each by the hash in the one above it.
///
/// # Errors
/// [`ProveError`].
pub async fn prove(
    source: &dyn ChainSource,
    outpoint: &OutPoint,
    anchor: AnchorAt,
) -> Result<Evidence, ProveError> {
    let included = source.transaction(outpoint.txid).await?;
    let included = included.ok_or(ProveError::NoTransaction(outpoint.txid))?;
    let raw_header = source.raw_header(included.block).await?.ok_or(ProveError::Reorganised)?;
    let height = Header::parse(&raw_header).map_err(ProofError::from)?.height();
    let anchor = find(source, anchor, height).await?;

    let between = anchor.height.get() - height.get();
    let mut links = Vec::new();
    let mut hash = anchor.hash;
    for _ in 0..between {
        let raw = source.raw_header(hash).await?.ok_or(ProveError::Reorganised)?;
        links.push(link(&raw));
        hash = Header::parse(&raw).map_err(ProofError::from)?.prev();
    }
    if hash != included.block {
        return Err(ProveError::Reorganised);
    }
    links.reverse();
    let proof = InclusionProof::new(
        &included.raw,
        included.position,
        &included.branch,
        &raw_header,
        Links::Plain(&links),
    )?;
    proof.verify(outpoint, &anchor)?;
    let mut bytes = vec![0; proof.encoded_len()];
    // It has the length that it was asked for.
    let _ = proof.encode(&mut bytes);
    Ok(Evidence { proof: bytes, anchor, block: included.block, height })
}

/// The anchor, not below `height`.
async fn find(
    source: &dyn ChainSource,
    anchor: AnchorAt,
    height: BlockHeight,
) -> Result<Anchor, ProveError> {
    let (start, down) = match anchor {
        AnchorAt::Block(anchor) => {
            let found = source.header(anchor.hash).await?;
            if found.is_none_or(|header| header.height() != anchor.height) {
                return Err(ProveError::NoAnchor(anchor));
            }
            (anchor, 0)
        }
        AnchorAt::Depth(depth) => {
            let tip = source.tip().await?;
            (Anchor { hash: tip.hash, height: tip.height }, depth)
        }
    };
    let below = start.height.get().checked_sub(down);
    let end = below.ok_or(ProveError::TooDeep(start.height.get()))?;
    let above = end.checked_sub(height.get());
    let above = above.ok_or(ProveError::Below { anchor: end, height: height.get() })?;
    let far = above.saturating_add(down);
    if far > MAX_LINKS {
        return Err(ProveError::TooFar(far));
    }
    let mut hash = start.hash;
    for _ in 0..down {
        hash = source.header(hash).await?.ok_or(ProveError::Reorganised)?.prev();
    }
    Ok(Anchor { hash, height: BlockHeight::new(end) })
}

#[cfg(test)]
mod tests {
    use super::super::DevChain;
    use super::*;

    fn burn(chain: &DevChain) -> OutPoint {
        let key = DevChain::recorded_key(7).unwrap().public_key();
        let included = chain.registration_of(&key).unwrap();
        let txid = ltms_core::chain::Transaction::parse(&included.raw).unwrap().txid();
        OutPoint { txid, vout: 0 }
    }

    #[tokio::test]
    async fn a_proof_leads_from_the_burn_to_the_anchor() {
        let chain = DevChain::recorded().unwrap();
        let outpoint = burn(&chain);
        let alone = prove(&chain, &outpoint, AnchorAt::Depth(0)).await.unwrap();
        assert_eq!((alone.height.get(), alone.anchor.hash), (187, alone.block));
        chain.mine_empty(72).unwrap();
        for (depth, links) in [(0, 72), (10, 62), (72, 0)] {
            let made = prove(&chain, &outpoint, AnchorAt::Depth(depth)).await.unwrap();
            assert_eq!(made.anchor.height.get(), 259 - depth);
            let proof = InclusionProof::parse(&made.proof).unwrap();
            assert_eq!(proof.verify(&outpoint, &made.anchor).unwrap().depth, links);
            let same = prove(&chain, &outpoint, AnchorAt::Block(made.anchor)).await.unwrap();
            assert_eq!(same, made);
        }
    }

    #[tokio::test]
    async fn an_anchor_that_cannot_be_is_named() {
        let chain = DevChain::recorded().unwrap();
        let outpoint = burn(&chain);
        chain.mine_empty(3).unwrap();
        let say = async |outpoint: OutPoint, at| {
            prove(&chain, &outpoint, at).await.unwrap_err().to_string()
        };
        let depth = AnchorAt::Depth;
        assert!(say(outpoint, depth(4)).await.contains("has height 186, below"));
        assert!(say(outpoint, depth(191)).await.contains("ends at height 190"));
        let tip = chain.tip().await.unwrap();
        let height = BlockHeight::new(tip.height.get() + 1);
        let moved = AnchorAt::Block(Anchor { hash: tip.hash, height });
        assert!(say(outpoint, moved).await.contains("not in the chain at height 191"));
        let hash = BlockHash::from_bytes([1; 32]);
        let unknown = AnchorAt::Block(Anchor { hash, height: tip.height });
        assert!(say(outpoint, unknown).await.contains("not in the chain"));
        let other = OutPoint { vout: 9, ..outpoint };
        assert!(say(other, depth(0)).await.contains("no such output"));
        let txid = ltms_core::Txid::from_bytes([1; 32]);
        assert!(say(OutPoint { txid, vout: 0 }, depth(0)).await.contains("not in a block"));
    }
}
