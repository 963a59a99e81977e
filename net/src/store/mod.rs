//! What a node remembers across restarts: one SQLite database in its data folder
//! (`docs/store.md`).

mod check;
mod error;
mod keeper;
mod open;
mod schema;

use std::{
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use ltms_core::{
    Heap, IdentityId, Network, PublicKey, Restored, Seed, SessionId, StoredRow, Timestamp,
    hash::sha256,
    record::{Recorded, Recorder},
    snapshot_of,
};
use rusqlite::{Connection, Transaction, TransactionBehavior, params_from_iter, types::Value};

use self::schema::TABLES;
pub use self::{check::Checked, error::StoreError, keeper::Keeper};
use crate::session_history::EndedSession;

/// The database in the data folder.
pub const DATABASE: &str = "ltms.sqlite";
/// Bytes of an envelope's check sum, the first of its SHA-256.
const SUM: usize = 8;

/// Signed bytes that are kept because others ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kept {
    /// The newest advertisement of a key.
    Ad(PublicKey),
    /// The registration and the rotations of an identity.
    Claims(IdentityId),
    /// A session that is over.
    Session(SessionId),
}

/// Section, place and record.
type Row = (u16, u32, Option<Box<[u8]>>);

/// What a moment changed.
#[derive(Default)]
struct Batch {
    /// Everything there is, in the place of everything there was.
    all: bool,
    rows: Vec<Row>,
    /// What is kept of each now.
    envelopes: Vec<(Kept, Vec<Vec<u8>>)>,
}

/// An open store.
pub struct Store {
    path: PathBuf,
    database: Connection,
    /// Of each of [`TABLES`].
    put: Vec<String>,
    seed: Seed,
    network: Network,
    /// Which file it is.
    file: (u64, u64),
    /// Locked as long as it is open to be written.
    _lock: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// What the rows are keyed by; a Gate of another cannot use them.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// Brings everything back into an empty Gate; `None` if nothing was ever written.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], or [`StoreError::Restore`] where the tables are too small.
    pub fn restore<R: Recorder>(
        &self,
        now: Timestamp,
        gate: &mut Recorded<Heap, R>,
    ) -> Result<Option<Restored>, StoreError> {
        let rows = self.rows().map_err(|error| StoreError::of(&self.path, error))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut rows: Vec<_> = rows
            .iter()
            .map(|(section, place, record)| StoredRow {
                section: *section,
                place: *place,
                record: Some(record),
            })
            .collect();
        let snapshot = snapshot_of(self.network, &self.seed, &mut rows);
        let restored = snapshot.and_then(|snapshot| gate.restore(now, &snapshot));
        restored.map(Some).map_err(|error| StoreError::restore(&self.path, error))
    }

    fn rows(&self) -> rusqlite::Result<Vec<(u16, u32, Vec<u8>)>> {
        let mut rows = Vec::new();
        for table in TABLES {
            let query = format!("SELECT place, record FROM {}", table.name);
            let mut query = self.database.prepare(&query)?;
            for row in query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (place, record) = row?;
                rows.push((table.section, place, record));
            }
        }
        Ok(rows)
    }

    /// The claims of every identity, in their order, and the advertisements.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub(crate) fn envelopes(&self) -> Result<Vec<(Kept, Vec<u8>)>, StoreError> {
        let claims = "SELECT identity, envelope, sum FROM claims ORDER BY identity, sequence";
        let mut kept = self.read(claims, |id| id.parse().ok().map(Kept::Claims))?;
        kept.extend(
            self.read("SELECT key, envelope, sum FROM ads", |key| key.parse().ok().map(Kept::Ad))?,
        );
        Ok(kept)
    }

    /// The sessions that are over.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub(crate) fn sessions(&self) -> Result<Vec<EndedSession>, StoreError> {
        let query = "SELECT id, record, sum FROM sessions";
        let kept = self.read(query, |id| id.parse().ok().map(Kept::Session))?;
        let read = |(kept, record): (Kept, Vec<u8>)| match kept {
            Kept::Session(id) => EndedSession::decode(id, &record),
            _ => None,
        };
        let problem = || "a session is not what was written".to_owned();
        let damaged = || StoreError::Damaged(self.path.clone(), problem());
        kept.into_iter().map(|kept| read(kept).ok_or_else(damaged)).collect()
    }

    fn read(
        &self,
        query: &str,
        kept: impl Fn(&str) -> Option<Kept>,
    ) -> Result<Vec<(Kept, Vec<u8>)>, StoreError> {
        let failed = |error| StoreError::of(&self.path, error);
        let mut query = self.database.prepare(query).map_err(failed)?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let read = |row: rusqlite::Result<(String, Vec<u8>, Vec<u8>)>| {
            let (of, envelope, sum) = row.map_err(failed)?;
            let kept = kept(&of).filter(|_| sum == sum_of(&envelope));
            let problem = || format!("an envelope of {of} is not what was written");
            let kept = kept.ok_or_else(|| StoreError::Damaged(self.path.clone(), problem()))?;
            Ok((kept, envelope))
        };
        rows.map_err(failed)?.map(read).collect()
    }

    /// Writes what a moment changed. When this returns it outlives the process, and once the disk
    /// has what it was told to write, a loss of power.
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        // A file that lost its name takes everything, and nobody ever reads it again.
        if identity_of(&self.path).ok() != Some(self.file) {
            return Err(StoreError::Replaced(self.path.clone()));
        }
        let failed = |error| StoreError::of(&self.path, error);
        let transaction = immediate(&mut self.database).map_err(failed)?;
        write(&transaction, &self.put, batch).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

