//! What a node is told: the file, then the environment, then the command line.

use std::{env, net::SocketAddr, path::PathBuf};

use clap::ValueEnum;
use libp2p::Multiaddr;
use ltms_core::IdentityId;
use ltms_net::config::{Config, ConfigError, Identity, LogFormat, Preset};

use crate::{args::Chain, source::SourceFlags};

/// What a node is told on the command line; a flag wins over `LTMS_…` in the environment, and
/// that over the file.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NodeArgs {
    /// Read this TOML file first; --print-config shows every key
    #[arg(long, value_name = "FILE", env = "LTMS_CONFIG")]
    config: Option<PathBuf>,
    /// The chain [default: reg]
    #[arg(long, value_enum)]
    network: Option<Chain>,
    /// Listen on this address; may be repeated [default: /ip4/127.0.0.1/tcp/0]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<Multiaddr>,
    /// Dial this peer at the start; may be repeated
    #[arg(long, value_name = "MULTIADDR")]
    bootstrap: Vec<Multiaddr>,
    /// The file with the libp2p key, made if it is missing [default: a fresh key each time]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The identity to prove to peers, in hexadecimal
    #[arg(long, value_name = "ID", requires = "identity_key_file")]
    identity: Option<IdentityId>,
    /// The file with the identity's secret key in hexadecimal
    #[arg(long, value_name = "FILE", requires = "identity")]
    identity_key_file: Option<PathBuf>,
    /// The folder where bans and identities are kept, one folder in it for each network, made if
    /// it is missing [default: nowhere]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The sizes of the tables [default: node]
    #[arg(long, value_enum)]
    capacity: Option<Size>,
    #[command(flatten)]
    source: SourceFlags,
    /// Answer the operator on this Unix socket, made with mode 0600
    #[arg(long, value_name = "FILE")]
    admin_socket: Option<PathBuf>,
    /// Answer the operator by HTTP on this loopback address
    #[arg(long, value_name = "IP:PORT")]
    admin_http: Option<SocketAddr>,
    /// The file with the token that is asked for there, made if it is missing
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// What to log to stderr; wins over LTMS_LOG, that over RUST_LOG, that over the file
    /// [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How to log [default: text]
    #[arg(long, value_enum)]
    log_format: Option<Format>,
    /// Record every call of the Gate in this new file, for `ltms replay`
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// End the recording before it is larger than that
    #[arg(long, value_name = "MIB", default_value_t = 256, requires = "record")]
    pub(super) record_limit: u32,
    /// Print the effective configuration as TOML and exit
    #[arg(long)]
    pub(super) print_config: bool,
    /// Say whether a node could be started so, and exit
    #[arg(long, conflicts_with = "print_config")]
    pub(super) check_config: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Size {
    Node,
    Small,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl NodeArgs {
    /// What holds, and what is wrong with it; the file is read again each time.
    pub(super) fn effective(&self) -> (Config, Vec<ConfigError>) {
        let mut faults = Vec::new();
        let mut config = Config::default();
        match self.config.as_deref().map(Config::read_all) {
            Some(Ok(read)) => (config, faults) = read,
            Some(Err(error)) => faults.push(error),
            None => {}
        }
        if let Some(filter) = env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()) {
            config.log = filter;
        }
        let (config, wrong) = config.with_variables(env::vars_os());
        faults.extend(wrong);
        let config = self.over(config);
        faults.extend(config.faults());
        (config, faults)
    }

    /// The flags over all else.
    fn over(&self, mut config: Config) -> Config {
        let args = self.clone();
        if let Some(chain) = args.network {
            config = config.on(chain.into());
        }
        if let Some(source) = args.source.config() {
            config.chain = source;
        }
        if !args.listen.is_empty() {
            config.listen = args.listen;
        }
        if !args.bootstrap.is_empty() {
            config.bootstrap = args.bootstrap;
        }
        config.key_file = args.key_file.or(config.key_file);
        if let (Some(id), Some(key_file)) = (args.identity, args.identity_key_file) {
            config.identity = Some(Identity { id, key_file });
        }
        config.admin.socket = args.admin_socket.or(config.admin.socket);
        config.admin.http = args.admin_http.or(config.admin.http);
        config.admin.token_file = args.admin_token_file.or(config.admin.token_file);
        config.store.data_dir = args.data_dir.or(config.store.data_dir);
        if let Some(size) = args.capacity {
            config.capacity = match size {
                Size::Node => Preset::Node,
                Size::Small => Preset::Small,
            };
        }
        config.log = args.log.unwrap_or(config.log);
        if let Some(format) = args.log_format {
            config.log_format = match format {
                Format::Text => LogFormat::Text,
                Format::Json => LogFormat::Json,
            };
        }
        config
    }
}
