//! The Gate, played by a small machine: eight bytes are one call. Signatures are not made; whether
//! they hold is one of the bytes, so that thousands of calls take a moment, and tickets may be kept
//! while others are settled.

mod burns;
mod call;
mod cast;
mod check;
mod messages;
mod setting;

use std::collections::{BTreeMap, BTreeSet};

use ltms_core::score::Failure;
use ltms_core::wire::Hello;
use ltms_core::*;

use self::call::Call;
use self::cast::{PEERS, cast};
use self::messages::Held;
pub(crate) use self::setting::seeds;
use self::setting::{Setting, connection};
use crate::ads::GARBAGE;
use crate::mutate::Random;
use crate::world::{COURIER, DAY, SEED, START, TIP, World, peer};

/// Calls of one history, and tickets of one kind that wait.
const LONGEST: usize = 300;
const WAITING: usize = 4;
const FAILURES: [Failure; 4] =
    [Failure::Timeout, Failure::Disconnect, Failure::InvalidSignature, Failure::Abort];

/// A Gate, and what is known about it without it.
struct History {
    world: World,
    capacity: Capacity,
    may_step_back: bool,
    stepped_back: bool,
    held: Vec<Held>,
    lookups: Vec<(usize, LookupTicket)>,
    /// What was sent, to be sent again.
    sent: Vec<Vec<u8>>,
    new: BTreeSet<Vec<u8>>,
    /// By author: when what was taken was made, and when it ends.
    taken: BTreeMap<usize, Vec<(Timestamp, Timestamp)>>,
    /// Claims that were credited to identities which still have their row.
    credited: BTreeSet<usize>,
    /// Peers that the operator banned, and until when.
    bans: BTreeMap<u32, Timestamp>,
    /// Identities that are banned, until when, and whether the operator did it.
    identity_bans: BTreeMap<usize, (Timestamp, bool)>,
    /// What earlier Gates counted.
    met: Vec<Met>,
}

/// Plays a history: a byte of choices, then the calls.
pub(crate) fn gate(bytes: &[u8]) {
    if let Some(history) = played(bytes) {
        history.ends();
    }
}

/// How often each of [`Reason::ALL`] was met, and what is counted besides.
pub type Met = (Vec<u64>, Metrics);

/// What each Gate of a history met, until it was restarted.
#[must_use]
pub fn met(bytes: &[u8]) -> Vec<Met> {
    let Some(mut history) = played(bytes) else { return Vec::new() };
    history.note();
    history.met
}

/// The Gate after a history, as it is saved.
pub(crate) fn saved(bytes: &[u8]) -> Vec<u8> {
    let mut history = played(bytes).expect("a setting");
    history.hang_up();
    crate::snapshot::save(&history.world.gate)
}

/// An empty Gate, as histories begin with.
pub(crate) fn unused(setting: u8) -> Gate<Heap> {
    let setting = Setting(setting);
    let gate = Gate::new(Heap::new(setting.capacity()), setting.policy(), SEED);
    gate.expect("a policy that makes sense")
}

/// Goes on from a snapshot.
pub(crate) fn goes_on(setting: u8, file: &[u8]) {
    let mut history = History::new(Setting(setting));
    history.resume(file);
    for call in Random::new(1).bytes(8 * 40).as_chunks().0 {
        history.play(Call::read(*call));
        history.keeps_its_bounds(&history.world.gate.metrics(history.world.now));
    }
}

/// What was recorded of a history.
pub(crate) fn recorded(bytes: &[u8]) -> Vec<u8> {
    let mut history = played(bytes).expect("a setting");
    history.world.gate.recorder().bytes.clone()
}

fn played(bytes: &[u8]) -> Option<History> {
    let (first, calls) = bytes.split_first()?;
    let setting = Setting(*first);
    let mut history = History::new(setting);
    let calls = calls.as_chunks().0.iter().take(LONGEST).map(|call| Call::read(*call));
    for call in setting.before().chain(calls) {
        history.play(call);
        history.check();
    }
    Some(history)
}

impl History {
    fn new(setting: Setting) -> Self {
        let capacity = setting.capacity();
        Self {
            world: World::with(capacity, setting.policy()),
            capacity,
            may_step_back: setting.clock_may_step_back(),
            stepped_back: false,
            held: Vec::new(),
            lookups: Vec::new(),
            sent: Vec::new(),
            new: BTreeSet::new(),
            taken: BTreeMap::new(),
            credited: BTreeSet::new(),
            bans: BTreeMap::new(),
            identity_bans: BTreeMap::new(),
            met: Vec::new(),
        }
    }

