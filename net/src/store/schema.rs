//! What the database looks like: its versions, and which columns stand beside a record.

use libp2p::PeerId;
use ltms_core::{Reason, Timestamp};
use rusqlite::types::Value;

/// Says in the file's header that it is a store of this program: `LTMS`.
pub(super) const APPLICATION: i32 = 0x4C54_4D53;

/// What leads from each version to the next. None is changed once released.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE node (place INTEGER PRIMARY KEY, tip INTEGER, record BLOB NOT NULL);
    CREATE TABLE peers (place INTEGER PRIMARY KEY, peer TEXT, record BLOB NOT NULL);
    CREATE TABLE bans (place INTEGER PRIMARY KEY, peer TEXT, until INTEGER, reason TEXT,
        operator INTEGER, allowed INTEGER, first INTEGER, last INTEGER, record BLOB NOT NULL);
    CREATE TABLE groups (place INTEGER PRIMARY KEY, tag INTEGER, until INTEGER,
        record BLOB NOT NULL);
    CREATE TABLE identities (place INTEGER PRIMARY KEY, id TEXT, rotations INTEGER,
        burned INTEGER, height INTEGER, score INTEGER, completed INTEGER, failed INTEGER,
        banned_until INTEGER, ban_reason TEXT, record BLOB NOT NULL);
    CREATE TABLE contests (place INTEGER PRIMARY KEY, key TEXT, record BLOB NOT NULL);
    CREATE TABLE tombstones (place INTEGER PRIMARY KEY, id TEXT, rotations INTEGER,
        burned INTEGER, banned_until INTEGER, ban_reason TEXT, left_at INTEGER,
        record BLOB NOT NULL);
    CREATE TABLE keys (place INTEGER PRIMARY KEY, key TEXT, newest INTEGER, ends INTEGER,
        graylisted_until INTEGER, record BLOB NOT NULL);
    CREATE TABLE outcomes (place INTEGER PRIMARY KEY, last INTEGER, record BLOB NOT NULL);
    CREATE TABLE claims (identity TEXT, sequence INTEGER, envelope BLOB NOT NULL,
        sum BLOB NOT NULL, PRIMARY KEY (identity, sequence)) WITHOUT ROWID;
    CREATE TABLE ads (key TEXT PRIMARY KEY, envelope BLOB NOT NULL, sum BLOB NOT NULL)
        WITHOUT ROWID;
",
    "
    CREATE TABLE sessions (id TEXT PRIMARY KEY, ended INTEGER, cause TEXT, record BLOB NOT NULL,
        sum BLOB NOT NULL) WITHOUT ROWID;
",
];

/// How a field is shown.
#[derive(Clone, Copy)]
pub(super) enum As {
    /// So many bytes, in hexadecimal.
    Hex(usize),
    Peer,
    Reason,
    U8,
    U32,
    U64,
    /// Nothing for a time that never comes.
    Time,
}

/// The table of one section of snapshots.
pub(super) struct Table {
    pub(super) section: u16,
    pub(super) name: &'static str,
    /// Names, where the field lies in the record (`docs/snapshot.md`), and how it is shown. They
    /// are for whoever looks; only the record is read back.
    columns: &'static [(&'static str, usize, As)],
}

pub(super) const TABLES: &[Table] = &[
    Table { section: 1, name: "peers", columns: &[("peer", 4, As::Peer)] },
    Table { section: 2, name: "node", columns: &[("tip", 5, As::U32)] },
    Table { section: 3, name: "outcomes", columns: &[("last", 48, As::Time)] },
    Table {
        section: 4,
        name: "identities",
        columns: &[
            ("id", 4, As::Hex(32)),
            ("rotations", 36, As::U8),
            ("banned_until", 51, As::Time),
            ("ban_reason", 60, As::Reason),
            ("burned", 79, As::U64),
            ("height", 87, As::U32),
            ("completed", 123, As::U32),
            ("failed", 127, As::U32),
            ("score", 147, As::U8),
        ],
    },
    Table {
        section: 6,
        name: "keys",
        columns: &[
            ("key", 4, As::Hex(33)),
            ("newest", 39, As::Time),
            ("graylisted_until", 68, As::Time),
            ("ends", 89, As::Time),
        ],
    },
    Table {
        section: 8,
        name: "bans",
        columns: &[
            ("peer", 0, As::Peer),
            ("until", 33, As::Time),
            ("operator", 42, As::U8),
            ("allowed", 43, As::U8),
            ("reason", 44, As::Reason),
            ("first", 45, As::Time),
            ("last", 53, As::Time),
        ],
    },
    Table { section: 10, name: "groups", columns: &[("tag", 0, As::U32), ("until", 4, As::Time)] },
    Table { section: 12, name: "contests", columns: &[("key", 4, As::Hex(33))] },
    Table {
        section: 14,
        name: "tombstones",
        columns: &[
            ("id", 0, As::Hex(32)),
            ("rotations", 32, As::U8),
            ("banned_until", 37, As::Time),
            ("ban_reason", 46, As::Reason),
            ("left_at", 47, As::Time),
            ("burned", 55, As::U64),
        ],
    },
];

impl Table {
    /// Puts a row at its place: the place, the record, then the columns.
    pub(super) fn put(&self) -> String {
        let names: String = self.columns.iter().map(|(name, ..)| format!(", {name}")).collect();
        let values: String = (3..).take(self.columns.len()).map(|n| format!(", ?{n}")).collect();
        format!(
            "INSERT OR REPLACE INTO {} (place, record{names}) VALUES (?1, ?2{values})",
            self.name
        )
    }

    /// The values of the columns.
    pub(super) fn values<'a>(&self, record: &'a [u8]) -> impl Iterator<Item = Value> + use<'a> {
        self.columns
            .iter()
            .map(|(_, from, form)| shown(record, *from, *form).unwrap_or(Value::Null))
    }
}

fn shown(record: &[u8], from: usize, form: As) -> Option<Value> {
    let rest = record.get(from..)?;
    let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let u64_of = || rest.first_chunk().copied().map(u64::from_le_bytes);
    Some(match form {
        As::Hex(len) => Value::Text(hex::encode(rest.get(..len)?)),
        As::Peer => Value::Text(peer(*rest.first()?, rest.get(1..33)?)?.to_string()),
        As::Reason => {
            let code = *rest.first()?;
            let reason = Reason::ALL.iter().find(|reason| reason.code() == code)?;
            Value::Text(reason.as_str().to_owned())
        }
        As::U8 => number((*rest.first()?).into()),
        As::U32 => number(u32::from_le_bytes(*rest.first_chunk()?).into()),
        As::U64 => number(u64_of()?),
        As::Time => number(u64_of().filter(|time| *time != Timestamp::NEVER.as_millis())?),
    })
}

/// A peer id from its form and 32 bytes.
fn peer(form: u8, bytes: &[u8]) -> Option<PeerId> {
    let before: &[u8] = match form {
        1 => &[0, 36, 8, 1, 18, 32],
        2 => &[18, 32],
        3 => &[0, 37, 8, 2, 18, 33, 2],
        4 => &[0, 37, 8, 2, 18, 33, 3],
        _ => return None,
    };
    PeerId::from_bytes(&[before, bytes].concat()).ok()
}
