//! The node, or an echo in its stead, alone in its process.

use std::process::Stdio;

use futures::StreamExt;
use libp2p::{Multiaddr, request_response, swarm::SwarmEvent};
use ltms_core::{Keys, Millis, Network, Policy, Quota, Reason, Windows};
use ltms_net::{
    Builder, Node,
    behaviour::{
        Event,
        streams::{Request, Response},
    },
    limits::Limits,
};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::{
    Load, Victim,
    common::{
        self,
        process::Process,
        signers::{chain, register},
    },
    goals::{Flooded, Row},
};

/// Seconds of a processor that this process has used.
fn processor() -> f64 {
    Process::This.processor()
}

/// MiB of memory that are resident.
fn resident() -> u64 {
    Process::This.resident() >> 10
}

/// Twenty connections may send 2,000 a second, of 1,000 keys an identity.
fn wide(policy: Policy) -> Policy {
    let quota = Quota::per_second(1_000, 10_000);
    let windows = Windows {
        connection: quota,
        signatures: quota,
        node_signatures: Quota::per_second(10_000, 10_000),
        advertisement: Quota::every(Millis::from_secs(1), 1),
        identity_span: Millis::from_secs(1),
        ..policy.windows
    };
    let keys = Keys { basic: 1_000, verified: 1_000, institutional: 1_000, ..policy.keys };
    Policy { windows, keys, ..policy }
}

/// Every message of a connection is looked at, whatever it costs.
fn open(policy: Policy) -> Policy {
    let windows = Windows { connection: Quota::per_second(100_000, 100_000), ..policy.windows };
    Policy { windows, ..policy }
}

/// Who answers, and what it needs to live.
enum Running {
    Node(Box<Node>, tempfile::TempDir),
    Echo(JoinHandle<()>),
}

impl Running {
    async fn start(load: &Load) -> (Self, Multiaddr) {
        if load.victim == Victim::Echo {
            let (echo, address) = echo().await;
            return (Self::Echo(echo), address);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let node = node(load, &folder).await;
        let address = node.handle().addresses()[0].clone();
        (Self::Node(Box::new(node), folder), address)
    }

    async fn stop(self) {
        match self {
            Self::Node(node, _folder) => assert!(node.stop().await.is_none()),
            Self::Echo(echo) => echo.abort(),
        }
    }
}

/// Answers every request at once.
async fn echo() -> (JoinHandle<()>, Multiaddr) {
    let mut node = common::roomy_node();
    let address = common::listen(&mut node).await;
    let task = tokio::spawn(async move {
        loop {
            if let SwarmEvent::Behaviour(Event::Direct(event)) = node.select_next_some().await
                && let request_response::Event::Message { message, .. } = *event
                && let request_response::Message::Request { request, channel, .. } = message
            {
                assert!(matches!(request, Ok(Request::Push(_))));
                let answer = Response::Judged { code: Reason::New.code(), retry_at: None };
                // The stream may be gone.
                let _ = node.behaviour_mut().direct.send_response(channel, answer);
            }
        }
    });
    (task, address)
}

/// A node with a store that knows the identities.
async fn node(load: &Load, folder: &tempfile::TempDir) -> Node {
    let (policy, mut limits) = (Policy::LOTUS_V1.on(Network::Reg), Limits::DEFAULT);
    let policy = match load.victim {
        Victim::Wide => wide(policy),
        Victim::Open => {
            limits.share = 1_000;
            open(policy)
        }
        _ => policy,
    };
    let node = Builder::new(Network::Reg, chain(load.identities()))
        .policy(policy)
        .limits(limits)
        .listen("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
        .memory(8 << 30)
        .data_dir(folder.path())
        .server(true)
        .start()
        .await
        .expect("a node");
    register(&node.handle(), load.identities()).await;
    node
}

/// A process that sends.
struct Sender(Child, Lines<BufReader<ChildStdout>>);

impl Sender {
    /// Starts it and waits until it begins.
    async fn start(what: &str, number: usize, run: (u32, u32), address: &Multiaddr) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--seconds", &run.0.to_string(), "--preload", &run.1.to_string()])
            .args([what, &number.to_string(), &address.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a sender");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next_line().await.expect("a line");
        assert_eq!(line.as_deref(), Some("begin"), "the sender said why above");
        Self(child, lines)
    }

    /// What it says at its end.
    async fn end(mut self) -> Vec<String> {
        let line = self.1.next_line().await.expect("a line").expect("a last line");
        self.0.wait().await.expect("its end");
        line.split_whitespace().map(str::to_owned).collect()
    }
}

/// One load.
pub(crate) fn run(number: usize, loads: &[Load], seconds: u32, preload: u32) -> Row {
    let load = &loads[number];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (running, address) = Running::start(load).await;
        let run = (seconds, preload);
        let flooder = match load.flood {
            Some(_) => Some(Sender::start("--flood", number, run, &address).await),
            None => None,
        };
        let honest = match load.rate {
            0 => None,
            _ => Some(Sender::start("--send", number, run, &address).await),
        };
        let (used, began, before) = (processor(), std::time::Instant::now(), resident());
        let mut row = Row::of(load, before);
        let share = || 100.0 * (processor() - used) / began.elapsed().as_secs_f64();
        if let Some(honest) = honest {
            row.answered(&honest.end().await);
            (row.share, row.after) = (share(), resident());
        }
        if let Some(flooder) = flooder {
            let said = flooder.end().await;
            if load.rate == 0 {
                (row.share, row.after) = (share(), resident());
            }
            row.flooded = Some(Flooded::read(&said));
        }
        running.stop().await;
        row
    })
}