    fn tick(&mut self, call: &Call) {
        let before = self.world.now;
        let n = call.amount;
        let later = |ms| before.saturating_add(Millis::new(ms));
        self.world.now = match call.clock % 32 {
            0..14 => before,
            14..21 => later(n),
            21..24 => later(n * 60),
            24 | 25 => later(n * 1_000),
            26 => later(n * 60_000),
            27 if self.may_step_back => match n {
                0 => Timestamp::EPOCH,
                1 => Timestamp::NEVER,
                _ => Timestamp::from_millis(START.as_millis() - 20 * DAY.get() + n * 60_000),
            },
            28 if self.may_step_back => before.saturating_sub(Millis::new(n)),
            n => later(n.into()),
        };
        if self.world.now < before {
            self.stepped_back = true;
            // A ban that no operator chose is cut then.
            self.identity_bans.retain(|_, (_, by_operator)| *by_operator);
        }
    }

    fn play(&mut self, call: Call) {
        self.tick(&call);
        let (now, gate) = (self.world.now, &mut self.world.gate);
        let id = cast().ids[call.who()];
        match call.what {
            kind @ 0..6 => self.publish(&call, kind),
            6 if !self.sent.is_empty() => {
                let last = self.sent.iter().rev().cycle().nth(call.author % 4);
                let again = last.cloned().expect("not empty");
                self.send(&call, &again);
            }
            7 if !self.held.is_empty() => {
                let held = self.held.swap_remove(call.author % self.held.len());
                self.settle(&call, held);
            }
            8 | 9 => self.claim(&call),
            10 if !self.lookups.is_empty() => {
                let (claim, lookup) = self.lookups.swap_remove(call.author % self.lookups.len());
                self.settle_burn(&call, claim, lookup);
            }
            11 => self.connect(&call),
            12 if call.flag(4) => gate.disconnected(now, &peer(call.peer)),
            13 => self.ban(&call, id),
            14 => self.session(&call, id),
            15 => {
                let tip = gate.tip().expect("a tip").height.get();
                let (height, fork) =
                    (tip + u32::from(call.flags & 15), tip - 4 * u32::from(call.flags >> 5));
                let decision = self.world.try_tip(height, fork);
                self.judge(&call, decision, |world| Some(world.try_tip(height, fork)));
            }
            16 if call.flag(0) => self.world.confirm_tip(TIP, 180 + u32::from(call.flags >> 3)),
            16 => self.world.confirm_tip(TIP + u32::from(call.flags) * 2, TIP),
            17 => {
                let reason = if call.flag(3) { Reason::Malformed } else { Reason::Unsupported };
                let decision = gate.malformed(now, &call.source(), reason, &[call.flags; 9]);
                assert_eq!(decision, Decision::new(reason));
            }
            18 => self.hello(&call, id),
            19 => {
                let decision = gate.record_fault(now, &id, Reason::InvalidSignature);
                if let (Reason::IdentityBanned, Some(until)) = (decision.reason, decision.retry_at)
                {
                    self.identity_bans.entry(call.who()).or_insert((until, false));
                }
                self.judge(&call, decision, |_| None);
            }
            20 => self.allow(&call),
            12 if call.flag(3) => self.restart(),
            _ => {
                gate.handle_timeout(now);
                while gate.poll_event(now).is_some() {}
            }
        }
    }

    fn hang_up(&mut self) {
        for number in (0..PEERS).chain([COURIER]) {
            while self.world.of_peer(number).connections > 0 {
                self.world.gate.disconnected(self.world.now, &peer(number));
            }
        }
    }

    /// The process ends and another goes on with the snapshot: nobody may gain by that.
    fn restart(&mut self) {
        self.world.gate.handle_timeout(self.world.now);
        self.hang_up();
        let file = crate::snapshot::save(&self.world.gate);
        let restored = self.resume(&file);
        assert_eq!(restored.dropped, Dropped::default());
        assert_eq!(self.world.gate.snapshot_len(), file.len());
        // What was under way is lost.
        self.held.clear();
        self.lookups.clear();
        self.world.connect(COURIER);
    }

