//! Proofs that somebody handed in, under a block that the owner of the device trusts.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};
use ltms_core::chain::{Anchor, Header, InclusionProof, ProofError};
use ltms_core::{BlockHash, EvidenceClass, OutPoint, Tip, Txid};

use super::{ChainSource, IncludedTransaction, SourceError};

/// Proofs that are kept; a device has a few identities to know.
const PROOFS: usize = 4_096;

/// A chain source that knows what was proved to it and nothing else, and asks nobody.
///
/// Its chain ends at the anchor, which comes from the device's owner and never from whoever brings
/// a proof. A newer anchor makes a new source: proofs are linked to the one they were made for.
#[derive(Debug)]
pub struct HandedIn {
    anchor: Anchor,
    proved: Mutex<HashMap<Txid, (IncludedTransaction, Header)>>,
}

/// A proof that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandedInError {
    /// It proves nothing.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// There are enough proofs already.
    #[error("no room for another proof")]
    Full,
}

impl HandedIn {
    /// Without any proofs yet.
    #[must_use]
    pub fn new(anchor: Anchor) -> Self {
        Self { anchor, proved: Mutex::new(HashMap::new()) }
    }

    /// Checks an encoded proof that `outpoint` is in a block below the anchor, and keeps what it
    /// proves.
    ///
    /// # Errors
    /// [`HandedInError`]; nothing is kept then.
    pub fn hand_in(&self, proof: &[u8], outpoint: &OutPoint) -> Result<(), HandedInError> {
        let proof = InclusionProof::parse(proof)?;
        let proved = proof.verify(outpoint, &self.anchor)?;
        let included = IncludedTransaction {
            raw: proof.transaction().as_bytes().to_vec(),
            block: proved.header.hash(),
            position: proved.position,
            branch: proof.branch().to_vec(),
        };
        let mut known = self.proved();
        if known.len() >= PROOFS && !known.contains_key(&proved.txid) {
            return Err(HandedInError::Full);
        }
        known.insert(proved.txid, (included, proved.header));
        Ok(())
    }

    fn proved(&self) -> MutexGuard<'_, HashMap<Txid, (IncludedTransaction, Header)>> {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChainSource for HandedIn {
    fn class(&self) -> EvidenceClass {
        EvidenceClass::Anchored
    }

    fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>> {
        let Anchor { hash, height } = self.anchor;
        async move { Ok(Tip { height, hash }) }.boxed()
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>> {
        let proved = self.proved();
        let header =
            proved.values().map(|(_, header)| *header).find(|header| header.hash() == hash);
        async move { Ok(header) }.boxed()
    }

    fn transaction(
        &self,
        txid: Txid,
    ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>> {
        let included = self.proved().get(&txid).map(|(included, _)| included.clone());
        async move { Ok(included) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use ltms_core::BlockHeight;
    use ltms_core::chain::Transaction;

    use super::*;
    use crate::chain::{AnchorAt, DevChain, prove};
    use crate::claim::find_registration;

    /// The proof of a recorded burn under the last of some blocks that are made after it.
    async fn proof(blocks: u32) -> (Vec<u8>, OutPoint, Anchor, IncludedTransaction) {
        let chain = DevChain::recorded().expect("a good recording");
        chain.mine_empty(blocks).expect("blocks");
        let key = DevChain::recorded_key(5).expect("a recorded key");
        let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
        let (vout, ..) = find_registration(&included.raw).expect("a registration");
        let txid = Transaction::parse(&included.raw).expect("a transaction").txid();
        let outpoint = OutPoint { txid, vout: vout.into() };
        let evidence = prove(&chain, &outpoint, AnchorAt::Depth(0)).await.expect("a proof");
        (evidence.proof, outpoint, evidence.anchor, included)
    }

    #[tokio::test]
    async fn what_was_proved_is_known_and_nothing_else() {
        let (bytes, outpoint, anchor, included) = proof(80).await;
        let source = HandedIn::new(anchor);
        assert_eq!(source.transaction(outpoint.txid).await, Ok(None));
        source.hand_in(&bytes, &outpoint).expect("it proves the burn");
        assert_eq!(source.transaction(outpoint.txid).await, Ok(Some(included.clone())));
        let header = source.header(included.block).await.expect("an answer").expect("known");
        assert_eq!(header.hash(), included.block);
        assert_eq!(source.header(anchor.hash).await.map(|header| header.is_none()), Ok(true));
        assert_eq!(source.class(), EvidenceClass::Anchored);
        assert_eq!(source.tip().await, Ok(Tip { height: anchor.height, hash: anchor.hash }));
    }

    #[tokio::test]
    async fn a_proof_of_another_chain_output_or_byte_is_not_taken() {
        let (bytes, outpoint, anchor, _) = proof(80).await;
        let higher = BlockHeight::new(anchor.height.get() + 1);
        let elsewhere = HandedIn::new(Anchor { height: higher, ..anchor });
        assert_eq!(elsewhere.hand_in(&bytes, &outpoint), Err(ProofError::Height.into()));
        let source = HandedIn::new(anchor);
        let absent = OutPoint { vout: 200, ..outpoint };
        assert!(source.hand_in(&bytes, &absent).is_err());
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(source.hand_in(&changed, &outpoint).is_err(), "byte {at}");
        }
        assert_eq!(source.transaction(outpoint.txid).await, Ok(None));
    }
}
