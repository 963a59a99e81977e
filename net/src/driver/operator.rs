//! What an operator asks for that concerns many at once.

use std::time::Instant;

use libp2p::{PeerId, kad};
use ltms_core::{Ban, Reason, Subject, Timestamp};

use super::{Driver, peer_of as address_peer};
use crate::{
    door::core_peer,
    handle::{Change, Imported, NoRoom, Page, ReloadError, Taken, Undo, peer_of},
};

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
        let gate = self.gate();
        let bans = gate.bans(now).chain(gate.held_bans());
        let mut meant: Vec<_> = bans.filter(|ban| undo.is_meant(ban)).collect();
        if !dry {
            meant.retain(|ban| self.unban(&ban.subject));
        }
        meant
    }

    /// Takes over what can change while the node runs; all of it or nothing.
    pub(super) fn reload(&mut self, change: Change) -> Result<(), ReloadError> {
        let Change { policy, limits, server, allow, disallow, .. } = &change;
        let (now, gate) = (self.now(), self.gate());
        let fresh = |peer: &&PeerId| {
            let standing = gate.standing(now, &Subject::Peer(core_peer(peer)));
            !standing.allowed && !standing.by_operator
        };
        let needed = allow.iter().filter(fresh).count();
        let free = gate.operator_room(now).saturating_add(count(disallow.len()));
        if count(needed) > free {
            return Err(ReloadError::Allow(NoRoom { needed: count(needed), free }));
        }
        if !gate.set_limits(now, &policy.windows, &policy.enforce, policy.local_envelope) {
            return Err(ReloadError::Limits);
        }
        for peer in disallow {
            // There is no room to be short of when somebody leaves.
            let _ = gate.allow(now, &core_peer(peer), false);
        }
        for peer in allow {
            if gate.allow(now, &core_peer(peer), true).is_err() {
                tracing::error!(%peer, "not on the allow-list: its rows are taken");
            }
        }
        let behaviour = self.swarm.behaviour_mut();
        // What it may send in gossip follows from its window.
        behaviour.gossip.set_messages(policy.windows.connection);
        behaviour.dht.kad.set_mode(server.then_some(kad::Mode::Server));
        behaviour.connections.limit(*limits);
        behaviour.connections.persistent =
            change.persistent.iter().filter_map(address_peer).collect();
        for peer in allow {
            behaviour.forget(peer);
        }
        self.own_addresses.set(change.persistent.iter().chain(&change.bootstrap));
        self.dialler.relist(Instant::now(), &change.persistent, &change.bootstrap);
        self.reloads = self.reloads.saturating_add(1);
        self.waiting_keys = change.waiting;
        Ok(())
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
