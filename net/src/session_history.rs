//! The sessions that are over: bounded, and in the store.

use std::collections::{HashMap, HashSet, VecDeque};

use ltms_core::{
    IdentityId, PublicKey, SessionId, Timestamp,
    session::{Cause, Session},
};
use minicbor::{Decoder, Encoder};

use crate::store::Kept;

/// A session that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Its id.
    pub id: SessionId,
    /// Who announced it.
    pub announcer: PublicKey,
    /// When it was announced here.
    pub opened: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Why it ended.
    pub cause: Cause,
    /// Whose doing that was, as far as is known.
    pub signer: Option<PublicKey>,
    /// The identity of that signer.
    pub identity: Option<IdentityId>,
    /// Until when an abort keeps that signer's slot; otherwise not after the end.
    pub held_until: Timestamp,
}

impl EndedSession {
    /// What became of a session of the table; `None` while it is open.
    pub(crate) fn of(now: Timestamp, session: &Session) -> Option<Self> {
        let end = session.end()?;
        Some(Self {
            id: *session.id(),
            announcer: *session.key(session.announcer())?,
            opened: session.opened(),
            ended: now,
            cause: end.cause,
            signer: end.signer.and_then(|signer| session.key(signer)).copied(),
            identity: end.signer.and_then(|signer| session.identity(signer)).copied(),
            held_until: session.deadline(),
        })
    }

    /// What is stored beside the id.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Encoder::new(Vec::new());
        let mut write = || {
            to.array(7)?.bytes(self.announcer.as_bytes())?;
            for time in [self.opened, self.ended, self.held_until] {
                to.u64(time.as_millis())?;
            }
            to.u8(self.cause.code())?;
            let signer = self.signer.as_ref().map(|key| &key.as_bytes()[..]);
            let identity = self.identity.as_ref().map(|id| &id.as_bytes()[..]);
            for bytes in [signer, identity] {
                match bytes {
                    Some(bytes) => to.bytes(bytes)?,
                    None => to.null()?,
                };
            }
            Ok::<(), minicbor::encode::Error<std::convert::Infallible>>(())
        };
        // A vector takes everything.
        let _ = write();
        to.into_writer()
    }

    /// The reverse; `None` if it is nothing that was written here.
    pub(crate) fn decode(id: SessionId, record: &[u8]) -> Option<Self> {
        let mut d = Decoder::new(record);
        if d.array().ok()? != Some(7) {
            return None;
        }
        let announcer = PublicKey::from_bytes(d.bytes().ok()?.try_into().ok()?);
        let mut time = || d.u64().ok().map(Timestamp::from_millis);
        let (opened, ended, held_until) = (time()?, time()?, time()?);
        let cause = match d.u8().ok()? {
            0 => Cause::Completed,
            code => Cause::from_code(code)?,
        };
        let mut bytes = || match d.datatype().ok()? {
            minicbor::data::Type::Null => d.null().ok().map(|()| None),
            _ => d.bytes().ok().map(Some),
        };
        let signer = match bytes()? {
            Some(bytes) => Some(PublicKey::from_bytes(bytes.try_into().ok()?)),
            None => None,
        };
        let identity = match bytes()? {
            Some(bytes) => Some(IdentityId::from_bytes(bytes.try_into().ok()?)),
            None => None,
        };
        Some(Self { id, announcer, opened, ended, cause, signer, identity, held_until })
    }
}

/// The last sessions, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    most: usize,
    order: VecDeque<SessionId>,
    ended: HashMap<SessionId, EndedSession>,
    /// What changed since a store last asked.
    changed: HashSet<SessionId>,
}

impl History {
    /// Of at most so many, with those that a store kept.
    pub(crate) fn of(most: usize, mut kept: Vec<EndedSession>) -> Self {
        kept.sort_by_key(|session| session.ended);
        let mut history = Self { most, ..Self::default() };
        kept.into_iter().for_each(|session| history.put(session));
        history
    }

    /// Remembers one more; the oldest makes room.
    pub(crate) fn put(&mut self, session: EndedSession) {
        if self.ended.insert(session.id, session).is_none() {
            self.order.push_back(session.id);
        }
        self.changed.insert(session.id);
        while self.order.len() > self.most {
            let Some(oldest) = self.order.pop_front() else { break };
            self.ended.remove(&oldest);
            self.changed.insert(oldest);
        }
    }

    pub(crate) fn get(&self, id: &SessionId) -> Option<&EndedSession> {
        self.ended.get(id)
    }

    /// The newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &EndedSession> {
        self.order.iter().rev().filter_map(|id| self.ended.get(id))
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What is kept now of each session that changed, or of all.
    pub(crate) fn take_changes(&mut self, all: bool) -> Vec<(Kept, Vec<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        let ids: Vec<_> =
            if all { self.order.iter().copied().collect() } else { changed.into_iter().collect() };
        let record = |id: &SessionId| self.ended.get(id).map(EndedSession::encode);
        ids.iter().map(|id| (Kept::Session(*id), record(id).into_iter().collect())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(number: u8) -> EndedSession {
        EndedSession {
            id: SessionId::from_bytes([number; 16]),
            announcer: PublicKey::from_bytes([2; 33]),
            opened: Timestamp::from_millis(5),
            ended: Timestamp::from_millis(number.into()),
            cause: Cause::Abort,
            signer: number.is_multiple_of(2).then_some(PublicKey::from_bytes([3; 33])),
            identity: number.is_multiple_of(3).then_some(IdentityId::from_bytes([4; 32])),
            held_until: Timestamp::from_millis(u64::from(number) + 600_000),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for number in 0..6 {
            let session = ended(number);
            let record = session.encode();
            assert_eq!(EndedSession::decode(session.id, &record), Some(session));
            for cut in 0..record.len() {
                assert_eq!(EndedSession::decode(session.id, &record[..cut]), None);
            }
        }
    }

    #[test]
    fn the_oldest_is_forgotten_and_leaves_the_store() {
        let mut history = History::of(2, vec![ended(2), ended(1)]);
        assert_eq!(history.newest().next(), Some(&ended(2)));
        history.take_changes(true);
        history.put(ended(3));
        assert!(history.get(&ended(1).id).is_none() && history.get(&ended(2).id).is_some());
        let mut changes = history.take_changes(false);
        changes.sort_by_key(|(_, records)| records.len());
        let gone = (Kept::Session(ended(1).id), vec![]);
        let put = (Kept::Session(ended(3).id), vec![ended(3).encode()]);
        assert_eq!(changes, [gone, put]);
        assert!(!history.has_changes());
        assert_eq!(history.take_changes(true).len(), 2);
    }
}
