//! What a node is told in a TOML file.
//!
//! Every key may be left out, and an unknown one is an error: a misspelt limit must not pass for
//! one that was set.

use std::{
    fs::File,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use ltms_core::{Capacity, IdentityId, Network, Policy, PolicyError};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::{
    Builder,
    admin::Doors,
    chain::{ChainSource, HttpOptions, SetupError, SourceConfig},
    driver::peer_of,
    key_file::{self, KeyFileError},
    limits::Limits,
};

/// Bytes of a configuration file; one with every key has about four thousand.
pub const MAX_BYTES: u64 = 1 << 20;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {0}: {1}")]
    Io(PathBuf, io::Error),
    /// The file has more than [`MAX_BYTES`]; nothing of it was parsed.
    #[error("configuration file {0} is larger than 1 MiB")]
    TooLarge(PathBuf),
    /// It is not TOML, or has an unknown key or a value of the wrong type: where and which.
    #[error("configuration: {}", .0.to_string().trim_end())]
    Toml(#[from] toml::de::Error),
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
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// `admin.http` is there without a token.
    #[error("`admin.http` needs `admin.token_file`: every user of this machine can connect there")]
    Token,
    /// `admin.http` can be reached from other machines.
    #[error("`admin.http` is {0}, which is no loopback address: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
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

/// How large the tables are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// [`Capacity::NODE`].
    #[default]
    Node,
    /// [`Capacity::SMALL`].
    Small,
}

impl From<Preset> for Capacity {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Node => Self::NODE,
            Preset::Small => Self::SMALL,
        }
    }
}

/// The identity that a node proves to its peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The identity.
    pub id: IdentityId,
    /// The file with its current secret key, see [`key_file::identity_key`].
    pub key_file: PathBuf,
}

/// Where the operator can ask a running node. Default nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// A Unix socket, made with mode 0600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// A loopback address for HTTP; needs `token_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// The file with the token for `http`, made (mode 0600) if it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

impl Admin {
    fn validate(&self) -> Result<(), ConfigError> {
        match (self.http, &self.token_file) {
            (Some(_), None) => Err(ConfigError::Token),
            (Some(address), _) if !address.ip().is_loopback() => {
                Err(ConfigError::NotLoopback(address))
            }
            (Some(_), Some(path)) if path.exists() => Ok(key_file::password(path).map(drop)?),
            _ => Ok(()),
        }
    }
}

/// What a node remembers across restarts. Default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder of the store, made (mode 0700) if it is missing. One node has it at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// What to do if it cannot be used. Default `refuse`.
    pub on_error: OnError,
}

/// What a node does whose store cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It does not start.
    #[default]
    Refuse,
    /// It starts without bans and identities, keeps nothing, and holds strangers back
    /// ([`ltms_core::Posture::Guarded`]).
    Guarded,
}

/// Whom a node dials and keeps beside the bootstrap list. Default nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Peers {
    /// Addresses, each ending in `/p2p/` and the peer, that are dialled for as long as the node
    /// runs. No newcomer takes their place; they can be banned.
    pub persistent: Vec<Multiaddr>,
    /// Peers that are exempt from limits of address groups, automatic bans and making room.
    pub allow: Vec<String>,
    /// The SOCKS5 proxy through which everything is dialled, and which looks up every name.
    /// Default none: addresses are dialled directly, and names cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socks5: Option<SocketAddr>,
}

impl Peers {
    fn allowed(&self) -> Result<Vec<PeerId>, ConfigError> {
        let read = |peer: &String| peer.parse().map_err(|_| ConfigError::Peer(peer.clone()));
        self.allow.iter().map(read).collect()
    }

    fn validate(&self, bootstrap: &[Multiaddr]) -> Result<(), ConfigError> {
        let nameless = self.persistent.iter().find(|address| peer_of(address).is_none());
        if let Some(address) = nameless {
            return Err(ConfigError::Persistent(address.clone()));
        }
        let is_name = |address: &&Multiaddr| {
            use Protocol::{Dns, Dns4, Dns6, Dnsaddr};
            matches!(address.iter().next(), Some(Dns(_) | Dns4(_) | Dns6(_) | Dnsaddr(_)))
        };
        if self.socks5.is_none()
            && let Some(address) = self.persistent.iter().chain(bootstrap).find(is_name)
        {
            return Err(ConfigError::Name(address.clone()));
        }
        self.allowed().map(drop)
    }
}

