//! A lotusd over a made chain, on which something happens at each look.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use futures::FutureExt;
use ltms_core::chain::Transaction;
use ltms_core::{OutPoint, Txid};
use ltms_net::chain::{ChainSource, DevChain};
use serde_json::{Value, json};

const COOKIE: &str = "__cookie__:0123456789abcdef";
/// The same in base64.
const LOGIN: &str = "Basic X19jb29raWVfXzowMTIzNDU2Nzg5YWJjZGVm";

type Step = Box<dyn FnOnce(&DevChain, &mut Vec<Vec<u8>>) + Send>;

#[derive(Default)]
struct State {
    mempool: Vec<Vec<u8>>,
    steps: VecDeque<Step>,
}

/// It runs until the test's process ends.
pub(crate) struct Lotusd {
    pub(crate) url: String,
    pub(crate) chain: Arc<DevChain>,
    state: Arc<Mutex<State>>,
    cookie: String,
}

impl Lotusd {
    /// With the recorded chain, and its cookie in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let chain = Arc::new(DevChain::recorded().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cookie = folder.join("cookie");
        fs::write(&cookie, COOKIE).unwrap();
        let shared = (chain.clone(), state.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (chain, state) = shared.clone();
                thread::spawn(move || serve(&stream.unwrap(), &chain, &state));
            }
        });
        Self { url, chain, state, cookie: cookie.to_str().unwrap().to_owned() }
    }

    /// What happens each time before somebody is told the tip.
    pub(crate) fn then(
        &self,
        step: impl FnOnce(&DevChain, &mut Vec<Vec<u8>>) + Send + 'static,
    ) -> &Self {
        self.state.lock().unwrap().steps.push_back(Box::new(step));
        self
    }

    /// Mines a transaction, so that it has so many confirmations.
    pub(crate) fn mine(&self, raw: &[u8], confirmations: u32) -> OutPoint {
        self.chain.mine(&[raw.to_vec()]).unwrap();
        self.chain.mine_empty(confirmations - 1).unwrap();
        OutPoint { txid: Transaction::parse(raw).unwrap().txid(), vout: 0 }
    }

    /// The flags with which a command asks it.
    pub(crate) fn flags(&self) -> [&str; 6] {
        ["--network", "reg", "--lotusd", &self.url, "--cookie-file", &self.cookie]
    }
}

fn serve(stream: &TcpStream, chain: &DevChain, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut login) = (0, String::new());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap();
                }
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                    value.clone_into(&mut login);
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, answer) = if login == LOGIN {
            let mut state = state.lock().unwrap();
            match serde_json::from_slice(&body).unwrap() {
                Value::Array(calls) => {
                    let answers = calls.iter().map(|call| reply(call, chain, &mut state)).collect();
                    (200, Value::Array(answers).to_string())
                }
                call => {
                    let answer = reply(&call, chain, &mut state);
                    (if answer["error"].is_null() { 200 } else { 500 }, answer.to_string())
                }
            }
        } else {
            (401, String::new())
        };
        let head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n\r\n", answer.len());
        (&*stream).write_all((head + &answer).as_bytes()).ok()?;
    }
}

fn reply(call: &Value, chain: &DevChain, state: &mut State) -> Value {
    match result(call, chain, state) {
        Some(result) => json!({ "result": result, "error": null, "id": call["id"] }),
        None => {
            let error = json!({ "code": -5, "message": "not found" });
            json!({ "result": null, "error": error, "id": call["id"] })
        }
    }
}

fn result(call: &Value, chain: &DevChain, state: &mut State) -> Option<Value> {
    if call["method"] == "getblockchaininfo"
        && let Some(step) = state.steps.pop_front()
    {
        step(chain, &mut state.mempool);
    }
    let tip = chain.tip().now_or_never().unwrap().unwrap();
    let argument = call["params"][0].as_str();
    let block = || chain.raw_block(argument.unwrap().parse().unwrap());
    match (call["method"].as_str().unwrap(), &call["params"][1]) {
        ("getblockchaininfo", _) => Some(json!({
            "chain": "regtest",
            "blocks": tip.height.get(),
            "bestblockhash": tip.hash.to_string(),
            "initialblockdownload": false,
        })),
        ("getblockheader", Value::Bool(true)) => {
            let header = chain.header(argument.unwrap().parse().unwrap());
            let height = header.now_or_never().unwrap().unwrap()?.height();
            Some(json!({ "confirmations": tip.height.get() - height.get() + 1 }))
        }
        ("getblockheader", _) => Some(hex::encode(&block()?[..160]).into()),
        ("getblock", _) => Some(hex::encode(block()?).into()),
        ("getrawtransaction", _) => {
            let txid: Txid = argument.unwrap().parse().unwrap();
            if let Some(mined) = chain.transaction(txid).now_or_never().unwrap().unwrap() {
                let block = mined.block.to_string();
                return Some(json!({ "hex": hex::encode(mined.raw), "blockhash": block }));
            }
            let is = |raw: &&Vec<u8>| Transaction::parse(raw).unwrap().txid() == txid;
            state.mempool.iter().find(is).map(|raw| json!({ "hex": hex::encode(raw) }))
        }
        other => panic!("not expected: {other:?}"),
    }
}