    fn note(&mut self) {
        let (gate, now) = (&self.world.gate, self.world.now);
        let counts = Reason::ALL.iter().map(|reason| gate.decisions(*reason)).collect();
        self.met.push((counts, gate.metrics(now)));
    }

    /// Another process takes over.
    fn resume(&mut self, file: &[u8]) -> Restored {
        let policy = *self.world.gate.policy();
        let mut world = World::without_a_tip(Heap::new(self.capacity), policy);
        world.now = self.world.now;
        let restored = world.gate.restore(world.now, file).expect("what a Gate wrote");
        self.note();
        self.world = world;
        restored
    }

    fn connect(&mut self, call: &Call) {
        let connection = connection(call);
        let again = |world: &mut World| Some(world.gate.screen_connection(world.now, &connection));
        let decision = again(&mut self.world).expect("a decision");
        assert!(!(self.is_banned(call.peer) && decision.is_accept()), "a banned peer connects");
        self.judge(call, decision, again);
        if decision.is_accept() || call.flag(0) {
            let _ = self.world.gate.connected(self.world.now, &connection);
        }
    }

    fn session(&mut self, call: &Call, id: IdentityId) {
        let before = self.world.of_identity(&id).score;
        let other = cast().ids[call.author % cast().ids.len()];
        let failed = call.flag(0);
        let outcome = if failed {
            Outcome::Failed(FAILURES[usize::from(call.flags >> 6)])
        } else {
            Outcome::Completed(Millis::new(call.amount))
        };
        let session = SessionId::from_bytes([call.flags >> 2; 16]);
        let (now, gate) = (self.world.now, &mut self.world.gate);
        let decision = gate.record_session(now, &session, &id, &other, outcome);
        self.judge(call, decision, |_| None);
        let after = self.world.of_identity(&id).score;
        assert!(after <= 100 && !(failed && after > before), "a failure raised a score");
    }

    fn hello(&mut self, call: &Call, id: IdentityId) {
        let (local, challenge) = (peer(PEERS), [0; 32]);
        let hello = Hello {
            identity: id,
            key: cast().keys[call.author],
            delegation: None,
            challenge: [call.flags & 1; 32],
        };
        let proof =
            Proof { verifier: &local, challenge: &challenge, hello: &hello, signature: GARBAGE };
        let decision = self.world.gate.prove_identity(self.world.now, &call.source(), &proof);
        assert!(!decision.is_accept(), "proved with a signature that nobody made");
        self.judge(call, decision, |_| None);
    }

    fn allow(&mut self, call: &Call) {
        let (now, allowed) = (self.world.now, call.flag(0));
        if self.world.gate.allow(now, &peer(call.peer), allowed).is_ok() && allowed {
            self.bans.remove(&call.peer);
            assert!(self.world.of_peer(call.peer).allowed);
        }
    }

    fn ban(&mut self, call: &Call, id: IdentityId) {
        let now = self.world.now;
        let until = (!call.flag(7)).then(|| now.saturating_add(Millis::new(call.amount * 10_000)));
        let subject = match call.flags & 3 {
            0 | 1 => Subject::Peer(peer(call.peer)),
            2 => Subject::Identity(id),
            _ => Subject::Key(cast().keys[call.author]),
        };
        if call.flag(2) {
            self.world.gate.unban(now, &subject);
            let standing = self.world.gate.standing(now, &subject).decision;
            let lifted = !matches!(standing.reason, Reason::Graylisted | Reason::Blacklisted);
            // What is banned of a key may be its identity's.
            assert!(lifted || matches!(subject, Subject::Key(_)), "lifted, and in force");
            match subject {
                Subject::Peer(_) => drop(self.bans.remove(&call.peer)),
                Subject::Identity(_) => drop(self.identity_bans.remove(&call.who())),
                _ => {}
            }
        } else if self.world.gate.ban(now, &subject, until, Reason::Malformed).is_ok() {
            let end = until.unwrap_or(Timestamp::NEVER);
            match subject {
                Subject::Peer(_) => drop(self.bans.insert(call.peer, end)),
                Subject::Identity(_) => drop(self.identity_bans.insert(call.who(), (end, true))),
                _ => {}
            }
            let standing = self.world.gate.standing(now, &subject);
            assert!(end <= now || !standing.decision.is_accept(), "banned, and not refused");
        }
    }
}
