//! Advertisements and withdrawals.

use ltms_core::wire::AdHeader;
use ltms_core::*;

use super::call::Call;
use super::cast::cast;
use super::{History, WAITING};
use crate::ads::{Ad, GARBAGE, ad};
use crate::world::World;

/// An advertisement whose signature is being checked.
pub(super) struct Held {
    ticket: AdTicket,
    author: usize,
    identity: Option<IdentityId>,
    created_at: Timestamp,
    ends: Timestamp,
    envelope: Vec<u8>,
}

impl History {
    fn advertisement(&self, call: &Call, kind: u8) -> Ad<'static> {
        let (cast, now) = (cast(), self.world.now);
        let ago = Millis::new(call.amount * 6);
        let made = match call.flags >> 3 & 3 {
            0 => now.saturating_add(ago),
            1 => now,
            _ => now.saturating_sub(ago),
        };
        let lasting = Millis::new(600_000 + call.amount * 1_000 * u64::from(call.clock >> 5 & 1));
        let mut ad =
            ad(&cast.authors[call.author]).at(made).lasting(lasting).of_peer(call.peer).forged();
        if call.identity >= 0xE0 {
            ad.types = &[1, 300, 301, 302];
        }
        if let Some(id) = cast.ids.get(call.who()).filter(|_| call.identity & 0x30 != 0) {
            let sequence = self.world.gate.identity(id).map_or(0, |row| row.sequence);
            ad = ad.under(id).sequence(sequence ^ u64::from(call.flag(7)));
            ad = ad.with_delegation(ad.expires_at.saturating_add(ago), GARBAGE);
        }
        if kind == 5 { ad.withdrawal() } else { ad }
    }

    /// A new advertisement (0 to 4) or withdrawal (5).
    pub(super) fn publish(&mut self, call: &Call, kind: u8) {
        let envelope = self.advertisement(call, kind).seal();
        self.sent.push(envelope.clone());
        self.send(call, &envelope);
    }

    pub(super) fn send(&mut self, call: &Call, envelope: &[u8]) {
        let source = call.source();
        let kind = match source.channel {
            Channel::Gossip => Some(FrameKind::Gossip),
            Channel::Direct => Some(FrameKind::Direct),
            Channel::Directory | Channel::Dht | Channel::Own => None,
        };
        if let Some(kind) = kind {
            let len = envelope.len() + usize::from(call.flags == 0xA8) * size::FRAME;
            let again =
                |world: &mut World| Some(world.gate.screen_frame(world.now, &source, kind, len));
            let decision = again(&mut self.world).expect("a decision");
            let banned = self.is_banned(call.peer) && kind == FrameKind::Direct;
            assert!(!(banned && decision.is_accept()), "a banned peer is read");
            self.judge(call, decision, again);
            if !decision.is_accept() {
                return;
            }
        }
        let now = self.world.now;
        let header = match AdHeader::read(Network::Reg, envelope) {
            Ok(header) => header,
            // A clock at the end of all time wrote it.
            Err(error) => {
                assert!(self.may_step_back, "{error}");
                let decision = self.world.gate.malformed(now, &source, error.reason(), envelope);
                return self.judge(call, decision, |_| None);
            }
        };
        match self.world.gate.screen_ad(now, &source, &header) {
            Screening::Done(decision) => {
                assert_ne!(decision.reason, Reason::New, "taken without a signature");
                self.judge(call, decision, |world| {
                    match world.gate.screen_ad(world.now, &source, &header) {
                        // The ban of a key may follow that of its peer.
                        Screening::Done(late) if late == world.of_key(&header.author).decision => {
                            None
                        }
                        Screening::Done(late) => Some(late),
                        Screening::Proceed(_) => None,
                    }
                });
            }
            Screening::Proceed(ticket) => {
                let author = cast().keys.iter().position(|key| *key == header.author);
                let held = Held {
                    ticket,
                    author: author.expect("one of the cast"),
                    identity: header.authority.map(|authority| authority.identity),
                    created_at: header.created_at,
                    ends: header.expires_at,
                    envelope: envelope.to_vec(),
                };
                if call.flag(6) && self.held.len() < WAITING {
                    self.held.push(held);
                } else {
                    self.settle(call, held);
                }
            }
        }
    }

    pub(super) fn settle(&mut self, call: &Call, held: Held) {
        let now = self.world.now;
        let decision = self.world.gate.settle_ad(now, held.ticket, call.check());
        self.judge(call, decision, |_| None);
        let taken = self.taken.entry(held.author).or_default();
        if decision.reason != Reason::New {
            return;
        }
        assert_eq!(call.check(), SignatureCheck::Valid);
        let banned = self.identity_bans.iter().filter(|(_, (until, _))| *until > now);
        let banned = banned.map(|(number, _)| cast().ids[*number]);
        assert!(!banned.into_iter().any(|id| held.identity == Some(id)), "of a banned identity");
        if !self.stepped_back {
            assert!(self.new.insert(held.envelope), "taken twice");
            let older = taken.iter().filter(|(_, ends)| *ends > now);
            let newest = older.map(|(created_at, _)| *created_at).max();
            assert!(newest < Some(held.created_at), "behind its watermark");
        }
        taken.push((held.created_at, held.ends));
    }
}
