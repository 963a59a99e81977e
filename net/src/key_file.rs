//! Secret keys in files that nobody else may read.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use libp2p::identity::Keypair;
use ltms_core::schnorr::SecretKey;
use rand::{TryRngCore, rngs::OsRng};
#[cfg(unix)]
use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// More than any key needs; a longer file is not one.
const MAX_BYTES: u64 = 1_024;

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is none.
    #[error("there is no key file {path}: `ltms identity new --key-file {path}` makes one", path = .0.display())]
    Missing(PathBuf),
    /// A new key would take the place of what is there.
    #[error("key file {0} exists and is left as it is: name another file")]
    Exists(PathBuf),
    /// It cannot be read or made.
    #[error("key file {0}: {1}")]
    Io(PathBuf, io::Error),
    /// Others than its owner may read or change it.
    #[error("key file {path} is open to others (mode {mode:04o}): run `chmod 600 {path}`, and make a new key if others use this machine", path = .0.display(), mode = .1)]
    OpenToOthers(PathBuf, u32),
    /// It is a symbolic link, a folder, a pipe.
    #[error("key file {0} is {1}: name the file itself")]
    NotAFile(PathBuf, &'static str),
    /// Another user can read and change it.
    #[error("key file {path} belongs to user {owner}, and this is user {user}: whoever owns it knows the key", path = .path.display())]
    OfSomebodyElse {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who runs this.
        user: u32,
    },
    /// It does not hold the key that it should.
    #[error("key file {0} does not hold {1}")]
    NotAKey(PathBuf, &'static str),
}

/// The libp2p Ed25519 key in libp2p's protobuf form, made (mode 0600) if there is no such file.
///
/// # Errors
/// [`KeyFileError`]; an existing file is never changed.
pub fn peer_key(path: &Path) -> Result<Keypair, KeyFileError> {
    if let Some(key) = existing_peer_key(path)? {
        return Ok(key);
    }
    let failed = |error| KeyFileError::Io(path.to_owned(), error);
    let key = Keypair::generate_ed25519();
    let encoded = key.to_protobuf_encoding().map_err(|error| failed(io::Error::other(error)))?;
    create(path, &Zeroizing::new(encoded)).map_err(failed)?;
    Ok(key)
}

/// The libp2p key in a file; `None` if there is no such file.
///
/// # Errors
/// [`KeyFileError`].
pub fn existing_peer_key(path: &Path) -> Result<Option<Keypair>, KeyFileError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let key = Keypair::from_protobuf_encoding(&bytes)
        .map_err(|_| KeyFileError::NotAKey(path.to_owned(), "a libp2p Ed25519 key"))?;
    Ok(Some(key))
}

/// The secret key of an identity: 64 hexadecimal digits, with or without a line end.
///
/// # Errors
/// [`KeyFileError`], also if there is no such file.
pub fn identity_key(path: &Path) -> Result<SecretKey, KeyFileError> {
    let text = read(path)?.ok_or_else(|| KeyFileError::Missing(path.to_owned()))?;
    parse_identity_key(path, &text)
}

/// The same from what is open already, such as standard input; `name` stands in errors.
///
/// # Errors
/// [`KeyFileError`].
pub fn identity_key_from(source: impl Read, name: &Path) -> Result<SecretKey, KeyFileError> {
    parse_identity_key(name, &read_all(source, name)?)
}

/// A fresh identity key, kept in a new file (mode 0600).
///
/// # Errors
/// [`KeyFileError`]; an existing file is never changed.
pub fn new_identity_key(path: &Path) -> Result<SecretKey, KeyFileError> {
    let failed = |error| KeyFileError::Io(path.to_owned(), error);
    let mut bytes = Zeroizing::new([0; 32]);
    let key = loop {
        OsRng.try_fill_bytes(&mut *bytes).map_err(|error| failed(io::Error::other(error)))?;
        // All but one in 2^128 numbers are keys.
        if let Ok(key) = SecretKey::from_bytes(&bytes) {
            break key;
        }
    };
    create(path, hex_line(&bytes).as_slice()).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => failed(error),
    })?;
    Ok(key)
}

/// A token in the first line of a file, made at random (mode 0600) if there is no such file.
///
/// # Errors
/// [`KeyFileError`]; an existing file is never changed.
pub fn token(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    if !path.exists() {
        let failed = |error| KeyFileError::Io(path.to_owned(), error);
        let mut bytes = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(&mut *bytes).map_err(|error| failed(io::Error::other(error)))?;
        create(path, hex_line(&bytes).as_slice()).map_err(failed)?;
    }
    password(path)
}

/// 64 hexadecimal digits and a line end.
fn hex_line(bytes: &[u8; 32]) -> Zeroizing<[u8; 65]> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Zeroizing::new([b'\n'; 65]);
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text
}

/// The first line of a file, such as a password.
///
/// # Errors
/// [`KeyFileError`], also if there is no such file.
pub fn password(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let missing = || KeyFileError::Io(path.to_owned(), io::ErrorKind::NotFound.into());
    let bytes = read(path)?.ok_or_else(missing)?;
    let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    match std::str::from_utf8(line) {
        Ok(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(KeyFileError::NotAKey(path.to_owned(), "a password in its first line")),
    }
}

fn parse_identity_key(name: &Path, text: &[u8]) -> Result<SecretKey, KeyFileError> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), &mut *bytes)
        .ok()
        .and_then(|()| SecretKey::from_bytes(&bytes).ok())
        .ok_or_else(|| {
            KeyFileError::NotAKey(name.to_owned(), "a secret key in 64 hexadecimal digits")
        })
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
    let failed = |error| KeyFileError::Io(path.to_owned(), error);
    let mut options = OpenOptions::new();
    options.read(true);
    // A link could lead to a file of somebody else's choice, and a pipe would never open.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed(),
    );
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if path.is_symlink() => {
            return Err(KeyFileError::NotAFile(path.to_owned(), "a symbolic link"));
        }
        opened => opened.map_err(failed)?,
    };
    check(path, &file)?;
    read_all(file, path).map(Some)
}

fn read_all(source: impl Read, name: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_BYTES as usize));
    let read = source.take(MAX_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| KeyFileError::Io(name.to_owned(), error))?;
    Ok(bytes)
}

/// Of the open file, so that it cannot be exchanged in between.
#[cfg(unix)]
fn check(path: &Path, file: &File) -> Result<(), KeyFileError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().map_err(|error| KeyFileError::Io(path.to_owned(), error))?;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    // What systemd hands to a unit is root's, and lent to the unit's user by an access list, which
    // shows as the group's right to read. Nobody else can get into the folder.
    let lent = env::var_os("CREDENTIALS_DIRECTORY")
        .is_some_and(|folder| path.parent() == Some(Path::new(&folder)))
        && owner == 0
        && metadata.mode() & 0o037 == 0;
    let path = path.to_owned();
    match metadata.mode() & 0o777 {
        _ if lent && metadata.is_file() => Ok(()),
        _ if metadata.is_dir() => Err(KeyFileError::NotAFile(path, "a folder")),
        _ if !metadata.is_file() => Err(KeyFileError::NotAFile(path, "no regular file")),
        mode if mode & 0o077 != 0 => Err(KeyFileError::OpenToOthers(path, mode)),
        _ if owner != user => Err(KeyFileError::OfSomebodyElse { path, owner, user }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check(_: &Path, _: &File) -> Result<(), KeyFileError> {
    Ok(())
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a key would be refused for ever after.
        let _ = std::fs::remove_file(path);
    }
    written
}