fn write(to: &Transaction<'_>, put: &[String], batch: &Batch) -> rusqlite::Result<()> {
    if batch.all {
        for name in TABLES.iter().map(|table| table.name).chain(["claims", "ads", "sessions"]) {
            to.execute(&format!("DELETE FROM {name}"), [])?;
        }
    }
    for (section, place, record) in &batch.rows {
        let table = TABLES.iter().zip(put).find(|(table, _)| table.section == *section);
        let Some((table, put)) = table else { continue };
        match record {
            Some(record) => {
                let row = [Value::Integer((*place).into()), Value::Blob(record.to_vec())];
                let row = row.into_iter().chain(table.values(record));
                to.prepare_cached(put)?.execute(params_from_iter(row))?;
            }
            None => {
                let gone = format!("DELETE FROM {} WHERE place = ?1", table.name);
                to.prepare_cached(&gone)?.execute([place])?;
            }
        }
    }
    for (kept, envelopes) in &batch.envelopes {
        match kept {
            Kept::Ad(key) => {
                let key = hex::encode(key.as_bytes());
                to.prepare_cached("DELETE FROM ads WHERE key = ?1")?.execute([&key])?;
                for ad in envelopes {
                    to.prepare_cached("INSERT INTO ads (key, envelope, sum) VALUES (?1, ?2, ?3)")?
                        .execute((&key, ad, sum_of(ad)))?;
                }
            }
            Kept::Session(id) => {
                let text = hex::encode(id.as_bytes());
                to.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([&text])?;
                for record in envelopes {
                    let shown = EndedSession::decode(*id, record);
                    let ended = shown.map(|session| session.ended.as_millis().cast_signed());
                    let cause = shown.map(|session| session.cause.as_str());
                    to.prepare_cached(
                        "INSERT INTO sessions (id, ended, cause, record, sum)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute((&text, ended, cause, record, sum_of(record)))?;
                }
            }
            Kept::Claims(id) => {
                let id = hex::encode(id.as_bytes());
                to.prepare_cached("DELETE FROM claims WHERE identity = ?1")?.execute([&id])?;
                for (sequence, claim) in (0u32..).zip(envelopes) {
                    to.prepare_cached(
                        "INSERT INTO claims (identity, sequence, envelope, sum)
                         VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute((&id, sequence, claim, sum_of(claim)))?;
                }
            }
        }
    }
    Ok(())
}

/// Device and number of a file.
fn identity_of(path: &Path) -> std::io::Result<(u64, u64)> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn sum_of(envelope: &[u8]) -> [u8; SUM] {
    let [a, b, c, d, e, f, g, h, ..] = sha256(&[envelope]);
    [a, b, c, d, e, f, g, h]
}

fn immediate(database: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    database.transaction_with_behavior(TransactionBehavior::Immediate)
}

#[cfg(test)]
mod tests;
