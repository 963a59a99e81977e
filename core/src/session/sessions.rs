//! The table of sessions.

use super::rules::holder;
use super::{Cause, End, Member, Reputations, Session, SessionEvent, Step};
use crate::Timestamp;
use crate::storage::Storage;
use crate::wire::SessionAnnouncement;
use crate::{Decision, Gate, IdentityId, List, PeerId, PublicKey, Reason, SessionId};

/// A bounded table of sessions in memory that the caller lends: `[Session; 4]` on a device, a boxed
/// slice of 64 on a node (policy §11). Three quarters of it are for sessions that others announce.
///
/// Open sessions do not outlive it. What aborts hold does, if the caller writes down when one
/// [ended](SessionEvent::Ended) and brings it back with [`Sessions::restore_hold`].
pub struct Sessions<B> {
    rows: B,
    /// The latest time given since the clock last stepped back.
    latest: Timestamp,
}

impl<B: AsRef<[Session]> + AsMut<[Session]>> Sessions<B> {
    /// An empty table of rows that are all [`Session::VACANT`].
    pub const fn new(rows: B) -> Self {
        Self { rows, latest: Timestamp::EPOCH }
    }

    /// A session that is open, or not yet forgotten.
    #[must_use]
    pub fn get(&self, id: &SessionId) -> Option<&Session> {
        self.iter().find(|session| session.id == *id)
    }

