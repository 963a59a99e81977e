//! A Gate and a keyed rate limiter with the same keys.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use ltms_core::*;

use crate::made::*;

/// Messages in a sample.
pub(crate) const SAMPLE: usize = 128;
/// Connections that they come over in turns.
pub(crate) const CONNECTIONS: u64 = 128;

/// Connections of banned peers.
pub(crate) const SANCTIONED: u64 = 8;
/// Banned peers whose ids collide. A bucket of the table takes 32, of which few are others.
pub(crate) const COLLIDING: usize = 24;
/// Banned peers beside those that there is one of for every row.
const FURTHER: u32 = SANCTIONED as u32 + COLLIDING as u32;

/// With governor's default store, and its cheapest clock: the Gate reads none either.
type Limiter = governor::RateLimiter<
    PublicKey,
    DashMapStateStore<PublicKey>,
    FakeRelativeClock,
    NoOpMiddleware<Nanos>,
>;

pub(crate) struct World {
    pub(crate) gate: Gate<Heap>,
    pub(crate) now: Timestamp,
    pub(crate) keys: Vec<PublicKey>,
    pub(crate) ids: Vec<IdentityId>,
    /// When the newest advertisement of each row was made.
    pub(crate) newest: Vec<Timestamp>,
    /// Banned peers whose rows are found by way of one another's.
    pub(crate) colliding: Vec<PeerId>,
    pub(crate) limiter: Limiter,
    pub(crate) clock: FakeRelativeClock,
    pub(crate) random: Random,
}

/// The preset, but every identity is at its key limit with one key and may use it every second,
/// so that `key-limit` is met at any row; one malformed item is enough for a
/// ban, and all may come from anywhere.
pub(crate) fn policy() -> Policy {
    let mut policy = POLICY;
    policy.keys.basic = 1;
    policy.windows.identity_span = SECOND;
    policy.sanctions.malformed = 1;
    policy.sanctions.wide_share = 1_000;
    policy
}

impl World {
    /// With as many identities, each with an advertisement, and as many banned peers.
    pub(crate) fn new(rows: usize) -> Self {
        let count = u32::try_from(rows).unwrap();
        let capacity = Capacity {
            peers: 192,
            // Room for the claims that are only screened.
            identities: count + 2,
            // Strangers may have an eighth.
            keys: count + count / 4,
            // A quarter is the operator's.
            bans: (count + FURTHER) * 4 / 3 + 4,
            groups: 4_096,
            cells: 4_096,
            outcomes: count,
            tombstones: 4_096,
        };
        let seed = Seed::new([7; 16]);
        let mut gate = Gate::new(Heap::new(capacity), policy(), seed).unwrap();
        set_tip(&mut gate, START);
        let own = Source::own(peer(u64::MAX));
        let keys = keys(0, rows);
        let mut ids = Vec::with_capacity(rows);
        for (number, key) in (0..).zip(&keys) {
            let claim = Claim::new(key);
            assert_eq!(claim.settle(&mut gate, START, &own).reason, Reason::New);
            let envelope = ad(key, Some(&claim.id), START).seal();
            assert_eq!(settle(&mut gate, START, &own, &envelope).reason, Reason::New);
            // One half of the table is for those with a completed session.
            if let (Some(other), 1) = (ids.last(), number % 2) {
                let session = SessionId::from_bytes(u128::from(number).to_be_bytes());
                let done = Outcome::Completed(SECOND);
                let counted = gate.record_session(START, &session, &claim.id, other, done);
                assert_eq!(counted.reason, Reason::Clear);
            }
            throw_away(&mut gate, banned(number));
            ids.push(claim.id);
        }
        for number in 0..CONNECTIONS {
            let group = u32::try_from(number).unwrap();
            gate.connected(START, &connection(number, group)).unwrap();
        }
        for number in 0..SANCTIONED {
            misbehave(&mut gate, sanctioned(number));
        }
        let colliding = colliding(&seed, capacity.bans);
        colliding.iter().for_each(|peer| throw_away(&mut gate, *peer));
        assert_eq!(gate.metrics(START).bans_not_recorded, 0);
        while gate.poll_event(START).is_some() {}
        let quota = governor::Quota::with_period(Duration::from_secs(60)).unwrap();
        let quota = quota.allow_burst(NonZeroU32::MIN);
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::new(quota, DashMapStateStore::default(), clock.clone());
        for key in &keys {
            limiter.check_key(key).unwrap();
        }
        let newest = vec![START; rows];
        Self {
            gate,
            now: START,
            keys,
            ids,
            newest,
            colliding,
            limiter,
            clock,
            random: Random::new(1),
        }
    }

    /// Lets time pass on both sides.
    pub(crate) fn wait(&mut self, span: Millis) {
        self.now = self.now.saturating_add(span);
        self.clock.advance(Duration::from_millis(span.get()));
    }

    /// As many different rows as a sample has, drawn from all; and time for the connections to
    /// have their tokens again.
    pub(crate) fn draw(&mut self) -> Vec<usize> {
        self.wait(Millis::from_secs(5));
        let mut drawn = HashSet::new();
        std::iter::from_fn(|| {
            loop {
                let row = self.random.below(self.keys.len());
                if drawn.insert(row) {
                    return Some(row);
                }
            }
        })
        .take(SAMPLE)
        .collect()
    }

    /// Fills the caches with other rows.
    pub(crate) fn cool(&mut self) {
        for _ in 0..16_384 {
            let row = self.random.below(self.keys.len());
            assert!(self.gate.find_key(self.now, &self.keys[row]).is_some());
        }
    }

    /// An advertisement of this row, made now.
    pub(crate) fn fresh(&self, row: usize) -> Ad {
        ad(&self.keys[row], Some(&self.ids[row]), self.now)
    }
}

/// An advertisement for a day.
pub(crate) fn ad(author: &PublicKey, identity: Option<&IdentityId>, created_at: Timestamp) -> Ad {
    Ad {
        author: *author,
        identity: identity.copied(),
        peer: peer(0),
        created_at,
        lasting: DAY,
        delegation: None,
    }
}

/// Connects from where no address is seen, and is banned for good.
fn misbehave(gate: &mut Gate<Heap>, peer: PeerId) {
    let connection = Connection { peer, address: None, direction: Direction::Inbound };
    gate.connected(START, &connection).unwrap();
    let refused = gate.malformed(START, &Source::direct(peer), Reason::Malformed, b"x");
    assert!(!refused.is_accept());
}

fn throw_away(gate: &mut Gate<Heap>, peer: PeerId) {
    misbehave(gate, peer);
    gate.disconnected(START, &peer);
}

/// Peers whose rows begin in the first bucket of the ban table. Its hash has domain 4 and takes an
/// Ed25519 key's id as 1 and the key.
fn colliding(seed: &Seed, rows: u32) -> Vec<PeerId> {
    let collides = |peer: &PeerId| {
        let mut key = [1; 33];
        key[1..].copy_from_slice(&peer.to_bytes()[6..]);
        (u128::from(seed.hash(4, &key)) * u128::from(rows)) >> 64 == 0
    };
    (1 << 41..).map(peer).filter(collides).take(COLLIDING).collect()
}

/// The connected banned peer with this number.
pub(crate) fn sanctioned(number: u64) -> PeerId {
    peer((1 << 42) + number)
}

/// The banned peer with this number.
pub(crate) fn banned(number: u64) -> PeerId {
    peer((1 << 40) + number)
}
