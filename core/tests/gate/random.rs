//! Random histories with clocks that jump: nothing panics and every bound holds.

use std::collections::BTreeSet;

use ltms_core::burn::Purpose;
use ltms_core::schnorr::SecretKey;
use ltms_core::score::Failure;
use ltms_core::*;
use proptest::prelude::*;

use crate::ads::{Ad, ad};
use crate::claims::{Claim, named, secret};
use crate::storage::Few;
use crate::world::*;

pub(crate) const PEERS: u32 = 6;
pub(crate) const IDENTITIES: u32 = 4;
const AUTHORS: u32 = 24;

/// One call, chosen by numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    call: u8,
    pub(crate) peer: u32,
    author: u32,
    identity: u32,
    channel: u8,
    ago: u64,
    lasting: u64,
    clock: Clock,
}

#[derive(Clone, Copy, Debug)]
enum Clock {
    Stays,
    Runs(u64),
    Jumps(u64),
}

fn clock(anywhere: bool) -> BoxedStrategy<Clock> {
    let runs = prop_oneof![
        4 => Just(Clock::Stays),
        4 => (0..120_000u64).prop_map(Clock::Runs),
        2 => (0..DAY.get()).prop_map(Clock::Runs),
    ];
    if !anywhere {
        return runs.boxed();
    }
    let jumps = prop_oneof![
        Just(0),
        Just(u64::MAX),
        any::<u64>(),
        (0..40 * DAY.get()).prop_map(|ms| START.as_millis() - 20 * DAY.get() + ms),
    ];
    prop_oneof![8 => runs, 1 => jumps.prop_map(Clock::Jumps)].boxed()
}

pub(crate) fn steps(anywhere: bool) -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..20u8,
        0..PEERS,
        0..AUTHORS,
        0..IDENTITIES + 1,
        0..4u8,
        0..400_000u64,
        600_000..DAY.get(),
        clock(anywhere),
    );
    let step = step.prop_map(|(call, peer, author, identity, channel, ago, lasting, clock)| Step {
        call,
        peer,
        author,
        identity,
        channel,
        ago,
        lasting,
        clock,
    });
    prop::collection::vec(step, 1..250)
}

/// Keys made once: making one is dear.
pub(crate) struct Actors {
    pub(crate) authors: Vec<SecretKey>,
    pub(crate) owners: Vec<SecretKey>,
    pub(crate) claims: Vec<Claim>,
}

impl Actors {
    pub(crate) fn new() -> Self {
        let authors = (0..AUTHORS).map(|n| named(&format!("author {n}"))).collect();
        let owners = (0..=IDENTITIES).map(secret).collect();
        Self { authors, owners, claims: (0..=IDENTITIES).map(Claim::real).collect() }
    }

    /// The current key of an identity and its sequence; before it registers, those of its burn.
    fn current<S: Storage>(&self, world: &World<S>, number: u32) -> (&SecretKey, u64) {
        let first = &self.owners[number as usize];
        let Some(row) = world.gate.identity(&self.claims[number as usize].id()) else {
            return (first, 0);
        };
        let mut all = self.owners.iter().chain(&self.authors);
        (all.find(|secret| secret.public_key() == row.key).unwrap(), row.sequence)
    }

    /// A rotation to the step's author, of the next sequence or against the last.
    fn rotation<S: Storage>(&self, world: &World<S>, step: &Step) -> Claim {
        let number = step.identity % 2;
        let (current, sequence) = self.current(world, number);
        let (new, height) = (&self.authors[step.author as usize], height(step));
        let id = self.claims[number as usize].id();
        if step.channel == 0 {
            let old = &self.owners[number as usize];
            Claim::rotation(old, new, &id, sequence.max(1), height)
        } else {
            Claim::rotation(current, new, &id, sequence + 1, height)
        }
    }

    fn credit<S: Storage>(&self, world: &World<S>, step: &Step) -> Claim {
        let number = step.identity % 2;
        let (key, sequence) = self.current(world, number);
        let id = self.claims[number as usize].id();
        let purpose = [Purpose::AdditionalKey, Purpose::TopUp][step.author as usize % 2];
        let claim = Claim::credit(key, purpose, &id, Amount::from_xpi(10), height(step));
        claim.crediting(purpose, &id, sequence, key, &key.public_key())
    }

    fn ad<S: Storage>(&self, world: &World<S>, step: &Step) -> Ad<'_> {
        let now = world.now;
        let made = now.saturating_sub(Millis::new(step.ago));
        let author = &self.authors[step.author as usize];
        let plain = ad(author).at(made).lasting(Millis::new(step.lasting)).of_peer(step.peer);
        if step.identity == IDENTITIES {
            return plain;
        }
        let (owner, sequence) = self.current(world, step.identity);
        let end = plain.expires_at.saturating_add(Millis::new(step.ago));
        let under = plain.under(&self.claims[step.identity as usize].id()).sequence(sequence);
        under.delegated(owner, end)
    }
}

/// Where the burn of a step lies: after the registrations, deep enough, maybe final.
fn height(step: &Step) -> u32 {
    188 + u32::try_from(step.lasting % 142).unwrap()
}

