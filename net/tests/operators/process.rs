//! A real `ltms node` and what its operator can ask.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use libp2p::Multiaddr;
use ltms_net::admin::{AskError, ask};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Notify,
    time::timeout,
};

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// An empty folder of this test's own.
pub(crate) fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("operators").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// What a process has logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Vec<String>>, Notify)>);

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.0.lock().expect("a log").clone()
    }

    /// Waits for a line with this text in it.
    pub(crate) async fn says(&self, text: &str) {
        let said = async {
            loop {
                let next = self.0.1.notified();
                if self.lines().iter().any(|line| line.contains(text)) {
                    return;
                }
                next.await;
            }
        };
        let said = timeout(PATIENCE, said).await;
        said.unwrap_or_else(|_| panic!("no line has `{text}`: {:#?}", self.lines()));
    }
}

/// A running node.
pub(crate) struct Process {
    child: Child,
    pub(crate) peer: String,
    pub(crate) address: Multiaddr,
    pub(crate) socket: PathBuf,
    pub(crate) log: Log,
}

/// `ltms node` with its files in this folder, and nothing of the environment.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ltms"));
    command.arg("node").args(["--capacity", "small"]).args(args);
    command.arg("--data-dir").arg(folder.join("data"));
    command.arg("--key-file").arg(folder.join("peer.key"));
    command.arg("--admin-socket").arg(folder.join("admin.sock"));
    for (name, _) in env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("LTMS_") {
            command.env_remove(name);
        }
    }
    command.kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Process {
    pub(crate) async fn start(folder: &Path, args: &[&str]) -> Self {
        Self::run(folder, command(folder, args)).await
    }

    pub(crate) async fn run(folder: &Path, mut command: Command) -> Self {
        let mut child = command.spawn().expect("started");
        let log = Log::default();
        let mut errors = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let heard = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                heard.0.0.lock().expect("a log").push(line);
                heard.0.1.notify_waiters();
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("readable");
        let line = line.unwrap_or_else(|| panic!("it ended: {:#?}", log.lines()));
        let words: Vec<_> = line.split(' ').collect();
        let ["peer", peer, "listens", "on", address] = words[..] else { panic!("{line}") };
        Self {
            peer: peer.to_owned(),
            address: address.parse().expect("an address"),
            socket: folder.join("admin.sock"),
            child,
            log,
        }
    }

    pub(crate) fn id(&self) -> rustix::process::Pid {
        let id = self.child.id().expect("running").cast_signed();
        rustix::process::Pid::from_raw(id).expect("a process")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.id(), signal).expect("running");
    }

    /// How it ended, within this time.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<i32> {
        timeout(within, self.child.wait()).await.expect("in time").expect("ended").code()
    }

    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    /// The answer at its door.
    pub(crate) async fn get(&self, path: &str) -> Result<String, AskError> {
        let body = ask(&self.socket, hyper::Method::GET, path).await?;
        Ok(String::from_utf8(body.to_vec()).expect("text"))
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.expect("an answer")).expect("JSON")
    }

    /// Bans a peer; when this is good, it is stored.
    pub(crate) async fn ban(&self, peer: &str) -> Result<(), AskError> {
        let path = format!("/api/v1/peers/{peer}/ban");
        ask(&self.socket, hyper::Method::POST, &path).await.map(drop)
    }

    pub(crate) async fn is_banned(&self, peer: &str) -> bool {
        let standing = self.json(&format!("/api/v1/peers/{peer}")).await;
        standing["decision"] == "graylisted" || standing["decision"] == "blacklisted"
    }

    /// What `/healthz` says, good or not.
    pub(crate) async fn health(&self) -> String {
        let (mut head, body) = plain(&self.socket, "/healthz").await;
        head.truncate(12);
        assert_eq!(head == "HTTP/1.1 200", body.starts_with("ok\n"), "{head} {body}");
        body
    }
}

/// Status line and body, whatever the status.
async fn plain(socket: &Path, path: &str) -> (String, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(socket).await.expect("a door");
    let request = format!("GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// Asks again until it is so.
pub(crate) async fn until<F>(what: &str, mut holds: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            tick.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}
