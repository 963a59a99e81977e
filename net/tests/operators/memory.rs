//! A node with little memory, and connections that hold as much of it as they can.

use std::fs;

use futures::{
    AsyncReadExt, AsyncWriteExt,
    future::{select_all, try_join_all},
};
use libp2p::core::muxing::SubstreamBox;
use tokio::time::timeout;

use crate::{
    process::{PATIENCE, Process, command, folder},
    raw::{HEADER, Raw, proposal, to_end},
};

/// What a stream may have unread.
const WINDOW: usize = 256 << 10;
/// Streams that are looked at at a time before their protocol is known.
const NEGOTIATING: usize = 16;

/// Memory of a process in bytes.
fn resident(node: &Process) -> usize {
    let path = format!("/proc/{}/status", node.id().as_raw_nonzero());
    let status = fs::read_to_string(path).expect("running");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// Keeps the streams busy that are looked at, and fills the windows of as many others.
async fn hoard(raw: &mut Raw) -> Vec<SubstreamBox> {
    let mut streams = Vec::new();
    for _ in 0..NEGOTIATING {
        let mut stream = raw.stream();
        stream.write_all(HEADER).await.expect("open");
        stream.flush().await.expect("open");
        stream.read_exact(&mut [0; HEADER.len()]).await.expect("its turn");
        streams.push(stream);
    }
    let filled = (0..NEGOTIATING).map(|_| {
        let mut stream = raw.stream();
        async move {
            stream.write_all(&vec![0; WINDOW]).await?;
            stream.flush().await?;
            std::io::Result::Ok(stream)
        }
    });
    // The node may have enough of it before that.
    streams.extend(try_join_all(filled).await.unwrap_or_default());
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_too_much_memory_closes_who_holds_most_and_serves_the_others() {
    const HOARDERS: usize = 16;
    let folder = folder("memory");
    let node = Process::start(&folder, &[]).await;
    let usual = resident(&node);
    node.kill().await;
    let limit = usual + (24 << 20);
    let mut command = command(&folder, &[]);
    command.env("LTMS_LIMITS_MEMORY", limit.to_string());
    let node = Process::run(&folder, command).await;
    let mut honest = Raw::with_streams(&node.address, 1).await;
    let mut hoarders = Vec::new();
    for _ in 0..HOARDERS {
        hoarders.push(Raw::with_streams(&node.address, 2 * NEGOTIATING).await);
    }
    let mut held = Vec::new();
    for hoarder in &mut hoarders {
        held.push(hoard(hoarder).await);
    }
    let most = resident(&node);
    node.log.says("too much memory: closed the connection that holds most").await;
    let ended = select_all(hoarders.iter_mut().map(|hoarder| Box::pin(hoarder.ended())));
    timeout(PATIENCE, ended).await.expect("closed");
    // Whoever holds nothing goes on as before.
    let mut stream = honest.stream();
    let asked = [&proposal("/ltms/direct/1")[..], &[0, 0, 0, 2, 0x81, 0]].concat();
    stream.write_all(&asked).await.expect("open");
    stream.flush().await.expect("open");
    let answer = timeout(PATIENCE, to_end(&mut stream)).await.expect("in time");
    assert!(answer.len() > proposal("/ltms/direct/1").len() + 32, "{answer:?}");
    assert!(honest.is_open());
    let closed = hoarders.iter().filter(|hoarder| !hoarder.is_open()).count();
    println!(
        "{HOARDERS} connections sent {} KiB each that nobody read: {} KiB before, {} KiB with them, \
         the limit {} KiB; {closed} closed so far, the one that holds nothing was served",
        (NEGOTIATING * WINDOW) >> 10,
        usual >> 10,
        most >> 10,
        limit >> 10
    );
    assert!(node.health().await.starts_with("ok\n"));
}
