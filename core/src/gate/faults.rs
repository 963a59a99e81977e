//! Proven faults of identities: the only thing that bans one by itself (policy §4).

use super::{Gate, Parts};
use crate::identities::IdentityRow;
use crate::storage::Storage;
use crate::{Decision, IdentityId, Reason, Timestamp};

impl<S: Storage> Gate<S> {
    /// Counts a proven fault of an identity: bytes that verify under its own key and are wrong,
    /// `fault` saying in which way. Enough of them within the span ban it.
    ///
    /// The caller has checked the proof, counts each fault once and keeps the evidence. Nothing
    /// that the Gate meets by itself is such a proof: two advertisements of one key with the same
    /// time are no more than `Ignore(Replayed)` (policy §2), and a signature that does not hold
    /// says something about whoever handed it over.
    ///
    /// [`Reason::IdentityBanned`] if it is banned now, [`Reason::Clear`] if not yet,
    /// [`Reason::UnknownIdentity`] if there is nobody to count it for.
    pub fn record_fault(
        &mut self,
        now: Timestamp,
        identity: &IdentityId,
        fault: Reason,
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = parts.record_fault(now, identity, fault).unwrap_or_else(Decision::from);
        parts.node.counters.note(decision)
    }
}

impl Parts<'_> {
    fn record_fault(
        &mut self,
        now: Timestamp,
        identity: &IdentityId,
        fault: Reason,
    ) -> Result<Decision, Reason> {
        let (seed, limits) = (&self.rules.seed, self.rules.policy.sanctions);
        let place = self.tables.identities.find(seed, identity).ok_or(Reason::UnknownIdentity)?;
        let row = self.tables.identities.get_mut(place).ok_or(Reason::UnknownIdentity)?;
        let faults = &mut self.node.counters.identity_faults;
        *faults = faults.saturating_add(1);
        let enough = row.faults.add(now, limits.span) >= limits.identity_faults;
        if enough {
            row.faults.clear();
        }
        if let Some(until) = row.ban.active(now) {
            return Ok(Decision::until(Reason::IdentityBanned, until));
        }
        if !enough || !self.may_sanction() {
            return Ok(Reason::Clear.into());
        }
        self.tables.identities.mark(place);
        let row = self.tables.identities.get_mut(place).ok_or(Reason::UnknownIdentity)?;
        let (first, longest) = (limits.identity_ban, limits.identity_ban_max);
        let until = row.ban.begin(now, first, longest, limits.span);
        row.ban_reason = fault;
        row.flags.set(IdentityRow::SANCTIONED, true);
        let banned = &mut self.node.counters.identities_banned;
        *banned = banned.saturating_add(1);
        Ok(Decision::until(Reason::IdentityBanned, until))
    }
}
