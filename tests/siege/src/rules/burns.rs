//! Identities that are burned for, in the rules that have any.

use std::collections::HashMap;

use ltms_core::burn::{Purpose, Tier};
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{
    BurnClaim, Credit, Registration, Rotation, credit_hash, register_hash, rotation_hash,
};
use ltms_core::{
    BlockEvidence, BlockHash, BlockHeight, EvidenceClass, IdentityId, PeerId, PublicKey, Reason,
    Screening, SignatureCheck, Source, Subject, Timestamp, Tip, Verdict,
};

use super::ours::Ours;
use super::without::Part;
use crate::lab::burns::Burn;
use crate::made::{self, POLICY};

/// What rules with burns can be asked.
pub(crate) trait Burns {
    /// Somebody claims a burn as a new identity's. Whether it is taken.
    fn register(&mut self, now: Timestamp, burn: &Burn, by: &SecretKey) -> bool;

    /// The old and the new key claim a burn for an identity's next rotation. Whether it is taken.
    fn rotate(
        &mut self,
        now: Timestamp,
        burn: &Burn,
        of: (&IdentityId, u64),
        by: (&SecretKey, &SecretKey),
    ) -> bool;

    /// An identity's current key claims a burn for a key more or a higher tier. Whether it is taken.
    fn credit(&mut self, _: Timestamp, _: &Burn, _: &IdentityId, _by: &SecretKey) -> bool {
        false
    }

    /// A connected peer brings a registration of a block that nobody knows. Whether a source of the
    /// chain is asked for it.
    fn is_looked_up(&mut self, now: Timestamp, from: &PeerId, burn: &Burn) -> bool;

    /// The chain has a new end, and shares only what is up to `fork` with the old one.
    fn tip(&mut self, now: Timestamp, height: u32, fork: u32);

    /// Whether the identity can advertise.
    fn serves(&self, now: Timestamp, id: &IdentityId) -> bool;

    /// Whether it has all that it burned for.
    fn is_full(&self, now: Timestamp, id: &IdentityId) -> bool;
}

impl Ours {
    fn claim(
        &mut self,
        now: Timestamp,
        burn: &Burn,
        claim: &BurnClaim<'_>,
        by: &SecretKey,
    ) -> bool {
        let source = Source::own(made::peer(u64::MAX));
        let hash = match claim {
            BurnClaim::Rotation(rotation) => rotated(burn, rotation, by),
            BurnClaim::Credit(credit) => {
                let purpose = burn.script.purpose.map_or(Purpose::TopUp, |(purpose, _)| purpose);
                let key = &burn.script.public_key;
                let (id, sequence) = (&credit.identity, credit.sequence);
                credit_hash(POLICY.network, id, purpose, &burn.outpoint, key, sequence)
            }
            _ => register_hash(POLICY.network, &burn.outpoint, &burn.script.public_key),
        };
        let ticket = match self.gate.screen_claim(now, &source, claim, by.sign(&hash)) {
            Screening::Proceed(ticket) => ticket,
            Screening::Done(_) => return false,
        };
        let check = ticket.verify();
        let Screening::Proceed(lookup) = self.gate.settle_claim(now, ticket, check) else {
            return false;
        };
        let found = BlockEvidence { header: &burn.header, class: EvidenceClass::Node };
        let decision = self.gate.settle_burn(now, lookup, Some(&found));
        decision.verdict == Verdict::Accept
    }
}

fn rotated(burn: &Burn, rotation: &Rotation<'_>, old: &SecretKey) -> [u8; 32] {
    rotation_hash(
        POLICY.network,
        &rotation.identity,
        rotation.sequence,
        &old.public_key(),
        &burn.script.public_key,
        &burn.outpoint,
        rotation.created_at,
    )
}

impl Burns for Ours {
    fn register(&mut self, now: Timestamp, burn: &Burn, by: &SecretKey) -> bool {
        let claim = BurnClaim::Registration(Registration { burn: burn.included() });
        self.claim(now, burn, &claim, by)
    }

