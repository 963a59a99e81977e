//! A victim's process, as its parent holds it.

use std::process::Stdio;

use libp2p::Multiaddr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{
    common::process::Process,
    victim::{Order, Seen, Setup},
};

/// It ends with this value.
pub(crate) struct Victim {
    child: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    pub(crate) address: Multiaddr,
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
        let address = said.next_line().await.expect("a line").expect("the node said why above");
        Self { child, orders, said, address: address.parse().expect("an address") }
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
