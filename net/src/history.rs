//! What leads from an identity's burn to its current key, and what else it burned.

use std::cmp::Reverse;

use ltms_core::{
    Amount,
    burn::{BurnScript, Purpose},
    chain::Transaction,
    wire::{BurnClaim, IncludedBurn},
};

use crate::behaviour::streams::{CREDITS, PAGE_BYTES};

/// The claims of one identity that were accepted: each sequence begins with the registration or a
/// rotation, and goes on with the credits that were claimed under it, in the order in which they
/// were accepted, which is that of the chain.
#[derive(Debug, Default)]
pub(crate) struct History(Vec<Claim>);

#[derive(Debug)]
struct Claim {
    sequence: u64,
    /// What a credit burned; none for a registration or rotation.
    credited: Option<Amount>,
    envelope: Vec<u8>,
}

impl Claim {
    /// None for what is no claim, or a credit that buys nothing lasting.
    fn read(envelope: Vec<u8>) -> Option<Self> {
        let (sequence, credited) = match BurnClaim::read(&envelope).ok()?.0 {
            BurnClaim::Registration(_) => (0, None),
            BurnClaim::Rotation(claim) => (claim.sequence, None),
            BurnClaim::Credit(claim) => (claim.sequence, Some(credited(&claim.burn)?)),
            _ => return None,
        };
        Some(Self { sequence, credited, envelope })
    }

    /// Where it stands.
    const fn place(&self) -> (u64, bool) {
        (self.sequence, self.credited.is_some())
    }
}

/// What a burn adds to an identity for good.
fn credited(burn: &IncludedBurn<'_>) -> Option<Amount> {
    let transaction = Transaction::parse(burn.transaction).ok()?;
    let output = transaction.output(burn.vout.into())?;
    let (purpose, _) = BurnScript::parse(output.script).ok()?.purpose?;
    matches!(purpose, Purpose::TopUp | Purpose::AdditionalKey).then_some(output.value)
}

impl History {
    /// Keeps a claim: a registration or rotation in the place of its sequence, where a rotation
    /// ends what stood there and after it; a credit behind those of its sequence. Of more than
    /// [`CREDITS`] the least leaves.
    pub(crate) fn put(&mut self, envelope: Vec<u8>) {
        let Some(claim) = Claim::read(envelope) else { return };
        let last = self.last();
        let follows = match (claim.sequence, claim.credited) {
            (0, None) => true,
            (sequence, None) => last.is_some_and(|last| sequence <= last + 1),
            (sequence, Some(_)) => last.is_some_and(|last| sequence <= last),
        };
        if !follows {
            return;
        }
        if claim.credited.is_none() {
            // A registration that moved to another block keeps what follows it.
            let moved = claim.sequence == 0;
            self.0.retain(|kept| match moved {
                true => kept.place() != claim.place(),
                false => kept.sequence < claim.sequence,
            });
        }
        let at = self.0.partition_point(|kept| kept.place() <= claim.place());
        self.0.insert(at, claim);
        let credits = || self.0.iter().filter_map(|claim| claim.credited);
        if credits().count() > CREDITS
            && let Some(least) = credits().min()
            && let Some(at) = self.0.iter().rposition(|claim| claim.credited == Some(least))
        {
            self.0.remove(at);
        }
    }