    fn rotate(
        &mut self,
        now: Timestamp,
        burn: &Burn,
        (identity, sequence): (&IdentityId, u64),
        (old, new): (&SecretKey, &SecretKey),
    ) -> bool {
        let unsigned = Rotation {
            burn: burn.included(),
            identity: *identity,
            sequence,
            created_at: now,
            new_key_signature: made::UNSIGNED,
        };
        let new_key_signature = new.sign(&rotated(burn, &unsigned, old));
        let claim = BurnClaim::Rotation(Rotation { new_key_signature, ..unsigned });
        self.claim(now, burn, &claim, old)
    }

    fn credit(
        &mut self,
        now: Timestamp,
        burn: &Burn,
        identity: &IdentityId,
        by: &SecretKey,
    ) -> bool {
        let credit = Credit { burn: burn.included(), identity: *identity, sequence: 0 };
        self.claim(now, burn, &BurnClaim::Credit(credit), by)
    }

    fn is_looked_up(&mut self, now: Timestamp, from: &PeerId, burn: &Burn) -> bool {
        let claim = BurnClaim::Registration(Registration { burn: burn.included() });
        let source = Source::direct(*from);
        let Screening::Proceed(ticket) =
            self.gate.screen_claim(now, &source, &claim, made::UNSIGNED)
        else {
            return false;
        };
        let Screening::Proceed(lookup) = self.gate.settle_claim(now, ticket, SignatureCheck::Valid)
        else {
            return false;
        };
        let may = self.gate.charge_lookup(now, &lookup).is_ok();
        let _ = self.gate.settle_burn(now, lookup, None);
        may
    }

    fn tip(&mut self, now: Timestamp, height: u32, fork: u32) {
        let mut hash = [2; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        let hash = BlockHash::from_bytes(hash);
        let tip = Tip { height: BlockHeight::new(height), hash };
        let fork = if self.which.has(Part::Reorganisations) { fork } else { height };
        let _ = self.gate.set_tip(now, tip, BlockHeight::new(fork));
    }

    fn serves(&self, now: Timestamp, id: &IdentityId) -> bool {
        let standing = self.gate.standing(now, &Subject::Identity(*id));
        self.gate.identity(id).is_some() && standing.decision.reason == Reason::Clear
    }

    fn is_full(&self, now: Timestamp, id: &IdentityId) -> bool {
        self.gate.standing(now, &Subject::Identity(*id)).tier == Some(Tier::Verified)
    }
}

/// The older SDK's: a burn is looked at once, and a rotation's not even for whose it is.
#[derive(Default)]
pub(super) struct OlderIdentities {
    keys: HashMap<IdentityId, PublicKey>,
    tip: u32,
}

impl OlderIdentities {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    fn is_mature(&self, burn: &Burn, depth: u32) -> bool {
        self.tip + 1 >= burn.header.height().get() + depth
    }
}

impl Burns for OlderIdentities {
    fn register(&mut self, _: Timestamp, burn: &Burn, by: &SecretKey) -> bool {
        if self.keys.contains_key(&burn.id()) {
            // Whoever asks is told the id, before any signature is looked at.
            return true;
        }
        let key = by.public_key();
        let holds = burn.xpi >= 50 && self.is_mature(burn, 144) && key == burn.script.public_key;
        if holds {
            self.keys.insert(burn.id(), key);
        }
        holds
    }

    fn rotate(
        &mut self,
        _: Timestamp,
        burn: &Burn,
        (identity, _): (&IdentityId, u64),
        (old, new): (&SecretKey, &SecretKey),
    ) -> bool {
        let current = self.keys.get(identity) == Some(&old.public_key());
        let holds = current && burn.xpi >= 5 && self.is_mature(burn, 72);
        if holds {
            self.keys.insert(*identity, new.public_key());
        }
        holds
    }

    fn is_looked_up(&mut self, _: Timestamp, _: &PeerId, _: &Burn) -> bool {
        true
    }

    fn tip(&mut self, _: Timestamp, height: u32, _: u32) {
        self.tip = height;
    }

    fn serves(&self, _: Timestamp, id: &IdentityId) -> bool {
        self.keys.contains_key(id)
    }

    fn is_full(&self, now: Timestamp, id: &IdentityId) -> bool {
        self.serves(now, id)
    }
}
