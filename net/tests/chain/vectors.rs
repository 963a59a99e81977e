//! What a lotusd answered, and the blocks it had.

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc, sync::Mutex};

use ltms_core::hash::sha256;
use ltms_core::{BlockHash, Network, Txid};
use ltms_net::chain::{Credentials, HttpOptions, LotusdRpc};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::server::{Reply, Request, Server};

/// The registration A, in block 121.
pub(crate) const A: &str = "f14f544fb8ec001ac14f6219fe56aa4e5a02cd7000e9b334ecd1b545d9f16625";
pub(crate) const BLOCK_121: &str =
    "6a81ccf944cd69cad9daa560807d3e5da77882a28589e7680d0530b92a9564bb";
pub(crate) const TIP: &str = "7781791dbe7c595e26cc875c06089ed7f56a45c0336b0bca5fa3b2bcaca7e843";

pub(crate) fn txid(text: &str) -> Txid {
    text.parse().unwrap()
}

pub(crate) fn hash(text: &str) -> BlockHash {
    text.parse().unwrap()
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors")).join(name)
}

/// A file of the vectors, as the manifest knows it.
pub(crate) fn read(name: &str) -> Value {
    let bytes = fs::read(folder(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest[name]["sha256"], hex::encode(sha256(&[&bytes])), "{name} was changed");
    serde_json::from_slice(&bytes).unwrap()
}

/// The raw blocks 121 to 126 and 187, with their hashes.
pub(crate) fn raw_blocks() -> Vec<(BlockHash, Vec<u8>)> {
    let root: Value = serde_json::from_str(include_str!("../../data/regtest.json")).unwrap();
    let block = |block: &Value| {
        (
            hash(block["hash"].as_str().unwrap()),
            hex::decode(block["raw"].as_str().unwrap()).unwrap(),
        )
    };
    root["blocks"].as_array().unwrap().iter().map(block).collect()
}

pub(crate) fn raw_block(name: &str) -> Vec<u8> {
    raw_blocks().into_iter().find(|(found, _)| *found == hash(name)).unwrap().1
}

/// A request and what was answered: status and body.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) params: Value,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Recorded {
    fn new(request: &Value, status: &Value, body: &Value) -> Self {
        Self {
            method: request["method"].as_str().unwrap().to_owned(),
            params: request["params"].clone(),
            status: status.as_u64().unwrap() as u16,
            body: body.as_str().unwrap().to_owned(),
        }
    }

    /// The body with the id of a request in place of the recorded one.
    fn body_for(&self, id: &Value) -> String {
        self.body.replace(r#""id":"t""#, &format!(r#""id":{id}"#))
    }
}

/// Every recorded answer.
pub(crate) fn recorded() -> Vec<Recorded> {
    let mut recorded = Vec::new();
    for entry in fs::read_dir(folder("regtest")).unwrap() {
        let name = format!("regtest/{}", entry.unwrap().file_name().into_string().unwrap());
        if !name.ends_with(".json") {
            continue;
        }
        let file = read(&name);
        if file["request"].is_object() {
            let answer = (&file["http_status"], &file["response_body"]);
            recorded.push(Recorded::new(&file["request"], answer.0, answer.1));
        }
    }
    for error in read("regtest/rpc_errors.json").as_object().unwrap().values() {
        recorded.push(Recorded::new(&error["request"], &error["result"][0], &error["result"][1]));
    }
    assert_eq!(recorded.len(), 36);
    recorded
}

/// A lotusd that answers as recorded, unless told otherwise.
pub(crate) struct Node {
    answers: Arc<Mutex<HashMap<(String, String), Recorded>>>,
    pub(crate) server: Server,
}

impl Node {
    pub(crate) async fn start() -> Self {
        let key = |recorded: &Recorded| (recorded.method.clone(), recorded.params.to_string());
        let mut answers: HashMap<_, _> =
            recorded().into_iter().map(|recorded| (key(&recorded), recorded)).collect();
        // What was not recorded as an answer, but as the block.
        for (hash, raw) in raw_blocks() {
            let (header, block) = (hex::encode(&raw[..160]), hex::encode(&raw));
            for (method, argument, result) in
                [("getblockheader", json!(false), header), ("getblock", json!(0), block)]
            {
                let recorded = Recorded {
                    method: method.to_owned(),
                    params: json!([hash.to_string(), argument]),
                    status: 200,
                    body: format!(r#"{{"result":"{result}","error":null,"id":"t"}}"#),
                };
                answers.insert(key(&recorded), recorded);
            }
        }
        let answers = Arc::new(Mutex::new(answers));
        let shared = Arc::clone(&answers);
        let server = Server::start(move |request| answer(&shared.lock().unwrap(), request)).await;
        Self { answers, server }
    }

    /// Answers such a request with this recording, also where there are several of it.
    pub(crate) fn replay(&self, recorded: &Recorded) {
        let key = (recorded.method.clone(), recorded.params.to_string());
        self.answers.lock().unwrap().insert(key, recorded.clone());
    }

    /// Answers such a request with the recorded result after a change.
    pub(crate) fn change(&self, method: &str, params: &Value, change: impl FnOnce(&mut Value)) {
        let mut answers = self.answers.lock().unwrap();
        let recorded = answers.get_mut(&(method.to_owned(), params.to_string())).unwrap();
        let mut body: Value = serde_json::from_str(&recorded.body).unwrap();
        let before = body.clone();
        change(&mut body["result"]);
        assert_ne!(body, before, "nothing was changed");
        recorded.body = body.to_string();
    }

    /// Answers such a request with this error.
    pub(crate) fn fail(&self, method: &str, params: &Value, code: i64, message: &str) {
        let error = json!({ "code": code, "message": message });
        self.put(method, params, &json!({ "result": null, "error": error, "id": "t" }));
    }

    /// Answers such a request with this result.
    pub(crate) fn succeed(&self, method: &str, params: &Value, result: &Value) {
        self.put(method, params, &json!({ "result": result, "error": null, "id": "t" }));
    }

    fn put(&self, method: &str, params: &Value, body: &Value) {
        let status = if body["error"].is_null() { 200 } else { 500 };
        let (method, params, body) = (method.to_owned(), params.clone(), body.to_string());
        self.replay(&Recorded { method, params, status, body });
    }

    pub(crate) fn rpc(&self) -> LotusdRpc {
        rpc(&self.server.url, crate::server::patient())
    }
}

pub(crate) const PASSWORD: &str = "hunter2 hunter2";

pub(crate) fn rpc(url: &str, options: HttpOptions) -> LotusdRpc {
    let password = Zeroizing::new(PASSWORD.to_owned());
    let credentials = Credentials::password("user", &password).unwrap();
    LotusdRpc::new(url, credentials, Network::Reg, options).unwrap()
}

fn answer(answers: &HashMap<(String, String), Recorded>, request: &Request) -> Reply {
    let find = |request: &Value| {
        let method = request["method"].as_str().unwrap().to_owned();
        let found = answers.get(&(method, request["params"].to_string()));
        let found = found.unwrap_or_else(|| panic!("not recorded: {request}"));
        (found.status, found.body_for(&request["id"]))
    };
    let (status, body) = match serde_json::from_slice(&request.body).unwrap() {
        Value::Array(requests) => {
            // A batch is answered with 200 whatever is in it.
            let bodies: Vec<_> = requests.iter().map(|request| find(request).1).collect();
            (200, format!("[{}]", bodies.join(",")))
        }
        single => find(&single),
    };
    Reply::Answer(status, body.into_bytes())
}
