//! Claims of burns, and the blocks that they are looked for in.

use ltms_core::*;

use super::call::Call;
use super::cast::{IDENTITIES, cast};
use super::{History, WAITING};
use crate::claims::What;

const CLASSES: [EvidenceClass; 4] =
    [EvidenceClass::Node, EvidenceClass::Indexer, EvidenceClass::Anchored, EvidenceClass::Weak];

impl History {
    pub(super) fn claim(&mut self, call: &Call) {
        let first = if call.flag(5) { IDENTITIES as usize } else { cast().claims.len() };
        let number = call.identity % first;
        let (now, source, claim) = (self.world.now, call.source(), &cast().claims[number]);
        let gate = &mut self.world.gate;
        let ticket = match gate.screen_claim(now, &source, &claim.claimed(), claim.signature) {
            Screening::Done(decision) => return self.judge(call, decision, |_| None),
            Screening::Proceed(ticket) => ticket,
        };
        let lookup = match gate.settle_claim(now, ticket, call.check()) {
            Screening::Done(decision) => return self.judge(call, decision, |_| None),
            Screening::Proceed(lookup) => lookup,
        };
        assert_eq!(call.check(), SignatureCheck::Valid);
        if let Err(decision) = gate.charge_lookup(now, &lookup) {
            self.judge(call, decision, |world| world.gate.charge_lookup(world.now, &lookup).err());
        }
        if call.flag(6) && self.lookups.len() < WAITING {
            self.lookups.push((number, lookup));
        } else {
            self.settle_burn(call, number, lookup);
        }
    }

    pub(super) fn settle_burn(&mut self, call: &Call, number: usize, lookup: LookupTicket) {
        let claim = &cast().claims[number];
        let class = CLASSES[usize::from(call.flags >> 3 & 3)];
        let found = BlockEvidence { header: &claim.header, class };
        let found = (call.flags & 0x98 != 0x98).then_some(&found);
        let before = self.world.gate.identity(&claim.identity());
        let decision = self.world.gate.settle_burn(self.world.now, lookup, found);
        self.judge(call, decision, |_| None);
        let after = self.world.gate.identity(&claim.identity());
        if decision.reason != Reason::New {
            return assert_eq!(before, after, "a refused burn changed something");
        }
        let after = after.expect("an identity");
        match (claim.what, before) {
            (What::Registration, before) => assert!(before.is_none_or(|row| row.key == after.key)),
            (What::Rotation { sequence, .. }, Some(before)) => {
                assert!(before.sequence <= sequence && after.sequence == sequence);
                assert_ne!(before.key, after.key);
            }
            (What::Credit { .. }, _) => {
                assert!(self.credited.insert(number), "credited twice");
            }
            (What::Rotation { .. }, None) => panic!("rotated nobody's key"),
        }
    }
}
