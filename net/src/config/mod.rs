//! What a node is told in a TOML file.
//!
//! Every key may be left out, and an unknown one is an error: a misspelt limit must not pass for
//! one that was set.

mod check;
mod env;
mod error;
mod file;
mod reload;

use std::{
    fs::File,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use ltms_core::{Capacity, IdentityId, Network, Policy};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::{
    Builder,
    admin::Doors,
    behaviour::scores::Scores,
    chain::{ChainSource, HttpOptions, SourceConfig},
    driver::peer_of,
    key_file,
    limits::Limits,
};

pub use self::{error::ConfigError, reload::Reload};

/// Bytes of a configuration file; one with every key has about four thousand.
pub const MAX_BYTES: u64 = 1 << 20;

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

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
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

/// How gossip is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gossip {
    /// The scores of topics. Default `quiet`; `analysis` is for topics that are never silent.
    pub scores: Scores,
}

/// What a node does in the DHT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dht {
    /// Whether it answers from the start. Default false: once others can reach it.
    pub server: bool,
}

/// What a node remembers across restarts. Default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder in which each network has one of its own for its store, made (mode 0700) if it
    /// is missing. One node has that at a time.
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
    /// How it is written. Default `text`.
    pub log_format: LogFormat,
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
    /// How gossip is judged.
    pub gossip: Gossip,
    /// What the node does in the DHT.
    pub dht: Dht,
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
            log_format: LogFormat::default(),
            identity: None,
            chain: SourceConfig::default(),
            admin: Admin::default(),
            store: Store::default(),
            peers: Peers::default(),
            limits: Limits::DEFAULT,
            gossip: Gossip::default(),
            dht: Dht::default(),
            policy: Policy::LOTUS_V1.on(Network::Reg),
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot be read, is too large or is not a configuration.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let (config, faults) = Self::read_all(path)?;
        faults.into_iter().next().map_or(Ok(config), Err)
    }

    /// What a file says without what is wrong in it, and what that is.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot be read or is too large.
    pub fn read_all(path: &Path) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        let failed = |error| ConfigError::Io(path.to_owned(), error);
        let mut text = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(ConfigError::TooLarge(path.to_owned()));
        }
        let text = String::from_utf8(text);
        let text = text.map_err(|error| failed(io::Error::other(error.utf8_error())))?;
        Ok(file::read(&text, Some(path)))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ConfigError::File`], the first one.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let (config, faults) = file::read(text, None);
        faults.into_iter().next().map_or(Ok(config), Err)
    }

    /// On another network; the policy goes with it unless it was for another one before.
    #[must_use]
    pub fn on(mut self, network: Network) -> Self {
        if self.policy.network == self.network {
            self.policy.network = network;
        }
        Self { network, ..self }
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

    /// The folder of this network's store.
    #[must_use]
    pub fn data_dir(&self) -> Option<PathBuf> {
        Some(self.store.data_dir.as_ref()?.join(self.network.name()))
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
        builder = builder.scores(self.gossip.scores).server(self.dht.server);
        if let Some(path) = &self.key_file {
            builder = builder.keypair(key_file::peer_key(path)?);
        }
        if let Some(Identity { id, key_file }) = &self.identity {
            builder = builder.identity(*id, key_file::identity_key(key_file)?);
        }
        if let Some(folder) = self.data_dir() {
            let guarded = self.store.on_error == OnError::Guarded;
            builder = builder.data_dir(folder).guarded(guarded);
        }
        builder = self.listen.iter().cloned().fold(builder, Builder::listen);
        Ok(self.bootstrap.iter().cloned().fold(builder, Builder::bootstrap))
    }
}