/// Everything that a file may say. Written out, it is a file again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The chain. Default `reg`, the only one that needs no chain source.
    pub network: Network,
    /// Addresses to listen on. Default any free port of 127.0.0.1.
    pub listen: Vec<Multiaddr>,
    /// Peers to dial at the start. Default none.
    pub bootstrap: Vec<Multiaddr>,
    /// The file with the libp2p key, see [`key_file::peer_key`]. Default none: a fresh key at each
    /// start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The sizes of the tables. Default `node`.
    pub capacity: Preset,
    /// What is logged. Default `info`.
    pub log: String,
    /// The identity. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Who is asked about the chain. Default nobody, which is enough on `reg` only.
    pub chain: SourceConfig,
    /// Where the operator can ask. Default nowhere.
    pub admin: Admin,
    /// What outlives the node. Default nothing.
    pub store: Store,
    /// Whom it dials and keeps.
    pub peers: Peers,
    /// What sockets and streams may take.
    pub limits: Limits,
    /// The policy. What is left out is as in [`Policy::LOTUS_V1`], its network as above.
    pub policy: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            network: Network::Reg,
            listen: vec![Multiaddr::from(Ipv4Addr::LOCALHOST).with(Protocol::Tcp(0))],
            bootstrap: Vec::new(),
            key_file: None,
            capacity: Preset::default(),
            log: "info".to_owned(),
            identity: None,
            chain: SourceConfig::default(),
            admin: Admin::default(),
            store: Store::default(),
            peers: Peers::default(),
            limits: Limits::DEFAULT,
            policy: Policy::LOTUS_V1.on(Network::Reg),
        }
    }
}

/// Whether a file names the policy's network.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    policy: PolicyOutline,
}

#[derive(Default, Deserialize)]
struct PolicyOutline {
    network: Option<Network>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot be read, is too large or is not a configuration.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |error| ConfigError::Io(path.to_owned(), error);
        let mut text = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(ConfigError::TooLarge(path.to_owned()));
        }
        let text = String::from_utf8(text);
        Self::parse(&text.map_err(|error| failed(io::Error::other(error.utf8_error())))?)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ConfigError::Toml`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)?;
        let outline: Outline = toml::from_str(text)?;
        config.policy.network = outline.policy.network.unwrap_or(config.network);
        Ok(config)
    }

    /// On another network; the policy goes with it unless it was for another one before.
    #[must_use]
    pub fn on(mut self, network: Network) -> Self {
        if self.policy.network == self.network {
            self.policy.network = network;
        }
        Self { network, ..self }
    }

    /// Whether a node can be made from it, as far as that shows without making files or sockets.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.policy.validate()?;
        if self.policy.network != self.network {
            return Err(ConfigError::Network(self.policy.network, self.network));
        }
        self.filter()?;
        self.admin.validate()?;
        self.peers.validate(&self.bootstrap)?;
        self.limits.validate().map_err(|(field, problem)| ConfigError::Limit(field, problem))?;
        if let Some(path) = &self.key_file {
            key_file::existing_peer_key(path)?;
        }
        if let Some(identity) = &self.identity {
            key_file::identity_key(&identity.key_file)?;
        }
        Ok(())
    }

    /// What is logged, for `tracing-subscriber`.
    ///
    /// # Errors
    /// [`ConfigError::Log`].
    pub fn filter(&self) -> Result<EnvFilter, ConfigError> {
        EnvFilter::try_new(&self.log).map_err(|error| ConfigError::Log(error.to_string()))
    }

    /// The file that says the same, with every key in it.
    ///
    /// # Errors
    /// [`ConfigError::Show`] for numbers that TOML does not have, above 2⁶³ − 1.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        Ok(toml::to_string_pretty(self)?)
    }

    /// The operator's doors to open. Makes the token's file if it is missing.
    ///
    /// # Errors
    /// [`ConfigError::Key`].
    pub fn doors(&self) -> Result<Doors, ConfigError> {
        let Admin { socket, http, token_file } = &self.admin;
        let http = match (http, token_file) {
            (Some(address), Some(path)) => Some((*address, key_file::token(path)?)),
            _ => None,
        };
        Ok(Doors { socket: socket.clone(), http })
    }

    /// The chain source to start with. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ConfigError::Chain`].
    pub fn source(&self) -> Result<Arc<dyn ChainSource>, ConfigError> {
        Ok(self.chain.source(self.network, &HttpOptions::default())?)
    }

    /// The node to start. Reads the key files, and makes that of the libp2p key if it is missing.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn builder(&self, chain: Arc<dyn ChainSource>) -> Result<Builder, ConfigError> {
        self.validate()?;
        let mut builder =
            Builder::new(self.network, chain).policy(self.policy).capacity(self.capacity.into());
        builder = builder.limits(self.limits);
        builder = self.peers.persistent.iter().cloned().fold(builder, Builder::persistent);
        builder = self.peers.allowed()?.into_iter().fold(builder, Builder::allow);
        if let Some(proxy) = self.peers.socks5 {
            builder = builder.socks5(proxy);
        }
        if let Some(path) = &self.key_file {
            builder = builder.keypair(key_file::peer_key(path)?);
        }
        if let Some(Identity { id, key_file }) = &self.identity {
            builder = builder.identity(*id, key_file::identity_key(key_file)?);
        }
        if let Some(folder) = &self.store.data_dir {
            let guarded = self.store.on_error == OnError::Guarded;
            builder = builder.data_dir(folder).guarded(guarded);
        }
        builder = self.listen.iter().cloned().fold(builder, Builder::listen);
        Ok(self.bootstrap.iter().cloned().fold(builder, Builder::bootstrap))
    }
}
