//! The node, alone in its process.

use std::fs::read_to_string;
use std::process::Stdio;
use std::sync::Arc;

use ltms_core::{Keys, Millis, Network, Policy, Quota, Windows};
use ltms_net::{Builder, Handle, chain::DevChain};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::{Load, keys::burn};

/// Hundredths of a second: the unit of Linux's `/proc`.
const TICKS: f64 = 100.0;

/// Seconds of a processor that this process has used.
fn processor() -> f64 {
    let text = read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> =
        text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |field: usize| fields[field].parse::<f64>().expect("a number");
    // `utime` and `stime`, the 14th and 15th field.
    (number(11) + number(12)) / TICKS
}

/// MiB of memory that are resident.
fn resident() -> u64 {
    let text = read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("kB") >> 10
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

/// Registers the identities.
async fn start(load: &Load) -> (ltms_net::Node, Handle) {
    let chain = Arc::new(DevChain::recorded().expect("a good recording"));
    let burns: Vec<_> = (0..load.identities()).map(burn).collect();
    for some in burns.chunks(100) {
        let raw: Vec<_> = some.iter().map(|(_, raw, _)| raw.clone()).collect();
        chain.mine(&raw).expect("a block");
    }
    chain.mine_empty(80).expect("blocks");
    let policy = Policy::LOTUS_V1.on(Network::Reg);
    let node = Builder::new(Network::Reg, chain)
        .policy(if load.wide { wide(policy) } else { policy })
        .listen("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
        .memory(8 << 30)
        .server(true)
        .start()
        .await
        .expect("a node");
    let handle = node.handle();
    for (number, (key, _, outpoint)) in burns.iter().enumerate() {
        let mut registered = handle.register_identity(key, *outpoint).await;
        while number == 0 && registered.is_err() {
            // The tip is not known yet.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            registered = handle.register_identity(key, *outpoint).await;
        }
        registered.expect("registered");
    }
    (node, handle)
}

/// Starts a sender and waits until it begins.
async fn sender(
    what: &str,
    number: u32,
    load: &Load,
    address: &str,
) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--seconds", &load.seconds.to_string(), "--preload", &load.preload.to_string()])
        .args([what, &number.to_string(), address])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a sender");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert_eq!(lines.next_line().await.expect("a line").as_deref(), Some("begin"));
    (child, lines)
}

/// One row of the table.
pub(crate) fn run(number: u32, load: &Load) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (node, handle) = start(load).await;
        let address = handle.addresses()[0].to_string();
        let flooder = match load.flood {
            true => Some(sender("--flood", number, load, &address).await),
            false => None,
        };
        let honest = match load.rate {
            0 => None,
            _ => Some(sender("--send", number, load, &address).await),
        };
        let (used, began, memory) = (processor(), std::time::Instant::now(), resident());
        let mut ends = Vec::new();
        for sender in [honest, flooder] {
            let Some((mut child, mut lines)) = sender else {
                ends.push(None);
                continue;
            };
            ends.push(lines.next_line().await.expect("a line"));
            if ends.len() == 1 || load.rate == 0 {
                let share = 100.0 * (processor() - used) / began.elapsed().as_secs_f64();
                ends.push(Some(format!("{share:.0}")));
            }
            child.wait().await.expect("its end");
        }
        let after = resident();
        node.stop().await;
        let ends: Vec<String> = ends.into_iter().map(Option::unwrap_or_default).collect();
        let share = ends.iter().find(|end| end.parse::<f64>().is_ok()).cloned().unwrap_or_default();
        let figures: Vec<&str> = ends[0].split_whitespace().skip(1).collect();
        let [sent, lost, p50, p99] = *figures.first_chunk().unwrap_or(&["0", "0", "–", "–"]);
        let flood = ends.iter().find_map(|end| end.strip_prefix("end flood "));
        let flood = flood.and_then(|count| count.parse::<u32>().ok()).unwrap_or(0) / load.seconds;
        let name = load.name;
        format!(
            "| {name} | {sent}, {lost} | {p50}, {p99} | {share} % | {memory}, {after} | {flood} |\n"
        )
    })
}
