//! `ltms node`: one node, until it is told to stop.

mod args;
mod reload;
mod systemd;

use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
    process,
    time::Duration,
};

use ltms_net::{
    Handle, Node, NodeError, Recording, StartError,
    admin::{Admin, AdminError},
    clock::Clock,
    config::{Config, ConfigError, OnError},
    store::StoreError,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

pub(crate) use self::args::NodeArgs;
use crate::log::Log;

/// How long stopping may take.
const STOP: Duration = Duration::from_secs(5);

/// Why there is no node, or why it did not stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeFailure {
    #[error("{}", Lines(.0))]
    Config(Vec<ConfigError>),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("cannot record in {path}: {0}", path = .1.display())]
    Record(io::Error, PathBuf),
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
    #[error(transparent)]
    InUse(StoreError),
    #[error("stopped, and what was decided last is not stored: {0}")]
    NotStored(String),
    #[error(transparent)]
    Ended(NodeError),
    #[error("the node did not stop within {} s", STOP.as_secs())]
    Stop,
}

impl From<ConfigError> for NodeFailure {
    fn from(error: ConfigError) -> Self {
        Self::Config(vec![error])
    }
}

/// One line each.
struct Lines<'a>(&'a [ConfigError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if number == 0 { "" } else { "\nltms: " })?;
        }
        Ok(())
    }
}

impl NodeFailure {
    /// The exit code: 2 for what the user has to change, 3 if only a running node is in the way of
    /// another, 1 for the rest.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Admin(_)
            | Self::Record(..)
            | Self::Start(StartError::Store(_)) => 2,
            Self::InUse(_) => 3,
            _ => 1,
        }
    }
}

/// Runs a node until Ctrl-C or SIGTERM, reading its configuration again at SIGHUP, unless only its configuration is asked for.
///
/// # Errors
/// [`NodeFailure`].
pub(crate) async fn run(args: NodeArgs) -> Result<(), NodeFailure> {
    let (config, mut faults) = args.effective();
    let chain = if args.print_config { None } else { Some(config.source()) };
    let chain = match chain.transpose() {
        Ok(chain) => chain,
        Err(error) => {
            faults.push(error);
            None
        }
    };
    if !faults.is_empty() {
        return Err(NodeFailure::Config(faults));
    }
    let Some(chain) = chain else {
        print!("{}", config.to_toml()?);
        return Ok(());
    };
    if args.check_config {
        return check(&config);
    }
    let log = Log::start(config.filter()?, config.log_format);
    // From here on a signal stops the node, however early it comes.
    let signals = Signals::new().map_err(NodeFailure::Signals)?;
    let doors = config.doors()?;
    let mut builder = config.builder(chain)?;
    if let Some(path) = &args.record {
        let recording = Recording::create(path, u64::from(args.record_limit) << 20);
        builder =
            builder.record(recording.map_err(|error| NodeFailure::Record(error, path.clone()))?);
    }
    let node = builder.start().await?;
    let admin = Admin::open(node.handle(), doors).await?;
    if let Some(address) = admin.http() {
        tracing::info!("the operator is answered at http://{address}");
    }
    // A node without anybody at its stdout is a node all the same.
    let _ = writeln!(io::stdout(), "{}", greeting(&node.handle()));
    systemd::ready();
    let watchdog = systemd::watchdog(node.handle());
    let (handle, mut config) = (node.handle(), config);
    let reload = async || {
        systemd::reloading();
        reload::reload(&args, &mut config, &log, &handle).await;
        systemd::ready();
    };
    let ended = attend(node, admin, signals, reload).await;
    if let Some(watchdog) = watchdog {
        watchdog.abort();
    }
    ended
}

/// Waits until the node is to stop, or has ended by itself, and shuts everything.
async fn attend(
    node: Node,
    admin: Admin,
    mut signals: Signals,
    mut reload: impl AsyncFnMut(),
) -> Result<(), NodeFailure> {
    let why = loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Stop(why) => break why,
                Told::Reload => reload().await,
            },
            () = node.ended() => break "the node has ended by itself",
        }
    };
    tracing::info!("{why}, stopping");
    systemd::stopping();
    stop(node, admin, signals).await
}

