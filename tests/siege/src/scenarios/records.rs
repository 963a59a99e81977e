//! Record stores of the DHT that attackers fill. Ours is the store that a node has.

use std::borrow::Cow;
use std::collections::BTreeMap;

use libp2p::kad::store::{MemoryStore, RecordStore};
use libp2p::kad::{Record, RecordKey};
use ltms_core::{IdentityId, Millis, PublicKey, Timestamp};
use ltms_net::behaviour::dht::record_key;
use ltms_net::behaviour::records::{MAX_BYTES, MAX_RECORDS, Records, Worth};
use ltms_net::net_peer;

use super::{Outcome, Scale, Scenario};
use crate::lab::{Kind, Share, field};
use crate::made::{self, Ad, Claim, POLICY, START};
use crate::rules::{Arrival, Rules, Taken, Which};

pub(crate) const FILL: Scenario = Scenario {
    name: "DHT fill",
    about: "eight nodes that are nearest to everything are sent records of strangers and of minimum \
            burns, one row each, between those of honest signers",
    line: "a record of each of 99 % of the signers is found, stores within their bounds",
    gain: "honest records that nobody has any more",
    run: fill,
    holds: |outcome| {
        outcome.honest.value() >= 0.99
            && outcome.figure("most records of a node") <= MAX_RECORDS as f64
            && outcome.bytes[1] <= (STORES * MAX_BYTES) as u64
    },
};

/// Nodes with a record; a network has twenty of each, which is harder to lose. The attackers' burns
/// are equal to the honest ones, so that each node keeps what is nearest to it: more than eight
/// stores full of burned identities are needed before all eight let go of the same one.
const STORES: usize = 8;
/// From one record to the next.
const STEP: Millis = Millis::new(50);

/// What nodes keep of the DHT.
enum Stores {
    /// Judged as any other message, then by rank (policy 9).
    Ours(Box<dyn Rules>, Vec<Records>),
    /// The library's default: the first 1,024.
    Library(Vec<MemoryStore>),
    /// Every value from anybody, as many as come: nothing limits incoming data there.
    Unbounded(BTreeMap<Vec<u8>, usize>),
}

impl Stores {
    fn new(which: Which, rows: u32, seed: u64) -> Option<Self> {
        let id = |number| net_peer(&made::peer(made::mix(seed) ^ number)).expect("it is an id");
        let ids = (0..STORES as u64).map(id);
        match which {
            Which::Ours | Which::Calm | Which::Without(_) => {
                Some(Self::Ours(which.rules(rows, seed), ids.map(Records::new).collect()))
            }
            Which::ScoreOnly => Some(Self::Library(ids.map(MemoryStore::new).collect())),
            Which::OlderSdk => Some(Self::Unbounded(BTreeMap::new())),
            Which::OldestBanFirst => None,
        }
    }

    /// A peer with an address group of its own puts an advertisement at all of the nodes.
    fn put(&mut self, now: Timestamp, number: u64, author: PublicKey, claim: Option<&Claim>) {
        let connection = made::connection(number, u32::try_from(number).unwrap_or(u32::MAX));
        let identity = claim.map(|claim| claim.id);
        let ad = Ad {
            author,
            identity,
            peer: connection.peer,
            created_at: now,
            lasting: Millis::from_hours(24),
            delegation: None,
        };
        let sealed = ad.seal();
        let record = Record::new(record_key(POLICY.network, &author), sealed.clone());
        match self {
            Self::Ours(rules, stores) => {
                if let Some(claim) = claim {
                    rules.learn(now, claim);
                }
                let message = field::message(Kind::Hostile, &ad, sealed);
                let arrival = Arrival::new(connection.peer, &message);
                let judged =
                    rules.connect(now, &connection) && rules.take(now, &arrival) == Taken::Listed;
                rules.disconnect(now, &connection.peer);
                if judged {
                    let worth = worth(&**rules, identity);
                    for store in stores {
                        let _ = store.admit(record.clone(), author, worth);
                    }
                }
            }
            Self::Library(stores) => {
                for store in stores {
                    let _ = store.put(record.clone());
                }
            }
            Self::Unbounded(rows) => {
                rows.insert(record.key.to_vec(), sealed.len());
            }
        }
    }