    /// The sequence of the current key.
    fn last(&self) -> Option<u64> {
        self.0.last().map(|claim| claim.sequence)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|claim| claim.envelope.len()).sum()
    }

    pub(crate) fn has(&self, envelope: &[u8]) -> bool {
        self.0.iter().any(|claim| claim.envelope == envelope)
    }

    pub(crate) fn registration(&self) -> Option<&[u8]> {
        self.0.first().map(|claim| claim.envelope.as_slice())
    }

    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|claim| claim.envelope.clone()).collect()
    }

    /// As much as fits a frame: what leads to the current key first, then the largest credits.
    pub(crate) fn told(&self) -> Vec<Vec<u8>> {
        let mut order: Vec<_> = self.0.iter().enumerate().collect();
        order.sort_by_key(|(_, claim)| claim.credited.map(Reverse));
        let (mut bytes, mut fitting) = (0, vec![false; self.0.len()]);
        for (place, claim) in order {
            bytes += claim.envelope.len();
            // Nothing is worth anything behind a rotation that is left out.
            if bytes > PAGE_BYTES {
                break;
            }
            fitting[place] = true;
        }
        let told = self.0.iter().zip(fitting).filter(|(_, fits)| *fits);
        told.map(|(claim, _)| claim.envelope.clone()).collect()
    }

    /// What goes with an advertisement: the registration, and what was credited under the current
    /// key.
    pub(crate) fn proof(&self) -> impl Iterator<Item = &[u8]> {
        let last = self.last();
        let with = move |claim: &&Claim| {
            claim.place() == (0, false) || claim.credited.is_some() && Some(claim.sequence) == last
        };
        self.0.iter().filter(with).map(|claim| claim.envelope.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt;
    use ltms_core::{IdentityId, Network, OutPoint, Timestamp, schnorr::SecretKey};

    use super::*;
    use crate::{
        chain::{ChainSource, DevChain, IncludedTransaction},
        claim::{credit_envelope, find_registration, registration_envelope, rotation_envelope},
    };

    struct Made {
        chain: DevChain,
        key: SecretKey,
        id: IdentityId,
        registration: Vec<u8>,
        burns: Cell<u64>,
    }

    impl Made {
        fn new() -> Self {
            let chain = DevChain::recorded().unwrap();
            let key = DevChain::recorded_key(0).unwrap();
            let included = chain.registration_of(&key.public_key()).unwrap();
            let (vout, ..) = find_registration(&included.raw).unwrap();
            let registration = registration_envelope(Network::Reg, &included, vout, &key).unwrap();
            let txid = Transaction::parse(&included.raw).unwrap().txid();
            let id = OutPoint { txid, vout: vout.into() }.identity_id().unwrap();
            Self { chain, key, id, registration, burns: Cell::new(0) }
        }

        fn burn(&self, key: &SecretKey, purpose: Purpose, xpi: u64) -> IncludedTransaction {
            // No two transactions are the same.
            self.burns.set(self.burns.get() + 1);
            let (purpose, timestamp_ms) = (Some((purpose, self.id)), Some(self.burns.get()));
            let script = BurnScript { public_key: key.public_key(), timestamp_ms, purpose };
            let raw = DevChain::purpose_transaction(&script, Amount::from_xpi(xpi));
            let txid = Transaction::parse(&raw).unwrap().txid();
            self.chain.mine(&[raw]).unwrap();
            self.chain.transaction(txid).now_or_never().unwrap().unwrap().unwrap()
        }

        fn credit(&self, purpose: Purpose, xpi: u64, sequence: u64) -> Vec<u8> {
            let burn = self.burn(&self.key, purpose, xpi);
            credit_envelope(Network::Reg, &burn, 0, &self.key, sequence).unwrap()
        }

        fn rotation(&self, sequence: u64) -> Vec<u8> {
            let new = SecretKey::from_bytes(&[9; 32]).unwrap();
            let burn = self.burn(&new, Purpose::Rotation, 5);
            let (keys, made) = ((&self.key, &new), Timestamp::EPOCH);
            rotation_envelope(Network::Reg, &burn, 0, keys, sequence, made).unwrap()
        }
    }

    #[test]
    fn credits_stand_behind_the_rotation_under_which_they_were_claimed() {
        let made = Made::new();
        let mut history = History::default();
        let [first, second, later] =
            [(11, 0), (12, 0), (13, 1)].map(|(xpi, at)| made.credit(Purpose::TopUp, xpi, at));
        history.put(first.clone());
        assert!(history.all().is_empty(), "nobody is registered");
        history.put(made.registration.clone());
        history.put(later.clone());
        history.put(first.clone());
        history.put(second.clone());
        assert_eq!(history.all(), [&made.registration, &first, &second].map(Clone::clone));
        assert!(history.proof().eq([&made.registration, &first, &second]));
        let rotation = made.rotation(1);
        history.put(made.rotation(2));
        history.put(rotation.clone());
        history.put(later.clone());
        let all = [&made.registration, &first, &second, &rotation, &later].map(Clone::clone);
        assert_eq!((history.all(), history.told()), (all.to_vec(), all.to_vec()));
        assert!(history.proof().eq([&made.registration, &later]), "of the current key");
        // A registration that moved keeps all of it; another rotation ends what was under the old.
        history.put(made.registration.clone());
        assert_eq!(history.all(), all);
        let other = made.rotation(1);
        history.put(other.clone());
        assert_eq!(history.all(), [&made.registration, &first, &second, &other].map(Clone::clone));
        assert_eq!(history.bytes(), history.all().concat().len());
        assert!(history.has(&other) && !history.has(&later));
    }

    #[test]
    fn of_many_credits_the_largest_are_kept_in_the_order_of_the_chain() {
        let made = Made::new();
        let mut history = History::default();
        history.put(made.registration.clone());
        let xpi = [20, 10, 21, 22, 11, 23, 24, 25, 12, 26, 27];
        let credits = xpi.map(|xpi| made.credit(Purpose::AdditionalKey, xpi, 0));
        credits.iter().for_each(|credit| history.put(credit.clone()));
        let kept: Vec<_> = (0..).zip(&credits).filter(|(n, _)| ![1, 4, 8].contains(n)).collect();
        assert_eq!(kept.len(), CREDITS);
        let kept = kept.into_iter().map(|(_, credit)| credit);
        assert!(history.all()[1..].iter().eq(kept));
    }

    #[test]
    fn what_leads_to_the_current_key_is_told_before_what_else_was_burned() {
        let claim = |sequence, credited: Option<u64>, len| Claim {
            sequence,
            credited: credited.map(Amount::from_xpi),
            envelope: vec![u8::try_from(sequence).unwrap(); len],
        };
        let history = History(vec![
            claim(0, None, 9_000),
            claim(0, Some(10), 9_000),
            claim(0, Some(12), 9_001),
            claim(1, None, PAGE_BYTES - 9_000 - 9_001),
        ]);
        let told = history.told();
        let told: Vec<_> = told.iter().map(|claim| (claim[0], claim.len())).collect();
        assert_eq!(told, [(0, 9_000), (0, 9_001), (1, PAGE_BYTES - 18_001)]);
    }
}
