//! Fresh peer ids without end against a node's Gate, and what they must not change.

use ltms_core::*;

use crate::counting;
use crate::made::{self, *};

/// Identities that advertise while the flood runs, each as often as [`EVERY`] says.
const IDENTITIES: u32 = 16_384;
/// Identities that are banned: half of them by the operator, the others for proven faults.
const BANNED: u32 = 256;
/// Seconds from one advertisement of an identity to its next. It may have one a minute.
const EVERY: u32 = 100;
/// Connections of honest peers over which these come, a quarter of them inbound.
const CONNECTIONS: u32 = 64;
/// Fresh ids a second. Ten million take 11 hours, in which no ban of a group ends.
const RATE: u64 = 250;
/// Narrow groups that half of the ids come from; the others come from anywhere.
const DENSE: u32 = 40;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Ids that connected.
    pub(crate) ids: u64,
    /// Those that did what bans for good, and were refused when they came back at once.
    pub(crate) banned: u64,
    /// Those that the full table had no room for: disconnected, and a lockdown for strangers.
    pub(crate) without_room: u64,
    /// Of `banned`, refused at the end by rows of their own, and by their group's.
    pub(crate) still: [u64; 2],
    /// Bans of identities: refused at the end, of how many.
    pub(crate) identities: [u64; 2],
    /// Bans of the operator: refused at the end, of how many.
    pub(crate) operators: [u64; 2],
    /// Advertisements of identities: accepted, of how many.
    pub(crate) ads: [u64; 2],
    /// Honest peers that connected again: let in, of how many.
    pub(crate) honest: [u64; 2],
    /// Allocations within calls of the Gate.
    pub(crate) allocations: u64,
    /// Bytes allocated before the flood and after it.
    pub(crate) bytes: [u64; 2],
}

impl Figures {
    /// Whether everything held.
    pub(crate) fn hold(&self) -> bool {
        let all = |[some, of]: [u64; 2]| some == of && of > 0;
        all(self.identities)
            && all(self.operators)
            && all(self.ads)
            && all(self.honest)
            && self.banned > 0
            && self.still.iter().sum::<u64>() == self.banned
            && self.allocations == 0
            && self.bytes[0] == self.bytes[1]
    }
}

/// What an id does before it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Fifty malformed items of its own: banned for good.
    Malformed,
    /// Fifty malformed items of others: graylisted.
    PassedOn,
    /// Some of its own, but too few: what its row says is graylisted when the row is needed.
    Leaving,
    /// Nothing but to take a stranger's place.
    Stranger,
}

impl Manner {
    const fn of(number: u64) -> Self {
        match mix(number) % 8 {
            0 => Self::PassedOn,
            1 => Self::Leaving,
            2 => Self::Stranger,
            _ => Self::Malformed,
        }
    }
}

/// An id of the flood, at the address that it comes from.
fn hostile(number: u64) -> Connection {
    let (choice, [dense, anywhere]) = (mix(!number), [DENSE, 1 << 18]);
    let group = |count: u32| (choice >> 8) as u32 % count;
    let group = if choice % 2 == 0 { group(dense) } else { (1 << 20) + group(anywhere) };
    connection(number, group)
}

/// An honest peer, alone in its address group.
fn honest(number: u32) -> Connection {
    let direction = if number.is_multiple_of(4) { Direction::Inbound } else { Direction::Outbound };
    Connection { direction, ..connection((1 << 40) + u64::from(number), (1 << 22) + (number << 8)) }
}

/// A peer that the operator has banned.
fn unwanted(number: u64) -> Connection {
    connection((1 << 41) + number, (1 << 23) + number as u32)
}

pub(crate) struct Flood {
    gate: Gate<Heap>,
    now: Timestamp,
    keys: Vec<PublicKey>,
    strangers: Vec<PublicKey>,
    ids: Vec<IdentityId>,
    operators: u64,
    /// Whether an id was refused when it came back at once.
    refused: Vec<bool>,
    figures: Figures,
}

