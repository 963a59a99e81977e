//! Whether a node can be made from a configuration.

use std::{fs, io, path::Path};

use libp2p::{Multiaddr, multiaddr::Protocol};
use ltms_core::Timestamp;
use rustix::fs::{Access, access};

use super::{Admin, Config, ConfigError};
use crate::{
    key_file,
    node::StartError,
    store::{Checked, Store},
};

impl Config {
    /// Whether a node can be made from it, as far as that shows without making files or sockets.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that is wrong with it, as far as that shows without making files or sockets. The
    /// chain source is another matter, see [`Config::source`].
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        self.policy.faults(|fault| faults.push(fault.into()));
        if self.policy.network != self.network {
            faults.push(ConfigError::Network(self.policy.network, self.network));
        }
        let listens = self.listen.iter().filter(|address| !is_tcp(address));
        faults.extend(listens.cloned().map(ConfigError::Listen));
        faults.extend(self.filter().err());
        self.admin.faults(&mut faults);
        faults.extend(self.peers.validate(&self.bootstrap).err());
        let limits = self.limits.validate();
        faults.extend(limits.err().map(|(field, problem)| ConfigError::Limit(field, problem)));
        if let Some(path) = &self.key_file {
            match key_file::existing_peer_key(path) {
                Ok(None) => faults.extend(for_new_files("key_file", parent(path))),
                found => faults.extend(found.err().map(ConfigError::from)),
            }
        }
        if let Some(identity) = &self.identity {
            faults.extend(key_file::identity_key(&identity.key_file).err().map(ConfigError::from));
        }
        faults.extend(
            self.data_dir().and_then(|folder| for_new_files("store.data_dir", existing(&folder)?)),
        );
        faults
    }

    /// What a start would find in the data folder, in which nothing changes; `None` without one.
    ///
    /// # Errors
    /// As the start would fail.
    pub fn check_store(&self, now: Timestamp) -> Result<Option<Checked>, StartError> {
        let Some(folder) = self.data_dir() else { return Ok(None) };
        Store::check(&folder, self.network, self.policy, self.capacity.into(), now).map(Some)
    }
}

impl Admin {
    fn faults(&self, faults: &mut Vec<ConfigError>) {
        if let Some(address) = self.http {
            if !address.ip().is_loopback() {
                faults.push(ConfigError::NotLoopback(address));
            }
            match &self.token_file {
                None => faults.push(ConfigError::Token),
                Some(path) if path.exists() => {
                    faults.extend(key_file::password(path).err().map(ConfigError::from));
                }
                Some(path) => faults.extend(for_new_files("admin.token_file", parent(path))),
            }
        }
        if let Some(path) = &self.socket {
            faults.extend(for_new_files("admin.socket", parent(path)));
        }
    }
}

/// An address of this machine and a TCP port.
fn is_tcp(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    matches!(parts.next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_)))
        && matches!(parts.next(), Some(Protocol::Tcp(_)))
        && parts.next().is_none()
}

/// The folder that a file is in.
fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The folder itself, or the one in which it would be made.
fn existing(folder: &Path) -> Option<&Path> {
    folder.ancestors().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).find(|folder| {
        !matches!(fs::symlink_metadata(folder), Err(error) if error.kind() == io::ErrorKind::NotFound)
    })
}

/// What stands against making files in a folder.
fn for_new_files(key: &'static str, folder: &Path) -> Option<ConfigError> {
    let problem = match fs::metadata(folder) {
        Err(error) => error.to_string(),
        Ok(found) if !found.is_dir() => "is no folder".to_owned(),
        Ok(_) => match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
            Err(error) => format!("files cannot be made there: {}", io::Error::from(error)),
            Ok(()) => return None,
        },
    };
    Some(ConfigError::Folder { key, folder: folder.to_owned(), problem })
}
