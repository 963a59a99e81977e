//! What this node stores of the DHT: bounded in number, bytes and key length, without providers.
//! When it is full, what is worth least leaves (policy §9).

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    iter,
    time::Instant,
};

use libp2p::{
    PeerId,
    kad::{KBucketDistance, KBucketKey, ProviderRecord, Record, RecordKey, store},
};
use ltms_core::{PublicKey, size};

/// Records at a time (policy §9).
pub const MAX_RECORDS: usize = 4_096;
/// Bytes of all keys and values together (policy §9).
pub const MAX_BYTES: usize = 32 << 20;
/// Strangers have one of so many parts, of the number and of the bytes: 12.5 % (policy §9).
pub const STRANGERS: usize = 8;
/// Bytes of a key: the hexadecimal text of a SHA-256.
pub const MAX_KEY: usize = 64;

/// Whose a record is: the greater leaves later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// A stranger's.
    Stranger,
    /// An identity's: its burn by the rows that it has, in satoshis.
    Burn(u64),
    /// Our own. It never leaves for another's.
    Own,
}

/// By worth, then by nearness to our own id; no two records have the same.
type Rank = (Worth, Reverse<KBucketDistance>);

#[derive(Debug)]
struct Row {
    record: Record,
    author: PublicKey,
    rank: Rank,
}

/// A record store with limits. Nothing gets in but through [`Records::admit`].
#[derive(Debug)]
pub struct Records {
    local: KBucketKey<PeerId>,
    rows: HashMap<RecordKey, Row>,
    /// The keys, the next one to leave first.
    order: BTreeMap<Rank, RecordKey>,
    all: Held,
    strangers: Held,
}

/// What some of the records take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    count: usize,
    bytes: usize,
}

impl Held {
    const fn fits(self, part: usize) -> bool {
        self.count <= MAX_RECORDS / part && self.bytes <= MAX_BYTES / part
    }

    fn add(&mut self, record: &Record) {
        self.count += 1;
        self.bytes += bytes_of(record);
    }

    fn remove(&mut self, record: &Record) {
        self.count -= 1;
        self.bytes -= bytes_of(record);
    }
}

impl Records {
    /// An empty store of the node with this id.
    #[must_use]
    pub fn new(local: PeerId) -> Self {
        Self {
            local: local.into(),
            rows: HashMap::new(),
            order: BTreeMap::new(),
            all: Held::default(),
            strangers: Held::default(),
        }
    }

