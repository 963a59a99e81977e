//! Identities that a node knows when it starts, as it has them in its store.

use ltms_core::{Capacity, Gate, Heap, Reason, Seed, Source, StoredRow, snapshot_of};

use crate::made::{self, Claim, POLICY, START};

/// Their rows, for nodes with any secret. The claims are checked once, not by each node.
pub(crate) struct Known(Vec<(u16, u32, Vec<u8>)>);

impl Known {
    /// # Panics
    /// If one of them does not hold, or if there are too many for a small node.
    pub(crate) fn new(claims: &[Claim]) -> Self {
        // Who has completed no session has half of the rows (policy 11).
        let identities = 2 * u32::try_from(claims.len()).expect("fewer than 2^32").max(16);
        let capacity = Capacity { identities, keys: 2 * identities, ..Capacity::SMALL };
        let memory = Heap::noting_changes(capacity);
        let mut gate = Gate::new(memory, POLICY, Seed::new([0; 16])).expect("the policy is valid");
        made::set_tip(&mut gate, START);
        for claim in claims {
            let local = Source::own(made::peer(u64::MAX));
            let decision = claim.settle(&mut gate, START, &local);
            assert_eq!(decision.reason, Reason::New, "a made claim holds");
        }
        let mut rows = Vec::new();
        gate.take_rows(true, |row| {
            rows.extend(row.record.map(|record| (row.section, row.place, record.to_vec())));
        });
        Self(rows)
    }

    /// What a node with this secret starts with.
    pub(super) fn snapshot(&self, secret: &Seed) -> Vec<u8> {
        let mut rows: Vec<_> = self
            .0
            .iter()
            .map(|(section, place, record)| {
                let (section, place) = (*section, *place);
                StoredRow { section, place, record: Some(record) }
            })
            .collect();
        snapshot_of(POLICY.network, secret, &mut rows).expect("nobody damaged them")
    }
}
