//! What can be wrong with a store, by name.

use std::{
    io,
    path::{Path, PathBuf},
};

use ltms_core::{Network, SnapshotError};
use rusqlite::ErrorCode;

/// A store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder or a file in it cannot be made or opened.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// Another process has it.
    #[error("{0} is used by another process: stop that, or give this node another data folder")]
    Locked(PathBuf),
    /// It can be read and not written.
    #[error("{0} cannot be written: what happens from now on would be forgotten")]
    ReadOnly(PathBuf),
    /// There is no space left.
    #[error("there is no space left for {0}")]
    Full(PathBuf),
    /// What is in it is not what was written.
    #[error("{path} is damaged ({problem}): put a copy back, or move the folder away to begin without bans and identities", path = .0.display(), problem = .1)]
    Damaged(PathBuf, String),
    /// There was a database, and it is gone or empty.
    #[error("{path} is missing or empty, and was there before: put a copy back, or move the folder away to begin without bans and identities", path = .0.display())]
    Missing(PathBuf),
    /// It was moved away, removed or replaced under the running node.
    #[error(
        "{0} was moved, removed or replaced while the node runs: put it back; a restart forgets what happened since"
    )]
    Replaced(PathBuf),
    /// The file is something else.
    #[error("{0} is no store of this program")]
    NotAStore(PathBuf),
    /// A later version of this program wrote it.
    #[error("{path} has version {found}; this program knows versions up to {known}: run a newer one", path = .path.display())]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest version that is known here.
        known: u32,
    },
    /// It was written on another network.
    #[error("{path} is of network `{found}`, the node of `{}`", .wanted.name(), path = .path.display())]
    OtherNetwork {
        /// The database.
        path: PathBuf,
        /// Its network.
        found: String,
        /// The node's.
        wanted: Network,
    },
    /// The rows are as they were written, and these tables cannot take them.
    #[error("{0}: {1}")]
    Restore(PathBuf, SnapshotError),
    /// SQLite says something else.
    #[error("{0}: {1}")]
    Sqlite(PathBuf, rusqlite::Error),
}

impl StoreError {
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(path),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(path, error.to_string()),
            Some(ErrorCode::NotADatabase) => Self::NotAStore(path),
            _ => Self::Sqlite(path, error),
        }
    }

    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            _ => Self::Io(path, error),
        }
    }

    /// The rows were put together, and are no Gate's.
    pub(super) fn restore(path: &Path, error: SnapshotError) -> Self {
        match error {
            SnapshotError::Record { .. } | SnapshotError::Section(_) | SnapshotError::OtherSeed => {
                Self::Damaged(path.to_owned(), error.to_string())
            }
            _ => Self::Restore(path.to_owned(), error),
        }
    }
}
