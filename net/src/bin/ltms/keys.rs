//! Secret keys of identities: in files, or on standard input.

use std::{fs::File, io, os::fd::AsFd, path::Path};

use ltms_core::schnorr::SecretKey;
use ltms_net::key_file;

use crate::failure::Failure;

/// The key in a file, or on standard input for `-`: 64 hexadecimal digits.
pub(crate) fn read(path: &Path) -> Result<SecretKey, Failure> {
    if !is_stdin(path) {
        return key_file::identity_key(path).map_err(Failure::failed);
    }
    // Not through the buffer of `io::stdin`, which would keep the key.
    let stdin =
        io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(|error| {
            Failure::failed(format_args!("cannot read standard input: {error}"))
        })?;
    key_file::identity_key_from(stdin, path).map_err(Failure::failed)
}

/// Makes a key and keeps it in a new file.
pub(crate) fn create(path: &Path) -> Result<SecretKey, Failure> {
    if is_stdin(path) {
        return Err(Failure::usage("a new key is kept in a file: name one with --key-file"));
    }
    key_file::new_identity_key(path).map_err(Failure::failed)
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