impl Flood {
    pub(crate) fn new(ids: u64) -> Self {
        let mut gate = Gate::new(Heap::new(Capacity::NODE), POLICY, Seed::new([6; 16])).unwrap();
        set_tip(&mut gate, START);
        let (own, keys) = (Source::own(peer(u64::MAX)), keys(0, IDENTITIES as usize));
        let register = |key| {
            let claim = Claim::new(key);
            assert_eq!(claim.settle(&mut gate, START, &own).reason, Reason::New);
            claim.id
        };
        let identities: Vec<IdentityId> = keys.iter().map(register).collect();
        for (number, id) in identities.iter().enumerate().take(BANNED as usize) {
            if number % 2 == 0 {
                gate.ban(START, &Subject::Identity(*id), None, Reason::Text).unwrap();
            } else {
                (0..3).for_each(|_| _ = gate.record_fault(START, id, Reason::Malformed));
            }
        }
        let ban = |number: &u64| {
            let subject = Subject::Peer(unwanted(*number).peer);
            gate.ban(START, &subject, None, Reason::Text).is_ok()
        };
        let operators = (0..).take_while(ban).count() as u64;
        for number in 0..CONNECTIONS {
            gate.connected(START, &honest(number)).unwrap();
        }
        let refused = vec![false; ids as usize];
        let figures = Figures { ids, ..Figures::default() };
        let strangers = made::keys(1 << 32, 65_536);
        Self { gate, now: START, keys, strangers, ids: identities, operators, refused, figures }
    }

    /// All of it; `progress` is told how many ids have come.
    pub(crate) fn run(mut self, mut progress: impl FnMut(u64)) -> Figures {
        self.figures.bytes[0] = counting::bytes();
        for (second, first) in (0u32..).zip((0..self.figures.ids).step_by(RATE as usize)) {
            self.now = START.saturating_add(SECOND.saturating_mul(second.into()));
            progress(first);
            self.advertise(second);
            self.come_back(second % CONNECTIONS);
            for number in first..(first + RATE).min(self.figures.ids) {
                self.throw_away(number);
            }
            let now = self.now;
            self.ask(|gate| _ = gate.handle_timeout(now));
        }
        progress(self.figures.ids);
        self.look_at_bans();
        self.figures.bytes[1] = counting::bytes();
        self.figures
    }

    /// A call of the Gate, during which nothing may be allocated.
    fn ask<R>(&mut self, call: impl FnOnce(&mut Gate<Heap>) -> R) -> R {
        let before = counting::calls();
        let answer = call(&mut self.gate);
        self.figures.allocations += counting::calls() - before;
        answer
    }

    /// One id connects, does its worst and goes; it is noted whether it may come back.
    fn throw_away(&mut self, number: u64) {
        let (now, connection) = (self.now, hostile(number));
        let (source, manner) = (Source::direct(connection.peer), Manner::of(number));
        let relayed = Source::gossip(connection.peer, peer(1 << 50));
        let stranger = (manner == Manner::Stranger).then(|| {
            let author = self.strangers[number as usize % self.strangers.len()];
            Ad { author, ..own_ad(connection.peer, now) }.seal()
        });
        self.ask(|gate| {
            // From a banned group it may still connect, to prove an identity.
            _ = gate.screen_connection(now, &connection);
            gate.connected(now, &connection).unwrap();
            let mut err = |source, count| {
                (0..count).for_each(|_| _ = gate.malformed(now, source, Reason::Malformed, b"x"));
            };
            match manner {
                Manner::Malformed => err(&source, 50),
                Manner::PassedOn => err(&relayed, 50),
                Manner::Leaving => err(&source, 5),
                Manner::Stranger => {}
            }
            if let Some(envelope) = &stranger {
                _ = take(gate, now, &source, FrameKind::Direct, envelope);
            }
            gate.disconnected(now, &connection.peer);
            while gate.poll_event(now).is_some() {}
        });
        if manner == Manner::Malformed {
            let back = self.ask(|gate| gate.screen_connection(now, &connection).reason);
            let refused = matches!(back, Reason::Blacklisted | Reason::ProveIdentity);
            self.refused[number as usize] = refused;
            self.figures.banned += u64::from(refused);
            self.figures.without_room += u64::from(!refused);
        }
    }

