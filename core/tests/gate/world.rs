//! A Gate with peers, a clock that only moves when told, and the identities of a real regtest chain.

use core::net::{IpAddr, Ipv4Addr};

use ltms_core::hash::Seed;
use ltms_core::record::{Recorded, Recorder};
use ltms_core::*;

use crate::ads::Ad;
use crate::claims::Claim;
use crate::replay::replay;

/// When every test begins: some hours after the burns were made.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_795_400_000_000);
pub(crate) const SEED: Seed = Seed::new(*b"a seed for tests");
/// Deep enough for every burn of the regtest chain to be final.
pub(crate) const TIP: u32 = 400;

pub(crate) const SECOND: Millis = Millis::from_secs(1);
pub(crate) const MINUTE: Millis = Millis::from_mins(1);
pub(crate) const HOUR: Millis = Millis::from_hours(1);
pub(crate) const DAY: Millis = Millis::from_days(1);

/// A tally's span ends at most this much early.
pub(crate) const TALLY: Millis = Millis::new(1 << 16);
/// The policy of the tests: the preset, on regtest.
pub(crate) const POLICY: Policy = Policy::LOTUS_V1.on(Network::Reg);

/// The id of the peer with this number.
pub(crate) fn peer(number: u32) -> PeerId {
    let mut bytes = [0x20; 34];
    bytes[0] = 0x12;
    bytes[30..].copy_from_slice(&number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

/// The peer that brings what nobody else is to pay for.
pub(crate) const COURIER: u32 = 1_000_000;

/// A peer that never connects.
pub(crate) const NOBODY: u32 = u32::MAX;

/// What a World did, as long as it is not too long.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) bytes: Vec<u8>,
    full: bool,
}

impl Tape {
    const MOST: usize = 8 << 20;
}

impl Recorder for Tape {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
    fn end(&mut self) {
        self.full = self.bytes.len() > Self::MOST;
    }
    fn is_on(&self) -> bool {
        !self.full
    }
}

/// What happened in it is replayed when it ends, to the same answers, events and metrics: each of
/// these tests tests that, too.
pub(crate) struct World<S: Storage = Heap> {
    pub(crate) gate: Recorded<S, Tape>,
    pub(crate) now: Timestamp,
}

impl<S: Storage> Drop for World<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.events();
        let tape = self.gate.recorder();
        let (replay, full) = (replay(&tape.bytes), tape.full);
        let metrics = (self.gate.metrics(self.now), replay.gate().metrics(self.now));
        assert!(full || metrics.0 == metrics.1, "{metrics:?}");
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Capacity::SMALL, POLICY)
    }

    pub(crate) fn with(capacity: Capacity, policy: Policy) -> Self {
        World::on(Heap::new(capacity), policy)
    }

    /// With the identities `0..count` of the regtest chain.
    pub(crate) fn registered(count: u32) -> Self {
        let mut world = Self::new();
        for number in 0..count {
            world.register(&Claim::real(number));
        }
        world
    }
}

impl<S: Storage> World<S> {
    /// Nothing and nobody in it.
    pub(crate) fn without_a_tip(storage: S, policy: Policy) -> Self {
        let gate = Recorded::new(storage, policy, SEED, Tape::default()).unwrap();
        Self { gate, now: START }
    }

    pub(crate) fn on(storage: S, policy: Policy) -> Self {
        let mut world = Self::without_a_tip(storage, policy);
        world.set_tip(TIP, TIP);
        world.connect(COURIER);
        world
    }

    pub(crate) fn wait(&mut self, span: Millis) {
        self.run_to(self.now.saturating_add(span));
    }

    /// Lets the clock run: the Gate hears of it every hour, so that it is not a step.
    pub(crate) fn run_to(&mut self, now: Timestamp) {
        while self.now < now {
            self.now = self.now.saturating_add(HOUR).min(now);
            self.gate.disconnected(self.now, &peer(NOBODY));
        }
    }

    /// A tip that the source may well have; see `try_tip` for others.
    #[track_caller]
    pub(crate) fn set_tip(&mut self, height: u32, fork: u32) {
        assert_eq!(reason(self.try_tip(height, fork)), Reason::Clear);
    }

    pub(crate) fn try_tip(&mut self, height: u32, fork: u32) -> Decision {
        self.gate.set_tip(self.now, tip(height), BlockHeight::new(fork))
    }

    /// A tip that a second source confirms, however deep the fork.
    pub(crate) fn confirm_tip(&mut self, height: u32, fork: u32) {
        self.gate.confirm_tip(self.now, tip(height), BlockHeight::new(fork));
    }

