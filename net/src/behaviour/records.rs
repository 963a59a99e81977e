//! What this node stores of the DHT: bounded in number, bytes and key length, without providers.

use std::{borrow::Cow, collections::HashMap, iter, time::Instant};

use libp2p::{
    PeerId,
    kad::{ProviderRecord, Record, RecordKey, store},
};
use ltms_core::size;

/// Records at a time (policy §9).
pub const MAX_RECORDS: usize = 4_096;
/// Bytes of all keys and values together (policy §9).
pub const MAX_BYTES: usize = 32 << 20;
/// Bytes of a key: the hexadecimal text of a SHA-256.
pub const MAX_KEY: usize = 64;

/// A record store with limits. It refuses when full: which record may leave is the policy's
/// decision, taken with [`Records::iter`] and `remove` before `put`.
#[derive(Debug, Default)]
pub struct Records {
    records: HashMap<RecordKey, Record>,
    bytes: usize,
}

impl Records {
    /// Number of records, also expired ones that were not swept yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The records, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Removes what has expired at `now` and says how many records that were.
    pub fn sweep(&mut self, now: Instant) -> usize {
        let before = self.records.len();
        self.records.retain(|_, record| {
            let stays = !record.is_expired(now);
            if !stays {
                self.bytes -= bytes_of(record);
            }
            stays
        });
        before - self.records.len()
    }
}

fn bytes_of(record: &Record) -> usize {
    record.key.as_ref().len() + record.value.len()
}

impl store::RecordStore for Records {
    type RecordsIter<'a> =
        iter::Map<std::collections::hash_map::Values<'a, RecordKey, Record>, Borrow<'a>>;
    type ProvidedIter<'a> = iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        self.records.get(key).filter(|r| !r.is_expired(Instant::now())).map(Cow::Borrowed)
    }

    fn put(&mut self, record: Record) -> store::Result<()> {
        if record.key.as_ref().len() > MAX_KEY || record.value.len() > size::RECORD {
            return Err(store::Error::ValueTooLarge);
        }
        let old = self.records.get(&record.key);
        let count = self.records.len() + usize::from(old.is_none());
        let bytes = self.bytes - old.map_or(0, bytes_of) + bytes_of(&record);
        if count > MAX_RECORDS || bytes > MAX_BYTES {
            return Err(store::Error::MaxRecords);
        }
        self.bytes = bytes;
        self.records.insert(record.key.clone(), record);
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) {
        if let Some(record) = self.records.remove(key) {
            self.bytes -= bytes_of(&record);
        }
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        self.records.values().map(Cow::Borrowed)
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

type Borrow<'a> = fn(&'a Record) -> Cow<'a, Record>;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::RecordStore;

    use super::*;

    fn record(key: usize, value: usize, expires: Option<Instant>) -> Record {
        let key = format!("{key:064}").into_bytes();
        Record { expires, ..Record::new(key, vec![0; value]) }
    }

    #[test]
    fn sizes_are_limited_to_the_byte() {
        let mut records = Records::default();
        assert!(records.put(record(1, size::RECORD, None)).is_ok());
        assert!(records.put(record(2, size::RECORD + 1, None)).is_err());
        assert!(records.put(Record::new(vec![0; MAX_KEY], vec![])).is_ok());
        assert!(records.put(Record::new(vec![0; MAX_KEY + 1], vec![])).is_err());
        assert_eq!((records.len(), records.bytes()), (2, size::RECORD + 2 * MAX_KEY));
    }

    #[test]
    fn number_and_total_are_limited_and_replacing_needs_no_room() {
        let mut records = Records::default();
        for key in 0..MAX_RECORDS {
            records.put(record(key, 1, None)).expect("room");
        }
        assert!(records.put(record(MAX_RECORDS, 1, None)).is_err());
        assert!(records.put(record(0, 2, None)).is_ok());
        records.remove(&record(0, 0, None).key);
        assert!(records.put(record(MAX_RECORDS, 1, None)).is_ok());
        assert_eq!(records.bytes(), MAX_RECORDS * (MAX_KEY + 1));

        let mut records = Records::default();
        let fit = MAX_BYTES / (size::RECORD + MAX_KEY);
        for key in 0..fit {
            records.put(record(key, size::RECORD, None)).expect("room");
        }
        assert!(records.put(record(fit, size::RECORD, None)).is_err());
        assert!(records.put(record(0, size::RECORD, None)).is_ok());
        assert!(records.bytes() <= MAX_BYTES && fit < MAX_RECORDS);
    }

    #[test]
    fn expired_records_are_not_served_and_are_swept() {
        let (mut records, now) = (Records::default(), Instant::now());
        let later = now + Duration::from_secs(60);
        records.put(record(1, 10, Some(now))).expect("room");
        records.put(record(2, 10, Some(later))).expect("room");
        assert!(records.get(&record(1, 0, None).key).is_none());
        assert!(records.get(&record(2, 0, None).key).is_some());
        assert_eq!(records.sweep(now), 1);
        assert_eq!((records.len(), records.bytes()), (1, MAX_KEY + 10));
        assert_eq!(records.sweep(later), 1);
        assert!(records.is_empty() && records.bytes() == 0);
    }

    #[test]
    fn providers_are_not_stored() {
        let mut records = Records::default();
        let key = record(1, 0, None).key;
        let provider = ProviderRecord::new(key.clone(), PeerId::random(), vec![]);
        assert!(records.add_provider(provider).is_err());
        assert!(records.providers(&key).is_empty() && records.provided().next().is_none());
    }
}
