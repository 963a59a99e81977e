//! Questions for signers that other nodes help to answer (policy §7, §9).

use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
};

use libp2p::PeerId;
use ltms_core::{Criteria, PublicKey};
use rand::seq::SliceRandom;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{Driver, pulls::Pull};
use crate::handle::{Findings, Reach, Search, Signer};

/// Searches at a time.
const OPEN: usize = 16;
/// Peers whose directories are asked at first; one that fails is replaced …
const PEERS: usize = 3;
/// … as long as it is not more than so many in all.
const MOST_PEERS: usize = 8;
/// Signers that wait to be told of after the first answer; a listener that is slower is left.
const REST: usize = 256;

/// A first place in the address of a peer: IPv4 /16 or IPv6 /32. All addresses that say nothing
/// about the peer, as those of a proxy, are one.
type Wide = Option<[u8; 5]>;

fn wide(address: Option<IpAddr>) -> Wide {
    match address?.to_canonical() {
        ip if ip.is_loopback() => None,
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            Some([4, a, b, 0, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.octets();
            Some([6, a, b, c, d])
        }
    }
}

/// Where the first answer goes; none if too many ask.
type Reply = oneshot::Sender<Option<Search>>;

/// The first of those that are of a new group, or of those that we dialled, or of all. The others
/// chose us, and may all be one's.
fn first_choice(peers: &[(PeerId, bool, bool)]) -> Option<PeerId> {
    peers.iter().min_by_key(|(_, taken, dialled)| (*taken, !*dialled)).map(|(peer, ..)| *peer)
}

/// Who waits for what.
enum Stage {
    /// For the first answer.
    First(Reply),
    /// For what comes after it.
    Rest { rest: mpsc::Sender<Signer>, told: HashSet<PublicKey> },
}

struct Open {
    criteria: Criteria,
    most: usize,
    stage: Stage,
    asked: Vec<PeerId>,
    pending: HashSet<PeerId>,
    /// The wide groups of those that have answered.
    answered: Vec<Wide>,
    /// When the first answer is due, and when all is over.
    first: Instant,
    until: Instant,
}

impl Open {
    fn is_wanted(&self) -> bool {
        match &self.stage {
            Stage::First(reply) => !reply.is_closed(),
            Stage::Rest { rest, .. } => !rest.is_closed(),
        }
    }

    fn due(&self) -> Instant {
        match self.stage {
            Stage::First(_) => self.first,
            Stage::Rest { .. } => self.until,
        }
    }

    fn reach(&self) -> Reach {
        let groups: HashSet<_> = self.answered.iter().collect();
        Reach { asked: self.asked.len(), answered: self.answered.len(), groups: groups.len() }
    }
}

/// The searches under way.
#[derive(Default)]
pub(super) struct Searches {
    open: BTreeMap<u64, Open>,
    next: u64,
}

impl Searches {
    /// Ends when one is due.
    pub(super) async fn due(&self) {
        match self.open.values().map(Open::due).min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

impl Driver {
    /// Answers from the own directory and from those of peers, unless too many ask.
    pub(super) fn search(&mut self, criteria: Criteria, most: usize, reply: Reply) {
        self.searches.open.retain(|_, search| search.is_wanted());
        if self.searches.open.len() >= OPEN {
            let _ = reply.send(None);
            return;
        }
        let number = self.searches.next;
        self.searches.next += 1;
        let now = Instant::now();
        let search = Open {
            criteria,
            most,
            stage: Stage::First(reply),
            asked: Vec::new(),
            pending: HashSet::new(),
            answered: Vec::new(),
            first: now + self.pace.first,
            until: now + self.pace.search,
        };
        self.searches.open.insert(number, search);
        self.ask_more(number);
    }

    /// Asks peers for their directories until as many as wanted are asked, or nobody is left.
    fn ask_more(&mut self, number: u64) {
        while let Some(search) = self.searches.open.get(&number) {
            let under_way = search.pending.len() + search.answered.len();
            let more = under_way < PEERS && search.asked.len() < MOST_PEERS;
            let Some(peer) = self.another(&search.asked).filter(|_| more) else { break };
            let Some(search) = self.searches.open.get_mut(&number) else { break };
            search.asked.push(peer);
            search.pending.insert(peer);
            if !self.pull(peer, Pull::anywhere)
                && let Some(search) = self.searches.open.get_mut(&number)
            {
                search.pending.remove(&peer);
            }
        }
        let done = |search: &Open| search.pending.is_empty();
        if self.searches.open.get(&number).is_some_and(done) {
            self.answer_search(number);
            self.searches.open.remove(&number);
        }
    }

    /// A connected peer that is not among the `asked`: of a wide group that none of those is of,
    /// if there is one, and one that we dialled rather than one that came to us.
    pub(super) fn another(&self, asked: &[PeerId]) -> Option<PeerId> {
        let connections = &self.swarm.behaviour().connections;
        let group = |peer: &PeerId| wide(connections.seen_of_peer(peer));
        let taken: HashSet<_> = asked.iter().map(group).collect();
        let others = self.swarm.connected_peers().filter(|peer| !asked.contains(peer));
        let mut others: Vec<_> = others
            .map(|peer| (*peer, taken.contains(&group(peer)), connections.is_outbound(peer)))
            .collect();
        others.shuffle(&mut rand::rng());
        first_choice(&others)
    }

    /// A peer's directory is read, or cannot be.
    pub(super) fn on_read(&mut self, peer: PeerId, answered: bool) {
        let group = wide(self.swarm.behaviour().connections.seen_of_peer(&peer));
        let mut touched = Vec::new();
        for (number, search) in &mut self.searches.open {
            if search.pending.remove(&peer) {
                search.answered.extend(answered.then_some(group));
                touched.push(*number);
            }
        }
        for number in touched {
            self.ask_more(number);
        }
    }

    /// Gives the first answers that are due, and ends what is over.
    pub(super) fn on_searches_due(&mut self) {
        let now = Instant::now();
        let due = self.searches.open.iter().filter(|(_, search)| search.due() <= now);
        for number in due.map(|(number, _)| *number).collect::<Vec<_>>() {
            if matches!(self.searches.open[&number].stage, Stage::First(_)) {
                self.answer_search(number);
            } else {
                self.searches.open.remove(&number);
            }
        }
    }

    /// Gives the first answer, if that is not done: the best of what is in the own directory by
    /// now.
    fn answer_search(&mut self, number: u64) {
        let Some(search) = self.searches.open.get(&number) else { return };
        let Stage::First(_) = search.stage else { return };
        let (criteria, most, reach) = (search.criteria, search.most, search.reach());
        let signers = self.find(&criteria, most);
        let Some(search) = self.searches.open.get_mut(&number) else { return };
        let told = signers.iter().map(|signer| signer.key).collect();
        let (rest, more) = mpsc::channel(REST);
        let first = std::mem::replace(&mut search.stage, Stage::Rest { rest, told });
        if let Stage::First(reply) = first {
            // Whoever asked may have gone.
            let _ = reply.send(Some(Search { found: Findings { signers, reach }, rest: more }));
        }
    }

    /// Tells the searches that are under way of a signer that is new in the own directory.
    pub(super) fn tell_searches(&mut self, key: &PublicKey) {
        if self.searches.open.is_empty() {
            return;
        }
        let now = self.now();
        let mut open = std::mem::take(&mut self.searches.open);
        let gate = &self.swarm.behaviour().connections.door.gate;
        open.retain(|_, search| {
            let Stage::Rest { rest, told } = &mut search.stage else { return true };
            let found = gate.find_fitting(now, key, &search.criteria);
            let signer = found.and_then(|found| self.signer(&found));
            // Nobody is told twice. A listener that is too slow, or gone, has had its answer.
            signer.is_none_or(|signer| !told.insert(*key) || rest.try_send(signer).is_ok())
        });
        self.searches.open = open;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_groups_are_of_observed_addresses_and_those_of_proxies_are_one() {
        let of = |ip: &str| wide(Some(ip.parse().expect("an address")));
        assert_eq!(of("10.1.2.3"), of("10.1.9.9"));
        assert_eq!(of("10.1.2.3"), of("::ffff:10.1.2.3"));
        assert_ne!(of("10.1.2.3"), of("10.2.2.3"));
        assert_eq!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        assert_ne!(of("2001:db8::1"), of("2001:db9::1"));
        assert_eq!([of("127.0.0.1"), of("::1"), wide(None)], [None; 3]);
    }

    #[test]
    fn a_new_group_comes_before_a_peer_that_we_dialled_and_that_before_any_other() {
        let [same, dialled, new, best] =
            [(true, false), (true, true), (false, false), (false, true)]
                .map(|(taken, dialled)| (PeerId::random(), taken, dialled));
        let first = |peers: &[_]| first_choice(peers);
        assert_eq!(first(&[same, dialled, new, best]), Some(best.0));
        assert_eq!(first(&[same, dialled, new]), Some(new.0));
        assert_eq!(first(&[same, dialled]), Some(dialled.0));
        assert_eq!(first(&[same]), Some(same.0));
        assert_eq!(first(&[]), None);
    }
}
