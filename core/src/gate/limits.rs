//! Limits that the operator changes while the Gate lives.

use super::Gate;
use crate::storage::Storage;
use crate::{Enforce, Policy, Timestamp, Windows};

impl<S: Storage> Gate<S> {
    /// Puts other windows, other rules that only count, and another [`Policy::local_envelope`] in
    /// force. What was charged stays charged, as far as the new windows reach; no row is lost.
    /// Nothing else of a policy can change while a Gate lives, because rows and deadlines were
    /// made by it. False, and nothing changes, if the policy would not
    /// [validate](Policy::validate) with them.
    pub fn set_limits(
        &mut self,
        now: Timestamp,
        windows: &Windows,
        enforce: &Enforce,
        local_envelope: u32,
    ) -> bool {
        let (windows, enforce) = (*windows, *enforce);
        let policy = Policy { windows, enforce, local_envelope, ..self.rules.policy };
        if policy.validate().is_err() {
            return false;
        }
        self.rules.policy = policy;
        let mut parts = self.parts(now);
        let sweep = parts.node.next_sweep;
        // Held back longer than the new windows can, nobody would be read again.
        parts.cut_deadlines(now);
        // After a leap of the clock it is postponed, and stays so.
        parts.node.next_sweep = sweep;
        true
    }
}
