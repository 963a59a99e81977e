//! The operator's doors: HTTP on a loopback address and on a Unix socket.
//!
//! Both answer the same questions. The socket is a file of mode 0600, so whoever can open it is
//! the operator; on the loopback address every user of the machine and every page in a browser
//! can knock, and `guard` decides.

mod api;
mod bans;
mod client;
mod explain;
mod guard;
mod history;
mod identities;
mod metrics;
mod page;
mod shown;

use std::{
    io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, serve::Listener};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use zeroize::Zeroizing;

use self::history::History;
use crate::handle::Handle;

pub use client::{AskError, ask};

/// Connections that a door has open at a time; the next ones wait.
const CONNECTIONS: usize = 32;
/// In which a request's head has to arrive.
const HEAD: Duration = Duration::from_secs(5);
/// Which a connection may last, whatever it does.
const CONNECTION: Duration = Duration::from_secs(300);
/// Bytes of a request that are read ahead.
const BUFFER: usize = 64 << 10;

/// What is opened.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// A Unix socket, made with mode 0600.
    pub socket: Option<PathBuf>,
    /// An address of the loopback interface, and the token that requests there have to bring.
    pub http: Option<(SocketAddr, Zeroizing<String>)>,
}

/// A door could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The address can be reached from other machines.
    #[error(
        "{0} is not a loopback address: use 127.0.0.1 or [::1] and a tunnel or proxy of your own"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The socket cannot be made.
    #[error("cannot make the socket {path}: {1}", path = .0.display())]
    Socket(PathBuf, io::Error),
    /// Another node answers on the socket.
    #[error("the socket {path} is another node's, which is running", path = .0.display())]
    InUse(PathBuf),
    /// Something else is in the socket's place.
    #[error("{path} exists and is no socket: it is left as it is", path = .0.display())]
    NotASocket(PathBuf),
}

/// The open doors; dropped, they are shut.
#[derive(Debug)]
pub struct Admin {
    tasks: JoinSet<()>,
    http: Option<SocketAddr>,
    socket: Option<PathBuf>,
}

impl Admin {
    /// Opens the doors to a node.
    ///
    /// # Errors
    /// [`AdminError`]; then none is open.
    pub async fn open(handle: Handle, doors: Doors) -> Result<Self, AdminError> {
        let history = History::default();
        let mut admin = Self { tasks: JoinSet::new(), http: None, socket: None };
        if let Some(path) = doors.socket {
            let listener = bind_socket(&path).await?;
            admin.socket = Some(path);
            let routes = api::routes(handle.clone(), history.clone());
            admin.tasks.spawn(serve(routes, listener));
        }
        if let Some((address, token)) = doors.http {
            if !address.ip().is_loopback() {
                return Err(AdminError::NotLoopback(address));
            }
            let failed = |error| AdminError::Listen(address, error);
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            admin.http = Some(listener.local_addr().map_err(failed)?);
            let routes = page::routes().merge(api::routes(handle.clone(), history.clone()));
            admin.tasks.spawn(serve(guard::guarded(routes, token), listener));
        }
        if !admin.tasks.is_empty() {
            admin.tasks.spawn(history.keep(handle));
        }
        Ok(admin)
    }

    /// The address of the HTTP door, its port filled in.
    #[must_use]
    pub const fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Shuts the doors and ends what is being answered.
    pub async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        if let Some(path) = &self.socket {
            // Another node takes a socket away that nobody answers on.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A socket of mode 0600 from its first moment on: it is made in a folder of its own that nobody
/// else may enter, and moved to its place.
async fn bind_socket(path: &Path) -> Result<UnixListener, AdminError> {
    let failed = |error| AdminError::Socket(path.to_owned(), error);
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(AdminError::NotASocket(path.to_owned()));
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(AdminError::InUse(path.to_owned()));
        }
        Ok(_) => {}
    }
    let private = path.with_extension(format!("{}.new", std::process::id()));
    let made = || -> io::Result<UnixListener> {
        std::fs::create_dir(&private)?;
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700))?;
        let inside = private.join("s");
        let listener = UnixListener::bind(&inside)?;
        std::fs::set_permissions(&inside, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&inside, path)?;
        Ok(listener)
    };
    let listener = made();
    let _ = std::fs::remove_dir_all(&private);
    listener.map_err(failed)
}

/// Answers whoever comes, a bounded number at a time.
async fn serve<L: Listener>(routes: Router, mut listener: L) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // The semaphore is never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let (stream, _) = listener.accept().await;
        let service = TowerToHyperService::new(routes.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            let _place = place;
            if let Ok(Err(error)) = timeout(CONNECTION, connection).await {
                tracing::debug!(%error, "a connection at the operator's door ended");
            }
        });
    }
}
