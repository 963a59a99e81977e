//! What an operator asks for that concerns many at once.

use ltms_core::{Ban, Reason, Subject, Timestamp};

use super::Driver;
use crate::handle::{Imported, NoRoom, Page, Taken, Undo, peer_of};

/// Identities of one page: some 1 ms of a node's time.
const PAGE: usize = 2_048;

impl Driver {
    pub(super) fn page(&mut self, from: u32) -> Page {
        let (now, gate) = (self.now(), self.gate());
        let mut page = Page::default();
        for (place, registered) in gate.identities(from) {
            if page.identities.len() == PAGE {
                page.next = Some(place);
                break;
            }
            let standing = gate.standing(now, &Subject::Identity(registered.id));
            page.identities.push((place, registered, standing));
        }
        page
    }

    /// Bans a peer, or an identity; false if there is no room, or no such identity.
    pub(super) fn ban(
        &mut self,
        subject: &Subject,
        until: Option<Timestamp>,
        reason: Reason,
    ) -> bool {
        let now = self.now();
        self.gate().ban(now, subject, until, reason).is_ok()
    }

    pub(super) fn unban(&mut self, subject: &Subject) -> bool {
        let now = self.now();
        let lifted = self.gate().unban(now, subject);
        if let Some(peer) = peer_of(subject) {
            self.swarm.behaviour_mut().forget(&peer);
        }
        lifted
    }

    /// Takes over what makes anything stricter; all of it or nothing.
    pub(super) fn import(&mut self, bans: &[Imported], dry: bool) -> Result<Taken, NoRoom> {
        let (now, gate) = (self.now(), self.gate());
        let (mut taken, mut needed, mut stricter) = (Taken::default(), 0_u32, Vec::new());
        for ban in bans {
            let standing = gate.standing(now, &ban.subject);
            let peer = matches!(ban.subject, Subject::Peer(_));
            let refused = [Reason::Graylisted, Reason::Blacklisted, Reason::IdentityBanned];
            let banned = refused.contains(&standing.decision.reason);
            let lasts = |until: Option<Timestamp>| until.unwrap_or(Timestamp::NEVER);
            let count = if ban.until.is_some_and(|until| until <= now) {
                &mut taken.ended
            } else if standing.allowed {
                &mut taken.allowed
            } else if !peer && !standing.known && !standing.displaced {
                &mut taken.unknown
            } else if banned && lasts(standing.decision.retry_at) >= lasts(ban.until) {
                &mut taken.known
            } else {
                needed += u32::from(peer && !(banned && standing.by_operator));
                stricter.push(ban);
                &mut taken.banned
            };
            *count += 1;
        }
        let free = gate.operator_room(now);
        if needed > free {
            return Err(NoRoom { needed, free });
        }
        for ban in stricter.into_iter().filter(|_| !dry) {
            if !self.ban(&ban.subject, ban.until, ban.reason) {
                taken.banned -= 1;
                taken.unknown += 1;
            }
        }
        Ok(taken)
    }

    /// Lifts what is meant and tells what that was.
    pub(super) fn undo(&mut self, undo: &Undo, dry: bool) -> Vec<Ban> {
        let now = self.now();
        let mut meant: Vec<_> = self.gate().bans(now).filter(|ban| undo.is_meant(ban)).collect();
        if !dry {
            meant.retain(|ban| self.unban(&ban.subject));
        }
        meant
    }
}