    /// Peer `number` at an address group of its own, inbound.
    pub(crate) fn connection(number: u32) -> Connection {
        let [_, a, b, c] = number.to_be_bytes();
        let address = Some(IpAddr::V4(Ipv4Addr::new(a ^ 60, b, c, 1)));
        Connection { peer: peer(number), address, direction: Direction::Inbound }
    }

    pub(crate) fn connect(&mut self, number: u32) {
        self.gate.connected(self.now, &Self::connection(number)).unwrap();
    }

    /// Sends a frame as one connection would: the window is charged, too.
    pub(crate) fn send(&mut self, source: &Source, envelope: &[u8]) -> Decision {
        let kind = match source.channel {
            Channel::Gossip => FrameKind::Gossip,
            Channel::Direct => FrameKind::Direct,
            Channel::Directory | Channel::Dht | Channel::Own => {
                return self.gate.admit_ad(self.now, source, envelope);
            }
        };
        let screened = self.gate.screen_frame(self.now, source, kind, envelope.len());
        if !screened.is_accept() {
            return screened;
        }
        self.gate.admit_ad(self.now, source, envelope)
    }

    /// Peer `number` sends a frame of its own.
    pub(crate) fn direct(&mut self, number: u32, ad: &Ad) -> Decision {
        self.send(&Source::direct(peer(number)), &ad.seal())
    }

    /// `from` hands over a gossip message that `publisher` signed.
    pub(crate) fn gossip(&mut self, from: u32, publisher: u32, ad: &Ad) -> Decision {
        self.send(&Source::gossip(peer(from), peer(publisher)), &ad.seal())
    }

    /// We asked `from` and got this.
    pub(crate) fn pull(&mut self, from: u32, channel: Channel, ad: &Ad) -> Decision {
        self.send(&Source { peer: peer(from), publisher: None, channel }, &ad.seal())
    }

    /// Brings a claim through all its steps, at the courier's cost.
    pub(crate) fn claim(&mut self, claim: &Claim) -> Decision {
        self.claim_from(COURIER, claim, EvidenceClass::Node)
    }

    pub(crate) fn claim_from(
        &mut self,
        number: u32,
        claim: &Claim,
        class: EvidenceClass,
    ) -> Decision {
        let lookup = match self.lookup(number, claim) {
            Ok(lookup) => lookup,
            Err(decision) => return decision,
        };
        assert_eq!((lookup.block(), *lookup.identity()), (&claim.block, claim.identity()));
        let found = BlockEvidence { header: &claim.header, class };
        self.gate.settle_burn(self.now, lookup, Some(&found))
    }

    /// A claim up to the question for its block.
    pub(crate) fn lookup(&mut self, number: u32, claim: &Claim) -> Result<LookupTicket, Decision> {
        let source = Source::direct(peer(number));
        let screened = self.gate.screen_claim(self.now, &source, &claim.claimed(), claim.signature);
        let ticket = match screened {
            Screening::Done(decision) => return Err(decision),
            Screening::Proceed(ticket) => ticket,
        };
        let check = ticket.verify();
        match self.gate.settle_claim(self.now, ticket, check) {
            Screening::Done(decision) => Err(decision),
            Screening::Proceed(lookup) => Ok(lookup),
        }
    }

    #[track_caller]
    pub(crate) fn register(&mut self, claim: &Claim) -> IdentityId {
        assert_eq!(self.claim(claim).reason, Reason::New);
        claim.id()
    }

    pub(crate) fn of_peer(&self, number: u32) -> Standing {
        self.gate.standing(self.now, &Subject::Peer(peer(number)))
    }

    pub(crate) fn of_key(&self, key: &PublicKey) -> Standing {
        self.gate.standing(self.now, &Subject::Key(*key))
    }

    pub(crate) fn of_identity(&self, id: &IdentityId) -> Standing {
        self.gate.standing(self.now, &Subject::Identity(*id))
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.gate.poll_event(self.now)).collect()
    }

    /// All signers that fit, best first.
    pub(crate) fn find(&self, criteria: &Criteria) -> Vec<Found> {
        let mut out = [Found::default(); 100];
        let count = self.gate.find(self.now, criteria, &mut out);
        out[..count].to_vec()
    }
}

fn tip(height: u32) -> Tip {
    Tip { height: BlockHeight::new(height), hash: BlockHash::from_bytes([1; 32]) }
}

/// The reason of a decision, after checking that its verdict belongs to it.
#[track_caller]
pub(crate) fn reason(decision: Decision) -> Reason {
    assert_eq!(decision.verdict, decision.reason.verdict());
    decision.reason
}