    /// Number of records, also expired ones that were not swept yet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.all.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.count == 0
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.all.bytes
    }

    /// Stores an advertisement that was judged, in the place of an older one under its key. In a
    /// full store strangers' records leave, then those with the lowest burn by row, then those
    /// farthest from our own id, as long as they rank lower than this one.
    ///
    /// # Errors
    /// [`store::Error::ValueTooLarge`], also for a key that is too long;
    /// [`store::Error::MaxRecords`] if nothing that ranks lower makes room. Nothing has left then.
    pub fn admit(&mut self, record: Record, author: PublicKey, worth: Worth) -> store::Result<()> {
        if record.key.as_ref().len() > MAX_KEY || record.value.len() > size::RECORD {
            return Err(store::Error::ValueTooLarge);
        }
        let distance = KBucketKey::new(record.key.clone()).distance(&self.local);
        // Our own stays ours, also if a peer brings it back.
        let is_own = |row: &Row| row.rank.0 == Worth::Own && row.record.value == record.value;
        let own = self.rows.get(&record.key).is_some_and(is_own);
        let worth = if own { Worth::Own } else { worth };
        let rank = (worth, Reverse(distance));
        let leaving = self.leaving_for(&record, rank).ok_or(store::Error::MaxRecords)?;
        for key in leaving {
            self.take(&key);
        }
        self.all.add(&record);
        if worth == Worth::Stranger {
            self.strangers.add(&record);
        }
        self.order.insert(rank, record.key.clone());
        self.rows.insert(record.key.clone(), Row { record, author, rank });
        Ok(())
    }

    /// Which records have to leave for this one; `None` if that is not enough, or they rank higher.
    fn leaving_for(&self, record: &Record, rank: Rank) -> Option<Vec<RecordKey>> {
        let (mut all, mut strangers, mut leaving) = (self.all, self.strangers, Vec::new());
        let mut leave = |all: &mut Held, strangers: &mut Held, row: &Row| {
            all.remove(&row.record);
            if row.rank.0 == Worth::Stranger {
                strangers.remove(&row.record);
            }
            leaving.push(row.record.key.clone());
        };
        if let Some(old) = self.rows.get(&record.key) {
            leave(&mut all, &mut strangers, old);
        }
        all.add(record);
        if rank.0 == Worth::Stranger {
            strangers.add(record);
        }
        let lower = self.order.range(..rank).map(|(_, key)| key);
        for row in lower.filter(|key| **key != record.key).filter_map(|key| self.rows.get(key)) {
            if all.fits(1) && strangers.fits(STRANGERS) {
                break;
            }
            leave(&mut all, &mut strangers, row);
        }
        (all.fits(1) && strangers.fits(STRANGERS)).then_some(leaving)
    }

    fn take(&mut self, key: &RecordKey) {
        let Some(row) = self.rows.remove(key) else { return };
        self.order.remove(&row.rank);
        self.all.remove(&row.record);
        if row.rank.0 == Worth::Stranger {
            self.strangers.remove(&row.record);
        }
    }

    /// Removes what has expired at `now`, and what is no longer `listed` under its author. Says how
    /// many records that were.
    pub fn sweep(&mut self, now: Instant, listed: impl Fn(&PublicKey) -> bool) -> usize {
        let over = |row: &&Row| row.record.is_expired(now) || !listed(&row.author);
        let over: Vec<_> =
            self.rows.values().filter(over).map(|row| row.record.key.clone()).collect();
        for key in &over {
            self.take(key);
        }
        over.len()
    }
}

fn bytes_of(record: &Record) -> usize {
    record.key.as_ref().len() + record.value.len()
}