    /// All that are open or not yet forgotten.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.rows.as_ref().iter().filter(|session| session.end.is_some() || session.is_open())
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.iter().filter(|session| session.is_open()).count()
    }

    /// When [`Sessions::handle_timeout`] wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Timestamp {
        let open = self.iter().filter(|session| session.is_open());
        open.map(Session::deadline).min().unwrap_or(Timestamp::NEVER)
    }

    /// The next thing that has to be told. Drain it after every call.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        for session in self.rows.as_mut() {
            if core::mem::take(&mut session.begin_untold) {
                return Some(SessionEvent::Begun(session.id, session.phase));
            }
            if core::mem::take(&mut session.end_untold)
                && let Some(end) = session.end
            {
                return Some(SessionEvent::Ended(session.id, end));
            }
        }
        None
    }

    /// Ends every session whose phase ran out of time. Who acknowledged it and owed something pays.
    pub fn handle_timeout(&mut self, now: Timestamp, gate: &mut impl Reputations) {
        if now < self.latest {
            let limits = gate.gate().policy().sessions;
            self.rows.as_mut().iter_mut().for_each(|session| session.cut(now, &limits));
        }
        self.latest = now;
        self.rows.as_mut().iter_mut().for_each(|session| session.expire(now, gate));
    }

    /// A peer's last connection is gone. If it had acknowledged a phase and owes it something, it
    /// pays and the session ends.
    pub fn disconnected(&mut self, now: Timestamp, gate: &mut impl Reputations, peer: &PeerId) {
        self.handle_timeout(now, gate);
        self.rows.as_mut().iter_mut().for_each(|session| session.lose(now, gate, peer));
    }

    /// What [`Sessions::step`] would answer, for before a signature is checked.
    pub fn screen<S: Storage>(
        &self,
        now: Timestamp,
        gate: &Gate<S>,
        from: Option<&PeerId>,
        id: &SessionId,
        step: &Step<'_>,
    ) -> Decision {
        self.check(now, gate, from, id, step)
            .map_or_else(|refused| refused, |_| Reason::Clear.into())
    }

    /// Takes a step in a session: of a connected peer, or of our own node, which is `None`.
    ///
    /// The caller has checked the signatures of announcements, joins and contributions; `from` is
    /// the peer of the connection, never a claim.
    pub fn step(
        &mut self,
        now: Timestamp,
        gate: &mut impl Reputations,
        from: Option<&PeerId>,
        id: &SessionId,
        step: &Step<'_>,
    ) -> Decision {
        self.handle_timeout(now, gate);
        let (place, identity) = match self.check(now, gate.gate(), from, id, step) {
            Ok(found) => found,
            Err(refused) => return refused,
        };
        if let Some(session) = self.rows.as_mut().get_mut(place) {
            session.apply(now, gate, (from, identity), id, step);
        }
        Reason::Clear.into()
    }

    /// Brings back what an abort of an earlier process held: a slot of this identity, or of all
    /// strangers. Does nothing when no row is free.
    pub fn restore_hold(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        identity: Option<IdentityId>,
        until: Timestamp,
    ) {
        let Some(place) = self.free(now) else { return };
        let mut members = List::new();
        let _ = members.push(Member { identity, ..Member::of(&PublicKey::from_bytes([0; 33])) });
        if let Some(row) = self.rows.as_mut().get_mut(place)
            && until > now
        {
            let end = Some(End { cause: Cause::Abort, signer: Some(0) });
            *row = Session { id: *id, members, end, deadline: until, ..Session::VACANT };
        }
    }

    /// Whether the step can be taken: in which row, and whose slot it takes.
    fn check<S: Storage>(
        &self,
        now: Timestamp,
        gate: &Gate<S>,
        from: Option<&PeerId>,
        id: &SessionId,
        step: &Step<'_>,
    ) -> Result<(usize, Option<IdentityId>), Decision> {
        let rows = self.rows.as_ref();
        let found =
            rows.iter().position(|row| row.id == *id && (row.is_open() || row.end.is_some()));
        let open = found.and_then(|place| Some((place, rows.get(place)?)));
        let open = open.filter(|(_, row)| row.is_open() && now < row.deadline);
        let Some((place, session)) = open else {
            return match step {
                Step::Announce(_) if found.is_some() => Err(Reason::Replayed.into()),
                Step::Announce(announcement) => {
                    self.check_announcement(now, gate, from, announcement)
                }
                _ => Err(Reason::UnknownSession.into()),
            };
        };
        session.allows(from, step)?;
        let Step::Join(signer) = step else { return Ok((place, None)) };
        let key = session.key(*signer).ok_or(Reason::NotASigner)?;
        let identity = holder(now, gate, key, from)?;
        if from.is_some() {
            self.check_slot(now, gate, identity.as_ref(), Some(place))?;
        }
        Ok((place, identity))
    }

    fn check_announcement<S: Storage>(
        &self,
        now: Timestamp,
        gate: &Gate<S>,
        from: Option<&PeerId>,
        announcement: &SessionAnnouncement,
    ) -> Result<(usize, Option<IdentityId>), Decision> {
        let key = announcement.author().filter(|_| announcement.is_sound());
        let key = key.ok_or(Reason::Malformed)?;
        if from.is_some_and(|peer| *peer != announcement.peer) {
            return Err(Reason::NotASigner.into());
        }
        let policy = gate.policy();
        if announcement.created_at > now.saturating_add(policy.future()) {
            let from = announcement.created_at.saturating_sub(policy.future());
            return Err(Decision::until(Reason::Future, from));
        }
        if announcement.created_at.saturating_add(policy.sessions.whole) <= now {
            return Err(Reason::Stale.into());
        }
        let identity = holder(now, gate, key, from)?;
        let rows = self.rows.as_ref();
        if from.is_some() {
            self.check_slot(now, gate, identity.as_ref(), None)?;
            let others = rows.iter().filter(|row| row.is_taken(now) && !row.is_ours());
            let most = rows.len().saturating_sub(rows.len() / 4);
            if others.clone().count() >= most {
                let free = others.map(Session::free_at).min();
                return Err(Decision::until(Reason::TableFull, free.unwrap_or(now)));
            }
        }
        // What aborts hold gives way to our own sessions: they are not to be kept from us.
        let held = || earliest(rows, |row| !row.is_open() && from.is_none());
        let place = self.free(now).or_else(held);
        let place = place.ok_or_else(|| {
            let free = rows.iter().map(Session::free_at).min();
            Decision::until(Reason::TableFull, free.unwrap_or(now))
        })?;
        Ok((place, identity))
    }

    /// Whether an identity, or all strangers together, may take part in one more.
    fn check_slot<S: Storage>(
        &self,
        now: Timestamp,
        gate: &Gate<S>,
        identity: Option<&IdentityId>,
        except: Option<usize>,
    ) -> Result<(), Decision> {
        let limits = &gate.policy().sessions;
        let most = if identity.is_some() { limits.per_identity } else { limits.strangers };
        let others = self.rows.as_ref().iter().enumerate();
        let others = others.filter(|(place, _)| Some(*place) != except).map(|(_, row)| row);
        let theirs = others.filter(|row| row.is_slot_of(now, identity));
        if theirs.clone().count() < usize::from(most) {
            return Ok(());
        }
        let free = theirs.map(Session::free_at).min();
        Err(Decision::until(Reason::SessionLimit, free.unwrap_or(now)))
    }

    /// The row that has been free for longest.
    fn free(&self, now: Timestamp) -> Option<usize> {
        earliest(self.rows.as_ref(), |row| !row.is_taken(now))
    }
}

fn earliest(rows: &[Session], mut free: impl FnMut(&Session) -> bool) -> Option<usize> {
    let free = rows.iter().enumerate().filter(|(_, row)| free(row));
    free.min_by_key(|(_, row)| row.deadline).map(|(place, _)| place)
}