/// Says what a start would find; the configuration itself is good.
fn check(config: &Config) -> Result<(), NodeFailure> {
    println!("the configuration is good");
    let Some(folder) = config.data_dir() else {
        println!("store: none; what the node learns ends with it");
        return Ok(());
    };
    match config.check_store(Clock::system().now()) {
        Ok(Some(found)) => println!("store: {}: {found}", folder.display()),
        Ok(None) => {}
        Err(error) if config.store.on_error == OnError::Guarded => {
            eprintln!("ltms: {error}; the node would start without it, guarded");
        }
        Err(StartError::Store(error @ StoreError::Locked(_))) => {
            return Err(NodeFailure::InUse(error));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Stops within its time; a second signal ends the process at once.
async fn stop(node: Node, admin: Admin, mut signals: Signals) -> Result<(), NodeFailure> {
    let stopped = async {
        admin.close().await;
        node.stop().await
    };
    tokio::select! {
        stopped = timeout(STOP, stopped) => match stopped {
            Ok(None) => Ok(()),
            Ok(Some(NodeError::NotStored(error))) => Err(NodeFailure::NotStored(error)),
            Ok(Some(error)) => Err(NodeFailure::Ended(error)),
            Err(_) => Err(NodeFailure::Stop),
        },
        why = signals.stop() => {
            tracing::warn!("{why} again, ending at once");
            process::exit(1)
        }
    }
}

/// What a signal asks for.
enum Told {
    Stop(&'static str),
    Reload,
}

/// The signals that the process hears.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    /// A file is as large as it may be (`RLIMIT_FSIZE`). Whoever writes sees an error, too, and
    /// unheard the signal ends the process.
    _file_size: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::Stop("interrupted"),
            _ = self.terminate.recv() => Told::Stop("told to terminate"),
            _ = self.hang_up.recv() => Told::Reload,
        }
    }

    /// Ends when the node is to stop, and says why.
    async fn stop(&mut self) -> &'static str {
        loop {
            if let Told::Stop(why) = self.next().await {
                return why;
            }
        }
    }
}

/// The first line on stdout: what other nodes need for `--bootstrap`.
fn greeting(handle: &Handle) -> String {
    let peer = handle.peer_id();
    let addresses = handle.addresses().iter().map(|address| format!(" {address}/p2p/{peer}"));
    format!("peer {peer} listens on{}", addresses.collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ltms_core::{Capacity, Network};
    use ltms_net::{Builder, admin::Doors, chain::DevChain};
    use tokio::net::{TcpStream, UnixStream};

    use super::*;
    use crate::failure::Failure;

    /// Signals that nobody sends.
    fn none() -> Signals {
        let unused = || signal(SignalKind::user_defined2()).expect("heard");
        Signals {
            interrupt: unused(),
            terminate: unused(),
            hang_up: unused(),
            _file_size: unused(),
        }
    }

    #[tokio::test]
    async fn a_node_whose_task_fails_shuts_its_doors_and_its_store_and_ends_with_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let chain = Arc::new(DevChain::recorded().expect("a good recording"));
        let builder = || {
            Builder::new(Network::Reg, chain.clone())
                .capacity(Capacity::SMALL)
                .listen("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
                .data_dir(folder.path())
        };
        // Asked in the node's own task about whoever connects.
        let node = builder().observe(|_| panic!("as the test wants")).start().await;
        let node = node.expect("a node");
        let socket = folder.path().join("admin.sock");
        let doors = Doors { socket: Some(socket.clone()), http: None };
        let admin = Admin::open(node.handle(), doors).await.expect("open");
        let banned = libp2p::PeerId::random();
        assert!(node.handle().ban(banned, None).await.expect("stored"));
        UnixStream::connect(&socket).await.expect("a door");

        let address = node.handle().addresses()[0].clone();
        let mut attended = std::pin::pin!(attend(node, admin, none(), async || {}));
        tokio::select! {
            ended = &mut attended => panic!("nobody told it to: {ended:?}"),
            () = tokio::task::yield_now() => {}
        }
        let port = address.iter().find_map(|part| match part {
            libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
            _ => None,
        });
        let _peer = TcpStream::connect(("127.0.0.1", port.expect("a port"))).await.expect("open");
        let ended = timeout(Duration::from_secs(60), attended).await.expect("it ends");
        let failure = Failure::from(ended.expect_err("a failure"));
        assert_eq!(failure.code(), 1);
        let said = failure.to_string();
        assert!(
            said.starts_with("the node failed: ") && said.contains("as the test wants"),
            "{said}"
        );
        assert!(!socket.exists());

        // Nothing holds the store any longer, and what was acknowledged is in it.
        let again = builder().start().await.expect("a node");
        let bans = again.handle().bans().await.expect("an answer");
        assert_eq!(bans.len(), 1);
        assert!(again.stop().await.is_none());
    }
}