impl store::RecordStore for Records {
    type RecordsIter<'a> = Box<dyn Iterator<Item = Cow<'a, Record>> + 'a>;
    type ProvidedIter<'a> = iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        let record = &self.rows.get(key)?.record;
        (!record.is_expired(Instant::now())).then_some(Cow::Borrowed(record))
    }

    /// Kademlia puts what we publish, which was admitted before: nothing gets in this way.
    fn put(&mut self, record: Record) -> store::Result<()> {
        match self.rows.get(&record.key) {
            Some(row) if row.record.value == record.value => Ok(()),
            _ => Err(store::Error::MaxRecords),
        }
    }

    fn remove(&mut self, key: &RecordKey) {
        self.take(key);
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        Box::new(self.rows.values().map(|row| Cow::Borrowed(&row.record)))
    }

    fn add_provider(&mut self, _: ProviderRecord) -> store::Result<()> {
        Err(store::Error::MaxProvidedKeys)
    }

    fn providers(&self, _: &RecordKey) -> Vec<ProviderRecord> {
        Vec::new()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        iter::empty()
    }

    fn remove_provider(&mut self, _: &RecordKey, _: &PeerId) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::RecordStore;

    use super::*;

    const AUTHOR: PublicKey = PublicKey::from_bytes([2; 33]);

    fn store() -> Records {
        Records::new(PeerId::random())
    }

    fn record(key: usize, value: usize) -> Record {
        Record::new(format!("{key:064}").into_bytes(), vec![0; value])
    }

    fn key(key: usize) -> RecordKey {
        record(key, 0).key
    }

    /// Keys from `first` on, the nearest to the store's own id first.
    fn by_nearness(records: &Records, first: usize, count: usize) -> Vec<usize> {
        let mut keys: Vec<_> = (first..first + count).collect();
        keys.sort_by_key(|number| KBucketKey::new(key(*number)).distance(&records.local));
        keys
    }

    fn admit(records: &mut Records, key: usize, value: usize, worth: Worth) -> bool {
        records.admit(record(key, value), AUTHOR, worth).is_ok()
    }

    /// The counts are what the rows come to.
    fn check(records: &Records) {
        let mut held = [Held::default(); 2];
        for row in records.rows.values() {
            held[0].add(&row.record);
            if row.rank.0 == Worth::Stranger {
                held[1].add(&row.record);
            }
            assert_eq!(records.order.get(&row.rank), Some(&row.record.key));
        }
        assert_eq!((held, records.order.len()), ([records.all, records.strangers], records.len()));
        assert!(records.all.fits(1) && records.strangers.fits(STRANGERS));
    }

    #[test]
    fn sizes_are_limited_to_the_byte() {
        let mut records = store();
        assert!(admit(&mut records, 1, size::RECORD, Worth::Own));
        assert!(!admit(&mut records, 2, size::RECORD + 1, Worth::Own));
        let long = |len| Record::new(vec![0; len], vec![]);
        assert!(records.admit(long(MAX_KEY), AUTHOR, Worth::Own).is_ok());
        assert!(records.admit(long(MAX_KEY + 1), AUTHOR, Worth::Own).is_err());
        assert_eq!((records.len(), records.bytes()), (2, size::RECORD + 2 * MAX_KEY));
        check(&records);
    }

    #[test]
    fn a_full_store_lets_go_of_strangers_then_of_low_burns_then_of_far_keys() {
        let mut records = store();
        let strangers = MAX_RECORDS / STRANGERS;
        for key in 0..strangers {
            assert!(admit(&mut records, key, 1, Worth::Stranger));
        }
        for key in strangers..MAX_RECORDS {
            assert!(admit(&mut records, key, 1, Worth::Burn(if key % 2 == 0 { 5 } else { 6 })));
        }
        check(&records);
        assert_eq!((records.len(), records.bytes()), (MAX_RECORDS, MAX_RECORDS * (MAX_KEY + 1)));
        assert!(admit(&mut records, 0, 2, Worth::Stranger), "replacing needs no other's room");

        let far_first: Vec<_> = by_nearness(&records, 0, strangers).into_iter().rev().collect();
        for (new, leaving) in (10_000..).zip(&far_first) {
            assert!(records.get(&key(*leaving)).is_some());
            assert!(admit(&mut records, new, 1, Worth::Burn(6)), "a stranger makes room");
            assert!(records.get(&key(*leaving)).is_none(), "the farthest one");
        }
        assert_eq!(records.strangers, Held::default());
        assert!(!admit(&mut records, 20_000, 1, Worth::Stranger), "and gets none back");
        assert!(!admit(&mut records, 20_000, 1, Worth::Burn(4)), "the lowest burn");
        let lowest = by_nearness(&records, strangers, MAX_RECORDS - strangers);
        let lowest: Vec<_> = lowest.into_iter().filter(|key| key % 2 == 0).collect();
        let farthest = *lowest.last().expect("some");
        assert!(admit(&mut records, 20_001, 1, Worth::Burn(6)));
        assert!(records.get(&key(farthest)).is_none());
        assert!(records.get(&key(lowest[0])).is_some());
        check(&records);
    }

    #[test]
    fn bytes_are_limited_and_several_small_records_leave_for_a_large_one() {
        let mut records = store();
        let fit = MAX_BYTES / (size::RECORD + MAX_KEY);
        for key in 0..fit {
            assert!(admit(&mut records, key, size::RECORD, Worth::Burn(9)));
        }
        assert!(fit < MAX_RECORDS);
        let rest = MAX_BYTES - records.bytes();
        let (whole, half) = (rest - MAX_KEY, rest / 2 - MAX_KEY);
        assert!(admit(&mut records, fit, half, Worth::Burn(1)));
        assert!(admit(&mut records, fit + 1, half, Worth::Burn(3)));
        assert!(!admit(&mut records, fit + 2, whole, Worth::Burn(2)), "one of them ranks higher");
        assert_eq!(records.len(), fit + 2, "and none has left in vain");
        assert!(admit(&mut records, fit + 2, whole, Worth::Burn(4)));
        assert_eq!(records.len(), fit + 1);
        assert!(!admit(&mut records, fit + 3, 1, Worth::Stranger));
        check(&records);
    }

    #[test]
    fn strangers_have_an_eighth_of_an_empty_store_too_and_the_nearest_keep_it() {
        let mut records = store();
        let share = MAX_RECORDS / STRANGERS;
        let all = by_nearness(&records, 0, 2 * share);
        for key in all.iter().rev() {
            assert!(admit(&mut records, *key, 1, Worth::Stranger), "nearer than all before");
        }
        assert_eq!(records.len(), share);
        assert!(all[..share].iter().all(|near| records.get(&key(*near)).is_some()));
        assert!(!admit(&mut records, all[share], 1, Worth::Stranger), "farther than all");
        check(&records);

        let mut records = store();
        let fit = MAX_BYTES / STRANGERS / (size::RECORD + MAX_KEY);
        for key in 0..2 * fit {
            let _ = admit(&mut records, key, size::RECORD, Worth::Stranger);
        }
        assert_eq!(records.len(), fit);
        check(&records);
    }

    #[test]
    fn our_own_records_leave_for_nobody() {
        let mut records = store();
        for key in 0..MAX_RECORDS {
            assert!(admit(&mut records, key, 1, Worth::Own));
        }
        assert!(!admit(&mut records, MAX_RECORDS, 1, Worth::Burn(u64::MAX)));
        check(&records);
    }

    #[test]
    fn our_own_record_stays_ours_when_a_peer_brings_it_back() {
        let mut records = store();
        let worth = |records: &Records| records.rows[&key(1)].rank.0;
        assert!(admit(&mut records, 1, 10, Worth::Own));
        assert!(admit(&mut records, 1, 10, Worth::Burn(1)));
        assert_eq!(worth(&records), Worth::Own);
        check(&records);
        assert!(admit(&mut records, 1, 11, Worth::Burn(1)), "another one under its key");
        assert_eq!(worth(&records), Worth::Burn(1));
        check(&records);
    }

    #[test]
    fn expired_records_are_not_served_and_are_swept_with_those_no_longer_listed() {
        let (mut records, now) = (store(), Instant::now());
        let (second, later) = (Duration::from_secs(1), now + Duration::from_secs(60));
        let other = PublicKey::from_bytes([3; 33]);
        for (number, expires, author) in
            [(1, now, AUTHOR), (2, later, AUTHOR), (3, later + second, other)]
        {
            let record = Record { expires: Some(expires), ..record(number, 10) };
            assert!(records.admit(record, author, Worth::Burn(1)).is_ok());
        }
        assert!(records.get(&key(1)).is_none());
        assert!(records.get(&key(2)).is_some());
        assert_eq!(records.sweep(now, |_| true), 1);
        assert_eq!((records.len(), records.bytes()), (2, 2 * (MAX_KEY + 10)));
        assert_eq!(records.sweep(now, |author| *author == AUTHOR), 1);
        assert!(records.get(&key(3)).is_none());
        assert_eq!(records.sweep(later, |_| true), 1);
        assert!(records.is_empty() && records.bytes() == 0 && records.order.is_empty());
    }

    #[test]
    fn nothing_gets_in_that_was_not_admitted() {
        let mut records = store();
        assert!(records.put(record(1, 10)).is_err());
        assert!(admit(&mut records, 1, 10, Worth::Own));
        assert!(records.put(record(1, 10)).is_ok(), "what is there already");
        assert!(records.put(record(1, 11)).is_err(), "but not another value");
        assert_eq!(records.get(&key(1)).expect("there").value.len(), 10);
    }

    #[test]
    fn providers_are_not_stored() {
        let mut records = store();
        let provider = ProviderRecord::new(key(1), PeerId::random(), vec![]);
        assert!(records.add_provider(provider).is_err());
        assert!(records.providers(&key(1)).is_empty() && records.provided().next().is_none());
    }
}
