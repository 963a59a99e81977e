//! Outcomes of signing sessions move reputation; nothing else does.

use super::{Gate, Parts};
use crate::outcomes::{OutcomeRow, Pair};
use crate::peers::domain;
use crate::score::Failure;
use crate::storage::Storage;
use crate::table::Row;
use crate::{Decision, IdentityId, Millis, Reason, SessionId, Timestamp};

/// How a session went for one of its signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Completed; the signer answered within this time.
    Completed(Millis),
    /// Failed by the signer's doing, as *we* saw it on our own connection.
    Failed(Failure),
}

impl<S: Storage> Gate<S> {
    /// Counts the outcome of a session for `subject`; `counterparty` is the identity that signed
    /// with it ([`IdentityId::OURS`] in our own sessions).
    ///
    /// A session counts once for each pair, and at most three successes in a rolling 24 h, so
    /// that two identities of one owner gain little by signing with each other (attack L7).
    /// A score never bans.
    pub fn record_session(
        &mut self,
        now: Timestamp,
        session: &SessionId,
        subject: &IdentityId,
        counterparty: &IdentityId,
        outcome: Outcome,
    ) -> Decision {
        let mut parts = self.parts(now);
        let decision = match parts.record_session(now, session, subject, counterparty, outcome) {
            Ok(()) => Reason::Clear.into(),
            Err(reason) => reason.into(),
        };
        parts.node.counters.note(decision)
    }
}

impl Parts<'_> {
    fn record_session(
        &mut self,
        now: Timestamp,
        session: &SessionId,
        subject: &IdentityId,
        counterparty: &IdentityId,
        outcome: Outcome,
    ) -> Result<(), Reason> {
        let seed = &self.rules.seed;
        let points = &self.rules.policy.reputation;
        let place = self.tables.identities.find(seed, subject).ok_or(Reason::UnknownIdentity)?;
        // Others' identities have to be bought, so that nobody is a new counterparty every time.
        if *counterparty != IdentityId::OURS {
            self.tables.identities.find(seed, counterparty).ok_or(Reason::UnknownIdentity)?;
        }
        if subject == counterparty {
            return Err(Reason::NotCounted);
        }
        let tag = |id: &IdentityId| seed.hash(domain::IDENTITY, id.as_bytes());
        let pair: Pair =
            (u128::from(tag(subject)) << 64 | u128::from(tag(counterparty))).to_be_bytes();
        let session = seed.hash(domain::OUTCOME, session.as_bytes());
        let row = self.outcome_row(pair).ok_or(Reason::TableFull)?;
        if row.session == session {
            return Err(Reason::NotCounted);
        }
        if matches!(outcome, Outcome::Completed(_)) {
            let allowed = usize::from(points.daily_successes);
            let day = Millis::from_hours(24);
            let counted = |at: &&Timestamp| **at != Timestamp::EPOCH && now.since(**at) < day;
            if row.successes.iter().filter(counted).count() >= allowed {
                return Err(Reason::NotCounted);
            }
            row.successes.rotate_left(1);
            if let Some(last) = row.successes.last_mut() {
                *last = now;
            }
        }
        row.session = session;
        row.last = now;
        let identity = self.tables.identities.get_mut(place).ok_or(Reason::UnknownIdentity)?;
        match outcome {
            Outcome::Completed(response) => identity.reputation.success(points, now, response),
            Outcome::Failed(failure) => identity.reputation.failure(points, now, failure),
        }
        identity.use_now(now);
        self.acquaint(now, place);
        Ok(())
    }

    /// The row of a pair; when the table is full, the one that has been quiet for longest makes
    /// room.
    fn outcome_row(&mut self, pair: Pair) -> Option<&mut OutcomeRow> {
        let seed = &self.rules.seed;
        let outcomes = &mut self.tables.outcomes;
        if let Some(place) = outcomes.find(seed, &pair) {
            return outcomes.get_mut(place);
        }
        if outcomes.is_full() {
            let oldest = outcomes.view().iter().min_by_key(|(_, row)| row.last);
            let (oldest, _) = oldest?;
            outcomes.remove(seed, oldest);
        }
        let place = outcomes.insert(seed, OutcomeRow { pair, ..OutcomeRow::VACANT })?;
        outcomes.get_mut(place)
    }
}