fn channel(number: u8) -> Channel {
    [Channel::Gossip, Channel::Direct, Channel::Directory, Channel::Dht][usize::from(number)]
}

/// What was sent so far, to be sent again, and what was new.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    all: Vec<Vec<u8>>,
    new: BTreeSet<Vec<u8>>,
    /// The burns that were credited, by what their outpoints would be as identities.
    pub(crate) credited: BTreeSet<[u8; 32]>,
    /// The clock has stepped back: what had expired may be new again.
    jumped: bool,
}

impl Sent {
    fn send<S: Storage>(
        &mut self,
        world: &mut World<S>,
        source: &Source,
        sealed: Vec<u8>,
    ) -> Decision {
        let decision = world.send(source, &sealed);
        if decision.reason == Reason::New {
            let first = self.new.insert(sealed.clone());
            assert!(first || self.jumped, "taken twice");
        }
        self.all.push(sealed);
        decision
    }
}

/// Plays a step; `None` for one that decides nothing.
pub(crate) fn play<S: Storage>(
    world: &mut World<S>,
    actors: &Actors,
    sent: &mut Sent,
    step: &Step,
) -> Option<Decision> {
    world.now = match step.clock {
        Clock::Stays => world.now,
        Clock::Runs(ms) => world.now.saturating_add(Millis::new(ms)),
        Clock::Jumps(ms) => Timestamp::from_millis(ms),
    };
    sent.jumped |= matches!(step.clock, Clock::Jumps(_));
    let now = world.now;
    let source = Source { peer: peer(step.peer), publisher: None, channel: channel(step.channel) };
    let claim = &actors.claims[step.identity as usize];
    let decision = match step.call {
        0..=4 => {
            let sealed = actors.ad(world, step).seal();
            sent.send(world, &source, sealed)
        }
        5 => {
            let sealed = actors.ad(world, step).withdrawal().seal();
            sent.send(world, &source, sealed)
        }
        6 => {
            let sealed = actors.ad(world, step).forged().seal();
            let decision = sent.send(world, &source, sealed);
            assert!(!decision.is_accept(), "a forged message was taken: {decision:?}");
            decision
        }
        14 if !sent.all.is_empty() => {
            let again = sent.all[step.lasting as usize % sent.all.len()].clone();
            sent.send(world, &source, again)
        }
        7 => world.claim_from(step.peer, claim, EvidenceClass::Node),
        8 => {
            let mut connection = World::<Heap>::connection(step.peer);
            if step.ago.is_multiple_of(2) {
                connection.direction = Direction::Outbound;
            }
            let decision = world.gate.screen_connection(now, &connection);
            let _ = world.gate.connected(now, &connection);
            decision
        }
        9 => {
            world.gate.disconnected(now, &peer(step.peer));
            return None;
        }
        10 => {
            let subject = match step.channel {
                0 => Subject::Peer(peer(step.peer)),
                1 => Subject::Identity(claim.id()),
                _ => Subject::Key(actors.authors[step.author as usize].public_key()),
            };
            if step.ago.is_multiple_of(2) {
                world.gate.unban(now, &subject);
            } else {
                let until = now.saturating_add(Millis::new(step.lasting));
                let _ = world.gate.ban(now, &subject, Some(until), Reason::Malformed);
            }
            return None;
        }
        11 => {
            let other = &actors.claims[((step.identity + 1) % IDENTITIES) as usize];
            let outcome = match step.ago % 3 {
                0 => Outcome::Failed(Failure::Abort),
                _ => Outcome::Completed(Millis::new(step.lasting)),
            };
            let session = SessionId::from_bytes([step.author as u8; 16]);
            world.gate.record_session(now, &session, &claim.id(), &other.id(), outcome)
        }
        12 => {
            let fork = if step.ago.is_multiple_of(6) { 186 } else { TIP };
            if step.lasting.is_multiple_of(3) {
                world.confirm_tip(TIP, fork);
            } else {
                let _ = world.try_tip(TIP, fork);
            }
            return None;
        }
        15 => world.claim_from(step.peer, &actors.rotation(world, step), EvidenceClass::Node),
        16 => {
            let claim = actors.credit(world, step);
            let decision = world.claim_from(step.peer, &claim, EvidenceClass::Indexer);
            if decision.reason == Reason::New {
                let first = sent.credited.insert(*claim.id().as_bytes());
                let lapsed = world.gate.metrics(now).identities_lapsed > 0;
                assert!(first || lapsed, "credited twice");
            }
            decision
        }
        18 => world.gate.record_fault(now, &claim.id(), Reason::InvalidSignature),
        19 => {
            let _ = world.gate.allow(now, &peer(step.peer), step.ago.is_multiple_of(3));
            return None;
        }
        17 => {
            let tip = world.gate.tip().unwrap().height.get();
            world.try_tip(tip + step.author, tip - step.peer)
        }
        _ => {
            world.gate.handle_timeout(now);
            let _ = world.gate.poll_event(now);
            return None;
        }
    };
    assert_eq!(decision.verdict, decision.reason.verdict());
    assert_ne!(decision.reason, Reason::Unjudged);
    Some(decision)
}

