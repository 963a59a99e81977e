//! A victim's process, as its parent holds it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use libp2p::Multiaddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;

use super::{
    common::process::Process,
    victim::{Begun, Order, Seen, Setup},
};

/// It ends with this value.
pub(crate) struct Victim {
    child: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    pub(crate) address: Multiaddr,
    /// When its node was started, and what its process had used of a processor by then.
    pub(crate) since: Instant,
    before: f64,
    socket: PathBuf,
}

impl Victim {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(setup: &Setup) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--victim", &serde_json::to_string(setup).expect("JSON")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let orders = child.stdin.take().expect("its input");
        let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = said.next_line().await.expect("a line").expect("the node said why above");
        let Begun { address, took, before } = serde_json::from_str(&line).expect("how it began");
        let since = Instant::now() - Duration::from_secs_f64(took);
        Self { child, orders, said, address, since, before, socket: setup.socket() }
    }

    /// Seconds of a processor that its node has used.
    pub(crate) fn used(&self) -> f64 {
        self.process().processor() - self.before
    }

    /// MiB of its memory that are resident.
    pub(crate) fn mib(&self) -> f64 {
        self.process().resident() as f64 / 1024.0
    }

    /// What its operator is told at `/metrics`, by name; nothing by a node that has none.
    pub(crate) async fn told(&self) -> BTreeMap<String, f64> {
        let Ok(mut door) = UnixStream::connect(&self.socket).await else {
            return BTreeMap::new();
        };
        let request = "GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
        door.write_all(request.as_bytes()).await.expect("it listens");
        let mut text = String::new();
        door.read_to_string(&mut text).await.expect("it answers");
        let samples = text.lines().filter_map(|line| line.rsplit_once(' '));
        samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }

    /// What can be read of it from outside.
    pub(crate) fn process(&self) -> Process {
        Process::Other(self.child.id().expect("it runs"))
    }

    /// Lets it do something and look at itself.
    pub(crate) async fn asked(&mut self, order: Order) -> Seen {
        let line = serde_json::to_string(&order).expect("JSON") + "\n";
        self.orders.write_all(line.as_bytes()).await.expect("it listens");
        let line = self.said.next_line().await.expect("a line").expect("it answers");
        serde_json::from_str(&line).expect("what it sees")
    }

    /// Ends it without a word.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }
}
