//! What a node remembers across restarts: one SQLite database in its data folder
//! (`docs/store.md`).

mod error;
mod keeper;
mod schema;

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use ltms_core::{
    Heap, IdentityId, Network, PublicKey, Restored, Seed, StoredRow, Timestamp,
    hash::sha256,
    record::{Recorded, Recorder},
    snapshot_of,
};
use rand::{TryRngCore, rngs::OsRng};
use rusqlite::{
    Connection, OpenFlags, Transaction, TransactionBehavior, params_from_iter, types::Value,
};

pub use self::error::StoreError;
pub use self::keeper::Keeper;
use self::schema::{APPLICATION, MIGRATIONS, TABLES};

/// The database in the data folder.
pub const DATABASE: &str = "ltms.sqlite";
/// Locked by the process that has the folder. It is not empty once there is a database.
const LOCK: &str = "lock";
const LOCK_TEXT: &[u8] =
    b"Held by the node that uses this folder. Bans and identities are in ltms.sqlite.\n";
/// How long another process may hold the database, as one that copies it does.
const BUSY: Duration = Duration::from_secs(2);
/// Bytes of an envelope's check sum, the first of its SHA-256.
const SUM: usize = 8;

/// Signed bytes that are kept because others ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kept {
    /// The newest advertisement of a key.
    Ad(PublicKey),
    /// The registration and the rotations of an identity.
    Claims(IdentityId),
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
    /// Locked as long as it is open.
    _lock: File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a folder, and makes both if there is no such folder or nothing is in it.
    ///
    /// # Errors
    /// [`StoreError`]. A store that cannot be used whole is not used at all.
    pub fn open(folder: &Path, network: Network) -> Result<Self, StoreError> {
        let io = |error| StoreError::io(folder, error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        let (lock_path, path) = (folder.join(LOCK), folder.join(DATABASE));
        let mut lock = private(&lock_path)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Locked(path.clone()),
            TryLockError::Error(error) => StoreError::io(&lock_path, error),
        })?;
        let made = lock.metadata().map_err(io)?.len() > 0;
        let empty = private(&path)?.metadata().map_err(io)?.len() == 0;
        // With all of it in the write-ahead log a database is not empty either.
        if made && empty {
            return Err(StoreError::Missing(path));
        }
        let failed = |error| StoreError::of(&path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut database = Connection::open_with_flags(&path, flags).map_err(failed)?;
        database.busy_timeout(BUSY).map_err(failed)?;
        prepare(&path, &mut database)?;
        let seed = settings(&path, &mut database, network)?;
        if !made {
            let written = lock.write_all(LOCK_TEXT).and_then(|()| lock.sync_all());
            written.map_err(|error| StoreError::io(&lock_path, error))?;
        }
        let file = identity_of(&path).map_err(|error| StoreError::io(&path, error))?;
        let put = TABLES.iter().map(schema::Table::put).collect();
        Ok(Self { path, database, put, seed, network, file, _lock: lock })
    }

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
        for name in TABLES.iter().map(|table| table.name).chain(["claims", "ads"]) {
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

/// Opens a file that nobody else may read, made if it is missing.
fn private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::ReadOnly(path.to_owned()),
        _ => StoreError::io(path, error),
    })
}

fn immediate(database: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    database.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Looks whether it is a store that this version knows, whole and writable, and brings it up to
/// this version.
fn prepare(path: &Path, database: &mut Connection) -> Result<(), StoreError> {
    let failed = |error| StoreError::of(path, error);
    let pragma = |database: &Connection, name: &str| {
        database.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed)
    };
    let (application, version) =
        (pragma(database, "application_id")?, pragma(database, "user_version")?);
    let tables = database
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, u32>(0))
        .map_err(failed)?;
    if application != APPLICATION && (application != 0 || version != 0 || tables != 0) {
        return Err(StoreError::NotAStore(path.to_owned()));
    }
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    let problem: String =
        database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if problem != "ok" {
        return Err(StoreError::Damaged(path.to_owned(), problem.replace('\n', " ")));
    }
    database.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    database.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    let migrate = |database: &mut Connection| {
        let transaction = immediate(database)?;
        for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
            transaction.execute_batch(migration)?;
        }
        // Written each time: whether that can be is better known now than at the first ban.
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()
    };
    migrate(database).map_err(failed)
}

/// The seed, made at random the first time, and whether the network is the node's.
fn settings(path: &Path, database: &mut Connection, network: Network) -> Result<Seed, StoreError> {
    let failed = |error| StoreError::of(path, error);
    let mut seed = [0; 16];
    OsRng
        .try_fill_bytes(&mut seed)
        .map_err(|error| StoreError::io(path, std::io::Error::other(error)))?;
    let summed = [&seed[..], &sum_of(&seed)].concat();
    let transaction = immediate(database).map_err(failed)?;
    for (name, value) in [("seed", &summed[..]), ("network", network.name().as_bytes())] {
        let query = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        transaction.execute(query, (name, value)).map_err(failed)?;
    }
    let get = |name: &str| {
        let query = "SELECT value FROM meta WHERE name = ?1";
        transaction.query_row(query, [name], |row| row.get::<_, Vec<u8>>(0)).map_err(failed)
    };
    let (summed, found) = (get("seed")?, get("network")?);
    if found != network.name().as_bytes() {
        let found = String::from_utf8_lossy(&found).into_owned();
        return Err(StoreError::OtherNetwork { path: path.to_owned(), found, wanted: network });
    }
    transaction.commit().map_err(failed)?;
    let seed = summed.split_first_chunk().filter(|(seed, sum)| *sum == sum_of(*seed));
    let damaged = || StoreError::Damaged(path.to_owned(), "the seed is not what it was".to_owned());
    seed.map(|(seed, _)| Seed::new(*seed)).ok_or_else(damaged)
}

#[cfg(test)]
mod tests;
