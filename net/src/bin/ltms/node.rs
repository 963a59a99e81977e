//! `ltms node`: one node, until it is told to stop.

use std::{
    env,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use clap::ValueEnum;
use libp2p::Multiaddr;
use ltms_core::IdentityId;
use ltms_net::{
    Handle, Recording, StartError,
    admin::{Admin, AdminError},
    config::{Config, ConfigError, Identity, Preset},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

use crate::{args::Chain, source::SourceFlags};

/// How long stopping may take.
const STOP: Duration = Duration::from_secs(5);

/// What a node is told on the command line; a flag wins over the same key in the file.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeArgs {
    /// Read this TOML file first; --print-config shows every key
    #[arg(long, value_name = "FILE")]
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
    /// The folder where bans and identities are kept, made if it is missing [default: nowhere]
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
    /// What to log to stderr; wins over RUST_LOG, which wins over the file [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Record every call of the Gate in this new file, for `ltms replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// End the recording before it is larger than that
    #[arg(long, value_name = "MIB", default_value_t = 256, requires = "record")]
    record_limit: u32,
    /// Print the effective configuration as TOML and exit
    #[arg(long)]
    print_config: bool,
    /// Say whether a node could be started so, and exit
    #[arg(long, conflicts_with = "print_config")]
    check_config: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Size {
    Node,
    Small,
}

/// Why there is no node, or why it did not stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeFailure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("cannot record in {path}: {0}", path = .1.display())]
    Record(io::Error, PathBuf),
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
    #[error("the node did not stop within {} s", STOP.as_secs())]
    Stop,
}

impl NodeFailure {
    /// The exit code: 2 for what the user has to change, 1 for the rest.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Admin(_)
            | Self::Record(..)
            | Self::Start(StartError::Store(_)) => 2,
            _ => 1,
        }
    }
}

/// Runs a node until Ctrl-C or SIGTERM, unless only its configuration is asked for.
///
/// # Errors
/// [`NodeFailure`].
pub(crate) async fn run(args: NodeArgs) -> Result<(), NodeFailure> {
    let (print, check) = (args.print_config, args.check_config);
    let (record, limit) = (args.record.clone(), u64::from(args.record_limit) << 20);
    let config = effective(args)?;
    config.validate()?;
    if print {
        print!("{}", config.to_toml()?);
        return Ok(());
    }
    let chain = config.source()?;
    if check {
        println!("the configuration is good");
        return Ok(());
    }
    crate::log(config.filter()?);
    // From here on a signal stops the node, however early it comes.
    let [mut interrupt, mut terminate] =
        [signals(SignalKind::interrupt())?, signals(SignalKind::terminate())?];
    let doors = config.doors()?;
    let mut builder = config.builder(chain)?;
    if let Some(path) = record {
        let recording = Recording::create(&path, limit);
        builder = builder.record(recording.map_err(|error| NodeFailure::Record(error, path))?);
    }
    let node = builder.start().await?;
    let admin = Admin::open(node.handle(), doors).await?;
    if let Some(address) = admin.http() {
        tracing::info!("the operator is answered at http://{address}");
    }
    // A node without anybody at its stdout is a node all the same.
    let _ = writeln!(io::stdout(), "{}", greeting(&node.handle()));
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("interrupted, stopping"),
        _ = terminate.recv() => tracing::info!("told to terminate, stopping"),
    }
    let stopped = async {
        admin.close().await;
        node.stop().await;
    };
    timeout(STOP, stopped).await.map_err(|_| NodeFailure::Stop)
}

/// The file, then the environment, then the flags.
fn effective(args: NodeArgs) -> Result<Config, ConfigError> {
    let mut config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
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
    let environment = env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    if let Some(log) = args.log.or(environment) {
        config.log = log;
    }
    Ok(config)
}

fn signals(kind: SignalKind) -> Result<Signal, NodeFailure> {
    signal(kind).map_err(NodeFailure::Signals)
}

/// The first line on stdout: what other nodes need for `--bootstrap`.
fn greeting(handle: &Handle) -> String {
    let peer = handle.peer_id();
    let addresses = handle.addresses().iter().map(|address| format!(" {address}/p2p/{peer}"));
    format!("peer {peer} listens on{}", addresses.collect::<String>())
}