    fn has(&self, key: &RecordKey) -> bool {
        match self {
            Self::Ours(_, stores) => stores.iter().any(|store| store.get(key).is_some()),
            Self::Library(stores) => stores.iter().any(|store| store.get(key).is_some()),
            Self::Unbounded(rows) => rows.contains_key(&key.to_vec()),
        }
    }

    /// Most records of a node, and bytes of all nodes' records.
    fn size(&self) -> (usize, u64) {
        fn sum<S: RecordStore>(stores: &[S]) -> (usize, u64) {
            let of = |r: Cow<'_, Record>| (r.key.to_vec().len() + r.value.len()) as u64;
            let most = stores.iter().map(|store| store.records().count()).max();
            (most.unwrap_or(0), stores.iter().flat_map(S::records).map(of).sum())
        }
        match self {
            Self::Ours(_, stores) => sum(stores),
            Self::Library(stores) => sum(stores),
            Self::Unbounded(rows) => {
                let bytes: usize = rows.iter().map(|(key, value)| key.len() + value).sum();
                (rows.len(), (STORES * bytes) as u64)
            }
        }
    }
}

/// As a node's driver has it: the burn behind each row of the identity.
fn worth(rules: &dyn Rules, identity: Option<IdentityId>) -> Worth {
    identity.map_or(Worth::Stranger, |identity| Worth::Burn(rules.burn_by_row(&identity)))
}

fn fill(which: Which, scale: Scale, seed: u64) -> Outcome {
    let (honest, hostile) = scale.of((64, 4_600), (256, 12_288), (512, 16_384));
    let strangers = hostile / 4;
    let Some(mut stores) = Stores::new(which, 4 * hostile as u32, seed) else {
        return Outcome::lacking("DHT of its own");
    };
    let keys = made::keys(0, honest + hostile + strangers);
    let (signers, others) = keys.split_at(honest);
    let mut now = START;
    let mut later = || {
        now = now.saturating_add(STEP);
        now
    };
    let (early, late) = signers.split_at(honest / 2);
    for (number, key) in (0..).zip(early) {
        stores.put(later(), number, *key, Some(&Claim::new(key)));
    }
    let mut outcome = Outcome { bytes: [stores.size().1; 2], ..Outcome::default() };
    let mut waiting = (early.len() as u64..).zip(late);
    let lost = |stores: &Stores, signers: &[PublicKey]| {
        let gone = |key: &&PublicKey| !stores.has(&record_key(POLICY.network, key));
        signers.iter().filter(gone).count() as u64
    };
    let every = hostile / late.len();
    let mut said = early.len();
    for (at, key) in others.iter().enumerate() {
        // Strangers first, whose names cost nothing.
        let burned = (at >= strangers).then(|| Claim::new(key));
        let number = (honest + at) as u64;
        if which != Which::Calm {
            stores.put(later(), number, *key, burned.as_ref());
        }
        let bought = (at + 1).saturating_sub(strangers);
        if bought > 0
            && bought.is_multiple_of(every)
            && let Some((number, key)) = waiting.next()
        {
            stores.put(later(), number, *key, Some(&Claim::new(key)));
            said += 1;
        }
        if bought > 0 && bought.is_multiple_of(hostile / 16) {
            outcome.curve.push(((50 * bought) as f64, lost(&stores, &signers[..said]) as f64));
        }
    }
    outcome.spent = if which == Which::Calm { 0 } else { 50 * hostile as u64 };
    outcome.displaced = lost(&stores, &signers[..said]);
    outcome.honest = Share { of: said as u64, some: said as u64 - outcome.displaced };
    let (most, bytes) = stores.size();
    outcome.bytes[1] = bytes;
    outcome.more.push(("most records of a node", most as f64));
    outcome
}
