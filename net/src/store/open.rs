//! Opening a store, and looking into one without opening it.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use ltms_core::{Network, Seed};
use rand::{TryRngCore, rngs::OsRng};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};

use super::{
    DATABASE, Store, StoreError, identity_of, immediate,
    schema::{APPLICATION, MIGRATIONS, TABLES, Table},
    sum_of,
};

/// Locked by the process that has the folder. It is not empty once there is a database.
const LOCK: &str = "lock";
const LOCK_TEXT: &[u8] =
    b"Held by the node that uses this folder. Bans and identities are in ltms.sqlite.\n";
/// How long another process may hold the database, as one that copies it does.
const BUSY: Duration = Duration::from_secs(2);

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
        let version = inspected(&path, &database)?;
        brought_up_to_date(&mut database, version).map_err(failed)?;
        make_settings(&path, &mut database, network)?;
        let seed = settings(&path, &database, network)?;
        if !made {
            let written = lock.write_all(LOCK_TEXT).and_then(|()| lock.sync_all());
            written.map_err(|error| StoreError::io(&lock_path, error))?;
        }
        Self::with(path.as_path(), database, seed, network, Some(lock))
    }

    fn with(
        path: &Path,
        database: Connection,
        seed: Seed,
        network: Network,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        let file = identity_of(path).map_err(|error| StoreError::io(path, error))?;
        let put = TABLES.iter().map(Table::put).collect();
        Ok(Self { path: path.to_owned(), database, put, seed, network, file, _lock: lock })
    }

    /// The store in a folder, to be read and not written. Nothing in the folder changes.
    pub(super) fn look(folder: &Path, network: Network) -> Result<Look, StoreError> {
        let path = folder.join(DATABASE);
        let lock = folder.join(LOCK);
        if is_held(&lock)? {
            return Err(StoreError::Locked(path));
        }
        let (made, database) = (len(&lock)?, len(&path)?);
        if database.is_none_or(|len| len == 0) {
            return match made {
                Some(1..) => Err(StoreError::Missing(path)),
                _ => Ok(Look::Nothing),
            };
        }
        if access(&path, Access::WRITE_OK).is_err() && access(&path, Access::READ_OK).is_ok() {
            return Err(StoreError::ReadOnly(path));
        }
        // What was not taken from the log into the database, as after a kill, is read with the
        // index beside it. Without a log the database is all there is, and SQLite makes no files.
        let beside = |end: &str| folder.join(format!("{DATABASE}-{end}"));
        let log = len(&beside("wal"))?.is_some_and(|len| len > 0);
        if log && len(&beside("shm"))?.is_none() {
            return Ok(Look::Unread);
        }
        let how = if log { "readonly_shm=1" } else { "immutable=1" };
        let uri = format!("file:{}?mode=ro&{how}", escaped(&path));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let found = Connection::open_with_flags(uri, flags)
            .map_err(|error| StoreError::of(&path, error))
            .and_then(|database| {
                let version = inspected(&path, &database)?;
                if version == 0 {
                    return Ok(Look::Nothing);
                }
                let seed = settings(&path, &database, network)?;
                let store = Self::with(&path, database, seed, network, None)?;
                Ok(Look::Store(Box::new(store), version))
            });
        // A node that began meanwhile may have changed what was read.
        if is_held(&lock)? {
            return Err(StoreError::Locked(path));
        }
        found
    }
}

/// What a look into a folder found.
pub(super) enum Look {
    /// No store, and that there was none before.
    Nothing,
    /// A log with no index of it: only a start can read that.
    Unread,
    /// A store and its version.
    Store(Box<Store>, u32),
}

/// Bytes of a file; `None` if there is none.
fn len(path: &Path) -> Result<Option<u64>, StoreError> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(found.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, error)),
    }
}

/// Whether a node has the folder of this lock.
fn is_held(lock: &Path) -> Result<bool, StoreError> {
    let held = match File::open(lock) {
        Ok(lock) => lock.try_lock_shared(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => return Err(StoreError::io(lock, error)),
    };
    match held {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(StoreError::io(lock, error)),
    }
}

/// A path within a URI.
fn escaped(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes
        .map(|byte| match plain(*byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02x}"),
        })
        .collect()
}

/// Opens a file that nobody else may read, made if it is missing.
fn private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::ReadOnly(path.to_owned()),
        _ => StoreError::io(path, error),
    })
}

/// The version of a database that is a store, whole, and not too new; 0 for an empty one.
fn inspected(path: &Path, database: &Connection) -> Result<u32, StoreError> {
    let failed = |error| StoreError::of(path, error);
    let pragma = |name: &str| {
        database.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed)
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables = database
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, u32>(0))
        .map_err(failed)?;
    if application != APPLICATION && (application != 0 || version != 0 || tables != 0) {
        return Err(StoreError::NotAStore(path.to_owned()));
    }
    let known = known();
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    let problem: String =
        database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if problem != "ok" {
        return Err(StoreError::Damaged(path.to_owned(), problem.replace('\n', " ")));
    }
    Ok(found)
}

/// The version that this program writes.
pub(super) fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

fn brought_up_to_date(database: &mut Connection, found: u32) -> rusqlite::Result<()> {
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    let transaction = immediate(database)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    // Written each time: whether that can be is better known now than at the first ban.
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", known())?;
    transaction.commit()
}

/// Makes a seed and notes the network, the first time.
fn make_settings(
    path: &Path,
    database: &mut Connection,
    network: Network,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::of(path, error);
    let mut seed = [0; 16];
    OsRng
        .try_fill_bytes(&mut seed)
        .map_err(|error| StoreError::io(path, io::Error::other(error)))?;
    let summed = [&seed[..], &sum_of(&seed)].concat();
    let transaction = immediate(database).map_err(failed)?;
    for (name, value) in [("seed", &summed[..]), ("network", network.name().as_bytes())] {
        let query = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        transaction.execute(query, (name, value)).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// The seed of a store on this network.
fn settings(path: &Path, database: &Connection, network: Network) -> Result<Seed, StoreError> {
    let failed = |error| StoreError::of(path, error);
    let get = |name: &str| {
        let query = "SELECT value FROM meta WHERE name = ?1";
        database.query_row(query, [name], |row| row.get::<_, Vec<u8>>(0)).map_err(failed)
    };
    let (summed, found) = (get("seed")?, get("network")?);
    if found != network.name().as_bytes() {
        let found = String::from_utf8_lossy(&found).into_owned();
        return Err(StoreError::OtherNetwork { path: path.to_owned(), found, wanted: network });
    }
    let seed = summed.split_first_chunk().filter(|(seed, sum)| *sum == sum_of(*seed));
    let damaged = || StoreError::Damaged(path.to_owned(), "the seed is not what it was".to_owned());
    seed.map(|(seed, _)| Seed::new(*seed)).ok_or_else(damaged)
}
