//! What a node would say to claims, without being one.

use ltms_core::burn::Tier;
use ltms_core::wire::BurnClaim;
use ltms_core::{
    BlockEvidence, Capacity, Decision, Gate, Heap, IdentityId, Policy, Reason, Registered,
    Screening, Seed, Source, Subject, Timestamp,
};

use crate::chain::{ChainSource, SourceError};
use crate::door::core_peer;

/// What a Gate of our own says to a claim.
#[derive(Clone, Copy, Debug)]
pub struct Judgement {
    /// The verdict on it.
    pub decision: Decision,
    /// The identity that it is about; none if the claim does not get as far as that.
    pub identity: Option<IdentityId>,
    /// The identity as it is registered after it.
    pub registered: Option<Registered>,
    /// The tier in force after it.
    pub tier: Option<Tier>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The source gave no answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The policy does not make sense.
    #[error(transparent)]
    Policy(#[from] ltms_core::PolicyError),
    /// A claim that should lead to the one in question is refused.
    #[error("claim {0} of the history is refused: {1}")]
    History(usize, Reason),
}

/// Takes a claim through an empty Gate, after the claims that lead to it.
///
/// # Errors
/// [`JudgeError`]; a refusal of the claim itself is none.
pub async fn judge(
    policy: Policy,
    chain: &dyn ChainSource,
    now: Timestamp,
    history: &[Vec<u8>],
    claim: &[u8],
) -> Result<Judgement, JudgeError> {
    let mut gate = Gate::new(Heap::new(Capacity::SMALL), policy, Seed::new(rand::random()))?;
    let tip = chain.tip().await?;
    let _ = gate.set_tip(now, tip, tip.height);
    for (number, earlier) in (1..).zip(history) {
        let (decision, _) = settle(&mut gate, chain, now, earlier).await?;
        if decision.reason != Reason::New {
            return Err(JudgeError::History(number, decision.reason));
        }
    }
    let (decision, identity) = settle(&mut gate, chain, now, claim).await?;
    let standing = identity.map(|id| gate.standing(now, &Subject::Identity(id)));
    Ok(Judgement {
        decision,
        identity,
        registered: identity.and_then(|id| gate.identity(&id)),
        tier: standing.and_then(|standing| standing.tier),
    })
}

async fn settle(
    gate: &mut Gate<Heap>,
    chain: &dyn ChainSource,
    now: Timestamp,
    claim: &[u8],
) -> Result<(Decision, Option<IdentityId>), SourceError> {
    let (claim, signature) = match BurnClaim::read(claim) {
        Ok(read) => read,
        Err(error) => return Ok((error.reason().into(), None)),
    };
    // A Gate has no limits for its own node, whose name does not matter here.
    let source = Source::own(core_peer(&libp2p::PeerId::random()));
    let ticket = match gate.screen_claim(now, &source, &claim, signature) {
        Screening::Proceed(ticket) => ticket,
        Screening::Done(decision) => return Ok((decision, None)),
    };
    let check = ticket.verify();
    let ticket = match gate.settle_claim(now, ticket, check) {
        Screening::Proceed(ticket) => ticket,
        Screening::Done(decision) => return Ok((decision, None)),
    };
    let header = chain.header(*ticket.block()).await?;
    let evidence = header.as_ref().map(|header| BlockEvidence { header, class: chain.class() });
    let identity = *ticket.identity();
    Ok((gate.settle_burn(now, ticket, evidence.as_ref()), Some(identity)))
}
