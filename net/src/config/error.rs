//! What can be wrong with a configuration, by name.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use libp2p::Multiaddr;
use ltms_core::{Network, PolicyError};

use crate::{chain::SetupError, key_file::KeyFileError};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {0}: {1}")]
    Io(PathBuf, io::Error),
    /// The file has more than [`super::MAX_BYTES`]; nothing of it was parsed.
    #[error("configuration file {0} is larger than 1 MiB")]
    TooLarge(PathBuf),
    /// It is not TOML, or has an unknown key or a value that is not allowed.
    #[error("{}line {line}, column {column}: {problem}", named(.file.as_deref()))]
    File {
        /// The file; none for text.
        file: Option<PathBuf>,
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
        /// What, and what is allowed there.
        problem: String,
    },
    /// No key is set by this variable of the environment.
    #[error("environment: {name} sets nothing{}", meant(.nearest.as_deref()))]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The name most like it, if one is.
        nearest: Option<String>,
    },
    /// A variable of the environment has a value that its key cannot have.
    #[error("environment: {name}: {problem}")]
    Variable {
        /// Its name.
        name: String,
        /// What, and what is allowed there.
        problem: String,
    },
    /// It cannot be written as TOML.
    #[error("configuration cannot be shown: {0}")]
    Show(#[from] toml::ser::Error),
    /// A number of the policy does not make sense.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// `policy.network` is not `network`.
    #[error("`policy.network` is `{}`, but `network` is `{}`", .0.name(), .1.name())]
    Network(Network, Network),
    /// `log` is not a filter.
    #[error("`log` is not a filter such as `info` or `warn,ltms_net=debug`: {0}")]
    Log(String),
    /// An address that nothing can listen on.
    #[error("`listen`: {0} is not of the form /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT")]
    Listen(Multiaddr),
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// `admin.http` is there without a token.
    #[error("`admin.http` needs `admin.token_file`: every user of this machine can connect there")]
    Token,
    /// `admin.http` can be reached from other machines.
    #[error("`admin.http` is {0}, which is no loopback address: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// A folder that files are to be made in cannot be used.
    #[error("`{key}`: {}: {problem}", .folder.display())]
    Folder {
        /// The key that names it.
        key: &'static str,
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A limit does not make sense: which and why.
    #[error("`{0}` {1}")]
    Limit(&'static str, &'static str),
    /// A persistent peer's address does not say who has to be there.
    #[error("`peers.persistent`: {0} does not end in `/p2p/` and a peer id")]
    Persistent(Multiaddr),
    /// A name that nobody would look up.
    #[error("{0} has a name to look up, which needs `peers.socks5`: use an IP address")]
    Name(Multiaddr),
    /// Not a peer id.
    #[error("`peers.allow`: `{0}` is not a peer id")]
    Peer(String),
    /// There is no chain source.
    #[error(transparent)]
    Chain(#[from] SetupError),
}

fn named(file: Option<&Path>) -> String {
    file.map(|file| format!("configuration file {}, ", file.display())).unwrap_or_default()
}

/// Serde's complaint, with the nearest of what it lists as allowed.
pub(super) fn with_hint(message: &str) -> String {
    let message = message.trim_end().replace('\n', ", ");
    let unknown = ["unknown field `", "unknown variant `"];
    if !unknown.iter().any(|start| message.starts_with(start)) {
        return message;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let Some(found) = names.next() else { return message };
    match nearest(found, names) {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message,
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// Parts of a name, in per cent, that have to be as in another one to be taken for it: of three
/// letters two may be in the wrong order, and of seven two be wrong.
const LIKE: u64 = 60;

/// The name most like another, if one is like it.
pub(super) fn nearest<'a>(to: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| (strsim::normalized_damerau_levenshtein(to, name) * 1e6) as u64;
    let names = names.map(|name| (likeness(name), name));
    names.filter(|(like, _)| *like >= LIKE * 10_000).max().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_like_another_is_taken_for_it() {
        let known = || ["log", "network", "listen", "verified"].into_iter();
        for (meant, name) in [("lgo", "log"), ("netwrok", "network"), ("listn", "listen")] {
            assert_eq!(nearest(meant, known()), Some(name));
        }
        for unlike in ["", "x", "colour", "telephone", "lots", "networking_thread"] {
            assert_eq!(nearest(unlike, known()), None, "{unlike}");
        }
        let message = "unknown field `colour`, expected one of `log`, `network`";
        assert_eq!(with_hint(message), message);
    }
}