/// What holds after every step.
pub(crate) fn check<S: Storage>(world: &World<S>, actors: &Actors, capacity: &Capacity) {
    let metrics = world.gate.metrics(world.now);
    assert!(metrics.identities_registered <= capacity.identities.into());
    assert!(metrics.advertised_keys <= capacity.keys.into());
    assert!(metrics.active_peers <= capacity.peers.into());
    assert!(metrics.blacklisted_peers + metrics.graylisted_peers <= capacity.bans.into());
    let mut found = [Found::default(); 64];
    let count = world.gate.find(world.now, &Criteria::default(), &mut found);
    let found = &found[..count];
    assert!(found.iter().all(|found| found.expires_at > world.now));
    let strangers = found.iter().filter(|found| found.identity.is_none()).count();
    assert!(strangers <= capacity.keys as usize / 8, "{strangers} strangers");
    let slots: u32 = (0..PEERS).map(|number| u32::from(world.of_peer(number).keys.0)).sum();
    assert!(slots <= capacity.keys / 8, "{slots} strangers' slots");
    for claim in &actors.claims {
        let id = claim.id();
        if let Some(row) = world.gate.identity(&id) {
            assert_eq!(world.gate.resolve_identity(&row.key), Some(row), "not its current key");
            assert!(row.sequence <= 64);
        }
        let standing = world.of_identity(&id);
        let (keys, limit) = standing.keys;
        assert!(keys <= limit, "{keys} keys of {limit}");
        let listed = found.iter().filter(|found| found.identity == Some(id)).count();
        assert!(listed <= keys.into(), "{listed} listed in {keys} slots");
        let secret_key = actors.owners.iter().map(SecretKey::public_key);
        let rows = actors.authors.iter().map(SecretKey::public_key).chain(secret_key);
        let owned = rows.filter(|key| world.of_key(key).identity == Some(id)).count();
        assert!(usize::from(keys) <= owned, "{keys} slots of {owned} rows");
    }
}

fn run<S: Storage>(storage: S, capacity: Capacity, steps: &[Step], actors: &Actors) {
    let mut policy = POLICY;
    policy.windows.strangers = Quota::every(SECOND, 1000);
    policy.sanctions.invalid_signatures = 3;
    let mut world = World::on(storage, policy);
    for claim in &actors.claims[..2] {
        world.register(claim);
    }
    (0..2).for_each(|number| world.connect(number));
    let mut sent = Sent::default();
    for step in steps {
        play(&mut world, actors, &mut sent, step);
        check(&world, actors, &capacity);
    }
}

/// The signer that nobody in a random history speaks for, and the peer it comes from.
const HONEST: u32 = IDENTITIES + 1;
const HOME: u32 = PEERS;

/// It publishes by its own node whenever the clock says something else. Then the clock is right.
fn honest_after(steps: &[Step], end: Timestamp, actors: &Actors) {
    let mut world = World::with(Capacity::SMALL, POLICY);
    let (author, id) = (secret(HONEST), world.register(&Claim::real(HONEST)));
    let mut sent = Sent::default();
    // What the chain says is another matter.
    for step in steps.iter().filter(|step| !matches!(step.call, 12 | 17)) {
        play(&mut world, actors, &mut sent, step);
        let own = ad(&author).under(&id).at(world.now).seal();
        let _ = world.send(&Source::own(peer(HOME)), &own);
    }
    world.gate.handle_timeout(end);
    world.now = START;
    world.gate.handle_timeout(START);
    // The longest that anything may stand against it: a watermark, as far ahead as clocks differ.
    world.wait(POLICY.freshness.future.saturating_add(MINUTE));
    world.connect(HOME);
    let now = ad(&author).under(&id).of_peer(HOME).at(world.now);
    assert_eq!(reason(world.direct(HOME, &now)), Reason::New);
    assert!(world.gate.is_listed(world.now, &author.public_key()));
    let standing = world.of_identity(&id);
    assert_eq!((reason(standing.decision), standing.faults.0), (Reason::Clear, 0));
}

pub(crate) const TINY: Capacity = Capacity {
    peers: 4,
    identities: 6,
    tombstones: 2,
    keys: 16,
    bans: 4,
    groups: 1,
    cells: 4,
    outcomes: 3,
};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn tiny_tables_keep_their_bounds(steps in steps(true)) {
        run(Box::new(Few::new()), TINY, &steps, &Actors::new());
    }

    #[test]
    fn small_tables_keep_their_bounds(steps in steps(true)) {
        let capacity = Capacity { keys: 32, ..Capacity::SMALL };
        run(Heap::new(capacity), capacity, &steps, &Actors::new());
    }

    #[test]
    fn after_any_jumps_of_the_clock_an_honest_signer_is_heard_again(
        steps in steps(true),
        end in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
    ) {
        honest_after(&steps, Timestamp::from_millis(end), &Actors::new());
    }

    #[test]
    fn and_with_a_clock_that_only_runs(steps in steps(false)) {
        let capacity = Capacity { keys: 64, ..Capacity::SMALL };
        run(Heap::new(capacity), capacity, &steps, &Actors::new());
    }
}