    /// The identities whose turn it is.
    fn advertise(&mut self, second: u32) {
        for number in (second % EVERY..IDENTITIES).step_by(EVERY as usize) {
            let (now, index) = (self.now, number as usize);
            let signer = peer((1 << 42) + u64::from(number));
            let identity = Some(self.ids[index]);
            let ad = Ad { author: self.keys[index], identity, ..own_ad(signer, now) };
            let connection = honest(number % CONNECTIONS).peer;
            let gossip = (number / CONNECTIONS).is_multiple_of(2);
            let source = match gossip {
                true => Source::gossip(connection, signer),
                false => Source::direct(connection),
            };
            let kind = if gossip { FrameKind::Gossip } else { FrameKind::Direct };
            let envelope = ad.seal();
            let reason = self.ask(|gate| take(gate, now, &source, kind, &envelope));
            if number < BANNED {
                self.figures.identities[0] += u64::from(reason == Reason::IdentityBanned);
                self.figures.identities[1] += 1;
            } else {
                self.figures.ads[0] += u64::from(reason == Reason::New);
                self.figures.ads[1] += 1;
            }
        }
    }

    /// An honest peer's connection ends, and it connects again.
    fn come_back(&mut self, number: u32) {
        let (now, connection) = (self.now, honest(number));
        let screened = self.ask(|gate| {
            gate.disconnected(now, &connection.peer);
            let screened = gate.screen_connection(now, &connection);
            gate.connected(now, &connection).map(|()| screened.reason)
        });
        self.figures.honest[0] += u64::from(screened == Ok(Reason::Clear));
        self.figures.honest[1] += 1;
    }

    /// Every ban that there was, looked for at the end.
    fn look_at_bans(&mut self) {
        let now = self.now;
        for number in 0..self.operators {
            let answer = self.ask(|gate| gate.screen_connection(now, &unwanted(number)).reason);
            self.figures.operators[0] += u64::from(answer == Reason::Blacklisted);
            self.figures.operators[1] += 1;
        }
        for number in 0..self.figures.ids {
            if !self.refused[number as usize] {
                continue;
            }
            let connection = hostile(number);
            match self.ask(|gate| gate.screen_connection(now, &connection).reason) {
                Reason::Blacklisted => self.figures.still[0] += 1,
                Reason::ProveIdentity if self.is_shut_out(&connection) => {
                    self.figures.still[1] += 1;
                }
                _ => {}
            }
        }
    }

    /// Whether an id of a banned group, which may connect to prove an identity, gets anything
    /// else taken.
    fn is_shut_out(&mut self, connection: &Connection) -> bool {
        let (now, source) = (self.now, Source::direct(connection.peer));
        let envelope = Ad { author: self.strangers[0], ..own_ad(connection.peer, now) }.seal();
        self.ask(|gate| {
            gate.connected(now, connection).unwrap();
            let answer = take(gate, now, &source, FrameKind::Direct, &envelope);
            gate.disconnected(now, &connection.peer);
            while gate.poll_event(now).is_some() {}
            answer == Reason::GroupBanned
        })
    }
}

/// An advertisement of this peer for ten minutes.
fn own_ad(peer: PeerId, created_at: Timestamp) -> Ad {
    Ad {
        author: PublicKey::from_bytes([2; 33]),
        identity: None,
        peer,
        created_at,
        lasting: Millis::from_mins(10),
        delegation: None,
    }
}

/// A frame with an advertisement, as if its signatures had been checked.
fn take(
    gate: &mut Gate<Heap>,
    now: Timestamp,
    source: &Source,
    kind: FrameKind,
    envelope: &[u8],
) -> Reason {
    let screened = gate.screen_frame(now, source, kind, envelope.len());
    if !screened.is_accept() {
        return screened.reason;
    }
    settle(gate, now, source, envelope).reason
}
